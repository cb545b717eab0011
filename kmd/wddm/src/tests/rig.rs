//! An adapter that dxgkrnl drives through the table, and a host that answers.

use core::ffi::c_void;
use core::sync::atomic::{AtomicU64, Ordering};
use std::ptr::{from_mut, from_ref, null_mut};
use std::vec::Vec;

use bytemuck::{Pod, Zeroable};
use pvgpu_kmd_ddi::{
    DRIVER_INITIALIZATION_DATA, DXGK_INTERRUPT_DMA_COMPLETED, DXGK_START_INFO, DXGKARG_CREATECONTEXT,
    DXGKARG_CREATEDEVICE, DXGKARG_ESCAPE, DXGKARG_RENDER, DXGKARG_SUBMITCOMMAND, DXGKRNL_INTERFACE, HANDLE,
    NTSTATUS, STATUS_SUCCESS,
};
use pvgpu_protocol::aperture::{Layout, fence_cell, host_cell, host_state};
use pvgpu_protocol::format::FORMAT_COUNT;
use pvgpu_protocol::host_info::{FormatSupport, HostInfo, text_field};
use pvgpu_protocol::kernel_interface::{
    AttachLink, ContextData, FenceMarker, LinkUp, MapContext, PrivateHeader, kind,
};
use pvgpu_protocol::version;

use super::fake_nt::{Clean, EVENT_HANDLE, FakeNt, nt};
use super::port::{interface, port, run_dpc};
use crate::initialization_data;

/// Calls an entry of the table.
macro_rules! ddi {
    ($rig:expr, $entry:ident $(, $argument:expr)*) => {{
        let entry = $rig.table.$entry.expect(stringify!($entry));
        // SAFETY: the arguments are what the DDI says, or null where the test wants to know what happens then.
        unsafe { entry($($argument),*) }
    }};
}
pub(super) use ddi;

pub(super) struct Rig {
    pub(super) table: DRIVER_INITIALIZATION_DATA,
    pub(super) context: *mut c_void,
    clean: Clean,
}

/// A device with a context, as user mode sees it.
pub(super) struct User {
    pub(super) h_device: HANDLE,
    pub(super) h_context: HANDLE,
    pub(super) map: MapContext,
}

impl Rig {
    /// AddDevice.
    pub(super) fn new() -> Self {
        let table = initialization_data::<FakeNt>();
        let mut rig = Self { table, context: null_mut(), clean: Clean };
        assert_eq!(rig.add(), STATUS_SUCCESS);
        rig
    }

    pub(super) fn add(&mut self) -> NTSTATUS {
        let object = core::ptr::without_provenance_mut(0x99);
        let status = ddi!(self, DxgkDdiAddDevice, object, from_mut(&mut self.context));
        let context = self.context.expose_provenance();
        port(|port| port.dpc = self.table.DxgkDdiDpcRoutine.map(|routine| (routine, context)));
        status
    }

    /// StartDevice with this interface.
    pub(super) fn start_with(&self, mut interface: DXGKRNL_INTERFACE) -> NTSTATUS {
        let mut info = DXGK_START_INFO::default();
        let (mut sources, mut children) = (0, 0);
        let status = ddi!(
            self,
            DxgkDdiStartDevice,
            self.context,
            from_mut(&mut info),
            from_mut(&mut interface),
            from_mut(&mut sources),
            from_mut(&mut children)
        );
        if status == STATUS_SUCCESS {
            assert_eq!((sources, children), (1, 1));
        }
        status
    }

    pub(super) fn start(&self) -> NTSTATUS {
        self.start_with(interface())
    }

    pub(super) fn stop(&self) -> NTSTATUS {
        ddi!(self, DxgkDdiStopDevice, self.context)
    }

    /// RemoveDevice; nothing must be left then.
    pub(super) fn remove(&mut self) {
        assert_eq!(ddi!(self, DxgkDdiRemoveDevice, self.context), STATUS_SUCCESS);
        self.context = null_mut();
        self.clean.check();
    }

    pub(super) fn create_device(&self) -> Result<HANDLE, NTSTATUS> {
        let mut argument = DXGKARG_CREATEDEVICE::default();
        match ddi!(self, DxgkDdiCreateDevice, self.context, from_mut(&mut argument)) {
            STATUS_SUCCESS => Ok(argument.hDevice),
            status => Err(status),
        }
    }

    pub(super) fn create_context(&self, h_device: HANDLE) -> Result<HANDLE, NTSTATUS> {
        let mut data = ContextData {
            header: PrivateHeader::new(kind::CONTEXT),
            ring_bytes: 128 << 10,
            heap_bytes: 64 << 10,
        };
        let mut argument = DXGKARG_CREATECONTEXT {
            pPrivateDriverData: from_mut(&mut data).cast(),
            PrivateDriverDataSize: u32::try_from(size_of::<ContextData>()).expect("small"),
            ..DXGKARG_CREATECONTEXT::default()
        };
        match ddi!(self, DxgkDdiCreateContext, h_device, from_mut(&mut argument)) {
            STATUS_SUCCESS => Ok(argument.hContext),
            status => Err(status),
        }
    }

    /// A context without a ring, as dxgkrnl and the desktop have them.
    pub(super) fn create_kernel_context(&self, h_device: HANDLE) -> DXGKARG_CREATECONTEXT {
        let mut argument = DXGKARG_CREATECONTEXT::default();
        let status = ddi!(self, DxgkDdiCreateContext, h_device, from_mut(&mut argument));
        assert_eq!(status, STATUS_SUCCESS);
        argument
    }

    pub(super) fn escape<T: Pod>(&self, h_device: HANDLE, h_context: HANDLE, data: &mut T) -> NTSTATUS {
        let argument = DXGKARG_ESCAPE {
            hDevice: h_device,
            hContext: h_context,
            pPrivateDriverData: from_mut(data).cast(),
            PrivateDriverDataSize: u32::try_from(size_of::<T>()).expect("small"),
            ..DXGKARG_ESCAPE::default()
        };
        ddi!(self, DxgkDdiEscape, self.context, from_ref(&argument))
    }

    /// Attaches a link service; gives its device and its view of the aperture.
    pub(super) fn attach(&self) -> Result<(HANDLE, &'static [AtomicU64]), NTSTATUS> {
        let h_device = self.create_device()?;
        let mut attach = AttachLink { event: EVENT_HANDLE, ..AttachLink::zeroed() };
        attach.header = PrivateHeader::new(kind::ATTACH_LINK);
        match self.escape(h_device, null_mut(), &mut attach) {
            STATUS_SUCCESS => Ok((h_device, cells(attach.address, attach.bytes))),
            status => {
                assert_eq!(ddi!(self, DxgkDdiDestroyDevice, h_device), STATUS_SUCCESS);
                Err(status)
            }
        }
    }

    /// Attaches a link service with a host behind it that is ready.
    pub(super) fn link(&self) -> (HANDLE, &'static [AtomicU64]) {
        let (service, aperture) = self.attach().expect("privileged");
        answer(aperture);
        let mut up = LinkUp { header: PrivateHeader::new(kind::LINK_UP) };
        assert_eq!(self.escape(service, null_mut(), &mut up), STATUS_SUCCESS);
        run_dpc();
        (service, aperture)
    }

    pub(super) fn user(&self) -> User {
        let h_device = self.create_device().expect("started");
        let h_context = self.create_context(h_device).expect("running");
        let mut map = MapContext { header: PrivateHeader::new(kind::MAP_CONTEXT), ..MapContext::zeroed() };
        assert_eq!(self.escape(h_device, h_context, &mut map), STATUS_SUCCESS);
        User { h_device, h_context, map }
    }

    pub(super) fn end_user(&self, user: &User) {
        assert_eq!(ddi!(self, DxgkDdiDestroyContext, user.h_context), STATUS_SUCCESS);
        assert_eq!(ddi!(self, DxgkDdiDestroyDevice, user.h_device), STATUS_SUCCESS);
    }

    /// Renders bytes as a command buffer; gives the private data of the DMA buffer.
    pub(super) fn render_bytes(&self, h_context: HANDLE, command: &[u8]) -> Result<Vec<u64>, NTSTATUS> {
        let mut dma = std::vec![0u64; 512];
        let mut private = std::vec![0u64; 512];
        let (dma_first, private_first) = (dma.as_mut_ptr(), private.as_mut_ptr());
        let mut argument = DXGKARG_RENDER {
            pCommand: command.as_ptr().cast(),
            CommandLength: u32::try_from(command.len()).expect("small"),
            pDmaBuffer: dma_first.cast(),
            DmaSize: 4096,
            pDmaBufferPrivateData: private_first.cast(),
            DmaBufferPrivateDataSize: 4096,
            ..DXGKARG_RENDER::default()
        };
        match ddi!(self, DxgkDdiRender, h_context, from_mut(&mut argument)) {
            STATUS_SUCCESS => {}
            status => return Err(status),
        }
        let written = argument.pDmaBufferPrivateData.addr() - private_first.addr();
        assert_eq!(argument.pDmaBuffer.addr() - dma_first.addr(), written, "both advance alike");
        private.truncate(written / 8);
        Ok(private)
    }

    pub(super) fn marker(&self, user: &User, value: u64) -> FenceMarker {
        FenceMarker {
            header: PrivateHeader::new(kind::FENCE_MARKER),
            context: user.map.context,
            frame: 0,
            position: value * 24,
            value,
            gate: 0,
        }
    }

    /// SubmitCommand, at its IRQL.
    pub(super) fn submit(
        &self,
        h_context: HANDLE,
        private: &mut [u64],
        fence_id: u32,
        paging: bool,
    ) -> NTSTATUS {
        let bytes = u32::try_from(size_of_val(private)).expect("small");
        let argument = DXGKARG_SUBMITCOMMAND {
            hContext: h_context,
            DmaBufferSize: 4096,
            DmaBufferSubmissionEndOffset: bytes,
            pDmaBufferPrivateData: private.as_mut_ptr().cast(),
            DmaBufferPrivateDataSize: bytes,
            DmaBufferPrivateDataSubmissionEndOffset: bytes,
            SubmissionFenceId: fence_id,
            Flags: pvgpu_kmd_ddi::DXGK_SUBMITCOMMANDFLAGS::new(u32::from(paging)),
            ..DXGKARG_SUBMITCOMMAND::default()
        };
        super::fake_nt::at_irql(pvgpu_kmd_ddi::DISPATCH_LEVEL, || {
            ddi!(self, DxgkDdiSubmitCommand, self.context, from_ref(&argument))
        })
    }

    /// Renders and submits a marker.
    pub(super) fn submit_marker(&self, user: &User, value: u64, fence_id: u32) {
        let marker = self.marker(user, value);
        let mut private = self.render_bytes(user.h_context, bytemuck::bytes_of(&marker)).expect("good");
        assert_eq!(self.submit(user.h_context, &mut private, fence_id, false), STATUS_SUCCESS);
    }
}

/// Memory as cells.
pub(super) fn cells(address: u64, bytes: u64) -> &'static [AtomicU64] {
    let first = core::ptr::with_exposed_provenance::<AtomicU64>(usize::try_from(address).expect("64 bits"));
    // SAFETY: the aperture, which the test does not look at any more once it is given back.
    unsafe { core::slice::from_raw_parts(first, usize::try_from(bytes / 8).expect("64 bits")) }
}

/// A host says that it is ready.
pub(super) fn answer(cells: &[AtomicU64]) {
    let put = |cell: usize, value| cells[cell].store(value, Ordering::Release);
    let info = HostInfo {
        gpu_name: text_field("a GPU"),
        driver: text_field("a driver"),
        dedicated_video_memory: 1 << 30,
        shared_system_memory: 1 << 30,
        timestamp_frequency: 1_000_000_000,
        vendor_id: 1,
        device_id: 2,
        feature_level: 0xb000,
        features: 0,
        formats: [FormatSupport::default(); FORMAT_COUNT],
    };
    let first = usize::try_from(Layout::host_info_offset() / 8).expect("small");
    for (index, word) in info.to_words().into_iter().enumerate() {
        put(first + index, word);
    }
    put(host_cell::VERSION, u64::from(version::ABI_VERSION));
    put(host_cell::FEATURES, version::feature::PRESENT_TO_GUEST);
    put(host_cell::HOST_INFO_BYTES, HostInfo::WORDS as u64 * 8);
    put(host_cell::HEARTBEAT, 1);
    put(host_cell::STATE, host_state::READY);
}

/// The host completes a context's fence.
pub(super) fn complete(cells: &[AtomicU64], context: u32, value: u64) {
    let line = Layout::fence_line(context).expect("a context");
    cells[line + fence_cell::COMPLETED].store(value, Ordering::Release);
}

/// The fence ids that were reported as completed since the last call.
pub(super) fn completed() -> Vec<u32> {
    let reports = port(|port| core::mem::take(&mut port.reports));
    reports
        .iter()
        .map(|report| {
            assert_eq!(report.InterruptType, DXGK_INTERRUPT_DMA_COMPLETED);
            report.u.DmaCompleted().SubmissionFenceId
        })
        .collect()
}

/// Whether the doorbell rang since the last call.
pub(super) fn rang() -> bool {
    nt(|nt| core::mem::take(&mut nt.event.Opaque[0])) != 0
}
