//! Instance and device: the first of the system, with every feature that the compiler may need.
#![expect(unsafe_code, reason = "Vulkan is a C interface")]

use std::ffi::{CStr, c_char};

use ash::vk;
use pvgpu_dxbc::TargetCapabilities;

use super::validation::{self, Messages};

/// Extensions that are enabled where the device has them; all have features.
const EXTENSIONS: [&CStr; 3] =
    [ash::ext::robustness2::NAME, ash::ext::transform_feedback::NAME, ash::ext::depth_clip_enable::NAME];

/// What the device can do beyond Vulkan 1.3's required features.
#[derive(Debug, Clone, Copy)]
pub struct Features {
    /// The features of Vulkan 1.0.
    pub core: vk::PhysicalDeviceFeatures,
    /// `transformFeedback`.
    pub transform_feedback: bool,
    /// `geometryStreams`.
    pub geometry_streams: bool,
    /// Vertex streams that transform feedback can take.
    pub streams: u32,
    /// A stream other than 0 may be rasterized.
    pub rasterization_stream_select: bool,
    /// `nullDescriptor`.
    pub null_descriptor: bool,
    /// Sample counts of render targets of floats.
    pub sample_counts: vk::SampleCountFlags,
    /// Sample counts of render targets of integers.
    pub integer_sample_counts: vk::SampleCountFlags,
    /// The driver is Mesa's for the CPU, some of whose habits tests must know.
    pub is_lavapipe: bool,
    /// Samples lie at the places that D3D11 names too.
    pub standard_sample_locations: bool,
}

/// An opened device.
pub struct Device {
    _entry: ash::Entry,
    instance: ash::Instance,
    messenger: Option<(ash::ext::debug_utils::Instance, vk::DebugUtilsMessengerEXT)>,
    /// What the validation layer said.
    pub messages: Box<Messages>,
    /// Vulkan's functions of the device.
    pub raw: ash::Device,
    /// The functions of `VK_EXT_transform_feedback`.
    pub feedback: ash::ext::transform_feedback::Device,
    /// The only queue.
    pub queue: vk::Queue,
    pool: vk::CommandPool,
    /// The only command buffer.
    pub commands: vk::CommandBuffer,
    memory: vk::PhysicalDeviceMemoryProperties,
    /// What the compiler may use.
    pub capabilities: TargetCapabilities,
    /// What the device can do.
    pub features: Features,
    /// The driver's name.
    pub driver: String,
}

impl Device {
    /// Opens the first device of the system.
    pub fn open() -> Self {
        // SAFETY: the loader is trusted to be a Vulkan loader.
        let entry = unsafe { ash::Entry::load() }.expect("a Vulkan loader must be installed");
        let messages = Box::<Messages>::default();
        let (instance, messenger) = open_instance(&entry, &messages);
        // SAFETY: the instance is alive.
        let devices = unsafe { instance.enumerate_physical_devices() }.unwrap();
        let physical = *devices.first().expect("a Vulkan driver must be installed");
        let driver = driver_name(&instance, physical);
        let (raw, features, capabilities) = open_device(&instance, physical);
        // SAFETY: the device was made with one queue of family 0.
        let queue = unsafe { raw.get_device_queue(0, 0) };
        // SAFETY: the physical device comes from this instance.
        let memory = unsafe { instance.get_physical_device_memory_properties(physical) };
        let info =
            vk::CommandPoolCreateInfo::default().flags(vk::CommandPoolCreateFlags::RESET_COMMAND_BUFFER);
        // SAFETY: the device is alive.
        let pool = unsafe { raw.create_command_pool(&info, None) }.unwrap();
        let info = vk::CommandBufferAllocateInfo::default().command_pool(pool).command_buffer_count(1);
        // SAFETY: the pool is alive.
        let commands = unsafe { raw.allocate_command_buffers(&info) }.unwrap()[0];
        let feedback = ash::ext::transform_feedback::Device::new(&instance, &raw);
        Self {
            _entry: entry,
            instance,
            messenger,
            messages,
            raw,
            feedback,
            queue,
            pool,
            commands,
            memory,
            capabilities,
            features,
            driver,
        }
    }

    /// The first memory type among `allowed` (bit n: type n) that has the wanted properties.
    pub fn memory_type(&self, allowed: u32, wanted: vk::MemoryPropertyFlags) -> u32 {
        let types = self.memory.memory_types_as_slice();
        let fits =
            |(n, ty): (usize, &vk::MemoryType)| allowed >> n & 1 != 0 && ty.property_flags.contains(wanted);
        types.iter().enumerate().position(fits).expect("Vulkan requires such a memory type") as u32
    }

    /// Fails if the validation layer has reported an error since it was last asked.
    pub fn fail_on_messages(&self, what: &str) {
        let messages = self.messages.take();
        assert!(messages.is_empty(), "validation of {what}:\n{}", messages.join("\n"));
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: no run is under way, since each waits for its end.
        unsafe { self.raw.destroy_command_pool(self.pool, None) };
        // SAFETY: every run has destroyed its objects.
        unsafe { self.raw.destroy_device(None) };
        if let Some((functions, messenger)) = &self.messenger {
            // SAFETY: the messenger is alive and no longer needed.
            unsafe { functions.destroy_debug_utils_messenger(*messenger, None) };
        }
        // SAFETY: all that came from the instance is gone.
        unsafe { self.instance.destroy_instance(None) };
        if !std::thread::panicking() {
            self.fail_on_messages("the end of a device");
        }
    }
}

type Messenger = (ash::ext::debug_utils::Instance, vk::DebugUtilsMessengerEXT);

/// Makes an instance: with the validation layer and its messenger where it is installed.
fn open_instance(entry: &ash::Entry, messages: &Messages) -> (ash::Instance, Option<Messenger>) {
    let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3);
    let info = vk::InstanceCreateInfo::default().application_info(&application);
    if !validation::is_installed(entry) {
        // SAFETY: `info` and what it points to are valid.
        return (unsafe { entry.create_instance(&info, None) }.unwrap(), None);
    }
    let layers = [validation::LAYER.as_ptr()];
    let extensions = [ash::ext::debug_utils::NAME.as_ptr(), ash::ext::validation_features::NAME.as_ptr()];
    let enabled = [vk::ValidationFeatureEnableEXT::SYNCHRONIZATION_VALIDATION];
    let mut features = vk::ValidationFeaturesEXT::default().enabled_validation_features(&enabled);
    let info =
        info.enabled_layer_names(&layers).enabled_extension_names(&extensions).push_next(&mut features);
    // SAFETY: `info` and what it points to are valid.
    let instance = unsafe { entry.create_instance(&info, None) }.unwrap();
    let functions = ash::ext::debug_utils::Instance::new(entry, &instance);
    let info = validation::messenger(messages);
    // SAFETY: the messages are in a box that the owner of the messenger keeps.
    let messenger = unsafe { functions.create_debug_utils_messenger(&info, None) }.unwrap();
    (instance, Some((functions, messenger)))
}

/// `driverName`, such as "llvmpipe".
fn driver_name(instance: &ash::Instance, physical: vk::PhysicalDevice) -> String {
    let mut driver = vk::PhysicalDeviceDriverProperties::default();
    let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut driver);
    // SAFETY: the physical device comes from this instance, and the chain is of properties.
    unsafe { instance.get_physical_device_properties2(physical, &mut properties) };
    let name = driver.driver_name_as_c_str().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Makes a device with all of its core features, and those of other versions and extensions that shaders need.
fn open_device(
    instance: &ash::Instance,
    physical: vk::PhysicalDevice,
) -> (ash::Device, Features, TargetCapabilities) {
    // SAFETY: the physical device comes from this instance.
    let known = unsafe { instance.enumerate_device_extension_properties(physical) }.unwrap();
    let has = |name: &CStr| known.iter().any(|extension| extension.extension_name_as_c_str() == Ok(name));
    let extensions: Vec<*const c_char> =
        EXTENSIONS.iter().filter(|name| has(name)).map(|name| name.as_ptr()).collect();

    let mut vulkan11 = vk::PhysicalDeviceVulkan11Features::default();
    let mut vulkan12 = vk::PhysicalDeviceVulkan12Features::default();
    let mut vulkan13 = vk::PhysicalDeviceVulkan13Features::default();
    let mut robustness = vk::PhysicalDeviceRobustness2FeaturesEXT::default();
    let mut feedback = vk::PhysicalDeviceTransformFeedbackFeaturesEXT::default();
    let mut depth_clip = vk::PhysicalDeviceDepthClipEnableFeaturesEXT::default();
    let mut features = vk::PhysicalDeviceFeatures2::default()
        .push_next(&mut vulkan11)
        .push_next(&mut vulkan12)
        .push_next(&mut vulkan13);
    if has(ash::ext::robustness2::NAME) {
        features = features.push_next(&mut robustness);
    }
    if has(ash::ext::transform_feedback::NAME) {
        features = features.push_next(&mut feedback);
    }
    if has(ash::ext::depth_clip_enable::NAME) {
        features = features.push_next(&mut depth_clip);
    }
    // SAFETY: the physical device comes from this instance, and the chain is of features.
    unsafe { instance.get_physical_device_features2(physical, &mut features) };
    let priorities = [1.0];
    let queues = [vk::DeviceQueueCreateInfo::default().queue_family_index(0).queue_priorities(&priorities)];
    // What the device has is what is asked for: the features just read are the head of the chain.
    let info = vk::DeviceCreateInfo::default()
        .queue_create_infos(&queues)
        .enabled_extension_names(&extensions)
        .push_next(&mut features);
    // SAFETY: `info` and what it points to are valid; the physical device comes from this instance.
    let device = unsafe { instance.create_device(physical, &info, None) }.unwrap();
    let core = features.features;

    let mut floats = vk::PhysicalDeviceVulkan12Properties::default();
    let mut streams = vk::PhysicalDeviceTransformFeedbackPropertiesEXT::default();
    let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut floats);
    if has(ash::ext::transform_feedback::NAME) {
        properties = properties.push_next(&mut streams);
    }
    // SAFETY: the physical device comes from this instance, and the chain is of properties.
    unsafe { instance.get_physical_device_properties2(physical, &mut properties) };
    let limits = properties.properties.limits;
    let capabilities = TargetCapabilities {
        geometry_shader: core.geometry_shader != 0,
        tessellation_shader: core.tessellation_shader != 0,
        shader_tessellation_and_geometry_point_size: core.shader_tessellation_and_geometry_point_size != 0,
        multi_viewport: core.multi_viewport != 0,
        transform_feedback: feedback.transform_feedback != 0,
        geometry_streams: feedback.geometry_streams != 0,
        sample_rate_shading: core.sample_rate_shading != 0,
        image_cube_array: core.image_cube_array != 0,
        shader_image_gather_extended: core.shader_image_gather_extended != 0,
        shader_clip_distance: core.shader_clip_distance != 0,
        shader_cull_distance: core.shader_cull_distance != 0,
        shader_draw_parameters: vulkan11.shader_draw_parameters != 0,
        shader_output_layer: vulkan12.shader_output_layer != 0,
        shader_output_viewport_index: vulkan12.shader_output_viewport_index != 0,
        shader_storage_image_read_without_format: core.shader_storage_image_read_without_format != 0,
        shader_storage_image_write_without_format: core.shader_storage_image_write_without_format != 0,
        shader_resource_min_lod: core.shader_resource_min_lod != 0,
        shader_float64: core.shader_float64 != 0,
        shader_signed_zero_inf_nan_preserve_float32: floats.shader_signed_zero_inf_nan_preserve_float32 != 0,
        shader_denorm_flush_to_zero_float32: floats.shader_denorm_flush_to_zero_float32 != 0,
        shader_denorm_preserve_float64: floats.shader_denorm_preserve_float64 != 0,
    };
    let features = Features {
        core,
        transform_feedback: feedback.transform_feedback != 0,
        geometry_streams: feedback.geometry_streams != 0,
        streams: streams.max_transform_feedback_streams,
        rasterization_stream_select: streams.transform_feedback_rasterization_stream_select != 0,
        null_descriptor: robustness.null_descriptor != 0,
        sample_counts: limits.framebuffer_color_sample_counts & limits.framebuffer_depth_sample_counts,
        integer_sample_counts: floats.framebuffer_integer_color_sample_counts,
        is_lavapipe: floats.driver_id == vk::DriverId::MESA_LLVMPIPE,
        standard_sample_locations: limits.standard_sample_locations != 0,
    };
    (device, features, capabilities)
}
