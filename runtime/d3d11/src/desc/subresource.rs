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
}
