//! Questions about resources (sizes, levels, samples) and inputs interpolated at another place.

use rspirv::spirv::{Capability, Dim, GlslStd450Op as GLOp, Op, Word};

use super::resource::Shape;
use super::{Lowering, Value};
use crate::Error;
use crate::ir::Scalar;
use crate::reflection::SAMPLE_COUNT_SPEC_ID;
use crate::token::declaration::ViewKind;
use crate::token::opcode::Opcode;
use crate::token::operand::{Index, Operand, RegisterFile};
use crate::token::program::{InfoReturn, Instruction};

/// The standard sample positions of 1, 2, 4, 8 and 16 samples, in sixteenths of a pixel from its centre; the pattern
/// of n samples starts at entry n. Source: D3D11 `D3D11_STANDARD_MULTISAMPLE_PATTERN`; Vulkan's standard is the same.
const SAMPLE_POSITIONS: [(i8, i8); 32] = [
    (0, 0),
    (0, 0),
    (4, 4),
    (-4, -4),
    (-2, -6),
    (6, -2),
    (-6, 2),
    (2, 6),
    (1, -3),
    (-1, 3),
    (5, 1),
    (-3, -5),
    (-5, 5),
    (-7, -1),
    (3, 7),
    (7, -7),
    (1, 1),
    (-1, -3),
    (-3, 2),
    (4, -1),
    (-5, -2),
    (2, 5),
    (5, 3),
    (3, -5),
    (-2, 6),
    (0, -7),
    (-4, -6),
    (-6, 4),
    (-8, 0),
    (7, -4),
    (6, 7),
    (-7, -8),
];

impl Lowering<'_> {
    pub(super) fn query(&mut self, instruction: &Instruction) -> Result<(), Error> {
        self.module.capability(Capability::ImageQuery);
        match instruction.opcode {
            Opcode::ResInfo => self.resource_info(instruction),
            Opcode::BufInfo => self.buffer_info(instruction),
            Opcode::SampleInfo => self.sample_info(instruction),
            Opcode::SamplePos => self.sample_position(instruction),
            _ => Err(self.invalid("this is not a query")),
        }
    }

    /// `resinfo`: width, height, depth or layers, and the number of levels. A level that does not exist has size zero.
    fn resource_info(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let [destination, level, resource] = self.operands(instruction)?;
        let format =
            instruction.resinfo_return().ok_or_else(|| self.invalid("the return type is undefined"))?;
        let image = self.image_of(&resource)?;
        let shape = Shape::of(image.dimension);
        let uint = self.ty(Scalar::U32, 1);
        let texture = self.module.op(Op::Load, image.ty, &[image.variable]);
        let count = size_components(&shape);
        let size_ty = self.ty(Scalar::U32, count);
        let with_levels =
            resource.file == RegisterFile::Resource && !shape.multisampled && shape.dim != Dim::DimBuffer;
        let one = self.module.u32(1);
        let zero = self.module.u32(0);
        let level = self.load_component(&level, 0, Scalar::U32)?;
        let (mut size, levels) = if with_levels {
            let levels = self.module.op(Op::ImageQueryLevels, uint, &[texture]);
            // SPIR-V leaves the size of a missing level undefined.
            let last = self.module.op(Op::ISub, uint, &[levels, one]);
            let nearest = self.module.glsl(GLOp::UMin, uint, &[level, last]);
            let size = self.module.op(Op::ImageQuerySizeLod, size_ty, &[texture, nearest]);
            (Value { id: size, scalar: Scalar::U32, count }, levels)
        } else {
            let size = self.module.op(Op::ImageQuerySize, size_ty, &[texture]);
            let size = Value { id: size, scalar: Scalar::U32, count };
            // One level, or none where nothing is bound: then all sizes are zero.
            let width = self.pick(size, &[0])?;
            (size, self.module.glsl(GLOp::UMin, uint, &[width.id, one]))
        };
        let bools = self.ty(Scalar::Bool, 1);
        let exists = self.module.op(Op::ULessThan, bools, &[level, levels]);
        let zeros = self.module.splat(Scalar::U32, 0, count);
        let exists = self.repeat(Value { id: exists, scalar: Scalar::Bool, count: 1 }, count);
        size.id = self.module.op(Op::Select, size_ty, &[exists.id, size.id, zeros]);
        let mut parts = [zero; 4];
        for (n, part) in parts.iter_mut().enumerate().take(count) {
            *part = self.pick(size, &[n])?.id;
        }
        parts[3] = levels;
        let scalar = if format == InfoReturn::Uint { Scalar::U32 } else { Scalar::F32 };
        if scalar == Scalar::F32 {
            let float = self.ty(Scalar::F32, 1);
            let one = self.module.f32(1.0);
            for (n, part) in parts.iter_mut().enumerate() {
                *part = self.module.op(Op::ConvertUToF, float, &[*part]);
                // Neither layers nor levels are reciprocals.
                if format == InfoReturn::ReciprocalFloat && n < shape.size_dimensions() {
                    *part = self.module.op(Op::FDiv, float, &[one, *part]);
                }
            }
        }
        let value = self.join(&parts, scalar)?;
        self.store_texel(instruction, &destination, &resource, value)
    }

    /// `bufinfo`: elements of a typed or structured view, bytes of a raw one.
    fn buffer_info(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let [destination, resource] = self.operands(instruction)?;
        let uint = self.ty(Scalar::U32, 1);
        let (view, _) = self.view(&resource)?;
        let id = match view.kind {
            ViewKind::Typed { .. } => {
                let image = self.image_of(&resource)?;
                if Shape::of(image.dimension).dim != Dim::DimBuffer {
                    return Err(self.invalid("the view is not one of a buffer"));
                }
                let texture = self.module.op(Op::Load, image.ty, &[image.variable]);
                self.module.op(Op::ImageQuerySize, uint, &[texture])
            }
            ViewKind::Raw => {
                let dwords = self.dword_count(&resource)?;
                let two = self.module.u32(2);
                self.module.op(Op::ShiftLeftLogical, uint, &[dwords, two])
            }
            ViewKind::Structured { stride } => {
                let dwords = self.dword_count(&resource)?;
                let stride = self.module.u32(stride / 4);
                self.module.op(Op::UDiv, uint, &[dwords, stride])
            }
        };
        let value = self.repeat(Value { id, scalar: Scalar::U32, count: 1 }, 4);
        self.store_texel(instruction, &destination, &resource, value)
    }

    fn dword_count(&mut self, resource: &Operand) -> Result<Word, Error> {
        let variable = self.dword_buffer(resource)?;
        let uint = self.ty(Scalar::U32, 1);
        let count = self.module.op(Op::ArrayLength, uint, &[variable, 0]);
        let Some(start) = self.view_start(resource)? else { return Ok(count) };
        // Nothing bound has no dwords, and no start.
        Ok(self.module.op(Op::ISub, uint, &[count, start]))
    }

    /// The number of samples of a texture, or of the render targets.
    fn sample_count(&mut self, resource: &Operand) -> Result<Word, Error> {
        if resource.file == RegisterFile::Rasterizer {
            return Ok(self.module.spec_constant(SAMPLE_COUNT_SPEC_ID, 1));
        }
        let image = self.image_of(resource)?;
        if !Shape::of(image.dimension).multisampled {
            return Err(self.invalid("the texture is not multisampled"));
        }
        let uint = self.ty(Scalar::U32, 1);
        let texture = self.module.op(Op::Load, image.ty, &[image.variable]);
        Ok(self.module.op(Op::ImageQuerySamples, uint, &[texture]))
    }

    fn sample_info(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let [destination, resource] = self.operands(instruction)?;
        let format =
            instruction.sampleinfo_return().ok_or_else(|| self.invalid("the return type is undefined"))?;
        let count = self.sample_count(&resource)?;
        let zero = self.module.u32(0);
        let mut value = self.join(&[count, zero, zero, zero], Scalar::U32)?;
        if format != InfoReturn::Uint {
            let ty = self.ty(Scalar::F32, 4);
            value =
                Value { id: self.module.op(Op::ConvertUToF, ty, &[value.id]), scalar: Scalar::F32, count: 4 };
        }
        self.store_texel(instruction, &destination, &resource, value)
    }

    /// `samplepos`: where a sample lies in the standard pattern; zero if there is no such sample or pattern.
    fn sample_position(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let [destination, resource, index] = self.operands(instruction)?;
        let count = self.sample_count(&resource)?;
        let index = self.load_component(&index, 0, Scalar::U32)?;
        let table = self.sample_positions();
        let (uint, bools) = (self.ty(Scalar::U32, 1), self.ty(Scalar::Bool, 1));
        let zero = self.module.u32(0);
        let most = self.module.u32(16);
        let exists = self.module.op(Op::ULessThan, bools, &[index, count]);
        let known = self.module.op(Op::ULessThanEqual, bools, &[count, most]);
        let exists = self.module.op(Op::LogicalAnd, bools, &[exists, known]);
        let entry = self.module.op(Op::IAdd, uint, &[count, index]);
        let entry = self.module.op(Op::Select, uint, &[exists, entry, zero]);
        let pointer = self.element_pointer(table, entry);
        let ty = self.ty(Scalar::F32, 4);
        let id = self.module.op(Op::Load, ty, &[pointer]);
        self.store_texel(instruction, &destination, &resource, Value { id, scalar: Scalar::F32, count: 4 })
    }

    /// A private array of the sample positions.
    fn sample_positions(&mut self) -> Word {
        if let Some(id) = self.registers.sample_positions {
            return id;
        }
        let parts = SAMPLE_POSITIONS.map(|(x, y)| {
            let bits = [f32::from(x) / 16.0, f32::from(y) / 16.0, 0.0, 0.0].map(f32::to_bits);
            self.module.constant_vector(Scalar::F32, &bits)
        });
        let vec4 = self.ty(Scalar::F32, 4);
        let ty = self.module.array_type(vec4, 32);
        let initial = self.module.constant_composite(ty, &parts);
        let class = rspirv::spirv::StorageClass::Private;
        let id = self.module.variable(class, ty, Some(initial), "sample_positions");
        self.registers.sample_positions = Some(id);
        id
    }

    /// `eval_centroid`, `eval_sample_index`, `eval_snapped`: an input interpolated anew.
    pub(super) fn evaluate(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let operands: Vec<Operand> = self.program.operands(instruction).copied().collect();
        let [destination, input, place @ ..] = operands.as_slice() else {
            return Err(self.invalid("operands are missing"));
        };
        let ([index], RegisterFile::Input) = (input.indices(), input.file) else {
            return Err(self.invalid("the operand is not an input register"));
        };
        let present = self.target().sample_rate_shading;
        self.require(present, Capability::InterpolationFunction, "sampleRateShading")?;
        let (glsl, place) = match (instruction.opcode, place) {
            (Opcode::EvalCentroid, []) => (GLOp::InterpolateAtCentroid, None),
            (Opcode::EvalSampleIndex, [sample]) => {
                (GLOp::InterpolateAtSample, Some(self.load_component(sample, 0, Scalar::I32)?))
            }
            (Opcode::EvalSnapped, [offset]) => {
                // The low four bits, signed, are sixteenths of a pixel from its centre.
                let offset = self.leading(offset, 2, Scalar::I32)?;
                let (int2, float2) = (self.ty(Scalar::I32, 2), self.ty(Scalar::F32, 2));
                let (zero, bits) = (self.module.u32(0), self.module.u32(4));
                let offset = self.module.op(Op::BitFieldSExtract, int2, &[offset.id, zero, bits]);
                let offset = self.module.op(Op::ConvertSToF, float2, &[offset]);
                let step = self.module.splat(Scalar::F32, 0.0625f32.to_bits(), 2);
                (GLOp::InterpolateAtOffset, Some(self.module.op(Op::FMul, float2, &[offset, step])))
            }
            _ => return Err(self.invalid("operands are missing")),
        };
        let id = if index.relative.is_some() {
            self.interpolate_computed(index, glsl, place)?
        } else {
            self.interpolate_anew(index.base, glsl, place)?
        };
        self.store_texel(instruction, destination, input, Value { id, scalar: Scalar::F32, count: 4 })
    }

    /// Interpolates one input.
    fn interpolate_anew(&mut self, number: u32, glsl: GLOp, place: Option<Word>) -> Result<Word, Error> {
        let Some(variable) = self.pixel_input(number)? else {
            return Ok(self.module.splat(Scalar::F32, 0, 4));
        };
        let ty = self.ty(Scalar::F32, 4);
        Ok(match place {
            Some(place) => self.module.glsl(glsl, ty, &[variable, place]),
            None => self.module.glsl(glsl, ty, &[variable]),
        })
    }

    /// Interpolates the input that a computed index names: each that it can be, since SPIR-V wants the variable.
    fn interpolate_computed(
        &mut self,
        index: &Index,
        glsl: GLOp,
        place: Option<Word>,
    ) -> Result<Word, Error> {
        let number = self.index(index, u32::MAX)?;
        let (bool_type, ty) = (self.ty(Scalar::Bool, 1), self.ty(Scalar::F32, 4));
        let mut chosen = self.module.splat(Scalar::F32, 0, 4);
        for candidate in self.interpolated_inputs() {
            let value = self.interpolate_anew(candidate, glsl, place)?;
            let candidate = self.module.u32(candidate);
            let hit = self.module.op(Op::IEqual, bool_type, &[number, candidate]);
            chosen = self.module.op(Op::Select, ty, &[hit, value, chosen]);
        }
        Ok(chosen)
    }
}

/// Components of an image's size, layers included.
fn size_components(shape: &Shape) -> usize {
    shape.size_dimensions() + usize::from(shape.arrayed)
}

impl Shape {
    /// Dimensions that have a size: a cube's coordinates are three, but its faces have two.
    fn size_dimensions(&self) -> usize {
        if self.dim == Dim::DimCube { 2 } else { self.coordinates }
    }
}
