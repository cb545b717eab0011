//! A client of the control socket: connects, asks, reads the answers line by line.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{Request, SOCKET_NAME, Status, TailRecord};

/// How long `status` may take: the daemon answers from memory, so a second is ample even under load.
const STATUS_TIMEOUT: Duration = Duration::from_secs(2);

/// Why the daemon could not be asked.
#[derive(Debug)]
pub enum ClientError {
    /// Nobody listens.
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The connection broke.
    Io(std::io::Error),
    /// The answer is not what was asked for.
    Answer {
        /// The line.
        line: String,
    },
    /// The daemon closed the connection without an answer.
    Closed,
}

impl std::fmt::Display for ClientError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connect { path, source } => {
                write!(f, "no pvgpud answers at {} ({source}); is it running?", path.display())
            }
            Self::Io(source) => write!(f, "the connection to pvgpud broke: {source}"),
            Self::Answer { line } => write!(f, "pvgpud answered {line:?}"),
            Self::Closed => f.write_str("pvgpud closed the connection without an answer"),
        }
    }
}

impl std::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connect { source, .. } | Self::Io(source) => Some(source),
            Self::Answer { .. } | Self::Closed => None,
        }
    }
}

/// A connection on which nothing was asked yet.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
}

impl Client {
    /// Connects to the daemon that serves the link with this folder.
    ///
    /// # Errors
    /// [`ClientError::Connect`] when nobody listens there.
    pub fn connect(link_folder: &Path) -> Result<Self, ClientError> {
        let path = link_folder.join(SOCKET_NAME);
        match UnixStream::connect(&path) {
            Ok(stream) => Ok(Self { stream }),
            Err(source) => Err(ClientError::Connect { path, source }),
        }
    }

    /// Asks for the status.
    ///
    /// # Errors
    /// [`ClientError`] when the connection breaks or the answer is no status.
    pub fn status(self) -> Result<Status, ClientError> {
        self.stream.set_read_timeout(Some(STATUS_TIMEOUT)).map_err(ClientError::Io)?;
        let mut lines = self.ask(Request::Status)?;
        let line = lines.next().ok_or(ClientError::Closed)?.map_err(ClientError::Io)?;
        serde_json::from_str(&line).map_err(|_| ClientError::Answer { line })
    }

    /// Asks for the records of driver and host; the iterator ends when the daemon does.
    ///
    /// # Errors
    /// [`ClientError`] when the connection breaks.
    pub fn tail(self) -> Result<impl Iterator<Item = Result<TailRecord, ClientError>>, ClientError> {
        Ok(self.ask(Request::Tail)?.map(|line| {
            let line = line.map_err(ClientError::Io)?;
            serde_json::from_str(&line).map_err(|_| ClientError::Answer { line })
        }))
    }

    fn ask(mut self, request: Request) -> Result<impl Iterator<Item = std::io::Result<String>>, ClientError> {
        let mut line = serde_json::to_string(&request).map_err(|error| ClientError::Io(error.into()))?;
        line.push('\n');
        self.stream.write_all(line.as_bytes()).map_err(ClientError::Io)?;
        Ok(BufReader::new(self.stream).lines())
    }
}
