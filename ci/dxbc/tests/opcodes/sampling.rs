//! Sampling with explicit levels, in every dimension (specification 22.4.15 to 22.4.20).

use pvgpu_dxbc_tests::gpu::{Contents, Format, Image, ImageKind, SamplerState, vk};

use crate::coverage::tests;
use crate::harness::execute;
use crate::textures::{DIMENSIONS, Dimension, code, texel};

tests! {
    levels: "sample_l", "dcl_sampler", "dcl_resource";
    gradients: "sample_d";
    offsets: "sample_l", "sample_d";
    linear_filtering: "sample_l";
    comparisons: "sample_c_lz";
}

/// Two vectors that a lookup takes in r0 and r1.
pub type Input = [[f32; 4]; 2];

/// Executes `code`, which computes r2 from r0 and r1 with sampler s0 and texture t1; r3.yzw are free.
pub fn lookup(
    declaration: &str,
    code: &str,
    inputs: &[Input],
    sampler: SamplerState,
    texture: Contents,
) -> Vec<[f32; 4]> {
    let mode = if sampler.comparison.is_some() { "mode_comparison" } else { "mode_default" };
    let listing = format!(
        "cs_5_0
        dcl_globalFlags refactoringAllowed
        dcl_sampler s0, {mode}
        dcl_resource_raw t0
        {declaration}
        dcl_uav_raw u0
        dcl_input vThreadID.x
        dcl_temps 4
        dcl_thread_group 32, 1, 1
        ishl r3.x, vThreadID.x, l(5)
        ld_raw r0.xyzw, r3.x, t0.xyzw
        iadd r3.x, r3.x, l(16)
        ld_raw r1.xyzw, r3.x, t0.xyzw
        {code}
        ishl r3.x, vThreadID.x, l(4)
        store_raw u0.xyzw, r3.x, r2.xyzw
        ret"
    );
    let count = inputs.len().next_multiple_of(32);
    let mut input: Vec<u32> = inputs.as_flattened().as_flattened().iter().map(|x| x.to_bits()).collect();
    input.resize(count * 8, 0);
    let mut contents = [
        Contents::SamplerState(sampler),
        Contents::Buffer(input),
        texture,
        Contents::Buffer(vec![0xbad; count * 4]),
    ];
    execute(&listing, &mut contents, count as u32 / 32);
    let (found, _) = contents[3].dwords().as_chunks::<4>();
    found[..inputs.len()].iter().map(|texel| texel.map(f32::from_bits)).collect()
}

/// The declaration of t1.
pub fn declare(name: &str) -> String {
    format!("dcl_resource_{name} (float,float,float,float) t1")
}

/// A texel's numbers as floats.
pub fn floats(texel: [u32; 4]) -> [f32; 4] {
    texel.map(|n| n as f32)
}

/// A cube map or array of them, of three levels, whose texels tell where they lie.
pub fn cubes(count: u32, format: Format) -> Image {
    Image::new(ImageKind::Cube, format, [4, 4, 1]).with_layers(6 * count).with_mips(3)
}

/// The image, with texels that tell where they lie.
pub fn numbered(image: Image) -> Image {
    image.filled(|layer, mip, place, sample| floats(texel(layer, mip, place, sample)).map(f32::to_bits))
}

/// Depths in sixteenths.
pub fn depth(layer: u32, mip: u32, place: [u32; 3]) -> f32 {
    (code(layer, mip, place, 0) * 7 % 16) as f32 / 16.0
}

/// The image, with a depth in each texel.
pub fn depths(image: Image) -> Image {
    image.filled(|layer, mip, place, _| [depth(layer, mip, place).to_bits(); 4])
}

/// The direction to a place of a cube's face; `s` and `t` from 0 to 1.
pub fn direction(face: u32, s: f32, t: f32) -> [f32; 3] {
    let (s, t) = (2.0 * s - 1.0, 2.0 * t - 1.0);
    match face {
        0 => [1.0, -t, -s],
        1 => [-1.0, -t, s],
        2 => [s, 1.0, t],
        3 => [s, -1.0, -t],
        4 => [s, -t, 1.0],
        _ => [-s, -t, -1.0],
    }
}

/// Places of a dimension: normalized coordinates with the layer, and texel coordinates of level 0 (inside or not) with
/// the layer that it means.
fn places(dimension: &Dimension) -> Vec<([f32; 4], [f32; 3], u32)> {
    let mut places = Vec::new();
    let ranges: Vec<Vec<i32>> =
        (0..3).map(|n| if n < dimension.coordinates { vec![-2, 0, 1, 2, 3, 9] } else { vec![0] }).collect();
    // Layers are rounded to the nearest, and clamped.
    let layers: &[(f32, u32)] = if dimension.arrayed() {
        &[(0.0, 0), (1.25, 1), (1.75, 2), (9.0, 2), (-3.0, 0)]
    } else {
        &[(0.0, 0)]
    };
    for x in &ranges[0] {
        for y in &ranges[1] {
            for z in &ranges[2] {
                for (layer, meant) in layers {
                    let mut place = [0.0; 4];
                    let mut centre = [0.0; 3];
                    for (n, k) in [x, y, z].into_iter().enumerate().take(dimension.coordinates) {
                        centre[n] = (*k as f32 + 0.5) / dimension.extent[n] as f32;
                        place[n] = centre[n];
                    }
                    if dimension.arrayed() {
                        place[dimension.coordinates] = *layer;
                    }
                    places.push((place, centre, *meant));
                }
            }
        }
    }
    places
}

/// The nearest texel of a level, with an offset and clamped coordinates.
fn nearest(
    dimension: &Dimension,
    image: &Image,
    mip: u32,
    centre: [f32; 3],
    layer: u32,
    offset: [i32; 3],
) -> [f32; 4] {
    let extent = image.level_extent(mip);
    let mut place = [0; 3];
    for n in 0..dimension.coordinates {
        let texel = (centre[n] * extent[n] as f32).floor() as i32 + offset[n];
        place[n] = texel.clamp(0, extent[n] as i32 - 1) as u32;
    }
    floats(texel(layer, mip, place, 0))
}

/// 7.18: with a point filter between levels, the nearest one that there is.
const LEVELS: [(f32, u32); 7] = [(-3.0, 0), (0.0, 0), (0.25, 0), (0.75, 1), (1.0, 1), (2.0, 2), (7.0, 2)];

fn check_levels(offset: [i32; 3]) {
    let format = Format::R32G32B32A32Sfloat;
    let suffix =
        if offset == [0; 3] { String::new() } else { format!("({},{},{})", offset[0], offset[1], offset[2]) };
    for dimension in &DIMENSIONS {
        let image = numbered(dimension.image(format));
        let mut inputs = Vec::new();
        let mut expected = Vec::new();
        for (place, centre, layer) in places(dimension) {
            for (level, mip) in LEVELS {
                inputs.push([place, [level, 0.0, 0.0, 0.0]]);
                expected.push(nearest(dimension, &image, mip, centre, layer, offset));
            }
        }
        let code = format!("sample_l{suffix} r2.xyzw, r0.xyzw, t1.xyzw, s0, r1.x");
        let texture = Contents::Image(image);
        let found = lookup(&declare(dimension.name), &code, &inputs, SamplerState::default(), texture);
        for ((input, found), expected) in inputs.iter().zip(found).zip(expected) {
            assert_eq!(found, expected, "{} at {input:?} + {offset:?}", dimension.name);
        }
    }
}

fn levels() {
    check_levels([0; 3]);
    for (name, count) in [("texturecube", 1), ("texturecubearray", 2)] {
        let image = numbered(cubes(count, Format::R32G32B32A32Sfloat));
        let (mut inputs, mut expected) = (Vec::new(), Vec::new());
        for layer in 0..6 * count {
            for (level, mip) in [(0.0, 0), (1.0, 1), (2.0, 2)] {
                let size = 4 >> mip;
                for n in 0..size * size {
                    let (x, y) = (n % size, n / size);
                    let place = |k: u32| (k as f32 + 0.5) / size as f32;
                    let [a, b, c] = direction(layer % 6, place(x), place(y));
                    inputs.push([[a, b, c, (layer / 6) as f32], [level, 0.0, 0.0, 0.0]]);
                    expected.push(floats(texel(layer, mip, [x, y, 0], 0)));
                }
            }
        }
        let code = "sample_l r2.xyzw, r0.xyzw, t1.xyzw, s0, r1.x";
        let found = lookup(&declare(name), code, &inputs, SamplerState::default(), Contents::Image(image));
        for ((input, found), expected) in inputs.iter().zip(found).zip(expected) {
            assert_eq!(found, expected, "{name} at {input:?}");
        }
    }
}

/// Gradients of 2^n texels a pixel choose level n.
fn check_gradients(offset: [i32; 3]) {
    let format = Format::R32G32B32A32Sfloat;
    let suffix =
        if offset == [0; 3] { String::new() } else { format!("({},{},{})", offset[0], offset[1], offset[2]) };
    for dimension in &DIMENSIONS {
        let image = numbered(dimension.image(format));
        for mip in 0..3 {
            let step = |n: usize| (1 << mip) as f32 / dimension.extent[n] as f32;
            let y = if dimension.coordinates > 1 { step(1) } else { 0.0 };
            let gradients = format!("l({:?}, 0.0, 0.0, 0.0), l(0.0, {y:?}, 0.0, 0.0)", step(0));
            let code = format!("sample_d{suffix} r2.xyzw, r0.xyzw, t1.xyzw, s0, {gradients}");
            let places = places(dimension);
            let inputs: Vec<Input> = places.iter().map(|(place, ..)| [*place, [0.0; 4]]).collect();
            let texture = Contents::Image(image.clone());
            let found = lookup(&declare(dimension.name), &code, &inputs, SamplerState::default(), texture);
            for ((place, centre, layer), found) in places.into_iter().zip(found) {
                let expected = nearest(dimension, &image, mip, centre, layer, offset);
                assert_eq!(found, expected, "{} at {place:?}, level {mip}", dimension.name);
            }
        }
    }
}

fn gradients() {
    check_gradients([0; 3]);
    // A cube's gradients are of its directions: none means the first level.
    for (name, count) in [("texturecube", 1), ("texturecubearray", 2)] {
        let image = numbered(cubes(count, Format::R32G32B32A32Sfloat));
        let last = (count - 1) as f32;
        let inputs: Vec<Input> = (0..6)
            .map(|face| {
                let [a, b, c] = direction(face, 0.375, 0.875);
                [[a, b, c, last], [0.0; 4]]
            })
            .collect();
        let code = "sample_d r2.xyzw, r0.xyzw, t1.xyzw, s0, l(0.0, 0.0, 0.0, 0.0), l(0.0, 0.0, 0.0, 0.0)";
        let found = lookup(&declare(name), code, &inputs, SamplerState::default(), Contents::Image(image));
        for (face, found) in (0..).zip(found) {
            assert_eq!(found, floats(texel(6 * (count - 1) + face, 0, [1, 3, 0], 0)), "{name}, face {face}");
        }
    }
}

fn offsets() {
    check_levels([1, -1, 2]);
    check_levels([-8, 7, -3]);
    check_gradients([2, 1, -1]);
}

/// 7.18.7: weights have at least 8 bits; halfway between texels all weights are the same.
fn linear_filtering() {
    for dimension in &DIMENSIONS {
        let image = numbered(dimension.image(Format::R32G32B32A32Sfloat));
        // The corner between texels 2 and 3, 1 and 2, 1 and 2.
        let corner = [3u32, 2, 2];
        let mut place = [0.0; 4];
        for n in 0..dimension.coordinates {
            place[n] = corner[n] as f32 / dimension.extent[n] as f32;
        }
        if dimension.arrayed() {
            place[dimension.coordinates] = 1.0;
        }
        let layer = u32::from(dimension.arrayed());
        let mut average = [0.0; 4];
        let corners = 1u32 << dimension.coordinates;
        for k in 0..corners {
            let mut around = [0; 3];
            for n in 0..dimension.coordinates {
                around[n] = corner[n] - (k >> n & 1);
            }
            for (sum, part) in average.iter_mut().zip(floats(texel(layer, 0, around, 0))) {
                *sum += part / corners as f32;
            }
        }
        let code = "sample_l r2.xyzw, r0.xyzw, t1.xyzw, s0, l(0.0)";
        let texture = Contents::Image(image);
        let inputs = [[place, [0.0; 4]]];
        let found = lookup(&declare(dimension.name), code, &inputs, SamplerState::linear(), texture);
        for (found, expected) in found[0].iter().zip(average) {
            // Two weights of 8 bits may be off by 1/256 of the difference between texels.
            let allowed = 2.0 / 256.0 * 1000.0;
            assert!((found - expected).abs() <= allowed, "{}: {found}, not {expected}", dimension.name);
        }
    }
    // Halfway between two levels.
    let image = numbered(DIMENSIONS[2].image(Format::R32G32B32A32Sfloat));
    let sampler = SamplerState { mipmap_mode: vk::SamplerMipmapMode::LINEAR, ..SamplerState::default() };
    let inputs = [[[0.3125, 0.375, 0.0, 0.0], [0.5, 0.0, 0.0, 0.0]]];
    let code = "sample_l r2.xyzw, r0.xyzw, t1.xyzw, s0, r1.x";
    let found = lookup(&declare("texture2d"), code, &inputs, sampler, Contents::Image(image));
    let (first, second) = (floats(texel(0, 0, [2, 1, 0], 0)), floats(texel(0, 1, [1, 0, 0], 0)));
    for n in 0..4 {
        let expected = (first[n] + second[n]) / 2.0;
        assert!((found[0][n] - expected).abs() <= (first[n] - second[n]).abs() / 256.0, "{found:?}");
    }
}

/// A sampler that compares.
pub fn less() -> SamplerState {
    SamplerState { comparison: Some(vk::CompareOp::LESS), ..SamplerState::default() }
}

/// Whether the reference is less than the depth.
pub fn compared(reference: f32, depth: f32) -> f32 {
    f32::from(u8::from(reference < depth))
}

const REFERENCES: [f32; 4] = [0.0, 0.5, 0.46875, 1.0];

fn comparisons() {
    for dimension in DIMENSIONS.iter().filter(|dimension| dimension.kind == ImageKind::D2) {
        let image = depths(dimension.image(Format::D32Sfloat));
        for offset in [[0, 0, 0], [-1, 2, 0]] {
            let suffix = if offset == [0; 3] { "" } else { "(-1,2,0)" };
            let code = format!("sample_c_lz{suffix} r2.xyzw, r0.xyzw, t1.xxxx, s0, r1.x");
            let (mut inputs, mut expected) = (Vec::new(), Vec::new());
            for (place, centre, layer) in places(dimension) {
                for reference in REFERENCES {
                    inputs.push([place, [reference, 0.0, 0.0, 0.0]]);
                    let [x, y] = [0, 1].map(|n| {
                        let size = dimension.extent[n] as i32;
                        let k = (centre[n] * size as f32).floor() as i32 + offset[n];
                        k.clamp(0, size - 1) as u32
                    });
                    expected.push(compared(reference, depth(layer, 0, [x, y, 0])));
                }
            }
            let texture = Contents::Image(image.clone());
            let found = lookup(&declare(dimension.name), &code, &inputs, less(), texture);
            for ((input, found), expected) in inputs.iter().zip(found).zip(expected) {
                assert_eq!(found, [expected; 4], "{} at {input:?} + {offset:?}", dimension.name);
            }
        }
    }
    for (name, count) in [("texturecube", 1), ("texturecubearray", 2)] {
        let image = depths(cubes(count, Format::D32Sfloat));
        let (mut inputs, mut expected) = (Vec::new(), Vec::new());
        for layer in 0..6 * count {
            for n in 0..16u32 {
                let place = |k: u32| (k as f32 + 0.5) / 4.0;
                let [a, b, c] = direction(layer % 6, place(n % 4), place(n / 4));
                inputs.push([[a, b, c, (layer / 6) as f32], [0.5, 0.0, 0.0, 0.0]]);
                expected.push(compared(0.5, depth(layer, 0, [n % 4, n / 4, 0])));
            }
        }
        let code = "sample_c_lz r2.xyzw, r0.xyzw, t1.xxxx, s0, r1.x";
        let found = lookup(&declare(name), code, &inputs, less(), Contents::Image(image));
        for ((input, found), expected) in inputs.iter().zip(found).zip(expected) {
            assert_eq!(found, [expected; 4], "{name} at {input:?}");
        }
    }
}
