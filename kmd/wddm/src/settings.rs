//! What the registry says about the adapter.

use pvgpu_kmd::Settings;
use pvgpu_kmd_ddi::{NTSTATUS, STATUS_INVALID_PARAMETER};
use pvgpu_protocol::kernel_interface::device_kind;
use pvgpu_protocol::limits::{DEFAULT_APERTURE_BYTES, MAX_APERTURE_BYTES, MIN_APERTURE_BYTES};
use pvgpu_protocol::telemetry::Level;

use crate::nt::Nt;
use crate::registry::{APERTURE_SIZE, Key, LOG_LEVEL, SEGMENT_SIZE};

/// Bytes of a MiB, the unit of sizes in the registry.
const MIB: u64 = 1 << 20;
/// What one MDL describes: less than 4 GiB.
const MAX_OWN_BYTES: u64 = (4 << 30) - (64 << 10);

/// The values, as they stand there; `None` where there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Registry {
    /// MiB.
    aperture: Option<u32>,
    /// 0 errors, 1 also warnings, 2 also life-cycle steps, 3 every step.
    log_level: Option<u32>,
    /// MiB.
    segment: Option<u32>,
}

impl Registry {
    /// Reads them; without a key there are none. `PASSIVE_LEVEL`.
    pub(crate) fn read<N: Nt>(key: Option<&Key<N>>) -> Self {
        let Some(key) = key else { return Self::default() };
        Self {
            aperture: key.dword(&APERTURE_SIZE),
            log_level: key.dword(&LOG_LEVEL),
            segment: key.dword(&SEGMENT_SIZE),
        }
    }

    /// Bytes of an aperture that is our own memory.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` for a size that is out of range.
    pub(crate) fn own_aperture(self) -> Result<u64, NTSTATUS> {
        let bytes = self.aperture.map_or(DEFAULT_APERTURE_BYTES, |mib| u64::from(mib) * MIB);
        let most = MAX_OWN_BYTES.min(MAX_APERTURE_BYTES);
        if (MIN_APERTURE_BYTES..=most).contains(&bytes) { Ok(bytes) } else { Err(STATUS_INVALID_PARAMETER) }
    }

    /// The core's settings for an adapter with such an aperture.
    pub(crate) fn settings(self, pci: bool, aperture_bytes: u64) -> Settings {
        let level = self.log_level.map_or(Level::Info, |level| {
            // In the registry the levels begin with 0, on the wire with 1; what is above the last one is the last one.
            Level::from_wire(u8::try_from(level.saturating_add(1)).unwrap_or(u8::MAX))
        });
        let device = if pci { device_kind::PCI } else { device_kind::ROOT };
        let settings =
            Settings { device, log_level: level, driver_version: DRIVER_VERSION, ..Settings::default() };
        match self.segment {
            Some(mib) => Settings { segment_bytes: u64::from(mib) * MIB, ..settings },
            None => settings.with_desktop(aperture_bytes),
        }
    }
}

/// The package's version, four 16-bit parts, the first in the highest bits.
const DRIVER_VERSION: u64 = {
    let major = number(env!("CARGO_PKG_VERSION_MAJOR"));
    let minor = number(env!("CARGO_PKG_VERSION_MINOR"));
    let patch = number(env!("CARGO_PKG_VERSION_PATCH"));
    major << 48 | minor << 32 | patch << 16
};

/// A decimal number; evaluated at compile time only.
const fn number(text: &str) -> u64 {
    let digits = text.as_bytes();
    let mut value = 0;
    let mut index = 0;
    while index < digits.len() {
        // PANIC: evaluated at compile time.
        value = value * 10 + (digits[index] - b'0') as u64;
        index += 1;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_bounds() {
        let own = |mib| Registry { aperture: mib, ..Registry::default() }.own_aperture();
        assert_eq!(own(None), Ok(256 << 20));
        assert_eq!(own(Some(64)), Ok(64 << 20));
        assert_eq!(own(Some(4095)), Ok(4095 << 20));
        for wrong in [0, 63, 4096, 8192, u32::MAX] {
            assert_eq!(own(Some(wrong)), Err(STATUS_INVALID_PARAMETER), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let usual = Registry::default().settings(false, 256 << 20);
        assert_eq!(usual.log_level, Level::Info);
        assert_eq!(usual.device, device_kind::ROOT);
        assert_ne!(usual.segment_bytes, 0);
        assert_ne!(usual.driver_version, 0);
        let said =
            Registry { log_level: Some(300), segment: Some(0), aperture: None }.settings(true, 256 << 20);
        assert_eq!(said.log_level, Level::Verbose);
        assert_eq!(said.device, device_kind::PCI);
        assert_eq!(said.segment_bytes, 0);
    }
}
