//! The results that Direct3D 11 functions return, as one small type for the safe part of the runtime.
//!
//! Values are those of `winerror.h`. The COM edge turns a [`Hresult`] into `windows_core::Error` without allocating.

use core::fmt;

use pvgpu_protocol::event::error_code;

/// A result other than `S_OK`: an error, or `S_FALSE`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hresult(pub i32);

/// What fallible functions of the safe part return.
pub type Result<T = ()> = core::result::Result<T, Hresult>;

macro_rules! results {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {
        $($(#[$doc])* pub const $name: Hresult = Hresult(($value as u32).cast_signed());)*

        impl fmt::Debug for Hresult {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match *self {
                    $($name => f.write_str(stringify!($name)),)*
                    Hresult(other) => write!(f, "HRESULT {other:#010x}"),
                }
            }
        }
    };
}

results! {
    /// The call is right, but had nothing to do or has no answer yet.
    S_FALSE = 1;
    /// Not implemented.
    E_NOTIMPL = 0x8000_4001_u32;
    /// No such interface.
    E_NOINTERFACE = 0x8000_4002_u32;
    /// A pointer that must not be null is.
    E_POINTER = 0x8000_4003_u32;
    /// Unspecified failure.
    E_FAIL = 0x8000_4005_u32;
    /// Out of memory.
    E_OUTOFMEMORY = 0x8007_000e_u32;
    /// An argument breaks a rule.
    E_INVALIDARG = 0x8007_0057_u32;
    /// The call is not allowed in this state.
    DXGI_ERROR_INVALID_CALL = 0x887a_0001_u32;
    /// No such object.
    DXGI_ERROR_NOT_FOUND = 0x887a_0002_u32;
    /// The buffer is too small; the size that is needed has been returned.
    DXGI_ERROR_MORE_DATA = 0x887a_0003_u32;
    /// The device or driver cannot do this.
    DXGI_ERROR_UNSUPPORTED = 0x887a_0004_u32;
    /// The device is gone.
    DXGI_ERROR_DEVICE_REMOVED = 0x887a_0005_u32;
    /// The device failed through something else than this program's commands.
    DXGI_ERROR_DEVICE_RESET = 0x887a_0007_u32;
    /// Another object has the name.
    DXGI_ERROR_NAME_ALREADY_EXISTS = 0x887a_002c_u32;
    /// The GPU is still busy and the caller asked not to wait.
    DXGI_ERROR_WAS_STILL_DRAWING = 0x887a_000a_u32;
    /// The driver broke its contract.
    DXGI_ERROR_DRIVER_INTERNAL_ERROR = 0x887a_0020_u32;
    /// Too many different state objects.
    D3D11_ERROR_TOO_MANY_UNIQUE_STATE_OBJECTS = 0x887c_0001_u32;
    /// A deferred context maps without overwriting what its list has not mapped with discarding before.
    D3D11_ERROR_DEFERRED_CONTEXT_MAP_WITHOUT_INITIAL_DISCARD = 0x887c_0004_u32;
}

/// Turns what a driver reports by `pfnSetErrorCb` into what the application sees.
///
/// The device-removed and was-still-drawing codes of the DDI (`0x8876…`, `0x887b…`) have API codes of their own.
pub fn from_driver(code: i32) -> Hresult {
    match code {
        pvgpu_umd_ddi::D3DDDIERR_DEVICEREMOVED => DXGI_ERROR_DEVICE_REMOVED,
        pvgpu_umd_ddi::DXGI_DDI_ERR_WASSTILLDRAWING => DXGI_ERROR_WAS_STILL_DRAWING,
        pvgpu_umd_ddi::DXGI_DDI_ERR_UNSUPPORTED => DXGI_ERROR_UNSUPPORTED,
        other => Hresult(other),
    }
}

/// Why a device is removed, as `GetDeviceRemovedReason` tells it: `refused` is the code with which the host stopped its context, one of
/// [`error_code`], and none when the host itself is gone.
///
/// A GPU that is lost may be so by anybody's commands. All else that a host refuses comes from a driver that should not have sent it, or
/// from a limit.
pub const fn removed_reason(refused: Option<u32>) -> Hresult {
    match refused {
        None => DXGI_ERROR_DEVICE_REMOVED,
        Some(error_code::DEVICE_LOST) => DXGI_ERROR_DEVICE_RESET,
        Some(_) => DXGI_ERROR_DRIVER_INTERNAL_ERROR,
    }
}

/// Fails with `E_INVALIDARG` unless `rule` holds.
pub fn require(rule: bool) -> Result {
    if rule { Ok(()) } else { Err(E_INVALIDARG) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removals_have_reasons() {
        assert_eq!(removed_reason(None), DXGI_ERROR_DEVICE_REMOVED);
        assert_eq!(removed_reason(Some(error_code::DEVICE_LOST)), DXGI_ERROR_DEVICE_RESET);
        for code in [error_code::MALFORMED, error_code::LIMIT, error_code::OUT_OF_MEMORY, u32::MAX] {
            assert_eq!(removed_reason(Some(code)), DXGI_ERROR_DRIVER_INTERNAL_ERROR);
        }
    }

    #[test]
    fn driver_errors_become_api_errors() {
        assert_eq!(from_driver(pvgpu_umd_ddi::D3DDDIERR_DEVICEREMOVED), DXGI_ERROR_DEVICE_REMOVED);
        assert_eq!(from_driver(pvgpu_umd_ddi::DXGI_DDI_ERR_WASSTILLDRAWING), DXGI_ERROR_WAS_STILL_DRAWING);
        assert_eq!(from_driver(pvgpu_umd_ddi::E_OUTOFMEMORY), E_OUTOFMEMORY);
        assert_eq!(format!("{E_INVALIDARG:?} {:?}", Hresult(-1)), "E_INVALIDARG HRESULT 0xffffffff");
    }
}
