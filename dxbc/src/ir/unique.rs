//! Types and constants by what they are, so that each is declared once.

use std::collections::{BTreeMap, HashMap};

use rspirv::spirv::Word;

/// Words of a short key: the longest type that is not an array of constants, an image, has eight.
const SHORT: usize = 9;

/// A map from an opcode with its type and operands to the id that was declared for it.
#[derive(Debug, Default)]
pub struct Unique {
    /// The words, zeros, and in the last place their number. The standard hash resists programs that are written to make
    /// keys collide.
    short: HashMap<[u32; SHORT + 1], Word>,
    long: BTreeMap<Vec<u32>, Word>,
}

impl Unique {
    /// The id for the words `head` and `tail`.
    pub fn get(&self, head: &[u32], tail: &[u32]) -> Option<Word> {
        match short(head, tail) {
            Some(key) => self.short.get(&key).copied(),
            None => self.long.get(&[head, tail].concat()).copied(),
        }
    }

    /// Notes the id for the words `head` and `tail`.
    pub fn insert(&mut self, head: &[u32], tail: &[u32], id: Word) {
        match short(head, tail) {
            Some(key) => self.short.insert(key, id),
            None => self.long.insert([head, tail].concat(), id),
        };
    }
}

fn short(head: &[u32], tail: &[u32]) -> Option<[u32; SHORT + 1]> {
    let count = head.len() + tail.len();
    if count > SHORT {
        return None;
    }
    let mut key = [0; SHORT + 1];
    for (slot, word) in key.iter_mut().zip(head.iter().chain(tail)) {
        *slot = *word;
    }
    // CAST: at most nine.
    key[SHORT] = count as u32;
    Some(key)
}
