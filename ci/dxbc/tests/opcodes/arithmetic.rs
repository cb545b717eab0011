//! Float arithmetic and comparisons (specification 22.10, 22.5, 22.6), within the bounds of 3.1.3.2 and of each
//! instruction's section.

use crate::cases::{FLOATS, pairs, quadruples, singles, triples};
use crate::coverage::tests;
use crate::expect::Expected::{self, Absolute, Any, Bits, Nan, OneOf, Relative, Ulps};
use crate::expect::{float, flush, is_denormal};
use crate::harness::{check, check_with_flags, on_llvmpipe, row};

tests! {
    sums_and_products: "add", "mul", "mad", "div";
    extremes: "min", "max";
    roots_and_powers: "sqrt", "rsq", "rcp", "exp", "log";
    rounding: "round_ne", "round_ni", "round_pi", "round_z", "frc";
    angles: "sincos";
    dot_products: "dp2", "dp3", "dp4";
    comparisons: "eq", "ne", "lt", "ge";
    moves: "mov", "movc", "swapc";
    saturation: "add", "mul", "mad", "div", "mov", "movc", "min", "max", "sqrt", "rsq", "exp", "frc", "dp4";
    modifiers: "add", "mul", "mov", "lt", "max";
    precise_results: "mad", "mul", "add";
    minimum_precision: "add", "mul", "mov";
}

/// 3.1.3: addition and multiplication are within half a unit.
const HALF: f64 = 0.5;

fn half_ulp(exact: f64) -> Expected {
    Ulps(exact, HALF)
}

/// Multiplication and addition in two steps, or in one.
fn mad(a: u32, b: u32, c: u32) -> Expected {
    let two_steps = |[a, b, c]: [f64; 3]| f64::from(((a * b) as f32) + c as f32);
    let one_step = |[a, b, c]: [f64; 3]| f64::from((a as f32).mul_add(b as f32, c as f32));
    // The product may also be flushed before the addition, and before or after it is rounded to a normal number.
    let flushed = |[a, b, c]: [f64; 3]| {
        let product = if (a * b).abs() < f64::from(f32::MIN_POSITIVE) { 0.0 * a * b } else { a * b };
        f64::from(product as f32 + c as f32)
    };
    Any(vec![
        float([a, b, c], two_steps, half_ulp),
        float([a, b, c], one_step, half_ulp),
        float([a, b, c], flushed, half_ulp),
    ])
}

/// 3.1.3.2: divided as such, or multiplied (0.5) by a reciprocal (1 unit), where the reciprocal of a great number may be
/// flushed (22.10.2).
fn quotient(a: u32, b: u32) -> Expected {
    let direct = float([a, b], |[a, b]| a / b, |exact| Ulps(exact, 2.0));
    let great = f32::from_bits(b).abs() > 8.507_059e37;
    let flushed =
        float([a, b], move |[a, b]| if great { a * (0.0 / b) } else { a / b }, |exact| Ulps(exact, 2.0));
    // The reciprocal of a denormal is infinite.
    let infinite = float([a, b], |[a, b]| a * f64::from((1.0 / b) as f32), |exact| Ulps(exact, 2.0));
    Any(vec![direct, flushed, infinite])
}

fn sums_and_products() {
    check(
        &[
            row("add r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| float([a, b], |[a, b]| a + b, half_ulp)),
            row("mul r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| float([a, b], |[a, b]| a * b, half_ulp)),
            row("div r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| quotient(a, b)),
        ],
        &pairs(&FLOATS, 2000),
    );
    check(
        &[row("mad r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw", |[a, b, c, _]| mad(a, b, c))],
        &triples(&FLOATS, 2000),
    );
}

/// 22.10.10, 22.10.11: the operand that is a number, if one only is; a zero may have either sign.
fn extremes() {
    fn allowed(a: u32, b: u32, least: bool) -> Expected {
        let (x, y) = (f32::from_bits(flush(a)), f32::from_bits(flush(b)));
        let chosen = |bits: u32| OneOf(vec![bits, flush(bits)]);
        match (x.is_nan(), y.is_nan()) {
            (true, true) => Nan,
            (true, false) => chosen(b),
            (false, true) => chosen(a),
            (false, false) if x == y => Any(vec![chosen(a), chosen(b)]),
            (false, false) => chosen(if (x < y) == least { a } else { b }),
        }
    }
    check(
        &[
            row("min r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| allowed(a, b, true)),
            row("max r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| allowed(a, b, false)),
        ],
        &pairs(&FLOATS, 1000),
    );
}

/// 22.10.6, 22.10.8, 22.10.18, 22.10.19: 2^-21, relative or (logarithms near 0) absolute; 22.10.21: one unit.
fn roots_and_powers() {
    const BOUND: f64 = 1.0 / 2_097_152.0;
    fn logarithm(exact: f64) -> Expected {
        if exact.abs() <= 1.0 { Absolute(exact, BOUND) } else { Relative(exact, BOUND) }
    }
    let mut cases = singles(&FLOATS, 2000);
    // What exponents are made for: -130 to 130 in steps of a sixteenth.
    cases.extend((-2080..2080).map(|n| [(n as f32 / 16.0).to_bits(), 0, 0, 0]));
    check(
        &[
            row("sqrt r4.xyzw, r0.xyzw", |[a, ..]| float([a], |[a]| a.sqrt(), |exact| Ulps(exact, 1.0))),
            row("rsq r4.xyzw, r0.xyzw", |[a, ..]| {
                float([a], |[a]| 1.0 / a.sqrt(), |exact| Relative(exact, BOUND))
            }),
            row("rcp r4.xyzw, r0.xyzw", |[a, ..]| float([a], |[a]| 1.0 / a, |exact| Relative(exact, BOUND))),
            row("exp r4.xyzw, r0.xyzw", |[a, ..]| float([a], |[a]| a.exp2(), |exact| Relative(exact, BOUND))),
            row("log r4.xyzw, r0.xyzw", |[a, ..]| {
                let exact = float([a], |[a]| a.log2(), logarithm);
                // llvmpipe (Mesa 22.3) takes the exponent of a denormal for -127.
                let deviates = on_llvmpipe() && is_denormal(a) && a >> 31 == 0;
                if deviates { Any(vec![exact, Absolute(-126.5, 0.5)]) } else { exact }
            }),
        ],
        &cases,
    );
}

fn rounding() {
    check(
        &[
            row("round_ne r4.xyzw, r0.xyzw", |[a, ..]| float([a], |[a]| a.round_ties_even(), half_ulp)),
            row("round_ni r4.xyzw, r0.xyzw", |[a, ..]| float([a], |[a]| a.floor(), half_ulp)),
            row("round_pi r4.xyzw, r0.xyzw", |[a, ..]| float([a], |[a]| a.ceil(), half_ulp)),
            row("round_z r4.xyzw, r0.xyzw", |[a, ..]| float([a], |[a]| a.trunc(), half_ulp)),
            row("frc r4.xyzw, r0.xyzw", |[a, ..]| float([a], |[a]| a - a.floor(), half_ulp)),
        ],
        &singles(&FLOATS, 4000),
    );
}

/// 22.10.20: 0.0008 from -100 pi to 100 pi; beyond that, any number from -1 to 1.
fn angles() {
    fn bound(angle: u32, exact: f64) -> Expected {
        if f32::from_bits(angle).abs() <= 314.159_27 { Absolute(exact, 0.0008) } else { Absolute(0.0, 1.0) }
    }
    fn wave(angle: u32, exact: fn(f64) -> f64) -> Expected {
        if f32::from_bits(angle).is_finite() {
            bound(angle, exact(f32::from_bits(angle).into()))
        } else {
            Nan
        }
    }
    let mut cases = singles(&FLOATS, 2000);
    cases.extend((-3141..=3141).map(|n| [(n as f32 / 10.0).to_bits(), 0, 0, 0]));
    check(
        &[
            row("sincos r4.xyzw, r5.xyzw, r0.xyzw", |[a, ..]| wave(a, f64::sin)),
            row("sincos r5.xyzw, r4.xyzw, r0.xyzw", |[a, ..]| wave(a, f64::cos)),
            row("sincos r4.xyzw, null, r0.xyzw", |[a, ..]| wave(a, f64::sin)),
            row("sincos null, r4.xyzw, r0.xyzw", |[a, ..]| wave(a, f64::cos)),
            row(
                "mov r4.xyzw, r0.xyzw\n sincos r4.xyzw, r5.xyzw, r4.xyzw\n mov r4.xyzw, r5.xyzw",
                |[a, ..]| wave(a, f64::cos),
            ),
        ],
        &cases,
    );
}

/// 3.1.3.2: no less accurate than the worst order of multiplications and additions. The operands are integers, so
/// that every order is exact.
fn dot_products() {
    fn dot<const N: usize>(a: f32, b: f32) -> Expected {
        Bits((a * b * N as f32).to_bits())
    }
    let mut numbers = pvgpu_dxbc_tests::random::Random(9);
    let cases: Vec<_> =
        (0..400).map(|_| [(); 4].map(|()| ((numbers.below(2000) as f32) - 1000.0).to_bits())).collect();
    // One component of each operand, repeated: the row's component says which.
    check(
        &[
            row(
                "dp2 r4.x, r0.xxxx, r1.xxxx\n dp2 r4.y, r0.yyyy, r1.yyyy\n dp2 r4.z, r0.zz, r1.zz\n dp2 r4.w, r0.ww, r1.ww",
                |[a, b, ..]| dot::<2>(f32::from_bits(a), f32::from_bits(b)),
            ),
            row(
                "dp3 r4.x, r0.x, r1.x\n dp3 r4.y, r0.y, r1.y\n dp3 r4.z, r0.z, r1.z\n dp3 r4.w, r0.w, r1.w",
                |[a, b, ..]| dot::<3>(f32::from_bits(a), f32::from_bits(b)),
            ),
            row(
                "dp4 r4.x, r0.x, r1.x\n dp4 r4.y, r0.y, r1.y\n dp4 r4.z, r0.z, r1.z\n dp4 r4.w, r0.w, r1.w",
                |[a, b, ..]| dot::<4>(f32::from_bits(a), f32::from_bits(b)),
            ),
            // The products of four different components, through swizzles and to every component.
            row("mov r5.xyzw, l(1.0, 10.0, 100.0, 1000.0)\n dp2 r4.xyzw, r5.wzyx, r5.xyzw", |_| {
                Bits(2000f32.to_bits())
            }),
            row("mov r5.xyzw, l(1.0, 10.0, 100.0, 1000.0)\n dp3 r4.xyzw, r5.wzyx, r5.xyzw", |_| {
                Bits(3000f32.to_bits())
            }),
            row("mov r5.xyzw, l(1.0, 10.0, 100.0, 1000.0)\n dp4 r4.xyzw, r5.xyzw, r5.xyzw", |_| {
                Bits(1_010_101f32.to_bits())
            }),
            row("mov r5.xyzw, l(1.0, 10.0, 100.0, 1000.0)\n dp4 r4.xyzw, -|r5.xyzw|, r5.xyzw", |_| {
                Bits((-1_010_101f32).to_bits())
            }),
        ],
        &cases,
    );
}

fn comparisons() {
    fn holds(a: u32, b: u32, test: fn(&f32, &f32) -> bool) -> Expected {
        let mask = |a, b| if test(&f32::from_bits(a), &f32::from_bits(b)) { u32::MAX } else { 0 };
        OneOf(vec![mask(a, b), mask(flush(a), b), mask(a, flush(b)), mask(flush(a), flush(b))])
    }
    check(
        &[
            row("eq r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| holds(a, b, f32::eq)),
            row("ne r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| holds(a, b, f32::ne)),
            row("lt r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| holds(a, b, f32::lt)),
            row("ge r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| holds(a, b, f32::ge)),
        ],
        &pairs(&FLOATS, 1000),
    );
}

/// 3.1.3.2: moves do not alter anything, denormals and NaN included.
fn moves() {
    check(
        &[
            row("mov r4.xyzw, r0.xyzw", |[a, ..]| Bits(a)),
            row("mov r4.wzyx, r0.xyzw\n mov r4.xyzw, r4.xyzw", |[a, ..]| Bits(a)),
            row("mov r5.xyzw, r0.wzyx\n mov r4.xyzw, r5.wzyx", |[a, ..]| Bits(a)),
            row("movc r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw", |[a, b, c, _]| Bits(if a != 0 { b } else { c })),
            row("swapc r4.xyzw, r5.xyzw, r0.xyzw, r1.xyzw, r2.xyzw", |[a, b, c, _]| {
                Bits(if a != 0 { c } else { b })
            }),
            row("swapc r5.xyzw, r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw", |[a, b, c, _]| {
                Bits(if a != 0 { b } else { c })
            }),
            row(
                "mov r4.xyzw, r1.xyzw\n mov r5.xyzw, r2.xyzw\n swapc r4.xyzw, r5.xyzw, r0.xyzw, r4.xyzw, r5.xyzw",
                |[a, b, c, _]| Bits(if a != 0 { c } else { b }),
            ),
            row("swapc r4.xyzw, null, r0.xyzw, r1.xyzw, r2.xyzw", |[a, b, c, _]| {
                Bits(if a != 0 { c } else { b })
            }),
        ],
        &[triples(&FLOATS, 500), quadruples(&FLOATS, 500)].concat(),
    );
}

/// 22.1: saturation clamps to 0..1, and NaN gives 0.
fn saturation() {
    fn clamped(value: f64, bound: fn(f64) -> Expected) -> Expected {
        bound(if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) })
    }
    /// Like `clamped`, with a zero of either sign.
    fn sat<const N: usize>(operands: [u32; N], exact: fn([f64; N]) -> f64) -> Expected {
        let zeros = OneOf(vec![0, 0x8000_0000]);
        let value = float(operands, exact, |value| {
            let near = clamped(value, |value| Ulps(value, 1.0));
            if value.is_nan() || value <= 0.0 { Any(vec![near, OneOf(vec![0, 0x8000_0000])]) } else { near }
        });
        if operands.iter().any(|bits| flush(*bits) != *bits) { Any(vec![value, zeros]) } else { value }
    }
    check(
        &[
            row("add_sat r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| sat([a, b], |[a, b]| a + b)),
            row("mul_sat r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| sat([a, b], |[a, b]| a * b)),
            row("mov_sat r4.xyzw, r0.xyzw", |[a, ..]| sat([a], |[a]| a)),
            row("mov_sat r4.xyzw, -r0.xyzw", |[a, ..]| sat([a], |[a]| -a)),
            row("movc_sat r4.xyzw, r0.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| {
                if a != 0 { sat([a], |[a]| a) } else { sat([b], |[b]| b) }
            }),
            row("sqrt_sat r4.xyzw, r0.xyzw", |[a, ..]| sat([a], |[a]| a.sqrt())),
            row("frc_sat r4.xyzw, r0.xyzw", |[a, ..]| sat([a], |[a]| a - a.floor())),
            row("mad_sat r4.xyzw, r0.xyzw, l(1.0), r1.xyzw", |[a, b, ..]| sat([a, b], |[a, b]| a + b)),
            row("div_sat r4.xyzw, r0.xyzw, l(2.0)", |[a, ..]| sat([a], |[a]| a / 2.0)),
            row("rsq_sat r4.xyzw, l(16.0)", |_| Relative(0.25, 1.0 / 2_097_152.0)),
            row("exp_sat r4.xyzw, l(3.0)", |_| Bits(1f32.to_bits())),
            row("dp4_sat r4.xyzw, l(1.0), l(0.0625)", |_| Bits(0.25f32.to_bits())),
            row("min_sat r4.xyzw, l(7.0), l(8.0)", |_| Bits(1f32.to_bits())),
            row("max_sat r4.xyzw, l(-7.0), l(-8.0)", |_| OneOf(vec![0, 0x8000_0000])),
        ],
        &pairs(&FLOATS, 1000),
    );
}

/// 22.18: the absolute value is taken before negation; as part of a move both touch the sign only.
fn modifiers() {
    check(
        &[
            row("mov r4.xyzw, -r0.xyzw", |[a, ..]| {
                OneOf(vec![a ^ 0x8000_0000, flush(a ^ 0x8000_0000)]).or_nan(a)
            }),
            row("mov r4.xyzw, |r0.xyzw|", |[a, ..]| {
                OneOf(vec![a & 0x7fff_ffff, flush(a & 0x7fff_ffff)]).or_nan(a)
            }),
            row("mov r4.xyzw, -|r0.xyzw|", |[a, ..]| {
                OneOf(vec![a | 0x8000_0000, flush(a | 0x8000_0000)]).or_nan(a)
            }),
            row("add r4.xyzw, |r0.xyzw|, -r1.xyzw", |[a, b, ..]| {
                float([a, b], |[a, b]| a.abs() - b, half_ulp)
            }),
            row("mul r4.xyzw, -|r0.xyzw|, r1.wzyx\n mul r4.xyzw, -|r0.xyzw|, r1.xyzw", |[a, b, ..]| {
                float([a, b], |[a, b]| -a.abs() * b, half_ulp)
            }),
            row("lt r4.xyzw, -|r0.xyzw|, l(0.0)", |[a, ..]| {
                let negative = -f32::from_bits(flush(a)).abs() < 0.0;
                let truth = if negative { u32::MAX } else { 0 };
                if flush(a) == a { Bits(truth) } else { OneOf(vec![truth, u32::MAX]) }
            }),
            row("max r4.xyzw, r0.xyzw, -r0.xyzw", |[a, ..]| {
                OneOf(
                    vec![a & 0x7fff_ffff, a | 0x8000_0000]
                        .into_iter()
                        .filter(|bits| *bits & 0x8000_0000 == 0 || flush(*bits) == 0x8000_0000)
                        .collect(),
                )
                .or_nan(a)
                .or_flushed(a)
            }),
        ],
        &pairs(&FLOATS, 500),
    );
}

impl Expected {
    /// This, or any NaN if the operand is one.
    fn or_nan(self, operand: u32) -> Self {
        if f32::from_bits(operand).is_nan() { Nan } else { self }
    }

    /// This, or a zero if the operand is denormal.
    fn or_flushed(self, operand: u32) -> Self {
        if flush(operand) == operand { self } else { Any(vec![self, OneOf(vec![0, 0x8000_0000])]) }
    }
}

/// Without `refactoringAllowed`, and where an instruction is precise, a product is rounded before it is added to.
fn precise_results() {
    fn rounded_twice(a: u32, b: u32, c: u32) -> Expected {
        let exact = f64::from(f32::from_bits(a)) * f64::from(f32::from_bits(b));
        let (product, c) = (exact as f32, f32::from_bits(c));
        // What is flushed on the way, before or after it is rounded, is another matter.
        let sum = product + c;
        let kept = exact == 0.0 || exact.abs() >= f64::from(f32::MIN_POSITIVE);
        if kept && sum.is_normal() { Bits(sum.to_bits()) } else { Expected::Unspecified }
    }
    let normal: Vec<_> = triples(&FLOATS, 4000)
        .into_iter()
        .filter(|case| case[..3].iter().all(|bits| flush(*bits) == *bits))
        .collect();
    let rows = [
        row("mad [precise(xyzw)] r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw", |[a, b, c, _]| rounded_twice(a, b, c)),
        row(
            "mul [precise(xyzw)] r5.xyzw, r0.xyzw, r1.xyzw\n add [precise(xyzw)] r4.xyzw, r5.xyzw, r2.xyzw",
            |[a, b, c, _]| rounded_twice(a, b, c),
        ),
    ];
    check(&rows, &normal);
    let rows = [row("mad r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw", |[a, b, c, _]| rounded_twice(a, b, c))];
    check_with_flags("enableRawAndStructuredBuffers", &rows, &normal);
}

/// A minimum precision may be exceeded: it is translated as full precision.
fn minimum_precision() {
    check_with_flags(
        "refactoringAllowed | enableMinimumPrecision",
        &[
            row("add r4.xyzw {min16f}, r0.xyzw {min16f}, -r1.xyzw {min2_8f}", |[a, b, ..]| {
                float([a, b], |[a, b]| a - b, half_ulp)
            }),
            row("mul r4.xyzw {min16f}, |r0.xyzw| {min16f}, r1.xyzw", |[a, b, ..]| {
                float([a, b], |[a, b]| a.abs() * b, half_ulp)
            }),
            row("mov r4.xyzw {min16u}, r0.xyzw {min16i}", |[a, ..]| Bits(a)),
        ],
        &pairs(&FLOATS, 200),
    );
}
