//! Deferred contexts: `ID3D11DeviceContext4` that records.

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::NonNull;
use std::sync::Arc;

use pvgpu_umd_ddi::D3D10DDI_MAPPED_SUBRESOURCE;
use windows::Win32::Foundation::HANDLE;
use windows::Win32::Graphics::Direct3D11::{
    D3D11_DEVICE_CONTEXT_DEFERRED, D3D11_DEVICE_CONTEXT_TYPE, ID3D11DeviceContext4_Vtbl,
    ID3DUserDefinedAnnotation_Vtbl,
};
use windows_core::GUID;

use super::super::device::Device;
use super::super::guard::{Locked, Pipeline};
use super::super::object::{CHAINS, Class, Com, vtable};
use super::super::query::{Query, RESULT_WORDS};
use super::super::record::references::References;
use super::super::record::stream::{Reader, Value};
use super::super::record::{Recorder, copy_rows};
use super::super::resource::Resource;
use super::list::{self, CommandList};
use super::state::State;
use super::state_object::ContextState;
use super::{ANNOTATION, Kind};
use crate::desc::subresource::packed;
use crate::hresult::{
    D3D11_ERROR_DEFERRED_CONTEXT_MAP_WITHOUT_INITIAL_DISCARD, DXGI_ERROR_INVALID_CALL, E_INVALIDARG, Result,
    require,
};
use crate::map::{Mode, entry};

/// A deferred context. One thread uses it at a time, as Direct3D 11 demands: it has no lock.
pub struct Deferred {
    pipeline: UnsafeCell<Pipeline<Recorder>>,
}

/// A new deferred context with one public reference.
pub fn new(device: &Com<Device>) -> NonNull<Com<Deferred>> {
    let mut vtables = [core::ptr::null(); CHAINS];
    vtables[0] = vtable!(ID3D11DeviceContext4_Vtbl, Com<Deferred>, 0);
    vtables[ANNOTATION] = vtable!(ID3DUserDefinedAnnotation_Vtbl, Com<Deferred>, 2);
    let pipeline = Pipeline {
        driver: Recorder::new(Arc::clone(&device.inner.chunks)),
        state: State::default(),
        own: (),
        graves: References::default(),
    };
    let deferred = Deferred { pipeline: UnsafeCell::new(pipeline) };
    Com::new(vtables, device, core::ptr::null_mut(), deferred)
}

impl Class for Deferred {
    fn chain(&self, iid: &GUID) -> Option<usize> {
        if ID3D11DeviceContext4_Vtbl::matches(iid) {
            Some(0)
        } else {
            ID3DUserDefinedAnnotation_Vtbl::matches(iid).then_some(ANNOTATION)
        }
    }

    fn destroy(&self, _handle: *mut c_void, locked: &mut Locked) {
        // SAFETY: the last reference is gone, so nobody uses the context.
        let pipeline = unsafe { &mut *self.pipeline.get() };
        pipeline.state = State::default();
        pipeline.graves.finish().forget(&mut locked.graves);
    }
}

impl Kind for Deferred {
    type Sink = Recorder;
    type Access<'a> = &'a mut Pipeline<Recorder>;
    const TYPE: D3D11_DEVICE_CONTEXT_TYPE = D3D11_DEVICE_CONTEXT_DEFERRED;

    #[inline]
    fn access(this: &Com<Self>) -> Self::Access<'_> {
        // SAFETY: by Direct3D 11's rule one thread uses the context at a time, and no method of it calls another while it has this.
        unsafe { &mut *this.inner.pipeline.get() }
    }

    fn map(
        this: &Com<Self>,
        resource: &Com<Resource>,
        subresource: u32,
        mode: u32,
        flags: u32,
    ) -> Result<D3D10DDI_MAPPED_SUBRESOURCE> {
        let mode = Mode::new(mode)?;
        require(matches!(mode, Mode::WriteDiscard | Mode::WriteNoOverwrite) && flags == 0)?;
        entry(resource.inner.flags(), resource.inner.is_buffer(), mode)?;
        Self::access(this).map(resource, subresource, mode)
    }

    // The memory is the list's: there is nothing to do.
    fn unmap(_this: &Com<Self>, _resource: &Com<Resource>, _subresource: u32) {}

    fn begin(this: &Com<Self>, query: &Com<Query>) {
        fn play(locked: &mut Locked, reader: &mut Reader<'_>) {
            // SAFETY: the list holds the query.
            if let Some(query) = unsafe { Com::<Query>::from_raw(Value::get(reader)) } {
                locked.begin(query);
            }
        }
        let pipeline = Self::access(this);
        pipeline.graves.touch(query);
        let pointer = core::ptr::from_ref(query).cast_mut().cast::<c_void>();
        pointer.put(&mut pipeline.driver.begin(play, pointer.words()));
    }

    fn end(this: &Com<Self>, query: &Com<Query>) {
        fn play(locked: &mut Locked, reader: &mut Reader<'_>) {
            // SAFETY: the list holds the query.
            if let Some(query) = unsafe { Com::<Query>::from_raw(Value::get(reader)) } {
                locked.end(query);
            }
        }
        let pipeline = Self::access(this);
        pipeline.graves.touch(query);
        let pointer = core::ptr::from_ref(query).cast_mut().cast::<c_void>();
        pointer.put(&mut pipeline.driver.begin(play, pointer.words()));
    }

    fn get_data(
        _this: &Com<Self>,
        _query: &Com<Query>,
        _size: u32,
        _flags: u32,
    ) -> Result<[u64; RESULT_WORDS]> {
        Err(DXGI_ERROR_INVALID_CALL)
    }

    // What a list records is sent when the list is executed and the immediate context flushed.
    fn flush(_this: &Com<Self>) {}

    fn set_event(_this: &Com<Self>, _event: HANDLE) {}

    fn finish(this: &Com<Self>, restore: bool) -> Result<NonNull<Com<CommandList>>> {
        this.device().inner.kernel.require_alive()?;
        let pipeline = Self::access(this);
        if restore {
            pipeline.state.send_nothing(&mut pipeline.driver);
        } else {
            pipeline.clear_state();
        }
        let kept = pipeline.graves.finish();
        let list = list::new(this.device(), pipeline.driver.finish(), kept);
        if restore {
            // The next list begins with what is bound, and keeps it alive.
            pipeline.state.hold(&mut pipeline.graves);
            pipeline.state.send(&mut pipeline.driver);
        }
        Ok(list)
    }

    fn swap_state(_this: &Com<Self>, _state: Option<&Com<ContextState>>) -> *mut c_void {
        // Of the immediate context only.
        core::ptr::null_mut()
    }
}

impl Pipeline<Recorder> {
    /// Maps a dynamic resource: memory of the list, from which the resource is filled when the list is played.
    fn map(
        &mut self,
        resource: &Com<Resource>,
        subresource: u32,
        mode: Mode,
    ) -> Result<D3D10DDI_MAPPED_SUBRESOURCE> {
        fn play(locked: &mut Locked, reader: &mut Reader<'_>) {
            // SAFETY: the list holds the resource.
            let resource = unsafe { Com::<Resource>::from_raw(Value::get(reader)) };
            let subresource = u32::get(reader);
            let data = <&[u8]>::get(reader);
            if let Some(resource) = resource {
                locked.fill(resource, subresource, data);
            }
        }
        let size = resource.inner.subresource_size(subresource).ok_or(E_INVALIDARG)?;
        let shape = packed(resource.inner.format(), &size, None).ok_or(E_INVALIDARG)?;
        let pitches = [shape.row_bytes, shape.row_bytes.saturating_mul(shape.rows)];
        let data = if mode == Mode::WriteNoOverwrite {
            // What was drawn from does not change, so the list's last discarding Map can fill in all that follows it.
            let data = self.graves.data(resource);
            if data.is_null() {
                return Err(D3D11_ERROR_DEFERRED_CONTEXT_MAP_WITHOUT_INITIAL_DISCARD);
            }
            data
        } else {
            let pointer = core::ptr::from_ref(resource).cast_mut().cast::<c_void>();
            let words =
                pointer.words() + subresource.words() + super::super::record::stream::words_of(shape.bytes());
            let mut writer = self.driver.begin(play, words);
            pointer.put(&mut writer);
            subresource.put(&mut writer);
            let data = writer.bytes(shape.bytes());
            // Only buffers may be mapped without overwriting, and they have one subresource.
            self.graves.set_data(resource, data);
            data
        };
        Ok(D3D10DDI_MAPPED_SUBRESOURCE { pData: data.cast(), RowPitch: pitches[0], DepthPitch: pitches[1] })
    }
}

impl Locked {
    /// Writes all of a dynamic resource's subresource anew. A resource that cannot be mapped (the device is gone) keeps its
    /// contents.
    fn fill(&mut self, resource: &Com<Resource>, subresource: u32, data: &[u8]) {
        let Ok(entry) = entry(resource.inner.flags(), resource.inner.is_buffer(), Mode::WriteDiscard) else {
            return;
        };
        let Some(size) = resource.inner.subresource_size(subresource) else { return };
        let Some(shape) = packed(resource.inner.format(), &size, None) else { return };
        if shape.bytes() > data.len() {
            return;
        }
        let handle = resource.handle();
        let Ok(mapped) = self.driver.map(entry, Mode::WriteDiscard, handle, subresource, false) else {
            return;
        };
        let pitches = [shape.row_bytes, shape.row_bytes.saturating_mul(shape.rows)];
        // SAFETY: the data has the packed bytes, and the driver's memory those that its pitches say.
        unsafe {
            copy_rows(
                &shape,
                data.as_ptr(),
                pitches,
                mapped.pData.cast(),
                [mapped.RowPitch, mapped.DepthPitch],
            );
        }
        self.driver.unmap(entry, handle, subresource);
    }
}
