//! The COM edge of `ID3D11DeviceContext2`, `3` and `4`.

use core::ffi::c_void;

use windows::Win32::Foundation::HANDLE;
use windows::Win32::Graphics::Direct3D11::*;
use windows_core::{BOOL, PCWSTR, Ref};

use super::super::convert::{com, error};
use super::super::object::Com;
use super::Kind;
use super::get::put;
use crate::hresult::E_INVALIDARG;

/// Tiled resources cannot be made (`CheckFeatureSupport` says tier 0), so whatever these functions get is none.
fn no_tiled_resource() -> windows_core::Result<()> {
    Err(error(E_INVALIDARG))
}

impl<C: Kind> ID3D11DeviceContext2_Impl for Com<C> {
    fn UpdateTileMappings(
        &self,
        _resource: Ref<ID3D11Resource>,
        _regions: u32,
        _starts: *const D3D11_TILED_RESOURCE_COORDINATE,
        _sizes: *const D3D11_TILE_REGION_SIZE,
        _pool: Ref<ID3D11Buffer>,
        _ranges: u32,
        _range_flags: *const u32,
        _range_starts: *const u32,
        _range_counts: *const u32,
        _flags: u32,
    ) -> windows_core::Result<()> {
        no_tiled_resource()
    }

    fn CopyTileMappings(
        &self,
        _to: Ref<ID3D11Resource>,
        _to_start: *const D3D11_TILED_RESOURCE_COORDINATE,
        _from: Ref<ID3D11Resource>,
        _from_start: *const D3D11_TILED_RESOURCE_COORDINATE,
        _size: *const D3D11_TILE_REGION_SIZE,
        _flags: u32,
    ) -> windows_core::Result<()> {
        no_tiled_resource()
    }

    fn CopyTiles(
        &self,
        _resource: Ref<ID3D11Resource>,
        _start: *const D3D11_TILED_RESOURCE_COORDINATE,
        _size: *const D3D11_TILE_REGION_SIZE,
        _buffer: Ref<ID3D11Buffer>,
        _offset: u64,
        _flags: u32,
    ) {
    }

    fn UpdateTiles(
        &self,
        _resource: Ref<ID3D11Resource>,
        _start: *const D3D11_TILED_RESOURCE_COORDINATE,
        _size: *const D3D11_TILE_REGION_SIZE,
        _data: *const c_void,
        _flags: u32,
    ) {
    }

    fn ResizeTilePool(&self, _pool: Ref<ID3D11Buffer>, _bytes: u64) -> windows_core::Result<()> {
        no_tiled_resource()
    }

    fn TiledResourceBarrier(&self, _before: Ref<ID3D11DeviceChild>, _after: Ref<ID3D11DeviceChild>) {}

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
