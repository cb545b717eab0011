//! Shared resources: their handles, how other devices find them by these, and keyed mutexes.
//!
//! - The handle of `GetSharedHandle` is a number that the kernel model gives, the same in all processes; nobody closes it.
//! - The handle of `CreateSharedHandle` is one of NT's, which programs duplicate, inherit, open by name and close. Here it is a
//!   section whose first bytes tell what is shared. It keeps no resource alive: that takes a device which has it.
//!
//! What stands behind the number is the kernel model's, see `pvgpu-dxgkrnl`; [`super::section`] is how it reaches other processes.
//! Their devices are guests of their own at the host, which brings the texels from one to the other.

use core::ffi::c_void;
use core::time::Duration;
use std::sync::Arc;

use windows::Win32::Foundation::{
    CloseHandle, ERROR_ALREADY_EXISTS, GetLastError, HANDLE, INVALID_HANDLE_VALUE,
};
use windows::Win32::Graphics::Dxgi::IDXGIKeyedMutex_Impl;
use windows::Win32::Security::SECURITY_ATTRIBUTES;
use windows::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MapViewOfFile, OpenFileMappingW, PAGE_READWRITE,
    UnmapViewOfFile,
};
use windows_core::{GUID, IUnknown, Interface, PCWSTR};

use super::convert::{com, error};
use super::device::Device;
use super::guard::Guard;
use super::kernel::{Acquired, SharedResource};
use super::object::Com;
use super::resource::Resource;
use super::section::Session;
use crate::desc::resource::misc;
use crate::desc::texture::Desc;
use crate::hresult::{
    DXGI_ERROR_INVALID_CALL, DXGI_ERROR_NAME_ALREADY_EXISTS, E_INVALIDARG, Hresult, Result, require,
};

/// "pvgpu shared resource's handle, second form".
const MAGIC: u64 = u64::from_le_bytes(*b"pvgpuhd2");
/// `DXGI_SHARED_RESOURCE_READ` and `DXGI_SHARED_RESOURCE_WRITE`.
const ACCESS: u32 = 0x8000_0000 | 1;
/// `INFINITE`.
const INFINITE: u32 = u32::MAX;
/// `WAIT_ABANDONED` and `WAIT_TIMEOUT`: `AcquireSync` returns them as they are, which makes them successes.
const WAIT_ABANDONED: Hresult = Hresult(0x80);
const WAIT_TIMEOUT: Hresult = Hresult(0x102);

/// What stands in a section.
#[repr(C)]
#[derive(Clone, Copy)]
struct Identity {
    magic: u64,
    /// Tells the resource from a later one with the same handle.
    unique: u64,
    handle: u64,
}

/// Runs `run` with the contents of a section; none if it is none of this size.
fn with_section<T>(section: HANDLE, run: impl FnOnce(*mut Identity) -> T) -> Option<T> {
    let access = FILE_MAP_READ | FILE_MAP_WRITE;
    // SAFETY: any handle is allowed; one that is no section gives null.
    let view = unsafe { MapViewOfFile(section, access, 0, 0, size_of::<Identity>()) };
    if view.Value.is_null() {
        return None;
    }
    let result = run(view.Value.cast());
    // SAFETY: the view was mapped above and is used no more.
    let _unmapped = unsafe { UnmapViewOfFile(view) };
    Some(result)
}

/// The resource of a handle from `GetSharedHandle`.
///
/// # Errors
/// `E_INVALIDARG` for any other.
pub fn by_handle(handle: HANDLE) -> Result<Arc<SharedResource>> {
    let number = u32::try_from(handle.0.addr()).map_err(|_| E_INVALIDARG)?;
    SharedResource::find(number, &Session).filter(|shared| !is_nt(shared)).ok_or(E_INVALIDARG)
}

/// The resource of a handle from `CreateSharedHandle`.
///
/// # Errors
/// `E_INVALIDARG` for any other.
pub fn by_nt_handle(handle: HANDLE) -> Result<Arc<SharedResource>> {
    // SAFETY: a mapped section has as many bytes; nobody writes them after the one who made it.
    let identity = with_section(handle, |view| unsafe { view.read() }).ok_or(E_INVALIDARG)?;
    require(identity.magic == MAGIC)?;
    let handle = u32::try_from(identity.handle).map_err(|_| E_INVALIDARG)?;
    let shared = SharedResource::find(handle, &Session);
    shared.filter(|shared| is_nt(shared) && shared.unique() == identity.unique).ok_or(E_INVALIDARG)
}

/// The resource of a name given to `CreateSharedHandle`.
///
/// # Errors
/// `E_INVALIDARG` without a name or for access that does not exist, and for a section of somebody else; what Win32 reports when
/// there is none of this name.
///
/// # Safety
/// `name` is null or zero-terminated.
pub unsafe fn by_name(name: PCWSTR, access: u32) -> Result<Arc<SharedResource>> {
    require(!name.is_null() && access & ACCESS != 0 && access & !ACCESS == 0)?;
    // SAFETY: the caller's promise.
    let section = unsafe { OpenFileMappingW((FILE_MAP_READ | FILE_MAP_WRITE).0, false, name) };
    let section = section.map_err(|error| Hresult(error.code().0))?;
    let found = by_nt_handle(section);
    // SAFETY: it was opened above.
    let _closed = unsafe { CloseHandle(section) };
    found
}

fn is_nt(shared: &SharedResource) -> bool {
    texture(shared).is_ok_and(|desc| desc.flags.misc & misc::SHARED_NTHANDLE != 0)
}

/// What a shared resource is.
///
/// # Errors
/// `E_INVALIDARG` when a process has left nonsense with it.
pub fn texture(shared: &SharedResource) -> Result<Desc> {
    let (bytes, rest) = shared.runtime().as_chunks::<4>();
    let words: Vec<u32> = bytes.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
    require(rest.is_empty())?;
    Desc::from_words(words.try_into().map_err(|_| E_INVALIDARG)?)
}

impl Resource {
    /// `GetSharedHandle`.
    ///
    /// # Errors
    /// `E_INVALIDARG` for a resource that is not shared, or by handles of NT.
    pub fn shared_handle(&self) -> Result<HANDLE> {
        let shared = self.shared.as_ref().filter(|shared| !is_nt(shared)).ok_or(E_INVALIDARG)?;
        Ok(HANDLE(core::ptr::without_provenance_mut(shared.handle() as usize)))
    }

    /// `CreateSharedHandle`.
    ///
    /// # Errors
    /// `E_INVALIDARG` for a resource that is not shared by handles of NT, or access that does not exist;
    /// `DXGI_ERROR_NAME_ALREADY_EXISTS`; what Win32 reports.
    ///
    /// # Safety
    /// `attributes` is null or valid, `name` null or zero-terminated.
    pub unsafe fn create_shared_handle(
        &self,
        attributes: *const SECURITY_ATTRIBUTES,
        access: u32,
        name: PCWSTR,
    ) -> windows_core::Result<HANDLE> {
        let shared = com(self.shared.as_ref().filter(|shared| is_nt(shared)).ok_or(E_INVALIDARG))?;
        com(require(access & ACCESS != 0 && access & !ACCESS == 0))?;
        let attributes = (!attributes.is_null()).then_some(attributes);
        // CAST: 24.
        let bytes = size_of::<Identity>() as u32;
        // SAFETY: the caller's promise.
        let section =
            unsafe { CreateFileMappingW(INVALID_HANDLE_VALUE, attributes, PAGE_READWRITE, 0, bytes, name) }?;
        // SAFETY: no arguments.
        let existed = unsafe { GetLastError() } == ERROR_ALREADY_EXISTS;
        let identity = Identity { magic: MAGIC, unique: shared.unique(), handle: shared.handle().into() };
        let failure = if existed {
            Some(DXGI_ERROR_NAME_ALREADY_EXISTS)
        } else {
            // SAFETY: a mapped section has as many bytes, and nobody else knows it yet.
            with_section(section, |view| unsafe { view.write(identity) }).is_none().then_some(E_INVALIDARG)
        };
        if let Some(failure) = failure {
            // SAFETY: it was made or opened above.
            let _closed = unsafe { CloseHandle(section) };
            return Err(error(failure));
        }
        Ok(section)
    }
}

impl Com<Device> {
    /// `OpenSharedResource`, whichever handle it was.
    ///
    /// # Safety
    /// `riid` and `resource` are null or valid.
    pub unsafe fn open_shared(
        &self,
        shared: Result<Arc<SharedResource>>,
        riid: *const GUID,
        resource: *mut *mut c_void,
    ) -> windows_core::Result<()> {
        if riid.is_null() || resource.is_null() {
            return Err(error(E_INVALIDARG));
        }
        // SAFETY: the caller's promise.
        unsafe { resource.write(core::ptr::null_mut()) };
        let opened = com(shared.and_then(|shared| self.open_resource(shared)))?;
        // SAFETY: it was just opened, with a reference for us.
        let opened = unsafe { IUnknown::from_raw(opened) };
        // SAFETY: the caller's promise.
        unsafe { opened.query(riid, resource) }.ok()
    }
}

impl IDXGIKeyedMutex_Impl for Com<Resource> {
    fn AcquireSync(&self, key: u64, milliseconds: u32) -> windows_core::Result<()> {
        let device = &self.device().inner;
        let shared = com(self.inner.shared.as_ref().ok_or(DXGI_ERROR_INVALID_CALL))?;
        com(device.kernel.require_alive())?;
        // What was recorded before does not belong under the mutex.
        Guard::new(device).driver.flush();
        let timeout = (milliseconds != INFINITE).then(|| Duration::from_millis(milliseconds.into()));
        match device.kernel.acquire(shared, key, timeout) {
            Acquired::Done => Ok(()),
            Acquired::Abandoned => Err(error(WAIT_ABANDONED)),
            Acquired::Timeout => Err(error(WAIT_TIMEOUT)),
            Acquired::Invalid => Err(error(DXGI_ERROR_INVALID_CALL)),
        }
    }

    fn ReleaseSync(&self, key: u64) -> windows_core::Result<()> {
        let device = &self.device().inner;
        let shared = com(self.inner.shared.as_ref().ok_or(DXGI_ERROR_INVALID_CALL))?;
        Guard::new(device).driver.flush();
        if device.kernel.release(shared, key) { Ok(()) } else { Err(error(DXGI_ERROR_INVALID_CALL)) }
    }
}
