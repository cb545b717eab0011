//! A draw or dispatch as one value: what is bound is stated, everything else is Direct3D's default.

#![expect(unsafe_code, reason = "Direct3D has no safe interface")]
#![expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "one reason covers a run of calls that bind live objects; a block per call would bury what is bound"
)]

use windows::Win32::Foundation::RECT;
use windows::Win32::Graphics::Direct3D::*;
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::*;
use windows::core::{Interface, PCSTR, Result};

use super::device::made;
use super::{Buffer, Gpu};

/// A compiled shader, or none.
pub type Code = Option<&'static [u8]>;

/// The compiled shader of a file's entry point: `shader!("sampling.bias")` is `bias` of shaders/sampling.hlsl.
macro_rules! shader {
    ($name:literal) => {
        Some(include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $name, ".dxbc")).as_slice())
    };
}
pub(crate) use shader;

/// The render target that a pass without targets draws to.
#[derive(Clone, Copy, Debug)]
pub struct Canvas {
    pub format: DXGI_FORMAT,
    pub width: u32,
    pub height: u32,
    pub samples: u32,
    pub clear: [f32; 4],
}

impl Default for Canvas {
    fn default() -> Self {
        Self { format: DXGI_FORMAT_R8G8B8A8_UNORM, width: 64, height: 64, samples: 1, clear: [0.0; 4] }
    }
}

/// Stream output: what goes where.
#[derive(Clone)]
pub struct StreamOutput {
    /// Stream, semantic, its index, first component, number of components, slot.
    pub entries: Vec<(u32, PCSTR, u32, u8, u8, u8)>,
    pub strides: Vec<u32>,
    /// The stream that is drawn as well.
    pub rasterized: Option<u32>,
    /// Buffers with the offsets at which to write; `u32::MAX` appends.
    pub buffers: Vec<(Buffer, u32)>,
}

/// Everything that a draw needs. Constants, resources and samplers are bound to every stage alike.
#[derive(Clone)]
pub struct Pass {
    /// By default a triangle over the whole target, with `float4 SV_Position` and `float2 TEXCOORD`, 0 to 1.
    pub vs: Code,
    pub hs: Code,
    pub ds: Code,
    pub gs: Code,
    pub ps: Code,
    /// The pixel shader's class instance.
    pub instance: Option<PCSTR>,
    pub stream_output: Option<StreamOutput>,
    pub topology: D3D_PRIMITIVE_TOPOLOGY,
    pub elements: Vec<D3D11_INPUT_ELEMENT_DESC>,
    /// Buffer, stride, offset.
    pub vertices: Vec<(Buffer, u32, u32)>,
    pub indices: Option<(Buffer, DXGI_FORMAT)>,
    pub constants: Vec<Buffer>,
    /// First constant and number of constants of each buffer, in units of 16 bytes; none for whole buffers.
    pub constant_ranges: Vec<(u32, u32)>,
    pub resources: Vec<ID3D11ShaderResourceView>,
    pub samplers: Vec<D3D11_SAMPLER_DESC>,
    /// For the pixel shader, from the slot after the last target.
    pub uavs: Vec<ID3D11UnorderedAccessView>,
    /// None: a target as `canvas` says.
    pub targets: Vec<ID3D11RenderTargetView>,
    pub canvas: Canvas,
    pub depth: Option<ID3D11DepthStencilView>,
    /// None: one over the whole canvas.
    pub viewports: Vec<D3D11_VIEWPORT>,
    pub scissors: Vec<RECT>,
    pub blend: Option<D3D11_BLEND_DESC>,
    /// Direct3D 11.1's description, for logic operations.
    pub blend1: Option<D3D11_BLEND_DESC1>,
    pub blend_factor: [f32; 4],
    pub sample_mask: u32,
    pub depth_stencil: Option<D3D11_DEPTH_STENCIL_DESC>,
    pub stencil_reference: u32,
    pub rasterizer: Option<D3D11_RASTERIZER_DESC>,
    /// Direct3D 11.1's description, for a forced sample count.
    pub rasterizer1: Option<D3D11_RASTERIZER_DESC1>,
}

impl Default for Pass {
    fn default() -> Self {
        Self {
            vs: shader!("common.full"),
            hs: None,
            ds: None,
            gs: None,
            ps: shader!("common.white"),
            instance: None,
            stream_output: None,
            topology: D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST,
            elements: Vec::new(),
            vertices: Vec::new(),
            indices: None,
            constants: Vec::new(),
            constant_ranges: Vec::new(),
            resources: Vec::new(),
            samplers: Vec::new(),
            uavs: Vec::new(),
            targets: Vec::new(),
            canvas: Canvas::default(),
            depth: None,
            viewports: Vec::new(),
            scissors: Vec::new(),
            blend: None,
            blend1: None,
            blend_factor: [1.0; 4],
            sample_mask: u32::MAX,
            depth_stencil: None,
            stencil_reference: 0,
            rasterizer: None,
            rasterizer1: None,
        }
    }
}

/// The draw call.
#[derive(Clone)]
pub enum Call {
    /// The first vertices.
    Vertices(u32),
    /// Vertices, instances, first vertex, first instance.
    Instances(u32, u32, u32, u32),
    /// Indices, first index, number added to each index.
    Indices(u32, u32, i32),
    /// Indices, instances, first index, number added to each index, first instance.
    IndexedInstances(u32, u32, u32, i32, u32),
    /// As many vertices as stream output has left in the first vertex buffer.
    Auto,
    /// Arguments of `Instances` at a buffer's offset.
    Indirect(Buffer, u32),
    /// Arguments of `IndexedInstances` at a buffer's offset.
    IndexedIndirect(Buffer, u32),
}

/// A dispatch and what it needs.
#[derive(Clone)]
pub struct Dispatch {
    pub cs: Code,
    pub constants: Vec<Buffer>,
    pub resources: Vec<ID3D11ShaderResourceView>,
    pub samplers: Vec<D3D11_SAMPLER_DESC>,
    pub uavs: Vec<ID3D11UnorderedAccessView>,
    /// For each view the hidden counter's new value; `u32::MAX`, or no entry, keeps it.
    pub counts: Vec<u32>,
    pub groups: [u32; 3],
    /// A buffer with the number of groups at an offset, which counts instead of `groups`.
    pub indirect: Option<(Buffer, u32)>,
}

impl Default for Dispatch {
    fn default() -> Self {
        Self {
            cs: None,
            constants: Vec::new(),
            resources: Vec::new(),
            samplers: Vec::new(),
            uavs: Vec::new(),
            counts: Vec::new(),
            groups: [1; 3],
            indirect: None,
        }
    }
}

fn options<T: Clone>(objects: &[T]) -> Vec<Option<T>> {
    objects.iter().cloned().map(Some).collect()
}

fn raw(buffers: &[Buffer]) -> Vec<Option<ID3D11Buffer>> {
    buffers.iter().map(|buffer| Some(buffer.raw.clone())).collect()
}

/// Binds constants, resources and samplers to one stage.
macro_rules! bind_stage {
    ($gpu:ident, $of:ident, $ranges:expr, $constants:ident, $constants1:ident, $resources:ident, $samplers:ident) => {{
        let buffers = raw(&$of.constants);
        let ranges: &[(u32, u32)] = $ranges;
        if ranges.is_empty() {
            $gpu.context.$constants(0, Some(&buffers));
        } else {
            let (first, count): (Vec<u32>, Vec<u32>) = ranges.iter().copied().unzip();
            $gpu.context1()?.$constants1(
                0,
                buffers.len() as u32,
                Some(buffers.as_ptr()),
                Some(first.as_ptr()),
                Some(count.as_ptr()),
            );
        }
        $gpu.context.$resources(0, Some(&options(&$of.resources)));
        $gpu.context.$samplers(0, Some(&$gpu.samplers(&$of.samplers)?));
    }};
}

impl Gpu {
    /// Unbinds everything, binds the pass, draws.
    pub fn draw(&self, pass: &Pass, call: &Call) -> Result<()> {
        self.bind(pass)?;
        self.call(call);
        Ok(())
    }

    /// Draws with what is bound.
    pub fn call(&self, call: &Call) {
        let context = &self.context;
        // SAFETY: everything bound is alive, because the context holds it.
        unsafe {
            match call {
                Call::Vertices(count) => context.Draw(*count, 0),
                Call::Instances(count, instances, first, first_instance) => {
                    context.DrawInstanced(*count, *instances, *first, *first_instance);
                }
                Call::Indices(count, first, base) => context.DrawIndexed(*count, *first, *base),
                Call::IndexedInstances(count, instances, first, base, first_instance) => {
                    context.DrawIndexedInstanced(*count, *instances, *first, *base, *first_instance);
                }
                Call::Auto => context.DrawAuto(),
                Call::Indirect(buffer, offset) => context.DrawInstancedIndirect(&buffer.raw, *offset),
                Call::IndexedIndirect(buffer, offset) => {
                    context.DrawIndexedInstancedIndirect(&buffer.raw, *offset);
                }
            }
        }
    }

    /// Unbinds everything and binds the pass.
    pub fn bind(&self, pass: &Pass) -> Result<()> {
        self.clear_state();
        self.bind_targets(pass)?;
        self.bind_vertices(pass)?;
        let ranges = &pass.constant_ranges;
        // SAFETY: bytecode and arrays outlive the calls; the objects are alive.
        unsafe {
            if let Some(code) = pass.vs {
                let mut shader = None;
                self.device.CreateVertexShader(code, None, Some(&mut shader))?;
                self.context.VSSetShader(&made(shader)?, None);
                bind_stage!(
                    self,
                    pass,
                    ranges,
                    VSSetConstantBuffers,
                    VSSetConstantBuffers1,
                    VSSetShaderResources,
                    VSSetSamplers
                );
            }
            if let Some(code) = pass.hs {
                let mut shader = None;
                self.device.CreateHullShader(code, None, Some(&mut shader))?;
                self.context.HSSetShader(&made(shader)?, None);
                bind_stage!(
                    self,
                    pass,
                    ranges,
                    HSSetConstantBuffers,
                    HSSetConstantBuffers1,
                    HSSetShaderResources,
                    HSSetSamplers
                );
            }
            if let Some(code) = pass.ds {
                let mut shader = None;
                self.device.CreateDomainShader(code, None, Some(&mut shader))?;
                self.context.DSSetShader(&made(shader)?, None);
                bind_stage!(
                    self,
                    pass,
                    ranges,
                    DSSetConstantBuffers,
                    DSSetConstantBuffers1,
                    DSSetShaderResources,
                    DSSetSamplers
                );
            }
            if let Some(shader) = self.geometry_shader(pass)? {
                self.context.GSSetShader(&shader, None);
                bind_stage!(
                    self,
                    pass,
                    ranges,
                    GSSetConstantBuffers,
                    GSSetConstantBuffers1,
                    GSSetShaderResources,
                    GSSetSamplers
                );
            }
            if let Some(code) = pass.ps {
                let mut shader = None;
                if let Some(name) = pass.instance {
                    let linkage = self.device.CreateClassLinkage()?;
                    self.device.CreatePixelShader(code, &linkage, Some(&mut shader))?;
                    let instance = linkage.GetClassInstance(name, 0)?;
                    self.context.PSSetShader(&made(shader)?, Some(&[Some(instance)]));
                } else {
                    self.device.CreatePixelShader(code, None, Some(&mut shader))?;
                    self.context.PSSetShader(&made(shader)?, None);
                }
                bind_stage!(
                    self,
                    pass,
                    ranges,
                    PSSetConstantBuffers,
                    PSSetConstantBuffers1,
                    PSSetShaderResources,
                    PSSetSamplers
                );
            }
        }
        Ok(())
    }

    /// The geometry shader, with stream output if there is any (which then may be of another stage's shader).
    fn geometry_shader(&self, pass: &Pass) -> Result<Option<ID3D11GeometryShader>> {
        let mut shader = None;
        if let Some(output) = &pass.stream_output {
            let entries: Vec<D3D11_SO_DECLARATION_ENTRY> = output
                .entries
                .iter()
                .map(|&(stream, name, index, start, count, slot)| D3D11_SO_DECLARATION_ENTRY {
                    Stream: stream,
                    SemanticName: name,
                    SemanticIndex: index,
                    StartComponent: start,
                    ComponentCount: count,
                    OutputSlot: slot,
                })
                .collect();
            let code = pass.gs.or(pass.ds).or(pass.vs).unwrap_or_default();
            let rasterized = output.rasterized.unwrap_or(D3D11_SO_NO_RASTERIZED_STREAM);
            let (buffers, offsets): (Vec<_>, Vec<u32>) =
                output.buffers.iter().map(|(buffer, offset)| (Some(buffer.raw.clone()), *offset)).unzip();
            // SAFETY: names are static, bytecode and arrays outlive the calls.
            unsafe {
                self.device.CreateGeometryShaderWithStreamOutput(
                    code,
                    Some(&entries),
                    Some(&output.strides),
                    rasterized,
                    None,
                    Some(&mut shader),
                )?;
                self.context.SOSetTargets(
                    buffers.len() as u32,
                    Some(buffers.as_ptr()),
                    Some(offsets.as_ptr()),
                );
            }
        } else if let Some(code) = pass.gs {
            // SAFETY: the bytecode is static and the out-pointer is a local's.
            unsafe { self.device.CreateGeometryShader(code, None, Some(&mut shader)) }?;
        }
        Ok(shader)
    }

    fn bind_vertices(&self, pass: &Pass) -> Result<()> {
        let context = &self.context;
        let buffers: Vec<_> = pass.vertices.iter().map(|(buffer, ..)| Some(buffer.raw.clone())).collect();
        let strides: Vec<u32> = pass.vertices.iter().map(|(_, stride, _)| *stride).collect();
        let offsets: Vec<u32> = pass.vertices.iter().map(|(.., offset)| *offset).collect();
        // SAFETY: names are static, arrays outlive the calls and have the lengths given.
        unsafe {
            context.IASetPrimitiveTopology(pass.topology);
            if !pass.elements.is_empty() {
                let mut layout = None;
                let code = pass.vs.unwrap_or_default();
                self.device.CreateInputLayout(&pass.elements, code, Some(&mut layout))?;
                context.IASetInputLayout(&made(layout)?);
            }
            if !buffers.is_empty() {
                let count = buffers.len() as u32;
                context.IASetVertexBuffers(
                    0,
                    count,
                    Some(buffers.as_ptr()),
                    Some(strides.as_ptr()),
                    Some(offsets.as_ptr()),
                );
            }
            if let Some((buffer, format)) = &pass.indices {
                context.IASetIndexBuffer(&buffer.raw, *format, 0);
            }
        }
        Ok(())
    }

    fn bind_targets(&self, pass: &Pass) -> Result<()> {
        let context = &self.context;
        let (targets, uavs) = (options(&pass.targets), options(&pass.uavs));
        let Canvas { width, height, .. } = pass.canvas;
        // CAST: sizes are far below 2^24.
        let whole = D3D11_VIEWPORT {
            Width: width as f32,
            Height: height as f32,
            MaxDepth: 1.0,
            ..Default::default()
        };
        let viewports = if pass.viewports.is_empty() { vec![whole] } else { pass.viewports.clone() };
        // SAFETY: descriptions and arrays outlive the calls and have the lengths given.
        unsafe {
            if uavs.is_empty() {
                context.OMSetRenderTargets(Some(&targets), pass.depth.as_ref());
            } else {
                context.OMSetRenderTargetsAndUnorderedAccessViews(
                    Some(&targets),
                    pass.depth.as_ref(),
                    targets.len() as u32,
                    uavs.len() as u32,
                    Some(uavs.as_ptr()),
                    None,
                );
            }
            context.RSSetViewports(Some(&viewports));
            context.RSSetScissorRects(Some(&pass.scissors));
            let mut state = None;
            if let Some(desc) = &pass.blend {
                self.device.CreateBlendState(desc, Some(&mut state))?;
            }
            if let Some(desc) = &pass.blend1 {
                let mut made = None;
                self.device.cast::<ID3D11Device1>()?.CreateBlendState1(desc, Some(&mut made))?;
                state = made.map(|state| state.cast()).transpose()?;
            }
            context.OMSetBlendState(state.as_ref(), Some(&pass.blend_factor), pass.sample_mask);
            if let Some(desc) = &pass.depth_stencil {
                let mut state = None;
                self.device.CreateDepthStencilState(desc, Some(&mut state))?;
                context.OMSetDepthStencilState(&made(state)?, pass.stencil_reference);
            }
            if let Some(desc) = &pass.rasterizer {
                let mut state = None;
                self.device.CreateRasterizerState(desc, Some(&mut state))?;
                context.RSSetState(&made(state)?);
            }
            if let Some(desc) = &pass.rasterizer1 {
                let mut state = None;
                self.device.cast::<ID3D11Device1>()?.CreateRasterizerState1(desc, Some(&mut state))?;
                context.RSSetState(&made(state)?);
            }
        }
        Ok(())
    }

    fn samplers(&self, descs: &[D3D11_SAMPLER_DESC]) -> Result<Vec<Option<ID3D11SamplerState>>> {
        let create = |desc: &D3D11_SAMPLER_DESC| {
            let mut state = None;
            // SAFETY: description and out-pointer outlive the call.
            unsafe { self.device.CreateSamplerState(desc, Some(&mut state)) }?;
            Ok(state)
        };
        descs.iter().map(create).collect()
    }

    /// Unbinds everything, binds the dispatch, and runs it.
    pub fn dispatch(&self, dispatch: &Dispatch) -> Result<()> {
        self.clear_state();
        let mut shader = None;
        let views = options(&dispatch.uavs);
        let mut counts = dispatch.counts.clone();
        counts.resize(views.len(), u32::MAX);
        let [x, y, z] = dispatch.groups;
        // SAFETY: bytecode and arrays outlive the calls and have the lengths given.
        unsafe {
            self.device.CreateComputeShader(dispatch.cs.unwrap_or_default(), None, Some(&mut shader))?;
            self.context.CSSetShader(&made(shader)?, None);
            bind_stage!(
                self,
                dispatch,
                &[],
                CSSetConstantBuffers,
                CSSetConstantBuffers1,
                CSSetShaderResources,
                CSSetSamplers
            );
            if !views.is_empty() {
                let count = views.len() as u32;
                self.context.CSSetUnorderedAccessViews(0, count, Some(views.as_ptr()), Some(counts.as_ptr()));
            }
            match &dispatch.indirect {
                None => self.context.Dispatch(x, y, z),
                Some((arguments, offset)) => self.context.DispatchIndirect(&arguments.raw, *offset),
            }
        }
        Ok(())
    }

    /// Copies the hidden counter of a view into a buffer.
    pub fn copy_count(&self, to: &Buffer, offset: u32, view: &ID3D11UnorderedAccessView) {
        // SAFETY: both are alive.
        unsafe { self.context.CopyStructureCount(&to.raw, offset, view) };
    }
}
