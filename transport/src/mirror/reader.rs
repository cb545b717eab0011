//! Messages from a channel's bytes.

use std::fmt;
use std::io;

use super::pack;
use super::wire::{HEADER_BYTES, Header, Message, PIECE_BYTES, WireError, decode};
use crate::carrier::Receiver;
use crate::span::Span;

/// Bytes of the buffer, at least. It has room for two messages, so that little is moved to its start.
const CHUNK: usize = 256 << 10;

/// Bytes that are received at once where a piece may follow whose bytes have a place of their own.
const AHEAD: usize = 4 << 10;

/// Why no message comes any more.
#[derive(Debug)]
pub enum ReadError {
    /// The channel has ended between two messages.
    End,
    /// The channel has failed, or has ended within a message.
    Io(io::Error),
    /// The peer sent something that is no message.
    Wire(WireError),
    /// There is no place for what the peer sent.
    Place(String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => f.write_str("the peer has closed the link"),
            Self::Io(error) => write!(f, "the link has failed ({error})"),
            Self::Wire(error) => error.fmt(f),
            Self::Place(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for ReadError {}

/// What has come on the bulk channel.
#[derive(Debug)]
pub enum Bulk<'a> {
    /// A message.
    Message(Message<'a>),
    /// A piece whose bytes are in their place by now.
    Placed {
        /// How many.
        length: u32,
        /// The item's last piece.
        last: bool,
    },
}

/// Cuts what a channel receives into messages.
pub struct MessageReader {
    receiver: Box<dyn Receiver>,
    limit: usize,
    buffer: Vec<u8>,
    /// What was received and not yet given out.
    begin: usize,
    end: usize,
    received: u64,
}

impl MessageReader {
    /// Messages with payloads of at most `limit` bytes.
    pub fn new(receiver: Box<dyn Receiver>, limit: usize) -> Self {
        Self {
            receiver,
            limit,
            buffer: vec![0; CHUNK.max(2 * (limit + HEADER_BYTES))],
            begin: 0,
            end: 0,
            received: 0,
        }
    }

    /// Waits for the next message.
    ///
    /// # Errors
    /// [`ReadError`]; nothing comes after it.
    pub fn read(&mut self) -> Result<Message<'_>, ReadError> {
        let header = self.header(usize::MAX)?;
        self.message(header)
    }

    /// Waits for the next message. The bytes of a piece that are not packed go straight to where `place` has them: it is given where the piece
    /// says to belong and how long it is, checks both, and nothing is written before.
    ///
    /// # Errors
    /// [`ReadError`]; nothing comes after it.
    pub fn read_bulk<'h>(
        &mut self,
        place: impl FnOnce(u64, u32) -> Result<Span<'h>, String>,
    ) -> Result<Bulk<'_>, ReadError> {
        let header = self.header(AHEAD)?;
        if !header.is_piece() || (header.length as usize) < PIECE_BYTES {
            return self.message(header).map(Bulk::Message);
        }
        self.gather(PIECE_BYTES)?;
        let fields = self.buffer.get(self.begin..self.begin + PIECE_BYTES).unwrap_or_default();
        let Message::Piece { offset, length, packing, last, .. } =
            decode(header, fields).map_err(ReadError::Wire)?
        else {
            return self.message(header).map(Bulk::Message);
        };
        if packing != pack::RAW || header.length as usize - PIECE_BYTES != length as usize {
            return self.message(header).map(Bulk::Message);
        }
        let span = place(offset, length).map_err(ReadError::Place)?;
        // PANIC: `gather` has seen to it that so many bytes are there.
        self.begin += PIECE_BYTES;
        self.fill(span)?;
        Ok(Bulk::Placed { length, last })
    }

    /// Waits for the next header, with at most `most` bytes a time.
    fn header(&mut self, most: usize) -> Result<Header, ReadError> {
        loop {
            let bytes = self.buffer.get(self.begin..self.end).unwrap_or_default();
            if let Some(header) = bytes.first_chunk() {
                let header = Header::read(*header, self.limit).map_err(ReadError::Wire)?;
                self.begin += HEADER_BYTES;
                return Ok(header);
            }
            self.receive(most)?;
        }
    }

    /// Waits for `length` bytes of a message, which are then at the begin of what is there.
    fn gather(&mut self, length: usize) -> Result<(), ReadError> {
        while self.end - self.begin < length {
            // May move what is there to the buffer's start.
            self.receive(usize::MAX).map_err(within)?;
        }
        Ok(())
    }

    /// Waits for the payload behind a header.
    fn message(&mut self, header: Header) -> Result<Message<'_>, ReadError> {
        let length = header.length as usize;
        self.gather(length)?;
        let first = self.begin;
        self.begin += length;
        let payload = self.buffer.get(first..first + length).unwrap_or_default();
        decode(header, payload).map_err(ReadError::Wire)
    }

    /// Fills a span with what comes next.
    fn fill(&mut self, span: Span<'_>) -> Result<(), ReadError> {
        let there = span.write(self.buffer.get(self.begin..self.end).unwrap_or_default());
        self.begin += there;
        let mut left = span.split_at(there).1;
        while !left.is_empty() {
            // What was there is in the span, so that the buffer is free.
            let received = self.receiver.receive_into(left, &mut self.buffer).map_err(ReadError::Io)?;
            if received == 0 {
                return Err(within(ReadError::End));
            }
            self.received += received as u64;
            let behind = received.saturating_sub(left.len()).min(self.buffer.len());
            (self.begin, self.end) = (0, behind);
            left = left.split_at(received).1;
        }
        Ok(())
    }

    /// Bytes received so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Waits for more bytes, `most` at most.
    fn receive(&mut self, most: usize) -> Result<(), ReadError> {
        if self.begin == self.end {
            (self.begin, self.end) = (0, 0);
        } else if self.begin != 0 && self.buffer.len() - self.begin < self.limit + HEADER_BYTES {
            self.buffer.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
        }
        let end = self.end.saturating_add(most).min(self.buffer.len());
        let room = self.buffer.get_mut(self.end..end).unwrap_or_default();
        match self.receiver.receive(room) {
            Ok(0) if self.begin == self.end => Err(ReadError::End),
            Ok(0) => Err(ReadError::Io(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => {
                self.end += count.min(self.buffer.len() - self.end);
                self.received += count as u64;
                Ok(())
            }
            Err(error) => Err(ReadError::Io(error)),
        }
    }
}

/// The end of a channel within a message.
fn within(error: ReadError) -> ReadError {
    match error {
        ReadError::End => ReadError::Io(io::ErrorKind::UnexpectedEof.into()),
        error => error,
    }
}
