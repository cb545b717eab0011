//! The services of Windows that the kernel-mode core asks for, on the standard library.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pvgpu_kmd::{Access, ApertureRange, Event, Kernel, Notification, SpinLock, Status};
use pvgpu_transport::shm::{Announced, ConnectError, GuestPort};
use pvgpu_transport::{Link, Mapping, Region};

use crate::irql::{Irql, Raised, raise, require};
use crate::scheduler::Scheduler;

/// What the core runs on.
pub(crate) struct ModelKernel {
    link: Link,
    aperture_bytes: u64,
    start: Instant,
    connection: Mutex<Connection>,
    dpc_queued: AtomicBool,
    /// What the core's reports go to.
    pub(crate) scheduler: Scheduler,
}

/// How far the connection is.
enum Connection {
    None,
    Announced(Announced),
    Ready(Arc<GuestPort>),
    Failed(ConnectError),
}

impl Connection {
    /// The aperture, if there is one.
    fn mapping(&self) -> Option<&Mapping> {
        match self {
            Self::Announced(announced) => Some(announced.mapping()),
            Self::Ready(port) => Some(port.mapping()),
            Self::None | Self::Failed(_) => None,
        }
    }
}

impl ModelKernel {
    /// Services for one adapter on `link`.
    pub(crate) fn new(link: Link, aperture_bytes: u64) -> Self {
        Self {
            link,
            aperture_bytes,
            start: Instant::now(),
            connection: Mutex::new(Connection::None),
            dpc_queued: AtomicBool::new(false),
            scheduler: Scheduler::new(),
        }
    }

    /// The port, once the host has answered.
    pub(crate) fn port(&self) -> Option<Arc<GuestPort>> {
        match &*self.connection() {
            Connection::Ready(port) => Some(port.clone()),
            Connection::None | Connection::Announced(_) | Connection::Failed(_) => None,
        }
    }

    /// Why connecting failed, if the transport said so.
    pub(crate) fn take_connect_error(&self) -> Option<ConnectError> {
        let mut connection = self.connection();
        match std::mem::replace(&mut *connection, Connection::None) {
            Connection::Failed(error) => Some(error),
            other => {
                *connection = other;
                None
            }
        }
    }

    /// Takes the note that a DPC is queued.
    pub(crate) fn take_dpc(&self) -> bool {
        self.dpc_queued.swap(false, Ordering::AcqRel)
    }

    /// A part of the aperture, for whoever shows a frame.
    pub(crate) fn region(&self, range: ApertureRange) -> Option<Region> {
        self.connection().mapping()?.region(range.offset, range.bytes.next_multiple_of(8)).ok()
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kernel for ModelKernel {
    type Aperture = Region;
    type SpinLock<T: Send> = ModelLock<T>;
    type Event = ModelEvent;
    type UserMapping = UserMapping;

    fn connect(&self, hello: &mut dyn FnMut(&Region)) -> Result<Region, Status> {
        require(Irql::Passive, "MmMapIoSpaceEx");
        let announced = Announced::new(&self.link, self.aperture_bytes, |mapping| hello(&mapping.whole()));
        let (connection, result) = match announced {
            Ok(announced) => {
                let whole = announced.mapping().whole();
                (Connection::Announced(announced), Ok(whole))
            }
            Err(error) => (Connection::Failed(error), Err(Status::HostUnreachable)),
        };
        *self.connection() = connection;
        result
    }

    fn aperture_is_zero(&self) -> bool {
        // The transport makes a new file for each adapter.
        true
    }

    fn host_ready(&self) -> Result<(), Status> {
        require(Irql::Passive, "IoConnectInterruptEx");
        let mut connection = self.connection();
        let Connection::Announced(announced) = std::mem::replace(&mut *connection, Connection::None) else {
            return Err(Status::HostUnreachable);
        };
        match announced.open_doorbells() {
            Ok(port) => {
                *connection = Connection::Ready(Arc::new(port));
                Ok(())
            }
            Err(error) => {
                *connection = Connection::Failed(error);
                Err(Status::HostUnreachable)
            }
        }
    }

    fn disconnect(&self) {
        require(Irql::Passive, "MmUnmapIoSpace");
        let mut connection = self.connection();
        if !matches!(*connection, Connection::Failed(_)) {
            *connection = Connection::None;
        }
    }

    fn ring_doorbell(&self) {
        if let Some(port) = self.port() {
            port.ring_doorbell();
        }
    }

    fn map_user(&self, range: ApertureRange, _access: Access) -> Result<UserMapping, Status> {
        require(Irql::Passive, "MmMapLockedPagesSpecifyCache");
        // The aperture is mapped into this process, whole and writable: there is only this one process.
        let region = self.region(range).ok_or(Status::NoMemory)?;
        Ok(UserMapping { region })
    }

    fn user_address(&self, mapping: &UserMapping) -> u64 {
        mapping.region.as_ptr().expose_provenance() as u64
    }

    fn unmap_user(&self, mapping: UserMapping) {
        require(Irql::Passive, "MmUnmapLockedPages");
        drop(mapping);
    }

    fn current_process(&self) -> u32 {
        std::process::id()
    }

    fn time_ns(&self) -> u64 {
        // CAST: 584 years of nanoseconds.
        self.start.elapsed().as_nanos() as u64
    }

    fn sleep_ms(&self, ms: u32) {
        require(Irql::Passive, "KeDelayExecutionThread");
        std::thread::sleep(Duration::from_millis(u64::from(ms)));
    }

    fn new_event(&self) -> Result<ModelEvent, Status> {
        require(Irql::Passive, "ExAllocatePool2");
        Ok(ModelEvent::default())
    }

    fn queue_dpc(&self) {
        if !self.dpc_queued.swap(true, Ordering::AcqRel)
            && let Some(port) = self.port()
        {
            port.wake_waiter();
        }
    }

    fn notify_interrupt(&self, notification: Notification) {
        require(Irql::Dispatch, "DxgkCbSynchronizeExecution");
        let _device = raise(Irql::Device);
        self.scheduler.notify_interrupt(notification);
    }

    fn notify_dpc(&self) {
        require(Irql::Dispatch, "DxgkCbNotifyDpc");
        self.scheduler.notify_dpc();
    }
}

/// Keeps a mapped part of the aperture alive.
pub(crate) struct UserMapping {
    region: Region,
}

/// A spin lock: a mutex that raises its holder to `DISPATCH_LEVEL`.
pub(crate) struct ModelLock<T> {
    value: Mutex<T>,
}

/// Holds a [`ModelLock`].
struct ModelGuard<'a, T> {
    // Dropped in this order: the lock is given back before the level sinks.
    value: MutexGuard<'a, T>,
    _level: Raised,
}

impl<T: Send> SpinLock<T> for ModelLock<T> {
    fn new(value: T) -> Self {
        Self { value: Mutex::new(value) }
    }

    fn lock(&self) -> impl DerefMut<Target = T> {
        require(Irql::Dispatch, "KeAcquireSpinLock");
        let level = raise(Irql::Dispatch);
        ModelGuard { value: self.value.lock().unwrap_or_else(PoisonError::into_inner), _level: level }
    }
}

impl<T> Deref for ModelGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for ModelGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// A notification event.
#[derive(Clone, Default)]
pub(crate) struct ModelEvent {
    shared: Arc<(Mutex<bool>, Condvar)>,
}

impl Event for ModelEvent {
    fn set(&self) {
        require(Irql::Dispatch, "KeSetEvent");
        let (set, changed) = &*self.shared;
        *set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    fn wait(&self, timeout_ms: u32) -> bool {
        require(Irql::Passive, "KeWaitForSingleObject");
        let (set, changed) = &*self.shared;
        let guard = set.lock().unwrap_or_else(PoisonError::into_inner);
        let timeout = Duration::from_millis(u64::from(timeout_ms));
        let (guard, _) =
            changed.wait_timeout_while(guard, timeout, |set| !*set).unwrap_or_else(PoisonError::into_inner);
        *guard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_raises_and_an_event_stays_set() {
        let lock = ModelLock::new(1);
        *lock.lock() += 1;
        assert_eq!(*lock.lock(), 2);
        assert_eq!(crate::irql::current(), Irql::Passive);
        {
            let _guard = lock.lock();
            assert_eq!(crate::irql::current(), Irql::Dispatch);
        }
        let event = ModelEvent::default();
        assert!(!event.wait(1));
        let other = event.clone();
        let setter = std::thread::spawn(move || other.set());
        assert!(event.wait(5000) && event.wait(0));
        setter.join().expect("no panic");
    }
}
