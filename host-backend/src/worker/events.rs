//! The event ring: what the guest is told. Never blocks; events wait here while the guest is slow.

use std::collections::VecDeque;

use pvgpu_protocol::command::encode;
use pvgpu_protocol::event::{ContextDestroyed, ContextError, ModeRequest};
use pvgpu_protocol::record::RecordHeader;
use pvgpu_ring::{BadMemory, Producer};

use crate::memory::Part;

/// Events that may wait. A context gives at most two in its life, and there are 64; modes come as fast as people ask. A
/// guest that reads none of them while it makes and ends contexts loses the oldest.
const MAX_WAITING: usize = 1024;

/// An event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A context is poisoned.
    Error(ContextError),
    /// A context has ended.
    Destroyed(ContextDestroyed),
    /// Somebody wants another display mode.
    Mode(ModeRequest),
}

impl Event {
    /// The record that the guest gets, header word included.
    pub fn words(&self) -> Vec<u64> {
        let mut bytes = Vec::new();
        let mut sink = |part: &[u8]| bytes.extend_from_slice(part);
        let header = match self {
            Self::Error(event) => encode(event, &mut sink),
            Self::Destroyed(event) => encode(event, &mut sink),
            Self::Mode(event) => encode(event, &mut sink),
        };
        let first = header.map_or(0, RecordHeader::to_word);
        let (words, _) = bytes.as_chunks::<8>();
        std::iter::once(first).chain(words.iter().map(|word| u64::from_le_bytes(*word))).collect()
    }
}

/// The producing end of the event ring.
pub struct Events {
    ring: Producer<Part>,
    waiting: VecDeque<Event>,
}

impl Events {
    /// # Errors
    /// [`BadMemory`] when the part is no ring.
    pub fn new(ring: Part) -> Result<Self, BadMemory> {
        Ok(Self { ring: Producer::new(ring, 0)?, waiting: VecDeque::new() })
    }

    /// Adds an event; [`Events::flush`] sends it.
    pub fn push(&mut self, event: Event) {
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(event);
    }

    /// Sends what fits; true when something was sent, and the guest is due an interrupt.
    pub fn flush(&mut self) -> bool {
        let mut sent = false;
        while let Some(event) = self.waiting.front() {
            let mut bytes = Vec::new();
            let mut sink = |part: &[u8]| bytes.extend_from_slice(part);
            let header = match event {
                Event::Error(event) => encode(event, &mut sink),
                Event::Destroyed(event) => encode(event, &mut sink),
                Event::Mode(event) => encode(event, &mut sink),
            };
            let Ok(header) = header else {
                // Cannot happen: events have a small fixed size.
                self.waiting.pop_front();
                continue;
            };
            let Ok(mut record) = self.ring.reserve(bytes.len()) else { break };
            if record.write(&bytes).is_err() {
                break;
            }
            // The interrupt that follows wakes the guest in any case.
            let _ = record.commit(u32::from(header.opcode) | u32::from(header.flags) << 16);
            self.waiting.pop_front();
            sent = true;
        }
        sent
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pvgpu_protocol::event::{EventRef, decode_event};
    use pvgpu_ring::{AtomicU64, Consumer, HEADER_BYTES};

    use super::*;
    use crate::memory::SharedCells;

    #[test]
    fn events_wait_for_room_and_arrive_in_order() {
        let bytes = HEADER_BYTES + 128;
        let memory: Arc<[AtomicU64]> = (0..bytes / 8).map(|_| AtomicU64::new(0)).collect();
        let cells: SharedCells = Arc::new(memory);
        let part = Part::new(&cells, 0, bytes as u64).expect("inside");
        let mut events = Events::new(part.clone()).expect("a ring");
        let mut guest = Consumer::new(part, 0).expect("a ring");
        assert!(!events.flush());
        for context in 1..=9 {
            events.push(Event::Destroyed(ContextDestroyed { context, reserved: 0 }));
        }
        let mut seen = Vec::new();
        let mut local = [0; 16];
        while events.flush() {
            while let Some(record) = guest.pop_into(&mut local).expect("honest") {
                let mut words = vec![record.ring_bytes() as u64 | u64::from(record.tag()) << 32];
                words.extend_from_slice(record.payload_words());
                match decode_event(&words).expect("an event") {
                    EventRef::ContextDestroyed(event) => seen.push(event.context.to_native()),
                    EventRef::ContextError(_) | EventRef::ModeRequest(_) => panic!("nobody did that"),
                }
            }
        }
        assert_eq!(seen, (1..=9).collect::<Vec<_>>());
    }
}
