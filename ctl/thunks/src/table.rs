//! The entry points as a table of function pointers, and the calls through them.
#![expect(unsafe_code, reason = "calls functions that a DLL exports, with pointers to our own buffers")]

use std::ffi::c_void;

use crate::types::*;
use crate::{AdapterHandle, DeviceHandle, DeviceThunks, NtStatus, ThunkError, Thunks};

/// `STATUS_SUCCESS`; like it, anything that is not negative is a success.
type Status = i32;
/// `D3DKMTEnumAdapters2`.
pub type EnumAdapters2 = unsafe extern "system" fn(*mut D3DKMT_ENUMADAPTERS2) -> Status;
/// `D3DKMTQueryAdapterInfo`.
pub type QueryAdapterInfo = unsafe extern "system" fn(*mut D3DKMT_QUERYADAPTERINFO) -> Status;
/// `D3DKMTEscape`.
pub type Escape = unsafe extern "system" fn(*const D3DKMT_ESCAPE) -> Status;
/// `D3DKMTCloseAdapter`.
pub type CloseAdapter = unsafe extern "system" fn(*const D3DKMT_CLOSEADAPTER) -> Status;
/// `D3DKMTCreateDevice`.
pub type CreateDevice = unsafe extern "system" fn(*mut D3DKMT_CREATEDEVICE) -> Status;
/// `D3DKMTDestroyDevice`.
pub type DestroyDevice = unsafe extern "system" fn(*const D3DKMT_DESTROYDEVICE) -> Status;

/// How often the list of adapters is asked for, when adapters come while it is.
const TRIES: u32 = 8;
/// More adapters than any system has; a larger number is a mistake of the DLL.
const MAX_ADAPTERS: u32 = 256;

/// The entry points that [`Thunks`] takes.
#[derive(Clone, Copy)]
pub struct Table {
    enum_adapters2: EnumAdapters2,
    query_adapter_info: QueryAdapterInfo,
    escape: Escape,
    close_adapter: CloseAdapter,
    devices: Option<(CreateDevice, DestroyDevice)>,
}

impl Table {
    /// # Safety
    /// The functions do what `d3dkmthk.h` says of the entry points with these names, as long as the table lives.
    pub unsafe fn new(
        enum_adapters2: EnumAdapters2,
        query_adapter_info: QueryAdapterInfo,
        escape: Escape,
        close_adapter: CloseAdapter,
    ) -> Self {
        Self { enum_adapters2, query_adapter_info, escape, close_adapter, devices: None }
    }

    /// The same with the entry points that make devices.
    ///
    /// # Safety
    /// As for [`Table::new`].
    pub unsafe fn with_devices(self, create_device: CreateDevice, destroy_device: DestroyDevice) -> Self {
        Self { devices: Some((create_device, destroy_device)), ..self }
    }

    fn escape_as(&self, adapter: AdapterHandle, device: u32, data: &mut [u8]) -> Result<(), ThunkError> {
        let escape = D3DKMT_ESCAPE {
            hAdapter: adapter.0,
            hDevice: device,
            Type: D3DKMT_ESCAPE_DRIVERPRIVATE,
            Flags: 0,
            PrivateDriverDataSize: size(data.len())?,
            pPrivateDriverData: data.as_mut_ptr().cast::<c_void>(),
            hContext: 0,
        };
        // SAFETY: The struct lives through the call and names a buffer of its stated size, which may be written.
        checked("D3DKMTEscape", unsafe { (self.escape)(&escape) })
    }
}

fn checked(name: &'static str, status: Status) -> Result<(), ThunkError> {
    if status >= 0 { Ok(()) } else { Err(ThunkError::Call { name, status: NtStatus(status) }) }
}

/// The size of a buffer as the structs state it.
fn size(bytes: usize) -> Result<u32, ThunkError> {
    let status = NtStatus::INVALID_PARAMETER;
    u32::try_from(bytes).map_err(|_| ThunkError::Call { name: "a buffer of more than 4 GiB", status })
}

impl Thunks for Table {
    fn enum_adapters(&self) -> Result<Vec<AdapterHandle>, ThunkError> {
        let name = "D3DKMTEnumAdapters2";
        for _ in 0..TRIES {
            let mut list = D3DKMT_ENUMADAPTERS2 { NumAdapters: 0, pAdapters: std::ptr::null_mut() };
            // SAFETY: The struct lives through the call; a null pointer asks for the number alone.
            checked(name, unsafe { (self.enum_adapters2)(&mut list) })?;
            let room = list.NumAdapters.min(MAX_ADAPTERS);
            if room == 0 {
                return Ok(Vec::new());
            }
            // CAST: at most 256.
            let mut infos = vec![D3DKMT_ADAPTERINFO::default(); room as usize];
            list = D3DKMT_ENUMADAPTERS2 { NumAdapters: room, pAdapters: infos.as_mut_ptr() };
            // SAFETY: The struct lives through the call and names an array of that many entries.
            let status = unsafe { (self.enum_adapters2)(&mut list) };
            if NtStatus(status) == NtStatus::BUFFER_TOO_SMALL {
                continue;
            }
            checked(name, status)?;
            let opened = infos.iter().take(list.NumAdapters as usize);
            return Ok(opened.map(|info| AdapterHandle(info.hAdapter)).collect());
        }
        Err(ThunkError::Call { name, status: NtStatus::BUFFER_TOO_SMALL })
    }

    fn user_mode_driver(&self, adapter: AdapterHandle) -> Result<String, ThunkError> {
        let mut file = D3DKMT_UMDFILENAMEINFO { Version: KMTUMDVERSION_DX11, UmdFileName: [0; MAX_PATH] };
        let mut query = D3DKMT_QUERYADAPTERINFO {
            hAdapter: adapter.0,
            Type: KMTQAITYPE_UMDRIVERNAME,
            pPrivateDriverData: (&raw mut file).cast::<c_void>(),
            PrivateDriverDataSize: size(size_of_val(&file))?,
        };
        // SAFETY: The struct lives through the call and names a buffer of its stated size.
        checked("D3DKMTQueryAdapterInfo", unsafe { (self.query_adapter_info)(&mut query) })?;
        let end = file.UmdFileName.iter().position(|unit| *unit == 0).unwrap_or(MAX_PATH);
        Ok(String::from_utf16_lossy(file.UmdFileName.get(..end).unwrap_or_default()))
    }

    fn escape(&self, adapter: AdapterHandle, data: &mut [u8]) -> Result<(), ThunkError> {
        self.escape_as(adapter, 0, data)
    }

    fn close_adapter(&self, adapter: AdapterHandle) {
        let close = D3DKMT_CLOSEADAPTER { hAdapter: adapter.0 };
        // SAFETY: The struct lives through the call. A handle that is none gives an error, which helps nobody here.
        unsafe { (self.close_adapter)(&close) };
    }
}

impl DeviceThunks for Table {
    fn create_device(&self, adapter: AdapterHandle) -> Result<DeviceHandle, ThunkError> {
        let name = "D3DKMTCreateDevice";
        let Some((create_device, _)) = self.devices else {
            return Err(ThunkError::Call { name, status: NtStatus::NOT_SUPPORTED });
        };
        let null = std::ptr::null_mut();
        let mut create = D3DKMT_CREATEDEVICE {
            // CAST: 32 bits, in the place of a pointer.
            hAdapter: adapter.0 as usize,
            Flags: 0,
            hDevice: 0,
            pCommandBuffer: null,
            CommandBufferSize: 0,
            pAllocationList: null,
            AllocationListSize: 0,
            pPatchLocationList: null,
            PatchLocationListSize: 0,
        };
        // SAFETY: The struct lives through the call.
        checked(name, unsafe { create_device(&mut create) })?;
        Ok(DeviceHandle(create.hDevice))
    }

    fn device_escape(
        &self,
        adapter: AdapterHandle,
        device: DeviceHandle,
        data: &mut [u8],
    ) -> Result<(), ThunkError> {
        self.escape_as(adapter, device.0, data)
    }

    fn destroy_device(&self, device: DeviceHandle) {
        let Some((_, destroy_device)) = self.devices else { return };
        let destroy = D3DKMT_DESTROYDEVICE { hDevice: device.0 };
        // SAFETY: The struct lives through the call. A handle that is none gives an error, which helps nobody here.
        unsafe { destroy_device(&destroy) };
    }
}

#[cfg(test)]
mod tests;
