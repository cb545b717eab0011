//! The rules of DXGI over plain values: swap-chain descriptions, display modes, presents.
//!
//! Numbers are those of `dxgi.h` and `dxgiformat.h`, so that descriptions pass through unchanged.

pub mod chain;
pub mod format;
pub mod gamma;
pub mod mode;
pub mod partial;
pub mod present;
pub mod rotation;
pub mod style;
