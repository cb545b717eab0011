//! The table of layouts against everything that can confirm it, and what is written from it.
//!
//! - `complete`: the table has every struct, flag word and constant of the crate.
//! - `facts`: sizes that public headers assert are ours.
//! - `headers`: with `PVGPU_WDDM_HEADERS=DIR`, a C compiler confirms each number with the headers in that folder.
//! - `document`, `probe`: `docs/layouts.md` and `ci/probe` say what the table says; `PVGPU_BLESS=1` rewrites them.
//! - `unions`: blocks that stand for unions give back what was put in.

mod complete;
mod document;
mod facts;
mod headers;
mod probe;
mod unions;

use std::path::{Path, PathBuf};

use pvgpu_kmd_ddi::{LAYOUTS, Layout};

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The layout of a struct, by our name.
fn layout(name: &str) -> &'static Layout {
    let found = LAYOUTS.iter().find(|layout| layout.name == name);
    found.unwrap_or_else(|| panic!("{name} is not in the table"))
}

/// Fails unless the file holds `text`; with `PVGPU_BLESS` it is made to.
fn current(path: &str, text: &str) {
    let path = root().join(path);
    if std::env::var_os("PVGPU_BLESS").is_some() {
        std::fs::write(&path, text).expect("the file can be written");
    }
    let committed = std::fs::read_to_string(&path).expect("the file is committed");
    for (number, (ours, theirs)) in text.lines().zip(committed.lines()).enumerate() {
        assert_eq!(
            ours,
            theirs,
            "{}:{} differs from the table; run with PVGPU_BLESS=1",
            path.display(),
            number + 1
        );
    }
    assert_eq!(
        text.lines().count(),
        committed.lines().count(),
        "{} has not all of the table",
        path.display()
    );
}
