//! A module under construction: its sections, and the methods that append to them.

use std::collections::BTreeSet;

use rspirv::spirv::{
    Capability, Decoration, ExecutionMode, FunctionControl, GlslStd450Op as GLOp, Op, SelectionControl,
    StorageClass, Word,
};

use super::code::Code;
use super::types::{Scalar, Shape};
use super::unique::Unique;

/// The id of the GLSL.std.450 instruction set.
pub const GLSL: Word = 1;

/// Scalar kinds times vector sizes 1 to 4.
pub(super) type VectorTypes = [[Word; 4]; Scalar::COUNT];

/// A function without parameters and result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its id.
    pub id: Word,
    /// The registers keep their values from one call to the next.
    pub is_subroutine: bool,
    /// Its blocks: each begins with a label and ends with a terminator. A block comes before those that it dominates.
    pub code: Code,
}

/// A module under construction.
#[derive(Debug)]
pub struct Module {
    pub(super) next_id: Word,
    /// What the device must be able to do, `SpvCapability` numbers.
    pub capabilities: BTreeSet<u32>,
    /// SPIR-V extensions by name.
    pub extensions: BTreeSet<&'static str>,
    /// Execution modes of the entry point: the operands of OpExecutionMode.
    pub execution_modes: Code,
    /// Names for people: the id, and the place of its text in `name_text`.
    pub(super) names: Vec<(Word, u32, u32)>,
    pub(super) name_text: String,
    /// OpDecorate and OpMemberDecorate.
    pub annotations: Code,
    /// Types, constants and global variables.
    pub globals: Code,
    /// The functions, in the order in which they are written.
    pub functions: Vec<Function>,
    pub(super) vector_types: VectorTypes,
    /// What the type ids are, in ascending order of ids.
    pub(super) shapes: Vec<(Word, Shape)>,
    pub(super) unique: Unique,
}

impl Module {
    /// An empty module with the `Shader` capability.
    pub fn new() -> Self {
        Self {
            next_id: GLSL + 1,
            capabilities: BTreeSet::from([Capability::Shader as u32]),
            extensions: BTreeSet::new(),
            execution_modes: Code::default(),
            names: Vec::new(),
            name_text: String::new(),
            annotations: Code::default(),
            globals: Code::default(),
            functions: Vec::new(),
            vector_types: [[0; 4]; Scalar::COUNT],
            shapes: Vec::new(),
            unique: Unique::default(),
        }
    }

    /// A fresh id. The length of a program is limited, so that ids cannot run out.
    pub fn id(&mut self) -> Word {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// All ids are below this number.
    pub fn bound(&self) -> Word {
        self.next_id
    }

    /// Declares that the module uses a capability.
    pub fn capability(&mut self, capability: Capability) {
        self.capabilities.insert(capability as u32);
    }

    /// Declares that the module uses an extension of SPIR-V.
    pub fn extension(&mut self, name: &'static str) {
        self.extensions.insert(name);
    }

    /// Gives `id` a name for people who read a listing.
    pub fn name(&mut self, id: Word, name: &str) {
        let start = self.name_text.len();
        self.name_text.push_str(name);
        // CAST: a module has at most some thousands of names of a few letters.
        self.names.push((id, start as u32, self.name_text.len() as u32));
    }

    /// The names in the order in which they were given.
    pub fn names(&self) -> impl Iterator<Item = (Word, &str)> {
        let text = |start: u32, end: u32| self.name_text.get(start as usize..end as usize);
        self.names.iter().map(move |(id, start, end)| (*id, text(*start, *end).unwrap_or_default()))
    }

    /// Keeps the names of the ids for which `keep` holds.
    pub fn retain_names(&mut self, keep: impl Fn(Word) -> bool) {
        self.names.retain(|(id, ..)| keep(*id));
    }

    /// Decorates `id`.
    pub fn decorate(&mut self, id: Word, decoration: Decoration, operands: &[u32]) {
        self.annotations.push(Op::Decorate, 0, 0, false, &[&[id, decoration as u32], operands]);
    }

    /// Decorates member `member` of the structure type `id`.
    pub fn decorate_member(&mut self, id: Word, member: u32, decoration: Decoration, operands: &[u32]) {
        let head = [id, member, decoration as u32];
        self.annotations.push(Op::MemberDecorate, 0, 0, false, &[&head, operands]);
    }

    /// Adds an execution mode of the entry point `entry`.
    pub fn execution_mode(&mut self, entry: Word, mode: ExecutionMode, operands: &[u32]) {
        self.execution_modes.push(Op::ExecutionMode, 0, 0, false, &[&[entry, mode as u32], operands]);
    }

    /// Declares a global variable.
    pub fn variable(&mut self, class: StorageClass, ty: Word, initializer: Option<Word>, name: &str) -> Word {
        let pointer = self.pointer_type(class, ty);
        let id = self.id();
        let initializer = initializer.as_slice();
        self.globals.push(Op::Variable, pointer, id, false, &[&[class as u32], initializer]);
        self.name(id, name);
        id
    }

    /// Appends an instruction with a result to the current function.
    pub fn op(&mut self, op: Op, result_type: Word, operands: &[u32]) -> Word {
        self.push(op, result_type, false, &[operands])
    }

    /// Appends an instruction whose float result must not be contracted.
    pub fn op_exact(&mut self, op: Op, result_type: Word, operands: &[u32]) -> Word {
        self.push(op, result_type, true, &[operands])
    }

    /// Appends an instruction without a result to the current function.
    pub fn op_void(&mut self, op: Op, operands: &[u32]) {
        self.append(op, 0, 0, false, &[operands]);
    }

    /// Appends an instruction of the GLSL.std.450 set to the current function.
    pub fn glsl(&mut self, op: GLOp, result_type: Word, operands: &[u32]) -> Word {
        self.push(Op::ExtInst, result_type, false, &[&[GLSL, op as u32], operands])
    }

    fn push(&mut self, op: Op, ty: Word, exact: bool, parts: &[&[u32]]) -> Word {
        let id = self.id();
        self.append(op, ty, id, exact, parts);
        id
    }

    fn append(&mut self, op: Op, ty: Word, result: Word, exact: bool, parts: &[&[u32]]) {
        if let Some(function) = self.functions.last_mut() {
            function.code.push(op, ty, result, exact, parts);
        }
    }

    /// Starts the function `id` of type `void()`, and its first block.
    pub fn begin_function(&mut self, id: Word) {
        let void = self.void_type();
        let ty = self.void_function_type();
        let mut code = Code::default();
        code.push(Op::Function, void, id, false, &[&[FunctionControl::NONE.bits(), ty]]);
        self.functions.push(Function { id, is_subroutine: false, code });
        let label = self.id();
        self.label(label);
    }

    /// Starts the function of a subroutine: what it leaves in registers is there when it is called again.
    pub fn begin_subroutine(&mut self, id: Word) {
        self.begin_function(id);
        if let Some(function) = self.functions.last_mut() {
            function.is_subroutine = true;
        }
    }

    /// Ends the current function, whose last block must have a terminator.
    pub fn end_function(&mut self) {
        self.op_void(Op::FunctionEnd, &[]);
    }

    /// Starts the block `id`.
    pub fn label(&mut self, id: Word) {
        self.append(Op::Label, 0, id, false, &[]);
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

    /// About how many words of SPIR-V the functions become.
    pub fn function_words(&self) -> usize {
        self.functions.iter().map(|function| function.code.words()).sum()
    }
}
