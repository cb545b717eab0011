//! A table of objects behind handles that are never given twice: index and generation in one `u64`.
//!
//! dxgkrnl hands the driver's handles back as they are; a handle of a destroyed object, or a made-up one, finds nothing.

use alloc::vec::Vec;

use crate::status::Status;

/// The most objects of one kind.
const MAX_ENTRIES: usize = 1 << 20;

/// Generations run from 1 to this.
const MAX_GENERATION: u32 = i32::MAX as u32;

struct Entry<T> {
    generation: u32,
    value: Option<T>,
}

/// The table.
pub(crate) struct Slab<T> {
    entries: Vec<Entry<T>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    /// An empty table; allocates nothing.
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), free: Vec::new() }
    }

    /// Puts an object into the table and gives its handle, never 0.
    pub(crate) fn insert(&mut self, value: T) -> Result<u64, Status> {
        if let Some(index) = self.free.pop() {
            let entry = self.entries.get_mut(index as usize).ok_or(Status::NoMemory)?;
            entry.value = Some(value);
            return Ok(handle(index, entry.generation));
        }
        let index = self.entries.len();
        if index >= MAX_ENTRIES {
            return Err(Status::NoMemory);
        }
        self.entries.try_reserve(1).map_err(|_| Status::NoMemory)?;
        // Room on the free list for every entry, so that removing never allocates.
        self.free.try_reserve(index + 1).map_err(|_| Status::NoMemory)?;
        self.entries.push(Entry { generation: 1, value: Some(value) });
        // CAST: below MAX_ENTRIES.
        Ok(handle(index as u32, 1))
    }

    /// The object behind a handle.
    pub(crate) fn get(&self, handle: u64) -> Option<&T> {
        let (index, generation) = parts(handle)?;
        let entry = self.entries.get(index).filter(|entry| entry.generation == generation)?;
        entry.value.as_ref()
    }

    /// The object behind a handle, to be changed.
    pub(crate) fn get_mut(&mut self, handle: u64) -> Option<&mut T> {
        let (index, generation) = parts(handle)?;
        let entry = self.entries.get_mut(index).filter(|entry| entry.generation == generation)?;
        entry.value.as_mut()
    }

    /// How many objects there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Takes an object out; its handle finds nothing from now on.
    pub(crate) fn remove(&mut self, handle: u64) -> Option<T> {
        let (index, generation) = parts(handle)?;
        let entry = self.entries.get_mut(index).filter(|entry| entry.generation == generation)?;
        let value = entry.value.take()?;
        // The top bit is the caller's; after two thousand million lives of one entry its handles come again.
        entry.generation = (entry.generation % MAX_GENERATION) + 1;
        // CAST: an index is below MAX_ENTRIES.
        self.free.push(index as u32);
        Some(value)
    }

    /// The objects with their handles.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.entries.iter().zip(0u32..).filter_map(|(entry, index)| {
            entry.value.as_ref().map(|value| (handle(index, entry.generation), value))
        })
    }
}

const fn handle(index: u32, generation: u32) -> u64 {
    (generation as u64) << 32 | (index as u64 + 1)
}

fn parts(handle: u64) -> Option<(usize, u32)> {
    // CAST: the halves of the handle.
    let index = (handle as u32).checked_sub(1)?;
    Some((index as usize, (handle >> 32) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_handles_find_nothing() {
        let mut slab = Slab::new();
        let a = slab.insert('a').expect("room");
        let b = slab.insert('b').expect("room");
        assert_eq!((slab.get(a), slab.get(b)), (Some(&'a'), Some(&'b')));
        assert_eq!(slab.remove(a), Some('a'));
        assert_eq!((slab.remove(a), slab.get(a)), (None, None));
        let c = slab.insert('c').expect("room");
        assert_ne!(a, c, "the slot is used again, the handle is not");
        assert_eq!((slab.get(a), slab.get(c)), (None, Some(&'c')));
        assert_eq!(slab.iter().map(|(_, value)| *value).collect::<Vec<_>>(), ['c', 'b']);
        for made_up in [0, 3, u64::MAX, 1 << 32] {
            assert_eq!(slab.get(made_up), None, "{made_up}");
        }
    }
}
