//! A Vulkan device that runs many compute shaders over buffers, several in one submission.
//!
//! The judge of random programs: [`crate::gpu`] makes every object anew for one shader, which is too slow for
//! thousands. Here one allocation holds the buffers of all jobs of a batch.
#![expect(unsafe_code, reason = "Vulkan is a C interface")]

use ash::vk;
use pvgpu_dxbc::{BindingKind, Compiled, DescriptorType, ReturnType};

/// Bytes for the buffers of one batch.
const ARENA: u64 = 16 << 20;
/// At least `minStorageBufferOffsetAlignment` and its like, which Vulkan limits to 256.
const ALIGNMENT: u64 = 256;
/// Descriptors of each type that one batch may use.
const DESCRIPTORS: u32 = 4096;

/// A shader, and dwords for its bindings in the order of the reflection.
pub struct Job {
    /// The shader.
    pub shader: Compiled,
    /// The bindings' dwords; afterwards what the shader left there.
    pub contents: Vec<Vec<u32>>,
    /// Thread groups in x.
    pub groups: u32,
}

/// A device with one queue and one mapped allocation.
pub struct BatchGpu {
    _entry: ash::Entry,
    instance: ash::Instance,
    device: ash::Device,
    queue: vk::Queue,
    commands: vk::CommandBuffer,
    command_pool: vk::CommandPool,
    pool: vk::DescriptorPool,
    buffer: vk::Buffer,
    memory: vk::DeviceMemory,
    mapped: *mut u32,
}

/// What one job made and must be destroyed.
#[derive(Default)]
struct Made {
    set_layout: vk::DescriptorSetLayout,
    layout: vk::PipelineLayout,
    module: vk::ShaderModule,
    pipeline: vk::Pipeline,
    views: Vec<vk::BufferView>,
    /// First dword of each binding in the arena.
    places: Vec<usize>,
}

impl BatchGpu {
    /// The first device of the system, with the features that the compiler counts on.
    pub fn open() -> Self {
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
        let properties = unsafe { instance.get_physical_device_memory_properties(physical) };
        let wanted = vk::MemoryPropertyFlags::HOST_VISIBLE | vk::MemoryPropertyFlags::HOST_COHERENT;
        let types = properties.memory_types_as_slice();
        let memory_type = types.iter().position(|ty| ty.property_flags.contains(wanted)).unwrap() as u32;
        let usage = vk::BufferUsageFlags::STORAGE_BUFFER
            | vk::BufferUsageFlags::UNIFORM_BUFFER
            | vk::BufferUsageFlags::UNIFORM_TEXEL_BUFFER
            | vk::BufferUsageFlags::STORAGE_TEXEL_BUFFER;
        let info = vk::BufferCreateInfo::default().size(ARENA).usage(usage);
        // SAFETY: the device is alive.
        let buffer = unsafe { device.create_buffer(&info, None) }.unwrap();
        // SAFETY: the buffer is alive.
        let needs = unsafe { device.get_buffer_memory_requirements(buffer) };
        let info =
            vk::MemoryAllocateInfo::default().allocation_size(needs.size).memory_type_index(memory_type);
        // SAFETY: the device is alive.
        let memory = unsafe { device.allocate_memory(&info, None) }.unwrap();
        // SAFETY: buffer and memory are new, and the memory is large enough.
        unsafe { device.bind_buffer_memory(buffer, memory, 0) }.unwrap();
        let all = vk::MemoryMapFlags::empty();
        // SAFETY: the memory is visible to the host and not mapped.
        let mapped = unsafe { device.map_memory(memory, 0, ARENA, all) }.unwrap().cast::<u32>();
        let info = vk::CommandPoolCreateInfo::default();
        // SAFETY: the device is alive.
        let command_pool = unsafe { device.create_command_pool(&info, None) }.unwrap();
        let info =
            vk::CommandBufferAllocateInfo::default().command_pool(command_pool).command_buffer_count(1);
        // SAFETY: the pool is alive.
        let commands = unsafe { device.allocate_command_buffers(&info) }.unwrap()[0];
        let sizes = [
            vk::DescriptorType::UNIFORM_BUFFER,
            vk::DescriptorType::STORAGE_BUFFER,
            vk::DescriptorType::UNIFORM_TEXEL_BUFFER,
            vk::DescriptorType::STORAGE_TEXEL_BUFFER,
        ]
        .map(|ty| vk::DescriptorPoolSize::default().ty(ty).descriptor_count(DESCRIPTORS));
        let info = vk::DescriptorPoolCreateInfo::default().max_sets(DESCRIPTORS).pool_sizes(&sizes);
        // SAFETY: the device is alive.
        let pool = unsafe { device.create_descriptor_pool(&info, None) }.unwrap();
        Self { _entry: entry, instance, device, queue, commands, command_pool, pool, buffer, memory, mapped }
    }

    /// Runs the jobs, all in one submission.
    pub fn run(&self, jobs: &mut [Job]) {
        let mut free = 0;
        let made: Vec<(Made, vk::DescriptorSet)> =
            jobs.iter().map(|job| self.prepare(job, &mut free)).collect();
        let device = &self.device;
        // SAFETY: no command buffer of the pool is in use.
        unsafe { device.reset_command_pool(self.command_pool, vk::CommandPoolResetFlags::empty()) }.unwrap();
        let info = vk::CommandBufferBeginInfo::default();
        // SAFETY: the command buffer is not in use.
        unsafe { device.begin_command_buffer(self.commands, &info) }.unwrap();
        let point = vk::PipelineBindPoint::COMPUTE;
        for ((made, set), job) in made.iter().zip(&*jobs) {
            // SAFETY: the command buffer is recording, and the pipeline is alive.
            unsafe { device.cmd_bind_pipeline(self.commands, point, made.pipeline) };
            // SAFETY: the command buffer is recording, and the set fits the layout.
            unsafe { device.cmd_bind_descriptor_sets(self.commands, point, made.layout, 0, &[*set], &[]) };
            // SAFETY: the command buffer is recording, with all that the pipeline needs bound.
            unsafe { device.cmd_dispatch(self.commands, job.groups, 1, 1) };
        }
        // SAFETY: the command buffer is recording.
        unsafe { device.end_command_buffer(self.commands) }.unwrap();
        let buffers = [self.commands];
        let submits = [vk::SubmitInfo::default().command_buffers(&buffers)];
        // SAFETY: the command buffer is complete; all that it uses is alive.
        unsafe { device.queue_submit(self.queue, &submits, vk::Fence::null()) }.unwrap();
        // SAFETY: the queue is not used elsewhere.
        unsafe { device.queue_wait_idle(self.queue) }.unwrap();
        for ((made, _), job) in made.iter().zip(jobs) {
            for (place, contents) in made.places.iter().zip(&mut job.contents) {
                // SAFETY: the place is inside the mapping, as `place` checked.
                let source = unsafe { self.mapped.add(*place) };
                // SAFETY: the mapping holds this many dwords from there, and the device is idle.
                unsafe { source.copy_to_nonoverlapping(contents.as_mut_ptr(), contents.len()) };
            }
            self.destroy(made);
        }
        // SAFETY: no set of the pool is in use.
        unsafe { device.reset_descriptor_pool(self.pool, vk::DescriptorPoolResetFlags::empty()) }.unwrap();
    }

    /// Copies dwords into the arena; returns the place of the first.
    fn place(&self, contents: &[u32], free: &mut u64) -> usize {
        let offset = *free;
        *free = (offset + 4 * contents.len() as u64).next_multiple_of(ALIGNMENT);
        assert!(*free <= ARENA, "the buffers of a batch need more than {ARENA} bytes");
        let first = offset as usize / 4;
        // SAFETY: the place is inside the mapping, as was checked above.
        let target = unsafe { self.mapped.add(first) };
        // SAFETY: the mapping has room for this many dwords, and the device is idle.
        unsafe { target.copy_from_nonoverlapping(contents.as_ptr(), contents.len()) };
        first
    }

    fn prepare(&self, job: &Job, free: &mut u64) -> (Made, vk::DescriptorSet) {
        let device = &self.device;
        let bindings = &job.shader.reflection.bindings;
        assert_eq!(bindings.len(), job.contents.len(), "{bindings:#?}");
        let mut made = Made::default();
        let types: Vec<vk::DescriptorType> = bindings
            .iter()
            .map(|binding| match binding.kind.descriptor_type() {
                DescriptorType::UniformBuffer => vk::DescriptorType::UNIFORM_BUFFER,
                DescriptorType::StorageBuffer => vk::DescriptorType::STORAGE_BUFFER,
                DescriptorType::UniformTexelBuffer => vk::DescriptorType::UNIFORM_TEXEL_BUFFER,
                DescriptorType::StorageTexelBuffer => vk::DescriptorType::STORAGE_TEXEL_BUFFER,
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
        let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&layout_bindings);
        // SAFETY: the device is alive.
        made.set_layout = unsafe { device.create_descriptor_set_layout(&info, None) }.unwrap();
        let set_layouts = [made.set_layout];
        let info = vk::PipelineLayoutCreateInfo::default().set_layouts(&set_layouts);
        // SAFETY: the set layout is alive.
        made.layout = unsafe { device.create_pipeline_layout(&info, None) }.unwrap();
        let info = vk::ShaderModuleCreateInfo::default().code(&job.shader.spirv);
        // SAFETY: the module is valid, which the tests check on samples.
        made.module = unsafe { device.create_shader_module(&info, None) }.unwrap();
        let stage = vk::PipelineShaderStageCreateInfo::default()
            .stage(vk::ShaderStageFlags::COMPUTE)
            .module(made.module)
            .name(c"main");
        let info = [vk::ComputePipelineCreateInfo::default().stage(stage).layout(made.layout)];
        // SAFETY: module and layout are alive and fit each other.
        let pipelines = unsafe { device.create_compute_pipelines(vk::PipelineCache::null(), &info, None) };
        made.pipeline = pipelines.unwrap()[0];
        let info =
            vk::DescriptorSetAllocateInfo::default().descriptor_pool(self.pool).set_layouts(&set_layouts);
        // SAFETY: pool and layout are alive.
        let set = unsafe { device.allocate_descriptor_sets(&info) }.unwrap()[0];
        for (n, (binding, ty)) in bindings.iter().zip(&types).enumerate() {
            let place = self.place(&job.contents[n], free);
            made.places.push(place);
            let (offset, size) = (4 * place as u64, 4 * job.contents[n].len() as u64);
            let buffer = [vk::DescriptorBufferInfo::default().buffer(self.buffer).offset(offset).range(size)];
            let mut write = vk::WriteDescriptorSet::default()
                .dst_set(set)
                .dst_binding(binding.descriptor.binding)
                .descriptor_type(*ty);
            let mut view = [vk::BufferView::null()];
            let return_type = match binding.kind {
                BindingKind::Typed { return_type, .. } | BindingKind::StorageTyped { return_type, .. } => {
                    Some(return_type)
                }
                _ => None,
            };
            if let Some(return_type) = return_type {
                let format = match return_type {
                    ReturnType::Uint => vk::Format::R32_UINT,
                    ReturnType::Sint => vk::Format::R32_SINT,
                    _ => vk::Format::R32_SFLOAT,
                };
                let info = vk::BufferViewCreateInfo::default()
                    .buffer(self.buffer)
                    .format(format)
                    .offset(offset)
                    .range(size);
                // SAFETY: the buffer is alive and has this range.
                view[0] = unsafe { device.create_buffer_view(&info, None) }.unwrap();
                made.views.push(view[0]);
                write = write.texel_buffer_view(&view);
            } else {
                write = write.buffer_info(&buffer);
            }
            // SAFETY: the set is not in use, and the write fits its layout.
            unsafe { device.update_descriptor_sets(&[write], &[]) };
        }
        (made, set)
    }

    fn destroy(&self, made: &Made) {
        let device = &self.device;
        for view in &made.views {
            // SAFETY: the device is idle.
            unsafe { device.destroy_buffer_view(*view, None) };
        }
        // SAFETY: the device is idle.
        unsafe { device.destroy_pipeline(made.pipeline, None) };
        // SAFETY: no pipeline is being made from it.
        unsafe { device.destroy_shader_module(made.module, None) };
        // SAFETY: the device is idle.
        unsafe { device.destroy_pipeline_layout(made.layout, None) };
        // SAFETY: the device is idle.
        unsafe { device.destroy_descriptor_set_layout(made.set_layout, None) };
    }
}

impl Drop for BatchGpu {
    fn drop(&mut self) {
        // SAFETY: the device is idle after every run.
        unsafe { self.device.destroy_descriptor_pool(self.pool, None) };
        // SAFETY: as above.
        unsafe { self.device.destroy_command_pool(self.command_pool, None) };
        // SAFETY: as above.
        unsafe { self.device.destroy_buffer(self.buffer, None) };
        // SAFETY: as above; this ends the mapping.
        unsafe { self.device.free_memory(self.memory, None) };
        // SAFETY: all that the device made is destroyed.
        unsafe { self.device.destroy_device(None) };
        // SAFETY: the device is destroyed.
        unsafe { self.instance.destroy_instance(None) };
    }
}
