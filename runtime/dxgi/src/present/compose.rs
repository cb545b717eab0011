//! What is done to a frame's pixels before they are shown: partial frames are completed, turned ones turned back.

use crate::rules::partial::{Partial, Rect};
use crate::rules::rotation::Rotation;

/// A B8G8R8A8 picture, first row on top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Pixels from row to row, and in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height * 4` bytes.
    pub pixels: Vec<u8>,
}

impl Picture {
    /// The bytes of a row's part; empty where it reaches beyond the picture.
    fn range(&self, left: i32, right: i32, row: i32) -> core::ops::Range<usize> {
        let index = |number: i32| usize::try_from(number).unwrap_or(0);
        let start = (index(row) * self.width as usize + index(left)) * 4;
        let end = start + index(right.saturating_sub(left)) * 4;
        if end <= self.pixels.len() { start..end } else { 0..0 }
    }

    /// Copies rectangle `from` of `source` to the place of the same size whose corner is `to`.
    fn copy(&mut self, source: &Self, from: &Rect, to: (i32, i32)) {
        for row in from.top..from.bottom {
            let line = source.range(from.left, from.right, row);
            let target = self.range(
                to.0,
                to.0.saturating_add(from.right.saturating_sub(from.left)),
                to.1.saturating_add(row.saturating_sub(from.top)),
            );
            if let (Some(line), Some(target)) = (source.pixels.get(line), self.pixels.get_mut(target))
                && line.len() == target.len()
            {
                target.copy_from_slice(line);
            }
        }
    }

    /// Takes away what pads rows that are `row_pitch` bytes apart.
    pub fn close_rows(&mut self, row_pitch: usize) {
        let row = self.width as usize * 4;
        if row_pitch <= row {
            return;
        }
        for number in 0..self.height as usize {
            let from = number * row_pitch;
            if from + row <= self.pixels.len() {
                self.pixels.copy_within(from..from + row, number * row);
            }
        }
        self.pixels.truncate(row * self.height as usize);
    }

    /// Makes this, the frame before, the frame that `partial` describes; `new` is the buffer that was presented.
    ///
    /// The whole of `new` is taken when there is no frame of its size before.
    pub fn advance(&mut self, new: &mut Self, partial: Option<&Partial>) {
        let known = (self.width, self.height, self.pixels.len()) == (new.width, new.height, new.pixels.len());
        let Some(partial) = partial.filter(|_| known) else {
            core::mem::swap(self, new);
            return;
        };
        if let Some((rect, (x, y))) = &partial.scroll {
            let before = self.clone();
            self.copy(&before, rect, (rect.left.saturating_add(*x), rect.top.saturating_add(*y)));
        }
        for rect in &partial.dirty {
            self.copy(new, rect, (rect.left, rect.top));
        }
    }

    /// The upper left `source` of the picture, which was drawn turned by `rotation`, turned back.
    pub fn upright(&self, source: (u32, u32), rotation: Rotation) -> Self {
        let (width, height) = (source.0.min(self.width), source.1.min(self.height));
        let (across, down) = if rotation.swaps_sides() { (height, width) } else { (width, height) };
        let mut pixels = Vec::with_capacity(across as usize * down as usize * 4);
        for y in 0..down {
            for x in 0..across {
                let (column, row) = match rotation {
                    Rotation::Identity => (x, y),
                    Rotation::Quarter => (width - 1 - y, x),
                    Rotation::Half => (width - 1 - x, height - 1 - y),
                    Rotation::ThreeQuarters => (y, height - 1 - x),
                };
                let at = (row as usize * self.width as usize + column as usize) * 4;
                pixels.extend_from_slice(self.pixels.get(at..at + 4).unwrap_or(&[0; 4]));
            }
        }
        Self { width: across, height: down, pixels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, rows: &[&str]) -> Picture {
        let pixels = rows.iter().flat_map(|row| row.bytes().flat_map(|byte| [byte; 4])).collect();
        Picture { width, height: rows.len() as u32, pixels }
    }

    fn text(picture: &Picture) -> Vec<String> {
        let letters: Vec<u8> = picture.pixels.chunks(4).map(|pixel| pixel[0]).collect();
        letters.chunks(picture.width as usize).map(|row| String::from_utf8_lossy(row).into_owned()).collect()
    }

    #[test]
    fn padding_of_rows_is_taken_away() {
        let mut padded = picture(4, &["abc.", "def."]);
        padded.width = 3;
        padded.close_rows(16);
        assert_eq!(padded, picture(3, &["abc", "def"]));
        padded.close_rows(12);
        assert_eq!(padded, picture(3, &["abc", "def"]));
    }

    fn rect(left: i32, top: i32, right: i32, bottom: i32) -> Rect {
        Rect { left, top, right, bottom }
    }

    #[test]
    fn dirty_parts_replace_what_was_there_and_nothing_else() {
        let mut shown = picture(3, &["abc", "def"]);
        let partial = Partial { scroll: None, dirty: vec![rect(1, 0, 3, 1), rect(0, 1, 1, 2)] };
        shown.advance(&mut picture(3, &["xyz", "uvw"]), Some(&partial));
        assert_eq!(text(&shown), ["ayz", "uef"]);
    }

    #[test]
    fn scrolled_parts_move_before_dirty_ones_are_drawn() {
        let mut shown = picture(3, &["abc", "def", "ghi"]);
        let up = Partial { scroll: Some((rect(0, 1, 3, 3), (0, -1))), dirty: vec![rect(0, 2, 3, 3)] };
        shown.advance(&mut picture(3, &["xxx", "xxx", "xyz"]), Some(&up));
        assert_eq!(text(&shown), ["def", "ghi", "xyz"]);
        let right = Partial { scroll: Some((rect(0, 0, 2, 1), (1, 0))), dirty: vec![] };
        shown.advance(&mut picture(3, &["xxx", "xxx", "xxx"]), Some(&right));
        assert_eq!(text(&shown), ["dde", "ghi", "xyz"]);
    }

    #[test]
    fn a_frame_of_another_size_is_taken_whole() {
        let mut shown = picture(1, &["a"]);
        let partial = Partial { scroll: None, dirty: vec![rect(0, 0, 1, 1)] };
        shown.advance(&mut picture(2, &["xy"]), Some(&partial));
        assert_eq!(text(&shown), ["xy"]);
        shown.advance(&mut picture(2, &["uv"]), None);
        assert_eq!(text(&shown), ["uv"]);
    }

    /// Turns a picture clockwise by a quarter, as a program does for `DXGI_MODE_ROTATION_ROTATE90`.
    fn turned(picture: &Picture) -> Picture {
        let (width, height) = (picture.width as usize, picture.height as usize);
        let pixels = (0..width)
            .flat_map(|y| (0..height).map(move |x| ((height - 1 - x) * width + y) * 4))
            .flat_map(|at| picture.pixels[at..at + 4].to_vec())
            .collect();
        Picture { width: picture.height, height: picture.width, pixels }
    }

    #[test]
    fn turned_pictures_are_turned_back() {
        let upright = picture(3, &["abc", "def"]);
        let mut drawn = upright.clone();
        for rotation in [Rotation::Identity, Rotation::Quarter, Rotation::Half, Rotation::ThreeQuarters] {
            assert_eq!(drawn.upright((drawn.width, drawn.height), rotation), upright, "{rotation:?}");
            drawn = turned(&drawn);
        }
        assert_eq!(text(&upright.upright((2, 1), Rotation::Half)), ["ba"]);
    }
}
