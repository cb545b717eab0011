//! Random programs: what the compiler makes of them computes, on a Vulkan device, what the specification says.
//!
//! `PVGPU_PROGRAMS`: how many (10,000). `PVGPU_SEED`: the first seed (0). `PVGPU_VALIDATE=all`: spirv-val sees every
//! module, not each fiftieth. `PVGPU_TRACE=1`: reports show the representation after each pass too.
//!
//! Values of `GALLIVM_PERF` and `LP_NATIVE_VECTOR_WIDTH` are kept if both are set; else the test sets its own.
//! What is wrong is told as soon as it is seen, and the third failure ends the test.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pvgpu_dxbc::token::opcode::{Opcode, OperandForm};
use pvgpu_dxbc_tests::gpu_batch::BatchGpu;
use pvgpu_dxbc_tests::interpreter::Stop;
use pvgpu_dxbc_tests::programs::{Case, generator, judge, shrink};
use pvgpu_dxbc_tests::validator;

/// Programs in one submission.
const BATCH: u64 = 16;
/// Devices, each with its own thread: the driver compiles on the thread that submits.
const THREADS: usize = 2;
/// Of how many modules spirv-val sees one; starting it costs more than the rest of the test of one program.
const VALIDATED: u64 = 50;
/// Failures that end the test; each is shrunk and reported.
const REPORTED: usize = 3;
/// Programs that the shrinker of one failure may run, and for how long.
const SHRINKING: (u32, Duration) = (200, Duration::from_secs(20));
/// Differences that a report shows.
const SHOWN: usize = 8;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Instructions that a program over buffers may have, of the format's: without those for textures, pixels and
/// primitives, feedback and interfaces.
fn all_opcodes() -> usize {
    let other = [
        "cut", "deriv", "discard", "emit", "ld_ms", "resinfo", "sample", "lod", "gather4", "eval", "msad",
        "fcall",
    ];
    let counted = (0..0x800).filter_map(Opcode::from_number);
    let counted = counted.filter(|opcode| matches!(opcode.form(), OperandForm::Counted(..)));
    counted.filter(|opcode| !other.iter().any(|prefix| opcode.name().starts_with(prefix))).count()
}

/// A program that went wrong.
struct Failure {
    seed: u64,
    case: Case,
    /// Whether it ran and computed something else, so that it can be shrunk.
    differs: bool,
}

/// What the test has seen so far.
#[derive(Default)]
struct Tally {
    programs: u64,
    undetermined: u64,
    instructions: u64,
    compared: judge::Compared,
    /// Programs that agreed only with their immediates in a constant buffer, see [`agrees_without_immediates`].
    folded: u64,
    opcodes: BTreeSet<&'static str>,
    failures: Vec<Failure>,
}

/// The listing of a program, shrunk, and what differs.
fn report(gpu: &BatchGpu, failure: &Failure) -> String {
    let Failure { seed, case, differs } = failure;
    let (attempts, time) = SHRINKING;
    let small = if *differs { shrink::shrink(gpu, case, attempts, time) } else { case.clone() };
    let lines = if *differs { shrink::failure(gpu, &small).unwrap_or_default() } else { Vec::new() };
    let listing = pvgpu_dxbc::dump(&small.assembly.tokens()).unwrap();
    let count = lines.len();
    let lines = lines[..count.min(SHOWN)].join("\n");
    let mut text = format!(
        "seed {seed}, {count} dwords differ:\n{lines}\n{listing}\ngroups: {}, {:x?}",
        small.groups, small.memory
    );
    if std::env::var_os("PVGPU_TRACE").is_some() {
        text.push_str(&judge::trace(&small));
    }
    text
}

/// Whether the program agrees if the driver does not know its immediates: a second chance for programs in which the
/// signs of zeros differ, and what was computed from them; [`pvgpu_dxbc_tests::programs`] says why.
fn agrees_without_immediates(gpu: &BatchGpu, case: &Case) -> bool {
    let case = judge::without_immediates(case);
    let Ok(expected) = judge::interpret(&case) else { return false };
    let Ok(shader) = judge::translate(&case) else { return false };
    let mut jobs = [judge::job(&case, shader)];
    gpu.run(&mut jobs);
    judge::differences(&expected, &jobs[0]).0.is_empty()
}

/// Generates, interprets, translates and runs the programs of these seeds.
fn batch(gpu: &BatchGpu, seeds: std::ops::Range<u64>, validate_all: bool, tally: &Mutex<Tally>) {
    let mut cases = Vec::new();
    let mut jobs = Vec::new();
    let mut undetermined = 0;
    let mut failures = Vec::new();
    let mut fail = |seed: u64, case: &Case, differs, lines: &[String]| {
        println!("seed {seed} fails:\n{}", lines[..lines.len().min(SHOWN)].join("\n"));
        failures.push(Failure { seed, case: case.clone(), differs });
    };
    for seed in seeds {
        let case = generator::generate(seed);
        let expected = match judge::interpret(&case) {
            Ok(expected) => expected,
            Err(Stop::Undetermined(_)) => {
                undetermined += 1;
                continue;
            }
            Err(stop) => {
                fail(seed, &case, false, &[format!("the interpreter: {stop:?}")]);
                continue;
            }
        };
        let shader = match judge::translate(&case) {
            Ok(shader) => shader,
            Err(error) => {
                fail(seed, &case, false, &[format!("the compiler: {error}")]);
                continue;
            }
        };
        if validate_all || seed % VALIDATED == 0 {
            validator::validate(&format!("seed {seed}"), &shader.spirv);
        }
        jobs.push(judge::job(&case, shader));
        cases.push((seed, case, expected));
    }
    gpu.run(&mut jobs);
    let mut compared = judge::Compared::default();
    let mut folded = 0;
    for ((seed, case, expected), job) in cases.iter().zip(&jobs) {
        let (lines, some) = judge::differences(expected, job);
        compared.dwords += some.dwords;
        compared.exact += some.exact;
        if some.zero_signs > 0 && agrees_without_immediates(gpu, case) {
            folded += 1;
        } else if !lines.is_empty() {
            fail(*seed, case, true, &lines);
        }
    }
    let mut tally = tally.lock().unwrap();
    tally.programs += cases.len() as u64;
    tally.undetermined += undetermined;
    tally.folded += folded;
    tally.compared.dwords += compared.dwords;
    tally.compared.exact += compared.exact;
    for (_, case, _) in &cases {
        tally.instructions += case.assembly.instructions.len() as u64;
        tally.opcodes.extend(case.assembly.instructions.iter().map(|instruction| instruction.opcode.name()));
    }
    tally.failures.append(&mut failures);
}

/// Variables of Mesa: LLVM compiles without its optimisations, and for vectors of 128 bits. Compiling takes most of the
/// time, and this halves it; what the compiler under test does stays the same.
const QUICKLY: [(&str, &str); 2] = [("GALLIVM_PERF", "nopt"), ("LP_NATIVE_VECTOR_WIDTH", "128")];

/// Whether Mesa is already told to compile quickly. If not, runs this test in a process that tells it so.
fn compiles_quickly() -> bool {
    if QUICKLY.iter().all(|(name, _)| std::env::var_os(name).is_some()) {
        return true;
    }
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "random_programs_agree", "--nocapture"]).envs(QUICKLY);
    assert!(command.status().unwrap().success(), "see above");
    false
}

#[test]
fn random_programs_agree() {
    if !compiles_quickly() {
        return;
    }
    let (programs, first) = (number("PVGPU_PROGRAMS", 10_000), number("PVGPU_SEED", 0));
    let validate_all = std::env::var("PVGPU_VALIDATE").is_ok_and(|value| value == "all");
    let start = Instant::now();
    let next = AtomicU64::new(first);
    let tally = Mutex::new(Tally::default());
    let work = || {
        let gpu = BatchGpu::open();
        loop {
            let left = {
                let tally = tally.lock().unwrap();
                if tally.failures.len() >= REPORTED { 0 } else { programs.saturating_sub(tally.programs) }
            };
            if left == 0 {
                break;
            }
            let count = left.min(BATCH);
            let seed = next.fetch_add(count, Ordering::Relaxed);
            batch(&gpu, seed..seed + count, validate_all, &tally);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    let tally = tally.into_inner().unwrap();
    println!(
        "{} programs from seed {first} ({} more undetermined, {} with constants in a buffer), {} instructions, {} of {} opcodes, {} of {} dwords exact, \
         {:.0} s",
        tally.programs,
        tally.undetermined,
        tally.folded,
        tally.instructions,
        tally.opcodes.len(),
        all_opcodes(),
        tally.compared.exact,
        tally.compared.dwords,
        start.elapsed().as_secs_f32()
    );
    // Only now, when no other thread wants the processors.
    if !tally.failures.is_empty() {
        let gpu = BatchGpu::open();
        for failure in tally.failures.iter().take(REPORTED) {
            println!("\n{}", report(&gpu, failure));
        }
    }
    let seeds: Vec<u64> = tally.failures.iter().map(|failure| failure.seed).collect();
    assert!(seeds.is_empty(), "seeds {seeds:?} fail");
}
