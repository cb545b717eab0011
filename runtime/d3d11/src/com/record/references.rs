//! The objects that a command list uses, each once.

use core::ffi::c_void;
use core::ptr::{self, NonNull};

use super::super::guard::Graves;
use super::super::object::{Class, Com, Keep};

/// Entries of a table in the beginning; a power of two.
const FIRST_ENTRIES: usize = 64;

/// Gives one object up: [`Com::unrecord`] of its class.
type Forget = unsafe fn(NonNull<c_void>, &mut Graves);

/// One kept object.
struct Reference {
    object: NonNull<c_void>,
    forget: Forget,
}

/// What the list in the making knows of an object.
#[derive(Clone, Copy)]
struct Entry {
    /// The object, null for a free entry.
    object: *const c_void,
    /// Of a dynamic buffer: what the list's last discarding Map returned.
    data: *mut u8,
}

const FREE: Entry = Entry { object: ptr::null(), data: ptr::null_mut() };

/// The objects of a list, and a table that finds them by address.
#[derive(Default)]
pub struct References {
    objects: Vec<Reference>,
    /// Open addressing, at most half full.
    table: Vec<Entry>,
}

impl References {
    /// Notes that the list uses `object`; whatever it was told about it before.
    #[inline]
    pub fn touch<T: Class>(&mut self, object: &Com<T>) {
        self.entry(object);
    }

    /// What the list's last discarding Map of a dynamic buffer returned, null when there was none.
    pub fn data<T: Class>(&mut self, object: &Com<T>) -> *mut u8 {
        let at = self.entry(object);
        self.table.get(at).map_or(ptr::null_mut(), |entry| entry.data)
    }

    /// Sets what [`Self::data`] returns.
    pub fn set_data<T: Class>(&mut self, object: &Com<T>, data: *mut u8) {
        let at = self.entry(object);
        if let Some(entry) = self.table.get_mut(at) {
            entry.data = data;
        }
    }

    /// The place of an object in the table, which it gets if it has none yet.
    #[inline]
    fn entry<T: Class>(&mut self, object: &Com<T>) -> usize {
        let address = ptr::from_ref(object).cast::<c_void>();
        let mask = self.table.len().wrapping_sub(1);
        let mut at = slot_of(address) & mask;
        while let Some(entry) = self.table.get(at) {
            if entry.object == address {
                return at;
            }
            if entry.object.is_null() {
                break;
            }
            at = (at + 1) & mask;
        }
        self.add(object)
    }

    #[cold]
    fn add<T: Class>(&mut self, object: &Com<T>) -> usize {
        object.record();
        self.objects.push(Reference { object: NonNull::from(object).cast(), forget: Com::<T>::unrecord });
        if self.objects.len() * 2 > self.table.len() {
            self.grow();
        }
        self.insert(Entry { object: ptr::from_ref(object).cast(), data: ptr::null_mut() })
    }

    fn insert(&mut self, entry: Entry) -> usize {
        let mask = self.table.len().wrapping_sub(1);
        let mut at = slot_of(entry.object) & mask;
        while self.table.get(at).is_some_and(|other| !other.object.is_null()) {
            at = (at + 1) & mask;
        }
        if let Some(place) = self.table.get_mut(at) {
            *place = entry;
        }
        at
    }

    fn grow(&mut self) {
        let size = (self.table.len() * 2).max(FIRST_ENTRIES);
        let old = core::mem::replace(&mut self.table, vec![FREE; size]);
        for entry in old.into_iter().filter(|entry| !entry.object.is_null()) {
            self.insert(entry);
        }
    }

    /// The objects of a finished list; there are none here after.
    pub fn finish(&mut self) -> Kept {
        self.table.fill(FREE);
        Kept { objects: core::mem::take(&mut self.objects) }
    }
}

/// Where an address is looked for first.
#[inline]
fn slot_of(address: *const c_void) -> usize {
    // Objects are aligned to 16 bytes; the upper bits of the product depend on all of the address's.
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    // CAST: 32 bits.
    ((address.addr() as u64 >> 4).wrapping_mul(GOLDEN) >> 32) as usize
}

impl Keep for References {
    #[inline]
    fn hold<T: Class>(&mut self, object: &Com<T>) {
        self.touch(object);
    }

    // What a list uses it keeps to its end.
    #[inline]
    fn unhold<T: Class>(&mut self, _object: &Com<T>) {}

    #[inline]
    fn touch<T: Class>(&mut self, object: &Com<T>) {
        Self::touch(self, object);
    }
}

/// The objects of a finished list.
pub struct Kept {
    objects: Vec<Reference>,
}

impl Kept {
    /// Gives all of them up.
    pub fn forget(&mut self, graves: &mut Graves) {
        for reference in self.objects.drain(..) {
            // SAFETY: the list kept the object until now, and `forget` is that of its class.
            unsafe { (reference.forget)(reference.object, graves) };
        }
    }
}
