//! Gathering four texels, and reads with feedback (specification 22.4.2 to 22.4.5, 5.9.4.5).

use pvgpu_dxbc_tests::gpu::{Contents, Format, Image, ImageKind, SamplerState};

use crate::coverage::tests;
use crate::harness::execute;
use crate::sampling::{
    Input, compared, cubes, declare, depth, depths, direction, floats, less, lookup, numbered,
};
use crate::textures::{DIMENSIONS, texel};

tests! {
    gathers: "gather4";
    gathers_with_offsets: "gather4";
    gathers_with_computed_offsets: "gather4_po", "gather4_po_c";
    gathers_of_comparisons: "gather4_c";
    reads_with_feedback:
        "gather4_feedback", "gather4_c_feedback", "gather4_po_feedback", "gather4_po_c_feedback",
        "ld_feedback", "ld_raw_feedback", "ld_structured_feedback", "ld_uav_typed_feedback",
        "sample_l_feedback", "sample_c_lz_feedback", "sample_d_clamp_feedback", "check_access_fully_mapped";
    multisampled_reads_with_feedback: "ld_ms_feedback", "check_access_fully_mapped";
}

/// The four texels around the corner before texel x, y: 22.4.2's order.
fn around(x: i32, y: i32) -> [(i32, i32); 4] {
    [(x - 1, y), (x, y), (x, y - 1), (x - 1, y - 1)]
}

/// A texel of an image of 8 by 4, clamped.
fn clamped((x, y): (i32, i32)) -> [u32; 3] {
    [x.clamp(0, 7) as u32, y.clamp(0, 3) as u32, 0]
}

/// Corners of a two-dimensional texture, with the layer in z.
fn corners(layer: f32) -> Vec<(i32, i32, [f32; 4])> {
    let corner = |n: i32| (n % 9, n / 9);
    (0..45).map(corner).map(|(x, y)| (x, y, [x as f32 / 8.0, y as f32 / 4.0, layer, 0.0])).collect()
}

fn check_gathers(offset: [i32; 2], name: &str, ty: &str) {
    let dimension = DIMENSIONS.iter().find(|dimension| dimension.name == name).unwrap();
    let image = numbered(dimension.image(Format::R32G32B32A32Sfloat));
    let suffix = if offset == [0; 2] { String::new() } else { format!("({},{},0)", offset[0], offset[1]) };
    let layer = u32::from(dimension.arrayed()) * 2;
    for (component, letter) in "xyzw".chars().enumerate() {
        let corners = corners(layer as f32);
        let inputs: Vec<Input> = corners.iter().map(|(.., place)| [*place, [0.0; 4]]).collect();
        let code = format!("gather4{suffix} r2.xyzw, r0.xyzw, t1.xyzw, s0.{letter}");
        let declaration = format!("dcl_resource_{name} ({ty},{ty},{ty},{ty}) t1");
        let texture = Contents::Image(image.clone());
        let found = lookup(&declaration, &code, &inputs, SamplerState::default(), texture);
        for ((x, y, _), found) in corners.into_iter().zip(found) {
            let expected = around(x + offset[0], y + offset[1])
                .map(|place| floats(texel(layer, 0, clamped(place), 0))[component]);
            assert_eq!(found, expected, "{letter} of {name} before {x}, {y} + {offset:?}");
        }
    }
}

fn gathers() {
    check_gathers([0; 2], "texture2d", "float");
    check_gathers([0; 2], "texture2darray", "float");
    for (name, count) in [("texturecube", 1), ("texturecubearray", 2)] {
        let image = numbered(cubes(count, Format::R32G32B32A32Sfloat));
        let (mut inputs, mut expected) = (Vec::new(), Vec::new());
        for layer in 0..6 * count {
            for (x, y) in [(1, 1), (2, 3), (3, 2)] {
                let [a, b, c] = direction(layer % 6, x as f32 / 4.0, y as f32 / 4.0);
                inputs.push([[a, b, c, (layer / 6) as f32], [0.0; 4]]);
                let texels = around(x, y).map(|(x, y)| [x as u32, y as u32, 0]);
                expected.push(texels.map(|place| floats(texel(layer, 0, place, 0))[1]));
            }
        }
        let code = "gather4 r2.xyzw, r0.xyzw, t1.xyzw, s0.y";
        let found = lookup(&declare(name), code, &inputs, SamplerState::default(), Contents::Image(image));
        for ((input, found), expected) in inputs.iter().zip(found).zip(expected) {
            assert_eq!(found, expected, "{name} at {input:?}");
        }
    }
    // The resource's swizzle reorders the four texels.
    let image = numbered(DIMENSIONS[2].image(Format::R32G32B32A32Sfloat));
    let code = "mov r2.xyzw, l(1.0, 2.0, 3.0, 4.0)\n gather4 r2.xz, r0.xyzw, t1.wxyz, s0.x";
    let inputs = [[[0.25, 0.5, 0.0, 0.0], [0.0; 4]]];
    let found = lookup(&declare("texture2d"), code, &inputs, SamplerState::default(), Contents::Image(image));
    let [_, y, _, w] = around(2, 2).map(|place| texel(0, 0, clamped(place), 0)[0] as f32);
    assert_eq!(found, [[w, 2.0, y, 4.0]]);
}

fn gathers_with_offsets() {
    check_gathers([1, -2], "texture2d", "float");
    check_gathers([-8, 7], "texture2darray", "float");
}

/// 22.4.4: the low six bits of the offsets count, signed.
const COMPUTED_OFFSETS: [[i32; 2]; 6] = [[0, 0], [1, -1], [-7, 3], [5, -2], [65, 62], [-64, 128 - 3]];

fn sign_extended(offset: i32) -> i32 {
    offset << 26 >> 26
}

fn gathers_with_computed_offsets() {
    for dimension in DIMENSIONS.iter().filter(|dimension| dimension.kind == ImageKind::D2) {
        let layer = u32::from(dimension.arrayed());
        let mut inputs: Vec<Input> = Vec::new();
        let mut wanted = Vec::new();
        for (x, y, place) in corners(layer as f32) {
            for [u, v] in COMPUTED_OFFSETS {
                let offset = [u, v, 0, 0].map(|n| f32::from_bits(n as u32));
                inputs.push([place, offset]);
                wanted.push(around(x + sign_extended(u), y + sign_extended(v)).map(clamped));
            }
        }
        let image = numbered(dimension.image(Format::R32G32B32A32Sfloat));
        let code = "gather4_po r2.xyzw, r0.xyzw, r1.xyzw, t1.xyzw, s0.z";
        let texture = Contents::Image(image);
        let found = lookup(&declare(dimension.name), code, &inputs, SamplerState::default(), texture);
        for ((input, found), wanted) in inputs.iter().zip(found).zip(&wanted) {
            let expected = wanted.map(|place| floats(texel(layer, 0, place, 0))[2]);
            assert_eq!(found, expected, "{} at {input:?}", dimension.name);
        }
        let image = depths(dimension.image(Format::D32Sfloat));
        let code = "gather4_po_c r2.xyzw, r0.xyzw, r1.xyzw, t1.xyzw, s0.x, l(0.5)";
        let found = lookup(&declare(dimension.name), code, &inputs, less(), Contents::Image(image));
        for ((input, found), wanted) in inputs.iter().zip(found).zip(&wanted) {
            let expected = wanted.map(|place| compared(0.5, depth(layer, 0, place)));
            assert_eq!(found, expected, "comparison in {} at {input:?}", dimension.name);
        }
    }
}

fn gathers_of_comparisons() {
    for dimension in DIMENSIONS.iter().filter(|dimension| dimension.kind == ImageKind::D2) {
        let layer = u32::from(dimension.arrayed()) * 2;
        let image = depths(dimension.image(Format::D32Sfloat));
        for offset in [[0, 0], [2, -1]] {
            let suffix = if offset == [0; 2] { "" } else { "(2,-1,0)" };
            let code = format!("gather4_c{suffix} r2.xyzw, r0.xyzw, t1.xyzw, s0.x, r1.x");
            let corners = corners(layer as f32);
            let inputs: Vec<Input> = corners.iter().map(|(.., place)| [*place, [0.5; 4]]).collect();
            let found =
                lookup(&declare(dimension.name), &code, &inputs, less(), Contents::Image(image.clone()));
            for ((x, y, _), found) in corners.into_iter().zip(found) {
                let expected = around(x + offset[0], y + offset[1])
                    .map(|place| compared(0.5, depth(layer, 0, clamped(place))));
                assert_eq!(found, expected, "{} before {x}, {y} + {offset:?}", dimension.name);
            }
        }
    }
    for (name, count) in [("texturecube", 1), ("texturecubearray", 2)] {
        let image = depths(cubes(count, Format::D32Sfloat));
        let inputs: Vec<Input> = (0..6 * count)
            .map(|layer| {
                let [a, b, c] = direction(layer % 6, 0.5, 0.75);
                [[a, b, c, (layer / 6) as f32], [0.5; 4]]
            })
            .collect();
        let code = "gather4_c r2.xyzw, r0.xyzw, t1.xyzw, s0.x, r1.x";
        let found = lookup(&declare(name), code, &inputs, less(), Contents::Image(image));
        for (layer, found) in (0..).zip(found) {
            let texels = around(2, 3).map(|(x, y)| [x as u32, y as u32, 0]);
            let expected = texels.map(|place| compared(0.5, depth(layer, 0, place)));
            assert_eq!(found, expected, "{name}, layer {layer}");
        }
    }
}

/// 5.9.4.5: the value is that of the plain instruction, and nothing is unmapped here.
fn reads_with_feedback() {
    let check = "check_access_fully_mapped r3.z, r3.y\n and r2.xyzw, r2.xyzw, r3.zzzz";
    let texture = numbered(DIMENSIONS[2].image(Format::R32G32B32A32Sfloat));
    let inputs = [[[0.25, 0.5, 0.0, 0.0], [0.0; 4]]];
    let gathered =
        |component: usize| around(2, 2).map(|place| floats(texel(0, 0, clamped(place), 0))[component]);
    let texel_at = |mip, place| floats(texel(0, mip, place, 0));
    for (code, expected) in [
        ("gather4_feedback r2.xyzw, r3.y, r0.xyzw, t1.xyzw, s0.y", gathered(1)),
        ("gather4_po_feedback r2.xyzw, r3.y, r0.xyzw, l(0, 0, 0, 0), t1.xyzw, s0.w", gathered(3)),
        ("ld_feedback r2.xyzw, r3.y, l(3, 1, 0, 0), t1.xyzw", texel_at(0, [3, 1, 0])),
        (
            "sample_l_feedback r2.xyzw, r3.y, l(0.3125, 0.375, 0.0, 0.0), t1.xyzw, s0, l(1.0)",
            texel_at(1, [1, 0, 0]),
        ),
        (
            "sample_d_clamp_feedback r2.xyzw, r3.y, l(0.3125, 0.375, 0.0, 0.0), t1.xyzw, s0, l(0.125, 0.0, 0.0, 0.0), l(0.0, 0.25, 0.0, 0.0), l(0.0)",
            texel_at(0, [2, 1, 0]),
        ),
    ] {
        let code = format!("{code}\n {check}");
        let found = lookup(
            &declare("texture2d"),
            &code,
            &inputs,
            SamplerState::default(),
            Contents::Image(texture.clone()),
        );
        assert_eq!(found, [expected], "{code}");
    }
    let texture = depths(DIMENSIONS[2].image(Format::D32Sfloat));
    let gathered = around(2, 2).map(|place| compared(0.5, depth(0, 0, clamped(place))));
    for (code, expected) in [
        ("gather4_c_feedback r2.xyzw, r3.y, r0.xyzw, t1.xyzw, s0.x, l(0.5)", gathered),
        ("gather4_po_c_feedback r2.xyzw, r3.y, r0.xyzw, l(0, 0, 0, 0), t1.xyzw, s0.x, l(0.5)", gathered),
        (
            "sample_c_lz_feedback r2.xyzw, r3.y, l(0.3125, 0.375, 0.0, 0.0), t1.xxxx, s0, l(0.5)",
            [compared(0.5, depth(0, 0, [2, 1, 0])); 4],
        ),
    ] {
        let code = format!("{code}\n {check}");
        let found = lookup(&declare("texture2d"), &code, &inputs, less(), Contents::Image(texture.clone()));
        assert_eq!(found, [expected], "{code}");
    }
    // Buffers, where the status may also be of no interest.
    let listing = format!(
        "cs_5_0
        dcl_globalFlags refactoringAllowed
        dcl_resource_raw t0
        dcl_resource_structured t1, 16
        dcl_uav_raw u0
        dcl_uav_typed_buffer (uint,uint,uint,uint) u1
        dcl_temps 4
        dcl_thread_group 1, 1, 1
        ld_raw_feedback r2.xyzw, r3.y, l(4), t0.xyzw
        {check}
        store_raw u0.xyzw, l(0), r2.xyzw
        ld_structured_feedback r2.xyzw, r3.y, l(1), l(0), t1.xyzw
        {check}
        store_raw u0.xyzw, l(16), r2.xyzw
        ld_uav_typed_feedback r2.xyzw, r3.y, l(2, 2, 2, 2), u1.xyzw
        {check}
        store_raw u0.xyzw, l(32), r2.xyzw
        ld_raw_feedback r2.xyzw, null, l(0), t0.wzyx
        store_raw u0.xyzw, l(48), r2.xyzw
        ret"
    );
    let numbers = |first: u32| (first..first + 8).collect::<Vec<u32>>();
    let mut contents = [
        Contents::Buffer(numbers(10)),
        Contents::Buffer(numbers(20)),
        Contents::Buffer(vec![0; 16]),
        Contents::TypedBuffer { format: Format::R32Uint, dwords: numbers(30) },
    ];
    execute(&listing, &mut contents, 1);
    let expected = [[11, 12, 13, 14], [24, 25, 26, 27], [32, 0, 0, 1], [13, 12, 11, 10]];
    assert_eq!(contents[2].dwords(), expected.as_flattened());
}

fn multisampled_reads_with_feedback() {
    let image = Image::new(ImageKind::D2, Format::R32G32B32A32Sfloat, [4, 4, 1]).with_samples(4);
    let code = "ld_ms_feedback r2.xyzw, r3.y, l(1, 2, 0, 0), t1.xyzw, l(3)
        check_access_fully_mapped r3.z, r3.y
        and r2.xyzw, r2.xyzw, r3.zzzz";
    let texture = Contents::Image(numbered(image));
    let found = lookup(&declare("texture2dms"), code, &[[[0.0; 4]; 2]], SamplerState::default(), texture);
    assert_eq!(found, [floats(texel(0, 0, [1, 2, 0], 3))]);
}
