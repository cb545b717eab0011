//! The exports of ntoskrnl.exe for a driver image: names and addresses.
//!
//! Every function of [`Nt`] in its C form, and the few that only an image's own start needs: the IOCTL that finds
//! `DxgkInitialize`, and the bug check.
#![expect(non_snake_case, reason = "the functions have their exported names")]

use std::ffi::{c_char, c_void};
use std::sync::OnceLock;

use pvgpu_kmd_wddm::Nt;
use pvgpu_kmd_wddm::types::*;

use super::displib;
use super::model_nt::{ModelNt, event_type};

/// An exported variable, which the image reads through its address: what it points to is never looked at.
struct Variable(*mut OBJECT_TYPE);

// SAFETY: a pointer that is never followed and never changes.
unsafe impl Send for Variable {}
// SAFETY: as for `Send`.
unsafe impl Sync for Variable {}

/// The address of an export.
pub(crate) fn address(name: &str) -> Option<*const c_void> {
    static EVENT_OBJECT_TYPE: OnceLock<Variable> = OnceLock::new();
    if name == "ExEventObjectType" {
        let variable = EVENT_OBJECT_TYPE.get_or_init(|| Variable(event_type()));
        return Some((&raw const variable.0).cast());
    }
    FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, function)| function.0)
}

/// Address of a function.
#[derive(Clone, Copy)]
struct Function(*const c_void);

// SAFETY: code does not change.
unsafe impl Sync for Function {}

/// What is exported.
static FUNCTIONS: &[(&str, Function)] = &[
    ("ExAllocatePool2", Function(ExAllocatePool2 as *const c_void)),
    ("ExSetTimerResolution", Function(ExSetTimerResolution as *const c_void)),
    ("ExFreePoolWithTag", Function(ExFreePoolWithTag as *const c_void)),
    ("KeAcquireSpinLockRaiseToDpc", Function(KeAcquireSpinLockRaiseToDpc as *const c_void)),
    ("KeReleaseSpinLock", Function(KeReleaseSpinLock as *const c_void)),
    ("KeInitializeEvent", Function(KeInitializeEvent as *const c_void)),
    ("KeSetEvent", Function(KeSetEvent as *const c_void)),
    ("KeWaitForSingleObject", Function(KeWaitForSingleObject as *const c_void)),
    ("KeInitializeDpc", Function(KeInitializeDpc as *const c_void)),
    ("KeInitializeTimerEx", Function(KeInitializeTimerEx as *const c_void)),
    ("KeSetCoalescableTimer", Function(KeSetCoalescableTimer as *const c_void)),
    ("KeCancelTimer", Function(KeCancelTimer as *const c_void)),
    ("KeFlushQueuedDpcs", Function(KeFlushQueuedDpcs as *const c_void)),
    ("KeQueryPerformanceCounter", Function(KeQueryPerformanceCounter as *const c_void)),
    ("KeDelayExecutionThread", Function(KeDelayExecutionThread as *const c_void)),
    ("MmAllocatePagesForMdlEx", Function(MmAllocatePagesForMdlEx as *const c_void)),
    ("MmFreePagesFromMdl", Function(MmFreePagesFromMdl as *const c_void)),
    ("MmMapIoSpaceEx", Function(MmMapIoSpaceEx as *const c_void)),
    ("MmUnmapIoSpace", Function(MmUnmapIoSpace as *const c_void)),
    ("MmBuildMdlForNonPagedPool", Function(MmBuildMdlForNonPagedPool as *const c_void)),
    ("MmMapLockedPagesSpecifyCache", Function(MmMapLockedPagesSpecifyCache as *const c_void)),
    ("MmUnmapLockedPages", Function(MmUnmapLockedPages as *const c_void)),
    ("IoAllocateMdl", Function(IoAllocateMdl as *const c_void)),
    ("IoFreeMdl", Function(IoFreeMdl as *const c_void)),
    ("IoBuildPartialMdl", Function(IoBuildPartialMdl as *const c_void)),
    ("PsGetCurrentProcessId", Function(PsGetCurrentProcessId as *const c_void)),
    ("ObReferenceObjectByHandle", Function(ObReferenceObjectByHandle as *const c_void)),
    ("ObfDereferenceObject", Function(ObfDereferenceObject as *const c_void)),
    ("SeSinglePrivilegeCheck", Function(SeSinglePrivilegeCheck as *const c_void)),
    ("RtlInitUnicodeString", Function(RtlInitUnicodeString as *const c_void)),
    ("ZwOpenKey", Function(ZwOpenKey as *const c_void)),
    ("ZwQueryValueKey", Function(ZwQueryValueKey as *const c_void)),
    ("ZwClose", Function(ZwClose as *const c_void)),
    ("DbgPrintEx", Function(DbgPrintEx as *const c_void)),
    ("ZwLoadDriver", Function(displib::ZwLoadDriver as *const c_void)),
    ("IoGetDeviceObjectPointer", Function(displib::IoGetDeviceObjectPointer as *const c_void)),
    ("IoBuildDeviceIoControlRequest", Function(displib::IoBuildDeviceIoControlRequest as *const c_void)),
    ("IofCallDriver", Function(displib::IofCallDriver as *const c_void)),
    ("KeBugCheckEx", Function(displib::KeBugCheckEx as *const c_void)),
];

unsafe extern "win64" fn ExAllocatePool2(flags: u64, number_of_bytes: usize, tag: u32) -> *mut c_void {
    // SAFETY: the same contract.
    unsafe { ModelNt::ExAllocatePool2(flags, number_of_bytes, tag) }
}

unsafe extern "win64" fn ExFreePoolWithTag(p: *mut c_void, tag: u32) {
    // SAFETY: the same contract.
    unsafe { ModelNt::ExFreePoolWithTag(p, tag) };
}

unsafe extern "win64" fn KeAcquireSpinLockRaiseToDpc(spin_lock: *mut KSPIN_LOCK) -> KIRQL {
    // SAFETY: the same contract.
    unsafe { ModelNt::KeAcquireSpinLockRaiseToDpc(spin_lock) }
}

unsafe extern "win64" fn KeReleaseSpinLock(spin_lock: *mut KSPIN_LOCK, new_irql: KIRQL) {
    // SAFETY: the same contract.
    unsafe { ModelNt::KeReleaseSpinLock(spin_lock, new_irql) };
}

unsafe extern "win64" fn KeInitializeEvent(event: *mut KEVENT, event_type: EVENT_TYPE, state: BOOLEAN) {
    // SAFETY: the same contract.
    unsafe { ModelNt::KeInitializeEvent(event, event_type, state) };
}

unsafe extern "win64" fn KeSetEvent(event: *mut KEVENT, increment: i32, wait: BOOLEAN) -> i32 {
    // SAFETY: the same contract.
    unsafe { ModelNt::KeSetEvent(event, increment, wait) }
}

unsafe extern "win64" fn KeWaitForSingleObject(
    object: *mut c_void,
    wait_reason: KWAIT_REASON,
    wait_mode: KPROCESSOR_MODE,
    alertable: BOOLEAN,
    timeout: *const i64,
) -> NTSTATUS {
    // SAFETY: the same contract.
    unsafe { ModelNt::KeWaitForSingleObject(object, wait_reason, wait_mode, alertable, timeout) }
}

unsafe extern "win64" fn KeInitializeDpc(
    dpc: *mut KDPC,
    deferred_routine: KDEFERRED_ROUTINE,
    deferred_context: *mut c_void,
) {
    // SAFETY: the same contract.
    unsafe { ModelNt::KeInitializeDpc(dpc, deferred_routine, deferred_context) };
}

unsafe extern "win64" fn KeInitializeTimerEx(timer: *mut KTIMER, timer_type: TIMER_TYPE) {
    // SAFETY: the same contract.
    unsafe { ModelNt::KeInitializeTimerEx(timer, timer_type) };
}

unsafe extern "win64" fn KeSetCoalescableTimer(
    timer: *mut KTIMER,
    due_time: i64,
    period: u32,
    tolerable_delay: u32,
    dpc: *mut KDPC,
) -> BOOLEAN {
    // SAFETY: the same contract.
    unsafe { ModelNt::KeSetCoalescableTimer(timer, due_time, period, tolerable_delay, dpc) }
}

unsafe extern "win64" fn KeCancelTimer(timer: *mut KTIMER) -> BOOLEAN {
    // SAFETY: the same contract.
    unsafe { ModelNt::KeCancelTimer(timer) }
}

unsafe extern "win64" fn ExSetTimerResolution(desired_time: u32, set_resolution: BOOLEAN) -> u32 {
    // SAFETY: the same contract.
    unsafe { ModelNt::ExSetTimerResolution(desired_time, set_resolution) }
}

unsafe extern "win64" fn KeFlushQueuedDpcs() {
    // SAFETY: the same contract.
    unsafe { ModelNt::KeFlushQueuedDpcs() };
}

unsafe extern "win64" fn KeQueryPerformanceCounter(frequency: *mut i64) -> i64 {
    // SAFETY: the same contract.
    unsafe { ModelNt::KeQueryPerformanceCounter(frequency) }
}

unsafe extern "win64" fn KeDelayExecutionThread(
    wait_mode: KPROCESSOR_MODE,
    alertable: BOOLEAN,
    interval: *const i64,
) -> NTSTATUS {
    // SAFETY: the same contract.
    unsafe { ModelNt::KeDelayExecutionThread(wait_mode, alertable, interval) }
}

unsafe extern "win64" fn MmAllocatePagesForMdlEx(
    low_address: i64,
    high_address: i64,
    skip_bytes: i64,
    total_bytes: usize,
    cache_type: MEMORY_CACHING_TYPE,
    flags: u32,
) -> *mut MDL {
    // SAFETY: the same contract.
    unsafe {
        ModelNt::MmAllocatePagesForMdlEx(
            low_address,
            high_address,
            skip_bytes,
            total_bytes,
            cache_type,
            flags,
        )
    }
}

unsafe extern "win64" fn MmFreePagesFromMdl(mdl: *mut MDL) {
    // SAFETY: the same contract.
    unsafe { ModelNt::MmFreePagesFromMdl(mdl) };
}

unsafe extern "win64" fn MmMapIoSpaceEx(
    physical_address: i64,
    number_of_bytes: usize,
    protect: u32,
) -> *mut c_void {
    // SAFETY: the same contract.
    unsafe { ModelNt::MmMapIoSpaceEx(physical_address, number_of_bytes, protect) }
}

unsafe extern "win64" fn MmUnmapIoSpace(base_address: *mut c_void, number_of_bytes: usize) {
    // SAFETY: the same contract.
    unsafe { ModelNt::MmUnmapIoSpace(base_address, number_of_bytes) };
}

unsafe extern "win64" fn MmBuildMdlForNonPagedPool(mdl: *mut MDL) {
    // SAFETY: the same contract.
    unsafe { ModelNt::MmBuildMdlForNonPagedPool(mdl) };
}

unsafe extern "win64" fn MmMapLockedPagesSpecifyCache(
    mdl: *mut MDL,
    access_mode: KPROCESSOR_MODE,
    cache_type: MEMORY_CACHING_TYPE,
    requested_address: *mut c_void,
    bug_check_on_failure: u32,
    priority: u32,
) -> *mut c_void {
    // SAFETY: the same contract.
    unsafe {
        ModelNt::MmMapLockedPagesSpecifyCache(
            mdl,
            access_mode,
            cache_type,
            requested_address,
            bug_check_on_failure,
            priority,
        )
    }
}

unsafe extern "win64" fn MmUnmapLockedPages(base_address: *mut c_void, mdl: *mut MDL) {
    // SAFETY: the same contract.
    unsafe { ModelNt::MmUnmapLockedPages(base_address, mdl) };
}

unsafe extern "win64" fn IoAllocateMdl(
    virtual_address: *mut c_void,
    length: u32,
    secondary_buffer: BOOLEAN,
    charge_quota: BOOLEAN,
    irp: *mut c_void,
) -> *mut MDL {
    // SAFETY: the same contract.
    unsafe { ModelNt::IoAllocateMdl(virtual_address, length, secondary_buffer, charge_quota, irp) }
}

unsafe extern "win64" fn IoFreeMdl(mdl: *mut MDL) {
    // SAFETY: the same contract.
    unsafe { ModelNt::IoFreeMdl(mdl) };
}

unsafe extern "win64" fn IoBuildPartialMdl(
    source_mdl: *mut MDL,
    target_mdl: *mut MDL,
    virtual_address: *mut c_void,
    length: u32,
) {
    // SAFETY: the same contract.
    unsafe { ModelNt::IoBuildPartialMdl(source_mdl, target_mdl, virtual_address, length) };
}

unsafe extern "win64" fn PsGetCurrentProcessId() -> HANDLE {
    // SAFETY: the same contract.
    unsafe { ModelNt::PsGetCurrentProcessId() }
}

unsafe extern "win64" fn ObReferenceObjectByHandle(
    handle: HANDLE,
    desired_access: u32,
    object_type: *mut OBJECT_TYPE,
    access_mode: KPROCESSOR_MODE,
    object: *mut *mut c_void,
    handle_information: *mut c_void,
) -> NTSTATUS {
    // SAFETY: the same contract.
    unsafe {
        ModelNt::ObReferenceObjectByHandle(
            handle,
            desired_access,
            object_type,
            access_mode,
            object,
            handle_information,
        )
    }
}

unsafe extern "win64" fn ObfDereferenceObject(object: *mut c_void) -> isize {
    // SAFETY: the same contract.
    unsafe { ModelNt::ObfDereferenceObject(object) }
}

unsafe extern "win64" fn SeSinglePrivilegeCheck(
    privilege_value: LUID,
    previous_mode: KPROCESSOR_MODE,
) -> BOOLEAN {
    // SAFETY: the same contract.
    unsafe { ModelNt::SeSinglePrivilegeCheck(privilege_value, previous_mode) }
}

unsafe extern "win64" fn RtlInitUnicodeString(destination: *mut UNICODE_STRING, source: *const u16) {
    // SAFETY: the same contract.
    unsafe { ModelNt::RtlInitUnicodeString(destination, source) };
}

unsafe extern "win64" fn ZwOpenKey(
    key_handle: *mut HANDLE,
    desired_access: u32,
    object_attributes: *const OBJECT_ATTRIBUTES,
) -> NTSTATUS {
    // SAFETY: the same contract.
    unsafe { ModelNt::ZwOpenKey(key_handle, desired_access, object_attributes) }
}

unsafe extern "win64" fn ZwQueryValueKey(
    key_handle: HANDLE,
    value_name: *const UNICODE_STRING,
    key_value_information_class: KEY_VALUE_INFORMATION_CLASS,
    key_value_information: *mut c_void,
    length: u32,
    result_length: *mut u32,
) -> NTSTATUS {
    // SAFETY: the same contract.
    unsafe {
        ModelNt::ZwQueryValueKey(
            key_handle,
            value_name,
            key_value_information_class,
            key_value_information,
            length,
            result_length,
        )
    }
}

unsafe extern "win64" fn ZwClose(handle: HANDLE) -> NTSTATUS {
    // SAFETY: the same contract.
    unsafe { ModelNt::ZwClose(handle) }
}

unsafe extern "win64" fn DbgPrintEx(
    component_id: u32,
    level: u32,
    format: *const c_char,
    argument: *const c_char,
) -> NTSTATUS {
    // SAFETY: the same contract.
    unsafe { ModelNt::DbgPrintEx(component_id, level, format, argument) }
}
