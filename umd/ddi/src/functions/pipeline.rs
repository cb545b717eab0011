//! Function types of the device table that bind to the pipeline, draw and dispatch.
//!
//! Each type is an `Option`: a null pointer is `None`. Null handles unbind.
#![expect(non_camel_case_types, non_snake_case, reason = "names are Microsoft's")]

use crate::*;

/// Sets the first `NumViewports` viewports; the next `ClearViewports` become empty.
pub type PFND3D10DDI_SETVIEWPORTS = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        NumViewports: u32,
        ClearViewports: u32,
        pViewports: *const D3D10_DDI_VIEWPORT,
    ),
>;

/// Sets the first `NumScissorRects` rectangles; the next `ClearScissorRects` become empty.
pub type PFND3D10DDI_SETSCISSORRECTS = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        NumScissorRects: u32,
        ClearScissorRects: u32,
        pRects: *const D3D10_DDI_RECT,
    ),
>;

/// Binds a shader to one stage.
pub type PFND3D10DDI_SETSHADER =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hShader: D3D10DDI_HSHADER)>;

/// Binds a shader to one stage, with its class instances.
pub type PFND3D11DDI_SETSHADER_WITH_IFACES = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hShader: D3D10DDI_HSHADER,
        NumClassInstances: u32,
        pIfaces: *const u32,
        pPointerData: *const D3D11DDIARG_POINTERDATA,
    ),
>;

/// Binds views to slots `Offset..Offset + NumViews` of one stage.
pub type PFND3D10DDI_SETSHADERRESOURCES = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        Offset: u32,
        NumViews: u32,
        phShaderResourceViews: *const D3D10DDI_HSHADERRESOURCEVIEW,
    ),
>;

/// Binds samplers to slots `Offset..Offset + NumSamplers` of one stage.
pub type PFND3D10DDI_SETSAMPLERS = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        Offset: u32,
        NumSamplers: u32,
        phSamplers: *const D3D10DDI_HSAMPLER,
    ),
>;

/// Binds constant buffers to slots of one stage (10.0 to 11.0).
pub type PFND3D10DDI_SETCONSTANTBUFFERS = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        StartBuffer: u32,
        NumBuffers: u32,
        phBuffers: *const D3D10DDI_HRESOURCE,
    ),
>;

/// As [`PFND3D10DDI_SETCONSTANTBUFFERS`], with ranges in 16-byte constants; both arrays may be null.
pub type PFND3D11_1DDI_SETCONSTANTBUFFERS = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        StartBuffer: u32,
        NumBuffers: u32,
        phBuffers: *const D3D10DDI_HRESOURCE,
        pFirstConstant: *const u32,
        pNumConstants: *const u32,
    ),
>;

/// Binds unordered-access views to the compute stage.
pub type PFND3D11DDI_SETUNORDEREDACCESSVIEWS = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        Offset: u32,
        NumViews: u32,
        phUnorderedAccessView: *const D3D11DDI_HUNORDEREDACCESSVIEW,
        pUAVInitialCounts: *const u32,
    ),
>;

/// Binds render targets, depth-stencil view and the pixel stage's unordered-access views.
pub type PFND3D11DDI_SETRENDERTARGETS = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        phRenderTargetView: *const D3D10DDI_HRENDERTARGETVIEW,
        NumRTVs: u32,
        RTVNumbertoUnbind: u32,
        hDepthStencilView: D3D10DDI_HDEPTHSTENCILVIEW,
        phUnorderedAccessView: *const D3D11DDI_HUNORDEREDACCESSVIEW,
        pUAVInitialCounts: *const u32,
        UAVIndex: u32,
        NumUAVs: u32,
        UAVFirsttoSet: u32,
        UAVNumberUpdated: u32,
    ),
>;

/// Binds stream-output buffers; an offset of `u32::MAX` appends.
pub type PFND3D10DDI_SO_SETTARGETS = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        SOTargets: u32,
        ClearTargets: u32,
        phResource: *const D3D10DDI_HRESOURCE,
        pOffsets: *const u32,
    ),
>;

/// Binds an input layout.
pub type PFND3D10DDI_SETINPUTLAYOUT =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hInputLayout: D3D10DDI_HELEMENTLAYOUT)>;

/// Binds vertex buffers with strides and offsets in bytes.
pub type PFND3D10DDI_IA_SETVERTEXBUFFERS = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        StartBuffer: u32,
        NumBuffers: u32,
        phBuffers: *const D3D10DDI_HRESOURCE,
        pStrides: *const u32,
        pOffsets: *const u32,
    ),
>;

/// Binds the index buffer.
pub type PFND3D10DDI_IA_SETINDEXBUFFER = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hBuffer: D3D10DDI_HRESOURCE,
        Format: DXGI_FORMAT,
        Offset: u32,
    ),
>;

/// Sets the primitive topology.
pub type PFND3D10DDI_IA_SETTOPOLOGY = Option<
    unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, PrimitiveTopology: D3D10_DDI_PRIMITIVE_TOPOLOGY),
>;

/// Draws vertices.
pub type PFND3D10DDI_DRAW =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, VertexCount: u32, StartVertexLocation: u32)>;

/// Draws indexed vertices.
pub type PFND3D10DDI_DRAWINDEXED = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        IndexCount: u32,
        StartIndexLocation: u32,
        BaseVertexLocation: i32,
    ),
>;

/// Draws instances.
pub type PFND3D10DDI_DRAWINSTANCED = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        VertexCountPerInstance: u32,
        InstanceCount: u32,
        StartVertexLocation: u32,
        StartInstanceLocation: u32,
    ),
>;

/// Draws indexed instances.
pub type PFND3D10DDI_DRAWINDEXEDINSTANCED = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        IndexCountPerInstance: u32,
        InstanceCount: u32,
        StartIndexLocation: u32,
        BaseVertexLocation: i32,
        StartInstanceLocation: u32,
    ),
>;

/// Draws what stream output wrote to the vertex buffer of slot 0.
pub type PFND3D10DDI_DRAWAUTO = Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE)>;

/// Draws indexed instances with arguments from a buffer.
pub type PFND3D11DDI_DRAWINDEXEDINSTANCEDINDIRECT = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hBufferForArgs: D3D10DDI_HRESOURCE,
        AlignedByteOffsetForArgs: u32,
    ),
>;

/// Draws instances with arguments from a buffer.
pub type PFND3D11DDI_DRAWINSTANCEDINDIRECT = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hBufferForArgs: D3D10DDI_HRESOURCE,
        AlignedByteOffsetForArgs: u32,
    ),
>;

/// Runs thread groups.
pub type PFND3D11DDI_DISPATCH = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        ThreadGroupCountX: u32,
        ThreadGroupCountY: u32,
        ThreadGroupCountZ: u32,
    ),
>;

/// Runs thread groups, their number from a buffer.
pub type PFND3D11DDI_DISPATCHINDIRECT = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hBufferForArgs: D3D10DDI_HRESOURCE,
        AlignedByteOffsetForArgs: u32,
    ),
>;
