//! The resource itself: a tree of blocks, each with its length, its value and its children.

/// VS_FFI_SIGNATURE of verrsrc.h.
const SIGNATURE: u32 = 0xfeef_04bd;
/// VS_FFI_STRUCVERSION of verrsrc.h.
const STRUCTURE: u32 = 0x0001_0000;
/// VOS_NT_WINDOWS32 of verrsrc.h.
const SYSTEM: u32 = 0x0004_0004;
/// American English, and UTF-16 as "code page" 1200.
const LANGUAGE: [u16; 2] = [0x0409, 1200];

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A program.
    Program,
    /// A DLL that is no driver.
    Library,
    /// A display driver.
    DisplayDriver,
}

/// What a version resource says.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// File and product version.
    pub numbers: [u16; 4],
    /// One line for people.
    pub description: &'a str,
    /// The file's own name.
    pub file: &'a str,
    /// What it is.
    pub kind: Kind,
}

/// Writes a VS_VERSIONINFO resource.
pub fn resource(version: &Version<'_>) -> Vec<u8> {
    let [w, x, y, z] = version.numbers;
    let text = format!("{w}.{x}.{y}.{z}");
    let strings = [
        ("CompanyName", "pvgpu"),
        ("FileDescription", version.description),
        ("FileVersion", &text),
        ("InternalName", version.file),
        ("LegalCopyright", "MIT OR Apache-2.0"),
        ("OriginalFilename", version.file),
        ("ProductName", "pvgpu"),
        ("ProductVersion", &text),
    ];
    let strings = strings.map(|(key, value)| block(key, Value::Text(value), &[]));
    let table = block(&format!("{:04x}{:04x}", LANGUAGE[0], LANGUAGE[1]), Value::None, &strings);
    let translation: Vec<u8> = LANGUAGE.iter().flat_map(|number| number.to_le_bytes()).collect();
    let children = [
        block("StringFileInfo", Value::None, &[table]),
        block("VarFileInfo", Value::None, &[block("Translation", Value::Binary(&translation), &[])]),
    ];
    block("VS_VERSION_INFO", Value::Binary(&fixed(version)), &children)
}

/// The file version in a resource; None if the bytes are no version resource.
pub fn read(resource: &[u8]) -> Option<[u16; 4]> {
    // Length, value length and type (2 bytes each), the key with its zero, then the value on a multiple of 4.
    let key: Vec<u8> = "VS_VERSION_INFO\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let rest = resource.get(6..)?.strip_prefix(key.as_slice())?;
    let start = (6 + key.len()).next_multiple_of(4) - 6 - key.len();
    let word = |index: usize| {
        let bytes = rest.get(start + index * 4..start + index * 4 + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    if word(0)? != SIGNATURE {
        return None;
    }
    let [high, low] = [word(2)?, word(3)?];
    // CAST: each half of a word has 16 bits.
    Some([(high >> 16) as u16, high as u16, (low >> 16) as u16, low as u16])
}

/// VS_FIXEDFILEINFO.
fn fixed(version: &Version<'_>) -> Vec<u8> {
    let [w, x, y, z] = version.numbers.map(u32::from);
    let (high, low) = (w << 16 | x, y << 16 | z);
    // VFT_APP; VFT_DLL; VFT_DRV with VFT2_DRV_DISPLAY.
    let (kind, subkind) = match version.kind {
        Kind::Program => (1, 0),
        Kind::Library => (2, 0),
        Kind::DisplayDriver => (3, 4),
    };
    let flags_mask = 0x3f;
    let words = [SIGNATURE, STRUCTURE, high, low, high, low, flags_mask, 0, SYSTEM, kind, subkind, 0, 0];
    words.iter().flat_map(|word: &u32| word.to_le_bytes()).collect()
}

enum Value<'a> {
    None,
    Text(&'a str),
    Binary(&'a [u8]),
}

/// One block: three words, the key, the value, the children, each on a multiple of 4.
fn block(key: &str, value: Value<'_>, children: &[Vec<u8>]) -> Vec<u8> {
    let wide = |text: &str| text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    // Text is counted in characters, binary values in bytes.
    let (bytes, count, is_text) = match value {
        Value::None => (Vec::new(), 0, true),
        Value::Text(text) => {
            let bytes = wide(text);
            let count = bytes.len() / 2;
            (bytes, count, true)
        }
        Value::Binary(bytes) => (bytes.to_vec(), bytes.len(), false),
    };
    let mut out = vec![0; 6];
    out.extend(wide(key));
    for part in [&bytes].into_iter().chain(children) {
        if !part.is_empty() {
            out.resize(out.len().next_multiple_of(4), 0);
            out.extend(part);
        }
    }
    let words = [out.len(), count, usize::from(is_text)];
    for (index, word) in words.into_iter().enumerate() {
        // PANIC: the texts are ours and far below 64 KiB; the block begins with three words.
        let word = u16::try_from(word).expect("a block is shorter than 64 KiB");
        out[index * 2..index * 2 + 2].copy_from_slice(&word.to_le_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let version = Version {
            numbers: [0, 1, 65535, 7],
            description: "ä driver",
            file: "x.dll",
            kind: Kind::DisplayDriver,
        };
        let bytes = resource(&version);
        assert_eq!(read(&bytes), Some([0, 1, 65535, 7]));
        assert_eq!(usize::from(u16::from_le_bytes([bytes[0], bytes[1]])), bytes.len());
        for cut in 0..92 {
            assert_eq!(read(&bytes[..cut.min(55)]), None, "{cut}");
        }
        assert_eq!(read(&[0; 100]), None);
    }
}
