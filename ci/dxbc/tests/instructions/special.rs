//! Float instructions at the ends of their range, and addresses at the ends of theirs.

use pvgpu_dxbc::{BindingClass, BindingKind, StorageFormat};
use pvgpu_dxbc_tests::fixture::{compile, fixtures};
use pvgpu_dxbc_tests::gpu::{Contents, Gpu};
use pvgpu_dxbc_tests::random::Random;
use pvgpu_dxbc_tests::validator::validate;

fn shader(name: &str) -> pvgpu_dxbc::Compiled {
    let fixtures = fixtures();
    let fixture = fixtures.iter().find(|fixture| fixture.name == name).unwrap();
    compile(&fixture.shader.tokens, fixture).unwrap()
}

/// What a result must be.
enum Expected {
    /// These bits.
    Bits(u32),
    /// A NaN.
    Nan,
    /// This number, with a relative error.
    Relative(f64, f64),
    /// This number, with an absolute error.
    Absolute(f64, f64),
    /// The specification leaves it open.
    Open,
}

use Expected::{Absolute, Bits, Nan, Open, Relative};

impl Expected {
    fn accepts(&self, found: u32) -> bool {
        let value = f64::from(f32::from_bits(found));
        match self {
            Bits(bits) => found == *bits,
            Nan => value.is_nan(),
            Relative(wanted, error) => (value - wanted).abs() <= wanted.abs() * error,
            Absolute(wanted, error) => (value - wanted).abs() <= *error,
            Open => true,
        }
    }
}

/// The bits of a float result that IEEE 754 gives exactly.
fn exact(value: f32) -> Expected {
    if value.is_nan() {
        Nan
    } else if value.is_subnormal() {
        Open
    } else {
        Bits(value.to_bits())
    }
}

/// Near `value`, or exactly it where it is not an ordinary number.
fn near(value: f64, error: f64) -> Expected {
    let narrow = value as f32;
    if narrow == 0.0 || !narrow.is_finite() || narrow.is_subnormal() {
        exact(narrow)
    } else {
        Relative(value, error)
    }
}

/// The specification's conversion to a half: round to zero, and no infinity but from infinity.
fn half(value: f32) -> Expected {
    if value.is_nan() {
        return Open;
    }
    let sign = value.to_bits() >> 16 & 0x8000;
    let magnitude = value.abs();
    let bits = if magnitude.is_infinite() {
        0x7c00
    } else if magnitude >= 65504.0 {
        0x7bff
    } else if magnitude < 2f32.powi(-14) {
        // Whether denormal halves are kept is the device's choice: not compared.
        return if magnitude == 0.0 { Bits(sign) } else { Open };
    } else {
        let bits = magnitude.to_bits();
        ((bits >> 23) - 112) << 10 | bits >> 13 & 0x3ff
    };
    Bits(sign | bits)
}

/// What `cs_special` stores for a pair of inputs.
fn results(a: f32, b: f32) -> [Expected; 20] {
    let (wide, mask) = (f64::from(a), |holds: bool| Bits(if holds { 1 } else { 0 }));
    let fraction = if a.is_finite() { (a - a.floor()).min(1.0 - f32::EPSILON / 2.0) } else { f32::NAN };
    // An angle's error: 0.0008 up to 100 pi.
    let angle = |value: f64| match a.abs() {
        _ if !a.is_finite() => Nan,
        _ if a.abs() <= 100.0 * std::f32::consts::PI => Absolute(value, 0.0008),
        _ => Open,
    };
    let sine = if a == 0.0 { Bits(a.to_bits()) } else { angle(wide.sin()) };
    let tolerance = 2f64.powi(-21);
    let logarithm = if (0.5..=2.0).contains(&a) {
        Absolute(wide.log2(), tolerance)
    } else {
        near(wide.log2(), tolerance)
    };
    let root = if a == 0.0 { exact(a) } else { near(wide.sqrt(), tolerance) };
    let rsq = if a == 0.0 { exact(1.0 / a) } else { near(1.0 / wide.sqrt(), tolerance) };
    let least = if a == 0.0 && b == 0.0 { Open } else { exact(a.min(b)) };
    let most = if a == 0.0 && b == 0.0 { Open } else { exact(a.max(b)) };
    let saturated = if a.is_nan() { 0.0 } else { a.clamp(0.0, 1.0) };
    [
        exact(fraction),
        exact(a.round_ties_even()),
        exact(a.floor()),
        exact(a.ceil()),
        exact(a.trunc()),
        near(1.0 / wide, tolerance),
        rsq,
        root,
        // Vulkan allows 3 + 2 |x| units in the last place, more than D3D11.
        near(wide.exp2(), 2f64.powi(-23) * (3.0 + 2.0 * wide.abs().min(150.0))),
        logarithm,
        sine,
        angle(wide.cos()),
        least,
        most,
        half(a),
        if saturated == 0.0 { Absolute(0.0, 0.0) } else { exact(saturated) },
        // Vulkan has no bound for divisors above 2^126: a device that multiplies by the reciprocal may flush that.
        if b.abs() > 2f32.powi(126) { Open } else { near(wide / f64::from(b), 2f64.powi(-21)) },
        mask(a < b),
        mask(a != b),
        exact(a * b),
    ]
}

#[test]
fn floats_at_the_ends_of_their_range() {
    let mut values = vec![
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        1.5,
        2.5,
        -0.5,
        -1.5,
        -2.5,
        -1e-8,
        1e-8,
        -1e-30,
        -3.4e-8,
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        8_388_607.5,
        -8_388_608.5,
        16_777_216.0,
        2_147_483_648.0,
        -4_294_967_296.0,
        65504.0,
        65519.0,
        65520.0,
        65536.0,
        -70000.0,
        1.0 + f32::EPSILON,
        1.000_976_6,
        1.001_953,
        -1.000_9,
        std::f32::consts::PI,
        -std::f32::consts::PI,
        100.0 * std::f32::consts::PI,
        -99.75 * std::f32::consts::PI,
        50.25,
        -200.0,
        127.0,
        -126.0,
        128.0,
        -160.0,
    ];
    let mut random = Random(11);
    values.extend((0..200).map(|_| (random.dword() as f32 / 4_294_967_296.0 - 0.5) * 628.0));
    let mut pairs: Vec<(f32, f32)> = Vec::new();
    for (n, a) in values.iter().enumerate() {
        for b in values.iter().take(44).skip(n % 5).step_by(5) {
            pairs.push((*a, *b));
        }
    }
    let input = pairs.iter().flat_map(|(a, b)| [a.to_bits(), b.to_bits()]).collect();
    let mut contents = [Contents::Buffer(input), Contents::Buffer(vec![0; 20 * pairs.len()])];
    let shader = shader("cs_special");
    validate("cs_special", &shader.spirv);
    Gpu::open().run(&shader, &mut contents, pairs.len() as u32);
    let names = [
        "frc", "round_ne", "round_ni", "round_pi", "round_z", "rcp", "rsq", "sqrt", "exp", "log", "sin",
        "cos", "min", "max", "f32tof16", "saturate", "div", "lt", "ne", "mul",
    ];
    let mut wrong = Vec::new();
    for ((a, b), found) in pairs.iter().zip(contents[1].dwords().chunks(20)) {
        for ((name, expected), found) in names.iter().zip(results(*a, *b)).zip(found) {
            if !expected.accepts(*found) {
                wrong.push(format!("{name} of {a:?}, {b:?}: {found:#x} ({:?})", f32::from_bits(*found)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}

#[test]
fn addresses_do_not_wrap() {
    let addresses =
        [0xffff_fffc, 0xffff_fff8, 0xffff_fff4, 0xffff_fff0, 0x8000_0000, 0x1000_0000, 16, u32::MAX];
    let mut contents = [
        Contents::Buffer(addresses.to_vec()),
        Contents::Buffer(vec![7; 4]),
        Contents::Buffer(vec![5; 6]),
        Contents::Buffer(vec![5; 6]),
        Contents::Buffer(vec![1; 4 * addresses.len()]),
    ];
    Gpu::open().run(&shader("cs_wrap"), &mut contents, addresses.len() as u32);
    // Address 16 is the last two of six dwords; everything else is outside.
    assert_eq!(contents[3].dwords(), [5, 5, 5, 5, 91, 92]);
    for (address, found) in addresses.iter().zip(contents[4].dwords().chunks(4)) {
        let inside = *address == 16;
        assert_eq!(found, if inside { [5, 5, 0, 0] } else { [0; 4] }, "{address:#x}");
    }
}

#[test]
fn views_of_floats_are_exchanged_as_bits() {
    let shader = shader("cs_exchange");
    validate("cs_exchange", &shader.spirv);
    for slot in [0, 1] {
        let kind = shader.reflection.binding(BindingClass::UnorderedAccess, slot).unwrap().kind;
        let BindingKind::StorageTyped { format, .. } = kind else { panic!("{kind:?}") };
        assert_eq!(format, Some(StorageFormat::R32Uint));
    }
}
