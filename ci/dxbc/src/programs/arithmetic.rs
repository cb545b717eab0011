//! Statements that compute: integers, floats, doubles, conversions, comparisons, moves.

use pvgpu_dxbc::token::opcode::Opcode;

use super::generator::{DOUBLES, FLOATS, Generator, INTEGERS};
use crate::assembler::{Instruction, Operand, doubles, null, temp};

/// Integer instructions with one destination: opcode, sources, whether sources may be negated.
const INTEGER: [(Opcode, usize, bool); 31] = [
    (Opcode::Iadd, 2, true),
    (Opcode::Imad, 3, true),
    (Opcode::Umad, 3, false),
    (Opcode::Imax, 2, true),
    (Opcode::Imin, 2, true),
    (Opcode::Umax, 2, false),
    (Opcode::Umin, 2, false),
    (Opcode::Ineg, 1, false),
    (Opcode::Ieq, 2, false),
    (Opcode::Ine, 2, false),
    (Opcode::Ilt, 2, false),
    (Opcode::Ige, 2, false),
    (Opcode::Ult, 2, false),
    (Opcode::Uge, 2, false),
    (Opcode::And, 2, false),
    (Opcode::Or, 2, false),
    (Opcode::Xor, 2, false),
    (Opcode::Not, 1, false),
    (Opcode::Ishl, 2, false),
    (Opcode::Ishr, 2, false),
    (Opcode::Ushr, 2, false),
    (Opcode::CountBits, 1, false),
    (Opcode::Bfrev, 1, false),
    (Opcode::FirstbitLo, 1, false),
    (Opcode::FirstbitHi, 1, false),
    (Opcode::FirstbitShi, 1, false),
    (Opcode::Ubfe, 3, false),
    (Opcode::Ibfe, 3, false),
    (Opcode::Bfi, 4, false),
    (Opcode::Mov, 1, false),
    (Opcode::Movc, 3, false),
];

/// Integer instructions with two destinations.
const PAIRS: [Opcode; 6] =
    [Opcode::Imul, Opcode::Umul, Opcode::Udiv, Opcode::Uaddc, Opcode::Usubb, Opcode::Swapc];

/// Float instructions without a tolerance.
const EXACT: [(Opcode, usize); 11] = [
    (Opcode::Add, 2),
    (Opcode::Add, 2),
    (Opcode::Mul, 2),
    (Opcode::Mul, 2),
    (Opcode::Min, 2),
    (Opcode::Max, 2),
    (Opcode::Frc, 1),
    (Opcode::RoundNe, 1),
    (Opcode::RoundNi, 1),
    (Opcode::RoundPi, 1),
    (Opcode::RoundZ, 1),
];

/// Float instructions with a tolerance.
const INEXACT: [(Opcode, usize); 9] = [
    (Opcode::Div, 2),
    (Opcode::Mad, 3),
    (Opcode::Rcp, 1),
    (Opcode::Rsq, 1),
    (Opcode::Sqrt, 1),
    (Opcode::Exp, 1),
    (Opcode::Log, 1),
    (Opcode::Dp2, 2),
    (Opcode::Dp4, 2),
];

/// Double instructions from doubles to a double.
const DOUBLE: [(Opcode, usize); 9] = [
    (Opcode::Dadd, 2),
    (Opcode::Dmul, 2),
    (Opcode::Ddiv, 2),
    (Opcode::Dfma, 3),
    (Opcode::Drcp, 1),
    (Opcode::Dmin, 2),
    (Opcode::Dmax, 2),
    (Opcode::Dmov, 1),
    (Opcode::Dmovc, 3),
];

impl Generator {
    pub(super) fn integer_statement(&mut self) {
        if self.chance(15) {
            return self.pair_statement();
        }
        let (opcode, count, negatable) = self.pick(&INTEGER);
        let mut operands = vec![self.integer_destination()];
        for _ in 0..count {
            let mut source = self.integer_source();
            source.modifier.negate = negatable && self.chance(20);
            operands.push(source);
        }
        self.op(opcode, operands);
    }

    fn pair_statement(&mut self) {
        let opcode = self.pick(&PAIRS);
        // Two different registers, or one and nothing.
        let first = self.random.below(INTEGERS) as u32;
        let second = (first + 1 + self.random.below(INTEGERS - 1) as u32) % INTEGERS as u32;
        let masks = [(); 2].map(|()| 1 + self.random.below(15) as u8);
        let mut operands = vec![temp(first).mask_bits(masks[0]), temp(second).mask_bits(masks[1])];
        let sources = if opcode == Opcode::Swapc { 3 } else { 2 };
        if opcode != Opcode::Swapc && self.chance(30) {
            operands[self.random.below(2)] = null();
        }
        for _ in 0..sources {
            let mut source = self.integer_source();
            source.modifier.negate = opcode == Opcode::Imul && self.chance(20);
            operands.push(source);
        }
        self.op(opcode, operands);
    }

    pub(super) fn float_statement(&mut self) {
        if self.chance(8) {
            let destinations = [self.inexact_destination(), null()];
            let source = self.float_source(true);
            let order = self.random.below(2);
            let [a, b] = [destinations[order].clone(), destinations[1 - order].clone()];
            return self.op(Opcode::Sincos, [a, b, source]);
        }
        let inexact = self.chance(30);
        let (opcode, count) = if inexact { self.pick(&INEXACT) } else { self.pick(&EXACT) };
        let destination = if inexact { self.inexact_destination() } else { self.float_destination() };
        let mut instruction = Instruction::new(opcode).operands([destination]);
        for _ in 0..count {
            instruction.operands.push(self.float_source(inexact));
        }
        if self.chance(15) {
            instruction = instruction.saturate();
        }
        self.assembly.push(instruction);
    }

    /// Between integers and floats.
    pub(super) fn mixed_statement(&mut self) {
        match self.random.below(8) {
            0 | 1 => {
                let opcode = self.pick(&[Opcode::Eq, Opcode::Ne, Opcode::Lt, Opcode::Ge, Opcode::Dp3]);
                let destination = if opcode == Opcode::Dp3 {
                    self.inexact_destination()
                } else {
                    self.integer_destination()
                };
                let sources = [self.float_source(false), self.float_source(false)];
                let [a, b] = sources;
                self.op(opcode, [destination, a, b]);
            }
            2 | 3 => {
                let opcode = self.pick(&[Opcode::Ftoi, Opcode::Ftou, Opcode::F32tof16]);
                let destination = self.integer_destination();
                let source = self.float_source(false);
                self.op(opcode, [destination, source]);
            }
            4 | 5 => {
                let opcode = self.pick(&[Opcode::Itof, Opcode::Utof, Opcode::F16tof32]);
                let source = self.integer_source();
                let destination = self.float_destination();
                self.op(opcode, [destination, source]);
            }
            6 => {
                let condition = self.integer_source();
                let sources = [self.float_source(false), self.float_source(false)];
                let [a, b] = sources;
                let destination = self.float_destination();
                let saturate = self.chance(20);
                let movc = Instruction::new(Opcode::Movc).operands([destination, condition, a, b]);
                self.assembly.push(if saturate { movc.saturate() } else { movc });
            }
            _ => {
                let source = self.float_source(false);
                let destination = self.float_destination();
                let saturate = self.chance(30);
                let mov = Instruction::new(Opcode::Mov).operands([destination, source]);
                self.assembly.push(if saturate { mov.saturate() } else { mov });
            }
        }
    }

    fn double_source(&mut self) -> Operand {
        let mut operand = if self.chance(30) {
            doubles([(); 2].map(|()| (self.random.below(64) as f64 - 32.0) / 4.0))
        } else {
            let swizzle = self.pick(&[[0, 1, 2, 3], [0, 1, 0, 1], [2, 3, 0, 1], [2, 3, 2, 3]]);
            temp(DOUBLES).swizzled(swizzle)
        };
        operand.modifier.negate = self.chance(20);
        operand.modifier.absolute = self.chance(10);
        operand
    }

    pub(super) fn double_statement(&mut self) {
        let mask = self.pick(&[0b0011, 0b1100, 0b1111]);
        let destination = temp(DOUBLES).mask_bits(mask);
        // One or two components, for results that are not doubles.
        let narrow_mask = self.pick(&[1, 2, 4, 8, 3, 5, 9, 6, 10, 12]);
        let narrow = temp(self.random.below(INTEGERS) as u32).mask_bits(narrow_mask);
        match self.random.below(8) {
            0 => {
                let opcode = self.pick(&[Opcode::Deq, Opcode::Dne, Opcode::Dlt, Opcode::Dge]);
                let sources = [self.double_source(), self.double_source()];
                let [a, b] = sources;
                self.op(opcode, [narrow, a, b]);
            }
            1 => {
                let opcode = self.pick(&[Opcode::Dtoi, Opcode::Dtou]);
                let source = self.double_source();
                self.op(opcode, [narrow, source]);
            }
            2 => {
                let source = self.double_source();
                let register = FLOATS + self.random.below(2) as u32;
                self.op(Opcode::Dtof, [temp(register).mask_bits(narrow_mask), source]);
            }
            3 => {
                let source = self.float_source(false);
                self.op(Opcode::Ftod, [destination, source]);
            }
            4 => {
                let opcode = self.pick(&[Opcode::Itod, Opcode::Utod]);
                let source = self.integer_source();
                self.op(opcode, [destination, source]);
            }
            _ => {
                let (opcode, count) = self.pick(&DOUBLE);
                let mut instruction = Instruction::new(opcode).operands([destination]);
                if opcode == Opcode::Dmovc {
                    let condition = self.integer_source();
                    instruction.operands.push(condition);
                }
                while instruction.operands.len() <= count {
                    instruction.operands.push(self.double_source());
                }
                if self.chance(10) {
                    instruction = instruction.saturate();
                }
                self.assembly.push(instruction);
            }
        }
    }
}
