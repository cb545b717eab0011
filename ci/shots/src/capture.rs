//! Reads a swap chain's back buffer.

#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use windows::Win32::Graphics::Direct3D11::{
    D3D11_CPU_ACCESS_READ, D3D11_MAP_READ, D3D11_MAPPED_SUBRESOURCE, D3D11_TEXTURE2D_DESC,
    D3D11_USAGE_DEFAULT, D3D11_USAGE_STAGING, ID3D11Device, ID3D11DeviceContext, ID3D11Texture2D,
};
use windows::Win32::Graphics::Dxgi::Common::{
    DXGI_FORMAT, DXGI_FORMAT_B8G8R8A8_UNORM, DXGI_FORMAT_B8G8R8A8_UNORM_SRGB, DXGI_FORMAT_B8G8R8X8_UNORM,
    DXGI_FORMAT_R8G8B8A8_UNORM, DXGI_FORMAT_R8G8B8A8_UNORM_SRGB, DXGI_SAMPLE_DESC,
};
use windows::Win32::Graphics::Dxgi::IDXGISwapChain;
use windows::core::Result;

use crate::frames::Picture;

/// The bytes of a pixel that hold red, green and blue.
type ChannelOrder = [usize; 3];

/// Copies the frame that is about to be presented.
///
/// # Errors
/// A sentence: Direct3D failed, or the back buffer's format is none of the 8-bit ones.
pub fn back_buffer(swap_chain: &IDXGISwapChain) -> std::result::Result<Picture, String> {
    // SAFETY: buffer 0 exists in every swap chain and is the one that is drawn to.
    let buffer: ID3D11Texture2D =
        unsafe { swap_chain.GetBuffer(0) }.map_err(|error| format!("no Direct3D 11 back buffer: {error}"))?;
    let mut description = D3D11_TEXTURE2D_DESC::default();
    // SAFETY: `description` is valid for writing.
    unsafe { buffer.GetDesc(&mut description) };
    let order = channel_order(description.Format)
        .ok_or_else(|| format!("cannot save back buffers of DXGI format {}", description.Format.0))?;
    read(&buffer, &description, order).map_err(|error| format!("cannot read the back buffer: {error}"))
}

fn channel_order(format: DXGI_FORMAT) -> Option<ChannelOrder> {
    match format {
        DXGI_FORMAT_R8G8B8A8_UNORM | DXGI_FORMAT_R8G8B8A8_UNORM_SRGB => Some([0, 1, 2]),
        DXGI_FORMAT_B8G8R8A8_UNORM | DXGI_FORMAT_B8G8R8A8_UNORM_SRGB | DXGI_FORMAT_B8G8R8X8_UNORM => {
            Some([2, 1, 0])
        }
        _ => None,
    }
}

fn read(
    buffer: &ID3D11Texture2D,
    description: &D3D11_TEXTURE2D_DESC,
    order: ChannelOrder,
) -> Result<Picture> {
    // SAFETY: the texture is live.
    let device = unsafe { buffer.GetDevice() }?;
    // SAFETY: the device is live.
    let context = unsafe { device.GetImmediateContext() }?;
    let single = D3D11_TEXTURE2D_DESC {
        MipLevels: 1,
        ArraySize: 1,
        SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
        BindFlags: 0,
        CPUAccessFlags: 0,
        MiscFlags: 0,
        Usage: D3D11_USAGE_DEFAULT,
        ..*description
    };
    let staging = D3D11_TEXTURE2D_DESC {
        CPUAccessFlags: D3D11_CPU_ACCESS_READ.0.cast_unsigned(),
        Usage: D3D11_USAGE_STAGING,
        ..single
    };
    let staging = texture(&device, &staging)?;
    if description.SampleDesc.Count > 1 {
        let resolved = texture(&device, &single)?;
        // SAFETY: both textures are of the same device, size and format; the source is multisampled, the target not.
        unsafe { context.ResolveSubresource(&resolved, 0, buffer, 0, description.Format) };
        // SAFETY: both textures are of the same device, size and format.
        unsafe { context.CopyResource(&staging, &resolved) };
    } else {
        // SAFETY: as above.
        unsafe { context.CopySubresourceRegion(&staging, 0, 0, 0, 0, buffer, 0, None) };
    }
    let pixels = map(&context, &staging, (description.Width, description.Height), order)?;
    Ok(Picture { width: description.Width, height: description.Height, pixels })
}

fn texture(device: &ID3D11Device, description: &D3D11_TEXTURE2D_DESC) -> Result<ID3D11Texture2D> {
    let mut texture = None;
    // SAFETY: the description is complete, there is no initial data, and the out-pointer is to a local.
    unsafe { device.CreateTexture2D(description, None, Some(&mut texture)) }?;
    texture.ok_or_else(|| windows::Win32::Foundation::E_FAIL.into())
}

/// Waits for the copy and takes red, green and blue of each pixel.
fn map(
    context: &ID3D11DeviceContext,
    staging: &ID3D11Texture2D,
    (width, height): (u32, u32),
    order: ChannelOrder,
) -> Result<Vec<u8>> {
    let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
    // SAFETY: subresource 0 of a staging texture with read access; `mapped` is valid for writing.
    unsafe { context.Map(staging, 0, D3D11_MAP_READ, 0, Some(&mut mapped)) }?;
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    for row in 0..height as usize {
        // SAFETY: a mapped texture has `height` rows, `RowPitch` bytes apart.
        let start = unsafe { mapped.pData.cast::<u8>().add(row * mapped.RowPitch as usize) };
        // SAFETY: each row holds `width` pixels of 4 bytes and is not written while it is mapped.
        let row = unsafe { std::slice::from_raw_parts(start, width as usize * 4) };
        pixels.extend(row.as_chunks::<4>().0.iter().flat_map(|pixel| order.map(|channel| pixel[channel])));
    }
    // SAFETY: mapped above; no slice into it is left.
    unsafe { context.Unmap(staging, 0) };
    Ok(pixels)
}
