//! Inputs and outputs: interface variables, system values, and the entry point that moves them to and from registers.

use std::collections::BTreeMap;

use rspirv::spirv::{BuiltIn, Capability, Decoration, ExecutionMode, Op, StorageClass, Word};

use super::register::{InterfaceFile, mask_components};
use super::{Emitter, Value};
use crate::reflection::component_type;
use crate::spirv::Scalar;
use crate::token::declaration::{Declaration, Interpolation, RegisterDeclaration, SystemValue};
use crate::token::operand::RegisterFile;
use crate::token::program::ShaderStage;
use crate::{Error, limits};

/// A declared part of a register.
#[derive(Debug, Clone, Copy)]
struct Part {
    mask: u8,
    system_value: SystemValue,
    interpolation: Interpolation,
}

/// The interface of the program at hand.
#[derive(Debug, Default)]
pub struct Interface {
    inputs: BTreeMap<u32, Vec<Part>>,
    outputs: BTreeMap<u32, Vec<Part>>,
    /// Variables for pixel shader inputs at their locations.
    input_variables: BTreeMap<u32, Value>,
    built_ins: BTreeMap<(u32, u32), Word>,
}

impl Emitter<'_> {
    /// Collects the declared registers and gives each a variable.
    pub(super) fn declare_interface(&mut self) -> Result<(), Error> {
        let program = self.program;
        for declaration in &program.declarations {
            match declaration {
                Declaration::Input(register) if register.operand.file == RegisterFile::Input => {
                    let (number, part) = self.part(register)?;
                    self.interface.inputs.entry(number).or_default().push(part);
                }
                Declaration::Output(register) if register.operand.file == RegisterFile::Output => {
                    let (number, part) = self.part(register)?;
                    if self.is_pixel() && number >= limits::RENDER_TARGETS {
                        return Err(Error::Invalid {
                            opcode: "dcl_output",
                            offset: 0,
                            rule: "a pixel shader output is above o7",
                        });
                    }
                    self.interface.outputs.entry(number).or_default().push(part);
                }
                Declaration::Output(register) => self.declare_special_output(register.operand.file)?,
                _ => {}
            }
        }
        let inputs = self.interface.inputs.keys().copied().collect::<Vec<_>>();
        self.registers.inputs = self.interface_file(RegisterFile::Input, &inputs, "v");
        let outputs = self.interface.outputs.keys().copied().collect::<Vec<_>>();
        self.registers.outputs = self.interface_file(RegisterFile::Output, &outputs, "o");
        Ok(())
    }

    fn part(&self, register: &RegisterDeclaration) -> Result<(u32, Part), Error> {
        let [index] = register.operand.indices() else {
            return Err(Error::Invalid {
                opcode: "dcl",
                offset: 0,
                rule: "an input or output register needs one index",
            });
        };
        let part = Part {
            mask: register.operand.mask(),
            system_value: register.system_value,
            interpolation: register.interpolation,
        };
        Ok((index.base, part))
    }

    fn interface_file(&mut self, file: RegisterFile, numbers: &[u32], prefix: &str) -> InterfaceFile {
        let computed = self.program.all_operands().any(|operand| {
            operand.file == file && operand.indices().last().is_some_and(|index| index.relative.is_some())
        });
        if computed {
            let elements = numbers.last().map_or(0, |last| last.saturating_add(1));
            return InterfaceFile::Array(self.register_array(elements, None, prefix));
        }
        let variables = numbers
            .iter()
            .map(|number| (*number, self.register_variable(&format!("{prefix}{number}"))))
            .collect();
        InterfaceFile::Separate(variables)
    }

    /// A variable decorated as a built-in, once for each storage class.
    pub(super) fn built_in(&mut self, class: StorageClass, built_in: BuiltIn, ty: Word, name: &str) -> Word {
        let key = (class as u32, built_in as u32);
        if let Some(id) = self.interface.built_ins.get(&key) {
            return *id;
        }
        let id = self.module.variable(class, ty, None, name);
        self.module.decorate(id, Decoration::BuiltIn, &[built_in as u32]);
        if built_in == BuiltIn::Position {
            // Passes that compute the same position must agree to the bit, as D3D11's do.
            self.module.decorate(id, Decoration::Invariant, &[]);
        }
        // Integer inputs of a pixel shader have to be flat, built-ins too.
        if class == StorageClass::Input && self.is_pixel() && is_integer(built_in) {
            self.module.decorate(id, Decoration::Flat, &[]);
        }
        self.interface.built_ins.insert(key, id);
        id
    }

    /// Loads a built-in input.
    fn load_built_in(&mut self, built_in: BuiltIn, scalar: Scalar, count: usize, name: &str) -> Value {
        let ty = self.ty(scalar, count);
        let variable = self.built_in(StorageClass::Input, built_in, ty, name);
        Value { id: self.module.op(Op::Load, ty, &[variable]), scalar, count }
    }

    /// A source operand that is neither a register of a file nor an immediate.
    pub(super) fn load_special_input(&mut self, file: RegisterFile) -> Result<Value, Error> {
        let vector = match file {
            RegisterFile::InputThreadId => (BuiltIn::GlobalInvocationId, "vThreadID"),
            RegisterFile::InputThreadGroupId => (BuiltIn::WorkgroupId, "vThreadGroupID"),
            RegisterFile::InputThreadIdInGroup => (BuiltIn::LocalInvocationId, "vThreadIDInGroup"),
            RegisterFile::InputThreadIdInGroupFlattened => {
                self.only_in(ShaderStage::Compute)?;
                return Ok(self.load_built_in(
                    BuiltIn::LocalInvocationIndex,
                    Scalar::U32,
                    1,
                    "vThreadIDInGroupFlattened",
                ));
            }
            RegisterFile::InputCoverageMask => {
                self.only_in(ShaderStage::Pixel)?;
                return Ok(self.load_coverage());
            }
            _ => return Err(self.invalid("this kind of register cannot be read here")),
        };
        self.only_in(ShaderStage::Compute)?;
        let value = self.load_built_in(vector.0, Scalar::U32, 3, vector.1);
        // A swizzle names four components, of which fxc fills the unused ones with any.
        let zero = self.module.u32(0);
        let ty = self.ty(Scalar::U32, 4);
        let id = self.module.op(Op::CompositeConstruct, ty, &[value.id, zero]);
        Ok(Value { id, scalar: Scalar::U32, count: 4 })
    }

    fn only_in(&self, stage: ShaderStage) -> Result<(), Error> {
        if self.program.stage == stage {
            Ok(())
        } else {
            Err(self.invalid("the stage does not have this register"))
        }
    }

    fn load_coverage(&mut self) -> Value {
        let int = self.ty(Scalar::I32, 1);
        let array = self.module.array_type(int, 1);
        let variable = self.built_in(StorageClass::Input, BuiltIn::SampleMask, array, "vCoverage");
        let pointer = self.module.pointer_type(StorageClass::Input, int);
        let zero = self.module.u32(0);
        let pointer = self.module.op(Op::AccessChain, pointer, &[variable, zero]);
        Value { id: self.module.op(Op::Load, int, &[pointer]), scalar: Scalar::I32, count: 1 }
    }

    fn declare_special_output(&mut self, file: RegisterFile) -> Result<(), Error> {
        if !self.is_pixel() {
            return Err(self.invalid("only pixel shaders have this output"));
        }
        let (entry, float) = (self.entry, self.ty(Scalar::F32, 1));
        if self.interface.built_ins.contains_key(&(StorageClass::Output as u32, BuiltIn::FragDepth as u32))
            && !matches!(file, RegisterFile::OutputCoverageMask | RegisterFile::Null)
        {
            return Err(Error::Invalid { opcode: "dcl_output", offset: 0, rule: "depth is declared twice" });
        }
        match file {
            RegisterFile::OutputDepth
            | RegisterFile::OutputDepthGreaterEqual
            | RegisterFile::OutputDepthLessEqual => {
                self.built_in(StorageClass::Output, BuiltIn::FragDepth, float, "oDepth");
                self.module.execution_mode(entry, ExecutionMode::DepthReplacing, &[]);
                match file {
                    RegisterFile::OutputDepthGreaterEqual => {
                        self.module.execution_mode(entry, ExecutionMode::DepthGreater, &[]);
                    }
                    RegisterFile::OutputDepthLessEqual => {
                        self.module.execution_mode(entry, ExecutionMode::DepthLess, &[]);
                    }
                    _ => {}
                }
            }
            RegisterFile::OutputCoverageMask => {
                let int = self.ty(Scalar::I32, 1);
                let array = self.module.array_type(int, 1);
                self.built_in(StorageClass::Output, BuiltIn::SampleMask, array, "oMask");
            }
            RegisterFile::Null => {}
            _ => return Err(self.invalid("this kind of register cannot be an output here")),
        }
        Ok(())
    }

    /// Writes a destination that is neither a register of a file nor null.
    pub(super) fn store_special_output(&mut self, file: RegisterFile, value: Value) -> Result<(), Error> {
        let built_in = match file {
            RegisterFile::OutputDepth
            | RegisterFile::OutputDepthGreaterEqual
            | RegisterFile::OutputDepthLessEqual => BuiltIn::FragDepth,
            RegisterFile::OutputCoverageMask => BuiltIn::SampleMask,
            _ => return Err(self.invalid("this kind of register cannot be written here")),
        };
        let variable = self.interface.built_ins.get(&(StorageClass::Output as u32, built_in as u32)).copied();
        let variable = variable.ok_or_else(|| self.invalid("the output is not declared"))?;
        let value = self.pick(value, &[0])?;
        if built_in == BuiltIn::FragDepth {
            let value = self.cast(value, Scalar::F32);
            self.module.op_void(Op::Store, &[variable, value.id]);
        } else {
            let value = self.cast(value, Scalar::I32);
            self.store_array_element(variable, 0, value);
        }
        Ok(())
    }

    /// Writes an element of an output array of scalars.
    fn store_array_element(&mut self, array: Word, index: u32, value: Value) {
        let ty = self.ty(value.scalar, 1);
        let pointer = self.module.pointer_type(StorageClass::Output, ty);
        let index = self.module.u32(index);
        let pointer = self.module.op(Op::AccessChain, pointer, &[array, index]);
        self.module.op_void(Op::Store, &[pointer, value.id]);
    }

    /// The function `main`: inputs, program, outputs.
    pub(super) fn emit_entry_point(&mut self) -> Result<(), Error> {
        self.at = ("entry point", 0);
        let (entry, program) = (self.entry, self.registers.program);
        self.module.begin_function(entry);
        for (number, parts) in std::mem::take(&mut self.interface.inputs) {
            self.fill_input(number, &parts)?;
        }
        let void = self.module.void_type();
        self.module.op(Op::FunctionCall, void, &[program]);
        let outputs = std::mem::take(&mut self.interface.outputs);
        for (number, parts) in &outputs {
            self.export_output(*number, parts)?;
        }
        if self.program.stage == ShaderStage::Vertex {
            self.export_distances(&outputs, SystemValue::ClipDistance)?;
            self.export_distances(&outputs, SystemValue::CullDistance)?;
            // D3D11 points have one pixel; Vulkan leaves a size that is not written undefined.
            let float = self.ty(Scalar::F32, 1);
            let variable = self.built_in(StorageClass::Output, BuiltIn::PointSize, float, "point_size");
            let one = self.module.f32(1.0);
            self.module.op_void(Op::Store, &[variable, one]);
        }
        self.module.op_void(Op::Return, &[]);
        self.module.end_function();
        Ok(())
    }

    /// A pointer to a declared input or output register.
    fn file_pointer(&mut self, file: RegisterFile, number: u32) -> Result<Word, Error> {
        let registers =
            if file == RegisterFile::Input { &self.registers.inputs } else { &self.registers.outputs };
        match registers {
            InterfaceFile::Separate(variables) => {
                variables.get(&number).copied().ok_or_else(|| self.invalid("a register is not declared"))
            }
            InterfaceFile::Array(array) => {
                let array = array.id;
                let index = self.module.u32(number);
                Ok(self.element_pointer(array, index))
            }
        }
    }

    /// Fills input register `number` from the interface.
    fn fill_input(&mut self, number: u32, parts: &[Part]) -> Result<(), Error> {
        let pointer = self.file_pointer(RegisterFile::Input, number)?;
        let vec4 = self.ty(Scalar::F32, 4);
        let value = match parts {
            [part] => self.input_part(number, part, parts)?,
            _ => {
                let mut components = [self.module.f32(0.0); 4];
                for part in parts {
                    let value = self.input_part(number, part, parts)?;
                    for component in mask_components(part.mask).as_slice().unwrap_or_default() {
                        let value = self.pick(value, &[*component])?;
                        if let Some(slot) = components.get_mut(*component) {
                            *slot = value.id;
                        }
                    }
                }
                let id = self.module.op(Op::CompositeConstruct, vec4, &components);
                Value { id, scalar: Scalar::F32, count: 4 }
            }
        };
        let value = self.repeat(value, 4);
        self.module.op_void(Op::Store, &[pointer, value.id]);
        Ok(())
    }

    /// The value of a declared part of an input: a float scalar, or a float vector of four components.
    fn input_part(&mut self, number: u32, part: &Part, parts: &[Part]) -> Result<Value, Error> {
        let pixel = self.is_pixel();
        let value = match part.system_value {
            SystemValue::VertexId if !pixel => {
                self.base_relative(BuiltIn::VertexIndex, BuiltIn::BaseVertex)?
            }
            SystemValue::InstanceId if !pixel => {
                self.base_relative(BuiltIn::InstanceIndex, BuiltIn::BaseInstance)?
            }
            SystemValue::Position if pixel => self.fragment_position()?,
            SystemValue::IsFrontFace if pixel => {
                let facing = self.load_built_in(BuiltIn::FrontFacing, Scalar::Bool, 1, "front_facing");
                self.mask_of(facing)
            }
            SystemValue::SampleIndex if pixel => {
                let present = self.target().sample_rate_shading;
                self.require(present, Capability::SampleRateShading, "sampleRateShading")?;
                self.load_built_in(BuiltIn::SampleId, Scalar::U32, 1, "sample_index")
            }
            SystemValue::PrimitiveId if pixel => self.geometry_input(BuiltIn::PrimitiveId, "primitive_id")?,
            SystemValue::RenderTargetArrayIndex if pixel => self.geometry_input(BuiltIn::Layer, "layer")?,
            SystemValue::ViewportArrayIndex if pixel => {
                let value = self.geometry_input(BuiltIn::ViewportIndex, "viewport_index")?;
                self.module.capability(Capability::MultiViewport);
                value
            }
            SystemValue::VertexId
            | SystemValue::InstanceId
            | SystemValue::IsFrontFace
            | SystemValue::SampleIndex
            | SystemValue::TessFactor(_) => {
                return Err(Error::Invalid {
                    opcode: "dcl_input",
                    offset: 0,
                    rule: "the stage has no such system value",
                });
            }
            _ => {
                let available =
                    self.options.previous_stage_outputs.is_none_or(|mask| mask >> (number & 31) & 1 != 0);
                if pixel && !available {
                    let zero = self.module.splat(Scalar::F32, 0, 4);
                    return Ok(Value { id: zero, scalar: Scalar::F32, count: 4 });
                }
                let variable = self.input_variable(number, parts)?;
                let ty = self.ty(variable.scalar, 4);
                Value { id: self.module.op(Op::Load, ty, &[variable.id]), ..variable }
            }
        };
        Ok(self.cast(value, Scalar::F32))
    }

    /// The interface variable (its `id`) of an input register, of `scalar` vectors.
    fn input_variable(&mut self, number: u32, parts: &[Part]) -> Result<Value, Error> {
        if let Some(variable) = self.interface.input_variables.get(&number) {
            return Ok(*variable);
        }
        let component = component_type(&self.signatures.input, number);
        let scalar = if self.is_pixel() { Scalar::F32 } else { signature_scalar(component) };
        let ty = self.ty(scalar, 4);
        let id = self.module.variable(StorageClass::Input, ty, None, &format!("in{number}"));
        self.module.decorate(id, Decoration::Location, &[number]);
        if self.is_pixel() {
            let mut modes = parts
                .iter()
                .filter(|part| !generated(part.system_value))
                .map(|part| part.interpolation)
                .filter(|mode| *mode != Interpolation::Undefined);
            let mode = modes.next().unwrap_or(Interpolation::Linear);
            if modes.any(|other| other != mode) {
                return Err(Error::Unsupported { what: "an input register with two interpolation modes" });
            }
            let mode = if component == 3 { mode } else { Interpolation::Constant };
            self.interpolate(id, mode)?;
        }
        let variable = Value { id, scalar, count: 4 };
        self.interface.input_variables.insert(number, variable);
        Ok(variable)
    }

    fn interpolate(&mut self, id: Word, mode: Interpolation) -> Result<(), Error> {
        let (perspective, place) = match mode {
            Interpolation::Undefined | Interpolation::Linear => (true, None),
            Interpolation::Constant => (true, Some(Decoration::Flat)),
            Interpolation::LinearCentroid => (true, Some(Decoration::Centroid)),
            Interpolation::LinearNoPerspective => (false, None),
            Interpolation::LinearNoPerspectiveCentroid => (false, Some(Decoration::Centroid)),
            Interpolation::LinearSample => (true, Some(Decoration::Sample)),
            Interpolation::LinearNoPerspectiveSample => (false, Some(Decoration::Sample)),
        };
        if !perspective {
            self.module.decorate(id, Decoration::NoPerspective, &[]);
        }
        if let Some(place) = place {
            if place == Decoration::Sample {
                let present = self.target().sample_rate_shading;
                self.require(present, Capability::SampleRateShading, "sampleRateShading")?;
                self.reflection.per_sample = true;
            }
            self.module.decorate(id, place, &[]);
        }
        Ok(())
    }

    /// The interface variable behind a pixel shader input, for the instructions that interpolate anew.
    pub(super) fn pixel_input(&mut self, number: u32) -> Result<Word, Error> {
        let parts = self.interface.inputs.get(&number).cloned();
        let parts = parts.ok_or_else(|| self.invalid("the input is not declared"))?;
        if !self.is_pixel() || parts.iter().any(|part| generated(part.system_value)) {
            return Err(self.invalid("the operand is not an interpolated pixel shader input"));
        }
        Ok(self.input_variable(number, &parts)?.id)
    }

    /// D3D11's ids start at zero for each draw; Vulkan's start at the draw's base.
    fn base_relative(&mut self, index: BuiltIn, base: BuiltIn) -> Result<Value, Error> {
        let present = self.target().shader_draw_parameters;
        self.require(present, Capability::DrawParameters, "shaderDrawParameters")?;
        let index = self.load_built_in(index, Scalar::U32, 1, "index");
        let base = self.load_built_in(base, Scalar::U32, 1, "base");
        let uint = self.ty(Scalar::U32, 1);
        Ok(Value { id: self.module.op(Op::ISub, uint, &[index.id, base.id]), ..index })
    }

    /// SV_Position of a pixel shader. Its w is that of the vertex; Vulkan's is the reciprocal.
    fn fragment_position(&mut self) -> Result<Value, Error> {
        let position = self.load_built_in(BuiltIn::FragCoord, Scalar::F32, 4, "position");
        let w = self.pick(position, &[3])?;
        let float = self.ty(Scalar::F32, 1);
        let vec4 = self.ty(Scalar::F32, 4);
        let one = self.module.f32(1.0);
        let w = self.module.op(Op::FDiv, float, &[one, w.id]);
        let id = self.module.op(Op::CompositeInsert, vec4, &[w, position.id, 3]);
        Ok(Value { id, ..position })
    }

    fn geometry_input(&mut self, built_in: BuiltIn, name: &str) -> Result<Value, Error> {
        let present = self.target().geometry_shader;
        self.require(present, Capability::Geometry, "geometryShader")?;
        Ok(self.load_built_in(built_in, Scalar::U32, 1, name))
    }

    /// Writes output register `number` to the interface.
    fn export_output(&mut self, number: u32, parts: &[Part]) -> Result<(), Error> {
        let pointer = self.file_pointer(RegisterFile::Output, number)?;
        let vec4 = self.ty(Scalar::F32, 4);
        let value = Value { id: self.module.op(Op::Load, vec4, &[pointer]), scalar: Scalar::F32, count: 4 };
        if self.is_pixel() {
            return self.export_color(number, value);
        }
        let mut located = false;
        for part in parts {
            let first =
                mask_components(part.mask).as_slice().and_then(|list| list.first().copied()).unwrap_or(0);
            match part.system_value {
                SystemValue::Position => {
                    let variable = self.built_in(StorageClass::Output, BuiltIn::Position, vec4, "position");
                    self.module.op_void(Op::Store, &[variable, value.id]);
                }
                SystemValue::RenderTargetArrayIndex => {
                    let present = self.target().shader_output_layer;
                    self.require(present, Capability::ShaderLayer, "shaderOutputLayer")?;
                    self.export_integer(BuiltIn::Layer, value, first, "layer")?;
                }
                SystemValue::ViewportArrayIndex => {
                    let present = self.target().shader_output_viewport_index;
                    self.require(present, Capability::ShaderViewportIndex, "shaderOutputViewportIndex")?;
                    self.export_integer(BuiltIn::ViewportIndex, value, first, "viewport_index")?;
                }
                SystemValue::Undefined | SystemValue::ClipDistance | SystemValue::CullDistance => {
                    located = true
                }
                SystemValue::VertexId | SystemValue::InstanceId => located = true,
                _ => {
                    return Err(Error::Invalid {
                        opcode: "dcl_output",
                        offset: 0,
                        rule: "the stage cannot write this system value",
                    });
                }
            }
        }
        if located {
            let variable = self.module.variable(StorageClass::Output, vec4, None, &format!("out{number}"));
            self.module.decorate(variable, Decoration::Location, &[number]);
            self.module.op_void(Op::Store, &[variable, value.id]);
        }
        Ok(())
    }

    fn export_integer(
        &mut self,
        built_in: BuiltIn,
        value: Value,
        first: usize,
        name: &str,
    ) -> Result<(), Error> {
        let uint = self.ty(Scalar::U32, 1);
        let variable = self.built_in(StorageClass::Output, built_in, uint, name);
        let value = self.pick(value, &[first])?;
        let value = self.cast(value, Scalar::U32);
        self.module.op_void(Op::Store, &[variable, value.id]);
        Ok(())
    }

    fn export_color(&mut self, number: u32, value: Value) -> Result<(), Error> {
        let scalar = signature_scalar(component_type(&self.signatures.output, number));
        let ty = self.ty(scalar, 4);
        let dual = self.options.dual_source_blend;
        if dual && number > 1 {
            // Dual-source blending has one render target; D3D11 ignores the other outputs.
            return Ok(());
        }
        let variable = self.module.variable(StorageClass::Output, ty, None, &format!("out{number}"));
        self.module.decorate(variable, Decoration::Location, &[if dual { 0 } else { number }]);
        if dual {
            self.module.decorate(variable, Decoration::Index, &[number]);
        }
        let value = self.cast(value, scalar);
        self.module.op_void(Op::Store, &[variable, value.id]);
        Ok(())
    }

    /// Writes all components of clip or cull distance outputs, in order of register and component.
    fn export_distances(
        &mut self,
        outputs: &BTreeMap<u32, Vec<Part>>,
        kind: SystemValue,
    ) -> Result<(), Error> {
        let mut components = Vec::new();
        for (number, parts) in outputs {
            for part in parts.iter().filter(|part| part.system_value == kind) {
                let list = mask_components(part.mask);
                components.extend(
                    list.as_slice().unwrap_or_default().iter().map(|component| (*number, *component)),
                );
            }
        }
        if components.is_empty() {
            return Ok(());
        }
        if components.len() > 8 {
            return Err(Error::Limit {
                what: "clip or cull distances",
                value: components.len() as u64,
                limit: 8,
            });
        }
        let target = *self.target();
        let (built_in, name) = if kind == SystemValue::ClipDistance {
            self.require(target.shader_clip_distance, Capability::ClipDistance, "shaderClipDistance")?;
            (BuiltIn::ClipDistance, "clip_distance")
        } else {
            self.require(target.shader_cull_distance, Capability::CullDistance, "shaderCullDistance")?;
            (BuiltIn::CullDistance, "cull_distance")
        };
        let float = self.ty(Scalar::F32, 1);
        let vec4 = self.ty(Scalar::F32, 4);
        let array = self.module.array_type(float, components.len() as u32);
        let variable = self.built_in(StorageClass::Output, built_in, array, name);
        for (index, (number, component)) in components.into_iter().enumerate() {
            let pointer = self.file_pointer(RegisterFile::Output, number)?;
            let id = self.module.op(Op::Load, vec4, &[pointer]);
            let value = self.pick(Value { id, scalar: Scalar::F32, count: 4 }, &[component])?;
            self.store_array_element(variable, index as u32, value);
        }
        Ok(())
    }
}

/// The scalar of a vertex attribute or colour output with this `D3D10_SB_REGISTER_COMPONENT_TYPE`.
fn signature_scalar(component_type: u32) -> Scalar {
    match component_type {
        1 => Scalar::U32,
        2 => Scalar::I32,
        _ => Scalar::F32,
    }
}

/// Whether the rasterizer makes the value, rather than the stage before.
fn generated(value: SystemValue) -> bool {
    !matches!(value, SystemValue::Undefined | SystemValue::ClipDistance | SystemValue::CullDistance)
}

fn is_integer(built_in: BuiltIn) -> bool {
    matches!(built_in, BuiltIn::PrimitiveId | BuiltIn::Layer | BuiltIn::ViewportIndex | BuiltIn::SampleId)
        || matches!(built_in, BuiltIn::SampleMask)
}
