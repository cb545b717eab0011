//! Draws a second through the whole host: records in a ring, decoder, Vulkan, fence. `-- --json` prints JSON.
//!
//! Each draw comes with what a program usually changes: a constant buffer discarded (64 bytes), a vertex buffer, a shader
//! resource, a blend state now and then. The guest's side is a loop that writes records that were encoded before, so that
//! the host is what is measured. `PVGPU_TEST_GPU` chooses the GPU, lavapipe by default.

use std::time::Instant;

use pvgpu_protocol::command::*;

#[path = "../tests/it/harness.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod harness;

use harness::{Guest, range_2d};

const RGBA8: u32 = 28;
const FRAMES: u32 = 20;
const DRAWS: u32 = 2000;

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let mut guest = Guest::without_validation();
    let mut ctx = guest.context();
    let texture = ctx.texture(RGBA8, 256, 256, 1, bind::RENDER_TARGET, 0);
    let target = ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range_2d());
    let vs = ctx.shader(stage::VERTEX, include_bytes!("../../dxbc/tests/in/vs_sdl_like.dxbc"));
    let ps = ctx.shader(stage::PIXEL, include_bytes!("../../dxbc/tests/in/ps_sdl_like.dxbc"));
    let constants = ctx.buffer(&[], 128, usage::DYNAMIC, bind::CONSTANT_BUFFER, 0, 0);
    let vertices = [0; 2].map(|_| ctx.buffer(&[], 3 * 36, usage::DEFAULT, bind::VERTEX_BUFFER, 0, 0));
    let images = [0; 2].map(|_| {
        let image = ctx.texture(RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, 0);
        ctx.view(image, view_kind::SHADER_RESOURCE, RGBA8, range_2d())
    });
    let layout = ctx.id();
    let element = |register, format, offset| InputElement {
        format,
        aligned_byte_offset: offset,
        input_register: register,
        ..Default::default()
    };
    let elements = [element(0, 6, 0), element(1, 16, 12), element(2, 2, 20)];
    send!(ctx.ring, CreateElementLayout { id: layout, reserved: 0, elements: &elements });
    send!(ctx.ring, SetInputLayout { layout, reserved: 0 });
    send!(ctx.ring, SetTopology { topology: 4, reserved: 0 });
    send!(ctx.ring, SetShader { stage: stage::VERTEX, shader: vs });
    send!(ctx.ring, SetShader { stage: stage::PIXEL, shader: ps });
    let binding = ConstantBufferBinding { buffer: constants, first_constant: 0, num_constants: 4096 };
    send!(ctx.ring, SetConstantBuffers { stage: stage::VERTEX, start_slot: 0, buffers: &[binding] });
    ctx.set_target(target, NONE, 256.0, 256.0);
    let data = ctx.put(&[0; 128]);
    guest.finish(&mut ctx);

    let start = Instant::now();
    for _ in 0..FRAMES {
        send!(ctx.ring, ClearRenderTargetView { color: [0.0; 4], view: target, reserved: 0 });
        for draw in 0..DRAWS {
            let odd = draw as usize % 2;
            send!(ctx.ring, DiscardBuffer { data, dst: constants, reserved: 0 });
            let buffers = [VertexBufferBinding { buffer: vertices[odd], stride: 36, offset: 0 }];
            send!(ctx.ring, SetVertexBuffers { start_slot: 0, reserved: 0, buffers: &buffers });
            let views = [images[odd]];
            send!(ctx.ring, SetShaderResources { stage: stage::PIXEL, start_slot: 0, views: &views });
            send!(ctx.ring, Draw { vertex_count: 3, instance_count: 1, start_vertex: 0, start_instance: 0 });
        }
        ctx.fence();
    }
    guest.finish(&mut ctx);
    let seconds = start.elapsed().as_secs_f64();
    let draws = f64::from(FRAMES * DRAWS);
    let (rate, nanoseconds) = (draws / seconds, seconds * 1e9 / draws);
    if json {
        println!(r#"{{"draws_per_second":{rate:.0},"ns_per_draw":{nanoseconds:.0}}}"#);
    } else {
        println!("{rate:.0} draws a second, {nanoseconds:.0} ns a draw of 4 records");
    }
}
