//! What only pixel shaders can do: derivatives, implicit levels, discarding, inputs anew (specification 22.5, 22.4).

use pvgpu_dxbc_tests::gpu::{Contents, Format, SamplerState, vk};

use crate::coverage::tests;
use crate::harness::on_llvmpipe;
use crate::queries::position;
use crate::raster::{SIZE, draw, pixels};
use crate::textures::{DIMENSIONS, code, texel};

tests! {
    derivatives:
        "deriv_rtx", "deriv_rty", "deriv_rtx_coarse", "deriv_rty_coarse", "deriv_rtx_fine", "deriv_rty_fine",
        "dcl_input_ps", "dcl_input_ps_siv", "dcl_output", "dcl_output_siv", "dcl_input_sgv";
    implicit_levels: "sample", "sample_b", "sample_clamp_feedback", "sample_b_clamp_feedback";
    implicit_levels_of_comparisons: "sample_c", "sample_c_clamp_feedback";
    levels_of_detail: "lod";
    discarded_pixels: "discard", "atomic_iadd";
    inputs_at_samples: "eval_sample_index", "eval_centroid", "eval_snapped";
    constants_at_samples: "eval_sample_index", "eval_centroid", "eval_snapped";
    samples_of_the_target: "sampleinfo", "samplepos";
    sample_indices: "dcl_input_ps_sgv";
    indexed_inputs: "dcl_index_range";
    stores_of_pixels: "store_uav_typed", "sync", "imm_atomic_iadd";
}

/// The function x × y at pixel centres, whose derivatives differ from row to row and column to column.
fn derivatives() {
    let check = |instructions: [&str; 2], fine: bool| {
        let code = format!(
            "mul r0.x, v0.x, v0.y
            {} r0.y, r0.x
            {} r0.z, r0.x
            {} r0.w, -|r0.x|
            mov o0.xyzw, r0.xyzw",
            instructions[0], instructions[1], instructions[0]
        );
        let (drawn, _) = draw("", &code, vec![], |_| {});
        for ([x, y], found) in pixels(&drawn) {
            let [px, py] = [x, y].map(|n| n as f32 + 0.5);
            assert_eq!(found[0], px * py);
            // The delta of this row, or (coarse) of either row of the quad; columns likewise.
            let rows = if fine { vec![py] } else { vec![(y / 2 * 2) as f32 + 0.5, (y / 2 * 2) as f32 + 1.5] };
            let columns =
                if fine { vec![px] } else { vec![(x / 2 * 2) as f32 + 0.5, (x / 2 * 2) as f32 + 1.5] };
            assert!(rows.contains(&found[1]), "{} at {x}, {y}: {found:?}", instructions[0]);
            assert!(columns.contains(&found[2]), "{} at {x}, {y}: {found:?}", instructions[1]);
            assert_eq!(found[3], -found[1], "{} of a negative value", instructions[0]);
        }
    };
    check(["deriv_rtx", "deriv_rty"], false);
    check(["deriv_rtx_coarse", "deriv_rty_coarse"], false);
    check(["deriv_rtx_fine", "deriv_rty_fine"], true);
}

const TEXTURE: &str = "dcl_sampler s0, mode_default\n dcl_resource_texture2d (float,float,float,float) t0";

fn numbered() -> Contents {
    Contents::Image(DIMENSIONS[2].image(Format::R32G32B32A32Sfloat))
}

/// What a level's texel holds under a coordinate in texels of level 0, with an offset in texels of the level.
fn place_in(mip: u32, x: f32, y: f32, offset: [i32; 2]) -> [u32; 3] {
    let level = |n: f32, size: u32, offset: i32| {
        let size = (size >> mip).max(1) as i32;
        ((n / (1 << mip) as f32).floor() as i32 + offset).clamp(0, size - 1) as u32
    };
    [level(x, 8, offset[0]), level(y, 4, offset[1]), 0]
}

/// Coordinates that advance by a quarter, one, two or four texels a pixel, each way.
const STEPS: [(f32, u32); 4] = [(0.25, 0), (1.0, 0), (2.0, 1), (4.0, 2)];

fn implicit_levels() {
    for (step, mip) in STEPS {
        for (instruction, bias, offset) in [
            ("sample r1.xyzw, r0.xyxx, t0.xyzw, s0", 0i32, [0, 0]),
            ("sample(1,-1,0) r1.xyzw, r0.xyxx, t0.xyzw, s0", 0, [1, -1]),
            ("sample_b r1.xyzw, r0.xyxx, t0.xyzw, s0, l(1.0)", 1, [0, 0]),
            ("sample_b(-1,2,0) r1.xyzw, r0.xyxx, t0.xyzw, s0, l(-1.0)", -1, [-1, 2]),
            ("sample_b r1.xyzw, r0.xyxx, t0.xyzw, s0, l(5.0)", 5, [0, 0]),
            ("sample_clamp_feedback r1.xyzw, r2.x, r0.xyxx, t0.xyzw, s0, l(0.0)", 0, [0, 0]),
            ("sample_b_clamp_feedback r1.xyzw, r2.x, r0.xyxx, t0.xyzw, s0, l(1.0), l(0.0)", 1, [0, 0]),
        ] {
            // Texels of level 0, then normalized.
            let code = format!(
                "mul r0.xy, v0.xyxx, l({step:?}, {step:?}, 0.0, 0.0)
                mul r0.xy, r0.xyxx, l(0.125, 0.25, 0.0, 0.0)
                mov r2.x, l(1)
                {instruction}
                check_access_fully_mapped r2.x, r2.x
                and r1.xyzw, r1.xyzw, r2.xxxx
                mov o0.xyzw, r1.xyzw"
            );
            let contents = vec![Contents::SamplerState(SamplerState::default()), numbered()];
            let (drawn, _) = draw(TEXTURE, &code, contents, |_| {});
            // A quarter of a texel a pixel is level −2.
            let level = if step < 1.0 { -2 } else { mip as i32 };
            let mip = (level + bias).clamp(0, 2) as u32;
            for ([x, y], found) in pixels(&drawn) {
                let [tx, ty] = [x, y].map(|n| (n as f32 + 0.5) * step);
                let expected = texel(0, mip, place_in(mip, tx, ty, offset), 0).map(|n| n as f32);
                assert_eq!(found, expected, "{instruction} at {x}, {y}, step {step}");
            }
        }
    }
}

fn implicit_levels_of_comparisons() {
    let depth = |mip, place| (code(0, mip, place, 0) * 7 % 16) as f32 / 16.0;
    let image =
        DIMENSIONS[2].image(Format::D32Sfloat).filled(|_, mip, place, _| [depth(mip, place).to_bits(); 4]);
    for (step, mip) in STEPS {
        for (instruction, offset) in [
            ("sample_c r1.x, r0.xyxx, t0.xxxx, s0, l(0.5)", [0, 0]),
            ("sample_c(1,1,0) r1.x, r0.xyxx, t0.xxxx, s0, l(0.5)", [1, 1]),
            ("sample_c_clamp_feedback r1.x, null, r0.xyxx, t0.xxxx, s0, l(0.5), l(0.0)", [0, 0]),
        ] {
            let code = format!(
                "mul r0.xy, v0.xyxx, l({step:?}, {step:?}, 0.0, 0.0)
                mul r0.xy, r0.xyxx, l(0.125, 0.25, 0.0, 0.0)
                {instruction}
                mov o0.xyzw, r1.xxxx"
            );
            let sampler = SamplerState { comparison: Some(vk::CompareOp::LESS), ..SamplerState::default() };
            let contents = vec![Contents::SamplerState(sampler), Contents::Image(image.clone())];
            let declarations = TEXTURE.replace("mode_default", "mode_comparison");
            let (drawn, _) = draw(&declarations, &code, contents, |_| {});
            for ([x, y], found) in pixels(&drawn) {
                let [tx, ty] = [x, y].map(|n| (n as f32 + 0.5) * step);
                let lit = 0.5 < depth(mip, place_in(mip, tx, ty, offset));
                assert_eq!(found, [f32::from(u8::from(lit)); 4], "{instruction} at {x}, {y}, step {step}");
            }
        }
    }
}

/// 22.5.6: the level that would be used, then the one before clamping. 7.18.11 wants the level within 2^-8 or so of a
/// box around the pixel's footprint, which here is a square; half a level tells wrong from inexact.
fn levels_of_detail() {
    for (step, level) in [(0.25f32, -2.0f32), (1.0, 0.0), (2.0, 1.0), (4.0, 2.0), (16.0, 4.0)] {
        let code = format!(
            "mul r0.xy, v0.xyxx, l({step:?}, {step:?}, 0.0, 0.0)
            mul r0.xy, r0.xyxx, l(0.125, 0.25, 0.0, 0.0)
            lod r1.xyzw, r0.xyxx, t0.xyzw, s0
            lod r2.xy, r0.xyxx, t0.yxzw, s0
            mov r1.zw, r2.xxxy
            mov o0.xyzw, r1.xyzw"
        );
        let contents = vec![Contents::SamplerState(SamplerState::linear()), numbered()];
        let (drawn, _) = draw(TEXTURE, &code, contents, |_| {});
        for (place, found) in pixels(&drawn) {
            let clamped = level.clamp(0.0, 2.0);
            for (found, expected) in found.into_iter().zip([clamped, level, level, clamped]) {
                assert!((found - expected).abs() < 0.1, "{place:?}, step {step}: {found}, not {expected}");
            }
        }
    }
}

/// 22.5.1: both tests; what is written before and after is dropped, also to views, and derivatives stay defined.
fn discarded_pixels() {
    for (instruction, kept) in [("discard_nz r0.x", 0), ("discard_z r0.x", 1)] {
        let code = format!(
            "ftou r0.xy, v0.xyxx
            iadd r0.x, r0.x, r0.y
            and r0.x, r0.x, l(1)
            mov o0.xyzw, l(1.0, 1.0, 1.0, 1.0)
            {instruction}
            atomic_iadd u1, l(0), l(1)
            deriv_rtx_fine r0.z, v0.x
            mov o0.xyzw, l(2.0, 3.0, 4.0, 5.0)
            mov o0.z, r0.z"
        );
        let (drawn, contents) = draw("dcl_uav_raw_glc u1", &code, vec![Contents::Buffer(vec![0])], |_| {});
        for ([x, y], found) in pixels(&drawn) {
            let expected = if (x + y) % 2 == kept { [2.0, 3.0, 1.0, 5.0] } else { [0.0; 4] };
            assert_eq!(found, expected, "{instruction} at {x}, {y}");
        }
        assert_eq!(contents[0].dwords(), [SIZE * SIZE / 2], "{instruction}");
        assert_eq!(drawn.samples_passed, u64::from(SIZE * SIZE / 2));
    }
}

/// A linear input at a sample, at the centroid (of covered pixels: the centre) and at an offset in
/// sixteenths. Interpolation at 1/256 of a pixel is what rasterizers have at least (3.4.1).
fn inputs_at_samples() {
    let check = |instruction: &str, offset: [f32; 2]| {
        let mut offsets = vec![offset];
        // llvmpipe (Mesa 22.3) takes some sample for the centroid of some pixels though all samples are covered, which
        // Vulkan allows.
        if instruction.starts_with("eval_centroid") && on_llvmpipe() {
            offsets.extend((0..4).map(|n| position(4, n)));
        }
        let code = format!("{instruction}\n mov o0.xyzw, r1.xyzw");
        let (drawn, _) = draw("", &code, vec![], |draw| draw.samples = 4);
        let target = &drawn.targets[0];
        for n in 0..SIZE * SIZE {
            let (x, y) = (n % SIZE, n / SIZE);
            for sample in 0..4 {
                let texel = target.texel(0, 0, [x, y, 0], sample);
                let found = [0, 1, 2, 3].map(|k| f32::from_bits(texel[k]));
                let fits = |offset: &[f32; 2]| {
                    let [px, py] = [x as f32 + 0.5 + offset[0], y as f32 + 0.5 + offset[1]];
                    let expected = [px, py, 100.0 - px, 3.0];
                    found
                        .iter()
                        .zip(expected)
                        .all(|(found, expected)| (found - expected).abs() <= 1.0 / 256.0)
                };
                let near = offsets.iter().any(fits);
                assert!(near, "{instruction} at {x}, {y}, sample {sample}: {found:?}, not at {offsets:?}");
            }
        }
    };
    for sample in 0..4 {
        check(&format!("eval_sample_index r1.xyzw, v1.xyzw, l({sample})"), position(4, sample));
    }
    check("eval_centroid r1.xyzw, v1.xyzw", [0.0, 0.0]);
    // The low four bits count, signed.
    for (x, y, offset) in
        [(0, 0, [0.0, 0.0]), (-8, 7, [-0.5, 0.4375]), (3, -5, [0.1875, -0.3125]), (23, 40, [0.4375, -0.5])]
    {
        check(&format!("eval_snapped r1.xyzw, v1.xyzw, l({x}, {y}, 0, 0)"), offset);
    }
    // Through the input's swizzle and a mask.
    check(
        "eval_sample_index r1.xw, v1.yxxw, l(1)\n eval_sample_index r1.yz, v1.xxzw, l(1)\n mov r1.xy, r1.yxxx",
        {
            let [x, y] = position(4, 1);
            [x, y]
        },
    );
}

/// 22.4.23 to 22.4.25: a constant input is the same everywhere: the first vertex's.
fn constants_at_samples() {
    for instruction in [
        "eval_sample_index r1.xyzw, v2.xyzw, l(2)",
        "eval_centroid r1.xyzw, v2.xyzw",
        "eval_snapped r1.xyzw, v2.xyzw, l(3, -5, 0, 0)",
    ] {
        let (drawn, _) = draw("", &format!("{instruction}\n mov o0.xyzw, r1.xyzw"), vec![], |_| {});
        for (place, found) in pixels(&drawn) {
            assert_eq!(found, [0.0, 5.0, 6.0, 7.0], "{instruction} at {place:?}");
        }
    }
}

fn samples_of_the_target() {
    for samples in [1, 4] {
        let code = "sampleinfo_uint r0.x, rasterizer.x
            utof r0.x, r0.x
            sampleinfo r0.y, rasterizer.xxxx
            ftou r1.x, v0.x
            samplepos r0.zw, rasterizer.xxxy, r1.x
            mov o0.xyzw, r0.xyzw";
        let (drawn, _) = draw("", code, vec![], |draw| draw.samples = samples);
        for x in 0..SIZE {
            let texel = drawn.targets[0].texel(0, 0, [x, 3, 0], 0);
            let [px, py] = position(samples, x);
            let found = [0, 1, 2, 3].map(|k| f32::from_bits(texel[k]));
            assert_eq!(found, [samples as f32, samples as f32, px, py], "of {samples}, sample {x}");
        }
    }
}

/// The sample's index makes the shader run for each sample.
fn sample_indices() {
    let declarations =
        "dcl_input_ps_sgv constant v3.x, sample_index\n dcl_input_ps_sgv constant v4.x, is_front_face";
    let code = "utof r0.x, v3.x\n movc r0.y, v4.x, l(7.0), l(8.0)\n mov o0.xyzw, r0.xyxx";
    let (drawn, _) = draw(declarations, code, vec![], |draw| draw.samples = 4);
    for n in 0..SIZE * SIZE {
        for sample in 0..4 {
            let texel = drawn.targets[0].texel(0, 0, [n % SIZE, n / SIZE, 0], sample);
            let [index, front] = [0, 1].map(|k| f32::from_bits(texel[k]));
            assert_eq!(index, sample as f32);
            // The triangle is clockwise.
            assert_eq!(front, 7.0);
        }
    }
}

/// v1 and v2 by a computed number. Both have to have one interpolation mode, so the shader has its own linear one.
fn indexed_inputs() {
    let listing_code = "ftou r0.x, v0.x\n and r0.x, r0.x, l(1)\n mov o0.xyzw, v[r0.x + 1].xyzw";
    let (drawn, _) = draw("dcl_indexRange v1.xyzw, 2", listing_code, vec![], |_| {});
    for ([x, y], found) in pixels(&drawn) {
        let [px, py] = [x, y].map(|n| n as f32 + 0.5);
        let expected = if x % 2 == 0 { [px, py, 100.0 - px, 3.0] } else { [0.0, 5.0, 6.0, 7.0] };
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found - expected).abs() <= 1.0 / 256.0, "{x}, {y}: {found}, not {expected}");
        }
    }
}

/// Views, written by pixels; the barrier orders what a pixel does.
fn stores_of_pixels() {
    let declarations = "dcl_uav_typed_texture2d_glc (uint,uint,uint,uint) u1\n dcl_uav_raw_glc u2";
    let code = "ftou r0.xy, v0.xyxx
        imad r0.z, r0.y, l(8), r0.x
        iadd r1.xyzw, r0.zzzz, l(1, 1, 1, 1)
        store_uav_typed u1.xyzw, r0.xyyy, r1.xyzw
        sync_uglobal
        imm_atomic_iadd r1.x, u2, l(0), r0.z
        mov o0.xyzw, l(1.0, 1.0, 1.0, 1.0)";
    let image = pvgpu_dxbc_tests::gpu::Image::new(
        pvgpu_dxbc_tests::gpu::ImageKind::D2,
        Format::R32Uint,
        [SIZE, SIZE, 1],
    );
    let contents = vec![Contents::Image(image), Contents::Buffer(vec![0])];
    let (_, contents) = draw(declarations, code, contents, |_| {});
    for n in 0..SIZE * SIZE {
        assert_eq!(contents[0].image().texel(0, 0, [n % SIZE, n / SIZE, 0], 0), [n + 1]);
    }
    assert_eq!(contents[1].dwords(), [(0..64).sum::<u32>()]);
}
