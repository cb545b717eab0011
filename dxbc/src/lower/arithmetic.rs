//! Moves, float arithmetic, comparisons and conversions from floats.

use rspirv::spirv::{Capability, Decoration, GlslStd450Op as GLOp, Op, Word};

use super::{Lowering, Value};
use crate::Error;
use crate::ir::Scalar;
use crate::token::opcode::Opcode;
use crate::token::operand::Operand;
use crate::token::program::Instruction;

impl Lowering<'_> {
    pub(super) fn arithmetic(&mut self, instruction: &Instruction) -> Result<(), Error> {
        use Scalar::F32;
        match instruction.opcode {
            Opcode::Mov => self.mov(instruction),
            Opcode::Movc => self.movc(instruction),
            Opcode::Swapc => self.swapc(instruction),
            Opcode::Add => self.map(instruction, F32, F32, |e, ty, [a, b]| e.float_op(Op::FAdd, ty, &[a, b])),
            Opcode::Mul => self.map(instruction, F32, F32, |e, ty, [a, b]| e.float_op(Op::FMul, ty, &[a, b])),
            Opcode::Div => self.map(instruction, F32, F32, |e, ty, [a, b]| e.float_op(Op::FDiv, ty, &[a, b])),
            Opcode::Mad => self.map(instruction, F32, F32, |e, ty, [a, b, c]| {
                let product = e.float_op(Op::FMul, ty, &[a, b]);
                e.float_op(Op::FAdd, ty, &[product, c])
            }),
            Opcode::Dp2 => self.dot(instruction, 0b0011),
            Opcode::Dp3 => self.dot(instruction, 0b0111),
            Opcode::Dp4 => self.dot(instruction, 0b1111),
            // D3D11: the operand that is a number, if only one is.
            Opcode::Min => {
                self.map(instruction, F32, F32, |e, ty, [a, b]| e.module.glsl(GLOp::NMin, ty, &[a, b]))
            }
            Opcode::Max => {
                self.map(instruction, F32, F32, |e, ty, [a, b]| e.module.glsl(GLOp::NMax, ty, &[a, b]))
            }
            Opcode::Frc => self.fraction(instruction),
            Opcode::Exp => self.unary(instruction, GLOp::Exp2),
            Opcode::Log => self.unary(instruction, GLOp::Log2),
            Opcode::Sqrt => self.unary(instruction, GLOp::Sqrt),
            Opcode::Rsq => self.unary(instruction, GLOp::InverseSqrt),
            Opcode::RoundNe => self.unary(instruction, GLOp::RoundEven),
            Opcode::RoundNi => self.unary(instruction, GLOp::Floor),
            Opcode::RoundPi => self.unary(instruction, GLOp::Ceil),
            Opcode::RoundZ => self.unary(instruction, GLOp::Trunc),
            Opcode::Rcp => {
                let count = self.count(instruction)?;
                let one = self.module.splat(F32, 1f32.to_bits(), count);
                self.map(instruction, F32, F32, |e, ty, [a]| e.float_op(Op::FDiv, ty, &[one, a]))
            }
            Opcode::Sincos => self.sincos(instruction),
            Opcode::Eq => self.compare(instruction, F32, Op::FOrdEqual),
            Opcode::Ne => self.compare(instruction, F32, Op::FUnordNotEqual),
            Opcode::Lt => self.compare(instruction, F32, Op::FOrdLessThan),
            Opcode::Ge => self.compare(instruction, F32, Op::FOrdGreaterThanEqual),
            Opcode::Ftoi => self.float_to_int(instruction),
            Opcode::Ftou => self.float_to_uint(instruction),
            Opcode::F32tof16 | Opcode::F16tof32 => self.half(instruction),
            Opcode::DerivRtx => self.derivative(instruction, Op::DPdx),
            Opcode::DerivRty => self.derivative(instruction, Op::DPdy),
            Opcode::DerivRtxCoarse => self.derivative(instruction, Op::DPdxCoarse),
            Opcode::DerivRtyCoarse => self.derivative(instruction, Op::DPdyCoarse),
            Opcode::DerivRtxFine => self.derivative(instruction, Op::DPdxFine),
            Opcode::DerivRtyFine => self.derivative(instruction, Op::DPdyFine),
            _ => Err(self.invalid("this is not a float instruction")),
        }
    }

    /// One destination and `N` sources, component by component: `f` gets the result type and the sources.
    pub(super) fn map<const N: usize>(
        &mut self,
        instruction: &Instruction,
        from: Scalar,
        to: Scalar,
        f: impl FnOnce(&mut Self, Word, [Word; N]) -> Word,
    ) -> Result<(), Error> {
        let program = self.program;
        let mut operands = program.operands(instruction);
        let destination = operands.next().ok_or_else(|| self.invalid("the destination is missing"))?;
        let mask = destination.mask();
        if mask == 0 {
            return Ok(());
        }
        let mut sources = [0; N];
        let mut count = 0;
        for source in &mut sources {
            let operand = operands.next().ok_or_else(|| self.invalid("a source is missing"))?;
            let value = self.load(operand, mask, from)?;
            *source = value.id;
            count = value.count;
        }
        let ty = self.ty(to, count);
        let id = f(self, ty, sources);
        let saturate = to == Scalar::F32 && instruction.saturate();
        self.store(destination, Value { id, scalar: to, count }, saturate)
    }

    /// The number of components that the (first) destination takes, at least 1.
    pub(super) fn count(&self, instruction: &Instruction) -> Result<usize, Error> {
        let destination = self.program.operands(instruction).next();
        let destination = destination.ok_or_else(|| self.invalid("the destination is missing"))?;
        Ok((destination.mask().count_ones() as usize).max(1))
    }

    fn unary(&mut self, instruction: &Instruction, op: GLOp) -> Result<(), Error> {
        self.map(instruction, Scalar::F32, Scalar::F32, |e, ty, [a]| e.module.glsl(op, ty, &[a]))
    }

    /// `frc` is below one. The difference of a small negative number and -1 rounds to one.
    fn fraction(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let count = self.count(instruction)?;
        let bools = self.ty(Scalar::Bool, count);
        let one = self.module.splat(Scalar::F32, 1f32.to_bits(), count);
        let below_one = self.module.splat(Scalar::F32, 1f32.to_bits() - 1, count);
        self.map(instruction, Scalar::F32, Scalar::F32, |e, ty, [a]| {
            let fraction = e.module.glsl(GLOp::Fract, ty, &[a]);
            // NaN stays NaN, as a comparison with it does not hold.
            let rounded = e.module.op(Op::FOrdGreaterThanEqual, bools, &[fraction, one]);
            e.module.op(Op::Select, ty, &[rounded, below_one, fraction])
        })
    }

    /// A comparison: all bits set where it holds.
    pub(super) fn compare(&mut self, instruction: &Instruction, scalar: Scalar, op: Op) -> Result<(), Error> {
        let count = self.count(instruction)?;
        let bools = self.ty(Scalar::Bool, count);
        self.map(instruction, scalar, Scalar::U32, |e, _, [a, b]| {
            let id = e.module.op(op, bools, &[a, b]);
            e.mask_of(Value { id, scalar: Scalar::Bool, count }).id
        })
    }

    /// All bits set where `condition` holds, else zero.
    pub(super) fn mask_of(&mut self, condition: Value) -> Value {
        let count = condition.count;
        let ty = self.ty(Scalar::U32, count);
        let ones = self.module.splat(Scalar::U32, u32::MAX, count);
        let zeros = self.module.splat(Scalar::U32, 0, count);
        let id = self.module.op(Op::Select, ty, &[condition.id, ones, zeros]);
        Value { id, scalar: Scalar::U32, count }
    }

    /// `mov` copies bits, unless a modifier makes it float arithmetic.
    fn mov(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let [destination, source] = self.operands(instruction)?;
        let mask = destination.mask();
        if mask == 0 {
            return Ok(());
        }
        let value = self.load(&source, mask, Scalar::F32)?;
        self.store(&destination, value, instruction.saturate())
    }

    fn movc(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let [destination, condition, a, b] = self.operands(instruction)?;
        let mask = destination.mask();
        if mask == 0 {
            return Ok(());
        }
        let value = self.select(mask, &condition, &a, &b)?;
        self.store(&destination, value, instruction.saturate())
    }

    /// `a` where the condition is not zero, else `b`.
    fn select(&mut self, mask: u8, condition: &Operand, a: &Operand, b: &Operand) -> Result<Value, Error> {
        let condition = self.load(&condition.unmodified(), mask, Scalar::U32)?;
        let a = self.load(a, mask, Scalar::F32)?;
        let b = self.load(b, mask, Scalar::F32)?;
        let condition = self.not_zero(condition);
        let ty = self.ty(Scalar::F32, a.count);
        Ok(Value { id: self.module.op(Op::Select, ty, &[condition, a.id, b.id]), ..a })
    }

    /// Truth values: which components of an unsigned value are not zero.
    pub(super) fn not_zero(&mut self, value: Value) -> Word {
        let bools = self.ty(Scalar::Bool, value.count);
        let zeros = self.module.splat(Scalar::U32, 0, value.count);
        self.module.op(Op::INotEqual, bools, &[value.id, zeros])
    }

    fn swapc(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let [first, second, condition, a, b] = self.operands(instruction)?;
        // Both results are computed before either is written, since they may be sources too.
        let mut results = [None; 2];
        for (result, (destination, a, b)) in results.iter_mut().zip([(&first, &b, &a), (&second, &a, &b)]) {
            if destination.mask() != 0 {
                *result = Some(self.select(destination.mask(), &condition, a, b)?);
            }
        }
        for (result, destination) in results.into_iter().zip([&first, &second]) {
            if let Some(value) = result {
                self.store(destination, value, instruction.saturate())?;
            }
        }
        Ok(())
    }

    fn dot(&mut self, instruction: &Instruction, components: u8) -> Result<(), Error> {
        let [destination, a, b] = self.operands(instruction)?;
        if destination.mask() == 0 {
            return Ok(());
        }
        let a = self.load(&a, components, Scalar::F32)?;
        let b = self.load(&b, components, Scalar::F32)?;
        let float = self.ty(Scalar::F32, 1);
        let id = self.float_op(Op::Dot, float, &[a.id, b.id]);
        self.store_scalar(&destination, Value { id, scalar: Scalar::F32, count: 1 }, instruction.saturate())
    }

    /// Writes a scalar to every component of the destination.
    pub(super) fn store_scalar(
        &mut self,
        destination: &Operand,
        value: Value,
        saturate: bool,
    ) -> Result<(), Error> {
        let value = self.repeat(value, destination.mask().count_ones() as usize);
        self.store(destination, value, saturate)
    }

    /// An angle with the same sine and cosine between -pi and pi, where Vulkan promises an error below 2^-11, and D3D11
    /// wants one below 0.0008 from -100 pi to 100 pi.
    ///
    /// Two pi is taken away in three parts, of which the products with up to 2^14 turns are exact or nearly so. Angles in
    /// the range stay as they are, with the sign of zero; NaN and infinities give NaN.
    fn reduce_angle(&mut self, angle: Value) -> Value {
        /// 2 pi = 6.28125 + 0.00193500518798828125 + 3.0199 * 10^-7: ten bits, twelve bits, and the rest.
        const PARTS: [f32; 3] = [6.281_25, 0.001_935_005_2, 3.019_916e-7];
        let Value { id, count, .. } = angle;
        let (ty, bools) = (self.ty(Scalar::F32, count), self.ty(Scalar::Bool, count));
        let splat = |e: &mut Self, value: f32| e.module.splat(Scalar::F32, value.to_bits(), count);
        let turn = splat(self, 0.5 * std::f32::consts::FRAC_1_PI);
        let turns = self.module.op(Op::FMul, ty, &[id, turn]);
        let turns = self.module.glsl(GLOp::RoundEven, ty, &[turns]);
        let mut reduced = id;
        for part in PARTS {
            let part = splat(self, part);
            let product = self.module.op(Op::FMul, ty, &[turns, part]);
            reduced = self.module.op(Op::FSub, ty, &[reduced, product]);
            self.module.decorate(product, Decoration::NoContraction, &[]);
            self.module.decorate(reduced, Decoration::NoContraction, &[]);
        }
        let absolute = self.module.glsl(GLOp::FAbs, ty, &[id]);
        let pi = splat(self, std::f32::consts::PI);
        let inside = self.module.op(Op::FOrdLessThanEqual, bools, &[absolute, pi]);
        Value { id: self.module.op(Op::Select, ty, &[inside, id, reduced]), ..angle }
    }

    fn sincos(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let [sine, cosine, source] = self.operands(instruction)?;
        let mut results = [None; 2];
        for (result, (destination, op)) in results.iter_mut().zip([(&sine, GLOp::Sin), (&cosine, GLOp::Cos)])
        {
            if destination.mask() != 0 {
                let value = self.load(&source, destination.mask(), Scalar::F32)?;
                let value = self.reduce_angle(value);
                let ty = self.ty(Scalar::F32, value.count);
                *result = Some(Value { id: self.module.glsl(op, ty, &[value.id]), ..value });
            }
        }
        for (result, destination) in results.into_iter().zip([&sine, &cosine]) {
            if let Some(value) = result {
                self.store(destination, value, instruction.saturate())?;
            }
        }
        Ok(())
    }

    /// D3D11 clamps to the integer's range and turns NaN to zero; SPIR-V leaves both undefined.
    fn float_to_int(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let count = self.count(instruction)?;
        let low = self.module.splat(Scalar::F32, (-2_147_483_648f32).to_bits(), count);
        // The greatest float below 2^31.
        let high = self.module.splat(Scalar::F32, 2_147_483_520f32.to_bits(), count);
        let limit = self.module.splat(Scalar::F32, 2_147_483_648f32.to_bits(), count);
        let most = self.module.splat(Scalar::I32, i32::MAX as u32, count);
        let zero = self.module.splat(Scalar::I32, 0, count);
        let bools = self.ty(Scalar::Bool, count);
        let floats = self.ty(Scalar::F32, count);
        self.map(instruction, Scalar::F32, Scalar::I32, |e, ty, [a]| {
            let clamped = e.module.glsl(GLOp::NClamp, floats, &[a, low, high]);
            let converted = e.module.op(Op::ConvertFToS, ty, &[clamped]);
            let above = e.module.op(Op::FOrdGreaterThanEqual, bools, &[a, limit]);
            let converted = e.module.op(Op::Select, ty, &[above, most, converted]);
            let nan = e.module.op(Op::IsNan, bools, &[a]);
            e.module.op(Op::Select, ty, &[nan, zero, converted])
        })
    }

    fn float_to_uint(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let count = self.count(instruction)?;
        let zero = self.module.splat(Scalar::F32, 0, count);
        // The greatest float below 2^32.
        let high = self.module.splat(Scalar::F32, 4_294_967_040f32.to_bits(), count);
        let limit = self.module.splat(Scalar::F32, 4_294_967_296f32.to_bits(), count);
        let most = self.module.splat(Scalar::U32, u32::MAX, count);
        let bools = self.ty(Scalar::Bool, count);
        let floats = self.ty(Scalar::F32, count);
        self.map(instruction, Scalar::F32, Scalar::U32, |e, ty, [a]| {
            // NClamp gives the lower bound, zero, for NaN.
            let clamped = e.module.glsl(GLOp::NClamp, floats, &[a, zero, high]);
            let converted = e.module.op(Op::ConvertFToU, ty, &[clamped]);
            let above = e.module.op(Op::FOrdGreaterThanEqual, bools, &[a, limit]);
            e.module.op(Op::Select, ty, &[above, most, converted])
        })
    }

    /// Conversions between a float and a half in the low 16 bits. D3D11 rounds to zero (functional specification, section
    /// 3.2.2), so that a number above the greatest half gives that, and only infinity gives infinity.
    fn half(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let [destination, source] = self.operands(instruction)?;
        let mask = destination.mask();
        if mask == 0 {
            return Ok(());
        }
        let to_half = instruction.opcode == Opcode::F32tof16;
        let (from, to) = if to_half { (Scalar::F32, Scalar::U32) } else { (Scalar::U32, Scalar::F32) };
        let value = self.load(&source, mask, from)?;
        let result =
            self.each(
                value,
                to,
                |e, component| {
                    if to_half { e.pack_half(component) } else { e.unpack_half(component) }
                },
            )?;
        self.store(&destination, result, to == Scalar::F32 && instruction.saturate())
    }

    /// A float as a half, by its bits: D3D11 rounds towards zero, and no finite float becomes infinite. SPIR-V leaves the
    /// rounding of PackHalf2x16 to the device, and correcting it by a look at the result does not last: a compiler may
    /// take unpacking for the inverse (NVIDIA's 580 does, November 2026).
    fn pack_half(&mut self, float: Word) -> Word {
        let (float1, uint, bools) =
            (self.ty(Scalar::F32, 1), self.ty(Scalar::U32, 1), self.ty(Scalar::Bool, 1));
        let bits = self.module.op(Op::Bitcast, uint, &[float]);
        let [magnitude_mask, sign_mask, sixteen, thirteen] =
            [0x7fff_ffff, 0x8000, 16, 13].map(|value| self.module.u32(value));
        let magnitude = self.module.op(Op::BitwiseAnd, uint, &[bits, magnitude_mask]);
        // The exponents' biases, 127 and 15, differ by 112; what is beyond the greatest half becomes that.
        let [bias, greatest] = [112 << 10, 0x7bff].map(|value| self.module.u32(value));
        let normal = self.module.op(Op::ShiftRightLogical, uint, &[magnitude, thirteen]);
        let normal = self.module.op(Op::ISub, uint, &[normal, bias]);
        let normal = self.module.glsl(GLOp::UMin, uint, &[normal, greatest]);
        // Below 2^-14 halves are denormal: their bits count units of 2^-24.
        let [smallest_normal, infinite, half_infinite, half_nan] =
            [0x3880_0000, 0x7f80_0000, 0x7c00, 0x7e00].map(|value| self.module.u32(value));
        let units = self.module.f32(16_777_216.0);
        let value = self.module.op(Op::Bitcast, float1, &[magnitude]);
        let scaled = self.module.op_exact(Op::FMul, float1, &[value, units]);
        // Only where it is below 1,024 is it used, and there it fits.
        let denormal = self.module.op(Op::ULessThan, bools, &[magnitude, smallest_normal]);
        let zero = self.module.f32(0.0);
        let scaled = self.module.op(Op::Select, float1, &[denormal, scaled, zero]);
        let counted = self.module.op(Op::ConvertFToU, uint, &[scaled]);
        let half = self.module.op(Op::Select, uint, &[denormal, counted, normal]);
        let is_infinite = self.module.op(Op::IEqual, bools, &[magnitude, infinite]);
        let half = self.module.op(Op::Select, uint, &[is_infinite, half_infinite, half]);
        let is_nan = self.module.op(Op::ULessThan, bools, &[infinite, magnitude]);
        let half = self.module.op(Op::Select, uint, &[is_nan, half_nan, half]);
        let sign = self.module.op(Op::ShiftRightLogical, uint, &[bits, sixteen]);
        let sign = self.module.op(Op::BitwiseAnd, uint, &[sign, sign_mask]);
        self.module.op(Op::BitwiseOr, uint, &[sign, half])
    }

    /// The half in the low 16 bits as a float, by its bits: all halves are floats, the denormal ones too, which D3D11 keeps
    /// and UnpackHalf2x16 may flush (NVIDIA's 580 does, November 2026).
    fn unpack_half(&mut self, bits: Word) -> Word {
        let (float, uint, bools) =
            (self.ty(Scalar::F32, 1), self.ty(Scalar::U32, 1), self.ty(Scalar::Bool, 1));
        let [magnitude_mask, sign_mask, sixteen, thirteen] =
            [0x7fff, 0x8000, 16, 13].map(|value| self.module.u32(value));
        let magnitude = self.module.op(Op::BitwiseAnd, uint, &[bits, magnitude_mask]);
        let shifted = self.module.op(Op::ShiftLeftLogical, uint, &[magnitude, thirteen]);
        // The exponents' biases differ by 112; infinity and NaN have the greatest exponent in both.
        let [bias, greatest, smallest_normal, infinite] =
            [112 << 23, 0x7f80_0000, 0x400, 0x7c00].map(|value| self.module.u32(value));
        let normal = self.module.op(Op::IAdd, uint, &[shifted, bias]);
        let special = self.module.op(Op::BitwiseOr, uint, &[shifted, greatest]);
        let is_special = self.module.op(Op::UGreaterThanEqual, bools, &[magnitude, infinite]);
        let normal = self.module.op(Op::Select, uint, &[is_special, special, normal]);
        // A denormal half counts units of 2^-24, which is a normal float.
        let unit = self.module.f32(1.0 / 16_777_216.0);
        let count = self.module.op(Op::ConvertUToF, float, &[magnitude]);
        let value = self.module.op_exact(Op::FMul, float, &[count, unit]);
        let value = self.module.op(Op::Bitcast, uint, &[value]);
        let is_denormal = self.module.op(Op::ULessThan, bools, &[magnitude, smallest_normal]);
        let value = self.module.op(Op::Select, uint, &[is_denormal, value, normal]);
        let sign = self.module.op(Op::BitwiseAnd, uint, &[bits, sign_mask]);
        let sign = self.module.op(Op::ShiftLeftLogical, uint, &[sign, sixteen]);
        let value = self.module.op(Op::BitwiseOr, uint, &[value, sign]);
        self.module.op(Op::Bitcast, float, &[value])
    }

    /// Applies `f` to each component.
    pub(super) fn each(
        &mut self,
        value: Value,
        to: Scalar,
        mut f: impl FnMut(&mut Self, Word) -> Word,
    ) -> Result<Value, Error> {
        let mut parts = Vec::with_capacity(value.count);
        for n in 0..value.count {
            let component = self.pick(value, &[n])?;
            parts.push(f(self, component.id));
        }
        self.join(&parts, to)
    }

    /// A value of these components.
    pub(super) fn join(&mut self, parts: &[Word], scalar: Scalar) -> Result<Value, Error> {
        let id = match parts {
            [] => return Err(self.invalid("a value has no components")),
            [id] => *id,
            _ => {
                let ty = self.ty(scalar, parts.len());
                self.module.op(Op::CompositeConstruct, ty, parts)
            }
        };
        Ok(Value { id, scalar, count: parts.len() })
    }

    fn derivative(&mut self, instruction: &Instruction, op: Op) -> Result<(), Error> {
        if !self.is_pixel() {
            return Err(self.invalid("only a pixel shader has derivatives"));
        }
        if !matches!(op, Op::DPdx | Op::DPdy) {
            self.module.capability(Capability::DerivativeControl);
        }
        self.map(instruction, Scalar::F32, Scalar::F32, |e, ty, [a]| e.module.op(op, ty, &[a]))
    }
}
