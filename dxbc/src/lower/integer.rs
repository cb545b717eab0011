//! Integer and bit instructions, and conversions from integers.

use rspirv::spirv::{GlslStd450Op as GLOp, Op, Word};

use super::{Lowering, Value};
use crate::Error;
use crate::ir::Scalar;
use crate::token::opcode::Opcode;
use crate::token::operand::Operand;
use crate::token::program::Instruction;

impl Lowering<'_> {
    pub(super) fn integer(&mut self, instruction: &Instruction) -> Result<(), Error> {
        use Scalar::{F32, I32, U32};
        match instruction.opcode {
            Opcode::Itof => {
                self.map(instruction, I32, F32, |e, ty, [a]| e.module.op(Op::ConvertSToF, ty, &[a]))
            }
            Opcode::Utof => {
                self.map(instruction, U32, F32, |e, ty, [a]| e.module.op(Op::ConvertUToF, ty, &[a]))
            }
            Opcode::Iadd => self.binary(instruction, Op::IAdd),
            Opcode::Imad | Opcode::Umad => self.map(instruction, U32, U32, |e, ty, [a, b, c]| {
                let product = e.module.op(Op::IMul, ty, &[a, b]);
                e.module.op(Op::IAdd, ty, &[product, c])
            }),
            Opcode::Imax => self.extremum(instruction, I32, GLOp::SMax),
            Opcode::Imin => self.extremum(instruction, I32, GLOp::SMin),
            Opcode::Umax => self.extremum(instruction, U32, GLOp::UMax),
            Opcode::Umin => self.extremum(instruction, U32, GLOp::UMin),
            Opcode::Ineg => self.map(instruction, I32, I32, |e, ty, [a]| e.module.op(Op::SNegate, ty, &[a])),
            Opcode::Ieq => self.compare(instruction, U32, Op::IEqual),
            Opcode::Ine => self.compare(instruction, U32, Op::INotEqual),
            Opcode::Ilt => self.compare(instruction, I32, Op::SLessThan),
            Opcode::Ige => self.compare(instruction, I32, Op::SGreaterThanEqual),
            Opcode::Ult => self.compare(instruction, U32, Op::ULessThan),
            Opcode::Uge => self.compare(instruction, U32, Op::UGreaterThanEqual),
            Opcode::And => self.binary(instruction, Op::BitwiseAnd),
            Opcode::Or => self.binary(instruction, Op::BitwiseOr),
            Opcode::Xor => self.binary(instruction, Op::BitwiseXor),
            Opcode::Not => self.map(instruction, U32, U32, |e, ty, [a]| e.module.op(Op::Not, ty, &[a])),
            Opcode::Ishl => self.shift(instruction, Op::ShiftLeftLogical),
            Opcode::Ishr => self.shift(instruction, Op::ShiftRightArithmetic),
            Opcode::Ushr => self.shift(instruction, Op::ShiftRightLogical),
            Opcode::Imul => self.multiply(instruction, Op::SMulExtended),
            Opcode::Umul => self.multiply(instruction, Op::UMulExtended),
            Opcode::Udiv => self.divide(instruction),
            Opcode::Uaddc => self.with_carry(instruction, Op::IAddCarry),
            Opcode::Usubb => self.with_carry(instruction, Op::ISubBorrow),
            Opcode::CountBits => {
                self.map(instruction, U32, U32, |e, ty, [a]| e.module.op(Op::BitCount, ty, &[a]))
            }
            Opcode::Bfrev => {
                self.map(instruction, U32, U32, |e, ty, [a]| e.module.op(Op::BitReverse, ty, &[a]))
            }
            Opcode::FirstbitLo => {
                self.map(instruction, I32, I32, |e, ty, [a]| e.module.glsl(GLOp::FindILsb, ty, &[a]))
            }
            Opcode::FirstbitHi => self.first_bit_from_top(instruction, U32, GLOp::FindUMsb),
            Opcode::FirstbitShi => self.first_bit_from_top(instruction, I32, GLOp::FindSMsb),
            Opcode::Ubfe => self.extract(instruction, U32, Op::BitFieldUExtract),
            Opcode::Ibfe => self.extract(instruction, I32, Op::BitFieldSExtract),
            Opcode::Bfi => self.insert(instruction),
            Opcode::Msad => self.absolute_differences(instruction),
            _ => Err(self.invalid("this is not an integer instruction")),
        }
    }

    fn binary(&mut self, instruction: &Instruction, op: Op) -> Result<(), Error> {
        self.map(instruction, Scalar::U32, Scalar::U32, |e, ty, [a, b]| e.module.op(op, ty, &[a, b]))
    }

    fn extremum(&mut self, instruction: &Instruction, scalar: Scalar, op: GLOp) -> Result<(), Error> {
        self.map(instruction, scalar, scalar, |e, ty, [a, b]| e.module.glsl(op, ty, &[a, b]))
    }

    /// D3D11 shifts by the low five bits; SPIR-V leaves more undefined.
    fn shift(&mut self, instruction: &Instruction, op: Op) -> Result<(), Error> {
        let count = self.count(instruction)?;
        let bits = self.module.splat(Scalar::U32, 31, count);
        self.map(instruction, Scalar::U32, Scalar::U32, |e, ty, [a, b]| {
            let amount = e.module.op(Op::BitwiseAnd, ty, &[b, bits]);
            e.module.op(op, ty, &[a, amount])
        })
    }

    /// Two destinations, two sources; `f` computes one or the other result (`false`: the first).
    fn two_results(
        &mut self,
        instruction: &Instruction,
        scalar: Scalar,
        mut f: impl FnMut(&mut Self, bool, usize, Word, Word) -> Word,
    ) -> Result<(), Error> {
        let [first, second, a, b] = self.operands(instruction)?;
        // Both results are computed before either is written, since they may be sources too.
        let mut results: [Option<Value>; 2] = [None; 2];
        for (n, (result, destination)) in results.iter_mut().zip([&first, &second]).enumerate() {
            let mask = destination.mask();
            if mask != 0 {
                let a = self.load(&a, mask, scalar)?;
                let b = self.load(&b, mask, scalar)?;
                *result = Some(Value { id: f(self, n == 1, a.count, a.id, b.id), ..a });
            }
        }
        for (result, destination) in results.into_iter().zip([&first, &second]) {
            if let Some(value) = result {
                self.store(destination, value, false)?;
            }
        }
        Ok(())
    }

    /// 64-bit products: the high halves, then the low ones.
    fn multiply(&mut self, instruction: &Instruction, op: Op) -> Result<(), Error> {
        let scalar = if op == Op::SMulExtended { Scalar::I32 } else { Scalar::U32 };
        self.two_results(instruction, scalar, |e, low, count, a, b| {
            let ty = e.ty(scalar, count);
            if low {
                return e.module.op(Op::IMul, ty, &[a, b]);
            }
            let pair = e.module.pair_type(ty);
            let product = e.module.op(op, pair, &[a, b]);
            // SPIR-V's pair is the low half, then the high one.
            e.module.op(Op::CompositeExtract, ty, &[product, 1])
        })
    }

    /// Quotient and remainder; both have all bits set where the divisor is zero.
    fn divide(&mut self, instruction: &Instruction) -> Result<(), Error> {
        self.two_results(instruction, Scalar::U32, |e, remainder, count, a, b| {
            let (ty, bools) = (e.ty(Scalar::U32, count), e.ty(Scalar::Bool, count));
            let zeros = e.module.splat(Scalar::U32, 0, count);
            let one = e.module.splat(Scalar::U32, 1, count);
            let ones = e.module.splat(Scalar::U32, u32::MAX, count);
            let zero = e.module.op(Op::IEqual, bools, &[b, zeros]);
            let divisor = e.module.op(Op::Select, ty, &[zero, one, b]);
            let result = e.module.op(if remainder { Op::UMod } else { Op::UDiv }, ty, &[a, divisor]);
            e.module.op(Op::Select, ty, &[zero, ones, result])
        })
    }

    /// The sum or difference, then the carry or borrow (0 or 1).
    fn with_carry(&mut self, instruction: &Instruction, op: Op) -> Result<(), Error> {
        self.two_results(instruction, Scalar::U32, |e, carry, count, a, b| {
            let ty = e.ty(Scalar::U32, count);
            let pair = e.module.pair_type(ty);
            let result = e.module.op(op, pair, &[a, b]);
            e.module.op(Op::CompositeExtract, ty, &[result, u32::from(carry)])
        })
    }

    /// D3D11 counts from the top bit, SPIR-V from the bottom; both give -1 if there is none.
    fn first_bit_from_top(
        &mut self,
        instruction: &Instruction,
        scalar: Scalar,
        op: GLOp,
    ) -> Result<(), Error> {
        let count = self.count(instruction)?;
        let bools = self.ty(Scalar::Bool, count);
        let none = self.module.splat(Scalar::I32, u32::MAX, count);
        let top = self.module.splat(Scalar::I32, 31, count);
        self.map(instruction, scalar, Scalar::I32, |e, ty, [a]| {
            let from_bottom = e.module.glsl(op, ty, &[a]);
            let missing = e.module.op(Op::IEqual, bools, &[from_bottom, none]);
            let from_top = e.module.op(Op::ISub, ty, &[top, from_bottom]);
            e.module.op(Op::Select, ty, &[missing, none, from_top])
        })
    }

    /// Width and offset of a bit field, from their low five bits, with the width cut so that the field fits.
    fn bit_field(&mut self, width: Word, offset: Word) -> (Word, Word) {
        let uint = self.ty(Scalar::U32, 1);
        let bits = self.module.u32(31);
        let size = self.module.u32(32);
        let width = self.module.op(Op::BitwiseAnd, uint, &[width, bits]);
        let offset = self.module.op(Op::BitwiseAnd, uint, &[offset, bits]);
        let room = self.module.op(Op::ISub, uint, &[size, offset]);
        (self.module.glsl(GLOp::UMin, uint, &[width, room]), offset)
    }

    /// The components of `operands` under `mask`: for each component, one id of each operand.
    fn components<const N: usize>(
        &mut self,
        mask: u8,
        operands: [(&Operand, Scalar); N],
    ) -> Result<Vec<[Word; N]>, Error> {
        let mut rows = vec![[0; N]; mask.count_ones() as usize];
        for (column, (operand, scalar)) in operands.into_iter().enumerate() {
            let value = self.load(operand, mask, scalar)?;
            for (n, row) in rows.iter_mut().enumerate() {
                let component = self.pick(value, &[n])?;
                if let Some(entry) = row.get_mut(column) {
                    *entry = component.id;
                }
            }
        }
        Ok(rows)
    }

    fn extract(&mut self, instruction: &Instruction, scalar: Scalar, op: Op) -> Result<(), Error> {
        let [destination, width, offset, source] = self.operands(instruction)?;
        if destination.mask() == 0 {
            return Ok(());
        }
        let operands = [(&width, Scalar::U32), (&offset, Scalar::U32), (&source, scalar)];
        let ty = self.ty(scalar, 1);
        let mut parts = Vec::new();
        for [width, offset, source] in self.components(destination.mask(), operands)? {
            let (width, offset) = self.bit_field(width, offset);
            parts.push(self.module.op(op, ty, &[source, offset, width]));
        }
        let value = self.join(&parts, scalar)?;
        self.store(&destination, value, false)
    }

    /// `msad`: adds the differences of the bytes of two dwords, except where the first has a zero. The sum saturates,
    /// as the specification recommends.
    fn absolute_differences(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let count = self.count(instruction)?;
        let bools = self.ty(Scalar::Bool, count);
        let [eight, zeros, ones] = [8, 0, u32::MAX].map(|n| self.module.splat(Scalar::U32, n, count));
        let byte = self.module.splat(Scalar::U32, 0xff, count);
        self.map(instruction, Scalar::U32, Scalar::U32, |e, ty, [reference, source, mut sum]| {
            let (mut reference, mut source) = (reference, source);
            for n in 0..4 {
                if n != 0 {
                    reference = e.module.op(Op::ShiftRightLogical, ty, &[reference, eight]);
                    source = e.module.op(Op::ShiftRightLogical, ty, &[source, eight]);
                }
                let a = e.module.op(Op::BitwiseAnd, ty, &[reference, byte]);
                let b = e.module.op(Op::BitwiseAnd, ty, &[source, byte]);
                let most = e.module.glsl(GLOp::UMax, ty, &[a, b]);
                let least = e.module.glsl(GLOp::UMin, ty, &[a, b]);
                let difference = e.module.op(Op::ISub, ty, &[most, least]);
                let masked = e.module.op(Op::IEqual, bools, &[a, zeros]);
                let difference = e.module.op(Op::Select, ty, &[masked, zeros, difference]);
                // The sum stays at its greatest value once it has reached it.
                let room = e.module.op(Op::ISub, ty, &[ones, sum]);
                let difference = e.module.glsl(GLOp::UMin, ty, &[difference, room]);
                sum = e.module.op(Op::IAdd, ty, &[sum, difference]);
            }
            sum
        })
    }

    fn insert(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let [destination, width, offset, source, base] = self.operands(instruction)?;
        if destination.mask() == 0 {
            return Ok(());
        }
        let uint = Scalar::U32;
        let operands = [(&width, uint), (&offset, uint), (&source, uint), (&base, uint)];
        let ty = self.ty(uint, 1);
        let mut parts = Vec::new();
        for [width, offset, source, base] in self.components(destination.mask(), operands)? {
            let (width, offset) = self.bit_field(width, offset);
            parts.push(self.module.op(Op::BitFieldInsert, ty, &[base, source, offset, width]));
        }
        let value = self.join(&parts, uint)?;
        self.store(&destination, value, false)
    }
}
