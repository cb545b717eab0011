//! Loads the DLL that exports the entry points, when the program runs.
#![expect(unsafe_code, reason = "loads a DLL and takes the addresses of its exports")]

use std::ffi::{CStr, c_void};
use std::os::windows::ffi::OsStrExt;

use crate::table::Table;
use crate::{AdapterHandle, DeviceHandle, DeviceThunks, ThunkError, Thunks};

#[link(name = "kernel32")]
unsafe extern "system" {
    /// `LoadLibraryExW` (libloaderapi.h).
    fn LoadLibraryExW(file: *const u16, reserved: *mut c_void, flags: u32) -> *mut c_void;
    /// `GetProcAddress` (libloaderapi.h).
    fn GetProcAddress(module: *mut c_void, name: *const u8) -> *mut c_void;
    /// `GetLastError` (errhandlingapi.h).
    fn GetLastError() -> u32;
}

/// `LOAD_LIBRARY_SEARCH_SYSTEM32`: the system's own DLL, wherever the program was started.
const LOAD_LIBRARY_SEARCH_SYSTEM32: u32 = 0x800;

/// The entry points of a loaded DLL, which stays loaded.
pub struct Library {
    table: Table,
}

impl Library {
    /// Loads [`crate::DEFAULT_LIBRARY`] from the system's folder, or another DLL by its path.
    ///
    /// # Errors
    /// [`ThunkError::Library`] and [`ThunkError::Export`].
    pub fn load(path: Option<&str>) -> Result<Self, ThunkError> {
        let (path, flags) = match path {
            Some(path) => (path, 0),
            None => (crate::DEFAULT_LIBRARY, LOAD_LIBRARY_SEARCH_SYSTEM32),
        };
        let wide: Vec<u16> = std::ffi::OsStr::new(path).encode_wide().chain([0]).collect();
        // SAFETY: The name is zero-terminated and lives through the call.
        let module = unsafe { LoadLibraryExW(wide.as_ptr(), std::ptr::null_mut(), flags) };
        if module.is_null() {
            // SAFETY: Reads the calling thread's error code.
            let code = unsafe { GetLastError() };
            return Err(ThunkError::Library { path: path.to_owned(), code });
        }
        let export = |name: &'static CStr| {
            // SAFETY: The module is loaded for good, the name is zero-terminated.
            let address = unsafe { GetProcAddress(module, name.as_ptr().cast()) };
            if address.is_null() {
                let name = name.to_str().unwrap_or_default();
                return Err(ThunkError::Export { path: path.to_owned(), name });
            }
            Ok(address)
        };
        let enum_adapters2 = export(c"D3DKMTEnumAdapters2")?;
        let query_adapter_info = export(c"D3DKMTQueryAdapterInfo")?;
        let escape = export(c"D3DKMTEscape")?;
        let close_adapter = export(c"D3DKMTCloseAdapter")?;
        // SAFETY: The export with this name has this signature, by d3dkmthk.h.
        let enum_adapters2 =
            unsafe { std::mem::transmute::<*mut c_void, crate::table::EnumAdapters2>(enum_adapters2) };
        // SAFETY: The export with this name has this signature, by d3dkmthk.h.
        let query_adapter_info =
            unsafe { std::mem::transmute::<*mut c_void, crate::table::QueryAdapterInfo>(query_adapter_info) };
        // SAFETY: The export with this name has this signature, by d3dkmthk.h.
        let escape = unsafe { std::mem::transmute::<*mut c_void, crate::table::Escape>(escape) };
        // SAFETY: The export with this name has this signature, by d3dkmthk.h.
        let close_adapter =
            unsafe { std::mem::transmute::<*mut c_void, crate::table::CloseAdapter>(close_adapter) };
        // SAFETY: These are the entry points, and their DLL stays loaded.
        let mut table = unsafe { Table::new(enum_adapters2, query_adapter_info, escape, close_adapter) };
        // Whoever only asks needs no device, so that a DLL for tests may be without.
        if let (Ok(create_device), Ok(destroy_device)) =
            (export(c"D3DKMTCreateDevice"), export(c"D3DKMTDestroyDevice"))
        {
            // SAFETY: The export with this name has this signature, by d3dkmthk.h.
            let create_device =
                unsafe { std::mem::transmute::<*mut c_void, crate::table::CreateDevice>(create_device) };
            // SAFETY: The export with this name has this signature, by d3dkmthk.h.
            let destroy_device =
                unsafe { std::mem::transmute::<*mut c_void, crate::table::DestroyDevice>(destroy_device) };
            // SAFETY: As above.
            table = unsafe { table.with_devices(create_device, destroy_device) };
        }
        Ok(Self { table })
    }
}

impl Thunks for Library {
    fn enum_adapters(&self) -> Result<Vec<AdapterHandle>, ThunkError> {
        self.table.enum_adapters()
    }

    fn user_mode_driver(&self, adapter: AdapterHandle) -> Result<String, ThunkError> {
        self.table.user_mode_driver(adapter)
    }

    fn escape(&self, adapter: AdapterHandle, data: &mut [u8]) -> Result<(), ThunkError> {
        self.table.escape(adapter, data)
    }

    fn close_adapter(&self, adapter: AdapterHandle) {
        self.table.close_adapter(adapter);
    }
}

impl DeviceThunks for Library {
    fn create_device(&self, adapter: AdapterHandle) -> Result<DeviceHandle, ThunkError> {
        self.table.create_device(adapter)
    }

    fn device_escape(
        &self,
        adapter: AdapterHandle,
        device: DeviceHandle,
        data: &mut [u8],
    ) -> Result<(), ThunkError> {
        self.table.device_escape(adapter, device, data)
    }

    fn destroy_device(&self, device: DeviceHandle) {
        self.table.destroy_device(device);
    }
}
