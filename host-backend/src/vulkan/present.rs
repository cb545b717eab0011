//! Presenting: a texture's texels as `B8G8R8A8` rows in the guest's heap.
//!
//! The bytes are those that D3D11 would show: sRGB formats keep their encoded bytes, other formats are converted by a blit, and
//! multisampled textures are resolved first. Floats are linear (scRGB) and get encoded.

use std::rc::Rc;

use ash::vk;
use pvgpu_protocol::command::{self, dimension};
use pvgpu_protocol::format;
use pvgpu_protocol::staging::Shape;

use super::Context;
use super::changed::Chains;
use super::completion::HeapCopy;
use super::context::Counters;
use super::recorder::Access;
use super::resource::{Image, Texture};
use crate::fault::Fault;
use crate::format::{dxgi, family, is_srgb};
use crate::ops::ResourceDesc;

/// Images in between, kept from frame to frame.
#[derive(Default)]
pub struct PresentImages {
    resolved: Option<Intermediate>,
    converted: Option<Intermediate>,
    pub chains: Chains,
}

struct Intermediate {
    format: u32,
    width: u32,
    height: u32,
    image: Rc<Image>,
}

impl Context {
    pub(super) fn present(&mut self, c: &command::Present) -> Result<(), Fault> {
        self.count(|counters: &Counters| &counters.frames, 1);
        if c.frame.length == 0 {
            return Ok(());
        }
        let texture = self.texture(c.src)?;
        let mut image = texture.image();
        let mut place = layers(&texture.desc, c.src_subresource);
        if texture.desc.command.sample_count > 1 {
            image = self.resolve_frame(&texture, place, c)?;
            place = FIRST;
        }
        if !matches!(image.format, vk::Format::B8G8R8A8_UNORM | vk::Format::B8G8R8A8_SRGB) {
            image = self.convert_frame(&texture, &image, place, c)?;
            place = FIRST;
        }
        let (buffer, offset, row_pitch) = match self.heap_buffer() {
            Some(heap) if c.frame.offset.is_multiple_of(4) => (heap, c.frame.offset, c.row_pitch),
            _ => {
                let row = u64::from(c.width) * 4;
                let slice = self.download(row * u64::from(c.height))?;
                for y in 0..u64::from(c.height) {
                    let offset = c.frame.offset + y * u64::from(c.row_pitch);
                    self.copies.push(HeapCopy { from: slice, at: y * row, offset, length: row });
                }
                (slice.buffer, slice.offset, c.width * 4)
            }
        };
        let region = vk::BufferImageCopy {
            buffer_offset: offset,
            buffer_row_length: row_pitch / 4,
            buffer_image_height: 0,
            image_subresource: place,
            image_offset: vk::Offset3D::default(),
            image_extent: vk::Extent3D { width: c.width, height: c.height, depth: 1 },
        };
        self.order_heap()?;
        let cmd = self.prepare_use(&[(&image.tracker, Access::Read)])?;
        cmd.copy_image_to_buffer(image.raw, vk::ImageLayout::GENERAL, buffer, &[region]);
        self.order_heap()?;
        self.note_frame(c, &image, place)
    }

    /// The frame with one sample a texel.
    fn resolve_frame(
        &mut self,
        texture: &Texture,
        place: vk::ImageSubresourceLayers,
        c: &command::Present,
    ) -> Result<Rc<Image>, Fault> {
        let known = self.present_images.resolved.take();
        let target = self.intermediate(known, texture.desc.command.format, c)?;
        let (image, source) = (target.image.clone(), texture.image());
        self.present_images.resolved = Some(target);
        let region = vk::ImageResolve {
            src_subresource: place,
            dst_subresource: FIRST,
            extent: vk::Extent3D { width: c.width, height: c.height, depth: 1 },
            ..Default::default()
        };
        let cmd = self.prepare_use(&[(&source.tracker, Access::Read), (&image.tracker, Access::Write)])?;
        cmd.resolve_image(
            source.raw,
            vk::ImageLayout::GENERAL,
            image.raw,
            vk::ImageLayout::GENERAL,
            &[region],
        );
        Ok(image)
    }

    /// The frame in `B8G8R8A8`.
    fn convert_frame(
        &mut self,
        texture: &Texture,
        source: &Rc<Image>,
        place: vk::ImageSubresourceLayers,
        c: &command::Present,
    ) -> Result<Rc<Image>, Fault> {
        let format = texture.desc.command.format;
        let encode = is_srgb(format) || family(format) == family(dxgi::R16G16B16A16_FLOAT);
        let wanted = if encode { dxgi::B8G8R8A8_UNORM_SRGB } else { dxgi::B8G8R8A8_UNORM };
        let known = self.present_images.converted.take();
        let target = self.intermediate(known, wanted, c)?;
        let image = target.image.clone();
        self.present_images.converted = Some(target);
        // CAST: at most 16,384.
        let corner = vk::Offset3D { x: c.width as i32, y: c.height as i32, z: 1 };
        let region = vk::ImageBlit {
            src_subresource: place,
            src_offsets: [vk::Offset3D::default(), corner],
            dst_subresource: FIRST,
            dst_offsets: [vk::Offset3D::default(), corner],
        };
        let cmd = self.prepare_use(&[(&source.tracker, Access::Read), (&image.tracker, Access::Write)])?;
        let layout = vk::ImageLayout::GENERAL;
        cmd.blit_image(source.raw, layout, image.raw, layout, &[region], vk::Filter::NEAREST);
        Ok(image)
    }

    /// An image of the frame's size, the last one if it fits.
    fn intermediate(
        &mut self,
        known: Option<Intermediate>,
        format: u32,
        c: &command::Present,
    ) -> Result<Intermediate, Fault> {
        if let Some(known) = known
            && (known.format, known.width, known.height) == (format, c.width, c.height)
        {
            return Ok(known);
        }
        let command = command::CreateResource {
            dimension: dimension::TEXTURE2D,
            format,
            width: c.width,
            height: c.height,
            depth: 1,
            mip_levels: 1,
            array_size: 1,
            sample_count: 1,
            ..Default::default()
        };
        let shape = Shape { width: c.width, height: c.height, depth: 1, mip_levels: 1, array_size: 1 };
        let block =
            format::info(format).ok_or_else(|| Fault::unsupported(format!("frames of format {format}")))?;
        let desc = ResourceDesc::new(command, block, shape);
        let image = Image::new(&desc, &self.trash)?;
        self.zero_image(&desc, &image)?;
        Ok(Intermediate { format, width: c.width, height: c.height, image: Rc::new(image) })
    }
}

const FIRST: vk::ImageSubresourceLayers = vk::ImageSubresourceLayers {
    aspect_mask: vk::ImageAspectFlags::COLOR,
    mip_level: 0,
    base_array_layer: 0,
    layer_count: 1,
};

fn layers(desc: &ResourceDesc, subresource: u32) -> vk::ImageSubresourceLayers {
    vk::ImageSubresourceLayers {
        mip_level: subresource % desc.shape.mip_levels,
        base_array_layer: subresource / desc.shape.mip_levels,
        ..FIRST
    }
}
