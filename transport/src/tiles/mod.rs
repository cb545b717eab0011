//! Pictures over a link: which tiles of a frame have changed, and those tiles in few bytes.
//!
//! A mirror sends presented frames from the host's heap to the guest's ([`crate::mirror::frames`]). Of a frame it sends what differs
//! from the frame before ([`Differences`], or a mask that the GPU made), each tile coded as it is worth on this link ([`Choice`]), in
//! pieces ([`Encoder`]), and the other side puts them into its picture ([`Decoder`]). Uploads are coded as plain bytes
//! ([`compress_range`], [`decompress_range`]).
//!
//! # Invariants
//! - Pure: no clock but in [`Rates::measure`], no system, nothing random; the same input gives the same bytes.
//! - Any bytes as a payload give a picture or a [`TileError`], never more memory than a tile's, and never a write outside of the
//!   picture.
//!
//! The format is described in `docs/frames-over-a-link.md`.

#![forbid(unsafe_code)]

mod choice;
mod decode;
mod difference;
mod encode;
mod mask;
mod memory;
mod range;
#[cfg(test)]
mod tests;
mod texels;
mod varint;

pub use choice::{Choice, Coding, Cost, Rates};
pub use decode::Decoder;
pub use difference::Differences;
pub use encode::{Encoded, Encoder, Job, MIN_PIECE_BYTES};
pub use mask::{Geometry, MAX_EXTENT, MAX_TEXEL_BYTES, Rectangle, TILE, TileMask};
pub use memory::{Cells, Source, Target};
pub use range::{RANGE_BLOCK_BYTES, RANGE_SAMPLE_BYTES, compress_range, decompress_range, packs};

/// Why a picture or a payload was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TileError {
    /// No picture has these sizes.
    Geometry {
        /// Texels of a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes of a texel.
        texel: u32,
        /// Bytes from row to row.
        pitch: u32,
    },
    /// The memory ends before the picture does.
    Memory {
        /// Bytes that the picture takes.
        needs: u64,
        /// Bytes that there are.
        has: u64,
    },
    /// The payload breaks the format.
    Payload {
        /// Bytes from the payload's start to where it was noticed.
        at: usize,
        /// The rule.
        rule: &'static str,
    },
}

impl std::fmt::Display for TileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Geometry { width, height, texel, pitch } => write!(
                f,
                "no picture has {width} × {height} texels of {texel} bytes in rows of {pitch} bytes: give sizes within the limits"
            ),
            Self::Memory { needs, has } => {
                write!(f, "a picture of {needs} bytes does not fit {has} bytes: give it more memory")
            }
            Self::Payload { at, rule } => {
                write!(
                    f,
                    "byte {at} of a payload breaks a rule ({rule}): end the link, the peer speaks another format"
                )
            }
        }
    }
}

impl std::error::Error for TileError {}
