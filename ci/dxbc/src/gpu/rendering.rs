//! The commands of a draw: attachments, vertex buffers, transform feedback, queries.
#![expect(unsafe_code, reason = "Vulkan is a C interface")]

use std::ptr::null;

use ash::vk;

use super::bindings::Bindings;
use super::contents::{Format, Image};
use super::draw::{Draw, FEEDBACK_MARK, Primitives};
use super::image::DeviceImage;
use super::scope::{Buffer, Scope};

/// Bytes that a transform feedback query gives: primitives written and needed.
type FeedbackCount = [u64; 2];

/// Everything that a draw writes beside its bindings.
pub struct Attachments {
    targets: Vec<(Image, DeviceImage, vk::ImageView)>,
    depth: Option<(Image, DeviceImage, vk::ImageView)>,
    feedback: Vec<Buffer>,
}

impl Attachments {
    /// Makes them, uninitialised.
    pub fn new(scope: &Scope<'_>, draw: &Draw<'_>) -> Self {
        let make = |format, usage| {
            let shape = draw.attachment(format);
            let image = scope.device_image(&shape, usage);
            let view = view(scope, &shape, &image);
            (shape, image, view)
        };
        let color = vk::ImageUsageFlags::COLOR_ATTACHMENT;
        let targets = draw.targets.iter().map(|target| make(target.format, color)).collect();
        let depth =
            draw.depth.map(|_| make(Format::D32Sfloat, vk::ImageUsageFlags::DEPTH_STENCIL_ATTACHMENT));
        let usage = vk::BufferUsageFlags::TRANSFORM_FEEDBACK_BUFFER_EXT;
        let feedback = draw
            .feedback
            .iter()
            .map(|bytes| scope.buffer(&vec![FEEDBACK_MARK; bytes.div_ceil(4)], usage))
            .collect();
        Self { targets, depth, feedback }
    }

    /// Records the reading back of images. Barriers are the caller's.
    pub fn read_back(&mut self, scope: &Scope<'_>) {
        for (shape, image, _) in self.targets.iter_mut().chain(&mut self.depth) {
            scope.read_back(shape, image);
        }
    }

    /// The targets and the depth buffer, once the run has been waited for.
    pub fn texels(&self) -> (Vec<Image>, Option<Image>) {
        let filled = |(shape, image, _): &(Image, DeviceImage, vk::ImageView)| {
            let texels = image.texels(shape);
            Image { texels, ..shape.clone() }
        };
        (self.targets.iter().map(filled).collect(), self.depth.as_ref().map(filled))
    }

    /// The feedback buffers, once the run has been waited for.
    pub fn feedback(&self) -> Vec<Vec<u32>> {
        self.feedback.iter().map(Buffer::read).collect()
    }
}

fn view(scope: &Scope<'_>, shape: &Image, image: &DeviceImage) -> vk::ImageView {
    let range = vk::ImageSubresourceRange::default()
        .aspect_mask(shape.format.aspect())
        .level_count(1)
        .layer_count(shape.layers);
    let ty = if shape.layers > 1 { vk::ImageViewType::TYPE_2D_ARRAY } else { vk::ImageViewType::TYPE_2D };
    let info = vk::ImageViewCreateInfo::default()
        .image(image.raw)
        .view_type(ty)
        .format(shape.format.vk())
        .subresource_range(range);
    scope.image_view(&info)
}

/// The queries of a draw.
pub struct Queries {
    feedback: Option<vk::QueryPool>,
    streams: u32,
    occlusion: Option<vk::QueryPool>,
}

impl Queries {
    /// Primitives of each stream and samples passed, once the run has been waited for.
    pub fn results(&self, scope: &Scope<'_>) -> (Vec<Primitives>, u64) {
        let device = &scope.device.raw;
        let flags = vk::QueryResultFlags::TYPE_64 | vk::QueryResultFlags::WAIT;
        let mut counts: Vec<FeedbackCount> = vec![[0; 2]; self.streams as usize];
        if let Some(pool) = self.feedback {
            // SAFETY: the queries have ended, and each gives two numbers.
            unsafe { device.get_query_pool_results(pool, 0, &mut counts, flags) }.unwrap();
        }
        let mut samples = [0u64];
        if let Some(pool) = self.occlusion {
            // SAFETY: the query has ended and gives one number.
            unsafe { device.get_query_pool_results(pool, 0, &mut samples, flags) }.unwrap();
        }
        let primitives =
            counts.iter().map(|[written, needed]| Primitives { written: *written, needed: *needed });
        (primitives.collect(), samples[0])
    }
}

/// Records the draw.
pub fn record(
    scope: &Scope<'_>,
    draw: &Draw<'_>,
    bindings: &Bindings,
    attachments: &Attachments,
    pipeline: vk::Pipeline,
) -> Queries {
    let (device, commands) = (&scope.device.raw, scope.device.commands);
    let streams = if draw.feedback.is_empty() { 0 } else { scope.device.features.streams.clamp(1, 4) };
    let queries = Queries {
        feedback: (streams > 0).then(|| scope.queries(vk::QueryType::TRANSFORM_FEEDBACK_STREAM_EXT, streams)),
        streams,
        occlusion: draw.rasterizes().then(|| scope.queries(vk::QueryType::OCCLUSION, 1)),
    };
    scope.barrier();
    begin_rendering(scope, draw, attachments);
    let point = vk::PipelineBindPoint::GRAPHICS;
    // SAFETY: the command buffer is recording.
    unsafe { device.cmd_bind_pipeline(commands, point, pipeline) };
    bindings.use_for(scope, point);
    for (n, attribute) in (0..).zip(&draw.attributes) {
        let components = attribute.components as usize;
        let dwords: Vec<u32> =
            attribute.values.iter().flat_map(|value| value[..components].to_vec()).collect();
        let buffer = scope.buffer(&dwords, vk::BufferUsageFlags::VERTEX_BUFFER);
        // SAFETY: the command buffer is recording, and the buffer is for vertices.
        unsafe { device.cmd_bind_vertex_buffers(commands, n, &[buffer.raw], &[0]) };
    }
    if let Some(pool) = queries.occlusion {
        // SAFETY: the query has been reset.
        unsafe { device.cmd_begin_query(commands, pool, 0, vk::QueryControlFlags::PRECISE) };
    }
    let extension = scope.device.feedback.fp();
    if let Some(pool) = queries.feedback {
        let buffers: Vec<_> = attachments.feedback.iter().map(|buffer| buffer.raw).collect();
        let offsets = vec![0u64; buffers.len()];
        let sizes: Vec<_> = attachments.feedback.iter().map(Buffer::bytes).collect();
        let count = buffers.len() as u32;
        let bind = extension.cmd_bind_transform_feedback_buffers_ext;
        // SAFETY: the buffers are for transform feedback, and the three lists have `count` elements.
        unsafe { bind(commands, 0, count, buffers.as_ptr(), offsets.as_ptr(), sizes.as_ptr()) };
        for stream in 0..streams {
            let none = vk::QueryControlFlags::empty();
            // SAFETY: the query has been reset, and the device has that many streams.
            unsafe { (extension.cmd_begin_query_indexed_ext)(commands, pool, stream, none, stream) };
        }
        // SAFETY: buffers are bound, and the pipeline captures.
        unsafe { (extension.cmd_begin_transform_feedback_ext)(commands, 0, 0, null(), null()) };
    }
    draw_vertices(scope, draw);
    if let Some(pool) = queries.feedback {
        // SAFETY: transform feedback is active.
        unsafe { (extension.cmd_end_transform_feedback_ext)(commands, 0, 0, null(), null()) };
        for stream in 0..streams {
            // SAFETY: the query is active.
            unsafe { (extension.cmd_end_query_indexed_ext)(commands, pool, stream, stream) };
        }
    }
    if let Some(pool) = queries.occlusion {
        // SAFETY: the query is active.
        unsafe { device.cmd_end_query(commands, pool, 0) };
    }
    // SAFETY: rendering is active.
    unsafe { device.cmd_end_rendering(commands) };
    queries
}

fn begin_rendering(scope: &Scope<'_>, draw: &Draw<'_>, attachments: &Attachments) {
    let attachment = |view, clear_value| {
        vk::RenderingAttachmentInfo::default()
            .image_view(view)
            .image_layout(vk::ImageLayout::GENERAL)
            .load_op(vk::AttachmentLoadOp::CLEAR)
            .store_op(vk::AttachmentStoreOp::STORE)
            .clear_value(clear_value)
    };
    let colors: Vec<_> = draw
        .targets
        .iter()
        .zip(&attachments.targets)
        .map(|(target, (_, _, view))| {
            let color = vk::ClearColorValue { uint32: target.clear };
            attachment(*view, vk::ClearValue { color })
        })
        .collect();
    let depth = draw.depth.zip(attachments.depth.as_ref()).map(|(depth, (_, _, view))| {
        let depth_stencil = vk::ClearDepthStencilValue { depth: depth.clear, stencil: 0 };
        attachment(*view, vk::ClearValue { depth_stencil })
    });
    let [width, height] = draw.extent;
    let area = vk::Rect2D { extent: vk::Extent2D { width, height }, ..vk::Rect2D::default() };
    let mut info =
        vk::RenderingInfo::default().render_area(area).layer_count(draw.layers).color_attachments(&colors);
    if let Some(depth) = &depth {
        info = info.depth_attachment(depth);
    }
    // SAFETY: the command buffer is recording, and the attachments are alive.
    unsafe { scope.device.raw.cmd_begin_rendering(scope.device.commands, &info) };
}

fn draw_vertices(scope: &Scope<'_>, draw: &Draw<'_>) {
    let (device, commands) = (&scope.device.raw, scope.device.commands);
    let Some(indices) = &draw.indices else {
        // SAFETY: rendering is active, and all that the pipeline needs is bound.
        unsafe {
            device.cmd_draw(commands, draw.count, draw.instances, draw.first, draw.first_instance);
        }
        return;
    };
    let buffer = scope.buffer(indices, vk::BufferUsageFlags::INDEX_BUFFER);
    // SAFETY: the buffer is for indices.
    unsafe { device.cmd_bind_index_buffer(commands, buffer.raw, 0, vk::IndexType::UINT32) };
    // SAFETY: as for draws without indices.
    unsafe {
        device.cmd_draw_indexed(
            commands,
            draw.count,
            draw.instances,
            draw.first,
            draw.vertex_offset,
            draw.first_instance,
        );
    }
}
