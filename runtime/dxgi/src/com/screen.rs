//! The window of a swap chain, and whether it covers a monitor.
//!
//! Full-screen means that the window covers its monitor without a frame, on top of all others; a swap chain that allows mode
//! switches gives the monitor the display mode closest to its buffers. Both the swap chain and Alt+Enter change it.
//!
//! # Invariants
//! - The state's lock is not held while messages are sent to the window or while private data is released: either may run code of
//!   the program that calls the swap chain again. Such code meets the state that the change leads to.

#![expect(unsafe_code, reason = "calls COM interfaces")]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use windows::Win32::Graphics::Dxgi::{
    DXGI_ERROR_INVALID_CALL, DXGI_ERROR_NOT_CURRENTLY_AVAILABLE, DXGI_ERROR_NOT_FOUND, IDXGIOutput,
};
use windows_core::Result;

use super::association::Associations;
use super::ownership;
use super::presenter::Shared;
use crate::gdi::hook::Watch;
use crate::gdi::monitor::{Monitor, restore_modes};
use crate::gdi::window::{Saved, Window};
use crate::rules::format;
use crate::rules::mode::{self, Mode, Timing};

/// A swap chain's window.
pub struct Screen {
    window: Window,
    /// The swap chain's number.
    chain: usize,
    shared: Arc<Shared>,
    associations: Arc<Associations>,
    state: Mutex<State>,
    _watch: Option<Watch>,
}

struct State {
    /// What the swap chain wants of a display mode.
    wish: Mode,
    switches_modes: bool,
    full: Option<Full>,
}

/// A monitor that is covered.
struct Full {
    saved: Saved,
    monitor: Monitor,
    /// The output as the program knows it; made when it is first asked for after Alt+Enter.
    output: Option<Output>,
    switched: bool,
}

/// An output that any thread may use.
#[derive(Clone)]
struct Output(IDXGIOutput);

// SAFETY: outputs are free-threaded: what changes in them is guarded by locks.
unsafe impl Send for Output {}

/// The windows that react to Alt+Enter.
static SCREENS: Mutex<Vec<Weak<Screen>>> = Mutex::new(Vec::new());

/// The user pressed Alt+Enter in `window`.
fn pressed(window: Window) {
    let screens: Vec<Arc<Screen>> = {
        let mut screens = SCREENS.lock().unwrap_or_else(PoisonError::into_inner);
        screens.retain(|screen| screen.strong_count() != 0);
        screens.iter().filter_map(Weak::upgrade).collect()
    };
    for screen in screens.iter().filter(|screen| screen.window == window) {
        if screen.associations.allows_switch(window) {
            // A window that cannot be switched stays as it is.
            let _done = if screen.is_full() { screen.leave() } else { screen.enter(None) };
        }
    }
}

impl Screen {
    /// The window of swap chain `chain`, in no monitor's way.
    pub fn new(
        window: Window,
        chain: usize,
        shared: &Arc<Shared>,
        associations: Arc<Associations>,
    ) -> Arc<Self> {
        let wish = Mode {
            width: 0,
            height: 0,
            refresh: (0, 0),
            format: format::R8G8B8A8_UNORM,
            scanline_order: 0,
            scaling: 0,
        };
        let screen = Arc::new(Self {
            window,
            chain,
            shared: Arc::clone(shared),
            associations,
            state: Mutex::new(State { wish, switches_modes: false, full: None }),
            _watch: Watch::new(window, pressed),
        });
        SCREENS.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&screen));
        screen
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The window.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Notes what the swap chain's buffers are like, for the next change of the display mode.
    pub fn set_wish(&self, wish: Mode, switches_modes: bool) {
        let mut state = self.lock();
        state.wish = wish;
        state.switches_modes = switches_modes;
    }

    /// Whether the window covers a monitor.
    pub fn is_full(&self) -> bool {
        self.lock().full.is_some()
    }

    /// The output that the window covers; `make` makes one for a monitor that the program has none for.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn output(&self, make: impl FnOnce(Monitor) -> Result<IDXGIOutput>) -> Result<Option<IDXGIOutput>> {
        let monitor = match &self.lock().full {
            None => return Ok(None),
            Some(Full { output: Some(output), .. }) => return Ok(Some(output.0.clone())),
            Some(full) => full.monitor,
        };
        let made = make(monitor)?;
        let mut state = self.lock();
        let Some(full) = state.full.as_mut() else { return Ok(None) };
        Ok(Some(full.output.get_or_insert(Output(made)).0.clone()))
    }

    /// Covers the monitor of `target`, or the one that the window is on. Sends messages.
    ///
    /// # Errors
    /// `DXGI_ERROR_NOT_CURRENTLY_AVAILABLE` for a destroyed window or when the display mode cannot be had;
    /// `DXGI_ERROR_NOT_FOUND` when the monitor is not part of the desktop.
    pub fn enter(&self, target: Option<&IDXGIOutput>) -> Result<()> {
        if self.is_full() {
            return Ok(());
        }
        let unavailable = DXGI_ERROR_NOT_CURRENTLY_AVAILABLE;
        let monitor = match target {
            // SAFETY: the output is live.
            Some(output) => Monitor::of_device(&unsafe { output.GetDesc() }?.DeviceName),
            None => Monitor::of_window(self.window),
        };
        let monitor = monitor.ok_or(DXGI_ERROR_NOT_FOUND)?;
        let saved = self.window.save().map_err(|_| unavailable)?;
        let output = target.cloned().map(Output);
        let (wish, switched) = {
            let mut state = self.lock();
            if state.full.is_some() {
                return Ok(());
            }
            let switched = state.switches_modes;
            state.full = Some(Full { saved, monitor, output, switched });
            (state.wish, switched)
        };
        ownership::claim(&monitor.device, self.chain, &self.shared);
        self.shared.disturb();
        let covered = if switched && !switch(&monitor, &wish) {
            Err(unavailable.into())
        } else {
            self.window.cover(Monitor::of_device(&monitor.device).unwrap_or(monitor).area)
        };
        covered.inspect_err(|_| {
            let _undone = self.leave();
        })
    }

    /// Makes the window a window again. Sends messages.
    ///
    /// # Errors
    /// None: what cannot be restored, such as a destroyed window, needs no restoring.
    pub fn leave(&self) -> Result<()> {
        let Some(full) = self.lock().full.take() else { return Ok(()) };
        ownership::give_up(&full.monitor.device, self.chain);
        self.shared.disturb();
        if full.switched {
            restore_modes();
        }
        // The window may be gone already, which is all right.
        let _gone = self.window.restore(&full.saved);
        drop(full.output);
        Ok(())
    }

    /// Leaves full-screen if the program has released the monitor's ownership. Sends messages.
    pub fn leave_if_released(&self) {
        let device = self.lock().full.as_ref().map(|full| full.monitor.device);
        if device.is_some_and(|device| ownership::is_released(&device, self.chain)) {
            let _left = self.leave();
        }
    }

    /// Gives the window's client area the size of `mode`, or the monitor the mode while it is covered. Sends messages.
    ///
    /// # Errors
    /// `DXGI_ERROR_NOT_CURRENTLY_AVAILABLE` when the display mode cannot be had; `DXGI_ERROR_INVALID_CALL` for a window that
    /// cannot be resized.
    pub fn resize(&self, mode: &Mode) -> Result<()> {
        let (wish, monitor) = {
            let mut state = self.lock();
            state.wish.refresh = mode.refresh;
            let switched = state.switches_modes;
            let Some(full) = &mut state.full else {
                drop(state);
                let resized = self.window.resize_client(mode.width, mode.height);
                return resized.map_err(|_| DXGI_ERROR_INVALID_CALL.into());
            };
            if !switched {
                return Ok(());
            }
            full.switched = true;
            let monitor = full.monitor;
            (Mode { format: state.wish.format, ..*mode }, monitor)
        };
        self.shared.disturb();
        if !switch(&monitor, &wish) {
            return Err(DXGI_ERROR_NOT_CURRENTLY_AVAILABLE.into());
        }
        self.window.move_over(Monitor::of_device(&monitor.device).unwrap_or(monitor).area)
    }
}

/// Gives a monitor the display mode closest to a wish.
fn switch(monitor: &Monitor, wish: &Mode) -> bool {
    let desktop = monitor.timing();
    let modes = mode::list(&monitor.timings(), format::R8G8B8A8_UNORM, 0);
    let Some(mode) = mode::closest(&modes, wish, desktop) else { return false };
    let frequency = mode.refresh.0.checked_div(mode.refresh.1).unwrap_or(0);
    let timing = Timing { width: mode.width, height: mode.height, frequency };
    if (desktop.width, desktop.height, desktop.hertz()) == (timing.width, timing.height, timing.hertz()) {
        return true;
    }
    monitor.switch(timing)
}
