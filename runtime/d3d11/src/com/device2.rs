//! `ID3D11Device2`, and the checks whose answer is written also when they fail.
//!
//! "COM's contract" in the SAFETY comments is that of `device_create`.

use core::ffi::c_void;

use windows::Win32::Graphics::Direct3D11::{
    D3D11_PACKED_MIP_DESC, D3D11_SUBRESOURCE_TILING, D3D11_TILE_SHAPE, ID3D11Device2_Impl,
    ID3D11Device2_Vtbl, ID3D11DeviceContext2, ID3D11Resource,
};
use windows::Win32::Graphics::Dxgi::Common::DXGI_FORMAT;
use windows_core::{HRESULT, OutRef, Ref};

use super::device::Device;
use super::device_create::Out;
use super::object::Com;
use crate::hresult::{E_FAIL, E_INVALIDARG, Result};

/// `D3D11_CHECK_MULTISAMPLE_QUALITY_LEVELS_TILED_RESOURCE`.
const TILED_RESOURCE: u32 = 1;

/// The device's table: that of `windows`, whose own methods leave an answer alone when they fail.
pub const VTABLE: ID3D11Device2_Vtbl = {
    let mut table = ID3D11Device2_Vtbl::new::<Com<Device>, 0>();
    table.base__.base__.CheckFormatSupport = check_format_support;
    table.base__.base__.CheckMultisampleQualityLevels = check_multisample_quality_levels;
    table.CheckMultisampleQualityLevels1 = check_multisample_quality_levels1;
    table
};

/// Writes an answer, 0 for none, and gives the code.
///
/// # Safety
/// `out` is valid.
unsafe fn answer(result: Result<u32>, out: *mut u32) -> HRESULT {
    // SAFETY: the caller's promise.
    unsafe { out.write(result.unwrap_or(0)) };
    HRESULT(result.err().map_or(0, |code| code.0))
}

unsafe extern "system" fn check_format_support(
    this: *mut c_void,
    format: DXGI_FORMAT,
    out: *mut u32,
) -> HRESULT {
    if out.is_null() {
        return HRESULT(E_INVALIDARG.0);
    }
    // SAFETY: COM's contract: the first chain's pointer is the object.
    let device = unsafe { &*this.cast::<Com<Device>>() };
    let support = device.format_support(format.0.cast_unsigned());
    let support = support.and_then(|(support, _)| if support == 0 { Err(E_FAIL) } else { Ok(support) });
    // SAFETY: COM's contract.
    unsafe { answer(support, out) }
}

unsafe extern "system" fn check_multisample_quality_levels(
    this: *mut c_void,
    format: DXGI_FORMAT,
    samples: u32,
    out: *mut u32,
) -> HRESULT {
    // SAFETY: passed on from the caller.
    unsafe { check_multisample_quality_levels1(this, format, samples, 0, out) }
}

unsafe extern "system" fn check_multisample_quality_levels1(
    this: *mut c_void,
    format: DXGI_FORMAT,
    samples: u32,
    flags: u32,
    out: *mut u32,
) -> HRESULT {
    if out.is_null() || flags & !TILED_RESOURCE != 0 {
        return HRESULT(E_INVALIDARG.0);
    }
    // SAFETY: COM's contract: the first chain's pointer is the object.
    let device = unsafe { &*this.cast::<Com<Device>>() };
    let levels = device.multisample_quality_levels(format.0.cast_unsigned(), samples);
    // There are no tiled resources, hence none with samples.
    let levels = levels.map(|levels| if flags & TILED_RESOURCE == 0 { levels } else { 0 });
    // SAFETY: COM's contract.
    unsafe { answer(levels, out) }
}

impl ID3D11Device2_Impl for Com<Device> {
    fn GetImmediateContext2(&self, context: OutRef<ID3D11DeviceContext2>) {
        self.put_context(Out::new(context));
    }

    fn CreateDeferredContext2(
        &self,
        flags: u32,
        context: OutRef<ID3D11DeviceContext2>,
    ) -> windows_core::Result<()> {
        self.create_deferred_context(flags, Out::new(context))
    }

    // `D3D11_FEATURE_DATA_D3D11_OPTIONS1` tells that there are no tiled resources, so none can be passed: of other resources
    // everything is 0.
    fn GetResourceTiling(
        &self,
        _resource: Ref<ID3D11Resource>,
        tiles: *mut u32,
        packed: *mut D3D11_PACKED_MIP_DESC,
        shape: *mut D3D11_TILE_SHAPE,
        subresources: *mut u32,
        _first: u32,
        _tilings: *mut D3D11_SUBRESOURCE_TILING,
    ) {
        /// # Safety
        /// `out` is null or valid.
        unsafe fn clear<T: Default>(out: *mut T) {
            if !out.is_null() {
                // SAFETY: the caller's promise.
                unsafe { out.write(T::default()) };
            }
        }
        // SAFETY: COM's contract.
        unsafe { clear(tiles) };
        // SAFETY: COM's contract.
        unsafe { clear(packed) };
        // SAFETY: COM's contract.
        unsafe { clear(shape) };
        // SAFETY: COM's contract.
        unsafe { clear(subresources) };
    }

    fn CheckMultisampleQualityLevels1(
        &self,
        format: DXGI_FORMAT,
        samples: u32,
        flags: u32,
    ) -> windows_core::Result<u32> {
        let mut levels = 0;
        let this = core::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: the object is alive, and the out-pointer is a local's.
        let code = unsafe { check_multisample_quality_levels1(this, format, samples, flags, &mut levels) };
        code.ok().map(|()| levels)
    }
}
