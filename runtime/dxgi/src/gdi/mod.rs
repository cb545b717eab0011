//! Win32 windows, monitors and drawing, as safe functions over plain values.

pub mod draw;
pub mod gamma;
pub mod hook;
pub mod monitor;
pub mod vidpn;
pub mod window;
