//! How the data of a piece is packed.

use crate::tiles::decompress_range;

/// As it is.
pub const RAW: u8 = 0;
/// Zeros, as many as the piece stands for; no data.
pub const ZEROS: u8 = 1;

/// Coded as [`crate::tiles::compress_range`] has it.
pub const CODED: u8 = 2;

/// Why data cannot be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPacking {
    /// How it says to be packed.
    pub packing: u8,
}

impl std::fmt::Display for BadPacking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the peer sent data of packing {} that does not unpack", self.packing)
    }
}

impl std::error::Error for BadPacking {}

/// Unpacks `data` that stands for `length` bytes; `scratch` may be used for them.
///
/// # Errors
/// [`BadPacking`] when it does not give exactly so many bytes.
pub fn unpack<'a>(
    packing: u8,
    length: u32,
    data: &'a [u8],
    scratch: &'a mut Vec<u8>,
) -> Result<&'a [u8], BadPacking> {
    // CAST: the caller has limited it to the bulk channel's.
    let length = length as usize;
    match packing {
        RAW if data.len() == length => Ok(data),
        ZEROS if data.is_empty() => {
            scratch.clear();
            scratch.resize(length, 0);
            Ok(scratch)
        }
        CODED => {
            // What is left of the piece before is written over, all of it or the link ends.
            scratch.resize(length, 0);
            match decompress_range(data, scratch) {
                Ok(()) => Ok(scratch),
                Err(_) => Err(BadPacking { packing }),
            }
        }
        _ => Err(BadPacking { packing }),
    }
}
