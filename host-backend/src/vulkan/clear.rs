//! Clears: of bound targets inside or at the begin of a pass, of other views in a pass of their own; and of unordered-access
//! views.

use std::rc::Rc;

use ash::vk;
use pvgpu_protocol::command::{Rect, dimension, view_kind};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::staging::mip_extent;

use super::Context;
use super::cmd::Rendering;
use super::context::target_buffer;
use super::formats::map_color;
use super::memory::Slice;
use super::pass::{LoadClear, depth_attachments};
use super::recorder::Access;
use super::resource::{Buffer, Image, Texture};
use super::texel;
use super::view::{Counter, View};
use crate::fault::Fault;
use crate::format::{NumberKind, has_stencil, number_kind};
use crate::ops::ResourceDesc;

/// Bytes of zeros for images that cannot be cleared (block-compressed): rows are copied in bands of this.
const ZERO_BYTES: u64 = 1 << 20;
/// Bytes of texels for views that Vulkan cannot clear: copied again and again in bands of this.
const BAND_BYTES: u64 = 1 << 20;
/// Parts that one clear may consist of: all of the largest texture takes 4,096, but rectangles may repeat it.
const MAX_COPIES: u64 = 1 << 16;

impl Context {
    pub(super) fn clear_render_target_view(&mut self, id: u32, color: [f32; 4]) -> Result<(), Fault> {
        let view = self.view(id)?;
        if let Some(buffer) = &view.source {
            return self.clear_buffer_view(&view, buffer, color.map(f32::to_bits), true, None);
        }
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
        self.clear_alone(&view, &texture, Some(attachment), None, None, None)
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
        self.clear_alone(&view, &texture, None, depth.map(store), stencil.map(store), None)
    }

    /// Whether a pass with the bound targets would cover all of a view.
    fn fits_bound_pass(&self, view: &View) -> Result<bool, Fault> {
        let mut others = self.bound.render_targets.iter().chain([&self.bound.depth_stencil]).flatten();
        let extent =
            |view: &View| view.texture().map(|texture| (view.extent(texture), view.desc.range.array_size));
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
        let [width, height] = view.extent(texture);
        let rect = vk::ClearRect {
            rect: vk::Rect2D { offset: vk::Offset2D::default(), extent: vk::Extent2D { width, height } },
            base_array_layer: 0,
            layer_count: view.desc.range.array_size,
        };
        self.recorder.main(&self.device)?.clear_attachments(&[clear], &[rect]);
        Ok(())
    }

    /// Clears a view, or a part of it, in a pass with nothing else.
    fn clear_alone(
        &mut self,
        view: &View,
        texture: &Texture,
        color: Option<vk::RenderingAttachmentInfo<'static>>,
        depth: Option<vk::RenderingAttachmentInfo<'static>>,
        stencil: Option<vk::RenderingAttachmentInfo<'static>>,
        part: Option<(vk::ClearAttachment, &[vk::ClearRect])>,
    ) -> Result<(), Fault> {
        let [width, height] = view.extent(texture);
        let image = texture.image();
        let cmd = self.prepare_use(&[(&image.tracker, Access::Write)])?;
        cmd.begin_rendering(Rendering {
            extent: vk::Extent2D { width, height },
            layers: view.desc.range.array_size,
            colors: color.into_iter().collect(),
            depth,
            stencil,
        });
        if let Some((clear, rects)) = part {
            cmd.clear_attachments(&[clear], rects);
        }
        cmd.end_rendering();
        Ok(())
    }

    /// Clears rectangles of a view, or all of it when there are none (`ClearView`).
    pub(super) fn clear_view(&mut self, id: u32, color: [f32; 4], rects: &[Rect]) -> Result<(), Fault> {
        let view = self.view(id)?;
        let [depth, ..] = color;
        let depth = if depth.is_nan() { 0.0 } else { depth.clamp(0.0, 1.0) };
        if rects.is_empty() {
            return match view.desc.kind {
                view_kind::RENDER_TARGET => self.clear_render_target_view(id, color),
                view_kind::DEPTH_STENCIL => self.clear_depth_stencil_view(id, Some(depth), None),
                _ => self.clear_unordered_access(&view, color.map(f32::to_bits), true, None),
            };
        }
        if view.desc.kind == view_kind::UNORDERED_ACCESS {
            return self.clear_unordered_access(&view, color.map(f32::to_bits), true, Some(rects));
        }
        if let Some(buffer) = &view.source {
            return self.clear_buffer_view(&view, buffer, color.map(f32::to_bits), true, Some(rects));
        }
        let Some(texture) = view.texture().cloned() else { return Ok(()) };
        let rects = clip_rects(rects, view.extent(&texture), view.desc.range.array_size);
        if rects.is_empty() {
            return Ok(());
        }
        let slot = self.bound.render_targets.iter().position(|bound| is(bound.as_ref(), &view));
        let is_depth = view.desc.kind == view_kind::DEPTH_STENCIL;
        let bound = if is_depth { is(self.bound.depth_stencil.as_ref(), &view) } else { slot.is_some() };
        let clear = vk::ClearAttachment {
            aspect_mask: if is_depth { vk::ImageAspectFlags::DEPTH } else { vk::ImageAspectFlags::COLOR },
            // CAST: 8 targets.
            color_attachment: slot.unwrap_or(0) as u32,
            clear_value: if is_depth {
                vk::ClearValue { depth_stencil: vk::ClearDepthStencilValue { depth, stencil: 0 } }
            } else {
                vk::ClearValue { color: clear_color(view.desc.format, color) }
            },
        };
        let writable = view.desc.range.flags == 0;
        if bound && writable && self.pass.is_some_and(|pass| pass.covers(&view)) {
            self.recorder.main(&self.device)?.clear_attachments(&[clear], &rects);
            return Ok(());
        }
        let raw = view.attachment(&texture)?;
        let load = |info: vk::RenderingAttachmentInfo<'static>| {
            info.load_op(vk::AttachmentLoadOp::LOAD).store_op(vk::AttachmentStoreOp::STORE)
        };
        let clear = vk::ClearAttachment { color_attachment: 0, ..clear };
        if is_depth {
            let (depth, stencil) = depth_attachments(&view, &texture.image(), raw, None);
            self.clear_alone(&view, &texture, None, depth.map(load), stencil.map(load), Some((clear, &rects)))
        } else {
            let attachment =
                vk::RenderingAttachmentInfo::default().image_view(raw).image_layout(vk::ImageLayout::GENERAL);
            self.clear_alone(&view, &texture, Some(load(attachment)), None, None, Some((clear, &rects)))
        }
    }

    pub(super) fn clear_unordered_access_view(
        &mut self,
        id: u32,
        value: [u32; 4],
        is_float: bool,
    ) -> Result<(), Fault> {
        let view = self.view(id)?;
        self.clear_unordered_access(&view, value, is_float, None)
    }

    /// Clears a view, or rectangles of it.
    fn clear_unordered_access(
        &mut self,
        view: &Rc<View>,
        value: [u32; 4],
        is_float: bool,
        rects: Option<&[Rect]>,
    ) -> Result<(), Fault> {
        if let Some(buffer) = target_buffer(view) {
            return self.clear_buffer_view(view, buffer, value, is_float, rects);
        }
        let Some(texture) = view.texture().cloned() else { return Ok(()) };
        let image = texture.plane(view.desc.format);
        let range = &view.desc.range;
        let kind = number_kind(view.desc.format);
        let [_, _, depth] = texture.desc.mip_extent(range.most_detailed_mip);
        let volume = texture.desc.command.dimension == dimension::TEXTURE3D;
        let whole = !volume || range.first_array_slice == 0 && range.array_size == depth;
        let own_format = map_color(view.desc.format) == image.format;
        if own_format && whole && rects.is_none() && is_float == (kind == NumberKind::Float) {
            let color = if is_float {
                vk::ClearColorValue { float32: value.map(f32::from_bits) }
            } else {
                vk::ClearColorValue { uint32: texel::masked(view.desc.format, value) }
            };
            let subresources = vk::ImageSubresourceRange {
                aspect_mask: vk::ImageAspectFlags::COLOR,
                base_mip_level: range.most_detailed_mip,
                level_count: 1,
                base_array_layer: if volume { 0 } else { range.first_array_slice },
                layer_count: if volume { 1 } else { range.array_size },
            };
            let cmd = self.prepare_use(&[(&texture.image().tracker, Access::Write)])?;
            cmd.clear_color_image(image.raw, vk::ImageLayout::GENERAL, &color, &[subresources]);
            return Ok(());
        }
        let texel = texel::pack(view.desc.format, value, is_float)?;
        let [width, height] = view.extent(&texture);
        // CAST: at most 16,384.
        let all = [Rect { left: 0, top: 0, right: width as i32, bottom: height as i32 }];
        let rects = clip_rects(rects.unwrap_or(&all), [width, height], 1);
        let widest = rects.iter().map(|rect| rect.rect.extent.width).max().unwrap_or(0);
        let tallest = rects.iter().map(|rect| rect.rect.extent.height).max().unwrap_or(0);
        if widest == 0 || tallest == 0 {
            return Ok(());
        }
        // CAST: at most 16,384 rows.
        let row = u64::from(widest) * texel.len() as u64;
        let band = (BAND_BYTES / row).clamp(1, u64::from(tallest)) as u32;
        let copies = rects.len() as u64 * u64::from(tallest.div_ceil(band));
        if copies > MAX_COPIES {
            let what = format!("a clear of {copies} parts; {MAX_COPIES} are the limit");
            return Err(Fault::new(error_code::LIMIT, what));
        }
        let slice = self.transient(row * u64::from(band))?;
        fill(&slice, &texel, u64::from(widest) * u64::from(band));
        let slices = range.first_array_slice..range.first_array_slice + range.array_size;
        let cmd = self.prepare_use(&[(&texture.image().tracker, Access::Write)])?;
        for slice_index in slices {
            let (layer, z) = if volume { (0, slice_index) } else { (slice_index, 0) };
            let regions = rects.iter().flat_map(|rect| {
                let vk::Rect2D { offset, extent } = rect.rect;
                (0..extent.height).step_by(band as usize).map(move |top| {
                    vk::BufferImageCopy::default()
                        .buffer_offset(slice.offset)
                        .image_subresource(vk::ImageSubresourceLayers {
                            aspect_mask: vk::ImageAspectFlags::COLOR,
                            mip_level: range.most_detailed_mip,
                            base_array_layer: layer,
                            layer_count: 1,
                        })
                        // CAST: at most 16,384.
                        .image_offset(vk::Offset3D { x: offset.x, y: offset.y + top as i32, z: z as i32 })
                        .image_extent(vk::Extent3D {
                            width: extent.width,
                            height: band.min(extent.height - top),
                            depth: 1,
                        })
                })
            });
            let regions: Vec<_> = regions.collect();
            cmd.copy_buffer_to_image(slice.buffer, image.raw, vk::ImageLayout::GENERAL, &regions);
        }
        Ok(())
    }

    fn clear_buffer_view(
        &mut self,
        view: &Rc<View>,
        buffer: &Rc<Buffer>,
        value: [u32; 4],
        is_float: bool,
        rects: Option<&[Rect]>,
    ) -> Result<(), Fault> {
        let (raw, offset, bytes) = view.buffer_range(buffer);
        let [first, ..] = value;
        let texel = if view.is_typed(buffer) {
            texel::pack(view.desc.format, value, is_float)?
        } else {
            first.to_le_bytes().to_vec()
        };
        let size = texel.len().max(1) as u64;
        let elements = bytes / size;
        let all = [(0, elements)];
        let parts: Vec<(u64, u64)> = match rects {
            None => all.to_vec(),
            // The elements of a buffer lie side by side in one row.
            Some(rects) => rects
                .iter()
                .filter(|rect| rect.top <= 0 && rect.bottom >= 1)
                .map(|rect| {
                    let edge = |edge: i32| u64::from(edge.max(0).cast_unsigned()).min(elements);
                    (edge(rect.left), edge(rect.right))
                })
                .collect(),
        };
        for (start, end) in parts.into_iter().filter(|(start, end)| start < end) {
            self.fill_buffer_part(buffer, raw, offset + start * size, (end - start) * size, &texel)?;
        }
        Ok(())
    }

    /// Fills a part of a buffer with copies of a texel.
    fn fill_buffer_part(
        &mut self,
        buffer: &Buffer,
        raw: vk::Buffer,
        offset: u64,
        bytes: u64,
        texel: &[u8],
    ) -> Result<(), Fault> {
        // Fills go by dwords; patterns of other sizes, and odd places, are copied.
        let whole = offset.is_multiple_of(4) && bytes.is_multiple_of(4);
        if let (Some(dword), true) = (texel::dword(texel), whole) {
            let cmd = self.prepare_use(&[(&buffer.tracker, Access::Write)])?;
            cmd.fill_buffer(raw, offset, bytes, dword);
            return Ok(());
        }
        let size = texel.len().max(1) as u64;
        let band = (BAND_BYTES / size * size).min(bytes);
        let slice = self.transient(band)?;
        fill(&slice, texel, band / size);
        let cmd = self.prepare_use(&[(&buffer.tracker, Access::Write)])?;
        let mut done = 0;
        while done < bytes {
            let now = band.min(bytes - done);
            let region = vk::BufferCopy { src_offset: slice.offset, dst_offset: offset + done, size: now };
            cmd.copy_buffer(slice.buffer, raw, &[region]);
            done += now;
        }
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

/// Rectangles as far as they lie in a view, for each of its slices.
fn clip_rects(rects: &[Rect], [width, height]: [u32; 2], layer_count: u32) -> Vec<vk::ClearRect> {
    rects
        .iter()
        .filter_map(|rect| {
            let edge = |edge: i32, end: u32| edge.max(0).cast_unsigned().min(end);
            let (left, right) = (edge(rect.left, width), edge(rect.right, width));
            let (top, bottom) = (edge(rect.top, height), edge(rect.bottom, height));
            (left < right && top < bottom).then(|| vk::ClearRect {
                rect: vk::Rect2D {
                    // CAST: at most 16,384.
                    offset: vk::Offset2D { x: left as i32, y: top as i32 },
                    extent: vk::Extent2D { width: right - left, height: bottom - top },
                },
                base_array_layer: 0,
                layer_count,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_are_clipped() {
        let rect = |left, top, right, bottom| Rect { left, top, right, bottom };
        let clipped = clip_rects(
            &[rect(-5, 2, 3, 900), rect(4, 4, 4, 8), rect(7, 0, 3, 8), rect(i32::MIN, 0, i32::MAX, 1)],
            [8, 6],
            2,
        );
        let found: Vec<_> = clipped
            .iter()
            .map(|c| (c.rect.offset.x, c.rect.offset.y, c.rect.extent.width, c.rect.extent.height))
            .collect();
        assert_eq!(found, [(0, 2, 3, 4), (0, 0, 8, 1)]);
        assert!(clipped.iter().all(|clear| clear.layer_count == 2));
    }
}
