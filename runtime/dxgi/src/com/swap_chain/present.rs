//! Present: checks, waits for a free frame, hands the back buffer to the device and lets the buffers take turns.

use std::time::Instant;

use pvgpu_interfaces::PvgpuPresent;
use windows::Win32::Foundation::{DXGI_STATUS_OCCLUDED, S_OK};
use windows::Win32::Graphics::Dxgi::{
    DXGI_ERROR_DEVICE_HUNG, DXGI_ERROR_DEVICE_REMOVED, DXGI_ERROR_INVALID_CALL, DXGI_ERROR_WAS_STILL_DRAWING,
};
use windows::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};
use windows_core::HRESULT;

use super::{State, SwapChain};
use crate::com::presenter::run;
use crate::com::sink;
use crate::present::queue::Ticket;
use crate::present::run::Begin;
use crate::rules::partial::Partial;
use crate::rules::present::{self, flag};

/// TIMEOUT: a host that frees no frame for so long hangs, whatever its heartbeat says.
const HANG_MS: u32 = 10_000;
/// TIMEOUT: half a frame at 60 Hz. How long a Present with `DXGI_PRESENT_DO_NOT_WAIT` waits before it gives up. The frame it
/// would skip is encoded all the same, so without any wait the host falls a whole ring behind and shows next to
/// nothing: 9 of 1,680 frames a second for testsprite2 on an NVIDIA H200 (2026-11-21).
const SKIP_MS: u32 = 8;

impl SwapChain {
    /// `IDXGISwapChain1::Present1` of a whole frame or of parts of one.
    pub(super) fn present(&self, sync_interval: u32, flags: u32, partial: Option<Partial>) -> HRESULT {
        let chain = self.lock().chain;
        if !present::is_valid(&chain, self.screen.is_full(), sync_interval, flags) {
            return DXGI_ERROR_INVALID_CALL;
        }
        if !self.is_alive() {
            return DXGI_ERROR_DEVICE_REMOVED;
        }
        if self.shared.is_occluded() {
            return DXGI_STATUS_OCCLUDED;
        }
        if flags & flag::TEST != 0 {
            return S_OK;
        }
        self.screen.leave_if_released();
        let begun = run().begin(Instant::now());
        if begun == Begin::EndProcess {
            end_process();
        }
        let shot = match begun {
            Begin::Frame(number) => Some(number),
            Begin::Uncounted | Begin::EndProcess => None,
        };
        let result = self.wait_for_slot(flags);
        if partial.is_some() && result.is_ok() {
            self.build_on_frames();
        }
        let result = if result.is_ok() { self.send(shot, sync_interval, flags, partial) } else { result };
        match (shot, result.is_ok()) {
            (Some(number), true) if run().finish(number, Instant::now()) => self.end_run(),
            (Some(number), false) => run().cancel(number),
            _ => {}
        }
        result
    }

    /// Waits until one more frame may be in flight.
    fn wait_for_slot(&self, flags: u32) -> HRESULT {
        // A waitable swap chain is throttled by its semaphore, not by the device's latency.
        let latency = match self.shared.latency() {
            Some(_) => present::MAX_LATENCY,
            // SAFETY: the interface is live. A device that does not tell has the default of DXGI.
            None => unsafe { self.limits.GetMaximumFrameLatency() }.unwrap_or(3),
        };
        // Whoever saves frames wants all of them: a program that would rather skip one than wait has to wait then.
        let may_skip = flags & flag::DO_NOT_WAIT != 0 && !run().saves_frames();
        let timeout = if may_skip { SKIP_MS } else { HANG_MS };
        let limit = present::frames_in_flight(latency, self.shared.queue().replaceable());
        // SAFETY: the interface is live.
        let result = unsafe { self.dxgi.WaitForFrameSlot(limit, timeout) };
        match result {
            DXGI_ERROR_WAS_STILL_DRAWING if !may_skip => DXGI_ERROR_DEVICE_HUNG,
            DXGI_ERROR_WAS_STILL_DRAWING => result,
            error if error.is_err() => DXGI_ERROR_DEVICE_REMOVED,
            done => done,
        }
    }

    /// The next frame builds on the ones before, and so may all that follow. A link may have left out one that is under way, but not when
    /// nothing newer has been presented: so they are waited for, once.
    fn build_on_frames(&self) {
        if !std::mem::replace(&mut self.lock().builds, true) {
            self.shared.wait_delivered(|| self.is_alive());
        }
    }

    /// Presents buffer 0 and lets the buffers take turns.
    fn send(&self, shot: Option<u32>, sync_interval: u32, flags: u32, partial: Option<Partial>) -> HRESULT {
        let mut state = self.lock();
        // A resize that failed leaves no buffers.
        let Some(&buffer) = state.buffers.all().first() else { return DXGI_ERROR_INVALID_CALL };
        let present = PvgpuPresent {
            dxgi_context: self.number,
            sync_interval,
            flip: state.chain.effect.is_flip().into(),
            keep: (state.builds || run().saves_frames()).into(),
        };
        self.shared.queue().submit(Ticket { partial, ..ticket(&state, shot, sync_interval, flags) });
        // SAFETY: the buffer is a texture of this device; `present` outlives the call.
        let result = unsafe { self.dxgi.Present(buffer, &present) };
        if result.is_err() {
            self.shared.queue().cancel();
            return if self.is_alive() { result } else { DXGI_ERROR_DEVICE_REMOVED };
        }
        state.presents = state.presents.wrapping_add(1);
        if !state.chain.rotates() || flags & flag::DO_NOT_SEQUENCE != 0 {
            return result;
        }
        let buffers = state.buffers.all();
        let count = u32::try_from(buffers.len()).unwrap_or(u32::MAX);
        // SAFETY: all are textures of this device, kept alive by the state.
        unsafe { self.dxgi.RotateResourceIdentities(buffers.as_ptr(), count) }
    }

    /// The last frame wanted has been presented: saves what is to be saved, then asks the window to close.
    fn end_run(&self) {
        if run().saves_frames() {
            self.shared.drain(|| self.is_alive());
        }
        run().write_stats(Instant::now(), true);
        self.screen.window().close();
    }
}

fn ticket(state: &State, shot: Option<u32>, sync_interval: u32, flags: u32) -> Ticket {
    let [red, green, blue, _] = state.background;
    // CAST: clamped to what a byte holds; a float that is no number becomes 0.
    let byte = |channel: f32| (channel.clamp(0.0, 1.0) * 255.0).round() as u8;
    Ticket {
        shot,
        sync_interval,
        restart: flags & flag::RESTART != 0,
        source: state.source,
        scaling: state.chain.scaling,
        background: [byte(red), byte(green), byte(blue)],
        rotation: state.rotation,
        partial: None,
    }
}

/// Ends the process with exit code 0: it was asked to close and did not. Frames are saved first.
fn end_process() {
    if run().saves_frames() {
        sink::all().iter().for_each(|shared| shared.drain(|| true));
    }
    run().write_stats(Instant::now(), true);
    // SAFETY: gives a constant that means this process.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: nothing of the process is needed any more. It does not return.
    let _ended = unsafe { TerminateProcess(process, 0) };
}
