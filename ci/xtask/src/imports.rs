//! What our Windows files are linked with: nothing that a Windows, or the Wine that tests them, may lack.

use std::fs;

use goblin::pe::PE;

use crate::{Error, Result, paths};

/// For the kernel-mode driver.
pub(crate) const KERNEL: &[&str] = &["ntoskrnl.exe"];
/// For user-mode code of the driver package, which runs on Windows alone; all are in System32 since Windows 10.
pub(crate) const WINDOWS: &[&str] = &[
    "advapi32.dll",
    "bcrypt.dll",
    "bcryptprimitives.dll",
    "cfgmgr32.dll",
    "iphlpapi.dll",
    "kernel32.dll",
    "msvcrt.dll",
    "newdev.dll",
    "ntdll.dll",
    "oleaut32.dll",
    "setupapi.dll",
    "userenv.dll",
    "ws2_32.dll",
];
/// For the DLLs of the Direct3D runtime, which Wine loads as well. Its version 8 has no bcryptprimitives.dll, which std
/// needs as soon as somebody makes a hash map with random keys.
const RUNTIME: &[&str] = &[
    "advapi32.dll",
    "bcrypt.dll",
    "combase.dll",
    "gdi32.dll",
    "iphlpapi.dll",
    "kernel32.dll",
    "msvcrt.dll",
    "ntdll.dll",
    "oleaut32.dll",
    "user32.dll",
    "ws2_32.dll",
];

/// Refuses a file that is linked with anything else.
///
/// # Errors
/// The first library that is not allowed.
pub(crate) fn check(pe: &PE<'_>, name: &str, allowed: &[&str]) -> Result<()> {
    for library in &pe.libraries {
        let library = library.to_ascii_lowercase();
        // The sets of names that stand for parts of kernel32.dll and its like.
        let is_set = library.starts_with("api-ms-win-core-") && allowed != KERNEL;
        if !is_set && !allowed.contains(&library.as_str()) {
            return Err(Error::Failed(format!(
                "{name}: it needs {library}, which is not part of every Windows that it is for"
            )));
        }
    }
    Ok(())
}

/// Checks the Direct3D runtime that was just built.
///
/// # Errors
/// As of [`check`].
pub(crate) fn check_runtime() -> Result<()> {
    for name in ["d3d11.dll", "dxgi.dll"] {
        let path = paths::windows_file(name);
        let content = fs::read(&path).map_err(Error::io("read", &path))?;
        let pe = PE::parse(&content).map_err(|error| Error::Failed(format!("{name}: {error}")))?;
        check(&pe, name, RUNTIME)?;
    }
    Ok(())
}
