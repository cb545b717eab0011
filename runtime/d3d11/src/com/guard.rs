//! What a device's lock guards, and the guard.

use core::ffi::c_void;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use windows_core::IUnknown;

use super::context::state::{Slot, State};
use super::context::state_object::ContextState;
use super::device::Device;
use super::driver::Driver;
use super::lock::Taken;
use super::record::Sink;
use super::state_object::StateCache;
use crate::private_data::Value;

/// Private data of dead objects, to be released without the lock.
pub type Remains = Vec<(u128, Value<IUnknown>)>;

/// Destroys one buried object: [`super::object::Com::destroy_if_unused`] of its class.
type Destroy = unsafe fn(NonNull<c_void>, &mut Locked) -> Remains;

/// A context's bindings, and where its calls go.
pub struct Pipeline<D: Sink> {
    /// The driver, or the list in the making. The driver's functions are not free-threaded, so they are called with the
    /// device's lock held only.
    pub driver: D,
    /// What is bound.
    pub state: State,
    /// What the context has besides.
    pub own: D::Own,
    /// What keeps alive what is bound; of the immediate context, also what dies when the guard is dropped.
    pub graves: D::Keeper,
}

/// Everything of a device that changes under its lock.
pub type Locked = Pipeline<Driver>;

/// What a device has under its lock besides its immediate context's bindings.
#[derive(Default)]
pub struct Own {
    /// State objects by description.
    pub states: StateCache,
    /// The state object that the bindings of the immediate context belong to; empty until somebody asks for it.
    pub current: Slot<ContextState>,
}

/// Objects whose counts are zero. Whoever has it exclusively has the lock, so it also is the permission to count.
#[derive(Default)]
pub struct Graves {
    objects: Vec<(NonNull<c_void>, Destroy)>,
}

impl Graves {
    /// Queues an object.
    pub fn bury(&mut self, object: NonNull<c_void>, destroy: Destroy) {
        self.objects.push((object, destroy));
    }
}

impl Locked {
    /// The start: nothing is bound.
    pub fn new(driver: Driver) -> Self {
        Self { driver, state: State::default(), own: Own::default(), graves: Graves::default() }
    }

    /// Destroys what is queued, and what that was the last to hold.
    fn destroy_buried(&mut self) -> Remains {
        let mut remains = Remains::new();
        while let Some((object, destroy)) = self.graves.objects.pop() {
            // SAFETY: only `Com::bury` queues objects, of this device, once each.
            remains.extend(unsafe { destroy(object, self) });
        }
        remains
    }
}

/// A device's lock, held.
pub struct Guard<'a> {
    device: &'a Device,
    taken: Taken,
}

impl<'a> Guard<'a> {
    /// Takes the lock.
    #[inline]
    pub fn new(device: &'a Device) -> Self {
        Self { device, taken: device.lock.take() }
    }
}

impl Deref for Guard<'_> {
    type Target = Locked;

    #[inline]
    fn deref(&self) -> &Locked {
        // SAFETY: the lock is held, and a thread makes no second guard while it uses one.
        unsafe { &*self.device.locked.get() }
    }
}

impl DerefMut for Guard<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Locked {
        // SAFETY: as for `deref`.
        unsafe { &mut *self.device.locked.get() }
    }
}

impl Drop for Guard<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.graves.objects.is_empty() {
            self.device.lock.release(self.taken);
        } else {
            let remains = self.destroy_buried();
            self.device.lock.release(self.taken);
            drop(remains);
        }
    }
}
