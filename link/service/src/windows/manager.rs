//! The service manager: makes the program a service, and no longer one.
#![expect(unsafe_code, reason = "the service manager's functions are C interfaces")]

use std::time::{Duration, Instant};

use pvgpu_inf::package::{LINK_SERVICE, LINK_TITLE};
use windows::Win32::Foundation::{
    ERROR_SERVICE_ALREADY_RUNNING, ERROR_SERVICE_DOES_NOT_EXIST, ERROR_SERVICE_NOT_ACTIVE,
};
use windows::Win32::System::Services::{
    ChangeServiceConfig2W, CloseServiceHandle, ControlService, CreateServiceW, DeleteService, OpenSCManagerW,
    OpenServiceW, QueryServiceStatus, SC_ACTION, SC_ACTION_RESTART, SC_HANDLE, SC_MANAGER_CONNECT,
    SC_MANAGER_CREATE_SERVICE, SERVICE_ALL_ACCESS, SERVICE_AUTO_START, SERVICE_CHANGE_CONFIG,
    SERVICE_CONFIG_FAILURE_ACTIONS, SERVICE_CONTROL_STOP, SERVICE_ERROR_NORMAL, SERVICE_FAILURE_ACTIONSW,
    SERVICE_START, SERVICE_STATUS, SERVICE_STOPPED, SERVICE_WIN32_OWN_PROCESS, StartServiceW,
};
use windows_core::{Error, HSTRING, PCWSTR, PWSTR};

use super::registry;

/// Pauses before the manager starts a service that has crashed, in milliseconds: the first and the second time, and later ones.
const RESTART_MS: [u32; 3] = [1_000, 1_000, 10_000];
/// After so many seconds without a crash it counts anew.
const FORGIVEN_S: u32 = 600;
/// How long a service may take to end.
const END: Duration = Duration::from_secs(20);

/// A handle of the service manager's.
struct Handle(SC_HANDLE);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: The handle is open and ours. There is nobody to tell of a failure.
        let _ = unsafe { CloseServiceHandle(self.0) };
    }
}

fn manager(access: u32) -> Result<Handle, Error> {
    // SAFETY: This machine, its active database.
    unsafe { OpenSCManagerW(PCWSTR::null(), PCWSTR::null(), access) }.map(Handle)
}

/// Opens the service, if there is one.
fn open(manager: &Handle, access: u32) -> Result<Option<Handle>, Error> {
    // SAFETY: The manager is open.
    match unsafe { OpenServiceW(manager.0, &HSTRING::from(LINK_SERVICE), access) } {
        Ok(service) => Ok(Some(Handle(service))),
        Err(error) if error.code() == ERROR_SERVICE_DOES_NOT_EXIST.to_hresult() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes this program a service that starts with Windows, unless it is one, notes the link, and starts it anew. Gives what was done.
///
/// # Errors
/// Windows'; most likely that the console is not an administrator's.
pub fn install(link: Option<&str>, trust_link: bool) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let mut done = Vec::new();
    let manager = manager(SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE)?;
    let service = match open(&manager, SERVICE_ALL_ACCESS)? {
        Some(service) => {
            done.push(format!("the service {LINK_SERVICE} is there"));
            service
        }
        None => {
            let service = create(&manager)?;
            done.push(format!("the service {LINK_SERVICE} is made; it starts with Windows"));
            service
        }
    };
    set_restart(&service)?;
    if let Some(link) = link {
        registry::note(link, trust_link)?;
        done.push(format!("its link is {link}"));
    }
    stop(&service)?;
    // SAFETY: The service is open.
    match unsafe { StartServiceW(service.0, None) } {
        Err(error) if error.code() != ERROR_SERVICE_ALREADY_RUNNING.to_hresult() => return Err(error.into()),
        Ok(()) | Err(_) => {
            done.push("it is started; the event log has what it says (Application)".to_owned())
        }
    }
    Ok(done)
}

fn create(manager: &Handle) -> Result<Handle, Box<dyn std::error::Error>> {
    // A path with a space would be cut there.
    let program = HSTRING::from(format!("\"{}\"", std::env::current_exe()?.display()));
    // SAFETY: The manager is open, and the texts live through the call. Without an account it runs as the system.
    let service = unsafe {
        CreateServiceW(
            manager.0,
            &HSTRING::from(LINK_SERVICE),
            &HSTRING::from(LINK_TITLE),
            SERVICE_ALL_ACCESS,
            SERVICE_WIN32_OWN_PROCESS,
            SERVICE_AUTO_START,
            SERVICE_ERROR_NORMAL,
            &program,
            PCWSTR::null(),
            None,
            PCWSTR::null(),
            PCWSTR::null(),
            PCWSTR::null(),
        )
    };
    Ok(Handle(service?))
}

/// Has the manager start the service again after a crash.
///
/// # Errors
/// Windows'.
pub fn restart_after_a_crash() -> Result<(), Error> {
    let manager = manager(SC_MANAGER_CONNECT)?;
    match open(&manager, SERVICE_CHANGE_CONFIG | SERVICE_START)? {
        Some(service) => set_restart(&service),
        None => Ok(()),
    }
}

fn set_restart(service: &Handle) -> Result<(), Error> {
    let mut actions = RESTART_MS.map(|delay| SC_ACTION { Type: SC_ACTION_RESTART, Delay: delay });
    let failures = SERVICE_FAILURE_ACTIONSW {
        dwResetPeriod: FORGIVEN_S,
        lpRebootMsg: PWSTR::null(),
        lpCommand: PWSTR::null(),
        // CAST: three.
        cActions: actions.len() as u32,
        lpsaActions: actions.as_mut_ptr(),
    };
    let info: *const SERVICE_FAILURE_ACTIONSW = &raw const failures;
    // SAFETY: The service is open, and the struct with its actions lives through the call.
    unsafe { ChangeServiceConfig2W(service.0, SERVICE_CONFIG_FAILURE_ACTIONS, Some(info.cast())) }
}

/// Ends the service, if it runs; tells whether it did.
fn stop(service: &Handle) -> Result<bool, Error> {
    let mut status = SERVICE_STATUS::default();
    // SAFETY: The service is open, and the struct lives through the call.
    match unsafe { ControlService(service.0, SERVICE_CONTROL_STOP, &mut status) } {
        Err(error) if error.code() == ERROR_SERVICE_NOT_ACTIVE.to_hresult() => return Ok(false),
        Err(error) => return Err(error),
        Ok(()) => {}
    }
    let until = Instant::now() + END;
    while status.dwCurrentState != SERVICE_STOPPED && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100));
        // SAFETY: As above.
        unsafe { QueryServiceStatus(service.0, &mut status) }?;
    }
    Ok(true)
}

/// Ends the service and removes it. Gives what was done.
///
/// # Errors
/// Windows'.
pub fn uninstall() -> Result<Vec<String>, Error> {
    let manager = manager(SC_MANAGER_CONNECT)?;
    let Some(service) = open(&manager, SERVICE_ALL_ACCESS)? else {
        return Ok(vec![format!("there is no service {LINK_SERVICE}")]);
    };
    let mut done = Vec::new();
    if stop(&service)? {
        done.push(format!("the service {LINK_SERVICE} is ended"));
    }
    // SAFETY: The service is open.
    unsafe { DeleteService(service.0) }?;
    done.push(format!("the service {LINK_SERVICE} is removed"));
    Ok(done)
}
