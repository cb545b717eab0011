//! Which coding is worth its time.
//!
//! Each coding takes time for the bytes that go in and for those that come out, on both sides; the link takes time for the latter. The
//! three overlap, as pieces are sent while the next ones are coded, so that a picture takes about as long as the slowest of them; but a
//! core that codes does nothing else meanwhile, and the first piece has to go all the way. What would come out is guessed from a sample of
//! the block, as coding it in every way would cost more than the best of them saves.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::{packs, texels};

/// How the bytes of a block are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Coding {
    /// As they are.
    Raw = 0,
    /// One texel, or one word, for all of them.
    Solid = 1,
    /// LZ4's block format.
    Lz4 = 2,
    /// Runs and differences of texels of four bytes.
    Texels = 3,
    /// Nothing: the other side takes them from a picture that it has.
    Copy = 4,
}

impl Coding {
    /// How many there are.
    pub const COUNT: usize = 5;

    pub(super) const fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Raw,
            1 => Self::Solid,
            2 => Self::Lz4,
            3 => Self::Texels,
            4 => Self::Copy,
            _ => return None,
        })
    }
}

/// What a coding's work takes, in picoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// For each byte of the block.
    pub raw: u32,
    /// For each byte of LZ4's code, and for each code of texels, however many it stands for.
    pub coded: u32,
}

impl Cost {
    const fn of(self, raw: usize, coded: usize) -> u64 {
        raw as u64 * self.raw as u64 + coded as u64 * self.coded as u64
    }
}

/// How fast a processor codes and decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// LZ4.
    pub lz4_encode: Cost,
    /// LZ4.
    pub lz4_decode: Cost,
    /// Texels.
    pub texels_encode: Cost,
    /// Texels.
    pub texels_decode: Cost,
    /// Picoseconds to see whether a range packs, from [`RANGE_SAMPLE_BYTES`](super::RANGE_SAMPLE_BYTES) of it.
    pub look: u64,
}

impl Default for Rates {
    /// Those of a server's core of 2020 or so.
    fn default() -> Self {
        Self {
            lz4_encode: Cost { raw: 65, coded: 3_800 },
            lz4_decode: Cost { raw: 15, coded: 850 },
            texels_encode: Cost { raw: 90, coded: 8_000 },
            texels_decode: Cost { raw: 22, coded: 8_000 },
            look: 12_000_000,
        }
    }
}

/// Bytes of a block to measure with: a tile's.
const MEASURED: usize = 16 << 10;
/// How often each is measured.
const ROUNDS: u32 = 15;

impl Rates {
    /// Measures this processor, in a few milliseconds.
    pub fn measure() -> Self {
        let rough = blocks();
        let (lz4_encode, lz4_decode) = measure(
            &rough,
            encode_lz4,
            |_, code| code.len(),
            |code, into| black_box(lz4_flex::block::decompress_into(code, into)).is_ok(),
        );
        let encode_texels = |block: &[u8], out: &mut Vec<u8>| {
            texels::encode(block.as_chunks().0, 64, usize::MAX, out);
        };
        let (texels_encode, texels_decode) = measure(
            &rough,
            encode_texels,
            |block, _| estimate(block, 256, 1).codes,
            |code, into| black_box(texels::decode(code, 64, into.as_chunks_mut().0)).is_some(),
        );
        let rates = Self { lz4_encode, lz4_decode, texels_encode, texels_decode, look: 0 };
        // A link on which LZ4 is thought of.
        let choice = Choice::new(0, &rates, &rates);
        let mut looks: Vec<Duration> = rough
            .iter()
            .map(|block| {
                let start = Instant::now();
                black_box(packs(black_box(block), &choice));
                start.elapsed()
            })
            .collect();
        looks.sort();
        let look = looks.get(looks.len() / 2).copied().unwrap_or_default();
        // CAST: some microseconds.
        Self { look: look.as_nanos() as u64 * 1000, ..rates }
    }
}

/// Blocks of a slope, in which a quarter of the texels are like the one beside or above, and of the others some differ little and some
/// much. No two blocks do it in the same order, which a processor would learn.
fn blocks() -> Vec<Vec<u8>> {
    let mut state = 1u32;
    let block = |_| {
        let mut texels: Vec<[u8; 4]> = Vec::with_capacity(MEASURED / 4);
        for at in 0..MEASURED / 4 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let before = |distance| at.checked_sub(distance).and_then(|at| texels.get(at)).copied();
            let strength = [1, 3, 3, 3, 3, 3, 15, 63][(state >> 28 & 7) as usize];
            let channel = |shift: u32| (at / 96) as u8 ^ (state >> shift) as u8 & strength;
            let new = [channel(3), channel(9), channel(15), 255];
            let distance = if state >> 31 == 0 { 1 } else { 64 };
            texels.push(before(distance).filter(|_| state >> 25 & 3 == 0).unwrap_or(new));
        }
        texels.into_flattened()
    };
    (0..ROUNDS).map(block).collect()
}

/// The costs of coding and of decoding, from a block of which hardly anything remains, and blocks of which much does.
fn measure(
    rough: &[Vec<u8>],
    encode: impl Fn(&[u8], &mut Vec<u8>),
    coded: impl Fn(&[u8], &[u8]) -> usize,
    decode: impl Fn(&[u8], &mut [u8]) -> bool,
) -> (Cost, Cost) {
    let flat: Vec<u8> = (0..MEASURED).map(|at| (at / 2048 * 7) as u8).collect();
    let (mut code, mut back) = (Vec::new(), vec![0; MEASURED]);
    // The medians of both times in picoseconds, and what `coded` counts in the last block.
    let mut time = |blocks: &mut dyn Iterator<Item = &[u8]>| {
        let (mut coding, mut decoding, mut count) = (Vec::new(), Vec::new(), 0);
        for block in blocks {
            let start = Instant::now();
            code.clear();
            encode(black_box(block), &mut code);
            let end = Instant::now();
            black_box(decode(&code, &mut back));
            coding.push(end - start);
            decoding.push(end.elapsed());
            count = coded(block, &code);
        }
        let median = |times: &mut Vec<Duration>| {
            times.sort();
            times.get(times.len() / 2).copied().unwrap_or_default().as_nanos() * 1000
        };
        (median(&mut coding), median(&mut decoding), count as u128)
    };
    let flat = time(&mut std::iter::repeat_n(flat.as_slice(), rough.len()));
    let rough = time(&mut rough.iter().map(Vec::as_slice));
    let cost = |flat_time: u128, rough_time: u128| {
        // What does not fit is as good as for ever.
        let per = |time: u128, count: u128| u32::try_from(time / count.max(1)).unwrap_or(u32::MAX);
        Cost {
            raw: per(flat_time, MEASURED as u128),
            coded: per(rough_time.saturating_sub(flat_time), rough.2),
        }
    };
    (cost(flat.0, rough.0), cost(flat.1, rough.1))
}

pub(super) fn encode_lz4(block: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + lz4_flex::block::get_maximum_output_size(block.len()), 0);
    let written = lz4_flex::block::compress_into(block, out.get_mut(start..).unwrap_or_default());
    // It cannot fail in so many bytes; if it did, the code would be empty, which no decoder takes.
    out.truncate(start + written.unwrap_or(0));
}

/// What a coding costs at both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ends {
    encode: Cost,
    decode: Cost,
}

/// How much of what overlaps counts all the same: one part of so many. A guess; 1 would be the sum.
const OVERLAPPED: u64 = 4;

/// What decides between codings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Picoseconds that the link takes for a byte.
    link: u64,
    lz4: Ends,
    texels: Ends,
    look: u64,
    only: Option<Coding>,
}

/// Without a rate, that of the slowest link that one would use on purpose: gigabit Ethernet.
const UNKNOWN_LINK: u64 = 117_000_000;

impl Choice {
    /// For a link of so many bytes a second, or 0 if that is not known, and the processors of the side that codes and of the one that decodes.
    pub fn new(bytes_per_second: u64, here: &Rates, there: &Rates) -> Self {
        let rate = if bytes_per_second == 0 { UNKNOWN_LINK } else { bytes_per_second };
        Self {
            link: 1_000_000_000_000 / rate,
            lz4: Ends { encode: here.lz4_encode, decode: there.lz4_decode },
            texels: Ends { encode: here.texels_encode, decode: there.texels_decode },
            look: here.look,
            only: None,
        }
    }

    /// Always the same coding wherever it is possible and makes a block smaller, to measure with.
    pub fn always(coding: Coding) -> Self {
        Self { only: Some(coding), ..Self::new(0, &Rates::default(), &Rates::default()) }
    }

    /// What it takes to see whether a range packs, in picoseconds.
    pub(crate) const fn look(&self) -> u64 {
        self.look
    }

    /// The time that so many bytes take on the link, in picoseconds.
    pub(crate) const fn on_link(&self, bytes: usize) -> u64 {
        (bytes as u64).saturating_mul(self.link)
    }

    /// What a block of `raw` bytes takes that becomes `sent` bytes by a coding which costs `ends` for so many `codes`, in picoseconds.
    fn time(&self, ends: Ends, raw: usize, codes: usize, sent: usize) -> u64 {
        let stages = [ends.encode.of(raw, codes), self.on_link(sent), ends.decode.of(raw, codes)];
        let slowest = stages.into_iter().max().unwrap_or_default();
        let all = stages.into_iter().fold(0, u64::saturating_add);
        slowest.saturating_add((all - slowest) / OVERLAPPED)
    }

    /// Chooses for a block of rows of `row` bytes, whose texels have `texel` bytes (anything but 4 for bytes that are no texels). LZ4
    /// is only thought of where the caller asks for it: looking into it takes longer than the rest.
    pub(super) fn choose(&self, block: &[u8], row: usize, texel: usize, with_lz4: bool) -> Coding {
        if let Some(only) = self.only {
            return only;
        }
        let raw = self.on_link(block.len());
        let (mut best, mut least) = (Coding::Raw, raw);
        if texel == 4 {
            let sample = estimate(block, row, EVERY);
            let coded = sample.eighths / 8;
            let time = self.time(self.texels, block.len(), sample.codes, coded);
            if time < least {
                (best, least) = (Coding::Texels, time);
            }
            // So small already that LZ4 has nothing to win.
            if best == Coding::Texels && coded < block.len() / 8 {
                return best;
            }
        }
        // Even if nothing remained of the block.
        if with_lz4 && self.time(self.lz4, block.len(), 0, 0) < least {
            let coded = sample_lz4(block, row);
            if self.time(self.lz4, block.len(), coded, coded) < least {
                best = Coding::Lz4;
            }
        }
        best
    }

    /// Whether a code is better than the bytes themselves, now that its size is known: the work on this side is done.
    pub(super) fn keeps(&self, raw: usize, coded: usize) -> bool {
        coded < raw && (self.only.is_some() || self.link > 0)
    }
}

/// One row of so many is looked at.
const EVERY: usize = 8;
/// So many texels of a range.
const RANGE_SAMPLE: usize = 2048;
/// A sample for LZ4 has at least this many bytes, as it needs something to look back at.
const SAMPLE: usize = 2048;

/// What a block would be as texels, from one of `every` rows.
fn estimate(block: &[u8], row: usize, every: usize) -> texels::Estimate {
    let rows = block.len() / row.max(1);
    let mut all = texels::Estimate::default();
    if rows < 2 {
        // A range: its middle, each texel of which has the one before as its upper one, too.
        let texels: &[[u8; 4]] = block.as_chunks().0;
        let sample = texels.get(texels.len() / 2..).unwrap_or_default();
        let sample = sample.get(..RANGE_SAMPLE).unwrap_or(sample);
        all.add(sample.get(1..).unwrap_or_default(), sample);
        let count = sample.len().saturating_sub(1).max(1);
        return texels::Estimate {
            eighths: all.eighths * texels.len() / count,
            codes: all.codes * texels.len() / count,
        };
    }
    let every = every.min(rows);
    let mut seen = 0;
    for index in (every / 2..rows).step_by(every) {
        let of = |index: usize| block.get(index * row..(index + 1) * row).unwrap_or_default().as_chunks().0;
        all.add(of(index), index.checked_sub(1).map_or(&[], of));
        seen += usize::from(index != 0);
    }
    let seen = seen.max(1);
    texels::Estimate { eighths: all.eighths * rows / seen, codes: all.codes * rows / seen }
}

fn sample_lz4(block: &[u8], row: usize) -> usize {
    let bytes = SAMPLE.next_multiple_of(row.max(1)).min(block.len());
    let middle = (block.len() - bytes) / 2;
    let sample = block.get(middle..middle + bytes).unwrap_or_default();
    let mut code = Vec::new();
    encode_lz4(sample, &mut code);
    code.len() * block.len() / bytes.max(1)
}
