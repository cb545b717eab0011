//! DMA buffers with their private data and lists: what the driver writes when it renders, and reads when it submits.
//!
//! They are the model's memory, lent to the driver by address while it is called. Behind each of them stands a guard, so that
//! a driver that writes more than it was given is noticed. A buffer goes back to its pool when its submission is over.

use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};

use pvgpu_kmd_ddi::*;

use super::driver::DriverHandle;
use crate::verifier::{Rule, Verifier};

/// What stands in a guard.
const GUARD: u64 = 0x5AFE_6A2D_5AFE_6A2D;
/// Buffers that a pool keeps.
const MAX_KEPT: usize = 16;
/// 64-bit words of a `DXGK_ALLOCATIONLIST`.
const LIST_WORDS: usize = size_of::<DXGK_ALLOCATIONLIST>() / 8;

/// An array of memory words that is lent by address.
#[derive(Debug, Default)]
struct Words {
    words: Box<[u64]>,
}

impl Words {
    /// So many bytes, zero, with a guard behind.
    fn new(bytes: usize) -> Self {
        let count = bytes.div_ceil(8);
        let mut words = vec![0; count + 1].into_boxed_slice();
        if let Some(guard) = words.last_mut() {
            *guard = GUARD;
        }
        Self { words }
    }

    fn address(&mut self) -> usize {
        self.words.as_mut_ptr().expose_provenance()
    }

    fn is_whole(&self) -> bool {
        self.words.last() == Some(&GUARD)
    }
}

/// How large the buffers of a context are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Bytes of a DMA buffer.
    pub(crate) dma: u32,
    /// Bytes of its private data.
    pub(crate) private: u32,
    /// Entries of the allocation list.
    pub(crate) allocations: u32,
    /// Entries of the patch location list.
    pub(crate) patches: u32,
}

/// An entry of an allocation list, as dxgkrnl knows it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ListEntry {
    /// `hDeviceSpecificAllocation`; none for an unused index of a present.
    pub(crate) opened: DriverHandle,
    /// `WriteOperation`.
    pub(crate) write: bool,
    /// The segment where it is, 0 when it is in none.
    pub(crate) segment: u32,
    /// Its address there.
    pub(crate) address: u64,
}

impl ListEntry {
    fn words(self) -> [u64; LIST_WORDS] {
        let flags = DXGK_ALLOCATIONLIST_FLAGS { Value: u32::from(self.write) }
            .with(DXGK_ALLOCATIONLIST_FLAGS::SegmentId, self.segment);
        [self.opened.0 as u64, u64::from(flags.Value), self.address]
    }
}

#[derive(Debug, Default)]
struct Memory {
    dma: Words,
    private: Words,
    patches: Words,
    allocations: Words,
    addresses: Addresses,
}

#[derive(Clone, Copy, Debug, Default)]
struct Addresses {
    dma: usize,
    private: usize,
    patches: usize,
    allocations: usize,
}

/// The buffers of a context that are not in use.
#[derive(Debug)]
pub(crate) struct BufferPool {
    sizes: Sizes,
    free: Mutex<Vec<Memory>>,
}

impl BufferPool {
    /// A pool of buffers of one size.
    pub(crate) fn new(sizes: Sizes) -> Arc<Self> {
        Arc::new(Self { sizes, free: Mutex::default() })
    }

    /// How large its buffers are.
    pub(crate) fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// An empty buffer.
    pub(crate) fn take(self: &Arc<Self>) -> DmaBuffer {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let memory = free.unwrap_or_else(|| {
            let Sizes { dma, private, allocations, patches } = self.sizes;
            let mut memory = Memory {
                dma: Words::new(dma as usize),
                private: Words::new(private as usize),
                patches: Words::new(patches as usize * size_of::<D3DDDI_PATCHLOCATIONLIST>()),
                allocations: Words::new(allocations as usize * size_of::<DXGK_ALLOCATIONLIST>()),
                addresses: Addresses::default(),
            };
            memory.addresses = Addresses {
                dma: memory.dma.address(),
                private: memory.private.address(),
                patches: memory.patches.address(),
                allocations: memory.allocations.address(),
            };
            memory
        });
        DmaBuffer { pool: self.clone(), memory, allocations: 0, used: Used::default() }
    }
}

/// How much of a buffer the driver has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    /// Bytes.
    pub(crate) dma: u32,
    /// Bytes.
    pub(crate) private: u32,
    /// Entries.
    pub(crate) patches: u32,
}

/// A DMA buffer and all that belongs to it.
#[derive(Debug)]
pub(crate) struct DmaBuffer {
    pool: Arc<BufferPool>,
    memory: Memory,
    allocations: u32,
    used: Used,
}

impl Drop for DmaBuffer {
    fn drop(&mut self) {
        let mut free = self.pool.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < MAX_KEPT {
            free.push(std::mem::take(&mut self.memory));
        }
    }
}

fn pointer<T>(address: usize) -> *mut T {
    std::ptr::with_exposed_provenance_mut(address)
}

impl DmaBuffer {
    /// Writes the allocation list; false when it is too long.
    pub(crate) fn set_allocations(&mut self, list: impl IntoIterator<Item = ListEntry>) -> bool {
        self.allocations = 0;
        let room = self.pool.sizes.allocations;
        for entry in list {
            if self.allocations == room {
                return false;
            }
            let first = self.allocations as usize * LIST_WORDS;
            for (word, value) in self.memory.allocations.words.iter_mut().skip(first).zip(entry.words()) {
                *word = value;
            }
            self.allocations += 1;
        }
        true
    }

    /// What `DxgkDdiRender` gets, but for the command.
    pub(crate) fn render_args(&self) -> DXGKARG_RENDER {
        let (sizes, addresses) = (self.pool.sizes, self.memory.addresses);
        DXGKARG_RENDER {
            pDmaBuffer: pointer::<c_void>(addresses.dma),
            DmaSize: sizes.dma,
            pDmaBufferPrivateData: pointer(addresses.private),
            DmaBufferPrivateDataSize: sizes.private,
            pAllocationList: pointer(addresses.allocations),
            AllocationListSize: self.allocations,
            pPatchLocationListOut: pointer(addresses.patches),
            PatchLocationListOutSize: sizes.patches,
            DmaBufferPhysicalAddress: self.physical(),
            ..Default::default()
        }
    }

    /// What `DxgkDdiPresent` gets of the buffers.
    pub(crate) fn present_args(&self) -> DXGKARG_PRESENT {
        let (sizes, addresses) = (self.pool.sizes, self.memory.addresses);
        DXGKARG_PRESENT {
            pDmaBuffer: pointer::<c_void>(addresses.dma),
            DmaSize: sizes.dma,
            pDmaBufferPrivateData: pointer(addresses.private),
            DmaBufferPrivateDataSize: sizes.private,
            pAllocationList: pointer(addresses.allocations),
            pPatchLocationListOut: pointer(addresses.patches),
            PatchLocationListOutSize: sizes.patches,
            DmaBufferPhysicalAddress: self.physical(),
            ..Default::default()
        }
    }

    /// What `DxgkDdiBuildPagingBuffer` gets of the buffers: DMA buffer and private data with their sizes.
    pub(crate) fn paging_parts(&self) -> ((*mut c_void, u32), (*mut c_void, u32)) {
        let (sizes, addresses) = (self.pool.sizes, self.memory.addresses);
        ((pointer(addresses.dma), sizes.dma), (pointer(addresses.private), sizes.private))
    }

    /// Takes over how far the driver has advanced its pointers; a pointer outside its buffer is a violation.
    pub(crate) fn advanced(
        &mut self,
        verifier: &Verifier,
        entry: &'static str,
        (dma, private, patches): (*mut c_void, *mut c_void, *mut D3DDDI_PATCHLOCATIONLIST),
    ) -> bool {
        let addresses = self.memory.addresses;
        let patch = size_of::<D3DDDI_PATCHLOCATIONLIST>();
        let sizes = self.pool.sizes;
        let distance = |now: usize, start: usize, room: u32, unit: usize| {
            let bytes = now.checked_sub(start).filter(|bytes| bytes.is_multiple_of(unit))?;
            u32::try_from(bytes / unit).ok().filter(|count| *count <= room)
        };
        let used = (
            distance(dma.addr(), addresses.dma, sizes.dma, 1),
            distance(private.addr(), addresses.private, sizes.private, 1),
            distance(patches.addr(), addresses.patches, sizes.patches, patch),
        );
        let whole = [&self.memory.dma, &self.memory.private, &self.memory.patches, &self.memory.allocations];
        let overrun = !whole.iter().all(|words| words.is_whole());
        match used {
            (Some(dma), Some(private), Some(patches)) if !overrun => {
                self.used = Used { dma, private, patches };
                true
            }
            _ => {
                verifier.report(Rule::Ddi, entry, || {
                    format!("a pointer or a write lies outside the DMA buffers: {used:?}, overrun: {overrun}")
                });
                false
            }
        }
    }

    /// How much of it the driver has written.
    pub(crate) fn used(&self) -> Used {
        self.used
    }

    /// Whether there is anything to patch.
    pub(crate) fn needs_patch(&self) -> bool {
        self.used.patches != 0
    }

    fn physical(&self) -> PHYSICAL_ADDRESS {
        // CAST: the model's DMA buffers are in no segment; their physical address is where they are.
        self.memory.addresses.dma as PHYSICAL_ADDRESS
    }

    /// What `DxgkDdiPatch` gets.
    pub(crate) fn patch_args(&self, context: DriverHandle, fence_id: u32, flags: u32) -> DXGKARG_PATCH {
        let (sizes, addresses) = (self.pool.sizes, self.memory.addresses);
        DXGKARG_PATCH {
            hContext: context.pointer(),
            DmaBufferPhysicalAddress: self.physical(),
            pDmaBuffer: pointer(addresses.dma),
            DmaBufferSize: sizes.dma,
            DmaBufferSubmissionEndOffset: self.used.dma,
            pDmaBufferPrivateData: pointer(addresses.private),
            DmaBufferPrivateDataSize: sizes.private,
            DmaBufferPrivateDataSubmissionEndOffset: self.used.private,
            pAllocationList: pointer(addresses.allocations),
            AllocationListSize: self.allocations,
            pPatchLocationList: pointer(addresses.patches),
            PatchLocationListSize: self.used.patches,
            PatchLocationListSubmissionLength: self.used.patches,
            SubmissionFenceId: fence_id,
            // The first bits of both flag words mean the same.
            Flags: DXGK_PATCHFLAGS { Value: flags & 0xf },
            ..Default::default()
        }
    }

    /// What `DxgkDdiCancelCommand` gets.
    pub(crate) fn cancel_args(&self, context: DriverHandle) -> DXGKARG_CANCELCOMMAND {
        let patch = self.patch_args(context, 0, 0);
        DXGKARG_CANCELCOMMAND {
            hContext: context.pointer(),
            pDmaBuffer: patch.pDmaBuffer,
            DmaBufferSize: patch.DmaBufferSize,
            DmaBufferSubmissionEndOffset: patch.DmaBufferSubmissionEndOffset,
            pDmaBufferPrivateData: patch.pDmaBufferPrivateData,
            DmaBufferPrivateDataSize: patch.DmaBufferPrivateDataSize,
            DmaBufferPrivateDataSubmissionEndOffset: patch.DmaBufferPrivateDataSubmissionEndOffset,
            pAllocationList: patch.pAllocationList,
            AllocationListSize: patch.AllocationListSize,
            pPatchLocationList: patch.pPatchLocationList,
            PatchLocationListSize: patch.PatchLocationListSize,
            PatchLocationListSubmissionLength: patch.PatchLocationListSubmissionLength,
            ..Default::default()
        }
    }

    /// What `DxgkDdiSubmitCommand` gets.
    pub(crate) fn submit_args(
        &self,
        context: DriverHandle,
        fence_id: u32,
        flags: u32,
    ) -> DXGKARG_SUBMITCOMMAND {
        let (sizes, addresses) = (self.pool.sizes, self.memory.addresses);
        DXGKARG_SUBMITCOMMAND {
            hContext: context.pointer(),
            DmaBufferPhysicalAddress: self.physical(),
            DmaBufferSize: sizes.dma,
            DmaBufferSubmissionEndOffset: self.used.dma,
            pDmaBufferPrivateData: pointer(addresses.private),
            DmaBufferPrivateDataSize: sizes.private,
            DmaBufferPrivateDataSubmissionEndOffset: self.used.private,
            SubmissionFenceId: fence_id,
            Flags: DXGK_SUBMITCOMMANDFLAGS { Value: flags },
            ..Default::default()
        }
    }
}
