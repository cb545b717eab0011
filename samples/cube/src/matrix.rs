//! 4×4 matrices for row vectors: a point is multiplied from the left, so `a * b` applies `a` first.
//!
//! Left-handed, depth from 0 (near) to 1 (far): Direct3D's conventions.

use std::ops::Mul;

/// A 4×4 matrix, `self.0[row][column]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Matrix(pub [[f32; 4]; 4]);

impl Matrix {
    /// Moves by `offset`.
    pub fn translation([x, y, z]: [f32; 3]) -> Self {
        Self([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [x, y, z, 1.0]])
    }

    /// Scales all axes alike.
    pub fn scale(s: f32) -> Self {
        Self([[s, 0.0, 0.0, 0.0], [0.0, s, 0.0, 0.0], [0.0, 0.0, s, 0.0], [0.0, 0.0, 0.0, 1.0]])
    }

    /// Turns around the x axis by `angle` radians.
    pub fn rotation_x(angle: f32) -> Self {
        let (s, c) = angle.sin_cos();
        Self([[1.0, 0.0, 0.0, 0.0], [0.0, c, s, 0.0], [0.0, -s, c, 0.0], [0.0, 0.0, 0.0, 1.0]])
    }

    /// Turns around the y axis by `angle` radians.
    pub fn rotation_y(angle: f32) -> Self {
        let (s, c) = angle.sin_cos();
        Self([[c, 0.0, -s, 0.0], [0.0, 1.0, 0.0, 0.0], [s, 0.0, c, 0.0], [0.0, 0.0, 0.0, 1.0]])
    }

    /// The view from `eye` to `target`, with y up.
    pub fn look_at(eye: [f32; 3], target: [f32; 3]) -> Self {
        let forward = normalised([target[0] - eye[0], target[1] - eye[1], target[2] - eye[2]]);
        let right = normalised(cross([0.0, 1.0, 0.0], forward));
        let up = cross(forward, right);
        Self([
            [right[0], up[0], forward[0], 0.0],
            [right[1], up[1], forward[1], 0.0],
            [right[2], up[2], forward[2], 0.0],
            [-dot(right, eye), -dot(up, eye), -dot(forward, eye), 1.0],
        ])
    }

    /// A perspective with a vertical opening of `angle` radians, for a picture `aspect` times as wide as high.
    pub fn perspective(angle: f32, aspect: f32, near: f32, far: f32) -> Self {
        let y = 1.0 / (angle / 2.0).tan();
        let z = far / (far - near);
        Self([
            [y / aspect, 0.0, 0.0, 0.0],
            [0.0, y, 0.0, 0.0],
            [0.0, 0.0, z, 1.0],
            [0.0, 0.0, -near * z, 0.0],
        ])
    }

    /// The 16 numbers, row after row, as a `row_major` constant buffer holds them.
    pub fn numbers(&self) -> impl Iterator<Item = f32> {
        self.0.into_iter().flatten()
    }
}

impl Mul for Matrix {
    type Output = Self;

    fn mul(self, right: Self) -> Self {
        Self(self.0.map(|row| {
            std::array::from_fn(|column| row.iter().zip(&right.0).map(|(a, other)| a * other[column]).sum())
        }))
    }
}

/// `v` with length 1; `v` must not be zero.
pub fn normalised(v: [f32; 3]) -> [f32; 3] {
    let length = dot(v, v).sqrt();
    v.map(|x| x / length)
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn cross(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transformed(point: [f32; 3], matrix: Matrix) -> [f32; 4] {
        let [x, y, z] = point;
        std::array::from_fn(|column| {
            [x, y, z, 1.0].iter().zip(&matrix.0).map(|(number, row)| number * row[column]).sum()
        })
    }

    #[test]
    fn products_apply_the_left_matrix_first() {
        let moved_then_scaled = Matrix::translation([1.0, 2.0, 3.0]) * Matrix::scale(2.0);
        assert_eq!(transformed([0.0; 3], moved_then_scaled), [2.0, 4.0, 6.0, 1.0]);
    }

    #[test]
    fn the_target_is_straight_ahead() {
        let view = Matrix::look_at([1.0, 2.0, -3.0], [1.0, 2.0, 2.0]);
        assert_eq!(transformed([1.0, 2.0, 2.0], view), [0.0, 0.0, 5.0, 1.0]);
        // What is above in the world is above in the view, what is to the right (greater x) is to the right.
        assert_eq!(transformed([2.0, 3.0, 2.0], view), [1.0, 1.0, 5.0, 1.0]);
    }

    #[test]
    fn depth_runs_from_zero_to_one() {
        let projection = Matrix::perspective(1.0, 1.5, 0.5, 50.0);
        let depth = |z| {
            let [_, _, depth, w] = transformed([0.0, 0.0, z], projection);
            depth / w
        };
        assert!(depth(0.5).abs() < 1e-6);
        assert!((depth(50.0) - 1.0).abs() < 1e-6);
    }
}
