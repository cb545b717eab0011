//! From a picture and the tiles to send to pieces of a payload.
//!
//! A piece is a byte that tells how many rows a block has (a power of two, its exponent), and blocks in ascending order. A block is
//! a number (the blocks that are left out before it), a byte for its [`Coding`], and what the coding asks for: the rows themselves, one texel,
//! a number of bytes and the bytes, or nothing. Each piece can be decoded by itself.

use super::choice::{Choice, Coding, encode_lz4};
use super::mask::{Geometry, TILE, TileMask};
use super::memory::Source;
use super::{TileError, texels, varint};

/// The smallest piece: a row of a tile of the largest texels fits with its numbers.
pub const MIN_PIECE_BYTES: usize = 2048;
/// Bytes before a block's own: its number and its coding.
const HEAD: usize = varint::MAX_BYTES + 1;
/// Bytes that say how long a code is, at most: a tile has 64 KiB.
const LENGTH: usize = 3;

/// What to send of a picture.
#[derive(Clone, Copy, Debug)]
pub struct Job<'j> {
    /// Its sizes.
    pub geometry: Geometry,
    /// Tiles whose texels are sent.
    pub send: &'j TileMask,
    /// Tiles that the other side copies from a picture that it has; those that are sent as well are sent.
    pub copy: Option<&'j TileMask>,
}

/// What was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Blocks by [`Coding`].
    pub blocks: [u32; Coding::COUNT],
    /// Bytes of the texels in blocks that are not copied.
    pub raw: u64,
    /// Bytes of all pieces.
    pub coded: u64,
    /// Pieces.
    pub pieces: u32,
}

/// Every so many blocks of texels LZ4 is tried; where it was best, it is tried for so many blocks in a row.
const LZ4_TURN: u32 = 8;

/// Codes pictures. Keeps memory from one to the next, and how well LZ4 did.
#[derive(Debug, Default)]
pub struct Encoder {
    /// Blocks until LZ4 is tried, and for how many it is tried anyway.
    pause: u32,
    eager: u32,
    block: Vec<u8>,
    code: Vec<u8>,
    piece: Vec<u8>,
}

/// How many rows of blocks a row of tiles has with blocks of `1 << shift` rows.
pub(super) const fn bands(shift: u32) -> u32 {
    TILE >> shift
}

/// The exponent of the most rows of a block that fits a piece.
fn shift_for(piece_bytes: usize, geometry: &Geometry) -> u32 {
    let row = (TILE * geometry.texel()) as usize;
    let room = piece_bytes.saturating_sub(1 + HEAD);
    (0..=TILE.ilog2()).rev().find(|shift| row << shift <= room).unwrap_or(0)
}

impl Encoder {
    /// Codes a picture and gives it away in pieces of at most `piece_bytes` bytes (at least [`MIN_PIECE_BYTES`]).
    ///
    /// # Errors
    /// [`TileError::Memory`] when the source is smaller than the picture, and what `emit` fails with.
    pub fn encode<E: From<TileError>>(
        &mut self,
        job: &Job<'_>,
        source: &(impl Source + ?Sized),
        choice: &Choice,
        piece_bytes: usize,
        mut emit: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Encoded, E> {
        let geometry = job.geometry;
        geometry.fits(source.bytes())?;
        let piece_bytes = piece_bytes.max(MIN_PIECE_BYTES);
        let shift = shift_for(piece_bytes, &geometry);
        let mut done = Encoded::default();
        self.piece.clear();
        let mut last = 0;
        let mut all = job.send.clone();
        if let Some(copy) = job.copy {
            all.extend(copy);
        }
        for tile in all.iter() {
            let Some(area) = geometry.tile(tile) else { break };
            let sent = job.send.contains(tile);
            for band in 0..bands(shift).min(area.height.div_ceil(1 << shift)) {
                let coding = if sent {
                    let first = band << shift;
                    let rows = (area.height - first).min(1 << shift);
                    let row = (area.width * geometry.texel()) as usize;
                    // At most a tile's: 64 KiB.
                    self.block.resize(row * rows as usize, 0);
                    for (index, into) in (first..).zip(self.block.chunks_exact_mut(row)) {
                        source.read(geometry.at(area.left, area.top + index), into);
                    }
                    done.raw += self.block.len() as u64;
                    self.code.clear();
                    let with_lz4 = geometry.texel() != 4 || self.is_turn_of_lz4();
                    let texel = geometry.texel() as usize;
                    let coding = code(&self.block, row, texel, choice, with_lz4, &mut self.code);
                    if coding == Coding::Lz4 {
                        self.eager = LZ4_TURN;
                    }
                    coding
                } else {
                    self.code.clear();
                    Coding::Copy
                };
                let body = if coding == Coding::Raw { &self.block } else { &self.code };
                if !self.piece.is_empty() && self.piece.len() + HEAD + LENGTH + body.len() > piece_bytes {
                    done.sent(&self.piece);
                    emit(&self.piece)?;
                    self.piece.clear();
                }
                if self.piece.is_empty() {
                    // CAST: at most 6.
                    self.piece.push(shift as u8);
                    last = 0;
                }
                let number = tile * bands(shift) + band;
                varint::put(&mut self.piece, number - last);
                last = number + 1;
                self.piece.push(coding as u8);
                if matches!(coding, Coding::Lz4 | Coding::Texels) {
                    varint::put(&mut self.piece, body.len() as u32);
                }
                self.piece.extend_from_slice(body);
                // PANIC: an index below the number of codings.
                done.blocks[coding as usize] += 1;
            }
        }
        if !self.piece.is_empty() {
            done.sent(&self.piece);
            emit(&self.piece)?;
        }
        Ok(done)
    }
}

impl Encoder {
    fn is_turn_of_lz4(&mut self) -> bool {
        if self.eager > 0 {
            self.eager -= 1;
            return true;
        }
        let is_turn = self.pause == 0;
        self.pause = if is_turn { LZ4_TURN - 1 } else { self.pause - 1 };
        is_turn
    }
}

impl Encoded {
    fn sent(&mut self, piece: &[u8]) {
        self.coded += piece.len() as u64;
        self.pieces += 1;
    }
}

/// Codes a block of whole rows into `out`, which stays empty for [`Coding::Raw`]. Codes with a length are shorter than the block by more
/// than the length takes.
pub(super) fn code(
    block: &[u8],
    row: usize,
    texel: usize,
    choice: &Choice,
    with_lz4: bool,
    out: &mut Vec<u8>,
) -> Coding {
    let (first, rest) = block.split_at(texel.min(block.len()));
    if block.len() > texel && repeats(first, rest) {
        out.extend_from_slice(first);
        return Coding::Solid;
    }
    let limit = block.len().saturating_sub(LENGTH + 1);
    let coding = choice.choose(block, row, texel, with_lz4);
    let fits = match coding {
        Coding::Texels if texel == 4 => texels::encode(block.as_chunks().0, row / 4, limit, out),
        Coding::Lz4 => {
            encode_lz4(block, out);
            !out.is_empty() && out.len() <= limit
        }
        _ => false,
    };
    if fits && choice.keeps(block.len(), out.len()) {
        return coding;
    }
    out.clear();
    Coding::Raw
}

/// Whether `rest` is `unit` over and over.
fn repeats(unit: &[u8], rest: &[u8]) -> bool {
    let whole = rest.chunks_exact(unit.len().max(1));
    whole.remainder().is_empty() && whole.into_iter().all(|chunk| chunk == unit)
}
