//! The control socket of `pvgpud`: what may be asked, what is answered, and a client.
//!
//! For `pvgpu-ctl`, `cargo xtask` and the daemon itself. The socket is `control.sock` in the folder of a link. A client
//! sends one [`Request`] as a line of JSON:
//! - `status` is answered by one line with a [`Status`];
//! - `tail` by a line with a [`TailRecord`] for everything that happens, until the client hangs up; the first has the code
//!   `WATCHING`;
//! - `mode` by one line with an [`Accepted`], once the guest's worker has been told;
//! - `screenshot` by one line with a [`Screenshot`], and right behind it that many bytes of a PNG file;
//! - `record` by a line with a [`Recording`] each time that something changes, the last of which says that it has ended. A client
//!   that hangs up ends it;
//! - `pair` by a line with a [`Pairing`] that shows a code, and one that says how it went. A client that hangs up takes the code back.
//!
//! A request that is not understood, or cannot be met, is answered by one [`Refusal`].
//!
//! The texts for people (`pvgpu-ctl`) use the same types for what a driver says of itself, where no daemon is asked.
//!
//! # Invariants
//! Fields are only ever added. A reader ignores fields that it does not know.
#![forbid(unsafe_code)]

#[cfg(unix)]
mod client;
mod status;
mod tail;

#[cfg(unix)]
pub use client::{Client, ClientError};
pub use status::{Gpu, Guest, Latency, LinkCounters, Mode, Screen, Status};
pub use tail::{Level, Source, TailRecord};

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// File name of the socket inside a link's folder.
pub const SOCKET_NAME: &str = "control.sock";

/// What a client asks, one per connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// The state of the daemon and of each guest, once.
    Status,
    /// Records from driver and host as they come.
    Tail,
    /// Has a guest offer and prefer a display mode.
    Mode {
        /// Which guest: its name or its process; may be left out when there is only one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        guest: Option<String>,
        /// The mode; `None` takes an earlier one away.
        mode: Option<Mode>,
    },
    /// A picture of what a guest's screen shows.
    Screenshot {
        /// Which guest: its name or its process; may be left out when there is only one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        guest: Option<String>,
    },
    /// Records a guest that is still to come, from its first record on.
    Record {
        /// Only a guest of this name or process; else the next one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        guest: Option<String>,
        /// The file, by its full path; the daemon makes it.
        file: PathBuf,
        /// Ends after so many frames.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        frames: Option<u64>,
        /// Ends after so many seconds from the guest's start.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<u64>,
        /// Ends when the file would have more bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_bytes: Option<u64>,
        /// Each record is in the file before it is executed.
        #[serde(default)]
        each: bool,
    },
    /// Offers a code by which another machine may be paired with this one.
    Pair,
}

/// How a pairing goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "pairing", rename_all = "snake_case")]
pub enum Pairing {
    /// A code may be used now.
    Offered {
        /// What is to be entered on the other machine.
        code: String,
        /// Of this host's key.
        fingerprint: String,
        /// Where it listens, each as `--link` takes it.
        links: Vec<String>,
        /// How long the code is good for.
        seconds: u64,
    },
    /// The other machine is paired.
    Paired {
        /// What it is called here.
        name: String,
        /// Of its key.
        fingerprint: String,
    },
    /// Nobody was paired.
    Ended {
        /// Why, in a sentence.
        error: String,
    },
}

/// How a recording goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "recording", rename_all = "snake_case")]
pub enum Recording {
    /// No guest that fits has come yet.
    Waiting,
    /// A guest is recorded from now on.
    Began {
        /// Its name.
        guest: String,
    },
    /// It has ended; the file is whole.
    Ended {
        /// The guest's name.
        guest: String,
        /// Records in it.
        records: u64,
        /// Frames in it.
        frames: u64,
        /// Bytes of the file.
        bytes: u64,
        /// Why it has ended too early, if it has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
}

/// The answer to a request that changes something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The guest's name.
    pub guest: String,
}

/// The head of a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screenshot {
    /// The guest's name.
    pub guest: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Bytes of the PNG file that follows this line.
    pub bytes: u64,
}

/// The most bytes that a picture's file may have: twice what 8K takes without compression.
pub const MAX_SCREENSHOT_BYTES: u64 = 2 * 7680 * 4320 * 3;

/// The answer to a request that is not understood or cannot be met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why, in a sentence.
    pub error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_look_as_documented() {
        let mode = Mode { width: 1920, height: 1080, refresh_millihertz: 60_000 };
        for (request, text) in [
            (Request::Status, r#"{"request":"status"}"#),
            (Request::Tail, r#"{"request":"tail"}"#),
            (
                Request::Mode { guest: Some("guest-1".to_owned()), mode: Some(mode) },
                r#"{"request":"mode","guest":"guest-1","mode":{"width":1920,"height":1080,"refresh_millihertz":60000}}"#,
            ),
            (Request::Mode { guest: None, mode: None }, r#"{"request":"mode","mode":null}"#),
            (Request::Screenshot { guest: None }, r#"{"request":"screenshot"}"#),
            (Request::Pair, r#"{"request":"pair"}"#),
            (
                Request::Record {
                    guest: None,
                    file: "/a.pvrec".into(),
                    frames: Some(9),
                    seconds: None,
                    max_bytes: None,
                    each: false,
                },
                r#"{"request":"record","file":"/a.pvrec","frames":9,"each":false}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&request).expect("serialises"), text);
            assert_eq!(serde_json::from_str::<Request>(text).expect("parses"), request);
        }
        assert!(serde_json::from_str::<Request>(r#"{"request":"halt"}"#).is_err());
    }

    #[test]
    fn a_status_survives_its_text_and_unknown_fields() {
        let status = Status {
            version: "1.2.3".to_owned(),
            process: 7,
            link: "shm:x".to_owned(),
            gpu: Gpu { name: "a GPU".to_owned(), driver: "d 1".to_owned(), software: true, memory_bytes: 5 },
            guests: vec![Guest {
                name: "guest-1".to_owned(),
                fps: 60.5,
                fence_latency: Latency { p50_us: 10, p99_us: 20, samples: 3 },
                screen: Some(Screen { width: 1280, frames: 9, ..Screen::default() }),
                ..Guest::default()
            }],
        };
        let text = serde_json::to_string(&status).expect("serialises");
        assert_eq!(serde_json::from_str::<Status>(&text).expect("parses"), status);
        let newer = text.replacen('{', r#"{"later":1,"#, 1);
        assert_eq!(serde_json::from_str::<Status>(&newer).expect("parses"), status);
    }
}
