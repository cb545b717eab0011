//! Random numbers that are the same on every machine, and mutants made with them.

/// Xorshift: the same numbers on every machine.
pub struct Random(pub u64);

impl Random {
    /// The sequence of input `number` of `seed`. Neighbouring numbers give unrelated sequences (SplitMix64's mixing,
    /// after Sebastiano Vigna's public-domain description).
    pub fn of(seed: u64, number: u64) -> Self {
        let mut mixed = seed.wrapping_add(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        // Xorshift stays at zero for ever.
        Self((mixed ^ mixed >> 31) | 1)
    }

    /// The next 32 bits.
    pub fn dword(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as u32
    }

    /// A number below `limit`, 0 if there is none.
    pub fn below(&mut self, limit: usize) -> usize {
        self.dword() as usize % limit.max(1)
    }

    /// Changes one or two dwords: bits, small numbers, or dwords taken from elsewhere in the program.
    pub fn mutate(&mut self, tokens: &[u32]) -> Vec<u32> {
        let mut mutant = tokens.to_vec();
        for _ in 0..1 + self.below(2) {
            let place = self.below(mutant.len());
            mutant[place] = match self.below(5) {
                0 => self.dword(),
                1 => self.below(16) as u32,
                2 => tokens[self.below(tokens.len())],
                3 => mutant[place].wrapping_add(1),
                _ => mutant[place] ^ 1 << self.below(32),
            };
        }
        mutant
    }
}
