//! Writing SPIR-V: a module of the intermediate representation to words.
//!
//! rspirv supplies the enumerations and, in the tool and the tests, the disassembler. Its `dr::Builder` is not used
//! for writing: it looks each opcode up in a list from the front and allocates per instruction, which costs more than
//! the whole translation. The sections come in the order of the SPIR-V specification, section 2.4.

use rspirv::spirv::{AddressingModel, Decoration, ExecutionModel, MemoryModel, Op, Word};

use crate::ir::{Code, GLSL, Module};

/// SPIR-V 1.6, the version of Vulkan 1.3.
const VERSION: u32 = 0x0001_0600;

/// The words of a module whose entry point `main` is the function `entry`.
pub fn write(module: &Module, model: ExecutionModel, entry: Word) -> Vec<u32> {
    let mut words = vec![rspirv::spirv::MAGIC_NUMBER, VERSION, 0, module.bound(), 0];
    words.reserve(module.function_words() + module.globals.words() + module.annotations.words() + 256);
    for capability in &module.capabilities {
        push(&mut words, Op::Capability, &[&[*capability]]);
    }
    for extension in &module.extensions {
        let start = words.len();
        words.push(0);
        push_string(&mut words, extension);
        finish(&mut words, start, Op::Extension);
    }
    let start = words.len();
    words.extend([0, GLSL]);
    push_string(&mut words, "GLSL.std.450");
    finish(&mut words, start, Op::ExtInstImport);
    push(&mut words, Op::MemoryModel, &[&[AddressingModel::Logical as u32, MemoryModel::GLSL450 as u32]]);
    let start = words.len();
    words.extend([0, model as u32, entry]);
    push_string(&mut words, "main");
    // Since SPIR-V 1.4 the interface lists all global variables.
    words.extend(module.globals.instructions().iter().filter(|i| i.op == Op::Variable).map(|i| i.result));
    finish(&mut words, start, Op::EntryPoint);
    push_code(&mut words, &module.execution_modes);
    for (id, name) in module.names() {
        let start = words.len();
        words.extend([0, id]);
        push_string(&mut words, name);
        finish(&mut words, start, Op::Name);
    }
    push_code(&mut words, &module.annotations);
    for function in &module.functions {
        for instruction in function.code.instructions().iter().filter(|instruction| instruction.exact) {
            push(&mut words, Op::Decorate, &[&[instruction.result, Decoration::NoContraction as u32]]);
        }
    }
    push_code(&mut words, &module.globals);
    for function in &module.functions {
        push_code(&mut words, &function.code);
    }
    words
}

fn push_code(words: &mut Vec<u32>, code: &Code) {
    for (instruction, operands) in code.iter() {
        let ty = [instruction.ty];
        let result = [instruction.result];
        let ty = if instruction.ty == 0 { &[][..] } else { &ty };
        let result = if instruction.result == 0 { &[][..] } else { &result };
        push(words, instruction.op, &[ty, result, operands]);
    }
}

/// Appends an instruction; `parts` are its operands in order.
fn push(words: &mut Vec<u32>, op: Op, parts: &[&[u32]]) {
    let start = words.len();
    words.push(0);
    for part in parts {
        words.extend_from_slice(part);
    }
    finish(words, start, op);
}

/// Writes the opcode and word count of the instruction that starts at `start`.
fn finish(words: &mut [u32], start: usize, op: Op) {
    // The longest instruction is a constant array of 4,097 elements, an OpSwitch of as many cases as one program
    // has, which `flow` limits, or an entry point of some thousand variables: all below 65,536 words. An OpPhi has two
    // words for each block that jumps to its own, which `pass::promote` limits.
    let count = (words.len() - start) as u32;
    if let Some(first) = words.get_mut(start) {
        *first = count << 16 | op as u32;
    }
}

/// Appends a string literal: UTF-8, a zero byte, zeros up to a whole word.
fn push_string(words: &mut Vec<u32>, text: &str) {
    let (chunks, rest) = text.as_bytes().as_chunks::<4>();
    words.extend(chunks.iter().map(|chunk| u32::from_le_bytes(*chunk)));
    let mut last = [0; 4];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    words.push(u32::from_le_bytes(last));
}
