//! A command buffer being recorded: `vkCmd*` with the arguments that this crate uses.
//!
//! Nothing is called here: each method adds a [`Call`] to the command buffer's list, which another thread plays (see
//! [`super::player`]).
//!
//! One place for the reasons why recording is sound: the buffer is in the recording state when its calls are played; every
//! handle is alive and stays so until the submission has finished (see [`super::trash`]); offsets and extents were checked by
//! the decoder. Whether a call is legal at this point (inside or outside rendering) is the caller's to know, and the
//! validation layers' to check in tests.

use std::rc::Rc;

use ash::vk;

use super::Device;
use super::calls::{Call, INLINE_OFFSETS};
use super::pipeline_pool::Making;
use super::player::List;

/// A command buffer in the recording state.
#[derive(Clone)]
pub struct Cmd<'d> {
    device: &'d Device,
    list: Rc<List>,
}

/// The type of an argument: `[T]` stands for a slice.
macro_rules! argument {
    ([$ty:ty]) => {
        &[$ty]
    };
    (($ty:ty)) => {
        $ty
    };
}

/// An argument to be kept.
macro_rules! keep {
    ($name:ident [$ty:ty]) => {
        $name.to_vec()
    };
    ($name:ident ($ty:ty)) => {
        $name
    };
}

/// A kept argument as the call takes it.
macro_rules! lend {
    ($name:ident [$ty:ty]) => {
        &$name
    };
    ($name:ident (&$ty:ty)) => {
        &$name
    };
    ($name:ident ($ty:ty)) => {
        $name
    };
}

/// Defines methods that have the `vkCmd*` function of the same name called.
macro_rules! forward {
    ($($name:ident => $call:ident($($arg:ident: $ty:tt),* $(,)?);)+) => {$(
        pub fn $name(&self, $($arg: argument!($ty)),*) {
            $(let $arg = keep!($arg $ty);)*
            self.list.push(Call::Other(Box::new(move |device, buffer| {
                // SAFETY: see the module.
                unsafe { device.$call(buffer, $(lend!($arg $ty)),*) }
            })));
        }
    )+};
}

impl<'d> Cmd<'d> {
    /// The command buffer that gets a list's calls.
    #[inline]
    pub fn new(device: &'d Device, list: Rc<List>) -> Self {
        Self { device, list }
    }

    forward! {
        clear_attachments => cmd_clear_attachments(clears: [vk::ClearAttachment], rects: [vk::ClearRect]);
        fill_buffer => cmd_fill_buffer(buffer: (vk::Buffer), offset: (u64), size: (u64), value: (u32));
        copy_buffer => cmd_copy_buffer(src: (vk::Buffer), dst: (vk::Buffer), regions: [vk::BufferCopy]);
        copy_buffer_to_image => cmd_copy_buffer_to_image(src: (vk::Buffer), dst: (vk::Image), layout: (vk::ImageLayout), regions: [vk::BufferImageCopy]);
        copy_image_to_buffer => cmd_copy_image_to_buffer(src: (vk::Image), layout: (vk::ImageLayout), dst: (vk::Buffer), regions: [vk::BufferImageCopy]);
        copy_image => cmd_copy_image(src: (vk::Image), src_layout: (vk::ImageLayout), dst: (vk::Image), dst_layout: (vk::ImageLayout), regions: [vk::ImageCopy]);
        blit_image => cmd_blit_image(src: (vk::Image), src_layout: (vk::ImageLayout), dst: (vk::Image), dst_layout: (vk::ImageLayout), regions: [vk::ImageBlit], filter: (vk::Filter));
        resolve_image => cmd_resolve_image(src: (vk::Image), src_layout: (vk::ImageLayout), dst: (vk::Image), dst_layout: (vk::ImageLayout), regions: [vk::ImageResolve]);
        end_rendering => cmd_end_rendering();
        set_viewports => cmd_set_viewport_with_count(viewports: [vk::Viewport]);
        set_scissors => cmd_set_scissor_with_count(scissors: [vk::Rect2D]);
        set_stencil_reference => cmd_set_stencil_reference(faces: (vk::StencilFaceFlags), reference: (u32));
        set_stencil_compare_mask => cmd_set_stencil_compare_mask(faces: (vk::StencilFaceFlags), mask: (u32));
        set_stencil_write_mask => cmd_set_stencil_write_mask(faces: (vk::StencilFaceFlags), mask: (u32));
        set_depth_bias => cmd_set_depth_bias(constant: (f32), clamp: (f32), slope: (f32));
        set_cull_mode => cmd_set_cull_mode(mode: (vk::CullModeFlags));
        set_front_face => cmd_set_front_face(face: (vk::FrontFace));
        set_topology => cmd_set_primitive_topology(topology: (vk::PrimitiveTopology));
        set_restart => cmd_set_primitive_restart_enable(enable: (bool));
        set_depth_test => cmd_set_depth_test_enable(enable: (bool));
        set_depth_write => cmd_set_depth_write_enable(enable: (bool));
        set_depth_compare => cmd_set_depth_compare_op(op: (vk::CompareOp));
        set_depth_bias_enable => cmd_set_depth_bias_enable(enable: (bool));
        set_rasterizer_discard => cmd_set_rasterizer_discard_enable(enable: (bool));
        set_stencil_test => cmd_set_stencil_test_enable(enable: (bool));
        set_stencil_op => cmd_set_stencil_op(faces: (vk::StencilFaceFlags), fail: (vk::StencilOp), pass: (vk::StencilOp), depth_fail: (vk::StencilOp), compare: (vk::CompareOp));
        draw_indirect => cmd_draw_indirect(buffer: (vk::Buffer), offset: (u64), count: (u32), stride: (u32));
        draw_indexed_indirect => cmd_draw_indexed_indirect(buffer: (vk::Buffer), offset: (u64), count: (u32), stride: (u32));
        dispatch => cmd_dispatch(x: (u32), y: (u32), z: (u32));
        dispatch_indirect => cmd_dispatch_indirect(buffer: (vk::Buffer), offset: (u64));
        begin_query => cmd_begin_query(pool: (vk::QueryPool), query: (u32), flags: (vk::QueryControlFlags));
        end_query => cmd_end_query(pool: (vk::QueryPool), query: (u32));
        write_timestamp => cmd_write_timestamp2(stage: (vk::PipelineStageFlags2), pool: (vk::QueryPool), query: (u32));
    }

    /// Adds a call that has no method of its own.
    pub fn call(&self, call: impl FnOnce(&ash::Device, vk::CommandBuffer) + Send + 'static) {
        self.list.push(Call::Other(Box::new(call)));
    }

    #[inline]
    pub fn draw(&self, vertices: u32, instances: u32, first_vertex: u32, first_instance: u32) {
        self.list.push(Call::Draw { vertices, instances, first_vertex, first_instance });
    }

    #[inline]
    pub fn draw_indexed(
        &self,
        indices: u32,
        instances: u32,
        first_index: u32,
        vertex_offset: i32,
        first_instance: u32,
    ) {
        self.list.push(Call::DrawIndexed { indices, instances, first_index, vertex_offset, first_instance });
    }

    /// Binds a pipeline that may not be ready; whoever plays the call waits for it.
    pub fn bind_making(&self, point: vk::PipelineBindPoint, making: Making) {
        self.list.push(match making.ready() {
            Some(pipeline) => Call::BindPipeline(point, pipeline),
            None => Call::BindMaking(point, making),
        });
    }

    /// Binds set 0 with its dynamic offsets.
    #[inline]
    pub fn bind_set(
        &self,
        point: vk::PipelineBindPoint,
        layout: vk::PipelineLayout,
        set: vk::DescriptorSet,
        offsets: &[u32],
    ) {
        let mut inline = [0; INLINE_OFFSETS];
        match inline.get_mut(..offsets.len()) {
            Some(to) => {
                to.copy_from_slice(offsets);
                // CAST: at most 8.
                let count = offsets.len() as u32;
                self.list.push(Call::BindSet { point, layout, set, count, offsets: inline });
            }
            None => {
                let offsets = offsets.to_vec();
                self.call(move |device, buffer| {
                    // SAFETY: see the module.
                    unsafe { device.cmd_bind_descriptor_sets(buffer, point, layout, 0, &[set], &offsets) }
                });
            }
        }
    }

    /// Sets push constants from the first byte on.
    pub fn push_constants(&self, layout: vk::PipelineLayout, stages: vk::ShaderStageFlags, bytes: &[u8]) {
        let bytes: Box<[u8]> = bytes.into();
        self.call(move |device, buffer| {
            // SAFETY: see the module.
            unsafe { device.cmd_push_constants(buffer, layout, stages, 0, &bytes) }
        });
    }

    #[inline]
    pub fn bind_index_buffer(&self, buffer: vk::Buffer, offset: u64, kind: vk::IndexType) {
        self.list.push(Call::BindIndexBuffer { buffer, offset, kind });
    }

    /// Binds vertex buffers with sizes, and with strides unless the pipeline has them; the slices have one length.
    pub fn bind_vertex_buffers(
        &self,
        first: u32,
        buffers: &[vk::Buffer],
        offsets: &[u64],
        sizes: &[u64],
        strides: Option<&[u64]>,
    ) {
        if let ([buffer], [offset], [size], Some([stride])) = (buffers, offsets, sizes, strides) {
            let (buffer, offset, size, stride) = (*buffer, *offset, *size, *stride);
            self.list.push(Call::BindVertexBuffer { slot: first, buffer, offset, size, stride });
            return;
        }
        let (buffers, offsets) = (buffers.to_vec(), offsets.to_vec());
        let (sizes, strides) = (sizes.to_vec(), strides.map(<[u64]>::to_vec));
        self.call(move |device, to| {
            let strides = strides.as_deref();
            // SAFETY: see the module.
            unsafe { device.cmd_bind_vertex_buffers2(to, first, &buffers, &offsets, Some(&sizes), strides) }
        });
    }

    pub fn clear_color_image(
        &self,
        image: vk::Image,
        layout: vk::ImageLayout,
        color: &vk::ClearColorValue,
        ranges: &[vk::ImageSubresourceRange],
    ) {
        let (color, ranges) = (*color, ranges.to_vec());
        self.call(move |device, buffer| {
            // SAFETY: see the module.
            unsafe { device.cmd_clear_color_image(buffer, image, layout, &color, &ranges) }
        });
    }

    pub fn clear_depth_stencil_image(
        &self,
        image: vk::Image,
        layout: vk::ImageLayout,
        value: &vk::ClearDepthStencilValue,
        ranges: &[vk::ImageSubresourceRange],
    ) {
        let (value, ranges) = (*value, ranges.to_vec());
        self.call(move |device, buffer| {
            // SAFETY: see the module.
            unsafe { device.cmd_clear_depth_stencil_image(buffer, image, layout, &value, &ranges) }
        });
    }

    pub fn set_blend_constants(&self, constants: &[f32; 4]) {
        let constants = *constants;
        self.call(move |device, buffer| {
            // SAFETY: see the module.
            unsafe { device.cmd_set_blend_constants(buffer, &constants) }
        });
    }

    /// Begins rendering.
    pub fn begin_rendering(&self, rendering: Rendering) {
        self.call(move |device, buffer| {
            let Kept(rendering) = &Kept(rendering);
            let mut info = vk::RenderingInfo::default()
                .render_area(vk::Rect2D { offset: vk::Offset2D::default(), extent: rendering.extent })
                .layer_count(rendering.layers)
                .color_attachments(&rendering.colors);
            if let Some(depth) = &rendering.depth {
                info = info.depth_attachment(depth);
            }
            if let Some(stencil) = &rendering.stencil {
                info = info.stencil_attachment(stencil);
            }
            // SAFETY: see the module.
            unsafe { device.cmd_begin_rendering(buffer, &info) }
        });
    }

    /// Begins a query of one vertex stream; without transform feedback there is none.
    pub fn begin_stream_query(&self, pool: vk::QueryPool, query: u32, stream: u32) {
        let Some(feedback) = &self.device.feedback else { return };
        let begin = feedback.fp().cmd_begin_query_indexed_ext;
        self.call(move |_, buffer| {
            // SAFETY: see the module.
            unsafe { begin(buffer, pool, query, vk::QueryControlFlags::empty(), stream) }
        });
    }

    /// Ends a query of one vertex stream.
    pub fn end_stream_query(&self, pool: vk::QueryPool, query: u32, stream: u32) {
        let Some(feedback) = &self.device.feedback else { return };
        let end = feedback.fp().cmd_end_query_indexed_ext;
        self.call(move |_, buffer| {
            // SAFETY: see the module.
            unsafe { end(buffer, pool, query, stream) }
        });
    }

    /// Binds a transform-feedback buffer.
    pub fn bind_feedback_buffer(&self, slot: u32, buffer: vk::Buffer, offset: u64, size: u64) {
        let Some(feedback) = &self.device.feedback else { return };
        let bind = feedback.fp().cmd_bind_transform_feedback_buffers_ext;
        self.call(move |_, to| {
            // SAFETY: see the module.
            unsafe { bind(to, slot, 1, &buffer, &offset, &size) }
        });
    }

    /// Begins transform feedback where the counters say.
    pub fn begin_feedback(&self, counters: &[vk::Buffer; 4], offsets: &[u64; 4]) {
        let Some(feedback) = &self.device.feedback else { return };
        let begin = feedback.fp().cmd_begin_transform_feedback_ext;
        let (counters, offsets) = (*counters, *offsets);
        self.call(move |_, buffer| {
            // SAFETY: see the module.
            unsafe { begin(buffer, 0, 4, counters.as_ptr(), offsets.as_ptr()) }
        });
    }

    /// Ends transform feedback and writes the counters.
    pub fn end_feedback(&self, counters: &[vk::Buffer; 4], offsets: &[u64; 4]) {
        let Some(feedback) = &self.device.feedback else { return };
        let end = feedback.fp().cmd_end_transform_feedback_ext;
        let (counters, offsets) = (*counters, *offsets);
        self.call(move |_, buffer| {
            // SAFETY: see the module.
            unsafe { end(buffer, 0, 4, counters.as_ptr(), offsets.as_ptr()) }
        });
    }

    /// Begins conditional rendering: what follows happens if the dword is not zero, or if it is when `inverted`.
    pub fn begin_conditional(&self, word: vk::Buffer, inverted: bool) {
        let Some(conditional) = &self.device.conditional else { return };
        let begin = conditional.fp().cmd_begin_conditional_rendering_ext;
        let flags = if inverted {
            vk::ConditionalRenderingFlagsEXT::INVERTED
        } else {
            vk::ConditionalRenderingFlagsEXT::empty()
        };
        self.call(move |_, buffer| {
            let info = vk::ConditionalRenderingBeginInfoEXT::default().buffer(word).offset(0).flags(flags);
            // SAFETY: see the module.
            unsafe { begin(buffer, &info) }
        });
    }

    /// Ends conditional rendering.
    pub fn end_conditional(&self) {
        let Some(conditional) = &self.device.conditional else { return };
        let end = conditional.fp().cmd_end_conditional_rendering_ext;
        self.call(move |_, buffer| {
            // SAFETY: see the module.
            unsafe { end(buffer) }
        });
    }

    /// Makes all writes so far available to everything that follows.
    pub fn full_barrier(&self) {
        self.memory_barrier(
            vk::PipelineStageFlags2::ALL_COMMANDS,
            vk::AccessFlags2::MEMORY_READ | vk::AccessFlags2::MEMORY_WRITE,
        );
    }

    /// Makes all writes so far visible to the CPU, which waits for the submission.
    pub fn host_barrier(&self) {
        self.memory_barrier(vk::PipelineStageFlags2::HOST, vk::AccessFlags2::HOST_READ);
    }

    fn memory_barrier(&self, stages: vk::PipelineStageFlags2, access: vk::AccessFlags2) {
        self.call(move |device, buffer| {
            let barrier = [vk::MemoryBarrier2::default()
                .src_stage_mask(vk::PipelineStageFlags2::ALL_COMMANDS)
                .src_access_mask(vk::AccessFlags2::MEMORY_WRITE)
                .dst_stage_mask(stages)
                .dst_access_mask(access)];
            let info = vk::DependencyInfo::default().memory_barriers(&barrier);
            // SAFETY: see the module.
            unsafe { device.cmd_pipeline_barrier2(buffer, &info) }
        });
    }

    /// Takes images over from whoever used them outside of this process.
    pub fn acquire_outside(&self, images: Vec<(vk::Image, vk::ImageAspectFlags)>, family: u32) {
        let (all, access) = EVERYTHING;
        let taken = images.iter().map(|image| {
            crossing(*image)
                .dst_stage_mask(all)
                .dst_access_mask(access)
                .src_queue_family_index(vk::QUEUE_FAMILY_EXTERNAL)
                .dst_queue_family_index(family)
        });
        self.image_barriers(taken.collect());
        let back = images.iter().map(|image| {
            crossing(*image)
                .src_stage_mask(all)
                .src_access_mask(access)
                .dst_stage_mask(all)
                .dst_access_mask(access)
                .old_layout(OUTSIDE)
                .new_layout(vk::ImageLayout::GENERAL)
        });
        self.image_barriers(back.collect());
    }

    /// Gives images away to whoever uses them outside of this process.
    pub fn release_outside(&self, images: Vec<(vk::Image, vk::ImageAspectFlags)>, family: u32) {
        let (all, access) = EVERYTHING;
        let given = images.iter().map(|image| {
            crossing(*image)
                .src_stage_mask(all)
                .src_access_mask(access)
                .src_queue_family_index(family)
                .dst_queue_family_index(vk::QUEUE_FAMILY_EXTERNAL)
        });
        self.image_barriers(given.collect());
    }

    fn image_barriers(&self, barriers: Vec<vk::ImageMemoryBarrier2<'static>>) {
        let barriers = Barriers(barriers);
        self.call(move |device, buffer| {
            let Barriers(barriers) = &{ barriers };
            let info = vk::DependencyInfo::default().image_memory_barriers(barriers);
            // SAFETY: see the module.
            unsafe { device.cmd_pipeline_barrier2(buffer, &info) }
        });
    }

    /// Brings a new image into the layout that it keeps.
    pub fn initialise_image(&self, image: vk::Image, aspects: vk::ImageAspectFlags) {
        self.call(move |device, buffer| {
            let barrier = [vk::ImageMemoryBarrier2::default()
                .dst_stage_mask(vk::PipelineStageFlags2::ALL_TRANSFER)
                .dst_access_mask(vk::AccessFlags2::TRANSFER_WRITE)
                .old_layout(vk::ImageLayout::UNDEFINED)
                .new_layout(vk::ImageLayout::GENERAL)
                .src_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
                .dst_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
                .image(image)
                .subresource_range(whole(aspects))];
            let info = vk::DependencyInfo::default().image_memory_barriers(&barrier);
            // SAFETY: see the module.
            unsafe { device.cmd_pipeline_barrier2(buffer, &info) }
        });
    }
}

/// Every stage, and all that it may do with memory.
const EVERYTHING: (vk::PipelineStageFlags2, vk::AccessFlags2) = (
    vk::PipelineStageFlags2::ALL_COMMANDS,
    vk::AccessFlags2::from_raw(
        vk::AccessFlags2::MEMORY_READ.as_raw() | vk::AccessFlags2::MEMORY_WRITE.as_raw(),
    ),
);

/// The layout of images that nobody here owns. It is none that images have here, so that an acquisition changes the layout: what
/// does not, tells nobody (the validation layers, for one) what layout the image has.
const OUTSIDE: vk::ImageLayout = vk::ImageLayout::TRANSFER_SRC_OPTIMAL;

/// One half of a transfer between this process and another. Both halves are of one pair of layouts, and there is one change.
fn crossing((image, aspects): (vk::Image, vk::ImageAspectFlags)) -> vk::ImageMemoryBarrier2<'static> {
    vk::ImageMemoryBarrier2::default()
        .old_layout(vk::ImageLayout::GENERAL)
        .new_layout(OUTSIDE)
        .src_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
        .dst_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
        .image(image)
        .subresource_range(whole(aspects))
}

/// Barriers on their way to whoever plays them.
struct Barriers(Vec<vk::ImageMemoryBarrier2<'static>>);

// SAFETY: the barriers point to nothing: their chains are empty, and everything else in them is plain data.
unsafe impl Send for Barriers {}

/// What a pass renders to.
pub struct Rendering {
    pub extent: vk::Extent2D,
    pub layers: u32,
    pub colors: Vec<vk::RenderingAttachmentInfo<'static>>,
    pub depth: Option<vk::RenderingAttachmentInfo<'static>>,
    pub stencil: Option<vk::RenderingAttachmentInfo<'static>>,
}

// SAFETY: the infos point to nothing: their chains are empty, and everything else in them is plain data.
unsafe impl Send for Rendering {}

/// Has a closure take the whole value, which is `Send`, and not its members.
struct Kept(Rendering);

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
