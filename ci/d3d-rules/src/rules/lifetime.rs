//! References, identity, private data.
#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use windows::Win32::Foundation::{E_NOINTERFACE, S_FALSE};
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::{
    DXGI_ERROR_MORE_DATA, DXGI_ERROR_NOT_FOUND, IDXGIDevice, IDXGIResource, IDXGISurface,
};
use windows::core::{GUID, IUnknown, Interface, Result};

use crate::check::Report;
use crate::device::{
    buffer, buffer_desc, code, context, made, references, same, shader_view, texture, texture_desc,
};

const KEY: GUID = GUID::from_u128(0x2f1d_4c1e_5b0a_4f65_8d8c_1a2b_3c4d_5e6f);

/// Checks the rules of this file.
///
/// # Errors
/// What stops the checks.
pub fn check(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    children(report, device)?;
    bound_objects(report, device)?;
    identity(report, device)?;
    states(report, device)?;
    private_data(report, device)
}

fn children(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let before = references(device);
    let desc = buffer_desc(64, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DEFAULT, 0);
    let child = buffer(device, &desc)?;
    report.equal("a new object has one reference", references(&child), 1);
    report.equal("a child holds a reference to its device", references(device), before + 1);
    let second = child.clone();
    report.equal("only one, however many references the child has", references(device), before + 1);
    drop(second);
    // SAFETY: the child is alive.
    let parent = unsafe { child.GetDevice() }?;
    report.holds("GetDevice returns the device", same(&parent, device));
    drop(parent);
    drop(child);
    report.equal("a released child gives its device's reference back", references(device), before);
    let immediate = context(device)?;
    report.equal("the immediate context is a child too", references(device), before + 1);
    let again = context(device)?;
    report.holds("there is one immediate context", same(&immediate, &again));
    report.equal("its references are its users'", references(&immediate), 2);
    drop((immediate, again));
    report.equal("and its device's reference goes with the last", references(device), before);
    Ok(())
}

fn bound_objects(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let context = context(device)?;
    let before = references(device);
    let desc = buffer_desc(64, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DEFAULT, 0);
    let vertices = buffer(device, &desc)?;
    let address = vertices.as_raw();
    // SAFETY: the arrays have one entry.
    unsafe { context.IASetVertexBuffers(3, 1, Some(&Some(vertices.clone())), Some(&16), Some(&0)) };
    report.equal("binding adds no reference", references(&vertices), 1);
    drop(vertices);
    report.equal("a bound object does not hold the device", references(device), before);
    let (mut found, mut stride, mut offset) = (None, 0, 0);
    // SAFETY: the arrays have one entry.
    unsafe { context.IAGetVertexBuffers(3, 1, Some(&mut found), Some(&mut stride), Some(&mut offset)) };
    let found: ID3D11Buffer = made(found)?;
    report.holds("a bound object lives on after its last release", found.as_raw() == address);
    report.equal("Get adds a reference", references(&found), 1);
    report.equal("which holds the device again", references(device), before + 1);
    report.equal("Get returns the stride", (stride, offset), (16, 0));
    // SAFETY: the context is alive.
    unsafe { context.ClearState() };
    report.equal("ClearState leaves the application's references", references(&found), 1);

    let image = texture(device, &texture_desc(16, 1, D3D11_BIND_SHADER_RESOURCE))?;
    let view = shader_view(device, &image)?;
    report.equal("a view adds no visible reference to its resource", references(&image), 1);
    drop(image);
    // SAFETY: the view is alive.
    let image = unsafe { view.GetResource() }?;
    report.equal("a view keeps its resource alive", references(&image), 1);
    Ok(())
}

fn identity(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let dxgi: IDXGIDevice = device.cast()?;
    report.holds("a device is its IDXGIDevice", same(device, &dxgi));
    report.holds("and back", dxgi.cast::<ID3D11Device>().is_ok_and(|back| same(&back, device)));
    let other: Result<IDXGISurface> = device.cast();
    report.equal("a device is no surface", code(&other), E_NOINTERFACE);
    let image = texture(device, &texture_desc(16, 1, D3D11_BIND_SHADER_RESOURCE))?;
    let surface: IDXGISurface = image.cast()?;
    report.holds("a 2D texture is its surface", same(&image, &surface));
    // SAFETY: the surface is alive.
    let desc = unsafe { surface.GetDesc() }?;
    report.equal("the surface has the texture's size", (desc.Width, desc.Height), (16, 16));
    let levels = texture(device, &texture_desc(16, 2, D3D11_BIND_SHADER_RESOURCE))?;
    report.holds("a texture of two levels has none", levels.cast::<IDXGISurface>().is_err());
    let vertices = buffer(device, &buffer_desc(64, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DEFAULT, 0))?;
    report.holds("a buffer has none", vertices.cast::<IDXGISurface>().is_err());
    report.holds("a buffer is a DXGI resource", vertices.cast::<IDXGIResource>().is_ok());
    report.holds("a buffer is no texture", vertices.cast::<ID3D11Texture2D>().is_err());
    report.holds("a buffer is a resource", vertices.cast::<ID3D11Resource>().is_ok());
    Ok(())
}

fn states(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let desc = D3D11_SAMPLER_DESC {
        Filter: D3D11_FILTER_MIN_MAG_MIP_LINEAR,
        AddressU: D3D11_TEXTURE_ADDRESS_WRAP,
        AddressV: D3D11_TEXTURE_ADDRESS_WRAP,
        AddressW: D3D11_TEXTURE_ADDRESS_CLAMP,
        MaxLOD: 16.0,
        ..Default::default()
    };
    let sampler = |desc: &D3D11_SAMPLER_DESC| {
        let mut state = None;
        // SAFETY: the description is complete and the out-pointer is a local's.
        unsafe { device.CreateSamplerState(desc, Some(&mut state)) }?;
        made(state)
    };
    let one = sampler(&desc)?;
    let two = sampler(&desc)?;
    report.holds("equal descriptions are one state object", one == two);
    report.equal("whose references add up", references(&one), 2);
    let other = sampler(&D3D11_SAMPLER_DESC { MaxLOD: 15.0, ..desc })?;
    report.holds("others are not", other != one);
    Ok(())
}

fn private_data(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let holder = buffer(device, &buffer_desc(64, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DEFAULT, 0))?;
    let (mut size, mut data) = (4_u32, [0_u8; 4]);
    let pointer = Some(data.as_mut_ptr().cast());
    // SAFETY: `data` has `size` bytes.
    let missing = unsafe { holder.GetPrivateData(&KEY, &mut size, pointer) };
    report.equal("what is not set is not found", code(&missing), DXGI_ERROR_NOT_FOUND);
    // SAFETY: the data has three bytes.
    unsafe { holder.SetPrivateData(&KEY, 3, Some([7_u8, 8, 9].as_ptr().cast())) }?;
    size = 2;
    // SAFETY: `data` has more than `size` bytes.
    let small = unsafe { holder.GetPrivateData(&KEY, &mut size, pointer) };
    report.equal("a buffer that is too small is refused", code(&small), DXGI_ERROR_MORE_DATA);
    report.equal("and told the size", size, 3);
    // SAFETY: `data` has more than `size` bytes.
    unsafe { holder.GetPrivateData(&KEY, &mut size, pointer) }?;
    report.equal("data comes back", (size, data), (3, [7, 8, 9, 0]));

    let value = buffer(device, &buffer_desc(64, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DEFAULT, 0))?;
    // SAFETY: both are alive.
    unsafe { holder.SetPrivateDataInterface(&KEY, &value) }?;
    report.equal("an interface is held", references(&value), 2);
    // SAFETY: a null pointer removes.
    unsafe { holder.SetPrivateData(&KEY, 0, None) }?;
    report.equal("until it is removed", references(&value), 1);
    // SAFETY: a null pointer removes.
    let again = unsafe { holder.SetPrivateData(&KEY, 0, None) };
    // The wrapper takes every success for `Ok`, S_FALSE among them.
    report.holds("removing nothing is no error", again.is_ok() || code(&again) == S_FALSE);
    // SAFETY: both are alive.
    unsafe { holder.SetPrivateDataInterface(&KEY, &value.cast::<IUnknown>()?) }?;
    drop(holder);
    report.equal("or its holder is gone", references(&value), 1);
    Ok(())
}
