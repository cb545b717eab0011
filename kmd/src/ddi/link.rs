//! The link service of a `ROOT\PVGPU` adapter: user-mode code that carries the aperture to a host.
//!
//! It is one device at a time, opened by a process that may load drivers. It gets the whole aperture mapped, and gives an
//! event that the driver sets as its doorbell; it says by escapes when the host has answered and when its side has changed.
//! When the device is destroyed, which also happens when its process dies, the host counts as gone.

use pvgpu_protocol::kernel_interface::{AttachLink, device_kind, kind};
use pvgpu_protocol::telemetry::{Level, area, code};

use crate::adapter::Adapter;
use crate::core_state::Core;
use crate::kernel::{Access, ApertureRange, Kernel, SpinLock};
use crate::link::Hello;
use crate::state::{AdapterState, Removal};
use crate::status::{Handle, Status};

/// The service that is attached.
pub(crate) struct LinkService<K: Kernel> {
    h_device: u64,
    /// `None` while it attaches.
    mapping: Option<K::UserMapping>,
}

impl<K: Kernel> Adapter<K> {
    /// `ATTACH_LINK`: the calling process's device becomes the link service. After a host is gone, this is where a fresh hello
    /// is said. `PASSIVE_LEVEL`.
    pub(crate) fn attach_link(&self, h_device: u64, request: AttachLink) -> Result<AttachLink, Status> {
        let bytes = self.begin_service(h_device)?;
        match self.fill_service(h_device, bytes, request.event) {
            Ok(address) => Ok(AttachLink { address, bytes, ..request }),
            Err(status) => {
                self.core.lock().service = None;
                Err(status)
            }
        }
    }

    /// Takes the service's place; gives the aperture's size.
    fn begin_service(&self, h_device: u64) -> Result<u64, Status> {
        if !self.kernel.is_privileged() {
            return Err(Status::NotPrivileged);
        }
        let mut core = self.core.lock();
        core.root_only(kind::ATTACH_LINK)?;
        core.owned_device(&self.kernel, h_device)?;
        core.started()?;
        if core.service.is_some() {
            return Err(Status::Busy);
        }
        let link = core.link.as_ref().ok_or(Status::DeviceRemoved)?;
        let (bytes, hello) = (link.layout.sizes.aperture, link.hello);
        if matches!(hello, Hello::Withdrawn { .. }) {
            if !core.queue.is_empty() {
                // What was lost with the old host is being reported: in a moment.
                self.kernel.queue_dpc();
                return Err(Status::Busy);
            }
            core.begin_again(&self.kernel);
        }
        core.service = Some(LinkService { h_device, mapping: None });
        Ok(bytes)
    }

    /// Gives the service its aperture and takes its event; gives the aperture's address.
    fn fill_service(&self, h_device: u64, bytes: u64, event: u64) -> Result<u64, Status> {
        self.kernel.attach_link(event)?;
        let mapped = self.kernel.map_user(ApertureRange { offset: 0, bytes }, Access::ReadWrite);
        let mapping = match mapped {
            Ok(mapping) => mapping,
            Err(status) => {
                self.kernel.detach_link();
                return Err(status);
            }
        };
        let address = self.kernel.user_address(&mapping);
        let mut mapping = Some(mapping);
        let mut core = self.core.lock();
        let alive = core.devices.get(h_device).is_some();
        let service = core.service.as_mut().filter(|service| alive && service.h_device == h_device);
        if let Some(service) = service {
            service.mapping = mapping.take();
        }
        core.trace(&self.kernel, Level::Info, (area::ADAPTER, code::LINK_ATTACHED), 0, &[bytes]);
        drop(core);
        let Some(mapping) = mapping else { return Ok(address) };
        // The adapter was stopped or the device destroyed meanwhile.
        self.kernel.unmap_user(mapping);
        self.kernel.detach_link();
        Err(Status::DeviceRemoved)
    }

    /// `LINK_UP`: the host has answered. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::NotReady`] when it has not.
    pub(crate) fn link_up(&self, h_device: u64) -> Result<(), Status> {
        let mut core = self.core.lock();
        core.owned_service(h_device, kind::LINK_UP)?;
        core.trace(&self.kernel, Level::Info, (area::ADAPTER, code::LINK_UP), 0, &[]);
        core.take_answer(&self.kernel);
        match core.state {
            AdapterState::Running | AdapterState::Resetting => Ok(()),
            AdapterState::Removed(_) => Err(Status::DeviceRemoved),
            _ => Err(Status::NotReady),
        }
    }

    /// `LINK_KICK`: the host's side has changed. `PASSIVE_LEVEL`.
    pub(crate) fn link_kick(&self, h_device: u64) -> Result<(), Status> {
        self.core.lock().owned_service(h_device, kind::LINK_KICK)?;
        self.interrupt_routine();
        Ok(())
    }

    /// `DETACH_LINK`. `PASSIVE_LEVEL`, in the service's process.
    pub(crate) fn detach_link(&self, h_device: u64) -> Result<(), Status> {
        self.core.lock().owned_service(h_device, kind::DETACH_LINK)?;
        self.end_service_of(h_device);
        Ok(())
    }

    /// Ends the service if it is this device's: the host is gone. `PASSIVE_LEVEL`, in the service's process.
    pub(crate) fn end_service_of(&self, h_device: u64) {
        let service = {
            let mut core = self.core.lock();
            let service = core.service.take_if(|service| {
                // One that still attaches ends by itself.
                service.h_device == h_device && service.mapping.is_some()
            });
            if service.is_some() {
                core.trace(&self.kernel, Level::Warning, (area::ADAPTER, code::LINK_DETACHED), 0, &[]);
                core.host_gone(&self.kernel, Removal::LinkBroken);
            }
            service
        };
        if let Some(service) = service {
            self.end_service(service);
        }
    }

    /// Unmaps what the service had, outside the lock. `PASSIVE_LEVEL`.
    pub(crate) fn end_service(&self, service: LinkService<K>) {
        self.kernel.detach_link();
        if let Some(mapping) = service.mapping {
            self.kernel.unmap_user(mapping);
        }
    }
}

impl<K: Kernel> Core<K> {
    /// Refuses a link service where the device has a host of its own.
    fn root_only(&self, request: u16) -> Result<(), Status> {
        if self.settings.device == device_kind::PCI {
            return Err(Status::NotSupported { request: u32::from(request) });
        }
        Ok(())
    }

    /// Whether the device is the service.
    fn owned_service(&self, h_device: u64, request: u16) -> Result<(), Status> {
        self.root_only(request)?;
        match &self.service {
            Some(service) if service.h_device == h_device => Ok(()),
            _ => Err(Status::NotOwner(Handle::Device)),
        }
    }
}
