//! Instructions in a flat list, with all their operands in one vector.
//!
//! A program becomes thousands of instructions of a few operands each; a vector for each of them would cost more than
//! everything else that the compiler does.

use rspirv::spirv::{GlslStd450Op as GLOp, Op, Word};

/// One instruction. What it computes, and how many operands it has, is SPIR-V's definition of [`Instruction::op`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// The operation.
    pub op: Op,
    /// The id of the result's type; 0 if there is no result.
    pub ty: Word,
    /// The id of the result; 0 if there is none.
    pub result: Word,
    /// The result must not be contracted with what follows, nor reordered: `NoContraction`.
    pub exact: bool,
    first: u32,
    count: u32,
}

/// A list of instructions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Code {
    instructions: Vec<Instruction>,
    operands: Vec<u32>,
}

impl Code {
    /// An empty list with room for about as much as `other` holds.
    pub fn like(other: &Self) -> Self {
        Self {
            instructions: Vec::with_capacity(other.instructions.len()),
            operands: Vec::with_capacity(other.operands.len()),
        }
    }

    /// Appends an instruction; `parts` are its operands in order.
    pub fn push(&mut self, op: Op, ty: Word, result: Word, exact: bool, parts: &[&[u32]]) {
        let first = self.operands.len();
        for part in parts {
            self.operands.extend_from_slice(part);
        }
        // CAST: the length of a program is limited, so that both stay far below 2^32.
        let (first, count) = (first as u32, (self.operands.len() - first) as u32);
        self.instructions.push(Instruction { op, ty, result, exact, first, count });
    }

    /// Appends a copy of an instruction with other operands.
    pub fn push_with(&mut self, instruction: &Instruction, operands: &[u32]) {
        self.push(instruction.op, instruction.ty, instruction.result, instruction.exact, &[operands]);
    }

    /// The instructions in order.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// The instruction at a place.
    pub fn get(&self, place: usize) -> Option<(&Instruction, &[u32])> {
        self.instructions.get(place).map(|instruction| (instruction, self.operands(instruction)))
    }

    /// The operands of an instruction of this list.
    pub fn operands(&self, instruction: &Instruction) -> &[u32] {
        let first = instruction.first as usize;
        self.operands.get(first..first + instruction.count as usize).unwrap_or_default()
    }

    /// The operands of an instruction of this list, to be changed.
    pub fn operands_mut(&mut self, place: usize) -> &mut [u32] {
        let Some(instruction) = self.instructions.get(place) else { return &mut [] };
        let first = instruction.first as usize;
        self.operands.get_mut(first..first + instruction.count as usize).unwrap_or_default()
    }

    /// The instructions with their operands, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Instruction, &[u32])> {
        self.instructions.iter().map(|instruction| (instruction, self.operands(instruction)))
    }

    /// Keeps the instructions for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&Instruction, &[u32]) -> bool) {
        let operands = std::mem::take(&mut self.operands);
        self.instructions.retain(|instruction| {
            let first = instruction.first as usize;
            keep(instruction, operands.get(first..first + instruction.count as usize).unwrap_or_default())
        });
        self.operands = operands;
    }

    /// About how many words of SPIR-V the list becomes.
    pub fn words(&self) -> usize {
        self.operands.len() + 3 * self.instructions.len()
    }
}

/// Which operands of an instruction are ids; the others are literals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    /// The first so many.
    leading: usize,
    /// The literal in between, if any, and all behind it.
    after: Option<usize>,
}

impl Ids {
    /// Those of an instruction in a function. Types, constants and annotations are not asked about.
    pub fn of(op: Op, operands: &[u32]) -> Self {
        let first = |leading| Self { leading, after: None };
        match op {
            Op::CompositeExtract => first(1),
            Op::CompositeInsert | Op::VectorShuffle | Op::BranchConditional | Op::Store => {
                // A branch has a condition and two labels; a store may have memory operands, which are literals.
                first(if op == Op::BranchConditional { 3 } else { 2 })
            }
            Op::Load | Op::SelectionMerge | Op::Branch | Op::ArrayLength => first(1),
            Op::LoopMerge => first(2),
            // The set, the literal number, the arguments.
            Op::ExtInst => Self { leading: 1, after: Some(2) },
            // Selector, default; then literals and labels by turns.
            Op::Switch => first(2),
            Op::Function | Op::Variable => Self { leading: 0, after: Some(1) },
            Op::ImageSampleImplicitLod
            | Op::ImageSampleExplicitLod
            | Op::ImageFetch
            | Op::ImageRead
            | Op::ImageSparseFetch
            | Op::ImageSparseRead
            | Op::ImageSparseSampleImplicitLod
            | Op::ImageSparseSampleExplicitLod => Self { leading: 2, after: Some(3) },
            Op::ImageSampleDrefImplicitLod
            | Op::ImageSampleDrefExplicitLod
            | Op::ImageGather
            | Op::ImageDrefGather
            | Op::ImageWrite
            | Op::ImageSparseSampleDrefImplicitLod
            | Op::ImageSparseSampleDrefExplicitLod
            | Op::ImageSparseGather
            | Op::ImageSparseDrefGather => Self { leading: 3, after: Some(4) },
            _ => first(operands.len()),
        }
    }

    /// The ids among `operands`.
    pub fn iter(self, operands: &[u32]) -> impl Iterator<Item = Word> {
        let leading = operands.get(..self.leading).unwrap_or(operands);
        let after = self.after.and_then(|from| operands.get(from..)).unwrap_or_default();
        leading.iter().chain(after).copied()
    }

    /// Changes the ids among `operands`.
    pub fn change(self, operands: &mut [u32], mut change: impl FnMut(Word) -> Word) {
        for (n, operand) in operands.iter_mut().enumerate() {
            if n < self.leading || self.after.is_some_and(|from| n >= from) {
                *operand = change(*operand);
            }
        }
    }
}

/// Whether the instruction only computes its result from its operands: without a use it can go, and a second one
/// computes the same.
pub fn is_pure(op: Op, operands: &[u32]) -> bool {
    match op {
        Op::ExtInst => {
            // Frexp and modf write through a pointer; interpolation reads an input at another place.
            let number = operands.get(1).copied().unwrap_or(0);
            number != GLOp::Modf as u32 && number != GLOp::Frexp as u32
        }
        Op::AccessChain
        | Op::VectorShuffle
        | Op::CompositeConstruct
        | Op::CompositeExtract
        | Op::CompositeInsert
        | Op::CopyObject
        | Op::SampledImage
        | Op::ImageQuerySizeLod
        | Op::ImageQuerySize
        | Op::ImageQueryLevels
        | Op::ImageQuerySamples
        | Op::ImageTexelPointer
        | Op::ArrayLength
        | Op::ConvertFToU
        | Op::ConvertFToS
        | Op::ConvertSToF
        | Op::ConvertUToF
        | Op::FConvert
        | Op::Bitcast
        | Op::SNegate
        | Op::FNegate
        | Op::IAdd
        | Op::FAdd
        | Op::ISub
        | Op::FSub
        | Op::IMul
        | Op::FMul
        | Op::UDiv
        | Op::SDiv
        | Op::FDiv
        | Op::UMod
        | Op::SRem
        | Op::SMod
        | Op::FRem
        | Op::FMod
        | Op::VectorTimesScalar
        | Op::Dot
        | Op::IAddCarry
        | Op::ISubBorrow
        | Op::UMulExtended
        | Op::SMulExtended
        | Op::Any
        | Op::All
        | Op::IsNan
        | Op::IsInf
        | Op::LogicalEqual
        | Op::LogicalNotEqual
        | Op::LogicalOr
        | Op::LogicalAnd
        | Op::LogicalNot
        | Op::Select
        | Op::IEqual
        | Op::INotEqual
        | Op::UGreaterThan
        | Op::SGreaterThan
        | Op::UGreaterThanEqual
        | Op::SGreaterThanEqual
        | Op::ULessThan
        | Op::SLessThan
        | Op::ULessThanEqual
        | Op::SLessThanEqual
        | Op::FOrdEqual
        | Op::FUnordEqual
        | Op::FOrdNotEqual
        | Op::FUnordNotEqual
        | Op::FOrdLessThan
        | Op::FUnordLessThan
        | Op::FOrdGreaterThan
        | Op::FUnordGreaterThan
        | Op::FOrdLessThanEqual
        | Op::FUnordLessThanEqual
        | Op::FOrdGreaterThanEqual
        | Op::FUnordGreaterThanEqual
        | Op::ShiftRightLogical
        | Op::ShiftRightArithmetic
        | Op::ShiftLeftLogical
        | Op::BitwiseOr
        | Op::BitwiseXor
        | Op::BitwiseAnd
        | Op::Not
        | Op::BitFieldInsert
        | Op::BitFieldSExtract
        | Op::BitFieldUExtract
        | Op::BitReverse
        | Op::BitCount => true,
        _ => false,
    }
}

/// Whether the instruction can go where nobody uses its result.
pub fn is_removable(op: Op, operands: &[u32]) -> bool {
    is_pure(op, operands)
        || matches!(
            op,
            Op::Load
                | Op::Phi
                | Op::DPdx
                | Op::DPdy
                | Op::DPdxCoarse
                | Op::DPdyCoarse
                | Op::DPdxFine
                | Op::DPdyFine
                | Op::ImageSampleImplicitLod
                | Op::ImageSampleExplicitLod
                | Op::ImageSampleDrefImplicitLod
                | Op::ImageSampleDrefExplicitLod
                | Op::ImageFetch
                | Op::ImageGather
                | Op::ImageDrefGather
                | Op::ImageRead
                | Op::ImageQueryLod
                | Op::IsHelperInvocationEXT
                | Op::Undef
        )
}

/// Whether the instruction ends a block.
pub fn is_terminator(op: Op) -> bool {
    matches!(
        op,
        Op::Branch
            | Op::BranchConditional
            | Op::Switch
            | Op::Return
            | Op::ReturnValue
            | Op::Kill
            | Op::TerminateInvocation
            | Op::Unreachable
    )
}
