//! The exports: `D3D11CreateDevice` and `D3D11CreateDeviceAndSwapChain`.

use core::ffi::c_void;
use core::{mem, ptr};

use pvgpu_umd_ddi as ddi;
use windows::Win32::Foundation::{E_FAIL, E_INVALIDARG, HMODULE, S_FALSE, S_OK};
use windows::Win32::Graphics::Dxgi::{
    DXGI_ERROR_NOT_FOUND, DXGI_ERROR_UNSUPPORTED, DXGI_SWAP_CHAIN_DESC, IDXGIAdapter, IDXGIFactory,
    IDXGIFactory1, IDXGISwapChain,
};
use windows::Win32::System::LibraryLoader::{GetProcAddress, LoadLibraryW};
use windows_core::{GUID, HRESULT, IUnknown, IUnknownImpl, Interface, s, w};

use super::adapter;
use super::device::{self, Device, Parts};
use super::driver::Driver;
use super::object::Com;
use crate::level::{self, Level};

/// `D3D11_SDK_VERSION`.
const SDK_VERSION: u32 = 7;
/// `D3D_DRIVER_TYPE_UNKNOWN` and `D3D_DRIVER_TYPE_HARDWARE`.
const TYPE_UNKNOWN: i32 = 0;
const TYPE_HARDWARE: i32 = 1;
/// `D3D_DRIVER_TYPE_WARP`: the last one that exists.
const TYPE_LAST: i32 = 5;

/// What the program asks for.
struct Request {
    /// An adapter, or null.
    adapter: *mut c_void,
    driver_type: i32,
    software: HMODULE,
    flags: u32,
    levels: *const i32,
    level_count: u32,
    sdk: u32,
    /// Whether the device is to serve Direct3D 10, too.
    d3d10: bool,
}

type CreateFactory1 = unsafe extern "system" fn(*const GUID, *mut *mut c_void) -> HRESULT;

/// The first adapter of the dxgi.dll that the process has.
fn default_adapter() -> Result<IDXGIAdapter, HRESULT> {
    // SAFETY: the name is zero-terminated. The DLL stays loaded: objects of it live on.
    let module = unsafe { LoadLibraryW(w!("dxgi.dll")) }.map_err(|error| error.code())?;
    // SAFETY: the module is loaded and the name is zero-terminated.
    let entry = unsafe { GetProcAddress(module, s!("CreateDXGIFactory1")) }.ok_or(E_FAIL)?;
    // SAFETY: the export of that name has this type.
    let create: CreateFactory1 = unsafe { mem::transmute(entry) };
    let mut factory = ptr::null_mut();
    // SAFETY: `factory` receives an interface with a reference.
    unsafe { create(&IDXGIFactory1::IID, &mut factory) }.ok().map_err(|error| error.code())?;
    // SAFETY: the pointer and its reference are ours now.
    let factory = unsafe { IDXGIFactory1::from_raw(factory) };
    // SAFETY: the factory is alive.
    unsafe { factory.EnumAdapters(0) }.map_err(|error| match error.code() {
        // No host: the sentence that says so has been said when dxgi.dll looked for adapters.
        DXGI_ERROR_NOT_FOUND => DXGI_ERROR_UNSUPPORTED,
        code => code,
    })
}

impl Request {
    /// Finds the adapter that the request names.
    fn adapter(&self) -> Result<IDXGIAdapter, HRESULT> {
        if self.sdk != SDK_VERSION || !(TYPE_UNKNOWN..=TYPE_LAST).contains(&self.driver_type) {
            return Err(E_INVALIDARG);
        }
        if !self.adapter.is_null() {
            if self.driver_type != TYPE_UNKNOWN || !self.software.is_invalid() {
                return Err(E_INVALIDARG);
            }
            // SAFETY: COM's contract: an `IDXGIAdapter`, whose reference stays the caller's.
            let adapter = unsafe { IDXGIAdapter::from_raw_borrowed(&self.adapter) };
            return adapter.cloned().ok_or(E_INVALIDARG);
        }
        match self.driver_type {
            TYPE_HARDWARE if self.software.is_invalid() => default_adapter(),
            TYPE_HARDWARE | TYPE_UNKNOWN => Err(E_INVALIDARG),
            // Reference, software and WARP rasterizers belong to Windows.
            _ => Err(DXGI_ERROR_UNSUPPORTED),
        }
    }

    /// The feature levels that the program takes, best first as it says.
    fn levels(&self) -> Vec<u32> {
        if self.levels.is_null() || self.level_count == 0 {
            return level::DEFAULT_REQUEST.to_vec();
        }
        // SAFETY: COM's contract.
        let levels = unsafe { core::slice::from_raw_parts(self.levels, self.level_count as usize) };
        levels.iter().map(|level| level.cast_unsigned()).collect()
    }

    /// Creates the device: one public reference.
    fn create(&self) -> Result<ptr::NonNull<Com<Device>>, HRESULT> {
        let dxgi_adapter = self.adapter()?;
        let plain = |error: crate::hresult::Hresult| HRESULT(error.0);
        let adapter = adapter::of_dxgi(&dxgi_adapter).map_err(plain)?;
        let host_level = adapter.host_info().feature_level.to_native();
        let level = level::choose(&self.levels(), host_level).map_err(plain)?;
        let kernel = adapter.create_device().map_err(plain)?;
        let driver = Driver::open(&adapter, &kernel, pipeline_level(level)).map_err(plain)?;
        let feature_level = level.number();
        let (creation_flags, d3d10) = (self.flags, self.d3d10);
        Ok(device::new(Parts { driver, kernel, adapter, dxgi_adapter, feature_level, creation_flags, d3d10 }))
    }
}

/// The DDI's number of a feature level.
fn pipeline_level(level: Level) -> u32 {
    match level {
        Level::V9_1 => ddi::D3D11_1DDI_3DPIPELINELEVEL_9_1,
        Level::V9_2 => ddi::D3D11_1DDI_3DPIPELINELEVEL_9_2,
        Level::V9_3 => ddi::D3D11_1DDI_3DPIPELINELEVEL_9_3,
        Level::V10_0 => ddi::D3D11DDI_3DPIPELINELEVEL_10_0,
        Level::V10_1 => ddi::D3D11DDI_3DPIPELINELEVEL_10_1,
        Level::V11_0 => ddi::D3D11DDI_3DPIPELINELEVEL_11_0,
        Level::V11_1 => ddi::D3D11_1DDI_3DPIPELINELEVEL_11_1,
    }
}

/// Writes a value if it is wanted.
///
/// # Safety
/// `out` is null or valid for a write.
unsafe fn put<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: the caller's promise.
        unsafe { out.write(value) };
    }
}

/// Export: `D3D11CreateDevice`.
///
/// # Safety
/// As the API says: pointers are null or valid, `levels` has `level_count` entries.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn D3D11CreateDevice(
    adapter: *mut c_void,
    driver_type: i32,
    software: HMODULE,
    flags: u32,
    levels: *const i32,
    level_count: u32,
    sdk: u32,
    device: *mut *mut c_void,
    level: *mut i32,
    context: *mut *mut c_void,
) -> HRESULT {
    // SAFETY: the caller's promise.
    unsafe { put(device, ptr::null_mut()) };
    // SAFETY: the caller's promise.
    unsafe { put(level, 0) };
    // SAFETY: the caller's promise.
    unsafe { put(context, ptr::null_mut()) };
    let request = Request { adapter, driver_type, software, flags, levels, level_count, sdk, d3d10: false };
    let created = match request.create() {
        Ok(created) => created,
        Err(code) => return code,
    };
    // SAFETY: the device was just made, and this function has its reference.
    let object = unsafe { created.as_ref() };
    // SAFETY: the caller's promise.
    unsafe { put(level, object.inner.feature_level.cast_signed()) };
    if let Some(immediate) = object.inner.context().filter(|_| !context.is_null()) {
        // SAFETY: the caller's promise.
        unsafe { put(context, immediate.hand_out()) };
    }
    if device.is_null() {
        // SAFETY: the reference is this function's. The context, if wanted, keeps the device alive.
        unsafe { Com::<Device>::Release(created.as_ptr()) };
        return if context.is_null() { S_FALSE } else { S_OK };
    }
    // SAFETY: the caller's promise; the reference goes to the caller.
    unsafe { put(device, created.as_ptr().cast()) };
    S_OK
}

/// Export: `D3D11CreateDeviceAndSwapChain`.
///
/// # Safety
/// As the API says: pointers are null or valid, `levels` has `level_count` entries.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn D3D11CreateDeviceAndSwapChain(
    adapter: *mut c_void,
    driver_type: i32,
    software: HMODULE,
    flags: u32,
    levels: *const i32,
    level_count: u32,
    sdk: u32,
    swap_chain_desc: *const DXGI_SWAP_CHAIN_DESC,
    swap_chain: *mut *mut c_void,
    device: *mut *mut c_void,
    level: *mut i32,
    context: *mut *mut c_void,
) -> HRESULT {
    // SAFETY: the caller's promise.
    unsafe { put(swap_chain, ptr::null_mut()) };
    if swap_chain.is_null() {
        // SAFETY: the caller's promise.
        return unsafe {
            D3D11CreateDevice(
                adapter,
                driver_type,
                software,
                flags,
                levels,
                level_count,
                sdk,
                device,
                level,
                context,
            )
        };
    }
    // SAFETY: the caller's promise.
    unsafe { put(device, ptr::null_mut()) };
    // SAFETY: the caller's promise.
    unsafe { put(context, ptr::null_mut()) };
    if swap_chain_desc.is_null() {
        return E_INVALIDARG;
    }
    let mut created = ptr::null_mut();
    // SAFETY: the caller's promise, and `created` receives the device.
    let result = unsafe {
        D3D11CreateDevice(
            adapter,
            driver_type,
            software,
            flags,
            levels,
            level_count,
            sdk,
            &mut created,
            level,
            ptr::null_mut(),
        )
    };
    if result.is_err() {
        return result;
    }
    // SAFETY: the pointer and its reference are ours now; chain 0 is also its `IUnknown`.
    let unknown = unsafe { IUnknown::from_raw(created) };
    // SAFETY: the object behind it is the device that was just made.
    let object = unsafe { Com::<Device>::from_raw(created) };
    let chain = match swap_chain_of(object, &unknown, swap_chain_desc) {
        Ok(chain) => chain,
        Err(error) => {
            // SAFETY: the caller's promise.
            unsafe { put(level, 0) };
            return error.code();
        }
    };
    // SAFETY: the caller's promise; the reference goes to the caller.
    unsafe { put(swap_chain, chain.into_raw()) };
    if let Some(immediate) = object.and_then(|device| device.inner.context()).filter(|_| !context.is_null()) {
        // SAFETY: the caller's promise.
        unsafe { put(context, immediate.hand_out()) };
    }
    if !device.is_null() {
        // SAFETY: the caller's promise; the reference goes to the caller.
        unsafe { put(device, unknown.into_raw()) };
    }
    S_OK
}

/// Export: `D3D11CoreCreateDevice`, by which d3d10core.dll and dxgi.dll make the device of Direct3D 10: it has the interfaces of both.
///
/// Microsoft does not document it; the signature is the one that Wine's d3d10core.dll expects.
///
/// # Safety
/// `adapter` and `device` are null or valid, `levels` has `level_count` entries.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn D3D11CoreCreateDevice(
    _factory: *mut c_void,
    adapter: *mut c_void,
    flags: u32,
    levels: *const i32,
    level_count: u32,
    device: *mut *mut c_void,
) -> HRESULT {
    if device.is_null() {
        return E_INVALIDARG;
    }
    let (driver_type, software) = (TYPE_UNKNOWN, HMODULE::default());
    let sdk = SDK_VERSION;
    let request = Request { adapter, driver_type, software, flags, levels, level_count, sdk, d3d10: true };
    let (pointer, result) = match request.create() {
        Ok(created) => (created.as_ptr().cast(), S_OK),
        Err(code) => (ptr::null_mut(), code),
    };
    // SAFETY: just checked, and valid by contract; the reference goes to the caller.
    unsafe { device.write(pointer) };
    result
}

/// Asks the adapter's factory for a swap chain.
fn swap_chain_of(
    device: Option<&Com<Device>>,
    unknown: &IUnknown,
    desc: *const DXGI_SWAP_CHAIN_DESC,
) -> windows_core::Result<IDXGISwapChain> {
    let device = device.ok_or_else(|| windows_core::Error::from_hresult(E_FAIL))?;
    // SAFETY: the adapter is alive.
    let factory: IDXGIFactory = unsafe { device.inner.dxgi_adapter.GetParent() }?;
    let mut chain = None;
    // SAFETY: `desc` is valid by the export's contract.
    unsafe { factory.CreateSwapChain(unknown, desc, &mut chain) }.ok()?;
    chain.ok_or_else(|| windows_core::Error::from_hresult(E_FAIL))
}
