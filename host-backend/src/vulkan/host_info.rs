//! What the guest is told about this host: name, memory, and what each `DXGI_FORMAT` can do here.

use ash::vk;
use pvgpu_protocol::command::dimension;
use pvgpu_protocol::format::{self, FORMAT_COUNT};
use pvgpu_protocol::host_info::{FormatSupport, HostInfo, host_feature, text_field};
use pvgpu_protocol::tiling::TileShape;

use super::Device;
use super::formats::{Planes, map_color, map_depth, map_image, map_planes};
use super::sparse;
use super::texels::Conversion;
use crate::format::{NumberKind, can_hold_depth, dxgi, family, is_depth_stencil, is_typeless, number_kind};

/// Bits of `D3D11_FORMAT_SUPPORT`.
mod support {
    pub const BUFFER: u32 = 0x1;
    pub const IA_VERTEX_BUFFER: u32 = 0x2;
    pub const IA_INDEX_BUFFER: u32 = 0x4;
    pub const TEXTURE1D: u32 = 0x10;
    pub const TEXTURE2D: u32 = 0x20;
    pub const TEXTURE3D: u32 = 0x40;
    pub const TEXTURECUBE: u32 = 0x80;
    pub const SHADER_LOAD: u32 = 0x100;
    pub const SHADER_SAMPLE: u32 = 0x200;
    pub const SHADER_SAMPLE_COMPARISON: u32 = 0x400;
    pub const MIP: u32 = 0x1000;
    pub const MIP_AUTOGEN: u32 = 0x2000;
    pub const RENDER_TARGET: u32 = 0x4000;
    pub const BLENDABLE: u32 = 0x8000;
    pub const DEPTH_STENCIL: u32 = 0x1_0000;
    pub const CPU_LOCKABLE: u32 = 0x2_0000;
    pub const MULTISAMPLE_RESOLVE: u32 = 0x4_0000;
    pub const DISPLAY: u32 = 0x8_0000;
    pub const CAST_WITHIN_BIT_LAYOUT: u32 = 0x10_0000;
    pub const MULTISAMPLE_RENDERTARGET: u32 = 0x20_0000;
    pub const MULTISAMPLE_LOAD: u32 = 0x40_0000;
    pub const SHADER_GATHER: u32 = 0x80_0000;
    pub const BACK_BUFFER_CAST: u32 = 0x100_0000;
    pub const TYPED_UNORDERED_ACCESS_VIEW: u32 = 0x200_0000;
    pub const SHADER_GATHER_COMPARISON: u32 = 0x400_0000;
}

/// Bits of `D3D11_FORMAT_SUPPORT2`.
mod support2 {
    pub const UAV_ATOMICS: u32 = 0xf;
    pub const UAV_ATOMIC_SIGNED: u32 = 0x10;
    pub const UAV_ATOMIC_UNSIGNED: u32 = 0x20;
    pub const UAV_TYPED_LOAD: u32 = 0x40;
    pub const UAV_TYPED_STORE: u32 = 0x80;
    pub const OUTPUT_MERGER_LOGIC_OP: u32 = 0x100;
    pub const TILED: u32 = 0x200;
}

/// `D3D_FEATURE_LEVEL_11_0`.
const FEATURE_LEVEL_11_0: u32 = 0xb000;
/// `D3D_FEATURE_LEVEL_11_1`.
const FEATURE_LEVEL_11_1: u32 = 0xb100;

/// Describes the device.
pub fn host_info(device: &Device) -> HostInfo {
    let caps = &device.caps;
    let mut features = 0;
    for (has, bit) in [
        (caps.logic_op, host_feature::LOGIC_OP),
        (caps.shader.float64, host_feature::DOUBLES),
        (caps.shader.geometry, host_feature::GEOMETRY_SHADER),
        (caps.feedback.present, host_feature::STREAM_OUTPUT),
        (caps.shader.tessellation, host_feature::TESSELLATION),
        (device.is_software(), host_feature::SOFTWARE),
        (caps.sparse.tier >= 1, host_feature::TILED_RESOURCES_1),
        (caps.sparse.tier >= 2, host_feature::TILED_RESOURCES_2),
    ] {
        if has {
            features |= bit;
        }
    }
    let mut formats = [FormatSupport::default(); FORMAT_COUNT];
    for (format, entry) in (0..).zip(&mut formats) {
        *entry = format_support(device, format);
        if entry.support & support::TEXTURE2D != 0 && is_tiled_format(device, format) {
            entry.support2 |= support2::TILED;
        }
    }
    // CAST: ticks a second; Vulkan's period is in nanoseconds and at least a fraction of one.
    let timestamp_frequency = (1e9 / f64::from(device.limits.timestamp_period.max(1e-3))) as u64;
    HostInfo {
        gpu_name: text_field(&device.name()),
        driver: text_field(device.driver()),
        dedicated_video_memory: device.heaps(true),
        shared_system_memory: device.heaps(false),
        timestamp_frequency,
        vendor_id: device.properties.vendor_id,
        device_id: device.properties.device_id,
        feature_level: feature_level(device),
        features,
        formats,
    }
}

/// 11.1 promises unordered access from every stage and logic operations; everything else of it the executor does itself.
fn feature_level(device: &Device) -> u32 {
    let everywhere = device.caps.vertex_pipeline_stores_and_atomics;
    if everywhere && device.caps.logic_op { FEATURE_LEVEL_11_1 } else { FEATURE_LEVEL_11_0 }
}

/// Whether textures of a format can be tiled, as whatever they are bound.
fn is_tiled_format(device: &Device, format: u32) -> bool {
    use vk::FormatFeatureFlags as F;
    let Some(info) = format::info(format).filter(|_| device.caps.sparse.tier != 0) else { return false };
    let Some(tile) = TileShape::of(dimension::TEXTURE2D, info) else { return false };
    let fits = |depth| {
        let made = map_image(format, depth, &device.caps);
        let features = properties(device, made).optimal_tiling_features;
        let mut usage = vk::ImageUsageFlags::TRANSFER_SRC | vk::ImageUsageFlags::TRANSFER_DST;
        for (has, add) in [
            (F::SAMPLED_IMAGE, vk::ImageUsageFlags::SAMPLED),
            (F::STORAGE_IMAGE, vk::ImageUsageFlags::STORAGE),
            (F::COLOR_ATTACHMENT, vk::ImageUsageFlags::COLOR_ATTACHMENT),
            (F::DEPTH_STENCIL_ATTACHMENT, vk::ImageUsageFlags::DEPTH_STENCIL_ATTACHMENT),
        ] {
            if features.contains(has) {
                usage |= add;
            }
        }
        // Tiles are copied as the GPU has them.
        Conversion::of(format, made).is_none() && sparse::can_tile(device, made, usage, tile)
    };
    map_planes(format).is_none() && fits(false) && (!can_hold_depth(format) || fits(true))
}

fn properties(device: &Device, format: vk::Format) -> vk::FormatProperties {
    if format == vk::Format::UNDEFINED {
        return vk::FormatProperties::default();
    }
    // SAFETY: the physical device belongs to the instance.
    unsafe { device.instance.raw.get_physical_device_format_properties(device.physical, format) }
}

fn sample_counts(device: &Device, format: vk::Format, usage: vk::ImageUsageFlags) -> u32 {
    // SAFETY: the physical device belongs to the instance.
    let limits = unsafe {
        device.instance.raw.get_physical_device_image_format_properties(
            device.physical,
            format,
            vk::ImageType::TYPE_2D,
            vk::ImageTiling::OPTIMAL,
            usage,
            vk::ImageCreateFlags::empty(),
        )
    };
    limits.map_or(1, |limits| limits.sample_counts.as_raw() & 0x1f)
}

fn format_support(device: &Device, format: u32) -> FormatSupport {
    use vk::FormatFeatureFlags as F;
    let Some(info) = format::info(format) else { return FormatSupport::default() };
    if is_typeless(format) {
        return typeless_support(device, format);
    }
    if let Some(planes) = map_planes(format) {
        return video_support(device, &planes);
    }
    if matches!(format, 21 | 22 | 46 | 47) {
        return depth_part_support(device, format);
    }
    if is_depth_stencil(format) {
        return depth_support(device, format);
    }
    let color = map_color(format);
    let properties = properties(device, color);
    let (image, buffer) = (properties.optimal_tiling_features, properties.buffer_features);
    let float = number_kind(format) == NumberKind::Float;
    let mut result = FormatSupport { sample_counts: 1, ..Default::default() };
    let bits = &mut result.support;
    // What the CPU converts on the way into images has no form in buffers.
    let three = family(format) == dxgi::R32G32B32_TYPELESS;
    let converted = matches!(format, dxgi::A8_UNORM | dxgi::R8G8_B8G8_UNORM | dxgi::G8R8_G8B8_UNORM);
    if buffer.contains(F::VERTEX_BUFFER) && is_vertex_format(format) {
        *bits |= support::IA_VERTEX_BUFFER | support::BUFFER;
    }
    let texels = !converted && is_buffer_format(format) && buffer.contains(F::UNIFORM_TEXEL_BUFFER);
    if texels {
        *bits |= support::BUFFER | support::SHADER_LOAD;
    }
    if matches!(format, dxgi::R32_UINT | dxgi::R16_UINT) {
        *bits |= support::IA_INDEX_BUFFER;
    }
    let made = map_image(format, false, &device.caps);
    let image = if made == color { image } else { self::properties(device, made).optimal_tiling_features };
    if !image.contains(F::SAMPLED_IMAGE | F::TRANSFER_SRC | F::TRANSFER_DST) {
        return result;
    }
    *bits |= support::TEXTURE2D | support::CPU_LOCKABLE;
    if format == dxgi::R10G10B10_XR_BIAS_A2_UNORM {
        // A screen's; shaders see the UNORM and UINT members of its family.
        *bits |= support::DISPLAY | support::BACK_BUFFER_CAST | support::CAST_WITHIN_BIT_LAYOUT;
        return result;
    }
    *bits |= support::TEXTURECUBE | support::TEXTURE3D | support::SHADER_LOAD | support::MIP;
    if info.block_height == 1 {
        *bits |= support::TEXTURE1D;
    }
    if family(format) != format {
        *bits |= support::CAST_WITHIN_BIT_LAYOUT;
    }
    if float && image.contains(F::SAMPLED_IMAGE_FILTER_LINEAR) {
        *bits |= support::SHADER_SAMPLE | support::SHADER_GATHER;
    } else if !float {
        *bits |= support::SHADER_GATHER;
    }
    if matches!(format, 41 | 56) {
        *bits |= support::SHADER_SAMPLE_COMPARISON | support::SHADER_GATHER_COMPARISON;
    }
    if image.contains(F::COLOR_ATTACHMENT) && is_render_format(format) && !three {
        *bits |= support::RENDER_TARGET;
        let usage = vk::ImageUsageFlags::COLOR_ATTACHMENT | vk::ImageUsageFlags::SAMPLED;
        result.sample_counts = sample_counts(device, color, usage) | 1;
        if result.sample_counts != 1 {
            *bits |= support::MULTISAMPLE_RENDERTARGET | support::MULTISAMPLE_LOAD;
            if float {
                *bits |= support::MULTISAMPLE_RESOLVE;
            }
        }
        if image.contains(F::COLOR_ATTACHMENT_BLEND) && float {
            *bits |= support::BLENDABLE;
        }
        if float && image.contains(F::BLIT_SRC | F::BLIT_DST | F::SAMPLED_IMAGE_FILTER_LINEAR) {
            *bits |= support::MIP_AUTOGEN;
        }
        if matches!(format, 10 | 24 | 28 | 29 | 87 | 91) {
            *bits |= support::DISPLAY;
        }
        if matches!(format, 28 | 29 | 87 | 91) {
            *bits |= support::BACK_BUFFER_CAST;
        }
        if device.caps.logic_op && number_kind(format) == NumberKind::Uint {
            result.support2 |= support2::OUTPUT_MERGER_LOGIC_OP;
        }
    }
    let stored = image.contains(F::STORAGE_IMAGE) && device.caps.shader.write_without_format;
    if stored && !converted && !three && is_unordered_format(format) {
        result.support |= support::TYPED_UNORDERED_ACCESS_VIEW;
        result.support2 |= support2::UAV_TYPED_STORE;
        // D3D11.0 loads from single 32-bit components only; those have a format that shaders can declare.
        if matches!(format, 41..=43) || device.caps.shader.read_without_format {
            result.support2 |= support2::UAV_TYPED_LOAD;
        }
        if image.contains(F::STORAGE_IMAGE_ATOMIC) {
            result.support2 |= match format {
                42 => support2::UAV_ATOMICS | support2::UAV_ATOMIC_UNSIGNED,
                43 => support2::UAV_ATOMICS | support2::UAV_ATOMIC_SIGNED,
                _ => 0,
            };
        }
    }
    result
}

// What the tables of "Format Support for Direct3D Feature Level 11.0 Hardware" do not know is not offered, even where Vulkan
// has it.

/// Formats that vertex elements may have.
const fn is_vertex_format(format: u32) -> bool {
    matches!(format, 2..=4 | 6..=8 | 10..=14 | 16..=18 | 24..=26 | 28 | 30..=32 | 34..=38 | 41..=43)
        || matches!(format, 49..=52 | 54 | 56..=59 | 61..=64 | 87)
}

/// Formats that views of buffers may have.
const fn is_buffer_format(format: u32) -> bool {
    is_vertex_format(format) || matches!(format, dxgi::A8_UNORM | 85 | 86 | 88 | 115)
}

/// Formats that render targets may have.
const fn is_render_format(format: u32) -> bool {
    !matches!(format, 67..=69) && !matches!(format, 70..=84 | 94..=99)
}

/// Formats that shaders may load and store as.
const fn is_unordered_format(format: u32) -> bool {
    matches!(format, 2..=4 | 10..=14 | 16..=18 | 24..=26 | 28 | 30..=32 | 34..=38 | 41..=43)
        || matches!(format, 49..=52 | 54 | 56..=59 | 61..=64 | 85..=88 | 115)
}

/// A typeless format can be made into textures if one of its members can.
fn typeless_support(device: &Device, format: u32) -> FormatSupport {
    let textures = support::TEXTURE1D
        | support::TEXTURE2D
        | support::TEXTURE3D
        | support::TEXTURECUBE
        | support::MIP
        | support::CPU_LOCKABLE
        | support::CAST_WITHIN_BIT_LAYOUT;
    let mut result = FormatSupport { sample_counts: 1, ..Default::default() };
    // CAST: the count of formats is 116.
    for member in (0..FORMAT_COUNT as u32).filter(|member| family(*member) == format && *member != format) {
        let support = format_support(device, member);
        result.support |= support.support & textures;
        result.sample_counts |= support.sample_counts;
    }
    if result.support != 0 {
        result.support |= support::CAST_WITHIN_BIT_LAYOUT;
    }
    let exists = map_image(format, false, &device.caps) != vk::Format::UNDEFINED;
    if exists && result.support != 0 { result } else { FormatSupport::default() }
}

fn depth_support(device: &Device, format: u32) -> FormatSupport {
    use vk::FormatFeatureFlags as F;
    let depth = map_depth(format, &device.caps);
    let image = properties(device, depth).optimal_tiling_features;
    if !image.contains(F::DEPTH_STENCIL_ATTACHMENT) {
        return FormatSupport::default();
    }
    let usage = vk::ImageUsageFlags::DEPTH_STENCIL_ATTACHMENT | vk::ImageUsageFlags::SAMPLED;
    let sample_counts = sample_counts(device, depth, usage) | 1;
    let mut support = support::TEXTURE1D
        | support::TEXTURE2D
        | support::TEXTURECUBE
        | support::MIP
        | support::DEPTH_STENCIL
        | support::CPU_LOCKABLE
        | support::CAST_WITHIN_BIT_LAYOUT;
    if sample_counts != 1 {
        support |= support::MULTISAMPLE_RENDERTARGET;
    }
    FormatSupport { support, support2: 0, sample_counts }
}

/// `R24_UNORM_X8_TYPELESS` and its like: what a shader sees of a depth-stencil texture.
fn depth_part_support(device: &Device, format: u32) -> FormatSupport {
    let depth = map_depth(format, &device.caps);
    let image = properties(device, depth).optimal_tiling_features;
    if !image.contains(vk::FormatFeatureFlags::SAMPLED_IMAGE) {
        return FormatSupport::default();
    }
    let mut bits = support::TEXTURE1D
        | support::TEXTURE2D
        | support::TEXTURECUBE
        | support::MIP
        | support::SHADER_LOAD
        | support::MULTISAMPLE_LOAD
        | support::CAST_WITHIN_BIT_LAYOUT;
    if matches!(format, 21 | 46) {
        bits |= support::SHADER_SAMPLE
            | support::SHADER_SAMPLE_COMPARISON
            | support::SHADER_GATHER
            | support::SHADER_GATHER_COMPARISON;
    }
    FormatSupport { support: bits, support2: 0, sample_counts: 1 }
}

/// Video formats: memory that views show plane by plane; nothing decodes into them here.
fn video_support(device: &Device, planes: &Planes) -> FormatSupport {
    let needed = vk::FormatFeatureFlags::SAMPLED_IMAGE
        | vk::FormatFeatureFlags::TRANSFER_SRC
        | vk::FormatFeatureFlags::TRANSFER_DST;
    let has = |format| {
        format == vk::Format::UNDEFINED || properties(device, format).optimal_tiling_features.contains(needed)
    };
    if !has(planes.luma) || !has(planes.chroma) {
        return FormatSupport::default();
    }
    let support = support::TEXTURE2D | support::SHADER_LOAD | support::SHADER_SAMPLE | support::CPU_LOCKABLE;
    FormatSupport { support, support2: 0, sample_counts: 1 }
}
