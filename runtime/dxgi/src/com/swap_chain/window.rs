//! Sizes, full-screen and outputs of a swap chain.

use std::ffi::c_void;
use std::time::Duration;

use windows::Win32::Graphics::Dxgi::Common::DXGI_MODE_DESC;
use windows::Win32::Graphics::Dxgi::{
    DXGI_ERROR_INVALID_CALL, DXGI_ERROR_NOT_FOUND, IDXGIAdapter, IDXGIOutput,
};
use windows_core::{Interface, Result};

use super::{SwapChain, refused};
use crate::com::debug;
use crate::com::output::{Output, mode_of};
use crate::gdi::monitor::Monitor;

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
        let client = self.screen.window().client_size();
        let mut state = self.lock();
        let chain = state.chain.resized(buffer_count, size, format, flags, client).map_err(refused)?;
        if !state.buffers.are_idle() {
            debug::say("ResizeBuffers refused: the program still holds a back buffer or a view of one");
            return Err(DXGI_ERROR_INVALID_CALL.into());
        }
        if self.is_alive() {
            self.shared.queue().wait_empty(RESIZE_GRACE);
        }
        state.buffers.make(&chain)?;
        state.chain = chain;
        state.source = (chain.width, chain.height);
        self.screen.set_wish(state.wish(), chain.allows_mode_switch());
        Ok(())
    }

    /// `IDXGISwapChain::ResizeTarget`: the window's size; while full-screen, the monitor's display mode.
    pub(super) fn resize_target(&self, mode: &DXGI_MODE_DESC) -> Result<()> {
        self.lock().refresh = mode.RefreshRate;
        self.screen.resize(&mode_of(mode))
    }

    /// `IDXGISwapChain::SetFullscreenState`.
    pub(super) fn set_fullscreen(&self, fullscreen: bool, target: Option<&IDXGIOutput>) -> Result<()> {
        if fullscreen {
            return self.screen.enter(target);
        }
        if target.is_some() {
            return Err(DXGI_ERROR_INVALID_CALL.into());
        }
        self.screen.leave()
    }

    /// `IDXGISwapChain::GetFullscreenState`.
    pub(super) fn fullscreen(&self) -> Result<Option<IDXGIOutput>> {
        self.screen.output(|monitor| self.output_of(monitor))
    }

    /// `IDXGISwapChain::GetContainingOutput`: the one it covers, or a new object for the one that its window is on.
    pub(super) fn containing_output(&self) -> Result<IDXGIOutput> {
        if let Some(output) = self.fullscreen()? {
            return Ok(output);
        }
        self.output_of(Monitor::of_window(self.screen.window()).ok_or(DXGI_ERROR_NOT_FOUND)?)
    }

    /// An output of the device's adapter.
    fn output_of(&self, monitor: Monitor) -> Result<IDXGIOutput> {
        let mut adapter: *mut c_void = std::ptr::null_mut();
        // SAFETY: the interface id is a constant and `adapter` is valid for writing.
        unsafe { self.dxgi.GetDxgiAdapter(&IDXGIAdapter::IID, &mut adapter) }.ok()?;
        if adapter.is_null() {
            return Err(DXGI_ERROR_NOT_FOUND.into());
        }
        // SAFETY: on success, the device gave an adapter with a reference for us.
        let adapter = unsafe { IDXGIAdapter::from_raw(adapter) };
        Ok(Output::new(adapter, monitor).into_interface())
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
