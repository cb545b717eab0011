//! Tiled resources: what the DDI's regions and ranges of tiles become on the wire, and what the host says of its tiles.

use core::cell::OnceCell;

use pvgpu_protocol::command::{
    CopyTileMappings, CopyTiles, DescribeTiling, NONE, ResizeTilePool, TILING_SLOT_BYTES, TilePair, TileRun,
    TileSpan, TiledResourceBarrier, UpdateTileMappings, UpdateTiles, dimension, misc, tile_copy, tile_run,
};
use pvgpu_protocol::limits::MAX_COMMAND_TILES;
use pvgpu_protocol::tiling::{TILE_BYTES, TileRange, Tiling};
use pvgpu_umd_ddi::{
    D3DWDDM_1_3DDI_TILE_RANGE_NULL, D3DWDDM_1_3DDI_TILE_RANGE_REUSE_SINGLE_TILE,
    D3DWDDM_1_3DDI_TILE_RANGE_SKIP, D3DWDDM1_3DDI_TILE_COPY_LINEAR_BUFFER_TO_SWIZZLED_TILED_RESOURCE,
    D3DWDDM1_3DDI_TILE_COPY_SWIZZLED_TILED_RESOURCE_TO_LINEAR_BUFFER,
};

use crate::copy;
use crate::device::Device;
use crate::error::Error;
use crate::resource::{Description, Resource};

/// Entries of one record's list: 32 KiB of the largest.
const MAX_ENTRIES: usize = 2048;
/// Tiles of one upload: 4 MiB.
const BAND_TILES: u32 = 64;

/// How far a region goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The whole resource.
    All,
    /// As many tiles, over the ends of rows and subresources.
    Tiles(u32),
    /// A box of tiles of one subresource.
    Box([u32; 2]),
}

/// A region of a tiled resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Where it begins.
    pub subresource: u32,
    /// In tiles.
    pub at: [u32; 2],
    /// How far it goes.
    pub extent: Extent,
}

/// Tiles of a pool that a range of `UpdateTileMappings` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Bits of `D3DWDDM1_3DDI_TILE_RANGE_FLAG`.
    pub flags: u32,
    /// The first tile of the pool.
    pub pool_tile: u32,
    /// How many tiles of the resource; none for all.
    pub count: Option<u32>,
}

const OUTSIDE: Error = Error::BadArgument("tiles outside their resource");

impl Region {
    /// Its tiles, in order.
    fn ranges(&self, tiling: &Tiling) -> Result<Vec<TileRange>, Error> {
        let ranges = match self.extent {
            Extent::All => Some(vec![TileRange { first: 0, count: tiling.total() }]),
            Extent::Tiles(count) => tiling.run(self.subresource, self.at, count).map(|range| vec![range]),
            Extent::Box(size) => tiling.box_rows(self.subresource, self.at, size).map(Iterator::collect),
        };
        ranges.ok_or(OUTSIDE)
    }
}

/// An entry of a list of tiles that can be cut.
trait Entry: Copy {
    fn count(&self) -> u32;

    /// Takes so many tiles from its beginning.
    fn take(&mut self, count: u32) -> Self;
}

macro_rules! entry {
    ($type:ident: $($first:ident)+) => {
        impl Entry for $type {
            fn count(&self) -> u32 {
                self.count
            }

            fn take(&mut self, count: u32) -> Self {
                let head = Self { count, ..*self };
                $(self.$first = self.$first.wrapping_add(count);)+
                self.count -= count;
                head
            }
        }
    };
}

entry!(TileSpan: first);
entry!(TilePair: dst_first src_first);

impl Entry for TileRun {
    fn count(&self) -> u32 {
        self.count
    }

    fn take(&mut self, count: u32) -> Self {
        let head = Self { count, ..*self };
        self.first = self.first.wrapping_add(count);
        self.count -= count;
        if self.kind == tile_run::SEQUENTIAL {
            self.pool_tile = self.pool_tile.wrapping_add(count);
        }
        head
    }
}

/// Cuts a list into those of records, with at most `tiles` tiles each.
fn records<E: Entry>(
    entries: impl IntoIterator<Item = E>,
    tiles: u32,
    mut emit: impl FnMut(&[E], u32) -> Result<(), Error>,
) -> Result<(), Error> {
    let (mut list, mut total) = (Vec::new(), 0);
    for mut entry in entries {
        while entry.count() != 0 {
            let part = entry.take(entry.count().min(tiles - total));
            total += part.count();
            list.push(part);
            if total == tiles || list.len() == MAX_ENTRIES {
                emit(&list, total)?;
                list.clear();
                total = 0;
            }
        }
    }
    if list.is_empty() { Ok(()) } else { emit(&list, total) }
}

/// What maps the tiles of a resource, in order, to those that the ranges name.
fn runs(tiles: &[TileRange], ranges: &[Range]) -> Result<Vec<TileRun>, Error> {
    let mut left = tiles.iter().map(|range| TileSpan { first: range.first, count: range.count });
    let (mut runs, mut current) = (Vec::new(), None::<TileSpan>);
    for range in ranges {
        let kind = match range.flags {
            0 => Some(tile_run::SEQUENTIAL),
            D3DWDDM_1_3DDI_TILE_RANGE_NULL => Some(tile_run::NULL),
            D3DWDDM_1_3DDI_TILE_RANGE_SKIP => None,
            D3DWDDM_1_3DDI_TILE_RANGE_REUSE_SINGLE_TILE => Some(tile_run::REUSE),
            _ => return Err(Error::BadArgument("unknown flags of a tile range")),
        };
        let mut wanted = range.count;
        let mut pool_tile = if kind == Some(tile_run::NULL) { 0 } else { range.pool_tile };
        while wanted != Some(0) {
            let Some(mut span) = current.take().filter(|span| span.count != 0).or_else(|| left.next()) else {
                if wanted.is_none() {
                    break;
                }
                return Err(Error::BadArgument("ranges of more tiles than their regions have"));
            };
            let part = span.take(wanted.map_or(span.count, |wanted| wanted.min(span.count)));
            current = Some(span);
            wanted = wanted.map(|wanted| wanted - part.count);
            if let Some(kind) = kind {
                runs.push(TileRun { first: part.first, count: part.count, kind, pool_tile });
                if kind == tile_run::SEQUENTIAL {
                    pool_tile = pool_tile.checked_add(part.count).ok_or(OUTSIDE)?;
                }
            }
        }
    }
    if current.is_some_and(|span| span.count != 0) || left.next().is_some() {
        return Err(Error::BadArgument("regions of more tiles than their ranges have"));
    }
    Ok(runs)
}

/// How many tiles a pool must have for a run.
fn end_in_pool(run: &TileRun) -> u64 {
    match run.kind {
        tile_run::SEQUENTIAL => u64::from(run.pool_tile) + u64::from(run.count),
        tile_run::REUSE => u64::from(run.pool_tile) + 1,
        _ => 0,
    }
}

/// Pairs the tiles of two regions.
fn pairs(to: &[TileRange], from: &[TileRange]) -> Vec<TilePair> {
    let mut pairs = Vec::new();
    let (mut to, mut from) = (to.iter().copied(), from.iter().copied());
    let (mut a, mut b) = (to.next(), from.next());
    while let (Some(dst), Some(src)) = (a, b) {
        let count = dst.count.min(src.count);
        pairs.push(TilePair { dst_first: dst.first, src_first: src.first, count });
        let rest = |range: TileRange| TileRange { first: range.first + count, count: range.count - count };
        a = Some(rest(dst)).filter(|rest| rest.count != 0).or_else(|| to.next());
        b = Some(rest(src)).filter(|rest| rest.count != 0).or_else(|| from.next());
    }
    pairs
}

impl Description {
    /// Tiles of a tile pool, 0 for other resources.
    pub(crate) fn pool_tiles(&self) -> u64 {
        let tiles = u64::from(self.shape.width) / TILE_BYTES;
        if self.misc_flags & misc::TILE_POOL == 0 { 0 } else { tiles }
    }
}

impl Device {
    /// Refuses tiled resources and tile pools that the host would refuse.
    pub(crate) fn check_tiled(&self, description: &Description) -> Result<(), Error> {
        let tiled = description.misc_flags & misc::TILED != 0;
        if !tiled && description.misc_flags & misc::TILE_POOL == 0 {
            return Ok(());
        }
        let formatted = description.is_buffer()
            || matches!(description.dimension, dimension::TEXTURE2D | dimension::TEXTURECUBE)
                && self.caps.has_tiles(description.format);
        if self.caps.tiled_tier() == 0 || !formatted || description.sample_count > 1 || description.shared {
            return Err(Error::Unsupported("such a tiled resource"));
        }
        Ok(())
    }

    /// The tiles of a resource; the first time, the host is asked and waited for.
    fn tiling(&mut self, resource: &Resource) -> Result<Tiling, Error> {
        if let Some(tiling) = resource.tiling.get() {
            return Ok(*tiling);
        }
        if resource.misc_flags & misc::TILED == 0 {
            return Err(Error::BadArgument("a resource that is not tiled"));
        }
        let (kind, standard, packed) = if resource.is_buffer {
            (dimension::BUFFER, 1, 0)
        } else {
            let [standard, packed] = self.ask_tiling(resource)?;
            (dimension::TEXTURE2D, standard, packed)
        };
        let tiling = Tiling::new(kind, resource.format, resource.shape, standard, packed);
        let tiling = tiling.ok_or(Error::Unsupported("tiles that cannot be counted"))?;
        Ok(*resource.tiling.get_or_init(|| tiling))
    }

    /// Mips with tiles of their own, and tiles that the others share.
    fn ask_tiling(&mut self, resource: &Resource) -> Result<[u32; 2], Error> {
        let block = self.context.allocate(TILING_SLOT_BYTES, 8)?;
        let slot = block.range(TILING_SLOT_BYTES);
        let asked = self.context.emit(&DescribeTiling { slot, resource: resource.id, reserved: 0 });
        let fence = self.context.stream.next_fence();
        let result = asked.and_then(|()| self.context.wait(fence));
        let mut words = [[0; 4]; 4];
        copy::load(block.cells(), words.as_flattened_mut());
        self.context.free(block);
        let [standard, _, packed, _] = words.map(u32::from_le_bytes);
        result.map(|()| [standard, packed])
    }

    /// `GetMipPacking`: packed mips, and the tiles that they share in each slice.
    ///
    /// # Errors
    /// [`Error::BadArgument`] when the resource is not tiled, [`Error::DeviceRemoved`].
    pub fn mip_packing(&mut self, resource: &Resource) -> Result<[u32; 2], Error> {
        let tiling = self.tiling(resource)?;
        Ok([tiling.packed_mips(), tiling.packed_tiles()])
    }

    /// `UpdateTileMappings`.
    ///
    /// # Errors
    /// [`Error::BadArgument`] when regions and ranges do not fit, [`Error::DeviceRemoved`].
    pub fn update_tile_mappings(
        &mut self,
        resource: &Resource,
        regions: impl Iterator<Item = Region>,
        pool: Option<&Resource>,
        ranges: &[Range],
    ) -> Result<(), Error> {
        let tiling = self.tiling(resource)?;
        let mut tiles = Vec::new();
        for region in regions {
            tiles.extend(region.ranges(&tiling)?);
        }
        let runs = runs(&tiles, ranges)?;
        let available = pool.map_or(0, |pool| pool.pool_tiles.get());
        if runs.iter().any(|run| end_in_pool(run) > available) {
            return Err(Error::BadArgument("tiles outside their pool"));
        }
        let pool = pool.map_or(NONE, |pool| pool.id);
        let resource = resource.id;
        records(runs, MAX_COMMAND_TILES, |runs, _| {
            self.context.emit(&UpdateTileMappings { resource, pool, runs })
        })
    }

    /// `CopyTileMappings`: two regions of one size.
    ///
    /// # Errors
    /// As for [`Device::update_tile_mappings`].
    pub fn copy_tile_mappings(
        &mut self,
        (dst, to): (&Resource, Region),
        (src, from): (&Resource, Region),
    ) -> Result<(), Error> {
        let to = to.ranges(&self.tiling(dst)?)?;
        let from = from.ranges(&self.tiling(src)?)?;
        let (dst, src) = (dst.id, src.id);
        records(pairs(&to, &from), MAX_COMMAND_TILES, |pairs, _| {
            self.context.emit(&CopyTileMappings { dst, src, pairs })
        })
    }

    /// The tiles of a region whose contents are copied; none of them is packed.
    fn spans(&mut self, resource: &Resource, region: Region) -> Result<Vec<TileSpan>, Error> {
        let tiling = self.tiling(resource)?;
        let ranges = region.ranges(&tiling)?;
        if ranges.iter().any(|range| tiling.has_packed(*range)) {
            return Err(Error::BadArgument("the contents of packed tiles"));
        }
        Ok(ranges.iter().map(|range| TileSpan { first: range.first, count: range.count }).collect())
    }

    /// `CopyTiles`.
    ///
    /// # Errors
    /// As for [`Device::update_tile_mappings`].
    pub fn copy_tiles(
        &mut self,
        resource: &Resource,
        region: Region,
        (buffer, offset): (&Resource, u64),
        flags: u32,
    ) -> Result<(), Error> {
        let direction = match flags & !1 {
            D3DWDDM1_3DDI_TILE_COPY_LINEAR_BUFFER_TO_SWIZZLED_TILED_RESOURCE => tile_copy::TO_RESOURCE,
            D3DWDDM1_3DDI_TILE_COPY_SWIZZLED_TILED_RESOURCE_TO_LINEAR_BUFFER => tile_copy::TO_BUFFER,
            _ => return Err(Error::BadArgument("a copy of tiles in no direction")),
        };
        let spans = self.spans(resource, region)?;
        let (mut buffer_offset, target) = (offset, buffer.id);
        let resource = resource.id;
        records(spans, MAX_COMMAND_TILES, |spans, tiles| {
            self.context.emit(&CopyTiles {
                buffer_offset,
                resource,
                buffer: target,
                direction,
                reserved: 0,
                spans,
            })?;
            buffer_offset += u64::from(tiles) * TILE_BYTES;
            Ok(())
        })?;
        buffer.note_use(self.context.stream.next_fence(), direction == tile_copy::TO_BUFFER);
        Ok(())
    }

    /// Bytes that `UpdateTiles` reads for a region.
    ///
    /// # Errors
    /// As for [`Device::update_tile_mappings`].
    pub fn tile_bytes(&mut self, resource: &Resource, region: Region) -> Result<usize, Error> {
        let spans = self.spans(resource, region)?;
        let tiles: u64 = spans.iter().map(|span| u64::from(span.count)).sum();
        usize::try_from(tiles * TILE_BYTES).map_err(|_| Error::OutOfMemory)
    }

    /// `UpdateTiles`, from [`Device::tile_bytes`] bytes.
    ///
    /// # Errors
    /// As for [`Device::update_tile_mappings`]; [`Error::OutOfMemory`].
    pub fn update_tiles(&mut self, resource: &Resource, region: Region, bytes: &[u8]) -> Result<(), Error> {
        let spans = self.spans(resource, region)?;
        let (resource, mut rest) = (resource.id, bytes);
        records(spans, BAND_TILES, |spans, tiles| {
            let length = u64::from(tiles) * TILE_BYTES;
            // CAST: a few MiB.
            let (band, after) = rest.split_at_checked(length as usize).ok_or(OUTSIDE)?;
            rest = after;
            let piece = self.context.upload(length, 16)?;
            copy::store(piece.cells(), band);
            let data = piece.range();
            let result = self.context.emit(&UpdateTiles { data, resource, reserved: 0, spans });
            self.context.close(piece);
            result
        })
    }

    /// `TiledResourceBarrier`.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn tiled_resource_barrier(&mut self) -> Result<(), Error> {
        if self.caps.tiled_tier() == 0 {
            return Ok(());
        }
        self.context.emit(&TiledResourceBarrier { reserved: 0 })
    }

    /// `ResizeTilePool`.
    ///
    /// # Errors
    /// [`Error::BadArgument`] when it is no tile pool or the size no multiple of a tile's; [`Error::DeviceRemoved`].
    pub fn resize_tile_pool(&mut self, pool: &Resource, bytes: u64) -> Result<(), Error> {
        if pool.misc_flags & misc::TILE_POOL == 0 || !bytes.is_multiple_of(TILE_BYTES) {
            return Err(Error::BadArgument("such a size of a tile pool"));
        }
        self.context.emit(&ResizeTilePool { bytes, pool: pool.id, reserved: 0 })?;
        pool.pool_tiles.set(bytes / TILE_BYTES);
        Ok(())
    }
}

/// What a resource remembers of its tiles.
pub(crate) type KnownTiling = OnceCell<Tiling>;

#[cfg(test)]
mod tests {
    use super::*;

    fn tiles(list: &[(u32, u32)]) -> Vec<TileRange> {
        list.iter().map(|&(first, count)| TileRange { first, count }).collect()
    }

    fn range(flags: u32, pool_tile: u32, count: Option<u32>) -> Range {
        Range { flags, pool_tile, count }
    }

    fn flat(runs: Result<Vec<TileRun>, Error>) -> Option<Vec<(u32, u32, u32, u32)>> {
        let runs = runs.ok()?;
        Some(runs.iter().map(|run| (run.first, run.count, run.kind, run.pool_tile)).collect())
    }

    #[test]
    fn ranges_are_laid_along_regions() {
        let regions = tiles(&[(0, 3), (10, 4)]);
        let ranges = [range(0, 5, Some(4)), range(2, 0, Some(1)), range(4, 9, Some(1)), range(1, 3, Some(1))];
        let expected = vec![(0, 3, 0, 5), (10, 1, 0, 8), (12, 1, 2, 9), (13, 1, 1, 0)];
        assert_eq!(flat(runs(&regions, &ranges)), Some(expected));
        assert_eq!(flat(runs(&regions, &[range(0, 1, None)])), Some(vec![(0, 3, 0, 1), (10, 4, 0, 4)]));
        for bad in [&[range(0, 0, Some(6))][..], &[range(0, 0, Some(8))], &[range(3, 0, None)], &[]] {
            assert_eq!(flat(runs(&regions, bad)), None, "{bad:?}");
        }
        assert_eq!(flat(runs(&regions, &[range(0, u32::MAX - 1, None)])), None);
    }

    #[test]
    fn regions_of_two_shapes_are_paired() {
        let found = pairs(&tiles(&[(0, 2), (8, 2)]), &tiles(&[(3, 1), (20, 3)]));
        let flat: Vec<_> = found.iter().map(|pair| (pair.dst_first, pair.src_first, pair.count)).collect();
        assert_eq!(flat, [(0, 3, 1), (1, 20, 1), (8, 21, 2)]);
    }

    #[test]
    fn long_lists_become_several_records() {
        let run = TileRun { first: 7, count: 25, kind: tile_run::SEQUENTIAL, pool_tile: 100 };
        let reuse = TileRun { first: 90, count: 4, kind: tile_run::REUSE, pool_tile: 5 };
        let mut found = Vec::new();
        records([run, reuse], 10, |list, total| {
            found.push((
                list.iter().map(|run| (run.first, run.count, run.pool_tile)).collect::<Vec<_>>(),
                total,
            ));
            Ok(())
        })
        .expect("nothing fails");
        let expected =
            [(vec![(7, 10, 100)], 10), (vec![(17, 10, 110)], 10), (vec![(27, 5, 120), (90, 4, 5)], 9)];
        assert_eq!(found, expected);
    }
}
