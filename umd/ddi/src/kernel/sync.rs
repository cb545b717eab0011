//! Synchronization objects of the kernel callbacks.
#![expect(non_camel_case_types, non_snake_case, non_upper_case_globals, reason = "names are Microsoft's")]
#![expect(missing_docs, reason = "members keep Microsoft's names; the DDI reference describes each one")]

use crate::*;

/// Kind of synchronization object.
pub type D3DDDI_SYNCHRONIZATIONOBJECT_TYPE = u32;
pub const D3DDDI_SYNCHRONIZATION_MUTEX: D3DDDI_SYNCHRONIZATIONOBJECT_TYPE = 1;
pub const D3DDDI_SEMAPHORE: D3DDDI_SYNCHRONIZATIONOBJECT_TYPE = 2;
pub const D3DDDI_FENCE: D3DDDI_SYNCHRONIZATIONOBJECT_TYPE = 3;
pub const D3DDDI_CPU_NOTIFICATION: D3DDDI_SYNCHRONIZATIONOBJECT_TYPE = 4;
pub const D3DDDI_MONITORED_FENCE: D3DDDI_SYNCHRONIZATIONOBJECT_TYPE = 5;

/// How a synchronization object may be used.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3DDDI_SYNCHRONIZATIONOBJECT_FLAGS {
    /// All bits; the associated constants are masks of it.
    pub Value: u32,
}

impl D3DDDI_SYNCHRONIZATIONOBJECT_FLAGS {
    pub const Shared: u32 = 0x1;
    pub const NtSecuritySharing: u32 = 0x2;
    pub const CrossAdapter: u32 = 0x4;
    pub const TopOfPipeline: u32 = 0x8;
    pub const NoSignal: u32 = 0x10;
    pub const NoWait: u32 = 0x20;
    pub const NoSignalMaxValueOnTdr: u32 = 0x40;
    pub const NoGPUAccess: u32 = 0x80;
    pub const SignalByKmd: u32 = 0x100;
    pub const UnwaitCpuWaitersOnlyOnDestroy: u32 = 0x400;
}

/// How objects are signalled.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3DDDICB_SIGNALFLAGS {
    /// All bits; the associated constants are masks of it.
    pub Value: u32,
}

impl D3DDDICB_SIGNALFLAGS {
    pub const SignalAtSubmission: u32 = 0x1;
    pub const EnqueueCpuEvent: u32 = 0x2;
    pub const AllowFenceRewind: u32 = 0x4;
    pub const DXGK_SIGNAL_FLAG_INTERNAL0: u32 = 0x80000000;
}

/// How many objects one call may signal.
pub const D3DDDI_MAX_OBJECT_SIGNALED: usize = 32;
/// How many objects one call may wait for.
pub const D3DDDI_MAX_OBJECT_WAITED_ON: usize = 32;

/// Describes a mutex or semaphore to `CreateSynchronizationObjectCb`.
///
/// The header has a union of up to 64 bytes; its first word is `InitialState` of a mutex, the first two are
/// `MaxCount` and `InitialCount` of a semaphore.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDI_SYNCHRONIZATIONOBJECTINFO {
    pub Type: D3DDDI_SYNCHRONIZATIONOBJECT_TYPE,
    pub Values: [u32; 16],
}

/// Describes an object to `CreateSynchronizationObject2Cb`.
///
/// The header has a union of 64 bytes; its first word is a fence's starting value (`FenceValue`), or as for
/// [`D3DDDI_SYNCHRONIZATIONOBJECTINFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDI_SYNCHRONIZATIONOBJECTINFO2 {
    pub Type: D3DDDI_SYNCHRONIZATIONOBJECT_TYPE,
    pub Flags: D3DDDI_SYNCHRONIZATIONOBJECT_FLAGS,
    pub Values: [u64; 8],
    pub SharedHandle: D3DKMT_HANDLE,
}

/// Argument of `CreateSynchronizationObjectCb`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_CREATESYNCHRONIZATIONOBJECT {
    pub Info: D3DDDI_SYNCHRONIZATIONOBJECTINFO,
    pub hSyncObject: D3DKMT_HANDLE,
}

/// Argument of `CreateSynchronizationObject2Cb`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_CREATESYNCHRONIZATIONOBJECT2 {
    pub Info: D3DDDI_SYNCHRONIZATIONOBJECTINFO2,
    pub hSyncObject: D3DKMT_HANDLE,
}

/// Argument of `DestroySynchronizationObjectCb`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_DESTROYSYNCHRONIZATIONOBJECT {
    pub hSyncObject: D3DKMT_HANDLE,
}

/// Argument of `WaitForSynchronizationObjectCb`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_WAITFORSYNCHRONIZATIONOBJECT {
    pub hContext: HANDLE,
    pub ObjectCount: u32,
    pub ObjectHandleArray: [D3DKMT_HANDLE; 32],
}

/// Argument of `WaitForSynchronizationObject2Cb`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_WAITFORSYNCHRONIZATIONOBJECT2 {
    pub hContext: HANDLE,
    pub ObjectCount: u32,
    pub ObjectHandleArray: [D3DKMT_HANDLE; 32],
    pub FenceValue: u64,
}

/// Argument of `SignalSynchronizationObjectCb`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_SIGNALSYNCHRONIZATIONOBJECT {
    pub hContext: HANDLE,
    pub ObjectCount: u32,
    pub ObjectHandleArray: [D3DKMT_HANDLE; 32],
    pub Flags: D3DDDICB_SIGNALFLAGS,
}

/// Argument of `SignalSynchronizationObject2Cb`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_SIGNALSYNCHRONIZATIONOBJECT2 {
    pub hContext: HANDLE,
    pub ObjectCount: u32,
    pub ObjectHandleArray: [D3DKMT_HANDLE; 32],
    pub Flags: D3DDDICB_SIGNALFLAGS,
    pub BroadcastContextCount: u32,
    pub BroadcastContext: BroadcastContexts,
    pub FenceValue: u64,
}

// Sizes on x64, from the sources named in SOURCES.md.
const _: () = assert!(size_of::<D3DDDI_SYNCHRONIZATIONOBJECT_FLAGS>() == 4);
const _: () = assert!(size_of::<D3DDDICB_SIGNALFLAGS>() == 4);
const _: () = assert!(size_of::<D3DDDI_SYNCHRONIZATIONOBJECTINFO>() == 68);
const _: () = assert!(size_of::<D3DDDI_SYNCHRONIZATIONOBJECTINFO2>() == 80);
const _: () = assert!(size_of::<D3DDDICB_CREATESYNCHRONIZATIONOBJECT>() == 72);
const _: () = assert!(size_of::<D3DDDICB_CREATESYNCHRONIZATIONOBJECT2>() == 88);
const _: () = assert!(size_of::<D3DDDICB_DESTROYSYNCHRONIZATIONOBJECT>() == 4);
const _: () = assert!(size_of::<D3DDDICB_WAITFORSYNCHRONIZATIONOBJECT>() == 144);
const _: () = assert!(size_of::<D3DDDICB_WAITFORSYNCHRONIZATIONOBJECT2>() == 152);
const _: () = assert!(size_of::<D3DDDICB_SIGNALSYNCHRONIZATIONOBJECT>() == 144);
const _: () = assert!(size_of::<D3DDDICB_SIGNALSYNCHRONIZATIONOBJECT2>() == 672);
