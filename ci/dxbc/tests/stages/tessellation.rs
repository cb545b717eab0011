//! Hull and domain shaders: domains, partitionings, what the tessellator makes, and the road of control points and
//! patch constants.

use std::collections::BTreeSet;

use pvgpu_dxbc::Compiled;
use pvgpu_dxbc_tests::gpu::{Attribute, Contents, Draw, Drawn, Gpu, Primitives, Stage, vk};

use crate::raster::near;
use crate::support::{Program, capture_all, link_programs, program, rows};

/// `D3D11_SB_TESSELLATOR_PARTITIONING`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Partitioning {
    Integer = 1,
    PowerOfTwo = 2,
    FractionalOdd = 3,
    FractionalEven = 4,
}

/// `D3D11_SB_TESSELLATOR_OUTPUT_PRIMITIVE`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Output {
    Point = 1,
    Line = 2,
    Clockwise = 3,
    CounterClockwise = 4,
}

/// The opcodes of the two declarations, in the tokenised program format.
const DCL_TESS_PARTITIONING: u32 = 150;
const DCL_TESS_OUTPUT_PRIMITIVE: u32 = 151;

/// A hull shader with other declarations. They are the fourth and fifth that fxc writes, of one dword each, with what
/// they say in bits 11 and up.
fn declaring(mut hull: Program, partitioning: Partitioning, output: Output) -> Program {
    for token in &mut hull.tokens[..8] {
        match *token & 0x7ff {
            DCL_TESS_PARTITIONING => *token = *token & !0x3800 | (partitioning as u32) << 11,
            DCL_TESS_OUTPUT_PRIMITIVE => *token = *token & !0x3800 | (output as u32) << 11,
            _ => {}
        }
    }
    hull
}

/// Control points of a patch of each domain's fixtures.
fn control_points(domain: &str) -> u32 {
    match domain {
        "tri" => 3,
        "quad" => 4,
        _ => 2,
    }
}

/// What patches become.
struct Tessellated {
    drawn: Drawn,
    /// Vertices in the order of the primitives: place, sum, ids, factors.
    vertices: Vec<Vec<u32>>,
}

fn position(number: u32) -> [f32; 4] {
    let n = number as f32;
    [n + 1.0, n * n, 0.5 - n, 1.0]
}

/// The stages that tessellate a domain in one way.
struct Tessellator {
    linked: Vec<Compiled>,
    points: u32,
    output: Output,
}

impl Tessellator {
    fn new(gpu: &Gpu, domain: &str, partitioning: Partitioning, output: Output) -> Self {
        let hull = declaring(program(&format!("hs_factors_{domain}")), partitioning, output);
        let programs = [program("vs_control_point"), hull, program(&format!("ds_factors_{domain}"))];
        let captured = capture_all(&programs[2], &["PLACE", "SUM", "IDS", "FACTORS"]);
        let linked = link_programs(gpu, &programs, Some(&captured));
        Self { linked, points: control_points(domain), output }
    }

    /// Draws patches with those factors: four of edges, two inside.
    fn run(&self, gpu: &Gpu, factors: [f32; 6], patches: u32) -> Tessellated {
        let positions: Vec<[f32; 4]> = (0..self.points * patches).map(position).collect();
        let mut constants = factors.map(f32::to_bits).to_vec();
        constants.resize(8, 0);
        let mut draw = Draw {
            stages: vec![
                Stage::new(&self.linked[0]),
                Stage::with(&self.linked[1], vec![Contents::Buffer(constants)]),
                Stage::new(&self.linked[2]),
            ],
            attributes: vec![Attribute::floats(0, &positions)],
            topology: vk::PrimitiveTopology::PATCH_LIST,
            patch_control_points: self.points,
            count: self.points * patches,
            targets: Vec::new(),
            feedback: vec![1 << 20],
            ..Draw::default()
        };
        let drawn = gpu.draw(&mut draw);
        let Primitives { written, needed } = drawn.primitives[0];
        assert_eq!(written, needed);
        let vertices = match self.output {
            Output::Point => 1,
            Output::Line => 2,
            Output::Clockwise | Output::CounterClockwise => 3,
        };
        let vertices = rows(&drawn.feedback[0], 16, written as usize * vertices);
        Tessellated { drawn, vertices }
    }
}

/// The place of a vertex in the domain.
fn place(vertex: &[u32]) -> [f32; 3] {
    [0, 1, 2].map(|n| f32::from_bits(vertex[n]))
}

/// The different places, in units of 1/65,536, which is what places are rounded to.
fn places(vertices: &[Vec<u32>]) -> BTreeSet<[i64; 3]> {
    vertices.iter().map(|vertex| place(vertex).map(|n| (f64::from(n) * 65536.0).round() as i64)).collect()
}

/// The places along the edge where `fixed` is 0, in the direction of `free`, sorted.
fn edge(vertices: &[Vec<u32>], fixed: usize, at: f32, free: usize) -> Vec<f64> {
    let on_edge =
        places(vertices).into_iter().filter(|place| place[fixed] == (f64::from(at) * 65536.0) as i64);
    let mut along: Vec<f64> = on_edge.map(|place| place[free] as f64 / 65536.0).collect();
    along.sort_by(f64::total_cmp);
    along.dedup();
    along
}

/// Segments of an edge with that factor, and whether all have the same length.
fn segments(partitioning: Partitioning, factor: f32) -> (usize, bool) {
    match partitioning {
        // Rounding to a power of two is up to shader code; for the tessellator it is an integer.
        Partitioning::Integer | Partitioning::PowerOfTwo => (factor.clamp(1.0, 64.0).ceil() as usize, true),
        Partitioning::FractionalOdd => {
            let factor = factor.clamp(1.0, 63.0);
            let count = ((factor - 1.0) / 2.0).ceil() * 2.0 + 1.0;
            (count as usize, count == factor)
        }
        Partitioning::FractionalEven => {
            let factor = factor.clamp(2.0, 64.0);
            let count = (factor / 2.0).ceil() * 2.0;
            (count as usize, count == factor)
        }
    }
}

/// Fails unless places divide 0 to 1 as the functional spec says (11.7.13): symmetric about the middle, and even where
/// the factor says so.
fn check_edge(along: &[f64], partitioning: Partitioning, factor: f32, what: &str) {
    let (count, even) = segments(partitioning, factor);
    assert_eq!(along.len(), count + 1, "{what}: {along:?}");
    for (n, place) in along.iter().enumerate() {
        let mirrored = 1.0 - along[count - n];
        assert!((place - mirrored).abs() < 2e-5, "{what} is not symmetric: {along:?}");
        // Lengths are fixed point numbers with 16 bits of fraction, of which up to 32 are added.
        if even {
            let expected = n as f64 / count as f64;
            assert!((place - expected).abs() < 16.0 / 65536.0, "{what}: {place}, not {expected}");
        }
    }
}

const PARTITIONINGS: [Partitioning; 4] = [
    Partitioning::Integer,
    Partitioning::PowerOfTwo,
    Partitioning::FractionalOdd,
    Partitioning::FractionalEven,
];

#[test]
fn quads() {
    let gpu = Gpu::open();
    for partitioning in PARTITIONINGS {
        let tessellator = Tessellator::new(&gpu, "quad", partitioning, Output::Point);
        for factors in [[4.0, 4.0, 4.0, 4.0, 4.0, 4.0], [1.0, 2.0, 5.0, 6.5, 3.0, 7.0], [3.0; 6], [100.0; 6]]
        {
            let what = format!("{partitioning:?} {factors:?}");
            let [a, b, c, d, u, v] = factors;
            let found = tessellator.run(&gpu, factors, 1);
            // Points come once each.
            assert_eq!(places(&found.vertices).len(), found.vertices.len(), "{what}");
            // Edges: u = 0, v = 0, u = 1, v = 1.
            check_edge(&edge(&found.vertices, 0, 0.0, 1), partitioning, a, &what);
            check_edge(&edge(&found.vertices, 1, 0.0, 0), partitioning, b, &what);
            check_edge(&edge(&found.vertices, 0, 1.0, 1), partitioning, c, &what);
            check_edge(&edge(&found.vertices, 1, 1.0, 0), partitioning, d, &what);
            let inner = |factor: f32| segments(partitioning, factor).0;
            if factors.iter().all(|factor| *factor == a) {
                let count = inner(a);
                assert_eq!(found.vertices.len(), (count + 1) * (count + 1), "{what}");
            }
            // The rows inside have the places of the inside factors.
            let inside: BTreeSet<[i64; 3]> = places(&found.vertices)
                .into_iter()
                .filter(|place| place[..2].iter().all(|n| *n > 0 && *n < 65536))
                .collect();
            assert_eq!(inside.len(), (inner(u) - 1) * (inner(v) - 1), "{what}");
        }
    }
}

#[test]
fn triangles() {
    let gpu = Gpu::open();
    for partitioning in PARTITIONINGS {
        let tessellator = Tessellator::new(&gpu, "tri", partitioning, Output::Point);
        for factors in [[3.0, 3.0, 3.0, 3.0], [1.0, 1.0, 1.0, 1.0], [2.0, 5.0, 3.5, 6.0], [64.0; 4]] {
            let what = format!("{partitioning:?} {factors:?}");
            let [u, v, w, inside] = factors;
            let found = tessellator.run(&gpu, [u, v, w, 0.0, inside, 0.0], 1);
            assert_eq!(places(&found.vertices).len(), found.vertices.len(), "{what}");
            for vertex in &found.vertices {
                let sum: f32 = place(vertex).iter().sum();
                assert!((sum - 1.0).abs() < 1e-5, "{what}");
            }
            // The edge where u is 0 has the first factor, and so on round.
            check_edge(&edge(&found.vertices, 0, 0.0, 1), partitioning, u, &what);
            check_edge(&edge(&found.vertices, 1, 0.0, 2), partitioning, v, &what);
            check_edge(&edge(&found.vertices, 2, 0.0, 0), partitioning, w, &what);
        }
    }
}

#[test]
fn isolines() {
    let gpu = Gpu::open();
    for partitioning in PARTITIONINGS {
        let lines_of = Tessellator::new(&gpu, "isoline", partitioning, Output::Line);
        let points_of = Tessellator::new(&gpu, "isoline", partitioning, Output::Point);
        for (density, detail) in [(1.0, 1.0), (3.0, 5.0), (2.5, 4.0), (64.0, 7.5)] {
            let what = format!("{partitioning:?} {density} {detail}");
            let factors = [density, detail, 0.0, 0.0, 0.0, 0.0];
            let found = lines_of.run(&gpu, factors, 1);
            // The density always counts whole lines, none of them at v = 1.
            let lines = f64::from(density.ceil());
            let (count, _) = segments(partitioning, detail);
            assert_eq!(found.vertices.len(), 2 * count * lines as usize, "{what}");
            let all: BTreeSet<i64> = places(&found.vertices).iter().map(|place| place[1]).collect();
            let expected: BTreeSet<i64> =
                (0..lines as i64).map(|n| (n as f64 / lines * 65536.0).round() as i64).collect();
            assert_eq!(all, expected, "{what}");
            for v in expected {
                let along: BTreeSet<i64> = places(&found.vertices)
                    .iter()
                    .filter(|place| place[1] == v)
                    .map(|place| place[0])
                    .collect();
                let along: Vec<f64> = along.iter().map(|n| *n as f64 / 65536.0).collect();
                check_edge(&along, partitioning, detail, &what);
            }
            for line in found.vertices.chunks(2) {
                assert_eq!(line[0][1], line[1][1], "{what}: a line has one v");
            }
            let points = points_of.run(&gpu, factors, 1);
            assert_eq!(places(&points.vertices), places(&found.vertices), "{what}");
        }
    }
}

#[test]
fn winding() {
    let gpu = Gpu::open();
    for domain in ["tri", "quad"] {
        for partitioning in PARTITIONINGS {
            for (output, sign) in [(Output::Clockwise, 1.0), (Output::CounterClockwise, -1.0)] {
                let what = format!("{domain} {partitioning:?} {output:?}");
                let tessellator = Tessellator::new(&gpu, domain, partitioning, output);
                let found = tessellator.run(&gpu, [3.0, 5.0, 4.0, 2.0, 3.0, 4.0], 2);
                let (mut area, mut triangles) = (0.0, 0);
                for triangle in found.vertices.chunks(3) {
                    // v is clockwise from u, and u, v, w of a triangle are clockwise in that order (11.5): with the
                    // second axis downwards, positive areas are clockwise.
                    let [a, b, c] = [0, 1, 2].map(|n| {
                        let [u, v, w] = place(&triangle[n]).map(f64::from);
                        if domain == "tri" { [v, w] } else { [u, v] }
                    });
                    let twice = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
                    assert!(twice * sign > -1e-9, "{what}: {a:?} {b:?} {c:?}");
                    area += twice * sign / 2.0;
                    triangles += 1;
                }
                assert!(triangles > 20, "{what}");
                // Two patches: they cover the domain once each.
                let whole = if domain == "tri" { 0.5 } else { 1.0 };
                assert!((area - 2.0 * whole).abs() < 1e-4, "{what}: {area}");
            }
        }
    }
}

#[test]
fn patches_that_are_culled() {
    let gpu = Gpu::open();
    for (domain, edges) in [("tri", 3), ("quad", 4), ("isoline", 2)] {
        for partitioning in PARTITIONINGS {
            let tessellator = Tessellator::new(&gpu, domain, partitioning, Output::Point);
            for bad in [0.0, -1.0, f32::NAN, f32::NEG_INFINITY] {
                for edge in 0..edges {
                    let mut factors = [2.0; 6];
                    factors[edge] = bad;
                    let found = tessellator.run(&gpu, factors, 2);
                    assert!(found.vertices.is_empty(), "{domain} {partitioning:?}: edge {edge} is {bad}");
                }
            }
            // Inside factors do not cull: they are clamped.
            if domain != "isoline" {
                for bad in [0.0, -1.0, f32::NAN] {
                    let factors = [2.0, 2.0, 2.0, 2.0, bad, bad];
                    let found = tessellator.run(&gpu, factors, 1);
                    assert!(found.vertices.len() >= edges, "{domain} {partitioning:?}: inside is {bad}");
                }
            }
        }
    }
}

#[test]
fn control_points_and_patch_constants() {
    let gpu = Gpu::open();
    for domain in ["tri", "quad", "isoline"] {
        let tessellator = Tessellator::new(&gpu, domain, Partitioning::Integer, Output::Point);
        let found = tessellator.run(&gpu, [2.0, 3.0, 2.0, 3.0, 4.0, 5.0], 3);
        let points = control_points(domain);
        let each = found.vertices.len() / 3;
        assert!(each > 5);
        for (patch, vertices) in (0u32..).zip(found.vertices.chunks(each)) {
            // The sum over both inputs of all control points: each input counts twice.
            let mut sum = [0.0; 4];
            for number in patch * points..(patch + 1) * points {
                for (sum, value) in sum.iter_mut().zip(position(number)) {
                    *sum += 2.0 * f64::from(value);
                }
            }
            for vertex in vertices {
                for component in 0..4 {
                    near(f32::from_bits(vertex[4 + component]), sum[component], "sum");
                }
                let last = patch * 100 + points - 1;
                assert_eq!(vertex[8..12], [patch * points, last, patch * 11, patch * 100 + 1], "{domain}");
                let read = vertex[12..16].iter().map(|bits| f32::from_bits(*bits)).collect::<Vec<_>>();
                let expected = match domain {
                    "tri" => [2.0, 3.0, 2.0, 4.0],
                    "quad" => [2.0, 3.0, 4.0, 5.0],
                    _ => [2.0, 3.0, 0.0, 0.0],
                };
                assert_eq!(read, expected, "{domain}");
            }
        }
        assert_eq!(found.drawn.samples_passed, 0);
    }
}

#[test]
fn points_that_pass_through() {
    let gpu = Gpu::open();
    let programs = [program("vs_control_point"), program("hs_same_points"), program("ds_same_points")];
    let output = capture_all(&programs[2], &["SV_Position", "NUMBERS"]);
    let linked = link_programs(&gpu, &programs, Some(&output));
    let positions: Vec<[f32; 4]> = (0..6).map(position).collect();
    let factors = [1.0f32, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0].map(f32::to_bits).to_vec();
    let mut draw = Draw {
        stages: vec![
            Stage::new(&linked[0]),
            Stage::with(&linked[1], vec![Contents::Buffer(factors)]),
            Stage::new(&linked[2]),
        ],
        attributes: vec![Attribute::floats(0, &positions)],
        topology: vk::PrimitiveTopology::PATCH_LIST,
        patch_control_points: 3,
        count: 6,
        targets: Vec::new(),
        feedback: vec![1 << 12],
        ..Draw::default()
    };
    let drawn = gpu.draw(&mut draw);
    // Factors of 1 give each patch's own triangle.
    assert_eq!(drawn.primitives[0], Primitives { written: 2, needed: 2 });
    let found = rows(&drawn.feedback[0], 7, 6);
    for (patch, triangle) in (0..).zip(found.chunks(3)) {
        let mut corners: Vec<[f32; 4]> =
            triangle.iter().map(|row| [0, 1, 2, 3].map(|n| f32::from_bits(row[n]))).collect();
        corners.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let expected: Vec<[f32; 4]> = (3 * patch..3 * patch + 3).map(position).collect();
        assert_eq!(corners, expected);
        for row in triangle {
            assert_eq!(row[4..], [3 * patch, 3 * patch + 1, 3 * patch + 2]);
        }
    }
}
