//! Deferred contexts and command lists.
//!
//! A deferred context is a second [`D3D10DDI_HDEVICE`] with the same kind of function table.
#![expect(non_camel_case_types, non_snake_case, reason = "names are Microsoft's")]
#![expect(missing_docs, reason = "members keep Microsoft's names; the DDI reference describes each one")]

use crate::*;

/// Kind of driver object a typeless handle stands for.
pub type D3D11DDI_HANDLETYPE = u32;
pub const D3D10DDI_HT_RESOURCE: D3D11DDI_HANDLETYPE = 0;
pub const D3D10DDI_HT_SHADERRESOURCEVIEW: D3D11DDI_HANDLETYPE = 1;
pub const D3D10DDI_HT_RENDERTARGETVIEW: D3D11DDI_HANDLETYPE = 2;
pub const D3D10DDI_HT_DEPTHSTENCILVIEW: D3D11DDI_HANDLETYPE = 3;
pub const D3D10DDI_HT_SHADER: D3D11DDI_HANDLETYPE = 4;
pub const D3D10DDI_HT_ELEMENTLAYOUT: D3D11DDI_HANDLETYPE = 5;
pub const D3D10DDI_HT_BLENDSTATE: D3D11DDI_HANDLETYPE = 6;
pub const D3D10DDI_HT_DEPTHSTENCILSTATE: D3D11DDI_HANDLETYPE = 7;
pub const D3D10DDI_HT_RASTERIZERSTATE: D3D11DDI_HANDLETYPE = 8;
pub const D3D10DDI_HT_SAMPLERSTATE: D3D11DDI_HANDLETYPE = 9;
pub const D3D10DDI_HT_QUERY: D3D11DDI_HANDLETYPE = 10;
pub const D3D11DDI_HT_COMMANDLIST: D3D11DDI_HANDLETYPE = 11;
pub const D3D11DDI_HT_UNORDEREDACCESSVIEW: D3D11DDI_HANDLETYPE = 12;
pub const D3D11_1DDI_HT_DECODE: D3D11DDI_HANDLETYPE = 13;
pub const D3D11_1DDI_HT_VIDEOPROCESSORENUM: D3D11DDI_HANDLETYPE = 14;
pub const D3D11_1DDI_HT_VIDEOPROCESSOR: D3D11DDI_HANDLETYPE = 15;
pub const D3D11_1DDI_HT_VIDEODECODEROUTPUTVIEW: D3D11DDI_HANDLETYPE = 16;
pub const D3D11_1DDI_HT_VIDEOPROCESSORINPUTVIEW: D3D11DDI_HANDLETYPE = 17;
pub const D3D11_1DDI_HT_VIDEOPROCESSOROUTPUTVIEW: D3D11DDI_HANDLETYPE = 18;

/// Driver memory that one kind of object needs in a deferred context.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11DDI_HANDLESIZE {
    pub HandleType: D3D11DDI_HANDLETYPE,
    pub DriverPrivateSize: usize,
}

/// Argument of `CalcPrivateDeferredContextSize`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D11DDIARG_CALCPRIVATEDEFERREDCONTEXTSIZE {
    pub Flags: u32,
}

/// Argument of `CreateDeferredContext`; the device's interface says which arm of the union is live.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11DDIARG_CREATEDEFERREDCONTEXT {
    pub Anonymous: D3D11DDIARG_CREATEDEFERREDCONTEXT_0,
    pub hDrvContext: D3D10DDI_HDEVICE,
    pub hRTCoreLayer: D3D10DDI_HRTCORELAYER,
    pub p11UMCallbacks: *const D3D11DDI_CORELAYER_DEVICECALLBACKS,
    pub Flags: u32,
}

/// The anonymous union of [`D3D11DDIARG_CREATEDEFERREDCONTEXT`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union D3D11DDIARG_CREATEDEFERREDCONTEXT_0 {
    pub p11ContextFuncs: *mut D3D11DDI_DEVICEFUNCS,
    pub p11_1ContextFuncs: *mut D3D11_1DDI_DEVICEFUNCS,
    pub pWDDM1_3ContextFuncs: *mut D3DWDDM1_3DDI_DEVICEFUNCS,
}
union_impls!(D3D11DDIARG_CREATEDEFERREDCONTEXT_0, p11ContextFuncs);

/// Argument of `CreateCommandList`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11DDIARG_CREATECOMMANDLIST {
    pub hDeferredContext: D3D10DDI_HDEVICE,
}

/// Flags of the 11.1 `Flush`.
pub type D3D11_1_DDI_FLUSH_FLAGS = u32;
pub const D3D11_1DDI_FLUSH_UNLESS_NO_COMMANDS: D3D11_1_DDI_FLUSH_FLAGS = 1;
pub const D3DWDDM1_3DDI_TRIM_MEMORY: D3D11_1_DDI_FLUSH_FLAGS = 2;

// Sizes on x64, from the sources named in SOURCES.md.
const _: () = assert!(size_of::<D3D11DDI_HANDLESIZE>() == 16);
const _: () = assert!(size_of::<D3D11DDIARG_CALCPRIVATEDEFERREDCONTEXTSIZE>() == 4);
const _: () = assert!(size_of::<D3D11DDIARG_CREATEDEFERREDCONTEXT_0>() == 8);
const _: () = assert!(size_of::<D3D11DDIARG_CREATEDEFERREDCONTEXT>() == 40);
const _: () = assert!(size_of::<D3D11DDIARG_CREATECOMMANDLIST>() == 8);
