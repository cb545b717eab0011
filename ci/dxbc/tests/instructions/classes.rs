//! Interfaces: the classes that are bound decide what a shader computes, and which slots it reads.

use pvgpu_dxbc::{
    BindingClass, BindingKind, BindingLayout, ClassInstance, CompileOptions, Compiled, Error,
    ResourceDimension, ReturnType, TargetCapabilities,
};
use pvgpu_dxbc_tests::fixture::fixtures;
use pvgpu_dxbc_tests::gpu::{Contents, Gpu};
use pvgpu_dxbc_tests::validator::validate;

fn compile(name: &str, instances: &[Option<ClassInstance>]) -> Result<Compiled, Error> {
    let fixtures = fixtures();
    let fixture = fixtures.iter().find(|fixture| fixture.name == name).unwrap();
    let layout = BindingLayout::default();
    let mut options = CompileOptions::new(&layout, TargetCapabilities::default());
    options.class_instances = instances;
    pvgpu_dxbc::compile(&fixture.shader.tokens, &fixture.shader.signatures, &options)
}

/// The classes of `cs_classes`, by the order in which the compiler numbers their function tables.
#[derive(Clone, Copy, PartialEq)]
enum Class {
    Empty,
    Circle,
    Square,
}

/// The constant buffer of `cs_classes`: a square, a circle, three squares.
const OBJECTS: [[f32; 4]; 5] = [
    [3.0, 5.0, 0.0, 0.0],
    [1.0, 2.0, -1.0, 8.0],
    [4.0, 1.0, 0.0, 0.0],
    [5.0, 2.0, 0.0, 0.0],
    [6.0, 3.0, 0.0, 0.0],
];

fn area(class: Class, object: usize, scale: f32) -> f32 {
    let data = OBJECTS[object];
    match class {
        Class::Empty => -scale,
        Class::Circle => data.iter().take_while(|radius| **radius >= 0.0).map(|radius| radius * scale).sum(),
        Class::Square => data[0] * data[0] * scale,
    }
}

fn corners(class: Class, object: usize) -> u32 {
    match class {
        Class::Empty => 99,
        Class::Circle => 0,
        Class::Square => 4 + OBJECTS[object][1] as u32,
    }
}

/// The buffer's dwords: the second component of a square is an integer, all of a circle are floats.
fn objects(circles: &[usize]) -> Vec<u32> {
    let mut dwords = Vec::new();
    for (n, object) in OBJECTS.iter().enumerate() {
        let second = if circles.contains(&n) { object[1].to_bits() } else { object[1] as u32 };
        dwords.extend([object[0].to_bits(), second, object[2].to_bits(), object[3].to_bits()]);
    }
    dwords
}

#[test]
fn bound_classes_are_called() {
    let gpu = Gpu::open();
    let bindings: [[(Class, usize); 4]; 4] = [
        [(Class::Square, 0), (Class::Circle, 1), (Class::Square, 3), (Class::Empty, 0)],
        [(Class::Circle, 1), (Class::Square, 2), (Class::Empty, 0), (Class::Square, 4)],
        [(Class::Empty, 0), (Class::Empty, 0), (Class::Circle, 1), (Class::Circle, 1)],
        [(Class::Square, 4), (Class::Square, 4), (Class::Square, 3), (Class::Square, 2)],
    ];
    for bound in bindings {
        let instances: Vec<Option<ClassInstance>> = bound
            .iter()
            .enumerate()
            .map(|(n, (class, object))| {
                // The tables of the single interface are 0 to 2, those of the array 3 to 5.
                let function_table = *class as u32 + if n == 0 { 0 } else { 3 };
                let constant_offset = *object as u32;
                Some(ClassInstance { function_table, constant_offset, ..ClassInstance::default() })
            })
            .collect();
        let shader = compile("cs_classes", &instances).unwrap();
        validate("cs_classes", &shader.spirv);
        for first in 0..3u32 {
            let mut contents = [
                Contents::Buffer(objects(&[1])),
                Contents::Buffer(vec![first, 0, 0, 0]),
                Contents::Buffer(vec![0; 16]),
            ];
            gpu.run(&shader, &mut contents, 4);
            let found: Vec<f32> = contents[2].dwords().iter().map(|bits| f32::from_bits(*bits)).collect();
            for id in 0..4 {
                let (single, chosen, second) = (bound[0], bound[1 + first as usize], bound[2]);
                let expected = [
                    area(single.0, single.1, 2.0),
                    corners(single.0, single.1) as f32,
                    area(chosen.0, chosen.1, id as f32 + 1.0),
                    (corners(chosen.0, chosen.1) + 1000 * corners(second.0, second.1)) as f32,
                ];
                assert_eq!(found[id * 4..id * 4 + 4], expected, "thread {id} with several[{first}]");
            }
        }
    }
}

#[test]
fn instances_must_fit() {
    let square = ClassInstance { function_table: 2, ..ClassInstance::default() };
    assert_eq!(compile("cs_classes", &[]).unwrap_err(), Error::NoClassInstance { interface: 0 });
    let some = [Some(square), Some(ClassInstance { function_table: 5, ..square }), None];
    assert_eq!(compile("cs_classes", &some).unwrap_err(), Error::NoClassInstance { interface: 2 });
    // Table 2 is one of the single interface only.
    let wrong = [Some(square); 4];
    let expected = Error::WrongClassInstance { interface: 1, function_table: 2 };
    assert_eq!(compile("cs_classes", &wrong).unwrap_err(), expected);
}

#[test]
fn instances_name_slots() {
    // Interface 0: the textured class with data in buffer 7, texture 9 and sampler 3; interface 1: the flat one.
    let textured =
        ClassInstance { function_table: 1, constant_buffer: 7, constant_offset: 40, texture: 9, sampler: 3 };
    let flat =
        ClassInstance { function_table: 2, constant_buffer: 2, constant_offset: 1, texture: 9, sampler: 3 };
    let shader = compile("ps_classes", &[Some(textured), Some(flat)]).unwrap();
    validate("ps_classes", &shader.spirv);
    let kind = |class, slot| shader.reflection.binding(class, slot).map(|binding| binding.kind);
    // The offset is behind what a declared buffer would have.
    assert_eq!(kind(BindingClass::ConstantBuffer, 7), Some(BindingKind::ConstantBuffer { bytes: 65_536 }));
    assert_eq!(kind(BindingClass::ConstantBuffer, 2), Some(BindingKind::ConstantBuffer { bytes: 48 }));
    assert_eq!(kind(BindingClass::Sampler, 3), Some(BindingKind::Sampler { comparison: false }));
    let expected =
        BindingKind::Typed { dimension: ResourceDimension::Texture2D, return_type: ReturnType::Float };
    assert_eq!(kind(BindingClass::ShaderResource, 9), Some(expected));
    let beyond = ClassInstance { texture: 128, ..textured };
    assert!(matches!(compile("ps_classes", &[Some(beyond), Some(flat)]), Err(Error::Invalid { .. })));
    let beyond = ClassInstance { constant_buffer: 15, ..textured };
    assert!(matches!(compile("ps_classes", &[Some(beyond), Some(flat)]), Err(Error::Invalid { .. })));
}

#[test]
fn an_array_of_interfaces_is_indexed_in_a_loop() {
    for tables in [[0, 1, 0, 1], [1, 1, 0, 0], [0, 0, 0, 0]] {
        let instances = tables.map(|function_table| {
            Some(ClassInstance {
                function_table,
                constant_offset: function_table * 2,
                ..ClassInstance::default()
            })
        });
        let shader = compile("vs_classes", &instances).unwrap();
        validate("vs_classes", &shader.spirv);
        assert_eq!(shader.reflection.bindings.len(), 1);
    }
}
