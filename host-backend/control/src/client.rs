//! A client of the control socket: connects, asks, reads the answers line by line.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::{
    Accepted, MAX_SCREENSHOT_BYTES, Mode, Pairing, Recording, Refusal, Request, SOCKET_NAME, Screenshot,
    Status, TailRecord,
};

/// How long `status` may take: the daemon answers from memory, so a second is ample even under load.
const STATUS_TIMEOUT: Duration = Duration::from_secs(2);
/// A worker packs a picture of 8K in two seconds; the daemon itself gives up after ten.
const SCREENSHOT_TIMEOUT: Duration = Duration::from_secs(15);

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
    /// The daemon will not do it.
    Refused {
        /// Why, in a sentence.
        error: String,
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
            Self::Refused { error } => f.write_str(error),
            Self::Closed => f.write_str("pvgpud closed the connection without an answer"),
        }
    }
}

impl std::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connect { source, .. } | Self::Io(source) => Some(source),
            Self::Answer { .. } | Self::Refused { .. } | Self::Closed => None,
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
        Ok(self.ask_once(&Request::Status, STATUS_TIMEOUT)?.0)
    }

    /// Has a guest offer and prefer a mode; `None` takes an earlier one away. Gives the guest's name.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when there is no such guest or the mode breaks a rule.
    pub fn mode(self, guest: Option<String>, mode: Option<Mode>) -> Result<String, ClientError> {
        let (accepted, _): (Accepted, _) = self.ask_once(&Request::Mode { guest, mode }, STATUS_TIMEOUT)?;
        Ok(accepted.guest)
    }

    /// What a guest's screen shows, as a PNG file.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when there is no such guest or its screen shows nothing.
    pub fn screenshot(self, guest: Option<String>) -> Result<(Screenshot, Vec<u8>), ClientError> {
        let (head, mut stream): (Screenshot, _) =
            self.ask_once(&Request::Screenshot { guest }, SCREENSHOT_TIMEOUT)?;
        let bytes = head.bytes.min(MAX_SCREENSHOT_BYTES);
        let mut file = Vec::new();
        stream.by_ref().take(bytes).read_to_end(&mut file).map_err(ClientError::Io)?;
        // CAST: a length in memory.
        if file.len() as u64 != head.bytes {
            return Err(ClientError::Closed);
        }
        Ok((head, file))
    }

    /// Asks for the records of driver and host; the iterator ends when the daemon does.
    ///
    /// # Errors
    /// [`ClientError`] when the connection breaks.
    pub fn tail(self) -> Result<impl Iterator<Item = Result<TailRecord, ClientError>>, ClientError> {
        Ok(self.ask(&Request::Tail)?.lines().map(|line| {
            let line = line.map_err(ClientError::Io)?;
            serde_json::from_str(&line).map_err(|_| ClientError::Answer { line })
        }))
    }

    /// Asks for a recording ([`Request::Record`]); the iterator ends with the recording, or with the guest's worker.
    ///
    /// # Errors
    /// [`ClientError`] when the connection breaks; an item is [`ClientError::Refused`] when there can be no such recording.
    pub fn record(
        self,
        request: &Request,
    ) -> Result<impl Iterator<Item = Result<Recording, ClientError>> + use<>, ClientError> {
        self.follow(request)
    }

    /// Asks for a code; the iterator ends when somebody is paired, or nobody.
    ///
    /// # Errors
    /// [`ClientError`] when the connection breaks; an item is [`ClientError::Refused`] when no link of the daemon has pairings.
    pub fn pair(self) -> Result<impl Iterator<Item = Result<Pairing, ClientError>> + use<>, ClientError> {
        self.follow(&Request::Pair)
    }

    /// Asks for lines of one kind.
    fn follow<T: DeserializeOwned>(
        self,
        request: &Request,
    ) -> Result<impl Iterator<Item = Result<T, ClientError>> + use<T>, ClientError> {
        Ok(self.ask(request)?.lines().map(|line| {
            let line = line.map_err(ClientError::Io)?;
            match (serde_json::from_str(&line), serde_json::from_str(&line)) {
                (Ok(item), _) => Ok(item),
                (_, Ok(Refusal { error })) => Err(ClientError::Refused { error }),
                _ => Err(ClientError::Answer { line }),
            }
        }))
    }

    /// Asks for one line, and gives what follows it too.
    fn ask_once<T: DeserializeOwned>(
        self,
        request: &Request,
        timeout: Duration,
    ) -> Result<(T, BufReader<UnixStream>), ClientError> {
        self.stream.set_read_timeout(Some(timeout)).map_err(ClientError::Io)?;
        let mut stream = self.ask(request)?;
        let mut line = String::new();
        if stream.read_line(&mut line).map_err(ClientError::Io)? == 0 {
            return Err(ClientError::Closed);
        }
        match (serde_json::from_str(&line), serde_json::from_str(&line)) {
            (Ok(answer), _) => Ok((answer, stream)),
            (_, Ok(Refusal { error })) => Err(ClientError::Refused { error }),
            _ => Err(ClientError::Answer { line }),
        }
    }

    fn ask(mut self, request: &Request) -> Result<BufReader<UnixStream>, ClientError> {
        let mut line = serde_json::to_string(request).map_err(|error| ClientError::Io(error.into()))?;
        line.push('\n');
        self.stream.write_all(line.as_bytes()).map_err(ClientError::Io)?;
        Ok(BufReader::new(self.stream))
    }
}
