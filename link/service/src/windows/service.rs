//! The program as a service: what the service manager starts, asks and is told.
#![expect(unsafe_code, reason = "the service manager calls functions of ours")]

use std::sync::atomic::{AtomicPtr, Ordering};

use pvgpu_inf::package::LINK_SERVICE;
use windows::Win32::Foundation::{ERROR_CALL_NOT_IMPLEMENTED, NO_ERROR};
use windows::Win32::System::Services::{
    RegisterServiceCtrlHandlerExW, SERVICE_ACCEPT_SHUTDOWN, SERVICE_ACCEPT_STOP, SERVICE_CONTROL_INTERROGATE,
    SERVICE_CONTROL_SHUTDOWN, SERVICE_CONTROL_STOP, SERVICE_RUNNING, SERVICE_STATUS,
    SERVICE_STATUS_CURRENT_STATE, SERVICE_STATUS_HANDLE, SERVICE_STOP_PENDING, SERVICE_STOPPED,
    SERVICE_TABLE_ENTRYW, SERVICE_WIN32_OWN_PROCESS, SetServiceStatus, StartServiceCtrlDispatcherW,
};
use windows_core::{HSTRING, PWSTR};

use super::event_log::EventLog;
use super::{STOP, manager};
use crate::options::{Command, Options};

/// ERROR_EXCEPTION_IN_SERVICE: what a service that ends by itself gives for its reason. The manager starts it again.
const ENDED_BY_ITSELF: u32 = 1064;
/// How long its end may take, in milliseconds: a try to connect takes 3 s, and the handshake 5 s.
const END_MS: u32 = 15_000;

/// The handle of the status, as the pointer that it is.
static STATUS: AtomicPtr<core::ffi::c_void> = AtomicPtr::new(std::ptr::null_mut());

/// Runs as a service until the service manager ends it; false at once when it was not the manager that started this program.
pub fn run() -> bool {
    let mut name: Vec<u16> = LINK_SERVICE.encode_utf16().chain([0]).collect();
    let table = [
        SERVICE_TABLE_ENTRYW { lpServiceName: PWSTR(name.as_mut_ptr()), lpServiceProc: Some(service_main) },
        SERVICE_TABLE_ENTRYW::default(),
    ];
    // SAFETY: The table ends with an empty entry, and it lives through the call, which returns when the service has ended.
    unsafe { StartServiceCtrlDispatcherW(table.as_ptr()) }.is_ok()
}

/// Whether this process is the service.
pub fn is_one() -> bool {
    !STATUS.load(Ordering::Acquire).is_null()
}

/// Called in a thread of the service manager's.
unsafe extern "system" fn service_main(_count: u32, _arguments: *mut PWSTR) {
    // SAFETY: The function lives as long as the program.
    let handle = unsafe { RegisterServiceCtrlHandlerExW(&HSTRING::from(LINK_SERVICE), Some(control), None) };
    let Ok(handle) = handle else { return };
    STATUS.store(handle.0, Ordering::Release);
    tell(SERVICE_RUNNING, NO_ERROR.0);
    let log = EventLog::open();
    // One that a driver package has installed says nothing of what happens when it crashes. It may go on without.
    let _ = manager::restart_after_a_crash();
    let options = Options { command: Command::Run, link: None, trust_link: false, thunks: None };
    let behaviour = pvgpu_link::Options { patient: true, ..pvgpu_link::Options::default() };
    let report = |event: &pvgpu_link::Event<'_>| log.write(&event.to_string(), event.is_trouble());
    let code = match super::carry(&options, behaviour, &report) {
        Ok(()) => NO_ERROR.0,
        Err(trouble) => {
            log.write(&trouble.to_string(), true);
            ENDED_BY_ITSELF
        }
    };
    tell(SERVICE_STOPPED, code);
}

/// What the service manager wants; in a thread of its own.
unsafe extern "system" fn control(
    control: u32,
    _kind: u32,
    _data: *mut core::ffi::c_void,
    _context: *mut core::ffi::c_void,
) -> u32 {
    match control {
        SERVICE_CONTROL_STOP | SERVICE_CONTROL_SHUTDOWN => {
            tell(SERVICE_STOP_PENDING, NO_ERROR.0);
            STOP.request();
            NO_ERROR.0
        }
        SERVICE_CONTROL_INTERROGATE => NO_ERROR.0,
        _ => ERROR_CALL_NOT_IMPLEMENTED.0,
    }
}

/// Tells the service manager how things are.
fn tell(state: SERVICE_STATUS_CURRENT_STATE, code: u32) {
    let running = state == SERVICE_RUNNING;
    let status = SERVICE_STATUS {
        dwServiceType: SERVICE_WIN32_OWN_PROCESS,
        dwCurrentState: state,
        dwControlsAccepted: if running { SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN } else { 0 },
        dwWin32ExitCode: code,
        dwServiceSpecificExitCode: 0,
        dwCheckPoint: 0,
        dwWaitHint: if state == SERVICE_STOP_PENDING { END_MS } else { 0 },
    };
    let handle = SERVICE_STATUS_HANDLE(STATUS.load(Ordering::Acquire));
    // SAFETY: The handle that the manager gave; it needs not be closed. A manager that does not listen cannot be helped.
    let _ = unsafe { SetServiceStatus(handle, &status) };
}
