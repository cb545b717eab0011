//! Direct3D 11 for programs on machines without the driver: what `dll/` makes a `d3d11.dll` of, to put beside the program.
//!
//! It does what Microsoft's runtime does between the application and a user-mode driver: COM objects, validation, reference
//! counting, state tracking. Below it is the driver's DDI, exactly as on Windows; the kernel's part of the DDI is answered
//! by `pvgpu-dxgkrnl` in the same process.
//!
//! - `desc`, `format`, `feature`, `level`, `map`, `signature`, `private_data`: rules of Direct3D 11 as safe functions over
//!   plain values, tested on every platform.
//! - `com` (Windows only): the COM objects and the exports; the one place with unsafe code.

#![cfg_attr(
    all(test, not(windows)),
    expect(dead_code, reason = "the COM objects, which use the rules, are for Windows only")
)]

#[cfg(windows)]
mod com;
#[cfg(any(windows, test))]
mod desc;
#[cfg(any(windows, test))]
mod feature;
#[cfg(any(windows, test))]
mod format;
#[cfg(any(windows, test))]
mod hresult;
#[cfg(any(windows, test))]
mod level;
#[cfg(any(windows, test))]
mod map;
#[cfg(any(windows, test))]
mod private_data;
#[cfg(any(windows, test))]
mod signature;
