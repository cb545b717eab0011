//! What a device can do beyond what pvgpu needs.

use ash::vk;

/// Optional things that the device has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caps {
    pub external_memory_host: bool,
    pub external_memory_fd: bool,
    pub memory_budget: bool,
    pub depth_clip_enable: bool,
    pub custom_border_color: bool,
    /// Samplers that may have one of their own at a time.
    pub max_custom_borders: u32,
    pub vertex_divisor: bool,
    pub vertex_divisor_zero: bool,
    pub logic_op: bool,
    /// Unordered access from the stages before the pixel shader.
    pub vertex_pipeline_stores_and_atomics: bool,
    pub dual_src_blend: bool,
    pub fill_mode_non_solid: bool,
    pub depth_bias_clamp: bool,
    pub sampler_anisotropy: bool,
    pub multi_viewport: bool,
    pub pipeline_statistics: bool,
    pub precise_occlusion: bool,
    pub formats_4444: bool,
    pub d24s8: bool,
    /// Whether null vertex buffers read as zeros in every format. Lavapipe (22.3) reads address 0 for one byte at offset 0.
    pub null_vertex_buffers: bool,
    /// `VK_EXT_conditional_rendering`.
    pub conditional_rendering: bool,
    pub feedback: FeedbackCaps,
    pub lines: LineCaps,
    /// `VK_EXT_image_view_min_lod`.
    pub image_view_min_lod: bool,
    /// `VK_EXT_image_sliced_view_of_3d`.
    pub sliced_view_of_3d: bool,
    /// Bytes that offsets of texel buffers are multiples of, and whether those of one texel do too.
    pub texel_buffer_alignment: (u64, bool),
    pub shader: ShaderCaps,
    pub sparse: SparseCaps,
    pub forced: ForcedCaps,
}

/// What the device has for a rasterizer with its own samples, see `forced`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ForcedCaps {
    /// `VK_NV_framebuffer_mixed_samples` and `VK_NV_coverage_reduction_mode`.
    pub mixes: bool,
    /// The counts that it merges to one.
    pub mixed: vk::SampleCountFlags,
    /// `VK_EXT_fragment_shader_interlock` for pixels.
    pub interlock: bool,
    /// It runs the fragments of a pixel in the order of primitives without being told.
    pub ordered: bool,
    /// Storage images of 1, 2 and 8 bytes a texel.
    pub extended_formats: bool,
}

/// What `VK_EXT_transform_feedback` offers.
#[derive(Clone, Copy, Debug, Default)]
pub struct FeedbackCaps {
    /// Whether there is any: its queries included.
    pub present: bool,
    /// Vertex streams.
    pub streams: u32,
    /// Whether another stream than the first may be rasterized.
    pub stream_select: bool,
}

/// Ways to rasterize lines that `VK_EXT_line_rasterization` offers.
#[derive(Clone, Copy, Debug, Default)]
pub struct LineCaps {
    pub rectangular: bool,
    pub bresenham: bool,
    pub smooth: bool,
}

impl LineCaps {
    /// Whether the extension is of any use.
    pub const fn any(self) -> bool {
        self.rectangular || self.bresenham || self.smooth
    }
}

/// Features that shaders may use.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShaderCaps {
    pub geometry: bool,
    pub tessellation: bool,
    pub geometry_streams: bool,
    pub min_lod: bool,
    pub sample_rate: bool,
    pub cube_array: bool,
    pub gather_extended: bool,
    pub clip_distance: bool,
    pub cull_distance: bool,
    pub draw_parameters: bool,
    pub output_layer: bool,
    pub output_viewport: bool,
    pub read_without_format: bool,
    pub write_without_format: bool,
    pub float64: bool,
    /// Infinities, NaN and the sign of zero stay what they are in 32-bit arithmetic.
    pub preserve_float32: bool,
    /// 32-bit arithmetic flushes denormals, as D3D11 does.
    pub flush_float32: bool,
    /// Descriptors of storage buffers begin at fewer places than views: at multiples of more than a dword.
    pub view_starts: bool,
    /// There are formats of floats that the device samples and does not filter.
    pub unfiltered_floats: bool,
}

/// What the device has for tiled resources.
#[derive(Clone, Copy, Debug, Default)]
pub struct SparseCaps {
    /// Direct3D's tier, 0 for none.
    pub tier: u32,
    /// The queue family that binds memory.
    pub family: u32,
    /// Bytes of address space that all tiled resources together may take.
    pub address_space: u64,
}
