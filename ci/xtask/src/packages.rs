//! Debian packages: finds out which are missing, and installs them or says how.

use std::os::unix::fs::MetadataExt;
use std::process::Command;

use crate::{Error, Result, kernel, process, progress, toolchain};

/// What the packages are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Building and running Windows programs.
    Programs,
    /// Also making the driver package.
    Package,
    /// Also the tools that only tests call.
    Everything,
    /// Nothing but what judges the shader compiler.
    Shaders,
}

/// To build Windows programs: the linker, and for SDL's programs the C compiler.
const MINGW: &[&str] = &["gcc-mingw-w64-x86-64-posix"];
/// To build Rust for Windows where rustup has not installed that target: a compiler with the standard library's source.
const RUST_FOR_WINDOWS: &[&str] = &["rustc-web", "rust-web-src"];
/// To lint Rust for Windows there.
const LINTS_FOR_WINDOWS: &[&str] = &["rust-web-clippy"];
/// To link the kernel-mode driver.
const LINKER: &[&str] = &["lld-19"];
/// To run Windows programs: Wine, a headless X server, the X libraries that Wine loads, OpenGL for Wine's own renderer, Vulkan
/// for ours.
const WINE: &[&str] = &[
    "wine",
    "wine64",
    "xvfb",
    "libxcursor1",
    "libxi6",
    "libxrandr2",
    "libxrender1",
    "libgl1",
    "libgl1-mesa-dri",
    "libvulkan1",
    "mesa-vulkan-drivers",
];
/// To make the driver package: the linker of 32-bit programs, certificates, signatures.
const PACKAGE: &[&str] = &["gcc-mingw-w64-i686-posix", "openssl", "osslsigncode"];
/// To check all SPIR-V, and to compare the shader compiler with Wine's.
const SHADERS: &[&str] = &["spirv-tools", "libvkd3d-shader1"];
/// Tests also check all Vulkan calls, and make networks of their own.
const TESTS: &[&str] = &["vulkan-validationlayers", "iproute2"];
/// To run a virtual machine, where Debian has the package for this machine.
const VIRTUAL_MACHINE: &str = "qemu-system-x86";
/// To fetch wheels, for a machine whose Python has no pip.
const PIP: &[&str] = &["python3-pip"];

/// Makes sure that everything needed is installed: root installs it, others are told the command.
///
/// # Errors
/// [`Error::Missing`] for a non-root user, or apt's failure.
pub fn ensure(purpose: Purpose) -> Result<()> {
    let debian_rust =
        purpose != Purpose::Shaders && (!toolchain::has_windows_target() || !kernel::has_target());
    let wanted = wanted(purpose, debian_rust);
    let mut missing = missing(&wanted)?;
    if debian_rust && !missing.contains(&RUST_FOR_WINDOWS[0]) && !toolchain::has_debian_compiler() {
        // It is there, but too old: installing it again brings it up to date.
        missing.extend(RUST_FOR_WINDOWS);
    }
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !is_root()? {
        if missing == [VIRTUAL_MACHINE] && !has_virtual_machine() {
            return Ok(());
        }
        return Err(Error::Missing(format!(
            "these packages are missing; install them and start again:\n  sudo apt-get update && sudo apt-get install -y \
             --no-install-recommends {list}"
        )));
    }
    progress::step(format!("Installing packages: {list}"), || {
        process::run_quietly(Command::new("apt-get").args(["update", "--quiet"]))?;
        missing.retain(|name| *name != VIRTUAL_MACHINE || has_virtual_machine());
        if missing.is_empty() {
            return Ok(());
        }
        process::run_quietly(
            Command::new("apt-get")
                .args(["install", "--quiet", "--yes", "--no-install-recommends"])
                .args(&missing)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )?;
        Ok(())
    })
}

/// Whether apt knows a package with QEMU for this machine.
pub fn has_virtual_machine() -> bool {
    process::works(Command::new("apt-cache").args(["show", VIRTUAL_MACHINE]))
}

/// The packages of a purpose; those that stand in for what is not of Debian only if that is not there.
fn wanted(purpose: Purpose, debian_rust: bool) -> Vec<&'static str> {
    if purpose == Purpose::Shaders {
        return SHADERS.to_vec();
    }
    let mut wanted = [MINGW, WINE].concat();
    if purpose != Purpose::Programs {
        wanted.extend(PACKAGE);
    }
    if purpose == Purpose::Everything {
        wanted.extend([SHADERS, TESTS, &[VIRTUAL_MACHINE]].concat());
    }
    if debian_rust {
        wanted.extend(RUST_FOR_WINDOWS);
        if purpose == Purpose::Everything {
            wanted.extend(LINTS_FOR_WINDOWS);
        }
    }
    if !kernel::has_linker() {
        wanted.extend(LINKER);
    }
    if !process::works(Command::new("python3").args(["-m", "pip", "--version"])) {
        wanted.extend(PIP);
    }
    wanted
}

/// Whether this runs as root, which a user is too in a namespace of their own.
///
/// # Errors
/// If the system does not tell.
pub(crate) fn is_root() -> Result<bool> {
    // The owner of our own entry is the user we run as.
    let entry = std::fs::metadata("/proc/self")
        .map_err(|source| Error::Io { what: "cannot find out who runs this".to_owned(), source })?;
    Ok(entry.uid() == 0)
}

fn missing<'a>(wanted: &[&'a str]) -> Result<Vec<&'a str>> {
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat", "${Package} ${db:Status-Status}\n"])
        .args(wanted)
        .output();
    let output = output.map_err(|_| {
        Error::Missing(format!(
            "this is not a Debian machine (there is no dpkg-query); only Debian 12 is supported. Its packages needed are: {}",
            wanted.join(" ")
        ))
    })?;
    // dpkg-query ends with an error when it does not know a package; its list is right all the same.
    Ok(not_installed(wanted, &String::from_utf8_lossy(&output.stdout)))
}

fn not_installed<'a>(wanted: &[&'a str], listing: &str) -> Vec<&'a str> {
    let installed =
        |name: &str| listing.lines().any(|line| line.split_once(' ') == Some((name, "installed")));
    wanted.iter().copied().filter(|name| !installed(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shaders_need_little_and_everything_includes_it() {
        assert_eq!(wanted(Purpose::Shaders, true), ["spirv-tools", "libvkd3d-shader1"]);
        let everything = wanted(Purpose::Everything, false);
        assert!(SHADERS.iter().all(|package| everything.contains(package)));
        assert!(!wanted(Purpose::Programs, false).contains(&"libvkd3d-shader1"));
    }

    #[test]
    fn only_installed_counts() {
        let listing = "wine installed\nxvfb config-files\nwine64 not-installed\n";
        assert_eq!(
            not_installed(&["wine", "wine64", "xvfb", "unheard-of"], listing),
            ["wine64", "xvfb", "unheard-of"]
        );
        assert!(not_installed(&["wine"], listing).is_empty());
    }
}
