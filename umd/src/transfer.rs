//! Uploads, copies, resolves and clears.
//!
//! An upload copies the program's bytes once: into the record itself when they are few, else into upload memory.

use pvgpu_protocol::command::{
    ClearDepthStencilView, ClearRenderTargetView, ClearUnorderedAccessView, ClearView, CopyRegion,
    CopyResource, CopyStructureCount, GenerateMips, Rect, ResolveSubresource, SetResourceMinLod,
    SubresourceBox, UpdateInline, UpdateSubresource, misc,
};
use pvgpu_protocol::format::FormatInfo;
use pvgpu_protocol::limits::MAX_INLINE_UPDATE_BYTES;
use pvgpu_protocol::staging::{Shape, mip_extent};
use pvgpu_ring::AtomicU64;
use pvgpu_umd_ddi::{D3D10_DDI_BOX, D3D10_DDI_CLEAR_FLAG_MASK};

use crate::copy;
use crate::device::Device;
use crate::error::Error;
use crate::heap::lcm;
use crate::object::{DepthStencilView, RenderTargetView, ShaderResourceView, UnorderedAccessView};
use crate::resource::{Memory, Resource};
use crate::state::finite;

/// The most bytes that one record uploads; larger uploads are split into bands of rows, so that a large texture does not
/// need its size in upload memory at once.
const BAND_BYTES: u64 = 4 << 20;
/// The most rectangles of one record.
const MAX_RECTS: usize = 1024;

/// The program's bytes for one upload.
#[derive(Clone, Copy, Debug)]
pub struct Source<'s> {
    /// At least [`Target::source_bytes`].
    pub bytes: &'s [u8],
    /// Bytes from row to row (of blocks).
    pub row_pitch: u32,
    /// Bytes from slice to slice.
    pub depth_pitch: u32,
}

/// A part of a subresource as an upload sees it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The part, in texels; in bytes for buffers.
    pub area: SubresourceBox,
    /// Bytes of a row of blocks.
    pub row_bytes: u32,
    /// Rows of blocks.
    pub rows: u32,
    /// Slices.
    pub slices: u32,
    format: FormatInfo,
}

impl Target {
    /// The whole of a subresource.
    pub fn whole(shape: Shape, format: FormatInfo, subresource: u32) -> Self {
        let mip = subresource.checked_rem(shape.mip_levels).unwrap_or(0);
        let right = if format == FormatInfo::BYTES { shape.width } else { mip_extent(shape.width, mip) };
        let (bottom, back) = (mip_extent(shape.height, mip), mip_extent(shape.depth, mip));
        Self::part(format, SubresourceBox { left: 0, top: 0, front: 0, right, bottom, back })
    }

    /// A box of a subresource.
    pub fn part(format: FormatInfo, area: SubresourceBox) -> Self {
        let blocks = area.right.saturating_sub(area.left).div_ceil(format.block_width);
        Self {
            area,
            row_bytes: blocks.saturating_mul(format.block_bytes),
            rows: format.rows(area.bottom.saturating_sub(area.top)),
            slices: area.back.saturating_sub(area.front),
            format,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.row_bytes == 0 || self.rows == 0 || self.slices == 0
    }

    /// Bytes that a source with these pitches must have: the last row counts only as far as it is read.
    pub fn source_bytes(&self, row_pitch: u32, depth_pitch: u32) -> usize {
        if self.is_empty() {
            return 0;
        }
        let slices = u64::from(depth_pitch) * u64::from(self.slices - 1);
        let rows = u64::from(row_pitch) * u64::from(self.rows - 1);
        // No slice is longer than half of the address space, which a 32-bit program's pitches can ask for.
        usize::try_from(slices + rows + u64::from(self.row_bytes))
            .unwrap_or(usize::MAX)
            .min(isize::MAX as usize)
    }

    /// Stores the source at byte `offset` of `cells`, with the pitches that it has there.
    pub fn store(
        &self,
        cells: &[AtomicU64],
        offset: u64,
        row_pitch: u32,
        depth_pitch: u32,
        source: &Source<'_>,
    ) {
        for slice in 0..u64::from(self.slices) {
            for row in 0..u64::from(self.rows) {
                let from = slice * u64::from(source.depth_pitch) + row * u64::from(source.row_pitch);
                let to = offset + slice * u64::from(depth_pitch) + row * u64::from(row_pitch);
                // CAST: a program's memory and a mapped range are within a usize.
                let bytes =
                    source.bytes.get(from as usize..).and_then(|rest| rest.get(..self.row_bytes as usize));
                copy::store_at(cells, to, bytes.unwrap_or_default());
            }
        }
    }

    /// Where the part begins in memory that holds the whole subresource with these pitches.
    fn offset(&self, row_pitch: u32, depth_pitch: u32) -> u64 {
        let (area, format) = (self.area, self.format);
        u64::from(area.front) * u64::from(depth_pitch)
            + u64::from(area.top / format.block_height) * u64::from(row_pitch)
            + u64::from(area.left / format.block_width) * u64::from(format.block_bytes)
    }

    /// Bytes from row to row in upload memory: whole words, so that rows are stored by words, and whole blocks.
    fn upload_pitch(&self) -> Option<u32> {
        let unit = lcm(u64::from(self.format.block_bytes), 8)?;
        self.row_bytes.checked_next_multiple_of(u32::try_from(unit).ok()?)
    }

    /// The part of slice `slice` (or of all, when there is but one) from row `first` on with at most `rows` rows of blocks.
    fn band(&self, slice: u32, first: u32, rows: u32) -> Self {
        let area = self.area;
        let top = area.top + first * self.format.block_height;
        let bottom = area.bottom.min(top.saturating_add(rows.saturating_mul(self.format.block_height)));
        Self::part(
            self.format,
            SubresourceBox { top, bottom, front: area.front + slice, back: area.front + slice + 1, ..area },
        )
    }
}

/// Where an upload to such a resource may begin: whole blocks, and what `vkCmdCopyBufferToImage` and a program's vector
/// stores like.
pub(crate) fn upload_align(format: FormatInfo) -> u64 {
    lcm(u64::from(format.block_bytes), 16).unwrap_or(16)
}

/// A box of the DDI; it is inside the resource, the runtime has checked.
pub fn map_box(part: &D3D10_DDI_BOX) -> SubresourceBox {
    let edge = |value: i32| value.max(0).cast_unsigned();
    SubresourceBox {
        left: edge(part.left),
        top: edge(part.top),
        front: edge(part.front),
        right: edge(part.right),
        bottom: edge(part.bottom),
        back: edge(part.back),
    }
}

impl Device {
    /// `ResourceUpdateSubresourceUP`, and initial contents.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::DeviceRemoved`].
    pub fn write(
        &mut self,
        resource: &Resource,
        subresource: u32,
        target: Target,
        source: &Source<'_>,
    ) -> Result<(), Error> {
        if target.is_empty() {
            return Ok(());
        }
        if resource.format.planar && target.area != resource.target(subresource).area {
            return Err(Error::BadArgument("an update of a part of planes"));
        }
        if let Memory::Staging(staging) = &resource.memory {
            // The contents are here: no command, but the host must be done with them.
            self.context.wait_if_busy(staging.fence.get())?;
            let layout = resource.layout(subresource)?;
            let offset = layout.offset + target.offset(layout.row_pitch, layout.depth_pitch);
            target.store(staging.block.cells(), offset, layout.row_pitch, layout.depth_pitch, source);
            return Ok(());
        }
        if resource.is_buffer && source.bytes.len() <= MAX_INLINE_UPDATE_BYTES {
            self.context.emit(&UpdateInline {
                dst: resource.id,
                offset: target.area.left,
                data: source.bytes,
            })?;
        } else if resource.is_buffer {
            self.write_buffer(resource, target, source.bytes)?;
        } else {
            self.write_texture(resource, subresource, target, source)?;
        }
        resource.note_use(self.context.stream.next_fence(), true);
        Ok(())
    }

    /// `ResourceCopy`.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn copy_resource(&mut self, dst: &Resource, src: &Resource) -> Result<(), Error> {
        self.context.emit(&CopyResource { dst: dst.id, src: src.id })?;
        self.note_copy(dst, src);
        Ok(())
    }

    /// `ResourceCopyRegion`; no box means the whole subresource.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn copy_region(
        &mut self,
        (dst, dst_subresource): (&Resource, u32),
        [dst_x, dst_y, dst_z]: [u32; 3],
        (src, src_subresource): (&Resource, u32),
        src_box: Option<SubresourceBox>,
    ) -> Result<(), Error> {
        let src_box = src_box.unwrap_or_else(|| src.target(src_subresource).area);
        if Target::part(src.format, src_box).is_empty() {
            return Ok(());
        }
        self.context.emit(&CopyRegion {
            dst: dst.id,
            dst_subresource,
            dst_x,
            dst_y,
            dst_z,
            src: src.id,
            src_subresource,
            src_box,
            reserved: 0,
        })?;
        self.note_copy(dst, src);
        Ok(())
    }

    /// `ResourceResolveSubresource`.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn resolve(
        &mut self,
        (dst, dst_subresource): (&Resource, u32),
        (src, src_subresource): (&Resource, u32),
        format: u32,
    ) -> Result<(), Error> {
        let (dst, src) = (dst.id, src.id);
        self.context.emit(&ResolveSubresource {
            dst,
            dst_subresource,
            src,
            src_subresource,
            format,
            reserved: 0,
        })
    }

    /// `GenMips`.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn generate_mips(&mut self, view: &ShaderResourceView) -> Result<(), Error> {
        self.context.emit(&GenerateMips { view: view.id, reserved: 0 })
    }

    /// `CopyStructureCount`.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn copy_structure_count(
        &mut self,
        dst: &Resource,
        dst_offset: u32,
        src: &UnorderedAccessView,
    ) -> Result<(), Error> {
        self.context.emit(&CopyStructureCount { dst: dst.id, dst_offset, src_view: src.id, reserved: 0 })?;
        dst.note_use(self.context.stream.next_fence(), true);
        Ok(())
    }

    /// `ClearRenderTargetView`.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn clear_render_target(&mut self, view: &RenderTargetView, color: [f32; 4]) -> Result<(), Error> {
        self.context.emit(&ClearRenderTargetView { color, view: view.id, reserved: 0 })
    }

    /// `ClearDepthStencilView`.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn clear_depth_stencil(
        &mut self,
        view: &DepthStencilView,
        flags: u32,
        depth: f32,
        stencil: u8,
    ) -> Result<(), Error> {
        let flags = flags & D3D10_DDI_CLEAR_FLAG_MASK;
        let depth = finite(depth).clamp(0.0, 1.0);
        self.context.emit(&ClearDepthStencilView { view: view.id, flags, depth, stencil: u32::from(stencil) })
    }

    /// `ClearUnorderedAccessViewUint` and `ClearUnorderedAccessViewFloat`; `value` as bits.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn clear_unordered_access(
        &mut self,
        view: &UnorderedAccessView,
        value: [u32; 4],
        is_float: bool,
    ) -> Result<(), Error> {
        self.context.emit(&ClearUnorderedAccessView { value, view: view.id, is_float: u32::from(is_float) })
    }

    /// `ClearView`; no rectangles mean all of the view.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn clear_view(
        &mut self,
        view: u32,
        color: [f32; 4],
        rects: impl ExactSizeIterator<Item = Rect>,
    ) -> Result<(), Error> {
        if rects.len() == 0 {
            return self.context.emit(&ClearView { color, view, reserved: 0, rects: &[] });
        }
        let rects: Vec<Rect> = rects.collect();
        for rects in rects.chunks(MAX_RECTS) {
            self.context.emit(&ClearView { color, view, reserved: 0, rects })?;
        }
        Ok(())
    }

    /// `SetResourceMinLOD`.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn set_resource_min_lod(&mut self, resource: &Resource, min_lod: f32) -> Result<(), Error> {
        if resource.is_buffer || resource.misc_flags & misc::RESOURCE_CLAMP == 0 {
            return Ok(());
        }
        let min_lod = finite(min_lod).max(0.0);
        self.context.emit(&SetResourceMinLod { resource: resource.id, min_lod })
    }

    fn note_copy(&mut self, dst: &Resource, src: &Resource) {
        let fence = self.context.stream.next_fence();
        dst.note_use(fence, true);
        src.note_use(fence, false);
    }

    fn write_buffer(&mut self, resource: &Resource, target: Target, bytes: &[u8]) -> Result<(), Error> {
        let mut left = target.area.left;
        // CAST: a band's size, and a part of a buffer, which is below 4 GiB.
        for chunk in bytes.chunks(BAND_BYTES as usize) {
            let length = chunk.len() as u32;
            let piece = self.context.upload(u64::from(length), 16)?;
            copy::store(piece.cells(), chunk);
            let right = left.saturating_add(length);
            let result = self.context.emit(&UpdateSubresource {
                data: piece.range(),
                dst: resource.id,
                dst_subresource: 0,
                dst_box: SubresourceBox { left, right, ..target.area },
                row_pitch: length,
                depth_pitch: length,
            });
            self.context.close(piece);
            result?;
            left = right;
        }
        Ok(())
    }

    fn write_texture(
        &mut self,
        resource: &Resource,
        subresource: u32,
        target: Target,
        source: &Source<'_>,
    ) -> Result<(), Error> {
        let row_pitch = target.upload_pitch().ok_or(Error::OutOfMemory)?;
        let depth_pitch = row_pitch.checked_mul(target.rows).ok_or(Error::OutOfMemory)?;
        let total = u64::from(depth_pitch) * u64::from(target.slices);
        // The rows of planes are not those of the texture.
        if total <= BAND_BYTES || resource.format.planar {
            return self.write_band(resource, subresource, target, row_pitch, source);
        }
        // CAST: at most the number of rows.
        let rows = (BAND_BYTES / u64::from(row_pitch)).clamp(1, u64::from(target.rows)) as u32;
        for slice in 0..target.slices {
            for first in (0..target.rows).step_by(rows as usize) {
                let skipped = u64::from(slice) * u64::from(source.depth_pitch)
                    + u64::from(first) * u64::from(source.row_pitch);
                // CAST: inside the program's memory.
                let bytes = source.bytes.get(skipped as usize..).unwrap_or_default();
                let band = target.band(slice, first, rows);
                self.write_band(resource, subresource, band, row_pitch, &Source { bytes, ..*source })?;
            }
        }
        Ok(())
    }

    fn write_band(
        &mut self,
        resource: &Resource,
        subresource: u32,
        target: Target,
        row_pitch: u32,
        source: &Source<'_>,
    ) -> Result<(), Error> {
        let depth_pitch = row_pitch.checked_mul(target.rows).ok_or(Error::OutOfMemory)?;
        let bytes = u64::from(depth_pitch).checked_mul(u64::from(target.slices)).ok_or(Error::OutOfMemory)?;
        let piece = self.context.upload(bytes, upload_align(resource.format))?;
        target.store(piece.cells(), 0, row_pitch, depth_pitch, source);
        let result = self.context.emit(&UpdateSubresource {
            data: piece.range(),
            dst: resource.id,
            dst_subresource: subresource,
            dst_box: target.area,
            row_pitch,
            depth_pitch,
        });
        self.context.close(piece);
        result
    }
}

#[cfg(test)]
mod tests;
