//! Starting, stopping and describing the adapter.

use pvgpu_protocol::host_info::HostInfo;
use pvgpu_protocol::kernel_interface::{AdapterData, PrivateHeader, kind};
use pvgpu_protocol::telemetry::{Level, area, code};

use crate::adapter::Adapter;
use crate::bring_up::bring_up;
use crate::context::{Context, ContextTable, Mappings};
use crate::heap::Heap;
use crate::kernel::{Kernel, SpinLock};
use crate::settings::Settings;
use crate::state::{AdapterEvent, AdapterState};
use crate::status::Status;
use crate::submission::SubmissionQueue;

/// Pause between two looks at the host's answer, in milliseconds.
const POLL_MS: u32 = 2;

/// What `DxgkDdiQueryAdapterInfo` is asked for (`DXGKARG_QUERYADAPTERINFO`).
#[derive(Debug)]
pub enum QueryAdapterInfo<'a> {
    /// `DXGKQAITYPE_UMDRIVERPRIVATE`: the user-mode driver wants [`AdapterData`].
    UmDriverPrivate {
        /// Where it goes; exactly its size.
        output_data: &'a mut [u8],
    },
}

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiStartDevice`: gets the aperture and says hello. A host need not be there; when one is, its answer is waited for
    /// `wait_ms` at most. `PASSIVE_LEVEL`.
    ///
    /// Succeeds without a host: [`Adapter::state`] is `Starting` then, or `Removed` if the host refused, and becomes
    /// `Running` when one answers.
    ///
    /// # Errors
    /// [`Status::State`] unless the adapter is stopped; else why there is no aperture, and the adapter is stopped.
    pub fn start_device(&self, settings: Settings, wait_ms: u32) -> Result<(), Status> {
        {
            let mut core = self.core.lock();
            core.state = core.state.next(AdapterEvent::Start)?;
        }
        if let Err(status) = self.prepare(settings) {
            self.kernel.disconnect();
            let mut core = self.core.lock();
            core.state = core.state.next(AdapterEvent::StartFailed)?;
            return Err(status);
        }
        let start = self.kernel.time_ns();
        let limit = u64::from(wait_ms) * 1_000_000;
        loop {
            {
                let mut core = self.core.lock();
                core.take_answer(&self.kernel);
                if core.state != AdapterState::Starting {
                    break;
                }
            }
            if self.kernel.time_ns().saturating_sub(start) >= limit {
                break;
            }
            self.kernel.sleep_ms(POLL_MS);
        }
        Ok(())
    }

    /// Everything that a start allocates. Not part of its caller, whose stack the system has little of.
    #[inline(never)]
    fn prepare(&self, settings: Settings) -> Result<(), Status> {
        let mut contexts = ContextTable::new();
        contexts.reserve()?;
        let mut queue = SubmissionQueue::new();
        queue.reserve()?;
        let link = bring_up(&self.kernel)?;
        let bytes = link.layout.heap_bytes();
        let segment = settings.segment_in(bytes);
        let heap =
            Heap::new(bytes - segment, self.kernel.aperture_is_zero()).map_err(|_| Status::NoMemory)?;
        let now = self.kernel.time_ns();
        let mut core = self.core.lock();
        core.link = Some(link);
        core.heap = Some(heap);
        core.contexts = contexts;
        core.queue = queue;
        core.settings = settings;
        core.started_at = now;
        core.display.set_max_primary(segment / 2);
        Ok(())
    }

    /// `DxgkDdiStopDevice`: forgets everything. dxgkrnl has destroyed all devices before; what is left is unmapped.
    /// `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::State`] when the adapter was not started.
    pub fn stop_device(&self) -> Result<(), Status> {
        {
            let mut core = self.core.lock();
            core.state = core.state.next(AdapterEvent::Stop)?;
            core.trace(&self.kernel, Level::Info, (area::ADAPTER, code::ADAPTER_STOPPED), 0, &[]);
            if let Some(link) = &mut core.link {
                link.withdraw(self.kernel.time_ns());
            }
            core.queue.clear();
            for (_, context) in core.contexts.iter_mut() {
                context.wake_all();
            }
        }
        self.control_vsync(false);
        self.wait_for_paging();
        let service = self.core.lock().service.take();
        if let Some(service) = service {
            self.end_service(service);
        }
        let mut contexts = core::mem::replace(&mut self.core.lock().contexts, ContextTable::new());
        for (_, context) in contexts.iter_mut() {
            self.unmap_context(context);
        }
        drop(contexts);
        self.core.lock().forget_objects();
        self.drop_link();
        self.kernel.disconnect();
        let mut core = self.core.lock();
        core.state = core.state.next(AdapterEvent::StopDone)?;
        Ok(())
    }

    /// Lets the link go outside the lock: its parts may be unmapped with it.
    #[inline(never)]
    pub(crate) fn drop_link(&self) {
        let link = {
            let mut core = self.core.lock();
            let link = core.link.take();
            // A bugcheck has no screen any more either.
            self.show(&mut core);
            link
        };
        drop(link);
    }

    /// Ends all mappings of a context that is not in any table any more. `PASSIVE_LEVEL`, in the context's process.
    pub(crate) fn unmap_context(&self, context: &mut Context<K>) {
        if let Some(Mappings { ring, fences }) = context.mappings.take() {
            self.kernel.unmap_user(ring);
            self.kernel.unmap_user(fences);
        }
        for granted in context.ranges.drain(..) {
            self.kernel.unmap_user(granted.mapping);
        }
    }

    /// `DxgkDdiQueryAdapterInfo`. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadField`] for a buffer of the wrong size, [`Status::NotReady`] before a host has ever answered,
    /// [`Status::DeviceRemoved`] when the adapter is not started.
    pub fn query_adapter_info(&self, query: QueryAdapterInfo<'_>) -> Result<(), Status> {
        let QueryAdapterInfo::UmDriverPrivate { output_data } = query;
        let size = size_of::<AdapterData>();
        if output_data.len() != size {
            return Err(Status::BadField {
                field: "OutputDataSize",
                value: output_data.len() as u64,
                rule: "it is the size of AdapterData",
            });
        }
        let mut data = AdapterData {
            header: PrivateHeader::new(kind::ADAPTER),
            abi_version: 0,
            features: 0,
            host_info: [0; HostInfo::WORDS],
        };
        {
            let core = self.core.lock();
            let host = &core.link.as_ref().ok_or(Status::DeviceRemoved)?.host;
            if host.host_info.is_empty() {
                return Err(Status::NotReady);
            }
            data.abi_version = u64::from(host.abi_version);
            data.features = host.features;
            for (to, from) in data.host_info.iter_mut().zip(&host.host_info) {
                *to = *from;
            }
        }
        output_data.copy_from_slice(bytemuck::bytes_of(&data));
        Ok(())
    }

    /// Where the adapter is in its life. IRQL ≤ `DISPATCH_LEVEL`.
    pub fn state(&self) -> AdapterState {
        self.core.lock().state
    }

    /// The timer, to be called at least every [`pvgpu_protocol::aperture::HEARTBEAT_MS`] while the adapter is started: shows
    /// the host that the guest lives, looks whether the host does, or whether one has come, and looks after whatever a
    /// lost interrupt would leave waiting. Allocates nothing.
    /// IRQL ≤ `DISPATCH_LEVEL`.
    pub fn heartbeat(&self) {
        if self.core.lock().heartbeat(&self.kernel) {
            self.kernel.queue_dpc();
        }
    }
}
