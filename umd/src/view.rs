//! Views of resources.

use pvgpu_protocol::command::{CreateView, ViewRange, view_kind};

use crate::device::Device;
use crate::error::Error;
use crate::object::{DepthStencilView, RenderTargetView, ShaderResourceView, UnorderedAccessView};
use crate::resource::Resource;

/// Elements of a buffer that are rendered to at a time: the texels of the widest texture.
const MAX_LINE: u32 = 16384;

/// What the four kinds of view creation have in common.
#[derive(Clone, Copy, Debug)]
pub struct Description<'r> {
    /// The resource shown.
    pub resource: &'r Resource,
    /// `DXGI_FORMAT`.
    pub format: u32,
    /// The part shown.
    pub range: ViewRange,
}

macro_rules! creators {
    ($($(#[$doc:meta])* $method:ident: $kind:ident -> $object:ident;)+) => {
        impl Device {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`Error::Unsupported`] for formats that the host does not show; [`Error::OutOfMemory`], [`Error::DeviceRemoved`].
            pub fn $method(&mut self, description: Description<'_>) -> Result<$object, Error> {
                self.create_view(view_kind::$kind, description, |id| $object { id })
            }
        )+}
    };
}

creators! {
    /// `CreateShaderResourceView`.
    create_shader_resource_view: SHADER_RESOURCE -> ShaderResourceView;
    /// `CreateRenderTargetView`.
    create_render_target_view: RENDER_TARGET -> RenderTargetView;
    /// `CreateDepthStencilView`.
    create_depth_stencil_view: DEPTH_STENCIL -> DepthStencilView;
    /// `CreateUnorderedAccessView`.
    create_unordered_access_view: UNORDERED_ACCESS -> UnorderedAccessView;
}

impl Device {
    fn create_view<T>(
        &mut self,
        kind: u32,
        Description { resource, format, range }: Description<'_>,
        object: impl FnOnce(u32) -> T,
    ) -> Result<T, Error> {
        if resource.is_buffer
            && kind == view_kind::RENDER_TARGET
            && (range.num_elements > MAX_LINE || !self.caps.has_render_target(format))
        {
            return Err(Error::Unsupported("buffers of this size or format as render targets"));
        }
        if !resource.is_buffer && !self.caps.has_view(format) {
            return Err(Error::Unsupported("views of this format"));
        }
        let resource = resource.id;
        self.create(|context, id| context.emit(&CreateView { id, resource, kind, format, range }), object)
    }
}
