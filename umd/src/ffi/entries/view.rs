//! Views: the runtime's unions become plain ranges.

use core::ffi::c_void;

use pvgpu_protocol::command::{Rect, ViewRange, dimension};
use pvgpu_umd_ddi::*;

use crate::error::Error;
use crate::ffi::argument::{Argument, In, List, Place, Ref, Runtime, Taken, entries, entry_index};
use crate::object::{DepthStencilView, Object, RenderTargetView, ShaderResourceView, UnorderedAccessView};
use crate::resource::Resource;
use crate::view::Description;

/// A view dimension that the DDI does not have for this kind of view.
const BAD_DIMENSION: Error = Error::BadArgument("the dimension of a view");

/// Reads the arm of a view's union that its dimension names.
macro_rules! arm {
    ($desc:ident.$arm:ident) => {
        // SAFETY: the runtime fills the arm that `ResourceDimension` names, and every arm is plain integers.
        unsafe { $desc.Anonymous.$arm }
    };
}

/// The range of a view of one mip.
fn one_mip(dimension: u32, most_detailed_mip: u32, first_array_slice: u32, array_size: u32) -> ViewRange {
    ViewRange {
        dimension,
        most_detailed_mip,
        mip_levels: 1,
        first_array_slice,
        array_size,
        ..Default::default()
    }
}

/// The range of a view of a buffer.
fn elements(dimension: u32, first_element: u32, num_elements: u32, flags: u32) -> ViewRange {
    ViewRange { dimension, first_element, num_elements, flags, ..Default::default() }
}

fn shader_resource_range(desc: &D3D11DDIARG_CREATESHADERRESOURCEVIEW) -> Result<ViewRange, Error> {
    let dimension = desc.ResourceDimension;
    let mips = |most_detailed_mip, mip_levels, first_array_slice, array_size| ViewRange {
        dimension,
        most_detailed_mip,
        mip_levels,
        first_array_slice,
        array_size,
        ..Default::default()
    };
    Ok(match dimension {
        dimension::BUFFER => {
            let arm = arm!(desc.Buffer);
            elements(dimension, arm.FirstElement, arm.NumElements, 0)
        }
        dimension::BUFFEREX => {
            let arm = arm!(desc.BufferEx);
            elements(dimension, arm.FirstElement, arm.NumElements, arm.Flags)
        }
        dimension::TEXTURE1D => {
            let arm = arm!(desc.Tex1D);
            mips(arm.MostDetailedMip, arm.MipLevels, arm.FirstArraySlice, arm.ArraySize)
        }
        dimension::TEXTURE2D => {
            let arm = arm!(desc.Tex2D);
            mips(arm.MostDetailedMip, arm.MipLevels, arm.FirstArraySlice, arm.ArraySize)
        }
        dimension::TEXTURE3D => {
            let arm = arm!(desc.Tex3D);
            mips(arm.MostDetailedMip, arm.MipLevels, 0, 1)
        }
        dimension::TEXTURECUBE => {
            let arm = arm!(desc.TexCube);
            mips(arm.MostDetailedMip, arm.MipLevels, arm.First2DArrayFace, arm.NumCubes.saturating_mul(6))
        }
        _ => return Err(BAD_DIMENSION),
    })
}

fn render_target_range(desc: &D3D10DDIARG_CREATERENDERTARGETVIEW) -> Result<ViewRange, Error> {
    let dimension = desc.ResourceDimension;
    Ok(match dimension {
        dimension::BUFFER => {
            let arm = arm!(desc.Buffer);
            elements(dimension, arm.FirstElement, arm.NumElements, 0)
        }
        dimension::TEXTURE1D => {
            let arm = arm!(desc.Tex1D);
            one_mip(dimension, arm.MipSlice, arm.FirstArraySlice, arm.ArraySize)
        }
        dimension::TEXTURE2D => {
            let arm = arm!(desc.Tex2D);
            one_mip(dimension, arm.MipSlice, arm.FirstArraySlice, arm.ArraySize)
        }
        dimension::TEXTURE3D => {
            let arm = arm!(desc.Tex3D);
            one_mip(dimension, arm.MipSlice, arm.FirstW, arm.WSize)
        }
        dimension::TEXTURECUBE => {
            let arm = arm!(desc.TexCube);
            one_mip(dimension, arm.MipSlice, arm.FirstArraySlice, arm.ArraySize)
        }
        _ => return Err(BAD_DIMENSION),
    })
}

fn depth_stencil_range(desc: &D3D11DDIARG_CREATEDEPTHSTENCILVIEW) -> Result<ViewRange, Error> {
    let dimension = desc.ResourceDimension;
    let range = match dimension {
        dimension::TEXTURE1D => {
            let arm = arm!(desc.Tex1D);
            one_mip(dimension, arm.MipSlice, arm.FirstArraySlice, arm.ArraySize)
        }
        dimension::TEXTURE2D => {
            let arm = arm!(desc.Tex2D);
            one_mip(dimension, arm.MipSlice, arm.FirstArraySlice, arm.ArraySize)
        }
        dimension::TEXTURECUBE => {
            let arm = arm!(desc.TexCube);
            one_mip(dimension, arm.MipSlice, arm.FirstArraySlice, arm.ArraySize)
        }
        _ => return Err(BAD_DIMENSION),
    };
    Ok(ViewRange { flags: desc.Flags, ..range })
}

fn unordered_access_range(desc: &D3D11DDIARG_CREATEUNORDEREDACCESSVIEW) -> Result<ViewRange, Error> {
    let dimension = desc.ResourceDimension;
    Ok(match dimension {
        dimension::BUFFER => {
            let arm = arm!(desc.Buffer);
            elements(dimension, arm.FirstElement, arm.NumElements, arm.Flags)
        }
        dimension::TEXTURE1D => {
            let arm = arm!(desc.Tex1D);
            one_mip(dimension, arm.MipSlice, arm.FirstArraySlice, arm.ArraySize)
        }
        dimension::TEXTURE2D => {
            let arm = arm!(desc.Tex2D);
            one_mip(dimension, arm.MipSlice, arm.FirstArraySlice, arm.ArraySize)
        }
        dimension::TEXTURE3D => {
            let arm = arm!(desc.Tex3D);
            one_mip(dimension, arm.MipSlice, arm.FirstW, arm.WSize)
        }
        _ => return Err(BAD_DIMENSION),
    })
}

/// Declares creation and destruction of one kind of view.
macro_rules! view_entries {
    ($($(#[$doc:meta])* $create:ident at $create_member:ident, $destroy:ident at $destroy_member:ident:
        $object:ident from $desc:ident by $range:ident via $runtime:ident;)+) => {
        entries! {$(
            $(#[$doc])*
            $create at entry_index!($create_member) =>
            |device, desc: In<$desc>, place: Place<$object>, _rt: Runtime<$runtime>| {
                // SAFETY: the handle is the runtime's.
                let resource = unsafe { Ref::<Resource>::take(desc.hDrvResource) }?;
                let range = $range(&desc)?;
                let description = Description { resource: &resource, format: desc.Format, range };
                device.$create(description).map(|view| place.put(view))
            };

            /// Its destruction.
            $destroy at entry_index!($destroy_member) =>
            |device, view: Taken<$object>| device.destroy(view.0.id());
        )+}
    };
}

view_entries! {
    /// `pfnCreateShaderResourceView`.
    create_shader_resource_view at pfnCreateShaderResourceView,
    destroy_shader_resource_view at pfnDestroyShaderResourceView:
    ShaderResourceView from D3D11DDIARG_CREATESHADERRESOURCEVIEW by shader_resource_range
    via D3D10DDI_HRTSHADERRESOURCEVIEW;

    /// `pfnCreateRenderTargetView`.
    create_render_target_view at pfnCreateRenderTargetView,
    destroy_render_target_view at pfnDestroyRenderTargetView:
    RenderTargetView from D3D10DDIARG_CREATERENDERTARGETVIEW by render_target_range
    via D3D10DDI_HRTRENDERTARGETVIEW;

    /// `pfnCreateDepthStencilView`.
    create_depth_stencil_view at pfnCreateDepthStencilView,
    destroy_depth_stencil_view at pfnDestroyDepthStencilView:
    DepthStencilView from D3D11DDIARG_CREATEDEPTHSTENCILVIEW by depth_stencil_range
    via D3D10DDI_HRTDEPTHSTENCILVIEW;

    /// `pfnCreateUnorderedAccessView`.
    create_unordered_access_view at pfnCreateUnorderedAccessView,
    destroy_unordered_access_view at pfnDestroyUnorderedAccessView:
    UnorderedAccessView from D3D11DDIARG_CREATEUNORDEREDACCESSVIEW by unordered_access_range
    via D3D11DDI_HRTUNORDEREDACCESSVIEW;
}

entries! {
    /// `pfnClearView`.
    clear_view at entry_index!(pfnClearView) =>
    |device, kind: u32, view: Runtime<*mut c_void>, color: List<f32>, rects: List<D3D10_DDI_RECT>, count: u32| {
        // SAFETY: a clear's color has four components.
        let color: [f32; 4] = unsafe { color.get(4) }.first_chunk().copied().unwrap_or_default();
        // SAFETY: the count comes with the list.
        let rects = unsafe { rects.get(count) };
        let rects = || rects.iter().map(|rect| Rect {
            left: rect.left,
            top: rect.top,
            right: rect.right,
            bottom: rect.bottom,
        });
        let id = match kind {
            D3D10DDI_HT_RENDERTARGETVIEW => {
                // SAFETY: the kind says what the handle is.
                unsafe { Ref::<RenderTargetView>::take(D3D10DDI_HRENDERTARGETVIEW(view.0)) }?.id()
            }
            D3D11DDI_HT_UNORDEREDACCESSVIEW => {
                // SAFETY: the kind says what the handle is.
                unsafe { Ref::<UnorderedAccessView>::take(D3D11DDI_HUNORDEREDACCESSVIEW(view.0)) }?.id()
            }
            D3D10DDI_HT_DEPTHSTENCILVIEW => {
                // SAFETY: the kind says what the handle is.
                unsafe { Ref::<DepthStencilView>::take(D3D10DDI_HDEPTHSTENCILVIEW(view.0)) }?.id()
            }
            _ => return Err(Error::Unsupported("ClearView of this kind of view")),
        };
        device.clear_view(id, color, rects())
    };
}
