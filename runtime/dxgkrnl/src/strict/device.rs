//! Kernel devices of a process: contexts, allocations, and everything that user mode asks of them.
#![expect(unsafe_code, reason = "user memory is written")]

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pvgpu_kmd_ddi::{
    D3DDDI_FLIPINTERVAL_ONE, D3DKMT_HANDLE, DXGK_PRESENTFLAGS, DXGKARG_PRESENT, NTSTATUS, RECT,
};
use pvgpu_protocol::kernel_interface::{ContextState, PrivateData, PrivateHeader, kind};

use super::sync::SyncObject;
use crate::port::device::{KernelAllocation, KernelContext, KernelDevice, UserCommand};
use crate::port::driver::NtResult;
use crate::port::scheduler::Completion;

/// Writes bytes into memory that the caller has mapped.
pub(super) fn copy_to(to: *mut u8, bytes: &[u8]) {
    for (index, byte) in bytes.iter().enumerate() {
        // SAFETY: `UserMemory::write` checked the room. Volatile: the driver may read meanwhile.
        unsafe { to.wrapping_add(index).write_volatile(*byte) };
    }
}

/// How a context's submissions ended so far.
#[derive(Debug, Default)]
struct Outcome {
    completed: AtomicU32,
    faulted: AtomicU32,
    status: Mutex<Option<NTSTATUS>>,
}

impl Completion for Outcome {
    fn completed(&self) {
        self.completed.fetch_add(1, Ordering::AcqRel);
    }

    fn faulted(&self, status: NTSTATUS) {
        self.faulted.fetch_add(1, Ordering::AcqRel);
        self.status.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(status);
    }
}

/// A context. Clones are the same one.
#[derive(Clone)]
pub struct Context {
    kernel: Arc<KernelContext>,
    outcome: Arc<Outcome>,
}

impl Context {
    /// Bytes of a DMA buffer, bytes of its private data, entries of the allocation list, entries of the patch list.
    pub fn sizes(&self) -> (u32, u32, u32, u32) {
        let sizes = self.kernel.sizes();
        (sizes.dma, sizes.private, sizes.allocations, sizes.patches)
    }

    /// Submissions that the driver reported as completed.
    pub fn completed(&self) -> u32 {
        self.outcome.completed.load(Ordering::Acquire)
    }

    /// Submissions that it reported as faulted, or that were lost in a reset.
    pub fn faulted(&self) -> u32 {
        self.outcome.faulted.load(Ordering::Acquire)
    }

    /// The status of the first fault.
    pub fn fault_status(&self) -> Option<NTSTATUS> {
        *self.outcome.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something of it waits for a sync object.
    pub fn is_blocked(&self) -> bool {
        self.kernel.is_blocked()
    }

    /// The fence id of its last submission.
    pub fn last_fence_id(&self) -> Option<u32> {
        self.kernel.last_fence()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

/// An allocation; other devices, also of other processes, open it by [`Device::open_allocation`]. The last device that closes
/// it destroys it.
#[derive(Clone)]
pub struct Allocation {
    kernel: Arc<KernelAllocation>,
}

/// What the driver said of an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocationFacts {
    /// Bytes.
    pub size: u64,
    /// Bytes.
    pub alignment: u32,
    /// One bit for each segment that it may be in.
    pub read_segments: u32,
    /// One bit for each segment where it may be written.
    pub write_segments: u32,
    /// `DXGK_ALLOCATIONINFOFLAGS`.
    pub flags: u32,
}

impl Allocation {
    /// dxgkrnl's handle.
    pub fn handle(&self) -> D3DKMT_HANDLE {
        self.kernel.handle()
    }

    /// What the driver said of it.
    pub fn facts(&self) -> AllocationFacts {
        let info = self.kernel.info();
        AllocationFacts {
            size: info.size,
            alignment: info.alignment,
            read_segments: info.read_segments,
            write_segments: info.write_segments,
            flags: info.flags,
        }
    }

    pub(super) fn kernel(&self) -> &Arc<KernelAllocation> {
        &self.kernel
    }
}

impl fmt::Debug for Allocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allocation").field("handle", &self.handle()).finish_non_exhaustive()
    }
}

/// What [`Device::render`] submits: addresses in user memory, which the driver may find unreadable.
#[derive(Clone, Copy, Debug, Default)]
pub struct RenderCommand {
    /// Where the command begins.
    pub address: usize,
    /// Its bytes.
    pub bytes: u32,
    /// Where the patch location list begins; 0 for none.
    pub patches: usize,
    /// Its entries.
    pub patch_count: u32,
}

/// An entry of the allocation list.
#[derive(Clone, Copy, Debug)]
pub struct ListEntry {
    /// The allocation.
    pub allocation: D3DKMT_HANDLE,
    /// `WriteOperation`.
    pub write: bool,
}

/// A kernel device. Clones are the same one.
#[derive(Clone)]
pub struct Device {
    kernel: Arc<KernelDevice>,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kernel.fmt(f)
    }
}

impl Device {
    pub(super) fn new(kernel: Arc<KernelDevice>) -> Self {
        Self { kernel }
    }

    /// `DxgkDdiCreateContext` on a node.
    ///
    /// # Errors
    /// The driver's status.
    pub fn create_context(&self, node: u32, private: &[u8]) -> NtResult<Context> {
        let outcome = Arc::new(Outcome::default());
        let kernel = self.kernel.create_context(node, &mut private.to_vec(), outcome.clone())?;
        Ok(Context { kernel, outcome })
    }

    /// Waits for what the context has in flight, then `DxgkDdiDestroyContext`.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`, the driver's status.
    pub fn destroy_context(&self, context: &Context) -> NtResult<()> {
        self.kernel.destroy_context(context.kernel.handle())
    }

    /// `DxgkDdiCreateAllocation` and `DxgkDdiOpenAllocation` for several allocations at once: all or none.
    ///
    /// # Errors
    /// The driver's status.
    pub fn create_allocations(&self, private: &[&[u8]]) -> NtResult<Vec<Allocation>> {
        let made = self.kernel.create_allocations(0, private)?;
        Ok(made.into_iter().map(|kernel| Allocation { kernel }).collect())
    }

    /// The same for one.
    ///
    /// # Errors
    /// The driver's status.
    pub fn create_allocation(&self, private: &[u8]) -> NtResult<Allocation> {
        let kernel = self.kernel.create_allocation(0, private)?;
        Ok(Allocation { kernel })
    }

    /// `DxgkDdiOpenAllocation` for an allocation of another device.
    ///
    /// # Errors
    /// The driver's status.
    pub fn open_allocation(&self, allocation: &Allocation) -> NtResult<()> {
        self.kernel.open(allocation.kernel(), 0, false)
    }

    /// `DxgkDdiCloseAllocation`; the last device to close it destroys the allocation, once no value of it is left in the test.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`, the driver's status.
    pub fn close_allocation(&self, allocation: &Allocation) -> NtResult<()> {
        self.kernel.destroy_allocation(allocation.handle())
    }

    /// `DxgkDdiDescribeAllocation`: width, height and `D3DDDIFORMAT`.
    ///
    /// # Errors
    /// The driver's status.
    pub fn describe_allocation(&self, allocation: &Allocation) -> NtResult<(u32, u32, u32)> {
        let driver = self.kernel.port().driver();
        let described =
            driver.describe_allocation(self.kernel.process(), allocation.kernel.driver_handle())?;
        Ok((described.Width, described.Height, described.Format))
    }

    /// `DxgkDdiRender`, `DxgkDdiPatch` and `DxgkDdiSubmitCommand`; the last two later, when the context waits for a sync
    /// object.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` for an allocation that the device has not opened, the driver's status.
    pub fn render(&self, context: &Context, command: RenderCommand, list: &[ListEntry]) -> NtResult<()> {
        let list: Vec<(D3DKMT_HANDLE, bool)> =
            list.iter().map(|entry| (entry.allocation, entry.write)).collect();
        let command = UserCommand {
            command: command.address,
            bytes: command.bytes,
            patches: command.patches,
            patch_count: command.patch_count,
        };
        self.kernel.render(&context.kernel, command, &list)
    }

    /// `DxgkDdiPresent` as a blit of a rectangle to another, and its submission.
    ///
    /// # Errors
    /// As [`Device::render`].
    pub fn present_blt(
        &self,
        context: &Context,
        (source, from): (&Allocation, RECT),
        (destination, to): (&Allocation, RECT),
        sub_rects: &[RECT],
    ) -> NtResult<()> {
        let args = DXGKARG_PRESENT {
            SrcRect: from,
            DstRect: to,
            SubRectCnt: sub_rects.len() as u32,
            pDstSubRects: sub_rects.as_ptr(),
            Flags: DXGK_PRESENTFLAGS::new(DXGK_PRESENTFLAGS::Blt),
            ..Default::default()
        };
        let handles = (Some(source.handle()), Some(destination.handle()));
        self.kernel.present(&context.kernel, &args, handles.0, handles.1)
    }

    /// `DxgkDdiPresent` as a fill of rectangles with a colour, and its submission.
    ///
    /// # Errors
    /// As [`Device::render`].
    pub fn present_fill(
        &self,
        context: &Context,
        (destination, to): (&Allocation, RECT),
        sub_rects: &[RECT],
        color: u32,
    ) -> NtResult<()> {
        let args = DXGKARG_PRESENT {
            Color: color,
            DstRect: to,
            SubRectCnt: sub_rects.len() as u32,
            pDstSubRects: sub_rects.as_ptr(),
            Flags: DXGK_PRESENTFLAGS::new(DXGK_PRESENTFLAGS::ColorFill),
            ..Default::default()
        };
        self.kernel.present(&context.kernel, &args, None, Some(destination.handle()))
    }

    /// `DxgkDdiPresent` as a flip to an allocation, and its submission.
    ///
    /// # Errors
    /// As [`Device::render`].
    pub fn present_flip(&self, context: &Context, source: &Allocation) -> NtResult<()> {
        let args = DXGKARG_PRESENT {
            FlipInterval: D3DDDI_FLIPINTERVAL_ONE,
            Flags: DXGK_PRESENTFLAGS::new(DXGK_PRESENTFLAGS::Flip),
            ..Default::default()
        };
        self.kernel.present(&context.kernel, &args, Some(source.handle()), None)
    }

    /// `DxgkDdiPresent` with any flags and handles, for arguments that no honest dxgkrnl passes on.
    ///
    /// # Errors
    /// As [`Device::render`].
    pub fn present_raw(
        &self,
        context: &Context,
        flags: u32,
        source: Option<D3DKMT_HANDLE>,
        destination: Option<D3DKMT_HANDLE>,
        (from, to): (RECT, RECT),
    ) -> NtResult<()> {
        let args = DXGKARG_PRESENT {
            SrcRect: from,
            DstRect: to,
            SubRectCnt: 1,
            pDstSubRects: &raw const to,
            Flags: DXGK_PRESENTFLAGS::new(flags),
            ..Default::default()
        };
        self.kernel.present(&context.kernel, &args, source, destination)
    }

    /// `DxgkDdiEscape` for the device and perhaps one of its contexts; the buffer goes both ways.
    ///
    /// # Errors
    /// The driver's status.
    pub fn escape(&self, context: Option<&Context>, private: &mut [u8]) -> NtResult<()> {
        self.kernel.escape(context.map(|context| context.kernel.as_ref()), private)
    }

    /// An escape with one of the driver's private structs.
    ///
    /// # Errors
    /// The driver's status.
    pub fn request<T: PrivateData>(&self, context: Option<&Context>, data: &mut T) -> NtResult<()> {
        self.escape(context, bytemuck::bytes_of_mut(data))
    }

    /// The escape `CONTEXT_STATE`.
    ///
    /// # Errors
    /// The driver's status.
    pub fn context_state(&self, context: &Context) -> NtResult<ContextState> {
        let header = PrivateHeader::new(kind::CONTEXT_STATE);
        let mut state = ContextState { header, ..bytemuck::Zeroable::zeroed() };
        self.request(Some(context), &mut state)?;
        Ok(state)
    }

    /// What the context submits from now on waits until the object has a value.
    ///
    /// # Errors
    /// The driver's status for what was submitted.
    pub fn wait_for(&self, context: &Context, object: &SyncObject, value: u64) -> NtResult<()> {
        self.kernel.wait_for(&context.kernel, &object.state, value)
    }

    /// The object gets a value when all that the context has submitted is done.
    ///
    /// # Errors
    /// The driver's status for what was submitted.
    pub fn signal(&self, context: &Context, object: &SyncObject, value: u64) -> NtResult<()> {
        self.kernel.signal(&context.kernel, &object.state, value)
    }

    /// Waits until all that the context has submitted is done; false when the time is over.
    pub fn wait_idle(&self, context: &Context, timeout: Duration) -> bool {
        let deadline = std::time::Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            let done = context
                .last_fence_id()
                .is_none_or(|fence_id| self.kernel.port().scheduler.wait_done(fence_id, left));
            if done && !context.is_blocked() {
                return true;
            }
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Destroys everything of the device and the device itself, as closing it does.
    pub fn destroy(&self) {
        self.kernel.destroy();
    }
}
