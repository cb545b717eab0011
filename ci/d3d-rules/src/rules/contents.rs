//! Contents: mapping, updates, copies, clears and queries.
#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use std::time::{Duration, Instant};

use windows::Win32::Foundation::E_INVALIDARG;
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::DXGI_ERROR_INVALID_CALL;
use windows::core::Result;

use crate::check::Report;
use crate::device::{buffer, buffer_desc, code, context, made, target_view, texture, texture_desc};

// CAST: flags.
const WRITE: u32 = D3D11_CPU_ACCESS_WRITE.0 as u32;
// CAST: flags.
const READ: u32 = D3D11_CPU_ACCESS_READ.0 as u32;

/// Checks the rules of this file.
///
/// # Errors
/// What stops the checks.
pub fn check(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    mapping(report, device)?;
    buffers(report, device)?;
    textures(report, device)?;
    queries(report, device)
}

/// Maps subresource 0 of a resource.
fn map(
    context: &ID3D11DeviceContext,
    resource: &ID3D11Resource,
    mode: D3D11_MAP,
) -> Result<D3D11_MAPPED_SUBRESOURCE> {
    let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
    // SAFETY: the out-pointer is a local's.
    unsafe { context.Map(resource, 0, mode, 0, Some(&mut mapped)) }?;
    Ok(mapped)
}

/// The words of a buffer, by way of a staging copy.
///
/// # Errors
/// What Direct3D reports.
pub fn words(device: &ID3D11Device, from: &ID3D11Buffer, count: usize) -> Result<Vec<u32>> {
    let context = context(device)?;
    // CAST: a few bytes.
    let desc = buffer_desc(count as u32 * 4, D3D11_BIND_FLAG(0), D3D11_USAGE_STAGING, READ);
    let staging = buffer(device, &desc)?;
    // SAFETY: both are alive and of one size.
    unsafe { context.CopyResource(&staging, from) };
    let mapped = map(&context, &staging.clone().into(), D3D11_MAP_READ)?;
    // SAFETY: the mapping has the buffer's bytes and is not written while it is mapped.
    let words = unsafe { std::slice::from_raw_parts(mapped.pData.cast::<u32>(), count) }.to_vec();
    // SAFETY: it is mapped.
    unsafe { context.Unmap(&staging, 0) };
    Ok(words)
}

fn mapping(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context = context(device)?;
    let vertices = D3D11_BIND_VERTEX_BUFFER;
    let default = buffer(device, &buffer_desc(64, vertices, D3D11_USAGE_DEFAULT, 0))?;
    let refused = map(&context, &default.into(), D3D11_MAP_WRITE);
    report.equal("a default buffer is not mapped", code(&refused), E_INVALIDARG);
    let dynamic = buffer(device, &buffer_desc(64, vertices, D3D11_USAGE_DYNAMIC, WRITE))?;
    let resource: ID3D11Resource = dynamic.clone().into();
    let refused = map(&context, &resource, D3D11_MAP_READ);
    report.equal("a dynamic buffer is not read", code(&refused), E_INVALIDARG);
    let mapped = map(&context, &resource, D3D11_MAP_WRITE_DISCARD)?;
    report.holds("a dynamic buffer is written", !mapped.pData.is_null());
    // SAFETY: it is mapped.
    unsafe { context.Unmap(&resource, 0) };
    for (at, value) in [(0_usize, 0x1111_1111_u32), (15, 0x2222_2222)] {
        let mode = if at == 0 { D3D11_MAP_WRITE_DISCARD } else { D3D11_MAP_WRITE_NO_OVERWRITE };
        let mapped = map(&context, &resource, mode)?;
        // SAFETY: the buffer has 16 words.
        let place = unsafe { mapped.pData.cast::<u32>().add(at) };
        // SAFETY: as above.
        unsafe { place.write(value) };
        // SAFETY: it is mapped.
        unsafe { context.Unmap(&resource, 0) };
    }
    let found = words(device, &dynamic, 16)?;
    report.equal(
        "no-overwrite keeps what discard wrote",
        (found.first().copied(), found.last().copied()),
        (Some(0x1111_1111), Some(0x2222_2222)),
    );
    Ok(())
}

fn buffers(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context = context(device)?;
    let desc = buffer_desc(32, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DEFAULT, 0);
    let data = [1_u32, 2, 3, 4, 5, 6, 7, 8];
    let initial = D3D11_SUBRESOURCE_DATA { pSysMem: data.as_ptr().cast(), ..Default::default() };
    let mut first = None;
    // SAFETY: the description and the data are complete.
    unsafe { device.CreateBuffer(&desc, Some(&initial), Some(&mut first)) }?;
    let first: ID3D11Buffer = made(first)?;
    report.equal("initial data arrives", words(device, &first, 8)?, data.to_vec());
    let region = D3D11_BOX { left: 8, top: 0, front: 0, right: 16, bottom: 1, back: 1 };
    // SAFETY: the data has as many bytes as the box.
    unsafe { context.UpdateSubresource(&first, 0, Some(&region), [30_u32, 40].as_ptr().cast(), 0, 0) };
    report.equal("an update changes its box", words(device, &first, 8)?, vec![1, 2, 30, 40, 5, 6, 7, 8]);
    let second = buffer(device, &desc)?;
    // SAFETY: both are alive and of one size.
    unsafe { context.CopyResource(&second, &first) };
    let region = D3D11_BOX { left: 0, top: 0, front: 0, right: 4, bottom: 1, back: 1 };
    // SAFETY: the box is in both.
    unsafe { context.CopySubresourceRegion(&second, 0, 28, 0, 0, &first, 0, Some(&region)) };
    report.equal("copies happen in order", words(device, &second, 8)?, vec![1, 2, 30, 40, 5, 6, 7, 1]);
    Ok(())
}

fn textures(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context = context(device)?;
    let image = texture(device, &texture_desc(8, 1, D3D11_BIND_RENDER_TARGET))?;
    let target = target_view(device, &image)?;
    // 102 and 51 of 255: a half would leave the rounding to the GPU.
    // SAFETY: the colour has four components.
    unsafe { context.ClearRenderTargetView(&target, &[1.0, 0.0, 0.4, 0.2]) };
    let region = D3D11_BOX { left: 2, top: 3, front: 0, right: 4, bottom: 4, back: 1 };
    let texels = [0x0403_0201_u32, 0x0807_0605];
    // SAFETY: the data has the box's bytes.
    unsafe { context.UpdateSubresource(&image, 0, Some(&region), texels.as_ptr().cast(), 8, 0) };
    let desc = D3D11_TEXTURE2D_DESC {
        Usage: D3D11_USAGE_STAGING,
        BindFlags: 0,
        CPUAccessFlags: READ,
        ..texture_desc(8, 1, D3D11_BIND_RENDER_TARGET)
    };
    let staging = texture(device, &desc)?;
    // SAFETY: both are alive and of one shape.
    unsafe { context.CopyResource(&staging, &image) };
    let mapped = map(&context, &staging.clone().into(), D3D11_MAP_READ)?;
    let texel = |x: usize, y: usize| {
        // SAFETY: the texel is in the mapped texture.
        let row = unsafe { mapped.pData.cast::<u8>().add(y * mapped.RowPitch as usize) };
        // SAFETY: as above.
        let texel = unsafe { row.cast::<u32>().add(x) };
        // SAFETY: as above.
        unsafe { texel.read_unaligned() }
    };
    report.equal("a clear fills the target", (texel(0, 0), texel(7, 7)), (0x3366_00ff, 0x3366_00ff));
    report.equal("an update changes its box", (texel(2, 3), texel(3, 3)), (0x0403_0201, 0x0807_0605));
    report.equal("and nothing beside it", (texel(1, 3), texel(4, 3)), (0x3366_00ff, 0x3366_00ff));
    // SAFETY: it is mapped.
    unsafe { context.Unmap(&staging, 0) };
    Ok(())
}

fn queries(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context = context(device)?;
    let query = |kind| {
        let mut query = None;
        let desc = D3D11_QUERY_DESC { Query: kind, MiscFlags: 0 };
        // SAFETY: the description is complete and the out-pointer is a local's.
        unsafe { device.CreateQuery(&desc, Some(&mut query)) }?;
        made(query)
    };
    let event: ID3D11Query = query(D3D11_QUERY_EVENT)?;
    // SAFETY: the query is alive.
    report.equal("an event's result is a BOOL", unsafe { event.GetDataSize() }, 4);
    let mut done = 0_i32;
    let data = Some(std::ptr::from_mut(&mut done).cast());
    // SAFETY: the data has the query's size.
    let early = unsafe { context.GetData(&event, data, 4, 0) };
    report.equal("a query that has not ended has no result", code(&early), DXGI_ERROR_INVALID_CALL);
    // SAFETY: the query is alive.
    unsafe { context.End(&event) };
    let start = Instant::now();
    // TIMEOUT: a software renderer on a busy machine answers within a second.
    while done == 0 && start.elapsed() < Duration::from_secs(10) {
        // SAFETY: the data has the query's size. Without a result yet the call succeeds with S_FALSE.
        unsafe { context.GetData(&event, data, 4, 0) }?;
    }
    report.equal("an event comes true", done, 1);
    // SAFETY: the data is larger than the wrong size.
    let wrong = unsafe { context.GetData(&event, data, 3, 0) };
    report.equal("a result has one size", code(&wrong), E_INVALIDARG);
    Ok(())
}
