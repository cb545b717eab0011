//! A command buffer being recorded: `vkCmd*` with the arguments that this crate uses.
//!
//! One place for the reasons why recording is sound: the buffer is in the recording state (the recorder hands out a [`Cmd`]
//! only then); every handle is alive and stays so until the submission has finished (see [`super::trash`]); offsets and
//! extents were checked by the decoder. Whether a call is legal at this point (inside or outside rendering) is the
//! caller's to know, and the validation layers' to check in tests.

use ash::vk;

use super::Device;

/// A command buffer in the recording state.
#[derive(Clone, Copy)]
pub struct Cmd<'d> {
    pub device: &'d Device,
    pub buffer: vk::CommandBuffer,
}

/// Defines methods that forward to the `vkCmd*` function of the same name.
macro_rules! forward {
    ($($name:ident => $call:ident($($arg:ident: $ty:ty),* $(,)?);)+) => {$(
        #[inline]
        pub fn $name(self, $($arg: $ty),*) {
            // SAFETY: see the module.
            unsafe { self.device.raw.$call(self.buffer, $($arg),*) }
        }
    )+};
}

impl Cmd<'_> {
    forward! {
        barrier => cmd_pipeline_barrier2(info: &vk::DependencyInfo<'_>);
        begin_rendering => cmd_begin_rendering(info: &vk::RenderingInfo<'_>);
        end_rendering => cmd_end_rendering();
        clear_attachments => cmd_clear_attachments(clears: &[vk::ClearAttachment], rects: &[vk::ClearRect]);
        clear_color_image => cmd_clear_color_image(image: vk::Image, layout: vk::ImageLayout, color: &vk::ClearColorValue, ranges: &[vk::ImageSubresourceRange]);
        clear_depth_stencil_image => cmd_clear_depth_stencil_image(image: vk::Image, layout: vk::ImageLayout, value: &vk::ClearDepthStencilValue, ranges: &[vk::ImageSubresourceRange]);
        fill_buffer => cmd_fill_buffer(buffer: vk::Buffer, offset: u64, size: u64, value: u32);
        copy_buffer => cmd_copy_buffer(src: vk::Buffer, dst: vk::Buffer, regions: &[vk::BufferCopy]);
        copy_buffer_to_image => cmd_copy_buffer_to_image(src: vk::Buffer, dst: vk::Image, layout: vk::ImageLayout, regions: &[vk::BufferImageCopy]);
        copy_image_to_buffer => cmd_copy_image_to_buffer(src: vk::Image, layout: vk::ImageLayout, dst: vk::Buffer, regions: &[vk::BufferImageCopy]);
        copy_image => cmd_copy_image(src: vk::Image, src_layout: vk::ImageLayout, dst: vk::Image, dst_layout: vk::ImageLayout, regions: &[vk::ImageCopy]);
        blit_image => cmd_blit_image(src: vk::Image, src_layout: vk::ImageLayout, dst: vk::Image, dst_layout: vk::ImageLayout, regions: &[vk::ImageBlit], filter: vk::Filter);
        resolve_image => cmd_resolve_image(src: vk::Image, src_layout: vk::ImageLayout, dst: vk::Image, dst_layout: vk::ImageLayout, regions: &[vk::ImageResolve]);
        bind_pipeline => cmd_bind_pipeline(point: vk::PipelineBindPoint, pipeline: vk::Pipeline);
        bind_descriptor_sets => cmd_bind_descriptor_sets(point: vk::PipelineBindPoint, layout: vk::PipelineLayout, first: u32, sets: &[vk::DescriptorSet], offsets: &[u32]);
        bind_index_buffer => cmd_bind_index_buffer(buffer: vk::Buffer, offset: u64, kind: vk::IndexType);
        set_viewports => cmd_set_viewport_with_count(viewports: &[vk::Viewport]);
        set_scissors => cmd_set_scissor_with_count(scissors: &[vk::Rect2D]);
        set_blend_constants => cmd_set_blend_constants(constants: &[f32; 4]);
        set_stencil_reference => cmd_set_stencil_reference(faces: vk::StencilFaceFlags, reference: u32);
        set_stencil_compare_mask => cmd_set_stencil_compare_mask(faces: vk::StencilFaceFlags, mask: u32);
        set_stencil_write_mask => cmd_set_stencil_write_mask(faces: vk::StencilFaceFlags, mask: u32);
        set_depth_bias => cmd_set_depth_bias(constant: f32, clamp: f32, slope: f32);
        set_cull_mode => cmd_set_cull_mode(mode: vk::CullModeFlags);
        set_front_face => cmd_set_front_face(face: vk::FrontFace);
        set_topology => cmd_set_primitive_topology(topology: vk::PrimitiveTopology);
        set_restart => cmd_set_primitive_restart_enable(enable: bool);
        set_depth_test => cmd_set_depth_test_enable(enable: bool);
        set_depth_write => cmd_set_depth_write_enable(enable: bool);
        set_depth_compare => cmd_set_depth_compare_op(op: vk::CompareOp);
        set_depth_bias_enable => cmd_set_depth_bias_enable(enable: bool);
        set_stencil_test => cmd_set_stencil_test_enable(enable: bool);
        set_stencil_op => cmd_set_stencil_op(faces: vk::StencilFaceFlags, fail: vk::StencilOp, pass: vk::StencilOp, depth_fail: vk::StencilOp, compare: vk::CompareOp);
        draw => cmd_draw(vertices: u32, instances: u32, first_vertex: u32, first_instance: u32);
        draw_indexed => cmd_draw_indexed(indices: u32, instances: u32, first_index: u32, vertex_offset: i32, first_instance: u32);
        draw_indirect => cmd_draw_indirect(buffer: vk::Buffer, offset: u64, count: u32, stride: u32);
        draw_indexed_indirect => cmd_draw_indexed_indirect(buffer: vk::Buffer, offset: u64, count: u32, stride: u32);
        dispatch => cmd_dispatch(x: u32, y: u32, z: u32);
        dispatch_indirect => cmd_dispatch_indirect(buffer: vk::Buffer, offset: u64);
        begin_query => cmd_begin_query(pool: vk::QueryPool, query: u32, flags: vk::QueryControlFlags);
        end_query => cmd_end_query(pool: vk::QueryPool, query: u32);
        write_timestamp => cmd_write_timestamp2(stage: vk::PipelineStageFlags2, pool: vk::QueryPool, query: u32);
    }

    /// Binds vertex buffers with sizes and strides; the slices have one length.
    pub fn bind_vertex_buffers(
        self,
        first: u32,
        buffers: &[vk::Buffer],
        offsets: &[u64],
        sizes: &[u64],
        strides: &[u64],
    ) {
        // SAFETY: see the module.
        unsafe {
            self.device.raw.cmd_bind_vertex_buffers2(
                self.buffer,
                first,
                buffers,
                offsets,
                Some(sizes),
                Some(strides),
            );
        }
    }

    /// Makes all writes so far available to everything that follows.
    pub fn full_barrier(self) {
        let barrier = [vk::MemoryBarrier2::default()
            .src_stage_mask(vk::PipelineStageFlags2::ALL_COMMANDS)
            .src_access_mask(vk::AccessFlags2::MEMORY_WRITE)
            .dst_stage_mask(vk::PipelineStageFlags2::ALL_COMMANDS)
            .dst_access_mask(vk::AccessFlags2::MEMORY_READ | vk::AccessFlags2::MEMORY_WRITE)];
        self.barrier(&vk::DependencyInfo::default().memory_barriers(&barrier));
    }

    /// Makes all writes so far visible to the CPU, which waits for the submission.
    pub fn host_barrier(self) {
        let barrier = [vk::MemoryBarrier2::default()
            .src_stage_mask(vk::PipelineStageFlags2::ALL_COMMANDS)
            .src_access_mask(vk::AccessFlags2::MEMORY_WRITE)
            .dst_stage_mask(vk::PipelineStageFlags2::HOST)
            .dst_access_mask(vk::AccessFlags2::HOST_READ)];
        self.barrier(&vk::DependencyInfo::default().memory_barriers(&barrier));
    }

    /// Brings a new image into the layout that it keeps.
    pub fn initialise_image(self, image: vk::Image, aspects: vk::ImageAspectFlags) {
        let barrier = [vk::ImageMemoryBarrier2::default()
            .dst_stage_mask(vk::PipelineStageFlags2::ALL_TRANSFER)
            .dst_access_mask(vk::AccessFlags2::TRANSFER_WRITE)
            .old_layout(vk::ImageLayout::UNDEFINED)
            .new_layout(vk::ImageLayout::GENERAL)
            .src_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
            .dst_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
            .image(image)
            .subresource_range(whole(aspects))];
        self.barrier(&vk::DependencyInfo::default().image_memory_barriers(&barrier));
    }
}

/// All mips and slices of an image.
pub fn whole(aspects: vk::ImageAspectFlags) -> vk::ImageSubresourceRange {
    vk::ImageSubresourceRange {
        aspect_mask: aspects,
        base_mip_level: 0,
        level_count: vk::REMAINING_MIP_LEVELS,
        base_array_layer: 0,
        layer_count: vk::REMAINING_ARRAY_LAYERS,
    }
}
