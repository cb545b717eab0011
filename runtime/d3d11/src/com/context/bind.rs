//! Binding of shaders, their resources, and the input assembler.
//!
//! A call whose slots do not all exist is ignored, as Direct3D 11 ignores it. What is bound already is not sent again.

use super::super::driver::{Stage, StageCalls};
use super::super::guard::Pipeline;
use super::super::linkage::{self, ClassInstance};
use super::super::object::{Com, Keep};
use super::super::record::Sink;
use super::super::resource::Resource;
use super::super::shader::{InputLayout, Shader};
use super::super::state_object::StateObject;
use super::super::view::View;
use super::state::{
    CONSTANT_BUFFERS, Changed, SAMPLERS, SHADER_RESOURCES, Slot, StageState, VERTEX_BUFFERS, WHOLE_BUFFER,
};

/// Bytes of a shader constant.
const CONSTANT_BYTES: u32 = 16;

/// The number of slots of a call, or `None` when it names slots that do not exist.
#[inline]
fn slots(start: u32, count: u32, available: usize) -> Option<(usize, usize)> {
    let (start, count) = (start as usize, count as usize);
    (count != 0 && start.checked_add(count)? <= available).then_some((start, count))
}

impl<D: Sink> Pipeline<D> {
    /// `*SetShader`.
    #[inline]
    pub fn set_shader(
        &mut self,
        stage: Stage,
        shader: Option<&Com<Shader>>,
        instances: &[Option<&Com<ClassInstance>>],
    ) {
        let Self { driver, state, graves, .. } = self;
        // PANIC: there are six stages and six states.
        let bound = &mut state.stages[stage as usize];
        let mut changed = bound.shader.set(shader, graves);
        if bound.instances.len() + instances.len() != 0 {
            changed |= bound.set_instances(instances, graves);
        }
        if changed {
            bound.send_shader(stage, driver);
        }
    }

    /// `*SetShaderResources`; a missing list unbinds.
    #[inline]
    pub fn set_shader_resources(
        &mut self,
        stage: Stage,
        start: u32,
        count: u32,
        views: &[Option<&Com<View>>],
    ) {
        let Some((start, count)) = slots(start, count, SHADER_RESOURCES) else { return };
        let Self { driver, state, graves, .. } = self;
        let mut changed = Changed::NOTHING;
        for at in 0..count {
            let view = views.get(at).copied().flatten().filter(|view| !state.is_written(view));
            // PANIC: there are six stages and six states.
            let bound = &mut state.stages[stage as usize];
            if bound.set_shader_resource(start + at, view, &mut state.inputs, graves) {
                changed.add(start + at);
            }
        }
        if !changed.is_empty() {
            let bound = &state.stages[stage as usize];
            // CAST: below 128.
            driver.set_shader_resources(stage, changed.first as u32, bound.shader_resources.handles(changed));
        }
    }

    /// `*SetSamplers`; a missing list unbinds.
    #[inline]
    pub fn set_samplers(
        &mut self,
        stage: Stage,
        start: u32,
        count: u32,
        samplers: &[Option<&Com<StateObject>>],
    ) {
        let Some((start, count)) = slots(start, count, SAMPLERS) else { return };
        let Self { driver, state, graves, .. } = self;
        // PANIC: there are six stages and six states.
        let bound = &mut state.stages[stage as usize].samplers;
        let mut changed = Changed::NOTHING;
        for at in 0..count {
            if bound.set(start + at, samplers.get(at).copied().flatten(), graves) {
                changed.add(start + at);
            }
        }
        if !changed.is_empty() {
            // CAST: below 16.
            driver.set_samplers(stage, changed.first as u32, bound.handles(changed));
        }
    }

    /// `*SetConstantBuffers` and, with `windows` (first constants, numbers of constants), `*SetConstantBuffers1`.
    #[inline]
    pub fn set_constant_buffers(
        &mut self,
        stage: Stage,
        start: u32,
        count: u32,
        buffers: &[Option<&Com<Resource>>],
        windows: Option<(&[u32], &[u32])>,
    ) {
        let Some((start, count)) = slots(start, count, CONSTANT_BUFFERS) else { return };
        // One list of the two, or one window that breaks the rules, makes Direct3D ignore the call.
        if windows.is_some_and(|(firsts, counts)| firsts.is_empty() != counts.is_empty()) {
            return;
        }
        let mut asked = [(0, 0); CONSTANT_BUFFERS];
        for (at, asked) in asked.iter_mut().enumerate().take(count) {
            *asked = match (buffers.get(at).copied().flatten(), windows) {
                (None, _) => (0, 0),
                (Some(_), None) => WHOLE_BUFFER,
                (Some(buffer), Some((firsts, counts))) => {
                    match window(buffer, firsts.get(at), counts.get(at)) {
                        Some(window) => window,
                        None => return,
                    }
                }
            };
        }
        let Self { driver, state, graves, .. } = self;
        // PANIC: there are six stages and six states.
        let bound = &mut state.stages[stage as usize];
        let mut changed = Changed::NOTHING;
        for (at, window) in asked.into_iter().enumerate().take(count) {
            let buffer = buffers.get(at).copied().flatten();
            let slot = start + at;
            let (Some(first), Some(number)) = (bound.firsts.get_mut(slot), bound.counts.get_mut(slot)) else {
                return;
            };
            let moved = (*first, *number) != window;
            (*first, *number) = window;
            if bound.constant_buffers.set(slot, buffer, graves) || moved {
                changed.add(slot);
            }
        }
        if changed.is_empty() {
            return;
        }
        let range = changed.first..changed.end;
        let windows = windows.and(bound.firsts.get(range.clone()).zip(bound.counts.get(range)));
        // CAST: below 14.
        driver.set_constant_buffers(
            stage,
            changed.first as u32,
            bound.constant_buffers.handles(changed),
            windows,
        );
    }

    /// `IASetInputLayout`.
    #[inline]
    pub fn set_input_layout(&mut self, layout: Option<&Com<InputLayout>>) {
        let Self { driver, state, graves, .. } = self;
        if state.input_layout.set(layout, graves) {
            driver.ia_set_input_layout(state.input_layout.handle());
        }
    }

    /// `IASetVertexBuffers`; a missing list unbinds.
    #[inline]
    pub fn set_vertex_buffers(
        &mut self,
        start: u32,
        count: u32,
        buffers: &[Option<&Com<Resource>>],
        strides: &[u32],
        offsets: &[u32],
    ) {
        let Some((start, count)) = slots(start, count, VERTEX_BUFFERS) else { return };
        let Self { driver, state, graves, .. } = self;
        let mut changed = Changed::NOTHING;
        for at in 0..count {
            let slot = start + at;
            let new = (strides.get(at).copied().unwrap_or(0), offsets.get(at).copied().unwrap_or(0));
            let (Some(stride), Some(offset)) = (state.strides.get_mut(slot), state.offsets.get_mut(slot))
            else {
                return;
            };
            let moved = (*stride, *offset) != new;
            (*stride, *offset) = new;
            if state.vertex_buffers.set(slot, buffers.get(at).copied().flatten(), graves) || moved {
                changed.add(slot);
            }
        }
        if changed.is_empty() {
            return;
        }
        let range = changed.first..changed.end;
        if let (Some(strides), Some(offsets)) = (state.strides.get(range.clone()), state.offsets.get(range)) {
            // CAST: below 32.
            let first = changed.first as u32;
            driver.ia_set_vertex_buffers(first, state.vertex_buffers.handles(changed), strides, offsets);
        }
    }

    /// `IASetIndexBuffer`.
    #[inline]
    pub fn set_index_buffer(&mut self, buffer: Option<&Com<Resource>>, format: u32, offset: u32) {
        let Self { driver, state, graves, .. } = self;
        let moved = (state.index_format, state.index_offset) != (format, offset);
        (state.index_format, state.index_offset) = (format, offset);
        if state.index_buffer.set(buffer, graves) || moved {
            driver.ia_set_index_buffer(state.index_buffer.handle(), format, offset);
        }
    }

    /// `IASetPrimitiveTopology`.
    #[inline]
    pub fn set_topology(&mut self, topology: u32) {
        if self.state.topology != topology {
            self.state.topology = topology;
            self.driver.ia_set_topology(topology);
        }
    }
}

impl StageState {
    /// Binds other class instances; whether that changed anything.
    #[cold]
    fn set_instances(&mut self, new: &[Option<&Com<ClassInstance>>], keeper: &mut impl Keep) -> bool {
        let mut changed = self.instances.len() != new.len();
        for slot in self.instances.iter_mut().skip(new.len()) {
            slot.set(None, keeper);
        }
        self.instances.resize_with(new.len(), Slot::default);
        for (slot, instance) in self.instances.iter_mut().zip(new) {
            changed |= slot.set(*instance, keeper);
        }
        changed
    }

    /// Tells a driver which shader is bound. One whose interfaces have not all an instance is disabled.
    #[inline]
    pub fn send_shader(&self, stage: Stage, driver: &mut impl StageCalls) {
        match self.shader.get().filter(|shader| shader.inner.has_interfaces) {
            None => driver.set_shader(stage, self.shader.handle()),
            Some(shader) => self.send_linked_shader(stage, shader, driver),
        }
    }

    #[cold]
    fn send_linked_shader(&self, stage: Stage, shader: &Com<Shader>, driver: &mut impl StageCalls) {
        let instances: Vec<_> = self.instances.iter().map(Slot::get).collect();
        let linkage = shader.inner.linkage.as_ref();
        match linkage.and_then(|linkage| linkage::resolve(linkage, &instances)) {
            None => driver.set_shader(stage, core::ptr::null_mut()),
            Some((tables, pointers)) => {
                driver.set_shader_with_ifaces(stage, shader.handle(), &tables, &pointers);
            }
        }
    }
}

/// The window of a buffer that an 11.1 call asks for: 16-constant steps, at most 4096 constants. Offsets and sizes come
/// together or not at all.
fn window(buffer: &Com<Resource>, first: Option<&u32>, count: Option<&u32>) -> Option<(u32, u32)> {
    let (first, count) = match (first.copied(), count.copied()) {
        (Some(first), Some(count)) => (first, count),
        (None, None) => return Some(WHOLE_BUFFER),
        _ => return None,
    };
    let size = buffer.inner.subresource_size(0)?.TexelWidth / CONSTANT_BYTES;
    let legal = first.is_multiple_of(16) && count.is_multiple_of(16) && count <= WHOLE_BUFFER.1;
    (legal && first <= size).then_some((first, count))
}
