//! Random compute programs, and whether the compiler, a Vulkan device and the interpreter agree on them.
//!
//! A program is a function of its seed. It is valid D3D11: bounded loops, initialised registers, no races, barriers in
//! uniform control flow only, and no result that depends on the order of threads. What D3D11 leaves undefined is
//! avoided (unaligned addresses, offsets past a structure, accesses past x# and shared memory); what it defines at the
//! edges is sought (accesses past buffers, odd shifts, NaN, infinities, division by zero).
//!
//! Registers have roles, so that most results are exact: r0 to r3 hold integers, r4 and r5 floats from exact
//! instructions, r6 floats from instructions with a tolerance, r7 doubles, r8 addresses and conditions, r9 and r10 loop
//! counters, r11 the thread's number. At the end every thread writes what it changed of r0 to r7, and x0, to u0.
//!
//! # What is not checked
//!
//! D3D11 permits a choice, and the interpreter every outcome: a denormal is flushed or kept, `min` and `max` of zeros give
//! either zero, `mad` and dot products are fused or not, division, `rcp`, `rsq`, `sqrt`, `exp`, `log` and `sincos` have
//! tolerances (Vulkan's where they are wider), a NaN has any payload, a load past a typed buffer has 0 or 1 as its fourth
//! component, and an atomic past a view returns anything.
//!
//! D3D11 permits none, but llvmpipe (Mesa 22.3.6) was seen to differ, so that these checks are weaker than they could be:
//! - the sign of a zero that float arithmetic computed (see `Range::value` of the interpreter);
//! - zero times infinity or NaN, and what is divided by zero or is itself zero: any float, for doubles too;
//! - the logarithm of a denormal;
//! - `dfma` where a separate rounding of the product shows;
//! - a program with a zero of either sign in the place of the other, if the same program with its immediates in a constant
//!   buffer agrees in everything: where the driver can compute ahead that a value is one of 0 and -1, it was seen to give
//!   -0 for 0. Constants of -1 are not generated for that reason. The test tells how many programs took this way out.

mod arithmetic;
mod blocks;
pub mod generator;
pub mod judge;
mod memory;
pub mod shrink;

use crate::assembler::Assembly;
use crate::interpreter::Memory;

/// A program, and what its bindings hold before it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The program.
    pub assembly: Assembly,
    /// Its bindings.
    pub memory: Memory,
    /// Thread groups in x.
    pub groups: u32,
}
