//! The COM methods of a swap chain.

use std::ffi::c_void;

use windows::Win32::Foundation::{E_INVALIDARG, HANDLE, HWND, RECT};
use windows::Win32::Graphics::Dxgi::Common::{
    DXGI_ALPHA_MODE, DXGI_COLOR_SPACE_RGB_FULL_G22_NONE_P709, DXGI_COLOR_SPACE_TYPE, DXGI_FORMAT,
    DXGI_MODE_DESC, DXGI_MODE_ROTATION, DXGI_SAMPLE_DESC,
};
use windows::Win32::Graphics::Dxgi::{
    DXGI_ERROR_FRAME_STATISTICS_DISJOINT, DXGI_ERROR_INVALID_CALL, DXGI_ERROR_NOT_FOUND,
    DXGI_FRAME_STATISTICS, DXGI_HDR_METADATA_HDR10, DXGI_HDR_METADATA_TYPE, DXGI_HDR_METADATA_TYPE_HDR10,
    DXGI_HDR_METADATA_TYPE_NONE, DXGI_MATRIX_3X2_F, DXGI_PRESENT, DXGI_PRESENT_PARAMETERS, DXGI_RGBA,
    DXGI_SCALING, DXGI_SWAP_CHAIN_COLOR_SPACE_SUPPORT_FLAG_PRESENT, DXGI_SWAP_CHAIN_DESC,
    DXGI_SWAP_CHAIN_DESC1, DXGI_SWAP_CHAIN_FLAG, DXGI_SWAP_CHAIN_FULLSCREEN_DESC, DXGI_SWAP_EFFECT,
    DXGI_USAGE, IDXGIDeviceSubObject_Impl, IDXGIObject_Impl, IDXGIOutput, IDXGISwapChain_Impl,
    IDXGISwapChain1_Impl, IDXGISwapChain2_Impl, IDXGISwapChain3_Impl, IDXGISwapChain4_Impl,
};
use windows_core::{BOOL, GUID, HRESULT, IUnknown, Interface, OutRef, Ref, Result};

use super::SwapChain_Impl;
use crate::com::debug;
use crate::com::presenter::Shown;
use crate::rules::chain::Chain;
use crate::rules::partial::{Partial, Rect};
use crate::rules::rotation::Rotation;

/// What was shown, as DXGI tells it.
pub fn frame_statistics(shown: &Shown) -> DXGI_FRAME_STATISTICS {
    // CAST: counters of DXGI wrap at 32 bits.
    let blank = shown.blank as u32;
    DXGI_FRAME_STATISTICS {
        PresentCount: shown.presents,
        PresentRefreshCount: blank,
        SyncRefreshCount: blank,
        SyncQPCTime: shown.time,
        SyncGPUTime: 0,
    }
}

/// The parts of a frame that `parameters` call new, for a swap chain like `chain`.
///
/// # Safety
/// `parameters` is null or valid, its pointers too, and there are as many dirty rectangles as it says.
unsafe fn partial(
    parameters: *const DXGI_PRESENT_PARAMETERS,
    chain: &Chain,
) -> core::result::Result<Option<Partial>, HRESULT> {
    // SAFETY: as the caller promises.
    let Some(parameters) = (unsafe { parameters.as_ref() }) else { return Ok(None) };
    let rect = |rect: &RECT| Rect { left: rect.left, top: rect.top, right: rect.right, bottom: rect.bottom };
    let dirty = match parameters.DirtyRectsCount {
        0 => Vec::new(),
        _ if parameters.pDirtyRects.is_null() => return Err(DXGI_ERROR_INVALID_CALL),
        count => {
            // SAFETY: as the caller promises.
            let rects = unsafe { std::slice::from_raw_parts(parameters.pDirtyRects, count as usize) };
            rects.iter().map(rect).collect()
        }
    };
    // SAFETY: as the caller promises.
    let scrolled = unsafe { parameters.pScrollRect.as_ref() }.map(rect);
    // SAFETY: as the caller promises.
    let offset = unsafe { parameters.pScrollOffset.as_ref() }.map(|offset| (offset.x, offset.y));
    Partial::check(dirty, (scrolled, offset), (chain.width, chain.height), chain.effect).map_err(|broken| {
        debug::say(&format!("Present1 refused: {broken:?}"));
        DXGI_ERROR_INVALID_CALL
    })
}

impl IDXGIObject_Impl for SwapChain_Impl {
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

    fn GetParent(&self, riid: *const GUID, parent: *mut *mut c_void) -> Result<()> {
        // SAFETY: DXGI's contract: a valid interface id and out-pointer.
        unsafe { self.factory.query(riid, parent) }.ok()
    }
}

impl IDXGIDeviceSubObject_Impl for SwapChain_Impl {
    fn GetDevice(&self, riid: *const GUID, device: *mut *mut c_void) -> Result<()> {
        // SAFETY: DXGI's contract: a valid interface id and out-pointer.
        unsafe { self.device.query(riid, device) }.ok()
    }
}

impl IDXGISwapChain_Impl for SwapChain_Impl {
    fn Present(&self, sync_interval: u32, flags: DXGI_PRESENT) -> HRESULT {
        self.present(sync_interval, flags.0, None)
    }

    fn GetBuffer(&self, buffer: u32, riid: *const GUID, surface: *mut *mut c_void) -> Result<()> {
        if riid.is_null() || surface.is_null() {
            return Err(DXGI_ERROR_INVALID_CALL.into());
        }
        // SAFETY: DXGI's contract: not null means valid for writing.
        unsafe { surface.write(std::ptr::null_mut()) };
        let state = self.lock();
        if buffer >= state.chain.accessible() {
            return Err(DXGI_ERROR_INVALID_CALL.into());
        }
        // SAFETY: DXGI's contract: a valid interface id and out-pointer.
        unsafe { state.buffers.query(buffer, riid, surface) }.ok_or(DXGI_ERROR_INVALID_CALL)?.ok()
    }

    fn SetFullscreenState(&self, fullscreen: BOOL, target: Ref<'_, IDXGIOutput>) -> Result<()> {
        self.set_fullscreen(fullscreen.as_bool(), target.as_ref())
    }

    fn GetFullscreenState(&self, fullscreen: *mut BOOL, target: OutRef<'_, IDXGIOutput>) -> Result<()> {
        let output = self.fullscreen()?;
        // SAFETY: DXGI's contract: null or valid for writing.
        if let Some(fullscreen) = unsafe { fullscreen.as_mut() } {
            *fullscreen = output.is_some().into();
        }
        if target.is_null() { Ok(()) } else { target.write(output) }
    }

    fn GetDesc(&self) -> Result<DXGI_SWAP_CHAIN_DESC> {
        let state = self.lock();
        let chain = &state.chain;
        Ok(DXGI_SWAP_CHAIN_DESC {
            BufferDesc: DXGI_MODE_DESC {
                Width: chain.width,
                Height: chain.height,
                RefreshRate: state.refresh,
                Format: DXGI_FORMAT(chain.format.cast_signed()),
                ScanlineOrdering: state.fullscreen_desc.ScanlineOrdering,
                Scaling: state.fullscreen_desc.Scaling,
            },
            SampleDesc: DXGI_SAMPLE_DESC { Count: chain.sample_count, Quality: chain.sample_quality },
            BufferUsage: DXGI_USAGE(chain.usage),
            BufferCount: chain.buffer_count,
            OutputWindow: self.screen.window().handle(),
            Windowed: (!self.screen.is_full()).into(),
            SwapEffect: DXGI_SWAP_EFFECT(chain.effect.value()),
            Flags: chain.flags,
        })
    }

    fn ResizeBuffers(
        &self,
        buffer_count: u32,
        width: u32,
        height: u32,
        format: DXGI_FORMAT,
        flags: &DXGI_SWAP_CHAIN_FLAG,
    ) -> Result<()> {
        self.resize_buffers(buffer_count, (width, height), format.0.cast_unsigned(), flags.0.cast_unsigned())
    }

    fn ResizeTarget(&self, mode: *const DXGI_MODE_DESC) -> Result<()> {
        // SAFETY: DXGI's contract: null or valid.
        self.resize_target(unsafe { mode.as_ref() }.ok_or(DXGI_ERROR_INVALID_CALL)?)
    }

    fn GetContainingOutput(&self) -> Result<IDXGIOutput> {
        self.containing_output()
    }

    /// Only the flip model and full-screen have statistics, because blits go through the desktop's own composition.
    fn GetFrameStatistics(&self, statistics: *mut DXGI_FRAME_STATISTICS) -> Result<()> {
        // SAFETY: DXGI's contract: null or valid for writing.
        let statistics = unsafe { statistics.as_mut() }.ok_or(E_INVALIDARG)?;
        if !self.lock().chain.effect.is_flip() && !self.screen.is_full() {
            return Err(DXGI_ERROR_INVALID_CALL.into());
        }
        let shown = self.shared.statistics();
        if shown.disjoint {
            return Err(DXGI_ERROR_FRAME_STATISTICS_DISJOINT.into());
        }
        *statistics = frame_statistics(&shown);
        Ok(())
    }

    fn GetLastPresentCount(&self) -> Result<u32> {
        Ok(self.lock().presents)
    }
}

impl IDXGISwapChain1_Impl for SwapChain_Impl {
    fn GetDesc1(&self) -> Result<DXGI_SWAP_CHAIN_DESC1> {
        let chain = self.lock().chain;
        Ok(DXGI_SWAP_CHAIN_DESC1 {
            Width: chain.width,
            Height: chain.height,
            Format: DXGI_FORMAT(chain.format.cast_signed()),
            Stereo: false.into(),
            SampleDesc: DXGI_SAMPLE_DESC { Count: chain.sample_count, Quality: chain.sample_quality },
            BufferUsage: DXGI_USAGE(chain.usage),
            BufferCount: chain.buffer_count,
            Scaling: DXGI_SCALING(chain.scaling.value()),
            SwapEffect: DXGI_SWAP_EFFECT(chain.effect.value()),
            AlphaMode: DXGI_ALPHA_MODE(chain.alpha_mode),
            Flags: chain.flags,
        })
    }

    fn GetFullscreenDesc(&self) -> Result<DXGI_SWAP_CHAIN_FULLSCREEN_DESC> {
        let state = self.lock();
        Ok(DXGI_SWAP_CHAIN_FULLSCREEN_DESC {
            Windowed: (!self.screen.is_full()).into(),
            RefreshRate: state.refresh,
            ..state.fullscreen_desc
        })
    }

    fn GetHwnd(&self) -> Result<HWND> {
        Ok(self.screen.window().handle())
    }

    fn GetCoreWindow(&self, _riid: *const GUID, _window: *mut *mut c_void) -> Result<()> {
        Err(DXGI_ERROR_INVALID_CALL.into())
    }

    fn Present1(
        &self,
        sync_interval: u32,
        flags: DXGI_PRESENT,
        parameters: *const DXGI_PRESENT_PARAMETERS,
    ) -> HRESULT {
        let chain = self.lock().chain;
        // SAFETY: DXGI's contract: null or valid, with as many rectangles as it says.
        match unsafe { partial(parameters, &chain) } {
            Ok(partial) => self.present(sync_interval, flags.0, partial),
            Err(refused) => refused,
        }
    }

    fn IsTemporaryMonoSupported(&self) -> BOOL {
        false.into()
    }

    /// `DXGI_ERROR_NOT_FOUND` for a swap chain that is not restricted, of which `table` makes success without an output.
    fn GetRestrictToOutput(&self) -> Result<IDXGIOutput> {
        self.restrict_to.clone().ok_or_else(|| DXGI_ERROR_NOT_FOUND.into())
    }

    fn SetBackgroundColor(&self, colour: *const DXGI_RGBA) -> Result<()> {
        // SAFETY: DXGI's contract: null or valid.
        let colour = unsafe { colour.as_ref() }.ok_or(E_INVALIDARG)?;
        self.lock().background = [colour.r, colour.g, colour.b, colour.a];
        Ok(())
    }

    fn GetBackgroundColor(&self) -> Result<DXGI_RGBA> {
        let [r, g, b, a] = self.lock().background;
        Ok(DXGI_RGBA { r, g, b, a })
    }

    /// Belongs to windows of the flip model.
    fn SetRotation(&self, rotation: DXGI_MODE_ROTATION) -> Result<()> {
        let rotation = Rotation::from_value(rotation.0).ok_or(DXGI_ERROR_INVALID_CALL)?;
        let mut state = self.lock();
        if !state.chain.effect.is_flip() {
            return Err(DXGI_ERROR_INVALID_CALL.into());
        }
        state.rotation = rotation;
        Ok(())
    }

    fn GetRotation(&self) -> Result<DXGI_MODE_ROTATION> {
        Ok(DXGI_MODE_ROTATION(self.lock().rotation.value()))
    }
}

impl IDXGISwapChain2_Impl for SwapChain_Impl {
    fn SetSourceSize(&self, width: u32, height: u32) -> Result<()> {
        let mut state = self.lock();
        let fits = (1..=state.chain.width).contains(&width) && (1..=state.chain.height).contains(&height);
        if !fits || !state.chain.effect.is_flip() {
            return Err(E_INVALIDARG.into());
        }
        state.source = (width, height);
        Ok(())
    }

    fn GetSourceSize(&self, width: *mut u32, height: *mut u32) -> Result<()> {
        let source = self.lock().source;
        // SAFETY: DXGI's contract: null or valid for writing.
        *unsafe { width.as_mut() }.ok_or(E_INVALIDARG)? = source.0;
        // SAFETY: as above.
        *unsafe { height.as_mut() }.ok_or(E_INVALIDARG)? = source.1;
        Ok(())
    }

    fn SetMaximumFrameLatency(&self, latency: u32) -> Result<()> {
        self.set_latency(latency)
    }

    fn GetMaximumFrameLatency(&self) -> Result<u32> {
        if self.shared.latency().is_some() {
            Ok(self.lock().latency)
        } else {
            Err(DXGI_ERROR_INVALID_CALL.into())
        }
    }

    fn GetFrameLatencyWaitableObject(&self) -> HANDLE {
        self.shared.latency().and_then(|semaphore| semaphore.duplicate().ok()).unwrap_or_default()
    }

    fn SetMatrixTransform(&self, _matrix: *const DXGI_MATRIX_3X2_F) -> Result<()> {
        Err(DXGI_ERROR_INVALID_CALL.into())
    }

    fn GetMatrixTransform(&self, _matrix: *mut DXGI_MATRIX_3X2_F) -> Result<()> {
        Err(DXGI_ERROR_INVALID_CALL.into())
    }
}

impl IDXGISwapChain4_Impl for SwapChain_Impl {
    /// Frames are shown in standard range, for which metadata of a higher one says nothing; it is checked and let be.
    fn SetHDRMetaData(&self, kind: DXGI_HDR_METADATA_TYPE, size: u32, metadata: *const c_void) -> Result<()> {
        let wanted = match kind {
            DXGI_HDR_METADATA_TYPE_NONE => 0,
            DXGI_HDR_METADATA_TYPE_HDR10 => size_of::<DXGI_HDR_METADATA_HDR10>(),
            _ => return Err(DXGI_ERROR_INVALID_CALL.into()),
        };
        if size as usize != wanted || (wanted != 0) == metadata.is_null() {
            return Err(E_INVALIDARG.into());
        }
        Ok(())
    }
}

impl IDXGISwapChain3_Impl for SwapChain_Impl {
    /// Always 0: Direct3D 11's buffers swap their identities, the program draws to the first.
    fn GetCurrentBackBufferIndex(&self) -> u32 {
        0
    }

    fn CheckColorSpaceSupport(&self, space: DXGI_COLOR_SPACE_TYPE) -> Result<u32> {
        let supported = space == DXGI_COLOR_SPACE_RGB_FULL_G22_NONE_P709;
        let flag = DXGI_SWAP_CHAIN_COLOR_SPACE_SUPPORT_FLAG_PRESENT.0.cast_unsigned();
        Ok(if supported { flag } else { 0 })
    }

    fn SetColorSpace1(&self, space: DXGI_COLOR_SPACE_TYPE) -> Result<()> {
        if space == DXGI_COLOR_SPACE_RGB_FULL_G22_NONE_P709 { Ok(()) } else { Err(E_INVALIDARG.into()) }
    }

    /// Node masks and queues belong to Direct3D 12 and are refused; the rest is `ResizeBuffers`.
    fn ResizeBuffers1(
        &self,
        buffer_count: u32,
        width: u32,
        height: u32,
        format: DXGI_FORMAT,
        flags: &DXGI_SWAP_CHAIN_FLAG,
        node_masks: *const u32,
        queues: *const Option<IUnknown>,
    ) -> Result<()> {
        if !node_masks.is_null() || !queues.is_null() {
            return Err(DXGI_ERROR_INVALID_CALL.into());
        }
        self.resize_buffers(buffer_count, (width, height), format.0.cast_unsigned(), flags.0.cast_unsigned())
    }
}
