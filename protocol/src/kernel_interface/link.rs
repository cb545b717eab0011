//! Escapes of the link service: user-mode code that carries the aperture of a `ROOT\PVGPU` adapter to its host.
//!
//! ```text
//!   AttachLink ──► the aperture is mapped into the service, the driver rings its event
//!   LinkUp     ──► the host's answer stands in the control page: look at it
//!   LinkKick   ──► the host's side has changed (fence page, events, heartbeat): look at it
//!   DetachLink ──► the mapping is gone, the host counts as gone; so does the end of the escape's device
//! ```
//! `AttachLink` needs `SeLoadDriverPrivilege` and a device of the caller's own (`hDevice`); the others must come through
//! that device. A PCI adapter has no service: there all four fail with `STATUS_NOT_SUPPORTED`.

use bytemuck::{Pod, Zeroable};

use super::PrivateHeader;

/// Escape: makes the caller's device the link service and maps the aperture into its process.
///
/// Fails with `STATUS_PRIVILEGE_NOT_HELD`, with `STATUS_DEVICE_BUSY` while another service is attached, and with
/// `STATUS_INVALID_HANDLE` or `STATUS_OBJECT_TYPE_MISMATCH` for what is no event that the caller may set.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct AttachLink {
    /// Kind [`kind::ATTACH_LINK`](super::kind::ATTACH_LINK).
    pub header: PrivateHeader,
    /// In: handle of an event in the caller's process; the driver sets it as its doorbell.
    pub event: u64,
    /// Out: virtual address of the aperture's first byte in the caller's process.
    pub address: u64,
    /// Out: its bytes.
    pub bytes: u64,
}

/// Escape: the host has answered the hello.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct LinkUp {
    /// Kind [`kind::LINK_UP`](super::kind::LINK_UP).
    pub header: PrivateHeader,
}

/// Escape: the host's interrupt.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct LinkKick {
    /// Kind [`kind::LINK_KICK`](super::kind::LINK_KICK).
    pub header: PrivateHeader,
}

/// Escape: the service ends; the aperture is unmapped and its event released.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct DetachLink {
    /// Kind [`kind::DETACH_LINK`](super::kind::DETACH_LINK).
    pub header: PrivateHeader,
}
