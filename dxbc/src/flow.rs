//! The nesting of a program: that every block is closed, where a switch's cases are, which subroutine calls which.
//!
//! DXBC has structured control flow, which maps one to one to SPIR-V's; this pass checks what the lowering relies on.

use std::collections::BTreeMap;

use crate::token::opcode::Opcode;
use crate::token::operand::{Operand, RegisterFile};
use crate::token::program::{Instruction, Program};
use crate::{Error, limits};

/// A `case` or `default` of a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// Place of the instruction in the program.
    pub position: usize,
    /// The value; `None` for `default`.
    pub value: Option<u32>,
}

/// What the pass found out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flow {
    /// The cases of each switch, in order, by the place of the `switch` instruction.
    pub switches: BTreeMap<usize, Vec<Case>>,
    /// The subroutines' labels.
    pub labels: Vec<u32>,
}

/// An open block.
enum Block {
    If { has_else: bool },
    Loop,
    Switch { position: usize, cases: Vec<Case> },
}

/// Checks `program`.
pub fn check(program: &Program) -> Result<Flow, Error> {
    let mut flow = Flow::default();
    let mut blocks: Vec<Block> = Vec::new();
    // The label of the subroutine at hand, `None` in the main program; and the calls (from, to).
    let mut subroutine = None;
    let mut calls: Vec<(Option<u32>, u32)> = Vec::new();
    let mut sizes = BTreeMap::from([(None, 0u64)]);
    for (position, instruction) in program.instructions.iter().enumerate() {
        let invalid = |rule| invalid(instruction, rule);
        match instruction.opcode {
            Opcode::If => blocks.push(Block::If { has_else: false }),
            Opcode::Loop => blocks.push(Block::Loop),
            Opcode::Switch => blocks.push(Block::Switch { position, cases: Vec::new() }),
            Opcode::Else => match blocks.last_mut() {
                Some(Block::If { has_else: has_else @ false }) => *has_else = true,
                _ => return Err(invalid("there is no open if without an else")),
            },
            Opcode::EndIf => match blocks.pop() {
                Some(Block::If { .. }) => {}
                _ => return Err(invalid("the innermost open block is not an if")),
            },
            Opcode::EndLoop => match blocks.pop() {
                Some(Block::Loop) => {}
                _ => return Err(invalid("the innermost open block is not a loop")),
            },
            Opcode::EndSwitch => match blocks.pop() {
                Some(Block::Switch { position, cases }) => {
                    flow.switches.insert(position, checked_cases(instruction, cases)?);
                }
                _ => return Err(invalid("the innermost open block is not a switch")),
            },
            Opcode::Case | Opcode::Default => match blocks.last_mut() {
                Some(Block::Switch { cases, .. }) => {
                    let value = match program.operands(instruction).next() {
                        None => None,
                        Some(Operand { file: RegisterFile::Immediate32, immediate, .. }) => {
                            Some(immediate[0])
                        }
                        Some(_) => return Err(invalid("the value is not an immediate")),
                    };
                    cases.push(Case { position, value });
                }
                _ => return Err(invalid("the innermost open block is not a switch")),
            },
            Opcode::Break | Opcode::Breakc
                if !blocks.iter().any(|block| matches!(block, Block::Loop | Block::Switch { .. })) =>
            {
                return Err(invalid("there is no open loop or switch"));
            }
            Opcode::Continue | Opcode::Continuec
                if !blocks.iter().any(|block| matches!(block, Block::Loop)) =>
            {
                return Err(invalid("there is no open loop"));
            }
            Opcode::HsControlPointPhase | Opcode::HsForkPhase | Opcode::HsJoinPhase => {
                if !blocks.is_empty() {
                    return Err(invalid("a block is open"));
                }
                // All phases count as the main program.
                subroutine = None;
            }
            Opcode::Label => {
                if !blocks.is_empty() {
                    return Err(invalid("a block is open"));
                }
                let label = label(program, instruction)?;
                if flow.labels.contains(&label) {
                    return Err(invalid("the label is defined twice"));
                }
                if flow.labels.len() >= limits::LABELS {
                    return Err(invalid("there are more than 1,024 labels"));
                }
                flow.labels.push(label);
                subroutine = Some(label);
            }
            Opcode::Call | Opcode::Callc => calls.push((subroutine, label(program, instruction)?)),
            _ => {}
        }
        *sizes.entry(subroutine).or_insert(0) += 1;
        if blocks.len() > limits::NESTING {
            return Err(Error::Limit {
                what: "open blocks",
                value: blocks.len() as u64,
                limit: limits::NESTING as u64,
            });
        }
    }
    if !blocks.is_empty() {
        return Err(Error::Invalid {
            opcode: "program",
            offset: 0,
            rule: "a block is still open at the end",
        });
    }
    check_calls(&sizes, &calls)?;
    Ok(flow)
}

/// The label that a `label`, `call` or `callc` names.
pub fn label(program: &Program, instruction: &Instruction) -> Result<u32, Error> {
    let operand = program.operands(instruction).last();
    let operand = operand.filter(|operand| operand.file == RegisterFile::Label);
    operand.and_then(Operand::register).ok_or_else(|| invalid(instruction, "the operand is not a label"))
}

fn invalid(instruction: &Instruction, rule: &'static str) -> Error {
    Error::Invalid { opcode: instruction.opcode.name(), offset: instruction.offset, rule }
}

/// SPIR-V wants every value once.
fn checked_cases(instruction: &Instruction, cases: Vec<Case>) -> Result<Vec<Case>, Error> {
    let mut values: Vec<Option<u32>> = cases.iter().map(|case| case.value).collect();
    values.sort_unstable();
    // An OpSwitch has two words a case and at most 65,535 words.
    if values.len() > 16_384 {
        return Err(invalid(instruction, "the switch has more than 16,384 cases"));
    }
    if values.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
        return Err(invalid(instruction, "two cases of the switch have the same value"));
    }
    Ok(cases)
}

/// Every call has a target, no subroutine reaches itself (SPIR-V has no recursion), and the program stays small after
/// drivers have copied each subroutine into its callers. `sizes`: instructions of the main program and of each label.
fn check_calls(sizes: &BTreeMap<Option<u32>, u64>, calls: &[(Option<u32>, u32)]) -> Result<(), Error> {
    let error = |rule| Error::Invalid { opcode: "call", offset: 0, rule };
    let mut edges: BTreeMap<(u32, Option<u32>), u64> = BTreeMap::new();
    let mut callees: BTreeMap<Option<u32>, u32> = BTreeMap::new();
    for (from, to) in calls {
        if !sizes.contains_key(&Some(*to)) {
            return Err(error("the label is not defined"));
        }
        let times = edges.entry((*to, *from)).or_insert(0);
        if *times == 0 {
            *callees.entry(*from).or_insert(0) += 1;
        }
        *times += 1;
    }
    // Take away what calls nothing that is left, and add its size to its callers'.
    let mut full = sizes.clone();
    let mut ready: Vec<Option<u32>> =
        sizes.keys().copied().filter(|body| !callees.contains_key(body)).collect();
    let mut done = 0;
    while let Some(body) = ready.pop() {
        done += 1;
        let size = full.get(&body).copied().unwrap_or(0);
        if size > limits::TOKENS as u64 {
            let limit = limits::TOKENS as u64;
            return Err(Error::Limit { what: "instructions with all calls expanded", value: size, limit });
        }
        let Some(label) = body else { continue };
        for ((_, from), times) in edges.range((label, None)..=(label, Some(u32::MAX))) {
            if let Some(caller) = full.get_mut(from) {
                *caller = caller.saturating_add(size.saturating_mul(*times));
            }
            if let Some(left) = callees.get_mut(from) {
                *left -= 1;
                if *left == 0 {
                    ready.push(*from);
                }
            }
        }
    }
    if done == sizes.len() { Ok(()) } else { Err(error("a subroutine calls itself")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A compute program of these tokens.
    fn program(body: &[u32]) -> Program {
        let mut tokens = vec![0x0005_0050, body.len() as u32 + 2];
        tokens.extend(body);
        Program::parse(&tokens).unwrap()
    }

    fn op(opcode: Opcode, length: u32) -> u32 {
        opcode as u32 | length << 24
    }

    /// A label operand: no components, one immediate index.
    const LABEL: u32 = 10 << 12 | 1 << 20;
    const IMMEDIATE: u32 = 1 | 4 << 12;

    fn rule(body: &[u32]) -> &'static str {
        match check(&program(body)) {
            Err(Error::Invalid { rule, .. }) => rule,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn blocks_must_nest() {
        assert_eq!(rule(&[op(Opcode::Loop, 1)]), "a block is still open at the end");
        assert_eq!(rule(&[op(Opcode::EndIf, 1)]), "the innermost open block is not an if");
        assert_eq!(rule(&[op(Opcode::Break, 1)]), "there is no open loop or switch");
        let crossed = [op(Opcode::Loop, 1), op(Opcode::If, 3), IMMEDIATE, 1, op(Opcode::EndLoop, 1)];
        assert_eq!(rule(&crossed), "the innermost open block is not a loop");
        let deep = vec![op(Opcode::Loop, 1); limits::NESTING + 1];
        assert!(matches!(check(&program(&deep)), Err(Error::Limit { what: "open blocks", .. })));
    }

    #[test]
    fn cases_are_found_and_unique() {
        let case = |value| [op(Opcode::Case, 3), IMMEDIATE, value];
        let switch = [op(Opcode::Switch, 3), IMMEDIATE, 1];
        let end = [op(Opcode::EndSwitch, 1)];
        let good = [&switch[..], &case(4), &case(7), &[op(Opcode::Default, 1)], &end].concat();
        let flow = check(&program(&good)).unwrap();
        let case = |position, value| Case { position, value };
        assert_eq!(flow.switches[&0], [case(1, Some(4)), case(2, Some(7)), case(3, None)]);
        let same = [op(Opcode::Case, 3), IMMEDIATE, 4];
        let bad = [&switch[..], &same, &same, &end].concat();
        assert_eq!(rule(&bad), "two cases of the switch have the same value");
    }

    #[test]
    fn calls_must_end_and_stay_small() {
        let call = |label| [op(Opcode::Call, 3), LABEL, label];
        let label = |label| [op(Opcode::Label, 3), LABEL, label];
        assert_eq!(rule(&call(1)), "the label is not defined");
        let cycle = [&label(1)[..], &call(2), &label(2), &call(1)].concat();
        assert_eq!(rule(&cycle), "a subroutine calls itself");
        // Each of 40 subroutines calls the next one twice: 2^40 instructions once they are expanded.
        let mut bomb = call(0).to_vec();
        for n in 0..40 {
            bomb.extend([label(n), call(n + 1), call(n + 1)].concat());
        }
        bomb.extend(label(40));
        assert!(matches!(check(&program(&bomb)), Err(Error::Limit { .. })));
        let chain = [&call(1)[..], &label(1), &call(2), &call(2), &label(2)].concat();
        assert_eq!(check(&program(&chain)).unwrap().labels, [1, 2]);
    }
}
