//! Ring 0: what only the kernel-mode driver may say. Contexts begin and end, heap ranges are granted, gates open.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pvgpu_protocol::CommandRef;
use pvgpu_protocol::aperture::{Layout, RING_HEADER_BYTES, RingRegion};
use pvgpu_protocol::command::{self, HeapRange};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::limits::MAX_CONTEXTS;
use pvgpu_ring::Consumer;

use super::Stats;
use super::revokes::Revokes;
use super::running::{Poisoned, Running};
use super::surface::{Blit, Fill};
use crate::decoder::{Decoder, Grants, HostCaps, Quota};
use crate::fault::Fault;
use crate::memory::{Heap, Part, SharedCells};
use crate::record::{ContextTap, Tap};
use crate::vulkan::{Context, Shared};

/// Heap ranges granted to all contexts of a guest: a page each in the largest heap would be twice as many.
const MAX_RANGES: usize = 1 << 20;

/// The contexts of an adapter, and which parts of the heap are taken.
pub struct Kernel {
    cells: SharedCells,
    layout: Layout,
    heap: Heap,
    caps: Rc<HostCaps>,
    shared: Rc<Shared>,
    stats: Arc<Stats>,
    tap: Option<Rc<Tap>>,
    quota: Rc<Quota>,
    /// Rings and grants of all contexts.
    used: Grants,
    /// By number.
    pub contexts: BTreeMap<u32, Running>,
    /// Ranges that were taken back, and the fences behind them.
    pub revokes: Revokes,
    /// Contexts that ring 0's commands have poisoned, for the engine to tell.
    pub poisoned: Vec<Poisoned>,
    last_fence: u64,
}

/// What the worker must do after a command of ring 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelStep {
    /// Nothing.
    Continue,
    /// Begin a context's fence line.
    Created(u32),
    /// Complete ring 0's own fence; one that must wait comes from [`Revokes::finished`] later.
    Fence(u64),
}

impl Kernel {
    /// What the contexts share.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// An adapter without contexts.
    pub fn new(
        cells: SharedCells,
        layout: Layout,
        heap: Heap,
        caps: Rc<HostCaps>,
        shared: Rc<Shared>,
        stats: Arc<Stats>,
        tap: Option<Rc<Tap>>,
    ) -> Self {
        Self {
            cells,
            layout,
            heap,
            caps,
            shared,
            stats,
            tap,
            quota: Rc::default(),
            used: Grants::default(),
            contexts: BTreeMap::new(),
            revokes: Revokes::default(),
            poisoned: Vec::new(),
            last_fence: 0,
        }
    }

    /// Decodes and executes one record.
    ///
    /// # Errors
    /// The [`Fault`] that poisons the adapter.
    pub fn step(&mut self, words: &[u64]) -> Result<KernelStep, Fault> {
        let command =
            command::decode(words).map_err(|error| Fault::new(error_code::MALFORMED, error.to_string()))?;
        match command {
            CommandRef::CreateContext(c) => {
                self.create(c.context.to_native(), c.ring.into(), c.process.to_native())
            }
            CommandRef::DestroyContext(c) => {
                self.context(c.context.to_native())?.end();
                Ok(KernelStep::Continue)
            }
            CommandRef::GrantHeap(c) => self.grant(c.context.to_native(), c.range.into()),
            CommandRef::RevokeHeap(c) => self.revoke(c.context.to_native(), c.range.into()),
            CommandRef::OpenGate(c) => {
                let number = c.context.to_native();
                let others = self.contexts.values().filter(|context| context.number != number);
                let behind = others.filter_map(|other| other.backlog()).collect();
                self.context(number)?.open_gate(c.number.to_native(), behind);
                Ok(KernelStep::Continue)
            }
            CommandRef::Fence(c) => {
                let value = c.value.to_native();
                if value <= self.last_fence {
                    return Err(Fault::argument(format!("fence {value} after fence {}", self.last_fence)));
                }
                self.last_fence = value;
                Ok(self.revokes.fence(value).map_or(KernelStep::Continue, KernelStep::Fence))
            }
            CommandRef::BlitHeap(c) => {
                let blit = Blit::new(&self.heap, c)?;
                for range in blit.ranges() {
                    self.beside_rings(range)?;
                }
                if let (Some(tap), Some(range)) = (&self.tap, blit.source()) {
                    tap.reads(range);
                }
                blit.run(&self.heap, || self.beat());
                self.written(blit.dst.range, blit.bytes());
                Ok(KernelStep::Continue)
            }
            CommandRef::FillHeap(c) => {
                let fill = Fill::new(&self.heap, c)?;
                self.beside_rings(fill.range())?;
                fill.run(&self.heap, || self.beat());
                self.written(fill.range(), fill.bytes());
                Ok(KernelStep::Continue)
            }
            CommandRef::SetScanout(c) => {
                self.stats.screens().set_scanout(&self.heap, c).map(|()| KernelStep::Continue)
            }
            CommandRef::SetPointerShape(c) => {
                if let Some(tap) = &self.tap {
                    tap.reads(c.shape.into());
                }
                self.stats.screens().set_pointer_shape(&self.heap, c).map(|()| KernelStep::Continue)
            }
            CommandRef::SetPointerPosition(c) => {
                self.stats.screens().set_pointer_position(c).map(|()| KernelStep::Continue)
            }
            other => Err(Fault::new(error_code::NOT_ALLOWED, format!("{} on ring 0", other.name()))),
        }
    }

    fn context(&mut self, number: u32) -> Result<&mut Running, Fault> {
        let context = self.contexts.get_mut(&number).filter(|context| !context.is_ending());
        context.ok_or_else(|| Fault::object(number, format!("context {number} does not exist")))
    }

    fn in_heap(&self, range: HeapRange) -> bool {
        range.offset.checked_add(range.length).is_some_and(|end| end <= self.layout.heap_bytes())
    }

    /// Ring 0 may name any part of the heap but a context's ring: a mistake there would not be found where it was made.
    fn beside_rings(&self, range: HeapRange) -> Result<(), Fault> {
        let end = |range: HeapRange| range.offset.saturating_add(range.length);
        let rings = self.contexts.values().map(|context| (context.number, context.ring_range));
        for (number, ring) in rings {
            if ring.offset < end(range) && range.offset < end(ring) {
                let what = format!("heap range {:#x}+{:#x} holds a ring", range.offset, range.length);
                return Err(Fault::new(error_code::BAD_HEAP_RANGE, what).about(number));
            }
        }
        Ok(())
    }

    /// A sign of life within a long record.
    fn beat(&self) {
        add(&self.stats.beats, 1);
    }

    /// Counts what a copy or a fill has written.
    fn written(&self, range: HeapRange, bytes: u64) {
        add(&self.stats.blits, 1);
        add(&self.stats.blit_bytes, bytes);
        self.stats.screens().written(range);
    }

    fn create(&mut self, number: u32, range: HeapRange, process: u32) -> Result<KernelStep, Fault> {
        if number == 0 || number >= MAX_CONTEXTS || self.contexts.contains_key(&number) {
            return Err(Fault::object(number, format!("context {number} exists or is out of range")));
        }
        let bad = || {
            let what = format!("a ring at heap range {:#x}+{:#x}", range.offset, range.length);
            Fault::new(error_code::BAD_HEAP_RANGE, what).about(number)
        };
        let region = RingRegion::from_range(range.offset, range.length).filter(|_| self.in_heap(range));
        let region = region.ok_or_else(bad)?;
        let offset = self.layout.heap_offset + region.ring_offset();
        let part = Part::new(&self.cells, offset, RING_HEADER_BYTES + region.capacity).ok_or_else(bad)?;
        let ring = Consumer::new(part, 0).map_err(|_| bad())?;
        if !self.used.add(range) {
            return Err(bad());
        }
        let mut decoder = Decoder::new(self.caps.clone(), self.heap.clone());
        decoder.quota = self.quota.clone();
        decoder.tap = self.tap.clone().map(|tap| ContextTap { tap, context: number });
        // A GPU that has no room for one more context of one process is no fault of ring 0's.
        let (gpu, fault) = match Context::new(number, &self.shared) {
            Ok(gpu) => (Some(gpu), None),
            Err(fault) => (None, Some(fault)),
        };
        let mut running = Running::new(number, process, range, ring, decoder, gpu);
        self.poisoned.extend(fault.and_then(|fault| running.poison_from_outside(fault)));
        self.contexts.insert(number, running);
        Ok(KernelStep::Created(number))
    }

    fn grant(&mut self, number: u32, range: HeapRange) -> Result<KernelStep, Fault> {
        let inside = self.in_heap(range);
        self.context(number)?;
        if self.used.len() >= MAX_RANGES {
            let what = format!("more than {MAX_RANGES} heap ranges are granted");
            return Err(Fault::new(error_code::LIMIT, what).about(number));
        }
        if !inside || !self.used.add(range) {
            return Err(Fault::new(
                error_code::BAD_HEAP_RANGE,
                format!("heap range {:#x}+{:#x} cannot be granted", range.offset, range.length),
            )
            .about(number));
        }
        self.context(number)?.decoder.grants.add(range);
        Ok(KernelStep::Continue)
    }

    fn revoke(&mut self, number: u32, range: HeapRange) -> Result<KernelStep, Fault> {
        let context = self.context(number)?;
        let Some(last_use) = context.decoder.grants.remove(range) else {
            return Err(Fault::new(
                error_code::BAD_HEAP_RANGE,
                format!("heap range {:#x}+{:#x} was not granted", range.offset, range.length),
            )
            .about(number));
        };
        let poisoned = context.leave_heap(range);
        self.poisoned.extend(poisoned);
        let context = self.context(number)?;
        // What the context has recorded goes to the GPU now: else the process says when, or whether, this ends.
        let (work, poisoned) = context.submit_until(last_use);
        self.poisoned.extend(poisoned);
        self.revokes.wait(work);
        self.used.remove(range);
        Ok(KernelStep::Continue)
    }

    /// The last fence that ring 0 has asked for.
    pub fn last_fence(&self) -> u64 {
        self.last_fence
    }

    /// Lets contexts whose gates are open go on, as far as the rings that they come behind have been read.
    pub fn pass_gates(&mut self) {
        let waiting = |context: &&Running| context.is_behind();
        let waiting: Vec<u32> =
            self.contexts.values().filter(waiting).map(|context| context.number).collect();
        for number in waiting {
            let Some(mut context) = self.contexts.remove(&number) else { continue };
            let others = &mut self.contexts;
            context.retain_behind(|backlog| {
                others.get_mut(&backlog.context).is_some_and(|other| other.has(backlog))
            });
            self.contexts.insert(number, context);
        }
    }

    /// Takes a context out that was asked to end and whose GPU work has finished.
    pub fn take_ended(&mut self) -> Option<u32> {
        let number =
            self.contexts.values().find(|context| context.has_ended()).map(|context| context.number)?;
        let context = self.contexts.remove(&number)?;
        self.used.remove(context.ring_range);
        for range in context.decoder.grants.iter() {
            self.used.remove(range);
        }
        Some(number)
    }
}

/// Adds to a counter that only the executor's thread writes.
#[inline]
pub fn add(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}
