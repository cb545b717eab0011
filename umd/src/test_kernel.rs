//! A kernel and a host for unit tests: memory from the process, fences that complete when told or waited for.

use core::ffi::c_void;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::Ordering;

use pvgpu_protocol::aperture::fence_cell;
use pvgpu_protocol::kernel_interface::{AllocationData, FenceMarker, SharedResourceData};
use pvgpu_protocol::telemetry::Level;
use pvgpu_ring::{AtomicU64, Consumer, HEADER_BYTES, initialise};
use pvgpu_umd_ddi::D3DKMT_HANDLE;

use crate::context::Context;
use crate::error::Error;
use crate::kernel::{Cells, Grant, Kernel, Mapped, Wait};

fn cells(bytes: u64) -> Cells {
    Vec::leak((0..bytes / 8).map(|_| AtomicU64::new(0)).collect())
}

/// The kernel's side.
pub(crate) struct TestKernel {
    heap_left: u64,
    next_offset: u64,
    fence: Cells,
    granted: Rc<Cell<u64>>,
}

impl TestKernel {
    /// A kernel that can grant so many bytes of heap.
    pub(crate) fn with_heap(bytes: u64) -> Self {
        Self { heap_left: bytes, next_offset: 1 << 32, fence: cells(64), granted: Rc::default() }
    }
}

/// The host's side.
pub(crate) struct TestHost {
    fence: Cells,
    consumer: RefCell<Consumer<Cells>>,
    granted: Rc<Cell<u64>>,
}

impl TestHost {
    /// Bytes of heap granted so far.
    pub(crate) fn granted(&self) -> u64 {
        self.granted.get()
    }

    /// The last completed fence.
    pub(crate) fn completed(&self) -> u64 {
        self.fence[fence_cell::COMPLETED].load(Ordering::Relaxed)
    }

    /// Completes a fence.
    pub(crate) fn complete(&self, value: u64) {
        self.fence[fence_cell::COMPLETED].fetch_max(value, Ordering::Relaxed);
    }

    /// Empties the ring.
    pub(crate) fn drain(&self) {
        let mut local = vec![0; 8192];
        let mut consumer = self.consumer.borrow_mut();
        while consumer.pop_into(&mut local).expect("an honest driver").is_some() {}
    }
}

/// A context over a kernel.
pub(crate) fn context(kernel: TestKernel, ring_bytes: u64) -> (Context, TestHost) {
    let ring = cells(HEADER_BYTES as u64 + ring_bytes);
    initialise(&ring, 0).expect("a legal ring");
    let (fence, granted) = (kernel.fence, kernel.granted.clone());
    let heap = Grant { offset: 4096, cells: cells(1 << 20) };
    let mapped = Mapped { context: 1, ring, fence, heap };
    let consumer = RefCell::new(Consumer::new(ring, 0).expect("a legal ring"));
    let context = Context::new(Box::new(kernel), mapped).expect("legal sizes");
    (context, TestHost { fence, consumer, granted })
}

impl Kernel for TestKernel {
    fn allocate_heap(&mut self, bytes: u64) -> Result<Grant, Error> {
        let bytes = bytes.next_multiple_of(4096);
        self.heap_left = self.heap_left.checked_sub(bytes).ok_or(Error::OutOfMemory)?;
        let offset = self.next_offset;
        self.next_offset += bytes + 4096;
        self.granted.set(self.granted.get() + bytes);
        Ok(Grant { offset, cells: cells(bytes) })
    }

    fn free_heap(&mut self, grant: Grant) {
        self.heap_left += grant.cells.len() as u64 * 8;
    }

    fn wait_for_fence(&mut self, value: u64, _timeout_ms: u32) -> Wait {
        self.fence[fence_cell::COMPLETED].fetch_max(value, Ordering::Relaxed);
        Wait::Reached
    }

    fn ring_doorbell(&mut self) {}

    fn trace(&mut self, _level: Level, _code: u16, _args: [u64; 4]) {}

    fn render(&mut self, _marker: &FenceMarker) -> Result<(), Error> {
        Ok(())
    }

    fn present(
        &mut self,
        _source: D3DKMT_HANDLE,
        _destination: D3DKMT_HANDLE,
        _dxgi_context: *mut c_void,
        _marker: &FenceMarker,
    ) -> Result<(), Error> {
        Ok(())
    }

    fn allocate(
        &mut self,
        _resource: *mut c_void,
        _data: &AllocationData,
        _shared: Option<&SharedResourceData>,
    ) -> Result<D3DKMT_HANDLE, Error> {
        Ok(1)
    }

    fn deallocate(&mut self, _resource: *mut c_void, _allocation: D3DKMT_HANDLE) {}

    fn set_error(&mut self, _error: Error) {}
}
