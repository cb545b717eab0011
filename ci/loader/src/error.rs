//! Why an image cannot be loaded.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why an image cannot be loaded: which rule it breaks, and where.
#[derive(Debug)]
pub enum LoadError {
    /// The file cannot be read.
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The headers are not those of a PE file.
    Headers(String),
    /// It is a PE file, but no 64-bit driver.
    NotADriver(&'static str),
    /// A number in the headers is impossible.
    Size {
        /// Which one.
        what: &'static str,
        /// Its value.
        value: u64,
    },
    /// A section lies outside the file or the image, or overlaps another one.
    Section {
        /// Its name.
        name: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A table of the image points outside it or does not end.
    Table {
        /// Which one.
        name: &'static str,
        /// Where reading it failed, from the image's start.
        offset: usize,
    },
    /// A relocation is of a kind that x64 images do not have.
    Relocation {
        /// The kind.
        kind: u16,
        /// The place to change, from the image's start.
        offset: usize,
    },
    /// It imports from a module that is not the kernel.
    Library(String),
    /// It imports by number, which drivers do not.
    Ordinal(u64),
    /// Nobody exports these.
    Unresolved(Vec<String>),
    /// The system gives no memory, or refuses its protection.
    Memory(io::Error),
    /// The system does not take the image's unwind tables, or too many images are loaded.
    Exceptions(&'static str),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, source } => write!(f, "cannot read {}: {source}", path.display()),
            Self::Headers(why) => write!(f, "these are no PE headers: {why}"),
            Self::NotADriver(why) => write!(f, "this is no 64-bit driver: {why}"),
            Self::Size { what, value } => write!(f, "{what} cannot be {value}"),
            Self::Section { name, why } => write!(f, "section {name}: {why}"),
            Self::Table { name, offset } => write!(f, "the {name} are broken at offset {offset:#x}"),
            Self::Relocation { kind, offset } => {
                write!(f, "the relocation at offset {offset:#x} is of kind {kind}, and x64 has no such")
            }
            Self::Library(name) => write!(f, "the image imports from {name}, not from ntoskrnl.exe"),
            Self::Ordinal(number) => write!(f, "the image imports number {number}, not a name"),
            Self::Unresolved(names) => write!(f, "nobody exports {}", names.join(", ")),
            Self::Memory(source) => write!(f, "no memory for the image: {source}"),
            Self::Exceptions(why) => write!(f, "the image's exceptions cannot be handled: {why}"),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { source, .. } | Self::Memory(source) => Some(source),
            _ => None,
        }
    }
}
