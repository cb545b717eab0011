//! The callback tables: `extern "system"` functions that copy the caller's arguments in and the answers out.
//!
//! A handle is a number in a pointer's clothes; it is looked up in a table. What a pointer argument points to is read once
//! into a local and, for answers, written back at the end. Pointers are the caller's promise (the user-mode driver's, which
//! the D3D runtime loaded into this very process); null is answered with `E_INVALIDARG`, the rest cannot be checked here.
#![expect(unsafe_code, reason = "the DDI passes pointers; they are read and written here and nowhere else")]

mod adapter;
mod device;
mod dxgi;
mod memory;

use std::sync::Arc;

use pvgpu_kmd_ddi::NTSTATUS;
use pvgpu_umd_ddi::{E_INVALIDARG, HANDLE, HRESULT, S_OK};

pub(crate) use adapter::adapter_callbacks;
pub(crate) use device::device_callbacks;
pub(crate) use dxgi::dxgi_callbacks;
pub(crate) use memory::UserBuffers;

use crate::device::{DEVICES, DeviceInner};
use crate::hresult::from_ntstatus;

/// A number as a handle.
pub(crate) fn to_handle(number: usize) -> HANDLE {
    std::ptr::without_provenance_mut(number)
}

/// The number of a handle.
fn number(handle: HANDLE) -> usize {
    handle.addr()
}

/// Runs a callback of the device behind a handle.
fn with_device(handle: HANDLE, call: impl FnOnce(&Arc<DeviceInner>) -> Result<(), CallError>) -> HRESULT {
    let Some(device) = DEVICES.get(number(handle)) else { return E_INVALIDARG };
    device.count_call();
    result(call(&device))
}

/// How a callback fails.
enum CallError {
    /// The driver refused.
    Status(NTSTATUS),
    /// The argument does.
    Argument,
}

impl From<NTSTATUS> for CallError {
    fn from(status: NTSTATUS) -> Self {
        Self::Status(status)
    }
}

fn result(result: Result<(), CallError>) -> HRESULT {
    match result {
        Ok(()) => S_OK,
        Err(CallError::Status(status)) => from_ntstatus(status),
        Err(CallError::Argument) => E_INVALIDARG,
    }
}
