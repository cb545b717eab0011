//! The DLL that `pvgpu-shots.exe` loads into a program: saves each presented frame and stops the program after N frames.
//!
//! `hook` finds and replaces Present; `capture` reads a back buffer; [`frames`] counts, saves and decides when to stop. The
//! rules are those of pvgpu's own runtime, so that runs can be compared: `PVGPU_FRAMES=N` asks the window to close after N
//! presents and ends the process if presents go on for 2 s; `PVGPU_SHOTS=DIR` saves `frame-00001.png` and so on.

#[cfg(windows)]
mod capture;
pub mod frames;
#[cfg(windows)]
mod hook;
