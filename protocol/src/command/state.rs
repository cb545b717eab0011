//! State objects and the bindings of a context.
//!
//! Values are those of the D3D11 DDI's enumerations. Object number [`NONE`] unbinds.

use rkyv::{Archive, Serialize, with::InlineAsBox};

/// "No object" wherever an object's number may be absent.
pub const NONE: u32 = u32::MAX;

/// One render target's part of a blend state (`D3D11_1_DDI_RENDER_TARGET_BLEND_DESC`).
#[derive(Archive, Serialize, Clone, Copy, Debug, Default, PartialEq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct RenderTargetBlend {
    /// 0 or 1.
    pub blend_enable: u32,
    /// 0 or 1.
    pub logic_op_enable: u32,
    /// `D3D10_DDI_BLEND`.
    pub src_blend: u32,
    /// `D3D10_DDI_BLEND`.
    pub dest_blend: u32,
    /// `D3D10_DDI_BLEND_OP`.
    pub blend_op: u32,
    /// `D3D10_DDI_BLEND`.
    pub src_blend_alpha: u32,
    /// `D3D10_DDI_BLEND`.
    pub dest_blend_alpha: u32,
    /// `D3D10_DDI_BLEND_OP`.
    pub blend_op_alpha: u32,
    /// `D3D11_1_DDI_LOGIC_OP`.
    pub logic_op: u32,
    /// Bits of `D3D10_DDI_COLOR_WRITE_ENABLE`.
    pub write_mask: u32,
}

/// Creates a blend state.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct CreateBlendState {
    /// The object's number.
    pub id: u32,
    /// 0 or 1.
    pub alpha_to_coverage_enable: u32,
    /// 0 or 1; when 0 every target uses the first entry.
    pub independent_blend_enable: u32,
    /// Must be zero.
    pub reserved: u32,
    /// Per target.
    pub render_targets: [RenderTargetBlend; 8],
}

/// One face's stencil operations (`D3D10_DDI_DEPTH_STENCILOP_DESC`).
#[derive(Archive, Serialize, Clone, Copy, Debug, Default, PartialEq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct StencilFace {
    /// `D3D10_DDI_STENCIL_OP`.
    pub fail_op: u32,
    /// `D3D10_DDI_STENCIL_OP`.
    pub depth_fail_op: u32,
    /// `D3D10_DDI_STENCIL_OP`.
    pub pass_op: u32,
    /// `D3D10_DDI_COMPARISON_FUNC`.
    pub func: u32,
}

/// Creates a depth-stencil state.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct CreateDepthStencilState {
    /// The object's number.
    pub id: u32,
    /// 0 or 1.
    pub depth_enable: u32,
    /// `D3D10_DDI_DEPTH_WRITE_MASK`.
    pub depth_write_mask: u32,
    /// `D3D10_DDI_COMPARISON_FUNC`.
    pub depth_func: u32,
    /// 0 or 1.
    pub stencil_enable: u32,
    /// Low 8 bits.
    pub stencil_read_mask: u32,
    /// Low 8 bits.
    pub stencil_write_mask: u32,
    /// Must be zero.
    pub reserved: u32,
    /// Front faces.
    pub front_face: StencilFace,
    /// Back faces.
    pub back_face: StencilFace,
}

/// Creates a rasterizer state (`D3D11_1_DDI_RASTERIZER_DESC`).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct CreateRasterizerState {
    /// The object's number.
    pub id: u32,
    /// `D3D10_DDI_FILL_MODE`.
    pub fill_mode: u32,
    /// `D3D10_DDI_CULL_MODE`.
    pub cull_mode: u32,
    /// 0 or 1.
    pub front_counter_clockwise: u32,
    /// In units of the depth format's smallest step.
    pub depth_bias: i32,
    /// Largest bias.
    pub depth_bias_clamp: f32,
    /// Bias per slope.
    pub slope_scaled_depth_bias: f32,
    /// 0 or 1.
    pub depth_clip_enable: u32,
    /// 0 or 1.
    pub scissor_enable: u32,
    /// 0 or 1.
    pub multisample_enable: u32,
    /// 0 or 1.
    pub antialiased_line_enable: u32,
    /// Samples to rasterise with where no target is bound; 0 takes the targets'.
    pub forced_sample_count: u32,
}

/// Creates a sampler (`D3D10_DDI_SAMPLER_DESC`).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct CreateSampler {
    /// The object's number.
    pub id: u32,
    /// `D3D10_DDI_FILTER`.
    pub filter: u32,
    /// `D3D10_DDI_TEXTURE_ADDRESS_MODE`.
    pub address_u: u32,
    /// `D3D10_DDI_TEXTURE_ADDRESS_MODE`.
    pub address_v: u32,
    /// `D3D10_DDI_TEXTURE_ADDRESS_MODE`.
    pub address_w: u32,
    /// Added to the computed level of detail.
    pub mip_lod_bias: f32,
    /// 1 to 16.
    pub max_anisotropy: u32,
    /// `D3D10_DDI_COMPARISON_FUNC`.
    pub comparison_func: u32,
    /// Red, green, blue, alpha.
    pub border_color: [f32; 4],
    /// Smallest level.
    pub min_lod: f32,
    /// Largest level.
    pub max_lod: f32,
}

/// One vertex buffer with its stride and offset.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct VertexBufferBinding {
    /// A buffer, or [`NONE`].
    pub buffer: u32,
    /// Bytes from vertex to vertex.
    pub stride: u32,
    /// Bytes from the buffer's start to the first vertex.
    pub offset: u32,
}

/// Binds vertex buffers (`IaSetVertexBuffers`).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetVertexBuffers<'a> {
    /// The first slot.
    pub start_slot: u32,
    /// Must be zero.
    pub reserved: u32,
    /// One a slot.
    #[rkyv(with = InlineAsBox)]
    pub buffers: &'a [VertexBufferBinding],
}

/// Binds the index buffer (`IaSetIndexBuffer`).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetIndexBuffer {
    /// A buffer, or [`NONE`].
    pub buffer: u32,
    /// `DXGI_FORMAT_R16_UINT` or `DXGI_FORMAT_R32_UINT`.
    pub format: u32,
    /// Bytes from the buffer's start to the first index.
    pub offset: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// Sets one value or binds one object; the opcode says which.
macro_rules! single {
    ($($(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident })*) => {$(
        $(#[$doc])*
        #[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
        #[rkyv(attr(repr(align(8))))]
        pub struct $name {
            $(#[$field_doc])*
            pub $field: u32,
            /// Must be zero.
            pub reserved: u32,
        }
    )*};
}

single! {
    /// Binds the vertex layout (`IaSetInputLayout`).
    SetInputLayout {
        /// An element layout, or [`NONE`].
        layout
    }
    /// Sets the topology (`IaSetTopology`).
    SetTopology {
        /// `D3D10_DDI_PRIMITIVE_TOPOLOGY`.
        topology
    }
    /// Binds the rasterizer state (`SetRasterizerState`).
    SetRasterizerState {
        /// A rasterizer state, or [`NONE`] for the default.
        state
    }
}

/// Binds a shader.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetShader {
    /// One of [`super::stage`].
    pub stage: u32,
    /// A shader of that stage, or [`NONE`].
    pub shader: u32,
}

/// One constant buffer, possibly a part of it.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct ConstantBufferBinding {
    /// A buffer, or [`NONE`].
    pub buffer: u32,
    /// The first constant shown, in units of 16 bytes.
    pub first_constant: u32,
    /// How many constants are shown; 4096 shows all that a shader can see.
    pub num_constants: u32,
}

/// Binds constant buffers.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetConstantBuffers<'a> {
    /// One of [`super::stage`].
    pub stage: u32,
    /// The first slot.
    pub start_slot: u32,
    /// One a slot.
    #[rkyv(with = InlineAsBox)]
    pub buffers: &'a [ConstantBufferBinding],
}

/// Binds shader-resource views.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetShaderResources<'a> {
    /// One of [`super::stage`].
    pub stage: u32,
    /// The first slot.
    pub start_slot: u32,
    /// One a slot: a view, or [`NONE`].
    #[rkyv(with = InlineAsBox)]
    pub views: &'a [u32],
}

/// Binds samplers.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetSamplers<'a> {
    /// One of [`super::stage`].
    pub stage: u32,
    /// The first slot.
    pub start_slot: u32,
    /// One a slot: a sampler, or [`NONE`] for the default one.
    #[rkyv(with = InlineAsBox)]
    pub samplers: &'a [u32],
}

/// One unordered-access view and what its hidden counter becomes.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct UavBinding {
    /// A view, or [`NONE`].
    pub view: u32,
    /// The counter's new value; 0xffff_ffff keeps it.
    pub initial_count: u32,
}

/// Binds render targets, the depth-stencil view and the graphics stages' unordered-access views (`SetRenderTargets`).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetRenderTargets<'a> {
    /// A depth-stencil view, or [`NONE`].
    pub depth_stencil: u32,
    /// The slot of the first entry of `uavs`.
    pub uav_start: u32,
    /// All render targets from slot 0; those not listed are unbound.
    #[rkyv(with = InlineAsBox)]
    pub render_targets: &'a [u32],
    /// All unordered-access views of the graphics stages from `uav_start`; those not listed are unbound.
    #[rkyv(with = InlineAsBox)]
    pub uavs: &'a [UavBinding],
}

/// Binds the compute shader's unordered-access views (`CsSetUnorderedAccessViews`).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetComputeUavs<'a> {
    /// The first slot.
    pub start_slot: u32,
    /// Must be zero.
    pub reserved: u32,
    /// One a slot.
    #[rkyv(with = InlineAsBox)]
    pub uavs: &'a [UavBinding],
}

/// One stream-output buffer.
#[derive(Archive, Serialize, Clone, Copy, Debug, Default, PartialEq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct StreamOutputTarget {
    /// The buffer; [`super::NONE`] for none.
    pub buffer: u32,
    /// Where to write, in bytes from the start; `u32::MAX` behind what was written before.
    pub offset: u32,
}

/// Binds the stream-output buffers (`SoSetTargets`); slots after the last are unbound.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetStreamOutputTargets<'a> {
    /// From slot 0, at most [`crate::limits::STREAM_OUTPUT_SLOTS`].
    #[rkyv(with = InlineAsBox)]
    pub targets: &'a [StreamOutputTarget],
}

/// One viewport (`D3D10_DDI_VIEWPORT`).
#[derive(Archive, Serialize, Clone, Copy, Debug, Default, PartialEq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct Viewport {
    /// Left edge, in pixels.
    pub top_left_x: f32,
    /// Upper edge, in pixels.
    pub top_left_y: f32,
    /// Pixels.
    pub width: f32,
    /// Pixels.
    pub height: f32,
    /// 0 to 1.
    pub min_depth: f32,
    /// 0 to 1.
    pub max_depth: f32,
}

/// Sets all viewports; those not listed are empty.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetViewports<'a> {
    /// From index 0.
    #[rkyv(with = InlineAsBox)]
    pub viewports: &'a [Viewport],
}

/// One scissor rectangle; `right` and `bottom` are outside.
#[derive(Archive, Serialize, Clone, Copy, Debug, Default, PartialEq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct Rect {
    /// First column.
    pub left: i32,
    /// First row.
    pub top: i32,
    /// One past the last column.
    pub right: i32,
    /// One past the last row.
    pub bottom: i32,
}

/// Sets all scissor rectangles; those not listed are empty.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetScissorRects<'a> {
    /// From index 0.
    #[rkyv(with = InlineAsBox)]
    pub rects: &'a [Rect],
}

/// Binds the blend state (`SetBlendState`).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetBlendState {
    /// A blend state, or [`NONE`] for the default.
    pub state: u32,
    /// Samples written.
    pub sample_mask: u32,
    /// Red, green, blue, alpha.
    pub blend_factor: [f32; 4],
}

/// Binds the depth-stencil state (`SetDepthStencilState`).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetDepthStencilState {
    /// A depth-stencil state, or [`NONE`] for the default.
    pub state: u32,
    /// Low 8 bits.
    pub stencil_ref: u32,
}
