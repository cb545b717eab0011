//! The entries that Direct3D 11.2 (WDDM 1.3) added: tiled resources and markers.

use core::ffi::c_void;

use pvgpu_umd_ddi::*;

use crate::error::Error;
use crate::ffi::argument::{InOrNull, List, Out, Ref, RefOrNull, Runtime, entries, entry_index, user_bytes};
use crate::resource::Resource;
use crate::tiled::{Extent, Range, Region};

/// A region of the DDI. Without a size it is one tile, without a beginning either all.
fn region(
    start: Option<&D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE>,
    size: Option<&D3DWDDM1_3DDI_TILE_REGION_SIZE>,
) -> Result<Region, Error> {
    let extent = match (start, size) {
        (None, None) => Extent::All,
        (Some(_), None) => Extent::Tiles(1),
        (_, Some(size)) if size.bUseBox == FALSE => Extent::Tiles(size.NumTiles),
        (_, Some(size)) if size.Depth == 1 => Extent::Box([size.Width, size.Height.into()]),
        _ => return Err(Error::BadArgument("a box of tiles with a depth")),
    };
    let start = start.copied().unwrap_or_default();
    if start.Z != 0 {
        return Err(Error::BadArgument("tiles in a depth that there is not"));
    }
    Ok(Region { subresource: start.Subresource, at: [start.X, start.Y], extent })
}

/// A tile range of the DDI, by its number. A single one without a count goes to the end, each of several is one tile.
fn range(index: usize, count: usize, flags: &[u32], offsets: &[u32], counts: &[u32]) -> Range {
    let of = |list: &[u32]| list.get(index).copied();
    let alone = if count == 1 { None } else { Some(1) };
    Range { flags: of(flags).unwrap_or(0), pool_tile: of(offsets).unwrap_or(0), count: of(counts).or(alone) }
}

entries! {
    /// `pfnUpdateTileMappings`. That nothing in flight uses the tiles is a hint that this driver does not need.
    update_tile_mappings at entry_index!(pfnUpdateTileMappings) =>
    |device, resource: Ref<Resource>, regions: u32, starts: List<D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE>,
        sizes: List<D3DWDDM1_3DDI_TILE_REGION_SIZE>, pool: RefOrNull<Resource>, ranges: u32, range_flags: List<u32>,
        pool_offsets: List<u32>, counts: List<u32>, _flags: u32| {
        // SAFETY: the count comes with the list.
        let starts = unsafe { starts.get(regions) };
        // SAFETY: the count comes with the list.
        let sizes = unsafe { sizes.get(regions) };
        // SAFETY: the count comes with the list.
        let range_flags = unsafe { range_flags.get(ranges) };
        // SAFETY: the count comes with the list.
        let pool_offsets = unsafe { pool_offsets.get(ranges) };
        // SAFETY: the count comes with the list.
        let counts = unsafe { counts.get(ranges) };
        // CAST: 32 bits.
        let (regions, ranges) = (regions as usize, ranges as usize);
        let regions: Result<Vec<_>, _> =
            (0..regions).map(|index| region(starts.get(index), sizes.get(index))).collect();
        let ranges: Vec<_> =
            (0..ranges).map(|index| range(index, ranges, range_flags, pool_offsets, counts)).collect();
        device.update_tile_mappings(&resource, regions?.into_iter(), pool.get(), &ranges)
    };

    /// `pfnCopyTileMappings`.
    copy_tile_mappings at entry_index!(pfnCopyTileMappings) =>
    |device, dst: Ref<Resource>, dst_start: InOrNull<D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE>, src: Ref<Resource>,
        src_start: InOrNull<D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE>,
        size: InOrNull<D3DWDDM1_3DDI_TILE_REGION_SIZE>, _flags: u32| {
        let to = region(dst_start.0.as_ref(), size.0.as_ref())?;
        let from = region(src_start.0.as_ref(), size.0.as_ref())?;
        device.copy_tile_mappings((&dst, to), (&src, from))
    };

    /// `pfnCopyTiles`.
    copy_tiles at entry_index!(pfnCopyTiles) =>
    |device, resource: Ref<Resource>, start: InOrNull<D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE>,
        size: InOrNull<D3DWDDM1_3DDI_TILE_REGION_SIZE>, buffer: Ref<Resource>, offset: Runtime<u64>, flags: u32| {
        let region = region(start.0.as_ref(), size.0.as_ref())?;
        device.copy_tiles(&resource, region, (&buffer, offset.0), flags)
    };

    /// `pfnUpdateTiles`.
    update_tiles at entry_index!(pfnUpdateTiles) =>
    |device, resource: Ref<Resource>, start: InOrNull<D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE>,
        size: InOrNull<D3DWDDM1_3DDI_TILE_REGION_SIZE>, data: Runtime<*const c_void>, _flags: u32| {
        let region = region(start.0.as_ref(), size.0.as_ref())?;
        let bytes = device.tile_bytes(&resource, region)?;
        // SAFETY: the program's memory holds 64 KiB for each tile of the region.
        let data = unsafe { user_bytes(data.0, bytes) };
        device.update_tiles(&resource, region, data)
    };

    /// `pfnTiledResourceBarrier`: the host orders all of what was before, whatever the objects.
    tiled_resource_barrier at entry_index!(pfnTiledResourceBarrier) =>
    |device, _before_kind: Runtime<D3D11DDI_HANDLETYPE>, _before: Runtime<*mut c_void>,
        _after_kind: Runtime<D3D11DDI_HANDLETYPE>, _after: Runtime<*mut c_void>| device.tiled_resource_barrier();

    /// `pfnGetMipPacking`.
    get_mip_packing at entry_index!(pfnGetMipPacking) =>
    |device, resource: Ref<Resource>, mips: Out<u32>, tiles: Out<u32>| {
        let [packed_mips, packed_tiles] = device.mip_packing(&resource)?;
        mips.set(packed_mips);
        tiles.set(packed_tiles);
        Ok(())
    };

    /// `pfnResizeTilePool`.
    resize_tile_pool at entry_index!(pfnResizeTilePool) =>
    |device, pool: Ref<Resource>, bytes: Runtime<u64>| device.resize_tile_pool(&pool, bytes.0);

    /// `pfnRelocateDeviceFuncs` of 11.2: the driver keeps no pointer to its table.
    relocate_device_funcs_wddm1_3 at entry_index!(pfnRelocateDeviceFuncs) =>
    |_device, _table: Runtime<*mut D3DWDDM1_3DDI_DEVICEFUNCS>| Ok(());

    /// `pfnCheckMultisampleQualityLevels` of 11.2. Tiled resources have one sample a texel.
    check_multisample_quality_levels_wddm1_3 at entry_index!(pfnCheckMultisampleQualityLevels) =>
    |device, format: u32, sample_count: u32, flags: u32, levels: Out<u32>| {
        let tiled = flags & D3DWDDM1_3DDI_CHECK_MULTISAMPLE_QUALITY_LEVELS_TILED_RESOURCE != 0;
        let fits = !tiled || sample_count == 1 && device.caps.has_tiles(format);
        levels.set(if fits { device.caps.quality_levels(format, sample_count) } else { 0 });
        Ok(())
    };
}

/// `pfnSetMarker`: the driver reports no markers (`D3DWDDM1_3DDICAPS_MARKER`), so there is no history to write one into.
pub(in crate::ffi) extern "system" fn set_marker(_device: D3D10DDI_HDEVICE) -> HRESULT {
    S_OK
}

/// `pfnSetMarkerMode`: none is the only one.
pub(in crate::ffi) extern "system" fn set_marker_mode(
    _device: D3D10DDI_HDEVICE,
    kind: D3DWDDM1_3DDI_MARKER_TYPE,
    _flags: u32,
) -> HRESULT {
    if kind == D3DWDDM1_3DDI_MARKER_TYPE_NONE { S_OK } else { E_NOTIMPL }
}
