//! Plain bytes, such as uploads: blocks of 64 KiB, each coded as it is worth.
//!
//! A block is a byte for its [`Coding`], and the bytes themselves, or one word of eight bytes that fills the block, or a number of bytes and
//! so many bytes of LZ4 or texels. Texels are one row then, so that nothing is predicted from above. The receiver knows how many bytes there are.

use super::choice::{Choice, Coding};
use super::decode::{take, uncode};
use super::encode::code;
use super::{TileError, varint};

/// Bytes of a block, but for the last one.
pub const RANGE_BLOCK_BYTES: usize = 64 << 10;
/// Bytes of which [`packs`] is to be asked, where there are more.
pub const RANGE_SAMPLE_BYTES: usize = 16 << 10;
/// A word that fills a block.
const WORD: usize = 8;
/// Blocks that are shorter are not looked at.
const WORTH: usize = 64;

/// Whether it is worth while to code bytes of which these are a part.
pub fn packs(sample: &[u8], choice: &Choice) -> bool {
    if sample.len() <= WORTH {
        return false;
    }
    let (word, rest) = sample.split_at(WORD);
    let texel = if sample.len().is_multiple_of(4) { 4 } else { 1 };
    rest.chunks_exact(WORD).all(|next| next == word)
        || choice.choose(sample, sample.len(), texel, true) != Coding::Raw
}

/// Appends the code of bytes; it is never longer than they are, but for a byte a block.
pub fn compress_range(bytes: &[u8], choice: &Choice, out: &mut Vec<u8>) {
    let mut coded = Vec::new();
    for block in bytes.chunks(RANGE_BLOCK_BYTES) {
        coded.clear();
        let (word, rest) = block.split_at(WORD.min(block.len()));
        let mut coding = Coding::Raw;
        if block.len() > WORTH
            && block.len().is_multiple_of(WORD)
            && rest.chunks(WORD).all(|next| next == word)
        {
            coding = Coding::Solid;
            coded.extend_from_slice(word);
        } else if block.len() > WORTH {
            let texel = if block.len().is_multiple_of(4) { 4 } else { 1 };
            coding = code(block, block.len(), texel, choice, true, &mut coded);
        }
        out.push(coding as u8);
        if matches!(coding, Coding::Lz4 | Coding::Texels) {
            // CAST: shorter than a block.
            varint::put(out, coded.len() as u32);
        }
        out.extend_from_slice(if coding == Coding::Raw { block } else { &coded });
    }
}

/// Fills `into` from the code of exactly so many bytes.
///
/// # Errors
/// [`TileError::Payload`] when it is not that; `into` is then written in part.
pub fn decompress_range(coded: &[u8], into: &mut [u8]) -> Result<(), TileError> {
    let mut rest = coded;
    let mut all = || {
        for block in into.chunks_mut(RANGE_BLOCK_BYTES) {
            let coding = take(&mut rest, 1)?.first().copied().and_then(Coding::of);
            match coding.ok_or("a coding that is known")? {
                Coding::Raw => block.copy_from_slice(take(&mut rest, block.len())?),
                Coding::Solid if block.len().is_multiple_of(WORD) => {
                    let word = take(&mut rest, WORD)?;
                    block.chunks_exact_mut(WORD).for_each(|to| to.copy_from_slice(word));
                }
                coding => {
                    let length = varint::take(&mut rest).ok_or("a number of at most 32 bits")?;
                    let code = take(&mut rest, length as usize)?;
                    let texel = if block.len().is_multiple_of(4) { 4 } else { 1 };
                    uncode(coding, code, block.len(), texel, block)?;
                }
            }
        }
        if rest.is_empty() { Ok(()) } else { Err("nothing after the last block") }
    };
    let result = all();
    result.map_err(|rule| TileError::Payload { at: coded.len() - rest.len(), rule })
}
