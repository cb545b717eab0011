//! [`ModelNt`]: every export of ntoskrnl.exe that the driver uses.

use std::ffi::{CStr, c_char, c_void};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pvgpu_kmd_wddm::Nt;
use pvgpu_kmd_wddm::types::*;

use super::cpu::{DPC_CONTEXT, DPC_OBJECT, DPC_ROUTINE};
use super::dispatcher::{
    self, Header, NOTIFICATION_EVENT, NOTIFICATION_TIMER, SYNCHRONIZATION_EVENT, SYNCHRONIZATION_TIMER,
};
use super::pool::POOL_FLAG_NON_PAGED;
use super::{
    STATUS_BUFFER_OVERFLOW, STATUS_BUFFER_TOO_SMALL, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_HANDLE,
    STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED, STATUS_OBJECT_NAME_NOT_FOUND,
    STATUS_OBJECT_TYPE_MISMATCH, STATUS_SUCCESS, spin_lock,
};
use crate::irql::{self, Irql};
use crate::system;
use crate::verifier::Rule;

/// The model's ntoskrnl.exe, for a driver that is linked into the program; [`super::exports`] is the same for an image.
#[derive(Debug)]
pub struct ModelNt;

/// `KernelMode`.
const KERNEL_MODE: KPROCESSOR_MODE = 0;
/// The frequency of the performance counter, as Windows has it: one count is 100 ns.
const COUNTS_PER_SECOND: i64 = 10_000_000;
/// `SE_LOAD_DRIVER_PRIVILEGE`.
const SE_LOAD_DRIVER_PRIVILEGE: u32 = 10;
/// `KeyValuePartialInformation`.
const KEY_VALUE_PARTIAL: KEY_VALUE_INFORMATION_CLASS = 2;
/// Bytes before the data of a `KEY_VALUE_PARTIAL_INFORMATION`.
const PARTIAL_HEADER: usize = 12;

/// The type object of events; only its address counts.
static EVENT_TYPE_OBJECT: u64 = 0;

/// What `ExEventObjectType` points to.
pub(super) fn event_type() -> *mut OBJECT_TYPE {
    (&raw const EVENT_TYPE_OBJECT).cast::<OBJECT_TYPE>().cast_mut()
}

/// The header of a dispatcher object.
///
/// # Safety
/// `object` points to one.
unsafe fn header<T>(object: *mut T) -> Header {
    let _ = object.expose_provenance();
    // SAFETY: this function's contract.
    unsafe { Header::at(object.cast()) }
}

/// The text of a counted string.
///
/// # Safety
/// `string` is null or points to one whose characters are readable.
pub(super) unsafe fn text(string: *const UNICODE_STRING) -> Option<String> {
    if string.is_null() {
        return None;
    }
    // SAFETY: not null, so readable by this function's contract.
    let string = unsafe { string.read_unaligned() };
    let count = usize::from(string.Length) / 2;
    let units = (0..count).map(|index| {
        // SAFETY: inside the string's characters.
        unsafe { string.Buffer.wrapping_add(index).read_unaligned() }
    });
    Some(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

// SAFETY: each function does what its page says, on the standard library; what a driver does wrong is noted and has no
// effect where that can be known.
unsafe impl Nt for ModelNt {
    unsafe fn ExAllocatePool2(flags: u64, number_of_bytes: usize, tag: u32) -> *mut c_void {
        const FUNCTION: &str = "ExAllocatePool2";
        let paged = flags & POOL_FLAG_NON_PAGED == 0;
        irql::require(if paged { Irql::Apc } else { Irql::Dispatch }, FUNCTION);
        system::with(|system, _| {
            if number_of_bytes == 0 || tag == 0 {
                system.verifier.report(Rule::PoolTag, FUNCTION, || "no bytes, or no tag".to_owned());
            }
            if system.inject.may_fail(FUNCTION) {
                return std::ptr::null_mut();
            }
            system.pool.allocate(&system.verifier, flags, number_of_bytes, tag)
        })
    }

    unsafe fn ExFreePoolWithTag(p: *mut c_void, tag: u32) {
        irql::require(Irql::Dispatch, "ExFreePoolWithTag");
        system::with(|system, _| {
            let of_nt = system.memory.free_mdl_with_pages(&system.verifier, p);
            if tag == 0 && !of_nt {
                let rule = Rule::PoolTag;
                system.verifier.report(rule, "ExFreePoolWithTag", || "freed without a tag".to_owned());
            }
            if let Some(bytes) = system.pool.bytes(p) {
                system.cpu.check_freed(&system.verifier, p.addr(), bytes);
            }
            system.pool.free(&system.verifier, p, if of_nt { 0 } else { tag });
        });
    }

    unsafe fn KeAcquireSpinLockRaiseToDpc(spin_lock: *mut KSPIN_LOCK) -> KIRQL {
        // SAFETY: the same contract.
        unsafe { spin_lock::acquire(spin_lock) as KIRQL }
    }

    unsafe fn KeReleaseSpinLock(spin_lock: *mut KSPIN_LOCK, new_irql: KIRQL) {
        // SAFETY: the same contract.
        unsafe { spin_lock::release(spin_lock, new_irql) };
    }

    unsafe fn KeInitializeEvent(event: *mut KEVENT, event_type: EVENT_TYPE, state: BOOLEAN) {
        let kind = if event_type == 0 { NOTIFICATION_EVENT } else { SYNCHRONIZATION_EVENT };
        // SAFETY: the contract: storage for an event.
        unsafe { header(event) }.initialise(kind, state != 0);
    }

    unsafe fn KeSetEvent(event: *mut KEVENT, _increment: i32, wait: BOOLEAN) -> i32 {
        const FUNCTION: &str = "KeSetEvent";
        irql::require(Irql::Dispatch, FUNCTION);
        if wait != 0 {
            system::report(Rule::Dispatcher, FUNCTION, || "Wait is not 0".to_owned());
        }
        // SAFETY: the contract: an event.
        let header = unsafe { header(event) };
        if !header.check(FUNCTION) {
            return 0;
        }
        let before = header.signal();
        system::with(|system, _| system.references.run_on_set(event.addr()));
        i32::from(before)
    }

    unsafe fn KeWaitForSingleObject(
        object: *mut c_void,
        _wait_reason: KWAIT_REASON,
        _wait_mode: KPROCESSOR_MODE,
        _alertable: BOOLEAN,
        timeout: *const i64,
    ) -> NTSTATUS {
        let _ = object.expose_provenance();
        // SAFETY: the same contract.
        unsafe { dispatcher::wait_for(object.cast(), timeout) }
    }

    unsafe fn KeInitializeDpc(
        dpc: *mut KDPC,
        deferred_routine: KDEFERRED_ROUTINE,
        deferred_context: *mut c_void,
    ) {
        let _ = dpc.expose_provenance();
        let object = dpc.cast::<u8>();
        // SAFETY: the contract: storage for a DPC, which has 64 bytes.
        unsafe { object.write_bytes(0, size_of::<KDPC>()) };
        // SAFETY: as above.
        unsafe { object.write(DPC_OBJECT) };
        // SAFETY: as above.
        unsafe { object.wrapping_add(DPC_ROUTINE).cast::<KDEFERRED_ROUTINE>().write(deferred_routine) };
        // SAFETY: as above.
        unsafe { object.wrapping_add(DPC_CONTEXT).cast::<*mut c_void>().write(deferred_context) };
    }

    unsafe fn KeInitializeTimerEx(timer: *mut KTIMER, timer_type: TIMER_TYPE) {
        let kind = if timer_type == 0 { NOTIFICATION_TIMER } else { SYNCHRONIZATION_TIMER };
        // SAFETY: the contract: storage for a timer.
        unsafe { header(timer) }.initialise(kind, false);
    }

    unsafe fn KeSetCoalescableTimer(
        timer: *mut KTIMER,
        due_time: i64,
        period: u32,
        _tolerable_delay: u32,
        dpc: *mut KDPC,
    ) -> BOOLEAN {
        const FUNCTION: &str = "KeSetCoalescableTimer";
        irql::require(Irql::Dispatch, FUNCTION);
        // SAFETY: the contract: a timer.
        let header = unsafe { header(timer) };
        if !header.check(FUNCTION) {
            return 0;
        }
        if !dpc.is_null() {
            // SAFETY: the contract: a DPC, whose first byte is its type.
            let kind = unsafe { dpc.cast::<u8>().read() };
            if kind != DPC_OBJECT {
                system::report(Rule::Dispatcher, FUNCTION, || "the DPC was not initialised".to_owned());
                return 0;
            }
        }
        header.clear();
        let times = (dispatcher::span(due_time), Duration::from_millis(u64::from(period)));
        let (timer, dpc) = (timer.addr(), dpc.addr());
        u8::from(system::with(|system, _| system.cpu.set_timer(system, timer, times, dpc)))
    }

    unsafe fn KeCancelTimer(timer: *mut KTIMER) -> BOOLEAN {
        const FUNCTION: &str = "KeCancelTimer";
        irql::require(Irql::Dispatch, FUNCTION);
        // SAFETY: the contract: a timer.
        if !unsafe { header(timer) }.check(FUNCTION) {
            return 0;
        }
        u8::from(system::with(|system, _| system.cpu.cancel_timer(timer.addr())))
    }

    unsafe fn ExSetTimerResolution(desired_time: u32, _set_resolution: u8) -> u32 {
        irql::require(Irql::Passive, "ExSetTimerResolution");
        // The model's timers are as precise as the machine's anyway.
        desired_time
    }

    unsafe fn KeFlushQueuedDpcs() {
        irql::require(Irql::Passive, "KeFlushQueuedDpcs");
        system::with(|system, _| system.cpu.flush());
    }

    unsafe fn KeQueryPerformanceCounter(frequency: *mut i64) -> i64 {
        static START: OnceLock<Instant> = OnceLock::new();
        if !frequency.is_null() {
            // SAFETY: not null, so writable by the contract.
            unsafe { frequency.write_unaligned(COUNTS_PER_SECOND) };
        }
        // CAST: 29,000 years of 100 ns.
        (START.get_or_init(Instant::now).elapsed().as_nanos() / 100) as i64
    }

    unsafe fn KeDelayExecutionThread(
        _wait_mode: KPROCESSOR_MODE,
        _alertable: BOOLEAN,
        interval: *const i64,
    ) -> NTSTATUS {
        irql::require(Irql::Apc, "KeDelayExecutionThread");
        // SAFETY: the contract: readable.
        std::thread::sleep(dispatcher::span(unsafe { interval.read_unaligned() }));
        STATUS_SUCCESS
    }

    unsafe fn MmAllocatePagesForMdlEx(
        _low_address: i64,
        _high_address: i64,
        _skip_bytes: i64,
        total_bytes: usize,
        _cache_type: MEMORY_CACHING_TYPE,
        _flags: u32,
    ) -> *mut MDL {
        const FUNCTION: &str = "MmAllocatePagesForMdlEx";
        irql::require(Irql::Apc, FUNCTION);
        system::with(|system, _| {
            if system.inject.may_fail(FUNCTION) {
                return std::ptr::null_mut();
            }
            system.memory.allocate_pages(system, total_bytes)
        })
    }

    unsafe fn MmFreePagesFromMdl(mdl: *mut MDL) {
        irql::require(Irql::Apc, "MmFreePagesFromMdl");
        system::with(|system, _| system.memory.free_pages(system, mdl));
    }

    unsafe fn MmMapIoSpaceEx(physical_address: i64, number_of_bytes: usize, _protect: u32) -> *mut c_void {
        const FUNCTION: &str = "MmMapIoSpaceEx";
        irql::require(Irql::Dispatch, FUNCTION);
        system::with(|system, _| {
            if system.inject.may_fail(FUNCTION) {
                return std::ptr::null_mut();
            }
            // CAST: a physical address has 64 bits without a sign.
            system.memory.map_io(system, physical_address as u64, number_of_bytes)
        })
    }

    unsafe fn MmUnmapIoSpace(base_address: *mut c_void, _number_of_bytes: usize) {
        irql::require(Irql::Dispatch, "MmUnmapIoSpace");
        system::with(|system, _| system.memory.unmap_io(&system.verifier, base_address));
    }

    unsafe fn MmBuildMdlForNonPagedPool(mdl: *mut MDL) {
        irql::require(Irql::Dispatch, "MmBuildMdlForNonPagedPool");
        system::with(|system, _| system.memory.build_for_pool(&system.verifier, mdl));
    }

    unsafe fn MmMapLockedPagesSpecifyCache(
        mdl: *mut MDL,
        access_mode: KPROCESSOR_MODE,
        _cache_type: MEMORY_CACHING_TYPE,
        _requested_address: *mut c_void,
        bug_check_on_failure: u32,
        priority: u32,
    ) -> *mut c_void {
        const FUNCTION: &str = "MmMapLockedPagesSpecifyCache";
        let kernel = access_mode == KERNEL_MODE;
        irql::require(if kernel { Irql::Dispatch } else { Irql::Apc }, FUNCTION);
        system::with(|system, process| {
            if bug_check_on_failure != 0 {
                let rule = Rule::Mdl;
                system.verifier.report(rule, FUNCTION, || "a failure would be a bug check".to_owned());
            }
            if system.inject.may_fail(FUNCTION) {
                return std::ptr::null_mut();
            }
            if kernel {
                system.memory.map_system(&system.verifier, mdl)
            } else {
                system.memory.map_user(&system.verifier, process, mdl, priority)
            }
        })
    }

    unsafe fn MmUnmapLockedPages(base_address: *mut c_void, mdl: *mut MDL) {
        irql::require(Irql::Dispatch, "MmUnmapLockedPages");
        system::with(|system, process| {
            system.memory.unmap(&system.verifier, process, base_address, mdl);
        });
    }

    unsafe fn IoAllocateMdl(
        virtual_address: *mut c_void,
        length: u32,
        _secondary_buffer: BOOLEAN,
        _charge_quota: BOOLEAN,
        _irp: *mut c_void,
    ) -> *mut MDL {
        const FUNCTION: &str = "IoAllocateMdl";
        irql::require(Irql::Dispatch, FUNCTION);
        system::with(|system, _| {
            if system.inject.may_fail(FUNCTION) {
                return std::ptr::null_mut();
            }
            system.memory.allocate_mdl(system, virtual_address.expose_provenance(), length)
        })
    }

    unsafe fn IoFreeMdl(mdl: *mut MDL) {
        irql::require(Irql::Dispatch, "IoFreeMdl");
        system::with(|system, _| system.memory.free_mdl(system, mdl));
    }

    unsafe fn IoBuildPartialMdl(
        source_mdl: *mut MDL,
        target_mdl: *mut MDL,
        virtual_address: *mut c_void,
        length: u32,
    ) {
        irql::require(Irql::Dispatch, "IoBuildPartialMdl");
        system::with(|system, _| {
            let mdls = (source_mdl, target_mdl);
            system.memory.build_partial(&system.verifier, mdls, virtual_address.addr(), length);
        });
    }

    unsafe fn PsGetCurrentProcessId() -> HANDLE {
        // CAST: process numbers are small.
        system::with(|_, process| std::ptr::without_provenance_mut(process.id() as usize))
    }

    unsafe fn ObReferenceObjectByHandle(
        handle: HANDLE,
        _desired_access: u32,
        object_type: *mut OBJECT_TYPE,
        _access_mode: KPROCESSOR_MODE,
        object: *mut *mut c_void,
        _handle_information: *mut c_void,
    ) -> NTSTATUS {
        const FUNCTION: &str = "ObReferenceObjectByHandle";
        irql::require(Irql::Passive, FUNCTION);
        let found = system::with(|system, process| {
            if system.inject.may_fail(FUNCTION) {
                return Err(STATUS_INSUFFICIENT_RESOURCES);
            }
            let event = process.event(handle.addr()).ok_or(STATUS_INVALID_HANDLE)?;
            if !object_type.is_null() && object_type != event_type() {
                return Err(STATUS_OBJECT_TYPE_MISMATCH);
            }
            Ok(system.references.reference(event))
        });
        match found {
            Ok(address) => {
                // SAFETY: the contract: writable.
                unsafe { object.write(std::ptr::with_exposed_provenance_mut(address)) };
                STATUS_SUCCESS
            }
            Err(status) => status,
        }
    }

    unsafe fn ObfDereferenceObject(object: *mut c_void) -> isize {
        irql::require(Irql::Dispatch, "ObfDereferenceObject");
        let left = system::with(|system, _| system.references.dereference(&system.verifier, object.addr()));
        // CAST: a count.
        left as isize
    }

    fn ExEventObjectType() -> *mut OBJECT_TYPE {
        event_type()
    }

    unsafe fn SeSinglePrivilegeCheck(privilege_value: LUID, previous_mode: KPROCESSOR_MODE) -> BOOLEAN {
        irql::require(Irql::Passive, "SeSinglePrivilegeCheck");
        let load_driver =
            privilege_value.LowPart == SE_LOAD_DRIVER_PRIVILEGE && privilege_value.HighPart == 0;
        let held = previous_mode == KERNEL_MODE
            || load_driver && system::with(|_, process| process.may_load_drivers());
        u8::from(held)
    }

    unsafe fn RtlInitUnicodeString(destination: *mut UNICODE_STRING, source: *const u16) {
        let mut count = 0usize;
        if !source.is_null() {
            loop {
                // SAFETY: the contract: terminated, and no unit before was the terminator.
                let unit = unsafe { source.wrapping_add(count).read_unaligned() };
                if unit == 0 || count >= 0x7ffe {
                    break;
                }
                count += 1;
            }
        }
        // CAST: at most 0x7ffe units.
        let bytes = (count * 2) as u16;
        let string = UNICODE_STRING {
            Length: bytes,
            MaximumLength: if source.is_null() { 0 } else { bytes + 2 },
            Buffer: source.cast_mut(),
        };
        // SAFETY: the contract: writable.
        unsafe { destination.write(string) };
    }

    unsafe fn ZwOpenKey(
        key_handle: *mut HANDLE,
        _desired_access: u32,
        object_attributes: *const OBJECT_ATTRIBUTES,
    ) -> NTSTATUS {
        const FUNCTION: &str = "ZwOpenKey";
        irql::require(Irql::Passive, FUNCTION);
        if system::with(|system, _| system.inject.may_fail(FUNCTION)) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        // SAFETY: the contract: readable.
        let attributes = unsafe { object_attributes.read() };
        // SAFETY: the contract: the name is readable.
        let Some(path) = (unsafe { text(attributes.ObjectName) }) else { return STATUS_INVALID_PARAMETER };
        let Some(handle) = system::with(|system, _| system.registry.open(&path)) else {
            return STATUS_OBJECT_NAME_NOT_FOUND;
        };
        // SAFETY: the contract: writable.
        unsafe { key_handle.write(std::ptr::without_provenance_mut(handle)) };
        STATUS_SUCCESS
    }

    unsafe fn ZwQueryValueKey(
        key_handle: HANDLE,
        value_name: *const UNICODE_STRING,
        key_value_information_class: KEY_VALUE_INFORMATION_CLASS,
        key_value_information: *mut c_void,
        length: u32,
        result_length: *mut u32,
    ) -> NTSTATUS {
        const FUNCTION: &str = "ZwQueryValueKey";
        irql::require(Irql::Passive, FUNCTION);
        if key_value_information_class != KEY_VALUE_PARTIAL {
            return STATUS_NOT_SUPPORTED;
        }
        if system::with(|system, _| system.inject.may_fail(FUNCTION)) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        // SAFETY: the contract: the name is readable.
        let Some(name) = (unsafe { text(value_name) }) else { return STATUS_INVALID_PARAMETER };
        let value = system::with(|system, _| system.registry.query(key_handle.addr(), &name));
        let value = match value {
            None => {
                system::report(Rule::Object, FUNCTION, || format!("{key_handle:p} is no open key"));
                return STATUS_INVALID_HANDLE;
            }
            Some(None) => return STATUS_OBJECT_NAME_NOT_FOUND,
            Some(Some(value)) => value,
        };
        let (kind, data) = value.encode();
        let mut bytes = Vec::with_capacity(PARTIAL_HEADER + data.len());
        // CAST: a value here is far below 4 GiB.
        for word in [0, kind, data.len() as u32] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(&data);
        // SAFETY: the contract: writable. CAST: as above.
        unsafe { result_length.write(bytes.len() as u32) };
        let room = length as usize;
        if room < PARTIAL_HEADER {
            return STATUS_BUFFER_TOO_SMALL;
        }
        for (index, byte) in bytes.iter().take(room).enumerate() {
            // SAFETY: the contract: `length` bytes are writable.
            unsafe { key_value_information.cast::<u8>().wrapping_add(index).write(*byte) };
        }
        if room < bytes.len() { STATUS_BUFFER_OVERFLOW } else { STATUS_SUCCESS }
    }

    unsafe fn ZwClose(handle: HANDLE) -> NTSTATUS {
        irql::require(Irql::Passive, "ZwClose");
        if system::with(|system, _| system.registry.close(handle.addr())) {
            return STATUS_SUCCESS;
        }
        system::report(Rule::Object, "ZwClose", || format!("{handle:p} is no open key"));
        STATUS_INVALID_HANDLE
    }

    unsafe fn DbgPrintEx(
        _component_id: u32,
        _level: u32,
        _format: *const c_char,
        argument: *const c_char,
    ) -> NTSTATUS {
        // SAFETY: the contract: the only format is `%s`, and its argument is terminated.
        let line = unsafe { CStr::from_ptr(argument) }.to_string_lossy().into_owned();
        system::with(|system, _| system.debug_print(line));
        STATUS_SUCCESS
    }

    unsafe fn copy_from_user(destination: *mut u8, source: *const u8, length: usize) -> bool {
        irql::require(Irql::Apc, "a copy from user memory");
        // SAFETY: the contract gives the room; the processes' memory is registered by whoever owns it.
        system::with(|_, process| unsafe { process.copy_from(destination, source, length) })
    }
}
