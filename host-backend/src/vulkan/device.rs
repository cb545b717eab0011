//! The Vulkan device of a worker: features, queue, allocator, timeline semaphore.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ash::vk::Handle;
use ash::{ext, khr, nv, vk};
use gpu_allocator::vulkan::{
    Allocation as Memory, AllocationCreateDesc, AllocationScheme, Allocator, AllocatorCreateDesc,
};
use gpu_allocator::{AllocationSizes, AllocatorDebugSettings, MemoryLocation};
use pvgpu_protocol::event::error_code;

use super::caps::{Caps, FeedbackCaps, ForcedCaps, LineCaps, ShaderCaps, SparseCaps};
use super::instance::{GpuChoice, GpuError, Instance, device_name};
use super::memory::BUFFER_USAGE;
use super::sampling::Sampling;
use super::sparse::Sparse;
use crate::fault::Fault;
use crate::pipeline_file::{GpuId, Note, PipelineFile};

/// How a device is opened.
#[derive(Clone, Debug, Default)]
pub struct DeviceOptions {
    /// Which GPU.
    pub gpu: GpuChoice,
    /// With the validation layer.
    pub validation: bool,
    /// Bytes of GPU memory that the guest may hold.
    pub memory_limit: u64,
    /// Bytes of the GPU's own memory that the guest may fill; what comes beyond lives in system memory. None for what the driver says
    /// is left.
    pub local_limit: Option<u64>,
    /// Copies uploads and frames through memory of our own even where the driver could import the guest's heap.
    pub bounce: bool,
    /// Command pools that may exist at a time, one a context, for tests of a driver that has no more; none for no limit.
    pub command_pools: Option<u32>,
    /// Has shaders blend where the rasterizer has more samples than the targets, even if the device can merge samples.
    pub merge_in_shaders: bool,
}

/// Memory that the guest holds.
pub struct Allocation {
    inner: Memory,
    /// Of memory for the GPU alone: whether it found no room in the GPU's own.
    share: Option<bool>,
}

impl Allocation {
    /// Whether it lives in system memory for want of room.
    pub(super) fn is_spilled(&self) -> bool {
        self.share == Some(true)
    }
}

impl std::ops::Deref for Allocation {
    type Target = Memory;

    fn deref(&self) -> &Memory {
        &self.inner
    }
}

/// A Vulkan device with one queue, and perhaps another for sparse memory.
pub struct Device {
    pub(super) raw: ash::Device,
    pub(super) physical: vk::PhysicalDevice,
    pub(super) queue: vk::Queue,
    /// Held by whoever uses the queue.
    pub(super) submitting: Mutex<()>,
    pub(super) family: u32,
    pub(super) caps: Caps,
    pub(super) sampling: Sampling,
    pub(super) sparse: Sparse,
    pub(super) limits: vk::PhysicalDeviceLimits,
    pub(super) properties: vk::PhysicalDeviceProperties,
    pub(super) driver: String,
    /// What a depth bias counts in buffers of integers, in steps of 1 / (2ⁿ - 1). Vulkan allows 1 and 2; D3D11 has 1.
    pub(super) unorm_bias_unit: f32,
    /// Counts submissions.
    pub(super) timeline: vk::Semaphore,
    pub(super) pipeline_cache: vk::PipelineCache,
    pub(super) host_memory: Option<ext::external_memory_host::Device>,
    pub(super) feedback: Option<ext::transform_feedback::Device>,
    pub(super) conditional: Option<ext::conditional_rendering::Device>,
    pub(super) host_pointer_alignment: u64,
    /// The largest instance step rate.
    pub(super) max_vertex_divisor: u32,
    pub(super) memory: vk::PhysicalDeviceMemoryProperties,
    allocator: ManuallyDrop<Mutex<Allocator>>,
    pub(super) memory_limit: u64,
    local_limit: u64,
    pub(super) memory_in_use: Arc<AtomicU64>,
    /// Bytes of it that found no room in the GPU's own memory.
    spilled: AtomicU64,
    /// Bytes of it in the GPU's own memory.
    pub(super) local: AtomicU64,
    /// How many more command pools there may be.
    command_pools: AtomicU32,
    /// How many more samplers there may be.
    samplers: AtomicU32,
    /// Those with a border colour of their own.
    borders: Mutex<BTreeSet<u64>>,
    lost: AtomicBool,
    /// Pipelines of earlier runs, until somebody takes them.
    notes: Mutex<Vec<Note>>,
    pub(super) instance: Instance,
}

/// Opens the chosen GPU.
impl Device {
    /// # Errors
    /// [`GpuError`] when there is no such GPU or it lacks something that pvgpu needs.
    pub fn open(options: &DeviceOptions) -> Result<Arc<Self>, GpuError> {
        Self::open_with(options, None)
    }

    /// The same with the bytes of a [`PipelineFile`] of earlier runs; one that is of no use is ignored.
    ///
    /// # Errors
    /// As for [`Device::open`].
    pub fn open_with(options: &DeviceOptions, pipelines: Option<&[u8]>) -> Result<Arc<Self>, GpuError> {
        let instance = Instance::new(options.validation)?;
        let (physical, properties) = instance.choose(&options.gpu)?;
        let name = device_name(&properties);
        let missing = |what: Vec<&'static str>| GpuError::Missing { device: name.clone(), what };
        if properties.api_version < vk::API_VERSION_1_3 {
            return Err(missing(vec!["Vulkan 1.3"]));
        }
        // SAFETY: the device belongs to the instance.
        let queues = unsafe { instance.raw.get_physical_device_queue_family_properties(physical) };
        let wanted = vk::QueueFlags::GRAPHICS | vk::QueueFlags::COMPUTE;
        let family = queues
            .iter()
            .position(|queue| queue.queue_flags.contains(wanted))
            .and_then(|index| u32::try_from(index).ok())
            .ok_or_else(|| missing(vec!["a queue for graphics and compute"]))?;
        let extensions = Extensions::of(&instance, physical)?;
        let (features, mut caps) = choose_features(&instance, physical, &extensions).map_err(missing)?;
        caps.external_memory_host &= !options.bounce;
        if options.merge_in_shaders {
            caps.forced.mixed = vk::SampleCountFlags::empty();
        }
        caps.shader.view_starts = properties.limits.min_storage_buffer_offset_alignment > 4;
        let sampling = Sampling::of(&instance, physical, &caps);
        caps.shader.unfiltered_floats = sampling.unfiltered_floats;
        let raw = create(&instance, physical, family, features, &caps)?;
        // SAFETY: the family and index are those the device was made with.
        let queue = unsafe { raw.get_device_queue(family, 0) };
        let mut kind = vk::SemaphoreTypeCreateInfo::default().semaphore_type(vk::SemaphoreType::TIMELINE);
        let info = vk::SemaphoreCreateInfo::default().push_next(&mut kind);
        // SAFETY: the device is alive.
        let timeline =
            unsafe { raw.create_semaphore(&info, None) }.map_err(GpuError::call("vkCreateSemaphore"))?;
        let known = read_pipelines(pipelines, &gpu_id(&properties));
        let info = vk::PipelineCacheCreateInfo::default().initial_data(&known.driver);
        // SAFETY: the device is alive. The data is none, or begins with a header of this GPU and driver, who checks the rest.
        let pipeline_cache = unsafe { raw.create_pipeline_cache(&info, None) }
            .map_err(GpuError::call("vkCreatePipelineCache"))?;
        let allocator = Allocator::new(&AllocatorCreateDesc {
            instance: instance.raw.clone(),
            device: raw.clone(),
            physical_device: physical,
            debug_settings: AllocatorDebugSettings::default(),
            buffer_device_address: false,
            allocation_sizes: AllocationSizes::new(64 << 20, 32 << 20),
        })
        .map_err(|_| GpuError::Call { call: "the memory allocator", result: vk::Result::ERROR_UNKNOWN })?;
        let host_memory =
            caps.external_memory_host.then(|| ext::external_memory_host::Device::new(&instance.raw, &raw));
        let feedback =
            caps.feedback.present.then(|| ext::transform_feedback::Device::new(&instance.raw, &raw));
        let conditional =
            caps.conditional_rendering.then(|| ext::conditional_rendering::Device::new(&instance.raw, &raw));
        let mut host_properties = vk::PhysicalDeviceExternalMemoryHostPropertiesEXT::default();
        let mut driver_properties = vk::PhysicalDeviceDriverProperties::default();
        let mut all = vk::PhysicalDeviceProperties2::default().push_next(&mut driver_properties);
        let mut divisor_properties = vk::PhysicalDeviceVertexAttributeDivisorPropertiesEXT::default();
        if caps.external_memory_host {
            all = all.push_next(&mut host_properties);
        }
        if caps.vertex_divisor {
            all = all.push_next(&mut divisor_properties);
        }
        // SAFETY: the chain holds structures of extensions that the device has.
        unsafe { instance.raw.get_physical_device_properties2(physical, &mut all) };
        let text = |field: &[std::ffi::c_char]| {
            let bytes: Vec<u8> = field.iter().map(|c| c.cast_unsigned()).collect();
            CStr::from_bytes_until_nul(&bytes)
                .map_or_else(|_| String::new(), |s| s.to_string_lossy().into_owned())
        };
        let driver =
            format!("{} {}", text(&driver_properties.driver_name), text(&driver_properties.driver_info));
        // Nothing tells but trying, or `VK_EXT_depth_bias_control`, which not all have.
        let doubles = [vk::DriverId::MESA_LLVMPIPE, vk::DriverId::NVIDIA_PROPRIETARY];
        let unorm_bias_unit = if doubles.contains(&driver_properties.driver_id) { 2.0 } else { 1.0 };
        // SAFETY: the device belongs to the instance.
        let memory = unsafe { instance.raw.get_physical_device_memory_properties(physical) };
        let sparse = Sparse::open(&raw, &mut caps.sparse, &memory);
        Ok(Arc::new(Self {
            raw,
            physical,
            queue,
            submitting: Mutex::default(),
            family,
            caps,
            sampling,
            sparse,
            limits: properties.limits,
            properties,
            driver,
            unorm_bias_unit,
            timeline,
            pipeline_cache,
            host_memory,
            feedback,
            conditional,
            max_vertex_divisor: divisor_properties.max_vertex_attrib_divisor.max(1),
            host_pointer_alignment: host_properties.min_imported_host_pointer_alignment.max(1),
            memory,
            allocator: ManuallyDrop::new(Mutex::new(allocator)),
            memory_limit: options.memory_limit,
            local_limit: options.local_limit.unwrap_or(u64::MAX),
            memory_in_use: Arc::default(),
            spilled: AtomicU64::new(0),
            local: AtomicU64::new(0),
            command_pools: AtomicU32::new(options.command_pools.unwrap_or(u32::MAX)),
            samplers: AtomicU32::new(properties.limits.max_sampler_allocation_count),
            borders: Mutex::default(),
            lost: AtomicBool::new(false),
            notes: Mutex::new(known.notes),
            instance,
        }))
    }

    /// The GPU's name.
    pub fn name(&self) -> String {
        device_name(&self.properties)
    }

    /// The driver's name and version.
    pub fn driver(&self) -> &str {
        &self.driver
    }

    /// Tells the GPU and its driver from others.
    pub fn gpu_id(&self) -> GpuId {
        gpu_id(&self.properties)
    }

    /// The pipelines that earlier runs needed; once.
    pub(super) fn take_notes(&self) -> Vec<Note> {
        std::mem::take(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the driver has compiled, in its own words; nothing if it does not say.
    pub(super) fn pipeline_cache_data(&self) -> Vec<u8> {
        // SAFETY: the cache is alive.
        unsafe { self.raw.get_pipeline_cache_data(self.pipeline_cache) }.unwrap_or_default()
    }

    /// Whether the GPU is a software renderer.
    pub fn is_software(&self) -> bool {
        self.properties.device_type == vk::PhysicalDeviceType::CPU
    }

    /// Bytes of the GPU's own memory.
    pub fn dedicated_memory(&self) -> u64 {
        self.heaps(true)
    }

    /// Bytes of the memory heaps that are the device's own, or that are not.
    pub(super) fn heaps(&self, local: bool) -> u64 {
        self.memory
            .memory_heaps_as_slice()
            .iter()
            .filter(|heap| heap.flags.contains(vk::MemoryHeapFlags::DEVICE_LOCAL) == local)
            .fold(0, |sum, heap| sum.saturating_add(heap.size))
    }

    /// Bytes of GPU memory in use, for whoever watches without keeping the device alive.
    pub fn memory_in_use(&self) -> Arc<AtomicU64> {
        self.memory_in_use.clone()
    }

    /// Whether the device was lost.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Notes that the device is lost.
    pub(super) fn set_lost(&self) {
        self.lost.store(true, Ordering::Relaxed);
    }

    /// A fault for a failed call.
    #[cold]
    pub(super) fn fault(&self, call: &'static str, result: vk::Result) -> Fault {
        let code = match result {
            vk::Result::ERROR_OUT_OF_DEVICE_MEMORY | vk::Result::ERROR_OUT_OF_HOST_MEMORY => {
                error_code::OUT_OF_MEMORY
            }
            _ => error_code::DEVICE_LOST,
        };
        if result == vk::Result::ERROR_DEVICE_LOST {
            self.set_lost();
        }
        Fault::new(code, format!("{call}: {result}"))
    }

    /// Every use that a buffer with guest data may have on this device.
    pub(super) fn buffer_usage(&self) -> vk::BufferUsageFlags {
        let mut usage = BUFFER_USAGE;
        if self.caps.feedback.present {
            usage |= vk::BufferUsageFlags::TRANSFORM_FEEDBACK_BUFFER_EXT
                | vk::BufferUsageFlags::TRANSFORM_FEEDBACK_COUNTER_BUFFER_EXT;
        }
        if self.caps.conditional_rendering {
            usage |= vk::BufferUsageFlags::CONDITIONAL_RENDERING_EXT;
        }
        usage
    }

    /// Bytes that the offset of a typed buffer view must be a multiple of.
    pub(super) fn texel_buffer_alignment(&self, format: u32) -> u64 {
        let (bytes, single_texel) = self.caps.texel_buffer_alignment;
        let bytes = bytes.max(1);
        if !single_texel {
            return bytes;
        }
        // Of formats with three components, one component counts.
        let texel = match pvgpu_protocol::format::info(format).map_or(1, |info| info.block_bytes) {
            12 => 4,
            texel => u64::from(texel),
        };
        bytes.min(texel)
    }

    /// Makes a command pool for one context.
    pub(super) fn create_command_pool(&self) -> Result<vk::CommandPool, Fault> {
        let info = vk::CommandPoolCreateInfo::default()
            .queue_family_index(self.family)
            .flags(vk::CommandPoolCreateFlags::RESET_COMMAND_BUFFER);
        let left = self.command_pools.load(Ordering::Relaxed);
        let pool = if left == 0 {
            Err(vk::Result::ERROR_OUT_OF_HOST_MEMORY)
        } else {
            // SAFETY: the info is complete.
            unsafe { self.raw.create_command_pool(&info, None) }
        };
        let pool = pool.map_err(|result| self.fault("vkCreateCommandPool", result))?;
        self.command_pools.store(left - 1, Ordering::Relaxed);
        Ok(pool)
    }

    /// Destroys a command pool of which no buffer is at the GPU.
    pub(super) fn destroy_command_pool(&self, pool: vk::CommandPool) {
        // SAFETY: the caller has waited for the submissions of its buffers.
        unsafe { self.raw.destroy_command_pool(pool, None) };
        self.command_pools.fetch_add(1, Ordering::Relaxed);
    }

    /// Allocates memory within the guest's limit.
    pub(super) fn allocate(
        &self,
        name: &str,
        requirements: vk::MemoryRequirements,
        location: MemoryLocation,
        linear: bool,
        dedicated: Option<AllocationScheme>,
    ) -> Result<Allocation, Fault> {
        let size = requirements.size;
        let used = self.memory_in_use.load(Ordering::Relaxed);
        if used.saturating_add(size) > self.memory_limit {
            return Err(Fault::new(
                error_code::LIMIT,
                format!("{size} bytes more than the {used} in use exceed the guest's {}", self.memory_limit),
            ));
        }
        // Only what is for the GPU alone has a choice.
        let choice = location == MemoryLocation::GpuOnly;
        let (inner, spilled) = match choice && size > self.local_room() {
            true => (self.allocate_outside(name, requirements, linear, dedicated)?, true),
            false => match self.allocate_in(name, requirements, location, linear, dedicated) {
                Err(_) if choice => (self.allocate_outside(name, requirements, linear, dedicated)?, true),
                result => (result?, false),
            },
        };
        self.memory_in_use.fetch_add(inner.size(), Ordering::Relaxed);
        if choice {
            let share = if spilled { &self.spilled } else { &self.local };
            share.fetch_add(inner.size(), Ordering::Relaxed);
        }
        Ok(Allocation { inner, share: choice.then_some(spilled) })
    }

    /// Allocates memory for the GPU alone, in its own or outside; wherever there is room for none.
    pub(super) fn allocate_placed(
        &self,
        name: &str,
        requirements: vk::MemoryRequirements,
        dedicated: Option<AllocationScheme>,
        outside: Option<bool>,
    ) -> Result<Allocation, Fault> {
        let allocation = match outside {
            Some(true) => {
                let inner = self.allocate_outside(name, requirements, false, dedicated)?;
                self.memory_in_use.fetch_add(inner.size(), Ordering::Relaxed);
                self.spilled.fetch_add(inner.size(), Ordering::Relaxed);
                Allocation { inner, share: Some(true) }
            }
            _ => self.allocate(name, requirements, MemoryLocation::GpuOnly, false, dedicated)?,
        };
        if outside == Some(false) && allocation.is_spilled() {
            self.free(allocation);
            return Err(Fault::new(error_code::OUT_OF_MEMORY, "no room in the GPU's own memory"));
        }
        Ok(allocation)
    }

    /// Allocates in system memory, where the device has such memory for these requirements.
    pub(super) fn allocate_outside(
        &self,
        name: &str,
        mut requirements: vk::MemoryRequirements,
        linear: bool,
        dedicated: Option<AllocationScheme>,
    ) -> Result<Memory, Fault> {
        let types = self.memory.memory_types_as_slice();
        let outside = (0..).zip(types).fold(0, |mask, (index, kind)| {
            let local = kind.property_flags.contains(vk::MemoryPropertyFlags::DEVICE_LOCAL);
            if local { mask } else { mask | 1 << index }
        });
        // On a GPU without memory of its own there is one kind.
        if requirements.memory_type_bits & outside != 0 {
            requirements.memory_type_bits &= outside;
        }
        self.allocate_in(name, requirements, MemoryLocation::GpuOnly, linear, dedicated)
    }

    fn allocate_in(
        &self,
        name: &str,
        requirements: vk::MemoryRequirements,
        location: MemoryLocation,
        linear: bool,
        dedicated: Option<AllocationScheme>,
    ) -> Result<Memory, Fault> {
        let size = requirements.size;
        let desc = AllocationCreateDesc {
            name,
            requirements,
            location,
            linear,
            allocation_scheme: dedicated.unwrap_or(AllocationScheme::GpuAllocatorManaged),
        };
        let mut allocator = self.allocator.lock().unwrap_or_else(PoisonError::into_inner);
        allocator
            .allocate(&desc)
            .map_err(|error| Fault::new(error_code::OUT_OF_MEMORY, format!("{size} bytes: {error}")))
    }

    /// Gives memory back.
    pub(super) fn free(&self, allocation: Allocation) {
        let Allocation { inner, share } = allocation;
        self.memory_in_use.fetch_sub(inner.size(), Ordering::Relaxed);
        if let Some(spilled) = share {
            let share = if spilled { &self.spilled } else { &self.local };
            share.fetch_sub(inner.size(), Ordering::Relaxed);
        }
        let mut allocator = self.allocator.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = allocator.free(inner) {
            log::error!("memory could not be freed: {error}");
        }
    }

    /// The last submission that the GPU has finished.
    pub(super) fn finished(&self) -> u64 {
        // SAFETY: the semaphore lives as long as the device.
        unsafe { self.raw.get_semaphore_counter_value(self.timeline) }.unwrap_or(0)
    }

    /// Makes a sampler.
    pub(super) fn create_sampler(&self, info: &vk::SamplerCreateInfo<'_>) -> Result<vk::Sampler, Fault> {
        let left =
            self.samplers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_err() {
            let limit = self.limits.max_sampler_allocation_count;
            return Err(Fault::new(error_code::LIMIT, format!("more than {limit} samplers")));
        }
        // SAFETY: the device is alive; the caller keeps every value within the device's limits.
        unsafe { self.raw.create_sampler(info, None) }.map_err(|result| {
            self.samplers.fetch_add(1, Ordering::Relaxed);
            self.fault("vkCreateSampler", result)
        })
    }

    /// Makes a sampler with a border colour of its own; none when the device takes no more of them.
    pub(super) fn create_bordered_sampler(
        &self,
        info: &vk::SamplerCreateInfo<'_>,
    ) -> Result<Option<vk::Sampler>, Fault> {
        let mut borders = self.borders.lock().unwrap_or_else(PoisonError::into_inner);
        // CAST: a count in memory.
        if borders.len() >= self.caps.max_custom_borders as usize {
            return Ok(None);
        }
        let sampler = self.create_sampler(info)?;
        borders.insert(sampler.as_raw());
        Ok(Some(sampler))
    }

    /// Destroys a sampler that nothing uses any more.
    pub(super) fn destroy_sampler(&self, sampler: vk::Sampler) {
        // Before the handle can be another's.
        self.borders.lock().unwrap_or_else(PoisonError::into_inner).remove(&sampler.as_raw());
        // SAFETY: the caller has waited for the last submission that used it.
        unsafe { self.raw.destroy_sampler(sampler, None) };
        self.samplers.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether render targets of a format can blend.
    pub(super) fn can_blend(&self, format: vk::Format) -> bool {
        if format == vk::Format::UNDEFINED {
            return false;
        }
        // SAFETY: the physical device belongs to the instance.
        let properties =
            unsafe { self.instance.raw.get_physical_device_format_properties(self.physical, format) };
        properties.optimal_tiling_features.contains(vk::FormatFeatureFlags::COLOR_ATTACHMENT_BLEND)
    }

    /// Bytes in system memory that are there for want of room.
    pub(super) fn spilled(&self) -> u64 {
        self.spilled.load(Ordering::Relaxed)
    }

    /// Bytes that the guest may still have in the GPU's own memory.
    pub(super) fn local_room(&self) -> u64 {
        let limit = self.local_limit.saturating_sub(self.local.load(Ordering::Relaxed));
        limit.min(self.budget())
    }

    /// Bytes that the driver says are left in the largest of the GPU's own heaps, less a sixteenth for others.
    fn budget(&self) -> u64 {
        if !self.caps.memory_budget {
            return u64::MAX;
        }
        let mut budget = vk::PhysicalDeviceMemoryBudgetPropertiesEXT::default();
        let mut all = vk::PhysicalDeviceMemoryProperties2::default().push_next(&mut budget);
        // SAFETY: the device has the extension.
        unsafe { self.instance.raw.get_physical_device_memory_properties2(self.physical, &mut all) };
        let heaps = self.memory.memory_heaps_as_slice().iter().enumerate();
        let largest = heaps
            .filter(|(_, heap)| heap.flags.contains(vk::MemoryHeapFlags::DEVICE_LOCAL))
            .max_by_key(|(_, heap)| heap.size);
        let Some((index, _)) = largest else { return u64::MAX };
        let of = |numbers: &[u64]| numbers.get(index).copied().unwrap_or(0);
        let (all, used) = (of(&budget.heap_budget), of(&budget.heap_usage));
        (all - all / 16).saturating_sub(used)
    }

    /// Waits until the GPU has nothing left to do.
    pub fn wait_idle(&self) {
        let _alone = self.submitting.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: nobody else uses the queue meanwhile.
        if let Err(result) = unsafe { self.raw.device_wait_idle() } {
            log::error!("vkDeviceWaitIdle: {result}");
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.wait_idle();
        // SAFETY: nothing uses the semaphore, the device is idle.
        unsafe { self.raw.destroy_semaphore(self.timeline, None) };
        // SAFETY: nothing uses the cache.
        unsafe { self.raw.destroy_pipeline_cache(self.pipeline_cache, None) };
        // SAFETY: dropped once, here, before the device that it allocates from.
        unsafe { ManuallyDrop::drop(&mut self.allocator) };
        // SAFETY: every object of the device holds it by reference count, so all are gone.
        unsafe { self.raw.destroy_device(None) };
    }
}

fn gpu_id(properties: &vk::PhysicalDeviceProperties) -> GpuId {
    GpuId {
        vendor: properties.vendor_id,
        device: properties.device_id,
        driver: properties.driver_version,
        cache: properties.pipeline_cache_uuid,
    }
}

/// What earlier runs have left; nothing if it is of no use.
fn read_pipelines(file: Option<&[u8]>, gpu: &GpuId) -> PipelineFile {
    let Some(bytes) = file else { return PipelineFile::default() };
    PipelineFile::parse(bytes, gpu).unwrap_or_else(|reason| {
        log::warn!("the file of pipelines is ignored: {reason}");
        PipelineFile::default()
    })
}

/// The names of a device's extensions.
struct Extensions(Vec<vk::ExtensionProperties>);

impl Extensions {
    fn of(instance: &Instance, physical: vk::PhysicalDevice) -> Result<Self, GpuError> {
        // SAFETY: the device belongs to the instance.
        let list = unsafe { instance.raw.enumerate_device_extension_properties(physical) };
        Ok(Self(list.map_err(GpuError::call("vkEnumerateDeviceExtensionProperties"))?))
    }

    fn has(&self, name: &CStr) -> bool {
        self.0.iter().any(|extension| extension.extension_name_as_c_str() == Ok(name))
    }
}

/// The features that will be turned on.
#[derive(Default)]
struct Features {
    core: vk::PhysicalDeviceFeatures,
    v11: vk::PhysicalDeviceVulkan11Features<'static>,
    v12: vk::PhysicalDeviceVulkan12Features<'static>,
}

/// Picks features from what the device has, or tells what is missing.
fn choose_features(
    instance: &Instance,
    physical: vk::PhysicalDevice,
    extensions: &Extensions,
) -> Result<(Features, Caps), Vec<&'static str>> {
    let mut v11 = vk::PhysicalDeviceVulkan11Features::default();
    let mut v12 = vk::PhysicalDeviceVulkan12Features::default();
    let mut v13 = vk::PhysicalDeviceVulkan13Features::default();
    let mut robustness = vk::PhysicalDeviceRobustness2FeaturesEXT::default();
    let mut clip = vk::PhysicalDeviceDepthClipEnableFeaturesEXT::default();
    let mut border = vk::PhysicalDeviceCustomBorderColorFeaturesEXT::default();
    let mut divisor = vk::PhysicalDeviceVertexAttributeDivisorFeaturesEXT::default();
    let mut formats = vk::PhysicalDevice4444FormatsFeaturesEXT::default();
    let mut feedback = vk::PhysicalDeviceTransformFeedbackFeaturesEXT::default();
    let mut conditional = vk::PhysicalDeviceConditionalRenderingFeaturesEXT::default();
    let mut lines = vk::PhysicalDeviceLineRasterizationFeaturesKHR::default();
    let mut min_lod = vk::PhysicalDeviceImageViewMinLodFeaturesEXT::default();
    let mut sliced = vk::PhysicalDeviceImageSlicedViewOf3DFeaturesEXT::default();
    let mut interlock = vk::PhysicalDeviceFragmentShaderInterlockFeaturesEXT::default();
    let mut reduction = vk::PhysicalDeviceCoverageReductionModeFeaturesNV::default();
    let mut all =
        vk::PhysicalDeviceFeatures2::default().push_next(&mut v11).push_next(&mut v12).push_next(&mut v13);
    let has_robustness = extensions.has(ext::robustness2::NAME);
    let has_clip = extensions.has(ext::depth_clip_enable::NAME);
    let has_border = extensions.has(ext::custom_border_color::NAME);
    let has_divisor = extensions.has(ext::vertex_attribute_divisor::NAME);
    let has_formats = extensions.has(ext::_4444_formats::NAME);
    let has_feedback = extensions.has(ext::transform_feedback::NAME);
    let has_conditional = extensions.has(ext::conditional_rendering::NAME);
    let has_lines = extensions.has(ext::line_rasterization::NAME);
    let has_min_lod = extensions.has(ext::image_view_min_lod::NAME);
    let has_sliced = extensions.has(ext::image_sliced_view_of_3d::NAME);
    let has_interlock = extensions.has(ext::fragment_shader_interlock::NAME);
    let has_mixed = extensions.has(nv::framebuffer_mixed_samples::NAME)
        && extensions.has(nv::coverage_reduction_mode::NAME);
    if has_interlock {
        all = all.push_next(&mut interlock);
    }
    if has_mixed {
        all = all.push_next(&mut reduction);
    }
    if has_min_lod {
        all = all.push_next(&mut min_lod);
    }
    if has_sliced {
        all = all.push_next(&mut sliced);
    }
    if has_robustness {
        all = all.push_next(&mut robustness);
    }
    if has_clip {
        all = all.push_next(&mut clip);
    }
    if has_border {
        all = all.push_next(&mut border);
    }
    if has_divisor {
        all = all.push_next(&mut divisor);
    }
    if has_formats {
        all = all.push_next(&mut formats);
    }
    if has_feedback {
        all = all.push_next(&mut feedback);
    }
    if has_conditional {
        all = all.push_next(&mut conditional);
    }
    if has_lines {
        all = all.push_next(&mut lines);
    }
    // SAFETY: the chain holds structures of Vulkan 1.3 and of extensions that the device has.
    unsafe { instance.raw.get_physical_device_features2(physical, &mut all) };
    let core = all.features;
    let missing: Vec<&'static str> = [
        (v12.timeline_semaphore, "timelineSemaphore"),
        (v12.host_query_reset, "hostQueryReset"),
        (v13.dynamic_rendering, "dynamicRendering"),
        (v13.shader_demote_to_helper_invocation, "shaderDemoteToHelperInvocation"),
        (v13.synchronization2, "synchronization2"),
        (robustness.robust_buffer_access2, "robustBufferAccess2"),
        (robustness.robust_image_access2, "robustImageAccess2"),
        (robustness.null_descriptor, "nullDescriptor"),
        (core.robust_buffer_access, "robustBufferAccess"),
        (core.independent_blend, "independentBlend"),
        (core.full_draw_index_uint32, "fullDrawIndexUint32"),
        (core.fragment_stores_and_atomics, "fragmentStoresAndAtomics"),
    ]
    .into_iter()
    .filter_map(|(has, name)| (has == vk::FALSE).then_some(name))
    .collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    let yes = |value: vk::Bool32| value == vk::TRUE;
    let mut floats = vk::PhysicalDeviceFloatControlsProperties::default();
    let mut streams = vk::PhysicalDeviceTransformFeedbackPropertiesEXT::default();
    let mut texels = vk::PhysicalDeviceTexelBufferAlignmentProperties::default();
    let mut driver = vk::PhysicalDeviceDriverProperties::default();
    let mut borders = vk::PhysicalDeviceCustomBorderColorPropertiesEXT::default();
    let mut properties = vk::PhysicalDeviceProperties2::default()
        .push_next(&mut floats)
        .push_next(&mut texels)
        .push_next(&mut driver);
    if has_feedback {
        properties = properties.push_next(&mut streams);
    }
    if has_border {
        properties = properties.push_next(&mut borders);
    }
    // SAFETY: the chain holds structures of Vulkan 1.3 and of an extension that the device has.
    unsafe { instance.raw.get_physical_device_properties2(physical, &mut properties) };
    // SAFETY: the device belongs to the instance.
    let d24s8 = unsafe {
        instance.raw.get_physical_device_format_properties(physical, vk::Format::D24_UNORM_S8_UINT)
    }
    .optimal_tiling_features
    .contains(vk::FormatFeatureFlags::DEPTH_STENCIL_ATTACHMENT);
    let mixes = has_mixed && yes(reduction.coverage_reduction_mode);
    let caps = Caps {
        external_memory_host: extensions.has(ext::external_memory_host::NAME),
        external_memory_fd: extensions.has(khr::external_memory_fd::NAME),
        memory_budget: extensions.has(ext::memory_budget::NAME),
        depth_clip_enable: has_clip && yes(clip.depth_clip_enable) && yes(core.depth_clamp),
        custom_border_color: has_border
            && yes(border.custom_border_colors)
            && yes(border.custom_border_color_without_format),
        max_custom_borders: borders.max_custom_border_color_samplers,
        vertex_divisor: has_divisor && yes(divisor.vertex_attribute_instance_rate_divisor),
        vertex_divisor_zero: has_divisor && yes(divisor.vertex_attribute_instance_rate_zero_divisor),
        logic_op: yes(core.logic_op),
        vertex_pipeline_stores_and_atomics: yes(core.vertex_pipeline_stores_and_atomics),
        dual_src_blend: yes(core.dual_src_blend),
        fill_mode_non_solid: yes(core.fill_mode_non_solid),
        depth_bias_clamp: yes(core.depth_bias_clamp),
        sampler_anisotropy: yes(core.sampler_anisotropy),
        multi_viewport: yes(core.multi_viewport),
        pipeline_statistics: yes(core.pipeline_statistics_query),
        precise_occlusion: yes(core.occlusion_query_precise),
        formats_4444: has_formats && yes(formats.format_a4r4g4b4),
        d24s8,
        null_vertex_buffers: driver.driver_id != vk::DriverId::MESA_LLVMPIPE,
        conditional_rendering: has_conditional && yes(conditional.conditional_rendering),
        feedback: FeedbackCaps {
            present: has_feedback
                && yes(feedback.transform_feedback)
                && yes(streams.transform_feedback_queries),
            streams: if yes(feedback.geometry_streams) { streams.max_transform_feedback_streams } else { 1 },
            stream_select: yes(streams.transform_feedback_rasterization_stream_select),
        },
        lines: LineCaps {
            rectangular: has_lines && yes(lines.rectangular_lines),
            bresenham: has_lines && yes(lines.bresenham_lines),
            smooth: has_lines && yes(lines.smooth_lines),
        },
        image_view_min_lod: has_min_lod && yes(min_lod.min_lod),
        sliced_view_of_3d: has_sliced && yes(sliced.image_sliced_view_of3_d),
        texel_buffer_alignment: (
            texels
                .storage_texel_buffer_offset_alignment_bytes
                .max(texels.uniform_texel_buffer_offset_alignment_bytes),
            yes(texels.storage_texel_buffer_offset_single_texel_alignment)
                && yes(texels.uniform_texel_buffer_offset_single_texel_alignment),
        ),
        shader: ShaderCaps {
            geometry: yes(core.geometry_shader),
            tessellation: yes(core.tessellation_shader),
            geometry_streams: has_feedback && yes(feedback.geometry_streams),
            min_lod: yes(core.shader_resource_min_lod),
            sample_rate: yes(core.sample_rate_shading),
            cube_array: yes(core.image_cube_array),
            gather_extended: yes(core.shader_image_gather_extended),
            clip_distance: yes(core.shader_clip_distance),
            cull_distance: yes(core.shader_cull_distance),
            draw_parameters: yes(v11.shader_draw_parameters),
            output_layer: yes(v12.shader_output_layer),
            output_viewport: yes(v12.shader_output_viewport_index),
            read_without_format: yes(core.shader_storage_image_read_without_format),
            write_without_format: yes(core.shader_storage_image_write_without_format),
            float64: yes(core.shader_float64),
            preserve_float32: yes(floats.shader_signed_zero_inf_nan_preserve_float32),
            flush_float32: yes(floats.shader_denorm_flush_to_zero_float32),
            view_starts: false,
            unfiltered_floats: false,
        },
        sparse: SparseCaps::choose(instance, physical, &core),
        forced: ForcedCaps {
            mixes,
            mixed: if mixes {
                ForcedCaps::mixed_counts(instance, physical)
            } else {
                vk::SampleCountFlags::empty()
            },
            interlock: has_interlock && yes(interlock.fragment_shader_pixel_interlock),
            ordered: driver.driver_id == vk::DriverId::MESA_LLVMPIPE,
            extended_formats: yes(core.shader_storage_image_extended_formats),
        },
    };
    let mut features = Features {
        core: vk::PhysicalDeviceFeatures {
            robust_buffer_access: vk::TRUE,
            independent_blend: vk::TRUE,
            full_draw_index_uint32: vk::TRUE,
            fragment_stores_and_atomics: vk::TRUE,
            vertex_pipeline_stores_and_atomics: core.vertex_pipeline_stores_and_atomics,
            image_cube_array: core.image_cube_array,
            geometry_shader: core.geometry_shader,
            tessellation_shader: core.tessellation_shader,
            // Not `shader_tessellation_and_geometry_point_size`: without it points have size 1, as Direct3D's have, and a geometry shader
            // has all the components for itself that Direct3D gives it.
            shader_resource_min_lod: core.shader_resource_min_lod,
            sample_rate_shading: core.sample_rate_shading,
            dual_src_blend: core.dual_src_blend,
            logic_op: core.logic_op,
            multi_draw_indirect: core.multi_draw_indirect,
            draw_indirect_first_instance: core.draw_indirect_first_instance,
            depth_clamp: core.depth_clamp,
            depth_bias_clamp: core.depth_bias_clamp,
            fill_mode_non_solid: core.fill_mode_non_solid,
            multi_viewport: core.multi_viewport,
            sampler_anisotropy: core.sampler_anisotropy,
            texture_compression_bc: core.texture_compression_bc,
            occlusion_query_precise: core.occlusion_query_precise,
            pipeline_statistics_query: core.pipeline_statistics_query,
            shader_image_gather_extended: core.shader_image_gather_extended,
            shader_storage_image_extended_formats: core.shader_storage_image_extended_formats,
            shader_storage_image_read_without_format: core.shader_storage_image_read_without_format,
            shader_storage_image_write_without_format: core.shader_storage_image_write_without_format,
            shader_clip_distance: core.shader_clip_distance,
            shader_cull_distance: core.shader_cull_distance,
            shader_float64: core.shader_float64,
            ..Default::default()
        },
        v11: vk::PhysicalDeviceVulkan11Features {
            shader_draw_parameters: v11.shader_draw_parameters,
            ..Default::default()
        },
        v12: vk::PhysicalDeviceVulkan12Features {
            timeline_semaphore: vk::TRUE,
            host_query_reset: vk::TRUE,
            shader_output_layer: v12.shader_output_layer,
            shader_output_viewport_index: v12.shader_output_viewport_index,
            sampler_mirror_clamp_to_edge: v12.sampler_mirror_clamp_to_edge,
            scalar_block_layout: v12.scalar_block_layout,
            uniform_buffer_standard_layout: v12.uniform_buffer_standard_layout,
            ..Default::default()
        },
    };
    caps.sparse.enable(&mut features.core);
    Ok((features, caps))
}

fn create(
    instance: &Instance,
    physical: vk::PhysicalDevice,
    family: u32,
    mut features: Features,
    caps: &Caps,
) -> Result<ash::Device, GpuError> {
    let mut v13 = vk::PhysicalDeviceVulkan13Features::default()
        .dynamic_rendering(true)
        .shader_demote_to_helper_invocation(true)
        .synchronization2(true);
    let mut robustness = vk::PhysicalDeviceRobustness2FeaturesEXT::default()
        .robust_buffer_access2(true)
        .robust_image_access2(true)
        .null_descriptor(true);
    let mut clip = vk::PhysicalDeviceDepthClipEnableFeaturesEXT::default().depth_clip_enable(true);
    let mut border = vk::PhysicalDeviceCustomBorderColorFeaturesEXT::default()
        .custom_border_colors(true)
        .custom_border_color_without_format(true);
    let mut divisor = vk::PhysicalDeviceVertexAttributeDivisorFeaturesEXT::default()
        .vertex_attribute_instance_rate_divisor(true)
        .vertex_attribute_instance_rate_zero_divisor(caps.vertex_divisor_zero);
    let mut formats = vk::PhysicalDevice4444FormatsFeaturesEXT::default().format_a4r4g4b4(true);
    let mut feedback = vk::PhysicalDeviceTransformFeedbackFeaturesEXT::default()
        .transform_feedback(true)
        .geometry_streams(caps.shader.geometry_streams);
    let mut conditional =
        vk::PhysicalDeviceConditionalRenderingFeaturesEXT::default().conditional_rendering(true);
    let mut lines = vk::PhysicalDeviceLineRasterizationFeaturesKHR::default()
        .rectangular_lines(caps.lines.rectangular)
        .bresenham_lines(caps.lines.bresenham)
        .smooth_lines(caps.lines.smooth);
    let mut min_lod = vk::PhysicalDeviceImageViewMinLodFeaturesEXT::default().min_lod(true);
    let mut sliced =
        vk::PhysicalDeviceImageSlicedViewOf3DFeaturesEXT::default().image_sliced_view_of3_d(true);
    let mut interlock =
        vk::PhysicalDeviceFragmentShaderInterlockFeaturesEXT::default().fragment_shader_pixel_interlock(true);
    let mut reduction =
        vk::PhysicalDeviceCoverageReductionModeFeaturesNV::default().coverage_reduction_mode(true);
    let mut names = vec![ext::robustness2::NAME.as_ptr()];
    let priorities = [1.0];
    let queue = |family| {
        vk::DeviceQueueCreateInfo::default().queue_family_index(family).queue_priorities(&priorities)
    };
    let mut queues = vec![queue(family)];
    if caps.sparse.tier != 0 && caps.sparse.family != family {
        queues.push(queue(caps.sparse.family));
    }
    let mut info = vk::DeviceCreateInfo::default()
        .queue_create_infos(&queues)
        .enabled_features(&features.core)
        .push_next(&mut features.v11)
        .push_next(&mut features.v12)
        .push_next(&mut v13)
        .push_next(&mut robustness);
    if caps.external_memory_host {
        names.push(ext::external_memory_host::NAME.as_ptr());
    }
    if caps.external_memory_fd {
        names.push(khr::external_memory_fd::NAME.as_ptr());
    }
    if caps.memory_budget {
        names.push(ext::memory_budget::NAME.as_ptr());
    }
    if caps.depth_clip_enable {
        names.push(ext::depth_clip_enable::NAME.as_ptr());
        info = info.push_next(&mut clip);
    }
    if caps.custom_border_color {
        names.push(ext::custom_border_color::NAME.as_ptr());
        info = info.push_next(&mut border);
    }
    if caps.vertex_divisor {
        names.push(ext::vertex_attribute_divisor::NAME.as_ptr());
        info = info.push_next(&mut divisor);
    }
    if caps.formats_4444 {
        names.push(ext::_4444_formats::NAME.as_ptr());
        info = info.push_next(&mut formats);
    }
    if caps.feedback.present {
        names.push(ext::transform_feedback::NAME.as_ptr());
        info = info.push_next(&mut feedback);
    }
    if caps.conditional_rendering {
        names.push(ext::conditional_rendering::NAME.as_ptr());
        info = info.push_next(&mut conditional);
    }
    if caps.lines.any() {
        names.push(ext::line_rasterization::NAME.as_ptr());
        info = info.push_next(&mut lines);
    }
    if caps.image_view_min_lod {
        names.push(ext::image_view_min_lod::NAME.as_ptr());
        info = info.push_next(&mut min_lod);
    }
    if caps.sliced_view_of_3d {
        names.push(ext::image_sliced_view_of_3d::NAME.as_ptr());
        info = info.push_next(&mut sliced);
    }
    if caps.forced.interlock {
        names.push(ext::fragment_shader_interlock::NAME.as_ptr());
        info = info.push_next(&mut interlock);
    }
    if caps.forced.mixes {
        names.push(nv::framebuffer_mixed_samples::NAME.as_ptr());
        names.push(nv::coverage_reduction_mode::NAME.as_ptr());
        info = info.push_next(&mut reduction);
    }
    let info = info.enabled_extension_names(&names);
    // SAFETY: every structure in the chain lives through the call, every extension was listed by the device.
    unsafe { instance.raw.create_device(physical, &info, None) }.map_err(GpuError::call("vkCreateDevice"))
}
