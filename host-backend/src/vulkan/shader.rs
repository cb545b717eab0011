//! Shaders: DXBC tokens translated to SPIR-V, as many variants as pipelines need.

use std::cell::RefCell;
use std::rc::Rc;

use ash::vk;
use pvgpu_dxbc::{
    BindingLayout, ClassInstance, CompileOptions, Compiled, Error, ForcedSamples, Reflection,
    SignatureElement, Signatures, StreamOutput, TargetCapabilities,
};
use pvgpu_protocol::command;
use pvgpu_protocol::event::error_code;

use super::caps::Caps;
use super::trash::{Garbage, Trash};
use crate::fault::Fault;
use crate::ops::ShaderSource;
use crate::pipeline_file::ContentHash;

/// The types of registers' components, two bits for each register: numbers of `D3D10_SB_REGISTER_COMPONENT_TYPE`, and 0 where nobody
/// says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ComponentTypes(u64);

impl ComponentTypes {
    /// The low bit of each register.
    const LOW: u64 = 0x5555_5555_5555_5555;

    /// Says that a register has components of a type; registers from 32 on, and unknown types, are left out.
    pub fn set(&mut self, register: u32, component_type: u32) {
        if register < 32 && component_type <= 3 {
            self.0 = self.0 & !(3 << (2 * register)) | u64::from(component_type) << (2 * register);
        }
    }

    /// The type of a register, if there is one.
    fn get(self, register: u32) -> Option<u32> {
        // CAST: two bits.
        let bits = (self.0.checked_shr(register.saturating_mul(2)).unwrap_or(0) & 3) as u32;
        (bits != 0).then_some(bits)
    }

    /// The types of those registers that have another type in `other`.
    pub const fn unlike(self, other: Self) -> Self {
        const fn all(bits: u64) -> u64 {
            let any = (bits | bits >> 1) & ComponentTypes::LOW;
            any | any << 1
        }
        Self(self.0 & all(other.0) & all(self.0 ^ other.0))
    }

    /// A signature with these types. What a register holds are bits, so that a shader that declares another type than it gets reads them
    /// as its own (`D3D11_MESSAGE_ID_CREATEINPUTLAYOUT_TYPE_MISMATCH` says so); Vulkan wants to know what they were.
    fn apply(self, elements: &mut Vec<SignatureElement>) {
        for register in 0..32 {
            let Some(component_type) = self.get(register) else { continue };
            let mut known = false;
            for element in elements.iter_mut().filter(|element| element.register == register) {
                (element.component_type, known) = (component_type, true);
            }
            if !known {
                elements.push(SignatureElement {
                    semantic_name: String::new(),
                    semantic_index: 0,
                    system_value: 0,
                    component_type,
                    register,
                    mask: 0xf,
                    stream: 0,
                });
            }
        }
    }
}

/// What distinguishes the modules of one shader: everything that its neighbours in a pipeline decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    /// Of vertex shaders: types of inputs that are not those declared.
    pub inputs: ComponentTypes,
    /// Of pixel shaders: types of outputs that are not those declared.
    pub outputs: ComponentTypes,
    /// Registers that the stage before writes; `None` for all, or when there is no stage before.
    pub previous_outputs: Option<u32>,
    /// System values that the stage before writes, for hull, geometry and pixel shaders.
    pub previous_system_values: Option<u32>,
    /// Patch constants that the hull shader writes, for domain shaders.
    pub previous_patch_constants: Option<u32>,
    /// Outputs 0 and 1 are the sources of dual-source blending.
    pub dual_source: bool,
    /// Of pixel shaders: outputs, a bit each, between those that have a target.
    pub unused_outputs: u8,
    /// Of pixel shaders: the rasterizer has its own samples.
    pub forced: Option<Rc<ForcedSamples>>,
    /// What goes to stream-output buffers.
    pub stream_output: Option<Rc<StreamOutput>>,
    /// Samplers have further descriptors (`Reflection::spare_samplers`).
    pub split_samplers: bool,
}

/// What a shader was created from.
struct Code {
    tokens: Vec<u32>,
    signatures: Signatures,
}

/// A shader of a context, with the class instances that it was bound with.
pub struct Shader {
    /// Distinguishes shaders in keys; object numbers are used again. The same code with other instances has another one.
    pub uid: u64,
    /// Shaders of equal contents make equal pipelines.
    pub content: ContentHash,
    pub stage: u32,
    pub reflection: Reflection,
    /// Of geometry shaders: the stream-output declaration that they were created with.
    pub stream_output: Option<StreamOutput>,
    /// Colours that a pixel shader writes, a bit each.
    pub outputs: u8,
    /// Declared types of a vertex shader's inputs or a pixel shader's outputs.
    pub types: ComponentTypes,
    /// It has no code: the outputs of the stage before go to the buffers and the rasterizer.
    pub pass_through: bool,
    code: Rc<Code>,
    instances: Vec<Option<ClassInstance>>,
    modules: RefCell<Vec<(Variant, vk::ShaderModule)>>,
    trash: Rc<Trash>,
}

impl Shader {
    /// Translates a shader. One without code is a geometry shader that passes through what it gets.
    ///
    /// # Errors
    /// [`Fault`] when the tokens are malformed or hold something that is not supported.
    pub fn new(uid: u64, stage: u32, source: ShaderSource, trash: &Rc<Trash>) -> Result<Self, Fault> {
        let signatures = Signatures {
            input: signature(&source.input),
            output: signature(&source.output),
            patch_constant: signature(&source.patch_constant),
        };
        let content = content(stage, &source);
        let pass_through = source.tokens.is_empty() && stage == command::stage::GEOMETRY;
        let code = Code { tokens: source.tokens, signatures };
        let first =
            Variant { stream_output: source.stream_output.clone().map(Rc::new), ..Variant::default() };
        let compiled = if pass_through { None } else { compile_first(&code, &first, &trash.device.caps)? };
        let reflection = match &compiled {
            Some(compiled) => compiled.reflection.clone(),
            None if pass_through => nothing(),
            None => pvgpu_dxbc::reflect(&code.tokens, &code.signatures, &layout(&trash.device.caps))
                .map_err(fault)?,
        };
        if reflection.stage as u32 != dxbc_stage(stage) as u32 {
            return Err(Fault::new(
                error_code::BAD_SHADER,
                format!("tokens of a {:?} shader for stage {stage}", reflection.stage),
            ));
        }
        let shader = Self {
            uid,
            content,
            stage,
            types: declared_types(&reflection),
            outputs: (reflection.output_mask() & 0xff) as u8,
            reflection,
            stream_output: source.stream_output,
            pass_through,
            code: Rc::new(code),
            instances: Vec::new(),
            modules: RefCell::default(),
            trash: trash.clone(),
        };
        // The others depend on their neighbours, whom nobody knows yet.
        if let Some(compiled) = compiled
            && matches!(stage, command::stage::VERTEX | command::stage::COMPUTE)
        {
            shader.add(first, &compiled.spirv)?;
        }
        Ok(shader)
    }

    /// The same code with a class instance for each of its interfaces.
    ///
    /// # Errors
    /// [`Fault`] when an interface gets none, or one of a class that it does not take.
    pub fn linked(&self, uid: u64, instances: Vec<Option<ClassInstance>>) -> Result<Self, Fault> {
        let first = Variant { stream_output: self.stream_output.clone().map(Rc::new), ..Variant::default() };
        let compiled = compile(&self.code, &first, &instances, &self.trash.device.caps).map_err(fault)?;
        let shader = Self {
            uid,
            content: linked_content(self.content, &instances),
            stage: self.stage,
            types: self.types,
            outputs: self.outputs,
            reflection: compiled.reflection,
            stream_output: self.stream_output.clone(),
            pass_through: self.pass_through,
            code: self.code.clone(),
            instances,
            modules: RefCell::default(),
            trash: self.trash.clone(),
        };
        if matches!(shader.stage, command::stage::VERTEX | command::stage::COMPUTE) {
            shader.add(first, &compiled.spirv)?;
        }
        Ok(shader)
    }

    /// The module of a variant.
    pub fn module(&self, variant: Variant) -> Result<vk::ShaderModule, Fault> {
        let known =
            self.modules.borrow().iter().find(|(known, _)| *known == variant).map(|(_, module)| *module);
        if let Some(module) = known {
            return Ok(module);
        }
        let compiled = compile(&self.code, &variant, &self.instances, &self.trash.device.caps);
        self.add(variant, &compiled.map_err(fault)?.spirv)
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

/// The hash of what a shader is made of.
fn content(stage: u32, source: &ShaderSource) -> ContentHash {
    let mut words = vec![stage];
    // CAST: lists are far shorter than 2^32.
    words.push(source.tokens.len() as u32);
    words.extend_from_slice(&source.tokens);
    for elements in [&source.input, &source.output, &source.patch_constant] {
        words.push(elements.len() as u32);
        for e in elements {
            words.extend([e.system_value, e.register, e.mask, e.component_type, e.stream]);
        }
    }
    // The declaration has no fixed form in words; its text tells all of it.
    let text = format!("{:?}", source.stream_output);
    words.extend(text.bytes().map(u32::from));
    ContentHash::of(words)
}

/// The hash of a shader with class instances.
fn linked_content(shader: ContentHash, instances: &[Option<ClassInstance>]) -> ContentHash {
    // CAST: halves.
    let half = |word: u64| [word as u32, (word >> 32) as u32];
    let own = [half(shader.0), half(shader.1)].into_iter().flatten();
    let instances = instances.iter().flat_map(|instance| {
        let one = instance.unwrap_or_default();
        let known = u32::from(instance.is_some());
        [known, one.function_table, one.constant_buffer, one.constant_offset, one.texture, one.sampler]
    });
    ContentHash::of(own.chain(instances))
}

/// Translates a new shader; `None` for one whose class instances come when it is bound.
fn compile_first(code: &Code, variant: &Variant, caps: &Caps) -> Result<Option<Compiled>, Fault> {
    match compile(code, variant, &[], caps) {
        Err(Error::NoClassInstance { .. }) => Ok(None),
        result => result.map(Some).map_err(fault),
    }
}

fn compile(
    code: &Code,
    variant: &Variant,
    instances: &[Option<ClassInstance>],
    caps: &Caps,
) -> Result<Compiled, Error> {
    let layout = layout(caps);
    let options = CompileOptions {
        dual_source_blend: variant.dual_source,
        unused_outputs: variant.unused_outputs.into(),
        previous_stage_outputs: variant.previous_outputs,
        previous_stage_system_values: variant.previous_system_values,
        previous_stage_patch_constants: variant.previous_patch_constants,
        forced_samples: variant.forced.as_deref().copied(),
        stream_output: variant.stream_output.as_deref(),
        class_instances: instances,
        split_samplers: variant.split_samplers,
        ..CompileOptions::new(&layout, target(caps))
    };
    let none = ComponentTypes::default();
    if variant.inputs == none && variant.outputs == none {
        return pvgpu_dxbc::compile(&code.tokens, &code.signatures, &options);
    }
    let mut signatures = code.signatures.clone();
    variant.inputs.apply(&mut signatures.input);
    variant.outputs.apply(&mut signatures.output);
    pvgpu_dxbc::compile(&code.tokens, &signatures, &options)
}

/// Where descriptors land.
fn layout(caps: &Caps) -> BindingLayout {
    BindingLayout {
        view_starts: caps.shader.view_starts,
        own_samplers: caps.shader.unfiltered_floats,
        ..BindingLayout::default()
    }
}

/// What a vertex shader's inputs, or a pixel shader's outputs, are declared as.
fn declared_types(reflection: &Reflection) -> ComponentTypes {
    let list = match reflection.stage {
        pvgpu_dxbc::ShaderStage::Vertex => &reflection.inputs,
        pvgpu_dxbc::ShaderStage::Pixel => &reflection.outputs,
        _ => return ComponentTypes::default(),
    };
    let mut types = ComponentTypes::default();
    for register in list {
        if let Some(location) = register.location {
            types.set(location, register.component_type);
        }
    }
    types
}

fn fault(error: Error) -> Fault {
    let code = match error {
        Error::Unsupported { .. } | Error::MissingCapability { .. } => error_code::UNSUPPORTED,
        _ => error_code::BAD_SHADER,
    };
    Fault::new(code, error.to_string())
}

/// The facts of a geometry shader without code.
fn nothing() -> Reflection {
    Reflection {
        stage: pvgpu_dxbc::ShaderStage::Geometry,
        version: (5, 0),
        bindings: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        patch_constants: Vec::new(),
        geometry: None,
        tessellation: None,
        stream_output: None,
        thread_group_size: [0; 3],
        early_depth_stencil: false,
        writes_depth: false,
        writes_coverage: false,
        discards: false,
        per_sample: false,
        uses_sample_count: false,
        compared: 0,
        sampled: Vec::new(),
        spare_samplers: Vec::new(),
        interfaces: Vec::new(),
    }
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
        tessellation_shader: shader.tessellation,
        transform_feedback: caps.feedback.present,
        geometry_streams: caps.feedback.present && shader.geometry_streams,
        shader_tessellation_and_geometry_point_size: false,
        shader_resource_min_lod: shader.min_lod,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn types(list: &[(u32, u32)]) -> ComponentTypes {
        let mut types = ComponentTypes::default();
        for (register, component_type) in list {
            types.set(*register, *component_type);
        }
        types
    }

    #[test]
    fn only_registers_that_differ_get_another_type() {
        let given = types(&[(0, 3), (1, 1), (2, 2), (31, 1), (32, 1), (3, 4)]);
        let declared = types(&[(0, 3), (1, 2), (31, 3), (4, 1)]);
        assert_eq!(given.unlike(declared), types(&[(1, 1), (31, 1)]));
        assert_eq!(given.unlike(given), ComponentTypes::default());
        assert_eq!((given.get(31), given.get(4), given.get(40)), (Some(1), None, None));
    }

    #[test]
    fn a_signature_gets_the_types_and_what_it_lacks() {
        let element = |register, component_type| command::SignatureElement {
            register,
            component_type,
            mask: 0xf,
            ..Default::default()
        };
        let mut elements = signature(&[element(0, 3), element(1, 3), element(1, 3)]);
        types(&[(1, 1), (5, 2)]).apply(&mut elements);
        let found: Vec<_> = elements.iter().map(|e| (e.register, e.component_type)).collect();
        assert_eq!(found, [(0, 3), (1, 1), (1, 1), (5, 2)]);
    }
}
