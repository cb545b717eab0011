//! The test programs: which there are, and building them from the source package.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::functions::{self, Selectable};
use crate::{Error, Result, paths, process, progress, source_package};

/// Debian's name of the source package.
const SOURCE_PACKAGE: &str = "wine";
/// The test programs: their names and their one source file each.
const SUITES: [(&str, &str); 6] = [
    ("d3d11", "dlls/d3d11/tests/d3d11.c"),
    ("dxgi", "dlls/dxgi/tests/dxgi.c"),
    ("d3d10core", "dlls/d3d10core/tests/d3d10core.c"),
    ("d3d10_1", "dlls/d3d10_1/tests/d3d10_1.c"),
    ("d3d10-device", "dlls/d3d10/tests/device.c"),
    ("d3d10-effect", "dlls/d3d10/tests/effect.c"),
];
/// Headers of the source package that MinGW has not, and that stand alone.
const HEADERS: [&str; 3] = ["wine/test.h", "ddk/d3dkmthk.h", "d3dukmdt.h"];
/// The C compiler for Windows programs.
const COMPILER: &str = "x86_64-w64-mingw32-gcc";
/// `STANDALONE`: the test framework comes with each program. The other two: without them MinGW's Direct3D 12 header, which the tests of
/// DXGI use, has no functions that return structures. `-w`: warnings about other people's code help nobody here.
const C_FLAGS: [&str; 5] = ["-O1", "-w", "-DSTANDALONE", "-DWIDL_C_INLINE_WRAPPERS", "-DFORCEINLINE=inline"];
/// So that the same source makes the same program, by whose contents Wine's results are kept.
const LINK_FLAGS: &str = "-Wl,--no-insert-timestamp";
/// What the programs import.
const LIBRARIES: [&str; 7] = ["-ld3d11", "-ldxgi", "-ld3d10", "-ld3d10_1", "-luser32", "-lgdi32", "-lole32"];

/// A test program and what is in it.
#[derive(Clone, Debug)]
pub struct Program {
    /// The suite's name.
    pub suite: &'static str,
    /// The program.
    pub file: PathBuf,
    /// Its test functions.
    pub functions: Vec<String>,
}

/// Fetches the source and builds the programs unless they are there already.
///
/// # Errors
/// If a download or the C compiler fails, or a test file is not as expected.
pub fn ensure() -> Result<Vec<Program>> {
    let source = source_package::ensure(SOURCE_PACKAGE)?;
    let folder = paths::target("conformance");
    let headers = folder.join("include");
    for header in HEADERS {
        let copy = headers.join(header);
        let parent = copy.parent().unwrap_or(&headers);
        fs::create_dir_all(parent).map_err(Error::io("make", parent))?;
        write_if_changed(&copy, &read(&source.join("include").join(header))?)?;
    }
    SUITES
        .iter()
        .map(|(suite, file)| {
            let file = source.join(file);
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Selectable { source, functions } = functions::select(&name, &read(&file)?)
                .ok_or_else(|| Error::Failed(format!("{} has no START_TEST", file.display())))?;
            let copy = folder.join(format!("{suite}.c"));
            write_if_changed(&copy, &source)?;
            let program = folder.join(format!("{suite}.exe"));
            let sources = [
                "include/select.h",
                "include/report.h",
                "include/wine/debug.h",
                "include/wine/heap.h",
                "ids.c",
            ]
            .map(ours);
            if is_older(&program, &copy) || sources.iter().any(|source| is_older(&program, source)) {
                progress::step(format!("Building the tests {suite}"), || compile(&headers, &copy, &program))?;
            }
            Ok(Program { suite, file: program, functions })
        })
        .collect()
}

fn compile(headers: &Path, source: &Path, program: &Path) -> Result<()> {
    let folder = program.parent().unwrap_or(program);
    process::run_quietly(
        Command::new("x86_64-w64-mingw32-dlltool")
            .arg("--input-def")
            .arg(ours("d3d10_1.def"))
            .arg("--output-lib")
            .arg(folder.join("libd3d10_1.a")),
    )?;
    let identifiers = folder.join("ids.o");
    process::run_quietly(
        Command::new(COMPILER).args(["-O1", "-c"]).arg(ours("ids.c")).arg("-o").arg(&identifiers),
    )?;
    let mut gcc = Command::new(COMPILER);
    gcc.args(C_FLAGS).arg("-I").arg(ours("include")).arg("-I").arg(headers);
    // A new name in one step: an interrupted linker must not leave half a program.
    let partial = program.with_extension("partial.exe");
    gcc.arg("-o").arg(&partial).arg(source).arg(identifiers).arg("-L").arg(folder);
    process::run_quietly(gcc.args(LIBRARIES).arg(LINK_FLAGS))?;
    fs::rename(&partial, program).map_err(Error::io("write", program))
}

/// A C file of ours.
fn ours(name: &str) -> PathBuf {
    paths::root().join("ci/conformance").join(name)
}

/// A file of the source package; a few have names in Latin-1.
fn read(file: &Path) -> Result<String> {
    let bytes = fs::read(file).map_err(Error::io("read", file))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Writes a file, but keeps one that is the same, with its time.
fn write_if_changed(file: &Path, text: &str) -> Result<()> {
    if fs::read(file).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    fs::write(file, text).map_err(Error::io("write", file))
}

/// True if the file is missing or older than its source.
fn is_older(file: &Path, source: &Path) -> bool {
    let time = |file: &Path| fs::metadata(file).and_then(|data| data.modified()).ok();
    time(file).is_none_or(|built| time(source).is_none_or(|changed| changed > built))
}
