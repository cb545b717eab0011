//! The host's end: opens a device, lets one paired guest in, serves it, and begins again when it has gone or the cable was pulled.
//!
//! A guest belongs to a worker process, and the device to this one: the mux has threads, and a worker's sandbox wants none that are older
//! than itself. So the worker gets two local sockets and the keys, and threads here carry sealed bytes between them and the mux. They
//! read nothing but the mux's own headers.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::device::FrameDevice;
use super::file::StreamFile;
use super::run;
use super::session::{RECORD_BYTES, duplex, in_time, limit};
use crate::carrier::{Channel, Channels, Receiver, Sender};
use crate::secure::handshake::{self, Hello, Lane, Mode, Status, Verdict};
use crate::secure::{self, SecureError, SessionKeys, machine_name, pairing, random, sealed_channel};
use crate::stream;
use crate::tcp::{Door, Peer};

/// How long an open device waits for a guest: as long as it takes.
const PATIENCE: Duration = Duration::from_secs(u32::MAX as u64);
/// Pauses before the device is opened again: the first, and the longest, each twice the one before, until a guest was let in.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(2);
/// TIMEOUT: how long a stream's threads may take to end: they give what is queued a fifth of a second to leave.
const CLOSING: Duration = Duration::from_secs(2);
/// Bytes that are carried at once.
const PIECE: usize = 64 << 10;
/// Bytes of bulk that may wait in a local socket, beyond those that the mux allows: what waits in the worker can still be replaced.
const BULK_WAITING: usize = 64 << 10;

/// A guest whose handshake is done.
#[derive(Debug)]
pub struct Accepted {
    /// Who it is.
    pub peer: Peer,
    /// The channel for what is urgent.
    pub urgent: Half,
    /// The channel for bulk.
    pub bulk: Half,
}

/// One channel of a guest, as another process can have it: a local socket and the keys of what goes through it.
#[derive(Debug)]
pub struct Half {
    /// Leads to the threads that have the device.
    pub stream: UnixStream,
    /// Its keys; none on a link that is trusted.
    pub keys: Option<SessionKeys>,
}

impl Half {
    /// The carrier's channel.
    pub fn into_channel(self) -> Channel {
        let channel = stream::channel(self.stream);
        match self.keys {
            Some(keys) => sealed_channel(channel, keys, RECORD_BYTES),
            None => channel,
        }
    }
}

/// Something about the stream, for a log: a line each.
#[derive(Debug)]
pub enum Notice {
    /// The device is open, and nobody is at the other end yet.
    Waiting,
    /// The device cannot be used, or the other end has broken a rule. It is tried again.
    Failed(io::Error),
    /// Whoever is there is refused.
    Refused(SecureError),
    /// A guest has used the code that was shown, and is paired.
    Paired(Box<secure::Peer>),
    /// The guest has gone.
    Gone,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => f.write_str("the stream is open, and a guest may come"),
            Self::Failed(error) => error.fmt(f),
            Self::Refused(error) => {
                write!(f, "the machine at the other end of the stream is refused: {error}")
            }
            Self::Paired(peer) => {
                write!(
                    f,
                    "the machine at the other end is paired as {} ({})",
                    peer.name,
                    peer.key.fingerprint()
                )
            }
            Self::Gone => f.write_str("the guest's stream has ended"),
        }
    }
}

/// Who is told of what happens. Both are called from threads of the host.
pub struct Callbacks {
    /// A guest has come.
    pub arrived: Box<dyn Fn(Accepted) + Send>,
    /// Something for a log.
    pub notice: Box<dyn Fn(&Notice) + Send>,
}

/// Serves a stream device until it is dropped; a guest that is served then stays.
#[derive(Debug)]
pub struct Host {
    is_over: Arc<AtomicBool>,
}

impl Host {
    /// Begins to serve the device at `path`, which need not be there yet.
    ///
    /// # Errors
    /// What the system said when it gives no thread.
    pub fn start(path: &Path, door: Door, callbacks: Callbacks) -> io::Result<Self> {
        let path = path.to_owned();
        Self::start_with(move || Ok(Arc::new(StreamFile::open(&path)?)), door, callbacks)
    }

    /// The same with anything that opens a device.
    pub(super) fn start_with(
        open: impl FnMut() -> io::Result<Arc<dyn FrameDevice>> + Send + 'static,
        door: Door,
        callbacks: Callbacks,
    ) -> io::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let server =
            Server { is_over: is_over.clone(), door, callbacks, is_waiting: false, told: None, last: None };
        thread::Builder::new().name("tbstream".to_owned()).spawn(move || server.serve(open))?;
        Ok(Self { is_over })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
    }
}

/// The thread that has the device.
struct Server {
    is_over: Arc<AtomicBool>,
    door: Door,
    callbacks: Callbacks,
    /// Whether it was told that a guest may come, and that is still so.
    is_waiting: bool,
    /// What has failed last: the same is not told again and again.
    told: Option<String>,
    /// The device that was open last.
    last: Option<Weak<dyn FrameDevice>>,
}

/// Why nobody was served.
enum Failure {
    Stream(io::Error),
    Secure(SecureError),
}

impl Server {
    fn serve(mut self, mut open: impl FnMut() -> io::Result<Arc<dyn FrameDevice>>) {
        let mut pause = FIRST_PAUSE;
        while !self.is_over.load(Ordering::Acquire) {
            match self.one(&mut open) {
                Ok(()) => pause = FIRST_PAUSE,
                Err(failure) => {
                    if self.is_over.load(Ordering::Acquire) {
                        return;
                    }
                    self.tell_once(match failure {
                        Failure::Stream(error) => Notice::Failed(error),
                        Failure::Secure(error) => Notice::Refused(error),
                    });
                    pause = (pause * 2).min(LAST_PAUSE);
                }
            }
            thread::sleep(pause);
        }
    }

    /// Opens the device and serves, or pairs, whoever comes first.
    fn one(&mut self, open: &mut impl FnMut() -> io::Result<Arc<dyn FrameDevice>>) -> Result<(), Failure> {
        wait_until_closed(&self.last);
        let device = open().inspect_err(|_| self.is_waiting = false).map_err(Failure::Stream)?;
        self.last = Some(Arc::downgrade(&device));
        if !std::mem::replace(&mut self.is_waiting, true) {
            self.told = None;
            (self.callbacks.notice)(&Notice::Waiting);
        }
        let session = random().map_err(Failure::Secure)?;
        let channels = run::connect_unless(device, u32::from_le_bytes(session), PATIENCE, &self.is_over);
        let mut channels = channels.map_err(Failure::Stream)?;
        let limit = limit(&channels, &self.door.options).map_err(Failure::Secure)?;
        let answered = respond(&mut channels, &self.door);
        let answered = answered.map_err(|error| Failure::Secure(in_time(&limit, error)))?;
        drop(limit);
        let (peer, keys) = match answered {
            Answered::Guest { peer, keys } => (peer, keys),
            Answered::Paired(peer) => {
                (self.callbacks.notice)(&Notice::Paired(peer));
                return Ok(());
            }
        };
        let [urgent_keys, bulk_keys] = keys.map_or([None, None], |keys| (*keys).map(Some));
        let (urgent, theirs_urgent) = UnixStream::pair().map_err(Failure::Stream)?;
        let (bulk, theirs_bulk) = UnixStream::pair().map_err(Failure::Stream)?;
        for end in [&bulk, &theirs_bulk] {
            SockRef::from(end).set_send_buffer_size(BULK_WAITING).map_err(Failure::Stream)?;
        }
        self.is_waiting = false;
        (self.callbacks.arrived)(Accepted {
            peer,
            urgent: Half { stream: theirs_urgent, keys: urgent_keys },
            bulk: Half { stream: theirs_bulk, keys: bulk_keys },
        });
        carry(channels, &urgent, &bulk);
        (self.callbacks.notice)(&Notice::Gone);
        Ok(())
    }

    fn tell_once(&mut self, notice: Notice) {
        let text = notice.to_string();
        if self.told.as_ref() != Some(&text) {
            (self.callbacks.notice)(&notice);
            self.told = Some(text);
        }
    }
}

/// Waits until the threads of an earlier stream have closed its device, which says so to the other end.
fn wait_until_closed(device: &Option<Weak<dyn FrameDevice>>) {
    let begin = Instant::now();
    while device.as_ref().is_some_and(|device| device.strong_count() > 0) && begin.elapsed() < CLOSING {
        thread::sleep(Duration::from_millis(5));
    }
}

/// What a handshake came to.
enum Answered {
    Guest { peer: Peer, keys: Option<Box<[SessionKeys; 2]>> },
    Paired(Box<secure::Peer>),
}

/// The host's end of a handshake: nothing of a guest that is not paired is read but that.
fn respond(Channels { urgent, bulk }: &mut Channels, door: &Door) -> Result<Answered, SecureError> {
    let trusts = door.options.trust_link;
    let hello = handshake::receive_hello(&mut duplex(urgent))?;
    let refuse = |channel: &mut Channel, status, error| {
        handshake::refuse(&mut duplex(channel), status);
        Err(error)
    };
    match (hello.mode, trusts) {
        (Mode::Encrypted | Mode::Pairing, true) => refuse(urgent, Status::Plain, SecureError::GuestEncrypts),
        (Mode::Plain, false) => refuse(urgent, Status::Encrypts, SecureError::GuestIsPlain),
        (Mode::Pairing, false) => {
            let Door { identity, pairing, peers, .. } = door;
            let name = machine_name();
            let peer = pairing::respond(&mut duplex(urgent), &hello, identity, pairing, peers, &name)?;
            Ok(Answered::Paired(Box::new(peer)))
        }
        (Mode::Plain, true) => {
            handshake::respond_plain(&mut duplex(urgent))?;
            let second = second(bulk, &hello)?;
            if second.session != hello.session {
                return Err(SecureError::Unbound);
            }
            handshake::respond_plain(&mut duplex(bulk))?;
            Ok(Answered::Guest { peer: Peer::Trusted, keys: None })
        }
        (Mode::Encrypted, false) => {
            let mut first = handshake::respond(&mut duplex(urgent), &hello, &door.identity)?;
            let hello = second(bulk, &hello)?;
            let mut other = handshake::respond(&mut duplex(bulk), &hello, &door.identity)?;
            let mut conclude = |verdict, binding: &[u8; 32]| {
                handshake::send_verdict(&mut duplex(urgent), &mut first.keys, verdict, binding)?;
                handshake::send_verdict(&mut duplex(bulk), &mut other.keys, verdict, binding)
            };
            let peer = match handshake::guest(&door.peers, &first.key) {
                Ok(peer) => peer,
                Err(error) => {
                    // The guest's error does not depend on whether it hears this.
                    let _ = conclude(Verdict::NotPaired, &[0; 32]);
                    return Err(error);
                }
            };
            if (first.key, first.session) != (other.key, other.session) {
                return Err(SecureError::Unbound);
            }
            let binding = handshake::binding(&[&first.hash, &other.hash]);
            conclude(Verdict::Welcome, &binding)?;
            Ok(Answered::Guest { peer: peer.into(), keys: Some(Box::new([first.keys, other.keys])) })
        }
    }
}

/// The hello of the second channel, which must fit that of the first.
fn second(bulk: &mut Channel, first: &Hello) -> Result<Hello, SecureError> {
    let second = handshake::receive_hello(&mut duplex(bulk))?;
    let fits = (first.lane, second.lane, second.mode) == (Lane::Urgent, Lane::Bulk, first.mode);
    fits.then_some(second).ok_or(SecureError::Malformed)
}

/// Carries bytes between the channels and the sockets until either side has ended, and then what is left.
fn carry(channels: Channels, urgent: &UnixStream, bulk: &UnixStream) {
    let open = &AtomicUsize::new(2);
    thread::scope(|scope| {
        for (channel, socket) in [(channels.urgent, urgent), (channels.bulk, bulk)] {
            let Channel { mut sender, mut receiver, closer } = channel;
            scope.spawn(move || to_worker(&mut *receiver, socket));
            scope.spawn(move || {
                to_guest(socket, &mut *sender);
                // Both are one stream: it ends when the worker has said all on both.
                if open.fetch_sub(1, Ordering::AcqRel) == 1 {
                    closer.close();
                }
            });
        }
    });
}

/// Ends when the guest says no more: the worker reads what was sent, then the end.
fn to_worker(receiver: &mut dyn Receiver, socket: &UnixStream) {
    let mut bytes = vec![0; PIECE];
    while let Ok(count @ 1..) = receiver.receive(&mut bytes) {
        let sent = stream::send_all(socket, &[IoSlice::new(bytes.get(..count).unwrap_or_default())]);
        if sent.is_err() {
            break;
        }
    }
    // A worker that has closed its end needs no word.
    let _ = socket.shutdown(Shutdown::Write);
}

/// Ends when the worker has closed its socket, as it does when it ends, or when nobody hears it.
fn to_guest(socket: &UnixStream, sender: &mut dyn Sender) {
    let mut bytes = vec![0; PIECE];
    while let Ok(count @ 1..) = stream::receive(socket, &mut bytes) {
        if sender.send(&[IoSlice::new(bytes.get(..count).unwrap_or_default())]).is_err() {
            break;
        }
    }
    // A worker that still writes must not wait for ever.
    let _ = socket.shutdown(Shutdown::Read);
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
