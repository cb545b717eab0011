//! `pvgpu-link.exe`: carries the aperture of the installed driver (`ROOT\PVGPU`) to a host on another machine.
//!
//! The loop is [`pvgpu_link`]'s; this program brings what it needs of Windows. In a console it runs until Ctrl-C; started by
//! the service manager it is a service; `--install` and `--uninstall` make it one and no longer one. Errors are one sentence on
//! stderr, or in the event log. Exit codes: 0 done, 1 it could not be done, 2 the command line is wrong.

#[cfg(any(windows, test))]
mod adapter;
#[cfg(any(windows, test))]
mod options;
#[cfg(any(windows, test))]
mod pair;
#[cfg(windows)]
mod windows;

use std::process::ExitCode;

#[cfg(windows)]
fn main() -> ExitCode {
    windows::main()
}

#[cfg(not(windows))]
fn main() -> ExitCode {
    eprintln!(
        "pvgpu-link: this is the link service of the Windows driver; on Linux the host's side is pvgpud"
    );
    ExitCode::from(1)
}
