//! Containers taken apart, built, and mutated, with or without a right checksum.

use pvgpu_dxbc::container;

use super::random_entry::number;
use crate::random::Random;

/// The chunks of a container whose chunk table can be followed.
pub fn chunks(bytes: &[u8]) -> Vec<([u8; 4], Vec<u8>)> {
    let dword = |at: usize| {
        bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|bytes| u32::from_le_bytes(*bytes) as usize)
    };
    let chunk = |index: usize| {
        let offset = dword(32 + 4 * index)?;
        let tag = *bytes.get(offset..)?.first_chunk()?;
        let start = offset.checked_add(8)?;
        let body = bytes.get(start..start.checked_add(dword(offset + 4)?)?)?;
        Some((tag, body.to_vec()))
    };
    (0..dword(28).unwrap_or(0).min(64)).filter_map(chunk).collect()
}

/// A container of these chunks.
pub fn build(chunks: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0; 32];
    bytes[20] = 1;
    bytes[28..32].copy_from_slice(&(chunks.len() as u32).to_le_bytes());
    let mut offset = 32 + 4 * chunks.len();
    for (_, body) in chunks {
        bytes.extend((offset as u32).to_le_bytes());
        offset += 8 + body.len();
    }
    for (tag, body) in chunks {
        bytes.extend(tag);
        bytes.extend((body.len() as u32).to_le_bytes());
        bytes.extend(body);
    }
    repair(&mut bytes);
    bytes
}

/// Writes the magic number, the size and the checksum, so that a parser goes on to the chunks.
pub fn repair(bytes: &mut [u8]) {
    let size = (bytes.len() as u32).to_le_bytes();
    if bytes.len() < 32 {
        return;
    }
    bytes[..4].copy_from_slice(b"DXBC");
    bytes[24..28].copy_from_slice(&size);
    let sum = container::checksum(bytes).expect("there are 32 bytes");
    bytes[4..20].copy_from_slice(&sum);
}

/// The same container with another program.
pub fn with_tokens(bytes: &[u8], tokens: &[u32]) -> Vec<u8> {
    let mut chunks = chunks(bytes);
    let body: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
    match chunks.iter_mut().find(|(tag, _)| matches!(tag, b"SHDR" | b"SHEX")) {
        Some(chunk) => chunk.1 = body,
        None => chunks.push((*b"SHEX", body)),
    }
    build(&chunks)
}

/// Changes a container; the checksum of most mutants is right.
pub fn mutate(random: &mut Random, bytes: &[u8]) -> Vec<u8> {
    const TAGS: [&[u8; 4]; 14] = [
        b"SHDR", b"SHEX", b"ISGN", b"ISG1", b"OSGN", b"OSG1", b"OSG5", b"PCSG", b"PSG1", b"RDEF", b"STAT",
        b"SFI0", b"Aon9", b"IFCE",
    ];
    let mut chunks = chunks(bytes);
    for _ in 0..random.below(3) {
        let at = random.below(chunks.len());
        match random.below(5) {
            0 if !chunks.is_empty() => drop(chunks.remove(at)),
            1 if !chunks.is_empty() => chunks.push(chunks[at].clone()),
            2 if !chunks.is_empty() => chunks[at].0 = *TAGS[random.below(TAGS.len())],
            3 if !chunks.is_empty() => {
                let length = random.below(chunks[at].1.len() + 8);
                chunks[at].1.resize(length, 0);
            }
            _ => {
                let body = (0..random.below(64)).map(|_| random.dword() as u8).collect();
                chunks.push((*TAGS[random.below(TAGS.len())], body));
            }
        }
    }
    let mut mutant = build(&chunks);
    // Fields of the header, the chunk table, chunk headers and signatures are dwords.
    for _ in 0..random.below(4) {
        let dwords = mutant.len() / 4;
        let place = match random.below(3) {
            0 => 5 + random.below(3 + chunks.len()),
            _ => random.below(dwords),
        };
        if let Some(field) = mutant.get_mut(4 * place..4 * place + 4) {
            let old = u32::from_le_bytes(*field.first_chunk().expect("a dword"));
            let new = match random.below(5) {
                0 => number(random),
                1 => old.wrapping_add(number(random)),
                2 => old.wrapping_sub(number(random)),
                3 => old ^ 1 << random.below(32),
                _ => (random.below(dwords + 1) as u32) * 4,
            };
            field.copy_from_slice(&new.to_le_bytes());
        }
    }
    match random.below(8) {
        0 => {}
        1 => mutant.truncate(random.below(mutant.len() + 1)),
        _ => repair(&mut mutant),
    }
    mutant
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::fixtures;

    #[test]
    fn containers_are_taken_apart_and_built() {
        for fixture in fixtures() {
            let rebuilt = build(&chunks(&fixture.bytes));
            assert_eq!(container::parse(&rebuilt).unwrap(), fixture.shader, "{}", fixture.name);
            let other = with_tokens(&fixture.bytes, &[1, 2, 3]);
            let expected = container::Container { tokens: vec![1, 2, 3], ..fixture.shader };
            assert_eq!(container::parse(&other), Ok(expected));
        }
    }
}
