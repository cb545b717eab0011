//! The decoder: turns the records of one context's ring into validated operations, or into a fault.
//!
//! Total and without `unsafe`: any words give an operation or a [`Fault`], never a panic. It keeps a description of each
//! object, enough to check every later use, and knows which parts of the heap the context may name. It does not know
//! Vulkan; what the host's GPU can do comes in as [`HostCaps`].

#![forbid(unsafe_code)]

mod bind;
mod draw;
mod grants;
mod quota;
mod resource;
mod shader;
mod share;
mod state;
mod tap;
mod tiled;
mod transfer;
mod view;

use std::rc::Rc;

use pvgpu_protocol::CommandRef;
use pvgpu_protocol::command::{self, HeapRange};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::host_info::FormatSupport;
use pvgpu_protocol::limits::MAX_OBJECTS;

use crate::fault::Fault;
use crate::memory::Heap;
use crate::ops::{Backend, Op, ResourceDesc, ViewDesc};
use crate::record::ContextTap;
use crate::slots::Slots;

pub use grants::Grants;
pub use quota::Quota;
pub use view::FLAG_RAW;

/// What the host's GPU can do, as far as commands are checked against it.
pub struct HostCaps {
    /// By `DXGI_FORMAT`.
    pub formats: Vec<FormatSupport>,
    /// Whether there are tiled resources.
    pub tiled: bool,
}

impl HostCaps {
    /// A format's support; nothing for formats that nobody knows.
    pub fn format(&self, format: u32) -> FormatSupport {
        self.formats.get(format as usize).copied().unwrap_or_default()
    }
}

/// What the decoder remembers of an object.
enum Object {
    Resource(Rc<ResourceDesc>),
    TilePool { tiles: u32 },
    View(Box<ViewObject>),
    Query { kind: u32, begun: bool, slot: HeapRange },
    Shader { stage: u32, bytes: u64 },
    ElementLayout,
    BlendState,
    DepthStencilState,
    RasterizerState,
    Sampler,
}

impl Object {
    fn kind(&self) -> &'static str {
        match self {
            Self::Resource(_) => "a resource",
            Self::TilePool { .. } => "a tile pool",
            Self::View(_) => "a view",
            Self::Query { .. } => "a query",
            Self::Shader { .. } => "a shader",
            Self::ElementLayout => "an element layout",
            Self::BlendState => "a blend state",
            Self::DepthStencilState => "a depth-stencil state",
            Self::RasterizerState => "a rasterizer state",
            Self::Sampler => "a sampler",
        }
    }
}

impl Object {
    /// Bytes of its tokens, for shaders.
    fn shader_bytes(&self) -> u64 {
        match self {
            Self::Shader { bytes, .. } => *bytes,
            _ => 0,
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.quota.remove(self.objects.count(), self.shader_bytes);
    }
}

struct ViewObject {
    desc: ViewDesc,
    resource: Rc<ResourceDesc>,
}

/// What the worker must do after a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Go on with the next record.
    Continue,
    /// Complete the fence once everything before has executed.
    Fence(u64),
    /// Hold the ring until the gate is open.
    Gate(u64),
    /// Hold the ring until another context's fence has reached a value.
    WaitFence {
        /// Whose fence.
        context: u32,
        /// The value.
        value: u64,
    },
    /// Hold the ring at this record until a context shares what it opens, and then decode it again.
    AwaitShare,
}

/// The decoder of one context.
pub struct Decoder {
    caps: Rc<HostCaps>,
    heap: Heap,
    objects: Slots<Object>,
    /// Which heap ranges the context may name; ring 0 changes them.
    pub grants: Grants,
    /// Told what records read of the heap, while they are recorded.
    pub tap: Option<ContextTap>,
    /// What this context's objects count against; ring 0 has all contexts of a guest share one.
    pub quota: Rc<Quota>,
    /// Of all shaders.
    shader_bytes: u64,
    /// Behind a pointer, so that it is cheap to take out for a moment.
    scratch: Option<Box<bind::Scratch>>,
    last_fence: u64,
    last_gate: u64,
}

impl Decoder {
    /// A decoder for a context without objects and grants.
    pub fn new(caps: Rc<HostCaps>, heap: Heap) -> Self {
        Self {
            caps,
            heap,
            objects: Slots::new(MAX_OBJECTS),
            grants: Grants::default(),
            tap: None,
            quota: Rc::default(),
            shader_bytes: 0,
            scratch: None,
            last_fence: 0,
            last_gate: 0,
        }
    }

    /// How many objects are alive.
    pub fn object_count(&self) -> u32 {
        self.objects.count()
    }

    /// Decodes one record, checks it, and has the backend execute it.
    ///
    /// # Errors
    /// The [`Fault`] that poisons the context.
    pub fn step(&mut self, words: &[u64], backend: &mut impl Backend) -> Result<Step, Fault> {
        let command =
            command::decode(words).map_err(|error| Fault::new(error_code::MALFORMED, error.to_string()))?;
        match command {
            CommandRef::Fence(fence) => {
                let value = fence.value.to_native();
                if value <= self.last_fence {
                    return Err(Fault::argument(format!("fence {value} after fence {}", self.last_fence)));
                }
                self.last_fence = value;
                Ok(Step::Fence(value))
            }
            CommandRef::Gate(gate) => {
                let number = gate.number.to_native();
                if number <= self.last_gate {
                    return Err(Fault::argument(format!("gate {number} after gate {}", self.last_gate)));
                }
                self.last_gate = number;
                Ok(Step::Gate(number))
            }
            CommandRef::WaitFence(wait) => {
                Ok(Step::WaitFence { context: wait.context.to_native(), value: wait.value.to_native() })
            }
            CommandRef::OpenSharedResource(c) => self.open_shared_resource(c, backend),
            CommandRef::TryOpenSharedResource(c) => self.try_open_shared_resource(c, backend),
            CommandRef::CreateContext(_)
            | CommandRef::DestroyContext(_)
            | CommandRef::GrantHeap(_)
            | CommandRef::RevokeHeap(_)
            | CommandRef::OpenGate(_)
            | CommandRef::BlitHeap(_)
            | CommandRef::FillHeap(_)
            | CommandRef::SetScanout(_)
            | CommandRef::SetPointerShape(_)
            | CommandRef::SetPointerPosition(_) => Err(Fault::new(
                error_code::NOT_ALLOWED,
                format!("{} is the kernel-mode driver's, on ring 0", command.name()),
            )),
            other => self.operation(other, backend).map(|()| Step::Continue),
        }
    }

    /// Checks and executes a command that becomes an operation.
    fn operation(&mut self, command: CommandRef<'_>, backend: &mut impl Backend) -> Result<(), Fault> {
        match command {
            CommandRef::CreateResource(c) => self.create_resource(c, backend),
            CommandRef::DestroyObject(c) => self.destroy_object(c.id.to_native(), backend),
            CommandRef::ShareResource(c) => self.share_resource(c, backend),
            CommandRef::CreateView(c) => self.create_view(c, backend),
            CommandRef::CreateQuery(c) => self.create_query(c, backend),
            CommandRef::CreateShader(c) => self.create_shader(c, backend),
            CommandRef::CreateElementLayout(c) => self.create_element_layout(c, backend),
            CommandRef::CreateBlendState(c) => self.create_blend_state(c, backend),
            CommandRef::CreateDepthStencilState(c) => self.create_depth_stencil_state(c, backend),
            CommandRef::CreateRasterizerState(c) => self.create_rasterizer_state(c, backend),
            CommandRef::CreateSampler(c) => self.create_sampler(c, backend),
            CommandRef::SetVertexBuffers(c) => self.set_vertex_buffers(c, backend),
            CommandRef::SetIndexBuffer(c) => self.set_index_buffer(c, backend),
            CommandRef::SetInputLayout(c) => self.set_input_layout(c.layout.to_native(), backend),
            CommandRef::SetTopology(c) => self.set_topology(c.topology.to_native(), backend),
            CommandRef::SetShader(c) => self.set_shader(c.stage.to_native(), c.shader.to_native(), backend),
            CommandRef::SetConstantBuffers(c) => self.set_constant_buffers(c, backend),
            CommandRef::SetShaderResources(c) => self.set_shader_resources(c, backend),
            CommandRef::SetSamplers(c) => self.set_samplers(c, backend),
            CommandRef::SetRenderTargets(c) => self.set_render_targets(c, backend),
            CommandRef::SetComputeUavs(c) => self.set_compute_uavs(c, backend),
            CommandRef::SetViewports(c) => self.set_viewports(c, backend),
            CommandRef::SetScissorRects(c) => self.set_scissor_rects(c, backend),
            CommandRef::SetBlendState(c) => self.set_blend_state(c, backend),
            CommandRef::SetDepthStencilState(c) => {
                self.set_depth_stencil_state(c.state.to_native(), c.stencil_ref.to_native(), backend)
            }
            CommandRef::SetRasterizerState(c) => self.set_rasterizer_state(c.state.to_native(), backend),
            CommandRef::Draw(c) => self.draw(c, backend),
            CommandRef::DrawIndexed(c) => self.draw_indexed(c, backend),
            CommandRef::Dispatch(c) => self.dispatch(c, backend),
            CommandRef::DrawIndirect(c) => self.draw_indirect(c, backend),
            CommandRef::CreateStreamOutputShader(c) => self.create_stream_output_shader(c, backend),
            CommandRef::LinkShader(c) => self.link_shader(c, backend),
            CommandRef::SetStreamOutputTargets(c) => self.set_stream_output_targets(c, backend),
            CommandRef::SetPredication(c) => self.set_predication(c, backend),
            CommandRef::DrawAuto(_) => backend.execute(Op::DrawAuto),
            CommandRef::BeginQuery(c) => self.begin_query(c.query.to_native(), backend),
            CommandRef::EndQuery(c) => self.end_query(c.query.to_native(), backend),
            CommandRef::ClearRenderTargetView(c) => self.clear_render_target_view(c, backend),
            CommandRef::ClearDepthStencilView(c) => self.clear_depth_stencil_view(c, backend),
            CommandRef::ClearUnorderedAccessView(c) => self.clear_unordered_access_view(c, backend),
            CommandRef::ClearView(c) => self.clear_view(c, backend),
            CommandRef::CopyResource(c) => self.copy_resource(c, backend),
            CommandRef::CopyRegion(c) => self.copy_region(c, backend),
            CommandRef::ResolveSubresource(c) => self.resolve_subresource(c, backend),
            CommandRef::GenerateMips(c) => self.generate_mips(c.view.to_native(), backend),
            CommandRef::CopyStructureCount(c) => self.copy_structure_count(c, backend),
            CommandRef::SetResourceMinLod(c) => self.set_resource_min_lod(c, backend),
            CommandRef::UpdateSubresource(c) => self.update_subresource(c, backend),
            CommandRef::UpdateInline(c) => self.update_inline(c, backend),
            CommandRef::DiscardBuffer(c) => self.discard_buffer(c, backend),
            CommandRef::WriteNoOverwrite(c) => self.write_no_overwrite(c, backend),
            CommandRef::PlaceBuffer(c) => self.place_buffer(c, backend),
            // For mirrors; here the heap is what it is.
            CommandRef::WriteStaging(c) => self.heap_range(c.data).map(drop),
            CommandRef::DescribeTiling(c) => self.describe_tiling(c, backend),
            CommandRef::UpdateTileMappings(c) => self.update_tile_mappings(c, backend),
            CommandRef::CopyTileMappings(c) => self.copy_tile_mappings(c, backend),
            CommandRef::CopyTiles(c) => self.copy_tiles(c, backend),
            CommandRef::UpdateTiles(c) => self.update_tiles(c, backend),
            CommandRef::TiledResourceBarrier(_) => backend.execute(Op::TiledResourceBarrier),
            CommandRef::ResizeTilePool(c) => self.resize_tile_pool(c, backend),
            CommandRef::RotateResourceIdentities(c) => self.rotate_resource_identities(c, backend),
            CommandRef::Present(c) => self.present(c, backend),
            // Every other command is handled in `step`.
            other => Err(Fault::new(
                error_code::NOT_ALLOWED,
                format!("{} does not belong on a context's ring", other.name()),
            )),
        }
    }

    /// Enters a new object once the backend has made it.
    fn insert(&mut self, id: u32, object: Object) -> Result<(), Fault> {
        let kind = object.kind();
        let bytes = object.shader_bytes();
        self.objects.insert(id, object).map_err(|_| {
            Fault::object(id, format!("number {id} for {kind} is in use or not below {MAX_OBJECTS}"))
        })?;
        self.quota.add(bytes);
        self.shader_bytes += bytes;
        Ok(())
    }

    /// Refuses a number that [`Decoder::insert`] would refuse, before the backend makes anything.
    fn check_free(&self, id: u32) -> Result<(), Fault> {
        if id >= MAX_OBJECTS || self.objects.get(id).is_some() {
            return Err(Fault::object(id, format!("number {id} is in use or not below {MAX_OBJECTS}")));
        }
        self.quota.check_object().map_err(|fault| fault.about(id))
    }

    fn destroy_object(&mut self, id: u32, backend: &mut impl Backend) -> Result<(), Fault> {
        let Some(object) = self.objects.remove(id) else {
            return Err(Fault::object(id, "destroyed though it does not exist"));
        };
        let bytes = object.shader_bytes();
        self.quota.remove(1, bytes);
        self.shader_bytes = self.shader_bytes.saturating_sub(bytes);
        backend.execute(Op::DestroyObject { id })
    }

    fn object(&self, id: u32) -> Result<&Object, Fault> {
        self.objects.get(id).ok_or_else(|| Fault::object(id, "no such object"))
    }

    fn resource(&self, id: u32) -> Result<&Rc<ResourceDesc>, Fault> {
        match self.object(id)? {
            Object::Resource(desc) => Ok(desc),
            other => Err(Fault::object(id, format!("{} where a resource is due", other.kind()))),
        }
    }

    /// A buffer that is not staging.
    fn gpu_buffer(&self, id: u32) -> Result<&Rc<ResourceDesc>, Fault> {
        let desc = self.resource(id)?;
        if !desc.is_buffer() || desc.is_staging() {
            return Err(Fault::object(id, "a resource where a GPU buffer is due"));
        }
        Ok(desc)
    }

    fn view(&self, id: u32, kind: u32) -> Result<&ViewObject, Fault> {
        match self.object(id)? {
            Object::View(view) if view.desc.kind == kind => Ok(view),
            other => Err(Fault::object(id, format!("{} where a view of kind {kind} is due", other.kind()))),
        }
    }

    /// The last fence that the context has asked for.
    pub fn last_fence(&self) -> u64 {
        self.last_fence
    }

    /// Checks a heap range whose bytes a command reads.
    fn heap_range(&self, range: command::ArchivedHeapRange) -> Result<HeapRange, Fault> {
        let range = self.heap_place(range)?;
        if let Some(tap) = &self.tap {
            tap.tap.reads(range);
        }
        Ok(range)
    }

    /// Checks a heap range that a command names without reading it now: results go there, or a staging resource lies there.
    fn heap_place(&self, range: command::ArchivedHeapRange) -> Result<HeapRange, Fault> {
        self.in_grants(range.into())
    }

    fn in_grants(&self, range: HeapRange) -> Result<HeapRange, Fault> {
        if self.grants.contain(range) { Ok(range) } else { Err(not_granted(range)) }
    }

    /// Executes an operation that may touch ranges of the heap then or later, by the GPU. The ranges may be those of objects,
    /// which keep none alive: what was granted when an object was made may be revoked since.
    fn execute_in_heap(
        &self,
        ranges: &[Option<HeapRange>],
        op: Op<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let each = || ranges.iter().flatten();
        let first = backend.batch();
        if let Some(range) = each().find(|range| !self.grants.mark(**range, first)) {
            return Err(not_granted(*range));
        }
        if let Some(tap) = &self.tap {
            self.tell_uses(tap, ranges, &op);
        }
        let result = backend.execute(op);
        let last = backend.batch();
        if last != first {
            // It had to wait for the GPU in between, and may have gone on in a new batch.
            for range in each() {
                self.grants.mark(*range, last);
            }
        }
        result
    }

    fn copy_out(&self, range: HeapRange) -> Vec<u8> {
        // PANIC: none; a granted range lies in the heap, whose size fits a usize.
        let mut bytes = vec![0; usize::try_from(range.length).unwrap_or(0)];
        self.heap.read(range, &mut bytes);
        bytes
    }
}

fn not_granted(range: HeapRange) -> Fault {
    let what = format!("heap range {:#x}+{:#x} is not granted to this context", range.offset, range.length);
    Fault::new(error_code::BAD_HEAP_RANGE, what)
}

/// The value of a D3D `BOOL`.
fn flag(value: u32, name: &str) -> Result<bool, Fault> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(Fault::argument(format!("{name} is {other}, neither 0 nor 1"))),
    }
}

/// Refuses numbers outside a range.
fn within(value: u32, range: std::ops::RangeInclusive<u32>, name: &str) -> Result<u32, Fault> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(Fault::argument(format!("{name} is {value}, not {} to {}", range.start(), range.end())))
}

/// Refuses NaN and infinities.
fn finite(value: f32, name: &str) -> Result<f32, Fault> {
    if value.is_finite() {
        return Ok(value);
    }
    Err(Fault::argument(format!("{name} is {value}")))
}

#[cfg(test)]
mod tests;
