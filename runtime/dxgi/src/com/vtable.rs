//! Vtables with entries of our own.
//!
//! The entries that windows-core generates write a method's result without a look at the pointer. DXGI refuses a null pointer
//! with an error, and programs and tests rely on it; so objects get a copy of their vtable with such entries replaced.

#![expect(unsafe_code, reason = "vtables are raw COM functions")]

use windows_core::Interface;

/// Gives an object another vtable for its interface `I`.
///
/// The object's maker calls it before anybody else has the object. `table` must be one for the same object type at the same
/// place, with entries that keep the contracts of those they replace.
pub fn replace<I: Interface>(object: I, table: &'static I::Vtable) -> I {
    // SAFETY: an interface pointer points to the address of its vtable, which only the methods' callers read; nobody else
    // has the object yet.
    unsafe { object.as_raw().cast::<*const I::Vtable>().write(table) };
    object
}

/// An entry that returns `$error` for a null out-pointer, the last argument, and else does what the generated entry does.
macro_rules! refusing_null {
    ($vtbl:ident::<$identity:ty>::$entry:ident($($argument:ident: $type:ty),* => $out:ty), $error:expr) => {{
        unsafe extern "system" fn entry(
            this: *mut core::ffi::c_void,
            $($argument: $type,)*
            out: *mut $out,
        ) -> windows_core::HRESULT {
            const ORIGINAL: $vtbl = $vtbl::new::<$identity, -1>();
            if out.is_null() {
                return $error;
            }
            // SAFETY: these are the arguments of an entry of this object's vtable.
            unsafe { (ORIGINAL.$entry)(this, $($argument,)* out) }
        }
        entry
    }};
}
pub(super) use refusing_null;
