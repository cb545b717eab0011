//! Basic types, strings, and the kernel's objects.
//!
//! The dispatcher objects are storage: their owner keeps them in non-paged memory, hands them to NT, and never looks inside.

use core::ffi::c_void;

use bytemuck::{Pod, Zeroable};

/// A result code; negative values are errors.
pub type NTSTATUS = i32;
/// 0 or 1.
pub type BOOLEAN = u8;
/// A handle or an opaque pointer of somebody else's.
pub type HANDLE = *mut c_void;
/// A 64-bit integer; the header's union is passed and stored like one.
pub type LARGE_INTEGER = i64;
/// A physical address in bytes.
pub type PHYSICAL_ADDRESS = LARGE_INTEGER;
/// An interrupt request level.
pub type KIRQL = u8;
/// A spin lock; 0 when free.
pub type KSPIN_LOCK = usize;
/// `KernelMode` or `UserMode`.
pub type KPROCESSOR_MODE = i8;
/// A set of processors.
pub type KAFFINITY = u64;

pub const PASSIVE_LEVEL: KIRQL = 0;
pub const APC_LEVEL: KIRQL = 1;
pub const DISPATCH_LEVEL: KIRQL = 2;
/// The highest level; x64.
pub const HIGH_LEVEL: KIRQL = 15;

pub const KernelMode: KPROCESSOR_MODE = 0;
pub const UserMode: KPROCESSOR_MODE = 1;

enumeration! {
    /// How an event is reset.
    EVENT_TYPE: i32 { NotificationEvent = 0, SynchronizationEvent = 1, }
}
enumeration! {
    /// How a timer is reset.
    TIMER_TYPE: i32 { NotificationTimer = 0, SynchronizationTimer = 1, }
}
enumeration! {
    /// Why a thread waits.
    KWAIT_REASON: i32 { Executive = 0, }
}
enumeration! {
    /// How the processor caches a mapping.
    MEMORY_CACHING_TYPE: i32 { MmNonCached = 0, MmCached = 1, MmWriteCombined = 2, }
}
enumeration! {
    /// What `ZwQueryValueKey` returns.
    KEY_VALUE_INFORMATION_CLASS: i32 {
        KeyValueBasicInformation = 0, KeyValueFullInformation = 1, KeyValuePartialInformation = 2,
    }
}
enumeration! {
    /// The power state of a device; D0 is on.
    DEVICE_POWER_STATE: u32 {
        PowerDeviceUnspecified = 0, PowerDeviceD0 = 1, PowerDeviceD1 = 2, PowerDeviceD2 = 3, PowerDeviceD3 = 4,
    }
}
enumeration! {
    /// Why the power state changes.
    POWER_ACTION: u32 {
        PowerActionNone = 0, PowerActionReserved = 1, PowerActionSleep = 2, PowerActionHibernate = 3, PowerActionShutdown = 4,
        PowerActionShutdownReset = 5, PowerActionShutdownOff = 6, PowerActionWarmEject = 7, PowerActionDisplayOff = 8,
    }
}

/// A globally unique identifier.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct GUID {
    pub Data1: u32,
    pub Data2: u16,
    pub Data3: u16,
    pub Data4: [u8; 8],
}

/// A number that is unique until the next boot; also names a privilege.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct LUID {
    pub LowPart: u32,
    pub HighPart: i32,
}

/// A rectangle in pixels; right and bottom lie outside.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct RECT {
    pub left: i32,
    pub top: i32,
    pub right: i32,
    pub bottom: i32,
}

/// A point in pixels.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct POINT {
    pub x: i32,
    pub y: i32,
}

/// A link of a doubly linked list.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct LIST_ENTRY {
    pub Flink: *mut LIST_ENTRY,
    pub Blink: *mut LIST_ENTRY,
}

/// A counted UTF-16 string; lengths are in bytes, no terminator is counted.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct UNICODE_STRING {
    pub Length: u16,
    pub MaximumLength: u16,
    pub Buffer: *mut u16,
}

/// Names an object to open.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct OBJECT_ATTRIBUTES {
    /// Bytes of this struct.
    pub Length: u32,
    pub RootDirectory: HANDLE,
    pub ObjectName: *const UNICODE_STRING,
    /// `OBJ_…` bits.
    pub Attributes: u32,
    pub SecurityDescriptor: *mut c_void,
    pub SecurityQualityOfService: *mut c_void,
}

pub const OBJ_CASE_INSENSITIVE: u32 = 0x40;
pub const OBJ_KERNEL_HANDLE: u32 = 0x200;

/// A registry value; `DataLength` bytes of it follow from `Data` on.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct KEY_VALUE_PARTIAL_INFORMATION {
    pub TitleIndex: u32,
    /// `REG_…`.
    pub Type: u32,
    /// Bytes.
    pub DataLength: u32,
    pub Data: [u8; 1],
}

pub const REG_SZ: u32 = 1;
pub const REG_BINARY: u32 = 3;
pub const REG_DWORD: u32 = 4;
pub const REG_QWORD: u32 = 11;

pub const KEY_READ: u32 = 0x2_0019;
pub const EVENT_MODIFY_STATE: u32 = 0x2;
pub const SYNCHRONIZE: u32 = 0x10_0000;
/// The privilege to load drivers.
pub const SE_LOAD_DRIVER_PRIVILEGE: i32 = 10;

/// How an I/O request ended.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct IO_STATUS_BLOCK {
    /// The header's union of `Status` and a pointer; only the lower half is the status.
    pub Status: NTSTATUS,
    pub Padding0: u32,
    /// Depends on the request; mostly bytes.
    pub Information: usize,
}

/// An event object: storage.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct KEVENT {
    pub Opaque: [u64; 3],
}

/// A timer object: storage.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct KTIMER {
    pub Opaque: [u64; 8],
}

/// A deferred procedure call object: storage.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct KDPC {
    pub Opaque: [u64; 8],
}

/// What a DPC calls, at `DISPATCH_LEVEL`.
pub type KDEFERRED_ROUTINE = Option<
    unsafe extern "win64" fn(
        Dpc: *mut KDPC,
        DeferredContext: *mut c_void,
        SystemArgument1: *mut c_void,
        SystemArgument2: *mut c_void,
    ),
>;

/// What `DxgkCbSynchronizeExecution` calls, with the interrupt held off.
pub type KSYNCHRONIZE_ROUTINE = Option<unsafe extern "win64" fn(SynchronizeContext: *mut c_void) -> BOOLEAN>;

/// A memory descriptor list; page frame numbers follow it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct MDL {
    pub Next: *mut MDL,
    /// Bytes of the header and the page frame numbers.
    pub Size: i16,
    pub MdlFlags: i16,
    pub Padding0: u32,
    pub Process: *mut c_void,
    pub MappedSystemVa: *mut c_void,
    /// Page-aligned.
    pub StartVa: *mut c_void,
    /// Bytes described.
    pub ByteCount: u32,
    /// Bytes from `StartVa` to the first described one.
    pub ByteOffset: u32,
}

/// The type of an object; opaque.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct OBJECT_TYPE {
    pub Opaque: [u8; 0],
}
