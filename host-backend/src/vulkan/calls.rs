//! Vulkan calls as values: what the executor decides, to be made by whoever plays them (see [`super::player`]).
//!
//! The frequent calls are variants with their arguments; the others are closures. All arguments are owned, so that a list of
//! calls can go to another thread.

use ash::vk;

use super::pipeline_pool::Making;

/// Dynamic offsets that fit into a call; programs with more dynamic buffers use the boxed variant.
pub const INLINE_OFFSETS: usize = 8;

/// A call that has no shape of its own.
type Closure = Box<dyn FnOnce(&ash::Device, vk::CommandBuffer) + Send>;

/// A call of a command buffer.
pub enum Call {
    BindPipeline(vk::PipelineBindPoint, vk::Pipeline),
    /// A pipeline that is not ready yet.
    BindMaking(vk::PipelineBindPoint, Making),
    BindSet {
        point: vk::PipelineBindPoint,
        layout: vk::PipelineLayout,
        set: vk::DescriptorSet,
        count: u32,
        offsets: [u32; INLINE_OFFSETS],
    },
    BindVertexBuffer {
        slot: u32,
        buffer: vk::Buffer,
        offset: u64,
        size: u64,
        stride: u64,
    },
    BindIndexBuffer {
        buffer: vk::Buffer,
        offset: u64,
        kind: vk::IndexType,
    },
    Draw {
        vertices: u32,
        instances: u32,
        first_vertex: u32,
        first_instance: u32,
    },
    DrawIndexed {
        indices: u32,
        instances: u32,
        first_index: u32,
        vertex_offset: i32,
        first_instance: u32,
    },
    Other(Closure),
}

// A cache line: a draw with its usual state is four of them.
const _: () = assert!(size_of::<Call>() <= 64);

impl Call {
    /// Makes the call.
    ///
    /// # Errors
    /// Why a pipeline could not be made; nothing may be drawn then.
    #[inline]
    pub fn play(self, device: &ash::Device, to: vk::CommandBuffer) -> Result<(), vk::Result> {
        match self {
            Self::BindPipeline(point, pipeline) => {
                // SAFETY: see `cmd`.
                unsafe { device.cmd_bind_pipeline(to, point, pipeline) }
            }
            Self::BindMaking(point, making) => {
                let pipeline = making.wait()?;
                // SAFETY: see `cmd`.
                unsafe { device.cmd_bind_pipeline(to, point, pipeline) }
            }
            Self::BindSet { point, layout, set, count, offsets } => {
                let offsets = offsets.get(..count as usize).unwrap_or_default();
                // SAFETY: see `cmd`.
                unsafe { device.cmd_bind_descriptor_sets(to, point, layout, 0, &[set], offsets) }
            }
            Self::BindVertexBuffer { slot, buffer, offset, size, stride } => {
                let (sizes, strides) = ([size], [stride]);
                // SAFETY: see `cmd`.
                unsafe {
                    device.cmd_bind_vertex_buffers2(
                        to,
                        slot,
                        &[buffer],
                        &[offset],
                        Some(&sizes),
                        Some(&strides),
                    )
                }
            }
            Self::BindIndexBuffer { buffer, offset, kind } => {
                // SAFETY: see `cmd`.
                unsafe { device.cmd_bind_index_buffer(to, buffer, offset, kind) }
            }
            Self::Draw { vertices, instances, first_vertex, first_instance } => {
                // SAFETY: see `cmd`.
                unsafe { device.cmd_draw(to, vertices, instances, first_vertex, first_instance) }
            }
            Self::DrawIndexed { indices, instances, first_index, vertex_offset, first_instance } => {
                // SAFETY: see `cmd`.
                unsafe {
                    device.cmd_draw_indexed(
                        to,
                        indices,
                        instances,
                        first_index,
                        vertex_offset,
                        first_instance,
                    )
                }
            }
            Self::Other(call) => call(device, to),
        }
        Ok(())
    }
}
