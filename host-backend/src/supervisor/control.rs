//! The control socket: one thread accepts, one serves each client.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pvgpu_control::{Accepted, Level, Refusal, Request, SOCKET_NAME};
use serde::Serialize;

use super::State;

/// A request is short; a client that sends more is no client of ours.
const MAX_REQUEST_BYTES: u64 = 4096;
/// A client may take this long to ask.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

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
        Err(error) => {
            answer(&client, &Refusal { error: format!("no request that this version knows: {error}") })
        }
    }
}

fn answer(mut client: &UnixStream, value: &impl Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_string(value)?;
    line.push('\n');
    client.write_all(line.as_bytes())
}
