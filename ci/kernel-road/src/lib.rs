//! Our d3d11.dll with the driver's image in place of the linked driver: the file pvgpukmd.sys renders for a program under Wine.
//!
//! Everything of `pvgpu-d3d11` is here, exports included; `cargo xtask run --kernel` installs the DLL as d3d11.dll. The one
//! difference: before the first adapter is opened, the model of dxgkrnl is given an image to load, the file that the environment variable
//! `PVGPU_DRIVER_IMAGE` names. Without that file no adapter opens, so nothing that renders here renders on the linked
//! driver.
//!
//! The same DLL exports the D3DKMT entry points with which pvgpu-ctl.exe asks a driver (`thunks`), so that it asks the image; and with
//! which pvgpu-link.exe carries an adapter that has no link of its own (`installed`).

// Its exports are this DLL's.
use pvgpu_d3d11 as _;

#[cfg(windows)]
mod image;
#[cfg(windows)]
mod installed;
#[cfg(windows)]
mod thunks;
