//! The control socket of `pvgpud`: what may be asked, what is answered, and a client.
//!
//! For `pvgpu-ctl`, `cargo xtask` and the daemon itself. The socket is `control.sock` in the folder of a link. A client
//! sends one [`Request`] as a line of JSON. `status` is answered by one line with a [`Status`]; `tail` by a line with a
//! [`TailRecord`] for everything that happens, until the client hangs up; the first has the code `WATCHING`. A request that is not understood is
//! answered by one [`Refusal`].
//!
//! # Invariants
//! Fields are only ever added. A reader ignores fields that it does not know.
#![forbid(unsafe_code)]

mod client;
mod status;
mod tail;

pub use client::{Client, ClientError};
pub use status::{Gpu, Guest, Latency, Status};
pub use tail::{Level, Source, TailRecord};

use serde::{Deserialize, Serialize};

/// File name of the socket inside a link's folder.
pub const SOCKET_NAME: &str = "control.sock";

/// What a client asks, one per connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// The state of the daemon and of each guest, once.
    Status,
    /// Records from driver and host as they come.
    Tail,
}

/// The answer to a request that is not understood.
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
        for (request, text) in
            [(Request::Status, r#"{"request":"status"}"#), (Request::Tail, r#"{"request":"tail"}"#)]
        {
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
                ..Guest::default()
            }],
        };
        let text = serde_json::to_string(&status).expect("serialises");
        assert_eq!(serde_json::from_str::<Status>(&text).expect("parses"), status);
        let newer = text.replacen('{', r#"{"later":1,"#, 1);
        assert_eq!(serde_json::from_str::<Status>(&newer).expect("parses"), status);
    }
}
