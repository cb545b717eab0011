//! What a draw costs the application's thread: the same draw with the usual state changes, many times.
//!
//! Per draw: one Map(WRITE_DISCARD) of a constant buffer, four shader resources, another vertex buffer, every 64 draws
//! another blend state, DrawIndexed. Waiting for the GPU, once a frame, is not counted.
#![expect(
    unsafe_code,
    clippy::multiple_unsafe_ops_per_block,
    reason = "Direct3D has no safe interface; a draw is one sequence of its calls"
)]

use std::time::{Duration, Instant};

use windows::Win32::Foundation::FILETIME;
use windows::Win32::Graphics::Direct3D::D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST;
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::{
    DXGI_FORMAT, DXGI_FORMAT_R16_UINT, DXGI_FORMAT_R32G32_FLOAT, DXGI_FORMAT_R32G32B32_FLOAT,
};
use windows::Win32::System::Threading::{GetCurrentThread, GetThreadTimes};
use windows::core::{PCSTR, Result, s};

use crate::device::{
    buffer, buffer_desc, context, device, made, shader_view, target_view, texture, texture_desc,
};

const VERTEX_SHADER: &[u8] = include_bytes!("../../../samples/cube/shaders/cube_vs.dxbc");
const PIXEL_SHADER: &[u8] = include_bytes!("../../../samples/cube/shaders/cube_ps.dxbc");
/// Bytes of a vertex: position, normal, texture coordinates.
const STRIDE: u32 = 32;
const DRAWS: usize = 1000;
const FRAMES: usize = 30;
/// Frames before the clock counts: pipelines are compiled in them.
const WARM_UP: usize = 5;
/// Threads that record at a time.
const RECORDERS: usize = 4;
/// Lists that each records in a round.
const LISTS: usize = 500;
/// Rounds, of which the best counts.
const ROUNDS: usize = 5;
// CAST: flags.
const WRITE: u32 = D3D11_CPU_ACCESS_WRITE.0 as u32;

/// Measures and prints.
///
/// # Errors
/// What Direct3D reports.
pub fn run() -> Result<()> {
    let device = device()?;
    let context = context(&device)?;
    let scene = Scene::new(&device)?;
    scene.bind(&context);
    let mut frames = Vec::with_capacity(FRAMES);
    for frame in 0..WARM_UP + FRAMES {
        let start = Instant::now();
        for draw in 0..DRAWS {
            scene.draw(&context, draw)?;
        }
        // SAFETY: the context is alive.
        unsafe { context.Flush() };
        let spent = start.elapsed();
        if frame >= WARM_UP {
            frames.push(spent);
        }
        scene.finish(&context)?;
    }
    frames.sort();
    let per_draw = |time: Duration| time.as_nanos() / DRAWS as u128;
    let (best, median) = (frames.first().copied(), frames.get(frames.len() / 2).copied());
    if let (Some(best), Some(median)) = (best, median) {
        println!(
            "{{\"draws\":{DRAWS},\"frames\":{FRAMES},\"ns_per_draw_median\":{},\"ns_per_draw_best\":{}}}",
            per_draw(median),
            per_draw(best)
        );
    }
    Ok(())
}

/// Measures and prints how recording scales from one thread to several, each with a deferred context of its own, and what
/// a recorded draw costs when it is played back.
///
/// A thread's own processor time tells on a busy machine what draws a second tell on an idle one: threads that hinder each
/// other need more of it.
///
/// # Errors
/// What Direct3D reports.
pub fn record() -> Result<()> {
    let device = device()?;
    let context = context(&device)?;
    let scene = Scene::new(&device)?;
    for recorders in [1, RECORDERS, 1, RECORDERS] {
        let (mut best, mut cpu, mut playback) = (0.0_f64, Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let recorded: Result<Vec<(ID3D11CommandList, Duration)>> = std::thread::scope(|scope| {
                let record = || scene.record(&device);
                let workers: Vec<_> = (0..recorders).map(|_| scope.spawn(record)).collect();
                workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
            });
            let (spent, recorded) = (start.elapsed(), recorded?);
            best = best.max((recorders * LISTS * DRAWS) as f64 / spent.as_secs_f64());
            cpu = cpu.min(recorded.iter().map(|(_, cpu)| *cpu).sum::<Duration>() / recorders as u32);
            for (list, _) in recorded {
                let start = Instant::now();
                // SAFETY: both are alive.
                unsafe { context.ExecuteCommandList(&list, false) };
                playback = playback.min(start.elapsed());
                scene.finish(&context)?;
            }
        }
        println!(
            "{{\"recorders\":{recorders},\"draws_per_list\":{DRAWS},\"recorded_draws_per_second\":{best:.0},\
             \"cpu_ns_per_recorded_draw\":{},\"ns_per_played_draw\":{}}}",
            cpu.as_nanos() / (LISTS * DRAWS) as u128,
            playback.as_nanos() / DRAWS as u128
        );
    }
    Ok(())
}

/// The processor time that this thread has had.
fn processor_time() -> Result<Duration> {
    let (mut created, mut ended, mut kernel, mut user) = Default::default();
    // SAFETY: the out-pointers are locals'; the pseudo handle is this thread's.
    unsafe { GetThreadTimes(GetCurrentThread(), &mut created, &mut ended, &mut kernel, &mut user) }?;
    let ticks = |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    // Ticks of 100 ns.
    Ok(Duration::from_nanos((ticks(kernel) + ticks(user)) * 100))
}

struct Scene {
    layout: ID3D11InputLayout,
    vertex_shader: ID3D11VertexShader,
    pixel_shader: ID3D11PixelShader,
    target: ID3D11RenderTargetView,
    frame: ID3D11Buffer,
    object: ID3D11Buffer,
    vertices: [ID3D11Buffer; 2],
    indices: ID3D11Buffer,
    resources: [[Option<ID3D11ShaderResourceView>; 4]; 2],
    blends: [ID3D11BlendState; 2],
    done: ID3D11Query,
}

impl Scene {
    fn new(device: &ID3D11Device) -> Result<Self> {
        let (mut layout, mut vertex_shader, mut pixel_shader, mut done) = (None, None, None, None);
        let elements = [
            element(s!("POSITION"), DXGI_FORMAT_R32G32B32_FLOAT, 0),
            element(s!("NORMAL"), DXGI_FORMAT_R32G32B32_FLOAT, 12),
            element(s!("TEXCOORD"), DXGI_FORMAT_R32G32_FLOAT, 24),
        ];
        // SAFETY: the names are static and the out-pointer is a local's.
        unsafe { device.CreateInputLayout(&elements, VERTEX_SHADER, Some(&mut layout)) }?;
        // SAFETY: the out-pointer is a local's.
        unsafe { device.CreateVertexShader(VERTEX_SHADER, None, Some(&mut vertex_shader)) }?;
        // SAFETY: the out-pointer is a local's.
        unsafe { device.CreatePixelShader(PIXEL_SHADER, None, Some(&mut pixel_shader)) }?;
        let event = D3D11_QUERY_DESC { Query: D3D11_QUERY_EVENT, MiscFlags: 0 };
        // SAFETY: the out-pointer is a local's.
        unsafe { device.CreateQuery(&event, Some(&mut done)) }?;
        let constants = |bytes| {
            buffer(device, &buffer_desc(bytes, D3D11_BIND_CONSTANT_BUFFER, D3D11_USAGE_DYNAMIC, WRITE))
        };
        let plain = |bytes, bind| buffer(device, &buffer_desc(bytes, bind, D3D11_USAGE_DEFAULT, 0));
        let resource =
            || shader_view(device, &texture(device, &texture_desc(4, 1, D3D11_BIND_SHADER_RESOURCE))?);
        let four = || {
            Ok::<_, windows::core::Error>([
                Some(resource()?),
                Some(resource()?),
                Some(resource()?),
                Some(resource()?),
            ])
        };
        Ok(Self {
            layout: made(layout)?,
            vertex_shader: made(vertex_shader)?,
            pixel_shader: made(pixel_shader)?,
            target: target_view(device, &texture(device, &texture_desc(64, 1, D3D11_BIND_RENDER_TARGET))?)?,
            frame: constants(80)?,
            object: constants(80)?,
            vertices: [
                plain(3 * STRIDE, D3D11_BIND_VERTEX_BUFFER)?,
                plain(3 * STRIDE, D3D11_BIND_VERTEX_BUFFER)?,
            ],
            indices: plain(16, D3D11_BIND_INDEX_BUFFER)?,
            resources: [four()?, four()?],
            blends: [blend(device, false)?, blend(device, true)?],
            done: made(done)?,
        })
    }

    /// Binds what does not change.
    fn bind(&self, context: &ID3D11DeviceContext) {
        let viewport = D3D11_VIEWPORT { Width: 64.0, Height: 64.0, MaxDepth: 1.0, ..Default::default() };
        let buffers = [Some(self.frame.clone()), Some(self.object.clone())];
        // SAFETY: the objects are alive and the arrays have the lengths they say.
        unsafe {
            context.IASetInputLayout(&self.layout);
            context.IASetPrimitiveTopology(D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST);
            context.IASetIndexBuffer(&self.indices, DXGI_FORMAT_R16_UINT, 0);
            context.VSSetShader(&self.vertex_shader, None);
            context.VSSetConstantBuffers(0, Some(&buffers));
            context.PSSetShader(&self.pixel_shader, None);
            context.PSSetConstantBuffers(0, Some(&buffers));
            context.RSSetViewports(Some(&[viewport]));
            context.OMSetRenderTargets(Some(&[Some(self.target.clone())]), None);
        }
    }

    /// Records lists on a deferred context, one after another: the last, and the thread's processor time.
    fn record(&self, device: &ID3D11Device) -> Result<(ID3D11CommandList, Duration)> {
        let before = processor_time()?;
        let mut context = None;
        // SAFETY: the out-pointer is a local's.
        unsafe { device.CreateDeferredContext(0, Some(&mut context)) }?;
        let context: ID3D11DeviceContext = made(context)?;
        let mut list = None;
        for _ in 0..LISTS {
            self.bind(&context);
            for draw in 0..DRAWS {
                self.draw(&context, draw)?;
            }
            // The call would forget the list before.
            drop(list.take());
            // SAFETY: the out-pointer is a local's.
            unsafe { context.FinishCommandList(false, Some(&mut list)) }?;
        }
        Ok((made(list)?, processor_time()?.saturating_sub(before)))
    }

    fn draw(&self, context: &ID3D11DeviceContext, draw: usize) -> Result<()> {
        let (even, block) = (draw % 2, draw / 64 % 2);
        let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
        // SAFETY: the buffer is dynamic and has the bytes that are written.
        unsafe {
            context.Map(&self.object, 0, D3D11_MAP_WRITE_DISCARD, 0, Some(&mut mapped))?;
            mapped.pData.cast::<[f32; 16]>().write([0.5; 16]);
            context.Unmap(&self.object, 0);
        }
        // PANIC: both are 0 or 1.
        let (vertices, resources) = (&self.vertices[even], &self.resources[even]);
        // SAFETY: the objects are alive and the arrays have the lengths they say.
        unsafe {
            context.PSSetShaderResources(0, Some(resources));
            context.IASetVertexBuffers(
                0,
                1,
                Some(std::ptr::from_ref(vertices).cast()),
                Some(&STRIDE),
                Some(&0),
            );
            if draw.is_multiple_of(64) {
                context.OMSetBlendState(&self.blends[block], None, u32::MAX);
            }
            context.DrawIndexed(3, 0, 0);
        }
        Ok(())
    }

    /// Waits until everything is drawn.
    fn finish(&self, context: &ID3D11DeviceContext) -> Result<()> {
        // SAFETY: the query is alive.
        unsafe { context.End(&self.done) };
        let mut done = 0_i32;
        while done == 0 {
            // SAFETY: the data has the query's size. Without a result yet the call succeeds with S_FALSE.
            unsafe { context.GetData(&self.done, Some(std::ptr::from_mut(&mut done).cast()), 4, 0) }?;
        }
        Ok(())
    }
}

fn element(name: PCSTR, format: DXGI_FORMAT, offset: u32) -> D3D11_INPUT_ELEMENT_DESC {
    D3D11_INPUT_ELEMENT_DESC {
        SemanticName: name,
        Format: format,
        AlignedByteOffset: offset,
        ..Default::default()
    }
}

fn blend(device: &ID3D11Device, enable: bool) -> Result<ID3D11BlendState> {
    let mut desc = D3D11_BLEND_DESC::default();
    let [target, ..] = &mut desc.RenderTarget;
    *target = D3D11_RENDER_TARGET_BLEND_DESC {
        BlendEnable: enable.into(),
        SrcBlend: D3D11_BLEND_SRC_ALPHA,
        DestBlend: D3D11_BLEND_INV_SRC_ALPHA,
        BlendOp: D3D11_BLEND_OP_ADD,
        SrcBlendAlpha: D3D11_BLEND_ONE,
        DestBlendAlpha: D3D11_BLEND_ZERO,
        BlendOpAlpha: D3D11_BLEND_OP_ADD,
        RenderTargetWriteMask: 15,
    };
    let mut state = None;
    // SAFETY: the description is complete and the out-pointer is a local's.
    unsafe { device.CreateBlendState(&desc, Some(&mut state)) }?;
    made(state)
}
