//! Sections of shared resources as Windows has them: named, and gone with the last process that has them open.
//!
//! The name is made of the resource's handle, which therefore is a number for all processes of a session. Beside the section
//! is an event, by which a process wakes another.

use core::sync::atomic::AtomicU64;
use core::time::Duration;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use pvgpu_dxgkrnl::{SECTION_CELLS, Section, Sections, Waited};
use pvgpu_transport::Link;
use windows::Win32::Foundation::{
    CloseHandle, ERROR_ALREADY_EXISTS, GetLastError, HANDLE, INVALID_HANDLE_VALUE, WAIT_OBJECT_0,
};
use windows::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile,
    OpenFileMappingW, PAGE_READWRITE, UnmapViewOfFile,
};
use windows::Win32::System::Threading::{
    CreateEventW, GetCurrentProcessId, OpenProcess, PROCESS_SYNCHRONIZE, SetEvent, WaitForSingleObject,
};
use windows_core::HSTRING;

/// Bytes of a section.
const BYTES: usize = SECTION_CELLS * 8;

/// A handle that is closed.
struct Owned(HANDLE);

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: whoever made it gave it away.
        let _closed = unsafe { CloseHandle(self.0) };
    }
}

/// A mapped section.
struct Mapped {
    view: MEMORY_MAPPED_VIEW_ADDRESS,
    event: Owned,
    _section: Owned,
}

// SAFETY: the view is memory of atomic cells; handles of NT may be used by any thread.
unsafe impl Send for Mapped {}
// SAFETY: as above.
unsafe impl Sync for Mapped {}

impl Mapped {
    fn map(section: Owned, handle: u32) -> Option<Arc<dyn Section>> {
        let access = FILE_MAP_READ | FILE_MAP_WRITE;
        // SAFETY: the handle is a section's.
        let view = unsafe { MapViewOfFile(section.0, access, 0, 0, BYTES) };
        if view.Value.is_null() {
            return None;
        }
        // SAFETY: the name is zero-terminated. An event that exists is opened.
        let event = unsafe { CreateEventW(None, false, false, &name("changed", handle)) };
        match event {
            Ok(event) => Some(Arc::new(Self { view, event: Owned(event), _section: section })),
            Err(_) => {
                // SAFETY: it was mapped above and is used no more.
                let _unmapped = unsafe { UnmapViewOfFile(view) };
                None
            }
        }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: it was mapped by `map`, and nobody has its cells any more.
        let _unmapped = unsafe { UnmapViewOfFile(self.view) };
    }
}

impl Section for Mapped {
    fn cells(&self) -> &[AtomicU64] {
        // SAFETY: the view has as many bytes, begins with a page, and is mapped as long as this lives; processes change it by
        // atomic words only.
        unsafe { core::slice::from_raw_parts(self.view.Value.cast(), SECTION_CELLS) }
    }

    fn wake(&self) {
        // SAFETY: the event is open.
        let _set = unsafe { SetEvent(self.event.0) };
    }

    fn wait(&self, timeout: Duration) -> Waited {
        // At least a millisecond: what is asked for is a wait.
        let milliseconds = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX - 1).max(1);
        // SAFETY: the event is open.
        match unsafe { WaitForSingleObject(self.event.0, milliseconds) } {
            WAIT_OBJECT_0 => Waited::Woken,
            _ => Waited::Timeout,
        }
    }
}

/// The sections of this session.
pub struct Session;

/// TIMEOUT: so long a dead process's worker is waited for; a host that is dead as well leaves its files.
const WORKER_PATIENCE: Duration = Duration::from_secs(2);

/// Where the host of this process keeps files of the guests that it serves.
static FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// Processes that were found dead, and when.
static DEAD: Mutex<BTreeMap<u32, Instant>> = Mutex::new(BTreeMap::new());

/// Says by which link this process reaches its host.
pub fn note_link(link: &Link) {
    if let Ok(folder) = pvgpu_transport::shm::folder(link) {
        FOLDER.get_or_init(|| folder);
    }
}

/// Whether the host still executes what a process that is dead has left in its rings.
fn has_worker(process: u32) -> bool {
    let Some(folder) = FOLDER.get() else { return false };
    let mut dead = DEAD.lock().unwrap_or_else(PoisonError::into_inner);
    let since = *dead.entry(process).or_insert_with(Instant::now);
    drop(dead);
    if since.elapsed() > WORKER_PATIENCE {
        return false;
    }
    // The host removes a guest's files when its worker has ended, which it does when all is done.
    let prefix = format!("guest-{process}-");
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.into_iter().any(|file| file.file_name().to_string_lossy().starts_with(&prefix))
}

/// The name of something of a handle.
fn name(what: &str, handle: u32) -> HSTRING {
    HSTRING::from(format!("Local\\pvgpu-share-{handle:08x}-{what}"))
}

impl Sections for Session {
    fn create(&self, handle: u32) -> Option<Arc<dyn Section>> {
        // CAST: a page.
        let bytes = BYTES as u32;
        let name = name("section", handle);
        // SAFETY: the name is zero-terminated.
        let section =
            unsafe { CreateFileMappingW(INVALID_HANDLE_VALUE, None, PAGE_READWRITE, 0, bytes, &name) };
        // SAFETY: no arguments.
        let existed = unsafe { GetLastError() } == ERROR_ALREADY_EXISTS;
        let section = Owned(section.ok()?);
        if existed { None } else { Mapped::map(section, handle) }
    }

    fn open(&self, handle: u32) -> Option<Arc<dyn Section>> {
        let name = name("section", handle);
        // SAFETY: the name is zero-terminated.
        let section = unsafe { OpenFileMappingW((FILE_MAP_READ | FILE_MAP_WRITE).0, false, &name) };
        Mapped::map(Owned(section.ok()?), handle)
    }

    fn process(&self) -> u32 {
        // SAFETY: no arguments.
        unsafe { GetCurrentProcessId() }
    }

    fn is_alive(&self, process: u32) -> bool {
        // SAFETY: any number is allowed.
        let opened = unsafe { OpenProcess(PROCESS_SYNCHRONIZE, false, process) }.map(Owned);
        // SAFETY: the handle is open.
        let runs = opened.is_ok_and(|opened| unsafe { WaitForSingleObject(opened.0, 0) } != WAIT_OBJECT_0);
        runs || has_worker(process)
    }
}
