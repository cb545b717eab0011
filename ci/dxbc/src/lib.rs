//! What judges `pvgpu-dxbc`: fixtures, a SPIR-V validator, a Vulkan device that runs what the compiler made.
//!
//! Nothing here ships. The tests need spirv-val (SPIRV-Tools) and a Vulkan 1.3 driver; lavapipe will do.

pub mod allocation;
pub mod assembler;
pub mod corpus;
pub mod count;
pub mod fixture;
pub mod gpu;
pub mod gpu_batch;
pub mod interpreter;
pub mod listing;
pub mod mutation;
pub mod peer;
pub mod programs;
pub mod random;
pub mod statistics;
pub mod validator;
