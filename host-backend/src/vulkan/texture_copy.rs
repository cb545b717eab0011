//! Copies between textures, and between textures and memory.
//!
//! A texture has one part, or two where its format has planes of luma and chroma ([`Part`]). Most parts hold D3D11's own bytes,
//! which the GPU copies; what is converted on the way ([`super::texels`]) passes the CPU.

use ash::vk;
use pvgpu_protocol::command::{self, HeapRange, SubresourceBox, dimension};
use pvgpu_protocol::staging::SubresourceLayout;

use super::Context;
use super::completion::{HeapCopy, HeapPack};
use super::context::Counters;
use super::memory::Slice;
use super::recorder::Access;
use super::resource::{Part, Staging, Texture};
use super::texels::Plane;
use crate::fault::Fault;
use crate::ops::{CopyRegion, ResourceDesc};

/// The largest pitch that Vulkan takes, in bytes (`VUID-vkCmdCopyBufferToImage-pRegions-07747`).
const MAX_ROW_PITCH: u32 = i32::MAX as u32;
/// Rows of blocks between two slices; no texture has more than 2,048 rows and several slices.
const MAX_ROWS: u64 = 1 << 28;

/// Bytes somewhere in a buffer, with the pitches of rows and slices.
#[derive(Clone, Copy)]
struct Placed {
    buffer: vk::Buffer,
    offset: u64,
    row_pitch: u32,
    depth_pitch: u64,
}

/// Rows in the guest's heap.
#[derive(Clone, Copy)]
struct HeapRows {
    offset: u64,
    row_pitch: u32,
    depth_pitch: u32,
}

impl HeapRows {
    fn row(&self, z: u32, row: u32) -> u64 {
        self.offset + u64::from(z) * u64::from(self.depth_pitch) + u64::from(row) * u64::from(self.row_pitch)
    }
}

impl Context {
    /// Writes a box of a texture from the heap.
    pub(super) fn update_texture(
        &mut self,
        texture: &Texture,
        c: &command::UpdateSubresource,
    ) -> Result<(), Fault> {
        let desc = &texture.desc;
        let b = clip(desc, c.dst_subresource, c.dst_box);
        let mut rows = HeapRows { offset: c.data.offset, row_pitch: c.row_pitch, depth_pitch: c.depth_pitch };
        for part in texture.parts() {
            let area = part.area(b);
            let size = PartBox::new(&part, area);
            if let Some(conversion) = part.conversion {
                let placed = self.split(rows, &size, conversion)?;
                self.write_planes(desc, &part, c.dst_subresource, area, conversion.planes(), &placed, true)?;
            } else {
                let placed = self.upload_rows(rows, &size, None)?;
                let region = image_region(desc, &part, c.dst_subresource, area, placed, part.image.aspects());
                let cmd = self.upload_cmd(&part.image.tracker)?;
                cmd.copy_buffer_to_image(placed.buffer, part.image.raw, vk::ImageLayout::GENERAL, &[region]);
            }
            // Chroma follows luma.
            rows.offset += u64::from(rows.row_pitch) * u64::from(size.rows);
        }
        Ok(())
    }

    /// Rows of the heap, perhaps a staging resource's, as the source of a copy to an image: in place, if Vulkan takes them so.
    fn upload_rows(
        &mut self,
        from: HeapRows,
        size: &PartBox,
        staging: Option<&Staging>,
    ) -> Result<Placed, Fault> {
        // The pitch of a single row says nothing, and may be anything.
        let row_pitch = if size.rows == 1 { size.row_bytes } else { from.row_pitch };
        let aligned = size.may_begin_at(from.offset)
            && row_pitch.is_multiple_of(size.block_bytes)
            && row_pitch <= MAX_ROW_PITCH
            && (size.slices == 1 || from.depth_pitch.is_multiple_of(row_pitch));
        if aligned {
            let packed = u64::from(row_pitch) * u64::from(size.rows);
            let depth_pitch = if size.slices == 1 { packed } else { u64::from(from.depth_pitch) };
            let length = depth_pitch * u64::from(size.slices - 1)
                + u64::from(row_pitch) * u64::from(size.rows - 1)
                + u64::from(size.row_bytes);
            let (buffer, offset) = self.upload_source(HeapRange { offset: from.offset, length })?;
            return Ok(Placed { buffer, offset, row_pitch, depth_pitch });
        }
        if let Some(staging) = staging {
            self.settle_for_cpu(staging)?;
        }
        self.count(|counters: &Counters| &counters.upload_bytes, size.bytes());
        let slice = self.transient(size.bytes())?;
        let mut at = 0;
        for z in 0..size.slices {
            for row in 0..size.rows {
                let range = HeapRange { offset: from.row(z, row), length: u64::from(size.row_bytes) };
                slice.write_from_heap(at, &self.shared.heap, range);
                at += u64::from(size.row_bytes);
            }
        }
        Ok(size.tight(&slice))
    }

    /// Takes rows of the heap apart into planes in memory that the GPU reads.
    fn split(
        &mut self,
        from: HeapRows,
        size: &PartBox,
        conversion: super::texels::Conversion,
    ) -> Result<Vec<Placed>, Fault> {
        let texels = size.texels;
        let row_bytes = conversion.row_bytes(texels);
        let mut row_buffer = vec![0; row_bytes as usize];
        let mut planes = vec![Vec::new(); conversion.planes().len()];
        for z in 0..size.slices {
            for row in 0..size.rows {
                let range = HeapRange { offset: from.row(z, row), length: u64::from(row_bytes) };
                self.shared.heap.read(range, &mut row_buffer);
                conversion.split(&row_buffer, texels, &mut planes);
            }
        }
        let bytes = u64::from(row_bytes) * u64::from(size.rows) * u64::from(size.slices);
        self.count(|counters: &Counters| &counters.upload_bytes, bytes);
        let mut placed = Vec::new();
        for (plane, bytes) in conversion.planes().iter().zip(&planes) {
            let slice = self.transient(bytes.len() as u64)?;
            slice.write(0, bytes);
            placed.push(size.plane(&slice, plane));
        }
        Ok(placed)
    }

    /// Copies planes into an image.
    #[expect(clippy::too_many_arguments, reason = "one place of each kind")]
    fn write_planes(
        &mut self,
        desc: &ResourceDesc,
        part: &Part,
        subresource: u32,
        area: SubresourceBox,
        planes: &[Plane],
        placed: &[Placed],
        early: bool,
    ) -> Result<(), Fault> {
        let tracker = &part.image.tracker;
        let cmd =
            if early { self.upload_cmd(tracker)? } else { self.prepare_use(&[(tracker, Access::Write)])? };
        for (plane, placed) in planes.iter().zip(placed) {
            let region = plane_region(desc, part, subresource, area, *placed, plane);
            cmd.copy_buffer_to_image(placed.buffer, part.image.raw, vk::ImageLayout::GENERAL, &[region]);
        }
        Ok(())
    }

    /// Copies a box from one texture to another.
    pub(super) fn copy_textures(
        &mut self,
        dst: &Texture,
        src: &Texture,
        c: &CopyRegion,
    ) -> Result<(), Fault> {
        let target = scaled_target(&dst.desc, &src.desc, c);
        for (to, from) in dst.parts().into_iter().zip(src.parts()) {
            let (source, target) = (from.area(c.src_box), to.area(target));
            if can_copy_directly(dst, src, &to, &from, source, target) {
                let aspects = to.image.aspects();
                let region = vk::ImageCopy {
                    src_subresource: layers(&src.desc, c.src_subresource, aspects),
                    src_offset: offset([source.left, source.top, source.front]),
                    dst_subresource: layers(&dst.desc, c.dst_subresource, aspects),
                    dst_offset: offset([target.left, target.top, target.front]),
                    extent: extent(source),
                };
                let same = to.image.raw == from.image.raw;
                let uses = [(&to.image.tracker, Access::Write), (&from.image.tracker, Access::Read)];
                let cmd = self.prepare_use(if same { &uses[..1] } else { &uses })?;
                let layout = vk::ImageLayout::GENERAL;
                cmd.copy_image(from.image.raw, layout, to.image.raw, layout, &[region]);
            } else {
                self.copy_through_buffer((dst, &to, target), (src, &from, source), c)?;
            }
        }
        Ok(())
    }

    /// Copies where images cannot be copied to each other: between depth and colour, between blocks and texels, between 1D and
    /// 2D, and onto itself.
    fn copy_through_buffer(
        &mut self,
        (dst, to, target): (&Texture, &Part, SubresourceBox),
        (src, from, source): (&Texture, &Part, SubresourceBox),
        c: &CopyRegion,
    ) -> Result<(), Fault> {
        if src.desc.command.sample_count > 1 {
            return Err(Fault::unsupported("a copy between multisampled textures of different kinds"));
        }
        let size = PartBox::new(from, source);
        let (reads, writes) = (from.planes(), to.planes());
        let bytes = |planes: &[Plane]| planes.iter().map(|plane| plane.bytes).collect::<Vec<_>>();
        if bytes(&reads) != bytes(&writes) {
            return Err(Fault::unsupported(format!(
                "a copy from {:?} to {:?}",
                from.image.format, to.image.format
            )));
        }
        for (read, write) in reads.iter().zip(&writes) {
            let tight = from.conversion.is_some() || read.aspect != vk::ImageAspectFlags::COLOR;
            let row_pitch = if tight { size.texels * read.bytes } else { size.row_bytes };
            let depth_pitch = u64::from(row_pitch) * u64::from(size.rows);
            let slice = self.transient(depth_pitch * u64::from(size.slices))?;
            let placed = Placed { buffer: slice.buffer, offset: slice.offset, row_pitch, depth_pitch };
            let read = plane_region(&src.desc, from, c.src_subresource, source, placed, read);
            let write = plane_region(&dst.desc, to, c.dst_subresource, target, placed, write);
            let same = to.image.raw == from.image.raw;
            let uses = [(&to.image.tracker, Access::Write), (&from.image.tracker, Access::Read)];
            let cmd = self.prepare_use(if same { &uses[..1] } else { &uses })?;
            let layout = vk::ImageLayout::GENERAL;
            cmd.copy_image_to_buffer(from.image.raw, layout, slice.buffer, &[read]);
            cmd.full_barrier();
            cmd.copy_buffer_to_image(slice.buffer, to.image.raw, layout, &[write]);
        }
        Ok(())
    }

    /// Copies a box of a staging resource to a texture.
    pub(super) fn upload_staging(
        &mut self,
        dst: &Texture,
        src: &Staging,
        c: &CopyRegion,
    ) -> Result<(), Fault> {
        let place = staging_place(src, c.src_subresource)?;
        let target = scaled_target(&dst.desc, &src.desc, c);
        let b = c.src_box;
        let mut rows = HeapRows {
            offset: src.heap.offset + place.offset + box_offset(&src.desc, &place, [b.left, b.top, b.front]),
            row_pitch: place.row_pitch,
            depth_pitch: place.depth_pitch,
        };
        for part in dst.parts() {
            let area = part.area(target);
            let size = PartBox::new(&part, area);
            if let Some(conversion) = part.conversion {
                self.settle_for_cpu(src)?;
                let placed = self.split(rows, &size, conversion)?;
                self.recorder.mark(&src.tracker, Access::Read);
                let planes = conversion.planes();
                self.write_planes(&dst.desc, &part, c.dst_subresource, area, planes, &placed, false)?;
            } else {
                self.settle_staging(src)?;
                let placed = self.upload_rows(rows, &size, Some(src))?;
                let region =
                    image_region(&dst.desc, &part, c.dst_subresource, area, placed, part.image.aspects());
                let uses = [(&part.image.tracker, Access::Write), (&src.tracker, Access::Read)];
                let cmd = self.prepare_use(&uses)?;
                cmd.copy_buffer_to_image(placed.buffer, part.image.raw, vk::ImageLayout::GENERAL, &[region]);
            }
            rows.offset += u64::from(rows.row_pitch) * u64::from(size.rows);
        }
        Ok(())
    }

    /// Copies a box of a texture to a staging resource.
    pub(super) fn read_back_texture(
        &mut self,
        dst: &Staging,
        src: &Texture,
        c: &CopyRegion,
    ) -> Result<(), Fault> {
        let place = staging_place(dst, c.dst_subresource)?;
        let mut rows = HeapRows {
            offset: dst.heap.offset + place.offset + box_offset(&dst.desc, &place, c.dst_origin),
            row_pitch: place.row_pitch,
            depth_pitch: place.depth_pitch,
        };
        for part in src.parts() {
            let area = part.area(c.src_box);
            let size = PartBox::new(&part, area);
            if let Some(conversion) = part.conversion {
                self.join(dst, src, &part, c.src_subresource, area, rows, conversion)?;
            } else {
                self.settle_staging(dst)?;
                let placed = self.download_rows(rows, &size, dst)?;
                let region =
                    image_region(&src.desc, &part, c.src_subresource, area, placed, part.image.aspects());
                let uses = [(&part.image.tracker, Access::Read), (&dst.tracker, Access::Write)];
                let in_heap = self.heap_buffer() == Some(placed.buffer);
                if in_heap {
                    self.order_heap()?;
                }
                let cmd = self.prepare_use(&uses)?;
                cmd.copy_image_to_buffer(part.image.raw, vk::ImageLayout::GENERAL, placed.buffer, &[region]);
                if in_heap {
                    self.order_heap()?;
                }
            }
            rows.offset += u64::from(rows.row_pitch) * u64::from(size.rows);
        }
        Ok(())
    }

    /// Memory that the GPU writes rows of the heap to: the heap itself, or what is copied there afterwards.
    fn download_rows(&mut self, to: HeapRows, size: &PartBox, dst: &Staging) -> Result<Placed, Fault> {
        let aligned = size.may_begin_at(to.offset)
            && (size.slices == 1 || to.row_pitch != 0 && to.depth_pitch.is_multiple_of(to.row_pitch));
        if let (Some(buffer), true) = (self.heap_buffer(), aligned) {
            let HeapRows { offset, row_pitch, depth_pitch } = to;
            return Ok(Placed { buffer, offset, row_pitch, depth_pitch: depth_pitch.into() });
        }
        dst.late.set(true);
        let slice = self.download(size.bytes())?;
        let mut at = 0;
        for z in 0..size.slices {
            for row in 0..size.rows {
                let length = u64::from(size.row_bytes);
                self.copies.push(HeapCopy { from: slice, at, offset: to.row(z, row), length });
                at += length;
            }
        }
        Ok(size.tight(&slice))
    }

    /// Reads planes back; the completion thread makes rows of them.
    #[expect(clippy::too_many_arguments, reason = "one place of each kind")]
    fn join(
        &mut self,
        dst: &Staging,
        src: &Texture,
        part: &Part,
        subresource: u32,
        area: SubresourceBox,
        rows: HeapRows,
        conversion: super::texels::Conversion,
    ) -> Result<(), Fault> {
        let size = PartBox::new(part, area);
        let mut slices: [Option<Slice>; 2] = [None, None];
        let mut regions = Vec::new();
        for (slot, plane) in slices.iter_mut().zip(conversion.planes()) {
            let texels = u64::from(size.texels) * u64::from(size.rows) * u64::from(size.slices);
            let slice = self.download(texels * u64::from(plane.bytes))?;
            *slot = Some(slice);
            let placed = size.plane(&slice, plane);
            regions.push((slice.buffer, plane_region(&src.desc, part, subresource, area, placed, plane)));
        }
        let uses = [(&part.image.tracker, Access::Read), (&dst.tracker, Access::Write)];
        let cmd = self.prepare_use(&uses)?;
        for (buffer, region) in regions {
            cmd.copy_image_to_buffer(part.image.raw, vk::ImageLayout::GENERAL, buffer, &[region]);
        }
        dst.late.set(true);
        let HeapRows { offset, row_pitch, depth_pitch } = rows;
        self.packs.push(HeapPack {
            planes: slices,
            conversion,
            texels: size.texels,
            rows: size.rows,
            slices: size.slices,
            offset,
            row_pitch,
            depth_pitch,
        });
        Ok(())
    }

    /// Copies inside the heap, row by row.
    pub(super) fn copy_staging(&mut self, dst: &Staging, src: &Staging, c: &CopyRegion) -> Result<(), Fault> {
        self.settle_staging(src)?;
        self.settle_staging(dst)?;
        let (to, from) = (staging_place(dst, c.dst_subresource)?, staging_place(src, c.src_subresource)?);
        let b = c.src_box;
        let block = src.desc.format;
        let row_bytes = u64::from((b.right - b.left).div_ceil(block.block_width) * block.block_bytes);
        let rows = block.rows(b.bottom - b.top);
        let src_offset =
            src.heap.offset + from.offset + box_offset(&src.desc, &from, [b.left, b.top, b.front]);
        let dst_offset = dst.heap.offset + to.offset + box_offset(&dst.desc, &to, c.dst_origin);
        let mut regions = Vec::new();
        for z in 0..b.back - b.front {
            for row in 0..rows {
                let at = |place: &SubresourceLayout| {
                    u64::from(z) * u64::from(place.depth_pitch) + u64::from(row) * u64::from(place.row_pitch)
                };
                regions.push(vk::BufferCopy {
                    src_offset: src_offset + at(&from),
                    dst_offset: dst_offset + at(&to),
                    size: row_bytes,
                });
            }
        }
        // Rows that overlap those written must all have been read before, which one copy of the GPU does not promise.
        let overlaps = regions.iter().any(|read| {
            let first = regions.first().map_or(0, |write| write.dst_offset);
            let last = regions.last().map_or(0, |write| write.dst_offset + write.size);
            read.src_offset < last && first < read.src_offset + read.size
        });
        if let (Some(heap), false) = (self.heap_buffer(), overlaps) {
            self.order_heap()?;
            let cmd = self.prepare_use(&[(&src.tracker, Access::Read), (&dst.tracker, Access::Write)])?;
            cmd.copy_buffer(heap, heap, &regions);
            return self.order_heap();
        }
        // The CPU copies, once the GPU has finished with both.
        self.finish()?;
        let mut read = Vec::new();
        for region in &regions {
            let mut row = vec![0; usize::try_from(region.size).unwrap_or(0)];
            self.shared.heap.read(HeapRange { offset: region.src_offset, length: region.size }, &mut row);
            read.push(row);
        }
        for (region, row) in regions.iter().zip(&read) {
            self.shared.heap.write(region.dst_offset, row);
        }
        Ok(())
    }

    /// Staging bytes that the CPU is still to write, at the end of a batch, must arrive before anything else touches them.
    pub(super) fn settle_staging(&mut self, staging: &Staging) -> Result<(), Fault> {
        let bounced = self.heap_buffer().is_none() && staging.tracker.was_written();
        if bounced || staging.late.replace(false) {
            self.finish()?;
        }
        Ok(())
    }

    /// Staging bytes that the GPU is still to write must arrive before the CPU reads them.
    fn settle_for_cpu(&mut self, staging: &Staging) -> Result<(), Fault> {
        staging.late.set(false);
        if staging.tracker.was_written() { self.finish() } else { Ok(()) }
    }
}

/// The size of a box of a part, in its texels and in bytes.
struct PartBox {
    texels: u32,
    row_bytes: u32,
    rows: u32,
    slices: u32,
    block_bytes: u32,
    /// What offsets in a buffer must be multiples of.
    alignment: u64,
}

impl PartBox {
    fn new(part: &Part, area: SubresourceBox) -> Self {
        let block = part.block;
        let texels = area.right - area.left;
        let color = part.image.aspects().contains(vk::ImageAspectFlags::COLOR);
        Self {
            texels,
            row_bytes: texels.div_ceil(block.block_width) * block.block_bytes,
            rows: (area.bottom - area.top).div_ceil(block.block_height),
            slices: area.back - area.front,
            block_bytes: block.block_bytes,
            alignment: if color { 1 } else { 4 },
        }
    }

    /// Whether Vulkan takes an offset in a buffer: at whole blocks, and at dwords for depth.
    fn may_begin_at(&self, offset: u64) -> bool {
        offset.is_multiple_of(u64::from(self.block_bytes)) && offset.is_multiple_of(self.alignment)
    }

    fn bytes(&self) -> u64 {
        u64::from(self.row_bytes) * u64::from(self.rows) * u64::from(self.slices)
    }

    /// Rows one behind the other.
    fn tight(&self, slice: &Slice) -> Placed {
        Placed {
            buffer: slice.buffer,
            offset: slice.offset,
            row_pitch: self.row_bytes,
            depth_pitch: u64::from(self.row_bytes) * u64::from(self.rows),
        }
    }

    /// The same for a plane.
    fn plane(&self, slice: &Slice, plane: &Plane) -> Placed {
        let row_pitch = self.texels * plane.bytes;
        let depth_pitch = u64::from(row_pitch) * u64::from(self.rows);
        Placed { buffer: slice.buffer, offset: slice.offset, row_pitch, depth_pitch }
    }
}

/// Whether `vkCmdCopyImage` may copy a box.
fn can_copy_directly(
    dst: &Texture,
    src: &Texture,
    to: &Part,
    from: &Part,
    source: SubresourceBox,
    target: SubresourceBox,
) -> bool {
    let one_dimensional = |texture: &Texture| texture.desc.command.dimension == dimension::TEXTURE1D;
    let shape = |part: &Part| (part.block.block_width, part.block.block_height);
    let touches = to.image.raw == from.image.raw && overlap(source, target);
    to.image.aspects() == from.image.aspects()
        && one_dimensional(dst) == one_dimensional(src)
        && shape(to) == shape(from)
        // A part of a block at an edge may become a whole one in a larger mip.
        && extent(source) == extent(target)
        && !touches
}

/// Whether two boxes share a texel.
fn overlap(a: SubresourceBox, b: SubresourceBox) -> bool {
    a.left < b.right
        && b.left < a.right
        && a.top < b.bottom
        && b.top < a.bottom
        && a.front < b.back
        && b.front < a.back
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

/// One subresource in Vulkan's words.
pub(super) fn layers(
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
pub(super) fn offset([x, y, z]: [u32; 3]) -> vk::Offset3D {
    vk::Offset3D { x: x as i32, y: y as i32, z: z as i32 }
}

/// The size of a box.
pub(super) fn extent(b: SubresourceBox) -> vk::Extent3D {
    vk::Extent3D { width: b.right - b.left, height: b.bottom - b.top, depth: b.back - b.front }
}

fn image_region(
    desc: &ResourceDesc,
    part: &Part,
    subresource: u32,
    area: SubresourceBox,
    placed: Placed,
    aspects: vk::ImageAspectFlags,
) -> vk::BufferImageCopy {
    let block = part.block;
    // CAST: cut before. Vulkan looks at it for several slices only, and the decoder lets nothing through that has as many rows between
    // them and a heap to lie in.
    let rows = placed.depth_pitch.checked_div(placed.row_pitch.into()).unwrap_or(0).min(MAX_ROWS) as u32;
    vk::BufferImageCopy {
        buffer_offset: placed.offset,
        buffer_row_length: placed.row_pitch / block.block_bytes * block.block_width,
        buffer_image_height: rows * block.block_height,
        image_subresource: layers(desc, subresource, aspects),
        image_offset: offset([area.left, area.top, area.front]),
        image_extent: extent(area),
    }
}

/// The same for one plane, whose rows lie tightly.
fn plane_region(
    desc: &ResourceDesc,
    part: &Part,
    subresource: u32,
    area: SubresourceBox,
    placed: Placed,
    plane: &Plane,
) -> vk::BufferImageCopy {
    let region = image_region(desc, part, subresource, area, placed, plane.aspect);
    if part.block.block_height > 1 {
        return region;
    }
    vk::BufferImageCopy { buffer_row_length: 0, buffer_image_height: 0, ..region }
}
