//! The adapter as dxgkrnl knows it: what `MiniportDeviceContext` and `hAdapter` point to.
#![expect(unsafe_code, reason = "dxgkrnl gives the adapter back as a pointer")]

use alloc::boxed::Box;
use core::ffi::c_void;

use pvgpu_kmd::{Adapter, Status};
use pvgpu_kmd_ddi::{DXGKRNL_INTERFACE, KDPC};

use crate::kernel::WddmKernel;
use crate::memory::try_box;
use crate::nt::Nt;
use crate::timer::flush_dpcs;

/// One adapter. It stays where [`Device::new`] has put it until [`Device::end`].
pub(crate) struct Device<N: Nt> {
    adapter: Adapter<WddmKernel<N>>,
}

impl<N: Nt> Device<N> {
    /// A new adapter, as the context that dxgkrnl keeps. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::NoMemory`].
    pub(crate) fn create() -> Result<*mut c_void, Status> {
        let adapter = Adapter::new(WddmKernel::new()?);
        let device = try_box(Self { adapter })?;
        let context: *mut Self = Box::into_raw(device);
        // SAFETY: just made.
        let device = unsafe { &*context };
        // SAFETY: the box never moves, and `end` stops the timers before it is freed; this is the first use.
        unsafe {
            device.kernel().initialise_timers(Some(heartbeat_dpc::<N>), Some(vsync_dpc::<N>), context.cast());
        }
        Ok(context.cast())
    }

    /// The adapter behind a context that dxgkrnl gave back; `None` for null. Any IRQL.
    ///
    /// # Safety
    /// `context` is null or came from [`Device::create`] with the same `N` and was not ended.
    pub(crate) unsafe fn from_context<'a>(context: *const c_void) -> Option<&'a Self> {
        // SAFETY: the caller's promise; nobody has a mutable reference.
        unsafe { context.cast::<Self>().as_ref() }
    }

    /// Ends the adapter. `PASSIVE_LEVEL`.
    ///
    /// # Safety
    /// As for [`Device::from_context`], not null, and nobody uses it any more.
    pub(crate) unsafe fn end(context: *mut c_void) {
        // SAFETY: the box of `create`, shared with timers that may just be running their DPCs.
        if let Some(device) = unsafe { Self::from_context(context) } {
            device.kernel().stop_timers();
            flush_dpcs::<N>();
        }
        // SAFETY: the box of `create`, and nobody else looks at it any more.
        drop(unsafe { Box::from_raw(context.cast::<Self>()) });
    }

    /// The core's adapter.
    pub(crate) fn adapter(&self) -> &Adapter<WddmKernel<N>> {
        &self.adapter
    }

    /// The system's services.
    pub(crate) fn kernel(&self) -> &WddmKernel<N> {
        self.adapter.kernel()
    }

    /// dxgkrnl's callbacks, between StartDevice and StopDevice. Any IRQL.
    pub(crate) fn dxgkrnl(&self) -> Option<&DXGKRNL_INTERFACE> {
        self.kernel().port.get().map(|port| port.interface())
    }
}

/// The heartbeat timer's DPC. `DISPATCH_LEVEL`.
///
/// # Safety
/// NT calls it with the context of [`Device::create`].
unsafe extern "win64" fn heartbeat_dpc<N: Nt>(
    _dpc: *mut KDPC,
    context: *mut c_void,
    _argument1: *mut c_void,
    _argument2: *mut c_void,
) {
    // SAFETY: the timer's context, which lives until the timer is stopped and its DPC flushed.
    if let Some(device) = unsafe { Device::<N>::from_context(context) } {
        device.adapter().heartbeat();
    }
}

/// The vertical blank timer's DPC. `DISPATCH_LEVEL`.
///
/// # Safety
/// As for [`heartbeat_dpc`].
unsafe extern "win64" fn vsync_dpc<N: Nt>(
    _dpc: *mut KDPC,
    context: *mut c_void,
    _argument1: *mut c_void,
    _argument2: *mut c_void,
) {
    // SAFETY: as in `heartbeat_dpc`.
    if let Some(device) = unsafe { Device::<N>::from_context(context) } {
        device.adapter().vsync_timer();
    }
}
