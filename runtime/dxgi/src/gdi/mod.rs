//! Win32 windows, monitors and drawing, as safe functions over plain values.

pub mod draw;
pub mod monitor;
pub mod window;
