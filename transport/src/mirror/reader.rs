//! Messages from a channel's bytes.

use std::fmt;
use std::io;

use super::wire::{HEADER_BYTES, Header, Message, WireError, decode};
use crate::carrier::Receiver;

/// Bytes of the buffer, at least. It has room for two messages, so that little is moved to its start.
const CHUNK: usize = 256 << 10;

/// Why no message comes any more.
#[derive(Debug)]
pub enum ReadError {
    /// The channel has ended between two messages.
    End,
    /// The channel has failed, or has ended within a message.
    Io(io::Error),
    /// The peer sent something that is no message.
    Wire(WireError),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => f.write_str("the peer has closed the link"),
            Self::Io(error) => write!(f, "the link has failed ({error})"),
            Self::Wire(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReadError {}

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
        let header = loop {
            let bytes = self.buffer.get(self.begin..self.end).unwrap_or_default();
            match bytes.first_chunk() {
                Some(header) => break Header::read(*header, self.limit).map_err(ReadError::Wire)?,
                None => self.receive()?,
            }
        };
        let first = self.begin + HEADER_BYTES;
        let length = header.length as usize;
        self.begin = first;
        while self.end - self.begin < length {
            // May move what is there to the buffer's start.
            self.receive().map_err(|error| match error {
                ReadError::End => ReadError::Io(io::ErrorKind::UnexpectedEof.into()),
                error => error,
            })?;
        }
        let first = self.begin;
        self.begin += length;
        let payload = self.buffer.get(first..first + length).unwrap_or_default();
        decode(header, payload).map_err(ReadError::Wire)
    }

    /// Bytes received so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Waits for more bytes.
    fn receive(&mut self) -> Result<(), ReadError> {
        if self.begin == self.end {
            (self.begin, self.end) = (0, 0);
        } else if self.begin != 0 && self.buffer.len() - self.begin < self.limit + HEADER_BYTES {
            self.buffer.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
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
