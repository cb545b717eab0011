//! Uploads, copies, maps and readbacks.
#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use std::time::{Duration, Instant};

use windows::Win32::Graphics::Direct3D11::*;
use windows::core::Result;

use crate::device::Gpu;
use crate::{median, report};

/// Texels of a side of the textures that are uploaded and copied.
const SIDE: u32 = 256;
/// Bytes of such a texture.
const TEXTURE_BYTES: usize = (SIDE * SIDE * 4) as usize;
/// Operations between two looks at the clock.
const BATCH: usize = 64;
/// Bytes of the buffers that are mapped.
const CONSTANTS: u32 = 64;
const VERTICES: u32 = 4096;
/// Texels of a side of what is read back.
const READ_SIDE: u32 = 16;
/// A readback of this many round trips gives the median.
const MAX_ROUND_TRIPS: usize = 2000;

/// Measures all.
///
/// # Errors
/// What Direct3D reports.
pub fn run(gpu: &Gpu, time: Duration) -> Result<()> {
    let pixels = vec![0x5a_u8; TEXTURE_BYTES];
    let gigabytes = |per_second: f64| per_second * TEXTURE_BYTES as f64 / 1e9;
    let fixed = gpu.texture(SIDE, D3D11_BIND_SHADER_RESOURCE, D3D11_USAGE_DEFAULT)?;
    let other = gpu.texture(SIDE, D3D11_BIND_SHADER_RESOURCE, D3D11_USAGE_DEFAULT)?;
    let dynamic = gpu.texture(SIDE, D3D11_BIND_SHADER_RESOURCE, D3D11_USAGE_DYNAMIC)?;
    let constants = gpu.buffer(CONSTANTS, D3D11_BIND_CONSTANT_BUFFER, D3D11_USAGE_DYNAMIC)?;
    let plain = gpu.buffer(CONSTANTS, D3D11_BIND_CONSTANT_BUFFER, D3D11_USAGE_DEFAULT)?;
    let vertices = gpu.buffer(VERTICES, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DYNAMIC)?;
    let context = &gpu.context;

    let update = rate(gpu, time, || {
        // SAFETY: the data has the texture's rows.
        unsafe { context.UpdateSubresource(&fixed, 0, None, pixels.as_ptr().cast(), SIDE * 4, 0) };
        Ok(())
    })?;
    report("UpdateSubresource, texture", TEXTURE_BYTES, "GB/s", gigabytes(update));
    let discard = rate(gpu, time, || {
        let mapped = map(gpu, &dynamic, D3D11_MAP_WRITE_DISCARD)?;
        for (row, line) in pixels.chunks_exact((SIDE * 4) as usize).enumerate() {
            let at = row * mapped.RowPitch as usize;
            // SAFETY: the row lies in the mapped texture.
            let to = unsafe { mapped.pData.cast::<u8>().add(at) };
            // SAFETY: the row has room for a line of texels.
            unsafe { to.copy_from_nonoverlapping(line.as_ptr(), line.len()) };
        }
        // SAFETY: the resource is mapped.
        unsafe { context.Unmap(&dynamic, 0) };
        Ok(())
    })?;
    report("dynamic texture", TEXTURE_BYTES, "GB/s", gigabytes(discard));
    let small = rate(gpu, time, || {
        // SAFETY: the data has the buffer's bytes.
        unsafe { context.UpdateSubresource(&plain, 0, None, pixels.as_ptr().cast(), 0, 0) };
        Ok(())
    })?;
    report("UpdateSubresource, constants", CONSTANTS as usize, "million/s", small / 1e6);
    let copy = rate(gpu, time, || {
        // SAFETY: the textures are alike.
        unsafe { context.CopyResource(&other, &fixed) };
        Ok(())
    })?;
    report("CopyResource, texture", TEXTURE_BYTES, "GB/s", gigabytes(copy));
    let discards = rate(gpu, time, || write(gpu, &constants, D3D11_MAP_WRITE_DISCARD))?;
    report("Map(WRITE_DISCARD), constants", CONSTANTS as usize, "million/s", discards / 1e6);
    write(gpu, &vertices, D3D11_MAP_WRITE_DISCARD)?;
    let appends = rate(gpu, time, || write(gpu, &vertices, D3D11_MAP_WRITE_NO_OVERWRITE))?;
    report("Map(WRITE_NO_OVERWRITE)", VERTICES as usize, "million/s", appends / 1e6);
    report("copy + Map(READ)", READ_SIDE as usize, "µs", round_trip(gpu, time)?);
    Ok(())
}

/// How often a second something can be done, until the GPU has finished the last of it.
fn rate(gpu: &Gpu, time: Duration, mut step: impl FnMut() -> Result<()>) -> Result<f64> {
    step()?;
    gpu.finish()?;
    let mut count = 0;
    let begin = Instant::now();
    while begin.elapsed() < time {
        for _ in 0..BATCH {
            step()?;
        }
        count += BATCH;
        // A program would present now and then.
        // SAFETY: the context is alive.
        unsafe { gpu.context.Flush() };
    }
    gpu.finish()?;
    // CAST: a count.
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}

/// Microseconds from the clear of a target to its texels read, in the median.
fn round_trip(gpu: &Gpu, time: Duration) -> Result<f64> {
    let texture = gpu.texture(READ_SIDE, D3D11_BIND_RENDER_TARGET, D3D11_USAGE_DEFAULT)?;
    let target = gpu.target_view(&texture)?;
    let staging = gpu.texture(READ_SIDE, D3D11_BIND_FLAG(0), D3D11_USAGE_STAGING)?;
    let mut trips = Vec::new();
    let begin = Instant::now();
    while trips.len() < MAX_ROUND_TRIPS && (trips.len() < 20 || begin.elapsed() < time) {
        let value = (trips.len() % 2) as f32;
        // SAFETY: the view is alive.
        unsafe { gpu.context.ClearRenderTargetView(&target, &[value; 4]) };
        gpu.finish()?;
        let start = Instant::now();
        // SAFETY: the textures are alike.
        unsafe { gpu.context.CopyResource(&staging, &texture) };
        let mapped = map(gpu, &staging, D3D11_MAP_READ)?;
        // SAFETY: the mapped texture has at least one texel.
        let first = unsafe { mapped.pData.cast::<u8>().read_volatile() };
        trips.push(start.elapsed().as_secs_f64() * 1e6);
        // SAFETY: the resource is mapped.
        unsafe { gpu.context.Unmap(&staging, 0) };
        // What comes back must be what was cleared, or the time means nothing.
        assert_eq!(first, if value == 0.0 { 0 } else { 255 }, "read back");
    }
    Ok(median(trips))
}

fn map(
    gpu: &Gpu,
    resource: &impl windows::core::Interface,
    how: D3D11_MAP,
) -> Result<D3D11_MAPPED_SUBRESOURCE> {
    let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
    let resource: ID3D11Resource = resource.cast()?;
    // SAFETY: the resource is alive and the out-pointer is a local's.
    unsafe { gpu.context.Map(&resource, 0, how, 0, Some(&mut mapped)) }?;
    Ok(mapped)
}

/// Maps a buffer and writes 64 bytes.
fn write(gpu: &Gpu, buffer: &ID3D11Buffer, how: D3D11_MAP) -> Result<()> {
    let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
    // SAFETY: the buffer is alive and the out-pointer is a local's.
    unsafe { gpu.context.Map(buffer, 0, how, 0, Some(&mut mapped)) }?;
    // SAFETY: the mapped buffer has at least 64 bytes.
    unsafe { mapped.pData.cast::<[f32; 16]>().write([0.5; 16]) };
    // SAFETY: the buffer is mapped.
    unsafe { gpu.context.Unmap(buffer, 0) };
    Ok(())
}
