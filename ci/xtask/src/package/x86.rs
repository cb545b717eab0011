//! The user-mode driver for 32-bit programs.
//!
//! Debian's compiler brings its own standard library here too, but not `rsbegin.o` and `rsend.o`, which this target links
//! first and last (they register unwind tables). Their source lies beside the standard library's: they are compiled here, and
//! since the linker looks for them in the folder that it is started in, a script of the linker's name starts it there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{make_folder, write};
use crate::toolchain::{self, DEBIAN_RUST_SOURCE, DEBIAN_RUSTC};
use crate::{Error, Result, paths, process, progress};

/// The target of 32-bit Windows code.
const TARGET: &str = "i686-pc-windows-gnu";
/// Its linker. The compiler takes the kind of linker from this name.
const LINKER: &str = "i686-w64-mingw32-gcc";

/// Where the compiler puts a file.
pub(super) fn file(name: &str) -> PathBuf {
    paths::target("windows").join(TARGET).join("release").join(name)
}

/// Builds the user-mode driver for x86.
///
/// # Errors
/// The compiler's or cargo's failure.
pub(super) fn build() -> Result<()> {
    progress::step("Building the user-mode driver for 32-bit programs", || {
        let mut build = toolchain::cargo();
        build.args(["build", "--quiet", "--release", "--target", TARGET, "--package", "pvgpu-umd"]);
        build.arg("--target-dir").arg(paths::target("windows"));
        let linker = if toolchain::has_target(TARGET) {
            PathBuf::from(LINKER)
        } else {
            toolchain::with_debian_compiler(&mut build, "std,panic_abort")?;
            start_objects()?
        };
        process::run(build.env("CARGO_TARGET_I686_PC_WINDOWS_GNU_LINKER", linker))
    })
}

/// Compiles the start objects and returns the script that links with them.
fn start_objects() -> Result<PathBuf> {
    let folder = paths::target("windows/rtstartup");
    make_folder(&folder)?;
    for name in ["rsbegin", "rsend"] {
        let source = Path::new(DEBIAN_RUST_SOURCE).join("library/rtstartup").join(name).with_extension("rs");
        let mut compile = Command::new(DEBIAN_RUSTC);
        compile.env("RUSTC_BOOTSTRAP", "1").args(["--target", TARGET, "--emit", "obj", "-o"]);
        process::run(compile.arg(folder.join(name).with_extension("o")).arg(source))?;
    }
    let script = folder.join(LINKER);
    let text = format!("#!/bin/sh\ncd '{}' && exec {LINKER} \"$@\"\n", folder.display());
    // Cargo builds anew what a changed linker has built.
    if fs::read(&script).ok().as_deref() != Some(text.as_bytes()) {
        write(&script, text.as_bytes())?;
    }
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).map_err(Error::io("change", &script))?;
    Ok(script)
}
