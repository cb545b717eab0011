//! Which tiles of a picture differ from the picture before, found by the CPU.

use super::TileError;
use super::mask::{Geometry, TILE, TileMask};
use super::memory::Source;

/// Compares each picture with the one before.
#[derive(Debug, Default)]
pub struct Differences {
    /// The one before, without padding.
    known: Option<(Geometry, Vec<u8>)>,
    row: Vec<u8>,
}

impl Differences {
    /// The tiles in which a picture differs from the last one; all of them for the first one, and for one of another size.
    ///
    /// # Errors
    /// [`TileError::Memory`] when the source is smaller than the picture.
    pub fn changed(
        &mut self,
        geometry: &Geometry,
        source: &(impl Source + ?Sized),
    ) -> Result<TileMask, TileError> {
        geometry.fits(source.bytes())?;
        let (row_bytes, height) = (geometry.row_bytes(), geometry.height() as usize);
        let same = |known: &Geometry| {
            (known.width(), known.height(), known.texel())
                == (geometry.width(), geometry.height(), geometry.texel())
        };
        let known = self.known.take().filter(|(known, _)| same(known));
        let is_first = known.is_none();
        // A usize: at most 16,384² × 16 bytes.
        let mut bytes = known.map_or_else(|| vec![0; row_bytes * height], |(_, bytes)| bytes);
        let mut mask = if is_first { TileMask::all(geometry) } else { TileMask::none(geometry) };
        self.row.resize(row_bytes, 0);
        let tile_bytes = (TILE * geometry.texel()) as usize;
        for (row, before) in (0..).zip(bytes.chunks_exact_mut(row_bytes)) {
            if is_first {
                source.read(geometry.at(0, row), before);
                continue;
            }
            source.read(geometry.at(0, row), &mut self.row);
            let first = row / TILE * geometry.columns();
            let tiles = self.row.chunks(tile_bytes).zip(before.chunks_mut(tile_bytes));
            for (tile, (now, before)) in (first..).zip(tiles) {
                if differ(now, before) {
                    mask.insert(tile);
                    before.copy_from_slice(now);
                }
            }
        }
        self.known = Some((*geometry, bytes));
        Ok(mask)
    }

    /// Forgets the last picture: all of the next one is new.
    pub fn forget(&mut self) {
        self.known = None;
    }
}

/// Whether bytes differ: all words are looked at without a branch in between, which a compiler makes vectors of.
fn differ(a: &[u8], b: &[u8]) -> bool {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<64>(), b.as_chunks::<64>());
    let mut bits = 0u64;
    for (a, b) in a.iter().zip(b) {
        let words = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
        bits |= words.fold(0, |bits, (a, b)| bits | (u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b)));
    }
    bits != 0 || a_rest != b_rest
}
