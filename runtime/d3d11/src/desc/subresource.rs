//! Mip levels, subresource numbers, boxes, and the memory that texels take.

use pvgpu_protocol::format as blocks;
use pvgpu_umd_ddi::{D3D10_DDI_BOX, D3D10DDI_MIPINFO};

/// Texels of a mip level in one direction.
pub const fn level_size(size: u32, level: u32) -> u32 {
    let size = if level < 32 { size >> level } else { 0 };
    if size == 0 { 1 } else { size }
}

/// Mip levels of a full chain: down to 1 × 1 × 1.
pub const fn full_chain(width: u32, height: u32, depth: u32) -> u32 {
    let all = width | height | depth;
    if all == 0 { 1 } else { 32 - all.leading_zeros() }
}

/// The DDI's description of one mip level of a texture of `format`.
pub fn mip_info(format: u32, width: u32, height: u32, depth: u32, level: u32) -> D3D10DDI_MIPINFO {
    let block = blocks::info(format).unwrap_or(blocks::FormatInfo::BYTES);
    let (width, height, depth) =
        (level_size(width, level), level_size(height, level), level_size(depth, level));
    D3D10DDI_MIPINFO {
        TexelWidth: width,
        TexelHeight: height,
        TexelDepth: depth,
        PhysicalWidth: width.next_multiple_of(block.block_width),
        PhysicalHeight: height.next_multiple_of(block.block_height),
        PhysicalDepth: depth,
    }
}

/// Whether `region` lies within a mip level and, for block formats, on block boundaries (or at the level's edge).
///
/// An empty box is allowed here; copies of an empty box do nothing.
pub fn box_fits(format: u32, mip: &D3D10DDI_MIPINFO, region: &D3D10_DDI_BOX) -> bool {
    let block = blocks::info(format).unwrap_or(blocks::FormatInfo::BYTES);
    let axis = |from: i32, to: i32, size: u32, physical: u32, step: u32| {
        let (Ok(from), Ok(to)) = (u32::try_from(from), u32::try_from(to)) else { return false };
        from.is_multiple_of(step) && (to.is_multiple_of(step) || to == size) && to <= physical.max(size)
    };
    axis(region.left, region.right, mip.TexelWidth, mip.PhysicalWidth, block.block_width)
        && axis(region.top, region.bottom, mip.TexelHeight, mip.PhysicalHeight, block.block_height)
        && axis(region.front, region.back, mip.TexelDepth, mip.PhysicalDepth, 1)
}

/// Whether a box covers nothing.
pub const fn box_is_empty(region: &D3D10_DDI_BOX) -> bool {
    region.left >= region.right || region.top >= region.bottom || region.front >= region.back
}

/// The bytes of a box without gaps between its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Bytes of a row (of blocks).
    pub row_bytes: u32,
    /// Rows of a slice.
    pub rows: u32,
    /// Slices.
    pub slices: u32,
    block: blocks::FormatInfo,
}

/// The bytes of a box, or of a whole mip level, in a texture of `format`; a buffer's format is `UNKNOWN`. `None` when
/// there are more than 4 GiB.
pub fn packed(format: u32, mip: &D3D10DDI_MIPINFO, region: Option<&D3D10_DDI_BOX>) -> Option<Packed> {
    let block = blocks::info(format).unwrap_or(blocks::FormatInfo::BYTES);
    let [width, height, slices] = match region {
        None => [mip.TexelWidth, mip.TexelHeight, mip.TexelDepth],
        Some(region) => {
            let length = |from: i32, to: i32| u32::try_from(to.checked_sub(from)?).ok();
            [
                length(region.left, region.right)?,
                length(region.top, region.bottom)?,
                length(region.front, region.back)?,
            ]
        }
    };
    let row_bytes = width.div_ceil(block.block_width).checked_mul(block.block_bytes)?;
    let rows = block.rows(height);
    row_bytes.checked_mul(rows)?.checked_mul(slices)?;
    Some(Packed { row_bytes, rows, slices, block })
}

impl Packed {
    /// Bytes of everything.
    pub fn bytes(&self) -> usize {
        // `packed` has seen that the product fits.
        self.row_bytes as usize * self.rows as usize * self.slices as usize
    }

    /// Where row `row` of slice `slice` begins in memory with these pitches.
    pub fn row_at(&self, row: u32, slice: u32, pitches: [u32; 2]) -> usize {
        let [row_pitch, depth_pitch] = pitches;
        row as usize * row_pitch as usize + slice as usize * depth_pitch as usize
    }

    /// Bytes from a texture's origin to the box's, in memory with these pitches.
    pub fn offset(&self, region: Option<&D3D10_DDI_BOX>, pitches: [u32; 2]) -> isize {
        let Some(region) = region else { return 0 };
        let [row_pitch, depth_pitch] = pitches.map(|pitch| pitch as isize);
        let blocks = |at: i32, size: u32| at.max(0).cast_unsigned() as isize / (size.max(1) as isize);
        blocks(region.front, 1) * depth_pitch
            + blocks(region.top, self.block.block_height) * row_pitch
            + blocks(region.left, self.block.block_width) * self.block.block_bytes as isize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_end_at_one_texel() {
        for (size, levels) in [(1, 1), (2, 2), (3, 2), (640, 10), (16384, 15)] {
            assert_eq!(full_chain(size, 1, 1), levels, "{size}");
        }
        assert_eq!(level_size(5, 1), 2);
        assert_eq!(level_size(5, 31), 1);
        assert_eq!(level_size(5, 99), 1);
    }

    #[test]
    fn block_formats_round_up() {
        let mip = mip_info(71, 10, 6, 1, 1);
        assert_eq!((mip.TexelWidth, mip.TexelHeight, mip.PhysicalWidth, mip.PhysicalHeight), (5, 3, 8, 4));
    }

    #[test]
    fn boxes_stay_inside() {
        let mip = mip_info(28, 8, 8, 1, 0);
        let region = |left, right| D3D10_DDI_BOX { left, top: 0, front: 0, right, bottom: 8, back: 1 };
        assert!(box_fits(28, &mip, &region(0, 8)) && box_fits(28, &mip, &region(3, 4)));
        assert!(!box_fits(28, &mip, &region(0, 9)) && !box_fits(28, &mip, &region(-1, 4)));
        assert!(box_is_empty(&region(4, 4)) && box_is_empty(&region(5, 4)) && !box_is_empty(&region(4, 5)));
        let mip = mip_info(71, 10, 8, 1, 0);
        assert!(box_fits(71, &mip, &region(4, 8)) && box_fits(71, &mip, &region(8, 10)));
        assert!(box_fits(71, &mip, &region(8, 12)));
        assert!(!box_fits(71, &mip, &region(2, 8)) && !box_fits(71, &mip, &region(4, 6)));
    }

    #[test]
    fn boxes_are_packed_by_blocks() {
        // R8G8B8A8_UNORM, BC1_UNORM and a buffer.
        let level = mip_info(28, 16, 8, 2, 0);
        let all = packed(28, &level, None).expect("a level");
        assert_eq!((all.row_bytes, all.rows, all.slices, all.bytes()), (64, 8, 2, 1024));
        let region = D3D10_DDI_BOX { left: 4, top: 4, front: 1, right: 12, bottom: 8, back: 2 };
        let part = packed(28, &level, Some(&region)).expect("a box");
        assert_eq!((part.row_bytes, part.rows, part.slices), (32, 4, 1));
        assert_eq!(part.offset(Some(&region), [100, 1000]), 1000 + 4 * 100 + 4 * 4);
        assert_eq!(part.row_at(3, 1, [100, 1000]), 1300);
        let blocks = packed(71, &mip_info(71, 16, 8, 1, 0), Some(&region)).expect("blocks");
        assert_eq!((blocks.row_bytes, blocks.rows), (16, 1));
        assert_eq!(blocks.offset(Some(&region), [100, 1000]), 1000 + 100 + 8);
        let bytes = packed(0, &mip_info(0, 64, 1, 1, 0), None).expect("a buffer");
        assert_eq!(bytes.bytes(), 64);
        let huge = mip_info(2, 16384, 16384, 2048, 0);
        assert_eq!(packed(2, &huge, None), None);
    }
}
