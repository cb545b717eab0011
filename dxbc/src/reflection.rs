//! What a pipeline needs to know of a shader: bindings, interface registers and fixed-function facts.

use crate::layout::{BindingClass, BindingLayout, DescriptorSlot};
use crate::token::declaration::{
    Declaration, RegisterDeclaration, ResourceDimension, ReturnType, SystemValue, ViewKind,
};
use crate::token::opcode::Opcode;
use crate::token::operand::RegisterFile;
use crate::token::program::{Program, ShaderStage};
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
        /// The only format it may have; `None`: any of the return type.
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
    /// The declared inputs, in order of declaration.
    pub inputs: Vec<InterfaceRegister>,
    /// The declared outputs, in order of declaration.
    pub outputs: Vec<InterfaceRegister>,
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
}

impl Reflection {
    /// The registers that have a location in the output interface: bit n is register n.
    pub fn output_mask(&self) -> u32 {
        self.outputs
            .iter()
            .filter_map(|output| output.location)
            .fold(0, |mask, n| mask | 1u32.checked_shl(n).unwrap_or(0))
    }

    /// The binding of a class and slot.
    pub fn binding(&self, class: BindingClass, slot: u32) -> Option<&Binding> {
        self.bindings.iter().find(|binding| binding.class == class && binding.slot == slot)
    }
}

/// Collects the facts from a program's declarations and, for accesses of views, its instructions.
pub fn of(program: &Program, signatures: &Signatures, layout: &BindingLayout) -> Result<Reflection, Error> {
    let mut reflection = Reflection {
        stage: program.stage,
        version: (program.major, program.minor),
        bindings: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        thread_group_size: [0; 3],
        early_depth_stencil: false,
        writes_depth: false,
        writes_coverage: false,
        discards: false,
        per_sample: false,
        uses_sample_count: false,
    };
    let uses = ViewUses::of(program);
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
                        let format = if uses.atomic(*slot) { r32_format(return_type) } else { None };
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
    for declaration in &program.declarations {
        match declaration {
            Declaration::Input(register) => {
                if register.system_value == SystemValue::SampleIndex {
                    reflection.per_sample = true;
                }
                reflection.inputs.extend(interface_register(
                    register,
                    program.stage,
                    true,
                    &signatures.input,
                ));
            }
            Declaration::Output(register) => {
                match register.operand.file {
                    RegisterFile::OutputDepth
                    | RegisterFile::OutputDepthGreaterEqual
                    | RegisterFile::OutputDepthLessEqual => reflection.writes_depth = true,
                    RegisterFile::OutputCoverageMask => reflection.writes_coverage = true,
                    _ => {}
                }
                reflection.outputs.extend(interface_register(
                    register,
                    program.stage,
                    false,
                    &signatures.output,
                ));
            }
            Declaration::ThreadGroup(size) => reflection.thread_group_size = *size,
            Declaration::GlobalFlags(flags) => {
                reflection.early_depth_stencil |= flags.force_early_depth_stencil
            }
            _ => {}
        }
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

/// The component type of a register in a signature: that of its first element there, or float.
pub fn component_type(elements: &[SignatureElement], register: u32) -> u32 {
    let element = elements.iter().find(|element| element.register == register);
    element.map(|element| element.component_type).filter(|ty| matches!(ty, 1..=3)).unwrap_or(3)
}

fn interface_register(
    declared: &RegisterDeclaration,
    stage: ShaderStage,
    input: bool,
    elements: &[SignatureElement],
) -> Option<InterfaceRegister> {
    let register = match declared.operand.file {
        RegisterFile::Input
        | RegisterFile::Output
        | RegisterFile::InputControlPoint
        | RegisterFile::OutputControlPoint
        | RegisterFile::InputPatchConstant => declared.operand.indices().last()?.base,
        RegisterFile::OutputDepth
        | RegisterFile::OutputDepthGreaterEqual
        | RegisterFile::OutputDepthLessEqual
        | RegisterFile::OutputCoverageMask => u32::MAX,
        _ => return None,
    };
    let located = register != u32::MAX
        && match declared.system_value {
            SystemValue::Undefined | SystemValue::ClipDistance | SystemValue::CullDistance => true,
            // A vertex shader's inputs are vertex attributes, whatever they are called, except its ids.
            SystemValue::VertexId | SystemValue::InstanceId => !input,
            SystemValue::IsFrontFace | SystemValue::SampleIndex => false,
            _ => stage == ShaderStage::Vertex && input,
        };
    Some(InterfaceRegister {
        register,
        mask: declared.operand.mask(),
        system_value: declared.system_value.number(),
        component_type: component_type(elements, register),
        location: located.then_some(register),
    })
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
            let set = match instruction.opcode {
                Opcode::LdUavTyped | Opcode::LdRaw | Opcode::LdStructured => &mut uses.loads,
                Opcode::StoreUavTyped | Opcode::StoreRaw | Opcode::StoreStructured => &mut uses.stores,
                Opcode::ImmAtomicAlloc | Opcode::ImmAtomicConsume => &mut uses.counters,
                opcode if is_atomic(opcode) => &mut uses.atomics,
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

fn is_atomic(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::AtomicAnd
            | Opcode::AtomicOr
            | Opcode::AtomicXor
            | Opcode::AtomicCmpStore
            | Opcode::AtomicIadd
            | Opcode::AtomicImax
            | Opcode::AtomicImin
            | Opcode::AtomicUmax
            | Opcode::AtomicUmin
            | Opcode::ImmAtomicIadd
            | Opcode::ImmAtomicAnd
            | Opcode::ImmAtomicOr
            | Opcode::ImmAtomicXor
            | Opcode::ImmAtomicExch
            | Opcode::ImmAtomicCmpExch
            | Opcode::ImmAtomicImax
            | Opcode::ImmAtomicImin
            | Opcode::ImmAtomicUmax
            | Opcode::ImmAtomicUmin
    )
}
