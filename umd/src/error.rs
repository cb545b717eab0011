//! Why a DDI call failed, and the HRESULT that tells the runtime: the only place that maps one to the other.
//!
//! Most entries of the device table return nothing; their errors reach the runtime through `pfnSetErrorCb`.

use pvgpu_umd_ddi::{
    D3DDDIERR_DEVICEREMOVED, DXGI_DDI_ERR_WASSTILLDRAWING, E_INVALIDARG, E_NOTIMPL, E_OUTOFMEMORY, HRESULT,
};

/// Why a DDI call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The heap, the object numbers or a record's size is used up.
    OutOfMemory,
    /// The host is gone, or it poisoned this context.
    DeviceRemoved,
    /// The result or the memory is not ready, and the caller does not want to wait.
    StillDrawing,
    /// This driver cannot do it; the text says what.
    Unsupported(&'static str),
    /// An argument that no Direct3D 11 runtime passes; the text says which.
    BadArgument(&'static str),
    /// A kernel callback failed with this HRESULT.
    Kernel(HRESULT),
}

impl Error {
    /// What the runtime is told.
    pub const fn hresult(self) -> HRESULT {
        match self {
            Self::OutOfMemory => E_OUTOFMEMORY,
            Self::DeviceRemoved => D3DDDIERR_DEVICEREMOVED,
            Self::StillDrawing => DXGI_DDI_ERR_WASSTILLDRAWING,
            Self::Unsupported(_) => E_NOTIMPL,
            Self::BadArgument(_) => E_INVALIDARG,
            Self::Kernel(hresult) => hresult,
        }
    }

    /// Whether a person who watches the driver should see it: waiting is flow, and a removed device repeats forever.
    pub const fn is_worth_a_trace(self) -> bool {
        !matches!(self, Self::StillDrawing | Self::DeviceRemoved)
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::OutOfMemory => f.write_str("out of memory"),
            Self::DeviceRemoved => f.write_str("the device is removed"),
            Self::StillDrawing => f.write_str("the GPU still uses it"),
            Self::Unsupported(what) => write!(f, "this driver does not support {what}"),
            Self::BadArgument(what) => write!(f, "bad argument: {what}"),
            Self::Kernel(hresult) => write!(f, "a kernel callback failed with {hresult:#010x}"),
        }
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_a_failure() {
        let all = [
            Error::OutOfMemory,
            Error::DeviceRemoved,
            Error::StillDrawing,
            Error::Unsupported("x"),
            Error::BadArgument("y"),
            Error::Kernel(E_NOTIMPL),
        ];
        for error in all {
            assert!(error.hresult() < 0, "{error}");
        }
        assert!(!Error::StillDrawing.is_worth_a_trace());
    }
}
