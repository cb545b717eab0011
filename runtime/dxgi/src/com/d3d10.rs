//! What d3d10core.dll asks of dxgi.dll: the device of Direct3D 10, which our d3d11.dll makes.
//!
//! Microsoft does not document these exports; the signatures are those that Wine's d3d10core.dll expects.

#![expect(unsafe_code, reason = "exports are raw COM functions")]

use std::ffi::c_void;

use windows::Win32::Foundation::{E_FAIL, HMODULE};
use windows::Win32::System::LibraryLoader::GetProcAddress;
use windows_core::{HRESULT, s};

/// `D3D11CoreCreateDevice` of our d3d11.dll.
type CreateDevice =
    unsafe extern "system" fn(*mut c_void, *mut c_void, u32, *const i32, u32, *mut *mut c_void) -> HRESULT;

/// Export: makes a device that serves Direct3D 10 and 11.
///
/// # Safety
/// `d3d11` is a loaded d3d11.dll; the interfaces and `device` are null or valid, `levels` has `level_count` entries.
#[unsafe(no_mangle)]
unsafe extern "system" fn DXGID3D10CreateDevice(
    d3d11: HMODULE,
    factory: *mut c_void,
    adapter: *mut c_void,
    flags: u32,
    levels: *const i32,
    level_count: u32,
    device: *mut *mut c_void,
) -> HRESULT {
    // SAFETY: the module is loaded and the name is zero-terminated.
    let Some(entry) = (unsafe { GetProcAddress(d3d11, s!("D3D11CoreCreateDevice")) }) else { return E_FAIL };
    // SAFETY: the export of that name has this type.
    let create: CreateDevice = unsafe { std::mem::transmute(entry) };
    // SAFETY: the caller's promise.
    unsafe { create(factory, adapter, flags, levels, level_count, device) }
}

/// Export: d3d10core.dll registers its layers here, of which our runtime has none.
///
/// # Safety
/// Nothing is read.
#[unsafe(no_mangle)]
unsafe extern "system" fn DXGID3D10RegisterLayers(_layers: *const c_void, _count: u32) -> HRESULT {
    windows::Win32::Foundation::S_OK
}
