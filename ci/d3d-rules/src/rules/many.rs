//! Many devices one after another, and many threads on one device.
#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use std::thread;

use windows::Win32::Graphics::Direct3D11::*;
use windows::core::Result;

use crate::check::Report;
use crate::device::{
    self, buffer, buffer_desc, context, references, shader_view, target_view, texture, texture_desc,
};

/// More than the contexts that an adapter of pvgpu has at a time.
const DEVICES: usize = 80;
const THREADS: usize = 4;
const OBJECTS: usize = 200;

/// Checks the rules of this file.
///
/// # Errors
/// What stops the checks.
pub fn check(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let made = (0..DEVICES).take_while(|_| use_new_device().is_ok()).count();
    report.equal("a device leaves nothing behind", made, DEVICES);
    threads(report, device)
}

fn use_new_device() -> Result<()> {
    let device = device::device()?;
    let context = context(&device)?;
    let image = texture(&device, &texture_desc(16, 1, D3D11_BIND_RENDER_TARGET))?;
    let target = target_view(&device, &image)?;
    // SAFETY: the colour has four components.
    unsafe { context.ClearRenderTargetView(&target, &[0.0; 4]) };
    // SAFETY: the array has one entry.
    unsafe { context.OMSetRenderTargets(Some(&[Some(target)]), None) };
    // SAFETY: the context is alive.
    unsafe { context.Flush() };
    Ok(())
}

fn threads(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let before = references(device);
    let context = context(device)?;
    let image = texture(device, &texture_desc(16, 1, D3D11_BIND_RENDER_TARGET))?;
    let target = target_view(device, &image)?;
    let failures = thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| create_and_drop(device))).collect();
        for _ in 0..OBJECTS {
            // SAFETY: the colour has four components.
            unsafe { context.ClearRenderTargetView(&target, &[1.0; 4]) };
            // SAFETY: the context is alive.
            unsafe { context.Flush() };
        }
        workers.into_iter().filter_map(|worker| worker.join().ok()).filter(Result::is_err).count()
    });
    report.equal("any thread creates while one draws", failures, 0);
    drop((context, image, target));
    report.equal("and no reference is lost", references(device), before);
    Ok(())
}

fn create_and_drop(device: &ID3D11Device) -> Result<()> {
    for _ in 0..OBJECTS {
        let vertices = buffer_desc(256, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DEFAULT, 0);
        let vertices = buffer(device, &vertices)?;
        let image = texture(device, &texture_desc(16, 0, D3D11_BIND_SHADER_RESOURCE))?;
        let view = shader_view(device, &image)?;
        drop((image, vertices, view));
    }
    Ok(())
}
