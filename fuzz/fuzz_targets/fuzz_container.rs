//! Any bytes as a container: as they are, and with a right magic number, size and checksum.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pvgpu_dxbc::container;
use pvgpu_dxbc_tests::allocation::{self, Counting};
use pvgpu_dxbc_tests::mutation::case::{Case, Choice};
use pvgpu_dxbc_tests::mutation::containers::repair;
use pvgpu_dxbc_tests::mutation::invariant::{MEMORY, check, check_more};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fuzz_target!(|data: &[u8]| {
    let _ = container::parse(data);
    let mut bytes = data.to_vec();
    repair(&mut bytes);
    let (parsed, memory) = allocation::peak(|| container::parse(&bytes));
    assert!(memory <= MEMORY, "the container needed {memory} bytes");
    assert_eq!(parsed, container::parse(&bytes));
    let Ok(shader) = parsed else { return };
    assert_eq!(container::parse_signatures(&bytes).as_ref(), Ok(&shader.signatures));
    let case = Case { tokens: shader.tokens, signatures: shader.signatures, choice: Choice::default() };
    let verdict = check(&case).expect("every rule holds");
    check_more(&case, &verdict).expect("every rule holds");
});
