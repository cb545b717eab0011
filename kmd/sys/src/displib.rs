//! DxgkInitialize: what the WDK's static library displib.lib does to register a display miniport driver.
//!
//! The steps, and where they are known from (facts only; nothing was copied):
//!
//! 1. ZwLoadDriver of the service DXGKrnl; that it already runs is fine.
//! 2. IoGetDeviceObjectPointer of `\Device\DxgKrnl`, again for a few times while the device is not there yet.
//! 3. IRP_MJ_INTERNAL_DEVICE_CONTROL 0x230047, which dxgkrnl of Windows 8 and later answers with the address of its
//!    initialization function in the output buffer (8 bytes, METHOD_NEITHER). Windows 7's knows 0x23003F only and refuses the
//!    other with STATUS_INVALID_DEVICE_REQUEST.
//! 4. That function is called with the driver object, the registry path and DRIVER_INITIALIZATION_DATA, which it copies.
//!
//! ReactOS' displib (MIT, `sdk/lib/drivers/displib`) has 1 to 4; descriptions of Windows' own displib and of dxgkrnl's dispatch
//! routine by others agree on the codes, on the retries and on the second try of 3. Not verified by us on Windows. Windows' library
//! also checks `Version` against the versions that it was built with, and puts a StartDevice of its own in front of the
//! driver's, which keeps copies of the callbacks for the library's `DxgkCb*` functions; this driver takes the callbacks
//! from DXGKRNL_INTERFACE and has no use for it.
#![expect(unsafe_code, reason = "calls NT and dxgkrnl")]

use core::ffi::{CStr, c_void};
use core::ptr::{null, null_mut};

use pvgpu_kmd_ddi::*;

use crate::imports;

/// What dxgkrnl's initialization function looks like.
type DpiInitialize = unsafe extern "win64" fn(
    driver_object: *mut DRIVER_OBJECT,
    registry_path: *mut UNICODE_STRING,
    initialization_data: *mut DRIVER_INITIALIZATION_DATA,
) -> NTSTATUS;

/// For the initialization function of Windows 8 and later: CTL_CODE(FILE_DEVICE_VIDEO, 0x11, METHOD_NEITHER, FILE_ANY_ACCESS).
const IOCTL_WIN8: u32 = 0x23_0047;
/// For that of earlier versions: function 0xF.
const IOCTL_VISTA: u32 = 0x23_003F;

/// GENERIC_READ and GENERIC_WRITE.
const GENERIC_READ_WRITE: u32 = 0xC000_0000;
/// How often the device is looked for.
const ATTEMPTS: u32 = 10;
/// Between two attempts: 0.5 ms, in 100 ns from now.
const RETRY_DELAY: i64 = -5_000;

const SERVICE: &[u16] = &utf16::<60>(b"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\DXGKrnl");
const DEVICE: &[u16] = &utf16::<16>(b"\\Device\\DxgKrnl");

/// Registers the driver with dxgkrnl. `PASSIVE_LEVEL`.
///
/// # Safety
/// The first two are DriverEntry's arguments; the functions of the table are the driver's entry points.
#[unsafe(link_section = "INIT")]
pub unsafe fn dxgk_initialize(
    driver_object: *mut DRIVER_OBJECT,
    registry_path: *mut UNICODE_STRING,
    initialization_data: &mut DRIVER_INITIALIZATION_DATA,
) -> NTSTATUS {
    let dxgkrnl = match Dxgkrnl::open() {
        Ok(dxgkrnl) => dxgkrnl,
        Err(status) => return status,
    };
    let initialize = match dxgkrnl.initialization_function() {
        Ok(initialize) => initialize,
        Err(status) => {
            print(c"pvgpukmd: dxgkrnl does not tell its initialization function\n");
            return status;
        }
    };
    // SAFETY: dxgkrnl gave this function for exactly this purpose; the arguments are the caller's promise.
    unsafe { initialize(driver_object, registry_path, initialization_data) }
}

/// dxgkrnl's control device, with a reference to the file that was opened on it.
struct Dxgkrnl {
    device: *mut c_void,
    file: *mut c_void,
}

impl Dxgkrnl {
    #[unsafe(link_section = "INIT")]
    fn open() -> Result<Self, NTSTATUS> {
        let mut service = counted(SERVICE);
        // SAFETY: the name is a counted string in non-paged memory.
        let status = unsafe { imports::ZwLoadDriver(&raw mut service) };
        if status < 0 && status != STATUS_IMAGE_ALREADY_LOADED {
            print(c"pvgpukmd: dxgkrnl cannot be loaded\n");
            return Err(status);
        }
        let mut name = counted(DEVICE);
        let mut status = STATUS_DRIVER_UNABLE_TO_LOAD;
        for _ in 0..ATTEMPTS {
            let mut this = Self { device: null_mut(), file: null_mut() };
            // SAFETY: the name is a counted string; both results are written to locals.
            status = unsafe {
                imports::IoGetDeviceObjectPointer(
                    &raw mut name,
                    GENERIC_READ_WRITE,
                    &raw mut this.file,
                    &raw mut this.device,
                )
            };
            if status >= 0 {
                return Ok(this);
            }
            // What it would give back was never taken.
            core::mem::forget(this);
            let delay = RETRY_DELAY;
            // SAFETY: the interval is readable; the IRQL is PASSIVE_LEVEL.
            let _slept = unsafe { imports::KeDelayExecutionThread(KernelMode, 0, &raw const delay) };
        }
        print(c"pvgpukmd: dxgkrnl's device is not there\n");
        Err(status)
    }

    #[unsafe(link_section = "INIT")]
    fn initialization_function(&self) -> Result<DpiInitialize, NTSTATUS> {
        let mut answer = self.ask(IOCTL_WIN8);
        if answer == Err(STATUS_INVALID_DEVICE_REQUEST) {
            answer = self.ask(IOCTL_VISTA);
        }
        let address = answer?;
        if address.is_null() {
            return Err(STATUS_DRIVER_UNABLE_TO_LOAD);
        }
        // SAFETY: dxgkrnl answers these requests with the address of a function of this type.
        Ok(unsafe { core::mem::transmute::<*mut c_void, DpiInitialize>(address) })
    }

    /// Sends a request whose answer is an address, and waits for its end.
    #[unsafe(link_section = "INIT")]
    fn ask(&self, code: u32) -> Result<*mut c_void, NTSTATUS> {
        /// Bytes of an address.
        const ANSWER_BYTES: u32 = 8;
        let mut answer = null_mut::<c_void>();
        let mut event = KEVENT::default();
        let mut end = IO_STATUS_BLOCK::default();
        // SAFETY: the event lives until the request has ended; a stack that somebody waits on in kernel mode is not paged out.
        unsafe { imports::KeInitializeEvent(&raw mut event, NotificationEvent, 0) };
        // SAFETY: the device is referenced, and the answer's place, the event and the status live until the request has ended.
        let irp = unsafe {
            imports::IoBuildDeviceIoControlRequest(
                code,
                self.device,
                null_mut(),
                0,
                (&raw mut answer).cast(),
                ANSWER_BYTES,
                1,
                &raw mut event,
                &raw mut end,
            )
        };
        if irp.is_null() {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        // SAFETY: the request was built for this device and is sent once.
        let mut status = unsafe { imports::IofCallDriver(self.device, irp) };
        if status == STATUS_PENDING {
            // SAFETY: the event was initialised above; the wait ends only when the request has.
            let _waited = unsafe {
                imports::KeWaitForSingleObject((&raw mut event).cast(), Executive, KernelMode, 0, null())
            };
            status = end.Status;
        }
        if status < 0 { Err(status) } else { Ok(answer) }
    }
}

impl Drop for Dxgkrnl {
    #[unsafe(link_section = "INIT")]
    fn drop(&mut self) {
        // SAFETY: IoGetDeviceObjectPointer gave this reference, and the device is not used any more.
        let _references = unsafe { imports::ObfDereferenceObject(self.file) };
    }
}

/// A counted string of a terminated constant.
#[unsafe(link_section = "INIT")]
fn counted(text: &'static [u16]) -> UNICODE_STRING {
    let mut string = UNICODE_STRING::default();
    // SAFETY: the text is terminated and lives as long as the driver.
    unsafe { imports::RtlInitUnicodeString(&raw mut string, text.as_ptr()) };
    string
}

/// A line for whoever debugs a driver that does not start.
#[unsafe(link_section = "INIT")]
fn print(text: &CStr) {
    /// DPFLTR_IHVVIDEO_ID and DPFLTR_ERROR_LEVEL of `dpfilter.h`.
    const IHVVIDEO: u32 = 78;
    const ERROR: u32 = 0;
    // SAFETY: format and argument are terminated, and the format takes one text.
    let _written = unsafe { imports::DbgPrintEx(IHVVIDEO, ERROR, c"%s".as_ptr(), text.as_ptr()) };
}

/// A terminated UTF-16 text of an ASCII constant.
const fn utf16<const N: usize>(text: &[u8]) -> [u16; N] {
    // PANIC: evaluated by the compiler.
    assert!(text.len() + 1 == N, "the length counts the terminator");
    let mut wide = [0; N];
    let mut at = 0;
    while at < text.len() {
        // CAST: ASCII.
        wide[at] = text[at] as u16;
        at += 1;
    }
    wide
}
