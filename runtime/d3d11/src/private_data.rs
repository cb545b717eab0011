//! Private data: bytes and interfaces that an application attaches to an object under a GUID.

use std::sync::{Mutex, PoisonError};

use crate::hresult::{DXGI_ERROR_MORE_DATA, DXGI_ERROR_NOT_FOUND, Result, S_FALSE};

/// What one GUID holds; `I` is a counted interface pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<I> {
    /// Bytes.
    Bytes(Box<[u8]>),
    /// An interface, or a null pointer where one was set, which is not the same as nothing.
    Interface(Option<I>),
}

/// The private data of one object. Objects without any cost one word and a lock.
#[derive(Debug)]
pub struct PrivateData<I> {
    entries: Mutex<Vec<(u128, Value<I>)>>,
}

impl<I> Default for PrivateData<I> {
    fn default() -> Self {
        Self { entries: Mutex::new(Vec::new()) }
    }
}

impl<I: Clone> PrivateData<I> {
    /// Sets or, with `None`, removes what `guid` holds.
    ///
    /// What was there is returned, to be dropped after every lock is released: an interface's last release may call back.
    ///
    /// # Errors
    /// `S_FALSE` when there was nothing to remove.
    pub fn set(&self, guid: u128, value: Option<Value<I>>) -> Result<Option<Value<I>>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let at = entries.iter().position(|entry| entry.0 == guid);
        match (at, value) {
            (Some(at), Some(value)) => {
                // PANIC: `position` found `at`.
                let old = core::mem::replace(&mut entries[at].1, value);
                Ok(Some(old))
            }
            (Some(at), None) => Ok(Some(entries.swap_remove(at).1)),
            (None, Some(value)) => {
                entries.push((guid, value));
                Ok(None)
            }
            (None, None) => Err(S_FALSE),
        }
    }

    /// What `guid` holds.
    ///
    /// # Errors
    /// `DXGI_ERROR_NOT_FOUND`.
    pub fn get(&self, guid: u128) -> Result<Value<I>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let found = entries.iter().find(|entry| entry.0 == guid);
        found.map(|entry| entry.1.clone()).ok_or(DXGI_ERROR_NOT_FOUND)
    }

    /// Takes everything, for a dying object.
    pub fn take(&self) -> Vec<(u128, Value<I>)> {
        core::mem::take(&mut *self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Decides a `GetPrivateData` call: how many bytes to report, and whether to copy them.
///
/// `room` is the caller's size, `None` when its data pointer is null, which asks for the size only.
///
/// # Errors
/// `DXGI_ERROR_MORE_DATA` when `room` is too small; the size is to be reported all the same.
pub fn answer(size: usize, room: Option<usize>) -> Result<bool> {
    match room {
        None => Ok(false),
        Some(room) if room < size => Err(DXGI_ERROR_MORE_DATA),
        Some(_) => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_set_replaced_and_removed() {
        let data = PrivateData::<u32>::default();
        assert_eq!(data.get(1), Err(DXGI_ERROR_NOT_FOUND));
        assert_eq!(data.set(1, None), Err(S_FALSE));
        assert_eq!(data.set(1, Some(Value::Interface(Some(7)))), Ok(None));
        assert_eq!(data.set(1, Some(Value::Bytes([1, 2].into()))), Ok(Some(Value::Interface(Some(7)))));
        assert_eq!(data.get(1), Ok(Value::Bytes([1, 2].into())));
        assert_eq!(data.set(2, Some(Value::Interface(None))), Ok(None));
        assert_eq!(data.set(1, None), Ok(Some(Value::Bytes([1, 2].into()))));
        assert_eq!(data.take(), [(2, Value::Interface(None))]);
    }

    #[test]
    fn sizes_are_answered_as_d3d_does() {
        assert_eq!(answer(8, None), Ok(false));
        assert_eq!(answer(8, Some(7)), Err(DXGI_ERROR_MORE_DATA));
        assert_eq!(answer(8, Some(8)), Ok(true));
    }
}
