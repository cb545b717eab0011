//! Feature levels: which one a device gets.

use crate::hresult::{DXGI_ERROR_UNSUPPORTED, E_INVALIDARG, Result};

/// A feature level. Lower levels are sets of promises that the higher ones keep, so a device of any level up to the host's
/// is the same device with another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `D3D_FEATURE_LEVEL_9_1`.
    V9_1,
    /// `D3D_FEATURE_LEVEL_9_2`.
    V9_2,
    /// `D3D_FEATURE_LEVEL_9_3`.
    V9_3,
    /// `D3D_FEATURE_LEVEL_10_0`.
    V10_0,
    /// `D3D_FEATURE_LEVEL_10_1`.
    V10_1,
    /// `D3D_FEATURE_LEVEL_11_0`.
    V11_0,
    /// `D3D_FEATURE_LEVEL_11_1`.
    V11_1,
}

/// What a program asks for when it does not say: `D3D11CreateDevice`'s default, without 11.1.
pub const DEFAULT_REQUEST: [u32; 6] = [0xb000, 0xa100, 0xa000, 0x9300, 0x9200, 0x9100];

impl Level {
    const ALL: [Self; 7] =
        [Self::V9_1, Self::V9_2, Self::V9_3, Self::V10_0, Self::V10_1, Self::V11_0, Self::V11_1];

    /// `D3D_FEATURE_LEVEL`.
    pub const fn number(self) -> u32 {
        match self {
            Self::V9_1 => 0x9100,
            Self::V9_2 => 0x9200,
            Self::V9_3 => 0x9300,
            Self::V10_0 => 0xa000,
            Self::V10_1 => 0xa100,
            Self::V11_0 => 0xb000,
            Self::V11_1 => 0xb100,
        }
    }

    fn new(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.number() == number)
    }
}

/// The first level of the request that a host of level `host` serves.
///
/// # Errors
/// `E_INVALIDARG` when no level of the request is one of Direct3D 11, `DXGI_ERROR_UNSUPPORTED` when the host serves none.
pub fn choose(request: &[u32], host: u32) -> Result<Level> {
    let known: Vec<Level> = request.iter().filter_map(|number| Level::new(*number)).collect();
    if known.is_empty() {
        return Err(E_INVALIDARG);
    }
    known.into_iter().find(|level| level.number() <= host).ok_or(DXGI_ERROR_UNSUPPORTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_level_that_the_host_serves_wins() {
        assert_eq!(choose(&DEFAULT_REQUEST, 0xb000), Ok(Level::V11_0));
        assert_eq!(choose(&[0xb100, 0xb000], 0xb000), Ok(Level::V11_0));
        assert_eq!(choose(&[0xb100, 0xb000], 0xb100), Ok(Level::V11_1));
        assert_eq!(choose(&[0x9300, 0xb000], 0xb000), Ok(Level::V9_3));
        assert_eq!(choose(&[0xc000, 0xa000], 0xb000), Ok(Level::V10_0));
        assert_eq!(choose(&[0xb100], 0xb000), Err(DXGI_ERROR_UNSUPPORTED));
        assert_eq!(choose(&[0xc000], 0xb000), Err(E_INVALIDARG));
    }
}
