//! A carrier within one process: both ends of two channels over bounded pipes in memory. What tests and models run a mirror over.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::carrier::{Channel, Channels, Close, Receiver, Sender};

/// Bytes that a pipe holds; the sender of more waits.
const CAPACITY: usize = 256 << 10;

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    closed: bool,
}

/// One direction.
#[derive(Default)]
struct Pipe {
    state: Mutex<State>,
    changed: Condvar,
}

impl Pipe {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }
}

struct Half(Arc<Pipe>);

impl Sender for Half {
    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        for part in parts {
            let mut rest: &[u8] = part;
            while !rest.is_empty() {
                let state = self.0.state();
                let full = |state: &mut State| state.bytes.len() >= CAPACITY && !state.closed;
                let mut state =
                    self.0.changed.wait_while(state, full).unwrap_or_else(PoisonError::into_inner);
                if state.closed {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                let (now, later) = rest.split_at(rest.len().min(CAPACITY - state.bytes.len()));
                state.bytes.extend(now);
                rest = later;
                drop(state);
                self.0.changed.notify_all();
            }
        }
        Ok(())
    }
}

impl Receiver for Half {
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let state = self.0.state();
        let empty = |state: &mut State| state.bytes.is_empty() && !state.closed;
        let mut state = self.0.changed.wait_while(state, empty).unwrap_or_else(PoisonError::into_inner);
        let count = into.len().min(state.bytes.len());
        for (to, from) in into.iter_mut().zip(state.bytes.drain(..count)) {
            *to = from;
        }
        drop(state);
        self.0.changed.notify_all();
        Ok(count)
    }
}

struct Closer([Arc<Pipe>; 2]);

impl Close for Closer {
    fn close(&self) {
        for pipe in &self.0 {
            pipe.close();
        }
    }
}

fn channel() -> (Channel, Channel) {
    let (there, back) = (Arc::new(Pipe::default()), Arc::new(Pipe::default()));
    let closer: Arc<dyn Close> = Arc::new(Closer([there.clone(), back.clone()]));
    let end = |to: &Arc<Pipe>, from: &Arc<Pipe>| Channel {
        sender: Box::new(Half(to.clone())),
        receiver: Box::new(Half(from.clone())),
        closer: closer.clone(),
    };
    (end(&there, &back), end(&back, &there))
}

/// Both ends of a carrier.
pub fn pair() -> (Channels, Channels) {
    let ((urgent, other_urgent), (bulk, other_bulk)) = (channel(), channel());
    (Channels { urgent, bulk }, Channels { urgent: other_urgent, bulk: other_bulk })
}
