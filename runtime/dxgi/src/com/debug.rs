//! Tells a debugger why DXGI refused something, as Windows' debug layer does.

#![expect(unsafe_code, reason = "Win32 has no safe interface")]

use windows::Win32::System::Diagnostics::Debug::OutputDebugStringW;
use windows_core::HSTRING;

/// Sends one line to the debugger, if there is one.
pub fn say(text: &str) {
    let line = HSTRING::from(format!("pvgpu dxgi: {text}\n"));
    // SAFETY: the text is zero-terminated and outlives the call.
    unsafe { OutputDebugStringW(&line) };
}
