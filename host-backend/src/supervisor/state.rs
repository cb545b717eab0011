//! What the supervisor knows of its guests, for the control socket, and what people may ask of them.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use pvgpu_control::{Gpu, Guest, Level, Mode, Screenshot, Source, Status, TailRecord};
use pvgpu_protocol::mode::{BadMode, DisplayMode};
use pvgpu_transport::Link;
use pvgpu_transport::secure::Fingerprint;
use pvgpu_transport::secure::pairing::Slot;

use super::recordings::Recordings;
use super::shares::Shares;
use crate::fd_line::send_with_fd;
use crate::ops::ShareToken;
use crate::worker::ToWorker;

/// Records that may wait for a slow watcher; more are dropped for it.
const MAX_WAITING: usize = 4096;
/// How long a worker may take for a picture: 8K takes about two seconds on a busy machine.
const SCREENSHOT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a worker may take to read a line of ours; its thread for that does nothing else but pictures.
const LINE_TIMEOUT: Duration = Duration::from_secs(2);

/// Guests and watchers.
pub struct State {
    link: String,
    gpu: Gpu,
    inner: Mutex<Inner>,
    /// Recordings that wait for their guest, and those in progress.
    pub recordings: Recordings,
    /// What workers share with each other.
    pub shares: Shares,
    pairings: OnceLock<Pairings>,
}

/// Where codes for pairing are offered, and what is shown with them.
#[derive(Debug)]
pub struct Pairings {
    /// The listener's.
    pub slot: Arc<Slot>,
    /// Of this host's key.
    pub fingerprint: Fingerprint,
    /// Where it listens, each as `--link` takes it.
    pub links: Vec<String>,
}

#[derive(Default)]
struct Inner {
    guests: BTreeMap<u64, Known>,
    watchers: Vec<SyncSender<TailRecord>>,
    next_picture: u64,
    /// By the number of the picture: the guest, and who waits for it.
    pictures: BTreeMap<u64, (u64, SyncSender<Received>)>,
}

/// A guest that was accepted.
struct Known {
    guest: Guest,
    /// Bytes of its heap, which its frames share.
    heap_bytes: u64,
    line: Arc<UnixStream>,
}

impl Known {
    fn is(&self, asked: &str) -> bool {
        self.guest.name == asked || self.guest.guest_process.to_string() == asked
    }
}

/// A picture as a worker sent it.
#[derive(Debug)]
pub struct Received {
    /// Pixels; 0 when the screen shows nothing.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// A PNG file, if the worker is honest.
    pub file: Vec<u8>,
}

/// Why a guest cannot be asked.
#[derive(Debug)]
pub enum AskError {
    /// There is none.
    NoGuest,
    /// There are several, and none was named.
    WhichGuest(Vec<String>),
    /// None has this name or process.
    NoSuchGuest(String, Vec<String>),
    /// The mode breaks a rule.
    Mode(BadMode),
    /// The guest's memory does not hold two frames of the mode.
    TooLarge {
        /// The mode.
        mode: DisplayMode,
        /// Bytes of two frames.
        needs: u64,
        /// Bytes of the heap.
        has: u64,
    },
    /// Its worker does not listen.
    Worker(std::io::Error),
    /// Its worker does not answer.
    Silent,
    /// Its screen shows nothing.
    NoScreen(String),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGuest => f.write_str("no guest is connected"),
            Self::WhichGuest(names) => {
                write!(f, "several guests are connected; choose one with --guest: {}", names.join(", "))
            }
            Self::NoSuchGuest(asked, names) => {
                write!(f, "no guest is called {asked:?} or has that process; there are: {}", names.join(", "))
            }
            Self::Mode(error) => error.fmt(f),
            Self::TooLarge { mode, needs, has } => write!(
                f,
                "two frames of {mode} take {} MiB, and the guest shares {} MiB; give it a larger aperture (ApertureSize)",
                needs.div_ceil(1 << 20),
                has >> 20
            ),
            Self::Worker(error) => write!(f, "the guest's worker does not listen: {error}"),
            Self::Silent => f.write_str("the guest's worker does not answer"),
            Self::NoScreen(name) => {
                write!(f, "{name} shows no screen: it has no desktop of its own, or no mode is set yet")
            }
        }
    }
}

impl std::error::Error for AskError {}

impl State {
    /// No guests, no watchers.
    pub fn new(link: &Link, gpu: Gpu) -> Self {
        let shares = Shares::new(link);
        Self {
            link: link.to_string(),
            gpu,
            inner: Mutex::default(),
            recordings: Recordings::default(),
            shares,
            pairings: OnceLock::new(),
        }
    }

    /// From now on codes are offered for a link between machines. Only the first call counts.
    pub fn serve_pairings(&self, pairings: Pairings) {
        let _ = self.pairings.set(pairings);
    }

    /// Where codes for pairing are offered, if anywhere.
    pub fn pairings(&self) -> Option<&Pairings> {
        self.pairings.get()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to `status`.
    pub fn status(&self) -> Status {
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            link: self.link.clone(),
            gpu: self.gpu.clone(),
            guests: self.lock().guests.values().map(|known| known.guest.clone()).collect(),
        }
    }

    /// A guest of another machine has said what it is.
    pub fn greeted(&self, number: u64, process: u64, heap_bytes: u64) {
        if let Some(known) = self.lock().guests.get_mut(&number) {
            known.guest.guest_process = process;
            known.heap_bytes = heap_bytes;
        }
    }

    /// A guest has come; `line` is the socket to its worker.
    pub fn add(&self, number: u64, guest: Guest, heap_bytes: u64, line: UnixStream) {
        // Only this side's writes wait for so long.
        let _ = line.set_write_timeout(Some(LINE_TIMEOUT));
        self.lock().guests.insert(number, Known { guest, heap_bytes, line: Arc::new(line) });
    }

    /// Sets a guest's counters.
    pub fn update(&self, number: u64, guest: Guest) {
        if let Some(known) = self.lock().guests.get_mut(&number) {
            let requested_mode = known.guest.requested_mode;
            known.guest = Guest { requested_mode, ..guest };
        }
    }

    /// Forgets a guest; nobody waits for a picture of it any more.
    pub fn remove(&self, number: u64) {
        self.recordings.lost(number);
        self.shares.forget(number);
        let mut inner = self.lock();
        inner.guests.remove(&number);
        inner.pictures.retain(|_, (guest, _)| *guest != number);
    }

    /// Has a guest offer and prefer a mode; gives its name.
    ///
    /// # Errors
    /// [`AskError`] is a sentence.
    pub fn ask_for_mode(&self, asked: Option<&str>, mode: Option<Mode>) -> Result<String, AskError> {
        let mut inner = self.lock();
        let number = inner.find(asked)?;
        let known = inner.guests.get_mut(&number).ok_or(AskError::NoGuest)?;
        if let Some(Mode { width, height, refresh_millihertz }) = mode {
            let mode = DisplayMode { width, height, refresh_millihertz };
            mode.check().map_err(AskError::Mode)?;
            let needs = mode.frame_bytes().saturating_mul(2);
            if needs > known.heap_bytes {
                return Err(AskError::TooLarge { mode, needs, has: known.heap_bytes });
            }
        }
        known.guest.requested_mode = mode;
        let (name, line) = (known.guest.name.clone(), known.line.clone());
        drop(inner);
        tell(&line, &ToWorker::Mode(mode)).map_err(AskError::Worker)?;
        Ok(name)
    }

    /// A picture of what a guest's screen shows.
    ///
    /// # Errors
    /// [`AskError`] is a sentence.
    pub fn screenshot(&self, asked: Option<&str>) -> Result<(Screenshot, Vec<u8>), AskError> {
        let (sender, receiver) = sync_channel(1);
        let mut inner = self.lock();
        let guest = inner.find(asked)?;
        let known = inner.guests.get(&guest).ok_or(AskError::NoGuest)?;
        let (name, line) = (known.guest.name.clone(), known.line.clone());
        inner.next_picture += 1;
        let number = inner.next_picture;
        inner.pictures.insert(number, (guest, sender));
        drop(inner);
        let told = tell(&line, &ToWorker::Screenshot { number }).map_err(AskError::Worker);
        let received = told.and_then(|()| match receiver.recv_timeout(SCREENSHOT_TIMEOUT) {
            Ok(received) => Ok(received),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(AskError::Silent),
        });
        self.lock().pictures.remove(&number);
        let Received { width, height, file } = received?;
        if file.is_empty() {
            return Err(AskError::NoScreen(name));
        }
        // CAST: a length in memory.
        Ok((Screenshot { guest: name, width, height, bytes: file.len() as u64 }, file))
    }

    /// A worker has sent a picture. One that nobody asked of this guest is dropped.
    pub fn picture(&self, guest: u64, number: u64, received: Received) {
        if let Some((asked_of, waiting)) = self.lock().pictures.get(&number)
            && *asked_of == guest
        {
            // Whoever waited may have given up.
            let _ = waiting.try_send(received);
        }
    }

    /// Answers a worker that asks what is shared under a token.
    pub fn open_shared(&self, number: u64, token: ShareToken) {
        let Some(line) = self.lock().guests.get(&number).map(|known| known.line.clone()) else { return };
        let told = match self.shares.open(number, token) {
            Some((image, memory)) => {
                let image = Some(Box::new(image));
                let text = text(&ToWorker::Shared { token, image });
                text.and_then(|text| send_with_fd(&line, text.as_bytes(), &memory))
            }
            None => tell(&line, &ToWorker::Shared { token, image: None }),
        };
        if told.is_err() {
            // A worker that does not listen has nothing.
            self.shares.withdraw(number, token);
        }
    }

    /// Whether a guest with a name or a process is connected.
    pub fn knows(&self, asked: &str) -> bool {
        self.lock().guests.values().any(|known| known.is(asked))
    }

    /// Has a guest's recording end.
    pub fn stop_recording(&self, number: u64) {
        let line = self.lock().guests.get(&number).map(|known| known.line.clone());
        if let Some(line) = line {
            // A worker that is gone has ended it.
            let _ = tell(&line, &ToWorker::StopRecording);
        }
    }

    /// A new watcher's records.
    pub fn watch(&self) -> Receiver<TailRecord> {
        let (sender, receiver) = sync_channel(MAX_WAITING);
        self.lock().watchers.push(sender);
        receiver
    }

    /// Hands a record to all watchers.
    pub fn tail(&self, record: &TailRecord) {
        let mut inner = self.lock();
        inner.watchers.retain(|watcher| {
            !matches!(watcher.try_send(record.clone()), Err(TrySendError::Disconnected(_)))
        });
    }

    /// A record of the supervisor's own, for all watchers.
    pub fn note(&self, level: Level, guest: &str, code: &str, text: String) {
        self.tail(&self.record(level, guest, code, text));
    }

    /// A record of the supervisor's own.
    pub fn record(&self, level: Level, guest: &str, code: &str, text: String) -> TailRecord {
        TailRecord {
            time_ns: crate::worker::monotonic_ns(),
            source: Source::Host,
            level,
            guest: guest.to_owned(),
            area: "supervisor".to_owned(),
            code: code.to_owned(),
            process: std::process::id(),
            context: 0,
            args: Vec::new(),
            text,
        }
    }
}

impl Inner {
    /// The guest with a name or a process; the only one when none is named.
    fn find(&self, asked: Option<&str>) -> Result<u64, AskError> {
        let names = || self.guests.values().map(|known| known.guest.name.clone()).collect();
        let mut numbers = self.guests.iter();
        match (asked, numbers.next(), numbers.next()) {
            (_, None, _) => Err(AskError::NoGuest),
            (None, Some((number, _)), None) => Ok(*number),
            (None, ..) => Err(AskError::WhichGuest(names())),
            (Some(asked), ..) => {
                let mut fitting = self.guests.iter().filter(|(_, known)| known.is(asked));
                match (fitting.next(), fitting.next()) {
                    (Some((number, _)), None) => Ok(*number),
                    // Two adapters of one process: its number does not tell them apart.
                    (Some(_), Some(_)) => Err(AskError::WhichGuest(names())),
                    _ => Err(AskError::NoSuchGuest(asked.to_owned(), names())),
                }
            }
        }
    }
}

/// Says a line to a worker.
fn tell(mut line: &UnixStream, what: &ToWorker) -> std::io::Result<()> {
    line.write_all(text(what)?.as_bytes())
}

fn text(what: &ToWorker) -> std::io::Result<String> {
    let mut text = serde_json::to_string(what)?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use super::*;

    fn state(guests: &[(&str, u64)]) -> (State, Vec<UnixStream>) {
        let state = State::new(&"shm:test".parse().expect("a link"), Gpu::default());
        let mut lines = Vec::new();
        for (number, (name, process)) in (1..).zip(guests) {
            let (ours, theirs) = UnixStream::pair().expect("a pair");
            let guest = Guest { name: (*name).to_owned(), guest_process: *process, ..Guest::default() };
            state.add(number, guest, 64 << 20, ours);
            lines.push(theirs);
        }
        (state, lines)
    }

    const HD: Mode = Mode { width: 1920, height: 1080, refresh_millihertz: 75_000 };

    #[test]
    fn guests_are_found_by_name_or_process() {
        let ask = |state: &State, guest| state.ask_for_mode(guest, Some(HD)).map_err(|e| e.to_string());
        let (none, _) = state(&[]);
        assert_eq!(ask(&none, None), Err("no guest is connected".to_owned()));
        let (one, _line) = state(&[("a", 7)]);
        assert_eq!(ask(&one, None), Ok("a".to_owned()));
        assert_eq!(ask(&one, Some("7")), Ok("a".to_owned()));
        let (two, _lines) = state(&[("a", 7), ("b", 8), ("c", 8)]);
        assert_eq!(ask(&two, Some("b")), Ok("b".to_owned()));
        for (asked, text) in [
            (None, "several guests are connected; choose one with --guest: a, b, c"),
            (Some("8"), "several guests are connected; choose one with --guest: a, b, c"),
            (Some("d"), "no guest is called \"d\" or has that process; there are: a, b, c"),
        ] {
            assert_eq!(ask(&two, asked), Err(text.to_owned()));
        }
    }

    #[test]
    fn a_mode_reaches_the_worker_and_the_status() {
        let (state, lines) = state(&[("a", 7)]);
        state.ask_for_mode(None, Some(HD)).expect("legal");
        assert_eq!(state.status().guests[0].requested_mode, Some(HD));
        // The worker does not know; its counters leave the mode alone.
        state.update(1, Guest { name: "a".to_owned(), frames: 3, ..Guest::default() });
        let guest = &state.status().guests[0];
        assert_eq!((guest.frames, guest.requested_mode), (3, Some(HD)));
        let mut line = String::new();
        BufReader::new(&lines[0]).read_line(&mut line).expect("a line");
        assert!(matches!(serde_json::from_str(&line), Ok(ToWorker::Mode(Some(HD)))), "{line}");
        for (mode, text) in [
            (Mode { width: 3, ..HD }, "a width of 3 is not an even number from 640 to 7680"),
            (Mode { refresh_millihertz: 0, ..HD }, "a refresh of 0.000 Hz is not from 24 to 240 Hz"),
            (
                Mode { width: 7680, height: 4320, ..HD },
                "two frames of 7680x4320@75 take 254 MiB, and the guest shares 64 MiB; give it a larger aperture (ApertureSize)",
            ),
        ] {
            let error = state.ask_for_mode(None, Some(mode)).expect_err(text);
            assert_eq!(error.to_string(), text);
        }
        assert_eq!(state.status().guests[0].requested_mode, Some(HD), "what is refused changes nothing");
        state.ask_for_mode(None, None).expect("legal");
        assert_eq!(state.status().guests[0].requested_mode, None);
    }

    #[test]
    fn only_the_guest_that_was_asked_may_answer_with_a_picture() {
        let (state, lines) = state(&[("a", 7), ("b", 8)]);
        let picture = |byte| Received { width: 2, height: 1, file: vec![byte; 5] };
        let answer = std::thread::scope(|scope| {
            let asking = scope.spawn(|| state.screenshot(Some("a")));
            let mut line = String::new();
            BufReader::new(&lines[0]).read_line(&mut line).expect("a line");
            let Ok(ToWorker::Screenshot { number }) = serde_json::from_str(&line) else { panic!("{line}") };
            state.picture(2, number, picture(2));
            state.picture(1, number + 1, picture(3));
            state.picture(1, number, picture(1));
            asking.join().expect("no panic")
        });
        let (head, file) = answer.expect("a picture");
        assert_eq!((head.guest.as_str(), head.width, head.bytes, file), ("a", 2, 5, vec![1; 5]));
        // A worker that ends is not waited for.
        let gone = std::thread::scope(|scope| {
            let asking = scope.spawn(|| state.screenshot(Some("a")));
            let mut line = String::new();
            BufReader::new(&lines[0]).read_line(&mut line).expect("a line");
            state.remove(1);
            asking.join().expect("no panic")
        });
        assert_eq!(gone.expect_err("gone").to_string(), "the guest's worker does not answer");
    }
}
