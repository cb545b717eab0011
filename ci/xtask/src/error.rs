//! What a task can fail with: always a sentence that a user can act on.

use std::fmt;
use std::io;
use std::path::Path;

/// A task's result.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a task stopped.
#[derive(Debug)]
pub enum Error {
    /// The command line is wrong; the text says how.
    Usage(String),
    /// Something is missing on this machine; the text says what to do about it.
    Missing(String),
    /// A file or process could not be used.
    Io {
        /// What was tried, e.g. "cannot read target/x".
        what: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A tool that was started ended with an error; its own messages came before.
    Tool {
        /// The tool and its first arguments.
        tool: String,
        /// How it ended.
        ending: String,
    },
    /// The task itself found that something is not as it must be.
    Failed(String),
}

impl Error {
    /// For `map_err` after an operation on a file or folder.
    pub fn io(what: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let what = format!("cannot {what} {}", path.display());
        move |source| Self::Io { what, source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => write!(f, "{text}\nTry `cargo xtask help`."),
            Self::Missing(text) | Self::Failed(text) => f.write_str(text),
            Self::Io { what, source } => write!(f, "{what}: {source}"),
            Self::Tool { tool, ending } => write!(f, "`{tool}` failed: {ending}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<lexopt::Error> for Error {
    fn from(error: lexopt::Error) -> Self {
        Self::Usage(error.to_string())
    }
}
