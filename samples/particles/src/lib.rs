//! The `particles` sample: a compute shader moves particles, instanced squares show them, and the CPU checks the results.
//!
//! `particles.exe [--frames N] [--flip] [--recreate]`. Start reading at `scene`; [`simulation`] is the CPU's side of the
//! compute shader `shaders/step_cs.hlsl` and is tested on any machine. Exit code 1 if the two disagree.

#[cfg(windows)]
mod scene;
pub mod simulation;

#[cfg(windows)]
pub use scene::Particles;
