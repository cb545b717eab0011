//! Event objects that user mode has handles of, and the kernel's references to them.

use std::cell::UnsafeCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::dispatcher::{Header, SYNCHRONIZATION_EVENT};
use crate::verifier::{Rule, Verifier};

/// What runs when an event object is set: somebody of user mode who waits for nothing else.
type OnSet = Box<dyn Fn() + Send + Sync>;

/// An event object.
pub(crate) struct EventObject {
    /// NT's `KEVENT`, which the kernel has the address of.
    body: Box<UnsafeCell<[u64; 3]>>,
    on_set: Option<OnSet>,
}

// SAFETY: the body is only used through the atomics of its header.
unsafe impl Send for EventObject {}
// SAFETY: as for `Send`.
unsafe impl Sync for EventObject {}

impl EventObject {
    /// A synchronization event that is not set. `on_set` runs in the thread that sets it: as if whoever waits for it was
    /// awake at once.
    pub(crate) fn new(on_set: Option<OnSet>) -> Self {
        let event = Self { body: Box::new(UnsafeCell::new([0; 3])), on_set };
        event.header().initialise(SYNCHRONIZATION_EVENT, false);
        event
    }

    /// Its dispatcher header.
    pub(crate) fn header(&self) -> Header {
        // SAFETY: the body is 24 bytes, aligned to 8, and lives as long as `self`.
        unsafe { Header::at(self.body.get().cast()) }
    }

    /// The address that the kernel has.
    fn address(&self) -> usize {
        self.body.get().expose_provenance()
    }
}

impl fmt::Debug for EventObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventObject").field("address", &self.address()).finish_non_exhaustive()
    }
}

/// The kernel's references to objects, by the address of their bodies.
#[derive(Debug, Default)]
pub(crate) struct References {
    all: Mutex<BTreeMap<usize, (Arc<EventObject>, u32)>>,
    /// How many objects are referenced, so that setting any other event need not look.
    count: AtomicUsize,
}

impl References {
    fn all(&self) -> MutexGuard<'_, BTreeMap<usize, (Arc<EventObject>, u32)>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `ObReferenceObject`: gives the body's address.
    pub(crate) fn reference(&self, object: Arc<EventObject>) -> usize {
        let address = object.address();
        let mut all = self.all();
        all.entry(address).or_insert_with(|| (object, 0)).1 += 1;
        self.count.store(all.len(), Ordering::Release);
        address
    }

    /// `ObDereferenceObject`: gives what is left.
    pub(crate) fn dereference(&self, verifier: &Verifier, address: usize) -> u32 {
        let mut all = self.all();
        let Some((_, count)) = all.get_mut(&address) else {
            drop(all);
            verifier.report(Rule::Object, "ObfDereferenceObject", || {
                format!("{address:#x} is no object that the driver has a reference to")
            });
            return 0;
        };
        *count -= 1;
        let left = *count;
        let gone = if left == 0 { all.remove(&address) } else { None };
        self.count.store(all.len(), Ordering::Release);
        drop(all);
        drop(gone);
        left
    }

    /// Whoever waits for this event object of user mode runs, if the address is one's.
    pub(crate) fn run_on_set(&self, address: usize) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let object = self.all().get(&address).map(|(object, _)| object.clone());
        if let Some(on_set) = object.as_ref().and_then(|object| object.on_set.as_ref()) {
            on_set();
        }
    }

    /// Notes what is left: the driver is unloaded.
    pub(crate) fn check_unloaded(&self, verifier: &Verifier) {
        let left = std::mem::take(&mut *self.all());
        for (address, (_, count)) in left {
            verifier.report(Rule::Object, "DriverUnload", || {
                format!("{count} references to the event at {address:#x} are left")
            });
        }
    }
}
