//! What can be wrong with a stream.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a stream device cannot be used, or what the other end of one did wrong. Callers get it inside an [`io::Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum StreamError {
    /// A record of no known kind.
    Kind {
        /// What its first byte says.
        kind: u8,
    },
    /// A channel that is none of the two.
    Channel {
        /// What the record says.
        channel: u8,
    },
    /// A length that a record of this kind cannot have.
    Length {
        /// What the record says.
        length: u16,
        /// Bytes of payload that any record may have.
        most: usize,
    },
    /// The first record is no hello of pvgpu.
    Greeting,
    /// The other end speaks another version of the mux.
    Version {
        /// Theirs.
        theirs: u16,
        /// This one's.
        ours: u16,
    },
    /// A record of another session.
    Session {
        /// What the record says.
        theirs: u32,
        /// This session.
        ours: u32,
    },
    /// The other end has started again without saying goodbye.
    Restarted,
    /// Records are missing, or came twice.
    Sequence {
        /// The number that the record has.
        got: u64,
        /// The number that comes next.
        expected: u64,
    },
    /// More bytes of a channel than were allowed.
    Overrun {
        /// Up to which byte the record goes.
        end: u64,
        /// Up to which byte was allowed.
        limit: u64,
    },
    /// A credit for less than an earlier one, or for more than can have been read.
    Credit {
        /// What the record says.
        limit: u64,
        /// The least that it may say.
        least: u64,
        /// The most that it may say.
        most: u64,
    },
    /// Nobody has opened the other end.
    Alone {
        /// How long this end has waited.
        waited: Duration,
    },
    /// The device cannot be opened.
    Open {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The cable is gone, or the stream's configuration is.
    Unplugged,
    /// The device completes frames only while somebody reads or writes, so that nobody can wait for it.
    BusyPoll,
    /// The system has no such device.
    NotLinux,
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind { kind } => write!(f, "the other end of the stream sent a record of the unknown kind {kind}"),
            Self::Channel { channel } => {
                write!(f, "the other end of the stream sent a record of the unknown channel {channel}")
            }
            Self::Length { length, most } => {
                write!(f, "the other end of the stream sent a record of {length} bytes, where {most} fit a frame")
            }
            Self::Greeting => f.write_str(
                "the other end of the stream does not speak pvgpu; give both machines a stream device of their own",
            ),
            Self::Version { theirs, ours } => write!(
                f,
                "the other end of the stream speaks version {theirs} and this one version {ours}; install the same pvgpu on both machines"
            ),
            Self::Session { theirs, ours } => {
                write!(f, "the other end of the stream sent a record of session {theirs:#x} in session {ours:#x}")
            }
            Self::Restarted => f.write_str("the other end of the stream has started again; connect again"),
            Self::Sequence { got, expected } => {
                write!(f, "the stream lost frames: record {got} came where record {expected} was due; connect again")
            }
            Self::Overrun { end, limit } => {
                write!(f, "the other end of the stream sent up to byte {end} where {limit} were allowed")
            }
            Self::Credit { limit, least, most } => write!(
                f,
                "the other end of the stream allows {limit} bytes, where only {least} to {most} can be meant"
            ),
            Self::Alone { waited } => write!(
                f,
                "nobody answered on the stream within {} s; start pvgpu on the other machine with its end of the same stream",
                waited.as_secs()
            ),
            Self::Open { path, source } => match source.kind() {
                io::ErrorKind::NotFound => write!(
                    f,
                    "{} does not exist; load thunderbolt_stream (Linux 7.2 or newer) and make a stream below /sys/kernel/config/thunderbolt/stream",
                    path.display()
                ),
                io::ErrorKind::PermissionDenied => write!(
                    f,
                    "{} belongs to root; let this user read and write it, by a udev rule for good",
                    path.display()
                ),
                io::ErrorKind::ResourceBusy => write!(
                    f,
                    "{} is in use by another program; a stream carries one guest, so end that or make a second stream",
                    path.display()
                ),
                io::ErrorKind::InvalidInput => write!(
                    f,
                    "{} has no HopIDs; write -1 to in_hopid and out_hopid of its folder below /sys/kernel/config/thunderbolt/stream",
                    path.display()
                ),
                _ => write!(
                    f,
                    "{} cannot be opened ({source}); is the cable in, and thunderbolt_stream loaded on both machines?",
                    path.display()
                ),
            },
            Self::Unplugged => f.write_str("the stream is gone: the cable was pulled, or its configuration removed"),
            Self::BusyPoll => f.write_str(
                "the stream device is in busy-poll mode, in which nobody can wait for it; write 0 to its busy_poll below /sys/kernel/config/thunderbolt/stream",
            ),
            Self::NotLinux => f.write_str(
                "stream devices exist between two Linux machines only; use a thunderbolt: link to or from Windows",
            ),
        }
    }
}

impl std::error::Error for StreamError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<StreamError> for io::Error {
    fn from(error: StreamError) -> Self {
        let kind = match &error {
            StreamError::Alone { .. } => io::ErrorKind::TimedOut,
            StreamError::Open { source, .. } => source.kind(),
            StreamError::Unplugged => io::ErrorKind::ConnectionReset,
            StreamError::Restarted => io::ErrorKind::ConnectionAborted,
            StreamError::BusyPoll | StreamError::NotLinux => io::ErrorKind::Unsupported,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
