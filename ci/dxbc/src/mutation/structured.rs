//! Structure-aware mutation: a valid shader, changed at the level of instructions, operands and declarations.

use std::collections::BTreeSet;

use pvgpu_dxbc::token::opcode::{Opcode, OperandForm};
use pvgpu_dxbc::{SignatureElement, Signatures};

use super::case::Case;
use super::listing::{Listing, Span, fix_length, form, opcode, operands};
use super::random_entry as made;
use crate::random::Random;

/// Entries that a mutant may have: mutants of mutants would grow without end.
const ENTRIES: usize = 4_000;

/// Changes `case` a few times; `donors` are programs to take parts from.
pub fn mutate(random: &mut Random, case: &mut Case, donors: &[Listing]) {
    let Some(mut listing) = Listing::of(&case.tokens) else {
        // What an earlier mutation broke can only be changed dword by dword.
        if !case.tokens.is_empty() {
            case.tokens = random.mutate(&case.tokens);
        }
        return;
    };
    let most = if random.below(8) == 0 { 10 } else { 3 };
    for _ in 0..1 + random.below(most) {
        change(random, &mut listing, donors);
    }
    if random.below(4) != 0 {
        declare_missing(random, &mut listing);
    }
    case.tokens = listing.tokens();
    match random.below(100) {
        0 => case.tokens = random.mutate(&case.tokens),
        1 => case.tokens.truncate(random.below(case.tokens.len() + 1)),
        2 => case.tokens[1] = made::number(random),
        _ => {}
    }
    if random.below(6) == 0 {
        signatures(random, &mut case.signatures);
    }
    if random.below(6) == 0 {
        case.choice.dual_source_blend = random.below(2) == 0;
        case.choice.previous_stage_outputs = (random.below(2) == 0).then(|| random.dword());
        case.choice.lacking = random.dword() & random.dword() & random.dword() & 0x3fff;
    }
}

/// An entry of the program at hand, or now and then of a donor.
fn entry(random: &mut Random, listing: &Listing, donors: &[Listing]) -> Vec<u32> {
    let donor = if random.below(4) == 0 { donors.get(random.below(donors.len())) } else { None };
    let entries = &donor.unwrap_or(listing).entries;
    entries.get(random.below(entries.len())).cloned().unwrap_or_else(|| vec![Opcode::Nop as u32 | 1 << 24])
}

/// An operand from somewhere, as one that is written or read: copied, made of a declaration, or made from nothing.
fn operand(random: &mut Random, listing: &Listing, donors: &[Listing], destination: bool) -> Vec<u32> {
    for _ in 0..4 {
        let from = entry(random, listing, donors);
        let spans = operands(&from);
        let Some(span) = spans.get(random.below(spans.len())) else { continue };
        let mut tokens = from[span.start..span.end].to_vec();
        let counted = matches!(form(&from), Some(OperandForm::Counted(..)));
        if counted && span.destination == destination {
            return tokens;
        }
        // A declared register: other components make a source or a destination of it.
        if tokens[0] & 3 == 2 && !matches!(tokens[0] >> 12 & 0xff, 4 | 5) {
            tokens[0] = tokens[0] & !0xfff | made::components(random, destination);
            return tokens;
        }
        if !destination {
            return tokens;
        }
    }
    made::operand(random, destination, 0)
}

/// One change.
fn change(random: &mut Random, listing: &mut Listing, donors: &[Listing]) {
    let count = listing.entries.len();
    let (at, first) = (random.below(count), listing.first_instruction());
    if count == 0 {
        listing.entries.push(made::declaration(random));
        return;
    }
    // A place among the instructions.
    let inside = first + random.below(count - first + 1);
    let what = random.below(27);
    match what {
        // Another opcode with the same number of operands, or any.
        0 | 1 => {
            let same = if what == 0 { form(&listing.entries[at]) } else { None };
            let opcode = made::opcode(random, same);
            let token = &mut listing.entries[at][0];
            *token = *token & !0x7ff | opcode as u32;
        }
        // Other controls.
        2 => listing.entries[at][0] ^= random.dword() & random.dword() & 0x00ff_f800,
        3..=10 => change_operand(random, listing, donors, at),
        // Delete, duplicate, move, swap.
        11 => {
            let end = at + 1 + random.below(3.min(count - at));
            listing.entries.drain(at..end);
        }
        12 => {
            let copy = listing.entries[at].clone();
            let place = random.below(count + 1);
            for _ in 0..=random.below(3) {
                listing.entries.insert(place, copy.clone());
            }
        }
        13 => {
            let moved = listing.entries.remove(at);
            listing.entries.insert(random.below(count), moved);
        }
        14 => listing.entries.swap(at, random.below(count)),
        // Splice a stretch of another program, or of this one.
        15 | 16 => {
            let donor = donors.get(random.below(donors.len())).unwrap_or(listing);
            let start = random.below(donor.entries.len());
            let end = donor.entries.len().min(start + 1 + random.below(12));
            let stretch = donor.entries.get(start..end).unwrap_or_default().to_vec();
            let place = if random.below(2) == 0 { inside } else { at };
            listing.entries.splice(place..place, stretch);
        }
        // Declarations: a new one, another field.
        17 | 18 => listing.entries.insert(random.below(first + 1), made::declaration(random)),
        19 | 20 => {
            let at = random.below(first.max(1)).min(count - 1);
            let entry = &mut listing.entries[at];
            let field = random.below(entry.len());
            entry[field] = match random.below(4) {
                0 if field == 0 => entry[0] ^ 1 << (11 + random.below(13)),
                0 => entry[field] ^ 1 << random.below(32),
                1 if field > 0 => made::number(random),
                2 => entry[field].wrapping_add(1),
                _ => entry[field].wrapping_sub(1),
            };
        }
        // A new instruction.
        21 | 22 => {
            let opcode = made::opcode(random, None);
            let copy = listing.clone();
            let new = made::instruction(random, opcode, |random, destination| {
                operand(random, &copy, donors, destination)
            });
            listing.entries.insert(inside, new);
        }
        // Control flow.
        23 | 24 => control_flow(random, listing, donors, inside),
        // A wrong length, or tokens behind the operands.
        25 if random.below(4) == 0 => match random.below(3) {
            0 => listing.entries[at][0] ^= 1 << (24 + random.below(8)),
            1 => {
                let extra = random.below(2) as u32 * random.dword();
                listing.entries[at].push(extra);
                fix_length(&mut listing.entries[at]);
            }
            _ => {
                listing.entries[at].pop();
                if listing.entries[at].is_empty() {
                    listing.entries.remove(at);
                } else {
                    fix_length(&mut listing.entries[at]);
                }
            }
        },
        // Another stage or model.
        _ => {
            listing.version = match random.below(16) {
                0 => listing.version & 0xffff | (random.below(7) as u32) << 16,
                1 => listing.version & !0xffff | [0x40, 0x41, 0x50, 0x51][random.below(4)],
                _ => listing.version,
            };
        }
    }
    listing.entries.truncate(ENTRIES);
}

/// Changes an operand of the entry at `at`.
fn change_operand(random: &mut Random, listing: &mut Listing, donors: &[Listing], at: usize) {
    let spans = operands(&listing.entries[at]);
    let Some(Span { start, end, destination, .. }) = spans.get(random.below(spans.len())).copied() else {
        return;
    };
    let file = listing.entries[at][start] >> 12 & 0xff;
    let immediate = matches!(file, 4 | 5);
    match random.below(8) {
        // Another mask or swizzle.
        0 if !immediate => {
            let token = &mut listing.entries[at][start];
            *token = *token & !0xfff | made::components(random, destination);
        }
        // Another register file with the same shape.
        1 if !immediate => {
            let file = [0, 1, 2, 3, 6, 7, 8, 9, 30, 31][random.below(10)];
            let token = &mut listing.entries[at][start];
            *token = *token & !0x000f_f000 | file << 12;
        }
        // Another number: of a register, an index, or the value of an immediate.
        0..=4 if end > start + 1 => {
            let place = start + 1 + random.below(end - start - 1);
            let value = &mut listing.entries[at][place];
            *value = match random.below(4) {
                0 => value.wrapping_add(1),
                1 => value.wrapping_sub(1),
                2 => made::immediate(random),
                _ => made::number(random),
            };
        }
        // A modifier.
        5 if !immediate && listing.entries[at][start] >> 31 == 0 => {
            let entry = &mut listing.entries[at];
            entry[start] |= 1 << 31;
            entry.insert(start + 1, made::modifier(random));
            fix_length(entry);
        }
        // Another operand in its place, from anywhere or from nothing.
        n => {
            let other = match n {
                6 => made::operand(random, destination, 0),
                _ => operand(random, listing, donors, destination),
            };
            let entry = &mut listing.entries[at];
            entry.splice(start..end, other);
            fix_length(entry);
        }
    }
}

/// Declares the registers that instructions use and nothing declares, so that more than the declarations is tried.
pub fn declare_missing(random: &mut Random, listing: &mut Listing) {
    let mut declared: BTreeSet<(u32, u32)> = BTreeSet::new();
    let mut used: BTreeSet<(u32, u32)> = BTreeSet::new();
    let (mut temps, mut most_temps) = (0, 0);
    for entry in &listing.entries {
        match opcode(entry) {
            Some(Opcode::DclTemps) => temps = temps.max(entry.get(1).copied().unwrap_or(0)),
            Some(Opcode::DclIndexableTemp) => drop(declared.insert((3, entry.get(1).copied().unwrap_or(0)))),
            _ => {}
        }
        let counted = matches!(form(entry), Some(OperandForm::Counted(..)));
        for span in operands(entry) {
            let tokens = &entry[span.start..span.end];
            let (file, mut at) = (tokens[0] >> 12 & 0xff, 1);
            while tokens.get(at - 1).is_some_and(|token| token >> 31 != 0) {
                at += 1;
            }
            let dimensions = tokens[0] >> 20 & 3;
            let number = if dimensions == 0 { 0 } else { tokens.get(at).copied().unwrap_or(0) };
            match (counted, file) {
                (true, 0) if number < 4096 => most_temps = most_temps.max(number + 1),
                (true, _) if number < 64 => drop(used.insert((file, number))),
                (true, _) => {}
                (false, _) => drop(declared.insert((file, number))),
            }
        }
    }
    if temps < most_temps {
        listing.entries.retain(|entry| opcode(entry) != Some(Opcode::DclTemps));
        listing.entries.insert(0, vec![Opcode::DclTemps as u32 | 2 << 24, most_temps]);
    }
    for (file, number) in used.difference(&declared) {
        if let Some(declaration) = made::declaration_of(random, listing.version >> 16, *file, *number) {
            listing.entries.insert(0, declaration);
        }
    }
}

/// Puts a control-flow instruction at `place`, or a pair of them around some instructions.
fn control_flow(random: &mut Random, listing: &mut Listing, donors: &[Listing], place: usize) {
    let copy = listing.clone();
    let made = |random: &mut Random, opcode| {
        made::instruction(random, opcode, |random, _| operand(random, &copy, donors, false))
    };
    // A label operand, and a case's value.
    let label = |random: &mut Random| vec![0x0010_a000, random.below(4) as u32];
    let end = place + random.below((listing.entries.len() - place).min(8) + 1);
    match random.below(10) {
        0 => {
            let (open, close) = (made(random, Opcode::If), vec![Opcode::EndIf as u32 | 1 << 24]);
            listing.entries.insert(end, close);
            if random.below(2) == 0 {
                let middle = place + random.below(end - place + 1);
                listing.entries.insert(middle, vec![Opcode::Else as u32 | 1 << 24]);
            }
            listing.entries.insert(place, open);
        }
        1 | 2 => {
            listing.entries.insert(end, vec![Opcode::EndLoop as u32 | 1 << 24]);
            if random.below(2) == 0 {
                let opcode = [Opcode::Breakc, Opcode::Continuec, Opcode::Break, Opcode::Continue];
                let opcode = opcode[random.below(4)];
                let exit = made(random, opcode);
                let middle = place + random.below(end - place + 1);
                listing.entries.insert(middle, exit);
            }
            listing.entries.insert(place, vec![Opcode::Loop as u32 | 1 << 24]);
        }
        3 => {
            listing.entries.insert(end, vec![Opcode::EndSwitch as u32 | 1 << 24]);
            for _ in 0..=random.below(3) {
                let middle = place + random.below(end - place + 1);
                let case = match random.below(3) {
                    0 => vec![Opcode::Default as u32 | 1 << 24],
                    1 => vec![Opcode::Break as u32 | 1 << 24],
                    _ => vec![Opcode::Case as u32 | 3 << 24, 0x0000_4001, random.below(4) as u32],
                };
                listing.entries.insert(middle, case);
            }
            if random.below(4) != 0 {
                listing
                    .entries
                    .insert(place, vec![Opcode::Case as u32 | 3 << 24, 0x0000_4001, random.below(4) as u32]);
            }
            let open = made(random, Opcode::Switch);
            listing.entries.insert(place, open);
        }
        4 => {
            let mut entry = vec![Opcode::Call as u32];
            entry.extend(label(random));
            fix_length(&mut entry);
            listing.entries.insert(place, entry);
        }
        5 => {
            let mut entry = vec![Opcode::Label as u32];
            entry.extend(label(random));
            fix_length(&mut entry);
            listing.entries.push(entry);
            let from = random.below(copy.entries.len());
            listing.entries.extend(copy.entries[from..].iter().take(random.below(8)).cloned());
            listing.entries.push(vec![Opcode::Ret as u32 | 1 << 24]);
        }
        _ => {
            let opcode = [
                Opcode::Ret,
                Opcode::Retc,
                Opcode::Break,
                Opcode::Breakc,
                Opcode::Continue,
                Opcode::Continuec,
                Opcode::Discard,
                Opcode::Sync,
            ][random.below(8)];
            let entry = made(random, opcode);
            listing.entries.insert(place, entry);
        }
    }
}

/// Changes a signature.
pub fn signatures(random: &mut Random, signatures: &mut Signatures) {
    let list = match random.below(3) {
        0 => &mut signatures.input,
        1 => &mut signatures.output,
        _ => &mut signatures.patch_constant,
    };
    let place = random.below(list.len());
    match (random.below(8), list.get_mut(place)) {
        (0, Some(_)) => drop(list.remove(place)),
        (1 | 2, _) | (_, None) => list.push(element(random)),
        (3, Some(element)) => element.system_value = random.below(24) as u32,
        (4, Some(element)) => element.component_type = random.below(5) as u32,
        (5, Some(element)) => element.register = made::number(random),
        (6, Some(element)) => element.mask = random.dword() as u8,
        (_, Some(element)) => element.stream = made::number(random),
    }
}

/// Any element of a signature.
pub fn element(random: &mut Random) -> SignatureElement {
    SignatureElement {
        semantic_name: String::new(),
        semantic_index: made::number(random),
        system_value: if random.below(4) == 0 { random.dword() } else { random.below(24) as u32 },
        component_type: random.below(5) as u32,
        register: made::number(random),
        mask: random.dword() as u8,
        stream: made::number(random) & 3,
    }
}
