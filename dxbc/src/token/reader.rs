//! A bounds-checked cursor over the dwords of a token stream.

use crate::Error;

/// Reads dwords in order; every read past the end is [`Error::Truncated`].
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    tokens: &'a [u32],
    position: usize,
}

impl<'a> Reader<'a> {
    /// A reader over `tokens` that starts at its first dword.
    pub fn new(tokens: &'a [u32]) -> Self {
        Self { tokens, position: 0 }
    }

    /// The dword offset of the next read. The stream is limited to `limits::TOKENS`, so that it fits.
    pub fn offset(&self) -> u32 {
        u32::try_from(self.position).unwrap_or(u32::MAX)
    }

    /// Whether everything has been read.
    pub fn is_empty(&self) -> bool {
        self.position >= self.tokens.len()
    }

    /// The next dword.
    pub fn dword(&mut self) -> Result<u32, Error> {
        let token =
            self.tokens.get(self.position).copied().ok_or(Error::Truncated { offset: self.offset() })?;
        self.position += 1;
        Ok(token)
    }

    /// The next `count` dwords.
    pub fn dwords(&mut self, count: usize) -> Result<&'a [u32], Error> {
        let end = self.position.checked_add(count).filter(|end| *end <= self.tokens.len());
        let end =
            end.ok_or(Error::Truncated { offset: u32::try_from(self.tokens.len()).unwrap_or(u32::MAX) })?;
        let slice = self.tokens.get(self.position..end).unwrap_or_default();
        self.position = end;
        Ok(slice)
    }

    /// Narrows the stream so that it ends at dword `end`. An `end` beyond the stream is [`Error::Truncated`].
    pub fn limited(&self, end: usize) -> Result<Self, Error> {
        let tokens = self
            .tokens
            .get(..end)
            .ok_or(Error::Truncated { offset: u32::try_from(self.tokens.len()).unwrap_or(u32::MAX) })?;
        Ok(Self { tokens, position: self.position })
    }

    /// Continues at dword `position`.
    pub fn seek(&mut self, position: usize) {
        self.position = position.min(self.tokens.len());
    }
}
