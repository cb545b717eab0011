//! Every opcode of shader models 4.0 to 5.0, executed on the Vulkan driver of this machine and compared with Rust.
//!
//! Each family of instructions is a file. Its programs are listings (`pvgpu_dxbc_tests::listing`), since the HLSL
//! compiler does not emit every instruction; what it does emit is compared in `tests/compiler` too. One dispatch
//! evaluates many cases: a thread takes its operands from a buffer and stores its results into another. Integers are
//! compared exactly; floats within the bounds that the D3D11.3 functional specification states, which the
//! expectations in [`expect`] name by section.

mod arithmetic;
mod atomics;
mod bits;
mod cases;
mod conversion;
mod coverage;
mod double;
mod expect;
mod flow;
mod gathering;
mod harness;
mod integer;
mod memory;
mod pixel;
mod queries;
mod raster;
mod sampling;
mod strips;
mod textures;
mod threads;
