//! Private data: bytes and interfaces that an application attaches to an object under a GUID.
//!
//! # Invariants
//! Values that are replaced or removed are released outside of the lock: an interface's last release may call back.

#![expect(unsafe_code, reason = "GetPrivateData and SetPrivateData pass raw memory")]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard, PoisonError};

use windows::Win32::Foundation::{E_INVALIDARG, S_FALSE};
use windows::Win32::Graphics::Dxgi::{DXGI_ERROR_MORE_DATA, DXGI_ERROR_NOT_FOUND};
use windows_core::{GUID, IUnknown, Ref, Result};

/// What one GUID holds.
#[derive(Clone)]
enum Value {
    Bytes(Vec<u8>),
    /// Null is a value, too.
    Interface(Option<IUnknown>),
}

/// The private data of one object.
#[derive(Default)]
pub struct PrivateData {
    values: Mutex<BTreeMap<u128, Value>>,
}

impl PrivateData {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u128, Value>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, name: u128, value: Option<Value>) -> Result<()> {
        let mut values = self.lock();
        let removes = value.is_none();
        let old = match value {
            Some(value) => values.insert(name, value),
            None => values.remove(&name),
        };
        drop(values);
        if removes && old.is_none() { Err(S_FALSE.into()) } else { Ok(()) }
    }

    /// `IDXGIObject::SetPrivateData`: copies `size` bytes, or removes the value when `data` is null.
    ///
    /// # Errors
    /// `E_INVALIDARG` without a name; `S_FALSE` when there was nothing to remove.
    ///
    /// # Safety
    /// `name` is null or a GUID, `data` is null or `size` readable bytes.
    pub unsafe fn set(&self, name: *const GUID, size: u32, data: *const c_void) -> Result<()> {
        // SAFETY: as the caller promises.
        let name = unsafe { name.as_ref() }.ok_or(E_INVALIDARG)?.to_u128();
        if data.is_null() {
            return self.replace(name, None);
        }
        // SAFETY: as the caller promises.
        let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size as usize) };
        self.replace(name, Some(Value::Bytes(bytes.to_vec())))
    }

    /// `IDXGIObject::SetPrivateDataInterface`: holds a reference. Null does not remove the value, it is the value.
    ///
    /// # Errors
    /// `E_INVALIDARG` without a name.
    ///
    /// # Safety
    /// `name` is null or a GUID.
    pub unsafe fn set_interface(&self, name: *const GUID, interface: Ref<'_, IUnknown>) -> Result<()> {
        // SAFETY: as the caller promises.
        let name = unsafe { name.as_ref() }.ok_or(E_INVALIDARG)?.to_u128();
        self.replace(name, Some(Value::Interface(interface.cloned())))
    }

    /// `IDXGIObject::GetPrivateData`: writes the value's size and, if `data` is not null, the value; an interface comes with
    /// a reference.
    ///
    /// # Errors
    /// `E_INVALIDARG` without a name or a size; `DXGI_ERROR_NOT_FOUND`; `DXGI_ERROR_MORE_DATA` when `*size` is too small.
    ///
    /// # Safety
    /// `name` is null or a GUID, `size` is null or valid, `data` is null or `*size` writable bytes.
    pub unsafe fn get(&self, name: *const GUID, size: *mut u32, data: *mut c_void) -> Result<()> {
        // SAFETY: as the caller promises.
        let name = unsafe { name.as_ref() }.ok_or(E_INVALIDARG)?.to_u128();
        // SAFETY: as the caller promises.
        let size = unsafe { size.as_mut() }.ok_or(E_INVALIDARG)?;
        let Some(value) = self.lock().get(&name).cloned() else {
            *size = 0;
            return Err(DXGI_ERROR_NOT_FOUND.into());
        };
        let needed = match &value {
            Value::Bytes(bytes) => bytes.len(),
            Value::Interface(_) => size_of::<*mut c_void>(),
        };
        let room = std::mem::replace(size, u32::try_from(needed).map_err(|_| E_INVALIDARG)?);
        if data.is_null() {
            return Ok(());
        }
        if room < *size {
            return Err(DXGI_ERROR_MORE_DATA.into());
        }
        match value {
            Value::Bytes(bytes) => {
                // SAFETY: there is room for all bytes, as checked above; a private copy overlaps nothing.
                unsafe { data.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
            }
            Value::Interface(interface) => {
                // SAFETY: there is room for a pointer; nothing is said about its alignment.
                unsafe { data.cast::<Option<IUnknown>>().write_unaligned(interface) };
            }
        }
        Ok(())
    }
}
