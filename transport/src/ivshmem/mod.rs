//! The carrier between a virtual machine and its host: QEMU's stock `ivshmem-doorbell` device.
//!
//! The host is the device's server (docs/specs/ivshmem-spec in QEMU's source, protocol version 0) on a Unix socket. QEMU's own
//! server gives all clients one memory; this one gives each client a memory and doorbells of its own, so that a virtual machine
//! sees one peer, the host, and nothing of other machines:
//!
//! ```text
//!  QEMU connects ──► Server: accepts, makes a Vm: a sealed memory file, two eventfds
//!                    0, the client's id, (−1, memory), (0, the host's doorbell), (id, the guest's interrupt)
//!  BAR2 is the memory, IVPosition the id.
//!  guest stores 0 into Doorbell ──► the host's eventfd       HostPort, in a worker process
//!  MSI-X vector 0               ◄── the guest's eventfd
//! ```
//!
//! The connection is one-way: a client that says anything is none of ours. Its end is the end of the virtual machine. QEMU
//! does not notice the end of a server, so a guest learns of that through the memory, as of everything else.
//!
//! | module | what |
//! |---|---|
//! | `message` | the protocol's messages, and a client's reading of them |
//! | `server` | the socket and the clients |
//! | `vm` | a client's memory and doorbells, and a worker's port on them |
//! | `client` | what QEMU does, for tests |

mod client;
mod message;
mod server;
mod vm;

pub use client::{Client, ClientError};
pub use message::{MAX_PEER, MEMORY, PROTOCOL_VERSION, Setup, Violation};
pub use server::{Event, MAX_VMS, ServeError, Server, control_folder};
pub use vm::{HostPort, Vm};

/// The host's number among the peers of each client; a client's own number is from 1.
pub const HOST_PEER: u16 = 0;
/// The vector that each side listens on. There are no others.
pub const VECTOR: u16 = 0;

/// What a guest stores into its `Doorbell` register to ring the host.
pub const DOORBELL: u32 = (HOST_PEER as u32) << 16 | VECTOR as u32;

#[cfg(test)]
mod tests;
