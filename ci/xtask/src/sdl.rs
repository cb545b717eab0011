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

/// The programs that draw with SDL's renderer by themselves. Others need a game controller, a microphone or another window system;
/// `testautomation` is built of many files, `testgles2` draws with OpenGL ES.
pub const DRAWING: [&str; 20] = [
    "checkkeys",
    "checkkeysthreads",
    "testcustomcursor",
    "testdraw2",
    "testdropfile",
    "testgeometry",
    "testhittesting",
    "testintersections",
    "testmouse",
    "testoverlay2",
    "testrelative",
    "testrendercopyex",
    "testrendertarget",
    "testscale",
    "testsprite2",
    "testspriteminimal",
    "teststreaming",
    "testviewport",
    "testwm2",
    "testyuv",
];
/// A program that draws with OpenGL ES 2, which ANGLE makes of Direct3D 11.
pub const GLES2: &str = "testgles2";
/// The program that checks SDL's functions; `--filter Render` checks its renderer.
pub const AUTOMATION: &str = "testautomation";

/// What each program is compiled with: neither the date nor how fast the machine is shows in a frame.
const SAME_TIME: &str = "\
#include <time.h>
#include \"SDL.h\"
#define time(x) ((time_t)1)
#define SDL_GetTicks() ((Uint32)1)
";

/// A program's file, as [`ensure`] and [`ensure_all`] build it.
pub fn program(name: &str) -> PathBuf {
    paths::target("sdl").join(format!("{name}.exe"))
}

/// Fetches and builds the two programs of the demo unless they are there already.
///
/// # Errors
/// If a download or the C compiler fails.
pub fn ensure() -> Result<()> {
    build(&[AUTOMATION, "testsprite2"])
}

/// Fetches and builds all programs unless they are there already.
///
/// # Errors
/// As for [`ensure`].
pub fn ensure_all() -> Result<()> {
    build(&[&DRAWING[..], &[AUTOMATION, GLES2]].concat())
}

fn build(names: &[&str]) -> Result<()> {
    let folder = paths::target("sdl");
    let dll = wheel::ensure(&DLL)?;
    let missing: Vec<&str> = names.iter().copied().filter(|name| !program(name).exists()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let source = source_package::ensure(SOURCE_PACKAGE)?;
    progress::step(format!("Building {} of SDL's test programs", missing.len()), || {
        copy_data(&source.join("test"), &folder)?;
        let header = folder.join("same-time.h");
        fs::write(&header, SAME_TIME).map_err(Error::io("write", &header))?;
        let library = helpers(&source, &folder)?;
        // Two compilers side by side.
        let halves = missing.split_at(missing.len() / 2);
        let compile = |names: &[&str]| {
            names.iter().try_for_each(|name| {
                let files = match *name {
                    AUTOMATION => files(&source.join("test"), AUTOMATION)?,
                    name => vec![source.join(format!("test/{name}.c"))],
                };
                let mut gcc = gcc(&source);
                if *name != AUTOMATION {
                    gcc.arg("-include").arg(&header);
                }
                gcc.arg("-o").arg(program(name)).args(files).arg(&library).arg(&dll);
                process::run_quietly(gcc.args(["-lshell32", "-luser32", "-lole32"])).map(|_| ())
            })
        };
        let (first, second) = thread::scope(|scope| {
            let first = scope.spawn(|| compile(halves.0));
            let second = compile(halves.1);
            (
                first.join().unwrap_or_else(|_| Err(Error::Failed("the building thread died".to_owned()))),
                second,
            )
        });
        first.and(second)
    })
}

fn gcc(source: &Path) -> Command {
    let mut gcc = Command::new("x86_64-w64-mingw32-gcc");
    // `-w`: warnings about SDL's code help nobody here. SDL brings declarations of OpenGL ES, which mingw does not.
    gcc.args(["-O1", "-w", "-DSDL_USE_BUILTIN_OPENGL_DEFINITIONS", "-I"]).arg(source.join("include"));
    gcc
}

/// What all programs share, in one object file.
fn helpers(source: &Path, folder: &Path) -> Result<PathBuf> {
    let library = folder.join("helpers.o");
    let mut shared = files(&source.join("src/test"), "SDL_test_")?;
    shared.push(source.join("src/main/windows/SDL_windows_main.c"));
    shared.extend(["test/testutils.c", "test/testyuv_cvt.c"].map(|file| source.join(file)));
    let mut gcc = gcc(source);
    process::run_quietly(gcc.args(["-r", "-nostdlib", "-o"]).arg(&library).args(shared))?;
    Ok(library)
}

/// The pictures and other data that the programs load from their own folder.
fn copy_data(from: &Path, to: &Path) -> Result<()> {
    let is_data = |file: &&PathBuf| {
        file.extension().is_some_and(|extension| ["bmp", "dat", "wav"].iter().any(|data| extension == *data))
    };
    for file in files(from, "")?.iter().filter(is_data) {
        fs::copy(file, to.join(file.file_name().unwrap_or_default())).map_err(Error::io("copy", file))?;
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
