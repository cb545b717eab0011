//! Multisampled images, sample by sample: Vulkan copies none, so two small compute shaders of our own, which owe
//! nothing to the compiler under test, move them to and from a buffer of four dwords a sample.
#![expect(unsafe_code, reason = "Vulkan is a C interface")]

use ash::vk;
use rspirv::binary::Assemble;
use rspirv::dr::{Builder, Operand};
use rspirv::spirv::{
    AddressingModel, BuiltIn, Capability, Decoration, Dim, ExecutionMode, ExecutionModel, FunctionControl,
    ImageFormat, ImageOperands, MemoryModel, StorageClass, Word,
};

use super::contents::{Format, Image};
use super::image::DeviceImage;
use super::scope::{Buffer, Scope};

/// Which way samples move.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    ToBuffer,
    ToImage,
}

/// Records the store of an image's samples.
pub fn store(scope: &Scope<'_>, image: &Image, target: &DeviceImage) {
    assert!(image.format.aspect() == vk::ImageAspectFlags::COLOR, "depth samples cannot be stored");
    let mut dwords = Vec::new();
    for sample in image.texels.chunks(image.format.dwords()) {
        let mut four = [0; 4];
        four[..sample.len()].copy_from_slice(sample);
        dwords.extend(four);
    }
    let buffer = scope.buffer(&dwords, vk::BufferUsageFlags::STORAGE_BUFFER);
    run(scope, image, target, &buffer, Way::ToImage);
}

/// Records the load of an image's samples; [`packed`] makes texels of them.
pub fn load(scope: &Scope<'_>, image: &Image, target: &DeviceImage) -> Buffer {
    let dwords = image.texels.len() / image.format.dwords() * 4;
    let buffer = scope.buffer(&vec![0; dwords], vk::BufferUsageFlags::STORAGE_BUFFER);
    run(scope, image, target, &buffer, Way::ToBuffer);
    buffer
}

/// The texels of an image from four dwords a sample.
pub fn packed(image: &Image, dwords: &[u32]) -> Vec<u32> {
    dwords.chunks(4).flat_map(|sample| sample[..image.format.dwords()].to_vec()).collect()
}

fn run(scope: &Scope<'_>, image: &Image, target: &DeviceImage, buffer: &Buffer, way: Way) {
    assert!(image.mips == 1 && image.format != Format::R8G8B8A8Unorm, "no such multisampled image here");
    let (descriptor, image_layout) = match way {
        Way::ToBuffer => (vk::DescriptorType::SAMPLED_IMAGE, vk::ImageLayout::GENERAL),
        Way::ToImage => (vk::DescriptorType::STORAGE_IMAGE, vk::ImageLayout::GENERAL),
    };
    let binding = |n: u32, ty| {
        vk::DescriptorSetLayoutBinding::default()
            .binding(n)
            .descriptor_type(ty)
            .descriptor_count(1)
            .stage_flags(vk::ShaderStageFlags::COMPUTE)
    };
    let storage = vk::DescriptorType::STORAGE_BUFFER;
    let (set_layout, layout) = scope.layouts(&[binding(0, storage), binding(1, descriptor)]);
    let sizes = [storage, descriptor].map(|ty| vk::DescriptorPoolSize::default().ty(ty).descriptor_count(1));
    let set = scope.descriptor_set(set_layout, &sizes);
    let range = vk::ImageSubresourceRange::default()
        .aspect_mask(image.format.aspect())
        .level_count(1)
        .layer_count(image.layers);
    let info = vk::ImageViewCreateInfo::default()
        .image(target.raw)
        .view_type(vk::ImageViewType::TYPE_2D_ARRAY)
        .format(image.format.vk())
        .subresource_range(range);
    let images =
        [vk::DescriptorImageInfo::default().image_view(scope.image_view(&info)).image_layout(image_layout)];
    let buffers = [vk::DescriptorBufferInfo::default().buffer(buffer.raw).range(vk::WHOLE_SIZE)];
    let write = vk::WriteDescriptorSet::default().dst_set(set);
    let writes = [
        write.dst_binding(0).descriptor_type(storage).buffer_info(&buffers),
        write.dst_binding(1).descriptor_type(descriptor).image_info(&images),
    ];
    let (device, commands) = (&scope.device.raw, scope.device.commands);
    // SAFETY: the set is not in use, and the writes fit its layout.
    unsafe { device.update_descriptor_sets(&writes, &[]) };
    let pipeline = scope.compute_pipeline(&module(image, way), layout);
    let point = vk::PipelineBindPoint::COMPUTE;
    // SAFETY: the command buffer is recording, outside rendering.
    unsafe { device.cmd_bind_pipeline(commands, point, pipeline) };
    // SAFETY: as above; the set fits the layout.
    unsafe { device.cmd_bind_descriptor_sets(commands, point, layout, 0, &[set], &[]) };
    // SAFETY: pipeline and descriptors are bound.
    unsafe { device.cmd_dispatch(commands, image.extent[0], image.extent[1], image.layers) };
}

/// A shader whose groups each move all samples of one texel.
fn module(image: &Image, way: Way) -> Vec<u32> {
    let mut b = Builder::new();
    b.set_version(1, 5);
    b.capability(Capability::Shader);
    if way == Way::ToImage {
        b.capability(Capability::StorageImageWriteWithoutFormat);
        b.capability(Capability::StorageImageMultisample);
        b.capability(Capability::ImageMSArray);
    }
    b.memory_model(AddressingModel::Logical, MemoryModel::GLSL450);
    let (void, uint) = (b.type_void(), b.type_int(32, 0));
    let scalar = match image.format {
        Format::R32Uint | Format::R32G32B32A32Uint => uint,
        Format::R32Sint | Format::R32G32B32A32Sint => b.type_int(32, 1),
        _ => b.type_float(32, None),
    };
    let (uint3, uint4, vec4) = (b.type_vector(uint, 3), b.type_vector(uint, 4), b.type_vector(scalar, 4));
    let sampled = if way == Way::ToBuffer { 1 } else { 2 };
    let image_type = b.type_image(scalar, Dim::Dim2D, 0, 1, 1, sampled, ImageFormat::Unknown, None);
    let array = b.type_runtime_array(uint4);
    b.decorate(array, Decoration::ArrayStride, [Operand::LiteralBit32(16)]);
    let block = b.type_struct([array]);
    b.decorate(block, Decoration::Block, []);
    b.member_decorate(block, 0, Decoration::Offset, [Operand::LiteralBit32(0)]);
    let variable = |b: &mut Builder, ty, class, decorations: &[(Decoration, Operand)]| {
        let pointer = b.type_pointer(None, class, ty);
        let id = b.variable(pointer, None, class, None);
        for (decoration, operand) in decorations {
            b.decorate(id, *decoration, [operand.clone()]);
        }
        id
    };
    let place = |n| {
        [
            (Decoration::DescriptorSet, Operand::LiteralBit32(0)),
            (Decoration::Binding, Operand::LiteralBit32(n)),
        ]
    };
    let buffer = variable(&mut b, block, StorageClass::StorageBuffer, &place(0));
    let texture = variable(&mut b, image_type, StorageClass::UniformConstant, &place(1));
    let built_in = [(Decoration::BuiltIn, Operand::BuiltIn(BuiltIn::WorkgroupId))];
    let group = variable(&mut b, uint3, StorageClass::Input, &built_in);
    let constants = [0, image.extent[0], image.extent[1], image.samples];
    let [zero, width, height, samples] = constants.map(|n| b.constant_bit32(uint, n));
    let numbers: Vec<Word> = (0..image.samples).map(|n| b.constant_bit32(uint, n)).collect();
    let element = b.type_pointer(None, StorageClass::StorageBuffer, uint4);
    let function_type = b.type_function(void, []);
    let main = b.begin_function(void, None, FunctionControl::NONE, function_type).unwrap();
    b.begin_block(None).unwrap();
    let place = b.load(uint3, None, group, None, []).unwrap();
    let [x, y, layer] = [0, 1, 2].map(|n| b.composite_extract(uint, None, place, [n]).unwrap());
    let row = b.i_mul(uint, None, layer, height).unwrap();
    let row = b.i_add(uint, None, row, y).unwrap();
    let texel = b.i_mul(uint, None, row, width).unwrap();
    let texel = b.i_add(uint, None, texel, x).unwrap();
    let first = b.i_mul(uint, None, texel, samples).unwrap();
    let texture_value = b.load(image_type, None, texture, None, []).unwrap();
    for number in numbers {
        let index = b.i_add(uint, None, first, number).unwrap();
        let pointer = b.access_chain(element, None, buffer, [zero, index]).unwrap();
        let operands = (Some(ImageOperands::SAMPLE), [Operand::IdRef(number)]);
        match way {
            Way::ToBuffer => {
                let value = b.image_fetch(vec4, None, texture_value, place, operands.0, operands.1).unwrap();
                let bits = if vec4 == uint4 { value } else { b.bitcast(uint4, None, value).unwrap() };
                b.store(pointer, bits, None, []).unwrap();
            }
            Way::ToImage => {
                let bits = b.load(uint4, None, pointer, None, []).unwrap();
                let value = if vec4 == uint4 { bits } else { b.bitcast(vec4, None, bits).unwrap() };
                b.image_write(texture_value, place, value, operands.0, operands.1).unwrap();
            }
        }
    }
    b.ret().unwrap();
    b.end_function().unwrap();
    b.entry_point(ExecutionModel::GLCompute, main, "main", [buffer, texture, group]);
    b.execution_mode(main, ExecutionMode::LocalSize, [1, 1, 1]);
    b.module().assemble()
}
