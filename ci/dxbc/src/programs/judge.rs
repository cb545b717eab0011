//! Compares what a device computed with what the interpreter permits.

use pvgpu_dxbc::token::opcode::Opcode;
use pvgpu_dxbc::token::operand::RegisterFile;
use pvgpu_dxbc::token::program::Program;
use pvgpu_dxbc::{
    BindingClass, BindingLayout, CompileOptions, Compiled, Error, Signatures, TargetCapabilities,
};

use super::Case;
use crate::assembler::constant;
use crate::gpu_batch::Job;
use crate::interpreter::{Machine, Memory, Stop, Value};

/// Instructions that all threads of a program may run together: far above what the generator's loops can reach.
const STEPS: u64 = 200_000;

/// The sign of a float.
const SIGN: u32 = 1 << 31;
/// The constant buffer of [`without_immediates`].
const IMMEDIATES: u32 = 1;

/// The same program with its 32-bit immediates in a constant buffer, where no driver can compute with them ahead.
pub fn without_immediates(case: &Case) -> Case {
    let mut case = case.clone();
    let mut dwords = Vec::new();
    for instruction in &mut case.assembly.instructions {
        // The values of cases are no operands.
        if instruction.opcode == Opcode::Case {
            continue;
        }
        for operand in &mut instruction.operands {
            if operand.file != RegisterFile::Immediate32 {
                continue;
            }
            let mut element = [operand.immediate[0]; 4];
            if let [x, y, z, w] = operand.immediate[..] {
                element = [x, y, z, w];
            }
            let modifier = operand.modifier;
            *operand = constant(IMMEDIATES, dwords.len() as u32 / 4);
            operand.modifier = modifier;
            dwords.extend(element);
        }
    }
    if !dwords.is_empty() {
        case.assembly.constant_buffer(IMMEDIATES, dwords.len() as u32 / 4, false);
        case.memory.constant_buffers.insert(IMMEDIATES, dwords);
    }
    case
}

/// What the interpreter makes of a program's bindings.
///
/// # Errors
/// See [`Stop`].
pub fn interpret(case: &Case) -> Result<Memory, Stop> {
    let program = Program::parse(&case.assembly.tokens()).map_err(|_| Stop::Malformed("the tokens"))?;
    let mut memory = case.memory.clone();
    Machine::new(&program)?.run(&mut memory, case.groups, STEPS)?;
    Ok(memory)
}

/// Translates a program.
///
/// # Errors
/// As [`pvgpu_dxbc::compile`].
pub fn translate(case: &Case) -> Result<Compiled, Error> {
    let layout = BindingLayout::default();
    let options = CompileOptions::new(&layout, target());
    pvgpu_dxbc::compile(&case.assembly.tokens(), &Signatures::default(), &options)
}

/// lavapipe has it, and D3D11's rules for NaN and zeros need it.
fn target() -> TargetCapabilities {
    TargetCapabilities { shader_signed_zero_inf_nan_preserve_float32: true, ..TargetCapabilities::default() }
}

/// What the compiler's passes make of a program, step by step.
pub fn trace(case: &Case) -> String {
    let layout = BindingLayout::default();
    let options = CompileOptions::new(&layout, target());
    let mut text = String::new();
    let shown =
        pvgpu_dxbc::trace(&case.assembly.tokens(), &Signatures::default(), &options, |step, module| {
            text.push_str(&format!("\n== {} ==\n{module}", step.name()));
        });
    if let Err(error) = shown {
        text.push_str(&format!("\n{error}"));
    }
    text
}

/// The values of a binding.
fn values(memory: &Memory, class: BindingClass, slot: u32) -> Vec<Value> {
    let missing = "the case has no such binding";
    match class {
        BindingClass::ConstantBuffer => {
            let dwords = memory.constant_buffers.get(&slot).expect(missing);
            dwords.iter().map(|dword| Value::Exact(*dword)).collect()
        }
        BindingClass::ShaderResource => memory.resources.get(&slot).expect(missing).clone(),
        BindingClass::UnorderedAccess => memory.views.get(&slot).expect(missing).clone(),
        BindingClass::UnorderedAccessCounter => {
            vec![*memory.counters.get(&slot).expect(missing)]
        }
        BindingClass::Sampler | BindingClass::RenderTarget => Vec::new(),
    }
}

/// The work for the device.
pub fn job(case: &Case, shader: Compiled) -> Job {
    let contents = shader
        .reflection
        .bindings
        .iter()
        .map(|binding| {
            let values = values(&case.memory, binding.class, binding.slot);
            values.iter().map(|value| value.exact().expect("bindings start with known values")).collect()
        })
        .collect();
    Job { shader, contents, groups: case.groups }
}

/// How many dwords were compared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Compared {
    /// All of them that a program can write.
    pub dwords: u64,
    /// Those with one permitted result.
    pub exact: u64,
    /// Differences between a zero and the zero of the other sign.
    pub zero_signs: u64,
}

/// What differs, a line each, from `expected` in what the device left; and how much was compared.
pub fn differences(expected: &Memory, job: &Job) -> (Vec<String>, Compared) {
    let mut lines = Vec::new();
    let mut compared = Compared::default();
    for (binding, found) in job.shader.reflection.bindings.iter().zip(&job.contents) {
        if !matches!(binding.class, BindingClass::UnorderedAccess | BindingClass::UnorderedAccessCounter) {
            continue;
        }
        let expected = values(expected, binding.class, binding.slot);
        for (n, (expected, found)) in expected.iter().zip(found).enumerate() {
            compared.dwords += 1;
            compared.exact += u64::from(expected.exact().is_some());
            if !expected.admits(*found) {
                compared.zero_signs += u64::from(expected.admits(found ^ SIGN) && found & !SIGN == 0);
                let (class, slot) = (binding.class, binding.slot);
                let expected = match expected {
                    Value::Exact(bits) => format!("{bits:#010x} ({})", f32::from_bits(*bits)),
                    other => format!("{other:?}"),
                };
                lines.push(format!(
                    "{class:?} {slot}, dword {n}: the device {found:#010x} ({}), the interpreter {expected}",
                    f32::from_bits(*found)
                ));
            }
        }
    }
    (lines, compared)
}
