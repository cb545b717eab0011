//! Handles that callers hold: numbers that are looked up, with weak references behind them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

/// A table of objects of one kind. A number is never given twice.
pub(crate) struct Handles<T> {
    // Not a hash map: std's takes random numbers from a DLL that Wine 8 lacks.
    objects: RwLock<BTreeMap<usize, Weak<T>>>,
}

/// Numbers for all tables, so that a handle of one kind is none of another.
static NEXT: AtomicUsize = AtomicUsize::new(0x1000);

/// A number that no object has. A multiple of 16, as Windows' handles are multiples of 4.
pub(crate) fn next() -> usize {
    NEXT.fetch_add(16, Ordering::Relaxed)
}

impl<T> Handles<T> {
    /// An empty table.
    pub(crate) const fn new() -> Self {
        Self { objects: RwLock::new(BTreeMap::new()) }
    }

    /// Puts an object into the table.
    pub(crate) fn insert(&self, handle: usize, object: Weak<T>) {
        self.objects.write().unwrap_or_else(PoisonError::into_inner).insert(handle, object);
    }

    /// Takes an object out.
    pub(crate) fn remove(&self, handle: usize) {
        self.objects.write().unwrap_or_else(PoisonError::into_inner).remove(&handle);
    }

    /// The living object behind a handle.
    pub(crate) fn get(&self, handle: usize) -> Option<Arc<T>> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner).get(&handle)?.upgrade()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_living_objects_are_found() {
        static TABLE: Handles<u8> = Handles::new();
        let (a, b) = (Arc::new(1), Arc::new(2));
        let (at, bt) = (next(), next());
        TABLE.insert(at, Arc::downgrade(&a));
        TABLE.insert(bt, Arc::downgrade(&b));
        assert_eq!((TABLE.get(at).as_deref(), TABLE.get(bt).as_deref()), (Some(&1), Some(&2)));
        drop(a);
        TABLE.remove(bt);
        assert_eq!((TABLE.get(at), TABLE.get(bt), TABLE.get(0)), (None, None, None));
    }
}
