//! Changing a parsed program: new operands, and instructions made of them.

use super::opcode::Opcode;
use super::operand::{Operand, OperandId};
use super::program::{Instruction, Program, ResourceHint};
use crate::Error;

/// The bit of an opcode token that makes a condition true for values that are not zero.
const TEST_NONZERO: u32 = 1 << 18;

impl Program {
    /// The places of the operands of `instruction`.
    pub(crate) fn operand_ids(&self, instruction: &Instruction) -> &[OperandId] {
        let first = instruction.first_operand as usize;
        let end = first.saturating_add(usize::from(instruction.operand_count));
        self.operand_list.get(first..end).unwrap_or_default()
    }

    /// Adds an operand.
    pub(crate) fn add_operand(&mut self, operand: Operand) -> Result<OperandId, Error> {
        let id = u32::try_from(self.arena.len()).map_err(|_| Error::Invalid {
            opcode: "operand",
            offset: 0,
            rule: "too many operands",
        })?;
        self.arena.push(operand);
        Ok(OperandId(id))
    }

    /// `instruction` with other operands.
    pub(crate) fn with_operands(&mut self, instruction: &Instruction, operands: &[OperandId]) -> Instruction {
        let first_operand = u32::try_from(self.operand_list.len()).unwrap_or(u32::MAX);
        self.operand_list.extend_from_slice(operands);
        // An instruction has at most eight operands, and these are as many.
        let operand_count = u8::try_from(operands.len()).unwrap_or(u8::MAX);
        Instruction { first_operand, operand_count, ..*instruction }
    }

    /// A new instruction at the place of another one.
    pub(crate) fn make(
        &mut self,
        opcode: Opcode,
        offset: u32,
        operands: &[Operand],
    ) -> Result<Instruction, Error> {
        let mut ids = Vec::with_capacity(operands.len());
        for operand in operands {
            ids.push(self.add_operand(*operand)?);
        }
        let instruction = Instruction {
            opcode,
            offset,
            token: opcode.number() | TEST_NONZERO,
            texel_offset: [0; 3],
            resource: ResourceHint::default(),
            call_site: 0,
            first_operand: 0,
            operand_count: 0,
        };
        Ok(self.with_operands(&instruction, &ids))
    }
}
