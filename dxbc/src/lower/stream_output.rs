//! Stream output as transform feedback.
//!
//! A register that is captured whole, and goes to the rasterizer as it is, is captured in its own variable. All else
//! (parts of registers, further captures of one register, built-ins, streams that are not rasterized) is written to
//! variables made for that, at locations that the stage does not use.

use std::collections::{BTreeMap, BTreeSet};

use rspirv::spirv::{Capability, Decoration, ExecutionMode, Op, StorageClass, Word};

use super::{Lowering, Value};
use crate::ir::Scalar;
use crate::reflection::location;
use crate::stream_output::Placed;
use crate::token::operand::RegisterFile;
use crate::token::program::ShaderStage;
use crate::{Error, limits};

/// What stream output captures.
#[derive(Debug, Default)]
pub struct Captures {
    placed: Vec<Placed>,
    /// Registers of the rasterized stream whose own variable is captured.
    direct: BTreeMap<u32, Placed>,
    /// The captures with variables of their own.
    separate: Vec<(Placed, Word)>,
}

impl Captures {
    /// The streams that are captured, stream 0 in bit 0.
    pub fn streams(&self) -> u8 {
        self.placed.iter().fold(0, |mask, entry| mask | 1 << (entry.stream & 3))
    }
}

/// Locations for variables made for captures, filled component by component. Streams do not share one.
struct Locations {
    used: BTreeSet<u32>,
    /// The stream of a location, and its first free component.
    open: BTreeMap<u32, (u32, u32)>,
}

impl Locations {
    fn take(&mut self, stream: u32, count: u32) -> Result<(u32, u32), Error> {
        for (location, (owner, free)) in &mut self.open {
            if *owner == stream && *free + count <= 4 {
                *free += count;
                return Ok((*location, *free - count));
            }
        }
        let fresh = (0..limits::IO_REGISTERS).find(|location| !self.used.contains(location));
        let Some(fresh) = fresh else {
            return Err(Error::Limit {
                what: "locations of outputs with stream output",
                value: u64::from(limits::IO_REGISTERS) + 1,
                limit: limits::IO_REGISTERS.into(),
            });
        };
        self.used.insert(fresh);
        self.open.insert(fresh, (stream, count));
        Ok((fresh, 0))
    }
}

impl Lowering<'_> {
    /// The stream that goes to the rasterizer.
    pub(super) fn rasterized_stream(&self) -> Option<u32> {
        match self.options.stream_output {
            Some(output) => output.rasterized_stream,
            None => Some(0),
        }
    }

    /// Checks the stream-output declaration.
    pub(super) fn place_captures(&mut self) -> Result<(), Error> {
        let Some(output) = self.options.stream_output else { return Ok(()) };
        let invalid = |rule| Error::Invalid { opcode: "stream output", offset: 0, rule };
        let stage = self.program.stage;
        if !matches!(stage, ShaderStage::Vertex | ShaderStage::Domain | ShaderStage::Geometry) {
            return Err(invalid("the stage has no stream output"));
        }
        let (placed, reflection) = output.place()?;
        for entry in &placed {
            if stage != ShaderStage::Geometry && entry.stream != 0 {
                return Err(invalid("only a geometry shader has several streams"));
            }
            let parts = self.interface.outputs.get(&entry.register);
            if !parts.is_some_and(|parts| parts.iter().any(|part| part.stream == entry.stream)) {
                return Err(invalid("a captured register is not an output of its stream"));
            }
        }
        self.reflection.stream_output = Some(reflection);
        if !placed.is_empty() {
            let present = self.target().transform_feedback;
            self.require(present, Capability::TransformFeedback, "transformFeedback")?;
            self.module.execution_mode(self.entry, ExecutionMode::Xfb, &[]);
        }
        self.captures.placed = placed;
        Ok(())
    }

    /// Decides which variable each capture is taken from, and declares those made for it.
    pub(super) fn declare_captures(&mut self) -> Result<(), Error> {
        let (stage, rasterized) = (self.program.stage, self.rasterized_stream());
        let located = |parts: &[super::interface::Part], stream| {
            parts.iter().any(|part| {
                part.stream == stream && location(stage, 0, part.system_value, false, true).is_some()
            })
        };
        let mut used = BTreeSet::new();
        if let Some(stream) = rasterized {
            let outputs = self.interface.outputs.iter();
            used.extend(outputs.filter(|(_, parts)| located(parts, stream)).map(|(number, _)| *number));
        }
        let mut locations = Locations { used: used.clone(), open: BTreeMap::new() };
        for entry in self.captures.placed.clone() {
            let whole =
                entry.count == 4 && Some(entry.stream) == rasterized && used.contains(&entry.register);
            if whole && !self.captures.direct.contains_key(&entry.register) {
                self.captures.direct.insert(entry.register, entry);
                continue;
            }
            let (location, component) = locations.take(entry.stream, entry.count)?;
            let ty = self.ty(Scalar::F32, entry.count as usize);
            let name = format!("capture{}_{}", entry.buffer, entry.offset);
            let variable = self.module.variable(StorageClass::Output, ty, None, &name);
            self.module.decorate(variable, Decoration::Location, &[location]);
            if component != 0 {
                self.module.decorate(variable, Decoration::Component, &[component]);
            }
            self.name_stream(variable, entry.stream);
            self.place_capture(variable, &entry);
            self.captures.separate.push((entry, variable));
        }
        Ok(())
    }

    fn place_capture(&mut self, variable: Word, entry: &Placed) {
        let buffers = self.reflection.stream_output.map(|output| output.buffers);
        let buffer = buffers.and_then(|buffers| buffers.get(entry.buffer as usize).copied().flatten());
        let stride = buffer.map_or(0, |buffer| buffer.stride);
        self.module.decorate(variable, Decoration::XfbBuffer, &[entry.buffer]);
        self.module.decorate(variable, Decoration::XfbStride, &[stride]);
        self.module.decorate(variable, Decoration::Offset, &[entry.offset]);
    }

    /// Captures the variable of an output register, if that is how it is captured.
    pub(super) fn capture_register(&mut self, number: u32, variable: Word) {
        if let Some(entry) = self.captures.direct.get(&number).copied() {
            self.place_capture(variable, &entry);
        }
    }

    /// Writes the variables made for captures of a stream.
    pub(super) fn store_captures(&mut self, stream: u32) -> Result<(), Error> {
        for (entry, variable) in self.captures.separate.clone() {
            if entry.stream != stream {
                continue;
            }
            let pointer = self.file_pointer(RegisterFile::Output, entry.register)?;
            let vec4 = self.ty(Scalar::F32, 4);
            let id = self.module.op(Op::Load, vec4, &[pointer]);
            let picked: Vec<usize> = (entry.first..entry.first + entry.count).map(|n| n as usize).collect();
            let value = self.pick(Value { id, scalar: Scalar::F32, count: 4 }, &picked)?;
            self.module.op_void(Op::Store, &[variable, value.id]);
        }
        Ok(())
    }
}
