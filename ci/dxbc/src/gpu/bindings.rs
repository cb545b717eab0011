//! Descriptors: what the stages' reflections name, bound to what a test gives.
#![expect(unsafe_code, reason = "Vulkan is a C interface")]

use ash::vk;
use pvgpu_dxbc::{BindingKind, Compiled, DescriptorType, ResourceDimension, ShaderStage};

use super::contents::{Contents, Format, Image, ImageKind, SamplerState};
use super::image::DeviceImage;
use super::scope::{Buffer, Scope};

/// The stage flag of a shader.
pub fn stage_flag(stage: ShaderStage) -> vk::ShaderStageFlags {
    match stage {
        ShaderStage::Pixel => vk::ShaderStageFlags::FRAGMENT,
        ShaderStage::Vertex => vk::ShaderStageFlags::VERTEX,
        ShaderStage::Geometry => vk::ShaderStageFlags::GEOMETRY,
        ShaderStage::Hull => vk::ShaderStageFlags::TESSELLATION_CONTROL,
        ShaderStage::Domain => vk::ShaderStageFlags::TESSELLATION_EVALUATION,
        ShaderStage::Compute => vk::ShaderStageFlags::COMPUTE,
    }
}

fn descriptor_type(ty: DescriptorType) -> vk::DescriptorType {
    match ty {
        DescriptorType::UniformBuffer => vk::DescriptorType::UNIFORM_BUFFER,
        DescriptorType::UniformTexelBuffer => vk::DescriptorType::UNIFORM_TEXEL_BUFFER,
        DescriptorType::StorageBuffer => vk::DescriptorType::STORAGE_BUFFER,
        DescriptorType::StorageTexelBuffer => vk::DescriptorType::STORAGE_TEXEL_BUFFER,
        DescriptorType::SampledImage => vk::DescriptorType::SAMPLED_IMAGE,
        DescriptorType::StorageImage => vk::DescriptorType::STORAGE_IMAGE,
        DescriptorType::Sampler => vk::DescriptorType::SAMPLER,
    }
}

/// What a binding is bound to.
enum Bound {
    Buffer(Buffer),
    TexelBuffer(Buffer, vk::BufferView),
    /// With the number of texels where the shader may write them.
    Image {
        shape: Image,
        image: DeviceImage,
        view: vk::ImageView,
        storage: bool,
    },
    Sampler(vk::Sampler),
    Null,
}

/// The descriptors of a run.
pub struct Bindings {
    /// The layout of pipelines that use them.
    pub layout: vk::PipelineLayout,
    set: vk::DescriptorSet,
    /// For each stage, for each of its bindings.
    bound: Vec<Vec<Bound>>,
}

/// Makes what the stages bind, and records the filling of images. Barriers are the caller's.
pub fn bind<'a>(scope: &Scope<'_>, stages: impl Iterator<Item = (&'a Compiled, &'a [Contents])>) -> Bindings {
    let (mut bound, mut layout_bindings, mut places) = (Vec::new(), Vec::new(), Vec::new());
    for (shader, contents) in stages {
        let reflection = &shader.reflection;
        let bindings = &reflection.bindings;
        assert_eq!(bindings.len(), contents.len(), "{:?}: {bindings:#?}", reflection.stage);
        for binding in bindings {
            assert_eq!(binding.descriptor.set, 0);
            let ty = descriptor_type(binding.kind.descriptor_type());
            places.push((binding.descriptor.binding, ty));
            layout_bindings.push(
                vk::DescriptorSetLayoutBinding::default()
                    .binding(binding.descriptor.binding)
                    .descriptor_type(ty)
                    .descriptor_count(1)
                    .stage_flags(stage_flag(reflection.stage)),
            );
        }
        bound.push(
            bindings.iter().zip(contents).map(|(binding, one)| make(scope, &binding.kind, one)).collect(),
        );
    }
    let (set_layout, layout) = scope.layouts(&layout_bindings);
    let mut sizes: Vec<_> =
        places.iter().map(|(_, ty)| vk::DescriptorPoolSize::default().ty(*ty).descriptor_count(1)).collect();
    if sizes.is_empty() {
        sizes.push(vk::DescriptorPoolSize::default().ty(vk::DescriptorType::SAMPLER).descriptor_count(1));
    }
    let set = scope.descriptor_set(set_layout, &sizes);
    let bindings = Bindings { layout, set, bound };
    for ((place, ty), bound) in places.iter().zip(bindings.bound.iter().flatten()) {
        write(scope, set, *place, *ty, bound);
    }
    bindings
}

fn make(scope: &Scope<'_>, kind: &BindingKind, contents: &Contents) -> Bound {
    let ty = kind.descriptor_type();
    match contents {
        Contents::Unbound if ty == DescriptorType::Sampler => {
            Bound::Sampler(sampler(scope, &SamplerState::default()))
        }
        Contents::Unbound => Bound::Null,
        Contents::Buffer(dwords) => {
            let usage = match ty {
                DescriptorType::UniformBuffer => vk::BufferUsageFlags::UNIFORM_BUFFER,
                DescriptorType::StorageBuffer => vk::BufferUsageFlags::STORAGE_BUFFER,
                _ => panic!("a buffer is bound where the shader has {kind:?}"),
            };
            Bound::Buffer(scope.buffer(dwords, usage))
        }
        Contents::TypedBuffer { format, dwords } => {
            let usage = match ty {
                DescriptorType::UniformTexelBuffer => vk::BufferUsageFlags::UNIFORM_TEXEL_BUFFER,
                DescriptorType::StorageTexelBuffer => vk::BufferUsageFlags::STORAGE_TEXEL_BUFFER,
                _ => panic!("a typed buffer is bound where the shader has {kind:?}"),
            };
            let buffer = scope.buffer(dwords, usage);
            let view = scope.buffer_view(&buffer, format.vk());
            Bound::TexelBuffer(buffer, view)
        }
        Contents::Texture(texels) => {
            let rows = texels.len() as u32 / 4;
            let mut shape = Image::new(ImageKind::D2, Format::R32Sfloat, [4, rows, 1]);
            shape.texels = texels.iter().map(|texel| texel.to_bits()).collect();
            image(scope, kind, &shape)
        }
        Contents::Image(shape) => image(scope, kind, shape),
        Contents::Sampler { comparison } => {
            let comparison = comparison.then_some(vk::CompareOp::LESS);
            // One level only, as textures of `Contents::Texture` have.
            let state = SamplerState { comparison, max_lod: 0.0, ..SamplerState::default() };
            Bound::Sampler(sampler(scope, &state))
        }
        Contents::SamplerState(state) => Bound::Sampler(sampler(scope, state)),
    }
}

fn image(scope: &Scope<'_>, kind: &BindingKind, shape: &Image) -> Bound {
    let (usage, storage, dimension) = match kind {
        BindingKind::Typed { dimension, .. } => (vk::ImageUsageFlags::SAMPLED, false, *dimension),
        BindingKind::StorageTyped { dimension, .. } => (vk::ImageUsageFlags::STORAGE, true, *dimension),
        _ => panic!("an image is bound where the shader has {kind:?}"),
    };
    assert!(dimension != ResourceDimension::Buffer, "an image is bound where the shader has a buffer");
    let image = scope.filled_image(shape, usage);
    let view = scope.shader_view(shape, &image, dimension, storage);
    Bound::Image { shape: shape.clone(), image, view, storage }
}

fn sampler(scope: &Scope<'_>, state: &SamplerState) -> vk::Sampler {
    let info = vk::SamplerCreateInfo::default()
        .mag_filter(state.mag_filter)
        .min_filter(state.min_filter)
        .mipmap_mode(state.mipmap_mode)
        .address_mode_u(state.address[0])
        .address_mode_v(state.address[1])
        .address_mode_w(state.address[2])
        .mip_lod_bias(state.lod_bias)
        .min_lod(state.min_lod)
        .max_lod(state.max_lod)
        .compare_enable(state.comparison.is_some())
        .compare_op(state.comparison.unwrap_or(vk::CompareOp::NEVER))
        .border_color(state.border);
    scope.sampler(&info)
}

/// Writes one descriptor.
fn write(scope: &Scope<'_>, set: vk::DescriptorSet, place: u32, ty: vk::DescriptorType, bound: &Bound) {
    let mut buffer = [vk::DescriptorBufferInfo::default().range(vk::WHOLE_SIZE)];
    let mut image = [vk::DescriptorImageInfo::default().image_layout(vk::ImageLayout::GENERAL)];
    let mut view = [vk::BufferView::null()];
    match bound {
        Bound::Buffer(bound) => buffer[0] = buffer[0].buffer(bound.raw).range(bound.bytes().max(4)),
        Bound::TexelBuffer(_, bound) => view[0] = *bound,
        Bound::Image { view, .. } => image[0] = image[0].image_view(*view),
        Bound::Sampler(sampler) => image[0] = image[0].sampler(*sampler),
        Bound::Null => {}
    }
    let write = vk::WriteDescriptorSet::default().dst_set(set).dst_binding(place).descriptor_type(ty);
    let write = match ty {
        vk::DescriptorType::UNIFORM_BUFFER | vk::DescriptorType::STORAGE_BUFFER => write.buffer_info(&buffer),
        vk::DescriptorType::UNIFORM_TEXEL_BUFFER | vk::DescriptorType::STORAGE_TEXEL_BUFFER => {
            write.texel_buffer_view(&view)
        }
        _ => write.image_info(&image),
    };
    // SAFETY: the set is not in use, and the write fits its layout.
    unsafe { scope.device.raw.update_descriptor_sets(&[write], &[]) };
}

impl Bindings {
    /// Binds the descriptors.
    pub fn use_for(&self, scope: &Scope<'_>, point: vk::PipelineBindPoint) {
        let (device, commands) = (&scope.device.raw, scope.device.commands);
        // SAFETY: the command buffer is recording, and the set fits the layout.
        unsafe { device.cmd_bind_descriptor_sets(commands, point, self.layout, 0, &[self.set], &[]) };
    }

    /// Records the reading back of storage images. Barriers are the caller's.
    pub fn read_back(&mut self, scope: &Scope<'_>) {
        for bound in self.bound.iter_mut().flatten() {
            if let Bound::Image { shape, image, storage: true, .. } = bound {
                scope.read_back(shape, image);
            }
        }
    }

    /// Gives the contents of the `stage`th stage what its shader left, once the run has been waited for.
    pub fn update(&self, stage: usize, contents: &mut [Contents]) {
        for (bound, contents) in self.bound[stage].iter().zip(contents) {
            match (bound, contents) {
                (Bound::Buffer(buffer), Contents::Buffer(dwords))
                | (Bound::TexelBuffer(buffer, _), Contents::TypedBuffer { dwords, .. }) => {
                    *dwords = buffer.read();
                }
                (Bound::Image { shape, image, storage: true, .. }, Contents::Image(contents)) => {
                    contents.texels = image.texels(shape);
                }
                _ => {}
            }
        }
    }
}
