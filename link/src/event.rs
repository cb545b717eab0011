//! What the service has to say, a line each.

use std::fmt;
use std::time::Duration;

use crate::trouble::Trouble;

/// Something that has happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// The driver has mapped its aperture.
    Attached {
        /// The aperture's bytes.
        bytes: u64,
    },
    /// The host serves.
    Up {
        /// Where it is.
        link: &'a str,
        /// The shortest way there and back so far; zero while it is not known.
        round_trip: Duration,
    },
    /// There is no link; it is tried again. The same trouble is told once in a row.
    Trouble(&'a Trouble),
    /// The service has ended, as it was asked to.
    Stopped,
}

impl Event<'_> {
    /// Whether it is about something that should not be.
    pub fn is_trouble(&self) -> bool {
        matches!(self, Self::Trouble(_))
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attached { bytes } => {
                write!(f, "attached to the driver, whose aperture has {} MiB", bytes >> 20)
            }
            Self::Up { link, round_trip: Duration::ZERO } => write!(f, "the link {link} is up"),
            Self::Up { link, round_trip } => {
                write!(f, "the link {link} is up (round trip {} µs)", round_trip.as_micros())
            }
            Self::Trouble(trouble) => trouble.fmt(f),
            Self::Stopped => f.write_str("ended"),
        }
    }
}
