//! Inputs and outputs: interface variables, system values, and the entry point that moves them to and from registers.

use std::collections::BTreeMap;

use rspirv::spirv::{
    BuiltIn, Capability, Decoration, ExecutionMode, GlslStd450Op as GLOp, Op, StorageClass, Word,
};

use super::control_point::Set;
use super::register::{InterfaceFile, mask_components};
use super::{Lowering, Value};
use crate::ir::Scalar;
use crate::reflection::{component_type, location, signature_system_value};
use crate::token::declaration::{Declaration, Interpolation, RegisterDeclaration, SystemValue};
use crate::token::operand::RegisterFile;
use crate::token::program::ShaderStage;
use crate::{Error, limits};

/// A declared part of a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its components.
    pub mask: u8,
    /// Its system value.
    pub system_value: SystemValue,
    interpolation: Interpolation,
    /// The geometry shader stream of an output; 0 elsewhere.
    pub stream: u32,
}

/// The interface of the program at hand.
#[derive(Debug, Default)]
pub struct Interface {
    inputs: BTreeMap<u32, Vec<Part>>,
    /// The output registers: of a geometry shader, those of all streams; of a hull shader, the control point's.
    pub outputs: BTreeMap<u32, Vec<Part>>,
    /// The patch constants that a hull shader makes or a domain shader takes. One without parts is read but never made.
    pub patch_constants: BTreeMap<u32, Vec<Part>>,
    /// Variables for pixel shader inputs at their locations.
    input_variables: BTreeMap<u32, Value>,
    built_ins: BTreeMap<(u32, u32), Word>,
    /// The colours that a pixel shader has written, where it does something with them by itself.
    pub colors: Vec<(u32, Value)>,
}

impl Lowering<'_> {
    /// Collects the declared registers and gives each a variable.
    pub(super) fn declare_interface(&mut self) -> Result<(), Error> {
        let (program, stage) = (self.program, self.program.stage);
        if stage == ShaderStage::Hull {
            self.declare_hull()?;
            return self.place_captures();
        }
        let mut stream = 0;
        for declaration in &program.declarations {
            match declaration {
                Declaration::Stream(number) => stream = *number,
                Declaration::Input(register) => match (stage, register.operand.file) {
                    (ShaderStage::Geometry, RegisterFile::Input)
                    | (ShaderStage::Domain, RegisterFile::InputControlPoint) => {
                        self.vertices.declare(register, register.system_value)?;
                    }
                    (ShaderStage::Domain, RegisterFile::InputPatchConstant) => {
                        let (number, mut part) = self.part(register, 0)?;
                        if part.system_value == SystemValue::Undefined {
                            let elements = &self.signatures.patch_constant;
                            part.system_value = signature_system_value(elements, number, part.mask);
                        }
                        add_part(&mut self.interface.patch_constants, number, part)?;
                    }
                    (ShaderStage::Vertex | ShaderStage::Pixel, RegisterFile::Input) => {
                        let (number, part) = self.part(register, 0)?;
                        add_part(&mut self.interface.inputs, number, part)?;
                    }
                    _ => {}
                },
                Declaration::Output(register) if register.operand.file == RegisterFile::Output => {
                    let (number, part) = self.part(register, stream)?;
                    if self.is_pixel() && number >= limits::RENDER_TARGETS {
                        return Err(Error::Invalid {
                            opcode: "dcl_output",
                            offset: 0,
                            rule: "a pixel shader output is above o7",
                        });
                    }
                    add_part(&mut self.interface.outputs, number, part)?;
                }
                Declaration::Output(register) => self.declare_special_output(register.operand.file)?,
                _ => {}
            }
        }
        let inputs = self.interface.inputs.keys().copied().collect::<Vec<_>>();
        self.registers.inputs = self.interface_file(&[RegisterFile::Input], &inputs, "v");
        let outputs = self.interface.outputs.keys().copied().collect::<Vec<_>>();
        self.registers.outputs = self.interface_file(&[RegisterFile::Output], &outputs, "o");
        let constants = self.interface.patch_constants.keys().copied().collect::<Vec<_>>();
        self.registers.patch_constants =
            self.interface_file(&[RegisterFile::InputPatchConstant], &constants, "vpc");
        self.place_captures()?;
        match stage {
            ShaderStage::Geometry => self.prepare_geometry()?,
            ShaderStage::Domain => {
                let present = self.target().tessellation_shader;
                self.require(present, Capability::Tessellation, "tessellationShader")?;
                self.vertices.count = self.tessellation_facts()?.input_control_points;
            }
            _ => {}
        }
        self.bind_vertices();
        self.declare_captures()
    }

    pub(super) fn part(&self, register: &RegisterDeclaration, stream: u32) -> Result<(u32, Part), Error> {
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
            stream,
        };
        Ok((index.base, part))
    }

    /// Variables for the registers `numbers`, which operands of `files` name.
    pub(super) fn interface_file(
        &mut self,
        files: &[RegisterFile],
        numbers: &[u32],
        prefix: &str,
    ) -> InterfaceFile {
        let computed = self.program.all_operands().any(|operand| {
            files.contains(&operand.file) && matches!(operand.indices(), [index] if index.relative.is_some())
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
        if built_in == BuiltIn::Position && class == StorageClass::Output {
            // Passes that compute the same position must agree to the bit, as D3D11's do.
            self.module.decorate(id, Decoration::Invariant, &[]);
        }
        if matches!(built_in, BuiltIn::TessLevelInner | BuiltIn::TessLevelOuter) {
            self.module.decorate(id, Decoration::Patch, &[]);
        }
        if let (StorageClass::Output, Some(stream)) = (class, self.geometry.main) {
            self.name_stream(id, stream);
        }
        // Integer inputs of a pixel shader have to be flat, built-ins too.
        if class == StorageClass::Input && self.is_pixel() && is_integer(built_in) {
            self.module.decorate(id, Decoration::Flat, &[]);
        }
        self.interface.built_ins.insert(key, id);
        id
    }

    /// Whether a built-in is declared.
    pub(super) fn has_built_in(&self, class: StorageClass, built_in: BuiltIn) -> bool {
        self.interface.built_ins.contains_key(&(class as u32, built_in as u32))
    }

    /// Loads a built-in input.
    pub(super) fn load_built_in(
        &mut self,
        built_in: BuiltIn,
        scalar: Scalar,
        count: usize,
        name: &str,
    ) -> Value {
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
                let coverage = self.load_sample_mask(StorageClass::Input, "vCoverage");
                return Ok(self.spread_coverage(coverage));
            }
            // For debugging only, and its start is undefined. Differences of readings are zero here.
            RegisterFile::CycleCounter => {
                let id = self.module.splat(Scalar::U32, 0, 4);
                return Ok(Value { id, scalar: Scalar::U32, count: 4 });
            }
            RegisterFile::InputPrimitiveId => {
                if !matches!(
                    self.program.stage,
                    ShaderStage::Geometry | ShaderStage::Hull | ShaderStage::Domain
                ) {
                    return Err(self.invalid("the stage does not have this register"));
                }
                return Ok(self.load_built_in(BuiltIn::PrimitiveId, Scalar::U32, 1, "vPrim"));
            }
            RegisterFile::InputGsInstanceId => {
                self.only_in(ShaderStage::Geometry)?;
                return Ok(self.load_built_in(BuiltIn::InvocationId, Scalar::U32, 1, "vGSInstanceID"));
            }
            RegisterFile::OutputControlPointId => {
                self.only_in(ShaderStage::Hull)?;
                return Ok(self.load_built_in(
                    BuiltIn::InvocationId,
                    Scalar::U32,
                    1,
                    "vOutputControlPointID",
                ));
            }
            RegisterFile::InputForkInstanceId | RegisterFile::InputJoinInstanceId => {
                self.only_in(ShaderStage::Hull)?;
                return Ok(self.load_phase_instance());
            }
            RegisterFile::InputDomainPoint => {
                self.only_in(ShaderStage::Domain)?;
                return Ok(self.load_domain_point());
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

    /// Loads the coverage that the rasterizer gives, or the one that the shader has written so far.
    pub(super) fn load_sample_mask(&mut self, class: StorageClass, name: &str) -> Value {
        let int = self.ty(Scalar::I32, 1);
        let array = self.module.array_type(int, 1);
        let variable = self.built_in(class, BuiltIn::SampleMask, array, name);
        let pointer = self.module.pointer_type(class, int);
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
            let value = self.gather_coverage(value);
            self.store_array_element(variable, 0, value);
        }
        Ok(())
    }

    /// Writes an element of an output array of scalars.
    pub(super) fn store_array_element(&mut self, array: Word, index: u32, value: Value) {
        let ty = self.ty(value.scalar, 1);
        let pointer = self.module.pointer_type(StorageClass::Output, ty);
        let index = self.module.u32(index);
        let pointer = self.module.op(Op::AccessChain, pointer, &[array, index]);
        self.module.op_void(Op::Store, &[pointer, value.id]);
    }

    /// The function `main`: inputs, program, outputs.
    pub(super) fn emit_entry_point(&mut self) -> Result<(), Error> {
        self.at = ("entry point", 0);
        match self.program.stage {
            ShaderStage::Geometry => return self.geometry_entry(),
            ShaderStage::Hull => return self.hull_entry(),
            _ => {}
        }
        let (entry, program) = (self.entry, self.registers.program);
        self.module.begin_function(entry);
        for (number, parts) in std::mem::take(&mut self.interface.inputs) {
            self.fill_input(number, &parts)?;
        }
        self.copy_vertices(Set::Inputs);
        self.fill_patch_constants()?;
        let void = self.module.void_type();
        self.module.op(Op::FunctionCall, void, &[program]);
        if self.rasterized_stream() == Some(0) {
            self.export_stream(0)?;
        }
        self.merge_outputs()?;
        if matches!(self.program.stage, ShaderStage::Vertex | ShaderStage::Domain) {
            self.export_point_size();
        }
        self.store_captures(0)?;
        self.module.op_void(Op::Return, &[]);
        self.module.end_function();
        Ok(())
    }

    /// A pointer to a declared input or output register.
    pub(super) fn file_pointer(&mut self, file: RegisterFile, number: u32) -> Result<Word, Error> {
        match self.registers.file(file) {
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
            SystemValue::Position if pixel => self.fragment_position(part)?,
            SystemValue::IsFrontFace if pixel => {
                let facing = self.load_built_in(BuiltIn::FrontFacing, Scalar::Bool, 1, "front_facing");
                self.mask_of(facing)
            }
            SystemValue::SampleIndex if pixel => {
                let present = self.target().sample_rate_shading;
                self.require(present, Capability::SampleRateShading, "sampleRateShading")?;
                self.load_built_in(BuiltIn::SampleId, Scalar::U32, 1, "sample_index")
            }
            SystemValue::PrimitiveId
            | SystemValue::RenderTargetArrayIndex
            | SystemValue::ViewportArrayIndex
                if pixel && !self.is_value_written_before(part.system_value) =>
            {
                let zero = self.module.u32(0);
                Value { id: zero, scalar: Scalar::U32, count: 1 }
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
                if pixel && !self.is_written_before(number) {
                    let zero = self.module.splat(Scalar::F32, 0, 4);
                    return Ok(Value { id: zero, scalar: Scalar::F32, count: 4 });
                }
                let variable = self.input_variable(number, parts)?;
                let ty = self.ty(variable.scalar, 4);
                let float = component_type(&self.signatures.input, number) == 3;
                let id = if float && self.moves_to_center(part) {
                    self.center_input(variable.id)?
                } else {
                    self.module.op(Op::Load, ty, &[variable.id])
                };
                Value { id, ..variable }
            }
        };
        Ok(self.cast(value, Scalar::F32))
    }

    /// Whether an input is the pixel centre's though the shader runs for each sample: D3D11 keeps it there (functional
    /// spec 3.5.4.1.1), while Vulkan lets the device choose, and NVIDIA's driver takes the sample.
    fn moves_to_center(&self, part: &Part) -> bool {
        let linear = matches!(part.interpolation, Interpolation::Linear | Interpolation::LinearNoPerspective);
        self.is_pixel() && self.reflection.per_sample && linear
    }

    /// An interpolated input at the pixel's centre.
    fn center_input(&mut self, variable: Word) -> Result<Word, Error> {
        let present = self.target().sample_rate_shading;
        self.require(present, Capability::InterpolationFunction, "sampleRateShading")?;
        let vec4 = self.ty(Scalar::F32, 4);
        let center = self.module.splat(Scalar::F32, 0, 2);
        Ok(self.module.glsl(GLOp::InterpolateAtOffset, vec4, &[variable, center]))
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
    /// `None` where the stage before does not write it, which reads as zero.
    pub(super) fn pixel_input(&mut self, number: u32) -> Result<Option<Word>, Error> {
        let parts = self.interface.inputs.get(&number).cloned();
        let parts = parts.ok_or_else(|| self.invalid("the input is not declared"))?;
        if !self.is_pixel() || parts.iter().any(|part| generated(part.system_value)) {
            return Err(self.invalid("the operand is not an interpolated pixel shader input"));
        }
        if !self.is_written_before(number) {
            return Ok(None);
        }
        self.input_variable(number, &parts).map(|variable| Some(variable.id))
    }

    /// Whether the stage before writes an input register.
    fn is_written_before(&self, number: u32) -> bool {
        self.options.previous_stage_outputs.is_none_or(|mask| mask >> (number & 31) & 1 != 0)
    }

    /// Whether a pixel shader gets a system value from the stage before, or the rasterizer behind it.
    fn is_value_written_before(&self, value: SystemValue) -> bool {
        self.options
            .previous_stage_system_values
            .is_none_or(|values| values >> (value.number() & 31) & 1 != 0)
    }

    /// The inputs that can be interpolated anew.
    pub(super) fn interpolated_inputs(&self) -> Vec<u32> {
        let whole = |parts: &[Part]| parts.iter().all(|part| !generated(part.system_value));
        self.interface.inputs.iter().filter(|(_, parts)| whole(parts)).map(|(number, _)| *number).collect()
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

    /// SV_Position of a pixel shader. Its w is that of the vertex; Vulkan's is the reciprocal. Where the shader runs for
    /// each sample, Vulkan's is the sample's, but D3D11's only if it is declared so, else that of the pixel's centre.
    fn fragment_position(&mut self, part: &Part) -> Result<Value, Error> {
        let mut position = self.load_built_in(BuiltIn::FragCoord, Scalar::F32, 4, "position");
        if self.reflection.per_sample && !at_sample(part.interpolation) {
            position.id = self.center_position(position)?;
        }
        let w = self.pick(position, &[3])?;
        let float = self.ty(Scalar::F32, 1);
        let vec4 = self.ty(Scalar::F32, 4);
        let one = self.module.f32(1.0);
        let w = self.module.op(Op::FDiv, float, &[one, w.id]);
        let id = self.module.op(Op::CompositeInsert, vec4, &[w, position.id, 3]);
        Ok(Value { id, ..position })
    }

    /// The position of the pixel's centre from that of a sample. z and 1 / w are linear on the screen.
    fn center_position(&mut self, position: Value) -> Result<Word, Error> {
        let (vec2, vec4) = (self.ty(Scalar::F32, 2), self.ty(Scalar::F32, 4));
        let (place, rest) = (self.pick(position, &[0, 1])?, self.pick(position, &[2, 3])?);
        let half = self.module.splat(Scalar::F32, 0.5f32.to_bits(), 2);
        let corner = self.module.glsl(GLOp::Floor, vec2, &[place.id]);
        let center = self.module.op(Op::FAdd, vec2, &[corner, half]);
        let offset = self.module.op(Op::FSub, vec2, &[center, place.id]);
        let offset = Value { id: offset, scalar: Scalar::F32, count: 2 };
        let mut moved = rest.id;
        for (axis, derivative) in [(0, Op::DPdx), (1, Op::DPdy)] {
            let slope = self.module.op(derivative, vec2, &[rest.id]);
            let distance = self.pick(offset, &[axis, axis])?;
            let step = self.module.op(Op::FMul, vec2, &[slope, distance.id]);
            moved = self.module.op(Op::FAdd, vec2, &[moved, step]);
        }
        Ok(self.module.op(Op::CompositeConstruct, vec4, &[center, moved]))
    }

    pub(super) fn geometry_input(&mut self, built_in: BuiltIn, name: &str) -> Result<Value, Error> {
        let present = self.target().geometry_shader;
        self.require(present, Capability::Geometry, "geometryShader")?;
        Ok(self.load_built_in(built_in, Scalar::U32, 1, name))
    }

    /// Writes output register `number` to the interface.
    pub(super) fn export_output(&mut self, number: u32, parts: &[Part]) -> Result<(), Error> {
        let pointer = self.file_pointer(RegisterFile::Output, number)?;
        let vec4 = self.ty(Scalar::F32, 4);
        let value = Value { id: self.module.op(Op::Load, vec4, &[pointer]), scalar: Scalar::F32, count: 4 };
        if self.is_pixel() {
            return self.export_color(number, value);
        }
        let geometry = self.program.stage == ShaderStage::Geometry;
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
                    if !geometry {
                        let present = self.target().shader_output_layer;
                        self.require(present, Capability::ShaderLayer, "shaderOutputLayer")?;
                    }
                    self.export_integer(BuiltIn::Layer, value, first, "layer")?;
                }
                SystemValue::ViewportArrayIndex => {
                    let target = *self.target();
                    if geometry {
                        self.require(target.multi_viewport, Capability::MultiViewport, "multiViewport")?;
                    } else {
                        let present = target.shader_output_viewport_index;
                        self.require(present, Capability::ShaderViewportIndex, "shaderOutputViewportIndex")?;
                    }
                    self.export_integer(BuiltIn::ViewportIndex, value, first, "viewport_index")?;
                }
                SystemValue::PrimitiveId if geometry => {
                    self.export_integer(BuiltIn::PrimitiveId, value, first, "primitive_id")?;
                }
                SystemValue::Undefined
                | SystemValue::ClipDistance
                | SystemValue::CullDistance
                | SystemValue::VertexId
                | SystemValue::InstanceId
                | SystemValue::PrimitiveId => {}
                SystemValue::IsFrontFace | SystemValue::SampleIndex | SystemValue::TessFactor(_) => {
                    return Err(Error::Invalid {
                        opcode: "dcl_output",
                        offset: 0,
                        rule: "the stage cannot write this system value",
                    });
                }
            }
            located |= location(self.program.stage, number, part.system_value, false, true).is_some();
        }
        if located {
            let variable = self.module.variable(StorageClass::Output, vec4, None, &format!("out{number}"));
            self.module.decorate(variable, Decoration::Location, &[number]);
            self.capture_register(number, variable);
            if let Some(stream) = self.geometry.main {
                self.name_stream(variable, stream);
            }
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
        if let Some(forced) = self.forced() {
            self.interface.colors.push((number, value));
            if forced.blending.is_some() {
                return Ok(());
            }
        }
        let scalar = signature_scalar(component_type(&self.signatures.output, number));
        let ty = self.ty(scalar, 4);
        let dual = self.options.dual_source_blend;
        let unused = self.options.unused_outputs.checked_shr(number).unwrap_or(0) & 1 != 0;
        if dual && number > 1 || unused {
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
    pub(super) fn export_distances(
        &mut self,
        outputs: &BTreeMap<u32, Vec<Part>>,
        kind: SystemValue,
    ) -> Result<(), Error> {
        // Both kinds share one limit.
        let (mut components, mut all) = (Vec::new(), 0);
        for (number, parts) in outputs {
            for part in parts {
                let list = mask_components(part.mask);
                let list = list.as_slice().unwrap_or_default();
                if matches!(part.system_value, SystemValue::ClipDistance | SystemValue::CullDistance) {
                    all += list.len();
                }
                if part.system_value == kind {
                    components.extend(list.iter().map(|component| (*number, *component)));
                }
            }
        }
        if components.is_empty() {
            return Ok(());
        }
        if all > limits::DISTANCES {
            let (value, limit) = (all as u64, limits::DISTANCES as u64);
            return Err(Error::Limit { what: "clip and cull distances", value, limit });
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

/// Adds a declared part of register `number`. Code and time grow with the parts, so that repetitions do not count and
/// there are no more than components.
pub(super) fn add_part(
    registers: &mut BTreeMap<u32, Vec<Part>>,
    number: u32,
    part: Part,
) -> Result<(), Error> {
    let parts = registers.entry(number).or_default();
    if parts.contains(&part) {
        return Ok(());
    }
    if parts.len() >= limits::REGISTER_PARTS {
        let (value, limit) = (parts.len() as u64 + 1, limits::REGISTER_PARTS as u64);
        return Err(Error::Limit { what: "declarations of one register", value, limit });
    }
    parts.push(part);
    Ok(())
}

/// Whether the rasterizer makes the value, rather than the stage before.
fn generated(value: SystemValue) -> bool {
    !matches!(value, SystemValue::Undefined | SystemValue::ClipDistance | SystemValue::CullDistance)
}

/// Whether an interpolation mode asks for the place of the sample.
fn at_sample(mode: Interpolation) -> bool {
    matches!(mode, Interpolation::LinearSample | Interpolation::LinearNoPerspectiveSample)
}

fn is_integer(built_in: BuiltIn) -> bool {
    matches!(built_in, BuiltIn::PrimitiveId | BuiltIn::Layer | BuiltIn::ViewportIndex | BuiltIn::SampleId)
        || matches!(built_in, BuiltIn::SampleMask)
}
