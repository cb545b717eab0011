//! The kernel's services through the D3DDDI callbacks.

use core::ffi::c_void;
use core::ptr;

use bytemuck::Pod;
use pvgpu_protocol::aperture::{LINE_BYTES, RING_HEADER_BYTES};
use pvgpu_protocol::kernel_interface::{
    AllocateHeap, AllocationData, ContextData, Doorbell, FenceMarker, FreeHeap, MapContext, PrivateData,
    PrivateHeader, SharedResourceData, Trace, WaitForFence, kind, wait_result,
};
use pvgpu_protocol::telemetry::Level;
use pvgpu_ring::AtomicU64;
use pvgpu_umd_ddi::*;

use crate::error::Error;
use crate::kernel::{Cells, Grant, Kernel, Mapped, Wait};

/// Bytes of a context's ring. A draw takes 150 to 400; 8 MiB hold twenty to fifty thousand, more than any frame, so that a program does
/// not wait for a host that is busy with the frame before.
const RING_BYTES: u64 = 8 << 20;
/// Bytes of heap that a context begins with.
const HEAP_BYTES: u64 = 16 << 20;

/// The callbacks of one device, and the context behind them.
pub(super) struct CallbackKernel {
    callbacks: Callbacks,
    /// First argument of the kernel callbacks.
    runtime_device: HANDLE,
    /// First argument of escapes.
    runtime_adapter: HANDLE,
    /// First argument of `pfnSetErrorCb`.
    core_layer: D3D10DDI_HRTCORELAYER,
    context: HANDLE,
    /// Where the next command buffer goes, and its bytes.
    command_buffer: (*mut c_void, u32),
    /// Whether the version has private data at `pfnPresentCb`.
    present_data: bool,
}

/// The callbacks that this driver calls; all of them are there in every version.
#[derive(Clone, Copy)]
pub(super) struct Callbacks {
    pub allocate: KernelCallback<D3DDDICB_ALLOCATE>,
    pub deallocate: KernelCallbackConst<D3DDDICB_DEALLOCATE>,
    pub render: KernelCallback<D3DDDICB_RENDER>,
    pub escape: KernelCallbackConst<D3DDDICB_ESCAPE>,
    pub create_context: KernelCallback<D3DDDICB_CREATECONTEXT>,
    pub destroy_context: KernelCallbackConst<D3DDDICB_DESTROYCONTEXT>,
    pub present: PFNDDXGIDDI_PRESENTCB,
    pub set_error: PFND3D10DDI_SETERROR_CB,
}

/// The handles with which the runtime made the device.
pub(super) struct Handles {
    pub device: HANDLE,
    pub adapter: HANDLE,
    pub core_layer: D3D10DDI_HRTCORELAYER,
    pub present_data: bool,
}

/// Turns a callback's answer into a result.
fn check(hresult: HRESULT) -> Result<(), Error> {
    match hresult {
        0.. => Ok(()),
        D3DDDIERR_DEVICEREMOVED => Err(Error::DeviceRemoved),
        E_OUTOFMEMORY => Err(Error::OutOfMemory),
        other => Err(Error::Kernel(other)),
    }
}

/// A callback that the runtime left null.
const MISSING: Error = Error::Kernel(E_NOTIMPL);

/// Memory that the kernel mapped for this context.
///
/// # Safety
/// `address` is what the kernel-mode driver answered, mapped for `bytes` bytes until the grant is freed or the context
/// destroyed; the caller uses the cells no longer than that.
unsafe fn cells(address: u64, bytes: u64) -> Result<Cells, Error> {
    // In a 32-bit process an address that does not fit would become another one.
    let (Ok(address), Ok(count)) = (usize::try_from(address), usize::try_from(bytes / 8)) else {
        return Err(Error::Kernel(E_FAIL));
    };
    let pointer: *const AtomicU64 = ptr::with_exposed_provenance(address);
    if pointer.is_null() || !pointer.is_aligned() {
        return Err(Error::Kernel(E_FAIL));
    }
    // SAFETY: passed on from the caller; cells are atomic, so that the other side may write them at any time.
    Ok(unsafe { core::slice::from_raw_parts(pointer, count) })
}

impl CallbackKernel {
    /// Creates the device's context and maps it.
    ///
    /// # Errors
    /// What the callbacks returned.
    pub(super) fn create(callbacks: Callbacks, handles: &Handles) -> Result<(Self, Mapped), Error> {
        let mut data = ContextData {
            header: PrivateHeader::new(kind::CONTEXT),
            ring_bytes: RING_BYTES,
            heap_bytes: HEAP_BYTES,
        };
        let mut arg = D3DDDICB_CREATECONTEXT {
            NodeOrdinal: 0,
            EngineAffinity: 1,
            pPrivateDriverData: ptr::from_mut(&mut data).cast(),
            PrivateDriverDataSize: size_of::<ContextData>() as u32,
            ..Default::default()
        };
        let create_context = callbacks.create_context.ok_or(MISSING)?;
        // SAFETY: a callback of the runtime with the arguments it asks for.
        check(unsafe { create_context(handles.device, &raw mut arg) })?;
        let mut kernel = Self {
            callbacks,
            runtime_device: handles.device,
            runtime_adapter: handles.adapter,
            core_layer: handles.core_layer,
            context: arg.hContext,
            command_buffer: (arg.pCommandBuffer, arg.CommandBufferSize),
            present_data: handles.present_data,
        };
        let mapped = kernel.map()?;
        Ok((kernel, mapped))
    }

    fn map(&mut self) -> Result<Mapped, Error> {
        let request: MapContext =
            MapContext { header: PrivateHeader::new(kind::MAP_CONTEXT), ..bytemuck::Zeroable::zeroed() };
        let map = self.escape(request)?;
        // SAFETY: the kernel-mode driver mapped the ring's words and data area for this context, which outlives its stream.
        let ring = unsafe { cells(map.ring_address, RING_HEADER_BYTES + map.ring_bytes) }?;
        // SAFETY: it mapped the fence line, too.
        let fence = unsafe { cells(map.fence_address, LINE_BYTES) }?;
        // SAFETY: and the first heap range.
        let heap = unsafe { cells(map.heap_address, map.heap_bytes) }?;
        Ok(Mapped { context: map.context, ring, fence, heap: Grant { offset: map.heap_offset, cells: heap } })
    }

    /// Sends an escape of this context and takes the answer out of it.
    fn escape<T: PrivateData + Pod>(&self, mut data: T) -> Result<T, Error> {
        let arg = D3DDDICB_ESCAPE {
            hDevice: self.runtime_device,
            Flags: D3DDDI_ESCAPEFLAGS::default(),
            pPrivateDriverData: ptr::from_mut(&mut data).cast(),
            PrivateDriverDataSize: size_of::<T>() as u32,
            hContext: self.context,
        };
        let escape = self.callbacks.escape.ok_or(MISSING)?;
        // SAFETY: a callback of the runtime with the arguments it asks for; any bytes are a value of the answer's type.
        check(unsafe { escape(self.runtime_adapter, &raw const arg) })?;
        T::read(bytemuck::bytes_of(&data)).map_err(|_| Error::Kernel(E_FAIL))
    }
}

impl Kernel for CallbackKernel {
    fn allocate_heap(&mut self, bytes: u64) -> Result<Grant, Error> {
        let request =
            AllocateHeap { header: PrivateHeader::new(kind::ALLOCATE_HEAP), bytes, address: 0, offset: 0 };
        // Whatever the kernel says, to the driver it is memory that it does not get.
        let granted = self.escape(request).map_err(|error| match error {
            Error::DeviceRemoved => Error::DeviceRemoved,
            _ => Error::OutOfMemory,
        })?;
        // SAFETY: the kernel-mode driver mapped the range for this context until it is freed.
        let cells = unsafe { cells(granted.address, granted.bytes) }?;
        Ok(Grant { offset: granted.offset, cells })
    }

    fn free_heap(&mut self, grant: Grant) {
        let request = FreeHeap { header: PrivateHeader::new(kind::FREE_HEAP), offset: grant.offset };
        // A range that does not go back now goes back with the context.
        let _ = self.escape(request);
    }

    fn wait_for_fence(&mut self, value: u64, timeout_ms: u32) -> Wait {
        let header = PrivateHeader::new(kind::WAIT_FOR_FENCE);
        match self.escape(WaitForFence { header, value, timeout_ms, result: 0 }).map(|answer| answer.result) {
            Ok(wait_result::REACHED) => Wait::Reached,
            Ok(wait_result::TIMEOUT) => Wait::Timeout,
            Ok(_) | Err(_) => Wait::Removed,
        }
    }

    fn ring_doorbell(&mut self) {
        // A doorbell that does not ring is found by the host's own bounded sleep.
        let _ = self.escape(Doorbell { header: PrivateHeader::new(kind::DOORBELL) });
    }

    fn trace(&mut self, level: Level, code: u16, args: [u64; 4]) {
        let header = PrivateHeader::new(kind::TRACE);
        // Traces are for people who watch; nothing depends on one.
        let _ = self.escape(Trace { header, code, level: level.to_wire(), reserved: [0; 5], args });
    }

    fn render(&mut self, marker: &FenceMarker) -> Result<(), Error> {
        let (buffer, bytes) = self.command_buffer;
        if buffer.is_null() || (bytes as usize) < size_of::<FenceMarker>() {
            return Err(Error::Kernel(E_FAIL));
        }
        // SAFETY: the kernel lets the driver write `bytes` bytes there until the next submission.
        unsafe { buffer.cast::<FenceMarker>().write_unaligned(*marker) };
        let mut arg = D3DDDICB_RENDER {
            CommandLength: size_of::<FenceMarker>() as u32,
            hContext: self.context,
            ..Default::default()
        };
        let render = self.callbacks.render.ok_or(MISSING)?;
        // SAFETY: a callback of the runtime with the arguments it asks for.
        check(unsafe { render(self.runtime_device, &raw mut arg) })?;
        if !arg.pNewCommandBuffer.is_null() {
            self.command_buffer = (arg.pNewCommandBuffer, arg.NewCommandBufferSize);
        }
        Ok(())
    }

    fn present(
        &mut self,
        source: D3DKMT_HANDLE,
        destination: D3DKMT_HANDLE,
        dxgi_context: *mut c_void,
        marker: &FenceMarker,
    ) -> Result<(), Error> {
        let mut marker = *marker;
        let mut arg = DXGIDDICB_PRESENT {
            hSrcAllocation: source,
            hDstAllocation: destination,
            pDXGIContext: dxgi_context,
            hContext: self.context,
            ..Default::default()
        };
        if self.present_data {
            arg.PrivateDriverDataSize = size_of::<FenceMarker>() as u32;
            arg.pPrivateDriverData = ptr::from_mut(&mut marker).cast();
        }
        let present = self.callbacks.present.ok_or(MISSING)?;
        // SAFETY: a callback of the runtime with the arguments it asks for.
        check(unsafe { present(self.runtime_device, &raw mut arg) })
    }

    fn allocate(
        &mut self,
        runtime_resource: *mut c_void,
        data: &AllocationData,
        shared: Option<&SharedResourceData>,
    ) -> Result<D3DKMT_HANDLE, Error> {
        let mut data = *data;
        let mut info = D3DDDI_ALLOCATIONINFO {
            pPrivateDriverData: ptr::from_mut(&mut data).cast(),
            PrivateDriverDataSize: size_of::<AllocationData>() as u32,
            ..Default::default()
        };
        let mut arg = D3DDDICB_ALLOCATE {
            pPrivateDriverData: shared.map_or(ptr::null(), |shared| ptr::from_ref(shared).cast()),
            PrivateDriverDataSize: shared.map_or(0, |_| size_of::<SharedResourceData>() as u32),
            hResource: runtime_resource,
            NumAllocations: 1,
            pAllocationInfo: &raw mut info,
            ..Default::default()
        };
        let allocate = self.callbacks.allocate.ok_or(MISSING)?;
        // SAFETY: a callback of the runtime with the arguments it asks for.
        check(unsafe { allocate(self.runtime_device, &raw mut arg) })?;
        Ok(info.hAllocation)
    }

    fn deallocate(&mut self, runtime_resource: *mut c_void, allocation: D3DKMT_HANDLE) {
        let list = [allocation];
        let arg = if runtime_resource.is_null() {
            D3DDDICB_DEALLOCATE { hResource: ptr::null_mut(), NumAllocations: 1, HandleList: list.as_ptr() }
        } else {
            D3DDDICB_DEALLOCATE { hResource: runtime_resource, ..Default::default() }
        };
        if let Some(deallocate) = self.callbacks.deallocate {
            // SAFETY: a callback of the runtime with the arguments it asks for. An allocation that stays goes with the device.
            let _ = unsafe { deallocate(self.runtime_device, &raw const arg) };
        }
    }

    fn set_error(&mut self, error: Error) {
        if let Some(set_error) = self.callbacks.set_error {
            // SAFETY: a callback of the runtime with the arguments it asks for.
            unsafe { set_error(self.core_layer, error.hresult()) };
        }
    }
}

impl Drop for CallbackKernel {
    fn drop(&mut self) {
        let arg = D3DDDICB_DESTROYCONTEXT { hContext: self.context };
        if let Some(destroy_context) = self.callbacks.destroy_context {
            // SAFETY: a callback of the runtime with the arguments it asks for. What fails here goes with the process.
            let _ = unsafe { destroy_context(self.runtime_device, &raw const arg) };
        }
    }
}
