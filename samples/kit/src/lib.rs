//! What the sample programs share: a window, a Direct3D 11 device with a swap chain, and the loop that draws frames.
//!
//! A sample implements [`Scene`] and calls [`run`]. Everything a sample shows depends on the frame's number alone, never on
//! time, so that two runs on two renderers can be compared picture by picture.
//!
//! Invariants: Win32 is named in `window` only; DXGI and device creation in `gpu` only. A lost device is handled in
//! `frames` only: scenes just hand errors up.

#[cfg(windows)]
mod error;
#[cfg(windows)]
mod frames;
#[cfg(windows)]
mod gpu;
mod options;
#[cfg(windows)]
mod window;

#[cfg(windows)]
pub use error::{Error, hresult_name, is_device_lost};
#[cfg(windows)]
pub use frames::{Scene, run};
#[cfg(windows)]
pub use gpu::{Gpu, bytes, made};
pub use options::Options;
#[cfg(windows)]
pub use window::Window;
