//! What drawing tests have in common: compiled shaders, vertices with a position and a colour, targets, queries.

use pvgpu_protocol::command::*;

use crate::harness::{Ctx, range_2d};
use crate::send;

pub const RGBA8: u32 = 28;
const RGBA32_FLOAT: u32 = 2;
pub const POINTS: u32 = 1;
pub const TRIANGLES: u32 = 4;
/// Patches of n control points are this plus n.
pub const PATCHES: u32 = 32;

/// A position and a colour.
pub type Vertex = [f32; 8];
pub const VERTEX_BYTES: u32 = 32;

macro_rules! shaders {
    ($($name:literal),+ $(,)?) => {
        /// A compiled shader.
        pub fn shader(name: &str) -> &'static [u8] {
            match name {
                $($name => include_bytes!(concat!("shaders/", $name, ".dxbc")),)+
                other => panic!("no shader {other}"),
            }
        }
    };
}

shaders!(
    "cs_arguments",
    "cs_exchange_float",
    "cs_groups",
    "ds_square",
    "gs_points",
    "gs_square",
    "gs_two_streams",
    "gs_viewports",
    "hs_square",
    "ps_compare",
    "ps_count",
    "ps_filter.all",
    "ps_filter.floats",
    "ps_filter.many",
    "ps_forced.bits",
    "ps_forced.counted",
    "ps_forced.coverage",
    "ps_forced.discarded",
    "ps_forced.masked",
    "ps_forced.sampled",
    "ps_load",
    "ps_number",
    "ps_stage",
    "ps_two",
    "ps_window",
    "vs_bare",
    "vs_bits.signed_bits",
    "vs_bits.unsigned_bits",
    "vs_count",
    "vs_patch",
    "vs_stage",
    "vs_views.element",
    "vs_views.level",
    "vs_views.stored",
    "vs_views.texel",
);

pub fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A vertex at depth 0.5.
pub fn vertex_at(x: f32, y: f32, [r, g, b, a]: [f32; 4]) -> Vertex {
    [x, y, 0.5, 1.0, r, g, b, a]
}

/// A triangle that covers the whole target.
pub fn everything(color: [f32; 4]) -> [Vertex; 3] {
    [vertex_at(-1.0, 3.0, color), vertex_at(3.0, -1.0, color), vertex_at(-1.0, -1.0, color)]
}

/// A render target with its view.
pub fn target(ctx: &mut Ctx, width: u32, height: u32) -> (u32, u32) {
    let texture = ctx.texture(RGBA8, width, height, 1, bind::RENDER_TARGET | bind::SHADER_RESOURCE, 0);
    let view = ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range_2d());
    (texture, view)
}

pub fn clear(ctx: &mut Ctx, view: u32, color: [f32; 4]) {
    send!(ctx.ring, ClearRenderTargetView { color, view, reserved: 0 });
}

/// Creates and binds a shader.
pub fn bind(ctx: &mut Ctx, stage: u32, name: &str) {
    let shader = ctx.shader(stage, shader(name));
    send!(ctx.ring, SetShader { stage, shader });
}

pub fn unbind(ctx: &mut Ctx, stage: u32) {
    send!(ctx.ring, SetShader { stage, shader: NONE });
}

pub fn set_topology(ctx: &mut Ctx, topology: u32) {
    send!(ctx.ring, SetTopology { topology, reserved: 0 });
}

/// Binds vertices in slot 0 with their layout.
pub fn set_vertices(ctx: &mut Ctx, vertices: &[Vertex]) {
    let bytes = floats(vertices.as_flattened());
    let buffer = ctx.buffer(&bytes, bytes.len() as u32, usage::DEFAULT, bind::VERTEX_BUFFER, 0, 0);
    set_vertex_buffer(ctx, buffer, 0);
}

/// Binds a buffer of vertices in slot 0 with their layout.
pub fn set_vertex_buffer(ctx: &mut Ctx, buffer: u32, offset: u32) {
    let element = |register, offset| InputElement {
        format: RGBA32_FLOAT,
        aligned_byte_offset: offset,
        input_register: register,
        ..Default::default()
    };
    let layout = ctx.id();
    let elements = [element(0, 0), element(1, 16)];
    send!(ctx.ring, CreateElementLayout { id: layout, reserved: 0, elements: &elements });
    send!(ctx.ring, SetInputLayout { layout, reserved: 0 });
    let buffers = [VertexBufferBinding { buffer, stride: VERTEX_BYTES, offset }];
    send!(ctx.ring, SetVertexBuffers { start_slot: 0, reserved: 0, buffers: &buffers });
}

pub fn draw(ctx: &mut Ctx, vertex_count: u32) {
    send!(ctx.ring, Draw { vertex_count, instance_count: 1, start_vertex: 0, start_instance: 0 });
}

/// Creates a query and begins it; gives its number and the place of its result.
pub fn begin_query(ctx: &mut Ctx, kind: u32) -> (u32, HeapRange) {
    let (slot, id) = (ctx.put(&[0xee; 128]), ctx.id());
    send!(ctx.ring, CreateQuery { slot, id, kind });
    send!(ctx.ring, BeginQuery { query: id, reserved: 0 });
    (id, slot)
}

/// A part of the heap as numbers.
pub fn words(ctx: &Ctx, range: HeapRange) -> Vec<u64> {
    ctx.get(range).as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect()
}

/// A part of the heap as floats.
pub fn read_floats(ctx: &Ctx, range: HeapRange) -> Vec<f32> {
    ctx.get(range).as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// A part of the heap as dwords.
pub fn dwords(ctx: &Ctx, range: HeapRange) -> Vec<u32> {
    ctx.get(range).as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect()
}

/// A texture that was read back.
pub struct Texels {
    bytes: Vec<u8>,
    pitch: usize,
}

impl Texels {
    pub fn new(ctx: &Ctx, place: HeapRange, width: usize) -> Self {
        Self { bytes: ctx.get(place), pitch: width * 4 }
    }

    pub fn at(&self, x: usize, y: usize) -> [u8; 4] {
        let at = y * self.pitch + x * 4;
        self.bytes[at..at + 4].try_into().expect("four bytes")
    }
}
