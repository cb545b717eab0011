//! Fences, gates and the waits between rings.

use rkyv::{Archive, Serialize};

/// Completes the context's fence `value` once everything before it in this ring has executed.
///
/// It also submits what the host has batched so far. Values rise strictly within a ring.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct Fence {
    /// What the host writes into the context's fence line.
    pub value: u64,
}

/// Holds this ring until the kernel-mode driver opens gate `number` from ring 0 ([`super::OpenGate`]).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct Gate {
    /// Numbers rise strictly within a ring; opening a gate opens all below it.
    pub number: u64,
}

/// Holds this ring until another context's fence has reached a value: the only order that exists between rings.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct WaitFence {
    /// The value to wait for.
    pub value: u64,
    /// The context that completes it.
    pub context: u32,
    /// Must be zero.
    pub reserved: u32,
}
