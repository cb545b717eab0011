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

use windows::Win32::Graphics::Direct3D::D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST;
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::{
    DXGI_FORMAT, DXGI_FORMAT_R16_UINT, DXGI_FORMAT_R32G32_FLOAT, DXGI_FORMAT_R32G32B32_FLOAT,
};
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
