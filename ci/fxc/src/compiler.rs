//! The one call into `d3dcompiler_47.dll`.

#![expect(unsafe_code, reason = "a C function is looked up and called by hand")]

use std::ffi::{CString, c_void};
use std::ptr;

use windows::Win32::Graphics::Direct3D::ID3DBlob;
use windows::Win32::System::LibraryLoader::{GetProcAddress, LoadLibraryW};
use windows::core::{HRESULT, Interface, PCSTR, s, w};

/// `D3DCompile` as d3dcompiler.h declares it.
type D3dCompile = unsafe extern "system" fn(
    source: *const c_void,
    source_size: usize,
    source_name: PCSTR,
    defines: *const c_void,
    include: *mut c_void,
    entry: PCSTR,
    target: PCSTR,
    flags1: u32,
    flags2: u32,
    code: *mut *mut c_void,
    errors: *mut *mut c_void,
) -> HRESULT;

/// No `D3DCOMPILE_*` flags: the same defaults as of Microsoft's command-line compiler, optimisation level 1 among them.
const DEFAULT_FLAGS: u32 = 0;

/// Compiles `source` and returns the DXBC container.
///
/// # Errors
/// The compiler's messages, or why the compiler could not be loaded.
pub fn compile(source: &[u8], name: &str, profile: &str, entry: &str) -> Result<Vec<u8>, String> {
    let c_string = |text: &str| CString::new(text).map_err(|_| format!("\"{text}\" contains a zero byte"));
    let (name, profile, entry) = (c_string(name)?, c_string(profile)?, c_string(entry)?);
    // SAFETY: loading runs the DLL's start-up code; it is the compiler that the caller has put there.
    let library = unsafe { LoadLibraryW(w!("d3dcompiler_47.dll")) }
        .map_err(|error| format!("cannot load d3dcompiler_47.dll: {error}"))?;
    // SAFETY: the library stays loaded until the process ends.
    let address = unsafe { GetProcAddress(library, s!("D3DCompile")) };
    let address = address.ok_or("d3dcompiler_47.dll has no D3DCompile")?;
    // SAFETY: the export of this name has this signature (d3dcompiler.h).
    let d3d_compile: D3dCompile = unsafe { std::mem::transmute(address) };
    let (mut code, mut errors) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: all strings end with a zero byte, the source has the size given, and both out-pointers are locals.
    let result = unsafe {
        d3d_compile(
            source.as_ptr().cast(),
            source.len(),
            PCSTR(name.as_ptr().cast()),
            ptr::null(),
            ptr::null_mut(),
            PCSTR(entry.as_ptr().cast()),
            PCSTR(profile.as_ptr().cast()),
            DEFAULT_FLAGS,
            0,
            &mut code,
            &mut errors,
        )
    };
    // SAFETY: the function leaves null or a reference that the caller owns.
    let messages = unsafe { take_blob(errors) };
    // SAFETY: as above.
    let code = unsafe { take_blob(code) };
    match code {
        Some(code) if result.is_ok() => Ok(code),
        _ => Err(match messages {
            Some(text) => String::from_utf8_lossy(&text).trim_end_matches(['\0', '\n']).to_owned(),
            None => format!("D3DCompile failed with 0x{:08X} and no message", result.0),
        }),
    }
}

/// Copies a blob's bytes out and releases it; None for null.
///
/// # Safety
/// `blob` is null or an `ID3DBlob` reference that passes to this function.
unsafe fn take_blob(blob: *mut c_void) -> Option<Vec<u8>> {
    if blob.is_null() {
        return None;
    }
    // SAFETY: not null, and the reference is handed over by the caller.
    let blob = unsafe { ID3DBlob::from_raw(blob) };
    // SAFETY: the blob is live.
    let size = unsafe { blob.GetBufferSize() };
    // SAFETY: the blob is live.
    let start = unsafe { blob.GetBufferPointer() };
    // SAFETY: a blob owns `size` readable bytes that do not change while it lives.
    Some(unsafe { std::slice::from_raw_parts(start.cast::<u8>(), size) }.to_vec())
}
