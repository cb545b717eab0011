//! What samplers may do with the texels of each format: filter them, compare them.
//!
//! Direct3D 11 takes any sampler with any view; Vulkan leaves it undefined to filter what the device does not say that it filters, and
//! to compare likewise. No device filters integers, which are loaded and gathered. Those of NVIDIA, AMD and Intel filter every format of
//! floats that pvgpu samples, depth among them; lavapipe (22.3) does not promise it for depth. Such texels are read with a sampler that
//! takes the nearest one, and a texture that is read with the same sampler but can be filtered has another descriptor for it
//! (`pvgpu_dxbc::Reflection::spare_samplers`), as long as there is room.

use ash::vk;
use pvgpu_protocol::format::FORMAT_COUNT;

use super::Instance;
use super::caps::Caps;
use super::formats::{map_color, map_depth, number_type};

/// The formats of views, by what samplers may do with their texels.
#[derive(Debug, Default)]
pub struct Sampling {
    /// Those that are not filtered, in order.
    unfiltered: Vec<vk::Format>,
    /// Those that are compared, in order.
    compared: Vec<vk::Format>,
    /// Formats of floats are among those that are not filtered.
    pub unfiltered_floats: bool,
}

impl Sampling {
    /// Asks a device.
    pub fn of(instance: &Instance, physical: vk::PhysicalDevice, caps: &Caps) -> Self {
        Self::new(caps, |format| {
            let mut more = vk::FormatProperties3::default();
            let mut all = vk::FormatProperties2::default().push_next(&mut more);
            // SAFETY: the device belongs to the instance, and has Vulkan 1.3.
            unsafe { instance.raw.get_physical_device_format_properties2(physical, format, &mut all) };
            more.optimal_tiling_features
        })
    }

    fn new(caps: &Caps, features: impl Fn(vk::Format) -> vk::FormatFeatureFlags2) -> Self {
        use vk::FormatFeatureFlags2 as F;
        // CAST: the count of formats is 116.
        let all = (0..FORMAT_COUNT as u32).flat_map(|format| [map_color(format), map_depth(format, caps)]);
        let mut formats: Vec<_> = all.filter(|format| *format != vk::Format::UNDEFINED).collect();
        formats.sort_unstable();
        formats.dedup();
        let mut sampling = Self::default();
        for format in formats {
            let (features, floats) = (features(format), number_type(format) == 3);
            if !floats || !features.contains(F::SAMPLED_IMAGE_FILTER_LINEAR) {
                sampling.unfiltered.push(format);
                sampling.unfiltered_floats |= floats && features.contains(F::SAMPLED_IMAGE);
            }
            if features.contains(F::SAMPLED_IMAGE_DEPTH_COMPARISON) {
                sampling.compared.push(format);
            }
        }
        sampling
    }

    /// Whether texels of a view may be filtered.
    pub fn filters(&self, format: vk::Format, aspect: vk::ImageAspectFlags) -> bool {
        aspect != vk::ImageAspectFlags::STENCIL && self.unfiltered.binary_search(&format).is_err()
    }

    /// Whether texels of a view may be compared with a reference.
    pub fn compares(&self, format: vk::Format) -> bool {
        self.compared.binary_search(&format).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILTERED: vk::FormatFeatureFlags2 = vk::FormatFeatureFlags2::from_raw(
        vk::FormatFeatureFlags2::SAMPLED_IMAGE.as_raw()
            | vk::FormatFeatureFlags2::SAMPLED_IMAGE_FILTER_LINEAR.as_raw(),
    );

    #[test]
    fn integers_are_never_filtered() {
        let sampling = Sampling::new(&Caps::default(), |_| FILTERED);
        assert!(!sampling.unfiltered_floats);
        for (format, filtered) in [
            (vk::Format::R8G8B8A8_UNORM, true),
            (vk::Format::R32_SFLOAT, true),
            (vk::Format::D32_SFLOAT, true),
            (vk::Format::BC7_SRGB_BLOCK, true),
            (vk::Format::R8_UINT, false),
            (vk::Format::R32G32B32A32_SINT, false),
        ] {
            assert_eq!(sampling.filters(format, vk::ImageAspectFlags::COLOR), filtered, "{format:?}");
            assert!(!sampling.compares(format), "{format:?}");
        }
        assert!(!sampling.filters(vk::Format::D32_SFLOAT_S8_UINT, vk::ImageAspectFlags::STENCIL));
    }

    #[test]
    fn what_the_device_does_not_say_is_not_done() {
        let compared = vk::FormatFeatureFlags2::SAMPLED_IMAGE_DEPTH_COMPARISON;
        let sampling = Sampling::new(&Caps::default(), |format| match format {
            vk::Format::D32_SFLOAT => vk::FormatFeatureFlags2::SAMPLED_IMAGE | compared,
            _ => FILTERED,
        });
        assert!(sampling.unfiltered_floats);
        let depth = vk::ImageAspectFlags::DEPTH;
        assert!(
            !sampling.filters(vk::Format::D32_SFLOAT, depth) && sampling.compares(vk::Format::D32_SFLOAT)
        );
        assert!(sampling.filters(vk::Format::D16_UNORM, depth) && !sampling.compares(vk::Format::D16_UNORM));
        // What is not sampled at all needs no samplers of its own.
        let none = Sampling::new(&Caps::default(), |_| vk::FormatFeatureFlags2::empty());
        assert!(!none.unfiltered_floats);
    }
}
