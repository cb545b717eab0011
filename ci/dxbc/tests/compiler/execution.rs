//! Translated compute shaders compute what D3D11 says, on the Vulkan driver of this machine.

use pvgpu_dxbc_tests::fixture::{compile_for, named};
use pvgpu_dxbc_tests::gpu::{Contents, Format, Gpu, Image, ImageKind};
use pvgpu_dxbc_tests::random::Random;

fn shader(gpu: &Gpu, name: &str) -> pvgpu_dxbc::Compiled {
    let fixture = named(name);
    compile_for(&fixture.shader.tokens, &fixture, gpu.capabilities()).unwrap()
}

/// Runs a shader that has buffers only; they are changed in place.
fn run(gpu: &Gpu, shader: &pvgpu_dxbc::Compiled, buffers: &mut [Vec<u32>], groups: u32) {
    let mut contents: Vec<Contents> = buffers.iter().cloned().map(Contents::Buffer).collect();
    gpu.run(shader, &mut contents, groups);
    for (buffer, contents) in buffers.iter_mut().zip(&contents) {
        buffer.copy_from_slice(contents.dwords());
    }
}

fn float(bits: u32) -> f32 {
    f32::from_bits(bits)
}

/// D3D11's float to integer conversions: to zero, clamped, NaN to zero. `as` has the same rules.
fn to_int(bits: u32) -> u32 {
    float(bits) as i32 as u32
}

fn half_to_float(half: u32) -> f32 {
    let sign = if half & 0x8000 != 0 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (half >> 10 & 0x1f, (half & 0x3ff) as f32);
    match exponent {
        0 => sign * fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1.0 + fraction / 1024.0) * 2f32.powi(exponent as i32 - 15),
    }
}

/// What `cs_integer` stores in element `n` for one component of `a` and `b`; `None`: not compared here.
fn integer_result(n: usize, a: u32, b: u32) -> Option<u32> {
    let (sa, sb) = (a as i32, b as i32);
    let shift = b & 31;
    Some(match n {
        0 => a.wrapping_add(b),
        1 => a.wrapping_mul(b),
        2 => a.checked_div(b).unwrap_or(u32::MAX),
        3 => a.checked_rem(b).unwrap_or(u32::MAX),
        4 => a << shift,
        5 => a >> shift,
        6 => (sa >> shift) as u32,
        7 => sa.max(sb) as u32,
        8 => a.min(b),
        9 => a.count_ones(),
        10 => {
            if a == 0 {
                u32::MAX
            } else {
                31 - a.leading_zeros()
            }
        }
        11 => {
            if a == 0 {
                u32::MAX
            } else {
                a.trailing_zeros()
            }
        }
        12 => {
            let bits = if sa < 0 { !a } else { a };
            if bits == 0 { u32::MAX } else { 31 - bits.leading_zeros() }
        }
        13 => a.reverse_bits(),
        14 => a >> 5 & 0xff,
        15 => a ^ !b,
        // HLSL's signed division is the compiler's own sequence; by zero it means nothing.
        16 => return (b != 0 && !(sa == i32::MIN && sb == -1)).then(|| (sa / sb) as u32),
        17 => return None,
        18 => {
            let value = half_to_float(b & 0xffff);
            return (!value.is_nan()).then(|| value.to_bits());
        }
        19 => float(a) as u32,
        20 => to_int(a),
        21 => (a as f32).to_bits(),
        22 => (sa as f32).to_bits(),
        // IEEE minNum, but zeros of either sign are equal and denormals may be flushed.
        23 => {
            let least = float(a).min(float(b));
            return least.is_normal().then(|| least.to_bits());
        }
        24 => {
            let value = float(a);
            let clamped = if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) };
            return (clamped == 0.0 && !value.is_subnormal() || clamped.is_normal())
                .then(|| (clamped + 0.0).to_bits());
        }
        25 => return ordinary(a, b).then(|| if float(a) < float(b) { a } else { b }),
        26 => return float(a).is_normal().then(|| float(a).round_ties_even().to_bits()),
        27 => ((sa << 3 >> 3) as u32).wrapping_add(u32::from(sa < sb)),
        28 => a.wrapping_mul(3).wrapping_add(b),
        29 => return ordinary(a, b).then(|| u32::from(float(a) != float(b))),
        30 => (sa << 20 >> 24) as u32,
        _ => a & 0xffff_00ff | (b & 0xff) << 8,
    })
}

/// Whether both floats are NaN or not denormal, so that comparisons do not depend on flushing.
fn ordinary(a: u32, b: u32) -> bool {
    !float(a).is_subnormal() && !float(b).is_subnormal()
}

#[test]
fn integer_and_conversion_instructions() {
    let values = [
        0,
        1,
        2,
        3,
        31,
        32,
        33,
        0x7fff_ffff,
        0x8000_0000,
        0x8000_0001,
        u32::MAX,
        0xfffe_0001,
        0x1234_5678,
        1f32.to_bits(),
        (-1f32).to_bits(),
        0.5f32.to_bits(),
        2.5f32.to_bits(),
        (-3.5f32).to_bits(),
        3e9f32.to_bits(),
        5e9f32.to_bits(),
        (-3e9f32).to_bits(),
        f32::NAN.to_bits(),
        f32::INFINITY.to_bits(),
        f32::NEG_INFINITY.to_bits(),
        2_147_483_520f32.to_bits(),
        65504f32.to_bits(),
        0x3c00,
        0xbc00,
        0x0001,
        0x7bff,
    ];
    let mut source = Vec::new();
    let mut random = Random(7);
    for a in values {
        for b in values {
            source.push((a, b));
        }
    }
    for _ in 0..4096 {
        source.push((random.dword(), random.dword()));
    }
    source.truncate(source.len() / 4 * 4);
    let groups = source.len() / 4;
    let input = source.chunks(4).flat_map(|four| {
        four.iter().map(|pair| pair.0).chain(four.iter().map(|pair| pair.1)).collect::<Vec<_>>()
    });
    let mut buffers = vec![input.collect(), vec![0; 32 * 4 * groups]];
    let gpu = Gpu::open();
    run(&gpu, &shader(&gpu, "cs_integer"), &mut buffers, groups as u32);
    let mut wrong = Vec::new();
    for (group, four) in source.chunks(4).enumerate() {
        for n in 0..32 {
            for (component, (a, b)) in four.iter().enumerate() {
                let found = buffers[1][(group * 32 + n) * 4 + component];
                if let Some(expected) = integer_result(n, *a, *b)
                    && expected != found
                {
                    wrong.push(format!("result {n} of {a:#x}, {b:#x}: {found:#x}, not {expected:#x}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
}

/// `cs_flow` in Rust.
fn flow(n: i32) -> i32 {
    if n < 0 {
        return -1;
    }
    let mut sum = 0i32;
    for i in 0..n {
        if i == 3 {
            continue;
        }
        if sum > 100 {
            break;
        }
        for j in i..2 * i + 1 {
            if j == 11 {
                sum += 1000;
                break;
            }
            sum += j;
        }
        match i {
            0 => sum += 1,
            1 | 2 => sum += if n == 5 { 7 } else { 9 },
            6 if n == 9 => return sum * 10,
            6 => {}
            _ => sum -= 1,
        }
        if n == 13 && i == 5 {
            return -sum;
        }
    }
    match n & 3 {
        0 => sum ^ 0x10,
        2 => sum * 3 + 1,
        3 if sum & 1 != 0 => 77,
        3 => sum >> 1,
        _ => sum,
    }
}

#[test]
fn control_flow() {
    let source: Vec<i32> = (-3..61).collect();
    let mut buffers = vec![source.iter().map(|n| *n as u32).collect(), vec![0; source.len()]];
    let gpu = Gpu::open();
    run(&gpu, &shader(&gpu, "cs_flow"), &mut buffers, source.len() as u32);
    let expected: Vec<i32> = source.iter().map(|n| flow(*n)).collect();
    assert_eq!(buffers[1].iter().map(|n| *n as i32).collect::<Vec<_>>(), expected);
}

#[test]
fn accesses_out_of_bounds() {
    let gpu = Gpu::open();
    let shader = shader(&gpu, "cs_bounds");
    let constants: Vec<u32> = (0..16).map(|n| (n as f32 + 100.0).to_bits()).collect();
    let structures: Vec<u32> = (0..15).map(|n| (n as f32 + 200.0).to_bits()).collect();
    for (base, step) in
        [(0u32, 1u32), (3, 1), (0, 0x2000_0001), (0xffff_ff00, 1), (0x4000_0000, 0x1000_0000), (7, 3)]
    {
        let raw = vec![base, step, 1000, 2000, 3000, 4000];
        let mut buffers =
            vec![constants.clone(), structures.clone(), raw.clone(), vec![0; 40 * 4], vec![0; 16 + 16]];
        run(&gpu, &shader, &mut buffers, 1);
        let target: Vec<f32> = buffers[3].iter().map(|bits| f32::from_bits(*bits)).collect();
        for id in 0..8u32 {
            let index = base.wrapping_add(id.wrapping_mul(step));
            let n = index as usize;
            let row = |k: usize| &target[16 * id as usize + 4 * k..][..4];
            let element = |source: &[u32], width: usize| -> Vec<f32> {
                let range = n.checked_mul(width).and_then(|start| source.get(start..start + width));
                range.map_or(vec![0.0; width], |values| {
                    values.iter().map(|bits| f32::from_bits(*bits)).collect()
                })
            };
            assert_eq!(row(0)[..3], element(&structures, 3), "structure {index:#x}");
            if n < 8 {
                assert_eq!(row(0)[3], n as f32, "shared {index:#x}");
            }
            assert_eq!(row(1), element(&constants, 4), "constant {index:#x}");
            let literal = if n < 3 { [1, 2, 3, 4].map(|k| (4 * n + k) as f32) } else { [0.0; 4] };
            assert_eq!(row(2), literal, "literal {index:#x}");
            let value = |k: usize| if n == k { 42.0 } else { raw[k] as f32 };
            let loaded = raw.get(index.wrapping_mul(4) as usize / 4).copied().unwrap_or(0) as f32;
            assert_eq!(row(3), [value(0), value(id as usize & 3), loaded, 1.0], "register {index:#x}");
            let stored = index.wrapping_add(32) as usize;
            if (32..40).contains(&stored) {
                assert_eq!(target[4 * stored..][..4], [7.0; 4], "stored {index:#x}");
            }
            if let Some(dword) = buffers[4][..16].get(index.wrapping_mul(4) as usize / 4) {
                assert_ne!(*dword, 0, "raw {index:#x}");
            }
            assert_eq!(buffers[4][16 + 2 * id as usize..][..2], [5, 12]);
        }
    }
}

#[test]
fn shared_memory_and_atomics() {
    let source: Vec<u32> = (0..300).map(|n| n * n).collect();
    let mut buffers = vec![source.clone(), vec![0; 8]];
    let gpu = Gpu::open();
    run(&gpu, &shader(&gpu, "cs_groupshared"), &mut buffers, 3);
    // Two dwords for each group, after the sum of all.
    let sums: Vec<u32> = source.chunks(128).map(|part| part.iter().sum()).collect();
    assert_eq!(buffers[1][0], sums.iter().sum::<u32>());
    for (group, sum) in sums.iter().enumerate() {
        assert_eq!(buffers[1][1 + 2 * group..][..2], [*sum, 127 * 64]);
    }

    let mut buffers = vec![vec![0; 16 * 5]];
    let gpu = Gpu::open();
    run(&gpu, &shader(&gpu, "cs_tgsm_struct"), &mut buffers, 1);
    for (n, item) in buffers[0].chunks(5).enumerate() {
        let x = (n as f32 + 0.5).to_bits();
        assert_eq!(item, [x, 0.5f32.to_bits(), 0.5f32.to_bits(), x, n as u32]);
    }
}

#[test]
fn append_and_consume() {
    // Eight dwords a particle: position, mass, velocity, id.
    let particle = |y: f32, mass: f32, vy: f32, id: u32| {
        [1.0, y, 3.0, mass, 10.0, vy, 30.0].map(f32::to_bits).into_iter().chain([id]).collect::<Vec<u32>>()
    };
    let source: Vec<u32> = [
        particle(5.0, 1.0, 2.0, 11),
        particle(0.0, 1.0, -20.0, 12),
        particle(9.0, 0.0, 0.0, 13),
        particle(9.0, 0.0, 0.0, 14),
    ]
    .concat();
    let constants = vec![0.5f32.to_bits(), 3, 0, 0];
    // Sorted by class and slot: cb0, t0, u0, u1, u2, and the counters of u1 and u2.
    let (target, alive, dead) = (vec![0; 32], vec![0; 4], vec![70, 71, 72, 73]);
    let mut buffers = vec![constants, source.clone(), target, alive, dead, vec![1], vec![3]];
    let gpu = Gpu::open();
    run(&gpu, &shader(&gpu, "cs_structured"), &mut buffers, 1);
    let float = |n: usize| f32::from_bits(buffers[2][n]);
    assert_eq!([float(0), float(1), float(2), float(5)], [6.0, 5.0 + (2.0 - 4.905) * 0.5, 18.0, 2.0 - 4.905]);
    assert_eq!([float(9), float(13)], [0.0, 24.905]);
    assert_eq!([buffers[2][7], buffers[2][15]], [11, 12]);
    // The second was appended behind the one element that was there; the third took the last of three.
    assert_eq!(buffers[3], [0, 12, 0, 0]);
    assert_eq!(buffers[5], [2]);
    assert_eq!(buffers[2][23], 72);
    assert_eq!(buffers[6], [2]);
    // The fourth is above the count.
    assert_eq!(buffers[2][24..], [0; 8]);
}

#[test]
fn doubles() {
    let (a, b) = (1.25f64, -3.5f64);
    let halves = |value: f64| [value.to_bits() as u32, (value.to_bits() >> 32) as u32];
    let mut buffers = vec![[halves(a), halves(b)].concat(), vec![0; 18]];
    let gpu = Gpu::open();
    run(&gpu, &shader(&gpu, "cs_double"), &mut buffers, 1);
    let found: Vec<f64> = buffers[1]
        .chunks(2)
        .map(|pair| f64::from_bits(u64::from(pair[0]) | u64::from(pair[1]) << 32))
        .collect();
    assert_eq!(found, [a + b, a * b, b, a, b, a, -3.5, 2.5, 3.0]);
}

#[test]
fn textures() {
    let image: Vec<f32> = (0..16).map(|n| n as f32).collect();
    let shadow: Vec<f32> = (0..16).map(|n| (n * 5 % 16) as f32 / 16.0).collect();
    // Vulkan compares with depth formats only.
    let mut depth = Image::new(ImageKind::D2, Format::D32Sfloat, [4, 4, 1]);
    depth.texels = shadow.iter().map(|texel| texel.to_bits()).collect();
    let places: Vec<[i32; 2]> =
        (0..4).flat_map(|y| (0..4).map(move |x| [x, y])).chain([[9, 1], [-1, 2]]).collect();
    let dwords = places.iter().flatten().map(|n| *n as u32).collect();
    // Sorted by class and slot: samplers, resources, views.
    let mut contents = [
        Contents::Sampler { comparison: false },
        Contents::Sampler { comparison: true },
        Contents::Texture(image.clone()),
        Contents::Image(depth),
        Contents::Buffer(dwords),
        Contents::Buffer(vec![0; places.len() * 24]),
    ];
    let gpu = Gpu::open();
    gpu.run(&shader(&gpu, "cs_textures"), &mut contents, places.len() as u32);
    let results: Vec<f32> = contents[5].dwords().iter().map(|bits| f32::from_bits(*bits)).collect();
    let inside = |n: i32| (0..4).contains(&n);
    let at = |texels: &[f32], x: i32, y: i32| texels[(y * 4 + x) as usize];
    let load = |texels: &[f32], x, y| if inside(x) && inside(y) { at(texels, x, y) } else { 0.0 };
    let clamped = |texels: &[f32], x: i32, y: i32| at(texels, x.clamp(0, 3), y.clamp(0, 3));
    let less = |x, y| f32::from(u8::from(0.46875 < clamped(&shadow, x, y)));
    // The four texels around a corner, in D3D11's order.
    let around = |x, y| [(x - 1, y), (x, y), (x, y - 1), (x - 1, y - 1)];
    for (n, ([x, y], found)) in places.iter().copied().zip(results.chunks(24)).enumerate() {
        let place = format!("{x}, {y}");
        let expected = [
            load(&image, x, y),
            load(&image, x + 1, y - 1),
            clamped(&image, x, y),
            clamped(&image, x - 1, y + 1),
        ];
        assert_eq!(found[..4], expected, "load and sample at {place}");
        // Level 1 does not exist.
        let expected = [less(x, y), less(x + 1, y), 0.0, clamped(&shadow, x, y)];
        assert_eq!(found[4..8], expected, "comparison at {place}");
        assert_eq!(found[8..12], around(x, y).map(|(x, y)| clamped(&image, x, y)), "gather at {place}");
        let expected = around(2 * x, 2 * y).map(|(x, y)| clamped(&image, x, y));
        assert_eq!(found[12..16], expected, "gather with offset at {place}");
        assert_eq!(found[16..20], around(x, y).map(|(x, y)| less(x, y)), "gather with comparison at {place}");
        let size = if n % 2 == 0 { [4.0, 4.0] } else { [0.0, 0.0] };
        assert_eq!(
            found[20..24],
            [size[0], size[1], 1.0, clamped(&image, x, y)],
            "size and gradients at {place}"
        );
    }
}
