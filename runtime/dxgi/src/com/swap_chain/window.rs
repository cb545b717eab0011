//! Sizes, full-screen and outputs of a swap chain.
//!
//! Full-screen is emulated: the window covers its monitor without a border, and display modes stay as they are.

use std::ffi::c_void;
use std::time::Duration;

use windows::Win32::Foundation::S_OK;
use windows::Win32::Graphics::Dxgi::Common::DXGI_MODE_DESC;
use windows::Win32::Graphics::Dxgi::{
    DXGI_ERROR_INVALID_CALL, DXGI_ERROR_NOT_CURRENTLY_AVAILABLE, DXGI_ERROR_NOT_FOUND, IDXGIAdapter,
    IDXGIOutput, IDXGIOutput1,
};
use windows_core::{Interface, Result};

use super::{Fullscreen, State, SwapChain, make_buffers, refused};
use crate::com::debug;
use crate::com::output::Output;
use crate::gdi::monitor::{Monitor, Rectangle};

/// TIMEOUT: how long a resize waits for frames of the old size; they belong to textures that are about to go.
const RESIZE_GRACE: Duration = Duration::from_secs(2);

impl SwapChain {
    /// `IDXGISwapChain::ResizeBuffers`.
    pub(super) fn resize_buffers(
        &self,
        buffer_count: u32,
        size: (u32, u32),
        format: u32,
        flags: u32,
    ) -> Result<()> {
        let client = self.window.client_size();
        let mut state = self.lock();
        let chain = state.chain.resized(buffer_count, size, format, flags, client).map_err(refused)?;
        for buffer in &state.buffers {
            // SAFETY: the buffer is a texture of this device.
            if unsafe { self.dxgi.BackBufferIdle(buffer.as_raw()) } != S_OK {
                debug::say("ResizeBuffers refused: the program still holds a back buffer or a view of one");
                return Err(DXGI_ERROR_INVALID_CALL.into());
            }
        }
        if self.is_alive() {
            self.shared.queue().wait_empty(RESIZE_GRACE);
        }
        state.buffers.clear();
        state.buffers = make_buffers(&self.dxgi, &chain)?;
        state.chain = chain;
        state.source = (chain.width, chain.height);
        Ok(())
    }

    /// `IDXGISwapChain::ResizeTarget`: the window's size; while full-screen, the monitor's stays.
    pub(super) fn resize_target(&self, mode: &DXGI_MODE_DESC) -> Result<()> {
        let (fullscreen, current) = {
            let mut state = self.lock();
            state.refresh = mode.RefreshRate;
            (state.fullscreen.is_some(), (state.chain.width, state.chain.height))
        };
        if fullscreen {
            return Ok(());
        }
        let or = |length, current| if length == 0 { current } else { length };
        self.window.resize_client(or(mode.Width, current.0), or(mode.Height, current.1))
    }

    /// `IDXGISwapChain::SetFullscreenState`.
    pub(super) fn set_fullscreen(&self, fullscreen: bool, target: Option<&IDXGIOutput>) -> Result<()> {
        if !fullscreen {
            if target.is_some() {
                return Err(DXGI_ERROR_INVALID_CALL.into());
            }
            let before = self.lock().fullscreen.take();
            if let Some(before) = before {
                // The window may be gone already, which is all right.
                let _gone = self.window.restore(&before.saved);
            }
            return Ok(());
        }
        if self.lock().fullscreen.is_some() {
            return Ok(());
        }
        if !self.window.exists() {
            return Err(DXGI_ERROR_NOT_CURRENTLY_AVAILABLE.into());
        }
        let output = target.cloned().map_or_else(|| self.containing_output(), Ok)?;
        // SAFETY: the output is live.
        let area = Rectangle::from(unsafe { output.GetDesc() }?.DesktopCoordinates);
        let saved = self.window.cover(area)?;
        self.lock().fullscreen = Some(Fullscreen { saved, output });
        Ok(())
    }

    /// `IDXGISwapChain::GetFullscreenState`.
    pub(super) fn fullscreen(&self) -> Option<IDXGIOutput> {
        self.lock().fullscreen.as_ref().map(|fullscreen| fullscreen.output.clone())
    }

    /// `IDXGISwapChain::GetContainingOutput`: the one it covers, or a new object for the one that its window is on.
    pub(super) fn containing_output(&self) -> Result<IDXGIOutput> {
        if let Some(output) = self.fullscreen() {
            return Ok(output);
        }
        let monitor = Monitor::of_window(self.window).ok_or(DXGI_ERROR_NOT_FOUND)?;

        let mut adapter: *mut c_void = std::ptr::null_mut();
        // SAFETY: the interface id is a constant and `adapter` is valid for writing.
        unsafe { self.dxgi.GetDxgiAdapter(&IDXGIAdapter::IID, &mut adapter) }.ok()?;
        if adapter.is_null() {
            return Err(DXGI_ERROR_NOT_FOUND.into());
        }
        // SAFETY: on success, the device gave an adapter with a reference for us.
        let adapter = unsafe { IDXGIAdapter::from_raw(adapter) };
        Ok(IDXGIOutput1::from(Output::new(adapter, monitor)).into())
    }

    /// `IDXGISwapChain2::SetMaximumFrameLatency`: only swap chains with a waitable object have their own.
    pub(super) fn set_latency(&self, latency: u32) -> Result<()> {
        let semaphore = self.shared.latency().ok_or(DXGI_ERROR_INVALID_CALL)?;
        if !crate::rules::present::is_latency(latency) {
            return Err(DXGI_ERROR_INVALID_CALL.into());
        }
        let before = std::mem::replace(&mut self.lock().latency, latency);
        semaphore.raise(latency.saturating_sub(before));
        semaphore.lower(before.saturating_sub(latency));
        Ok(())
    }
}

impl State {
    /// Buffer `index`, if the program may have it.
    pub(super) fn buffer(&self, index: u32) -> Result<&windows_core::IUnknown> {
        self.buffers.get(index as usize).ok_or_else(|| DXGI_ERROR_INVALID_CALL.into())
    }
}
