//! Double instructions: sections 3.1.4 and 22.14 to 22.17 of the D3D11.3 functional specification.
//!
//! Doubles are exact. A NaN's payload, a computed zero (either sign, see [`super::value::Range::value`]) and
//! denormals (which D3D11 keeps and many Vulkan drivers flush) are any bits.

use pvgpu_dxbc::token::opcode::Opcode;

use super::value::Value;

/// A double of a register pair: its bits; `None` if they are not known.
pub fn join(low: Value, high: Value) -> Option<f64> {
    match (low, high) {
        (Value::Exact(low), Value::Exact(high)) => {
            Some(f64::from_bits(u64::from(low) | u64::from(high) << 32))
                .filter(|double| !double.is_subnormal())
        }
        _ => None,
    }
}

/// The register pair of a result.
pub fn split(double: Option<f64>) -> [Value; 2] {
    match double {
        Some(double) if !double.is_nan() && !double.is_subnormal() => {
            [double.to_bits() as u32, (double.to_bits() >> 32) as u32].map(Value::Exact)
        }
        _ => [Value::Any; 2],
    }
}

/// The result of an instruction from doubles to a double; `None` if it is not known.
pub fn compute(opcode: Opcode, sources: &[Option<f64>]) -> Option<f64> {
    let sources: Vec<f64> = sources.iter().copied().collect::<Option<_>>()?;
    // As for floats (see `super::float`): llvmpipe (Mesa 22.3.6) was seen to give 0 for a constant 0 times infinity or
    // NaN, and changing bits for a division by 0.
    if matches!(opcode, Opcode::Dmul | Opcode::Ddiv | Opcode::Dfma | Opcode::Drcp)
        && sources.iter().any(|source| *source == 0.0 || !source.is_finite())
    {
        return None;
    }
    let result = match (opcode, sources.as_slice()) {
        (Opcode::Dadd, [a, b]) => Some(a + b),
        (Opcode::Dmul, [a, b]) => Some(a * b),
        (Opcode::Ddiv, [a, b]) => Some(a / b),
        // D3D11 wants it fused. Vulkan gives `Fma` the precision of a product and a sum, which llvmpipe (Mesa 22.3.6) was
        // seen to use, so only what is the same either way is known.
        (Opcode::Dfma, [a, b, c]) => Some(a.mul_add(*b, *c)).filter(|fused| *fused == a * b + c),
        // One unit, but exact where the result is representable.
        (Opcode::Drcp, [a]) => Some(1.0 / a).filter(|result| a.to_bits() << 12 == 0 || result.is_infinite()),
        (Opcode::Dmin, [a, b]) => Some(a.min(*b)),
        (Opcode::Dmax, [a, b]) => Some(a.max(*b)),
        _ => None,
    };
    result.filter(|result| *result != 0.0)
}

/// The result of a comparison; `None`: not known.
pub fn compare(opcode: Opcode, a: Option<f64>, b: Option<f64>) -> Option<u32> {
    let (a, b) = (a?, b?);
    let holds = match opcode {
        Opcode::Deq => a == b,
        Opcode::Dne => a != b,
        Opcode::Dlt => a < b,
        Opcode::Dge => a >= b,
        _ => return None,
    };
    Some(if holds { u32::MAX } else { 0 })
}

/// `_sat`; NaN gives zero, and a zero has either sign.
pub fn saturated(double: Option<f64>) -> Option<f64> {
    let double = double?;
    Some(double.clamp(0.0, 1.0)).filter(|double| *double > 0.0)
}

/// The result of `dtof`, `dtoi` or `dtou`.
pub fn narrow(opcode: Opcode, double: Option<f64>) -> Value {
    let Some(double) = double else { return Value::Any };
    match opcode {
        Opcode::Dtoi => Value::Exact(double as i32 as u32),
        Opcode::Dtou => Value::Exact(double as u32),
        _ => super::value::Range::point(double as f32).value(),
    }
}

/// The result of `ftod`, `itod` or `utod`.
pub fn widen(opcode: Opcode, value: Value) -> Option<f64> {
    let bits = value.exact()?;
    match opcode {
        Opcode::Itod => Some(f64::from(bits as i32)),
        Opcode::Utod => Some(f64::from(bits)),
        _ => Some(f32::from_bits(bits)).filter(|float| !float.is_subnormal()).map(f64::from),
    }
}
