//! From pieces of a payload to the tiles of a picture.

use super::choice::Coding;
use super::encode::bands;
use super::mask::{Geometry, MAX_TEXEL_BYTES, TILE};
use super::memory::{Source, Target};
use super::{TileError, texels, varint};

/// Decodes pieces. Keeps memory from one to the next: a tile's.
#[derive(Debug, Default)]
pub struct Decoder {
    block: Vec<u8>,
}

impl Decoder {
    /// Writes the tiles of a piece into a picture. `base` is the picture that copied tiles come from. Gives how many blocks there were.
    ///
    /// # Errors
    /// [`TileError::Memory`] when `target` or `base` is smaller than the picture, and [`TileError::Payload`] when the piece breaks the format or copies
    /// without a base; blocks before that are written.
    pub fn decode(
        &mut self,
        geometry: &Geometry,
        piece: &[u8],
        base: Option<&dyn Source>,
        target: &mut (impl Target + ?Sized),
    ) -> Result<u32, TileError> {
        geometry.fits(target.bytes())?;
        base.map_or(Ok(()), |base| geometry.fits(base.bytes()))?;
        let mut rest = piece;
        let mut count = 0;
        self.blocks(geometry, &mut rest, base, target, &mut count)
            .map_err(|rule| TileError::Payload { at: piece.len() - rest.len(), rule })?;
        Ok(count)
    }

    fn blocks(
        &mut self,
        geometry: &Geometry,
        rest: &mut &[u8],
        base: Option<&dyn Source>,
        target: &mut (impl Target + ?Sized),
        count: &mut u32,
    ) -> Result<(), &'static str> {
        let shift = u32::from(take(rest, 1)?.first().copied().unwrap_or_default());
        if shift > TILE.ilog2() {
            return Err("a block has at most a tile's rows");
        }
        let mut next = 0u32;
        while !rest.is_empty() {
            let skipped = varint::take(rest).ok_or("a number of at most 32 bits")?;
            let number = next.checked_add(skipped).ok_or("a block of the picture")?;
            next = number.checked_add(1).ok_or("a block of the picture")?;
            let area = geometry.tile(number / bands(shift)).ok_or("a block of the picture")?;
            let first = (number % bands(shift)) << shift;
            let rows = area.height.checked_sub(first).filter(|rows| *rows != 0);
            let rows = rows.ok_or("a block of the picture")?.min(1 << shift);
            let row = (area.width * geometry.texel()) as usize;
            let coding = take(rest, 1)?.first().copied().and_then(Coding::of);
            let coding = coding.ok_or("a coding that is known")?;
            let at = |index: u32| geometry.at(area.left, area.top + first + index);
            // At most a tile's: 64 KiB.
            let bytes = row * rows as usize;
            let block = if coding == Coding::Raw {
                take(rest, bytes)?
            } else {
                debug_assert!(bytes <= (TILE * TILE * MAX_TEXEL_BYTES) as usize);
                self.block.resize(bytes, 0);
                match coding {
                    Coding::Copy => {
                        let base = base.ok_or("no copies without a picture to copy from")?;
                        for (index, into) in (0..).zip(self.block.chunks_exact_mut(row)) {
                            base.read(at(index), into);
                        }
                    }
                    Coding::Solid => {
                        let texel = take(rest, geometry.texel() as usize)?;
                        self.block.chunks_exact_mut(texel.len()).for_each(|to| to.copy_from_slice(texel));
                    }
                    _ => {
                        let length = varint::take(rest).ok_or("a number of at most 32 bits")?;
                        let code = take(rest, length as usize)?;
                        uncode(
                            coding,
                            code,
                            area.width as usize,
                            geometry.texel() as usize,
                            &mut self.block,
                        )?;
                    }
                }
                self.block.as_slice()
            };
            for (index, from) in (0..).zip(block.chunks_exact(row)) {
                target.write(at(index), from);
            }
            *count += 1;
        }
        Ok(())
    }
}

/// Takes bytes from the front.
pub(super) fn take<'b>(rest: &mut &'b [u8], count: usize) -> Result<&'b [u8], &'static str> {
    let (taken, later) = rest.split_at_checked(count).ok_or("a block that is whole")?;
    *rest = later;
    Ok(taken)
}

/// Decodes LZ4 or texels (in rows of `width`), which must fill the block.
pub(super) fn uncode(
    coding: Coding,
    code: &[u8],
    width: usize,
    texel: usize,
    block: &mut [u8],
) -> Result<(), &'static str> {
    match coding {
        Coding::Lz4 => match lz4_flex::block::decompress_into(code, block) {
            Ok(count) if count == block.len() => Ok(()),
            _ => Err("an LZ4 block of the right size"),
        },
        Coding::Texels if texel == 4 => {
            texels::decode(code, width, block.as_chunks_mut().0).ok_or("texels that fill a block")
        }
        _ => Err("a coding that fits"),
    }
}
