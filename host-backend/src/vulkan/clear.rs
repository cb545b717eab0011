//! Clears: of bound targets inside or at the begin of a pass, of other views in a pass of their own; and of unordered-access
//! views.

use std::rc::Rc;

use ash::vk;
use pvgpu_protocol::format;
use pvgpu_protocol::staging::mip_extent;

use super::Context;
use super::context::target_buffer;
use super::memory::Slice;
use super::pass::{LoadClear, depth_attachments};
use super::recorder::Access;
use super::resource::{Buffer, Image, Texture};
use super::view::{Counter, View};
use crate::fault::Fault;
use crate::format::{NumberKind, has_stencil, number_kind};
use crate::ops::ResourceDesc;

/// Bytes of zeros for images that cannot be cleared (block-compressed): rows are copied in bands of this.
const ZERO_BYTES: u64 = 1 << 20;

impl Context {
    pub(super) fn clear_render_target_view(&mut self, id: u32, color: [f32; 4]) -> Result<(), Fault> {
        let view = self.view(id)?;
        let Some(texture) = view.texture().cloned() else { return Ok(()) };
        let value = clear_color(view.desc.format, color);
        let slot = self.bound.render_targets.iter().position(|bound| is(bound.as_ref(), &view));
        if let (Some(slot), Some(pass)) = (slot, self.pass)
            && pass.covers(&view)
        {
            // CAST: 8 targets.
            let clear = vk::ClearAttachment {
                aspect_mask: vk::ImageAspectFlags::COLOR,
                color_attachment: slot as u32,
                clear_value: vk::ClearValue { color: value },
            };
            return self.clear_in_pass(clear, &view, &texture);
        }
        if let (Some(slot), None) = (slot, self.pass)
            && self.fits_bound_pass(&view)?
        {
            self.begin_bound_pass(LoadClear::Color(slot, value))?;
            return Ok(());
        }
        let attachment = vk::RenderingAttachmentInfo::default()
            .image_view(view.attachment(&texture)?)
            .image_layout(vk::ImageLayout::GENERAL)
            .load_op(vk::AttachmentLoadOp::CLEAR)
            .store_op(vk::AttachmentStoreOp::STORE)
            .clear_value(vk::ClearValue { color: value });
        self.clear_alone(&view, &texture, Some(attachment), None, None)
    }

    pub(super) fn clear_depth_stencil_view(
        &mut self,
        id: u32,
        depth: Option<f32>,
        stencil: Option<u32>,
    ) -> Result<(), Fault> {
        let view = self.view(id)?;
        let Some(texture) = view.texture().cloned() else { return Ok(()) };
        let stencil = stencil.filter(|_| has_stencil(view.desc.format));
        if depth.is_none() && stencil.is_none() {
            return Ok(());
        }
        let bound = is(self.bound.depth_stencil.as_ref(), &view);
        // A view that only reads depth can be cleared all the same, in a pass of its own.
        let writable = view.desc.range.flags == 0;
        if let (true, Some(pass)) = (bound && writable, self.pass)
            && pass.covers(&view)
        {
            let mut aspects = vk::ImageAspectFlags::empty();
            if depth.is_some() {
                aspects |= vk::ImageAspectFlags::DEPTH;
            }
            if stencil.is_some() {
                aspects |= vk::ImageAspectFlags::STENCIL;
            }
            let value =
                vk::ClearDepthStencilValue { depth: depth.unwrap_or(0.0), stencil: stencil.unwrap_or(0) };
            let clear = vk::ClearAttachment {
                aspect_mask: aspects,
                color_attachment: 0,
                clear_value: vk::ClearValue { depth_stencil: value },
            };
            return self.clear_in_pass(clear, &view, &texture);
        }
        let clear = LoadClear::Depth { depth, stencil };
        if bound && writable && self.pass.is_none() && self.fits_bound_pass(&view)? {
            return self.begin_bound_pass(clear);
        }
        let raw = view.attachment(&texture)?;
        let (depth, stencil) = depth_attachments(&view, &texture.image(), raw, Some(clear));
        let store = |info: vk::RenderingAttachmentInfo<'static>| info.store_op(vk::AttachmentStoreOp::STORE);
        self.clear_alone(&view, &texture, None, depth.map(store), stencil.map(store))
    }

    /// Whether a pass with the bound targets would cover all of a view.
    fn fits_bound_pass(&self, view: &View) -> Result<bool, Fault> {
        let mut others = self.bound.render_targets.iter().chain([&self.bound.depth_stencil]).flatten();
        let extent = |view: &View| {
            view.texture().map(|texture| {
                let [width, height, _] = texture.desc.mip_extent(view.desc.range.most_detailed_mip);
                (width, height, view.desc.range.array_size)
            })
        };
        let own = extent(view);
        Ok(others.all(|other| extent(other) == own))
    }

    /// Begins a pass with the bound targets, one of them cleared.
    fn begin_bound_pass(&mut self, clear: LoadClear) -> Result<(), Fault> {
        self.recorder.main(&self.device)?;
        let mut hazard = false;
        super::pass::for_each_target(&self.bound, |tracker, access| {
            hazard |= self.recorder.hazard(tracker, access)
        });
        if hazard {
            self.recorder.barrier(&self.device)?;
        }
        self.begin_pass(Some(clear))
    }

    fn clear_in_pass(
        &mut self,
        clear: vk::ClearAttachment,
        view: &View,
        texture: &Texture,
    ) -> Result<(), Fault> {
        let [width, height, _] = texture.desc.mip_extent(view.desc.range.most_detailed_mip);
        let rect = vk::ClearRect {
            rect: vk::Rect2D { offset: vk::Offset2D::default(), extent: vk::Extent2D { width, height } },
            base_array_layer: 0,
            layer_count: view.desc.range.array_size,
        };
        self.recorder.main(&self.device)?.clear_attachments(&[clear], &[rect]);
        Ok(())
    }

    /// Clears a view in a pass with nothing else.
    fn clear_alone(
        &mut self,
        view: &View,
        texture: &Texture,
        color: Option<vk::RenderingAttachmentInfo<'static>>,
        depth: Option<vk::RenderingAttachmentInfo<'static>>,
        stencil: Option<vk::RenderingAttachmentInfo<'static>>,
    ) -> Result<(), Fault> {
        let [width, height, _] = texture.desc.mip_extent(view.desc.range.most_detailed_mip);
        let image = texture.image();
        let cmd = self.prepare_use(&[(&image.tracker, Access::Write)])?;
        let mut info = vk::RenderingInfo::default()
            .render_area(vk::Rect2D {
                offset: vk::Offset2D::default(),
                extent: vk::Extent2D { width, height },
            })
            .layer_count(view.desc.range.array_size)
            .color_attachments(color.as_slice());
        if let Some(depth) = &depth {
            info = info.depth_attachment(depth);
        }
        if let Some(stencil) = &stencil {
            info = info.stencil_attachment(stencil);
        }
        cmd.begin_rendering(&info);
        cmd.end_rendering();
        Ok(())
    }

    pub(super) fn clear_unordered_access_view(
        &mut self,
        id: u32,
        value: [u32; 4],
        is_float: bool,
    ) -> Result<(), Fault> {
        let view = self.view(id)?;
        if let Some(buffer) = target_buffer(&view) {
            return self.clear_buffer_view(&view, buffer, value, is_float);
        }
        let Some(texture) = view.texture().cloned() else { return Ok(()) };
        let image = texture.image();
        let range = &view.desc.range;
        let kind = number_kind(view.desc.format);
        let made = number_kind(texture.desc.command.format);
        let same = made == kind || made == NumberKind::Typeless && kind == NumberKind::Float;
        if same && is_float == (kind == NumberKind::Float) {
            let color = if is_float {
                vk::ClearColorValue { float32: value.map(f32::from_bits) }
            } else {
                vk::ClearColorValue { uint32: value }
            };
            let volume = texture.desc.shape.depth > 1;
            let subresources = vk::ImageSubresourceRange {
                aspect_mask: vk::ImageAspectFlags::COLOR,
                base_mip_level: range.most_detailed_mip,
                level_count: 1,
                base_array_layer: if volume { 0 } else { range.first_array_slice },
                layer_count: if volume { 1 } else { range.array_size },
            };
            let cmd = self.prepare_use(&[(&image.tracker, Access::Write)])?;
            cmd.clear_color_image(image.raw, vk::ImageLayout::GENERAL, &color, &[subresources]);
            return Ok(());
        }
        let texel = pack(view.desc.format, value, is_float)?;
        let [width, height, depth] = texture.desc.mip_extent(range.most_detailed_mip);
        let texels = u64::from(width) * u64::from(height) * u64::from(depth);
        let slice = self.transient(texels * texel.len() as u64)?;
        fill(&slice, &texel, texels);
        let volume = texture.desc.shape.depth > 1;
        let layers =
            if volume { 0..1 } else { range.first_array_slice..range.first_array_slice + range.array_size };
        let cmd = self.prepare_use(&[(&image.tracker, Access::Write)])?;
        for layer in layers {
            let region = vk::BufferImageCopy::default()
                .buffer_offset(slice.offset)
                .image_subresource(vk::ImageSubresourceLayers {
                    aspect_mask: vk::ImageAspectFlags::COLOR,
                    mip_level: range.most_detailed_mip,
                    base_array_layer: layer,
                    layer_count: 1,
                })
                .image_extent(vk::Extent3D { width, height, depth });
            cmd.copy_buffer_to_image(slice.buffer, image.raw, vk::ImageLayout::GENERAL, &[region]);
        }
        Ok(())
    }

    fn clear_buffer_view(
        &mut self,
        view: &Rc<View>,
        buffer: &Rc<Buffer>,
        value: [u32; 4],
        is_float: bool,
    ) -> Result<(), Fault> {
        let (raw, offset, bytes) = view.buffer_range(buffer);
        let [first, ..] = value;
        let texel = if view.is_typed(buffer) {
            pack(view.desc.format, value, is_float)?
        } else {
            first.to_le_bytes().to_vec()
        };
        // Fills go by dwords; patterns of other sizes, and odd places, are copied.
        let whole = offset.is_multiple_of(4) && bytes.is_multiple_of(4);
        if let (Ok(dword), true) = (<[u8; 4]>::try_from(texel.as_slice()), whole) {
            let cmd = self.prepare_use(&[(&buffer.tracker, Access::Write)])?;
            cmd.fill_buffer(raw, offset, bytes, u32::from_le_bytes(dword));
            return Ok(());
        }
        let texels = bytes / texel.len().max(1) as u64;
        let size = texels * texel.len() as u64;
        if size == 0 {
            return Ok(());
        }
        let slice = self.transient(size)?;
        fill(&slice, &texel, texels);
        let cmd = self.prepare_use(&[(&buffer.tracker, Access::Write)])?;
        let region = vk::BufferCopy { src_offset: slice.offset, dst_offset: offset, size };
        cmd.copy_buffer(slice.buffer, raw, &[region]);
        Ok(())
    }

    /// Sets a hidden counter.
    pub(super) fn set_counter(&mut self, counter: &Counter, value: u32) -> Result<(), Fault> {
        let cmd = self.prepare_use(&[(&counter.tracker, Access::Write)])?;
        cmd.fill_buffer(counter.buffer, 0, 4, value);
        Ok(())
    }

    /// Fills a new buffer with zeros.
    pub(super) fn zero_buffer(&mut self, buffer: &Buffer) -> Result<(), Fault> {
        if buffer.with_slice(|_| ()).is_some() {
            return Ok(());
        }
        let (raw, offset) = buffer.place();
        let cmd = self.recorder.early_write(&self.device, &buffer.tracker)?;
        cmd.fill_buffer(raw, offset, vk::WHOLE_SIZE, 0);
        Ok(())
    }

    /// Brings a new image into its layout and fills it with zeros.
    pub(super) fn zero_image(&mut self, desc: &ResourceDesc, image: &Image) -> Result<(), Fault> {
        let aspects = image.aspects();
        let range = [super::cmd::whole(aspects)];
        let layout = vk::ImageLayout::GENERAL;
        if desc.format.is_block_compressed() {
            return self.zero_blocks(desc, image);
        }
        let cmd = self.recorder.early_write(&self.device, &image.tracker)?;
        cmd.initialise_image(image.raw, aspects);
        if aspects.contains(vk::ImageAspectFlags::COLOR) {
            cmd.clear_color_image(image.raw, layout, &vk::ClearColorValue::default(), &range);
        } else {
            cmd.clear_depth_stencil_image(image.raw, layout, &vk::ClearDepthStencilValue::default(), &range);
        }
        Ok(())
    }

    /// Fills a block-compressed image with blocks of zeros.
    fn zero_blocks(&mut self, desc: &ResourceDesc, image: &Image) -> Result<(), Fault> {
        let zeros = self.transient(ZERO_BYTES)?;
        zeros.write(0, &vec![0; ZERO_BYTES as usize]);
        let shape = desc.shape;
        let cmd = self.recorder.early_write(&self.device, &image.tracker)?;
        cmd.initialise_image(image.raw, image.aspects());
        let block = desc.format;
        for mip in 0..shape.mip_levels {
            let [width, height, depth] =
                [shape.width, shape.height, shape.depth].map(|size| mip_extent(size, mip));
            let row = u64::from(width.div_ceil(block.block_width)) * u64::from(block.block_bytes);
            // At least one row of blocks: 16,384 texels take 64 KiB.
            let band =
                u32::try_from(ZERO_BYTES / row.max(1)).unwrap_or(u32::MAX).saturating_mul(block.block_height);
            for layer in 0..shape.array_size {
                for z in 0..depth {
                    let mut top = 0;
                    while top < height {
                        let rows = band.min(height - top);
                        let region = vk::BufferImageCopy::default()
                            .buffer_offset(zeros.offset)
                            .image_subresource(vk::ImageSubresourceLayers {
                                aspect_mask: vk::ImageAspectFlags::COLOR,
                                mip_level: mip,
                                base_array_layer: layer,
                                layer_count: 1,
                            })
                            // CAST: at most 16,384.
                            .image_offset(vk::Offset3D { x: 0, y: top as i32, z: z as i32 })
                            .image_extent(vk::Extent3D { width, height: rows, depth: 1 });
                        cmd.copy_buffer_to_image(
                            zeros.buffer,
                            image.raw,
                            vk::ImageLayout::GENERAL,
                            &[region],
                        );
                        top += rows;
                    }
                }
            }
        }
        Ok(())
    }
}

fn is(bound: Option<&Rc<View>>, view: &Rc<View>) -> bool {
    bound.is_some_and(|bound| Rc::ptr_eq(bound, view))
}

/// A clear colour in the numbers of a format; D3D11 converts floats for integer targets.
fn clear_color(format: u32, color: [f32; 4]) -> vk::ClearColorValue {
    match number_kind(format) {
        // CAST: float to integer casts saturate, and NaN becomes 0.
        NumberKind::Uint => vk::ClearColorValue { uint32: color.map(|value| value as u32) },
        NumberKind::Sint => vk::ClearColorValue { int32: color.map(|value| value as i32) },
        _ => vk::ClearColorValue { float32: color },
    }
}

/// Fills a slice with copies of a texel.
fn fill(slice: &Slice, texel: &[u8], count: u64) {
    /// Texels written at a time.
    const CHUNK: u64 = 256;
    let chunk = texel.repeat(CHUNK as usize);
    let size = texel.len() as u64;
    let mut done = 0;
    while done < count {
        let now = CHUNK.min(count - done);
        // CAST: at most the chunk's length.
        slice.write(done * size, chunk.get(..(now * size) as usize).unwrap_or_default());
        done += now;
    }
}

/// The bytes of one texel with the given components.
///
/// # Errors
/// [`Fault`] for formats whose components are not whole bytes of one size.
fn pack(format: u32, value: [u32; 4], is_float: bool) -> Result<Vec<u8>, Fault> {
    let unsupported = || Fault::unsupported(format!("clearing unordered access to format {format}"));
    let info = format::info(format).ok_or_else(unsupported)?;
    let components = match format {
        1..=4 | 9..=14 | 27..=32 => 4,
        15..=18 | 33..=38 | 48..=52 => 2,
        39..=43 | 53..=64 => 1,
        _ => return Err(unsupported()),
    };
    let bytes = (info.block_bytes / components) as usize;
    let mut texel = Vec::new();
    for component in value.into_iter().take(components as usize) {
        let bits = if is_float { encode(format, f32::from_bits(component), bytes) } else { component };
        texel.extend_from_slice(bits.to_le_bytes().get(..bytes).unwrap_or_default());
    }
    Ok(texel)
}

/// A float as the bits of one component.
fn encode(format: u32, value: f32, bytes: usize) -> u32 {
    let unorm = matches!(format, 11 | 28 | 35 | 49 | 56 | 61);
    let snorm = matches!(format, 13 | 31 | 37 | 51 | 58 | 63);
    let bits = bytes * 8;
    match (number_kind(format), bytes) {
        // CAST: saturating, NaN becomes 0.
        (NumberKind::Uint, _) => value as u32,
        (NumberKind::Sint, _) => (value as i32).cast_unsigned(),
        _ if unorm => (value.clamp(0.0, 1.0) * ((1u64 << bits) - 1) as f32).round() as u32,
        _ if snorm => {
            ((value.clamp(-1.0, 1.0) * ((1u64 << (bits - 1)) - 1) as f32).round() as i32).cast_unsigned()
        }
        (_, 2) => half(value),
        _ => value.to_bits(),
    }
}

/// A float as the bits of a half, rounded towards zero.
fn half(value: f32) -> u32 {
    let bits = value.to_bits();
    let sign = bits >> 16 & 0x8000;
    let exponent = (bits >> 23 & 0xff).cast_signed() - 127 + 15;
    let fraction = bits & 0x7f_ffff;
    match exponent {
        143 if fraction != 0 => sign | 0x7e00,
        31.. => sign | 0x7c00,
        1..31 => sign | exponent.cast_unsigned() << 10 | fraction >> 13,
        -10..1 => sign | (fraction | 0x80_0000) >> (14 - exponent),
        _ => sign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves() {
        for (value, bits) in
            [(0.0, 0), (1.0, 0x3c00), (-2.0, 0xc000), (65504.0, 0x7bff), (1e9, 0x7c00), (5.960_464_5e-8, 1)]
        {
            assert_eq!(half(value), bits, "{value}");
        }
        assert_eq!(half(f32::NAN) & 0x7c00, 0x7c00);
        assert_ne!(half(f32::NAN) & 0x3ff, 0);
    }

    #[test]
    fn texels_are_packed() {
        assert_eq!(pack(30, [1, 2, 3, 0x1ff], false).expect("bytes"), [1, 2, 3, 255]);
        assert_eq!(
            pack(28, [1f32.to_bits(), 0, 0, 0.5f32.to_bits()], true).expect("bytes"),
            [255, 0, 0, 128]
        );
        assert_eq!(pack(41, [7, 0, 0, 0], false).expect("bytes"), [7, 0, 0, 0]);
        assert!(pack(26, [0; 4], true).is_err());
    }
}
