//! What ends a strip in a geometry shader, with and without streams (specification 22.8): the HLSL compiler never emits
//! the instructions that emit and cut at once.

use crate::coverage::tests;
use crate::raster::{SIZE, draw_through, pixels};

tests! {
    strips:
        "emit", "cut", "emit_then_cut", "dcl_gs_input_primitive", "dcl_gs_output_primitive_topology",
        "dcl_max_output_vertex_count", "dcl_input_siv";
    strips_of_streams: "emit_stream", "cut_stream", "emit_then_cut_stream", "dcl_stream";
}

/// A geometry shader that begins a strip with two vertices, ends it, and makes the triangle that it was given a strip of
/// its own, ended too, before two vertices more. If a strip went on, there would be more triangles than one.
fn shader(profile: &str, stream: &str, emit: &str, cut: &str, emit_then_cut: &str) -> String {
    let vertex = |n: u32| {
        format!(
            "mov o0.xyzw, v[{n}][0].xyzw
            mov o1.xyzw, v[{n}][1].xyzw
            mov o2.xyzw, v[{n}][2].xyzw\n"
        )
    };
    let end = |joined: bool| if joined { emit_then_cut.to_owned() } else { format!("{emit}\n{cut}") };
    let mut listing = format!(
        "{profile}
        dcl_globalFlags refactoringAllowed
        dcl_input_siv v[3][0].xyzw, position
        dcl_input v[3][1].xyzw
        dcl_input v[3][2].xyzw
        dcl_inputPrimitive triangle
        {stream}
        dcl_outputTopology trianglestrip
        dcl_output_siv o0.xyzw, position
        dcl_output o1.xyzw
        dcl_output o2.xyzw
        dcl_maxout 7\n"
    );
    for (n, ends) in
        [(1, None), (2, Some(true)), (0, None), (1, None), (2, Some(true)), (0, None), (1, Some(false))]
    {
        listing += &vertex(n);
        listing += &ends.map_or(emit.to_owned(), end);
        listing += "\n";
    }
    listing + "ret"
}

fn check(geometry: &str) {
    let (drawn, _) = draw_through(geometry, "", "mov o0.xyzw, v1.xyzw", vec![], |_| {});
    for ([x, y], found) in pixels(&drawn) {
        let [px, py] = [x, y].map(|n| n as f32 + 0.5);
        for (found, expected) in found.into_iter().zip([px, py, 100.0 - px, 3.0]) {
            assert!((found - expected).abs() <= 1.0 / 256.0, "{x}, {y}: {found}, not {expected}");
        }
    }
    // Each pixel once: one triangle.
    assert_eq!(drawn.samples_passed, u64::from(SIZE * SIZE));
}

fn strips() {
    check(&shader("gs_4_0", "", "emit", "cut", "emit_then_cut"));
}

fn strips_of_streams() {
    let [emit, cut, both] = ["emit_stream m0", "cut_stream m0", "emit_then_cut_stream m0"];
    check(&shader("gs_5_0", "dcl_stream m0", emit, cut, both));
}
