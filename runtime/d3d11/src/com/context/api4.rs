//! The COM edge of `ID3D11DeviceContext2`, `3` and `4`.

use core::ffi::c_void;

use pvgpu_umd_ddi::{
    D3DWDDM1_3DDI_TILE_REGION_SIZE as Size, D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE as Coordinate,
};
use windows::Win32::Foundation::HANDLE;
use windows::Win32::Graphics::Direct3D11::*;
use windows_core::{BOOL, PCWSTR, Ref};

use super::super::convert::com;
use super::super::object::Com;
use super::get::put;
use super::tiles::{Ranges, Regions};
use super::{Kind, values};

// The API's structs and the DDI's are the same words, so arrays of them pass as they are.
const _: () = assert!(size_of::<D3D11_TILED_RESOURCE_COORDINATE>() == size_of::<Coordinate>());
const _: () = assert!(size_of::<D3D11_TILE_REGION_SIZE>() == size_of::<Size>());

/// The place of a region, if there is one.
///
/// # Safety
/// `start` is null or valid.
unsafe fn coordinate<'a>(start: *const D3D11_TILED_RESOURCE_COORDINATE) -> Option<&'a Coordinate> {
    // SAFETY: the caller's promise; the structs are the same.
    unsafe { start.cast::<Coordinate>().as_ref() }
}

/// The size of a region, if there is one.
///
/// # Safety
/// `size` is null or valid.
unsafe fn region_size<'a>(size: *const D3D11_TILE_REGION_SIZE) -> Option<&'a Size> {
    // SAFETY: the caller's promise; the structs are the same.
    unsafe { size.cast::<Size>().as_ref() }
}

impl<C: Kind> ID3D11DeviceContext2_Impl for Com<C> {
    fn UpdateTileMappings(
        &self,
        resource: Ref<ID3D11Resource>,
        regions: u32,
        starts: *const D3D11_TILED_RESOURCE_COORDINATE,
        sizes: *const D3D11_TILE_REGION_SIZE,
        pool: Ref<ID3D11Buffer>,
        ranges: u32,
        range_flags: *const u32,
        range_starts: *const u32,
        range_counts: *const u32,
        flags: u32,
    ) -> windows_core::Result<()> {
        let regions = Regions {
            count: regions,
            // SAFETY: COM's contract; the structs are the same.
            starts: unsafe { values(starts.cast(), regions) },
            // SAFETY: COM's contract; the structs are the same.
            sizes: unsafe { values(sizes.cast(), regions) },
        };
        let ranges = Ranges {
            count: ranges,
            // SAFETY: COM's contract.
            flags: unsafe { values(range_flags, ranges) },
            // SAFETY: COM's contract.
            starts: unsafe { values(range_starts, ranges) },
            // SAFETY: COM's contract.
            counts: unsafe { values(range_counts, ranges) },
        };
        let (resource, pool) = (Com::from_interface(&resource), Com::from_interface(&pool));
        com(self.lock().update_tile_mappings(resource, regions, pool, ranges, flags))
    }

    fn CopyTileMappings(
        &self,
        to: Ref<ID3D11Resource>,
        to_start: *const D3D11_TILED_RESOURCE_COORDINATE,
        from: Ref<ID3D11Resource>,
        from_start: *const D3D11_TILED_RESOURCE_COORDINATE,
        size: *const D3D11_TILE_REGION_SIZE,
        flags: u32,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        let to = (Com::from_interface(&to), unsafe { coordinate(to_start) });
        // SAFETY: COM's contract.
        let from = (Com::from_interface(&from), unsafe { coordinate(from_start) });
        // SAFETY: COM's contract.
        let size = unsafe { region_size(size) };
        com(self.lock().copy_tile_mappings(to, from, size, flags))
    }

    fn CopyTiles(
        &self,
        resource: Ref<ID3D11Resource>,
        start: *const D3D11_TILED_RESOURCE_COORDINATE,
        size: *const D3D11_TILE_REGION_SIZE,
        buffer: Ref<ID3D11Buffer>,
        offset: u64,
        flags: u32,
    ) {
        // SAFETY: COM's contract.
        let start = unsafe { coordinate(start) };
        // SAFETY: COM's contract.
        let size = unsafe { region_size(size) };
        let buffer = (Com::from_interface(&buffer), offset);
        self.lock().copy_tiles(Com::from_interface(&resource), start, size, buffer, flags);
    }

    fn UpdateTiles(
        &self,
        resource: Ref<ID3D11Resource>,
        start: *const D3D11_TILED_RESOURCE_COORDINATE,
        size: *const D3D11_TILE_REGION_SIZE,
        data: *const c_void,
        flags: u32,
    ) {
        // SAFETY: COM's contract.
        let start = unsafe { coordinate(start) };
        // SAFETY: COM's contract.
        let size = unsafe { region_size(size) };
        let resource = Com::from_interface(&resource);
        // SAFETY: COM's contract: 64 KiB for each tile.
        unsafe { self.lock().update_tiles(resource, start, size, data, flags) };
    }

    fn ResizeTilePool(&self, pool: Ref<ID3D11Buffer>, bytes: u64) -> windows_core::Result<()> {
        com(self.lock().resize_tile_pool(Com::from_interface(&pool), bytes))
    }

    fn TiledResourceBarrier(&self, _before: Ref<ID3D11DeviceChild>, _after: Ref<ID3D11DeviceChild>) {
        self.lock().tiled_resource_barrier();
    }

    fn IsAnnotationEnabled(&self) -> BOOL {
        // No tool is attached, see `annotation`.
        false.into()
    }

    fn SetMarkerInt(&self, _label: &PCWSTR, _data: i32) {}

    fn BeginEventInt(&self, _label: &PCWSTR, _data: i32) {}

    fn EndEvent(&self) {}
}

impl<C: Kind> ID3D11DeviceContext3_Impl for Com<C> {
    fn Flush1(&self, _kind: D3D11_CONTEXT_TYPE, event: HANDLE) {
        C::flush(self);
        C::set_event(self, event);
    }

    fn SetHardwareProtectionState(&self, _enable: BOOL) {}

    fn GetHardwareProtectionState(&self, enabled: *mut BOOL) {
        // There is no protected memory.
        // SAFETY: COM's contract: null or valid.
        unsafe { put(enabled, false.into()) };
    }
}

impl<C: Kind> ID3D11DeviceContext4_Impl for Com<C> {
    fn Signal(&self, fence: Ref<ID3D11Fence>, value: u64) -> windows_core::Result<()> {
        com(C::signal(Com::from_interface(&fence), value))
    }

    fn Wait(&self, fence: Ref<ID3D11Fence>, value: u64) -> windows_core::Result<()> {
        com(C::wait(Com::from_interface(&fence), value))
    }
}
