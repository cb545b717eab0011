//! The hardware pointer: the host draws it over the picture, from a shape in the heap and a position.
//!
//! Shapes go through a few slots in turn. The host copies a shape when it comes to its record, so a slot is written again only
//! after several other shapes were set; a program that sets shapes faster than the host reads ring 0 gets one of its
//! newer shapes early, which nobody sees.
//!
//! dxgkrnl's bitmaps may be paged memory, so they are never looked at with the adapter's lock held. A shape goes three ways:
//! [`Pointer::place`] behind the lock, [`write_rows`] without it, [`Pointer::publish`] behind it again.

use core::sync::atomic::Ordering;

use pvgpu_protocol::command::{HeapRange, SetPointerPosition, SetPointerShape, pointer_kind};
use pvgpu_protocol::limits::MAX_POINTER_EXTENT;
use pvgpu_ring::AtomicU64;

use super::mode::SOURCE_ID;
use crate::status::Status;

/// Bytes of the largest shape: 256 × 256 pixels of 4 bytes.
const SLOT_BYTES: u64 = MAX_POINTER_EXTENT as u64 * MAX_POINTER_EXTENT as u64 * 4;
/// Shapes that are in the heap at a time.
const SLOTS: u64 = 4;
/// Bytes of heap that a pointer needs.
pub(crate) const POINTER_BYTES: u64 = SLOT_BYTES * SLOTS;

/// A shape as dxgkrnl describes it (`DXGKARG_SETPOINTERSHAPE`).
#[derive(Clone, Copy, Debug)]
pub struct PointerShape {
    /// The source.
    pub vid_pn_source_id: u32,
    /// One of [`pointer_kind`]: `DXGK_POINTERFLAGS` with one bit set.
    pub kind: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels; a monochrome shape has twice as many rows.
    pub height: u32,
    /// Bytes from row to row of the bitmap.
    pub pitch: u32,
}

impl PointerShape {
    /// Checks everything but the pixels' number; gives rows and bytes of a row.
    fn rows(&self) -> Result<(u32, u32), Status> {
        let bad = |field, value: u32, rule| Status::BadField { field, value: u64::from(value), rule };
        let extents = 1..=MAX_POINTER_EXTENT;
        if !extents.contains(&self.width) {
            return Err(bad("Width", self.width, "a pointer has 1 to 256 columns"));
        }
        if !extents.contains(&self.height) {
            return Err(bad("Height", self.height, "a pointer has 1 to 256 rows"));
        }
        let (rows, row_bytes) = match self.kind {
            pointer_kind::MONOCHROME => (2 * self.height, self.width.div_ceil(8)),
            pointer_kind::COLOR | pointer_kind::MASKED_COLOR => (self.height, 4 * self.width),
            kind => return Err(bad("Flags", kind, "a pointer is monochrome, colour or masked colour")),
        };
        if self.pitch < row_bytes {
            return Err(bad("Pitch", self.pitch, "it holds a row"));
        }
        Ok((rows, row_bytes))
    }

    /// Bytes that `pPixels` must have.
    ///
    /// # Errors
    /// [`Status::BadField`] names the field that breaks a rule.
    pub fn bytes(&self) -> Result<usize, Status> {
        let (rows, row_bytes) = self.rows()?;
        let bytes = u64::from(self.pitch) * u64::from(rows - 1) + u64::from(row_bytes);
        usize::try_from(bytes).map_err(|_| Status::BadField {
            field: "Pitch",
            value: u64::from(self.pitch),
            rule: "the shape can be addressed",
        })
    }
}

/// The pointer's state.
#[derive(Debug)]
pub(crate) struct Pointer {
    slots: Option<HeapRange>,
    next_slot: u64,
    shape: Option<SetPointerShape>,
    position: SetPointerPosition,
}

impl Pointer {
    /// A pointer without a shape.
    pub(crate) const fn new() -> Self {
        let position = SetPointerPosition { source: SOURCE_ID, visible: 0, x: 0, y: 0 };
        Self { slots: None, next_slot: 0, shape: None, position }
    }

    /// Whether the pointer has its memory.
    pub(crate) const fn has_slots(&self) -> bool {
        self.slots.is_some()
    }

    /// Gives the pointer [`POINTER_BYTES`] of heap.
    pub(crate) fn give_slots(&mut self, range: HeapRange) {
        self.slots = Some(range);
    }

    /// The shape's record.
    pub(crate) const fn shape(&self) -> Option<SetPointerShape> {
        self.shape
    }

    /// The position's record.
    pub(crate) const fn position(&self) -> SetPointerPosition {
        self.position
    }

    /// Moves, shows or hides it.
    pub(crate) fn set_position(&mut self, x: i32, y: i32, visible: bool) {
        self.position = SetPointerPosition { source: SOURCE_ID, visible: u32::from(visible), x, y };
    }

    /// The next slot as a shape's place: the record of the shape, whose rows are not there yet.
    ///
    /// # Errors
    /// [`Status::BadField`] for a shape that breaks a rule, [`Status::HeapFull`] without slots.
    pub(crate) fn place(&mut self, shape: &PointerShape) -> Result<SetPointerShape, Status> {
        let (rows, row_bytes) = shape.rows()?;
        let slots = self.slots.ok_or(Status::HeapFull { bytes: POINTER_BYTES })?;
        // Cells have eight bytes, and a row begins with a cell of its own.
        let pitch = row_bytes.next_multiple_of(8);
        let range = HeapRange {
            offset: slots.offset + self.next_slot * SLOT_BYTES,
            length: u64::from(pitch) * u64::from(rows),
        };
        // Whoever else sets a shape before this one is complete gets another slot.
        self.next_slot = (self.next_slot + 1) % SLOTS;
        Ok(SetPointerShape {
            shape: range,
            source: SOURCE_ID,
            kind: shape.kind,
            width: shape.width,
            height: shape.height,
            pitch,
            reserved: 0,
        })
    }

    /// Makes a shape that [`write_rows`] has completed the pointer's.
    ///
    /// # Errors
    /// [`Status::DeviceRemoved`] when its place is not the pointer's any more: the adapter was stopped meanwhile.
    pub(crate) fn publish(&mut self, record: SetPointerShape) -> Result<(), Status> {
        let place = record.shape.offset;
        let inside = |slots: HeapRange| (slots.offset..slots.offset + slots.length).contains(&place);
        if !self.slots.is_some_and(inside) {
            return Err(Status::DeviceRemoved);
        }
        self.shape = Some(record);
        Ok(())
    }
}

/// Copies a bitmap's rows, which may be paged memory, to the place of its record in the heap, whose cells are given. Nobody
/// looks at the place before the record is published. `PASSIVE_LEVEL`.
///
/// # Errors
/// [`Status::BadField`] for a row that is missing or too short, [`Status::HeapFull`] for a place outside the heap.
pub(crate) fn write_rows<'a>(
    shape: &PointerShape,
    record: &SetPointerShape,
    heap: &[AtomicU64],
    mut rows: impl Iterator<Item = &'a [u8]>,
) -> Result<(), Status> {
    let (_, row_bytes) = shape.rows()?;
    let cells = usize::try_from(record.shape.offset / 8)
        .ok()
        .zip(usize::try_from(record.shape.length / 8).ok())
        .and_then(|(first, cells)| heap.get(first..)?.get(..cells))
        .ok_or(Status::HeapFull { bytes: record.shape.length })?;
    // PANIC: the pitch is at least 8, since a row has at least one byte.
    for (to, index) in cells.chunks(record.pitch as usize / 8).zip(0u64..) {
        let from = rows.next().and_then(|row| row.get(..row_bytes as usize)).ok_or(Status::BadField {
            field: "pPixels",
            value: index,
            rule: "all rows are there",
        })?;
        for (cell, bytes) in to.iter().zip(from.chunks(8)) {
            let mut word = [0; 8];
            word.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            // The record's publication orders it.
            cell.store(u64::from_le_bytes(word), Ordering::Relaxed);
        }
    }
    Ok(())
}
