//! Stream output, which is transform feedback to Vulkan.
//!
//! A stream-output buffer remembers how far it was written: in a counter on the GPU, which bindings with an offset set, which
//! transform feedback reads when it begins and writes when it ends, and which `DrawAuto` draws by. Feedback begins with the
//! first draw that needs it and goes on until the pass ends, or another pipeline is bound.
//!
//! What is declared for a slot without a buffer is written nowhere, and is left out of the module. A query counts what a
//! stream would need all the same, so where one is active, streams without any buffer get one that is full.

use std::rc::Rc;

use ash::vk;
use pvgpu_dxbc::StreamOutput;
use pvgpu_protocol::command::{NONE, StreamOutputTarget};

use super::Context;
use super::bindings::{Bindings, Dirty};
use super::descriptor::Program;
use super::recorder::{Access, Tracker};
use super::resource::Buffer;
use super::view::Counter;
use crate::fault::Fault;

/// Stream-output slots, `D3D11_SO_BUFFER_SLOT_COUNT`.
pub const SO_SLOTS: usize = 4;
/// An offset that goes on where the last draw has ended.
const APPEND: u32 = u32::MAX;

/// Bytes of the buffer that is always full, and what its counters say.
const FULL: u32 = 16;

/// A buffer that takes nothing: its counters, a dword for each slot, say that it is full.
pub struct FullBuffer {
    data: Counter,
    counters: Counter,
}

/// The bound buffers that a mask names, with their slots.
fn targets(bound: &Bindings, mask: u8) -> impl Iterator<Item = (usize, &Rc<Buffer>)> {
    let slots = bound.so_targets.iter().enumerate();
    slots.filter_map(move |(slot, buffer)| Some((slot, buffer.as_ref().filter(|_| mask & 1 << slot != 0)?)))
}

/// Calls `visit` for everything that transform feedback writes.
pub fn for_each_so_target(
    bound: &Bindings,
    full: Option<&FullBuffer>,
    program: &Program,
    mut visit: impl FnMut(&Tracker, Access),
) {
    if let Some(full) = full.filter(|_| program.so_buffers & !bound.so_mask() != 0) {
        visit(&full.counters.tracker, Access::Write);
    }
    for (_, buffer) in targets(bound, program.so_buffers) {
        visit(&buffer.tracker, Access::Write);
        if let Some(counter) = &buffer.so_counter {
            visit(&counter.tracker, Access::Write);
        }
    }
}

impl Bindings {
    /// The bound stream-output buffers, slot 0 in bit 0.
    pub fn so_mask(&self) -> u8 {
        targets(self, u8::MAX).fold(0, |mask, (slot, _)| mask | 1 << slot)
    }
}

/// The buffers that a declaration is to write: those that are bound, and all of streams that have none but are counted.
pub fn written_buffers(output: &StreamOutput, bound: u8, counted: bool) -> u8 {
    let mut of_streams = [0u8; SO_SLOTS];
    for entry in output.entries.iter().filter(|entry| entry.register.is_some()) {
        if let Some(buffers) = of_streams.get_mut(entry.stream as usize) {
            *buffers |= 1u8.checked_shl(entry.buffer).unwrap_or(0);
        }
    }
    of_streams.into_iter().fold(0, |mask, buffers| match buffers & bound {
        0 if counted => mask | buffers,
        bound => mask | bound,
    })
}

impl Context {
    pub(super) fn set_stream_output_targets(&mut self, list: &[StreamOutputTarget]) -> Result<(), Fault> {
        self.end_pass()?;
        let mut bound = [const { None }; SO_SLOTS];
        for (slot, target) in bound.iter_mut().zip(list) {
            if target.buffer == NONE {
                continue;
            }
            let buffer = self.buffer(target.buffer)?;
            if target.offset != APPEND
                && let Some(counter) = &buffer.so_counter
            {
                // D3D11 wants a multiple of 4; Vulkan depends on it. Nothing is written behind the end, however far behind.
                // CAST: at most an offset.
                let end = buffer.size().min(target.offset.into()) as u32;
                self.set_counter(counter, end & !3)?;
            }
            *slot = Some(buffer);
        }
        self.bound.so_targets = bound;
        // Modules write the buffers that are bound.
        self.bound.dirty |= Dirty::PIPELINE;
        Ok(())
    }

    /// Begins transform feedback for a program that streams out; inside the pass, with its pipeline bound.
    pub(super) fn begin_feedback(&mut self, program: &Program) -> Result<(), Fault> {
        let mask = program.so_buffers;
        if mask == 0 || self.feedback != 0 {
            return Ok(());
        }
        let cmd = self.recorder.main(&self.device)?;
        for (slot, buffer) in targets(&self.bound, mask) {
            let (raw, base) = buffer.place();
            // CAST: below 4. A vertex that does not fit whole is not written, nor any after it.
            // Smaller buffers than a dword have room for one.
            cmd.bind_feedback_buffer(slot as u32, raw, base, (buffer.size() & !3).max(4));
        }
        if let Some(full) = &self.full_buffer {
            let absent = mask & !self.bound.so_mask();
            for slot in (0..SO_SLOTS as u32).filter(|slot| absent & 1 << slot != 0) {
                cmd.bind_feedback_buffer(slot, full.data.buffer, 0, u64::from(FULL));
            }
        }
        let (counters, offsets) = self.so_counters(mask);
        cmd.begin_feedback(&counters, &offsets);
        self.feedback = mask;
        Ok(())
    }

    /// Makes the full buffer if a program needs it; not inside a pass that goes on.
    pub(super) fn need_full_buffer(&mut self, program: &Program) -> Result<(), Fault> {
        if program.so_buffers & !self.bound.so_mask() == 0 || self.full_buffer.is_some() {
            return Ok(());
        }
        let full = FullBuffer { data: Counter::new(&self.trash)?, counters: Counter::new(&self.trash)? };
        self.prepare_use(&[(&full.counters.tracker, Access::Write)])?;
        let cmd = self.recorder.main(&self.device)?;
        cmd.fill_buffer(full.counters.buffer, 0, u64::from(FULL), FULL);
        self.recorder.barrier(&self.device)?;
        self.full_buffer = Some(full);
        Ok(())
    }

    /// The counters of buffers that a mask names, and where in them each slot's lies.
    fn so_counters(&self, mask: u8) -> ([vk::Buffer; SO_SLOTS], [u64; SO_SLOTS]) {
        let (mut counters, mut offsets) = ([vk::Buffer::null(); SO_SLOTS], [0; SO_SLOTS]);
        for (slot, (counter, offset)) in (0u64..).zip(counters.iter_mut().zip(&mut offsets)) {
            if mask & 1 << slot == 0 {
                continue;
            }
            let bound = self.bound.so_targets.get(slot as usize).and_then(Option::as_ref);
            match (bound.map(|buffer| &buffer.so_counter), &self.full_buffer) {
                (Some(Some(bound)), _) => *counter = bound.buffer,
                (_, Some(full)) => (*counter, *offset) = (full.counters.buffer, slot * 4),
                _ => {}
            }
        }
        (counters, offsets)
    }

    /// Ends transform feedback, if there is any.
    pub(super) fn end_feedback(&mut self) -> Result<(), Fault> {
        let mask = std::mem::take(&mut self.feedback);
        if mask != 0 {
            let (counters, offsets) = self.so_counters(mask);
            self.recorder.main(&self.device)?.end_feedback(&counters, &offsets);
            if let Some(full) = &self.full_buffer {
                self.recorder.mark(&full.counters.tracker, Access::Write);
            }
        }
        Ok(())
    }
}
