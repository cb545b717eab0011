//! Geometry shaders: vertices and strips that are emitted to streams.
//!
//! A vertex takes the output registers as they are at that moment; a function for each stream copies them to the
//! interface. D3D11 leaves the registers uninitialised afterwards; here they keep their values.

use rspirv::spirv::{BuiltIn, Capability, Decoration, ExecutionMode, Op, StorageClass, Word};

use super::Lowering;
use crate::Error;
use crate::ir::Scalar;
use crate::reflection::stages::GeometryReflection;
use crate::token::declaration::SystemValue;
use crate::token::opcode::Opcode;
use crate::token::operand::{Operand, RegisterFile};
use crate::token::program::{Instruction, ShaderStage};
use crate::token::stage::{InputPrimitive, OutputTopology};

/// The streams of a geometry shader.
#[derive(Debug, Default)]
pub struct Geometry {
    /// The stream that goes to the rasterizer.
    rasterized: Option<u32>,
    /// The stream whose vertices have built-ins: the rasterized one, or any that is captured.
    pub main: Option<u32>,
    /// Streams that go to the rasterizer or to a buffer, stream 0 in bit 0.
    live: u8,
    /// The module names streams.
    named: bool,
    /// The function that emits a vertex to a stream, once it is called.
    functions: [Option<Word>; 4],
    /// How many vertices this instance has emitted, where that could become too many.
    emitted: Option<Word>,
}

impl Geometry {
    fn is_live(&self, stream: u32) -> bool {
        self.live >> (stream & 3) & 1 != 0
    }
}

impl Lowering<'_> {
    fn geometry_facts(&self) -> Result<GeometryReflection, Error> {
        self.reflection.geometry.ok_or_else(|| self.invalid("only a geometry shader has streams"))
    }

    /// Decides which streams matter. Their captures are known by now.
    pub(super) fn prepare_geometry(&mut self) -> Result<(), Error> {
        let facts = self.geometry_facts()?;
        let target = *self.target();
        self.require(target.geometry_shader, Capability::Geometry, "geometryShader")?;
        self.geometry.rasterized = self.rasterized_stream();
        let rasterized = self.geometry.rasterized.map_or(0, |stream| 1 << (stream & 3));
        self.geometry.live = facts.streams & (rasterized | self.captures.streams());
        if self.geometry.live == 0 {
            self.geometry.live = 1 << facts.streams.trailing_zeros();
        }
        let first = self.geometry.live.trailing_zeros();
        self.geometry.main = Some(self.geometry.rasterized.unwrap_or(first));
        self.geometry.named = self.geometry.live & !1 != 0;
        if self.geometry.named {
            self.require(target.geometry_streams, Capability::GeometryStreams, "geometryStreams")?;
        }
        // Without loops and subroutines, the vertices are counted here.
        let instructions = &self.program.instructions;
        let emits = instructions.iter().filter(|instruction| emits(instruction.opcode)).count();
        let repeats =
            instructions.iter().any(|instruction| matches!(instruction.opcode, Opcode::Loop | Opcode::Label));
        if repeats || emits > facts.max_output_vertices as usize {
            let uint = self.ty(Scalar::U32, 1);
            let zero = self.module.u32(0);
            let emitted = self.module.variable(StorageClass::Private, uint, Some(zero), "emitted");
            self.geometry.emitted = Some(emitted);
        }
        self.vertices.count = match facts.input_primitive {
            // Other lists of so many vertices do not exist in Vulkan.
            InputPrimitive::Patch(points) if !matches!(points, 1..=4 | 6) => {
                return Err(Error::Unsupported { what: "geometry shaders of patches of this size" });
            }
            primitive => primitive.vertices(),
        };
        Ok(())
    }

    /// Decorates an output with its stream, where streams have names.
    pub(super) fn name_stream(&mut self, variable: Word, stream: u32) {
        if self.geometry.named {
            self.module.decorate(variable, Decoration::Stream, &[stream]);
        }
    }

    /// `emit`, `cut`, and the forms that do both or name a stream.
    pub(super) fn geometry(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let facts = self.geometry_facts()?;
        let opcode = instruction.opcode;
        let stream = match self.program.operands(instruction).next() {
            None => Some(0),
            Some(operand) if operand.file == RegisterFile::Stream => Operand::register(operand),
            Some(_) => None,
        };
        let stream = stream.filter(|stream| *stream < 4 && facts.streams >> stream & 1 != 0);
        let stream = stream.ok_or_else(|| self.invalid("the stream is not declared"))?;
        if emits(opcode) && (self.geometry.is_live(stream) || self.geometry.emitted.is_some()) {
            let known = self.geometry.functions.get(stream as usize).copied().flatten();
            let function = known.unwrap_or_else(|| self.module.id());
            if let Some(slot) = self.geometry.functions.get_mut(stream as usize) {
                *slot = Some(function);
            }
            let void = self.module.void_type();
            self.module.op(Op::FunctionCall, void, &[function]);
        }
        let cuts = !matches!(opcode, Opcode::Emit | Opcode::EmitStream);
        if cuts && self.geometry.is_live(stream) {
            self.on_stream(Op::EndPrimitive, Op::EndStreamPrimitive, stream);
        }
        Ok(())
    }

    fn on_stream(&mut self, plain: Op, named: Op, stream: u32) {
        if self.geometry.named {
            let stream = self.module.u32(stream);
            self.module.op_void(named, &[stream]);
        } else {
            self.module.op_void(plain, &[]);
        }
    }

    /// Writes the functions that emit vertices, and `main`.
    pub(super) fn geometry_entry(&mut self) -> Result<(), Error> {
        let facts = self.geometry_facts()?;
        for stream in 0..4 {
            if let Some(function) = self.geometry.functions.get(stream as usize).copied().flatten() {
                self.emit_function(function, stream, facts)?;
            }
        }
        let (entry, program) = (self.entry, self.registers.program);
        self.module.begin_function(entry);
        self.copy_vertices(super::control_point::Set::Inputs);
        let void = self.module.void_type();
        self.module.op(Op::FunctionCall, void, &[program]);
        self.module.op_void(Op::Return, &[]);
        self.module.end_function();
        Ok(())
    }

    fn emit_function(&mut self, function: Word, stream: u32, facts: GeometryReflection) -> Result<(), Error> {
        // The count must still be there when it is called again.
        self.module.begin_subroutine(function);
        let (uint, truth) = (self.ty(Scalar::U32, 1), self.ty(Scalar::Bool, 1));
        let counted = self.geometry.emitted.map(|variable| {
            let count = self.module.op(Op::Load, uint, &[variable]);
            let most = self.module.u32(facts.max_output_vertices);
            let fits = self.module.op(Op::ULessThan, truth, &[count, most]);
            let [then, merge] = [(); 2].map(|()| self.module.id());
            self.module.branch_conditional(fits, then, merge, merge);
            self.module.label(then);
            (variable, count, merge)
        });
        if self.geometry.is_live(stream) {
            if self.geometry.rasterized == Some(stream) {
                self.export_stream(stream)?;
            }
            if self.geometry.main == Some(stream) && facts.output_topology == OutputTopology::PointList {
                self.export_point_size();
            }
            self.store_captures(stream)?;
            self.on_stream(Op::EmitVertex, Op::EmitStreamVertex, stream);
        }
        if let Some((variable, count, merge)) = counted {
            let one = self.module.u32(1);
            let next = self.module.op(Op::IAdd, uint, &[count, one]);
            self.module.op_void(Op::Store, &[variable, next]);
            self.module.branch(merge);
            self.module.label(merge);
        }
        self.module.op_void(Op::Return, &[]);
        self.module.end_function();
        Ok(())
    }

    /// Copies the outputs of a stream to the interface.
    pub(super) fn export_stream(&mut self, stream: u32) -> Result<(), Error> {
        let mut outputs = self.interface.outputs.clone();
        for parts in outputs.values_mut() {
            parts.retain(|part| part.stream == stream);
        }
        for (number, parts) in outputs.iter().filter(|(_, parts)| !parts.is_empty()) {
            self.export_output(*number, parts)?;
        }
        if self.is_pixel() {
            return Ok(());
        }
        self.export_distances(&outputs, SystemValue::ClipDistance)?;
        self.export_distances(&outputs, SystemValue::CullDistance)
    }

    /// D3D11 points have one pixel; Vulkan leaves a size that is not written undefined, and demands one even where
    /// points are only captured.
    pub(super) fn export_point_size(&mut self) {
        if self.program.stage != ShaderStage::Vertex {
            if !self.target().shader_tessellation_and_geometry_point_size {
                return;
            }
            self.module.capability(match self.program.stage {
                ShaderStage::Geometry => Capability::GeometryPointSize,
                _ => Capability::TessellationPointSize,
            });
        }
        let float = self.ty(Scalar::F32, 1);
        let variable = self.built_in(StorageClass::Output, BuiltIn::PointSize, float, "point_size");
        let one = self.module.f32(1.0);
        self.module.op_void(Op::Store, &[variable, one]);
    }

    pub(super) fn geometry_modes(&mut self) -> Result<(), Error> {
        let (entry, facts) = (self.entry, self.geometry_facts()?);
        // A patch arrives as the list with as many vertices.
        let input = match facts.input_primitive.vertices() {
            1 => ExecutionMode::InputPoints,
            2 => ExecutionMode::InputLines,
            3 => ExecutionMode::Triangles,
            4 => ExecutionMode::InputLinesAdjacency,
            _ => ExecutionMode::InputTrianglesAdjacency,
        };
        let output = match facts.output_topology {
            OutputTopology::PointList => ExecutionMode::OutputPoints,
            OutputTopology::LineStrip => ExecutionMode::OutputLineStrip,
            OutputTopology::TriangleStrip => ExecutionMode::OutputTriangleStrip,
        };
        self.module.execution_mode(entry, input, &[]);
        self.module.execution_mode(entry, ExecutionMode::Invocations, &[facts.instances]);
        self.module.execution_mode(entry, output, &[]);
        self.module.execution_mode(entry, ExecutionMode::OutputVertices, &[facts.max_output_vertices]);
        Ok(())
    }
}

fn emits(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::Emit | Opcode::EmitThenCut | Opcode::EmitStream | Opcode::EmitThenCutStream)
}
