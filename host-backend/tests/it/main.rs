//! The host as a whole: real rings, the real loop, lavapipe with the validation layer.

mod classes;
mod display;
mod drawing;
mod fields;
mod harness;
mod hostile;
mod isolation;
mod memory;
mod predication;
mod recording;
mod resources;
mod robustness;
mod scene;
mod sharing;
mod stages;
mod stream_output;
mod streams;
mod supervisor;
