//! Rectangles of a blit: what dxgkrnl asks for may reach beyond the surfaces, what ring 0 carries must not.

/// Left, top, right, bottom; the latter two are outside.
pub(crate) type Edges = [i32; 4];

/// A copy whose rectangles lie in their surfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlitRects {
    /// What is read.
    pub(crate) source: Edges,
    /// Where it lands.
    pub(crate) destination: Edges,
    /// What of it is written.
    pub(crate) clip: Edges,
}

/// The common part of two rectangles, none when they have none.
pub(crate) fn intersect(a: Edges, b: Edges) -> Option<Edges> {
    let common = [a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])];
    (common[0] < common[2] && common[1] < common[3]).then_some(common)
}

/// The whole of a surface.
pub(crate) fn whole(width: u32, height: u32) -> Edges {
    // A surface that is larger than an i32 would be cut; none is.
    let edge = |size| i32::try_from(size).unwrap_or(i32::MAX);
    [0, 0, edge(width), edge(height)]
}

/// One axis of a rectangle, in 64 bits so that nothing overflows.
fn axis(edges: Edges, which: usize) -> (i64, i64) {
    let [left, top, right, bottom] = edges;
    if which == 0 { (left.into(), right.into()) } else { (top.into(), bottom.into()) }
}

/// Whether a rectangle lies in another.
fn inside(inner: Edges, outer: Edges) -> bool {
    intersect(inner, outer) == Some(inner)
}

/// The copy of `source` to `destination`, of which only what lies in `clip` is seen, between surfaces that have the given
/// bounds. None when nothing is seen.
pub(crate) fn blit(
    (source, source_bounds): (Edges, Edges),
    (destination, destination_bounds): (Edges, Edges),
    clip: Edges,
) -> Option<BlitRects> {
    intersect(source, source_bounds)?;
    let seen = intersect(intersect(clip, destination)?, destination_bounds)?;
    let sizes = |edges| {
        let ((left, right), (top, bottom)) = (axis(edges, 0), axis(edges, 1));
        (right - left, bottom - top)
    };
    if sizes(source) == sizes(destination) {
        return shifted((source, source_bounds), destination, seen);
    }
    if inside(source, source_bounds) && inside(destination, destination_bounds) {
        return Some(BlitRects { source, destination, clip: seen });
    }
    // A stretch of which a part is outside: the rest, with the source cut in proportion.
    let source = scaled(source, destination, seen)?;
    let source = intersect(source, source_bounds)?;
    Some(BlitRects { source, destination: seen, clip: seen })
}

/// A copy without stretching of what is seen.
fn shifted((source, source_bounds): (Edges, Edges), destination: Edges, seen: Edges) -> Option<BlitRects> {
    let shift = |edges: Edges, x: i64, y: i64| {
        let move_by = |edge: i32, by: i64| i32::try_from(i64::from(edge) + by).ok();
        Some([move_by(edges[0], x)?, move_by(edges[1], y)?, move_by(edges[2], x)?, move_by(edges[3], y)?])
    };
    let x = i64::from(source[0]) - i64::from(destination[0]);
    let y = i64::from(source[1]) - i64::from(destination[1]);
    let source = intersect(shift(seen, x, y)?, source_bounds)?;
    let destination = shift(source, -x, -y)?;
    Some(BlitRects { source, destination, clip: destination })
}

/// The part of `source` that lands in `seen` when all of it lands in `destination`.
fn scaled(source: Edges, destination: Edges, seen: Edges) -> Option<Edges> {
    let mut cut = [0; 4];
    for which in 0..2 {
        let ((from, from_end), (to, to_end), (part, part_end)) =
            (axis(source, which), axis(destination, which), axis(seen, which));
        let (from_size, to_size) = (from_end - from, to_end - to);
        // Products are below 2^66, so some overflow; a destination that is not empty has no size of 0.
        let at = |edge: i64| (edge - to).checked_mul(from_size)?.checked_div_euclid(to_size);
        let first = from + at(part)?;
        let last = (from + at(part_end)?).max(first + 1);
        *cut.get_mut(which)? = i32::try_from(first).ok()?;
        *cut.get_mut(which + 2)? = i32::try_from(last).ok()?;
    }
    Some(cut)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALL: Edges = [0, 0, 100, 80];
    const SCREEN: Edges = [0, 0, 640, 480];

    fn check(source: Edges, destination: Edges, clip: Edges, expect: Option<(Edges, Edges, Edges)>) {
        let got = blit((source, SMALL), (destination, SCREEN), clip);
        let expect = expect.map(|(source, destination, clip)| BlitRects { source, destination, clip });
        assert_eq!(got, expect, "{source:?} to {destination:?} in {clip:?}");
    }

    #[test]
    fn what_is_outside_is_cut() {
        let at = |x: i32, y: i32| [x, y, x + 100, y + 80];
        let all = at(10, 20);
        check(SMALL, all, all, Some((SMALL, all, all)));
        let part = [50, 40, 60, 50];
        check(SMALL, all, part, Some(([40, 20, 50, 30], part, part)));
        let left = [0, 20, 90, 100];
        check(SMALL, at(-10, 20), SCREEN, Some(([10, 0, 100, 80], left, left)));
        check(SMALL, at(640, 0), SCREEN, None);
        check(SMALL, all, [0, 0, 10, 20], None);
        check([0, 0, 0, 80], all, all, None);
        // A source that reaches beyond its surface.
        let small = [10, 20, 60, 100];
        check([50, 0, 150, 80], all, all, Some(([50, 0, 100, 80], small, small)));
    }

    #[test]
    fn stretches_keep_their_shape() {
        let double = [0, 0, 200, 160];
        check(SMALL, double, [0, 0, 20, 20], Some((SMALL, double, [0, 0, 20, 20])));
        let seen = [0, 0, 100, 80];
        check(SMALL, [-100, -80, 100, 80], SCREEN, Some(([50, 40, 100, 80], seen, seen)));
    }

    fn edges() -> impl Strategy<Value = Edges> {
        let edge = || prop_oneof![-700i32..1400, any::<i32>()];
        [edge(), edge(), edge(), edge()]
    }

    proptest! {
        /// Whatever is asked for, what comes out lies in the surfaces, is not empty, and a copy of one size stays one.
        #[test]
        fn results_lie_in_their_surfaces(source in edges(), destination in edges(), clip in edges()) {
            if let Some(rects) = blit((source, SMALL), (destination, SCREEN), clip) {
                prop_assert!(inside(rects.source, SMALL));
                prop_assert!(inside(rects.destination, SCREEN));
                prop_assert!(inside(rects.clip, rects.destination));
                let size = |[left, top, right, bottom]: Edges| {
                    (i64::from(right) - i64::from(left), i64::from(bottom) - i64::from(top))
                };
                if size(source) == size(destination) {
                    prop_assert_eq!(size(rects.source), size(rects.destination));
                }
            }
        }
    }
}
