//! The private COM interfaces between our dxgi.dll and our d3d11.dll.
//!
//! Windows' own pair of DLLs share such interfaces too. Ours split the work like this: d3d11.dll owns the kernel model and the
//! user-mode driver, so it opens the adapter, makes back buffers and presents them; dxgi.dll owns factories, outputs, swap
//! chains and windows.
//!
//! ```text
//!  dxgi.dll ── LoadLibrary("d3d11.dll") → PvgpuOpenKernelAdapter ──► IPvgpuKernelAdapter   (an adapter's description)
//!  dxgi.dll ── QueryInterface of the ID3D11Device ────────────────► IPvgpuDxgiDevice      (back buffers, Present)
//!  d3d11.dll ─ QueryInterface of the IDXGIAdapter ────────────────► IPvgpuDxgiAdapter     (which kernel adapter)
//!  d3d11.dll ─ from the kernel model's thread ────────────────────► IPvgpuPresentSink     (a frame is complete)
//! ```
//!
//! # Invariants
//! - Methods return a plain `HRESULT`; out pointers are written only on success, except that COM out pointers are nulled.
//! - The interfaces may change in any version: both DLLs are always installed together. [`INTERFACE_VERSION`] is checked.
#![cfg(windows)]
#![expect(non_snake_case, reason = "COM methods keep COM's names")]
#![expect(
    missing_docs,
    reason = "the macro adds traits and methods without the documentation of what they come from"
)]

mod adapter;
mod device;
mod frame;

pub use adapter::*;
pub use device::*;
pub use frame::*;

/// Changes whenever an interface here does; [`PfnPvgpuOpenKernelAdapter`] refuses any other.
pub const INTERFACE_VERSION: u32 = 2;
