//! Simplifies values: looks through casts, swizzles and truth masks, computes with constants, and computes nothing twice.
//!
//! D3D11 registers are four components of bits, and truth is a mask of all bits. So what was translated instruction by
//! instruction is full of values that are taken apart and put together again: a comparison becomes a mask, the mask a
//! float in a register, the float an integer, the integer a truth value. The rules here see the whole way.
//!
//! One walk in the order of the code: every operand has been simplified when its user is looked at. Each rule looks at
//! a fixed number of instructions, so that time is proportional to the length.

mod rules;
mod table;

use rspirv::spirv::{Op, StorageClass, Word};

use crate::ir::flow::Graph;
use crate::ir::{Code, Function, IdMap, Ids, Instruction, Module, is_pure};
use table::Table;

/// Runs the pass.
pub fn run(module: &mut Module) {
    let mut functions = std::mem::take(&mut module.functions);
    let mut table = Table::of(module);
    for function in &mut functions {
        let mut fold = Fold::new(module, &mut table, function);
        fold.run(&function.code);
        function.code = fold.new;
    }
    module.functions = functions;
}

/// What an instruction becomes.
enum Outcome {
    /// This value is the same.
    Same(Word),
    /// An instruction with the same type and result, and these operands.
    Changed(Op, Vec<u32>),
    /// The instruction as it is.
    Kept,
}

struct Fold<'a> {
    module: &'a mut Module,
    table: &'a mut Table,
    graph: Graph,
    new: Code,
    /// What stands for an id; 0: itself.
    replaced: IdMap<Word>,
    known: Known,
    block: usize,
}

impl<'a> Fold<'a> {
    fn new(module: &'a mut Module, table: &'a mut Table, function: &Function) -> Self {
        Self {
            graph: Graph::of(&function.code, module.bound()),
            new: Code::like(&function.code),
            replaced: IdMap::new(module.bound()),
            known: Known::new(function.code.instructions().len()),
            module,
            table,
            block: 0,
        }
    }

    fn run(&mut self, code: &Code) {
        let mut operands = Vec::new();
        let mut first_label = true;
        let mut waiting = Vec::new();
        for (instruction, original) in code.iter() {
            operands.clear();
            operands.extend_from_slice(original);
            let replaced = &self.replaced;
            Ids::of(instruction.op, original).change(&mut operands, |id| resolve(replaced, id));
            let mut op = instruction.op;
            if op == Op::Label && !std::mem::take(&mut first_label) {
                self.block += 1;
            }
            if op == Op::Phi {
                waiting.push(self.new.instructions().len());
            }
            if instruction.result != 0 && instruction.ty != 0 {
                // A changed instruction may be simpler still; the rules get there in a few steps.
                let mut steps = 0;
                let mut same = None;
                while steps < 4 {
                    steps += 1;
                    match self.simplify(op, instruction.ty, instruction.result, instruction.exact, &operands)
                    {
                        Outcome::Kept => break,
                        Outcome::Same(value) => {
                            same = Some(value);
                            break;
                        }
                        Outcome::Changed(new_op, new_operands) => {
                            op = new_op;
                            operands = new_operands;
                        }
                    }
                }
                let same = same.or_else(|| self.first_of(op, instruction, &operands));
                if let Some(value) = same {
                    self.replaced.set(instruction.result, value);
                    continue;
                }
                self.table.define(instruction.result, self.new.instructions().len());
            }
            self.new.push(op, instruction.ty, instruction.result, instruction.exact, &[&operands]);
        }
        // A loop's phi names values that come after it.
        for place in waiting {
            let replaced = &self.replaced;
            for pair in self.new.operands_mut(place).chunks_exact_mut(2) {
                if let [value, _] = pair {
                    *value = resolve(replaced, *value);
                }
            }
        }
        self.table.forget_places();
    }

    /// An instruction of its own that a rule needs before the one at hand.
    fn emit(&mut self, op: Op, ty: Word, operands: &[u32]) -> Word {
        let slot = Known::slot(op, ty, operands);
        if let Some(id) = self.same(slot, op, ty, false, operands) {
            return id;
        }
        let id = self.module.id();
        let place = self.new.instructions().len();
        self.table.define(id, place);
        self.known.set(slot, place, self.block);
        self.new.push(op, ty, id, false, &[operands]);
        id
    }

    /// An instruction that computed the same where the one at hand can use its result.
    fn first_of(&mut self, op: Op, instruction: &Instruction, operands: &[u32]) -> Option<Word> {
        let constant_memory = op == Op::Load && self.reads_constant_memory(operands);
        if !constant_memory && !is_pure(op, operands) {
            return None;
        }
        let slot = Known::slot(op, instruction.ty, operands);
        let same = self.same(slot, op, instruction.ty, instruction.exact, operands);
        if same.is_none() {
            self.known.set(slot, self.new.instructions().len(), self.block);
        }
        same
    }

    fn same(&self, slot: u64, op: Op, ty: Word, exact: bool, operands: &[u32]) -> Option<Word> {
        let (place, block) = self.known.get(slot)?;
        let (other, other_operands) = self.new.get(place)?;
        let equal = (other.op, other.ty, other.exact) == (op, ty, exact) && other_operands == operands;
        // A combined image and sampler must be used in the block that combines them.
        let here = block == self.block || op != Op::SampledImage && self.graph.dominates(block, self.block);
        (equal && here).then_some(other.result)
    }

    /// Whether a load gives the same wherever it stands: constant buffers, images, samplers, inputs.
    fn reads_constant_memory(&self, operands: &[u32]) -> bool {
        let [pointer] = operands else { return false };
        let class = self.table.storage_class(self.pointer_type(*pointer));
        matches!(class, Some(StorageClass::Uniform | StorageClass::UniformConstant | StorageClass::Input))
    }

    fn pointer_type(&self, pointer: Word) -> Word {
        match self.table.place(pointer) {
            Some(place) => self.new.instructions().get(place).map_or(0, |instruction| instruction.ty),
            None => self.table.type_of_global(pointer),
        }
    }
}

fn resolve(replaced: &IdMap<Word>, id: Word) -> Word {
    match replaced.get(id) {
        0 => id,
        value => value,
    }
}

/// Where pure instructions stand in the new code, by a hash of what they compute. A newer one takes the place of an older
/// one with the same slot: that costs a chance and never time, whatever a program does to provoke it.
struct Known {
    /// One more than the place, and the block.
    slots: Vec<(u32, u32)>,
}

impl Known {
    fn new(instructions: usize) -> Self {
        Self { slots: vec![(0, 0); (2 * instructions).next_power_of_two()] }
    }

    /// FNV-1a's step with a wider multiplier, since words are hashed and not bytes.
    fn slot(op: Op, ty: Word, operands: &[u32]) -> u64 {
        let step = |hash: u64, word: u32| (hash ^ u64::from(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let hash = operands.iter().fold(step(step(0, op as u32), ty), |hash, word| step(hash, *word));
        hash ^ hash >> 32
    }

    fn place(&self, slot: u64) -> usize {
        // CAST: the mask leaves what fits.
        slot as usize & (self.slots.len() - 1)
    }

    fn get(&self, slot: u64) -> Option<(usize, usize)> {
        let (place, block) = *self.slots.get(self.place(slot))?;
        Some((place.checked_sub(1)? as usize, block as usize))
    }

    fn set(&mut self, slot: u64, place: usize, block: usize) {
        let at = self.place(slot);
        if let Some(entry) = self.slots.get_mut(at) {
            // CAST: the length of a program is limited.
            *entry = (place as u32 + 1, block as u32);
        }
    }
}
