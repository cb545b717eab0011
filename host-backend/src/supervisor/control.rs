//! The control socket: one thread accepts, one serves each client.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use pvgpu_control::{Accepted, Level, Recording, Refusal, Request, SOCKET_NAME};
use serde::Serialize;

use super::State;
use super::recordings::Left;
use crate::record::{DEFAULT_MAX_BYTES, Limits, MIN_MAX_BYTES};

/// A request is short; a client that sends more is no client of ours.
const MAX_REQUEST_BYTES: u64 = 4096;
/// A client may take this long to ask.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a recording looks whether its client is still there.
const LOOK: Duration = Duration::from_millis(100);

/// The socket; its name goes when this is dropped.
pub struct Control {
    path: PathBuf,
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Begins to listen. The link's folder belongs to this user alone, and so does the socket.
pub fn start(folder: &Path, state: &Arc<State>) -> std::io::Result<Control> {
    let path = folder.join(SOCKET_NAME);
    // A dead predecessor's: the folder is locked, so nobody listens there.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    let state = state.clone();
    std::thread::Builder::new().name("control".to_owned()).spawn(move || {
        for client in listener.incoming() {
            let (Ok(client), state) = (client, state.clone()) else { continue };
            let thread = std::thread::Builder::new().name("client".to_owned());
            // Ends with the connection; the error is the client's.
            let _ = thread.spawn(move || drop(serve(client, &state)));
        }
    })?;
    Ok(Control { path })
}

fn serve(client: UnixStream, state: &State) -> std::io::Result<()> {
    client.set_read_timeout(Some(REQUEST_TIMEOUT))?;
    let mut line = String::new();
    BufReader::new((&client).take(MAX_REQUEST_BYTES)).read_line(&mut line)?;
    match serde_json::from_str(&line) {
        Ok(Request::Status) => answer(&client, &state.status()),
        Ok(Request::Tail) => {
            let records = state.watch();
            // Nothing from here on is missed.
            answer(&client, &state.record(Level::Info, "", "WATCHING", String::new()))?;
            for record in records {
                answer(&client, &record)?;
            }
            Ok(())
        }
        Ok(Request::Mode { guest, mode }) => match state.ask_for_mode(guest.as_deref(), mode) {
            Ok(guest) => answer(&client, &Accepted { guest }),
            Err(error) => answer(&client, &Refusal { error: error.to_string() }),
        },
        Ok(Request::Screenshot { guest }) => match state.screenshot(guest.as_deref()) {
            Ok((head, file)) => {
                answer(&client, &head)?;
                (&client).write_all(&file)
            }
            Err(error) => answer(&client, &Refusal { error: error.to_string() }),
        },
        Ok(Request::Record { guest, file, frames, seconds, max_bytes, each }) => {
            let bytes = max_bytes.unwrap_or(DEFAULT_MAX_BYTES).max(MIN_MAX_BYTES);
            record(&client, state, guest, &file, Limits { frames, seconds, bytes, each })
        }
        Err(error) => {
            answer(&client, &Refusal { error: format!("no request that this version knows: {error}") })
        }
    }
}

/// Arms a recording and tells of it until it has ended; one whose client hangs up ends.
fn record(
    client: &UnixStream,
    state: &State,
    guest: Option<String>,
    path: &Path,
    limits: Limits,
) -> std::io::Result<()> {
    let refuse = |error: String| answer(client, &Refusal { error });
    if let Some(guest) = guest.as_ref().filter(|guest| state.knows(guest)) {
        return refuse(format!(
            "{guest} runs already, and a recording begins with a guest's first record; start it again while this waits"
        ));
    }
    let file = match File::create(path) {
        Ok(file) => file,
        Err(error) => return refuse(format!("{} cannot be made: {error}", path.display())),
    };
    let Some((number, news)) = state.recordings.arm(guest, file, limits) else {
        return refuse("too many recordings wait for a guest".to_owned());
    };
    let mut left = answer(client, &Recording::Waiting).is_err();
    client.set_read_timeout(Some(LOOK))?;
    loop {
        if left && let Left::Running(guest) = state.recordings.leave(number) {
            state.stop_recording(guest);
        }
        match news.recv_timeout(LOOK) {
            Ok(recording) => {
                let ended = matches!(recording, Recording::Ended { .. });
                left |= answer(client, &recording).is_err();
                if ended {
                    return Ok(());
                }
            }
            Err(RecvTimeoutError::Timeout) => left |= has_hung_up(client),
            // Its worker is gone, or nobody waits for it.
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

fn has_hung_up(mut client: &UnixStream) -> bool {
    match client.read(&mut [0; 64]) {
        Ok(bytes) => bytes == 0,
        Err(error) => {
            !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
        }
    }
}

fn answer(mut client: &UnixStream, value: &impl Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_string(value)?;
    line.push('\n');
    client.write_all(line.as_bytes())
}
