//! A listing of a module: one instruction a line, constants in place, types by what they are.
//!
//! For people and for tests that compare it with a stored one; nothing parses it.

use std::collections::HashMap;
use std::fmt::{Display, Write};

use rspirv::spirv::{
    BuiltIn, Capability, Decoration, Dim, ExecutionMode, GlslStd450Op as GLOp, ImageFormat, Op, StorageClass,
    Word,
};

use super::code::Ids;
use super::{Function, GLSL, Instruction, Module, Scalar};

/// The listing of a module.
pub fn display(module: &Module) -> String {
    let mut listing = Listing { module, words: HashMap::new(), text: String::new() };
    listing.text.push_str("capabilities");
    for number in &module.capabilities {
        listing.enumerant(Capability::from_u32(*number), *number);
    }
    listing.text.push('\n');
    for (_, operands) in module.execution_modes.iter() {
        let [_, mode, literals @ ..] = operands else { continue };
        listing.text.push_str("mode");
        listing.enumerant(ExecutionMode::from_u32(*mode), *mode);
        listing.literals(literals);
        listing.text.push('\n');
    }
    listing.globals();
    for function in &module.functions {
        listing.function(function);
    }
    listing.text
}

struct Listing<'a> {
    module: &'a Module,
    /// What types, constants and variables are called.
    words: HashMap<Word, String>,
    text: String,
}

impl Listing<'_> {
    fn enumerant(&mut self, value: Option<impl std::fmt::Debug>, number: u32) {
        // Writing to a string cannot fail.
        let _ = match value {
            Some(value) => write!(self.text, " {value:?}"),
            None => write!(self.text, " {number}"),
        };
    }

    fn literals(&mut self, literals: &[u32]) {
        for literal in literals {
            let _ = write!(self.text, " {literal}");
        }
    }

    fn word(&self, id: Word) -> String {
        self.words.get(&id).cloned().unwrap_or_else(|| format!("%{id}"))
    }

    fn globals(&mut self) {
        let mut decorations: HashMap<Word, String> = HashMap::new();
        for (instruction, operands) in self.module.annotations.iter() {
            let [target, rest @ ..] = operands else { continue };
            let text = decorations.entry(*target).or_default();
            let rest = match (instruction.op, rest) {
                (Op::MemberDecorate, [member, rest @ ..]) => {
                    let _ = write!(text, " member {member}");
                    rest
                }
                _ => rest,
            };
            if let [decoration, literals @ ..] = rest {
                write_decoration(text, *decoration, literals);
            }
        }
        let mut names: HashMap<Word, &str> = self.module.names().collect();
        // A name that two ids have tells neither.
        let mut owners: HashMap<&str, u32> = HashMap::new();
        for name in names.values() {
            *owners.entry(name).or_insert(0) += 1;
        }
        names.retain(|_, name| owners.get(name) == Some(&1));
        for (instruction, operands) in self.module.globals.iter() {
            let id = instruction.result;
            let text = match instruction.op {
                Op::Variable => {
                    let name = names.get(&id).map_or(format!("%{id}"), |name| format!("%{name}"));
                    let _ = write!(self.text, "variable {name}: {}", self.word(instruction.ty));
                    if let Some(initial) = operands.get(1) {
                        let _ = write!(self.text, " = {}", self.word(*initial));
                    }
                    self.text.push_str(decorations.get(&id).map_or("", String::as_str));
                    self.text.push('\n');
                    name
                }
                Op::SpecConstant => {
                    let _ = write!(self.text, "variable %{id}: {} = ", self.word(instruction.ty));
                    let _ = write!(self.text, "{}", operands.first().unwrap_or(&0));
                    self.text.push_str(decorations.get(&id).map_or("", String::as_str));
                    self.text.push('\n');
                    format!("%{id}")
                }
                _ => self.global(instruction, operands),
            };
            self.words.insert(id, text);
        }
    }

    /// What a type or constant is called.
    fn global(&self, instruction: &Instruction, operands: &[u32]) -> String {
        let word = |n: usize| operands.get(n).map_or_else(String::new, |id| self.word(*id));
        let literal = |n: usize| operands.get(n).copied().unwrap_or(0);
        match instruction.op {
            Op::TypeVoid => "void".into(),
            Op::TypeFunction => "void()".into(),
            Op::TypeBool => "bool".into(),
            Op::TypeInt => format!("{}{}", if literal(1) == 0 { 'u' } else { 'i' }, literal(0)),
            Op::TypeFloat => format!("f{}", literal(0)),
            Op::TypeVector => format!("{}x{}", word(0), literal(1)),
            Op::TypeArray => format!("[{}; {}]", word(0), word(1)),
            Op::TypeRuntimeArray => format!("[{}]", word(0)),
            Op::TypeStruct => format!("{{{}}}", list(operands.iter().map(|id| self.word(*id)))),
            Op::TypePointer => match StorageClass::from_u32(literal(0)) {
                Some(class) => format!("{class:?} {}", word(1)),
                None => format!("{} {}", literal(0), word(1)),
            },
            Op::TypeSampler => "sampler".into(),
            Op::TypeSampledImage => format!("sampled {}", word(0)),
            Op::TypeImage => {
                let dim = Dim::from_u32(literal(1)).map_or("?".into(), |dim| format!("{dim:?}"));
                let mut text = format!("image {} {}", dim.trim_start_matches("Dim"), word(0));
                for (n, flag) in [(3, "array"), (4, "multisampled")] {
                    if literal(n) != 0 {
                        let _ = write!(text, " {flag}");
                    }
                }
                if literal(5) == 2 {
                    let format = ImageFormat::from_u32(literal(6));
                    let _ = write!(text, " storage {:?}", format.unwrap_or(ImageFormat::Unknown));
                }
                text
            }
            Op::ConstantTrue => "true".into(),
            Op::ConstantFalse => "false".into(),
            Op::ConstantNull => format!("zero({})", self.word(instruction.ty)),
            Op::ConstantComposite if operands.len() > 8 => {
                format!(
                    "[{}, … {} in all]",
                    list(operands.iter().take(4).map(|id| self.word(*id))),
                    operands.len()
                )
            }
            Op::ConstantComposite => format!("({})", list(operands.iter().map(|id| self.word(*id)))),
            Op::Constant => match (self.module.shape(instruction.ty).map(|shape| shape.scalar), operands) {
                (Some(Scalar::F32), [bits]) => float(*bits),
                (Some(Scalar::I32), [bits]) => format!("{}i", *bits as i32),
                (Some(Scalar::F64), [low, high]) => {
                    format!("{:?}d", f64::from_bits(u64::from(*high) << 32 | u64::from(*low)))
                }
                (_, [bits]) if *bits > 65_535 => format!("{bits:#x}"),
                _ => list(operands.iter()),
            },
            op => format!("{op:?}"),
        }
    }

    fn function(&mut self, function: &Function) {
        let kind = if function.is_subroutine { "subroutine" } else { "function" };
        let _ = writeln!(self.text, "{kind} %{}", function.id);
        for (instruction, operands) in function.code.iter() {
            match instruction.op {
                Op::Function | Op::FunctionEnd => continue,
                Op::Label => {
                    let _ = writeln!(self.text, "%{}:", instruction.result);
                    continue;
                }
                _ => self.text.push_str("    "),
            }
            if instruction.result != 0 {
                let ty = self.word(instruction.ty);
                let _ = write!(self.text, "%{}: {ty} = ", instruction.result);
            }
            if instruction.exact {
                self.text.push_str("exact ");
            }
            match operands {
                [GLSL, number, arguments @ ..] if instruction.op == Op::ExtInst => {
                    match GLOp::from_u32(*number) {
                        Some(op) => drop(write!(self.text, "{op:?}")),
                        None => drop(write!(self.text, "GLSL {number}")),
                    }
                    for id in arguments {
                        let _ = write!(self.text, " {}", self.word(*id));
                    }
                }
                _ => {
                    let _ = write!(self.text, "{:?}", instruction.op);
                    self.operands(instruction.op, operands);
                }
            }
            self.text.push('\n');
        }
    }

    fn operands(&mut self, op: Op, operands: &[u32]) {
        let mut is_id = vec![false; operands.len()];
        let mut marks = operands.iter().copied().enumerate().map(|(n, _)| n as u32).collect::<Vec<_>>();
        // The places of ids, found by changing them.
        Ids::of(op, operands).change(&mut marks, |place| {
            if let Some(mark) = is_id.get_mut(place as usize) {
                *mark = true;
            }
            place
        });
        for (operand, is_id) in operands.iter().zip(is_id) {
            let _ = match is_id {
                true => write!(self.text, " {}", self.word(*operand)),
                false => write!(self.text, " {operand}"),
            };
        }
    }
}

fn write_decoration(text: &mut String, decoration: u32, literals: &[u32]) {
    let kind = Decoration::from_u32(decoration);
    let _ = match (kind, literals) {
        (Some(Decoration::BuiltIn), [number]) => match BuiltIn::from_u32(*number) {
            Some(built_in) => write!(text, " {built_in:?}"),
            None => write!(text, " BuiltIn {number}"),
        },
        (Some(kind), []) => write!(text, " {kind:?}"),
        (Some(kind), _) => write!(text, " {kind:?} {}", list(literals.iter())),
        (None, _) => write!(text, " {decoration}"),
    };
}

fn list(items: impl Iterator<Item = impl Display>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

/// A float by its value, or by its bits where its value would not tell them all.
fn float(bits: u32) -> String {
    let value = f32::from_bits(bits);
    if value.is_normal() || bits == 0 { format!("{value:?}") } else { format!("{bits:#x}f") }
}
