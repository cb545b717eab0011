//! The four view descriptions: defaults, checks, and what the DDI gets.
//!
//! `D3D11_*_VIEW_DESC` structs are a format, a dimension, flags (depth-stencil views only) and a union of at most four
//! 32-bit numbers. [`Desc`] is that as plain integers, so one set of rules serves all four.

use pvgpu_protocol::format as blocks;
use pvgpu_umd_ddi::{
    D3D10_1DDIARG_TEXCUBE_SHADERRESOURCEVIEW, D3D10DDI_HRESOURCE, D3D10DDIARG_BUFFER_RENDERTARGETVIEW,
    D3D10DDIARG_BUFFER_SHADERRESOURCEVIEW, D3D10DDIARG_CREATERENDERTARGETVIEW,
    D3D10DDIARG_CREATERENDERTARGETVIEW_0, D3D10DDIARG_TEX1D_DEPTHSTENCILVIEW,
    D3D10DDIARG_TEX1D_RENDERTARGETVIEW, D3D10DDIARG_TEX1D_SHADERRESOURCEVIEW,
    D3D10DDIARG_TEX2D_DEPTHSTENCILVIEW, D3D10DDIARG_TEX2D_RENDERTARGETVIEW,
    D3D10DDIARG_TEX2D_SHADERRESOURCEVIEW, D3D10DDIARG_TEX3D_RENDERTARGETVIEW,
    D3D10DDIARG_TEX3D_SHADERRESOURCEVIEW, D3D10DDIARG_TEXCUBE_DEPTHSTENCILVIEW,
    D3D10DDIARG_TEXCUBE_RENDERTARGETVIEW, D3D10DDIRESOURCE_BUFFER, D3D10DDIRESOURCE_TEXTURE1D,
    D3D10DDIRESOURCE_TEXTURE2D, D3D10DDIRESOURCE_TEXTURE3D, D3D10DDIRESOURCE_TEXTURECUBE,
    D3D11DDIARG_BUFFER_UNORDEREDACCESSVIEW, D3D11DDIARG_BUFFEREX_SHADERRESOURCEVIEW,
    D3D11DDIARG_CREATEDEPTHSTENCILVIEW, D3D11DDIARG_CREATEDEPTHSTENCILVIEW_0,
    D3D11DDIARG_CREATESHADERRESOURCEVIEW, D3D11DDIARG_CREATESHADERRESOURCEVIEW_0,
    D3D11DDIARG_CREATEUNORDEREDACCESSVIEW, D3D11DDIARG_CREATEUNORDEREDACCESSVIEW_0,
    D3D11DDIARG_TEX1D_UNORDEREDACCESSVIEW, D3D11DDIARG_TEX2D_UNORDEREDACCESSVIEW,
    D3D11DDIARG_TEX3D_UNORDEREDACCESSVIEW, D3D11DDIRESOURCE_BUFFEREX,
};

use super::resource::{bind, misc};
use super::subresource::level_size;
use super::texture::Dimension;
use super::{buffer, texture};
use crate::format;
use crate::hresult::{E_INVALIDARG, Result, require};

/// "All that is left" in a count of levels or slices.
const REST: u32 = u32::MAX;
/// `D3D11_BUFFEREX_SRV_FLAG_RAW` and `D3D11_BUFFER_UAV_FLAG_RAW`.
const RAW: u32 = 1;
/// `D3D11_BUFFER_UAV_FLAG_APPEND | D3D11_BUFFER_UAV_FLAG_COUNTER`.
const COUNTED: u32 = 6;

/// Which of the four views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `ID3D11ShaderResourceView`.
    ShaderResource,
    /// `ID3D11RenderTargetView`.
    RenderTarget,
    /// `ID3D11DepthStencilView`.
    DepthStencil,
    /// `ID3D11UnorderedAccessView`.
    UnorderedAccess,
}

/// What is viewed.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A buffer.
    Buffer(buffer::Desc),
    /// A texture.
    Texture(texture::Desc),
}

/// A view description in the API's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Desc {
    /// `DXGI_FORMAT`; `UNKNOWN` takes the resource's.
    pub format: u32,
    /// The class's own `D3D11_*_DIMENSION`.
    pub dimension: u32,
    /// `D3D11_DSV_FLAG`; 0 for other classes.
    pub flags: u32,
    /// The union's members in order.
    pub args: [u32; 4],
}

/// How a view sees its resource: the same for all classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Buffer,
    BufferEx,
    Tex1D,
    Tex1DArray,
    Tex2D,
    Tex2DArray,
    Tex2DMs,
    Tex2DMsArray,
    Tex3D,
    Cube,
    CubeArray,
}

/// The subresources that a view covers, for hazards; a buffer is level 0 of slice 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// First mip level.
    pub first_mip: u32,
    /// Mip levels.
    pub mips: u32,
    /// First array slice (3D textures: 0, a level is one subresource).
    pub first_slice: u32,
    /// Array slices.
    pub slices: u32,
}

impl Range {
    /// Whether two ranges of one resource share a subresource.
    pub const fn overlaps(&self, other: &Self) -> bool {
        self.first_mip < other.first_mip + other.mips
            && other.first_mip < self.first_mip + self.mips
            && self.first_slice < other.first_slice + other.slices
            && other.first_slice < self.first_slice + self.slices
    }
}

/// A checked view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// What `GetDesc` returns: every default replaced.
    pub desc: Desc,
    /// What the view covers.
    pub range: Range,
    /// Depth-stencil views: the array slices; others: the same as in `range`, but depth slices of a 3D texture.
    first_w: u32,
    w_count: u32,
    kind: Kind,
    class: Class,
    cube: bool,
    structured: bool,
}

impl View {
    /// Checks a description against its resource; `None` asks for a view of everything.
    ///
    /// # Errors
    /// `E_INVALIDARG`: the resource was not made for such views, or the format, dimension or range does not fit.
    pub fn new(class: Class, shape: &Shape, desc: Option<Desc>) -> Result<Self> {
        let bound = match shape {
            Shape::Buffer(buffer) => buffer.flags.bind,
            Shape::Texture(texture) => texture.flags.bind,
        };
        require(bound & class.bind_flag() != 0)?;
        let desc = match desc {
            Some(desc) => desc,
            None => default_desc(class, shape)?,
        };
        let kind = kind(class, desc.dimension)?;
        match shape {
            Shape::Buffer(buffer) => Self::of_buffer(class, buffer, desc, kind),
            Shape::Texture(texture) => Self::of_texture(class, texture, desc, kind),
        }
    }

    fn of_buffer(class: Class, buffer: &buffer::Desc, desc: Desc, kind: Kind) -> Result<Self> {
        require(matches!(kind, Kind::Buffer | Kind::BufferEx) && class != Class::DepthStencil)?;
        let [first, count, flags, _] = desc.args;
        let flags = match (class, kind) {
            (Class::ShaderResource, Kind::BufferEx) => {
                require(flags & !RAW == 0)?;
                flags
            }
            (Class::UnorderedAccess, _) => {
                require(flags & !(RAW | COUNTED) == 0 && flags & COUNTED != COUNTED)?;
                flags
            }
            _ => 0,
        };
        let structured = buffer.stride != 0;
        let element = if structured {
            require(desc.format == format::UNKNOWN && flags & RAW == 0 && class != Class::RenderTarget)?;
            buffer.stride
        } else if flags & RAW != 0 {
            require(buffer.flags.misc & misc::BUFFER_ALLOW_RAW_VIEWS != 0)?;
            require(desc.format == format::R32_TYPELESS)?;
            4
        } else {
            // Typed elements may be named by either dimension.
            require(!format::is_typeless(desc.format))?;
            blocks::info(desc.format).ok_or(E_INVALIDARG)?.block_bytes
        };
        require(flags & COUNTED == 0 || structured)?;
        let end = first.checked_add(count).ok_or(E_INVALIDARG)?;
        require(count != 0 && end <= buffer.byte_width / element)?;
        Ok(Self {
            desc: Desc { flags: 0, args: [first, count, flags, 0], ..desc },
            range: Range { first_mip: 0, mips: 1, first_slice: 0, slices: 1 },
            first_w: first,
            w_count: count,
            kind,
            class,
            cube: false,
            structured,
        })
    }

    fn of_texture(class: Class, texture: &texture::Desc, mut desc: Desc, kind: Kind) -> Result<Self> {
        if desc.format == format::UNKNOWN {
            desc.format = texture.format;
        }
        require(match class {
            _ if texture.back_buffer => format::can_view_back_buffer(texture.format, desc.format),
            _ if format::is_video(texture.format) => {
                format::can_view_video(texture.format, desc.format, class == Class::UnorderedAccess)
            }
            Class::UnorderedAccess => format::can_view_unordered(texture.format, desc.format),
            _ => format::can_view(texture.format, desc.format),
        })?;
        require(format::is_depth(desc.format) == (class == Class::DepthStencil))?;
        require(desc.flags & !3 == 0)?;
        let multisampled = texture.sample_count > 1;
        let dimension = match kind {
            Kind::Buffer | Kind::BufferEx => return Err(E_INVALIDARG),
            Kind::Tex1D | Kind::Tex1DArray => Dimension::One,
            Kind::Tex3D => Dimension::Three,
            _ => Dimension::Two,
        };
        require(dimension == texture.dimension)?;
        // A texture of one sample can be viewed as a multisampled one, but not the other way around.
        require(!multisampled || matches!(kind, Kind::Tex2DMs | Kind::Tex2DMsArray))?;
        let cube = matches!(kind, Kind::Cube | Kind::CubeArray);
        require(!cube || texture.is_cube())?;

        // The union: where the levels and the slices stand in it depends on the class.
        let args = &mut desc.args;
        let (first_mip, mips, slices_at) = match (class, kind) {
            (_, Kind::Tex2DMs | Kind::Tex2DMsArray) => (0, 1, 0),
            (Class::ShaderResource, _) => {
                let [first, count, ..] = args;
                let left = texture.mip_levels.checked_sub(*first).ok_or(E_INVALIDARG)?;
                if *count == REST {
                    *count = left;
                }
                require((1..=left).contains(count))?;
                (*first, *count, 2)
            }
            _ => {
                let [mip, ..] = args;
                require(*mip < texture.mip_levels)?;
                (*mip, 1, 1)
            }
        };
        let available = texture.slices(first_mip);
        let arrayed =
            matches!(kind, Kind::Tex1DArray | Kind::Tex2DArray | Kind::Tex2DMsArray | Kind::CubeArray)
                || (kind == Kind::Tex3D && class != Class::ShaderResource);
        let (first_w, w_count) = match (arrayed, kind) {
            (true, _) => {
                // PANIC: `slices_at` is 0, 1 or 2 of 4.
                let first = args[slices_at];
                let count = &mut args[slices_at + 1];
                let left = available.checked_sub(first).ok_or(E_INVALIDARG)?;
                let (unit, room) = if cube { (6, left / 6) } else { (1, left) };
                if *count == REST {
                    *count = room;
                }
                require((1..=room).contains(count))?;
                (first, *count * unit)
            }
            (false, Kind::Cube) => {
                require(available >= 6)?;
                (0, 6)
            }
            (false, Kind::Tex3D) => (0, available),
            (false, _) => (0, 1),
        };
        let range = match kind {
            Kind::Tex3D => Range { first_mip, mips, first_slice: 0, slices: 1 },
            _ => Range { first_mip, mips, first_slice: first_w, slices: w_count },
        };
        if class != Class::DepthStencil {
            desc.flags = 0;
        }
        clear_unused(&mut desc.args, slices_at, arrayed, kind);
        let cube = texture.is_cube();
        Ok(Self { desc, range, first_w, w_count, kind, class, cube, structured: false })
    }

    /// Whether `ClearView` may clear it: a buffer needs a format, and depth must be alone.
    pub const fn has_clear_color(&self) -> bool {
        match self.class {
            Class::RenderTarget => true,
            Class::DepthStencil => matches!(self.desc.format, 40 | 55),
            Class::UnorderedAccess => {
                let [_, _, flags, _] = self.desc.args;
                !(self.structured || matches!(self.kind, Kind::Buffer | Kind::BufferEx) && flags & RAW != 0)
            }
            Class::ShaderResource => false,
        }
    }

    /// Whether it has a hidden counter.
    pub const fn is_counted(&self) -> bool {
        let [_, _, flags, _] = self.desc.args;
        self.structured && matches!(self.class, Class::UnorderedAccess) && flags & COUNTED != 0
    }

    /// The argument of the DDI's `CreateShaderResourceView`.
    pub fn shader_resource(&self, resource: D3D10DDI_HRESOURCE) -> D3D11DDIARG_CREATESHADERRESOURCEVIEW {
        type Union = D3D11DDIARG_CREATESHADERRESOURCEVIEW_0;
        debug_assert_eq!(self.class, Class::ShaderResource);
        let [first, count, flags, _] = self.desc.args;
        let Range { first_mip, mips, first_slice, slices } = self.range;
        let (dimension, arm) = match self.kind {
            Kind::Buffer | Kind::BufferEx if !self.structured && flags & RAW == 0 => {
                let view = D3D10DDIARG_BUFFER_SHADERRESOURCEVIEW { FirstElement: first, NumElements: count };
                (D3D10DDIRESOURCE_BUFFER, Union { Buffer: view })
            }
            Kind::Buffer | Kind::BufferEx => {
                let view = D3D11DDIARG_BUFFEREX_SHADERRESOURCEVIEW {
                    FirstElement: first,
                    NumElements: count,
                    Flags: flags,
                };
                (D3D11DDIRESOURCE_BUFFEREX, Union { BufferEx: view })
            }
            Kind::Tex1D | Kind::Tex1DArray => {
                let view = D3D10DDIARG_TEX1D_SHADERRESOURCEVIEW {
                    MostDetailedMip: first_mip,
                    FirstArraySlice: first_slice,
                    MipLevels: mips,
                    ArraySize: slices,
                };
                (D3D10DDIRESOURCE_TEXTURE1D, Union { Tex1D: view })
            }
            Kind::Tex2D | Kind::Tex2DArray | Kind::Tex2DMs | Kind::Tex2DMsArray => {
                let view = D3D10DDIARG_TEX2D_SHADERRESOURCEVIEW {
                    MostDetailedMip: first_mip,
                    FirstArraySlice: first_slice,
                    MipLevels: mips,
                    ArraySize: slices,
                };
                (D3D10DDIRESOURCE_TEXTURE2D, Union { Tex2D: view })
            }
            Kind::Tex3D => {
                let view =
                    D3D10DDIARG_TEX3D_SHADERRESOURCEVIEW { MostDetailedMip: first_mip, MipLevels: mips };
                (D3D10DDIRESOURCE_TEXTURE3D, Union { Tex3D: view })
            }
            Kind::Cube | Kind::CubeArray => {
                let view = D3D10_1DDIARG_TEXCUBE_SHADERRESOURCEVIEW {
                    MostDetailedMip: first_mip,
                    MipLevels: mips,
                    First2DArrayFace: first_slice,
                    NumCubes: slices / 6,
                };
                (D3D10DDIRESOURCE_TEXTURECUBE, Union { TexCube: view })
            }
        };
        D3D11DDIARG_CREATESHADERRESOURCEVIEW {
            hDrvResource: resource,
            Format: self.desc.format,
            ResourceDimension: dimension,
            Anonymous: arm,
        }
    }

    /// The argument of the DDI's `CreateRenderTargetView`. Slices of a cube are faces of the cube dimension.
    pub fn render_target(&self, resource: D3D10DDI_HRESOURCE) -> D3D10DDIARG_CREATERENDERTARGETVIEW {
        type Union = D3D10DDIARG_CREATERENDERTARGETVIEW_0;
        debug_assert_eq!(self.class, Class::RenderTarget);
        let (mip, first, count) = (self.range.first_mip, self.first_w, self.w_count);
        let (dimension, arm) = match self.kind {
            Kind::Buffer | Kind::BufferEx => {
                let view = D3D10DDIARG_BUFFER_RENDERTARGETVIEW { FirstElement: first, NumElements: count };
                (D3D10DDIRESOURCE_BUFFER, Union { Buffer: view })
            }
            Kind::Tex1D | Kind::Tex1DArray => {
                let view = D3D10DDIARG_TEX1D_RENDERTARGETVIEW {
                    MipSlice: mip,
                    FirstArraySlice: first,
                    ArraySize: count,
                };
                (D3D10DDIRESOURCE_TEXTURE1D, Union { Tex1D: view })
            }
            Kind::Tex3D => {
                let view = D3D10DDIARG_TEX3D_RENDERTARGETVIEW { MipSlice: mip, FirstW: first, WSize: count };
                (D3D10DDIRESOURCE_TEXTURE3D, Union { Tex3D: view })
            }
            _ if self.cube => {
                let view = D3D10DDIARG_TEXCUBE_RENDERTARGETVIEW {
                    MipSlice: mip,
                    FirstArraySlice: first,
                    ArraySize: count,
                };
                (D3D10DDIRESOURCE_TEXTURECUBE, Union { TexCube: view })
            }
            _ => {
                let view = D3D10DDIARG_TEX2D_RENDERTARGETVIEW {
                    MipSlice: mip,
                    FirstArraySlice: first,
                    ArraySize: count,
                };
                (D3D10DDIRESOURCE_TEXTURE2D, Union { Tex2D: view })
            }
        };
        D3D10DDIARG_CREATERENDERTARGETVIEW {
            hDrvResource: resource,
            Format: self.desc.format,
            ResourceDimension: dimension,
            Anonymous: arm,
        }
    }

    /// The argument of the DDI's `CreateDepthStencilView`.
    pub fn depth_stencil(&self, resource: D3D10DDI_HRESOURCE) -> D3D11DDIARG_CREATEDEPTHSTENCILVIEW {
        type Union = D3D11DDIARG_CREATEDEPTHSTENCILVIEW_0;
        debug_assert_eq!(self.class, Class::DepthStencil);
        let (mip, first, count) = (self.range.first_mip, self.first_w, self.w_count);
        let (dimension, arm) = match self.kind {
            Kind::Tex1D | Kind::Tex1DArray => {
                let view = D3D10DDIARG_TEX1D_DEPTHSTENCILVIEW {
                    MipSlice: mip,
                    FirstArraySlice: first,
                    ArraySize: count,
                };
                (D3D10DDIRESOURCE_TEXTURE1D, Union { Tex1D: view })
            }
            _ if self.cube => {
                let view = D3D10DDIARG_TEXCUBE_DEPTHSTENCILVIEW {
                    MipSlice: mip,
                    FirstArraySlice: first,
                    ArraySize: count,
                };
                (D3D10DDIRESOURCE_TEXTURECUBE, Union { TexCube: view })
            }
            _ => {
                let view = D3D10DDIARG_TEX2D_DEPTHSTENCILVIEW {
                    MipSlice: mip,
                    FirstArraySlice: first,
                    ArraySize: count,
                };
                (D3D10DDIRESOURCE_TEXTURE2D, Union { Tex2D: view })
            }
        };
        D3D11DDIARG_CREATEDEPTHSTENCILVIEW {
            hDrvResource: resource,
            Format: self.desc.format,
            ResourceDimension: dimension,
            Flags: self.desc.flags,
            Anonymous: arm,
        }
    }

    /// The argument of the DDI's `CreateUnorderedAccessView`.
    pub fn unordered_access(&self, resource: D3D10DDI_HRESOURCE) -> D3D11DDIARG_CREATEUNORDEREDACCESSVIEW {
        type Union = D3D11DDIARG_CREATEUNORDEREDACCESSVIEW_0;
        debug_assert_eq!(self.class, Class::UnorderedAccess);
        let (mip, first, count) = (self.range.first_mip, self.first_w, self.w_count);
        let (dimension, arm) = match self.kind {
            Kind::Buffer | Kind::BufferEx => {
                let [.., flags, _] = self.desc.args;
                let view = D3D11DDIARG_BUFFER_UNORDEREDACCESSVIEW {
                    FirstElement: first,
                    NumElements: count,
                    Flags: flags,
                };
                (D3D10DDIRESOURCE_BUFFER, Union { Buffer: view })
            }
            Kind::Tex1D | Kind::Tex1DArray => {
                let view = D3D11DDIARG_TEX1D_UNORDEREDACCESSVIEW {
                    MipSlice: mip,
                    FirstArraySlice: first,
                    ArraySize: count,
                };
                (D3D10DDIRESOURCE_TEXTURE1D, Union { Tex1D: view })
            }
            Kind::Tex3D => {
                let view =
                    D3D11DDIARG_TEX3D_UNORDEREDACCESSVIEW { MipSlice: mip, FirstW: first, WSize: count };
                (D3D10DDIRESOURCE_TEXTURE3D, Union { Tex3D: view })
            }
            _ => {
                let view = D3D11DDIARG_TEX2D_UNORDEREDACCESSVIEW {
                    MipSlice: mip,
                    FirstArraySlice: first,
                    ArraySize: count,
                };
                (D3D10DDIRESOURCE_TEXTURE2D, Union { Tex2D: view })
            }
        };
        D3D11DDIARG_CREATEUNORDEREDACCESSVIEW {
            hDrvResource: resource,
            Format: self.desc.format,
            ResourceDimension: dimension,
            Anonymous: arm,
        }
    }
}

impl Class {
    const fn bind_flag(self) -> u32 {
        match self {
            Self::ShaderResource => bind::SHADER_RESOURCE,
            Self::RenderTarget => bind::RENDER_TARGET,
            Self::DepthStencil => bind::DEPTH_STENCIL,
            Self::UnorderedAccess => bind::UNORDERED_ACCESS,
        }
    }
}

/// Zeroes the union's members that the dimension does not have, as `GetDesc` shows them.
fn clear_unused(args: &mut [u32; 4], slices_at: usize, arrayed: bool, kind: Kind) {
    let used = match (kind, arrayed) {
        (Kind::Tex2DMs, _) => 0,
        (_, true) => slices_at + 2,
        (_, false) => slices_at,
    };
    for arg in args.iter_mut().skip(used) {
        *arg = 0;
    }
}

/// The kind that a class's dimension number means.
fn kind(class: Class, dimension: u32) -> Result<Kind> {
    // Depth-stencil views have no buffer dimension, so their numbers are one lower.
    let number = if class == Class::DepthStencil { dimension.wrapping_add(1) } else { dimension };
    let kind = match number {
        1 if class != Class::DepthStencil => Kind::Buffer,
        2 => Kind::Tex1D,
        3 => Kind::Tex1DArray,
        4 => Kind::Tex2D,
        5 => Kind::Tex2DArray,
        6 => Kind::Tex2DMs,
        7 => Kind::Tex2DMsArray,
        8 => Kind::Tex3D,
        9 => Kind::Cube,
        10 => Kind::CubeArray,
        11 => Kind::BufferEx,
        _ => return Err(E_INVALIDARG),
    };
    let exists = match class {
        Class::ShaderResource => true,
        Class::RenderTarget => number <= 8,
        Class::DepthStencil => number <= 7,
        Class::UnorderedAccess => number <= 8 && !matches!(kind, Kind::Tex2DMs | Kind::Tex2DMsArray),
    };
    if exists { Ok(kind) } else { Err(E_INVALIDARG) }
}

/// The description that a null pointer stands for: everything, in the resource's format.
fn default_desc(class: Class, shape: &Shape) -> Result<Desc> {
    match shape {
        Shape::Buffer(buffer) => {
            // Only structured buffers know their elements.
            require(buffer.stride != 0 && class != Class::RenderTarget)?;
            let count = buffer.byte_width / buffer.stride;
            Ok(Desc { format: format::UNKNOWN, dimension: 1, flags: 0, args: [0, count, 0, 0] })
        }
        Shape::Texture(texture) => {
            let arrayed = texture.array_size > 1;
            let multisampled = texture.sample_count > 1;
            let number = match texture.dimension {
                Dimension::One if arrayed => 3,
                Dimension::One => 2,
                Dimension::Three => 8,
                Dimension::Two if texture.is_cube() && class == Class::ShaderResource => {
                    if texture.array_size >= 12 { 10 } else { 9 }
                }
                Dimension::Two => match (multisampled, arrayed) {
                    (false, false) => 4,
                    (false, true) => 5,
                    (true, false) => 6,
                    (true, true) => 7,
                },
            };
            let args = match (class, number) {
                (_, 6) => [0; 4],
                (_, 7) => [0, REST, 0, 0],
                (Class::ShaderResource, 2 | 4 | 8 | 9) => [0, REST, 0, 0],
                (Class::ShaderResource, _) => [0, REST, 0, REST],
                (_, 8) => [0, 0, level_size(texture.depth, 0), 0],
                (_, _) => [0, 0, REST, 0],
            };
            let dimension = if class == Class::DepthStencil { number - 1 } else { number };
            Ok(Desc { format: texture.format, dimension, flags: 0, args })
        }
    }
}

#[cfg(test)]
mod tests;
