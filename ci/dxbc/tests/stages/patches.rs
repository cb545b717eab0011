//! Tessellated patches on their way to pixels: hull, domain, geometry and pixel shaders together.

use pvgpu_dxbc::Compiled;
use pvgpu_dxbc_tests::gpu::{Attribute, Contents, Draw, Drawn, Gpu, Stage, Target, vk};

use crate::raster::{near, pixels};
use crate::support::{capture_all, link, link_programs, program, rows};

/// Where the three patches lie: squares of two by two pixels.
const PLACES: [[f32; 4]; 3] = [[0.0, 0.0, 0.0, 1.0], [3.0, 1.0, 0.0, 1.0], [1.0, 2.0, 0.0, 1.0]];

fn draw(gpu: &Gpu, linked: &[Compiled]) -> Drawn {
    let constants = [2.0, 5.0, 3.5, 4.0, 6.0, 3.0, 0.0, 0.0f32].map(f32::to_bits).to_vec();
    let mut stages: Vec<Stage<'_>> = linked.iter().map(Stage::new).collect();
    stages[1].contents = vec![Contents::Buffer(constants)];
    gpu.draw(&mut Draw {
        stages,
        attributes: vec![Attribute::floats(0, &PLACES)],
        topology: vk::PrimitiveTopology::PATCH_LIST,
        patch_control_points: 1,
        extent: [8, 8],
        targets: vec![Target::floats(), Target::integers()],
        ..Draw::default()
    })
}

/// The patch that covers a pixel, and the pixel's place in its domain.
fn patch_at([x, y]: [u32; 2]) -> Option<(u32, [f64; 2])> {
    (0..).zip(PLACES).find_map(|(patch, place)| {
        let [left, top] = [place[0] as u32 * 2, place[1] as u32 * 2];
        let inside = (left..left + 2).contains(&x) && (top..top + 2).contains(&y);
        let along = |n: u32, first: u32| (f64::from(n - first) + 0.5) / 2.0;
        inside.then(|| (patch, [along(x, left), along(y, top)]))
    })
}

/// What `hs_one_to_four` makes of a patch's number, which is also that of its only vertex.
fn number(patch: u32) -> u32 {
    patch * 100 + patch + 3 + patch * 10_000
}

fn check_color(drawn: &Drawn, pixel: [u32; 2], patch: u32, place: [f64; 2]) {
    let found = drawn.targets[0].floats(0, pixel, 0);
    for (found, expected) in found.iter().zip([place[0], place[1], f64::from(patch + 2), 1.0]) {
        near(*found, expected, "color");
    }
}

#[test]
fn patches_to_pixels() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_control_point", "hs_one_to_four", "ds_four_corners", "ps_patch"]);
    let drawn = draw(&gpu, &linked);
    for pixel in pixels(8) {
        let found = drawn.targets[1].texel(0, 0, [pixel[0], pixel[1], 0], 0);
        let Some((patch, place)) = patch_at(pixel) else {
            assert_eq!(found, [0; 4], "{pixel:?}");
            continue;
        };
        // The primitive is the patch, and clockwise is the front.
        assert_eq!(found, [number(patch), patch, 1, 1], "{pixel:?}");
        check_color(&drawn, pixel, patch, place);
    }
    assert_eq!(drawn.samples_passed, 12);
}

#[test]
fn all_stages_together() {
    let gpu = Gpu::open();
    let names = ["vs_control_point", "hs_one_to_four", "ds_four_corners", "gs_mirrored", "ps_mirrored"];
    let drawn = draw(&gpu, &link(&gpu, &names));
    for pixel in pixels(8) {
        let found = drawn.targets[1].texel(0, 0, [pixel[0], pixel[1], 0], 0);
        // No image lies on a patch.
        let direct = patch_at(pixel).map(|patch| (patch, 0));
        let image = patch_at([7 - pixel[0], pixel[1]]).map(|patch| (patch, 1));
        let Some(((patch, place), copy)) = direct.or(image) else {
            assert_eq!(found, [0; 4], "{pixel:?}");
            continue;
        };
        // D3D11's primitive is the patch in every stage. Vulkan's is for geometry shaders the number of the triangle, which
        // lavapipe gives, though hardware gives the patch.
        let primitive = if gpu.features().is_lavapipe { found[1] / 2 } else { patch };
        assert_eq!(found, [number(patch), 2 * primitive + copy, 1 + copy, 1], "{pixel:?}");
        check_color(&drawn, pixel, patch, place);
    }
}

#[test]
fn powers_of_two_are_integers() {
    let gpu = Gpu::open();
    let programs = [program("vs_control_point"), program("hs_power_of_two"), program("ds_factors_quad")];
    let captured = capture_all(&programs[2], &["PLACE", "SUM", "IDS", "FACTORS"]);
    let linked = link_programs(&gpu, &programs, Some(&captured));
    let positions: Vec<[f32; 4]> = (0..8).map(|n| [n as f32, 0.0, 0.0, 1.0]).collect();
    let constants = [3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 0.0, 0.0f32].map(f32::to_bits).to_vec();
    let mut stages: Vec<Stage<'_>> = linked.iter().map(Stage::new).collect();
    stages[1].contents = vec![Contents::Buffer(constants)];
    let mut draw = Draw {
        stages,
        attributes: vec![Attribute::floats(0, &positions)],
        topology: vk::PrimitiveTopology::PATCH_LIST,
        patch_control_points: 4,
        count: 8,
        targets: Vec::new(),
        feedback: vec![1 << 16],
        ..Draw::default()
    };
    let drawn = gpu.draw(&mut draw);
    // Three by three squares of two triangles, twice.
    assert_eq!(drawn.primitives[0].written, 36);
    let three = 3f32.to_bits();
    for (n, row) in (0..).zip(rows(&drawn.feedback[0], 16, 108)) {
        let patch = n / 54;
        assert_eq!(row[4..], [0, 0, 0, 0, 0, 0, patch, 1, three, three, three, three], "vertex {n}");
        for place in &row[..2] {
            let thirds = f64::from(f32::from_bits(*place)) * 3.0;
            assert!((thirds - thirds.round()).abs() < 1e-4, "{thirds}");
        }
    }
}
