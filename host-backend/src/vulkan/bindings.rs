//! What is bound in a context, and which of it the command buffer does not know yet.

use std::ops::{BitOr, BitOrAssign, Range};
use std::rc::Rc;

use pvgpu_protocol::command::{Rect, Viewport, stage};
use pvgpu_protocol::limits::{
    CONSTANT_BUFFER_SLOTS, RENDER_TARGETS, SAMPLER_SLOTS, SHADER_RESOURCE_SLOTS, UAV_SLOTS,
    VERTEX_BUFFER_SLOTS,
};

use super::feedback::SO_SLOTS;
use super::resource::Buffer;
use super::shader::Shader;
use super::state::{BlendState, ElementLayout, Sampler, default_depth_stencil, default_rasterizer};
use super::view::View;
use crate::ops::{DepthStencilState, RasterizerState};

/// Parts of the state, a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dirty(u32);

impl Dirty {
    pub const ALL: Self = Self(u32::MAX);
    /// What the graphics pipeline is made of.
    pub const PIPELINE: Self = Self(1 << 0);
    pub const DESCRIPTORS: Self = Self(1 << 1);
    pub const COMPUTE: Self = Self(1 << 2);
    pub const VERTEX_BUFFERS: Self = Self(1 << 3);
    pub const INDEX_BUFFER: Self = Self(1 << 4);
    pub const VIEWPORTS: Self = Self(1 << 5);
    pub const BLEND_FACTOR: Self = Self(1 << 6);
    pub const DEPTH: Self = Self(1 << 7);
    pub const RASTERIZER: Self = Self(1 << 8);
    pub const TOPOLOGY: Self = Self(1 << 9);
    /// The graphics pipeline is not bound in the command buffer.
    pub const BIND_PIPELINE: Self = Self(1 << 10);
    /// All vertex buffers, not only those that were noted; never without the other bit.
    const ALL_VERTEX_BUFFERS: Self = Self(1 << 11);
    /// What changes with few draws.
    pub const SELDOM: Self = Self(
        Self::BIND_PIPELINE.0
            | Self::TOPOLOGY.0
            | Self::VIEWPORTS.0
            | Self::BLEND_FACTOR.0
            | Self::DEPTH.0
            | Self::RASTERIZER.0,
    );

    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub fn clear(&mut self, other: Self) {
        self.0 &= !other.0;
    }

    /// Whether parts were dirty; they no longer are.
    pub fn take(&mut self, other: Self) -> bool {
        let was = self.has(other);
        self.clear(other);
        was
    }
}

impl BitOr for Dirty {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Dirty {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// A constant buffer, or a part of one.
pub struct ConstantBuffer {
    pub buffer: Rc<Buffer>,
    pub first_constant: u32,
    pub num_constants: u32,
}

/// A vertex buffer.
pub struct VertexBuffer {
    pub buffer: Rc<Buffer>,
    pub stride: u32,
    pub offset: u32,
}

impl VertexBuffer {
    /// Whether attributes of an alignment can be fetched: misaligned ones are undefined in D3D11 as in Vulkan. 0 is for a slot without
    /// attributes, which the inputs that have none are read from: nothing may be bound there.
    pub fn can_be_fetched(&self, alignment: u32) -> bool {
        alignment != 0 && (self.offset | self.stride).is_multiple_of(alignment)
    }
}

/// The index buffer.
pub struct IndexBuffer {
    pub buffer: Rc<Buffer>,
    /// 2 or 4.
    pub index_bytes: u32,
    pub offset: u32,
}

/// What is bound to one stage.
pub struct StageBindings {
    pub shader: Option<Rc<Shader>>,
    pub constant_buffers: [Option<ConstantBuffer>; CONSTANT_BUFFER_SLOTS],
    resources: Vec<Option<Rc<View>>>,
    /// Slots of resources whose texels no sampler may filter: bit n is slot n.
    pub unfiltered: u128,
    pub samplers: [Option<Rc<Sampler>>; SAMPLER_SLOTS],
}

impl StageBindings {
    fn new() -> Self {
        Self {
            shader: None,
            constant_buffers: [const { None }; CONSTANT_BUFFER_SLOTS],
            resources: vec![None; SHADER_RESOURCE_SLOTS],
            unfiltered: 0,
            samplers: [const { None }; SAMPLER_SLOTS],
        }
    }

    /// The shader resource in a slot.
    #[inline]
    pub fn resource(&self, slot: usize) -> Option<&Rc<View>> {
        self.resources.get(slot)?.as_ref()
    }

    /// Puts a shader resource into a slot.
    pub fn set_resource(&mut self, slot: usize, view: Option<Rc<View>>) {
        let Some(place) = self.resources.get_mut(slot) else { return };
        // CAST: below the number of slots, 128.
        let bit = 1u128.checked_shl(slot as u32).unwrap_or(0);
        let filtered = view.as_ref().is_none_or(|view| view.filtered);
        self.unfiltered = if filtered { self.unfiltered & !bit } else { self.unfiltered | bit };
        *place = view;
    }
}

/// Everything that is bound.
pub struct Bindings {
    pub stages: [StageBindings; stage::COUNT],
    pub graphics_uavs: Vec<Option<Rc<View>>>,
    pub compute_uavs: Vec<Option<Rc<View>>>,
    pub vertex_buffers: [Option<VertexBuffer>; VERTEX_BUFFER_SLOTS],
    pub index_buffer: Option<IndexBuffer>,
    pub so_targets: [Option<Rc<Buffer>>; SO_SLOTS],
    pub layout: Option<Rc<ElementLayout>>,
    pub topology: u32,
    pub render_targets: [Option<Rc<View>>; RENDER_TARGETS],
    pub depth_stencil: Option<Rc<View>>,
    pub viewports: Vec<Viewport>,
    pub scissors: Vec<Rect>,
    pub blend: Rc<BlendState>,
    pub blend_factor: [f32; 4],
    pub sample_mask: u32,
    pub depth: DepthStencilState,
    pub stencil_ref: u32,
    pub rasterizer: RasterizerState,
    pub dirty: Dirty,
    /// The vertex buffers that the command buffer does not know.
    vertex_changes: Range<usize>,
    /// Slots, a bit each, whose vertices overlap: attributes reach beyond the stride, which Vulkan does not take as dynamic state.
    overlapping: u32,
    /// The pipeline has the strides.
    pub fixed_strides: bool,
}

impl Bindings {
    /// D3D11's initial state.
    pub fn new(blend: Rc<BlendState>) -> Self {
        Self {
            stages: std::array::from_fn(|_| StageBindings::new()),
            graphics_uavs: vec![None; UAV_SLOTS],
            compute_uavs: vec![None; UAV_SLOTS],
            vertex_buffers: [const { None }; VERTEX_BUFFER_SLOTS],
            index_buffer: None,
            so_targets: [const { None }; SO_SLOTS],
            layout: None,
            topology: 0,
            render_targets: [const { None }; RENDER_TARGETS],
            depth_stencil: None,
            viewports: Vec::new(),
            scissors: Vec::new(),
            blend,
            blend_factor: [1.0; 4],
            sample_mask: u32::MAX,
            depth: default_depth_stencil(),
            stencil_ref: 0,
            rasterizer: default_rasterizer(),
            dirty: Dirty::ALL,
            vertex_changes: 0..0,
            overlapping: 0,
            fixed_strides: false,
        }
    }

    /// Sets the targets. A subresource is a target once: D3D11 takes no second, and to Vulkan its contents would be undefined.
    pub fn set_targets(
        &mut self,
        mut targets: [Option<Rc<View>>; RENDER_TARGETS],
        depth_stencil: Option<Rc<View>>,
    ) {
        for index in 1..RENDER_TARGETS {
            let (before, rest) = targets.split_at_mut(index);
            if let Some(slot) = rest.first_mut()
                && slot.as_ref().is_some_and(|view| before.iter().flatten().any(|other| other.overlaps(view)))
            {
                *slot = None;
            }
        }
        let count = |views: &Self, up: bool| {
            for view in views.render_targets.iter().chain([&views.depth_stencil]).flatten() {
                view.count_as_target(up);
            }
        };
        count(self, false);
        self.render_targets = targets;
        self.depth_stencil = depth_stencil;
        count(self, true);
    }

    /// Whether shaders may not see what a view shows because it is rendered to. D3D11 unbinds such views.
    #[inline]
    pub fn is_rendered_to(&self, view: &View) -> bool {
        view.may_be_target() && self.find_target(view)
    }

    fn find_target(&self, view: &View) -> bool {
        self.render_targets.iter().flatten().any(|target| target.overlaps(view))
            || self
                .depth_stencil
                .as_ref()
                .is_some_and(|target| target.overlaps(view) && !target.only_reads(view))
    }

    /// Sets the vertex layout. What was misaligned for the one before may be aligned for this one, and the other way.
    pub fn set_layout(&mut self, layout: Option<Rc<ElementLayout>>) {
        let none = [0; VERTEX_BUFFER_SLOTS];
        let alignments =
            |layout: &Option<Rc<ElementLayout>>| layout.as_ref().map_or(none, |layout| layout.alignments);
        let (before, now) = (alignments(&self.layout), alignments(&layout));
        for (slot, (before, now)) in before.into_iter().zip(now).enumerate() {
            let Some(Some(bound)) = self.vertex_buffers.get(slot) else { continue };
            if before != now && bound.can_be_fetched(before) != bound.can_be_fetched(now) {
                self.note_vertex_changes(slot..slot + 1);
            }
        }
        self.layout = layout;
        self.find_overlaps(0..VERTEX_BUFFER_SLOTS);
    }

    /// Finds out in which slots vertices overlap; the pipeline changes with the strides then.
    pub fn find_overlaps(&mut self, slots: Range<usize>) {
        let before = self.overlapping;
        for slot in slots {
            let of = |list: &[u32; VERTEX_BUFFER_SLOTS]| list.get(slot).copied();
            let layout = self.layout.as_ref();
            let extent = layout.and_then(|layout| of(&layout.extents)).unwrap_or(0);
            let alignment = layout.and_then(|layout| of(&layout.alignments)).unwrap_or(0);
            let bound = self.vertex_buffers.get(slot).and_then(Option::as_ref);
            let overlaps = bound.is_some_and(|bound| {
                bound.stride != 0 && bound.stride < extent && bound.can_be_fetched(alignment)
            });
            let bit = 1u32.checked_shl(slot as u32).unwrap_or(0);
            self.overlapping = if overlaps { self.overlapping | bit } else { self.overlapping & !bit };
        }
        if before != 0 || self.overlapping != 0 {
            self.dirty |= Dirty::PIPELINE;
        }
    }

    /// The strides, where the pipeline must have them.
    pub fn strides(&self) -> Option<[u32; VERTEX_BUFFER_SLOTS]> {
        if self.overlapping == 0 {
            return None;
        }
        let alignments = self.layout.as_ref().map_or([0; VERTEX_BUFFER_SLOTS], |layout| layout.alignments);
        let mut strides = [0; VERTEX_BUFFER_SLOTS];
        for ((stride, bound), alignment) in strides.iter_mut().zip(&self.vertex_buffers).zip(alignments) {
            // The validation layer (1.3.239) stops at misaligned strides of what is not bound, and tracks what lies behind it.
            let fetched = bound.as_ref().filter(|bound| {
                bound.can_be_fetched(alignment) && u64::from(bound.offset) < bound.buffer.size()
            });
            *stride = fetched.map_or(0, |bound| bound.stride);
        }
        Some(strides)
    }

    /// Whether the pipeline that comes next has the strides. All vertex buffers are bound anew where the one before had not, or had.
    pub fn set_fixed_strides(&mut self, fixed: bool) {
        if self.fixed_strides != fixed {
            self.fixed_strides = fixed;
            self.dirty |= Dirty::VERTEX_BUFFERS | Dirty::ALL_VERTEX_BUFFERS;
        }
    }

    /// Notes that vertex buffers have changed.
    pub fn note_vertex_changes(&mut self, slots: Range<usize>) {
        let known = &mut self.vertex_changes;
        *known = if known.start >= known.end {
            slots
        } else {
            known.start.min(slots.start)..known.end.max(slots.end)
        };
        self.dirty |= Dirty::VERTEX_BUFFERS;
    }

    /// The vertex buffers that the command buffer does not know, if `dirty` says so.
    pub fn vertex_changes(&self) -> Range<usize> {
        if self.dirty.has(Dirty::ALL_VERTEX_BUFFERS) {
            0..VERTEX_BUFFER_SLOTS
        } else {
            self.vertex_changes.clone()
        }
    }

    /// The command buffer knows all vertex buffers.
    pub fn forget_vertex_changes(&mut self) {
        self.vertex_changes = 0..0;
        self.dirty.clear(Dirty::VERTEX_BUFFERS | Dirty::ALL_VERTEX_BUFFERS);
    }

    /// A stage's bindings; the decoder has checked the number.
    pub fn stage(&self, stage: u32) -> Option<&StageBindings> {
        self.stages.get(stage as usize)
    }

    /// The shader of a stage.
    pub fn shader(&self, stage: u32) -> Option<&Rc<Shader>> {
        self.stage(stage)?.shader.as_ref()
    }

    /// Which descriptors a stage's bindings belong to.
    pub const fn descriptors_of(stage: u32) -> Dirty {
        if stage == stage::COMPUTE { Dirty::COMPUTE } else { Dirty::DESCRIPTORS }
    }
}
