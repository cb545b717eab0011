//! What a device of a lower feature level refuses to create (documentation: "Direct3D feature levels", "Resource Limits",
//! and the overviews of 10Level9).

use pvgpu_umd_ddi::{
    D3D10_DDI_SAMPLER_DESC, D3D10_DDI_TEXTURE_ADDRESS_MIRRORONCE, D3D11_1_DDI_BLEND_DESC,
    D3D11_1_DDI_RASTERIZER_DESC, D3D11_1_DDI_RENDER_TARGET_BLEND_DESC,
};

use super::resource::{bind, misc};
use super::texture::Dimension;
use super::view::{Class, Desc as ViewDesc};
use super::{buffer, texture};
use crate::hresult::{Result, require};

/// `D3D_FEATURE_LEVEL_9_2` and up, as numbers.
const V9_2: u32 = 0x9200;
const V9_3: u32 = 0x9300;
const V10_0: u32 = 0xa000;
const V10_1: u32 = 0xa100;
const V11_0: u32 = 0xb000;

/// `D3D11_SRV_DIMENSION_BUFFER`, `…_TEXTURECUBEARRAY`, `…_BUFFEREX`.
const BUFFER: u32 = 1;
const CUBE_ARRAY: u32 = 10;
const BUFFER_EX: u32 = 11;
/// `D3D11_UAV_DIMENSION_BUFFER`.
const UAV_BUFFER: u32 = 1;

/// Greatest sizes of textures.
struct Sizes {
    plain: u32,
    cube: u32,
    volume: u32,
    slices: u32,
}

fn sizes(level: u32) -> Sizes {
    match level {
        V11_0.. => Sizes { plain: 16384, cube: 16384, volume: 2048, slices: 2048 },
        V10_0.. => Sizes { plain: 8192, cube: 8192, volume: 2048, slices: 512 },
        V9_3.. => Sizes { plain: 4096, cube: 4096, volume: 256, slices: 1 },
        _ => Sizes { plain: 2048, cube: 512, volume: 256, slices: 1 },
    }
}

/// Checks a texture's description, which is a valid one of the highest level.
///
/// # Errors
/// `E_INVALIDARG`.
pub fn texture(desc: &texture::Desc, level: u32) -> Result {
    let sizes = sizes(level);
    let greatest = desc.width.max(desc.height).max(desc.depth);
    require(greatest <= if desc.dimension == Dimension::Three { sizes.volume } else { sizes.plain })?;
    if desc.is_cube() {
        require(greatest <= sizes.cube)?;
        require(desc.array_size == 6 || level >= V10_1)?;
    } else {
        require(desc.array_size <= sizes.slices)?;
    }
    require(desc.flags.bind & bind::UNORDERED_ACCESS == 0 || level >= V11_0)?;
    let readable_depth = bind::SHADER_RESOURCE | bind::DEPTH_STENCIL;
    if desc.sample_count > 1 {
        require(desc.flags.bind & readable_depth != readable_depth || level >= V10_1)?;
    }
    if level < V10_0 {
        require(desc.dimension != Dimension::One)?;
        // Sides that are no powers of two have one level, and are those of plain textures.
        let powers = [desc.width, desc.height, desc.depth].into_iter().all(u32::is_power_of_two);
        let plain = desc.dimension == Dimension::Two && !desc.is_cube() && desc.mip_levels == 1;
        require(powers || plain || desc.flags.bind == 0)?;
        require(desc.flags.bind & bind::RENDER_TARGET == 0 || desc.dimension == Dimension::Two)?;
        require(desc.flags.bind & readable_depth != readable_depth)?;
        require(desc.sample_count == 1 || desc.flags.bind & bind::SHADER_RESOURCE == 0)?;
    }
    Ok(())
}

/// Checks a buffer's description, which is a valid one of the highest level.
///
/// # Errors
/// `E_INVALIDARG`.
pub fn buffer(desc: &buffer::Desc, level: u32) -> Result {
    let buffers = misc::BUFFER_STRUCTURED | misc::BUFFER_ALLOW_RAW_VIEWS;
    if level < V11_0 {
        require(desc.flags.misc & misc::DRAWINDIRECT_ARGS == 0)?;
        // Compute shaders of model 4 write raw and structured buffers only.
        require(desc.flags.bind & bind::UNORDERED_ACCESS == 0 || desc.flags.misc & buffers != 0)?;
    }
    if level < V10_0 {
        let newer =
            bind::SHADER_RESOURCE | bind::STREAM_OUTPUT | bind::RENDER_TARGET | bind::UNORDERED_ACCESS;
        require(desc.flags.bind & newer == 0 && desc.flags.misc & buffers == 0)?;
    }
    Ok(())
}

/// Checks a view's description with everything filled in.
///
/// # Errors
/// `E_INVALIDARG`.
pub fn view(class: Class, desc: &ViewDesc, level: u32) -> Result {
    match class {
        Class::ShaderResource => {
            require(desc.dimension != CUBE_ARRAY || level >= V10_1)?;
            require(!matches!(desc.dimension, BUFFER | BUFFER_EX) || level >= V10_0)
        }
        // Depth or stencil that is only read.
        Class::DepthStencil => require(desc.flags == 0 || level >= V11_0),
        Class::UnorderedAccess => require(level >= V11_0 || level >= V10_0 && desc.dimension == UAV_BUFFER),
        Class::RenderTarget => Ok(()),
    }
}

/// Checks a kind of query, a `D3D11_QUERY`.
///
/// # Errors
/// `E_INVALIDARG`.
pub fn query(query: u32, level: u32) -> Result {
    require(match query {
        // Events and timestamps.
        0 | 2 | 3 => true,
        // Occlusion.
        1 => level >= V9_2,
        // Pipeline statistics, predicates and stream-output statistics.
        4..=7 => level >= V10_0,
        // Those of single streams.
        _ => level >= V11_0,
    })
}

/// Checks a sampler's description.
///
/// # Errors
/// `E_INVALIDARG`.
pub fn sampler(desc: &D3D10_DDI_SAMPLER_DESC, level: u32) -> Result {
    if level >= V9_2 {
        return Ok(());
    }
    require(desc.MaxAnisotropy <= 2)?;
    let modes = [desc.AddressU, desc.AddressV, desc.AddressW];
    require(!modes.contains(&D3D10_DDI_TEXTURE_ADDRESS_MIRRORONCE))
}

/// Checks a blend state's description: targets that are written differently came with 9_3, such that are blended at all or
/// not with 10_0, and different functions with 10_1.
///
/// # Errors
/// `E_INVALIDARG`.
pub fn blend(desc: &D3D11_1_DDI_BLEND_DESC, level: u32) -> Result {
    let [first, ..] = &desc.RenderTarget;
    let functions = |target: &D3D11_1_DDI_RENDER_TARGET_BLEND_DESC| {
        (
            target.SrcBlend,
            target.DestBlend,
            target.BlendOp,
            target.SrcBlendAlpha,
            target.DestBlendAlpha,
            target.BlendOpAlpha,
        )
    };
    // What is not blended has no function.
    let blended = |target: &&D3D11_1_DDI_RENDER_TARGET_BLEND_DESC| target.BlendEnable != 0;
    let mut used = desc.RenderTarget.iter().filter(blended);
    let same = used.next().is_none_or(|one| used.all(|other| functions(one) == functions(other)));
    require(same || level >= V10_1)?;
    let enabled = desc.RenderTarget.iter().all(|target| target.BlendEnable == first.BlendEnable);
    require(enabled || level >= V10_0)?;
    let written =
        desc.RenderTarget.iter().all(|target| target.RenderTargetWriteMask == first.RenderTargetWriteMask);
    require(written || level >= V9_3)?;
    require(desc.AlphaToCoverageEnable == 0 || level >= V10_0)
}

/// Checks a rasterizer state's description.
///
/// # Errors
/// `E_INVALIDARG`.
pub fn rasterizer(desc: &D3D11_1_DDI_RASTERIZER_DESC, level: u32) -> Result {
    require(desc.DepthClipEnable != 0 || level >= V10_0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desc::resource::{Flags, Usage};
    use crate::hresult::E_INVALIDARG;

    fn plain(width: u32, bind: u32) -> texture::Desc {
        texture::Desc {
            dimension: Dimension::Two,
            width,
            height: width,
            depth: 1,
            mip_levels: 1,
            array_size: 1,
            format: 28,
            sample_count: 1,
            sample_quality: 0,
            flags: Flags { usage: Usage::Default, bind, cpu: 0, misc: 0 },
            back_buffer: false,
        }
    }

    /// The lowest level that allows a description.
    fn lowest(allowed: impl Fn(u32) -> Result) -> u32 {
        let levels = [0x9100, V9_2, V9_3, V10_0, V10_1, V11_0];
        let first = levels.into_iter().position(|level| allowed(level).is_ok()).expect("a level");
        // Higher levels allow whatever lower ones do.
        for (at, level) in levels.into_iter().enumerate() {
            let expected = if at < first { Err(E_INVALIDARG) } else { Ok(()) };
            assert_eq!(allowed(level), expected, "{level:#x}");
        }
        levels[first]
    }

    #[test]
    fn textures_grow_with_the_level() {
        let of = |desc: texture::Desc| lowest(|level| texture(&desc, level));
        let sampled = bind::SHADER_RESOURCE;
        for (width, level) in [(2048, 0x9100), (4096, V9_3), (8192, V10_0), (16384, V11_0)] {
            assert_eq!(of(plain(width, sampled)), level, "{width}");
        }
        assert_eq!(of(texture::Desc { array_size: 2, ..plain(64, sampled) }), V10_0);
        assert_eq!(of(texture::Desc { array_size: 513, ..plain(64, sampled) }), V11_0);
        let cube = |array_size| {
            let mut desc = texture::Desc { array_size, ..plain(64, sampled) };
            desc.flags.misc = misc::TEXTURECUBE;
            desc
        };
        assert_eq!((of(cube(6)), of(cube(12))), (0x9100, V10_1));
        let odd = texture::Desc { width: 65, ..plain(64, sampled) };
        assert_eq!(of(odd), 0x9100);
        assert_eq!(of(texture::Desc { mip_levels: 7, ..odd }), V10_0);
        assert_eq!(of(texture::Desc { dimension: Dimension::One, height: 1, ..plain(64, sampled) }), V10_0);
        assert_eq!(of(plain(64, sampled | bind::UNORDERED_ACCESS)), V11_0);
        assert_eq!(of(plain(64, sampled | bind::DEPTH_STENCIL)), V10_0);
        let multisampled = texture::Desc { sample_count: 4, ..plain(64, sampled | bind::DEPTH_STENCIL) };
        assert_eq!(of(multisampled), V10_1);
    }

    #[test]
    fn buffers_views_and_queries_came_by_level() {
        let of = |bind, misc| {
            let flags = Flags { usage: Usage::Default, bind, cpu: 0, misc };
            let desc = buffer::Desc { byte_width: 64, flags, stride: 0 };
            lowest(|level| buffer(&desc, level))
        };
        assert_eq!(of(bind::VERTEX_BUFFER, 0), 0x9100);
        assert_eq!(of(bind::STREAM_OUTPUT, 0), V10_0);
        assert_eq!(of(bind::UNORDERED_ACCESS, 0), V11_0);
        assert_eq!(of(bind::UNORDERED_ACCESS, misc::BUFFER_STRUCTURED), V10_0);
        assert_eq!(of(bind::VERTEX_BUFFER, misc::DRAWINDIRECT_ARGS), V11_0);
        let of = |class, dimension, flags| {
            let desc = ViewDesc { format: 28, dimension, flags, args: [0; 4] };
            lowest(|level| view(class, &desc, level))
        };
        assert_eq!(of(Class::ShaderResource, 4, 0), 0x9100);
        assert_eq!(of(Class::ShaderResource, BUFFER, 0), V10_0);
        assert_eq!(of(Class::ShaderResource, CUBE_ARRAY, 0), V10_1);
        assert_eq!(of(Class::DepthStencil, 3, 1), V11_0);
        assert_eq!(of(Class::UnorderedAccess, UAV_BUFFER, 0), V10_0);
        let kinds = [0, 1, 4, 6, 8].map(|kind| lowest(|level| query(kind, level)));
        assert_eq!(kinds, [0x9100, V9_2, V10_0, V10_0, V11_0]);
    }

    #[test]
    fn states_came_by_level() {
        let target = D3D11_1_DDI_RENDER_TARGET_BLEND_DESC {
            BlendEnable: 1,
            SrcBlend: 2,
            DestBlend: 1,
            BlendOp: 1,
            SrcBlendAlpha: 2,
            DestBlendAlpha: 1,
            BlendOpAlpha: 1,
            RenderTargetWriteMask: 15,
            ..Default::default()
        };
        let with = |last: D3D11_1_DDI_RENDER_TARGET_BLEND_DESC| {
            let mut desc = D3D11_1_DDI_BLEND_DESC { RenderTarget: [target; 8], ..Default::default() };
            desc.RenderTarget[7] = last;
            lowest(|level| blend(&desc, level))
        };
        assert_eq!(with(target), 0x9100);
        assert_eq!(with(D3D11_1_DDI_RENDER_TARGET_BLEND_DESC { RenderTargetWriteMask: 1, ..target }), V9_3);
        assert_eq!(with(D3D11_1_DDI_RENDER_TARGET_BLEND_DESC { BlendEnable: 0, ..target }), V10_0);
        assert_eq!(with(D3D11_1_DDI_RENDER_TARGET_BLEND_DESC { SrcBlend: 5, ..target }), V10_1);
        let unclipped = D3D11_1_DDI_RASTERIZER_DESC::default();
        assert_eq!(lowest(|level| rasterizer(&unclipped, level)), V10_0);
        let mirrored =
            D3D10_DDI_SAMPLER_DESC { AddressV: D3D10_DDI_TEXTURE_ADDRESS_MIRRORONCE, ..Default::default() };
        assert_eq!(lowest(|level| sampler(&mirrored, level)), V9_2);
    }
}
