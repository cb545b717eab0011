//! Other people's shaders: finds every DXBC container under a folder.

pub mod extract;
pub mod judge;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A container and where it was found first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file, and the place in it: a line of a text, or an offset in bytes.
    pub origin: String,
    /// The container's bytes.
    pub bytes: Vec<u8>,
}

/// All different containers in the files under `folder`, in the order of the files' names. Links are not followed.
///
/// # Errors
/// If the folder or a file cannot be read.
pub fn under(folder: &Path) -> io::Result<Vec<Found>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let (mut found, mut known) = (Vec::new(), HashSet::new());
    for file in files {
        let bytes = fs::read(&file).map_err(named(&file))?;
        let name = file.strip_prefix(folder).unwrap_or(&file).display();
        for (place, container) in extract::containers(&bytes) {
            if known.insert(container.clone()) {
                found.push(Found { origin: format!("{name}{place}"), bytes: container });
            }
        }
    }
    Ok(found)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder).map_err(named(folder))? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn named(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    let path = path.display().to_string();
    move |error| io::Error::new(error.kind(), format!("{path}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixtures_are_found_once() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dxbc/tests/in");
        let found = under(&folder).unwrap();
        let fixtures = crate::fixture::fixtures();
        assert_eq!(found.len(), fixtures.len());
        for (found, fixture) in found.iter().zip(&fixtures) {
            assert_eq!(found.origin, format!("{}.dxbc", fixture.name));
            assert!(found.bytes == fixture.bytes);
        }
        assert!(under(Path::new("/nowhere")).unwrap_err().to_string().contains("/nowhere"));
    }
}
