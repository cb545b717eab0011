//! How tiled resources are cut into tiles of 64 KiB.
//!
//! Shapes are those of the Direct3D 11.3 Functional Specification ("Standard tile shapes"); Vulkan's standard sparse image block
//! shapes are the same. How many of the smallest mips share tiles, and how many tiles those are, is the host's to say
//! ([`crate::command::DescribeTiling`]).
//!
//! Tiles of a resource are numbered through: for each array slice those of its standard mips, row by row, and then the packed
//! ones. Direct3D's `StartTileIndexInOverallResource` counts the same way.

use crate::command::dimension;
use crate::format::FormatInfo;
use crate::staging::{Shape, mip_extent};

/// Bytes of a tile.
pub const TILE_BYTES: u64 = 64 << 10;

/// Width and height of a tile, in texels; in bytes for buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileShape {
    /// Texels across.
    pub width: u32,
    /// Texels down.
    pub height: u32,
}

impl TileShape {
    /// The tile of a resource of this kind; `None` for those that cannot be tiled.
    pub const fn of(kind: u32, format: FormatInfo) -> Option<Self> {
        match kind {
            // CAST: 65,536.
            dimension::BUFFER => return Some(Self { width: TILE_BYTES as u32, height: 1 }),
            dimension::TEXTURE2D | dimension::TEXTURECUBE => {}
            _ => return None,
        }
        if format.planar || format.block_width != format.block_height {
            return None;
        }
        // In blocks.
        let (width, height) = match format.block_bytes {
            1 => (256, 256),
            2 => (256, 128),
            4 => (128, 128),
            8 => (128, 64),
            16 => (64, 64),
            _ => return None,
        };
        Some(Self { width: width * format.block_width, height: height * format.block_height })
    }
}

/// A number of tiles that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileRange {
    /// The first.
    pub first: u32,
    /// How many.
    pub count: u32,
}

/// Where a tile of a resource lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TilePlace {
    /// In a mip with tiles of its own.
    Standard {
        /// Array slice.
        slice: u32,
        /// Mip.
        mip: u32,
        /// Tiles from the left.
        x: u32,
        /// Tiles from the top.
        y: u32,
    },
    /// One of those that the smallest mips share.
    Packed {
        /// Array slice.
        slice: u32,
        /// Which of them.
        index: u32,
    },
}

/// A resource in tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    tile: TileShape,
    shape: Shape,
    standard_mips: u32,
    packed_tiles: u32,
    per_slice: u32,
    total: u32,
}

impl Tiling {
    /// The tiles of a resource; `None` when it cannot be tiled or has more than a number can count.
    pub fn new(
        kind: u32,
        format: FormatInfo,
        shape: Shape,
        standard_mips: u32,
        packed_tiles: u32,
    ) -> Option<Self> {
        let tile = TileShape::of(kind, format)?;
        if standard_mips > shape.mip_levels || (standard_mips < shape.mip_levels) != (packed_tiles != 0) {
            return None;
        }
        let standard = (0..standard_mips).try_fold(0u32, |sum, mip| {
            let [width, height] = mip_tiles(tile, shape, mip);
            sum.checked_add(width.checked_mul(height)?)
        })?;
        let per_slice = standard.checked_add(packed_tiles)?;
        let total = per_slice.checked_mul(shape.array_size)?;
        Some(Self { tile, shape, standard_mips, packed_tiles, per_slice, total })
    }

    /// Mips that have at least one tile in each direction, of which Direct3D's tier 2 packs none.
    pub fn whole_mips(kind: u32, format: FormatInfo, shape: Shape) -> Option<u32> {
        let tile = TileShape::of(kind, format)?;
        if kind == dimension::BUFFER {
            return Some(shape.mip_levels);
        }
        let whole = |mip: &u32| {
            mip_extent(shape.width, *mip) >= tile.width && mip_extent(shape.height, *mip) >= tile.height
        };
        // CAST: at most as many as there are mips.
        Some((0..shape.mip_levels).take_while(whole).count() as u32)
    }

    /// The shape of a tile.
    pub const fn tile(&self) -> TileShape {
        self.tile
    }

    /// Tiles of the whole resource.
    pub const fn total(&self) -> u32 {
        self.total
    }

    /// Mips with tiles of their own.
    pub const fn standard_mips(&self) -> u32 {
        self.standard_mips
    }

    /// Mips that share tiles.
    pub const fn packed_mips(&self) -> u32 {
        self.shape.mip_levels - self.standard_mips
    }

    /// The tiles that they share in each slice.
    pub const fn packed_tiles(&self) -> u32 {
        self.packed_tiles
    }

    /// The first of the first slice's packed tiles.
    pub const fn first_packed(&self) -> u32 {
        self.per_slice - self.packed_tiles
    }

    /// Tiles across and down of a mip, as if it had tiles of its own.
    pub fn mip_tiles(&self, mip: u32) -> [u32; 2] {
        mip_tiles(self.tile, self.shape, mip)
    }

    /// The first tile of a subresource (mip + slice × mips); of a packed one, the first of its slice's packed tiles.
    pub fn first_tile(&self, subresource: u32) -> Option<u32> {
        let slice = subresource.checked_div(self.shape.mip_levels)?;
        if slice >= self.shape.array_size {
            return None;
        }
        let mip = (subresource % self.shape.mip_levels).min(self.standard_mips);
        let before = (0..mip).fold(0, |sum, mip| {
            let [width, height] = self.mip_tiles(mip);
            sum + width * height
        });
        Some(slice * self.per_slice + before)
    }

    /// The tile at a coordinate, in tiles; in a packed subresource `x` counts the packed tiles.
    pub fn tile_at(&self, subresource: u32, x: u32, y: u32) -> Option<u32> {
        let first = self.first_tile(subresource)?;
        let mip = subresource % self.shape.mip_levels;
        if mip >= self.standard_mips {
            return (x < self.packed_tiles && y == 0).then(|| first + x);
        }
        let [width, height] = self.mip_tiles(mip);
        (x < width && y < height).then(|| first + y * width + x)
    }

    /// A box of tiles of one standard subresource as ranges, row by row; `None` when it leaves the subresource.
    pub fn box_rows(
        &self,
        subresource: u32,
        [x, y]: [u32; 2],
        [width, height]: [u32; 2],
    ) -> Option<impl Iterator<Item = TileRange> + use<>> {
        let mip = subresource.checked_rem(self.shape.mip_levels)?;
        let [across, down] = self.mip_tiles(mip);
        let inside =
            |at: u32, count: u32, of: u32| count != 0 && at.checked_add(count).is_some_and(|end| end <= of);
        if mip >= self.standard_mips || !inside(x, width, across) || !inside(y, height, down) {
            return None;
        }
        let first = self.tile_at(subresource, x, y)?;
        Some((0..height).map(move |row| TileRange { first: first + row * across, count: width }))
    }

    /// As many tiles from a coordinate on, over the ends of rows and subresources; `None` when there are fewer.
    pub fn run(&self, subresource: u32, [x, y]: [u32; 2], count: u32) -> Option<TileRange> {
        let first = self.tile_at(subresource, x, y)?;
        let inside = count != 0 && first.checked_add(count).is_some_and(|end| end <= self.total);
        inside.then_some(TileRange { first, count })
    }

    /// Whether all of a range are tiles of the resource.
    pub const fn contains(&self, range: TileRange) -> bool {
        match range.first.checked_add(range.count) {
            Some(end) => range.count != 0 && end <= self.total,
            None => false,
        }
    }

    /// Where a tile lies.
    pub fn place(&self, tile: u32) -> Option<TilePlace> {
        let slice = tile.checked_div(self.per_slice)?;
        if slice >= self.shape.array_size {
            return None;
        }
        let mut index = tile % self.per_slice;
        for mip in 0..self.standard_mips {
            let [width, height] = self.mip_tiles(mip);
            if index < width * height {
                return Some(TilePlace::Standard { slice, mip, x: index % width, y: index / width });
            }
            index -= width * height;
        }
        Some(TilePlace::Packed { slice, index })
    }

    /// Whether some of a range's tiles are packed ones.
    pub fn has_packed(&self, range: TileRange) -> bool {
        let Some(into) = range.first.checked_rem(self.per_slice) else { return false };
        self.packed_tiles != 0 && u64::from(into) + u64::from(range.count) > u64::from(self.first_packed())
    }
}

fn mip_tiles(tile: TileShape, shape: Shape, mip: u32) -> [u32; 2] {
    let across = mip_extent(shape.width, mip).div_ceil(tile.width);
    [across, mip_extent(shape.height, mip).div_ceil(tile.height)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format;

    fn shape(width: u32, height: u32, mip_levels: u32, array_size: u32) -> Shape {
        Shape { width, height, depth: 1, mip_levels, array_size }
    }

    fn rgba() -> FormatInfo {
        format::info(28).expect("R8G8B8A8_UNORM")
    }

    #[test]
    fn tiles_have_the_standard_shapes() {
        let of = |format| {
            let info = format::info(format).expect("known");
            let shape = TileShape::of(dimension::TEXTURE2D, info)?;
            let blocks = shape.width / info.block_width * (shape.height / info.block_height);
            assert_eq!(u64::from(blocks * info.block_bytes), TILE_BYTES, "format {format}");
            Some((shape.width, shape.height))
        };
        let expected = [
            (61, Some((256, 256))),
            (56, Some((256, 128))),
            (28, Some((128, 128))),
            (10, Some((128, 64))),
            (2, Some((64, 64))),
            (71, Some((512, 256))),
            (98, Some((256, 256))),
            (6, None),
            (68, None),
            (103, None),
        ];
        for (format, shape) in expected {
            assert_eq!(of(format), shape, "format {format}");
        }
        assert_eq!(TileShape::of(dimension::TEXTURE3D, rgba()), None);
        assert_eq!(TileShape::of(dimension::TEXTURE1D, rgba()), None);
    }

    #[test]
    fn tiles_are_numbered_slice_by_slice() {
        // 3 × 2, 2 × 1 (300 / 2 = 150 texels across), and two packed tiles.
        let tiling = Tiling::new(dimension::TEXTURE2D, rgba(), shape(300, 200, 9, 2), 2, 2).expect("tiled");
        assert_eq!((tiling.total(), tiling.first_packed(), tiling.packed_mips()), (20, 8, 7));
        assert_eq!(
            [0, 1, 2, 8, 9, 10, 17, 18].map(|at| tiling.first_tile(at)),
            [Some(0), Some(6), Some(8), Some(8), Some(10), Some(16), Some(18), None]
        );
        assert_eq!(tiling.tile_at(9, 2, 1), Some(15));
        assert_eq!((tiling.tile_at(9, 3, 0), tiling.tile_at(2, 2, 0)), (None, None));
        for tile in 0..tiling.total() {
            let at = match tiling.place(tile).expect("inside") {
                TilePlace::Standard { slice, mip, x, y } => tiling.tile_at(slice * 9 + mip, x, y),
                TilePlace::Packed { slice, index } => tiling.tile_at(slice * 9 + 2, index, 0),
            };
            assert_eq!(at, Some(tile));
        }
        assert_eq!(tiling.place(20), None);
        let rows = tiling.box_rows(0, [1, 0], [2, 2]).expect("inside");
        assert!(rows.eq([TileRange { first: 1, count: 2 }, TileRange { first: 4, count: 2 }]));
        assert!(tiling.box_rows(0, [2, 0], [2, 1]).is_none() && tiling.box_rows(2, [0; 2], [1; 2]).is_none());
        assert_eq!(tiling.run(0, [2, 1], 15), Some(TileRange { first: 5, count: 15 }));
        assert_eq!((tiling.run(0, [2, 1], 16), tiling.run(0, [0; 2], 0)), (None, None));
        assert!(tiling.has_packed(TileRange { first: 7, count: 2 }));
        assert!(!tiling.has_packed(TileRange { first: 0, count: 8 }));
        assert!(!tiling.contains(TileRange { first: u32::MAX, count: 2 }));
    }

    #[test]
    fn packing_begins_with_mips_smaller_than_a_tile() {
        let whole = |width, height, mips| {
            Tiling::whole_mips(dimension::TEXTURE2D, rgba(), shape(width, height, mips, 1))
        };
        assert_eq!(
            [whole(512, 512, 10), whole(512, 256, 10), whole(127, 512, 1)],
            [Some(3), Some(2), Some(0)]
        );
        let buffer = shape(65537, 1, 1, 1);
        let tiling = Tiling::new(dimension::BUFFER, FormatInfo::BYTES, buffer, 1, 0).expect("tiled");
        assert_eq!((tiling.total(), tiling.packed_mips()), (2, 0));
    }

    #[test]
    fn what_cannot_be_is_none() {
        let of = |shape, standard, packed| Tiling::new(dimension::TEXTURE2D, rgba(), shape, standard, packed);
        assert_eq!(of(shape(512, 512, 10, 1), 11, 0), None);
        assert_eq!(of(shape(512, 512, 10, 1), 3, 0), None);
        assert_eq!(of(shape(512, 512, 3, 1), 3, 1), None);
        assert_eq!(of(shape(512, 512, 10, u32::MAX), 3, u32::MAX), None);
        assert_eq!(
            of(Shape { mip_levels: 0, ..shape(1, 1, 0, 1) }, 0, 0).map(|t| t.first_tile(0)),
            Some(None)
        );
    }
}
