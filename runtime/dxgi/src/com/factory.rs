//! Factories: they list the adapter and make swap chains.

#![expect(unsafe_code, reason = "implements COM interfaces")]

use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};

use pvgpu_interfaces::{IPvgpuKernelAdapter, PvgpuAdapterDesc};
use windows::Win32::Foundation::{E_NOINTERFACE, HANDLE, HMODULE, HWND, LUID};
use windows::Win32::Graphics::Dxgi::{
    DXGI_CREATE_FACTORY_FLAGS, DXGI_ERROR_INVALID_CALL, DXGI_ERROR_NOT_FOUND, DXGI_ERROR_UNSUPPORTED,
    DXGI_FEATURE, DXGI_FEATURE_PRESENT_ALLOW_TEARING, DXGI_GPU_PREFERENCE, DXGI_MWA_FLAGS,
    DXGI_SWAP_CHAIN_DESC, DXGI_SWAP_CHAIN_DESC1, DXGI_SWAP_CHAIN_FULLSCREEN_DESC, IDXGIAdapter,
    IDXGIAdapter1, IDXGIAdapter3, IDXGIFactory_Impl, IDXGIFactory1_Impl, IDXGIFactory2_Impl,
    IDXGIFactory3_Impl, IDXGIFactory4_Impl, IDXGIFactory5_Impl, IDXGIFactory6, IDXGIFactory6_Impl,
    IDXGIObject_Impl, IDXGIOutput, IDXGISwapChain, IDXGISwapChain1,
};
use windows_core::{BOOL, GUID, HRESULT, IUnknown, IUnknownImpl, Interface, OutRef, Ref, Result, implement};

use super::adapter::Adapter;
use super::kernel;
use super::private_data::PrivateData;
use super::swap_chain::{self, Creation};
use crate::gdi::window::Window;

/// `DXGI_MWA_VALID`: all flags of `MakeWindowAssociation`.
const DXGI_MWA_VALID: u32 = 7;

/// A factory.
#[implement(IDXGIFactory6)]
pub struct Factory {
    flags: u32,
    private: PrivateData,
    /// The adapter that was listed first: once it is removed, the factory is not current any more.
    adapter: Mutex<Option<IPvgpuKernelAdapter>>,
}

impl Factory {
    /// A factory; `flags` are those of `CreateDXGIFactory2`.
    pub fn new(flags: u32) -> Self {
        Self { flags, private: PrivateData::default(), adapter: Mutex::new(None) }
    }
}

impl Factory_Impl {
    /// Adapter `index`: there is one, as long as a host serves the link.
    fn adapter(&self, index: u32) -> Result<IDXGIAdapter3> {
        if index != 0 {
            return Err(DXGI_ERROR_NOT_FOUND.into());
        }
        let kernel = kernel::open_adapter()?;
        self.adapter.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| kernel.clone());
        Ok(Adapter::new(self.to_interface::<IDXGIFactory6>().into(), kernel)?.into())
    }

    fn swap_chain(&self, device: Ref<'_, IUnknown>, creation: Creation) -> Result<IDXGISwapChain1> {
        let device = device.as_ref().ok_or(DXGI_ERROR_INVALID_CALL)?;
        swap_chain::create(self.to_interface::<IDXGIFactory6>().into(), device, creation)
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

    fn GetParent(&self, _riid: *const GUID, _parent: *mut *mut c_void) -> Result<()> {
        Err(E_NOINTERFACE.into())
    }
}

impl IDXGIFactory_Impl for Factory_Impl {
    fn EnumAdapters(&self, adapter: u32) -> Result<IDXGIAdapter> {
        self.adapter(adapter)?.cast()
    }

    /// Without effect: no key press switches to full-screen here, so there is nothing to turn off.
    fn MakeWindowAssociation(&self, _window: HWND, flags: DXGI_MWA_FLAGS) -> Result<()> {
        if flags.0 & !DXGI_MWA_VALID != 0 {
            return Err(DXGI_ERROR_INVALID_CALL.into());
        }
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

    fn CreateSwapChainForCoreWindow(
        &self,
        _device: Ref<'_, IUnknown>,
        _window: Ref<'_, IUnknown>,
        _desc: *const DXGI_SWAP_CHAIN_DESC1,
        _restrict_to: Ref<'_, IDXGIOutput>,
    ) -> Result<IDXGISwapChain1> {
        Err(DXGI_ERROR_UNSUPPORTED.into())
    }

    fn GetSharedResourceAdapterLuid(&self, _resource: HANDLE) -> Result<LUID> {
        Err(DXGI_ERROR_UNSUPPORTED.into())
    }

    fn RegisterStereoStatusWindow(&self, _window: HWND, _message: u32) -> Result<u32> {
        Err(DXGI_ERROR_UNSUPPORTED.into())
    }

    fn RegisterStereoStatusEvent(&self, _event: HANDLE) -> Result<u32> {
        Err(DXGI_ERROR_UNSUPPORTED.into())
    }

    fn UnregisterStereoStatus(&self, _cookie: u32) {}

    fn RegisterOcclusionStatusWindow(&self, _window: HWND, _message: u32) -> Result<u32> {
        Err(DXGI_ERROR_UNSUPPORTED.into())
    }

    fn RegisterOcclusionStatusEvent(&self, _event: HANDLE) -> Result<u32> {
        Err(DXGI_ERROR_UNSUPPORTED.into())
    }

    fn UnregisterOcclusionStatus(&self, _cookie: u32) {}

    fn CreateSwapChainForComposition(
        &self,
        _device: Ref<'_, IUnknown>,
        _desc: *const DXGI_SWAP_CHAIN_DESC1,
        _restrict_to: Ref<'_, IDXGIOutput>,
    ) -> Result<IDXGISwapChain1> {
        Err(DXGI_ERROR_UNSUPPORTED.into())
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
