//! What every object has: its device and private data.

use core::ffi::c_void;

use windows::Win32::Graphics::Direct3D11::{ID3D11Device, ID3D11DeviceChild_Impl};
use windows_core::{GUID, IUnknown, Interface, OutRef, Ref};

use super::convert::com;
use super::object::{Class, Com};
use crate::hresult::{E_INVALIDARG, Result};
use crate::private_data::{Value, answer};

impl<T: Class> ID3D11DeviceChild_Impl for Com<T> {
    fn GetDevice(&self, device: OutRef<ID3D11Device>) {
        let pointer = self.device().hand_out();
        // SAFETY: the pointer has a reference for its new owner.
        let interface = unsafe { ID3D11Device::from_raw(pointer) };
        let _ = device.write(Some(interface));
    }

    fn GetPrivateData(
        &self,
        guid: *const GUID,
        size: *mut u32,
        data: *mut c_void,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        com(unsafe { self.get_private_data(guid, size, data) })
    }

    fn SetPrivateData(&self, guid: *const GUID, size: u32, data: *const c_void) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        com(unsafe { self.set_private_data(guid, size, data) })
    }

    fn SetPrivateDataInterface(&self, guid: *const GUID, data: Ref<IUnknown>) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        com(unsafe { self.set_private_data_interface(guid, data.cloned()) })
    }
}

impl<T: Class> Com<T> {
    /// `GetPrivateData` of any interface.
    ///
    /// # Safety
    /// The pointers are null or valid, and `data` has `*size` bytes.
    pub unsafe fn get_private_data(&self, guid: *const GUID, size: *mut u32, data: *mut c_void) -> Result {
        // SAFETY: the caller's promise.
        let guid = unsafe { guid.as_ref() }.ok_or(E_INVALIDARG)?;
        // SAFETY: as above.
        let size = unsafe { size.as_mut() }.ok_or(E_INVALIDARG)?;
        let room = (!data.is_null()).then_some(*size as usize);
        let value = match self.private().get(guid.to_u128()) {
            Ok(value) => value,
            Err(error) => {
                *size = 0;
                return Err(error);
            }
        };
        let bytes: &[u8] = match &value {
            Value::Bytes(bytes) => bytes,
            Value::Interface(_) => &[0; size_of::<usize>()],
        };
        // CAST: what was set had a 32-bit size.
        *size = bytes.len() as u32;
        if !answer(bytes.len(), room)? {
            return Ok(());
        }
        match value {
            Value::Bytes(bytes) => {
                // SAFETY: `answer` compared the sizes.
                unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), data.cast(), bytes.len()) };
            }
            Value::Interface(interface) => {
                let pointer = interface.map_or(core::ptr::null_mut(), Interface::into_raw);
                // SAFETY: as above. The clone's reference goes to the caller.
                unsafe { data.cast::<*mut c_void>().write_unaligned(pointer) };
            }
        }
        Ok(())
    }

    /// `SetPrivateData` of any interface; no data removes what was there.
    ///
    /// # Safety
    /// The pointers are null or valid, and `data` has `size` bytes.
    pub unsafe fn set_private_data(&self, guid: *const GUID, size: u32, data: *const c_void) -> Result {
        // SAFETY: the caller's promise.
        let guid = unsafe { guid.as_ref() }.ok_or(E_INVALIDARG)?;
        let value = if data.is_null() {
            None
        } else {
            // SAFETY: as above.
            let bytes = unsafe { core::slice::from_raw_parts(data.cast::<u8>(), size as usize) };
            Some(Value::Bytes(bytes.into()))
        };
        self.private().set(guid.to_u128(), value).map(|_old| ())
    }

    /// `SetPrivateDataInterface` of any interface; `None` sets a null pointer, which is found like any other.
    ///
    /// # Safety
    /// `guid` is null or valid.
    pub unsafe fn set_private_data_interface(&self, guid: *const GUID, data: Option<IUnknown>) -> Result {
        // SAFETY: the caller's promise.
        let guid = unsafe { guid.as_ref() }.ok_or(E_INVALIDARG)?;
        self.private().set(guid.to_u128(), Some(Value::Interface(data))).map(|_old| ())
    }
}
