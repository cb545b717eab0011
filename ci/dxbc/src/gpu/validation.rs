//! Khronos' validation layer, where it is installed: its errors are collected and fail the run that caused them.
#![expect(unsafe_code, reason = "Vulkan is a C interface")]

use std::ffi::{CStr, c_void};
use std::sync::Mutex;

use ash::vk;

/// The layer that is asked for. Debian's package is `vulkan-validationlayers`.
pub const LAYER: &CStr = c"VK_LAYER_KHRONOS_validation";

/// Messages that no run has been blamed for yet. Its address is the messenger's user data, so it lives in a box.
#[derive(Default)]
pub struct Messages(Mutex<Vec<String>>);

impl Messages {
    /// Takes what has been collected.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// Whether the layer is installed.
pub fn is_installed(entry: &ash::Entry) -> bool {
    // SAFETY: the loader is alive.
    let layers = unsafe { entry.enumerate_instance_layer_properties() }.unwrap_or_default();
    layers.iter().any(|layer| layer.layer_name_as_c_str() == Ok(LAYER))
}

/// How to make a messenger that reports errors to `messages`, which must outlive it.
pub fn messenger(messages: &Messages) -> vk::DebugUtilsMessengerCreateInfoEXT<'_> {
    vk::DebugUtilsMessengerCreateInfoEXT::default()
        .message_severity(vk::DebugUtilsMessageSeverityFlagsEXT::ERROR)
        .message_type(vk::DebugUtilsMessageTypeFlagsEXT::VALIDATION)
        .pfn_user_callback(Some(report))
        .user_data(std::ptr::from_ref(messages).cast_mut().cast())
}

/// Vulkan's callback.
unsafe extern "system" fn report(
    _severity: vk::DebugUtilsMessageSeverityFlagsEXT,
    _types: vk::DebugUtilsMessageTypeFlagsEXT,
    data: *const vk::DebugUtilsMessengerCallbackDataEXT<'_>,
    user_data: *mut c_void,
) -> vk::Bool32 {
    // SAFETY: Vulkan gives valid data for the time of the call.
    let data = unsafe { &*data };
    // SAFETY: the string is one of Vulkan's or absent.
    let text = unsafe { data.message_as_c_str() }.unwrap_or_default();
    // SAFETY: the user data is a `Messages` that outlives the messenger.
    let messages = unsafe { &*user_data.cast::<Messages>() };
    let mut list = messages.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    list.push(text.to_string_lossy().into_owned());
    vk::FALSE
}
