//! Wine: a prefix made once, a private copy of it for each run, and a headless X server.
//!
//! A prefix takes 8 s to make and holds 695 MB, nearly all of it Wine's own DLLs in `drive_c/windows`. A copy links to those
//! files instead of copying them, which takes 20 ms and no space. Files that programs and Wine change are copied for real.

mod display;
mod prefix;

pub use display::{Display, SCREEN};
pub use prefix::{Prefix, template};

use std::path::{Component, Path};

/// The name by which a Windows program finds a file of this machine: Wine shows `/` as drive `Z:`.
pub fn windows_path(path: &Path) -> String {
    let mut name = "Z:".to_owned();
    for component in path.components() {
        if let Component::Normal(part) = component {
            name.push('\\');
            name.push_str(&part.to_string_lossy());
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_paths() {
        assert_eq!(windows_path(Path::new("/dev/shm/a b")), r"Z:\dev\shm\a b");
        assert_eq!(windows_path(Path::new("/")), "Z:");
    }
}
