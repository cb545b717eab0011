//! The serializer that writes records straight into the ring's cells.
//!
//! It gives the bytes that [`pvgpu_protocol::command::encode`] gives, but every step is inlined into the DDI's entries, so that a
//! command's fields go from registers to the ring. rkyv's own serializer forwards each write through functions that
//! are not, and through memory in between, which took two thirds of the time of a draw (see `benches/encode.rs`).
//!
//! A record that runs over the ring's end, one in thousands, takes [`encode`]'s way.
#![expect(
    unsafe_code,
    reason = "resolving in place and implementing rkyv's allocator trait are unsafe in rkyv"
)]

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use pvgpu_protocol::Command;
use pvgpu_protocol::command::{RecordSerializer, RecordSink, encode};
use pvgpu_ring::{AtomicU64, CellReservation, Published, Reservation};
use rkyv::rancor::{Failure, Fallible};
use rkyv::ser::{Allocator, Positional, Writer};
use rkyv::{Archived, Place, Serialize};

/// A command that the ring can carry: any [`Command`].
pub trait Record:
    Command
    + for<'r> Serialize<CellSerializer<'r>>
    + for<'s, 'a, 'r> Serialize<RecordSerializer<'s, 'a, ReservationSink<'r>>>
{
}

impl<C> Record for C where
    C: Command
        + for<'r> Serialize<CellSerializer<'r>>
        + for<'s, 'a, 'r> Serialize<RecordSerializer<'s, 'a, ReservationSink<'r>>>
{
}

/// Bytes of records that the host need not see before more follow: a dozen draws, some µs of the program's time.
const HELD_BYTES: u64 = 2048;

/// Whether the host gains nothing from a command before more follow: bindings, states, draws and buffers discarded between them.
const fn may_be_held(opcode: u16) -> bool {
    matches!(opcode, 0x0200..=0x0303 | 0x0422..=0x0424)
}

/// Encodes `command` into the room reserved for it and publishes it; the room is the command's own bound.
///
/// `None` when it does not fit, which no command does whose bound is right; the ring is then as it was.
#[inline(always)]
pub fn publish<C: Record>(command: &C, reservation: CellReservation<'_>, hold: bool) -> Option<Published> {
    let mut serializer = CellSerializer { cells: reservation.cells(), position: 0, partial: 0 };
    let resolver = command.serialize(&mut serializer).ok()?;
    serializer.align();
    let mut archived = MaybeUninit::<Archived<C>>::zeroed();
    // SAFETY: the memory is aligned, writable, and initialised with zeros.
    let place = unsafe { Place::new_unchecked(serializer.position, archived.as_mut_ptr()) };
    command.resolve(resolver, place);
    serializer.write(place.as_slice()).ok()?;
    let (words, tag) = (serializer.position / 8, u32::from(C::OPCODE));
    Some(if hold && may_be_held(C::OPCODE) {
        reservation.commit_held(words, tag, HELD_BYTES)
    } else {
        reservation.commit(words, tag)
    })
}

/// The same wherever the room lies.
pub fn publish_anywhere<C: Record>(command: &C, reservation: Reservation<'_>) -> Option<Published> {
    let mut sink = ReservationSink { reservation, fits: true };
    let header = encode(command, &mut sink).ok()?;
    sink.fits.then(|| sink.reservation.commit(u32::from(header.opcode)))
}

/// Takes a record's bytes into a reservation, wherever it lies.
pub struct ReservationSink<'r> {
    reservation: Reservation<'r>,
    fits: bool,
}

impl RecordSink for ReservationSink<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.fits &= self.reservation.write(bytes).is_ok();
    }
}

/// Writes one record's payload into cells that lie in a row.
pub struct CellSerializer<'r> {
    cells: &'r [AtomicU64],
    /// Bytes written.
    position: usize,
    /// The bytes of the unfinished word, from bit 0 up.
    partial: u64,
}

impl CellSerializer<'_> {
    /// Fills the unfinished word up with zeros.
    #[inline(always)]
    fn align(&mut self) {
        if !self.position.is_multiple_of(8) {
            self.put(self.position / 8, self.partial);
            self.position = self.position.next_multiple_of(8);
            self.partial = 0;
        }
    }

    /// Stores a word; one that does not fit is left out.
    #[inline(always)]
    fn put(&self, index: usize, word: u64) {
        if let Some(cell) = self.cells.get(index) {
            cell.store(word, Ordering::Relaxed);
        }
    }

    /// Appends bytes that do not make whole words at the position.
    #[inline(always)]
    fn append(&mut self, bytes: &[u8]) {
        let (halves, rest) = bytes.as_chunks::<4>();
        for half in halves {
            self.append_bits(u64::from(u32::from_le_bytes(*half)), 4);
        }
        for byte in rest {
            self.append_bits(u64::from(*byte), 1);
        }
    }

    /// Appends 1 byte anywhere, or 4 bytes.
    #[inline(always)]
    fn append_bits(&mut self, bits: u64, bytes: usize) {
        let shift = (self.position % 8) * 8;
        let word = self.partial | bits << shift;
        let end = self.position + bytes;
        if self.position / 8 == end / 8 {
            self.partial = word;
        } else {
            self.put(self.position / 8, word);
            // What did not fit; nothing when the word was filled exactly.
            self.partial = (bits >> 1) >> (63 - shift);
        }
        self.position = end;
    }
}

impl Fallible for CellSerializer<'_> {
    type Error = Failure;
}

impl Positional for CellSerializer<'_> {
    #[inline(always)]
    fn pos(&self) -> usize {
        self.position
    }
}

impl Writer for CellSerializer<'_> {
    #[inline(always)]
    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.len() > self.cells.len() * 8 - self.position {
            return Err(Failure);
        }
        if !self.position.is_multiple_of(8) {
            self.append(bytes);
            return Ok(());
        }
        let (words, rest) = bytes.as_chunks::<8>();
        // As many cells as words, so that the loop below is unrolled where their number is known.
        let cells =
            self.cells.get(self.position / 8..).and_then(|cells| cells.get(..words.len())).ok_or(Failure)?;
        for (cell, word) in cells.iter().zip(words) {
            cell.store(u64::from_le_bytes(*word), Ordering::Relaxed);
        }
        self.position += size_of_val(words);
        self.append(rest);
        Ok(())
    }
}

// SAFETY: it never gives memory, so there is none to be misused. Slices of plain integers, the only ones in commands, are
// written without scratch memory.
unsafe impl Allocator for CellSerializer<'_> {
    unsafe fn push_alloc(&mut self, _layout: Layout) -> Result<NonNull<[u8]>, Failure> {
        Err(Failure)
    }

    unsafe fn pop_alloc(&mut self, _memory: NonNull<u8>, _layout: Layout) -> Result<(), Failure> {
        Err(Failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use pvgpu_protocol::command::{
        ConstantBufferBinding, CreateShader, DrawIndexed, HeapRange, SetConstantBuffers, SetRenderTargets,
        SetShaderResources, SignatureElement, UavBinding, UpdateInline,
    };
    use pvgpu_protocol::record::HEADER_BYTES;
    use pvgpu_ring::{Consumer, Producer, initialise};

    /// Publishes from `start` on in a small ring, where records run over the end, and compares with the protocol's encoder.
    fn check<C: Record + for<'s, 'a> Serialize<RecordSerializer<'s, 'a, Bytes>>>(command: &C, start: u64) {
        let memory: &'static [AtomicU64] =
            Vec::leak((0..32 + 2048).map(|_| AtomicU64::new(u64::MAX)).collect());
        initialise(&memory, start).expect("a legal ring");
        let mut producer = Producer::new(memory, start).expect("a legal ring");
        let mut consumer = Consumer::new(memory, start).expect("a legal ring");
        let payload = (command.record_bound() - HEADER_BYTES) as usize;
        let published = match producer.reserve_cells(payload) {
            Some(reservation) => publish(command, reservation, false),
            None => publish_anywhere(command, producer.reserve(payload).expect("an empty ring")),
        };
        assert!(!published.expect("it fits").wake);
        let mut local = vec![0; 2048];
        let record = consumer.pop_into(&mut local).expect("an honest producer").expect("one record");
        let mut expected = Bytes(Vec::new());
        let header = encode(command, &mut expected).expect("a small command");
        assert_eq!(record.tag(), u32::from(header.opcode));
        assert_eq!(record.ring_bytes(), header.length as usize);
        // The ring pads to whole words; so does the root's alignment.
        assert_eq!(record.payload(), expected.0);
    }

    struct Bytes(Vec<u8>);

    impl RecordSink for Bytes {
        fn write(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }
    }

    proptest! {
        #[test]
        fn records_are_those_of_the_protocol(
            words in proptest::collection::vec(any::<u32>(), 0..40),
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            start in 0u64..4096,
        ) {
            let start = start * 8;
            let constants: Vec<_> = words
                .iter()
                .map(|&buffer| ConstantBufferBinding { buffer, first_constant: 1, num_constants: 2 })
                .collect();
            let uavs: Vec<_> = words.iter().map(|&view| UavBinding { view, initial_count: 3 }).collect();
            let elements: Vec<_> =
                words.iter().map(|&register| SignatureElement { register, ..Default::default() }).collect();
            check(&DrawIndexed {
                index_count: 1, instance_count: 2, start_index: 3, base_vertex: -4, start_instance: 5, reserved: 0,
            }, start);
            check(&SetShaderResources { stage: 4, start_slot: 1, views: &words }, start);
            check(&SetConstantBuffers { stage: 4, start_slot: 1, buffers: &constants }, start);
            check(&SetRenderTargets { depth_stencil: 7, uav_start: 0, render_targets: &words, uavs: &uavs }, start);
            check(&UpdateInline { dst: 1, offset: 2, data: &bytes }, start);
            check(&CreateShader {
                tokens: HeapRange { offset: 8, length: 16 },
                id: 1,
                stage: 0,
                input: &elements,
                output: &elements[..elements.len() / 2],
                patch_constant: &[],
            }, start);
        }
    }
}
