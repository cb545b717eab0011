//! What only the kernel-mode driver may say, on ring 0.

use rkyv::{Archive, Serialize};

/// A range of the aperture's heap, in bytes from the heap's start.
///
/// `length` 0 means "none"; `offset` is then 0.
#[derive(Archive, Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct HeapRange {
    /// First byte, from the start of the heap.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
}

impl From<ArchivedHeapRange> for HeapRange {
    fn from(range: ArchivedHeapRange) -> Self {
        Self { offset: range.offset.to_native(), length: range.length.to_native() }
    }
}

/// Begins a context: the host starts to read the ring that lies at `ring` in the heap.
///
/// The ring's region is one header page and a power-of-two data area; see [`crate::aperture`]. It must overlap no
/// other ring and no granted range.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct CreateContext {
    /// Where the ring lies.
    pub ring: HeapRange,
    /// The context's number, 1 to [`crate::limits::MAX_CONTEXTS`] − 1; also the number of its fence line.
    pub context: u32,
    /// The guest process it belongs to, for people who watch; the host does not act on it.
    pub process: u32,
}

/// Ends a context: its objects are destroyed and its grants revoked, once the GPU is done with them.
///
/// The host zeroes the context's fence line and answers with [`crate::event::ContextDestroyed`]; only then may the guest reuse
/// the number and the memory.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct DestroyContext {
    /// Which one.
    pub context: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// Lets a context's commands refer to a range of the heap.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct GrantHeap {
    /// The range; it must overlap no ring and no other grant.
    pub range: HeapRange,
    /// Who may use it.
    pub context: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// Takes a granted range back. The guest sends it only after a fence that follows the range's last use.
///
/// A later use of the range, or of an object in it, poisons the context. The next [`super::Fence`] on ring 0 completes once the
/// work that was submitted before and uses the range is finished; from then on another context may be granted the range.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct RevokeHeap {
    /// Exactly a range granted before.
    pub range: HeapRange,
    /// To whom it was granted.
    pub context: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// Opens a context's gates up to and including `number`.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct OpenGate {
    /// See [`super::Gate`].
    pub number: u64,
    /// Whose gate.
    pub context: u32,
    /// Must be zero.
    pub reserved: u32,
}
