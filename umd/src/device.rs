//! The device: one context, what is bound in it, and the presents so far.
//!
//! Its methods are the DDI's entries in safe Rust, one file per group: [`crate::bind`], [`crate::draw`], [`crate::resource`],
//! [`crate::map`], [`crate::transfer`], [`crate::view`], [`crate::shader`], [`crate::state`], [`crate::query`],
//! [`crate::present`]. The runtime calls one entry of a device at a time: the driver reports no threading support.

use pvgpu_protocol::command::DestroyObject;
use pvgpu_protocol::telemetry::{Level, code};
use pvgpu_ring::BadMemory;

use crate::adapter::HostCaps;
use crate::context::Context;
use crate::error::Error;
use crate::frames::FramePool;
use crate::kernel::{Kernel, Mapped};
use crate::link::LinkedShaders;
use crate::present::Presented;
use crate::shadow::Shadow;

/// A Direct3D device over one context.
pub struct Device {
    pub(crate) context: Context,
    pub(crate) shadow: Shadow,
    pub(crate) caps: HostCaps,
    /// Shaders bound with class instances.
    pub(crate) linked: LinkedShaders,
    /// What presents are written into.
    pub(crate) frames: FramePool,
    /// Presents so far.
    pub(crate) presents: u64,
    /// What they showed.
    pub(crate) presented: Presented,
}

impl Device {
    /// Begins a device over a context that the kernel has set up for `interface` (a DDI version, for people who watch).
    ///
    /// # Errors
    /// [`BadMemory`] when the ring or the fence line has an impossible size.
    pub fn new(
        kernel: Box<dyn Kernel>,
        mapped: Mapped,
        caps: HostCaps,
        interface: u32,
    ) -> Result<Self, BadMemory> {
        let mut context = Context::new(kernel, mapped)?;
        context.kernel.trace(Level::Info, code::UMD_DEVICE_CREATED, [u64::from(interface), 0, 0, 0]);
        Ok(Self {
            context,
            shadow: Shadow::default(),
            caps,
            linked: LinkedShaders::default(),
            frames: FramePool::default(),
            presents: 0,
            presented: Presented::default(),
        })
    }

    /// Submits what was recorded; tells whether there was anything.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn flush(&mut self) -> Result<bool, Error> {
        self.context.flush()
    }

    /// Reports an error of entry number `entry` of the device table.
    #[cold]
    pub fn report(&mut self, entry: usize, error: Error) {
        self.context.report(entry as u64, error);
    }

    /// Creates an object with `command`, which gets its number.
    pub(crate) fn create<T>(
        &mut self,
        emit: impl FnOnce(&mut Context, u32) -> Result<(), Error>,
        object: impl FnOnce(u32) -> T,
    ) -> Result<T, Error> {
        let id = self.context.ids.allocate()?;
        match emit(&mut self.context, id) {
            Ok(()) => Ok(object(id)),
            Err(error) => {
                self.context.ids.free(id);
                Err(error)
            }
        }
    }

    /// Destroys an object by its number.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn destroy(&mut self, id: u32) -> Result<(), Error> {
        while let Some(linked) = self.linked.take(id) {
            self.destroy(linked)?;
        }
        self.shadow.forget(id);
        let result = self.context.emit(&DestroyObject { id, reserved: 0 });
        self.context.ids.free(id);
        result
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.context.kernel.trace(Level::Info, code::UMD_DEVICE_DESTROYED, [0; 4]);
    }
}
