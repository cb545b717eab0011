//! The box of every COM object, and its three reference counts.
//!
//! ```text
//!  public count   what AddRef and Release return. While it is not zero, the object holds a public reference to its device.
//!  held count     references of the runtime: bindings of the context, a view's resource. Guarded by the device's lock.
//!  recorded count lists of a deferred context that use the object. Raised by whoever may use it, lowered under the lock.
//! ```
//! An object dies when all are zero. The last public release takes the device's lock, so a `*Get*` call, which runs under
//! the lock, either finds the object alive or does not find it at all. Binding needs no atomic operation.

use core::cell::Cell;
use core::ffi::c_void;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU32, Ordering};

use windows::Win32::Foundation::{E_NOINTERFACE, E_NOTIMPL, E_POINTER, S_OK};
use windows_core::{ComObject, ComObjectInner, GUID, HRESULT, IUnknown, IUnknownImpl, Interface, Ref};

use super::device::Device;
use super::guard::{Graves, Guard, Locked, Remains};
use crate::private_data::PrivateData;

/// Interface chains that an object can have.
pub const CHAINS: usize = 5;

/// An object's vtables; the first one's address is the object's identity.
pub type Vtables = [*const c_void; CHAINS];

/// A kind of object.
pub trait Class: Sized + 'static {
    /// The chain that has the interface `iid` (`IUnknown` is answered by the box).
    fn chain(&self, iid: &GUID) -> Option<usize>;
    /// Destroys the driver's side and gives up what the object holds. All counts are zero; the box is freed after.
    fn destroy(&self, handle: *mut c_void, locked: &mut Locked);
}

/// How a context keeps alive what it uses.
pub trait Keep {
    /// Adds a reference for a binding.
    fn hold<T: Class>(&mut self, object: &Com<T>);
    /// Gives up the reference of a binding.
    fn unhold<T: Class>(&mut self, object: &Com<T>);
    /// Notes that a call uses the object.
    fn touch<T: Class>(&mut self, object: &Com<T>);
}

impl Keep for Graves {
    #[inline]
    fn hold<T: Class>(&mut self, object: &Com<T>) {
        object.hold(self);
    }

    #[inline]
    fn unhold<T: Class>(&mut self, object: &Com<T>) {
        object.unhold(self);
    }

    // What is called at once needs no reference.
    #[inline]
    fn touch<T: Class>(&mut self, _object: &Com<T>) {}
}

/// A COM object of class `T`.
#[repr(C)]
pub struct Com<T: Class> {
    vtables: Vtables,
    public: AtomicU32,
    held: Cell<u32>,
    recorded: AtomicU32,
    /// The driver's handle: the address of `Class`'s driver memory; null for classes without a driver's side.
    handle: *mut c_void,
    dying: Cell<bool>,
    /// Null for the device itself.
    device: *const Com<Device>,
    private: PrivateData<IUnknown>,
    /// What the class needs.
    pub inner: T,
}

impl<T: Class> Com<T> {
    /// A new object with one public reference, which holds one to `device`.
    ///
    /// Each vtable is for `Com<T>` at its own index: `X_Vtbl::new::<Com<T>, { -index }>`.
    pub fn new(vtables: Vtables, device: &Com<Device>, handle: *mut c_void, inner: T) -> NonNull<Self> {
        device.AddRef();
        Self::boxed(vtables, 1, handle, ptr::from_ref(device), inner)
    }

    /// As [`Com::new`], but held once by the runtime and without a public reference.
    pub fn new_held(vtables: Vtables, device: *const Com<Device>, inner: T) -> NonNull<Self> {
        let object = Self::boxed(vtables, 0, ptr::null_mut(), device, inner);
        // SAFETY: the box was just made.
        unsafe { object.as_ref() }.held.set(1);
        object
    }

    /// The device's own box.
    pub fn boxed(
        vtables: Vtables,
        public: u32,
        handle: *mut c_void,
        device: *const Com<Device>,
        inner: T,
    ) -> NonNull<Self> {
        let object = Box::new(Self {
            vtables,
            public: AtomicU32::new(public),
            held: Cell::new(0),
            recorded: AtomicU32::new(0),
            handle,
            dying: Cell::new(false),
            device,
            private: PrivateData::default(),
            inner,
        });
        NonNull::from(Box::leak(object))
    }

    /// The driver's handle.
    #[inline]
    pub fn handle(&self) -> *mut c_void {
        self.handle
    }

    /// The device; an object outlives its device only as memory that nobody uses.
    #[inline]
    pub fn device(&self) -> &Com<Device> {
        // SAFETY: a public reference to `self` holds one to the device, and a held object is held by its device.
        unsafe { &*self.device }
    }

    /// The private data.
    pub fn private(&self) -> &PrivateData<IUnknown> {
        &self.private
    }

    /// Number of public references, for tests of idleness.
    pub fn public_count(&self) -> u32 {
        self.public.load(Ordering::Relaxed)
    }

    /// References of the runtime.
    #[inline]
    pub fn held_count(&self, _locked: &Locked) -> u32 {
        self.held.get()
    }

    /// Adds a reference of the runtime. The caller stores the pointer in something the device owns.
    #[inline]
    pub fn hold(&self, _graves: &mut Graves) {
        // Bindings and views: each takes more than a byte, so the count cannot overflow.
        self.held.set(self.held.get().wrapping_add(1));
    }

    /// Gives up a reference of the runtime; the object may be freed when the guard is dropped.
    #[inline]
    pub fn unhold(&self, graves: &mut Graves) {
        let left = self.held.get().wrapping_sub(1);
        self.held.set(left);
        if left == 0 && self.public.load(Ordering::Relaxed) == 0 && self.recorded.load(Ordering::Relaxed) == 0
        {
            self.bury(graves);
        }
    }

    /// Adds a reference of a command list. Needs no lock: the caller has a reference of some kind.
    #[inline]
    pub fn record(&self) {
        self.recorded.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives up a reference of a command list; the object may be freed when the guard is dropped.
    ///
    /// # Safety
    /// `object` is a `Com<T>` that the caller has called [`Com::record`] of.
    pub unsafe fn unrecord(object: NonNull<c_void>, graves: &mut Graves) {
        let object = object.cast::<Self>();
        // SAFETY: the caller's promise.
        let this = unsafe { object.as_ref() };
        let left = this.recorded.fetch_sub(1, Ordering::AcqRel).wrapping_sub(1);
        if left == 0 && this.held.get() == 0 && this.public.load(Ordering::Relaxed) == 0 {
            this.bury(graves);
        }
    }

    /// Whether anything keeps the object alive.
    fn is_used(&self) -> bool {
        self.held.get() != 0
            || self.public.load(Ordering::Relaxed) != 0
            || self.recorded.load(Ordering::Acquire) != 0
    }

    /// Queues the object for destruction; whether both counts are still zero is checked again then.
    #[cold]
    fn bury(&self, graves: &mut Graves) {
        if !self.dying.replace(true) {
            graves.bury(NonNull::from(self).cast(), Self::destroy_if_unused);
        }
    }

    /// Destroys and frees a buried object unless it has been bound again.
    ///
    /// # Safety
    /// `object` is a live `Com<T>` of the device that `locked` belongs to, and it is in no other queue.
    unsafe fn destroy_if_unused(object: NonNull<c_void>, locked: &mut Locked) -> Remains {
        let object = object.cast::<Self>();
        // SAFETY: the caller's promise.
        let this = unsafe { object.as_ref() };
        this.dying.set(false);
        if this.is_used() {
            return Remains::new();
        }
        this.inner.destroy(this.handle, locked);
        let private = this.private.take();
        // SAFETY: the box came from `Box::leak`, all counts are zero, and nobody can find the object any more.
        drop(unsafe { Box::from_raw(object.as_ptr()) });
        private
    }

    /// A public reference for the caller of a `*Get*` or `Create*` function, as an interface pointer of chain 0.
    #[inline]
    pub fn hand_out(&self) -> *mut c_void {
        self.AddRef();
        ptr::from_ref(self).cast_mut().cast()
    }

    /// The object behind an interface pointer of chain 0, null included.
    ///
    /// # Safety
    /// A pointer that is not null is a live object of class `T`.
    #[inline]
    pub unsafe fn from_raw<'a>(pointer: *mut c_void) -> Option<&'a Self> {
        // SAFETY: the caller's promise.
        unsafe { pointer.cast::<Self>().as_ref() }
    }

    /// The object behind an interface argument.
    ///
    /// The application passes interfaces of this runtime only, and `I`'s objects are all of class `T`: each module says so
    /// where it implements `I`.
    #[inline]
    pub fn from_interface<'a, I>(argument: &'a Ref<'_, I>) -> Option<&'a Self>
    where
        I: Interface
            + Clone
            + windows_core::Type<I, windows_core::InterfaceType, Abi = *mut c_void, Default = Option<I>>
            + windows_core::TypeKind<TypeKind = windows_core::InterfaceType>,
    {
        let pointer = argument.as_ref().map_or(ptr::null_mut(), Interface::as_raw);
        // SAFETY: as said above.
        unsafe { Self::from_raw(pointer) }
    }
}

impl<T: Class> Com<T> {
    /// Releases a public reference of a child unless it is the last: what is left, or `None`.
    fn release_shared(&self) -> Option<u32> {
        let mut count = self.public.load(Ordering::Relaxed);
        while count > 1 {
            let next = count - 1;
            match self.public.compare_exchange_weak(count, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return Some(next),
                Err(now) => count = now,
            }
        }
        // Zero: the application released more than it had.
        (count == 0).then_some(0)
    }

    /// Releases what is probably the last public reference of a child, under the lock: what is left.
    fn release_last(&self, graves: &mut Graves) -> u32 {
        let left = self.public.fetch_sub(1, Ordering::AcqRel).wrapping_sub(1);
        if left == 0 && self.held.get() == 0 && self.recorded.load(Ordering::Acquire) == 0 {
            self.bury(graves);
        }
        left
    }
}

impl<T: Class> IUnknownImpl for Com<T> {
    type Impl = T;

    fn get_impl(&self) -> &T {
        &self.inner
    }

    fn get_impl_mut(&mut self) -> &mut T {
        &mut self.inner
    }

    fn into_inner(self) -> T {
        self.inner
    }

    unsafe fn QueryInterface(&self, iid: *const GUID, interface: *mut *mut c_void) -> HRESULT {
        if iid.is_null() || interface.is_null() {
            return E_POINTER;
        }
        // SAFETY: COM's contract: not null means valid.
        let iid = unsafe { &*iid };
        let chain = if *iid == IUnknown::IID { Some(0) } else { self.inner.chain(iid) };
        let found = chain.and_then(|chain| self.vtables.get(chain));
        let pointer = found.map_or(ptr::null_mut(), |vtable| ptr::from_ref(vtable).cast_mut().cast());
        // SAFETY: as above.
        unsafe { interface.write(pointer) };
        if found.is_none() {
            return E_NOINTERFACE;
        }
        self.AddRef();
        S_OK
    }

    #[inline]
    fn AddRef(&self) -> u32 {
        let before = self.public.fetch_add(1, Ordering::Relaxed);
        if before == 0 && !self.device.is_null() {
            self.device().AddRef();
        }
        before.wrapping_add(1)
    }

    unsafe fn Release(self_: *mut Self) -> u32 {
        // SAFETY: the caller gives up a reference it has, so the object is alive.
        let this = unsafe { &*self_ };
        let device = this.device;
        if device.is_null() {
            // Only the device itself has no device.
            let left = this.public.fetch_sub(1, Ordering::AcqRel).wrapping_sub(1);
            if left == 0 {
                let private = this.private.take();
                // SAFETY: the box came from `Box::leak`, and no child holds a reference any more.
                drop(unsafe { Box::from_raw(self_) });
                drop(private);
            }
            return left;
        }
        if let Some(left) = this.release_shared() {
            return left;
        }
        // SAFETY: the public reference holds the device. No reference to the child spans the end of the guard, which may
        // free it.
        let mut guard = Guard::new(unsafe { &(*device).inner });
        let left = this.release_last(&mut guard.graves);
        drop(guard);
        if left == 0 {
            // SAFETY: this is the device reference that the first public reference took.
            unsafe { Com::<Device>::Release(device.cast_mut()) };
        }
        left
    }

    fn is_reference_count_one(&self) -> bool {
        self.public.load(Ordering::Acquire) == 1
    }

    unsafe fn GetTrustLevel(&self, _value: *mut i32) -> HRESULT {
        // Only WinRT objects have one.
        E_NOTIMPL
    }

    fn to_object(&self) -> ComObject<T>
    where
        T: ComObjectInner<Outer = Self>,
    {
        self.AddRef();
        // SAFETY: the reference was just added, and `self` lives in a box.
        unsafe { ComObject::from_raw(NonNull::from(self)) }
    }
}

/// The vtable of one chain for [`Vtables`].
macro_rules! vtable {
    ($vtbl:ident, $identity:ty, $chain:literal) => {
        core::ptr::from_ref(const { &$vtbl::new::<$identity, { -$chain }>() }).cast::<core::ffi::c_void>()
    };
}
pub(crate) use vtable;

/// An entry for a vtable that returns an error for a null out-pointer, the last argument, and else does what the generated
/// entry does, which would write through it.
macro_rules! refusing_null {
    ($vtbl:ident::<$identity:ty, $offset:literal>::$entry:ident($($argument:ident: $type:ty),* => $out:ty), $error:expr) => {{
        unsafe extern "system" fn entry(
            this: *mut core::ffi::c_void,
            $($argument: $type,)*
            out: *mut $out,
        ) -> windows_core::HRESULT {
            const ORIGINAL: $vtbl = $vtbl::new::<$identity, $offset>();
            if out.is_null() {
                return windows_core::HRESULT($error.0);
            }
            // SAFETY: these are the arguments of an entry of this object's vtable.
            unsafe { (ORIGINAL.$entry)(this, $($argument,)* out) }
        }
        entry
    }};
}
pub(crate) use refusing_null;
