//! Our own shaders as Microsoft's compiler made them: the `*.dxbc` files in `dxbc/tests/in`.

use std::path::Path;

use pvgpu_dxbc::{
    BindingLayout, ClassInstance, CompileOptions, Compiled, Error, Signatures, TargetCapabilities, container,
    reflect,
};

/// A compiled fixture: the name of its file and what its container holds.
pub struct Fixture {
    /// Its file's name without the extension.
    pub name: String,
    /// The container.
    pub bytes: Vec<u8>,
    /// What the container holds.
    pub shader: container::Container,
}

/// All fixtures, by name. They are made from the HLSL beside them by Microsoft's compiler.
pub fn fixtures() -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dxbc/tests/in");
    let mut fixtures = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "dxbc") {
            let bytes = std::fs::read(&path).unwrap();
            let shader = container::parse(&bytes).unwrap();
            fixtures.push(Fixture {
                name: path.file_stem().unwrap().to_str().unwrap().into(),
                bytes,
                shader,
            });
        }
    }
    fixtures.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(fixtures.len() >= 20, "fixtures are missing");
    fixtures
}

/// A class instance for each interface of a program: its classes in turn, with data in the first constant buffer.
pub fn class_instances(tokens: &[u32]) -> Vec<Option<ClassInstance>> {
    let interfaces = reflect(tokens, &Signatures::default(), &BindingLayout::default())
        .map(|reflection| reflection.interfaces)
        .unwrap_or_default();
    let mut instances = Vec::new();
    for interface in interfaces {
        for n in interface.first..interface.first + interface.count {
            let classes = &interface.function_tables;
            let function_table = classes.get(n as usize % classes.len().max(1)).copied().unwrap_or(0);
            instances.resize(instances.len().max(n as usize + 1), None);
            instances[n as usize] = Some(ClassInstance { function_table, ..ClassInstance::default() });
        }
    }
    instances
}

/// The fixture of that name.
pub fn named(name: &str) -> Fixture {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dxbc/tests/in").join(format!("{name}.dxbc"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let shader = container::parse(&bytes).unwrap();
    Fixture { name: name.into(), bytes, shader }
}

/// Translates with default options.
pub fn compile(tokens: &[u32], fixture: &Fixture) -> Result<Compiled, Error> {
    compile_for(tokens, fixture, TargetCapabilities::default())
}

/// Translates for a device, otherwise with default options.
pub fn compile_for(tokens: &[u32], fixture: &Fixture, target: TargetCapabilities) -> Result<Compiled, Error> {
    let (layout, instances) = (BindingLayout::default(), class_instances(tokens));
    let mut options = CompileOptions::new(&layout, target);
    options.class_instances = &instances;
    pvgpu_dxbc::compile(tokens, &fixture.shader.signatures, &options)
}
