//! The driver's image as the model wants it: mapped by the loader, from the file that `cargo xtask kernel` builds.

use std::ffi::c_void;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use pvgpu_dxgkrnl::{DriverEntry, DriverImage, LoadedImage};
use pvgpu_loader::Image;

/// Names another file than the one that was built here.
pub const VARIABLE: &str = "PVGPU_KERNEL_IMAGE";

/// Where the image is.
pub fn path() -> PathBuf {
    if let Some(path) = std::env::var_os(VARIABLE) {
        return path.into();
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    // PANIC: this crate lies at ci/kernel, so its folder has two parents.
    let root = folder.ancestors().nth(2).expect("ci/kernel lies two folders below the top");
    root.join("target/kernel/x86_64-pc-windows-msvc/release/pvgpukmd.sys")
}

/// The file's bytes.
///
/// # Panics
/// When it was not built: nothing here can run without it.
pub fn bytes() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let path = path();
        std::fs::read(&path).unwrap_or_else(|error| {
            panic!("{}: {error}; `cargo xtask kernel` builds it, {VARIABLE} names another", path.display())
        })
    })
}

/// The file, which can be loaded as often as there are systems.
pub fn shipped() -> Arc<dyn DriverImage> {
    Arc::new(Shipped)
}

struct Shipped;

impl DriverImage for Shipped {
    fn load(&self, exports: &dyn Fn(&str) -> Option<*const c_void>) -> Result<Box<dyn LoadedImage>, String> {
        let image =
            Image::from_bytes("pvgpukmd.sys", bytes(), &exports).map_err(|error| error.to_string())?;
        Ok(Box::new(Mapped(image)))
    }
}

struct Mapped(Image);

impl LoadedImage for Mapped {
    fn entry(&self) -> DriverEntry {
        self.0.entry()
    }

    fn discard_init(&self) {
        self.0.discard_init().expect("protection changes");
    }

    fn offset(&self, address: usize) -> Option<usize> {
        self.0.offset(address)
    }
}
