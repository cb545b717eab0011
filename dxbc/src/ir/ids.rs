//! A map from ids to something small, as a vector: ids are dense.

use rspirv::spirv::Word;

/// A map from ids. What was not set is the default.
#[derive(Debug, Clone, Default)]
pub struct IdMap<T> {
    entries: Vec<T>,
}

impl<T: Copy + Default> IdMap<T> {
    /// A map with room for the ids below `bound`. It grows when greater ones come.
    pub fn new(bound: Word) -> Self {
        Self { entries: vec![T::default(); bound as usize] }
    }

    /// The entry of an id.
    pub fn get(&self, id: Word) -> T {
        self.entries.get(id as usize).copied().unwrap_or_default()
    }

    /// Sets the entry of an id.
    pub fn set(&mut self, id: Word, entry: T) {
        let place = id as usize;
        if place >= self.entries.len() {
            // Ids that are made during a pass come one by one.
            self.entries.resize(place + 64, T::default());
        }
        if let Some(slot) = self.entries.get_mut(place) {
            *slot = entry;
        }
    }
}
