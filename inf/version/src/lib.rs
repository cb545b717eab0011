//! Version resources (VS_VERSIONINFO) for our Windows DLLs and programs.
//!
//! A build script calls [`embed`]; it writes an object file with a `.rsrc` section and has it linked in, which works alike
//! with GNU's and Microsoft's linker and needs no resource compiler. [`resource`] makes the resource itself, [`object`]
//! wraps it, [`read`] gets the numbers back out of a resource.
//!
//! Sources: "VS_VERSIONINFO structure", "VS_FIXEDFILEINFO structure" and "PE Format" of Microsoft's documentation.
//!
//! # Invariants
//! The bytes follow from the arguments alone: no clock, no path.
#![forbid(unsafe_code)]

mod object;
mod resource;

use std::path::PathBuf;

pub use object::{Machine, object};
pub use resource::{Kind, Version, read, resource};

/// Links a version resource into the crate that is being built, if it is built for Windows. For build scripts.
///
/// `description` is what Windows' file properties show; `file` is the file's own name.
///
/// # Panics
/// If called outside a build script, or if the object file cannot be written.
pub fn embed(description: &str, file: &str, kind: Kind) {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    if variable("CARGO_CFG_TARGET_OS") != "windows" {
        return;
    }
    let number =
        |part: &str| variable(&format!("CARGO_PKG_VERSION_{part}")).parse().expect("a version below 65536");
    let numbers = [number("MAJOR"), number("MINOR"), number("PATCH"), 0];
    let machine = if variable("CARGO_CFG_TARGET_ARCH") == "x86" { Machine::X86 } else { Machine::X64 };
    let bytes = object(machine, &resource(&Version { numbers, description, file, kind }));
    let folder = std::env::var_os("OUT_DIR").expect("cargo tells a build script its folder");
    let path = PathBuf::from(folder).join("version.o");
    std::fs::write(&path, bytes).expect("the object file can be written");
    let target = if kind == Kind::Program { "bins" } else { "cdylib" };
    println!("cargo::rustc-link-arg-{target}={}", path.display());
    if variable("CARGO_CFG_TARGET_ENV") == "gnu" {
        // The same sources give the same file: no time in its header.
        println!("cargo::rustc-link-arg-{target}=-Wl,--no-insert-timestamp");
    }
}
