//! Exceptions by the system: it is told the image's unwind tables, and calls the handlers that they name.
//!
//! A fault that no handler takes is described on standard error before the program ends, because the system's own report cannot
//! know the image.
#![expect(unsafe_code, reason = "registers unwind tables and an exception handler")]

use std::ffi::c_void;
use std::ops::Range;
use std::ptr::with_exposed_provenance;
use std::sync::{Mutex, Once, PoisonError};

use windows::Win32::System::Diagnostics::Debug::{
    AddVectoredExceptionHandler, EXCEPTION_CONTINUE_SEARCH, EXCEPTION_POINTERS, IMAGE_RUNTIME_FUNCTION_ENTRY,
    RtlAddFunctionTable, RtlDeleteFunctionTable,
};
use windows::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows::core::{s, w};

use crate::LoadError;
use crate::memory::Memory;
use crate::unwind::Scope;

/// The loaded images, for reports.
static LOADED: Mutex<Vec<Guarded>> = Mutex::new(Vec::new());

struct Guarded {
    name: String,
    addresses: Range<usize>,
    scopes: Vec<Scope>,
}

/// An image whose exceptions are handled, until this is dropped.
#[derive(Debug)]
pub struct Registration {
    table: usize,
    start: usize,
}

/// The system's handler for scope tables; null, which faults when it is called, should the system have none.
pub fn specific_handler() -> *const c_void {
    // SAFETY: the name is terminated; ntdll is in every process and never leaves it.
    let Ok(ntdll) = (unsafe { GetModuleHandleW(w!("ntdll.dll")) }) else { return std::ptr::null() };
    // SAFETY: the module is loaded and the name is terminated.
    let handler = unsafe { GetProcAddress(ntdll, s!("__C_specific_handler")) };
    handler.map_or(std::ptr::null(), |handler| handler as *const c_void)
}

/// Tells the system the image's unwind tables.
///
/// # Errors
/// [`LoadError::Exceptions`] if it does not take them.
pub fn register(
    name: &str,
    memory: &Memory,
    functions: Range<usize>,
    scopes: &[Scope],
) -> Result<Registration, LoadError> {
    static REPORT: Once = Once::new();
    let start = memory.address();
    let table = start + functions.start;
    let count = functions.len() / size_of::<IMAGE_RUNTIME_FUNCTION_ENTRY>();
    let entries = with_exposed_provenance::<IMAGE_RUNTIME_FUNCTION_ENTRY>(table);
    // SAFETY: the table lies in the image (its range was checked), whose pages stay readable while the image is loaded.
    let entries = unsafe { std::slice::from_raw_parts(entries, count) };
    // CAST: an address on a 64-bit machine.
    // SAFETY: the entries are offsets from the image's start, and stay until the registration is dropped.
    if !unsafe { RtlAddFunctionTable(entries, start as u64) } {
        return Err(LoadError::Exceptions("the system does not take its unwind tables"));
    }
    let guarded =
        Guarded { name: name.to_owned(), addresses: start..start + memory.bytes(), scopes: scopes.to_vec() };
    LOADED.lock().unwrap_or_else(PoisonError::into_inner).push(guarded);
    REPORT.call_once(|| {
        // SAFETY: the handler lives as long as this code, which nobody unloads while an image is loaded.
        let _handle = unsafe { AddVectoredExceptionHandler(0, Some(report)) };
    });
    Ok(Registration { table, start })
}

impl Drop for Registration {
    fn drop(&mut self) {
        let table = with_exposed_provenance::<IMAGE_RUNTIME_FUNCTION_ENTRY>(self.table);
        // SAFETY: this table was registered, once.
        let _removed = unsafe { RtlDeleteFunctionTable(table) };
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.retain(|image| image.addresses.start != self.start);
    }
}

/// Describes an exception of an image that no scope covers. Decides nothing.
unsafe extern "system" fn report(exception: *mut EXCEPTION_POINTERS) -> i32 {
    // SAFETY: the system passes pointers to what it describes, for the time of this call.
    let exception = unsafe { &*exception };
    // SAFETY: see above.
    let Some(record) = (unsafe { exception.ExceptionRecord.as_ref() }) else {
        return EXCEPTION_CONTINUE_SEARCH;
    };
    let instruction = record.ExceptionAddress.addr();
    // A thread that faults while it changes the list has no report.
    if let Ok(loaded) = LOADED.try_lock()
        && let Some(image) = loaded.iter().find(|image| image.addresses.contains(&instruction))
    {
        let offset = instruction - image.addresses.start;
        if !image.scopes.iter().any(|scope| scope.instructions.contains(&offset)) {
            let code = record.ExceptionCode.0;
            // For an access violation; 0 for exceptions that access nothing.
            let address = record.ExceptionInformation[1];
            eprintln!("{}: exception {code:#x} at offset {offset:#x}, accessing {address:#x}", image.name);
        }
    }
    EXCEPTION_CONTINUE_SEARCH
}
