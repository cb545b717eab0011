//! What can go wrong in a sample, and the names of the HRESULTs a user may see.

use std::fmt;

use windows::Win32::Graphics::Dxgi::{
    DXGI_ERROR_DEVICE_HUNG, DXGI_ERROR_DEVICE_REMOVED, DXGI_ERROR_DEVICE_RESET,
    DXGI_ERROR_DRIVER_INTERNAL_ERROR, DXGI_ERROR_INVALID_CALL, DXGI_ERROR_NOT_FOUND, DXGI_ERROR_UNSUPPORTED,
};
use windows::core::HRESULT;

/// Why a sample stops.
#[derive(Debug)]
pub enum Error {
    /// A Windows call failed. A lost device is one of these: see [`is_device_lost`].
    Windows(windows::core::Error),
    /// The GPU computed something else than the CPU; the text says what and where.
    WrongResult(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Windows(error) => match hresult_name(error.code()) {
                Some(name) => write!(f, "{name} (0x{:08X})", error.code().0),
                None => write!(f, "{error}"),
            },
            Self::WrongResult(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}

impl From<windows::core::Error> for Error {
    fn from(error: windows::core::Error) -> Self {
        Self::Windows(error)
    }
}

/// True for the HRESULTs after which a device is useless and only a new one can help.
pub fn is_device_lost(code: HRESULT) -> bool {
    matches!(
        code,
        DXGI_ERROR_DEVICE_REMOVED
            | DXGI_ERROR_DEVICE_RESET
            | DXGI_ERROR_DEVICE_HUNG
            | DXGI_ERROR_DRIVER_INTERNAL_ERROR
    )
}

/// The name of a DXGI error in the headers, if it is one that samples meet.
pub fn hresult_name(code: HRESULT) -> Option<&'static str> {
    match code {
        DXGI_ERROR_DEVICE_REMOVED => Some("DXGI_ERROR_DEVICE_REMOVED"),
        DXGI_ERROR_DEVICE_RESET => Some("DXGI_ERROR_DEVICE_RESET"),
        DXGI_ERROR_DEVICE_HUNG => Some("DXGI_ERROR_DEVICE_HUNG"),
        DXGI_ERROR_DRIVER_INTERNAL_ERROR => Some("DXGI_ERROR_DRIVER_INTERNAL_ERROR"),
        DXGI_ERROR_INVALID_CALL => Some("DXGI_ERROR_INVALID_CALL"),
        DXGI_ERROR_NOT_FOUND => Some("DXGI_ERROR_NOT_FOUND"),
        DXGI_ERROR_UNSUPPORTED => Some("DXGI_ERROR_UNSUPPORTED"),
        _ => None,
    }
}
