//! Loads a driver's image and tries what can be tried without a kernel: for tests, natively and under Wine.
//!
//! `pvgpu-image-check IMAGE copy` has its guarded copy read readable and unreadable memory; `… IMAGE map` has it map pages, and on
//! Windows the kernel raise an exception instead; `… IMAGE refused` calls DriverEntry with a kernel that refuses everything;
//! `… IMAGE discarded` calls it once more after INIT is gone, which must end the process. The exit code is 0 if all was as
//! it must be, 1 with a sentence on standard error otherwise.
#![expect(unsafe_code, reason = "calls into the image")]

use std::cell::Cell;
use std::ffi::{OsString, c_void};
use std::path::Path;
use std::process::ExitCode;
use std::ptr::{null_mut, with_exposed_provenance, without_provenance};
use std::sync::atomic::AtomicUsize;

use pvgpu_loader::Image;

/// STATUS_UNSUCCESSFUL.
// CAST: an NTSTATUS is these 32 bits.
const REFUSED: i32 = 0xC000_0001_u32 as i32;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [image, task] = arguments.as_slice() else {
        eprintln!("usage: pvgpu-image-check IMAGE copy|map|refused|discarded");
        return ExitCode::FAILURE;
    };
    let result = load(Path::new(image)).and_then(|image| match task.to_str() {
        Some("copy") => copy(&image),
        Some("map") => map(&image),
        Some("refused") => refused(&image),
        Some("discarded") => discarded(&image),
        _ => Err("there is no such task".to_owned()),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Every function of this kernel refuses, and its one variable is null.
fn load(path: &Path) -> Result<Image, String> {
    extern "win64" fn refuse() -> i32 {
        REFUSED
    }
    static VARIABLE: AtomicUsize = AtomicUsize::new(0);
    let exports = |name: &str| match name {
        "ExEventObjectType" => Some((&raw const VARIABLE).cast::<c_void>()),
        "MmMapLockedPagesSpecifyCache" => Some(map_pages as *const c_void),
        _ => Some(refuse as *const c_void),
    };
    Image::load(path, &exports).map_err(|error| error.to_string())
}

/// `rep movsb`, with which the guarded copy copies.
const REP_MOVSB: [u8; 2] = [0xF3, 0xA4];

/// Of the functions with a handler, the one whose guarded instructions begin with a copy of bytes, or the other one.
fn guarded(image: &Image, copies: bool) -> Result<*const (), String> {
    let start = image.range().start;
    let scope = image.scopes().iter().find(|scope| {
        let code = with_exposed_provenance::<[u8; 2]>(start + scope.instructions.start);
        // SAFETY: instructions of the image are readable.
        (unsafe { code.read() } == REP_MOVSB) == copies
    });
    let scope = scope.ok_or("the image has no such function with a handler")?;
    Ok(with_exposed_provenance(start + scope.function))
}

/// The routine that reads user memory.
fn copy(image: &Image) -> Result<(), String> {
    type Copy = unsafe extern "win64" fn(*mut u8, *const u8, usize) -> bool;
    let function = guarded(image, true)?;
    // SAFETY: the function begins there.
    let copy = unsafe { std::mem::transmute::<*const (), Copy>(function) };

    let source: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
    let mut destination = vec![0; source.len()];
    // SAFETY: both buffers have this many bytes.
    let copied = unsafe { copy(destination.as_mut_ptr(), source.as_ptr(), source.len()) };
    if !copied || destination != source {
        return Err("readable memory was not copied".to_owned());
    }
    // The lowest page is mapped in no process, and neither is this hole in the address space, at which the processor reports
    // another kind of fault.
    for unreadable in [8, 0x8000_0000_0000_0000] {
        for _ in 0..1000 {
            // SAFETY: the destination has this many bytes; the routine promises to survive an unreadable source.
            if unsafe { copy(destination.as_mut_ptr(), without_provenance(unreadable), 64) } {
                return Err(format!("{unreadable:#x} was said to be readable"));
            }
        }
    }
    Ok(())
}

/// The MDL with which [`map_pages`] raises an exception.
#[cfg(windows)]
const RAISING: usize = 0xBAD;

/// `MmMapLockedPagesSpecifyCache` of a kernel that checks its arguments: gives the MDL's successor if they are 1 to 5.
extern "win64" fn map_pages(
    mdl: usize,
    access_mode: i8,
    cache_type: i32,
    requested_address: usize,
    bug_check_on_failure: u32,
    priority: u32,
) -> usize {
    #[cfg(windows)]
    if mdl == RAISING {
        let insufficient_resources = 0xC000_009A;
        // SAFETY: the only frame between here and the handler is this one, which has nothing to clean up.
        unsafe {
            windows::Win32::System::Diagnostics::Debug::RaiseException(insufficient_resources, 0, None);
        }
    }
    let others = (access_mode, cache_type, requested_address, bug_check_on_failure, priority);
    if others == (1, 2, 3, 4, 5) { mdl + 1 } else { 0 }
}

/// The routine that maps pages: it hands all six arguments on, and makes null of an exception.
fn map(image: &Image) -> Result<(), String> {
    type Map = unsafe extern "win64" fn(usize, i8, i32, usize, u32, u32) -> usize;
    let function = guarded(image, false)?;
    // SAFETY: the function begins there.
    let map = unsafe { std::mem::transmute::<*const (), Map>(function) };
    // SAFETY: it hands its arguments to `map_pages`, which follows none of them.
    let mapped = unsafe { map(7, 1, 2, 3, 4, 5) };
    if mapped != 8 {
        return Err(format!("the arguments did not arrive: {mapped}"));
    }
    #[cfg(windows)]
    for _ in 0..1000 {
        // SAFETY: as above; the exception is handled in the routine.
        let mapped = unsafe { map(RAISING, 1, 2, 3, 4, 5) };
        if mapped != 0 {
            return Err(format!("an exception gave {mapped:#x}"));
        }
    }
    Ok(())
}

/// DriverEntry hands the first failure on.
fn refused(image: &Image) -> Result<(), String> {
    let mut driver_object = [0_u64; 64];
    let entry = image.entry();
    // SAFETY: it is DriverEntry, which passes its arguments to a kernel that looks at nothing.
    let status = unsafe { entry(driver_object.as_mut_ptr().cast(), null_mut()) };
    if status == REFUSED { Ok(()) } else { Err(format!("DriverEntry gave {status:#x}")) }
}

/// Without INIT there is no DriverEntry any more.
fn discarded(image: &Image) -> Result<(), String> {
    refused(image)?;
    image.discard_init().map_err(|error| error.to_string())?;
    // Something that the compiler must not move past the call.
    let called = Cell::new(false);
    let entry = image.entry();
    called.set(true);
    // SAFETY: the call cannot succeed: its first instruction cannot be read.
    let status = unsafe { entry(null_mut(), null_mut()) };
    Err(format!("DriverEntry ran without INIT and gave {status:#x} ({})", called.get()))
}
