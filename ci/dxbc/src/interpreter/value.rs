//! What a component of a register may hold: one bit pattern, a range of floats, or anything.
//!
//! D3D11 and Vulkan define many float results only up to a tolerance: denormals may be flushed or kept, a NaN may have
//! any payload, `rsq` may be some units off. So the interpreter computes sets of permitted values. Integers and most
//! float operations stay exact; a set spreads only through what depends on it. A branch or an address that depends on
//! a set ends the interpretation ([`super::Stop::Undetermined`]), since there is no single right way to go on.

/// A set of permitted bit patterns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// These bits.
    Exact(u32),
    /// Any float of the range.
    Float(Range),
    /// Any bits.
    Any,
}

impl Value {
    /// The bits, if there is one pattern only.
    pub fn exact(self) -> Option<u32> {
        match self {
            Self::Exact(bits) => Some(bits),
            _ => None,
        }
    }

    /// Whether these bits are permitted.
    pub fn admits(self, bits: u32) -> bool {
        match self {
            Self::Exact(exact) => exact == bits,
            Self::Float(range) => range.contains(f32::from_bits(bits)),
            Self::Any => true,
        }
    }

    /// The floats that an arithmetic instruction may take this for: a denormal may be flushed or not.
    pub fn range(self) -> Range {
        match self {
            Self::Exact(bits) => Range::point(f32::from_bits(bits)).flushed(),
            Self::Float(range) => range.flushed(),
            Self::Any => Range::ALL,
        }
    }

    /// Either of both.
    pub fn or(self, other: Self) -> Self {
        if self == other { self } else { Self::Any }
    }
}

/// A closed interval of floats, with -0 below +0, and perhaps NaN. `low` above `high`: no number, only NaN.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// The least number.
    pub low: f32,
    /// The greatest number.
    pub high: f32,
    /// Whether NaN is permitted.
    pub nan: bool,
}

impl PartialEq for Range {
    /// Zeros of different sign differ.
    fn eq(&self, other: &Self) -> bool {
        let keys = |range: &Self| (key(range.low), key(range.high), range.nan);
        keys(self) == keys(other)
    }
}

/// Floats as integers of the same order.
fn key(value: f32) -> i32 {
    let bits = value.to_bits() as i32;
    if bits < 0 { bits ^ i32::MAX } else { bits }
}

fn from_key(key: i32) -> f32 {
    f32::from_bits(if key < 0 { key ^ i32::MAX } else { key } as u32)
}

/// The lesser, with -0 below +0.
pub fn lesser(a: f32, b: f32) -> f32 {
    if key(a) <= key(b) { a } else { b }
}

/// The greater, with -0 below +0.
pub fn greater(a: f32, b: f32) -> f32 {
    if key(a) >= key(b) { a } else { b }
}

impl Range {
    /// Every float.
    pub const ALL: Self = Self { low: f32::NEG_INFINITY, high: f32::INFINITY, nan: true };
    /// NaN only.
    pub const NAN: Self = Self { low: f32::INFINITY, high: f32::NEG_INFINITY, nan: true };
    /// Zero of either sign.
    pub const ZERO: Self = Self { low: -0.0, high: 0.0, nan: false };

    /// One number, or NaN.
    pub fn point(value: f32) -> Self {
        if value.is_nan() { Self::NAN } else { Self { low: value, high: value, nan: false } }
    }

    /// The hull of numbers. Where one is NaN the numbers around it are not known either: everything.
    pub fn hull_of(values: &[f32]) -> Self {
        if values.iter().any(|value| value.is_nan()) {
            return if values.iter().all(|value| value.is_nan()) { Self::NAN } else { Self::ALL };
        }
        values.iter().fold(Self { nan: false, ..Self::NAN }, |hull, value| hull.hull(Self::point(*value)))
    }

    /// Whether it has no number.
    pub fn is_empty(self) -> bool {
        key(self.low) > key(self.high)
    }

    /// Whether `value` is permitted.
    pub fn contains(self, value: f32) -> bool {
        if value.is_nan() {
            return self.nan;
        }
        (key(self.low)..=key(self.high)).contains(&key(value))
    }

    /// Whether a zero of either sign, or a denormal, is permitted.
    pub fn has_zero(self) -> bool {
        !self.is_empty() && self.low < f32::MIN_POSITIVE && self.high > -f32::MIN_POSITIVE
    }

    /// Whether an infinity is permitted.
    pub fn has_infinity(self) -> bool {
        !self.is_empty() && (self.low == f32::NEG_INFINITY || self.high == f32::INFINITY)
    }

    /// The least range around both.
    pub fn hull(self, other: Self) -> Self {
        let nan = self.nan || other.nan;
        if self.is_empty() {
            return Self { nan, ..other };
        }
        if other.is_empty() {
            return Self { nan, ..self };
        }
        Self { low: lesser(self.low, other.low), high: greater(self.high, other.high), nan }
    }

    /// With the zeros that its denormals may become.
    pub fn flushed(mut self) -> Self {
        if self.is_empty() {
            return self;
        }
        if self.low.is_subnormal() && self.low > 0.0 {
            self.low = 0.0;
        }
        if self.high.is_subnormal() && self.high < 0.0 {
            self.high = -0.0;
        }
        self
    }

    /// `ulps` units in the last place more on either side, without crossing zero.
    pub fn widened(self, ulps: i32) -> Self {
        if self.is_empty() {
            return self;
        }
        let infinity = key(f32::INFINITY);
        let mut low = (key(self.low) - ulps).max(key(f32::NEG_INFINITY));
        let mut high = (key(self.high).saturating_add(ulps)).min(infinity);
        if key(self.low) >= 0 {
            low = low.max(0);
        }
        if key(self.high) < 0 {
            high = high.min(-1);
        }
        Self { low: from_key(low), high: from_key(high), nan: self.nan }
    }

    /// The set of bit patterns after a float operation. It may flush, and a zero may have either sign: D3D11 has rules
    /// for that, but llvmpipe (Mesa 22.3.6) was seen to break them in spite of `SignedZeroInfNanPreserve`: -0 plus a
    /// constant +0 is -0 there, and a constant 0 times a negative number is +0.
    pub fn value(self) -> Value {
        let mut range = self.flushed();
        if !range.is_empty() && range.low <= 0.0 && range.high >= 0.0 {
            range = range.hull(Self::ZERO);
        }
        if !range.nan && range.low.to_bits() == range.high.to_bits() {
            Value::Exact(range.low.to_bits())
        } else if range == Self::ALL {
            Value::Any
        } else {
            Value::Float(range)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_the_order_of_floats() {
        assert_eq!(Range::point(1.0).value(), Value::Exact(1f32.to_bits()));
        let denormal = f32::from_bits(3);
        let value = Value::Exact(denormal.to_bits()).range().value();
        assert!(value.admits(0) && value.admits(3) && !value.admits(4) && !value.admits(1 << 31 | 1));
        let wide = Range::point(1.0).widened(2).value();
        assert!(wide.admits(0x3f80_0002) && wide.admits(0x3f7f_fffe) && !wide.admits(0x3f80_0003));
        assert!(Range::point(-0.0).value().admits(0));
        assert!(!Range::point(-0.0).widened(9).contains(0.0));
        assert!(Range::point(f32::MAX).widened(1).contains(f32::INFINITY));
        assert!(!Range::point(f32::MAX).contains(f32::NAN));
        assert_eq!(Range::hull_of(&[f32::NAN, 1.0]), Range::ALL);
        assert!(Value::Float(Range::NAN).admits(0x7fc0_0001) && !Value::Float(Range::NAN).admits(0));
    }
}
