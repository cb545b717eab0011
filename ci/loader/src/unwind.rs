//! Which instructions have an exception handler: the scope tables of `__C_specific_handler`.

use std::ops::Range;

use crate::bytes::{offset_at, u32_at, u64_at};

/// Bytes of a RUNTIME_FUNCTION: begin, end, unwind data.
const FUNCTION_BYTES: usize = 12;
/// UNW_FLAG_EHANDLER in the flags, which are the upper five bits of the first byte.
const HAS_HANDLER: u8 = 1;
/// Bytes of a scope: begin, end, filter, target.
const SCOPE_BYTES: usize = 16;
/// The filter that takes every exception.
const EXECUTE_HANDLER: u32 = 1;

/// Instructions, and where to go on when one of them faults; in bytes from the image's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Where the function begins that the instructions are in.
    pub function: usize,
    /// The instructions.
    pub instructions: Range<usize>,
    /// The handler.
    pub target: usize,
}

/// All scopes of a bound image whose filter takes every exception; other filters would have to be called, and the driver has none.
/// Entries that make no sense are left out: their functions have no handler then.
pub fn scopes(image: &[u8], functions: Range<usize>, specific_handler: u64) -> Vec<Scope> {
    let functions = functions.step_by(FUNCTION_BYTES);
    functions.filter_map(|entry| scopes_of(image, entry, specific_handler)).flatten().collect()
}

fn scopes_of(image: &[u8], entry: usize, specific_handler: u64) -> Option<Vec<Scope>> {
    let function = offset_at(image, entry)?;
    let unwind = offset_at(image, entry + 8)?;
    let flags = image.get(unwind)? >> 3;
    if flags & HAS_HANDLER == 0 {
        return None;
    }
    // Four bytes, then the codes of two bytes each, an even number of them; then the handler and its own data.
    let codes = usize::from(*image.get(unwind.checked_add(2)?)?);
    let handler = unwind.checked_add(4 + 2 * codes.next_multiple_of(2))?;
    if imported(image, offset_at(image, handler)?)? != specific_handler {
        return None;
    }
    let count = offset_at(image, handler.checked_add(4)?)?;
    let first = handler.checked_add(8)?;
    let mut scopes = Vec::new();
    for index in 0..count {
        let scope = first.checked_add(index.checked_mul(SCOPE_BYTES)?)?;
        let instructions = offset_at(image, scope)?..offset_at(image, scope + 4)?;
        let (filter, target) = (u32_at(image, scope + 8)?, offset_at(image, scope + 12)?);
        if filter == EXECUTE_HANDLER && target != 0 && target < image.len() {
            scopes.push(Scope { function, instructions, target });
        }
    }
    Some(scopes)
}

/// The address that a linker's stub for an import jumps to: `jmp [rip + distance]`.
fn imported(image: &[u8], stub: usize) -> Option<u64> {
    const JUMP: [u8; 2] = [0xFF, 0x25];
    const JUMP_BYTES: usize = 6;
    if image.get(stub..)?.first_chunk() != Some(&JUMP) {
        return None;
    }
    let distance = u32_at(image, stub + 2)?.cast_signed();
    let place = stub.checked_add(JUMP_BYTES)?.checked_add_signed(isize::try_from(distance).ok()?)?;
    u64_at(image, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANDLER: u64 = 0x7000_1234;

    /// An image with one function at 0x10..0x30 whose unwind data at 0x40 has three codes and these scopes; its handler is a
    /// stub at 0xC0 for the import at 0xD0.
    fn image(scopes: &[[u32; 4]]) -> (Vec<u8>, Range<usize>) {
        let mut image = vec![0; 0x100];
        let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
        for (index, number) in [0x10_u32, 0x30, 0x40].iter().enumerate() {
            put(4 * index, &number.to_le_bytes());
        }
        put(0x40, &[1 | HAS_HANDLER << 3, 0, 3, 0]);
        // Behind four bytes and four codes.
        put(0x4C, &0xC0_u32.to_le_bytes());
        put(0x50, &u32::try_from(scopes.len()).expect("few").to_le_bytes());
        for (index, number) in scopes.as_flattened().iter().enumerate() {
            put(0x54 + 4 * index, &number.to_le_bytes());
        }
        put(0xC0, &[0xFF, 0x25, 0x0A, 0, 0, 0]);
        put(0xD0, &HANDLER.to_le_bytes());
        (image, 0..12)
    }

    #[test]
    fn a_scope_is_found() {
        let (image, functions) = image(&[[0x12, 0x14, EXECUTE_HANDLER, 0x20]]);
        let wanted = Scope { function: 0x10, instructions: 0x12..0x14, target: 0x20 };
        assert_eq!(scopes(&image, functions.clone(), HANDLER), [wanted]);
        assert_eq!(scopes(&image, functions, HANDLER + 1), [], "another handler's data is not ours to read");
    }

    #[test]
    fn what_makes_no_sense_has_no_handler() {
        let (filtered, functions) =
            image(&[[0x12, 0x14, 0x18, 0x20], [0x12, 0x14, 1, 0], [0x12, 0x14, 1, 0x1000]]);
        assert_eq!(scopes(&filtered, functions.clone(), HANDLER), []);
        let (mut endless, _) = image(&[]);
        endless[0x50..0x54].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(scopes(&endless, functions.clone(), HANDLER), []);
        let (mut elsewhere, _) = image(&[[0x12, 0x14, 1, 0x20]]);
        elsewhere[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(scopes(&elsewhere, functions, HANDLER), []);
        assert_eq!(scopes(&[], 0..1200, HANDLER), []);
    }
}
