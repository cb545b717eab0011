//! Bindings: hazards between reading and writing, defaults.
#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use windows::Win32::Graphics::Direct3D11::*;
use windows::core::Result;

use crate::check::Report;
use crate::device::{context, shader_view, target_view, texture, texture_desc};

/// Checks the rules of this file.
///
/// # Errors
/// What stops the checks.
pub fn check(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    hazards(report, device)?;
    defaults(report, device)
}

/// The shader resource in a slot of the pixel stage.
fn bound_resource(context: &ID3D11DeviceContext, slot: u32) -> Option<ID3D11ShaderResourceView> {
    let mut views = [None];
    // SAFETY: the array has one entry.
    unsafe { context.PSGetShaderResources(slot, Some(&mut views)) };
    let [view] = views;
    view
}

/// The first render target.
fn bound_target(context: &ID3D11DeviceContext) -> Option<ID3D11RenderTargetView> {
    let mut views = [None];
    // SAFETY: the array has one entry.
    unsafe { context.OMGetRenderTargets(Some(&mut views), None) };
    let [view] = views;
    view
}

fn hazards(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context = context(device)?;
    let both = D3D11_BIND_SHADER_RESOURCE | D3D11_BIND_RENDER_TARGET;
    let image = texture(device, &texture_desc(16, 1, both))?;
    let (resource, target) = (shader_view(device, &image)?, target_view(device, &image)?);
    // SAFETY: the arrays have the lengths they say.
    unsafe { context.PSSetShaderResources(5, Some(&[Some(resource.clone())])) };
    report.holds("a shader resource is bound", bound_resource(&context, 5) == Some(resource.clone()));
    // SAFETY: as above.
    unsafe { context.OMSetRenderTargets(Some(&[Some(target.clone())]), None) };
    report.holds("a target is bound", bound_target(&context) == Some(target));
    report.holds("and is no shader resource any more", bound_resource(&context, 5).is_none());
    // SAFETY: as above.
    unsafe { context.PSSetShaderResources(5, Some(&[Some(resource.clone())])) };
    report.holds("what is a target cannot become a shader resource", bound_resource(&context, 5).is_none());
    // SAFETY: as above.
    unsafe { context.OMSetRenderTargets(None, None) };
    report.holds("targets are unbound", bound_target(&context).is_none());
    // SAFETY: as above.
    unsafe { context.PSSetShaderResources(5, Some(&[Some(resource.clone())])) };
    report.holds("then it can", bound_resource(&context, 5) == Some(resource));
    // SAFETY: the context is alive.
    unsafe { context.ClearState() };
    report.holds("ClearState unbinds it", bound_resource(&context, 5).is_none());
    Ok(())
}

fn defaults(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context = context(device)?;
    // SAFETY: the context is alive.
    unsafe { context.ClearState() };
    let (mut state, mut factor, mut mask) = (None, [0.0_f32; 4], 0);
    // SAFETY: the out-pointers are locals'.
    unsafe { context.OMGetBlendState(Some(&mut state), Some(&mut factor), Some(&mut mask)) };
    report.holds("there is no blend state", state.is_none());
    report.equal("the blend factor is one", factor, [1.0; 4]);
    report.equal("all samples are written", mask, u32::MAX);
    let viewport = D3D11_VIEWPORT { Width: 8.0, Height: 4.0, MaxDepth: 1.0, ..Default::default() };
    // SAFETY: the array has two entries.
    unsafe { context.RSSetViewports(Some(&[viewport, viewport])) };
    let mut count = 0;
    // SAFETY: without an array only the number is asked for.
    unsafe { context.RSGetViewports(&mut count, None) };
    report.equal("viewports are counted", count, 2);
    let mut viewports = [D3D11_VIEWPORT { Width: 1.0, ..Default::default() }; 3];
    count = 3;
    // SAFETY: the array has three entries.
    unsafe { context.RSGetViewports(&mut count, Some(viewports.as_mut_ptr())) };
    report.equal("and returned", viewports.map(|viewport| viewport.Width), [8.0, 8.0, 0.0]);
    // SAFETY: the context is alive.
    unsafe { context.ClearState() };
    Ok(())
}
