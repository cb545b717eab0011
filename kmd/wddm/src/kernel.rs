//! The core's [`Kernel`] over NT and dxgkrnl: one of them for each adapter, inside it.
#![expect(unsafe_code, reason = "NT's and dxgkrnl's functions take pointers")]

use core::ffi::c_void;
use core::num::NonZeroU64;
use core::ptr::{NonNull, from_ref, null_mut};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pvgpu_kmd::{Access, ApertureRange, Handle, Kernel, Notification, SpinLock, Status, SystemCopy};
use pvgpu_kmd_ddi::{KDEFERRED_ROUTINE, KernelMode, LUID, MDL, SE_LOAD_DRIVER_PRIVILEGE, UserMode};
use pvgpu_protocol::aperture::{HEARTBEAT_MS, PAGE_BYTES, guest_cell, host_cell};

use crate::aperture::{NtAperture, UserMapping};
use crate::event::NtEvent;
use crate::ivshmem::Registers;
use crate::link_event::LinkEvent;
use crate::lock::NtSpinLock;
use crate::machine::Machine;
use crate::nt::Nt;
use crate::port::Port;
use crate::timer::Timer;
use crate::while_started::WhileStarted;

/// The heartbeat's period and how late each beat may be: together less than the protocol's limit, and NT groups what may
/// be late by at least 32 ms with other timers.
const BEAT_MS: u32 = 64;
/// See [`BEAT_MS`].
const BEAT_TOLERANCE_MS: u32 = 32;
const _: () = assert!(((BEAT_MS + BEAT_TOLERANCE_MS) as u64) < HEARTBEAT_MS);

/// A millisecond, in 100 ns: the clock interrupt's interval that precise timers need.
const CLOCK_INTERVAL: u32 = 10_000;
/// 100 ns in a millisecond.
const TICKS_PER_MS: i64 = 10_000;
/// Nanoseconds in a second.
const NS_PER_S: u64 = 1_000_000_000;

/// The system, for one adapter.
pub(crate) struct WddmKernel<N: Nt> {
    /// dxgkrnl's callbacks.
    pub(crate) port: WhileStarted<Port>,
    /// The device's parts.
    pub(crate) machine: WhileStarted<Machine>,
    /// The device was pulled out: its registers are left alone.
    gone: AtomicBool,
    aperture: NtSpinLock<N, Option<NtAperture<N>>>,
    /// The same, for a bug check: no lock can be taken then.
    crash_aperture: WhileStarted<NtAperture<N>>,
    link_event: NtSpinLock<N, Option<LinkEvent<N>>>,
    /// [`host_cell::DOORBELL`]: one more than what the host wants to find in the ivshmem doorbell; 0 before it has said so.
    doorbell: AtomicU64,
    /// An MDL for the pieces of paging transfers.
    window: NonNull<MDL>,
    window_busy: AtomicBool,
    /// Held while dxgkrnl is told of what an interrupt would tell, where there is no interrupt.
    reports: NtSpinLock<N, ()>,
    heartbeat: Timer<N>,
    vsync: Timer<N>,
    /// NT was asked for precise timers.
    precise: AtomicBool,
    /// Of the performance counter, in Hz.
    frequency: NonZeroU64,
}

// SAFETY: the MDL is used by one thread at a time, under the flag.
unsafe impl<N: Nt> Send for WddmKernel<N> {}
// SAFETY: as above; all else is shared by its own rules.
unsafe impl<N: Nt> Sync for WddmKernel<N> {}

impl<N: Nt> WddmKernel<N> {
    /// The system for an adapter that is stopped. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::NoMemory`].
    pub(crate) fn new() -> Result<Self, Status> {
        // Room for the most pages that such a piece touches.
        let begin = core::ptr::without_provenance_mut(PAGE_BYTES as usize - 1);
        // CAST: 256 KiB.
        let length = SystemCopy::MAX_BYTES as u32;
        // SAFETY: no pointer is followed.
        let window = unsafe { N::IoAllocateMdl(begin, length, 0, 0, null_mut()) };
        let window = NonNull::new(window).ok_or(Status::NoMemory)?;
        let mut frequency = 0;
        // SAFETY: the frequency's place lives here.
        unsafe { N::KeQueryPerformanceCounter(core::ptr::from_mut(&mut frequency)) };
        Ok(Self {
            port: WhileStarted::new(),
            machine: WhileStarted::new(),
            gone: AtomicBool::new(false),
            aperture: NtSpinLock::new(None),
            crash_aperture: WhileStarted::new(),
            link_event: NtSpinLock::new(None),
            doorbell: AtomicU64::new(0),
            window,
            window_busy: AtomicBool::new(false),
            reports: NtSpinLock::new(()),
            heartbeat: Timer::new(),
            vsync: Timer::new(),
            precise: AtomicBool::new(false),
            frequency: NonZeroU64::new(frequency.cast_unsigned()).unwrap_or(NonZeroU64::MIN),
        })
    }

    /// The registers of a device that is there. Any IRQL.
    pub(crate) fn registers(&self) -> Option<Registers> {
        match self.machine.get() {
            Some(Machine::Pci(pci)) if !self.gone.load(Ordering::Relaxed) => Some(pci.registers),
            _ => None,
        }
    }

    /// Whether the device was pulled out. `PASSIVE_LEVEL`.
    pub(crate) fn set_gone(&self, gone: bool) {
        self.gone.store(gone, Ordering::Relaxed);
    }

    /// Begins the life of the timers. Any IRQL.
    ///
    /// # Safety
    /// As for [`Timer::initialise`].
    pub(crate) unsafe fn initialise_timers(
        &self,
        heartbeat: KDEFERRED_ROUTINE,
        vsync: KDEFERRED_ROUTINE,
        context: *mut c_void,
    ) {
        // SAFETY: the caller's promise.
        unsafe { self.heartbeat.initialise(heartbeat, context) };
        // SAFETY: the caller's promise.
        unsafe { self.vsync.initialise(vsync, context) };
    }

    /// Starts the heartbeat. IRQL ≤ `DISPATCH_LEVEL`.
    pub(crate) fn start_heartbeat(&self) {
        self.heartbeat.start_periodic(BEAT_MS, BEAT_TOLERANCE_MS);
    }

    /// Asks for timers that are precise to a millisecond while there are vertical blanks to keep time with, or takes the wish
    /// back: NT's usual clock interrupt comes every 15.6 ms, about once in a frame. `PASSIVE_LEVEL`.
    pub(crate) fn want_precise_timers(&self, want: bool) {
        if self.precise.swap(want, Ordering::Relaxed) != want {
            // SAFETY: no pointer is passed.
            unsafe { N::ExSetTimerResolution(CLOCK_INTERVAL, u8::from(want)) };
        }
    }

    /// Stops both timers; their DPCs may still run. IRQL ≤ `DISPATCH_LEVEL`.
    pub(crate) fn stop_timers(&self) {
        self.heartbeat.cancel();
        self.vsync.cancel();
    }
}

impl<N: Nt> Drop for WddmKernel<N> {
    fn drop(&mut self) {
        // SAFETY: from IoAllocateMdl; no copy is under way, and each unmaps what it has mapped.
        unsafe { N::IoFreeMdl(self.window.as_ptr()) };
    }
}

impl<N: Nt> Kernel for WddmKernel<N> {
    type Aperture = NtAperture<N>;
    type SpinLock<T: Send> = NtSpinLock<N, T>;
    type Event = NtEvent<N>;
    type UserMapping = UserMapping<N>;

    fn connect(&self, hello: &mut dyn FnMut(&NtAperture<N>)) -> Result<NtAperture<N>, Status> {
        let machine = self.machine.get().ok_or(Status::DeviceRemoved)?;
        let (aperture, position) = match machine {
            Machine::Pci(pci) => (NtAperture::device(pci.aperture)?, pci.registers.position()),
            Machine::Root(root) => (NtAperture::pages(root.aperture_bytes)?, None),
        };
        self.doorbell.store(0, Ordering::Relaxed);
        if let Some(cell) = aperture.as_ref().get(guest_cell::PEER) {
            cell.store(position.map_or(0, |position| u64::from(position) + 1), Ordering::Relaxed);
        }
        hello(&aperture);
        // SAFETY: dxgkrnl makes no other call while it starts the adapter, and no bug check comes back.
        unsafe { self.crash_aperture.put(aperture.clone()) };
        *self.aperture.lock() = Some(aperture.clone());
        Ok(aperture)
    }

    fn aperture_is_zero(&self) -> bool {
        // Pages come zeroed; what an ivshmem device's memory held before is anybody's guess.
        matches!(self.machine.get(), Some(Machine::Root(_)))
    }

    fn host_ready(&self) -> Result<(), Status> {
        let aperture = self.aperture.lock().clone();
        let cell = aperture.as_ref().and_then(|aperture| aperture.as_ref().get(host_cell::DOORBELL));
        let value = cell.map_or(0, |cell| cell.load(Ordering::Acquire));
        self.doorbell.store(value, Ordering::Relaxed);
        Ok(())
    }

    fn disconnect(&self) {
        // SAFETY: dxgkrnl makes no other call while it stops the adapter.
        drop(unsafe { self.crash_aperture.take() });
        // The last owner unmaps, which is not done under a lock.
        let last = self.aperture.lock().take();
        drop(last);
    }

    fn ring_doorbell(&self) {
        if let Some(registers) = self.registers() {
            let value = self.doorbell.load(Ordering::Relaxed).checked_sub(1);
            // A host that asks for more than the register has room for is not rung; it polls then.
            if let Some(Ok(value)) = value.map(u32::try_from) {
                registers.ring(value);
            }
        } else if let Some(event) = &*self.link_event.lock() {
            event.set();
        }
    }

    fn is_privileged(&self) -> bool {
        let privilege = LUID { LowPart: SE_LOAD_DRIVER_PRIVILEGE.cast_unsigned(), HighPart: 0 };
        // SAFETY: no pointer is passed.
        unsafe { N::SeSinglePrivilegeCheck(privilege, UserMode) != 0 }
    }

    fn attach_link(&self, event: u64) -> Result<(), Status> {
        match self.machine.get() {
            Some(Machine::Root(_)) => {}
            Some(Machine::Pci(_)) => {
                let request = u32::from(pvgpu_protocol::kernel_interface::kind::ATTACH_LINK);
                return Err(Status::NotSupported { request });
            }
            None => return Err(Status::BadHandle(Handle::Device)),
        }
        let event = LinkEvent::open(event)?;
        let old = self.link_event.lock().replace(event);
        drop(old);
        Ok(())
    }

    fn detach_link(&self) {
        let event = self.link_event.lock().take();
        drop(event);
    }

    fn copy_system_memory(&self, copy: SystemCopy) -> Result<(), Status> {
        let aperture = self.aperture.lock().clone().ok_or(Status::DeviceRemoved)?;
        if self.window_busy.swap(true, Ordering::Acquire) {
            return Err(Status::NoMemory);
        }
        let copied = aperture.copy_system_memory(copy, self.window);
        self.window_busy.store(false, Ordering::Release);
        copied
    }

    fn map_user(&self, range: ApertureRange, access: Access) -> Result<UserMapping<N>, Status> {
        let aperture = self.aperture.lock().clone().ok_or(Status::DeviceRemoved)?;
        aperture.map_user(range, access)
    }

    fn user_address(&self, mapping: &UserMapping<N>) -> u64 {
        mapping.address()
    }

    fn unmap_user(&self, mapping: UserMapping<N>) {
        drop(mapping);
    }

    fn current_process(&self) -> u32 {
        // SAFETY: no argument, no condition.
        let process = unsafe { N::PsGetCurrentProcessId() };
        // CAST: process ids have 32 bits.
        process.addr() as u32
    }

    fn time_ns(&self) -> u64 {
        // SAFETY: the frequency is not asked for.
        let now = unsafe { N::KeQueryPerformanceCounter(null_mut()) }.cast_unsigned();
        let (seconds, rest) = (now / self.frequency, now % self.frequency);
        // Does not overflow for 584 years; the rest is less than the frequency, which is below 18 GHz.
        seconds.wrapping_mul(NS_PER_S).wrapping_add(rest.wrapping_mul(NS_PER_S) / self.frequency)
    }

    fn sleep_ms(&self, ms: u32) {
        let interval = -i64::from(ms) * TICKS_PER_MS;
        // SAFETY: the interval lives here.
        unsafe { N::KeDelayExecutionThread(KernelMode, 0, from_ref(&interval)) };
    }

    fn new_event(&self) -> Result<NtEvent<N>, Status> {
        NtEvent::new()
    }

    fn queue_dpc(&self) {
        if let Some(port) = self.port.get() {
            port.queue_dpc();
        }
    }

    fn notify_interrupt(&self, notification: Notification) {
        if let Some(port) = self.port.get() {
            port.notify_interrupt(notification, &self.reports);
        }
    }

    fn notify_dpc(&self) {
        if let Some(port) = self.port.get() {
            port.notify_dpc();
        }
    }

    fn indicate_child_status(&self, child_uid: u32, connected: bool) {
        if let Some(port) = self.port.get() {
            port.indicate_child_status(child_uid, connected);
        }
    }

    fn set_vsync_timer(&self, due_in_ns: Option<u64>) {
        match due_in_ns {
            Some(due_in_ns) => self.vsync.start_once(due_in_ns),
            None => self.vsync.cancel(),
        }
    }

    fn crash_aperture(&self) -> Option<NtAperture<N>> {
        self.crash_aperture.get().cloned()
    }
}
