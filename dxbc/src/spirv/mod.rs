//! Writing SPIR-V words: types, constants, instructions and the final module.
//!
//! rspirv supplies the enumerations and, in the tool and the tests, the disassembler. Its `dr::Builder` is not used
//! for writing: it looks each opcode up in a list from the front and allocates per instruction, which costs more than
//! the whole translation. A module here is a few word vectors, one for each section of the module's layout (SPIR-V
//! specification, section 2.4), joined at the end.

mod module;
mod types;

pub use module::Module;
pub use types::{Scalar, StructLayout};
