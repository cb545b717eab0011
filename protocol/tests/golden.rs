//! The wire format, byte by byte: one sample of every command and event against the committed golden records.
//!
//! `tests/golden/vN.txt` holds for each version a line per record: opcode, name, words in hexadecimal. A difference means that the wire
//! format has changed: that is a new ABI version and a new file, never an edit of this one. To write the file of a new
//! version, run the test with `PVGPU_BLESS=1`.

use pvgpu_protocol::command::*;
use pvgpu_protocol::event::{
    ContextDestroyed, ContextError, EventRef, ModeRequest, decode_event, error_code,
};
use pvgpu_protocol::version::{ABI_VERSION, OLDEST_ABI_VERSION};
use rkyv::Serialize;

/// One encoded sample.
struct Sample {
    name: &'static str,
    words: Vec<u64>,
}

/// Collects what `encode` writes.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl RecordSink for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

fn sample<C>(name: &'static str, command: C) -> Sample
where
    C: Command + for<'s, 'a> Serialize<RecordSerializer<'s, 'a, Bytes>>,
{
    let mut sink = Bytes::default();
    let header = encode(&command, &mut sink).expect("samples fit into a record");
    assert!(
        header.length <= command.record_bound(),
        "{name}: {} > {}",
        header.length,
        command.record_bound()
    );
    let mut words = vec![header.to_word()];
    words.extend(sink.0.chunks_exact(8).map(|chunk| u64::from_le_bytes(chunk.try_into().expect("8 bytes"))));
    assert_eq!(words.len() * 8, header.length as usize, "{name}");
    Sample { name, words }
}

/// Samples by the command's own name.
macro_rules! samples {
    ($($name:ident $fields:tt),+ $(,)?) => { vec![$(sample(stringify!($name), $name $fields)),+] };
}

fn commands() -> Vec<Sample> {
    let heap = HeapRange { offset: 0x1000, length: 0x200 };
    let cube = SubresourceBox { left: 1, top: 2, front: 3, right: 4, bottom: 5, back: 6 };
    let range = ViewRange {
        dimension: dimension::TEXTURE2D,
        first_element: 1,
        num_elements: 2,
        most_detailed_mip: 3,
        mip_levels: 4,
        first_array_slice: 5,
        array_size: 6,
        flags: 7,
    };
    let signature = [
        SignatureElement { system_value: 1, register: 0, mask: 0xf, component_type: 3, stream: 0 },
        SignatureElement { system_value: 0, register: 1, mask: 0x3, component_type: 1, stream: 2 },
    ];
    let element = InputElement {
        input_slot: 1,
        aligned_byte_offset: 12,
        format: 6,
        input_slot_class: 1,
        instance_data_step_rate: 2,
        input_register: 3,
    };
    let blend = RenderTargetBlend {
        blend_enable: 1,
        logic_op_enable: 0,
        src_blend: 5,
        dest_blend: 6,
        blend_op: 1,
        src_blend_alpha: 2,
        dest_blend_alpha: 1,
        blend_op_alpha: 1,
        logic_op: 0,
        write_mask: 0xf,
    };
    let face = StencilFace { fail_op: 1, depth_fail_op: 2, pass_op: 3, func: 8 };
    let buffer = ConstantBufferBinding { buffer: 9, first_constant: 16, num_constants: 4096 };
    let uav = UavBinding { view: 5, initial_count: u32::MAX };
    let rect = Rect { left: 1, top: 2, right: 300, bottom: 400 };
    let viewport = Viewport {
        top_left_x: 0.5,
        top_left_y: 1.0,
        width: 640.0,
        height: 480.0,
        min_depth: 0.0,
        max_depth: 1.0,
    };
    samples![
        Fence { value: u64::MAX - 1 },
        Gate { number: 3 },
        WaitFence { value: 77, context: 2, reserved: 0 },
        CreateContext { ring: HeapRange { offset: 0, length: 0x10_1000 }, context: 1, process: 4242 },
        DestroyContext { context: 1, reserved: 0 },
        GrantHeap { range: heap, context: 1, reserved: 0 },
        RevokeHeap { range: heap, context: 1, reserved: 0 },
        OpenGate { number: 3, context: 1, reserved: 0 },
        BlitHeap {
            src: heap,
            dst: HeapRange { offset: 0x8000, length: 0x4000 },
            src_pitch: 1280,
            dst_pitch: 2560,
            format: 87,
            reserved: 0,
            src_rect: rect,
            dst_rect: Rect { left: 5, ..rect },
            clip: Rect { left: -1, ..rect },
        },
        FillHeap { dst: heap, rect, pitch: 1280, format: 87, value: 0xff00_ff00, reserved: 0 },
        SetScanout {
            surface: heap,
            source: 0,
            visible: 1,
            width: 1920,
            height: 1080,
            pitch: 7680,
            format: scanout_format::B8G8R8X8,
            refresh_millihertz: 59_940,
            reserved: 0,
        },
        SetPointerShape {
            shape: heap,
            source: 0,
            kind: pointer_kind::COLOR,
            width: 32,
            height: 48,
            pitch: 128,
            reserved: 0,
        },
        SetPointerPosition { source: 0, visible: 1, x: -3, y: 7 },
        CreateResource {
            heap,
            id: 1,
            dimension: dimension::TEXTURE2D,
            format: 28,
            width: 640,
            height: 480,
            depth: 1,
            mip_levels: 10,
            array_size: 2,
            sample_count: 4,
            sample_quality: 1,
            usage: usage::STAGING,
            bind_flags: bind::SHADER_RESOURCE | bind::RENDER_TARGET,
            misc_flags: misc::AUTO_GEN_MIP_MAP,
            structure_stride: 16,
        },
        DestroyObject { id: 1, reserved: 0 },
        CreateView { id: 2, resource: 1, kind: view_kind::SHADER_RESOURCE, format: 29, range },
        CreateQuery { slot: heap, id: 3, kind: 4 },
        CreateShader {
            tokens: heap,
            id: 4,
            stage: stage::PIXEL,
            input: &signature,
            output: &signature[..1],
            patch_constant: &[],
        },
        CreateElementLayout { id: 5, reserved: 0, elements: &[element, element] },
        CreateBlendState {
            id: 6,
            alpha_to_coverage_enable: 1,
            independent_blend_enable: 1,
            reserved: 0,
            render_targets: [blend; 8],
        },
        CreateDepthStencilState {
            id: 7,
            depth_enable: 1,
            depth_write_mask: 1,
            depth_func: 2,
            stencil_enable: 1,
            stencil_read_mask: 0xff,
            stencil_write_mask: 0x0f,
            reserved: 0,
            front_face: face,
            back_face: face,
        },
        CreateRasterizerState {
            id: 8,
            fill_mode: 3,
            cull_mode: 3,
            front_counter_clockwise: 1,
            depth_bias: -5,
            depth_bias_clamp: 0.25,
            slope_scaled_depth_bias: 1.5,
            depth_clip_enable: 1,
            scissor_enable: 1,
            multisample_enable: 0,
            antialiased_line_enable: 0,
            forced_sample_count: 0,
        },
        CreateSampler {
            id: 9,
            filter: 0x15,
            address_u: 1,
            address_v: 3,
            address_w: 4,
            mip_lod_bias: -0.5,
            max_anisotropy: 16,
            comparison_func: 8,
            border_color: [0.0, 0.25, 0.5, 1.0],
            min_lod: 0.0,
            max_lod: 12.0,
        },
        CreateStreamOutputShader {
            tokens: heap,
            id: 3,
            rasterized_stream: SO_NO_RASTERIZED_STREAM,
            strides: [16, 0, 32, 0],
            input: &signature,
            output: &signature,
            entries: &[StreamOutputEntry { stream: 1, buffer: 2, register: 3, mask: 0x6 }],
        },
        ShareResource { token: [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210], id: 4, reserved: 0 },
        OpenSharedResource { token: [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210], id: 9, reserved: 0 },
        TryOpenSharedResource {
            token: [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210],
            status: heap,
            id: 10,
            reserved: 0,
        },
        LinkShader {
            id: 7,
            shader: 4,
            instances: &[ClassInstance {
                function_table: 3,
                constant_buffer: 1,
                constant_offset: 16,
                texture: 2,
                sampler: 5,
            }],
        },
        DescribeTiling { slot: heap, resource: 8, reserved: 0 },
        UpdateTileMappings {
            resource: 8,
            pool: 9,
            runs: &[
                TileRun { first: 1, count: 2, kind: tile_run::REUSE, pool_tile: 3 },
                TileRun { first: 4, count: 5, kind: tile_run::NULL, pool_tile: 0 }
            ],
        },
        CopyTileMappings { dst: 8, src: 10, pairs: &[TilePair { dst_first: 1, src_first: 2, count: 3 }] },
        CopyTiles {
            buffer_offset: 0x1_0000_0010,
            resource: 8,
            buffer: 11,
            direction: tile_copy::TO_BUFFER,
            reserved: 0,
            spans: &[TileSpan { first: 4, count: 5 }],
        },
        UpdateTiles { data: heap, resource: 8, reserved: 0, spans: &[TileSpan { first: 6, count: 7 }] },
        TiledResourceBarrier { reserved: 0 },
        ResizeTilePool { bytes: 0x20_0000, pool: 9, reserved: 0 },
        SetVertexBuffers {
            start_slot: 1,
            reserved: 0,
            buffers: &[VertexBufferBinding { buffer: 1, stride: 32, offset: 64 }],
        },
        SetIndexBuffer { buffer: 2, format: 57, offset: 6, reserved: 0 },
        SetInputLayout { layout: 5, reserved: 0 },
        SetTopology { topology: 4, reserved: 0 },
        SetShader { stage: stage::VERTEX, shader: NONE },
        SetConstantBuffers { stage: stage::PIXEL, start_slot: 2, buffers: &[buffer, buffer] },
        SetShaderResources { stage: stage::PIXEL, start_slot: 0, views: &[2, NONE, 3] },
        SetSamplers { stage: stage::COMPUTE, start_slot: 4, samplers: &[9] },
        SetRenderTargets { depth_stencil: 11, uav_start: 1, render_targets: &[10, NONE], uavs: &[uav] },
        SetComputeUavs {
            start_slot: 3,
            reserved: 0,
            uavs: &[uav, UavBinding { view: NONE, initial_count: 7 }]
        },
        SetViewports { viewports: &[viewport, viewport] },
        SetScissorRects { rects: &[Rect { left: -1, top: 2, right: 300, bottom: 400 }] },
        SetBlendState { state: 6, sample_mask: u32::MAX, blend_factor: [1.0, 0.5, 0.25, 0.125] },
        SetDepthStencilState { state: 7, stencil_ref: 0x80 },
        SetRasterizerState { state: NONE, reserved: 0 },
        SetStreamOutputTargets { targets: &[StreamOutputTarget { buffer: 4, offset: u32::MAX }] },
        SetPredication { query: 6, value: 1, hint: 0, reserved: 0 },
        Draw { vertex_count: 3, instance_count: 1, start_vertex: 6, start_instance: 0 },
        DrawIndexed {
            index_count: 36,
            instance_count: 2,
            start_index: 3,
            base_vertex: -7,
            start_instance: 1,
            reserved: 0,
        },
        Dispatch { x: 64, y: 2, z: 1, reserved: 0 },
        DrawIndirect { kind: indirect_kind::DISPATCH, buffer: 5, offset: 16, reserved: 0 },
        DrawAuto { reserved: 0 },
        BeginQuery { query: 3, reserved: 0 },
        EndQuery { query: 3, reserved: 0 },
        ClearRenderTargetView { color: [0.1, 0.2, 0.3, 1.0], view: 10, reserved: 0 },
        ClearDepthStencilView { view: 11, flags: 3, depth: 1.0, stencil: 0 },
        ClearUnorderedAccessView { value: [1, 2, 3, u32::MAX], view: 12, is_float: 0 },
        ClearView {
            color: [1.0, 0.5, 0.25, 0.125],
            view: 9,
            reserved: 0,
            rects: &[Rect { left: 1, top: 2, right: 3, bottom: 4 }]
        },
        CopyResource { dst: 1, src: 2 },
        CopyRegion {
            dst: 1,
            dst_subresource: 2,
            dst_x: 3,
            dst_y: 4,
            dst_z: 5,
            src: 6,
            src_subresource: 7,
            src_box: cube,
            reserved: 0,
        },
        ResolveSubresource {
            dst: 1,
            dst_subresource: 2,
            src: 3,
            src_subresource: 4,
            format: 28,
            reserved: 0
        },
        GenerateMips { view: 2, reserved: 0 },
        CopyStructureCount { dst: 1, dst_offset: 8, src_view: 12, reserved: 0 },
        SetResourceMinLod { resource: 3, min_lod: 1.5 },
        UpdateSubresource {
            data: heap,
            dst: 1,
            dst_subresource: 2,
            dst_box: cube,
            row_pitch: 256,
            depth_pitch: 4096
        },
        UpdateInline { dst: 1, offset: 16, data: b"nine byte" },
        DiscardBuffer { data: heap, dst: 1, reserved: 0 },
        WriteNoOverwrite { data: heap, dst: 1, offset: 64 },
        PlaceBuffer { data: heap, dst: 1, reserved: 0 },
        WriteStaging { data: heap },
        RotateResourceIdentities { resources: &[1, 2, 3] },
        Present {
            frame: heap,
            src: 1,
            src_subresource: 0,
            width: 640,
            height: 480,
            row_pitch: 2560,
            flags: 0,
            sequence: 9,
        },
    ]
}

fn events() -> Vec<Sample> {
    samples![
        ContextError {
            context: 1,
            code: error_code::BAD_OBJECT,
            opcode: 0x300,
            object: 5,
            position: 1 << 40
        },
        ContextDestroyed { context: 1, reserved: 0 },
        ModeRequest { width: 2560, height: 1440, refresh_millihertz: 144_000, reserved: 0 },
    ]
}

fn line(sample: &Sample) -> String {
    let opcode = (sample.words[0] >> 32) as u16;
    let words: Vec<String> = sample.words.iter().map(|word| format!("{word:016x}")).collect();
    format!("{opcode:04x} {} {}\n", sample.name, words.join(" "))
}

#[test]
fn records_equal_the_committed_bytes() {
    let path = golden(ABI_VERSION);
    let ours: String = commands().iter().chain(&events()).map(line).collect();
    if std::env::var_os("PVGPU_BLESS").is_some() {
        std::fs::write(&path, &ours).expect("the golden file can be written");
    }
    let golden = std::fs::read_to_string(path).expect("the golden file is committed");
    for (ours, golden) in ours.lines().zip(golden.lines()) {
        assert_eq!(ours, golden);
    }
    assert_eq!(ours.lines().count(), golden.lines().count());
}

/// The golden records of a version.
fn golden(version: u16) -> String {
    format!("{}/tests/golden/v{version}.txt", env!("CARGO_MANIFEST_DIR"))
}

/// A host speaks the version before its own, too: what it could decode then, it decodes now.
#[test]
fn records_of_the_version_before_decode() {
    let golden = std::fs::read_to_string(golden(OLDEST_ABI_VERSION)).expect("the golden file is committed");
    for line in golden.lines() {
        let mut fields = line.split(' ');
        let (_, name) = (fields.next(), fields.next().expect("a name"));
        let word = |text| u64::from_str_radix(text, 16).expect("a word");
        let words: Vec<u64> = fields.map(word).collect();
        let decoded = decode(&words)
            .map(|command| command.name())
            .or_else(|_| decode_event(&words).map(|event| event.name()));
        assert_eq!(decoded, Ok(name));
    }
}

#[test]
fn every_opcode_has_a_sample_and_decodes_to_itself() {
    let commands = commands();
    let names: Vec<_> = commands.iter().map(|sample| sample.name).collect();
    let table: Vec<_> = CommandRef::OPCODES.iter().map(|(_, name)| *name).collect();
    assert_eq!(names, table);
    for sample in &commands {
        let command = decode(&sample.words).unwrap_or_else(|error| panic!("{}: {error}", sample.name));
        assert_eq!(command.name(), sample.name);
    }
    let events = events();
    assert_eq!(events.len(), EventRef::OPCODES.len());
    for sample in &events {
        assert_eq!(decode_event(&sample.words).map(|event| event.name()), Ok(sample.name));
    }
}

#[test]
fn contents_survive() {
    for sample in commands() {
        match decode(&sample.words).expect("decodes") {
            CommandRef::CreateShader(shader) => {
                assert_eq!((shader.input.len(), shader.output.len(), shader.patch_constant.len()), (2, 1, 0));
                assert_eq!(shader.input[1].mask.to_native(), 3);
                assert_eq!(HeapRange::from(shader.tokens), HeapRange { offset: 0x1000, length: 0x200 });
            }
            CommandRef::UpdateInline(update) => assert_eq!(&*update.data, b"nine byte"),
            CommandRef::SetShaderResources(set) => {
                assert_eq!(set.views.iter().map(|view| view.to_native()).collect::<Vec<_>>(), [2, NONE, 3]);
            }
            CommandRef::DrawIndexed(draw) => assert_eq!(draw.base_vertex.to_native(), -7),
            _ => {}
        }
    }
}

#[test]
fn the_largest_inline_update_fits_and_a_larger_record_is_refused() {
    use pvgpu_protocol::limits::{MAX_INLINE_UPDATE_BYTES, MAX_RECORD_BYTES};
    sample("UpdateInline", UpdateInline { dst: 1, offset: 0, data: &[7; MAX_INLINE_UPDATE_BYTES] });
    let data = vec![0; MAX_RECORD_BYTES as usize];
    let mut sink = Bytes::default();
    assert!(encode(&UpdateInline { dst: 1, offset: 0, data: &data }, &mut sink).is_err());
    assert!(sink.0.is_empty());
}

mod hostile {
    //! Any words decode or give an error.
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn random_words_never_panic(mut words in prop::collection::vec(any::<u64>(), 0..40), pick in any::<prop::sample::Index>()) {
            let _ = decode(&words);
            let _ = decode_event(&words);
            if !words.is_empty() {
                let (opcode, _) = CommandRef::OPCODES[pick.index(CommandRef::OPCODES.len())];
                words[0] = (words.len() as u64 * 8) | u64::from(opcode) << 32;
                let _ = decode(&words);
            }
        }

        #[test]
        fn mutated_samples_never_panic(pick in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0u32..64) {
            let samples = commands();
            let mut words = samples[pick.index(samples.len())].words.clone();
            let at = at.index(words.len());
            words[at] ^= 1 << bit;
            if let Ok(CommandRef::CreateShader(shader)) = decode(&words) {
                prop_assert!(shader.input.iter().count() <= words.len() * 8);
            }
        }
    }
}
