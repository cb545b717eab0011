//! Texture and typed buffer access: sampling, gathering, loads, stores, and the level of detail.

use rspirv::spirv::{Capability, Dim, GlslStd450Op as GLOp, ImageOperands, Op, Word};

use super::resource::{Image, Shape};
use super::{Lowering, Value};
use crate::Error;
use crate::ir::Scalar;
use crate::token::declaration::{ResourceDimension, ReturnType};
use crate::token::opcode::Opcode;
use crate::token::operand::{Operand, RegisterFile};
use crate::token::program::Instruction;

/// Image operands of an instruction: the flags, and their arguments in the order of the flags.
#[derive(Debug, Default)]
struct Arguments {
    flags: u32,
    ids: Vec<Word>,
}

impl Arguments {
    fn add(&mut self, flag: ImageOperands, ids: &[Word]) {
        self.flags |= flag.bits();
        self.ids.extend_from_slice(ids);
    }

    fn append_to(self, operands: &mut Vec<u32>) {
        if self.flags != 0 {
            operands.push(self.flags);
            operands.extend(self.ids);
        }
    }
}

impl Lowering<'_> {
    pub(super) fn image(&mut self, instruction: &Instruction) -> Result<(), Error> {
        match instruction.opcode.without_feedback().unwrap_or(instruction.opcode) {
            Opcode::Gather4 | Opcode::Gather4C | Opcode::Gather4Po | Opcode::Gather4PoC => {
                self.gather(instruction)
            }
            Opcode::Ld | Opcode::LdMs => self.fetch(instruction),
            Opcode::Lod => self.level_of_detail(instruction),
            Opcode::LdUavTyped => self.load_typed(instruction),
            Opcode::StoreUavTyped => self.store_typed(instruction),
            _ => self.sample(instruction),
        }
    }

    /// The `count` first components of an operand.
    pub(super) fn leading(
        &mut self,
        operand: &Operand,
        count: usize,
        scalar: Scalar,
    ) -> Result<Value, Error> {
        let mask = 0b1111u8 >> 4usize.saturating_sub(count.clamp(1, 4));
        self.load(operand, mask, scalar)
    }

    fn load_image(&mut self, image: &Image) -> Word {
        self.module.op(Op::Load, image.ty, &[image.variable])
    }

    fn sampled_image(&mut self, image: &Image, resource: &Operand, sampler: &Operand) -> Result<Word, Error> {
        let sampler = self.sampler(sampler, resource)?;
        let sampler_ty = self.module.sampler_type();
        let ty = self.module.sampled_image_type(image.ty);
        let texture = self.load_image(image);
        let sampler = self.module.op(Op::Load, sampler_ty, &[sampler]);
        Ok(self.module.op(Op::SampledImage, ty, &[texture, sampler]))
    }

    /// The immediate texel offset, where it is not zero.
    fn constant_offset(&mut self, instruction: &Instruction, shape: &Shape) -> Result<Option<Word>, Error> {
        if instruction.texel_offset == [0; 3] {
            return Ok(None);
        }
        if shape.dim == Dim::DimCube || shape.dim == Dim::DimBuffer {
            return Err(self.invalid("a texel offset into a cube or buffer"));
        }
        let bits = instruction.texel_offset.map(|offset| i32::from(offset) as u32);
        let bits = bits.get(..shape.coordinates).unwrap_or_default();
        Ok(Some(self.module.constant_vector(Scalar::I32, bits)))
    }

    /// The image of a typed shader resource.
    fn resource_image(&mut self, resource: &Operand) -> Result<Image, Error> {
        if resource.file != RegisterFile::Resource {
            return Err(self.invalid("the operand is not a shader resource"));
        }
        self.image_of(resource)
    }

    /// A texture that a sampler can read.
    fn sampled_texture(&mut self, resource: &Operand) -> Result<(Image, Shape), Error> {
        let image = self.resource_image(resource)?;
        let shape = Shape::of(image.dimension);
        if shape.dim == Dim::DimBuffer || shape.multisampled {
            return Err(self.invalid("a buffer or multisampled texture has no sampler"));
        }
        Ok((image, shape))
    }

    fn sample(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let read = self.plain_read(instruction);
        let [destination, coordinate, resource, sampler, extra @ ..] = read.operands.as_slice() else {
            return Err(self.invalid("operands are missing"));
        };
        let (image, shape) = self.sampled_texture(resource)?;
        let coordinates = self.leading(coordinate, shape.with_layer(), Scalar::F32)?;
        let mut arguments = Arguments::default();
        let mut explicit = false;
        let mut reference = None;
        let mut bias = None;
        match (read.opcode, extra) {
            // Without derivatives, the stage has to name the level.
            (Opcode::Sample | Opcode::SampleB | Opcode::SampleC, _) if !self.is_pixel() => {
                return Err(self.invalid("only a pixel shader has derivatives"));
            }
            (Opcode::Sample, []) => {}
            (Opcode::SampleB, [value]) => bias = Some(self.load_component(value, 0, Scalar::F32)?),
            (Opcode::SampleL, [level]) => {
                explicit = true;
                let level = self.load_component(level, 0, Scalar::F32)?;
                arguments.add(ImageOperands::LOD, &[level]);
            }
            (Opcode::SampleD, [x, y]) => {
                explicit = true;
                let x = self.leading(x, shape.coordinates, Scalar::F32)?;
                let y = self.leading(y, shape.coordinates, Scalar::F32)?;
                arguments.add(ImageOperands::GRAD, &[x.id, y.id]);
            }
            (Opcode::SampleC, [value]) => reference = Some(self.load_component(value, 0, Scalar::F32)?),
            (Opcode::SampleCLz, [value]) => {
                explicit = true;
                reference = Some(self.load_component(value, 0, Scalar::F32)?);
            }
            _ => return Err(self.invalid("the operands are not those of the instruction")),
        }
        let sampled = self.sampled_image(&image, resource, sampler)?;
        let (mut min_lod, mut least_level) = (None, None);
        if let Some(clamp) = read.clamp {
            let clamp = self.load_component(&clamp, 0, Scalar::F32)?;
            if self.target().shader_resource_min_lod {
                self.module.capability(Capability::MinLod);
                min_lod = Some(clamp);
            } else if let [x, y] = extra {
                let below = self.is_below_level(&image, &shape, coordinates.id, [x, y], clamp)?;
                least_level = Some((clamp, below));
            } else {
                let coordinates = self.leading(coordinate, shape.coordinates, Scalar::F32)?;
                bias = Some(self.bias_to_clamp(sampled, coordinates.id, bias, clamp));
            }
        }
        if let Some(bias) = bias {
            arguments.add(ImageOperands::BIAS, &[bias]);
        }
        if explicit && arguments.flags == 0 {
            // Level zero.
            let zero = self.module.f32(0.0);
            arguments.add(ImageOperands::LOD, &[zero]);
        }
        let offset = self.constant_offset(instruction, &shape)?;
        if let Some(offset) = offset {
            arguments.add(ImageOperands::CONST_OFFSET, &[offset]);
        }
        if let Some(clamp) = min_lod {
            arguments.add(ImageOperands::MIN_LOD, &[clamp]);
        }
        let mut words = vec![sampled, coordinates.id];
        let mut leveled = words.clone();
        let (op, count) = match (reference, explicit) {
            (None, false) => (Op::ImageSampleImplicitLod, 4),
            (None, true) => (Op::ImageSampleExplicitLod, 4),
            (Some(reference), explicit) => {
                self.check_comparison(&image, &shape)?;
                words.push(reference);
                (if explicit { Op::ImageSampleDrefExplicitLod } else { Op::ImageSampleDrefImplicitLod }, 1)
            }
        };
        arguments.append_to(&mut words);
        let ty = self.ty(image.scalar, count);
        let mut texel = Value { id: self.module.op(op, ty, &words), scalar: image.scalar, count };
        if let Some((level, below)) = least_level {
            let mut arguments = Arguments::default();
            arguments.add(ImageOperands::LOD, &[level]);
            if let Some(offset) = offset {
                arguments.add(ImageOperands::CONST_OFFSET, &[offset]);
            }
            arguments.append_to(&mut leveled);
            let id = self.module.op(op, ty, &leveled);
            let below = self.repeat(Value { id: below, scalar: Scalar::Bool, count: 1 }, count);
            texel.id = self.module.op(Op::Select, ty, &[below.id, id, texel.id]);
        }
        self.store_texel(instruction, destination, resource, texel)
    }

    /// Whether the level of detail of these gradients is below `level`. As everywhere, the level is the logarithm of
    /// the longer of the two steps in texels; for a cube, of the steps on the face that the coordinates point to.
    fn is_below_level(
        &mut self,
        image: &Image,
        shape: &Shape,
        coordinates: Word,
        gradients: [&Operand; 2],
        level: Word,
    ) -> Result<Word, Error> {
        self.module.capability(Capability::ImageQuery);
        let (float, uint, bools) =
            (self.ty(Scalar::F32, 1), self.ty(Scalar::U32, 1), self.ty(Scalar::Bool, 1));
        let cube = shape.dim == Dim::DimCube;
        let dimensions = if cube { 2 } else { shape.coordinates };
        let size_ty = self.ty(Scalar::U32, dimensions + usize::from(shape.arrayed));
        let texture = self.load_image(image);
        let zero = self.module.u32(0);
        let size = self.module.op(Op::ImageQuerySizeLod, size_ty, &[texture, zero]);
        // The factor from coordinates to texels, component by component.
        let mut factors = Vec::with_capacity(3);
        for n in 0..shape.coordinates {
            let mut texels = size;
            if dimensions + usize::from(shape.arrayed) > 1 {
                let component = if cube { 0 } else { n as u32 };
                texels = self.module.op(Op::CompositeExtract, uint, &[size, component]);
            }
            factors.push(self.module.op(Op::ConvertUToF, float, &[texels]));
        }
        if cube {
            // A face goes from -1 to 1 where the greatest coordinate is 1.
            let mut greatest = self.module.f32(0.0);
            for n in 0..3 {
                let axis = self.module.op(Op::CompositeExtract, float, &[coordinates, n]);
                let axis = self.module.glsl(GLOp::FAbs, float, &[axis]);
                greatest = self.module.glsl(GLOp::NMax, float, &[greatest, axis]);
            }
            let whole = self.module.op(Op::FAdd, float, &[greatest, greatest]);
            for factor in &mut factors {
                *factor = self.module.op(Op::FDiv, float, &[*factor, whole]);
            }
        }
        let factors = self.join(&factors, Scalar::F32)?;
        let ty = self.ty(Scalar::F32, shape.coordinates);
        let mut longest = self.module.f32(0.0);
        for gradient in gradients {
            let gradient = self.leading(gradient, shape.coordinates, Scalar::F32)?;
            let step = self.module.op(Op::FMul, ty, &[gradient.id, factors.id]);
            let length = self.module.glsl(GLOp::Length, float, &[step]);
            longest = self.module.glsl(GLOp::NMax, float, &[longest, length]);
        }
        let limit = self.module.glsl(GLOp::Exp2, float, &[level]);
        Ok(self.module.op(Op::FOrdLessThan, bools, &[longest, limit]))
    }

    /// The bias that lifts the level of detail to `clamp` where it is below, for devices without `MinLod`. Unlike a
    /// level, a bias keeps anisotropic filtering.
    fn bias_to_clamp(&mut self, sampled: Word, coordinates: Word, bias: Option<Word>, clamp: Word) -> Word {
        self.module.capability(Capability::ImageQuery);
        let (float, float2) = (self.ty(Scalar::F32, 1), self.ty(Scalar::F32, 2));
        let zero = self.module.f32(0.0);
        let levels = self.module.op(Op::ImageQueryLod, float2, &[sampled, coordinates]);
        let level = self.module.op(Op::CompositeExtract, float, &[levels, 1]);
        let bias = bias.unwrap_or(zero);
        let biased = self.module.op(Op::FAdd, float, &[level, bias]);
        let missing = self.module.op(Op::FSub, float, &[clamp, biased]);
        let missing = self.module.glsl(GLOp::NMax, float, &[missing, zero]);
        self.module.op(Op::FAdd, float, &[bias, missing])
    }

    fn check_comparison(&self, image: &Image, shape: &Shape) -> Result<(), Error> {
        if image.scalar != Scalar::F32 || shape.dim == Dim::Dim3D {
            return Err(self.invalid("a comparison needs a float texture that is not three-dimensional"));
        }
        Ok(())
    }

    /// Writes a texel, through the swizzle of the resource operand.
    pub(super) fn store_texel(
        &mut self,
        instruction: &Instruction,
        destination: &Operand,
        resource: &Operand,
        texel: Value,
    ) -> Result<(), Error> {
        let mask = destination.mask();
        let components = super::register::mask_components(mask);
        let Some(components) = components.as_slice() else { return Ok(()) };
        let picked = components.iter().map(|component| resource.swizzle(*component)).collect::<Vec<_>>();
        let value = self.pick(texel, &picked)?;
        self.store(destination, value, texel.scalar == Scalar::F32 && instruction.saturate())
    }

    fn gather(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let read = self.plain_read(instruction);
        let (destination, coordinate, offset, resource, sampler, reference) = match read.operands.as_slice() {
            [d, c, r, s] => (d, c, None, r, s, None),
            [d, c, r, s, reference] if read.opcode == Opcode::Gather4C => (d, c, None, r, s, Some(reference)),
            [d, c, o, r, s] => (d, c, Some(o), r, s, None),
            [d, c, o, r, s, reference] => (d, c, Some(o), r, s, Some(reference)),
            _ => return Err(self.invalid("operands are missing")),
        };
        let (image, shape) = self.sampled_texture(resource)?;
        if !matches!(shape.dim, Dim::Dim2D | Dim::DimCube) {
            return Err(self.invalid("only two-dimensional and cube textures can be gathered from"));
        }
        let coordinates = self.leading(coordinate, shape.with_layer(), Scalar::F32)?;
        let mut arguments = Arguments::default();
        match offset {
            Some(offset) if shape.dim == Dim::Dim2D => {
                let present = self.target().shader_image_gather_extended;
                self.require(present, Capability::ImageGatherExtended, "shaderImageGatherExtended")?;
                // D3D11 uses the low six bits, signed.
                let offset = self.leading(offset, 2, Scalar::I32)?;
                let ty = self.ty(Scalar::I32, 2);
                let (zero, bits) = (self.module.u32(0), self.module.u32(6));
                let offset = self.module.op(Op::BitFieldSExtract, ty, &[offset.id, zero, bits]);
                arguments.add(ImageOperands::OFFSET, &[offset]);
            }
            Some(_) => return Err(self.invalid("a texel offset into a cube")),
            None => {
                if let Some(offset) = self.constant_offset(instruction, &shape)? {
                    arguments.add(ImageOperands::CONST_OFFSET, &[offset]);
                }
            }
        }
        let sampled = self.sampled_image(&image, resource, sampler)?;
        let mut words = vec![sampled, coordinates.id];
        let op = match reference {
            Some(reference) => {
                self.check_comparison(&image, &shape)?;
                words.push(self.load_component(reference, 0, Scalar::F32)?);
                Op::ImageDrefGather
            }
            None => {
                // The sampler operand's swizzle names the component.
                words.push(self.module.u32(sampler.swizzle(0) as u32));
                Op::ImageGather
            }
        };
        arguments.append_to(&mut words);
        let ty = self.ty(image.scalar, 4);
        let texel = Value { id: self.module.op(op, ty, &words), scalar: image.scalar, count: 4 };
        self.store_texel(instruction, destination, resource, texel)
    }

    /// `ld` and `ld_ms`: one texel by integer coordinates.
    fn fetch(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let read = self.plain_read(instruction);
        let [destination, address, resource, sample @ ..] = read.operands.as_slice() else {
            return Err(self.invalid("operands are missing"));
        };
        let image = self.resource_image(resource)?;
        let shape = Shape::of(image.dimension);
        if shape.dim == Dim::DimCube {
            return Err(self.invalid("a cube texture has no integer coordinates"));
        }
        if shape.multisampled == sample.is_empty() {
            return Err(self.invalid("ld is for textures of one sample, ld_ms for others"));
        }
        let coordinates = self.leading(address, shape.with_layer(), Scalar::I32)?;
        let mut arguments = Arguments::default();
        if shape.dim != Dim::DimBuffer && !shape.multisampled {
            let level = self.load_component(address, 3, Scalar::I32)?;
            arguments.add(ImageOperands::LOD, &[level]);
        }
        if let Some(offset) = self.constant_offset(instruction, &shape)? {
            arguments.add(ImageOperands::CONST_OFFSET, &[offset]);
        }
        if let [sample] = sample {
            let sample = self.load_component(sample, 0, Scalar::I32)?;
            arguments.add(ImageOperands::SAMPLE, &[sample]);
        }
        let texture = self.load_image(&image);
        let mut words = vec![texture, coordinates.id];
        arguments.append_to(&mut words);
        let ty = self.ty(image.scalar, 4);
        let id = self.module.op(Op::ImageFetch, ty, &words);
        self.store_texel(instruction, destination, resource, Value { id, scalar: image.scalar, count: 4 })
    }

    /// `lod`: x is the level that would be used, y the one computed before clamping.
    fn level_of_detail(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let [destination, coordinate, resource, sampler] = self.operands(instruction)?;
        if !self.is_pixel() {
            return Err(self.invalid("only a pixel shader has derivatives"));
        }
        self.module.capability(Capability::ImageQuery);
        let (image, shape) = self.sampled_texture(&resource)?;
        let coordinates = self.leading(&coordinate, shape.coordinates, Scalar::F32)?;
        let sampled = self.sampled_image(&image, &resource, &sampler)?;
        let (float2, float4) = (self.ty(Scalar::F32, 2), self.ty(Scalar::F32, 4));
        let levels = self.module.op(Op::ImageQueryLod, float2, &[sampled, coordinates.id]);
        let zero = self.module.f32(0.0);
        let id = self.module.op(Op::CompositeConstruct, float4, &[levels, zero, zero]);
        self.store_texel(instruction, &destination, &resource, Value { id, scalar: Scalar::F32, count: 4 })
    }

    fn load_typed(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let read = self.plain_read(instruction);
        let [destination, address, view] = read.operands.as_slice() else {
            return Err(self.invalid("operands are missing"));
        };
        let (image, coordinates) = self.storage_texel(view, address)?;
        let texture = self.load_image(&image);
        let ty = self.ty(image.scalar, 4);
        let mut id = self.module.op(Op::ImageRead, ty, &[texture, coordinates]);
        let (declared, _) = self.view(view)?;
        if declared.kind.return_type() == Some(ReturnType::Float) && image.scalar == Scalar::U32 {
            // The bits of a float: what the format does not have is one as a float.
            let one = self.module.u32(1f32.to_bits());
            id = self.module.op(Op::CompositeInsert, ty, &[one, id, 3]);
        }
        self.store_texel(instruction, destination, view, Value { id, scalar: image.scalar, count: 4 })
    }

    fn store_typed(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let [view, address, value] = self.operands(instruction)?;
        let (image, coordinates) = self.storage_texel(&view, &address)?;
        let value = self.load(&value, 0b1111, image.scalar)?;
        let texture = self.load_image(&image);
        self.module.op_void(Op::ImageWrite, &[texture, coordinates, value.id]);
        Ok(())
    }

    /// The image of a typed view and integer coordinates in it.
    pub(super) fn storage_texel(
        &mut self,
        view: &Operand,
        address: &Operand,
    ) -> Result<(Image, Word), Error> {
        let image = self.image_of(view)?;
        if !is_storage_dimension(image.dimension) || view.file == RegisterFile::Resource {
            return Err(self.invalid("the operand is not an unordered access view"));
        }
        let shape = Shape::of(image.dimension);
        let coordinates = self.leading(address, shape.with_layer(), Scalar::I32)?;
        Ok((image, coordinates.id))
    }
}

fn is_storage_dimension(dimension: ResourceDimension) -> bool {
    matches!(
        dimension,
        ResourceDimension::Buffer
            | ResourceDimension::Texture1D
            | ResourceDimension::Texture1DArray
            | ResourceDimension::Texture2D
            | ResourceDimension::Texture2DArray
            | ResourceDimension::Texture3D
    )
}
