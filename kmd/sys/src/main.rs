//! pvgpukmd.sys: the driver image around `pvgpu-kmd-wddm`.
//!
//! What a driver needs beside its entry points, and nothing else:
//!
//! - [`entry`]: DriverEntry; `displib`: how it registers with dxgkrnl;
//! - `imports`: the functions of ntoskrnl.exe; [`nt`]: the driver's `Nt` over them;
//! - `seh`: the two calls that may raise an exception; `pool`: memory for Rust's collections; `panic`: the end;
//! - `guard` and `runtime`: what a C runtime would bring: the tables for control-flow guard, stack probes, `memcpy`.
//!
//! Two builds make the same image: on Linux with our own import tables, and on a Windows host with the feature `wdk`, which
//! takes functions, memory and panics from windows-drivers-rs (see `wdk`). Everything lies in non-paged sections; INIT
//! holds what only DriverEntry runs and is given back when it returns. The image needs Windows 10 version 2004 or later: that
//! is where `ExAllocatePool2` comes from, and since when `KeQueryPerformanceCounter` is ntoskrnl.exe's own and not hal.dll's.
//!
//! # Invariants
//! - Imports come from ntoskrnl.exe only; `ci/loader` checks the list.
//! - No rule of the driver lives here: these files know NT and the linker, not pvgpu.
#![no_std]
#![no_main]

mod displib;
mod entry;
#[cfg(not(feature = "wdk"))]
mod guard;
#[cfg(not(feature = "wdk"))]
mod imports;
#[cfg(feature = "wdk")]
#[path = "wdk.rs"]
mod imports;
mod nt;
#[cfg(not(feature = "wdk"))]
mod panic;
mod pool;
mod runtime;
mod seh;
