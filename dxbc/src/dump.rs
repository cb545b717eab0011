//! A listing of a program, one declaration or instruction a line, close to that of the HLSL compiler.

use std::fmt::Write;

use crate::Error;
use crate::token::declaration::{Declaration, Interpolation, SystemValue};
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
        write_declaration(&mut text, &program, declaration);
    }
    let mut depth = 0usize;
    let mut phases = program.phases.iter();
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
        let started = match instruction.opcode {
            Opcode::HsControlPointPhase | Opcode::HsForkPhase | Opcode::HsJoinPhase => phases.next(),
            _ => None,
        };
        if let Some(phase) = started {
            let _ = writeln!(text, "        instances: {}", phase.instances);
            for declaration in &phase.declarations {
                write_declaration(&mut text, &program, declaration);
            }
        }
        if matches!(instruction.opcode, Opcode::If | Opcode::Else | Opcode::Loop | Opcode::Switch) {
            depth += 1;
        }
    }
    Ok(text)
}

/// A register with its mask, system value and interpolation; any other declaration by its fields.
fn write_declaration(text: &mut String, program: &Program, declaration: &Declaration) {
    text.push_str("        ");
    let (kind, register) = match declaration {
        Declaration::Input(register) => ("Input", register),
        Declaration::Output(register) => ("Output", register),
        _ => {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{declaration:?}");
            return;
        }
    };
    let _ = write!(text, "{kind} ");
    write_operand(text, program, &register.operand);
    if register.system_value != SystemValue::Undefined {
        let _ = write!(text, " {:?}", register.system_value);
    }
    if register.interpolation != Interpolation::Undefined {
        let _ = write!(text, " {:?}", register.interpolation);
    }
    text.push('\n');
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
