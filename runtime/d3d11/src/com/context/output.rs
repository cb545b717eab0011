//! Binding of targets and fixed-function state: output merger, rasterizer, stream output, unordered access.

use pvgpu_umd_ddi::{D3D10_DDI_RECT, D3D10_DDI_VIEWPORT};

use super::super::guard::Pipeline;
use super::super::object::Com;
use super::super::record::Sink;
use super::super::resource::Resource;
use super::super::state_object::StateObject;
use super::super::view::View;
use super::hazard::Place;
use super::state::{Changed, RENDER_TARGETS, SO_TARGETS, UAVS};

/// A count of `puavinitialcounts` that keeps the hidden counter.
const KEEP_COUNT: u32 = u32::MAX;

/// New render targets and depth-stencil target of the output merger.
#[derive(Clone, Copy)]
pub struct Targets<'a> {
    /// Render targets from slot 0; slots after them are unbound.
    pub views: &'a [Option<&'a Com<View>>],
    /// The depth-stencil target.
    pub depth: Option<&'a Com<View>>,
}

/// New unordered-access views of the output merger.
#[derive(Clone, Copy)]
pub struct Uavs<'a> {
    /// Slot of the first.
    pub start: u32,
    /// The views.
    pub views: &'a [Option<&'a Com<View>>],
    /// Initial values of their hidden counters; a missing one keeps the counter.
    pub counts: &'a [u32],
}

impl<D: Sink> Pipeline<D> {
    /// `OMSetRenderTargets` and `OMSetRenderTargetsAndUnorderedAccessViews`; `None` keeps a part as it is.
    pub fn set_targets(&mut self, targets: Option<Targets<'_>>, uavs: Option<Uavs<'_>>) {
        let target_count = targets.map_or(0, |targets| targets.views.len());
        let uav_end = uavs.map_or(0, |uavs| (uavs.start as usize).saturating_add(uavs.views.len()));
        if target_count > RENDER_TARGETS || uav_end > UAVS {
            return;
        }
        let used_before = (self.state.render_targets.used(), self.state.uavs.used());
        let mut changed = false;
        let new_targets = targets.map_or(&[][..], |targets| targets.views).iter().copied().flatten();
        let new_depth = targets.and_then(|targets| targets.depth);
        let new_uavs = uavs.map_or(&[][..], |uavs| uavs.views).iter().copied().flatten();
        for view in new_targets.chain(new_depth).chain(new_uavs) {
            self.unbind_outputs(view, Place::OutputMerger);
            self.unbind_inputs(view);
        }
        if let Some(Targets { views, depth }) = targets {
            for slot in 0..RENDER_TARGETS {
                changed |= self.set_target(slot, views.get(slot).copied().flatten());
            }
            changed |= self.set_depth(depth);
        }
        if let Some(uavs) = uavs {
            for slot in 0..UAVS {
                let at = slot.checked_sub(uavs.start as usize);
                changed |= self.set_uav(slot, at.and_then(|at| uavs.views.get(at).copied().flatten()));
            }
        }
        let resets = uavs.is_some_and(|uavs| uavs.counts.iter().any(|count| *count != KEEP_COUNT));
        if changed || resets {
            self.send_targets(used_before, uavs);
        }
    }

    fn set_target(&mut self, slot: usize, view: Option<&Com<View>>) -> bool {
        let Self { state, graves, .. } = self;
        if let Some(old) = state.render_targets.get(slot) {
            state.outputs.remove(old.inner.resource());
        }
        if let Some(new) = view {
            state.outputs.add(new.inner.resource());
        }
        state.render_targets.set(slot, view, graves)
    }

    fn set_depth(&mut self, view: Option<&Com<View>>) -> bool {
        let Self { state, graves, .. } = self;
        if let Some(old) = state.depth_stencil.get() {
            state.outputs.remove(old.inner.resource());
        }
        if let Some(new) = view {
            state.outputs.add(new.inner.resource());
        }
        state.depth_stencil.set(view, graves)
    }

    fn set_uav(&mut self, slot: usize, view: Option<&Com<View>>) -> bool {
        let Self { state, graves, .. } = self;
        if let Some(old) = state.uavs.get(slot) {
            state.outputs.remove(old.inner.resource());
        }
        if let Some(new) = view {
            state.outputs.add(new.inner.resource());
        }
        state.uavs.set(slot, view, graves)
    }

    /// Sends all targets. Slots that were used `before` are sent too, so that the driver unbinds them.
    fn send_targets(&mut self, before: (usize, usize), new: Option<Uavs<'_>>) {
        let Self { driver, state, .. } = self;
        let end = state.uavs.used().max(before.1);
        let mut counts = [KEEP_COUNT; UAVS];
        if let Some(new) = new {
            for (count, given) in counts.iter_mut().skip(new.start as usize).zip(new.counts) {
                *count = *given;
            }
        }
        let uavs = Changed { first: 0, end };
        let targets = Changed { first: 0, end: state.render_targets.used() };
        driver.set_render_targets(
            state.render_targets.handles(targets),
            // CAST: at most 8.
            before.0 as u32,
            state.depth_stencil.handle(),
            0,
            state.uavs.handles(uavs),
            counts.get(..end).unwrap_or_default(),
        );
    }

    /// `CSSetUnorderedAccessViews`.
    pub fn set_compute_uavs(&mut self, start: u32, views: &[Option<&Com<View>>], counts: &[u32]) {
        let first = start as usize;
        if views.is_empty() || first.saturating_add(views.len()) > UAVS {
            return;
        }
        for view in views.iter().copied().flatten() {
            self.unbind_outputs(view, Place::Compute);
            self.unbind_inputs(view);
        }
        let Self { driver, state, graves, .. } = self;
        let mut changed = Changed::NOTHING;
        for (at, view) in views.iter().enumerate() {
            let slot = first + at;
            if let Some(old) = state.compute_uavs.get(slot) {
                state.outputs.remove(old.inner.resource());
            }
            if let Some(new) = view {
                state.outputs.add(new.inner.resource());
            }
            let resets = counts.get(at).is_some_and(|count| *count != KEEP_COUNT);
            if state.compute_uavs.set(slot, *view, graves) || resets {
                changed.add(slot);
            }
        }
        if changed.is_empty() {
            return;
        }
        let mut all = [KEEP_COUNT; UAVS];
        for (count, given) in all.iter_mut().skip(first).zip(counts) {
            *count = *given;
        }
        let counts = all.get(changed.first..changed.end).unwrap_or_default();
        // CAST: below 64.
        driver.cs_set_unordered_access_views(
            changed.first as u32,
            state.compute_uavs.handles(changed),
            counts,
        );
    }

    /// `OMSetBlendState`; no factor is all ones.
    #[inline]
    pub fn set_blend_state(&mut self, blend: Option<&Com<StateObject>>, factor: Option<[f32; 4]>, mask: u32) {
        let Self { driver, state, graves, .. } = self;
        let factor = factor.unwrap_or([1.0; 4]);
        let moved = (state.blend_factor, state.sample_mask) != (factor, mask);
        (state.blend_factor, state.sample_mask) = (factor, mask);
        if state.blend.set(blend, graves) || moved {
            driver.set_blend_state(state.blend.handle(), &factor, mask);
        }
    }

    /// `OMSetDepthStencilState`.
    #[inline]
    pub fn set_depth_stencil_state(&mut self, depth: Option<&Com<StateObject>>, reference: u32) {
        let Self { driver, state, graves, .. } = self;
        let moved = state.stencil_ref != reference;
        state.stencil_ref = reference;
        if state.depth_state.set(depth, graves) || moved {
            driver.set_depth_stencil_state(state.depth_state.handle(), reference);
        }
    }

    /// `RSSetState`.
    #[inline]
    pub fn set_rasterizer_state(&mut self, rasterizer: Option<&Com<StateObject>>) {
        let Self { driver, state, graves, .. } = self;
        if state.rasterizer.set(rasterizer, graves) {
            driver.set_rasterizer_state(state.rasterizer.handle());
        }
    }

    /// `RSSetViewports`.
    #[inline]
    pub fn set_viewports(&mut self, viewports: &[D3D10_DDI_VIEWPORT]) {
        let Self { driver, state, .. } = self;
        let count = viewports.len();
        let Some(places) = state.viewports.get_mut(..count) else { return };
        if count == state.viewport_count && places == viewports {
            return;
        }
        places.copy_from_slice(viewports);
        let clear = state.viewport_count.saturating_sub(count);
        state.viewport_count = count;
        // CAST: at most 16.
        driver.set_viewports(viewports, clear as u32);
    }

    /// `RSSetScissorRects`.
    #[inline]
    pub fn set_scissor_rects(&mut self, rects: &[D3D10_DDI_RECT]) {
        let Self { driver, state, .. } = self;
        let count = rects.len();
        let Some(places) = state.scissors.get_mut(..count) else { return };
        if count == state.scissor_count && places == rects {
            return;
        }
        places.copy_from_slice(rects);
        let clear = state.scissor_count.saturating_sub(count);
        state.scissor_count = count;
        // CAST: at most 16.
        driver.set_scissor_rects(rects, clear as u32);
    }

    /// `SOSetTargets`; targets that are not given are unbound. An offset of -1 appends.
    pub fn set_so_targets(&mut self, targets: &[Option<&Com<Resource>>], offsets: &[u32]) {
        if targets.len() > SO_TARGETS {
            return;
        }
        let Self { driver, state, graves, .. } = self;
        let before = state.so_targets.used();
        let mut all = [KEEP_COUNT; SO_TARGETS];
        for (slot, offset) in all.iter_mut().enumerate() {
            let target = targets.get(slot).copied().flatten();
            if let Some(old) = state.so_targets.get(slot) {
                state.outputs.remove(old);
            }
            if let Some(new) = target {
                state.outputs.add(new);
                *offset = offsets.get(slot).copied().unwrap_or(0);
            }
            state.so_targets.set(slot, target, graves);
        }
        let mut handles = [core::ptr::null_mut(); SO_TARGETS];
        handles.copy_from_slice(state.so_targets.handles(Changed { first: 0, end: SO_TARGETS }));
        let used = state.so_targets.used();
        // CAST: at most 4.
        driver.so_set_targets(used as u32, before.saturating_sub(used) as u32, &handles, &all);
    }

    /// `ClearState`: everything back to the defaults.
    pub fn clear_state(&mut self) {
        for stage in super::super::driver::STAGES {
            self.set_shader(stage, None, &[]);
            self.set_constant_buffers(stage, 0, super::state::CONSTANT_BUFFERS as u32, &[], None);
            self.set_shader_resources(stage, 0, super::state::SHADER_RESOURCES as u32, &[]);
            self.set_samplers(stage, 0, super::state::SAMPLERS as u32, &[]);
        }
        self.set_input_layout(None);
        self.set_vertex_buffers(0, super::state::VERTEX_BUFFERS as u32, &[], &[], &[]);
        self.set_index_buffer(None, 0, 0);
        self.set_topology(0);
        let no_targets = Targets { views: &[], depth: None };
        self.set_targets(Some(no_targets), Some(Uavs { start: 0, views: &[], counts: &[] }));
        self.set_compute_uavs(0, &[None; UAVS], &[]);
        self.set_blend_state(None, None, u32::MAX);
        self.set_depth_stencil_state(None, 0);
        self.set_rasterizer_state(None);
        self.set_viewports(&[]);
        self.set_scissor_rects(&[]);
        if self.state.so_targets.used() != 0 {
            self.set_so_targets(&[], &[]);
        }
        self.set_predication(None, 0);
    }
}
