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

/// The user-mode drivers' files, for 64-bit and for 32-bit processes: what tells our adapters from others without asking strangers
/// private questions.
const USER_MODE_DRIVERS: [&str; 2] = ["pvgpuumd.dll", "pvgpuumd32.dll"];

/// A handle of a device on an adapter, in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceHandle(pub u32);

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
    /// `STATUS_DEVICE_BUSY`.
    pub const DEVICE_BUSY: Self = Self(0x8000_0011_u32.cast_signed());
    /// `STATUS_INVALID_HANDLE`.
    pub const INVALID_HANDLE: Self = Self(0xC000_0008_u32.cast_signed());
    /// `STATUS_NO_MEMORY`.
    pub const NO_MEMORY: Self = Self(0xC000_0017_u32.cast_signed());
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
            Self::DEVICE_BUSY => "it is in use",
            Self::INVALID_HANDLE => "there is no such object",
            Self::NO_MEMORY => "there is no memory left",
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

/// The entry points for whoever has a device of its own.
pub trait DeviceThunks: Thunks + Send + Sync {
    /// Makes a device on an adapter (`D3DKMTCreateDevice`).
    ///
    /// # Errors
    /// [`ThunkError::Call`]; with `STATUS_NOT_SUPPORTED` where the DLL does not make devices.
    fn create_device(&self, adapter: AdapterHandle) -> Result<DeviceHandle, ThunkError>;

    /// As [`Thunks::escape`], in the name of a device.
    ///
    /// # Errors
    /// [`ThunkError::Call`].
    fn device_escape(
        &self,
        adapter: AdapterHandle,
        device: DeviceHandle,
        data: &mut [u8],
    ) -> Result<(), ThunkError>;

    /// Ends a device (`D3DKMTDestroyDevice`).
    fn destroy_device(&self, device: DeviceHandle);
}

/// A device on an adapter, both of which end with it.
pub struct Device<'t> {
    thunks: &'t dyn DeviceThunks,
    adapter: AdapterHandle,
    handle: DeviceHandle,
}

impl<'t> Device<'t> {
    /// Makes a device on an open adapter.
    ///
    /// # Errors
    /// As [`DeviceThunks::create_device`].
    pub fn create(thunks: &'t dyn DeviceThunks, adapter: Adapter<'t>) -> Result<Self, ThunkError> {
        let handle = thunks.create_device(adapter.handle)?;
        Ok(Self { thunks, adapter: adapter.keep_open(), handle })
    }

    /// A private request in the name of the device, answered in place.
    ///
    /// # Errors
    /// As [`DeviceThunks::device_escape`].
    pub fn escape(&self, data: &mut [u8]) -> Result<(), ThunkError> {
        self.thunks.device_escape(self.adapter, self.handle, data)
    }
}

impl Drop for Device<'_> {
    fn drop(&mut self) {
        self.thunks.destroy_device(self.handle);
        self.thunks.close_adapter(self.adapter);
    }
}

impl fmt::Debug for Device<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("handle", &self.handle).finish_non_exhaustive()
    }
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

    /// The open adapters that use our driver, and how many others there are; those are asked for the name of their driver and
    /// nothing else.
    ///
    /// # Errors
    /// [`ThunkError::Call`].
    pub fn ours(thunks: &'t dyn Thunks) -> Result<(Vec<Self>, usize), ThunkError> {
        let mut adapters = Self::all(thunks)?;
        let all = adapters.len();
        adapters.retain(|adapter| {
            // An adapter that cannot render has no user-mode driver, and is not ours.
            adapter.user_mode_driver().is_ok_and(|path| {
                let name = path.rsplit(['\\', '/']).next().unwrap_or_default();
                USER_MODE_DRIVERS.iter().any(|ours| name.eq_ignore_ascii_case(ours))
            })
        });
        let others = all - adapters.len();
        Ok((adapters, others))
    }

    /// Its handle, which somebody else closes.
    fn keep_open(self) -> AdapterHandle {
        std::mem::ManuallyDrop::new(self).handle
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
