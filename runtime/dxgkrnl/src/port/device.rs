//! Devices, contexts and allocations as dxgkrnl keeps them: whose they are, what the driver calls them, what is in flight.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pvgpu_kmd_ddi::*;

use super::buffers::{BufferPool, DmaBuffer, ListEntry, Sizes};
use super::driver::{DriverHandle, NtResult};
use super::scheduler::{Completion, Then, Work};
use super::vidmm::Residency;
use super::{HandleData, Life, Port};
use crate::handles;
use crate::nt::process::Process;
use crate::verifier::Rule;

/// How long the end of a context waits for what it has in flight.
const DRAIN: Duration = Duration::from_secs(2);
/// The most buffers that one `Render` may fill.
const MAX_PASSES: u32 = 64;
/// The most bytes of a DMA buffer, its private data, and entries of a list, that a driver may ask for.
const MAX_BUFFER: u32 = 16 << 20;

/// User mode's memory with what is to be rendered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UserCommand {
    /// Where the command begins.
    pub(crate) command: usize,
    /// Its bytes.
    pub(crate) bytes: u32,
    /// The patch location list.
    pub(crate) patches: usize,
    /// Its entries.
    pub(crate) patch_count: u32,
}

/// A context.
pub(crate) struct KernelContext {
    handle: usize,
    h_context: DriverHandle,
    buffers: Arc<BufferPool>,
    completion: Arc<dyn Completion>,
    /// Held while the driver renders.
    queue: Mutex<ContextQueue>,
    /// Something waits in the queue; then nobody holds its lock for long.
    blocked: AtomicBool,
    gone: AtomicBool,
}

/// What a context has submitted, and what waits for a sync object first.
#[derive(Default)]
struct ContextQueue {
    /// The fence id of the last submission.
    last: Option<u32>,
    /// In order; nothing overtakes.
    waiting: VecDeque<Item>,
}

/// An element of a context's queue.
enum Item {
    /// A DMA buffer with its flags.
    Work(DmaBuffer, u32),
    /// Nothing goes on before the object has this value.
    Wait(Arc<SyncState>, u64),
    /// The object gets this value when all before is done.
    Signal(Arc<SyncState>, u64),
    /// Runs when all before is done.
    Then(Then),
}

/// A sync object: a fence whose value rises.
#[derive(Debug, Default)]
pub(crate) struct SyncState {
    value: AtomicU64,
}

impl SyncState {
    /// Its value.
    pub(crate) fn value(&self) -> u64 {
        self.value.load(Ordering::Acquire)
    }

    /// Raises it.
    pub(crate) fn signal(&self, value: u64) {
        self.value.fetch_max(value, Ordering::AcqRel);
    }
}

impl KernelContext {
    /// The number by which callers name it.
    pub(crate) fn handle(&self) -> usize {
        self.handle
    }

    /// How large its buffers are.
    pub(crate) fn sizes(&self) -> Sizes {
        self.buffers.sizes()
    }

    /// The fence id of the last submission.
    pub(crate) fn last_fence(&self) -> Option<u32> {
        self.queue().last
    }

    /// Whether something waits for a sync object.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Acquire)
    }

    fn queue(&self) -> MutexGuard<'_, ContextQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An allocation that the driver made; devices open it.
pub(crate) struct KernelAllocation {
    port: Arc<Port>,
    process: Arc<Process>,
    handle: D3DKMT_HANDLE,
    h_allocation: DriverHandle,
    private: Vec<u8>,
    info: AllocationInfo,
    /// Where it is in a segment; VidMM's.
    pub(super) residency: Mutex<Residency>,
}

/// What the driver said of an allocation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AllocationInfo {
    /// Bytes.
    pub(crate) size: u64,
    /// Bytes.
    pub(crate) alignment: u32,
    /// One bit for each segment that it may be in.
    pub(crate) read_segments: u32,
    /// One bit for each segment where it may be written.
    pub(crate) write_segments: u32,
    /// `DXGK_ALLOCATIONINFOFLAGS`.
    pub(crate) flags: u32,
}

impl KernelAllocation {
    /// dxgkrnl's handle.
    pub(crate) fn handle(&self) -> D3DKMT_HANDLE {
        self.handle
    }

    /// The private data that the driver has accepted.
    pub(crate) fn private(&self) -> &[u8] {
        &self.private
    }

    /// What the driver said of it.
    pub(crate) fn info(&self) -> AllocationInfo {
        self.info
    }

    /// The driver's handle.
    pub(crate) fn driver_handle(&self) -> DriverHandle {
        self.h_allocation
    }
}

impl Drop for KernelAllocation {
    fn drop(&mut self) {
        let driver = self.port.driver();
        // A handle that the driver gave and that is used once; it has no reason to refuse.
        let none = DriverHandle::default();
        self.port.forget_residency(self);
        let _ = driver.destroy_allocation(&self.process, none, false, &[self.h_allocation]);
        self.port.remove_allocation(self.handle);
    }
}

/// An allocation as a device has opened it.
#[derive(Clone)]
struct Opened {
    allocation: Arc<KernelAllocation>,
    opened: DriverHandle,
    /// The runtime's resource, 0 for none.
    resource: usize,
}

/// A device.
pub(crate) struct KernelDevice {
    port: Arc<Port>,
    process: Arc<Process>,
    h_device: DriverHandle,
    contexts: Mutex<BTreeMap<usize, Arc<KernelContext>>>,
    /// By dxgkrnl's handle and the runtime's: a shared resource may be opened several times.
    allocations: Mutex<BTreeMap<(D3DKMT_HANDLE, usize), Opened>>,
    destroyed: AtomicBool,
}

impl KernelDevice {
    /// `DxgkDdiCreateDevice` for a process.
    ///
    /// # Errors
    /// `STATUS_INVALID_DEVICE_STATE` when the adapter is not started, the driver's status.
    pub(crate) fn create(port: &Arc<Port>, process: &Arc<Process>) -> NtResult<Arc<Self>> {
        if port.life() != Life::Started {
            return Err(STATUS_INVALID_DEVICE_STATE);
        }
        let h_device = port.driver().create_device(process, handles::next())?;
        let device = Arc::new(Self {
            port: port.clone(),
            process: process.clone(),
            h_device,
            contexts: Mutex::default(),
            allocations: Mutex::default(),
            destroyed: AtomicBool::new(false),
        });
        port.add_device(&device);
        Ok(device)
    }

    /// The adapter.
    pub(crate) fn port(&self) -> &Arc<Port> {
        &self.port
    }

    /// Whose it is.
    pub(crate) fn process(&self) -> &Arc<Process> {
        &self.process
    }

    fn contexts(&self) -> MutexGuard<'_, BTreeMap<usize, Arc<KernelContext>>> {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn allocations(&self) -> MutexGuard<'_, BTreeMap<(D3DKMT_HANDLE, usize), Opened>> {
        self.allocations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `DxgkDdiCreateContext`.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn create_context(
        &self,
        node: u32,
        private: &mut [u8],
        completion: Arc<dyn Completion>,
    ) -> NtResult<Arc<KernelContext>> {
        let handle = handles::next();
        let driver = self.port.driver();
        let (h_context, info) =
            driver.create_context(&self.process, self.h_device, (handle, node), private)?;
        let sizes = Sizes {
            dma: info.DmaBufferSize,
            private: info.DmaBufferPrivateDataSize,
            allocations: info.AllocationListSize,
            patches: info.PatchLocationListSize,
        };
        let most = [sizes.dma, sizes.private, sizes.allocations, sizes.patches].into_iter().max();
        if most.is_none_or(|most| most > MAX_BUFFER) {
            let verifier = &self.port.system().verifier;
            verifier.report(Rule::Ddi, "DxgkDdiCreateContext", || {
                format!("{info:?} is more than any driver needs")
            });
            // The context was just made: the driver has no reason to refuse its end.
            let _ = driver.destroy_context(&self.process, h_context);
            return Err(STATUS_INVALID_PARAMETER);
        }
        let context = Arc::new(KernelContext {
            handle,
            h_context,
            buffers: BufferPool::new(sizes),
            completion,
            queue: Mutex::default(),
            blocked: AtomicBool::new(false),
            gone: AtomicBool::new(false),
        });
        self.contexts().insert(handle, context.clone());
        Ok(context)
    }

    /// All its contexts.
    pub(crate) fn all_contexts(&self) -> Vec<Arc<KernelContext>> {
        self.contexts().values().cloned().collect()
    }

    /// Waits for what the context has in flight, then `DxgkDdiDestroyContext`.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`, the driver's status.
    pub(crate) fn destroy_context(&self, handle: usize) -> NtResult<()> {
        let context = self.contexts().remove(&handle).ok_or(STATUS_INVALID_HANDLE)?;
        self.end_context(&context)
    }

    fn end_context(&self, context: &KernelContext) -> NtResult<()> {
        // Nothing renders after this.
        let mut queue = context.queue();
        context.gone.store(true, Ordering::Release);
        let waiting = std::mem::take(&mut queue.waiting);
        let last = queue.last;
        // The processor may need it to report what is in flight.
        drop(queue);
        context.blocked.store(false, Ordering::Release);
        if let Some(fence_id) = last {
            self.port.scheduler.wait_done(fence_id, DRAIN);
        }
        // What was never submitted is cancelled.
        for item in waiting {
            if let Item::Work(dma, _) = item {
                self.port.driver().cancel_command(&self.process, &dma.cancel_args(context.h_context));
            }
        }
        self.port.driver().destroy_context(&self.process, context.h_context)
    }

    /// `DxgkDdiCreateAllocation` and `DxgkDdiOpenAllocation` for one allocation of `resource`.
    ///
    /// # Errors
    /// The driver's status; then nothing is left of it.
    pub(crate) fn create_allocation(
        &self,
        resource: usize,
        private: &[u8],
    ) -> NtResult<Arc<KernelAllocation>> {
        let mut made = self.create_allocations(resource, &[private])?;
        made.pop().ok_or(STATUS_INVALID_PARAMETER)
    }

    /// The same for several at once: all or none.
    ///
    /// # Errors
    /// The driver's status; then nothing is left of them.
    pub(crate) fn create_allocations(
        &self,
        resource: usize,
        private: &[&[u8]],
    ) -> NtResult<Vec<Arc<KernelAllocation>>> {
        let mut data: Vec<Vec<u8>> = private.iter().map(|data| data.to_vec()).collect();
        let driver = self.port.driver();
        let mut lent: Vec<_> =
            data.iter_mut().map(|data| driver.lend("DxgkDdiCreateAllocation", data)).collect();
        let mut infos: Vec<DXGK_ALLOCATIONINFO> = lent
            .iter_mut()
            .map(|data| DXGK_ALLOCATIONINFO {
                pPrivateDriverData: data.pointer().cast(),
                PrivateDriverDataSize: data.size(),
                ..Default::default()
            })
            .collect();
        let none = DriverHandle::default();
        let flags = DXGK_CREATEALLOCATIONFLAGS::default();
        driver.create_allocation(&self.process, none, flags, (&[], &mut infos))?;
        drop(lent);
        let made: Vec<Arc<KernelAllocation>> = infos
            .iter()
            .zip(data)
            .map(|(info, private)| {
                let h_allocation = DriverHandle(info.hAllocation.expose_provenance());
                let data = HandleData { allocation: h_allocation, resource: 0 };
                Arc::new(KernelAllocation {
                    port: self.port.clone(),
                    process: self.process.clone(),
                    handle: self.port.insert_allocation(data),
                    h_allocation,
                    private,
                    info: AllocationInfo {
                        size: info.Size as u64,
                        alignment: info.Alignment,
                        read_segments: info.SupportedReadSegmentSet,
                        write_segments: info.SupportedWriteSegmentSet,
                        flags: info.Flags.Value,
                    },
                    residency: Mutex::default(),
                })
            })
            .collect();
        for (index, allocation) in made.iter().enumerate() {
            if let Err(status) = self.open(allocation, resource, true) {
                for opened in made.iter().take(index) {
                    // Just opened, so that the driver has no reason to refuse.
                    let _ = self.destroy_allocation(opened.handle);
                }
                return Err(status);
            }
        }
        Ok(made)
    }

    /// `DxgkDdiOpenAllocation`: the device may use an allocation, also another device's.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn open(
        &self,
        allocation: &Arc<KernelAllocation>,
        resource: usize,
        creating: bool,
    ) -> NtResult<()> {
        if !Arc::ptr_eq(&self.port, &allocation.port) {
            return Err(STATUS_INVALID_HANDLE);
        }
        let mut private = allocation.private.clone();
        let driver = self.port.driver();
        let mut private = driver.lend("DxgkDdiOpenAllocation", &mut private);
        let mut info = [DXGK_OPENALLOCATIONINFO {
            hAllocation: allocation.handle,
            pPrivateDriverData: private.pointer().cast(),
            PrivateDriverDataSize: private.size(),
            ..Default::default()
        }];
        driver.open_allocation(&self.process, self.h_device, creating, &mut info)?;
        let [info] = info;
        let opened = DriverHandle(info.hDeviceSpecificAllocation.expose_provenance());
        let entry = Opened { allocation: allocation.clone(), opened, resource };
        self.allocations().insert((allocation.handle, resource), entry);
        Ok(())
    }

    /// What this device has opened for a resource of the runtime.
    pub(crate) fn allocations_of(&self, resource: usize) -> Vec<Arc<KernelAllocation>> {
        let allocations = self.allocations();
        let of = allocations.values().filter(|opened| opened.resource == resource);
        of.map(|opened| opened.allocation.clone()).collect()
    }

    /// The allocation behind a handle that this device has opened.
    pub(crate) fn allocation(&self, handle: D3DKMT_HANDLE) -> NtResult<Arc<KernelAllocation>> {
        self.opened(handle).map(|opened| opened.allocation)
    }

    /// Closes an allocation; the last device to do so destroys it.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`, the driver's status.
    pub(crate) fn destroy_allocation(&self, handle: D3DKMT_HANDLE) -> NtResult<()> {
        let resource = self.opened(handle)?.resource;
        self.close(handle, resource)
    }

    /// The first that the device has opened of an allocation.
    fn opened(&self, handle: D3DKMT_HANDLE) -> NtResult<Opened> {
        let allocations = self.allocations();
        let first = allocations.range((handle, 0)..=(handle, usize::MAX)).next();
        first.map(|(_, opened)| opened.clone()).ok_or(STATUS_INVALID_HANDLE)
    }

    fn close(&self, handle: D3DKMT_HANDLE, resource: usize) -> NtResult<()> {
        let opened = self.allocations().remove(&(handle, resource)).ok_or(STATUS_INVALID_HANDLE)?;
        self.port.driver().close_allocation(&self.process, self.h_device, &[opened.opened])
    }

    /// The same for all allocations of a resource.
    ///
    /// # Errors
    /// The driver's status for the first that it refused.
    pub(crate) fn destroy_resource(&self, resource: usize) -> NtResult<()> {
        let handles: Vec<D3DKMT_HANDLE> =
            self.allocations().keys().filter(|key| key.1 == resource).map(|key| key.0).collect();
        handles.into_iter().try_for_each(|handle| self.close(handle, resource))
    }

    fn list_entry(&self, handle: D3DKMT_HANDLE, write: bool) -> NtResult<ListEntry> {
        let opened = self.opened(handle)?;
        let (segment, address) = self.port.make_resident(&opened.allocation)?;
        Ok(ListEntry { opened: opened.opened, write, segment, address })
    }

    /// `DxgkDdiRender`, and the submission of what it made.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` for an allocation that the device has not opened, the driver's status.
    pub(crate) fn render(
        &self,
        context: &KernelContext,
        user: UserCommand,
        allocations: &[(D3DKMT_HANDLE, bool)],
    ) -> NtResult<()> {
        const ENTRY: &str = "DxgkDdiRender";
        let list = allocations
            .iter()
            .map(|(handle, write)| self.list_entry(*handle, *write))
            .collect::<NtResult<Vec<_>>>()?;
        let verifier = &self.port.system().verifier;
        let mut queue = context.queue();
        if context.gone.load(Ordering::Acquire) {
            return Err(STATUS_INVALID_HANDLE);
        }
        let mut multipass = 0;
        for _ in 0..MAX_PASSES {
            let mut dma = context.buffers.take();
            if !dma.set_allocations(list.iter().copied()) {
                return Err(STATUS_INVALID_PARAMETER);
            }
            let mut args = DXGKARG_RENDER {
                pCommand: std::ptr::with_exposed_provenance(user.command),
                CommandLength: user.bytes,
                pPatchLocationListIn: std::ptr::with_exposed_provenance_mut(user.patches),
                PatchLocationListInSize: user.patch_count,
                MultipassOffset: multipass,
                ..dma.render_args()
            };
            let rendered = self.port.driver().render(&self.process, context.h_context, &mut args);
            let more = match rendered {
                Ok(()) => false,
                Err(STATUS_GRAPHICS_INSUFFICIENT_DMA_BUFFER) if args.MultipassOffset != multipass => true,
                Err(status) => return Err(status),
            };
            let pointers = (args.pDmaBuffer, args.pDmaBufferPrivateData, args.pPatchLocationListOut);
            if !dma.advanced(verifier, ENTRY, pointers) {
                return Err(STATUS_INVALID_PARAMETER);
            }
            multipass = args.MultipassOffset;
            self.enqueue(context, &mut queue, Item::Work(dma, 0))?;
            if !more {
                return Ok(());
            }
        }
        verifier.report(Rule::Ddi, ENTRY, || format!("it wants more than {MAX_PASSES} DMA buffers"));
        Err(STATUS_INVALID_PARAMETER)
    }

    fn submit(&self, context: &KernelContext, dma: DmaBuffer, flags: u32) -> NtResult<u32> {
        let work = Work {
            process: self.process.clone(),
            context: context.h_context,
            dma,
            flags,
            completion: context.completion.clone(),
        };
        self.port.scheduler.submit(self.port.driver(), work)
    }

    /// Does an item now, when nothing of the context waits; else it waits behind.
    fn enqueue(&self, context: &KernelContext, queue: &mut ContextQueue, item: Item) -> NtResult<()> {
        if queue.waiting.is_empty() {
            match self.act(context, queue, item)? {
                None => return Ok(()),
                Some(item) => queue.waiting.push_back(item),
            }
        } else {
            queue.waiting.push_back(item);
        }
        context.blocked.store(true, Ordering::Release);
        // The object may have been signalled since.
        self.port.note_signal();
        Ok(())
    }

    /// Does an item, or gives it back when it has to wait.
    fn act(&self, context: &KernelContext, queue: &mut ContextQueue, item: Item) -> NtResult<Option<Item>> {
        match item {
            Item::Work(dma, flags) => queue.last = Some(self.submit(context, dma, flags)?),
            Item::Wait(object, value) if object.value() < value => {
                return Ok(Some(Item::Wait(object, value)));
            }
            Item::Wait(..) => {}
            Item::Signal(object, value) => {
                let port = Arc::downgrade(&self.port);
                self.run_when_done(
                    queue,
                    Box::new(move || {
                        object.signal(value);
                        if let Some(port) = port.upgrade() {
                            port.note_signal();
                        }
                    }),
                );
            }
            Item::Then(then) => self.run_when_done(queue, then),
        }
        Ok(None)
    }

    fn run_when_done(&self, queue: &ContextQueue, then: Then) {
        match queue.last {
            Some(fence_id) => self.port.scheduler.when_done(fence_id, then),
            None => then(),
        }
    }

    /// A sync object was signalled: goes on with what waited for it. `PASSIVE_LEVEL`.
    pub(crate) fn go_on(&self) {
        for context in self.all_contexts().into_iter().filter(|context| context.is_blocked()) {
            let mut queue = context.queue();
            while let Some(item) = queue.waiting.pop_front() {
                match self.act(&context, &mut queue, item) {
                    Ok(None) => {}
                    Ok(Some(item)) => {
                        queue.waiting.push_front(item);
                        break;
                    }
                    Err(status) => context.completion.faulted(status),
                }
            }
            context.blocked.store(!queue.waiting.is_empty(), Ordering::Release);
        }
    }

    /// What the context submits from now on waits until the object has a value.
    ///
    /// # Errors
    /// The driver's status for what was submitted.
    pub(crate) fn wait_for(
        &self,
        context: &KernelContext,
        object: &Arc<SyncState>,
        value: u64,
    ) -> NtResult<()> {
        self.enqueue(context, &mut context.queue(), Item::Wait(object.clone(), value))
    }

    /// The object gets a value when all that the context has submitted is done.
    ///
    /// # Errors
    /// The driver's status for what was submitted.
    pub(crate) fn signal(
        &self,
        context: &KernelContext,
        object: &Arc<SyncState>,
        value: u64,
    ) -> NtResult<()> {
        self.enqueue(context, &mut context.queue(), Item::Signal(object.clone(), value))
    }

    /// Runs `then` when all that the context has submitted is done.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` when it has submitted nothing yet.
    pub(crate) fn when_done(&self, context: &KernelContext, then: Then) -> NtResult<()> {
        let mut queue = context.queue();
        if queue.last.is_none() && queue.waiting.is_empty() {
            return Err(STATUS_INVALID_PARAMETER);
        }
        self.enqueue(context, &mut queue, Item::Then(then))
    }

    /// `DxgkDdiPresent` of `args` (flags, rectangles, colour; the buffers are this function's), and the submission of what it
    /// made. `source` and `destination` are allocations that the device has opened, or none.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` for an allocation that the device has not opened, the driver's status.
    pub(crate) fn present(
        &self,
        context: &KernelContext,
        args: &DXGKARG_PRESENT,
        source: Option<D3DKMT_HANDLE>,
        destination: Option<D3DKMT_HANDLE>,
    ) -> NtResult<()> {
        const ENTRY: &str = "DxgkDdiPresent";
        let entry = |handle: Option<D3DKMT_HANDLE>, write| {
            handle.map_or_else(|| Ok(ListEntry::default()), |handle| self.list_entry(handle, write))
        };
        // Index 0 is not used; see DXGK_PRESENT_SOURCE_INDEX.
        let list = [ListEntry::default(), entry(source, false)?, entry(destination, true)?];
        let flip = args.Flags.has(DXGK_PRESENTFLAGS::Flip);
        let flags = DXGK_SUBMITCOMMANDFLAGS::Present | if flip { DXGK_SUBMITCOMMANDFLAGS::Flip } else { 0 };
        let verifier = &self.port.system().verifier;
        let mut queue = context.queue();
        if context.gone.load(Ordering::Acquire) {
            return Err(STATUS_INVALID_HANDLE);
        }
        let mut multipass = 0;
        for _ in 0..MAX_PASSES {
            let mut dma = context.buffers.take();
            if !dma.set_allocations(list) {
                return Err(STATUS_INVALID_PARAMETER);
            }
            let mut this = DXGKARG_PRESENT {
                MultipassOffset: multipass,
                Color: args.Color,
                DstRect: args.DstRect,
                SrcRect: args.SrcRect,
                SubRectCnt: args.SubRectCnt,
                pDstSubRects: args.pDstSubRects,
                FlipInterval: args.FlipInterval,
                Flags: args.Flags,
                ..dma.present_args()
            };
            let presented = self.port.driver().present(&self.process, context.h_context, &mut this);
            let more = match presented {
                Ok(()) => false,
                Err(STATUS_GRAPHICS_INSUFFICIENT_DMA_BUFFER) if this.MultipassOffset != multipass => true,
                Err(status) => return Err(status),
            };
            let pointers = (this.pDmaBuffer, this.pDmaBufferPrivateData, this.pPatchLocationListOut);
            if !dma.advanced(verifier, ENTRY, pointers) {
                return Err(STATUS_INVALID_PARAMETER);
            }
            multipass = this.MultipassOffset;
            self.enqueue(context, &mut queue, Item::Work(dma, flags))?;
            if !more {
                return Ok(());
            }
        }
        verifier.report(Rule::Ddi, ENTRY, || format!("it wants more than {MAX_PASSES} DMA buffers"));
        Err(STATUS_INVALID_PARAMETER)
    }

    /// `DxgkDdiEscape`, for the device and perhaps one of its contexts.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn escape(&self, context: Option<&KernelContext>, private: &mut [u8]) -> NtResult<()> {
        let h_context = context.map_or_else(DriverHandle::default, |context| context.h_context);
        self.port.driver().escape(&self.process, (self.h_device, h_context), private)
    }

    /// Whether the device has opened all of these allocations.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`.
    pub(crate) fn check_allocations(&self, handles: &[D3DKMT_HANDLE]) -> NtResult<()> {
        handles.iter().try_for_each(|handle| self.opened(*handle).map(drop))
    }
}

impl KernelDevice {
    /// Destroys everything of the device, contexts first, and the device itself; the second time nothing happens.
    pub(crate) fn destroy(&self) {
        if self.destroyed.swap(true, Ordering::AcqRel) {
            return;
        }
        let contexts = std::mem::take(&mut *self.contexts());
        // Handles that the driver gave and that are used once: it has no reason to refuse them.
        for context in contexts.values() {
            let _ = self.end_context(context);
        }
        let allocations = std::mem::take(&mut *self.allocations());
        let driver = self.port.driver();
        for opened in allocations.into_values() {
            let _ = driver.close_allocation(&self.process, self.h_device, &[opened.opened]);
        }
        let _ = driver.destroy_device(&self.process, self.h_device);
    }
}

impl Drop for KernelDevice {
    fn drop(&mut self) {
        self.destroy();
    }
}

impl fmt::Debug for KernelDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KernelDevice").field("process", &self.process.id()).finish_non_exhaustive()
    }
}
