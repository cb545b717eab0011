//! How raw arguments become references and values, and the macro that declares entries of the device table.

use core::ops::Deref;
use core::ptr::NonNull;

use pvgpu_umd_ddi::*;

use crate::device::Device;
use crate::error::Error;
use crate::object::Object;

/// One argument of an entry, as safe code sees it.
pub(super) trait Argument: Sized {
    /// As the runtime passes it.
    type Raw;

    /// Takes the raw argument.
    ///
    /// # Safety
    /// `raw` is what the runtime passed to the entry in progress; see [`crate::ffi`].
    ///
    /// # Errors
    /// [`Error::BadArgument`] for null where there must be something.
    unsafe fn take(raw: Self::Raw) -> Result<Self, Error>;
}

macro_rules! plain {
    ($($type:ty),+ $(,)?) => {$(
        impl Argument for $type {
            type Raw = $type;

            #[inline(always)]
            unsafe fn take(raw: $type) -> Result<Self, Error> {
                Ok(raw)
            }
        }
    )+};
}

plain!(u8, u32, i32, f32);

/// A null pointer or handle where the DDI has none.
const NULL: Error = Error::BadArgument("a null pointer");

/// An object of the driver, borrowed for the call.
pub(super) struct Ref<T>(NonNull<T>);

impl<T: Object> Argument for Ref<T> {
    type Raw = T::Handle;

    #[inline(always)]
    unsafe fn take(raw: T::Handle) -> Result<Self, Error> {
        NonNull::new(T::memory(raw).cast()).map(Self).ok_or(NULL)
    }
}

impl<T> Deref for Ref<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: `take` got the handle of a living object, which is only ever borrowed shared during a call.
        unsafe { self.0.as_ref() }
    }
}

/// An object of the driver that may be absent, borrowed for the call.
pub(super) struct RefOrNull<T>(Option<Ref<T>>);

impl<T: Object> Argument for RefOrNull<T> {
    type Raw = T::Handle;

    #[inline(always)]
    unsafe fn take(raw: T::Handle) -> Result<Self, Error> {
        Ok(Self(NonNull::new(T::memory(raw).cast()).map(Ref)))
    }
}

impl<T> RefOrNull<T> {
    /// The object, if there is one.
    #[inline(always)]
    pub(super) fn get(&self) -> Option<&T> {
        self.0.as_deref()
    }
}

/// The number of an object that may be absent.
pub(super) struct Id<T>(pub u32, core::marker::PhantomData<T>);

impl<T: Object> Argument for Id<T> {
    type Raw = T::Handle;

    #[inline(always)]
    unsafe fn take(raw: T::Handle) -> Result<Self, Error> {
        // SAFETY: passed on from the caller.
        let id = unsafe { id::<T>(raw) };
        Ok(Self(id, core::marker::PhantomData))
    }
}

/// The number of the object behind a handle that may be null.
///
/// # Safety
/// The handle is the runtime's; see [`crate::ffi`].
#[inline(always)]
pub(super) unsafe fn id<T: Object>(handle: T::Handle) -> u32 {
    // SAFETY: a handle is null or the memory of a living object.
    let object = unsafe { T::memory(handle).cast::<T>().as_ref() };
    crate::object::id_or_none(object)
}

/// An object that is destroyed by the call: moved out of the runtime's memory.
pub(super) struct Taken<T>(pub T);

impl<T: Object> Argument for Taken<T> {
    type Raw = T::Handle;

    unsafe fn take(raw: T::Handle) -> Result<Self, Error> {
        let memory = NonNull::new(T::memory(raw).cast::<T>()).ok_or(NULL)?;
        // SAFETY: the runtime destroys each living object once, and does not use its memory as an object afterwards.
        Ok(Self(unsafe { memory.read() }))
    }
}

/// Memory of the runtime for an object that the call creates.
pub(super) struct Place<T>(NonNull<T>);

impl<T: Object> Argument for Place<T> {
    type Raw = T::Handle;

    unsafe fn take(raw: T::Handle) -> Result<Self, Error> {
        NonNull::new(T::memory(raw).cast()).map(Self).ok_or(NULL)
    }
}

impl<T> Place<T> {
    /// Puts the object there.
    pub(super) fn put(self, object: T) {
        // SAFETY: the runtime has allocated the size that the driver asked for, aligned for any pointer, and nothing lives there.
        unsafe { self.0.write(object) }
    }
}

/// A struct that the call reads.
pub(super) struct In<T>(NonNull<T>);

impl<T> Argument for In<T> {
    type Raw = *const T;

    #[inline(always)]
    unsafe fn take(raw: *const T) -> Result<Self, Error> {
        NonNull::new(raw.cast_mut()).map(Self).ok_or(NULL)
    }
}

impl<T> Deref for In<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: `take` got a pointer to a struct that the runtime leaves alone during the call.
        unsafe { self.0.as_ref() }
    }
}

/// A struct that the call reads, if there is one.
pub(super) struct InOrNull<T>(pub Option<T>);

impl<T: Copy> Argument for InOrNull<T> {
    type Raw = *const T;

    #[inline(always)]
    unsafe fn take(raw: *const T) -> Result<Self, Error> {
        // SAFETY: a pointer of the runtime is null or valid during the call.
        Ok(Self(unsafe { raw.as_ref() }.copied()))
    }
}

/// A variable that the call sets.
pub(super) struct Out<T>(NonNull<T>);

impl<T> Argument for Out<T> {
    type Raw = *mut T;

    #[inline(always)]
    unsafe fn take(raw: *mut T) -> Result<Self, Error> {
        NonNull::new(raw).map(Self).ok_or(NULL)
    }
}

impl<T> Out<T> {
    /// Sets it.
    #[inline(always)]
    pub(super) fn set(self, value: T) {
        // SAFETY: `take` got a pointer that the runtime lets the call write to.
        unsafe { self.0.write(value) }
    }
}

/// The runtime's handle of an object, which this driver only keeps.
pub(super) struct Runtime<T>(pub T);

impl<T> Argument for Runtime<T> {
    type Raw = T;

    #[inline(always)]
    unsafe fn take(raw: T) -> Result<Self, Error> {
        Ok(Self(raw))
    }
}

/// A list whose length is another argument.
pub(super) struct List<T>(*const T);

impl<T> Argument for List<T> {
    type Raw = *const T;

    #[inline(always)]
    unsafe fn take(raw: *const T) -> Result<Self, Error> {
        Ok(Self(raw))
    }
}

impl<T> List<T> {
    /// The list; empty when there is none.
    ///
    /// # Safety
    /// `count` is the count that the runtime passed with the list.
    #[inline(always)]
    pub(super) unsafe fn get(&self, count: u32) -> &[T] {
        if self.0.is_null() {
            return &[];
        }
        // SAFETY: the runtime passes a list of that many elements, and leaves it alone during the call.
        unsafe { core::slice::from_raw_parts(self.0, count as usize) }
    }
}

/// The program's memory from `start` on; empty for null.
///
/// # Safety
/// `bytes` bytes from `start` are the program's to read during the call.
pub(super) unsafe fn user_bytes<'a>(start: *const core::ffi::c_void, bytes: usize) -> &'a [u8] {
    if start.is_null() {
        return &[];
    }
    // SAFETY: passed on from the caller; a program that changes the memory meanwhile breaks the API's rules.
    unsafe { core::slice::from_raw_parts(start.cast(), bytes) }
}

/// The device behind its handle.
///
/// # Safety
/// The handle is the runtime's, of a living device that no other call is in; see [`crate::ffi`].
#[inline(always)]
pub(super) unsafe fn device<'a>(handle: D3D10DDI_HDEVICE) -> Option<&'a mut Device> {
    // SAFETY: passed on from the caller.
    unsafe { handle.0.cast::<Device>().as_mut() }
}

/// Runs the part of an entry that may fail, so that `?` works in it.
#[inline(always)]
pub(super) fn attempt(run: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    run()
}

/// The number of an entry in the device table. The 11.0 table is the beginning of the 11.1 one, and that of the 11.2 one.
macro_rules! entry_index {
    ($member:ident) => {
        core::mem::offset_of!(pvgpu_umd_ddi::D3DWDDM1_3DDI_DEVICEFUNCS, $member) / size_of::<usize>()
    };
}

/// Declares entries of the device table that return nothing: each takes its arguments, calls safe code, and reports an error.
///
/// `name<const STAGE: u32> at [index]` declares one per shader stage.
macro_rules! entries {
    ($(
        $(#[$doc:meta])*
        $name:ident $(<const $stage:ident: u32>)? at $index:expr =>
        |$device:ident $(, $arg:ident: $type:ty)* $(,)?| $body:expr;
    )+) => {$(
        $(#[$doc])*
        pub(in crate::ffi) unsafe extern "system" fn $name $(<const $stage: u32>)? (
            handle: pvgpu_umd_ddi::D3D10DDI_HDEVICE,
            $($arg: <$type as crate::ffi::argument::Argument>::Raw),*
        ) {
            // SAFETY: the runtime calls one entry of a living device at a time.
            let Some($device) = (unsafe { crate::ffi::argument::device(handle) }) else { return };
            let result = crate::ffi::argument::attempt(|| {
                $(
                    // SAFETY: the argument is the runtime's, as it came.
                    let $arg = unsafe { <$type as crate::ffi::argument::Argument>::take($arg) }?;
                )*
                $body
            });
            if let Err(error) = result {
                $device.report($index, error);
            }
        }
    )+};
}

pub(super) use entries;
pub(super) use entry_index;
