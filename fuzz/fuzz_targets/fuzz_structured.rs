//! Mutants of valid shaders: libFuzzer keeps what reaches new code, the mutator changes instructions, not bytes.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use pvgpu_dxbc_tests::allocation::Counting;
use pvgpu_dxbc_tests::mutation::case::Case;
use pvgpu_dxbc_tests::mutation::invariant::{check, check_more};
use pvgpu_dxbc_tests::mutation::{Generator, structured};
use pvgpu_dxbc_tests::random::Random;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static GENERATOR: LazyLock<Generator> = LazyLock::new(Generator::new);

fuzz_target!(|data: &[u8]| {
    let case = Case::from_bytes(data);
    let verdict = check(&case).expect("every rule holds");
    check_more(&case, &verdict).expect("every rule holds");
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = Random::of(seed.into(), 0);
    // Some bytes have to change blindly too: lengths and signatures are structure of their own.
    if random.below(16) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut case = Case::from_bytes(&data[..size]);
    structured::mutate(&mut random, &mut case, GENERATOR.donors());
    let bytes = case.to_bytes();
    match data.get_mut(..bytes.len()) {
        Some(place) if bytes.len() <= max_size => {
            place.copy_from_slice(&bytes);
            bytes.len()
        }
        _ => size,
    }
});
