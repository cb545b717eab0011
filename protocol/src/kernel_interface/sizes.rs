//! The sizes of all private buffers and the offset of each one's last field, pinned at compile time.
//!
//! The two drivers of a package and pvgpu-ctl rely on them; a change is a bump of
//! [`INTERFACE_VERSION`](super::INTERFACE_VERSION).

use core::mem::offset_of;

use static_assertions::const_assert_eq;

use super::*;

/// Asserts each size and offset, in bytes.
macro_rules! sizes {
    ($($name:ident = $bytes:literal, $last:ident at $offset:literal;)+) => {$(
        const_assert_eq!(size_of::<$name>(), $bytes);
        const_assert_eq!(offset_of!($name, $last), $offset);
        const_assert_eq!(offset_of!($name, header), 0);
    )+};
}

sizes! {
    AdapterData = 1712, host_info at 24;
    ContextData = 24, heap_bytes at 16;
    AllocationData = 48, frame_bytes at 40;
    StandardAllocationData = 48, bytes at 40;
    SharedResourceData = 56, misc_flags at 52;
    FenceMarker = 40, gate at 32;
    MapContext = 64, heap_bytes at 56;
    AllocateHeap = 32, offset at 24;
    FreeHeap = 16, offset at 8;
    WaitForFence = 24, result at 20;
    Trace = 48, args at 16;
    Doorbell = 8, header at 0;
    ContextState = 40, completed at 32;
    AdapterStatus = 1536, gpu_driver at 1408;
    SetMode = 24, reserved at 20;
    ReadTelemetry = 3616, records at 32;
    AttachLink = 32, bytes at 24;
    LinkUp = 8, header at 0;
    LinkKick = 8, header at 0;
    DetachLink = 8, header at 0;
}

const_assert_eq!(size_of::<PrivateHeader>(), 8);
const_assert_eq!(size_of::<ModeEntry>(), 16);
