//! Every fixture translates to a valid module, always the same; nothing made from one makes the compiler panic.

use std::time::{Duration, Instant};

use pvgpu_dxbc::{ShaderStage, dump, reflect};
use pvgpu_dxbc_tests::fixture::{compile, fixtures};
use pvgpu_dxbc_tests::random::Random;
use pvgpu_dxbc_tests::validator::validate;

#[test]
fn fixtures_are_valid() {
    for fixture in fixtures() {
        let result = compile(&fixture.shader.tokens, &fixture);
        let compiled = result.unwrap_or_else(|error| panic!("{}: {error}", fixture.name));
        validate(&fixture.name, &compiled.spirv);
        assert_eq!(compile(&fixture.shader.tokens, &fixture).unwrap(), compiled, "{}", fixture.name);
        assert!(dump(&fixture.shader.tokens).unwrap().lines().count() > 3);
    }
}

#[test]
fn every_stage_is_reflected() {
    let layout = pvgpu_dxbc::BindingLayout::default();
    let mut stages = Vec::new();
    for fixture in fixtures() {
        let reflection = reflect(&fixture.shader.tokens, &fixture.shader.signatures, &layout).unwrap();
        if !stages.contains(&reflection.stage) {
            stages.push(reflection.stage);
        }
        assert_eq!(reflection.stage == ShaderStage::Compute, reflection.thread_group_size != [0; 3]);
    }
    assert_eq!(stages.len(), 6);
}

#[test]
fn truncated_programs_are_refused() {
    for fixture in fixtures() {
        for length in 0..fixture.shader.tokens.len() {
            let tokens = &fixture.shader.tokens[..length];
            assert!(compile(tokens, &fixture).is_err(), "{} cut to {length}", fixture.name);
            // With a length token that agrees, the rest may or may not be a program.
            let mut tokens = tokens.to_vec();
            if let Some(declared) = tokens.get_mut(1) {
                *declared = length as u32;
                let _ = compile(&tokens, &fixture);
            }
        }
    }
}

#[test]
fn truncated_containers_are_refused() {
    for fixture in fixtures() {
        for length in 0..fixture.bytes.len() {
            assert!(pvgpu_dxbc::container::parse(&fixture.bytes[..length]).is_err());
        }
    }
}

#[test]
fn mutants_are_translated_or_refused() {
    let mut random = Random(0x7067_7570_7664_6278);
    let fixtures = fixtures();
    let (mut accepted, mut slowest) = (0, Duration::ZERO);
    for _ in 0..1_250 {
        for fixture in &fixtures {
            let mutant = random.mutate(&fixture.shader.tokens);
            let start = Instant::now();
            let result = compile(&mutant, fixture);
            slowest = slowest.max(start.elapsed());
            let Ok(compiled) = result else { continue };
            accepted += 1;
            // What is accepted must be valid too. The validator is a process each time, so a sample has to do.
            if accepted % 20 == 0 {
                validate(&format!("mutant {accepted} of {}", fixture.name), &compiled.spirv);
            }
        }
    }
    assert!(accepted > 2_000, "only {accepted} mutants were accepted: they test too little");
    assert!(slowest < Duration::from_secs(2), "a mutant took {slowest:?}");
}
