//! A model of two stream devices and the cable between them, for tests, with the habits of Linux' driver.
//!
//! Each direction has a ring to send and one to receive. A frame goes over the cable when the receiver has room; to an end that is
//! not open it is lost. A read gives parts of frames and several frames, as the driver's loop does; closing sends a close
//! frame if the ring has room for it; a pulled cable makes everything `ENXIO`. With `paced`, nothing moves but by [`Cable::carry`],
//! so that a test decides the schedule.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::device::{FrameDevice, Wait, is_frame};
use super::error::StreamError;

/// A frame on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Frame {
    Data(Vec<u8>),
    Close,
}

#[derive(Debug, Default)]
struct Direction {
    to_send: VecDeque<Frame>,
    received: VecDeque<Frame>,
    /// Bytes of the first received frame that were read.
    offset: usize,
    /// Whether somebody has the receiving end open.
    is_open: bool,
    /// The first two bytes of each frame that was ever written, kind and channel.
    log: Vec<(u8, u8)>,
}

#[derive(Debug, Default)]
struct State {
    /// By the side that sends.
    directions: [Direction; 2],
    is_unplugged: bool,
    /// How often the cable was plugged in: a device of an earlier time is gone for good.
    plugged: u32,
}

/// Two devices and their cable.
#[derive(Debug)]
pub(super) struct Cable {
    state: Mutex<State>,
    changed: Condvar,
    ring: usize,
    is_paced: bool,
}

impl Cable {
    /// A cable between devices with rings of `ring` frames. Frames go over it by themselves unless it is `paced`.
    pub(super) fn new(ring: usize, is_paced: bool) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), changed: Condvar::new(), ring, is_paced })
    }

    /// Opens the device of one side, 0 or 1.
    pub(super) fn open(self: &Arc<Self>, side: usize) -> Arc<End> {
        self.try_open(side).expect("the cable is in and nobody else has the device")
    }

    /// The same with what the system may say: there is no such device, or somebody else has it.
    pub(super) fn try_open(self: &Arc<Self>, side: usize) -> io::Result<Arc<End>> {
        let mut state = self.lock();
        let failed = |kind: io::ErrorKind| {
            StreamError::Open { path: "/dev/tbstream0".into(), source: kind.into() }.into()
        };
        if state.is_unplugged {
            return Err(failed(io::ErrorKind::NotFound));
        }
        let plugged = state.plugged;
        let incoming = &mut state.directions[1 - side];
        if incoming.is_open {
            return Err(failed(io::ErrorKind::ResourceBusy));
        }
        incoming.is_open = true;
        incoming.received.clear();
        incoming.offset = 0;
        Ok(Arc::new(End { cable: Arc::clone(self), side, plugged, woken: AtomicBool::new(false) }))
    }

    /// Pulls the cable.
    pub(super) fn unplug(&self) {
        self.lock().is_unplugged = true;
        self.changed.notify_all();
    }

    /// Plugs it in again: the devices are others.
    pub(super) fn plug(&self) {
        let mut state = self.lock();
        let plugged = state.plugged + 1;
        *state = State { plugged, ..State::default() };
    }

    /// Moves up to `count` frames that `side` has sent, and says how many moved.
    pub(super) fn carry(&self, side: usize, count: usize) -> usize {
        let moved = self.lock().directions[side].carry(count, self.ring);
        self.changed.notify_all();
        moved
    }

    /// Frames of `side` that are in its ring or in the receiver's.
    pub(super) fn backlog(&self, side: usize) -> usize {
        let direction = &self.lock().directions[side];
        direction.to_send.len() + direction.received.len()
    }

    /// Where, after the first `written` frames that `side` has written, the first frame of this kind and channel stands.
    pub(super) fn find(&self, side: usize, written: usize, frame: (u8, u8)) -> Option<usize> {
        self.lock().directions[side].log[written..].iter().position(|one| *one == frame)
    }

    /// How many frames of this kind and channel `side` has written.
    pub(super) fn count(&self, side: usize, frame: (u8, u8)) -> usize {
        self.lock().directions[side].log.iter().filter(|one| **one == frame).count()
    }

    /// How many frames `side` has written.
    pub(super) fn written(&self, side: usize) -> usize {
        self.lock().directions[side].log.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, state: &mut State) {
        if !self.is_paced {
            for direction in &mut state.directions {
                direction.carry(usize::MAX, self.ring);
            }
        }
        self.changed.notify_all();
    }
}

impl Direction {
    fn carry(&mut self, count: usize, ring: usize) -> usize {
        let mut moved = 0;
        while moved < count && self.received.len() < ring {
            let Some(frame) = self.to_send.pop_front() else { break };
            if self.is_open {
                self.received.push_back(frame);
            }
            moved += 1;
        }
        moved
    }
}

/// An open device.
#[derive(Debug)]
pub(super) struct End {
    cable: Arc<Cable>,
    side: usize,
    plugged: u32,
    woken: AtomicBool,
}

impl End {
    fn is_gone(&self, state: &State) -> bool {
        state.is_unplugged || state.plugged != self.plugged
    }
}

impl FrameDevice for End {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        let mut state = self.cable.lock();
        if self.is_gone(&state) {
            return Err(StreamError::Unplugged.into());
        }
        let direction = &mut state.directions[1 - self.side];
        if direction.received.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut count = 0;
        // The driver compares what it has read with what is left of the buffer, so that it stops at about the middle.
        while count < into.len() - count {
            match direction.received.front() {
                None => break,
                Some(Frame::Close) => {
                    if count == 0 {
                        direction.received.pop_front();
                    }
                    break;
                }
                Some(Frame::Data(bytes)) => {
                    let left = &bytes[direction.offset..];
                    let size = left.len().min(into.len() - 2 * count);
                    into[count..count + size].copy_from_slice(&left[..size]);
                    count += size;
                    direction.offset += size;
                    if direction.offset == bytes.len() {
                        direction.received.pop_front();
                        direction.offset = 0;
                    }
                }
            }
        }
        self.cable.settle(&mut state);
        Ok(count)
    }

    fn write_frame(&self, frame: &[u8]) -> io::Result<()> {
        assert!(is_frame(frame), "{} bytes", frame.len());
        let mut state = self.cable.lock();
        if self.is_gone(&state) {
            return Err(StreamError::Unplugged.into());
        }
        let direction = &mut state.directions[self.side];
        if direction.to_send.len() == self.cable.ring {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        direction.log.push((frame[0], frame.get(1).copied().unwrap_or(0)));
        direction.to_send.push_back(Frame::Data(frame.to_vec()));
        self.cable.settle(&mut state);
        Ok(())
    }

    fn wait(&self, what: Wait, timeout: Duration) -> io::Result<()> {
        let deadline = Instant::now() + timeout;
        let mut state = self.cable.lock();
        loop {
            if self.is_gone(&state) {
                return Err(StreamError::Unplugged.into());
            }
            let ready = match what {
                Wait::Readable => {
                    self.woken.load(Ordering::SeqCst) || !state.directions[1 - self.side].received.is_empty()
                }
                Wait::Writable => state.directions[self.side].to_send.len() < self.cable.ring,
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if ready || left.is_zero() {
                return Ok(());
            }
            state = self.cable.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn wake(&self) {
        let state = self.cable.lock();
        self.woken.store(true, Ordering::SeqCst);
        drop(state);
        self.cable.changed.notify_all();
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut state = self.cable.lock();
        if self.is_gone(&state) {
            return;
        }
        let outgoing = &mut state.directions[self.side];
        if outgoing.to_send.len() < self.cable.ring {
            outgoing.to_send.push_back(Frame::Close);
        }
        let incoming = &mut state.directions[1 - self.side];
        incoming.is_open = false;
        incoming.received.clear();
        self.cable.settle(&mut state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_has_the_habits_of_the_driver() {
        let cable = Cable::new(2, false);
        let a = cable.open(0);
        a.write_frame(b"lost").expect("there is room");
        let b = cable.open(1);
        let mut bytes = [0; 16];
        assert_eq!(b.read(&mut bytes).expect_err("lost").kind(), io::ErrorKind::WouldBlock);
        a.write_frame(b"abc").expect("there is room");
        a.write_frame(b"defgh").expect("there is room");
        assert_eq!(
            b.read(&mut bytes[..7]).expect("two frames"),
            4,
            "three bytes and a part of the next frame"
        );
        assert_eq!(&bytes[..4], b"abcd");
        for _ in 0..3 {
            a.write_frame(b"x").expect("there is room");
        }
        assert_eq!(a.write_frame(b"x").expect_err("two rings are full").kind(), io::ErrorKind::WouldBlock);
        assert_eq!(b.read(&mut bytes[..2]).expect("a part"), 2);
        assert_eq!(b.read(&mut bytes).expect("the rest and a frame"), 3);
        drop(a);
        assert_eq!(b.read(&mut bytes).expect("the last frames"), 2);
        assert_eq!(b.read(&mut bytes).expect("closed"), 0);
        assert_eq!(b.read(&mut bytes).expect_err("said once").kind(), io::ErrorKind::WouldBlock);
        cable.unplug();
        assert!(b.read(&mut bytes).is_err() && b.write_frame(b"x").is_err());
        assert!(b.wait(Wait::Readable, Duration::ZERO).is_err());
    }
}
