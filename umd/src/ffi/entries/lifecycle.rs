//! Sizes of objects, flushes, the end of the device.

use pvgpu_umd_ddi::*;

use crate::device::Device;
use crate::ffi::argument::{Runtime, device, entries, entry_index};

/// `CalcPrivate…Size` with one argument.
pub(in crate::ffi) extern "system" fn size<T, A>(_device: D3D10DDI_HDEVICE, _desc: *const A) -> usize {
    size_of::<T>()
}

/// `CalcPrivate…Size` with two arguments.
pub(in crate::ffi) extern "system" fn size2<T, A, B>(
    _device: D3D10DDI_HDEVICE,
    _first: *const A,
    _second: *const B,
) -> usize {
    size_of::<T>()
}

/// `CalcPrivate…Size` of what this driver never creates.
pub(in crate::ffi) extern "system" fn no_size<A>(_device: D3D10DDI_HDEVICE, _desc: *const A) -> usize {
    0
}

entries! {
    /// `pfnFlush` of 11.0.
    flush_11_0 at entry_index!(pfnFlush) => |device| device.flush().map(drop);

    /// `pfnSetTextFilterSize`: for the 1-bit text filter, which no 11 program has.
    set_text_filter_size at entry_index!(pfnSetTextFilterSize) => |_device, _width: u32, _height: u32| Ok(());

    /// `pfnRelocateDeviceFuncs` of 11.0: the driver keeps no pointer to its table.
    relocate_device_funcs_11_0 at entry_index!(pfnRelocateDeviceFuncs) =>
    |_device, _table: Runtime<*mut D3D11DDI_DEVICEFUNCS>| Ok(());

    /// The same of 11.1.
    relocate_device_funcs at entry_index!(pfnRelocateDeviceFuncs) =>
    |_device, _table: Runtime<*mut D3D11_1DDI_DEVICEFUNCS>| Ok(());

    /// `pfnCheckDeferredContextHandleSizes`: the runtime emulates deferred contexts, so none.
    check_deferred_context_handle_sizes at entry_index!(pfnCheckDeferredContextHandleSizes) =>
    |_device, count: crate::ffi::argument::Out<u32>, _sizes: Runtime<*mut D3D11DDI_HANDLESIZE>| {
        count.set(0);
        Ok(())
    };
}

/// `pfnFlush` of 11.1; FALSE when there was nothing to submit.
pub(in crate::ffi) unsafe extern "system" fn flush(handle: D3D10DDI_HDEVICE, _flags: u32) -> BOOL {
    // SAFETY: the runtime calls one entry of a living device at a time.
    let Some(device) = (unsafe { device(handle) }) else { return FALSE };
    match device.flush() {
        Ok(submitted) => BOOL::from(submitted),
        Err(error) => {
            device.report(entry_index!(pfnFlush), error);
            FALSE
        }
    }
}

/// `pfnDestroyDevice`.
pub(in crate::ffi) unsafe extern "system" fn destroy_device(handle: D3D10DDI_HDEVICE) {
    let device = handle.0.cast::<Device>();
    if !device.is_null() {
        // SAFETY: the runtime destroys a living device once, after all of its objects.
        unsafe { device.drop_in_place() }
    }
}
