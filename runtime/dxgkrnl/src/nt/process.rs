//! Processes: whose handles, memory and mappings a call of user mode is about.

use std::collections::BTreeMap;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::object::EventObject;

/// The number of the System process, in whose name the kernel itself works.
pub(crate) const SYSTEM_PROCESS: u64 = 4;

/// A process as the kernel sees it.
#[derive(Debug)]
pub(crate) struct Process {
    id: u64,
    load_driver_privilege: AtomicBool,
    handles: Mutex<BTreeMap<usize, Arc<EventObject>>>,
    next_handle: AtomicUsize,
    /// What user mode can read: start and bytes. Copies from user memory hold the lock, so that nothing goes meanwhile.
    memory: RwLock<BTreeMap<usize, usize>>,
}

impl Process {
    /// A process without anything.
    pub(crate) fn new(id: u64, load_driver_privilege: bool) -> Self {
        Self {
            id,
            load_driver_privilege: AtomicBool::new(load_driver_privilege),
            handles: Mutex::default(),
            next_handle: AtomicUsize::new(4),
            memory: RwLock::default(),
        }
    }

    /// Its number.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Whether its token has `SeLoadDriverPrivilege`, enabled.
    pub(crate) fn may_load_drivers(&self) -> bool {
        self.load_driver_privilege.load(Ordering::Relaxed)
    }

    /// Gives or takes that privilege.
    pub(crate) fn set_may_load_drivers(&self, may: bool) {
        self.load_driver_privilege.store(may, Ordering::Relaxed);
    }

    /// A handle of an event.
    pub(crate) fn open(&self, event: Arc<EventObject>) -> usize {
        let handle = self.next_handle.fetch_add(4, Ordering::Relaxed);
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).insert(handle, event);
        handle
    }

    /// The event behind a handle.
    pub(crate) fn event(&self, handle: usize) -> Option<Arc<EventObject>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).get(&handle).cloned()
    }

    /// Closes a handle; tells whether there was one.
    pub(crate) fn close(&self, handle: usize) -> bool {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).remove(&handle).is_some()
    }

    /// From now on these bytes are the process's memory.
    pub(crate) fn add_memory(&self, address: usize, bytes: usize) {
        self.memory.write().unwrap_or_else(PoisonError::into_inner).insert(address, bytes);
    }

    /// From now on they are not: waits until nobody copies from them any more.
    pub(crate) fn remove_memory(&self, address: usize) {
        self.memory.write().unwrap_or_else(PoisonError::into_inner).remove(&address);
    }

    /// Copies from the process's memory, if it is there.
    ///
    /// # Safety
    /// `to` has room for `bytes`, and what [`Process::add_memory`] was told is readable until
    /// [`Process::remove_memory`] returns.
    pub(super) unsafe fn copy_from(&self, to: *mut u8, from: *const u8, bytes: usize) -> bool {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        let inside = memory.range(..=from.addr()).next_back().is_some_and(|(start, length)| {
            let offset = from.addr() - start;
            offset.checked_add(bytes).is_some_and(|end| end <= *length)
        });
        if !inside {
            return bytes == 0;
        }
        let from = ptr::with_exposed_provenance::<u8>(from.addr());
        for index in 0..bytes {
            // SAFETY: inside a range of the process's memory, which stays as long as the lock is held. Volatile: the
            // process may write it meanwhile.
            let byte = unsafe { from.wrapping_add(index).read_volatile() };
            // SAFETY: this function's contract.
            unsafe { to.wrapping_add(index).write(byte) };
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_processs_memory_is_read() {
        let memory = [1u8, 2, 3, 4];
        let start = memory.as_ptr().expose_provenance();
        let process = Process::new(8, false);
        let mut copy = [0u8; 4];
        let mut read = |process: &Process, offset: usize, bytes: usize| {
            let from = ptr::without_provenance(start + offset);
            // SAFETY: the copy has four bytes, and no test asks for more; the memory outlives the process.
            unsafe { process.copy_from(copy.as_mut_ptr(), from, bytes) }
        };
        assert!(!read(&process, 0, 1));
        process.add_memory(start, 4);
        assert!(read(&process, 0, 4) && read(&process, 3, 1) && read(&process, 4, 0));
        assert!(!read(&process, 1, 4) && !read(&process, 4, 1));
        process.remove_memory(start);
        assert!(!read(&process, 0, 4));
        assert_eq!(copy, [4, 2, 3, 4]);
    }
}
