//! A panic ends Windows: there is no way to go on with a driver that broke its own rules.
#![expect(unsafe_code, reason = "calls KeBugCheckEx")]

use core::panic::PanicInfo;

use crate::imports;

/// "RPNC", Rust panic: the code and the parameters are those of windows-drivers-rs, so that a crash dump reads the same whichever
/// build made the driver.
const RUST_PANIC: u32 = u32::from_be_bytes(*b"RPNC");

/// Parameters: address and length of the source file's name, line, column.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let [file, length, line, column] = info.location().map_or([0; 4], |place| {
        // CAST: u32 to usize on a 64-bit target.
        [place.file().as_ptr().addr(), place.file().len(), place.line() as usize, place.column() as usize]
    });
    // SAFETY: may be called at any IRQL with any parameters.
    unsafe { imports::KeBugCheckEx(RUST_PANIC, file, length, line, column) }
}
