//! `DXGI_MODE_ROTATION` of a swap chain: by how much the program turned what it drew.
//!
//! Source: the DXGI pages of `IDXGISwapChain1::SetRotation` and `DXGI_MODE_ROTATION`. A program draws turned pictures for a
//! display that is mounted turned; on one that is not, they are turned back.

/// Quarter turns, clockwise, that the program's picture is turned by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rotation {
    /// `DXGI_MODE_ROTATION_IDENTITY`.
    #[default]
    Identity,
    /// `DXGI_MODE_ROTATION_ROTATE90`.
    Quarter,
    /// `DXGI_MODE_ROTATION_ROTATE180`.
    Half,
    /// `DXGI_MODE_ROTATION_ROTATE270`.
    ThreeQuarters,
}

impl Rotation {
    /// The rotation that `value` of the enumeration means; 0, unspecified, is none.
    pub fn from_value(value: i32) -> Option<Self> {
        match value {
            0 | 1 => Some(Self::Identity),
            2 => Some(Self::Quarter),
            3 => Some(Self::Half),
            4 => Some(Self::ThreeQuarters),
            _ => None,
        }
    }

    /// The value in the enumeration.
    pub fn value(self) -> i32 {
        match self {
            Self::Identity => 1,
            Self::Quarter => 2,
            Self::Half => 3,
            Self::ThreeQuarters => 4,
        }
    }

    /// Whether width and height change places.
    pub fn swaps_sides(self) -> bool {
        matches!(self, Self::Quarter | Self::ThreeQuarters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_enumeration() {
        for value in 1..=4 {
            assert_eq!(Rotation::from_value(value).map(Rotation::value), Some(value));
        }
        assert_eq!(Rotation::from_value(0), Some(Rotation::Identity));
        assert_eq!((Rotation::from_value(5), Rotation::from_value(-1)), (None, None));
    }
}
