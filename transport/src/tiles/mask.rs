//! How a picture is cut into tiles, and sets of its tiles.

use super::TileError;

/// Texels of a tile's edge. Tiles at the right and at the bottom may be smaller.
pub const TILE: u32 = 64;
/// The most texels of a row, and the most rows: Direct3D 11's limit for textures.
pub const MAX_EXTENT: u32 = 16_384;
/// The most bytes of a texel.
pub const MAX_TEXEL_BYTES: u32 = 16;

/// The sizes of a picture, within the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    width: u32,
    height: u32,
    texel: u32,
    pitch: u32,
}

/// Texels of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rectangle {
    /// First column.
    pub left: u32,
    /// First row.
    pub top: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Geometry {
    /// A picture of `width` × `height` texels of `texel` bytes, whose rows begin `pitch` bytes apart.
    ///
    /// # Errors
    /// [`TileError::Geometry`] when a size is 0 or beyond its limit, or a row does not fit the pitch.
    pub const fn new(width: u32, height: u32, texel: u32, pitch: u32) -> Result<Self, TileError> {
        let sized = width != 0 && width <= MAX_EXTENT && height != 0 && height <= MAX_EXTENT;
        // No overflow: at most 16,384 × 16.
        if !sized || texel == 0 || texel > MAX_TEXEL_BYTES || width * texel > pitch {
            return Err(TileError::Geometry { width, height, texel, pitch });
        }
        Ok(Self { width, height, texel, pitch })
    }

    /// Texels of a row.
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Bytes of a texel.
    pub const fn texel(&self) -> u32 {
        self.texel
    }

    /// Bytes from row to row.
    pub const fn pitch(&self) -> u32 {
        self.pitch
    }

    /// Bytes of a row without padding.
    pub const fn row_bytes(&self) -> usize {
        (self.width * self.texel) as usize
    }

    /// Bytes from the first texel to the last.
    pub const fn bytes(&self) -> u64 {
        (self.height as u64 - 1) * self.pitch as u64 + self.row_bytes() as u64
    }

    /// Bytes from the picture's start to a texel.
    pub const fn at(&self, column: u32, row: u32) -> u64 {
        row as u64 * self.pitch as u64 + column as u64 * self.texel as u64
    }

    /// Tiles of a row.
    pub const fn columns(&self) -> u32 {
        self.width.div_ceil(TILE)
    }

    /// Rows of tiles.
    pub const fn rows(&self) -> u32 {
        self.height.div_ceil(TILE)
    }

    /// All tiles: 1 to 65,536.
    pub const fn tiles(&self) -> u32 {
        self.columns() * self.rows()
    }

    /// The texels of a tile, which are counted row by row.
    pub fn tile(&self, tile: u32) -> Option<Rectangle> {
        if tile >= self.tiles() {
            return None;
        }
        let (left, top) = (tile % self.columns() * TILE, tile / self.columns() * TILE);
        Some(Rectangle { left, top, width: TILE.min(self.width - left), height: TILE.min(self.height - top) })
    }

    /// Checks that memory holds the picture.
    ///
    /// # Errors
    /// [`TileError::Memory`] when it does not.
    pub const fn fits(&self, has: u64) -> Result<(), TileError> {
        let needs = self.bytes();
        if needs > has { Err(TileError::Memory { needs, has }) } else { Ok(()) }
    }
}

/// A set of tiles of a picture: a bit each, counted from the lowest bit of the first word, as the GPU writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileMask {
    tiles: u32,
    words: Vec<u32>,
}

impl TileMask {
    /// No tile of a picture.
    pub fn none(geometry: &Geometry) -> Self {
        let tiles = geometry.tiles();
        Self { tiles, words: vec![0; tiles.div_ceil(32) as usize] }
    }

    /// All tiles of a picture.
    pub fn all(geometry: &Geometry) -> Self {
        Self::from_words(geometry, std::iter::repeat(u32::MAX))
    }

    /// The tiles whose bits are set. Bits beyond the last tile are dropped, and missing words are 0.
    pub fn from_words(geometry: &Geometry, words: impl IntoIterator<Item = u32>) -> Self {
        let mut mask = Self::none(geometry);
        for (to, word) in mask.words.iter_mut().zip(words) {
            *to = word;
        }
        let rest = mask.tiles % 32;
        if rest != 0
            && let Some(last) = mask.words.last_mut()
        {
            *last &= (1 << rest) - 1;
        }
        mask
    }

    /// Adds a tile; one that the picture does not have is no tile.
    pub fn insert(&mut self, tile: u32) {
        if tile < self.tiles
            && let Some(word) = self.words.get_mut(tile as usize / 32)
        {
            *word |= 1 << (tile % 32);
        }
    }

    /// Whether a tile is in the set.
    pub fn contains(&self, tile: u32) -> bool {
        self.words.get(tile as usize / 32).is_some_and(|word| word >> (tile % 32) & 1 != 0)
    }

    /// Adds the tiles of another set of the same picture's.
    pub fn extend(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    /// Takes the tiles of another set of the same picture's out.
    pub fn remove(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= !other;
        }
    }

    /// Takes all tiles out.
    pub fn clear(&mut self) {
        self.words.fill(0);
    }

    /// How many tiles the picture has.
    pub const fn tiles(&self) -> u32 {
        self.tiles
    }

    /// How many tiles are in the set.
    pub fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// Whether no tile is in the set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The tiles in the set, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..).step_by(32).zip(&self.words).flat_map(|(first, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                // Clears the lowest bit; none is left after 32 of them.
                rest &= rest.checked_sub(1)?;
                Some(first + bit)
            })
        })
    }
}
