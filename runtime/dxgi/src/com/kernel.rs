//! Finds our d3d11.dll and opens the adapter that it knows.

#![expect(unsafe_code, reason = "loads a library and calls its export")]

use std::ffi::{CString, c_void};

use pvgpu_interfaces::{
    INTERFACE_VERSION, IPvgpuKernelAdapter, OPEN_KERNEL_ADAPTER_EXPORT, PfnPvgpuOpenKernelAdapter,
};
use windows::Win32::Foundation::{E_FAIL, FARPROC, HMODULE};
use windows::Win32::Graphics::Dxgi::DXGI_ERROR_NOT_FOUND;
use windows::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleFileNameW,
    GetModuleHandleExW, GetProcAddress, LOAD_WITH_ALTERED_SEARCH_PATH, LoadLibraryExW,
};
use windows_core::{HSTRING, Interface, PCSTR, PCWSTR, Result, w};

/// The longest path of a module, in UTF-16 units.
const MAX_PATH_UNITS: usize = 32 * 1024;

/// Opens the adapter that the link leads to.
///
/// # Errors
/// `DXGI_ERROR_NOT_FOUND` when no host serves the link (d3d11.dll has said so) or when d3d11.dll is not ours.
pub fn open_adapter() -> Result<IPvgpuKernelAdapter> {
    let open = find_export().ok_or_else(|| {
        eprintln!("pvgpu: this dxgi.dll needs pvgpu's d3d11.dll, but another one is in its place: put both beside the program");
        DXGI_ERROR_NOT_FOUND
    })?;
    let mut adapter: *mut c_void = std::ptr::null_mut();
    // SAFETY: the interface id is a constant and `adapter` is valid for writing.
    unsafe { open(INTERFACE_VERSION, &IPvgpuKernelAdapter::IID, &mut adapter) }.ok()?;
    if adapter.is_null() {
        return Err(E_FAIL.into());
    }
    // SAFETY: on success, the export gave an interface of the type asked for, with a reference for us.
    Ok(unsafe { IPvgpuKernelAdapter::from_raw(adapter) })
}

/// The export of the d3d11.dll that the process has loaded; else of the one beside this DLL; else of the one Windows finds.
fn find_export() -> Option<PfnPvgpuOpenKernelAdapter> {
    let beside = || beside_this_library("d3d11.dll").and_then(|path| load(&path));
    let export = loaded()
        .and_then(export_of)
        .or_else(|| beside().and_then(export_of))
        .or_else(|| load(&HSTRING::from("d3d11.dll")).and_then(export_of))?;
    // SAFETY: this name is exported by our d3d11.dll only, with this type; the version argument guards its contract.
    Some(unsafe {
        std::mem::transmute::<unsafe extern "system" fn() -> isize, PfnPvgpuOpenKernelAdapter>(export)
    })
}

fn export_of(module: HMODULE) -> FARPROC {
    let name = CString::new(OPEN_KERNEL_ADAPTER_EXPORT).ok()?;
    // SAFETY: the module is loaded and the name is zero-terminated.
    unsafe { GetProcAddress(module, PCSTR(name.as_ptr().cast())) }
}

fn loaded() -> Option<HMODULE> {
    let mut module = HMODULE::default();
    // SAFETY: the name is a constant. The count is raised: a device that uses the library keeps it loaded anyway.
    unsafe { GetModuleHandleExW(0, w!("d3d11.dll"), &mut module) }.ok()?;
    Some(module)
}

fn load(path: &HSTRING) -> Option<HMODULE> {
    let flags =
        if path.contains(&u16::from(b'\\')) { LOAD_WITH_ALTERED_SEARCH_PATH } else { Default::default() };
    // SAFETY: the path is zero-terminated. Loading runs the code of a library that is installed together with this one.
    unsafe { LoadLibraryExW(path, None, flags) }.ok()
}

fn beside_this_library(name: &str) -> Option<HSTRING> {
    let mut path = vec![0_u16; MAX_PATH_UNITS];
    // SAFETY: the module is this library, which is loaded.
    let length = unsafe { GetModuleFileNameW(Some(pin()?), &mut path) };
    path.truncate(usize::try_from(length).ok()?);
    let folder = path.iter().rposition(|&unit| unit == u16::from(b'\\'))?;
    path.truncate(folder + 1);
    path.extend(name.encode_utf16());
    Some(HSTRING::from_wide(&path))
}

/// Keeps this library loaded until the process ends: its threads and its present sink must never lose their code.
pub fn pin() -> Option<HMODULE> {
    let mut module = HMODULE::default();
    let address = pin as fn() -> Option<HMODULE> as *const u16;
    // SAFETY: with this flag the "name" is an address inside the module that is meant.
    unsafe {
        GetModuleHandleExW(
            GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
            PCWSTR(address),
            &mut module,
        )
    }
    .ok()?;
    Some(module)
}
