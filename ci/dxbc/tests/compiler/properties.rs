//! Properties that hold for all input: no bytes make the parsers panic, and what they make stays in bounds.

use proptest::prelude::*;
use pvgpu_dxbc::{BindingLayout, CompileOptions, Signatures, TargetCapabilities, compile, container, dump};

/// Dwords that often look like tokens: small numbers, and opcode tokens with a length.
fn token() -> impl Strategy<Value = u32> {
    prop_oneof![
        any::<u32>(),
        0u32..16,
        (0u32..235, 1u32..12, 0u32..8)
            .prop_map(|(opcode, length, control)| opcode | control << 11 | length << 24),
        (0u32..41, 0u32..4, any::<u8>()).prop_map(|(file, indices, components)| {
            2 | u32::from(components & 0xfc) | file << 12 | indices << 20
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tokens(stage in 0u32..6, model in prop_oneof![Just(0x40u32), Just(0x41), Just(0x50)],
                  body in prop::collection::vec(token(), 0..64)) {
        let mut tokens = vec![stage << 16 | model, body.len() as u32 + 2];
        tokens.extend(body);
        let layout = BindingLayout::default();
        let options = CompileOptions::new(&layout, TargetCapabilities::default());
        let first = compile(&tokens, &Signatures::default(), &options);
        prop_assert_eq!(first, compile(&tokens, &Signatures::default(), &options));
        let _ = dump(&tokens);
    }

    #[test]
    fn any_container(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let mut container = b"DXBC".to_vec();
        container.extend(bytes);
        prop_assert!(container::parse(&container).is_err());
    }
}
