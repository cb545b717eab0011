//! The end of an aperture that is still used: the driver unmaps it when its adapter is stopped, and asks nobody.
//!
//! What the mirror touches next is an access violation. Nothing of a link can go on then, so the program ends, with a sentence; a
//! service is started again by the service manager.
#![expect(unsafe_code, reason = "Windows calls a function of ours with pointers")]

use std::sync::atomic::{AtomicUsize, Ordering};

use windows::Win32::Foundation::EXCEPTION_ACCESS_VIOLATION;
use windows::Win32::System::Diagnostics::Debug::{
    AddVectoredExceptionHandler, EXCEPTION_CONTINUE_SEARCH, EXCEPTION_POINTERS,
};
use windows::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};

/// Where the aperture is that the driver has mapped, and where it ends; both 0 for none.
static START: AtomicUsize = AtomicUsize::new(0);
static END: AtomicUsize = AtomicUsize::new(0);

/// What is said at the end.
const LAST_WORDS: &str = "the driver has taken its aperture back, as it does when the adapter is stopped, disabled or updated; start this again when it is there";

/// From now on such an access ends the program.
pub fn watch() {
    // SAFETY: The function lives as long as the program. Without it the program ends as well, and nobody is told why.
    unsafe { AddVectoredExceptionHandler(1, Some(handler)) };
}

/// The driver has mapped its aperture, or (with 0 bytes) it is not used any more.
pub fn aperture(address: u64, bytes: u64) {
    let start = usize::try_from(address).unwrap_or(0);
    END.store(0, Ordering::Release);
    START.store(start, Ordering::Release);
    END.store(start.saturating_add(usize::try_from(bytes).unwrap_or(0)), Ordering::Release);
}

/// Called for each exception of the process, in its thread.
unsafe extern "system" fn handler(exception: *mut EXCEPTION_POINTERS) -> i32 {
    // SAFETY: Windows passes a struct that lives through the call.
    let record = unsafe { exception.as_ref() }.map_or(std::ptr::null_mut(), |both| both.ExceptionRecord);
    // SAFETY: As above.
    let Some(record) = (unsafe { record.as_ref() }) else { return EXCEPTION_CONTINUE_SEARCH };
    // "EXCEPTION_RECORD": of an access violation the second parameter is the address.
    let [_, address, ..] = record.ExceptionInformation;
    let inside = (START.load(Ordering::Acquire)..END.load(Ordering::Acquire)).contains(&address);
    if record.ExceptionCode != EXCEPTION_ACCESS_VIOLATION || record.NumberParameters < 2 || !inside {
        return EXCEPTION_CONTINUE_SEARCH;
    }
    super::last_words(LAST_WORDS);
    // SAFETY: No argument; the handle is not to be closed.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: This process. It does not return; if it does, the access ends the process.
    let _ = unsafe { TerminateProcess(process, 1) };
    EXCEPTION_CONTINUE_SEARCH
}
