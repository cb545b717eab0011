//! Tiled resources: the rules of `UpdateTileMappings` and what belongs to it, then the driver.
//!
//! Lists that a program leaves out are filled in here, so that the driver and command lists get whole ones.

use core::ffi::c_void;

use pvgpu_protocol::tiling::{TILE_BYTES, TileRange, Tiling};
use pvgpu_umd_ddi::{
    D3DWDDM_1_3DDI_TILE_RANGE_NULL, D3DWDDM_1_3DDI_TILE_RANGE_REUSE_SINGLE_TILE,
    D3DWDDM_1_3DDI_TILE_RANGE_SKIP, D3DWDDM1_3DDI_TILE_COPY_LINEAR_BUFFER_TO_SWIZZLED_TILED_RESOURCE,
    D3DWDDM1_3DDI_TILE_COPY_NO_OVERWRITE, D3DWDDM1_3DDI_TILE_COPY_SWIZZLED_TILED_RESOURCE_TO_LINEAR_BUFFER,
    D3DWDDM1_3DDI_TILE_MAPPING_NO_OVERWRITE, D3DWDDM1_3DDI_TILE_REGION_SIZE as Size,
    D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE as Coordinate, FALSE,
};

use super::super::guard::Pipeline;
use super::super::object::{Com, Keep};
use super::super::record::Sink;
use super::super::resource::Resource;
use crate::desc::resource::{Usage, misc};
use crate::hresult::{E_INVALIDARG, Result, require};

/// What a call says of tile ranges; empty lists stand for null.
#[derive(Clone, Copy)]
pub struct Ranges<'a> {
    /// How many.
    pub count: u32,
    /// Bits of `D3D11_TILE_RANGE_FLAG`.
    pub flags: &'a [u32],
    /// The first tile of the pool.
    pub starts: &'a [u32],
    /// Tiles of the resource.
    pub counts: &'a [u32],
}

/// What a call says of regions; empty lists stand for null.
#[derive(Clone, Copy)]
pub struct Regions<'a> {
    /// How many.
    pub count: u32,
    /// Where they begin.
    pub starts: &'a [Coordinate],
    /// How large they are.
    pub sizes: &'a [Size],
}

/// The tiles of a tiled resource.
fn tiling(resource: &Com<Resource>) -> Result<&Tiling> {
    resource.inner.tiling.as_ref().ok_or(E_INVALIDARG)
}

/// The ranges of a region: none when it leaves the resource.
fn region(tiling: &Tiling, start: &Coordinate, size: &Size) -> Option<Vec<TileRange>> {
    let at = [start.X, start.Y];
    if start.Z != 0 {
        return None;
    }
    if size.bUseBox == FALSE {
        return tiling.run(start.Subresource, at, size.NumTiles).map(|range| vec![range]);
    }
    let (width, height) = (size.Width, u32::from(size.Height));
    let whole = size.Depth == 1 && width.checked_mul(height) == Some(size.NumTiles);
    let rows = tiling.box_rows(start.Subresource, at, [width, height]).filter(|_| whole)?;
    Some(rows.collect())
}

/// Tiles of all ranges.
fn count_of(ranges: &[TileRange]) -> u64 {
    ranges.iter().map(|range| u64::from(range.count)).sum()
}

/// A tile pool, if it is one.
fn pool_of(pool: &Com<Resource>) -> Option<&Com<Resource>> {
    Some(pool).filter(|pool| pool.inner.flags().misc & misc::TILE_POOL != 0)
}

impl<D: Sink> Pipeline<D> {
    /// `UpdateTileMappings`.
    ///
    /// # Errors
    /// `E_INVALIDARG`: regions leave the resource, ranges are not as long as they are, or name a pool that there is not.
    pub fn update_tile_mappings(
        &mut self,
        resource: Option<&Com<Resource>>,
        regions: Regions<'_>,
        pool: Option<&Com<Resource>>,
        ranges: Ranges<'_>,
        how: u32,
    ) -> Result {
        let resource = resource.ok_or(E_INVALIDARG)?;
        let tiling = tiling(resource)?;
        require(how & !D3DWDDM1_3DDI_TILE_MAPPING_NO_OVERWRITE == 0)?;
        require(regions.count != 0 && ranges.count != 0)?;
        require(!regions.starts.is_empty() || regions.count == 1)?;
        // A region without size is a tile; one without place, too, is everything.
        let alone = Size { NumTiles: 1, ..Size::default() };
        let everything = Size { NumTiles: tiling.total(), ..Size::default() };
        let unsized_region = if regions.starts.is_empty() { everything } else { alone };
        let (mut starts, mut sizes, mut tiles) = (Vec::new(), Vec::new(), 0);
        for index in 0..regions.count as usize {
            let start = regions.starts.get(index).copied().unwrap_or_default();
            let size = regions.sizes.get(index).copied().unwrap_or(unsized_region);
            tiles += count_of(&region(tiling, &start, &size).ok_or(E_INVALIDARG)?);
            starts.push(start);
            sizes.push(size);
        }
        let (mut flags, mut offsets, mut counts, mut ranged) = (Vec::new(), Vec::new(), Vec::new(), 0);
        let mut pooled = false;
        for index in 0..ranges.count as usize {
            let flag = ranges.flags.get(index).copied().unwrap_or(0);
            let known = [
                0,
                D3DWDDM_1_3DDI_TILE_RANGE_NULL,
                D3DWDDM_1_3DDI_TILE_RANGE_SKIP,
                D3DWDDM_1_3DDI_TILE_RANGE_REUSE_SINGLE_TILE,
            ];
            require(known.contains(&flag))?;
            pooled |= matches!(flag, 0 | D3DWDDM_1_3DDI_TILE_RANGE_REUSE_SINGLE_TILE);
            // A single range without a count is as long as the regions.
            let all = if ranges.count == 1 { u32::try_from(tiles).map_err(|_| E_INVALIDARG)? } else { 1 };
            let count = ranges.counts.get(index).copied().unwrap_or(all);
            ranged += u64::from(count);
            flags.push(flag);
            offsets.push(ranges.starts.get(index).copied().unwrap_or(0));
            counts.push(count);
        }
        let pool = pool.map(|pool| pool_of(pool).ok_or(E_INVALIDARG)).transpose()?;
        require(tiles == ranged && (pool.is_some() || !pooled))?;
        self.graves.touch(resource);
        if let Some(pool) = pool {
            self.graves.touch(pool);
        }
        let pool = pool.map_or(core::ptr::null_mut(), Com::handle);
        let ranges = [flags, offsets, counts].concat();
        self.driver.update_tile_mappings(resource.handle(), &starts, &sizes, pool, &ranges, how);
        Ok(())
    }

    /// `CopyTileMappings`.
    ///
    /// # Errors
    /// `E_INVALIDARG`: a region leaves its resource.
    pub fn copy_tile_mappings(
        &mut self,
        (to, to_start): (Option<&Com<Resource>>, Option<&Coordinate>),
        (from, from_start): (Option<&Com<Resource>>, Option<&Coordinate>),
        size: Option<&Size>,
        how: u32,
    ) -> Result {
        let (to, from) = (to.ok_or(E_INVALIDARG)?, from.ok_or(E_INVALIDARG)?);
        let (to_start, from_start) = (to_start.ok_or(E_INVALIDARG)?, from_start.ok_or(E_INVALIDARG)?);
        let size = size.ok_or(E_INVALIDARG)?;
        require(how & !D3DWDDM1_3DDI_TILE_MAPPING_NO_OVERWRITE == 0)?;
        require(region(tiling(to)?, to_start, size).is_some())?;
        require(region(tiling(from)?, from_start, size).is_some())?;
        self.graves.touch(to);
        self.graves.touch(from);
        self.driver.copy_tile_mappings(
            to.handle(),
            &[*to_start],
            from.handle(),
            &[*from_start],
            &[*size],
            how,
        );
        Ok(())
    }

    /// `CopyTiles`: between tiles that are not packed and a buffer with room for them.
    pub fn copy_tiles(
        &mut self,
        resource: Option<&Com<Resource>>,
        start: Option<&Coordinate>,
        size: Option<&Size>,
        (buffer, offset): (Option<&Com<Resource>>, u64),
        how: u32,
    ) {
        let (Some(resource), Some(buffer)) = (resource, buffer) else { return };
        let (Some(start), Some(size)) = (start, size) else { return };
        let Some(bytes) = copied_bytes(resource, start, size) else { return };
        let to_tiles = match how & !D3DWDDM1_3DDI_TILE_COPY_NO_OVERWRITE {
            D3DWDDM1_3DDI_TILE_COPY_LINEAR_BUFFER_TO_SWIZZLED_TILED_RESOURCE => true,
            D3DWDDM1_3DDI_TILE_COPY_SWIZZLED_TILED_RESOURCE_TO_LINEAR_BUFFER => false,
            _ => return,
        };
        let flags = buffer.inner.flags();
        let room = buffer.inner.subresource_size(0).filter(|_| buffer.inner.is_buffer());
        let fits = room.zip(offset.checked_add(bytes));
        let fits = fits.is_some_and(|(room, end)| end <= u64::from(room.TexelWidth));
        let plain = flags.misc & (misc::TILED | misc::TILE_POOL) == 0;
        let written = to_tiles || matches!(flags.usage, Usage::Default | Usage::Staging);
        // Copies between buffers and images begin at whole texels, of which the largest have 16 bytes; see docs/tiled.md.
        let aligned = offset.is_multiple_of(16);
        if fits && plain && written && aligned {
            self.graves.touch(resource);
            self.graves.touch(buffer);
            self.driver.copy_tiles(resource.handle(), &[*start], &[*size], buffer.handle(), offset, how);
        }
    }

    /// `UpdateTiles`: tiles that are not packed.
    ///
    /// # Safety
    /// `data` has 64 KiB for each tile of the region.
    pub unsafe fn update_tiles(
        &mut self,
        resource: Option<&Com<Resource>>,
        start: Option<&Coordinate>,
        size: Option<&Size>,
        data: *const c_void,
        how: u32,
    ) {
        let (Some(resource), Some(start), Some(size)) = (resource, start, size) else { return };
        if data.is_null() || how & !D3DWDDM1_3DDI_TILE_COPY_NO_OVERWRITE != 0 {
            return;
        }
        let Some(bytes) = copied_bytes(resource, start, size) else { return };
        let Ok(bytes) = usize::try_from(bytes) else { return };
        // SAFETY: the caller's promise.
        let data = unsafe { core::slice::from_raw_parts(data.cast::<u8>(), bytes) };
        self.graves.touch(resource);
        self.driver.update_tiles(resource.handle(), &[*start], &[*size], data, how);
    }

    /// `ResizeTilePool`.
    ///
    /// # Errors
    /// `E_INVALIDARG` when it is no tile pool, or the size is no multiple of a tile's.
    pub fn resize_tile_pool(&mut self, pool: Option<&Com<Resource>>, bytes: u64) -> Result {
        let pool = pool.and_then(pool_of).ok_or(E_INVALIDARG)?;
        require(bytes.is_multiple_of(TILE_BYTES))?;
        self.graves.touch(pool);
        self.driver.resize_tile_pool(pool.handle(), bytes);
        Ok(())
    }

    /// `TiledResourceBarrier`: of whatever shares tiles, since no driver has to be told what exactly.
    pub fn tiled_resource_barrier(&mut self) {
        self.driver.tiled_resource_barrier();
    }
}

/// Bytes of a region whose contents are copied; none when it leaves the resource or has packed tiles.
fn copied_bytes(resource: &Com<Resource>, start: &Coordinate, size: &Size) -> Option<u64> {
    let tiling = resource.inner.tiling.as_ref()?;
    let ranges = region(tiling, start, size)?;
    let packed = ranges.iter().any(|range| tiling.has_packed(*range));
    (!packed).then(|| count_of(&ranges) * TILE_BYTES)
}
