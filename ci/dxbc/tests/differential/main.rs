//! Our compiler against vkd3d-shader: the same compute shaders over the same inputs, both executed, compared.
//!
//! vkd3d-shader runs as a process of its own. What differs is triaged in `dxbc/docs/differences.md`; anything else fails.
//! They need libvkd3d-shader1, spirv-val (SPIRV-Tools) and a Vulkan 1.3 driver; lavapipe will do.

mod fixtures;
mod opcodes;
mod programs;
mod support;
