//! Windows' event log, for a service that has no console.
#![expect(unsafe_code, reason = "the event log's functions are C interfaces")]

use pvgpu_inf::package::LINK_SERVICE;
use windows::Win32::Foundation::HANDLE;
use windows::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE, RegisterEventSourceW,
    ReportEventW,
};
use windows::Win32::System::Registry::{REG_DWORD, REG_EXPAND_SZ};
use windows_core::{HSTRING, PCWSTR};

use super::registry::Key;

/// A program of Windows' whose messages 1 to 1000 are the text that they are given ("eventcreate").
const MESSAGES: &str = r"%SystemRoot%\System32\EventCreate.exe";
/// Which of them ours is.
const MESSAGE: u32 = 1;
/// Errors, warnings and information.
const TYPES: u32 = 7;

/// The log, under the service's name.
pub struct EventLog(Option<HANDLE>);

impl EventLog {
    /// Opens it. One that cannot be opened keeps nothing.
    pub fn open() -> Self {
        let path = format!(r"SYSTEM\CurrentControlSet\Services\EventLog\Application\{LINK_SERVICE}");
        if let Ok(key) = Key::make(&path) {
            let text: Vec<u8> = MESSAGES.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
            // Without these the text is shown below a complaint that it has no description.
            let _ = key.set("EventMessageFile", REG_EXPAND_SZ, &text);
            let _ = key.set("TypesSupported", REG_DWORD, &TYPES.to_le_bytes());
        }
        // SAFETY: Texts that live through the call.
        Self(unsafe { RegisterEventSourceW(PCWSTR::null(), &HSTRING::from(LINK_SERVICE)) }.ok())
    }

    /// Writes a line.
    pub fn write(&self, text: &str, is_trouble: bool) {
        let Some(log) = self.0 else { return };
        let text = HSTRING::from(text);
        let kind = if is_trouble { EVENTLOG_WARNING_TYPE } else { EVENTLOG_INFORMATION_TYPE };
        let strings = [PCWSTR(text.as_ptr())];
        // SAFETY: The source is open, and the text lives through the call. A log that is full keeps nothing.
        let _ = unsafe { ReportEventW(log, kind, 0, MESSAGE, None, 0, Some(&strings), None) };
    }
}

impl Drop for EventLog {
    fn drop(&mut self) {
        if let Some(log) = self.0 {
            // SAFETY: The source is open and ours. There is nobody to tell of a failure.
            let _ = unsafe { DeregisterEventSource(log) };
        }
    }
}
