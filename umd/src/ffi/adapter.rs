//! The export, the adapter's functions, and the creation of devices.

use core::ffi::c_void;
use core::ptr;

use pvgpu_protocol::kernel_interface::{AdapterData, PrivateData};
use pvgpu_umd_ddi::*;

use super::argument::{Argument, In, Out};
use super::kernel::{CallbackKernel, Callbacks, Handles};
use super::{dxgi, table};
use crate::adapter::{HostCaps, SUPPORTED_VERSIONS};
use crate::device::Device;
use crate::error::Error;

/// What stands behind the driver's adapter handle.
struct Adapter {
    /// First argument of the adapter's callbacks.
    runtime: HANDLE,
    caps: HostCaps,
}

fn hresult(result: Result<(), Error>) -> HRESULT {
    match result {
        Ok(()) => S_OK,
        Err(error) => error.hresult(),
    }
}

/// The adapter behind its handle.
///
/// # Safety
/// The handle is the runtime's, of an adapter that is not closed yet.
unsafe fn adapter_of<'a>(handle: D3D10DDI_HADAPTER) -> Result<&'a Adapter, Error> {
    // SAFETY: passed on from the caller.
    unsafe { handle.0.cast::<Adapter>().as_ref() }.ok_or(Error::BadArgument("a null adapter"))
}

/// Opens the driver on an adapter: the one export, by which the runtime finds everything else.
///
/// Fails with what `pfnQueryAdapterInfoCb` returned, or with `E_FAIL` when the kernel-mode driver is of another package.
///
/// # Safety
/// `args` is the runtime's, as the DDI prescribes: valid, with a table to fill.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn OpenAdapter10_2(args: *mut D3D10DDIARG_OPENADAPTER) -> HRESULT {
    // SAFETY: passed on from the caller.
    hresult(unsafe { open_adapter(args) })
}

/// # Safety
/// As [`OpenAdapter10_2`].
unsafe fn open_adapter(args: *mut D3D10DDIARG_OPENADAPTER) -> Result<(), Error> {
    // SAFETY: the argument is the runtime's to be read and written.
    let args = unsafe { args.as_mut() }.ok_or(Error::BadArgument("a null pointer"))?;
    // SAFETY: the callbacks are valid during the call.
    let callbacks = unsafe { In::take(args.pAdapterCallbacks) }?;
    // SAFETY: the table is the runtime's to be filled.
    let functions = unsafe { Out::take(args.pAdapterFuncs_2) }?;
    let caps = query_caps(&callbacks, args.hRTAdapter.0)?;
    let adapter = Box::new(Adapter { runtime: args.hRTAdapter.0, caps });
    args.hAdapter = D3D10DDI_HADAPTER(Box::into_raw(adapter).cast());
    functions.set(D3D10_2DDI_ADAPTERFUNCS {
        pfnCalcPrivateDeviceSize: Some(calc_private_device_size),
        pfnCreateDevice: Some(create_device),
        pfnCloseAdapter: Some(close_adapter),
        pfnGetSupportedVersions: Some(get_supported_versions),
        pfnGetCaps: Some(get_caps),
    });
    Ok(())
}

/// Asks the kernel-mode driver what the host can do.
fn query_caps(callbacks: &D3DDDI_ADAPTERCALLBACKS, runtime: HANDLE) -> Result<HostCaps, Error> {
    let mut data: AdapterData = bytemuck::Zeroable::zeroed();
    let query = D3DDDICB_QUERYADAPTERINFO {
        pPrivateDriverData: ptr::from_mut(&mut data).cast(),
        PrivateDriverDataSize: size_of::<AdapterData>() as u32,
    };
    let callback = callbacks.pfnQueryAdapterInfoCb.ok_or(Error::Kernel(E_NOTIMPL))?;
    // SAFETY: a callback of the runtime with the arguments it asks for; any bytes are a value of the answer's type.
    let answer = unsafe { callback(runtime, &raw const query) };
    if answer < 0 {
        return Err(Error::Kernel(answer));
    }
    let data = AdapterData::read(bytemuck::bytes_of(&data)).map_err(|_| Error::Kernel(E_FAIL))?;
    HostCaps::new(&data).map_err(|_| Error::Kernel(E_FAIL))
}

unsafe extern "system" fn close_adapter(handle: D3D10DDI_HADAPTER) -> HRESULT {
    let adapter = handle.0.cast::<Adapter>();
    if !adapter.is_null() {
        // SAFETY: `open_adapter` made the handle of a box, and the runtime closes it once.
        drop(unsafe { Box::from_raw(adapter) });
    }
    S_OK
}

unsafe extern "system" fn get_supported_versions(
    _handle: D3D10DDI_HADAPTER,
    entries: *mut u32,
    versions: *mut u64,
) -> HRESULT {
    // SAFETY: the count is the runtime's to be read and written.
    let Some(entries) = (unsafe { entries.as_mut() }) else { return E_INVALIDARG };
    let room = *entries as usize;
    *entries = SUPPORTED_VERSIONS.len() as u32;
    if versions.is_null() {
        return S_OK;
    }
    if room < SUPPORTED_VERSIONS.len() {
        return E_OUTOFMEMORY;
    }
    // SAFETY: the list has room for as many entries as the runtime said.
    let list = unsafe { core::slice::from_raw_parts_mut(versions, SUPPORTED_VERSIONS.len()) };
    list.copy_from_slice(&SUPPORTED_VERSIONS);
    S_OK
}

unsafe extern "system" fn get_caps(handle: D3D10DDI_HADAPTER, args: *const D3D10_2DDIARG_GETCAPS) -> HRESULT {
    // SAFETY: the handle is the runtime's.
    let adapter = unsafe { adapter_of(handle) };
    // SAFETY: the argument is the runtime's.
    let args = unsafe { In::take(args) };
    let (Ok(adapter), Ok(args)) = (adapter, args) else { return E_INVALIDARG };
    let caps = &adapter.caps;
    match args.Type {
        D3D11DDICAPS_THREADING => answer(&args, caps.threading_caps()),
        D3D11DDICAPS_SHADER => answer(&args, caps.shader_caps()),
        D3D11DDICAPS_3DPIPELINESUPPORT => answer(&args, caps.pipeline_caps()),
        D3D11_1DDICAPS_D3D11_OPTIONS => answer(&args, caps.options()),
        D3D11_1DDICAPS_ARCHITECTURE_INFO => answer(&args, D3D11_1DDI_ARCHITECTURE_INFO_DATA::default()),
        D3D11_1DDICAPS_SHADER_MIN_PRECISION_SUPPORT => {
            answer(&args, D3D11_DDI_SHADER_MIN_PRECISION_SUPPORT_DATA::default())
        }
        D3DWDDM1_3DDICAPS_D3D11_OPTIONS1 => answer(&args, caps.options1()),
        D3DWDDM1_3DDICAPS_MARKER => answer(&args, D3DWDDM1_3DDI_MARKER_TYPE_NONE),
        _ => E_NOTIMPL,
    }
}

/// Writes the answer to a capability question.
fn answer<T>(args: &D3D10_2DDIARG_GETCAPS, value: T) -> HRESULT {
    if (args.DataSize as usize) < size_of::<T>() || args.pData.is_null() {
        return E_INVALIDARG;
    }
    // SAFETY: the runtime lets the call write `DataSize` bytes there.
    unsafe { args.pData.cast::<T>().write_unaligned(value) };
    S_OK
}

extern "system" fn calc_private_device_size(
    _handle: D3D10DDI_HADAPTER,
    _args: *const D3D10DDIARG_CALCPRIVATEDEVICESIZE,
) -> usize {
    size_of::<Device>()
}

unsafe extern "system" fn create_device(
    handle: D3D10DDI_HADAPTER,
    args: *mut D3D10DDIARG_CREATEDEVICE,
) -> HRESULT {
    // SAFETY: passed on from the caller.
    hresult(unsafe { try_create_device(handle, args) })
}

/// # Safety
/// The arguments are the runtime's, as the DDI prescribes.
unsafe fn try_create_device(
    handle: D3D10DDI_HADAPTER,
    args: *mut D3D10DDIARG_CREATEDEVICE,
) -> Result<(), Error> {
    // SAFETY: the handle is the runtime's.
    let adapter = unsafe { adapter_of(handle) }?;
    // SAFETY: the argument is the runtime's.
    let args = unsafe { In::take(args.cast_const()) }?;
    let place = args.hDrvDevice.0.cast::<Device>();
    if place.is_null() {
        return Err(Error::BadArgument("a null device"));
    }
    if !SUPPORTED_VERSIONS.iter().any(|version| interface_of(*version) == args.Interface) {
        return Err(Error::Unsupported("this DDI version"));
    }
    // SAFETY: the callbacks are valid while the device lives.
    let callbacks = unsafe { callbacks(&args) }?;
    let handles = Handles {
        device: args.hRTDevice.0,
        adapter: adapter.runtime,
        core_layer: args.hRTCoreLayer,
        present_data: args.Interface >= D3D11_1_DDI_INTERFACE_VERSION,
    };
    let (kernel, mapped) = CallbackKernel::create(callbacks, &handles)?;
    let device = Device::new(Box::new(kernel), mapped, adapter.caps.clone(), args.Interface)
        .map_err(|_| Error::Kernel(E_FAIL))?;
    // SAFETY: the tables are the runtime's to be filled.
    unsafe { fill_tables(&args) }?;
    // SAFETY: the runtime has allocated what `calc_private_device_size` asked for.
    unsafe { place.write(device) };
    Ok(())
}

/// Reads one callback. The tables grew with the versions, so no reference to all of one is made.
macro_rules! callback {
    ($table:ident.$member:ident) => {
        // SAFETY: the table is valid during the call, and this member is part of every version.
        unsafe { (*$table).$member }
    };
}

/// The callbacks of a device about to be created.
///
/// # Safety
/// The argument is the runtime's.
unsafe fn callbacks(args: &D3D10DDIARG_CREATEDEVICE) -> Result<Callbacks, Error> {
    let kernel = args.pKTCallbacks;
    let dxgi = args.DXGIBaseDDI.pDXGIBaseCallbacks;
    let core = args.p11UMCallbacks;
    if kernel.is_null() || dxgi.is_null() || core.is_null() {
        return Err(Error::BadArgument("a device without callbacks"));
    }
    Ok(Callbacks {
        allocate: callback!(kernel.pfnAllocateCb),
        deallocate: callback!(kernel.pfnDeallocateCb),
        render: callback!(kernel.pfnRenderCb),
        escape: callback!(kernel.pfnEscapeCb),
        create_context: callback!(kernel.pfnCreateContextCb),
        destroy_context: callback!(kernel.pfnDestroyContextCb),
        present: callback!(dxgi.pfnPresentCb),
        set_error: callback!(core.pfnSetErrorCb),
    })
}

/// Fills the tables of the version that the runtime asked for. Each version of the device table has its version of DXGI's.
///
/// # Safety
/// The argument is the runtime's, of a supported version.
unsafe fn fill_tables(args: &D3D10DDIARG_CREATEDEVICE) -> Result<(), Error> {
    // SAFETY: every arm of the union is a pointer to the table.
    let device: *mut c_void = unsafe { args.Anonymous.p11DeviceFuncs }.cast();
    // SAFETY: every arm of the union is a pointer to the table.
    let base: *mut c_void = unsafe { args.DXGIBaseDDI.Anonymous.pDXGIDDIBaseFunctions }.cast();
    let interface = args.Interface;
    if interface >= D3D11_1_DDI_INTERFACE_VERSION {
        if interface >= D3DWDDM1_3_DDI_INTERFACE_VERSION {
            // SAFETY: this version's device table.
            unsafe { Out::take(device.cast()) }?.set(table::wddm1_3());
        } else {
            // SAFETY: this version's device table.
            unsafe { Out::take(device.cast()) }?.set(table::d3d11_1());
        }
        // SAFETY: this version's DXGI table.
        unsafe { Out::take(base.cast()) }?.set(dxgi::base_1_2());
        return Ok(());
    }
    // SAFETY: this version's device table.
    unsafe { Out::take(device.cast()) }?.set(table::d3d11());
    if interface >= D3D11_0_7_DDI_INTERFACE_VERSION {
        // SAFETY: this version's DXGI table.
        unsafe { Out::take(base.cast()) }?.set(dxgi::base_1_1());
    } else {
        // SAFETY: this version's DXGI table.
        unsafe { Out::take(base.cast()) }?.set(dxgi::base());
    }
    Ok(())
}
