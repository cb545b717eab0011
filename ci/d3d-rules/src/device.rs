//! Short ways to make Direct3D objects and to look at them.
#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use windows::Win32::Foundation::{E_FAIL, HMODULE};
use windows::Win32::Graphics::Direct3D::D3D_DRIVER_TYPE_HARDWARE;
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::{DXGI_FORMAT, DXGI_FORMAT_R8G8B8A8_UNORM, DXGI_SAMPLE_DESC};
use windows::core::{Error, HRESULT, IUnknown, Interface, Result};

/// A new device and nothing else.
pub fn device() -> Result<ID3D11Device> {
    let mut device = None;
    // SAFETY: the out-pointers are null or point to a local that outlives the call.
    unsafe {
        D3D11CreateDevice(
            None,
            D3D_DRIVER_TYPE_HARDWARE,
            HMODULE::default(),
            D3D11_CREATE_DEVICE_FLAG::default(),
            None,
            D3D11_SDK_VERSION,
            Some(&mut device),
            None,
            None,
        )
    }?;
    made(device)
}

/// What an out-pointer received.
pub fn made<T>(object: Option<T>) -> Result<T> {
    object.ok_or_else(|| Error::from_hresult(E_FAIL))
}

/// The code of a result, `S_OK` for success.
pub fn code<T>(result: &Result<T>) -> HRESULT {
    result.as_ref().err().map_or(HRESULT(0), Error::code)
}

/// The references of an object, as `Release` counts them.
pub fn references<T: Interface>(object: &T) -> u32 {
    let raw = object.as_raw();
    // SAFETY: `object` is alive, and every interface begins with `IUnknown`.
    let unknown = unsafe { IUnknown::from_raw_borrowed(&raw) };
    let Some(unknown) = unknown else { return 0 };
    let vtable = unknown.vtable();
    // SAFETY: the vtable is the object's own.
    unsafe { (vtable.AddRef)(raw) };
    // SAFETY: this gives up the reference just added.
    unsafe { (vtable.Release)(raw) }
}

/// Whether two interfaces are of one object.
pub fn same<A: Interface, B: Interface>(one: &A, other: &B) -> bool {
    let identity = |unknown: Result<IUnknown>| unknown.map(|unknown| unknown.as_raw()).ok();
    identity(one.cast()) == identity(other.cast())
}

/// The immediate context.
pub fn context(device: &ID3D11Device) -> Result<ID3D11DeviceContext> {
    // SAFETY: the device is alive.
    unsafe { device.GetImmediateContext() }
}

/// A buffer description.
pub fn buffer_desc(bytes: u32, bind: D3D11_BIND_FLAG, usage: D3D11_USAGE, cpu: u32) -> D3D11_BUFFER_DESC {
    D3D11_BUFFER_DESC {
        ByteWidth: bytes,
        Usage: usage,
        // CAST: flags.
        BindFlags: bind.0 as u32,
        CPUAccessFlags: cpu,
        ..Default::default()
    }
}

/// Creates a buffer.
pub fn buffer(device: &ID3D11Device, desc: &D3D11_BUFFER_DESC) -> Result<ID3D11Buffer> {
    let mut buffer = None;
    // SAFETY: the description is complete and the out-pointer is a local's.
    unsafe { device.CreateBuffer(desc, None, Some(&mut buffer)) }?;
    made(buffer)
}

/// A 2D texture description: RGBA, one slice, default usage.
pub fn texture_desc(size: u32, levels: u32, bind: D3D11_BIND_FLAG) -> D3D11_TEXTURE2D_DESC {
    D3D11_TEXTURE2D_DESC {
        Width: size,
        Height: size,
        MipLevels: levels,
        ArraySize: 1,
        Format: DXGI_FORMAT_R8G8B8A8_UNORM,
        SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
        Usage: D3D11_USAGE_DEFAULT,
        // CAST: flags.
        BindFlags: bind.0 as u32,
        ..Default::default()
    }
}

/// Creates a 2D texture.
pub fn texture(device: &ID3D11Device, desc: &D3D11_TEXTURE2D_DESC) -> Result<ID3D11Texture2D> {
    let mut texture = None;
    // SAFETY: the description is complete and the out-pointer is a local's.
    unsafe { device.CreateTexture2D(desc, None, Some(&mut texture)) }?;
    made(texture)
}

/// A texture of one level in another format.
pub fn with_format(desc: D3D11_TEXTURE2D_DESC, format: DXGI_FORMAT) -> D3D11_TEXTURE2D_DESC {
    D3D11_TEXTURE2D_DESC { Format: format, ..desc }
}

/// A view of all of a texture as shader resource.
pub fn shader_view(device: &ID3D11Device, texture: &ID3D11Texture2D) -> Result<ID3D11ShaderResourceView> {
    let mut view = None;
    // SAFETY: a null description is a view of everything.
    unsafe { device.CreateShaderResourceView(texture, None, Some(&mut view)) }?;
    made(view)
}

/// A view of all of a texture as render target.
pub fn target_view(device: &ID3D11Device, texture: &ID3D11Texture2D) -> Result<ID3D11RenderTargetView> {
    let mut view = None;
    // SAFETY: a null description is a view of everything.
    unsafe { device.CreateRenderTargetView(texture, None, Some(&mut view)) }?;
    made(view)
}
