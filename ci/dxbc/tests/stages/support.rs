//! Fixtures compiled for a device, one after another in the pipeline; stream output and what it captured.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use pvgpu_dxbc::{
    BindingLayout, CompileOptions, Compiled, ShaderStage, Signatures, StreamOutput, StreamOutputEntry,
};
use pvgpu_dxbc_tests::fixture;
use pvgpu_dxbc_tests::gpu::{Gpu, Stage};
use pvgpu_dxbc_tests::validator::validate;

/// A program and its signatures.
#[derive(Clone)]
pub struct Program {
    /// For messages.
    pub name: String,
    /// The token stream.
    pub tokens: Vec<u32>,
    /// The signatures.
    pub signatures: Signatures,
}

/// The program of a fixture.
pub fn program(name: &str) -> Program {
    let fixture = fixture::named(name);
    Program { name: name.into(), tokens: fixture.shader.tokens, signatures: fixture.shader.signatures }
}

/// Programs in the order of the pipeline, compiled for the device: each knows what the stage before writes, and the
/// last before the pixel shader captures the stream output, if there is any.
pub fn link_programs(gpu: &Gpu, programs: &[Program], output: Option<&StreamOutput>) -> Vec<Compiled> {
    let layout = BindingLayout::default();
    let captures = programs.iter().rposition(|program| program.tokens[0] >> 16 != 0);
    let mut linked: Vec<Compiled> = Vec::new();
    for (n, program) in programs.iter().enumerate() {
        let mut options = CompileOptions::new(&layout, gpu.capabilities());
        if let Some(before) = linked.last().map(|before| &before.reflection) {
            options.previous_stage_outputs = Some(before.output_mask());
            options.previous_stage_system_values = Some(before.output_system_values());
            options.previous_stage_patch_constants = Some(before.patch_constant_mask());
        }
        options.stream_output = output.filter(|_| captures == Some(n));
        let compiled = pvgpu_dxbc::compile(&program.tokens, &program.signatures, &options);
        let compiled = compiled.unwrap_or_else(|error| panic!("{}: {error}", program.name));
        validate_once(&program.name, &compiled.spirv);
        linked.push(compiled);
    }
    assert!(linked.first().is_some_and(|first| first.reflection.stage == ShaderStage::Vertex));
    linked
}

/// The validator is a process each time: a module is shown to it once.
fn validate_once(name: &str, spirv: &[u32]) {
    static SEEN: Mutex<BTreeSet<Vec<u32>>> = Mutex::new(BTreeSet::new());
    let seen = || SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if !seen().contains(spirv) {
        validate(name, spirv);
        seen().insert(spirv.to_vec());
    }
}

/// As [`link_programs`], of fixtures without stream output.
pub fn link(gpu: &Gpu, names: &[&str]) -> Vec<Compiled> {
    link_programs(gpu, &names.iter().map(|name| program(name)).collect::<Vec<_>>(), None)
}

/// Stages without bindings.
pub fn stages(linked: &[Compiled]) -> Vec<Stage<'_>> {
    linked.iter().map(Stage::new).collect()
}

/// The entry that captures a whole element of an output signature.
pub fn capture(program: &Program, semantic: &str, stream: u32, buffer: u32) -> StreamOutputEntry {
    let elements = &program.signatures.output;
    let element = elements
        .iter()
        .find(|element| element.stream == stream && element.semantic_name.eq_ignore_ascii_case(semantic));
    let element = element.unwrap_or_else(|| panic!("{} has no {semantic}: {elements:?}", program.name));
    StreamOutputEntry {
        stream,
        register: Some(element.register),
        first_component: element.mask.trailing_zeros(),
        component_count: element.mask.count_ones(),
        buffer,
    }
}

/// Stream output of whole elements of stream 0 to buffer 0, without rasterization.
pub fn capture_all(program: &Program, semantics: &[&str]) -> StreamOutput {
    let entries = semantics.iter().map(|semantic| capture(program, semantic, 0, 0)).collect();
    StreamOutput { entries, strides: [0; 4], rasterized_stream: None }
}

/// The vertices that a feedback buffer got: rows of `dwords`. What lies behind them must be untouched.
pub fn rows(buffer: &[u32], dwords: usize, count: usize) -> Vec<Vec<u32>> {
    let (written, rest) = buffer.split_at(dwords * count);
    let mark = pvgpu_dxbc_tests::gpu::FEEDBACK_MARK;
    assert!(rest.iter().all(|dword| *dword == mark), "more than {count} vertices were written");
    written.chunks(dwords).map(<[u32]>::to_vec).collect()
}
