//! The private data that the user-mode driver and the kernel-mode driver exchange through dxgkrnl.
//!
//! None of it reaches the host. dxgkrnl carries it as opaque buffers; the kernel-mode driver copies each buffer once,
//! checks magic, version and size, and then every field: a process may put anything there. The two halves ship in one
//! package, but a process can outlive a driver update, so the [`INTERFACE_VERSION`] is checked on every call.
//!
//! Buffers are `repr(C)` without padding; requests and replies share one struct, as escapes are in/out.

mod link;
mod sizes;
mod status;
mod telemetry;

use bytemuck::{Pod, Zeroable};

pub use link::*;
pub use status::*;
pub use telemetry::*;

use crate::host_info::HostInfo;

/// "pvGP": begins every buffer.
pub const MAGIC: u32 = u32::from_le_bytes(*b"pvGP");
/// Version of everything in this module.
pub const INTERFACE_VERSION: u16 = 2;

/// Begins every buffer.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct PrivateHeader {
    /// [`MAGIC`].
    pub magic: u32,
    /// [`INTERFACE_VERSION`].
    pub version: u16,
    /// One of [`kind`].
    pub kind: u16,
}

/// Values of [`PrivateHeader::kind`].
pub mod kind {
    /// [`super::AdapterData`].
    pub const ADAPTER: u16 = 1;
    /// [`super::ContextData`].
    pub const CONTEXT: u16 = 2;
    /// [`super::AllocationData`].
    pub const ALLOCATION: u16 = 3;
    /// [`super::FenceMarker`].
    pub const FENCE_MARKER: u16 = 4;
    /// [`super::StandardAllocationData`].
    pub const STANDARD_ALLOCATION: u16 = 5;
    /// [`super::SharedResourceData`].
    pub const SHARED_RESOURCE: u16 = 6;
    /// [`super::MapContext`].
    pub const MAP_CONTEXT: u16 = 16;
    /// [`super::AllocateHeap`].
    pub const ALLOCATE_HEAP: u16 = 17;
    /// [`super::FreeHeap`].
    pub const FREE_HEAP: u16 = 18;
    /// [`super::WaitForFence`].
    pub const WAIT_FOR_FENCE: u16 = 19;
    /// [`super::Trace`].
    pub const TRACE: u16 = 20;
    /// [`super::Doorbell`].
    pub const DOORBELL: u16 = 21;
    /// [`super::ContextState`].
    pub const CONTEXT_STATE: u16 = 22;
    /// [`super::AdapterStatus`].
    pub const ADAPTER_STATUS: u16 = 32;
    /// [`super::SetMode`].
    pub const SET_MODE: u16 = 33;
    /// [`super::ReadTelemetry`].
    pub const READ_TELEMETRY: u16 = 34;
    /// [`super::AttachLink`].
    pub const ATTACH_LINK: u16 = 48;
    /// [`super::LinkUp`].
    pub const LINK_UP: u16 = 49;
    /// [`super::LinkKick`].
    pub const LINK_KICK: u16 = 50;
    /// [`super::DetachLink`].
    pub const DETACH_LINK: u16 = 51;
}

impl PrivateHeader {
    /// The header of a buffer of the given kind.
    pub const fn new(kind: u16) -> Self {
        Self { magic: MAGIC, version: INTERFACE_VERSION, kind }
    }

    /// Checks the header of a buffer that is to be of the given kind.
    ///
    /// # Errors
    /// [`PrivateDataError`] names the broken rule.
    pub const fn check(self, kind: u16) -> Result<(), PrivateDataError> {
        if self.magic != MAGIC {
            return Err(PrivateDataError::Magic { magic: self.magic });
        }
        if self.version != INTERFACE_VERSION {
            return Err(PrivateDataError::Version { version: self.version });
        }
        if self.kind != kind {
            return Err(PrivateDataError::Kind { expected: kind, actual: self.kind });
        }
        Ok(())
    }
}

/// A buffer that starts with a [`PrivateHeader`] of one kind.
pub trait PrivateData: Pod {
    /// One of [`kind`].
    const KIND: u16;

    /// The buffer's header.
    fn header(&self) -> PrivateHeader;

    /// Copies a buffer out of `bytes`, which must have exactly its size, and checks the header.
    ///
    /// # Errors
    /// [`PrivateDataError`] names the broken rule.
    fn read(bytes: &[u8]) -> Result<Self, PrivateDataError> {
        if bytes.len() != size_of::<Self>() {
            return Err(PrivateDataError::Size { expected: size_of::<Self>(), actual: bytes.len() });
        }
        // The buffer is pageable memory, and `bytes` is read-only to the compiler: it may otherwise leave the reads to where the
        // fields are used, behind the acquisition of a spin lock. The copy is made here.
        let data: Self = core::hint::black_box(bytemuck::pod_read_unaligned(bytes));
        data.header().check(Self::KIND)?;
        Ok(data)
    }
}

/// A private buffer that breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateDataError {
    /// The buffer does not have its kind's size.
    Size {
        /// Bytes it should have.
        expected: usize,
        /// Bytes it has.
        actual: usize,
    },
    /// The magic is wrong.
    Magic {
        /// What stands there.
        magic: u32,
    },
    /// The two drivers are of different packages.
    Version {
        /// What the other one speaks.
        version: u16,
    },
    /// The buffer is of another kind.
    Kind {
        /// The kind this call takes.
        expected: u16,
        /// The kind it got.
        actual: u16,
    },
}

impl core::fmt::Display for PrivateDataError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Size { expected, actual } => {
                write!(f, "private data has {actual} bytes where {expected} are due")
            }
            Self::Magic { magic } => {
                write!(f, "private data begins with {magic:#010x} instead of {MAGIC:#010x}")
            }
            Self::Version { version } => write!(
                f,
                "private data is of interface version {version}, this driver speaks {INTERFACE_VERSION}: the two drivers are not of one package"
            ),
            Self::Kind { expected, actual } => {
                write!(f, "private data of kind {actual} where kind {expected} is due")
            }
        }
    }
}

impl core::error::Error for PrivateDataError {}

/// Implements [`PrivateData`] for structs whose first field is the header.
macro_rules! private_data {
    ($($name:ident = $kind:ident),+ $(,)?) => {$(
        impl PrivateData for $name {
            const KIND: u16 = kind::$kind;
            fn header(&self) -> PrivateHeader {
                self.header
            }
        }
    )+};
}

private_data! {
    AdapterData = ADAPTER,
    ContextData = CONTEXT,
    AllocationData = ALLOCATION,
    FenceMarker = FENCE_MARKER,
    MapContext = MAP_CONTEXT,
    AllocateHeap = ALLOCATE_HEAP,
    FreeHeap = FREE_HEAP,
    WaitForFence = WAIT_FOR_FENCE,
    Trace = TRACE,
    Doorbell = DOORBELL,
    StandardAllocationData = STANDARD_ALLOCATION,
    SharedResourceData = SHARED_RESOURCE,
    ContextState = CONTEXT_STATE,
    AdapterStatus = ADAPTER_STATUS,
    SetMode = SET_MODE,
    ReadTelemetry = READ_TELEMETRY,
    AttachLink = ATTACH_LINK,
    LinkUp = LINK_UP,
    LinkKick = LINK_KICK,
    DetachLink = DETACH_LINK,
}

/// What `QueryAdapterInfo(UMDRIVERPRIVATE)` returns.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct AdapterData {
    /// Kind [`kind::ADAPTER`].
    pub header: PrivateHeader,
    /// The protocol version agreed with the host.
    pub abi_version: u64,
    /// The features agreed with the host.
    pub features: u64,
    /// The archived [`HostInfo`].
    pub host_info: [u64; HostInfo::WORDS],
}

/// Private data of `CreateContext`: what the user-mode driver wishes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct ContextData {
    /// Kind [`kind::CONTEXT`].
    pub header: PrivateHeader,
    /// Bytes of the ring's data area: a power of two.
    pub ring_bytes: u64,
    /// Bytes of heap to begin with.
    pub heap_bytes: u64,
}

/// Escape: tells where `CreateContext` mapped the context's ring, heap and fence line in this process.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct MapContext {
    /// Kind [`kind::MAP_CONTEXT`]; the context is the escape's `hContext`.
    pub header: PrivateHeader,
    /// Out: the context's number.
    pub context: u32,
    /// Must be zero.
    pub reserved: u32,
    /// Out: virtual address of the ring's words ([`crate::aperture::RING_HEADER_BYTES`]); the data area follows them.
    pub ring_address: u64,
    /// Out: bytes of the ring's data area.
    pub ring_bytes: u64,
    /// Out: virtual address of the context's fence line; read only.
    pub fence_address: u64,
    /// Out: virtual address of the first heap range.
    pub heap_address: u64,
    /// Out: its offset in the heap.
    pub heap_offset: u64,
    /// Out: its bytes.
    pub heap_bytes: u64,
}

/// Escape: asks for one more heap range for a context.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct AllocateHeap {
    /// Kind [`kind::ALLOCATE_HEAP`]; the context is the escape's `hContext`.
    pub header: PrivateHeader,
    /// In: bytes wanted. Out: bytes granted, rounded up to pages.
    pub bytes: u64,
    /// Out: virtual address in this process.
    pub address: u64,
    /// Out: offset in the heap.
    pub offset: u64,
}

/// Escape: gives a heap range back. The host must be done with it: its last use lies before a completed fence.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct FreeHeap {
    /// Kind [`kind::FREE_HEAP`]; the context is the escape's `hContext`.
    pub header: PrivateHeader,
    /// In: offset of a range that [`AllocateHeap`] gave.
    pub offset: u64,
}

/// Escape: sleeps until the context's fence reaches a value. The user-mode driver polls the fence line first.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct WaitForFence {
    /// Kind [`kind::WAIT_FOR_FENCE`]; the context is the escape's `hContext`.
    pub header: PrivateHeader,
    /// In: the value.
    pub value: u64,
    /// In: at most this many milliseconds. The driver sleeps no longer than 200; whoever wants to wait longer asks again.
    pub timeout_ms: u32,
    /// Out: one of [`wait_result`].
    pub result: u32,
}

/// Values of [`WaitForFence::result`].
pub mod wait_result {
    /// The fence has reached the value.
    pub const REACHED: u32 = 1;
    /// The time is over.
    pub const TIMEOUT: u32 = 2;
    /// The context is poisoned or the host is gone: report the device removed.
    pub const REMOVED: u32 = 3;
}

/// Escape: writes a trace record; see [`crate::telemetry`]. Time and process are the kernel-mode driver's.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Trace {
    /// Kind [`kind::TRACE`].
    pub header: PrivateHeader,
    /// One of [`crate::telemetry::code`].
    pub code: u16,
    /// [`crate::telemetry::Level`] on the wire.
    pub level: u8,
    /// Must be zero.
    pub reserved: [u8; 5],
    /// Meaning by `code`.
    pub args: [u64; 4],
}

/// Escape: wakes the host, when the context's ring says that it sleeps.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Doorbell {
    /// Kind [`kind::DOORBELL`]; the context is the escape's `hContext`.
    pub header: PrivateHeader,
}

/// Private data of one allocation (`CreateAllocation`): a surface that dxgkrnl must know, because it is presented or shared.
///
/// Everything else lives in the context alone and needs no allocation.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct AllocationData {
    /// Kind [`kind::ALLOCATION`].
    pub header: PrivateHeader,
    /// The context that owns the resource.
    pub context: u32,
    /// The resource's object number there.
    pub resource: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// `DXGI_FORMAT`.
    pub format: u32,
    /// Bytes from row to row of a presented frame.
    pub row_pitch: u32,
    /// Offset in the heap of the presented frames, [`crate::limits::MAX_FRAMES_IN_FLIGHT`] of them in a row; inside one
    /// of the context's ranges.
    pub frames_offset: u64,
    /// Bytes of one frame; the next begins this far behind it. 0 when the surface is never presented to the guest.
    pub frame_bytes: u64,
}

/// Private data of a shared resource, not of its allocation: what a device that opens it needs to know.
///
/// dxgkrnl hands it from the device that creates the resource to those that open it; the kernel-mode driver never looks at it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct SharedResourceData {
    /// Kind [`kind::SHARED_RESOURCE`].
    pub header: PrivateHeader,
    /// See [`crate::command::ShareResource::token`].
    pub token: [u64; crate::command::SHARE_TOKEN_WORDS],
    /// As in [`crate::command::CreateResource`], and so on.
    pub dimension: u32,
    /// `DXGI_FORMAT`.
    pub format: u32,
    /// Texels.
    pub width: u32,
    /// Texels.
    pub height: u32,
    /// Texels.
    pub depth: u32,
    /// Levels.
    pub mip_levels: u32,
    /// Slices.
    pub array_size: u32,
    /// Bits of [`crate::command::misc`].
    pub misc_flags: u32,
}

/// Private data of a standard allocation: what `GetStandardAllocationDriverData` writes and `CreateAllocation` gets back.
///
/// dxgkrnl carries it between the two calls, but a process could hand it to `CreateAllocation` itself: it is checked like
/// everything else.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct StandardAllocationData {
    /// Kind [`kind::STANDARD_ALLOCATION`].
    pub header: PrivateHeader,
    /// One of [`standard_kind`].
    pub kind: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Bytes from row to row.
    pub pitch: u32,
    /// `DXGI_FORMAT`.
    pub format: u32,
    /// The video present source of a shared primary; 0 otherwise.
    pub source: u32,
    /// Frames a second × 1000 of a shared primary; 0 otherwise.
    pub refresh_millihertz: u32,
    /// `D3DKMDT_GDISURFACETYPE` of a GDI surface; 0 otherwise.
    pub gdi_type: u32,
    /// Bytes of the whole surface: a multiple of 4096, at least `pitch` × `height`.
    pub bytes: u64,
}

/// Values of [`StandardAllocationData::kind`]; those of `D3DKMDT_STANDARDALLOCATION_TYPE`.
pub mod standard_kind {
    /// `D3DKMDT_STANDARDALLOCATION_SHAREDPRIMARYSURFACE`.
    pub const SHARED_PRIMARY: u32 = 1;
    /// `D3DKMDT_STANDARDALLOCATION_SHADOWSURFACE`.
    pub const SHADOW: u32 = 2;
    /// `D3DKMDT_STANDARDALLOCATION_STAGINGSURFACE`.
    pub const STAGING: u32 = 3;
    /// `D3DKMDT_STANDARDALLOCATION_GDISURFACE`.
    pub const GDI: u32 = 4;
}

/// The whole DMA buffer: names a fence of the context's ring. `Render` and `Present` carry it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct FenceMarker {
    /// Kind [`kind::FENCE_MARKER`].
    pub header: PrivateHeader,
    /// The context.
    pub context: u32,
    /// For presents: which of the allocation's frames, 0 to [`crate::limits::MAX_FRAMES_IN_FLIGHT`] − 1; otherwise 0.
    pub frame: u32,
    /// Position in the ring, in bytes, right behind the `Fence` record.
    pub position: u64,
    /// The fence's value.
    pub value: u64,
    /// The gate that stands in the ring before this submission's commands: opened once dxgkrnl lets the submission run.
    /// 0 for none.
    pub gate: u64,
}

#[cfg(test)]
mod tests;
