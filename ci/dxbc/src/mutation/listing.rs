//! A token stream cut into its declarations and instructions, and those into operands, to be changed and joined again.
//!
//! This is not the compiler's parser: it cuts by the length fields alone, so that whatever is inside may be wrong.

use pvgpu_dxbc::token::opcode::{Opcode, OperandForm};

/// A program as a list of token groups: one declaration or instruction each.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The version token.
    pub version: u32,
    /// The declarations and instructions, in order.
    pub entries: Vec<Vec<u32>>,
}

/// The place of an operand in its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first token.
    pub start: usize,
    /// One past its last token.
    pub end: usize,
    /// Whether the instruction writes it.
    pub destination: bool,
    /// Whether it is an index of another operand.
    pub nested: bool,
}

impl Listing {
    /// Cuts a stream; `None` where its length fields do not allow that.
    pub fn of(tokens: &[u32]) -> Option<Self> {
        let [version, length, ..] = tokens else { return None };
        let mut rest = tokens.get(2..usize::try_from(*length).ok()?)?;
        let mut entries = Vec::new();
        while let Some(token) = rest.first() {
            let length = if token & 0x7ff == Opcode::CustomData as u32 {
                usize::try_from(*rest.get(1)?).ok()?
            } else {
                (token >> 24 & 0x7f) as usize
            };
            if length == 0 || length > rest.len() {
                return None;
            }
            let (entry, after) = rest.split_at(length);
            entries.push(entry.to_vec());
            rest = after;
        }
        Some(Self { version: *version, entries })
    }

    /// The stream, with its length token.
    pub fn tokens(&self) -> Vec<u32> {
        let mut tokens = vec![self.version, 0];
        for entry in &self.entries {
            tokens.extend(entry);
        }
        tokens[1] = tokens.len() as u32;
        tokens
    }

    /// Dwords in all.
    pub fn size(&self) -> usize {
        2 + self.entries.iter().map(Vec::len).sum::<usize>()
    }

    /// Where the instructions begin.
    pub fn first_instruction(&self) -> usize {
        let is_instruction = |entry: &Vec<u32>| matches!(form(entry), Some(OperandForm::Counted(..)));
        self.entries.iter().position(is_instruction).unwrap_or(self.entries.len())
    }
}

/// The opcode of an entry.
pub fn opcode(entry: &[u32]) -> Option<Opcode> {
    Opcode::from_number(entry.first()? & 0x7ff)
}

/// The form of an entry's operands.
pub fn form(entry: &[u32]) -> Option<OperandForm> {
    opcode(entry).map(Opcode::form)
}

/// Writes the length field of an entry; a length that the field cannot hold is cut to its bits.
pub fn fix_length(entry: &mut [u32]) {
    let length = entry.len() as u32;
    let custom = opcode(entry) == Some(Opcode::CustomData);
    match entry {
        [_, field, ..] if custom => *field = length,
        [first, ..] => *first = *first & 0x80ff_ffff | (length & 0x7f) << 24,
        [] => {}
    }
}

/// The operands of an entry, nested ones too, as far as they can be made out.
pub fn operands(entry: &[u32]) -> Vec<Span> {
    let mut spans = Vec::new();
    let Some(opcode) = opcode(entry) else { return spans };
    let mut at = 1;
    let mut extension = entry.first().copied().unwrap_or(0);
    while extension >> 31 != 0 {
        extension = entry.get(at).copied().unwrap_or(0);
        at += 1;
    }
    let (destinations, count) = match opcode.form() {
        OperandForm::Counted(destinations, count) => (destinations, count),
        // Most declarations have one operand, and then fields.
        OperandForm::Special if opcode != Opcode::CustomData => (1, 1),
        OperandForm::Special => return spans,
    };
    for n in 0..count {
        match walk(entry, at, n < destinations, false, &mut spans) {
            Some(end) => at = end,
            None => break,
        }
    }
    spans
}

/// Dwords that the immediate part of an index has, by its representation, and whether an operand follows.
pub const REPRESENTATIONS: [(usize, bool); 5] = [(1, false), (2, false), (0, true), (1, true), (2, true)];

fn walk(
    entry: &[u32],
    start: usize,
    destination: bool,
    nested: bool,
    spans: &mut Vec<Span>,
) -> Option<usize> {
    let token = *entry.get(start)?;
    let mut at = start + 1;
    let mut extension = token;
    while extension >> 31 != 0 {
        extension = *entry.get(at)?;
        at += 1;
    }
    match token >> 12 & 0xff {
        file @ (4 | 5) => at += if token & 3 == 1 { (file - 3) as usize } else { 4 },
        _ => {
            for dimension in 0..token >> 20 & 3 {
                let representation = (token >> (22 + 3 * dimension) & 7) as usize;
                let (dwords, relative) = *REPRESENTATIONS.get(representation)?;
                at += dwords;
                if relative {
                    at = walk(entry, at, false, true, spans)?;
                }
            }
        }
    }
    if at > entry.len() {
        return None;
    }
    spans.push(Span { start, end: at, destination, nested });
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::fixtures;

    #[test]
    fn fixtures_are_cut_and_joined() {
        for fixture in fixtures() {
            let listing = Listing::of(&fixture.shader.tokens).unwrap();
            assert_eq!(listing.tokens(), fixture.shader.tokens, "{}", fixture.name);
            assert_eq!(listing.size(), fixture.shader.tokens.len());
            for mut entry in listing.entries {
                if let Some(OperandForm::Counted(_, count)) = form(&entry) {
                    let spans = operands(&entry);
                    assert_eq!(spans.iter().filter(|span| !span.nested).count(), usize::from(count));
                }
                let copy = entry.clone();
                fix_length(&mut entry);
                assert_eq!(copy, entry);
            }
        }
    }
}
