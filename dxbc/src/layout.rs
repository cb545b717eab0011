//! Where each D3D11 binding lands in Vulkan, and what the Vulkan device can do.

use crate::{ShaderStage, limits};

/// The four kinds of D3D11 binding, the hidden counters of structured unordered access views, and render targets that a
/// pixel shader blends into by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each variant is the D3D11 binding of that name")]
pub enum BindingClass {
    ConstantBuffer,
    Sampler,
    ShaderResource,
    UnorderedAccess,
    UnorderedAccessCounter,
    RenderTarget,
}

/// A descriptor's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DescriptorSlot {
    /// Descriptor set.
    pub set: u32,
    /// Binding in the set.
    pub binding: u32,
}

/// The rule that maps (stage, class, slot) to a descriptor: all stages share one set, and
/// `binding = stage × stage_stride + base of the class + slot`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BindingLayout {
    /// Descriptor set of everything.
    pub set: u32,
    /// Bindings of one stage.
    pub stage_stride: u32,
    /// First constant buffer of a stage.
    pub constant_buffers: u32,
    /// First sampler of a stage.
    pub samplers: u32,
    /// First shader resource of a stage.
    pub shader_resources: u32,
    /// First unordered access view of a stage.
    pub unordered_access_views: u32,
    /// First counter of an unordered access view of a stage.
    pub counters: u32,
    /// First render target that a pixel shader blends into; behind the bindings of all stages.
    pub render_targets: u32,
    /// Whether views of raw and structured buffers may begin behind the place that their descriptor names, for devices that
    /// let descriptors begin at fewer places than D3D11 does. See [`Reflection::view_start`](crate::Reflection::view_start).
    pub view_starts: bool,
    /// First of the further samplers of all stages ([`Reflection::spare_samplers`](crate::Reflection::spare_samplers)), 16 for each.
    pub spare_samplers: u32,
    /// Whether textures of floats get samplers of their own, for devices that have formats of floats (depth, above all) which they cannot
    /// filter.
    pub own_samplers: bool,
}

impl Default for BindingLayout {
    /// Set 0; 16 constant buffers, 16 samplers, 128 shader resources, 64 views and 64 counters for each stage; then the further
    /// samplers; then render targets.
    fn default() -> Self {
        Self {
            set: 0,
            stage_stride: 288,
            constant_buffers: 0,
            samplers: 16,
            shader_resources: 32,
            unordered_access_views: 160,
            counters: 224,
            // With the pixel shader's stride: behind the further samplers of all stages.
            render_targets: 672,
            view_starts: false,
            spare_samplers: 6 * 288,
            own_samplers: false,
        }
    }
}

impl BindingLayout {
    /// The place of a binding.
    pub fn descriptor(&self, stage: ShaderStage, class: BindingClass, slot: u32) -> DescriptorSlot {
        let base = match class {
            BindingClass::ConstantBuffer => self.constant_buffers,
            BindingClass::Sampler => self.samplers,
            BindingClass::ShaderResource => self.shader_resources,
            BindingClass::UnorderedAccess => self.unordered_access_views,
            BindingClass::UnorderedAccessCounter => self.counters,
            BindingClass::RenderTarget => self.render_targets,
        };
        let stage = self.stage_stride.saturating_mul(stage as u32);
        DescriptorSlot { set: self.set, binding: stage.saturating_add(base).saturating_add(slot) }
    }

    /// The place of a stage's further sampler.
    pub(crate) fn spare_sampler(&self, stage: ShaderStage, number: u32) -> DescriptorSlot {
        let stage = (stage as u32).saturating_mul(limits::SAMPLERS);
        DescriptorSlot {
            set: self.set,
            binding: self.spare_samplers.saturating_add(stage).saturating_add(number),
        }
    }
}

/// Optional Vulkan features that a translation may need; the names are Vulkan's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TargetCapabilities {
    /// `geometryShader`: the primitive id and the layer in a pixel shader need it, too.
    pub geometry_shader: bool,
    /// `tessellationShader`: hull and domain shaders.
    pub tessellation_shader: bool,
    /// `shaderTessellationAndGeometryPointSize`: where it is absent, their points have size 1 by themselves.
    pub shader_tessellation_and_geometry_point_size: bool,
    /// `multiViewport`: geometry shaders that choose a viewport.
    pub multi_viewport: bool,
    /// `transformFeedback` of `VK_EXT_transform_feedback`: stream output.
    pub transform_feedback: bool,
    /// `geometryStreams` of `VK_EXT_transform_feedback`: streams other than 0.
    pub geometry_streams: bool,
    /// `sampleRateShading`: the sample index and interpolation functions need it.
    pub sample_rate_shading: bool,
    /// `imageCubeArray`.
    pub image_cube_array: bool,
    /// `shaderImageGatherExtended`: gather with computed offsets.
    pub shader_image_gather_extended: bool,
    /// `shaderClipDistance`.
    pub shader_clip_distance: bool,
    /// `shaderCullDistance`.
    pub shader_cull_distance: bool,
    /// `shaderDrawParameters`: vertex and instance ids need it, since D3D11's leave out the base.
    pub shader_draw_parameters: bool,
    /// `shaderOutputLayer` (outside geometry shaders).
    pub shader_output_layer: bool,
    /// `shaderOutputViewportIndex` (outside geometry shaders).
    pub shader_output_viewport_index: bool,
    /// `shaderStorageImageReadWithoutFormat`: typed loads of any format.
    pub shader_storage_image_read_without_format: bool,
    /// `shaderStorageImageWriteWithoutFormat`.
    pub shader_storage_image_write_without_format: bool,
    /// `shaderResourceMinLod`: sampling with a least level of detail. Without it, a bias does the same, or a level that is
    /// chosen by the length of the gradients.
    pub shader_resource_min_lod: bool,
    /// `shaderFloat64`.
    pub shader_float64: bool,
    /// `shaderSignedZeroInfNanPreserveFloat32`.
    pub shader_signed_zero_inf_nan_preserve_float32: bool,
    /// `shaderDenormFlushToZeroFloat32`: D3D11 flushes, but this is often absent and hardly matters.
    pub shader_denorm_flush_to_zero_float32: bool,
    /// `shaderDenormPreserveFloat64`: D3D11 keeps denormal doubles, and so do devices that do not say so.
    pub shader_denorm_preserve_float64: bool,
}

impl Default for TargetCapabilities {
    /// What every desktop driver of Vulkan 1.3 has (checked on lavapipe 22.3 and NVIDIA 580, November 2026).
    fn default() -> Self {
        Self {
            geometry_shader: true,
            tessellation_shader: true,
            shader_tessellation_and_geometry_point_size: true,
            multi_viewport: true,
            transform_feedback: true,
            geometry_streams: true,
            sample_rate_shading: true,
            image_cube_array: true,
            shader_image_gather_extended: true,
            shader_clip_distance: true,
            shader_cull_distance: true,
            shader_draw_parameters: true,
            shader_output_layer: true,
            shader_output_viewport_index: true,
            shader_storage_image_read_without_format: false,
            shader_storage_image_write_without_format: true,
            shader_resource_min_lod: false,
            shader_float64: true,
            shader_signed_zero_inf_nan_preserve_float32: false,
            shader_denorm_flush_to_zero_float32: false,
            shader_denorm_preserve_float64: false,
        }
    }
}
