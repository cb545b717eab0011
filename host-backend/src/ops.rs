//! Validated operations: what the decoder hands to the executor.
//!
//! Every number here has been checked: object numbers exist and have the right kind, ranges lie inside their resource
//! and inside a granted part of the heap, enumerations are known. The executor relies on it, and treats a number that does
//! not fit as a bug of the decoder. What only the GPU can know (memory, pipelines) is the executor's to check.

use std::cell::OnceCell;
use std::rc::Rc;

use pvgpu_dxbc::{ClassInstance, StreamOutput};
use pvgpu_protocol::command::{
    self, ConstantBufferBinding, HeapRange, InputElement, RenderTargetBlend, StencilFace, StreamOutputTarget,
    SubresourceBox, TilePair, TileRun, TileSpan, UavBinding, VertexBufferBinding, Viewport,
};
use pvgpu_protocol::format::FormatInfo;
use pvgpu_protocol::staging::{Shape, mip_extent};
use pvgpu_protocol::tiling::Tiling;

use crate::shared_image::Offer;

/// What a resource is.
#[derive(Clone, Debug)]
pub struct ResourceDesc {
    /// As the guest described it; staging resources have a heap range of at least their size.
    pub command: command::CreateResource,
    /// The block of its format; [`FormatInfo::BYTES`] for buffers.
    pub format: FormatInfo,
    /// The shape; buffers are one row of bytes.
    pub shape: Shape,
    /// The tiles of a tiled resource; the executor sets it when it has made one.
    pub tiling: OnceCell<Tiling>,
}

impl ResourceDesc {
    /// A resource whose command was checked.
    pub fn new(command: command::CreateResource, format: FormatInfo, shape: Shape) -> Self {
        Self { command, format, shape, tiling: OnceCell::new() }
    }

    /// Whether its memory is that of tiles.
    pub fn is_tiled(&self) -> bool {
        self.command.misc_flags & command::misc::TILED != 0
    }

    /// Whether it is a buffer.
    pub fn is_buffer(&self) -> bool {
        self.command.dimension == command::dimension::BUFFER
    }

    /// Whether it lives in the heap.
    pub fn is_staging(&self) -> bool {
        self.command.usage == command::usage::STAGING
    }

    /// Where in the heap it lives, if it does.
    pub fn heap(&self) -> Option<HeapRange> {
        self.is_staging().then_some(self.command.heap)
    }

    /// The extent of a mip in texels.
    pub fn mip_extent(&self, mip: u32) -> [u32; 3] {
        let shape = self.shape;
        [mip_extent(shape.width, mip), mip_extent(shape.height, mip), mip_extent(shape.depth, mip)]
    }
}

/// What a view shows. Counts such as "all that remain" are resolved.
#[derive(Clone, Debug)]
pub struct ViewDesc {
    /// One of [`command::view_kind`].
    pub kind: u32,
    /// `DXGI_FORMAT`; never typeless, except for raw buffers.
    pub format: u32,
    /// The part shown.
    pub range: command::ViewRange,
    /// The resource's number at creation.
    pub resource: u32,
}

/// A shader's tokens and signatures.
#[derive(Clone, Debug, Default)]
pub struct ShaderSource {
    /// SHDR or SHEX tokens.
    pub tokens: Vec<u32>,
    /// Input signature.
    pub input: Vec<command::SignatureElement>,
    /// Output signature.
    pub output: Vec<command::SignatureElement>,
    /// Patch-constant signature.
    pub patch_constant: Vec<command::SignatureElement>,
    /// What a geometry shader writes to buffers. Without tokens, it is what the stage before writes.
    pub stream_output: Option<StreamOutput>,
}

/// One operation. Slices are borrowed from the decoder's scratch memory.
#[expect(missing_docs, reason = "fields are those of the protocol's commands of the same name")]
#[derive(Debug)]
pub enum Op<'r> {
    CreateResource { id: u32, desc: Rc<ResourceDesc> },
    DestroyObject { id: u32 },
    CreateView { id: u32, desc: ViewDesc },
    CreateQuery { id: u32, kind: u32, slot: HeapRange },
    CreateShader { id: u32, stage: u32, source: ShaderSource },
    LinkShader { id: u32, shader: u32, instances: Vec<Option<ClassInstance>> },
    CreateElementLayout { id: u32, elements: &'r [InputElement] },
    CreateBlendState { id: u32, alpha_to_coverage: bool, independent: bool, targets: [RenderTargetBlend; 8] },
    CreateDepthStencilState { id: u32, state: DepthStencilState },
    CreateRasterizerState { id: u32, state: RasterizerState },
    CreateSampler { id: u32, state: command::CreateSampler },
    ShareResource { id: u32, token: ShareToken },
    OpenSharedResource { id: u32, token: ShareToken },
    ImportResource { id: u32, token: ShareToken, desc: Rc<ResourceDesc>, offer: Offer },

    SetVertexBuffers { start: u32, buffers: &'r [VertexBufferBinding] },
    SetIndexBuffer { buffer: u32, format: u32, offset: u32 },
    SetInputLayout { layout: u32 },
    SetTopology { topology: u32 },
    SetShader { stage: u32, shader: u32 },
    SetConstantBuffers { stage: u32, start: u32, buffers: &'r [ConstantBufferBinding] },
    SetShaderResources { stage: u32, start: u32, views: &'r [u32] },
    SetSamplers { stage: u32, start: u32, samplers: &'r [u32] },
    SetRenderTargets { targets: &'r [u32], depth_stencil: u32, uav_start: u32, uavs: &'r [UavBinding] },
    SetComputeUavs { start: u32, uavs: &'r [UavBinding] },
    SetViewports { viewports: &'r [Viewport] },
    SetScissorRects { rects: &'r [command::Rect] },
    SetBlendState { state: u32, factor: [f32; 4], sample_mask: u32 },
    SetDepthStencilState { state: u32, stencil_ref: u32 },
    SetRasterizerState { state: u32 },
    SetStreamOutputTargets { targets: &'r [StreamOutputTarget] },
    SetPredication { query: u32, value: bool, hint: bool },

    Draw(command::Draw),
    DrawIndexed(command::DrawIndexed),
    Dispatch { groups: [u32; 3] },
    DrawIndirect { kind: u32, buffer: u32, offset: u32 },
    DrawAuto,
    BeginQuery { query: u32 },
    EndQuery { query: u32 },

    ClearRenderTargetView { view: u32, color: [f32; 4] },
    ClearDepthStencilView { view: u32, depth: Option<f32>, stencil: Option<u32> },
    ClearUnorderedAccessView { view: u32, value: [u32; 4], is_float: bool },
    ClearView { view: u32, color: [f32; 4], rects: &'r [command::Rect] },
    CopyRegion(CopyRegion),
    ResolveSubresource { dst: u32, dst_subresource: u32, src: u32, src_subresource: u32, format: u32 },
    GenerateMips { view: u32 },
    CopyStructureCount { dst: u32, dst_offset: u32, src_view: u32 },
    SetResourceMinLod { resource: u32, min_lod: f32 },
    UpdateSubresource(command::UpdateSubresource),
    UpdateInline { dst: u32, offset: u32, data: &'r [u8] },
    DiscardBuffer { dst: u32, data: HeapRange },
    WriteNoOverwrite { dst: u32, offset: u32, data: HeapRange },
    PlaceBuffer { dst: u32, data: HeapRange },
    RotateResourceIdentities { resources: &'r [u32] },

    CreateTilePool { id: u32, tiles: u32 },
    ResizeTilePool { pool: u32, tiles: u32 },
    DescribeTiling { slot: HeapRange, words: [u32; 4] },
    UpdateTileMappings { resource: u32, pool: u32, runs: &'r [TileRun] },
    CopyTileMappings { dst: u32, src: u32, pairs: &'r [TilePair] },
    CopyTiles(CopyTiles<'r>),
    UpdateTiles { resource: u32, data: HeapRange, spans: &'r [TileSpan] },
    TiledResourceBarrier,

    Present(command::Present),
}

/// A copy of a box between subresources; `CopyResource` becomes one for each subresource.
#[derive(Clone, Copy, Debug)]
pub struct CopyRegion {
    /// Written.
    pub dst: u32,
    /// Mip + slice × mips.
    pub dst_subresource: u32,
    /// Where the box lands.
    pub dst_origin: [u32; 3],
    /// Read.
    pub src: u32,
    /// Mip + slice × mips.
    pub src_subresource: u32,
    /// What is copied; not empty.
    pub src_box: SubresourceBox,
}

/// A copy between tiles and a buffer.
#[derive(Clone, Copy, Debug)]
pub struct CopyTiles<'r> {
    /// The tiled resource.
    pub resource: u32,
    /// The buffer.
    pub buffer: u32,
    /// Bytes from its start to the first tile.
    pub offset: u64,
    /// The buffer is written, not the tiles.
    pub to_buffer: bool,
    /// Standard tiles.
    pub spans: &'r [TileSpan],
}

/// `D3D10_DDI_DEPTH_STENCIL_DESC`.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "fields are those of the DDI")]
pub struct DepthStencilState {
    pub depth_enable: bool,
    pub depth_write: bool,
    pub depth_func: u32,
    pub stencil_enable: bool,
    pub stencil_read_mask: u32,
    pub stencil_write_mask: u32,
    pub front: StencilFace,
    pub back: StencilFace,
}

/// `D3D11_1_DDI_RASTERIZER_DESC`.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "fields are those of the DDI")]
pub struct RasterizerState {
    pub fill_mode: u32,
    pub cull_mode: u32,
    pub front_counter_clockwise: bool,
    pub depth_bias: i32,
    pub depth_bias_clamp: f32,
    pub slope_scaled_depth_bias: f32,
    pub depth_clip_enable: bool,
    pub scissor_enable: bool,
    pub multisample: bool,
    pub antialiased_lines: bool,
    pub forced_sample_count: u32,
}

/// What a shared resource is known by; see [`command::ShareResource`].
pub type ShareToken = [u64; command::SHARE_TOKEN_WORDS];

/// Executes validated operations.
pub trait Backend {
    /// The number of the batch that is being recorded. Work begins at the GPU by whole batches, and ends in their order.
    fn batch(&self) -> u64;

    /// What is shared under a token; nothing while no context has a resource of this token.
    fn shared(&self, token: ShareToken) -> Option<Rc<ResourceDesc>>;

    /// What another worker shares under a token, as far as is known; see [`Op::ImportResource`].
    fn offer(&mut self, _token: ShareToken) -> Option<Offer> {
        None
    }

    /// Executes or records one operation.
    ///
    /// # Errors
    /// A [`Fault`](crate::fault::Fault) when the GPU cannot: out of memory, unsupported, a shader that does not translate.
    fn execute(&mut self, op: Op<'_>) -> Result<(), crate::fault::Fault>;
}
