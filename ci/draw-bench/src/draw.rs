//! What a draw with the usual state changes costs the application's thread, and how many a second the whole renderer takes.
//!
//! Per draw: one Map(WRITE_DISCARD) of a constant buffer of 64 bytes, four shader resources, another vertex buffer, every 64
//! draws another blend state, DrawIndexed.
#![expect(
    unsafe_code,
    clippy::multiple_unsafe_ops_per_block,
    reason = "Direct3D has no safe interface; a draw is one sequence of its calls"
)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use windows::Win32::Graphics::Direct3D::D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST;
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::{
    DXGI_FORMAT, DXGI_FORMAT_R16_UINT, DXGI_FORMAT_R32G32_FLOAT, DXGI_FORMAT_R32G32B32_FLOAT,
};
use windows::core::{PCSTR, Result, s};

use crate::device::{Gpu, made};
use crate::{median, report};

const VERTEX_SHADER: &[u8] = include_bytes!("../shaders/draw_vs.dxbc");
const PIXEL_SHADER: &[u8] = include_bytes!("../shaders/draw_ps.dxbc");
/// Bytes of a vertex: position, texture coordinates.
const STRIDE: u32 = 20;
/// Draws a frame.
const SIZES: [usize; 3] = [1000, 10_000, 50_000];
/// Frames before the clock counts: pipelines are compiled in them.
const WARM_UP: usize = 3;
/// Frames that a program may be ahead of the GPU, as DXGI's default is.
const AHEAD: usize = 3;

/// Measures all sizes.
///
/// # Errors
/// What Direct3D reports.
pub fn run(gpu: &Gpu, time: Duration) -> Result<()> {
    let scene = Scene::new(gpu)?;
    for draws in SIZES {
        scene.bind(&gpu.context);
        report("app thread", draws, "ns/draw", app_thread(gpu, &scene, draws, time)?);
        report("draws", draws, "million/s", throughput(gpu, &scene, draws, time)?);
    }
    Ok(())
}

/// Nanoseconds of the application's thread for a draw: the median frame. Each frame begins with an idle renderer.
fn app_thread(gpu: &Gpu, scene: &Scene, draws: usize, time: Duration) -> Result<f64> {
    let mut frames = Vec::new();
    let begin = Instant::now();
    for frame in 0.. {
        let start = Instant::now();
        scene.frame(gpu, draws)?;
        let spent = start.elapsed();
        if frame >= WARM_UP {
            // CAST: counts of draws are small.
            frames.push(spent.as_secs_f64() * 1e9 / draws as f64);
        }
        gpu.finish()?;
        if frames.len() >= 3 && begin.elapsed() > time {
            break;
        }
    }
    Ok(median(frames))
}

/// Millions of draws a second, with a few frames under way at once.
fn throughput(gpu: &Gpu, scene: &Scene, draws: usize, time: Duration) -> Result<f64> {
    let mut under_way = VecDeque::new();
    let mut frames = 0;
    let begin = Instant::now();
    while frames < AHEAD || begin.elapsed() < time {
        if under_way.len() == AHEAD
            && let Some(oldest) = under_way.pop_front()
        {
            gpu.wait(&oldest)?;
        }
        scene.frame(gpu, draws)?;
        let event = gpu.event()?;
        gpu.end(&event);
        under_way.push_back(event);
        frames += 1;
    }
    for event in under_way {
        gpu.wait(&event)?;
    }
    // CAST: counts of draws are small.
    Ok((frames * draws) as f64 / begin.elapsed().as_secs_f64() / 1e6)
}

struct Scene {
    layout: ID3D11InputLayout,
    vertex_shader: ID3D11VertexShader,
    pixel_shader: ID3D11PixelShader,
    sampler: ID3D11SamplerState,
    target: ID3D11RenderTargetView,
    object: ID3D11Buffer,
    vertices: [ID3D11Buffer; 2],
    indices: ID3D11Buffer,
    resources: [[Option<ID3D11ShaderResourceView>; 4]; 2],
    blends: [ID3D11BlendState; 2],
}

impl Scene {
    fn new(gpu: &Gpu) -> Result<Self> {
        let device = &gpu.device;
        let (mut layout, mut vertex_shader, mut pixel_shader, mut sampler) = (None, None, None, None);
        let elements = [
            element(s!("POSITION"), DXGI_FORMAT_R32G32B32_FLOAT, 0),
            element(s!("TEXCOORD"), DXGI_FORMAT_R32G32_FLOAT, 12),
        ];
        let sampling = D3D11_SAMPLER_DESC {
            Filter: D3D11_FILTER_MIN_MAG_MIP_POINT,
            AddressU: D3D11_TEXTURE_ADDRESS_CLAMP,
            AddressV: D3D11_TEXTURE_ADDRESS_CLAMP,
            AddressW: D3D11_TEXTURE_ADDRESS_CLAMP,
            ComparisonFunc: D3D11_COMPARISON_NEVER,
            MaxLOD: f32::MAX,
            ..Default::default()
        };
        // SAFETY: the names are static, the descriptions complete, and the out-pointers are locals'.
        unsafe {
            device.CreateInputLayout(&elements, VERTEX_SHADER, Some(&mut layout))?;
            device.CreateVertexShader(VERTEX_SHADER, None, Some(&mut vertex_shader))?;
            device.CreatePixelShader(PIXEL_SHADER, None, Some(&mut pixel_shader))?;
            device.CreateSamplerState(&sampling, Some(&mut sampler))?;
        }
        let resource =
            || gpu.shader_view(&gpu.texture(4, D3D11_BIND_SHADER_RESOURCE, D3D11_USAGE_DEFAULT)?);
        let four = || {
            Ok::<_, windows::core::Error>([
                Some(resource()?),
                Some(resource()?),
                Some(resource()?),
                Some(resource()?),
            ])
        };
        let vertices = || gpu.buffer(3 * STRIDE, D3D11_BIND_VERTEX_BUFFER, D3D11_USAGE_DEFAULT);
        Ok(Self {
            layout: made(layout)?,
            vertex_shader: made(vertex_shader)?,
            pixel_shader: made(pixel_shader)?,
            sampler: made(sampler)?,
            target: gpu.target_view(&gpu.texture(64, D3D11_BIND_RENDER_TARGET, D3D11_USAGE_DEFAULT)?)?,
            object: gpu.buffer(64, D3D11_BIND_CONSTANT_BUFFER, D3D11_USAGE_DYNAMIC)?,
            vertices: [vertices()?, vertices()?],
            indices: gpu.buffer(16, D3D11_BIND_INDEX_BUFFER, D3D11_USAGE_DEFAULT)?,
            resources: [four()?, four()?],
            blends: [blend(device, false)?, blend(device, true)?],
        })
    }

    /// Binds what does not change.
    fn bind(&self, context: &ID3D11DeviceContext) {
        let viewport = D3D11_VIEWPORT { Width: 64.0, Height: 64.0, MaxDepth: 1.0, ..Default::default() };
        // SAFETY: the objects are alive and the arrays have the lengths they say.
        unsafe {
            context.IASetInputLayout(&self.layout);
            context.IASetPrimitiveTopology(D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST);
            context.IASetIndexBuffer(&self.indices, DXGI_FORMAT_R16_UINT, 0);
            context.VSSetShader(&self.vertex_shader, None);
            context.VSSetConstantBuffers(0, Some(&[Some(self.object.clone())]));
            context.PSSetShader(&self.pixel_shader, None);
            context.PSSetSamplers(0, Some(&[Some(self.sampler.clone())]));
            context.RSSetViewports(Some(&[viewport]));
            context.OMSetRenderTargets(Some(&[Some(self.target.clone())]), None);
        }
    }

    /// Draws, and has the renderer begin with all of it.
    fn frame(&self, gpu: &Gpu, draws: usize) -> Result<()> {
        for draw in 0..draws {
            self.draw(&gpu.context, draw)?;
        }
        // SAFETY: the context is alive.
        unsafe { gpu.context.Flush() };
        Ok(())
    }

    #[inline]
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
            let buffers = Some(std::ptr::from_ref(vertices).cast());
            context.IASetVertexBuffers(0, 1, buffers, Some(&STRIDE), Some(&0));
            if draw.is_multiple_of(64) {
                context.OMSetBlendState(&self.blends[block], None, u32::MAX);
            }
            context.DrawIndexed(3, 0, 0);
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
