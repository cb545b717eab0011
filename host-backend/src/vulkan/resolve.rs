//! Resolves of multisampled textures, and mip generation.
//!
//! Vulkan averages and filters in the format of the images. Where D3D11 asks for another one of the family (an sRGB resolve of a
//! typeless texture, mips of an sRGB view), an image in that format stands in between.

use std::rc::Rc;

use ash::vk;
use pvgpu_protocol::command::{self, SubresourceBox, dimension};
use pvgpu_protocol::format;
use pvgpu_protocol::staging::{Shape, mip_extent};

use super::Context;
use super::cmd::Rendering;
use super::context::disagree;
use super::formats::map_color;
use super::recorder::Access;
use super::resource::{Image, Texture};
use super::texture_copy::{extent, layers, offset};
use super::trash::Garbage;
use crate::fault::Fault;
use crate::format::{NumberKind, number_kind};
use crate::ops::{CopyRegion, ResourceDesc};

const COLOR: vk::ImageAspectFlags = vk::ImageAspectFlags::COLOR;
const GENERAL: vk::ImageLayout = vk::ImageLayout::GENERAL;

impl Context {
    pub(super) fn resolve(
        &mut self,
        (dst, dst_subresource): (u32, u32),
        (src, src_subresource): (u32, u32),
        format: u32,
    ) -> Result<(), Fault> {
        let (dst, src) = (self.texture(dst)?, self.texture(src)?);
        let (to, from) = (dst.image(), src.image());
        let [width, height, depth] = src.desc.mip_extent(src_subresource % src.desc.shape.mip_levels);
        let area = SubresourceBox { left: 0, top: 0, front: 0, right: width, bottom: height, back: depth };
        if src.desc.command.sample_count == 1 {
            let region = CopyRegion {
                dst: command::NONE,
                dst_subresource,
                dst_origin: [0; 3],
                src: command::NONE,
                src_subresource,
                src_box: area,
            };
            return self.copy_textures(&dst, &src, &region);
        }
        let wanted = map_color(format);
        if wanted != vk::Format::UNDEFINED && (wanted != from.format || wanted != to.format) {
            return self.resolve_as((&dst, dst_subresource), (&src, src_subresource), format, area);
        }
        let region = vk::ImageResolve {
            src_subresource: layers(&src.desc, src_subresource, COLOR),
            dst_subresource: layers(&dst.desc, dst_subresource, COLOR),
            extent: extent(area),
            ..Default::default()
        };
        let cmd = self.prepare_use(&[(&from.tracker, Access::Read), (&to.tracker, Access::Write)])?;
        cmd.resolve_image(from.raw, GENERAL, to.raw, GENERAL, &[region]);
        Ok(())
    }

    /// Resolves by rendering, in a format that is not the images' own.
    fn resolve_as(
        &mut self,
        (dst, dst_subresource): (&Texture, u32),
        (src, src_subresource): (&Texture, u32),
        format: u32,
        area: SubresourceBox,
    ) -> Result<(), Fault> {
        let (to, from) = (dst.image(), src.image());
        let between = self.image_between(
            format,
            Shape { width: area.right, height: area.bottom, depth: 1, mip_levels: 1, array_size: 1 },
            dimension::TEXTURE2D,
            command::bind::RENDER_TARGET,
        )?;
        let source = self.attachment_view(&from, map_color(format), src_subresource, &src.desc)?;
        let target = self.attachment_view(&between, map_color(format), 0, &src.desc)?;
        let mode = if number_kind(format) == NumberKind::Float {
            vk::ResolveModeFlags::AVERAGE
        } else {
            vk::ResolveModeFlags::SAMPLE_ZERO
        };
        let attachment = vk::RenderingAttachmentInfo::default()
            .image_view(source)
            .image_layout(GENERAL)
            .resolve_mode(mode)
            .resolve_image_view(target)
            .resolve_image_layout(GENERAL)
            .load_op(vk::AttachmentLoadOp::LOAD)
            .store_op(vk::AttachmentStoreOp::STORE);
        let cmd = self.prepare_use(&[
            (&from.tracker, Access::Write),
            (&between.tracker, Access::Write),
            (&to.tracker, Access::Write),
        ])?;
        cmd.begin_rendering(Rendering {
            extent: vk::Extent2D { width: area.right, height: area.bottom },
            layers: 1,
            colors: vec![attachment],
            depth: None,
            stencil: None,
        });
        cmd.end_rendering();
        cmd.full_barrier();
        let region = vk::ImageCopy {
            src_subresource: vk::ImageSubresourceLayers {
                aspect_mask: COLOR,
                layer_count: 1,
                ..Default::default()
            },
            dst_subresource: layers(&dst.desc, dst_subresource, COLOR),
            extent: extent(area),
            ..Default::default()
        };
        cmd.copy_image(between.raw, GENERAL, to.raw, GENERAL, &[region]);
        Ok(())
    }

    /// A view of one subresource for rendering, until the batch has finished.
    fn attachment_view(
        &self,
        image: &Image,
        format: vk::Format,
        subresource: u32,
        desc: &ResourceDesc,
    ) -> Result<vk::ImageView, Fault> {
        let place = layers(desc, subresource, COLOR);
        let mut usage = vk::ImageViewUsageCreateInfo::default().usage(vk::ImageUsageFlags::COLOR_ATTACHMENT);
        let info = vk::ImageViewCreateInfo::default()
            .image(image.raw)
            .view_type(vk::ImageViewType::TYPE_2D)
            .format(format)
            .subresource_range(vk::ImageSubresourceRange {
                aspect_mask: COLOR,
                base_mip_level: place.mip_level,
                level_count: 1,
                base_array_layer: place.base_array_layer,
                layer_count: 1,
            })
            .push_next(&mut usage);
        // SAFETY: the subresource exists, the format is of the image's family, and the image is alive.
        let view = unsafe { self.device.raw.create_image_view(&info, None) }
            .map_err(|result| self.device.fault("vkCreateImageView", result))?;
        self.trash.add(Garbage::ImageView(view));
        Ok(view)
    }

    /// An image in a format of one's own choice, until the batch has finished.
    pub(super) fn image_between(
        &mut self,
        format: u32,
        shape: Shape,
        dimension: u32,
        bind_flags: u32,
    ) -> Result<Image, Fault> {
        let block =
            format::info(format).ok_or_else(|| Fault::unsupported(format!("images of format {format}")))?;
        let command = command::CreateResource {
            dimension,
            format,
            width: shape.width,
            height: shape.height,
            depth: shape.depth,
            mip_levels: shape.mip_levels,
            array_size: shape.array_size,
            sample_count: 1,
            bind_flags,
            ..Default::default()
        };
        let desc = ResourceDesc::new(command, block, shape);
        let image = Image::new(&desc, &self.trash)?;
        self.zero_image(&desc, &image)?;
        Ok(image)
    }

    pub(super) fn generate_mips(&mut self, id: u32) -> Result<(), Fault> {
        let view = self.view(id)?;
        let Some(texture) = view.texture().cloned() else { return Err(disagree(id)) };
        let image = texture.image();
        let range = view.desc.range;
        if range.mip_levels < 2 || number_kind(view.desc.format) != NumberKind::Float {
            return Ok(());
        }
        let volume = texture.desc.command.dimension == dimension::TEXTURE3D;
        let (first, count) = if volume { (0, 1) } else { (range.first_array_slice, range.array_size) };
        let wanted = map_color(view.desc.format);
        if wanted != image.format && wanted != vk::Format::UNDEFINED && view.conversion().is_none() {
            return self.generate_mips_between(&texture, &image, &view);
        }
        let cmd = self.prepare_use(&[(&image.tracker, Access::Write)])?;
        for mip in range.most_detailed_mip + 1..range.most_detailed_mip + range.mip_levels {
            let [from, to] = [mip - 1, mip].map(|mip| offset(texture.desc.mip_extent(mip)));
            blit(&cmd, image.raw, (mip - 1, first, from), (mip, first, to), count);
        }
        Ok(())
    }

    /// Generates mips in an image of the view's format, and copies them back.
    fn generate_mips_between(
        &mut self,
        texture: &Texture,
        image: &Rc<Image>,
        view: &super::view::View,
    ) -> Result<(), Fault> {
        let range = view.desc.range;
        let volume = texture.desc.command.dimension == dimension::TEXTURE3D;
        let (first, count) = if volume { (0, 1) } else { (range.first_array_slice, range.array_size) };
        let [width, height, depth] = texture.desc.mip_extent(range.most_detailed_mip);
        let shape = Shape { width, height, depth, mip_levels: range.mip_levels, array_size: count };
        let kind = if volume { dimension::TEXTURE3D } else { dimension::TEXTURE2D };
        let kind =
            if texture.desc.command.dimension == dimension::TEXTURE1D { dimension::TEXTURE1D } else { kind };
        let between = self.image_between(view.desc.format, shape, kind, 0)?;
        let cmd = self.prepare_use(&[(&image.tracker, Access::Write), (&between.tracker, Access::Write)])?;
        let place = |mip_level: u32, base_array_layer: u32| vk::ImageSubresourceLayers {
            aspect_mask: COLOR,
            mip_level,
            base_array_layer,
            layer_count: count,
        };
        let size = |mip: u32| vk::Extent3D {
            width: mip_extent(width, mip),
            height: mip_extent(height, mip),
            depth: mip_extent(depth, mip),
        };
        let base = vk::ImageCopy {
            src_subresource: place(range.most_detailed_mip, first),
            dst_subresource: place(0, 0),
            extent: size(0),
            ..Default::default()
        };
        cmd.copy_image(image.raw, GENERAL, between.raw, GENERAL, &[base]);
        cmd.full_barrier();
        for mip in 1..range.mip_levels {
            let [from, to] = [mip - 1, mip].map(|mip| {
                let size = size(mip);
                offset([size.width, size.height, size.depth])
            });
            blit(&cmd, between.raw, (mip - 1, 0, from), (mip, 0, to), count);
        }
        let back: Vec<_> = (1..range.mip_levels)
            .map(|mip| vk::ImageCopy {
                src_subresource: place(mip, 0),
                dst_subresource: place(range.most_detailed_mip + mip, first),
                extent: size(mip),
                ..Default::default()
            })
            .collect();
        cmd.copy_image(between.raw, GENERAL, image.raw, GENERAL, &back);
        Ok(())
    }
}

/// Makes one mip of the one above.
fn blit(
    cmd: &super::cmd::Cmd<'_>,
    image: vk::Image,
    (from_mip, from_layer, from): (u32, u32, vk::Offset3D),
    (to_mip, to_layer, to): (u32, u32, vk::Offset3D),
    layer_count: u32,
) {
    let place = |mip_level: u32, base_array_layer: u32| vk::ImageSubresourceLayers {
        aspect_mask: COLOR,
        mip_level,
        base_array_layer,
        layer_count,
    };
    let blit = vk::ImageBlit {
        src_subresource: place(from_mip, from_layer),
        src_offsets: [vk::Offset3D::default(), from],
        dst_subresource: place(to_mip, to_layer),
        dst_offsets: [vk::Offset3D::default(), to],
    };
    cmd.blit_image(image, GENERAL, image, GENERAL, &[blit], vk::Filter::LINEAR);
    cmd.full_barrier();
}
