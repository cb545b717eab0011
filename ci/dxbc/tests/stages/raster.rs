//! What the rasterizer of the D3D11 functional spec does with one triangle, in Rust.

use pvgpu_dxbc_tests::gpu::Attribute;

/// The four samples of D3D11's standard pattern, from the upper left of the pixel.
pub const FOUR_SAMPLES: [[f64; 2]; 4] = [[0.375, 0.125], [0.875, 0.375], [0.125, 0.625], [0.625, 0.875]];

/// A triangle in clip space, and the size of the target that it is drawn to.
pub struct Triangle {
    /// The clip space positions.
    pub positions: [[f32; 4]; 3],
    /// Width and height of the viewport, which starts at the origin.
    pub size: f64,
}

impl Triangle {
    /// The positions as attribute 0.
    pub fn attribute(&self) -> Attribute {
        Attribute::floats(0, &self.positions)
    }

    /// A vertex on the screen.
    fn screen(&self, n: usize) -> [f64; 2] {
        let [x, y, _, w] = self.positions[n].map(f64::from);
        [(x / w + 1.0) / 2.0 * self.size, (1.0 - y / w) / 2.0 * self.size]
    }

    /// Weights of the vertices at a place on the screen, without perspective.
    pub fn linear(&self, place: [f64; 2]) -> [f64; 3] {
        let [a, b, c] = [0, 1, 2].map(|n| self.screen(n));
        let area = |a: [f64; 2], b: [f64; 2], c: [f64; 2]| {
            (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        };
        let whole = area(a, b, c);
        [area(place, b, c) / whole, area(a, place, c) / whole, area(a, b, place) / whole]
    }

    /// Weights of the vertices at a place on the screen, with perspective.
    pub fn perspective(&self, place: [f64; 2]) -> [f64; 3] {
        let linear = self.linear(place);
        let parts = [0, 1, 2].map(|n| linear[n] / f64::from(self.positions[n][3]));
        let sum: f64 = parts.iter().sum();
        parts.map(|part| part / sum)
    }

    /// Whether it covers a place; tests keep edges away from the places they ask for.
    pub fn covers(&self, place: [f64; 2]) -> bool {
        self.linear(place).iter().all(|weight| *weight > 0.0)
    }

    /// Which samples of a pixel it covers.
    pub fn coverage(&self, pixel: [u32; 2], samples: &[[f64; 2]]) -> u32 {
        (0..).zip(samples).map(|(n, sample)| u32::from(self.covers(at(pixel, *sample))) << n).sum()
    }
}

/// A place in a pixel.
pub fn at(pixel: [u32; 2], place: [f64; 2]) -> [f64; 2] {
    [f64::from(pixel[0]) + place[0], f64::from(pixel[1]) + place[1]]
}

/// The centre of a pixel.
pub fn center(pixel: [u32; 2]) -> [f64; 2] {
    at(pixel, [0.5, 0.5])
}

/// One component of three vertices' values, weighted.
pub fn weighted(values: &[[f32; 4]; 3], component: usize, weights: [f64; 3]) -> f64 {
    (0..3).map(|n| f64::from(values[n][component]) * weights[n]).sum()
}

/// Fails unless `found` is near `expected`: rasterizers place vertices on a grid of 1/256 pixel and interpolate in
/// single precision.
pub fn near(found: f32, expected: f64, what: &str) {
    let error = (f64::from(found) - expected).abs();
    assert!(error <= 1e-3 * expected.abs().max(1.0), "{what}: {found}, not {expected}");
}

/// All pixels of a square target.
pub fn pixels(size: u32) -> impl Iterator<Item = [u32; 2]> {
    (0..size).flat_map(move |y| (0..size).map(move |x| [x, y]))
}

/// A triangle that covers the whole target, clockwise, with that depth.
pub fn full(z: f32) -> [[f32; 4]; 3] {
    [[-1.0, 1.0, z, 1.0], [3.0, 1.0, z, 1.0], [-1.0, -3.0, z, 1.0]]
}
