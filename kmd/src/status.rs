//! What a call of the core can fail with, and the one place where that becomes an `NTSTATUS`.

use core::fmt;

use pvgpu_protocol::aperture::refusal;
use pvgpu_protocol::kernel_interface::PrivateDataError;
use pvgpu_protocol::version::VersionRange;
use pvgpu_ring::{BadMemory, Corrupt};

use crate::state::IllegalTransition;

/// Which kind of handle a caller got wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handle {
    /// `hDevice`.
    Device,
    /// `hContext`.
    Context,
    /// `hAllocation`.
    Allocation,
    /// An event's handle.
    Event,
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Device => "device",
            Self::Context => "context",
            Self::Allocation => "allocation",
            Self::Event => "event",
        })
    }
}

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The adapter's state does not allow the call.
    State(IllegalTransition),
    /// A handle that this driver did not give, or has taken back.
    BadHandle(Handle),
    /// A handle that belongs to another process or device.
    NotOwner(Handle),
    /// Private data from user mode breaks a rule.
    PrivateData(PrivateDataError),
    /// A field from user mode is out of its range.
    BadField {
        /// Which one.
        field: &'static str,
        /// What stands there.
        value: u64,
        /// What the rule is.
        rule: &'static str,
    },
    /// The system has no memory.
    NoMemory,
    /// The aperture's heap has no free range of this size.
    HeapFull {
        /// Bytes asked for.
        bytes: u64,
    },
    /// All context numbers are in use.
    TooManyContexts,
    /// A context has as many heap ranges as it may.
    TooManyRanges,
    /// The DMA buffer, its private data or the patch list is too small.
    InsufficientDmaBuffer {
        /// Bytes or entries needed.
        needed: usize,
    },
    /// No host has answered yet, or the adapter sleeps.
    NotReady,
    /// The caller lacks the privilege for it.
    NotPrivileged,
    /// Somebody else has what only one may have.
    Busy,
    /// This driver does not know the request.
    NotSupported {
        /// Its number.
        request: u32,
    },
    /// The context is poisoned or the host is gone.
    DeviceRemoved,
    /// Ring 0 stayed full.
    Ring0Full,
    /// No host can be told that this guest is there.
    HostUnreachable,
    /// The host did not answer the hello.
    HostSilent {
        /// Milliseconds waited.
        waited_ms: u32,
    },
    /// The host refused the hello.
    HostRefused {
        /// One of [`refusal`].
        reason: u64,
        /// The versions the host speaks.
        versions: VersionRange,
    },
    /// The host's half of the control page breaks a rule.
    HostLies {
        /// Which rule.
        rule: &'static str,
        /// What stands there.
        value: u64,
    },
    /// The host broke a ring's rules.
    Ring(Corrupt),
    /// The aperture does not have a size that this driver can use.
    Aperture {
        /// Its bytes.
        bytes: u64,
    },
}

impl From<PrivateDataError> for Status {
    fn from(error: PrivateDataError) -> Self {
        Self::PrivateData(error)
    }
}

impl From<IllegalTransition> for Status {
    fn from(error: IllegalTransition) -> Self {
        Self::State(error)
    }
}

impl From<Corrupt> for Status {
    fn from(error: Corrupt) -> Self {
        Self::Ring(error)
    }
}

impl From<BadMemory> for Status {
    fn from(error: BadMemory) -> Self {
        Self::Aperture { bytes: error.bytes as u64 }
    }
}

/// An `NTSTATUS` value (`ntstatus.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NtStatus(pub u32);

impl NtStatus {
    /// `STATUS_SUCCESS`.
    pub const SUCCESS: Self = Self(0);
    /// `STATUS_INVALID_HANDLE`.
    pub const INVALID_HANDLE: Self = Self(0xC000_0008);
    /// `STATUS_INVALID_PARAMETER`.
    pub const INVALID_PARAMETER: Self = Self(0xC000_000D);
    /// `STATUS_NO_MEMORY`.
    pub const NO_MEMORY: Self = Self(0xC000_0017);
    /// `STATUS_ACCESS_DENIED`.
    pub const ACCESS_DENIED: Self = Self(0xC000_0022);
    /// `STATUS_PRIVILEGE_NOT_HELD`.
    pub const PRIVILEGE_NOT_HELD: Self = Self(0xC000_0061);
    /// `STATUS_DEVICE_NOT_READY`.
    pub const DEVICE_NOT_READY: Self = Self(0xC000_00A3);
    /// `STATUS_DEVICE_BUSY`.
    pub const DEVICE_BUSY: Self = Self(0x8000_0011);
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub const INSUFFICIENT_RESOURCES: Self = Self(0xC000_009A);
    /// `STATUS_NOT_SUPPORTED`.
    pub const NOT_SUPPORTED: Self = Self(0xC000_00BB);
    /// `STATUS_INVALID_DEVICE_STATE`.
    pub const INVALID_DEVICE_STATE: Self = Self(0xC000_0184);
    /// `STATUS_DEVICE_REMOVED`.
    pub const DEVICE_REMOVED: Self = Self(0xC000_02B6);
    /// `STATUS_DEVICE_PROTOCOL_ERROR`.
    pub const DEVICE_PROTOCOL_ERROR: Self = Self(0xC000_0186);
    /// `STATUS_DEVICE_NOT_CONNECTED`.
    pub const DEVICE_NOT_CONNECTED: Self = Self(0xC000_009D);
    /// `STATUS_GRAPHICS_INSUFFICIENT_DMA_BUFFER`.
    pub const GRAPHICS_INSUFFICIENT_DMA_BUFFER: Self = Self(0xC01E_0001);
    /// `STATUS_GRAPHICS_NO_VIDEO_MEMORY`.
    pub const GRAPHICS_NO_VIDEO_MEMORY: Self = Self(0xC01E_0100);
}

impl Status {
    /// The value that dxgkrnl gets.
    pub const fn to_ntstatus(self) -> NtStatus {
        match self {
            Self::State(_) => NtStatus::INVALID_DEVICE_STATE,
            Self::BadHandle(_) => NtStatus::INVALID_HANDLE,
            Self::NotOwner(_) => NtStatus::ACCESS_DENIED,
            Self::PrivateData(_) | Self::BadField { .. } => NtStatus::INVALID_PARAMETER,
            Self::NoMemory => NtStatus::NO_MEMORY,
            Self::HeapFull { .. } => NtStatus::GRAPHICS_NO_VIDEO_MEMORY,
            Self::TooManyContexts | Self::TooManyRanges | Self::Ring0Full => NtStatus::INSUFFICIENT_RESOURCES,
            Self::InsufficientDmaBuffer { .. } => NtStatus::GRAPHICS_INSUFFICIENT_DMA_BUFFER,
            Self::NotReady => NtStatus::DEVICE_NOT_READY,
            Self::NotPrivileged => NtStatus::PRIVILEGE_NOT_HELD,
            Self::Busy => NtStatus::DEVICE_BUSY,
            Self::NotSupported { .. } => NtStatus::NOT_SUPPORTED,
            Self::DeviceRemoved => NtStatus::DEVICE_REMOVED,
            Self::HostUnreachable | Self::HostSilent { .. } | Self::HostRefused { .. } => {
                NtStatus::DEVICE_NOT_CONNECTED
            }
            Self::HostLies { .. } | Self::Ring(_) => NtStatus::DEVICE_PROTOCOL_ERROR,
            Self::Aperture { .. } => NtStatus::INSUFFICIENT_RESOURCES,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(error) => error.fmt(f),
            Self::BadHandle(what) => write!(f, "no such {what}"),
            Self::NotOwner(what) => write!(f, "the {what} belongs to somebody else"),
            Self::PrivateData(error) => error.fmt(f),
            Self::BadField { field, value, rule } => write!(f, "{field} is {value}, but {rule}"),
            Self::NoMemory => f.write_str("the system has no memory left"),
            Self::HeapFull { bytes } => write!(f, "the aperture's heap has no free range of {bytes} bytes"),
            Self::TooManyContexts => f.write_str("all context numbers are in use"),
            Self::TooManyRanges => f.write_str("the context has as many heap ranges as it may"),
            Self::InsufficientDmaBuffer { needed } => {
                write!(f, "the DMA buffer is too small: {needed} needed")
            }
            Self::NotReady => f.write_str("there is no host yet"),
            Self::NotPrivileged => f.write_str("the caller may not load drivers"),
            Self::Busy => f.write_str("somebody else is attached"),
            Self::NotSupported { request } => write!(f, "request {request} is not supported"),
            Self::DeviceRemoved => f.write_str("the device is removed"),
            Self::Ring0Full => f.write_str("the host does not read ring 0"),
            Self::HostUnreachable => f.write_str("there is no host"),
            Self::HostSilent { waited_ms } => write!(f, "the host did not answer within {waited_ms} ms"),
            Self::HostRefused { reason, versions } => write!(
                f,
                "the host refused this guest: {} (it speaks protocol versions {} to {})",
                refusal::text(*reason),
                versions.min,
                versions.max
            ),
            Self::HostLies { rule, value } => {
                write!(f, "the host's answer breaks a rule: {rule}, got {value}")
            }
            Self::Ring(corrupt) => corrupt.fmt(f),
            Self::Aperture { bytes } => write!(f, "an aperture of {bytes} bytes cannot be used"),
        }
    }
}

impl core::error::Error for Status {}
