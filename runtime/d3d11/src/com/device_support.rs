//! What the device can do: formats, sample counts, features, counters.

use core::ffi::c_void;

use windows::Win32::Graphics::Direct3D11::D3D11_COUNTER_INFO;

use super::device::Device;
use super::guard::Guard;
use super::object::Com;
use crate::feature::{self, Facts};
use crate::format;
use crate::hresult::{E_FAIL, E_INVALIDARG, Result, require};

/// `D3D11_FORMAT_SUPPORT2_TILED`.
const TILED_SUPPORT: u32 = 0x200;
/// `D3D11_MAX_MULTISAMPLE_SAMPLE_COUNT`.
const MAX_SAMPLES: u32 = 32;
/// `D3D11_FORMAT_SUPPORT_*` bits that a typeless format takes from its family: the kinds of resources and casting.
const RESOURCE_BITS: u32 = 0x10_10f0;

/// What a format's support loses below a feature level (tables "Format Support for Direct3D Feature Level …").
const LEVELS: [(u32, u32); 3] = [
    // TYPED_UNORDERED_ACCESS_VIEW.
    (0xb000, 0x200_0000),
    // SHADER_GATHER, SHADER_GATHER_COMPARISON.
    (0xa100, 0x480_0000),
    // BUFFER, SHADER_LOAD, SHADER_SAMPLE_COMPARISON, MULTISAMPLE_LOAD.
    (0xa000, 0x40_0501),
];
/// `D3D11_FORMAT_SUPPORT_DISPLAY`.
const DISPLAY: u32 = 0x8_0000;
/// `DXGI_FORMAT`s that are displayed from level 10.0 on: R16G16B16A16_FLOAT, R10G10B10A2_UNORM and R10G10B10_XR_BIAS_A2_UNORM.
const DEEP_DISPLAYS: [u32; 3] = [10, 24, 89];
/// One more than the highest `DXGI_FORMAT` of `dxgiformat.h` (`DXGI_FORMAT_V408` and what followed).
const FORMATS_END: u32 = 192;

impl Com<Device> {
    /// `D3D11_FORMAT_SUPPORT` and `D3D11_FORMAT_SUPPORT2` of a format.
    ///
    /// # Errors
    /// `E_FAIL` for a number that is no format.
    pub fn format_support(&self, format: u32) -> Result<(u32, u32)> {
        let formats = &self.inner.adapter.host_info().formats;
        let support = |number: usize| {
            let found = formats.get(number)?;
            Some((found.support.to_native(), found.support2.to_native()))
        };
        let own = support(format as usize).ok_or(E_FAIL)?;
        if own != (0, 0) || !format::is_typeless(format) {
            let level = self.inner.feature_level;
            let lost =
                LEVELS.iter().filter(|(needed, _)| level < *needed).fold(0, |all, (_, bits)| all | bits);
            let wide = level < 0xa000 && DEEP_DISPLAYS.contains(&format);
            let lost = if wide { lost | DISPLAY } else { lost };
            let second = if level < 0xb000 { 0 } else { own.1 };
            return Ok((own.0 & !lost, second));
        }
        // The host speaks of formats that have a type: a typeless one can be what one of its family can be.
        let members = (0..formats.len()).filter(|member| format::family(*member as u32) == format);
        let any = members.filter_map(support).fold(0, |all, member| all | member.0);
        Ok((any & RESOURCE_BITS, 0))
    }

    /// Number of quality levels of a sample count, 0 when it is not supported.
    ///
    /// # Errors
    /// `E_FAIL` for a sample count beyond what exists.
    pub fn multisample_quality_levels(&self, format: u32, samples: u32) -> Result<u32> {
        if samples == 0 || samples > MAX_SAMPLES {
            return Err(E_FAIL);
        }
        require(format < FORMATS_END)?;
        if self.format_support(format).map_or(true, |support| support == (0, 0)) {
            return Ok(0);
        }
        if samples == 1 {
            return Ok(1);
        }
        Ok(Guard::new(&self.inner).driver.check_multisample_quality_levels(format, samples))
    }

    /// Whether textures of a format can be tiled.
    pub fn can_tile(&self, format: u32) -> bool {
        self.format_support(format).is_ok_and(|(_, second)| second & TILED_SUPPORT != 0)
    }

    /// `CheckFeatureSupport`.
    ///
    /// # Errors
    /// `E_INVALIDARG`: an unknown feature, or a struct of another size.
    ///
    /// # Safety
    /// `data` is null or has `size` bytes.
    pub unsafe fn check_feature(&self, feature: u32, data: *mut c_void, size: u32) -> Result {
        require(!data.is_null() && size >= 4)?;
        let words = data.cast::<u32>();
        let questions_format = matches!(feature, feature::FORMAT_SUPPORT | feature::FORMAT_SUPPORT2);
        let format = if questions_format {
            // SAFETY: the caller's promise: four bytes at least.
            unsafe { words.read_unaligned() }
        } else {
            0
        };
        let caps = Guard::new(&self.inner).driver.caps;
        let facts = Facts {
            level: self.inner.feature_level,
            logic_op: caps.logic_op,
            doubles: caps.doubles(),
            tile_based: caps.tile_based,
            tiled_tier: caps.tiled_tier(),
            format: self.format_support(format).ok(),
        };
        if questions_format && facts.format.is_none_or(|support| support == (0, 0)) {
            require(size as usize == 2 * size_of::<u32>())?;
            // SAFETY: the struct is the question and the answer.
            unsafe { words.wrapping_add(1).write_unaligned(0) };
            return Err(E_FAIL);
        }
        let answer = feature::answer(feature, format, &facts).ok_or(E_INVALIDARG)?;
        let answer = answer.words();
        require(size as usize == size_of_val(answer))?;
        // SAFETY: the sizes are equal.
        unsafe {
            core::ptr::copy_nonoverlapping(answer.as_ptr().cast::<u8>(), data.cast::<u8>(), size as usize)
        };
        Ok(())
    }

    /// `CheckCounterInfo`: there are no counters.
    pub fn counter_info(&self) -> D3D11_COUNTER_INFO {
        D3D11_COUNTER_INFO::default()
    }
}
