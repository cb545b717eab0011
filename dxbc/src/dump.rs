//! A listing of a program, one declaration or instruction a line, close to that of the HLSL compiler.

use std::fmt::Write;

use crate::Error;
use crate::token::opcode::Opcode;
use crate::token::operand::{Components, Operand, RegisterFile};
use crate::token::program::Program;

/// Lists a program. For people and tests; nothing parses it.
///
/// # Errors
/// As [`crate::compile`], for the parser's part.
pub fn dump(tokens: &[u32]) -> Result<String, Error> {
    let program = Program::parse(tokens)?;
    let mut text = format!("{:?} {}.{}\n", program.stage, program.major, program.minor);
    for declaration in &program.declarations {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "        {declaration:?}");
    }
    let mut depth = 0usize;
    for instruction in &program.instructions {
        if matches!(instruction.opcode, Opcode::Else | Opcode::EndIf | Opcode::EndLoop | Opcode::EndSwitch) {
            depth = depth.saturating_sub(1);
        }
        let _ = write!(
            text,
            "{:6}  {:depth$}{}",
            instruction.offset,
            "",
            instruction.opcode.name(),
            depth = depth * 2
        );
        if instruction.saturate() && !matches!(instruction.opcode, Opcode::Sync) {
            text.push_str("_sat");
        }
        if matches!(
            instruction.opcode,
            Opcode::If | Opcode::Breakc | Opcode::Continuec | Opcode::Retc | Opcode::Callc | Opcode::Discard
        ) {
            text.push_str(if instruction.test_nonzero() { "_nz" } else { "_z" });
        }
        if instruction.texel_offset != [0; 3] {
            let _ = write!(text, "{:?}", instruction.texel_offset);
        }
        for (n, operand) in program.operands(instruction).enumerate() {
            text.push_str(if n == 0 { " " } else { ", " });
            write_operand(&mut text, &program, operand);
        }
        text.push('\n');
        if matches!(instruction.opcode, Opcode::If | Opcode::Else | Opcode::Loop | Opcode::Switch) {
            depth += 1;
        }
    }
    Ok(text)
}

fn write_operand(text: &mut String, program: &Program, operand: &Operand) {
    if operand.modifier.negate {
        text.push('-');
    }
    if operand.modifier.absolute {
        text.push('|');
    }
    text.push_str(operand.file.prefix());
    match operand.file {
        RegisterFile::Immediate32 | RegisterFile::Immediate64 => {
            let values = operand.immediate.map(|bits| format!("{bits:#x}"));
            let count = if operand.components == Components::One { 1 } else { 4 };
            let _ = write!(text, "({})", values.get(..count).unwrap_or_default().join(", "));
        }
        _ => {
            for (n, index) in operand.indices().iter().enumerate() {
                match index.relative.and_then(|id| program.operand(id)) {
                    Some(relative) => {
                        text.push('[');
                        write_operand(text, program, relative);
                        let _ = write!(text, " + {}]", index.base);
                    }
                    None if n == 0 => {
                        let _ = write!(text, "{}", index.base);
                    }
                    None => {
                        let _ = write!(text, "[{}]", index.base);
                    }
                }
            }
            let letters = ['x', 'y', 'z', 'w'];
            match operand.components {
                Components::Zero | Components::One => {}
                Components::Mask(mask) => {
                    text.push('.');
                    text.extend(
                        letters
                            .iter()
                            .enumerate()
                            .filter(|(n, _)| mask >> n & 1 != 0)
                            .map(|(_, letter)| letter),
                    );
                }
                Components::Swizzle(swizzle) => {
                    text.push('.');
                    text.extend(swizzle.iter().filter_map(|n| letters.get(usize::from(*n))));
                }
            }
        }
    }
    if operand.modifier.absolute {
        text.push('|');
    }
}
