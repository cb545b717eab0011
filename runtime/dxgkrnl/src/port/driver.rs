//! Calls of the driver's entry points: each at the IRQL that its page states, in the name of the right process.
//!
//! This is the only file that calls through `DRIVER_INITIALIZATION_DATA`. Handles of the driver are numbers here
//! ([`DriverHandle`]); arrays are slices that live through the call.
#![expect(unsafe_code, reason = "the driver's entry points are C functions that take pointers")]

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pvgpu_kmd_ddi::*;

use super::start::SegmentFacts;
use crate::irql::Irql;
use crate::nt::Pageable;
use crate::nt::process::Process;
use crate::system::{self, System};
use crate::verifier::Rule;

/// A handle that the driver gave; 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DriverHandle(pub(crate) usize);

impl DriverHandle {
    /// As C has it.
    pub(crate) fn pointer(self) -> *mut c_void {
        ptr::with_exposed_provenance_mut(self.0)
    }

    fn of(pointer: *mut c_void) -> Self {
        Self(pointer.expose_provenance())
    }
}

/// What an entry that can fail gives.
pub(crate) type NtResult<T> = Result<T, NTSTATUS>;

/// What a driver registers with `DxgkInitialize`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table(pub(crate) DRIVER_INITIALIZATION_DATA);

// SAFETY: functions, which any thread may call; nothing in it is followed as data.
unsafe impl Send for Table {}
// SAFETY: as for `Send`.
unsafe impl Sync for Table {}

/// The table that the driver registered, and the context that its `AddDevice` gave.
pub(crate) struct Driver {
    system: Arc<System>,
    table: Table,
    /// `MiniportDeviceContext`.
    context: AtomicUsize,
}

/// Calls an entry at a level: `Err(STATUS_NOT_IMPLEMENTED)` when it is null, else its result.
macro_rules! call {
    ($driver:expr, $process:expr, $level:ident, $entry:ident($($argument:expr),* $(,)?)) => {
        match $driver.table.0.$entry {
            None => Err(STATUS_NOT_IMPLEMENTED),
            Some(entry) => {
                let _inside = system::enter(&$driver.system, $process);
                Ok($driver.system.call_driver(stringify!($entry), Irql::$level, || {
                    // SAFETY: the driver registered this function for these arguments; what they point to is alive and
                    // of the entry's types until it returns.
                    unsafe { entry($($argument),*) }
                }))
            }
        }
    };
}

/// The same for entries that return an NTSTATUS: failures become errors, and a status that is no success is one.
macro_rules! nt {
    ($driver:expr, $process:expr, $level:ident, $entry:ident($($argument:expr),* $(,)?)) => {
        call!($driver, $process, $level, $entry($($argument),*)).and_then(|status| {
            if NT_SUCCESS(status) { Ok(status) } else { Err(status) }
        })
    };
}

mod display;

impl Driver {
    /// A driver that has registered itself.
    pub(crate) fn new(system: &Arc<System>, table: Table) -> Self {
        Self { system: system.clone(), table, context: AtomicUsize::new(0) }
    }

    /// The system that it runs in.
    pub(crate) fn system(&self) -> &Arc<System> {
        &self.system
    }

    fn context(&self) -> *mut c_void {
        ptr::with_exposed_provenance_mut(self.context.load(Ordering::Acquire))
    }

    /// Lends memory that is pageable on Windows to an entry, for one call.
    pub(crate) fn lend<'a, T: Copy>(&'a self, entry: &'static str, memory: &'a mut [T]) -> Pageable<'a, T> {
        Pageable::new(&self.system.verifier, entry, memory)
    }

    fn kernel(&self) -> &Arc<Process> {
        self.system.system_process()
    }

    /// `DxgkDdiAddDevice`.
    pub(crate) fn add_device(&self) -> NtResult<()> {
        let mut context = ptr::null_mut();
        // The physical device object is only a name for the device; nothing may look inside.
        let object = (&raw const self.context).cast_mut().cast();
        nt!(self, self.kernel(), Passive, DxgkDdiAddDevice(object, &raw mut context))?;
        if context.is_null() {
            self.system.verifier.report(Rule::Ddi, "DxgkDdiAddDevice", || "it gave no context".to_owned());
            return Err(STATUS_UNSUCCESSFUL);
        }
        self.context.store(context.expose_provenance(), Ordering::Release);
        Ok(())
    }

    /// `DxgkDdiStartDevice`: gives the numbers of video present sources and of children.
    pub(crate) fn start_device(
        &self,
        start: &mut DXGK_START_INFO,
        interface: &mut DXGKRNL_INTERFACE,
    ) -> NtResult<(u32, u32)> {
        let (mut sources, mut children) = (u32::MAX, u32::MAX);
        nt!(
            self,
            self.kernel(),
            Passive,
            DxgkDdiStartDevice(
                self.context(),
                &raw mut *start,
                &raw mut *interface,
                &raw mut sources,
                &raw mut children,
            )
        )?;
        if sources == u32::MAX || children == u32::MAX {
            let detail = || "it left the numbers of sources and children undefined".to_owned();
            self.system.verifier.report(Rule::Ddi, "DxgkDdiStartDevice", detail);
        }
        Ok((sources, children))
    }

    /// `DxgkDdiStopDevice`.
    pub(crate) fn stop_device(&self) -> NtResult<()> {
        nt!(self, self.kernel(), Passive, DxgkDdiStopDevice(self.context())).map(drop)
    }

    /// `DxgkDdiRemoveDevice`.
    pub(crate) fn remove_device(&self) -> NtResult<()> {
        let removed = nt!(self, self.kernel(), Passive, DxgkDdiRemoveDevice(self.context()));
        self.context.store(0, Ordering::Release);
        removed.map(drop)
    }

    /// `DxgkDdiUnload`.
    pub(crate) fn unload(&self) -> NtResult<()> {
        call!(self, self.kernel(), Passive, DxgkDdiUnload())
    }

    /// `DxgkDdiInterruptRoutine`, with the interrupt lock held: whether the interrupt was the device's.
    pub(crate) fn interrupt_routine(&self, message: u32) -> bool {
        let ours = call!(self, self.kernel(), Device, DxgkDdiInterruptRoutine(self.context(), message));
        ours.is_ok_and(|ours| ours != 0)
    }

    /// `DxgkDdiDpcRoutine`.
    pub(crate) fn dpc_routine(&self) {
        // Without the entry there is nothing to do at a DPC.
        let _ = call!(self, self.kernel(), Dispatch, DxgkDdiDpcRoutine(self.context()));
    }

    /// `DxgkDdiQueryAdapterInfo`.
    pub(crate) fn query_adapter_info(
        &self,
        process: &Arc<Process>,
        kind: DXGK_QUERYADAPTERINFOTYPE,
        input: &mut [u8],
        output: &mut [u8],
    ) -> NtResult<()> {
        let (input_bytes, output_bytes) = (input.len(), output.len());
        let mut input = self.lend("DxgkDdiQueryAdapterInfo", input);
        let mut output = self.lend("DxgkDdiQueryAdapterInfo", output);
        // CAST: buffers are far below 4 GiB.
        let query = DXGKARG_QUERYADAPTERINFO {
            Type: kind,
            pInputData: input.pointer().cast(),
            InputDataSize: input_bytes as u32,
            pOutputData: output.pointer().cast(),
            OutputDataSize: output_bytes as u32,
        };
        nt!(self, process, Passive, DxgkDdiQueryAdapterInfo(self.context(), &raw const query)).map(drop)
    }

    /// `DxgkDdiCreateDevice`.
    pub(crate) fn create_device(
        &self,
        process: &Arc<Process>,
        runtime_handle: usize,
    ) -> NtResult<DriverHandle> {
        let mut args = DXGKARG_CREATEDEVICE {
            hDevice: ptr::with_exposed_provenance_mut(runtime_handle),
            ..Default::default()
        };
        nt!(self, process, Passive, DxgkDdiCreateDevice(self.context(), &raw mut args))?;
        Ok(DriverHandle::of(args.hDevice))
    }

    /// `DxgkDdiCreateDevice` for the system's own device.
    pub(crate) fn create_system_device(&self, runtime_handle: usize) -> NtResult<DriverHandle> {
        let flags = DXGK_CREATEDEVICEFLAGS::new(DXGK_CREATEDEVICEFLAGS::SystemDevice);
        let mut args = DXGKARG_CREATEDEVICE {
            hDevice: ptr::with_exposed_provenance_mut(runtime_handle),
            u: DXGKARG_CREATEDEVICE_u::from_flags(flags),
        };
        nt!(self, self.kernel(), Passive, DxgkDdiCreateDevice(self.context(), &raw mut args))?;
        Ok(DriverHandle::of(args.hDevice))
    }

    /// `DxgkDdiCreateContext` for the system's own context, which pages.
    pub(crate) fn create_system_context(
        &self,
        device: DriverHandle,
        runtime_handle: usize,
    ) -> NtResult<(DriverHandle, DXGK_CONTEXTINFO)> {
        let mut args = DXGKARG_CREATECONTEXT {
            hContext: ptr::with_exposed_provenance_mut(runtime_handle),
            Flags: DXGK_CREATECONTEXTFLAGS::new(DXGK_CREATECONTEXTFLAGS::SystemContext),
            ..Default::default()
        };
        nt!(self, self.kernel(), Passive, DxgkDdiCreateContext(device.pointer(), &raw mut args))?;
        Ok((DriverHandle::of(args.hContext), args.ContextInfo))
    }

    /// `DxgkDdiBuildPagingBuffer`.
    pub(crate) fn build_paging_buffer(&self, args: &mut DXGKARG_BUILDPAGINGBUFFER) -> NtResult<()> {
        nt!(self, self.kernel(), Passive, DxgkDdiBuildPagingBuffer(self.context(), &raw mut *args)).map(drop)
    }

    /// `DXGKQAITYPE_DRIVERCAPS`.
    pub(crate) fn query_caps(&self) -> NtResult<DXGK_DRIVERCAPS> {
        let mut caps = DXGK_DRIVERCAPS::default();
        let mut lent = self.lend("DxgkDdiQueryAdapterInfo", std::slice::from_mut(&mut caps));
        let query = DXGKARG_QUERYADAPTERINFO {
            Type: DXGKQAITYPE_DRIVERCAPS,
            pOutputData: lent.pointer().cast(),
            OutputDataSize: size_of::<DXGK_DRIVERCAPS>() as u32,
            ..Default::default()
        };
        nt!(self, self.kernel(), Passive, DxgkDdiQueryAdapterInfo(self.context(), &raw const query))?;
        lent.take_back();
        Ok(caps)
    }

    /// `DXGKQAITYPE_QUERYSEGMENT3`, first for the number and then for the descriptors; and the sizes of a paging buffer and
    /// of its private data.
    pub(crate) fn query_segments(&self) -> NtResult<(Vec<SegmentFacts>, (u32, u32))> {
        const MOST: usize = 32;
        let mut input = DXGK_QUERYSEGMENTIN::default();
        let mut descriptors = [DXGK_SEGMENTDESCRIPTOR3::default(); MOST];
        let mut output = DXGK_QUERYSEGMENTOUT3::default();
        for fill in [false, true] {
            output.pSegmentDescriptor = if fill { descriptors.as_mut_ptr() } else { ptr::null_mut() };
            let query = DXGKARG_QUERYADAPTERINFO {
                Type: DXGKQAITYPE_QUERYSEGMENT3,
                pInputData: (&raw mut input).cast(),
                InputDataSize: size_of::<DXGK_QUERYSEGMENTIN>() as u32,
                pOutputData: (&raw mut output).cast(),
                OutputDataSize: size_of::<DXGK_QUERYSEGMENTOUT3>() as u32,
            };
            nt!(self, self.kernel(), Passive, DxgkDdiQueryAdapterInfo(self.context(), &raw const query))?;
            if output.NbSegment as usize > MOST {
                let detail = || format!("{} segments", output.NbSegment);
                self.system.verifier.report(Rule::Ddi, "DxgkDdiQueryAdapterInfo", detail);
                return Err(STATUS_UNSUCCESSFUL);
            }
        }
        let segments = descriptors.iter().take(output.NbSegment as usize);
        let segments = segments.map(|descriptor| SegmentFacts {
            flags: descriptor.Flags.Value,
            // CAST: addresses have 64 bits without a sign.
            base: descriptor.BaseAddress as u64,
            bytes: descriptor.Size as u64,
        });
        Ok((segments.collect(), (output.PagingBufferSize, output.PagingBufferPrivateDataSize)))
    }

    /// `DxgkDdiGetNodeMetadata`.
    pub(crate) fn get_node_metadata(&self, node: u32) -> NtResult<DXGK_NODEMETADATA> {
        let mut data = DXGK_NODEMETADATA::default();
        nt!(self, self.kernel(), Passive, DxgkDdiGetNodeMetadata(self.context(), node, &raw mut data))?;
        Ok(data)
    }

    /// `DxgkDdiQueryChildRelations`: the children's numbers.
    pub(crate) fn query_child_relations(&self, children: u32) -> NtResult<Vec<u32>> {
        // One more, which stays zero, ends the list.
        let count = children as usize + 1;
        let mut relations = vec![DXGK_CHILD_DESCRIPTOR::default(); count];
        let bytes = (count * size_of::<DXGK_CHILD_DESCRIPTOR>()) as u32;
        let first = relations.as_mut_ptr();
        nt!(self, self.kernel(), Passive, DxgkDdiQueryChildRelations(self.context(), first, bytes))?;
        if relations.last().is_some_and(|last| last.ChildDeviceType != TypeUninitialized) {
            let detail = || "the element that ends the list was written".to_owned();
            self.system.verifier.report(Rule::Ddi, "DxgkDdiQueryChildRelations", detail);
        }
        relations.pop();
        Ok(relations.iter().map(|child| child.ChildUid).collect())
    }

    /// `DxgkDdiQueryChildStatus`: whether a child is connected.
    pub(crate) fn query_child_status(&self, child: u32) -> NtResult<bool> {
        let mut status = DXGK_CHILD_STATUS { Type: StatusConnection, ChildUid: child, ..Default::default() };
        nt!(self, self.kernel(), Passive, DxgkDdiQueryChildStatus(self.context(), &raw mut status, 1))?;
        Ok(status.Connected != 0)
    }

    /// `DxgkDdiQueryDeviceDescriptor`: a child's EDID, block by block.
    pub(crate) fn query_device_descriptor(&self, child: u32) -> NtResult<Vec<u8>> {
        const BLOCK: usize = 128;
        let mut edid = Vec::new();
        let mut blocks = 1;
        while edid.len() < blocks * BLOCK {
            let mut block = [0u8; BLOCK];
            let mut lent = self.lend("DxgkDdiQueryDeviceDescriptor", &mut block);
            let mut descriptor = DXGK_DEVICE_DESCRIPTOR {
                DescriptorOffset: edid.len() as u32,
                DescriptorLength: BLOCK as u32,
                DescriptorBuffer: lent.pointer().cast(),
            };
            let (context, descriptor) = (self.context(), &raw mut descriptor);
            nt!(self, self.kernel(), Passive, DxgkDdiQueryDeviceDescriptor(context, child, descriptor))?;
            lent.take_back();
            if edid.is_empty() {
                blocks += usize::from(block[BLOCK - 2]);
            }
            edid.extend_from_slice(&block);
        }
        Ok(edid)
    }

    /// `DxgkDdiDestroyDevice`.
    pub(crate) fn destroy_device(&self, process: &Arc<Process>, device: DriverHandle) -> NtResult<()> {
        nt!(self, process, Passive, DxgkDdiDestroyDevice(device.pointer())).map(drop)
    }

    /// `DxgkDdiCreateContext`.
    pub(crate) fn create_context(
        &self,
        process: &Arc<Process>,
        device: DriverHandle,
        (runtime_handle, node): (usize, u32),
        private: &mut [u8],
    ) -> NtResult<(DriverHandle, DXGK_CONTEXTINFO)> {
        let bytes = private.len() as u32;
        let mut private = self.lend("DxgkDdiCreateContext", private);
        let mut args = DXGKARG_CREATECONTEXT {
            hContext: ptr::with_exposed_provenance_mut(runtime_handle),
            NodeOrdinal: node,
            EngineAffinity: 0,
            pPrivateDriverData: private.pointer().cast(),
            PrivateDriverDataSize: bytes,
            ..Default::default()
        };
        nt!(self, process, Passive, DxgkDdiCreateContext(device.pointer(), &raw mut args))?;
        Ok((DriverHandle::of(args.hContext), args.ContextInfo))
    }

    /// `DxgkDdiDestroyContext`.
    pub(crate) fn destroy_context(&self, process: &Arc<Process>, context: DriverHandle) -> NtResult<()> {
        nt!(self, process, Passive, DxgkDdiDestroyContext(context.pointer())).map(drop)
    }

    /// `DxgkDdiCreateAllocation`: fills the entries' descriptions in.
    pub(crate) fn create_allocation(
        &self,
        process: &Arc<Process>,
        resource: DriverHandle,
        flags: DXGK_CREATEALLOCATIONFLAGS,
        (private, infos): (&[u8], &mut [DXGK_ALLOCATIONINFO]),
    ) -> NtResult<DriverHandle> {
        let count = infos.len() as u32;
        let mut infos = self.lend("DxgkDdiCreateAllocation", infos);
        let mut args = DXGKARG_CREATEALLOCATION {
            pPrivateDriverData: private.as_ptr().cast(),
            PrivateDriverDataSize: private.len() as u32,
            NumAllocations: count,
            pAllocationInfo: infos.pointer(),
            hResource: resource.pointer(),
            Flags: flags,
        };
        nt!(self, process, Passive, DxgkDdiCreateAllocation(self.context(), &raw mut args))?;
        Ok(DriverHandle::of(args.hResource))
    }

    /// `DxgkDdiDestroyAllocation`.
    pub(crate) fn destroy_allocation(
        &self,
        process: &Arc<Process>,
        resource: DriverHandle,
        destroy_resource: bool,
        allocations: &[DriverHandle],
    ) -> NtResult<()> {
        let list: Vec<HANDLE> = allocations.iter().map(|handle| handle.pointer()).collect();
        let args = DXGKARG_DESTROYALLOCATION {
            NumAllocations: list.len() as u32,
            pAllocationList: list.as_ptr(),
            hResource: resource.pointer(),
            Flags: DXGK_DESTROYALLOCATIONFLAGS {
                Value: if destroy_resource { DXGK_DESTROYALLOCATIONFLAGS::DestroyResource } else { 0 },
            },
        };
        nt!(self, process, Passive, DxgkDdiDestroyAllocation(self.context(), &raw const args)).map(drop)
    }

    /// `DxgkDdiOpenAllocation`: fills the entries' `hDeviceSpecificAllocation` in.
    pub(crate) fn open_allocation(
        &self,
        process: &Arc<Process>,
        device: DriverHandle,
        creating: bool,
        infos: &mut [DXGK_OPENALLOCATIONINFO],
    ) -> NtResult<()> {
        let count = infos.len() as u32;
        let mut infos = self.lend("DxgkDdiOpenAllocation", infos);
        let args = DXGKARG_OPENALLOCATION {
            NumAllocations: count,
            pOpenAllocation: infos.pointer(),
            Flags: DXGK_OPENALLOCATIONFLAGS {
                Value: if creating { DXGK_OPENALLOCATIONFLAGS::Create } else { 0 },
            },
            ..Default::default()
        };
        nt!(self, process, Passive, DxgkDdiOpenAllocation(device.pointer(), &raw const args)).map(drop)
    }

    /// `DxgkDdiCloseAllocation`.
    pub(crate) fn close_allocation(
        &self,
        process: &Arc<Process>,
        device: DriverHandle,
        opened: &[DriverHandle],
    ) -> NtResult<()> {
        let list: Vec<HANDLE> = opened.iter().map(|handle| handle.pointer()).collect();
        let args =
            DXGKARG_CLOSEALLOCATION { NumAllocations: list.len() as u32, pOpenHandleList: list.as_ptr() };
        nt!(self, process, Passive, DxgkDdiCloseAllocation(device.pointer(), &raw const args)).map(drop)
    }

    /// `DxgkDdiDescribeAllocation`.
    pub(crate) fn describe_allocation(
        &self,
        process: &Arc<Process>,
        allocation: DriverHandle,
    ) -> NtResult<DXGKARG_DESCRIBEALLOCATION> {
        let mut args = DXGKARG_DESCRIBEALLOCATION { hAllocation: allocation.pointer(), ..Default::default() };
        nt!(self, process, Passive, DxgkDdiDescribeAllocation(self.context(), &raw mut args))?;
        Ok(args)
    }

    /// `DxgkDdiRender`.
    pub(crate) fn render(
        &self,
        process: &Arc<Process>,
        context: DriverHandle,
        args: &mut DXGKARG_RENDER,
    ) -> NtResult<()> {
        nt!(self, process, Passive, DxgkDdiRender(context.pointer(), &raw mut *args)).map(drop)
    }

    /// `DxgkDdiPresent`.
    pub(crate) fn present(
        &self,
        process: &Arc<Process>,
        context: DriverHandle,
        args: &mut DXGKARG_PRESENT,
    ) -> NtResult<()> {
        let rects = args.pDstSubRects;
        let mut copy = Vec::new();
        if self.system.verifier.is_strict() && !rects.is_null() {
            // SAFETY: `KernelDevice::present`'s caller passes so many rectangles, which live through the call.
            copy.extend_from_slice(unsafe { std::slice::from_raw_parts(rects, args.SubRectCnt as usize) });
        }
        let mut lent = self.lend("DxgkDdiPresent", &mut copy);
        if !lent.pointer().is_null() {
            args.pDstSubRects = lent.pointer();
        }
        let result = nt!(self, process, Passive, DxgkDdiPresent(context.pointer(), &raw mut *args));
        args.pDstSubRects = rects;
        result.map(drop)
    }

    /// `DxgkDdiPatch`.
    pub(crate) fn patch(&self, process: &Arc<Process>, args: &DXGKARG_PATCH) -> NtResult<()> {
        nt!(self, process, Passive, DxgkDdiPatch(self.context(), &raw const *args)).map(drop)
    }

    /// `DxgkDdiSubmitCommand`.
    pub(crate) fn submit_command(
        &self,
        process: &Arc<Process>,
        args: &DXGKARG_SUBMITCOMMAND,
    ) -> NtResult<()> {
        nt!(self, process, Dispatch, DxgkDdiSubmitCommand(self.context(), &raw const *args)).map(drop)
    }

    /// `DxgkDdiPreemptCommand`.
    pub(crate) fn preempt_command(&self, fence_id: u32) -> NtResult<()> {
        let args = DXGKARG_PREEMPTCOMMAND { PreemptionFenceId: fence_id, ..Default::default() };
        nt!(self, self.kernel(), Dispatch, DxgkDdiPreemptCommand(self.context(), &raw const args)).map(drop)
    }

    /// `DxgkDdiCancelCommand`: a DMA buffer is never submitted. It may not fail.
    pub(crate) fn cancel_command(&self, process: &Arc<Process>, args: &DXGKARG_CANCELCOMMAND) {
        let cancelled = nt!(self, process, Passive, DxgkDdiCancelCommand(self.context(), &raw const *args));
        if let Err(status) = cancelled {
            let verifier = &self.system.verifier;
            verifier.report(Rule::Ddi, "DxgkDdiCancelCommand", || format!("it failed with {status:#010x}"));
        }
    }

    /// `DxgkDdiQueryCurrentFence`.
    pub(crate) fn query_current_fence(&self) -> NtResult<u32> {
        let mut args = DXGKARG_QUERYCURRENTFENCE::default();
        nt!(self, self.kernel(), Passive, DxgkDdiQueryCurrentFence(self.context(), &raw mut args))?;
        Ok(args.CurrentFence)
    }

    /// `DxgkDdiQueryEngineStatus` of node 0's engine: whether it is responsive.
    pub(crate) fn query_engine_status(&self) -> NtResult<bool> {
        let mut args = DXGKARG_QUERYENGINESTATUS::default();
        nt!(self, self.kernel(), Passive, DxgkDdiQueryEngineStatus(self.context(), &raw mut args))?;
        Ok(args.EngineStatus.has(DXGK_ENGINESTATUS::Responsive))
    }

    /// `DxgkDdiQueryDependentEngineGroup` of node 0's engine: the nodes that a reset takes along.
    pub(crate) fn query_dependent_engine_group(&self) -> NtResult<u64> {
        let mut args = DXGKARG_QUERYDEPENDENTENGINEGROUP::default();
        nt!(self, self.kernel(), Passive, DxgkDdiQueryDependentEngineGroup(self.context(), &raw mut args))?;
        Ok(args.DependentNodeOrdinalMask)
    }

    /// `DxgkDdiResetEngine` of node 0's engine: the last fence id that was aborted.
    pub(crate) fn reset_engine(&self) -> NtResult<u32> {
        let mut args = DXGKARG_RESETENGINE::default();
        nt!(self, self.kernel(), Passive, DxgkDdiResetEngine(self.context(), &raw mut args))?;
        Ok(args.LastAbortedFenceId)
    }

    /// `DxgkDdiResetFromTimeout`.
    pub(crate) fn reset_from_timeout(&self) -> NtResult<()> {
        nt!(self, self.kernel(), Passive, DxgkDdiResetFromTimeout(self.context())).map(drop)
    }

    /// `DxgkDdiRestartFromTimeout`.
    pub(crate) fn restart_from_timeout(&self) -> NtResult<()> {
        nt!(self, self.kernel(), Passive, DxgkDdiRestartFromTimeout(self.context())).map(drop)
    }

    /// `DxgkDdiCollectDbgInfo` for a reason, into a buffer.
    pub(crate) fn collect_dbg_info(&self, reason: u32, buffer: &mut [u8]) -> NtResult<()> {
        let mut extension = DXGKARG_COLLECTDBGINFO_EXT::default();
        let bytes = buffer.len();
        let mut buffer = self.lend("DxgkDdiCollectDbgInfo", buffer);
        let args = DXGKARG_COLLECTDBGINFO {
            Reason: reason,
            pBuffer: buffer.pointer().cast(),
            BufferSize: bytes,
            pExtension: &raw mut extension,
        };
        nt!(self, self.kernel(), Passive, DxgkDdiCollectDbgInfo(self.context(), &raw const args)).map(drop)
    }

    /// `DxgkDdiSetPowerState` of the adapter itself.
    pub(crate) fn set_power_state(&self, state: DEVICE_POWER_STATE, action: POWER_ACTION) -> NtResult<()> {
        let device = DISPLAY_ADAPTER_HW_ID;
        nt!(self, self.kernel(), Passive, DxgkDdiSetPowerState(self.context(), device, state, action))
            .map(drop)
    }

    /// `DxgkDdiNotifySurpriseRemoval`.
    pub(crate) fn notify_surprise_removal(&self) -> NtResult<()> {
        let kind = DxgkRemovalPnPNotify;
        nt!(self, self.kernel(), Passive, DxgkDdiNotifySurpriseRemoval(self.context(), kind)).map(drop)
    }

    /// `DxgkDdiEscape`.
    pub(crate) fn escape(
        &self,
        process: &Arc<Process>,
        (device, context): (DriverHandle, DriverHandle),
        private: &mut [u8],
    ) -> NtResult<()> {
        let bytes = private.len() as u32;
        let mut private = self.lend("DxgkDdiEscape", private);
        let args = DXGKARG_ESCAPE {
            hDevice: device.pointer(),
            hContext: context.pointer(),
            pPrivateDriverData: private.pointer().cast(),
            PrivateDriverDataSize: bytes,
            ..Default::default()
        };
        nt!(self, process, Passive, DxgkDdiEscape(self.context(), &raw const args)).map(drop)
    }
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("context", &self.context).finish_non_exhaustive()
    }
}
