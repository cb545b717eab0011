//! Finds DXBC containers in a file: the file itself, inside a binary, or as an array of numbers in C source.
//!
//! In binaries and inside other containers (effects hold whole shaders) the checksum decides whether the four letters begin a
//! container. Files and arrays that begin with them are taken as they are, so that a bad checksum is seen and counted.

use std::fmt;

use pvgpu_dxbc::{ContainerError, Error, container};

/// The first bytes of a container.
const MAGIC: [u8; 4] = *b"DXBC";
/// The same as a number.
const MAGIC_WORD: u64 = 0x4342_5844;
/// The smallest container: a header without chunks.
const HEADER: usize = 32;
/// Where the header holds the container's size.
const SIZE_AT: usize = 24;
/// The greatest size that is taken for one: above what Direct3D's runtime loads, and below most random numbers.
const MAX_SIZE: usize = 16 << 20;

/// Where in the file a container begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The file begins with it.
    Whole,
    /// So many bytes into the file.
    Offset(usize),
    /// In an array of numbers whose magic is in this line.
    Line(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Offset(offset) => write!(f, "@{offset:#x}"),
            Self::Line(line) => write!(f, ":{line}"),
        }
    }
}

/// All containers in a file's bytes.
pub fn containers(file: &[u8]) -> Vec<(Place, Vec<u8>)> {
    let mut found = Vec::new();
    if file.starts_with(&MAGIC) {
        let size = declared_size(file).filter(|size| *size <= file.len()).unwrap_or(file.len());
        found.push((Place::Whole, file[..size].to_vec()));
    }
    for (offset, container) in embedded(file) {
        if offset > 0 {
            found.push((Place::Offset(offset), container.to_vec()));
        }
    }
    if !file.contains(&0) {
        arrays(file, &mut found);
    }
    found
}

/// The containers with a right checksum at any offset, and where they begin.
fn embedded(bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut found = Vec::new();
    for offset in 0..bytes.len().saturating_sub(HEADER - 1) {
        if bytes[offset..].starts_with(&MAGIC)
            && let Some(size) = declared_size(&bytes[offset..])
            && let Some(container) = bytes.get(offset..offset + size)
            && is_container(container)
        {
            found.push((offset, container));
        }
    }
    found
}

/// The size in a header, if a container can have it.
fn declared_size(header: &[u8]) -> Option<usize> {
    let size = header.get(SIZE_AT..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes) as usize)?;
    (HEADER..=MAX_SIZE).contains(&size).then_some(size)
}

/// Whether header and checksum are right, whatever the container holds.
fn is_container(bytes: &[u8]) -> bool {
    use ContainerError::{BadChecksum, BadMagic, BadSize};
    !matches!(container::parse(bytes), Err(Error::Container(BadChecksum | BadMagic(_) | BadSize { .. })))
}

/// Adds the containers that are arrays of bytes or dwords in a C source text, and those inside them.
fn arrays(text: &[u8], found: &mut Vec<(Place, Vec<u8>)>) {
    let mut add = |run: &[Number]| {
        let Some((line, bytes)) = container_in(run) else { return };
        for (offset, inner) in embedded(&bytes) {
            if offset > 0 {
                found.push((Place::Line(line), inner.to_vec()));
            }
        }
        found.push((Place::Line(line), bytes));
    };
    let mut run = Vec::new();
    let mut lexer = Lexer { text, at: 0, line: 1 };
    loop {
        match lexer.next() {
            Token::Number(number) => run.push(number),
            Token::Comma => {}
            other => {
                add(&run);
                run.clear();
                if other == Token::End {
                    return;
                }
            }
        }
    }
}

/// The container that begins somewhere in a list of numbers, and the line where it does.
fn container_in(run: &[Number]) -> Option<(usize, Vec<u8>)> {
    for (start, first) in run.iter().enumerate() {
        let rest = &run[start..];
        let bytes: Vec<u8> = if first.value == MAGIC_WORD {
            let dwords = rest.iter().map_while(|number| u32::try_from(number.value).ok());
            dwords.flat_map(u32::to_le_bytes).collect()
        } else if first.value == u64::from(MAGIC[0]) {
            rest.iter().map_while(|number| u8::try_from(number.value).ok()).collect()
        } else {
            continue;
        };
        if bytes.starts_with(&MAGIC)
            && let Some(size) = declared_size(&bytes)
            && let Some(container) = bytes.get(..size)
        {
            return Some((first.line, container.to_vec()));
        }
    }
    None
}

/// An integer constant of a C source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number {
    value: u64,
    line: usize,
}

/// What matters of a C source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Number(Number),
    Comma,
    Other,
    End,
}

/// Reads a C source. White space, comments and the preprocessor's lines come between tokens and are none.
struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

impl Lexer<'_> {
    fn next(&mut self) -> Token {
        loop {
            let Some(&byte) = self.text.get(self.at) else { return Token::End };
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.advance(),
                b'#' => self.skip_line(),
                b'/' if self.text[self.at..].starts_with(b"//") => self.skip_line(),
                b'/' if self.text[self.at..].starts_with(b"/*") => self.skip_comment(),
                b'"' | b'\'' => {
                    self.skip_string(byte);
                    return Token::Other;
                }
                b',' => {
                    self.advance();
                    return Token::Comma;
                }
                _ if byte.is_ascii_alphanumeric() || byte == b'_' => return self.word(),
                _ => {
                    self.advance();
                    return Token::Other;
                }
            }
        }
    }

    fn advance(&mut self) {
        if self.text.get(self.at) == Some(&b'\n') {
            self.line += 1;
        }
        self.at += 1;
    }

    fn skip_line(&mut self) {
        while self.text.get(self.at).is_some_and(|byte| *byte != b'\n') {
            self.at += 1;
        }
    }

    fn skip_comment(&mut self) {
        self.at += 2;
        while self.at < self.text.len() && !self.text[self.at..].starts_with(b"*/") {
            self.advance();
        }
        self.at += 2;
    }

    /// Past the closing quote, or to the line's end in texts that are no C and have apostrophes.
    fn skip_string(&mut self, quote: u8) {
        self.at += 1;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\n' => return,
                // The escaped byte is not looked at, unless it ends the line, which must be counted.
                b'\\' if self.text.get(self.at + 1) != Some(&b'\n') => self.at += 2,
                _ => {
                    self.at += 1;
                    if byte == quote {
                        return;
                    }
                }
            }
        }
    }

    /// A name or a number with what belongs to it.
    fn word(&mut self) -> Token {
        let start = self.at;
        let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        while self.text.get(self.at).is_some_and(part) {
            self.at += 1;
        }
        match integer(&self.text[start..self.at]) {
            Some(value) => Token::Number(Number { value, line: self.line }),
            None => Token::Other,
        }
    }
}

/// The value of a decimal or hexadecimal integer constant.
fn integer(word: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(word).ok()?.trim_end_matches(['u', 'U', 'l', 'L']);
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Real containers, of different lengths.
    fn samples() -> Vec<Vec<u8>> {
        crate::fixture::fixtures().into_iter().map(|fixture| fixture.bytes).take(3).collect()
    }

    fn dwords(container: &[u8]) -> String {
        let words = container.as_chunks::<4>().0;
        words.iter().map(|word| format!("    {:#010x},\n", u32::from_le_bytes(*word))).collect()
    }

    #[test]
    fn files_and_binaries() {
        let [a, b, c] = &samples()[..] else { panic!() };
        assert_eq!(containers(a), [(Place::Whole, a.clone())]);
        let binary = [b"MZ\0DXBC and no more".as_slice(), a, b"DXBC", b, b, &[0]].concat();
        let offsets = [19, 19 + a.len() + 4, 19 + a.len() + 4 + b.len()];
        let expected = [a, b, b].into_iter().zip(offsets).map(|(x, o)| (Place::Offset(o), x.clone()));
        assert_eq!(containers(&binary), expected.collect::<Vec<_>>());
        // A wrong checksum counts in a file of its own, but not elsewhere.
        let mut bad = c.clone();
        *bad.last_mut().unwrap() ^= 1;
        assert_eq!(containers(&bad), [(Place::Whole, bad.clone())]);
        assert_eq!(containers(&[b"\0", bad.as_slice()].concat()), []);
        // Cut files are as long as they are; bytes behind a container do not belong to it.
        assert_eq!(containers(&a[..50]), [(Place::Whole, a[..50].to_vec())]);
        assert_eq!(containers(&[a.as_slice(), b"\0\0\0"].concat()), [(Place::Whole, a.clone())]);
    }

    #[test]
    fn arrays_of_dwords() {
        let [a, b, _] = &samples()[..] else { panic!() };
        let text = format!(
            "/* 0x43425844, */ const char *x = \"/*\";\nstatic const DWORD a[] =\n{{\n#if 0\n    float4 main(float2 p : \
             POSITION) : SV_TARGET {{ return 0x43425844; }}\n#endif\n{}}};\nDWORD b[] = {{1, 2, // two\n{}  3}};\n",
            dwords(a),
            dwords(b).replace(",\n", "U , /* no\nline */ ").to_uppercase().replace("0X", "0x")
        );
        let a_line = 7;
        let b_line = a_line + a.len() / 4 + 2;
        assert_eq!(
            containers(text.as_bytes()),
            [(Place::Line(a_line), a.clone()), (Place::Line(b_line), b.clone())]
        );
        // A cut array is no container.
        let cut = text.replacen("};", ", 7.0f };", 1).replacen("    0x", "    1.0, 0x", 40);
        assert!(!containers(cut.as_bytes()).iter().any(|(_, found)| found == a));
    }

    #[test]
    fn arrays_of_bytes() {
        let [a, b, _] = &samples()[..] else { panic!() };
        // As fxc writes them, and as others do.
        let decimal: String = a.iter().map(|byte| format!("{byte:3}, ")).collect();
        let hexadecimal: String = b.iter().map(|byte| format!("0x{byte:02X},")).collect();
        let text =
            format!("const BYTE g_main[] =\n{{\n{decimal}\n}};\nconst BYTE h[] = {{ {hexadecimal} }};");
        let expected = [(Place::Line(3), a.clone()), (Place::Line(5), b.clone())];
        assert_eq!(containers(text.as_bytes()), expected);
    }

    #[test]
    fn shaders_inside_other_containers() {
        let [a, ..] = &samples()[..] else { panic!() };
        // An effect: a container whose only chunk holds a shader. Its own checksum does not matter in an array.
        let mut effect = [b"DXBC".as_slice(), &[0; 28], &36u32.to_le_bytes(), b"FX10"].concat();
        effect.extend((a.len() as u32).to_le_bytes());
        effect.extend(a);
        let size = (effect.len() as u32).to_le_bytes();
        effect[SIZE_AT..SIZE_AT + 4].copy_from_slice(&size);
        let found = containers(dwords(&effect).as_bytes());
        assert_eq!(found, [(Place::Line(1), a.clone()), (Place::Line(1), effect)]);
    }

    #[test]
    fn any_bytes_are_searched() {
        let mut random = crate::random::Random(7);
        for _ in 0..2_000 {
            let pieces: [&[u8]; 8] =
                [b"DXBC", b"0x43425844,", b"68,88,66,67,", b"\"", b"/*", b"\\", b"\n", b"#"];
            let text: Vec<u8> = (0..40).flat_map(|_| pieces[random.below(8)]).copied().collect();
            for (place, container) in containers(&text) {
                // Only of a file's own end it is known that a container is cut there.
                let whole = declared_size(&container) == Some(container.len());
                assert!(container.starts_with(&MAGIC) && (whole || place == Place::Whole), "{place}");
            }
        }
    }
}
