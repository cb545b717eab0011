//! Where textures live when the GPU's own memory is short, and pipelines that an earlier run needed.

use std::sync::atomic::Ordering;

use pvgpu_host_backend::pipeline_file::PipelineFile;
use pvgpu_protocol::command::*;

use crate::harness::{Ctx, Guest, range_2d};
use crate::send;

const RGBA8: u32 = 28;
const SIDE: u32 = 256;
/// Bytes of a texture of that side.
const TEXTURE_BYTES: u64 = (SIDE * SIDE * 4) as u64;
const TEXTURES: u32 = 12;
/// Room for less than half of them.
const LOCAL_BYTES: u64 = 5 * TEXTURE_BYTES;

/// A small texture with a view, for batches that use nothing else.
fn small_target(ctx: &mut Ctx) -> u32 {
    let texture = ctx.texture(RGBA8, 4, 4, 1, bind::RENDER_TARGET, 0);
    ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range_2d())
}

fn clear(ctx: &mut Ctx, view: u32, color: [f32; 4]) {
    send!(ctx.ring, ClearRenderTargetView { color, view, reserved: 0 });
}

#[test]
fn textures_trade_places_and_keep_their_texels() {
    let mut guest = Guest::with_local_memory(LOCAL_BYTES);
    let mut ctx = guest.context();
    let idle = small_target(&mut ctx);
    let textures: Vec<(u32, u32)> = (0..TEXTURES)
        .map(|_| {
            let texture = ctx.texture(RGBA8, SIDE, SIDE, 1, bind::RENDER_TARGET | bind::SHADER_RESOURCE, 0);
            (texture, ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range_2d()))
        })
        .collect();
    // CAST: small numbers.
    let shade = |number: u32| number as f32 / 255.0;
    for (number, (_, view)) in (1..).zip(&textures) {
        clear(&mut ctx, *view, [shade(number), shade(2 * number), 0.0, 1.0]);
    }
    guest.finish(&mut ctx);
    let stats = guest.stats.clone();
    let evictions = || stats.gpu.evictions.load(Ordering::Relaxed);
    assert_eq!(evictions(), 0, "nothing has moved yet: all is as hot as the rest");
    // The last textures found no room. They are used on and on while the first ones are not.
    for _ in 0..40 {
        for (number, (_, view)) in (1..).zip(&textures).skip(8) {
            clear(&mut ctx, *view, [shade(number), shade(3 * number), 0.0, 1.0]);
        }
        clear(&mut ctx, idle, [1.0; 4]);
        guest.finish(&mut ctx);
    }
    assert!(evictions() > 0, "cold textures make room for hot ones");
    // Whatever has moved and to where: every texture has its texels.
    for (number, (texture, _)) in (1_u8..).zip(&textures) {
        let staging = ctx.read_back(*texture, RGBA8, SIDE, SIDE, 4);
        guest.finish(&mut ctx);
        let green = if number > 8 { 3 * number } else { 2 * number };
        let texels = ctx.get(staging);
        let right = texels.as_chunks::<4>().0.iter().all(|texel| *texel == [number, green, 0, 255]);
        assert!(right, "texture {number}: {:?}", texels.get(..4));
        send!(ctx.ring, DestroyObject { id: *texture, reserved: 0 });
    }
    guest.finish(&mut ctx);
    assert_eq!(ctx.error(), 0);
    guest.end();
}

/// A context that draws one triangle with the shaders of SDL's renderer.
fn draw_a_triangle(guest: &mut Guest) -> Ctx {
    let mut ctx = guest.context();
    let texture = ctx.texture(RGBA8, 16, 16, 1, bind::RENDER_TARGET, 0);
    let target = ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range_2d());
    let vs = ctx.shader(stage::VERTEX, include_bytes!("../../../dxbc/tests/in/vs_sdl_like.dxbc"));
    let ps = ctx.shader(stage::PIXEL, include_bytes!("../../../dxbc/tests/in/ps_sdl_like.dxbc"));
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
    ctx.set_target(target, NONE, 16.0, 16.0);
    send!(ctx.ring, Draw { vertex_count: 3, instance_count: 1, start_vertex: 0, start_instance: 0 });
    guest.finish(&mut ctx);
    ctx
}

#[test]
fn a_later_run_makes_its_pipelines_before_they_are_needed() {
    let count = |guest: &Guest| {
        let gpu = &guest.stats.gpu;
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        (read(&gpu.pipelines), read(&gpu.pipelines_in_frames))
    };
    let mut first = Guest::new();
    let ctx = draw_a_triangle(&mut first);
    assert_eq!(ctx.error(), 0);
    assert_eq!(count(&first), (1, 1));
    let pipelines = first.pipelines.clone();
    first.end();
    let file = pipelines.lock().expect("nobody has panicked").clone();
    assert!(!file.is_empty(), "the run has said which pipelines it needed");

    let mut second = Guest::with_pipelines(file.clone());
    let ctx = draw_a_triangle(&mut second);
    assert_eq!(ctx.error(), 0);
    assert_eq!(count(&second), (1, 0), "made when the shaders were there");
    let again = second.pipelines.clone();
    second.end();
    assert!(again.lock().expect("nobody has panicked").is_empty(), "nothing new to be kept");

    // A damaged file costs time and nothing else.
    let mut broken = file;
    broken.truncate(broken.len() / 2);
    let mut third = Guest::with_pipelines(broken);
    let ctx = draw_a_triangle(&mut third);
    assert_eq!(ctx.error(), 0);
    assert_eq!(count(&third), (1, 1));
    third.end();
}

#[test]
fn a_note_for_another_gpu_makes_nothing() {
    let mut first = Guest::new();
    draw_a_triangle(&mut first);
    let (pipelines, gpu) = (first.pipelines.clone(), first.gpu_id());
    first.end();
    let file = pipelines.lock().expect("nobody has panicked").clone();
    let mut parsed = PipelineFile::parse(&file, &gpu).expect("sound");
    // A colour format that no GPU renders to: E5B9G9R9.
    for note in &mut parsed.notes {
        note.colors = vec![123];
    }
    let mut second = Guest::with_pipelines(parsed.bytes(&gpu));
    let ctx = draw_a_triangle(&mut second);
    assert_eq!(ctx.error(), 0);
    assert_eq!(second.stats.gpu.pipelines_in_frames.load(Ordering::Relaxed), 1);
    second.end();
}
