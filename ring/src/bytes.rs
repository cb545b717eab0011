//! Bytes at any offset of shared cells: copied one whole word at a time, never seen as a slice.

use crate::sync::{AtomicU64, Ordering};

/// How often a part of a word is tried again while the peer writes other parts of it. A peer that keeps it up loses what it
/// writes there.
const TRIES: u32 = 64;

/// Copies the bytes from `offset` on into `into`; short when they leave the cells.
pub fn read(cells: &[AtomicU64], offset: u64, into: &mut [u8]) {
    let mut at = offset;
    let mut rest = into;
    while !rest.is_empty() {
        let Some(first) = usize::try_from(at / 8).ok().and_then(|index| cells.get(index..)) else {
            return;
        };
        let skip = (at % 8) as usize;
        if skip == 0 && rest.len() >= 8 {
            let (words, later) = rest.as_chunks_mut::<8>();
            let count = words.len().min(first.len());
            for (to, cell) in words.iter_mut().zip(first) {
                *to = cell.load(Ordering::Relaxed).to_le_bytes();
            }
            if count < words.len() {
                return;
            }
            at += count as u64 * 8;
            rest = later;
            continue;
        }
        let Some(cell) = first.first() else { return };
        let word = cell.load(Ordering::Relaxed).to_le_bytes();
        let from = word.get(skip..).unwrap_or_default();
        let count = from.len().min(rest.len());
        let (now, later) = rest.split_at_mut(count);
        now.copy_from_slice(from.get(..count).unwrap_or_default());
        at += count as u64;
        rest = later;
    }
}

/// Copies `from` to the bytes from `offset` on; what leaves the cells is left out.
///
/// Bytes beside them in the same word keep their value, also when the peer writes those at the same time: a surface's edge may lie
/// in the middle of a word that the guest's processor draws into.
pub fn write(cells: &[AtomicU64], offset: u64, from: &[u8]) {
    let mut at = offset;
    let mut rest = from;
    while !rest.is_empty() {
        let Some(first) = usize::try_from(at / 8).ok().and_then(|index| cells.get(index..)) else {
            return;
        };
        let skip = (at % 8) as usize;
        if skip == 0 && rest.len() >= 8 {
            let (words, later) = rest.as_chunks::<8>();
            let count = words.len().min(first.len());
            for (from, cell) in words.iter().zip(first) {
                cell.store(u64::from_le_bytes(*from), Ordering::Relaxed);
            }
            if count < words.len() {
                return;
            }
            at += count as u64 * 8;
            rest = later;
            continue;
        }
        let Some(cell) = first.first() else { return };
        let count = (8 - skip).min(rest.len());
        let (now, later) = rest.split_at(count);
        write_part(cell, skip, now);
        at += count as u64;
        rest = later;
    }
}

/// Writes some bytes of a word.
fn write_part(cell: &AtomicU64, skip: usize, bytes: &[u8]) {
    let mut before = cell.load(Ordering::Relaxed);
    for attempt in 0..TRIES {
        let mut word = before.to_le_bytes();
        if let Some(to) = word.get_mut(skip..skip + bytes.len()) {
            to.copy_from_slice(bytes);
        }
        let word = u64::from_le_bytes(word);
        if attempt == TRIES - 1 {
            cell.store(word, Ordering::Relaxed);
            return;
        }
        match cell.compare_exchange_weak(before, word, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => before = now,
        }
    }
}
