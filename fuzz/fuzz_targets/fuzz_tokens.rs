//! Any tokens, signatures and options. The version and length tokens are repaired, so that the parser goes on.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pvgpu_dxbc_tests::allocation::Counting;
use pvgpu_dxbc_tests::mutation::case::Case;
use pvgpu_dxbc_tests::mutation::invariant::{check, check_more};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fuzz_target!(|data: &[u8]| {
    let mut case = Case::from_bytes(data);
    let length = case.tokens.len() as u32;
    if let [version, declared, ..] = &mut case.tokens[..] {
        // Six stages, three models.
        *version = (*version >> 16) % 6 << 16 | [0x40, 0x41, 0x50, 0x50][(*version & 3) as usize];
        *declared = length;
    }
    let verdict = check(&case).expect("every rule holds");
    check_more(&case, &verdict).expect("every rule holds");
});
