//! `IPvgpuDxgiDevice`: what dxgi.dll's swap chains need.

use core::ffi::c_void;
use core::time::Duration;

use pvgpu_dxgkrnl::FrameSlot;
use pvgpu_interfaces::{IPvgpuDxgiDevice_Impl, IPvgpuPresentSink, PvgpuBackBufferDesc, PvgpuPresent};
use windows::Win32::Foundation::{E_INVALIDARG, E_POINTER, S_FALSE, S_OK};
use windows::Win32::Graphics::Dxgi::{
    DXGI_USAGE, DXGI_USAGE_RENDER_TARGET_OUTPUT, DXGI_USAGE_SHADER_INPUT, DXGI_USAGE_UNORDERED_ACCESS,
};
use windows_core::{GUID, HRESULT, IUnknownImpl, Interface};

use super::device::Device;
use super::guard::Guard;
use super::object::Com;
use super::resource::Resource;
use super::surface_dc;
use crate::desc::resource::{Flags, Usage, bind, misc};
use crate::desc::texture::{Desc, Dimension};
use crate::desc::view::Shape;
use crate::hresult::{
    DXGI_ERROR_DEVICE_REMOVED, DXGI_ERROR_INVALID_CALL, DXGI_ERROR_WAS_STILL_DRAWING, Hresult, Result,
};

/// A result of the safe part as the plain `HRESULT` of these interfaces.
fn plain(result: Result) -> HRESULT {
    result.map_or_else(|Hresult(code)| HRESULT(code), |()| S_OK)
}

/// The bind flags that `DXGI_USAGE` asks for.
pub fn bind_of(usage: DXGI_USAGE) -> u32 {
    let flags = [
        (DXGI_USAGE_RENDER_TARGET_OUTPUT, bind::RENDER_TARGET),
        (DXGI_USAGE_SHADER_INPUT, bind::SHADER_RESOURCE),
        (DXGI_USAGE_UNORDERED_ACCESS, bind::UNORDERED_ACCESS),
    ];
    flags.iter().filter(|flag| usage.0 & flag.0.0 != 0).fold(0, |all, flag| all | flag.1)
}

/// The texture that a swap chain's buffer is.
fn back_buffer(desc: &PvgpuBackBufferDesc) -> Result<Shape> {
    let bind = bind_of(DXGI_USAGE(desc.usage));
    let misc = if desc.gdi_compatible != 0 { misc::GDI_COMPATIBLE } else { 0 };
    if misc != 0 && !surface_dc::has_format(desc.format) {
        return Err(DXGI_ERROR_INVALID_CALL);
    }
    let texture = Desc {
        dimension: Dimension::Two,
        width: desc.width,
        height: desc.height,
        depth: 1,
        mip_levels: 1,
        array_size: 1,
        format: desc.format,
        sample_count: desc.sample_count.max(1),
        sample_quality: desc.sample_quality,
        flags: Flags { usage: Usage::Default, bind, cpu: 0, misc },
        back_buffer: true,
    };
    Ok(Shape::Texture(texture.checked(false)?))
}

impl IPvgpuDxgiDevice_Impl for Com<Device> {
    unsafe fn GetDxgiAdapter(&self, riid: *const GUID, adapter: *mut *mut c_void) -> HRESULT {
        if riid.is_null() || adapter.is_null() {
            return E_POINTER;
        }
        // SAFETY: COM's contract: not null means valid.
        unsafe { self.inner.dxgi_adapter.query(riid, adapter) }
    }

    unsafe fn CreateBackBuffer(
        &self,
        desc: *const PvgpuBackBufferDesc,
        texture: *mut *mut c_void,
    ) -> HRESULT {
        // SAFETY: COM's contract.
        let (Some(desc), false) = (unsafe { desc.as_ref() }, texture.is_null()) else { return E_POINTER };
        let created = back_buffer(desc).and_then(|shape| self.create_resource(shape, &[], desc.usage.max(1)));
        let (pointer, result) = match created {
            Ok(pointer) => (pointer, S_OK),
            Err(Hresult(code)) => (core::ptr::null_mut(), HRESULT(code)),
        };
        // SAFETY: it is null or was just created, with a public reference that is ours.
        if let Some(buffer) = unsafe { Com::<Resource>::from_raw(pointer) } {
            buffer.hold(&mut Guard::new(&self.inner).graves);
            // SAFETY: the public reference goes; the device holds the texture until `ReleaseBackBuffer`.
            unsafe { Com::<Resource>::Release(core::ptr::from_ref(buffer).cast_mut()) };
        }
        // SAFETY: COM's contract.
        unsafe { texture.write(pointer) };
        result
    }

    unsafe fn ReleaseBackBuffer(&self, texture: *mut c_void) {
        // SAFETY: dxgi.dll passes textures of `CreateBackBuffer`, each once.
        if let Some(texture) = unsafe { Com::<Resource>::from_raw(texture) } {
            let mut guard = Guard::new(&self.inner);
            texture.unhold(&mut guard.graves);
        }
    }

    unsafe fn BackBufferIdle(&self, texture: *mut c_void) -> HRESULT {
        // SAFETY: dxgi.dll passes textures of `CreateBackBuffer`.
        let Some(texture) = (unsafe { Com::<Resource>::from_raw(texture) }) else { return E_POINTER };
        let guard = Guard::new(&self.inner);
        // The one that is left is that of `CreateBackBuffer`.
        let idle = texture.public_count() == 0 && texture.held_count(&guard) == 1;
        if idle { S_OK } else { S_FALSE }
    }

    unsafe fn Present(&self, texture: *mut c_void, present: *const PvgpuPresent) -> HRESULT {
        // SAFETY: COM's contract.
        let Some(present) = (unsafe { present.as_ref() }) else { return E_POINTER };
        // SAFETY: dxgi.dll passes textures of `CreateBackBuffer`.
        let Some(texture) = (unsafe { Com::<Resource>::from_raw(texture) }) else { return E_POINTER };
        if texture.inner.swap_chain_usage == 0 {
            return E_INVALIDARG;
        }
        let result = self.inner.kernel.require_alive().and_then(|()| {
            let mut guard = Guard::new(&self.inner);
            guard.driver.present(texture.handle(), present)
        });
        // A driver that met the removal reports it with a code of its own.
        plain(result.or_else(|error| self.inner.kernel.require_alive().and(Err(error))))
    }

    unsafe fn RotateResourceIdentities(&self, textures: *const *mut c_void, count: u32) -> HRESULT {
        if textures.is_null() {
            return E_POINTER;
        }
        // SAFETY: COM's contract.
        let textures = unsafe { core::slice::from_raw_parts(textures, count as usize) };
        let handle = |texture: &*mut c_void| {
            // SAFETY: dxgi.dll passes textures of `CreateBackBuffer`.
            unsafe { Com::<Resource>::from_raw(*texture) }.map(|texture| texture.handle() as usize)
        };
        let handles: Option<Vec<usize>> = textures.iter().map(handle).collect();
        let Some(handles) = handles else { return E_POINTER };
        plain(Guard::new(&self.inner).driver.rotate_resource_identities(&handles))
    }

    unsafe fn FramesInFlight(&self) -> u32 {
        self.inner.kernel.frames_in_flight()
    }

    unsafe fn WaitForFrameSlot(&self, max: u32, timeout_ms: u32) -> HRESULT {
        // Without the lock: other threads go on drawing.
        let timeout = Duration::from_millis(u64::from(timeout_ms));
        plain(match self.inner.kernel.wait_for_frame_slot(max, timeout) {
            FrameSlot::Free => Ok(()),
            FrameSlot::Timeout => Err(DXGI_ERROR_WAS_STILL_DRAWING),
            FrameSlot::Removed => Err(DXGI_ERROR_DEVICE_REMOVED),
        })
    }

    unsafe fn SetPresentSink(&self, sink: Option<&IPvgpuPresentSink>) -> HRESULT {
        self.inner.kernel.set_present_sink(sink.cloned());
        S_OK
    }

    unsafe fn RemovedReason(&self) -> HRESULT {
        plain(self.inner.kernel.removed_reason())
    }

    unsafe fn Flush(&self) -> HRESULT {
        let mut guard = Guard::new(&self.inner);
        guard.driver.clear_error();
        guard.driver.flush();
        plain(guard.driver.take_error())
    }
}
