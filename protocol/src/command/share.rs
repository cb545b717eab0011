//! Resources that several contexts use.
//!
//! A shared resource is known by a token: a number that only its owner and those whom dxgkrnl lets open it know, since it
//! travels in the resource's private data alone. Whoever names a token may open the resource, so the owner draws it at
//! random from 128 bits.

use rkyv::{Archive, Serialize};

use super::HeapRange;

/// Words of a token.
pub const SHARE_TOKEN_WORDS: usize = 2;

/// Lets other contexts open a resource of this context, for as long as any context has it.
///
/// Not for dynamic and staging resources, constant buffers, and resources that are presented.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct ShareResource {
    /// The token; no other resource of the host's guests has it.
    pub token: [u64; SHARE_TOKEN_WORDS],
    /// The resource.
    pub id: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// Makes a shared resource an object of this context as well: the same contents under another number.
///
/// Holds this ring until the owner's ring has come to [`ShareResource`]; not for long: a token that nobody shares
/// poisons the context.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct OpenSharedResource {
    /// The token.
    pub token: [u64; SHARE_TOKEN_WORDS],
    /// The object's number in this context.
    pub id: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// The same as [`OpenSharedResource`], with an answer: a token that nobody shares costs nothing but the object, whose number
/// stays free. The answer is there before the fence that follows completes.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct TryOpenSharedResource {
    /// The token.
    pub token: [u64; SHARE_TOKEN_WORDS],
    /// Eight bytes that get one of [`open_status`], at a multiple of 8.
    pub status: HeapRange,
    /// The object's number in this context.
    pub id: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// What became of a [`TryOpenSharedResource`].
pub mod open_status {
    /// Nothing yet, if it was written before the command.
    pub const NONE: u64 = 0;
    /// The object is there.
    pub const OPENED: u64 = 1;
    /// It is not: nobody shares the token, or what is shared cannot be opened.
    pub const REFUSED: u64 = 2;
}
