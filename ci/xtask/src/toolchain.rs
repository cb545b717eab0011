//! Building for this machine and for Windows.
//!
//! Windows programs are built by the plain toolchain where rustup has installed its `x86_64-pc-windows-gnu` target. Elsewhere
//! Debian's compiler `rustc-web` builds them and the standard library with it, driven by the same cargo. Each target has
//! a folder of its own below `target/`, because two compilers would overwrite each other's work.

use std::path::Path;
use std::process::Command;

use crate::{Error, Result, imports, paths, process, progress};

/// The target of Windows user-mode code.
const USER_TARGET: &str = "x86_64-pc-windows-gnu";
/// Debian's compiler; its standard library's source is installed beside it.
pub(crate) const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// That source.
pub(crate) const DEBIAN_RUST_SOURCE: &str = "/usr/lib/rustlib/src/rust";
/// The linter of the same version.
const DEBIAN_CLIPPY: &str = "/usr/bin/cargo-clippy";
/// A lint that is wrong for this target: it does not see that an initialiser is `const` already, because thread-local storage of
/// `x86_64-pc-windows-gnu` is made of other parts than elsewhere.
const FALSE_ALARM: &str = "clippy::missing_const_for_thread_local";
/// The version of Rust that the project is written in.
const RUST_NEEDED: &str = env!("CARGO_PKG_RUST_VERSION");

/// The packages of `cargo build` for this machine.
const HOST_PACKAGES: [&str; 3] = ["pvgpu-host-backend", "pvgpu-ctl", "pvgpu-link-bench"];
/// Our DLLs.
const DLL_PACKAGES: [&str; 3] = ["pvgpu-d3d11-dll", "pvgpu-dxgi", "pvgpu-umd"];
/// Windows programs that need nothing of pvgpu.
const TOOL_PACKAGES: [&str; 9] = [
    "pvgpu-shots",
    "pvgpu-fxc",
    "pvgpu-d3d-rules",
    "pvgpu-draw-bench",
    "pvgpu-dxgi-rules",
    "pvgpu-golden",
    "pvgpu-inf-probe",
    "cube",
    "particles",
];
/// Our d3d11.dll that loads the driver's image, the program that tries the image alone, the one that asks it, and its link service.
const KERNEL_ROAD_PACKAGES: [&str; 4] =
    ["pvgpu-kernel-road", "pvgpu-loader", "pvgpu-ctl", "pvgpu-link-service"];
/// What the driver package holds beside the kernel-mode driver, and the program that checks its setup information.
const DRIVER_PACKAGES: [&str; 4] = ["pvgpu-umd", "pvgpu-ctl", "pvgpu-link-service", "pvgpu-inf-probe"];

/// Builds `pvgpud` and `pvgpu-ctl`.
///
/// # Errors
/// Cargo's failure.
pub fn build_host() -> Result<()> {
    progress::step("Building pvgpud and pvgpu-ctl", || {
        process::run(cargo().args(["build", "--quiet", "--release"]).args(in_packages(&HOST_PACKAGES)))
    })
}

/// Builds what runs in a virtual machine of [`crate::vm`], as tests are built: with all checks, and of the same libraries.
///
/// # Errors
/// Cargo's failure.
pub fn build_vm() -> Result<()> {
    progress::step("Building the virtual machine's program", || {
        process::run(cargo().args(["build", "--quiet", "--package", "pvgpu-vm"]))
    })
}

/// Builds our DLLs, the samples and the tools, for Windows.
///
/// # Errors
/// Cargo's failure.
pub fn build_windows() -> Result<()> {
    progress::step("Building the Windows DLLs and programs", || {
        build_for_windows(&[DLL_PACKAGES.as_slice(), &TOOL_PACKAGES].concat())?;
        imports::check_runtime()
    })
}

/// Builds what runs the kernel-mode driver's image under Wine; the image itself is [`crate::kernel::build`]'s.
///
/// # Errors
/// Cargo's failure.
pub fn build_kernel_road() -> Result<()> {
    progress::step("Building what runs the driver's image under Wine", || {
        build_for_windows(&KERNEL_ROAD_PACKAGES)
    })
}

/// Builds the samples and the tools only, which is enough to run programs on Wine's own renderer.
///
/// # Errors
/// Cargo's failure.
pub fn build_windows_tools() -> Result<()> {
    progress::step("Building the Windows samples and tools", || build_for_windows(&TOOL_PACKAGES))
}

/// Builds the 64-bit programs and DLLs of the driver package.
///
/// # Errors
/// Cargo's failure.
pub fn build_package() -> Result<()> {
    progress::step("Building the user-mode driver and its programs", || build_for_windows(&DRIVER_PACKAGES))
}

/// Builds the shader compiler's driver only: samples cannot be built before their shaders.
///
/// # Errors
/// Cargo's failure.
pub fn build_fxc() -> Result<()> {
    progress::step("Building the driver of the shader compiler", || build_for_windows(&["pvgpu-fxc"]))
}

/// Has the linter check everything that is built for Windows; warnings are errors.
///
/// # Errors
/// Cargo's failure.
pub fn lint_windows() -> Result<()> {
    let mut lint = clippy(USER_TARGET);
    for_windows(&mut lint)?;
    let packages = [DLL_PACKAGES.as_slice(), &TOOL_PACKAGES, &KERNEL_ROAD_PACKAGES].concat();
    process::run(lint.args(in_packages(&packages)).args(["--", "--deny", "warnings", "--allow", FALSE_ALARM]))
}

/// True if the plain toolchain builds Windows programs.
pub fn has_windows_target() -> bool {
    has_target(USER_TARGET)
}

/// `cargo`, the one that runs this, in the checkout's top folder.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(paths::root());
    cargo
}

/// The linter of the compiler that builds for `target`.
pub(crate) fn clippy(target: &str) -> Command {
    if has_target(target) {
        let mut lint = cargo();
        lint.arg("clippy");
        return lint;
    }
    // Debian's linter goes with Debian's compiler; it calls cargo as `cargo clippy` would.
    let mut lint = Command::new(DEBIAN_CLIPPY);
    lint.arg("clippy").current_dir(paths::root());
    lint
}

fn build_for_windows(packages: &[&str]) -> Result<()> {
    let mut build = cargo();
    for_windows(build.arg("build"))?;
    process::run(build.args(in_packages(packages)))
}

/// Adds what each cargo command for Windows needs.
fn for_windows(cargo: &mut Command) -> Result<()> {
    cargo.args(["--quiet", "--release", "--target", USER_TARGET]);
    cargo.arg("--target-dir").arg(paths::target("windows"));
    if !has_windows_target() {
        with_debian_compiler(cargo, "std,panic_abort")?;
        cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", "x86_64-w64-mingw32-gcc");
    }
    Ok(())
}

/// True if Debian's compiler is there and new enough. The first release of Debian 12 had an older one than its updates have.
pub fn has_debian_compiler() -> bool {
    debian_compiler_version().is_some_and(|version| is_at_least(&version, RUST_NEEDED))
}

/// What the compiler says of itself; None if it is not installed.
fn debian_compiler_version() -> Option<String> {
    let output = Command::new(DEBIAN_RUSTC).arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Says what to do about an old compiler before cargo fails with many lines.
fn check_debian_compiler() -> Result<()> {
    if has_debian_compiler() {
        return Ok(());
    }
    Err(Error::Missing(format!(
        "Debian's compiler is not new enough ({}); {RUST_NEEDED} or later is needed. Enable bookworm-security in apt's sources \
         and run `apt-get update && apt-get install rustc-web rust-web-src`, or let rustup install the target: `rustup \
         target add {USER_TARGET}`",
        debian_compiler_version().as_deref().unwrap_or("there is none")
    )))
}

/// Compares the version in a line such as `rustc 1.96.0 (…)` with one such as `1.95`.
fn is_at_least(line: &str, needed: &str) -> bool {
    let numbers =
        |version: &str| version.split('.').map_while(|part| part.parse().ok()).collect::<Vec<u32>>();
    numbers(line.split(' ').nth(1).unwrap_or_default()) >= numbers(needed)
}

/// Has cargo use Debian's compiler and build these parts of the standard library first.
pub(crate) fn with_debian_compiler(cargo: &mut Command, parts: &str) -> Result<()> {
    check_debian_compiler()?;
    // Building the standard library is an unstable feature; this variable allows it with a stable compiler.
    cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTC", DEBIAN_RUSTC).arg(format!("-Zbuild-std={parts}"));
    Ok(())
}

fn in_packages<'a>(names: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    names.iter().flat_map(|name| ["--package", name])
}

/// True if the plain compiler has the target's standard library.
pub(crate) fn has_target(target: &str) -> bool {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    let Ok(output) = output else { return false };
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    std::fs::read_dir(Path::new(&folder)).is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        assert!(is_at_least("rustc 1.96.0 (abc 2026-05-01)", "1.95"));
        assert!(is_at_least("rustc 1.95.0 (abc)", "1.95"));
        assert!(!is_at_least("rustc 1.85.0 (abc)", "1.95"));
        assert!(!is_at_least("rustc 1.9.0 (abc)", "1.95"));
        assert!(!is_at_least("", "1.95"));
    }
}
