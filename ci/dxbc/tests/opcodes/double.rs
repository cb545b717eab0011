//! Double precision (specification 22.14 to 22.17, 3.1.4): IEEE 754, so exact but for `drcp`, which may be a unit off.

use pvgpu_dxbc_tests::random::Random;

use crate::coverage::tests;
use crate::harness::{evaluate, fail_on, on_llvmpipe};

tests! {
    arithmetic: "dadd", "dmul", "ddiv", "dfma", "drcp", "dmin", "dmax";
    comparisons: "deq", "dne", "dlt", "dge";
    moves: "dmov", "dmovc";
    conversions_from_doubles: "dtof", "dtoi", "dtou";
    conversions_to_doubles: "ftod", "itod", "utod";
    literals_and_masks: "dadd", "dmov", "dmul";
}

const FLAGS: &str = "refactoringAllowed | enableDoublePrecisionFloatOps | enable11_1DoubleExtensions";

/// Doubles of every class, and around the limits of integers and floats.
const DOUBLES: [f64; 30] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    1.5,
    -2.5,
    0.1,
    -3.7,
    1e-300,
    5e-324,
    -2.2e-308,
    f64::MIN_POSITIVE,
    f64::MAX,
    f64::MIN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    2_147_483_647.0,
    2_147_483_647.5,
    2_147_483_648.0,
    -2_147_483_648.5,
    -2_147_483_649.0,
    4_294_967_295.0,
    4_294_967_295.5,
    4_294_967_296.0,
    3.402_823_5e38,
    3.5e38,
    1.000_000_06,
    9_007_199_254_740_993.0,
    -1e-40,
];

/// Triples of doubles: all pairs with some third, and random bits.
fn cases() -> Vec<[f64; 3]> {
    let mut numbers = Random(0xd0b1e);
    let mut cases = Vec::new();
    for a in DOUBLES {
        for b in DOUBLES {
            cases.push([a, b, DOUBLES[numbers.below(DOUBLES.len())]]);
        }
    }
    for _ in 0..2000 {
        cases.push([(); 3].map(|()| {
            let bits = u64::from(numbers.dword()) << 32 | u64::from(numbers.dword());
            // Half of them with exponents near 0, so that sums and products are of interest.
            f64::from_bits(if bits & 1 == 0 {
                bits
            } else {
                bits & !(0x7fe << 52) | 0x3fe << 52 | 1 << 63 & bits
            })
        }));
    }
    cases
}

fn halves(value: f64) -> [u32; 2] {
    [value.to_bits() as u32, (value.to_bits() >> 32) as u32]
}

fn whole(low: u32, high: u32) -> f64 {
    f64::from_bits(u64::from(low) | u64::from(high) << 32)
}

/// Inputs: two cases a thread, the first in xy and the second in zw of r0 (a), r1 (b) and r2 (c).
fn inputs(cases: &[[f64; 3]]) -> Vec<[u32; 16]> {
    let mut inputs = vec![[0; 16]; cases.len().div_ceil(2)];
    for (n, case) in cases.iter().enumerate() {
        for (operand, value) in case.iter().enumerate() {
            let start = operand * 4 + n % 2 * 2;
            inputs[n / 2][start..start + 2].copy_from_slice(&halves(*value));
        }
    }
    inputs
}

type Wide = (&'static str, fn([f64; 3], f64) -> bool);

/// Evaluates codes whose r4 are two doubles; each judges its result.
fn check_doubles(rows: &[Wide]) {
    let cases = cases();
    let codes: Vec<&str> = rows.iter().map(|row| row.0).collect();
    let results = evaluate(FLAGS, &codes, &inputs(&cases));
    let mut wrong = Vec::new();
    for (n, case) in cases.iter().enumerate() {
        for ((code, judge), found) in rows.iter().zip(&results[n / 2]) {
            let found = whole(found[n % 2 * 2], found[n % 2 * 2 + 1]);
            if !judge(*case, found) {
                wrong.push(format!("{code} of {case:?}: {found:e}"));
            }
        }
    }
    fail_on(&wrong);
}

type Narrow = (&'static str, fn([f64; 3], u32) -> bool);

/// Evaluates codes whose r4.xy are one dword for each case.
fn check_dwords(rows: &[Narrow]) {
    let cases = cases();
    let codes: Vec<&str> = rows.iter().map(|row| row.0).collect();
    let results = evaluate(FLAGS, &codes, &inputs(&cases));
    let mut wrong = Vec::new();
    for (n, case) in cases.iter().enumerate() {
        for ((code, judge), found) in rows.iter().zip(&results[n / 2]) {
            if !judge(*case, found[n % 2]) {
                wrong.push(format!("{code} of {case:?}: {:#x}", found[n % 2]));
            }
        }
    }
    fail_on(&wrong);
}

/// The same double; any NaN for a NaN.
fn same(expected: f64, found: f64) -> bool {
    expected.to_bits() == found.to_bits() || expected.is_nan() && found.is_nan()
}

/// The minimum or maximum: as for floats, the number if one only is, and zeros of either sign.
fn extreme(chosen: f64, found: f64) -> bool {
    same(chosen, found) || chosen == 0.0 && found == 0.0
}

fn clamped(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) }
}

fn arithmetic() {
    check_doubles(&[
        ("dadd r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, _], found| same(a + b, found)),
        ("dadd r4.xyzw, -r0.xyzw, |r1.xyzw|", |[a, b, _], found| same(-a + b.abs(), found)),
        ("dadd_sat r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, _], found| extreme(clamped(a + b), found)),
        ("dmul r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, _], found| same(a * b, found)),
        ("dmul r4.xyzw, r0.xyzw, -|r1.xyzw|", |[a, b, _], found| same(a * -b.abs(), found)),
        ("ddiv r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, _], found| same(a / b, found)),
        ("dfma r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw", |[a, b, c], found| {
            // llvmpipe (Mesa 22.3) multiplies and adds, with two roundings.
            same(a.mul_add(b, c), found) || on_llvmpipe() && same(a * b + c, found)
        }),
        ("drcp r4.xyzw, r0.xyzw", |[a, ..], found| {
            let exact = 1.0 / a;
            same(exact, found) || exact.next_up() == found || exact.next_down() == found
        }),
        ("dmin r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, _], found| extreme(a.min(b), found)),
        ("dmax r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, _], found| extreme(a.max(b), found)),
        // The operands change places.
        ("dadd r4.xyzw, r0.zwxy, r1.zwxy\n dmov r4.xyzw, r4.zwxy", |[a, b, _], found| same(a + b, found)),
    ]);
}

fn comparisons() {
    fn truth(condition: bool, found: u32) -> bool {
        found == if condition { u32::MAX } else { 0 }
    }
    check_dwords(&[
        ("deq r4.xy, r0.xyzw, r1.xyzw", |[a, b, _], found| truth(a == b, found)),
        ("dne r4.xy, r0.xyzw, r1.xyzw", |[a, b, _], found| truth(a != b, found)),
        ("dlt r4.xy, r0.xyzw, r1.xyzw", |[a, b, _], found| truth(a < b, found)),
        ("dge r4.xy, r0.xyzw, r1.xyzw", |[a, b, _], found| truth(a >= b, found)),
        ("dlt r4.yw, -r0.xyzw, |r1.xyzw|\n mov r4.xy, r4.yw", |[a, b, _], found| truth(-a < b.abs(), found)),
    ]);
}

/// 3.1.3.2: moves do not alter anything.
fn moves() {
    check_doubles(&[
        ("dmov r4.xyzw, r0.xyzw", |[a, ..], found| same(a, found)),
        ("dmov r4.xyzw, -r0.xyzw", |[a, ..], found| same(-a, found)),
        ("dmov r4.xyzw, |r0.xyzw|", |[a, ..], found| same(a.abs(), found)),
        // The condition is one component for each double.
        ("deq r5.xy, r2.xyzw, r1.xyzw\n dmovc r4.xyzw, r5.xyxy, r0.xyzw, r1.xyzw", |[a, b, c], found| {
            same(if c == b { a } else { b }, found)
        }),
        ("dlt r5.zw, r0.xyzw, r1.xyzw\n dmovc r4.xyzw, r5.zwzw, r0.xyzw, -r1.xyzw", |[a, b, _], found| {
            same(if a < b { a } else { -b }, found)
        }),
    ]);
}

/// 22.17.1: to the nearest float, ties to even, with float denormals kept or flushed. 22.17.3, 22.17.4: towards zero,
/// clamped, NaN to zero.
fn conversions_from_doubles() {
    fn float(exact: f64, found: u32) -> bool {
        let (expected, found) = (exact as f32, f32::from_bits(found));
        expected.is_nan() && found.is_nan()
            || expected.to_bits() == found.to_bits()
            || expected.is_subnormal()
                && found == 0.0
                && expected.is_sign_negative() == found.is_sign_negative()
    }
    check_dwords(&[
        ("dtof r4.xy, r0.xyzw", |[a, ..], found| float(a, found)),
        ("dtof r4.zw, r0.zwxy\n mov r4.xy, r4.wz", |[a, ..], found| float(a, found)),
        ("dtof_sat r4.xy, r0.xyzw", |[a, ..], found| {
            float(clamped(a), found) || clamped(a) == 0.0 && f32::from_bits(found) == 0.0
        }),
        ("dtoi r4.xy, r0.xyzw", |[a, ..], found| a as i32 as u32 == found),
        ("dtoi r4.xy, -r0.xyzw", |[a, ..], found| -a as i32 as u32 == found),
        ("dtou r4.xy, r0.xyzw", |[a, ..], found| a as u32 == found),
        ("dtou r4.xw, |r0.xyzw|\n mov r4.xy, r4.xw", |[a, ..], found| a.abs() as u32 == found),
    ]);
}

/// 22.17.2: float denormals may be kept or flushed. Integers are exact.
fn conversions_to_doubles() {
    // The low dwords of the operands serve as floats and integers: x of r5 for the first case, y for the second.
    check_doubles(&[
        ("mov r5.xy, r0.yw\n ftod r4.xyzw, r5.xyxx", |[a, ..], found| {
            let float = f32::from_bits(halves(a)[1]);
            same(f64::from(float), found) || float.is_subnormal() && found == 0.0
        }),
        ("mov r5.xy, r0.xz\n ftod r4.xyzw, -r5.xyxx", |[a, ..], found| {
            let float = -f32::from_bits(halves(a)[0]);
            same(f64::from(float), found) || float.is_subnormal() && found == 0.0
        }),
        ("mov r5.xy, r0.yw\n itod r4.xyzw, r5.xyxx", |[a, ..], found| {
            same(f64::from(halves(a)[1] as i32), found)
        }),
        ("mov r5.zw, r0.yyyw\n itod r4.xyzw, -r5.zwzz", |[a, ..], found| {
            same(f64::from((halves(a)[1] as i32).wrapping_neg()), found)
        }),
        ("mov r5.xy, r0.yw\n utod r4.xyzw, r5.xyxx", |[a, ..], found| same(f64::from(halves(a)[1]), found)),
        ("mov r5.xy, r0.xz\n utod r4.xy, r5.xxxx\n utod r4.zw, r5.yyyy", |[a, ..], found| {
            same(f64::from(halves(a)[0]), found)
        }),
    ]);
}

fn literals_and_masks() {
    check_doubles(&[
        ("dadd r4.xyzw, r0.xyzw, d(1.5, 1.5)", |[a, ..], found| same(a + 1.5, found)),
        ("dmul r4.xy, r0.xyxy, d(-0.1, 7.0)\n dmul r4.zw, r0.zwzw, d(7.0, -0.1)", |[a, ..], found| {
            same(a * -0.1, found)
        }),
        ("dmov r4.xyzw, d(0.1, 0.1)", |_, found| same(0.1, found)),
        ("dmov r4.xy, r0.xyxy\n dmov r4.zw, r0.zwzw", |[a, ..], found| same(a, found)),
        ("dadd [precise(xyzw)] r4.xyzw, r0.xyzw, r0.xyzw", |[a, ..], found| same(a + a, found)),
    ]);
}
