//! The imports: every export of ntoskrnl.exe that the driver uses.
//!
//! Most are the functions of [`Nt`](pvgpu_kmd_wddm::Nt), where their rules are stated; the rest belongs to DriverEntry
//! ([`crate::displib`]), to a panic and to exceptions. No import library is needed: the linker is given one that rustc makes
//! of this list.
#![expect(unsafe_code, reason = "declares functions of ntoskrnl.exe")]

use core::ffi::{c_char, c_void};

use pvgpu_kmd_ddi::*;

#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "win64" {
    pub fn ExAllocatePool2(flags: u64, number_of_bytes: usize, tag: u32) -> *mut c_void;
    pub fn ExFreePoolWithTag(p: *mut c_void, tag: u32);
    pub fn KeAcquireSpinLockRaiseToDpc(spin_lock: *mut KSPIN_LOCK) -> KIRQL;
    pub fn KeReleaseSpinLock(spin_lock: *mut KSPIN_LOCK, new_irql: KIRQL);
    pub fn KeInitializeEvent(event: *mut KEVENT, event_type: EVENT_TYPE, state: BOOLEAN);
    pub fn KeSetEvent(event: *mut KEVENT, increment: i32, wait: BOOLEAN) -> i32;
    pub fn KeWaitForSingleObject(
        object: *mut c_void,
        wait_reason: KWAIT_REASON,
        wait_mode: KPROCESSOR_MODE,
        alertable: BOOLEAN,
        timeout: *const i64,
    ) -> NTSTATUS;
    pub fn KeInitializeDpc(
        dpc: *mut KDPC,
        deferred_routine: KDEFERRED_ROUTINE,
        deferred_context: *mut c_void,
    );
    pub fn KeInitializeTimerEx(timer: *mut KTIMER, timer_type: TIMER_TYPE);
    pub fn KeSetCoalescableTimer(
        timer: *mut KTIMER,
        due_time: i64,
        period: u32,
        tolerable_delay: u32,
        dpc: *mut KDPC,
    ) -> BOOLEAN;
    pub fn KeCancelTimer(timer: *mut KTIMER) -> BOOLEAN;
    pub fn ExSetTimerResolution(desired_time: u32, set_resolution: BOOLEAN) -> u32;
    pub fn KeFlushQueuedDpcs();
    pub fn KeQueryPerformanceCounter(frequency: *mut i64) -> i64;
    pub fn KeDelayExecutionThread(
        wait_mode: KPROCESSOR_MODE,
        alertable: BOOLEAN,
        interval: *const i64,
    ) -> NTSTATUS;
    pub fn MmAllocatePagesForMdlEx(
        low_address: i64,
        high_address: i64,
        skip_bytes: i64,
        total_bytes: usize,
        cache_type: MEMORY_CACHING_TYPE,
        flags: u32,
    ) -> *mut MDL;
    pub fn MmFreePagesFromMdl(mdl: *mut MDL);
    pub fn MmMapIoSpaceEx(physical_address: i64, number_of_bytes: usize, protect: u32) -> *mut c_void;
    pub fn MmUnmapIoSpace(base_address: *mut c_void, number_of_bytes: usize);
    pub fn MmBuildMdlForNonPagedPool(mdl: *mut MDL);
    pub fn MmUnmapLockedPages(base_address: *mut c_void, mdl: *mut MDL);
    pub fn IoAllocateMdl(
        virtual_address: *mut c_void,
        length: u32,
        secondary_buffer: BOOLEAN,
        charge_quota: BOOLEAN,
        irp: *mut c_void,
    ) -> *mut MDL;
    pub fn IoFreeMdl(mdl: *mut MDL);
    pub fn IoBuildPartialMdl(
        source_mdl: *mut MDL,
        target_mdl: *mut MDL,
        virtual_address: *mut c_void,
        length: u32,
    );
    pub fn PsGetCurrentProcessId() -> HANDLE;
    pub fn ObReferenceObjectByHandle(
        handle: HANDLE,
        desired_access: u32,
        object_type: *mut OBJECT_TYPE,
        access_mode: KPROCESSOR_MODE,
        object: *mut *mut c_void,
        handle_information: *mut c_void,
    ) -> NTSTATUS;
    pub fn ObfDereferenceObject(object: *mut c_void) -> isize;
    pub fn SeSinglePrivilegeCheck(privilege_value: LUID, previous_mode: KPROCESSOR_MODE) -> BOOLEAN;
    pub fn RtlInitUnicodeString(destination: *mut UNICODE_STRING, source: *const u16);
    pub fn ZwOpenKey(
        key_handle: *mut HANDLE,
        desired_access: u32,
        object_attributes: *const OBJECT_ATTRIBUTES,
    ) -> NTSTATUS;
    pub fn ZwQueryValueKey(
        key_handle: HANDLE,
        value_name: *const UNICODE_STRING,
        key_value_information_class: KEY_VALUE_INFORMATION_CLASS,
        key_value_information: *mut c_void,
        length: u32,
        result_length: *mut u32,
    ) -> NTSTATUS;
    pub fn ZwClose(handle: HANDLE) -> NTSTATUS;
    // A variadic function of the Windows x64 ABI takes integers and pointers just as any other does.
    pub fn DbgPrintEx(
        component_id: u32,
        level: u32,
        format: *const c_char,
        argument: *const c_char,
    ) -> NTSTATUS;

    pub fn ZwLoadDriver(driver_service_name: *mut UNICODE_STRING) -> NTSTATUS;
    pub fn IoGetDeviceObjectPointer(
        object_name: *mut UNICODE_STRING,
        desired_access: u32,
        file_object: *mut *mut c_void,
        device_object: *mut *mut c_void,
    ) -> NTSTATUS;
    pub fn IoBuildDeviceIoControlRequest(
        io_control_code: u32,
        device_object: *mut c_void,
        input_buffer: *mut c_void,
        input_buffer_length: u32,
        output_buffer: *mut c_void,
        output_buffer_length: u32,
        internal_device_io_control: BOOLEAN,
        event: *mut KEVENT,
        io_status_block: *mut IO_STATUS_BLOCK,
    ) -> *mut c_void;
    pub fn IofCallDriver(device_object: *mut c_void, irp: *mut c_void) -> NTSTATUS;

    pub fn KeBugCheckEx(
        bug_check_code: u32,
        parameter1: usize,
        parameter2: usize,
        parameter3: usize,
        parameter4: usize,
    ) -> !;
}

/// Named in [`crate::seh`]'s assembly only.
#[expect(dead_code, reason = "rustc makes import entries of what is declared; the assembly refers to them")]
mod raising {
    use super::*;

    #[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
    unsafe extern "win64" {
        fn MmMapLockedPagesSpecifyCache(
            mdl: *mut MDL,
            access_mode: KPROCESSOR_MODE,
            cache_type: MEMORY_CACHING_TYPE,
            requested_address: *mut c_void,
            bug_check_on_failure: u32,
            priority: u32,
        ) -> *mut c_void;
        fn __C_specific_handler();
    }
}

/// The exported variable. The header declares it as a pointer, because C takes it for the import table's entry; Rust follows that
/// entry by itself, so this is the variable in ntoskrnl.exe, which holds the type's address.
mod variable {
    use super::OBJECT_TYPE;

    #[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
    unsafe extern "C" {
        pub static ExEventObjectType: *mut OBJECT_TYPE;
    }
}

/// The type of event objects.
pub fn event_object_type() -> *mut OBJECT_TYPE {
    // SAFETY: the loader has bound the variable, and NT sets it before any driver runs and never changes it.
    unsafe { variable::ExEventObjectType }
}
