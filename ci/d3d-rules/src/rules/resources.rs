//! Formats, rectangles, memory that is mapped while it is used, and copies between shapes.
#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use windows::Win32::Foundation::{E_FAIL, E_INVALIDARG, RECT};
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::*;
use windows::core::{Interface, Result};

use super::contents::words;
use crate::check::Report;
use crate::device::{
    buffer, buffer_desc, code, context, made, target_view, texture, texture_desc, with_format,
};

// CAST: flags.
const WRITE: u32 = D3D11_CPU_ACCESS_WRITE.0 as u32;
// CAST: flags.
const READ: u32 = D3D11_CPU_ACCESS_READ.0 as u32;
const NOTHING: D3D11_BIND_FLAG = D3D11_BIND_FLAG(0);

/// Checks the rules of this file.
///
/// # Errors
/// What stops the checks.
pub fn check(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    formats(report, device)?;
    rectangles(report, device)?;
    mapping(report, device)?;
    copies(report, device)?;
    depth_and_stencil(report, device)?;
    video(report, device)?;
    levels(report, device)
}

/// The dwords of a texture's only subresource, row by row.
fn dwords(device: &ID3D11Device, from: &ID3D11Texture2D, rows: u32) -> Result<Vec<u32>> {
    let context = context(device)?;
    let mut desc = D3D11_TEXTURE2D_DESC::default();
    // SAFETY: the texture is alive.
    unsafe { from.GetDesc(&mut desc) };
    let staging = D3D11_TEXTURE2D_DESC {
        Usage: D3D11_USAGE_STAGING,
        BindFlags: 0,
        MiscFlags: 0,
        CPUAccessFlags: READ,
        ..desc
    };
    let staging = texture(device, &staging)?;
    // SAFETY: both are alive and of one shape.
    unsafe { context.CopyResource(&staging, from) };
    let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
    // SAFETY: the out-pointer is a local's.
    unsafe { context.Map(&staging, 0, D3D11_MAP_READ, 0, Some(&mut mapped)) }?;
    let mut all = Vec::new();
    for row in 0..rows as usize {
        // SAFETY: the row is in the mapped texture.
        let row = unsafe { mapped.pData.cast::<u8>().add(row * mapped.RowPitch as usize) };
        // SAFETY: rows are as long as their pitch, and aligned.
        all.extend(unsafe { std::slice::from_raw_parts(row.cast::<u32>(), mapped.RowPitch as usize / 4) });
    }
    // SAFETY: it is mapped.
    unsafe { context.Unmap(&staging, 0) };
    Ok(all)
}

fn formats(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let support = |format| {
        // SAFETY: the device is alive.
        let support = unsafe { device.CheckFormatSupport(format) };
        // CAST: flags.
        support.map(|support| move |bit: D3D11_FORMAT_SUPPORT| support & bit.0 as u32 != 0)
    };
    report.equal("a number that is no format", code(&support(DXGI_FORMAT(-1)).map(drop)), E_FAIL);
    report.equal("a format without support", code(&support(DXGI_FORMAT_R1_UNORM).map(drop)), E_FAIL);
    let srgb = support(DXGI_FORMAT_R8G8B8A8_UNORM_SRGB)?;
    report.holds("sRGB is drawn to", srgb(D3D11_FORMAT_SUPPORT_RENDER_TARGET));
    report.holds("sRGB is not stored to", !srgb(D3D11_FORMAT_SUPPORT_TYPED_UNORDERED_ACCESS_VIEW));
    report.holds("sRGB is not in buffers", !srgb(D3D11_FORMAT_SUPPORT_BUFFER));
    let integer = support(DXGI_FORMAT_R32G32B32A32_UINT)?;
    report.holds("integers are loaded", integer(D3D11_FORMAT_SUPPORT_SHADER_LOAD));
    report.holds("integers are not sampled", !integer(D3D11_FORMAT_SUPPORT_SHADER_SAMPLE));
    report.holds("integers are not blended", !integer(D3D11_FORMAT_SUPPORT_BLENDABLE));
    let alpha = support(DXGI_FORMAT_A8_UNORM)?;
    report.holds("alpha alone is drawn to", alpha(D3D11_FORMAT_SUPPORT_RENDER_TARGET));
    report.holds("alpha alone is blended", alpha(D3D11_FORMAT_SUPPORT_BLENDABLE));
    let depth = support(DXGI_FORMAT_D24_UNORM_S8_UINT)?;
    report.holds("depth is bound", depth(D3D11_FORMAT_SUPPORT_DEPTH_STENCIL));
    report.holds("depth has no volume", !depth(D3D11_FORMAT_SUPPORT_TEXTURE3D));
    let blocks = support(DXGI_FORMAT_BC1_UNORM)?;
    report.holds("blocks have no line", !blocks(D3D11_FORMAT_SUPPORT_TEXTURE1D));
    report.holds("blocks are not drawn to", !blocks(D3D11_FORMAT_SUPPORT_RENDER_TARGET));
    let mut answer =
        D3D11_FEATURE_DATA_FORMAT_SUPPORT2 { InFormat: DXGI_FORMAT_R32_UINT, OutFormatSupport2: 0 };
    let data = std::ptr::from_mut(&mut answer).cast();
    let size = size_of_val(&answer) as u32;
    // SAFETY: the data has the feature's size.
    unsafe { device.CheckFeatureSupport(D3D11_FEATURE_FORMAT_SUPPORT2, data, size) }?;
    // CAST: flags.
    let atomic =
        D3D11_FORMAT_SUPPORT2_UAV_ATOMIC_ADD.0 as u32 | D3D11_FORMAT_SUPPORT2_UAV_TYPED_LOAD.0 as u32;
    report.equal("atomic additions of integers", answer.OutFormatSupport2 & atomic, atomic);
    let device2: ID3D11Device2 = device.cast()?;
    let format = DXGI_FORMAT_R8G8B8A8_UNORM;
    // SAFETY: the device is alive.
    let levels = unsafe { device2.CheckMultisampleQualityLevels1(format, 4, 0) }?;
    report.holds("four samples", levels != 0);
    // SAFETY: the device is alive.
    let refused = unsafe { device.CheckMultisampleQualityLevels(format, 33) };
    report.equal("33 samples", code(&refused), E_FAIL);
    Ok(())
}

fn rectangles(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context: ID3D11DeviceContext1 = context(device)?.cast()?;
    let image = texture(device, &texture_desc(4, 1, D3D11_BIND_RENDER_TARGET))?;
    let target = target_view(device, &image)?;
    // SAFETY: the colour has four components.
    unsafe { context.ClearRenderTargetView(&target, &[0.0; 4]) };
    let rects = [
        RECT { left: 1, top: 1, right: 3, bottom: 2 },
        RECT { left: 3, top: 3, right: 9, bottom: 9 },
        RECT { left: 2, top: 2, right: 2, bottom: 4 },
    ];
    // SAFETY: the colour has four components.
    unsafe { context.ClearView(&target, &[1.0; 4], Some(&rects)) };
    let white = u32::MAX;
    report.equal(
        "ClearView clears rectangles",
        dwords(device, &image, 4)?,
        vec![0, 0, 0, 0, 0, white, white, 0, 0, 0, 0, 0, 0, 0, 0, white],
    );
    // SAFETY: as above.
    unsafe { context.ClearView(&target, &[1.0, 0.0, 0.0, 1.0], None) };
    report.equal("and all without them", dwords(device, &image, 4)?, vec![0xff00_00ff; 16]);
    let values = buffer(device, &buffer_desc(32, D3D11_BIND_UNORDERED_ACCESS, D3D11_USAGE_DEFAULT, 0))?;
    let desc = D3D11_UNORDERED_ACCESS_VIEW_DESC {
        Format: DXGI_FORMAT_R32_FLOAT,
        ViewDimension: D3D11_UAV_DIMENSION_BUFFER,
        Anonymous: D3D11_UNORDERED_ACCESS_VIEW_DESC_0 {
            Buffer: D3D11_BUFFER_UAV { FirstElement: 1, NumElements: 6, Flags: 0 },
        },
    };
    let mut view = None;
    // SAFETY: the description is complete.
    unsafe { device.CreateUnorderedAccessView(&values, Some(&desc), Some(&mut view)) }?;
    let view: ID3D11UnorderedAccessView = made(view)?;
    let part = [RECT { left: 2, top: 0, right: 4, bottom: 1 }];
    // SAFETY: as above.
    unsafe { context.ClearView(&view, &[1.0; 4], Some(&part)) };
    let one = 1f32.to_bits();
    report.equal(
        "ClearView clears elements of a buffer",
        words(device, &values, 8)?,
        vec![0, 0, 0, one, one, 0, 0, 0],
    );
    Ok(())
}

fn mapping(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context = context(device)?;
    let map = |resource: &ID3D11Buffer, mode| {
        let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
        // SAFETY: the out-pointer is a local's.
        let result = unsafe { context.Map(resource, 0, mode, 0, Some(&mut mapped)) };
        result.map(|()| mapped.pData.cast::<u32>())
    };
    // SAFETY: of what is mapped.
    let unmap = |resource: &ID3D11Buffer| unsafe { context.Unmap(resource, 0) };
    for bind in [D3D11_BIND_VERTEX_BUFFER, D3D11_BIND_CONSTANT_BUFFER, D3D11_BIND_SHADER_RESOURCE] {
        let dynamic = buffer(device, &buffer_desc(64, bind, D3D11_USAGE_DYNAMIC, WRITE))?;
        let target = buffer(device, &buffer_desc(64, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DEFAULT, 0))?;
        let mut expected = vec![0; 16];
        for at in 0..16_u32 {
            let mode = if at == 0 { D3D11_MAP_WRITE_DISCARD } else { D3D11_MAP_WRITE_NO_OVERWRITE };
            let mapped = map(&dynamic, mode)?;
            // SAFETY: the buffer has 16 words.
            let place = unsafe { mapped.add(at as usize) };
            // SAFETY: as above.
            unsafe { place.write(at + 1) };
            unmap(&dynamic);
            // The GPU reads what was written before, while more is.
            let region = D3D11_BOX { left: at * 4, top: 0, front: 0, right: at * 4 + 4, bottom: 1, back: 1 };
            // SAFETY: the box is in both.
            unsafe { context.CopySubresourceRegion(&target, 0, at * 4, 0, 0, &dynamic, 0, Some(&region)) };
            expected[at as usize] = at + 1;
        }
        report.equal(
            "no-overwrite adds to what the GPU reads",
            words(device, &target, 16)?,
            expected.clone(),
        );
        report.equal("all of it", words(device, &dynamic, 16)?, expected);
    }
    let both = READ | WRITE;
    let shaders = D3D11_BIND_SHADER_RESOURCE;
    let mapped = buffer(device, &buffer_desc(16, shaders, D3D11_USAGE_DEFAULT, both))?;
    let data = [1_u32, 2, 3, 4];
    // SAFETY: the data has the buffer's bytes.
    unsafe { context.UpdateSubresource(&mapped, 0, None, data.as_ptr().cast(), 0, 0) };
    let place = map(&mapped, D3D11_MAP_READ_WRITE)?;
    // SAFETY: the buffer has four words.
    let found = unsafe { std::slice::from_raw_parts(place, 4) }.to_vec();
    report.equal("a default buffer is read", found, data.to_vec());
    // SAFETY: as above.
    unsafe { place.write(9) };
    unmap(&mapped);
    report.equal("and written", words(device, &mapped, 4)?, vec![9, 2, 3, 4]);
    let refused = buffer(device, &buffer_desc(16, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DEFAULT, both));
    report.equal("but none for vertices", code(&refused), E_INVALIDARG);
    Ok(())
}

fn copies(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context = context(device)?;
    // Blocks of eight bytes are texels of eight bytes.
    let blocks = texture(device, &with_format(texture_desc(8, 1, NOTHING), DXGI_FORMAT_BC1_UNORM))?;
    let data: Vec<u32> = (1..=8).collect();
    // SAFETY: the data has the texture's bytes: two rows of two blocks.
    unsafe { context.UpdateSubresource(&blocks, 0, None, data.as_ptr().cast(), 16, 0) };
    let texels = texture(device, &with_format(texture_desc(2, 1, NOTHING), DXGI_FORMAT_R32G32_UINT))?;
    // SAFETY: both are alive.
    unsafe { context.CopyResource(&texels, &blocks) };
    report.equal("blocks become texels", dwords(device, &texels, 2)?, data.clone());
    let region = D3D11_BOX { left: 1, top: 1, front: 0, right: 2, bottom: 2, back: 1 };
    // SAFETY: both are alive.
    unsafe { context.CopySubresourceRegion(&blocks, 0, 0, 0, 0, &texels, 0, Some(&region)) };
    report.equal("and a texel a block", dwords(device, &blocks, 2)?, vec![7, 8, 3, 4, 5, 6, 7, 8]);
    let colors = texture(device, &with_format(texture_desc(2, 1, NOTHING), DXGI_FORMAT_R16G16B16A16_UNORM))?;
    // SAFETY: both are alive.
    unsafe { context.CopyResource(&colors, &texels) };
    report.equal("families stay apart", dwords(device, &colors, 2)?, vec![0; 8]);
    // Onto itself, as `CopyWithOverlap` promises.
    let line = buffer(device, &buffer_desc(16, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DEFAULT, 0))?;
    // SAFETY: the data has the buffer's bytes.
    unsafe { context.UpdateSubresource(&line, 0, None, data.as_ptr().cast(), 0, 0) };
    let region = D3D11_BOX { left: 0, top: 0, front: 0, right: 12, bottom: 1, back: 1 };
    // SAFETY: the box is in the buffer.
    unsafe { context.CopySubresourceRegion(&line, 0, 4, 0, 0, &line, 0, Some(&region)) };
    report.equal("a copy onto itself reads first", words(device, &line, 4)?, vec![1, 1, 2, 3]);
    let image = texture(device, &texture_desc(4, 1, NOTHING))?;
    // SAFETY: the data has a row of the texture.
    unsafe { context.UpdateSubresource(&image, 0, Some(&row(0, 4)), data.as_ptr().cast(), 16, 0) };
    // SAFETY: the box is in the texture.
    unsafe { context.CopySubresourceRegion(&image, 0, 1, 0, 0, &image, 0, Some(&row(0, 3))) };
    report.equal("and so does one of texels", dwords(device, &image, 1)?, vec![1, 1, 2, 3]);
    // SAFETY: a box that is inside out and one that reaches beyond: neither is read.
    unsafe { context.UpdateSubresource(&image, 0, Some(&row(3, 2)), data.as_ptr().cast(), 16, 0) };
    // SAFETY: as above.
    unsafe { context.UpdateSubresource(&image, 0, Some(&row(2, 5)), data.as_ptr().cast(), 16, 0) };
    report.equal("boxes that do not fit are dropped", dwords(device, &image, 1)?, vec![1, 1, 2, 3]);
    Ok(())
}

/// A part of a row.
fn row(left: u32, right: u32) -> D3D11_BOX {
    D3D11_BOX { left, top: 0, front: 0, right, bottom: 1, back: 1 }
}

fn depth_and_stencil(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context = context(device)?;
    let desc = with_format(texture_desc(2, 1, D3D11_BIND_DEPTH_STENCIL), DXGI_FORMAT_D24_UNORM_S8_UINT);
    let image = texture(device, &desc)?;
    let mut view = None;
    // SAFETY: a null description is a view of everything.
    unsafe { device.CreateDepthStencilView(&image, None, Some(&mut view)) }?;
    let view: ID3D11DepthStencilView = made(view)?;
    // CAST: flags.
    let flags = D3D11_CLEAR_DEPTH.0 | D3D11_CLEAR_STENCIL.0;
    // SAFETY: the view is alive.
    unsafe { context.ClearDepthStencilView(&view, flags, 1.0, 0x5a) };
    report.equal("depth and stencil are read back", dwords(device, &image, 2)?, vec![0x5aff_ffff; 4]);
    // CAST: a flag.
    let stencil = D3D11_CLEAR_STENCIL.0;
    // SAFETY: the view is alive.
    unsafe { context.ClearDepthStencilView(&view, stencil, 0.0, 7) };
    report.equal("stencil is cleared alone", dwords(device, &image, 2)?, vec![0x07ff_ffff; 4]);
    Ok(())
}

fn video(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context = context(device)?;
    let desc = with_format(texture_desc(4, 1, D3D11_BIND_SHADER_RESOURCE), DXGI_FORMAT_NV12);
    let image = texture(device, &desc)?;
    // Four rows of luma, two of chroma.
    let data: Vec<u32> = (1..=6).collect();
    // SAFETY: the data has the texture's bytes.
    unsafe { context.UpdateSubresource(&image, 0, None, data.as_ptr().cast(), 4, 0) };
    report.equal("chroma follows luma", dwords(device, &image, 6)?, data);
    for (format, shows) in [
        (DXGI_FORMAT_R8_UNORM, true),
        (DXGI_FORMAT_R8G8_UINT, true),
        (DXGI_FORMAT_NV12, false),
        (DXGI_FORMAT_R8G8B8A8_UNORM, false),
    ] {
        let desc = D3D11_SHADER_RESOURCE_VIEW_DESC {
            Format: format,
            ViewDimension: windows::Win32::Graphics::Direct3D::D3D_SRV_DIMENSION_TEXTURE2D,
            Anonymous: D3D11_SHADER_RESOURCE_VIEW_DESC_0 {
                Texture2D: D3D11_TEX2D_SRV { MostDetailedMip: 0, MipLevels: 1 },
            },
        };
        let mut view = None;
        // SAFETY: the description is complete.
        let made = unsafe { device.CreateShaderResourceView(&image, Some(&desc), Some(&mut view)) };
        report.equal("views show planes", (format, made.is_ok()), (format, shows));
    }
    Ok(())
}

fn levels(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context = context(device)?;
    let image = texture(
        device,
        &D3D11_TEXTURE2D_DESC {
            // CAST: a flag.
            MiscFlags: D3D11_RESOURCE_MISC_RESOURCE_CLAMP.0 as u32,
            ..texture_desc(4, 0, D3D11_BIND_SHADER_RESOURCE)
        },
    )?;
    // SAFETY: the texture is alive.
    report.equal("no level is clamped at first", unsafe { context.GetResourceMinLOD(&image) }, 0.0);
    // SAFETY: as above.
    unsafe { context.SetResourceMinLOD(&image, 1.5) };
    // SAFETY: as above.
    report.equal("the least level is kept", unsafe { context.GetResourceMinLOD(&image) }, 1.5);
    Ok(())
}
