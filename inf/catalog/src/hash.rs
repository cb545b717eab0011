//! A file's hash as catalogs and signatures have it.

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::pe::{Pe, PeError};

/// Both hashes of a file: Windows looks files up by either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashes {
    /// SHA-1.
    pub sha1: [u8; 20],
    /// SHA-256.
    pub sha256: [u8; 32],
    /// True if it is the hash of a PE file, without the places that signing changes.
    pub is_pe: bool,
}

/// Hashes a file: a PE file as Authenticode does, any other file whole.
///
/// # Errors
/// If it begins like a PE file and is none.
pub fn hash(bytes: &[u8]) -> Result<Hashes, PeError> {
    if !bytes.starts_with(b"MZ") {
        return Ok(Hashes { sha1: sha1(&[bytes]), sha256: sha256(&[bytes]), is_pe: false });
    }
    let pe = Pe::parse(bytes)?;
    // Signing pads the file to a multiple of 8 first; the padding counts.
    let unpadded = pe.signatures.start.min(bytes.len());
    let padding = [0; 8];
    // PANIC: the parser has checked that the places lie in the file and in this order; the padding is below 8 bytes.
    let parts = [
        &bytes[..pe.checksum.start],
        &bytes[pe.checksum.end..pe.security_entry.start],
        &bytes[pe.security_entry.end..unpadded],
        &padding[..unpadded.next_multiple_of(8) - unpadded],
        // Whatever stands behind the signatures counts as well.
        &bytes[pe.signatures.end..],
    ];
    Ok(Hashes { sha1: sha1(&parts), sha256: sha256(&parts), is_pe: true })
}

fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut digest = Sha1::new();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize().into()
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pe::tests::image;

    #[test]
    fn text_is_hashed_whole() {
        // The test vectors "abc" of FIPS 180.
        let hashes = hash(b"abc").expect("no PE file");
        assert_eq!(hashes.sha1[..4], [0xa9, 0x99, 0x3e, 0x36]);
        assert_eq!(hashes.sha256[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert!(!hashes.is_pe);
    }

    #[test]
    fn signing_does_not_change_the_hash_and_anything_else_does() {
        let unsigned = image(&[1; 24], &[]);
        let wanted = hash(&unsigned).expect("a legal file");
        let mut signed = image(&[1; 24], &[2; 16]);
        signed[152] = 9;
        assert_eq!(hash(&signed).expect("a legal file"), wanted);
        // A file that signing had to pad.
        let odd = hash(&image(&[1; 21], &[])).expect("a legal file");
        assert_eq!(odd, hash(&image(&[[1; 21].as_slice(), &[0; 3]].concat(), &[])).expect("a legal file"));
        for at in [0x3a, 70, 300, 320] {
            let mut other = unsigned.clone();
            other[at] ^= 1;
            assert_ne!(hash(&other).map(|hashes| hashes.sha256), Ok(wanted.sha256), "{at}");
        }
    }
}
