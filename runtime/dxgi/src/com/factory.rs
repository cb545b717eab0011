//! Factories: they list the adapter and make swap chains.

#![expect(unsafe_code, reason = "implements COM interfaces")]

use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};

use pvgpu_interfaces::{IPvgpuKernelAdapter, PvgpuAdapterDesc};
use windows::Win32::Foundation::{E_NOINTERFACE, E_NOTIMPL, E_POINTER, HANDLE, HMODULE, HWND, LUID};
use windows::Win32::Graphics::Dxgi::{
    DXGI_CREATE_FACTORY_FLAGS, DXGI_ERROR_INVALID_CALL, DXGI_ERROR_NOT_FOUND, DXGI_ERROR_UNSUPPORTED,
    DXGI_FEATURE, DXGI_FEATURE_PRESENT_ALLOW_TEARING, DXGI_GPU_PREFERENCE, DXGI_MWA_FLAGS,
    DXGI_SWAP_CHAIN_DESC, DXGI_SWAP_CHAIN_DESC1, DXGI_SWAP_CHAIN_FULLSCREEN_DESC, IDXGIAdapter,
    IDXGIAdapter1, IDXGIAdapter4, IDXGIFactory, IDXGIFactory_Impl, IDXGIFactory_Vtbl, IDXGIFactory1,
    IDXGIFactory1_Impl, IDXGIFactory1_Vtbl, IDXGIFactory2_Impl, IDXGIFactory2_Vtbl, IDXGIFactory3_Impl,
    IDXGIFactory4_Impl, IDXGIFactory5_Impl, IDXGIFactory6_Impl, IDXGIFactory7, IDXGIFactory7_Impl,
    IDXGIFactory7_Vtbl, IDXGIObject_Impl, IDXGIOutput, IDXGISwapChain, IDXGISwapChain1,
};
use windows_core::{BOOL, GUID, HRESULT, IUnknown, IUnknownImpl, Interface, OutRef, Ref, Result, implement};

use super::adapter::Adapter;
use super::association::{self, Associations};
use super::kernel;
use super::private_data::PrivateData;
use super::status::{self, Change};
use super::swap_chain::{self, Creation};
use super::vtable::{self, refusing_null};
use crate::gdi::window::Window;

/// A factory.
#[implement(IDXGIFactory7)]
pub struct Factory {
    flags: u32,
    associations: Arc<Associations>,
    private: PrivateData,
    /// The adapter that was listed first: once it is removed, the factory is not current any more.
    adapter: Mutex<Option<IPvgpuKernelAdapter>>,
}

/// Factories refuse null pointers.
const TABLE: IDXGIFactory7_Vtbl = {
    let mut table = IDXGIFactory7_Vtbl::new::<Factory_Impl, -1>();
    {
        let first = &mut table.base__.base__.base__.base__.base__.base__.base__;
        first.EnumAdapters = refusing_null!(
            IDXGIFactory_Vtbl::<Factory_Impl>::EnumAdapters(number: u32 => *mut c_void), DXGI_ERROR_INVALID_CALL);
        first.GetWindowAssociation = refusing_null!(
            IDXGIFactory_Vtbl::<Factory_Impl>::GetWindowAssociation(=> HWND), DXGI_ERROR_INVALID_CALL);
        first.CreateSoftwareAdapter = refusing_null!(
            IDXGIFactory_Vtbl::<Factory_Impl>::CreateSoftwareAdapter(module: HMODULE => *mut c_void),
            DXGI_ERROR_INVALID_CALL);
    }
    table.base__.base__.base__.base__.base__.base__.EnumAdapters1 = refusing_null!(
        IDXGIFactory1_Vtbl::<Factory_Impl>::EnumAdapters1(number: u32 => *mut c_void), DXGI_ERROR_INVALID_CALL);
    {
        let second = &mut table.base__.base__.base__.base__.base__;
        second.CreateSwapChainForHwnd = refusing_null!(
            IDXGIFactory2_Vtbl::<Factory_Impl>::CreateSwapChainForHwnd(
                device: *mut c_void, window: HWND, desc: *const DXGI_SWAP_CHAIN_DESC1,
                fullscreen: *const DXGI_SWAP_CHAIN_FULLSCREEN_DESC, output: *mut c_void => *mut c_void),
            DXGI_ERROR_INVALID_CALL);
        second.CreateSwapChainForCoreWindow = refusing_null!(
            IDXGIFactory2_Vtbl::<Factory_Impl>::CreateSwapChainForCoreWindow(
                device: *mut c_void, window: *mut c_void, desc: *const DXGI_SWAP_CHAIN_DESC1,
                output: *mut c_void => *mut c_void),
            DXGI_ERROR_INVALID_CALL);
        second.CreateSwapChainForComposition = refusing_null!(
            IDXGIFactory2_Vtbl::<Factory_Impl>::CreateSwapChainForComposition(
                device: *mut c_void, desc: *const DXGI_SWAP_CHAIN_DESC1, output: *mut c_void => *mut c_void),
            DXGI_ERROR_INVALID_CALL);
        second.GetSharedResourceAdapterLuid = refusing_null!(
            IDXGIFactory2_Vtbl::<Factory_Impl>::GetSharedResourceAdapterLuid(resource: HANDLE => LUID),
            DXGI_ERROR_INVALID_CALL);
        second.RegisterStereoStatusWindow = refusing_null!(
            IDXGIFactory2_Vtbl::<Factory_Impl>::RegisterStereoStatusWindow(window: HWND, message: u32 => u32),
            DXGI_ERROR_INVALID_CALL);
        second.RegisterStereoStatusEvent = refusing_null!(
            IDXGIFactory2_Vtbl::<Factory_Impl>::RegisterStereoStatusEvent(event: HANDLE => u32),
            DXGI_ERROR_INVALID_CALL);
        second.RegisterOcclusionStatusWindow = refusing_null!(
            IDXGIFactory2_Vtbl::<Factory_Impl>::RegisterOcclusionStatusWindow(window: HWND, message: u32 => u32),
            DXGI_ERROR_INVALID_CALL);
        second.RegisterOcclusionStatusEvent = refusing_null!(
            IDXGIFactory2_Vtbl::<Factory_Impl>::RegisterOcclusionStatusEvent(event: HANDLE => u32),
            DXGI_ERROR_INVALID_CALL);
    }
    table.RegisterAdaptersChangedEvent = refusing_null!(
        IDXGIFactory7_Vtbl::<Factory_Impl>::RegisterAdaptersChangedEvent(event: HANDLE => u32),
        DXGI_ERROR_INVALID_CALL);
    table
};

/// The vtable of most factories.
static WHOLE: IDXGIFactory7_Vtbl = with_query(query::<false>);

/// The vtable of what `CreateDXGIFactory` makes.
static FIRST: IDXGIFactory7_Vtbl = with_query(query::<true>);

/// `QueryInterface` of any object.
type Query = unsafe extern "system" fn(*mut c_void, *const GUID, *mut *mut c_void) -> HRESULT;

const fn with_query(query: Query) -> IDXGIFactory7_Vtbl {
    let mut table = TABLE;
    table.base__.base__.base__.base__.base__.base__.base__.base__.base__.QueryInterface = query;
    table
}

/// `QueryInterface`: as on Windows, the `IUnknown` of a factory is the same pointer as the factory; and those that are the
/// `FIRST` version are no `IDXGIFactory1`, by which programs tell which rules DXGI plays by.
unsafe extern "system" fn query<const FIRST: bool>(
    this: *mut c_void,
    iid: *const GUID,
    interface: *mut *mut c_void,
) -> HRESULT {
    const ORIGINAL: windows_core::IUnknown_Vtbl =
        TABLE.base__.base__.base__.base__.base__.base__.base__.base__.base__;
    if iid.is_null() || interface.is_null() {
        return E_POINTER;
    }
    // SAFETY: COM's contract: not null means valid.
    let iid = unsafe { iid.read() };
    if FIRST && iid == IDXGIFactory1::IID {
        // SAFETY: as above.
        unsafe { interface.write(std::ptr::null_mut()) };
        return E_NOINTERFACE;
    }
    // All interfaces of a factory are one pointer.
    let iid = if iid == IUnknown::IID { IDXGIFactory::IID } else { iid };
    // SAFETY: these are the arguments of an entry of this object's vtable.
    unsafe { (ORIGINAL.QueryInterface)(this, &iid, interface) }
}

impl Factory {
    /// A factory; `flags` are those of `CreateDXGIFactory2`, `first` is for `CreateDXGIFactory`.
    pub fn open(flags: u32, first: bool) -> IDXGIFactory7 {
        let factory = Self {
            flags,
            associations: Arc::default(),
            private: PrivateData::default(),
            adapter: Mutex::new(None),
        };
        vtable::replace(IDXGIFactory7::from(factory), if first { &FIRST } else { &WHOLE })
    }
}

impl Factory_Impl {
    /// Adapter `index`: there is one, as long as a host serves the link.
    fn adapter(&self, index: u32) -> Result<IDXGIAdapter4> {
        if index != 0 {
            return Err(DXGI_ERROR_NOT_FOUND.into());
        }
        let kernel = kernel::open_adapter()?;
        self.adapter.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| kernel.clone());
        Adapter::open(self.to_interface::<IDXGIFactory7>().into(), kernel)
    }

    fn swap_chain(&self, device: Ref<'_, IUnknown>, creation: Creation) -> Result<IDXGISwapChain1> {
        let device = device.as_ref().ok_or(DXGI_ERROR_INVALID_CALL)?;
        let factory = self.to_interface::<IDXGIFactory7>().into();
        swap_chain::create(factory, Arc::clone(&self.associations), device, creation)
    }
}

impl IDXGIObject_Impl for Factory_Impl {
    fn SetPrivateData(&self, name: *const GUID, size: u32, data: *const c_void) -> Result<()> {
        // SAFETY: the arguments follow DXGI's contract, which is that of `set`.
        unsafe { self.private.set(name, size, data) }
    }

    fn SetPrivateDataInterface(&self, name: *const GUID, interface: Ref<'_, IUnknown>) -> Result<()> {
        // SAFETY: as above.
        unsafe { self.private.set_interface(name, interface) }
    }

    fn GetPrivateData(&self, name: *const GUID, size: *mut u32, data: *mut c_void) -> Result<()> {
        // SAFETY: as above.
        unsafe { self.private.get(name, size, data) }
    }

    /// Nothing is above a factory.
    fn GetParent(&self, _riid: *const GUID, parent: *mut *mut c_void) -> Result<()> {
        if !parent.is_null() {
            // SAFETY: DXGI's contract: not null means valid for writing.
            unsafe { parent.write(std::ptr::null_mut()) };
        }
        Err(E_NOINTERFACE.into())
    }
}

impl IDXGIFactory_Impl for Factory_Impl {
    fn EnumAdapters(&self, adapter: u32) -> Result<IDXGIAdapter> {
        self.adapter(adapter)?.cast()
    }

    /// Which windows do not want Alt+Enter. The print-screen key is never taken from a window here.
    fn MakeWindowAssociation(&self, window: HWND, flags: DXGI_MWA_FLAGS) -> Result<()> {
        if flags.0 & !association::VALID != 0 {
            return Err(DXGI_ERROR_INVALID_CALL.into());
        }
        self.associations.set(Window::new(window), flags.0);
        Ok(())
    }

    /// Always none, as on Windows.
    fn GetWindowAssociation(&self) -> Result<HWND> {
        Ok(HWND::default())
    }

    fn CreateSwapChain(
        &self,
        device: Ref<'_, IUnknown>,
        desc: *const DXGI_SWAP_CHAIN_DESC,
        swap_chain: OutRef<'_, IDXGISwapChain>,
    ) -> HRESULT {
        // SAFETY: DXGI's contract: null or valid.
        let Some(desc) = (unsafe { desc.as_ref() }) else { return DXGI_ERROR_INVALID_CALL };
        if swap_chain.is_null() {
            return DXGI_ERROR_INVALID_CALL;
        }
        let made = self.swap_chain(device, Creation::from_desc(desc)).and_then(|chain| chain.cast());
        let (chain, result) = match made {
            Ok(chain) => (Some(chain), HRESULT(0)),
            Err(error) => (None, error.code()),
        };
        match swap_chain.write(chain) {
            Ok(()) => result,
            Err(error) => error.code(),
        }
    }

    fn CreateSoftwareAdapter(&self, _module: HMODULE) -> Result<IDXGIAdapter> {
        Err(DXGI_ERROR_UNSUPPORTED.into())
    }
}

impl IDXGIFactory1_Impl for Factory_Impl {
    fn EnumAdapters1(&self, adapter: u32) -> Result<IDXGIAdapter1> {
        self.adapter(adapter)?.cast()
    }

    fn IsCurrent(&self) -> BOOL {
        let adapter = self.adapter.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // SAFETY: the interface is live.
        let removed = adapter.is_some_and(|adapter| unsafe { adapter.IsRemoved() }.as_bool());
        (!removed).into()
    }
}

impl IDXGIFactory2_Impl for Factory_Impl {
    fn IsWindowedStereoEnabled(&self) -> BOOL {
        false.into()
    }

    fn CreateSwapChainForHwnd(
        &self,
        device: Ref<'_, IUnknown>,
        window: HWND,
        desc: *const DXGI_SWAP_CHAIN_DESC1,
        fullscreen: *const DXGI_SWAP_CHAIN_FULLSCREEN_DESC,
        restrict_to: Ref<'_, IDXGIOutput>,
    ) -> Result<IDXGISwapChain1> {
        // SAFETY: DXGI's contract: null or valid.
        let desc = unsafe { desc.as_ref() }.ok_or(DXGI_ERROR_INVALID_CALL)?;
        // SAFETY: as above.
        let fullscreen = unsafe { fullscreen.as_ref() };
        self.swap_chain(
            device,
            Creation::from_desc1(Window::new(window), desc, fullscreen, restrict_to.cloned()),
        )
    }

    /// `E_NOTIMPL`, as DXGI says where there are no such windows: they belong to packaged apps.
    fn CreateSwapChainForCoreWindow(
        &self,
        device: Ref<'_, IUnknown>,
        window: Ref<'_, IUnknown>,
        desc: *const DXGI_SWAP_CHAIN_DESC1,
        _restrict_to: Ref<'_, IDXGIOutput>,
    ) -> Result<IDXGISwapChain1> {
        let wrong = device.is_null() || window.is_null() || desc.is_null();
        Err(if wrong { DXGI_ERROR_INVALID_CALL } else { E_NOTIMPL }.into())
    }

    fn GetSharedResourceAdapterLuid(&self, _resource: HANDLE) -> Result<LUID> {
        Err(DXGI_ERROR_UNSUPPORTED.into())
    }

    fn RegisterStereoStatusWindow(&self, window: HWND, message: u32) -> Result<u32> {
        status::register_window(Change::Stereo, window, message)
    }

    fn RegisterStereoStatusEvent(&self, event: HANDLE) -> Result<u32> {
        status::register_event(Change::Stereo, event)
    }

    fn UnregisterStereoStatus(&self, cookie: u32) {
        status::unregister(Change::Stereo, cookie);
    }

    fn RegisterOcclusionStatusWindow(&self, window: HWND, message: u32) -> Result<u32> {
        status::register_window(Change::Occlusion, window, message)
    }

    fn RegisterOcclusionStatusEvent(&self, event: HANDLE) -> Result<u32> {
        status::register_event(Change::Occlusion, event)
    }

    fn UnregisterOcclusionStatus(&self, cookie: u32) {
        status::unregister(Change::Occlusion, cookie);
    }

    /// `E_NOTIMPL`, as DXGI says where there is no DirectComposition.
    fn CreateSwapChainForComposition(
        &self,
        device: Ref<'_, IUnknown>,
        desc: *const DXGI_SWAP_CHAIN_DESC1,
        _restrict_to: Ref<'_, IDXGIOutput>,
    ) -> Result<IDXGISwapChain1> {
        let wrong = device.is_null() || desc.is_null();
        Err(if wrong { DXGI_ERROR_INVALID_CALL } else { E_NOTIMPL }.into())
    }
}

impl IDXGIFactory3_Impl for Factory_Impl {
    fn GetCreationFlags(&self) -> DXGI_CREATE_FACTORY_FLAGS {
        DXGI_CREATE_FACTORY_FLAGS(self.flags)
    }
}

impl IDXGIFactory4_Impl for Factory_Impl {
    fn EnumAdapterByLuid(&self, luid: &LUID, riid: *const GUID, adapter: *mut *mut c_void) -> Result<()> {
        if adapter.is_null() {
            return Err(DXGI_ERROR_INVALID_CALL.into());
        }
        let found = self.adapter(0)?;
        let mut desc = PvgpuAdapterDesc::default();
        // SAFETY: `desc` is valid for writing.
        unsafe { kernel::open_adapter()?.GetDesc(&mut desc) }.ok()?;
        if super::adapter::luid(desc.luid) != *luid {
            return Err(DXGI_ERROR_NOT_FOUND.into());
        }
        // SAFETY: DXGI's contract: a valid interface id and out-pointer.
        unsafe { found.query(riid, adapter) }.ok()
    }

    fn EnumWarpAdapter(&self, _riid: *const GUID, _adapter: *mut *mut c_void) -> Result<()> {
        Err(DXGI_ERROR_UNSUPPORTED.into())
    }
}

impl IDXGIFactory5_Impl for Factory_Impl {
    fn CheckFeatureSupport(&self, feature: DXGI_FEATURE, data: *mut c_void, size: u32) -> Result<()> {
        if feature != DXGI_FEATURE_PRESENT_ALLOW_TEARING
            || size as usize != size_of::<BOOL>()
            || data.is_null()
        {
            return Err(DXGI_ERROR_INVALID_CALL.into());
        }
        // SAFETY: the caller passes a BOOL, as its size says; nothing is said about its alignment.
        unsafe { data.cast::<BOOL>().write_unaligned(true.into()) };
        Ok(())
    }
}

impl IDXGIFactory6_Impl for Factory_Impl {
    fn EnumAdapterByGpuPreference(
        &self,
        adapter: u32,
        _preference: DXGI_GPU_PREFERENCE,
        riid: *const GUID,
        object: *mut *mut c_void,
    ) -> Result<()> {
        if object.is_null() {
            return Err(DXGI_ERROR_INVALID_CALL.into());
        }
        let found = self.adapter(adapter)?;
        // SAFETY: DXGI's contract: a valid interface id and out-pointer.
        unsafe { found.query(riid, object) }.ok()
    }
}

impl IDXGIFactory7_Impl for Factory_Impl {
    fn RegisterAdaptersChangedEvent(&self, event: HANDLE) -> Result<u32> {
        status::register_event(Change::Adapters, event)
    }

    fn UnregisterAdaptersChangedEvent(&self, cookie: u32) -> Result<()> {
        let ended = status::unregister(Change::Adapters, cookie);
        if ended { Ok(()) } else { Err(DXGI_ERROR_INVALID_CALL.into()) }
    }
}
