//! `cargo xtask hlsl`: compiles the project's shaders with Microsoft's compiler.
//!
//! The compiler, `d3dcompiler_47.dll`, comes out of a wheel and runs under Wine; it is not part of the project. The compiled
//! shaders are: each `NAME.dxbc` lies beside its `NAME.hlsl`, in which a line names profile and entry point, as in
//! `// fxc: ps_5_0 main`. A source with several such lines holds several programs: `NAME.ENTRY.dxbc` each. `shaders.txt` in
//! this crate lists a hash of each source as it was when it was compiled, so that only changed shaders are compiled, and
//! a test notices a forgotten one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::wheel::{self, WheelFile};
use crate::wine::{Prefix, windows_path};
use crate::{Error, Result, packages, paths, process, progress, toolchain};

/// The folders with shaders, below the top folder.
const FOLDERS: [&str; 7] = [
    "samples/cube/shaders",
    "samples/particles/shaders",
    "ci/draw-bench/shaders",
    "ci/golden/shaders",
    "dxbc/tests/in",
    "host-backend/src/vulkan/shaders",
    "host-backend/tests/it/shaders",
];
/// The list of hashes, below the top folder.
const LIST: &str = "ci/xtask/shaders.txt";
/// The wheel carries Qt, which ships the compiler for its own use.
const COMPILER: WheelFile =
    WheelFile { requirement: "PyQt5-Qt5==5.15.2", member: "PyQt5/Qt5/bin/d3dcompiler_47.dll", folder: "fxc" };

/// How many shaders are compiled in one start of Wine: their names must fit into 32,767 characters of command line.
const GROUP: usize = 40;
/// What a line begins with that names a program of a source.
const ANNOTATION: &str = "// fxc: ";

/// A shader's source.
struct Shader {
    /// Relative to the top folder.
    path: String,
    programs: Vec<Program>,
    hash: String,
}

/// What is compiled from a source.
struct Program {
    profile: String,
    entry: String,
    /// The compiled shader's file.
    output: PathBuf,
}

/// Compiles each shader whose source has changed since it was last compiled.
///
/// # Errors
/// A shader without an annotation, or the compiler's messages (printed before).
pub fn task() -> Result<ExitCode> {
    let shaders = shaders()?;
    let mut compiled = read_list()?;
    let changed: Vec<&Shader> = shaders.iter().filter(|shader| !shader.is_current(&compiled)).collect();
    if !changed.is_empty() {
        packages::ensure(packages::Purpose::Programs)?;
        let compiler = wheel::ensure(&COMPILER)?;
        toolchain::build_fxc()?;
        let prefix = Prefix::new()?;
        prefix.install(&compiler)?;
        let programs: Vec<(&Shader, &Program)> = changed
            .iter()
            .flat_map(|shader| shader.programs.iter().map(move |program| (*shader, program)))
            .collect();
        for group in programs.chunks(GROUP) {
            compile(group, &prefix)?;
        }
        compiled.extend(changed.iter().map(|shader| (shader.path.clone(), shader.hash.clone())));
    }
    // Only shaders that still exist stay in the list.
    compiled.retain(|path, _| shaders.iter().any(|shader| shader.path == *path));
    let text: String = compiled.iter().map(|(path, hash)| format!("{hash} {path}\n")).collect();
    let list = paths::root().join(LIST);
    fs::write(&list, text).map_err(Error::io("write", &list))?;
    let programs: usize = shaders.iter().map(|shader| shader.programs.len()).sum();
    eprintln!("{programs} shaders of {} sources are up to date", shaders.len());
    Ok(ExitCode::SUCCESS)
}

impl Shader {
    fn read(path: &Path) -> Result<Self> {
        let source = fs::read_to_string(path).map_err(Error::io("read", path))?;
        let name = path.strip_prefix(paths::root()).unwrap_or(path).display().to_string();
        let lines: Vec<&str> = source.lines().filter_map(|line| line.strip_prefix(ANNOTATION)).collect();
        let program = |line: &&str| match line.split(' ').collect::<Vec<_>>().as_slice() {
            [profile, entry] => Ok(Program {
                profile: (*profile).to_owned(),
                entry: (*entry).to_owned(),
                output: match lines.len() {
                    1 => path.with_extension("dxbc"),
                    _ => path.with_extension(format!("{entry}.dxbc")),
                },
            }),
            _ => Err(Error::Failed(format!("{name}: `{line}` is not `PROFILE ENTRY`"))),
        };
        let programs = lines.iter().map(program).collect::<Result<Vec<_>>>()?;
        if programs.is_empty() {
            return Err(Error::Failed(format!("{name}: there is no line `{ANNOTATION}PROFILE ENTRY`")));
        }
        Ok(Self { programs, hash: hash(source.as_bytes()), path: name })
    }

    fn is_current(&self, compiled: &BTreeMap<String, String>) -> bool {
        compiled.get(&self.path) == Some(&self.hash)
            && self.programs.iter().all(|program| program.output.exists())
    }
}

/// Compiles some shaders in one start of Wine.
fn compile(programs: &[(&Shader, &Program)], prefix: &Prefix) -> Result<()> {
    progress::step(format!("Compiling {} changed shaders", programs.len()), || {
        let mut wine = prefix.wine("d3dcompiler_47=n");
        wine.arg(windows_path(&paths::windows_file("pvgpu-fxc.exe")));
        for (shader, program) in programs {
            wine.arg(windows_path(&paths::root().join(&shader.path))).arg(windows_path(&program.output));
            wine.arg(&program.profile).arg(&program.entry);
        }
        process::run_quietly(&mut wine).map(|_| ())
    })
}

/// All shaders, sorted by path.
fn shaders() -> Result<Vec<Shader>> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        let folder = paths::root().join(folder);
        let entries = fs::read_dir(&folder).map_err(Error::io("read", &folder))?;
        let sources = entries.flatten().map(|entry| entry.path());
        files.extend(sources.filter(|path| path.extension().is_some_and(|extension| extension == "hlsl")));
    }
    files.sort();
    files.iter().map(|path| Shader::read(path)).collect()
}

/// Path and hash of each shader in the list; an absent list is an empty one.
fn read_list() -> Result<BTreeMap<String, String>> {
    let list = paths::root().join(LIST);
    match fs::read_to_string(&list) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("read", &list)(error)),
        text => {
            let text = text.unwrap_or_default();
            let lines = text.lines().filter_map(|line| line.split_once(' '));
            Ok(lines.map(|(hash, path)| (path.to_owned(), hash.to_owned())).collect())
        }
    }
}

/// 64-bit FNV-1a, which is enough to notice a change.
fn hash(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_shader_was_forgotten() {
        let compiled = read_list().expect("the list is readable");
        let stale: Vec<String> = shaders()
            .expect("every source has its annotations")
            .into_iter()
            .filter(|shader| !shader.is_current(&compiled))
            .map(|shader| shader.path)
            .collect();
        assert!(stale.is_empty(), "changed since they were compiled; run `cargo xtask hlsl`: {stale:?}");
    }

    #[test]
    fn hash_is_fnv_1a() {
        // Test vectors of the algorithm's authors.
        assert_eq!(hash(b""), "cbf29ce484222325");
        assert_eq!(hash(b"foobar"), "85944171f73967e8");
    }
}
