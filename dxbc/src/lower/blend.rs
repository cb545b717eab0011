//! The end of a pixel shader whose rasterizer has its own number of samples: the coverage that it reads and writes, and
//! an output merger for devices whose own one cannot merge samples ([`ForcedSamples`]).

use rspirv::spirv::{
    BuiltIn, Capability, Decoration, Dim, ExecutionMode, GlslStd450Op as GLOp, ImageFormat, Op, StorageClass,
    Word,
};

use super::{Lowering, Value};
use crate::Error;
use crate::forced::{Blend, BlendedTarget, Channel, ForcedSamples, Numbers, ShaderBlending, Texel};
use crate::ir::Scalar;
use crate::layout::BindingClass;
use crate::reflection::BLEND_FACTOR_START;

/// Red, green, blue and alpha, a scalar each.
type Color = [Word; 4];

/// What rounds to the nearest, and where alpha begins to cover.
const HALF: f32 = 0.5;

/// What all targets of a shader need.
struct Merger {
    /// x, y and layer.
    place: Word,
    /// The second source of dual-source blending.
    second: Option<Value>,
    /// The blend factor, once an equation names it.
    factor: Option<Color>,
}

/// The terms of a blend equation.
struct Terms {
    source: Color,
    second: Color,
    target: Color,
    factor: Color,
}

impl Lowering<'_> {
    /// What the caller says of the rasterizer's samples.
    pub(super) fn forced(&self) -> Option<ForcedSamples> {
        self.options.forced_samples.filter(|_| self.is_pixel())
    }

    /// The coverage as a program sees it that asked for more samples than the rasterizer has.
    pub(super) fn spread_coverage(&mut self, coverage: Value) -> Value {
        let Some(forced) = self.forced() else { return coverage };
        let bits = forced.asked.checked_div(forced.rasterized).unwrap_or(1);
        if bits < 2 || forced.asked > 16 {
            return coverage;
        }
        let int = self.ty(Scalar::I32, 1);
        let mut all = self.module.constant(Scalar::I32, 0);
        for sample in 0..forced.rasterized {
            let hit = self.sign_bit_field(coverage.id, sample);
            let mask = (1u32 << bits).wrapping_sub(1) << (sample * bits);
            let mask = self.module.constant(Scalar::I32, mask);
            let hit = self.module.op(Op::BitwiseAnd, int, &[hit, mask]);
            all = self.module.op(Op::BitwiseOr, int, &[all, hit]);
        }
        Value { id: all, ..coverage }
    }

    /// The coverage that a program writes, as the rasterizer's samples take it: targets of one sample have one bit.
    pub(super) fn gather_coverage(&mut self, coverage: Value) -> Value {
        match self.forced() {
            Some(forced) if forced.single_sampled => {
                Value { id: self.sign_bit_field(coverage.id, 0), ..coverage }
            }
            _ => coverage,
        }
    }

    /// All bits if a bit is set, none otherwise.
    fn sign_bit_field(&mut self, bits: Word, bit: u32) -> Word {
        let int = self.ty(Scalar::I32, 1);
        let (bit, one) = (self.module.u32(bit), self.module.u32(1));
        self.module.op(Op::BitFieldSExtract, int, &[bits, bit, one])
    }

    /// Ends the shader: coverage from alpha, and the output merger where it is the shader's.
    pub(super) fn merge_outputs(&mut self) -> Result<(), Error> {
        let Some(forced) = self.forced() else { return Ok(()) };
        let colors = std::mem::take(&mut self.interface.colors);
        let first = colors.iter().find(|(number, _)| *number == 0).map(|(_, color)| *color);
        if let Some(color) = first.filter(|_| forced.alpha_to_coverage && !self.reflection.writes_coverage) {
            self.cover_by_alpha(color)?;
        }
        match forced.blending {
            Some(blending) => self.blend_outputs(&blending, &colors),
            None => Ok(()),
        }
    }

    /// One sample is covered from an alpha of one half on; not by NaN.
    fn cover_by_alpha(&mut self, color: Value) -> Result<(), Error> {
        let (bool, int) = (self.ty(Scalar::Bool, 1), self.ty(Scalar::I32, 1));
        let alpha = self.pick(color, &[3])?;
        let half = self.module.f32(HALF);
        let covers = self.module.op(Op::FOrdGreaterThanEqual, bool, &[alpha.id, half]);
        let (all, none) = (self.module.constant(Scalar::I32, u32::MAX), self.module.constant(Scalar::I32, 0));
        let mask = self.module.op(Op::Select, int, &[covers, all, none]);
        let array = self.module.array_type(int, 1);
        let variable = self.built_in(StorageClass::Output, BuiltIn::SampleMask, array, "oMask");
        self.store_array_element(variable, 0, Value { id: mask, scalar: Scalar::I32, count: 1 });
        Ok(())
    }

    fn blend_outputs(&mut self, blending: &ShaderBlending, colors: &[(u32, Value)]) -> Result<(), Error> {
        let of = |number: u32| colors.iter().find(|(known, _)| *known == number).map(|(_, color)| *color);
        let dual = self.options.dual_source_blend;
        let targets: Vec<(u32, BlendedTarget, Value)> = (0..)
            .zip(blending.targets)
            .filter(|(number, _)| *number == 0 || !dual)
            .filter_map(|(number, target)| Some((number, target?, of(number)?)))
            .filter(|(_, target, _)| target.write_mask & 0xf != 0)
            .collect();
        if targets.is_empty() {
            return Ok(());
        }
        if blending.interlock {
            self.module.capability(Capability::FragmentShaderPixelInterlockEXT);
            self.module.extension("SPV_EXT_fragment_shader_interlock");
            let entry = self.entry;
            self.module.execution_mode(entry, ExecutionMode::PixelInterlockOrderedEXT, &[]);
        }
        let covered = self.is_covered();
        let place = self.texel_place(blending.layered)?;
        let second = if dual { of(1) } else { None };
        let mut merger = Merger { place, second, factor: None };
        if targets.iter().any(|(_, target, _)| target.blend.as_ref().is_some_and(names_factor)) {
            merger.factor = Some(self.load_blend_factor());
        }
        if blending.interlock {
            self.module.op_void(Op::BeginInvocationInterlockEXT, &[]);
        }
        let (write, merge) = (self.module.id(), self.module.id());
        self.module.branch_conditional(covered, write, merge, merge);
        self.module.label(write);
        for (number, target, color) in &targets {
            self.blend_output(*number, target, *color, &merger, blending.interlock)?;
        }
        self.module.branch(merge);
        self.module.label(merge);
        if blending.interlock {
            self.module.op_void(Op::EndInvocationInterlockEXT, &[]);
        }
        Ok(())
    }

    /// Whether any sample is covered, and left by the shader. Devices may run it for pixels without.
    fn is_covered(&mut self) -> Word {
        let (bool, int) = (self.ty(Scalar::Bool, 1), self.ty(Scalar::I32, 1));
        let mut mask = self.load_sample_mask(StorageClass::Input, "vCoverage").id;
        if self.has_built_in(StorageClass::Output, BuiltIn::SampleMask) {
            let written = self.load_sample_mask(StorageClass::Output, "oMask");
            mask = self.module.op(Op::BitwiseAnd, int, &[mask, written.id]);
        }
        let none = self.module.constant(Scalar::I32, 0);
        self.module.op(Op::INotEqual, bool, &[mask, none])
    }

    /// The pixel and its layer.
    fn texel_place(&mut self, layered: bool) -> Result<Word, Error> {
        let (int, int2, int3) = (self.ty(Scalar::I32, 1), self.ty(Scalar::I32, 2), self.ty(Scalar::I32, 3));
        let position = self.load_built_in(BuiltIn::FragCoord, Scalar::F32, 4, "position");
        let pixel = self.pick(position, &[0, 1])?;
        let pixel = self.module.op(Op::ConvertFToS, int2, &[pixel.id]);
        let layer = if layered {
            let layer = self.geometry_input(BuiltIn::Layer, "layer")?;
            self.module.op(Op::Bitcast, int, &[layer.id])
        } else {
            self.module.constant(Scalar::I32, 0)
        };
        Ok(self.module.op(Op::CompositeConstruct, int3, &[pixel, layer]))
    }

    fn load_blend_factor(&mut self) -> Color {
        let (uint, float) = (self.ty(Scalar::U32, 1), self.ty(Scalar::F32, 1));
        let (variable, first) = self.push_constants();
        let pointer = self.module.pointer_type(StorageClass::PushConstant, uint);
        let member = self.module.u32(0);
        [0, 1, 2, 3].map(|channel| {
            let dword = self.module.u32((BLEND_FACTOR_START - first) / 4 + channel);
            let pointer = self.module.op(Op::AccessChain, pointer, &[variable, member, dword]);
            let bits = self.module.op(Op::Load, uint, &[pointer]);
            self.module.op(Op::Bitcast, float, &[bits])
        })
    }

    /// Blends one output into its target.
    fn blend_output(
        &mut self,
        number: u32,
        target: &BlendedTarget,
        color: Value,
        merger: &Merger,
        interlock: bool,
    ) -> Result<(), Error> {
        let BlendedTarget { texel, write_mask, .. } = *target;
        let image = self.target_image(number, &texel, interlock)?;
        let uint4 = self.ty(Scalar::U32, 4);
        let present = |channel: &Channel| channel.bits != 0;
        let written = |index: usize| write_mask >> index & 1 != 0;
        let keeps = (0..).zip(&texel.channels).any(|(index, one)| present(one) && !written(index));
        let blend = target.blend.filter(|_| target.logic_op.is_none() && !texel.numbers.is_integer());
        let zero = self.module.u32(0);
        let mut old = [zero; 4];
        if keeps || blend.is_some() || target.logic_op.is_some() {
            let texels = self.module.op(Op::ImageRead, uint4, &[image, merger.place]);
            let texels = Value { id: texels, scalar: Scalar::U32, count: 4 };
            for (dword, old) in old.iter_mut().enumerate().take(texel.dwords()) {
                *old = self.pick(texels, &[dword])?.id;
            }
        }
        let source = self.channels(color)?;
        let result = match blend {
            Some(blend) => {
                let terms = self.terms(target, &old, source, merger)?;
                self.equation(&blend, &terms)
            }
            None => source,
        };
        let mut new = if keeps { old } else { [zero; 4] };
        for (index, (channel, value)) in texel.channels.iter().zip(result).enumerate() {
            if !present(channel) || !written(index) {
                continue;
            }
            let mut bits = self.encode(texel.numbers, index, *channel, value);
            let dword = usize::from(channel.offset / 32);
            if let (Some(op), Some(old)) = (target.logic_op, old.get(dword)) {
                let there = self.extract_channel(*old, *channel, false);
                bits = self.logic(op, bits, there);
            }
            if let Some(new) = new.get_mut(dword) {
                *new = self.insert_channel(*new, *channel, bits);
            }
        }
        let texels = self.module.op(Op::CompositeConstruct, uint4, &new);
        self.module.op_void(Op::ImageWrite, &[image, merger.place, texels]);
        Ok(())
    }

    /// The storage image of a target.
    fn target_image(&mut self, number: u32, texel: &Texel, interlock: bool) -> Result<Word, Error> {
        let format = match texel.bytes {
            1 => ImageFormat::R8ui,
            2 => ImageFormat::R16ui,
            4 => ImageFormat::R32ui,
            8 => ImageFormat::Rg32ui,
            16 => ImageFormat::Rgba32ui,
            _ => return Err(Error::Unsupported { what: "targets of this size" }),
        };
        if matches!(texel.bytes, 1 | 2 | 8) {
            self.module.capability(Capability::StorageImageExtendedFormats);
        }
        let ty = self.module.image_type(Scalar::U32, Dim::Dim2D, true, false, false, format);
        let name = format!("target{number}");
        let variable = self.module.variable(StorageClass::UniformConstant, ty, None, &name);
        self.bind(BindingClass::RenderTarget, number, variable);
        if interlock {
            // What the invocation before has written is to be seen by the next one.
            self.module.decorate(variable, Decoration::Coherent, &[]);
        }
        Ok(self.module.op(Op::Load, ty, &[variable]))
    }

    fn channels(&mut self, color: Value) -> Result<Color, Error> {
        let mut all = [color.id; 4];
        for (index, one) in all.iter_mut().enumerate() {
            *one = self.pick(color, &[index])?.id;
        }
        Ok(all)
    }

    fn terms(
        &mut self,
        target: &BlendedTarget,
        old: &Color,
        source: Color,
        merger: &Merger,
    ) -> Result<Terms, Error> {
        let Texel { numbers, channels, .. } = target.texel;
        let (zero, one) = (self.module.f32(0.0), self.module.f32(1.0));
        let mut there = [zero, zero, zero, one];
        for (index, (channel, value)) in channels.iter().zip(&mut there).enumerate() {
            let alpha = index == 3;
            if let Some(old) = old.get(usize::from(channel.offset / 32))
                && channel.bits != 0
                && !(alpha && target.opaque)
            {
                *value = self.decode(numbers, alpha, *channel, *old);
            }
        }
        let second = match merger.second {
            Some(second) => self.channels(second)?,
            None => [zero; 4],
        };
        let factor = merger.factor.unwrap_or([zero; 4]);
        Ok(Terms {
            source: self.clamped(numbers, source),
            second: self.clamped(numbers, second),
            target: there,
            factor: self.clamped(numbers, factor),
        })
    }

    fn clamped(&mut self, numbers: Numbers, color: Color) -> Color {
        let Some((low, high)) = numbers.range() else { return color };
        color.map(|value| self.clamp(value, low, high))
    }

    /// The nearest number of a range; the lowest one for NaN.
    fn clamp(&mut self, value: Word, low: f32, high: f32) -> Word {
        let float = self.ty(Scalar::F32, 1);
        let (low, high) = (self.module.f32(low), self.module.f32(high));
        self.module.glsl(GLOp::NClamp, float, &[value, low, high])
    }

    fn equation(&mut self, blend: &Blend, terms: &Terms) -> Color {
        let Terms { source, target, .. } = *terms;
        let mut result = source;
        for (index, ((value, s), t)) in result.iter_mut().zip(source).zip(target).enumerate() {
            let (src, dest, op) = if index == 3 {
                (blend.src_alpha, blend.dest_alpha, blend.op_alpha)
            } else {
                (blend.src, blend.dest, blend.op)
            };
            let float = self.ty(Scalar::F32, 1);
            // D3D11_BLEND_OP: the last two leave out the factors.
            *value = match op {
                4 => self.module.glsl(GLOp::NMin, float, &[s, t]),
                5 => self.module.glsl(GLOp::NMax, float, &[s, t]),
                _ => {
                    let s = self.scaled(s, src, index, terms);
                    let t = self.scaled(t, dest, index, terms);
                    match op {
                        2 => self.module.op(Op::FSub, float, &[s, t]),
                        3 => self.module.op(Op::FSub, float, &[t, s]),
                        _ => self.module.op(Op::FAdd, float, &[s, t]),
                    }
                }
            };
        }
        result
    }

    /// A channel of a term times its `D3D11_BLEND` factor.
    fn scaled(&mut self, value: Word, factor: u32, index: usize, terms: &Terms) -> Word {
        let float = self.ty(Scalar::F32, 1);
        let one = self.module.f32(1.0);
        let of = |color: &Color| color.get(index).copied().unwrap_or(one);
        let [.., source_alpha] = terms.source;
        let [.., second_alpha] = terms.second;
        let [.., target_alpha] = terms.target;
        let (weight, rest) = match factor {
            2 => return value,
            3 => (of(&terms.source), false),
            4 => (of(&terms.source), true),
            5 => (source_alpha, false),
            6 => (source_alpha, true),
            7 => (target_alpha, false),
            8 => (target_alpha, true),
            9 => (of(&terms.target), false),
            10 => (of(&terms.target), true),
            11 if index == 3 => return value,
            11 => {
                let left = self.module.op(Op::FSub, float, &[one, target_alpha]);
                (self.module.glsl(GLOp::NMin, float, &[source_alpha, left]), false)
            }
            14 => (of(&terms.factor), false),
            15 => (of(&terms.factor), true),
            16 => (of(&terms.second), false),
            17 => (of(&terms.second), true),
            18 => (second_alpha, false),
            19 => (second_alpha, true),
            _ => return self.module.f32(0.0),
        };
        let weight = if rest { self.module.op(Op::FSub, float, &[one, weight]) } else { weight };
        self.module.op(Op::FMul, float, &[value, weight])
    }

    /// A channel's bits, with copies of the highest one above them where they are signed.
    fn extract_channel(&mut self, dword: Word, channel: Channel, signed: bool) -> Word {
        let uint = self.ty(Scalar::U32, 1);
        if channel.bits >= 32 {
            return dword;
        }
        let offset = self.module.u32(u32::from(channel.offset % 32));
        let bits = self.module.u32(channel.bits.into());
        if !signed {
            return self.module.op(Op::BitFieldUExtract, uint, &[dword, offset, bits]);
        }
        let int = self.ty(Scalar::I32, 1);
        let dword = self.module.op(Op::Bitcast, int, &[dword]);
        self.module.op(Op::BitFieldSExtract, int, &[dword, offset, bits])
    }

    fn insert_channel(&mut self, dword: Word, channel: Channel, bits: Word) -> Word {
        if channel.bits >= 32 {
            return bits;
        }
        let uint = self.ty(Scalar::U32, 1);
        let offset = self.module.u32(u32::from(channel.offset % 32));
        let count = self.module.u32(channel.bits.into());
        self.module.op(Op::BitFieldInsert, uint, &[dword, bits, offset, count])
    }

    /// A channel as a float.
    fn decode(&mut self, numbers: Numbers, alpha: bool, channel: Channel, dword: Word) -> Word {
        let (uint, float) = (self.ty(Scalar::U32, 1), self.ty(Scalar::F32, 1));
        let bits = self.extract_channel(dword, channel, numbers == Numbers::Snorm);
        let most = self.module.f32(greatest(numbers, channel));
        match numbers {
            Numbers::Unorm | Numbers::Srgb => {
                let value = self.module.op(Op::ConvertUToF, float, &[bits]);
                let value = self.module.op(Op::FDiv, float, &[value, most]);
                if numbers == Numbers::Srgb && !alpha { self.decode_srgb(value) } else { value }
            }
            Numbers::Snorm => {
                let value = self.module.op(Op::ConvertSToF, float, &[bits]);
                let value = self.module.op(Op::FDiv, float, &[value, most]);
                self.clamp(value, -1.0, 1.0)
            }
            Numbers::Float if channel.bits >= 32 => self.module.op(Op::Bitcast, float, &[bits]),
            Numbers::Float => {
                // Shorter floats have the exponent of halves, and fewer bits behind it.
                let shift = self.module.u32(u32::from(half_shift(channel)));
                let half = self.module.op(Op::ShiftLeftLogical, uint, &[bits, shift]);
                let pair = self.ty(Scalar::F32, 2);
                let pair = self.module.glsl(GLOp::UnpackHalf2x16, pair, &[half]);
                self.module.op(Op::CompositeExtract, float, &[pair, 0])
            }
            Numbers::Uint | Numbers::Sint => self.module.f32(0.0),
        }
    }

    /// The bits of a channel, perhaps with others above them. `value` is a float, or an integer's bits as one.
    fn encode(&mut self, numbers: Numbers, index: usize, channel: Channel, value: Word) -> Word {
        let (uint, int, float) = (self.ty(Scalar::U32, 1), self.ty(Scalar::I32, 1), self.ty(Scalar::F32, 1));
        let most = self.module.f32(greatest(numbers, channel));
        match numbers {
            Numbers::Unorm | Numbers::Srgb => {
                let mut value = self.clamp(value, 0.0, 1.0);
                if numbers == Numbers::Srgb && index != 3 {
                    value = self.encode_srgb(value);
                }
                let half = self.module.f32(HALF);
                let value = self.module.op(Op::FMul, float, &[value, most]);
                let value = self.module.op(Op::FAdd, float, &[value, half]);
                self.module.op(Op::ConvertFToU, uint, &[value])
            }
            Numbers::Snorm => {
                let value = self.clamp(value, -1.0, 1.0);
                let value = self.module.op(Op::FMul, float, &[value, most]);
                let value = self.module.glsl(GLOp::RoundEven, float, &[value]);
                let value = self.module.op(Op::ConvertFToS, int, &[value]);
                self.module.op(Op::Bitcast, uint, &[value])
            }
            Numbers::Float if channel.bits >= 32 => self.module.op(Op::Bitcast, uint, &[value]),
            Numbers::Float => {
                let (bool, pair) = (self.ty(Scalar::Bool, 1), self.ty(Scalar::F32, 2));
                let zero = self.module.f32(0.0);
                let mut value = value;
                if channel.bits < 16 {
                    let negative = self.module.op(Op::FOrdLessThan, bool, &[value, zero]);
                    value = self.module.op(Op::Select, float, &[negative, zero, value]);
                }
                let pair = self.module.op(Op::CompositeConstruct, pair, &[value, zero]);
                let half = self.module.glsl(GLOp::PackHalf2x16, uint, &[pair]);
                let shift = self.module.u32(u32::from(half_shift(channel)));
                self.module.op(Op::ShiftRightLogical, uint, &[half, shift])
            }
            Numbers::Uint => {
                let bits = self.module.op(Op::Bitcast, uint, &[value]);
                if channel.bits >= 32 {
                    return bits;
                }
                let most = self.module.u32((1 << channel.bits) - 1);
                self.module.glsl(GLOp::UMin, uint, &[bits, most])
            }
            Numbers::Sint => {
                if channel.bits >= 32 {
                    return self.module.op(Op::Bitcast, uint, &[value]);
                }
                let value = self.module.op(Op::Bitcast, int, &[value]);
                let most = (1u32 << channel.bits.saturating_sub(1)) - 1;
                let (low, high) =
                    (self.module.constant(Scalar::I32, !most), self.module.constant(Scalar::I32, most));
                let value = self.module.glsl(GLOp::SClamp, int, &[value, low, high]);
                self.module.op(Op::Bitcast, uint, &[value])
            }
        }
    }

    fn decode_srgb(&mut self, value: Word) -> Word {
        let (bool, float) = (self.ty(Scalar::Bool, 1), self.ty(Scalar::F32, 1));
        let [edge, slope, offset, scale, power] =
            [0.04045, 12.92, 0.055, 1.055, 2.4].map(|number| self.module.f32(number));
        let low = self.module.op(Op::FDiv, float, &[value, slope]);
        let high = self.module.op(Op::FAdd, float, &[value, offset]);
        let high = self.module.op(Op::FDiv, float, &[high, scale]);
        let high = self.module.glsl(GLOp::Pow, float, &[high, power]);
        let is_low = self.module.op(Op::FOrdLessThan, bool, &[value, edge]);
        self.module.op(Op::Select, float, &[is_low, low, high])
    }

    fn encode_srgb(&mut self, value: Word) -> Word {
        let (bool, float) = (self.ty(Scalar::Bool, 1), self.ty(Scalar::F32, 1));
        let [edge, slope, offset, scale, power] =
            [0.003_130_8, 12.92, 0.055, 1.055, 1.0 / 2.4].map(|number| self.module.f32(number));
        let low = self.module.op(Op::FMul, float, &[value, slope]);
        let high = self.module.glsl(GLOp::Pow, float, &[value, power]);
        let high = self.module.op(Op::FMul, float, &[high, scale]);
        let high = self.module.op(Op::FSub, float, &[high, offset]);
        let is_low = self.module.op(Op::FOrdLessThan, bool, &[value, edge]);
        self.module.op(Op::Select, float, &[is_low, low, high])
    }

    /// A `D3D11_LOGIC_OP`; of the result only the channel's bits are used.
    fn logic(&mut self, op: u32, source: Word, target: Word) -> Word {
        let uint = self.ty(Scalar::U32, 1);
        let mut not = |word: Word| self.module.op(Op::Not, uint, &[word]);
        let (op, a, b, inverted) = match op {
            0 => return self.module.u32(0),
            1 => return self.module.u32(u32::MAX),
            2 => return source,
            3 => return not(source),
            4 => return target,
            5 => return not(target),
            6 => (Op::BitwiseAnd, source, target, false),
            7 => (Op::BitwiseAnd, source, target, true),
            8 => (Op::BitwiseOr, source, target, false),
            9 => (Op::BitwiseOr, source, target, true),
            10 => (Op::BitwiseXor, source, target, false),
            11 => (Op::BitwiseXor, source, target, true),
            12 => (Op::BitwiseAnd, source, not(target), false),
            13 => (Op::BitwiseAnd, not(source), target, false),
            14 => (Op::BitwiseOr, source, not(target), false),
            15 => (Op::BitwiseOr, not(source), target, false),
            _ => return target,
        };
        let result = self.module.op(op, uint, &[a, b]);
        if inverted { self.module.op(Op::Not, uint, &[result]) } else { result }
    }
}

/// The greatest integer that a channel of normalised numbers holds.
fn greatest(numbers: Numbers, channel: Channel) -> f32 {
    let bits = if numbers == Numbers::Snorm { channel.bits.saturating_sub(1) } else { channel.bits };
    // CAST: formats have at most 16 bits in such channels, which a float holds exactly.
    ((1u64 << bits.min(32)) - 1) as f32
}

/// The bits behind the exponent of a half that a shorter float lacks.
const fn half_shift(channel: Channel) -> u8 {
    match channel.bits {
        11 => 4,
        10 => 5,
        _ => 0,
    }
}

/// Whether an equation names the blend factor.
fn names_factor(blend: &Blend) -> bool {
    [blend.src, blend.dest, blend.src_alpha, blend.dest_alpha].iter().any(|factor| matches!(factor, 14 | 15))
}
