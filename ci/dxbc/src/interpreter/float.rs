//! Float instructions on sets of values: sections 3.1 and 22.10 of the D3D11.3 functional specification.
//!
//! Additions and multiplications are exact (0.5 units). Where the specification has a tolerance, or Vulkan's table of
//! precisions (appendix "Precision and Operation of SPIR-V Instructions") a wider one, the wider one holds: a correct
//! translation on a conforming driver must pass.

use pvgpu_dxbc::token::opcode::Opcode;

use super::value::{Range, Value, greater, lesser};

/// Whether `opcode` takes floats, component by component, and gives a float.
pub fn is_componentwise(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::Add
            | Opcode::Mul
            | Opcode::Div
            | Opcode::Mad
            | Opcode::Min
            | Opcode::Max
            | Opcode::Frc
            | Opcode::Exp
            | Opcode::Log
            | Opcode::Sqrt
            | Opcode::Rsq
            | Opcode::Rcp
            | Opcode::RoundNe
            | Opcode::RoundNi
            | Opcode::RoundPi
            | Opcode::RoundZ
    )
}

/// The result of a componentwise instruction.
pub fn compute(opcode: Opcode, sources: &[Value]) -> Range {
    // A value that may be anything need not be the same to each instruction that reads it (see `divide`), so that
    // nothing is known of what is computed from it either.
    if sources.contains(&Value::Any) {
        return Range::ALL;
    }
    let sources: Vec<Range> = sources.iter().map(|value| value.range()).collect();
    match (opcode, sources.as_slice()) {
        (Opcode::Add, [a, b]) => add(*a, *b),
        (Opcode::Mul, [a, b]) => multiply(*a, *b),
        (Opcode::Mad, [a, b, c]) => multiply_add(*a, *b, *c),
        (Opcode::Div, [a, b]) => divide(*a, *b),
        (Opcode::Rcp, [a]) => divide(Range::point(1.0), *a),
        (Opcode::Min, [a, b]) => extremum(*a, *b, lesser),
        (Opcode::Max, [a, b]) => extremum(*a, *b, greater),
        (Opcode::RoundNe, [a]) => monotone(*a, f32::round_ties_even),
        (Opcode::RoundNi, [a]) => monotone(*a, f32::floor),
        (Opcode::RoundPi, [a]) => monotone(*a, f32::ceil),
        (Opcode::RoundZ, [a]) => monotone(*a, f32::trunc),
        (Opcode::Frc, [a]) => fraction(*a),
        (Opcode::Exp, [a]) => exponential(*a),
        (Opcode::Log, [a]) => logarithm(*a),
        (Opcode::Sqrt, [a]) => square_root(*a),
        (Opcode::Rsq, [a]) => reciprocal_square_root(*a),
        _ => Range::ALL,
    }
}

/// NaN, if either may be; `None` if one is nothing else.
fn numbers(a: Range, b: Range) -> Option<bool> {
    (!a.is_empty() && !b.is_empty()).then_some(a.nan || b.nan)
}

fn add(a: Range, b: Range) -> Range {
    let Some(nan) = numbers(a, b) else { return Range::NAN };
    let sum = Range::hull_of(&[a.low + b.low, a.high + b.high]);
    let opposite = a.high == f32::INFINITY && b.low == f32::NEG_INFINITY
        || a.low == f32::NEG_INFINITY && b.high == f32::INFINITY;
    Range { nan: sum.nan || nan || opposite, ..sum }
}

fn multiply(a: Range, b: Range) -> Range {
    // llvmpipe (Mesa 22.3.6) was seen to give +0 for a constant 0 times anything, NaN and infinity too, in spite of the
    // execution mode.
    let product = true_product(a, b);
    if a.has_zero() || b.has_zero() { product.hull(Range::ZERO) } else { product }
}

fn true_product(a: Range, b: Range) -> Range {
    let Some(nan) = numbers(a, b) else { return Range::NAN };
    let product = Range::hull_of(&[a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high]);
    let undefined = a.has_zero() && b.has_infinity() || b.has_zero() && a.has_infinity();
    if undefined && product != Range::NAN {
        return Range::ALL;
    }
    Range { nan: product.nan || nan, ..product }
}

/// Fused or not.
fn multiply_add(a: Range, b: Range, c: Range) -> Range {
    let apart = add(multiply(a, b).flushed(), c);
    if apart.is_empty() || apart.nan {
        return apart;
    }
    let mut corners = Vec::new();
    for a in [a.low, a.high] {
        for b in [b.low, b.high] {
            corners.extend([c.low, c.high].map(|c| a.mul_add(b, c)));
        }
    }
    apart.hull(Range::hull_of(&corners))
}

/// Vulkan: 2.5 units for a divisor from 2^-126 to 2^126.
fn divide(a: Range, b: Range) -> Range {
    let Some(nan) = numbers(a, b) else { return Range::NAN };
    // D3D11: infinity, or NaN for 0/0. llvmpipe (Mesa 22.3.6) was seen to give 0 for a constant 0 divided by
    // anything, and changing bits for a division by a constant 0.
    if a.has_zero() || b.has_zero() {
        return if b.has_zero() || b.nan {
            Range::ALL
        } else {
            Range { nan, ..corners(a, b) }.hull(Range::ZERO)
        };
    }
    if b.has_infinity() && a.has_infinity() {
        let infinite = |range: Range| range.low == range.high && range.low.is_infinite();
        return if infinite(a) && infinite(b) { Range::NAN } else { Range::ALL };
    }
    let mut quotient = corners(a, b);
    if b.low.abs().max(b.high.abs()) > 2f32.powi(126) {
        // The reciprocal may be flushed.
        if a.has_infinity() {
            return Range::ALL;
        }
        let zero = Range::point(if quotient.low.is_sign_negative() { -0.0 } else { 0.0 });
        quotient = quotient.hull(zero);
    }
    Range { nan: quotient.nan || nan, ..quotient.widened(3) }
}

fn corners(a: Range, b: Range) -> Range {
    Range::hull_of(&[a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high])
}

/// The number, where only one is.
fn extremum(a: Range, b: Range, choose: fn(f32, f32) -> f32) -> Range {
    let mut result = Range { nan: a.nan && b.nan, ..Range::NAN };
    if !a.is_empty() && !b.is_empty() {
        result = Range { low: choose(a.low, b.low), high: choose(a.high, b.high), nan: result.nan };
    }
    if a.nan {
        result = result.hull(Range { nan: false, ..b });
    }
    if b.nan {
        result = result.hull(Range { nan: false, ..a });
    }
    if a.has_zero() && b.has_zero() && result.has_zero() && (a != b || a.low.to_bits() != a.high.to_bits()) {
        // Zeros of different sign and denormals may count as equal.
        let largest = f32::from_bits(0x007f_ffff);
        let small = a.low.abs().max(b.low.abs()).max(a.high.abs()).max(b.high.abs()).min(largest);
        result = result.hull(Range { low: -small, high: small, nan: false });
    }
    result
}

fn monotone(a: Range, f: fn(f32) -> f32) -> Range {
    if a.is_empty() { a } else { Range { low: f(a.low), high: f(a.high), nan: a.nan } }
}

fn fraction(a: Range) -> Range {
    if a.low.to_bits() != a.high.to_bits() || a.nan {
        return if a.is_empty() {
            Range::NAN
        } else {
            Range { low: 0.0, high: 1.0, nan: a.nan || a.has_infinity() }
        };
    }
    let result = a.low - a.low.floor();
    // 1 minus something tiny may be rounded to 1, or kept below it.
    if result == 1.0 {
        Range { low: 1.0f32.next_down(), high: 1.0, nan: false }
    } else {
        Range::point(result)
    }
}

/// Applies `f`, computed in double precision, to both ends.
fn through_double(a: Range, f: fn(f64) -> f64) -> Range {
    Range::hull_of(&[f(f64::from(a.low)) as f32, f(f64::from(a.high)) as f32])
}

/// Vulkan: 3 + 2·|x| units; D3D11: a relative error of 2^-21, four units.
fn exponential(a: Range) -> Range {
    if a.is_empty() {
        return Range::NAN;
    }
    let most = a.low.abs().max(a.high.abs()).min(256.0);
    let exact = a.low.to_bits() == a.high.to_bits();
    if exact && (a.low.is_infinite() || a.low == 0.0) {
        return Range::point(if a.low == f32::NEG_INFINITY { 0.0 } else { a.low.exp2() });
    }
    let result = through_double(a, f64::exp2).widened(4 + 2 * most.ceil() as i32);
    Range { nan: a.nan, ..result }
}

/// An absolute error of 2^-21 from 0.5 to 2, and 4 units elsewhere.
fn logarithm(a: Range) -> Range {
    if a.is_empty() {
        return Range::NAN;
    }
    if a.low < 0.0 {
        return if a.high <= -f32::MIN_POSITIVE { Range::NAN } else { Range::ALL };
    }
    let a = Range { low: if a.low < f32::MIN_POSITIVE { 0.0 } else { a.low }, ..a };
    let result = through_double(a, f64::log2);
    let error = 2f32.powi(-21);
    // llvmpipe (Mesa 22.3.6) was seen to give about -127 for denormals, which D3D11 flushes.
    let result = if a.low < f32::MIN_POSITIVE && a.high > 0.0 {
        Range { high: greater(result.high, -126.0), ..result }
    } else {
        result
    };
    let wide = if result.low.is_infinite() && result.high.is_infinite() { result } else { result.widened(4) };
    Range {
        low: lesser(wide.low, result.low - error),
        high: greater(wide.high, result.high + error),
        nan: a.nan,
    }
}

/// Vulkan: as 1 / inversesqrt, so 2 and 2.5 units; the sign of a zero is lost there.
fn square_root(a: Range) -> Range {
    if a.is_empty() {
        return Range::NAN;
    }
    if a.low < 0.0 {
        return if a.high <= -f32::MIN_POSITIVE { Range::NAN } else { Range::ALL };
    }
    let result = Range { nan: a.nan, ..through_double(a, f64::sqrt).widened(5) };
    let result = if a.low.is_infinite() { Range::point(f32::INFINITY) } else { result };
    if a.has_zero() { result.hull(Range::ZERO) } else { result }
}

/// D3D11: a relative error of 2^-21.
fn reciprocal_square_root(a: Range) -> Range {
    if a.is_empty() {
        return Range::NAN;
    }
    if a.has_zero() {
        return if a.low == 0.0 && a.high == 0.0 {
            // The sign of an infinity depends on that of the zero, which Vulkan does not keep.
            Range { low: f32::NEG_INFINITY, high: f32::INFINITY, nan: false }
        } else {
            Range::ALL
        };
    }
    if a.low < 0.0 {
        return if a.high < 0.0 { Range::NAN } else { Range::ALL };
    }
    Range { nan: a.nan, ..through_double(a, |x| 1.0 / x.sqrt()).widened(5) }
}

/// `sincos`: (sine, cosine). D3D11: an absolute error of 0.0008 from -100π to 100π.
pub fn sine_and_cosine(value: Value) -> [Range; 2] {
    let a = value.range();
    if a.is_empty() || a.low == a.high && a.low.is_infinite() {
        return [Range::NAN; 2];
    }
    let limit = 314.0;
    if a.low.to_bits() != a.high.to_bits() || a.nan || a.low.abs() > limit {
        return [Range::ALL; 2];
    }
    let around = |x: f32| Range { low: x - 0.0008, high: x + 0.0008, nan: false };
    [around(a.low.sin()), around(a.low.cos())]
}

/// A dot product of any order, fused or not.
pub fn dot(a: &[Value], b: &[Value]) -> Range {
    let (mut sum, mut magnitude, mut exact) = (0f64, 0f64, true);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (a.range(), b.range());
        if a.is_empty() || b.is_empty() {
            // As in `multiply`, a zero may win against NaN.
            return if a.has_zero() || b.has_zero() { Range::ALL } else { Range::NAN };
        }
        let single = |range: Range| range.low == range.high && !range.nan && range.low.is_finite();
        if !single(a) || !single(b) {
            return Range::ALL;
        }
        let product = f64::from(a.low) * f64::from(b.low);
        exact &= product.fract() == 0.0;
        sum += product;
        magnitude += product.abs();
    }
    if magnitude > f64::from(f32::MAX) / 2.0 {
        return Range::ALL;
    }
    if exact && magnitude <= 16_777_216.0 {
        // Whole numbers, and so are all partial sums.
        return if sum == 0.0 { Range::ZERO } else { Range::point(sum as f32) };
    }
    // Three additions and four multiplications, each off by half a unit of at most the sum of magnitudes.
    let error = 8.0 * magnitude * 2f64.powi(-24) + 8.0 * f64::from(f32::MIN_POSITIVE);
    let (low, high) = ((sum - error) as f32, (sum + error) as f32);
    Range { low: low.next_down(), high: high.next_up(), nan: false }
}

/// `_sat`: NaN gives zero. Anything stays anything, as in [`compute`].
pub fn saturated(range: Range) -> Range {
    if range == Range::ALL {
        return range;
    }
    let zero = Range::ZERO;
    let mut result = Range { nan: false, ..Range::NAN };
    if range.nan {
        result = result.hull(zero);
    }
    if !range.is_empty() {
        let clamp = |x: f32| if x <= 0.0 { 0.0 } else { x.min(1.0) };
        result = result.hull(Range { low: clamp(range.low), high: clamp(range.high), nan: false });
        if range.low <= 0.0 {
            result = result.hull(zero);
        }
    }
    result
}

/// A comparison, if it does not depend on which of the permitted values the sources have.
pub fn compare(opcode: Opcode, a: Value, b: Value) -> Value {
    let (a, b) = (a.range(), b.range());
    let unordered = a.is_empty() || b.is_empty();
    let maybe_unordered = a.nan || b.nan;
    let (always, never) = match opcode {
        Opcode::Lt => (a.high < b.low, a.low >= b.high),
        Opcode::Ge => (a.low >= b.high, a.high < b.low),
        // Eq, and Ne by its complement.
        _ => (a.low == a.high && b.low == b.high && a.low == b.low, a.high < b.low || b.high < a.low),
    };
    let holds = if unordered {
        Some(false)
    } else if always && !maybe_unordered {
        Some(true)
    } else if never {
        Some(false)
    } else {
        None
    };
    match holds {
        Some(holds) => Value::Exact(if holds != (opcode == Opcode::Ne) { u32::MAX } else { 0 }),
        None => Value::Any,
    }
}

/// `ftoi` and `ftou`: towards zero, clamped, NaN gives zero.
pub fn to_integer(opcode: Opcode, value: Value) -> Value {
    let range = value.range();
    // Rust's conversions clamp and truncate in the same way.
    let convert = |x: f32| if opcode == Opcode::Ftoi { x as i32 as u32 } else { x as u32 };
    let mut results = Vec::new();
    if !range.is_empty() {
        results.extend([convert(range.low), convert(range.high)]);
    }
    if range.nan {
        results.push(0);
    }
    match results.split_first() {
        Some((first, rest)) if rest.iter().all(|other| other == first) => Value::Exact(*first),
        _ => Value::Any,
    }
}

/// `f32tof16`: exact where rounding to nearest and towards zero agree, since Vulkan permits both.
pub fn to_half(value: Value) -> Value {
    let range = value.range();
    let exact = |x: f32| {
        let bits = x.to_bits();
        let sign = bits >> 16 & 0x8000;
        let (exponent, fraction) = ((bits >> 23 & 0xff) as i32 - 127, bits & 0x7f_ffff);
        if x.is_infinite() {
            return Some(sign | 0x7c00);
        }
        if x == 0.0 {
            return Some(sign);
        }
        // A half has 10 bits of fraction, fewer below 2^-14.
        let dropped = 13 + (-14 - exponent).max(0);
        if exponent > 15 || dropped > 23 {
            return None;
        }
        let whole = fraction | 1 << 23;
        let (kept, rest) = (whole >> dropped, whole & ((1 << dropped) - 1));
        if rest >= 1 << (dropped - 1) {
            return None;
        }
        // The hidden bit of a normal half is the first of the exponent.
        let base = if exponent >= -14 { ((exponent + 14) as u32) << 10 } else { 0 };
        Some(sign | (base + kept))
    };
    if range.nan || range.is_empty() || range.low.to_bits() != range.high.to_bits() {
        return Value::Any;
    }
    exact(range.low).map_or(Value::Any, Value::Exact)
}

/// `f16tof32`.
pub fn from_half(value: Value) -> Value {
    let Some(bits) = value.exact() else { return Value::Any };
    let (negative, exponent, fraction) = (bits >> 15 & 1 != 0, bits >> 10 & 0x1f, bits & 0x3ff);
    let magnitude = match (exponent, fraction) {
        (0x1f, 0) => f32::INFINITY,
        (0x1f, _) => return Value::Float(Range::NAN),
        (0, fraction) => fraction as f32 * 2f32.powi(-24),
        _ => f32::from_bits((exponent + 112) << 23 | fraction << 13),
    };
    Value::Exact(if negative { -magnitude } else { magnitude }.to_bits())
}

/// Applies the modifiers `_abs` and then `-`.
pub fn modified(value: Value, absolute: bool, negate: bool) -> Value {
    if !absolute && !negate {
        return value;
    }
    let mut range = value.range();
    if absolute && !range.is_empty() {
        let (low, high) = (range.low.abs(), range.high.abs());
        let least =
            if range.low.is_sign_negative() && range.high.is_sign_positive() { 0.0 } else { low.min(high) };
        range = Range { low: least, high: low.max(high), nan: range.nan };
    }
    if negate && !range.is_empty() {
        range = Range { low: -range.high, high: -range.low, nan: range.nan };
    }
    range.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(opcode: Opcode, sources: &[f32]) -> Value {
        let sources: Vec<Value> = sources.iter().map(|x| Value::Exact(x.to_bits())).collect();
        compute(opcode, &sources).value()
    }

    fn zero() -> Value {
        Value::Float(Range::ZERO)
    }

    fn is(x: f32) -> Value {
        Value::Exact(x.to_bits())
    }

    #[test]
    fn arithmetic_follows_the_specification() {
        let (inf, nan) = (f32::INFINITY, f32::NAN);
        assert!(float(Opcode::Add, &[-0.0, 0.0]).admits(0));
        assert_eq!(float(Opcode::Add, &[inf, -inf]), Value::Float(Range::NAN));
        assert!(float(Opcode::Mul, &[inf, 0.0]).admits(f32::NAN.to_bits()));
        assert!(!float(Opcode::Mul, &[-3.0, 0.0]).admits(1));
        assert_eq!(float(Opcode::Min, &[nan, 3.0]), is(3.0));
        assert_eq!(float(Opcode::Max, &[3.0, nan]), is(3.0));
        assert_eq!(float(Opcode::Max, &[nan, nan]), Value::Float(Range::NAN));
        let zeros = float(Opcode::Min, &[0.0, -0.0]);
        assert!(zeros.admits(0) && zeros.admits(1 << 31) && !zeros.admits(1));
        assert!(float(Opcode::Div, &[-1.0, 0.0]).admits((-inf).to_bits()));
        assert!(float(Opcode::Div, &[0.0, 0.0]).admits(f32::NAN.to_bits()));
        assert!(float(Opcode::Div, &[1.0, 3.0]).admits((1.0f32 / 3.0).to_bits()));
        assert_eq!(float(Opcode::RoundNe, &[2.5]), is(2.0));
        assert_eq!(float(Opcode::RoundPi, &[-0.5]), zero());
        assert_eq!(float(Opcode::Frc, &[-1.25]), is(0.75));
        assert_eq!(float(Opcode::Frc, &[inf]), Value::Float(Range::NAN));
        assert_eq!(float(Opcode::Mad, &[2.0, 3.0, 4.0]), is(10.0));
        assert_eq!(float(Opcode::Log, &[0.0]), is(-inf));
        assert!(float(Opcode::Log, &[8.0]).admits(3f32.to_bits()));
        assert!(float(Opcode::Exp, &[-3.0]).admits(0.125f32.to_bits()));
        assert!(float(Opcode::Rsq, &[4.0]).admits(0.5f32.to_bits()));
        assert_eq!(float(Opcode::Sqrt, &[-4.0]), Value::Float(Range::NAN));
        assert_eq!(saturated(Range::NAN).value(), Value::Float(Range::ZERO));
        assert_eq!(saturated(Range::point(7.0)).value(), is(1.0));
        assert_eq!(dot(&[is(2.0), is(3.0)], &[is(4.0), is(5.0)]).value(), is(23.0));
    }

    #[test]
    fn conversions_follow_the_specification() {
        let ftoi = |x: f32| to_integer(Opcode::Ftoi, is(x)).exact().unwrap();
        assert_eq!([ftoi(-1.9), ftoi(3e9), ftoi(-3e9), ftoi(f32::NAN)], [u32::MAX, 0x7fff_ffff, 1 << 31, 0]);
        assert_eq!(to_integer(Opcode::Ftou, is(-1.0)), Value::Exact(0));
        assert_eq!(to_half(is(1.0)), Value::Exact(0x3c00));
        assert_eq!(to_half(is(65504.0)), Value::Exact(0x7bff));
        assert_eq!(to_half(is(2f32.powi(-24))), Value::Exact(1));
        assert_eq!(to_half(is(-2f32.powi(-15))), Value::Exact(0x8200));
        for half in (0..0x7c00).chain(0x8000..0xfc00) {
            assert_eq!(to_half(from_half(Value::Exact(half))), Value::Exact(half), "{half:#x}");
        }
        assert_eq!(compare(Opcode::Ne, is(f32::NAN), is(1.0)), Value::Exact(u32::MAX));
        assert_eq!(compare(Opcode::Lt, is(f32::NAN), is(1.0)), Value::Exact(0));
        assert_eq!(compare(Opcode::Eq, is(-0.0), is(0.0)), Value::Exact(u32::MAX));
        assert_eq!(modified(is(-2.0), true, true), is(-2.0));
    }
}
