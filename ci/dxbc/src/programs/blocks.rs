//! Statements that steer: if, loop, switch, call, return; and the choice of a statement.

use pvgpu_dxbc::token::opcode::Opcode;

use super::generator::{COUNTERS, Generator, SCRATCH};
use crate::assembler::{Instruction, Operand, label, scalar, temp};

/// Levels of nested blocks in one subroutine.
const DEPTH: u32 = 3;

impl Generator {
    /// One statement, at this level of blocks.
    pub(super) fn statement(&mut self, depth: u32) {
        self.budget = self.budget.saturating_sub(1);
        let features = self.features;
        match self.random.below(100) {
            0..28 => self.integer_statement(),
            28..44 => self.float_statement(),
            44..56 => self.mixed_statement(),
            56..63 if features.doubles => self.double_statement(),
            63..69 if features.resources => self.load_statement(),
            69..76 if features.own_views => self.own_view_statement(),
            76..80 if features.atomics => self.shared_atomic_statement(),
            80..84 if features.shared && depth == 0 && self.subroutine == 0 && !self.returned => {
                self.exchange_statement();
            }
            84..90 if depth < DEPTH => self.if_statement(depth),
            90..93 if depth < DEPTH && self.loops < self.loop_limit() => self.loop_statement(depth),
            93..95 if depth < DEPTH => self.switch_statement(depth),
            95..98 if self.subroutine < features.subroutines => self.call_statement(),
            98 if self.subroutine > 0 || depth > 0 => self.return_statement(),
            _ => self.integer_statement(),
        }
    }

    /// The body of a block.
    fn block(&mut self, depth: u32) {
        for _ in 0..1 + self.random.below(4) {
            self.statement(depth + 1);
        }
    }

    /// Loops that may be open at once: a subroutine has one counter, the body four.
    fn loop_limit(&self) -> u32 {
        if self.subroutine == 0 { 3 } else { 1 }
    }

    fn if_statement(&mut self, depth: u32) {
        let instruction = self.conditional(Opcode::If);
        self.assembly.push(instruction);
        self.block(depth);
        if self.chance(50) {
            self.op(Opcode::Else, []);
            self.block(depth);
        }
        self.leave_statement();
        self.op(Opcode::EndIf, []);
    }

    /// Leaves the innermost loop or its turn, now and then.
    fn leave_statement(&mut self) {
        if self.loops > 0 && self.chance(25) {
            let opcode = self.pick(&[Opcode::Break, Opcode::Continue]);
            self.op(opcode, []);
        }
    }

    fn loop_statement(&mut self, depth: u32) {
        let component = self.loops as u8;
        let counter = temp(COUNTERS + u32::from(self.subroutine > 0));
        let component = if self.subroutine == 0 { component } else { self.subroutine as u8 };
        let (to, from) = (counter.clone().mask_bits(1 << component), counter.select(component));
        self.op(Opcode::Mov, [to.clone(), scalar(0)]);
        self.op(Opcode::Loop, []);
        let limit: Operand = if self.chance(50) {
            scalar(1 + self.random.below(4) as u32)
        } else {
            // A component that the comparison does not write.
            self.small_index(4)
        };
        let end = (temp(SCRATCH).mask("w"), temp(SCRATCH).select(3));
        self.op(Opcode::Uge, [end.0, from.clone(), limit]);
        self.assembly.push(Instruction::new(Opcode::Breakc).nonzero().operands([end.1]));
        self.op(Opcode::Iadd, [to, from, scalar(1)]);
        self.loops += 1;
        self.block(depth);
        if self.chance(30) {
            let opcode = self.pick(&[Opcode::Breakc, Opcode::Continuec]);
            let instruction = self.conditional(opcode);
            self.assembly.push(instruction);
            self.block(depth);
        }
        self.loops -= 1;
        self.op(Opcode::EndLoop, []);
    }

    fn switch_statement(&mut self, depth: u32) {
        let selector = self.small_index(4);
        self.op(Opcode::Switch, [selector]);
        let count = 1 + self.random.below(4) as u32;
        let default = self.random.below(6) as u32;
        for case in 0..count {
            self.op(Opcode::Case, [scalar(case)]);
            if default == case {
                self.op(Opcode::Default, []);
            }
            // Without a body it shares that of the next one.
            if self.chance(80) {
                self.block(depth);
                if self.chance(15) {
                    let instruction = self.conditional(Opcode::Breakc);
                    self.assembly.push(instruction);
                    self.statement(depth + 1);
                }
                // SM 4 lets code fall through; so do we.
                if self.chance(75) {
                    self.op(Opcode::Break, []);
                }
            }
        }
        if default == 5 {
            self.op(Opcode::Default, []);
            self.block(depth);
        }
        self.op(Opcode::Break, []);
        self.op(Opcode::EndSwitch, []);
    }

    fn call_statement(&mut self) {
        let below = (self.features.subroutines - self.subroutine) as usize;
        let target = label(self.subroutine + 1 + self.random.below(below) as u32);
        if self.chance(40) {
            let mut instruction = self.conditional(Opcode::Callc);
            instruction.operands.push(target);
            self.assembly.push(instruction);
        } else {
            self.op(Opcode::Call, [target]);
        }
    }

    fn return_statement(&mut self) {
        self.returned = true;
        let instruction = self.conditional(Opcode::Retc);
        self.assembly.push(instruction);
    }
}
