//! Gives every accepted mutant to SPIRV-Tools' validator, in this process: `validate CALLS [SEED [FIRST]]`.
//!
//! Each kind of complaint is printed once, with the number of its first input and how often it came, and its smallest
//! input is left in `artifacts/validate`. The tests of `ci/dxbc` do the same for a small sample, by spirv-val.
#![expect(unsafe_code, reason = "SPIRV-Tools is a C library")]

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;
use std::process::ExitCode;

use pvgpu_dxbc_tests::mutation::case::Case;
use pvgpu_dxbc_tests::mutation::{Generator, Input, Kind};

/// `spv_diagnostic_t` of libspirv.h.
#[repr(C)]
struct Diagnostic {
    position: [usize; 3],
    error: *mut c_char,
    is_text_source: bool,
}

#[link(name = "SPIRV-Tools")]
#[link(name = "stdc++")]
unsafe extern "C" {
    fn spvParseTargetEnv(name: *const c_char, env: *mut c_int) -> bool;
    fn spvContextCreate(env: c_int) -> *mut c_void;
    fn spvValidateBinary(
        context: *const c_void,
        words: *const u32,
        count: usize,
        diagnostic: *mut *mut Diagnostic,
    ) -> c_int;
    fn spvDiagnosticDestroy(diagnostic: *mut Diagnostic);
}

/// A validator for Vulkan 1.3; it lives as long as the process.
struct Validator(*mut c_void);

impl Validator {
    fn new() -> Self {
        let mut env = 0;
        // SAFETY: the name is a C string and `env` is writable; both outlive the call.
        assert!(unsafe { spvParseTargetEnv(c"vulkan1.3".as_ptr(), &raw mut env) });
        // SAFETY: `env` is a value that the library gave.
        Self(unsafe { spvContextCreate(env) })
    }

    fn check(&self, words: &[u32]) -> Result<(), String> {
        let mut diagnostic = std::ptr::null_mut();
        // SAFETY: the context is alive, the words are as many as said, and `diagnostic` is writable.
        let result = unsafe { spvValidateBinary(self.0, words.as_ptr(), words.len(), &raw mut diagnostic) };
        if result == 0 {
            return Ok(());
        }
        // SAFETY: the library leaves it null or pointing to a diagnostic that is ours until it is destroyed.
        let found = unsafe { diagnostic.as_ref() };
        let message = found.map_or_else(String::new, |found| {
            // SAFETY: the message of a diagnostic is a C string.
            unsafe { CStr::from_ptr(found.error) }.to_string_lossy().into_owned()
        });
        // SAFETY: it came from the library, and nothing refers to it any more.
        unsafe { spvDiagnosticDestroy(diagnostic) };
        Err(message)
    }
}

/// The message without what differs between modules: ids and names.
fn class(message: &str) -> String {
    let line = message.lines().take(2).collect::<Vec<_>>().join(" ");
    // The words without ids, names and numbers are enough to tell complaints apart.
    let plain = |word: &&str| word.chars().all(|c| c.is_ascii_alphabetic() || "-[],.".contains(c));
    line.split_whitespace().filter(plain).collect::<Vec<_>>().join(" ")
}

fn main() -> ExitCode {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let [calls, rest @ ..] = &numbers[..] else {
        eprintln!("usage: validate CALLS [SEED [FIRST]]");
        return ExitCode::FAILURE;
    };
    let (seed, first) = (rest.first().copied().unwrap_or(1), rest.get(1).copied().unwrap_or(0));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts/validate");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let (generator, validator) = (Generator::new(), Validator::new());
    let mut complaints: BTreeMap<String, (u64, u64, String, Case)> = BTreeMap::new();
    let mut accepted = 0_u64;
    for number in first..first + calls {
        let kind = if number % 8 == 0 { Kind::Tokens } else { Kind::Structured };
        let Input::Case(case) = generator.input(seed, number, kind) else { continue };
        let Ok(compiled) = case.compile() else { continue };
        accepted += 1;
        if let Err(message) = validator.check(&compiled.spirv) {
            let entry = complaints
                .entry(class(&message))
                .or_insert_with(|| (0, number, message.clone(), case.clone()));
            entry.0 += 1;
            if case.tokens.len() < entry.3.tokens.len() {
                *entry = (entry.0, number, message, case);
            }
        }
    }
    println!("{accepted} of {calls} accepted, {} kinds of complaint", complaints.len());
    for (n, (count, number, message, case)) in complaints.values().enumerate() {
        let path = folder.join(format!("{n}.case"));
        std::fs::write(&path, case.to_bytes()).expect("the folder is writable");
        println!("{count} times; input {number}, {}: {message}", path.display());
    }
    if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
