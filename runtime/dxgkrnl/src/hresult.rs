//! The one place where a driver's status becomes the `HRESULT` that the user-mode driver sees.

use pvgpu_kmd::Status;
use pvgpu_umd_ddi::{D3DDDIERR_DEVICEREMOVED, E_FAIL, E_INVALIDARG, E_NOTIMPL, E_OUTOFMEMORY, HRESULT};

/// What a kernel callback returns for a status.
pub(crate) fn from_status(status: Status) -> HRESULT {
    match status {
        Status::State(_)
        | Status::DeviceRemoved
        | Status::Ring0Full
        | Status::HostUnreachable
        | Status::HostSilent { .. }
        | Status::HostRefused { .. }
        | Status::HostLies { .. }
        | Status::Ring(_) => D3DDDIERR_DEVICEREMOVED,
        Status::BadHandle(_) | Status::NotOwner(_) | Status::PrivateData(_) | Status::BadField { .. } => {
            E_INVALIDARG
        }
        Status::NoMemory
        | Status::HeapFull { .. }
        | Status::TooManyContexts
        | Status::TooManyRanges
        | Status::Aperture { .. } => E_OUTOFMEMORY,
        Status::NotSupported { .. } => E_NOTIMPL,
        Status::InsufficientDmaBuffer { .. } => E_FAIL,
    }
}
