//! [`imports`](crate::imports) for a Windows host with the WDK: the same functions, from windows-drivers-rs.
//!
//! `wdk-sys` generates its declarations from the WDK's own headers when it is built, so that a build with this feature checks ours: every
//! call below must fit the header's declaration, and the structures that the driver keeps must have the header's sizes. The
//! image has the same entry points, handlers and sections as the default build; the load configuration comes from the WDK's
//! libraries, a panic goes to `wdk-panic`, and Rust's allocations to `wdk-alloc` (whose pool tag is "rust").
//!
//! windows-drivers-rs does not build on Linux. The names and types used here were read in its sources (wdk-sys 0.5.2) and in the
//! documentation of `wdm.h` and `ntddk.h`; the workflow for Windows compiles them.
#![expect(unsafe_code, reason = "calls functions of ntoskrnl.exe")]
#![expect(non_snake_case, reason = "the functions have their exported names")]

use core::ffi::{c_char, c_void};

use pvgpu_kmd_ddi::*;
// The panic handler is all there is in it.
use wdk_panic as _;
use wdk_sys::ntddk;

/// Ours is large enough, and no larger.
macro_rules! same_size {
    ($($name:ident)*) => { $(const _: () = assert!(size_of::<$name>() == size_of::<wdk_sys::$name>());)* };
}

same_size! { KEVENT KTIMER KDPC UNICODE_STRING OBJECT_ATTRIBUTES LUID IO_STATUS_BLOCK }

/// Functions whose arguments differ from the headers' in the names of pointers' targets at most: `function(argument: type = how it
/// is passed)`.
macro_rules! functions {
    ($($name:ident($($argument:ident: $type:ty = $passed:expr),* $(,)?) $(-> $result:ty)?;)*) => {
        $(
            pub unsafe fn $name($($argument: $type),*) $(-> $result)? {
                // SAFETY: the caller keeps the contract of the function's page.
                unsafe { ntddk::$name($($passed),*) }
            }
        )*
    };
}

functions! {
    ExFreePoolWithTag(p: *mut c_void = p, tag: u32 = tag);
    KeAcquireSpinLockRaiseToDpc(spin_lock: *mut KSPIN_LOCK = spin_lock.cast()) -> KIRQL;
    KeReleaseSpinLock(spin_lock: *mut KSPIN_LOCK = spin_lock.cast(), new_irql: KIRQL = new_irql);
    KeInitializeEvent(event: *mut KEVENT = event.cast(), event_type: EVENT_TYPE = event_type, state: BOOLEAN = state);
    KeSetEvent(event: *mut KEVENT = event.cast(), increment: i32 = increment, wait: BOOLEAN = wait) -> i32;
    KeWaitForSingleObject(
        object: *mut c_void = object,
        wait_reason: KWAIT_REASON = wait_reason,
        wait_mode: KPROCESSOR_MODE = wait_mode,
        alertable: BOOLEAN = alertable,
        timeout: *const i64 = timeout.cast_mut().cast(),
    ) -> NTSTATUS;
    KeInitializeTimerEx(timer: *mut KTIMER = timer.cast(), timer_type: TIMER_TYPE = timer_type);
    KeSetCoalescableTimer(
        timer: *mut KTIMER = timer.cast(),
        due_time: i64 = large(due_time),
        period: u32 = period,
        tolerable_delay: u32 = tolerable_delay,
        dpc: *mut KDPC = dpc.cast(),
    ) -> BOOLEAN;
    KeCancelTimer(timer: *mut KTIMER = timer.cast()) -> BOOLEAN;
    ExSetTimerResolution(desired_time: u32 = desired_time, set_resolution: BOOLEAN = set_resolution) -> u32;
    KeFlushQueuedDpcs();
    KeDelayExecutionThread(
        wait_mode: KPROCESSOR_MODE = wait_mode,
        alertable: BOOLEAN = alertable,
        interval: *const i64 = interval.cast_mut().cast(),
    ) -> NTSTATUS;
    MmFreePagesFromMdl(mdl: *mut MDL = mdl.cast());
    MmBuildMdlForNonPagedPool(mdl: *mut MDL = mdl.cast());
    MmUnmapLockedPages(base_address: *mut c_void = base_address, mdl: *mut MDL = mdl.cast());
    IoFreeMdl(mdl: *mut MDL = mdl.cast());
    IoBuildPartialMdl(
        source_mdl: *mut MDL = source_mdl.cast(),
        target_mdl: *mut MDL = target_mdl.cast(),
        virtual_address: *mut c_void = virtual_address,
        length: u32 = length,
    );
    PsGetCurrentProcessId() -> HANDLE;
    ObReferenceObjectByHandle(
        handle: HANDLE = handle,
        desired_access: u32 = desired_access,
        object_type: *mut OBJECT_TYPE = object_type.cast(),
        access_mode: KPROCESSOR_MODE = access_mode,
        object: *mut *mut c_void = object,
        handle_information: *mut c_void = handle_information.cast(),
    ) -> NTSTATUS;
    RtlInitUnicodeString(destination: *mut UNICODE_STRING = destination.cast(), source: *const u16 = source);
    ZwOpenKey(
        key_handle: *mut HANDLE = key_handle,
        desired_access: u32 = desired_access,
        object_attributes: *const OBJECT_ATTRIBUTES = object_attributes.cast_mut().cast(),
    ) -> NTSTATUS;
    ZwQueryValueKey(
        key_handle: HANDLE = key_handle,
        value_name: *const UNICODE_STRING = value_name.cast_mut().cast(),
        key_value_information_class: KEY_VALUE_INFORMATION_CLASS = key_value_information_class,
        key_value_information: *mut c_void = key_value_information,
        length: u32 = length,
        result_length: *mut u32 = result_length,
    ) -> NTSTATUS;
    ZwClose(handle: HANDLE = handle) -> NTSTATUS;
    ZwLoadDriver(driver_service_name: *mut UNICODE_STRING = driver_service_name.cast()) -> NTSTATUS;
    IoGetDeviceObjectPointer(
        object_name: *mut UNICODE_STRING = object_name.cast(),
        desired_access: u32 = desired_access,
        file_object: *mut *mut c_void = file_object.cast(),
        device_object: *mut *mut c_void = device_object.cast(),
    ) -> NTSTATUS;
    IofCallDriver(device_object: *mut c_void = device_object.cast(), irp: *mut c_void = irp.cast()) -> NTSTATUS;
}

/// `LARGE_INTEGER` and `PHYSICAL_ADDRESS`, a union of 64 bits.
fn large(value: i64) -> wdk_sys::LARGE_INTEGER {
    wdk_sys::LARGE_INTEGER { QuadPart: value }
}

pub unsafe fn ExAllocatePool2(flags: u64, number_of_bytes: usize, tag: u32) -> *mut c_void {
    // CAST: SIZE_T has 64 bits.
    // SAFETY: the caller keeps the contract of the function's page.
    unsafe { ntddk::ExAllocatePool2(flags, number_of_bytes as u64, tag) }
}

pub unsafe fn KeInitializeDpc(
    dpc: *mut KDPC,
    deferred_routine: KDEFERRED_ROUTINE,
    deferred_context: *mut c_void,
) {
    // SAFETY: the calling convention of this target is the one that the type names; the arguments are four pointers in both.
    let routine =
        unsafe { core::mem::transmute::<KDEFERRED_ROUTINE, wdk_sys::PKDEFERRED_ROUTINE>(deferred_routine) };
    // SAFETY: the caller keeps the contract of the function's page.
    unsafe { ntddk::KeInitializeDpc(dpc.cast(), routine, deferred_context) };
}

pub unsafe fn KeQueryPerformanceCounter(frequency: *mut i64) -> i64 {
    // SAFETY: the caller keeps the contract of the function's page.
    let counter = unsafe { ntddk::KeQueryPerformanceCounter(frequency.cast()) };
    // SAFETY: all of a LARGE_INTEGER is this number.
    unsafe { counter.QuadPart }
}

pub unsafe fn MmAllocatePagesForMdlEx(
    low_address: i64,
    high_address: i64,
    skip_bytes: i64,
    total_bytes: usize,
    cache_type: MEMORY_CACHING_TYPE,
    flags: u32,
) -> *mut MDL {
    let (low, high, skip) = (large(low_address), large(high_address), large(skip_bytes));
    // CAST: SIZE_T has 64 bits.
    // SAFETY: the caller keeps the contract of the function's page.
    unsafe { ntddk::MmAllocatePagesForMdlEx(low, high, skip, total_bytes as u64, cache_type, flags) }.cast()
}

pub unsafe fn MmMapIoSpaceEx(physical_address: i64, number_of_bytes: usize, protect: u32) -> *mut c_void {
    // CAST: SIZE_T has 64 bits.
    // SAFETY: the caller keeps the contract of the function's page.
    unsafe { ntddk::MmMapIoSpaceEx(large(physical_address), number_of_bytes as u64, protect) }
}

pub unsafe fn MmUnmapIoSpace(base_address: *mut c_void, number_of_bytes: usize) {
    // CAST: SIZE_T has 64 bits.
    // SAFETY: the caller keeps the contract of the function's page.
    unsafe { ntddk::MmUnmapIoSpace(base_address, number_of_bytes as u64) };
}

pub unsafe fn IoAllocateMdl(
    virtual_address: *mut c_void,
    length: u32,
    secondary_buffer: BOOLEAN,
    charge_quota: BOOLEAN,
    irp: *mut c_void,
) -> *mut MDL {
    // SAFETY: the caller keeps the contract of the function's page.
    unsafe { ntddk::IoAllocateMdl(virtual_address, length, secondary_buffer, charge_quota, irp.cast()) }
        .cast()
}

pub unsafe fn ObfDereferenceObject(object: *mut c_void) -> isize {
    // CAST: LONG_PTR has 64 bits.
    // SAFETY: the caller keeps the contract of the function's page.
    unsafe { ntddk::ObfDereferenceObject(object) as isize }
}

pub unsafe fn SeSinglePrivilegeCheck(privilege_value: LUID, previous_mode: KPROCESSOR_MODE) -> BOOLEAN {
    let LUID { LowPart, HighPart, .. } = privilege_value;
    // SAFETY: the caller keeps the contract of the function's page.
    unsafe { ntddk::SeSinglePrivilegeCheck(wdk_sys::LUID { LowPart, HighPart }, previous_mode) }
}

pub unsafe fn DbgPrintEx(
    component_id: u32,
    level: u32,
    format: *const c_char,
    argument: *const c_char,
) -> NTSTATUS {
    // CAST: the headers declare ULONG for what is an NTSTATUS.
    // SAFETY: the caller keeps the contract of the function's page.
    unsafe { ntddk::DbgPrintEx(component_id, level, format, argument) as NTSTATUS }
}

pub unsafe fn IoBuildDeviceIoControlRequest(
    io_control_code: u32,
    device_object: *mut c_void,
    input_buffer: *mut c_void,
    input_buffer_length: u32,
    output_buffer: *mut c_void,
    output_buffer_length: u32,
    internal_device_io_control: BOOLEAN,
    event: *mut KEVENT,
    io_status_block: *mut IO_STATUS_BLOCK,
) -> *mut c_void {
    // SAFETY: the caller keeps the contract of the function's page.
    unsafe {
        ntddk::IoBuildDeviceIoControlRequest(
            io_control_code,
            device_object.cast(),
            input_buffer,
            input_buffer_length,
            output_buffer,
            output_buffer_length,
            internal_device_io_control,
            event.cast(),
            io_status_block.cast(),
        )
    }
    .cast()
}

/// The type of event objects. The header's variable is the import table's entry, which holds the address of the kernel's.
pub fn event_object_type() -> *mut OBJECT_TYPE {
    // SAFETY: the loader sets the entry before any code of the driver runs, and nothing changes it.
    let variable = unsafe { ntddk::ExEventObjectType };
    // SAFETY: NT sets the variable before any driver runs and never changes it.
    unsafe { *variable }.cast()
}
