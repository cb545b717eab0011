//! The checks fire: a driver that touches what it may not, in a process of its own.

use std::process::Command;
use std::sync::Arc;

use pvgpu_kmd_ddi::*;
use pvgpu_kmd_wddm::Nt;

use crate::machine::{DeviceKind, StrictMachine};
use crate::nt::ModelNt;
use crate::nt::process::SYSTEM_PROCESS;
use crate::port::driver::{Driver, DriverHandle, Table};
use crate::system::System;
use crate::verifier::Rule;

/// Says to the child what its driver does.
const CHILD: &str = "PVGPU_TEST_PAGEABLE";

/// A driver's escape: reads the data before, with, or after its lock, or writes behind its end.
unsafe extern "win64" fn escape(_adapter: HANDLE, args: *const DXGKARG_ESCAPE) -> NTSTATUS {
    // SAFETY: dxgkrnl passes the arguments.
    let args = unsafe { &*args };
    let data = args.pPrivateDriverData.cast::<u8>();
    // SAFETY: as above.
    let kind = unsafe { data.read_volatile() };
    let mut lock = 0;
    // SAFETY: a lock of this function.
    let before = unsafe { ModelNt::KeAcquireSpinLockRaiseToDpc(&raw mut lock) };
    if kind == 1 {
        // SAFETY: the mistake that the model is to notice; the memory is there.
        let _byte = unsafe { data.wrapping_add(1).read_volatile() };
    }
    // SAFETY: the lock was taken above.
    unsafe { ModelNt::KeReleaseSpinLock(&raw mut lock, before) };
    let behind = if kind == 2 { args.PrivateDriverDataSize as usize } else { 1 };
    // SAFETY: the buffer has pages of its own; for kind 2 this is the mistake that the model is to notice.
    unsafe { data.wrapping_add(behind).write_volatile(9) };
    STATUS_SUCCESS
}

/// Runs it: the data after the call, and the rules that were broken.
fn run(kind: u8) -> ([u8; 4], Vec<Rule>) {
    let machine = StrictMachine::new(DeviceKind::Root, 64 << 20).expect("memory");
    let system = System::new(Arc::new(machine), true, SYSTEM_PROCESS);
    let table = DRIVER_INITIALIZATION_DATA { DxgkDdiEscape: Some(escape), ..Default::default() };
    let driver = Driver::new(&system, Table(table));
    let mut data = [kind, 5, 6, 7];
    let none = DriverHandle::default();
    driver.escape(system.system_process(), (none, none), &mut data).expect("the driver agrees");
    (data, system.verifier.all().into_iter().map(|violation| violation.rule).collect())
}

#[test]
fn memory_is_there_below_the_lock_and_comes_back() {
    assert_eq!(run(0), ([0, 9, 6, 7], vec![]));
}

#[test]
fn a_write_behind_the_end_is_noticed() {
    assert_eq!(run(2), ([2, 5, 6, 7], vec![Rule::PoolCorruption]));
}

#[test]
fn a_touch_with_a_lock_held_ends_the_process() {
    if std::env::var_os(CHILD).is_some() {
        run(1);
        return;
    }
    let this = "nt::pageable::tests::a_touch_with_a_lock_held_ends_the_process";
    let child = Command::new(std::env::current_exe().expect("a path"))
        .args([this, "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .expect("the test runs again");
    let said = String::from_utf8_lossy(&child.stderr);
    assert!(!child.status.success(), "{said}");
    assert!(said.contains("pageable memory touched at DISPATCH_LEVEL in DxgkDdiEscape: byte 1 of"), "{said}");
    assert!(said.contains(" offset 0x"), "{said}");
}
