//! Asks display drivers through the D3DKMT entry points of gdi32.dll ("thunks"): which adapters there are, what their
//! user-mode driver is called, and their driver's private escapes.
//!
//! [`Thunks`] is the safe interface, for callers and their tests. [`Library`] is the real thing: it loads a DLL that exports
//! the entry points, gdi32.dll unless another one is named. The structs are in [`types`], with the names of `d3dkmthk.h`.
//!
//! # Invariants
//! - Nothing is linked at build time: on a system without these entry points there is an error with a sentence.
//! - An adapter that was opened is closed when its [`Adapter`] is dropped.
#![deny(unsafe_code)]

#[cfg(windows)]
mod library;
#[cfg(any(windows, test))]
mod table;
pub mod types;

use std::fmt;

#[cfg(windows)]
pub use library::Library;

/// The DLL that exports the entry points on every Windows since Vista.
pub const DEFAULT_LIBRARY: &str = "gdi32.dll";

/// A handle of an open adapter, in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdapterHandle(pub u32);

/// An `NTSTATUS` that means failure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NtStatus(pub i32);

impl NtStatus {
    /// `STATUS_INVALID_PARAMETER`.
    pub const INVALID_PARAMETER: Self = Self(0xC000_000D_u32.cast_signed());
    /// `STATUS_ACCESS_DENIED`.
    pub const ACCESS_DENIED: Self = Self(0xC000_0022_u32.cast_signed());
    /// `STATUS_BUFFER_TOO_SMALL`.
    pub const BUFFER_TOO_SMALL: Self = Self(0xC000_0023_u32.cast_signed());
    /// `STATUS_NOT_SUPPORTED`.
    pub const NOT_SUPPORTED: Self = Self(0xC000_00BB_u32.cast_signed());
    /// `STATUS_PRIVILEGE_NOT_HELD`.
    pub const PRIVILEGE_NOT_HELD: Self = Self(0xC000_0061_u32.cast_signed());
    /// `STATUS_DEVICE_REMOVED`.
    pub const DEVICE_REMOVED: Self = Self(0xC000_02B6_u32.cast_signed());
    /// `STATUS_DEVICE_NOT_READY`.
    pub const DEVICE_NOT_READY: Self = Self(0xC000_00A3_u32.cast_signed());
    /// `STATUS_GRAPHICS_NO_VIDEO_MEMORY`.
    pub const NO_VIDEO_MEMORY: Self = Self(0xC01E_0100_u32.cast_signed());

    /// What it means, for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::INVALID_PARAMETER => "the driver does not accept the request",
            Self::ACCESS_DENIED => "access is denied",
            Self::BUFFER_TOO_SMALL => "the buffer is too small",
            Self::NOT_SUPPORTED => "the driver does not know the request",
            Self::PRIVILEGE_NOT_HELD => "a privilege is missing",
            Self::DEVICE_REMOVED => "the device is removed",
            Self::DEVICE_NOT_READY => "the device is not ready",
            Self::NO_VIDEO_MEMORY => "there is not enough video memory",
            _ => "the call failed",
        }
    }
}

impl fmt::Debug for NtStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010X}", self.0)
    }
}

/// Why a driver could not be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThunkError {
    /// The DLL cannot be loaded.
    Library {
        /// Its path.
        path: String,
        /// The system's error code.
        code: u32,
    },
    /// The DLL lacks an entry point.
    Export {
        /// Its path.
        path: String,
        /// The entry point.
        name: &'static str,
    },
    /// A call failed.
    Call {
        /// The entry point.
        name: &'static str,
        /// What it returned.
        status: NtStatus,
    },
}

impl ThunkError {
    /// What the call returned, if a call failed.
    pub fn status(&self) -> Option<NtStatus> {
        match self {
            Self::Call { status, .. } => Some(*status),
            Self::Library { .. } | Self::Export { .. } => None,
        }
    }
}

impl fmt::Display for ThunkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Library { path, code } => write!(f, "{path} cannot be loaded (error {code})"),
            Self::Export { path, name } => {
                write!(f, "{path} has no {name}: this Windows cannot ask display drivers")
            }
            Self::Call { name, status } => write!(f, "{name}: {} ({status:?})", status.meaning()),
        }
    }
}

impl std::error::Error for ThunkError {}

/// The entry points.
pub trait Thunks {
    /// Opens every display adapter of the system (`D3DKMTEnumAdapters2`).
    ///
    /// # Errors
    /// [`ThunkError::Call`].
    fn enum_adapters(&self) -> Result<Vec<AdapterHandle>, ThunkError>;

    /// The file name of an adapter's D3D11 user-mode driver, with or without its folder
    /// (`D3DKMTQueryAdapterInfo`, `KMTQAITYPE_UMDRIVERNAME`).
    ///
    /// # Errors
    /// [`ThunkError::Call`]; adapters that only show, and cannot render, have none.
    fn user_mode_driver(&self, adapter: AdapterHandle) -> Result<String, ThunkError>;

    /// A private request to an adapter's kernel-mode driver, answered in place (`D3DKMTEscape`,
    /// `D3DKMT_ESCAPE_DRIVERPRIVATE`).
    ///
    /// # Errors
    /// [`ThunkError::Call`].
    fn escape(&self, adapter: AdapterHandle, data: &mut [u8]) -> Result<(), ThunkError>;

    /// Closes an adapter (`D3DKMTCloseAdapter`).
    fn close_adapter(&self, adapter: AdapterHandle);
}

/// An open adapter.
pub struct Adapter<'t> {
    thunks: &'t dyn Thunks,
    handle: AdapterHandle,
}

impl<'t> Adapter<'t> {
    /// Every display adapter of the system.
    ///
    /// # Errors
    /// [`ThunkError::Call`].
    pub fn all(thunks: &'t dyn Thunks) -> Result<Vec<Self>, ThunkError> {
        let handles = thunks.enum_adapters()?;
        Ok(handles.into_iter().map(|handle| Self { thunks, handle }).collect())
    }

    /// See [`Thunks::user_mode_driver`].
    ///
    /// # Errors
    /// As there.
    pub fn user_mode_driver(&self) -> Result<String, ThunkError> {
        self.thunks.user_mode_driver(self.handle)
    }

    /// Sends a plain struct as an escape, and gives it back as the driver has left it.
    ///
    /// # Errors
    /// As [`Thunks::escape`].
    pub fn escape<T: bytemuck::Pod>(&self, mut data: T) -> Result<T, ThunkError> {
        self.thunks.escape(self.handle, bytemuck::bytes_of_mut(&mut data))?;
        Ok(data)
    }
}

impl Drop for Adapter<'_> {
    fn drop(&mut self) {
        self.thunks.close_adapter(self.handle);
    }
}
