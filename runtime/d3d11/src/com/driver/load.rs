//! Finds the driver, opens it and creates its device.
//!
//! The driver is `pvgpuumd.dll` beside this DLL when there is one (a developer's build, or the driver package), else the
//! copy that is linked into this DLL.

use core::ffi::c_void;
use core::{mem, ptr, slice};
use std::path::PathBuf;

use pvgpu_umd_ddi as ddi;
use windows::Win32::Foundation::HMODULE;
use windows::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, GetModuleFileNameW,
    GetModuleHandleExW, GetProcAddress, LoadLibraryW,
};
use windows_core::{HSTRING, PCWSTR, s};

use super::{BROKEN, CORE_LAYER_CALLBACKS, Caps, CoreLayer, Driver, checked};
use crate::com::kernel;
use crate::com::memory::DriverMemory;
use crate::hresult::{DXGI_ERROR_UNSUPPORTED, Result};
use ddi::DeviceTable as _;

/// File name of a separate driver.
const DRIVER_FILE: &str = "pvgpuumd.dll";
/// The one version of the DDI that this runtime speaks: Direct3D 11.2 as of WDDM 1.3.
const INTERFACE: u32 = ddi::D3DWDDM1_3_DDI_INTERFACE_VERSION;

/// An adapter of the driver that is closed again unless a device takes it over.
struct OpenAdapter {
    funcs: Box<ddi::D3D10_2DDI_ADAPTERFUNCS>,
    handle: ddi::D3D10DDI_HADAPTER,
}

impl Driver {
    /// Opens the driver on the kernel model's adapter and creates a device of pipeline level `level`
    /// (`D3D11DDI_3DPIPELINELEVEL`).
    ///
    /// # Errors
    /// What the driver reports; `DXGI_ERROR_UNSUPPORTED` when it does not speak the DDI of Direct3D 11.2.
    pub fn open(adapter: &kernel::Adapter, device: &kernel::Device, level: u32) -> Result<Self> {
        let opened = OpenAdapter::new(adapter)?;
        opened.require_interface()?;
        let caps = opened.caps();
        let flags = level << ddi::D3D11DDI_CREATEDEVICE_FLAG_3DPIPELINESUPPORT_SHIFT;
        // CAST: the lower half of a supported version is its `Version`.
        let version = ddi::D3DWDDM1_3_DDI_SUPPORTED as u32;
        let size =
            ddi::D3D10DDIARG_CALCPRIVATEDEVICESIZE { Interface: INTERFACE, Version: version, Flags: flags };
        let calc = opened.funcs.pfnCalcPrivateDeviceSize.ok_or(BROKEN)?;
        // SAFETY: the adapter is open and the argument is complete.
        let bytes = unsafe { calc(opened.handle, &size) };
        let mut memory = DriverMemory::new(bytes);
        let handle = ddi::D3D10DDI_HDEVICE(memory.address());

        let mut funcs = Box::new(ddi::D3DWDDM1_3DDI_DEVICEFUNCS::default());
        let mut dxgi = Box::new(ddi::DXGI1_2_DDI_BASE_FUNCTIONS::default());
        let mut core_layer = Box::new(CoreLayer::default());
        let mut sub_object = None;
        let mut argument = ddi::D3D10DDIARG_CREATEDEVICE {
            hRTDevice: device.handle(),
            Interface: INTERFACE,
            Version: version,
            pKTCallbacks: device.callbacks(),
            Anonymous: ddi::D3D10DDIARG_CREATEDEVICE_0 { pWDDM1_3DeviceFuncs: &mut *funcs },
            hDrvDevice: handle,
            DXGIBaseDDI: ddi::DXGI_DDI_BASE_ARGS {
                pDXGIBaseCallbacks: ptr::from_ref(device.dxgi_callbacks()).cast_mut(),
                Anonymous: ddi::DXGI_DDI_BASE_ARGS_0 { pDXGIDDIBaseFunctions3: &mut *dxgi },
            },
            hRTCoreLayer: ddi::D3D10DDI_HRTCORELAYER(ptr::from_mut(&mut *core_layer).cast()),
            p11UMCallbacks: &CORE_LAYER_CALLBACKS,
            Flags: flags,
            ppfnRetrieveSubObject: &mut sub_object,
        };
        let create = opened.funcs.pfnCreateDevice.ok_or(BROKEN)?;
        // SAFETY: the argument is complete; tables, core layer and memory are boxed and live as long as the device.
        checked(unsafe { create(opened.handle, &mut argument) })?;
        let (adapter_funcs, adapter) = opened.into_parts();
        let driver =
            Self { funcs, dxgi, core_layer, device: handle, _memory: memory, adapter_funcs, adapter, caps };
        // From here on a failure destroys the device.
        driver.require_complete()?;
        Ok(driver)
    }

    /// Refuses tables with holes: a runtime calls what it finds there.
    fn require_complete(&self) -> Result {
        const ENTRIES: usize = ddi::D3DWDDM1_3DDI_DEVICEFUNCS::NAMES.len();
        let table = ptr::from_ref(&*self.funcs).cast::<usize>();
        // SAFETY: the table is nothing but pointers, `ENTRIES` of them; null is a legal value of each.
        let entries = unsafe { slice::from_raw_parts(table, ENTRIES) };
        let missing = entries.iter().position(|entry| *entry == 0);
        match missing.and_then(|at| ddi::D3DWDDM1_3DDI_DEVICEFUNCS::NAMES.get(at)) {
            Some(name) => {
                kernel::report(&format!("pvgpu: the user-mode driver has no entry {name}"));
                Err(BROKEN)
            }
            None => Ok(()),
        }
    }
}

impl OpenAdapter {
    fn new(adapter: &kernel::Adapter) -> Result<Self> {
        let (runtime_handle, callbacks) = adapter.callbacks();
        let mut funcs = Box::new(ddi::D3D10_2DDI_ADAPTERFUNCS::default());
        let mut argument = ddi::D3D10DDIARG_OPENADAPTER {
            hRTAdapter: runtime_handle,
            hAdapter: ddi::D3D10DDI_HADAPTER::NULL,
            Interface: INTERFACE,
            Version: 0,
            pAdapterCallbacks: callbacks,
            pAdapterFuncs_2: &mut *funcs,
        };
        // SAFETY: the argument is complete, and the callbacks live as long as the process.
        checked(unsafe { find_entry()(&mut argument) })?;
        Ok(Self { funcs, handle: argument.hAdapter })
    }

    fn require_interface(&self) -> Result {
        let list = self.funcs.pfnGetSupportedVersions.ok_or(BROKEN)?;
        let mut count = 0;
        // SAFETY: a null array asks for the number only.
        checked(unsafe { list(self.handle, &mut count, ptr::null_mut()) })?;
        let mut versions = vec![0_u64; count as usize];
        // SAFETY: the array has `count` entries.
        checked(unsafe { list(self.handle, &mut count, versions.as_mut_ptr()) })?;
        if versions.iter().any(|version| ddi::interface_of(*version) == INTERFACE) {
            return Ok(());
        }
        kernel::report(
            "pvgpu: the user-mode driver does not speak the Direct3D 11.2 DDI; install both from one package",
        );
        Err(DXGI_ERROR_UNSUPPORTED)
    }

    fn caps(&self) -> Caps {
        let shader: ddi::D3D11DDI_SHADER_CAPS = self.ask(ddi::D3D11DDICAPS_SHADER).unwrap_or_default();
        let options: ddi::D3D11_1DDI_D3D11_OPTIONS_DATA =
            self.ask(ddi::D3D11_1DDICAPS_D3D11_OPTIONS).unwrap_or_default();
        let architecture: ddi::D3D11_1DDI_ARCHITECTURE_INFO_DATA =
            self.ask(ddi::D3D11_1DDICAPS_ARCHITECTURE_INFO).unwrap_or_default();
        let options1: ddi::D3DWDDM1_3DDI_D3D11_OPTIONS_DATA1 =
            self.ask(ddi::D3DWDDM1_3DDICAPS_D3D11_OPTIONS1).unwrap_or_default();
        Caps {
            tiled: options1.TiledResourcesSupportFlags,
            shader: shader.Caps,
            logic_op: options.OutputMergerLogicOp != 0,
            tile_based: architecture.TileBasedDeferredRenderer != 0,
        }
    }

    /// Asks for one capability; a driver that does not know the question has not the capability.
    fn ask<T: Copy + Default>(&self, question: u32) -> Option<T> {
        let mut answer = T::default();
        let argument = ddi::D3D10_2DDIARG_GETCAPS {
            Type: question,
            pInfo: ptr::null_mut(),
            pData: ptr::from_mut(&mut answer).cast(),
            // CAST: capability structs have a few bytes.
            DataSize: size_of::<T>() as u32,
        };
        let ask = self.funcs.pfnGetCaps?;
        // SAFETY: `T` is the struct that the question is answered with, plain integers.
        checked(unsafe { ask(self.handle, &argument) }).ok().map(|()| answer)
    }

    /// Hands the open adapter over.
    fn into_parts(mut self) -> (Box<ddi::D3D10_2DDI_ADAPTERFUNCS>, ddi::D3D10DDI_HADAPTER) {
        let parts = (mem::take(&mut self.funcs), self.handle);
        mem::forget(self);
        parts
    }
}

impl Drop for OpenAdapter {
    fn drop(&mut self) {
        if let Some(close) = self.funcs.pfnCloseAdapter {
            // SAFETY: the adapter is open and has no device.
            unsafe { close(self.handle) };
        }
    }
}

type OpenAdapterEntry = unsafe extern "system" fn(*mut ddi::D3D10DDIARG_OPENADAPTER) -> i32;

/// The driver's `OpenAdapter10_2`.
fn find_entry() -> OpenAdapterEntry {
    separate_entry().unwrap_or(pvgpuumd::ffi::OpenAdapter10_2)
}

/// That of a driver file beside this DLL.
fn separate_entry() -> Option<OpenAdapterEntry> {
    let path = own_path()?.with_file_name(DRIVER_FILE);
    if !path.is_file() {
        return None;
    }
    let name = HSTRING::from(path.as_path());
    // SAFETY: `name` is a zero-terminated path. The driver is never unloaded.
    let module = unsafe { LoadLibraryW(&name) }.ok()?;
    // SAFETY: the module is loaded and the name is zero-terminated.
    let entry = unsafe { GetProcAddress(module, s!("OpenAdapter10_2")) }?;
    // SAFETY: the export of that name has this type in every Direct3D 10 and 11 driver.
    Some(unsafe { mem::transmute::<unsafe extern "system" fn() -> isize, OpenAdapterEntry>(entry) })
}

/// The path of this DLL.
fn own_path() -> Option<PathBuf> {
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    let inside = PCWSTR(own_path as *const c_void as *const u16);
    let mut module = HMODULE::default();
    // SAFETY: with this flag the "name" is an address inside the module.
    unsafe { GetModuleHandleExW(flags, inside, &mut module) }.ok()?;
    let mut buffer = vec![0_u16; 32768];
    // SAFETY: the module is loaded: this code runs in it.
    let length = unsafe { GetModuleFileNameW(Some(module), &mut buffer) } as usize;
    let path = buffer.get(..length).filter(|path| !path.is_empty())?;
    Some(PathBuf::from(String::from_utf16_lossy(path)))
}
