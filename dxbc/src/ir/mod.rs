//! The typed intermediate representation: what a program computes, in static single assignment form.
//!
//! The operations are SPIR-V's own: they are exactly typed, specified to the bit, and the last step has nothing left to
//! decide. What makes this a representation to work on, and not a file, is what it adds and leaves out:
//!
//! - An [`Instruction`] has its result, its type and whether it is exact as fields; [`Ids`] tells ids from literals.
//! - Types and constants are declared once, and [`Module::shape`] tells what a type is.
//! - Names, decorations and the entry point's interface belong to ids: what a pass removes takes them with it.
//! - A D3D11 register is a private variable, a `vec4` of floats that holds bits, read and written whole.
//!
//! [`crate::lower`] makes a module from a program, the passes ([`crate::pass`]) make it smaller, and
//! [`crate::spirv`] writes it. [`display`] prints a module at any of these steps; [`verify`] checks one.

mod code;
pub mod display;
pub mod flow;
mod ids;
mod module;
mod types;
mod unique;
pub mod verify;

pub use code::{Code, Ids, Instruction, is_pure, is_removable, is_terminator};
pub use ids::IdMap;
pub use module::{Function, GLSL, Module};
pub use types::{Scalar, StructLayout};
