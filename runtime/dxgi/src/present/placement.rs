//! Where a frame goes in a window of another size, as `DXGI_SCALING` says.

use crate::rules::chain::Scaling;

/// A rectangle in pixels; never negative, possibly empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

impl Area {
    /// Whether it has no pixels.
    pub fn is_empty(&self) -> bool {
        self.width == 0 || self.height == 0
    }
}

/// Where a picture of size `picture` lies in a client area of size `client`. May reach beyond the area when unscaled.
pub fn place(scaling: Scaling, picture: (u32, u32), client: (u32, u32)) -> Area {
    match scaling {
        Scaling::Stretch => Area { x: 0, y: 0, width: client.0, height: client.1 },
        Scaling::None => Area { x: 0, y: 0, width: picture.0, height: picture.1 },
        Scaling::AspectRatioStretch => fit(picture, client),
    }
}

/// The largest area of the picture's shape, centred.
fn fit(picture: (u32, u32), client: (u32, u32)) -> Area {
    let scaled = |length: u32, by: u32, of: u32| {
        let product = u64::from(length) * u64::from(by);
        product.checked_div(u64::from(of)).and_then(|length| u32::try_from(length).ok()).unwrap_or(u32::MAX)
    };
    let height = scaled(client.0, picture.1, picture.0);
    let (width, height) = if height <= client.1 {
        (client.0, height)
    } else {
        (scaled(client.1, picture.0, picture.1).min(client.0), client.1)
    };
    Area { x: (client.0 - width) / 2, y: (client.1 - height) / 2, width, height }
}

/// What `area` leaves uncovered in a client area: left, right, top and bottom; some of them may be empty.
pub fn uncovered(area: Area, client: (u32, u32)) -> [Area; 4] {
    let right = area.x.saturating_add(area.width).min(client.0);
    let bottom = area.y.saturating_add(area.height).min(client.1);
    let (left, top) = (area.x.min(client.0), area.y.min(client.1));
    let across = right.saturating_sub(left);
    [
        Area { x: 0, y: 0, width: left, height: client.1 },
        Area { x: right, y: 0, width: client.0 - right, height: client.1 },
        Area { x: left, y: 0, width: across, height: top },
        Area { x: left, y: bottom, width: across, height: client.1 - bottom },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn area(x: u32, y: u32, width: u32, height: u32) -> Area {
        Area { x, y, width, height }
    }

    #[test]
    fn pictures_are_placed_as_the_scaling_says() {
        assert_eq!(place(Scaling::Stretch, (640, 480), (800, 500)), area(0, 0, 800, 500));
        assert_eq!(place(Scaling::None, (640, 480), (800, 500)), area(0, 0, 640, 480));
        assert_eq!(place(Scaling::AspectRatioStretch, (640, 480), (800, 480)), area(80, 0, 640, 480));
        assert_eq!(place(Scaling::AspectRatioStretch, (640, 480), (640, 600)), area(0, 60, 640, 480));
        assert_eq!(place(Scaling::AspectRatioStretch, (0, 480), (640, 600)), area(320, 0, 0, 600));
    }

    proptest! {
        #[test]
        fn picture_and_bars_fill_the_window_exactly(
            scaling in prop::sample::select(vec![Scaling::Stretch, Scaling::None, Scaling::AspectRatioStretch]),
            picture in (0..300_u32, 0..300_u32),
            client in (0..300_u32, 0..300_u32),
        ) {
            let placed = place(scaling, picture, client);
            let seen = |length: u32, limit: u32| u64::from(length.min(limit));
            let shown = seen(placed.width, client.0) * seen(placed.height, client.1);
            let bars: u64 =
                uncovered(placed, client).iter().map(|bar| u64::from(bar.width) * u64::from(bar.height)).sum();
            prop_assert_eq!(shown + bars, u64::from(client.0) * u64::from(client.1));
        }
    }
}
