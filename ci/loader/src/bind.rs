//! Writes the addresses of the kernel's exports where the image looks for them.

use std::ffi::c_void;
use std::ops::Range;

use crate::LoadError;
use crate::bytes::{cell, name_at, offset_at, u64_at};

/// Who answers the image's imports.
pub trait Exports {
    /// The address of ntoskrnl.exe's function or variable of this name; None if there is none.
    fn address(&self, name: &str) -> Option<*const c_void>;
}

impl<F: Fn(&str) -> Option<*const c_void>> Exports for F {
    fn address(&self, name: &str) -> Option<*const c_void> {
        self(name)
    }
}

/// The only module that a display miniport imports from.
const KERNEL: &str = "ntoskrnl.exe";
/// Bytes of an IMAGE_IMPORT_DESCRIPTOR.
const DESCRIPTOR_BYTES: usize = 20;
/// Marks an import by number.
const BY_ORDINAL: u64 = 1 << 63;

/// Binds all imports.
///
/// # Errors
/// [`LoadError::Table`], [`LoadError::Library`] and [`LoadError::Ordinal`] for the first import that is wrong,
/// [`LoadError::Unresolved`] with the names of all that nobody exports.
pub fn bind(image: &mut [u8], table: Range<usize>, exports: &dyn Exports) -> Result<(), LoadError> {
    let mut unresolved = Vec::new();
    for descriptor in table.clone().step_by(DESCRIPTOR_BYTES) {
        let broken = || LoadError::Table { name: "imports", offset: descriptor };
        let field = |index: usize| offset_at(image, descriptor + 4 * index).ok_or_else(broken);
        let (names, library, addresses) = (field(0)?, field(3)?, field(4)?);
        if library == 0 {
            break;
        }
        let library = name_at(image, library).ok_or_else(broken)?;
        if !library.eq_ignore_ascii_case(KERNEL) {
            return Err(LoadError::Library(library.to_owned()));
        }
        // Some linkers keep the names only where the addresses will stand.
        let names = if names == 0 { addresses } else { names };
        // An image has fewer imports than bytes.
        for index in 0..image.len() {
            let entry = u64_at(image, names.saturating_add(index * 8)).ok_or_else(broken)?;
            if entry == 0 {
                break;
            }
            if entry & BY_ORDINAL != 0 {
                return Err(LoadError::Ordinal(entry & 0xFFFF));
            }
            // A hint of two bytes comes before the name.
            let name = usize::try_from(entry).ok().and_then(|at| name_at(image, at.checked_add(2)?));
            let name = name.ok_or_else(broken)?;
            match exports.address(name) {
                // CAST: an address on a 64-bit machine.
                Some(address) => {
                    let place = cell(image, addresses.saturating_add(index * 8)).ok_or_else(broken)?;
                    *place = (address.expose_provenance() as u64).to_le_bytes();
                }
                None => unresolved.push(name.to_owned()),
            }
        }
    }
    if unresolved.is_empty() { Ok(()) } else { Err(LoadError::Unresolved(unresolved)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image with one descriptor for this module, whose two names stand at 0x80 and 0x90 and its addresses at 0x60.
    fn image(library: &str) -> (Vec<u8>, Range<usize>) {
        let mut image = vec![0; 0x100];
        let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &0x40_u32.to_le_bytes());
        put(12, &0xA0_u32.to_le_bytes());
        put(16, &0x60_u32.to_le_bytes());
        put(0x40, &0x80_u64.to_le_bytes());
        put(0x48, &0x90_u64.to_le_bytes());
        put(0x82, b"First");
        put(0x92, b"Second");
        put(0xA0, library.as_bytes());
        (image, 0..2 * DESCRIPTOR_BYTES)
    }

    fn exports(name: &str) -> Option<*const c_void> {
        (name == "First" || name == "Second").then(|| std::ptr::without_provenance(name.len()))
    }

    #[test]
    fn addresses_stand_where_the_image_looks() {
        let (mut image, table) = image("NTOSKRNL.exe");
        bind(&mut image, table, &exports).expect("both are exported");
        assert_eq!(image[0x60..0x68], 5_u64.to_le_bytes());
        assert_eq!(image[0x68..0x70], 6_u64.to_le_bytes());
    }

    #[test]
    fn what_cannot_be_bound_is_named() {
        let (mut bytes, table) = image(KERNEL);
        let result = bind(&mut bytes, table.clone(), &|_: &str| None);
        assert!(matches!(result, Err(LoadError::Unresolved(names)) if names == ["First", "Second"]));
        let (mut bytes, _) = image("hal.dll");
        let result = bind(&mut bytes, table.clone(), &exports);
        assert!(matches!(result, Err(LoadError::Library(name)) if name == "hal.dll"));
        let (mut bytes, _) = image(KERNEL);
        bytes[0x48..0x50].copy_from_slice(&(BY_ORDINAL | 7).to_le_bytes());
        assert!(matches!(bind(&mut bytes, table.clone(), &exports), Err(LoadError::Ordinal(7))));
        let (mut bytes, _) = image(KERNEL);
        bytes[0x48..0x50].copy_from_slice(&0x7FFF_FFFF_FFFF_FFFF_u64.to_le_bytes());
        assert!(matches!(bind(&mut bytes, table, &exports), Err(LoadError::Table { name: "imports", .. })));
    }
}
