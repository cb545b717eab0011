//! Surfaces in the heap: checks of what ring 0 names, and the copies and fills that it asks for.
//!
//! All of it runs on the CPU, a row at a time: a row is copied out of the heap, and written back from that private copy.
//! The guest may change the heap meanwhile; then it gets what it deserves, and nothing outside of the surfaces changes.

#![forbid(unsafe_code)]

use pvgpu_protocol::command::{self, HeapRange, Rect};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::format;
use pvgpu_protocol::limits::MAX_SURFACE_PITCH;

use crate::fault::Fault;
use crate::memory::Heap;

/// A rectangle of texels with a size, inside of a surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// First column.
    pub left: u32,
    /// First row.
    pub top: u32,
    /// Columns; not 0.
    pub width: u32,
    /// Rows; not 0.
    pub height: u32,
}

impl Area {
    fn new(rect: Rect) -> Result<Self, Fault> {
        let Rect { left, top, right, bottom } = rect;
        let empty = || Fault::argument(format!("the rectangle {left},{top} to {right},{bottom}"));
        let size = |first: i32, last: i32| {
            let first = u32::try_from(first).ok()?;
            let count = u32::try_from(last).ok()?.checked_sub(first).filter(|count| *count != 0)?;
            Some((first, count))
        };
        let (left, width) = size(left, right).ok_or_else(empty)?;
        let (top, height) = size(top, bottom).ok_or_else(empty)?;
        Ok(Self { left, top, width, height })
    }
}

/// A surface whose range lies in the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surface {
    /// Its bytes.
    pub range: HeapRange,
    /// Bytes from row to row.
    pub pitch: u32,
    /// Bytes of a texel: 1 to 16.
    pub texel: u32,
}

impl Surface {
    /// Checks range, pitch and format.
    ///
    /// # Errors
    /// `BAD_HEAP_RANGE` for a range outside of the heap or not aligned, `BAD_ARGUMENT` for the rest.
    pub fn new(heap: &Heap, range: HeapRange, pitch: u32, format: u32) -> Result<Self, Fault> {
        let inside = range.offset.checked_add(range.length).is_some_and(|end| end <= heap.bytes());
        if !inside || range.length == 0 || !range.offset.is_multiple_of(8) {
            let what = format!("a surface at heap range {:#x}+{:#x}", range.offset, range.length);
            return Err(Fault::new(error_code::BAD_HEAP_RANGE, what));
        }
        if pitch == 0 || !pitch.is_multiple_of(4) || pitch > MAX_SURFACE_PITCH {
            return Err(Fault::argument(format!("a surface's pitch of {pitch} bytes")));
        }
        let texel = format::info(format)
            .filter(|info| (info.block_width, info.block_height) == (1, 1))
            .ok_or_else(|| Fault::argument(format!("a surface of format {format}")))?
            .block_bytes;
        Ok(Self { range, pitch, texel })
    }

    /// Checks that a rectangle lies in it.
    ///
    /// # Errors
    /// `BAD_ARGUMENT` when it is empty or reaches beyond a row, `BAD_HEAP_RANGE` when it reaches beyond the range.
    pub fn area(&self, rect: Rect) -> Result<Area, Fault> {
        let area = Area::new(rect)?;
        let columns = u64::from(area.left) + u64::from(area.width);
        if columns * u64::from(self.texel) > u64::from(self.pitch) {
            let what = format!("column {columns} of a surface with rows of {} bytes", self.pitch);
            return Err(Fault::argument(what));
        }
        if self.end(area) > self.range.length {
            let rows = u64::from(area.top) + u64::from(area.height);
            let what = format!("row {rows} of a surface of {} bytes", self.range.length);
            return Err(Fault::new(error_code::BAD_HEAP_RANGE, what));
        }
        Ok(area)
    }

    /// One past the last byte of an area, from the surface's start. No overflow: 2^32 rows of at most a MiB.
    fn end(&self, area: Area) -> u64 {
        let last_row = u64::from(area.top) + u64::from(area.height) - 1;
        let columns = u64::from(area.left) + u64::from(area.width);
        last_row * u64::from(self.pitch) + columns * u64::from(self.texel)
    }

    /// Where a texel of it lies in the heap.
    fn at(&self, column: u32, row: u32) -> u64 {
        let offset = u64::from(row) * u64::from(self.pitch) + u64::from(column) * u64::from(self.texel);
        self.range.offset.saturating_add(offset)
    }

    /// The bytes from an area's first texel to its last.
    fn span(&self, area: Area) -> (u64, u64) {
        (self.at(area.left, area.top), self.range.offset.saturating_add(self.end(area)))
    }

    /// Copies the texels of a row out of the heap.
    pub fn read_row(&self, heap: &Heap, column: u32, row: u32, into: &mut [u8]) {
        heap.read(HeapRange { offset: self.at(column, row), length: into.len() as u64 }, into);
    }
}

/// A copy whose every part was checked.
#[derive(Clone, Copy, Debug)]
pub struct Blit {
    src: Surface,
    src_area: Area,
    /// Written.
    pub dst: Surface,
    dst_area: Area,
    /// The destination texels that are written, or none.
    clipped: Option<Area>,
    /// Rows are copied from the last to the first, as the destination overlaps the source from behind.
    upwards: bool,
}

impl Blit {
    /// Checks a copy.
    ///
    /// # Errors
    /// As [`Surface::new`] and [`Surface::area`]; `BAD_ARGUMENT` for surfaces that overlap though their pitches or
    /// rectangles differ.
    pub fn new(heap: &Heap, c: &command::ArchivedBlitHeap) -> Result<Self, Fault> {
        let format = c.format.to_native();
        let src = Surface::new(heap, c.src.into(), c.src_pitch.to_native(), format)?;
        let dst = Surface::new(heap, c.dst.into(), c.dst_pitch.to_native(), format)?;
        let src_area = src.area(rect(&c.src_rect))?;
        let dst_area = dst.area(rect(&c.dst_rect))?;
        let (from, to) = (src.span(src_area), dst.span(dst_area));
        let overlap = from.0 < to.1 && to.0 < from.1;
        let same_size = (src_area.width, src_area.height) == (dst_area.width, dst_area.height);
        if overlap && !(same_size && src.pitch == dst.pitch) {
            return Err(Fault::argument("a stretching copy between surfaces that overlap"));
        }
        let clipped = clip(dst_area, rect(&c.clip));
        Ok(Self { src, src_area, dst, dst_area, clipped, upwards: overlap && to.0 > from.0 })
    }

    /// The ranges it touches.
    pub fn ranges(&self) -> [HeapRange; 2] {
        [self.src.range, self.dst.range]
    }

    /// The bytes from the first to the last that it reads, if it reads any.
    pub fn source(&self) -> Option<HeapRange> {
        self.clipped?;
        let (offset, end) = self.src.span(self.src_area);
        Some(HeapRange { offset, length: end.saturating_sub(offset) })
    }

    /// Bytes that it writes.
    pub fn bytes(&self) -> u64 {
        self.clipped.map_or(0, |area| bytes(area, self.dst))
    }

    /// Copies. `beat` is called after each row.
    pub fn run(&self, heap: &Heap, mut beat: impl FnMut()) {
        let Some(area) = self.clipped else { return };
        let texel = self.dst.texel as usize;
        let mut row = vec![0; area.width as usize * texel];
        let same_width = self.src_area.width == self.dst_area.width;
        // Source columns by destination column, when they differ; and the source row they are taken from.
        let columns: Vec<usize> = (0..area.width)
            .filter(|_| !same_width)
            .map(|index| {
                let column = area.left + index - self.dst_area.left;
                sample(column, self.src_area.width, self.dst_area.width) as usize * texel
            })
            .collect();
        let mut source = vec![0; if same_width { 0 } else { self.src_area.width as usize * texel }];
        let mut have = None;
        for index in 0..area.height {
            let index = if self.upwards { area.height - 1 - index } else { index };
            let line = area.top + index - self.dst_area.top;
            let from = self.src_area.top + sample(line, self.src_area.height, self.dst_area.height);
            if same_width {
                let first = self.src_area.left + (area.left - self.dst_area.left);
                self.src.read_row(heap, first, from, &mut row);
            } else if have != Some(from) {
                self.src.read_row(heap, self.src_area.left, from, &mut source);
                have = Some(from);
                for (to, at) in row.chunks_exact_mut(texel).zip(&columns) {
                    to.copy_from_slice(source.get(*at..*at + texel).unwrap_or(&[0; 16][..texel]));
                }
            }
            heap.write(self.dst.at(area.left, area.top + index), &row);
            beat();
        }
    }
}

/// A fill whose every part was checked.
#[derive(Clone, Copy, Debug)]
pub struct Fill {
    dst: Surface,
    area: Area,
    texel: [u8; 4],
}

impl Fill {
    /// Checks a fill.
    ///
    /// # Errors
    /// As [`Surface::new`] and [`Surface::area`]; `BAD_ARGUMENT` for texels of more than 4 bytes.
    pub fn new(heap: &Heap, c: &command::ArchivedFillHeap) -> Result<Self, Fault> {
        let format = c.format.to_native();
        let dst = Surface::new(heap, c.dst.into(), c.pitch.to_native(), format)?;
        if dst.texel > 4 {
            return Err(Fault::argument(format!("a fill of format {format}")));
        }
        let area = dst.area(rect(&c.rect))?;
        Ok(Self { dst, area, texel: c.value.to_native().to_le_bytes() })
    }

    /// The range it touches.
    pub fn range(&self) -> HeapRange {
        self.dst.range
    }

    /// Bytes that it writes.
    pub fn bytes(&self) -> u64 {
        bytes(self.area, self.dst)
    }

    /// Fills. `beat` is called after each row.
    pub fn run(&self, heap: &Heap, mut beat: impl FnMut()) {
        let texel = self.texel.get(..self.dst.texel as usize).unwrap_or_default();
        let row = texel.repeat(self.area.width as usize);
        for index in 0..self.area.height {
            heap.write(self.dst.at(self.area.left, self.area.top + index), &row);
            beat();
        }
    }
}

fn bytes(area: Area, surface: Surface) -> u64 {
    u64::from(area.width) * u64::from(area.height) * u64::from(surface.texel)
}

fn rect(rect: &command::ArchivedRect) -> Rect {
    Rect {
        left: rect.left.to_native(),
        top: rect.top.to_native(),
        right: rect.right.to_native(),
        bottom: rect.bottom.to_native(),
    }
}

/// The part of an area that lies in a rectangle, which may be anything.
fn clip(area: Area, rect: Rect) -> Option<Area> {
    let cut = |first: u32, count: u32, low: i32, high: i32| {
        let start = first.max(u32::try_from(low).unwrap_or(0));
        let end = (first + count).min(u32::try_from(high).unwrap_or(0));
        end.checked_sub(start).filter(|count| *count != 0).map(|count| (start, count))
    };
    let (left, width) = cut(area.left, area.width, rect.left, rect.right)?;
    let (top, height) = cut(area.top, area.height, rect.top, rect.bottom)?;
    Some(Area { left, top, width, height })
}

/// The source index in which the centre of a destination index falls.
fn sample(index: u32, src: u32, dst: u32) -> u32 {
    if src == dst {
        return index;
    }
    let centre = 2 * u64::from(index) + 1;
    // CAST: below `src`, as the centre is below 2 × `dst`.
    (centre * u64::from(src) / (2 * u64::from(dst))) as u32
}

#[cfg(test)]
mod tests;
