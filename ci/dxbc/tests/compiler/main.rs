//! The tests of the whole compiler: validity, hostile input, and what translated shaders compute.
//!
//! They need spirv-val (SPIRV-Tools) and a Vulkan 1.3 driver; lavapipe will do.

mod execution;
mod fixtures;
mod forced;
mod properties;
mod reflection;
mod stages;
