//! The privilege that the driver wants of its link service. Administrators and the system have it, but not switched on.
#![expect(unsafe_code, reason = "tokens are handles")]

use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};

use windows::Win32::Foundation::{HANDLE, LUID};
use windows::Win32::Security::{
    AdjustTokenPrivileges, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW, SE_LOAD_DRIVER_NAME,
    SE_PRIVILEGE_ENABLED, TOKEN_ADJUST_PRIVILEGES, TOKEN_PRIVILEGES,
};
use windows::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};
use windows_core::PCWSTR;

/// Switches `SeLoadDriverPrivilege` on, if this process has it.
pub fn enable_load_driver() {
    let mut luid = LUID::default();
    // SAFETY: The place lives through the call.
    if unsafe { LookupPrivilegeValueW(PCWSTR::null(), SE_LOAD_DRIVER_NAME, &mut luid) }.is_err() {
        return;
    }
    // SAFETY: No argument; the handle is not to be closed.
    let process = unsafe { GetCurrentProcess() };
    let mut token = HANDLE::default();
    // SAFETY: The place lives through the call.
    if unsafe { OpenProcessToken(process, TOKEN_ADJUST_PRIVILEGES, &mut token) }.is_err() {
        return;
    }
    // SAFETY: A fresh handle that nobody else has.
    let token = unsafe { OwnedHandle::from_raw_handle(token.0) };
    let wanted = TOKEN_PRIVILEGES {
        PrivilegeCount: 1,
        Privileges: [LUID_AND_ATTRIBUTES { Luid: luid, Attributes: SE_PRIVILEGE_ENABLED }],
    };
    // SAFETY: The struct lives through the call and has the one privilege that it says. Whether it was there, the driver tells.
    let _ =
        unsafe { AdjustTokenPrivileges(HANDLE(token.as_raw_handle()), false, Some(&wanted), 0, None, None) };
}
