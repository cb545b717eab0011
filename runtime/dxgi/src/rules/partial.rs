//! `DXGI_PRESENT_PARAMETERS`: which parts of a frame are new, and what of the frame before was scrolled.
//!
//! Source: the DXGI pages of `IDXGISwapChain1::Present1` and `DXGI_PRESENT_PARAMETERS`.

use super::chain::Effect;

/// A rectangle in texels, as in `RECT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// First column.
    pub left: i32,
    /// First row.
    pub top: i32,
    /// Column after the last.
    pub right: i32,
    /// Row after the last.
    pub bottom: i32,
}

impl Rect {
    /// Whether it has texels and lies within a buffer of this size.
    fn is_within(&self, (width, height): (u32, u32)) -> bool {
        let fits = |start: i32, end: i32, length: u32| {
            0 <= start && start < end && u32::try_from(end).is_ok_and(|end| end <= length)
        };
        fits(self.left, self.right, width) && fits(self.top, self.bottom, height)
    }

    /// The rectangle moved by an offset.
    pub fn moved(&self, (x, y): (i32, i32)) -> Option<Self> {
        Some(Self {
            left: self.left.checked_add(x)?,
            top: self.top.checked_add(y)?,
            right: self.right.checked_add(x)?,
            bottom: self.bottom.checked_add(y)?,
        })
    }
}

/// What of a frame differs from the frame before: all else is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial {
    /// Parts of the frame before that moved: a rectangle and by how much.
    pub scroll: Option<(Rect, (i32, i32))>,
    /// Parts that are new. They are drawn after the scrolled part has moved.
    pub dirty: Vec<Rect>,
}

/// Why the parameters of a present are refused, always with `DXGI_ERROR_INVALID_CALL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A swap effect that does not keep what was presented knows no frame before.
    Effect,
    /// A rectangle that is empty or reaches beyond the buffer.
    Rect(Rect),
    /// A scrolled rectangle without an offset, or an offset without a rectangle.
    Scroll,
}

impl Partial {
    /// Checks the parameters for a buffer of size `size`; `None` when the whole frame is new.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(
        dirty: Vec<Rect>,
        scroll: (Option<Rect>, Option<(i32, i32)>),
        size: (u32, u32),
        effect: Effect,
    ) -> Result<Option<Self>, Broken> {
        let scroll = match scroll {
            (None, None) => None,
            (Some(rect), Some(offset)) => Some((rect, offset)),
            _ => return Err(Broken::Scroll),
        };
        if dirty.is_empty() && scroll.is_none() {
            return Ok(None);
        }
        if !matches!(effect, Effect::Sequential | Effect::FlipSequential) {
            return Err(Broken::Effect);
        }
        if let Some(&rect) = dirty.iter().find(|rect| !rect.is_within(size)) {
            return Err(Broken::Rect(rect));
        }
        if let Some((rect, offset)) = scroll {
            let target = rect.moved(offset);
            if !rect.is_within(size) || !target.is_some_and(|target| target.is_within(size)) {
                return Err(Broken::Rect(rect));
            }
        }
        Ok(Some(Self { scroll, dirty }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(left: i32, top: i32, right: i32, bottom: i32) -> Rect {
        Rect { left, top, right, bottom }
    }

    #[test]
    fn rectangles_lie_within_the_buffer() {
        let check = |dirty| Partial::check(vec![dirty], (None, None), (10, 20), Effect::FlipSequential);
        assert!(check(rect(0, 0, 10, 20)).is_ok() && check(rect(9, 19, 10, 20)).is_ok());
        for bad in [
            rect(0, 0, 11, 20),
            rect(-1, 0, 5, 5),
            rect(5, 5, 5, 6),
            rect(6, 6, 5, 7),
            rect(0, 0, 1, i32::MAX),
        ] {
            assert_eq!(check(bad), Err(Broken::Rect(bad)));
        }
    }

    #[test]
    fn scrolling_needs_both_of_its_parts_and_stays_within() {
        let check = |rect, offset| Partial::check(vec![], (rect, offset), (10, 10), Effect::Sequential);
        assert_eq!(check(None, None), Ok(None));
        assert_eq!(check(Some(rect(0, 0, 5, 5)), None), Err(Broken::Scroll));
        assert_eq!(check(None, Some((1, 1))), Err(Broken::Scroll));
        assert!(check(Some(rect(0, 0, 5, 5)), Some((5, 5))).is_ok());
        assert!(check(Some(rect(0, 0, 5, 5)), Some((6, 5))).is_err());
        assert!(check(Some(rect(0, 0, 5, 5)), Some((i32::MAX, 0))).is_err());
    }

    #[test]
    fn only_effects_that_keep_contents_know_a_frame_before() {
        for effect in [Effect::Discard, Effect::FlipDiscard] {
            let partial = Partial::check(vec![rect(0, 0, 1, 1)], (None, None), (10, 10), effect);
            assert_eq!(partial, Err(Broken::Effect));
            assert_eq!(Partial::check(vec![], (None, None), (10, 10), effect), Ok(None));
        }
    }
}
