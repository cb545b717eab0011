//! Gamma control of a full-screen output: 256 control points, as many as the ramp of a display device has entries.
//!
//! Source: the DXGI pages of `DXGI_GAMMA_CONTROL_CAPABILITIES` and `DXGI_GAMMA_CONTROL`.

/// Control points in use, of the 1025 that the structures have room for.
pub const POINTS: u32 = 256;
/// Largest value of a control point.
pub const MAXIMUM: f32 = 1.0;

/// Where control point `index` lies on the curve, from 0 to 1.
pub fn position(index: u32) -> f32 {
    // CAST: exact below 2^24.
    index.min(POINTS - 1) as f32 / (POINTS - 1) as f32
}

/// A value of the curve as a display device takes it; what is no number counts as 0.
pub fn ramp_entry(value: f32) -> u16 {
    // CAST: clamped to what 16 bits hold; the conversion makes 0 of what is no number.
    (value.clamp(0.0, MAXIMUM) * f32::from(u16::MAX)).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_goes_from_nothing_to_all() {
        assert_eq!((position(0), position(255), position(1024)), (0.0, 1.0, 1.0));
        assert!((1..POINTS).all(|index| position(index) > position(index - 1)));
        assert_eq!([-1.0, 0.0, 0.5, 1.0, 2.0, f32::NAN].map(ramp_entry), [0, 0, 32768, 65535, 65535, 0]);
    }
}
