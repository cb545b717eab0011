//! Textures that several devices use, and those that GDI draws to.
#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use std::time::Duration;

use windows::Win32::Foundation::{COLORREF, CloseHandle, E_INVALIDARG, HANDLE, S_OK};
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::DXGI_FORMAT_B8G8R8A8_UNORM;
use windows::Win32::Graphics::Dxgi::*;
use windows::Win32::Graphics::Gdi::SetPixel;
use windows::core::{HRESULT, Interface, Result, w};

pub use super::gpu::last_level;
use crate::check::Report;
use crate::device::{
    self, buffer, buffer_desc, code, context, target_view, texture, texture_desc, with_format,
};

// CAST: flags.
/// By handles of `GetSharedHandle`.
pub const SHARED: u32 = D3D11_RESOURCE_MISC_SHARED.0 as u32;
/// With a keyed mutex.
pub const KEYED: u32 = D3D11_RESOURCE_MISC_SHARED_KEYEDMUTEX.0 as u32;
/// By handles of NT.
pub const NT: u32 = D3D11_RESOURCE_MISC_SHARED_NTHANDLE.0 as u32;
const GDI: u32 = D3D11_RESOURCE_MISC_GDI_COMPATIBLE.0 as u32;
/// All access to a handle of NT.
pub const READ_WRITE: u32 = 0x8000_0000 | 1;
/// `WAIT_TIMEOUT`.
pub const TIMEOUT: HRESULT = HRESULT(0x102);
const RED: u32 = 0xff00_00ff;
const GREEN: u32 = 0xff00_ff00;
const BLUE: u32 = 0xffff_0000;

/// Checks the rules of this file.
///
/// # Errors
/// What stops the checks.
pub fn check(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let other = device::device()?;
    legacy_handles(report, device, &other)?;
    nt_handles(report, device, &other)?;
    keyed_mutexes(report, device, &other)?;
    gdi(report, device)
}

/// A description of what can be shared.
pub fn desc(misc: u32) -> D3D11_TEXTURE2D_DESC {
    let bind = D3D11_BIND_FLAG(D3D11_BIND_RENDER_TARGET.0 | D3D11_BIND_SHADER_RESOURCE.0);
    D3D11_TEXTURE2D_DESC { MiscFlags: misc, ..texture_desc(8, 1, bind) }
}

/// Fills a texture and submits that.
pub fn fill(device: &ID3D11Device, image: &ID3D11Texture2D, colour: u32) -> Result<()> {
    let view = target_view(device, image)?;
    let context = context(device)?;
    let colour = colour.to_le_bytes().map(|byte| f32::from(byte) / 255.0);
    // SAFETY: both are alive.
    unsafe { context.ClearRenderTargetView(&view, &colour) };
    // SAFETY: as above.
    unsafe { context.Flush() };
    Ok(())
}

/// Opens a handle of `GetSharedHandle`.
pub fn open(device: &ID3D11Device, handle: HANDLE) -> Result<ID3D11Texture2D> {
    let mut opened: Option<ID3D11Texture2D> = None;
    // SAFETY: the out-pointer is a local's.
    unsafe { device.OpenSharedResource(handle, &mut opened) }?;
    device::made(opened)
}

fn legacy_handles(report: &mut Report, device: &ID3D11Device, other: &ID3D11Device) -> Result<()> {
    let image = texture(device, &desc(SHARED))?;
    fill(device, &image, RED)?;
    // SAFETY: the texture is alive.
    let handle = unsafe { image.cast::<IDXGIResource>()?.GetSharedHandle() }?;
    let opened = open(other, handle)?;
    let mut found = D3D11_TEXTURE2D_DESC::default();
    // SAFETY: the out-pointer is a local's.
    unsafe { opened.GetDesc(&mut found) };
    report.equal("an opened texture has the description of the shared one", found, desc(SHARED));
    report.equal("another device sees what was flushed", last_level(other, &opened)?, RED);
    fill(other, &opened, BLUE)?;
    report.equal("and the first sees what the other did", last_level(device, &image)?, BLUE);
    for round in 0..8_u32 {
        let (writer, target, reader, source) =
            if round % 2 == 0 { (device, &image, other, &opened) } else { (other, &opened, device, &image) };
        let colour = 0xff00_0000 | (round * 16);
        fill(writer, target, colour)?;
        report.equal("flushes order devices", last_level(reader, source)?, colour);
    }
    let scratch = texture(device, &desc(0))?;
    fill(device, &scratch, GREEN)?;
    let immediate = context(device)?;
    for _ in 0..100_000 {
        // SAFETY: both are alive and of one shape.
        unsafe { immediate.CopySubresourceRegion(&image, 0, 0, 0, 0, &scratch, 0, None) };
    }
    report.equal("more commands than a ring holds need no flush", last_level(device, &image)?, GREEN);
    fill(device, &image, 0xff00_0070)?;
    let twin = open(device, handle)?;
    report.equal("a device may open what it shares", last_level(device, &twin)?, 0xff00_0070);
    drop(image);
    drop(twin);
    report.equal("a texture lives as long as a device has it", last_level(other, &opened)?, 0xff00_0070);
    let third = open(device, handle)?;
    report.equal("and can be opened so long", last_level(device, &third)?, 0xff00_0070);
    drop(third);
    drop(opened);
    report.equal("but no longer", code(&open(device, handle)), E_INVALIDARG);

    let plain = texture(device, &desc(0))?;
    // SAFETY: the texture is alive.
    let refused = unsafe { plain.cast::<IDXGIResource>()?.GetSharedHandle() };
    report.equal("a texture that is not shared has no handle", code(&refused), E_INVALIDARG);
    let levels = texture(device, &D3D11_TEXTURE2D_DESC { MipLevels: 2, ..desc(SHARED) })?;
    // SAFETY: the texture is alive.
    let refused = unsafe { levels.cast::<IDXGIResource>()?.GetSharedHandle() };
    report.equal("nor has one with levels, whatever it was made for", code(&refused), E_INVALIDARG);
    let bytes = buffer(
        device,
        &D3D11_BUFFER_DESC {
            MiscFlags: SHARED,
            ..buffer_desc(64, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DEFAULT, 0)
        },
    )?;
    // SAFETY: the buffer is alive.
    let refused = unsafe { bytes.cast::<IDXGIResource>()?.GetSharedHandle() };
    report.equal("nor has a buffer", code(&refused), E_INVALIDARG);
    for wrong in
        [desc(SHARED | KEYED), desc(NT), D3D11_TEXTURE2D_DESC { Usage: D3D11_USAGE_DYNAMIC, ..desc(SHARED) }]
    {
        report.equal("what cannot be shared is refused", code(&texture(device, &wrong)), E_INVALIDARG);
    }
    Ok(())
}

fn nt_handles(report: &mut Report, device: &ID3D11Device, other: &ID3D11Device) -> Result<()> {
    let image = texture(device, &desc(SHARED | NT))?;
    fill(device, &image, GREEN)?;
    let resource: IDXGIResource1 = image.cast()?;
    let name = w!("Local\\pvgpu d3d-rules");
    // SAFETY: the name is zero-terminated.
    let handle = unsafe { resource.CreateSharedHandle(None, READ_WRITE, name) }?;
    let other: ID3D11Device1 = other.cast()?;
    // SAFETY: the handle is open.
    let opened: ID3D11Texture2D = unsafe { other.OpenSharedResource1(handle) }?;
    let plain: ID3D11Device = other.cast()?;
    report.equal("a handle of NT opens the texture", last_level(&plain, &opened)?, GREEN);
    // SAFETY: the name is zero-terminated.
    let by_name: ID3D11Texture2D = unsafe { other.OpenSharedResourceByName(name, READ_WRITE) }?;
    report.equal("so does its name", last_level(&plain, &by_name)?, GREEN);
    // SAFETY: as above.
    let twice = unsafe { resource.CreateSharedHandle(None, READ_WRITE, name) };
    report.equal("a name is given once", code(&twice), DXGI_ERROR_NAME_ALREADY_EXISTS);
    report.equal("the other kind of handle is another kind", code(&open(&plain, handle)), E_INVALIDARG);
    // SAFETY: the texture is alive.
    let legacy = unsafe { resource.GetSharedHandle() };
    report.equal("and the texture has none of it", code(&legacy), E_INVALIDARG);
    // SAFETY: it was made above.
    unsafe { CloseHandle(handle) }?;
    // SAFETY: any number is allowed.
    let closed: Result<ID3D11Texture2D> = unsafe { other.OpenSharedResource1(handle) };
    report.equal("a closed handle opens nothing", code(&closed), E_INVALIDARG);
    Ok(())
}

/// `AcquireSync`, whose other successes the binding hides.
pub fn acquire(mutex: &IDXGIKeyedMutex, key: u64, milliseconds: u32) -> HRESULT {
    // SAFETY: the vtable is the object's own.
    unsafe { (mutex.vtable().AcquireSync)(mutex.as_raw(), key, milliseconds) }
}

/// A mutex on its way to another thread.
struct Sent(IDXGIKeyedMutex);

// SAFETY: Direct3D's objects are free-threaded.
unsafe impl Send for Sent {}

fn keyed_mutexes(report: &mut Report, device: &ID3D11Device, other: &ID3D11Device) -> Result<()> {
    let image = texture(device, &desc(KEYED))?;
    // SAFETY: the texture is alive.
    let handle = unsafe { image.cast::<IDXGIResource>()?.GetSharedHandle() }?;
    let opened = open(other, handle)?;
    let (mine, its): (IDXGIKeyedMutex, IDXGIKeyedMutex) = (image.cast()?, opened.cast()?);
    // SAFETY: both are alive.
    let release = |mutex: &IDXGIKeyedMutex, key| code(&unsafe { mutex.ReleaseSync(key) });
    report.equal("who does not have it cannot release it", release(&mine, 0), DXGI_ERROR_INVALID_CALL);
    report.equal("a new mutex is free with key 0", acquire(&mine, 0, 0), S_OK);
    report.equal("one device has it", acquire(&its, 0, 10), TIMEOUT);
    for round in 0..8_u64 {
        let colour = 0xff00_0000 | round as u32;
        fill(device, &image, colour)?;
        report.equal("its owner releases it", release(&mine, 2 * round + 1), S_OK);
        report.equal("only with its key it is free", acquire(&its, 2 * round, 0), TIMEOUT);
        report.equal("with it, it is", acquire(&its, 2 * round + 1, 5000), S_OK);
        report.equal("work under the mutex is in order", last_level(other, &opened)?, colour);
        report.equal("it goes back", release(&its, 2 * round + 2), S_OK);
        report.equal("and on", acquire(&mine, 2 * round + 2, 5000), S_OK);
    }
    let waiting = Sent(its.clone());
    let waiter = std::thread::spawn(move || {
        let Sent(its) = { waiting };
        acquire(&its, 99, 10_000)
    });
    std::thread::sleep(Duration::from_millis(30));
    report.equal("the owner lets a thread go on that waits", release(&mine, 99), S_OK);
    report.equal("it goes on", waiter.join().ok(), Some(S_OK));
    report.equal("a mutex ends", release(&its, 0), S_OK);
    report.holds(
        "a texture without a mutex has no interface of one",
        texture(device, &desc(SHARED))?.cast::<IDXGIKeyedMutex>().is_err(),
    );
    Ok(())
}

fn gdi(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let wanted = with_format(desc(GDI), DXGI_FORMAT_B8G8R8A8_UNORM);
    let image = texture(device, &wanted)?;
    fill(device, &image, GREEN)?;
    let surface: IDXGISurface1 = image.cast()?;
    // SAFETY: the surface is alive.
    let context = unsafe { surface.GetDC(false) }?;
    // SAFETY: as above.
    let twice = unsafe { surface.GetDC(false) };
    report.equal("a surface has one device context", code(&twice), DXGI_ERROR_INVALID_CALL);
    // SAFETY: the context is live.
    let before = unsafe { windows::Win32::Graphics::Gdi::GetPixel(context, 3, 3) };
    report.equal("GDI sees what the GPU drew", before.0, 0x00_ff00);
    // SAFETY: as above.
    let _colour = unsafe { SetPixel(context, 0, 0, COLORREF(0x0000_00ff)) };
    // SAFETY: the surface is alive.
    unsafe { surface.ReleaseDC(None) }?;
    report.equal("and the GPU what GDI drew", last_level(device, &image)? & 0xff_ffff, 0xff_0000);
    // SAFETY: as above.
    let none = unsafe { surface.ReleaseDC(None) };
    report.equal("a context is given back once", code(&none), DXGI_ERROR_INVALID_CALL);
    let plain: IDXGISurface1 = texture(device, &desc(0))?.cast()?;
    // SAFETY: as above.
    let refused = unsafe { plain.GetDC(false) };
    report.equal("GDI draws to no other texture", code(&refused), DXGI_ERROR_INVALID_CALL);
    report.equal("nor in another format", code(&texture(device, &desc(GDI))), E_INVALIDARG);
    Ok(())
}
