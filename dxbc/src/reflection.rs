//! What a pipeline needs to know of a shader: bindings, interface registers and fixed-function facts.

pub mod sampling;
pub mod stages;

use stages::{GeometryReflection, StreamOutputReflection, TessellationReflection};

use crate::layout::{BindingClass, BindingLayout, DescriptorSlot};
use crate::token::declaration::{
    Declaration, Interpolation, RegisterDeclaration, ResourceDimension, ReturnType, SystemValue, ViewKind,
};
use crate::token::opcode::Opcode;
use crate::token::operand::RegisterFile;
use crate::token::program::{PhaseKind, Program, ShaderStage};
use crate::{Error, SignatureElement, Signatures, limits};

/// Specialisation constant that holds the sample count of the render targets; 1 by default. Only programs that ask
/// for `SampleInfo` or `SamplePos` of the rasterizer declare it.
pub const SAMPLE_COUNT_SPEC_ID: u32 = 0;

/// The Vulkan descriptor type of a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the VkDescriptorType of that name")]
pub enum DescriptorType {
    UniformBuffer,
    UniformTexelBuffer,
    StorageBuffer,
    StorageTexelBuffer,
    SampledImage,
    StorageImage,
    Sampler,
}

/// The format that a storage image or storage texel buffer must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the VkFormat of that name")]
pub enum StorageFormat {
    R32Sfloat,
    R32Uint,
    R32Sint,
}

/// What a binding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingKind {
    /// A constant buffer.
    ConstantBuffer {
        /// Bytes that the shader declares; 65,536 where it does not say or computes indices. Fewer may be bound.
        bytes: u32,
    },
    /// A sampler.
    Sampler {
        /// Whether it must be a comparison sampler.
        comparison: bool,
    },
    /// A typed shader resource view.
    Typed {
        /// Its shape.
        dimension: ResourceDimension,
        /// What reads give.
        return_type: ReturnType,
    },
    /// A typed unordered access view.
    StorageTyped {
        /// Its shape.
        dimension: ResourceDimension,
        /// What reads give and writes take.
        return_type: ReturnType,
        /// The only format it may have; `None`: any of the return type. It may be unsigned where the return type is float:
        /// the shader then makes floats of the bits.
        format: Option<StorageFormat>,
    },
    /// A raw (byte address) buffer view: dwords.
    Raw,
    /// A structured buffer view.
    Structured {
        /// Bytes of one structure.
        stride: u32,
    },
    /// The counter of an unordered access view with the same slot: one dword.
    Counter,
}

impl BindingKind {
    /// The descriptor type it needs.
    pub fn descriptor_type(&self) -> DescriptorType {
        match self {
            Self::ConstantBuffer { .. } => DescriptorType::UniformBuffer,
            Self::Sampler { .. } => DescriptorType::Sampler,
            Self::Typed { dimension: ResourceDimension::Buffer, .. } => DescriptorType::UniformTexelBuffer,
            Self::Typed { .. } => DescriptorType::SampledImage,
            Self::StorageTyped { dimension: ResourceDimension::Buffer, .. } => {
                DescriptorType::StorageTexelBuffer
            }
            Self::StorageTyped { .. } => DescriptorType::StorageImage,
            Self::Raw | Self::Structured { .. } | Self::Counter => DescriptorType::StorageBuffer,
        }
    }
}

/// One binding that the shader declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// The D3D11 class.
    pub class: BindingClass,
    /// The D3D11 slot.
    pub slot: u32,
    /// Descriptors: always 1 up to shader model 5.0.
    pub count: u32,
    /// Its place in Vulkan.
    pub descriptor: DescriptorSlot,
    /// What it is.
    pub kind: BindingKind,
}

/// One declared input or output register, or a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfaceRegister {
    /// The register number; `u32::MAX` for depth and coverage.
    pub register: u32,
    /// The components, x in bit 0.
    pub mask: u8,
    /// The system value, a `D3D10_SB_NAME` number; 0 for none.
    pub system_value: u32,
    /// A `D3D10_SB_REGISTER_COMPONENT_TYPE` number: the type of the Vulkan vertex attribute or colour output, where
    /// the register is one. 3 (float) if the signature does not tell.
    pub component_type: u32,
    /// The SPIR-V location; `None` where it is a built-in only.
    pub location: Option<u32>,
    /// The geometry shader stream of an output; 0 elsewhere.
    pub stream: u32,
}

/// The textures that a program reads with one sampler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampledWith {
    /// The sampler's slot.
    pub sampler: u32,
    /// The shader resources: bit n is slot n.
    pub resources: u128,
}

/// A descriptor of its own for a sampler with which textures are read that cannot be filtered, beside others that can: see
/// [`CompileOptions::split_samplers`](crate::CompileOptions::split_samplers).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpareSampler {
    /// The sampler and the textures that are read with this descriptor.
    pub of: SampledWith,
    /// Its place in Vulkan.
    pub descriptor: DescriptorSlot,
}

/// A declared interface: a place for a class instance, or an array of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassInterface {
    /// The first fp# number.
    pub first: u32,
    /// Elements of the array; 1 where it is none.
    pub count: u32,
    /// The function tables, ft#, of the classes that it takes.
    pub function_tables: Vec<u32>,
}

/// What a pipeline needs to know of a shader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reflection {
    /// The stage.
    pub stage: ShaderStage,
    /// Shader model: major and minor.
    pub version: (u32, u32),
    /// The declared bindings: in order of class, then slot.
    pub bindings: Vec<Binding>,
    /// The declared inputs, in order of declaration: of each vertex or control point where there are several.
    pub inputs: Vec<InterfaceRegister>,
    /// The declared outputs, in order of declaration: of each control point in a hull shader, of all streams in a
    /// geometry shader.
    pub outputs: Vec<InterfaceRegister>,
    /// The patch constants that a hull shader declares as outputs and a domain shader as inputs.
    pub patch_constants: Vec<InterfaceRegister>,
    /// Geometry shaders: what they take and make.
    pub geometry: Option<GeometryReflection>,
    /// Hull and domain shaders: what they say of the tessellator.
    pub tessellation: Option<TessellationReflection>,
    /// The stream output that [`crate::CompileOptions`] asked for; not known to [`crate::reflect`].
    pub stream_output: Option<StreamOutputReflection>,
    /// Threads of a group; zero outside compute shaders.
    pub thread_group_size: [u32; 3],
    /// Depth and stencil tests are forced before the pixel shader.
    pub early_depth_stencil: bool,
    /// The pixel shader writes depth.
    pub writes_depth: bool,
    /// The pixel shader writes the sample mask.
    pub writes_coverage: bool,
    /// The pixel shader may discard.
    pub discards: bool,
    /// The pixel shader runs once for each sample.
    pub per_sample: bool,
    /// The module declares [`SAMPLE_COUNT_SPEC_ID`].
    pub uses_sample_count: bool,
    /// The shader resources whose texels are compared with a reference: bit n is slot n.
    pub compared: u128,
    /// What is read with each sampler that is used, in order of slot.
    pub sampled: Vec<SampledWith>,
    /// The descriptors that [`CompileOptions::split_samplers`](crate::CompileOptions::split_samplers) adds to the bindings.
    pub spare_samplers: Vec<SpareSampler>,
    /// The declared interfaces, for [`crate::CompileOptions::class_instances`].
    pub interfaces: Vec<ClassInterface>,
}

impl Reflection {
    /// The registers that have a location in the output interface, of whichever stream: bit n is register n.
    pub fn output_mask(&self) -> u32 {
        located_mask(self.outputs.iter())
    }

    /// The registers of one stream that have a location in the output interface: bit n is register n. Only those of the
    /// rasterized stream reach a pixel shader.
    pub fn output_mask_of(&self, stream: u32) -> u32 {
        located_mask(self.outputs.iter().filter(|output| output.stream == stream))
    }

    /// The system values, as bits of their `D3D10_SB_NAME` numbers, that the stage after gets, whichever stream they are of.
    pub fn output_system_values(&self) -> u32 {
        self.values_of(self.outputs.iter())
    }

    /// The system values that the stage after gets of one stream.
    pub fn output_system_values_of(&self, stream: u32) -> u32 {
        self.values_of(self.outputs.iter().filter(|output| output.stream == stream))
    }

    fn values_of<'r>(&self, outputs: impl Iterator<Item = &'r InterfaceRegister>) -> u32 {
        // Where no geometry shader does, the rasterizer counts primitives.
        let counted = self.stage != ShaderStage::Geometry;
        let counted = u32::from(counted) << SystemValue::PrimitiveId.number();
        outputs.fold(counted, |mask, output| mask | 1u32.checked_shl(output.system_value).unwrap_or(0))
    }

    /// The patch constant registers that have a location: bit n is register n.
    pub fn patch_constant_mask(&self) -> u32 {
        located_mask(self.patch_constants.iter())
    }

    /// Where the push constants say how many dwords behind the beginning of its descriptor a raw or structured view begins: a
    /// byte, of [`PUSH_CONSTANT_BYTES`] that a pipeline has. Only with [`BindingLayout::view_starts`], and not for more views
    /// than a stage has bytes.
    pub fn view_start(&self, class: BindingClass, slot: u32) -> Option<u32> {
        let of_views = [BindingClass::ShaderResource, BindingClass::UnorderedAccess];
        let has_start = |binding: &&Binding| {
            of_views.contains(&binding.class)
                && matches!(binding.kind, BindingKind::Raw | BindingKind::Structured { .. })
        };
        let mut views = self.bindings.iter().filter(has_start);
        let place = views.position(|binding| binding.class == class && binding.slot == slot)?;
        let (first, count) = view_start_range(self.stage);
        u32::try_from(place).ok().filter(|place| *place < count).map(|place| first + place)
    }

    /// The binding of a class and slot.
    pub fn binding(&self, class: BindingClass, slot: u32) -> Option<&Binding> {
        self.bindings.iter().find(|binding| binding.class == class && binding.slot == slot)
    }
}

/// Bytes of push constants that a pipeline has: what Vulkan guarantees. Only with [`BindingLayout::view_starts`], or where
/// the pixel shader blends.
pub const PUSH_CONSTANT_BYTES: u32 = 128;
/// Where they hold the blend factor, four floats, for a pixel shader that blends
/// ([`ShaderBlending`](crate::ShaderBlending)).
pub const BLEND_FACTOR_START: u32 = PUSH_CONSTANT_BYTES - 16;
/// Bytes of each stage before the pixel shader, which has what is left.
const STAGE_VIEW_START_BYTES: u32 = 20;

/// The first byte of a stage's view starts, and how many it has.
pub(crate) fn view_start_range(stage: ShaderStage) -> (u32, u32) {
    match stage {
        ShaderStage::Compute => (0, PUSH_CONSTANT_BYTES),
        ShaderStage::Pixel => {
            let first = ShaderStage::Pixel as u32 * STAGE_VIEW_START_BYTES;
            (first, BLEND_FACTOR_START - first)
        }
        stage => (stage as u32 * STAGE_VIEW_START_BYTES, STAGE_VIEW_START_BYTES),
    }
}

fn located_mask<'r>(registers: impl Iterator<Item = &'r InterfaceRegister>) -> u32 {
    let located = registers.filter(|register| register.location.is_some());
    located.fold(0, |mask, register| mask | 1u32.checked_shl(register.register).unwrap_or(0))
}

/// The location of patch constant register `number`. Patch constants fill the locations from the top, so that they
/// and the control points' registers, which fill them from the bottom, stay apart without one side knowing the other.
/// The top is what Vulkan guarantees for patches, 120 components: NVIDIA's driver (580, November 2026) draws garbage or
/// hangs with a higher location. The last two registers have no place below it.
pub fn patch_constant_location(number: u32) -> u32 {
    (limits::PATCH_LOCATIONS - 1).checked_sub(number).unwrap_or(number)
}

/// Refuses control points and patch constants whose locations meet: D3D11 has 32 registers for each of them, Vulkan one
/// set of locations for both.
pub fn check_patch_locations(reflection: &Reflection) -> Result<(), Error> {
    let control_points = match reflection.stage {
        ShaderStage::Hull => &reflection.outputs,
        ShaderStage::Domain => &reflection.inputs,
        _ => return Ok(()),
    };
    let locations = |registers: &[InterfaceRegister]| {
        let bit = |location: u32| 1u64.checked_shl(location).unwrap_or(0);
        registers.iter().filter_map(|one| one.location).fold(0, |mask, location| mask | bit(location))
    };
    if locations(control_points) & locations(&reflection.patch_constants) != 0 {
        let what = "patch constants whose locations meet those of control points";
        return Err(Error::Unsupported { what });
    }
    Ok(())
}

/// Collects the facts from a program's declarations and, for accesses of views, its instructions.
pub fn of(program: &Program, signatures: &Signatures, layout: &BindingLayout) -> Result<Reflection, Error> {
    // They are searched for every declared register.
    for elements in [&signatures.input, &signatures.output, &signatures.patch_constant] {
        if elements.len() > limits::SIGNATURE_ELEMENTS as usize {
            let limit = limits::SIGNATURE_ELEMENTS.into();
            return Err(Error::Limit { what: "signature elements", value: elements.len() as u64, limit });
        }
    }
    let mut reflection = Reflection {
        stage: program.stage,
        version: (program.major, program.minor),
        bindings: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        patch_constants: Vec::new(),
        geometry: stages::geometry(program)?,
        tessellation: stages::tessellation(program)?,
        stream_output: None,
        thread_group_size: [0; 3],
        early_depth_stencil: false,
        writes_depth: false,
        writes_coverage: false,
        discards: false,
        per_sample: false,
        uses_sample_count: false,
        compared: 0,
        sampled: sampling::sampled(program),
        spare_samplers: Vec::new(),
        interfaces: Vec::new(),
    };
    let uses = ViewUses::of(program);
    reflection.compared = sampling::compared(program);
    let mut add = |class, slot, kind| {
        let descriptor = layout.descriptor(program.stage, class, slot);
        reflection.bindings.push(Binding { class, slot, count: 1, descriptor, kind });
    };
    for declaration in &program.declarations {
        match declaration {
            Declaration::ConstantBuffer { slot, elements, dynamic } => {
                let elements =
                    if *dynamic || *elements == 0 { limits::CONSTANT_BUFFER_ELEMENTS } else { *elements };
                add(
                    BindingClass::ConstantBuffer,
                    *slot,
                    BindingKind::ConstantBuffer { bytes: elements * 16 },
                );
            }
            Declaration::Sampler { slot, comparison } => {
                add(BindingClass::Sampler, *slot, BindingKind::Sampler { comparison: *comparison });
            }
            Declaration::Resource { slot, kind } => {
                let kind = match *kind {
                    ViewKind::Typed { dimension, return_type } => {
                        BindingKind::Typed { dimension, return_type }
                    }
                    ViewKind::Raw => BindingKind::Raw,
                    ViewKind::Structured { stride } => BindingKind::Structured { stride },
                };
                add(BindingClass::ShaderResource, *slot, kind);
            }
            Declaration::UnorderedAccessView { slot, kind, .. } => {
                let kind = match *kind {
                    ViewKind::Typed { dimension, return_type } => {
                        let format = if uses.atomic(*slot) { atomic_format(return_type) } else { None };
                        BindingKind::StorageTyped { dimension, return_type, format }
                    }
                    ViewKind::Raw => BindingKind::Raw,
                    ViewKind::Structured { stride } => BindingKind::Structured { stride },
                };
                add(BindingClass::UnorderedAccess, *slot, kind);
                if uses.counter(*slot) {
                    add(BindingClass::UnorderedAccessCounter, *slot, BindingKind::Counter);
                }
            }
            _ => {}
        }
    }
    reflection.bindings.sort_by_key(|binding| (binding.class, binding.slot));
    let twice = reflection.bindings.windows(2).any(|pair| match pair {
        [a, b] => (a.class, a.slot) == (b.class, b.slot),
        _ => false,
    });
    if twice {
        return Err(Error::Invalid { opcode: "dcl", offset: 0, rule: "a slot is declared twice" });
    }
    reflection.spare_samplers = sampling::spare_samplers(&reflection, layout);
    let mut stream = 0;
    for declaration in &program.declarations {
        match declaration {
            Declaration::Stream(number) => stream = *number,
            Declaration::Input(register) => {
                let sample_interpolation = matches!(
                    register.interpolation,
                    Interpolation::LinearSample | Interpolation::LinearNoPerspectiveSample
                );
                if register.system_value == SystemValue::SampleIndex || sample_interpolation {
                    reflection.per_sample = true;
                }
                reflection.add(signatures, register, None, 0);
            }
            Declaration::Output(register) => {
                match register.operand.file {
                    RegisterFile::OutputDepth
                    | RegisterFile::OutputDepthGreaterEqual
                    | RegisterFile::OutputDepthLessEqual => reflection.writes_depth = true,
                    RegisterFile::OutputCoverageMask => reflection.writes_coverage = true,
                    _ => {}
                }
                reflection.add(signatures, register, Some(Written::Output), stream);
            }
            Declaration::Interface { first, count, tables, .. } => reflection
                .interfaces
                .push(ClassInterface { first: *first, count: *count, function_tables: tables.clone() }),
            Declaration::ThreadGroup(size) => reflection.thread_group_size = *size,
            Declaration::GlobalFlags(flags) => {
                reflection.early_depth_stencil |= flags.force_early_depth_stencil
            }
            _ => {}
        }
    }
    for phase in &program.phases {
        for declaration in &phase.declarations {
            match declaration {
                Declaration::Input(register) => reflection.add(signatures, register, None, 0),
                Declaration::Output(register) if phase.kind == PhaseKind::ControlPoint => {
                    reflection.add(signatures, register, Some(Written::Output), 0);
                }
                Declaration::Output(register) => {
                    reflection.add(signatures, register, Some(Written::PatchConstant), 0);
                }
                _ => {}
            }
        }
    }
    if program.stage == ShaderStage::Hull
        && !program.phases.iter().any(|phase| phase.kind == PhaseKind::ControlPoint)
    {
        reflection.pass_control_points(signatures);
    }
    reflection.discards =
        program.instructions.iter().any(|instruction| instruction.opcode == Opcode::Discard);
    reflection.uses_sample_count =
        program.all_operands().any(|operand| operand.file == RegisterFile::Rasterizer);
    Ok(reflection)
}

/// The one-component 32-bit format of a return type.
pub fn r32_format(return_type: ReturnType) -> Option<StorageFormat> {
    match return_type {
        ReturnType::Float => Some(StorageFormat::R32Sfloat),
        ReturnType::Uint => Some(StorageFormat::R32Uint),
        ReturnType::Sint => Some(StorageFormat::R32Sint),
        _ => None,
    }
}

/// The format of a view that is the target of atomics. Floats are exchanged as their bits, since Vulkan devices need not
/// have atomics on floats.
pub fn atomic_format(return_type: ReturnType) -> Option<StorageFormat> {
    match return_type {
        ReturnType::Float => Some(StorageFormat::R32Uint),
        other => r32_format(other),
    }
}

/// The component type of a register in a signature: that of its first element there, or float.
pub fn component_type(elements: &[SignatureElement], register: u32) -> u32 {
    let element = elements.iter().find(|element| element.register == register);
    element.map(|element| element.component_type).filter(|ty| matches!(ty, 1..=3)).unwrap_or(3)
}

/// What a declared output is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Output,
    PatchConstant,
}

impl Reflection {
    /// Files a declared input or output.
    fn add(
        &mut self,
        signatures: &Signatures,
        declared: &RegisterDeclaration,
        written: Option<Written>,
        stream: u32,
    ) {
        let file = declared.operand.file;
        let register = match file {
            // What a hull shader reads back is no interface.
            RegisterFile::OutputControlPoint => return,
            RegisterFile::InputPatchConstant if self.stage == ShaderStage::Hull => return,
            RegisterFile::Input
            | RegisterFile::Output
            | RegisterFile::InputControlPoint
            | RegisterFile::InputPatchConstant => match declared.operand.indices().last() {
                Some(index) => index.base,
                None => return,
            },
            RegisterFile::OutputDepth
            | RegisterFile::OutputDepthGreaterEqual
            | RegisterFile::OutputDepthLessEqual
            | RegisterFile::OutputCoverageMask => u32::MAX,
            _ => return,
        };
        let patch = file == RegisterFile::InputPatchConstant || written == Some(Written::PatchConstant);
        let (elements, list) = match (patch, written) {
            (true, _) => (&signatures.patch_constant, &mut self.patch_constants),
            (false, Some(_)) => (&signatures.output, &mut self.outputs),
            (false, None) => (&signatures.input, &mut self.inputs),
        };
        let value = match declared.system_value {
            SystemValue::Undefined if unnamed(self.stage, patch) && written.is_none() => {
                signature_system_value(elements, register, declared.operand.mask())
            }
            value => value,
        };
        let entry = InterfaceRegister {
            register,
            mask: declared.operand.mask(),
            system_value: value.number(),
            component_type: component_type(elements, register),
            location: location(self.stage, register, value, patch, written.is_some()),
            stream,
        };
        // The phases of a hull shader may declare the same part.
        if self.stage != ShaderStage::Hull || !list.contains(&entry) {
            list.push(entry);
        }
    }

    /// The outputs of a hull shader without a control point phase: its inputs.
    fn pass_control_points(&mut self, signatures: &Signatures) {
        self.outputs = signatures
            .output
            .iter()
            .filter(|element| element.register < limits::IO_REGISTERS)
            .map(|element| InterfaceRegister {
                register: element.register,
                mask: element.mask,
                system_value: element.system_value,
                component_type: component_type(&signatures.output, element.register),
                location: Some(element.register),
                stream: 0,
            })
            .collect();
    }
}

/// Whether the stage's input declarations leave out system values, which the signature then has to tell.
fn unnamed(stage: ShaderStage, patch: bool) -> bool {
    stage == ShaderStage::Hull || stage == ShaderStage::Domain && patch
}

/// The system value that a signature gives to components of a register.
pub fn signature_system_value(elements: &[SignatureElement], register: u32, mask: u8) -> SystemValue {
    let element = elements.iter().find(|element| element.register == register && element.mask & mask != 0);
    let number = element.map_or(0, |element| element.system_value);
    SystemValue::from_number(number).unwrap_or(SystemValue::Undefined)
}

/// The location of a register, if it is not a built-in only.
pub fn location(
    stage: ShaderStage,
    register: u32,
    value: SystemValue,
    patch: bool,
    output: bool,
) -> Option<u32> {
    if register == u32::MAX {
        return None;
    }
    if patch {
        let located = !matches!(value, SystemValue::TessFactor(_));
        return located.then(|| patch_constant_location(register));
    }
    let located = match (stage, output) {
        // Between hull and domain shader all is located.
        (ShaderStage::Hull, true) | (ShaderStage::Domain, false) => true,
        (ShaderStage::Hull | ShaderStage::Geometry, false) => value != SystemValue::Position,
        // A vertex shader's inputs are vertex attributes, whatever they are called, except its ids.
        (ShaderStage::Vertex, false) => !matches!(
            value,
            SystemValue::VertexId
                | SystemValue::InstanceId
                | SystemValue::IsFrontFace
                | SystemValue::SampleIndex
        ),
        // A hull or geometry shader may follow, which takes these as they are.
        (ShaderStage::Vertex | ShaderStage::Domain, true) => {
            !matches!(value, SystemValue::Position | SystemValue::IsFrontFace | SystemValue::SampleIndex)
        }
        (ShaderStage::Geometry, true) | (ShaderStage::Compute, _) => matches!(
            value,
            SystemValue::Undefined
                | SystemValue::ClipDistance
                | SystemValue::CullDistance
                | SystemValue::VertexId
                | SystemValue::InstanceId
        ),
        (ShaderStage::Pixel, output) => match value {
            SystemValue::Undefined | SystemValue::ClipDistance | SystemValue::CullDistance => true,
            SystemValue::VertexId | SystemValue::InstanceId => output,
            _ => false,
        },
    };
    located.then_some(register)
}

/// How a program's instructions use its unordered access views: one bit for each slot.
#[derive(Debug, Clone, Copy, Default)]
pub struct ViewUses {
    loads: u64,
    stores: u64,
    atomics: u64,
    counters: u64,
}

impl ViewUses {
    /// Looks through all instructions.
    pub fn of(program: &Program) -> Self {
        let mut uses = Self::default();
        for instruction in &program.instructions {
            let opcode = instruction.opcode;
            let set = match opcode.without_feedback().unwrap_or(opcode) {
                Opcode::LdUavTyped | Opcode::LdRaw | Opcode::LdStructured => &mut uses.loads,
                Opcode::StoreUavTyped | Opcode::StoreRaw | Opcode::StoreStructured => &mut uses.stores,
                Opcode::ImmAtomicAlloc | Opcode::ImmAtomicConsume => &mut uses.counters,
                opcode if opcode.is_atomic() => &mut uses.atomics,
                _ => continue,
            };
            for operand in program.operands(instruction) {
                if operand.file == RegisterFile::UnorderedAccessView {
                    *set |= operand.register().and_then(|slot| 1u64.checked_shl(slot)).unwrap_or(0);
                }
            }
        }
        uses
    }

    /// Whether the view is read other than by atomics.
    pub fn load(&self, slot: u32) -> bool {
        bit(self.loads, slot)
    }

    /// Whether the view is written other than by atomics.
    pub fn store(&self, slot: u32) -> bool {
        bit(self.stores, slot)
    }

    /// Whether the view is the target of atomics.
    pub fn atomic(&self, slot: u32) -> bool {
        bit(self.atomics, slot)
    }

    /// Whether the view's counter is used.
    pub fn counter(&self, slot: u32) -> bool {
        bit(self.counters, slot)
    }
}

fn bit(bits: u64, n: u32) -> bool {
    bits.checked_shr(n).unwrap_or(0) & 1 != 0
}
