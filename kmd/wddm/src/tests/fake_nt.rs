//! NT, as one thread sees it: time passes when somebody sleeps, DPCs run when the test says so, and everything that is taken is
//! counted.

use core::ffi::{c_char, c_void};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::boxed::Box;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ptr::null_mut;
use std::string::String;
use std::vec::Vec;

use pvgpu_kmd_ddi::{
    BOOLEAN, DISPATCH_LEVEL, EVENT_TYPE, HANDLE, KDEFERRED_ROUTINE, KDPC, KEVENT,
    KEY_VALUE_INFORMATION_CLASS, KIRQL, KPROCESSOR_MODE, KSPIN_LOCK, KTIMER, KWAIT_REASON, LUID, MDL,
    MEMORY_CACHING_TYPE, NTSTATUS, OBJECT_ATTRIBUTES, OBJECT_TYPE, PASSIVE_LEVEL, REG_DWORD,
    STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_HANDLE, STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS,
    STATUS_TIMEOUT, TIMER_TYPE, UNICODE_STRING, UserMode,
};

use crate::Nt;

/// Ticks of the performance counter in a second.
const FREQUENCY: i64 = 10_000_000;
/// The handle that names the event of [`State::event`].
pub(super) const EVENT_HANDLE: u64 = 0x44;
const KEY_HANDLE: usize = 0x88;
/// `MdlMappingNoWrite`.
const NO_WRITE: u32 = 0x8000_0000;

/// An MDL as this NT makes them: dxgkrnl and drivers see its head.
#[repr(C)]
pub(super) struct FakeMdl {
    head: MDL,
    /// Where the described bytes are.
    pub(super) memory: *mut u8,
    /// The pages are the MDL's own.
    owned: Option<Layout>,
    mapped: bool,
}

impl FakeMdl {
    /// An MDL of somebody's memory, with locked pages.
    pub(super) fn of(memory: &mut [u64]) -> Box<Self> {
        let first = memory.as_mut_ptr().cast::<u8>();
        let bytes = u32::try_from(size_of_val(memory)).expect("small");
        let head = MDL { StartVa: first.cast(), ByteCount: bytes, ..MDL::default() };
        Box::new(Self { head, memory: first, owned: None, mapped: false })
    }
}

/// A timer that runs.
#[derive(Clone, Copy)]
pub(super) struct Running {
    pub(super) dpc: usize,
    pub(super) period_ms: u32,
}

type Hook = Box<dyn FnMut()>;

pub(super) struct State {
    pub(super) irql: KIRQL,
    /// Of the performance counter.
    pub(super) ticks: i64,
    /// Things taken and not given back: pages, mappings, MDLs, handles, references.
    pub(super) live: i64,
    /// How many more calls that may fail succeed; `None` for all.
    pub(super) succeed: Option<u32>,
    pub(super) while_asleep: Option<Hook>,
    pub(super) registry: BTreeMap<String, u32>,
    pub(super) privileged: bool,
    pub(super) process: usize,
    pub(super) timers: BTreeMap<usize, Running>,
    dpcs: BTreeMap<usize, (KDEFERRED_ROUTINE, usize)>,
    pub(super) event: Box<KEVENT>,
    pub(super) read_only_mappings: u32,
    /// Physical memory: where it begins, and the memory that stands for it.
    pub(super) physical: BTreeMap<u64, *mut u8>,
    /// Whether user memory can be read.
    pub(super) user_readable: bool,
}

std::thread_local! {
    static NT: RefCell<State> = RefCell::new(State {
        irql: PASSIVE_LEVEL,
        ticks: 1,
        live: 0,
        succeed: None,
        while_asleep: None,
        registry: BTreeMap::new(),
        privileged: true,
        process: 100,
        timers: BTreeMap::new(),
        dpcs: BTreeMap::new(),
        event: Box::new(KEVENT::default()),
        read_only_mappings: 0,
        physical: BTreeMap::new(),
        user_readable: true,
    });
}

/// Looks at NT, or changes it.
pub(super) fn nt<T>(look: impl FnOnce(&mut State) -> T) -> T {
    NT.with(|nt| look(&mut nt.borrow_mut()))
}

/// Whether a call that may fail does.
pub(super) fn fails() -> bool {
    nt(|nt| match &mut nt.succeed {
        None => false,
        Some(0) => {
            nt.succeed = None;
            true
        }
        Some(left) => {
            *left -= 1;
            false
        }
    })
}

/// The IRQL must be at most this.
pub(super) fn at_most(irql: KIRQL) {
    nt(|nt| assert!(nt.irql <= irql, "called at IRQL {} instead of {irql}", nt.irql));
}

/// Runs with a higher IRQL.
pub(super) fn at_irql<T>(irql: KIRQL, run: impl FnOnce() -> T) -> T {
    let before = nt(|nt| core::mem::replace(&mut nt.irql, irql));
    let result = run();
    nt(|nt| nt.irql = before);
    result
}

/// Calls the DPC of the timer that has this period.
pub(super) fn fire(period_ms: u32) {
    let dpc = nt(|nt| nt.timers.values().find(|timer| timer.period_ms == period_ms).map(|timer| timer.dpc));
    let dpc = dpc.expect("such a timer runs");
    let (routine, context) = nt(|nt| *nt.dpcs.get(&dpc).expect("initialised"));
    at_irql(DISPATCH_LEVEL, || {
        // SAFETY: the routine of a DPC that is initialised, with its context.
        unsafe {
            routine.expect("a routine")(
                core::ptr::with_exposed_provenance_mut(dpc),
                core::ptr::with_exposed_provenance_mut(context),
                null_mut(),
                null_mut(),
            );
        }
    });
}

/// An MDL by its head.
fn mdl<'a>(mdl: *mut MDL) -> &'a mut FakeMdl {
    // SAFETY: all MDLs here are fake ones, and one thread uses them.
    unsafe { &mut *mdl.cast::<FakeMdl>() }
}

fn new_mdl(fake: FakeMdl) -> *mut MDL {
    nt(|nt| nt.live += 1);
    Box::into_raw(Box::new(fake)).cast()
}

fn free_mdl(mdl: *mut MDL) {
    nt(|nt| nt.live -= 1);
    // SAFETY: made by `new_mdl`.
    drop(unsafe { Box::from_raw(mdl.cast::<FakeMdl>()) });
}

/// Physical memory as this NT maps it.
pub(super) fn physical(start: i64) -> *mut c_void {
    let memory = nt(|nt| nt.physical.get(&start.cast_unsigned()).copied());
    memory.unwrap_or(null_mut()).cast()
}

pub(super) struct FakeNt;

// SAFETY: within one test's thread it does what the exports do, as far as this driver can tell.
unsafe impl Nt for FakeNt {
    unsafe fn ExAllocatePool2(_flags: u64, _number_of_bytes: usize, _tag: u32) -> *mut c_void {
        panic!("the tests have an allocator of their own");
    }

    unsafe fn ExFreePoolWithTag(p: *mut c_void, tag: u32) {
        assert_eq!(tag, 0, "only the MDL of pages is freed so");
        free_mdl(p.cast());
    }

    unsafe fn KeAcquireSpinLockRaiseToDpc(spin_lock: *mut KSPIN_LOCK) -> KIRQL {
        at_most(DISPATCH_LEVEL);
        // SAFETY: the driver's lock.
        let taken = unsafe { spin_lock.replace(1) };
        assert_eq!(taken, 0, "a lock is taken twice");
        nt(|nt| core::mem::replace(&mut nt.irql, DISPATCH_LEVEL))
    }

    unsafe fn KeReleaseSpinLock(spin_lock: *mut KSPIN_LOCK, new_irql: KIRQL) {
        // SAFETY: the driver's lock.
        let taken = unsafe { spin_lock.replace(0) };
        assert_eq!(taken, 1, "a lock is released that nobody has");
        nt(|nt| nt.irql = new_irql);
    }

    unsafe fn KeInitializeEvent(event: *mut KEVENT, _event_type: EVENT_TYPE, state: BOOLEAN) {
        // SAFETY: the driver's storage.
        unsafe { event.write(KEVENT { Opaque: [u64::from(state), 0, 0] }) };
    }

    unsafe fn KeSetEvent(event: *mut KEVENT, _increment: i32, wait: BOOLEAN) -> i32 {
        at_most(DISPATCH_LEVEL);
        assert_eq!(wait, 0);
        // SAFETY: an event.
        let event = unsafe { &mut *event };
        i32::try_from(core::mem::replace(&mut event.Opaque[0], 1)).expect("0 or 1")
    }

    unsafe fn KeWaitForSingleObject(
        object: *mut c_void,
        _wait_reason: KWAIT_REASON,
        _wait_mode: KPROCESSOR_MODE,
        _alertable: BOOLEAN,
        timeout: *const i64,
    ) -> NTSTATUS {
        // SAFETY: the driver's time.
        unsafe { Self::KeDelayExecutionThread(0, 0, timeout) };
        // SAFETY: an event.
        let event = unsafe { &*object.cast::<KEVENT>() };
        if event.Opaque[0] != 0 { STATUS_SUCCESS } else { STATUS_TIMEOUT }
    }

    unsafe fn KeInitializeDpc(dpc: *mut KDPC, routine: KDEFERRED_ROUTINE, context: *mut c_void) {
        let dpc = dpc.expose_provenance();
        nt(|nt| nt.dpcs.insert(dpc, (routine, context.expose_provenance())));
    }

    unsafe fn KeInitializeTimerEx(_timer: *mut KTIMER, _timer_type: TIMER_TYPE) {}

    unsafe fn KeSetCoalescableTimer(
        timer: *mut KTIMER,
        due_time: i64,
        period: u32,
        _tolerable_delay: u32,
        dpc: *mut KDPC,
    ) -> BOOLEAN {
        at_most(DISPATCH_LEVEL);
        assert!(due_time < 0, "a span from now");
        let running = Running { dpc: dpc.addr(), period_ms: period };
        BOOLEAN::from(nt(|nt| nt.timers.insert(timer.addr(), running)).is_some())
    }

    unsafe fn KeCancelTimer(timer: *mut KTIMER) -> BOOLEAN {
        at_most(DISPATCH_LEVEL);
        BOOLEAN::from(nt(|nt| nt.timers.remove(&timer.addr())).is_some())
    }

    unsafe fn ExSetTimerResolution(desired_time: u32, set_resolution: BOOLEAN) -> u32 {
        at_most(PASSIVE_LEVEL);
        // A wish that is not taken back is a leak.
        nt(|nt| nt.live += if set_resolution == 0 { -1 } else { 1 });
        desired_time
    }

    unsafe fn KeFlushQueuedDpcs() {
        at_most(PASSIVE_LEVEL);
        super::port::run_dpc();
    }

    unsafe fn KeQueryPerformanceCounter(frequency: *mut i64) -> i64 {
        if !frequency.is_null() {
            // SAFETY: the driver's place.
            unsafe { frequency.write(FREQUENCY) };
        }
        nt(|nt| nt.ticks)
    }

    unsafe fn KeDelayExecutionThread(
        _wait_mode: KPROCESSOR_MODE,
        _alertable: BOOLEAN,
        interval: *const i64,
    ) -> NTSTATUS {
        at_most(PASSIVE_LEVEL);
        // SAFETY: the driver's time.
        let span = unsafe { interval.read() };
        let hook = nt(|nt| {
            nt.ticks -= span;
            nt.while_asleep.take()
        });
        if let Some(mut hook) = hook {
            hook();
            nt(|nt| nt.while_asleep = Some(hook));
        }
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
        at_most(PASSIVE_LEVEL);
        if fails() {
            return null_mut();
        }
        let layout = Layout::from_size_align(total_bytes, 4096).expect("a size");
        // SAFETY: not empty.
        let memory = unsafe { alloc_zeroed(layout) };
        nt(|nt| nt.live += 1);
        let head = MDL { ByteCount: u32::try_from(total_bytes).expect("32 bits"), ..MDL::default() };
        new_mdl(FakeMdl { head, memory, owned: Some(layout), mapped: false })
    }

    unsafe fn MmFreePagesFromMdl(mdl_of_pages: *mut MDL) {
        at_most(PASSIVE_LEVEL);
        let pages = mdl(mdl_of_pages);
        assert!(!pages.mapped, "pages are freed while they are mapped");
        nt(|nt| nt.live -= 1);
        let layout = pages.owned.take().expect("the MDL's own pages");
        // SAFETY: allocated with this layout.
        unsafe { dealloc(pages.memory, layout) };
    }

    unsafe fn MmMapIoSpaceEx(physical_address: i64, _number_of_bytes: usize, _protect: u32) -> *mut c_void {
        at_most(PASSIVE_LEVEL);
        if fails() {
            return null_mut();
        }
        nt(|nt| nt.live += 1);
        physical(physical_address)
    }

    unsafe fn MmUnmapIoSpace(_base_address: *mut c_void, _number_of_bytes: usize) {
        at_most(PASSIVE_LEVEL);
        nt(|nt| nt.live -= 1);
    }

    unsafe fn MmBuildMdlForNonPagedPool(to: *mut MDL) {
        let to = mdl(to);
        to.memory = to.head.StartVa.cast::<u8>().wrapping_add(to.head.ByteOffset as usize);
    }

    unsafe fn MmMapLockedPagesSpecifyCache(
        of: *mut MDL,
        access_mode: KPROCESSOR_MODE,
        _cache_type: MEMORY_CACHING_TYPE,
        _requested_address: *mut c_void,
        _bug_check_on_failure: u32,
        priority: u32,
    ) -> *mut c_void {
        at_most(if access_mode == UserMode { PASSIVE_LEVEL } else { DISPATCH_LEVEL });
        if fails() {
            return null_mut();
        }
        let of = mdl(of);
        assert!(!of.mapped && !of.memory.is_null(), "pages that are there, mapped once");
        of.mapped = true;
        nt(|nt| {
            nt.live += 1;
            nt.read_only_mappings += u32::from(priority & NO_WRITE != 0);
        });
        of.memory.cast()
    }

    unsafe fn MmUnmapLockedPages(base_address: *mut c_void, of: *mut MDL) {
        at_most(DISPATCH_LEVEL);
        let of = mdl(of);
        assert!(of.mapped && base_address == of.memory.cast(), "the mapping of this MDL");
        of.mapped = false;
        nt(|nt| nt.live -= 1);
    }

    unsafe fn IoAllocateMdl(
        virtual_address: *mut c_void,
        length: u32,
        _secondary_buffer: BOOLEAN,
        _charge_quota: BOOLEAN,
        _irp: *mut c_void,
    ) -> *mut MDL {
        at_most(DISPATCH_LEVEL);
        if fails() {
            return null_mut();
        }
        let offset = virtual_address.addr() % 4096;
        let head = MDL {
            StartVa: virtual_address.wrapping_byte_sub(offset),
            ByteCount: length,
            ByteOffset: u32::try_from(offset).expect("within a page"),
            ..MDL::default()
        };
        new_mdl(FakeMdl { head, memory: null_mut(), owned: None, mapped: false })
    }

    unsafe fn IoFreeMdl(freed: *mut MDL) {
        assert!(!mdl(freed).mapped, "an MDL is freed while it is mapped");
        free_mdl(freed);
    }

    unsafe fn IoBuildPartialMdl(
        source: *mut MDL,
        target: *mut MDL,
        virtual_address: *mut c_void,
        length: u32,
    ) {
        let (source, target) = (mdl(source), mdl(target));
        assert!(!target.mapped, "an MDL is built anew while it is mapped");
        // Its `Size`, which has 16 bits, says how much room a target has.
        assert!(length.div_ceil(4096) * 8 + 48 <= 0x7fff, "TARGET_MDL_TOO_SMALL");
        let first = source.head.StartVa.addr() + source.head.ByteOffset as usize;
        let offset = virtual_address.addr().checked_sub(first).expect("inside the source");
        assert!(offset + length as usize <= source.head.ByteCount as usize, "inside the source");
        target.memory = source.memory.wrapping_add(offset);
        target.head.ByteCount = length;
    }

    unsafe fn PsGetCurrentProcessId() -> HANDLE {
        core::ptr::without_provenance_mut(nt(|nt| nt.process))
    }

    unsafe fn ObReferenceObjectByHandle(
        handle: HANDLE,
        _desired_access: u32,
        object_type: *mut OBJECT_TYPE,
        access_mode: KPROCESSOR_MODE,
        object: *mut *mut c_void,
        _handle_information: *mut c_void,
    ) -> NTSTATUS {
        at_most(PASSIVE_LEVEL);
        assert_eq!((object_type, access_mode), (Self::ExEventObjectType(), UserMode));
        if handle.addr() as u64 != EVENT_HANDLE {
            return STATUS_INVALID_HANDLE;
        }
        if fails() {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        let event = nt(|nt| {
            nt.live += 1;
            core::ptr::from_mut(&mut *nt.event)
        });
        // SAFETY: the driver's place.
        unsafe { object.write(event.cast()) };
        STATUS_SUCCESS
    }

    unsafe fn ObfDereferenceObject(_object: *mut c_void) -> isize {
        at_most(DISPATCH_LEVEL);
        nt(|nt| nt.live -= 1);
        0
    }

    fn ExEventObjectType() -> *mut OBJECT_TYPE {
        core::ptr::without_provenance_mut(0x1000)
    }

    unsafe fn SeSinglePrivilegeCheck(privilege_value: LUID, previous_mode: KPROCESSOR_MODE) -> BOOLEAN {
        at_most(PASSIVE_LEVEL);
        assert_eq!((privilege_value, previous_mode), (LUID { LowPart: 10, HighPart: 0 }, UserMode));
        BOOLEAN::from(nt(|nt| nt.privileged))
    }

    unsafe fn RtlInitUnicodeString(destination: *mut UNICODE_STRING, source: *const u16) {
        let mut length = 0;
        // SAFETY: the driver's terminated string.
        while unsafe { source.wrapping_add(length).read() } != 0 {
            length += 1;
        }
        let bytes = u16::try_from(length * 2).expect("short");
        let string = UNICODE_STRING { Length: bytes, MaximumLength: bytes + 2, Buffer: source.cast_mut() };
        // SAFETY: the driver's place.
        unsafe { destination.write(string) };
    }

    unsafe fn ZwOpenKey(
        key_handle: *mut HANDLE,
        _desired_access: u32,
        _object_attributes: *const OBJECT_ATTRIBUTES,
    ) -> NTSTATUS {
        at_most(PASSIVE_LEVEL);
        if fails() {
            return STATUS_OBJECT_NAME_NOT_FOUND;
        }
        nt(|nt| nt.live += 1);
        // SAFETY: the driver's place.
        unsafe { key_handle.write(core::ptr::without_provenance_mut(KEY_HANDLE)) };
        STATUS_SUCCESS
    }

    unsafe fn ZwQueryValueKey(
        key_handle: HANDLE,
        value_name: *const UNICODE_STRING,
        _key_value_information_class: KEY_VALUE_INFORMATION_CLASS,
        key_value_information: *mut c_void,
        length: u32,
        _result_length: *mut u32,
    ) -> NTSTATUS {
        assert_eq!(key_handle.addr(), KEY_HANDLE);
        // SAFETY: the driver's string.
        let name = unsafe { *value_name };
        // SAFETY: as long as it says.
        let units = unsafe { core::slice::from_raw_parts(name.Buffer, usize::from(name.Length) / 2) };
        let name = String::from_utf16(units).expect("ASCII");
        let Some(value) = nt(|nt| nt.registry.get(&name).copied()) else {
            return STATUS_OBJECT_NAME_NOT_FOUND;
        };
        assert_eq!(length, 16, "the head and a DWORD");
        // SAFETY: the driver's place, of that size.
        unsafe { key_value_information.cast::<[u32; 4]>().write([0, REG_DWORD, 4, value]) };
        STATUS_SUCCESS
    }

    unsafe fn ZwClose(handle: HANDLE) -> NTSTATUS {
        assert_eq!(handle.addr(), KEY_HANDLE);
        nt(|nt| nt.live -= 1);
        STATUS_SUCCESS
    }

    unsafe fn DbgPrintEx(
        _component_id: u32,
        _level: u32,
        _format: *const c_char,
        _argument: *const c_char,
    ) -> NTSTATUS {
        STATUS_SUCCESS
    }

    unsafe fn copy_from_user(destination: *mut u8, source: *const u8, length: usize) -> bool {
        at_most(PASSIVE_LEVEL);
        if !nt(|nt| nt.user_readable) {
            return false;
        }
        // SAFETY: the test's memory stands for the process's.
        unsafe { core::ptr::copy_nonoverlapping(source, destination, length) };
        true
    }
}

/// Gives a test's thread a fresh NT, and checks at its end that nothing is left.
pub(super) struct Clean;

impl Clean {
    pub(super) fn check(&self) {
        let left: (i64, Vec<Running>) = nt(|nt| (nt.live, nt.timers.values().copied().collect()));
        assert_eq!(left.0, 0, "something was not given back");
        assert!(left.1.is_empty(), "a timer runs");
    }
}
