//! Work of the GPU without shaders: resolves, mip levels, depth, unordered access, timers.
#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use std::time::{Duration, Instant};

use windows::Win32::Foundation::E_FAIL;
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::{
    DXGI_FORMAT_D32_FLOAT, DXGI_FORMAT_R8G8B8A8_UNORM, DXGI_SAMPLE_DESC,
};
use windows::core::{Error, Result};

use crate::check::Report;
use crate::device::{buffer, context, made, shader_view, target_view, texture, texture_desc, with_format};

// CAST: flags.
const READ: u32 = D3D11_CPU_ACCESS_READ.0 as u32;
const RED: u32 = 0xff00_00ff;

/// Checks the rules of this file.
///
/// # Errors
/// What stops the checks.
pub fn check(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    resolve(report, device)?;
    mip_levels(report, device)?;
    depth(report, device)?;
    unordered_access(report, device)?;
    timers(report, device)
}

/// The first texel of the last level of a texture with texels of four bytes, by way of a staging copy.
pub fn last_level(device: &ID3D11Device, image: &ID3D11Texture2D) -> Result<u32> {
    let context = context(device)?;
    let mut desc = D3D11_TEXTURE2D_DESC::default();
    // SAFETY: the out-pointer is a local's.
    unsafe { image.GetDesc(&mut desc) };
    desc.Usage = D3D11_USAGE_STAGING;
    desc.BindFlags = 0;
    desc.MiscFlags = 0;
    desc.CPUAccessFlags = READ;
    let staging = texture(device, &desc)?;
    // SAFETY: both are alive and of one shape.
    unsafe { context.CopyResource(&staging, image) };
    let level = desc.MipLevels - 1;
    let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
    // SAFETY: the out-pointer is a local's.
    unsafe { context.Map(&staging, level, D3D11_MAP_READ, 0, Some(&mut mapped)) }?;
    // SAFETY: a level has one texel at least.
    let texel = unsafe { mapped.pData.cast::<u32>().read() };
    // SAFETY: it is mapped.
    unsafe { context.Unmap(&staging, level) };
    Ok(texel)
}

fn resolve(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context = context(device)?;
    let plain = texture_desc(8, 1, D3D11_BIND_RENDER_TARGET);
    let samples = DXGI_SAMPLE_DESC { Count: 4, Quality: 0 };
    let multisampled = texture(device, &D3D11_TEXTURE2D_DESC { SampleDesc: samples, ..plain })?;
    let target = target_view(device, &multisampled)?;
    // SAFETY: the colour has four components.
    unsafe { context.ClearRenderTargetView(&target, &[1.0, 0.0, 0.0, 1.0]) };
    let image = texture(device, &plain)?;
    // SAFETY: both are alive, of one size and format.
    unsafe { context.ResolveSubresource(&image, 0, &multisampled, 0, DXGI_FORMAT_R8G8B8A8_UNORM) };
    report.equal("a resolve of one colour is that colour", last_level(device, &image)?, RED);
    Ok(())
}

fn mip_levels(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context = context(device)?;
    let desc = D3D11_TEXTURE2D_DESC {
        // CAST: flags.
        MiscFlags: D3D11_RESOURCE_MISC_GENERATE_MIPS.0 as u32,
        ..texture_desc(8, 0, D3D11_BIND_RENDER_TARGET | D3D11_BIND_SHADER_RESOURCE)
    };
    let image = texture(device, &desc)?;
    let texels = [RED; 64];
    // SAFETY: the data has the level's bytes.
    unsafe { context.UpdateSubresource(&image, 0, None, texels.as_ptr().cast(), 32, 0) };
    let view = shader_view(device, &image)?;
    // SAFETY: both are alive.
    unsafe { context.GenerateMips(&view) };
    report.equal("mip levels of one colour are that colour", last_level(device, &image)?, RED);
    Ok(())
}

fn depth(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context = context(device)?;
    let image =
        texture(device, &with_format(texture_desc(8, 1, D3D11_BIND_DEPTH_STENCIL), DXGI_FORMAT_D32_FLOAT))?;
    let mut view = None;
    // SAFETY: a null description is a view of everything.
    unsafe { device.CreateDepthStencilView(&image, None, Some(&mut view)) }?;
    let view: ID3D11DepthStencilView = made(view)?;
    // SAFETY: the view is alive.
    unsafe { context.ClearDepthStencilView(&view, D3D11_CLEAR_DEPTH.0, 0.25, 0) };
    report.equal("a depth clear is read back", f32::from_bits(last_level(device, &image)?), 0.25);
    Ok(())
}

fn unordered_access(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context = context(device)?;
    let desc = D3D11_BUFFER_DESC {
        ByteWidth: 64,
        // CAST: flags.
        BindFlags: D3D11_BIND_UNORDERED_ACCESS.0 as u32,
        MiscFlags: D3D11_RESOURCE_MISC_BUFFER_STRUCTURED.0 as u32,
        StructureByteStride: 16,
        ..Default::default()
    };
    let structured = buffer(device, &desc)?;
    let mut view = None;
    // SAFETY: a structured buffer needs no description.
    unsafe { device.CreateUnorderedAccessView(&structured, None, Some(&mut view)) }?;
    let view: ID3D11UnorderedAccessView = made(view)?;
    // SAFETY: the value has four components.
    unsafe { context.ClearUnorderedAccessViewUint(&view, &[7, 8, 9, 10]) };
    let found = super::contents::words(device, &structured, 16)?;
    report.equal("a structured buffer is cleared to the first component", found, vec![7; 16]);
    Ok(())
}

fn timers(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context = context(device)?;
    let query = |kind| {
        let mut query = None;
        let desc = D3D11_QUERY_DESC { Query: kind, MiscFlags: 0 };
        // SAFETY: the description is complete and the out-pointer is a local's.
        unsafe { device.CreateQuery(&desc, Some(&mut query)) }?;
        made::<ID3D11Query>(query)
    };
    let disjoint = query(D3D11_QUERY_TIMESTAMP_DISJOINT)?;
    let (first, second) = (query(D3D11_QUERY_TIMESTAMP)?, query(D3D11_QUERY_TIMESTAMP)?);
    let occlusion = query(D3D11_QUERY_OCCLUSION)?;
    // SAFETY: the queries are alive.
    unsafe { context.Begin(&disjoint) };
    // SAFETY: as above.
    unsafe { context.End(&first) };
    // SAFETY: as above.
    unsafe { context.Begin(&occlusion) };
    // SAFETY: as above.
    unsafe { context.End(&occlusion) };
    // SAFETY: as above.
    unsafe { context.End(&second) };
    // SAFETY: as above.
    unsafe { context.End(&disjoint) };
    let frequency: D3D11_QUERY_DATA_TIMESTAMP_DISJOINT = result(&context, &disjoint)?;
    report.holds("timestamps have a frequency", frequency.Frequency != 0);
    let (first, second): (u64, u64) = (result(&context, &first)?, result(&context, &second)?);
    report.holds("time goes on", second >= first && first != 0);
    report.equal("what is not drawn is not seen", result::<u64>(&context, &occlusion)?, 0);
    Ok(())
}

/// Waits for a query's result.
pub(super) fn result<T: Default>(context: &ID3D11DeviceContext, query: &ID3D11Query) -> Result<T> {
    let mut data = T::default();
    let mut there = false;
    let start = Instant::now();
    // TIMEOUT: a software renderer on a busy machine answers within a second.
    while !there && start.elapsed() < Duration::from_secs(10) {
        there = is_there(context, query)?;
    }
    if !there {
        return Err(Error::from_hresult(E_FAIL));
    }
    // CAST: a few bytes.
    let size = size_of::<T>() as u32;
    // SAFETY: `T` is the query's result.
    unsafe { context.GetData(query, Some(std::ptr::from_mut(&mut data).cast()), size, 0) }?;
    Ok(data)
}

/// Whether a query has its result. The wrapper of `GetData` takes S_FALSE for success, so this asks the vtable.
fn is_there(context: &ID3D11DeviceContext, query: &ID3D11Query) -> Result<bool> {
    use windows::core::Interface;
    let get_data = context.vtable().GetData;
    // SAFETY: both are alive; no data is asked for.
    let code = unsafe { get_data(context.as_raw(), query.as_raw(), std::ptr::null_mut(), 0, 0) };
    code.ok()?;
    Ok(code.0 == 0)
}
