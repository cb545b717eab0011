//! The ivshmem device as the model wants it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pvgpu_dxgkrnl::strict::{PciDevice, Wake};
use pvgpu_transport::Mapping;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use crate::vfio;

/// The device.
#[derive(Debug)]
pub struct Ivshmem {
    registers: Mapping,
    aperture: Mapping,
    message: File,
    wake: File,
    messages: AtomicU64,
    _device: vfio::Device,
}

fn event() -> io::Result<OwnedFd> {
    Ok(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)
}

impl Ivshmem {
    /// Opens the only device of a VFIO group.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn open(group: &Path) -> io::Result<Self> {
        let number = group.file_name().unwrap_or_default();
        let devices = Path::new("/sys/kernel/iommu_groups").join(number).join("devices");
        let first = std::fs::read_dir(devices)?.next().ok_or(io::ErrorKind::NotFound)??;
        let device = vfio::Device::open(group, &first.file_name().to_string_lossy())?;
        let (registers, aperture) = (device.map_bar(0)?, device.map_bar(2)?);
        let (message, wake) = (event()?, event()?);
        device.message_to(&message)?;
        Ok(Self {
            registers,
            aperture,
            message: message.into(),
            wake: wake.into(),
            messages: AtomicU64::new(0),
            _device: device,
        })
    }

    /// Messages that have come so far.
    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }
}

/// Takes an eventfd's count; 0 when nobody has rung.
fn take(mut event: &File) -> u64 {
    let mut bytes = [0; 8];
    match event.read(&mut bytes) {
        Ok(8) => u64::from_ne_bytes(bytes),
        Ok(_) | Err(_) => 0,
    }
}

impl PciDevice for Ivshmem {
    fn registers(&self) -> &Mapping {
        &self.registers
    }

    fn aperture(&self) -> &Mapping {
        &self.aperture
    }

    fn wait(&self, timeout: Option<Duration>) -> Wake {
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let mut fds = [PollFd::new(&self.message, PollFlags::IN), PollFd::new(&self.wake, PollFlags::IN)];
        // An interrupted wait is one whose time is over.
        let _ = poll(&mut fds, timeout.as_ref());
        take(&self.wake);
        match take(&self.message) {
            0 => Wake::Timeout,
            messages => {
                self.messages.fetch_add(messages, Ordering::Relaxed);
                Wake::Rung
            }
        }
    }

    fn wake(&self) {
        // A full counter wakes as well.
        let _ = (&self.wake).write(&1u64.to_ne_bytes());
    }
}
