//! The host as a whole: real rings, the real loop, lavapipe with the validation layer.

mod display;
mod drawing;
mod harness;
mod hostile;
mod isolation;
mod streams;
mod supervisor;
