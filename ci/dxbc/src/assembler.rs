//! An assembler of the tokenised program format: operands, instructions and declarations to dwords.
//!
//! Tests write programs with it that the HLSL compiler does not make, and the generator of random programs builds on
//! it. It checks nothing: wrong programs can be written too. The layouts are those of d3d11TokenizedProgramFormat.hpp.
//!
//! ```
//! use pvgpu_dxbc_tests::assembler::{Assembly, Instruction, immediate, temp, uav};
//! use pvgpu_dxbc::{ShaderStage, token::opcode::Opcode};
//!
//! let mut assembly = Assembly::new(ShaderStage::Compute);
//! assembly.thread_group([1, 1, 1]).uav_raw(0).temps(1);
//! assembly.op(Opcode::Add, [temp(0).mask("x"), immediate([1.0f32.to_bits(); 4]), temp(0).negate().swizzle("xxxx")]);
//! assembly.op(Opcode::StoreRaw, [uav(0).mask("x"), immediate([0; 4]), temp(0)]);
//! assembly.push(Instruction::new(Opcode::Ret));
//! assert!(pvgpu_dxbc::dump(&assembly.tokens()).is_ok());
//! ```

use pvgpu_dxbc::token::declaration::{Interpolation, SystemValue};
use pvgpu_dxbc::token::opcode::Opcode;
use pvgpu_dxbc::token::operand::{Components, Modifier, RegisterFile};
use pvgpu_dxbc::{ResourceDimension, ReturnType, ShaderStage};

/// One index of an operand: `base`, or `base` plus the first component of `relative`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The immediate part.
    pub base: u32,
    /// The computed part.
    pub relative: Option<Box<Operand>>,
}

impl From<u32> for Index {
    fn from(base: u32) -> Self {
        Self { base, relative: None }
    }
}

/// `base` plus the one component that `relative` selects.
pub fn relative(base: u32, relative: Operand) -> Index {
    Index { base, relative: Some(Box::new(relative)) }
}

/// An operand to be encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operand {
    /// The register file.
    pub file: RegisterFile,
    /// The components. A swizzle of four equal components is written as such; see `single` for the other form.
    pub components: Components,
    /// Write a swizzle as the selection of its first component.
    pub single: bool,
    /// The source modifier.
    pub modifier: Modifier,
    /// The indices, outermost first.
    pub indices: Vec<Index>,
    /// The dwords of an immediate.
    pub immediate: Vec<u32>,
}

/// The components named by letters of `xyzw`.
fn letters(names: &str) -> impl Iterator<Item = u8> {
    names.chars().map(|name| "xyzw".find(name).expect("a component is x, y, z or w") as u8)
}

impl Operand {
    /// A register of `file`, all four components of it.
    pub fn new(file: RegisterFile, indices: impl IntoIterator<Item = Index>) -> Self {
        Self {
            file,
            components: Components::Swizzle([0, 1, 2, 3]),
            single: false,
            modifier: Modifier::default(),
            indices: indices.into_iter().collect(),
            immediate: Vec::new(),
        }
    }

    /// As a destination that writes the components of these letters; none of them for an empty mask.
    pub fn mask(self, names: &str) -> Self {
        let mask = letters(names).fold(0, |mask, component| mask | 1 << component);
        self.mask_bits(mask)
    }

    /// As a destination that writes the components of these bits, x in bit 0.
    pub fn mask_bits(mut self, mask: u8) -> Self {
        self.components = Components::Mask(mask);
        self
    }

    /// As a source whose four components are those of these four letters.
    pub fn swizzle(self, names: &str) -> Self {
        let components: Vec<u8> = letters(names).collect();
        self.swizzled(components.try_into().expect("a swizzle has four components"))
    }

    /// As a source whose four components are these.
    pub fn swizzled(mut self, components: [u8; 4]) -> Self {
        self.components = Components::Swizzle(components);
        self
    }

    /// As a source of one component, in the selection mode of that name.
    pub fn select(mut self, component: u8) -> Self {
        self.components = Components::Swizzle([component; 4]);
        self.single = true;
        self
    }

    /// As an operand without components, or with one: samplers and labels, scalar registers.
    pub fn with_components(mut self, components: Components) -> Self {
        self.components = components;
        self
    }

    /// Negated.
    pub fn negate(mut self) -> Self {
        self.modifier.negate = true;
        self
    }

    /// The absolute value (before a negation).
    pub fn absolute(mut self) -> Self {
        self.modifier.absolute = true;
        self
    }

    /// Appends the operand's dwords.
    pub fn encode(&self, tokens: &mut Vec<u32>) {
        let components = match self.components {
            Components::Zero => 0,
            Components::One => 1,
            Components::Mask(mask) => 2 | u32::from(mask) << 4,
            Components::Swizzle([first, ..]) if self.single => 2 | 2 << 2 | u32::from(first) << 4,
            Components::Swizzle(swizzle) => {
                let packed = swizzle.iter().rev().fold(0, |packed, one| packed << 2 | u32::from(*one));
                2 | 1 << 2 | packed << 4
            }
        };
        let mut token = components | (self.file as u32) << 12 | (self.indices.len() as u32) << 20;
        for (dimension, index) in self.indices.iter().enumerate() {
            // 0: an immediate; 2: a relative index; 3: both.
            let representation = match index {
                Index { relative: None, .. } => 0,
                Index { base: 0, .. } => 2,
                _ => 3,
            };
            token |= representation << (22 + 3 * dimension);
        }
        let modifier = u32::from(self.modifier.negate) | u32::from(self.modifier.absolute) << 1;
        if modifier == 0 {
            tokens.push(token);
        } else {
            tokens.extend([token | 1 << 31, 1 | modifier << 6]);
        }
        tokens.extend(&self.immediate);
        for index in &self.indices {
            if index.relative.is_none() || index.base != 0 {
                tokens.push(index.base);
            }
            if let Some(relative) = &index.relative {
                relative.encode(tokens);
            }
        }
    }
}

/// A register of `file` with one immediate index.
pub fn register(file: RegisterFile, number: u32) -> Operand {
    Operand::new(file, [number.into()])
}

/// r#.
pub fn temp(number: u32) -> Operand {
    register(RegisterFile::Temp, number)
}

/// v#.
pub fn input(number: u32) -> Operand {
    register(RegisterFile::Input, number)
}

/// o#.
pub fn output(number: u32) -> Operand {
    register(RegisterFile::Output, number)
}

/// t#.
pub fn resource(number: u32) -> Operand {
    register(RegisterFile::Resource, number)
}

/// u#.
pub fn uav(number: u32) -> Operand {
    register(RegisterFile::UnorderedAccessView, number)
}

/// g#.
pub fn shared(number: u32) -> Operand {
    register(RegisterFile::ThreadGroupSharedMemory, number)
}

/// s#.
pub fn sampler(number: u32) -> Operand {
    register(RegisterFile::Sampler, number).with_components(Components::Zero)
}

/// A label, for `label`, `call` and `callc`.
pub fn label(number: u32) -> Operand {
    register(RegisterFile::Label, number).with_components(Components::Zero)
}

/// x#\[element\].
pub fn indexable(number: u32, element: impl Into<Index>) -> Operand {
    Operand::new(RegisterFile::IndexableTemp, [number.into(), element.into()])
}

/// cb#\[element\].
pub fn constant(slot: u32, element: impl Into<Index>) -> Operand {
    Operand::new(RegisterFile::ConstantBuffer, [slot.into(), element.into()])
}

/// icb\[element\].
pub fn immediate_constant(element: impl Into<Index>) -> Operand {
    Operand::new(RegisterFile::ImmediateConstantBuffer, [element.into()])
}

/// A register without a number, such as `vThreadID`.
pub fn special(file: RegisterFile) -> Operand {
    Operand::new(file, [])
}

/// The destination that takes nothing.
pub fn null() -> Operand {
    special(RegisterFile::Null).with_components(Components::Zero)
}

/// An immediate of four 32-bit values.
pub fn immediate(values: [u32; 4]) -> Operand {
    Operand { immediate: values.to_vec(), ..special(RegisterFile::Immediate32) }
}

/// An immediate of one 32-bit value.
pub fn scalar(value: u32) -> Operand {
    let operand = special(RegisterFile::Immediate32).with_components(Components::One);
    Operand { immediate: vec![value], ..operand }
}

/// An immediate of two doubles.
pub fn doubles(values: [f64; 2]) -> Operand {
    let immediate = values.iter().flat_map(|value| halves(value.to_bits())).collect();
    Operand { immediate, ..special(RegisterFile::Immediate64) }
}

fn halves(value: u64) -> [u32; 2] {
    [value as u32, (value >> 32) as u32]
}

/// An instruction to be encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// The opcode.
    pub opcode: Opcode,
    /// Bits 23:11 of the opcode token, in their places.
    pub controls: u32,
    /// The immediate texel offsets of a sample or load.
    pub texel_offset: [i8; 3],
    /// The operands, destinations first.
    pub operands: Vec<Operand>,
}

impl Instruction {
    /// An instruction without operands or controls.
    pub fn new(opcode: Opcode) -> Self {
        Self { opcode, controls: 0, texel_offset: [0; 3], operands: Vec::new() }
    }

    /// With these operands.
    pub fn operands(mut self, operands: impl IntoIterator<Item = Operand>) -> Self {
        self.operands.extend(operands);
        self
    }

    /// The result is clamped to 0..1.
    pub fn saturate(mut self) -> Self {
        self.controls |= 1 << 13;
        self
    }

    /// A conditional instruction acts if its operand is not zero (else: if it is zero).
    pub fn nonzero(mut self) -> Self {
        self.controls |= 1 << 18;
        self
    }

    /// The components of the mask must be computed as written.
    pub fn precise(mut self, mask: u8) -> Self {
        self.controls |= u32::from(mask) << 19;
        self
    }

    /// The return type of `resinfo` (0 float, 1 reciprocal, 2 unsigned) and `sampleinfo` (0 float, 1 unsigned).
    pub fn returns(mut self, number: u32) -> Self {
        self.controls |= number << 11;
        self
    }

    /// `sync`: the flags of `D3D11_SB_SYNC_*` in their order: threads 1, shared memory 2, views of the group 4,
    /// views of the device 8.
    pub fn syncs(mut self, flags: u32) -> Self {
        self.controls |= flags << 11;
        self
    }

    /// With immediate texel offsets, -8 to 7.
    pub fn offset(mut self, offset: [i8; 3]) -> Self {
        self.texel_offset = offset;
        self
    }

    /// Appends the instruction's dwords.
    pub fn encode(&self, tokens: &mut Vec<u32>) {
        let start = tokens.len();
        tokens.push(self.opcode as u32 | self.controls);
        if self.texel_offset != [0; 3] {
            tokens[start] |= 1 << 31;
            let packed = self.texel_offset.iter().rev().fold(0, |packed, n| packed << 4 | (*n as u32 & 0xf));
            tokens.push(1 | packed << 9);
        }
        for operand in &self.operands {
            operand.encode(tokens);
        }
        tokens[start] |= ((tokens.len() - start) as u32) << 24;
    }
}

/// A program under construction. The methods that declare something can be chained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assembly {
    version: u32,
    /// The dwords of each declaration, in order.
    pub declarations: Vec<Vec<u32>>,
    /// The instructions, in order.
    pub instructions: Vec<Instruction>,
}

impl Assembly {
    /// An empty program of shader model 5.0.
    pub fn new(stage: ShaderStage) -> Self {
        let number = match stage {
            ShaderStage::Pixel => 0,
            ShaderStage::Vertex => 1,
            ShaderStage::Geometry => 2,
            ShaderStage::Hull => 3,
            ShaderStage::Domain => 4,
            ShaderStage::Compute => 5,
        };
        Self { version: number << 16 | 0x50, declarations: Vec::new(), instructions: Vec::new() }
    }

    /// With another shader model.
    pub fn model(mut self, major: u32, minor: u32) -> Self {
        self.version = self.version & !0xff | major << 4 | minor;
        self
    }

    /// The token stream.
    pub fn tokens(&self) -> Vec<u32> {
        let mut tokens = vec![self.version, 0];
        tokens.extend(self.declarations.iter().flatten());
        for instruction in &self.instructions {
            instruction.encode(&mut tokens);
        }
        tokens[1] = tokens.len() as u32;
        tokens
    }

    /// Appends an instruction.
    pub fn push(&mut self, instruction: Instruction) -> &mut Self {
        self.instructions.push(instruction);
        self
    }

    /// Appends an instruction without controls.
    pub fn op(&mut self, opcode: Opcode, operands: impl IntoIterator<Item = Operand>) -> &mut Self {
        self.push(Instruction::new(opcode).operands(operands))
    }

    /// Appends a declaration: its opcode, controls (in their places), operands and further dwords.
    pub fn declare(
        &mut self,
        opcode: Opcode,
        controls: u32,
        operands: impl IntoIterator<Item = Operand>,
        more: &[u32],
    ) -> &mut Self {
        let mut tokens = vec![opcode as u32 | controls];
        for operand in operands {
            operand.encode(&mut tokens);
        }
        tokens.extend(more);
        tokens[0] |= (tokens.len() as u32) << 24;
        self.declarations.push(tokens);
        self
    }

    /// `dcl_globalFlags` with these bits (bit 0 is `refactoringAllowed`).
    pub fn global_flags(&mut self, flags: u32) -> &mut Self {
        self.declare(Opcode::DclGlobalFlags, flags << 11, [], &[])
    }

    /// `dcl_temps`.
    pub fn temps(&mut self, count: u32) -> &mut Self {
        self.declare(Opcode::DclTemps, 0, [], &[count])
    }

    /// `dcl_indexableTemp` of four components.
    pub fn indexable_temp(&mut self, register: u32, elements: u32) -> &mut Self {
        self.declare(Opcode::DclIndexableTemp, 0, [], &[register, elements, 4])
    }

    /// `dcl_immediateConstantBuffer`.
    pub fn immediate_constant_buffer(&mut self, elements: &[[u32; 4]]) -> &mut Self {
        // Class 3 of the custom data; the length counts both leading dwords.
        let mut tokens = vec![Opcode::CustomData as u32 | 3 << 11, 2 + 4 * elements.len() as u32];
        tokens.extend(elements.as_flattened());
        self.declarations.push(tokens);
        self
    }

    /// `dcl_constantbuffer`.
    pub fn constant_buffer(&mut self, slot: u32, elements: u32, dynamic: bool) -> &mut Self {
        self.declare(Opcode::DclConstantBuffer, u32::from(dynamic) << 11, [constant(slot, elements)], &[])
    }

    /// `dcl_sampler`.
    pub fn sampler(&mut self, slot: u32, comparison: bool) -> &mut Self {
        self.declare(Opcode::DclSampler, u32::from(comparison) << 11, [sampler(slot)], &[])
    }

    /// `dcl_resource`, all components of one type.
    pub fn resource_typed(&mut self, slot: u32, dimension: ResourceDimension, ty: ReturnType) -> &mut Self {
        let (controls, types) = typed(dimension, ty);
        self.declare(Opcode::DclResource, controls, [view(resource(slot))], &[types])
    }

    /// `dcl_resource_raw`.
    pub fn resource_raw(&mut self, slot: u32) -> &mut Self {
        self.declare(Opcode::DclResourceRaw, 0, [view(resource(slot))], &[])
    }

    /// `dcl_resource_structured`.
    pub fn resource_structured(&mut self, slot: u32, stride: u32) -> &mut Self {
        self.declare(Opcode::DclResourceStructured, 0, [view(resource(slot))], &[stride])
    }

    /// `dcl_uav_typed`, all components of one type.
    pub fn uav_typed(&mut self, slot: u32, dimension: ResourceDimension, ty: ReturnType) -> &mut Self {
        let (controls, types) = typed(dimension, ty);
        self.declare(Opcode::DclUavTyped, controls, [view(uav(slot))], &[types])
    }

    /// `dcl_uav_raw`.
    pub fn uav_raw(&mut self, slot: u32) -> &mut Self {
        self.declare(Opcode::DclUavRaw, 0, [view(uav(slot))], &[])
    }

    /// `dcl_uav_structured`; `counter`: append, consume or count.
    pub fn uav_structured(&mut self, slot: u32, stride: u32, counter: bool) -> &mut Self {
        self.declare(Opcode::DclUavStructured, u32::from(counter) << 23, [view(uav(slot))], &[stride])
    }

    /// `dcl_tgsm_raw`.
    pub fn shared_raw(&mut self, register: u32, bytes: u32) -> &mut Self {
        self.declare(Opcode::DclTgsmRaw, 0, [view(shared(register))], &[bytes])
    }

    /// `dcl_tgsm_structured`.
    pub fn shared_structured(&mut self, register: u32, stride: u32, count: u32) -> &mut Self {
        self.declare(Opcode::DclTgsmStructured, 0, [view(shared(register))], &[stride, count])
    }

    /// `dcl_thread_group`.
    pub fn thread_group(&mut self, size: [u32; 3]) -> &mut Self {
        self.declare(Opcode::DclThreadGroup, 0, [], &size)
    }

    /// `dcl_input` of `operand`, a register with a mask; `vThreadID` and its like too.
    pub fn input(&mut self, operand: Operand) -> &mut Self {
        self.declare(Opcode::DclInput, 0, [operand], &[])
    }

    /// `dcl_input_sgv` or, for values that the hardware interprets, `dcl_input_siv`.
    pub fn input_system(&mut self, opcode: Opcode, operand: Operand, value: SystemValue) -> &mut Self {
        self.declare(opcode, 0, [operand], &[value.number()])
    }

    /// `dcl_input_ps`.
    pub fn input_ps(&mut self, operand: Operand, interpolation: Interpolation) -> &mut Self {
        self.declare(Opcode::DclInputPs, (interpolation as u32) << 11, [operand], &[])
    }

    /// `dcl_input_ps_sgv` or `dcl_input_ps_siv`.
    pub fn input_ps_system(
        &mut self,
        opcode: Opcode,
        operand: Operand,
        interpolation: Interpolation,
        value: SystemValue,
    ) -> &mut Self {
        self.declare(opcode, (interpolation as u32) << 11, [operand], &[value.number()])
    }

    /// `dcl_output`.
    pub fn output(&mut self, operand: Operand) -> &mut Self {
        self.declare(Opcode::DclOutput, 0, [operand], &[])
    }

    /// `dcl_output_siv` or `dcl_output_sgv`.
    pub fn output_system(&mut self, opcode: Opcode, operand: Operand, value: SystemValue) -> &mut Self {
        self.declare(opcode, 0, [operand], &[value.number()])
    }

    /// `dcl_indexrange`, from the register of `first`.
    pub fn index_range(&mut self, first: Operand, count: u32) -> &mut Self {
        self.declare(Opcode::DclIndexRange, 0, [first], &[count])
    }
}

/// A declared view or memory: no components.
fn view(operand: Operand) -> Operand {
    operand.with_components(Components::Zero)
}

/// The dimension in bits 15:11, and the dword of the four components' types. Both enumerations start at 1.
fn typed(dimension: ResourceDimension, ty: ReturnType) -> (u32, u32) {
    ((dimension as u32 + 1) << 11, (ty as u32 + 1) * 0x1111)
}

#[cfg(test)]
mod tests {
    use pvgpu_dxbc::token::declaration::{Declaration, ViewKind};
    use pvgpu_dxbc::token::program::Program;

    use super::*;

    #[test]
    fn operands_come_back() {
        let mut assembly = Assembly::new(ShaderStage::Compute);
        let moving = temp(1).select(2);
        assembly.push(Instruction::new(Opcode::Mad).saturate().precise(0b101).operands([
            indexable(3, relative(0, moving.clone())).mask("xz"),
            constant(2, relative(7, indexable(1, relative(4, moving)).select(1))).negate(),
            temp(5).swizzle("wzyx").absolute().negate(),
            immediate([1, 2, 3, 4]),
        ]));
        assembly.push(Instruction::new(Opcode::If).nonzero().operands([scalar(9)]));
        assembly.push(Instruction::new(Opcode::Ld).offset([-8, 7, 1]).operands([
            temp(0),
            temp(1),
            resource(2),
        ]));
        let program = Program::parse(&assembly.tokens()).unwrap();
        let mad = &program.instructions[0];
        assert!(mad.saturate() && mad.precise() && !mad.test_nonzero());
        let operands: Vec<_> = program.operands(mad).copied().collect();
        assert_eq!((operands[0].file, operands[0].mask()), (RegisterFile::IndexableTemp, 0b101));
        assert_eq!(operands[0].indices()[0].base, 3);
        let index = program.operand(operands[0].indices()[1].relative.unwrap()).unwrap();
        assert_eq!((index.file, index.components), (RegisterFile::Temp, Components::Swizzle([2; 4])));
        let element = operands[1].indices()[1];
        assert_eq!(element.base, 7);
        let nested = program.operand(element.relative.unwrap()).unwrap();
        assert_eq!((nested.register(), nested.indices()[1].base), (Some(1), 4));
        assert_eq!(operands[2].components, Components::Swizzle([3, 2, 1, 0]));
        assert_eq!(operands[2].modifier, Modifier { absolute: true, negate: true });
        assert_eq!(operands[1].modifier, Modifier { absolute: false, negate: true });
        assert_eq!(operands[3].immediate, [1, 2, 3, 4]);
        assert!(program.instructions[1].test_nonzero());
        assert_eq!(program.instructions[2].texel_offset, [-8, 7, 1]);
    }

    #[test]
    fn declarations_come_back() {
        let mut assembly = Assembly::new(ShaderStage::Compute);
        assembly
            .global_flags(1)
            .thread_group([8, 4, 2])
            .temps(12)
            .indexable_temp(1, 5)
            .immediate_constant_buffer(&[[1, 2, 3, 4], [5, 6, 7, 8]])
            .constant_buffer(3, 9, true)
            .resource_typed(4, ResourceDimension::Texture2DArray, ReturnType::Float)
            .uav_structured(5, 20, true)
            .shared_structured(1, 12, 7);
        let program = Program::parse(&assembly.tokens()).unwrap();
        let kind =
            ViewKind::Typed { dimension: ResourceDimension::Texture2DArray, return_type: ReturnType::Float };
        let structured = ViewKind::Structured { stride: 20 };
        let declarations = &program.declarations;
        assert_eq!(declarations[1], Declaration::ThreadGroup([8, 4, 2]));
        assert_eq!(declarations[2], Declaration::Temps(12));
        assert_eq!(declarations[3], Declaration::IndexableTemp { register: 1, elements: 5 });
        assert_eq!(declarations[4], Declaration::ImmediateConstantBuffer(vec![[1, 2, 3, 4], [5, 6, 7, 8]]));
        assert_eq!(declarations[5], Declaration::ConstantBuffer { slot: 3, elements: 9, dynamic: true });
        assert_eq!(declarations[6], Declaration::Resource { slot: 4, kind });
        assert_eq!(
            declarations[7],
            Declaration::UnorderedAccessView { slot: 5, kind: structured, globally_coherent: false }
        );
        assert_eq!(
            declarations[8],
            Declaration::ThreadGroupSharedMemory { register: 1, stride: 12, count: 7, structured: true }
        );
    }
}
