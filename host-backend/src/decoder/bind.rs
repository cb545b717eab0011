//! Checks of bindings: the object exists, has the right kind and may be bound there.

use pvgpu_protocol::command::{
    self, ConstantBufferBinding, NONE, Rect, StreamOutputTarget, UavBinding, VertexBufferBinding, Viewport,
    bind, stage, view_kind,
};
use pvgpu_protocol::limits::{
    CONSTANT_BUFFER_SLOTS, RENDER_TARGETS, SAMPLER_SLOTS, SHADER_RESOURCE_SLOTS, STREAM_OUTPUT_SLOTS,
    UAV_SLOTS, VERTEX_BUFFER_SLOTS, VIEWPORTS,
};

use super::{Decoder, Object, finite, flag, within};
use crate::fault::Fault;
use crate::ops::{Backend, Op};

/// Memory for the lists of one command, kept so that steady state allocates nothing.
#[derive(Default)]
pub(super) struct Scratch {
    vertex_buffers: Vec<VertexBufferBinding>,
    constant_buffers: Vec<ConstantBufferBinding>,
    ids: Vec<u32>,
    uavs: Vec<UavBinding>,
    so_targets: Vec<StreamOutputTarget>,
    viewports: Vec<Viewport>,
    rects: Vec<Rect>,
}

/// Refuses a list that does not fit into its slots.
fn slots(start: u32, count: usize, limit: usize, name: &str) -> Result<u32, Fault> {
    if (start as usize).checked_add(count).is_none_or(|end| end > limit) {
        return Err(Fault::argument(format!("{name} slots {start}+{count} of {limit}")));
    }
    Ok(start)
}

fn check_stage(value: u32) -> Result<u32, Fault> {
    within(value, 0..=stage::COMPUTE, "stage")
}

impl Decoder {
    /// Runs `check` with the scratch memory at hand, which `self` gets back after.
    fn with_scratch<T>(&mut self, run: impl FnOnce(&Self, &mut Scratch) -> T) -> T {
        let mut scratch = self.scratch.take().unwrap_or_default();
        let result = run(self, &mut scratch);
        self.scratch = Some(scratch);
        result
    }

    /// Checks a buffer that may be absent against a bind flag.
    #[inline]
    fn bindable(&self, id: u32, flag: u32) -> Result<u32, Fault> {
        if id == NONE {
            return Ok(NONE);
        }
        if self.gpu_buffer(id)?.command.bind_flags & flag == 0 {
            return Err(Fault::object(id, format!("a buffer without bind flag {flag:#x}")));
        }
        Ok(id)
    }

    pub(super) fn set_vertex_buffers(
        &mut self,
        c: &command::ArchivedSetVertexBuffers<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let start = slots(c.start_slot.to_native(), c.buffers.len(), VERTEX_BUFFER_SLOTS, "vertex-buffer")?;
        self.with_scratch(|this, scratch| {
            scratch.vertex_buffers.clear();
            for binding in c.buffers.iter() {
                scratch.vertex_buffers.push(VertexBufferBinding {
                    buffer: this.bindable(binding.buffer.to_native(), bind::VERTEX_BUFFER)?,
                    stride: within(binding.stride.to_native(), 0..=2048, "vertex stride")?,
                    offset: binding.offset.to_native(),
                });
            }
            backend.execute(Op::SetVertexBuffers { start, buffers: &scratch.vertex_buffers })
        })
    }

    pub(super) fn set_index_buffer(
        &mut self,
        c: &command::ArchivedSetIndexBuffer,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        use crate::format::dxgi::{R16_UINT, R32_UINT};
        let buffer = self.bindable(c.buffer.to_native(), bind::INDEX_BUFFER)?;
        let format = c.format.to_native();
        if buffer != NONE && !matches!(format, R16_UINT | R32_UINT) {
            return Err(Fault::argument(format!("indices of format {format}")));
        }
        backend.execute(Op::SetIndexBuffer { buffer, format, offset: c.offset.to_native() })
    }

    pub(super) fn set_input_layout(&mut self, layout: u32, backend: &mut impl Backend) -> Result<(), Fault> {
        self.check_object(layout, |object| matches!(object, Object::ElementLayout), "an element layout")?;
        backend.execute(Op::SetInputLayout { layout })
    }

    pub(super) fn set_topology(&mut self, topology: u32, backend: &mut impl Backend) -> Result<(), Fault> {
        if !matches!(topology, 0..=5 | 10..=13 | 33..=64) {
            return Err(Fault::argument(format!("topology {topology}")));
        }
        backend.execute(Op::SetTopology { topology })
    }

    pub(super) fn set_shader(
        &mut self,
        stage: u32,
        shader: u32,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        check_stage(stage)?;
        let same = |object: &Object| matches!(object, Object::Shader { stage: s, .. } if *s == stage);
        self.check_object(shader, same, "a shader of this stage")?;
        backend.execute(Op::SetShader { stage, shader })
    }

    /// Checks an object that may be absent.
    fn check_object(&self, id: u32, fits: impl Fn(&Object) -> bool, due: &str) -> Result<(), Fault> {
        if id == NONE {
            return Ok(());
        }
        let object = self.object(id)?;
        if fits(object) {
            return Ok(());
        }
        Err(Fault::object(id, format!("{} where {due} is due", object.kind())))
    }

    pub(super) fn set_constant_buffers(
        &mut self,
        c: &command::ArchivedSetConstantBuffers<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let stage = check_stage(c.stage.to_native())?;
        let start =
            slots(c.start_slot.to_native(), c.buffers.len(), CONSTANT_BUFFER_SLOTS, "constant-buffer")?;
        self.with_scratch(|this, scratch| {
            scratch.constant_buffers.clear();
            for binding in c.buffers.iter() {
                scratch.constant_buffers.push(ConstantBufferBinding {
                    buffer: this.bindable(binding.buffer.to_native(), bind::CONSTANT_BUFFER)?,
                    first_constant: binding.first_constant.to_native(),
                    num_constants: within(binding.num_constants.to_native(), 0..=4096, "constants")?,
                });
            }
            backend.execute(Op::SetConstantBuffers { stage, start, buffers: &scratch.constant_buffers })
        })
    }

    pub(super) fn set_shader_resources(
        &mut self,
        c: &command::ArchivedSetShaderResources<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let stage = check_stage(c.stage.to_native())?;
        let start = slots(c.start_slot.to_native(), c.views.len(), SHADER_RESOURCE_SLOTS, "shader-resource")?;
        self.with_scratch(|this, scratch| {
            this.collect_views(
                &mut scratch.ids,
                c.views.iter().map(|id| id.to_native()),
                view_kind::SHADER_RESOURCE,
            )?;
            backend.execute(Op::SetShaderResources { stage, start, views: &scratch.ids })
        })
    }

    fn collect_views(
        &self,
        to: &mut Vec<u32>,
        ids: impl Iterator<Item = u32>,
        kind: u32,
    ) -> Result<(), Fault> {
        to.clear();
        for id in ids {
            if id != NONE {
                self.view(id, kind)?;
            }
            to.push(id);
        }
        Ok(())
    }

    pub(super) fn set_samplers(
        &mut self,
        c: &command::ArchivedSetSamplers<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let stage = check_stage(c.stage.to_native())?;
        let start = slots(c.start_slot.to_native(), c.samplers.len(), SAMPLER_SLOTS, "sampler")?;
        self.with_scratch(|this, scratch| {
            scratch.ids.clear();
            for id in c.samplers.iter().map(|id| id.to_native()) {
                this.check_object(id, |object| matches!(object, Object::Sampler), "a sampler")?;
                scratch.ids.push(id);
            }
            backend.execute(Op::SetSamplers { stage, start, samplers: &scratch.ids })
        })
    }

    fn collect_uavs(
        &self,
        to: &mut Vec<UavBinding>,
        uavs: &[command::ArchivedUavBinding],
    ) -> Result<(), Fault> {
        to.clear();
        for uav in uavs {
            let view = uav.view.to_native();
            if view != NONE {
                self.view(view, view_kind::UNORDERED_ACCESS)?;
            }
            to.push(UavBinding { view, initial_count: uav.initial_count.to_native() });
        }
        Ok(())
    }

    pub(super) fn set_render_targets(
        &mut self,
        c: &command::ArchivedSetRenderTargets<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        slots(0, c.render_targets.len(), RENDER_TARGETS, "render-target")?;
        let uav_start = slots(c.uav_start.to_native(), c.uavs.len(), UAV_SLOTS, "unordered-access")?;
        let depth_stencil = c.depth_stencil.to_native();
        if depth_stencil != NONE {
            self.view(depth_stencil, view_kind::DEPTH_STENCIL)?;
        }
        self.with_scratch(|this, scratch| {
            let ids = c.render_targets.iter().map(|id| id.to_native());
            this.collect_views(&mut scratch.ids, ids, view_kind::RENDER_TARGET)?;
            this.collect_uavs(&mut scratch.uavs, &c.uavs)?;
            let (targets, uavs) = (&scratch.ids, &scratch.uavs);
            backend.execute(Op::SetRenderTargets { targets, depth_stencil, uav_start, uavs })
        })
    }

    pub(super) fn set_compute_uavs(
        &mut self,
        c: &command::ArchivedSetComputeUavs<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let start = slots(c.start_slot.to_native(), c.uavs.len(), UAV_SLOTS, "unordered-access")?;
        self.with_scratch(|this, scratch| {
            this.collect_uavs(&mut scratch.uavs, &c.uavs)?;
            backend.execute(Op::SetComputeUavs { start, uavs: &scratch.uavs })
        })
    }

    pub(super) fn set_stream_output_targets(
        &mut self,
        c: &command::ArchivedSetStreamOutputTargets<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        slots(0, c.targets.len(), STREAM_OUTPUT_SLOTS, "stream-output")?;
        self.with_scratch(|this, scratch| {
            scratch.so_targets.clear();
            for target in c.targets.iter() {
                scratch.so_targets.push(StreamOutputTarget {
                    buffer: this.bindable(target.buffer.to_native(), bind::STREAM_OUTPUT)?,
                    offset: target.offset.to_native(),
                });
            }
            backend.execute(Op::SetStreamOutputTargets { targets: &scratch.so_targets })
        })
    }

    pub(super) fn set_predication(
        &mut self,
        c: &command::ArchivedSetPredication,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let query = c.query.to_native();
        // Occlusion predicate, overflow predicates.
        let fits = |object: &Object| matches!(object, Object::Query { kind: 5 | 7 | 13..=16, .. });
        self.check_object(query, fits, "a predicate")?;
        let value = flag(c.value.to_native(), "predicate value")?;
        let hint = flag(c.hint.to_native(), "predicate hint")?;
        backend.execute(Op::SetPredication { query, value, hint })
    }

    pub(super) fn set_viewports(
        &mut self,
        c: &command::ArchivedSetViewports<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        slots(0, c.viewports.len(), VIEWPORTS, "viewport")?;
        self.with_scratch(|_, scratch| {
            scratch.viewports.clear();
            for viewport in c.viewports.iter() {
                scratch.viewports.push(Viewport {
                    top_left_x: finite(viewport.top_left_x.to_native(), "viewport x")?,
                    top_left_y: finite(viewport.top_left_y.to_native(), "viewport y")?,
                    width: finite(viewport.width.to_native(), "viewport width")?,
                    height: finite(viewport.height.to_native(), "viewport height")?,
                    min_depth: finite(viewport.min_depth.to_native(), "viewport depth")?,
                    max_depth: finite(viewport.max_depth.to_native(), "viewport depth")?,
                });
            }
            backend.execute(Op::SetViewports { viewports: &scratch.viewports })
        })
    }

    pub(super) fn set_scissor_rects(
        &mut self,
        c: &command::ArchivedSetScissorRects<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        slots(0, c.rects.len(), VIEWPORTS, "scissor")?;
        self.with_scratch(|_, scratch| {
            scratch.rects.clear();
            scratch.rects.extend(c.rects.iter().map(|rect| Rect {
                left: rect.left.to_native(),
                top: rect.top.to_native(),
                right: rect.right.to_native(),
                bottom: rect.bottom.to_native(),
            }));
            backend.execute(Op::SetScissorRects { rects: &scratch.rects })
        })
    }

    pub(super) fn set_blend_state(
        &mut self,
        c: &command::ArchivedSetBlendState,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let state = c.state.to_native();
        self.check_object(state, |object| matches!(object, Object::BlendState), "a blend state")?;
        let factor =
            [0, 1, 2, 3].map(|index: usize| c.blend_factor.get(index).map_or(0.0, |f| f.to_native()));
        backend.execute(Op::SetBlendState { state, factor, sample_mask: c.sample_mask.to_native() })
    }

    pub(super) fn set_depth_stencil_state(
        &mut self,
        state: u32,
        stencil_ref: u32,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        self.check_object(state, |o| matches!(o, Object::DepthStencilState), "a depth-stencil state")?;
        backend.execute(Op::SetDepthStencilState { state, stencil_ref: stencil_ref & 0xff })
    }

    pub(super) fn set_rasterizer_state(
        &mut self,
        state: u32,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        self.check_object(state, |object| matches!(object, Object::RasterizerState), "a rasterizer state")?;
        backend.execute(Op::SetRasterizerState { state })
    }
}
