//! What is bound in the context, as far as the driver remembers it.
//!
//! It serves two ends: lists of bindings are encoded straight from here without a copy on the stack, and bindings that do not
//! change anything are not sent again.

use pvgpu_protocol::command::{
    ConstantBufferBinding, NONE, Rect, SetPredication, UavBinding, VertexBufferBinding, Viewport, stage,
};
use pvgpu_protocol::limits::{
    CONSTANT_BUFFER_SLOTS, SAMPLER_SLOTS, SHADER_RESOURCE_SLOTS, UAV_SLOTS, VERTEX_BUFFER_SLOTS, VIEWPORTS,
};

/// A number that no object has: what is bound here is not known, so the next binding is sent whatever it is.
pub const UNKNOWN: u32 = NONE - 1;
/// [`UavBinding::initial_count`] that keeps the counter.
pub const KEEP_COUNT: u32 = u32::MAX;

/// The bindings of one shader stage.
#[derive(Debug)]
pub struct Stage {
    /// The shader.
    pub shader: u32,
    /// Constant buffers.
    pub constant_buffers: [ConstantBufferBinding; CONSTANT_BUFFER_SLOTS],
    /// Shader-resource views.
    pub views: [u32; SHADER_RESOURCE_SLOTS],
    /// Samplers.
    pub samplers: [u32; SAMPLER_SLOTS],
}

/// All bindings.
#[derive(Debug)]
pub struct Shadow {
    /// By [`stage`].
    pub stages: [Stage; stage::COUNT],
    /// Vertex buffers.
    pub vertex_buffers: [VertexBufferBinding; VERTEX_BUFFER_SLOTS],
    /// Index buffer, format, offset.
    pub index_buffer: (u32, u32, u32),
    /// Vertex layout.
    pub layout: u32,
    /// Topology.
    pub topology: u32,
    /// Blend state, sample mask, bits of the blend factor.
    pub blend: (u32, u32, [u32; 4]),
    /// Depth-stencil state, stencil reference.
    pub depth_stencil: (u32, u32),
    /// Rasterizer state.
    pub rasterizer: u32,
    /// Unordered-access views of the graphics stages.
    pub uavs: [UavBinding; UAV_SLOTS],
    /// Whether a stream-output buffer is bound.
    pub so_bound: bool,
    /// The predicate that is set.
    pub predicate: Option<SetPredication>,
    /// Scratch for the render targets of one call.
    pub render_targets: [u32; pvgpu_protocol::limits::RENDER_TARGETS],
    /// Scratch for the compute stage's unordered-access views of one call.
    pub compute_uavs: [UavBinding; UAV_SLOTS],
    /// Scratch for the viewports of one call.
    pub viewports: [Viewport; VIEWPORTS],
    /// Scratch for the scissor rectangles of one call.
    pub rects: [Rect; VIEWPORTS],
}

impl Default for Shadow {
    fn default() -> Self {
        let no_uav = UavBinding { view: NONE, initial_count: KEEP_COUNT };
        Self {
            stages: core::array::from_fn(|_| Stage {
                shader: UNKNOWN,
                constant_buffers: [ConstantBufferBinding {
                    buffer: UNKNOWN,
                    first_constant: 0,
                    num_constants: 0,
                }; CONSTANT_BUFFER_SLOTS],
                views: [UNKNOWN; SHADER_RESOURCE_SLOTS],
                samplers: [UNKNOWN; SAMPLER_SLOTS],
            }),
            vertex_buffers: [VertexBufferBinding { buffer: UNKNOWN, stride: 0, offset: 0 };
                VERTEX_BUFFER_SLOTS],
            index_buffer: (UNKNOWN, 0, 0),
            layout: UNKNOWN,
            topology: UNKNOWN,
            blend: (UNKNOWN, 0, [0; 4]),
            depth_stencil: (UNKNOWN, 0),
            rasterizer: UNKNOWN,
            uavs: [no_uav; UAV_SLOTS],
            so_bound: false,
            predicate: None,
            render_targets: [NONE; _],
            compute_uavs: [no_uav; UAV_SLOTS],
            viewports: [Viewport::default(); VIEWPORTS],
            rects: [Rect::default(); VIEWPORTS],
        }
    }
}

impl Shadow {
    /// Forgets a destroyed object, whose number may soon be another's.
    pub fn forget(&mut self, id: u32) {
        let forget = |slot: &mut u32| {
            if *slot == id {
                *slot = UNKNOWN;
            }
        };
        for stage in &mut self.stages {
            forget(&mut stage.shader);
            stage.constant_buffers.iter_mut().for_each(|binding| forget(&mut binding.buffer));
            stage.views.iter_mut().for_each(forget);
            stage.samplers.iter_mut().for_each(forget);
        }
        self.vertex_buffers.iter_mut().for_each(|binding| forget(&mut binding.buffer));
        forget(&mut self.index_buffer.0);
        forget(&mut self.layout);
        forget(&mut self.blend.0);
        forget(&mut self.depth_stencil.0);
        forget(&mut self.rasterizer);
        self.predicate = self.predicate.filter(|predicate| predicate.query != id);
        for uav in &mut self.uavs {
            if uav.view == id {
                uav.view = NONE;
            }
        }
    }
}

/// Stores `values` into `slots`; tells whether that changed any.
#[inline(always)]
pub fn store<T: PartialEq>(slots: &mut [T], values: impl Iterator<Item = T>) -> bool {
    let mut changed = false;
    for (slot, value) in slots.iter_mut().zip(values) {
        changed |= *slot != value;
        *slot = value;
    }
    changed
}
