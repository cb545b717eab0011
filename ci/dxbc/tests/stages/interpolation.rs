//! Pixel shader inputs: every interpolation mode, and the functions that interpolate anew.

use pvgpu_dxbc_tests::gpu::{Attribute, Contents, Draw, Gpu, Image, Stage, Target};

use crate::raster::{FOUR_SAMPLES, Triangle, at, center, near, pixels, weighted};
use crate::support::{link, stages};

const SIZE: u32 = 16;

/// A triangle with edges that cut through pixels and those values of w.
fn triangle(w: [f32; 3]) -> Triangle {
    let corners = [[-0.8125, 0.875, 0.25], [0.9375, 0.5625, 0.375], [-0.09375, -0.875, 0.5]];
    let position = |n: usize| {
        let [x, y, z] = corners[n].map(|value: f32| value * w[n]);
        [x, y, z, w[n]]
    };
    Triangle { positions: [0, 1, 2].map(position), size: f64::from(SIZE) }
}

/// With and without perspective. Lavapipe 22.3 divides by the 1/w of the pixel's centre wherever in the pixel it
/// interpolates (values seen with it agree to six digits), so there a perspective would show nothing but that.
fn triangles(gpu: &Gpu) -> Vec<Triangle> {
    let flat = triangle([2.0; 3]);
    if gpu.features().is_lavapipe { vec![flat] } else { vec![flat, triangle([1.0, 2.0, 4.0])] }
}

/// x and y are the shares of two vertices, here and in `B`: outside, one of the three shares would be negative.
const A: [[f32; 4]; 3] = [[0.0, 1.0, 0.5, -8.0], [1.0, 0.0, 2.5, 16.0], [0.0, 0.0, 3.0, 4.0]];
const B: [[f32; 4]; 3] = [[1.0, 0.0, 5.0, 3.0], [0.0, 0.0, -5.0, 3.0], [0.0, 1.0, 20.0, 3.0]];
const C: [[f32; 4]; 3] = [[0.125, 7.0, 9.0, -1.0], [0.25, 1.0, 1.0, 1.0], [0.5, 2.0, 2.0, 2.0]];

fn draw<'a>(triangle: &Triangle, stages: Vec<Stage<'a>>, targets: usize, samples: u32) -> Draw<'a> {
    let attribute = |n, values| Attribute::floats(n, values);
    Draw {
        stages,
        attributes: vec![triangle.attribute(), attribute(1, &A), attribute(2, &B), attribute(3, &C)],
        extent: [SIZE; 2],
        samples,
        targets: vec![Target::floats(); targets],
        ..Draw::default()
    }
}

/// The samples that a triangle covers: pixel, sample, its place, and the coverage of the pixel.
fn covered(triangle: &Triangle) -> Vec<([u32; 2], u32, [f64; 2], u32)> {
    let mut samples = Vec::new();
    for pixel in pixels(SIZE) {
        let coverage = triangle.coverage(pixel, &FOUR_SAMPLES);
        for (sample, place) in (0..).zip(FOUR_SAMPLES) {
            if coverage >> sample & 1 != 0 {
                samples.push((pixel, sample, at(pixel, place), coverage));
            }
        }
    }
    assert!(samples.len() > 200);
    samples
}

/// Compares a sample's value with the values of the vertices in those shares.
fn compare(
    image: &Image,
    pixel: [u32; 2],
    sample: u32,
    values: &[[f32; 4]; 3],
    weights: [f64; 3],
    what: &str,
) {
    let found = image.floats(0, pixel, sample);
    for (component, found) in found.into_iter().enumerate() {
        let what = format!("{what} {pixel:?}.{sample} component {component}");
        near(found, weighted(values, component, weights), &what);
    }
}

#[test]
fn linear_noperspective_and_constant() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_varyings", "ps_interpolation"]);
    let triangle = triangle([1.0, 2.0, 4.0]);
    let drawn = gpu.draw(&mut draw(&triangle, stages(&linked), 3, 1));
    let mut covered = 0;
    for pixel in pixels(SIZE) {
        let place = center(pixel);
        if !triangle.covers(place) {
            assert_eq!(drawn.targets[0].floats(0, pixel, 0), [0.0; 4]);
            continue;
        }
        covered += 1;
        compare(&drawn.targets[0], pixel, 0, &A, triangle.perspective(place), "linear");
        compare(&drawn.targets[1], pixel, 0, &B, triangle.linear(place), "noperspective");
        // The first vertex provides constants.
        assert_eq!(drawn.targets[2].floats(0, pixel, 0), C[0]);
    }
    assert!(covered > 50);
    assert_eq!(drawn.samples_passed, covered);
}

#[test]
fn centroid_stays_inside() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_varyings", "ps_centroid"]);
    for triangle in triangles(&gpu) {
        let drawn = gpu.draw(&mut draw(&triangle, stages(&linked), 3, 4));
        let (mut partial, mut extrapolated) = (0, 0);
        for (pixel, sample, _, coverage) in covered(&triangle) {
            let place = center(pixel);
            // Without centroid the value is the centre's, wherever that is.
            compare(&drawn.targets[2], pixel, sample, &C, triangle.perspective(place), "linear");
            // Fully covered pixels are shaded in the centre, others at a place that is covered.
            if coverage == 0xf {
                compare(&drawn.targets[0], pixel, sample, &A, triangle.perspective(place), "centroid");
                compare(&drawn.targets[1], pixel, sample, &B, triangle.linear(place), "centroid");
                continue;
            }
            partial += 1;
            extrapolated += u32::from(!triangle.covers(place));
            for target in &drawn.targets[..2] {
                let found = target.floats(0, pixel, sample);
                let inside = found[0] >= -1e-3 && found[1] >= -1e-3 && found[0] + found[1] <= 1.001;
                assert!(inside, "{pixel:?}.{sample}: {found:?} is outside");
            }
        }
        assert!(partial > 10 && extrapolated > 4, "{partial} and {extrapolated} prove little");
    }
}

#[test]
fn sample_is_the_place_of_the_sample() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_varyings", "ps_sample"]);
    assert!(linked[1].reflection.per_sample);
    for triangle in triangles(&gpu) {
        let drawn = gpu.draw(&mut draw(&triangle, stages(&linked), 3, 4));
        for (pixel, sample, place, _) in covered(&triangle) {
            compare(&drawn.targets[0], pixel, sample, &A, triangle.perspective(place), "sample");
            compare(&drawn.targets[1], pixel, sample, &B, triangle.linear(place), "sample");
            compare(&drawn.targets[2], pixel, sample, &C, triangle.perspective(place), "sample");
        }
    }
}

#[test]
fn sample_index_makes_the_frequency() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_varyings", "ps_sample_index"]);
    assert!(linked[1].reflection.per_sample);
    for triangle in triangles(&gpu) {
        let drawn = gpu.draw(&mut draw(&triangle, stages(&linked), 2, 4));
        let covered = covered(&triangle);
        for (pixel, sample, _, _) in &covered {
            // What has no mode of its own stays in the centre (the functional spec's invariance property).
            let place = center(*pixel);
            let found = drawn.targets[0].floats(0, *pixel, *sample);
            let expected = [place[0] as f32, place[1] as f32, *sample as f32, 1.0];
            assert_eq!(found, expected, "{pixel:?}.{sample}");
            compare(&drawn.targets[1], *pixel, *sample, &A, triangle.perspective(place), "linear");
        }
        assert_eq!(drawn.samples_passed, covered.len() as u64);
    }
}

#[test]
fn position_at_the_centre_or_sample() {
    let gpu = Gpu::open();
    for (name, at_sample) in [("ps_sample_position", true), ("ps_center_position", false)] {
        let linked = link(&gpu, &["vs_position", name]);
        assert!(linked[1].reflection.per_sample);
        for triangle in triangles(&gpu) {
            let drawn = gpu.draw(&mut draw(&triangle, stages(&linked), 1, 4));
            let parts = triangle.positions.map(|[_, _, z, w]| [z / w, w, 0.0, 0.0]);
            for (pixel, sample, place, _) in covered(&triangle) {
                let place = if at_sample { place } else { center(pixel) };
                let found = drawn.targets[0].floats(0, pixel, sample);
                let what = format!("{name} {pixel:?}.{sample}");
                near(found[0], place[0], &what);
                near(found[1], place[1], &what);
                near(found[2], weighted(&parts, 0, triangle.linear(place)), &what);
                near(found[3], weighted(&parts, 1, triangle.perspective(place)), &what);
            }
        }
    }
}

#[test]
fn evaluated_anew() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_varyings", "ps_eval"]);
    // Only the low four bits of an offset count, as a signed number of sixteenths.
    let snapped = |[x, y]: [i32; 2]| [x, y].map(|n| 0.5 + f64::from(n << 28 >> 28) / 16.0);
    let cases = [([0i32, 0], 0u32), ([-8, -8], 1), ([7, -3], 2), ([-1, 7], 3), ([23, -9], 0)];
    for triangle in triangles(&gpu) {
        for (offset, index) in cases {
            let constants = vec![offset[0] as u32, offset[1] as u32, index, 0];
            let pixel_stage = Stage::with(&linked[1], vec![Contents::Buffer(constants)]);
            let stages = vec![Stage::new(&linked[0]), pixel_stage];
            let drawn = gpu.draw(&mut draw(&triangle, stages, 5, 4));
            for (pixel, sample, _, coverage) in covered(&triangle) {
                let place = at(pixel, FOUR_SAMPLES[index as usize]);
                let weights = triangle.perspective(place);
                compare(&drawn.targets[0], pixel, sample, &A, weights, "eval_sample_index");
                let weights = triangle.linear(at(pixel, snapped(offset)));
                compare(&drawn.targets[1], pixel, sample, &B, weights, "eval_snapped");
                if coverage == 0xf {
                    let weights = triangle.perspective(center(pixel));
                    compare(&drawn.targets[2], pixel, sample, &A, weights, "eval_centroid");
                }
                // How an input is declared to be placed does not matter then.
                let weights = triangle.perspective(at(pixel, snapped([-8, 7])));
                compare(&drawn.targets[3], pixel, sample, &C, weights, "centroid input snapped");
                let weights = triangle.perspective(at(pixel, FOUR_SAMPLES[2]));
                compare(&drawn.targets[4], pixel, sample, &C, weights, "centroid input at a sample");
            }
        }
    }
}

#[test]
fn computed_inputs_evaluated_anew() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_indexed", "ps_eval_indexed"]);
    for triangle in triangles(&gpu) {
        for (number, values) in [(0, &A), (1, &B)] {
            let constants = Contents::Buffer(vec![number, 3, 0xfffc, 0]);
            let stages = vec![Stage::new(&linked[0]), Stage::with(&linked[1], vec![constants])];
            let drawn = gpu.draw(&mut draw(&triangle, stages, 2, 4));
            for (pixel, sample, _, _) in covered(&triangle) {
                let weights = triangle.perspective(at(pixel, FOUR_SAMPLES[1]));
                compare(&drawn.targets[0], pixel, sample, values, weights, "computed input");
                let weights = triangle.perspective(at(pixel, [0.5 + 3.0 / 16.0, 0.5 - 4.0 / 16.0]));
                compare(&drawn.targets[1], pixel, sample, values, weights, "computed input");
            }
        }
    }
}
