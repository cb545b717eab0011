//! Tells the linker how to make a driver of the program, and gives it its version resource.
//!
//! Both `lld-link` (on Linux) and `link.exe` (on Windows) understand all of it. With the feature `wdk`, windows-drivers-rs says where
//! the WDK's libraries are; what else it tells the linker is for libraries, and this is a program, so ours holds in both
//! builds.

use std::env;
use std::path::PathBuf;

use pvgpu_version::{Kind, Machine, Version, object, resource};

/// For every linker.
const ARGUMENTS: &[&str] = &[
    // A native image that NT loads: no C runtime, no subsystem, our entry.
    "/DRIVER:WDM",
    "/SUBSYSTEM:NATIVE,10.00",
    "/ENTRY:DriverEntry",
    "/NODEFAULTLIB",
    // What only runs in DriverEntry is given back afterwards.
    "/SECTION:INIT,ERD",
    "/GUARD:CF",
    "/DYNAMICBASE",
    "/NXCOMPAT",
    "/TSAWARE:NO",
    // Writes the checksum, which NT checks in drivers.
    "/RELEASE",
    // No time stamp and no path of this machine. What differs between two builds of the same sources is the PDB's identity alone, if
    // they were made in different folders: it is a hash of the PDB, which names them.
    "/Brepro",
    "/PDBALTPATH:pvgpukmd.pdb",
    "/OPT:REF,ICF",
    "/MANIFEST:NO",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_IMAGE").is_none() {
        return;
    }
    #[cfg(feature = "wdk")]
    wdk_build::configure_wdk_binary_build()
        .expect("the WDK is installed, and the C runtime is linked statically");
    // PANIC: cargo sets these for every build script.
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let number = |part| {
        let text = env::var(format!("CARGO_PKG_VERSION_{part}")).expect("cargo sets the version");
        text.parse().expect("each part of the version is below 65536")
    };
    let version = Version {
        numbers: [number("MAJOR"), number("MINOR"), number("PATCH"), 0],
        description: "pvgpu kernel-mode display driver",
        file: "pvgpukmd.sys",
        kind: Kind::DisplayDriver,
    };
    let path = folder.join("version.obj");
    std::fs::write(&path, object(Machine::X64, &resource(&version))).expect("OUT_DIR can be written");
    for argument in ARGUMENTS {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    println!("cargo::rustc-link-arg-bins={}", path.display());
}
