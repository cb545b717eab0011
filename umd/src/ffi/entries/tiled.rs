//! The entries that Direct3D 11.2 (WDDM 1.3) added: tiled resources and markers.
//!
//! The host reports no tier of tiled resources, so the runtime creates none and these are never reached with one. Each says so
//! rather than doing nothing.

use core::ffi::c_void;

use pvgpu_umd_ddi::*;

use crate::error::Error;
use crate::ffi::argument::{Out, Runtime, entries, entry_index};

const NO_TILES: Error = Error::Unsupported("tiled resources");

entries! {
    /// `pfnUpdateTileMappings`.
    update_tile_mappings at entry_index!(pfnUpdateTileMappings) =>
    |_device, _resource: Runtime<D3D10DDI_HRESOURCE>, _regions: u32,
        _starts: Runtime<*const D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE>,
        _sizes: Runtime<*const D3DWDDM1_3DDI_TILE_REGION_SIZE>, _pool: Runtime<D3D10DDI_HRESOURCE>, _ranges: u32,
        _range_flags: Runtime<*const u32>, _pool_offsets: Runtime<*const u32>, _counts: Runtime<*const u32>,
        _flags: u32| Err(NO_TILES);

    /// `pfnCopyTileMappings`.
    copy_tile_mappings at entry_index!(pfnCopyTileMappings) =>
    |_device, _dst: Runtime<D3D10DDI_HRESOURCE>, _dst_start: Runtime<*const D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE>,
        _src: Runtime<D3D10DDI_HRESOURCE>, _src_start: Runtime<*const D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE>,
        _size: Runtime<*const D3DWDDM1_3DDI_TILE_REGION_SIZE>, _flags: u32| Err(NO_TILES);

    /// `pfnCopyTiles`.
    copy_tiles at entry_index!(pfnCopyTiles) =>
    |_device, _resource: Runtime<D3D10DDI_HRESOURCE>, _start: Runtime<*const D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE>,
        _size: Runtime<*const D3DWDDM1_3DDI_TILE_REGION_SIZE>, _buffer: Runtime<D3D10DDI_HRESOURCE>,
        _offset: Runtime<u64>, _flags: u32| Err(NO_TILES);

    /// `pfnUpdateTiles`.
    update_tiles at entry_index!(pfnUpdateTiles) =>
    |_device, _resource: Runtime<D3D10DDI_HRESOURCE>, _start: Runtime<*const D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE>,
        _size: Runtime<*const D3DWDDM1_3DDI_TILE_REGION_SIZE>, _data: Runtime<*const c_void>, _flags: u32| Err(NO_TILES);

    /// `pfnTiledResourceBarrier`: without tiles that two resources share there is nothing to order.
    tiled_resource_barrier at entry_index!(pfnTiledResourceBarrier) =>
    |_device, _before_kind: Runtime<D3D11DDI_HANDLETYPE>, _before: Runtime<*mut c_void>,
        _after_kind: Runtime<D3D11DDI_HANDLETYPE>, _after: Runtime<*mut c_void>| Ok(());

    /// `pfnGetMipPacking`: no mip is packed into tiles.
    get_mip_packing at entry_index!(pfnGetMipPacking) =>
    |_device, _resource: Runtime<D3D10DDI_HRESOURCE>, mips: Out<u32>, tiles: Out<u32>| {
        mips.set(0);
        tiles.set(0);
        Ok(())
    };

    /// `pfnResizeTilePool`.
    resize_tile_pool at entry_index!(pfnResizeTilePool) =>
    |_device, _pool: Runtime<D3D10DDI_HRESOURCE>, _bytes: Runtime<u64>| Err(NO_TILES);

    /// `pfnRelocateDeviceFuncs` of 11.2: the driver keeps no pointer to its table.
    relocate_device_funcs_wddm1_3 at entry_index!(pfnRelocateDeviceFuncs) =>
    |_device, _table: Runtime<*mut D3DWDDM1_3DDI_DEVICEFUNCS>| Ok(());

    /// `pfnCheckMultisampleQualityLevels` of 11.2. There are no tiled resources, hence none with samples.
    check_multisample_quality_levels_wddm1_3 at entry_index!(pfnCheckMultisampleQualityLevels) =>
    |device, format: u32, sample_count: u32, flags: u32, levels: Out<u32>| {
        levels.set(if flags == 0 { device.caps.quality_levels(format, sample_count) } else { 0 });
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
