//! The doorbell of an adapter without a device: an event of the process that carries the link.
#![expect(unsafe_code, reason = "NT's object functions take pointers")]

use core::ffi::c_void;
use core::marker::PhantomData;
use core::ptr::{NonNull, from_mut, null_mut};

use pvgpu_kmd::{Handle, Status};
use pvgpu_kmd_ddi::{EVENT_MODIFY_STATE, NT_SUCCESS, UserMode};

use crate::nt::Nt;

/// A reference to an event object.
pub(crate) struct LinkEvent<N: Nt> {
    event: NonNull<c_void>,
    nt: PhantomData<fn() -> N>,
}

// SAFETY: the object is NT's, which synchronises it; the reference may be given back by any thread.
unsafe impl<N: Nt> Send for LinkEvent<N> {}

impl<N: Nt> LinkEvent<N> {
    /// Takes a reference to the event that the calling process names by `handle`. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadHandle`] for what is no event, or none that the process may set.
    pub(crate) fn open(handle: u64) -> Result<Self, Status> {
        let no_event = Status::BadHandle(Handle::Event);
        let handle = usize::try_from(handle).map_err(|_| no_event)?;
        let mut event = null_mut();
        // SAFETY: user mode's handle is looked up as user mode's; the place for the object lives here.
        let status = unsafe {
            N::ObReferenceObjectByHandle(
                core::ptr::without_provenance_mut(handle),
                EVENT_MODIFY_STATE,
                N::ExEventObjectType(),
                UserMode,
                from_mut(&mut event),
                null_mut(),
            )
        };
        match NonNull::new(event) {
            Some(event) if NT_SUCCESS(status) => Ok(Self { event, nt: PhantomData }),
            _ => Err(no_event),
        }
    }

    /// Sets it. IRQL ≤ `DISPATCH_LEVEL`.
    pub(crate) fn set(&self) {
        // SAFETY: an event object, which the reference keeps.
        unsafe { N::KeSetEvent(self.event.as_ptr().cast(), 0, 0) };
    }
}

impl<N: Nt> Drop for LinkEvent<N> {
    fn drop(&mut self) {
        // SAFETY: the reference taken in `open`.
        unsafe { N::ObfDereferenceObject(self.event.as_ptr()) };
    }
}
