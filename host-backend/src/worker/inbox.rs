//! What people ask of a running engine, through the control socket: display modes, and the end of a recording.

#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use pvgpu_protocol::mode::DisplayMode;

/// Requests that wait for the engine's next turn. An empty one costs the engine one load a turn.
#[derive(Debug, Default)]
pub struct Inbox {
    waiting: AtomicBool,
    mode: Mutex<Option<DisplayMode>>,
    stop_recording: AtomicBool,
}

impl Inbox {
    /// Asks for a mode ([`DisplayMode::NONE`]: for no custom mode). Of several the last one counts.
    pub fn ask_for_mode(&self, mode: DisplayMode) {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner) = Some(mode);
        self.waiting.store(true, Ordering::Release);
    }

    /// Asks for the end of a recording.
    pub fn ask_to_stop_recording(&self) {
        self.stop_recording.store(true, Ordering::Release);
    }

    /// Whether the recording is to end.
    pub fn is_recording_to_stop(&self) -> bool {
        self.stop_recording.load(Ordering::Acquire)
    }

    /// Takes the mode that was asked for, if one was.
    pub fn take_mode(&self) -> Option<DisplayMode> {
        if !self.waiting.load(Ordering::Acquire) {
            return None;
        }
        self.waiting.store(false, Ordering::Release);
        self.mode.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_mode_is_taken_once() {
        let inbox = Inbox::default();
        assert_eq!(inbox.take_mode(), None);
        let mode = |width| DisplayMode { width, height: 720, refresh_millihertz: 60_000 };
        inbox.ask_for_mode(mode(1280));
        inbox.ask_for_mode(mode(1600));
        assert_eq!(inbox.take_mode(), Some(mode(1600)));
        assert_eq!(inbox.take_mode(), None);
        inbox.ask_for_mode(DisplayMode::NONE);
        assert_eq!(inbox.take_mode(), Some(DisplayMode::NONE));
    }
}
