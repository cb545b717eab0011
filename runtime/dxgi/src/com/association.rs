//! `IDXGIFactory::MakeWindowAssociation`: which windows of a factory do not want DXGI to react to keys.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::gdi::window::Window;

/// `DXGI_MWA_VALID`: all flags.
pub const VALID: u32 = 7;
/// `DXGI_MWA_NO_WINDOW_CHANGES` and `DXGI_MWA_NO_ALT_ENTER`: either of them keeps Alt+Enter from switching.
const NO_SWITCH: u32 = 1 | 2;

/// The associations of one factory.
#[derive(Debug, Default)]
pub struct Associations {
    windows: Mutex<BTreeMap<isize, u32>>,
}

impl Associations {
    /// Notes the flags of a window; no window means that no association is left.
    pub fn set(&self, window: Window, flags: u32) {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        match window.number() {
            0 => windows.clear(),
            window => {
                windows.insert(window, flags);
            }
        }
    }

    /// Whether Alt+Enter in this window switches between window and full-screen.
    pub fn allows_switch(&self, window: Window) -> bool {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.get(&window.number()).is_none_or(|flags| flags & NO_SWITCH == 0)
    }
}
