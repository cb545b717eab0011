//! vkd3d-shader, Wine's translator from DXBC to SPIR-V: its C interface of version 1.2, and that as a [`Compiler`].
//!
//! It is loaded at run time, so nothing here needs it to build. The structures are those of `vkd3d_shader.h`; the layout is
//! that of its 64-bit library. It crashes on some input, therefore it is only ever loaded by `vkd3d-peer`.
#![expect(unsafe_code, reason = "vkd3d-shader is a C library")]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr::{null, null_mut};

use libloading::Library;
use pvgpu_dxbc::{BindingClass, BindingLayout, DescriptorType, ShaderStage, container};

use super::{Compiler, Element, Module, Place, Time, timed};

/// The library of Debian's package `libvkd3d-shader1`.
const LIBRARY: &str = "libvkd3d-shader.so.1";

/// `enum vkd3d_shader_structure_type`.
mod structure {
    use std::ffi::c_int;
    pub const COMPILE_INFO: c_int = 0;
    pub const INTERFACE_INFO: c_int = 1;
    pub const SCAN_DESCRIPTOR_INFO: c_int = 2;
    pub const SPIRV_TARGET_INFO: c_int = 4;
}

/// `VKD3D_SHADER_SOURCE_DXBC_TPF`.
const SOURCE_DXBC_TPF: c_int = 1;
/// `VKD3D_SHADER_TARGET_SPIRV_BINARY`.
const TARGET_SPIRV_BINARY: c_int = 1;
/// `VKD3D_SHADER_LOG_ERROR`.
const LOG_ERROR: c_int = 1;
/// `VKD3D_SHADER_COMPILE_OPTION_STRIP_DEBUG`.
const OPTION_STRIP_DEBUG: c_int = 1;
/// `VKD3D_SHADER_SPIRV_ENVIRONMENT_VULKAN_1_0`.
const ENVIRONMENT_VULKAN_1_0: c_int = 2;
/// `VKD3D_SHADER_SPIRV_EXTENSION_EXT_DEMOTE_TO_HELPER_INVOCATION`.
const EXTENSION_DEMOTE: c_int = 1;
/// `VKD3D_SHADER_DESCRIPTOR_INFO_FLAG_UAV_COUNTER`.
const FLAG_UAV_COUNTER: c_uint = 1;
/// `VKD3D_SHADER_RESOURCE_BUFFER`.
const RESOURCE_BUFFER: c_int = 1;
/// `VKD3D_SHADER_BINDING_FLAG_BUFFER`.
const BINDING_BUFFER: c_uint = 1;
/// `VKD3D_SHADER_BINDING_FLAG_IMAGE`.
const BINDING_IMAGE: c_uint = 2;

/// `struct vkd3d_shader_code`.
#[repr(C)]
struct Code {
    code: *const c_void,
    size: usize,
}

/// `struct vkd3d_shader_compile_option`.
#[repr(C)]
struct CompileOption {
    name: c_int,
    value: c_uint,
}

/// `struct vkd3d_shader_compile_info`.
#[repr(C)]
struct CompileInfo {
    ty: c_int,
    next: *const c_void,
    source: Code,
    source_type: c_int,
    target_type: c_int,
    options: *const CompileOption,
    option_count: c_uint,
    log_level: c_int,
    source_name: *const c_char,
}

/// `struct vkd3d_shader_descriptor_binding`.
#[repr(C)]
#[derive(Clone, Copy)]
struct DescriptorBinding {
    set: c_uint,
    binding: c_uint,
    count: c_uint,
}

/// `struct vkd3d_shader_resource_binding`.
#[repr(C)]
struct ResourceBinding {
    ty: c_int,
    register_space: c_uint,
    register_index: c_uint,
    shader_visibility: c_int,
    flags: c_uint,
    binding: DescriptorBinding,
}

/// `struct vkd3d_shader_uav_counter_binding`.
#[repr(C)]
struct UavCounterBinding {
    register_space: c_uint,
    register_index: c_uint,
    shader_visibility: c_int,
    binding: DescriptorBinding,
    offset: c_uint,
}

/// `struct vkd3d_shader_interface_info`.
#[repr(C)]
struct InterfaceInfo {
    ty: c_int,
    next: *const c_void,
    bindings: *const ResourceBinding,
    binding_count: c_uint,
    push_constant_buffers: *const c_void,
    push_constant_buffer_count: c_uint,
    combined_samplers: *const c_void,
    combined_sampler_count: c_uint,
    uav_counters: *const UavCounterBinding,
    uav_counter_count: c_uint,
}

/// `struct vkd3d_shader_spirv_target_info`.
#[repr(C)]
struct SpirvTargetInfo {
    ty: c_int,
    next: *const c_void,
    entry_point: *const c_char,
    environment: c_int,
    extensions: *const c_int,
    extension_count: c_uint,
    parameters: *const c_void,
    parameter_count: c_uint,
    dual_source_blending: bool,
    output_swizzles: *const c_uint,
    output_swizzle_count: c_uint,
}

/// `struct vkd3d_shader_descriptor_info`.
#[repr(C)]
#[derive(Clone, Copy)]
struct DescriptorInfo {
    ty: c_int,
    register_space: c_uint,
    register_index: c_uint,
    resource_type: c_int,
    resource_data_type: c_int,
    flags: c_uint,
    count: c_uint,
}

/// `struct vkd3d_shader_scan_descriptor_info`.
#[repr(C)]
struct ScanDescriptorInfo {
    ty: c_int,
    next: *const c_void,
    descriptors: *mut DescriptorInfo,
    descriptor_count: c_uint,
}

// What gcc says of the header's structures (x86-64).
const _: () = assert!(size_of::<CompileInfo>() == 64);
const _: () = assert!(size_of::<ResourceBinding>() == 32);
const _: () = assert!(size_of::<UavCounterBinding>() == 28);
const _: () = assert!(size_of::<InterfaceInfo>() == 80);
const _: () = assert!(size_of::<SpirvTargetInfo>() == 80);
const _: () = assert!(size_of::<DescriptorInfo>() == 28);
const _: () = assert!(size_of::<ScanDescriptorInfo>() == 32);

type CompileFunction = unsafe extern "C" fn(*const CompileInfo, *mut Code, *mut *mut c_char) -> c_int;
type ScanFunction = unsafe extern "C" fn(*const CompileInfo, *mut *mut c_char) -> c_int;
type VersionFunction = unsafe extern "C" fn(*mut c_uint, *mut c_uint) -> *const c_char;

/// The loaded library.
pub struct Vkd3d {
    // The functions below are in it.
    _library: Library,
    compile: CompileFunction,
    free_code: unsafe extern "C" fn(*mut Code),
    free_messages: unsafe extern "C" fn(*mut c_char),
    free_scan: unsafe extern "C" fn(*mut ScanDescriptorInfo),
    scan: ScanFunction,
    version: VersionFunction,
    layout: BindingLayout,
}

impl Vkd3d {
    /// Loads the system's library.
    ///
    /// # Errors
    /// A sentence: it is not installed, or is not version 1.x.
    pub fn open() -> Result<Self, String> {
        let fail = |error: libloading::Error| {
            format!("{LIBRARY} cannot be used; install Debian's package libvkd3d-shader1: {error}")
        };
        // SAFETY: the system's vkd3d-shader runs nothing unsound when it is loaded.
        let library = unsafe { Library::new(LIBRARY) }.map_err(fail)?;
        // SAFETY: vkd3d_shader.h declares the function with this type.
        let compile = unsafe { library.get(b"vkd3d_shader_compile\0") }.map(|s| *s).map_err(fail)?;
        // SAFETY: as above.
        let free_code =
            unsafe { library.get(b"vkd3d_shader_free_shader_code\0") }.map(|s| *s).map_err(fail)?;
        // SAFETY: as above.
        let free_messages =
            unsafe { library.get(b"vkd3d_shader_free_messages\0") }.map(|s| *s).map_err(fail)?;
        // SAFETY: as above.
        let free_scan =
            unsafe { library.get(b"vkd3d_shader_free_scan_descriptor_info\0") }.map(|s| *s).map_err(fail)?;
        // SAFETY: as above.
        let scan = unsafe { library.get(b"vkd3d_shader_scan\0") }.map(|s| *s).map_err(fail)?;
        // SAFETY: as above.
        let version = unsafe { library.get(b"vkd3d_shader_get_version\0") }.map(|s| *s).map_err(fail)?;
        let layout = BindingLayout::default();
        let opened =
            Self { _library: library, compile, free_code, free_messages, free_scan, scan, version, layout };
        if opened.version().0 != 1 {
            return Err(format!(
                "vkd3d-shader's version is {:?}, and its structures are known of 1.x",
                opened.version()
            ));
        }
        Ok(opened)
    }

    /// The library's version: major and minor.
    pub fn version(&self) -> (u32, u32) {
        let (mut major, mut minor) = (0, 0);
        // SAFETY: both numbers can be written to.
        unsafe { (self.version)(&raw mut major, &raw mut minor) };
        (major, minor)
    }

    /// What the shader declares; `info` is a complete compile info without a chain.
    fn scan(&self, info: &CompileInfo) -> Result<Vec<DescriptorInfo>, String> {
        let mut found = ScanDescriptorInfo {
            ty: structure::SCAN_DESCRIPTOR_INFO,
            next: null(),
            descriptors: null_mut(),
            descriptor_count: 0,
        };
        let info = CompileInfo {
            next: (&raw mut found).cast_const().cast(),
            source: Code { ..info.source },
            ..*info
        };
        let mut messages = null_mut();
        // SAFETY: `info` and its chain are complete, and `found` may be written to.
        let code = unsafe { (self.scan)(&raw const info, &raw mut messages) };
        let text = self.take_messages(messages);
        if code < 0 {
            return Err(refusal(code, &text));
        }
        let descriptors = if found.descriptor_count == 0 {
            Vec::new()
        } else {
            // SAFETY: the library has left so many descriptors there, which live until they are freed below.
            unsafe { std::slice::from_raw_parts(found.descriptors, found.descriptor_count as usize) }.to_vec()
        };
        // SAFETY: the scan has filled it, and nothing points into it any more.
        unsafe { (self.free_scan)(&raw mut found) };
        Ok(descriptors)
    }

    /// The text of messages, which are freed.
    fn take_messages(&self, messages: *mut c_char) -> String {
        if messages.is_null() {
            return String::new();
        }
        // SAFETY: the library gives a string that ends with zero.
        let text = unsafe { CStr::from_ptr(messages) }.to_string_lossy().trim().replace('\n', "; ");
        // SAFETY: the messages are the library's and are not used any more.
        unsafe { (self.free_messages)(messages) };
        text
    }

    fn compile(&self, bytes: &[u8], stage: ShaderStage) -> (Time, Result<Module, String>) {
        // vkd3d names every variable otherwise; our compiler writes no names either.
        let option = CompileOption { name: OPTION_STRIP_DEBUG, value: 1 };
        let base = CompileInfo {
            ty: structure::COMPILE_INFO,
            next: null(),
            source: Code { code: bytes.as_ptr().cast(), size: bytes.len() },
            source_type: SOURCE_DXBC_TPF,
            target_type: TARGET_SPIRV_BINARY,
            options: &raw const option,
            option_count: 1,
            log_level: LOG_ERROR,
            source_name: null(),
        };
        let descriptors = match self.scan(&base) {
            Ok(descriptors) => descriptors,
            Err(error) => return (Time::default(), Err(error)),
        };
        let places: Vec<Place> =
            descriptors.iter().flat_map(|descriptor| self.places(descriptor, stage)).collect();
        let (bindings, counters) = (resource_bindings(&descriptors, &places), counter_bindings(&places));
        let interface = InterfaceInfo {
            ty: structure::INTERFACE_INFO,
            next: null(),
            bindings: bindings.as_ptr(),
            binding_count: bindings.len() as c_uint,
            push_constant_buffers: null(),
            push_constant_buffer_count: 0,
            combined_samplers: null(),
            combined_sampler_count: 0,
            uav_counters: counters.as_ptr(),
            uav_counter_count: counters.len() as c_uint,
        };
        let extension = EXTENSION_DEMOTE;
        let target = SpirvTargetInfo {
            ty: structure::SPIRV_TARGET_INFO,
            next: (&raw const interface).cast(),
            entry_point: c"main".as_ptr(),
            environment: ENVIRONMENT_VULKAN_1_0,
            extensions: &raw const extension,
            extension_count: 1,
            parameters: null(),
            parameter_count: 0,
            dual_source_blending: false,
            output_swizzles: null(),
            output_swizzle_count: 0,
        };
        let info = CompileInfo { next: (&raw const target).cast(), ..base };
        let mut out = Code { code: null(), size: 0 };
        let mut messages = null_mut();
        // SAFETY: `info` and its chain are complete and outlive the call; the other two may be written to.
        let (whole, code) =
            timed(|| unsafe { (self.compile)(&raw const info, &raw mut out, &raw mut messages) });
        let time = Time { whole, tokens: whole };
        let text = self.take_messages(messages);
        if code < 0 {
            return (time, Err(refusal(code, &text)));
        }
        // SAFETY: the library has left so many bytes of words there, which live until they are freed below.
        let spirv = unsafe { std::slice::from_raw_parts(out.code.cast::<u32>(), out.size / 4) }.to_vec();
        // SAFETY: the code is the library's and is not used any more.
        unsafe { (self.free_code)(&raw mut out) };
        (time, Ok(Module { spirv, places }))
    }

    /// Where a descriptor goes, and where its counter goes if it has one.
    fn places(&self, descriptor: &DescriptorInfo, stage: ShaderStage) -> Vec<Place> {
        let is_buffer = descriptor.resource_type == RESOURCE_BUFFER;
        // `enum vkd3d_shader_descriptor_type`.
        let (class, ty) = match (descriptor.ty, is_buffer) {
            (0, true) => (BindingClass::ShaderResource, DescriptorType::UniformTexelBuffer),
            (0, false) => (BindingClass::ShaderResource, DescriptorType::SampledImage),
            (1, true) => (BindingClass::UnorderedAccess, DescriptorType::StorageTexelBuffer),
            (1, false) => (BindingClass::UnorderedAccess, DescriptorType::StorageImage),
            (2, _) => (BindingClass::ConstantBuffer, DescriptorType::UniformBuffer),
            _ => (BindingClass::Sampler, DescriptorType::Sampler),
        };
        // `enum vkd3d_shader_resource_data_type`.
        let element = match descriptor.resource_data_type {
            3 => Element::Sint,
            4 => Element::Uint,
            _ => Element::Float,
        };
        let slot = descriptor.register_index;
        let place = |class, descriptor, element| Place {
            class,
            slot,
            binding: self.layout.descriptor(stage, class, slot).binding,
            descriptor,
            element,
        };
        let mut places = vec![place(class, ty, element)];
        if class == BindingClass::UnorderedAccess && descriptor.flags & FLAG_UAV_COUNTER != 0 {
            let class = BindingClass::UnorderedAccessCounter;
            places.push(place(class, DescriptorType::StorageTexelBuffer, Element::Uint));
        }
        places
    }
}

impl Compiler for Vkd3d {
    fn translate(&self, bytes: &[u8]) -> (Time, Result<Module, String>) {
        let shader = match container::parse(bytes) {
            Ok(shader) => shader,
            Err(error) => return (Time::default(), Err(error.to_string())),
        };
        // The upper half of the version token, `D3D10_SB_TOKENIZED_PROGRAM_TYPE`.
        let stage = match shader.tokens.first().map(|token| token >> 16) {
            Some(0) => ShaderStage::Pixel,
            Some(1) => ShaderStage::Vertex,
            Some(2) => ShaderStage::Geometry,
            Some(3) => ShaderStage::Hull,
            Some(4) => ShaderStage::Domain,
            Some(5) => ShaderStage::Compute,
            _ => return (Time::default(), Err("no stage of Direct3D 11".to_owned())),
        };
        self.compile(bytes, stage)
    }
}

fn resource_bindings(descriptors: &[DescriptorInfo], places: &[Place]) -> Vec<ResourceBinding> {
    let resources = places.iter().filter(|place| place.class != BindingClass::UnorderedAccessCounter);
    descriptors
        .iter()
        .zip(resources)
        .map(|(descriptor, place)| ResourceBinding {
            ty: descriptor.ty,
            register_space: 0,
            register_index: place.slot,
            // `VKD3D_SHADER_VISIBILITY_ALL`.
            shader_visibility: 0,
            flags: match place.descriptor {
                DescriptorType::SampledImage | DescriptorType::StorageImage | DescriptorType::Sampler => {
                    BINDING_IMAGE
                }
                _ => BINDING_BUFFER,
            },
            binding: DescriptorBinding { set: 0, binding: place.binding, count: 1 },
        })
        .collect()
}

fn counter_bindings(places: &[Place]) -> Vec<UavCounterBinding> {
    places
        .iter()
        .filter(|place| place.class == BindingClass::UnorderedAccessCounter)
        .map(|place| UavCounterBinding {
            register_space: 0,
            register_index: place.slot,
            shader_visibility: 0,
            binding: DescriptorBinding { set: 0, binding: place.binding, count: 1 },
            offset: 0,
        })
        .collect()
}

/// A negative result in words; the names are `enum vkd3d_result`'s.
fn refusal(code: c_int, messages: &str) -> String {
    let name = match code {
        -2 => "out of memory",
        -3 => "invalid argument",
        -4 => "invalid shader",
        -5 => "not implemented",
        _ => "error",
    };
    if messages.is_empty() { format!("{name} ({code})") } else { format!("{name} ({code}): {messages}") }
}
