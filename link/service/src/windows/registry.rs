//! What `--install` notes: the service's parameters.
#![expect(unsafe_code, reason = "the registry's functions are C interfaces")]

use pvgpu_inf::package::LINK_SERVICE;
use windows::Win32::Foundation::ERROR_SUCCESS;
use windows::Win32::System::Registry::{
    HKEY, HKEY_LOCAL_MACHINE, KEY_SET_VALUE, REG_DWORD, REG_OPTION_NON_VOLATILE, REG_SZ, REG_VALUE_TYPE,
    RRF_RT_REG_DWORD, RRF_RT_REG_SZ, RegCloseKey, RegCreateKeyExW, RegGetValueW, RegSetValueExW,
};
use windows_core::{Error, HSTRING, PCWSTR};

/// The value with the link, and the one that trusts it.
const LINK: &str = "Link";
const TRUST_LINK: &str = "TrustLink";
/// UTF-16 units of a link at most, its end included.
const ROOM: usize = 512;

/// What the registry says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// The link.
    pub link: Option<String>,
    /// Whether it is trusted.
    pub trust_link: bool,
}

fn parameters() -> String {
    format!(r"SYSTEM\CurrentControlSet\Services\{LINK_SERVICE}\Parameters")
}

/// Reads what was noted; what cannot be read was not.
pub fn noted() -> Noted {
    let (key, mut text) = (HSTRING::from(parameters()), [0u16; ROOM]);
    // CAST: a KiB.
    let mut bytes = size_of_val(&text) as u32;
    // SAFETY: The buffer lives through the call and has the size that is said.
    let read = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            &key,
            &HSTRING::from(LINK),
            RRF_RT_REG_SZ,
            None,
            Some(text.as_mut_ptr().cast()),
            Some(&mut bytes),
        )
    };
    let end = text.iter().position(|unit| *unit == 0).unwrap_or(0);
    let link = String::from_utf16_lossy(text.get(..end).unwrap_or_default());
    let link = (read == ERROR_SUCCESS && !link.is_empty()).then_some(link);
    let (mut trust, mut bytes) = (0u32, 4u32);
    // SAFETY: The number lives through the call and has the size that is said.
    let read = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            &key,
            &HSTRING::from(TRUST_LINK),
            RRF_RT_REG_DWORD,
            None,
            Some((&raw mut trust).cast()),
            Some(&mut bytes),
        )
    };
    Noted { link, trust_link: read == ERROR_SUCCESS && trust == 1 }
}

/// Notes the link.
///
/// # Errors
/// Windows'.
pub fn note(link: &str, trust_link: bool) -> Result<(), Error> {
    let key = Key::make(&parameters())?;
    key.set_text(LINK, link)?;
    key.set(TRUST_LINK, REG_DWORD, &u32::from(trust_link).to_le_bytes())
}

/// An open key.
pub struct Key(HKEY);

impl Key {
    /// Opens a key below HKEY_LOCAL_MACHINE for writing, and makes it if it is not there.
    ///
    /// # Errors
    /// Windows'.
    pub fn make(path: &str) -> Result<Self, Error> {
        let mut key = HKEY::default();
        // SAFETY: The place lives through the call.
        let made = unsafe {
            RegCreateKeyExW(
                HKEY_LOCAL_MACHINE,
                &HSTRING::from(path),
                None,
                PCWSTR::null(),
                REG_OPTION_NON_VOLATILE,
                KEY_SET_VALUE,
                None,
                &mut key,
                None,
            )
        };
        made.ok()?;
        Ok(Self(key))
    }

    /// Sets a value.
    ///
    /// # Errors
    /// Windows'.
    pub fn set(&self, name: &str, kind: REG_VALUE_TYPE, bytes: &[u8]) -> Result<(), Error> {
        // SAFETY: The key is open.
        unsafe { RegSetValueExW(self.0, &HSTRING::from(name), None, kind, Some(bytes)) }.ok()
    }

    /// Sets a text.
    ///
    /// # Errors
    /// Windows'.
    pub fn set_text(&self, name: &str, text: &str) -> Result<(), Error> {
        let bytes: Vec<u8> = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        self.set(name, REG_SZ, &bytes)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: The key is open and ours. There is nobody to tell of a failure.
        let _ = unsafe { RegCloseKey(self.0) };
    }
}
