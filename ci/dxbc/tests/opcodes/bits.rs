//! Bitwise instructions (specification 22.11): exact.

use crate::cases::{INTEGERS, pairs, quadruples, singles, triples};
use crate::coverage::tests;
use crate::expect::Expected::Bits;
use crate::harness::{check, row};

tests! {
    logic: "and", "or", "xor", "not";
    shifts: "ishl", "ishr", "ushr";
    counts: "countbits", "bfrev", "firstbit_hi", "firstbit_lo", "firstbit_shi";
    fields: "ubfe", "ibfe", "bfi";
}

fn logic() {
    check(
        &[
            row("and r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| Bits(a & b)),
            row("or r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| Bits(a | b)),
            row("xor r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| Bits(a ^ b)),
            row("not r4.xyzw, r0.xyzw", |[a, ..]| Bits(!a)),
        ],
        &pairs(&INTEGERS, 500),
    );
}

/// The low five bits of the amount count.
fn shifts() {
    check(
        &[
            row("ishl r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| Bits(a << (b & 31))),
            row("ishr r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| Bits((a as i32 >> (b & 31)) as u32)),
            row("ushr r4.xyzw, r0.xyzw, r1.xyzw", |[a, b, ..]| Bits(a >> (b & 31))),
            row("ishl r4.xyzw, r0.xyzw, l(33)", |[a, ..]| Bits(a << 1)),
            row("ishr r4.xyzw, r0.xyzw, l(-1)", |[a, ..]| Bits((a as i32 >> 31) as u32)),
            row("ushr r4.xyzw, r0.xyzw, l(64)", |[a, ..]| Bits(a)),
        ],
        &pairs(&INTEGERS, 1000),
    );
}

/// 22.11.5: firstbit_hi and firstbit_shi count from the top; all bits are set where nothing is found.
fn counts() {
    check(
        &[
            row("countbits r4.xyzw, r0.xyzw", |[a, ..]| Bits(a.count_ones())),
            row("bfrev r4.xyzw, r0.xyzw", |[a, ..]| Bits(a.reverse_bits())),
            row("firstbit_hi r4.xyzw, r0.xyzw", |[a, ..]| {
                Bits(if a == 0 { u32::MAX } else { a.leading_zeros() })
            }),
            row("firstbit_lo r4.xyzw, r0.xyzw", |[a, ..]| {
                Bits(if a == 0 { u32::MAX } else { a.trailing_zeros() })
            }),
            row("firstbit_shi r4.xyzw, r0.xyzw", |[a, ..]| {
                let a = if (a as i32) < 0 { !a } else { a };
                Bits(if a == 0 { u32::MAX } else { a.leading_zeros() })
            }),
        ],
        &(0..32)
            .map(|n| [1 << n, 0, 0, 0])
            .chain((0..32).map(|n| [!(1 << n), 0, 0, 0]))
            .chain((0..32).map(|n| [u32::MAX << n, 0, 0, 0]))
            .chain(singles(&INTEGERS, 1000))
            .collect::<Vec<_>>(),
    );
}

/// 22.11.2, 22.11.6, 22.11.11: width and offset are the low five bits; what lies beyond bit 31 is cut.
fn fields() {
    fn unsigned(width: u32, offset: u32, value: u32) -> u32 {
        let (width, offset) = (width & 31, offset & 31);
        match width {
            0 => 0,
            _ if width + offset < 32 => value << (32 - width - offset) >> (32 - width),
            _ => value >> offset,
        }
    }
    fn signed(width: u32, offset: u32, value: u32) -> u32 {
        let (width, offset, value) = (width & 31, offset & 31, value as i32);
        let field = match width {
            0 => 0,
            _ if width + offset < 32 => value << (32 - width - offset) >> (32 - width),
            _ => value >> offset,
        };
        field as u32
    }
    fn insert(width: u32, offset: u32, value: u32, base: u32) -> u32 {
        let (width, offset) = (width & 31, offset & 31);
        let mask = ((1 << width) - 1) << offset;
        value << offset & mask | base & !mask
    }
    let mut cases = triples(&INTEGERS, 500);
    for width in 0..34 {
        cases.extend((0..34).map(|offset| [width, offset, 0x9abc_def1, 0x1357_8642]));
    }
    cases.extend(quadruples(&INTEGERS, 500));
    check(
        &[
            row("ubfe r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw", |[a, b, c, _]| Bits(unsigned(a, b, c))),
            row("ibfe r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw", |[a, b, c, _]| Bits(signed(a, b, c))),
            row("bfi r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw, r3.xyzw", |[a, b, c, d]| Bits(insert(a, b, c, d))),
            // Each component has a field of its own; literals do too.
            row("ubfe r4.xyzw, l(8, 8, 8, 8), l(4, 4, 4, 4), r2.xyzw", |[_, _, c, _]| Bits(c >> 4 & 0xff)),
            row("bfi r4.xyzw, l(32), l(5), r2.xyzw, r3.xyzw", |[.., d]| Bits(d)),
        ],
        &cases,
    );
}
