//! The two threads of a stream, and the halves of its channels.
//!
//! One thread reads the device and files what comes, the other writes what the mux hands out. Both hold the device; the
//! halves hold only the state, so that the device closes, and tells the other end, as soon as both threads are done.

use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::device::{FrameDevice, Wait};
use super::error::StreamError;
use super::frame::{FRAME_BYTES, Lane};
use super::mux::Mux;
use crate::carrier::{Channel, Channels, Close, Receiver, Sender};

/// A frame to an end that is not open yet is lost, so that hellos are repeated.
const HELLO_INTERVAL: Duration = Duration::from_millis(100);
/// How long what is queued may take to leave once a channel was closed.
const LEAVE_TIME: Duration = Duration::from_millis(200);
/// A wait for the device is repeated after this: to see that the stream has ended, or should a wake-up ever be lost.
const BACKSTOP: Duration = Duration::from_millis(200);
/// Between two tries at an end that starts anew: its device is closed and opened again in less.
const ANEW: Duration = Duration::from_millis(20);
/// Bytes read at once. The driver gives whole frames until about half of it is full.
const READ_BYTES: usize = 16 * FRAME_BYTES;

/// How a stream ended.
#[derive(Clone, Debug)]
enum End {
    /// This end closed it.
    Closed,
    /// The other end closed it; what has come can still be read.
    PeerLeft,
    /// It broke.
    Broken(Arc<io::Error>),
}

#[derive(Debug)]
struct State {
    mux: Mux,
    end: Option<End>,
    /// When what is queued must have left.
    leave_by: Option<Instant>,
}

/// What the threads and the halves share.
struct Shared {
    state: Mutex<State>,
    /// The writing thread waits for something to send.
    work: Condvar,
    /// `connect` waits for the other end.
    open: Condvar,
    /// Senders wait for room, one condition for each channel.
    room: [Condvar; 2],
    /// Receivers wait for bytes, one condition for each channel.
    bytes: [Condvar; 2],
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(condition: &Condvar, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        condition.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for<'a>(
        condition: &Condvar,
        state: MutexGuard<'a, State>,
        time: Duration,
    ) -> MutexGuard<'a, State> {
        condition.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Ends the stream, unless it has ended.
    fn end(&self, end: End) {
        let mut state = self.lock();
        if state.end.is_none() {
            state.end = Some(end);
            state.mux.leave();
            state.leave_by = Some(Instant::now() + LEAVE_TIME);
        }
        drop(state);
        for condition in [&self.work, &self.open].into_iter().chain(&self.room).chain(&self.bytes) {
            condition.notify_all();
        }
    }
}

/// Opens the channels of whatever `open` opens, within `patience`. A host that has just lost a guest may start its end anew while the next one says
/// hello; that one tries again. `number` gives a session's number, another one each time.
///
/// # Errors
/// As `open`, `number` and [`connect`].
pub(super) fn open(
    mut open: impl FnMut() -> io::Result<Arc<dyn FrameDevice>>,
    mut number: impl FnMut() -> io::Result<u32>,
    patience: Duration,
) -> io::Result<Channels> {
    let start = Instant::now();
    let mut tried = false;
    loop {
        let left = patience.saturating_sub(start.elapsed());
        let result = open().and_then(|device| connect(device, number()?, left));
        match result.as_ref().map_err(io::Error::kind) {
            Err(io::ErrorKind::ConnectionAborted) if left > ANEW => tried = true,
            // The threads of the try before have not closed it yet.
            Err(io::ErrorKind::ResourceBusy) if tried && left > ANEW => {}
            _ => return result,
        }
        // TIMEOUT: nobody tells when the other end is there again.
        thread::sleep(ANEW);
    }
}

/// Opens the channels of a device, once the other end has answered.
///
/// # Errors
/// [`StreamError::Alone`] after `patience`; what the device or the other end did wrong.
pub(super) fn connect(
    device: Arc<dyn FrameDevice>,
    session: u32,
    patience: Duration,
) -> io::Result<Channels> {
    connect_unless(device, session, patience, &AtomicBool::new(false))
}

/// The same, but it ends soon after `is_over` becomes true.
///
/// # Errors
/// As [`connect`].
pub(super) fn connect_unless(
    device: Arc<dyn FrameDevice>,
    session: u32,
    patience: Duration,
    is_over: &AtomicBool,
) -> io::Result<Channels> {
    let shared = Arc::new(Shared {
        state: Mutex::new(State { mux: Mux::new(session), end: None, leave_by: None }),
        work: Condvar::new(),
        open: Condvar::new(),
        room: [Condvar::new(), Condvar::new()],
        bytes: [Condvar::new(), Condvar::new()],
    });
    // Dropped with the last half, or on the way out of here.
    let handle = Arc::new(Handle { shared: Arc::clone(&shared), device: Arc::downgrade(&device) });
    let reader = (Arc::clone(&shared), Arc::clone(&device));
    let writer = (Arc::clone(&shared), device);
    thread::Builder::new().name("tbstream-read".to_owned()).spawn(move || read(&reader.0, &*reader.1))?;
    thread::Builder::new().name("tbstream-write".to_owned()).spawn(move || write(&writer.0, &*writer.1))?;

    let start = Instant::now();
    let mut state = shared.lock();
    while !state.mux.is_open() {
        match &state.end {
            Some(End::Broken(error)) => return Err(copy(error)),
            Some(End::PeerLeft | End::Closed) => return Err(StreamError::Restarted.into()),
            None => {}
        }
        let left = patience.saturating_sub(start.elapsed());
        if left.is_zero() || is_over.load(Ordering::Acquire) {
            return Err(StreamError::Alone { waited: start.elapsed() }.into());
        }
        state = Shared::wait_for(&shared.open, state, left.min(BACKSTOP));
    }
    drop(state);
    let channel = |lane| Channel {
        sender: Box::new(Half { handle: Arc::clone(&handle), lane }),
        receiver: Box::new(Half { handle: Arc::clone(&handle), lane }),
        closer: Arc::clone(&handle) as Arc<dyn Close>,
    };
    Ok(Channels { urgent: channel(Lane::Urgent), bulk: channel(Lane::Bulk) })
}

/// The reading thread: ends with the stream.
fn read(shared: &Shared, device: &dyn FrameDevice) {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let end = match device.read(&mut buffer) {
            Ok(0) => Some(End::PeerLeft),
            Ok(count) => file(shared, buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                device.wait(Wait::Readable, BACKSTOP).err().map(|error| End::Broken(Arc::new(error)))
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
            Err(error) => Some(End::Broken(Arc::new(error))),
        };
        if let Some(end) = end {
            shared.end(end);
            device.wake();
        }
        if shared.lock().end.is_some() {
            return;
        }
    }
}

/// Gives the mux what was read and wakes whoever may go on.
fn file(shared: &Shared, bytes: &[u8]) -> Option<End> {
    let mut state = shared.lock();
    let result = state.mux.received(bytes);
    let peer_left = state.mux.peer_left();
    let waiting = Lane::ALL.map(|lane| state.mux.waiting(lane) > 0);
    drop(state);
    shared.work.notify_one();
    shared.open.notify_one();
    for (bytes, _) in shared.bytes.iter().zip(waiting).filter(|(_, waiting)| *waiting) {
        bytes.notify_one();
    }
    match result {
        Err(error) => Some(End::Broken(Arc::new(error.into()))),
        Ok(()) => peer_left.then_some(End::PeerLeft),
    }
}

/// The writing thread: ends with the stream, after what was queued and a bye.
fn write(shared: &Shared, device: &dyn FrameDevice) {
    let mut frame = [0; FRAME_BYTES];
    let mut reminded = Instant::now();
    loop {
        let mut state = shared.lock();
        let count = loop {
            if state.end.as_ref().is_some_and(|end| !matches!(end, End::Closed)) || state.mux.is_done() {
                drop(state);
                return device.wake();
            }
            if let Some(count) = state.mux.next_frame(&mut frame) {
                break count;
            }
            if state.mux.is_open() {
                state = Shared::wait(&shared.work, state);
            } else {
                let left = HELLO_INTERVAL.saturating_sub(reminded.elapsed());
                if left.is_zero() {
                    reminded = Instant::now();
                    state.mux.remind();
                } else {
                    state = Shared::wait_for(&shared.work, state, left);
                }
            }
        };
        drop(state);
        for room in &shared.room {
            room.notify_one();
        }
        // PANIC: the mux wrote `count` bytes of the frame.
        if let Err(error) = write_one(shared, device, &frame[..count]) {
            shared.end(End::Broken(Arc::new(error)));
            return device.wake();
        }
    }
}

/// Writes a frame, when there is room for it. A stream that has ended gets a moment for that, no more.
fn write_one(shared: &Shared, device: &dyn FrameDevice, frame: &[u8]) -> io::Result<()> {
    loop {
        match device.write_frame(frame) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => return result,
        }
        let time = match shared.lock().leave_by {
            None => BACKSTOP,
            Some(by) => by.saturating_duration_since(Instant::now()),
        };
        if time.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        device.wait(Wait::Writable, time)?;
    }
}

/// What all halves and closers of a stream share; the stream ends with it.
struct Handle {
    shared: Arc<Shared>,
    device: std::sync::Weak<dyn FrameDevice>,
}

impl Close for Handle {
    fn close(&self) {
        self.shared.end(End::Closed);
        if let Some(device) = self.device.upgrade() {
            device.wake();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

/// One direction of one channel.
struct Half {
    handle: Arc<Handle>,
    lane: Lane,
}

impl Sender for Half {
    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let shared = &*self.handle.shared;
        let mut state = shared.lock();
        for part in parts {
            let mut left: &[u8] = part;
            while !left.is_empty() {
                match &state.end {
                    None => {}
                    Some(End::Closed | End::PeerLeft) => return Err(io::ErrorKind::BrokenPipe.into()),
                    Some(End::Broken(error)) => return Err(copy(error)),
                }
                let taken = state.mux.send(self.lane, left);
                left = left.get(taken..).unwrap_or_default();
                if taken > 0 {
                    shared.work.notify_one();
                } else {
                    // PANIC: a lane's index is 0 or 1.
                    state = Shared::wait(&shared.room[self.lane.index()], state);
                }
            }
        }
        match &state.end {
            Some(End::Broken(error)) => Err(copy(error)),
            _ => Ok(()),
        }
    }
}

impl Receiver for Half {
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let shared = &*self.handle.shared;
        let mut state = shared.lock();
        loop {
            match &state.end {
                Some(End::Closed) => return Ok(0),
                Some(End::Broken(error)) => return Err(copy(error)),
                None | Some(End::PeerLeft) => {}
            }
            let (count, credit_is_due) = state.mux.receive(self.lane, into);
            if credit_is_due {
                shared.work.notify_one();
            }
            if count > 0 || into.is_empty() || state.end.is_some() {
                return Ok(count);
            }
            // PANIC: a lane's index is 0 or 1.
            state = Shared::wait(&shared.bytes[self.lane.index()], state);
        }
    }
}

/// The same error for another caller.
fn copy(error: &Arc<io::Error>) -> io::Error {
    io::Error::new(error.kind(), Shown(Arc::clone(error)))
}

/// An error that several callers get.
#[derive(Debug)]
struct Shown(Arc<io::Error>);

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Shown {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.get_ref().and_then(|error| error.source())
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
