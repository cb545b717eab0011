//! Conversions between floats, halves and integers (specification 22.13, 3.2.2).

use crate::cases::{FLOATS, INTEGERS, singles};
use crate::coverage::tests;
use crate::expect::Expected::{self, Bits, OneOf};
use crate::expect::{flush, is_denormal};
use crate::harness::{check, row};

tests! {
    floats_to_integers: "ftoi", "ftou";
    integers_to_floats: "itof", "utof";
    halves_to_floats: "f16tof32";
    floats_to_halves: "f32tof16";
}

/// 22.13.3, 22.13.4: towards zero, clamped, NaN to zero. Rust's `as` has the same rules.
fn floats_to_integers() {
    fn value(bits: u32) -> f32 {
        f32::from_bits(bits)
    }
    check(
        &[
            row("ftoi r4.xyzw, r0.xyzw", |[a, ..]| Bits(value(a) as i32 as u32)),
            row("ftou r4.xyzw, r0.xyzw", |[a, ..]| Bits(value(a) as u32)),
            row("ftoi r4.xyzw, -r0.xyzw", |[a, ..]| Bits(-value(a) as i32 as u32)),
            row("ftou r4.xyzw, -r0.xyzw", |[a, ..]| Bits(-value(a) as u32)),
            row("ftoi r4.xyzw, -|r0.xyzw|", |[a, ..]| Bits(-value(a).abs() as i32 as u32)),
            row("ftou r4.xyzw, |r0.xyzw|", |[a, ..]| Bits(value(a).abs() as u32)),
        ],
        &singles(&FLOATS, 8000),
    );
}

/// 22.13.5: to the nearest, ties to even, is recommended; the other neighbour is allowed.
fn integers_to_floats() {
    fn near(nearest: f32, exact: f64) -> Expected {
        let other = if f64::from(nearest) < exact { nearest.next_up() } else { nearest.next_down() };
        if f64::from(nearest) == exact {
            Bits(nearest.to_bits())
        } else {
            OneOf(vec![nearest.to_bits(), other.to_bits()])
        }
    }
    check(
        &[
            row("itof r4.xyzw, r0.xyzw", |[a, ..]| near(a as i32 as f32, f64::from(a as i32))),
            row("utof r4.xyzw, r0.xyzw", |[a, ..]| near(a as f32, f64::from(a))),
            row("itof_sat r4.xyzw, r0.xyzw", |[a, ..]| Bits(if a as i32 > 0 { 0x3f80_0000 } else { 0 })),
        ],
        &singles(&INTEGERS, 8000),
    );
}

/// The float of a half: exact, denormals included.
fn widened(half: u32) -> f32 {
    let (sign, exponent, fraction) = (half >> 15 & 1, half >> 10 & 0x1f, half & 0x3ff);
    let magnitude = match exponent {
        0 => fraction as f32 * 2f32.powi(-24),
        31 if fraction == 0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction as f32 / 1024.0) * 2f32.powi(exponent as i32 - 15),
    };
    if sign == 0 { magnitude } else { -magnitude }
}

/// All 65,536 halves; what the high bits hold does not matter.
fn halves_to_floats() {
    let cases: Vec<_> =
        (0..0x1_0000u32).map(|half| [half | half.wrapping_mul(0x9e37_79b9) << 16, 0, 0, 0]).collect();
    check(
        &[row("f16tof32 r4.xyzw, r0.xyzw", |[a, ..]| {
            let float = widened(a & 0xffff);
            if float.is_nan() { Expected::Nan } else { Bits(float.to_bits()) }
        })],
        &cases,
    );
}

/// 3.2.2: towards zero; what is too great becomes the greatest half, but infinities stay and NaN is one.
fn floats_to_halves() {
    fn narrowed(bits: u32) -> u32 {
        let sign = bits >> 16 & 0x8000;
        let magnitude = f32::from_bits(bits & 0x7fff_ffff);
        if magnitude == f32::INFINITY {
            return sign | 0x7c00;
        }
        // Halves of one sign are in the order of their bits: the last one that is not above.
        let (mut low, mut high) = (0, 0x7c00);
        while high - low > 1 {
            let middle = (low + high) / 2;
            if widened(middle) <= magnitude {
                low = middle;
            } else {
                high = middle;
            }
        }
        sign | low
    }
    fn is_nan(half: u32) -> bool {
        half & 0x7c00 == 0x7c00 && half & 0x3ff != 0
    }
    let mut cases = singles(&FLOATS, 8000);
    // Around every half: itself, its neighbours, and halfway to the next.
    for half in (0..0x7c00u32).step_by(7) {
        let float = widened(half);
        let middle = (float + widened(half + 1)) / 2.0;
        let around = [float, float.next_up(), float.next_down(), middle, middle.next_up(), -float, -middle];
        cases.extend(around.map(|value| [value.to_bits(), 0, 0, 0]));
    }
    check(
        &[row("f32tof16 r4.xyzw, r0.xyzw", |[a, ..]| {
            if f32::from_bits(a).is_nan() {
                return OneOf((0..0x1_0000).filter(|half| is_nan(*half)).collect());
            }
            let exact = narrowed(a);
            // A denormal float is below any half.
            if is_denormal(a) { Bits(narrowed(flush(a))) } else { Bits(exact) }
        })],
        &cases,
    );
}
