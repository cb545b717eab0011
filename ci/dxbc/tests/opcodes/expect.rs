//! What a result may be: exact bits, or a float within a bound of the D3D11.3 functional specification.
//!
//! Section 3.1.3.2 of the specification has every float operation flush denormals on input and output, and leaves the
//! bits of a NaN open. Vulkan 1.3 has no flushing unless the device offers `shaderDenormFlushToZeroFloat32`; so where
//! an operand or a result is denormal, the expectations allow both the flushed and the IEEE 754 result.

/// What a result may be.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// These bits.
    Bits(u32),
    /// One of these bit patterns.
    OneOf(Vec<u32>),
    /// Any NaN.
    Nan,
    /// A float of this value, within so many units in the last place of the exact value. Zero: the sign counts too.
    Ulps(f64, f64),
    /// A float this near to the exact value.
    Absolute(f64, f64),
    /// A float this near to the exact value, as a part of it.
    Relative(f64, f64),
    /// Any of these.
    Any(Vec<Expected>),
    /// Not specified: anything, and the test says why.
    Unspecified,
}

/// Whether the bits are a denormal float.
pub fn is_denormal(bits: u32) -> bool {
    bits & 0x7f80_0000 == 0 && bits & 0x007f_ffff != 0
}

/// The float, or a zero of its sign if it is denormal.
pub fn flush(bits: u32) -> u32 {
    if is_denormal(bits) { bits & 0x8000_0000 } else { bits }
}

impl Expected {
    /// Whether the result is allowed.
    pub fn allows(&self, found: u32) -> bool {
        let value = f64::from(f32::from_bits(found));
        match self {
            Self::Bits(bits) => *bits == found,
            Self::OneOf(all) => all.contains(&found),
            Self::Nan => value.is_nan(),
            // A denormal is flushed before or after it is rounded to the smallest normal number.
            Self::Ulps(exact, ulps) => {
                let flushed = exact.abs() < f64::from(f32::MIN_POSITIVE) && found << 1 == 0;
                flushed || within(found, *exact, ulps * ulp(*exact))
            }
            Self::Absolute(exact, bound) => within(found, *exact, *bound),
            Self::Relative(exact, bound) => within(found, *exact, exact.abs() * bound),
            Self::Any(all) => all.iter().any(|expected| expected.allows(found)),
            Self::Unspecified => true,
        }
    }
}

/// The distance between the floats around `exact`, section 3.1.2.
fn ulp(exact: f64) -> f64 {
    let exponent = if exact == 0.0 { -126 } else { exact.abs().log2().floor() as i32 };
    2f64.powi(exponent.clamp(-126, 127) - 23)
}

fn within(found: u32, exact: f64, bound: f64) -> bool {
    let value = f64::from(f32::from_bits(found));
    if exact.is_nan() {
        return value.is_nan();
    }
    if value.is_nan() || exact.is_infinite() {
        return value == exact;
    }
    // The nearest floats of the ends of the interval: a bound below half a unit still allows rounding.
    let (low, high) = ((exact - bound) as f32, (exact + bound) as f32);
    if exact == 0.0 && bound < 1e-30 {
        return value == 0.0 && value.is_sign_negative() == exact.is_sign_negative();
    }
    let flushed = is_denormal(low.to_bits()) || is_denormal(high.to_bits());
    f64::from(low) <= value && value <= f64::from(high)
        || flushed && value == 0.0 && value.is_sign_negative() == exact.is_sign_negative()
}

/// The expectation of a float operation: `exact` computes the result in double precision from the operands, each of
/// which may have been flushed or not.
pub fn float<const N: usize>(
    operands: [u32; N],
    exact: impl Fn([f64; N]) -> f64,
    bound: impl Fn(f64) -> Expected,
) -> Expected {
    let mut all = Vec::new();
    for flushed in 0..1u32 << N {
        let mut values = [0.0; N];
        for (n, value) in values.iter_mut().enumerate() {
            let bits = operands[n];
            if flushed >> n & 1 != 0 && !is_denormal(bits) {
                continue;
            }
            let bits = if flushed >> n & 1 != 0 { flush(bits) } else { bits };
            *value = f64::from(f32::from_bits(bits));
        }
        if (0..N).any(|n| flushed >> n & 1 != 0 && !is_denormal(operands[n])) {
            continue;
        }
        let expected = bound(exact(values));
        if !all.contains(&expected) {
            all.push(expected);
        }
    }
    if all.len() == 1 { all.remove(0) } else { Expected::Any(all) }
}
