//! The rules of DXGI over plain values: swap-chain descriptions, display modes, presents.
//!
//! Numbers are those of `dxgi.h` and `dxgiformat.h`, so that descriptions pass through unchanged.

pub mod chain;
pub mod format;
pub mod mode;
pub mod present;
