//! The registry: keys by path, values by name, and the handles that the driver opened.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::verifier::{Rule, Verifier};

/// `REG_SZ`.
const REG_SZ: u32 = 1;
/// `REG_DWORD`.
const REG_DWORD: u32 = 4;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryValue {
    /// `REG_DWORD`.
    Dword(u32),
    /// `REG_SZ`.
    Text(String),
}

impl RegistryValue {
    /// Its type and its bytes.
    pub(crate) fn encode(&self) -> (u32, Vec<u8>) {
        match self {
            Self::Dword(value) => (REG_DWORD, value.to_le_bytes().to_vec()),
            Self::Text(text) => (REG_SZ, text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    /// Paths and names in lower case.
    keys: BTreeMap<String, BTreeMap<String, RegistryValue>>,
    handles: BTreeMap<usize, String>,
    next_handle: usize,
}

/// A system's registry.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    state: Mutex<State>,
}

impl Registry {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a value, with its key.
    pub(crate) fn set(&self, key: &str, name: &str, value: RegistryValue) {
        self.state().keys.entry(key.to_lowercase()).or_default().insert(name.to_lowercase(), value);
    }

    /// Opens a key: gives a handle.
    pub(crate) fn open(&self, key: &str) -> Option<usize> {
        let mut state = self.state();
        let key = key.to_lowercase();
        if !state.keys.contains_key(&key) {
            return None;
        }
        state.next_handle += 1;
        // Kernel handles have their highest bit set.
        let handle = usize::MAX << 31 | state.next_handle << 2;
        state.handles.insert(handle, key);
        Some(handle)
    }

    /// A value of an open key; `None` for a wrong handle.
    pub(crate) fn query(&self, handle: usize, name: &str) -> Option<Option<RegistryValue>> {
        let state = self.state();
        let key = state.handles.get(&handle)?;
        Some(state.keys.get(key).and_then(|values| values.get(&name.to_lowercase())).cloned())
    }

    /// Closes a key; tells whether it was open.
    pub(crate) fn close(&self, handle: usize) -> bool {
        self.state().handles.remove(&handle).is_some()
    }

    /// Notes what is left: the driver is unloaded.
    pub(crate) fn check_unloaded(&self, verifier: &Verifier) {
        for (handle, key) in std::mem::take(&mut self.state().handles) {
            verifier.report(Rule::Object, "DriverUnload", || {
                format!("the registry key {key} is left open as {handle:#x}")
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_name_of_any_case() {
        let registry = Registry::default();
        registry.set("\\Registry\\A", "ApertureSize", RegistryValue::Dword(64));
        assert_eq!(registry.open("\\Registry\\B"), None);
        let key = registry.open("\\registry\\a").expect("there");
        assert_eq!(registry.query(key, "aperturesize"), Some(Some(RegistryValue::Dword(64))));
        assert_eq!(registry.query(key, "other"), Some(None));
        assert!(registry.close(key) && !registry.close(key));
        assert_eq!(registry.query(key, "aperturesize"), None);
        assert_eq!(RegistryValue::Text("a".to_owned()).encode(), (REG_SZ, vec![97, 0, 0, 0]));
    }
}
