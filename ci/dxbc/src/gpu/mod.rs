//! A Vulkan device that runs what the compiler made: the judge of what shaders compute and draw.
//!
//! Any Vulkan 1.3 driver will do; the tests need one. [`Gpu::run`] dispatches a compute shader, [`Gpu::draw`] draws
//! with any set of stages. Both take what is bound as plain data and give back what the shaders left in it. Every object
//! of a run is destroyed when it ends. Where Khronos' validation layer is installed it watches, and whatever it reports
//! as an error fails the run that caused it.

mod bindings;
mod compute;
mod contents;
mod device;
mod draw;
mod image;
mod pipeline;
mod rendering;
mod samples;
mod scope;
mod validation;

use std::sync::Mutex;

/// Vulkan's enumerations: samplers, topologies and comparisons are given in its terms.
pub use ash::vk;
use pvgpu_dxbc::TargetCapabilities;

pub use contents::{Contents, Format, Image, ImageKind, SamplerState};
pub use device::Features;
pub use draw::{Attribute, Blend, Depth, Draw, Drawn, FEEDBACK_MARK, Primitives, Stage, Target, Viewport};

/// A device with one queue.
///
/// Runs take turns, so that one device may serve several threads.
pub struct Gpu {
    device: device::Device,
    /// Held by the run at hand.
    turn: Mutex<()>,
}

impl Gpu {
    /// The first device of the system, with every feature that the compiler may need and the device has.
    pub fn open() -> Self {
        Self { device: device::Device::open(), turn: Mutex::new(()) }
    }

    /// What the compiler may use on this device.
    pub fn capabilities(&self) -> TargetCapabilities {
        self.device.capabilities
    }

    /// The name of the driver, for what is known of one driver only.
    pub fn driver(&self) -> &str {
        &self.device.driver
    }

    /// The Vulkan features of the device, all of them enabled.
    pub fn features(&self) -> &Features {
        &self.device.features
    }
}
