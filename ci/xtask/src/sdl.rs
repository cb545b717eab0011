//! SDL's own test programs: Windows programs that nobody here wrote.
//!
//! Their source is Debian's source package of SDL 2; SDL2.dll comes out of the wheel `pysdl2-dll` of the same version. Both are
//! fetched into `target` when needed and are not part of the project.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::wheel::{self, WheelFile};
use crate::{Error, Result, paths, process, progress, source_package};

/// The DLL, of the version that Debian 12 has the source of.
const DLL: WheelFile =
    WheelFile { requirement: "pysdl2-dll==2.26.5", member: "sdl2dll/dll/SDL2.dll", folder: "sdl" };
/// Debian's name of the source package.
pub const SOURCE_PACKAGE: &str = "libsdl2";

/// The test programs.
#[derive(Clone, Debug)]
pub struct Programs {
    /// Checks SDL's functions; `--filter Render` checks its renderer.
    pub testautomation: PathBuf,
    /// Moves sprites until its window is closed.
    pub testsprite2: PathBuf,
}

/// Fetches and builds the programs unless they are there already.
///
/// # Errors
/// If a download or the C compiler fails.
pub fn ensure() -> Result<Programs> {
    let folder = paths::target("sdl");
    let programs = Programs {
        testautomation: folder.join("testautomation.exe"),
        testsprite2: folder.join("testsprite2.exe"),
    };
    let dll = wheel::ensure(&DLL)?;
    if programs.testautomation.exists() && programs.testsprite2.exists() {
        return Ok(programs);
    }
    let source = source_package::ensure(SOURCE_PACKAGE)?;
    progress::step("Building SDL's test programs", || {
        copy_pictures(&source.join("test"), &folder)?;
        let main = source.join("src/main/windows/SDL_windows_main.c");
        let mut shared = files(&source.join("src/test"), "SDL_test_")?;
        shared.push(main);
        let sprite = ["test/testsprite2.c", "test/testutils.c"].map(|file| source.join(file)).to_vec();
        let automation = files(&source.join("test"), "testautomation")?;
        // One compiler for each program, side by side.
        let (first, second) = thread::scope(|scope| {
            let sprite = scope
                .spawn(|| compile(&source, &dll, &[sprite, shared.clone()].concat(), &programs.testsprite2));
            let automation =
                compile(&source, &dll, &[automation, shared.clone()].concat(), &programs.testautomation);
            (
                sprite.join().unwrap_or_else(|_| Err(Error::Failed("the building thread died".to_owned()))),
                automation,
            )
        });
        first.and(second)
    })?;
    Ok(programs)
}

fn compile(source: &Path, dll: &Path, files: &[PathBuf], program: &Path) -> Result<()> {
    let mut gcc = Command::new("x86_64-w64-mingw32-gcc");
    // `-w`: warnings about SDL's code help nobody here.
    gcc.args(["-O1", "-w", "-I"]).arg(source.join("include")).arg("-o").arg(program);
    process::run_quietly(gcc.args(files).arg(dll).args(["-lshell32", "-luser32", "-lole32"])).map(|_| ())
}

/// The pictures that the programs load from their own folder.
fn copy_pictures(from: &Path, to: &Path) -> Result<()> {
    for picture in
        files(from, "")?.iter().filter(|file| file.extension().is_some_and(|extension| extension == "bmp"))
    {
        fs::copy(picture, to.join(picture.file_name().unwrap_or_default()))
            .map_err(Error::io("copy", picture))?;
    }
    Ok(())
}

/// The C files (or, without a prefix, all files) of a folder whose names start with `prefix`, sorted.
fn files(folder: &Path, prefix: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .filter(|path| {
            path.is_file()
                && (prefix.is_empty() || path.extension().is_some_and(|extension| extension == "c"))
        })
        .collect();
    files.sort();
    Ok(files)
}
