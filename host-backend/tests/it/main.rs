//! The host as a whole: real rings, the real loop, lavapipe with the validation layer.

mod drawing;
mod harness;
mod hostile;
mod streams;
mod supervisor;
