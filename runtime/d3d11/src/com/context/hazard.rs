//! Hazards: nothing is bound for reading and for writing at a time.
//!
//! Direct3D 11's rule (functional specification, "Resource hazards"): binding a subresource as a target unbinds it as a
//! shader resource; a shader resource that is a target is bound as null instead. Most resources can never be both, which
//! a flag on the view tells, and for the others two counts of the context tell whether there is anything to look for.

use super::super::driver::STAGES;
use super::super::guard::Pipeline;
use super::super::object::{Com, Keep};
use super::super::record::Sink;
use super::super::resource::Resource;
use super::super::view::View;
use super::state::{Changed, StageState, State};
use crate::format;

/// `D3D11_DSV_READ_ONLY_DEPTH`, `D3D11_DSV_READ_ONLY_STENCIL`; 0 for views of other kinds.
const READ_ONLY_DEPTH: u32 = 1;
const READ_ONLY_STENCIL: u32 = 2;

/// Where targets are bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The output merger: render targets, depth, unordered access.
    OutputMerger,
    /// The compute stage's unordered access.
    Compute,
}

/// Bindings by resource, hashed: zero for a resource that has none, and for most others that have none.
pub struct Census([u16; Self::BUCKETS]);

impl Default for Census {
    fn default() -> Self {
        Self([0; Self::BUCKETS])
    }
}

impl Census {
    const BUCKETS: usize = 256;

    #[inline]
    fn bucket(resource: &Com<Resource>) -> usize {
        let address = core::ptr::from_ref(resource).addr() >> 4;
        (address ^ address >> 8 ^ address >> 16) % Self::BUCKETS
    }

    /// Adds a binding.
    #[inline]
    pub fn add(&mut self, resource: &Com<Resource>) {
        if let Some(count) = self.0.get_mut(Self::bucket(resource)) {
            *count = count.wrapping_add(1);
        }
    }

    /// Takes a binding away.
    #[inline]
    pub fn remove(&mut self, resource: &Com<Resource>) {
        if let Some(count) = self.0.get_mut(Self::bucket(resource)) {
            *count = count.wrapping_sub(1);
        }
    }

    /// Whether the resource may have a binding.
    #[inline]
    pub fn may_have(&self, resource: &Com<Resource>) -> bool {
        self.0.get(Self::bucket(resource)).is_some_and(|count| *count != 0)
    }
}

/// Whether the target `output` writes what `input` reads, if the two overlap: of a depth-stencil texture a view reads one plane.
fn writes(output: &Com<View>, input: &Com<View>) -> bool {
    let plane =
        if format::is_stencil(input.inner.view.desc.format) { READ_ONLY_STENCIL } else { READ_ONLY_DEPTH };
    output.inner.view.desc.flags & plane == 0
}

impl State {
    /// The views bound as targets.
    fn targets(&self) -> impl Iterator<Item = &Com<View>> {
        self.render_targets
            .iter()
            .chain(core::iter::once(&self.depth_stencil))
            .chain(self.uavs.iter())
            .chain(self.compute_uavs.iter())
            .filter_map(|slot| slot.get())
    }

    /// Whether `view` may not be bound as a shader resource now.
    #[inline]
    pub fn is_written(&self, view: &Com<View>) -> bool {
        view.inner.hazardous && self.outputs.may_have(view.inner.resource()) && self.is_written_slowly(view)
    }

    #[cold]
    fn is_written_slowly(&self, view: &Com<View>) -> bool {
        let target = view.inner.resource();
        let streamed =
            self.so_targets.iter().any(|slot| slot.get().is_some_and(|so| core::ptr::eq(so, target)));
        streamed || self.targets().any(|output| writes(output, view) && output.inner.overlaps(&view.inner))
    }
}

impl StageState {
    /// Binds a shader resource, keeping the counter of bindings as input.
    #[inline]
    pub fn set_shader_resource(
        &mut self,
        slot: usize,
        view: Option<&Com<View>>,
        inputs: &mut Census,
        graves: &mut impl Keep,
    ) -> bool {
        let old = self.shader_resources.get(slot);
        if let Some(old) = old.filter(|old| old.inner.hazardous) {
            inputs.remove(old.inner.resource());
        }
        if let Some(new) = view.filter(|new| new.inner.hazardous) {
            inputs.add(new.inner.resource());
        }
        self.shader_resources.set(slot, view, graves)
    }
}

impl<D: Sink> Pipeline<D> {
    /// Unbinds every shader resource that `target`, which is about to be written, overlaps.
    #[inline]
    pub fn unbind_inputs(&mut self, target: &Com<View>) {
        let read_only = READ_ONLY_DEPTH | READ_ONLY_STENCIL;
        if self.state.inputs.may_have(target.inner.resource())
            && target.inner.view.desc.flags & read_only != read_only
        {
            self.unbind_inputs_slowly(target);
        }
    }

    #[cold]
    fn unbind_inputs_slowly(&mut self, target: &Com<View>) {
        let Self { driver, state, graves, .. } = self;
        for (stage, bound) in STAGES.into_iter().zip(&mut state.stages) {
            for slot in 0..bound.shader_resources.used() {
                let conflicts = |view: &Com<View>| writes(target, view) && view.inner.overlaps(&target.inner);
                if bound.shader_resources.get(slot).is_some_and(conflicts) {
                    bound.set_shader_resource(slot, None, &mut state.inputs, graves);
                    let changed = Changed { first: slot, end: slot + 1 };
                    // CAST: below 128.
                    driver.set_shader_resources(stage, slot as u32, bound.shader_resources.handles(changed));
                }
            }
        }
    }

    /// Unbinds `target` from the other place where it could be written at the same time.
    pub fn unbind_outputs(&mut self, target: &Com<View>, new_place: Place) {
        // Nobody writes it: the usual case.
        if !self.state.outputs.may_have(target.inner.resource()) {
            return;
        }
        let Self { driver, state, graves, .. } = self;
        match new_place {
            Place::OutputMerger => {
                for slot in 0..state.compute_uavs.used() {
                    let conflicting =
                        state.compute_uavs.get(slot).filter(|view| view.inner.overlaps(&target.inner));
                    if let Some(view) = conflicting {
                        state.outputs.remove(view.inner.resource());
                        state.compute_uavs.set(slot, None, graves);
                        let changed = Changed { first: slot, end: slot + 1 };
                        // CAST: below 64.
                        let first = slot as u32;
                        driver.cs_set_unordered_access_views(
                            first,
                            state.compute_uavs.handles(changed),
                            &[u32::MAX],
                        );
                    }
                }
            }
            Place::Compute => {
                let mut changed = false;
                for slot in 0..state.render_targets.used() {
                    let conflicting =
                        state.render_targets.get(slot).filter(|view| view.inner.overlaps(&target.inner));
                    if let Some(view) = conflicting {
                        state.outputs.remove(view.inner.resource());
                        changed |= state.render_targets.set(slot, None, graves);
                    }
                }
                let uavs = state.uavs.used();
                for slot in 0..uavs {
                    let conflicting = state.uavs.get(slot).filter(|view| view.inner.overlaps(&target.inner));
                    if let Some(view) = conflicting {
                        state.outputs.remove(view.inner.resource());
                        changed |= state.uavs.set(slot, None, graves);
                    }
                }
                if changed {
                    let targets = Changed { first: 0, end: state.render_targets.used() };
                    let keep = [u32::MAX; super::state::UAVS];
                    driver.set_render_targets(
                        state.render_targets.handles(targets),
                        super::state::RENDER_TARGETS as u32,
                        state.depth_stencil.handle(),
                        0,
                        state.uavs.handles(Changed { first: 0, end: uavs }),
                        keep.get(..uavs).unwrap_or_default(),
                    );
                }
            }
        }
    }
}
