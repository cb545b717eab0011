//! Class linkage: instances of classes, bound to the interfaces of a compute shader.
#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use windows::Win32::Foundation::E_INVALIDARG;
use windows::Win32::Graphics::Direct3D11::*;
use windows::core::{PSTR, Result, s};

use super::contents::words;
use crate::check::Report;
use crate::device::{buffer, buffer_desc, code, context, made, references};

/// The classes Square, Circle and Empty of the interface Shape; see the HLSL beside it.
const SHADER: &[u8] = include_bytes!("../../../../dxbc/tests/in/cs_classes.dxbc");
/// Elements of the shader's constant buffer of instances.
const ELEMENTS: usize = 6;

/// Checks the rules of this file.
///
/// # Errors
/// What stops the checks.
pub fn check(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let scene = Scene::new(device)?;
    described(report, &scene)?;
    bound(report, device, &scene)?;
    deferred(report, device, &scene)
}

struct Scene {
    linkage: ID3D11ClassLinkage,
    shader: ID3D11ComputeShader,
    constants: [Option<ID3D11Buffer>; 2],
    results: ID3D11Buffer,
    view: ID3D11UnorderedAccessView,
}

impl Scene {
    fn new(device: &ID3D11Device) -> Result<Self> {
        // SAFETY: the device is alive.
        let linkage = unsafe { device.CreateClassLinkage() }?;
        let mut shader = None;
        // SAFETY: the out-pointer is a local's.
        unsafe { device.CreateComputeShader(SHADER, &linkage, Some(&mut shader)) }?;
        let word = |value: f32| value.to_bits();
        let instances: [[u32; 4]; ELEMENTS] = [
            [word(2.0), 1, 0, 0],
            [word(1.0), word(2.0), word(-1.0), 0],
            [word(3.0), 0, 0, 0],
            [word(4.0), 0, 0, 0],
            [word(5.0), 7, 0, 0],
            [0; 4],
        ];
        let desc = |bytes| buffer_desc(bytes, D3D11_BIND_CONSTANT_BUFFER, D3D11_USAGE_DEFAULT, 0);
        // CAST: a few bytes.
        let first = buffer(device, &desc(size_of_val(&instances) as u32))?;
        let second = buffer(device, &desc(16))?;
        let context = context(device)?;
        // SAFETY: the data has the buffer's bytes.
        unsafe { context.UpdateSubresource(&first, 0, None, instances.as_ptr().cast(), 0, 0) };
        // SAFETY: as above.
        unsafe { context.UpdateSubresource(&second, 0, None, [0_u32; 4].as_ptr().cast(), 0, 0) };
        let structured = D3D11_BUFFER_DESC {
            // CAST: flags.
            MiscFlags: D3D11_RESOURCE_MISC_BUFFER_STRUCTURED.0 as u32,
            StructureByteStride: 16,
            ..buffer_desc(16, D3D11_BIND_UNORDERED_ACCESS, D3D11_USAGE_DEFAULT, 0)
        };
        let results = buffer(device, &structured)?;
        let mut view = None;
        // SAFETY: a structured buffer needs no description.
        unsafe { device.CreateUnorderedAccessView(&results, None, Some(&mut view)) }?;
        let constants = [Some(first), Some(second)];
        Ok(Self { linkage, shader: made(shader)?, constants, results, view: made(view)? })
    }

    fn instance(&self, name: windows::core::PCSTR, index: u32) -> Result<ID3D11ClassInstance> {
        // SAFETY: the name is static.
        unsafe { self.linkage.GetClassInstance(name, index) }
    }

    /// An instance of a class without data.
    fn empty(&self) -> Result<ID3D11ClassInstance> {
        // SAFETY: the name is static.
        unsafe { self.linkage.CreateClassInstance(s!("Empty"), 0, 0, 0, 0) }
    }

    /// Runs the shader with these instances.
    fn dispatch(&self, context: &ID3D11DeviceContext, instances: &[Option<ID3D11ClassInstance>]) {
        // SAFETY: the objects are alive and the arrays have the lengths they say.
        unsafe { context.CSSetShader(&self.shader, Some(instances)) };
        // SAFETY: as above.
        unsafe { context.CSSetConstantBuffers(0, Some(&self.constants)) };
        let views = [Some(self.view.clone())];
        // SAFETY: as above.
        unsafe { context.CSSetUnorderedAccessViews(0, 1, Some(views.as_ptr()), None) };
        // SAFETY: as above.
        unsafe { context.Dispatch(1, 1, 1) };
    }

    /// What the shader wrote last.
    fn result(&self, device: &ID3D11Device) -> Result<Vec<f32>> {
        Ok(words(device, &self.results, 4)?.into_iter().map(f32::from_bits).collect())
    }
}

fn name_of(instance: &ID3D11ClassInstance, class: bool) -> String {
    let (mut name, mut length) = ([0_u8; 16], 16);
    let text = PSTR(name.as_mut_ptr());
    if class {
        // SAFETY: the buffer has as many bytes as it says.
        unsafe { instance.GetTypeName(Some(text), &mut length) };
    } else {
        // SAFETY: as above.
        unsafe { instance.GetInstanceName(Some(text), &mut length) };
    }
    String::from_utf8_lossy(name.get(..length.saturating_sub(1)).unwrap_or_default()).into_owned()
}

fn described(report: &mut Report, scene: &Scene) -> Result<()> {
    let squares = scene.instance(s!("squares"), 2)?;
    let mut desc = D3D11_CLASS_INSTANCE_DESC::default();
    // SAFETY: the out-pointer is a local's.
    unsafe { squares.GetDesc(&mut desc) };
    let place =
        (desc.InstanceIndex, desc.ConstantBuffer, desc.BaseConstantBufferOffset, desc.Created.as_bool());
    report.equal("an element of an array has its place", place, (2, 0, 4, false));
    let names = (name_of(&squares, false), name_of(&squares, true));
    report.equal("an instance has names", names, ("squares".to_owned(), "Square".to_owned()));
    let empty = scene.empty()?;
    // SAFETY: as above.
    unsafe { empty.GetDesc(&mut desc) };
    report.holds("an instance of the program's is created", desc.Created.as_bool());
    report.equal("and has no name", name_of(&empty, false), String::new());
    // SAFETY: the instance is alive.
    let linkage = unsafe { empty.GetClassLinkage() }?;
    report.holds("an instance knows its linkage", linkage == scene.linkage);
    for (rule, refused) in [
        ("what a shader does not have cannot be had", scene.instance(s!("triangle"), 0)),
        ("nor what is behind an array", scene.instance(s!("squares"), 3)),
        // SAFETY: the name is static.
        ("nor a class it does not know", unsafe {
            scene.linkage.CreateClassInstance(s!("Line"), 0, 0, 0, 0)
        }),
    ] {
        report.equal(rule, code(&refused), E_INVALIDARG);
    }
    Ok(())
}

fn bound(report: &mut Report, device: &ID3D11Device, scene: &Scene) -> Result<()> {
    let context = context(device)?;
    let (square, circle) = (scene.instance(s!("square"), 0)?, scene.instance(s!("circle"), 0)?);
    let (last, empty) = (scene.instance(s!("squares"), 2)?, scene.empty()?);
    let first = [&square, &circle, &last, &empty].map(|instance| Some(instance.clone()));
    scene.dispatch(&context, &first);
    report.equal("each interface calls its instance", scene.result(device)?, vec![8.0, 5.0, 3.0, 11000.0]);
    let (mut shader, mut found, mut count) = (None, [const { None }; 5], 5);
    // SAFETY: the array has as many places as the count says.
    unsafe { context.CSGetShader(&mut shader, Some(found.as_mut_ptr()), Some(&mut count)) };
    report.holds("the shader is bound", shader.as_ref() == Some(&scene.shader));
    report.equal("with as many instances", count, 4);
    report.holds("and these", found.get(..4) == Some(&first) && found.last() == Some(&None));
    drop(found);
    let second = [&empty, &empty, &circle, &square].map(|instance| Some(instance.clone()));
    scene.dispatch(&context, &second);
    report.equal("others make another program", scene.result(device)?, vec![-2.0, 99.0, -1.0, 99.0]);
    scene.dispatch(&context, second.get(..3).unwrap_or_default());
    report.equal("without all of them it does nothing", scene.result(device)?, vec![-2.0, 99.0, -1.0, 99.0]);
    drop((first, second));
    report.equal("bound instances do not count", references(&empty), 1);
    // SAFETY: the context is alive.
    unsafe { context.ClearState() };
    Ok(())
}

fn deferred(report: &mut Report, device: &ID3D11Device, scene: &Scene) -> Result<()> {
    let mut recording = None;
    // SAFETY: the out-pointer is a local's.
    unsafe { device.CreateDeferredContext(0, Some(&mut recording)) }?;
    let recording: ID3D11DeviceContext = made(recording)?;
    let (empty, square) = (scene.empty()?, scene.instance(s!("square"), 0)?);
    let instances = [&square, &empty, &empty, &empty].map(|instance| Some(instance.clone()));
    scene.dispatch(&recording, &instances);
    drop((instances, empty, square));
    let mut list = None;
    // SAFETY: the out-pointer is a local's.
    unsafe { recording.FinishCommandList(false, Some(&mut list)) }?;
    let list: ID3D11CommandList = made(list)?;
    // SAFETY: both are alive.
    unsafe { context(device)?.ExecuteCommandList(&list, false) };
    report.equal("a list keeps instances", scene.result(device)?, vec![8.0, 5.0, -1.0, 99099.0]);
    Ok(())
}
