//! Bindings: shaders, buffers, views, samplers, state objects, targets, viewports.
//!
//! Each call becomes at most one record. Bindings that change nothing become none.

use pvgpu_protocol::command::{
    ConstantBufferBinding, NONE, Rect, SetBlendState, SetComputeUavs, SetConstantBuffers,
    SetDepthStencilState, SetIndexBuffer, SetInputLayout, SetRasterizerState, SetRenderTargets, SetSamplers,
    SetScissorRects, SetShader, SetShaderResources, SetStreamOutputTargets, SetTopology, SetVertexBuffers,
    SetViewports, StreamOutputTarget, UavBinding, VertexBufferBinding, Viewport,
};
use pvgpu_protocol::limits::STREAM_OUTPUT_SLOTS;
use pvgpu_umd_ddi::{D3D10_DDI_RECT, D3D10_DDI_VIEWPORT};

use crate::device::Device;
use crate::error::Error;
use crate::shadow::{self, KEEP_COUNT};
use crate::state::finite;

/// A slot range that D3D11 does not have; the runtime has checked it.
const BAD_SLOTS: Error = Error::BadArgument("binding slots out of range");

/// The slots `start..start + count` of `slots`.
#[inline(always)]
fn range<T>(slots: &mut [T], start: u32, count: usize) -> Result<&mut [T], Error> {
    let start = start as usize;
    slots.get_mut(start..start.saturating_add(count)).ok_or(BAD_SLOTS)
}

impl Device {
    /// `VsSetShader` and its like; `stage` is one of [`pvgpu_protocol::command::stage`].
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`], as every method here; [`Error::BadArgument`] for slots that do not exist.
    #[inline]
    pub fn set_shader(&mut self, stage: u32, shader: u32) -> Result<(), Error> {
        let bound = &mut self.shadow.stages.get_mut(stage as usize).ok_or(BAD_SLOTS)?.shader;
        if *bound == shader {
            return Ok(());
        }
        *bound = shader;
        self.context.emit(&SetShader { stage, shader })
    }

    /// `VsSetConstantBuffers` and its like.
    ///
    /// # Errors
    /// As [`Device::set_shader`].
    #[inline]
    pub fn set_constant_buffers(
        &mut self,
        stage: u32,
        start_slot: u32,
        bindings: impl ExactSizeIterator<Item = ConstantBufferBinding>,
    ) -> Result<(), Error> {
        let bound = &mut self.shadow.stages.get_mut(stage as usize).ok_or(BAD_SLOTS)?.constant_buffers;
        let slots = range(bound, start_slot, bindings.len())?;
        if !shadow::store(slots, bindings) {
            return Ok(());
        }
        self.context.emit(&SetConstantBuffers { stage, start_slot, buffers: slots })
    }

    /// `VsSetShaderResources` and its like.
    ///
    /// # Errors
    /// As [`Device::set_shader`].
    #[inline]
    pub fn set_shader_resources(
        &mut self,
        stage: u32,
        start_slot: u32,
        views: impl ExactSizeIterator<Item = u32>,
    ) -> Result<(), Error> {
        let bound = &mut self.shadow.stages.get_mut(stage as usize).ok_or(BAD_SLOTS)?.views;
        let slots = range(bound, start_slot, views.len())?;
        if !shadow::store(slots, views) {
            return Ok(());
        }
        self.context.emit(&SetShaderResources { stage, start_slot, views: slots })
    }

    /// `VsSetSamplers` and its like.
    ///
    /// # Errors
    /// As [`Device::set_shader`].
    #[inline]
    pub fn set_samplers(
        &mut self,
        stage: u32,
        start_slot: u32,
        samplers: impl ExactSizeIterator<Item = u32>,
    ) -> Result<(), Error> {
        let bound = &mut self.shadow.stages.get_mut(stage as usize).ok_or(BAD_SLOTS)?.samplers;
        let slots = range(bound, start_slot, samplers.len())?;
        if !shadow::store(slots, samplers) {
            return Ok(());
        }
        self.context.emit(&SetSamplers { stage, start_slot, samplers: slots })
    }

    /// `IaSetVertexBuffers`.
    ///
    /// # Errors
    /// As [`Device::set_shader`].
    #[inline]
    pub fn set_vertex_buffers(
        &mut self,
        start_slot: u32,
        bindings: impl ExactSizeIterator<Item = VertexBufferBinding>,
    ) -> Result<(), Error> {
        let slots = range(&mut self.shadow.vertex_buffers, start_slot, bindings.len())?;
        if !shadow::store(slots, bindings) {
            return Ok(());
        }
        self.context.emit(&SetVertexBuffers { start_slot, reserved: 0, buffers: slots })
    }

    /// `IaSetIndexBuffer`.
    ///
    /// # Errors
    /// As [`Device::set_shader`].
    #[inline]
    pub fn set_index_buffer(&mut self, buffer: u32, format: u32, offset: u32) -> Result<(), Error> {
        if self.shadow.index_buffer == (buffer, format, offset) {
            return Ok(());
        }
        self.shadow.index_buffer = (buffer, format, offset);
        self.context.emit(&SetIndexBuffer { buffer, format, offset, reserved: 0 })
    }

    /// `IaSetInputLayout`.
    ///
    /// # Errors
    /// As [`Device::set_shader`].
    #[inline]
    pub fn set_input_layout(&mut self, layout: u32) -> Result<(), Error> {
        if self.shadow.layout == layout {
            return Ok(());
        }
        self.shadow.layout = layout;
        self.context.emit(&SetInputLayout { layout, reserved: 0 })
    }

    /// `IaSetTopology`.
    ///
    /// # Errors
    /// As [`Device::set_shader`].
    #[inline]
    pub fn set_topology(&mut self, topology: u32) -> Result<(), Error> {
        if self.shadow.topology == topology {
            return Ok(());
        }
        self.shadow.topology = topology;
        self.context.emit(&SetTopology { topology, reserved: 0 })
    }

    /// `SetBlendState`.
    ///
    /// # Errors
    /// As [`Device::set_shader`].
    #[inline]
    pub fn set_blend_state(
        &mut self,
        state: u32,
        blend_factor: [f32; 4],
        sample_mask: u32,
    ) -> Result<(), Error> {
        let blend = (state, sample_mask, blend_factor.map(f32::to_bits));
        if self.shadow.blend == blend {
            return Ok(());
        }
        self.shadow.blend = blend;
        self.context.emit(&SetBlendState { state, sample_mask, blend_factor })
    }

    /// `SetDepthStencilState`.
    ///
    /// # Errors
    /// As [`Device::set_shader`].
    #[inline]
    pub fn set_depth_stencil_state(&mut self, state: u32, stencil_ref: u32) -> Result<(), Error> {
        if self.shadow.depth_stencil == (state, stencil_ref) {
            return Ok(());
        }
        self.shadow.depth_stencil = (state, stencil_ref);
        self.context.emit(&SetDepthStencilState { state, stencil_ref })
    }

    /// `SetRasterizerState`.
    ///
    /// # Errors
    /// As [`Device::set_shader`].
    #[inline]
    pub fn set_rasterizer_state(&mut self, state: u32) -> Result<(), Error> {
        if self.shadow.rasterizer == state {
            return Ok(());
        }
        self.shadow.rasterizer = state;
        self.context.emit(&SetRasterizerState { state, reserved: 0 })
    }

    /// `SetRenderTargets`: the render targets from slot 0, the depth-stencil view, and the unordered-access views from
    /// `uav_start` with their counters. `updated` are the slots of unordered-access views that this call sets, absent views
    /// included; the others keep theirs.
    ///
    /// # Errors
    /// As [`Device::set_shader`].
    pub fn set_render_targets(
        &mut self,
        render_targets: impl ExactSizeIterator<Item = u32>,
        depth_stencil: u32,
        uav_start: u32,
        uavs: impl ExactSizeIterator<Item = UavBinding>,
        updated: core::ops::Range<u32>,
    ) -> Result<(), Error> {
        let count = render_targets.len();
        let targets = range(&mut self.shadow.render_targets, 0, count)?;
        shadow::store(targets, render_targets);
        let cleared = updated.end.saturating_sub(updated.start) as usize;
        range(&mut self.shadow.uavs, updated.start, cleared)?
            .fill(UavBinding { view: NONE, initial_count: KEEP_COUNT });
        let set = range(&mut self.shadow.uavs, uav_start, uavs.len())?;
        shadow::store(set, uavs);
        let is_set = |uav: &UavBinding| uav.view != NONE;
        let first = self.shadow.uavs.iter().position(is_set).unwrap_or(0);
        let end = self.shadow.uavs.iter().rposition(is_set).map_or(first, |last| last + 1);
        let result = self.context.emit(&SetRenderTargets {
            depth_stencil,
            // CAST: below the number of slots.
            uav_start: first as u32,
            render_targets: targets,
            uavs: self.shadow.uavs.get(first..end).unwrap_or_default(),
        });
        // A counter is set once, not again with the next call that keeps the view.
        self.shadow.uavs.iter_mut().for_each(|uav| uav.initial_count = KEEP_COUNT);
        result
    }

    /// `CsSetUnorderedAccessViews`.
    ///
    /// # Errors
    /// As [`Device::set_shader`].
    pub fn set_compute_uavs(
        &mut self,
        start_slot: u32,
        uavs: impl ExactSizeIterator<Item = UavBinding>,
    ) -> Result<(), Error> {
        let slots = range(&mut self.shadow.compute_uavs, start_slot, uavs.len())?;
        shadow::store(slots, uavs);
        self.context.emit(&SetComputeUavs { start_slot, reserved: 0, uavs: slots })
    }

    /// `SoSetTargets`: the buffers from slot 0; slots after them are unbound. An offset of `u32::MAX` appends.
    ///
    /// # Errors
    /// As [`Device::set_shader`].
    pub fn set_stream_output_targets(
        &mut self,
        targets: impl Iterator<Item = StreamOutputTarget>,
    ) -> Result<(), Error> {
        let mut slots = [StreamOutputTarget { buffer: NONE, offset: 0 }; STREAM_OUTPUT_SLOTS];
        shadow::store(&mut slots, targets);
        let used = slots.iter().rposition(|target| target.buffer != NONE).map_or(0, |last| last + 1);
        if used == 0 && !self.shadow.so_bound {
            return Ok(());
        }
        self.shadow.so_bound = used != 0;
        self.context.emit(&SetStreamOutputTargets { targets: slots.get(..used).unwrap_or_default() })
    }

    /// `SetViewports`.
    ///
    /// # Errors
    /// As [`Device::set_shader`].
    pub fn set_viewports(&mut self, viewports: &[D3D10_DDI_VIEWPORT]) -> Result<(), Error> {
        let slots = range(&mut self.shadow.viewports, 0, viewports.len())?;
        shadow::store(slots, viewports.iter().map(map_viewport));
        self.context.emit(&SetViewports { viewports: slots })
    }

    /// `SetScissorRects`.
    ///
    /// # Errors
    /// As [`Device::set_shader`].
    pub fn set_scissor_rects(&mut self, rects: &[D3D10_DDI_RECT]) -> Result<(), Error> {
        let slots = range(&mut self.shadow.rects, 0, rects.len())?;
        shadow::store(slots, rects.iter().map(map_rect));
        self.context.emit(&SetScissorRects { rects: slots })
    }
}

fn map_viewport(viewport: &D3D10_DDI_VIEWPORT) -> Viewport {
    Viewport {
        top_left_x: finite(viewport.TopLeftX),
        top_left_y: finite(viewport.TopLeftY),
        width: finite(viewport.Width),
        height: finite(viewport.Height),
        min_depth: finite(viewport.MinDepth),
        max_depth: finite(viewport.MaxDepth),
    }
}

fn map_rect(rect: &D3D10_DDI_RECT) -> Rect {
    Rect { left: rect.left, top: rect.top, right: rect.right, bottom: rect.bottom }
}
