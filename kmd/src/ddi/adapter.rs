//! Starting, stopping and describing the adapter.

use pvgpu_protocol::host_info::HostInfo;
use pvgpu_protocol::kernel_interface::{AdapterData, PrivateHeader, kind};
use pvgpu_protocol::telemetry::{Level, area, code};

use crate::adapter::Adapter;
use crate::bring_up::{HostDescription, bring_up};
use crate::context::{Context, Mappings};
use crate::core_state::Core;
use crate::heap::Heap;
use crate::kernel::{Kernel, SpinLock};
use crate::state::{AdapterEvent, AdapterState, Removal};
use crate::status::Status;

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
    /// `DxgkDdiStartDevice`: says hello to the host and waits for its answer. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::State`] unless the adapter is stopped; else why there is no host, and the adapter is stopped.
    pub fn start_device(&self) -> Result<(), Status> {
        {
            let mut core = self.core.lock();
            core.state = core.state.next(AdapterEvent::Start)?;
        }
        let started = self.start();
        if started.is_err() {
            self.kernel.disconnect();
        }
        let mut core = self.core.lock();
        let event = if started.is_ok() { AdapterEvent::HostReady } else { AdapterEvent::StartFailed };
        core.state = core.state.next(event)?;
        let Some((aperture, version, features)) = core
            .link
            .as_ref()
            .map(|link| (link.layout.sizes.aperture, u64::from(link.host.abi_version), link.host.features))
        else {
            return started;
        };
        let what = (area::ADAPTER, code::ADAPTER_STARTED);
        core.trace(&self.kernel, Level::Info, what, 0, &[aperture, version, features]);
        started
    }

    fn start(&self) -> Result<(), Status> {
        let link = bring_up(&self.kernel)?;
        let bytes = link.layout.heap_bytes();
        let heap = Heap::new(bytes, self.kernel.aperture_is_zero()).map_err(|_| Status::NoMemory)?;
        let mut core = self.core.lock();
        core.contexts.reserve()?;
        core.queue.reserve()?;
        core.heap = Some(heap);
        core.link = Some(link);
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
            for (_, context) in core.contexts.iter_mut() {
                context.wake_all();
            }
        }
        let mut fresh = Core::new();
        fresh.state = AdapterState::Stopping;
        let mut old = core::mem::replace(&mut *self.core.lock(), fresh);
        for (_, context) in old.contexts.iter_mut() {
            self.unmap_context(context);
        }
        drop(old);
        self.kernel.disconnect();
        let mut core = self.core.lock();
        core.state = core.state.next(AdapterEvent::StopDone)?;
        Ok(())
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
    /// [`Status::BadField`] for a buffer of the wrong size, [`Status::DeviceRemoved`] when the adapter is not started.
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
            data.abi_version = u64::from(host.abi_version);
            data.features = host.features;
            for (to, from) in data.host_info.iter_mut().zip(&host.host_info) {
                *to = *from;
            }
        }
        output_data.copy_from_slice(bytemuck::bytes_of(&data));
        Ok(())
    }

    /// What was agreed with the host. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::DeviceRemoved`] when the adapter is not started, [`Status::NoMemory`].
    pub fn host_description(&self) -> Result<HostDescription, Status> {
        let core = self.core.lock();
        core.link.as_ref().ok_or(Status::DeviceRemoved)?.host.try_clone()
    }

    /// Where the adapter is in its life. IRQL ≤ `DISPATCH_LEVEL`.
    pub fn state(&self) -> AdapterState {
        self.core.lock().state
    }

    /// The timer, to be called at least every [`pvgpu_protocol::aperture::HEARTBEAT_MS`]: shows the host that the guest
    /// lives, looks whether the host does, and looks after whatever a lost interrupt would leave waiting.
    /// IRQL ≤ `DISPATCH_LEVEL`.
    pub fn heartbeat(&self) {
        if self.core.lock().heartbeat(&self.kernel) {
            self.kernel.queue_dpc();
        }
    }

    /// The transport says that the host's end is closed. IRQL ≤ `DISPATCH_LEVEL`.
    pub fn link_broken(&self) {
        self.core.lock().host_gone(&self.kernel, Removal::LinkBroken);
    }

    /// `DxgkDdiResetFromTimeout`: dxgkrnl gave up waiting. What was submitted is forgotten, the contexts it belongs to are
    /// poisoned. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::State`] when the adapter is not running.
    pub fn reset_from_timeout(&self) -> Result<(), Status> {
        let mut core = self.core.lock();
        core.state = core.state.next(AdapterEvent::Timeout)?;
        core.poison_pending(&self.kernel);
        Ok(())
    }

    /// `DxgkDdiRestartFromTimeout`. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::State`] without a reset before.
    pub fn restart_from_timeout(&self) -> Result<(), Status> {
        let mut core = self.core.lock();
        core.state = core.state.next(AdapterEvent::Restart)?;
        Ok(())
    }
}
