//! Shared resources and their keyed mutexes, as dxgkrnl keeps them for all devices of the process.
//!
//! A shared resource is its allocations, which every device that has it has opened, and what the user-mode driver and the
//! runtime left with it for those who open it. It lives as long as a device has it.
//!
//! A keyed mutex orders the processors of its owners here, and their contexts by a sync object: what a device submits after it
//! has acquired the mutex waits until the GPU has done what the device before submitted until it released it.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::device::{Device, DeviceInner};
use crate::port::device::{KernelAllocation, SyncState};

/// What the runtime keeps with a shared resource.
pub type RuntimeData = Box<dyn Any + Send + Sync>;

/// Shared handles begin here and rise by 4, as Windows' global ones do: a program can tell neither from a pointer to memory.
const FIRST_HANDLE: u32 = 0x4000_0002;

static SHARED: Mutex<BTreeMap<u32, Weak<SharedResource>>> = Mutex::new(BTreeMap::new());

fn shared() -> MutexGuard<'static, BTreeMap<u32, Weak<SharedResource>>> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A resource that several devices may have.
pub struct SharedResource {
    handle: u32,
    allocations: Vec<Weak<KernelAllocation>>,
    private: Vec<u8>,
    runtime: RuntimeData,
    mutex: Option<KeyedMutex>,
}

impl fmt::Debug for SharedResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedResource").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// A shared resource that a device has opened.
#[derive(Debug)]
pub struct OpenedResource {
    /// Handles and private data of its allocations.
    pub allocations: Vec<(u32, Vec<u8>)>,
    /// The private data of the resource itself.
    pub private: Vec<u8>,
}

/// How an acquisition ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// The device owns the mutex.
    Done,
    /// The device owns the mutex, which was not released by the one that had it and is gone.
    Abandoned,
    /// The time is over.
    Timeout,
    /// The device owns the mutex already, or there is none.
    Invalid,
}

impl SharedResource {
    /// Shares the allocations of a device's resource.
    pub(crate) fn new(
        allocations: Vec<Weak<KernelAllocation>>,
        private: Vec<u8>,
        runtime: RuntimeData,
        keyed: bool,
    ) -> Arc<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(FIRST_HANDLE);
        let handle = NEXT.fetch_add(4, Ordering::Relaxed);
        let mutex = keyed.then(KeyedMutex::default);
        let resource = Arc::new(Self { handle, allocations, private, runtime, mutex });
        let mut shared = shared();
        shared.retain(|_, resource| resource.strong_count() != 0);
        shared.insert(handle, Arc::downgrade(&resource));
        resource
    }

    /// The shared resource of a handle; none once no device has it.
    pub fn find(handle: u32) -> Option<Arc<Self>> {
        shared().get(&handle).and_then(Weak::upgrade)
    }

    /// The handle by which other devices open it.
    pub fn handle(&self) -> u32 {
        self.handle
    }

    /// What the runtime left with it.
    pub fn runtime(&self) -> &(dyn Any + Send + Sync) {
        &*self.runtime
    }

    /// Whether it has a keyed mutex.
    pub fn is_keyed(&self) -> bool {
        self.mutex.is_some()
    }

    pub(crate) fn allocations(&self) -> Option<Vec<Arc<KernelAllocation>>> {
        self.allocations.iter().map(Weak::upgrade).collect()
    }

    pub(crate) fn private(&self) -> &[u8] {
        &self.private
    }

    /// Waits until the mutex is free with this key, and takes it for a device. What the device submits from now on waits for
    /// the GPU work of its former owner.
    pub fn acquire(&self, device: &Device, key: u64, timeout: Option<Duration>) -> Acquired {
        let Some(mutex) = &self.mutex else { return Acquired::Invalid };
        mutex.acquire(device.inner(), key, timeout)
    }

    /// Gives the mutex up for whoever acquires `key`; false if the device does not own it. The device has submitted all that
    /// its successor is to see.
    pub fn release(&self, device: &Device, key: u64) -> bool {
        self.mutex.as_ref().is_some_and(|mutex| mutex.release(device.inner(), key))
    }
}

/// `D3DKMT`'s keyed mutex.
#[derive(Default)]
struct KeyedMutex {
    state: Mutex<KeyState>,
    changed: Condvar,
    sync: Arc<SyncState>,
}

#[derive(Default)]
struct KeyState {
    /// The key of the last release.
    key: u64,
    /// The owner's handle.
    owner: Option<usize>,
    /// The sync object's value when the last owner's work is done.
    value: u64,
    /// The last owner went without a release.
    abandoned: bool,
}

impl KeyedMutex {
    fn lock(&self) -> MutexGuard<'_, KeyState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn acquire(&self, device: &DeviceInner, key: u64, timeout: Option<Duration>) -> Acquired {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = self.lock();
        if state.owner == Some(device.number()) {
            return Acquired::Invalid;
        }
        while state.owner.is_some() || state.key != key && !state.abandoned {
            state = match deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Acquired::Timeout;
                    }
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        state.owner = Some(device.number());
        let (value, abandoned) = (state.value, std::mem::take(&mut state.abandoned));
        drop(state);
        device.wait_for(&self.sync, value);
        if abandoned { Acquired::Abandoned } else { Acquired::Done }
    }

    fn release(&self, device: &DeviceInner, key: u64) -> bool {
        let mut state = self.lock();
        if state.owner != Some(device.number()) {
            return false;
        }
        state.value += 1;
        let value = state.value;
        (state.owner, state.key) = (None, key);
        drop(state);
        device.signal(&self.sync, value);
        self.changed.notify_all();
        true
    }

    fn abandon(&self, device: usize) {
        let mut state = self.lock();
        if state.owner == Some(device) {
            (state.owner, state.abandoned) = (None, true);
            self.changed.notify_all();
        }
    }
}

/// A device is gone: what it owned is free.
pub(crate) fn abandon_all(device: usize) {
    let resources: Vec<Arc<SharedResource>> = shared().values().filter_map(Weak::upgrade).collect();
    resources.iter().filter_map(|resource| resource.mutex.as_ref()).for_each(|mutex| mutex.abandon(device));
}
