//! The end of a console: Ctrl-C, its window, the end of the session.
#![expect(unsafe_code, reason = "Windows calls a function of ours")]

use windows::Win32::System::Console::SetConsoleCtrlHandler;
use windows_core::{BOOL, Error};

use super::STOP;

/// From now on the console's end asks for the service's.
///
/// # Errors
/// Windows'.
pub fn stop_at_its_end() -> Result<(), Error> {
    // SAFETY: The function lives as long as the program.
    unsafe { SetConsoleCtrlHandler(Some(ends), true) }
}

/// Called in a thread of Windows' own.
unsafe extern "system" fn ends(_event: u32) -> BOOL {
    if STOP.is_requested() {
        // Whoever asks twice does not want to wait.
        return BOOL(0);
    }
    STOP.request();
    BOOL(1)
}
