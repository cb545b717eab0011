//! Messages between a tool and a compiler in another process: a tag and some byte strings, over pipes.
//!
//! Numbers are little-endian 32-bit words: tag, number of parts, then the length and the bytes of each part.

use std::io::{self, Read, Write};

/// Parts of a message at most: the containers of a round of measurements.
const MAX_PARTS: u32 = 1 << 20;
/// Bytes of a part at most. Larger ones come from a process that has lost its way.
const MAX_BYTES: u32 = 1 << 28;

/// A request or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is; each side knows what the other sends.
    pub tag: u32,
    /// What it holds.
    pub parts: Vec<Vec<u8>>,
}

impl Message {
    /// Reads the next message; `None` if the other side has closed the pipe.
    ///
    /// # Errors
    /// The pipe's, or `InvalidData` for lengths that no message has.
    pub fn read(source: &mut impl Read) -> io::Result<Option<Self>> {
        let tag = match word(source) {
            Ok(tag) => tag,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        };
        let count = below(word(source)?, MAX_PARTS)?;
        let mut parts = Vec::new();
        for _ in 0..count {
            let mut part = vec![0; below(word(source)?, MAX_BYTES)? as usize];
            source.read_exact(&mut part)?;
            parts.push(part);
        }
        Ok(Some(Self { tag, parts }))
    }

    /// Writes the message and flushes.
    ///
    /// # Errors
    /// The pipe's.
    pub fn write(&self, sink: &mut impl Write) -> io::Result<()> {
        sink.write_all(&self.tag.to_le_bytes())?;
        sink.write_all(&(self.parts.len() as u32).to_le_bytes())?;
        for part in &self.parts {
            sink.write_all(&(part.len() as u32).to_le_bytes())?;
            sink.write_all(part)?;
        }
        sink.flush()
    }
}

/// Words as a part of a message.
pub fn to_bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// The words of a part; bytes that fill no word are left out.
pub fn to_words(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
}

fn word(source: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    source.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

fn below(value: u32, limit: u32) -> io::Result<u32> {
    if value > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{value} is above {limit}")));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_pipe() {
        let messages = [
            Message { tag: 3, parts: vec![b"abc".to_vec(), Vec::new(), to_bytes(&[7, u32::MAX])] },
            Message { tag: 0, parts: Vec::new() },
        ];
        let mut pipe = Vec::new();
        for message in &messages {
            message.write(&mut pipe).unwrap();
        }
        let mut pipe = pipe.as_slice();
        for message in messages {
            assert_eq!(Message::read(&mut pipe).unwrap(), Some(message));
        }
        assert_eq!(Message::read(&mut pipe).unwrap(), None);
    }

    #[test]
    fn nonsense_is_refused() {
        let huge = to_bytes(&[0, 1, u32::MAX]);
        assert_eq!(Message::read(&mut huge.as_slice()).unwrap_err().kind(), io::ErrorKind::InvalidData);
        let cut = to_bytes(&[0, 1, 8, 1]);
        assert!(Message::read(&mut cut.as_slice()).is_err());
    }
}
