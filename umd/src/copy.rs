//! Copies between plain bytes and shared cells, by atomic words only.
//!
//! The other side may write the same memory at any moment, so nothing here ever makes a reference to its bytes.

use core::sync::atomic::Ordering;

use pvgpu_ring::AtomicU64;

/// Stores `bytes` from the first cell on, the last word padded with zeros. What does not fit is left out.
#[inline]
pub fn store(cells: &[AtomicU64], bytes: &[u8]) {
    let (words, rest) = bytes.as_chunks::<8>();
    for (cell, word) in cells.iter().zip(words) {
        cell.store(u64::from_le_bytes(*word), Ordering::Relaxed);
    }
    if let (false, Some(cell)) = (rest.is_empty(), cells.get(words.len())) {
        cell.store(partial(rest), Ordering::Relaxed);
    }
}

/// Stores `bytes` from byte `offset` on. Nobody else may write the words at both ends meanwhile: they keep their other bytes.
/// What does not fit is left out.
pub fn store_at(cells: &[AtomicU64], offset: u64, bytes: &[u8]) {
    // CAST: an offset into mapped memory.
    let (first, skipped) = ((offset / 8) as usize, (offset % 8) as usize);
    let cells = cells.get(first..).unwrap_or_default();
    let (head, body) = bytes.split_at_checked((8 - skipped) % 8).unwrap_or((bytes, &[]));
    let mut cells = cells.iter();
    if !head.is_empty()
        && let Some(cell) = cells.next()
    {
        merge(cell, skipped, head);
    }
    let (words, tail) = body.as_chunks::<8>();
    for (word, cell) in words.iter().zip(cells.by_ref()) {
        cell.store(u64::from_le_bytes(*word), Ordering::Relaxed);
    }
    if !tail.is_empty()
        && let Some(cell) = cells.next()
    {
        merge(cell, 0, tail);
    }
}

/// Sets every cell to 0.
pub fn clear(cells: &[AtomicU64]) {
    cells.iter().for_each(|cell| cell.store(0, Ordering::Relaxed));
}

/// Puts fewer than 8 bytes into a cell from byte `at` on.
fn merge(cell: &AtomicU64, at: usize, bytes: &[u8]) {
    let mut word = cell.load(Ordering::Relaxed).to_le_bytes();
    for (to, from) in word.iter_mut().skip(at).zip(bytes) {
        *to = *from;
    }
    cell.store(u64::from_le_bytes(word), Ordering::Relaxed);
}

/// Stores `tokens` from the first cell on, the last word padded with zeros. What does not fit is left out.
pub fn store_tokens(cells: &[AtomicU64], tokens: &[u32]) {
    for (cell, pair) in cells.iter().zip(tokens.chunks(2)) {
        let low = pair.first().copied().unwrap_or(0);
        let high = pair.get(1).copied().unwrap_or(0);
        cell.store(u64::from(low) | u64::from(high) << 32, Ordering::Relaxed);
    }
}

/// Loads bytes from the first cell on; bytes beyond the cells are left as they are.
pub fn load(cells: &[AtomicU64], bytes: &mut [u8]) {
    for (cell, chunk) in cells.iter().zip(bytes.chunks_mut(8)) {
        let word = cell.load(Ordering::Relaxed).to_le_bytes();
        for (to, from) in chunk.iter_mut().zip(word) {
            *to = from;
        }
    }
}

/// Up to 7 bytes as the low bytes of a word.
fn partial(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_stored_is_loaded(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let cells: Vec<AtomicU64> = (0..8).map(|_| AtomicU64::new(u64::MAX)).collect();
            store(&cells, &bytes);
            let mut back = vec![0; bytes.len()];
            load(&cells, &mut back);
            prop_assert_eq!(bytes, back);
        }

        #[test]
        fn tokens_are_their_bytes(tokens in proptest::collection::vec(any::<u32>(), 0..16)) {
            let cells: Vec<AtomicU64> = (0..8).map(|_| AtomicU64::new(0)).collect();
            store_tokens(&cells, &tokens);
            let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
            let mut back = vec![0; bytes.len()];
            load(&cells, &mut back);
            prop_assert_eq!(bytes, back);
        }
    }

    proptest! {
        #[test]
        fn storing_at_an_offset_leaves_the_rest(offset in 0usize..40, bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let cells: Vec<AtomicU64> = (0..10).map(|_| AtomicU64::new(0xaaaa_aaaa_aaaa_aaaa)).collect();
            store_at(&cells, offset as u64, &bytes);
            let mut expected = [0xaa; 80];
            expected[offset..offset + bytes.len()].copy_from_slice(&bytes);
            let mut back = [0; 80];
            load(&cells, &mut back);
            prop_assert_eq!(&expected[..], &back[..]);
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let cells = [AtomicU64::new(0)];
        store(&cells, &[1; 20]);
        assert_eq!(cells[0].load(Ordering::Relaxed), 0x0101_0101_0101_0101);
    }
}
