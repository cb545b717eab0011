//! The driver's [`Nt`]: each function is the export of ntoskrnl.exe with its name.
#![expect(unsafe_code, reason = "calls functions of ntoskrnl.exe")]

use core::ffi::{c_char, c_void};

use pvgpu_kmd_ddi::*;
use pvgpu_kmd_wddm::Nt;

use crate::{imports, seh};

/// The running kernel.
pub struct Ntoskrnl;

macro_rules! exports {
    ($($name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?;)*) => {
        $(
            unsafe fn $name($($argument: $type),*) $(-> $result)? {
                // SAFETY: the caller keeps what the trait states, which is what the export's page asks for.
                unsafe { imports::$name($($argument),*) }
            }
        )*
    };
}

// SAFETY: these are the exports themselves; the two that are not are in `seh`, which does what the trait says.
unsafe impl Nt for Ntoskrnl {
    exports! {
        ExAllocatePool2(flags: u64, number_of_bytes: usize, tag: u32) -> *mut c_void;
        ExFreePoolWithTag(p: *mut c_void, tag: u32);
        KeAcquireSpinLockRaiseToDpc(spin_lock: *mut KSPIN_LOCK) -> KIRQL;
        KeReleaseSpinLock(spin_lock: *mut KSPIN_LOCK, new_irql: KIRQL);
        KeInitializeEvent(event: *mut KEVENT, event_type: EVENT_TYPE, state: BOOLEAN);
        KeSetEvent(event: *mut KEVENT, increment: i32, wait: BOOLEAN) -> i32;
        KeWaitForSingleObject(
            object: *mut c_void, wait_reason: KWAIT_REASON, wait_mode: KPROCESSOR_MODE, alertable: BOOLEAN,
            timeout: *const i64,
        ) -> NTSTATUS;
        KeInitializeDpc(dpc: *mut KDPC, deferred_routine: KDEFERRED_ROUTINE, deferred_context: *mut c_void);
        KeInitializeTimerEx(timer: *mut KTIMER, timer_type: TIMER_TYPE);
        KeSetCoalescableTimer(
            timer: *mut KTIMER, due_time: i64, period: u32, tolerable_delay: u32, dpc: *mut KDPC,
        ) -> BOOLEAN;
        KeCancelTimer(timer: *mut KTIMER) -> BOOLEAN;
        ExSetTimerResolution(desired_time: u32, set_resolution: BOOLEAN) -> u32;
        KeFlushQueuedDpcs();
        KeQueryPerformanceCounter(frequency: *mut i64) -> i64;
        KeDelayExecutionThread(wait_mode: KPROCESSOR_MODE, alertable: BOOLEAN, interval: *const i64) -> NTSTATUS;
        MmAllocatePagesForMdlEx(
            low_address: i64, high_address: i64, skip_bytes: i64, total_bytes: usize, cache_type: MEMORY_CACHING_TYPE,
            flags: u32,
        ) -> *mut MDL;
        MmFreePagesFromMdl(mdl: *mut MDL);
        MmMapIoSpaceEx(physical_address: i64, number_of_bytes: usize, protect: u32) -> *mut c_void;
        MmUnmapIoSpace(base_address: *mut c_void, number_of_bytes: usize);
        MmBuildMdlForNonPagedPool(mdl: *mut MDL);
        MmUnmapLockedPages(base_address: *mut c_void, mdl: *mut MDL);
        IoAllocateMdl(
            virtual_address: *mut c_void, length: u32, secondary_buffer: BOOLEAN, charge_quota: BOOLEAN,
            irp: *mut c_void,
        ) -> *mut MDL;
        IoFreeMdl(mdl: *mut MDL);
        IoBuildPartialMdl(source_mdl: *mut MDL, target_mdl: *mut MDL, virtual_address: *mut c_void, length: u32);
        PsGetCurrentProcessId() -> HANDLE;
        ObReferenceObjectByHandle(
            handle: HANDLE, desired_access: u32, object_type: *mut OBJECT_TYPE, access_mode: KPROCESSOR_MODE,
            object: *mut *mut c_void, handle_information: *mut c_void,
        ) -> NTSTATUS;
        ObfDereferenceObject(object: *mut c_void) -> isize;
        SeSinglePrivilegeCheck(privilege_value: LUID, previous_mode: KPROCESSOR_MODE) -> BOOLEAN;
        RtlInitUnicodeString(destination: *mut UNICODE_STRING, source: *const u16);
        ZwOpenKey(
            key_handle: *mut HANDLE, desired_access: u32, object_attributes: *const OBJECT_ATTRIBUTES,
        ) -> NTSTATUS;
        ZwQueryValueKey(
            key_handle: HANDLE, value_name: *const UNICODE_STRING,
            key_value_information_class: KEY_VALUE_INFORMATION_CLASS, key_value_information: *mut c_void, length: u32,
            result_length: *mut u32,
        ) -> NTSTATUS;
        ZwClose(handle: HANDLE) -> NTSTATUS;
        DbgPrintEx(component_id: u32, level: u32, format: *const c_char, argument: *const c_char) -> NTSTATUS;
    }

    fn ExEventObjectType() -> *mut OBJECT_TYPE {
        imports::event_object_type()
    }

    unsafe fn MmMapLockedPagesSpecifyCache(
        mdl: *mut MDL,
        access_mode: KPROCESSOR_MODE,
        cache_type: MEMORY_CACHING_TYPE,
        requested_address: *mut c_void,
        bug_check_on_failure: u32,
        priority: u32,
    ) -> *mut c_void {
        // SAFETY: the caller keeps what the trait states.
        unsafe {
            seh::map_locked_pages(
                mdl,
                access_mode,
                cache_type,
                requested_address,
                bug_check_on_failure,
                priority,
            )
        }
    }

    unsafe fn copy_from_user(destination: *mut u8, source: *const u8, length: usize) -> bool {
        // SAFETY: the caller keeps what the trait states.
        unsafe { seh::copy_from_user(destination, source, length) }
    }
}
