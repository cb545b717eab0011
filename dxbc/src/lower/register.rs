//! Registers: private variables, and reading and writing them through operands.

use std::collections::BTreeMap;

use rspirv::spirv::{GlslStd450Op as GLOp, Op, StorageClass, Word};

use super::control_point::Set;
use super::{Lowering, Value};
use crate::ir::Scalar;
use crate::token::declaration::Declaration;
use crate::token::operand::{Index, Operand, RegisterFile};
use crate::token::program::{Phase, PhaseKind, Program};
use crate::{Error, limits};

/// A private array of `vec4`. One element more than declared takes the accesses that are out of range.
#[derive(Debug, Clone, Copy)]
pub struct RegisterArray {
    /// The variable.
    pub id: Word,
    /// Declared elements.
    pub elements: u32,
}

/// An input or output register file.
#[derive(Debug, Clone)]
pub enum InterfaceFile {
    /// A variable for each declared register.
    Separate(BTreeMap<u32, Word>),
    /// One array of all, because an index is computed somewhere.
    Array(RegisterArray),
}

impl Default for InterfaceFile {
    fn default() -> Self {
        Self::Separate(BTreeMap::new())
    }
}

/// The variables behind the registers.
#[derive(Debug, Default)]
pub struct Registers {
    /// The function that holds the program.
    pub program: Word,
    /// v#.
    pub inputs: InterfaceFile,
    /// o#.
    pub outputs: InterfaceFile,
    /// vpc#: what a hull shader's fork and join phases make, and a domain shader reads.
    pub patch_constants: InterfaceFile,
    /// The phase at hand is a fork or join phase: its o# are patch constants.
    pub outputs_are_patch_constants: bool,
    /// Declared r#.
    temp_count: u32,
    temps: BTreeMap<u32, Word>,
    indexable: BTreeMap<u32, RegisterArray>,
    immediate_constants: Option<RegisterArray>,
    /// The table of standard sample positions, once it is used.
    pub sample_positions: Option<Word>,
}

impl Registers {
    /// The registers of an input or output file.
    pub fn file(&self, file: RegisterFile) -> &InterfaceFile {
        match file {
            RegisterFile::InputPatchConstant => &self.patch_constants,
            RegisterFile::Output if self.outputs_are_patch_constants => &self.patch_constants,
            RegisterFile::Output => &self.outputs,
            _ => &self.inputs,
        }
    }

    /// Makes the r# those of a hull shader's phase.
    pub fn start_phase(&mut self, program: &Program, phase: &Phase) {
        self.temp_count = temp_count(&program.declarations).max(temp_count(&phase.declarations));
    }
}

fn temp_count(declarations: &[Declaration]) -> u32 {
    let counts = declarations.iter().filter_map(|declaration| match declaration {
        Declaration::Temps(count) => Some(*count),
        _ => None,
    });
    counts.max().unwrap_or(0)
}

impl Lowering<'_> {
    /// Declares everything that a program's declarations ask for.
    pub(super) fn declare(&mut self) -> Result<(), Error> {
        let program = self.program;
        self.registers.temp_count = temp_count(&program.declarations);
        self.declare_indexable()?;
        for declaration in &program.declarations {
            if let Declaration::ImmediateConstantBuffer(constants) = declaration {
                if self.registers.immediate_constants.is_some() {
                    let rule = "the program has two immediate constant buffers";
                    return Err(Error::Invalid { opcode: "customdata", offset: 0, rule });
                }
                let mut parts: Vec<Word> =
                    constants.iter().map(|bits| self.module.constant_vector(Scalar::F32, bits)).collect();
                // A read past the end gives zero.
                parts.push(self.module.splat(Scalar::F32, 0, 4));
                let count = constants.len() as u32;
                self.registers.immediate_constants = Some(self.register_array(count, Some(&parts), "icb"));
            }
        }
        self.declare_interface()
    }

    /// Declares the x# of the program. The phases of a hull shader share them, as long as the longest one asks for.
    fn declare_indexable(&mut self) -> Result<(), Error> {
        let mut longest: BTreeMap<u32, u32> = BTreeMap::new();
        for declaration in self.program.all_declarations() {
            if let Declaration::IndexableTemp { register, elements } = declaration {
                let known = longest.entry(*register).or_insert(0);
                *known = (*known).max(*elements);
            }
        }
        let elements = longest.values().fold(0u32, |sum, count| sum.saturating_add(*count));
        if elements > limits::TEMPS {
            return Err(Error::Limit {
                what: "elements of indexable temporary registers",
                value: elements.into(),
                limit: limits::TEMPS.into(),
            });
        }
        for (register, count) in longest {
            let array = self.register_array(count, None, &format!("x{register}"));
            self.registers.indexable.insert(register, array);
        }
        Ok(())
    }

    /// A private array of `elements` and one more; `initial`: its constants, else zero.
    pub(super) fn register_array(
        &mut self,
        elements: u32,
        initial: Option<&[Word]>,
        name: &str,
    ) -> RegisterArray {
        let vec4 = self.ty(Scalar::F32, 4);
        let ty = self.module.array_type(vec4, elements.saturating_add(1));
        let initial = match initial {
            Some(parts) => self.module.constant_composite(ty, parts),
            None => self.module.constant_null(ty),
        };
        let id = self.module.variable(StorageClass::Private, ty, Some(initial), name);
        RegisterArray { id, elements }
    }

    /// A private `vec4` that starts as zero.
    pub(super) fn register_variable(&mut self, name: &str) -> Word {
        let vec4 = self.ty(Scalar::F32, 4);
        let zero = self.module.constant_null(vec4);
        self.module.variable(StorageClass::Private, vec4, Some(zero), name)
    }

    /// Reads the components of `mask` (through the operand's swizzle) as `scalar`, with the operand's modifiers.
    pub(super) fn load(&mut self, operand: &Operand, mask: u8, scalar: Scalar) -> Result<Value, Error> {
        let components = mask_components(mask);
        let Some(components) = components.as_slice() else {
            return Err(self.invalid("a source is read under an empty mask"));
        };
        let picked: Vec<usize> = components.iter().map(|component| operand.swizzle(*component)).collect();
        let value = if operand.file == RegisterFile::Immediate32 {
            let bits: Vec<u32> =
                picked.iter().map(|n| operand.immediate.get(*n).copied().unwrap_or(0)).collect();
            Value { id: self.module.constant_vector(scalar, &bits), scalar, count: bits.len() }
        } else {
            let register = self.load_register(operand)?;
            let value = self.pick(register, &picked)?;
            self.cast(value, scalar)
        };
        Ok(self.modify(value, operand))
    }

    /// Reads one component: component `n` of the swizzle.
    pub(super) fn load_component(
        &mut self,
        operand: &Operand,
        n: usize,
        scalar: Scalar,
    ) -> Result<Word, Error> {
        Ok(self.load(operand, 1 << (n & 3), scalar)?.id)
    }

    /// The components `picked` of a register as a scalar or vector.
    pub(super) fn pick(&mut self, register: Value, picked: &[usize]) -> Result<Value, Error> {
        let Value { id, scalar, count } = register;
        if count == 1 {
            return Ok(self.repeat(register, picked.len()));
        }
        if picked.iter().any(|n| *n >= count) {
            return Err(self.invalid("a component is read that the register does not have"));
        }
        let ty = self.ty(scalar, picked.len());
        let id = match picked {
            [n] => self.module.op(Op::CompositeExtract, ty, &[id, *n as u32]),
            _ if picked.len() == count && picked.iter().enumerate().all(|(i, n)| i == *n) => id,
            _ => {
                let mut operands = vec![id, id];
                operands.extend(picked.iter().map(|n| *n as u32));
                self.module.op(Op::VectorShuffle, ty, &operands)
            }
        };
        Ok(Value { id, scalar, count: picked.len() })
    }

    /// A scalar as every component of a vector.
    pub(super) fn repeat(&mut self, value: Value, count: usize) -> Value {
        if count <= 1 || value.count != 1 {
            return value;
        }
        let ty = self.ty(value.scalar, count);
        let parts = [value.id; 4];
        let id = self.module.op(Op::CompositeConstruct, ty, parts.get(..count).unwrap_or(&parts));
        Value { id, scalar: value.scalar, count }
    }

    /// The same bits as another 32-bit type.
    pub(super) fn cast(&mut self, value: Value, scalar: Scalar) -> Value {
        if value.scalar == scalar {
            return value;
        }
        let ty = self.ty(scalar, value.count);
        let id = self.module.op(Op::Bitcast, ty, &[value.id]);
        Value { id, scalar, count: value.count }
    }

    fn modify(&mut self, mut value: Value, operand: &Operand) -> Value {
        let ty = self.ty(value.scalar, value.count);
        let float = matches!(value.scalar, Scalar::F32 | Scalar::F64);
        if operand.modifier.absolute {
            value.id = self.module.glsl(if float { GLOp::FAbs } else { GLOp::SAbs }, ty, &[value.id]);
        }
        if operand.modifier.negate {
            value.id = self.module.op(if float { Op::FNegate } else { Op::SNegate }, ty, &[value.id]);
        }
        value
    }

    /// A whole register: a scalar, or a vector of up to four components.
    fn load_register(&mut self, operand: &Operand) -> Result<Value, Error> {
        let vec4 = |id| Value { id, scalar: Scalar::F32, count: 4 };
        let pointer = match (operand.file, operand.indices()) {
            (RegisterFile::Temp, [index]) => self.temp(index)?,
            (RegisterFile::IndexableTemp, [register, index]) => self.indexable(register, index)?,
            (RegisterFile::Input | RegisterFile::InputPatchConstant, [index]) => {
                self.interface_register(operand.file, index)?
            }
            (RegisterFile::Input | RegisterFile::InputControlPoint, [vertex, register]) => {
                return self.load_vertex_register(Set::Inputs, vertex, register);
            }
            (RegisterFile::OutputControlPoint, [vertex, register])
                if self.hull_phase() != Some(PhaseKind::ControlPoint) =>
            {
                return self.load_vertex_register(Set::Outputs, vertex, register);
            }
            (RegisterFile::ImmediateConstantBuffer, [index]) => {
                let array = self.registers.immediate_constants;
                let array = array.ok_or_else(|| self.invalid("there is no immediate constant buffer"))?;
                self.array_element(array, index)?
            }
            (RegisterFile::ConstantBuffer, [slot, index]) if slot.relative.is_none() => {
                self.constant_buffer_element(slot.base, index)?
            }
            (RegisterFile::Temp | RegisterFile::IndexableTemp | RegisterFile::Input, _)
            | (RegisterFile::ImmediateConstantBuffer | RegisterFile::ConstantBuffer, _) => {
                return Err(self.invalid("a source register has the wrong number of indices"));
            }
            _ => return self.load_special_input(operand.file),
        };
        let ty = self.ty(Scalar::F32, 4);
        Ok(vec4(self.module.op(Op::Load, ty, &[pointer])))
    }

    /// Writes `value`, which has one component for each bit of the operand's mask.
    pub(super) fn store(&mut self, operand: &Operand, value: Value, saturate: bool) -> Result<(), Error> {
        let mask = operand.mask();
        if operand.file == RegisterFile::Null || mask == 0 {
            return Ok(());
        }
        let mut value = value;
        if saturate {
            value = self.cast(value, Scalar::F32);
            let ty = self.ty(Scalar::F32, value.count);
            let zero = self.module.splat(Scalar::F32, 0, value.count);
            let one = self.module.splat(Scalar::F32, 1f32.to_bits(), value.count);
            value.id = self.module.glsl(GLOp::NClamp, ty, &[value.id, zero, one]);
        }
        let pointer = match (operand.file, operand.indices()) {
            (RegisterFile::Temp, [index]) => self.temp(index)?,
            (RegisterFile::IndexableTemp, [register, index]) => self.indexable(register, index)?,
            (RegisterFile::Output, [index]) => self.interface_register(RegisterFile::Output, index)?,
            _ => return self.store_special_output(operand.file, value),
        };
        let value = self.cast(value, Scalar::F32);
        self.store_masked(pointer, value, mask)
    }

    /// Writes the components of `mask` of the `vec4` behind `pointer`.
    fn store_masked(&mut self, pointer: Word, value: Value, mask: u8) -> Result<(), Error> {
        let ty = self.ty(Scalar::F32, 4);
        let components = mask_components(mask);
        let components = components.as_slice().unwrap_or_default();
        if components.len() != value.count {
            return Err(self.invalid("the value does not fit the write mask"));
        }
        match components {
            [component] => {
                let old = self.module.op(Op::Load, ty, &[pointer]);
                let new = self.module.op(Op::CompositeInsert, ty, &[value.id, old, *component as u32]);
                self.module.op_void(Op::Store, &[pointer, new]);
            }
            [_, _, _, _] => self.module.op_void(Op::Store, &[pointer, value.id]),
            _ => {
                let old = self.module.op(Op::Load, ty, &[pointer]);
                let mut operands = vec![old, value.id, 0, 1, 2, 3];
                for (n, component) in components.iter().enumerate() {
                    if let Some(source) = operands.get_mut(2 + component) {
                        *source = 4 + n as u32;
                    }
                }
                let new = self.module.op(Op::VectorShuffle, ty, &operands);
                self.module.op_void(Op::Store, &[pointer, new]);
            }
        }
        Ok(())
    }

    fn temp(&mut self, index: &Index) -> Result<Word, Error> {
        let register = index.base;
        if index.relative.is_some() || register >= self.registers.temp_count {
            return Err(self.invalid("a temporary register is not declared"));
        }
        if let Some(id) = self.registers.temps.get(&register) {
            return Ok(*id);
        }
        let id = self.register_variable(&format!("r{register}"));
        self.registers.temps.insert(register, id);
        Ok(id)
    }

    fn indexable(&mut self, register: &Index, index: &Index) -> Result<Word, Error> {
        let array =
            self.registers.indexable.get(&register.base).copied().filter(|_| register.relative.is_none());
        let array = array.ok_or_else(|| self.invalid("an indexable temporary register is not declared"))?;
        self.array_element(array, index)
    }

    fn interface_register(&mut self, file: RegisterFile, index: &Index) -> Result<Word, Error> {
        match self.registers.file(file) {
            InterfaceFile::Separate(variables) => {
                let id = variables.get(&index.base).copied().filter(|_| index.relative.is_none());
                id.ok_or_else(|| self.invalid("an input or output register is not declared"))
            }
            InterfaceFile::Array(array) => {
                let array = *array;
                self.array_element(array, index)
            }
        }
    }

    /// A pointer to an element. Computed indices out of range go to the spare element.
    fn array_element(&mut self, array: RegisterArray, index: &Index) -> Result<Word, Error> {
        let index = match index.relative {
            None if index.base >= array.elements => {
                return Err(self.invalid("a register index is out of its declared range"));
            }
            None => self.module.u32(index.base),
            Some(_) => self.index(index, array.elements)?,
        };
        Ok(self.element_pointer(array.id, index))
    }

    /// A pointer to element `index` of a private array of `vec4`.
    pub(super) fn element_pointer(&mut self, array: Word, index: Word) -> Word {
        let vec4 = self.ty(Scalar::F32, 4);
        let pointer = self.module.pointer_type(StorageClass::Private, vec4);
        self.module.op(Op::AccessChain, pointer, &[array, index])
    }

    /// A computed index, at most `max`.
    pub(super) fn index(&mut self, index: &Index, max: u32) -> Result<Word, Error> {
        let uint = self.ty(Scalar::U32, 1);
        let value = self.computed_index(index)?;
        let max = self.module.u32(max);
        Ok(self.module.glsl(GLOp::UMin, uint, &[value, max]))
    }

    /// An index as the program computes it.
    pub(super) fn computed_index(&mut self, index: &Index) -> Result<Word, Error> {
        let program = self.program;
        let uint = self.ty(Scalar::U32, 1);
        let base = self.module.u32(index.base);
        let Some(relative) = index.relative.and_then(|id| program.operand(id)) else { return Ok(base) };
        let offset = self.load_component(relative, 0, Scalar::U32)?;
        Ok(if index.base == 0 { offset } else { self.module.op(Op::IAdd, uint, &[offset, base]) })
    }
}

/// The components of a mask, in order.
pub struct MaskComponents {
    components: [usize; 4],
    count: usize,
}

impl MaskComponents {
    /// The component numbers; `None` if there are none.
    pub fn as_slice(&self) -> Option<&[usize]> {
        self.components.get(..self.count).filter(|components| !components.is_empty())
    }
}

/// The components of a mask, in order.
pub fn mask_components(mask: u8) -> MaskComponents {
    let mut list = MaskComponents { components: [0; 4], count: 0 };
    for component in 0..4 {
        if mask >> component & 1 != 0 {
            if let Some(entry) = list.components.get_mut(list.count) {
                *entry = component;
            }
            list.count += 1;
        }
    }
    list
}
