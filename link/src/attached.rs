//! A device that is the driver's link service, as long as its aperture is mapped.
#![expect(unsafe_code, reason = "the driver gives the aperture as an address")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use pvgpu_protocol::kernel_interface::kind;
use pvgpu_thunks::NtStatus;
use pvgpu_transport::Mapping;

use crate::driver::Device;
use crate::stop::Stop;
use crate::trouble::Trouble;

/// While the driver reports what was lost with the last host, it is busy; that takes some ms.
const BUSY_PAUSE: Duration = Duration::from_millis(50);
/// After so many tries somebody else is attached.
const BUSY_TRIES: u32 = 20;

/// The service's device. When the last owner lets go of it, it is detached and ended.
pub(crate) struct Attached<D: Device> {
    // Dropped in this order: whoever waits for the second learns that the first has ended.
    device: D,
    /// A host has been shown the aperture.
    begun: AtomicBool,
    /// The driver has taken its answer.
    up: AtomicBool,
    _ended: Sender<()>,
}

impl<D: Device> Attached<D> {
    /// The device.
    pub(crate) fn device(&self) -> &D {
        &self.device
    }

    /// From now on a host may write into the control page.
    pub(crate) fn begun(&self) {
        self.begun.store(true, Ordering::Release);
    }

    /// `LINK_UP`.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn up(&self) -> Result<(), NtStatus> {
        self.device.link_up()?;
        self.up.store(true, Ordering::Release);
        Ok(())
    }
}

impl<D: Device> Drop for Attached<D> {
    fn drop(&mut self) {
        if self.begun.load(Ordering::Acquire) && !self.up.load(Ordering::Acquire) {
            // A host that refuses, or goes before the driver has looked, leaves a word in the control page. The driver takes it now,
            // so that the next service begins with a fresh hello; that it has no good answer is known.
            let _ = self.device.link_up();
        }
        // A driver that refuses has stopped, and unmapped the aperture by itself; the device's end does the same.
        let _ = self.device.detach_link();
    }
}

/// An attached service and its aperture. Dropping it waits until nobody uses the aperture any more, which whoever ends a mirror
/// has seen to, and until the device is detached.
pub(crate) struct Attachment<D: Device> {
    attached: Option<Arc<Attached<D>>>,
    mapping: Option<Mapping>,
    ended: Receiver<()>,
}

impl<D: Device> Attachment<D> {
    /// Attaches the device.
    ///
    /// # Errors
    /// [`Trouble::Attach`], [`Trouble::Answer`] and [`Trouble::Aperture`]; the device is ended.
    pub(crate) fn new(device: D, stop: &Stop) -> Result<Self, Trouble> {
        let mut tries = 1;
        let answer = loop {
            match device.attach_link(device.event()) {
                Ok(answer) => break answer,
                Err(NtStatus::DEVICE_BUSY) if tries < BUSY_TRIES && !stop.wait(BUSY_PAUSE) => tries += 1,
                Err(status) => return Err(Trouble::Attach(status)),
            }
        };
        let (sender, ended) = channel();
        let attached = Arc::new(Attached {
            device,
            begun: AtomicBool::new(false),
            up: AtomicBool::new(false),
            _ended: sender,
        });
        // An answer that is none names no memory; dropping the device detaches it.
        answer.header.check(kind::ATTACH_LINK).map_err(Trouble::Answer)?;
        let keeper = Box::new(attached.clone());
        // SAFETY: by the contract of `Device` this is memory until the device is detached or dropped. Both happen in the drop of
        // `Attached`, of which the keeper is an owner. The mirror, and this crate, see it as cells only.
        let mapping = unsafe { Mapping::lent(answer.address, answer.bytes, keeper) };
        let mapping = mapping.map_err(Trouble::Aperture)?;
        Ok(Self { attached: Some(attached), mapping: Some(mapping), ended })
    }

    /// The device, and its aperture.
    pub(crate) fn parts(&self) -> Option<(&Arc<Attached<D>>, &Mapping)> {
        Some((self.attached.as_ref()?, self.mapping.as_ref()?))
    }
}

impl<D: Device> Drop for Attachment<D> {
    fn drop(&mut self) {
        self.mapping = None;
        self.attached = None;
        // Nothing is ever sent: this returns when the sender is gone.
        let _ = self.ended.recv();
    }
}
