//! TUN devices: opened in the namespace of the calling thread, read and written a packet at a time.
//!
//! A device gives one packet for each read, so that there is nothing for a vectored read to gather. With offloads a packet may be up
//! to 64 KiB of a TCP stream, whatever the MTU: in front of it stands a header (`struct virtio_net_hdr`) in which the kernel says
//! where it would cut and what checksum is missing. Written to the other device as it is, it means the same there.
#![expect(unsafe_code, reason = "rustix has no functions for the two ioctls of a TUN device")]

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::ioctl::{self, IntegerSetter, Opcode, Setter};

use crate::{Error, Result};

/// `TUNSETIFF` of linux/if_tun.h.
const TUNSETIFF: Opcode = ioctl::opcode::write::<i32>(b'T', 202);
/// `TUNSETOFFLOAD`.
const TUNSETOFFLOAD: Opcode = ioctl::opcode::write::<u32>(b'T', 208);
const IFF_TUN: u16 = 0x0001;
const IFF_NO_PI: u16 = 0x1000;
const IFF_VNET_HDR: u16 = 0x4000;
/// `TUN_F_CSUM`, `TUN_F_TSO4` and `TUN_F_TSO6`: checksums need not be there, TCP need not be cut.
const OFFLOADS: usize = 0x01 | 0x02 | 0x04;
/// Bytes of `struct virtio_net_hdr`.
const HEADER: usize = 10;
/// The most bytes of an IP packet.
const LARGEST: usize = 65_535;
/// Bytes of a device's name with the zero at its end.
const NAME: usize = 16;

/// `struct ifreq` as `TUNSETIFF` reads it.
#[repr(C)]
struct InterfaceRequest {
    name: [u8; NAME],
    flags: u16,
    rest: [u8; 22],
}

const _: () = assert!(size_of::<InterfaceRequest>() == 40);

/// A device; it disappears with this value.
#[derive(Debug)]
pub(crate) struct Tun {
    file: File,
    header: usize,
}

impl Tun {
    /// Makes a device in the namespace of the calling thread.
    pub fn new(name: &str, offloads: bool) -> Result<Self> {
        let mut options = File::options();
        // CAST: the flag's bits are the same in both types.
        options.read(true).write(true).custom_flags(OFlags::NONBLOCK.bits() as i32);
        let file = options.open("/dev/net/tun").map_err(|source| Error::NoTun { source })?;
        let flags = IFF_TUN | IFF_NO_PI | if offloads { IFF_VNET_HDR } else { 0 };
        let mut request = InterfaceRequest { name: [0; NAME], flags, rest: [0; 22] };
        // The last byte stays zero.
        for (to, from) in request.name.iter_mut().zip(name.bytes().take(NAME - 1)) {
            *to = from;
        }
        // SAFETY: the opcode is TUNSETIFF's, which takes a pointer to `struct ifreq`, as which `InterfaceRequest` is laid out.
        let set_interface = unsafe { Setter::<TUNSETIFF, InterfaceRequest>::new(request) };
        // SAFETY: the kernel reads (and, for the name, rewrites) the 40 bytes that the setter owns during the call.
        unsafe { ioctl::ioctl(&file, set_interface) }
            .map_err(|errno| Error::NoTun { source: errno.into() })?;
        if offloads {
            // SAFETY: the opcode is TUNSETOFFLOAD's, which takes a number.
            let set_offloads = unsafe { IntegerSetter::<TUNSETOFFLOAD>::new_usize(OFFLOADS) };
            // SAFETY: the argument is a number, through which the kernel reaches no memory.
            unsafe { ioctl::ioctl(&file, set_offloads) }
                .map_err(Error::system("a TUN device refuses offloads"))?;
        }
        Ok(Self { file, header: if offloads { HEADER } else { 0 } })
    }

    /// The most bytes that [`read`](Self::read) gives.
    pub fn largest(&self) -> usize {
        LARGEST + self.header
    }

    /// Bytes in front of each packet that are no part of it.
    pub fn header(&self) -> usize {
        self.header
    }

    /// The next packet, with its header; None if there is none now.
    pub fn read(&self, into: &mut [u8]) -> Result<Option<usize>> {
        match rustix::io::read(&self.file, into) {
            Ok(length) => Ok(Some(length)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(None),
            Err(errno) => Err(Error::system("a TUN device cannot be read")(errno)),
        }
    }

    /// Sends a packet as [`read`](Self::read) gave it; false if the kernel did not take it.
    pub fn write(&self, packet: &[u8]) -> bool {
        rustix::io::write(&self.file, packet).is_ok_and(|written| written == packet.len())
    }
}

impl AsFd for Tun {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
