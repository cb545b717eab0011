//! What a lab can fail with: a sentence that says what to do.

use std::fmt;
use std::io;

/// A lab's result.
pub type Result<T> = std::result::Result<T, Error>;

/// Why there is no lab, or a measure has no figure.
#[derive(Debug)]
pub enum Error {
    /// This user may not make network namespaces.
    NotAllowed {
        /// What the tool said.
        message: String,
    },
    /// A tool of the system is not installed.
    NoTool {
        /// Which.
        tool: &'static str,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// There is no access to TUN devices.
    NoTun {
        /// The system's answer.
        source: io::Error,
    },
    /// A tool ended with an error.
    Tool {
        /// The tool with its arguments.
        command: String,
        /// What it said.
        message: String,
    },
    /// The system refused something.
    Io {
        /// What was tried, e.g. "a namespace cannot be entered".
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The specification asks for what no path has.
    Spec(&'static str),
}

impl Error {
    /// For `map_err`.
    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }

    /// For `map_err` after one of rustix's functions.
    pub(crate) fn system(what: &'static str) -> impl FnOnce(rustix::io::Errno) -> Self {
        move |source| Self::Io { what, source: source.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAllowed { message } => write!(
                f,
                "network namespaces cannot be made ({message}); start this as root, or as `unshare --user --map-root-user \
                 COMMAND` where the kernel lets users have namespaces (sysctl kernel.unprivileged_userns_clone=1, \
                 user.max_net_namespaces above 0)"
            ),
            Self::NoTool { tool, package } => {
                write!(f, "`{tool}` is not installed; `apt-get install {package}` brings it")
            }
            Self::NoTun { source } => write!(
                f,
                "/dev/net/tun cannot be used ({source}); load the module with `modprobe tun` and give this user access to the device"
            ),
            Self::Tool { command, message } => write!(f, "`{command}` failed: {message}"),
            Self::Io { what, source } => write!(f, "{what}: {source}"),
            Self::Spec(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoTun { source } | Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
