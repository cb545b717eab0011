//! Why a command could not be carried out, as one sentence.

#[cfg(any(windows, test))]
use crate::driver::DriverError;
use pvgpu_transport::secure::SecureError;
use pvgpu_transport::tcp::TcpError;
use pvgpu_transport::thunderbolt::FindError;
use pvgpu_transport::{LinkError, tbstream};

/// Why nothing could be shown or done.
#[derive(Debug)]
pub enum Error {
    /// The link is none, or none that this version carries.
    Link(LinkError),
    /// The daemon does not answer, or will not.
    #[cfg(unix)]
    Client {
        /// Which link it serves.
        link: String,
        /// What went wrong.
        source: pvgpu_control::ClientError,
    },
    /// The driver does not answer, or will not.
    #[cfg(any(windows, test))]
    Driver(DriverError),
    /// A file cannot be written.
    #[cfg(unix)]
    File {
        /// Which one.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A recording has ended too early.
    #[cfg(unix)]
    Recording {
        /// Its file.
        path: std::path::PathBuf,
        /// Why.
        error: String,
    },
    /// Nobody was paired.
    #[cfg(unix)]
    NotPaired {
        /// Why.
        error: String,
    },
    /// A host to be paired with is named by another link than one between machines.
    NotBetweenMachines {
        /// The link.
        link: String,
    },
    /// This machine's key, its peers or a code cannot be used.
    Secure(SecureError),
    /// A host cannot be paired with.
    Tcp(TcpError),
    /// The system does not tell its cables.
    Cables(std::io::Error),
    /// No host is found at a cable.
    Cable(FindError),
    /// A host at a stream cannot be paired with.
    Stream(tbstream::LinkError),
    /// The driver was not installed or removed.
    #[cfg(windows)]
    Install(pvgpu_install::Error),
    /// Standard output is gone; nobody reads any more.
    Output(std::io::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Link(error) => error.fmt(f),
            #[cfg(unix)]
            Self::Client { link, source } => client(f, link, source),
            #[cfg(any(windows, test))]
            Self::Driver(error) => error.fmt(f),
            #[cfg(unix)]
            Self::File { path, source } => write!(f, "{} cannot be written: {source}", path.display()),
            #[cfg(unix)]
            Self::Recording { path, error } => {
                write!(f, "the recording {} has ended: {error}", path.display())
            }
            #[cfg(unix)]
            Self::NotPaired { error } => write!(f, "nobody is paired: {error}"),
            Self::NotBetweenMachines { link } => {
                write!(
                    f,
                    "{link:?} is no link between machines; use the one that the host shows, such as tcp://HOST:PORT"
                )
            }
            Self::Secure(error) => error.fmt(f),
            Self::Tcp(error) => error.fmt(f),
            Self::Cables(source) => write!(f, "the system does not tell its cables: {source}"),
            Self::Cable(error) => error.fmt(f),
            Self::Stream(error) => error.fmt(f),
            #[cfg(windows)]
            Self::Install(error) => error.fmt(f),
            Self::Output(source) => write!(f, "the output cannot be written: {source}"),
        }
    }
}

#[cfg(unix)]
fn client(
    f: &mut std::fmt::Formatter<'_>,
    link: &str,
    source: &pvgpu_control::ClientError,
) -> std::fmt::Result {
    use pvgpu_control::ClientError;
    use std::io::ErrorKind;
    match source {
        ClientError::Connect { source, .. } => match source.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
                write!(f, "no pvgpud serves {link}; start one with `pvgpud --link {link}`")
            }
            ErrorKind::PermissionDenied => {
                write!(f, "the pvgpud that serves {link} belongs to another user; run pvgpu-ctl as that user")
            }
            _ => write!(f, "the pvgpud that serves {link} cannot be reached: {source}"),
        },
        ClientError::Refused { error } => f.write_str(error),
        ClientError::Io(_) | ClientError::Answer { .. } | ClientError::Closed => {
            write!(f, "{source} (link {link})")
        }
    }
}
