//! Pool memory: allocations with tags, guarded at both ends, every one known until it is freed.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::collections::{BTreeMap, VecDeque};
use std::ffi::c_void;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::verifier::{Rule, Verifier};

/// Pool memory is aligned to this; memory of a page or more to a page.
const ALIGN: usize = 16;
const PAGE: usize = 4096;
/// Bytes behind each block that nobody may write.
const GUARD: usize = 16;
/// What stands in the guard.
const GUARD_BYTE: u8 = 0xA5;
/// What a freed block is filled with.
const FREED_BYTE: u8 = 0xDD;
/// Freed blocks that are kept to notice late writes.
const KEPT: usize = 256;
/// Larger freed blocks are not kept.
const MAX_KEPT_BYTES: usize = 64 * 1024;

/// `POOL_FLAG_NON_PAGED`.
pub(crate) const POOL_FLAG_NON_PAGED: u64 = 0x40;
/// `POOL_FLAG_UNINITIALIZED`.
const POOL_FLAG_UNINITIALIZED: u64 = 0x2;

/// An allocated block.
#[derive(Clone, Copy, Debug)]
struct Block {
    bytes: usize,
    tag: u32,
}

/// One system's pool.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    blocks: BTreeMap<usize, Block>,
    freed: VecDeque<(usize, Block)>,
    allocations: u64,
}

/// A tag as people write it: its four characters.
fn tag_text(tag: u32) -> String {
    tag.to_le_bytes().iter().map(|byte| char::from(*byte)).collect()
}

fn layout(bytes: usize) -> Option<Layout> {
    let align = if bytes >= PAGE { PAGE } else { ALIGN };
    Layout::from_size_align(bytes.checked_add(GUARD)?, align).ok()
}

impl Pool {
    /// Allocates zeroed memory; null when there is none.
    pub(crate) fn allocate(&self, verifier: &Verifier, flags: u64, bytes: usize, tag: u32) -> *mut c_void {
        let Some(layout) = layout(bytes).filter(|_| bytes != 0) else { return ptr::null_mut() };
        // SAFETY: the layout has at least the guard's bytes.
        let address = unsafe { alloc_zeroed(layout) };
        if address.is_null() {
            return ptr::null_mut();
        }
        if flags & POOL_FLAG_UNINITIALIZED != 0 && verifier.is_strict() {
            // SAFETY: the block was just allocated with this many bytes.
            unsafe { address.write_bytes(0xCD, bytes) };
        }
        // SAFETY: the guard lies behind the block in the same allocation.
        unsafe { address.wrapping_add(bytes).write_bytes(GUARD_BYTE, GUARD) };
        let mut state = self.state();
        state.blocks.insert(address.addr(), Block { bytes, tag });
        state.allocations += 1;
        address.cast()
    }

    /// Frees a block. `tag` 0 is allowed for memory that NT itself allocated for the driver (`any_tag`).
    pub(crate) fn free(&self, verifier: &Verifier, address: *mut c_void, tag: u32) {
        const FUNCTION: &str = "ExFreePoolWithTag";
        let mut state = self.state();
        let Some(block) = state.blocks.remove(&address.addr()) else {
            let again = state.freed.iter().any(|(freed, _)| *freed == address.addr());
            drop(state);
            let what = if again { "was freed already" } else { "is no pool memory" };
            verifier.report(Rule::PoolFree, FUNCTION, || format!("{address:p} {what}"));
            return;
        };
        drop(state);
        if tag != 0 && block.tag != tag {
            let (was, is) = (tag_text(block.tag), tag_text(tag));
            verifier.report(Rule::PoolTag, FUNCTION, || format!("allocated as '{was}', freed as '{is}'"));
        }
        let address = address.cast::<u8>();
        if !filled(address.wrapping_add(block.bytes), GUARD, GUARD_BYTE) {
            let Block { bytes, tag } = block;
            verifier.report(Rule::PoolCorruption, FUNCTION, || {
                format!("bytes behind a block of {bytes} bytes with tag '{}' were written", tag_text(tag))
            });
        }
        if verifier.is_strict() && block.bytes <= MAX_KEPT_BYTES {
            // SAFETY: the block is ours again and has this many bytes.
            unsafe { address.write_bytes(FREED_BYTE, block.bytes) };
            let old = {
                let mut state = self.state();
                state.freed.push_back((address.addr(), block));
                if state.freed.len() > KEPT { state.freed.pop_front() } else { None }
            };
            if let Some((address, block)) = old {
                let_go(verifier, ptr::with_exposed_provenance_mut(address), block);
            }
            // The address comes back from the list by its number.
            let _ = address.expose_provenance();
        } else {
            release(address, block.bytes);
        }
    }

    /// Bytes of an allocated block.
    pub(crate) fn bytes(&self, address: *mut c_void) -> Option<usize> {
        self.state().blocks.get(&address.addr()).map(|block| block.bytes)
    }

    /// Blocks allocated now.
    pub(crate) fn blocks(&self) -> usize {
        self.state().blocks.len()
    }

    /// Allocations ever made.
    pub(crate) fn allocations(&self) -> u64 {
        self.state().allocations
    }

    /// Notes every block that is still allocated, and looks at those that are freed: the driver is unloaded.
    pub(crate) fn check_unloaded(&self, verifier: &Verifier) {
        let (blocks, freed) = {
            let mut state = self.state();
            (std::mem::take(&mut state.blocks), std::mem::take(&mut state.freed))
        };
        for (address, Block { bytes, tag }) in blocks {
            verifier.report(Rule::PoolLeak, "DriverUnload", || {
                format!("{bytes} bytes at {address:#x} with tag '{}' are left", tag_text(tag))
            });
        }
        for (address, block) in freed {
            let_go(verifier, ptr::with_exposed_provenance_mut(address), block);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks whether a freed block was written since, and gives it back to the process.
fn let_go(verifier: &Verifier, address: *mut u8, block: Block) {
    if !filled(address, block.bytes, FREED_BYTE) {
        let Block { bytes, tag } = block;
        verifier.report(Rule::PoolCorruption, "ExFreePoolWithTag", || {
            format!("a block of {bytes} bytes with tag '{}' was written after it was freed", tag_text(tag))
        });
    }
    release(address, block.bytes);
}

/// Whether so many bytes have all one value.
fn filled(address: *const u8, bytes: usize, value: u8) -> bool {
    (0..bytes).all(|index| {
        // SAFETY: callers give ranges of blocks that they own.
        unsafe { address.wrapping_add(index).read_volatile() == value }
    })
}

fn release(address: *mut u8, bytes: usize) {
    if let Some(layout) = layout(bytes) {
        // SAFETY: `allocate` made the block with this layout, and it was taken out of the tables.
        unsafe { dealloc(address, layout) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: u32 = u32::from_le_bytes(*b"test");

    fn rules(verifier: &Verifier) -> Vec<Rule> {
        verifier.all().iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn honest_use_breaks_nothing() {
        let (pool, verifier) = (Pool::default(), Verifier::new(true));
        for bytes in [1, 16, 100, 4096, 100_000] {
            let block = pool.allocate(&verifier, POOL_FLAG_NON_PAGED, bytes, TAG);
            assert!(!block.is_null() && block.addr().is_multiple_of(if bytes < 4096 { 16 } else { 4096 }));
            assert!(filled(block.cast(), bytes, 0));
            pool.free(&verifier, block, TAG);
        }
        assert!(pool.allocate(&verifier, POOL_FLAG_NON_PAGED, 0, TAG).is_null());
        assert!(pool.allocate(&verifier, POOL_FLAG_NON_PAGED, usize::MAX, TAG).is_null());
        pool.check_unloaded(&verifier);
        assert_eq!((rules(&verifier), pool.allocations()), (vec![], 5));
    }

    #[test]
    fn every_misuse_is_noticed() {
        let (pool, verifier) = (Pool::default(), Verifier::new(true));
        let block = pool.allocate(&verifier, POOL_FLAG_NON_PAGED, 32, TAG);
        // SAFETY: the guard behind the block belongs to the allocation.
        unsafe { block.cast::<u8>().wrapping_add(32).write(0) };
        pool.free(&verifier, block, TAG + 1);
        // SAFETY: the block is kept for a while after it was freed.
        unsafe { block.cast::<u8>().write(0) };
        pool.free(&verifier, block, TAG);
        pool.allocate(&verifier, POOL_FLAG_NON_PAGED, 8, TAG);
        pool.check_unloaded(&verifier);
        let expected =
            [Rule::PoolTag, Rule::PoolCorruption, Rule::PoolFree, Rule::PoolLeak, Rule::PoolCorruption];
        assert_eq!(rules(&verifier), expected);
    }
}
