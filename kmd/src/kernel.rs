//! What the core needs from the system: the one facade between it and Windows (or a model of it).
//!
//! The .sys implements [`Kernel`] with NT and dxgkrnl calls, `pvgpu-dxgkrnl` with the standard library, the tests with a
//! fake. Every method states the highest IRQL at which the core calls it.

use core::ops::DerefMut;

use pvgpu_protocol::kernel_interface::kind;
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

/// A piece of a paging transfer between system memory and the aperture, which the processor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemCopy {
    /// `pMdl` of `DXGKARG_BUILDPAGINGBUFFER`, as dxgkrnl gave it; it stays locked until the paging buffer is completed.
    pub mdl: u64,
    /// Bytes from the start of what the MDL describes.
    pub mdl_offset: u64,
    /// Bytes from the start of the aperture.
    pub aperture_offset: u64,
    /// Bytes, at most [`SystemCopy::MAX_BYTES`]; a whole number of pages.
    pub bytes: u64,
    /// From system memory into the aperture, or the other way.
    pub to_aperture: bool,
}

impl SystemCopy {
    /// The most that one call copies: about 30 µs at `DISPATCH_LEVEL`.
    pub const MAX_BYTES: u64 = 256 << 10;
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
    /// `DXGK_INTERRUPT_CRTC_VSYNC`.
    CrtcVsync {
        /// The target.
        vid_pn_target_id: u32,
        /// The address of the primary that is scanned out.
        physical_address: u64,
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

    /// Gets the aperture, lets `hello` write what the host must find in it, and then shows it to the host, if there is
    /// one already. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::NoMemory`] and the like when there is no aperture; [`Status::HostUnreachable`] where it cannot exist
    /// without a host.
    fn connect(&self, hello: &mut dyn FnMut(&Self::Aperture)) -> Result<Self::Aperture, Status>;

    /// Whether the whole aperture was zero when [`Kernel::connect`] got it. `PASSIVE_LEVEL`.
    fn aperture_is_zero(&self) -> bool;

    /// The host has answered the hello; what it says about its doorbell stands in the control page. Called for each answer,
    /// with the adapter's lock held, so it calls nobody back. IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`Status::HostUnreachable`] when the host cannot be rung: the link counts as broken.
    fn host_ready(&self) -> Result<(), Status> {
        Ok(())
    }

    /// Gives the aperture back: the adapter is stopped, or did not start. `PASSIVE_LEVEL`.
    fn disconnect(&self);

    /// Wakes the host. IRQL ≤ `DISPATCH_LEVEL`.
    fn ring_doorbell(&self);

    /// Whether the calling process holds `SeLoadDriverPrivilege`. `PASSIVE_LEVEL`.
    fn is_privileged(&self) -> bool {
        false
    }

    /// Makes an event of the calling process, which it names by its handle, the doorbell. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::NotSupported`] for a device with a doorbell of its own; [`Status::BadHandle`] for what is no event
    /// that the caller may set.
    fn attach_link(&self, event: u64) -> Result<(), Status> {
        let _ = event;
        Err(Status::NotSupported { request: u32::from(kind::ATTACH_LINK) })
    }

    /// Lets the event of [`Kernel::attach_link`] go: it is not set any more. `PASSIVE_LEVEL`.
    fn detach_link(&self) {}

    /// Does a piece of a paging transfer. No lock is held. IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`Status::NoMemory`] when the pages cannot be mapped now: the core tries again at the next heartbeat.
    fn copy_system_memory(&self, copy: SystemCopy) -> Result<(), Status> {
        // A system whose memory manager never moves an allocation between system memory and the segment.
        let _ = copy;
        Err(Status::NotSupported { request: 0 })
    }

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

    /// `DxgkCbIndicateChildStatus` of a connection. No lock is held. IRQL ≤ `DISPATCH_LEVEL`.
    fn indicate_child_status(&self, child_uid: u32, connected: bool) {
        let _ = (child_uid, connected);
    }

    /// Sets the vsync timer, which expires once: its DPC then calls [`crate::Adapter::vsync_timer`]. `None` cancels it.
    /// IRQL ≤ `DISPATCH_LEVEL`.
    fn set_vsync_timer(&self, due_in_ns: Option<u64>) {
        let _ = due_in_ns;
    }

    /// The aperture for the screen of a bug check: what [`Kernel::connect`] gave, while it is connected. Takes no lock. Any
    /// IRQL.
    fn crash_aperture(&self) -> Option<Self::Aperture> {
        None
    }

    /// `DxgkCbQueueDpc`. Any IRQL.
    fn queue_dpc(&self);

    /// `DxgkCbNotifyInterrupt`, inside `DxgkCbSynchronizeExecution`. `DISPATCH_LEVEL`.
    fn notify_interrupt(&self, notification: Notification);

    /// `DxgkCbNotifyDpc`. `DISPATCH_LEVEL`.
    fn notify_dpc(&self);
}
