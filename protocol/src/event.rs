//! What the host tells the guest through the event ring.
//!
//! Events are framed and encoded like commands ([`crate::command::encode`]); [`decode_event`] takes them apart. The
//! guest treats them as it treats everything from the other side: it copies, checks, then acts.

use rkyv::{Archive, Serialize};

use crate::command::opcodes;

/// A command broke a rule: its context is poisoned, which the D3D runtime sees as device removed.
///
/// Nothing of that context executes after this; its fence line's error cell holds the same code.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct ContextError {
    /// Which context; 0 for ring 0, which poisons the whole adapter.
    pub context: u32,
    /// One of [`error_code`].
    pub code: u32,
    /// The opcode of the offending record; 0 when no record was at fault.
    pub opcode: u32,
    /// The object's number at fault, or 0xffff_ffff.
    pub object: u32,
    /// Position of the offending record in its ring, in bytes since the ring began.
    pub position: u64,
}

/// A context asked to end has ended; its memory may be reused.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct ContextDestroyed {
    /// Which context.
    pub context: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// Somebody on the host wants the guest to offer one more display mode, and to prefer it (`pvgpu-ctl mode`).
///
/// The kernel-mode driver puts it into its mode list and its EDID and has the monitor arrive anew, so that the system
/// asks for modes again. The mode keeps the rules of [`crate::mode::DisplayMode::check`], or is all zero, which takes the
/// custom mode away; the guest checks again.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct ModeRequest {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames a second × 1000.
    pub refresh_millihertz: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// Why a context was poisoned.
pub mod error_code {
    /// Not poisoned.
    pub const NONE: u32 = 0;
    /// The ring's indices or a record's framing are corrupt.
    pub const CORRUPT_RING: u32 = 1;
    /// A record is no legal command.
    pub const MALFORMED: u32 = 2;
    /// A command that this ring may not carry.
    pub const NOT_ALLOWED: u32 = 3;
    /// An object's number is unknown, in use, out of range or of another kind.
    pub const BAD_OBJECT: u32 = 4;
    /// A size, format, range, subresource or enumeration is out of its range.
    pub const BAD_ARGUMENT: u32 = 5;
    /// A heap range lies outside the heap or was not granted to this context.
    pub const BAD_HEAP_RANGE: u32 = 6;
    /// A shader does not translate.
    pub const BAD_SHADER: u32 = 7;
    /// A limit (objects, bytes) is reached.
    pub const LIMIT: u32 = 8;
    /// The host's GPU is out of memory.
    pub const OUT_OF_MEMORY: u32 = 9;
    /// The host's GPU or driver failed.
    pub const DEVICE_LOST: u32 = 10;
    /// The host cannot do this, though D3D11 can.
    pub const UNSUPPORTED: u32 = 11;

    /// The code's name, for people.
    pub const fn name(code: u32) -> &'static str {
        match code {
            NONE => "none",
            CORRUPT_RING => "corrupt ring",
            MALFORMED => "malformed record",
            NOT_ALLOWED => "command not allowed on this ring",
            BAD_OBJECT => "bad object",
            BAD_ARGUMENT => "bad argument",
            BAD_HEAP_RANGE => "bad heap range",
            BAD_SHADER => "shader does not translate",
            LIMIT => "limit reached",
            OUT_OF_MEMORY => "out of GPU memory",
            DEVICE_LOST => "GPU lost",
            UNSUPPORTED => "unsupported by the host",
            _ => "unknown",
        }
    }
}

opcodes! { EventRef, "event", decode_event;
    0x8001 ContextError,
    0x8002 ContextDestroyed,
    0x8003 ModeRequest,
}
