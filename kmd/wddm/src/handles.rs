//! What `hDevice` and `hContext` are: boxes that know their adapter.
//!
//! Entries like `DxgkDdiRender` get one of these handles and nothing else, so the handle must lead to the adapter. dxgkrnl
//! keeps them to itself (user mode names objects by dxgkrnl's own handles) and gives back what the driver gave it; what the
//! core knows of a device or context is behind a number, which it checks. Allocations need no such thing: their entries get
//! the adapter or the device as well, and their handles are the core's numbers.
#![expect(unsafe_code, reason = "dxgkrnl gives the boxes back as pointers")]

use alloc::boxed::Box;
use core::ptr::from_ref;

use pvgpu_kmd::Status;
use pvgpu_kmd_ddi::HANDLE;

use crate::device::Device;
use crate::memory::try_box;
use crate::nt::Nt;

/// A device or a context of an adapter.
pub(crate) struct Object<N: Nt> {
    device: *const Device<N>,
    /// The core's number.
    number: u64,
}

impl<N: Nt> Object<N> {
    /// A box with no number yet: it is made before what it will name, so that nothing has to be undone.
    /// IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`Status::NoMemory`].
    pub(crate) fn reserve(device: &Device<N>) -> Result<Box<Self>, Status> {
        try_box(Self { device: from_ref(device), number: 0 })
    }

    /// The handle of what the core calls `number`.
    pub(crate) fn into_handle(mut self: Box<Self>, number: u64) -> HANDLE {
        self.number = number;
        Box::into_raw(self).cast()
    }

    /// What a handle stands for; `None` for null. Any IRQL.
    ///
    /// # Safety
    /// `handle` is null or came from [`Object::into_handle`] with the same `N` and was not freed.
    pub(crate) unsafe fn from_handle<'a>(handle: HANDLE) -> Option<&'a Self> {
        // SAFETY: the caller's promise; nobody has a mutable reference.
        unsafe { handle.cast::<Self>().cast_const().as_ref() }
    }

    /// Frees the box behind a handle. IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// As for [`Object::from_handle`], not null, and the handle is not used any more.
    pub(crate) unsafe fn free(handle: HANDLE) {
        // SAFETY: the box of `reserve`.
        drop(unsafe { Box::from_raw(handle.cast::<Self>()) });
    }

    /// The adapter.
    pub(crate) fn device(&self) -> &Device<N> {
        // SAFETY: dxgkrnl destroys all devices and contexts before it removes the adapter.
        unsafe { &*self.device }
    }

    /// The core's number.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}
