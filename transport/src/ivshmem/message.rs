//! The messages: 8-byte little-endian signed numbers, some of which come with a file descriptor; and what a client makes of them.

use std::fmt;

/// The version of the protocol; the first number that a server sends.
pub const PROTOCOL_VERSION: i64 = 0;
/// The number that comes with the shared memory.
pub const MEMORY: i64 = -1;
/// The highest number of a peer.
pub const MAX_PEER: u16 = u16::MAX;

/// Descriptors of peers that a client keeps; a server that sends more is refused.
const MAX_DOORBELLS: usize = 64;

/// A number that may not come at this place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What should have come.
    pub expected: &'static str,
    /// What came.
    pub number: i64,
    /// Whether a descriptor came with it.
    pub with_descriptor: bool,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with = if self.with_descriptor { "with" } else { "without" };
        let Self { expected, number, .. } = self;
        write!(f, "the server sent {number} {with} a file descriptor where {expected} should come")
    }
}

impl std::error::Error for Violation {}

/// What a client has been told, message by message. `F` is a file descriptor.
#[derive(Debug)]
pub struct Setup<F> {
    version: bool,
    id: Option<u16>,
    memory: Option<F>,
    interrupts: Vec<F>,
    doorbells: Vec<(u16, F)>,
}

impl<F> Default for Setup<F> {
    fn default() -> Self {
        Self { version: false, id: None, memory: None, interrupts: Vec::new(), doorbells: Vec::new() }
    }
}

impl<F> Setup<F> {
    /// Takes the next message. After an error the connection is to be closed.
    ///
    /// # Errors
    /// [`Violation`] when it may not come here (the specification's steps 1 to 6).
    pub fn take(&mut self, number: i64, descriptor: Option<F>) -> Result<(), Violation> {
        let with_descriptor = descriptor.is_some();
        let violation = |expected| Violation { expected, number, with_descriptor };
        if !self.version {
            self.version = number == PROTOCOL_VERSION && !with_descriptor;
            return if self.version { Ok(()) } else { Err(violation("protocol version 0")) };
        }
        let Some(own) = self.id else {
            let id = u16::try_from(number).ok().filter(|_| !with_descriptor);
            self.id = id;
            return id.map(|_| ()).ok_or(violation("the client's number"));
        };
        if self.memory.is_none() {
            self.memory = descriptor.filter(|_| number == MEMORY);
            return if self.memory.is_some() { Ok(()) } else { Err(violation("the shared memory")) };
        }
        let peer = u16::try_from(number).map_err(|_| violation("the number of a peer"))?;
        match descriptor {
            Some(descriptor) if self.interrupts.len() + self.doorbells.len() < MAX_DOORBELLS => {
                if peer == own {
                    self.interrupts.push(descriptor);
                } else {
                    self.doorbells.push((peer, descriptor));
                }
                Ok(())
            }
            Some(_) => Err(violation("no further descriptor")),
            None if peer == own => Err(violation("the number of another peer")),
            None => {
                self.doorbells.retain(|(other, _)| *other != peer);
                Ok(())
            }
        }
    }

    /// Whether the client can begin: it has its number, its memory, and a first vector.
    pub fn is_complete(&self) -> bool {
        self.memory.is_some() && !self.interrupts.is_empty()
    }

    /// The client's number.
    pub fn id(&self) -> Option<u16> {
        self.id
    }

    /// The descriptor for a vector of a peer.
    pub fn doorbell(&self, peer: u16, vector: usize) -> Option<&F> {
        self.doorbells
            .iter()
            .filter(|(other, _)| *other == peer)
            .nth(vector)
            .map(|(_, descriptor)| descriptor)
    }

    /// Descriptors that are kept.
    pub fn descriptors(&self) -> usize {
        usize::from(self.memory.is_some()) + self.interrupts.len() + self.doorbells.len()
    }

    /// Number, memory and first vector of a client that can begin.
    pub(super) fn into_parts(self) -> Option<Parts<F>> {
        let Self { id, memory, interrupts, doorbells, .. } = self;
        Some((id?, memory?, interrupts.into_iter().next()?, doorbells))
    }
}

/// The client's number, its memory, its first vector, and its peers' doorbells.
pub(super) type Parts<F> = (u16, F, F, Vec<(u16, F)>);
