//! What some programs become, step by step, compared with stored listings: `tests/out/NAME.txt` for `tests/in/NAME.dxbc`.
//!
//! A changed or missing listing fails. After a change that is meant, `PVGPU_BLESS=1 cargo test -p pvgpu-dxbc` writes them
//! anew, and the difference is part of the review.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use pvgpu_dxbc::{BindingLayout, CompileOptions, Step, TargetCapabilities, container, dump, trace};
use rspirv::binary::Disassemble;

/// Programs short enough to be read: one or two for each stage, with control flow, memory, textures and system values.
const PROGRAMS: &[&str] = &["cs_structured", "ps_outputs", "ps_textured", "vs_arrays", "vs_system"];
/// The program whose every step is stored; of the others only the first and the last are.
const EVERY_STEP: &str = "cs_structured";

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// The listings of all steps.
fn listing(name: &str) -> String {
    let bytes = std::fs::read(folder("in").join(name).with_extension("dxbc")).unwrap();
    let shader = container::parse(&bytes).unwrap();
    let layout = BindingLayout::default();
    let options = CompileOptions::new(&layout, TargetCapabilities::default());
    let mut text = format!("== tokens\n{}", dump(&shader.tokens).unwrap());
    let compiled = trace(&shader.tokens, &shader.signatures, &options, |step, listing| {
        if name == EVERY_STEP || matches!(step, Step::Lowered | Step::Live) {
            write!(text, "\n== {}\n{listing}", step.name()).unwrap();
        }
    })
    .unwrap();
    let module = rspirv::dr::load_words(&compiled.spirv).unwrap();
    write!(text, "\n== SPIR-V\n{}\n", module.disassemble()).unwrap();
    text
}

#[test]
fn listings_are_as_stored() {
    let bless = std::env::var_os("PVGPU_BLESS").is_some();
    let mut different = Vec::new();
    for name in PROGRAMS {
        let path = folder("out").join(name).with_extension("txt");
        let text = listing(name);
        if bless {
            std::fs::create_dir_all(folder("out")).unwrap();
            std::fs::write(&path, text).unwrap();
            continue;
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        if let Some(line) = first_difference(&stored, &text) {
            different.push(format!("{name}: {line}"));
        }
    }
    assert!(different.is_empty(), "changed, see this file's header:\n{}", different.join("\n"));
}

/// Where two texts differ first.
fn first_difference(stored: &str, now: &str) -> Option<String> {
    if stored == now {
        return None;
    }
    let mut stored = stored.lines();
    for (number, line) in now.lines().enumerate() {
        let before = stored.next();
        if before != Some(line) {
            return Some(format!("line {}: {line:?}, stored {before:?}", number + 1));
        }
    }
    Some("the stored listing goes on after the end".into())
}

#[test]
fn nothing_is_stored_for_nobody() {
    for entry in std::fs::read_dir(folder("out")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(PROGRAMS.contains(&name.as_str()), "{} belongs to no program", path.display());
    }
}
