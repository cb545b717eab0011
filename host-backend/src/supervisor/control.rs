//! The control socket: one thread accepts, one serves each client.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use pvgpu_control::{Accepted, Level, Pairing, Recording, Refusal, Request, SOCKET_NAME};
use pvgpu_transport::secure::pairing::{CODE_TIME, Outcome};
use serde::Serialize;

use super::recordings::Left;
use super::{Pairings, State};
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
        Ok(Request::Pair) => pair(&client, state),
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

/// Shows a code and waits until it is used or over; a client that hangs up takes it back.
fn pair(client: &UnixStream, state: &State) -> std::io::Result<()> {
    let refuse = |error: String| answer(client, &Refusal { error });
    let Some(Pairings { slot, fingerprint, links }) = state.pairings() else {
        return refuse(
            "this pvgpud serves no link that machines are paired for; start one with `pvgpud --link tcp://HOST:PORT`"
                .to_owned(),
        );
    };
    let offer = match slot.open() {
        Ok(offer) => offer,
        Err(error) => return refuse(error.to_string()),
    };
    let mut left = answer(
        client,
        &Pairing::Offered {
            code: offer.code.to_string(),
            fingerprint: fingerprint.to_string(),
            links: links.clone(),
            seconds: CODE_TIME.as_secs(),
        },
    )
    .is_err();
    client.set_read_timeout(Some(LOOK))?;
    let outcome = loop {
        if left {
            slot.withdraw(&offer);
        }
        match slot.wait(&offer, LOOK) {
            Some(outcome) => break outcome,
            None => left |= has_hung_up(client),
        }
    };
    let ended =
        |error: &str| Pairing::Ended { error: format!("{error}; run `pvgpu-ctl pair` again for a new code") };
    answer(
        client,
        &match outcome {
            Outcome::Paired(peer) => {
                Pairing::Paired { fingerprint: peer.key.fingerprint().to_string(), name: peer.name }
            }
            Outcome::Expired => ended("nobody has used the code in time"),
            Outcome::TriedTooOften => ended("a wrong code was tried too often"),
            Outcome::Withdrawn => ended("another code was asked for meanwhile"),
        },
    )
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

#[cfg(test)]
mod tests {
    use pvgpu_control::{Client, ClientError, Gpu};
    use pvgpu_transport::secure::pairing::{Code, TRIES};
    use pvgpu_transport::secure::{Identity, Peers};
    use pvgpu_transport::tcp::{Door, Event, Listener, Options, pair};

    use super::*;

    fn state() -> Arc<State> {
        Arc::new(State::new(&"shm:test".parse().expect("a link"), Gpu::default()))
    }

    #[test]
    fn a_daemon_without_a_network_link_offers_no_code() {
        let folder = tempfile::tempdir().expect("a folder");
        let _control = start(folder.path(), &state()).expect("listens");
        let mut answers = Client::connect(folder.path()).and_then(Client::pair).expect("asked");
        let error = answers.next().expect("an answer").expect_err("refused");
        assert!(
            matches!(&error, ClientError::Refused { error } if error.contains("--link tcp://")),
            "{error}"
        );
    }

    #[test]
    fn a_code_is_shown_and_used() {
        let (key, guest) = (Identity::generate().expect("random"), Identity::generate().expect("random"));
        let (peers, hosts) = (Peers::in_memory(Vec::new()), Peers::in_memory(Vec::new()));
        let report = Arc::new(|_: &Event| {});
        let options = Options::default();
        let listener =
            Listener::bind(&["127.0.0.1:0"], Door::new(key.clone(), peers.clone(), options.clone(), report));
        let listener = listener.expect("a free port");
        let address = listener.addresses()[0].to_string();
        let (folder, state) = (tempfile::tempdir().expect("a folder"), state());
        let slot = listener.pairing().clone();
        state.serve_pairings(Pairings {
            slot,
            fingerprint: key.fingerprint(),
            links: vec![format!("tcp://{address}")],
        });
        let _control = start(folder.path(), &state).expect("listens");

        let ask = || Client::connect(folder.path()).and_then(Client::pair).expect("asked");
        let mut answers = ask();
        let offered = |answers: &mut dyn Iterator<Item = Result<Pairing, ClientError>>| match answers.next() {
            Some(Ok(Pairing::Offered { code, fingerprint, links, seconds: 120 })) => {
                assert_eq!(
                    (fingerprint, links),
                    (key.fingerprint().to_string(), vec![format!("tcp://{address}")])
                );
                code.parse::<Code>().expect("a code")
            }
            other => panic!("{other:?}"),
        };
        let code = offered(&mut answers);
        let host = pair(&address, &guest, &hosts, &code, &options).expect("paired");
        assert_eq!((host.key, host.address.as_deref()), (key.public(), Some(address.as_str())));
        let name = peers.list().expect("in memory")[0].name.clone();
        let fingerprint = guest.fingerprint().to_string();
        assert_eq!(answers.next().expect("an answer").expect("one"), Pairing::Paired { name, fingerprint });
        assert!(answers.next().is_none());

        // Tried too often, and replaced by a newer one.
        let mut answers = ask();
        let right = offered(&mut answers).to_string();
        let first = if right.starts_with('A') { "C" } else { "A" };
        let wrong: Code = format!("{first}{}", &right[1..]).parse().expect("a code");
        for _ in 0..TRIES {
            pair(&address, &guest, &hosts, &wrong, &options).expect_err("wrong");
        }
        let says = |answer: Option<Result<Pairing, ClientError>>, text: &str| match answer {
            Some(Ok(Pairing::Ended { error })) => assert!(error.contains(text), "{error}"),
            other => panic!("{other:?}"),
        };
        says(answers.next(), "tried too often");
        let mut older = ask();
        offered(&mut older);
        let mut newer = ask();
        let code = offered(&mut newer);
        says(older.next(), "another code was asked for");

        // Whoever hangs up takes it back.
        drop(newer);
        let end = std::time::Instant::now() + Duration::from_secs(10);
        while listener.pairing().is_open() {
            assert!(std::time::Instant::now() < end, "the code is still offered");
            std::thread::sleep(LOOK);
        }
        let error = pair(&address, &guest, &hosts, &code, &options).expect_err("taken back").to_string();
        assert!(error.contains("waits for no pairing"), "{error}");
    }
}
