//! Makes a failing program smaller: takes away instructions and blocks as long as it still fails.

use std::time::{Duration, Instant};

use pvgpu_dxbc::token::opcode::Opcode;

use super::Case;
use super::judge;
use crate::assembler::Instruction;
use crate::gpu_batch::BatchGpu;

/// What differs between the device and the interpreter; `None`: nothing, or there is nothing to compare.
pub fn failure(gpu: &BatchGpu, case: &Case) -> Option<Vec<String>> {
    // The interpreter first: it ends what would not end on the device.
    let expected = judge::interpret(case).ok()?;
    let shader = judge::translate(case).ok()?;
    let mut jobs = [judge::job(case, shader)];
    gpu.run(&mut jobs);
    Some(judge::differences(&expected, &jobs[0]).0).filter(|lines| !lines.is_empty())
}

/// What the shrinker may still spend: each program that it tries costs a compilation by the driver.
struct Budget {
    attempts: u32,
    end: Instant,
}

impl Budget {
    /// Whether `case` fails; `false` without a look once nothing is left.
    fn fails(&mut self, gpu: &BatchGpu, case: &Case) -> bool {
        if self.is_spent() {
            return false;
        }
        self.attempts -= 1;
        failure(gpu, case).is_some()
    }

    fn is_spent(&self) -> bool {
        self.attempts == 0 || Instant::now() >= self.end
    }
}

/// The smallest program found that still fails, after so many attempts or so long a time.
pub fn shrink(gpu: &BatchGpu, case: &Case, attempts: u32, time: Duration) -> Case {
    let mut budget = Budget { attempts, end: Instant::now() + time };
    let mut best = case.clone();
    for length in [32, 16, 8, 4, 2] {
        let mut start = 0;
        while start + length <= best.assembly.instructions.len() && !budget.is_spent() {
            let mut smaller = best.clone();
            let taken = smaller.assembly.instructions.drain(start..start + length);
            let straight = !taken.into_iter().any(|instruction| steers(instruction.opcode));
            if straight && budget.fails(gpu, &smaller) {
                best = smaller;
            } else {
                start += length / 2;
            }
        }
    }
    loop {
        let mut progress = false;
        let mut place = best.assembly.instructions.len();
        while place > 0 && !budget.is_spent() {
            place -= 1;
            if place >= best.assembly.instructions.len() {
                continue;
            }
            for without in candidates(&best.assembly.instructions, place) {
                let mut smaller = best.clone();
                smaller.assembly.instructions = without;
                if budget.fails(gpu, &smaller) {
                    best = smaller;
                    progress = true;
                    break;
                }
            }
        }
        if !progress || budget.is_spent() {
            return best;
        }
    }
}

/// Whether an instruction cannot go alone.
fn steers(opcode: Opcode) -> bool {
    opens(opcode)
        || closes(opcode)
        || matches!(opcode, Opcode::Else | Opcode::Case | Opcode::Default | Opcode::Label | Opcode::Ret)
}

fn opens(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::If | Opcode::Loop | Opcode::Switch)
}

fn closes(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::EndIf | Opcode::EndLoop | Opcode::EndSwitch)
}

/// The place of the end of the block that begins at `start`.
fn end_of(instructions: &[Instruction], start: usize) -> Option<usize> {
    let mut depth = 0;
    for (place, instruction) in instructions.iter().enumerate().skip(start) {
        depth += i32::from(opens(instruction.opcode));
        depth -= i32::from(closes(instruction.opcode));
        if depth == 0 {
            return Some(place);
        }
    }
    None
}

/// Smaller lists: without the instruction at `place`, or the block that begins there.
fn candidates(instructions: &[Instruction], place: usize) -> Vec<Vec<Instruction>> {
    let opcode = instructions[place].opcode;
    if closes(opcode) || opcode == Opcode::Label {
        return Vec::new();
    }
    let without = |skip: &dyn Fn(usize) -> bool| -> Vec<Instruction> {
        let kept = instructions.iter().enumerate().filter(|(n, _)| !skip(*n));
        kept.map(|(_, instruction)| instruction.clone()).collect()
    };
    if !opens(opcode) {
        return vec![without(&|n| n == place)];
    }
    let Some(end) = end_of(instructions, place) else { return Vec::new() };
    let mut lists = vec![without(&|n| (place..=end).contains(&n))];
    if opcode == Opcode::If {
        // Only its bodies.
        let mut depth = 0;
        let mut otherwise = end;
        for (n, instruction) in instructions.iter().enumerate().take(end).skip(place) {
            depth += i32::from(opens(instruction.opcode));
            depth -= i32::from(closes(instruction.opcode));
            if depth == 1 && instruction.opcode == Opcode::Else {
                otherwise = n;
            }
        }
        lists.push(without(&|n| n == place || (otherwise..=end).contains(&n)));
        lists.push(without(&|n| {
            (place..=otherwise).contains(&n) && otherwise != end || n == end || n == place
        }));
    }
    lists
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_go_as_a_whole_or_leave_their_bodies() {
        use Opcode::{Add, Else, EndIf, If, Loop, Mul};
        let list =
            |opcodes: &[Opcode]| opcodes.iter().map(|opcode| Instruction::new(*opcode)).collect::<Vec<_>>();
        let program = list(&[Add, If, Mul, Else, Add, EndIf, Loop, Opcode::EndLoop]);
        let smaller = candidates(&program, 1);
        assert_eq!(smaller[0], list(&[Add, Loop, Opcode::EndLoop]));
        assert_eq!(smaller[1], list(&[Add, Mul, Loop, Opcode::EndLoop]));
        assert_eq!(smaller[2], list(&[Add, Add, Loop, Opcode::EndLoop]));
        assert_eq!(candidates(&program, 6), [list(&[Add, If, Mul, Else, Add, EndIf])]);
        assert!(candidates(&program, 5).is_empty());
    }
}
