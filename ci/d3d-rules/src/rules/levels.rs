//! Feature levels, fences, and the interfaces of later versions.
#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use windows::Win32::Foundation::{CloseHandle, E_INVALIDARG, HANDLE, HMODULE, WAIT_OBJECT_0};
use windows::Win32::Graphics::Direct3D::{
    D3D_DRIVER_TYPE_HARDWARE, D3D_FEATURE_LEVEL, D3D_FEATURE_LEVEL_9_1, D3D_FEATURE_LEVEL_9_3,
    D3D_FEATURE_LEVEL_10_0, D3D_FEATURE_LEVEL_10_1, D3D_FEATURE_LEVEL_11_0,
};
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::System::Threading::{CreateEventW, WaitForSingleObject};
use windows::core::{Interface, Result};

use crate::check::Report;
use crate::device::{
    buffer, buffer_desc, code, context, made, references, shader_view, target_view, texture, texture_desc,
};

/// TIMEOUT: a software renderer on a busy machine gets through a clear in a second.
const PATIENCE_MS: u32 = 10_000;

/// Checks the rules of this file.
///
/// # Errors
/// What stops the checks.
pub fn check(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    levels(report)?;
    interfaces(report, device)?;
    fences(report, device)?;
    removal(report, device)
}

fn device_of(level: D3D_FEATURE_LEVEL) -> Result<ID3D11Device> {
    let (mut device, mut chosen) = (None, D3D_FEATURE_LEVEL::default());
    // SAFETY: the out-pointers are locals'.
    unsafe {
        D3D11CreateDevice(
            None,
            D3D_DRIVER_TYPE_HARDWARE,
            HMODULE::default(),
            D3D11_CREATE_DEVICE_FLAG::default(),
            Some(&[level]),
            D3D11_SDK_VERSION,
            Some(&mut device),
            Some(&mut chosen),
            None,
        )
    }?;
    made(device)
}

fn levels(report: &mut Report) -> Result<()> {
    let sampled = D3D11_BIND_SHADER_RESOURCE;
    for (level, size) in [
        (D3D_FEATURE_LEVEL_9_1, 2048),
        (D3D_FEATURE_LEVEL_9_3, 4096),
        (D3D_FEATURE_LEVEL_10_0, 8192),
        (D3D_FEATURE_LEVEL_11_0, 16384),
    ] {
        let device = device_of(level)?;
        // SAFETY: the device is alive.
        report.equal("a device has the level that was asked for", unsafe { device.GetFeatureLevel() }, level);
        // One row, so that the greatest of them takes little memory.
        let wide = |width| D3D11_TEXTURE2D_DESC { Width: width, ..texture_desc(1, 1, sampled) };
        report.holds("textures of the level's size exist", texture(&device, &wide(size)).is_ok());
        report.equal("greater ones do not", code(&texture(&device, &wide(size * 2))), E_INVALIDARG);
        let cubes = D3D11_TEXTURE2D_DESC {
            ArraySize: 12,
            // CAST: flags.
            MiscFlags: D3D11_RESOURCE_MISC_TEXTURECUBE.0 as u32,
            ..texture_desc(16, 1, sampled)
        };
        let several = level.0 >= D3D_FEATURE_LEVEL_10_1.0;
        report.equal("arrays of cubes came with 10.1", texture(&device, &cubes).is_ok(), several);
        let shaders = buffer_desc(64, sampled, D3D11_USAGE_DEFAULT, 0);
        let tens = level.0 >= D3D_FEATURE_LEVEL_10_0.0;
        report.equal("shaders see buffers from 10.0 on", buffer(&device, &shaders).is_ok(), tens);
        let mut hardware = D3D11_FEATURE_DATA_D3D10_X_HARDWARE_OPTIONS::default();
        // CAST: a few bytes.
        let bytes = size_of_val(&hardware) as u32;
        let data = std::ptr::from_mut(&mut hardware).cast();
        // SAFETY: the data is the feature's struct.
        unsafe { device.CheckFeatureSupport(D3D11_FEATURE_D3D10_X_HARDWARE_OPTIONS, data, bytes) }?;
        let compute = hardware.ComputeShaders_Plus_RawAndStructuredBuffers_Via_Shader_4_x.as_bool();
        report.equal("and compute", compute, tens);
    }
    Ok(())
}

fn interfaces(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let device5: ID3D11Device5 = device.cast()?;
    let mut context4 = None;
    // SAFETY: the out-pointer is a local's.
    unsafe { device5.CreateDeferredContext3(0, Some(&mut context4)) }?;
    let context4: ID3D11DeviceContext4 = made::<ID3D11DeviceContext3>(context4)?.cast()?;
    // SAFETY: the context is alive.
    report.equal("a deferred context has all interfaces", unsafe { context4.GetContextFlags() }, 0);
    let desc = D3D11_TEXTURE2D_DESC1 {
        Width: 4,
        Height: 4,
        MipLevels: 1,
        ArraySize: 1,
        Format: windows::Win32::Graphics::Dxgi::Common::DXGI_FORMAT_R8G8B8A8_UNORM,
        SampleDesc: windows::Win32::Graphics::Dxgi::Common::DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
        // CAST: flags.
        BindFlags: (D3D11_BIND_SHADER_RESOURCE | D3D11_BIND_RENDER_TARGET).0 as u32,
        ..Default::default()
    };
    let mut image = None;
    // SAFETY: the out-pointer is a local's.
    unsafe { device5.CreateTexture2D1(&desc, None, Some(&mut image)) }?;
    let image: ID3D11Texture2D1 = made(image)?;
    let mut found = D3D11_TEXTURE2D_DESC1::default();
    // SAFETY: as above.
    unsafe { image.GetDesc1(&mut found) };
    report.equal(
        "a texture has the description it was made with",
        (found.Width, found.TextureLayout),
        (4, desc.TextureLayout),
    );
    let view: ID3D11ShaderResourceView1 = shader_view(device, &image.cast()?)?.cast()?;
    let mut found = D3D11_SHADER_RESOURCE_VIEW_DESC1::default();
    // SAFETY: as above.
    unsafe { view.GetDesc1(&mut found) };
    report.equal("so has a view", found.Format, desc.Format);
    let laid_out = D3D11_TEXTURE2D_DESC1 { TextureLayout: D3D11_TEXTURE_LAYOUT_ROW_MAJOR, ..desc };
    // SAFETY: a null out-pointer asks for a check only.
    let refused = unsafe { device5.CreateTexture2D1(&laid_out, None, None) };
    report.equal("layouts are for mapped textures, which there are not", code(&refused), E_INVALIDARG);
    Ok(())
}

/// An event that is not set.
fn event() -> Result<HANDLE> {
    // SAFETY: no attributes and no name.
    unsafe { CreateEventW(None, true, false, None) }
}

fn fences(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let device5: ID3D11Device5 = device.cast()?;
    let before = references(device);
    let context4: ID3D11DeviceContext4 = context(device)?.cast()?;
    let mut fence: Option<ID3D11Fence> = None;
    // SAFETY: the out-pointer is a local's.
    unsafe { device5.CreateFence(5, D3D11_FENCE_FLAG_NONE, &mut fence) }?;
    let fence = made(fence)?;
    // SAFETY: the fence is alive.
    report.equal("a fence begins with its value", unsafe { fence.GetCompletedValue() }, 5);
    // SAFETY: as above.
    report.holds("a value that was reached is no wait", unsafe { context4.Wait(&fence, 5) }.is_ok());
    let reached = event()?;
    // SAFETY: the event is one.
    unsafe { fence.SetEventOnCompletion(7, reached) }?;
    // SAFETY: the handle is an event.
    let there = unsafe { WaitForSingleObject(reached, 0) } == WAIT_OBJECT_0;
    report.holds("an event is not set before its value", !there);
    let image = texture(device, &texture_desc(64, 1, D3D11_BIND_RENDER_TARGET))?;
    let target = target_view(device, &image)?;
    // SAFETY: the colour has four components.
    unsafe { context4.ClearRenderTargetView(&target, &[1.0; 4]) };
    // SAFETY: the fence is alive.
    unsafe { context4.Signal(&fence, 7) }?;
    // SAFETY: as above.
    report.holds("nor is one that will be", unsafe { context4.Wait(&fence, 7) }.is_ok());
    // SAFETY: the handle is an event.
    let there = unsafe { WaitForSingleObject(reached, PATIENCE_MS) } == WAIT_OBJECT_0;
    report.holds("the GPU reaches the value and sets the event", there);
    // SAFETY: the fence is alive.
    report.equal("and the fence has it", unsafe { fence.GetCompletedValue() }, 7);
    // SAFETY: as above.
    unsafe { context4.Signal(&fence, 9) }?;
    // SAFETY: no event lets the call wait.
    unsafe { fence.SetEventOnCompletion(9, HANDLE::default()) }?;
    // SAFETY: as above.
    report.equal("without an event the call waits", unsafe { fence.GetCompletedValue() }, 9);
    drop((fence, target, image));
    // SAFETY: this is the only use of the handle after.
    unsafe { CloseHandle(reached) }?;
    // The thread that set the event may still be letting its reference go.
    std::thread::sleep(std::time::Duration::from_millis(100));
    drop(context4);
    report.equal("a fence leaves nothing behind", references(device), before);
    Ok(())
}

fn removal(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let device4: ID3D11Device4 = device.cast()?;
    let lost = event()?;
    // SAFETY: the event is one.
    let cookie = unsafe { device4.RegisterDeviceRemovedEvent(lost) }?;
    // SAFETY: the handle is an event.
    let there = unsafe { WaitForSingleObject(lost, 50) } == WAIT_OBJECT_0;
    report.holds("a device that lives sets no event", !there);
    // SAFETY: the cookie is that of a registration.
    unsafe { device4.UnregisterDeviceRemoved(cookie) };
    // SAFETY: this is the only use of the handle after.
    unsafe { CloseHandle(lost) }?;
    // SAFETY: no event is refused.
    let refused = unsafe { device4.RegisterDeviceRemovedEvent(HANDLE::default()) };
    report.equal("no event is refused", code(&refused), E_INVALIDARG);
    Ok(())
}
