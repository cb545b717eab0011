//! The driver's settings in the registry: DWORD values below the adapter's `DeviceRegistryPath`.
#![expect(unsafe_code, reason = "NT's registry functions take pointers")]

use core::ptr::{from_mut, from_ref, null_mut};

use pvgpu_kmd_ddi::{
    HANDLE, KEY_READ, KeyValuePartialInformation, NT_SUCCESS, OBJ_CASE_INSENSITIVE, OBJ_KERNEL_HANDLE,
    OBJECT_ATTRIBUTES, REG_DWORD, UNICODE_STRING,
};

use crate::nt::Nt;

/// A terminated UTF-16 name from ASCII.
const fn wide<const LENGTH: usize>(name: &[u8]) -> [u16; LENGTH] {
    assert!(name.len() + 1 == LENGTH, "the array holds the name and a terminator");
    let mut wide = [0; LENGTH];
    let mut index = 0;
    while index < name.len() {
        // PANIC: evaluated at compile time.
        wide[index] = name[index] as u16;
        index += 1;
    }
    wide
}

/// The aperture's size in MiB, where it is our own memory (`ROOT\PVGPU`).
pub(crate) static APERTURE_SIZE: [u16; 13] = wide(b"ApertureSize");
/// How much the telemetry ring gets: 0 errors, 1 also warnings, 2 also life-cycle steps, 3 every step.
pub(crate) static LOG_LEVEL: [u16; 9] = wide(b"LogLevel");
/// How many MiB of the aperture dxgkrnl's memory manager gets, for the desktop's surfaces; 0 where there is no desktop.
pub(crate) static SEGMENT_SIZE: [u16; 12] = wide(b"SegmentSize");

/// `KEY_VALUE_PARTIAL_INFORMATION` with room for a DWORD.
#[repr(C)]
#[derive(Default)]
struct DwordValue {
    title_index: u32,
    kind: u32,
    data_length: u32,
    data: u32,
}

/// A registry key that is open.
pub(crate) struct Key<N: Nt> {
    handle: HANDLE,
    nt: core::marker::PhantomData<fn() -> N>,
}

impl<N: Nt> Key<N> {
    /// Opens a key to read it; `None` when that fails. `PASSIVE_LEVEL`.
    ///
    /// # Safety
    /// `path` describes readable characters.
    pub(crate) unsafe fn open(path: &UNICODE_STRING) -> Option<Self> {
        let mut handle: HANDLE = null_mut();
        let attributes = OBJECT_ATTRIBUTES {
            Length: size_of::<OBJECT_ATTRIBUTES>() as u32,
            RootDirectory: null_mut(),
            ObjectName: from_ref(path),
            Attributes: OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
            SecurityDescriptor: null_mut(),
            SecurityQualityOfService: null_mut(),
        };
        // SAFETY: all arguments live here; the path's characters are the caller's promise.
        let status = unsafe { N::ZwOpenKey(from_mut(&mut handle), KEY_READ, from_ref(&attributes)) };
        // Not before the key is open: what is made here closes it.
        NT_SUCCESS(status).then(|| Self { handle, nt: core::marker::PhantomData })
    }

    /// A DWORD value; `None` when there is none of that name and type. `PASSIVE_LEVEL`.
    pub(crate) fn dword(&self, name: &'static [u16]) -> Option<u32> {
        if name.last() != Some(&0) {
            return None;
        }
        let mut string = UNICODE_STRING::default();
        // SAFETY: the name is terminated and lives forever.
        unsafe { N::RtlInitUnicodeString(from_mut(&mut string), name.as_ptr()) };
        let mut value = DwordValue::default();
        let mut length = 0;
        // SAFETY: the key is open, and all arguments live here with the sizes that are said.
        let status = unsafe {
            N::ZwQueryValueKey(
                self.handle,
                from_ref(&string),
                KeyValuePartialInformation,
                from_mut(&mut value).cast(),
                size_of::<DwordValue>() as u32,
                from_mut(&mut length),
            )
        };
        (NT_SUCCESS(status) && value.kind == REG_DWORD && value.data_length == 4).then_some(value.data)
    }
}

impl<N: Nt> Drop for Key<N> {
    fn drop(&mut self) {
        // SAFETY: the handle is ours.
        unsafe { N::ZwClose(self.handle) };
    }
}
