//! Control flow: DXBC's blocks are SPIR-V's structured constructs.

use rspirv::spirv::{Capability, LoopControl, Op, SelectionControl, Word};

use super::Lowering;
use crate::Error;
use crate::flow::label;
use crate::ir::Scalar;
use crate::token::opcode::Opcode;
use crate::token::program::Instruction;

/// An open block and the labels that it needs.
#[derive(Debug)]
enum Block {
    If {
        otherwise: Word,
        has_else: bool,
        merge: Word,
    },
    Loop {
        header: Word,
        next: Word,
        merge: Word,
    },
    /// `cases`: the label of each `case` and `default`, by the place of the instruction.
    Switch {
        cases: Vec<(usize, Word)>,
        merge: Word,
    },
}

/// The blocks that are open at the instruction at hand.
#[derive(Debug, Default)]
pub struct Blocks {
    open: Vec<Block>,
    /// The SPIR-V block at hand has its terminator: what follows cannot be reached.
    terminated: bool,
    /// Blocks opened in code that cannot be reached, and not closed yet.
    skipped: usize,
    /// The label of the SPIR-V block at hand if it is a case that is still empty.
    fresh_case: Option<Word>,
}

impl Blocks {
    /// Whether instructions at this place can run.
    pub fn is_reachable(&self) -> bool {
        !self.terminated
    }

    fn break_target(&self) -> Option<Word> {
        self.open.iter().rev().find_map(|block| match block {
            Block::Loop { merge, .. } | Block::Switch { merge, .. } => Some(*merge),
            Block::If { .. } => None,
        })
    }

    fn continue_target(&self) -> Option<Word> {
        self.open.iter().rev().find_map(|block| match block {
            Block::Loop { next, .. } => Some(*next),
            _ => None,
        })
    }
}

impl Lowering<'_> {
    /// Translates a control flow instruction. `false`: it is another one.
    pub(super) fn flow_instruction(
        &mut self,
        position: usize,
        instruction: &Instruction,
    ) -> Result<bool, Error> {
        let opcode = instruction.opcode;
        if self.blocks.terminated && !starts_function(opcode) && self.skip(opcode) {
            return Ok(true);
        }
        match opcode {
            Opcode::If => {
                let condition = self.condition(instruction)?;
                let [then, otherwise, merge] = [(); 3].map(|()| self.module.id());
                self.module.branch_conditional(condition, then, otherwise, merge);
                self.start(then);
                self.blocks.open.push(Block::If { otherwise, has_else: false, merge });
            }
            Opcode::Else => {
                let (label, end) = match self.blocks.open.last_mut() {
                    Some(Block::If { otherwise, has_else, merge }) => {
                        *has_else = true;
                        (*otherwise, *merge)
                    }
                    _ => return Err(self.invalid("there is no open if")),
                };
                self.jump(end);
                self.start(label);
            }
            Opcode::EndIf => {
                let Some(Block::If { otherwise, has_else, merge }) = self.blocks.open.pop() else {
                    return Err(self.invalid("there is no open if"));
                };
                self.jump(merge);
                if !has_else {
                    self.start(otherwise);
                    self.jump(merge);
                }
                self.start(merge);
            }
            Opcode::Loop => {
                let [header, body, next, merge] = [(); 4].map(|()| self.module.id());
                self.jump(header);
                self.start(header);
                self.module.op_void(Op::LoopMerge, &[merge, next, LoopControl::NONE.bits()]);
                self.module.branch(body);
                self.start(body);
                self.blocks.open.push(Block::Loop { header, next, merge });
            }
            Opcode::EndLoop => {
                let Some(Block::Loop { header, next, merge }) = self.blocks.open.pop() else {
                    return Err(self.invalid("there is no open loop"));
                };
                self.jump(next);
                self.start(next);
                self.module.branch(header);
                self.start(merge);
            }
            Opcode::Switch => self.switch(position, instruction)?,
            Opcode::Case | Opcode::Default => {
                let case = match self.blocks.open.last() {
                    Some(Block::Switch { cases, .. }) => {
                        {
                            // The places are in order.
                            let found = cases.binary_search_by_key(&position, |(place, _)| *place);
                            found.ok().and_then(|n| cases.get(n)).map(|(_, label)| *label)
                        }
                    }
                    _ => None,
                };
                let case = case.ok_or_else(|| self.invalid("there is no open switch"))?;
                if self.blocks.fresh_case != Some(case) {
                    self.jump(case);
                    self.start(case);
                    self.blocks.fresh_case = Some(case);
                }
                return Ok(true);
            }
            Opcode::EndSwitch => {
                let Some(Block::Switch { merge, .. }) = self.blocks.open.pop() else {
                    return Err(self.invalid("there is no open switch"));
                };
                self.jump(merge);
                self.start(merge);
            }
            Opcode::Break | Opcode::Breakc => {
                let target = self.blocks.break_target();
                let target = target.ok_or_else(|| self.invalid("there is no open loop or switch"))?;
                self.leave(instruction, opcode == Opcode::Breakc, |emitter| emitter.module.branch(target))?;
            }
            Opcode::Continue | Opcode::Continuec => {
                let target = self.blocks.continue_target();
                let target = target.ok_or_else(|| self.invalid("there is no open loop"))?;
                self.leave(instruction, opcode == Opcode::Continuec, |emitter| {
                    emitter.module.branch(target)
                })?;
            }
            Opcode::Ret | Opcode::Retc => {
                self.leave(instruction, opcode == Opcode::Retc, |emitter| {
                    emitter.module.op_void(Op::Return, &[])
                })?;
            }
            Opcode::Discard => self.discard(instruction)?,
            Opcode::Call | Opcode::Callc => self.call(instruction)?,
            Opcode::Label => {
                self.end_function();
                let function = self.functions.get(&label(self.program, instruction)?).copied();
                let function = function.ok_or_else(|| self.invalid("the label is not defined"))?;
                self.module.begin_subroutine(function);
                self.blocks.terminated = false;
            }
            Opcode::HsDecls => {}
            Opcode::HsControlPointPhase | Opcode::HsForkPhase | Opcode::HsJoinPhase => {
                self.begin_phase()?;
                self.blocks.terminated = false;
            }
            _ => {
                self.blocks.fresh_case = None;
                return Ok(false);
            }
        }
        self.blocks.fresh_case = None;
        Ok(true)
    }

    /// Ends the function at hand.
    pub(super) fn end_function(&mut self) {
        if !self.blocks.terminated {
            self.module.op_void(Op::Return, &[]);
        }
        self.module.end_function();
    }

    /// Whether `opcode` is to be skipped, as code that cannot be reached. Keeps count of the blocks in it.
    fn skip(&mut self, opcode: Opcode) -> bool {
        match opcode {
            Opcode::If | Opcode::Loop | Opcode::Switch => {
                self.blocks.skipped += 1;
                true
            }
            Opcode::EndIf | Opcode::EndLoop | Opcode::EndSwitch if self.blocks.skipped > 0 => {
                self.blocks.skipped -= 1;
                true
            }
            // What ends or divides the innermost block that is open for real can be reached again.
            Opcode::Else | Opcode::Case | Opcode::Default => self.blocks.skipped > 0,
            Opcode::EndIf | Opcode::EndLoop | Opcode::EndSwitch => false,
            _ => true,
        }
    }

    fn start(&mut self, label: Word) {
        self.module.label(label);
        self.blocks.terminated = false;
    }

    /// Ends the block at hand with a jump, unless it has ended.
    fn jump(&mut self, target: Word) {
        if !self.blocks.terminated {
            self.module.branch(target);
            self.blocks.terminated = true;
        }
    }

    /// Leaves a block, always or under the instruction's condition.
    fn leave(
        &mut self,
        instruction: &Instruction,
        conditional: bool,
        exit: impl FnOnce(&mut Self),
    ) -> Result<(), Error> {
        if conditional {
            let condition = self.condition(instruction)?;
            let [then, merge] = [(); 2].map(|()| self.module.id());
            self.module.branch_conditional(condition, then, merge, merge);
            self.start(then);
            exit(self);
            self.start(merge);
        } else {
            exit(self);
            self.blocks.terminated = true;
        }
        Ok(())
    }

    /// The instruction's test of its first operand.
    fn condition(&mut self, instruction: &Instruction) -> Result<Word, Error> {
        let operand = self.program.operands(instruction).next().copied();
        let operand = operand.ok_or_else(|| self.invalid("the condition is missing"))?;
        let value = self.load_component(&operand, 0, Scalar::U32)?;
        let (bool_ty, zero) = (self.ty(Scalar::Bool, 1), self.module.u32(0));
        let test = if instruction.test_nonzero() { Op::INotEqual } else { Op::IEqual };
        Ok(self.module.op(test, bool_ty, &[value, zero]))
    }

    fn switch(&mut self, position: usize, instruction: &Instruction) -> Result<(), Error> {
        let [selector] = self.operands(instruction)?;
        let selector = self.load_component(&selector, 0, Scalar::U32)?;
        let merge = self.module.id();
        let mut default = merge;
        let mut targets = Vec::new();
        let mut cases: Vec<(usize, Word)> = Vec::new();
        for case in self.flow.switches.get(&position).cloned().unwrap_or_default() {
            // Cases that follow each other directly share a block.
            let label = match cases.last() {
                Some((place, label)) if place + 1 == case.position => *label,
                _ => self.module.id(),
            };
            cases.push((case.position, label));
            match case.value {
                Some(value) => targets.extend([value, label]),
                None => default = label,
            }
        }
        self.module.op_void(Op::SelectionMerge, &[merge, SelectionControl::NONE.bits()]);
        let mut operands = vec![selector, default];
        operands.extend(targets);
        self.module.op_void(Op::Switch, &operands);
        self.blocks.terminated = true;
        self.blocks.open.push(Block::Switch { cases, merge });
        Ok(())
    }

    /// D3D11's discard keeps the invocation alive for derivatives, as demotion does.
    fn discard(&mut self, instruction: &Instruction) -> Result<(), Error> {
        if !self.is_pixel() {
            return Err(self.invalid("only a pixel shader may discard"));
        }
        self.module.capability(Capability::DemoteToHelperInvocation);
        let condition = self.condition(instruction)?;
        let [then, merge] = [(); 2].map(|()| self.module.id());
        self.module.branch_conditional(condition, then, merge, merge);
        self.start(then);
        self.module.op_void(Op::DemoteToHelperInvocation, &[]);
        self.jump(merge);
        self.start(merge);
        Ok(())
    }

    fn call(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let function = self.functions.get(&label(self.program, instruction)?).copied();
        let function = function.ok_or_else(|| self.invalid("the label is not defined"))?;
        let void = self.module.void_type();
        if instruction.opcode == Opcode::Callc {
            let condition = self.condition(instruction)?;
            let [then, merge] = [(); 2].map(|()| self.module.id());
            self.module.branch_conditional(condition, then, merge, merge);
            self.start(then);
            self.module.op(Op::FunctionCall, void, &[function]);
            self.jump(merge);
            self.start(merge);
        } else {
            self.module.op(Op::FunctionCall, void, &[function]);
        }
        Ok(())
    }
}

/// Whether a function starts with this instruction, so that it is reached whatever stands before it.
fn starts_function(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::Label | Opcode::HsControlPointPhase | Opcode::HsForkPhase | Opcode::HsJoinPhase)
}
