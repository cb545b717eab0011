//! The Vulkan instance, its validation messages, and the choice of a GPU.

use std::borrow::Cow;
use std::ffi::{CStr, c_void};
use std::fmt;
use std::mem::ManuallyDrop;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use ash::{ext, vk};

/// Validation messages since the process began; tests fail when it is not 0.
static MESSAGES: AtomicU64 = AtomicU64::new(0);

/// How many validation errors and warnings the layers have reported in this process.
pub fn validation_messages() -> u64 {
    MESSAGES.load(Ordering::Relaxed)
}

/// Why no GPU can serve.
#[derive(Debug)]
pub enum GpuError {
    /// The Vulkan loader is missing.
    Loader(ash::LoadingError),
    /// No device, or none that `--gpu` names.
    NoDevice {
        /// What was asked for.
        wanted: Option<String>,
        /// What there is.
        present: Vec<String>,
    },
    /// The validation layer was asked for and is not installed.
    NoValidation,
    /// The device lacks something that pvgpu needs.
    Missing {
        /// The device.
        device: String,
        /// What it lacks.
        what: Vec<&'static str>,
    },
    /// A Vulkan call failed.
    Call {
        /// Which.
        call: &'static str,
        /// How.
        result: vk::Result,
    },
}

impl GpuError {
    /// Turns a failed call into an error.
    pub(super) fn call(call: &'static str) -> impl FnOnce(vk::Result) -> Self {
        move |result| Self::Call { call, result }
    }
}

impl fmt::Display for GpuError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loader(error) => {
                write!(f, "the Vulkan loader cannot be loaded ({error}); install the package libvulkan1")
            }
            Self::NoDevice { wanted: None, .. } => f.write_str(
                "no Vulkan device was found; install a GPU driver, or the package mesa-vulkan-drivers for rendering on the CPU",
            ),
            Self::NoDevice { wanted: Some(wanted), present } => {
                write!(f, "no Vulkan device matches --gpu {wanted}; there is {}", present.join(", "))
            }
            Self::NoValidation => {
                f.write_str("the Vulkan validation layer is missing; install the package vulkan-validationlayers")
            }
            Self::Missing { device, what } => {
                write!(f, "{device} cannot serve: its driver lacks {}; update it or choose another with --gpu", what.join(", "))
            }
            Self::Call { call, result } => write!(f, "{call} failed: {result}"),
        }
    }
}

impl std::error::Error for GpuError {}

/// Which GPU to take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GpuChoice {
    /// A discrete one if there is one, else an integrated one, else a software renderer.
    #[default]
    Best,
    /// By its place in the list.
    Index(usize),
    /// By a part of its name, in any case.
    Name(String),
}

impl FromStr for GpuChoice {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::Name(text.to_lowercase()), Self::Index))
    }
}

impl fmt::Display for GpuChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => f.write_str("best"),
            Self::Index(index) => write!(f, "{index}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A Vulkan instance. It is never destroyed, and the loader never unloaded: drivers leave destructors of thread-local
/// data behind, which would run, when a thread ends, in a library that is gone (NVIDIA 580 does). A process makes one or
/// two instances in its life.
pub struct Instance {
    pub(super) raw: ash::Instance,
    pub(super) entry: ManuallyDrop<ash::Entry>,
}

impl Instance {
    /// Creates the instance, with the validation layer if asked for.
    ///
    /// # Errors
    /// [`GpuError`] when there is no loader, or no layer.
    pub fn new(validation: bool) -> Result<Self, GpuError> {
        // SAFETY: the loader's initialisation code is trusted as any shared library of the system is.
        let entry = unsafe { ash::Entry::load() }.map_err(GpuError::Loader)?;
        let application = vk::ApplicationInfo::default()
            .application_name(c"pvgpud")
            .engine_name(c"pvgpu")
            .api_version(vk::API_VERSION_1_3);
        let layers: &[_] = if validation { &[c"VK_LAYER_KHRONOS_validation".as_ptr()] } else { &[] };
        let extensions: &[_] = if validation { &[ext::debug_utils::NAME.as_ptr()] } else { &[] };
        let checks = [vk::ValidationFeatureEnableEXT::SYNCHRONIZATION_VALIDATION];
        let mut features = vk::ValidationFeaturesEXT::default().enabled_validation_features(&checks);
        let mut info = vk::InstanceCreateInfo::default()
            .application_info(&application)
            .enabled_layer_names(layers)
            .enabled_extension_names(extensions);
        if validation {
            info = info.push_next(&mut features);
        }
        // SAFETY: the create info and what it points to live through the call.
        let raw = unsafe { entry.create_instance(&info, None) }.map_err(|result| match result {
            // The loader found no driver at all.
            vk::Result::ERROR_INCOMPATIBLE_DRIVER => GpuError::NoDevice { wanted: None, present: Vec::new() },
            vk::Result::ERROR_LAYER_NOT_PRESENT => GpuError::NoValidation,
            result => GpuError::Call { call: "vkCreateInstance", result },
        })?;
        let instance = Self { raw, entry: ManuallyDrop::new(entry) };
        if validation {
            instance.listen()?;
        }
        Ok(instance)
    }

    /// Sends the layers' messages to the log, as long as the instance lives.
    fn listen(&self) -> Result<(), GpuError> {
        let functions = ext::debug_utils::Instance::new(&self.entry, &self.raw);
        let info = vk::DebugUtilsMessengerCreateInfoEXT::default()
            .message_severity(
                vk::DebugUtilsMessageSeverityFlagsEXT::ERROR | vk::DebugUtilsMessageSeverityFlagsEXT::WARNING,
            )
            .message_type(vk::DebugUtilsMessageTypeFlagsEXT::VALIDATION)
            .pfn_user_callback(Some(on_message));
        // SAFETY: the instance is alive and the callback never unwinds.
        unsafe { functions.create_debug_utils_messenger(&info, None) }
            .map_err(GpuError::call("vkCreateDebugUtilsMessengerEXT"))?;
        Ok(())
    }

    /// All devices with their names, in the loader's order.
    ///
    /// # Errors
    /// [`GpuError::Call`].
    pub(super) fn devices(
        &self,
    ) -> Result<Vec<(vk::PhysicalDevice, vk::PhysicalDeviceProperties)>, GpuError> {
        // SAFETY: the instance is alive.
        let devices = unsafe { self.raw.enumerate_physical_devices() }
            .map_err(GpuError::call("vkEnumeratePhysicalDevices"))?;
        Ok(devices
            .into_iter()
            .map(|device| {
                // SAFETY: the device was just enumerated from this instance.
                let properties = unsafe { self.raw.get_physical_device_properties(device) };
                (device, properties)
            })
            .collect())
    }

    /// The device of a choice.
    ///
    /// # Errors
    /// [`GpuError::NoDevice`] when there is none.
    pub(super) fn choose(
        &self,
        choice: &GpuChoice,
    ) -> Result<(vk::PhysicalDevice, vk::PhysicalDeviceProperties), GpuError> {
        let devices = self.devices()?;
        let names: Vec<String> = devices.iter().map(|(_, properties)| device_name(properties)).collect();
        let found = match choice {
            GpuChoice::Best => devices.into_iter().max_by_key(|(_, properties)| rank(properties.device_type)),
            GpuChoice::Index(index) => devices.into_iter().nth(*index),
            GpuChoice::Name(part) => devices
                .into_iter()
                .find(|(_, properties)| device_name(properties).to_lowercase().contains(part.as_str())),
        };
        found.ok_or_else(|| GpuError::NoDevice {
            wanted: (*choice != GpuChoice::Best && !names.is_empty()).then(|| choice.to_string()),
            present: names,
        })
    }
}

fn rank(kind: vk::PhysicalDeviceType) -> u32 {
    match kind {
        vk::PhysicalDeviceType::DISCRETE_GPU => 4,
        vk::PhysicalDeviceType::INTEGRATED_GPU => 3,
        vk::PhysicalDeviceType::VIRTUAL_GPU => 2,
        vk::PhysicalDeviceType::CPU => 1,
        _ => 0,
    }
}

/// A device's name as text.
pub(super) fn device_name(properties: &vk::PhysicalDeviceProperties) -> String {
    properties
        .device_name_as_c_str()
        .map_or_else(|_| "unnamed".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Writes a validation message to the log and counts it.
unsafe extern "system" fn on_message(
    severity: vk::DebugUtilsMessageSeverityFlagsEXT,
    _: vk::DebugUtilsMessageTypeFlagsEXT,
    data: *const vk::DebugUtilsMessengerCallbackDataEXT<'_>,
    _: *mut c_void,
) -> vk::Bool32 {
    // SAFETY: the layer passes a valid structure for the length of the call.
    let message = unsafe { data.as_ref() }.map(|data| data.p_message).filter(|message| !message.is_null());
    let text = message.map_or(Cow::Borrowed("no text"), |message| {
        // SAFETY: a message that is not null is a C string.
        unsafe { CStr::from_ptr(message) }.to_string_lossy()
    });
    MESSAGES.fetch_add(1, Ordering::Relaxed);
    if severity.contains(vk::DebugUtilsMessageSeverityFlagsEXT::ERROR) {
        log::error!("validation: {text}");
    } else {
        log::warn!("validation: {text}");
    }
    vk::FALSE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_numbers_or_names() {
        assert_eq!("2".parse(), Ok(GpuChoice::Index(2)));
        assert_eq!("LLVM".parse(), Ok(GpuChoice::Name("llvm".to_owned())));
    }

    #[test]
    fn errors_say_what_to_do() {
        let none = GpuError::NoDevice { wanted: None, present: Vec::new() };
        assert!(none.to_string().contains("mesa-vulkan-drivers"));
        let other = GpuError::NoDevice { wanted: Some("x".to_owned()), present: vec!["a GPU".to_owned()] };
        assert_eq!(other.to_string(), "no Vulkan device matches --gpu x; there is a GPU");
    }
}
