//! Gamma ramps of monitors.

#![expect(unsafe_code, reason = "Win32 has no safe interface")]

use windows::Win32::Graphics::Gdi::{CreateDCW, DeleteDC, HDC};
use windows::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_core::{BOOL, PCWSTR, s, w};

/// Red, green and blue for each of 256 values, as GDI has them.
pub type Ramp = [[u16; 256]; 3];

/// `GetDeviceGammaRamp` and `SetDeviceGammaRamp` of gdi32.dll.
type RampFunction = unsafe extern "system" fn(HDC, *mut Ramp) -> BOOL;

/// Looked up because the metadata puts them elsewhere than the rest of GDI.
fn function(get: bool) -> Option<RampFunction> {
    // SAFETY: the name is a constant; gdi32.dll stays loaded, because this library imports it.
    let module = unsafe { GetModuleHandleW(w!("gdi32.dll")) }.ok()?;
    let name = if get { s!("GetDeviceGammaRamp") } else { s!("SetDeviceGammaRamp") };
    // SAFETY: the module is loaded and the name is zero-terminated.
    let function = unsafe { GetProcAddress(module, name) }?;
    // SAFETY: both functions have this type.
    Some(unsafe { std::mem::transmute::<unsafe extern "system" fn() -> isize, RampFunction>(function) })
}

fn with_device(device: &[u16; 32], call: impl FnOnce(HDC) -> bool) -> bool {
    // SAFETY: the name is zero-terminated.
    let context = unsafe { CreateDCW(PCWSTR::null(), PCWSTR(device.as_ptr()), PCWSTR::null(), None) };
    if context.is_invalid() {
        return false;
    }
    let done = call(context);
    // SAFETY: the context was made above and is used no more.
    let _deleted = unsafe { DeleteDC(context) };
    done
}

/// The ramp of a display device; `None` where it has none.
pub fn read(device: &[u16; 32]) -> Option<Box<Ramp>> {
    let get = function(true)?;
    let mut ramp = Box::new([[0; 256]; 3]);
    // SAFETY: the context is live and the ramp is valid for writing.
    with_device(device, |context| unsafe { get(context, &raw mut *ramp) }.as_bool()).then_some(ramp)
}

/// Sets the ramp of a display device; false where it has none.
pub fn write(device: &[u16; 32], ramp: &Ramp) -> bool {
    let Some(set) = function(false) else { return false };
    let mut copy = Box::new(*ramp);
    // SAFETY: the context is live and the ramp is valid for reading.
    with_device(device, |context| unsafe { set(context, &raw mut *copy) }.as_bool())
}
