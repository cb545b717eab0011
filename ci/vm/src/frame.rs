//! A frame, record by record as the user-mode driver encodes it: a clear, a triangle, a copy to the heap, a present.

use std::sync::atomic::Ordering;
use std::time::Duration;

use pvgpu_dxbc::{SignatureElement as Element, container};
use pvgpu_kernel_tests::cells::Cells;
use pvgpu_kernel_tests::rig::{Ended, require};
use pvgpu_kernel_tests::user::UserContext;
use pvgpu_protocol::command::*;

/// Pixels in either direction.
pub const SIZE: u32 = 64;
/// `DXGI_FORMAT_R8G8B8A8_UNORM`.
const RGBA8: u32 = 28;
/// `DXGI_FORMAT_R32G32B32A32_FLOAT`.
const RGBA32_FLOAT: u32 = 2;
/// `D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST`.
const TRIANGLES: u32 = 4;
/// Hands position and colour on.
const VERTEX_SHADER: &[u8] = include_bytes!("../../../host-backend/tests/it/shaders/vs_stage.dxbc");
/// The colour.
const PIXEL_SHADER: &[u8] = include_bytes!("../../../host-backend/tests/it/shaders/ps_stage.dxbc");
/// What is cleared to: 0, 51, 102.
const GROUND: [f32; 4] = [0.0, 0.2, 0.4, 1.0];
/// The triangle's colour: 255, 102, 0.
const TRIANGLE: [f32; 4] = [1.0, 0.4, 0.0, 1.0];
/// The host starts a software renderer and compiles two shaders beside an emulated machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The heap of a context, handed out from the start.
struct Heap {
    offset: u64,
    cells: Cells,
    used: u64,
}

impl Heap {
    fn take(&mut self, bytes: u64) -> HeapRange {
        let range = HeapRange { offset: self.offset + self.used, length: bytes };
        self.used += bytes.next_multiple_of(256);
        range
    }

    fn put(&mut self, bytes: &[u8]) -> HeapRange {
        let range = self.take(bytes.len() as u64);
        let first = (range.offset - self.offset) as usize / 8;
        for (index, word) in bytes.chunks(8).enumerate() {
            let word = word.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte));
            self.cells.as_ref()[first + index].store(word, Ordering::Relaxed);
        }
        range
    }

    fn get(&self, range: HeapRange) -> Vec<u8> {
        let first = (range.offset - self.offset) as usize / 8;
        let cells = self.cells.as_ref()[first..].iter().take(range.length as usize / 8);
        cells.flat_map(|cell| cell.load(Ordering::Acquire).to_le_bytes()).collect()
    }
}

fn texture(id: u32) -> CreateResource {
    CreateResource {
        id,
        dimension: dimension::TEXTURE2D,
        format: RGBA8,
        width: SIZE,
        height: SIZE,
        depth: 1,
        mip_levels: 1,
        array_size: 1,
        sample_count: 1,
        ..Default::default()
    }
}

fn signature(elements: &[Element]) -> Vec<SignatureElement> {
    let element = |element: &Element| SignatureElement {
        system_value: element.system_value,
        register: element.register,
        mask: element.mask.into(),
        component_type: element.component_type,
        stream: element.stream,
    };
    elements.iter().map(element).collect()
}

fn shader(context: &mut UserContext, heap: &mut Heap, id: u32, stage: u32, bytes: &[u8]) {
    let shader = container::parse(bytes).expect("a container of fxc's");
    let tokens: Vec<u8> = shader.tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
    let (input, output) = (signature(&shader.signatures.input), signature(&shader.signatures.output));
    let tokens = heap.put(&tokens);
    context.emit(&CreateShader { tokens, id, stage, input: &input, output: &output, patch_constant: &[] });
    context.emit(&SetShader { stage, shader: id });
}

/// Numbers of the objects in a frame's context.
mod id {
    pub const TARGET: u32 = 1;
    pub const VIEW: u32 = 2;
    pub const VERTEX_SHADER: u32 = 3;
    pub const PIXEL_SHADER: u32 = 4;
    pub const VERTICES: u32 = 5;
    pub const LAYOUT: u32 = 6;
    pub const STAGING: u32 = 7;
}

/// Two pictures of one frame.
pub struct Frame {
    /// What was copied to the heap: rows of RGBA.
    pub copied: Vec<u8>,
    /// What was presented: rows of BGRA.
    pub presented: Vec<u8>,
}

/// Renders a frame in a new context.
///
/// # Errors
/// What the driver refused, or did not do.
pub fn render(context: &mut UserContext) -> Ended<Frame> {
    let range = context.allocate_heap(256 << 10)?;
    let cells = Cells::new(range.address, range.bytes);
    let mut heap = Heap { offset: range.offset, cells, used: 0 };
    let heap = &mut heap;
    let flags = bind::RENDER_TARGET | bind::PRESENT;
    context.emit(&CreateResource { bind_flags: flags, ..texture(id::TARGET) });
    let all =
        ViewRange { dimension: dimension::TEXTURE2D, mip_levels: 1, array_size: 1, ..Default::default() };
    let kind = view_kind::RENDER_TARGET;
    context.emit(&CreateView { id: id::VIEW, resource: id::TARGET, kind, format: RGBA8, range: all });
    context.emit(&ClearRenderTargetView { color: GROUND, view: id::VIEW, reserved: 0 });

    // The lower left half of the picture.
    let corner = |x: f32, y: f32| [[x, y, 0.5, 1.0], TRIANGLE].concat();
    let corners = [corner(-1.0, 1.0), corner(1.0, -1.0), corner(-1.0, -1.0)].concat();
    let bytes: Vec<u8> = corners.iter().flat_map(|number| number.to_le_bytes()).collect();
    // CAST: 96 bytes.
    let width = bytes.len() as u32;
    context.emit(&CreateResource {
        id: id::VERTICES,
        dimension: dimension::BUFFER,
        width,
        height: 1,
        depth: 1,
        mip_levels: 1,
        array_size: 1,
        sample_count: 1,
        bind_flags: bind::VERTEX_BUFFER,
        ..Default::default()
    });
    let data = heap.put(&bytes);
    let dst_box = SubresourceBox { right: width, bottom: 1, back: 1, ..Default::default() };
    let dst = id::VERTICES;
    context.emit(&UpdateSubresource { data, dst, dst_subresource: 0, dst_box, row_pitch: 0, depth_pitch: 0 });
    shader(context, heap, id::VERTEX_SHADER, stage::VERTEX, VERTEX_SHADER);
    shader(context, heap, id::PIXEL_SHADER, stage::PIXEL, PIXEL_SHADER);
    let element = |register, offset| InputElement {
        format: RGBA32_FLOAT,
        aligned_byte_offset: offset,
        input_register: register,
        ..Default::default()
    };
    let elements = [element(0, 0), element(1, 16)];
    context.emit(&CreateElementLayout { id: id::LAYOUT, reserved: 0, elements: &elements });
    context.emit(&SetInputLayout { layout: id::LAYOUT, reserved: 0 });
    context.emit(&SetTopology { topology: TRIANGLES, reserved: 0 });
    let buffers = [VertexBufferBinding { buffer: id::VERTICES, stride: 32, offset: 0 }];
    context.emit(&SetVertexBuffers { start_slot: 0, reserved: 0, buffers: &buffers });
    let render_targets = [id::VIEW];
    context.emit(&SetRenderTargets {
        depth_stencil: NONE,
        uav_start: 0,
        render_targets: &render_targets,
        uavs: &[],
    });
    // CAST: a small whole number.
    let size = SIZE as f32;
    let viewport = Viewport { width: size, height: size, max_depth: 1.0, ..Default::default() };
    context.emit(&SetViewports { viewports: &[viewport] });
    context.emit(&Draw { vertex_count: 3, instance_count: 1, start_vertex: 0, start_instance: 0 });

    let bytes = u64::from(SIZE * SIZE * 4);
    let copied = heap.take(bytes);
    context.emit(&CreateResource { usage: usage::STAGING, heap: copied, ..texture(id::STAGING) });
    context.emit(&CopyResource { dst: id::STAGING, src: id::TARGET });
    let frame = heap.take(bytes);
    context.emit(&Present {
        frame,
        src: id::TARGET,
        src_subresource: 0,
        width: SIZE,
        height: SIZE,
        row_pitch: SIZE * 4,
        flags: 0,
        sequence: 1,
    });
    context.flush()?;
    context.wait(PATIENCE)?;
    require(context.device.wait_idle(&context.context, PATIENCE), "the submission is not reported")?;
    Ok(Frame { copied: heap.get(copied), presented: heap.get(frame) })
}
