//! The D3DKMT entry points of gdi32.dll, as far as pvgpu-ctl.exe calls them: it asks the driver's image through them, under Wine
//! (`pvgpu-ctl --thunks d3d11_kernel.dll`), and as far as pvgpu-link.exe does.
//!
//! There is one adapter, on the link that `PVGPU_LINK` or a pvgpu.toml names; it is opened when somebody first asks for
//! adapters, and stays until the process ends. With `PVGPU_INSTALLED=1` it is [`Installed`] instead: on no link, until a process
//! with a device on it brings one.
#![expect(unsafe_code, reason = "exports C entry points, which take pointers to the caller's structs")]

use std::sync::{Arc, OnceLock};

use pvgpu_dxgkrnl::Adapter;
use pvgpu_thunks::types::{
    D3DKMT_ADAPTERINFO, D3DKMT_CLOSEADAPTER, D3DKMT_CREATEDEVICE, D3DKMT_DESTROYDEVICE, D3DKMT_ENUMADAPTERS2,
    D3DKMT_ESCAPE, D3DKMT_ESCAPE_DRIVERPRIVATE, D3DKMT_QUERYADAPTERINFO, D3DKMT_UMDFILENAMEINFO,
    KMTQAITYPE_UMDRIVERNAME, KMTUMDVERSION_DX11, LUID,
};
use pvgpu_transport::Resolved;

use crate::installed::Installed;

/// The adapter's handle in this process.
const HANDLE: u32 = 0x4000_0000;
/// What the setup information names as the user-mode driver.
const USER_MODE_DRIVER: &str = "C:\\Windows\\System32\\pvgpuumd.dll";
/// The largest private data that is carried: far more than any request has.
const MAX_PRIVATE_BYTES: u32 = 1 << 20;

const STATUS_SUCCESS: i32 = 0;
const STATUS_INVALID_PARAMETER: i32 = 0xC000_000D_u32.cast_signed();
const STATUS_BUFFER_TOO_SMALL: i32 = 0xC000_0023_u32.cast_signed();
const STATUS_NOT_SUPPORTED: i32 = 0xC000_00BB_u32.cast_signed();

/// The one adapter.
enum Only {
    /// It has a host already.
    Linked(Arc<Adapter>),
    /// It has none until a link service attaches.
    Installed(Installed),
}

impl Only {
    fn luid(&self) -> u64 {
        match self {
            Self::Linked(adapter) => adapter.luid(),
            Self::Installed(_) => 1 << 32,
        }
    }
}

/// The adapter, or none if it does not open; then the reason has been said on standard error.
fn adapter() -> Option<&'static Only> {
    static ADAPTER: OnceLock<Option<Only>> = OnceLock::new();
    let open = || {
        if std::env::var_os("PVGPU_INSTALLED").is_some() {
            return Installed::start().map(Only::Installed);
        }
        let found = Resolved::find(None).map_err(|error| error.to_string());
        let opened =
            found.and_then(|resolved| Adapter::open(&resolved.link).map_err(|error| error.to_string()));
        opened.map(Only::Linked)
    };
    let opened = || open().inspect_err(|error| eprintln!("pvgpu: {error}")).ok();
    ADAPTER.get_or_init(opened).as_ref()
}

/// `D3DKMTEnumAdapters2`.
///
/// # Safety
/// `list` points to a struct of the caller's, whose array has as many entries as it says, or none.
#[unsafe(no_mangle)]
unsafe extern "system" fn D3DKMTEnumAdapters2(list: *mut D3DKMT_ENUMADAPTERS2) -> i32 {
    // SAFETY: The caller's struct.
    let Some(list) = (unsafe { list.as_mut() }) else { return STATUS_INVALID_PARAMETER };
    let Some(adapter) = adapter() else {
        list.NumAdapters = 0;
        return STATUS_SUCCESS;
    };
    let room = std::mem::replace(&mut list.NumAdapters, 1);
    if list.pAdapters.is_null() {
        return STATUS_SUCCESS;
    }
    if room == 0 {
        return STATUS_BUFFER_TOO_SMALL;
    }
    let luid = adapter.luid();
    let info = D3DKMT_ADAPTERINFO {
        hAdapter: HANDLE,
        // CAST: the two halves.
        AdapterLuid: LUID { LowPart: luid as u32, HighPart: (luid >> 32) as i32 },
        NumOfSources: 1,
        bPrecisePresentRegionsPreferred: 0,
    };
    // SAFETY: The array has room for one entry at least.
    unsafe { list.pAdapters.write(info) };
    STATUS_SUCCESS
}

/// `D3DKMTQueryAdapterInfo`, for the user-mode driver's name.
///
/// # Safety
/// `query` points to a struct of the caller's, whose buffer has the size that it says.
#[unsafe(no_mangle)]
unsafe extern "system" fn D3DKMTQueryAdapterInfo(query: *mut D3DKMT_QUERYADAPTERINFO) -> i32 {
    // SAFETY: The caller's struct.
    let Some(query) = (unsafe { query.as_ref() }) else { return STATUS_INVALID_PARAMETER };
    // CAST: 524.
    let size = size_of::<D3DKMT_UMDFILENAMEINFO>() as u32;
    if query.hAdapter != HANDLE || query.pPrivateDriverData.is_null() || query.PrivateDriverDataSize != size {
        return STATUS_INVALID_PARAMETER;
    }
    if query.Type != KMTQAITYPE_UMDRIVERNAME {
        return STATUS_NOT_SUPPORTED;
    }
    let file = query.pPrivateDriverData.cast::<D3DKMT_UMDFILENAMEINFO>();
    // SAFETY: The caller's buffer has the size of the struct; it may be aligned to nothing.
    let mut name = unsafe { file.read_unaligned() };
    if name.Version != KMTUMDVERSION_DX11 {
        return STATUS_NOT_SUPPORTED;
    }
    name.UmdFileName.fill(0);
    for (to, from) in name.UmdFileName.iter_mut().zip(USER_MODE_DRIVER.encode_utf16()) {
        *to = from;
    }
    // SAFETY: As above.
    unsafe { file.write_unaligned(name) };
    STATUS_SUCCESS
}

/// `D3DKMTEscape`, for private data without a context.
///
/// # Safety
/// `escape` points to a struct of the caller's, whose buffer has the size that it says.
#[unsafe(no_mangle)]
unsafe extern "system" fn D3DKMTEscape(escape: *const D3DKMT_ESCAPE) -> i32 {
    // SAFETY: The caller's struct.
    let Some(escape) = (unsafe { escape.as_ref() }) else { return STATUS_INVALID_PARAMETER };
    let bytes = escape.PrivateDriverDataSize;
    let bad = escape.hAdapter != HANDLE || escape.hContext != 0;
    if bad || escape.pPrivateDriverData.is_null() || bytes > MAX_PRIVATE_BYTES {
        return STATUS_INVALID_PARAMETER;
    }
    let Some(adapter) = adapter() else { return STATUS_INVALID_PARAMETER };
    if escape.Type != D3DKMT_ESCAPE_DRIVERPRIVATE {
        return STATUS_NOT_SUPPORTED;
    }
    // As the real dxgkrnl, this carries a copy there and back.
    let place = escape.pPrivateDriverData.cast::<u8>();
    // CAST: at most a MiB.
    let mut copy = vec![0u8; bytes as usize];
    // SAFETY: The caller's buffer has this size; the copy is ours.
    unsafe { std::ptr::copy_nonoverlapping(place, copy.as_mut_ptr(), copy.len()) };
    let answered = match adapter {
        Only::Installed(installed) => installed.escape(escape.hDevice, &mut copy),
        Only::Linked(adapter) if escape.hDevice == 0 => adapter.escape(&mut copy),
        Only::Linked(_) => Err(STATUS_INVALID_PARAMETER),
    };
    if let Err(status) = answered {
        return status;
    }
    // SAFETY: As above.
    unsafe { std::ptr::copy_nonoverlapping(copy.as_ptr(), place, copy.len()) };
    STATUS_SUCCESS
}

/// `D3DKMTCloseAdapter`: the adapter stays open for the next one who asks.
///
/// # Safety
/// `close` points to a struct of the caller's.
#[unsafe(no_mangle)]
unsafe extern "system" fn D3DKMTCloseAdapter(close: *const D3DKMT_CLOSEADAPTER) -> i32 {
    // SAFETY: The caller's struct.
    match unsafe { close.as_ref() } {
        Some(close) if close.hAdapter == HANDLE => STATUS_SUCCESS,
        _ => STATUS_INVALID_PARAMETER,
    }
}

/// `D3DKMTCreateDevice`, on an adapter that is installed.
///
/// # Safety
/// `create` points to a struct of the caller's.
#[unsafe(no_mangle)]
unsafe extern "system" fn D3DKMTCreateDevice(create: *mut D3DKMT_CREATEDEVICE) -> i32 {
    // SAFETY: The caller's struct.
    let Some(create) = (unsafe { create.as_mut() }) else { return STATUS_INVALID_PARAMETER };
    // CAST: 32 bits, in the place of a pointer.
    if create.hAdapter != HANDLE as usize || create.Flags != 0 {
        return STATUS_INVALID_PARAMETER;
    }
    match adapter() {
        Some(Only::Installed(installed)) => match installed.create_device() {
            Ok(device) => {
                create.hDevice = device;
                STATUS_SUCCESS
            }
            Err(status) => status,
        },
        Some(Only::Linked(_)) => STATUS_NOT_SUPPORTED,
        None => STATUS_INVALID_PARAMETER,
    }
}

/// `D3DKMTDestroyDevice`.
///
/// # Safety
/// `destroy` points to a struct of the caller's.
#[unsafe(no_mangle)]
unsafe extern "system" fn D3DKMTDestroyDevice(destroy: *const D3DKMT_DESTROYDEVICE) -> i32 {
    // SAFETY: The caller's struct.
    match (unsafe { destroy.as_ref() }, adapter()) {
        (Some(destroy), Some(Only::Installed(installed))) if installed.destroy_device(destroy.hDevice) => {
            STATUS_SUCCESS
        }
        _ => STATUS_INVALID_PARAMETER,
    }
}
