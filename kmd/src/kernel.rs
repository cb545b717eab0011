//! What the core needs from the system: the one facade between it and Windows (or a model of it).
//!
//! The .sys implements [`Kernel`] with NT and dxgkrnl calls, `pvgpu-dxgkrnl` with the standard library, the tests with a
//! fake. Every method states the highest IRQL at which the core calls it.

use core::ops::DerefMut;

use pvgpu_ring::AtomicU64;

use crate::status::Status;

/// Bytes of the aperture, from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApertureRange {
    /// First byte, a multiple of the page.
    pub offset: u64,
    /// Bytes, a multiple of the page.
    pub bytes: u64,
}

/// What a process may do with a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read only.
    Read,
    /// Read and write.
    ReadWrite,
}

/// What kind of fault ended a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The context is poisoned: a code of [`pvgpu_protocol::event::error_code`].
    Context {
        /// The code.
        code: u32,
    },
    /// The host is gone or broke the rules.
    Host,
}

/// What the core reports by `DxgkCbNotifyInterrupt` (`DXGKARGCB_NOTIFY_INTERRUPT_DATA`). There is one node, number 0, with
/// one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notification {
    /// `DXGK_INTERRUPT_DMA_COMPLETED`.
    DmaCompleted {
        /// The submission.
        submission_fence_id: u32,
    },
    /// `DXGK_INTERRUPT_DMA_PREEMPTED`.
    DmaPreempted {
        /// The preemption request.
        preemption_fence_id: u32,
        /// The last submission completed before it.
        last_completed_fence_id: u32,
    },
    /// `DXGK_INTERRUPT_DMA_FAULTED`: dxgkrnl puts the submission's device into the removed state.
    DmaFaulted {
        /// The submission.
        faulted_fence_id: u32,
        /// Why.
        kind: FaultKind,
    },
}

/// A spin lock: raises to `DISPATCH_LEVEL` while it is held.
pub trait SpinLock<T>: Send + Sync {
    /// A free lock around a value.
    fn new(value: T) -> Self;

    /// Waits for the lock. Never taken twice by one thread. IRQL ≤ `DISPATCH_LEVEL`.
    fn lock(&self) -> impl DerefMut<Target = T>;
}

/// A notification event: once set, it stays set.
pub trait Event: Clone + Send + Sync {
    /// Sets it. IRQL ≤ `DISPATCH_LEVEL`.
    fn set(&self);

    /// Sleeps until it is set, at most `timeout_ms`; tells whether it is set. `PASSIVE_LEVEL`.
    fn wait(&self, timeout_ms: u32) -> bool;
}

/// The system, as far as the core sees it.
pub trait Kernel: Send + Sync + Sized + 'static {
    /// The aperture as atomic cells. Every clone shows the same cells; they are mapped as long as one lives.
    type Aperture: AsRef<[AtomicU64]> + Clone + Send + Sync;
    /// A spin lock.
    type SpinLock<T: Send>: SpinLock<T>;
    /// An event.
    type Event: Event;
    /// A part of the aperture that is mapped into a process; ended by [`Kernel::unmap_user`].
    type UserMapping: Send;

    /// Gets the aperture, lets `hello` write what the host must find in it, and then shows it to the host.
    /// `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::HostUnreachable`] when there is nobody to show it to.
    fn connect(&self, hello: &mut dyn FnMut(&Self::Aperture)) -> Result<Self::Aperture, Status>;

    /// Whether the whole aperture was zero when [`Kernel::connect`] got it. `PASSIVE_LEVEL`.
    fn aperture_is_zero(&self) -> bool;

    /// The host has answered the hello: doorbell and interrupt are to work from now on. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::HostUnreachable`] when the host has gone meanwhile.
    fn host_ready(&self) -> Result<(), Status>;

    /// Gives the aperture back: the adapter is stopped, or did not start. `PASSIVE_LEVEL`.
    fn disconnect(&self);

    /// Wakes the host. IRQL ≤ `DISPATCH_LEVEL`.
    fn ring_doorbell(&self);

    /// Maps a range into the calling process. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::NoMemory`].
    fn map_user(&self, range: ApertureRange, access: Access) -> Result<Self::UserMapping, Status>;

    /// Where a mapping lies in its process. Any IRQL.
    fn user_address(&self, mapping: &Self::UserMapping) -> u64;

    /// Ends a mapping, in the process that has it. `PASSIVE_LEVEL`.
    fn unmap_user(&self, mapping: Self::UserMapping);

    /// The calling process. Any IRQL.
    fn current_process(&self) -> u32;

    /// Nanoseconds of a monotonic clock. Any IRQL.
    fn time_ns(&self) -> u64;

    /// Sleeps. `PASSIVE_LEVEL`.
    fn sleep_ms(&self, ms: u32);

    /// A new event that is not set. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::NoMemory`].
    fn new_event(&self) -> Result<Self::Event, Status>;

    /// `DxgkCbQueueDpc`. Any IRQL.
    fn queue_dpc(&self);

    /// `DxgkCbNotifyInterrupt`, inside `DxgkCbSynchronizeExecution`. `DISPATCH_LEVEL`.
    fn notify_interrupt(&self, notification: Notification);

    /// `DxgkCbNotifyDpc`. `DISPATCH_LEVEL`.
    fn notify_dpc(&self);
}
