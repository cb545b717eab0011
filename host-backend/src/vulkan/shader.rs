//! Shaders: DXBC tokens translated to SPIR-V, as many variants as pipelines need.

use std::cell::RefCell;
use std::rc::Rc;

use ash::vk;
use pvgpu_dxbc::{
    BindingLayout, CompileOptions, Compiled, Error, Reflection, SignatureElement, Signatures,
    TargetCapabilities,
};
use pvgpu_protocol::command;
use pvgpu_protocol::event::error_code;

use super::device::Caps;
use super::trash::{Garbage, Trash};
use crate::fault::Fault;
use crate::ops::ShaderSource;

/// What distinguishes the modules of one shader.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Variant {
    /// Registers that the stage before writes; `None` when there is no stage before.
    pub previous_outputs: Option<u32>,
    /// Outputs 0 and 1 are the sources of dual-source blending.
    pub dual_source: bool,
}

impl Variant {
    const FIRST: Self = Self { previous_outputs: None, dual_source: false };
}

/// A shader of a context.
pub struct Shader {
    /// Distinguishes shaders in keys; object numbers are used again.
    pub uid: u64,
    pub stage: u32,
    pub reflection: Reflection,
    tokens: Vec<u32>,
    signatures: Signatures,
    modules: RefCell<Vec<(Variant, vk::ShaderModule)>>,
    trash: Rc<Trash>,
}

impl Shader {
    /// Translates a shader.
    ///
    /// # Errors
    /// [`Fault`] when the tokens are malformed or hold something that is not supported.
    pub fn new(uid: u64, stage: u32, source: ShaderSource, trash: &Rc<Trash>) -> Result<Self, Fault> {
        let signatures = Signatures {
            input: signature(&source.input),
            output: signature(&source.output),
            patch_constant: signature(&source.patch_constant),
        };
        let compiled = compile(&source.tokens, &signatures, Variant::FIRST, &trash.device.caps)?;
        if compiled.reflection.stage as u32 != dxbc_stage(stage) as u32 {
            return Err(Fault::new(
                error_code::BAD_SHADER,
                format!("tokens of a {:?} shader for stage {stage}", compiled.reflection.stage),
            ));
        }
        let shader = Self {
            uid,
            stage,
            reflection: compiled.reflection,
            tokens: source.tokens,
            signatures,
            modules: RefCell::default(),
            trash: trash.clone(),
        };
        shader.add(Variant::FIRST, &compiled.spirv)?;
        Ok(shader)
    }

    /// The module of a variant.
    pub fn module(&self, variant: Variant) -> Result<vk::ShaderModule, Fault> {
        let known =
            self.modules.borrow().iter().find(|(known, _)| *known == variant).map(|(_, module)| *module);
        if let Some(module) = known {
            return Ok(module);
        }
        let compiled = compile(&self.tokens, &self.signatures, variant, &self.trash.device.caps)?;
        self.add(variant, &compiled.spirv)
    }

    fn add(&self, variant: Variant, spirv: &[u32]) -> Result<vk::ShaderModule, Fault> {
        let device = &self.trash.device;
        let info = vk::ShaderModuleCreateInfo::default().code(spirv);
        // SAFETY: the words come from our own translator, whose output is valid SPIR-V for any input.
        let module = unsafe { device.raw.create_shader_module(&info, None) }
            .map_err(|result| device.fault("vkCreateShaderModule", result))?;
        self.modules.borrow_mut().push((variant, module));
        Ok(module)
    }
}

impl Drop for Shader {
    fn drop(&mut self) {
        for (_, module) in self.modules.take() {
            self.trash.add(Garbage::ShaderModule(module));
        }
    }
}

fn compile(
    tokens: &[u32],
    signatures: &Signatures,
    variant: Variant,
    caps: &Caps,
) -> Result<Compiled, Fault> {
    // Pipelines are made of vertex, pixel and compute shaders so far; a shader of another stage would never be drawn with.
    if matches!(tokens.first().map(|version| version >> 16), Some(2..=4)) {
        let text = "geometry, hull and domain shaders are not executed yet".to_owned();
        return Err(Fault::new(error_code::UNSUPPORTED, text));
    }
    let layout = BindingLayout::default();
    let mut options = CompileOptions::new(&layout, target(caps));
    options.dual_source_blend = variant.dual_source;
    options.previous_stage_outputs = variant.previous_outputs;
    pvgpu_dxbc::compile(tokens, signatures, &options).map_err(|error| {
        let code = match error {
            Error::Unsupported { .. } | Error::MissingCapability { .. } => error_code::UNSUPPORTED,
            _ => error_code::BAD_SHADER,
        };
        Fault::new(code, error.to_string())
    })
}

fn target(caps: &Caps) -> TargetCapabilities {
    let shader = &caps.shader;
    TargetCapabilities {
        geometry_shader: shader.geometry,
        sample_rate_shading: shader.sample_rate,
        image_cube_array: shader.cube_array,
        shader_image_gather_extended: shader.gather_extended,
        shader_clip_distance: shader.clip_distance,
        shader_cull_distance: shader.cull_distance,
        shader_draw_parameters: shader.draw_parameters,
        shader_output_layer: shader.output_layer,
        shader_output_viewport_index: shader.output_viewport,
        shader_storage_image_read_without_format: shader.read_without_format,
        shader_storage_image_write_without_format: shader.write_without_format,
        shader_float64: shader.float64,
        shader_signed_zero_inf_nan_preserve_float32: shader.preserve_float32,
        shader_denorm_flush_to_zero_float32: shader.flush_float32,
        multi_viewport: caps.multi_viewport,
        // The device is opened without these.
        tessellation_shader: false,
        transform_feedback: false,
        geometry_streams: false,
        shader_tessellation_and_geometry_point_size: false,
        ..TargetCapabilities::default()
    }
}

fn dxbc_stage(stage: u32) -> pvgpu_dxbc::ShaderStage {
    use pvgpu_dxbc::ShaderStage as S;
    match stage {
        command::stage::VERTEX => S::Vertex,
        command::stage::HULL => S::Hull,
        command::stage::DOMAIN => S::Domain,
        command::stage::GEOMETRY => S::Geometry,
        command::stage::PIXEL => S::Pixel,
        _ => S::Compute,
    }
}

fn signature(elements: &[command::SignatureElement]) -> Vec<SignatureElement> {
    elements
        .iter()
        .map(|element| SignatureElement {
            semantic_name: String::new(),
            semantic_index: 0,
            system_value: element.system_value,
            component_type: element.component_type,
            register: element.register,
            // CAST: four bits count.
            mask: (element.mask & 0xf) as u8,
            stream: element.stream,
        })
        .collect()
}
