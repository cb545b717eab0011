//! Building pvgpukmd.sys, the kernel-mode driver's image.
//!
//! A driver needs no C library and no import library, so a Linux machine builds it with LLVM's linker and nothing of
//! Microsoft's. The compiler is the plain toolchain where rustup has installed the target, Debian's otherwise, as for the
//! programs ([`crate::toolchain`]). How it is linked is written in `kmd/sys/build`.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::toolchain::{self, DEBIAN_RUST_SOURCE};
use crate::{Error, Result, paths, process, progress};

/// The target of Windows kernel-mode code.
const TARGET: &str = "x86_64-pc-windows-msvc";
/// The parts of the standard library that a driver can use.
const PARTS: &str = "core,alloc,compiler_builtins";
/// The driver's crate, and the feature that makes it build something.
const PACKAGE: [&str; 4] = ["--package", "pvgpu-kmd-sys", "--features", "pvgpu-kmd-sys/image"];
/// What cargo calls the image.
const BUILT: &str = "pvgpukmd.exe";
/// What it is.
const IMAGE: &str = "pvgpukmd.sys";
/// LLVM's linker for this target: under its own name, and as Debian calls it.
const LINKERS: [&str; 2] = ["lld-link", "lld-link-19"];

/// Builds pvgpukmd.sys and pvgpukmd.pdb into the folder of [`paths::kernel_file`].
///
/// # Errors
/// Cargo's failure, or [`Error::Missing`] without a linker.
pub fn build() -> Result<()> {
    progress::step("Building pvgpukmd.sys", || {
        let mut build = toolchain::cargo();
        build.arg("build");
        configure(&mut build)?;
        build.env("CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_LINKER", linker()?);
        process::run(build.args(PACKAGE))?;
        let (built, image) = (paths::kernel_file(BUILT), paths::kernel_file(IMAGE));
        // A new name in one step: somebody may be loading the file.
        let partial = paths::kernel_file("pvgpukmd.sys.partial");
        fs::copy(&built, &partial).map_err(Error::io("read", &built))?;
        fs::rename(&partial, &image).map_err(Error::io("write", &image))
    })
}

/// Has the linter check the driver's image for its own target; warnings are errors.
///
/// # Errors
/// Cargo's failure.
pub fn lint() -> Result<()> {
    let mut lint = toolchain::clippy(TARGET);
    configure(&mut lint)?;
    process::run(lint.args(PACKAGE).args(["--", "--deny", "warnings"]))
}

/// Adds what each cargo command for this target needs.
fn configure(cargo: &mut Command) -> Result<()> {
    cargo.args(["--quiet", "--release", "--target", TARGET]);
    cargo.arg("--target-dir").arg(paths::target("kernel"));
    if !has_target() {
        toolchain::with_debian_compiler(cargo, PARTS)?;
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags());
    Ok(())
}

/// The compiler's flags: checked indirect calls, and no path of this machine in the image.
fn flags() -> OsString {
    let mut flags = OsString::from("-Ccontrol-flow-guard=yes");
    let mut remap = |from: &Path, to: &str| {
        // Cargo's separator between flags, and rustc's between the two paths.
        flags.push("\u{1f}--remap-path-prefix=");
        flags.push(from);
        flags.push("=");
        flags.push(to);
    };
    remap(paths::root(), "pvgpu");
    remap(Path::new(DEBIAN_RUST_SOURCE), "rust");
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        remap(Path::new(&home), "cargo");
    } else if let Some(home) = std::env::home_dir() {
        remap(&home.join(".cargo"), "cargo");
    }
    flags
}

fn linker() -> Result<&'static str> {
    LINKERS.into_iter().find(|linker| process::works(Command::new(linker).arg("--version"))).ok_or_else(
        || {
            Error::Missing(
                "there is no lld-link to link pvgpukmd.sys with; `cargo xtask setup` installs lld-19"
                    .to_owned(),
            )
        },
    )
}

/// True if the plain toolchain builds for this target.
pub fn has_target() -> bool {
    toolchain::has_target(TARGET)
}

/// True if a linker for the image is there, whoever installed it.
pub fn has_linker() -> bool {
    linker().is_ok()
}
