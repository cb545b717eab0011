//! Reads that also tell whether the memory behind them is there, for tiled resources.
//!
//! Vulkan calls this sparse residency. Our devices have tier 1 of D3D11's tiled resources at most, where shaders have no
//! such instructions: the reads are the plain ones, and every status says that all memory is mapped.

use super::{Lowering, Value};
use crate::Error;
use crate::ir::Scalar;
use crate::token::opcode::Opcode;
use crate::token::operand::Operand;
use crate::token::program::Instruction;

/// The status of a read whose memory is all mapped. D3D11 says only that `check_access_fully_mapped` understands it.
const FULLY_MAPPED: u32 = u32::MAX;

/// The operands of a read, without the status, and a least level of detail.
#[derive(Debug)]
pub struct PlainRead {
    /// The opcode without feedback.
    pub opcode: Opcode,
    /// Destination, address, resource, and what else the plain instruction has.
    pub operands: Vec<Operand>,
    /// The least level of detail, where there is one.
    pub clamp: Option<Operand>,
}

impl Lowering<'_> {
    /// A read with feedback: the plain read, and then the status.
    pub(super) fn feedback(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let status = self.program.operands(instruction).nth(1).copied();
        let status = status.ok_or_else(|| self.invalid("the status is missing"))?;
        match self.plain_read(instruction).opcode {
            Opcode::LdRaw | Opcode::LdStructured => self.buffer(instruction)?,
            _ => self.image(instruction)?,
        }
        let id = self.module.u32(FULLY_MAPPED);
        self.store_scalar(&status, Value { id, scalar: Scalar::U32, count: 1 }, false)
    }

    /// A reading instruction as it would be without feedback.
    pub(super) fn plain_read(&self, instruction: &Instruction) -> PlainRead {
        let mut operands: Vec<Operand> = self.program.operands(instruction).copied().collect();
        let Some(opcode) = instruction.opcode.without_feedback() else {
            return PlainRead { opcode: instruction.opcode, operands, clamp: None };
        };
        let clamp = if instruction.opcode.has_clamp() { operands.pop() } else { None };
        if operands.len() > 1 {
            operands.remove(1);
        }
        PlainRead { opcode, operands, clamp }
    }

    pub(super) fn check_access_fully_mapped(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let [destination, status] = self.operands(instruction)?;
        if destination.mask() == 0 {
            return Ok(());
        }
        let id = self.load_component(&status, 0, Scalar::U32)?;
        let mapped = self.not_zero(Value { id, scalar: Scalar::U32, count: 1 });
        let mask = self.mask_of(Value { id: mapped, scalar: Scalar::Bool, count: 1 });
        self.store_scalar(&destination, mask, false)
    }
}
