//! Tests of the decoder that need no stream: what it remembers between records. `tests/it/streams.rs` has the rest.

use std::sync::Arc;

use pvgpu_protocol::Command;
use pvgpu_protocol::command::{
    CreateResource, Draw, Fence, Gate, OpenGate, RecordSerializer, TileSpan, UpdateTiles, dimension, encode,
    misc,
};
use pvgpu_protocol::tiling::{TILE_BYTES, Tiling};
use pvgpu_ring::AtomicU64;

use super::*;
use crate::memory::{Part, SharedCells};

/// Takes everything.
struct Anything;

impl Backend for Anything {
    fn shared(&self, _token: crate::ops::ShareToken) -> Option<Rc<ResourceDesc>> {
        None
    }

    fn batch(&self) -> u64 {
        1
    }

    fn execute(&mut self, op: Op<'_>) -> Result<(), Fault> {
        if let Op::CreateResource { desc, .. } = op
            && desc.is_tiled()
        {
            // As a GPU does that packs all mips but one into two tiles.
            let tiling = Tiling::new(desc.command.dimension, desc.format, desc.shape, 1, 2);
            let _first = desc.tiling.set(tiling.expect("countable"));
        }
        Ok(())
    }
}

/// Bytes of the heap.
const HEAP: u64 = 4 * TILE_BYTES;

fn decoder() -> Decoder {
    let memory: Arc<[AtomicU64]> = (0..HEAP / 8).map(|_| AtomicU64::new(0)).collect();
    let cells: SharedCells = Arc::new(memory);
    let heap = Heap::new(Part::new(&cells, 0, HEAP).expect("whole"));
    let everything = FormatSupport { support: u32::MAX, support2: u32::MAX, sample_counts: 1 };
    Decoder::new(Rc::new(HostCaps { formats: vec![everything; 116], tiled: true }), heap)
}

type Sink<'f> = &'f mut dyn FnMut(&[u8]);

fn words<C>(command: C) -> Vec<u64>
where
    C: Command + for<'s, 'a, 'f> rkyv::Serialize<RecordSerializer<'s, 'a, Sink<'f>>>,
{
    let mut bytes = Vec::new();
    let mut append = |part: &[u8]| bytes.extend_from_slice(part);
    let mut sink: Sink<'_> = &mut append;
    let header = encode(&command, &mut sink).expect("small");
    let payload = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
    std::iter::once(header.to_word()).chain(payload).collect()
}

#[test]
fn fences_and_gates_only_rise() {
    let mut decoder = decoder();
    let mut step = |words: Vec<u64>| decoder.step(&words, &mut Anything).map_err(|fault| fault.code);
    assert_eq!(step(words(Fence { value: 5 })), Ok(Step::Fence(5)));
    assert_eq!(step(words(Fence { value: 5 })), Err(error_code::BAD_ARGUMENT));
    assert_eq!(step(words(Gate { number: u64::MAX })), Ok(Step::Gate(u64::MAX)));
    assert_eq!(step(words(Gate { number: 1 })), Err(error_code::BAD_ARGUMENT));
    assert_eq!(step(words(Fence { value: 6 })), Ok(Step::Fence(6)), "a gate is no fence");
}

#[test]
fn ring_0_commands_are_refused() {
    let open = words(OpenGate { number: 1, context: 1, reserved: 0 });
    let refused = decoder().step(&open, &mut Anything).map_err(|fault| fault.code);
    assert_eq!(refused, Err(error_code::NOT_ALLOWED));
}

#[test]
fn draws_pass() {
    let draw = words(Draw { vertex_count: u32::MAX, instance_count: 1, start_vertex: 0, start_instance: 0 });
    assert_eq!(decoder().step(&draw, &mut Anything), Ok(Step::Continue));
    assert!(decoder().step(&[], &mut Anything).is_err());
}

#[test]
fn contents_of_packed_tiles_are_refused() {
    let mut decoder = decoder();
    let heap = HeapRange { offset: 0, length: HEAP };
    decoder.grants.add(heap);
    let texture = CreateResource {
        id: 1,
        dimension: dimension::TEXTURE2D,
        format: 28,
        width: 256,
        height: 128,
        depth: 1,
        mip_levels: 9,
        array_size: 1,
        sample_count: 1,
        misc_flags: misc::TILED,
        ..Default::default()
    };
    assert_eq!(decoder.step(&words(texture), &mut Anything), Ok(Step::Continue));
    let mut write = |first, count| {
        let update =
            UpdateTiles { data: heap, resource: 1, reserved: 0, spans: &[TileSpan { first, count }] };
        decoder.step(&words(update), &mut Anything).map_err(|fault| fault.code)
    };
    assert_eq!(write(0, 2), Ok(Step::Continue));
    for (first, count) in [(0, 3), (2, 1), (3, 1), (4, 1), (u32::MAX, 1)] {
        assert_eq!(write(first, count), Err(error_code::BAD_ARGUMENT), "{first}+{count}");
    }
}
