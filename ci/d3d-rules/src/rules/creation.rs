//! Descriptions: what is refused, what is filled in, what the device says it can do.
#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use windows::Win32::Foundation::E_INVALIDARG;
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::{
    DXGI_FORMAT_D24_UNORM_S8_UINT, DXGI_FORMAT_R8G8B8A8_TYPELESS, DXGI_FORMAT_R8G8B8A8_UNORM,
    DXGI_SAMPLE_DESC,
};
use windows::core::Result;

use crate::check::Report;
use crate::device::{
    buffer, buffer_desc, code, shader_view, target_view, texture, texture_desc, with_format,
};

// CAST: flags.
const WRITE: u32 = D3D11_CPU_ACCESS_WRITE.0 as u32;
// CAST: flags.
const READ: u32 = D3D11_CPU_ACCESS_READ.0 as u32;

/// Checks the rules of this file.
///
/// # Errors
/// What stops the checks.
pub fn check(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    buffers(report, device);
    textures(report, device)?;
    views(report, device)?;
    support(report, device)
}

fn buffers(report: &mut Report, device: &ID3D11Device) {
    let constants = D3D11_BIND_CONSTANT_BUFFER;
    let refused = [
        ("a constant buffer's size is a multiple of 16", buffer_desc(20, constants, D3D11_USAGE_DEFAULT, 0)),
        ("a buffer has bytes", buffer_desc(0, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DEFAULT, 0)),
        (
            "a staging buffer is not bound",
            buffer_desc(64, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_STAGING, READ),
        ),
        ("a dynamic buffer is not read", buffer_desc(64, constants, D3D11_USAGE_DYNAMIC, READ)),
        ("an immutable buffer needs data", buffer_desc(64, constants, D3D11_USAGE_IMMUTABLE, 0)),
        (
            "a constant buffer is nothing else",
            buffer_desc(64, constants | D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DEFAULT, 0),
        ),
    ];
    for (rule, desc) in refused {
        report.equal(rule, code(&buffer(device, &desc)), E_INVALIDARG);
    }
    let made = buffer(device, &buffer_desc(64, constants, D3D11_USAGE_DYNAMIC, WRITE));
    report.holds("a dynamic constant buffer is made", made.is_ok());
}

fn textures(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let image = texture(device, &texture_desc(37, 0, D3D11_BIND_SHADER_RESOURCE))?;
    let mut desc = D3D11_TEXTURE2D_DESC::default();
    // SAFETY: the out-pointer is a local's.
    unsafe { image.GetDesc(&mut desc) };
    report.equal("zero levels are a full chain", desc.MipLevels, 6);
    let plain = texture_desc(16, 1, D3D11_BIND_SHADER_RESOURCE);
    let samples = DXGI_SAMPLE_DESC { Count: 0, Quality: 0 };
    let depth = D3D11_BIND_DEPTH_STENCIL | D3D11_BIND_SHADER_RESOURCE;
    let refused = [
        ("a texture has texels", texture_desc(0, 1, D3D11_BIND_SHADER_RESOURCE)),
        ("a texture has at most a full chain", texture_desc(16, 6, D3D11_BIND_SHADER_RESOURCE)),
        ("a texture has a sample", D3D11_TEXTURE2D_DESC { SampleDesc: samples, ..plain }),
        ("a texture has a slice", D3D11_TEXTURE2D_DESC { ArraySize: 0, ..plain }),
        (
            "a depth format is not sampled",
            with_format(texture_desc(16, 1, depth), DXGI_FORMAT_D24_UNORM_S8_UINT),
        ),
        ("a colour format is no depth target", texture_desc(16, 1, D3D11_BIND_DEPTH_STENCIL)),
        (
            "a cube has six faces",
            // CAST: flags.
            D3D11_TEXTURE2D_DESC { MiscFlags: D3D11_RESOURCE_MISC_TEXTURECUBE.0 as u32, ..plain },
        ),
    ];
    for (rule, desc) in refused {
        report.equal(rule, code(&texture(device, &desc)), E_INVALIDARG);
    }
    Ok(())
}

fn views(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let both = D3D11_BIND_SHADER_RESOURCE | D3D11_BIND_RENDER_TARGET;
    let image = texture(device, &D3D11_TEXTURE2D_DESC { ArraySize: 3, ..texture_desc(16, 2, both) })?;
    let view = shader_view(device, &image)?;
    let mut desc = D3D11_SHADER_RESOURCE_VIEW_DESC::default();
    // SAFETY: the out-pointer is a local's.
    unsafe { view.GetDesc(&mut desc) };
    // SAFETY: the dimension is checked in the same rule.
    let array = unsafe { desc.Anonymous.Texture2DArray };
    report.equal(
        "a view without a description shows everything",
        (desc.Format, desc.ViewDimension.0, array.MipLevels, array.ArraySize),
        (DXGI_FORMAT_R8G8B8A8_UNORM, 5, 2, 3),
    );
    let sampled = texture(device, &texture_desc(16, 1, D3D11_BIND_SHADER_RESOURCE))?;
    report.equal(
        "a texture that was not made for drawing is no target",
        code(&target_view(device, &sampled)),
        E_INVALIDARG,
    );
    let typeless = texture(device, &with_format(texture_desc(16, 1, both), DXGI_FORMAT_R8G8B8A8_TYPELESS))?;
    report.equal("a typeless texture needs a format", code(&shader_view(device, &typeless)), E_INVALIDARG);
    Ok(())
}

fn support(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    // SAFETY: the device is alive.
    let format = unsafe { device.CheckFormatSupport(DXGI_FORMAT_R8G8B8A8_UNORM) }?;
    let wanted = D3D11_FORMAT_SUPPORT_TEXTURE2D.0
        | D3D11_FORMAT_SUPPORT_RENDER_TARGET.0
        | D3D11_FORMAT_SUPPORT_SHADER_SAMPLE.0
        | D3D11_FORMAT_SUPPORT_BLENDABLE.0;
    // CAST: flags.
    report.equal("RGBA is sampled, drawn to and blended", format & wanted as u32, wanted as u32);
    // SAFETY: the device is alive.
    let levels = unsafe { device.CheckMultisampleQualityLevels(DXGI_FORMAT_R8G8B8A8_UNORM, 1) }?;
    report.holds("one sample works", levels >= 1);
    let mut doubles = D3D11_FEATURE_DATA_DOUBLES::default();
    let data = std::ptr::from_mut(&mut doubles).cast();
    // SAFETY: the struct is the feature's.
    let right = unsafe { device.CheckFeatureSupport(D3D11_FEATURE_DOUBLES, data, 4) };
    report.holds("a feature is asked for with its struct", right.is_ok());
    // SAFETY: the size is smaller than the struct.
    let wrong = unsafe { device.CheckFeatureSupport(D3D11_FEATURE_DOUBLES, data, 3) };
    report.equal("and with no other size", code(&wrong), E_INVALIDARG);
    // SAFETY: the device is alive.
    report.holds("the device is not removed", unsafe { device.GetDeviceRemovedReason() }.is_ok());
    Ok(())
}
