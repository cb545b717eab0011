//! Reads an INF: sections, entries, fields, string tokens.
//!
//! The syntax is that of Microsoft's "General Syntax Rules for INF Files": sections in brackets, `key = field, field`
//! or `field, field`, comments after a semicolon, a backslash at the end of a line continues it, quotes keep commas and
//! semicolons, two quotes within quotes are one, `%token%` stands for a string and `%%` for a percent sign. Names of
//! sections, keys and tokens do not depend on case. A section that occurs twice is one section.

use std::fmt;

/// A line that breaks the syntax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for SyntaxError {}

/// One entry of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line it begins on, from 1.
    pub line: usize,
    /// What stands before the equals sign, if there is one.
    pub key: Option<String>,
    /// The fields, without their quotes; tokens are not replaced.
    pub fields: Vec<String>,
}

impl Entry {
    /// True if the entry has this key.
    pub fn is(&self, key: &str) -> bool {
        self.key.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(key))
    }

    /// A field; missing ones are empty.
    pub fn field(&self, index: usize) -> &str {
        self.fields.get(index).map_or("", String::as_str)
    }
}

/// A section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name, as first written.
    pub name: String,
    /// The line of its first heading.
    pub line: usize,
    /// Its entries in order.
    pub entries: Vec<Entry>,
}

/// A whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inf {
    /// The sections in order.
    pub sections: Vec<Section>,
}

/// What a text with tokens becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// `[Strings]` does not define this token.
    Undefined(String),
    /// A percent sign has no partner.
    Unclosed,
}

impl Inf {
    /// Reads a file's text.
    ///
    /// # Errors
    /// The first line that breaks the syntax.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut inf = Self::default();
        let mut current: Option<usize> = None;
        for (line, logical) in logical_lines(text)? {
            if let Some(rest) = logical.strip_prefix('[') {
                let name = rest
                    .strip_suffix(']')
                    .ok_or(SyntaxError { line, what: "a section's name must end with ]" })?;
                let name = name.trim().trim_matches('"');
                if name.is_empty() {
                    return Err(SyntaxError { line, what: "a section needs a name" });
                }
                current = Some(inf.open(name, line));
                continue;
            }
            let entry = entry(&logical, line)?;
            let section = current.and_then(|index| inf.sections.get_mut(index));
            section
                .ok_or(SyntaxError { line, what: "an entry stands before the first section" })?
                .entries
                .push(entry);
        }
        Ok(inf)
    }

    /// Reads a file as it lies on the disk: ASCII, UTF-8, or UTF-16 with a byte order mark. None if it is none of these.
    pub fn decode(bytes: &[u8]) -> Option<String> {
        let wide = |rest: &[u8], number: fn([u8; 2]) -> u16| {
            let (pairs, odd) = rest.as_chunks::<2>();
            odd.is_empty().then(|| {
                String::from_utf16(&pairs.iter().map(|pair| number(*pair)).collect::<Vec<_>>()).ok()
            })?
        };
        match bytes {
            [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
            [0xef, 0xbb, 0xbf, rest @ ..] | rest => String::from_utf8(rest.to_vec()).ok(),
        }
    }

    /// The section of this name.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name.eq_ignore_ascii_case(name))
    }

    /// The entries of a section; none if it is missing.
    pub fn entries(&self, section: &str) -> &[Entry] {
        self.section(section).map_or(&[], |section| &section.entries)
    }

    /// The first entry with this key.
    pub fn entry(&self, section: &str, key: &str) -> Option<&Entry> {
        self.entries(section).iter().find(|entry| entry.is(key))
    }

    /// Replaces string tokens. Directory ids such as `%13%` stay, as they do for SetupAPI until a file is copied.
    ///
    /// # Errors
    /// A token without definition, or a lonely percent sign.
    pub fn expand(&self, text: &str) -> Result<String, TokenError> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            out.push_str(before);
            let (token, after) = after.split_once('%').ok_or(TokenError::Unclosed)?;
            rest = after;
            if token.is_empty() {
                out.push('%');
            } else if token.bytes().all(|byte| byte.is_ascii_digit()) {
                out.push('%');
                out.push_str(token);
                out.push('%');
            } else {
                let entry = self.entry("Strings", token);
                let entry = entry.ok_or_else(|| TokenError::Undefined(token.to_owned()))?;
                out.push_str(entry.field(0));
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn open(&mut self, name: &str, line: usize) -> usize {
        let found = self.sections.iter().position(|section| section.name.eq_ignore_ascii_case(name));
        found.unwrap_or_else(|| {
            self.sections.push(Section { name: name.to_owned(), line, entries: Vec::new() });
            self.sections.len() - 1
        })
    }
}

/// The names of all string tokens in a text, directory ids left out.
pub fn tokens(text: &str) -> Vec<&str> {
    let inside = text.split('%').skip(1).step_by(2);
    inside.filter(|token| !token.is_empty() && !token.bytes().all(|byte| byte.is_ascii_digit())).collect()
}

/// Lines without comments and blank ones, continued lines joined, each with the number of its first line.
fn logical_lines(text: &str) -> Result<Vec<(usize, String)>, SyntaxError> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut continued = false;
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        let code = without_comment(line, line_number)?.trim();
        let (code, goes_on) = match code.strip_suffix('\\') {
            // A path may end with a backslash only within quotes, and then the line ends with the quote.
            Some(code) => (code.trim_end(), true),
            None => (code, false),
        };
        match lines.last_mut() {
            Some((_, last)) if continued => last.push_str(code),
            _ if code.is_empty() && !goes_on => {}
            _ => lines.push((line_number, code.to_owned())),
        }
        continued = goes_on;
    }
    Ok(lines)
}

fn without_comment(line: &str, number: usize) -> Result<&str, SyntaxError> {
    let mut quoted = false;
    for (index, byte) in line.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            // PANIC: a semicolon is one byte, so the cut lies between characters.
            b';' if !quoted => return Ok(&line[..index]),
            _ => {}
        }
    }
    if quoted { Err(SyntaxError { line: number, what: "a quote is not closed" }) } else { Ok(line) }
}

fn entry(text: &str, line: usize) -> Result<Entry, SyntaxError> {
    let equals = outside_quotes(text, '=').next();
    let (key, rest) = match equals.map(|at| text.split_at(at)) {
        Some((key, rest)) => (Some(unquote(key)), &rest[1..]),
        None => (None, text),
    };
    if key.as_deref() == Some("") {
        return Err(SyntaxError { line, what: "nothing stands before the equals sign" });
    }
    let mut fields = Vec::new();
    let mut start = 0;
    for comma in outside_quotes(rest, ',') {
        // PANIC: commas are one byte each and come in order.
        fields.push(unquote(&rest[start..comma]));
        start = comma + 1;
    }
    // PANIC: `start` lies behind a comma, at most at the text's end.
    fields.push(unquote(&rest[start..]));
    Ok(Entry { line, key, fields })
}

/// The places of an ASCII character outside quotes.
fn outside_quotes(text: &str, wanted: char) -> impl Iterator<Item = usize> + '_ {
    let mut quoted = false;
    text.char_indices().filter_map(move |(index, character)| {
        if character == '"' {
            quoted = !quoted;
        }
        (character == wanted && !quoted).then_some(index)
    })
}

/// A field as it is meant: no blanks around, no quotes, `""` within quotes as one quote.
fn unquote(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let mut quoted = false;
    let mut characters = field.trim().chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                out.push('"');
            }
            '"' => quoted = !quoted,
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Inf {
        Inf::parse(text).expect("the text is legal")
    }

    #[test]
    fn fields_quotes_comments_and_continuations() {
        let inf = parsed(
            "; only a comment\n[One]\r\nkey = a, \"b, ; \"\"c\"\"\" ,, d ; tail\nHKR,,\"x=y\",1\nlong = a,\\\n  b\n[two]\nz\n[ONE]\nmore = 1\n",
        );
        let fields = |index: usize| inf.entries("one")[index].fields.clone();
        assert_eq!(fields(0), ["a", "b, ; \"c\"", "", "d"]);
        assert_eq!(
            (inf.entries("one")[1].key.clone(), fields(1)),
            (None, vec!["HKR".into(), String::new(), "x=y".into(), "1".into()])
        );
        assert_eq!(fields(2), ["a", "b"]);
        assert_eq!(inf.entry("One", "MORE").map(|entry| entry.line), Some(10));
        assert_eq!(inf.sections.len(), 2);
    }

    #[test]
    fn broken_lines_are_named() {
        for (text, line) in
            [("x = 1", 1), ("[A\n", 1), ("[]\n", 1), ("[A]\n\n= 1\n", 3), ("[A]\nx = \"open\n", 2)]
        {
            assert_eq!(Inf::parse(text).expect_err(text).line, line, "{text}");
        }
    }

    #[test]
    fn tokens_become_strings() {
        let inf = parsed("[Strings]\nName = \"pvgpu, Inc.\"\n");
        assert_eq!(inf.expand(r"%13%\x %name% 5%%"), Ok(r"%13%\x pvgpu, Inc. 5%".to_owned()));
        assert_eq!(inf.expand("%Other%"), Err(TokenError::Undefined("Other".to_owned())));
        assert_eq!(inf.expand("100%"), Err(TokenError::Unclosed));
        assert_eq!(tokens(r"%13%\x %Name% %%"), ["Name"]);
    }

    #[test]
    fn encodings() {
        let wide: Vec<u8> =
            [0xfeff_u16, 0x5b, 0x41, 0x5d].iter().flat_map(|unit| unit.to_le_bytes()).collect();
        assert_eq!(Inf::decode(&wide).as_deref(), Some("[A]"));
        assert_eq!(Inf::decode(b"\xef\xbb\xbf[A]").as_deref(), Some("[A]"));
        assert_eq!(Inf::decode(b"[A]").as_deref(), Some("[A]"));
        assert_eq!(Inf::decode(b"\xff\xfe["), None);
        assert_eq!(Inf::decode(b"\xff[A]"), None);
    }

    #[test]
    fn any_text_parses_or_gives_an_error() {
        // Every text of up to five of the characters that mean something.
        let alphabet = ['[', ']', '=', ',', '"', '\\', '\n', '%', 'a', ';', 'ä'];
        let mut texts = vec![String::new()];
        for _ in 0..5 {
            texts = texts
                .iter()
                .flat_map(|text| alphabet.iter().map(move |next| format!("{text}{next}")))
                .collect();
            for text in &texts {
                let _either = Inf::parse(&format!("[S]\n{text}"));
                let _either = Inf::parse(text);
            }
        }
        assert_eq!(texts.len(), 161_051);
    }
}
