//! Deferred contexts and command lists: what they record, what they keep alive, what they leave bound.
#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use windows::Win32::Foundation::E_INVALIDARG;
use windows::Win32::Graphics::Direct3D::D3D_FEATURE_LEVEL;
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::DXGI_ERROR_INVALID_CALL;
use windows::core::{HRESULT, Interface, Result};

use super::contents::words;
use crate::check::Report;
use crate::device::{
    buffer, buffer_desc, code, context, made, references, shader_view, target_view, texture, texture_desc,
};

/// `D3D11_ERROR_DEFERRED_CONTEXT_MAP_WITHOUT_INITIAL_DISCARD`.
const WITHOUT_DISCARD: HRESULT = HRESULT(0x887c_0004_u32.cast_signed());
/// Words of the buffers here.
const WORDS: usize = 16;
const BYTES: u32 = 64;
// CAST: flags.
const WRITE: u32 = D3D11_CPU_ACCESS_WRITE.0 as u32;

/// Checks the rules of this file.
///
/// # Errors
/// What stops the checks.
pub fn check(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    bindings(report, device)?;
    lifetimes(report, device)?;
    maps(report, device)?;
    updates(report, device)?;
    nesting(report, device)?;
    queries(report, device)?;
    states(report, device)
}

fn deferred(device: &ID3D11Device) -> Result<ID3D11DeviceContext> {
    let mut context = None;
    // SAFETY: the out-pointer is a local's.
    unsafe { device.CreateDeferredContext(0, Some(&mut context)) }?;
    made(context)
}

fn finish(context: &ID3D11DeviceContext, restore: bool) -> Result<ID3D11CommandList> {
    let mut list = None;
    // SAFETY: the out-pointer is a local's.
    unsafe { context.FinishCommandList(restore, Some(&mut list)) }?;
    made(list)
}

/// The first constant buffer of the pixel stage.
fn constants(context: &ID3D11DeviceContext) -> Option<ID3D11Buffer> {
    let mut buffers = [None];
    // SAFETY: the array has one entry.
    unsafe { context.PSGetConstantBuffers(0, Some(&mut buffers)) };
    let [buffer] = buffers;
    buffer
}

fn set_constants(context: &ID3D11DeviceContext, buffer: &ID3D11Buffer) {
    // SAFETY: the array has one entry.
    unsafe { context.PSSetConstantBuffers(0, Some(&[Some(buffer.clone())])) };
}

fn execute(context: &ID3D11DeviceContext, list: &ID3D11CommandList, restore: bool) {
    // SAFETY: both are alive.
    unsafe { context.ExecuteCommandList(list, restore) };
}

fn bindings(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let (immediate, recording) = (context(device)?, deferred(device)?);
    // SAFETY: the contexts are alive.
    unsafe { immediate.ClearState() };
    let desc = buffer_desc(BYTES, D3D11_BIND_CONSTANT_BUFFER, D3D11_USAGE_DEFAULT, 0);
    let (one, two) = (buffer(device, &desc)?, buffer(device, &desc)?);
    // SAFETY: as above.
    let immediate_type = unsafe { immediate.GetType() };
    // SAFETY: as above.
    let recording_type = unsafe { recording.GetType() };
    // SAFETY: as above.
    let recording_flags = unsafe { recording.GetContextFlags() };
    report.equal(
        "contexts know their type",
        (immediate_type, recording_type, recording_flags),
        (D3D11_DEVICE_CONTEXT_IMMEDIATE, D3D11_DEVICE_CONTEXT_DEFERRED, 0),
    );
    set_constants(&immediate, &one);
    report.holds("a deferred context inherits nothing", constants(&recording).is_none());
    set_constants(&recording, &two);
    report.holds("and binds for itself", constants(&recording).as_ref() == Some(&two));
    report.holds("alone", constants(&immediate).as_ref() == Some(&one));
    let kept = finish(&recording, true)?;
    report.holds("a list that restores leaves bindings", constants(&recording).as_ref() == Some(&two));
    let list = finish(&recording, false)?;
    report.holds("one that does not clears them", constants(&recording).is_none());
    // SAFETY: the list is alive.
    report.equal("a list has the context's flags", unsafe { kept.GetContextFlags() }, 0);
    execute(&immediate, &list, true);
    report
        .holds("an execution that restores changes no binding", constants(&immediate).as_ref() == Some(&one));
    execute(&immediate, &list, false);
    report.holds("one that does not clears all", constants(&immediate).is_none());
    let mut none = None;
    // SAFETY: the out-pointer is a local's.
    let refused = unsafe { immediate.FinishCommandList(false, Some(&mut none)) };
    report.equal("the immediate context finishes no list", code(&refused), DXGI_ERROR_INVALID_CALL);
    report.holds("and gives none", none.is_none());
    let mut flagged = None;
    // SAFETY: the out-pointer is a local's.
    let refused = unsafe { device.CreateDeferredContext(1, Some(&mut flagged)) };
    report.equal("there are no flags", code(&refused), E_INVALIDARG);
    let image = texture(device, &texture_desc(16, 1, D3D11_BIND_SHADER_RESOURCE | D3D11_BIND_RENDER_TARGET))?;
    let (resource, target) = (shader_view(device, &image)?, target_view(device, &image)?);
    let bound = |context: &ID3D11DeviceContext| {
        let mut views = [None];
        // SAFETY: the array has one entry.
        unsafe { context.PSGetShaderResources(0, Some(&mut views)) };
        let [view] = views;
        view
    };
    // SAFETY: the arrays have one entry.
    unsafe { immediate.PSSetShaderResources(0, Some(&[Some(resource.clone())])) };
    // SAFETY: as above.
    unsafe { recording.PSSetShaderResources(0, Some(&[Some(resource.clone())])) };
    // SAFETY: as above.
    unsafe { recording.OMSetRenderTargets(Some(&[Some(target)]), None) };
    report.holds("a target is no shader resource in its context", bound(&recording).is_none());
    report.holds("but may be in another", bound(&immediate) == Some(resource));
    // SAFETY: the context is alive.
    unsafe { immediate.ClearState() };
    Ok(())
}

fn lifetimes(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let immediate = context(device)?;
    let before = references(device);
    let recording = deferred(device)?;
    report.equal("a deferred context counts as one", references(device), before + 1);
    let image = texture(device, &texture_desc(1, 1, D3D11_BIND_RENDER_TARGET))?;
    let source = texture(device, &texture_desc(1, 1, D3D11_BIND_RENDER_TARGET))?;
    let view = target_view(device, &source)?;
    // SAFETY: the colour has four components.
    unsafe { recording.ClearRenderTargetView(&view, &[0.0, 1.0, 0.0, 1.0]) };
    // SAFETY: both are alive and of one shape.
    unsafe { recording.CopyResource(&image, &source) };
    drop((source, view));
    let list = finish(&recording, false)?;
    drop(recording);
    execute(&immediate, &list, false);
    report.equal("a list keeps what it uses", super::gpu::last_level(device, &image)?, 0xff00_ff00);
    execute(&immediate, &list, false);
    drop((list, image));
    report.equal("and gives it up", references(device), before);
    Ok(())
}

/// Maps a buffer on a context.
fn map(context: &ID3D11DeviceContext, buffer: &ID3D11Buffer, mode: D3D11_MAP) -> Result<*mut u32> {
    let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
    // SAFETY: the out-pointer is a local's.
    unsafe { context.Map(buffer, 0, mode, 0, Some(&mut mapped)) }?;
    Ok(mapped.pData.cast())
}

/// Fills a mapped buffer and unmaps it.
fn fill(context: &ID3D11DeviceContext, buffer: &ID3D11Buffer, data: *mut u32, value: u32) {
    for word in 0..WORDS {
        // SAFETY: the buffer has as many words.
        let place = unsafe { data.add(word) };
        // SAFETY: as above.
        unsafe { place.write(value) };
    }
    // SAFETY: the buffer is mapped.
    unsafe { context.Unmap(buffer, 0) };
}

fn maps(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let (immediate, recording) = (context(device)?, deferred(device)?);
    let dynamic = buffer(device, &buffer_desc(BYTES, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DYNAMIC, WRITE))?;
    let copy = buffer(device, &buffer_desc(BYTES, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DEFAULT, 0))?;
    let data = map(&immediate, &dynamic, D3D11_MAP_WRITE_DISCARD)?;
    fill(&immediate, &dynamic, data, 1);
    for mode in [D3D11_MAP_READ, D3D11_MAP_WRITE, D3D11_MAP_READ_WRITE] {
        let refused = map(&recording, &dynamic, mode);
        report.equal("a deferred context only writes anew", code(&refused), E_INVALIDARG);
    }
    let refused = map(&recording, &dynamic, D3D11_MAP_WRITE_NO_OVERWRITE);
    report.equal("it cannot go on before it began", code(&refused), WITHOUT_DISCARD);
    let data = map(&recording, &dynamic, D3D11_MAP_WRITE_DISCARD)?;
    fill(&recording, &dynamic, data, 2);
    // SAFETY: both are alive and of one size.
    unsafe { recording.CopyResource(&copy, &dynamic) };
    let data = map(&recording, &dynamic, D3D11_MAP_WRITE_DISCARD)?;
    fill(&recording, &dynamic, data, 3);
    let data = map(&recording, &dynamic, D3D11_MAP_WRITE_NO_OVERWRITE)?;
    // SAFETY: the buffer has one word at least.
    report.equal("what was written is there", unsafe { data.read() }, 3);
    // SAFETY: as above.
    unsafe { data.write(4) };
    // SAFETY: the buffer is mapped.
    unsafe { recording.Unmap(&dynamic, 0) };
    let list = finish(&recording, false)?;
    let refused = map(&recording, &dynamic, D3D11_MAP_WRITE_NO_OVERWRITE);
    report.equal("the next list begins anew", code(&refused), WITHOUT_DISCARD);
    report.equal(
        "nothing is written before the list is executed",
        words(device, &dynamic, WORDS)?,
        vec![1; WORDS],
    );
    execute(&immediate, &list, false);
    let mut last = vec![3; WORDS];
    last.splice(..1, [4]);
    report.equal("then the last Map counts", words(device, &dynamic, WORDS)?, last);
    report.equal("and each copy sees the Map before it", words(device, &copy, WORDS)?, vec![2; WORDS]);
    Ok(())
}

/// Whether the driver has command lists of its own, so that a box's offset is not applied to the source too
/// (documentation of UpdateSubresource, "Remarks").
fn has_command_lists(device: &ID3D11Device) -> Result<bool> {
    let mut threading = D3D11_FEATURE_DATA_THREADING::default();
    // CAST: a few bytes.
    let size = size_of_val(&threading) as u32;
    let data = std::ptr::from_mut(&mut threading).cast();
    // SAFETY: the data is the feature's struct.
    unsafe { device.CheckFeatureSupport(D3D11_FEATURE_THREADING, data, size) }?;
    Ok(threading.DriverCommandLists.as_bool())
}

fn updates(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let (immediate, recording) = (context(device)?, deferred(device)?);
    let target = buffer(device, &buffer_desc(BYTES, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DEFAULT, 0))?;
    let mut source = [7_u32; WORDS];
    // SAFETY: the data has the buffer's bytes.
    unsafe { recording.UpdateSubresource(&target, 0, None, source.as_ptr().cast(), 0, 0) };
    source = std::array::from_fn(|word| 100 + word as u32);
    let region = D3D11_BOX { left: 8, top: 0, front: 0, right: 24, bottom: 1, back: 1 };
    // SAFETY: the data has the buffer's bytes, so wherever in it the box is read from, it is inside.
    unsafe { recording.UpdateSubresource(&target, 0, Some(&region), source.as_ptr().cast(), 0, 0) };
    source.fill(0);
    let list = finish(&recording, false)?;
    execute(&immediate, &list, false);
    let first = if has_command_lists(device)? { 100 } else { 102 };
    let mut expected = vec![7; WORDS];
    expected.splice(2..6, first..first + 4);
    report.equal("an update is copied when it is recorded", words(device, &target, WORDS)?, expected);
    Ok(())
}

fn nesting(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let (immediate, inner, outer) = (context(device)?, deferred(device)?, deferred(device)?);
    let desc = buffer_desc(BYTES, D3D11_BIND_CONSTANT_BUFFER, D3D11_USAGE_DEFAULT, 0);
    let (one, two) = (buffer(device, &desc)?, buffer(device, &desc)?);
    let target = buffer(device, &buffer_desc(BYTES, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DEFAULT, 0))?;
    set_constants(&inner, &one);
    // SAFETY: the data has the buffer's bytes.
    unsafe { inner.UpdateSubresource(&target, 0, None, [5_u32; WORDS].as_ptr().cast(), 0, 0) };
    let list = finish(&inner, false)?;
    set_constants(&outer, &two);
    execute(&outer, &list, true);
    report.holds("a list in a list restores", constants(&outer).as_ref() == Some(&two));
    execute(&outer, &list, false);
    report.holds("or clears", constants(&outer).is_none());
    let whole = finish(&outer, false)?;
    drop((list, inner, outer));
    execute(&immediate, &whole, false);
    report.equal("and is executed with it", words(device, &target, WORDS)?, vec![5; WORDS]);
    Ok(())
}

fn queries(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let (immediate, recording) = (context(device)?, deferred(device)?);
    let mut query = None;
    let desc = D3D11_QUERY_DESC { Query: D3D11_QUERY_OCCLUSION, MiscFlags: 0 };
    // SAFETY: the out-pointer is a local's.
    unsafe { device.CreateQuery(&desc, Some(&mut query)) }?;
    let query: ID3D11Query = made(query)?;
    // SAFETY: the query is alive.
    unsafe { recording.Begin(&query) };
    // SAFETY: as above.
    unsafe { recording.End(&query) };
    let list = finish(&recording, false)?;
    let mut value = 1_u64;
    let data = std::ptr::from_mut(&mut value).cast();
    // SAFETY: the data has the result's bytes.
    let refused = unsafe { recording.GetData(&query, Some(data), 8, 0) };
    report.equal("a deferred context reads no query", code(&refused), DXGI_ERROR_INVALID_CALL);
    // SAFETY: as above.
    let refused = unsafe { immediate.GetData(&query, Some(data), 8, 0) };
    report.equal("what is not executed has not ended", code(&refused), DXGI_ERROR_INVALID_CALL);
    execute(&immediate, &list, false);
    report.equal("a recorded query has a result", super::gpu::result::<u64>(&immediate, &query)?, 0);
    Ok(())
}

fn states(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let device1: ID3D11Device1 = device.cast()?;
    let immediate: ID3D11DeviceContext1 = context(device)?.cast()?;
    let plain: ID3D11DeviceContext = immediate.cast()?;
    // SAFETY: the device is alive.
    let level = unsafe { device.GetFeatureLevel() };
    let create = |levels: &[D3D_FEATURE_LEVEL]| {
        let (mut chosen, mut state) = (D3D_FEATURE_LEVEL(1), None);
        // SAFETY: the out-pointers are locals'.
        let result = unsafe {
            device1.CreateDeviceContextState(
                0,
                levels,
                D3D11_SDK_VERSION,
                &ID3D11Device1::IID,
                Some(&mut chosen),
                Some(&mut state),
            )
        };
        (result, chosen, state)
    };
    let (refused, chosen, _) = create(&[]);
    report.equal("a context state needs a level", (code(&refused), chosen.0), (E_INVALIDARG, 0));
    let (result, chosen, state) = create(&[level]);
    result?;
    report.equal("it has the first that the device has", chosen, level);
    let state: ID3DDeviceContextState = made(state)?;
    let bound = buffer(device, &buffer_desc(BYTES, D3D11_BIND_CONSTANT_BUFFER, D3D11_USAGE_DEFAULT, 0))?;
    // SAFETY: the context is alive.
    unsafe { immediate.ClearState() };
    set_constants(&plain, &bound);
    let mut old = None;
    // SAFETY: the out-pointer is a local's.
    unsafe { immediate.SwapDeviceContextState(&state, Some(&mut old)) };
    let old: ID3DDeviceContextState = made(old)?;
    report.holds("another state has nothing bound", constants(&plain).is_none());
    let before = references(&bound);
    let mut other = None;
    // SAFETY: as above.
    unsafe { immediate.SwapDeviceContextState(&old, Some(&mut other)) };
    report.holds("the old one comes back", constants(&plain).as_ref() == Some(&bound));
    report.holds("in exchange for the other", other.as_ref() == Some(&state));
    report.equal("a state keeps its objects without counting", before, 1);
    // SAFETY: the context is alive.
    unsafe { immediate.ClearState() };
    Ok(())
}
