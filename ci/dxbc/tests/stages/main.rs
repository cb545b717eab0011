//! Translated stages of the graphics pipeline draw what D3D11 says, on the Vulkan driver of this machine.

mod assembled;
mod depth;
mod geometry;
mod interpolation;
mod patches;
mod phases;
mod pixel;
mod raster;
mod stream_output;
mod support;
mod tessellation;
mod vertex;
