//! The `cube` sample: textured, lit, mip-mapped cubes over a floor, in a window that is resized half-way.
//!
//! `cube.exe [--frames N] [--flip] [--recreate]`. Start reading at `scene`: it makes the pipeline and draws a frame.
//! [`mesh`], [`texture`] and [`matrix`] compute what goes in, without any Direct3D, and are tested on any machine.

pub mod matrix;
pub mod mesh;
#[cfg(windows)]
mod scene;
pub mod texture;

#[cfg(windows)]
pub use scene::Cubes;
