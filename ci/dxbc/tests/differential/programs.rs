//! Random programs: arithmetic, control flow and memory, of what vkd3d-shader translates as D3D11 has it.
//!
//! `PVGPU_DIFFERENTIAL=1-20000 cargo test --release -p pvgpu-dxbc-tests --test differential programs` runs more than the sample.

use pvgpu_dxbc::Reflection;
use pvgpu_dxbc_tests::gpu::Contents;
use pvgpu_dxbc_tests::random::Random;

use crate::opcodes::container;
use crate::support::{Outcome, Pair};

/// Programs in continuous integration; each takes a third of a second, nearly all of it in the device's compiler.
const SAMPLE: u64 = 100;
/// Statements of a program, not counting those inside of others.
const STATEMENTS: usize = 8;
/// Threads of a group; two groups run.
const THREADS: usize = 8;
/// Dwords that each thread writes in the end: r0 to r5.
const RESULTS: usize = 24;
/// Dwords of each source.
const SOURCE: usize = 256;

/// Instructions of two integer sources.
const INTEGER: [&str; 17] = [
    "iadd", "and", "or", "xor", "ishl", "ishr", "ushr", "imin", "imax", "umin", "umax", "ieq", "ine", "ilt",
    "ige", "ult", "uge",
];
/// Instructions of two float sources whose results do not depend on how multiplications and additions are joined.
const FLOAT: [&str; 9] = ["add", "mul", "min", "max", "eq", "ne", "lt", "ge", "div"];
/// Instructions of one float source.
const ROUNDING: [&str; 6] = ["frc", "round_ne", "round_ni", "round_pi", "round_z", "mov_sat"];

/// Writes a program. r0 to r2 hold integers, r3 to r5 floats, r6 an address, r7 a loop's counter, r8 a condition.
struct Writer {
    random: Random,
    code: String,
}

impl Writer {
    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.random.below(choices.len())]
    }

    fn line(&mut self, line: &str) {
        self.code += line;
        self.code.push('\n');
    }

    fn swizzle(&mut self) -> String {
        (0..4).map(|_| ["x", "y", "z", "w"][self.random.below(4)]).collect()
    }

    fn mask(&mut self) -> String {
        let mask: String = ["x", "y", "z", "w"].into_iter().filter(|_| self.random.below(4) > 0).collect();
        if mask.is_empty() { "xyzw".to_owned() } else { mask }
    }

    /// A source among the registers from `first` on, or a constant.
    fn source(&mut self, first: usize, literals: &[&str]) -> String {
        let register = first + self.random.below(3);
        let swizzle = self.swizzle();
        match self.random.below(8) {
            0 => {
                let parts: Vec<&str> = (0..4).map(|_| self.pick(literals)).collect();
                format!("l({})", parts.join(", "))
            }
            1 => format!("cb0[{}].{swizzle}", self.random.below(8)),
            2 if first == 3 => format!("-r{register}.{swizzle}"),
            3 if first == 3 => format!("|r{register}.{swizzle}|"),
            _ => format!("r{register}.{swizzle}"),
        }
    }

    fn integer(&mut self) -> String {
        self.source(0, &["0", "1", "-1", "31", "0x7fffffff", "0x80000000", "0xff00ff"])
    }

    fn float(&mut self) -> String {
        self.source(3, &["0.0", "1.0", "-1.5", "0.25", "100.0", "1000000.0"])
    }

    fn condition(&mut self) {
        let (a, b) = if self.random.below(2) == 0 {
            let op = self.pick(&INTEGER[11..]);
            (op, format!("{}, {}", self.integer(), self.integer()))
        } else {
            let op = self.pick(&FLOAT[4..8]);
            (op, format!("{}, {}", self.float(), self.float()))
        };
        self.line(&format!("{a} r8.x, {b}"));
    }

    fn statement(&mut self, depth: usize) {
        let register = self.random.below(3);
        let (integer, float) = (format!("r{register}"), format!("r{}", register + 3));
        let mask = self.mask();
        match self.random.below(if depth < 3 { 16 } else { 11 }) {
            0..=2 => {
                let line = format!(
                    "{} {integer}.{mask}, {}, {}",
                    self.pick(&INTEGER),
                    self.integer(),
                    self.integer()
                );
                self.line(&line);
            }
            3 | 4 => {
                let op = self.pick(&FLOAT);
                // Comparisons give integers.
                let target = if FLOAT[4..8].contains(&op) { &integer } else { &float };
                let line = format!("{op} {target}.{mask}, {}, {}", self.float(), self.float());
                self.line(&line);
            }
            5 => {
                let line = format!("{} {float}.{mask}, {}", self.pick(&ROUNDING), self.float());
                self.line(&line);
            }
            6 => {
                let (a, b, c) = (self.integer(), self.integer(), self.integer());
                let line =
                    format!("{} {integer}.{mask}, {a}, {b}, {c}", self.pick(&["imad", "movc", "ubfe"]));
                self.line(&line);
            }
            7 => {
                let line = format!("{} {float}.{mask}, {}", self.pick(&["itof", "utof"]), self.integer());
                self.line(&line);
            }
            8 => {
                let line = format!(
                    "{} {integer}.{mask}, {}",
                    self.pick(&["not", "ineg", "countbits", "bfrev"]),
                    self.integer()
                );
                self.line(&line);
            }
            9 => {
                // Loads of dwords at any address; what lies outside reads as zero.
                let (address, swizzle) = (self.integer(), self.swizzle());
                self.line(&format!("and r6.x, {address}, l(0x7fc)"));
                self.line(&format!("ld_raw {integer}.{mask}, r6.x, t0.{swizzle}"));
            }
            10 => {
                // An element of an array, of four.
                let (index, value) = (self.integer(), self.integer());
                self.line(&format!("and r6.x, {index}, l(3)"));
                self.line(&format!("mov x0[r6.x + 0].xyzw, {value}"));
                let index = self.integer();
                self.line(&format!("and r6.x, {index}, l(3)"));
                let swizzle = self.swizzle();
                self.line(&format!("mov {integer}.{mask}, x0[r6.x + 0].{swizzle}"));
            }
            11 | 12 => {
                self.condition();
                let test = self.pick(&["if_nz", "if_z"]);
                self.line(&format!("{test} r8.x"));
                self.block(depth + 1);
                if self.random.below(2) == 0 {
                    self.line("else");
                    self.block(depth + 1);
                }
                self.line("endif");
            }
            13 | 14 => {
                let counter = ["x", "y", "z", "w"][depth];
                self.line(&format!("mov r7.{counter}, l(0)"));
                self.line("loop");
                let rounds = 1 + self.random.below(4);
                self.line(&format!("uge r8.x, r7.{counter}, l({rounds})"));
                self.line("breakc_nz r8.x");
                self.line(&format!("iadd r7.{counter}, r7.{counter}, l(1)"));
                self.block(depth + 1);
                if self.random.below(3) == 0 {
                    self.condition();
                    let leave = self.pick(&["breakc_nz r8.x", "continuec_nz r8.x"]);
                    self.line(leave);
                    self.block(depth + 1);
                }
                self.line("endloop");
            }
            _ => {
                let value = self.integer();
                self.line(&format!("and r6.x, {value}, l(3)"));
                self.line("switch r6.x");
                for case in 0..1 + self.random.below(3) {
                    self.line(&format!("case l({case})"));
                    self.block(depth + 1);
                    self.line("break");
                }
                self.line("default");
                self.block(depth + 1);
                self.line("break");
                self.line("endswitch");
            }
        }
    }

    fn block(&mut self, depth: usize) {
        for _ in 0..1 + self.random.below(3) {
            self.statement(depth);
        }
    }
}

/// The random part of a program.
fn code(seed: u64) -> String {
    let mut writer =
        Writer { random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1), code: String::new() };
    for _ in 0..STATEMENTS {
        writer.statement(0);
    }
    writer.code
}

/// A whole program around that: loads before it, stores after it.
fn listing(code: &str) -> String {
    let stores: String = (0..6)
        .map(|n| format!("iadd r6.y, r6.x, l({})\nstore_raw u0.xyzw, r6.y, r{n}.xyzw\n", 16 * n))
        .collect();
    format!(
        "cs_5_0
        dcl_globalFlags refactoringAllowed
        dcl_constantbuffer cb0[8], immediateIndexed
        dcl_resource_raw t0
        dcl_uav_raw u0
        dcl_input vThreadID.x
        dcl_temps 9
        dcl_indexableTemp x0[4], 4
        dcl_thread_group {THREADS}, 1, 1
        ishl r6.x, vThreadID.x, l(5)
        {}
        mov x0[0].xyzw, r0.xyzw
        mov x0[1].xyzw, r1.xyzw
        mov x0[2].xyzw, r2.xyzw
        mov x0[3].xyzw, r3.xyzw
        {}
        imul null, r6.x, vThreadID.x, l({})
        {stores}
        ret",
        (0..6)
            .map(|n| format!("iadd r6.y, r6.x, l({})\nld_raw r{n}.xyzw, r6.y, t0.xyzw\n", 16 * n))
            .collect::<String>(),
        code,
        4 * RESULTS
    )
}

/// Small integers and floats, and any bits but those of NaN: which NaN an instruction gives is free, and integers see it.
fn value(random: &mut Random) -> u32 {
    match random.below(4) {
        0 => random.below(64) as u32,
        1 => random.dword() & 0x7f7f_ffff,
        _ => ((random.below(2001) as f32 - 1000.0) / 125.0).to_bits(),
    }
}

/// The seeds to run: `PVGPU_DIFFERENTIAL` is the first and the last of them, as in `1-20000`; otherwise a sample.
fn seeds() -> std::ops::RangeInclusive<u64> {
    let Ok(text) = std::env::var("PVGPU_DIFFERENTIAL") else { return 1..=SAMPLE };
    let (first, last) = text.split_once('-').expect("PVGPU_DIFFERENTIAL is FIRST-LAST");
    first.parse().expect("a number")..=last.parse().expect("a number")
}

/// Runs a program over the inputs of its seed.
fn run(pair: &mut Pair, seed: u64, code: &str) -> Outcome {
    let mut random = Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) | 1);
    let make = |_: &Reflection| {
        let mut dwords = |count| Contents::Buffer((0..count).map(|_| value(&mut random)).collect());
        vec![dwords(32), dwords(SOURCE), Contents::Buffer(vec![0; 2 * THREADS * RESULTS])]
    };
    pair.compare(&container(&listing(code)), make, 2)
}

/// The same program without what does not matter for the difference: lines, and blocks with all that is in them.
fn shrink(pair: &mut Pair, seed: u64, code: &str) -> String {
    let mut lines: Vec<String> = code.lines().map(str::to_owned).collect();
    let mut at = 0;
    while at < lines.len() {
        let mut shorter = lines.clone();
        shorter.drain(at..=end_of(&lines, at));
        let inner =
            ["else", "end", "case", "default", "break"].iter().any(|word| lines[at].starts_with(word));
        if !inner && matches!(run(pair, seed, &shorter.join("\n")), Outcome::Different(_)) {
            lines = shorter;
        } else {
            at += 1;
        }
    }
    lines.join("\n")
}

/// The last line of the block that begins in a line; that line itself if none does.
fn end_of(lines: &[String], start: usize) -> usize {
    let mut depth = 0;
    for (place, line) in lines.iter().enumerate().skip(start) {
        depth += i32::from(["if_", "loop", "switch"].iter().any(|word| line.starts_with(word)));
        depth -= i32::from(line.starts_with("end"));
        if depth <= 0 {
            return place;
        }
    }
    start
}

#[test]
fn random_programs_compute_the_same() {
    let mut pair = Pair::new();
    let (mut same, mut refused, mut failures) = (0, 0, Vec::new());
    for seed in seeds() {
        let code = code(seed);
        match run(&mut pair, seed, &code) {
            Outcome::Same => same += 1,
            Outcome::NotTranslated(reason) => {
                eprintln!("{seed}: {reason}");
                refused += 1;
            }
            Outcome::Different(_) => {
                eprintln!("{seed}: differs");
                failures.push((seed, code));
            }
        }
    }
    let seeds: Vec<u64> = failures.iter().map(|(seed, _)| *seed).collect();
    eprintln!(
        "{same} programs agree, {refused} were not translated by vkd3d-shader, these differ: {seeds:?}"
    );
    if let Some((seed, code)) = failures.first() {
        let code = shrink(&mut pair, *seed, code);
        let outcome = run(&mut pair, *seed, &code);
        panic!("seed {seed}: {outcome:x?} in\n{}", listing(&code));
    }
    assert!(refused <= same / 10, "{refused} programs were not translated by vkd3d-shader");
}
