//! Adds the distance between the address that an image was linked for and the one it has.

use std::ops::Range;

use crate::LoadError;
use crate::bytes::{cell, offset_at, u16_at};

/// IMAGE_REL_BASED_ABSOLUTE: fills a block up.
const NOTHING: u16 = 0;
/// IMAGE_REL_BASED_DIR64: a 64-bit address.
const ADDRESS: u16 = 10;
/// Bytes of a block's header: the page and the block's size.
const HEADER_BYTES: usize = 8;

/// Applies all blocks of the table to the image.
///
/// # Errors
/// [`LoadError::Table`] or [`LoadError::Relocation`]; the image is of no use then.
pub fn relocate(image: &mut [u8], table: Range<usize>, distance: u64) -> Result<(), LoadError> {
    let mut block = table.start;
    while block < table.end {
        let broken = LoadError::Table { name: "relocations", offset: block };
        let (Some(page), Some(bytes)) = (offset_at(image, block), offset_at(image, block + 4)) else {
            return Err(broken);
        };
        let Some(end) = block.checked_add(bytes).filter(|&end| end <= table.end && bytes >= HEADER_BYTES)
        else {
            return Err(broken);
        };
        for place in (block + HEADER_BYTES..end).step_by(2) {
            let Some(entry) = u16_at(image, place) else { return Err(broken) };
            // The upper four bits are the kind, the others an offset in the page.
            let (kind, offset) = (entry >> 12, page.saturating_add(usize::from(entry & 0xFFF)));
            match kind {
                NOTHING => {}
                ADDRESS => {
                    let Some(address) = cell(image, offset) else { return Err(broken) };
                    *address = u64::from_le_bytes(*address).wrapping_add(distance).to_le_bytes();
                }
                kind => return Err(LoadError::Relocation { kind, offset }),
            }
        }
        block = end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image of 64 bytes with a table of one block at 32, for the page at 0.
    fn image(entries: &[u16]) -> (Vec<u8>, Range<usize>) {
        let mut image = vec![0; 64];
        image[8..16].copy_from_slice(&0x1_4000_1234_u64.to_le_bytes());
        let bytes = HEADER_BYTES + 2 * entries.len();
        image[36..40].copy_from_slice(&u32::try_from(bytes).expect("few entries").to_le_bytes());
        for (index, entry) in entries.iter().enumerate() {
            image[40 + 2 * index..42 + 2 * index].copy_from_slice(&entry.to_le_bytes());
        }
        (image, 32..32 + bytes)
    }

    #[test]
    fn addresses_move_and_fillers_do_not() {
        let (mut bytes, table) = image(&[ADDRESS << 12 | 8, NOTHING]);
        relocate(&mut bytes, table, 0x10).expect("the table is right");
        assert_eq!(bytes[8..16], 0x1_4000_1244_u64.to_le_bytes());
        assert_eq!(bytes[..8], [0; 8]);
    }

    #[test]
    fn wrong_tables_are_refused() {
        let (mut bytes, table) = image(&[3 << 12]);
        let result = relocate(&mut bytes, table.clone(), 1);
        assert!(matches!(result, Err(LoadError::Relocation { kind: 3, offset: 0 })), "{result:?}");
        let (mut bytes, table) = image(&[ADDRESS << 12 | 60]);
        let result = relocate(&mut bytes, table.clone(), 1);
        assert!(matches!(result, Err(LoadError::Table { .. })), "behind the end: {result:?}");
        // A block that does not get on, and one that goes too far.
        for bytes in [0_u32, 7, 4096] {
            let (mut image, table) = image(&[NOTHING]);
            image[36..40].copy_from_slice(&bytes.to_le_bytes());
            assert!(matches!(relocate(&mut image, table, 1), Err(LoadError::Table { offset: 32, .. })));
        }
    }
}
