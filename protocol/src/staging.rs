//! How the subresources of a staging resource, an upload or a presented frame lie in the heap.
//!
//! Both sides compute it from the resource's description, so that no pitch ever travels for a staging resource.

use crate::format::FormatInfo;

/// One subresource's place, in bytes from the start of the resource's heap range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubresourceLayout {
    /// First byte; a multiple of [`SUBRESOURCE_ALIGN`] blocks.
    pub offset: u64,
    /// Bytes from row to row (of blocks).
    pub row_pitch: u32,
    /// Bytes from slice to slice.
    pub depth_pitch: u32,
    /// Bytes of the subresource.
    pub length: u64,
}

/// Subresources begin at a multiple of this many blocks: one cache line for a format of one byte a block, and always
/// a multiple of both the block's size and 4, as `vkCmdCopyBufferToImage` asks.
pub const SUBRESOURCE_ALIGN: u64 = 64;

/// The shape of a resource, as far as its layout depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Texels of mip 0; bytes for buffers (with [`FormatInfo::BYTES`]).
    pub width: u32,
    /// Texels of mip 0.
    pub height: u32,
    /// Texels of mip 0.
    pub depth: u32,
    /// Mips.
    pub mip_levels: u32,
    /// Array slices.
    pub array_size: u32,
}

/// Texels of a mip along one axis.
pub const fn mip_extent(size: u32, mip: u32) -> u32 {
    let extent = if mip < 32 { size >> mip } else { 0 };
    if extent == 0 { 1 } else { extent }
}

impl Shape {
    /// Mips × slices; `None` when it overflows.
    pub const fn subresources(&self) -> Option<u32> {
        self.mip_levels.checked_mul(self.array_size)
    }

    /// A mip's rows and pitches, tightly packed; `None` when it overflows.
    pub fn mip(&self, format: FormatInfo, mip: u32) -> Option<(u32, u32, u64)> {
        let row_pitch =
            mip_extent(self.width, mip).div_ceil(format.block_width).checked_mul(format.block_bytes)?;
        let rows = format.rows(mip_extent(self.height, mip));
        let depth_pitch = row_pitch.checked_mul(rows)?;
        let length = u64::from(depth_pitch).checked_mul(u64::from(mip_extent(self.depth, mip)))?;
        Some((row_pitch, depth_pitch, length))
    }

    /// Where `subresource` (mip + slice × mips) lies; `None` when there is no such one or its place overflows.
    pub fn subresource(&self, format: FormatInfo, subresource: u32) -> Option<SubresourceLayout> {
        if self.mip_levels == 0 || subresource >= self.subresources()? {
            return None;
        }
        let slice = u64::from(subresource / self.mip_levels);
        let mip = subresource % self.mip_levels;
        let offset = slice
            .checked_mul(self.mips_bytes(format, self.mip_levels)?)?
            .checked_add(self.mips_bytes(format, mip)?)?;
        let (row_pitch, depth_pitch, length) = self.mip(format, mip)?;
        Some(SubresourceLayout { offset, row_pitch, depth_pitch, length })
    }

    /// Bytes of the whole resource; `None` when it overflows.
    pub fn total_bytes(&self, format: FormatInfo) -> Option<u64> {
        u64::from(self.array_size).checked_mul(self.mips_bytes(format, self.mip_levels)?)
    }

    /// Bytes of the first `mips` mips of a slice, each padded to the alignment.
    fn mips_bytes(&self, format: FormatInfo, mips: u32) -> Option<u64> {
        let align = SUBRESOURCE_ALIGN * u64::from(format.block_bytes);
        (0..mips.min(32)).try_fold(0u64, |total, mip| {
            let (_, _, length) = self.mip(format, mip)?;
            total.checked_add(length.checked_next_multiple_of(align)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format;

    #[test]
    fn subresources_lie_behind_each_other() {
        let rgba = format::info(28).expect("R8G8B8A8_UNORM");
        let shape = Shape { width: 5, height: 3, depth: 1, mip_levels: 3, array_size: 2 };
        let first = shape.subresource(rgba, 0).expect("exists");
        assert_eq!(first, SubresourceLayout { offset: 0, row_pitch: 20, depth_pitch: 60, length: 60 });
        assert_eq!(shape.subresource(rgba, 1).expect("exists").offset, 256);
        assert_eq!(shape.subresource(rgba, 3).expect("exists").offset, 768);
        assert_eq!(shape.total_bytes(rgba), Some(1536));
        assert_eq!(shape.subresource(rgba, 6), None);
    }

    #[test]
    fn blocks_round_up() {
        let bc1 = format::info(71).expect("BC1_UNORM");
        let shape = Shape { width: 5, height: 5, depth: 1, mip_levels: 1, array_size: 1 };
        assert_eq!(shape.mip(bc1, 0), Some((16, 32, 32)));
    }

    #[test]
    fn overflow_is_none() {
        let rgba32 = format::info(2).expect("R32G32B32A32_FLOAT");
        let huge = Shape {
            width: u32::MAX,
            height: u32::MAX,
            depth: u32::MAX,
            mip_levels: u32::MAX,
            array_size: u32::MAX,
        };
        assert_eq!(huge.total_bytes(rgba32), None);
        assert_eq!(huge.subresource(rgba32, 0), None);
        assert_eq!(Shape { mip_levels: 0, ..huge }.subresource(rgba32, 0), None);
        assert_eq!(mip_extent(7, 40), 1);
    }
}
