//! Which test executes which opcode, and that no opcode is without one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pvgpu_dxbc::token::opcode::Opcode;
use pvgpu_dxbc_tests::fixture;

use crate::harness::{executed, opcodes_of};

/// Makes tests of functions, each with the opcodes that it promises to execute: `sums: "add", "iadd";`.
macro_rules! tests {
    ($($name:ident: $($opcode:literal),+;)*) => {
        /// The tests of this family and the opcodes that each executes.
        pub const COVERED: crate::coverage::Tests = &[$((stringify!($name), &[$($opcode),+])),*];

        mod tests {
            $(
                #[test]
                fn $name() {
                    crate::coverage::run(super::$name, &[$($opcode),+]);
                }
            )*
        }
    };
}
pub(crate) use tests;

/// Runs a test and fails unless it has executed these opcodes.
pub fn run(test: fn(), opcodes: &[&str]) {
    test();
    let executed = executed();
    let missing: Vec<&&str> = opcodes.iter().filter(|opcode| !executed.contains(**opcode)).collect();
    assert!(missing.is_empty(), "these opcodes were not executed: {missing:?}");
}

/// Tests and the opcodes that each executes.
pub type Tests = &'static [(&'static str, &'static [&'static str])];

/// The families.
const FAMILIES: &[(&str, Tests)] = &[
    ("arithmetic", crate::arithmetic::COVERED),
    ("atomics", crate::atomics::COVERED),
    ("bits", crate::bits::COVERED),
    ("conversion", crate::conversion::COVERED),
    ("double", crate::double::COVERED),
    ("flow", crate::flow::COVERED),
    ("gathering", crate::gathering::COVERED),
    ("integer", crate::integer::COVERED),
    ("memory", crate::memory::COVERED),
    ("pixel", crate::pixel::COVERED),
    ("queries", crate::queries::COVERED),
    ("sampling", crate::sampling::COVERED),
    ("strips", crate::strips::COVERED),
    ("textures", crate::textures::COVERED),
    ("threads", crate::threads::COVERED),
];

/// What fixtures contain that the tests of another binary execute: the fixture, where its test is, and the opcodes.
const FIXTURES: &[(&str, &str, &[&str])] = &[
    (
        "cs_classes",
        "tests/instructions/classes.rs",
        &["fcall", "dcl_function_body", "dcl_function_table", "dcl_interface"],
    ),
    ("gs_layers", "tests/stages/geometry.rs", &["dcl_output_sgv"]),
    ("gs_instances", "tests/stages/geometry.rs", &["dcl_gs_instance_count"]),
    (
        "hs_factors_tri",
        "tests/stages/phases.rs",
        &[
            "hs_decls",
            "hs_control_point_phase",
            "hs_fork_phase",
            "dcl_input_control_point_count",
            "dcl_output_control_point_count",
            "dcl_tess_domain",
            "dcl_tess_partitioning",
            "dcl_tess_output_primitive",
        ],
    ),
    ("hs_power_of_two", "tests/stages/phases.rs", &["dcl_hs_fork_phase_instance_count"]),
    ("hs_quad", "tests/stages/stream_output.rs", &["dcl_hs_max_tessfactor"]),
];

/// What `tests/stages/phases.rs` writes in the place of other opcodes.
const REWRITTEN: &[&str] = &["hs_join_phase", "dcl_hs_join_phase_instance_count"];

#[test]
fn fixtures_contain_what_they_are_named_for() {
    for (name, test, opcodes) in FIXTURES {
        let contained = opcodes_of(&fixture::named(name).shader.tokens);
        let missing: Vec<&&str> = opcodes.iter().filter(|opcode| !contained.contains(**opcode)).collect();
        assert!(missing.is_empty(), "{name} has no {missing:?}");
        let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(test)).unwrap();
        assert!(source.contains(&format!("\"{name}\"")), "{test} does not run {name}");
    }
}

#[test]
fn every_opcode_is_executed() {
    let mut covered: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (family, tests) in FAMILIES {
        for (test, opcodes) in *tests {
            for opcode in *opcodes {
                covered.entry(opcode).or_default().push(format!("{family}::{test}"));
            }
        }
    }
    let all: BTreeSet<&str> = Opcode::all().map(Opcode::name).collect();
    let unknown: Vec<&&str> = covered.keys().filter(|name| !all.contains(**name)).collect();
    assert!(unknown.is_empty(), "no such opcodes: {unknown:?}");
    let elsewhere = FIXTURES.iter().flat_map(|(.., opcodes)| opcodes.iter()).chain(REWRITTEN);
    let elsewhere: BTreeSet<&str> = elsewhere.copied().collect();
    let missing: Vec<&&str> =
        all.iter().filter(|name| !covered.contains_key(**name) && !elsewhere.contains(**name)).collect();
    assert!(missing.is_empty(), "no test executes {missing:?}");
}

/// `dxbc/docs/opcodes.md` names a test for every opcode; those of this binary promise to execute it.
#[test]
fn the_table_names_tests_that_execute_the_opcode() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dxbc/docs/opcodes.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut rows = 0;
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        if cells[1].parse::<u32>().is_err() {
            continue;
        }
        rows += 1;
        let (opcode, test) = (cells[2], cells[cells.len() - 2]);
        assert!(!test.is_empty(), "{opcode} has no test");
        let Some((family, name)) = test.strip_prefix("opcodes/").and_then(|test| test.split_once("::"))
        else {
            continue;
        };
        let tests = FAMILIES.iter().find(|entry| entry.0 == family).map(|entry| entry.1);
        let test = tests.and_then(|tests| tests.iter().find(|entry| entry.0 == name));
        assert!(
            test.is_some_and(|test| test.1.contains(&opcode)),
            "{family}::{name} does not execute {opcode}"
        );
    }
    assert_eq!(rows, Opcode::all().count());
}
