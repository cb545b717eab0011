//! 64-bit float instructions: a double is two neighbouring components of a register, the low dword first.

use rspirv::spirv::{Capability, Decoration, GlslStd450Op as GLOp, Op, Word};

use super::{Lowering, Value};
use crate::Error;
use crate::ir::Scalar;
use crate::token::opcode::Opcode;
use crate::token::operand::{Components, Operand, RegisterFile};
use crate::token::program::Instruction;

/// The halves of a register's mask that hold its (up to) two doubles.
const PAIRS: [u8; 2] = [0b0011, 0b1100];

/// The 32-bit component that belongs to a pair, also where the other pair is not written (functional specification,
/// 22.16.2 and 22.17.2).
fn number_of(pair: u8) -> usize {
    usize::from(pair == PAIRS[1])
}

/// Whether an instruction computes with doubles.
pub fn is_double(opcode: Opcode) -> bool {
    matches!(opcode.number(), 191..=202 | 210..=212 | 214..=217)
}

impl Lowering<'_> {
    pub(super) fn double(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let present = self.target().shader_float64;
        self.require(present, Capability::Float64, "shaderFloat64")?;
        match instruction.opcode {
            Opcode::Dadd => self.map_doubles(instruction, |e, ty, [a, b]| e.float_op(Op::FAdd, ty, &[a, b])),
            Opcode::Dmul => self.map_doubles(instruction, |e, ty, [a, b]| e.float_op(Op::FMul, ty, &[a, b])),
            Opcode::Ddiv => self.map_doubles(instruction, |e, ty, [a, b]| e.float_op(Op::FDiv, ty, &[a, b])),
            // Only so decorated is it one operation, rounded once.
            Opcode::Dfma => self.map_doubles(instruction, |e, ty, [a, b, c]| {
                let id = e.module.glsl(GLOp::Fma, ty, &[a, b, c]);
                e.module.decorate(id, Decoration::NoContraction, &[]);
                id
            }),
            Opcode::Dmin => {
                self.map_doubles(instruction, |e, ty, [a, b]| e.module.glsl(GLOp::NMin, ty, &[a, b]))
            }
            Opcode::Dmax => {
                self.map_doubles(instruction, |e, ty, [a, b]| e.module.glsl(GLOp::NMax, ty, &[a, b]))
            }
            Opcode::Drcp => {
                let one = self.module.f64(1.0);
                self.map_doubles(instruction, |e, ty, [a]| e.float_op(Op::FDiv, ty, &[one, a]))
            }
            Opcode::Dmov => self.map_doubles(instruction, |_, _, [a]| a),
            Opcode::Deq => self.compare_doubles(instruction, Op::FOrdEqual),
            Opcode::Dne => self.compare_doubles(instruction, Op::FUnordNotEqual),
            Opcode::Dlt => self.compare_doubles(instruction, Op::FOrdLessThan),
            Opcode::Dge => self.compare_doubles(instruction, Op::FOrdGreaterThanEqual),
            Opcode::Dmovc => self.select_doubles(instruction),
            Opcode::Dtof => self.narrow(instruction, Scalar::F32, Op::FConvert),
            Opcode::Dtoi => self.narrow(instruction, Scalar::I32, Op::ConvertFToS),
            Opcode::Dtou => self.narrow(instruction, Scalar::U32, Op::ConvertFToU),
            Opcode::Ftod => self.widen(instruction, Scalar::F32, Op::FConvert),
            Opcode::Itod => self.widen(instruction, Scalar::I32, Op::ConvertSToF),
            Opcode::Utod => self.widen(instruction, Scalar::U32, Op::ConvertUToF),
            _ => Err(self.invalid("this is not a double instruction")),
        }
    }

    /// The double in the two components that `mask` picks through the operand's swizzle.
    fn load_double(&mut self, operand: &Operand, mask: u8) -> Result<Word, Error> {
        let bits = match operand.file {
            // An immediate of one component is one double.
            RegisterFile::Immediate64 => {
                let [a, b, c, d] = operand.immediate;
                let scalar = operand.components == Components::One;
                let bits = if scalar || mask == PAIRS[0] { [a, b] } else { [c, d] };
                let id = self.module.constant_vector(Scalar::U32, &bits);
                Value { id, scalar: Scalar::U32, count: 2 }
            }
            _ => self.load(&operand.unmodified(), mask, Scalar::U32)?,
        };
        let ty = self.ty(Scalar::F64, 1);
        let mut id = self.module.op(Op::Bitcast, ty, &[bits.id]);
        if operand.modifier.absolute {
            id = self.module.glsl(GLOp::FAbs, ty, &[id]);
        }
        if operand.modifier.negate {
            id = self.module.op(Op::FNegate, ty, &[id]);
        }
        Ok(id)
    }

    fn store_double(
        &mut self,
        destination: &Operand,
        mask: u8,
        double: Word,
        saturate: bool,
    ) -> Result<(), Error> {
        let mut double = double;
        if saturate {
            let ty = self.ty(Scalar::F64, 1);
            let (zero, one) = (self.module.f64(0.0), self.module.f64(1.0));
            double = self.module.glsl(GLOp::NClamp, ty, &[double, zero, one]);
        }
        let ty = self.ty(Scalar::U32, 2);
        let id = self.module.op(Op::Bitcast, ty, &[double]);
        let half = destination.with_mask(mask);
        self.store(&half, Value { id, scalar: Scalar::U32, count: 2 }, false)
    }

    /// The pairs that a destination's mask covers.
    fn pairs(&self, destination: &Operand) -> Result<Vec<u8>, Error> {
        let mask = destination.mask();
        if PAIRS.iter().any(|pair| mask & pair != 0 && mask & pair != *pair) {
            return Err(self.invalid("a double needs a mask of xy, zw or both"));
        }
        Ok(PAIRS.into_iter().filter(|pair| mask & pair != 0).collect())
    }

    fn map_doubles<const N: usize>(
        &mut self,
        instruction: &Instruction,
        f: impl Fn(&mut Self, Word, [Word; N]) -> Word,
    ) -> Result<(), Error> {
        let operands: Vec<Operand> = self.program.operands(instruction).copied().collect();
        let Some((destination, sources)) = operands.split_first() else {
            return Err(self.invalid("operands are missing"));
        };
        let ty = self.ty(Scalar::F64, 1);
        let mut results = Vec::new();
        for pair in self.pairs(destination)? {
            let mut values = [0; N];
            for (value, source) in values.iter_mut().zip(sources) {
                *value = self.load_double(source, pair)?;
            }
            results.push((pair, f(self, ty, values)));
        }
        for (pair, result) in results {
            self.store_double(destination, pair, result, instruction.saturate())?;
        }
        Ok(())
    }

    /// The doubles of `source` for each component of `mask`: the first component takes xy, the second zw.
    fn doubles_for(&mut self, mask: u8, source: &Operand) -> Result<Vec<Word>, Error> {
        let count = mask.count_ones() as usize;
        if count > 2 {
            return Err(self.invalid("a register holds two doubles"));
        }
        PAIRS.into_iter().take(count).map(|pair| self.load_double(source, pair)).collect()
    }

    fn compare_doubles(&mut self, instruction: &Instruction, op: Op) -> Result<(), Error> {
        let [destination, a, b] = self.operands(instruction)?;
        let a = self.doubles_for(destination.mask(), &a)?;
        let b = self.doubles_for(destination.mask(), &b)?;
        let bools = self.ty(Scalar::Bool, 1);
        let mut parts = Vec::new();
        for (a, b) in a.into_iter().zip(b) {
            let id = self.module.op(op, bools, &[a, b]);
            parts.push(self.mask_of(Value { id, scalar: Scalar::Bool, count: 1 }).id);
        }
        self.store_parts(&destination, &parts, Scalar::U32, false)
    }

    fn store_parts(
        &mut self,
        destination: &Operand,
        parts: &[Word],
        to: Scalar,
        sat: bool,
    ) -> Result<(), Error> {
        if parts.is_empty() {
            return Ok(());
        }
        let value = self.join(parts, to)?;
        self.store(destination, value, sat)
    }

    /// `dmovc`: the double in xy is chosen by the first component of the condition, that in zw by the second.
    fn select_doubles(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let [destination, condition, a, b] = self.operands(instruction)?;
        let ty = self.ty(Scalar::F64, 1);
        let mut results = Vec::new();
        for pair in self.pairs(&destination)? {
            let condition = self.load_component(&condition, number_of(pair), Scalar::U32)?;
            let condition = self.not_zero(Value { id: condition, scalar: Scalar::U32, count: 1 });
            let a = self.load_double(&a, pair)?;
            let b = self.load_double(&b, pair)?;
            results.push((pair, self.module.op(Op::Select, ty, &[condition, a, b])));
        }
        for (pair, result) in results {
            self.store_double(&destination, pair, result, instruction.saturate())?;
        }
        Ok(())
    }

    /// Doubles to 32-bit values. Integers are clamped to their range, and NaN gives zero.
    fn narrow(&mut self, instruction: &Instruction, to: Scalar, op: Op) -> Result<(), Error> {
        let [destination, source] = self.operands(instruction)?;
        let (double, ty, bools) = (self.ty(Scalar::F64, 1), self.ty(to, 1), self.ty(Scalar::Bool, 1));
        let mut parts = Vec::new();
        for value in self.doubles_for(destination.mask(), &source)? {
            let range = match to {
                Scalar::I32 => Some((f64::from(i32::MIN), f64::from(i32::MAX))),
                Scalar::U32 => Some((0.0, f64::from(u32::MAX))),
                _ => None,
            };
            let mut result = value;
            if let Some((low, high)) = range {
                let (low, high) = (self.module.f64(low), self.module.f64(high));
                result = self.module.glsl(GLOp::NClamp, double, &[value, low, high]);
            }
            result = self.module.op(op, ty, &[result]);
            if range.is_some() {
                let nan = self.module.op(Op::IsNan, bools, &[value]);
                let zero = self.module.constant(to, 0);
                result = self.module.op(Op::Select, ty, &[nan, zero, result]);
            }
            parts.push(result);
        }
        self.store_parts(&destination, &parts, to, to == Scalar::F32 && instruction.saturate())
    }

    /// 32-bit values to doubles: the double in xy takes the first component, that in zw the second.
    fn widen(&mut self, instruction: &Instruction, from: Scalar, op: Op) -> Result<(), Error> {
        let [destination, source] = self.operands(instruction)?;
        let ty = self.ty(Scalar::F64, 1);
        let mut results = Vec::new();
        for pair in self.pairs(&destination)? {
            let value = self.load_component(&source, number_of(pair), from)?;
            results.push((pair, self.module.op(op, ty, &[value])));
        }
        for (pair, result) in results {
            self.store_double(&destination, pair, result, instruction.saturate())?;
        }
        Ok(())
    }
}
