//! Programs of the greatest size stay within time and memory, whatever they are full of.
//!
//! The checks of the typed representation after each pass make debug builds some times slower, so that only a release
//! build tries the greatest size: `cargo test --release -p pvgpu-dxbc-tests --test hostile scale`.

use std::time::Duration;

use pvgpu_dxbc::{Error, Signatures};
use pvgpu_dxbc_tests::mutation::case::{Case, Choice};
use pvgpu_dxbc_tests::mutation::invariant::check;
use pvgpu_dxbc_tests::mutation::scale::{TOKENS, cases};

#[test]
fn the_greatest_programs_stay_in_bounds() {
    let size = if cfg!(debug_assertions) { TOKENS / 16 } else { TOKENS };
    let cases = cases(size);
    let (mut accepted, mut slowest, mut largest) = (0, (Duration::ZERO, ""), (0, ""));
    for (name, case) in &cases {
        assert!(case.tokens.len() <= size && case.tokens.len() > size / 2, "{name} has another size");
        let verdict = check(case).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        accepted += usize::from(verdict.result.is_ok());
        slowest = (verdict.time, name.as_str()).max(slowest);
        largest = (verdict.memory, name.as_str()).max(largest);
    }
    println!("{accepted} of {} accepted; slowest {slowest:?}, largest {largest:?}", cases.len());
    assert!(accepted > cases.len() * 3 / 4, "only {accepted} of {} were accepted", cases.len());
}

#[test]
fn what_is_too_much_is_refused() {
    let refused = |tokens: Vec<u32>, signatures: Signatures| match (Case {
        tokens,
        signatures,
        choice: Choice::default(),
    })
    .compile()
    {
        Err(Error::Limit { what, value, limit }) => {
            assert!(value > limit);
            what
        }
        other => panic!("{other:?}"),
    };
    let mut long = vec![0x0100_003a; TOKENS + 1];
    (long[0], long[1]) = (0x50, TOKENS as u32 + 1);
    assert_eq!(refused(long, Signatures::default()), "dwords");
    let output = vec![Default::default(); 513];
    let signatures = Signatures { output, ..Signatures::default() };
    assert_eq!(refused(vec![0x50, 3, 0x0100_003e], signatures), "signature elements");
    // Vertex shader: dcl_output_siv o0.x with seventeen system values.
    let parts = (0..17).flat_map(|n| [0x0400_0067, 0x0010_2012, 0, n]);
    let tokens = [0x0001_0050, 70].into_iter().chain(parts).collect();
    assert_eq!(refused(tokens, Signatures::default()), "declarations of one register");
    // dcl_output_siv o0.xyzw and o1.xyzw as clip distances, o2.x as a cull distance, ret.
    let distances = [(0x0010_20f2, 0, 2), (0x0010_20f2, 1, 2), (0x0010_2012, 2, 3)];
    let parts =
        distances.iter().flat_map(|(operand, number, value)| [0x0400_0067, *operand, *number, *value]);
    let tokens = [0x0001_0050, 15].into_iter().chain(parts).chain([0x0100_003e]).collect();
    assert_eq!(refused(tokens, Signatures::default()), "clip and cull distances");
}
