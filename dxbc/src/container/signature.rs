//! Signature chunks: which registers a stage reads or writes, under which semantic.
//!
//! All forms have a count and the offset of the first element (8); an element is
//! `[stream] name semantic_index system_value component_type register mask [min_precision]`, where `stream` is in
//! ISG1, OSG1, PSG1 and OSG5, and `min_precision` in the first three.

use super::{Chunk, dword, range};
use crate::error::ContainerError;
use crate::{SignatureElement, limits};

/// `D3D_NAME` numbers of the container for final tessellation factors; the tokenised format has one number for each
/// edge or inside factor (`D3D10_SB_NAME`, 11 to 22), the container one for each kind.
const TESS_FACTORS: [(u32, u32); 6] = [(11, 11), (12, 15), (13, 17), (14, 20), (15, 21), (16, 22)];

/// Longest semantic name. Guess.
const NAME_LENGTH: usize = 256;

/// Parses one signature chunk.
pub fn parse(chunk: &Chunk<'_>) -> Result<Vec<SignatureElement>, ContainerError> {
    let bytes = chunk.bytes;
    let streams = matches!(&chunk.tag, b"ISG1" | b"OSG1" | b"PSG1" | b"OSG5");
    let precisions = streams && &chunk.tag != b"OSG5";
    let size = 24 + if streams { 4 } else { 0 } + if precisions { 4 } else { 0 };
    let count = dword(bytes, 0)?;
    if count > limits::SIGNATURE_ELEMENTS {
        let limit = limits::SIGNATURE_ELEMENTS;
        return Err(ContainerError::TooMany { what: "signature elements", count, limit });
    }
    let mut elements = Vec::new();
    for index in 0..count as usize {
        // `index` is at most 511: no overflow.
        let start = 8 + index * size;
        let element = range(bytes, start, size)?;
        let stream = if streams { dword(element, 0)? } else { 0 };
        let fields = range(element, if streams { 4 } else { 0 }, 24)?;
        let semantic_index = dword(fields, 4)?;
        let system_value = dword(fields, 8)?;
        let tess_factor = TESS_FACTORS.iter().find(|entry| entry.0 == system_value);
        elements.push(SignatureElement {
            semantic_name: name(bytes, dword(fields, 0)? as usize)?,
            semantic_index,
            system_value: match (tess_factor, system_value) {
                // Edge and inside factors are numbered on by the semantic index.
                (Some((_, first)), 11..=13) => first.saturating_add(semantic_index.min(3)),
                (Some((_, first)), _) => *first,
                (None, value @ 0..=10) => value,
                // Targets, depth and coverage (64 and up) have register files of their own in a program.
                (None, _) => 0,
            },
            component_type: dword(fields, 12)?,
            register: dword(fields, 16)?,
            // Bits 7:0 are the components; 15:8 tell which of them are always read (or never written).
            mask: (dword(fields, 20)? & 0xf) as u8,
            stream,
        });
    }
    Ok(elements)
}

/// A zero-terminated name.
pub fn name(bytes: &[u8], offset: usize) -> Result<String, ContainerError> {
    let out_of_range = ContainerError::OutOfRange { offset, size: 1 };
    let rest = bytes.get(offset..).ok_or(out_of_range)?;
    let rest = rest.get(..rest.len().min(NAME_LENGTH)).unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == 0).ok_or(out_of_range)?;
    Ok(String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(fields: [u32; 6]) -> Vec<u8> {
        fields.iter().flat_map(|field| field.to_le_bytes()).collect()
    }

    #[test]
    fn plain_signature() {
        let mut bytes = [1u32, 8].iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
        bytes.extend(element([32, 2, 1, 3, 5, 0x0307]));
        bytes.extend(b"SV_Position\0");
        let elements = parse(&Chunk { tag: *b"ISGN", bytes: &bytes }).unwrap();
        let expected = SignatureElement {
            semantic_name: "SV_Position".into(),
            semantic_index: 2,
            system_value: 1,
            component_type: 3,
            register: 5,
            mask: 7,
            stream: 0,
        };
        assert_eq!(elements, [expected]);
    }

    #[test]
    fn an_unterminated_name_is_refused() {
        let mut bytes = [1u32, 8].iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
        bytes.extend(element([32, 0, 0, 3, 0, 0xf]));
        bytes.extend(b"A");
        let error = parse(&Chunk { tag: *b"OSGN", bytes: &bytes }).unwrap_err();
        assert_eq!(error, ContainerError::OutOfRange { offset: 32, size: 1 });
    }
}
