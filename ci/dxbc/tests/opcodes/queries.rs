//! Questions about resources (specification 22.4.1, 22.4.14, 22.4.21, 22.4.22).

use pvgpu_dxbc_tests::gpu::{Contents, Format, Image, ImageKind};

use crate::coverage::tests;
use crate::harness::{execute, on_llvmpipe};
use crate::textures::DIMENSIONS;

tests! {
    sizes_of_textures: "resinfo";
    sizes_of_views: "resinfo";
    sizes_of_buffers: "bufinfo";
    samples_of_textures: "sampleinfo", "samplepos";
    nothing_bound: "resinfo", "bufinfo", "sampleinfo", "samplepos";
}

/// Executes `code`, each line of which computes r1, which is stored; gives all of it.
fn ask(declarations: &str, code: &[String], bound: Vec<Contents>) -> Vec<[u32; 4]> {
    let mut text = String::new();
    for (n, line) in code.iter().enumerate() {
        text += &format!("{line}\n store_raw u7.xyzw, l({}), r1.xyzw\n", n * 16);
    }
    let listing = format!(
        "cs_5_0
        dcl_globalFlags refactoringAllowed
        {declarations}
        dcl_uav_raw u7
        dcl_temps 2
        dcl_thread_group 1, 1, 1
        {text}
        ret"
    );
    let mut contents = bound;
    contents.push(Contents::Buffer(vec![0xbad; code.len() * 4]));
    execute(&listing, &mut contents, 1);
    contents.last().unwrap().dwords().as_chunks::<4>().0.to_vec()
}

fn float(n: u32) -> u32 {
    (n as f32).to_bits()
}

fn reciprocal(n: u32) -> u32 {
    (1.0 / n as f32).to_bits()
}

/// The three return types of `resinfo` at each level, with a level that does not exist last.
fn check_sizes(name: &str, ty: char, image: Image, layers: Option<u32>, coordinates: usize, levels: u32) {
    let declaration =
        if ty == 't' { format!("dcl_resource_{name}") } else { format!("dcl_uav_typed_{name}") };
    let declaration = format!("{declaration} (float,float,float,float) {ty}0");
    let mips: Vec<u32> = (0..levels + 1).chain([100]).collect();
    let mut code = Vec::new();
    for ending in ["_uint", "", "_rcpfloat"] {
        code.extend(mips.iter().map(|mip| format!("resinfo{ending} r1.xyzw, l({mip}), {ty}0.xyzw")));
    }
    code.push(format!("mov r1.xyzw, l(5, 5, 5, 5)\n resinfo_uint r1.yz, l(0), {ty}0.wwxz"));
    let found = ask(&declaration, &code, vec![Contents::Image(image.clone())]);
    for (n, found) in found.iter().take(3 * mips.len()).enumerate() {
        let (mip, form) = (mips[n % mips.len()], n / mips.len());
        let exists = mip < levels;
        let extent = image.level_extent(mip.min(31));
        let convert = |n: u32, size: bool| match form {
            0 => n,
            2 if size => reciprocal(n),
            _ => float(n),
        };
        let mut expected = [0; 4];
        for k in 0..coordinates {
            expected[k] = convert(if exists { extent[k] } else { 0 }, true);
        }
        if let Some(layers) = layers {
            expected[coordinates] = convert(if exists { layers } else { 0 }, false);
        }
        expected[3] = convert(levels, false);
        let compared = if name == "texturecubearray" { [0, 1, 0, 3] } else { [0, 1, 2, 3] };
        for k in compared {
            assert_eq!(
                found[k], expected[k],
                "component {k} of {name} level {mip} in form {form}: {found:x?}"
            );
        }
    }
    let last = found.last().unwrap();
    assert_eq!(*last, [5, levels, image.extent[0], 5]);
}

fn sizes_of_textures() {
    let format = Format::R32G32B32A32Sfloat;
    for dimension in &DIMENSIONS {
        let layers = dimension.arrayed().then_some(dimension.layers);
        check_sizes(dimension.name, 't', dimension.image(format), layers, dimension.coordinates, 3);
    }
    let cube = Image::new(ImageKind::Cube, format, [8, 8, 1]).with_mips(2);
    check_sizes("texturecube", 't', cube.clone(), None, 2, 2);
    check_sizes("texturecubearray", 't', cube.with_layers(12), Some(2), 2, 2);
    let samples = Image::new(ImageKind::D2, format, [5, 3, 1]).with_samples(4);
    check_sizes("texture2dms", 't', samples.clone(), None, 2, 1);
    check_sizes("texture2dmsarray", 't', samples.with_layers(2), Some(2), 2, 1);
    // A view that begins at a later level.
    let mut image = DIMENSIONS[2].image(format);
    image.first_mip = 1;
    let code: Vec<String> = (0..3).map(|mip| format!("resinfo_uint r1.xyzw, l({mip}), t0.xyzw")).collect();
    let declaration = "dcl_resource_texture2d (float,float,float,float) t0";
    let found = ask(declaration, &code, vec![Contents::Image(image)]);
    assert_eq!(found, [[4, 2, 0, 2], [2, 1, 0, 2], [0, 0, 0, 2]]);
}

/// A view of one level.
fn sizes_of_views() {
    for dimension in &DIMENSIONS {
        let image = Image::new(dimension.kind, Format::R32G32B32A32Sfloat, dimension.extent);
        let layers = dimension.arrayed().then_some(dimension.layers);
        let image = image.with_layers(dimension.layers);
        check_sizes(dimension.name, 'u', image, layers, dimension.coordinates, 1);
    }
}

fn sizes_of_buffers() {
    let typed = |elements: usize| Contents::TypedBuffer {
        format: Format::R32G32B32A32Uint,
        dwords: vec![0; 4 * elements],
    };
    let buffer = |dwords: usize| Contents::Buffer(vec![0; dwords]);
    let code =
        ["t0", "t1", "t2", "u0", "u1", "u2"].map(|register| format!("bufinfo r1.xyzw, {register}.xyzw"));
    let found = ask(
        "dcl_resource_raw t0
        dcl_resource_structured t1, 12
        dcl_resource_buffer (uint,uint,uint,uint) t2
        dcl_uav_raw u0
        dcl_uav_structured u1, 20
        dcl_uav_typed_buffer (uint,uint,uint,uint) u2",
        &code,
        vec![buffer(7), buffer(15), typed(9), buffer(1), buffer(33), typed(100)],
    );
    // Bytes of a raw view; a structure that is not whole does not count.
    assert_eq!(found, [28, 5, 9, 4, 6, 100].map(|n| [n; 4]));
}

/// The standard positions of 1, 4 samples in sixteenths, `D3D11_STANDARD_MULTISAMPLE_PATTERN`.
pub fn position(samples: u32, sample: u32) -> [f32; 2] {
    const FOUR: [[f32; 2]; 4] = [[-2.0, -6.0], [6.0, -2.0], [-6.0, 2.0], [2.0, 6.0]];
    match samples {
        4 => FOUR.get(sample as usize).map_or([0.0; 2], |place| place.map(|n| n / 16.0)),
        _ => [0.0; 2],
    }
}

fn samples_of_textures() {
    for (name, layers) in [("texture2dms", 1), ("texture2dmsarray", 2)] {
        let image = Image::new(ImageKind::D2, Format::R32G32B32A32Sfloat, [4, 4, 1]);
        let image = image.with_layers(layers).with_samples(4);
        let mut code = vec![
            "sampleinfo r1.xyzw, t0.xyzw".to_owned(),
            "sampleinfo_uint r1.xyzw, t0.xyzw".to_owned(),
            "sampleinfo_uint r1.xyzw, t0.yxzx".to_owned(),
        ];
        let samples = [0, 1, 2, 3, 4, 100, u32::MAX];
        code.extend(samples.map(|sample| format!("samplepos r1.xyzw, t0.xyzw, l({sample})")));
        code.push("samplepos r1.xyzw, t0.yxzw, l(1)".to_owned());
        let declaration = format!("dcl_resource_{name} (float,float,float,float) t0");
        let found = ask(&declaration, &code, vec![Contents::Image(image)]);
        assert_eq!(found[..3], [[float(4), 0, 0, 0], [4, 0, 0, 0], [0, 4, 0, 4]]);
        for (sample, found) in samples.iter().zip(&found[3..]) {
            let [x, y] = position(4, *sample).map(f32::to_bits);
            assert_eq!(*found, [x, y, 0, 0], "sample {sample}");
        }
        let [x, y] = position(4, 1).map(f32::to_bits);
        assert_eq!(found[10], [y, x, 0, 0]);
    }
}

/// What is not bound has no size, no levels and no samples.
fn nothing_bound() {
    let code = [
        "resinfo_uint r1.xyzw, l(0), t0.xyzw",
        "resinfo r1.xyzw, l(0), t0.xyzw",
        "resinfo_rcpfloat r1.xyzw, l(0), t0.xyzw",
        "sampleinfo_uint r1.xyzw, t1.xyzw",
        "samplepos r1.xyzw, t1.xyzw, l(0)",
        "bufinfo r1.xyzw, t2.xyzw",
        "bufinfo r1.xyzw, t3.xyzw",
        "bufinfo r1.xyzw, t4.xyzw",
        "resinfo_uint r1.xyzw, l(0), u0.xyzw",
    ];
    let found = ask(
        "dcl_resource_texture2d (float,float,float,float) t0
        dcl_resource_texture2dms (float,float,float,float) t1
        dcl_resource_raw t2
        dcl_resource_structured t3, 16
        dcl_resource_buffer (float,float,float,float) t4
        dcl_uav_typed_texture2d (float,float,float,float) u0",
        &code.map(str::to_owned),
        (0..6).map(|_| Contents::Unbound).collect(),
    );
    let infinite = f32::INFINITY.to_bits();
    for (n, (found, code)) in found.iter().zip(code).enumerate() {
        let expected = if n == 2 { [infinite, infinite, 0, 0] } else { [0; 4] };
        // llvmpipe (Mesa 22.3) does not store the reciprocals at all; why is not known.
        let deviates = n == 2 && on_llvmpipe() && found[..2] == [0xbad; 2] && found[2..] == [0; 2];
        assert!(*found == expected || deviates, "{code}: {found:x?}");
    }
}
