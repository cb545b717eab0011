//! The fence page: what each context has completed, and the interrupts that the guest asked for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use pvgpu_protocol::aperture::{LINE_BYTES, Layout, fence_cell, request_cell};
use pvgpu_protocol::limits::MAX_CONTEXTS;
use pvgpu_ring::{FenceWriter, IrqRequest};

use super::{Port, Stats};
use crate::memory::{Part, SharedCells};
use crate::vulkan::FenceSink;

/// All fence lines of an adapter. Values are written by the completion thread, lines are begun by the executor.
pub struct Fences {
    cells: SharedCells,
    port: Arc<dyn Port>,
    stats: Arc<Stats>,
    lines: Mutex<Vec<Option<FenceWriter<Part>>>>,
    /// Our own copy of what is completed: what stands in the page is never read back.
    completed: [AtomicU64; MAX_CONTEXTS as usize],
    epoch: Instant,
}

impl Fences {
    /// A fence page without lines.
    pub fn new(cells: SharedCells, port: Arc<dyn Port>, stats: Arc<Stats>) -> Arc<Self> {
        Arc::new(Self {
            cells,
            port,
            stats,
            lines: Mutex::new((0..MAX_CONTEXTS).map(|_| None).collect()),
            completed: [const { AtomicU64::new(0) }; MAX_CONTEXTS as usize],
            epoch: Instant::now(),
        })
    }

    /// Begins a context's line: nothing is completed, nothing is wrong.
    pub fn begin(&self, context: u32) {
        let page = Part::new(&self.cells, Layout::fence_page_offset(), 4096);
        let line = page.and_then(|page| FenceWriter::new(page, context as usize).ok());
        self.write_error(context, 0);
        if let Some(completed) = self.completed.get(context as usize) {
            completed.store(0, Ordering::Release);
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = lines.get_mut(context as usize) {
            *slot = line;
        }
    }

    /// Ends a context's line: it reads as zero again, and nothing completes in it until it begins anew.
    pub fn end(&self, context: u32) {
        self.begin(context);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = lines.get_mut(context as usize) {
            *slot = None;
        }
    }

    /// Completes a value and interrupts the guest if it asked for that.
    pub fn complete(&self, context: u32, value: u64) {
        // CAST: 584 years of nanoseconds fit.
        let time = self.epoch.elapsed().as_nanos() as u64;
        // First, so that whatever the guest does once it has seen the line, the executor does after this.
        if let Some(completed) = self.completed.get(context as usize) {
            completed.fetch_max(value, Ordering::Release);
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Some(line)) = lines.get_mut(context as usize) {
            line.complete(value, time);
        }
        drop(lines);
        let line = Layout::request_line(context)
            .and_then(|cell| Part::new(&self.cells, cell as u64 * 8, LINE_BYTES));
        let request = line.and_then(|line| IrqRequest::new(line, request_cell::AT_VALUE).ok());
        if request.is_some_and(|request| request.fire(value)) {
            self.port.interrupt();
        }
    }

    /// The highest value that a context has completed; `None` for numbers that no context can have.
    pub fn completed(&self, context: u32) -> Option<u64> {
        self.completed.get(context as usize).map(|value| value.load(Ordering::Acquire))
    }

    /// Writes a context's error code.
    pub fn write_error(&self, context: u32, code: u32) {
        let cell = Layout::fence_line(context).map(|line| line + fence_cell::ERROR);
        if let Some(cell) = cell.and_then(|cell| self.cells.cells().get(cell)) {
            cell.store(u64::from(code), Ordering::Release);
        }
    }
}

impl FenceSink for Arc<Fences> {
    fn complete(&self, context: u32, value: u64, decoded: Instant) {
        Fences::complete(self, context, value);
        self.stats.fence_latency.add(decoded.elapsed());
    }
}
