//! A machine for tests: the aperture is a file of this process, the host is whoever holds the other end in the test.
//!
//! As a root-enumerated device it has nothing but that memory; as a PCI device it is QEMU's ivshmem: BAR0 with the registers
//! IntrMask, IntrStatus, IVPosition and Doorbell, BAR2 with the aperture, and interrupts as messages or on a line. In its place a
//! test can bring a device that is really there ([`PciDevice`]); then its host is whoever is behind that device.

use std::fs::{File, OpenOptions};
use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pvgpu_kmd_ddi::{
    CM_FULL_RESOURCE_DESCRIPTOR, CM_PARTIAL_RESOURCE_DESCRIPTOR, CM_PARTIAL_RESOURCE_DESCRIPTOR_u,
    CM_PARTIAL_RESOURCE_LIST, CM_RESOURCE_INTERRUPT, CM_RESOURCE_INTERRUPT_LATCHED,
    CM_RESOURCE_INTERRUPT_MESSAGE, CM_RESOURCE_MEMORY_LARGE_40, CM_RESOURCE_RANGE, CmResourceTypeInterrupt,
    CmResourceTypeMemory, CmResourceTypeMemoryLarge,
};
use pvgpu_transport::{Mapping, Region};

use super::{Machine, PciDevice, Wake};
use crate::nt::Pages;

/// Where BAR0 lies.
const BAR0: u64 = 0xFEB0_0000;
/// Its bytes.
const BAR0_BYTES: u64 = 4096;
/// Where BAR2 lies.
const BAR2: u64 = 0x8_0000_0000;
/// How often the doorbell register is looked at while somebody waits for it: a store to memory wakes nobody.
const DOORBELL_POLL: Duration = Duration::from_micros(50);

/// Registers of BAR0, as the two 32-bit halves of 64-bit cells.
mod register {
    /// IntrMask in the low half, IntrStatus in the high one.
    pub(super) const INTERRUPT: usize = 0;
    /// IVPosition in the low half, Doorbell in the high one.
    pub(super) const POSITION_DOORBELL: usize = 1;
}

/// How a device is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// `ROOT\PVGPU`: a link service in user mode rings for it.
    Root,
    /// `PCI\VEN_1AF4&DEV_1110` with message-signalled interrupts.
    PciMessage,
    /// The same with a line interrupt.
    PciLine,
}

#[derive(Debug, Default)]
struct State {
    rung: bool,
    woken: bool,
    gone: bool,
    /// Counts the connections of link services.
    connection: u64,
    /// The one that the host closed last.
    hung_up: Option<u64>,
    doorbells: u64,
    /// The root device's pages were given out.
    given: bool,
}

/// The machine.
#[derive(Debug)]
pub(crate) struct StrictMachine {
    kind: DeviceKind,
    mapping: Mapping,
    /// The aperture's file, where it is one.
    file: Option<Arc<File>>,
    registers: Mapping,
    /// Whose BARs these are, if not this machine's own.
    device: Option<Arc<dyn PciDevice>>,
    /// This guest's number among the peers.
    state: Mutex<State>,
    changed: Condvar,
}

/// A file that nobody else can find, of so many zero bytes.
fn anonymous(bytes: u64) -> io::Result<(File, Mapping)> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let shm = std::path::Path::new("/dev/shm");
    let folder = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
    let path = folder.join(format!("pvgpu-machine-{}-{count}", std::process::id()));
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    // The name is not needed; where an open file cannot be removed it stays until the folder is cleaned.
    let _ = std::fs::remove_file(&path);
    file.set_len(bytes)?;
    let mapping = Mapping::of_file(&file).map_err(io::Error::other)?;
    Ok((file, mapping))
}

impl StrictMachine {
    /// A machine with an aperture of so many bytes.
    ///
    /// # Errors
    /// When the system gives no shared memory.
    pub(crate) fn new(kind: DeviceKind, aperture_bytes: u64) -> io::Result<Self> {
        let (file, mapping) = anonymous(aperture_bytes)?;
        let (_, registers) = anonymous(BAR0_BYTES)?;
        // IVPosition: the guest is peer 1.
        cells(&registers, register::POSITION_DOORBELL, |cell| cell.store(1, Ordering::Release));
        Ok(Self {
            kind,
            mapping,
            file: Some(Arc::new(file)),
            registers,
            device: None,
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// A machine around a device that is there; it interrupts with messages.
    pub(crate) fn around(device: Arc<dyn PciDevice>) -> Self {
        Self {
            kind: DeviceKind::PciMessage,
            mapping: device.aperture().clone(),
            file: None,
            registers: device.registers().clone(),
            device: Some(device),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// How the device is connected.
    pub(crate) fn kind(&self) -> DeviceKind {
        self.kind
    }

    /// The aperture as the host sees it.
    pub(crate) fn aperture(&self) -> Region {
        self.mapping.whole()
    }

    /// Interrupts the guest, as the host does.
    pub(crate) fn interrupt(&self) {
        if self.kind == DeviceKind::PciLine {
            cells(&self.registers, register::INTERRUPT, |cell| cell.fetch_or(1 << 32, Ordering::AcqRel));
        }
        self.state().rung = true;
        self.changed.notify_all();
    }

    /// The host's end is closed, which only a link service notices.
    pub(crate) fn hang_up(&self) {
        let mut state = self.state();
        state.gone = true;
        state.hung_up = Some(state.connection);
        drop(state);
        self.changed.notify_all();
    }

    /// A link service begins, with a connection of its own.
    pub(crate) fn connect(&self) {
        self.state().connection += 1;
    }

    /// The guest rings: what the root device's doorbell event does.
    pub(crate) fn ring_doorbell(&self) {
        self.state().doorbells += 1;
        self.changed.notify_all();
    }

    /// The line interrupt was looked at: reading IntrStatus clears it.
    pub(crate) fn interrupt_taken(&self) {
        if self.kind == DeviceKind::PciLine {
            cells(&self.registers, register::INTERRUPT, |cell| {
                cell.fetch_and(u64::from(u32::MAX), Ordering::AcqRel)
            });
        }
    }

    /// What the guest stored into the doorbell register, if anything since the last look.
    fn take_register(&self) -> bool {
        let mut rung = false;
        cells(&self.registers, register::POSITION_DOORBELL, |cell| {
            rung = cell.fetch_and(u64::from(u32::MAX), Ordering::AcqRel) >> 32 != 0;
        });
        rung
    }

    /// The host waits until the guest rings; false when the time is over.
    pub(crate) fn wait_doorbell(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        loop {
            if self.kind != DeviceKind::Root && self.take_register() {
                return true;
            }
            let mut state = self.state();
            if std::mem::take(&mut state.doorbells) != 0 {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let step = if self.kind == DeviceKind::Root { left } else { left.min(DOORBELL_POLL) };
            drop(self.changed.wait_timeout(state, step).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// The translated resources as `CM_RESOURCE_LIST`, in 64-bit words; empty for a root device.
    pub(crate) fn resources(&self) -> Box<[u64]> {
        if self.kind == DeviceKind::Root {
            return Box::default();
        }
        let memory = |kind: u8, flags: u16, start: u64, length: u32| CM_PARTIAL_RESOURCE_DESCRIPTOR {
            Type: kind,
            Flags: flags,
            u: CM_PARTIAL_RESOURCE_DESCRIPTOR_u::from_memory(CM_RESOURCE_RANGE::new(start, length)),
            ..Default::default()
        };
        let bytes = self.mapping.len() as u64;
        // CAST: below 4 GiB in one form, a multiple of 64 KiB shifted right in the other.
        let aperture = match u32::try_from(bytes) {
            Ok(length) => memory(CmResourceTypeMemory, 0, BAR2, length),
            Err(_) => {
                let length = (bytes >> 8) as u32;
                memory(CmResourceTypeMemoryLarge, CM_RESOURCE_MEMORY_LARGE_40, BAR2, length)
            }
        };
        let message = self.kind == DeviceKind::PciMessage;
        let latched = CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE;
        let interrupt = CM_PARTIAL_RESOURCE_DESCRIPTOR {
            Type: CmResourceTypeInterrupt,
            Flags: if message { latched } else { 0 },
            u: CM_PARTIAL_RESOURCE_DESCRIPTOR_u::from_interrupt(CM_RESOURCE_INTERRUPT {
                Level: 9,
                Vector: 0x91,
                AffinityLow: 1,
                AffinityHigh: 0,
            }),
            ..Default::default()
        };
        // CAST: a page at most.
        let registers = memory(CmResourceTypeMemory, 0, BAR0, self.registers.len() as u32);
        let all = [registers, aperture, interrupt];
        let list = CM_PARTIAL_RESOURCE_LIST {
            Version: 1,
            Revision: 1,
            Count: all.len() as u32,
            PartialDescriptors: [all[0]],
        };
        let full = CM_FULL_RESOURCE_DESCRIPTOR { InterfaceType: 5, BusNumber: 0, PartialResourceList: list };
        let mut bytes = 1u32.to_le_bytes().to_vec();
        bytes.extend_from_slice(bytemuck::bytes_of(&full));
        bytes.extend_from_slice(bytemuck::cast_slice(&all[1..]));
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
            .chunks_exact(8)
            .map(|word| word.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)))
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does something to a cell of a mapping, if it is there.
fn cells<R>(mapping: &Mapping, index: usize, act: impl FnOnce(&AtomicU64) -> R) {
    if let Some(cell) = mapping.whole().as_ref().get(index) {
        act(cell);
    }
}

impl Machine for StrictMachine {
    fn wait(&self, timeout: Option<Duration>) -> Wake {
        if let Some(device) = &self.device {
            return device.wait(timeout);
        }
        let state = self.state();
        let idle = |state: &mut State| !state.rung && !state.woken && !state.gone;
        let mut state = match timeout {
            Some(timeout) => {
                let wait = self.changed.wait_timeout_while(state, timeout, idle);
                wait.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner),
        };
        state.woken = false;
        if std::mem::take(&mut state.rung) {
            Wake::Rung
        } else if std::mem::take(&mut state.gone) {
            Wake::Gone
        } else {
            Wake::Timeout
        }
    }

    fn wake(&self) {
        if let Some(device) = &self.device {
            return device.wake();
        }
        self.state().woken = true;
        self.changed.notify_all();
    }

    fn is_hung_up(&self) -> bool {
        let state = self.state();
        state.hung_up == Some(state.connection)
    }

    fn pages(&self, bytes: usize) -> Option<Arc<Pages>> {
        let mut state = self.state();
        if self.kind != DeviceKind::Root || state.given || bytes != self.mapping.len() {
            return None;
        }
        state.given = true;
        Some(Arc::new(Pages::shared(&self.mapping, self.file.clone())))
    }

    fn pages_freed(&self) {
        self.state().given = false;
    }

    fn io_space(&self, physical: u64, bytes: usize) -> Option<Arc<Pages>> {
        if self.kind == DeviceKind::Root {
            return None;
        }
        if physical == BAR0 && bytes <= self.registers.len() {
            return Some(Arc::new(Pages::shared(&self.registers, None)));
        }
        if physical == BAR2 && bytes <= self.mapping.len() {
            return Some(Arc::new(Pages::shared(&self.mapping, self.file.clone())));
        }
        None
    }

    fn interrupt_taken(&self) {
        Self::interrupt_taken(self);
    }
}
