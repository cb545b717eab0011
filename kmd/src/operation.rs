//! Work that a submission asks for beyond a fence: copies and fills in the heap by the host, paging by the processor.
//!
//! An operation begins when everything submitted before it is done or is an operation that ring 0 already carries: then the
//! order of ring 0 is the order that dxgkrnl wants, and ring 0 never waits for another ring. It is done when ring 0's fence
//! says so.
//!
//! Paging between system memory and the segment is the processor's: the host does not see the guest's system memory. It is
//! done piece by piece from the DPC, outside the lock.

use core::sync::atomic::Ordering;

use pvgpu_protocol::aperture::Layout;
use pvgpu_protocol::command::{BlitHeap, FillHeap, HeapRange};
use pvgpu_protocol::kernel_interface::counter;
use pvgpu_protocol::telemetry::{Level, area, code};
use pvgpu_ring::AtomicU64;

use crate::core_state::Core;
use crate::display::Surface;
use crate::kernel::{Kernel, SystemCopy};
use crate::ring0::KernelCommand;
use crate::state::Removal;
use crate::status::Status;
use crate::submission::{Pending, Work};

/// What the host is to do with the heap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum HeapCommand {
    /// A copy between two allocations.
    Blit {
        /// The record.
        blit: BlitHeap,
        /// Both allocations: when one is gone by the time of the copy, its memory is somebody else's.
        allocations: [u64; 2],
    },
    /// A fill of an allocation.
    Fill {
        /// The record.
        fill: FillHeap,
        /// The allocation.
        allocation: u64,
    },
    /// A copy that moves an allocation in the segment.
    Move(BlitHeap),
    /// A fill that makes memory new for whoever gets it.
    PagingFill(FillHeap),
    /// The screen shows another surface.
    Flip {
        /// The allocation.
        h_allocation: u64,
        /// Which of its frames.
        frame: u32,
        /// Its address in the segment.
        address: u64,
    },
}

/// One of them, in a submission.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Operation {
    /// What is to be done.
    pub(crate) command: HeapCommand,
    /// The value of ring 0's fence that says it is done; `None` until ring 0 carries it.
    pub(crate) fence: Option<u64>,
}

/// Where the bytes of a paging operation come from or go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PagingPeer {
    /// They come from system memory.
    From {
        /// The MDL.
        mdl: u64,
        /// Bytes from its start.
        offset: u64,
    },
    /// They go to system memory.
    To {
        /// The MDL.
        mdl: u64,
        /// Bytes from its start.
        offset: u64,
    },
    /// They are a 32-bit pattern.
    Pattern(u32),
}

/// A paging operation that the processor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PagingWork {
    /// The other side.
    pub(crate) peer: PagingPeer,
    /// The heap's side; whole pages.
    pub(crate) range: HeapRange,
    /// Bytes done.
    pub(crate) done: u64,
}

/// A piece of it, to be done outside the lock.
pub(crate) enum Piece<K: Kernel> {
    /// Between system memory and the aperture.
    Copy(SystemCopy),
    /// A fill of the aperture.
    Fill { aperture: K::Aperture, offset: u64, bytes: u64, pattern: u32 },
}

impl<K: Kernel> Piece<K> {
    /// Does it. No lock is held. IRQL ≤ `DISPATCH_LEVEL`.
    pub(crate) fn run(&self, kernel: &K) -> Result<(), Status> {
        match self {
            Self::Copy(copy) => kernel.copy_system_memory(*copy),
            Self::Fill { aperture, offset, bytes, pattern } => {
                fill(aperture.as_ref(), *offset, *bytes, *pattern);
                Ok(())
            }
        }
    }

    /// How much it is.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Copy(copy) => copy.bytes,
            Self::Fill { bytes, .. } => *bytes,
        }
    }
}

/// Fills whole cells with a pattern.
fn fill(cells: &[AtomicU64], offset: u64, bytes: u64, pattern: u32) {
    let word = u64::from(pattern) | u64::from(pattern) << 32;
    let first = usize::try_from(offset / 8).unwrap_or(usize::MAX);
    let count = usize::try_from(bytes / 8).unwrap_or(0);
    let range = cells.get(first..).and_then(|rest| rest.get(..count)).unwrap_or_default();
    for cell in range {
        cell.store(word, Ordering::Relaxed);
    }
}

impl PagingWork {
    /// The next piece, none when all is done.
    fn piece<K: Kernel>(&self, aperture: &K::Aperture, layout: &Layout) -> Option<Piece<K>> {
        let bytes = self.range.length.saturating_sub(self.done).min(SystemCopy::MAX_BYTES);
        if bytes == 0 {
            return None;
        }
        // Does not overflow: the range was checked to lie in the heap.
        let aperture_offset = layout.heap_offset + self.range.offset + self.done;
        let copy = |mdl, offset: u64, to_aperture| {
            let mdl_offset = offset.saturating_add(self.done);
            Piece::Copy(SystemCopy { mdl, mdl_offset, aperture_offset, bytes, to_aperture })
        };
        Some(match self.peer {
            PagingPeer::From { mdl, offset } => copy(mdl, offset, true),
            PagingPeer::To { mdl, offset } => copy(mdl, offset, false),
            PagingPeer::Pattern(pattern) => {
                Piece::Fill { aperture: aperture.clone(), offset: aperture_offset, bytes, pattern }
            }
        })
    }
}

impl<K: Kernel> Core<K> {
    /// Gives ring 0 the operations whose turn has come, and one fence behind them.
    pub(crate) fn send_operations(&mut self, kernel: &K) {
        if !self.state.is_linked() {
            self.do_without_host();
            return;
        }
        // The queue is taken out for the walk, so that sending can use the rest of the core; it allocates nothing.
        let mut queue = core::mem::replace(&mut self.queue, crate::submission::SubmissionQueue::new());
        for pending in queue.iter_mut() {
            let Pending { fence_id, work: Work::Operation(operation), .. } = pending else { break };
            if operation.fence.is_some() {
                continue;
            }
            match self.send_operation(kernel, operation.command) {
                Ok(fence) => operation.fence = Some(fence),
                // Ring 0 is full, which the next DPC tries again, or the host is gone.
                Err(_) => break,
            }
            let trace = [u64::from(*fence_id), operation.fence.unwrap_or(0)];
            self.count(counter::BLITS);
            self.trace(kernel, Level::Verbose, (area::SUBMISSION, code::BLIT), 0, &trace);
        }
        self.queue = queue;
        self.send_fence(kernel);
    }

    /// Sends one operation; gives the fence value that completes it.
    fn send_operation(&mut self, kernel: &K, command: HeapCommand) -> Result<u64, Status> {
        match command {
            HeapCommand::Blit { blit, allocations } => {
                if allocations.iter().all(|allocation| self.is_alive(*allocation)) {
                    self.send(kernel, KernelCommand::BlitHeap(blit))?;
                }
            }
            HeapCommand::Fill { fill, allocation } => {
                if self.is_alive(allocation) {
                    self.send(kernel, KernelCommand::FillHeap(fill))?;
                }
            }
            HeapCommand::Move(blit) => self.send(kernel, KernelCommand::BlitHeap(blit))?,
            HeapCommand::PagingFill(fill) => self.send(kernel, KernelCommand::FillHeap(fill))?,
            HeapCommand::Flip { h_allocation, frame, address } => {
                // The mode may be another one than at the submission.
                if let Ok(surface) = self.surface(h_allocation, frame, address)
                    && self.can_show(&surface)
                {
                    // The vsync interrupt names the address by which dxgkrnl knows the surface.
                    self.display.source.flip(Surface { address, ..surface });
                    self.scanned_out = h_allocation;
                    self.flush_display(kernel);
                }
            }
        }
        let link = self.link.as_mut().ok_or(Status::DeviceRemoved)?;
        Ok(link.ring0.owe_fence())
    }

    /// Puts the fence behind the operations that ring 0 carries.
    pub(crate) fn send_fence(&mut self, kernel: &K) {
        let Some(link) = self.link.as_mut().filter(|_| self.state.is_linked()) else { return };
        match link.ring0.push_fence() {
            Ok(true) => kernel.ring_doorbell(),
            // A full ring is tried again by the next DPC, and by whoever waits for the fence.
            Ok(false) | Err(Status::Ring0Full) => {}
            Err(_) => self.host_gone(kernel, Removal::HostLies),
        }
    }

    /// There is no host: nobody looks at what blits and flips would show, but memory that is made new must not keep another
    /// process's bytes, so the processor fills it.
    fn do_without_host(&mut self) {
        for pending in self.queue.iter_mut() {
            let Work::Operation(operation) = pending.work else { continue };
            pending.work = match operation.command {
                HeapCommand::PagingFill(fill) => Work::Paging(PagingWork {
                    peer: PagingPeer::Pattern(fill.value),
                    range: fill.dst,
                    done: 0,
                }),
                HeapCommand::Blit { .. }
                | HeapCommand::Fill { .. }
                | HeapCommand::Move(_)
                | HeapCommand::Flip { .. } => Work::Nothing,
            };
        }
    }

    /// The piece of paging work that is to be done now, when that is what the queue's head is.
    pub(crate) fn paging_piece(&mut self) -> Option<Piece<K>> {
        let Some(Pending { work: Work::Paging(work), .. }) = self.queue.head() else { return None };
        // Without a link there is no aperture: the device is gone, and the work with it.
        let link = self.link.as_ref()?;
        let piece = work.piece::<K>(&link.aperture, &link.layout)?;
        self.paging = true;
        Some(piece)
    }

    /// A piece is done, or has failed and is tried again later.
    pub(crate) fn paging_done(&mut self, bytes: u64) {
        self.paging = false;
        if let Some(Pending { work: Work::Paging(work), .. }) = self.queue.head_mut() {
            work.done = work.done.saturating_add(bytes);
        }
    }

    /// Whether nothing is left to do of the paging work at the queue's head.
    pub(crate) fn paging_finished(&self, work: &PagingWork) -> bool {
        work.done >= work.range.length || self.link.is_none()
    }
}
