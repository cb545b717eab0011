//! The ABI version and the features on which a guest and a host agree before any record flows.
//!
//! A guest states the range of versions it speaks; the host picks the highest that both speak, or refuses with a
//! reason. A host speaks its own version and the one before, so that a driver and a host can be updated apart.

/// The version this crate describes.
///
/// | version | adds |
/// |---|---|
/// | 1 | |
/// | 2 | [`WriteStaging`](crate::command::WriteStaging), for mirrors |
pub const ABI_VERSION: u16 = 2;
/// The oldest version that a host built from this crate still speaks.
pub const OLDEST_ABI_VERSION: u16 = 1;

/// The features that both sides may offer, a bit each; a feature is on when both offer it.
pub mod feature {
    /// The host writes presented frames into the heap.
    pub const PRESENT_TO_GUEST: u64 = 1 << 0;
    /// The host reads guest telemetry.
    pub const TELEMETRY: u64 = 1 << 1;
    /// All that this version knows.
    pub const ALL: u64 = PRESENT_TO_GUEST | TELEMETRY;
}

/// The range of ABI versions that one side speaks, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionRange {
    /// The oldest.
    pub min: u16,
    /// The newest.
    pub max: u16,
}

impl VersionRange {
    /// What a host built from this crate speaks.
    pub const OURS: Self = Self { min: OLDEST_ABI_VERSION, max: ABI_VERSION };
    /// What a guest built from this crate speaks: it writes records of its own version only, so a host may be newer, not older.
    pub const GUEST: Self = Self { min: ABI_VERSION, max: ABI_VERSION };

    /// The range as one word of the control page.
    pub const fn to_word(self) -> u64 {
        (self.min as u64) | (self.max as u64) << 16
    }

    /// The range that a word of the control page states; bits above 32 are ignored so that later versions may use them.
    pub const fn from_word(word: u64) -> Self {
        Self { min: word as u16, max: (word >> 16) as u16 }
    }

    /// The newest version that both sides speak.
    ///
    /// # Errors
    /// [`VersionMismatch`] when the ranges do not meet (an empty range meets nothing).
    pub fn agree(self, peer: Self) -> Result<u16, VersionMismatch> {
        let version = self.max.min(peer.max);
        if version >= self.min && version >= peer.min {
            Ok(version)
        } else {
            Err(VersionMismatch { ours: self, peer })
        }
    }
}

/// Two sides that speak no version in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionMismatch {
    /// What this side speaks.
    pub ours: VersionRange,
    /// What the other side speaks.
    pub peer: VersionRange,
}

impl core::fmt::Display for VersionMismatch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "the protocol versions do not meet: this side speaks {} to {}, the other {} to {}; update the older one",
            self.ours.min, self.ours.max, self.peer.min, self.peer.max
        )
    }
}

impl core::error::Error for VersionMismatch {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ours: (u16, u16), peer: (u16, u16), expect: Option<u16>) {
        let ours = VersionRange { min: ours.0, max: ours.1 };
        let peer = VersionRange { min: peer.0, max: peer.1 };
        assert_eq!(ours.agree(peer).ok(), expect, "{ours:?} {peer:?}");
        assert_eq!(peer.agree(ours).ok(), expect, "{peer:?} {ours:?}");
        assert_eq!(VersionRange::from_word(peer.to_word()), peer);
    }

    #[test]
    fn picks_the_newest_common_version() {
        check((1, 1), (1, 1), Some(1));
        check((1, 2), (2, 3), Some(2));
        check((1, 4), (2, 3), Some(3));
        check((1, 1), (2, 3), None);
        check((2, 1), (1, 2), None);
        check((0, u16::MAX), (u16::MAX, u16::MAX), Some(u16::MAX));
    }
}
