//! Integer arithmetic and comparisons (specification 22.12, 22.5): exact.

use crate::cases::{INTEGERS, pairs, triples};
use crate::coverage::tests;
use crate::expect::Expected::{self, Bits};
use crate::harness::{check, row};

tests! {
    sums: "iadd", "ineg", "uaddc", "usubb";
    products: "imul", "umul", "imad", "umad";
    quotients: "udiv";
    extremes: "imax", "imin", "umax", "umin";
    comparisons: "ieq", "ine", "ilt", "ige", "ult", "uge";
    modifiers: "iadd", "imad", "imax", "ilt", "imul", "itof";
    sources_that_are_destinations: "imul", "umul", "udiv", "uaddc", "usubb";
    sums_of_absolute_differences: "msad";
}

fn truth(condition: bool) -> Expected {
    Bits(if condition { u32::MAX } else { 0 })
}

fn signed(a: u32, b: u32) -> u64 {
    (i64::from(a as i32) * i64::from(b as i32)) as u64
}

fn unsigned(a: u32, b: u32) -> u64 {
    u64::from(a) * u64::from(b)
}

fn low(product: u64) -> Expected {
    Bits(product as u32)
}

fn high(product: u64) -> Expected {
    Bits((product >> 32) as u32)
}

fn sums() {
    check(
        &[
            row("iadd r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| Bits(a.wrapping_add(b))),
            row("ineg r4.xyzw, r0.xyzw", |[a, ..]| Bits(a.wrapping_neg())),
            row("uaddc r4.xyzw, r5.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| Bits(a.wrapping_add(b))),
            row("uaddc r5.xyzw, r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| {
                Bits(u32::from(a.checked_add(b).is_none()))
            }),
            row("uaddc r4.xyzw, null, r0.xyzw, r1.xyzw", |[a, b, ..]| Bits(a.wrapping_add(b))),
            row("uaddc null, r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| {
                Bits(u32::from(a.checked_add(b).is_none()))
            }),
            row("usubb r4.xyzw, r5.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| Bits(a.wrapping_sub(b))),
            row("usubb r5.xyzw, r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| Bits(u32::from(a < b))),
            row("usubb r4.xyzw, null, r0.xyzw, r1.xyzw", |[a, b, ..]| Bits(a.wrapping_sub(b))),
        ],
        &pairs(&INTEGERS, 1000),
    );
}

fn products() {
    check(
        &[
            row("imul r4.xyzw, null, r0.xyzw, r1.xyzw", |[a, b, ..]| high(signed(a, b))),
            row("imul null, r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| low(signed(a, b))),
            row("imul r4.xyzw, r5.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| high(signed(a, b))),
            row("imul r5.xyzw, r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| low(signed(a, b))),
            row("umul r4.xyzw, null, r0.xyzw, r1.xyzw", |[a, b, ..]| high(unsigned(a, b))),
            row("umul null, r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| low(unsigned(a, b))),
            row("umul r4.xyzw, r5.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| high(unsigned(a, b))),
            row("umul r5.xyzw, r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| low(unsigned(a, b))),
            row("imad r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw", |[a, b, c, _]| {
                Bits(a.wrapping_mul(b).wrapping_add(c))
            }),
            row("umad r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw", |[a, b, c, _]| {
                Bits(a.wrapping_mul(b).wrapping_add(c))
            }),
        ],
        &triples(&INTEGERS, 1000),
    );
}

/// 22.12.9: division by zero gives all bits, in both results.
fn quotients() {
    let quotient = |[a, b, ..]: [u32; 4]| Bits(a.checked_div(b).unwrap_or(u32::MAX));
    let remainder = |[a, b, ..]: [u32; 4]| Bits(a.checked_rem(b).unwrap_or(u32::MAX));
    check(
        &[
            row("udiv r4.xyzw, r5.xyzw, r0.xyzw, r1.xyzw", quotient),
            row("udiv r5.xyzw, r4.xyzw, r0.xyzw, r1.xyzw", remainder),
            row("udiv r4.xyzw, null, r0.xyzw, r1.xyzw", quotient),
            row("udiv null, r4.xyzw, r0.xyzw, r1.xyzw", remainder),
        ],
        &pairs(&INTEGERS, 1000),
    );
}

fn extremes() {
    check(
        &[
            row("imax r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| Bits((a as i32).max(b as i32) as u32)),
            row("imin r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| Bits((a as i32).min(b as i32) as u32)),
            row("umax r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| Bits(a.max(b))),
            row("umin r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| Bits(a.min(b))),
        ],
        &pairs(&INTEGERS, 500),
    );
}

fn comparisons() {
    check(
        &[
            row("ieq r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| truth(a == b)),
            row("ine r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| truth(a != b)),
            row("ilt r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| truth((a as i32) < b as i32)),
            row("ige r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| truth(a as i32 >= b as i32)),
            row("ult r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| truth(a < b)),
            row("uge r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| truth(a >= b)),
        ],
        &pairs(&INTEGERS, 500),
    );
}

/// 22.18.2: negation of an integer operand is its two's complement, taken before the operation.
fn modifiers() {
    check(
        &[
            row("iadd r4.xyzw, -r0.xyzw, r1.xyzw", |[a, b, ..]| Bits(b.wrapping_sub(a))),
            row("iadd r4.xyzw, r0.xyzw, -r1.xyzw", |[a, b, ..]| Bits(a.wrapping_sub(b))),
            row("imad r4.xyzw, -r0.xyzw, r1.xyzw, -r2.xyzw", |[a, b, c, _]| {
                Bits(a.wrapping_neg().wrapping_mul(b).wrapping_sub(c))
            }),
            row("imax r4.xyzw, -r0.xyzw, r0.xyzw", |[a, ..]| {
                Bits((a as i32).max((a as i32).wrapping_neg()) as u32)
            }),
            row("ilt r4.xyzw, -r0.xyzw, r1.xyzw", |[a, b, ..]| truth((a as i32).wrapping_neg() < b as i32)),
            row("imul r4.xyzw, null, -r0.xyzw, r1.xyzw", |[a, b, ..]| high(signed(a.wrapping_neg(), b))),
            row("itof r4.xyzw, -r0.xyzw", |[a, ..]| Bits(((a as i32).wrapping_neg() as f32).to_bits())),
        ],
        &triples(&INTEGERS, 500),
    );
}

/// Both results are computed from the operands as they were.
fn sources_that_are_destinations() {
    let code = |body: &'static str| body;
    check(
        &[
            row(
                code("mov r4.xyzw, r0.xyzw\n mov r5.xyzw, r1.xyzw\n imul r4.xyzw, r5.xyzw, r4.xyzw, r5.xyzw"),
                |[a, b, ..]| high(signed(a, b)),
            ),
            row(
                "mov r4.xyzw, r0.xyzw\n mov r5.xyzw, r1.xyzw\n umul r5.xyzw, r4.xyzw, r4.xyzw, r5.xyzw",
                |[a, b, ..]| low(unsigned(a, b)),
            ),
            row(
                "mov r4.xyzw, r0.xyzw\n mov r5.xyzw, r1.xyzw\n udiv r5.xyzw, r4.xyzw, r4.xyzw, r5.xyzw",
                |[a, b, ..]| Bits(a.checked_rem(b).unwrap_or(u32::MAX)),
            ),
            row(
                "mov r4.xyzw, r0.xyzw\n mov r5.xyzw, r1.xyzw\n uaddc r5.xyzw, r4.xyzw, r4.xyzw, r5.xyzw",
                |[a, b, ..]| Bits(u32::from(a.checked_add(b).is_none())),
            ),
            row(
                "mov r4.xyzw, r0.xyzw\n mov r5.xyzw, r1.xyzw\n usubb r5.xyzw, r4.xyzw, r4.xyzw, r5.xyzw",
                |[a, b, ..]| Bits(u32::from(a < b)),
            ),
            // Two destinations in one register, under different masks.
            row(
                "mov r4.xyzw, r0.xyzw\n udiv r4.xy, r4.zw, r0.xyzw, r1.xyzw\n mov r4.zw, r4.xxxy\n udiv r5.xyzw, r6.xyzw, r0.xyzw, r1.xyzw\n mov r4.zw, r5.xyzw",
                |[a, b, ..]| Bits(a.checked_div(b).unwrap_or(u32::MAX)),
            ),
        ],
        &pairs(&INTEGERS, 500),
    );
}

/// 22.12.15, with its overflow left open.
fn sums_of_absolute_differences() {
    fn masked(reference: u32, source: u32) -> u32 {
        let pairs = reference.to_le_bytes().into_iter().zip(source.to_le_bytes());
        pairs.filter(|(a, _)| *a != 0).map(|(a, b)| u32::from(a.abs_diff(b))).sum()
    }
    check(
        &[row("msad r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw", |[a, b, c, _]| {
            Expected::OneOf(vec![c.saturating_add(masked(a, b)), c.wrapping_add(masked(a, b))])
        })],
        &triples(&INTEGERS, 1000),
    );
}
