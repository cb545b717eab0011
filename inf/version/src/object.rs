//! An object file with one resource in its `.rsrc` section: "PE Format", sections "COFF File Header" and "The .rsrc Section".

/// RT_VERSION of winuser.h, and the id that a version resource must have.
const TYPE: u32 = 16;
const ID: u32 = 1;
/// American English.
const LANGUAGE: u32 = 0x409;

/// What the object file is linked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// x86.
    X86,
    /// x86-64.
    X64,
}

/// Size of a resource directory with one entry: 16 bytes and 8 for the entry.
const DIRECTORY: u32 = 24;
/// Where the data entry lies: behind the three directories for type, id and language.
const DATA_ENTRY: u32 = 3 * DIRECTORY;
/// Where the resource begins: behind the data entry.
const DATA: u32 = DATA_ENTRY + 16;
/// In a directory's entry: it leads to another directory.
const IS_DIRECTORY: u32 = 1 << 31;

/// Wraps a version resource in an object file.
pub fn object(machine: Machine, resource: &[u8]) -> Vec<u8> {
    // IMAGE_FILE_MACHINE_*, and the relocation "address without the image's base": IMAGE_REL_*_DIR32NB or ADDR32NB.
    let (machine, relocation): (u16, u16) = match machine {
        Machine::X86 => (0x14c, 7),
        Machine::X64 => (0x8664, 3),
    };
    let section = section(resource);
    let (header, section_header) = (20, 40);
    let raw = header + section_header;
    let relocations = raw + size(&section);
    let symbols = relocations + 10;

    let mut out = Vec::new();
    let mut word = |bytes: &[u8]| out.extend_from_slice(bytes);
    // COFF header: one section, no time, one symbol.
    word(&machine.to_le_bytes());
    word(&1_u16.to_le_bytes());
    word(&0_u32.to_le_bytes());
    word(&symbols.to_le_bytes());
    word(&1_u32.to_le_bytes());
    word(&[0; 4]);
    // Section header: IMAGE_SCN_CNT_INITIALIZED_DATA | IMAGE_SCN_ALIGN_4BYTES | IMAGE_SCN_MEM_READ.
    word(b".rsrc\0\0\0");
    word(&[0; 8]);
    word(&size(&section).to_le_bytes());
    word(&raw.to_le_bytes());
    word(&relocations.to_le_bytes());
    word(&[0; 4]);
    word(&1_u16.to_le_bytes());
    word(&[0; 2]);
    word(&0x4030_0040_u32.to_le_bytes());
    word(&section);
    // The data entry holds an address: the section's own plus what stands there.
    word(&DATA_ENTRY.to_le_bytes());
    word(&0_u32.to_le_bytes());
    word(&relocation.to_le_bytes());
    // The symbol: the section, static.
    word(b".rsrc\0\0\0");
    word(&0_u32.to_le_bytes());
    word(&1_i16.to_le_bytes());
    word(&[0, 0, 3, 0]);
    // No further strings.
    word(&4_u32.to_le_bytes());
    out
}

/// Three directories with one entry each, the data entry, the resource.
fn section(resource: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (level, id) in [(1, TYPE), (2, ID), (3, LANGUAGE)] {
        let next = if level < 3 { IS_DIRECTORY | (level * DIRECTORY) } else { DATA_ENTRY };
        out.extend_from_slice(&[0; 12]);
        out.extend_from_slice(&[0, 0, 1, 0]);
        out.extend(id.to_le_bytes());
        out.extend(next.to_le_bytes());
    }
    out.extend(DATA.to_le_bytes());
    out.extend(size(resource).to_le_bytes());
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(resource);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

fn size(bytes: &[u8]) -> u32 {
    // PANIC: a version resource is shorter than 64 KiB.
    u32::try_from(bytes.len()).expect("a resource is shorter than 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_lie_where_the_headers_say() {
        let bytes = object(Machine::X64, &[7; 10]);
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let (symbols, raw_size, raw, relocations) = (word(8), word(36), word(40), word(44));
        assert_eq!((raw, raw_size), (60, 3 * 24 + 16 + 12));
        assert_eq!(relocations, raw + raw_size);
        assert_eq!(symbols, relocations + 10);
        // CAST: offsets in a small file.
        assert_eq!(bytes.len(), symbols as usize + 18 + 4);
        assert_eq!(word((raw + DATA_ENTRY) as usize), DATA);
        assert_eq!(word((raw + DATA_ENTRY) as usize + 4), 10);
        assert_eq!(object(Machine::X86, &[])[..2], [0x4c, 0x01]);
    }
}
