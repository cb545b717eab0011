//! Values computed on the CPU, as Direct3D's specification defines them.

/// A half-precision number.
pub fn from_half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f32::from(bits & 0x3ff));
    sign * match exponent {
        0 => mantissa * 2.0_f32.powi(-24),
        31 if mantissa == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + mantissa / 1024.0) * 2.0_f32.powi(exponent - 15),
    }
}

/// The linear value of an sRGB value.
pub fn from_srgb(value: f32) -> f32 {
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// Whether a triangle covers a point, by the top-left rule, with vertices snapped to 1/256 as Direct3D prescribes.
pub fn covers(triangle: [[f32; 2]; 3], point: [f32; 2]) -> bool {
    // CAST: coordinates in cases are far below 2^31/256.
    let snap = |[x, y]: [f32; 2]| [(x * 256.0).round() as i64, (y * 256.0).round() as i64];
    let ([mut a, b, mut c], p) = (triangle.map(snap), snap(point));
    let edge = |[ax, ay]: [i64; 2], [bx, by]: [i64; 2], [px, py]: [i64; 2]| {
        (bx - ax) * (py - ay) - (by - ay) * (px - ax)
    };
    if edge(a, b, c) < 0 {
        (a, c) = (c, a);
    }
    // Clockwise on a screen whose y axis points down: an edge is a top edge if it runs right, a left edge if it runs up.
    let inside = |from: [i64; 2], to: [i64; 2]| {
        let top_left = (to[1] == from[1] && to[0] > from[0]) || to[1] < from[1];
        let side = edge(from, to, p);
        side > 0 || (side == 0 && top_left)
    };
    edge(a, b, c) != 0 && inside(a, b) && inside(b, c) && inside(c, a)
}

/// Clip-space coordinates of a place in a target of 64×64 pixels.
pub fn clip([x, y]: [f32; 2]) -> [f32; 2] {
    [x / 32.0 - 1.0, 1.0 - y / 32.0]
}

/// A number as an 8-bit channel stores it.
pub fn stored(value: f32) -> f32 {
    (value.clamp(0.0, 1.0) * 255.0).round() / 255.0
}

/// A simple generator of numbers for inputs: the same in every run.
pub fn random(seed: u32) -> impl FnMut() -> u32 {
    let mut state = seed | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    }
}
