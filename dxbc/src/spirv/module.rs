//! The sections of a module under construction, and instruction writing.

use std::collections::{BTreeMap, BTreeSet};

use rspirv::spirv::{
    AddressingModel, Capability, Decoration, ExecutionMode, ExecutionModel, FunctionControl,
    GlslStd450Op as GLOp, MemoryModel, Op, SelectionControl, StorageClass, Word,
};

use super::types::Scalar;

/// SPIR-V 1.6, the version of Vulkan 1.3.
const VERSION: u32 = 0x0001_0600;

/// Scalar kinds times vector sizes 1 to 4.
pub(super) type VectorTypes = [[Word; 4]; Scalar::COUNT];

/// A module under construction.
#[derive(Debug)]
pub struct Module {
    next_id: Word,
    capabilities: BTreeSet<u32>,
    glsl: Word,
    execution_modes: Vec<u32>,
    names: Vec<u32>,
    annotations: Vec<u32>,
    pub(super) globals: Vec<u32>,
    functions: Vec<u32>,
    interface: Vec<Word>,
    pub(super) vector_types: VectorTypes,
    pub(super) unique: BTreeMap<Vec<u32>, Word>,
}

impl Module {
    /// An empty module with the `Shader` capability.
    pub fn new() -> Self {
        Self {
            next_id: 2,
            capabilities: BTreeSet::from([Capability::Shader as u32]),
            glsl: 1,
            execution_modes: Vec::new(),
            names: Vec::new(),
            annotations: Vec::new(),
            globals: Vec::new(),
            functions: Vec::new(),
            interface: Vec::new(),
            vector_types: [[0; 4]; Scalar::COUNT],
            unique: BTreeMap::new(),
        }
    }

    /// A fresh id. The length of a program is limited, so that ids cannot run out.
    pub fn id(&mut self) -> Word {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Declares that the module uses a capability.
    pub fn capability(&mut self, capability: Capability) {
        self.capabilities.insert(capability as u32);
    }

    /// Gives `id` a name for people who read a disassembly.
    pub fn name(&mut self, id: Word, name: &str) {
        let start = self.names.len();
        self.names.extend([0, id]);
        push_string(&mut self.names, name);
        finish(&mut self.names, start, Op::Name);
    }

    /// Decorates `id`.
    pub fn decorate(&mut self, id: Word, decoration: Decoration, operands: &[u32]) {
        push(&mut self.annotations, Op::Decorate, &[&[id, decoration as u32], operands]);
    }

    /// Decorates member `member` of the structure type `id`.
    pub fn decorate_member(&mut self, id: Word, member: u32, decoration: Decoration, operands: &[u32]) {
        push(&mut self.annotations, Op::MemberDecorate, &[&[id, member, decoration as u32], operands]);
    }

    /// Adds an execution mode of the entry point `entry`.
    pub fn execution_mode(&mut self, entry: Word, mode: ExecutionMode, operands: &[u32]) {
        push(&mut self.execution_modes, Op::ExecutionMode, &[&[entry, mode as u32], operands]);
    }

    /// Declares a global variable and lists it in the entry point's interface.
    pub fn variable(&mut self, class: StorageClass, ty: Word, initializer: Option<Word>, name: &str) -> Word {
        let pointer = self.pointer_type(class, ty);
        let id = self.id();
        let initializer = initializer.as_slice();
        push(&mut self.globals, Op::Variable, &[&[pointer, id, class as u32], initializer]);
        self.interface.push(id);
        self.name(id, name);
        id
    }

    /// Writes an instruction with a result into the current function.
    pub fn op(&mut self, op: Op, result_type: Word, operands: &[u32]) -> Word {
        let id = self.id();
        push(&mut self.functions, op, &[&[result_type, id], operands]);
        id
    }

    /// Writes an instruction without a result into the current function.
    pub fn op_void(&mut self, op: Op, operands: &[u32]) {
        push(&mut self.functions, op, &[operands]);
    }

    /// Writes an instruction of the GLSL.std.450 set into the current function.
    pub fn glsl(&mut self, op: GLOp, result_type: Word, operands: &[u32]) -> Word {
        let id = self.id();
        push(&mut self.functions, Op::ExtInst, &[&[result_type, id, self.glsl, op as u32], operands]);
        id
    }

    /// Starts the function `id` of type `void()`, and its first block.
    pub fn begin_function(&mut self, id: Word) {
        let void = self.void_type();
        let ty = self.void_function_type();
        push(&mut self.functions, Op::Function, &[&[void, id, FunctionControl::NONE.bits(), ty]]);
        let label = self.id();
        self.label(label);
    }

    /// Ends the current function, whose last block must have a terminator.
    pub fn end_function(&mut self) {
        push(&mut self.functions, Op::FunctionEnd, &[]);
    }

    /// Starts the block `id`.
    pub fn label(&mut self, id: Word) {
        push(&mut self.functions, Op::Label, &[&[id]]);
    }

    /// Ends the block with a jump to `target`.
    pub fn branch(&mut self, target: Word) {
        self.op_void(Op::Branch, &[target]);
    }

    /// Ends the block with a jump to one of two blocks; their paths join in `merge`.
    pub fn branch_conditional(&mut self, condition: Word, then: Word, otherwise: Word, merge: Word) {
        self.op_void(Op::SelectionMerge, &[merge, SelectionControl::NONE.bits()]);
        self.op_void(Op::BranchConditional, &[condition, then, otherwise]);
    }

    /// Words written into functions so far.
    pub fn function_words(&self) -> usize {
        self.functions.len()
    }

    /// Joins the sections to the final module, whose entry point `main` is the function `entry`.
    pub fn finish(self, model: ExecutionModel, entry: Word) -> Vec<u32> {
        let mut words = vec![rspirv::spirv::MAGIC_NUMBER, VERSION, 0, self.next_id, 0];
        words.reserve(self.annotations.len() + self.globals.len() + self.functions.len() + 256);
        for capability in &self.capabilities {
            push(&mut words, Op::Capability, &[&[*capability]]);
        }
        let start = words.len();
        words.extend([0, self.glsl]);
        push_string(&mut words, "GLSL.std.450");
        finish(&mut words, start, Op::ExtInstImport);
        push(&mut words, Op::MemoryModel, &[&[AddressingModel::Logical as u32, MemoryModel::GLSL450 as u32]]);
        let start = words.len();
        words.extend([0, model as u32, entry]);
        push_string(&mut words, "main");
        words.extend(&self.interface);
        finish(&mut words, start, Op::EntryPoint);
        words.extend(self.execution_modes);
        words.extend(self.names);
        words.extend(self.annotations);
        words.extend(self.globals);
        words.extend(self.functions);
        words
    }
}

/// Appends an instruction; `parts` are its operands in order.
pub(super) fn push(words: &mut Vec<u32>, op: Op, parts: &[&[u32]]) {
    let start = words.len();
    words.push(0);
    for part in parts {
        words.extend_from_slice(part);
    }
    finish(words, start, op);
}

/// Writes the opcode and word count of the instruction that starts at `start`.
fn finish(words: &mut [u32], start: usize, op: Op) {
    // The longest instruction is a constant array of 4,097 elements, an OpSwitch of as many cases as one program
    // has, which the emitter limits, or an entry point of some hundred variables: all below 65,536 words.
    let count = (words.len() - start) as u32;
    if let Some(first) = words.get_mut(start) {
        *first = count << 16 | op as u32;
    }
}

/// Appends a string literal: UTF-8, a zero byte, zeros up to a whole word.
fn push_string(words: &mut Vec<u32>, text: &str) {
    let (chunks, rest) = text.as_bytes().as_chunks::<4>();
    words.extend(chunks.iter().map(|chunk| u32::from_le_bytes(*chunk)));
    let mut last = [0; 4];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    words.push(u32::from_le_bytes(last));
}
