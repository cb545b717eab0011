//! A Vulkan device that runs one compute shader over buffers and textures: the judge of what shaders compute.
//!
//! Any Vulkan 1.3 driver will do; the tests need one. Every object lives until the process ends, which is soon.
#![expect(unsafe_code, reason = "Vulkan is a C interface")]

use ash::vk;
use pvgpu_dxbc::{Compiled, DescriptorType};

/// A device with one queue.
pub struct Gpu {
    _entry: ash::Entry,
    _instance: ash::Instance,
    device: ash::Device,
    queue: vk::Queue,
    commands: vk::CommandBuffer,
    memory_type: u32,
}

/// What a binding holds.
pub enum Contents {
    /// Dwords of a constant buffer or storage buffer.
    Buffer(Vec<u32>),
    /// Floats of a two-dimensional texture of four columns, row by row.
    Texture(Vec<f32>),
    /// A sampler without filtering that clamps; with or without a "less" comparison.
    Sampler {
        /// Whether it compares.
        comparison: bool,
    },
}

impl Contents {
    /// The dwords of a buffer.
    pub fn dwords(&self) -> &[u32] {
        match self {
            Self::Buffer(dwords) => dwords,
            _ => panic!("not a buffer"),
        }
    }
}

/// All of a texture.
const WHOLE_IMAGE: vk::ImageSubresourceRange = vk::ImageSubresourceRange {
    aspect_mask: vk::ImageAspectFlags::COLOR,
    base_mip_level: 0,
    level_count: 1,
    base_array_layer: 0,
    layer_count: 1,
};

/// Columns of a texture.
const COLUMNS: u32 = 4;

/// What a binding is bound to.
enum Bound {
    Buffer(Buffer),
    Image { image: vk::Image, view: vk::ImageView, staging: Buffer, rows: u32 },
    Sampler(vk::Sampler),
}

/// A buffer that the host sees.
struct Buffer {
    buffer: vk::Buffer,
    memory: vk::DeviceMemory,
}

impl Gpu {
    /// The first device of the system, with the features that the compiler counts on.
    pub fn new() -> Self {
        // SAFETY: the loader is trusted to be a Vulkan loader.
        let entry = unsafe { ash::Entry::load() }.expect("a Vulkan loader must be installed");
        let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3);
        let info = vk::InstanceCreateInfo::default().application_info(&application);
        // SAFETY: `info` and what it points to are valid.
        let instance = unsafe { entry.create_instance(&info, None) }.unwrap();
        // SAFETY: the instance is alive.
        let devices = unsafe { instance.enumerate_physical_devices() }.unwrap();
        let physical = *devices.first().expect("a Vulkan driver must be installed");
        let priorities = [1.0];
        let queues =
            [vk::DeviceQueueCreateInfo::default().queue_family_index(0).queue_priorities(&priorities)];
        let mut robustness = vk::PhysicalDeviceRobustness2FeaturesEXT::default()
            .robust_buffer_access2(true)
            .robust_image_access2(true)
            .null_descriptor(true);
        let features = vk::PhysicalDeviceFeatures::default()
            .robust_buffer_access(true)
            .shader_float64(true)
            .shader_image_gather_extended(true)
            .shader_storage_image_write_without_format(true);
        let extensions = [ash::ext::robustness2::NAME.as_ptr()];
        let info = vk::DeviceCreateInfo::default()
            .queue_create_infos(&queues)
            .enabled_features(&features)
            .enabled_extension_names(&extensions)
            .push_next(&mut robustness);
        // SAFETY: `info` and what it points to are valid; the physical device comes from this instance.
        let device = unsafe { instance.create_device(physical, &info, None) }.unwrap();
        // SAFETY: the device was made with one queue of family 0.
        let queue = unsafe { device.get_device_queue(0, 0) };
        // SAFETY: the physical device comes from this instance.
        let memory = unsafe { instance.get_physical_device_memory_properties(physical) };
        let wanted = vk::MemoryPropertyFlags::HOST_VISIBLE | vk::MemoryPropertyFlags::HOST_COHERENT;
        let memory_type =
            memory.memory_types_as_slice().iter().position(|ty| ty.property_flags.contains(wanted)).unwrap()
                as u32;
        let info = vk::CommandPoolCreateInfo::default();
        // SAFETY: the device is alive.
        let pool = unsafe { device.create_command_pool(&info, None) }.unwrap();
        let info = vk::CommandBufferAllocateInfo::default().command_pool(pool).command_buffer_count(1);
        // SAFETY: the pool is alive.
        let commands = unsafe { device.allocate_command_buffers(&info) }.unwrap()[0];
        Self { _entry: entry, _instance: instance, device, queue, commands, memory_type }
    }

    fn buffer(&self, contents: &[u32]) -> Buffer {
        let size = 4 * contents.len() as u64;
        let usage = vk::BufferUsageFlags::STORAGE_BUFFER
            | vk::BufferUsageFlags::UNIFORM_BUFFER
            | vk::BufferUsageFlags::TRANSFER_SRC;
        let info = vk::BufferCreateInfo::default().size(size).usage(usage);
        // SAFETY: the device is alive.
        let buffer = unsafe { self.device.create_buffer(&info, None) }.unwrap();
        // SAFETY: the buffer is alive.
        let needs = unsafe { self.device.get_buffer_memory_requirements(buffer) };
        let info =
            vk::MemoryAllocateInfo::default().allocation_size(needs.size).memory_type_index(self.memory_type);
        // SAFETY: the device is alive.
        let memory = unsafe { self.device.allocate_memory(&info, None) }.unwrap();
        // SAFETY: buffer and memory are new, and the memory is large enough.
        unsafe { self.device.bind_buffer_memory(buffer, memory, 0) }.unwrap();
        // SAFETY: the memory is visible to the host and not mapped.
        let data = unsafe { self.device.map_memory(memory, 0, size, vk::MemoryMapFlags::empty()) }.unwrap();
        // SAFETY: the mapping has room for `contents`, and nothing else uses it.
        unsafe { data.cast::<u32>().copy_from_nonoverlapping(contents.as_ptr(), contents.len()) };
        Buffer { buffer, memory }
    }

    fn image(&self, texels: &[f32]) -> Bound {
        let rows = texels.len() as u32 / COLUMNS;
        let info = vk::ImageCreateInfo::default()
            .image_type(vk::ImageType::TYPE_2D)
            .format(vk::Format::R32_SFLOAT)
            .extent(vk::Extent3D { width: COLUMNS, height: rows, depth: 1 })
            .mip_levels(1)
            .array_layers(1)
            .samples(vk::SampleCountFlags::TYPE_1)
            .usage(vk::ImageUsageFlags::SAMPLED | vk::ImageUsageFlags::TRANSFER_DST);
        // SAFETY: the device is alive.
        let image = unsafe { self.device.create_image(&info, None) }.unwrap();
        // SAFETY: the image is alive.
        let needs = unsafe { self.device.get_image_memory_requirements(image) };
        let info =
            vk::MemoryAllocateInfo::default().allocation_size(needs.size).memory_type_index(self.memory_type);
        // SAFETY: the device is alive.
        let memory = unsafe { self.device.allocate_memory(&info, None) }.unwrap();
        // SAFETY: image and memory are new, and the memory is large enough.
        unsafe { self.device.bind_image_memory(image, memory, 0) }.unwrap();
        let info = vk::ImageViewCreateInfo::default()
            .image(image)
            .view_type(vk::ImageViewType::TYPE_2D)
            .format(vk::Format::R32_SFLOAT)
            .subresource_range(WHOLE_IMAGE);
        // SAFETY: the image is alive and of that format.
        let view = unsafe { self.device.create_image_view(&info, None) }.unwrap();
        let bits: Vec<u32> = texels.iter().map(|texel| texel.to_bits()).collect();
        Bound::Image { image, view, staging: self.buffer(&bits), rows }
    }

    fn sampler(&self, comparison: bool) -> Bound {
        let info = vk::SamplerCreateInfo::default()
            .address_mode_u(vk::SamplerAddressMode::CLAMP_TO_EDGE)
            .address_mode_v(vk::SamplerAddressMode::CLAMP_TO_EDGE)
            .compare_enable(comparison)
            .compare_op(vk::CompareOp::LESS);
        // SAFETY: the device is alive.
        Bound::Sampler(unsafe { self.device.create_sampler(&info, None) }.unwrap())
    }

    /// Records the transition of an image from `from` to the general layout.
    fn transition(&self, image: vk::Image, from: vk::ImageLayout) {
        let barrier = [vk::ImageMemoryBarrier::default()
            .src_access_mask(vk::AccessFlags::MEMORY_WRITE)
            .dst_access_mask(vk::AccessFlags::MEMORY_READ | vk::AccessFlags::MEMORY_WRITE)
            .old_layout(from)
            .new_layout(vk::ImageLayout::GENERAL)
            .image(image)
            .subresource_range(WHOLE_IMAGE)];
        let all = vk::PipelineStageFlags::ALL_COMMANDS;
        let none = vk::DependencyFlags::empty();
        // SAFETY: the command buffer is recording.
        unsafe { self.device.cmd_pipeline_barrier(self.commands, all, all, none, &[], &[], &barrier) };
    }

    /// Records the upload of a texture.
    fn upload(&self, image: vk::Image, staging: &Buffer, rows: u32) {
        self.transition(image, vk::ImageLayout::UNDEFINED);
        let layers =
            vk::ImageSubresourceLayers::default().aspect_mask(vk::ImageAspectFlags::COLOR).layer_count(1);
        let region = [vk::BufferImageCopy::default().image_subresource(layers).image_extent(vk::Extent3D {
            width: COLUMNS,
            height: rows,
            depth: 1,
        })];
        let layout = vk::ImageLayout::GENERAL;
        // SAFETY: the command buffer is recording, and the buffer holds the image's texels.
        unsafe {
            self.device.cmd_copy_buffer_to_image(self.commands, staging.buffer, image, layout, &region)
        };
        self.transition(image, vk::ImageLayout::GENERAL);
    }

    /// Runs `groups` thread groups. `contents` are the bindings, in the order of the reflection; afterwards the
    /// buffers hold what the shader left in them.
    pub fn run(&self, shader: &Compiled, contents: &mut [Contents], groups: u32) {
        let bindings = &shader.reflection.bindings;
        assert_eq!(bindings.len(), contents.len(), "{bindings:#?}");
        let bound: Vec<Bound> = contents
            .iter()
            .map(|contents| match contents {
                Contents::Buffer(dwords) => Bound::Buffer(self.buffer(dwords)),
                Contents::Texture(texels) => self.image(texels),
                Contents::Sampler { comparison } => self.sampler(*comparison),
            })
            .collect();
        let types: Vec<vk::DescriptorType> = bindings
            .iter()
            .map(|binding| match binding.kind.descriptor_type() {
                DescriptorType::UniformBuffer => vk::DescriptorType::UNIFORM_BUFFER,
                DescriptorType::StorageBuffer => vk::DescriptorType::STORAGE_BUFFER,
                DescriptorType::SampledImage => vk::DescriptorType::SAMPLED_IMAGE,
                DescriptorType::Sampler => vk::DescriptorType::SAMPLER,
                other => panic!("{other:?} is not supported here"),
            })
            .collect();
        let layout_bindings: Vec<_> = bindings
            .iter()
            .zip(&types)
            .map(|(binding, ty)| {
                vk::DescriptorSetLayoutBinding::default()
                    .binding(binding.descriptor.binding)
                    .descriptor_type(*ty)
                    .descriptor_count(1)
                    .stage_flags(vk::ShaderStageFlags::COMPUTE)
            })
            .collect();
        let device = &self.device;
        let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&layout_bindings);
        // SAFETY: the device is alive.
        let set_layout = unsafe { device.create_descriptor_set_layout(&info, None) }.unwrap();
        let set_layouts = [set_layout];
        let info = vk::PipelineLayoutCreateInfo::default().set_layouts(&set_layouts);
        // SAFETY: the set layout is alive.
        let layout = unsafe { device.create_pipeline_layout(&info, None) }.unwrap();
        let info = vk::ShaderModuleCreateInfo::default().code(&shader.spirv);
        // SAFETY: the module is valid, which the fixtures' test checks.
        let module = unsafe { device.create_shader_module(&info, None) }.unwrap();
        let stage = vk::PipelineShaderStageCreateInfo::default()
            .stage(vk::ShaderStageFlags::COMPUTE)
            .module(module)
            .name(c"main");
        let info = [vk::ComputePipelineCreateInfo::default().stage(stage).layout(layout)];
        // SAFETY: module and layout are alive and fit each other.
        let pipelines = unsafe { device.create_compute_pipelines(vk::PipelineCache::null(), &info, None) };
        let pipeline = pipelines.unwrap()[0];
        let sizes = [
            vk::DescriptorType::UNIFORM_BUFFER,
            vk::DescriptorType::STORAGE_BUFFER,
            vk::DescriptorType::SAMPLED_IMAGE,
            vk::DescriptorType::SAMPLER,
        ]
        .map(|ty| vk::DescriptorPoolSize::default().ty(ty).descriptor_count(64));
        let info = vk::DescriptorPoolCreateInfo::default().max_sets(1).pool_sizes(&sizes);
        // SAFETY: the device is alive.
        let pool = unsafe { device.create_descriptor_pool(&info, None) }.unwrap();
        let info = vk::DescriptorSetAllocateInfo::default().descriptor_pool(pool).set_layouts(&set_layouts);
        // SAFETY: pool and layout are alive.
        let set = unsafe { device.allocate_descriptor_sets(&info) }.unwrap()[0];
        for ((binding, ty), bound) in bindings.iter().zip(&types).zip(&bound) {
            let mut buffer = [vk::DescriptorBufferInfo::default()];
            let mut image = [vk::DescriptorImageInfo::default().image_layout(vk::ImageLayout::GENERAL)];
            match bound {
                Bound::Buffer(bound) => buffer[0] = buffer[0].buffer(bound.buffer).range(vk::WHOLE_SIZE),
                Bound::Image { view, .. } => image[0] = image[0].image_view(*view),
                Bound::Sampler(sampler) => image[0] = image[0].sampler(*sampler),
            }
            let write = [vk::WriteDescriptorSet::default()
                .dst_set(set)
                .dst_binding(binding.descriptor.binding)
                .descriptor_type(*ty)
                .buffer_info(&buffer)
                .image_info(&image)];
            // SAFETY: the set is not in use, and the write fits its layout.
            unsafe { device.update_descriptor_sets(&write, &[]) };
        }
        let info = vk::CommandBufferBeginInfo::default();
        // SAFETY: the command buffer is not in use.
        unsafe { device.begin_command_buffer(self.commands, &info) }.unwrap();
        for bound in &bound {
            if let Bound::Image { image, staging, rows, .. } = bound {
                self.upload(*image, staging, *rows);
            }
        }
        // SAFETY: the command buffer is recording.
        unsafe { device.cmd_bind_pipeline(self.commands, vk::PipelineBindPoint::COMPUTE, pipeline) };
        // SAFETY: as above; the set fits the layout.
        unsafe {
            device.cmd_bind_descriptor_sets(
                self.commands,
                vk::PipelineBindPoint::COMPUTE,
                layout,
                0,
                &[set],
                &[],
            )
        };
        // SAFETY: pipeline and descriptors are bound.
        unsafe { device.cmd_dispatch(self.commands, groups, 1, 1) };
        // SAFETY: the command buffer is recording.
        unsafe { device.end_command_buffer(self.commands) }.unwrap();
        let commands = [self.commands];
        let submit = [vk::SubmitInfo::default().command_buffers(&commands)];
        // SAFETY: the command buffer is complete, and only this thread uses the queue.
        unsafe { device.queue_submit(self.queue, &submit, vk::Fence::null()) }.unwrap();
        // SAFETY: only this thread uses the queue.
        unsafe { device.queue_wait_idle(self.queue) }.unwrap();
        for (bound, contents) in bound.iter().zip(contents) {
            let (Bound::Buffer(buffer), Contents::Buffer(contents)) = (bound, contents) else { continue };
            // SAFETY: the memory is mapped already, so that it is mapped anew after this.
            unsafe { device.unmap_memory(buffer.memory) };
            // SAFETY: the memory is visible to the host and not mapped.
            let data =
                unsafe { device.map_memory(buffer.memory, 0, vk::WHOLE_SIZE, vk::MemoryMapFlags::empty()) };
            let data = data.unwrap().cast::<u32>();
            // SAFETY: the mapping holds as many dwords as `contents` had when the buffer was made.
            unsafe { data.copy_to_nonoverlapping(contents.as_mut_ptr(), contents.len()) };
        }
    }
}
