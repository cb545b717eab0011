//! Writes and reads catalogs: a PKCS #7 envelope, still without a signer, around a certificate trust list of file hashes.
//!
//! Each file has two members, one found by its SHA-256 hash and one by its SHA-1 hash, as Inf2Cat writes them; only the first
//! holds the hash that is checked (SPC_INDIRECT_DATA).

use crate::der::{bmp, expect, explicit, implicit, integer, null, octets, oid, sequence, set, utc_time};
use crate::hash::Hashes;

/// szOID_RSA_signedData.
const SIGNED_DATA: &[u32] = &[1, 2, 840, 113_549, 1, 7, 2];
/// szOID_CTL.
const TRUST_LIST: &[u32] = &[1, 3, 6, 1, 4, 1, 311, 10, 1];
/// szOID_CATALOG_LIST.
const CATALOG_LIST: &[u32] = &[1, 3, 6, 1, 4, 1, 311, 12, 1, 1];
/// szOID_CATALOG_LIST_MEMBER2.
const MEMBERS_V2: &[u32] = &[1, 3, 6, 1, 4, 1, 311, 12, 1, 3];
/// CAT_NAMEVALUE_OBJID.
const NAME_VALUE: &[u32] = &[1, 3, 6, 1, 4, 1, 311, 12, 2, 1];
/// CAT_MEMBERINFO2_OBJID.
const MEMBER_INFO_V2: &[u32] = &[1, 3, 6, 1, 4, 1, 311, 12, 2, 3];
/// SPC_INDIRECT_DATA_OBJID.
const INDIRECT_DATA: &[u32] = &[1, 3, 6, 1, 4, 1, 311, 2, 1, 4];
/// SPC_PE_IMAGE_DATA_OBJID.
const PE_IMAGE: &[u32] = &[1, 3, 6, 1, 4, 1, 311, 2, 1, 15];
/// SPC_CAB_DATA_OBJID, also for files that are hashed whole.
const WHOLE_FILE: &[u32] = &[1, 3, 6, 1, 4, 1, 311, 2, 1, 25];
/// SHA-256.
const SHA256: &[u32] = &[2, 16, 840, 1, 101, 3, 4, 2, 1];

/// CRYPTCAT_ATTR_* of mscat.h: named in ASCII, holds data, is signed.
const MEMBER_ATTRIBUTE: u32 = 0x1001_0001;
/// The same without the flag that a catalog-wide attribute `PE` lacks in Inf2Cat's catalogs.
const CATALOG_ATTRIBUTE: u32 = 0x0001_0001;
/// Windows 10 and 11, each edition: what Inf2Cat writes for all of them.
const SYSTEMS: &str = "2:10.0";
/// The same for the whole catalog, for x64.
const SYSTEMS_X64: &str = "_v100_X64";

/// A file of the catalog.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name without a folder.
    pub name: String,
    /// Its hashes.
    pub hashes: Hashes,
}

/// What a catalog is for.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// The files: everything that the INF names, and the INF.
    pub members: Vec<Member>,
    /// The hardware ids of the INF.
    pub hardware_ids: Vec<String>,
    /// When it was made, in seconds since 1970.
    pub time: u64,
}

impl Catalog {
    /// The catalog's file, to be signed.
    pub fn to_der(&self) -> Vec<u8> {
        let mut members: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for member in &self.members {
            let hashes = &member.hashes;
            members.push((hashes.sha256.to_vec(), self.member(member, &hashes.sha256, true)));
            members.push((hashes.sha1.to_vec(), self.member(member, &hashes.sha1, false)));
        }
        members.sort_unstable();
        let entries: Vec<Vec<u8>> = members.into_iter().map(|(_, entry)| entry).collect();
        // Every list has an identifier of its own; the members' hashes make it one.
        let mut identifier = [0_u8; 16];
        for member in &self.members {
            identifier.iter_mut().zip(member.hashes.sha256).for_each(|(sum, byte)| *sum ^= byte);
        }
        let list = sequence(&[
            sequence(&[oid(CATALOG_LIST)]),
            octets(&identifier),
            utc_time(self.time),
            sequence(&[oid(MEMBERS_V2), null()]),
            sequence(&entries),
            explicit(0, &self.attributes()),
        ]);
        let content = sequence(&[oid(TRUST_LIST), explicit(0, &list)]);
        let signed = sequence(&[integer(1), set(&[]), content, set(&[])]);
        sequence(&[oid(SIGNED_DATA), explicit(0, &signed)])
    }

    fn member(&self, member: &Member, identifier: &[u8], with_data: bool) -> Vec<u8> {
        let text =
            |name: &str, text: &str| attribute(NAME_VALUE, &[name_value(name, text, MEMBER_ATTRIBUTE)]);
        let mut attributes = vec![
            attribute(MEMBER_INFO_V2, &[implicit(2, &[])]),
            text("File", &member.name),
            text("OSAttr", SYSTEMS),
        ];
        if with_data {
            attributes.push(attribute(INDIRECT_DATA, &[indirect_data(&member.hashes)]));
        }
        sequence(&[octets(identifier), set(&attributes)])
    }

    fn attributes(&self) -> Vec<u8> {
        let one = |name: &str, text: &str, flags: u32| {
            sequence(&[oid(NAME_VALUE), octets(&name_value(name, text, flags))])
        };
        let mut all = vec![one("PE", "TRUSTED", CATALOG_ATTRIBUTE), one("OS", SYSTEMS_X64, MEMBER_ATTRIBUTE)];
        // Numbered from 1, the highest first.
        for (index, id) in self.hardware_ids.iter().enumerate().rev() {
            all.push(one(&format!("HWID{}", index + 1), &id.to_ascii_lowercase(), MEMBER_ATTRIBUTE));
        }
        sequence(&all)
    }
}

/// The identifiers of all members of a catalog, signed or not: hashes of 32 and of 20 bytes. None if it is no catalog.
///
/// Nothing is said about the catalog's signature.
pub fn members(catalog: &[u8]) -> Option<Vec<&[u8]>> {
    const SEQUENCE: u8 = 0x30;
    const EXPLICIT: u8 = 0xa0;
    let mut outer = expect(&mut &*catalog, SEQUENCE)?;
    let is = |input: &mut &[u8], kind: &[u32]| (expect(input, 6)? == &oid(kind)[2..]).then_some(());
    is(&mut outer, SIGNED_DATA)?;
    let mut signed = expect(&mut expect(&mut outer, EXPLICIT)?, SEQUENCE)?;
    let (_version, _digests) = (expect(&mut signed, 2)?, expect(&mut signed, 0x31)?);
    let mut content = expect(&mut signed, SEQUENCE)?;
    is(&mut content, TRUST_LIST)?;
    let mut list = expect(&mut expect(&mut content, EXPLICIT)?, SEQUENCE)?;
    let (_usage, _identifier) = (expect(&mut list, SEQUENCE)?, expect(&mut list, 4)?);
    let (_time, _algorithm) = (expect(&mut list, 0x17)?, expect(&mut list, SEQUENCE)?);
    let mut entries = expect(&mut list, SEQUENCE)?;
    let mut members = Vec::new();
    while !entries.is_empty() {
        members.push(expect(&mut expect(&mut entries, SEQUENCE)?, 4)?);
    }
    Some(members)
}

fn attribute(kind: &[u32], values: &[Vec<u8>]) -> Vec<u8> {
    sequence(&[oid(kind), set(values)])
}

/// CatNameValue: a name, flags, and the text in UTF-16 with its zero.
fn name_value(name: &str, text: &str, flags: u32) -> Vec<u8> {
    let wide: Vec<u8> = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    sequence(&[bmp(name), integer(flags), octets(&wide)])
}

/// SpcIndirectDataContent: what kind of file, and its hash.
fn indirect_data(hashes: &Hashes) -> Vec<u8> {
    let no_name = explicit(2, &implicit(0, &[]));
    let data = if hashes.is_pe {
        // SpcPeImageData: flags that include the resources, and no link to a file.
        let flags = [3, 2, 5, 0xa0].to_vec();
        sequence(&[oid(PE_IMAGE), sequence(&[flags, explicit(0, &no_name)])])
    } else {
        sequence(&[oid(WHOLE_FILE), no_name])
    };
    sequence(&[data, sequence(&[sequence(&[oid(SHA256), null()]), octets(&hashes.sha256)])])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hash;

    #[test]
    fn the_same_files_give_the_same_catalog() {
        let member = |name: &str, text: &[u8]| Member {
            name: name.to_owned(),
            hashes: hash(text).expect("no PE file"),
        };
        let catalog =
            |members: Vec<Member>| Catalog { members, hardware_ids: vec![r"ROOT\PVGPU".to_owned()], time: 0 };
        let (a, b) = (member("a.inf", b"a"), member("b.txt", b"b"));
        let one = catalog(vec![a.clone(), b.clone()]).to_der();
        assert_eq!(one, catalog(vec![b.clone(), a.clone()]).to_der());
        assert_ne!(one, catalog(vec![a.clone()]).to_der());
        for part in [a.hashes.sha256.as_slice(), &a.hashes.sha1, &b.hashes.sha256] {
            assert!(one.windows(part.len()).any(|window| window == part));
        }
        let listed = members(&one).expect("what we write can be read");
        assert_eq!(listed.len(), 4);
        assert!(listed.contains(&a.hashes.sha1.as_slice()) && listed.contains(&b.hashes.sha256.as_slice()));
        for cut in 0..one.len() {
            assert_eq!(members(&one[..cut]), None, "{cut}");
        }
        // A changed byte gives members or none, and never a fault.
        for at in 0..one.len() {
            for change in [1, 0x7f, 0x80, 0xff] {
                let mut changed = one.clone();
                changed[at] ^= change;
                let _either = members(&changed);
            }
        }
        // One outer sequence that fills the file.
        let length = usize::from(u16::from_be_bytes([one[2], one[3]]));
        assert_eq!((one[0], one[1], one.len()), (0x30, 0x82, length + 4));
    }
}
