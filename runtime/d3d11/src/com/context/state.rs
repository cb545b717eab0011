//! What is bound in a context.
//!
//! Each kind of slot keeps the bound object (held by the runtime, see `object`) beside the driver's handle, so that a range
//! of slots goes to the driver as it stands here. Null means "nothing" for both.

use core::ffi::c_void;
use core::ptr::{self, NonNull};

use pvgpu_umd_ddi::{D3D10_DDI_RECT, D3D10_DDI_VIEWPORT};

use super::super::linkage::ClassInstance;
use super::super::object::{Class, Com, Keep};
use super::super::query::Query;
use super::super::resource::Resource;
use super::super::shader::{InputLayout, Shader};
use super::super::state_object::StateObject;
use super::super::view::View;
use super::hazard::Census;

/// `D3D11_COMMONSHADER_CONSTANT_BUFFER_API_SLOT_COUNT`.
pub const CONSTANT_BUFFERS: usize = 14;
/// `D3D11_COMMONSHADER_INPUT_RESOURCE_SLOT_COUNT`.
pub const SHADER_RESOURCES: usize = 128;
/// `D3D11_COMMONSHADER_SAMPLER_SLOT_COUNT`.
pub const SAMPLERS: usize = 16;
/// `D3D11_IA_VERTEX_INPUT_RESOURCE_SLOT_COUNT`.
pub const VERTEX_BUFFERS: usize = 32;
/// `D3D11_SIMULTANEOUS_RENDER_TARGET_COUNT`.
pub const RENDER_TARGETS: usize = 8;
/// `D3D11_1_UAV_SLOT_COUNT`.
pub const UAVS: usize = 64;
/// `D3D11_VIEWPORT_AND_SCISSORRECT_OBJECT_COUNT_PER_PIPELINE`.
pub const VIEWPORTS: usize = 16;
/// `D3D11_SO_BUFFER_SLOT_COUNT`.
pub const SO_TARGETS: usize = 4;
/// Constants of a whole constant buffer, what `*GetConstantBuffers1` reports for a buffer bound without a window.
pub const WHOLE_BUFFER: (u32, u32) = (0, 4096);
/// `D3D11_DEFAULT_SAMPLE_MASK`.
const ALL_SAMPLES: u32 = u32::MAX;

/// One slot: an object that the runtime holds.
pub struct Slot<T: Class>(Option<NonNull<Com<T>>>);

impl<T: Class> Slot<T> {
    const EMPTY: Self = Self(None);

    /// The bound object.
    #[inline]
    pub fn get(&self) -> Option<&Com<T>> {
        // SAFETY: a slot holds its object.
        self.0.map(|object| unsafe { object.as_ref() })
    }

    /// The bound object's driver handle.
    #[inline]
    pub fn handle(&self) -> *mut c_void {
        self.get().map_or(ptr::null_mut(), Com::handle)
    }

    /// Binds another object; whether that changed anything.
    #[inline]
    pub fn set(&mut self, object: Option<&Com<T>>, graves: &mut impl Keep) -> bool {
        let new = object.map(NonNull::from);
        if self.0 == new {
            return false;
        }
        let old = core::mem::replace(&mut self.0, new);
        if let Some(new) = object {
            graves.hold(new);
        }
        if let Some(old) = old {
            // SAFETY: the slot held it until now, so it is alive until the graves are emptied.
            graves.unhold(unsafe { old.as_ref() });
        }
        true
    }

    /// A public reference for a `*Get*` function, null for an empty slot.
    #[inline]
    pub fn hand_out(&self) -> *mut c_void {
        self.get().map_or(ptr::null_mut(), Com::hand_out)
    }
}

impl<T: Class> Default for Slot<T> {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// A row of slots and the driver's handles of it.
pub struct Slots<T: Class, const N: usize> {
    slots: [Slot<T>; N],
    handles: [*mut c_void; N],
}

impl<T: Class, const N: usize> Default for Slots<T, N> {
    fn default() -> Self {
        Self { slots: [const { Slot::EMPTY }; N], handles: [ptr::null_mut(); N] }
    }
}

impl<T: Class, const N: usize> Slots<T, N> {
    /// The object in a slot; nothing beyond the last slot.
    #[inline]
    pub fn get(&self, slot: usize) -> Option<&Com<T>> {
        self.slots.get(slot)?.get()
    }

    /// Binds an object; whether that changed anything. Slots beyond the last do not exist.
    #[inline]
    pub fn set(&mut self, slot: usize, object: Option<&Com<T>>, graves: &mut impl Keep) -> bool {
        let (Some(place), Some(handle)) = (self.slots.get_mut(slot), self.handles.get_mut(slot)) else {
            return false;
        };
        *handle = object.map_or(ptr::null_mut(), Com::handle);
        place.set(object, graves)
    }

    /// The handles of `range`.
    #[inline]
    pub fn handles(&self, range: Changed) -> &[*mut c_void] {
        self.handles.get(range.first..range.end).unwrap_or_default()
    }

    /// All slots, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Slot<T>> {
        self.slots.iter()
    }

    /// The bound objects.
    pub fn objects(&self) -> impl Iterator<Item = &Com<T>> {
        self.slots.iter().filter_map(Slot::get)
    }

    /// One more than the last slot with something in it.
    pub fn used(&self) -> usize {
        self.slots.iter().rposition(|slot| slot.0.is_some()).map_or(0, |last| last + 1)
    }

    /// A public reference of a slot's object, null for an empty slot or none.
    pub fn hand_out(&self, slot: usize) -> *mut c_void {
        self.slots.get(slot).map_or(ptr::null_mut(), Slot::hand_out)
    }
}

/// The slots that a call changed: one range, as the driver takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The first changed slot.
    pub first: usize,
    /// One more than the last.
    pub end: usize,
}

impl Changed {
    /// Nothing yet.
    pub const NOTHING: Self = Self { first: usize::MAX, end: 0 };

    /// Adds a slot.
    #[inline]
    pub fn add(&mut self, slot: usize) {
        self.first = self.first.min(slot);
        self.end = self.end.max(slot + 1);
    }

    /// Whether there is nothing in it.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.first >= self.end
    }
}

/// What one shader stage has bound.
#[derive(Default)]
pub struct StageState {
    /// The shader.
    pub shader: Slot<Shader>,
    /// The class instances that it is bound with.
    pub instances: Vec<Slot<ClassInstance>>,
    /// Constant buffers.
    pub constant_buffers: Slots<Resource, CONSTANT_BUFFERS>,
    /// First constant and number of constants of each.
    pub firsts: [u32; CONSTANT_BUFFERS],
    /// Number of constants of each; 0 for an empty slot.
    pub counts: [u32; CONSTANT_BUFFERS],
    /// Shader resources.
    pub shader_resources: Slots<View, SHADER_RESOURCES>,
    /// Samplers.
    pub samplers: Slots<StateObject, SAMPLERS>,
}

/// Everything that is bound.
pub struct State {
    /// By [`Stage`](super::super::driver::Stage).
    pub stages: [StageState; 6],
    /// Input layout.
    pub input_layout: Slot<InputLayout>,
    /// Vertex buffers.
    pub vertex_buffers: Slots<Resource, VERTEX_BUFFERS>,
    /// Bytes from vertex to vertex, by slot.
    pub strides: [u32; VERTEX_BUFFERS],
    /// Bytes to the first vertex, by slot.
    pub offsets: [u32; VERTEX_BUFFERS],
    /// Index buffer.
    pub index_buffer: Slot<Resource>,
    /// `DXGI_FORMAT` of the indices.
    pub index_format: u32,
    /// Bytes to the first index.
    pub index_offset: u32,
    /// `D3D11_PRIMITIVE_TOPOLOGY`.
    pub topology: u32,
    /// Stream-output targets.
    pub so_targets: Slots<Resource, SO_TARGETS>,
    /// Render targets.
    pub render_targets: Slots<View, RENDER_TARGETS>,
    /// Depth-stencil target.
    pub depth_stencil: Slot<View>,
    /// The output merger's unordered-access views.
    pub uavs: Slots<View, UAVS>,
    /// The compute stage's unordered-access views.
    pub compute_uavs: Slots<View, UAVS>,
    /// Blend state; empty for the default.
    pub blend: Slot<StateObject>,
    /// Blend factor.
    pub blend_factor: [f32; 4],
    /// Sample mask.
    pub sample_mask: u32,
    /// Depth-stencil state; empty for the default.
    pub depth_state: Slot<StateObject>,
    /// Stencil reference.
    pub stencil_ref: u32,
    /// Rasterizer state; empty for the default.
    pub rasterizer: Slot<StateObject>,
    /// Viewports, the first `viewport_count` of them.
    pub viewports: [D3D10_DDI_VIEWPORT; VIEWPORTS],
    /// How many are set.
    pub viewport_count: usize,
    /// Scissor rectangles, the first `scissor_count` of them.
    pub scissors: [D3D10_DDI_RECT; VIEWPORTS],
    /// How many are set.
    pub scissor_count: usize,
    /// The predicate.
    pub predicate: Slot<Query>,
    /// The value at which drawing is left out.
    pub predicate_value: i32,
    /// Bindings as a target: render target, depth, unordered access, stream output.
    pub outputs: Census,
    /// Bindings as shader resource, of resources that could be targets too.
    pub inputs: Census,
}

impl Default for State {
    fn default() -> Self {
        Self {
            stages: Default::default(),
            input_layout: Slot::EMPTY,
            vertex_buffers: Slots::default(),
            strides: [0; VERTEX_BUFFERS],
            offsets: [0; VERTEX_BUFFERS],
            index_buffer: Slot::EMPTY,
            index_format: 0,
            index_offset: 0,
            topology: 0,
            so_targets: Slots::default(),
            render_targets: Slots::default(),
            depth_stencil: Slot::EMPTY,
            uavs: Slots::default(),
            compute_uavs: Slots::default(),
            blend: Slot::EMPTY,
            blend_factor: [1.0; 4],
            sample_mask: ALL_SAMPLES,
            depth_state: Slot::EMPTY,
            stencil_ref: 0,
            rasterizer: Slot::EMPTY,
            viewports: [D3D10_DDI_VIEWPORT::default(); VIEWPORTS],
            viewport_count: 0,
            scissors: [D3D10_DDI_RECT::default(); VIEWPORTS],
            scissor_count: 0,
            predicate: Slot::EMPTY,
            predicate_value: 0,
            outputs: Census::default(),
            inputs: Census::default(),
        }
    }
}
