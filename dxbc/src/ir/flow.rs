//! The control-flow graph of a function: blocks, their predecessors, and which block dominates which.

use rspirv::spirv::{Op, Word};

use super::code::{Code, is_terminator};
use super::ids::IdMap;

/// A block.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// Its label.
    pub label: Word,
    /// The blocks that jump here, in order of their places and each once.
    pub predecessors: Vec<usize>,
    /// A near block that dominates it; its own number in the first block and in blocks that nothing reaches.
    pub dominator: usize,
    /// Numbers of a walk through the tree of dominators: those of the dominated blocks lie between these two.
    enter: u32,
    leave: u32,
}

/// The blocks of a function, in the order of its code.
#[derive(Debug, Default)]
pub struct Graph {
    /// The blocks.
    pub blocks: Vec<Block>,
    /// Some block has a nearer dominator than the one that it names.
    pub is_approximate: bool,
}

/// Where more paths join, their common dominator is not looked for. The walk from each of them up to the construct's
/// header takes as long as the construct has blocks in a row, and hostile programs have as many as they like of both.
const PATHS: usize = 64;

impl Graph {
    /// The graph of a function's code, whose ids are below `bound`.
    pub fn of(code: &Code, bound: Word) -> Self {
        let mut graph = Self::default();
        let mut numbers: IdMap<Option<u32>> = IdMap::new(bound);
        for instruction in code.instructions() {
            if instruction.op == Op::Label {
                // CAST: the length of a program is limited.
                numbers.set(instruction.result, Some(graph.blocks.len() as u32));
                graph.blocks.push(Block { label: instruction.result, ..Block::default() });
            }
        }
        // Where the paths of a construct join again, its header dominates, if not as the nearest.
        let number_of = |label| numbers.get(label).map(|number| number as usize);
        let mut headers = vec![None; graph.blocks.len()];
        let mut current = 0usize;
        for (instruction, operands) in code.iter() {
            if instruction.op == Op::Label {
                current = number_of(instruction.result).unwrap_or(0);
            } else if matches!(instruction.op, Op::SelectionMerge | Op::LoopMerge) {
                let joins = if instruction.op == Op::LoopMerge { 2 } else { 1 };
                for label in operands.get(..joins).unwrap_or_default() {
                    if let Some(header) = number_of(*label).and_then(|n| headers.get_mut(n)) {
                        *header = Some(current);
                    }
                }
            } else if is_terminator(instruction.op) {
                for label in targets(instruction.op, operands) {
                    if let Some(block) = number_of(label).and_then(|n| graph.blocks.get_mut(n))
                        && block.predecessors.last() != Some(&current)
                    {
                        block.predecessors.push(current);
                    }
                }
            }
        }
        graph.find_dominators(&headers);
        graph
    }

    /// Whether every path to block `b` leads through block `a`.
    pub fn dominates(&self, a: usize, b: usize) -> bool {
        match (self.blocks.get(a), self.blocks.get(b)) {
            (Some(a), Some(b)) => a.enter <= b.enter && b.leave <= a.leave,
            _ => false,
        }
    }

    /// `headers`: of a block where the paths of a construct join, the construct's first block.
    ///
    /// One round of Cooper, Harvey and Kennedy's algorithm is enough: blocks come after those that dominate them, and a
    /// jump backwards leads to a loop's header, which dominates the block that jumps.
    fn find_dominators(&mut self, headers: &[Option<usize>]) {
        for (number, header) in headers.iter().enumerate() {
            let predecessors = self.blocks.get(number).map(|block| block.predecessors.as_slice());
            let predecessors = predecessors.unwrap_or_default();
            let dominator = if header.is_some() && predecessors.len() > PATHS {
                self.is_approximate = true;
                None
            } else {
                let before = predecessors.iter().copied().filter(|from| *from < number);
                before.reduce(|a, b| self.common_dominator(a, b))
            };
            if let Some(block) = self.blocks.get_mut(number) {
                block.dominator = dominator.or(*header).unwrap_or(number);
            }
        }
        // Walk the tree: children of a block are the later blocks that name it.
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); self.blocks.len()];
        let mut roots = Vec::new();
        for (number, block) in self.blocks.iter().enumerate() {
            match children.get_mut(block.dominator) {
                Some(list) if block.dominator != number => list.push(number),
                _ => roots.push(number),
            }
        }
        let mut clock = 0;
        let mut stack: Vec<(usize, usize)> = roots.into_iter().rev().map(|root| (root, 0)).collect();
        while let Some((number, next)) = stack.pop() {
            clock += 1;
            if next == 0
                && let Some(block) = self.blocks.get_mut(number)
            {
                block.enter = clock;
            }
            match children.get(number).and_then(|list| list.get(next)) {
                Some(child) => {
                    stack.push((number, next + 1));
                    stack.push((*child, 0));
                }
                None => {
                    if let Some(block) = self.blocks.get_mut(number) {
                        block.leave = clock;
                    }
                }
            }
        }
    }

    fn common_dominator(&self, mut a: usize, mut b: usize) -> usize {
        // Both walk towards the first block; a root that is not the first one ends the walk there.
        while a != b {
            let later = a.max(b);
            let up = self.blocks.get(later).map_or(0, |block| block.dominator);
            let up = if up == later { 0 } else { up };
            if a == later {
                a = up;
            } else {
                b = up;
            }
        }
        a
    }
}

/// The labels that a terminator may jump to.
pub fn targets(op: Op, operands: &[u32]) -> impl Iterator<Item = Word> {
    let (labels, step) = match op {
        Op::Branch => (operands, 1),
        Op::BranchConditional => (operands.get(1..3).unwrap_or_default(), 1),
        // The default, then a literal before each label.
        Op::Switch => (operands.get(1..).unwrap_or_default(), 2),
        _ => (&[][..], 1),
    };
    labels.iter().step_by(step).copied()
}
