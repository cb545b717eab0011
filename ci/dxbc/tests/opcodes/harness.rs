//! The one road by which these tests execute a program, and the table-driven evaluation of instructions.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::OnceLock;

use pvgpu_dxbc::token::opcode::Opcode;
use pvgpu_dxbc::{BindingLayout, CompileOptions, Compiled, Signatures};
use pvgpu_dxbc_tests::gpu::{Contents, Gpu};
use pvgpu_dxbc_tests::listing::assemble;
use pvgpu_dxbc_tests::validator::validate;

use crate::expect::Expected;

thread_local! {
    /// The opcodes of the programs that this thread, which is one test, has executed.
    static EXECUTED: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// The names of the opcodes that the test at hand has executed so far.
pub fn executed() -> BTreeSet<&'static str> {
    EXECUTED.with_borrow(Clone::clone)
}

/// The names of the opcodes of a program: those of its declarations too.
pub fn opcodes_of(tokens: &[u32]) -> BTreeSet<&'static str> {
    let mut opcodes = BTreeSet::new();
    let mut place = 2;
    while let Some(token) = tokens.get(place) {
        let opcode = Opcode::from_number(token & 0x7ff).expect("a known opcode");
        opcodes.insert(opcode.name());
        let length = if opcode == Opcode::CustomData { tokens[place + 1] } else { token >> 24 & 0x7f };
        place += length as usize;
    }
    opcodes
}

/// Notes the opcodes of a program that is about to be executed.
pub fn record(tokens: &[u32]) {
    EXECUTED.with_borrow_mut(|executed| executed.extend(opcodes_of(tokens)));
}

/// The device, which all tests share.
pub fn gpu() -> &'static Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(Gpu::open)
}

/// Whether the tests run on Mesa's llvmpipe, whose known deviations are noted where they are met.
pub fn on_llvmpipe() -> bool {
    gpu().driver() == "llvmpipe"
}

/// Translates tokens, has the module validated, and notes the opcodes: the program is about to be executed.
pub fn translate(tokens: &[u32], signatures: &Signatures) -> Compiled {
    let layout = BindingLayout::default();
    let options = CompileOptions::new(&layout, gpu().capabilities());
    let compiled = pvgpu_dxbc::compile(tokens, signatures, &options).unwrap_or_else(|error| {
        panic!("{error:?} in\n{}", pvgpu_dxbc::dump(tokens).unwrap_or_default());
    });
    validate("a test's program", &compiled.spirv);
    record(tokens);
    compiled
}

/// Executes a compute shader, given as a listing. `contents`: its bindings, in the order of the reflection.
pub fn execute(listing: &str, contents: &mut [Contents], groups: u32) {
    gpu().run(&translate(&assemble(listing), &Signatures::default()), contents, groups);
}

/// Executes a compute shader whose bindings are all buffers, which are changed in place.
pub fn execute_buffers(listing: &str, buffers: &mut [Vec<u32>], groups: u32) {
    let mut contents: Vec<Contents> = buffers.iter().cloned().map(Contents::Buffer).collect();
    execute(listing, &mut contents, groups);
    for (buffer, contents) in buffers.iter_mut().zip(&contents) {
        buffer.copy_from_slice(contents.dwords());
    }
}

/// The operands of one evaluation: up to four, a dword each.
pub type Case = [u32; 4];

/// One row of a table: instructions that compute r4 from r0 to r3 component by component, and what they give for one
/// component. r5 to r7 are free.
pub struct Row {
    /// The instructions.
    pub code: &'static str,
    /// What r4 must hold.
    pub expected: fn(Case) -> Expected,
}

/// Shorthand for [`Row`].
pub fn row(code: &'static str, expected: fn(Case) -> Expected) -> Row {
    Row { code, expected }
}

/// Threads of a group in [`check`].
const THREADS: usize = 64;

/// Evaluates each code, which computes r4 from r0 to r3, for each thread's r0 to r3: one dispatch. For each thread,
/// gives r4 after each code. r5 to r7 are free.
pub fn evaluate(flags: &str, codes: &[&str], inputs: &[[u32; 16]]) -> Vec<Vec<[u32; 4]>> {
    let mut code = String::new();
    for (n, row) in codes.iter().enumerate() {
        code += &format!("{row}\n store_raw u0.xyzw, r8.y, r4.xyzw\n");
        code += "mov r4.xyzw, l(0xdead, 0xdead, 0xdead, 0xdead)\n";
        if n + 1 < codes.len() {
            code += "iadd r8.y, r8.y, l(16)\n";
        }
    }
    let listing = format!(
        "cs_5_0
        dcl_globalFlags {flags}
        dcl_resource_raw t0
        dcl_uav_raw u0
        dcl_input vThreadID.x
        dcl_temps 9
        dcl_thread_group {THREADS}, 1, 1
        ishl r8.x, vThreadID.x, l(6)
        ld_raw r0.xyzw, r8.x, t0.xyzw
        iadd r8.y, r8.x, l(16)
        ld_raw r1.xyzw, r8.y, t0.xyzw
        iadd r8.y, r8.x, l(32)
        ld_raw r2.xyzw, r8.y, t0.xyzw
        iadd r8.y, r8.x, l(48)
        ld_raw r3.xyzw, r8.y, t0.xyzw
        imul null, r8.y, vThreadID.x, l({})
        {code}
        ret",
        16 * codes.len()
    );
    let threads = inputs.len().next_multiple_of(THREADS);
    let mut input = inputs.concat();
    input.resize(threads * 16, 0);
    let mut buffers = [input, vec![0; threads * 4 * codes.len()]];
    execute_buffers(&listing, &mut buffers, (threads / THREADS) as u32);
    let (results, _) = buffers[1].as_chunks::<4>();
    results.chunks(codes.len()).take(inputs.len()).map(<[_]>::to_vec).collect()
}

/// Evaluates every row for every case in one dispatch, and compares.
pub fn check(rows: &[Row], cases: &[Case]) {
    check_with_flags("refactoringAllowed", rows, cases);
}

/// As [`check`], with these global flags.
pub fn check_with_flags(flags: &str, rows: &[Row], cases: &[Case]) {
    // Four cases share a thread, one in each component.
    let mut inputs = vec![[0; 16]; cases.len().div_ceil(4)];
    for (n, case) in cases.iter().enumerate() {
        for (operand, value) in case.iter().enumerate() {
            inputs[n / 4][operand * 4 + n % 4] = *value;
        }
    }
    let codes: Vec<&str> = rows.iter().map(|row| row.code).collect();
    let results = evaluate(flags, &codes, &inputs);
    let mut wrong = Vec::new();
    for (n, case) in cases.iter().enumerate() {
        for (row, found) in rows.iter().zip(&results[n / 4]) {
            let found = found[n % 4];
            let expected = (row.expected)(*case);
            if !expected.allows(found) {
                let shown = case.map(|bits| format!("{bits:#x} ({:e})", f32::from_bits(bits))).join(", ");
                let value = f32::from_bits(found);
                wrong.push(format!("{}: of {shown}: {found:#x} ({value:e}), not {expected:?}", row.code));
            }
        }
    }
    fail_on(&wrong);
}

/// Fails if something is wrong, and shows the first of it.
pub fn fail_on(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}
