//! The places of a PE file that signing and checking need: "PE Format" of Microsoft's documentation.

use std::ops::Range;

/// What a PE file says of itself. All ranges lie within the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pe {
    /// IMAGE_FILE_MACHINE_*.
    pub machine: u16,
    /// The checksum's four bytes.
    pub checksum: Range<usize>,
    /// The entry of the data directory that leads to the signatures.
    pub security_entry: Range<usize>,
    /// The signatures; empty if there are none.
    pub signatures: Range<usize>,
    /// The version resource's bytes, if there is one.
    pub version: Option<Range<usize>>,
}

/// Why a file is no PE file that we understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeError {
    /// It does not begin with MZ.
    NotPe,
    /// Something lies outside the file.
    Truncated,
    /// The optional header is of neither known kind.
    Magic(u16),
}

impl std::fmt::Display for PeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotPe => f.write_str("it is no Windows program or DLL"),
            Self::Truncated => f.write_str("it is cut off: a header leads outside the file"),
            Self::Magic(magic) => write!(f, "its optional header is of the unknown kind {magic:#x}"),
        }
    }
}

impl std::error::Error for PeError {}

/// The kinds of the optional header: PE32 and PE32+.
const PE32: u16 = 0x10b;
const PE32_PLUS: u16 = 0x20b;
/// Entries of the data directory.
const RESOURCES: usize = 2;
const SECURITY: usize = 4;
/// RT_VERSION of winuser.h.
const RT_VERSION: u32 = 16;

impl Pe {
    /// Reads the headers.
    ///
    /// # Errors
    /// If the file is none or leads outside itself.
    pub fn parse(bytes: &[u8]) -> Result<Self, PeError> {
        if !bytes.starts_with(b"MZ") {
            return Err(PeError::NotPe);
        }
        let pe = offset(bytes, 0x3c)?;
        if range(bytes, pe, 4)? != b"PE\0\0" {
            return Err(PeError::NotPe);
        }
        let machine = short(bytes, pe + 4)?;
        let sections = usize::from(short(bytes, pe + 6)?);
        let optional_size = usize::from(short(bytes, pe + 20)?);
        let optional = pe + 24;
        let directories = match short(bytes, optional)? {
            PE32 => optional + 96,
            PE32_PLUS => optional + 112,
            other => return Err(PeError::Magic(other)),
        };
        if offset(bytes, directories - 4)? <= SECURITY
            || directories + 8 * (SECURITY + 1) > optional + optional_size
        {
            return Err(PeError::Truncated);
        }
        let security = directories + 8 * SECURITY;
        let (start, size) = (offset(bytes, security)?, offset(bytes, security + 4)?);
        let end = start.checked_add(size).filter(|end| *end <= bytes.len()).ok_or(PeError::Truncated)?;
        let signatures = if size == 0 { bytes.len()..bytes.len() } else { start..end };
        if signatures.start < security + 8 {
            return Err(PeError::Truncated);
        }
        let table = Sections { bytes, start: optional + optional_size, count: sections };
        let resources = offset(bytes, directories + 8 * RESOURCES)?;
        let version = if resources == 0 { None } else { table.version(resources) };
        Ok(Self {
            machine,
            checksum: optional + 64..optional + 68,
            security_entry: security..security + 8,
            signatures,
            version,
        })
    }
}

/// The checksum that a PE file's header must hold; Windows checks it in drivers. `place` is [`Pe::checksum`].
///
/// It is the sum of all 16-bit words but the checksum's own, with carries added back in, plus the file's length
/// (`CheckSumMappedFile`'s page does not say how; linkers agree on it).
pub fn checksum(bytes: &[u8], place: &Range<usize>) -> u32 {
    let mut sum = 0_u32;
    for (index, pair) in bytes.chunks(2).enumerate() {
        if place.contains(&(index * 2)) {
            continue;
        }
        let [low, high] =
            [pair.first(), pair.get(1)].map(|byte| u32::from(byte.copied().unwrap_or_default()));
        sum += high << 8 | low;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    // CAST: the field has 32 bits, and files are shorter than 4 GiB.
    sum.wrapping_add(bytes.len() as u32)
}

/// The section table, which leads from addresses to places in the file.
struct Sections<'a> {
    bytes: &'a [u8],
    start: usize,
    count: usize,
}

impl Sections<'_> {
    /// The place of an address.
    fn place(&self, address: usize) -> Option<usize> {
        (0..self.count).find_map(|index| {
            let header = self.start + index * 40;
            let word = |at: usize| offset(self.bytes, header + at).ok();
            let (virtual_address, raw_size, raw) = (word(12)?, word(16)?, word(20)?);
            let inside = address.checked_sub(virtual_address).filter(|inside| *inside < raw_size)?;
            raw.checked_add(inside)
        })
    }

    /// The first version resource, in whatever language.
    fn version(&self, resources: usize) -> Option<Range<usize>> {
        let root = self.place(resources)?;
        let mut directory = root;
        for wanted in [Some(RT_VERSION), None, None] {
            let next = self.entry(directory, wanted)?;
            // The top bit says that a directory follows, which after the third level would be wrong.
            directory = root.checked_add((next & 0x7fff_ffff) as usize)?;
        }
        let start = self.place(offset(self.bytes, directory).ok()?)?;
        let end = start.checked_add(offset(self.bytes, directory + 4).ok()?)?;
        (end <= self.bytes.len()).then_some(start..end)
    }

    /// An entry of a resource directory: the one of this id, or the first.
    fn entry(&self, directory: usize, id: Option<u32>) -> Option<u32> {
        let named = short(self.bytes, directory + 12).ok()?;
        let numbered = short(self.bytes, directory + 14).ok()?;
        let count = usize::from(named) + usize::from(numbered);
        (0..count).find_map(|index| {
            let entry = directory + 16 + index * 8;
            let found = long(self.bytes, entry).ok()?;
            id.is_none_or(|id| id == found).then(|| long(self.bytes, entry + 4).ok())?
        })
    }
}

fn range(bytes: &[u8], start: usize, size: usize) -> Result<&[u8], PeError> {
    let end = start.checked_add(size).ok_or(PeError::Truncated)?;
    bytes.get(start..end).ok_or(PeError::Truncated)
}

fn short(bytes: &[u8], at: usize) -> Result<u16, PeError> {
    let word = range(bytes, at, 2)?.try_into().map_err(|_| PeError::Truncated)?;
    Ok(u16::from_le_bytes(word))
}

fn long(bytes: &[u8], at: usize) -> Result<u32, PeError> {
    let word = range(bytes, at, 4)?.try_into().map_err(|_| PeError::Truncated)?;
    Ok(u32::from_le_bytes(word))
}

/// A 32-bit offset or size. Two of them never overflow a `usize` of 64 bits.
fn offset(bytes: &[u8], at: usize) -> Result<usize, PeError> {
    usize::try_from(long(bytes, at)?).map_err(|_| PeError::Truncated)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A small PE32+ file: headers, no sections, `body` behind them, then `signature` as the certificate table.
    pub(crate) fn image(body: &[u8], signature: &[u8]) -> Vec<u8> {
        let (pe, optional_size) = (64, 112 + 16 * 8);
        let mut bytes = vec![0; pe + 24 + optional_size];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[0x3c] = pe as u8;
        bytes[pe..pe + 4].copy_from_slice(b"PE\0\0");
        bytes[pe + 4..pe + 6].copy_from_slice(&0x8664_u16.to_le_bytes());
        bytes[pe + 20..pe + 22].copy_from_slice(&(optional_size as u16).to_le_bytes());
        let optional = pe + 24;
        bytes[optional..optional + 2].copy_from_slice(&PE32_PLUS.to_le_bytes());
        bytes[optional + 108] = 16;
        bytes.extend(body);
        if !signature.is_empty() {
            let security = optional + 112 + 8 * SECURITY;
            let start = bytes.len() as u32;
            bytes[security..security + 4].copy_from_slice(&start.to_le_bytes());
            bytes[security + 4..security + 8].copy_from_slice(&(signature.len() as u32).to_le_bytes());
            bytes.extend(signature);
        }
        bytes
    }

    #[test]
    fn places_are_found() {
        let bytes = image(&[1; 24], &[2; 16]);
        let pe = Pe::parse(&bytes).expect("a legal file");
        assert_eq!((pe.machine, pe.checksum, pe.security_entry.len()), (0x8664, 152..156, 8));
        assert_eq!(pe.signatures, bytes.len() - 16..bytes.len());
        assert_eq!(pe.version, None);
    }

    #[test]
    fn checksums() {
        // 0xffff + 1 carries into 1; the checksum's own words do not count; an odd byte is a word.
        assert_eq!(checksum(&[0xff, 0xff, 9, 9, 9, 9, 1, 0], &(2..6)), 1 + 8);
        assert_eq!(checksum(&[1, 2, 3], &(100..104)), 0x0201 + 3 + 3);
    }

    #[test]
    fn broken_files_give_errors() {
        let bytes = image(&[1; 24], &[2; 16]);
        for cut in 0..bytes.len() {
            assert!(Pe::parse(&bytes[..cut]).is_err(), "{cut}");
        }
        assert_eq!(Pe::parse(b"ELF"), Err(PeError::NotPe));
        // Every byte of the headers, changed in every way that matters, gives a result or an error.
        for at in 0..bytes.len() {
            for changed in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] = changed;
                let _either = Pe::parse(&bytes);
            }
        }
    }
}
