//! Direct3D 10's interfaces on the objects of Direct3D 11.
//!
//! Direct3D 10.1 is a subset of 11: on Windows, too, one runtime serves both, and `QueryInterface` leads from an
//! `ID3D11Texture2D` to the `ID3D10Texture2D` of the same object. Every class that Direct3D 10 knows has a chain for it at
//! [`CHAIN`]; an interface pointer of that chain becomes one of chain 0, and the function of Direct3D 11 does the work:
//!
//! - `device`: `ID3D10Device1`, which is Direct3D 11's device and immediate context in one;
//! - `children`: what `ID3D10DeviceChild` and its heirs have of their own;
//! - `convert`: descriptions that differ.
//!
//! "COM's contract" in the SAFETY comments: pointers that are not null are valid, arrays are as long as the call says, and
//! interfaces are this runtime's.

mod children;
mod convert;
mod device;

pub use device::VTABLE;

use core::ffi::c_void;
use core::mem::transmute_copy;
use core::ptr;

use windows_core::{OutRef, Ref, Type};

/// Chain of the Direct3D 10 interface, in every class that has one.
pub const CHAIN: usize = 4;

/// Bytes from an object's chain 0 to [`CHAIN`].
const OFFSET: usize = CHAIN * size_of::<*const c_void>();

/// Most interfaces that one call passes: the shader resources of a stage.
const MOST: usize = 128;

/// The interface pointer of chain 0 of the same object; null stays null.
fn lower(pointer: *mut c_void) -> *mut c_void {
    if pointer.is_null() { pointer } else { pointer.wrapping_byte_sub(OFFSET) }
}

/// The interface pointer of [`CHAIN`] of the same object, from one of chain 0; null stays null.
pub fn raise(pointer: *mut c_void) -> *mut c_void {
    if pointer.is_null() { pointer } else { pointer.wrapping_byte_add(OFFSET) }
}

/// An interface argument of Direct3D 10 as the argument of Direct3D 11 that is the same object.
fn lend<'a, From: Type<From>, To: Type<To>>(argument: &'a Ref<'_, From>) -> Ref<'a, To> {
    const { assert!(size_of::<Ref<'_, From>>() == size_of::<*mut c_void>()) };
    const { assert!(size_of::<Ref<'_, To>>() == size_of::<*mut c_void>()) };
    // SAFETY: a `Ref` of an interface is its pointer.
    let pointer: *mut c_void = unsafe { transmute_copy(argument) };
    lent(lower(pointer))
}

/// An argument of Direct3D 11 from a pointer of chain 0 that lives as long as the caller's argument.
fn lent<'a, To: Type<To>>(pointer: *mut c_void) -> Ref<'a, To> {
    const { assert!(size_of::<Ref<'_, To>>() == size_of::<*mut c_void>()) };
    // SAFETY: a `Ref` of an interface is its pointer.
    unsafe { transmute_copy(&pointer) }
}

/// Interface arguments of Direct3D 10 as those of Direct3D 11.
struct Lent {
    pointers: [*mut c_void; MOST],
    given: bool,
}

impl Lent {
    /// The arguments in an array; None for more than any call takes.
    ///
    /// # Safety
    /// `array` is null or has `count` interface pointers of [`CHAIN`], or nulls.
    unsafe fn new<T>(array: *const Option<T>, count: u32) -> Option<Self> {
        const { assert!(size_of::<Option<T>>() == size_of::<*mut c_void>()) };
        let mut lent = Self { pointers: [ptr::null_mut(); MOST], given: !array.is_null() };
        if lent.given {
            // SAFETY: the caller's promise.
            let array = unsafe { core::slice::from_raw_parts(array.cast::<*mut c_void>(), count as usize) };
            for (to, from) in lent.pointers.get_mut(..array.len())?.iter_mut().zip(array) {
                *to = lower(*from);
            }
        }
        Some(lent)
    }

    /// The array; null if the caller's was.
    fn array<T>(&self) -> *const Option<T> {
        if self.given { self.pointers.as_ptr().cast() } else { ptr::null() }
    }
}

/// Where Direct3D 10's caller wants interfaces.
#[derive(Clone, Copy)]
struct Places {
    first: *mut *mut c_void,
    count: usize,
}

impl Places {
    /// One place.
    fn one<T: Type<T>>(out: &OutRef<'_, T>) -> Self {
        const { assert!(size_of::<OutRef<'_, T>>() == size_of::<*mut *mut c_void>()) };
        // SAFETY: an `OutRef` of an interface is a pointer to where the interface's pointer goes.
        Self { first: unsafe { transmute_copy(out) }, count: 1 }
    }

    /// An array of places that `windows` shows as one.
    fn several<T: Type<T>>(out: &OutRef<'_, T>, count: u32) -> Self {
        Self { count: count as usize, ..Self::one(out) }
    }

    /// An array of places.
    fn array<T>(array: *mut Option<T>, count: u32) -> Self {
        const { assert!(size_of::<Option<T>>() == size_of::<*mut c_void>()) };
        Self { first: array.cast(), count: count as usize }
    }

    /// A place of ours.
    fn own(place: &mut *mut c_void) -> Self {
        Self { first: place, count: 1 }
    }

    /// Makes the places null, so that what a call leaves alone is no pointer afterwards.
    ///
    /// # Safety
    /// There are that many places, or none.
    unsafe fn clear(self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { self.each(|_| ptr::null_mut()) };
        self
    }

    /// As an argument of Direct3D 11.
    fn out<'a, T: Type<T>>(self) -> OutRef<'a, T> {
        const { assert!(size_of::<OutRef<'_, T>>() == size_of::<*mut *mut c_void>()) };
        // SAFETY: as in `one`.
        unsafe { transmute_copy(&self.first) }
    }

    /// As an array argument of Direct3D 11.
    fn slots<T>(self) -> *mut Option<T> {
        self.first.cast()
    }

    /// Turns the interfaces of chain 0 that a function of Direct3D 11 left there into those of [`CHAIN`].
    ///
    /// # Safety
    /// There are that many places, or none, and each has null or an interface of chain 0.
    unsafe fn raise(self) {
        // SAFETY: the caller's promise.
        unsafe { self.each(raise) };
    }

    /// Changes what is in each place.
    ///
    /// # Safety
    /// There are that many places, or none.
    unsafe fn each(self, change: impl Fn(*mut c_void) -> *mut c_void) {
        for index in 0..if self.first.is_null() { 0 } else { self.count } {
            // SAFETY: the caller's promise.
            let place = unsafe { self.first.add(index) };
            // SAFETY: as above.
            let pointer = unsafe { place.read() };
            // SAFETY: as above.
            unsafe { place.write(change(pointer)) };
        }
    }
}
