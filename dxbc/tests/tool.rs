//! The tool `pvgpu-dxbc`: what it prints, where it writes, and how it fails.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/in").join(name).display().to_string()
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn tool(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pvgpu-dxbc")).args(arguments).output().unwrap()
}

/// What a run that succeeds prints.
fn printed(arguments: &[&str]) -> String {
    let output = tool(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty());
    String::from_utf8(output.stdout).unwrap()
}

/// The exit code and message of a run that fails.
fn failure(arguments: &[&str]) -> (i32, String) {
    let output = tool(arguments);
    assert!(output.stdout.is_empty());
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn every_command_shows_a_shader() {
    let shader = fixture("ps_textured.dxbc");
    let listing = printed(&["dump", &shader]);
    assert!(listing.starts_with("Pixel 5.0\n") && listing.contains("sample"), "{listing}");
    let steps = printed(&["dump", "--ir", &shader]);
    assert!(steps.contains("; lowered\n") && steps.contains("; live\n"), "{steps}");
    assert!(printed(&["reflect", &shader]).contains("stage: Pixel"));
    let text = printed(&["compile", "--spirv-text", &shader]);
    assert!(text.contains("OpEntryPoint Fragment"), "{text}");
    assert!(printed(&["--help"]).starts_with("usage:"));
}

#[test]
fn output_goes_to_a_file() {
    let (shader, path) = (fixture("cs_typed.dxbc"), scratch("cs_typed.spv"));
    assert_eq!(printed(&["compile", &shader, "-o", path.to_str().unwrap()]), "");
    let words = std::fs::read(&path).unwrap();
    assert_eq!(words[..4], 0x0723_0203_u32.to_le_bytes());
    let text = scratch("cs_typed.txt");
    assert_eq!(printed(&["dump", &shader, "--output", text.to_str().unwrap()]), "");
    assert_eq!(std::fs::read_to_string(text).unwrap(), printed(&["dump", &shader]));
}

#[test]
fn bad_input_is_named_with_its_rule() {
    let path = scratch("broken.dxbc");
    let file = path.to_str().unwrap();
    let mut bytes = std::fs::read(fixture("vs_system.dxbc")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let (code, message) = failure(&["dump", file]);
    assert_eq!(code, 1);
    assert_eq!(message, format!("pvgpu-dxbc: {file}: bad DXBC container: the checksum does not match\n"));
}

#[test]
fn wrong_command_lines_and_files_are_told_apart() {
    let shader = fixture("ps_textured.dxbc");
    for arguments in [
        &[][..],
        &["dump"],
        &["explain", &shader],
        &["dump", &shader, "more"],
        &["dump", "--fast", &shader],
        &["reflect", "--ir", &shader],
        &["compile", &shader],
        &["compile", &shader, "-o"],
    ] {
        let (code, message) = failure(arguments);
        assert!(code == 2 && message.contains("usage:"), "{arguments:?}: {message}");
    }
    let absent = scratch("absent.dxbc");
    let (code, message) = failure(&["dump", absent.to_str().unwrap()]);
    assert!(code == 2 && message.contains("absent.dxbc") && !message.contains("usage:"), "{message}");
    let nowhere = scratch("absent/out.spv");
    let (code, message) = failure(&["compile", &shader, "-o", nowhere.to_str().unwrap()]);
    assert!(code == 2 && message.contains("out.spv"), "{message}");
}
