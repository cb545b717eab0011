//! The Vulkan device of a worker: features, queue, allocator, timeline semaphore.

use std::ffi::CStr;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ash::{ext, vk};
use gpu_allocator::vulkan::{
    Allocation, AllocationCreateDesc, AllocationScheme, Allocator, AllocatorCreateDesc,
};
use gpu_allocator::{AllocationSizes, AllocatorDebugSettings, MemoryLocation};
use pvgpu_protocol::event::error_code;

use super::instance::{GpuChoice, GpuError, Instance, device_name};
use crate::fault::Fault;

/// How a device is opened.
#[derive(Clone, Debug, Default)]
pub struct DeviceOptions {
    /// Which GPU.
    pub gpu: GpuChoice,
    /// With the validation layer.
    pub validation: bool,
    /// Bytes of GPU memory that the guest may hold.
    pub memory_limit: u64,
    /// Copies uploads and frames through memory of our own even where the driver could import the guest's heap.
    pub bounce: bool,
    /// Command pools that may exist at a time, one a context, for tests of a driver that has no more; none for no limit.
    pub command_pools: Option<u32>,
}

/// Optional things that the device has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caps {
    pub external_memory_host: bool,
    pub depth_clip_enable: bool,
    pub custom_border_color: bool,
    pub vertex_divisor: bool,
    pub vertex_divisor_zero: bool,
    pub logic_op: bool,
    pub dual_src_blend: bool,
    pub fill_mode_non_solid: bool,
    pub depth_bias_clamp: bool,
    pub sampler_anisotropy: bool,
    pub multi_viewport: bool,
    pub pipeline_statistics: bool,
    pub precise_occlusion: bool,
    pub formats_4444: bool,
    pub d24s8: bool,
    pub shader: ShaderCaps,
}

/// Features that shaders may use.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShaderCaps {
    pub geometry: bool,
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
}

/// A Vulkan device with one queue.
pub struct Device {
    pub(super) raw: ash::Device,
    pub(super) physical: vk::PhysicalDevice,
    pub(super) queue: vk::Queue,
    pub(super) family: u32,
    pub(super) caps: Caps,
    pub(super) limits: vk::PhysicalDeviceLimits,
    pub(super) properties: vk::PhysicalDeviceProperties,
    pub(super) driver: String,
    /// Counts submissions.
    pub(super) timeline: vk::Semaphore,
    pub(super) pipeline_cache: vk::PipelineCache,
    pub(super) host_memory: Option<ext::external_memory_host::Device>,
    pub(super) host_pointer_alignment: u64,
    pub(super) memory: vk::PhysicalDeviceMemoryProperties,
    allocator: ManuallyDrop<Mutex<Allocator>>,
    memory_limit: u64,
    memory_in_use: Arc<AtomicU64>,
    /// How many more command pools there may be.
    command_pools: AtomicU32,
    lost: AtomicBool,
    pub(super) instance: Instance,
}

/// Opens the chosen GPU.
impl Device {
    /// # Errors
    /// [`GpuError`] when there is no such GPU or it lacks something that pvgpu needs.
    pub fn open(options: &DeviceOptions) -> Result<Arc<Self>, GpuError> {
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
        let raw = create(&instance, physical, family, features, &caps)?;
        // SAFETY: the family and index are those the device was made with.
        let queue = unsafe { raw.get_device_queue(family, 0) };
        let mut kind = vk::SemaphoreTypeCreateInfo::default().semaphore_type(vk::SemaphoreType::TIMELINE);
        let info = vk::SemaphoreCreateInfo::default().push_next(&mut kind);
        // SAFETY: the device is alive.
        let timeline =
            unsafe { raw.create_semaphore(&info, None) }.map_err(GpuError::call("vkCreateSemaphore"))?;
        // SAFETY: the device is alive.
        let pipeline_cache =
            unsafe { raw.create_pipeline_cache(&vk::PipelineCacheCreateInfo::default(), None) }
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
        let mut host_properties = vk::PhysicalDeviceExternalMemoryHostPropertiesEXT::default();
        let mut driver_properties = vk::PhysicalDeviceDriverProperties::default();
        let mut all = vk::PhysicalDeviceProperties2::default().push_next(&mut driver_properties);
        if caps.external_memory_host {
            all = all.push_next(&mut host_properties);
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
        // SAFETY: the device belongs to the instance.
        let memory = unsafe { instance.raw.get_physical_device_memory_properties(physical) };
        Ok(Arc::new(Self {
            raw,
            physical,
            queue,
            family,
            caps,
            limits: properties.limits,
            properties,
            driver,
            timeline,
            pipeline_cache,
            host_memory,
            host_pointer_alignment: host_properties.min_imported_host_pointer_alignment.max(1),
            memory,
            allocator: ManuallyDrop::new(Mutex::new(allocator)),
            memory_limit: options.memory_limit,
            memory_in_use: Arc::default(),
            command_pools: AtomicU32::new(options.command_pools.unwrap_or(u32::MAX)),
            lost: AtomicBool::new(false),
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
        let desc = AllocationCreateDesc {
            name,
            requirements,
            location,
            linear,
            allocation_scheme: dedicated.unwrap_or(AllocationScheme::GpuAllocatorManaged),
        };
        let mut allocator = self.allocator.lock().unwrap_or_else(PoisonError::into_inner);
        let allocation = allocator
            .allocate(&desc)
            .map_err(|error| Fault::new(error_code::OUT_OF_MEMORY, format!("{size} bytes: {error}")))?;
        self.memory_in_use.fetch_add(allocation.size(), Ordering::Relaxed);
        Ok(allocation)
    }

    /// Gives memory back.
    pub(super) fn free(&self, allocation: Allocation) {
        self.memory_in_use.fetch_sub(allocation.size(), Ordering::Relaxed);
        let mut allocator = self.allocator.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = allocator.free(allocation) {
            log::error!("memory could not be freed: {error}");
        }
    }

    /// Waits until the GPU has nothing left to do.
    pub fn wait_idle(&self) {
        // SAFETY: the caller's thread is the only one that submits.
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
    let mut all =
        vk::PhysicalDeviceFeatures2::default().push_next(&mut v11).push_next(&mut v12).push_next(&mut v13);
    let has_robustness = extensions.has(ext::robustness2::NAME);
    let has_clip = extensions.has(ext::depth_clip_enable::NAME);
    let has_border = extensions.has(ext::custom_border_color::NAME);
    let has_divisor = extensions.has(ext::vertex_attribute_divisor::NAME);
    let has_formats = extensions.has(ext::_4444_formats::NAME);
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
    // SAFETY: the chain holds structures of Vulkan 1.3 and of extensions that the device has.
    unsafe { instance.raw.get_physical_device_features2(physical, &mut all) };
    let core = all.features;
    let missing: Vec<&'static str> = [
        (v12.timeline_semaphore, "timelineSemaphore"),
        (v12.host_query_reset, "hostQueryReset"),
        (v13.dynamic_rendering, "dynamicRendering"),
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
    let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut floats);
    // SAFETY: the chain holds a structure of Vulkan 1.2.
    unsafe { instance.raw.get_physical_device_properties2(physical, &mut properties) };
    // SAFETY: the device belongs to the instance.
    let d24s8 = unsafe {
        instance.raw.get_physical_device_format_properties(physical, vk::Format::D24_UNORM_S8_UINT)
    }
    .optimal_tiling_features
    .contains(vk::FormatFeatureFlags::DEPTH_STENCIL_ATTACHMENT);
    let caps = Caps {
        external_memory_host: extensions.has(ext::external_memory_host::NAME),
        depth_clip_enable: has_clip && yes(clip.depth_clip_enable) && yes(core.depth_clamp),
        custom_border_color: has_border
            && yes(border.custom_border_colors)
            && yes(border.custom_border_color_without_format),
        vertex_divisor: has_divisor && yes(divisor.vertex_attribute_instance_rate_divisor),
        vertex_divisor_zero: has_divisor && yes(divisor.vertex_attribute_instance_rate_zero_divisor),
        logic_op: yes(core.logic_op),
        dual_src_blend: yes(core.dual_src_blend),
        fill_mode_non_solid: yes(core.fill_mode_non_solid),
        depth_bias_clamp: yes(core.depth_bias_clamp),
        sampler_anisotropy: yes(core.sampler_anisotropy),
        multi_viewport: yes(core.multi_viewport),
        pipeline_statistics: yes(core.pipeline_statistics_query),
        precise_occlusion: yes(core.occlusion_query_precise),
        formats_4444: has_formats && yes(formats.format_a4r4g4b4),
        d24s8,
        shader: ShaderCaps {
            geometry: yes(core.geometry_shader),
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
        },
    };
    let features = Features {
        core: vk::PhysicalDeviceFeatures {
            robust_buffer_access: vk::TRUE,
            independent_blend: vk::TRUE,
            full_draw_index_uint32: vk::TRUE,
            fragment_stores_and_atomics: vk::TRUE,
            vertex_pipeline_stores_and_atomics: core.vertex_pipeline_stores_and_atomics,
            image_cube_array: core.image_cube_array,
            geometry_shader: core.geometry_shader,
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
    Ok((features, caps))
}

fn create(
    instance: &Instance,
    physical: vk::PhysicalDevice,
    family: u32,
    mut features: Features,
    caps: &Caps,
) -> Result<ash::Device, GpuError> {
    let mut v13 =
        vk::PhysicalDeviceVulkan13Features::default().dynamic_rendering(true).synchronization2(true);
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
    let mut names = vec![ext::robustness2::NAME.as_ptr()];
    let priorities = [1.0];
    let queues =
        [vk::DeviceQueueCreateInfo::default().queue_family_index(family).queue_priorities(&priorities)];
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
    let info = info.enabled_extension_names(&names);
    // SAFETY: every structure in the chain lives through the call, every extension was listed by the device.
    unsafe { instance.raw.create_device(physical, &info, None) }.map_err(GpuError::call("vkCreateDevice"))
}
