//! The way of a frame from Present to the window, without the window: what to show when, and what to save.

pub mod compose;
pub mod pacing;
pub mod picture;
pub mod placement;
pub mod queue;
pub mod run;
