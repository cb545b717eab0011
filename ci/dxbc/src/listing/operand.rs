//! Operands of a listing: registers with components, modifiers and indices, and literals.

use pvgpu_dxbc::token::operand::{Components, Modifier, RegisterFile};

use crate::assembler::{self, Index, Operand};

/// The number of a component's name.
pub fn component(name: char) -> u8 {
    "xyzw".find(name).unwrap_or_else(|| panic!("{name} is not a component")) as u8
}

/// Splits a list at the commas that stand in no bracket.
pub fn split(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (place, character) in list.char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(list[start..place].trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(list[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// A literal's number as bits: a float if it has a point or says that it is none or infinite, else an integer.
pub fn number(text: &str) -> u32 {
    let text = text.trim();
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return u32::from_str_radix(hexadecimal, 16).expect("a hexadecimal number");
    }
    if text.contains('.') || text.ends_with("inf") || text.ends_with("nan") {
        return text.parse::<f32>().expect("a float").to_bits();
    }
    text.parse::<i64>().expect("an integer") as u32
}

/// The tokens of an operand. `destination`: components are a write mask.
pub fn assemble(text: &str, destination: bool) -> Vec<u32> {
    // Minimum precision, as in `r0.x {min16f}`.
    let (text, precision) = match text.split_once('{') {
        Some((text, name)) => {
            let names = ["default", "min16f", "min2_8f", "", "min16i", "min16u"];
            let name = name.strip_suffix('}').expect("{ comes in pairs");
            let number = names.iter().position(|known| *known == name).expect("the precision is known");
            (text.trim(), number as u32)
        }
        None => (text, 0),
    };
    let operand = parse(text, destination);
    let extended = operand.modifier != Modifier::default();
    let mut tokens = Vec::new();
    operand.encode(&mut tokens);
    if precision != 0 {
        if !extended {
            tokens[0] |= 1 << 31;
            tokens.insert(1, 1);
        }
        tokens[1] |= precision << 14;
    }
    tokens
}

fn parse(text: &str, destination: bool) -> Operand {
    let (text, negate) = text.strip_prefix('-').map_or((text, false), |text| (text, true));
    let (text, absolute) = match text.strip_prefix('|') {
        Some(text) => (text.strip_suffix('|').expect("| comes in pairs"), true),
        None => (text, false),
    };
    let mut operand = match (text.strip_prefix("l("), text.strip_prefix("d(")) {
        (Some(numbers), _) => literal(numbers),
        (_, Some(numbers)) => doubles(numbers),
        _ => register(text, destination),
    };
    operand.modifier = Modifier { absolute, negate };
    operand
}

fn literal(numbers: &str) -> Operand {
    let numbers = split(numbers.strip_suffix(')').expect("( comes in pairs"));
    let numbers: Vec<u32> = numbers.into_iter().map(number).collect();
    match numbers[..] {
        [value] => assembler::scalar(value),
        [x, y, z, w] => assembler::immediate([x, y, z, w]),
        _ => panic!("a literal has one number or four"),
    }
}

fn doubles(numbers: &str) -> Operand {
    let numbers = split(numbers.strip_suffix(')').expect("( comes in pairs"));
    let numbers: Vec<f64> =
        numbers.iter().map(|text| text.trim_end_matches('l').parse().expect("a double")).collect();
    assembler::doubles(numbers.try_into().expect("a literal has two doubles"))
}

/// The register files by name.
const FILES: [(&str, RegisterFile); 27] = [
    ("r", RegisterFile::Temp),
    ("v", RegisterFile::Input),
    ("o", RegisterFile::Output),
    ("x", RegisterFile::IndexableTemp),
    ("s", RegisterFile::Sampler),
    ("t", RegisterFile::Resource),
    ("cb", RegisterFile::ConstantBuffer),
    ("icb", RegisterFile::ImmediateConstantBuffer),
    ("label", RegisterFile::Label),
    ("vPrim", RegisterFile::InputPrimitiveId),
    ("oDepth", RegisterFile::OutputDepth),
    ("null", RegisterFile::Null),
    ("rasterizer", RegisterFile::Rasterizer),
    ("oMask", RegisterFile::OutputCoverageMask),
    ("m", RegisterFile::Stream),
    ("fb", RegisterFile::FunctionBody),
    ("ft", RegisterFile::FunctionTable),
    ("fp", RegisterFile::Interface),
    ("this", RegisterFile::ThisPointer),
    ("u", RegisterFile::UnorderedAccessView),
    ("g", RegisterFile::ThreadGroupSharedMemory),
    ("vThreadID", RegisterFile::InputThreadId),
    ("vThreadGroupID", RegisterFile::InputThreadGroupId),
    ("vThreadIDInGroup", RegisterFile::InputThreadIdInGroup),
    ("vThreadIDInGroupFlattened", RegisterFile::InputThreadIdInGroupFlattened),
    ("oDepthGE", RegisterFile::OutputDepthGreaterEqual),
    ("oDepthLE", RegisterFile::OutputDepthLessEqual),
];

/// Whether a register without components in the listing is a scalar one (else it has no data of its own).
fn is_scalar(file: RegisterFile) -> bool {
    use RegisterFile::*;
    matches!(
        file,
        OutputDepth
            | OutputCoverageMask
            | OutputDepthGreaterEqual
            | OutputDepthLessEqual
            | InputCoverageMask
            | InputThreadIdInGroupFlattened
            | InputPrimitiveId
    )
}

/// A register, its number, its indices and its components.
fn register(text: &str, destination: bool) -> Operand {
    let bytes = text.as_bytes();
    let name_end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let name = &text[..name_end];
    let file = if name == "vCoverage" {
        RegisterFile::InputCoverageMask
    } else {
        let known = FILES.iter().find(|entry| entry.0 == name);
        known.unwrap_or_else(|| panic!("{text} is not a register")).1
    };
    let mut place = name_end;
    let mut indices = Vec::new();
    let digits = bytes[place..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 0 {
        indices.push(&text[place..place + digits]);
        place += digits;
    }
    while text[place..].starts_with('[') {
        let (mut depth, mut end) = (0, place);
        for (offset, byte) in bytes[place..].iter().enumerate() {
            depth += i32::from(*byte == b'[') - i32::from(*byte == b']');
            if depth == 0 {
                end = place + offset;
                break;
            }
        }
        indices.push(&text[place + 1..end]);
        place = end + 1;
    }
    let operand = Operand::new(file, indices.into_iter().map(index));
    let components = text[place..].strip_prefix('.').unwrap_or_default();
    match components {
        "" if is_scalar(file) => operand.with_components(Components::One),
        "" => operand.with_components(Components::Zero),
        _ if destination => operand.mask(components),
        _ if components.len() == 1 => operand.select(component(components.chars().next().unwrap())),
        _ => {
            // A short swizzle repeats its last component.
            let last = &components[components.len() - 1..];
            operand.swizzle(&format!("{components}{}", last.repeat(4 - components.len())))
        }
    }
}

/// An index: a number, a register, or a register plus a number.
fn index(text: &str) -> Index {
    if let Ok(number) = text.trim().parse::<u32>() {
        return number.into();
    }
    let (register, base) = text.split_once('+').unwrap_or((text, "0"));
    assembler::relative(
        base.trim().parse().expect("an index's base is a number"),
        parse(register.trim(), false),
    )
}
