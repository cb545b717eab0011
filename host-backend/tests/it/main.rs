//! The host as a whole: real rings, the real loop, lavapipe with the validation layer.

mod classes;
mod creations;
mod display;
mod drawing;
mod draws;
mod fields;
mod harness;
mod hostile;
mod isolation;
mod memory;
mod mismatches;
mod predication;
mod recording;
mod resources;
mod robustness;
mod scene;
mod sharing;
mod sharing_processes;
mod sharing_workers;
mod stages;
mod stream_output;
mod streams;
mod supervisor;
mod tiled;
