//! The buffers, the compute pass, the drawing pass, and the comparison with the CPU.

#![expect(unsafe_code, reason = "Direct3D has no safe interface")]
#![expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "one reason covers a run of calls on the same live context; a block per call would bury the sample"
)]

use sample_kit::{Error, Gpu, Scene, bytes, made};
use windows::Win32::Graphics::Direct3D::D3D11_PRIMITIVE_TOPOLOGY_TRIANGLESTRIP;
use windows::Win32::Graphics::Direct3D11::*;
use windows::core::Result;

use crate::simulation::{self, COUNT, DRAG, PARTICLE_BYTES, Particle, SPRING, SWIRL};

const STEP_SHADER: &[u8] = include_bytes!("../shaders/step_cs.dxbc");
const VERTEX_SHADER: &[u8] = include_bytes!("../shaders/particle_vs.dxbc");
const PIXEL_SHADER: &[u8] = include_bytes!("../shaders/particle_ps.dxbc");

/// Threads in a group of the compute shader.
const GROUP: u32 = 64;
/// Every so many frames the GPU's step is checked against the CPU's.
const CHECK_INTERVAL: u32 = 30;
/// Half of a particle's size in pixels.
const HALF_SIZE: f32 = 5.0;
const BACKGROUND: [f32; 4] = [0.0, 0.0, 0.0, 1.0];

/// Everything that stays the same from frame to frame.
pub struct Particles {
    particles: ID3D11Buffer,
    written: ID3D11UnorderedAccessView,
    read: ID3D11ShaderResourceView,
    /// Copies of the particles that the CPU can map: before and after a step.
    staging: [ID3D11Buffer; 2],
    step_constants: ID3D11Buffer,
    view_constants: ID3D11Buffer,
    step_shader: ID3D11ComputeShader,
    vertex_shader: ID3D11VertexShader,
    pixel_shader: ID3D11PixelShader,
    additive: ID3D11BlendState,
}

impl Scene for Particles {
    fn new(gpu: &Gpu) -> Result<Self> {
        let device = &gpu.device;
        let start: Vec<u8> = simulation::start().into_iter().flat_map(Particle::to_bytes).collect();
        let structured = D3D11_BUFFER_DESC {
            BindFlags: (D3D11_BIND_UNORDERED_ACCESS | D3D11_BIND_SHADER_RESOURCE).0.cast_unsigned(),
            MiscFlags: D3D11_RESOURCE_MISC_BUFFER_STRUCTURED.0.cast_unsigned(),
            StructureByteStride: PARTICLE_BYTES as u32,
            ..Default::default()
        };
        let particles = gpu.buffer(&structured, &start)?;
        let staging = D3D11_BUFFER_DESC {
            Usage: D3D11_USAGE_STAGING,
            CPUAccessFlags: D3D11_CPU_ACCESS_READ.0.cast_unsigned(),
            ..Default::default()
        };
        let immutable = D3D11_BUFFER_DESC {
            Usage: D3D11_USAGE_IMMUTABLE,
            BindFlags: D3D11_BIND_CONSTANT_BUFFER.0.cast_unsigned(),
            ..Default::default()
        };
        let step = COUNT.to_le_bytes().into_iter().chain(bytes([SPRING, SWIRL, DRAG])).collect::<Vec<u8>>();
        let (mut written, mut read) = (None, None);
        let (mut step_shader, mut vertex_shader, mut pixel_shader) = (None, None, None);
        // SAFETY: the buffer was made for both kinds of view, no description means "all of it", the bytecode is complete
        // and the out-pointers are to locals.
        unsafe {
            device.CreateUnorderedAccessView(&particles, None, Some(&mut written))?;
            device.CreateShaderResourceView(&particles, None, Some(&mut read))?;
            device.CreateComputeShader(STEP_SHADER, None, Some(&mut step_shader))?;
            device.CreateVertexShader(VERTEX_SHADER, None, Some(&mut vertex_shader))?;
            device.CreatePixelShader(PIXEL_SHADER, None, Some(&mut pixel_shader))?;
        }
        Ok(Self {
            particles,
            written: made(written)?,
            read: made(read)?,
            staging: [gpu.buffer(&staging, &start)?, gpu.buffer(&staging, &start)?],
            step_constants: gpu.buffer(&immutable, &step)?,
            view_constants: gpu.constant_buffer(4 * size_of::<f32>())?,
            step_shader: made(step_shader)?,
            vertex_shader: made(vertex_shader)?,
            pixel_shader: made(pixel_shader)?,
            additive: additive(device)?,
        })
    }

    fn draw(&mut self, gpu: &Gpu, frame: u32) -> std::result::Result<(), Error> {
        if frame.is_multiple_of(CHECK_INTERVAL) {
            self.step_checked(gpu).map_err(|error| match error {
                Error::WrongResult(text) => {
                    Error::WrongResult(format!("wrong result of step {frame}: {text}"))
                }
                other => other,
            })?;
        } else {
            self.step(gpu);
        }
        let viewport = gpu.viewport();
        let half_size = [2.0 * HALF_SIZE / viewport.Width, 2.0 * HALF_SIZE / viewport.Height, 0.0, 0.0];
        gpu.write_constants(&self.view_constants, &bytes(half_size))?;
        let context = &gpu.context;
        let target = gpu.target()?;
        // SAFETY: every object belongs to the context's device and lives as long as `self`.
        unsafe {
            context.ClearRenderTargetView(target, &BACKGROUND);
            context.OMSetRenderTargets(Some(&[Some(target.clone())]), None);
            context.OMSetBlendState(&self.additive, None, u32::MAX);
            context.RSSetViewports(Some(&[viewport]));
            context.IASetInputLayout(None);
            context.IASetPrimitiveTopology(D3D11_PRIMITIVE_TOPOLOGY_TRIANGLESTRIP);
            context.VSSetShader(&self.vertex_shader, None);
            context.VSSetConstantBuffers(0, Some(&[Some(self.view_constants.clone())]));
            context.VSSetShaderResources(0, Some(&[Some(self.read.clone())]));
            context.PSSetShader(&self.pixel_shader, None);
            context.DrawInstanced(4, COUNT, 0, 0);
            // The next step writes the buffer, which must not be bound for reading then.
            context.VSSetShaderResources(0, Some(&[None]));
        }
        Ok(())
    }
}

impl Particles {
    /// Moves all particles by one step.
    fn step(&self, gpu: &Gpu) {
        let context = &gpu.context;
        let bound = Some(self.written.clone());
        let none: Option<ID3D11UnorderedAccessView> = None;
        // SAFETY: every object belongs to the context's device; the arrays of views have one entry, as the count says.
        unsafe {
            context.CSSetShader(&self.step_shader, None);
            context.CSSetConstantBuffers(0, Some(&[Some(self.step_constants.clone())]));
            context.CSSetUnorderedAccessViews(0, 1, Some(&bound), None);
            context.Dispatch(COUNT.div_ceil(GROUP), 1, 1);
            context.CSSetUnorderedAccessViews(0, 1, Some(&none), None);
        }
    }

    /// Moves all particles by one step and compares with what the CPU makes of the same particles.
    fn step_checked(&self, gpu: &Gpu) -> std::result::Result<(), Error> {
        let [before, after] = &self.staging;
        // SAFETY: a copy between two buffers of the same size and device.
        unsafe { gpu.context.CopyResource(before, &self.particles) };
        self.step(gpu);
        // SAFETY: as above.
        unsafe { gpu.context.CopyResource(after, &self.particles) };
        simulation::check_step(&read_back(gpu, before)?, &read_back(gpu, after)?).map_err(Error::WrongResult)
    }
}

/// The particles in a staging buffer; waits until the GPU has copied them there.
fn read_back(gpu: &Gpu, buffer: &ID3D11Buffer) -> Result<Vec<Particle>> {
    let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
    // SAFETY: subresource 0 of a staging buffer with read access; `mapped` is valid for writing.
    unsafe { gpu.context.Map(buffer, 0, D3D11_MAP_READ, 0, Some(&mut mapped)) }?;
    // SAFETY: Direct3D maps the whole buffer, which was made with `COUNT` particles, and it stays mapped while `all` lives.
    let all =
        unsafe { std::slice::from_raw_parts(mapped.pData.cast::<u8>(), COUNT as usize * PARTICLE_BYTES) };
    let particles = all.as_chunks().0.iter().map(Particle::from_bytes).collect();
    // SAFETY: mapped above, and `all` is not used any more.
    unsafe { gpu.context.Unmap(buffer, 0) };
    Ok(particles)
}

/// Adds colours, so that the order of drawing does not matter.
fn additive(device: &ID3D11Device) -> Result<ID3D11BlendState> {
    let mut description = D3D11_BLEND_DESC::default();
    description.RenderTarget[0] = D3D11_RENDER_TARGET_BLEND_DESC {
        BlendEnable: true.into(),
        SrcBlend: D3D11_BLEND_ONE,
        DestBlend: D3D11_BLEND_ONE,
        BlendOp: D3D11_BLEND_OP_ADD,
        SrcBlendAlpha: D3D11_BLEND_ONE,
        DestBlendAlpha: D3D11_BLEND_ZERO,
        BlendOpAlpha: D3D11_BLEND_OP_ADD,
        RenderTargetWriteMask: D3D11_COLOR_WRITE_ENABLE_ALL.0 as u8,
    };
    let mut state = None;
    // SAFETY: the description is complete and the out-pointer is to a local.
    unsafe { device.CreateBlendState(&description, Some(&mut state)) }?;
    made(state)
}
