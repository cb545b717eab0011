//! Interrupts, their DPC, and which of them dxgkrnl wants.
#![expect(unsafe_code, reason = "entry points of the DDI")]

use core::ffi::c_void;

use pvgpu_kmd_ddi::{
    BOOLEAN, DXGK_INTERRUPT_CRTC_VSYNC, DXGK_INTERRUPT_TYPE, DXGK_VSYNC_ENABLE, DXGKARG_CONTROLINTERRUPT2,
    HANDLE, NTSTATUS, STATUS_INVALID_PARAMETER, STATUS_NOT_IMPLEMENTED,
};

use crate::device::Device;
use crate::ffi::display::control_vsync;
use crate::ivshmem::Registers;
use crate::machine::{Machine, Pci};
use crate::nt::Nt;
use crate::resources::Interrupt;

/// `DxgkDdiInterruptRoutine`: a message is ours by itself, a line's status register says whose it is. Device IRQL.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_interrupt_routine<N: Nt>(
    miniport_device_context: *mut c_void,
    _message_number: u32,
) -> BOOLEAN {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(miniport_device_context) };
    let Some(device) = device else { return 0 };
    // Before StartDevice has made the port known, and from StopDevice on, nothing is ours.
    if device.dxgkrnl().is_none() {
        return 0;
    }
    let ours = match device.kernel().machine.get() {
        Some(Machine::Pci(Pci { interrupt: Interrupt::Message, .. })) => true,
        Some(Machine::Pci(_)) => device.kernel().registers().is_some_and(Registers::take_interrupt),
        Some(Machine::Root(_)) | None => false,
    };
    BOOLEAN::from(ours && device.adapter().interrupt_routine())
}

/// `DxgkDdiDpcRoutine`. `DISPATCH_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_dpc_routine<N: Nt>(miniport_device_context: *mut c_void) {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    if let Some(device) = unsafe { Device::<N>::from_context(miniport_device_context) } {
        device.adapter().dpc_routine();
    }
}

/// Switches the vertical blank interrupt, and the precision of its timer with it. `PASSIVE_LEVEL`.
fn switch_vsync<N: Nt>(device: &Device<N>, enable: bool) -> NTSTATUS {
    device.kernel().want_precise_timers(enable);
    control_vsync(device.adapter(), enable)
}

/// `DxgkDdiControlInterrupt`: the vertical blank is the only one that can be switched. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_control_interrupt<N: Nt>(
    h_adapter: HANDLE,
    interrupt_type: DXGK_INTERRUPT_TYPE,
    enable_interrupt: BOOLEAN,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    let Some(device) = device else { return STATUS_INVALID_PARAMETER };
    if interrupt_type != DXGK_INTERRUPT_CRTC_VSYNC {
        return STATUS_NOT_IMPLEMENTED;
    }
    switch_vsync(device, enable_interrupt != 0)
}

/// `DxgkDdiControlInterrupt2` (WDDM 2.0 calls it in place of the other). `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_control_interrupt2<N: Nt>(
    h_adapter: HANDLE,
    control_interrupt: DXGKARG_CONTROLINTERRUPT2,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    let Some(device) = device else { return STATUS_INVALID_PARAMETER };
    if control_interrupt.InterruptType != DXGK_INTERRUPT_CRTC_VSYNC {
        return STATUS_NOT_IMPLEMENTED;
    }
    switch_vsync(device, control_interrupt.CrtcVsyncState() == DXGK_VSYNC_ENABLE)
}
