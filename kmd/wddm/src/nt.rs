//! The exports of ntoskrnl.exe that the driver uses: the one list, as a trait.
//!
//! The .sys imports them, the model of NT in `pvgpu-dxgkrnl` implements them, the tests have a fake. Names, arguments and
//! results are those of `wdm.h` and `ntddk.h`, so each function's page in the WDK documentation is its contract; what is said
//! here is only what this driver promises beyond it. Nothing that the headers define inline is needed.
//!
//! Structures of the kernel are storage that their owner keeps in non-paged memory and never moves while NT knows of it.
#![expect(non_snake_case, reason = "the functions have their exported names")]
#![expect(
    unsafe_code,
    reason = "the functions take pointers; they are declared here, and called in `kernel` and `ffi`"
)]

use core::ffi::{c_char, c_void};

use pvgpu_kmd_ddi::{
    BOOLEAN, EVENT_TYPE, HANDLE, KDEFERRED_ROUTINE, KDPC, KEVENT, KEY_VALUE_INFORMATION_CLASS, KIRQL,
    KPROCESSOR_MODE, KSPIN_LOCK, KTIMER, KWAIT_REASON, LUID, MDL, MEMORY_CACHING_TYPE, NTSTATUS,
    OBJECT_ATTRIBUTES, OBJECT_TYPE, TIMER_TYPE, UNICODE_STRING,
};

/// The services of ntoskrnl.exe.
///
/// # Safety
/// Every function does what the WDK documents for the export of its name; in particular locks exclude, memory that was
/// allocated is ours until it is freed, and a mapping shows the pages that it was made of.
pub unsafe trait Nt: Send + Sync + Sized + 'static {
    /// Pool memory, zeroed. IRQL ≤ `DISPATCH_LEVEL` for non-paged pool, which is the only one used.
    ///
    /// # Safety
    /// None beyond the page's.
    unsafe fn ExAllocatePool2(flags: u64, number_of_bytes: usize, tag: u32) -> *mut c_void;

    /// Gives pool memory back. `tag` 0 frees memory that NT allocated for the driver (the MDL of
    /// [`Nt::MmAllocatePagesForMdlEx`]). IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `p` came from the pool with this tag and is not used any more.
    unsafe fn ExFreePoolWithTag(p: *mut c_void, tag: u32);

    /// Takes a spin lock, raises to `DISPATCH_LEVEL`, gives the IRQL before. IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `spin_lock` is a spin lock in non-paged memory that this thread does not hold.
    unsafe fn KeAcquireSpinLockRaiseToDpc(spin_lock: *mut KSPIN_LOCK) -> KIRQL;

    /// Releases a spin lock and lowers to the IRQL before. `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// This thread holds the lock; `new_irql` is what taking it gave.
    unsafe fn KeReleaseSpinLock(spin_lock: *mut KSPIN_LOCK, new_irql: KIRQL);

    /// Begins the life of an event. Any IRQL.
    ///
    /// # Safety
    /// `event` is storage for one in non-paged memory.
    unsafe fn KeInitializeEvent(event: *mut KEVENT, event_type: EVENT_TYPE, state: BOOLEAN);

    /// Sets an event; gives its state before. IRQL ≤ `DISPATCH_LEVEL`: `wait` is always 0.
    ///
    /// # Safety
    /// `event` is an event.
    unsafe fn KeSetEvent(event: *mut KEVENT, increment: i32, wait: BOOLEAN) -> i32;

    /// Waits. `PASSIVE_LEVEL`, or IRQL ≤ `DISPATCH_LEVEL` with a time-out of 0. `timeout` is in 100 ns, negative for a span
    /// from now.
    ///
    /// # Safety
    /// `object` is an event or a timer; `timeout` is null or readable.
    unsafe fn KeWaitForSingleObject(
        object: *mut c_void,
        wait_reason: KWAIT_REASON,
        wait_mode: KPROCESSOR_MODE,
        alertable: BOOLEAN,
        timeout: *const i64,
    ) -> NTSTATUS;

    /// Begins the life of a DPC. Any IRQL.
    ///
    /// # Safety
    /// `dpc` is storage for one in non-paged memory.
    unsafe fn KeInitializeDpc(
        dpc: *mut KDPC,
        deferred_routine: KDEFERRED_ROUTINE,
        deferred_context: *mut c_void,
    );

    /// Begins the life of a timer. Any IRQL.
    ///
    /// # Safety
    /// `timer` is storage for one in non-paged memory.
    unsafe fn KeInitializeTimerEx(timer: *mut KTIMER, timer_type: TIMER_TYPE);

    /// Starts a timer; tells whether it was running. IRQL ≤ `DISPATCH_LEVEL`. `due_time` is in 100 ns, negative for a span
    /// from now; `period` and `tolerable_delay` are in milliseconds.
    ///
    /// # Safety
    /// `timer` is a timer, `dpc` null or a DPC that lives until the timer is cancelled and DPCs are flushed.
    unsafe fn KeSetCoalescableTimer(
        timer: *mut KTIMER,
        due_time: i64,
        period: u32,
        tolerable_delay: u32,
        dpc: *mut KDPC,
    ) -> BOOLEAN;

    /// Stops a timer; tells whether it was running. Its DPC may still be queued. IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `timer` is a timer.
    unsafe fn KeCancelTimer(timer: *mut KTIMER) -> BOOLEAN;

    /// Asks for a clock interrupt every `desired_time` units of 100 ns, for timers that are more precise, or takes the wish back
    /// (`set_resolution` 0). Gives the interval. `PASSIVE_LEVEL`.
    ///
    /// # Safety
    /// None beyond the page's.
    unsafe fn ExSetTimerResolution(desired_time: u32, set_resolution: BOOLEAN) -> u32;

    /// Waits until all DPCs that are queued now have run. `PASSIVE_LEVEL`.
    ///
    /// # Safety
    /// None beyond the page's.
    unsafe fn KeFlushQueuedDpcs();

    /// The performance counter, and its frequency in Hz where `frequency` is not null. Any IRQL.
    ///
    /// # Safety
    /// `frequency` is null or writable.
    unsafe fn KeQueryPerformanceCounter(frequency: *mut i64) -> i64;

    /// Sleeps. IRQL ≤ `APC_LEVEL`. `interval` is in 100 ns, negative for a span from now.
    ///
    /// # Safety
    /// `interval` is readable.
    unsafe fn KeDelayExecutionThread(
        wait_mode: KPROCESSOR_MODE,
        alertable: BOOLEAN,
        interval: *const i64,
    ) -> NTSTATUS;

    /// Physical pages, zeroed, described by a new MDL; null when there are none. IRQL ≤ `APC_LEVEL`.
    ///
    /// # Safety
    /// None beyond the page's.
    unsafe fn MmAllocatePagesForMdlEx(
        low_address: i64,
        high_address: i64,
        skip_bytes: i64,
        total_bytes: usize,
        cache_type: MEMORY_CACHING_TYPE,
        flags: u32,
    ) -> *mut MDL;

    /// Gives the pages back; the MDL is freed with [`Nt::ExFreePoolWithTag`] afterwards. IRQL ≤ `APC_LEVEL`.
    ///
    /// # Safety
    /// `mdl` came from [`Nt::MmAllocatePagesForMdlEx`], and nothing maps its pages any more.
    unsafe fn MmFreePagesFromMdl(mdl: *mut MDL);

    /// Maps device memory into system space, or null. `protect` is `PAGE_*`. `PASSIVE_LEVEL`. For the ivshmem device's aperture,
    /// which can have more bytes than `DxgkCbMapMemory`'s 32-bit length says.
    ///
    /// # Safety
    /// The range is a memory resource of the device.
    unsafe fn MmMapIoSpaceEx(physical_address: i64, number_of_bytes: usize, protect: u32) -> *mut c_void;

    /// Ends a mapping of [`Nt::MmMapIoSpaceEx`]. `PASSIVE_LEVEL`.
    ///
    /// # Safety
    /// Address and size are the mapping's, and it is not used any more.
    unsafe fn MmUnmapIoSpace(base_address: *mut c_void, number_of_bytes: usize);

    /// Fills in an MDL of [`Nt::IoAllocateMdl`] with the pages behind its addresses. IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// The addresses are non-paged pool, or a mapping of [`Nt::MmMapIoSpaceEx`] or of [`Nt::MmMapLockedPagesSpecifyCache`] in
    /// system space, and stay so while the MDL lives.
    unsafe fn MmBuildMdlForNonPagedPool(mdl: *mut MDL);

    /// Maps an MDL's pages. `PASSIVE_LEVEL` for `access_mode` user, into the calling process. Null when that fails: the
    /// export raises an exception for user mode, which the implementation catches.
    ///
    /// # Safety
    /// `mdl` describes locked pages and is not mapped in this mode.
    unsafe fn MmMapLockedPagesSpecifyCache(
        mdl: *mut MDL,
        access_mode: KPROCESSOR_MODE,
        cache_type: MEMORY_CACHING_TYPE,
        requested_address: *mut c_void,
        bug_check_on_failure: u32,
        priority: u32,
    ) -> *mut c_void;

    /// Ends a mapping; one in a process, in that process. IRQL ≤ `DISPATCH_LEVEL`, ≤ `APC_LEVEL` for user mode.
    ///
    /// # Safety
    /// The mapping is of this MDL and not used any more.
    unsafe fn MmUnmapLockedPages(base_address: *mut c_void, mdl: *mut MDL);

    /// An MDL for a range of addresses, or null. IRQL ≤ `DISPATCH_LEVEL`. `irp` is always null.
    ///
    /// # Safety
    /// None beyond the page's.
    unsafe fn IoAllocateMdl(
        virtual_address: *mut c_void,
        length: u32,
        secondary_buffer: BOOLEAN,
        charge_quota: BOOLEAN,
        irp: *mut c_void,
    ) -> *mut MDL;

    /// Frees an MDL of [`Nt::IoAllocateMdl`]. IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// It is not mapped and not used any more.
    unsafe fn IoFreeMdl(mdl: *mut MDL);

    /// Makes `target_mdl` describe a part of `source_mdl`'s pages. An MDL of [`Nt::MmAllocatePagesForMdlEx`] begins at
    /// address 0. IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// The range lies in the source's, and `target_mdl` was allocated for it.
    unsafe fn IoBuildPartialMdl(
        source_mdl: *mut MDL,
        target_mdl: *mut MDL,
        virtual_address: *mut c_void,
        length: u32,
    );

    /// The calling process. Any IRQL (in a thread's context).
    ///
    /// # Safety
    /// None beyond the page's.
    unsafe fn PsGetCurrentProcessId() -> HANDLE;

    /// The object behind a handle, with a reference. `PASSIVE_LEVEL`, in the handle's process.
    ///
    /// # Safety
    /// `object` is writable; `object_type` is null or a type.
    unsafe fn ObReferenceObjectByHandle(
        handle: HANDLE,
        desired_access: u32,
        object_type: *mut OBJECT_TYPE,
        access_mode: KPROCESSOR_MODE,
        object: *mut *mut c_void,
        handle_information: *mut c_void,
    ) -> NTSTATUS;

    /// Gives a reference back. IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// The caller has a reference to the object and does not use it any more.
    unsafe fn ObfDereferenceObject(object: *mut c_void) -> isize;

    /// What the exported variable `ExEventObjectType` points to: the type of event objects. Any IRQL.
    fn ExEventObjectType() -> *mut OBJECT_TYPE;

    /// Whether the calling thread's token has a privilege, enabled. `PASSIVE_LEVEL`.
    ///
    /// # Safety
    /// None beyond the page's.
    unsafe fn SeSinglePrivilegeCheck(privilege_value: LUID, previous_mode: KPROCESSOR_MODE) -> BOOLEAN;

    /// Makes a counted string of a terminated one, which it goes on pointing to. Any IRQL here: the characters are in
    /// non-paged memory.
    ///
    /// # Safety
    /// `source` is null or terminated and outlives `destination`, which is writable.
    unsafe fn RtlInitUnicodeString(destination: *mut UNICODE_STRING, source: *const u16);

    /// Opens a registry key. `PASSIVE_LEVEL`.
    ///
    /// # Safety
    /// `key_handle` is writable; `object_attributes` and what it points to are readable.
    unsafe fn ZwOpenKey(
        key_handle: *mut HANDLE,
        desired_access: u32,
        object_attributes: *const OBJECT_ATTRIBUTES,
    ) -> NTSTATUS;

    /// Reads a registry value. `PASSIVE_LEVEL`.
    ///
    /// # Safety
    /// `key_value_information` has room for `length` bytes; `result_length` is writable.
    unsafe fn ZwQueryValueKey(
        key_handle: HANDLE,
        value_name: *const UNICODE_STRING,
        key_value_information_class: KEY_VALUE_INFORMATION_CLASS,
        key_value_information: *mut c_void,
        length: u32,
        result_length: *mut u32,
    ) -> NTSTATUS;

    /// Closes a handle. `PASSIVE_LEVEL`.
    ///
    /// # Safety
    /// The handle is ours and not used any more.
    unsafe fn ZwClose(handle: HANDLE) -> NTSTATUS;

    /// Writes one line to the debugger: the export is variadic, and is only called with the format `%s`. IRQL ≤ `DIRQL`.
    ///
    /// # Safety
    /// `format` and `argument` are terminated.
    unsafe fn DbgPrintEx(
        component_id: u32,
        level: u32,
        format: *const c_char,
        argument: *const c_char,
    ) -> NTSTATUS;

    /// Copies from the calling process's memory, of which nothing is known; tells whether all of it could be read. No
    /// export: the .sys has a routine with an exception handler. An address range that is not all in user space counts as
    /// unreadable. IRQL ≤ `APC_LEVEL`.
    ///
    /// # Safety
    /// `destination` has room for `length` bytes and is kernel memory. After `false` its bytes are undefined but
    /// initialised.
    unsafe fn copy_from_user(destination: *mut u8, source: *const u8, length: usize) -> bool;
}
