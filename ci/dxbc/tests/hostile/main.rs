//! The tests of hostile input: mutants, and programs of the greatest size. They need spirv-val (SPIRV-Tools).

use pvgpu_dxbc_tests::allocation::Counting;

mod mutants;
mod scale;

#[global_allocator]
static ALLOCATOR: Counting = Counting;
