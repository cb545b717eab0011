//! StartDevice and StopDevice, step by step.
#![expect(unsafe_code, reason = "dxgkrnl's structures are behind pointers")]

use pvgpu_kmd::Status;
use pvgpu_kmd_ddi::{DXGK_DEVICE_INFO, DXGKRNL_INTERFACE, NTSTATUS, STATUS_DEVICE_CONFIGURATION_ERROR};

use crate::convert::error;
use crate::device::Device;
use crate::ffi::display::acquire_post_display_ownership;
use crate::ivshmem::{REGISTER_BYTES, Registers};
use crate::machine::{Machine, Pci, Root};
use crate::nt::Nt;
use crate::port::Port;
use crate::registry::Key;
use crate::resources::{Interrupt, MemoryRange, Resources};
use crate::settings::Registry;
use crate::timer::flush_dpcs;

/// How long a host that is there already may take to answer, in milliseconds. One that comes later is welcome too; the
/// adapter is started meanwhile.
const HOST_WAIT_MS: u32 = 2000;

/// Starts the adapter. `PASSIVE_LEVEL`, and dxgkrnl makes no other call meanwhile.
///
/// # Errors
/// What dxgkrnl or NT refused; `STATUS_DEVICE_CONFIGURATION_ERROR` for resources that are no ivshmem device's,
/// `STATUS_INVALID_PARAMETER` for an aperture size in the registry that is out of range.
///
/// # Safety
/// `interface` is the one that dxgkrnl passed to StartDevice.
pub(super) unsafe fn start<N: Nt>(
    device: &Device<N>,
    interface: *const DXGKRNL_INTERFACE,
) -> Result<(), NTSTATUS> {
    // SAFETY: the caller's promise.
    let port = unsafe { Port::copy(interface)? };
    let information = port.device_information()?;
    let (machine, settings) = open_machine::<N>(&port, &information)?;
    let kernel = device.kernel();
    // SAFETY: dxgkrnl makes no other call, and a start after a stop finds nobody who still looks (`stop`).
    unsafe { kernel.port.put(port) };
    // SAFETY: as above.
    unsafe { kernel.machine.put(machine) };
    kernel.set_gone(false);
    acquire_post_display_ownership(device);
    enable_interrupt(device, true);
    let wait_ms = if matches!(machine, Machine::Pci(_)) { HOST_WAIT_MS } else { 0 };
    if let Err(status) = device.adapter().start_device(settings, wait_ms) {
        close(device);
        return Err(error(status));
    }
    kernel.start_heartbeat();
    Ok(())
}

/// Stops the adapter. `PASSIVE_LEVEL`, and dxgkrnl makes no other call meanwhile.
///
/// # Errors
/// [`Status::State`] when it was not started.
pub(super) fn stop<N: Nt>(device: &Device<N>) -> Result<(), Status> {
    // No timer and no DPC looks at the aperture while it goes; the core stops the vertical blanks, whose timer it may
    // have started meanwhile.
    device.kernel().stop_timers();
    flush_dpcs::<N>();
    let stopped = device.adapter().stop_device();
    close(device);
    stopped
}

/// Ends interrupts and DPCs, then gives the device's parts back. `PASSIVE_LEVEL`.
fn close<N: Nt>(device: &Device<N>) {
    let kernel = device.kernel();
    kernel.stop_timers();
    kernel.want_precise_timers(false);
    enable_interrupt(device, false);
    // From here on the interrupt routine disowns every interrupt; one that began before is waited for, and so is what it
    // has queued.
    let port = kernel.port.get().copied();
    kernel.port.hide();
    if let Some(port) = port {
        port.flush_interrupt();
    }
    flush_dpcs::<N>();
    // SAFETY: no interrupt, no DPC, no call of dxgkrnl's looks at it any more.
    let machine = unsafe { kernel.machine.take() };
    if let (Some(Machine::Pci(pci)), Some(port)) = (machine, port) {
        port.unmap_registers(pci.registers.base());
    }
}

/// Lets a line interrupt through, or not; messages need no such thing. Any IRQL.
pub(super) fn enable_interrupt<N: Nt>(device: &Device<N>, enable: bool) {
    if let Some(Machine::Pci(Pci { interrupt: Interrupt::Line, .. })) = device.kernel().machine.get()
        && let Some(registers) = device.kernel().registers()
    {
        registers.enable_interrupt(enable);
    }
}

/// Finds out what the device is, and maps its registers.
fn open_machine<N: Nt>(
    port: &Port,
    information: &DXGK_DEVICE_INFO,
) -> Result<(Machine, pvgpu_kmd::Settings), NTSTATUS> {
    // SAFETY: dxgkrnl's string.
    let key = unsafe { Key::<N>::open(&information.DeviceRegistryPath) };
    let registry = Registry::read(key.as_ref());
    drop(key);
    // SAFETY: dxgkrnl's list.
    let resources = unsafe { Resources::read(information.TranslatedResourceList) };
    match resources {
        Resources { registers: None, aperture: None, .. } => {
            let aperture_bytes = registry.own_aperture()?;
            let machine = Machine::Root(Root { aperture_bytes });
            Ok((machine, registry.settings(false, aperture_bytes)))
        }
        Resources { registers: Some(registers), aperture: Some(aperture), interrupt } => {
            let registers = map_registers(port, registers)?;
            let machine = Machine::Pci(Pci { registers, aperture, interrupt });
            Ok((machine, registry.settings(true, aperture.bytes)))
        }
        _ => Err(STATUS_DEVICE_CONFIGURATION_ERROR),
    }
}

/// Maps BAR0.
fn map_registers(port: &Port, range: MemoryRange) -> Result<Registers, NTSTATUS> {
    if range.bytes < u64::from(REGISTER_BYTES) {
        return Err(STATUS_DEVICE_CONFIGURATION_ERROR);
    }
    let base = port.map_registers(range, REGISTER_BYTES)?;
    // SAFETY: as many bytes are mapped there until `close`, which takes the registers away first.
    Ok(unsafe { Registers::new(base) })
}
