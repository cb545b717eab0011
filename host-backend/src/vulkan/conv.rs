//! D3D11's enumerations in Vulkan's words: total functions without side effects.
//!
//! Values are those of `d3d10umddi.h`. The decoder has refused unknown ones, except where the pipeline state leaves a field
//! unused; those map to something harmless.

use ash::vk;

/// `D3D10_DDI_BLEND`.
pub fn map_blend_factor(factor: u32, alpha: bool) -> vk::BlendFactor {
    use vk::BlendFactor as B;
    match factor {
        2 => B::ONE,
        3 => B::SRC_COLOR,
        4 => B::ONE_MINUS_SRC_COLOR,
        5 => B::SRC_ALPHA,
        6 => B::ONE_MINUS_SRC_ALPHA,
        7 => B::DST_ALPHA,
        8 => B::ONE_MINUS_DST_ALPHA,
        9 => B::DST_COLOR,
        10 => B::ONE_MINUS_DST_COLOR,
        11 => B::SRC_ALPHA_SATURATE,
        14 if alpha => B::CONSTANT_ALPHA,
        14 => B::CONSTANT_COLOR,
        15 if alpha => B::ONE_MINUS_CONSTANT_ALPHA,
        15 => B::ONE_MINUS_CONSTANT_COLOR,
        16 => B::SRC1_COLOR,
        17 => B::ONE_MINUS_SRC1_COLOR,
        18 => B::SRC1_ALPHA,
        19 => B::ONE_MINUS_SRC1_ALPHA,
        _ => B::ZERO,
    }
}

/// A colour factor for a target without alpha, which counts as 1.
pub const fn without_alpha(factor: vk::BlendFactor) -> vk::BlendFactor {
    match factor {
        vk::BlendFactor::DST_ALPHA => vk::BlendFactor::ONE,
        // The saturation is the smaller one of the source's alpha and what is missing to 1 in the target.
        vk::BlendFactor::ONE_MINUS_DST_ALPHA | vk::BlendFactor::SRC_ALPHA_SATURATE => vk::BlendFactor::ZERO,
        other => other,
    }
}

/// Whether a `D3D10_DDI_BLEND` takes the second source.
pub const fn is_dual_source(factor: u32) -> bool {
    matches!(factor, 16..=19)
}

/// `D3D10_DDI_BLEND_OP`.
pub fn map_blend_op(op: u32) -> vk::BlendOp {
    match op {
        2 => vk::BlendOp::SUBTRACT,
        3 => vk::BlendOp::REVERSE_SUBTRACT,
        4 => vk::BlendOp::MIN,
        5 => vk::BlendOp::MAX,
        _ => vk::BlendOp::ADD,
    }
}

/// `D3D11_1_DDI_LOGIC_OP`.
pub fn map_logic_op(op: u32) -> vk::LogicOp {
    use vk::LogicOp as L;
    match op {
        0 => L::CLEAR,
        1 => L::SET,
        2 => L::COPY,
        3 => L::COPY_INVERTED,
        5 => L::INVERT,
        6 => L::AND,
        7 => L::NAND,
        8 => L::OR,
        9 => L::NOR,
        10 => L::XOR,
        11 => L::EQUIVALENT,
        12 => L::AND_REVERSE,
        13 => L::AND_INVERTED,
        14 => L::OR_REVERSE,
        15 => L::OR_INVERTED,
        _ => L::NO_OP,
    }
}

/// `D3D10_DDI_COMPARISON_FUNC`.
pub fn map_compare(func: u32) -> vk::CompareOp {
    use vk::CompareOp as C;
    match func {
        1 => C::NEVER,
        2 => C::LESS,
        3 => C::EQUAL,
        4 => C::LESS_OR_EQUAL,
        5 => C::GREATER,
        6 => C::NOT_EQUAL,
        7 => C::GREATER_OR_EQUAL,
        _ => C::ALWAYS,
    }
}

/// `D3D10_DDI_STENCIL_OP`.
pub fn map_stencil_op(op: u32) -> vk::StencilOp {
    use vk::StencilOp as S;
    match op {
        2 => S::ZERO,
        3 => S::REPLACE,
        4 => S::INCREMENT_AND_CLAMP,
        5 => S::DECREMENT_AND_CLAMP,
        6 => S::INVERT,
        7 => S::INCREMENT_AND_WRAP,
        8 => S::DECREMENT_AND_WRAP,
        _ => S::KEEP,
    }
}

/// `D3D10_DDI_TEXTURE_ADDRESS_MODE`.
pub fn map_address(mode: u32) -> vk::SamplerAddressMode {
    use vk::SamplerAddressMode as A;
    match mode {
        2 => A::MIRRORED_REPEAT,
        3 => A::CLAMP_TO_EDGE,
        4 => A::CLAMP_TO_BORDER,
        5 => A::MIRROR_CLAMP_TO_EDGE,
        _ => A::REPEAT,
    }
}

/// `D3D10_DDI_CULL_MODE`.
pub fn map_cull(mode: u32) -> vk::CullModeFlags {
    match mode {
        2 => vk::CullModeFlags::FRONT,
        3 => vk::CullModeFlags::BACK,
        _ => vk::CullModeFlags::NONE,
    }
}

/// `D3D10_DDI_PRIMITIVE_TOPOLOGY`; `None` for "undefined" and patches.
pub fn map_topology(topology: u32) -> Option<vk::PrimitiveTopology> {
    use vk::PrimitiveTopology as T;
    Some(match topology {
        1 => T::POINT_LIST,
        2 => T::LINE_LIST,
        3 => T::LINE_STRIP,
        4 => T::TRIANGLE_LIST,
        5 => T::TRIANGLE_STRIP,
        10 => T::LINE_LIST_WITH_ADJACENCY,
        11 => T::LINE_STRIP_WITH_ADJACENCY,
        12 => T::TRIANGLE_LIST_WITH_ADJACENCY,
        13 => T::TRIANGLE_STRIP_WITH_ADJACENCY,
        _ => return None,
    })
}

/// The topology that stands for its class in a pipeline with dynamic topology.
pub fn topology_class(topology: vk::PrimitiveTopology) -> vk::PrimitiveTopology {
    use vk::PrimitiveTopology as T;
    match topology {
        T::POINT_LIST => T::POINT_LIST,
        T::LINE_LIST | T::LINE_STRIP => T::LINE_LIST,
        // Of the classes of those without, but a geometry shader that takes them wants to see them here, too.
        T::LINE_LIST_WITH_ADJACENCY | T::LINE_STRIP_WITH_ADJACENCY => T::LINE_LIST_WITH_ADJACENCY,
        T::TRIANGLE_LIST_WITH_ADJACENCY | T::TRIANGLE_STRIP_WITH_ADJACENCY => T::TRIANGLE_LIST_WITH_ADJACENCY,
        T::PATCH_LIST => T::PATCH_LIST,
        _ => T::TRIANGLE_LIST,
    }
}

/// Whether index 0xffff… restarts a primitive: D3D11 cuts strips only.
pub fn restarts(topology: vk::PrimitiveTopology) -> bool {
    use vk::PrimitiveTopology as T;
    matches!(
        topology,
        T::LINE_STRIP | T::TRIANGLE_STRIP | T::LINE_STRIP_WITH_ADJACENCY | T::TRIANGLE_STRIP_WITH_ADJACENCY
    )
}

/// The parts of a `D3D10_DDI_FILTER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    pub min: vk::Filter,
    pub mag: vk::Filter,
    pub mip: vk::SamplerMipmapMode,
    pub anisotropic: bool,
    pub comparison: bool,
}

impl Filter {
    /// The same without mixing texels.
    pub fn nearest(self) -> Self {
        let (min, mip) = (vk::Filter::NEAREST, vk::SamplerMipmapMode::NEAREST);
        Self { min, mag: min, mip, anisotropic: false, ..self }
    }

    /// Whether it mixes no texels.
    pub fn is_nearest(self) -> bool {
        self == self.nearest()
    }
}

/// `D3D10_DDI_FILTER`: bits 0, 2, 4 are mip, mag, min linear; 0x40 anisotropic; 0x80 comparison.
pub fn map_filter(filter: u32) -> Filter {
    let linear = |bit: u32| if filter & bit != 0 { vk::Filter::LINEAR } else { vk::Filter::NEAREST };
    let mip = if filter & 0x1 != 0 { vk::SamplerMipmapMode::LINEAR } else { vk::SamplerMipmapMode::NEAREST };
    Filter {
        min: linear(0x10),
        mag: linear(0x4),
        mip,
        anisotropic: filter & 0x40 != 0,
        comparison: filter & 0x80 != 0,
    }
}

/// A sample count that the decoder has checked.
pub fn map_samples(count: u32) -> vk::SampleCountFlags {
    vk::SampleCountFlags::from_raw(count.clamp(1, 64).next_power_of_two())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_without_alpha_counts_as_one() {
        assert_eq!(without_alpha(map_blend_factor(7, false)), vk::BlendFactor::ONE);
        assert_eq!(without_alpha(map_blend_factor(8, false)), vk::BlendFactor::ZERO);
        assert_eq!(without_alpha(map_blend_factor(5, false)), vk::BlendFactor::SRC_ALPHA);
    }

    #[test]
    fn filters_are_taken_apart() {
        let aniso = map_filter(0x55);
        assert!(aniso.anisotropic && !aniso.comparison);
        assert_eq!((aniso.min, aniso.mag), (vk::Filter::LINEAR, vk::Filter::LINEAR));
        let mixed = map_filter(0x80 | 0x4);
        assert_eq!((mixed.min, mixed.mag), (vk::Filter::NEAREST, vk::Filter::LINEAR));
        assert_eq!(mixed.mip, vk::SamplerMipmapMode::NEAREST);
        assert!(mixed.comparison);
        for filter in 0..0x100 {
            let filter = map_filter(filter);
            assert!(filter.nearest().is_nearest() && filter.nearest().comparison == filter.comparison);
        }
        assert!(map_filter(0x80).is_nearest() && !mixed.is_nearest() && !map_filter(0x1).is_nearest());
        assert!(!map_filter(0x40).is_nearest());
    }

    #[test]
    fn topologies_keep_their_class() {
        for topology in 0..=64 {
            if let Some(mapped) = map_topology(topology) {
                assert_eq!(topology_class(topology_class(mapped)), topology_class(mapped));
            }
        }
        assert_eq!(map_topology(0), None);
        assert_eq!(map_topology(33), None);
        assert!(!restarts(vk::PrimitiveTopology::TRIANGLE_LIST));
    }
}
