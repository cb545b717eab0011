//! Arithmetic: one instruction each, on numbers that are random or special.

use crate::kit::expected::{from_half, random};
use crate::kit::*;

cases![
    reverse_bits => |t| integer(t, shader!("arithmetic.reverse_bits"), |[a, ..]| a.reverse_bits()),
    count_bits => |t| integer(t, shader!("arithmetic.count_bits"), |[a, ..]| a.count_ones()),
    first_bit_high => |t| integer(t, shader!("arithmetic.first_bit_high"), |[a, ..]| {
        a.checked_ilog2().unwrap_or(u32::MAX)
    }),
    // The highest bit that is not as the sign.
    first_bit_high_signed => |t| integer(t, shader!("arithmetic.first_bit_high_signed"), |[a, ..]| {
        let a = if a >> 31 == 1 { !a } else { a };
        a.checked_ilog2().unwrap_or(u32::MAX)
    }),
    first_bit_low => |t| integer(t, shader!("arithmetic.first_bit_low"), |[a, ..]| {
        if a == 0 { u32::MAX } else { a.trailing_zeros() }
    }),
    multiply => |t| integer(t, shader!("arithmetic.multiply"), |[a, b, c]| a.wrapping_mul(b).wrapping_add(c)),
    // Division by zero gives all bits.
    divide => |t| integer(t, shader!("arithmetic.divide"), |[a, b, _]| a.checked_div(b).unwrap_or(u32::MAX)),
    remainder => |t| integer(t, shader!("arithmetic.remainder"), |[a, b, _]| a.checked_rem(b).unwrap_or(u32::MAX)),
    divide_signed => |t| integer(t, shader!("arithmetic.divide_signed"), |[a, b, _]| {
        a.cast_signed().wrapping_div((b | 1).cast_signed()).cast_unsigned()
    }),
    // Only the lower five bits of a distance count.
    shift_left => |t| integer(t, shader!("arithmetic.shift_left"), |[a, b, _]| a.wrapping_shl(b)),
    shift_right => |t| integer(t, shader!("arithmetic.shift_right"), |[a, b, _]| a.wrapping_shr(b)),
    shift_right_signed => |t| integer(t, shader!("arithmetic.shift_right_signed"), |[a, b, _]| {
        a.cast_signed().wrapping_shr(b).cast_unsigned()
    }),
    minimum_signed => |t| integer(t, shader!("arithmetic.minimum_signed"), |[a, b, _]| {
        a.cast_signed().min(b.cast_signed()).cast_unsigned()
    }),
    maximum_unsigned => |t| integer(t, shader!("arithmetic.maximum_unsigned"), |[a, b, _]| a.max(b)),
    extract_bits => |t| integer(t, shader!("arithmetic.extract_bits"), |[a, ..]| a >> 7 & 0x1ff),
    insert_bits => |t| integer(t, shader!("arithmetic.insert_bits"), |[a, b, _]| a & !0xff0 | b << 4 & 0xff0),
    bit_logic => |t| integer(t, shader!("arithmetic.bit_logic"), |[a, b, c]| (a & b) ^ (!a | c)),
    masked_differences => |t| integer(t, shader!("arithmetic.masked_differences"), |[a, b, c]| {
        differences(a, u64::from(c) << 32 | u64::from(b), 2) + 3
    }),
    half_to_float => |t| unary(t, shader!("arithmetic.half_to_float"), &halves(), 0.0, |bits| {
        // CAST: a half has 16 bits.
        from_half(bits as u16)
    }),
    float_to_half => |t| float_to_half(t),
    float_to_int => |t| integer_of(t, shader!("arithmetic.float_to_int"), &conversions(), |x| {
        // CAST: saturates, and what is no number is 0, as in Direct3D.
        (x as i32).cast_unsigned()
    }),
    float_to_unsigned => |t| integer_of(t, shader!("arithmetic.float_to_unsigned"), &conversions(), |x| x as u32),
    // CAST: to the nearest float, as in Direct3D.
    int_to_float => |t| unary(t, shader!("arithmetic.int_to_float"), &numbers(), 1e-7, |a| a.cast_signed() as f32),
    unsigned_to_float => |t| unary(t, shader!("arithmetic.unsigned_to_float"), &numbers(), 1e-7, |a| a as f32),
    multiply_add => |t| float(t, shader!("arithmetic.multiply_add"), 1e-6, |[x, y, z]| x * y + z),
    quotient => |t| float(t, shader!("arithmetic.quotient"), 1e-6, |[x, y, _]| x / y),
    reciprocal => |t| float(t, shader!("arithmetic.reciprocal"), 1e-6, |[x, ..]| 1.0 / x),
    square_root => |t| float(t, shader!("arithmetic.square_root"), 1e-6, |[x, ..]| x.sqrt()),
    inverse_root => |t| float(t, shader!("arithmetic.inverse_root"), 1e-6, |[x, ..]| 1.0 / x.sqrt()),
    exponential => |t| float(t, shader!("arithmetic.exponential"), 1e-5, |[x, ..]| x.exp2()),
    logarithm => |t| float(t, shader!("arithmetic.logarithm"), 1e-5, |[x, ..]| x.log2()),
    // The specification allows an absolute error of 0.0008 within 100 π.
    sine => |t| float(t, shader!("arithmetic.sine"), 8e-4, |[x, ..]| x.sin()),
    cosine => |t| float(t, shader!("arithmetic.cosine"), 8e-4, |[x, ..]| x.cos()),
    floor_of => |t| float(t, shader!("arithmetic.floor_of"), 0.0, |[x, ..]| x.floor()),
    ceiling => |t| float(t, shader!("arithmetic.ceiling"), 0.0, |[x, ..]| x.ceil()),
    nearest_even => |t| float(t, shader!("arithmetic.nearest_even"), 0.0, |[x, ..]| x.round_ties_even()),
    truncate => |t| float(t, shader!("arithmetic.truncate"), 0.0, |[x, ..]| x.trunc()),
    fraction => |t| float(t, shader!("arithmetic.fraction"), 1e-6, |[x, ..]| x - x.floor()),
    // What is no number becomes 0.
    saturated => |t| float(t, shader!("arithmetic.saturated"), 0.0, |[x, ..]| {
        if x.is_nan() { 0.0 } else { x.clamp(0.0, 1.0) }
    }),
    // Of a number and what is none, the number.
    minimum => |t| float(t, shader!("arithmetic.minimum"), 0.0, |[x, y, _]| x.min(y)),
    maximum => |t| float(t, shader!("arithmetic.maximum"), 0.0, |[x, y, _]| x.max(y)),
    less => |t| comparison(t, shader!("arithmetic.less"), |x, y| x < y),
    not_equal => |t| comparison(t, shader!("arithmetic.not_equal"), |x, y| x != y),
    dot_product => |t| float(t, shader!("arithmetic.dot_product"), 1e-5, |[x, y, z]| x * y + y * z + z * x + 2.0),
    absolute_negated => |t| float(t, shader!("arithmetic.absolute_negated"), 0.0, |[x, ..]| -x.abs() * 2.0),
    remainder_float => |t| float(t, shader!("arithmetic.remainder_float"), 1e-4, |[x, y, _]| x % y),
    is_special => |t| integer_of(t, shader!("arithmetic.is_special"), &conversions(), |x| {
        u32::from(x.is_nan()) | u32::from(x.is_infinite()) << 1 | u32::from(x.is_finite()) << 2
    }),
    selected => |t| integer(t, shader!("arithmetic.selected"), |[a, b, c]| {
        if f32::from_bits(a) > 0.5 { a } else if f32::from_bits(b) > 0.5 { b } else { c }
    }),
    double_sum => |t| double(t, shader!("arithmetic.double_sum"), |p, q| p + q),
    double_product => |t| double(t, shader!("arithmetic.double_product"), |p, q| p * q),
    double_quotient => |t| double(t, shader!("arithmetic.double_quotient"), |p, q| p / q),
    double_fused => |t| double(t, shader!("arithmetic.double_fused"), |p, q| p.mul_add(q, p)),
    double_minimum => |t| double(t, shader!("arithmetic.double_minimum"), f64::min),
    double_selected => |t| double(t, shader!("arithmetic.double_selected"), |p, q| if p < q { q } else { p }),
    // CAST: to the nearest float and back.
    double_through_float => |t| double(t, shader!("arithmetic.double_through_float"), |p, _| f64::from(p as f32)),
    // CAST: saturates; the inputs do not.
    double_through_int => |t| double(t, shader!("arithmetic.double_through_int"), |p, _| f64::from(p as i32)),
];

/// 192 words: random ones after some special ones.
fn numbers() -> Vec<u32> {
    let special = [0, 1, 2, 31, 32, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
    let mut next = random(77);
    let mut numbers: Vec<u32> = (0..192).map(|_| next()).collect();
    for (place, first) in [0, 64, 128].into_iter().zip(0..) {
        // Another one at each place, so that pairs are mixed.
        for (n, number) in special.iter().cycle().skip(first * 3).take(8).enumerate() {
            numbers[place + n] = *number;
        }
    }
    numbers
}

fn integer(t: &mut Test<'_>, cs: Code, expected: fn([u32; 3]) -> u32) -> Result<()> {
    let input = numbers();
    let found = t.compute(cs, &input, 64)?;
    let expected: Vec<u32> = (0..64).map(|n| expected([input[n], input[n + 64], input[n + 128]])).collect();
    t.expect_words(&found, &expected);
    Ok(())
}

/// Numbers between -50 and 50, many of them halves of whole numbers, as bits.
fn reals() -> Vec<u32> {
    let mut next = random(4242);
    // CAST: at most 800.
    (0..192).map(|_| ((next() >> 8) % 801) as f32 / 8.0 - 50.0).map(f32::to_bits).collect()
}

fn float(t: &mut Test<'_>, cs: Code, tolerance: f32, expected: fn([f32; 3]) -> f32) -> Result<()> {
    let mut input = reals();
    let special = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 0.0, -0.0, 1.0, 0.5, 2.5];
    // Only where each renderer must agree: functions with a tolerance of their own get no infinite number.
    let first = if tolerance > 1e-5 { 3 } else { 0 };
    for (place, number) in input.iter_mut().zip(&special[first..]) {
        *place = number.to_bits();
    }
    let found = t.compute(cs, &input, 64)?;
    let number = |n: usize| f32::from_bits(input[n]);
    let expected: Vec<f32> =
        (0..64).map(|n| expected([number(n), number(n + 64), number(n + 128)])).collect();
    t.expect_floats(tolerance, &found, &expected);
    Ok(())
}

fn unary(t: &mut Test<'_>, cs: Code, input: &[u32], tolerance: f32, expected: fn(u32) -> f32) -> Result<()> {
    let found = t.compute(cs, input, 64)?;
    let expected: Vec<f32> = input.iter().take(64).map(|bits| expected(*bits)).collect();
    t.expect_floats(tolerance, &found, &expected);
    Ok(())
}

fn comparison(t: &mut Test<'_>, cs: Code, expected: fn(f32, f32) -> bool) -> Result<()> {
    let mut input = reals();
    for (n, number) in [f32::NAN, f32::INFINITY, 0.0, -0.0, 3.0].into_iter().enumerate() {
        input[n] = number.to_bits();
        input[n + 64] = [f32::NAN, f32::INFINITY, -0.0, 0.0, f32::NAN][n].to_bits();
    }
    let found = t.compute(cs, &input, 64)?;
    let pair = |n: usize| expected(f32::from_bits(input[n]), f32::from_bits(input[n + 64]));
    let expected: Vec<u32> = (0..64).map(|n| u32::from(pair(n))).collect();
    t.expect_words(&found, &expected);
    Ok(())
}

/// Floats at and beyond the ends of the integers.
fn conversions() -> Vec<u32> {
    let special =
        [0.0, -0.5, 0.5, 1.5, -1.5, 2e9, 3e9, 5e9, -3e9, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    let mut input = reals();
    for (place, number) in input.iter_mut().zip(special) {
        *place = number.to_bits();
    }
    input
}

fn integer_of(t: &mut Test<'_>, cs: Code, input: &[u32], expected: fn(f32) -> u32) -> Result<()> {
    let found = t.compute(cs, input, 64)?;
    let expected: Vec<u32> = input.iter().take(64).map(|bits| expected(f32::from_bits(*bits))).collect();
    t.expect_words(&found, &expected);
    Ok(())
}

/// Halves of all kinds: zeros, small ones, usual ones, infinite ones; the upper 16 bits do not count.
fn halves() -> Vec<u32> {
    let special = [0, 0x8000, 1, 0x3ff, 0x400, 0x3c00, 0xbc00, 0x7bff, 0x7c00, 0xfc00, 0xffff_3555];
    let mut next = random(5);
    let usual = std::iter::from_fn(move || Some(next() & 0x7bff));
    special.into_iter().chain(usual).take(192).collect()
}

/// Rounding is towards zero in the specification; most hardware rounds to the nearest.
fn float_to_half(t: &mut Test<'_>) -> Result<()> {
    let input = reals();
    let found = t.compute(shader!("arithmetic.float_to_half"), &input, 64)?;
    let near = |(bits, half): (&u32, &u32)| {
        let number = f32::from_bits(*bits);
        // CAST: a half has 16 bits.
        *half <= 0xffff && (from_half(*half as u16) - number).abs() <= number.abs() / 1024.0
    };
    t.holds("each half is one of the two next to its number", input.iter().zip(&found).all(near));
    Ok(())
}

/// The sum of differences of bytes, those of the reference that are zero left out, at a distance of some bytes.
fn differences(reference: u32, source: u64, distance: u32) -> u32 {
    let byte = |number: u64, n: u32| (number >> (8 * n) & 255) as u8;
    (0..4)
        .map(|n| (byte(u64::from(reference), n), byte(source, n + distance)))
        .filter(|(reference, _)| *reference != 0)
        .map(|(reference, source)| u32::from(reference.abs_diff(source)))
        .sum()
}

fn double(t: &mut Test<'_>, cs: Code, expected: fn(f64, f64) -> f64) -> Result<()> {
    let mut next = random(99);
    let mut number = || f64::from(next()) / 1048576.0 - 2000.0 + f64::from(next() & 1023) * 1e-9;
    let numbers: Vec<f64> = (0..64).map(|_| number()).collect();
    let input: Vec<u32> = numbers
        .iter()
        // CAST: lower and upper half.
        .flat_map(|number| [number.to_bits() as u32, (number.to_bits() >> 32) as u32])
        .collect();
    let found = t.compute(cs, &input, 64)?;
    let found: Vec<f64> = found
        .as_chunks()
        .0
        .iter()
        .map(|[low, high]| f64::from_bits(u64::from(*high) << 32 | u64::from(*low)))
        .collect();
    let expected: Vec<f64> = (0..32).map(|n| expected(numbers[n], numbers[n + 32])).collect();
    let wrong = found.iter().zip(&expected).position(|(a, b)| (a - b).abs() > b.abs() * 1e-15);
    t.equal("first wrong double", &wrong.map(|n| (found[n], expected[n])), &None);
    Ok(())
}
