//! What all cases share: a device, resources from short descriptions, one call that binds and draws, pictures, expectations.

mod device;
pub mod expected;
mod format;
mod pass;
mod picture;
mod query;
mod resource;
pub mod runner;
mod test;
mod view;

pub use device::Gpu;
pub(crate) use pass::shader;
pub use pass::{Call, Canvas, Code, Dispatch, Pass, StreamOutput};
pub use picture::Picture;
pub use resource::{Buffer, Kind, Shape, Texture, floats, ints, words};
pub(crate) use test::cases;
pub use test::{Case, Run, Test};

pub use windows::Win32::Foundation::RECT;
pub use windows::Win32::Graphics::Direct3D::*;
pub use windows::Win32::Graphics::Direct3D11::*;
pub use windows::Win32::Graphics::Dxgi::Common::*;
pub use windows::core::{Interface, Result, s};
