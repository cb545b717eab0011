//! The four escapes of a link service.

use bytemuck::Pod;
use pvgpu_protocol::kernel_interface::{AttachLink, DetachLink, LinkKick, LinkUp, PrivateHeader, kind};

/// What a link service asks of the driver, through a device of its own.
pub trait LinkEscapes {
    /// How the driver refuses.
    type Error;

    /// Sends a private request through the device; the driver answers in place.
    ///
    /// # Errors
    /// The driver's, or the system's.
    fn escape(&self, data: &mut [u8]) -> Result<(), Self::Error>;

    /// `ATTACH_LINK`: the device becomes the link service, the driver sets `event` as its doorbell.
    ///
    /// # Errors
    /// As [`AttachLink`] says.
    fn attach_link(&self, event: u64) -> Result<AttachLink, Self::Error> {
        let header = PrivateHeader::new(kind::ATTACH_LINK);
        let mut request = AttachLink { header, event, address: 0, bytes: 0 };
        send(self, &mut request)?;
        Ok(request)
    }

    /// `LINK_UP`: the host has answered, well or not; the driver is to look at it.
    ///
    /// # Errors
    /// `STATUS_DEVICE_NOT_READY` and `STATUS_DEVICE_REMOVED` when the answer is none that the driver takes.
    fn link_up(&self) -> Result<(), Self::Error> {
        send(self, &mut LinkUp { header: PrivateHeader::new(kind::LINK_UP) })
    }

    /// `LINK_KICK`: the host's side has changed.
    ///
    /// # Errors
    /// When the device is not the link service (any more).
    fn link_kick(&self) -> Result<(), Self::Error> {
        send(self, &mut LinkKick { header: PrivateHeader::new(kind::LINK_KICK) })
    }

    /// `DETACH_LINK`: the mapping goes, the host counts as gone.
    ///
    /// # Errors
    /// When the device is not the link service (any more).
    fn detach_link(&self) -> Result<(), Self::Error> {
        send(self, &mut DetachLink { header: PrivateHeader::new(kind::DETACH_LINK) })
    }
}

fn send<L: LinkEscapes + ?Sized, T: Pod>(link: &L, request: &mut T) -> Result<(), L::Error> {
    link.escape(bytemuck::bytes_of_mut(request))
}
