//! An ivshmem device: registers, doorbell, both kinds of interrupt.

use core::sync::atomic::{AtomicU64, Ordering};
use std::boxed::Box;
use std::ptr::null_mut;
use std::vec::Vec;

use pvgpu_kmd_ddi::{BOOLEAN, DxgkRemovalHibernation, STATUS_DEVICE_REMOVED, STATUS_SUCCESS};
use pvgpu_protocol::aperture::{guest_cell, host_cell};
use pvgpu_protocol::kernel_interface::{AttachLink, Doorbell, PrivateHeader, kind};

use super::fake_nt::{at_irql, nt};
use super::port::{Resources, port, run_dpc};
use super::rig::{Rig, answer, cells, complete, completed, ddi};

const REGISTERS: u64 = 0xfebf_0000;
const APERTURE: u64 = 0x38_0000_0000;
const APERTURE_BYTES: u32 = 64 << 20;

/// The device's memory. Registers: mask, status, position, doorbell.
struct Device {
    registers: *mut [u32; 4],
    aperture: &'static [AtomicU64],
}

impl Device {
    /// Plugs it in.
    fn plug(message: bool) -> Self {
        let registers = Box::leak(Box::new([0u32, 0, 3, 0]));
        let memory: Vec<u64> = std::vec![0; APERTURE_BYTES as usize / 8];
        let memory = Box::leak(memory.into_boxed_slice()).as_mut_ptr();
        let registers = core::ptr::from_mut(registers);
        nt(|nt| {
            nt.physical.insert(REGISTERS, registers.cast());
            nt.physical.insert(APERTURE, memory.cast());
        });
        let resources = Resources::ivshmem(REGISTERS, (APERTURE, APERTURE_BYTES), message);
        port(|port| port.resources = Some(resources));
        let aperture = cells(memory.expose_provenance() as u64, u64::from(APERTURE_BYTES));
        Self { registers, aperture }
    }

    fn register(&self, index: usize) -> u32 {
        // SAFETY: the registers, which live forever, and one thread.
        let registers = unsafe { self.registers.read_volatile() };
        registers[index]
    }

    fn set_register(&self, index: usize, value: u32) {
        let place = self.registers.cast::<u32>().wrapping_add(index);
        // SAFETY: one of the registers, which live forever.
        unsafe { place.write_volatile(value) };
    }

    /// Lets the host answer as soon as somebody waits for it. Its doorbell is peer 7, vector 1.
    fn answer_soon(&self) {
        let aperture = self.aperture;
        let mut answered = false;
        let hook = Box::new(move || {
            if !answered {
                answered = true;
                aperture[host_cell::DOORBELL].store((7 << 16 | 1) + 1, Ordering::Release);
                answer(aperture);
            }
        });
        nt(|nt| nt.while_asleep = Some(hook));
    }
}

/// The interrupt routine, at its IRQL.
fn interrupt(rig: &Rig) -> BOOLEAN {
    at_irql(5, || ddi!(rig, DxgkDdiInterruptRoutine, rig.context, 0))
}

#[test]
fn messages_and_the_doorbell() {
    let device = Device::plug(true);
    device.answer_soon();
    let mut rig = Rig::new();
    assert_eq!(interrupt(&rig), 0, "not started");
    assert_eq!(rig.start(), STATUS_SUCCESS);
    assert_eq!(device.aperture[guest_cell::PEER].load(Ordering::Acquire), 4, "peer 3");
    // The host was there within the wait: no heartbeat was needed.
    let user = rig.user();
    let mut bell = Doorbell { header: PrivateHeader::new(kind::DOORBELL) };
    assert_eq!(rig.escape(user.h_device, user.h_context, &mut bell), STATUS_SUCCESS);
    assert_eq!(device.register(3), 7 << 16 | 1);
    rig.submit_marker(&user, 1, 9);
    complete(device.aperture, user.map.context, 1);
    assert_eq!(interrupt(&rig), 1);
    run_dpc();
    assert_eq!(completed(), [9]);
    assert_eq!(device.register(0), 0, "messages need no mask");
    // The device has a host of its own.
    let mut attach =
        AttachLink { header: PrivateHeader::new(kind::ATTACH_LINK), event: 4, address: 0, bytes: 0 };
    assert_ne!(rig.escape(user.h_device, null_mut(), &mut attach), STATUS_SUCCESS);
    rig.end_user(&user);
    assert_eq!(rig.stop(), STATUS_SUCCESS);
    assert_eq!(interrupt(&rig), 0, "stopped");
    rig.remove();
}

#[test]
fn a_line_is_shared_with_others() {
    let device = Device::plug(false);
    device.answer_soon();
    let mut rig = Rig::new();
    assert_eq!(rig.start(), STATUS_SUCCESS);
    assert_eq!(device.register(0), u32::MAX, "let through");
    port(|port| port.dpc_queued = false);
    assert_eq!((interrupt(&rig), port(|port| port.dpc_queued)), (0, false), "somebody else's");
    device.set_register(1, 1);
    assert_eq!((interrupt(&rig), port(|port| port.dpc_queued)), (1, true));
    device.set_register(1, u32::MAX);
    assert_eq!(interrupt(&rig), 0, "a device that is gone");
    assert_eq!(rig.stop(), STATUS_SUCCESS);
    assert_eq!(device.register(0), 0, "held back");
    rig.remove();
}

#[test]
fn a_device_that_is_pulled_out_is_left_alone() {
    let device = Device::plug(false);
    device.answer_soon();
    let mut rig = Rig::new();
    assert_eq!(rig.start(), STATUS_SUCCESS);
    let user = rig.user();
    rig.submit_marker(&user, 1, 5);
    assert_eq!(ddi!(rig, DxgkDdiNotifySurpriseRemoval, rig.context, DxgkRemovalHibernation), STATUS_SUCCESS);
    device.set_register(1, 1);
    device.aperture[0].store(u64::MAX, Ordering::Release);
    assert_eq!(interrupt(&rig), 0);
    run_dpc();
    let reports = port(|port| core::mem::take(&mut port.reports));
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].u.DmaFaulted().Status, STATUS_DEVICE_REMOVED);
    rig.end_user(&user);
    assert_eq!(rig.stop(), STATUS_SUCCESS);
    assert_eq!((device.register(0), device.register(3)), (u32::MAX, 0), "as they were");
    rig.remove();
}

#[test]
fn a_silent_host_does_not_stop_the_start() {
    let _device = Device::plug(true);
    let mut rig = Rig::new();
    assert_eq!(rig.start(), STATUS_SUCCESS);
    let h_device = rig.create_device().expect("started");
    assert_eq!(rig.create_context(h_device).err(), Some(pvgpu_kmd_ddi::STATUS_DEVICE_NOT_READY));
    assert_eq!(ddi!(rig, DxgkDdiDestroyDevice, h_device), STATUS_SUCCESS);
    assert_eq!(rig.stop(), STATUS_SUCCESS);
    rig.remove();
}
