//! The bindings of a context as a whole: sent to the driver, taken back from it, kept alive, given up.
//!
//! A command list starts and ends with nothing bound, so whoever plays one takes its own bindings back first, and a
//! context whose bindings live on after the list sends them again.

use core::ptr;

use super::super::driver::{Calls, STAGES, StageCalls};
use super::super::guard::Pipeline;
use super::super::object::Keep;
use super::super::record::Sink;
use super::list::CommandList;
use super::state::{
    CONSTANT_BUFFERS, Changed, RENDER_TARGETS, SAMPLERS, SHADER_RESOURCES, SO_TARGETS, State, UAVS,
    VERTEX_BUFFERS, VIEWPORTS, WHOLE_BUFFER,
};
use crate::com::object::Com;

/// A counter or an offset that stays as it is.
const KEEP: u32 = u32::MAX;

/// Calls a method of a [`Keep`] for each bound object.
macro_rules! each_object {
    ($state:ident, $keeper:ident, $method:ident) => {
        for stage in &$state.stages {
            stage.shader.get().into_iter().for_each(|object| $keeper.$method(object));
            stage.instances.iter().filter_map(|slot| slot.get()).for_each(|object| $keeper.$method(object));
            stage.constant_buffers.objects().for_each(|object| $keeper.$method(object));
            stage.shader_resources.objects().for_each(|object| $keeper.$method(object));
            stage.samplers.objects().for_each(|object| $keeper.$method(object));
        }
        $state.input_layout.get().into_iter().for_each(|object| $keeper.$method(object));
        $state.vertex_buffers.objects().for_each(|object| $keeper.$method(object));
        $state.index_buffer.get().into_iter().for_each(|object| $keeper.$method(object));
        $state.so_targets.objects().for_each(|object| $keeper.$method(object));
        $state.render_targets.objects().for_each(|object| $keeper.$method(object));
        $state.depth_stencil.get().into_iter().for_each(|object| $keeper.$method(object));
        $state.uavs.objects().for_each(|object| $keeper.$method(object));
        $state.compute_uavs.objects().for_each(|object| $keeper.$method(object));
        $state.blend.get().into_iter().for_each(|object| $keeper.$method(object));
        $state.depth_state.get().into_iter().for_each(|object| $keeper.$method(object));
        $state.rasterizer.get().into_iter().for_each(|object| $keeper.$method(object));
        $state.predicate.get().into_iter().for_each(|object| $keeper.$method(object));
    };
}

/// The first `count` slots.
fn first(count: usize) -> Changed {
    Changed { first: 0, end: count }
}

impl State {
    /// Adds a reference to everything bound.
    pub fn hold(&self, keeper: &mut impl Keep) {
        each_object!(self, keeper, hold);
    }

    /// Gives up the reference to everything bound. The bindings are not to be used after.
    pub fn unhold(self, keeper: &mut impl Keep) {
        each_object!(self, keeper, unhold);
    }

    /// Tells a driver that has nothing bound about everything bound here.
    pub fn send(&self, driver: &mut (impl Calls + StageCalls)) {
        for (stage, bound) in STAGES.into_iter().zip(&self.stages) {
            if bound.shader.get().is_some() {
                bound.send_shader(stage, driver);
            }
            let buffers = bound.constant_buffers.used();
            if buffers != 0 {
                let windows = bound.firsts.get(..buffers).zip(bound.counts.get(..buffers));
                let whole = |(firsts, counts): &(&[u32], &[u32])| {
                    firsts
                        .iter()
                        .zip(*counts)
                        .all(|(first, count)| *count == 0 || (*first, *count) == WHOLE_BUFFER)
                };
                let windows = windows.filter(|windows| !whole(windows));
                driver.set_constant_buffers(
                    stage,
                    0,
                    bound.constant_buffers.handles(first(buffers)),
                    windows,
                );
            }
            let resources = bound.shader_resources.used();
            if resources != 0 {
                driver.set_shader_resources(stage, 0, bound.shader_resources.handles(first(resources)));
            }
            let samplers = bound.samplers.used();
            if samplers != 0 {
                driver.set_samplers(stage, 0, bound.samplers.handles(first(samplers)));
            }
        }
        self.send_input(driver);
        self.send_output(driver);
        if self.predicate.get().is_some() || self.predicate_value != 0 {
            driver.set_predication(self.predicate.handle(), self.predicate_value);
        }
    }

    fn send_input(&self, driver: &mut impl Calls) {
        if self.input_layout.get().is_some() {
            driver.ia_set_input_layout(self.input_layout.handle());
        }
        let used = self.vertex_buffers_used();
        if let (Some(strides), Some(offsets)) = (self.strides.get(..used), self.offsets.get(..used))
            && used != 0
        {
            driver.ia_set_vertex_buffers(0, self.vertex_buffers.handles(first(used)), strides, offsets);
        }
        if self.has_index_buffer() {
            driver.ia_set_index_buffer(self.index_buffer.handle(), self.index_format, self.index_offset);
        }
        if self.topology != 0 {
            driver.ia_set_topology(self.topology);
        }
    }

    fn send_output(&self, driver: &mut (impl Calls + StageCalls)) {
        let (targets, uavs) = (self.render_targets.used(), self.uavs.used());
        if targets != 0 || uavs != 0 || self.depth_stencil.get().is_some() {
            driver.set_render_targets(
                self.render_targets.handles(first(targets)),
                0,
                self.depth_stencil.handle(),
                0,
                self.uavs.handles(first(uavs)),
                const { &[KEEP; UAVS] }.get(..uavs).unwrap_or_default(),
            );
        }
        let compute = self.compute_uavs.used();
        if compute != 0 {
            let counts = const { &[KEEP; UAVS] }.get(..compute).unwrap_or_default();
            driver.cs_set_unordered_access_views(0, self.compute_uavs.handles(first(compute)), counts);
        }
        if self.has_blend_state() {
            driver.set_blend_state(self.blend.handle(), &self.blend_factor, self.sample_mask);
        }
        if self.depth_state.get().is_some() || self.stencil_ref != 0 {
            driver.set_depth_stencil_state(self.depth_state.handle(), self.stencil_ref);
        }
        if self.rasterizer.get().is_some() {
            driver.set_rasterizer_state(self.rasterizer.handle());
        }
        if let Some(viewports) = self.viewports.get(..self.viewport_count).filter(|list| !list.is_empty()) {
            driver.set_viewports(viewports, 0);
        }
        if let Some(scissors) = self.scissors.get(..self.scissor_count).filter(|list| !list.is_empty()) {
            driver.set_scissor_rects(scissors, 0);
        }
        let streams = self.so_targets.used();
        if streams != 0 {
            let mut handles = [ptr::null_mut(); SO_TARGETS];
            handles.copy_from_slice(self.so_targets.handles(first(SO_TARGETS)));
            // CAST: at most 4.
            driver.so_set_targets(streams as u32, 0, &handles, &[KEEP; SO_TARGETS]);
        }
    }

    /// Tells a driver that has this bound that nothing is bound any more.
    pub fn send_nothing(&self, driver: &mut (impl Calls + StageCalls)) {
        const NULLS: &[*mut core::ffi::c_void; 128] = &[ptr::null_mut(); 128];
        const ZEROS: &[u32; VERTEX_BUFFERS] = &[0; VERTEX_BUFFERS];
        const _: () =
            assert!(CONSTANT_BUFFERS <= 128 && SHADER_RESOURCES <= 128 && SAMPLERS <= 128 && UAVS <= 128);
        let nulls = |count: usize| NULLS.get(..count).unwrap_or_default();
        let zeros = |count: usize| ZEROS.get(..count).unwrap_or_default();
        for (stage, bound) in STAGES.into_iter().zip(&self.stages) {
            if bound.shader.get().is_some() {
                driver.set_shader(stage, ptr::null_mut());
            }
            let buffers = bound.constant_buffers.used();
            if buffers != 0 {
                driver.set_constant_buffers(stage, 0, nulls(buffers), None);
            }
            let resources = bound.shader_resources.used();
            if resources != 0 {
                driver.set_shader_resources(stage, 0, nulls(resources));
            }
            let samplers = bound.samplers.used();
            if samplers != 0 {
                driver.set_samplers(stage, 0, nulls(samplers));
            }
        }
        if self.input_layout.get().is_some() {
            driver.ia_set_input_layout(ptr::null_mut());
        }
        let used = self.vertex_buffers_used();
        if used != 0 {
            driver.ia_set_vertex_buffers(0, nulls(used), zeros(used), zeros(used));
        }
        if self.has_index_buffer() {
            driver.ia_set_index_buffer(ptr::null_mut(), 0, 0);
        }
        if self.topology != 0 {
            driver.ia_set_topology(0);
        }
        let (targets, uavs) = (self.render_targets.used(), self.uavs.used());
        if targets != 0 || uavs != 0 || self.depth_stencil.get().is_some() {
            let counts = const { &[KEEP; UAVS] }.get(..uavs).unwrap_or_default();
            // CAST: at most 8.
            let before = targets.min(RENDER_TARGETS) as u32;
            driver.set_render_targets(&[], before, ptr::null_mut(), 0, nulls(uavs), counts);
        }
        let compute = self.compute_uavs.used();
        if compute != 0 {
            let counts = const { &[KEEP; UAVS] }.get(..compute).unwrap_or_default();
            driver.cs_set_unordered_access_views(0, nulls(compute), counts);
        }
        if self.has_blend_state() {
            driver.set_blend_state(ptr::null_mut(), &[1.0; 4], u32::MAX);
        }
        if self.depth_state.get().is_some() || self.stencil_ref != 0 {
            driver.set_depth_stencil_state(ptr::null_mut(), 0);
        }
        if self.rasterizer.get().is_some() {
            driver.set_rasterizer_state(ptr::null_mut());
        }
        // CAST: at most 16, and at most 4.
        if self.viewport_count != 0 {
            driver.set_viewports(&[], self.viewport_count.min(VIEWPORTS) as u32);
        }
        if self.scissor_count != 0 {
            driver.set_scissor_rects(&[], self.scissor_count.min(VIEWPORTS) as u32);
        }
        let streams = self.so_targets.used();
        if streams != 0 {
            driver.so_set_targets(0, streams as u32, &[ptr::null_mut(); SO_TARGETS], &[0; SO_TARGETS]);
        }
        if self.predicate.get().is_some() || self.predicate_value != 0 {
            driver.set_predication(ptr::null_mut(), 0);
        }
    }

    /// One more than the last slot that has a buffer, a stride or an offset.
    fn vertex_buffers_used(&self) -> usize {
        let numbers = |list: &[u32]| list.iter().rposition(|number| *number != 0).map_or(0, |last| last + 1);
        self.vertex_buffers.used().max(numbers(&self.strides)).max(numbers(&self.offsets))
    }

    fn has_index_buffer(&self) -> bool {
        self.index_buffer.get().is_some() || (self.index_format, self.index_offset) != (0, 0)
    }

    fn has_blend_state(&self) -> bool {
        self.blend.get().is_some() || self.blend_factor != [1.0; 4] || self.sample_mask != u32::MAX
    }
}

impl<D: Sink> Pipeline<D> {
    /// `ExecuteCommandList`: the list knows nothing of what is bound, and leaves nothing bound.
    pub fn execute(&mut self, list: &Com<CommandList>, restore: bool) {
        if restore {
            self.state.send_nothing(&mut self.driver);
            D::run(self, list);
            self.state.send(&mut self.driver);
        } else {
            self.clear_state();
            D::run(self, list);
        }
    }
}
