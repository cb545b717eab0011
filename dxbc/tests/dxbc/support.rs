//! What the tests share: the fixtures, the SPIR-V validator, a fixed-seed generator of mutants.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use pvgpu_dxbc::{BindingLayout, CompileOptions, Compiled, Error, TargetCapabilities, container};

/// A compiled fixture: the name of its file and what its container holds.
pub struct Fixture {
    pub name: String,
    pub bytes: Vec<u8>,
    pub shader: container::Container,
}

/// All fixtures, by name. They are made from the HLSL beside them by Microsoft's compiler.
pub fn fixtures() -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/in");
    let mut fixtures = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "dxbc") {
            let bytes = std::fs::read(&path).unwrap();
            let shader = container::parse(&bytes).unwrap();
            fixtures.push(Fixture {
                name: path.file_stem().unwrap().to_str().unwrap().into(),
                bytes,
                shader,
            });
        }
    }
    fixtures.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(fixtures.len() >= 20, "fixtures are missing");
    fixtures
}

/// Translates with default options.
pub fn compile(tokens: &[u32], fixture: &Fixture) -> Result<Compiled, Error> {
    let layout = BindingLayout::default();
    let options = CompileOptions::new(&layout, TargetCapabilities::default());
    pvgpu_dxbc::compile(tokens, &fixture.shader.signatures, &options)
}

/// Fails unless spirv-val (of SPIRV-Tools) accepts the module for Vulkan 1.3.
pub fn validate(name: &str, spirv: &[u32]) {
    let mut child = Command::new("spirv-val")
        .args(["--target-env", "vulkan1.3", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("spirv-val of SPIRV-Tools must be installed");
    let bytes: Vec<u8> = spirv.iter().flat_map(|word| word.to_le_bytes()).collect();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{name}: {text}");
}

/// Xorshift: the same numbers on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as u32
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.next() as usize % limit.max(1)
    }

    /// Changes one or two dwords: bits, small numbers, or dwords taken from elsewhere in the program.
    pub fn mutate(&mut self, tokens: &[u32]) -> Vec<u32> {
        let mut mutant = tokens.to_vec();
        for _ in 0..1 + self.below(2) {
            let place = self.below(mutant.len());
            mutant[place] = match self.below(5) {
                0 => self.next(),
                1 => self.below(16) as u32,
                2 => tokens[self.below(tokens.len())],
                3 => mutant[place].wrapping_add(1),
                _ => mutant[place] ^ 1 << self.below(32),
            };
        }
        mutant
    }
}
