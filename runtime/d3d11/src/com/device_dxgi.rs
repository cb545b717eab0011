//! `IDXGIDevice4` of the device, and `IDXGIObject` of everything that has it.

use core::ffi::c_void;
use core::sync::atomic::Ordering;
use core::time::Duration;

use windows::Win32::Foundation::HANDLE;
use windows::Win32::Graphics::Direct3D11::{D3D11_QUERY_DESC, D3D11_QUERY_EVENT};
use windows::Win32::Graphics::Dxgi::{
    DXGI_OFFER_RESOURCE_FLAG_ALLOW_DECOMMIT, DXGI_OFFER_RESOURCE_FLAGS, DXGI_OFFER_RESOURCE_PRIORITY,
    DXGI_RECLAIM_RESOURCE_RESULT_OK, DXGI_RECLAIM_RESOURCE_RESULTS, DXGI_RESIDENCY, DXGI_SHARED_RESOURCE,
    DXGI_SURFACE_DESC, DXGI_USAGE, IDXGIAdapter, IDXGIDevice_Impl, IDXGIDevice_Vtbl, IDXGIDevice1_Impl,
    IDXGIDevice1_Vtbl, IDXGIDevice2_Impl, IDXGIDevice3_Impl, IDXGIDevice4_Impl, IDXGIDevice4_Vtbl,
    IDXGIObject_Impl, IDXGIResource, IDXGISurface,
};
use windows::Win32::System::Threading::SetEvent;
use windows_core::{BOOL, GUID, IUnknown, IUnknownImpl, Interface, Ref};

use super::convert::{com, error};
use super::device::{DEFAULT_FRAME_LATENCY, Device};
use super::device_present::bind_of;
use super::guard::Guard;
use super::object::{Class, Com, refusing_null};
use super::query::Query;
use super::resource::Resource;
use crate::desc::resource::{Flags, Usage};
use crate::desc::texture::{Desc, Dimension};
use crate::desc::view::Shape;
use crate::hresult::{DXGI_ERROR_INVALID_CALL, E_INVALIDARG, E_OUTOFMEMORY, E_POINTER, S_FALSE, require};

/// How the DXGI side of devices treats null pointers.
pub static TABLE: IDXGIDevice4_Vtbl = {
    let mut table = IDXGIDevice4_Vtbl::new::<Com<Device>, -1>();
    table.base__.base__.base__.base__.GetAdapter = refusing_null!(
        IDXGIDevice_Vtbl::<Com<Device>, -1>::GetAdapter(=> *mut c_void), E_INVALIDARG);
    table.base__.base__.base__.base__.GetGPUThreadPriority = refusing_null!(
        IDXGIDevice_Vtbl::<Com<Device>, -1>::GetGPUThreadPriority(=> i32), E_INVALIDARG);
    table.base__.base__.base__.GetMaximumFrameLatency = refusing_null!(
        IDXGIDevice1_Vtbl::<Com<Device>, -1>::GetMaximumFrameLatency(=> u32), DXGI_ERROR_INVALID_CALL);
    table
};

/// `D3D11_ASYNC_GETDATA_DONOTFLUSH`.
const DO_NOT_FLUSH: u32 = 1;
/// TIMEOUT: how often it is looked whether the GPU has come to where an event is to be set.
const EVENT_PERIOD: Duration = Duration::from_millis(1);
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
        desc: *const DXGI_SURFACE_DESC,
        count: u32,
        usage: DXGI_USAGE,
        shared: *const DXGI_SHARED_RESOURCE,
        surfaces: *mut Option<IDXGISurface>,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        let desc = unsafe { desc.as_ref() }.ok_or_else(|| error(E_INVALIDARG))?;
        com(require(count != 0 && !surfaces.is_null() && shared.is_null()))?;
        let texture = Desc {
            dimension: Dimension::Two,
            width: desc.Width,
            height: desc.Height,
            depth: 1,
            mip_levels: 1,
            array_size: 1,
            format: desc.Format.0.cast_unsigned(),
            sample_count: desc.SampleDesc.Count,
            sample_quality: desc.SampleDesc.Quality,
            flags: Flags { usage: Usage::Default, bind: bind_of(usage), cpu: 0, misc: 0 },
            back_buffer: false,
        };
        let texture = com(texture.checked(false))?;
        let mut made = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let resource = com(self.create_resource(Shape::Texture(texture), &[], 0))?;
            // SAFETY: it was just created, with a reference for us.
            made.push(unsafe { IUnknown::from_raw(resource) }.cast::<IDXGISurface>()?);
        }
        for (at, surface) in made.into_iter().enumerate() {
            // SAFETY: COM's contract: `count` places.
            let place = unsafe { surfaces.add(at) };
            // SAFETY: as above; what was there is no reference of the caller.
            unsafe { place.write(Some(surface)) };
        }
        Ok(())
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

    /// A thread of its own waits for the GPU: the driver's DDI has no event that the kernel sets on completion.
    fn EnqueueSetEvent(&self, event: HANDLE) -> windows_core::Result<()> {
        com(require(!event.is_invalid()))?;
        let desc = D3D11_QUERY_DESC { Query: D3D11_QUERY_EVENT, MiscFlags: 0 };
        let query = com(self.create_query(&desc, false))?;
        // SAFETY: it was just created, with a reference for us.
        let query = Waiting { query: unsafe { IUnknown::from_raw(query) }, event };
        let pointer = query.query.as_raw();
        // SAFETY: as above.
        if let Some(query) = unsafe { Com::<Query>::from_raw(pointer) } {
            let mut guard = Guard::new(&self.inner);
            guard.end(query);
            guard.driver.flush();
        }
        let started = std::thread::Builder::new().name("pvgpu event".into()).spawn(move || query.wait());
        started.map(drop).map_err(|_| error(E_OUTOFMEMORY))
    }
}

/// An event that is to be set when the GPU has come so far.
struct Waiting {
    /// An event query of the device, which it keeps alive.
    query: IUnknown,
    event: HANDLE,
}

// SAFETY: queries are used under the device's lock only, and an event's handle may be used by any thread.
unsafe impl Send for Waiting {}

impl Waiting {
    /// Waits, then sets the event; also when the device is removed, since nothing of it runs then.
    fn wait(self) {
        let pointer = self.query.as_raw();
        // SAFETY: the query is live: `self` has a reference.
        if let Some(query) = unsafe { Com::<Query>::from_raw(pointer) } {
            let device = query.device();
            let unfinished = || {
                let mut guard = Guard::new(&device.inner);
                matches!(guard.get_data(query, size_of::<BOOL>() as u32, DO_NOT_FLUSH), Err(S_FALSE))
            };
            while device.inner.kernel.require_alive().is_ok() && unfinished() {
                std::thread::sleep(EVENT_PERIOD);
            }
        }
        // SAFETY: any handle is allowed; one that the program closed gives an error.
        let _closed = unsafe { SetEvent(self.event) };
    }
}

impl IDXGIDevice3_Impl for Com<Device> {
    fn Trim(&self) {
        Guard::new(&self.inner).driver.flush();
    }
}

impl IDXGIDevice4_Impl for Com<Device> {
    fn OfferResources1(
        &self,
        count: u32,
        resources: *const Option<IDXGIResource>,
        priority: DXGI_OFFER_RESOURCE_PRIORITY,
        flags: &DXGI_OFFER_RESOURCE_FLAGS,
    ) -> windows_core::Result<()> {
        com(require(flags.0 & !DXGI_OFFER_RESOURCE_FLAG_ALLOW_DECOMMIT.0 == 0))?;
        self.OfferResources(count, resources, priority)
    }

    fn ReclaimResources1(
        &self,
        count: u32,
        resources: *const Option<IDXGIResource>,
        results: *mut DXGI_RECLAIM_RESOURCE_RESULTS,
    ) -> windows_core::Result<()> {
        self.ReclaimResources(count, resources, core::ptr::null_mut())?;
        for at in 0..if results.is_null() { 0 } else { count as usize } {
            // SAFETY: COM's contract: `count` answers.
            let place = unsafe { results.add(at) };
            // SAFETY: as above.
            unsafe { place.write(DXGI_RECLAIM_RESOURCE_RESULT_OK) };
        }
        Ok(())
    }
}
