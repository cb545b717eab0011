//! One run: its commands, and its objects, which are destroyed when it ends, however it ends.
#![expect(unsafe_code, reason = "Vulkan is a C interface")]

use std::cell::RefCell;
use std::sync::{MutexGuard, PoisonError};

use ash::vk;

use super::Gpu;
use super::device::Device;

/// Buffers end at a multiple of this: within it, Vulkan lets reads beyond the end of a uniform buffer give what lies
/// there (`robustUniformBufferAccessSizeAlignment` is at most 256), and zeros lie there.
const BUFFER_ALIGNMENT: usize = 256;

/// An object to destroy.
enum Garbage {
    Buffer(vk::Buffer),
    BufferView(vk::BufferView),
    DescriptorPool(vk::DescriptorPool),
    Image(vk::Image),
    ImageView(vk::ImageView),
    Memory(vk::DeviceMemory),
    Module(vk::ShaderModule),
    Pipeline(vk::Pipeline),
    PipelineLayout(vk::PipelineLayout),
    QueryPool(vk::QueryPool),
    Sampler(vk::Sampler),
    SetLayout(vk::DescriptorSetLayout),
}

/// A run in progress: its commands are being recorded.
pub struct Scope<'a> {
    /// The device.
    pub device: &'a Device,
    garbage: RefCell<Vec<Garbage>>,
    _turn: MutexGuard<'a, ()>,
}

/// A buffer that the host sees.
#[derive(Debug, Clone, Copy)]
pub struct Buffer {
    /// Vulkan's object.
    pub raw: vk::Buffer,
    data: *mut u32,
    dwords: usize,
}

impl Buffer {
    /// The bytes that were asked for.
    pub fn bytes(&self) -> u64 {
        4 * self.dwords as u64
    }

    /// What it holds, once the run has been waited for.
    pub fn read(&self) -> Vec<u32> {
        let mut dwords = vec![0; self.dwords];
        // SAFETY: the mapping holds that many dwords, and the device does not write any more.
        unsafe { self.data.copy_to_nonoverlapping(dwords.as_mut_ptr(), self.dwords) };
        dwords
    }
}

impl<'a> Scope<'a> {
    /// Waits for its turn and begins to record.
    pub fn new(gpu: &'a Gpu) -> Self {
        // A run that failed before has left nothing behind.
        let turn = gpu.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let device = &gpu.device;
        let info = vk::CommandBufferBeginInfo::default().flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
        // SAFETY: the command buffer is not in use, since this run is the only one.
        unsafe { device.raw.begin_command_buffer(device.commands, &info) }.unwrap();
        Self { device, garbage: RefCell::default(), _turn: turn }
    }

    fn keep(&self, garbage: Garbage) {
        self.garbage.borrow_mut().push(garbage);
    }

    /// A buffer that holds `contents`, then zeros.
    pub fn buffer(&self, contents: &[u32], usage: vk::BufferUsageFlags) -> Buffer {
        let dwords = contents.len().max(1);
        let size = (4 * dwords).next_multiple_of(BUFFER_ALIGNMENT) as u64;
        let device = &self.device.raw;
        let info = vk::BufferCreateInfo::default().size(size).usage(usage);
        // SAFETY: the device is alive.
        let raw = unsafe { device.create_buffer(&info, None) }.unwrap();
        self.keep(Garbage::Buffer(raw));
        // SAFETY: the buffer is alive.
        let needs = unsafe { device.get_buffer_memory_requirements(raw) };
        let memory = self
            .memory(needs, vk::MemoryPropertyFlags::HOST_VISIBLE | vk::MemoryPropertyFlags::HOST_COHERENT);
        // SAFETY: buffer and memory are new, and the memory is large enough.
        unsafe { device.bind_buffer_memory(raw, memory, 0) }.unwrap();
        // SAFETY: the memory is visible to the host and not mapped.
        let data = unsafe { device.map_memory(memory, 0, size, vk::MemoryMapFlags::empty()) }.unwrap();
        // SAFETY: the mapping has that many bytes, and nothing else uses it.
        unsafe { data.cast::<u8>().write_bytes(0, size as usize) };
        let data = data.cast::<u32>();
        // SAFETY: the mapping has room for `contents`, and nothing else uses it.
        unsafe { data.copy_from_nonoverlapping(contents.as_ptr(), contents.len()) };
        Buffer { raw, data, dwords: contents.len() }
    }

    /// Memory that meets the needs.
    pub fn memory(
        &self,
        needs: vk::MemoryRequirements,
        properties: vk::MemoryPropertyFlags,
    ) -> vk::DeviceMemory {
        let info = vk::MemoryAllocateInfo::default()
            .allocation_size(needs.size)
            .memory_type_index(self.device.memory_type(needs.memory_type_bits, properties));
        // SAFETY: the device is alive.
        let memory = unsafe { self.device.raw.allocate_memory(&info, None) }.unwrap();
        self.keep(Garbage::Memory(memory));
        memory
    }

    /// A view of a whole buffer as texels.
    pub fn buffer_view(&self, buffer: &Buffer, format: vk::Format) -> vk::BufferView {
        let info =
            vk::BufferViewCreateInfo::default().buffer(buffer.raw).format(format).range(buffer.bytes());
        // SAFETY: the buffer is alive.
        let view = unsafe { self.device.raw.create_buffer_view(&info, None) }.unwrap();
        self.keep(Garbage::BufferView(view));
        view
    }

    /// An image with memory.
    pub fn image(&self, info: &vk::ImageCreateInfo<'_>) -> vk::Image {
        let device = &self.device.raw;
        // SAFETY: the device is alive.
        let image = unsafe { device.create_image(info, None) }.unwrap();
        self.keep(Garbage::Image(image));
        // SAFETY: the image is alive.
        let needs = unsafe { device.get_image_memory_requirements(image) };
        let memory = self.memory(needs, vk::MemoryPropertyFlags::DEVICE_LOCAL);
        // SAFETY: image and memory are new, and the memory is large enough.
        unsafe { device.bind_image_memory(image, memory, 0) }.unwrap();
        image
    }

    /// A view of an image.
    pub fn image_view(&self, info: &vk::ImageViewCreateInfo<'_>) -> vk::ImageView {
        // SAFETY: the image is alive.
        let view = unsafe { self.device.raw.create_image_view(info, None) }.unwrap();
        self.keep(Garbage::ImageView(view));
        view
    }

    /// A sampler.
    pub fn sampler(&self, info: &vk::SamplerCreateInfo<'_>) -> vk::Sampler {
        // SAFETY: the device is alive.
        let sampler = unsafe { self.device.raw.create_sampler(info, None) }.unwrap();
        self.keep(Garbage::Sampler(sampler));
        sampler
    }

    /// A shader module.
    pub fn module(&self, spirv: &[u32]) -> vk::ShaderModule {
        let info = vk::ShaderModuleCreateInfo::default().code(spirv);
        // SAFETY: the module is valid, which other tests (and the validation layer) check.
        let module = unsafe { self.device.raw.create_shader_module(&info, None) }.unwrap();
        self.keep(Garbage::Module(module));
        module
    }

    /// A layout of a descriptor set, and the pipeline layout of this one set.
    pub fn layouts(
        &self,
        bindings: &[vk::DescriptorSetLayoutBinding<'_>],
    ) -> (vk::DescriptorSetLayout, vk::PipelineLayout) {
        let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(bindings);
        // SAFETY: the device is alive.
        let set = unsafe { self.device.raw.create_descriptor_set_layout(&info, None) }.unwrap();
        self.keep(Garbage::SetLayout(set));
        let sets = [set];
        let info = vk::PipelineLayoutCreateInfo::default().set_layouts(&sets);
        // SAFETY: the set layout is alive.
        let pipeline = unsafe { self.device.raw.create_pipeline_layout(&info, None) }.unwrap();
        self.keep(Garbage::PipelineLayout(pipeline));
        (set, pipeline)
    }

    /// A descriptor set of a layout, from a pool of its own.
    pub fn descriptor_set(
        &self,
        layout: vk::DescriptorSetLayout,
        sizes: &[vk::DescriptorPoolSize],
    ) -> vk::DescriptorSet {
        let info = vk::DescriptorPoolCreateInfo::default().max_sets(1).pool_sizes(sizes);
        // SAFETY: the device is alive.
        let pool = unsafe { self.device.raw.create_descriptor_pool(&info, None) }.unwrap();
        self.keep(Garbage::DescriptorPool(pool));
        let layouts = [layout];
        let info = vk::DescriptorSetAllocateInfo::default().descriptor_pool(pool).set_layouts(&layouts);
        // SAFETY: pool and layout are alive.
        unsafe { self.device.raw.allocate_descriptor_sets(&info) }.unwrap()[0]
    }

    /// A compute pipeline.
    pub fn compute_pipeline(&self, spirv: &[u32], layout: vk::PipelineLayout) -> vk::Pipeline {
        let stage = vk::PipelineShaderStageCreateInfo::default()
            .stage(vk::ShaderStageFlags::COMPUTE)
            .module(self.module(spirv))
            .name(c"main");
        let info = [vk::ComputePipelineCreateInfo::default().stage(stage).layout(layout)];
        let device = &self.device.raw;
        // SAFETY: module and layout are alive and fit each other.
        let pipelines = unsafe { device.create_compute_pipelines(vk::PipelineCache::null(), &info, None) };
        let pipeline = pipelines.unwrap()[0];
        self.keep(Garbage::Pipeline(pipeline));
        pipeline
    }

    /// A graphics pipeline.
    pub fn graphics_pipeline(&self, info: vk::GraphicsPipelineCreateInfo<'_>) -> vk::Pipeline {
        let device = &self.device.raw;
        // SAFETY: what `info` names is alive and fits.
        let pipelines = unsafe { device.create_graphics_pipelines(vk::PipelineCache::null(), &[info], None) };
        let pipeline = pipelines.unwrap()[0];
        self.keep(Garbage::Pipeline(pipeline));
        pipeline
    }

    /// Queries, reset.
    pub fn queries(&self, ty: vk::QueryType, count: u32) -> vk::QueryPool {
        let info = vk::QueryPoolCreateInfo::default().query_type(ty).query_count(count);
        // SAFETY: the device is alive.
        let pool = unsafe { self.device.raw.create_query_pool(&info, None) }.unwrap();
        self.keep(Garbage::QueryPool(pool));
        // SAFETY: the command buffer is recording, outside rendering.
        unsafe { self.device.raw.cmd_reset_query_pool(self.device.commands, pool, 0, count) };
        pool
    }

    /// Orders everything before it before everything after it, for host and device.
    pub fn barrier(&self) {
        let all = vk::AccessFlags::MEMORY_READ | vk::AccessFlags::MEMORY_WRITE;
        let barrier = [vk::MemoryBarrier::default()
            .src_access_mask(vk::AccessFlags::MEMORY_WRITE)
            .dst_access_mask(all | vk::AccessFlags::HOST_READ)];
        let (before, after) = (vk::PipelineStageFlags::ALL_COMMANDS, vk::PipelineStageFlags::ALL_COMMANDS);
        let after = after | vk::PipelineStageFlags::HOST;
        let (device, commands) = (&self.device.raw, self.device.commands);
        // SAFETY: the command buffer is recording, outside rendering.
        unsafe {
            device.cmd_pipeline_barrier(
                commands,
                before,
                after,
                vk::DependencyFlags::empty(),
                &barrier,
                &[],
                &[],
            );
        }
    }

    /// Runs what has been recorded and waits for its end.
    pub fn submit(&self) {
        self.barrier();
        let device = &self.device.raw;
        // SAFETY: the command buffer is recording.
        unsafe { device.end_command_buffer(self.device.commands) }.unwrap();
        let commands = [self.device.commands];
        let submit = [vk::SubmitInfo::default().command_buffers(&commands)];
        // SAFETY: the command buffer is complete, and only this run uses the queue.
        unsafe { device.queue_submit(self.device.queue, &submit, vk::Fence::null()) }.unwrap();
        // SAFETY: only this run uses the queue.
        unsafe { device.queue_wait_idle(self.device.queue) }.unwrap();
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        let device = &self.device.raw;
        // A run that failed may not have been submitted: its commands name objects that are about to go.
        let flags = vk::CommandBufferResetFlags::empty();
        // SAFETY: the command buffer is not being executed, since `submit` waits.
        if let Err(error) = unsafe { device.reset_command_buffer(self.device.commands, flags) }
            && !std::thread::panicking()
        {
            panic!("cannot reset the command buffer: {error}");
        }
        for garbage in self.garbage.get_mut().drain(..).rev() {
            destroy(device, garbage);
        }
        if !std::thread::panicking() {
            self.device.fail_on_messages("a run");
        }
    }
}

/// Destroys an object that nothing uses any more.
fn destroy(device: &ash::Device, garbage: Garbage) {
    match garbage {
        // SAFETY: the object is alive and not in use, here and below.
        Garbage::Buffer(buffer) => unsafe { device.destroy_buffer(buffer, None) },
        // SAFETY: as above.
        Garbage::BufferView(view) => unsafe { device.destroy_buffer_view(view, None) },
        // SAFETY: as above.
        Garbage::DescriptorPool(pool) => unsafe { device.destroy_descriptor_pool(pool, None) },
        // SAFETY: as above.
        Garbage::Image(image) => unsafe { device.destroy_image(image, None) },
        // SAFETY: as above.
        Garbage::ImageView(view) => unsafe { device.destroy_image_view(view, None) },
        // SAFETY: as above; freeing unmaps.
        Garbage::Memory(memory) => unsafe { device.free_memory(memory, None) },
        // SAFETY: as above.
        Garbage::Module(module) => unsafe { device.destroy_shader_module(module, None) },
        // SAFETY: as above.
        Garbage::Pipeline(pipeline) => unsafe { device.destroy_pipeline(pipeline, None) },
        // SAFETY: as above.
        Garbage::PipelineLayout(layout) => unsafe { device.destroy_pipeline_layout(layout, None) },
        // SAFETY: as above.
        Garbage::QueryPool(pool) => unsafe { device.destroy_query_pool(pool, None) },
        // SAFETY: as above.
        Garbage::Sampler(sampler) => unsafe { device.destroy_sampler(sampler, None) },
        // SAFETY: as above.
        Garbage::SetLayout(layout) => unsafe { device.destroy_descriptor_set_layout(layout, None) },
    }
}
