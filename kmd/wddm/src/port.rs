//! dxgkrnl's callbacks (`DXGKRNL_INTERFACE`), as functions with plain arguments.
#![expect(unsafe_code, reason = "dxgkrnl's callbacks are C functions")]

use core::ffi::c_void;
use core::ptr::{NonNull, from_mut, from_ref, null_mut};

use pvgpu_kmd::{FaultKind, Notification, SpinLock};
use pvgpu_kmd_ddi::{
    BOOLEAN, D3DKMT_HANDLE, DXGK_CHILD_STATUS, DXGK_DEVICE_INFO, DXGK_HANDLE_ALLOCATION,
    DXGKARGCB_GETHANDLEDATA, DXGKARGCB_NOTIFY_INTERRUPT_DATA, DXGKARGCB_NOTIFY_INTERRUPT_DATA_CrtcVsync,
    DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaCompleted, DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaFaulted,
    DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaPreempted, DXGKCB_GETHANDLEDATAFLAGS, DXGKRNL_INTERFACE, HANDLE,
    MmNonCached, NT_SUCCESS, NTSTATUS, STATUS_DEVICE_REMOVED, STATUS_GRAPHICS_GPU_EXCEPTION_ON_DEVICE,
    STATUS_INSUFFICIENT_RESOURCES, STATUS_NOT_SUPPORTED, STATUS_REVISION_MISMATCH,
};

use crate::lock::NtSpinLock;
use crate::nt::Nt;
use crate::resources::MemoryRange;

/// The callbacks of one start.
#[derive(Clone, Copy)]
pub(crate) struct Port {
    interface: DXGKRNL_INTERFACE,
}

// SAFETY: dxgkrnl's handle and functions can be used from any processor.
unsafe impl Send for Port {}
// SAFETY: as above.
unsafe impl Sync for Port {}

/// What the synchronised part of a notification needs.
struct Report<'a> {
    port: &'a Port,
    data: DXGKARGCB_NOTIFY_INTERRUPT_DATA,
    /// It was told.
    told: bool,
}

impl Report<'_> {
    /// `DxgkCbNotifyInterrupt`. Device IRQL, or `DISPATCH_LEVEL` where there is no interrupt.
    fn tell(&mut self) {
        self.told = true;
        if let Some(callback) = self.port.interface.DxgkCbNotifyInterrupt {
            // SAFETY: dxgkrnl's own handle; it only reads the data.
            unsafe { callback(self.port.handle(), from_ref(&self.data)) };
        }
    }
}

/// A notification as dxgkrnl wants it. There is one node, number 0, with one engine.
fn interrupt_data(notification: Notification) -> DXGKARGCB_NOTIFY_INTERRUPT_DATA {
    match notification {
        Notification::DmaCompleted { submission_fence_id } => {
            DXGKARGCB_NOTIFY_INTERRUPT_DATA::dma_completed(DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaCompleted {
                SubmissionFenceId: submission_fence_id,
                NodeOrdinal: 0,
                EngineOrdinal: 0,
            })
        }
        Notification::DmaPreempted { preemption_fence_id, last_completed_fence_id } => {
            DXGKARGCB_NOTIFY_INTERRUPT_DATA::dma_preempted(DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaPreempted {
                PreemptionFenceId: preemption_fence_id,
                LastCompletedFenceId: last_completed_fence_id,
                NodeOrdinal: 0,
                EngineOrdinal: 0,
            })
        }
        Notification::DmaFaulted { faulted_fence_id, kind } => {
            DXGKARGCB_NOTIFY_INTERRUPT_DATA::dma_faulted(DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaFaulted {
                FaultedFenceId: faulted_fence_id,
                Status: match kind {
                    FaultKind::Context { .. } => STATUS_GRAPHICS_GPU_EXCEPTION_ON_DEVICE,
                    FaultKind::Host => STATUS_DEVICE_REMOVED,
                },
                NodeOrdinal: 0,
                EngineOrdinal: 0,
            })
        }
        Notification::CrtcVsync { vid_pn_target_id, physical_address } => {
            DXGKARGCB_NOTIFY_INTERRUPT_DATA::crtc_vsync(DXGKARGCB_NOTIFY_INTERRUPT_DATA_CrtcVsync {
                VidPnTargetId: vid_pn_target_id,
                PhysicalAddress: physical_address.cast_signed(),
                ..DXGKARGCB_NOTIFY_INTERRUPT_DATA_CrtcVsync::default()
            })
        }
    }
}

impl Port {
    /// Copies the interface that StartDevice got. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// `STATUS_REVISION_MISMATCH` when it lacks a callback that this driver cannot do without.
    ///
    /// # Safety
    /// `interface` points to an interface of as many bytes as it says.
    pub(crate) unsafe fn copy(interface: *const DXGKRNL_INTERFACE) -> Result<Self, NTSTATUS> {
        // SAFETY: every interface begins with its size, a `u32`.
        let there = unsafe { interface.cast::<u32>().read() } as usize;
        let mut copy = DXGKRNL_INTERFACE::default();
        let bytes = there.min(size_of::<DXGKRNL_INTERFACE>());
        // SAFETY: both have as many bytes, the copy is ours, and zeros (what an older interface lacks) are null callbacks.
        unsafe {
            core::ptr::copy_nonoverlapping(interface.cast::<u8>(), from_mut(&mut copy).cast::<u8>(), bytes);
        }
        let complete = copy.DxgkCbGetDeviceInformation.is_some()
            && copy.DxgkCbIndicateChildStatus.is_some()
            && copy.DxgkCbMapMemory.is_some()
            && copy.DxgkCbUnmapMemory.is_some()
            && copy.DxgkCbQueueDpc.is_some()
            && copy.DxgkCbSynchronizeExecution.is_some()
            && copy.DxgkCbNotifyInterrupt.is_some()
            && copy.DxgkCbNotifyDpc.is_some()
            && copy.DxgkCbGetHandleData.is_some();
        if complete { Ok(Self { interface: copy }) } else { Err(STATUS_REVISION_MISMATCH) }
    }

    /// All of it.
    pub(crate) fn interface(&self) -> &DXGKRNL_INTERFACE {
        &self.interface
    }

    fn handle(&self) -> HANDLE {
        self.interface.DeviceHandle
    }

    /// `DxgkCbGetDeviceInformation`. `PASSIVE_LEVEL`. What it points to is dxgkrnl's and lives until StopDevice.
    ///
    /// # Errors
    /// dxgkrnl's.
    pub(crate) fn device_information(&self) -> Result<DXGK_DEVICE_INFO, NTSTATUS> {
        let Some(callback) = self.interface.DxgkCbGetDeviceInformation else {
            return Err(STATUS_NOT_SUPPORTED);
        };
        let mut information = DXGK_DEVICE_INFO::default();
        // SAFETY: dxgkrnl's own handle; the place lives here.
        let status = unsafe { callback(self.handle(), from_mut(&mut information)) };
        if NT_SUCCESS(status) { Ok(information) } else { Err(status) }
    }

    /// `DxgkCbMapMemory`: registers, uncached, into system space. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// dxgkrnl's.
    pub(crate) fn map_registers(&self, range: MemoryRange, bytes: u32) -> Result<NonNull<u32>, NTSTATUS> {
        let Some(callback) = self.interface.DxgkCbMapMemory else { return Err(STATUS_NOT_SUPPORTED) };
        let mut address: *mut c_void = null_mut();
        let start = range.start.cast_signed();
        // SAFETY: dxgkrnl's own handle, a range that it gave, and a place that lives here.
        let status =
            unsafe { callback(self.handle(), start, bytes, 0, 0, MmNonCached, from_mut(&mut address)) };
        match NonNull::new(address.cast()) {
            Some(address) if NT_SUCCESS(status) => Ok(address),
            _ if NT_SUCCESS(status) => Err(STATUS_INSUFFICIENT_RESOURCES),
            _ => Err(status),
        }
    }

    /// `DxgkCbUnmapMemory`. `PASSIVE_LEVEL`.
    pub(crate) fn unmap_registers(&self, address: NonNull<u32>) {
        if let Some(callback) = self.interface.DxgkCbUnmapMemory {
            // SAFETY: dxgkrnl's own handle, and an address that it gave, which nobody uses any more.
            unsafe { callback(self.handle(), address.as_ptr().cast()) };
        }
    }

    /// `DxgkCbQueueDpc`. Any IRQL.
    pub(crate) fn queue_dpc(&self) {
        if let Some(callback) = self.interface.DxgkCbQueueDpc {
            // SAFETY: dxgkrnl's own handle.
            unsafe { callback(self.handle()) };
        }
    }

    /// `DxgkCbNotifyDpc`. `DISPATCH_LEVEL`.
    pub(crate) fn notify_dpc(&self) {
        if let Some(callback) = self.interface.DxgkCbNotifyDpc {
            // SAFETY: dxgkrnl's own handle.
            unsafe { callback(self.handle()) };
        }
    }

    /// `DxgkCbNotifyInterrupt` where dxgkrnl wants it called: with the interrupt held off. Without an interrupt there is none
    /// to be held off, but dxgkrnl must not be called twice at a time either; then `one_by_one` keeps the DPCs of other
    /// processors out. IRQL ≤ `DISPATCH_LEVEL`.
    pub(crate) fn notify_interrupt<N: Nt>(&self, notification: Notification, one_by_one: &NtSpinLock<N, ()>) {
        let mut report = Report { port: self, data: interrupt_data(notification), told: false };
        let held_off = self.synchronize(notify, from_mut(&mut report).cast());
        if !held_off && !report.told {
            let _alone = one_by_one.lock();
            report.tell();
        }
    }

    /// Waits until the interrupt routine, if it runs, is done. IRQL ≤ `DISPATCH_LEVEL`.
    pub(crate) fn flush_interrupt(&self) {
        self.synchronize(nothing, null_mut());
    }

    /// `DxgkCbSynchronizeExecution`, for message 0; tells whether dxgkrnl could. A device without an interrupt has nothing
    /// to synchronise with, and dxgkrnl may say so: twice, or it was out of something for a moment.
    fn synchronize(
        &self,
        routine: unsafe extern "win64" fn(*mut c_void) -> BOOLEAN,
        context: *mut c_void,
    ) -> bool {
        let Some(callback) = self.interface.DxgkCbSynchronizeExecution else { return false };
        let mut result: BOOLEAN = 0;
        (0..2).any(|_| {
            // SAFETY: dxgkrnl's own handle; it calls the routine before it returns, and its context lives in the caller.
            let status = unsafe { callback(self.handle(), Some(routine), context, 0, from_mut(&mut result)) };
            NT_SUCCESS(status)
        })
    }

    /// `DxgkCbGetHandleData`: the driver's handle of an allocation that dxgkrnl names by its own; `None` when there is none.
    /// `PASSIVE_LEVEL`.
    pub(crate) fn allocation_of(&self, allocation: D3DKMT_HANDLE) -> Option<HANDLE> {
        let callback = self.interface.DxgkCbGetHandleData?;
        let data = DXGKARGCB_GETHANDLEDATA {
            hObject: allocation,
            Type: DXGK_HANDLE_ALLOCATION,
            Flags: DXGKCB_GETHANDLEDATAFLAGS::new(0),
        };
        // SAFETY: dxgkrnl only reads the data.
        let handle = unsafe { callback(from_ref(&data)) };
        (!handle.is_null()).then_some(handle)
    }

    /// `DxgkCbIndicateChildStatus`: a monitor was connected, or is gone. IRQL ≤ `DISPATCH_LEVEL`.
    pub(crate) fn indicate_child_status(&self, child_uid: u32, connected: bool) {
        let Some(callback) = self.interface.DxgkCbIndicateChildStatus else { return };
        let mut status = DXGK_CHILD_STATUS::connection(child_uid, connected);
        // SAFETY: dxgkrnl's own handle; it copies what it is given.
        unsafe { callback(self.handle(), from_mut(&mut status)) };
    }
}

/// The synchronised part of [`Port::notify_interrupt`]. Device IRQL.
///
/// # Safety
/// `context` is a [`Report`].
unsafe extern "win64" fn notify(context: *mut c_void) -> BOOLEAN {
    // SAFETY: the report of `notify_interrupt`, which waits for this routine and does not look at it meanwhile.
    let report = unsafe { &mut *context.cast::<Report<'_>>() };
    report.tell();
    1
}

/// Does nothing, with the interrupt held off. Device IRQL.
///
/// # Safety
/// None: it looks at nothing.
unsafe extern "win64" fn nothing(_context: *mut c_void) -> BOOLEAN {
    1
}
