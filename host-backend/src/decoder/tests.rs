//! Tests of the decoder that need no stream: what it remembers between records. `tests/it/streams.rs` has the rest.

use std::sync::Arc;

use pvgpu_protocol::Command;
use pvgpu_protocol::command::{Draw, Fence, Gate, OpenGate, RecordSerializer, encode};
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

    fn execute(&mut self, _: Op<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

fn decoder() -> Decoder {
    let memory: Arc<[AtomicU64]> = (0..512).map(|_| AtomicU64::new(0)).collect();
    let cells: SharedCells = Arc::new(memory);
    let heap = Heap::new(Part::new(&cells, 0, 4096).expect("whole"));
    Decoder::new(Rc::new(HostCaps { formats: Vec::new() }), heap)
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
