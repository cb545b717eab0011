//! Processes of user mode.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use memmap2::MmapOptions;
use memmap2::MmapRaw;
use pvgpu_kmd_ddi::STATUS_NO_MEMORY;

use super::Shared;
use super::device::Device;
use crate::nt::object::EventObject;
use crate::nt::process::Process as KernelProcess;
use crate::port::device::KernelDevice;
use crate::port::driver::NtResult;
use crate::verifier::Rule;

/// A process. Clones are the same one; it ends by [`Process::kill`], or with the system.
#[derive(Clone)]
pub struct Process {
    shared: Weak<Shared>,
    kernel: Arc<KernelProcess>,
    /// A device that was not closed lives until the process ends.
    devices: Arc<Mutex<Vec<Arc<KernelDevice>>>>,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl Process {
    pub(super) fn new(shared: Arc<Shared>, kernel: Arc<KernelProcess>) -> Self {
        Self { shared: Arc::downgrade(&shared), kernel, devices: Arc::default() }
    }

    /// Its number.
    pub fn id(&self) -> u64 {
        self.kernel.id()
    }

    /// Gives or takes `SeLoadDriverPrivilege`.
    pub fn set_may_load_drivers(&self, may: bool) {
        self.kernel.set_may_load_drivers(may);
    }

    /// Opens a kernel device.
    ///
    /// # Errors
    /// The driver's status; `STATUS_UNSUCCESSFUL` when the adapter is gone.
    pub fn open_device(&self) -> NtResult<Device> {
        let port = self.shared.upgrade().ok_or(pvgpu_kmd_ddi::STATUS_UNSUCCESSFUL)?.port()?;
        let device = KernelDevice::create(&port, &self.kernel)?;
        self.devices().push(device.clone());
        Ok(Device::new(device))
    }

    /// So many bytes of user memory, zero, on pages of their own.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY`.
    pub fn allocate(&self, bytes: usize) -> NtResult<UserMemory> {
        let map = MmapOptions::new().len(bytes.max(1)).map_anon().map_err(|_| STATUS_NO_MEMORY)?;
        let map: MmapRaw = map.into();
        let address = map.as_mut_ptr().expose_provenance();
        self.kernel.add_memory(address, bytes);
        Ok(UserMemory { process: self.kernel.clone(), map, address, bytes })
    }

    /// A new event; gives its handle. `on_set` runs whenever it is set, in the thread that sets it.
    pub fn create_event(&self, on_set: impl Fn() + Send + Sync + 'static) -> u64 {
        self.kernel.open(Arc::new(EventObject::new(Some(Box::new(on_set))))) as u64
    }

    /// Closes an event's handle.
    pub fn close_handle(&self, handle: u64) -> bool {
        usize::try_from(handle).is_ok_and(|handle| self.kernel.close(handle))
    }

    /// Mappings of the driver in this process. An address that the driver gave is one of them until it takes it back.
    pub fn mappings(&self) -> usize {
        let Some(shared) = self.shared.upgrade() else { return 0 };
        shared.system.memory.mappings_of(self.kernel.id())
    }

    /// Ends the process: its devices are destroyed, contexts first, in its name; nothing of it may be left mapped.
    pub fn kill(&self) {
        let devices = std::mem::take(&mut *self.devices());
        for device in &devices {
            device.destroy();
        }
        let Some(shared) = self.shared.upgrade() else { return };
        let left = shared.system.memory.mappings_of(self.kernel.id());
        if left != 0 {
            let id = self.kernel.id();
            shared.system.verifier.report(Rule::MdlLeak, "the end of a process", || {
                format!("process {id} has {left} mappings left")
            });
        }
    }

    fn devices(&self) -> MutexGuard<'_, Vec<Arc<KernelDevice>>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Memory of a process; it is unmapped when this is dropped, also while the driver may look at it.
#[derive(Debug)]
pub struct UserMemory {
    process: Arc<KernelProcess>,
    map: MmapRaw,
    address: usize,
    bytes: usize,
}

impl UserMemory {
    /// Its address.
    pub fn address(&self) -> usize {
        self.address
    }

    /// Its bytes.
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Writes bytes at an offset, as many as there is room for.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        let room = self.bytes.saturating_sub(offset);
        super::device::copy_to(
            self.map.as_mut_ptr().wrapping_add(offset),
            bytes.get(..room.min(bytes.len())).unwrap_or_default(),
        );
    }
}

impl Drop for UserMemory {
    fn drop(&mut self) {
        self.process.remove_memory(self.address);
    }
}
