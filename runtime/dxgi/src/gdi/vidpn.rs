//! Exclusive ownership of a monitor, which dxgkrnl (or Wine's stand-in for it) keeps for all processes.
//!
//! Source: the pages of `D3DKMTSetVidPnSourceOwner` and of the functions around it (d3dkmthk.h).

#![expect(unsafe_code, reason = "Win32 has no safe interface")]

use std::ffi::c_void;

use windows::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_core::{PCSTR, s, w};

/// `D3DKMT_VIDPNSOURCEOWNER_EXCLUSIVE`.
const EXCLUSIVE: u32 = 2;

/// `D3DKMT_OPENADAPTERFROMGDIDISPLAYNAME`.
#[repr(C)]
struct OpenAdapter {
    device_name: [u16; 32],
    adapter: u32,
    luid: [u32; 2],
    source: u32,
}
const _: () = assert!(size_of::<OpenAdapter>() == 80);

/// `D3DKMT_CREATEDEVICE`.
#[repr(C)]
struct CreateDevice {
    adapter: u64,
    flags: u32,
    device: u32,
    command_buffer: *mut c_void,
    command_buffer_size: u32,
    allocation_list: *mut c_void,
    allocation_list_size: u32,
    patch_location_list: *mut c_void,
    patch_location_list_size: u32,
}
const _: () = assert!(size_of::<CreateDevice>() == 64);

/// `D3DKMT_SETVIDPNSOURCEOWNER`.
#[repr(C)]
struct SetOwner {
    device: u32,
    types: *const u32,
    sources: *const u32,
    count: u32,
}
const _: () = assert!(size_of::<SetOwner>() == 32);

/// Calls a D3DKMT function of gdi32.dll; false where it does not exist or refuses.
fn call<T>(name: PCSTR, argument: &mut T) -> bool {
    type Function = unsafe extern "system" fn(*mut c_void) -> i32;
    // SAFETY: the name is a constant; gdi32.dll stays loaded, because this library imports it.
    let Ok(module) = (unsafe { GetModuleHandleW(w!("gdi32.dll")) }) else { return false };
    // SAFETY: the module is loaded and the name is zero-terminated.
    let Some(function) = (unsafe { GetProcAddress(module, name) }) else { return false };
    // SAFETY: all D3DKMT functions have this type.
    let function = unsafe { std::mem::transmute::<unsafe extern "system" fn() -> isize, Function>(function) };
    // SAFETY: each caller passes the structure that the function of this name takes.
    unsafe { function((&raw mut *argument).cast()) >= 0 }
}

/// A monitor that belongs to this process alone; given back when dropped.
pub struct Ownership {
    adapter: u32,
    device: u32,
}

impl Ownership {
    /// Takes the monitor of a display device; `None` if somebody else has it.
    pub fn take(device_name: &[u16; 32]) -> Option<Self> {
        let mut open = OpenAdapter { device_name: *device_name, adapter: 0, luid: [0; 2], source: 0 };
        if !call(s!("D3DKMTOpenAdapterFromGdiDisplayName"), &mut open) {
            return None;
        }
        let mut create = CreateDevice {
            adapter: open.adapter.into(),
            flags: 0,
            device: 0,
            command_buffer: std::ptr::null_mut(),
            command_buffer_size: 0,
            allocation_list: std::ptr::null_mut(),
            allocation_list_size: 0,
            patch_location_list: std::ptr::null_mut(),
            patch_location_list_size: 0,
        };
        if !call(s!("D3DKMTCreateDevice"), &mut create) {
            call(s!("D3DKMTCloseAdapter"), &mut open.adapter);
            return None;
        }
        let ownership = Self { adapter: open.adapter, device: create.device };
        let (kind, source) = (EXCLUSIVE, open.source);
        let mut owner = SetOwner {
            device: ownership.device,
            types: &raw const kind,
            sources: &raw const source,
            count: 1,
        };
        call(s!("D3DKMTSetVidPnSourceOwner"), &mut owner).then_some(ownership)
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        let nothing = std::ptr::null();
        let mut nobody = SetOwner { device: self.device, types: nothing, sources: nothing, count: 0 };
        call(s!("D3DKMTSetVidPnSourceOwner"), &mut nobody);
        call(s!("D3DKMTDestroyDevice"), &mut self.device);
        call(s!("D3DKMTCloseAdapter"), &mut self.adapter);
    }
}
