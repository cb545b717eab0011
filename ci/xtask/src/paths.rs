//! Where things lie in the checkout.

use std::path::{Path, PathBuf};

/// The checkout's top folder.
pub fn root() -> &'static Path {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    // PANIC: this crate lies at ci/xtask, so its folder has two parents.
    crate_folder.ancestors().nth(2).expect("ci/xtask lies two folders below the top")
}

/// A path below `target/`, where all generated things go.
pub fn target(relative: &str) -> PathBuf {
    root().join("target").join(relative)
}

/// A program for this machine, as [`crate::toolchain::build_host`] builds it.
pub fn host_program(name: &str) -> PathBuf {
    target("release").join(name)
}

/// A Windows program or DLL, as [`crate::toolchain::build_windows`] builds it.
pub fn windows_file(name: &str) -> PathBuf {
    target("windows/x86_64-pc-windows-gnu/release").join(name)
}

/// The kernel-mode driver or its debug information, as [`crate::kernel::build`] builds it.
pub fn kernel_file(name: &str) -> PathBuf {
    target("kernel/x86_64-pc-windows-msvc/release").join(name)
}
