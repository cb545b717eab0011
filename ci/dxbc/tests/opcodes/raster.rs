//! A triangle over all pixels of a target, and the listing of a pixel shader that is run for them.

use pvgpu_dxbc::{BindingLayout, CompileOptions, Signatures};
use pvgpu_dxbc_tests::gpu::{Attribute, Contents, Draw, Drawn, Stage};
use pvgpu_dxbc_tests::listing::assemble;

use crate::harness::{gpu, record, translate};

/// Width and height of the target.
pub const SIZE: u32 = 8;

/// Position in v0; in v1 a value that is linear over the target: x, y in pixels, and 100 − x, 3.
const VERTEX_SHADER: &str = "vs_5_0
    dcl_globalFlags refactoringAllowed
    dcl_input v0.xyzw
    dcl_input v1.xyzw
    dcl_input_sgv v2.x, vertex_id
    dcl_output_siv o0.xyzw, position
    dcl_output o1.xyzw
    dcl_output o2.xyzw
    mov o0.xyzw, v0.xyzw
    mov o1.xyzw, v1.xyzw
    utof o2.x, v2.x
    mov o2.yzw, l(0.0, 5.0, 6.0, 7.0)
    ret";

/// Draws with a pixel shader: `declarations` of resources, and the code, which leaves its result in o0. v0 is the
/// position, v1 the linear value, v2 a constant one. `contents`: the pixel shader's bindings. Returns the contents too.
pub fn draw(
    declarations: &str,
    code: &str,
    contents: Vec<Contents>,
    change: impl FnOnce(&mut Draw<'_>),
) -> (Drawn, Vec<Contents>) {
    draw_through("", declarations, code, contents, change)
}

/// As [`draw`], with a geometry shader between, unless its listing is empty.
pub fn draw_through(
    geometry: &str,
    declarations: &str,
    code: &str,
    contents: Vec<Contents>,
    change: impl FnOnce(&mut Draw<'_>),
) -> (Drawn, Vec<Contents>) {
    let vertex = translate(&assemble(VERTEX_SHADER), &Signatures::default());
    let geometry = match geometry {
        "" => None,
        _ => Some(translate(&assemble(geometry), &Signatures::default())),
    };
    let before = geometry.as_ref().unwrap_or(&vertex);
    let listing = format!(
        "ps_5_0
        dcl_globalFlags refactoringAllowed
        {declarations}
        dcl_input_ps_siv linear noperspective v0.xyzw, position
        dcl_input_ps linear v1.xyzw
        dcl_input_ps constant v2.xyzw
        dcl_output o0.xyzw
        dcl_temps 6
        {code}
        ret"
    );
    let tokens = assemble(&listing);
    let layout = BindingLayout::default();
    let mut options = CompileOptions::new(&layout, gpu().capabilities());
    options.previous_stage_outputs = Some(before.reflection.output_mask());
    options.previous_stage_system_values = Some(before.reflection.output_system_values());
    let pixel = pvgpu_dxbc::compile(&tokens, &Signatures::default(), &options)
        .unwrap_or_else(|error| panic!("{error:?} in\n{listing}"));
    pvgpu_dxbc_tests::validator::validate("a test's pixel shader", &pixel.spirv);
    record(&tokens);
    let edge = 2.0 * SIZE as f32;
    let positions = [[-1.0, 1.0, 0.5, 1.0], [3.0, 1.0, 0.5, 1.0], [-1.0, -3.0, 0.5, 1.0]];
    let values = [[0.0, 0.0, 100.0, 3.0], [edge, 0.0, 100.0 - edge, 3.0], [0.0, edge, 100.0, 3.0]];
    let mut stages = vec![Stage::new(&vertex)];
    stages.extend(geometry.as_ref().map(Stage::new));
    stages.push(Stage::with(&pixel, contents));
    let mut draw = Draw {
        stages,
        attributes: vec![Attribute::floats(0, &positions), Attribute::floats(1, &values)],
        extent: [SIZE, SIZE],
        ..Draw::default()
    };
    change(&mut draw);
    let drawn = gpu().draw(&mut draw);
    let contents = draw.stages.pop().map(|stage| stage.contents).unwrap_or_default();
    (drawn, contents)
}

/// The floats of each pixel of target 0, with its place.
pub fn pixels(drawn: &Drawn) -> Vec<([u32; 2], [f32; 4])> {
    let places = (0..SIZE * SIZE).map(|n| [n % SIZE, n / SIZE]);
    places
        .map(|[x, y]| {
            let texel = drawn.targets[0].texel(0, 0, [x, y, 0], 0);
            ([x, y], [0, 1, 2, 3].map(|n| f32::from_bits(texel[n])))
        })
        .collect()
}
