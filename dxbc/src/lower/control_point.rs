//! Registers of several vertices: a geometry shader's v[vertex][register], and the control points of hull and domain
//! shaders.
//!
//! Each register is an interface variable, an array with an element for each vertex, which is read in place. Only where a
//! program computes register numbers, all are copied to one private array first.

use std::collections::BTreeMap;

use rspirv::spirv::{BuiltIn, Decoration, GlslStd450Op as GLOp, Op, StorageClass, Word};

use super::register::RegisterArray;
use super::{Lowering, Value};
use crate::ir::Scalar;
use crate::token::declaration::{RegisterDeclaration, SystemValue};
use crate::token::operand::{Index, RegisterFile};
use crate::token::program::ShaderStage;
use crate::{Error, limits};

/// Where a register of all vertices is.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// An array of `vec4` of this storage class.
    Variable(Word, StorageClass),
    /// Nobody writes it.
    Zero,
}

/// The registers of a number of vertices.
#[derive(Debug, Default)]
pub struct Vertices {
    /// How many vertices there are.
    pub count: u32,
    /// The declared registers, and whether each is the position.
    pub declared: BTreeMap<u32, bool>,
    sources: BTreeMap<u32, Source>,
    /// All of them, one register after the other, where register numbers are computed.
    copy: Option<RegisterArray>,
}

impl Vertices {
    /// Takes note of a declared register; its first index is the number of vertices, which another declaration gives.
    pub fn declare(&mut self, register: &RegisterDeclaration, value: SystemValue) -> Result<(), Error> {
        let [_, number] = register.operand.indices() else {
            return Err(Error::Invalid {
                opcode: "dcl_input",
                offset: 0,
                rule: "a register of several vertices needs two indices",
            });
        };
        *self.declared.entry(number.base).or_insert(false) |= value == SystemValue::Position;
        Ok(())
    }

    /// Registers up to the last one.
    fn span(&self) -> u32 {
        self.sources.keys().last().map_or(0, |last| last.saturating_add(1))
    }

    /// The interface variable of a register, if it has one.
    pub fn variable(&self, number: u32) -> Option<Word> {
        match self.sources.get(&number) {
            Some(Source::Variable(variable, _)) => Some(*variable),
            _ => None,
        }
    }
}

/// Which of the program's vertices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// What the stage takes.
    Inputs,
    /// The control points that a hull shader gives, which its later phases read back.
    Outputs,
}

impl Lowering<'_> {
    fn vertices(&mut self, set: Set) -> &mut Vertices {
        match set {
            Set::Inputs => &mut self.vertices,
            Set::Outputs => &mut self.control_points,
        }
    }

    /// Gives every declared input of the vertices its variable.
    pub(super) fn bind_vertices(&mut self) {
        let declared = self.vertices.declared.clone();
        for (number, position) in declared {
            let vec4 = self.ty(Scalar::F32, 4);
            let array = self.module.array_type(vec4, self.vertices.count.max(1));
            // A domain shader's inputs come from a hull shader, whose positions are at locations.
            let position = position && self.program.stage != ShaderStage::Domain;
            let written = if position {
                let values = self.options.previous_stage_system_values;
                values.is_none_or(|values| values >> SystemValue::Position.number() & 1 != 0)
            } else {
                self.options.previous_stage_outputs.is_none_or(|mask| mask >> (number & 31) & 1 != 0)
            };
            let source = if !written || self.vertices.count == 0 {
                Source::Zero
            } else if position {
                let variable = self.built_in(StorageClass::Input, BuiltIn::Position, array, "in_position");
                Source::Variable(variable, StorageClass::Input)
            } else {
                let variable = self.module.variable(StorageClass::Input, array, None, &format!("in{number}"));
                self.module.decorate(variable, Decoration::Location, &[number]);
                Source::Variable(variable, StorageClass::Input)
            };
            self.vertices.sources.insert(number, source);
        }
        self.reserve_copy(Set::Inputs);
    }

    /// Gives every control point output of a hull shader its variable; `read`: registers that later phases read,
    /// whether the control point phase writes them or not.
    pub(super) fn bind_control_points(&mut self, written: &[u32], read: &[u32]) {
        let vec4 = self.ty(Scalar::F32, 4);
        let array = self.module.array_type(vec4, self.control_points.count.max(1));
        for number in written {
            let variable = self.module.variable(StorageClass::Output, array, None, &format!("out{number}"));
            self.module.decorate(variable, Decoration::Location, &[*number]);
            let source = Source::Variable(variable, StorageClass::Output);
            self.control_points.sources.insert(*number, source);
        }
        for number in read {
            self.control_points.sources.entry(*number).or_insert(Source::Zero);
        }
        self.reserve_copy(Set::Outputs);
    }

    fn reserve_copy(&mut self, set: Set) {
        let computed = self.program.all_operands().any(|operand| {
            let of_set = match operand.file {
                RegisterFile::Input | RegisterFile::InputControlPoint => set == Set::Inputs,
                RegisterFile::OutputControlPoint => set == Set::Outputs,
                _ => false,
            };
            of_set && matches!(operand.indices(), [_, register] if register.relative.is_some())
        });
        if computed {
            let vertices = self.vertices(set);
            // At most 32 registers of 32 vertices each.
            let elements =
                vertices.span().min(limits::IO_REGISTERS) * vertices.count.min(limits::CONTROL_POINTS);
            let name = if set == Set::Inputs { "v" } else { "vocp" };
            let copy = self.register_array(elements, None, name);
            self.vertices(set).copy = Some(copy);
        }
    }

    /// Fills the copy, if there is one.
    pub(super) fn copy_vertices(&mut self, set: Set) {
        let vertices = self.vertices(set);
        let (count, copy, sources) = (vertices.count, vertices.copy, vertices.sources.clone());
        let Some(copy) = copy else { return };
        let vec4 = self.ty(Scalar::F32, 4);
        for (number, source) in sources {
            // What nobody writes is zero from the start.
            let Source::Variable(variable, class) = source else { continue };
            let from_type = self.module.pointer_type(class, vec4);
            for vertex in 0..count {
                let index = self.module.u32(vertex);
                let from = self.module.op(Op::AccessChain, from_type, &[variable, index]);
                let value = self.module.op(Op::Load, vec4, &[from]);
                let place = self.module.u32(number * count + vertex);
                let to = self.element_pointer(copy.id, place);
                self.module.op_void(Op::Store, &[to, value]);
            }
        }
    }

    /// Reads a register of a vertex. Vertices and registers out of range read as zero.
    pub(super) fn load_vertex_register(
        &mut self,
        set: Set,
        vertex: &Index,
        register: &Index,
    ) -> Result<Value, Error> {
        let vertices = self.vertices(set);
        let (count, span, copy) = (vertices.count, vertices.span(), vertices.copy);
        let source = vertices.sources.get(&register.base).copied();
        let (vec4, uint, truth) =
            (self.ty(Scalar::F32, 4), self.ty(Scalar::U32, 1), self.ty(Scalar::Bool, 1));
        let value = |id| Ok(Value { id, scalar: Scalar::F32, count: 4 });
        if vertex.relative.is_none() && vertex.base >= count {
            return Err(self.invalid("there are not so many vertices"));
        }
        let limit = self.module.u32(count);
        if register.relative.is_some() {
            let copy = copy.ok_or_else(|| self.invalid("no register is declared"))?;
            let vertex = self.computed_index(vertex)?;
            let register = self.computed_index(register)?;
            let vertex_fits = self.module.op(Op::ULessThan, truth, &[vertex, limit]);
            let span = self.module.u32(span);
            let register_fits = self.module.op(Op::ULessThan, truth, &[register, span]);
            let fits = self.module.op(Op::LogicalAnd, truth, &[vertex_fits, register_fits]);
            let start = self.module.op(Op::IMul, uint, &[register, limit]);
            let index = self.module.op(Op::IAdd, uint, &[start, vertex]);
            // The spare element is never written.
            let spare = self.module.u32(copy.elements);
            let index = self.module.op(Op::Select, uint, &[fits, index, spare]);
            let pointer = self.element_pointer(copy.id, index);
            return value(self.module.op(Op::Load, vec4, &[pointer]));
        }
        let source = source.ok_or_else(|| self.invalid("an input register is not declared"))?;
        let index = self.computed_index(vertex)?;
        if let (None, Source::Variable(variable, class)) = (vertex.relative, source) {
            let pointer = self.module.pointer_type(class, vec4);
            let pointer = self.module.op(Op::AccessChain, pointer, &[variable, index]);
            return value(self.module.op(Op::Load, vec4, &[pointer]));
        }
        value(self.load_source_at(source, count, index))
    }

    /// Reads input register `number` of vertex `index`.
    pub(super) fn load_vertex_at(&mut self, index: Word, number: u32) -> Result<Word, Error> {
        let (count, source) = (self.vertices.count, self.vertices.sources.get(&number).copied());
        let source = source.ok_or_else(|| self.invalid("an input register is not declared"))?;
        Ok(self.load_source_at(source, count, index))
    }

    fn load_source_at(&mut self, source: Source, count: u32, index: Word) -> Word {
        let (vec4, uint, truth) =
            (self.ty(Scalar::F32, 4), self.ty(Scalar::U32, 1), self.ty(Scalar::Bool, 1));
        let zero = self.module.splat(Scalar::F32, 0, 4);
        let Source::Variable(variable, class) = source else { return zero };
        let pointer_type = self.module.pointer_type(class, vec4);
        let limit = self.module.u32(count);
        let fits = self.module.op(Op::ULessThan, truth, &[index, limit]);
        let last = self.module.u32(count.saturating_sub(1));
        let index = self.module.glsl(GLOp::UMin, uint, &[index, last]);
        let pointer = self.module.op(Op::AccessChain, pointer_type, &[variable, index]);
        let loaded = self.module.op(Op::Load, vec4, &[pointer]);
        self.module.op(Op::Select, vec4, &[fits, loaded, zero])
    }
}
