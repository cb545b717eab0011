//! Two meshes in one vertex and one index buffer: a cube and a floor.

use std::ops::Range;

/// Numbers per vertex: position (3), normal (3), texture coordinates (2), all `f32`.
pub const VERTEX_NUMBERS: usize = 8;

/// The indices of the cube: 6 faces of 2 triangles.
pub const CUBE: Range<u32> = 0..36;
/// The indices of the floor: 2 triangles.
pub const FLOOR: Range<u32> = 36..42;

/// How often the texture repeats along each side of the floor.
const FLOOR_REPEATS: f32 = 8.0;

/// All vertices: 24 of a cube with corners at ±1, then 4 of a floor from −1 to 1 in x and z at y = 0.
pub fn vertices() -> Vec<[f32; VERTEX_NUMBERS]> {
    let mut vertices = Vec::new();
    for axis in 0..3 {
        for sign in [-1.0, 1.0] {
            let mut normal = [0.0; 3];
            normal[axis] = sign;
            // Going from `side` to `up` turns clockwise as seen from outside, which is Direct3D's front.
            let mut side = [0.0; 3];
            side[(axis + 1) % 3] = sign;
            let mut up = [0.0; 3];
            up[(axis + 2) % 3] = 1.0;
            push_square(&mut vertices, normal, normal, side, up, 1.0);
        }
    }
    push_square(&mut vertices, [0.0; 3], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0], FLOOR_REPEATS);
    vertices
}

/// Two triangles for each four vertices.
pub fn indices() -> Vec<u16> {
    (0..7).flat_map(|square| [0, 1, 2, 2, 1, 3].map(|corner| square * 4 + corner)).collect()
}

/// Adds the corners `centre ± side ± up` with texture coordinates from 0 to `repeats`.
fn push_square(
    vertices: &mut Vec<[f32; VERTEX_NUMBERS]>,
    centre: [f32; 3],
    normal: [f32; 3],
    side: [f32; 3],
    up: [f32; 3],
    repeats: f32,
) {
    for (u, v) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
        let position: [f32; 3] =
            std::array::from_fn(|i| centre[i] + side[i] * (2.0 * u - 1.0) + up[i] * (2.0 * v - 1.0));
        let [x, y, z] = position;
        let [nx, ny, nz] = normal;
        vertices.push([x, y, z, nx, ny, nz, u * repeats, v * repeats]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Left-handed coordinates and clockwise front faces: the cross product of two sides points to the viewer.
    #[test]
    fn every_triangle_faces_where_its_normals_point() {
        let (vertices, indices) = (vertices(), indices());
        assert_eq!(indices.len(), FLOOR.end as usize);
        for triangle in indices.as_chunks::<3>().0 {
            let [a, b, c] = triangle.map(|index| vertices[usize::from(index)]);
            let side = |to: [f32; VERTEX_NUMBERS]| [to[0] - a[0], to[1] - a[1], to[2] - a[2]];
            let ([x1, y1, z1], [x2, y2, z2]) = (side(b), side(c));
            let facing = [y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2];
            for vertex in [a, b, c] {
                let normal = &vertex[3..6];
                assert!(facing.iter().zip(normal).map(|(f, n)| f * n).sum::<f32>() > 0.0, "{triangle:?}");
            }
        }
    }
}
