//! Submissions: dxgkrnl says when, the host has long begun, fences say done.

use pvgpu_protocol::aperture::PAGE_BYTES;
use pvgpu_protocol::command::{BlitHeap, FillHeap, HeapRange, Rect};
use pvgpu_protocol::kernel_interface::counter;
use pvgpu_protocol::telemetry::{Level, area, code};

use super::dma::{DmaStep, rect, step_kind, steps};
use super::rects::{intersect, whole};
use crate::adapter::Adapter;
use crate::core_state::Core;
use crate::display::Surface;
use crate::kernel::{Kernel, SpinLock};
use crate::operation::{HeapCommand, Operation, PagingPeer, PagingWork};
use crate::submission::{Pending, Work};

/// `DXGKARG_SUBMITCOMMAND`.
#[derive(Clone, Copy, Debug)]
pub struct SubmitCommand<'a> {
    /// `pDmaBufferPrivateData`, the part of this submission: [`DmaStep`]s.
    pub dma_buffer_private_data: &'a [u8],
    /// dxgkrnl's number.
    pub submission_fence_id: u32,
    /// Must be 0: there is one node.
    pub node_ordinal: u32,
}

/// `DXGI_FORMAT_R32_UINT`: memory that is moved or filled without being a picture.
const R32_UINT: u32 = 42;
/// Texels in a row of such memory, a page.
const PAGE_TEXELS: u32 = PAGE_BYTES as u32 / 4;

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiSubmitCommand`: from now on the submission's fence is waited for; a gate before it is opened. Never fails, as
    /// dxgkrnl would answer with a bug check: a removed context makes the submission fault; private data that is not ours and a
    /// submission that finds no room, neither of which dxgkrnl makes, is no work and reported behind what came before.
    /// `DISPATCH_LEVEL`.
    pub fn submit_command(&self, args: SubmitCommand<'_>) {
        let steps = steps(args.dma_buffer_private_data).ok().filter(|_| args.node_ordinal == 0);
        let fence_id = args.submission_fence_id;
        let what = (area::SUBMISSION, code::FENCE_SUBMITTED);
        let count = steps.as_ref().map_or(0, |steps| steps.clone().count());
        let mut core = self.core.lock();
        core.count(counter::SUBMISSIONS);
        let fits = core.queue.has_room(count);
        if !fits || steps.is_none() {
            core.trace(&self.kernel, Level::Error, what, 0, &[u64::from(fence_id)]);
        }
        let mut ready = !fits || count == 0;
        let mut gates = false;
        if ready {
            core.queue.push(Pending { fence_id, last: true, work: Work::Nothing });
        }
        for (index, step) in steps.into_iter().flatten().enumerate() {
            // Also when there is no room, so that gates open.
            let work = core.work_of(&step);
            if fits {
                core.queue.push(Pending { fence_id, last: index + 1 == count, work });
            }
            match work {
                Work::Fence { context, generation, value } => {
                    core.trace(&self.kernel, Level::Verbose, what, context, &[u64::from(fence_id), value]);
                    ready |= generation == 0;
                    gates |= step.gate != 0;
                }
                _ => ready = true,
            }
        }
        if gates {
            core.open_gates(&self.kernel);
        }
        if ready || core.arm(&self.kernel) {
            self.kernel.queue_dpc();
        }
    }

    /// `DxgkDdiPreemptCommand`. What is submitted already executes on the host and cannot be held back; the preemption
    /// is reported when it is done. Never fails, as dxgkrnl would answer with a bug check. `DISPATCH_LEVEL`.
    pub fn preempt_command(&self, preemption_fence_id: u32) {
        let pending = Pending { fence_id: preemption_fence_id, last: true, work: Work::Preemption };
        let mut core = self.core.lock();
        core.queue.push(pending);
        core.count(counter::PREEMPTIONS);
        let what = (area::SUBMISSION, code::PREEMPTION);
        core.trace(&self.kernel, Level::Verbose, what, 0, &[u64::from(preemption_fence_id)]);
        self.kernel.queue_dpc();
    }

    /// `DxgkDdiCancelCommand`: a DMA buffer that was built and will not be submitted, since its device has failed. Nothing is
    /// held for it: its steps are plain numbers, and the gate before it stays closed until its context ends. Never
    /// fails, as dxgkrnl would answer with a bug check. `PASSIVE_LEVEL`.
    pub fn cancel_command(&self, dma_buffer_private_data: &[u8]) {
        let Ok(steps) = steps(dma_buffer_private_data) else { return };
        let mut core = self.core.lock();
        for step in steps.filter(|step| step.kind == step_kind::FENCE) {
            let number = core.contexts.get(step.h_context).map_or(0, |(number, _)| number);
            let what = (area::SUBMISSION, code::PREEMPTION);
            core.trace(&self.kernel, Level::Warning, what, number, &[0, step.value]);
        }
    }

    /// `DxgkDdiQueryCurrentFence`: the last submission reported as completed. IRQL ≤ `DISPATCH_LEVEL`.
    pub fn query_current_fence(&self) -> u32 {
        self.core.lock().queue.last_completed()
    }
}

impl<K: Kernel> Core<K> {
    /// The work that a step stands for. What cannot be done, as its allocation is gone or lies nowhere, is no work: it
    /// would not be seen either.
    fn work_of(&mut self, step: &DmaStep) -> Work {
        let command = match step.kind {
            step_kind::FENCE => return self.fence_work(step),
            step_kind::BLIT => self.blit_command(step),
            step_kind::FILL => self.fill_command(step),
            step_kind::FLIP => {
                let (h_allocation, address) = (step.source_allocation, step.source);
                let surface = self.surface(h_allocation, step.frame, address).ok();
                surface.filter(|surface| self.can_show(surface)).map(|_| HeapCommand::Flip {
                    h_allocation,
                    frame: step.frame,
                    address,
                })
            }
            step_kind::MOVE => self.move_command(step),
            step_kind::ZERO => self.zero_command(step),
            step_kind::PAGE_IN => {
                let peer = PagingPeer::From { mdl: step.source, offset: step.gate };
                return self.paging_work(peer, step.destination, step.destination_allocation);
            }
            step_kind::PAGE_OUT => {
                let peer = PagingPeer::To { mdl: step.destination, offset: step.gate };
                return self.paging_work(peer, step.source, step.destination_allocation);
            }
            _ => None,
        };
        command.map_or(Work::Nothing, |command| Work::Operation(Operation { command, fence: None }))
    }

    /// A context that is gone leaves a generation that nobody has: the submission is reported as faulted.
    fn fence_work(&mut self, step: &DmaStep) -> Work {
        let (context, generation) = match self.contexts.get(step.h_context) {
            Ok((number, context)) => {
                context.gate_wanted = context.gate_wanted.max(step.gate);
                context.submitted = context.submitted.max(step.value);
                (number, context.generation)
            }
            Err(_) => (0, 0),
        };
        Work::Fence { context, generation, value: step.value }
    }

    fn blit_command(&mut self, step: &DmaStep) -> Option<HeapCommand> {
        let from = self.surface(step.source_allocation, step.frame, step.source).ok()?;
        let to = self.surface(step.destination_allocation, 0, step.destination).ok()?;
        let blit = BlitHeap {
            src: from.range,
            dst: to.range,
            src_pitch: from.pitch,
            dst_pitch: to.pitch,
            format: to.format,
            reserved: 0,
            src_rect: rect(intersect(step.source_rect, whole(from.width, from.height))?),
            dst_rect: rect(intersect(step.destination_rect, whole(to.width, to.height))?),
            clip: rect(step.clip),
        };
        may_copy(&from, &to, &blit).then_some(HeapCommand::Blit {
            blit,
            allocations: [step.source_allocation, step.destination_allocation],
        })
    }

    fn fill_command(&mut self, step: &DmaStep) -> Option<HeapCommand> {
        let to = self.surface(step.destination_allocation, 0, step.destination).ok()?;
        let fill = FillHeap {
            dst: to.range,
            rect: rect(intersect(step.destination_rect, whole(to.width, to.height))?),
            pitch: to.pitch,
            format: to.format,
            // CAST: Present put a u32 there.
            value: step.value as u32,
            reserved: 0,
        };
        Some(HeapCommand::Fill { fill, allocation: step.destination_allocation })
    }

    fn move_command(&self, step: &DmaStep) -> Option<HeapCommand> {
        let bytes = step.destination_allocation;
        let src = self.pages(step.source, bytes)?;
        let dst = self.pages(step.destination, bytes)?;
        let all = page_rect(bytes)?;
        Some(HeapCommand::Move(BlitHeap {
            src,
            dst,
            src_pitch: PAGE_BYTES as u32,
            dst_pitch: PAGE_BYTES as u32,
            format: R32_UINT,
            reserved: 0,
            src_rect: all,
            dst_rect: all,
            clip: all,
        }))
    }

    fn zero_command(&self, step: &DmaStep) -> Option<HeapCommand> {
        let bytes = step.destination_allocation;
        Some(HeapCommand::PagingFill(FillHeap {
            dst: self.pages(step.destination, bytes)?,
            rect: page_rect(bytes)?,
            pitch: PAGE_BYTES as u32,
            format: R32_UINT,
            // CAST: BuildPagingBuffer put a u32 there.
            value: step.value as u32,
            reserved: 0,
        }))
    }

    fn paging_work(&self, peer: PagingPeer, start: u64, bytes: u64) -> Work {
        match self.pages(start, bytes) {
            Some(range) => Work::Paging(PagingWork { peer, range, done: 0 }),
            None => Work::Nothing,
        }
    }

    /// Whole pages of the segment.
    fn pages(&self, offset: u64, length: u64) -> Option<HeapRange> {
        let whole = offset.is_multiple_of(PAGE_BYTES) && length.is_multiple_of(PAGE_BYTES) && length != 0;
        (whole && self.in_segment(offset, length)).then_some(HeapRange { offset, length })
    }
}

/// Pages as a picture of one page a row.
fn page_rect(bytes: u64) -> Option<Rect> {
    let rows = i32::try_from(bytes / PAGE_BYTES).ok()?;
    // CAST: 1024.
    Some(Rect { left: 0, top: 0, right: PAGE_TEXELS as i32, bottom: rows })
}

/// Ring 0's rules for surfaces and for copies between surfaces that overlap; the host would remove the adapter for a copy
/// that breaks them, and two allocations of one context may overlap as its process likes.
fn may_copy(from: &Surface, to: &Surface, blit: &BlitHeap) -> bool {
    use pvgpu_protocol::limits::MAX_SURFACE_PITCH;
    let overlap = from.range.offset < to.range.offset + to.range.length
        && to.range.offset < from.range.offset + from.range.length;
    let size = |rect: Rect| (rect.right - rect.left, rect.bottom - rect.top);
    let same = from.pitch == to.pitch && size(blit.src_rect) == size(blit.dst_rect);
    from.pitch.max(to.pitch) <= MAX_SURFACE_PITCH && (!overlap || same)
}
