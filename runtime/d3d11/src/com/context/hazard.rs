//! Hazards: nothing is bound for reading and for writing at a time.
//!
//! Direct3D 11's rule (functional specification, "Resource hazards"): binding a subresource as a target unbinds it as a
//! shader resource; a shader resource that is a target is bound as null instead. Most resources can never be both, which
//! a flag on the view tells, and two counters on the others tell whether there is anything to look for.

use super::super::driver::STAGES;
use super::super::guard::{Graves, Locked};
use super::super::object::Com;
use super::super::view::View;
use super::state::{Changed, StageState, State};

/// `D3D11_DSV_READ_ONLY_DEPTH | D3D11_DSV_READ_ONLY_STENCIL`.
const READ_ONLY: u32 = 3;

/// Where targets are bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The output merger: render targets, depth, unordered access.
    OutputMerger,
    /// The compute stage's unordered access.
    Compute,
}

impl State {
    /// The views bound as targets.
    fn outputs(&self) -> impl Iterator<Item = &Com<View>> {
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
        view.inner.hazardous && view.inner.resource().inner.outputs.get() != 0 && self.is_written_slowly(view)
    }

    #[cold]
    fn is_written_slowly(&self, view: &Com<View>) -> bool {
        let writes = |output: &Com<View>| output.inner.view.desc.flags & READ_ONLY == 0;
        let target = view.inner.resource();
        let streamed =
            self.so_targets.iter().any(|slot| slot.get().is_some_and(|so| core::ptr::eq(so, target)));
        streamed || self.outputs().any(|output| writes(output) && output.inner.overlaps(&view.inner))
    }
}

impl StageState {
    /// Binds a shader resource, keeping the counter of bindings as input.
    #[inline]
    pub fn set_shader_resource(
        &mut self,
        slot: usize,
        view: Option<&Com<View>>,
        graves: &mut Graves,
    ) -> bool {
        let old = self.shader_resources.get(slot);
        if let Some(old) = old.filter(|old| old.inner.hazardous) {
            let inputs = &old.inner.resource().inner.inputs;
            inputs.set(inputs.get().wrapping_sub(1));
        }
        if let Some(new) = view.filter(|new| new.inner.hazardous) {
            let inputs = &new.inner.resource().inner.inputs;
            inputs.set(inputs.get().wrapping_add(1));
        }
        self.shader_resources.set(slot, view, graves)
    }
}

/// Counts a view that becomes a target.
pub fn add_output(view: &Com<View>) {
    let outputs = &view.inner.resource().inner.outputs;
    outputs.set(outputs.get().wrapping_add(1));
}

/// Counts a view that is a target no more.
pub fn remove_output(view: &Com<View>) {
    let outputs = &view.inner.resource().inner.outputs;
    outputs.set(outputs.get().wrapping_sub(1));
}

impl Locked {
    /// Unbinds every shader resource that `target`, which is about to be written, overlaps.
    #[inline]
    pub fn unbind_inputs(&mut self, target: &Com<View>) {
        if target.inner.resource().inner.inputs.get() != 0 && target.inner.view.desc.flags & READ_ONLY == 0 {
            self.unbind_inputs_slowly(target);
        }
    }

    #[cold]
    fn unbind_inputs_slowly(&mut self, target: &Com<View>) {
        let Self { driver, state, graves, .. } = self;
        for (stage, bound) in STAGES.into_iter().zip(&mut state.stages) {
            for slot in 0..bound.shader_resources.used() {
                let conflicts = |view: &Com<View>| view.inner.overlaps(&target.inner);
                if bound.shader_resources.get(slot).is_some_and(conflicts) {
                    bound.set_shader_resource(slot, None, graves);
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
        if target.inner.resource().inner.outputs.get() == 0 {
            return;
        }
        let Self { driver, state, graves, .. } = self;
        match new_place {
            Place::OutputMerger => {
                for slot in 0..state.compute_uavs.used() {
                    let conflicting =
                        state.compute_uavs.get(slot).filter(|view| view.inner.overlaps(&target.inner));
                    if let Some(view) = conflicting {
                        remove_output(view);
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
                        remove_output(view);
                        changed |= state.render_targets.set(slot, None, graves);
                    }
                }
                let uavs = state.uavs.used();
                for slot in 0..uavs {
                    let conflicting = state.uavs.get(slot).filter(|view| view.inner.overlaps(&target.inner));
                    if let Some(view) = conflicting {
                        remove_output(view);
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
