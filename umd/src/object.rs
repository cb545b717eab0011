//! The driver's objects as they lie in the memory that the runtime allocates for them.
//!
//! Most are a number: the object itself lives on the host. Resources and queries know more; see [`crate::resource`] and
//! [`crate::query`].

use core::ffi::c_void;

use pvgpu_protocol::command::NONE;
use pvgpu_umd_ddi::*;

/// A driver object behind a handle of the DDI.
pub trait Object: Sized {
    /// The DDI's handle of this kind of object.
    type Handle: Copy;

    /// The memory behind a handle; null when the handle names no object.
    fn memory(handle: Self::Handle) -> *mut c_void;

    /// The object's number in the context.
    fn id(&self) -> u32;
}

/// The number of an object that may be absent.
#[inline]
pub fn id_or_none<T: Object>(object: Option<&T>) -> u32 {
    object.map_or(NONE, Object::id)
}

macro_rules! handles {
    ($($type:path: $handle:ident),+ $(,)?) => {$(
        impl Object for $type {
            type Handle = $handle;

            #[inline]
            fn memory(handle: $handle) -> *mut c_void {
                handle.0
            }

            #[inline]
            fn id(&self) -> u32 {
                self.id
            }
        }
    )+};
}

macro_rules! numbered {
    ($($(#[$doc:meta])* $name:ident: $handle:ident),+ $(,)?) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name {
                pub(crate) id: u32,
            }
        )+

        handles! { $($name: $handle),+ }
    };
}

numbered! {
    /// A shader-resource view.
    ShaderResourceView: D3D10DDI_HSHADERRESOURCEVIEW,
    /// A render-target view.
    RenderTargetView: D3D10DDI_HRENDERTARGETVIEW,
    /// A depth-stencil view.
    DepthStencilView: D3D10DDI_HDEPTHSTENCILVIEW,
    /// An unordered-access view.
    UnorderedAccessView: D3D11DDI_HUNORDEREDACCESSVIEW,
    /// A shader of any stage.
    Shader: D3D10DDI_HSHADER,
    /// A vertex layout.
    ElementLayout: D3D10DDI_HELEMENTLAYOUT,
    /// A blend state.
    BlendState: D3D10DDI_HBLENDSTATE,
    /// A depth-stencil state.
    DepthStencilState: D3D10DDI_HDEPTHSTENCILSTATE,
    /// A rasterizer state.
    RasterizerState: D3D10DDI_HRASTERIZERSTATE,
    /// A sampler.
    Sampler: D3D10DDI_HSAMPLER,
}

handles! {
    crate::resource::Resource: D3D10DDI_HRESOURCE,
    crate::query::Query: D3D10DDI_HQUERY,
}
