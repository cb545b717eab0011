//! Random and mutated record streams: any bytes end in an operation or in a poisoned context.
//!
//! The same fixed-seed generator feeds the decoder alone (many records, quick) and the whole worker on lavapipe.

use std::rc::Rc;
use std::sync::Arc;

use proptest::prelude::*;
use pvgpu_host_backend::decoder::{Decoder, HostCaps};
use pvgpu_host_backend::fault::Fault;
use pvgpu_host_backend::memory::{Heap, Part, SharedCells};
use pvgpu_host_backend::ops::{Backend, Op, ResourceDesc, ShareToken};
use pvgpu_protocol::command::*;
use pvgpu_protocol::host_info::FormatSupport;
use pvgpu_protocol::tiling::{TILE_BYTES, Tiling};
use pvgpu_ring::AtomicU64;

use crate::harness::{Guest, Happened, range_2d, texture_2d};

/// Records per run through the decoder.
const DECODED: usize = 150_000;
/// Contexts, and records of each, per run through the worker.
const CONTEXTS: usize = 60;
const RECORDS: usize = 200;
/// Heap of the decoder's context.
const HEAP: u64 = 1 << 17;

/// xorshift64*: small, fixed, good enough to spread bits.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Encodes commands into whole records.
macro_rules! corpus {
    ($($command:expr),+ $(,)?) => {
        vec![$({
            let mut bytes = Vec::new();
            let header = encode(&$command, &mut |part: &[u8]| bytes.extend_from_slice(part)).expect("small");
            let mut words = vec![header.to_word()];
            words.extend(bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)));
            words
        }),+]
    };
}

/// Legal records, in an order in which they work; object numbers below 16, heap at the given range.
fn corpus(heap: HeapRange) -> Vec<Vec<u64>> {
    let part = |offset: u64, length: u64| HeapRange { offset: heap.offset + offset, length };
    let buffer = CreateResource {
        dimension: dimension::BUFFER,
        width: 256,
        height: 1,
        depth: 1,
        mip_levels: 1,
        array_size: 1,
        sample_count: 1,
        ..Default::default()
    };
    let all = bind::VERTEX_BUFFER | bind::INDEX_BUFFER | bind::SHADER_RESOURCE | bind::UNORDERED_ACCESS;
    let target = bind::RENDER_TARGET | bind::SHADER_RESOURCE;
    let dst_box = SubresourceBox { right: 4, bottom: 4, back: 1, ..Default::default() };
    let face = StencilFace { fail_op: 1, depth_fail_op: 1, pass_op: 1, func: 8 };
    let structured = ViewRange { dimension: dimension::BUFFER, num_elements: 16, ..Default::default() };
    let mut records = corpus![
        texture_2d(1, 28, 16, 16, 5, target, misc::AUTO_GEN_MIP_MAP),
        texture_2d(2, 40, 16, 16, 1, bind::DEPTH_STENCIL, 0),
        CreateResource {
            id: 3,
            bind_flags: all,
            misc_flags: misc::BUFFER_STRUCTURED | misc::DRAWINDIRECT_ARGS,
            structure_stride: 16,
            ..buffer
        },
        CreateResource { id: 4, bind_flags: bind::CONSTANT_BUFFER, usage: usage::DYNAMIC, ..buffer },
        CreateResource { usage: usage::STAGING, heap: part(0, 4096), ..texture_2d(5, 28, 16, 16, 1, 0, 0) },
        CreateView { id: 6, resource: 1, kind: view_kind::RENDER_TARGET, format: 28, range: range_2d() },
        CreateView {
            id: 7,
            resource: 1,
            kind: view_kind::SHADER_RESOURCE,
            format: 28,
            range: ViewRange { mip_levels: 5, ..range_2d() }
        },
        CreateView { id: 8, resource: 2, kind: view_kind::DEPTH_STENCIL, format: 40, range: range_2d() },
        CreateView { id: 9, resource: 3, kind: view_kind::UNORDERED_ACCESS, format: 0, range: structured },
        CreateQuery { slot: part(4096, 128), id: 10, kind: 1 },
        CreateSampler {
            id: 11,
            filter: 0x15,
            address_u: 1,
            address_v: 4,
            address_w: 3,
            mip_lod_bias: 0.0,
            max_anisotropy: 1,
            comparison_func: 1,
            border_color: [0.0; 4],
            min_lod: 0.0,
            max_lod: 100.0
        },
        CreateBlendState {
            id: 12,
            alpha_to_coverage_enable: 0,
            independent_blend_enable: 0,
            reserved: 0,
            render_targets: [RenderTargetBlend {
                blend_enable: 1,
                src_blend: 5,
                dest_blend: 6,
                blend_op: 1,
                src_blend_alpha: 2,
                dest_blend_alpha: 1,
                blend_op_alpha: 1,
                write_mask: 15,
                ..Default::default()
            }; 8]
        },
        CreateDepthStencilState {
            id: 13,
            depth_enable: 1,
            depth_write_mask: 1,
            depth_func: 2,
            stencil_enable: 0,
            stencil_read_mask: 255,
            stencil_write_mask: 255,
            reserved: 0,
            front_face: face,
            back_face: face
        },
        CreateRasterizerState {
            id: 14,
            fill_mode: 3,
            cull_mode: 3,
            front_counter_clockwise: 0,
            depth_bias: 0,
            depth_bias_clamp: 0.0,
            slope_scaled_depth_bias: 0.0,
            depth_clip_enable: 1,
            scissor_enable: 0,
            multisample_enable: 0,
            antialiased_line_enable: 0,
            forced_sample_count: 0
        },
        CreateElementLayout {
            id: 15,
            reserved: 0,
            elements: &[InputElement { format: 2, ..Default::default() }]
        },
    ];
    records.extend(corpus![
        UpdateSubresource {
            data: part(0, 64),
            dst: 1,
            dst_subresource: 0,
            dst_box,
            row_pitch: 16,
            depth_pitch: 64
        },
        UpdateInline { dst: 3, offset: 16, data: &[1, 2, 3, 4, 5, 6, 7] },
        DiscardBuffer { data: part(0, 256), dst: 4, reserved: 0 },
        WriteNoOverwrite { data: part(0, 16), dst: 4, offset: 32 },
        SetVertexBuffers {
            start_slot: 0,
            reserved: 0,
            buffers: &[VertexBufferBinding { buffer: 3, stride: 16, offset: 0 }]
        },
        SetIndexBuffer { buffer: 3, format: 57, offset: 0, reserved: 0 },
        SetInputLayout { layout: 15, reserved: 0 },
        SetTopology { topology: 4, reserved: 0 },
        SetShader { stage: 0, shader: NONE },
        SetConstantBuffers {
            stage: 0,
            start_slot: 0,
            buffers: &[ConstantBufferBinding { buffer: 4, first_constant: 0, num_constants: 16 }]
        },
        SetShaderResources { stage: 4, start_slot: 0, views: &[7, NONE] },
        SetSamplers { stage: 4, start_slot: 0, samplers: &[11] },
        SetRenderTargets { depth_stencil: 8, uav_start: 1, render_targets: &[6], uavs: &[] },
        SetComputeUavs {
            start_slot: 0,
            reserved: 0,
            uavs: &[UavBinding { view: 9, initial_count: u32::MAX }]
        },
        SetViewports {
            viewports: &[Viewport { width: 16.0, height: 16.0, max_depth: 1.0, ..Default::default() }]
        },
        SetScissorRects { rects: &[Rect { left: 0, top: 0, right: 16, bottom: 16 }] },
        SetBlendState { state: 12, sample_mask: u32::MAX, blend_factor: [1.0; 4] },
        SetDepthStencilState { state: 13, stencil_ref: 0 },
        SetRasterizerState { state: 14, reserved: 0 },
        ClearRenderTargetView { color: [0.5; 4], view: 6, reserved: 0 },
        ClearDepthStencilView { view: 8, flags: 3, depth: 1.0, stencil: 0 },
        ClearUnorderedAccessView { value: [1; 4], view: 9, is_float: 0 },
        BeginQuery { query: 10, reserved: 0 },
        Draw { vertex_count: 3, instance_count: 1, start_vertex: 0, start_instance: 0 },
        DrawIndexed {
            index_count: 3,
            instance_count: 1,
            start_index: 0,
            base_vertex: 0,
            start_instance: 0,
            reserved: 0
        },
        DrawIndirect { kind: 0, buffer: 3, offset: 0, reserved: 0 },
        Dispatch { x: 1, y: 1, z: 1, reserved: 0 },
        EndQuery { query: 10, reserved: 0 },
        CopyRegion {
            dst: 5,
            dst_subresource: 0,
            dst_x: 0,
            dst_y: 0,
            dst_z: 0,
            src: 1,
            src_subresource: 0,
            src_box: dst_box,
            reserved: 0
        },
        GenerateMips { view: 7, reserved: 0 },
        Present {
            frame: part(8192, 1024),
            src: 1,
            src_subresource: 0,
            width: 16,
            height: 16,
            row_pitch: 64,
            flags: 0,
            sequence: 1
        },
        RotateResourceIdentities { resources: &[1] },
        ResolveSubresource {
            dst: 1,
            dst_subresource: 1,
            src: 1,
            src_subresource: 2,
            format: 28,
            reserved: 0
        },
        CopyStructureCount { dst: 3, dst_offset: 0, src_view: 9, reserved: 0 },
        CopyResource { dst: 3, src: 4 },
        DestroyObject { id: 15, reserved: 0 },
        CreateShader { tokens: part(0, 64), id: 15, stage: 0, input: &[], output: &[], patch_constant: &[] },
    ]);
    records
}

/// Changes a record in one of the ways in which bytes go wrong; sometimes not at all.
fn mutate(random: &mut Random, record: &[u64]) -> Vec<u64> {
    const INTERESTING: [u32; 8] = [0, 1, 2, 15, 0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX];
    let mut words = record.to_vec();
    let changes = random.below(4);
    for _ in 0..changes {
        let at = random.below(words.len());
        let shift = 32 * random.below(2);
        let low = random.below(INTERESTING.len());
        match random.below(5) {
            0 => words[at] ^= 1 << random.below(64),
            1 => words[at] = random.next(),
            2 => words[at] = words[at] & !(0xffff_ffff << shift) | u64::from(INTERESTING[low]) << shift,
            3 => words[at] = words[at] & !(0xff << shift) | (random.next() & 0x1f) << shift,
            _ => words.truncate(at.max(1)),
        }
    }
    // The ring's own framing is always whole: the length is that of the words.
    words[0] = (words[0] & !0xffff_ffff) | (words.len() as u64 * 8);
    words
}

/// Executes nothing, but looks at everything.
#[derive(Default)]
struct Null {
    executed: usize,
}

impl Backend for Null {
    fn shared(&self, _token: ShareToken) -> Option<Rc<ResourceDesc>> {
        None
    }

    fn batch(&self) -> u64 {
        1
    }

    fn execute(&mut self, op: Op<'_>) -> Result<(), Fault> {
        if let Op::CreateResource { desc, .. } = &op
            && desc.is_tiled()
            && let Some(tiling) = Tiling::new(desc.command.dimension, desc.format, desc.shape, 1, 0)
        {
            let _first = desc.tiling.set(tiling);
        }
        self.executed += usize::from(!format!("{op:?}").is_empty());
        Ok(())
    }
}

fn decoder() -> Decoder {
    let memory: Arc<[AtomicU64]> = (0..HEAP / 8).map(|_| AtomicU64::new(0)).collect();
    let cells: SharedCells = Arc::new(memory);
    let heap = Heap::new(Part::new(&cells, 0, HEAP).expect("whole"));
    let everything = FormatSupport { support: u32::MAX, support2: u32::MAX, sample_counts: 0x1f };
    let mut decoder = Decoder::new(Rc::new(HostCaps { formats: vec![everything; 116], tiled: true }), heap);
    decoder.grants.add(HeapRange { offset: 0, length: HEAP });
    decoder
}

/// The same of tiled resources, behind the others.
fn tiled_corpus(heap: HeapRange) -> Vec<Vec<u64>> {
    let part = |offset: u64, length: u64| HeapRange { offset: heap.offset + offset, length };
    let buffer = |id: u32, tiles: u64, misc_flags: u32| CreateResource {
        id,
        dimension: dimension::BUFFER,
        width: (tiles * TILE_BYTES) as u32,
        height: 1,
        depth: 1,
        mip_levels: 1,
        array_size: 1,
        sample_count: 1,
        misc_flags,
        ..Default::default()
    };
    let spans = &[TileSpan { first: 1, count: 1 }];
    let mut records = corpus(heap);
    records.extend(corpus![
        buffer(20, 4, misc::TILE_POOL),
        buffer(21, 3, misc::TILED),
        texture_2d(22, 28, 256, 128, 1, bind::RENDER_TARGET, misc::TILED),
        buffer(23, 1, 0),
        DescribeTiling { slot: part(0, TILING_SLOT_BYTES), resource: 22, reserved: 0 },
        UpdateTileMappings {
            resource: 21,
            pool: 20,
            runs: &[
                TileRun { first: 0, count: 2, kind: tile_run::SEQUENTIAL, pool_tile: 1 },
                TileRun { first: 2, count: 1, kind: tile_run::REUSE, pool_tile: 0 }
            ],
        },
        CopyTileMappings { dst: 22, src: 21, pairs: &[TilePair { dst_first: 0, src_first: 1, count: 2 }] },
        UpdateTiles { data: part(1 << 16, TILE_BYTES), resource: 22, reserved: 0, spans },
        CopyTiles {
            buffer_offset: 0,
            resource: 22,
            buffer: 23,
            direction: tile_copy::TO_BUFFER,
            reserved: 0,
            spans
        },
        TiledResourceBarrier { reserved: 0 },
        ResizeTilePool { bytes: 2 * TILE_BYTES, pool: 20, reserved: 0 },
    ]);
    records
}

#[test]
fn legal_records_decode() {
    let (mut decoder, mut null) = (decoder(), Null::default());
    for record in tiled_corpus(HeapRange { offset: 0, length: HEAP }) {
        let result = decoder.step(&record, &mut null);
        // The two that mutants start from but are wrong as they stand: shapes differ.
        let opcode = (record[0] >> 32) as u16;
        assert!(
            result.is_ok() || [CopyResource::OPCODE, ResolveSubresource::OPCODE].contains(&opcode),
            "{opcode:#x}: {result:?}"
        );
    }
    assert!(null.executed > 45);
}

#[test]
fn mutated_records_never_break_the_decoder() {
    let records = tiled_corpus(HeapRange { offset: 0, length: HEAP });
    let mut random = Random(0x5eed_0001);
    let (mut done, mut refused, mut null) = (0, 0, Null::default());
    while done < DECODED {
        let mut decoder = decoder();
        for index in 0..2000 {
            // Mostly in order, so that later commands find what they need.
            let record =
                if index < records.len() { &records[index] } else { &records[random.below(records.len())] };
            let record = if index < 15 { record.clone() } else { mutate(&mut random, record) };
            refused += usize::from(decoder.step(&record, &mut null).is_err());
            done += 1;
        }
        assert!(decoder.object_count() < 4096);
    }
    assert!(refused > DECODED / 10, "{refused} of {done} refused");
    assert!(null.executed > DECODED / 10, "{} of {done} executed", null.executed);
}

proptest! {
    #[test]
    fn any_words_decode_or_fail(mut words in prop::collection::vec(any::<u64>(), 1..64), opcode in 0u16..0x0450) {
        words[0] = (words.len() as u64 * 8) | (u64::from(opcode) << 32);
        let _ = decoder().step(&words, &mut Null::default());
    }
}

#[test]
fn mutated_streams_leave_the_worker_alive() {
    // Before the guest: to find out takes a device, and there may be one at a time.
    let tiled = crate::tiled::has_tiles();
    let mut guest = Guest::without_validation();
    let ring = guest.take_heap(4096 + crate::harness::RING_BYTES);
    let heap = guest.take_heap(crate::harness::HEAP_BYTES);
    // Without a tier the first of them ends a context.
    let records = if tiled { tiled_corpus(heap) } else { corpus(heap) };
    let mut random = Random(0x5eed_0002);
    let mut poisoned = 0;
    for _ in 0..CONTEXTS {
        let mut ctx = guest.context_in(1, ring, heap);
        // Some legal work first, then one mutant among legal records, then anything.
        let first = random.below(records.len());
        for index in 0..RECORDS {
            let record = &records[index % records.len()];
            let words = if index < first { record.clone() } else { mutate(&mut random, record) };
            // Gates and waits hold the ring, as they should: this test wants to see its end.
            let opcode = (words[0] >> 32) as u16;
            if [Gate::OPCODE, WaitFence::OPCODE].contains(&opcode) {
                continue;
            }
            let payload: Vec<u8> = words[1..].iter().flat_map(|word| word.to_le_bytes()).collect();
            ctx.ring.push_raw((words[0] >> 32) as u32, &payload);
        }
        ctx.fence();
        guest.wait("the stream's end", |guest| {
            let error = guest.poll_event();
            if let Some(Happened::Error { context: 1, .. }) = error {
                poisoned += 1;
                return true;
            }
            ctx.completed() == 1
        });
        send_end(&mut guest);
    }
    assert!(poisoned > CONTEXTS / 2, "{poisoned} of {CONTEXTS}");
    // Another context of the same worker still works.
    let mut ctx = guest.context_in(1, ring, heap);
    guest.finish(&mut ctx);
}

fn send_end(guest: &mut Guest) {
    crate::send!(guest.ring0, DestroyContext { context: 1, reserved: 0 });
    guest.wait("the context's end", |guest| guest.poll_event() == Some(Happened::Destroyed { context: 1 }));
}
