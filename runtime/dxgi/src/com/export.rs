//! The functions that dxgi.dll exports.

#![expect(unsafe_code, reason = "exports are raw COM functions")]

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};

use windows::Win32::Foundation::{E_NOINTERFACE, E_POINTER, S_OK};
use windows::Win32::Graphics::Dxgi::{DXGI_ERROR_ALREADY_EXISTS, DXGI_ERROR_INVALID_CALL};
use windows_core::{GUID, HRESULT, Interface};

use super::factory::Factory;
use super::kernel;

/// `DXGI_CREATE_FACTORY_DEBUG`: everything else is refused.
const CREATE_FACTORY_DEBUG: u32 = 1;

/// Interface `riid` of a new factory.
///
/// # Safety
/// As for [`CreateDXGIFactory`].
unsafe fn create(flags: u32, first: bool, riid: *const GUID, factory: *mut *mut c_void) -> HRESULT {
    if riid.is_null() || factory.is_null() {
        return E_POINTER;
    }
    // SAFETY: the caller passes a valid out-pointer.
    unsafe { factory.write(std::ptr::null_mut()) };
    if flags & !CREATE_FACTORY_DEBUG != 0 {
        return DXGI_ERROR_INVALID_CALL;
    }
    kernel::pin();
    let object = Factory::open(flags, first);
    // SAFETY: the caller passes a valid interface id and out-pointer.
    unsafe { object.query(riid, factory) }
}

/// Makes a factory of any version.
///
/// # Safety
/// As for [`CreateDXGIFactory`].
#[unsafe(no_mangle)]
unsafe extern "system" fn CreateDXGIFactory2(
    flags: u32,
    riid: *const GUID,
    factory: *mut *mut c_void,
) -> HRESULT {
    // SAFETY: the same contract.
    unsafe { create(flags, false, riid, factory) }
}

/// Makes a factory that is no `IDXGIFactory1`.
///
/// # Safety
/// `riid` is null or an interface id, `factory` is null or valid for writing a pointer.
#[unsafe(no_mangle)]
unsafe extern "system" fn CreateDXGIFactory(riid: *const GUID, factory: *mut *mut c_void) -> HRESULT {
    // SAFETY: the same contract.
    unsafe { create(0, true, riid, factory) }
}

/// Makes a factory.
///
/// # Safety
/// As for [`CreateDXGIFactory`].
#[unsafe(no_mangle)]
unsafe extern "system" fn CreateDXGIFactory1(riid: *const GUID, factory: *mut *mut c_void) -> HRESULT {
    // SAFETY: the same contract.
    unsafe { create(0, false, riid, factory) }
}

/// The debug layer, which is part of the Windows SDK and not of this library.
///
/// # Safety
/// `debug` is null or valid for writing a pointer.
#[unsafe(no_mangle)]
unsafe extern "system" fn DXGIGetDebugInterface1(
    _flags: u32,
    _riid: *const GUID,
    debug: *mut *mut c_void,
) -> HRESULT {
    if !debug.is_null() {
        // SAFETY: the caller passes a valid out-pointer.
        unsafe { debug.write(std::ptr::null_mut()) };
    }
    E_NOINTERFACE
}

/// Says that the process survives the loss of an adapter, which every process here must.
#[unsafe(no_mangle)]
extern "system" fn DXGIDeclareAdapterRemovalSupport() -> HRESULT {
    static DECLARED: AtomicBool = AtomicBool::new(false);
    if DECLARED.swap(true, Ordering::Relaxed) { DXGI_ERROR_ALREADY_EXISTS } else { S_OK }
}
