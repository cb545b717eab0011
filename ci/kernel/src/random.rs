//! Random numbers that a seed repeats.

/// SplitMix64, after Sebastiano Vigna's public-domain description: 64 bits of state, every seed is good.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `bound`, which is not 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True once in so many times.
    pub const fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// An index of a list; `None` when it is empty.
    pub fn index(&mut self, length: usize) -> Option<usize> {
        // CAST: a remainder of a usize.
        (length != 0).then(|| self.below(length as u64) as usize)
    }

    /// One of a list.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.index(list.len())?)
    }

    /// A number as hostile callers like them: small, a power of two or next to one, or anything.
    pub const fn odd(&mut self) -> u64 {
        match self.below(4) {
            0 => self.below(16),
            1 => (1_u64 << self.below(64)).wrapping_add(self.below(3)).wrapping_sub(1),
            2 => u64::MAX - self.below(4),
            _ => self.next(),
        }
    }

    /// Changes up to four places of a buffer.
    pub fn mutate(&mut self, bytes: &mut [u8]) {
        for _ in 0..=self.below(4) {
            let Some(at) = self.index(bytes.len()) else { return };
            let value = self.odd().to_le_bytes();
            match self.below(3) {
                0 => bytes[at] = value[0],
                1 => bytes[at] ^= 1 << self.below(8),
                _ => {
                    let at = at & !7;
                    for (to, from) in bytes[at..].iter_mut().zip(value) {
                        *to = from;
                    }
                }
            }
        }
    }
}
