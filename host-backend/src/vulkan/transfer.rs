//! Uploads, copies, resolves and mip generation.

use std::rc::Rc;

use ash::vk;
use pvgpu_protocol::command::{self, HeapRange, SubresourceBox, dimension};
use pvgpu_protocol::staging::SubresourceLayout;

use super::Context;
use super::cmd::Cmd;
use super::completion::HeapCopy;
use super::context::{Counters, disagree};
use super::memory::{OwnedSlice, Slice};
use super::recorder::{Access, Tracker};
use super::resource::{Buffer, Resource, Staging, Texture};
use crate::fault::Fault;
use crate::ops::{CopyRegion, ResourceDesc};

/// Bytes somewhere in a buffer, with the pitches of rows and slices.
#[derive(Clone, Copy)]
struct Placed {
    buffer: vk::Buffer,
    offset: u64,
    row_pitch: u32,
    depth_pitch: u32,
}

impl Context {
    /// A slice that lives until the batch has finished.
    pub(super) fn transient(&self, bytes: u64) -> Result<Slice, Fault> {
        let slice = self.slices.take(bytes)?;
        self.trash.add(super::trash::Garbage::Slice(slice));
        Ok(slice)
    }

    /// Ends the pass, inserts a barrier if a use needs one, notes the uses, and gives the main command buffer.
    pub(super) fn prepare_use(&mut self, uses: &[(&Tracker, Access)]) -> Result<Cmd<'_>, Fault> {
        self.end_pass()?;
        self.recorder.main(&self.device)?;
        if uses.iter().any(|(tracker, access)| self.recorder.hazard(tracker, *access)) {
            self.recorder.barrier(&self.device)?;
        }
        for (tracker, access) in uses {
            self.recorder.mark(tracker, *access);
        }
        self.recorder.main(&self.device)
    }

    /// A command buffer for an upload: the early one if the batch has not used the resource, so that the pass goes on.
    fn upload_cmd(&mut self, tracker: &Tracker) -> Result<Cmd<'_>, Fault> {
        if self.recorder.untouched(tracker) {
            return self.recorder.early_write(&self.device, tracker);
        }
        self.prepare_use(&[(tracker, Access::Write)])
    }

    /// Bytes of the heap as the source of a copy.
    fn upload_source(&mut self, range: HeapRange) -> Result<(vk::Buffer, u64), Fault> {
        self.count(|counters: &Counters| &counters.upload_bytes, range.length);
        if let Some(heap) = self.heap_buffer() {
            return Ok((heap, range.offset));
        }
        let slice = self.transient(range.length)?;
        slice.write_from_heap(0, &self.shared.heap, range);
        Ok((slice.buffer, slice.offset))
    }

    pub(super) fn update_subresource(&mut self, c: &command::UpdateSubresource) -> Result<(), Fault> {
        match self.resource(c.dst)? {
            Resource::Buffer(buffer) => {
                let (start, length) = (c.dst_box.left, c.dst_box.right - c.dst_box.left);
                let data = HeapRange { offset: c.data.offset, length: u64::from(length) };
                if u64::from(length) == buffer.size() && buffer.may_move() {
                    return self.replace_buffer(&buffer, data);
                }
                let (source, src_offset) = self.upload_source(data)?;
                self.copy_into_buffer(&buffer, u64::from(start), source, src_offset, data.length)
            }
            Resource::Texture(texture) => self.update_texture(&texture, c),
            Resource::Staging(_) => Err(disagree(c.dst)),
        }
    }

    fn copy_into_buffer(
        &mut self,
        buffer: &Buffer,
        at: u64,
        source: vk::Buffer,
        src_offset: u64,
        size: u64,
    ) -> Result<(), Fault> {
        let (raw, base) = buffer.place();
        let cmd = self.upload_cmd(&buffer.tracker)?;
        cmd.copy_buffer(source, raw, &[vk::BufferCopy { src_offset, dst_offset: base + at, size }]);
        Ok(())
    }

    pub(super) fn update_inline(&mut self, dst: u32, offset: u32, data: &[u8]) -> Result<(), Fault> {
        let buffer = self.buffer(dst)?;
        self.count(|counters: &Counters| &counters.upload_bytes, data.len() as u64);
        if data.len() as u64 == buffer.size() && buffer.may_move() {
            let slice = self.slices.take(buffer.size())?;
            slice.write(0, data);
            buffer.replace(OwnedSlice::new(slice, &self.trash));
            self.buffer_moved(&buffer);
            return Ok(());
        }
        let slice = self.transient(data.len() as u64)?;
        slice.write(0, data);
        self.copy_into_buffer(&buffer, u64::from(offset), slice.buffer, slice.offset, data.len() as u64)
    }

    pub(super) fn discard_buffer(&mut self, dst: u32, data: HeapRange) -> Result<(), Fault> {
        let buffer = self.buffer(dst)?;
        self.count(|counters: &Counters| &counters.upload_bytes, data.length);
        self.replace_buffer(&buffer, data)
    }

    /// Gives a buffer new contents in a new place.
    fn replace_buffer(&mut self, buffer: &Rc<Buffer>, data: HeapRange) -> Result<(), Fault> {
        let slice = self.slices.take(buffer.size())?;
        slice.write_from_heap(0, &self.shared.heap, data);
        buffer.replace(OwnedSlice::new(slice, &self.trash));
        self.buffer_moved(buffer);
        Ok(())
    }

    pub(super) fn write_no_overwrite(&mut self, dst: u32, offset: u32, data: HeapRange) -> Result<(), Fault> {
        let buffer = self.buffer(dst)?;
        self.count(|counters: &Counters| &counters.upload_bytes, data.length);
        let heap = &self.shared.heap;
        let written = buffer.with_slice(|slice| slice.write_from_heap(u64::from(offset), heap, data));
        written.ok_or_else(|| disagree(dst))
    }

    fn update_texture(&mut self, texture: &Texture, c: &command::UpdateSubresource) -> Result<(), Fault> {
        let desc = &texture.desc;
        let image = texture.image();
        check_one_aspect(image.aspects())?;
        let block = desc.format;
        let b = clip(desc, c.dst_subresource, c.dst_box);
        let rows = (b.bottom - b.top).div_ceil(block.block_height);
        let slices = b.back - b.front;
        let aligned = c.data.offset.is_multiple_of(16)
            && (rows == 1 || c.row_pitch.is_multiple_of(block.block_bytes))
            && (slices == 1 || c.row_pitch != 0 && c.depth_pitch.is_multiple_of(c.row_pitch));
        let row_bytes = (b.right - b.left).div_ceil(block.block_width) * block.block_bytes;
        let placed = if aligned {
            let (buffer, offset) = self.upload_source(c.data)?;
            let row_pitch = if rows == 1 && slices == 1 { row_bytes } else { c.row_pitch };
            let depth_pitch = if slices == 1 { row_pitch * rows } else { c.depth_pitch };
            Placed { buffer, offset, row_pitch, depth_pitch }
        } else {
            let bytes = u64::from(row_bytes) * u64::from(rows) * u64::from(slices);
            self.count(|counters: &Counters| &counters.upload_bytes, bytes);
            let slice = self.transient(bytes)?;
            let mut at = 0;
            for z in 0..slices {
                for row in 0..rows {
                    let from =
                        u64::from(z) * u64::from(c.depth_pitch) + u64::from(row) * u64::from(c.row_pitch);
                    let range = HeapRange { offset: c.data.offset + from, length: u64::from(row_bytes) };
                    slice.write_from_heap(at, &self.shared.heap, range);
                    at += u64::from(row_bytes);
                }
            }
            Placed {
                buffer: slice.buffer,
                offset: slice.offset,
                row_pitch: row_bytes,
                depth_pitch: row_bytes * rows,
            }
        };
        let region = image_region(desc, c.dst_subresource, b, placed, image.aspects());
        let cmd = self.upload_cmd(&image.tracker)?;
        cmd.copy_buffer_to_image(placed.buffer, image.raw, vk::ImageLayout::GENERAL, &[region]);
        Ok(())
    }

    pub(super) fn copy_region(&mut self, c: &CopyRegion) -> Result<(), Fault> {
        match (self.resource(c.dst)?, self.resource(c.src)?) {
            (Resource::Texture(dst), Resource::Texture(src)) => self.copy_textures(&dst, &src, c),
            (Resource::Texture(dst), Resource::Staging(src)) => self.upload_staging(&dst, &src, c),
            (Resource::Staging(dst), Resource::Texture(src)) => self.read_back_texture(&dst, &src, c),
            (Resource::Buffer(dst), Resource::Buffer(src)) => {
                let ((to, base), (from, src_base)) = (dst.place(), src.place());
                let size = u64::from(c.src_box.right - c.src_box.left);
                let [x, _, _] = c.dst_origin;
                let region = vk::BufferCopy {
                    src_offset: src_base + u64::from(c.src_box.left),
                    dst_offset: base + u64::from(x),
                    size,
                };
                let cmd = self.prepare_use(&[(&dst.tracker, Access::Write), (&src.tracker, Access::Read)])?;
                cmd.copy_buffer(from, to, &[region]);
                Ok(())
            }
            (Resource::Buffer(dst), Resource::Staging(src)) => {
                let size = u64::from(c.src_box.right - c.src_box.left);
                let [x, _, _] = c.dst_origin;
                let range = HeapRange { offset: src.heap.offset + u64::from(c.src_box.left), length: size };
                self.settle_staging(&src)?;
                let (from, src_offset) = self.upload_source(range)?;
                let (to, base) = dst.place();
                let cmd = self.prepare_use(&[(&dst.tracker, Access::Write), (&src.tracker, Access::Read)])?;
                cmd.copy_buffer(
                    from,
                    to,
                    &[vk::BufferCopy { src_offset, dst_offset: base + u64::from(x), size }],
                );
                Ok(())
            }
            (Resource::Staging(dst), Resource::Buffer(src)) => self.read_back_buffer(&dst, &src, c),
            (Resource::Staging(dst), Resource::Staging(src)) => self.copy_staging(&dst, &src, c),
            _ => Err(disagree(c.dst)),
        }
    }

    fn copy_textures(&mut self, dst: &Texture, src: &Texture, c: &CopyRegion) -> Result<(), Fault> {
        let (to, from) = (dst.image(), src.image());
        let aspects = to.aspects();
        if aspects != from.aspects() {
            return self.copy_through_buffer(dst, src, c);
        }
        let b = c.src_box;
        let [x, y, z] = c.dst_origin;
        let region = vk::ImageCopy {
            src_subresource: layers(&src.desc, c.src_subresource, aspects),
            src_offset: offset([b.left, b.top, b.front]),
            dst_subresource: layers(&dst.desc, c.dst_subresource, aspects),
            dst_offset: offset([x, y, z]),
            extent: extent(b),
        };
        let same = to.raw == from.raw;
        let uses = [(&to.tracker, Access::Write), (&from.tracker, Access::Read)];
        let cmd = self.prepare_use(if same { &uses[..1] } else { &uses })?;
        let layout = vk::ImageLayout::GENERAL;
        cmd.copy_image(from.raw, layout, to.raw, layout, &[region]);
        Ok(())
    }

    /// Copies between a depth and a colour image of the same block size.
    fn copy_through_buffer(&mut self, dst: &Texture, src: &Texture, c: &CopyRegion) -> Result<(), Fault> {
        let (to, from) = (dst.image(), src.image());
        check_one_aspect(to.aspects())?;
        check_one_aspect(from.aspects())?;
        let b = c.src_box;
        let row_pitch = (b.right - b.left) * src.desc.format.block_bytes;
        let depth_pitch = row_pitch * (b.bottom - b.top);
        let slice = self.transient(u64::from(depth_pitch) * u64::from(b.back - b.front))?;
        let placed = Placed { buffer: slice.buffer, offset: slice.offset, row_pitch, depth_pitch };
        let [x, y, z] = c.dst_origin;
        let target = SubresourceBox {
            left: x,
            top: y,
            front: z,
            right: x + b.right - b.left,
            bottom: y + b.bottom - b.top,
            back: z + b.back - b.front,
        };
        let read = image_region(&src.desc, c.src_subresource, b, placed, from.aspects());
        let write = image_region(&dst.desc, c.dst_subresource, target, placed, to.aspects());
        let cmd = self.prepare_use(&[(&from.tracker, Access::Read), (&to.tracker, Access::Write)])?;
        cmd.copy_image_to_buffer(from.raw, vk::ImageLayout::GENERAL, slice.buffer, &[read]);
        cmd.full_barrier();
        cmd.copy_buffer_to_image(slice.buffer, to.raw, vk::ImageLayout::GENERAL, &[write]);
        Ok(())
    }

    fn upload_staging(&mut self, dst: &Texture, src: &Staging, c: &CopyRegion) -> Result<(), Fault> {
        let image = dst.image();
        check_one_aspect(image.aspects())?;
        self.settle_staging(src)?;
        let place = staging_place(src, c.src_subresource)?;
        let range = HeapRange { offset: src.heap.offset + place.offset, length: place.length };
        let (buffer, base) = self.upload_source(range)?;
        let b = c.src_box;
        let placed = Placed {
            buffer,
            offset: base + box_offset(&src.desc, &place, [b.left, b.top, b.front]),
            row_pitch: place.row_pitch,
            depth_pitch: place.depth_pitch,
        };
        let region = image_region(
            &dst.desc,
            c.dst_subresource,
            scaled_target(&dst.desc, &src.desc, c),
            placed,
            image.aspects(),
        );
        let cmd = self.prepare_use(&[(&image.tracker, Access::Write), (&src.tracker, Access::Read)])?;
        cmd.copy_buffer_to_image(buffer, image.raw, vk::ImageLayout::GENERAL, &[region]);
        Ok(())
    }

    fn read_back_texture(&mut self, dst: &Staging, src: &Texture, c: &CopyRegion) -> Result<(), Fault> {
        let image = src.image();
        check_one_aspect(image.aspects())?;
        let place = staging_place(dst, c.dst_subresource)?;
        let b = c.src_box;
        let at = dst.heap.offset + place.offset + box_offset(&dst.desc, &place, c.dst_origin);
        let block = src.desc.format;
        let row_bytes = (b.right - b.left).div_ceil(block.block_width) * block.block_bytes;
        let rows = (b.bottom - b.top).div_ceil(block.block_height);
        let slices = b.back - b.front;
        let placed = match self.heap_buffer() {
            Some(buffer) => {
                Placed { buffer, offset: at, row_pitch: place.row_pitch, depth_pitch: place.depth_pitch }
            }
            None => {
                let bytes = u64::from(row_bytes) * u64::from(rows) * u64::from(slices);
                let slice = self.download(bytes)?;
                let mut from = 0;
                for z in 0..slices {
                    for row in 0..rows {
                        let to = u64::from(z) * u64::from(place.depth_pitch)
                            + u64::from(row) * u64::from(place.row_pitch);
                        self.copies.push(HeapCopy {
                            from: slice,
                            at: from,
                            offset: at + to,
                            length: u64::from(row_bytes),
                        });
                        from += u64::from(row_bytes);
                    }
                }
                let depth_pitch = row_bytes * rows;
                Placed { buffer: slice.buffer, offset: slice.offset, row_pitch: row_bytes, depth_pitch }
            }
        };
        let region = image_region(&src.desc, c.src_subresource, b, placed, image.aspects());
        let cmd = self.prepare_use(&[(&image.tracker, Access::Read), (&dst.tracker, Access::Write)])?;
        cmd.copy_image_to_buffer(image.raw, vk::ImageLayout::GENERAL, placed.buffer, &[region]);
        Ok(())
    }

    fn read_back_buffer(&mut self, dst: &Staging, src: &Buffer, c: &CopyRegion) -> Result<(), Fault> {
        let (from, base) = src.place();
        let size = u64::from(c.src_box.right - c.src_box.left);
        let [x, _, _] = c.dst_origin;
        let offset = dst.heap.offset + u64::from(x);
        let (buffer, dst_offset) = match self.heap_buffer() {
            Some(buffer) => (buffer, offset),
            None => {
                let slice = self.download(size)?;
                self.copies.push(HeapCopy { from: slice, at: 0, offset, length: size });
                (slice.buffer, slice.offset)
            }
        };
        let cmd = self.prepare_use(&[(&src.tracker, Access::Read), (&dst.tracker, Access::Write)])?;
        let src_offset = base + u64::from(c.src_box.left);
        cmd.copy_buffer(from, buffer, &[vk::BufferCopy { src_offset, dst_offset, size }]);
        Ok(())
    }

    /// Copies inside the heap, row by row.
    fn copy_staging(&mut self, dst: &Staging, src: &Staging, c: &CopyRegion) -> Result<(), Fault> {
        let (to, from) = (staging_place(dst, c.dst_subresource)?, staging_place(src, c.src_subresource)?);
        let b = c.src_box;
        let block = src.desc.format;
        let row_bytes = u64::from((b.right - b.left).div_ceil(block.block_width) * block.block_bytes);
        let rows = (b.bottom - b.top).div_ceil(block.block_height);
        let mut regions = Vec::new();
        for z in 0..b.back - b.front {
            for row in 0..rows {
                let at = |place: &SubresourceLayout| {
                    u64::from(z) * u64::from(place.depth_pitch) + u64::from(row) * u64::from(place.row_pitch)
                };
                let src_offset =
                    src.heap.offset + from.offset + box_offset(&src.desc, &from, [b.left, b.top, b.front]);
                let dst_offset = dst.heap.offset + to.offset + box_offset(&dst.desc, &to, c.dst_origin);
                regions.push(vk::BufferCopy {
                    src_offset: src_offset + at(&from),
                    dst_offset: dst_offset + at(&to),
                    size: row_bytes,
                });
            }
        }
        if let Some(heap) = self.heap_buffer() {
            let cmd = self.prepare_use(&[(&src.tracker, Access::Read), (&dst.tracker, Access::Write)])?;
            cmd.copy_buffer(heap, heap, &regions);
            return Ok(());
        }
        // Without an imported heap the CPU copies, once the GPU has finished with both.
        self.finish()?;
        for region in regions {
            let mut row = vec![0; usize::try_from(region.size).unwrap_or(0)];
            self.shared.heap.read(HeapRange { offset: region.src_offset, length: region.size }, &mut row);
            self.shared.heap.write(region.dst_offset, &row);
        }
        Ok(())
    }

    /// Without an imported heap, staging bytes that the GPU is still to write must arrive before the CPU reads them.
    fn settle_staging(&mut self, staging: &Staging) -> Result<(), Fault> {
        if self.heap_buffer().is_none() && staging.tracker.was_written() {
            self.finish()?;
        }
        Ok(())
    }

    /// Memory for the GPU to write and the completion thread to read.
    pub(super) fn download(&self, bytes: u64) -> Result<Slice, Fault> {
        let slice = self.readback.take(bytes)?;
        self.trash.add(super::trash::Garbage::Readback(slice));
        Ok(slice)
    }

    pub(super) fn resolve(
        &mut self,
        dst: u32,
        dst_subresource: u32,
        src: u32,
        src_subresource: u32,
        format: u32,
    ) -> Result<(), Fault> {
        let (dst, src) = (self.texture(dst)?, self.texture(src)?);
        let (to, from) = (dst.image(), src.image());
        if to.format != from.format {
            return Err(Fault::unsupported(format!("a resolve from {:?} to {:?}", from.format, to.format)));
        }
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
        log::trace!("resolve as format {format}");
        let region = vk::ImageResolve {
            src_subresource: layers(&src.desc, src_subresource, vk::ImageAspectFlags::COLOR),
            dst_subresource: layers(&dst.desc, dst_subresource, vk::ImageAspectFlags::COLOR),
            extent: extent(area),
            ..Default::default()
        };
        let cmd = self.prepare_use(&[(&from.tracker, Access::Read), (&to.tracker, Access::Write)])?;
        cmd.resolve_image(from.raw, vk::ImageLayout::GENERAL, to.raw, vk::ImageLayout::GENERAL, &[region]);
        Ok(())
    }

    pub(super) fn generate_mips(&mut self, id: u32) -> Result<(), Fault> {
        let view = self.view(id)?;
        let Some(texture) = view.texture() else { return Err(disagree(id)) };
        let image = texture.image();
        let range = view.desc.range;
        let volume = texture.desc.command.dimension == dimension::TEXTURE3D;
        let (first, count) = if volume { (0, 1) } else { (range.first_array_slice, range.array_size) };
        let subresource = |mip: u32| vk::ImageSubresourceLayers {
            aspect_mask: vk::ImageAspectFlags::COLOR,
            mip_level: mip,
            base_array_layer: first,
            layer_count: count,
        };
        let cmd = self.prepare_use(&[(&image.tracker, Access::Write)])?;
        for mip in range.most_detailed_mip + 1..range.most_detailed_mip + range.mip_levels {
            let blit = vk::ImageBlit {
                src_subresource: subresource(mip - 1),
                src_offsets: [vk::Offset3D::default(), offset(texture.desc.mip_extent(mip - 1))],
                dst_subresource: subresource(mip),
                dst_offsets: [vk::Offset3D::default(), offset(texture.desc.mip_extent(mip))],
            };
            let layout = vk::ImageLayout::GENERAL;
            cmd.blit_image(image.raw, layout, image.raw, layout, &[blit], vk::Filter::LINEAR);
            cmd.full_barrier();
        }
        Ok(())
    }

    pub(super) fn copy_structure_count(
        &mut self,
        dst: u32,
        dst_offset: u32,
        src_view: u32,
    ) -> Result<(), Fault> {
        let view = self.view(src_view)?;
        let Some(counter) = &view.counter else {
            return Err(Fault::object(src_view, "a view without a counter"));
        };
        match self.resource(dst)? {
            Resource::Buffer(buffer) => {
                let (raw, base) = buffer.place();
                let cmd =
                    self.prepare_use(&[(&counter.tracker, Access::Read), (&buffer.tracker, Access::Write)])?;
                let region =
                    vk::BufferCopy { src_offset: 0, dst_offset: base + u64::from(dst_offset), size: 4 };
                cmd.copy_buffer(counter.buffer, raw, &[region]);
                Ok(())
            }
            Resource::Staging(staging) => {
                let offset = staging.heap.offset + u64::from(dst_offset);
                let (raw, dst_offset) = match self.heap_buffer() {
                    Some(heap) => (heap, offset),
                    None => {
                        let slice = self.download(4)?;
                        self.copies.push(HeapCopy { from: slice, at: 0, offset, length: 4 });
                        (slice.buffer, slice.offset)
                    }
                };
                let cmd =
                    self.prepare_use(&[(&counter.tracker, Access::Read), (&staging.tracker, Access::Write)])?;
                cmd.copy_buffer(
                    counter.buffer,
                    raw,
                    &[vk::BufferCopy { src_offset: 0, dst_offset, size: 4 }],
                );
                Ok(())
            }
            Resource::Texture(_) => Err(disagree(dst)),
        }
    }
}

/// Copies between buffers and images of packed depth and stencil need both parts interleaved, which Vulkan does not do.
fn check_one_aspect(aspects: vk::ImageAspectFlags) -> Result<(), Fault> {
    if aspects == vk::ImageAspectFlags::DEPTH | vk::ImageAspectFlags::STENCIL {
        return Err(Fault::unsupported("copies between memory and depth-stencil textures with stencil"));
    }
    Ok(())
}

fn staging_place(staging: &Staging, subresource: u32) -> Result<SubresourceLayout, Fault> {
    let place = staging.desc.shape.subresource(staging.desc.format, subresource);
    place.ok_or_else(|| Fault::argument(format!("subresource {subresource} of a staging resource")))
}

/// Where a texel lies in a subresource.
fn box_offset(desc: &ResourceDesc, place: &SubresourceLayout, [x, y, z]: [u32; 3]) -> u64 {
    let block = desc.format;
    u64::from(z) * u64::from(place.depth_pitch)
        + u64::from(y / block.block_height) * u64::from(place.row_pitch)
        + u64::from(x / block.block_width) * u64::from(block.block_bytes)
}

/// The box that a copy writes, when source and destination have blocks of different shapes.
fn scaled_target(dst: &ResourceDesc, src: &ResourceDesc, c: &CopyRegion) -> SubresourceBox {
    let b = c.src_box;
    let [x, y, z] = c.dst_origin;
    let width = (b.right - b.left).div_ceil(src.format.block_width) * dst.format.block_width;
    let height = (b.bottom - b.top).div_ceil(src.format.block_height) * dst.format.block_height;
    let target = SubresourceBox {
        left: x,
        top: y,
        front: z,
        right: x + width,
        bottom: y + height,
        back: z + b.back - b.front,
    };
    clip(dst, c.dst_subresource, target)
}

/// Cuts a box that reaches into the padding of the last blocks.
fn clip(desc: &ResourceDesc, subresource: u32, b: SubresourceBox) -> SubresourceBox {
    let [width, height, _] = desc.mip_extent(subresource % desc.shape.mip_levels);
    SubresourceBox { right: b.right.min(width), bottom: b.bottom.min(height), ..b }
}

fn layers(
    desc: &ResourceDesc,
    subresource: u32,
    aspects: vk::ImageAspectFlags,
) -> vk::ImageSubresourceLayers {
    vk::ImageSubresourceLayers {
        aspect_mask: aspects,
        mip_level: subresource % desc.shape.mip_levels,
        base_array_layer: subresource / desc.shape.mip_levels,
        layer_count: 1,
    }
}

/// CAST: texels are at most 16,384.
fn offset([x, y, z]: [u32; 3]) -> vk::Offset3D {
    vk::Offset3D { x: x as i32, y: y as i32, z: z as i32 }
}

fn extent(b: SubresourceBox) -> vk::Extent3D {
    vk::Extent3D { width: b.right - b.left, height: b.bottom - b.top, depth: b.back - b.front }
}

fn image_region(
    desc: &ResourceDesc,
    subresource: u32,
    b: SubresourceBox,
    placed: Placed,
    aspects: vk::ImageAspectFlags,
) -> vk::BufferImageCopy {
    let block = desc.format;
    let rows = placed.depth_pitch.checked_div(placed.row_pitch).unwrap_or(0);
    vk::BufferImageCopy {
        buffer_offset: placed.offset,
        buffer_row_length: placed.row_pitch / block.block_bytes * block.block_width,
        buffer_image_height: rows * block.block_height,
        image_subresource: layers(desc, subresource, aspects),
        image_offset: offset([b.left, b.top, b.front]),
        image_extent: extent(b),
    }
}
