//! Target-independent rasterization: a rasterizer with more samples than the render targets (`ForcedSampleCount`; D3D11.3
//! functional specification, section 3.5.6). The pixel shader runs once for each pixel, sees which samples are covered, and
//! what it gives is blended once, if any is.
//!
//! The samples become the targets' one by the first of these ways that there is:
//! - *mixed samples*: the device merges them (`VK_NV_framebuffer_mixed_samples` and `VK_NV_coverage_reduction_mode`);
//! - *in the shader*: nothing is attached, and the pixel shader blends into the targets by itself, which it sees as storage images of
//!   integers ([`pvgpu_dxbc::ShaderBlending`]). Somebody must keep the order of a pixel's fragments: `VK_EXT_fragment_shader_interlock`,
//!   or llvmpipe, which hands each tile of the screen to one thread that draws the primitives one after another. A pass has one
//!   draw then, since only a barrier orders the images between draws;
//! - none: the rasterizer has the targets' samples, and all of them are covered.
//!
//! The second one is for two-dimensional textures whose image may be exchanged for one with the usage (which others need not have,
//! since it costs some GPUs their compression), in every format that is rendered to. Sample-frequency shaders, depth and targets of several
//! samples leave Direct3D's results undefined; they get the third.
//!
//! A device that splits what it clips, as llvmpipe does with triangles far beyond the viewport, shades a pixel of the seam for each part, and
//! each is blended. Targets of several samples with `ForcedSampleCount` 1 are drawn to as without it
//! (`MultisampleRTVWithForcedSampleCountOne` says no).
//!
//! A device may have fewer samples than a program asks for. Then each stands for several bits of the coverage, so that what
//! is counted stays right on the whole.

use std::rc::Rc;
use std::sync::Once;

use ash::{nv, vk};
use pvgpu_dxbc::{Blend, BlendedTarget, Channel, ForcedSamples, Numbers, ShaderBlending, Texel};
use pvgpu_protocol::command::{RenderTargetBlend, dimension, stage};
use pvgpu_protocol::limits::RENDER_TARGETS;

use super::bindings::Dirty;
use super::caps::{Caps, ForcedCaps};
use super::instance::Instance;
use super::pipeline::TargetFormats;
use super::resource::Texture;
use super::state::{BlendState, has_dual_source};
use super::view::View;
use super::{Context, Device};
use crate::fault::Fault;

/// How the samples of the rasterizer become those of the targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Merge {
    /// They are the same.
    #[default]
    None,
    /// The device merges them to one.
    Mixed,
    /// The pixel shader blends into the targets.
    InShader {
        /// They have several layers.
        layered: bool,
    },
}

impl ForcedCaps {
    /// The counts of samples that a device merges to one, for targets without depth.
    pub fn mixed_counts(instance: &Instance, physical: vk::PhysicalDevice) -> vk::SampleCountFlags {
        let functions = nv::coverage_reduction_mode::Instance::new(&instance.entry, &instance.raw);
        // SAFETY: the device belongs to the instance and has the extension.
        let length = unsafe {
            functions.get_physical_device_supported_framebuffer_mixed_samples_combinations_len(physical)
        };
        let mut all = vec![vk::FramebufferMixedSamplesCombinationNV::default(); length.unwrap_or(0)];
        // SAFETY: as above; the list has the length that was asked for.
        let filled = unsafe {
            functions.get_physical_device_supported_framebuffer_mixed_samples_combinations(physical, &mut all)
        };
        if filled.is_err() {
            return vk::SampleCountFlags::empty();
        }
        let fits = |one: &&vk::FramebufferMixedSamplesCombinationNV<'_>| {
            one.coverage_reduction_mode == vk::CoverageReductionModeNV::MERGE
                && one.depth_stencil_samples.is_empty()
                && one.color_samples.contains(vk::SampleCountFlags::TYPE_1)
        };
        all.iter()
            .filter(fits)
            .fold(vk::SampleCountFlags::empty(), |counts, one| counts | one.rasterization_samples)
    }

    /// Whether the fragments of a pixel can be kept in order.
    const fn orders_fragments(self) -> bool {
        self.interlock || self.ordered
    }
}

/// The greatest of some counts up to another; 1 if there is none.
pub fn nearest_count(counts: vk::SampleCountFlags, wanted: u32) -> u32 {
    let up_to = wanted | wanted.saturating_sub(1);
    1 << (counts.as_raw() & up_to).checked_ilog2().unwrap_or(0)
}

impl Context {
    /// Gives the rasterizer its own samples, if the state asks for them and the targets allow it.
    ///
    /// # Errors
    /// [`Fault`] when Vulkan fails.
    pub(super) fn force_samples(&mut self, formats: &mut TargetFormats) -> Result<(), Fault> {
        static TOLD: Once = Once::new();
        let wanted = self.bound.rasterizer.forced_sample_count;
        if wanted <= 1 || formats.samples != 1 || formats.count == 0 || formats.depth != vk::Format::UNDEFINED
        {
            return Ok(());
        }
        let per_sample = |shader: &Rc<super::shader::Shader>| shader.reflection.per_sample;
        if self.bound.shader(stage::PIXEL).is_some_and(per_sample) {
            return Ok(());
        }
        let caps = self.device.caps.forced;
        let mixed = nearest_count(caps.mixed, wanted);
        let (samples, merge, way) = if mixed > 1 {
            (mixed, Merge::Mixed, "mixed samples")
        } else if let Some(layered) = self.prepare_shader_targets()? {
            let samples = nearest_count(self.device.limits.framebuffer_no_attachments_sample_counts, wanted);
            (samples, Merge::InShader { layered }, "blending in shaders")
        } else {
            (1, Merge::None, "nothing: all samples are covered")
        };
        TOLD.call_once(|| log::info!("{wanted} samples on targets of one, by {way} ({samples} samples)"));
        if samples > 1 {
            (formats.samples, formats.merge) = (samples, merge);
            formats.asked = if wanted > samples { wanted } else { 0 };
        }
        Ok(())
    }

    /// Has shaders blend into the bound targets; none if they cannot, else whether the targets have layers.
    fn prepare_shader_targets(&mut self) -> Result<Option<bool>, Fault> {
        let caps = &self.device.caps;
        let geometry = caps.shader.geometry;
        let views: Vec<Rc<View>> = self.bound.render_targets.iter().flatten().cloned().collect();
        let layered = views.iter().any(|view| view.desc.range.array_size > 1);
        if !caps.forced.orders_fragments() || layered && !geometry {
            return Ok(None);
        }
        if !views.iter().all(|view| can_store(view, caps)) {
            return Ok(None);
        }
        for texture in views.iter().filter_map(|view| view.texture()) {
            if !self.make_storable(texture)? {
                return Ok(None);
            }
        }
        Ok(Some(layered))
    }

    /// Exchanges the image of a texture for one that shaders may store to, if it is none; false when there can be none.
    fn make_storable(&mut self, texture: &Rc<Texture>) -> Result<bool, Fault> {
        if texture.image().storable {
            return Ok(true);
        }
        if !texture.may_move() || !self.replace_image(texture, true)? {
            return Ok(false);
        }
        // Views of the image that was are in the descriptors.
        self.bound.dirty |= Dirty::DESCRIPTORS | Dirty::COMPUTE;
        Ok(true)
    }
}

/// Whether a shader could blend into what a view shows.
fn can_store(view: &View, caps: &Caps) -> bool {
    let Some(texture) = view.texture() else { return false };
    let flat = matches!(texture.desc.command.dimension, dimension::TEXTURE2D | dimension::TEXTURECUBE);
    let texel = texel(view.attachment_format(texture));
    flat && texel.is_some_and(|texel| caps.forced.extended_formats || matches!(texel.bytes, 4 | 16))
}

/// What the pixel shader has to know of forced samples; none where they are the targets'.
pub fn forced_samples(
    device: &Device,
    targets: &TargetFormats,
    blend: &BlendState,
) -> Option<Rc<ForcedSamples>> {
    if targets.is_plain() {
        return None;
    }
    let merges = targets.merge != Merge::None;
    let blending = match targets.merge {
        Merge::InShader { layered } => Some(ShaderBlending {
            targets: blended_targets(targets, blend, device.caps.logic_op),
            layered,
            interlock: device.caps.forced.interlock,
        }),
        Merge::None | Merge::Mixed => None,
    };
    Some(Rc::new(ForcedSamples {
        rasterized: targets.samples,
        asked: targets.asked.max(targets.samples),
        single_sampled: merges,
        alpha_to_coverage: merges && blend.alpha_to_coverage,
        blending,
    }))
}

fn blended_targets(
    formats: &TargetFormats,
    blend: &BlendState,
    logic: bool,
) -> [Option<BlendedTarget>; RENDER_TARGETS] {
    let [first, ..] = &blend.targets;
    // One operation for all targets, and instead of their equations.
    let logic_op = (logic && first.logic_op_enable != 0).then_some(first.logic_op);
    let mut targets = [None; RENDER_TARGETS];
    let all = targets.iter_mut().zip(formats.colors.iter().take(formats.count)).zip(&blend.targets);
    for (index, ((target, format), state)) in all.enumerate() {
        // Only the first target has two sources.
        let sources = index == 0 || !has_dual_source(state);
        *target = texel(*format).map(|texel| BlendedTarget {
            texel,
            blend: (state.blend_enable != 0 && sources).then(|| equation(state)),
            // Vulkan leaves out floats and sRGB, too.
            logic_op: logic_op.filter(|_| !matches!(texel.numbers, Numbers::Float | Numbers::Srgb)),
            // CAST: four bits count.
            write_mask: (state.write_mask & 0xf) as u8,
            opaque: formats.opaque >> index & 1 != 0,
        });
    }
    targets
}

const fn equation(state: &RenderTargetBlend) -> Blend {
    Blend {
        src: state.src_blend,
        dest: state.dest_blend,
        op: state.blend_op,
        src_alpha: state.src_blend_alpha,
        dest_alpha: state.dest_blend_alpha,
        op_alpha: state.blend_op_alpha,
    }
}

/// The format in which a shader sees the texels of a target that it blends into.
pub fn storage_format(target: vk::Format) -> Option<vk::Format> {
    texel(target).and_then(|texel| match texel.bytes {
        1 => Some(vk::Format::R8_UINT),
        2 => Some(vk::Format::R16_UINT),
        4 => Some(vk::Format::R32_UINT),
        8 => Some(vk::Format::R32G32_UINT),
        16 => Some(vk::Format::R32G32B32A32_UINT),
        _ => None,
    })
}

/// How the texels of a format that can be rendered to are packed.
fn texel(format: vk::Format) -> Option<Texel> {
    use Numbers as N;
    use vk::Format as F;
    Some(match format {
        F::R32G32B32A32_SFLOAT => even(4, 32, N::Float),
        F::R32G32B32A32_UINT => even(4, 32, N::Uint),
        F::R32G32B32A32_SINT => even(4, 32, N::Sint),
        F::R16G16B16A16_SFLOAT => even(4, 16, N::Float),
        F::R16G16B16A16_UNORM => even(4, 16, N::Unorm),
        F::R16G16B16A16_SNORM => even(4, 16, N::Snorm),
        F::R16G16B16A16_UINT => even(4, 16, N::Uint),
        F::R16G16B16A16_SINT => even(4, 16, N::Sint),
        F::R32G32_SFLOAT => even(2, 32, N::Float),
        F::R32G32_UINT => even(2, 32, N::Uint),
        F::R32G32_SINT => even(2, 32, N::Sint),
        F::R8G8B8A8_UNORM => even(4, 8, N::Unorm),
        F::R8G8B8A8_SRGB => even(4, 8, N::Srgb),
        F::R8G8B8A8_SNORM => even(4, 8, N::Snorm),
        F::R8G8B8A8_UINT => even(4, 8, N::Uint),
        F::R8G8B8A8_SINT => even(4, 8, N::Sint),
        F::R16G16_SFLOAT => even(2, 16, N::Float),
        F::R16G16_UNORM => even(2, 16, N::Unorm),
        F::R16G16_SNORM => even(2, 16, N::Snorm),
        F::R16G16_UINT => even(2, 16, N::Uint),
        F::R16G16_SINT => even(2, 16, N::Sint),
        F::R32_SFLOAT => even(1, 32, N::Float),
        F::R32_UINT => even(1, 32, N::Uint),
        F::R32_SINT => even(1, 32, N::Sint),
        F::R8G8_UNORM => even(2, 8, N::Unorm),
        F::R8G8_SNORM => even(2, 8, N::Snorm),
        F::R8G8_UINT => even(2, 8, N::Uint),
        F::R8G8_SINT => even(2, 8, N::Sint),
        F::R16_SFLOAT => even(1, 16, N::Float),
        F::R16_UNORM => even(1, 16, N::Unorm),
        F::R16_SNORM => even(1, 16, N::Snorm),
        F::R16_UINT => even(1, 16, N::Uint),
        F::R16_SINT => even(1, 16, N::Sint),
        F::R8_UNORM => even(1, 8, N::Unorm),
        F::R8_SNORM => even(1, 8, N::Snorm),
        F::R8_UINT => even(1, 8, N::Uint),
        F::R8_SINT => even(1, 8, N::Sint),
        F::B8G8R8A8_UNORM => packed(4, N::Unorm, [(16, 8), (8, 8), (0, 8), (24, 8)]),
        F::B8G8R8A8_SRGB => packed(4, N::Srgb, [(16, 8), (8, 8), (0, 8), (24, 8)]),
        F::A2B10G10R10_UNORM_PACK32 => packed(4, N::Unorm, [(0, 10), (10, 10), (20, 10), (30, 2)]),
        F::A2B10G10R10_UINT_PACK32 => packed(4, N::Uint, [(0, 10), (10, 10), (20, 10), (30, 2)]),
        F::B10G11R11_UFLOAT_PACK32 => packed(4, N::Float, [(0, 11), (11, 11), (22, 10), (0, 0)]),
        F::R5G6B5_UNORM_PACK16 => packed(2, N::Unorm, [(11, 5), (5, 6), (0, 5), (0, 0)]),
        F::A1R5G5B5_UNORM_PACK16 => packed(2, N::Unorm, [(10, 5), (5, 5), (0, 5), (15, 1)]),
        F::A4R4G4B4_UNORM_PACK16 => packed(2, N::Unorm, [(8, 4), (4, 4), (0, 4), (12, 4)]),
        _ => return None,
    })
}

/// Channels of equal size, red in the lowest bits.
fn even(count: u8, bits: u8, numbers: Numbers) -> Texel {
    let mut channels = [Channel::default(); 4];
    for (index, channel) in (0..count).zip(&mut channels) {
        *channel = Channel { offset: index * bits, bits };
    }
    Texel { bytes: u32::from(count) * u32::from(bits) / 8, numbers, channels }
}

/// Red, green, blue and alpha: the lowest bit, and how many.
fn packed(bytes: u32, numbers: Numbers, channels: [(u8, u8); 4]) -> Texel {
    Texel { bytes, numbers, channels: channels.map(|(offset, bits)| Channel { offset, bits }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vulkan::formats::{map_color, number_type};

    #[test]
    fn counts_are_the_nearest_below() {
        let counts =
            vk::SampleCountFlags::TYPE_1 | vk::SampleCountFlags::TYPE_4 | vk::SampleCountFlags::TYPE_8;
        let nearest = [0, 1, 2, 4, 8, 16].map(|wanted| nearest_count(counts, wanted));
        assert_eq!(nearest, [1, 1, 1, 4, 8, 8]);
        assert_eq!(nearest_count(vk::SampleCountFlags::empty(), 16), 1);
    }

    #[test]
    fn texels_are_full_and_channels_apart() {
        let mut found = 0;
        for number in 1..116 {
            let format = map_color(number);
            let Some(texel) = texel(format) else { continue };
            found += 1;
            let mut bits = 0u128;
            for channel in texel.channels {
                let mask = ((1u128 << channel.bits) - 1) << channel.offset;
                assert_eq!(bits & mask, 0, "{format:?}");
                assert!(channel.offset % 32 + channel.bits <= 32, "{format:?}");
                bits |= mask;
            }
            assert_eq!(bits.count_ones(), texel.bytes * 8, "{format:?}");
            assert_eq!(texel.numbers.is_integer(), number_type(format) != 3, "{format:?}");
            assert!(storage_format(format).is_some(), "{format:?}");
        }
        assert!(found > 40, "{found}");
    }
}
