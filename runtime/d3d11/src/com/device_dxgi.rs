//! `IDXGIDevice3` of the device, and `IDXGIObject` of everything that has it.

use core::ffi::c_void;
use core::sync::atomic::Ordering;

use windows::Win32::Foundation::HANDLE;
use windows::Win32::Graphics::Dxgi::{
    DXGI_OFFER_RESOURCE_PRIORITY, DXGI_RESIDENCY, DXGI_SHARED_RESOURCE, DXGI_SURFACE_DESC, DXGI_USAGE,
    IDXGIAdapter, IDXGIDevice_Impl, IDXGIDevice1_Impl, IDXGIDevice2_Impl, IDXGIDevice3_Impl,
    IDXGIObject_Impl, IDXGIResource, IDXGISurface,
};
use windows_core::{BOOL, GUID, IUnknown, IUnknownImpl, Interface, Ref};

use super::convert::{com, error};
use super::device::{DEFAULT_FRAME_LATENCY, Device};
use super::guard::Guard;
use super::object::{Class, Com};
use super::resource::Resource;
use crate::hresult::{DXGI_ERROR_INVALID_CALL, E_INVALIDARG, E_NOTIMPL, E_POINTER, require};

/// Largest value of `SetMaximumFrameLatency`.
const MAX_FRAME_LATENCY: u32 = 16;

/// A class that DXGI knows too.
pub trait DxgiObject: Class {
    /// `GetParent`: the interface `riid` of the parent.
    ///
    /// # Safety
    /// `riid` and `parent` are valid.
    unsafe fn parent(this: &Com<Self>, riid: *const GUID, parent: *mut *mut c_void) -> windows_core::HRESULT;
}

impl DxgiObject for Device {
    unsafe fn parent(this: &Com<Self>, riid: *const GUID, parent: *mut *mut c_void) -> windows_core::HRESULT {
        // SAFETY: the caller's promise.
        unsafe { this.inner.dxgi_adapter.query(riid, parent) }
    }
}

impl DxgiObject for Resource {
    unsafe fn parent(this: &Com<Self>, riid: *const GUID, parent: *mut *mut c_void) -> windows_core::HRESULT {
        // SAFETY: the caller's promise.
        unsafe { this.device().QueryInterface(riid, parent) }
    }
}

impl<T: DxgiObject> IDXGIObject_Impl for Com<T> {
    fn SetPrivateData(&self, name: *const GUID, size: u32, data: *const c_void) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        com(unsafe { self.set_private_data(name, size, data) })
    }

    fn SetPrivateDataInterface(&self, name: *const GUID, data: Ref<IUnknown>) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        com(unsafe { self.set_private_data_interface(name, data.cloned()) })
    }

    fn GetPrivateData(
        &self,
        name: *const GUID,
        size: *mut u32,
        data: *mut c_void,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        com(unsafe { self.get_private_data(name, size, data) })
    }

    fn GetParent(&self, riid: *const GUID, parent: *mut *mut c_void) -> windows_core::Result<()> {
        if riid.is_null() || parent.is_null() {
            return Err(error(E_POINTER));
        }
        // SAFETY: just checked, and valid by COM's contract.
        unsafe { T::parent(self, riid, parent) }.ok()
    }
}

impl IDXGIDevice_Impl for Com<Device> {
    fn GetAdapter(&self) -> windows_core::Result<IDXGIAdapter> {
        Ok(self.inner.dxgi_adapter.clone())
    }

    fn CreateSurface(
        &self,
        _desc: *const DXGI_SURFACE_DESC,
        _count: u32,
        _usage: DXGI_USAGE,
        _shared: *const DXGI_SHARED_RESOURCE,
        _surface: *mut Option<IDXGISurface>,
    ) -> windows_core::Result<()> {
        // Microsoft documents it as internal: applications create textures.
        Err(error(E_NOTIMPL))
    }

    fn QueryResourceResidency(
        &self,
        resources: *const Option<IUnknown>,
        status: *mut DXGI_RESIDENCY,
        count: u32,
    ) -> windows_core::Result<()> {
        if resources.is_null() || status.is_null() {
            return Err(error(E_INVALIDARG));
        }
        // SAFETY: COM's contract.
        let resources = unsafe { core::slice::from_raw_parts(resources, count as usize) };
        let mut handles = Vec::with_capacity(resources.len());
        let mut alive = Vec::with_capacity(resources.len());
        for resource in resources {
            let resource: IDXGIResource = resource.as_ref().ok_or_else(|| error(E_INVALIDARG))?.cast()?;
            handles.push(Resource::of_dxgi(&resource).handle() as usize);
            alive.push(resource);
        }
        let found = com(Guard::new(&self.inner).driver.query_residency(&handles))?;
        for (at, residency) in found.into_iter().enumerate() {
            // SAFETY: COM's contract: as many as `resources`.
            let place = unsafe { status.add(at) };
            // SAFETY: as above.
            unsafe { place.write(DXGI_RESIDENCY(residency.cast_signed())) };
        }
        Ok(())
    }

    fn SetGPUThreadPriority(&self, priority: i32) -> windows_core::Result<()> {
        com(require((-7..=7).contains(&priority)))?;
        self.inner.gpu_thread_priority.store(priority, Ordering::Relaxed);
        Ok(())
    }

    fn GetGPUThreadPriority(&self) -> windows_core::Result<i32> {
        Ok(self.inner.gpu_thread_priority.load(Ordering::Relaxed))
    }
}

impl IDXGIDevice1_Impl for Com<Device> {
    fn SetMaximumFrameLatency(&self, latency: u32) -> windows_core::Result<()> {
        if latency > MAX_FRAME_LATENCY {
            return Err(error(DXGI_ERROR_INVALID_CALL));
        }
        let latency = if latency == 0 { DEFAULT_FRAME_LATENCY } else { latency };
        self.inner.frame_latency.store(latency, Ordering::Relaxed);
        Ok(())
    }

    fn GetMaximumFrameLatency(&self) -> windows_core::Result<u32> {
        Ok(self.inner.frame_latency.load(Ordering::Relaxed))
    }
}

impl IDXGIDevice2_Impl for Com<Device> {
    fn OfferResources(
        &self,
        count: u32,
        resources: *const Option<IDXGIResource>,
        _priority: DXGI_OFFER_RESOURCE_PRIORITY,
    ) -> windows_core::Result<()> {
        // An offer allows the system to discard: it need not.
        com(require(count == 0 || !resources.is_null()))
    }

    fn ReclaimResources(
        &self,
        count: u32,
        resources: *const Option<IDXGIResource>,
        discarded: *mut BOOL,
    ) -> windows_core::Result<()> {
        com(require(count == 0 || !resources.is_null()))?;
        if !discarded.is_null() {
            for at in 0..count as usize {
                // SAFETY: COM's contract: `count` answers.
                let place = unsafe { discarded.add(at) };
                // SAFETY: as above.
                unsafe { place.write(false.into()) };
            }
        }
        Ok(())
    }

    fn EnqueueSetEvent(&self, _event: HANDLE) -> windows_core::Result<()> {
        // The driver's DDI has no event that the kernel sets on completion; a query does the same.
        Err(error(E_NOTIMPL))
    }
}

impl IDXGIDevice3_Impl for Com<Device> {
    fn Trim(&self) {
        Guard::new(&self.inner).driver.flush();
    }
}
