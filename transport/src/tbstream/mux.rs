//! Two channels over one stream of frames, as a state machine: nothing here waits, reads or writes.
//!
//! [`Mux::next_frame`] says what to write next, [`Mux::received`] takes what was read, in any pieces. Between, each channel has
//! a queue to the peer and one from it. Both are bounded: the first by [`QUEUE_BYTES`], the second by credits. The receiver
//! says in its hello how many bytes of a channel it takes, and later, as its program reads them, how many more; the sender
//! stops there. So whatever comes can always be taken from the device, and a program that does not read one channel
//! never holds up the other.
//!
//! # Order
//! A hello, then credits, then urgent bytes, then bulk, then the bye. A record that was handed out is never taken
//! back, so at most one record of bulk goes before urgent bytes that are queued while it waits for the device.

use std::collections::VecDeque;

use super::error::StreamError;
use super::frame::{
    CREDIT_BYTES, FRAME_BYTES, HEADER_BYTES, HELLO_BYTES, Header, Hello, Kind, Lane, PIECE_BYTES,
};

/// Bytes of a channel that the peer may send before this end's program has read any. It bounds what stands in the device's
/// ring in front of urgent bytes: 64 frames of bulk, 0.2 ms at 10 Gb/s. The round trip needs a quarter of it.
pub(super) const WINDOW_BYTES: u32 = 256 * 1024;
/// Bytes of a channel that are queued here before `send` waits.
pub(super) const QUEUE_BYTES: usize = 64 * 1024;
/// A credit is given once the program has read this much since the last one.
const CREDIT_STEP: u64 = WINDOW_BYTES as u64 / 4;

/// One end of a stream.
#[derive(Debug)]
pub(super) struct Mux {
    /// This end's session; never 0.
    session: u32,
    /// The other end's, once it has been heard.
    peer: Option<u32>,
    /// Whether the other end has heard this session, so that it takes records of it.
    is_open: bool,
    /// Whether a hello is to be sent.
    hello_due: bool,
    /// Which session the last hello said that it has heard.
    hello_heard: u32,
    /// Whether this end has nothing to send any more but a bye.
    is_leaving: bool,
    /// Whether the bye was handed out.
    bye_sent: bool,
    /// Whether the other end has said bye.
    peer_left: bool,
    /// Numbers of the next record in each direction.
    next_out: u64,
    next_in: u64,
    /// The start of a record whose rest has not come.
    partial: Vec<u8>,
    lanes: [LaneState; 2],
}

/// One channel's queues and counters. All counters are bytes since the start.
#[derive(Debug, Default)]
struct LaneState {
    /// To the peer.
    outgoing: VecDeque<u8>,
    /// Handed out to the device.
    sent: u64,
    /// Up to where the peer allows.
    limit: u64,
    /// How many the peer takes without having read.
    peer_window: u64,
    /// From the peer, not read by the program.
    incoming: VecDeque<u8>,
    /// Got from the peer.
    received: u64,
    /// Up to where this end has allowed.
    allowed: u64,
}

impl LaneState {
    fn new() -> Self {
        Self { allowed: u64::from(WINDOW_BYTES), ..Self::default() }
    }

    /// Up to where this end would allow now.
    fn allowable(&self) -> u64 {
        // PANIC: as many bytes were received as are queued, at least.
        self.received - self.incoming.len() as u64 + u64::from(WINDOW_BYTES)
    }

    /// Whether it is worth a record to tell.
    fn credit_is_due(&self) -> bool {
        // PANIC: what was allowed is what was allowable at some time, and that never gets less.
        self.allowable() - self.allowed >= CREDIT_STEP
    }

    /// Bytes that may be sent now.
    fn sendable(&self) -> usize {
        let allowed = usize::try_from(self.limit.saturating_sub(self.sent)).unwrap_or(usize::MAX);
        self.outgoing.len().min(allowed).min(PIECE_BYTES)
    }
}

impl Mux {
    /// One end, which has a hello to send. `session` is a number that no earlier run had; 0 counts as 1.
    pub(super) fn new(session: u32) -> Self {
        Self {
            session: session.max(1),
            peer: None,
            is_open: false,
            hello_due: true,
            hello_heard: 0,
            is_leaving: false,
            bye_sent: false,
            peer_left: false,
            next_out: 0,
            next_in: 0,
            partial: Vec::with_capacity(FRAME_BYTES),
            lanes: [LaneState::new(), LaneState::new()],
        }
    }

    /// Whether both ends know each other, so that bytes flow.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether the other end has said that nothing more comes.
    pub(super) fn peer_left(&self) -> bool {
        self.peer_left
    }

    /// Whether the bye was handed out, so that nothing follows.
    pub(super) fn is_done(&self) -> bool {
        self.bye_sent
    }

    /// Says hello again, unless the other end has answered.
    pub(super) fn remind(&mut self) {
        self.hello_due |= !self.is_open;
    }

    /// Sends what is queued and allowed, then a bye; nothing more is queued.
    pub(super) fn leave(&mut self) {
        self.is_leaving = true;
    }

    /// Queues as many of `bytes` as there is room for and says how many.
    pub(super) fn send(&mut self, lane: Lane, bytes: &[u8]) -> usize {
        if self.is_leaving {
            return 0;
        }
        let queue = &mut self.lane(lane).outgoing;
        let taken = bytes.len().min(QUEUE_BYTES.saturating_sub(queue.len()));
        // PANIC: `taken` is at most their length.
        queue.extend(&bytes[..taken]);
        taken
    }

    /// Bytes of the channel that have come and were not read.
    pub(super) fn waiting(&self, lane: Lane) -> usize {
        self.lanes[lane.index()].incoming.len()
    }

    /// Moves bytes that have come to the start of `into` and says how many. The second number is true when that makes a
    /// credit due, so that [`Mux::next_frame`] has something.
    pub(super) fn receive(&mut self, lane: Lane, into: &mut [u8]) -> (usize, bool) {
        let lane = self.lane(lane);
        let count = take(&mut lane.incoming, into);
        (count, count > 0 && lane.credit_is_due())
    }

    /// Writes the next frame to the start of `frame` and gives its bytes; `None` when there is nothing to send.
    pub(super) fn next_frame(&mut self, frame: &mut [u8; FRAME_BYTES]) -> Option<usize> {
        if self.bye_sent {
            return None;
        }
        if self.hello_due {
            self.hello_due = false;
            self.hello_heard = self.peer.unwrap_or(0);
            let windows = [WINDOW_BYTES; 2];
            let hello = Hello { session: self.session, heard: self.hello_heard, windows };
            let header = Header {
                kind: Kind::Hello,
                lane: Lane::Urgent,
                length: HELLO_BYTES as u16,
                session: 0,
                sequence: 0,
            };
            return Some(write(frame, header, &hello.encode()));
        }
        let peer = self.peer.filter(|_| self.is_open);
        if let Some(session) = peer {
            let due = Lane::ALL.into_iter().find(|lane| self.lanes[lane.index()].credit_is_due());
            if let Some(lane) = due {
                let state = self.lane(lane);
                state.allowed = state.allowable();
                let limit = state.allowed.to_le_bytes();
                let header = self.header(Kind::Credit, lane, CREDIT_BYTES, session);
                return Some(write(frame, header, &limit));
            }
            for lane in Lane::ALL {
                let state = self.lane(lane);
                let count = state.sendable();
                if count > 0 {
                    // PANIC: `sendable` is at most PIECE_BYTES, which follow the header in a frame.
                    let taken = take(&mut state.outgoing, &mut frame[HEADER_BYTES..HEADER_BYTES + count]);
                    state.sent += taken as u64;
                    let header = self.header(Kind::Data, lane, taken, session);
                    frame[..HEADER_BYTES].copy_from_slice(&header.encode());
                    return Some(HEADER_BYTES + taken);
                }
            }
        }
        if self.is_leaving {
            self.bye_sent = true;
            let session = peer?;
            let header = self.header(Kind::Bye, Lane::Urgent, 0, session);
            return Some(write(frame, header, &[]));
        }
        None
    }

    /// Takes bytes of the device, which may be a part of a frame, or several frames and a part.
    ///
    /// # Errors
    /// What the other end did wrong. The stream cannot be used after that.
    pub(super) fn received(&mut self, mut bytes: &[u8]) -> Result<(), StreamError> {
        while !bytes.is_empty() {
            if self.partial.is_empty()
                && let Some((header, rest)) = bytes.split_first_chunk()
            {
                let header = Header::decode(header)?;
                if let Some((payload, rest)) = rest.split_at_checked(usize::from(header.length)) {
                    self.record(header, payload)?;
                    bytes = rest;
                    continue;
                }
            }
            bytes = self.gather(bytes)?;
        }
        Ok(())
    }

    /// Adds to the record that has begun, acts on it if it is whole, and gives what follows it.
    fn gather<'a>(&mut self, mut bytes: &'a [u8]) -> Result<&'a [u8], StreamError> {
        bytes = self.gather_to(HEADER_BYTES, bytes);
        let Some(header) = self.partial.first_chunk() else { return Ok(bytes) };
        let header = Header::decode(header)?;
        let whole = HEADER_BYTES + usize::from(header.length);
        bytes = self.gather_to(whole, bytes);
        if self.partial.len() == whole {
            let mut record = std::mem::take(&mut self.partial);
            // PANIC: the record is as long as its header and payload.
            let result = self.record(header, &record[HEADER_BYTES..]);
            record.clear();
            self.partial = record;
            result?;
        }
        Ok(bytes)
    }

    /// Adds bytes until `length` of the record are there, and gives what is left.
    fn gather_to<'a>(&mut self, length: usize, bytes: &'a [u8]) -> &'a [u8] {
        let missing = length.saturating_sub(self.partial.len()).min(bytes.len());
        let (more, rest) = bytes.split_at(missing);
        self.partial.extend_from_slice(more);
        rest
    }

    fn record(&mut self, header: Header, payload: &[u8]) -> Result<(), StreamError> {
        if header.kind == Kind::Hello {
            return self.hello(Hello::decode(payload)?);
        }
        if header.session != self.session {
            // Frames to whoever had this end of the stream before may still be on their way.
            return match self.is_open {
                false => Ok(()),
                true => Err(StreamError::Session { theirs: header.session, ours: self.session }),
            };
        }
        if self.peer.is_none() || header.sequence != self.next_in {
            return Err(StreamError::Sequence { got: header.sequence, expected: self.next_in });
        }
        self.next_in = self.next_in.wrapping_add(1);
        let lane = self.lane(header.lane);
        match header.kind {
            Kind::Hello => {}
            Kind::Data => {
                let end = lane.received.saturating_add(payload.len() as u64);
                if end > lane.allowed {
                    return Err(StreamError::Overrun { end, limit: lane.allowed });
                }
                lane.received = end;
                lane.incoming.extend(payload);
            }
            Kind::Credit => {
                let limit = payload.try_into().map_or(0, u64::from_le_bytes);
                let most = lane.sent.saturating_add(lane.peer_window);
                if limit < lane.limit || limit > most {
                    return Err(StreamError::Credit { limit, least: lane.limit, most });
                }
                lane.limit = limit;
            }
            Kind::Bye => self.peer_left = true,
        }
        Ok(())
    }

    fn hello(&mut self, hello: Hello) -> Result<(), StreamError> {
        if self.is_open && self.peer != Some(hello.session) {
            return Err(StreamError::Restarted);
        }
        self.peer = Some(hello.session);
        if !self.is_open {
            for (lane, window) in self.lanes.iter_mut().zip(hello.windows) {
                lane.peer_window = u64::from(window);
                lane.limit = lane.peer_window;
            }
            self.is_open = hello.heard == self.session;
        }
        // The other end waits for a hello that names it, unless the last one did and it has said so.
        self.hello_due |= hello.heard != self.session || self.hello_heard != hello.session;
        Ok(())
    }

    fn header(&mut self, kind: Kind, lane: Lane, length: usize, session: u32) -> Header {
        let sequence = self.next_out;
        self.next_out = self.next_out.wrapping_add(1);
        // CAST: no payload is longer than PIECE_BYTES.
        Header { kind, lane, length: length as u16, session, sequence }
    }

    fn lane(&mut self, lane: Lane) -> &mut LaneState {
        &mut self.lanes[lane.index()]
    }
}

/// Writes a record and gives its bytes.
fn write(frame: &mut [u8; FRAME_BYTES], header: Header, payload: &[u8]) -> usize {
    let end = HEADER_BYTES + payload.len();
    // PANIC: what calls this has a few bytes of payload.
    frame[..HEADER_BYTES].copy_from_slice(&header.encode());
    frame[HEADER_BYTES..end].copy_from_slice(payload);
    end
}

/// Moves the front of a queue to the start of `into` and says how many bytes.
fn take(queue: &mut VecDeque<u8>, into: &mut [u8]) -> usize {
    let count = queue.len().min(into.len());
    let (front, back) = queue.as_slices();
    let first = front.len().min(count);
    // PANIC: `first` is at most both lengths, and `count - first` at most what `back` and `into` have beyond it.
    into[..first].copy_from_slice(&front[..first]);
    into[first..count].copy_from_slice(&back[..count - first]);
    queue.drain(..count);
    count
}

#[cfg(test)]
#[path = "mux_tests.rs"]
mod tests;
