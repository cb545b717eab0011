//! Turns registers into values.
//!
//! A register is a private `vec4` that is read and written whole. Where one function alone does so, its reads become
//! the value that was written last. Where paths with different values join, a phi picks the one of the path taken. A
//! register that was never written is zero, which is what D3D11's "undefined" becomes here.
//!
//! Blocks come in an order in which all that jump to a block come before it, except a loop's end, which jumps back to
//! the header. So one walk is enough: at a header each register that the loop writes gets a phi, whose second half is
//! filled in when the loop's end has been seen. `fold` and `dead` take away the ones that were not needed.

use std::collections::{HashMap, HashSet};

use rspirv::spirv::{Op, StorageClass, Word};

use crate::ir::flow::Graph;
use crate::ir::{Code, IdMap, Ids, Module};

/// Values that the walk may keep: registers times jumps between blocks. 2^22 is far above what real shaders need (a
/// large one has 200 registers and 2,000 jumps) and bounds memory to some 16 MiB. Programs above it stay as they are.
const VALUES: usize = 1 << 22;
/// The values that a short program may keep, and how many more for each word of its code: each may become two words of a
/// phi, and what comes out must not be out of proportion to what goes in.
const VALUES_OF_SHORT: usize = 1 << 16;
const VALUES_PER_WORD: usize = 4;
/// A phi has two operands for each block that jumps to its own, and no instruction has more than 65,535 words.
const PREDECESSORS: usize = 16_384;

/// A register that becomes values.
#[derive(Debug, Clone, Copy)]
struct Register {
    /// Its type.
    ty: Word,
    /// What it holds at first.
    initial: Word,
}

/// Runs the pass.
pub fn run(module: &mut Module) {
    let registers = registers(module);
    if registers.is_empty() {
        return;
    }
    let mut functions = std::mem::take(&mut module.functions);
    for function in &mut functions {
        let of_function = registers.iter().filter(|(owner, ..)| *owner == function.id);
        let own: Vec<(Word, Register)> = of_function.map(|(_, id, register)| (*id, *register)).collect();
        if own.is_empty() || function.is_subroutine {
            continue;
        }
        let graph = Graph::of(&function.code, module.bound());
        let jumps: usize = graph.blocks.iter().map(|block| block.predecessors.len().max(1)).sum();
        let most = graph.blocks.iter().map(|block| block.predecessors.len()).max().unwrap_or(0);
        let values = VALUES_OF_SHORT + VALUES_PER_WORD * function.code.words();
        if jumps.saturating_mul(own.len()) <= VALUES.min(values) && most <= PREDECESSORS {
            let walk = Walk::new(module, &function.code, &graph, &own);
            function.code = walk.run();
        }
    }
    module.functions = functions;
}

/// Who reads and writes a variable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Owner {
    /// It is no register.
    #[default]
    NoRegister,
    /// Nobody yet.
    Nobody,
    /// This function, and the whole each time.
    One(Word),
}

/// The private scalars and vectors of which only one function reads or writes the whole, with that function.
fn registers(module: &Module) -> Vec<(Word, Word, Register)> {
    let private = StorageClass::Private as u32;
    let mut found = Vec::new();
    let mut owners: IdMap<Owner> = IdMap::new(module.bound());
    let mut pointees: IdMap<Word> = IdMap::new(module.bound());
    for (instruction, operands) in module.globals.iter() {
        match (instruction.op, operands) {
            (Op::TypePointer, [class, ty]) if *class == private && module.shape(*ty).is_some() => {
                pointees.set(instruction.result, *ty);
            }
            (Op::Variable, [class, initial]) if *class == private => {
                let ty = pointees.get(instruction.ty);
                if ty != 0 {
                    owners.set(instruction.result, Owner::Nobody);
                    found.push((instruction.result, Register { ty, initial: *initial }));
                }
            }
            _ => {}
        }
    }
    for function in &module.functions {
        for (instruction, operands) in function.code.iter() {
            let (pointer, rest) = match (instruction.op, operands) {
                (Op::Load, [pointer]) => (Some(*pointer), None),
                (Op::Store, [pointer, value]) => (Some(*pointer), Some(*value)),
                _ => (None, None),
            };
            let Some(pointer) = pointer else {
                // A pointer to a part, perhaps.
                for id in Ids::of(instruction.op, operands).iter(operands) {
                    owners.set(id, Owner::NoRegister);
                }
                continue;
            };
            match owners.get(pointer) {
                Owner::Nobody => owners.set(pointer, Owner::One(function.id)),
                Owner::One(owner) if owner != function.id => owners.set(pointer, Owner::NoRegister),
                _ => {}
            }
            if let Some(value) = rest {
                owners.set(value, Owner::NoRegister);
            }
        }
    }
    let owned = |(id, register): (Word, Register)| match owners.get(id) {
        Owner::One(function) => Some((function, id, register)),
        _ => None,
    };
    found.into_iter().filter_map(owned).collect()
}

/// A loop's phis, which wait for the values at the loop's end.
struct Waiting {
    /// The block of the header.
    header: usize,
    /// For each phi its register's number and its place in the new code.
    phis: Vec<(usize, usize)>,
}

struct Walk<'a> {
    module: &'a mut Module,
    code: &'a Code,
    graph: &'a Graph,
    registers: &'a [(Word, Register)],
    /// One more than the number of a register, by its variable's id.
    numbers: IdMap<u32>,
    /// The registers' values at the end of each block that was walked through.
    ends: Vec<Vec<Word>>,
    /// For each block how many blocks that it jumps to are still to come.
    awaited: Vec<usize>,
    waiting: Vec<Waiting>,
    /// What stands for a read's result.
    replaced: IdMap<Word>,
    new: Code,
}

impl<'a> Walk<'a> {
    fn new(
        module: &'a mut Module,
        code: &'a Code,
        graph: &'a Graph,
        registers: &'a [(Word, Register)],
    ) -> Self {
        let mut numbers = IdMap::new(module.bound());
        for (number, (id, _)) in registers.iter().enumerate() {
            // CAST: there are at most some thousands.
            numbers.set(*id, number as u32 + 1);
        }
        let mut awaited = vec![0; graph.blocks.len()];
        for block in &graph.blocks {
            for predecessor in &block.predecessors {
                if let Some(count) = awaited.get_mut(*predecessor) {
                    *count += 1;
                }
            }
        }
        Self {
            replaced: IdMap::new(module.bound()),
            module,
            code,
            graph,
            registers,
            numbers,
            ends: vec![Vec::new(); graph.blocks.len()],
            awaited,
            waiting: Vec::new(),
            new: Code::like(code),
        }
    }

    fn run(mut self) -> Code {
        let written = self.written_in_loops();
        let mut block = 0;
        let mut values: Vec<Word> = Vec::new();
        let code = self.code;
        let mut operands = Vec::new();
        let mut first_label = true;
        for (instruction, original) in code.iter() {
            operands.clear();
            operands.extend_from_slice(original);
            Ids::of(instruction.op, original).change(&mut operands, |id| self.value_of(id));
            match instruction.op {
                Op::Label => {
                    if !std::mem::take(&mut first_label) {
                        block += 1;
                    }
                    self.new.push_with(instruction, &operands);
                    values = self.enter(block, written.get(&block));
                }
                Op::Load => match self.number(original) {
                    Some(number) => {
                        let value = values.get(number).copied().unwrap_or(0);
                        self.replaced.set(instruction.result, value);
                    }
                    None => self.new.push_with(instruction, &operands),
                },
                Op::Store => match (self.number(original), operands.as_slice()) {
                    (Some(number), [_, value]) => {
                        if let Some(slot) = values.get_mut(number) {
                            *slot = *value;
                        }
                    }
                    _ => self.new.push_with(instruction, &operands),
                },
                op if crate::ir::is_terminator(op) => {
                    self.new.push_with(instruction, &operands);
                    self.leave(block, std::mem::take(&mut values));
                }
                _ => self.new.push_with(instruction, &operands),
            }
        }
        self.new
    }

    fn value_of(&self, id: Word) -> Word {
        match self.replaced.get(id) {
            0 => id,
            value => value,
        }
    }

    /// The number of the register that a load or store names first.
    fn number(&self, operands: &[u32]) -> Option<usize> {
        let number = self.numbers.get(*operands.first()?);
        number.checked_sub(1).map(|number| number as usize)
    }

    /// For each loop header, the registers that are written between it and the block that jumps back.
    fn written_in_loops(&self) -> HashMap<usize, HashSet<usize>> {
        let mut ends: HashMap<usize, usize> = HashMap::new();
        for (number, block) in self.graph.blocks.iter().enumerate() {
            if let Some(last) = block.predecessors.iter().filter(|from| **from >= number).max() {
                ends.insert(number, *last);
            }
        }
        let mut written: HashMap<usize, HashSet<usize>> =
            ends.keys().map(|header| (*header, HashSet::new())).collect();
        let mut open: Vec<(usize, usize)> = Vec::new();
        let mut block = 0;
        let mut first_label = true;
        for (instruction, operands) in self.code.iter() {
            if instruction.op == Op::Label {
                if !std::mem::take(&mut first_label) {
                    block += 1;
                }
                open.retain(|(_, end)| *end >= block);
                if let Some(end) = ends.get(&block) {
                    open.push((block, *end));
                }
            } else if instruction.op == Op::Store
                && let Some(number) = self.number(operands)
            {
                // `flow` limits how deep loops may nest.
                for (header, _) in &open {
                    if let Some(set) = written.get_mut(header) {
                        set.insert(number);
                    }
                }
            }
        }
        written
    }

    /// The registers' values at the beginning of a block, whose label has just been written.
    fn enter(&mut self, number: usize, written: Option<&HashSet<usize>>) -> Vec<Word> {
        let graph = self.graph;
        let predecessors =
            graph.blocks.get(number).map(|block| block.predecessors.as_slice()).unwrap_or_default();
        let seen: Vec<usize> = predecessors.iter().copied().filter(|from| *from < number).collect();
        let mut values: Vec<Word> = match seen.first().and_then(|from| self.ends.get(*from)) {
            Some(end) if !end.is_empty() => end.clone(),
            // The function's beginning, or a block that nothing reaches.
            _ => self.registers.iter().map(|(_, register)| register.initial).collect(),
        };
        let mut phis = Vec::new();
        for (register, value) in values.iter_mut().enumerate() {
            let in_loop = written.is_some_and(|set| set.contains(&register));
            let end = |from: &usize| self.ends.get(*from).and_then(|end| end.get(register)).copied();
            if !in_loop && seen.iter().all(|from| end(from).is_none_or(|other| other == *value)) {
                continue;
            }
            let mut operands = Vec::with_capacity(2 * predecessors.len());
            for from in predecessors {
                let label = graph.blocks.get(*from).map_or(0, |block| block.label);
                // Zero is filled in at the loop's end.
                operands.extend([end(from).unwrap_or(0), label]);
            }
            let ty = self.registers.get(register).map_or(0, |(_, register)| register.ty);
            let phi = self.module.id();
            if in_loop {
                phis.push((register, self.new.instructions().len()));
            }
            self.new.push(Op::Phi, ty, phi, false, &[&operands]);
            *value = phi;
        }
        if !phis.is_empty() {
            self.waiting.push(Waiting { header: number, phis });
        }
        for from in seen {
            self.release(from);
        }
        values
    }

    /// Forgets a block's values once all blocks that it jumps to have been entered.
    fn release(&mut self, block: usize) {
        if let Some(count) = self.awaited.get_mut(block) {
            *count = count.saturating_sub(1);
            if *count == 0
                && let Some(end) = self.ends.get_mut(block)
            {
                *end = Vec::new();
            }
        }
    }

    /// Ends a block. If it jumps back to a loop's header, the header's phis get their values.
    fn leave(&mut self, number: usize, values: Vec<Word>) {
        let label = self.graph.blocks.get(number).map_or(0, |block| block.label);
        let back: Vec<usize> = (0..self.waiting.len())
            .filter(|n| {
                let header = self.waiting.get(*n).and_then(|waiting| self.graph.blocks.get(waiting.header));
                header.is_some_and(|block| block.predecessors.contains(&number))
            })
            .collect();
        for n in back.into_iter().rev() {
            let waiting = self.waiting.swap_remove(n);
            for (register, place) in waiting.phis {
                let value = values.get(register).copied().unwrap_or(0);
                let operands = self.new.operands_mut(place);
                for pair in operands.chunks_exact_mut(2) {
                    if let [operand, from] = pair
                        && *from == label
                    {
                        *operand = value;
                    }
                }
            }
        }
        let jumps_forward = self.awaited.get(number).is_some_and(|count| *count > 0);
        if jumps_forward && let Some(end) = self.ends.get_mut(number) {
            *end = values;
        }
    }
}
