//! The DXBC container: checksum, chunks, signatures and the program in them.
//!
//! Layout (little-endian): "DXBC", 16 bytes of checksum, a version of 1, the size in bytes, the number of chunks, and
//! one byte offset for each. A chunk is a four-character tag, its size in bytes, and its bytes. Chunks that are not
//! needed (Aon9, RDEF, STAT, ...) are skipped.

mod checksum;
mod signature;

use crate::error::ContainerError;
use crate::{Error, Signatures, limits};

/// Byte offset of the first field after the checksum.
const HASHED_FROM: usize = 20;

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
    let mut signatures = Signatures::default();
    for index in 0..count as usize {
        let offset = dword(bytes, 32 + 4 * index)? as usize;
        let chunk = chunk_at(bytes, offset)?;
        match &chunk.tag {
            b"SHDR" | b"SHEX" if tokens.is_none() => {
                let (words, _) = chunk.bytes.as_chunks::<4>();
                tokens = Some(words.iter().map(|word| u32::from_le_bytes(*word)).collect());
            }
            b"ISGN" | b"ISG1" => signatures.input = signature::parse(&chunk)?,
            b"OSGN" | b"OSG1" | b"OSG5" => signatures.output = signature::parse(&chunk)?,
            b"PCSG" | b"PSG1" => signatures.patch_constant = signature::parse(&chunk)?,
            _ => {}
        }
    }
    Ok((tokens, signatures))
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
