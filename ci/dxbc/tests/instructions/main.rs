//! Instructions that few programs have, executed: class linkage, feedback reads, sums of differences, special values.
//!
//! They need spirv-val (SPIRV-Tools) and a Vulkan 1.3 driver; lavapipe will do.

mod classes;
mod feedback;
mod special;
mod table;
