//! `dxbc/docs/opcodes.md` names every opcode once, and tests that exist; instructions stay in their stages.

use std::collections::BTreeSet;
use std::path::Path;

use pvgpu_dxbc::token::opcode::Opcode;
use pvgpu_dxbc::{BindingLayout, CompileOptions, Error, Signatures, TargetCapabilities};
use pvgpu_dxbc_tests::validator::validate;

/// The cells of the table's rows.
fn rows() -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dxbc/docs/opcodes.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| number"));
    let cells = |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    rows.map(cells).filter(|cells| !cells[1].starts_with("---")).map(|cells| cells[1..7].to_vec()).collect()
}

#[test]
fn every_opcode_is_in_the_table() {
    let expected: Vec<(String, String)> =
        Opcode::all().map(|opcode| (opcode.number().to_string(), format!("`{}`", opcode.name()))).collect();
    let found: Vec<(String, String)> =
        rows().into_iter().map(|cells| (cells[0].clone(), cells[1].clone())).collect();
    assert_eq!(found, expected);
}

#[test]
fn rows_are_complete_and_name_tests_that_exist() {
    let mut missing = BTreeSet::new();
    for cells in rows() {
        assert!(cells[2].starts_with('4') || cells[2].starts_with('5'), "{}: no shader model", cells[1]);
        assert!(!cells[4].is_empty(), "{}: how it is translated is missing", cells[1]);
        let test = cells[5].trim_matches('`');
        if test.is_empty() {
            continue;
        }
        let (file, name) = test.split_once("::").unwrap_or_else(|| panic!("{test} is not FOLDER/FILE::TEST"));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file).with_extension("rs");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        // A test is a function, or an entry of the opcode tests' list, which makes a function of it.
        if !text.contains(&format!("fn {name}()")) && !text.contains(&format!(" {name}: \"")) {
            missing.insert(test.to_owned());
        }
    }
    assert!(missing.is_empty(), "no such tests: {missing:?}");
}

/// Compiles a program of these tokens after the version and length.
fn compile(stage: u32, body: &[u32]) -> Result<Vec<u32>, Error> {
    let mut tokens = vec![stage << 16 | 0x50, body.len() as u32 + 2];
    tokens.extend(body);
    let layout = BindingLayout::default();
    let options = CompileOptions::new(&layout, TargetCapabilities::default());
    pvgpu_dxbc::compile(&tokens, &Signatures::default(), &options).map(|compiled| compiled.spirv)
}

fn op(opcode: Opcode, length: u32) -> u32 {
    opcode.number() | length << 24
}

/// The numbers of program types: pixel, vertex, geometry, hull, domain, compute.
const STAGES: [u32; 6] = [0, 1, 2, 3, 4, 5];
/// `r0.x` as a destination, and an immediate.
const R0_X: [u32; 2] = [0x0010_0012, 0];
const ONE: [u32; 2] = [0x0000_4001, 1];

#[test]
fn instructions_of_other_stages_are_invalid() {
    let temps = [op(Opcode::DclTemps, 2), 1];
    let thread_group = [op(Opcode::DclThreadGroup, 4), 1, 1, 1];
    let ret = [op(Opcode::Ret, 1)];
    // vThreadID.x, vCoverage, vPrim and vDomain.x, moved to r0.
    let moved = |source: &[u32]| [&[op(Opcode::Mov, 3 + source.len() as u32)], &R0_X[..], source].concat();
    let cases: [(&str, Vec<u32>, &[u32]); 8] = [
        ("deriv_rtx", [&[op(Opcode::DerivRtx, 5)], &R0_X[..], &ONE].concat(), &[0]),
        ("discard", [&[op(Opcode::Discard, 3)], &ONE[..]].concat(), &[0]),
        ("emit", vec![op(Opcode::Emit, 1)], &[2]),
        ("thread id", moved(&[0x0002_000a]), &[5]),
        ("coverage", moved(&[0x0002_3001]), &[0]),
        ("primitive id", moved(&[0x0000_b001]), &[2, 3, 4]),
        ("thread group", thread_group.to_vec(), &[5]),
        ("group barrier", vec![op(Opcode::Sync, 1) | 1 << 11], &[5]),
    ];
    for (name, instruction, allowed) in cases {
        for stage in STAGES {
            let group: &[u32] = if stage == 5 && name != "thread group" { &thread_group } else { &[] };
            let phase: &[u32] = if stage == 3 { &[op(Opcode::HsForkPhase, 1)] } else { &[] };
            let result = compile(stage, &[&temps[..], group, phase, &instruction, &ret].concat());
            let refused = match &result {
                Err(Error::Invalid { rule, .. }) => {
                    rule.starts_with("the stage does not have") || rule.contains("thread groups")
                }
                _ => false,
            };
            assert_eq!(refused, !allowed.contains(&stage), "{name} in stage {stage}: {result:?}");
        }
    }
}

#[test]
fn what_does_nothing_is_translated() {
    let body = [
        op(Opcode::DclThreadGroup, 4),
        1,
        1,
        1,
        op(Opcode::Nop, 1),
        op(Opcode::DebugBreak, 1),
        op(Opcode::Abort, 1),
        op(Opcode::Ret, 1),
    ];
    validate("nothing", &compile(5, &body).unwrap());
    // The cycle counter reads as zero in every stage.
    let counter =
        [&[op(Opcode::DclTemps, 2), 1][..], &[op(Opcode::Mov, 4)], &R0_X, &[0x0002_801a, op(Opcode::Ret, 1)]];
    for stage in [0, 1] {
        validate("counter", &compile(stage, &counter.concat()).unwrap());
    }
}
