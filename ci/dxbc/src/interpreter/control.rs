//! Where control goes: the target of every branch, by the place of its instruction.

use std::collections::BTreeMap;

use pvgpu_dxbc::token::opcode::Opcode;
use pvgpu_dxbc::token::operand::Operand;
use pvgpu_dxbc::token::program::{Instruction, Program};

use super::Stop;

/// An instruction with its operands.
pub struct Step {
    /// The instruction.
    pub instruction: Instruction,
    /// Its operands, destinations first.
    pub operands: Vec<Operand>,
    /// Where control goes if the branch is taken: for `if`, behind `else` or `endif`; for `switch`, behind
    /// `endswitch`.
    pub target: usize,
}

/// A program with its branches resolved.
pub struct Code {
    /// The instructions.
    pub steps: Vec<Step>,
    /// The cases of each `switch`: value (`None`: default) and place.
    pub cases: BTreeMap<usize, Vec<(Option<u32>, usize)>>,
}

/// An open block.
struct Block {
    start: usize,
    is_loop: bool,
    is_switch: bool,
    /// The `else` of an `if`.
    otherwise: Option<usize>,
    breaks: Vec<usize>,
}

impl Code {
    /// Resolves the branches of `program`.
    pub fn of(program: &Program) -> Result<Self, Stop> {
        let mut code = Self { steps: Vec::new(), cases: BTreeMap::new() };
        let mut labels = BTreeMap::new();
        let mut calls = Vec::new();
        let mut open: Vec<Block> = Vec::new();
        let nesting = || Stop::Malformed("blocks do not nest");
        for (place, instruction) in program.instructions.iter().enumerate() {
            let operands: Vec<Operand> = program.operands(instruction).copied().collect();
            let number = operands.last().and_then(Operand::register);
            let mut target = 0;
            let block = |is_loop, is_switch| Block {
                start: place,
                is_loop,
                is_switch,
                otherwise: None,
                breaks: Vec::new(),
            };
            match instruction.opcode {
                Opcode::If => open.push(block(false, false)),
                Opcode::Loop => open.push(block(true, false)),
                Opcode::Switch => open.push(block(false, true)),
                Opcode::Else => {
                    let block = open.last_mut().ok_or_else(nesting)?;
                    block.otherwise = Some(place);
                    code.steps[block.start].target = place + 1;
                }
                Opcode::EndIf => {
                    let block = open.pop().ok_or_else(nesting)?;
                    code.steps[block.otherwise.unwrap_or(block.start)].target = place;
                }
                Opcode::EndLoop | Opcode::EndSwitch => {
                    let block = open.pop().ok_or_else(nesting)?;
                    target = block.start;
                    if block.is_switch {
                        code.steps[block.start].target = place + 1;
                    }
                    for leave in block.breaks {
                        code.steps[leave].target = place + 1;
                    }
                }
                Opcode::Break | Opcode::Breakc => {
                    let block = open.iter_mut().rev().find(|block| block.is_loop || block.is_switch);
                    block.ok_or_else(nesting)?.breaks.push(place);
                }
                Opcode::Continue | Opcode::Continuec => {
                    target = open.iter().rev().find(|block| block.is_loop).ok_or_else(nesting)?.start;
                }
                Opcode::Case | Opcode::Default => {
                    let block = open.last().filter(|block| block.is_switch).ok_or_else(nesting)?;
                    let value = operands.first().map(|operand| operand.immediate[0]);
                    code.cases.entry(block.start).or_default().push((value, place));
                }
                Opcode::Label => {
                    labels.insert(number, place);
                }
                Opcode::Call | Opcode::Callc => calls.push((place, number)),
                _ => {}
            }
            code.steps.push(Step { instruction: *instruction, operands, target });
        }
        for (place, label) in calls {
            code.steps[place].target = *labels.get(&label).ok_or(Stop::Malformed("a label is missing"))?;
        }
        Ok(code)
    }

    /// Where a `switch` on `value` goes.
    pub fn case(&self, switch: usize, value: u32) -> usize {
        let cases = self.cases.get(&switch).map(Vec::as_slice).unwrap_or_default();
        let find = |wanted| cases.iter().find(|(case, _)| *case == wanted).map(|(_, place)| *place);
        find(Some(value)).or_else(|| find(None)).unwrap_or(self.steps[switch].target)
    }
}
