//! The sizes of all archived structs, pinned at compile time.
//!
//! A failing assertion here means that the wire format has changed; see the crate's invariants.

use rkyv::Archived;
use static_assertions::const_assert_eq;

use super::*;
use crate::event::{ContextDestroyed, ContextError, ModeRequest};
use crate::host_info::{FormatSupport, HostInfo};

/// Asserts each size, in bytes.
macro_rules! sizes {
    ($($name:ty = $bytes:literal),+ $(,)?) => { $(const_assert_eq!(size_of::<Archived<$name>>(), $bytes);)+ };
}

sizes! {
    HeapRange = 16,
    ViewRange = 32,
    SignatureElement = 20,
    InputElement = 24,
    RenderTargetBlend = 40,
    StencilFace = 16,
    VertexBufferBinding = 12,
    ConstantBufferBinding = 12,
    UavBinding = 8,
    Viewport = 24,
    Rect = 16,
    SubresourceBox = 24,
    FormatSupport = 12,
    HostInfo = 1688,

    Fence = 8,
    Gate = 8,
    WaitFence = 16,
    CreateContext = 24,
    DestroyContext = 8,
    GrantHeap = 24,
    RevokeHeap = 24,
    OpenGate = 16,
    BlitHeap = 96,
    FillHeap = 48,
    SetScanout = 48,
    SetPointerShape = 40,
    SetPointerPosition = 16,
    CreateResource = 72,
    DestroyObject = 8,
    CreateView = 48,
    CreateQuery = 24,
    CreateShader<'_> = 48,
    CreateElementLayout<'_> = 16,
    CreateBlendState = 336,
    CreateDepthStencilState = 64,
    CreateRasterizerState = 48,
    CreateSampler = 56,
    SetVertexBuffers<'_> = 16,
    SetIndexBuffer = 16,
    SetInputLayout = 8,
    SetTopology = 8,
    SetShader = 8,
    SetConstantBuffers<'_> = 16,
    SetShaderResources<'_> = 16,
    SetSamplers<'_> = 16,
    SetRenderTargets<'_> = 24,
    SetComputeUavs<'_> = 16,
    SetViewports<'_> = 8,
    SetScissorRects<'_> = 8,
    SetBlendState = 24,
    SetDepthStencilState = 8,
    SetRasterizerState = 8,
    Draw = 16,
    DrawIndexed = 24,
    Dispatch = 16,
    DrawIndirect = 16,
    BeginQuery = 8,
    EndQuery = 8,
    ClearRenderTargetView = 24,
    ClearDepthStencilView = 16,
    ClearUnorderedAccessView = 24,
    CopyResource = 8,
    CopyRegion = 56,
    ResolveSubresource = 24,
    GenerateMips = 8,
    CopyStructureCount = 16,
    UpdateSubresource = 56,
    UpdateInline<'_> = 16,
    DiscardBuffer = 24,
    WriteNoOverwrite = 24,
    RotateResourceIdentities<'_> = 8,
    Present = 48,
    ContextError = 24,
    ContextDestroyed = 8,
    ModeRequest = 16,
}
