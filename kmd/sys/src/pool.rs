//! Memory for Rust's collections, from the non-paged pool.
//!
//! The driver only allocates in ways that can fail (`try_reserve` and what is built on it), so an allocation that fails is an
//! error of the call that made it.
#![expect(unsafe_code, reason = "implements the global allocator")]

use core::alloc::{GlobalAlloc, Layout};

/// The alignment of every allocation from the pool on x64.
const POOL_ALIGNMENT: usize = 16;

/// The allocator behind `alloc`.
#[global_allocator]
static POOL: Pool = Pool;

struct Pool;

// SAFETY: memory comes from the pool, which gives each piece once; a larger alignment than the pool's is made inside a piece that
// is larger by it. Nothing here can unwind.
unsafe impl GlobalAlloc for Pool {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= POOL_ALIGNMENT {
            return allocate(layout.size());
        }
        // The piece's own address stands right before the aligned place. There is room for it: both are multiples of 16, and the
        // second lies behind the first.
        let Some(bytes) = layout.size().checked_add(layout.align()) else { return core::ptr::null_mut() };
        let piece = allocate(bytes);
        if piece.is_null() {
            return piece;
        }
        let offset = layout.align() - piece.addr() % layout.align();
        // SAFETY: the offset is at most the alignment, by which the piece is larger.
        let aligned = unsafe { piece.add(offset) };
        // SAFETY: the offset is a multiple of 16 and not 0.
        let note = unsafe { aligned.cast::<*mut u8>().sub(1) };
        // SAFETY: these 8 bytes lie in the piece, in front of what the caller gets.
        unsafe { note.write(piece) };
        aligned
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // The pool gives zeroed memory, and what is written above lies outside.
        // SAFETY: the caller's promise.
        unsafe { self.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let mut piece = memory;
        if layout.align() > POOL_ALIGNMENT {
            // SAFETY: `alloc` left the piece's address there.
            let note = unsafe { memory.cast::<*mut u8>().sub(1) };
            // SAFETY: see above.
            piece = unsafe { note.read() };
        }
        // SAFETY: it came from `allocate`, and the caller gives it back.
        unsafe { free(piece) };
    }
}

#[cfg(not(feature = "wdk"))]
mod source {
    use crate::imports;

    /// `POOL_FLAG_NON_PAGED` of `wdm.h`: zeroed, not executable.
    const POOL_FLAG_NON_PAGED: u64 = 0x40;
    /// Shown by tools as "pvgK".
    const TAG: u32 = u32::from_le_bytes(*b"pvgK");

    /// IRQL ≤ `DISPATCH_LEVEL`.
    pub fn allocate(bytes: usize) -> *mut u8 {
        // SAFETY: any size may be asked for.
        unsafe { imports::ExAllocatePool2(POOL_FLAG_NON_PAGED, bytes, TAG) }.cast()
    }

    /// IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `piece` came from [`allocate`] and is not used any more.
    pub unsafe fn free(piece: *mut u8) {
        // SAFETY: it came from the pool with this tag.
        unsafe { imports::ExFreePoolWithTag(piece.cast(), TAG) };
    }
}

#[cfg(feature = "wdk")]
mod source {
    use core::alloc::{GlobalAlloc, Layout};

    use wdk_alloc::WdkAllocator;

    /// IRQL ≤ `DISPATCH_LEVEL`. The tag is windows-drivers-rs's, "rust".
    pub fn allocate(bytes: usize) -> *mut u8 {
        let Ok(layout) = Layout::from_size_align(bytes, super::POOL_ALIGNMENT) else {
            return core::ptr::null_mut();
        };
        // SAFETY: Rust never asks an allocator for 0 bytes, and what is added above only makes it more.
        unsafe { WdkAllocator.alloc(layout) }
    }

    /// IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `piece` came from [`allocate`] and is not used any more.
    pub unsafe fn free(piece: *mut u8) {
        // The allocator does not look at the layout.
        // SAFETY: the caller's promise.
        unsafe { WdkAllocator.dealloc(piece, Layout::new::<u128>()) };
    }
}

use source::{allocate, free};
