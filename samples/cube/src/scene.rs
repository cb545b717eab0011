//! The pipeline, the resources and the drawing of one frame.

#![expect(unsafe_code, reason = "Direct3D has no safe interface")]
#![expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "one reason covers a run of calls on the same live context; a block per call would bury the sample"
)]

use sample_kit::{Error, Gpu, Scene, bytes, made};
use windows::Win32::Graphics::Direct3D::D3D11_PRIMITIVE_TOPOLOGY_TRIANGLELIST;
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::{
    DXGI_FORMAT_D32_FLOAT, DXGI_FORMAT_R8G8B8A8_UNORM, DXGI_FORMAT_R16_UINT, DXGI_FORMAT_R32G32_FLOAT,
    DXGI_FORMAT_R32G32B32_FLOAT, DXGI_SAMPLE_DESC,
};
use windows::core::{Result, s};

use crate::matrix::{Matrix, normalised};
use crate::{mesh, texture};

const VERTEX_SHADER: &[u8] = include_bytes!("../shaders/cube_vs.dxbc");
const PIXEL_SHADER: &[u8] = include_bytes!("../shaders/cube_ps.dxbc");

/// A 4×4 matrix and a vector of 4: what each of the two constant buffers holds.
const CONSTANT_BYTES: usize = (16 + 4) * size_of::<f32>();
const BACKGROUND: [f32; 4] = [0.20, 0.26, 0.34, 1.0];

/// Everything that stays the same from frame to frame, and a depth buffer that follows the window's size.
pub struct Cubes {
    vertices: ID3D11Buffer,
    indices: ID3D11Buffer,
    input_layout: ID3D11InputLayout,
    vertex_shader: ID3D11VertexShader,
    pixel_shader: ID3D11PixelShader,
    frame_constants: ID3D11Buffer,
    object_constants: ID3D11Buffer,
    surface: ID3D11ShaderResourceView,
    sampler: ID3D11SamplerState,
    depth_state: ID3D11DepthStencilState,
    depth: ID3D11DepthStencilView,
    depth_size: (u32, u32),
}

impl Scene for Cubes {
    const SIZE_FROM_HALF: Option<(u32, u32)> = Some((800, 600));

    fn new(gpu: &Gpu) -> Result<Self> {
        let vertices = mesh::vertices().into_iter().flatten();
        let indices: Vec<u8> = mesh::indices().into_iter().flat_map(u16::to_le_bytes).collect();
        let (input_layout, vertex_shader, pixel_shader) = shaders(&gpu.device)?;
        Ok(Self {
            vertices: gpu.buffer(&immutable(D3D11_BIND_VERTEX_BUFFER), &bytes(vertices))?,
            indices: gpu.buffer(&immutable(D3D11_BIND_INDEX_BUFFER), &indices)?,
            input_layout,
            vertex_shader,
            pixel_shader,
            frame_constants: gpu.constant_buffer(CONSTANT_BYTES)?,
            object_constants: gpu.constant_buffer(CONSTANT_BYTES)?,
            surface: surface(&gpu.device)?,
            sampler: sampler(&gpu.device)?,
            depth_state: depth_state(&gpu.device)?,
            depth: depth(&gpu.device, gpu.size())?,
            depth_size: gpu.size(),
        })
    }

    fn draw(&mut self, gpu: &Gpu, frame: u32) -> std::result::Result<(), Error> {
        if self.depth_size != gpu.size() {
            self.depth = depth(&gpu.device, gpu.size())?;
            self.depth_size = gpu.size();
        }
        let (width, height) = gpu.size();
        let target = gpu.target()?;
        // CAST: sizes and frame numbers are far below 2^24, so these conversions are exact.
        let (aspect, time) = (width as f32 / height as f32, frame as f32 * 0.02);

        let view = Matrix::look_at([0.0, 3.2, -7.5], [0.0, 0.6, 0.0]);
        let view_projection = view * Matrix::perspective(0.9, aspect, 0.5, 50.0);
        let [x, y, z] = normalised([-0.5, 0.8, -0.6]);
        gpu.write_constants(&self.frame_constants, &bytes(view_projection.numbers().chain([x, y, z, 0.0])))?;
        self.set_pipeline(gpu, target);
        self.draw_object(
            gpu,
            Matrix::scale(9.0) * Matrix::translation([0.0, -1.0, 0.0]),
            [0.6; 3],
            mesh::FLOOR,
        )?;
        let turned = Matrix::rotation_x(time * 0.7) * Matrix::rotation_y(time);
        self.draw_object(gpu, turned * Matrix::translation([0.0, 1.0, 0.0]), [1.0; 3], mesh::CUBE)?;
        for (number, tint) in
            [[1.0, 0.55, 0.5], [0.6, 1.0, 0.6], [0.6, 0.7, 1.0], [1.0, 0.9, 0.5]].into_iter().enumerate()
        {
            let angle = time * 0.8 + number as f32 * std::f32::consts::FRAC_PI_2;
            let place = Matrix::translation([3.0, 0.0, 0.0]) * Matrix::rotation_y(angle);
            let small = Matrix::scale(0.45) * Matrix::rotation_x(angle * 2.0);
            self.draw_object(gpu, small * place, tint, mesh::CUBE)?;
        }
        Ok(())
    }
}

impl Cubes {
    /// Clears and binds everything that all objects of a frame share.
    fn set_pipeline(&self, gpu: &Gpu, target: &ID3D11RenderTargetView) {
        let context = &gpu.context;
        let stride = (mesh::VERTEX_NUMBERS * size_of::<f32>()) as u32;
        let constants = [Some(self.frame_constants.clone()), Some(self.object_constants.clone())];
        // SAFETY: every object belongs to the context's device and lives as long as `self`; the pointers are to locals
        // that outlive the calls.
        unsafe {
            context.ClearRenderTargetView(target, &BACKGROUND);
            context.ClearDepthStencilView(&self.depth, D3D11_CLEAR_DEPTH.0, 1.0, 0);
            context.OMSetRenderTargets(Some(&[Some(target.clone())]), &self.depth);
            context.OMSetDepthStencilState(&self.depth_state, 0);
            context.RSSetViewports(Some(&[gpu.viewport()]));
            context.IASetInputLayout(&self.input_layout);
            context.IASetPrimitiveTopology(D3D11_PRIMITIVE_TOPOLOGY_TRIANGLELIST);
            context.IASetVertexBuffers(0, 1, Some(&Some(self.vertices.clone())), Some(&stride), Some(&0));
            context.IASetIndexBuffer(&self.indices, DXGI_FORMAT_R16_UINT, 0);
            context.VSSetShader(&self.vertex_shader, None);
            context.VSSetConstantBuffers(0, Some(&constants));
            context.PSSetShader(&self.pixel_shader, None);
            context.PSSetConstantBuffers(0, Some(&constants));
            context.PSSetShaderResources(0, Some(&[Some(self.surface.clone())]));
            context.PSSetSamplers(0, Some(&[Some(self.sampler.clone())]));
        }
    }

    /// Draws one mesh, at the place and in the tint given.
    fn draw_object(
        &self,
        gpu: &Gpu,
        world: Matrix,
        tint: [f32; 3],
        mesh: std::ops::Range<u32>,
    ) -> Result<()> {
        let [r, g, b] = tint;
        gpu.write_constants(&self.object_constants, &bytes(world.numbers().chain([r, g, b, 1.0])))?;
        // SAFETY: the pipeline is bound and the range lies within the index buffer.
        unsafe { gpu.context.DrawIndexed(mesh.end - mesh.start, mesh.start, 0) };
        Ok(())
    }
}

fn immutable(bind: D3D11_BIND_FLAG) -> D3D11_BUFFER_DESC {
    D3D11_BUFFER_DESC {
        Usage: D3D11_USAGE_IMMUTABLE,
        BindFlags: bind.0.cast_unsigned(),
        ..Default::default()
    }
}

fn shaders(device: &ID3D11Device) -> Result<(ID3D11InputLayout, ID3D11VertexShader, ID3D11PixelShader)> {
    let element = |name, format, offset| D3D11_INPUT_ELEMENT_DESC {
        SemanticName: name,
        Format: format,
        AlignedByteOffset: offset,
        ..Default::default()
    };
    let elements = [
        element(s!("POSITION"), DXGI_FORMAT_R32G32B32_FLOAT, 0),
        element(s!("NORMAL"), DXGI_FORMAT_R32G32B32_FLOAT, 12),
        element(s!("TEXCOORD"), DXGI_FORMAT_R32G32_FLOAT, 24),
    ];
    let (mut layout, mut vertex, mut pixel) = (None, None, None);
    // SAFETY: the bytecode is complete, the names are constants, and the out-pointers are to locals.
    unsafe {
        device.CreateInputLayout(&elements, VERTEX_SHADER, Some(&mut layout))?;
        device.CreateVertexShader(VERTEX_SHADER, None, Some(&mut vertex))?;
        device.CreatePixelShader(PIXEL_SHADER, None, Some(&mut pixel))?;
    }
    Ok((made(layout)?, made(vertex)?, made(pixel)?))
}

/// The texture with all its levels, and a view of all of it.
fn surface(device: &ID3D11Device) -> Result<ID3D11ShaderResourceView> {
    let levels = texture::levels();
    let data: Vec<D3D11_SUBRESOURCE_DATA> = levels
        .iter()
        .map(|level| D3D11_SUBRESOURCE_DATA {
            pSysMem: level.texels.as_ptr().cast(),
            SysMemPitch: level.size * 4,
            SysMemSlicePitch: 0,
        })
        .collect();
    let description = D3D11_TEXTURE2D_DESC {
        Width: texture::SIZE,
        Height: texture::SIZE,
        MipLevels: levels.len() as u32,
        ArraySize: 1,
        Format: DXGI_FORMAT_R8G8B8A8_UNORM,
        SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
        Usage: D3D11_USAGE_IMMUTABLE,
        BindFlags: D3D11_BIND_SHADER_RESOURCE.0.cast_unsigned(),
        ..Default::default()
    };
    let (mut texture, mut view) = (None, None);
    // SAFETY: `data` has one entry per level, each pointing to a whole level of `levels`, which outlives the call.
    unsafe { device.CreateTexture2D(&description, Some(data.as_ptr()), Some(&mut texture)) }?;
    // SAFETY: the texture was made for shader use; no description means "all of it".
    unsafe { device.CreateShaderResourceView(&made(texture)?, None, Some(&mut view)) }?;
    made(view)
}

fn sampler(device: &ID3D11Device) -> Result<ID3D11SamplerState> {
    let description = D3D11_SAMPLER_DESC {
        Filter: D3D11_FILTER_MIN_MAG_MIP_LINEAR,
        AddressU: D3D11_TEXTURE_ADDRESS_WRAP,
        AddressV: D3D11_TEXTURE_ADDRESS_WRAP,
        AddressW: D3D11_TEXTURE_ADDRESS_WRAP,
        MaxLOD: D3D11_FLOAT32_MAX,
        ComparisonFunc: D3D11_COMPARISON_NEVER,
        MaxAnisotropy: 1,
        ..Default::default()
    };
    let mut sampler = None;
    // SAFETY: the description is complete and the out-pointer is to a local.
    unsafe { device.CreateSamplerState(&description, Some(&mut sampler)) }?;
    made(sampler)
}

fn depth_state(device: &ID3D11Device) -> Result<ID3D11DepthStencilState> {
    let description = D3D11_DEPTH_STENCIL_DESC {
        DepthEnable: true.into(),
        DepthWriteMask: D3D11_DEPTH_WRITE_MASK_ALL,
        DepthFunc: D3D11_COMPARISON_LESS,
        ..Default::default()
    };
    let mut state = None;
    // SAFETY: the description is complete (no stencil) and the out-pointer is to a local.
    unsafe { device.CreateDepthStencilState(&description, Some(&mut state)) }?;
    made(state)
}

/// A depth buffer as large as the back buffer.
fn depth(device: &ID3D11Device, (width, height): (u32, u32)) -> Result<ID3D11DepthStencilView> {
    let description = D3D11_TEXTURE2D_DESC {
        Width: width,
        Height: height,
        MipLevels: 1,
        ArraySize: 1,
        Format: DXGI_FORMAT_D32_FLOAT,
        SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
        Usage: D3D11_USAGE_DEFAULT,
        BindFlags: D3D11_BIND_DEPTH_STENCIL.0.cast_unsigned(),
        ..Default::default()
    };
    let (mut texture, mut view) = (None, None);
    // SAFETY: the description is complete, there is no initial data, and the out-pointer is to a local.
    unsafe { device.CreateTexture2D(&description, None, Some(&mut texture)) }?;
    // SAFETY: the texture was made for depth use; no description means "all of it".
    unsafe { device.CreateDepthStencilView(&made(texture)?, None, Some(&mut view)) }?;
    made(view)
}
