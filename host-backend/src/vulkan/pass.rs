//! Rendering passes: what the output merger's targets are to Vulkan, begun when needed and ended when something else must
//! happen.

use std::rc::Rc;

use ash::vk;
use pvgpu_protocol::command::Viewport;
use pvgpu_protocol::limits::RENDER_TARGETS;

use super::Context;
use super::bindings::Bindings;
use super::cmd::Rendering;
use super::forced::{Merge, nearest_count};
use super::formats::{aspects, lacks_alpha};
use super::pipeline::TargetFormats;
use super::recorder::{Access, Tracker};
use super::resource::Image;
use super::view::View;
use crate::fault::Fault;

/// `D3D11_DDI_CREATE_DSV_FLAG_READ_ONLY_DEPTH` and `_STENCIL`.
pub const READ_ONLY_DEPTH: u32 = 1;
pub const READ_ONLY_STENCIL: u32 = 2;

/// The pass that is open in the main command buffer.
#[derive(Clone, Copy)]
pub struct Pass {
    pub extent: vk::Extent2D,
    pub layers: u32,
    /// Without targets: as large as the viewports are.
    pub bare: bool,
    /// Shaders blend into the targets, which are not attached.
    pub in_shader: bool,
}

/// Which way a copy goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    In,
    Out,
}

/// A value to begin an attachment with, instead of its contents.
#[derive(Clone, Copy)]
pub enum LoadClear {
    Color(usize, vk::ClearColorValue),
    Depth { depth: Option<f32>, stencil: Option<u32> },
}

/// The targets in Vulkan's words.
struct Attachments {
    colors: [vk::RenderingAttachmentInfo<'static>; RENDER_TARGETS],
    count: usize,
    depth: Option<vk::RenderingAttachmentInfo<'static>>,
    stencil: Option<vk::RenderingAttachmentInfo<'static>>,
    pass: Pass,
}

/// The formats of the bound targets.
///
/// # Errors
/// [`Fault`] when their sample counts differ.
pub fn target_formats(bound: &Bindings, limits: &vk::PhysicalDeviceLimits) -> Result<TargetFormats, Fault> {
    let mut formats = TargetFormats {
        colors: [vk::Format::UNDEFINED; RENDER_TARGETS],
        count: 0,
        depth: vk::Format::UNDEFINED,
        samples: 0,
        opaque: 0,
        merge: Merge::None,
        asked: 0,
    };
    for (index, (view, format)) in bound.render_targets.iter().zip(&mut formats.colors).enumerate() {
        let Some((view, texture)) = view.as_ref().and_then(|view| Some((view, view.texture()?))) else {
            continue;
        };
        *format = view.attachment_format(texture);
        formats.count = index + 1;
        if lacks_alpha(view.desc.format) {
            formats.opaque |= 1 << index;
        }
        same_samples(&mut formats.samples, texture.desc.command.sample_count)?;
    }
    if let Some(texture) = bound.depth_stencil.as_ref().and_then(|view| view.texture()) {
        formats.depth = texture.image().format;
        same_samples(&mut formats.samples, texture.desc.command.sample_count)?;
    }
    if formats.samples == 0 {
        // As many as the device can, where it cannot force so many.
        let wanted = bound.rasterizer.forced_sample_count;
        formats.samples = nearest_count(limits.framebuffer_no_attachments_sample_counts, wanted);
        formats.asked = if wanted > formats.samples { wanted } else { 0 };
    }
    Ok(formats)
}

fn same_samples(known: &mut u32, samples: u32) -> Result<(), Fault> {
    if *known != 0 && *known != samples {
        return Err(Fault::argument(format!("targets with {known} and {samples} samples")));
    }
    *known = samples;
    Ok(())
}

/// How the depth-stencil view is used.
pub fn depth_access(view: &View) -> Access {
    let both = READ_ONLY_DEPTH | READ_ONLY_STENCIL;
    let stencil = view
        .texture()
        .is_some_and(|texture| texture.image().aspects().contains(vk::ImageAspectFlags::STENCIL));
    let needed = if stencil { both } else { READ_ONLY_DEPTH };
    if view.desc.range.flags & needed == needed { Access::Read } else { Access::Write }
}

/// Calls `visit` for the image of each bound target.
pub fn for_each_target(bound: &Bindings, mut visit: impl FnMut(&Tracker, Access)) {
    for view in bound.render_targets.iter().flatten() {
        view.with_tracker(|tracker| visit(tracker, Access::Write));
    }
    if let Some(view) = &bound.depth_stencil {
        view.with_tracker(|tracker| visit(tracker, depth_access(view)));
    }
}

impl Context {
    /// Begins a pass with the bound targets; the caller has seen to hazards.
    pub(super) fn begin_pass(&mut self, clear: Option<LoadClear>) -> Result<(), Fault> {
        self.copy_buffer_targets(Direction::In)?;
        let attachments = self.attachments(clear)?;
        let cmd = self.recorder.main(&self.device)?;
        cmd.begin_rendering(Rendering {
            extent: attachments.pass.extent,
            layers: attachments.pass.layers,
            colors: attachments.colors.get(..attachments.count).unwrap_or_default().to_vec(),
            depth: attachments.depth,
            stencil: attachments.stencil,
        });
        for_each_target(&self.bound, |tracker, access| self.recorder.mark(tracker, access));
        self.pass = Some(attachments.pass);
        self.begin_segments()?;
        self.begin_condition()
    }

    /// Ends the pass, if one is open.
    pub(super) fn end_pass(&mut self) -> Result<(), Fault> {
        if self.pass.is_some() {
            self.end_feedback()?;
            self.end_condition()?;
            self.end_segments()?;
            self.recorder.main(&self.device)?.end_rendering();
            self.pass = None;
            self.copy_buffer_targets(Direction::Out)?;
        }
        Ok(())
    }

    /// Copies the elements of buffers that are render targets to the images that stand for them, or back; outside of a pass.
    fn copy_buffer_targets(&mut self, direction: Direction) -> Result<(), Fault> {
        if self.bound.render_targets.iter().flatten().all(|view| view.source.is_none()) {
            return Ok(());
        }
        let views: Vec<Rc<View>> = self.bound.render_targets.iter().flatten().cloned().collect();
        let cmd = self.recorder.main(&self.device)?;
        cmd.full_barrier();
        for view in views {
            let (Some(buffer), Some(texture)) = (&view.source, view.texture()) else { continue };
            let (raw, offset, _) = view.buffer_range(buffer);
            let image = texture.image();
            let region = vk::BufferImageCopy {
                buffer_offset: offset,
                image_subresource: vk::ImageSubresourceLayers {
                    aspect_mask: vk::ImageAspectFlags::COLOR,
                    layer_count: 1,
                    ..Default::default()
                },
                image_extent: vk::Extent3D { width: view.desc.range.num_elements, height: 1, depth: 1 },
                ..Default::default()
            };
            match direction {
                Direction::In => {
                    cmd.copy_buffer_to_image(raw, image.raw, vk::ImageLayout::GENERAL, &[region]);
                    self.recorder.mark(&buffer.tracker, Access::Read);
                }
                Direction::Out => {
                    cmd.copy_image_to_buffer(image.raw, vk::ImageLayout::GENERAL, raw, &[region]);
                    self.recorder.mark(&buffer.tracker, Access::Write);
                }
            }
        }
        cmd.full_barrier();
        Ok(())
    }

    /// Whether nothing is bound that a pass could render to.
    fn is_bare(&self) -> bool {
        self.bound.render_targets.iter().all(Option::is_none) && self.bound.depth_stencil.is_none()
    }

    /// Ends the pass if it depends on viewports and samples, which are about to change.
    pub(super) fn end_bare_pass(&mut self) -> Result<(), Fault> {
        if self.pass.is_some_and(|pass| pass.bare) { self.end_pass() } else { Ok(()) }
    }

    fn attachments(&self, clear: Option<LoadClear>) -> Result<Attachments, Fault> {
        let limits = &self.device.limits;
        let mut attachments = Attachments {
            colors: [vk::RenderingAttachmentInfo::default(); RENDER_TARGETS],
            count: 0,
            depth: None,
            stencil: None,
            pass: Pass {
                extent: vk::Extent2D {
                    width: limits.max_framebuffer_width,
                    height: limits.max_framebuffer_height,
                },
                layers: u32::MAX,
                bare: false,
                in_shader: clear.is_none()
                    && self.program.as_ref().is_some_and(|program| program.merges_in_shader),
            },
        };
        for (index, (view, info)) in self.bound.render_targets.iter().zip(&mut attachments.colors).enumerate()
        {
            let Some((view, texture)) = view.as_ref().and_then(|view| Some((view, view.texture()?))) else {
                continue;
            };
            attachments.pass = attachments.pass.within(view);
            if attachments.pass.in_shader {
                continue;
            }
            *info = info
                .image_view(view.attachment(texture)?)
                .image_layout(vk::ImageLayout::GENERAL)
                .load_op(vk::AttachmentLoadOp::LOAD)
                .store_op(vk::AttachmentStoreOp::STORE);
            if let Some(LoadClear::Color(slot, color)) = clear
                && slot == index
            {
                *info = info.load_op(vk::AttachmentLoadOp::CLEAR).clear_value(vk::ClearValue { color });
            }
            attachments.count = index + 1;
        }
        if let Some((view, texture)) =
            self.bound.depth_stencil.as_ref().and_then(|view| Some((view, view.texture()?)))
        {
            let (depth, stencil) =
                depth_attachments(view, &texture.image(), view.attachment(texture)?, clear);
            attachments.depth = depth;
            attachments.stencil = stencil;
            attachments.pass = attachments.pass.within(view);
        }
        if attachments.pass.layers == u32::MAX {
            attachments.pass.layers = 1;
        }
        if self.is_bare() {
            attachments.pass.bare = true;
            attachments.pass.extent = viewport_bounds(&self.bound.viewports, attachments.pass.extent);
        }
        Ok(attachments)
    }
}

/// The extent that viewports reach, within a limit: what rendering without targets covers.
fn viewport_bounds(viewports: &[Viewport], limit: vk::Extent2D) -> vk::Extent2D {
    let reach = |end: fn(&Viewport) -> f32, limit: u32| {
        let far = viewports.iter().map(end).fold(1.0, f32::max);
        // CAST: saturates; the viewport's numbers are finite.
        (far.ceil() as u32).clamp(1, limit.max(1))
    };
    vk::Extent2D {
        width: reach(|viewport| viewport.top_left_x + viewport.width, limit.width),
        height: reach(|viewport| viewport.top_left_y + viewport.height, limit.height),
    }
}

impl Pass {
    /// The part that lies inside a view as well.
    fn within(self, view: &Rc<View>) -> Self {
        let Some(texture) = view.texture() else { return self };
        let [width, height] = view.extent(texture);
        Self {
            extent: vk::Extent2D {
                width: self.extent.width.min(width),
                height: self.extent.height.min(height),
            },
            layers: self.layers.min(view.desc.range.array_size),
            ..self
        }
    }

    /// Whether it covers all of a view, which is attached.
    pub fn covers(&self, view: &View) -> bool {
        !self.in_shader
            && view.texture().is_some_and(|texture| {
                let [width, height] = view.extent(texture);
                self.extent.width == width
                    && self.extent.height == height
                    && self.layers == view.desc.range.array_size
            })
    }
}

/// The attachments of a depth-stencil view.
pub fn depth_attachments(
    view: &View,
    image: &Image,
    raw: vk::ImageView,
    clear: Option<LoadClear>,
) -> (Option<vk::RenderingAttachmentInfo<'static>>, Option<vk::RenderingAttachmentInfo<'static>>) {
    let base = vk::RenderingAttachmentInfo::default()
        .image_view(raw)
        .image_layout(vk::ImageLayout::GENERAL)
        .load_op(vk::AttachmentLoadOp::LOAD);
    let store = |bit: u32| {
        if view.desc.range.flags & bit != 0 {
            vk::AttachmentStoreOp::NONE
        } else {
            vk::AttachmentStoreOp::STORE
        }
    };
    let mut depth = base.store_op(store(READ_ONLY_DEPTH));
    let mut stencil = base.store_op(store(READ_ONLY_STENCIL));
    if let Some(LoadClear::Depth { depth: to, stencil: s }) = clear {
        let value = vk::ClearDepthStencilValue { depth: to.unwrap_or(0.0), stencil: s.unwrap_or(0) };
        let value = vk::ClearValue { depth_stencil: value };
        if to.is_some() {
            depth = depth.load_op(vk::AttachmentLoadOp::CLEAR).clear_value(value);
        }
        if s.is_some() {
            stencil = stencil.load_op(vk::AttachmentLoadOp::CLEAR).clear_value(value);
        }
    }
    let parts = aspects(image.format);
    (
        parts.contains(vk::ImageAspectFlags::DEPTH).then_some(depth),
        parts.contains(vk::ImageAspectFlags::STENCIL).then_some(stencil),
    )
}
