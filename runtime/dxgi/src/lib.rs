//! DXGI for programs on machines without the driver: a `dxgi.dll` to put beside the program.
//!
//! It owns what has to do with windows and monitors: factories, adapters, outputs and swap chains. Devices, back buffers and
//! their presents belong to our d3d11.dll, reached through the private interfaces of `pvgpu-interfaces`.
//!
//! ```text
//!  program ── Present ──► com::swap_chain ── IPvgpuDxgiDevice::Present ──► d3d11.dll → … → host
//!                             │ what it presented                                           │ the frame, in shared memory
//!                             ▼                                                             ▼
//!                        present::queue ◄──────────────── com::sink (IPvgpuPresentSink::FrameReady)
//!                             │ frames in order
//!                             ▼
//!                        com::presenter, one thread per swap chain ──► GDI, PNG files
//! ```
//!
//! - `rules`: what DXGI allows and computes, as safe functions over plain values, tested on every platform.
//! - `present`: the frames between Present and the window: queue, pacing, pictures, counting. Safe, tested everywhere.
//! - `com` and `gdi` (Windows only): the COM objects and the calls to Win32; the only places with unsafe code.
//!
//! Three environment variables serve tests and tools: `PVGPU_FRAMES`, `PVGPU_SHOTS` and `PVGPU_STATS`; see `present::run`.

#[cfg(windows)]
mod com;
#[cfg(windows)]
mod gdi;
pub mod present;
pub mod rules;
