//! Binding of shaders, their resources, and the input assembler.
//!
//! A call whose slots do not all exist is ignored, as Direct3D 11 ignores it. What is bound already is not sent again.

use super::super::driver::Stage;
use super::super::guard::Locked;
use super::super::object::Com;
use super::super::resource::Resource;
use super::super::shader::{InputLayout, Shader};
use super::super::state_object::StateObject;
use super::super::view::View;
use super::state::{CONSTANT_BUFFERS, Changed, SAMPLERS, SHADER_RESOURCES, VERTEX_BUFFERS, WHOLE_BUFFER};

/// Bytes of a shader constant.
const CONSTANT_BYTES: u32 = 16;

/// The number of slots of a call, or `None` when it names slots that do not exist.
#[inline]
fn slots(start: u32, count: u32, available: usize) -> Option<(usize, usize)> {
    let (start, count) = (start as usize, count as usize);
    (count != 0 && start.checked_add(count)? <= available).then_some((start, count))
}

impl Locked {
    /// `*SetShader`.
    #[inline]
    pub fn set_shader(&mut self, stage: Stage, shader: Option<&Com<Shader>>) {
        let Self { driver, state, graves, .. } = self;
        // PANIC: there are six stages and six states.
        let slot = &mut state.stages[stage as usize].shader;
        if slot.set(shader, graves) {
            driver.set_shader(stage, slot.handle());
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
            if state.stages[stage as usize].set_shader_resource(start + at, view, graves) {
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
        let Self { driver, state, graves, .. } = self;
        // PANIC: there are six stages and six states.
        let bound = &mut state.stages[stage as usize];
        let mut changed = Changed::NOTHING;
        for at in 0..count {
            let buffer = buffers.get(at).copied().flatten();
            let window = match (buffer, windows) {
                (None, _) => (0, 0),
                (Some(_), None) => WHOLE_BUFFER,
                (Some(buffer), Some((firsts, counts))) => {
                    match window(buffer, firsts.get(at), counts.get(at)) {
                        Some(window) => window,
                        // A window that breaks the rules makes Direct3D ignore the call.
                        None => return,
                    }
                }
            };
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

/// The window of a buffer that an 11.1 call asks for: 16-constant steps, at most 4096 constants.
fn window(buffer: &Com<Resource>, first: Option<&u32>, count: Option<&u32>) -> Option<(u32, u32)> {
    let (Some(first), Some(count)) = (first.copied(), count.copied()) else { return Some(WHOLE_BUFFER) };
    let size = buffer.inner.subresource_size(0)?.TexelWidth / CONSTANT_BYTES;
    let legal = first.is_multiple_of(16) && count.is_multiple_of(16) && count <= WHOLE_BUFFER.1;
    (legal && first <= size).then_some((first, count))
}
