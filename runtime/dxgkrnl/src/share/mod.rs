//! Shared resources and their keyed mutexes, as dxgkrnl keeps them for all devices, of this process and of others.
//!
//! A shared resource is its allocations, which every device that has it has opened, and what the user-mode driver and the
//! runtime left with it for those who open it. It lives as long as a device has it, of whichever process.
//!
//! Each process has a model, a driver and an adapter of its own. What all must know stands in a [`section`], where another
//! process finds it by the resource's handle and makes the resource anew, with allocations of its own driver. Whether the host
//! has what the user-mode driver then asks for is between the two.
//!
//! [`mutex`] has keyed mutexes, [`order`] the order of submissions without them.

mod mutex;
mod order;
mod section;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use self::mutex::KeyedMutex;
use self::order::Place;
pub use self::section::{CELLS, MAGIC, Section, Sections, Waited};
use self::section::{at, cell, read_data, write_data};
use crate::device::{Device, DeviceInner};
use crate::port::Port;
use crate::port::device::{KernelAllocation, SyncState};

/// Shared handles begin here, as Windows' global ones do: a program can tell neither from a pointer to memory.
const FIRST_HANDLE: u32 = 0x4000_0002;
/// Handles are multiples of 4 beyond the first, up to the sign.
const HANDLES: u32 = 0x0fff_ffff;
/// Handles that are tried until one is free.
const TRIES: u32 = 1 << 16;

static SHARED: Mutex<BTreeMap<u32, Weak<SharedResource>>> = Mutex::new(BTreeMap::new());

fn shared() -> MutexGuard<'static, BTreeMap<u32, Weak<SharedResource>>> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something that happens when work is done; if nobody runs it, because the work was cancelled, as it is dropped.
pub(crate) struct OnDone(Option<Box<dyn FnOnce() + Send>>);

impl OnDone {
    pub(crate) fn new(run: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(run)))
    }
}

impl Drop for OnDone {
    fn drop(&mut self) {
        if let Some(run) = self.0.take() {
            run();
        }
    }
}

/// A resource that several devices may have.
pub struct SharedResource {
    handle: u32,
    section: Arc<dyn Section>,
    /// Of this process; empty until a device of it has opened what another process shares.
    allocations: Mutex<Vec<Weak<KernelAllocation>>>,
    /// The allocation's private data.
    allocation: Vec<u8>,
    private: Vec<u8>,
    runtime: Vec<u8>,
    mutex: Option<Arc<KeyedMutex>>,
    place: Arc<Place>,
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

/// What a device shares.
pub(crate) struct Shareable {
    pub(crate) allocation: Arc<KernelAllocation>,
    pub(crate) private: Vec<u8>,
    pub(crate) runtime: Vec<u8>,
    pub(crate) keyed: bool,
}

impl SharedResource {
    /// Shares an allocation of a device. None when the system has no section for it, or there is more to keep than fits.
    pub(crate) fn new(what: Shareable, sections: &'static dyn Sections, unique: u64) -> Option<Arc<Self>> {
        let Shareable { allocation, private, runtime, keyed } = what;
        let (handle, section) = new_section(sections)?;
        if !write_data(&*section, [&runtime, &private, allocation.private()]) {
            return None;
        }
        at(&*section, cell::UNIQUE).store(unique, Ordering::Relaxed);
        at(&*section, cell::KEYED).store(keyed.into(), Ordering::Relaxed);
        at(&*section, cell::MAGIC).store(MAGIC, Ordering::Release);
        let runs = [runtime, private, allocation.private().to_vec()];
        let resource = Self::of(handle, section, sections, runs, vec![Arc::downgrade(&allocation)]);
        let mut shared = shared();
        shared.retain(|_, resource| resource.strong_count() != 0);
        shared.insert(handle, Arc::downgrade(&resource));
        Some(resource)
    }

    fn of(
        handle: u32,
        section: Arc<dyn Section>,
        sections: &'static dyn Sections,
        [runtime, private, allocation]: [Vec<u8>; 3],
        allocations: Vec<Weak<KernelAllocation>>,
    ) -> Arc<Self> {
        let keyed = at(&*section, cell::KEYED).load(Ordering::Relaxed) != 0;
        let mutex = keyed.then(|| Arc::new(KeyedMutex::new(section.clone(), sections)));
        let place = Place::take(section.clone(), sections);
        let allocations = Mutex::new(allocations);
        Arc::new(Self { handle, section, allocations, allocation, private, runtime, mutex, place })
    }

    /// The shared resource of a handle, of this process or another; none once no device has it.
    pub fn find(handle: u32, sections: &'static dyn Sections) -> Option<Arc<Self>> {
        // Held, so that a process finds the resource of another once.
        let mut shared = shared();
        if let Some(resource) = shared.get(&handle).and_then(Weak::upgrade) {
            return Some(resource);
        }
        let section = sections.open(handle)?;
        let ready = at(&*section, cell::MAGIC).load(Ordering::Acquire) == MAGIC;
        if !ready || !order::is_had(&*section) {
            return None;
        }
        let runs = read_data(&*section)?;
        let resource = Self::of(handle, section, sections, runs, Vec::new());
        shared.retain(|_, resource| resource.strong_count() != 0);
        shared.insert(handle, Arc::downgrade(&resource));
        Some(resource)
    }

    /// The handle by which other devices open it.
    pub fn handle(&self) -> u32 {
        self.handle
    }

    /// A number by which it differs from a later one with the same handle.
    pub fn unique(&self) -> u64 {
        at(&*self.section, cell::UNIQUE).load(Ordering::Relaxed)
    }

    /// What the runtime left with it. It comes from another process, perhaps.
    pub fn runtime(&self) -> &[u8] {
        &self.runtime
    }

    /// Whether it has a keyed mutex.
    pub fn is_keyed(&self) -> bool {
        self.mutex.is_some()
    }

    fn allocations(&self) -> MutexGuard<'_, Vec<Weak<KernelAllocation>>> {
        self.allocations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens it with `open`, if this process has its allocations; else has `make` make one like that of another process.
    pub(crate) fn open<E>(
        &self,
        mut open: impl FnMut(&Arc<KernelAllocation>) -> Result<(), E>,
        make: impl FnOnce(&[u8]) -> Result<Arc<KernelAllocation>, E>,
    ) -> Result<OpenedResource, E> {
        let mut allocations = self.allocations();
        let mut living: Vec<Arc<KernelAllocation>> = allocations.iter().filter_map(Weak::upgrade).collect();
        if living.is_empty() {
            let made = make(&self.allocation)?;
            *allocations = vec![Arc::downgrade(&made)];
            living.push(made);
        } else {
            living.iter().try_for_each(&mut open)?;
        }
        let opened = living.iter().map(|one| (one.handle(), one.private().to_vec())).collect();
        Ok(OpenedResource { allocations: opened, private: self.private.clone() })
    }

    /// Waits until the mutex is free with this key, and takes it for a device. What the device submits from now on comes behind
    /// the GPU work of its former owner.
    pub fn acquire(&self, device: &Device, key: u64, timeout: Option<Duration>) -> Acquired {
        let Some(mutex) = &self.mutex else { return Acquired::Invalid };
        mutex.acquire(device.inner(), key, timeout)
    }

    /// Gives the mutex up for whoever acquires `key`; false if the device does not own it. The device has submitted all that
    /// its successor is to see.
    pub fn release(&self, device: &Device, key: u64) -> bool {
        self.mutex.as_ref().is_some_and(|mutex| KeyedMutex::release(mutex, device.inner(), key))
    }
}

impl Drop for SharedResource {
    fn drop(&mut self) {
        self.place.close();
        // Another with this handle may be there already.
        let mut shared = shared();
        if shared.get(&self.handle).is_some_and(|resource| resource.strong_count() == 0) {
            shared.remove(&self.handle);
        }
    }
}

/// A section of a handle that no other has.
fn new_section(sections: &dyn Sections) -> Option<(u32, Arc<dyn Section>)> {
    static NEXT: OnceLock<AtomicU32> = OnceLock::new();
    // Processes begin at different places, so that they seldom meet.
    let next = NEXT.get_or_init(|| AtomicU32::new(sections.process().wrapping_mul(0x9e37_79b1)));
    (0..TRIES).find_map(|_| {
        let number = next.fetch_add(1, Ordering::Relaxed) & HANDLES;
        let handle = FIRST_HANDLE + 4 * number;
        sections.create(handle).map(|section| (handle, section))
    })
}

/// A device is gone: what it owned is free.
pub(crate) fn abandon_all(device: usize) {
    let resources: Vec<Arc<SharedResource>> = shared().values().filter_map(Weak::upgrade).collect();
    resources.iter().filter_map(|resource| resource.mutex.as_ref()).for_each(|mutex| mutex.abandon(device));
}

/// A submission of this process begins that may use any shared resource: what is to happen when it is done, and what it waits for.
pub(crate) fn begin_submission(port: &Arc<Port>) -> (Vec<OnDone>, Vec<Arc<SyncState>>) {
    let resources: Vec<Arc<SharedResource>> = shared().values().filter_map(Weak::upgrade).collect();
    let mut all = (Vec::new(), Vec::new());
    for resource in &resources {
        let (ticket, done) = Place::begin(&resource.place);
        all.0.push(done);
        all.1.extend(order::wait_for_others(&resource.place, ticket, port));
    }
    all
}

impl DeviceInner {
    /// Runs something when all that the contexts have submitted is done, or cancelled.
    pub(crate) fn when_done(&self, done: OnDone) {
        // Happens with the last of its owners.
        let done = Arc::new(Mutex::new(done));
        for context in self.kernel_contexts() {
            let done = done.clone();
            // A context that has nothing in flight, or is lost, drops it.
            self.run_behind(&context, Box::new(move || drop(done)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Condvar;
    use std::sync::atomic::AtomicU64;

    use super::section::{Waiting, wait, wake};
    use super::*;

    /// A section in this process.
    struct Page {
        cells: Vec<AtomicU64>,
        woken: Mutex<bool>,
        changed: Condvar,
    }

    impl Section for Page {
        fn cells(&self) -> &[AtomicU64] {
            &self.cells
        }

        fn wake(&self) {
            *self.woken.lock().expect("no panic") = true;
            self.changed.notify_one();
        }

        fn wait(&self, timeout: Duration) -> Waited {
            let woken = self.woken.lock().expect("no panic");
            let (mut woken, _) =
                self.changed.wait_timeout_while(woken, timeout, |woken| !*woken).expect("no panic");
            if std::mem::take(&mut *woken) { Waited::Woken } else { Waited::Timeout }
        }
    }

    /// A process of a machine.
    struct Process {
        number: u32,
        dead: Arc<Mutex<BTreeSet<u32>>>,
    }

    impl Sections for Process {
        fn create(&self, _handle: u32) -> Option<Arc<dyn Section>> {
            None
        }

        fn open(&self, _handle: u32) -> Option<Arc<dyn Section>> {
            None
        }

        fn process(&self) -> u32 {
            self.number
        }

        fn is_alive(&self, process: u32) -> bool {
            !self.dead.lock().expect("no panic").contains(&process)
        }
    }

    /// One resource, and the processes that have it.
    pub(super) struct Machine {
        page: Arc<Page>,
        dead: Arc<Mutex<BTreeSet<u32>>>,
    }

    impl Machine {
        pub(super) fn new() -> Self {
            let cells = (0..CELLS).map(|_| AtomicU64::new(0)).collect();
            let page = Page { cells, woken: Mutex::default(), changed: Condvar::new() };
            Self { page: Arc::new(page), dead: Arc::default() }
        }

        fn process(&self, number: u32) -> &'static Process {
            Box::leak(Box::new(Process { number, dead: self.dead.clone() }))
        }

        pub(super) fn mutex(&self, process: u32) -> Arc<KeyedMutex> {
            Arc::new(KeyedMutex::new(self.page.clone(), self.process(process)))
        }

        pub(super) fn place(&self, process: u32) -> Arc<Place> {
            Place::take(self.page.clone(), self.process(process))
        }

        pub(super) fn kill(&self, process: u32) {
            self.dead.lock().expect("no panic").insert(process);
        }
    }

    #[test]
    fn what_is_kept_survives_and_lengths_are_checked() {
        let machine = Machine::new();
        let runs: [&[u8]; 3] = [b"thirteen byte", &[], &[7; 1000]];
        assert!(write_data(&*machine.page, runs));
        assert_eq!(read_data(&*machine.page), Some(runs.map(<[u8]>::to_vec)));
        assert!(!write_data(&*machine.page, [&[], &[1; 4096], &[]]));
        for length in [u64::MAX, u64::MAX - 6, 1 << 40, 4096] {
            at(&*machine.page, cell::DATA).store(length, Ordering::Relaxed);
            assert_eq!(read_data(&*machine.page), None, "{length}");
        }
    }

    #[test]
    fn who_waits_is_woken() {
        let machine = Machine::new();
        wake(&*machine.page);
        assert!(!*machine.page.woken.lock().expect("no panic"), "nobody waits");
        let waiting = Waiting::begin(&*machine.page);
        wake(&*machine.page);
        wait(&*machine.page, Duration::from_secs(20));
        assert!(!*machine.page.woken.lock().expect("no panic"));
        drop(waiting);
        assert_eq!(at(&*machine.page, cell::WAITING).load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_is_cancelled_is_done_as_well() {
        let count = Arc::new(AtomicU32::new(0));
        let counted = count.clone();
        drop(OnDone::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        }));
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }
}
