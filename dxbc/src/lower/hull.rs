//! Hull shaders: a function for each phase, and the entry point that runs them.
//!
//! An invocation is one output control point. All of them run the control point phase; after a barrier the first one
//! runs the fork phases, then the join phases, each as often as it asks for, and writes patch constants and
//! tessellation factors.

use std::collections::BTreeSet;

use rspirv::spirv::{
    BuiltIn, Capability, Decoration, ExecutionMode, LoopControl, Op, Scope, StorageClass, Word,
};

use super::control_point::Set;
use super::interface::add_part;
use super::register::mask_components;
use super::{Lowering, Value};
use crate::Error;
use crate::ir::Scalar;
use crate::reflection::stages::TessellationReflection;
use crate::reflection::{patch_constant_location, signature_system_value};
use crate::token::declaration::{Declaration, SystemValue};
use crate::token::operand::RegisterFile;
use crate::token::program::PhaseKind;
use crate::token::stage::{TessellatorDomain, TessellatorOutput, TessellatorPartitioning};

/// The phases of a hull shader.
#[derive(Debug, Default)]
pub struct Hull {
    /// The function of each phase that has been started.
    functions: Vec<Word>,
    /// The registers of an output control point.
    outputs: Vec<u32>,
    /// The number of the running instance of a fork or join phase, once it is used.
    instance: Option<Word>,
}

/// Where a final tessellation factor goes: the inner levels or the outer ones, and which of them. Vulkan's first outer
/// level of isolines is the number of lines, D3D11's density.
pub fn tess_level(factor: u8) -> (BuiltIn, u32) {
    match factor {
        11..=14 => (BuiltIn::TessLevelOuter, u32::from(factor) - 11),
        15 | 16 => (BuiltIn::TessLevelInner, u32::from(factor) - 15),
        17..=19 => (BuiltIn::TessLevelOuter, u32::from(factor) - 17),
        20 => (BuiltIn::TessLevelInner, 0),
        21 => (BuiltIn::TessLevelOuter, 1),
        _ => (BuiltIn::TessLevelOuter, 0),
    }
}

impl Lowering<'_> {
    pub(super) fn tessellation_facts(&self) -> Result<TessellationReflection, Error> {
        self.reflection.tessellation.ok_or_else(|| self.invalid("only hull and domain shaders tessellate"))
    }

    /// Declares the interface of all phases.
    pub(super) fn declare_hull(&mut self) -> Result<(), Error> {
        let facts = self.tessellation_facts()?;
        let present = self.target().tessellation_shader;
        self.require(present, Capability::Tessellation, "tessellationShader")?;
        self.vertices.count = facts.input_control_points;
        self.control_points.count = facts.output_control_points;
        let mut read = BTreeSet::new();
        let program = self.program;
        for phase in &program.phases {
            for declaration in &phase.declarations {
                match declaration {
                    Declaration::Input(register) => match register.operand.file {
                        RegisterFile::Input | RegisterFile::InputControlPoint => {
                            let value = match (register.system_value, register.operand.indices()) {
                                (SystemValue::Undefined, [_, number]) => {
                                    let mask = register.operand.mask();
                                    signature_system_value(&self.signatures.input, number.base, mask)
                                }
                                (value, _) => value,
                            };
                            self.vertices.declare(register, value)?;
                        }
                        RegisterFile::OutputControlPoint => {
                            read.extend(register.operand.indices().last().map(|index| index.base));
                        }
                        RegisterFile::InputPatchConstant => {
                            let number = register.operand.indices().last().map(|index| index.base);
                            if let Some(number) = number {
                                self.interface.patch_constants.entry(number).or_default();
                            }
                        }
                        _ => {}
                    },
                    Declaration::Output(register) if register.operand.file == RegisterFile::Output => {
                        let (number, part) = self.part(register, 0)?;
                        let parts = if phase.kind == PhaseKind::ControlPoint {
                            &mut self.interface.outputs
                        } else {
                            &mut self.interface.patch_constants
                        };
                        add_part(parts, number, part)?;
                    }
                    Declaration::Output(_) => {
                        return Err(self.invalid("this kind of register cannot be an output here"));
                    }
                    _ => {}
                }
            }
        }
        if self.passes_control_points() {
            for element in self.reflection.outputs.clone() {
                self.hull.outputs.push(element.register);
                let value = signature_system_value(&self.signatures.input, element.register, 0xf);
                let position = value == SystemValue::Position;
                *self.vertices.declared.entry(element.register).or_insert(false) |= position;
            }
            self.hull.outputs.sort_unstable();
            self.hull.outputs.dedup();
        } else {
            self.hull.outputs = self.interface.outputs.keys().copied().collect();
        }
        self.bind_vertices();
        let outputs = self.hull.outputs.clone();
        self.bind_control_points(&outputs, &read.into_iter().collect::<Vec<_>>());
        let outputs = self.interface.outputs.keys().copied().collect::<Vec<_>>();
        self.registers.outputs = self.interface_file(&[RegisterFile::Output], &outputs, "o");
        let constants = self.interface.patch_constants.keys().copied().collect::<Vec<_>>();
        let files = [RegisterFile::Output, RegisterFile::InputPatchConstant];
        self.registers.patch_constants = self.interface_file(&files, &constants, "vpc");
        Ok(())
    }

    /// A hull shader without a control point phase gives the control points that it takes.
    fn passes_control_points(&self) -> bool {
        !self.program.phases.iter().any(|phase| phase.kind == PhaseKind::ControlPoint)
    }

    /// The phase that instructions are translated for.
    pub(super) fn hull_phase(&self) -> Option<PhaseKind> {
        let current = self.hull.functions.len().checked_sub(1)?;
        self.program.phases.get(current).map(|phase| phase.kind)
    }

    /// Starts the function of the next phase.
    pub(super) fn begin_phase(&mut self) -> Result<(), Error> {
        if !self.hull.functions.is_empty() {
            self.end_function();
        }
        let function = self.module.id();
        self.hull.functions.push(function);
        let (program, current) = (self.program, self.hull.functions.len() - 1);
        let phase = program.phases.get(current).ok_or_else(|| self.invalid("the phase is not declared"))?;
        self.registers.start_phase(program, phase);
        self.registers.outputs_are_patch_constants = phase.kind != PhaseKind::ControlPoint;
        if phase.instances == 1 {
            self.module.begin_function(function);
        } else {
            self.module.begin_subroutine(function);
        }
        Ok(())
    }

    /// Ends the function of the last phase, if there is one.
    pub(super) fn end_phases(&mut self) {
        if !self.hull.functions.is_empty() {
            self.end_function();
        }
    }

    /// vForkInstanceID or vJoinInstanceID.
    pub(super) fn load_phase_instance(&mut self) -> Value {
        let variable = self.phase_instance();
        let uint = self.ty(Scalar::U32, 1);
        Value { id: self.module.op(Op::Load, uint, &[variable]), scalar: Scalar::U32, count: 1 }
    }

    fn phase_instance(&mut self) -> Word {
        if let Some(variable) = self.hull.instance {
            return variable;
        }
        let uint = self.ty(Scalar::U32, 1);
        let zero = self.module.u32(0);
        let variable = self.module.variable(StorageClass::Private, uint, Some(zero), "phase_instance");
        self.hull.instance = Some(variable);
        variable
    }

    /// The function `main`.
    pub(super) fn hull_entry(&mut self) -> Result<(), Error> {
        let facts = self.tessellation_facts()?;
        let entry = self.entry;
        self.module.begin_function(entry);
        self.copy_vertices(Set::Inputs);
        let invocation = self.load_built_in(BuiltIn::InvocationId, Scalar::U32, 1, "vOutputControlPointID");
        if facts.output_control_points > 0 {
            self.export_control_point(invocation.id)?;
        }
        let (scope, memory) =
            (self.module.u32(Scope::Workgroup as u32), self.module.u32(Scope::Invocation as u32));
        // No memory semantics: in this stage a barrier orders the outputs by itself (GLSL's barrier() is the same).
        let (truth, zero) = (self.ty(Scalar::Bool, 1), self.module.u32(0));
        self.module.op_void(Op::ControlBarrier, &[scope, memory, zero]);
        let first = self.module.op(Op::IEqual, truth, &[invocation.id, zero]);
        let [then, merge] = [(); 2].map(|()| self.module.id());
        self.module.branch_conditional(first, then, merge, merge);
        self.module.label(then);
        self.copy_vertices(Set::Outputs);
        self.registers.outputs_are_patch_constants = true;
        for kind in [PhaseKind::Fork, PhaseKind::Join] {
            let program = self.program;
            for (place, phase) in program.phases.iter().enumerate() {
                if let Some(function) = self.hull.functions.get(place).copied().filter(|_| phase.kind == kind)
                {
                    self.run_phase(function, phase.instances);
                }
            }
        }
        self.export_patch_constants()?;
        self.module.branch(merge);
        self.module.label(merge);
        self.module.op_void(Op::Return, &[]);
        self.module.end_function();
        Ok(())
    }

    /// Runs the control point phase and writes what it gives.
    fn export_control_point(&mut self, invocation: Word) -> Result<(), Error> {
        let vec4 = self.ty(Scalar::F32, 4);
        let passes = self.passes_control_points();
        if !passes {
            let program = self.program;
            let place = program.phases.iter().position(|phase| phase.kind == PhaseKind::ControlPoint);
            if let Some(function) = place.and_then(|place| self.hull.functions.get(place).copied()) {
                let void = self.module.void_type();
                self.module.op(Op::FunctionCall, void, &[function]);
            }
        }
        self.registers.outputs_are_patch_constants = false;
        for number in self.hull.outputs.clone() {
            let Some(variable) = self.control_points.variable(number) else { continue };
            let value = if passes {
                self.load_vertex_at(invocation, number)?
            } else {
                let from = self.file_pointer(RegisterFile::Output, number)?;
                self.module.op(Op::Load, vec4, &[from])
            };
            let pointer = self.module.pointer_type(StorageClass::Output, vec4);
            let to = self.module.op(Op::AccessChain, pointer, &[variable, invocation]);
            self.module.op_void(Op::Store, &[to, value]);
        }
        Ok(())
    }

    /// Calls a phase `instances` times.
    fn run_phase(&mut self, function: Word, instances: u32) {
        let (void, uint, truth) =
            (self.module.void_type(), self.ty(Scalar::U32, 1), self.ty(Scalar::Bool, 1));
        let (zero, one) = (self.module.u32(0), self.module.u32(1));
        if instances == 1 {
            if let Some(instance) = self.hull.instance {
                self.module.op_void(Op::Store, &[instance, zero]);
            }
            self.module.op(Op::FunctionCall, void, &[function]);
            return;
        }
        let instance = self.phase_instance();
        self.module.op_void(Op::Store, &[instance, zero]);
        let [header, test, body, next, merge] = [(); 5].map(|()| self.module.id());
        self.module.branch(header);
        self.module.label(header);
        self.module.op_void(Op::LoopMerge, &[merge, next, LoopControl::NONE.bits()]);
        self.module.branch(test);
        self.module.label(test);
        let number = self.module.op(Op::Load, uint, &[instance]);
        let count = self.module.u32(instances);
        let more = self.module.op(Op::ULessThan, truth, &[number, count]);
        self.module.op_void(Op::BranchConditional, &[more, body, merge]);
        self.module.label(body);
        self.module.op(Op::FunctionCall, void, &[function]);
        self.module.branch(next);
        self.module.label(next);
        let number = self.module.op(Op::Load, uint, &[instance]);
        let number = self.module.op(Op::IAdd, uint, &[number, one]);
        self.module.op_void(Op::Store, &[instance, number]);
        self.module.branch(header);
        self.module.label(merge);
    }

    /// Writes patch constants and tessellation factors. Factors that the shader does not write are 0, which culls the
    /// patch where they matter.
    fn export_patch_constants(&mut self) -> Result<(), Error> {
        let vec4 = self.ty(Scalar::F32, 4);
        let zero = self.module.f32(0.0);
        let (mut outer, mut inner) = ([zero; 4], [zero; 2]);
        for (number, parts) in self.interface.patch_constants.clone() {
            if parts.is_empty() {
                continue;
            }
            let pointer = self.file_pointer(RegisterFile::InputPatchConstant, number)?;
            let id = self.module.op(Op::Load, vec4, &[pointer]);
            let value = Value { id, scalar: Scalar::F32, count: 4 };
            let mut located = false;
            for part in parts {
                let SystemValue::TessFactor(factor) = part.system_value else {
                    located = true;
                    continue;
                };
                let components = mask_components(part.mask);
                let Some([component, ..]) = components.as_slice() else { continue };
                let level = self.pick(value, &[*component])?;
                let level = self.clamp_factor(level.id);
                let (kind, index) = tess_level(factor);
                let slot = match kind {
                    BuiltIn::TessLevelInner => inner.get_mut(index as usize),
                    _ => outer.get_mut(index as usize),
                };
                if let Some(slot) = slot {
                    *slot = level;
                }
            }
            if located {
                let variable =
                    self.module.variable(StorageClass::Output, vec4, None, &format!("patch{number}"));
                let location = patch_constant_location(number);
                self.module.decorate(variable, Decoration::Location, &[location]);
                self.module.decorate(variable, Decoration::Patch, &[]);
                self.module.op_void(Op::Store, &[variable, value.id]);
            }
        }
        let outer_levels = self.tess_levels(StorageClass::Output, BuiltIn::TessLevelOuter);
        let inner_levels = self.tess_levels(StorageClass::Output, BuiltIn::TessLevelInner);
        for (variable, levels) in [(outer_levels, &outer[..]), (inner_levels, &inner[..])] {
            for (index, level) in levels.iter().enumerate() {
                let value = Value { id: *level, scalar: Scalar::F32, count: 1 };
                self.store_array_element(variable, index as u32, value);
            }
        }
        Ok(())
    }

    /// The built-in array of tessellation levels.
    pub(super) fn tess_levels(&mut self, class: StorageClass, built_in: BuiltIn) -> Word {
        let (count, name) = match built_in {
            BuiltIn::TessLevelInner => (2, "inner_levels"),
            _ => (4, "outer_levels"),
        };
        let float = self.ty(Scalar::F32, 1);
        let array = self.module.array_type(float, count);
        self.built_in(class, built_in, array, name)
    }

    /// At most `dcl_hs_max_tessfactor`. NaN stays, since it culls the patch.
    fn clamp_factor(&mut self, factor: Word) -> Word {
        let most = self.program.declarations.iter().find_map(|declaration| match declaration {
            Declaration::MaxTessFactor(bits) => Some(*bits),
            _ => None,
        });
        let Some(most) = most else { return factor };
        let (float, truth) = (self.ty(Scalar::F32, 1), self.ty(Scalar::Bool, 1));
        let most = self.module.constant(Scalar::F32, most);
        let above = self.module.op(Op::FOrdGreaterThan, truth, &[factor, most]);
        self.module.op(Op::Select, float, &[above, most, factor])
    }

    pub(super) fn tessellation_modes(&mut self) -> Result<(), Error> {
        let (entry, facts) = (self.entry, self.tessellation_facts()?);
        let domain = match facts.domain {
            TessellatorDomain::Isoline => ExecutionMode::Isolines,
            TessellatorDomain::Triangle => ExecutionMode::Triangles,
            TessellatorDomain::Quad => ExecutionMode::Quads,
        };
        self.module.execution_mode(entry, domain, &[]);
        // Integer and pow2 differ in what the shader must write, not in what the tessellator makes of it.
        let spacing = facts.partitioning.map(|partitioning| match partitioning {
            TessellatorPartitioning::Integer | TessellatorPartitioning::Pow2 => ExecutionMode::SpacingEqual,
            TessellatorPartitioning::FractionalOdd => ExecutionMode::SpacingFractionalOdd,
            TessellatorPartitioning::FractionalEven => ExecutionMode::SpacingFractionalEven,
        });
        let order = facts.output_primitive.and_then(|primitive| match primitive {
            TessellatorOutput::Point => Some(ExecutionMode::PointMode),
            TessellatorOutput::Line => None,
            // Both count the turns in a domain whose v points down (Vulkan's default, the upper-left origin).
            TessellatorOutput::TriangleClockwise => Some(ExecutionMode::VertexOrderCw),
            TessellatorOutput::TriangleCounterClockwise => Some(ExecutionMode::VertexOrderCcw),
        });
        for mode in spacing.into_iter().chain(order) {
            self.module.execution_mode(entry, mode, &[]);
        }
        if facts.partitioning.is_some() {
            let count = facts.output_control_points.max(1);
            self.module.execution_mode(entry, ExecutionMode::OutputVertices, &[count]);
        }
        Ok(())
    }
}
