//! Whether to look into what is sent, to see if it packs: where nothing does, looking must cost next to nothing.
//!
//! A look that was in vain is paid for by time on the link: the next one comes when what was sent meanwhile has taken [`SHARE`] times as
//! long. So on a slow link each piece is looked at, on a fast one some are, and contents that do pack are looked at always.

use crate::tiles::Choice;

/// Looks in vain take at most one part of so many of the time on the link. A guess: 1.5 %, less than one sees.
const SHARE: u64 = 64;

/// The account of looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// Picoseconds of looks in vain that are not paid yet.
    owed: u64,
}

impl Looks {
    /// Whether the next piece may be looked at.
    pub fn may(self) -> bool {
        self.owed == 0
    }

    /// So many pieces' samples were looked at, and nothing came of it.
    pub fn in_vain(&mut self, looks: u64, choice: &Choice) {
        self.owed = self.owed.saturating_add(looks.saturating_mul(choice.look()));
    }

    /// So many bytes were sent as they were.
    pub fn sent(&mut self, bytes: usize, choice: &Choice) {
        self.owed = self.owed.saturating_sub(choice.on_link(bytes) / SHARE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiles::Rates;

    /// Of so many pieces that do not pack, those that are looked at on a link of so many bytes a second.
    fn looked_at(bytes_per_second: u64, pieces: usize, bytes: usize) -> usize {
        let rates = Rates { look: 10_000_000, ..Rates::default() };
        let choice = Choice::new(bytes_per_second, &rates, &rates);
        let mut looks = Looks::default();
        let look = |_: &usize| {
            let may = looks.may();
            if may {
                looks.in_vain(1, &choice);
            }
            looks.sent(bytes, &choice);
            may
        };
        (0..pieces).filter(look).count()
    }

    #[test]
    fn a_slow_link_has_time_for_looks_and_a_fast_one_has_not() {
        // 64 KiB on 10 MB/s take 6.5 ms, of which a 64th is 102 µs: more than a look takes.
        assert_eq!(looked_at(10_000_000, 1000, 64 << 10), 1000);
        // 256 KiB on 2 GB/s take 131 µs, of which a 64th is 2 µs: one in five.
        assert_eq!(looked_at(2_000_000_000, 1000, 256 << 10), 200);
        assert_eq!(looked_at(u64::MAX, 1000, 256 << 10), 1, "a link that takes no time");
    }
}
