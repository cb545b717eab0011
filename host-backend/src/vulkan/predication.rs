//! Predication: `SetPredication` makes what follows depend on an occlusion or overflow predicate.
//!
//! Draws and dispatches behind a predicate of one segment become conditional to the GPU (`VK_EXT_conditional_rendering`),
//! which reads the query's result without anybody waiting. Clears, copies and resolves cannot be conditional in Vulkan, and
//! several segments or the difference of two numbers would need a sum: there the executor waits for the query once. A
//! predicate that is a mere hint is not waited for.

use std::rc::Rc;

use ash::vk;
use pvgpu_protocol::command::NONE;

use super::Context;
use super::query::{QueryKind, Segment, predicate};
use super::recorder::Access;
use super::view::Counter;
use crate::fault::Fault;
use crate::ops::Op;

/// The predicate that is set.
pub struct Predication {
    kind: QueryKind,
    segments: Vec<Rc<Segment>>,
    /// The batch in which the query ended.
    batch: u64,
    /// Commands are left out when the predicate has this value.
    value: bool,
    hint: bool,
    /// Whether commands are executed, once that is known.
    run: Option<bool>,
    /// The query's result on the GPU, once it is needed there.
    word: Option<Counter>,
    /// Conditional rendering has begun in the command buffer.
    active: bool,
}

/// How an operation relates to predication.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// It happens in any case.
    None,
    /// It can be conditional on the GPU.
    Draws,
    /// It depends on the predicate, but Vulkan has no condition for it.
    Transfers,
}

impl Relation {
    fn of(op: &Op<'_>) -> Self {
        match op {
            Op::Draw(_)
            | Op::DrawIndexed(_)
            | Op::DrawIndirect { .. }
            | Op::DrawAuto
            | Op::Dispatch { .. } => Self::Draws,
            Op::ClearRenderTargetView { .. }
            | Op::ClearDepthStencilView { .. }
            | Op::ClearUnorderedAccessView { .. }
            | Op::CopyRegion(_)
            | Op::ResolveSubresource { .. }
            | Op::UpdateSubresource(_)
            | Op::UpdateInline { .. }
            | Op::CopyTiles(_)
            | Op::UpdateTiles { .. }
            | Op::GenerateMips { .. }
            | Op::CopyStructureCount { .. } => Self::Transfers,
            _ => Self::None,
        }
    }
}

impl Predication {
    /// The one query of the GPU that tells, if one does.
    fn single(&self) -> Option<&Segment> {
        match (&self.segments[..], self.kind) {
            ([segment], QueryKind::OcclusionPredicate) => Some(segment),
            _ => None,
        }
    }
}

impl Context {
    pub(super) fn set_predication(&mut self, query: u32, value: bool, hint: bool) -> Result<(), Fault> {
        self.end_pass()?;
        self.predication = None;
        if query == NONE {
            return Ok(());
        }
        let query = self.query_mut(query)?;
        let Some((segments, batch)) = query.ended() else { return Ok(()) };
        // A predicate that counted nothing is false.
        let run = segments.is_empty().then_some(value);
        let kind = query.kind;
        self.predication =
            Some(Predication { kind, segments, batch, value, hint, run, word: None, active: false });
        Ok(())
    }

    /// Whether an operation is to be recorded, while a predicate is set.
    pub(super) fn admits(&mut self, op: &Op<'_>) -> Result<bool, Fault> {
        let relation = Relation::of(op);
        if relation == Relation::None {
            return Ok(true);
        }
        let Some(predication) = &self.predication else { return Ok(true) };
        if let Some(run) = predication.run {
            return Ok(run);
        }
        if relation == Relation::Draws && self.device.caps.conditional_rendering {
            if predication.word.is_some() {
                return Ok(true);
            }
            if predication.single().is_some() {
                return self.load_predicate().map(|()| true);
            }
        }
        if predication.hint { Ok(true) } else { self.resolve_predicate() }
    }

    /// Puts the query's result where conditional rendering can read it.
    fn load_predicate(&mut self) -> Result<(), Fault> {
        self.end_pass()?;
        let word = Counter::new(&self.trash)?;
        self.prepare_use(&[(&word.tracker, Access::Write)])?;
        let cmd = self.recorder.main(&self.device)?;
        if let Some(predication) = &mut self.predication
            && let Some(segment) = predication.single()
        {
            let slot = segment.slot();
            let wait = vk::QueryResultFlags::WAIT;
            let to = word.buffer;
            cmd.call(move |device, buffer| {
                // SAFETY: the pool and the word live until this batch is done.
                unsafe {
                    device.cmd_copy_query_pool_results(buffer, slot.pool, slot.index, 1, to, 0, 4, wait);
                }
            });
            predication.word = Some(word);
        }
        self.recorder.barrier(&self.device)
    }

    /// Waits for the query and reads its result.
    fn resolve_predicate(&mut self) -> Result<bool, Fault> {
        let Some(predication) = &self.predication else { return Ok(true) };
        let (batch, kind, value) = (predication.batch, predication.kind, predication.value);
        self.wait_for(batch)?;
        let Some(predication) = &mut self.predication else { return Ok(true) };
        let slots = predication.segments.iter().map(|segment| segment.slot());
        let run = predicate(&self.device, kind, slots) != value;
        predication.run = Some(run);
        Ok(run)
    }

    /// Begins conditional rendering at the begin of a pass or dispatch.
    pub(super) fn begin_condition(&mut self) -> Result<(), Fault> {
        let Some(predication) = &mut self.predication else { return Ok(()) };
        let Some(word) = predication.word.as_ref().filter(|_| predication.run.is_none()) else {
            return Ok(());
        };
        let cmd = self.recorder.main(&self.device)?;
        self.recorder.mark(&word.tracker, Access::Read);
        cmd.begin_conditional(word.buffer, predication.value);
        predication.active = true;
        Ok(())
    }

    /// Ends conditional rendering at the end of a pass or dispatch.
    pub(super) fn end_condition(&mut self) -> Result<(), Fault> {
        let active = self.predication.as_mut().map(|predication| &mut predication.active);
        if active.is_some_and(std::mem::take) {
            self.recorder.main(&self.device)?.end_conditional();
        }
        Ok(())
    }
}
