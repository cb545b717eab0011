//! Numbers for a context's objects, chosen by the guest.
//!
//! A number is free again as soon as `DestroyObject` is in the ring: the ring's order is all the host needs.

use pvgpu_protocol::limits::MAX_OBJECTS;

use crate::error::Error;

/// Gives out object numbers.
#[derive(Debug, Default)]
pub struct Ids {
    next: u32,
    free: Vec<u32>,
}

impl Ids {
    /// A number that no living object has.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] when all of [`MAX_OBJECTS`] are in use.
    pub fn allocate(&mut self) -> Result<u32, Error> {
        if let Some(id) = self.free.pop() {
            return Ok(id);
        }
        if self.next == MAX_OBJECTS {
            return Err(Error::OutOfMemory);
        }
        let id = self.next;
        self.next += 1;
        Ok(id)
    }

    /// Takes a number back.
    pub fn free(&mut self, id: u32) {
        self.free.push(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_and_come_back() {
        let mut ids = Ids { next: MAX_OBJECTS - 2, free: Vec::new() };
        let first = ids.allocate().expect("two are left");
        let second = ids.allocate().expect("one is left");
        assert_ne!(first, second);
        assert_eq!(ids.allocate(), Err(Error::OutOfMemory));
        ids.free(first);
        assert_eq!(ids.allocate(), Ok(first));
    }
}
