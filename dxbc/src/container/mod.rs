//! The DXBC container: checksum, chunks, signatures and the program in them.
//!
//! Layout (little-endian): "DXBC", 16 bytes of checksum, a version of 1, the size in bytes, the number of chunks, and
//! one byte offset for each. A chunk is a four-character tag, its size in bytes, and its bytes. Chunks that are not
//! needed (Aon9, RDEF, STAT, ...) are skipped.

mod checksum;
mod linkage;
mod signature;

use crate::error::ContainerError;
use crate::{Error, Signatures, limits};
pub use linkage::{Class, Instance, InterfaceSlots, Linkage};
use signature::name as text;

/// Byte offset of the first field after the checksum.
const HASHED_FROM: usize = 20;
/// Bytes of the header; the chunk table follows.
const HEADER: usize = 32;

/// What a container holds for a compiler or a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// The program: version token, length token, instructions.
    pub tokens: Vec<u32>,
    /// The signatures, with semantic names.
    pub signatures: Signatures,
}

/// The bytes of one chunk and the tag that names their form.
#[derive(Debug, Clone, Copy)]
struct Chunk<'a> {
    tag: [u8; 4],
    bytes: &'a [u8],
}

/// Parses a whole container and verifies its checksum.
///
/// # Errors
/// [`Error::Container`] names the broken rule. The program itself is not parsed.
pub fn parse(bytes: &[u8]) -> Result<Container, Error> {
    let (tokens, signatures) = read(bytes)?;
    Ok(Container { tokens: tokens.ok_or(ContainerError::NoProgram)?, signatures })
}

/// Parses the signatures of a container that need not have a program, as input layouts are made of.
///
/// # Errors
/// As [`parse`], but for the missing program.
pub fn parse_signatures(bytes: &[u8]) -> Result<Signatures, Error> {
    read(bytes).map(|(_, signatures)| signatures)
}

/// The class linkage of a container: none for a program without interfaces.
///
/// # Errors
/// As [`parse`].
pub fn parse_linkage(bytes: &[u8]) -> Result<Linkage, Error> {
    let (_, _) = read(bytes)?;
    let mut found = None;
    for index in 0..dword(bytes, 28)? as usize {
        let offset = dword(bytes, HEADER + 4 * index)? as usize;
        let chunk = chunk_at(bytes, offset)?;
        if &chunk.tag == b"IFCE" {
            once(&mut found, linkage::parse(&chunk)?, "class linkage", offset)?;
        }
    }
    Ok(found.unwrap_or_default())
}

/// The checksum that the header of this container should have (bytes 4 to 19), for tools that write containers; `None`
/// if the bytes end before that.
pub fn checksum(bytes: &[u8]) -> Option<[u8; 16]> {
    bytes.get(HASHED_FROM..).map(checksum::of)
}

/// The program, if there is one, and the signatures.
fn read(bytes: &[u8]) -> Result<(Option<Vec<u32>>, Signatures), Error> {
    let magic = dword(bytes, 0)?;
    if magic != u32::from_le_bytes(*b"DXBC") {
        return Err(ContainerError::BadMagic(magic).into());
    }
    let size = dword(bytes, 24)?;
    if usize::try_from(size).ok() != Some(bytes.len()) {
        return Err(ContainerError::BadSize { declared: size, given: bytes.len() }.into());
    }
    let stored = range(bytes, 4, 16)?;
    if checksum::of(range(bytes, HASHED_FROM, bytes.len() - HASHED_FROM)?) != stored {
        return Err(ContainerError::BadChecksum.into());
    }
    let count = dword(bytes, 28)?;
    if count > limits::CHUNKS {
        return Err(ContainerError::TooMany { what: "chunks", count, limit: limits::CHUNKS }.into());
    }
    let mut tokens = None;
    let (mut input, mut output, mut patch_constant) = (None, None, None);
    // Where each chunk starts and ends; the header and the chunk table are the first.
    let mut places = vec![(0, HEADER + 4 * count as usize)];
    for index in 0..count as usize {
        let offset = dword(bytes, HEADER + 4 * index)? as usize;
        let chunk = chunk_at(bytes, offset)?;
        places.push((offset, offset.saturating_add(8).saturating_add(chunk.bytes.len())));
        match &chunk.tag {
            b"SHDR" | b"SHEX" => {
                let (words, _) = chunk.bytes.as_chunks::<4>();
                let words = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
                once(&mut tokens, words, "program", offset)?;
            }
            b"ISGN" | b"ISG1" => once(&mut input, signature::parse(&chunk)?, "input signature", offset)?,
            b"OSGN" | b"OSG1" | b"OSG5" => {
                once(&mut output, signature::parse(&chunk)?, "output signature", offset)?;
            }
            b"PCSG" | b"PSG1" => {
                once(&mut patch_constant, signature::parse(&chunk)?, "patch constant signature", offset)?;
            }
            _ => {}
        }
    }
    places.sort_unstable();
    for pair in places.windows(2) {
        if let [(_, end), (start, _)] = pair
            && start < end
        {
            return Err(ContainerError::Overlap { offset: *start }.into());
        }
    }
    let signatures = Signatures {
        input: input.unwrap_or_default(),
        output: output.unwrap_or_default(),
        patch_constant: patch_constant.unwrap_or_default(),
    };
    Ok((tokens, signatures))
}

/// Fills `slot`, unless a chunk before has done that.
fn once<T>(slot: &mut Option<T>, value: T, what: &'static str, offset: usize) -> Result<(), ContainerError> {
    if slot.is_some() {
        return Err(ContainerError::Repeated { what, offset });
    }
    *slot = Some(value);
    Ok(())
}

fn chunk_at(bytes: &[u8], offset: usize) -> Result<Chunk<'_>, ContainerError> {
    let tag = dword(bytes, offset)?.to_le_bytes();
    let out_of_range = ContainerError::OutOfRange { offset, size: 8 };
    let size = dword(bytes, offset.checked_add(4).ok_or(out_of_range)?)? as usize;
    let start = offset.checked_add(8).ok_or(out_of_range)?;
    Ok(Chunk { tag, bytes: range(bytes, start, size)? })
}

fn range(bytes: &[u8], offset: usize, size: usize) -> Result<&[u8], ContainerError> {
    let end = offset.checked_add(size);
    end.and_then(|end| bytes.get(offset..end)).ok_or(ContainerError::OutOfRange { offset, size })
}

fn dword(bytes: &[u8], offset: usize) -> Result<u32, ContainerError> {
    let field = bytes.get(offset..).and_then(|rest| rest.first_chunk());
    field.map(|field| u32::from_le_bytes(*field)).ok_or(ContainerError::OutOfRange { offset, size: 4 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A container with the given chunks and a right checksum.
    fn build(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut bytes = b"DXBC".to_vec();
        bytes.extend([0; 16]);
        bytes.extend(1u32.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend((chunks.len() as u32).to_le_bytes());
        let mut offset = 32 + 4 * chunks.len();
        for (_, body) in chunks {
            bytes.extend((offset as u32).to_le_bytes());
            offset += 8 + body.len();
        }
        for (tag, body) in chunks {
            bytes.extend(*tag);
            bytes.extend((body.len() as u32).to_le_bytes());
            bytes.extend(*body);
        }
        let size = (bytes.len() as u32).to_le_bytes();
        bytes[24..28].copy_from_slice(&size);
        let sum = checksum::of(&bytes[HASHED_FROM..]);
        bytes[4..20].copy_from_slice(&sum);
        bytes
    }

    /// `bytes` with another dword at `offset` and a right checksum.
    fn with(mut bytes: Vec<u8>, offset: usize, value: u32) -> Vec<u8> {
        bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
        let sum = checksum(&bytes).unwrap();
        bytes[4..20].copy_from_slice(&sum);
        bytes
    }

    fn error(bytes: &[u8]) -> ContainerError {
        match (parse(bytes), parse_signatures(bytes)) {
            (Err(Error::Container(error)), Err(Error::Container(same))) if error == same => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn chunks_lie_apart_inside_the_container() {
        // Two chunks of four bytes: the table ends at 40, they are at 40 and 52, and the end is at 64.
        let good = build(&[(b"SHEX", &[0; 4]), (b"RDEF", &[0; 4])]);
        assert_eq!(good.len(), 64);
        assert_eq!(parse(&good).unwrap().tokens, [0]);
        // In the header; in the table and in a chunk, where the next tag is taken for a size; the same chunk twice.
        let (shex, rdef) = (u32::from_le_bytes(*b"SHEX") as usize, u32::from_le_bytes(*b"RDEF") as usize);
        for (offset, expected) in [
            (24, ContainerError::Overlap { offset: 24 }),
            (36, ContainerError::OutOfRange { offset: 44, size: shex }),
            (48, ContainerError::OutOfRange { offset: 56, size: rdef }),
            (40, ContainerError::Repeated { what: "program", offset: 40 }),
        ] {
            assert_eq!(error(&with(good.clone(), 36, offset)), expected);
        }
        assert_eq!(error(&with(good.clone(), 44, 8)), ContainerError::Overlap { offset: 52 });
        // Behind the end, across it, and so far that the offset or the size overflows 32 bits.
        for (offset, size) in [(64, 4), (60, 4), (u32::MAX, 4), (u32::MAX - 3, 4)] {
            let size =
                ContainerError::OutOfRange { offset: if offset == 60 { 64 } else { offset as usize }, size };
            assert_eq!(error(&with(good.clone(), 36, offset)), size);
        }
        for size in [5, u32::MAX, u32::MAX - 60] {
            let expected = ContainerError::OutOfRange { offset: 60, size: size as usize };
            assert_eq!(error(&with(good.clone(), 56, size)), expected);
        }
        let many = ContainerError::TooMany { what: "chunks", count: 257, limit: 256 };
        assert_eq!(error(&with(good.clone(), 28, 257)), many);
        // More chunks than the table has room for: the third offset is the first chunk's tag.
        assert!(matches!(error(&with(good, 28, 3)), ContainerError::OutOfRange { .. }));
    }

    #[test]
    fn each_thing_is_given_once() {
        let empty = [0, 0, 0, 0, 8, 0, 0, 0];
        for (first, second, what) in [
            (b"SHDR", b"SHEX", "program"),
            (b"SHEX", b"SHEX", "program"),
            (b"ISGN", b"ISG1", "input signature"),
            (b"OSG5", b"OSGN", "output signature"),
            (b"OSG1", b"OSG1", "output signature"),
            (b"PCSG", b"PSG1", "patch constant signature"),
        ] {
            let bytes = build(&[(first, &empty), (second, &empty)]);
            assert_eq!(error(&bytes), ContainerError::Repeated { what, offset: 56 });
        }
        // What is skipped may come as often as it likes.
        let bytes = build(&[(b"STAT", &[]), (b"STAT", &[]), (b"SFI0", &[1]), (b"SHEX", &empty)]);
        assert_eq!(parse(&bytes).unwrap().tokens, [0, 8]);
    }

    #[test]
    fn unknown_chunks_are_skipped() {
        let container =
            parse(&build(&[(b"Aon9", &[1, 2, 3]), (b"SHDR", &[7, 0, 0, 0, 8, 0, 0, 0])])).unwrap();
        assert_eq!(container.tokens, [7, 8]);
        assert_eq!(container.signatures, Signatures::default());
    }

    #[test]
    fn broken_containers_are_named() {
        let good = build(&[(b"SHEX", &[0; 8])]);
        let error = |bytes: &[u8]| parse(bytes).unwrap_err();
        assert_eq!(error(b"DX"), ContainerError::OutOfRange { offset: 0, size: 4 }.into());
        assert_eq!(error(b"DXBX"), ContainerError::BadMagic(0x5842_5844).into());
        assert_eq!(error(&good[..40]), ContainerError::BadSize { declared: 52, given: 40 }.into());
        let mut bad = good.clone();
        bad[51] ^= 1;
        assert_eq!(error(&bad), ContainerError::BadChecksum.into());
        let signatures_only = build(&[(b"RDEF", &[])]);
        assert_eq!(error(&signatures_only), ContainerError::NoProgram.into());
        assert_eq!(parse_signatures(&signatures_only), Ok(Signatures::default()));
    }
}
