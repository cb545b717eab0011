//! What a draw with its usual state costs in the driver: every call goes through the real device table.
//!
//! "A draw with its usual state": vertex and pixel shader, blend, depth-stencil and rasterizer state, two constant buffers, four
//! textures, vertex and index buffer, all different from the draw before, then `DrawIndexed`. A thread on the other side
//! empties the ring as the host does. Bars: 150 ns a draw (median), no allocation, one copy of each command's bytes. Without a
//! bar, beside it: a 64-byte constant buffer discarded before each draw.
//!
//! `--json` prints one line of JSON instead of a table.
#![expect(unsafe_code, reason = "plays the other side of the DDI, and counts allocations")]

#[path = "../tests/driver/support/mod.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
#[macro_use]
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pvgpu_protocol::command::{self, CommandRef, decode, encode};
use pvgpu_protocol::limits::MAX_RECORD_BYTES;
use pvgpu_ring::{Consumer, positions};
use pvgpu_umd_ddi::*;
use support::{Device, Kernel, Runtime, buffer, buffer_shape, resource, texture_view};

/// Draws in one measurement: enough to hide the clock, few enough for a median that shows the usual case.
const BATCH: usize = 100;
/// Measurements.
const BATCHES: usize = 4000;
/// What the host needs for a record, at least: less than any real one, which builds Vulkan commands (a few hundred ns a draw).
const EXECUTION: Duration = Duration::from_nanos(50);
/// Batches before them.
const WARM_UP: usize = 100;
/// The ring that the driver asks for in reality.
const RING_BYTES: u64 = 4 << 20;

/// Counts allocations of the thread that asks for it.
struct Counting;

static COUNT: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNT.load(Ordering::Relaxed) {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: passed on from the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: passed on from the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The objects of one of two kinds of draw, which take turns.
struct Look {
    vertex_shader: D3D10DDI_HSHADER,
    pixel_shader: D3D10DDI_HSHADER,
    blend: D3D10DDI_HBLENDSTATE,
    depth_stencil: D3D10DDI_HDEPTHSTENCILSTATE,
    rasterizer: D3D10DDI_HRASTERIZERSTATE,
    constants: [D3D10DDI_HRESOURCE; 2],
    textures: [D3D10DDI_HSHADERRESOURCEVIEW; 4],
    vertices: D3D10DDI_HRESOURCE,
    indices: D3D10DDI_HRESOURCE,
}

fn look(runtime: &mut Device) -> Look {
    let code = [0x0005_0040_u32, 2];
    let size = call!(runtime, pfnCalcPrivateShaderSize, code.as_ptr(), core::ptr::null());
    let vertex_shader = D3D10DDI_HSHADER(runtime.place(size));
    call!(
        runtime,
        pfnCreateVertexShader,
        code.as_ptr(),
        vertex_shader,
        Default::default(),
        core::ptr::null()
    );
    let pixel_shader = D3D10DDI_HSHADER(runtime.place(size));
    call!(runtime, pfnCreatePixelShader, code.as_ptr(), pixel_shader, Default::default(), core::ptr::null());
    Look {
        vertex_shader,
        pixel_shader,
        blend: create!(
            runtime,
            D3D10DDI_HBLENDSTATE,
            pfnCalcPrivateBlendStateSize,
            pfnCreateBlendState,
            D3D11_1_DDI_BLEND_DESC::default()
        ),
        depth_stencil: create!(
            runtime,
            D3D10DDI_HDEPTHSTENCILSTATE,
            pfnCalcPrivateDepthStencilStateSize,
            pfnCreateDepthStencilState,
            D3D10_DDI_DEPTH_STENCIL_DESC::default()
        ),
        rasterizer: create!(
            runtime,
            D3D10DDI_HRASTERIZERSTATE,
            pfnCalcPrivateRasterizerStateSize,
            pfnCreateRasterizerState,
            D3D11_1_DDI_RASTERIZER_DESC::default()
        ),
        constants: [(); 2].map(|()| buffer(runtime, 256, D3D10_DDI_BIND_CONSTANT_BUFFER)),
        textures: [(); 4].map(|()| texture_view(runtime)),
        vertices: buffer(runtime, 4096, D3D10_DDI_BIND_VERTEX_BUFFER),
        indices: buffer(runtime, 4096, D3D10_DDI_BIND_INDEX_BUFFER),
    }
}

/// One draw with all its state.
#[inline(never)]
fn draw(runtime: &Device, look: &Look, offset: u32) {
    let factor = [1.0_f32; 4];
    let stride = 32_u32;
    let no_ranges = core::ptr::null();
    let [vertex_constants, pixel_constants] = &look.constants;
    call!(runtime, pfnVsSetShader, look.vertex_shader);
    call!(runtime, pfnPsSetShader, look.pixel_shader);
    call!(runtime, pfnSetBlendState, look.blend, factor.as_ptr(), u32::MAX);
    call!(runtime, pfnSetDepthStencilState, look.depth_stencil, 0);
    call!(runtime, pfnSetRasterizerState, look.rasterizer);
    call!(
        runtime,
        pfnVsSetConstantBuffers,
        0,
        1,
        core::ptr::from_ref(vertex_constants),
        no_ranges,
        no_ranges
    );
    call!(runtime, pfnPsSetConstantBuffers, 0, 1, core::ptr::from_ref(pixel_constants), no_ranges, no_ranges);
    call!(runtime, pfnPsSetShaderResources, 0, 4, look.textures.as_ptr());
    call!(
        runtime,
        pfnIaSetVertexBuffers,
        0,
        1,
        &raw const look.vertices,
        &raw const stride,
        &raw const offset
    );
    call!(runtime, pfnIaSetIndexBuffer, look.indices, DXGI_FORMAT_R16_UINT, offset);
    call!(runtime, pfnDrawIndexed, 36, 0, 0);
}

/// Gives a constant buffer new contents.
#[inline(never)]
fn discard(runtime: &Device, constants: D3D10DDI_HRESOURCE, value: u64) {
    let mut mapped = D3D10DDI_MAPPED_SUBRESOURCE::default();
    let how = D3D10_DDI_MAP_WRITE_DISCARD;
    call!(runtime, pfnDynamicConstantBufferMapDiscard, constants, 0, how, 0, &raw mut mapped);
    // SAFETY: the driver mapped 64 bytes.
    unsafe { mapped.pData.cast::<[u64; 8]>().write([value; 8]) };
    call!(runtime, pfnDynamicConstantBufferUnmap, constants, 0);
}

/// What one call costs.
struct Cost {
    p10: f64,
    median: f64,
    p90: f64,
    allocations: f64,
}

impl core::fmt::Display for Cost {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { p10, median, p90, allocations: _ } = self;
        write!(f, "{{\"p10\":{p10:.1},\"median\":{median:.1},\"p90\":{p90:.1}}}")
    }
}

/// Measures calls in batches, of which the first ones warm up. The call gets its number in the batch. Between batches the host
/// catches up, as it does while a program prepares its next frame.
fn measure(kernel: &Kernel, mut call: impl FnMut(usize)) -> Cost {
    let mut times = Vec::with_capacity(BATCHES);
    ALLOCATIONS.store(0, Ordering::Relaxed);
    for batch in 0..BATCHES + WARM_UP {
        COUNT.store(batch >= WARM_UP, Ordering::Relaxed);
        let begin = Instant::now();
        (0..BATCH).for_each(&mut call);
        let elapsed = begin.elapsed();
        COUNT.store(false, Ordering::Relaxed);
        if batch >= WARM_UP {
            times.push(elapsed.as_nanos() as f64 / BATCH as f64);
        }
        while positions(&kernel.ring).is_ok_and(|positions| positions.head != positions.tail) {
            std::thread::yield_now();
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) as f64 / (BATCHES * BATCH) as f64;
    Cost { p10: at(0.1), median: at(0.5), p90: at(0.9), allocations }
}

/// Empties the ring as the host does, completes its fences, until told to stop. It checks every record, and takes
/// [`EXECUTION`] for each, so that it follows the driver at a distance.
fn host(kernel: &'static Kernel, up: &Barrier, stop: &AtomicBool) {
    let mut consumer = Consumer::new(kernel.ring, 0).expect("a legal ring");
    let mut local = vec![0; MAX_RECORD_BYTES as usize / 8];
    up.wait();
    while !stop.load(Ordering::Relaxed) {
        let Some(record) = consumer.pop_into(&mut local).expect("an honest driver") else {
            // Between two looks at one ring the host looks at the others.
            std::thread::yield_now();
            continue;
        };
        let begin = Instant::now();
        let words = record.ring_bytes() / 8;
        if let CommandRef::Fence(fence) = decode(&local[..words]).expect("a legal command") {
            kernel.complete(fence.value.into());
        }
        while begin.elapsed() < EXECUTION {
            core::hint::spin_loop();
        }
    }
}

/// Bytes that encoding hands to the ring, over the bytes of the records, for the commands of one draw.
fn copies(records: &[Vec<u64>]) -> (u64, u64) {
    let (mut written, mut payload) = (0, 0);
    let mut count = |bytes: &[u8]| written += bytes.len() as u64;
    for words in records {
        payload += words.len() as u64 * 8 - 8;
        // The records are encoded once more from what they say, through a sink that counts.
        let header = match decode(words).expect("an honest driver") {
            CommandRef::SetShader(c) => {
                encode(&command::SetShader { stage: c.stage.into(), shader: c.shader.into() }, &mut count)
            }
            CommandRef::SetShaderResources(c) => {
                let views: Vec<u32> = c.views.iter().map(|view| view.to_native()).collect();
                let (stage, start_slot) = (c.stage.into(), c.start_slot.into());
                encode(&command::SetShaderResources { stage, start_slot, views: &views }, &mut count)
            }
            CommandRef::SetConstantBuffers(c) => {
                let binding = |b: &command::ArchivedConstantBufferBinding| command::ConstantBufferBinding {
                    buffer: b.buffer.into(),
                    first_constant: b.first_constant.into(),
                    num_constants: b.num_constants.into(),
                };
                let buffers: Vec<_> = c.buffers.iter().map(binding).collect();
                let (stage, start_slot) = (c.stage.into(), c.start_slot.into());
                encode(&command::SetConstantBuffers { stage, start_slot, buffers: &buffers }, &mut count)
            }
            CommandRef::DrawIndexed(c) => encode(
                &command::DrawIndexed {
                    index_count: c.index_count.into(),
                    instance_count: c.instance_count.into(),
                    start_index: c.start_index.into(),
                    base_vertex: c.base_vertex.into(),
                    start_instance: c.start_instance.into(),
                    reserved: 0,
                },
                &mut count,
            ),
            // The others are of fixed size: one write of the whole struct.
            _ => {
                count(bytemuck::cast_slice(words.get(1..).unwrap_or_default()));
                continue;
            }
        };
        assert_eq!(header.expect("it was encoded before").length as usize, words.len() * 8);
    }
    (written, payload)
}

fn main() {
    let json = std::env::args().any(|arg| arg == "--json");
    let kernel = Kernel::new(RING_BYTES, 16 << 20);
    let mut runtime: Box<Device> = Runtime::new(kernel, D3D11_1_DDI_INTERFACE_VERSION);
    let looks = [look(&mut runtime), look(&mut runtime)];

    // One draw, taken apart.
    let mut other_side = support::Host::new(kernel);
    draw(&runtime, &looks[0], 0);
    draw(&runtime, &looks[1], 4);
    other_side.drain();
    draw(&runtime, &looks[0], 8);
    let records = other_side.drain();
    let (written, payload) = copies(&records);
    let ring_bytes: usize = records.iter().map(|words| words.len() * 8).sum();
    drop(other_side);
    drop(runtime);

    // Many draws, timed, with a host that keeps up.
    let kernel = Kernel::new(RING_BYTES, 16 << 20);
    let mut runtime: Box<Device> = Runtime::new(kernel, D3D11_1_DDI_INTERFACE_VERSION);
    let looks = [look(&mut runtime), look(&mut runtime)];
    let dynamic = buffer_shape(64, D3D10_DDI_USAGE_DYNAMIC, D3D10_DDI_BIND_CONSTANT_BUFFER);
    let constants = resource(&mut runtime, dynamic, None);
    let (up, stop) = (Barrier::new(2), AtomicBool::new(false));
    let (draws, discards) = std::thread::scope(|scope| {
        scope.spawn(|| host(kernel, &up, &stop));
        up.wait();
        let mut offset = 0_u32;
        let draws = measure(kernel, |index| {
            offset = offset.wrapping_add(4) & 0xffff;
            draw(&runtime, &looks[index % 2], offset);
        });
        let discards = measure(kernel, |index| {
            discard(&runtime, constants, index as u64);
            call!(runtime, pfnDrawIndexed, 36, 0, 0);
        });
        stop.store(true, Ordering::Relaxed);
        (draws, discards)
    });
    let ratio = written as f64 / payload as f64;
    let errors = kernel.take_errors().len();
    let pass = draws.median <= 150.0 && draws.allocations == 0.0 && ratio <= 1.0 && errors == 0;
    if json {
        println!(
            "{{\"bench\":\"encode\",\"ns_per_draw\":{draws},\"bar_ns\":150,\"records_per_draw\":{},\
             \"ring_bytes_per_draw\":{ring_bytes},\"allocations_per_draw\":{},\"copies_per_byte\":{ratio:.3},\
             \"ns_per_64_byte_discard_and_draw\":{discards},\"pass\":{pass}}}",
            records.len(),
            draws.allocations,
        );
    } else {
        println!("a draw with its usual state, all of it new: {} records, {ring_bytes} bytes", records.len());
        println!("  ns           {draws}; bar 150 median, ratio {:.2}", draws.median / 150.0);
        println!("  allocations  {} a draw; bar 0", draws.allocations);
        println!("  copies       {ratio:.3} a byte; bar 1");
        println!("  {}", if pass { "pass" } else { "FAIL" });
        println!("a discard of a 64-byte constant buffer and a draw");
        println!("  ns           {discards}");
        println!("  allocations  {} a draw", discards.allocations);
    }
}
