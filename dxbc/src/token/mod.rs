//! The tokenised program format: dwords to typed declarations, instructions and operands.
//!
//! This layer checks form only (lengths, enumerations, operand counts, limits). What an instruction may do with its
//! operands is checked by the lowering, which needs to know it anyway. The format is described in Microsoft's
//! d3d11TokenizedProgramFormat.hpp; "\[10:0\]" in comments means those bits of a token.

pub mod declaration;
mod edit;
pub mod opcode;
pub mod operand;
pub mod program;
mod reader;
pub mod stage;
