//! Draws, dispatches and queries around them.

use rkyv::{Archive, Serialize};

/// `Draw` and `DrawInstanced`.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct Draw {
    /// Vertices of one instance.
    pub vertex_count: u32,
    /// Instances; 1 for a plain draw.
    pub instance_count: u32,
    /// The first vertex.
    pub start_vertex: u32,
    /// The first instance; affects per-instance attributes only.
    pub start_instance: u32,
}

/// `DrawIndexed` and `DrawIndexedInstanced`.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct DrawIndexed {
    /// Indices of one instance.
    pub index_count: u32,
    /// Instances; 1 for a plain draw.
    pub instance_count: u32,
    /// The first index.
    pub start_index: u32,
    /// Added to each index.
    pub base_vertex: i32,
    /// The first instance; affects per-instance attributes only.
    pub start_instance: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// `Dispatch`.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct Dispatch {
    /// Thread groups in x.
    pub x: u32,
    /// Thread groups in y.
    pub y: u32,
    /// Thread groups in z.
    pub z: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// Values of [`DrawIndirect::kind`].
pub mod indirect_kind {
    /// `DrawInstancedIndirect`: 4 × u32.
    pub const DRAW: u32 = 0;
    /// `DrawIndexedInstancedIndirect`: 5 × u32.
    pub const DRAW_INDEXED: u32 = 1;
    /// `DispatchIndirect`: 3 × u32.
    pub const DISPATCH: u32 = 2;
}

/// The draws and the dispatch whose arguments lie in a buffer.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct DrawIndirect {
    /// One of [`indirect_kind`].
    pub kind: u32,
    /// The buffer with the arguments.
    pub buffer: u32,
    /// Bytes from the buffer's start.
    pub offset: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// `DrawAuto`: the vertices that stream output has written to the first vertex buffer.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct DrawAuto {
    /// Must be zero.
    pub reserved: u64,
}

/// Makes commands depend on a predicate (`SetPredication`).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetPredication {
    /// The predicate, a query; [`super::NONE`] for none.
    pub query: u32,
    /// Commands are left out when the predicate has this value: 0 or 1.
    pub value: u32,
    /// 1 when the host need not wait for the predicate (`D3D11_QUERY_MISC_PREDICATEHINT`), else 0.
    pub hint: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// Begins a query (`QueryBegin`).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct BeginQuery {
    /// Which one.
    pub query: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// Ends a query (`QueryEnd`); its result follows with the next fence.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct EndQuery {
    /// Which one.
    pub query: u32,
    /// Must be zero.
    pub reserved: u32,
}
