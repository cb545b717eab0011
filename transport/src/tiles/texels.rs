//! A coding for texels of four bytes: runs, colours seen a moment ago, and small differences from the texels beside and above.
//!
//! Related to QOI (<https://qoiformat.org>), with runs that copy the row above, and differences from the mean of the left and the
//! upper texel. Codes by their first byte:
//!
//! | first byte | more | texels |
//! |---|---|---|
//! | `0x00`–`0x3f` | – | the colour that was last seen with this hash |
//! | `0x40`–`0x7f` | – | prediction + differences of 2 bits, −2 to 1, of the third, second and first channel |
//! | `0x80`–`0xbf` | 1 | prediction + difference of the second channel, −32 to 31; then those of the third and the first less it, −8 to 7 |
//! | `0xc0`–`0xde` | – | the left texel, 1 to 31 times |
//! | `0xdf` | number | the left texel, 32 times and more |
//! | `0xe0`–`0xfc` | – | the upper texels, 1 to 29 of them |
//! | `0xfd` | number | the upper texels, 30 and more |
//! | `0xfe` | 3 | three channels; the fourth is the left texel's |
//! | `0xff` | 4 | four channels |
//!
//! The prediction of each channel is the mean of the left and the upper texel's, rounded down, or the left one's in the first row. The texel to the
//! left of a row's first one is the last one of the row above, and to the left of the first texel are zeros.

use std::hint::select_unpredictable;

use super::varint;

/// Four channels.
type Texel = [u8; 4];

const SMALL: u8 = 0x40;
const MIDDLE: u8 = 0x80;
const LEFT: u8 = 0xc0;
const UPPER: u8 = 0xe0;
const COLOUR: u8 = 0xfe;
const ALL: u8 = 0xff;
/// Runs of this many and more have a number behind their code.
const LONG_LEFT: usize = 32;
const LONG_UPPER: usize = 30;
/// A run of the left texel that is this long is taken without a look at the upper ones.
const LONG_ENOUGH: usize = 128;

/// Colours seen a moment ago.
struct Seen([Texel; 64]);

impl Seen {
    const fn new() -> Self {
        Self([[0; 4]; 64])
    }

    const fn hash(texel: Texel) -> u8 {
        // CAST: 6 bits.
        (u32::from_le_bytes(texel).wrapping_mul(0x9e37_79b1) >> 26) as u8
    }

    /// PANIC: an index of 6 bits into 64 colours.
    const fn at(&mut self, hash: u8) -> &mut Texel {
        &mut self.0[(hash & 0x3f) as usize]
    }
}

/// The mean of each channel, rounded down: the bits that both have, and half of those that one has.
#[inline]
const fn mean(a: Texel, b: Texel) -> Texel {
    let (a, b) = (u32::from_le_bytes(a), u32::from_le_bytes(b));
    ((a & b) + (((a ^ b) & 0xfefe_fefe) >> 1)).to_le_bytes()
}

/// A code: its bytes from the lowest on, at most five, and how many they are in the highest byte.
#[derive(Clone, Copy)]
struct Code(u64);

impl Code {
    const fn new(bytes: u64, count: u64) -> Self {
        Self(bytes | count << 56)
    }

    const fn count(self) -> usize {
        (self.0 >> 56) as usize
    }

    /// One of two, without a branch: which code comes next is what no processor can guess.
    #[inline]
    fn either(condition: bool, this: Self, other: Self) -> Self {
        Self(select_unpredictable(condition, this.0, other.0))
    }
}

/// The code of a texel that is no run and was not seen.
#[inline]
fn step(texel: Texel, left: Texel, prediction: Texel) -> Code {
    let [a, b, c, d] = texel;
    let [pa, pb, pc, _] = prediction;
    let [_, _, _, alpha] = left;
    // Of each the difference plus half its range, so that one comparison tells whether it is in it.
    let (da, db, dc) = (a.wrapping_sub(pa), b.wrapping_sub(pb), c.wrapping_sub(pc));
    let (sa, sb, sc) = (da.wrapping_add(2), db.wrapping_add(2), dc.wrapping_add(2));
    let small = SMALL | (sc & 3) << 4 | (sb & 3) << 2 | sa & 3;
    let (mb, mc, ma) =
        (db.wrapping_add(32), dc.wrapping_sub(db).wrapping_add(8), da.wrapping_sub(db).wrapping_add(8));
    let middle = u64::from(MIDDLE | mb & 63) | u64::from(mc << 4 | ma & 15) << 8;
    let whole = u64::from(u32::from_le_bytes(texel)) << 8;
    let colour = Code::new(u64::from(COLOUR) | whole & 0xffff_ff00, 4);
    let far = Code::either((mb < 64) & ((mc | ma) < 16), Code::new(middle, 2), colour);
    let near = Code::either((sa | sb | sc) < 4, Code::new(small.into(), 1), far);
    Code::either(d == alpha, near, Code::new(u64::from(ALL) | whole, 5))
}

/// How many texels from `at` on are `texel`.
#[inline]
fn run_of(texels: &[Texel], at: usize, texel: Texel) -> usize {
    texels.get(at..).unwrap_or_default().iter().take_while(|next| **next == texel).count()
}

/// How many texels from `at` on are those of the row above.
#[inline]
fn run_above(texels: &[Texel], at: usize, width: usize) -> usize {
    let above = at.checked_sub(width).and_then(|above| texels.get(above..)).unwrap_or_default();
    texels.get(at..).unwrap_or_default().iter().zip(above).take_while(|(a, b)| a == b).count()
}

/// The code of a run.
fn run_code(code: u8, long: usize, run: usize) -> Code {
    // CAST: below 32.
    if run < long {
        return Code::new((code + (run - 1) as u8).into(), 1);
    }
    let (mut word, mut count) = (u64::from(code + (long - 1) as u8), 1);
    let mut rest = (run - long) as u64;
    while rest >= 0x80 {
        word |= (rest & 0x7f | 0x80) << (8 * count);
        (rest, count) = (rest >> 7, count + 1);
    }
    Code::new(word | rest << (8 * count), count + 1)
}

/// Appends the code of texels (fewer than 2^28) in rows of `width`; false when it would take more than `limit` bytes, and then `out` holds a
/// part of it.
pub fn encode(texels: &[Texel], width: usize, limit: usize, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    // Five bytes a texel at most; eight are written at a time.
    let limit = limit.min(texels.len() * 5);
    out.resize(start + limit + 16, 0);
    let code = out.get_mut(start..).unwrap_or_default();
    let length = encode_into(texels, width, limit, code);
    out.truncate(start + length.unwrap_or(0));
    length.is_some()
}

/// The same into a slice of 16 bytes more than `limit`; gives the number of bytes.
fn encode_into(texels: &[Texel], width: usize, limit: usize, code: &mut [u8]) -> Option<usize> {
    let mut seen = Seen::new();
    let mut left = [0; 4];
    let (mut at, mut length) = (0, 0);
    while let Some(texel) = texels.get(at).copied() {
        let upper = at.checked_sub(width).and_then(|above| texels.get(above)).copied();
        let next = if texel == left || Some(texel) == upper {
            let beside = run_of(texels, at, left);
            let above = if beside < LONG_ENOUGH { run_above(texels, at, width) } else { 0 };
            if beside >= above {
                at += beside;
                run_code(LEFT, LONG_LEFT, beside)
            } else {
                at += above;
                left = texels.get(at - 1).copied().unwrap_or_default();
                run_code(UPPER, LONG_UPPER, above)
            }
        } else {
            let hash = Seen::hash(texel);
            let place = seen.at(hash);
            let is_known = *place == texel;
            *place = texel;
            let step = step(texel, left, upper.map_or(left, |upper| mean(left, upper)));
            left = texel;
            at += 1;
            Code::either(is_known, Code::new(hash.into(), 1), step)
        };
        *code.get_mut(length..)?.first_chunk_mut()? = next.0.to_le_bytes();
        length += next.count();
        if length > limit {
            return None;
        }
    }
    Some(length)
}

/// What [`encode`] would make of some texels, about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Bytes, in eighths.
    pub eighths: usize,
    /// Codes, of which each takes about the same time.
    pub codes: usize,
}

impl Estimate {
    /// Adds a row. `upper` is the row above.
    pub fn add(&mut self, row: &[Texel], upper: &[Texel]) {
        let mut left = [0; 4];
        let mut in_run = false;
        for (texel, upper) in row.iter().zip(upper) {
            let bytes = step(*texel, left, mean(left, *upper)).count();
            let is_like = *texel == left || texel == upper;
            // Some of the longer ones were seen.
            let one = bytes * 8 - bytes / 2;
            self.eighths += select_unpredictable(is_like, 1, one);
            self.codes += usize::from(!(is_like & in_run));
            in_run = is_like;
            left = *texel;
        }
    }
}

/// Fills `texels`, rows of `width`, from their code; `None` when it is none of exactly so many texels.
pub fn decode(mut code: &[u8], width: usize, texels: &mut [Texel]) -> Option<()> {
    let mut seen = Seen::new();
    let mut left = [0; 4];
    let mut at = 0;
    while at < texels.len() {
        let (first, rest) = code.split_first()?;
        let first = *first;
        code = rest;
        let texel = match first {
            ..LEFT => {
                let upper = at.checked_sub(width).and_then(|above| texels.get(above)).copied();
                let prediction = upper.map_or(left, |upper| mean(left, upper));
                let is_middle = first >= MIDDLE;
                let more = code.first().copied().unwrap_or_default();
                code = code.get(usize::from(is_middle)..)?;
                let near = near(first, more, left, prediction);
                let known = u32::from_le_bytes(*seen.at(first));
                select_unpredictable(first < SMALL, known, near).to_le_bytes()
            }
            COLOUR => {
                let ([a, b, c], rest) = code.split_first_chunk()?;
                code = rest;
                let [_, _, _, alpha] = left;
                [*a, *b, *c, alpha]
            }
            ALL => {
                let (channels, rest) = code.split_first_chunk()?;
                code = rest;
                *channels
            }
            run => {
                let (base, long) = if run < UPPER { (LEFT, LONG_LEFT) } else { (UPPER, LONG_UPPER) };
                let mut count = usize::from(run - base) + 1;
                if count == long {
                    count = usize::try_from(varint::take(&mut code)?).ok()?.checked_add(long)?;
                }
                let end = at.checked_add(count).filter(|end| *end <= texels.len())?;
                if run < UPPER {
                    texels.get_mut(at..end)?.fill(left);
                } else {
                    let mut above = at.checked_sub(width)?;
                    // No further than a row at a time: later texels may repeat what this run writes.
                    while at < end {
                        let now = (end - at).min(width).max(1);
                        // PANIC: `above + now` is at most `at`, or `width` is 0 and both are `at`; `at + now` is at most `end`.
                        texels.copy_within(above..above + now, at);
                        (at, above) = (at + now, above + now);
                    }
                    left = *texels.get(end - 1)?;
                }
                at = end;
                continue;
            }
        };
        *seen.at(Seen::hash(texel)) = texel;
        *texels.get_mut(at)? = texel;
        left = texel;
        at += 1;
    }
    code.is_empty().then_some(())
}

/// What codes of less than [`LEFT`] add to each channel of the prediction, in bytes of a word: all of it for small differences, and for
/// middle ones that of the second channel, less 8 for the two others.
const DIFFERENCES: [u32; LEFT as usize] = {
    let mut all = [0; LEFT as usize];
    let mut code = SMALL;
    while code < LEFT {
        let [a, b, c] = if code < MIDDLE {
            [(code & 3).wrapping_sub(2), (code >> 2 & 3).wrapping_sub(2), (code >> 4 & 3).wrapping_sub(2)]
        } else {
            let second = (code & 63).wrapping_sub(32);
            [second.wrapping_sub(8), second, second.wrapping_sub(8)]
        };
        all[code as usize] = u32::from_le_bytes([a, b, c, 0]);
        code += 1;
    }
    all
};

/// Adds each byte to the one in the same place.
#[inline]
const fn add(a: u32, b: u32) -> u32 {
    const LOW: u32 = 0x7f7f_7f7f;
    ((a & LOW) + (b & LOW)) ^ ((a ^ b) & !LOW)
}

/// The texel of a code with small or middle differences; without branches, as in [`step`].
#[inline]
fn near(code: u8, more: u8, left: Texel, prediction: Texel) -> u32 {
    let known = DIFFERENCES.get(usize::from(code)).copied().unwrap_or_default();
    let more = u32::from(more & 15) | u32::from(more >> 4) << 16;
    let difference = add(known, select_unpredictable(code < MIDDLE, 0, more));
    let (prediction, left) = (u32::from_le_bytes(prediction), u32::from_le_bytes(left));
    add(prediction, difference) & 0x00ff_ffff | left & 0xff00_0000
}
