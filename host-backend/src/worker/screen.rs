//! What the guest's screens show: the surfaces that ring 0 names, the pointer, and a picture of both for people.

#![forbid(unsafe_code)]

use pvgpu_control::Screen;
use pvgpu_protocol::command::{self, HeapRange, pointer_kind, scanout_format};
use pvgpu_protocol::limits::{MAX_POINTER_EXTENT, MAX_SOURCES};
use pvgpu_protocol::mode::{DisplayMode, MAX_EXTENT};

use super::surface::Surface;
use crate::fault::Fault;
use crate::memory::Heap;

/// A picture, three bytes a pixel: red, green, blue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Rows from the top, without padding.
    pub rgb: Vec<u8>,
}

/// Where a source's picture lies.
#[derive(Clone, Copy, Debug)]
struct Scanout {
    surface: Surface,
    mode: DisplayMode,
    format: u32,
    visible: bool,
}

/// A pointer's shape, copied out of the heap.
#[derive(Clone, Debug, Default)]
struct Shape {
    kind: u32,
    width: u32,
    height: u32,
    /// For colour: BGRA. For monochrome: rows of the AND mask, then of the XOR mask, each of whole bytes.
    bytes: Vec<u8>,
}

/// One video present source.
#[derive(Clone, Debug, Default)]
struct Source {
    scanout: Option<Scanout>,
    frames: u64,
    shape: Shape,
    position: (i32, i32),
    pointer_visible: bool,
}

/// All sources of an adapter.
#[derive(Clone, Debug)]
pub struct Screens {
    sources: [Source; MAX_SOURCES as usize],
}

impl Default for Screens {
    fn default() -> Self {
        Self { sources: std::array::from_fn(|_| Source::default()) }
    }
}

/// 0 or 1.
fn flag(value: u32, what: &str) -> Result<bool, Fault> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Fault::argument(format!("{what} is {value}"))),
    }
}

impl Screens {
    fn source(&mut self, number: u32) -> Result<&mut Source, Fault> {
        let source = usize::try_from(number).ok().and_then(|index| self.sources.get_mut(index));
        source.ok_or_else(|| Fault::argument(format!("video present source {number}")))
    }

    /// `SetScanout`.
    ///
    /// # Errors
    /// The [`Fault`] that poisons the adapter.
    pub fn set_scanout(&mut self, heap: &Heap, c: &command::ArchivedSetScanout) -> Result<(), Fault> {
        let visible = flag(c.visible.to_native(), "a source's visibility")?;
        let range = HeapRange::from(c.surface);
        let (width, height, pitch) = (c.width.to_native(), c.height.to_native(), c.pitch.to_native());
        let (format, refresh) = (c.format.to_native(), c.refresh_millihertz.to_native());
        let source = self.source(c.source.to_native())?;
        if range == HeapRange::default() {
            if [width, height, pitch, format] != [0; 4] {
                return Err(Fault::argument(format!("a screen of {width} × {height} without a surface")));
            }
            source.scanout = None;
            return Ok(());
        }
        let surface = Surface::new(heap, range, pitch, format)?;
        if !scanout_format::is_known(format) {
            return Err(Fault::argument(format!("a screen of format {format}")));
        }
        if width > MAX_EXTENT.0 || height > MAX_EXTENT.1 {
            return Err(Fault::argument(format!("a screen of {width} × {height}")));
        }
        // CAST: checked right above.
        let (right, bottom) = (width as i32, height as i32);
        surface.area(command::Rect { left: 0, top: 0, right, bottom })?;
        let mode = DisplayMode { width, height, refresh_millihertz: refresh };
        source.scanout = Some(Scanout { surface, mode, format, visible });
        source.frames += u64::from(visible);
        Ok(())
    }

    /// `SetPointerShape`: the shape is copied now.
    ///
    /// # Errors
    /// The [`Fault`] that poisons the adapter.
    pub fn set_pointer_shape(
        &mut self,
        heap: &Heap,
        c: &command::ArchivedSetPointerShape,
    ) -> Result<(), Fault> {
        let (kind, width, height) = (c.kind.to_native(), c.width.to_native(), c.height.to_native());
        let source = self.source(c.source.to_native())?;
        let sizes = 1..=MAX_POINTER_EXTENT;
        if !sizes.contains(&width) || !sizes.contains(&height) {
            return Err(Fault::argument(format!("a pointer of {width} × {height}")));
        }
        // A monochrome shape is rows of bytes: a surface of 1-byte texels.
        let (format, columns, rows) = match kind {
            pointer_kind::MONOCHROME => (R8_UNORM, width.div_ceil(8), 2 * height),
            pointer_kind::COLOR | pointer_kind::MASKED_COLOR => (scanout_format::B8G8R8A8, width, height),
            _ => return Err(Fault::argument(format!("a pointer of kind {kind}"))),
        };
        let surface = Surface::new(heap, c.shape.into(), c.pitch.to_native(), format)?;
        // CAST: at most 512.
        let (right, bottom) = (columns as i32, rows as i32);
        surface.area(command::Rect { left: 0, top: 0, right, bottom })?;
        let row_bytes = columns as usize * surface.texel as usize;
        let mut bytes = vec![0; row_bytes * rows as usize];
        for (row, into) in (0..).zip(bytes.chunks_exact_mut(row_bytes)) {
            surface.read_row(heap, 0, row, into);
        }
        source.shape = Shape { kind, width, height, bytes };
        Ok(())
    }

    /// `SetPointerPosition`.
    ///
    /// # Errors
    /// The [`Fault`] that poisons the adapter.
    pub fn set_pointer_position(&mut self, c: &command::ArchivedSetPointerPosition) -> Result<(), Fault> {
        let visible = flag(c.visible.to_native(), "a pointer's visibility")?;
        let source = self.source(c.source.to_native())?;
        source.position = (c.x.to_native(), c.y.to_native());
        source.pointer_visible = visible;
        Ok(())
    }

    /// Counts a frame for each visible source whose surface was written.
    pub fn written(&mut self, range: HeapRange) {
        for source in &mut self.sources {
            let shows = source.scanout.is_some_and(|scanout| {
                let shown = scanout.surface.range;
                let end = |range: HeapRange| range.offset.saturating_add(range.length);
                scanout.visible && shown.offset < end(range) && range.offset < end(shown)
            });
            source.frames += u64::from(shows);
        }
    }

    /// The first source, for the status; none while it shows nothing.
    pub fn status(&self) -> Option<Screen> {
        let source = self.sources.first()?;
        let scanout = source.scanout?;
        Some(Screen {
            width: scanout.mode.width,
            height: scanout.mode.height,
            refresh_millihertz: scanout.mode.refresh_millihertz,
            visible: scanout.visible,
            frames: source.frames,
        })
    }

    /// What the first source shows, pointer included; none while it shows nothing. The guest may draw meanwhile.
    pub fn picture(&self, heap: &Heap) -> Option<Picture> {
        let source = self.sources.first()?;
        let scanout = source.scanout?;
        let (width, height) = (scanout.mode.width, scanout.mode.height);
        let mut rgb = vec![0; width as usize * height as usize * 3];
        if scanout.visible {
            let mut row = vec![0; width as usize * 4];
            for (index, line) in (0..).zip(rgb.chunks_exact_mut(width as usize * 3)) {
                scanout.surface.read_row(heap, 0, index, &mut row);
                for (to, from) in line.as_chunks_mut::<3>().0.iter_mut().zip(row.as_chunks::<4>().0) {
                    *to = pixel(scanout.format, *from);
                }
            }
        }
        let mut picture = Picture { width, height, rgb };
        if scanout.visible && source.pointer_visible {
            source.shape.draw(source.position, &mut picture);
        }
        Some(picture)
    }
}

/// `DXGI_FORMAT_R8_UNORM`.
const R8_UNORM: u32 = 61;

/// A texel as red, green, blue.
fn pixel(format: u32, texel: [u8; 4]) -> [u8; 3] {
    let [a, b, c, _] = texel;
    match format {
        scanout_format::R8G8B8A8 => [a, b, c],
        scanout_format::R10G10B10A2 => {
            let word = u32::from_le_bytes(texel);
            // CAST: the upper 8 of 10 bits.
            [word >> 2, word >> 12, word >> 22].map(|channel| channel as u8)
        }
        _ => [c, b, a],
    }
}

impl Shape {
    /// Draws itself with its upper left corner at a place that may lie outside.
    fn draw(&self, (left, top): (i32, i32), picture: &mut Picture) {
        for y in 0..self.height {
            for x in 0..self.width {
                let column = i64::from(left) + i64::from(x);
                let row = i64::from(top) + i64::from(y);
                if column < 0 || column >= picture.width.into() || row < 0 || row >= picture.height.into() {
                    continue;
                }
                // CAST: inside of the picture.
                let at = (row as usize * picture.width as usize + column as usize) * 3;
                let Some(under) = picture.rgb.get_mut(at..at + 3) else { continue };
                self.blend(x, y, under);
            }
        }
    }

    fn blend(&self, x: u32, y: u32, under: &mut [u8]) {
        if self.kind == pointer_kind::MONOCHROME {
            let pitch = self.width.div_ceil(8);
            let bit = |row: u32| {
                let byte = self.bytes.get((row * pitch + x / 8) as usize).copied().unwrap_or(0);
                byte & (0x80 >> (x % 8)) != 0
            };
            let (and, xor) = (bit(y), bit(self.height + y));
            for channel in under {
                let kept = if and { *channel } else { 0 };
                *channel = if xor { !kept } else { kept };
            }
            return;
        }
        let texel = (y as usize * self.width as usize + x as usize) * 4;
        let Some([b, g, r, alpha]) = self.bytes.get(texel..).and_then(|rest| rest.first_chunk()) else {
            return;
        };
        for (channel, over) in under.iter_mut().zip([r, g, b]) {
            *channel = match (self.kind, *alpha) {
                (pointer_kind::MASKED_COLOR, 0) => *over,
                (pointer_kind::MASKED_COLOR, _) => *channel ^ *over,
                (_, alpha) => {
                    let alpha = u32::from(alpha);
                    let sum = u32::from(*over) * alpha + u32::from(*channel) * (255 - alpha);
                    // CAST: an average of two bytes.
                    ((sum + 127) / 255) as u8
                }
            };
        }
    }
}

#[cfg(test)]
mod tests;
