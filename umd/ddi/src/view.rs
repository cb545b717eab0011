//! Views: arguments of the four kinds of view creation.
//!
//! `ResourceDimension` is the dimension the view gives the resource and selects the union's arm. In the
//! headers the two members of a buffer view have two names each (`FirstElement`/`ElementOffset`,
//! `NumElements`/`ElementWidth`).
#![expect(non_camel_case_types, non_snake_case, reason = "names are Microsoft's")]
#![expect(missing_docs, reason = "members keep Microsoft's names; the DDI reference describes each one")]

use crate::*;

/// Elements of a buffer.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10DDIARG_BUFFER_SHADERRESOURCEVIEW {
    pub FirstElement: u32,
    pub NumElements: u32,
}

/// Elements of a raw or structured buffer; `Flags` is `D3D11_DDI_BUFFEREX_SRV_FLAG_RAW` or 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D11DDIARG_BUFFEREX_SHADERRESOURCEVIEW {
    pub FirstElement: u32,
    pub NumElements: u32,
    pub Flags: u32,
}

/// Mip levels and slices of a 1D texture.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10DDIARG_TEX1D_SHADERRESOURCEVIEW {
    pub MostDetailedMip: u32,
    pub FirstArraySlice: u32,
    pub MipLevels: u32,
    pub ArraySize: u32,
}

/// Mip levels and slices of a 2D texture.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10DDIARG_TEX2D_SHADERRESOURCEVIEW {
    pub MostDetailedMip: u32,
    pub FirstArraySlice: u32,
    pub MipLevels: u32,
    pub ArraySize: u32,
}

/// Mip levels of a 3D texture.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10DDIARG_TEX3D_SHADERRESOURCEVIEW {
    pub MostDetailedMip: u32,
    pub MipLevels: u32,
}

/// Mip levels and cubes of a cube texture.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10_1DDIARG_TEXCUBE_SHADERRESOURCEVIEW {
    pub MostDetailedMip: u32,
    pub MipLevels: u32,
    pub First2DArrayFace: u32,
    pub NumCubes: u32,
}

/// Argument of `CreateShaderResourceView(D3D11)`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11DDIARG_CREATESHADERRESOURCEVIEW {
    pub hDrvResource: D3D10DDI_HRESOURCE,
    pub Format: DXGI_FORMAT,
    pub ResourceDimension: D3D10DDIRESOURCE_TYPE,
    pub Anonymous: D3D11DDIARG_CREATESHADERRESOURCEVIEW_0,
}

/// The anonymous union of [`D3D11DDIARG_CREATESHADERRESOURCEVIEW`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union D3D11DDIARG_CREATESHADERRESOURCEVIEW_0 {
    pub Buffer: D3D10DDIARG_BUFFER_SHADERRESOURCEVIEW,
    pub Tex1D: D3D10DDIARG_TEX1D_SHADERRESOURCEVIEW,
    pub Tex2D: D3D10DDIARG_TEX2D_SHADERRESOURCEVIEW,
    pub Tex3D: D3D10DDIARG_TEX3D_SHADERRESOURCEVIEW,
    pub TexCube: D3D10_1DDIARG_TEXCUBE_SHADERRESOURCEVIEW,
    pub BufferEx: D3D11DDIARG_BUFFEREX_SHADERRESOURCEVIEW,
}
union_impls!(D3D11DDIARG_CREATESHADERRESOURCEVIEW_0, Tex1D);

/// Flag of a raw buffer's shader-resource view.
pub const D3D11_DDI_BUFFEREX_SRV_FLAG_RAW: u32 = 1;

/// Elements of a buffer.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10DDIARG_BUFFER_RENDERTARGETVIEW {
    pub FirstElement: u32,
    pub NumElements: u32,
}

/// One mip level of slices of a 1D texture.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10DDIARG_TEX1D_RENDERTARGETVIEW {
    pub MipSlice: u32,
    pub FirstArraySlice: u32,
    pub ArraySize: u32,
}

/// One mip level of slices of a 2D texture.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10DDIARG_TEX2D_RENDERTARGETVIEW {
    pub MipSlice: u32,
    pub FirstArraySlice: u32,
    pub ArraySize: u32,
}

/// One mip level of depth slices of a 3D texture.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10DDIARG_TEX3D_RENDERTARGETVIEW {
    pub MipSlice: u32,
    pub FirstW: u32,
    pub WSize: u32,
}

/// One mip level of faces of a cube texture.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10DDIARG_TEXCUBE_RENDERTARGETVIEW {
    pub MipSlice: u32,
    pub FirstArraySlice: u32,
    pub ArraySize: u32,
}

/// Argument of `CreateRenderTargetView`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D10DDIARG_CREATERENDERTARGETVIEW {
    pub hDrvResource: D3D10DDI_HRESOURCE,
    pub Format: DXGI_FORMAT,
    pub ResourceDimension: D3D10DDIRESOURCE_TYPE,
    pub Anonymous: D3D10DDIARG_CREATERENDERTARGETVIEW_0,
}

/// The anonymous union of [`D3D10DDIARG_CREATERENDERTARGETVIEW`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union D3D10DDIARG_CREATERENDERTARGETVIEW_0 {
    pub Buffer: D3D10DDIARG_BUFFER_RENDERTARGETVIEW,
    pub Tex1D: D3D10DDIARG_TEX1D_RENDERTARGETVIEW,
    pub Tex2D: D3D10DDIARG_TEX2D_RENDERTARGETVIEW,
    pub Tex3D: D3D10DDIARG_TEX3D_RENDERTARGETVIEW,
    pub TexCube: D3D10DDIARG_TEXCUBE_RENDERTARGETVIEW,
}
union_impls!(D3D10DDIARG_CREATERENDERTARGETVIEW_0, Tex1D);

/// One mip level of slices of a 1D texture.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10DDIARG_TEX1D_DEPTHSTENCILVIEW {
    pub MipSlice: u32,
    pub FirstArraySlice: u32,
    pub ArraySize: u32,
}

/// One mip level of slices of a 2D texture.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10DDIARG_TEX2D_DEPTHSTENCILVIEW {
    pub MipSlice: u32,
    pub FirstArraySlice: u32,
    pub ArraySize: u32,
}

/// One mip level of faces of a cube texture.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10DDIARG_TEXCUBE_DEPTHSTENCILVIEW {
    pub MipSlice: u32,
    pub FirstArraySlice: u32,
    pub ArraySize: u32,
}

/// Argument of `CreateDepthStencilView(D3D11)`; flags of [`D3D11_DDI_CREATEDEPTHSTENCILVIEW_FLAG`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11DDIARG_CREATEDEPTHSTENCILVIEW {
    pub hDrvResource: D3D10DDI_HRESOURCE,
    pub Format: DXGI_FORMAT,
    pub ResourceDimension: D3D10DDIRESOURCE_TYPE,
    pub Flags: u32,
    pub Anonymous: D3D11DDIARG_CREATEDEPTHSTENCILVIEW_0,
}

/// The anonymous union of [`D3D11DDIARG_CREATEDEPTHSTENCILVIEW`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union D3D11DDIARG_CREATEDEPTHSTENCILVIEW_0 {
    pub Tex1D: D3D10DDIARG_TEX1D_DEPTHSTENCILVIEW,
    pub Tex2D: D3D10DDIARG_TEX2D_DEPTHSTENCILVIEW,
    pub TexCube: D3D10DDIARG_TEXCUBE_DEPTHSTENCILVIEW,
}
union_impls!(D3D11DDIARG_CREATEDEPTHSTENCILVIEW_0, Tex1D);

/// Read-only aspects of a depth-stencil view.
pub type D3D11_DDI_CREATEDEPTHSTENCILVIEW_FLAG = u32;
pub const D3D11_DDI_CREATE_DSV_READ_ONLY_DEPTH: D3D11_DDI_CREATEDEPTHSTENCILVIEW_FLAG = 1;
pub const D3D11_DDI_CREATE_DSV_READ_ONLY_STENCIL: D3D11_DDI_CREATEDEPTHSTENCILVIEW_FLAG = 2;
pub const D3D11_DDI_CREATE_DSV_FLAG_MASK: D3D11_DDI_CREATEDEPTHSTENCILVIEW_FLAG = 3;

/// Elements of a buffer, with `D3D11_DDI_BUFFER_UAV_FLAG_*`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D11DDIARG_BUFFER_UNORDEREDACCESSVIEW {
    pub FirstElement: u32,
    pub NumElements: u32,
    pub Flags: u32,
}

/// One mip level of slices of a 1D texture.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D11DDIARG_TEX1D_UNORDEREDACCESSVIEW {
    pub MipSlice: u32,
    pub FirstArraySlice: u32,
    pub ArraySize: u32,
}

/// One mip level of slices of a 2D texture.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D11DDIARG_TEX2D_UNORDEREDACCESSVIEW {
    pub MipSlice: u32,
    pub FirstArraySlice: u32,
    pub ArraySize: u32,
}

/// One mip level of depth slices of a 3D texture.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D11DDIARG_TEX3D_UNORDEREDACCESSVIEW {
    pub MipSlice: u32,
    pub FirstW: u32,
    pub WSize: u32,
}

/// Argument of `CreateUnorderedAccessView`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11DDIARG_CREATEUNORDEREDACCESSVIEW {
    pub hDrvResource: D3D10DDI_HRESOURCE,
    pub Format: DXGI_FORMAT,
    pub ResourceDimension: D3D10DDIRESOURCE_TYPE,
    pub Anonymous: D3D11DDIARG_CREATEUNORDEREDACCESSVIEW_0,
}

/// The anonymous union of [`D3D11DDIARG_CREATEUNORDEREDACCESSVIEW`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union D3D11DDIARG_CREATEUNORDEREDACCESSVIEW_0 {
    pub Buffer: D3D11DDIARG_BUFFER_UNORDEREDACCESSVIEW,
    pub Tex1D: D3D11DDIARG_TEX1D_UNORDEREDACCESSVIEW,
    pub Tex2D: D3D11DDIARG_TEX2D_UNORDEREDACCESSVIEW,
    pub Tex3D: D3D11DDIARG_TEX3D_UNORDEREDACCESSVIEW,
}
union_impls!(D3D11DDIARG_CREATEUNORDEREDACCESSVIEW_0, Buffer);

// Flags of a buffer's unordered-access view: raw, append/consume, counter.
pub const D3D11_DDI_BUFFER_UAV_FLAG_RAW: u32 = 1;
pub const D3D11_DDI_BUFFER_UAV_FLAG_APPEND: u32 = 2;
pub const D3D11_DDI_BUFFER_UAV_FLAG_COUNTER: u32 = 4;

/// What `ClearDepthStencilView` clears.
pub type D3D10_DDI_CLEAR_FLAG = u32;
pub const D3D10_DDI_CLEAR_DEPTH: D3D10_DDI_CLEAR_FLAG = 1;
pub const D3D10_DDI_CLEAR_STENCIL: D3D10_DDI_CLEAR_FLAG = 2;
pub const D3D10_DDI_CLEAR_FLAG_MASK: D3D10_DDI_CLEAR_FLAG = 3;

// Sizes on x64, from the sources named in SOURCES.md.
const _: () = assert!(size_of::<D3D10DDIARG_BUFFER_SHADERRESOURCEVIEW>() == 8);
const _: () = assert!(size_of::<D3D11DDIARG_BUFFEREX_SHADERRESOURCEVIEW>() == 12);
const _: () = assert!(size_of::<D3D10DDIARG_TEX1D_SHADERRESOURCEVIEW>() == 16);
const _: () = assert!(size_of::<D3D10DDIARG_TEX2D_SHADERRESOURCEVIEW>() == 16);
const _: () = assert!(size_of::<D3D10DDIARG_TEX3D_SHADERRESOURCEVIEW>() == 8);
const _: () = assert!(size_of::<D3D10_1DDIARG_TEXCUBE_SHADERRESOURCEVIEW>() == 16);
const _: () = assert!(size_of::<D3D11DDIARG_CREATESHADERRESOURCEVIEW_0>() == 16);
const _: () = assert!(size_of::<D3D11DDIARG_CREATESHADERRESOURCEVIEW>() == 32);
const _: () = assert!(size_of::<D3D10DDIARG_BUFFER_RENDERTARGETVIEW>() == 8);
const _: () = assert!(size_of::<D3D10DDIARG_TEX1D_RENDERTARGETVIEW>() == 12);
const _: () = assert!(size_of::<D3D10DDIARG_TEX2D_RENDERTARGETVIEW>() == 12);
const _: () = assert!(size_of::<D3D10DDIARG_TEX3D_RENDERTARGETVIEW>() == 12);
const _: () = assert!(size_of::<D3D10DDIARG_TEXCUBE_RENDERTARGETVIEW>() == 12);
const _: () = assert!(size_of::<D3D10DDIARG_CREATERENDERTARGETVIEW_0>() == 12);
const _: () = assert!(size_of::<D3D10DDIARG_CREATERENDERTARGETVIEW>() == 32);
const _: () = assert!(size_of::<D3D10DDIARG_TEX1D_DEPTHSTENCILVIEW>() == 12);
const _: () = assert!(size_of::<D3D10DDIARG_TEX2D_DEPTHSTENCILVIEW>() == 12);
const _: () = assert!(size_of::<D3D10DDIARG_TEXCUBE_DEPTHSTENCILVIEW>() == 12);
const _: () = assert!(size_of::<D3D11DDIARG_CREATEDEPTHSTENCILVIEW_0>() == 12);
const _: () = assert!(size_of::<D3D11DDIARG_CREATEDEPTHSTENCILVIEW>() == 32);
const _: () = assert!(size_of::<D3D11DDIARG_BUFFER_UNORDEREDACCESSVIEW>() == 12);
const _: () = assert!(size_of::<D3D11DDIARG_TEX1D_UNORDEREDACCESSVIEW>() == 12);
const _: () = assert!(size_of::<D3D11DDIARG_TEX2D_UNORDEREDACCESSVIEW>() == 12);
const _: () = assert!(size_of::<D3D11DDIARG_TEX3D_UNORDEREDACCESSVIEW>() == 12);
const _: () = assert!(size_of::<D3D11DDIARG_CREATEUNORDEREDACCESSVIEW_0>() == 12);
const _: () = assert!(size_of::<D3D11DDIARG_CREATEUNORDEREDACCESSVIEW>() == 32);
