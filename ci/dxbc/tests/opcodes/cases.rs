//! Operands: tables of edge values, their pairs and triples, and random ones.

use pvgpu_dxbc_tests::random::Random;

use crate::harness::Case;

/// Integers at the edges of what instructions tell apart: signs, widths of bit fields, amounts of shifts.
pub const INTEGERS: [u32; 24] = [
    0,
    1,
    2,
    3,
    5,
    15,
    16,
    30,
    31,
    32,
    33,
    63,
    64,
    0xff,
    0xffff,
    0x1_0000,
    0x7fff_fffe,
    0x7fff_ffff,
    0x8000_0000,
    0x8000_0001,
    0xaaaa_5555,
    0xffff_0000,
    0xffff_fffe,
    0xffff_ffff,
];

/// Floats of every class: zeros, denormals, the least and greatest normal ones, ones around integers' limits,
/// infinities and NaN of both signs.
pub const FLOATS: [u32; 36] = [
    0x0000_0000, // 0
    0x8000_0000, // -0
    0x0000_0001, // the least denormal
    0x807f_ffff, // the greatest denormal, negative
    0x0080_0000, // the least normal
    0x8080_0000,
    0x3380_0000, // 2^-24
    0x3eff_ffff, // below a half
    0x3f00_0000, // 0.5
    0xbf00_0000,
    0x3f00_0001,
    0x3f7f_ffff, // below one
    0x3f80_0000, // 1
    0xbf80_0000,
    0x3f80_0001,
    0x3fc0_0000, // 1.5
    0xbfc0_0000,
    0x4020_0000, // 2.5
    0xc020_0000,
    0x4048_f5c3, // 3.14
    0xc0a0_0000, // -5
    0x42c8_0000, // 100
    0x4afc_0001, // beyond 2^22: halves
    0x4b00_0001, // beyond 2^23: no fraction
    0x4eff_ffff, // below 2^31
    0x4f00_0000, // 2^31
    0xcf00_0000,
    0xcf00_0001,
    0x4f7f_ffff, // below 2^32
    0x4f80_0000, // 2^32
    0x7f7f_ffff, // the greatest
    0xff7f_ffff,
    0x7f80_0000, // infinity
    0xff80_0000,
    0x7fc0_0000, // NaN
    0xffff_ffff, // NaN, negative, all bits
];

/// Values as single operands, and random ones.
pub fn singles(table: &[u32], random: usize) -> Vec<Case> {
    let mut numbers = Random(0x51);
    let values = table.iter().copied().chain((0..random).map(|_| numbers.dword()));
    values.map(|value| [value, 0, 0, 0]).collect()
}

/// All pairs of values, and random ones.
pub fn pairs(table: &[u32], random: usize) -> Vec<Case> {
    let mut numbers = Random(0x52);
    let all = table.iter().flat_map(|a| table.iter().map(|b| [*a, *b, 0, 0]));
    all.chain((0..random).map(|_| [numbers.dword(), numbers.dword(), 0, 0])).collect()
}

/// Triples: all pairs with every third value in turn, and random ones.
pub fn triples(table: &[u32], random: usize) -> Vec<Case> {
    let mut numbers = Random(0x53);
    let all = pairs(table, 0)
        .into_iter()
        .flat_map(|[a, b, ..]| table.iter().step_by(3).map(move |c| [a, b, *c, 0]));
    all.chain((0..random).map(|_| [(); 3].map(|()| numbers.dword())).map(|[a, b, c]| [a, b, c, 0])).collect()
}

/// Random quadruples of values of a table.
pub fn quadruples(table: &[u32], count: usize) -> Vec<Case> {
    let mut numbers = Random(0x54);
    (0..count).map(|_| [(); 4].map(|()| table[numbers.below(table.len())])).collect()
}
