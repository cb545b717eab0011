//! The adapter: what the host can do, in the words of the DDI.

use pvgpu_protocol::command::{dimension, stage};
use pvgpu_protocol::host_info::{
    ArchivedFormatSupport, ArchivedHostInfo, BadHostInfo, HostInfo, host_feature,
};
use pvgpu_protocol::kernel_interface::AdapterData;
use pvgpu_protocol::version::feature;
use pvgpu_umd_ddi::*;

/// `DXGI_DDI` versions that this driver implements, in the form of `GetSupportedVersions`.
pub const SUPPORTED_VERSIONS: [u64; 4] =
    [D3D11_0_DDI_SUPPORTED, D3D11_0_7_DDI_SUPPORTED, D3D11_1_DDI_SUPPORTED, D3DWDDM1_3_DDI_SUPPORTED];

/// Bits of `D3D11_FORMAT_SUPPORT` and `D3D11_FORMAT_SUPPORT2` (d3d11.h), in which the host describes its formats.
mod api {
    pub const BUFFER: u32 = 0x1;
    pub const IA_VERTEX_BUFFER: u32 = 0x2;
    pub const TEXTURE1D: u32 = 0x10;
    pub const TEXTURE2D: u32 = 0x20;
    pub const TEXTURE3D: u32 = 0x40;
    pub const TEXTURECUBE: u32 = 0x80;
    pub const SHADER_SAMPLE: u32 = 0x200;
    pub const RENDER_TARGET: u32 = 0x4000;
    pub const BLENDABLE: u32 = 0x8000;
    pub const MULTISAMPLE_RENDERTARGET: u32 = 0x20_0000;
    pub const MULTISAMPLE_LOAD: u32 = 0x40_0000;
    pub const SHADER_GATHER: u32 = 0x80_0000;
    pub const TYPED_UNORDERED_ACCESS_VIEW: u32 = 0x200_0000;
    pub const OUTPUT_MERGER_LOGIC_OP: u32 = 0x100;
    pub const TILED: u32 = 0x200;
}

/// What each bit of the API's format support is in the DDI's.
const FORMAT_BITS: [(u32, u32); 9] = [
    (api::SHADER_SAMPLE, D3D10_DDI_FORMAT_SUPPORT_SHADER_SAMPLE),
    (api::RENDER_TARGET, D3D10_DDI_FORMAT_SUPPORT_RENDERTARGET),
    (api::BLENDABLE, D3D10_DDI_FORMAT_SUPPORT_BLENDABLE),
    (api::MULTISAMPLE_RENDERTARGET, D3D10_DDI_FORMAT_SUPPORT_MULTISAMPLE_RENDERTARGET),
    (api::MULTISAMPLE_LOAD, D3D10_DDI_FORMAT_SUPPORT_MULTISAMPLE_LOAD),
    (api::IA_VERTEX_BUFFER, D3D11_1DDI_FORMAT_SUPPORT_VERTEX_BUFFER),
    (api::TYPED_UNORDERED_ACCESS_VIEW, D3D11_1DDI_FORMAT_SUPPORT_UAV_WRITES),
    (api::BUFFER, D3D11_1DDI_FORMAT_SUPPORT_BUFFER),
    (api::SHADER_GATHER, D3D11_1DDI_FORMAT_SUPPORT_SHADER_GATHER),
];

/// What the host told about itself, checked.
#[derive(Clone, Debug)]
pub struct HostCaps {
    words: Box<[u64; HostInfo::WORDS]>,
    features: u64,
}

impl HostCaps {
    /// Takes what the kernel-mode driver handed over.
    ///
    /// # Errors
    /// [`BadHostInfo`] when the host's description of itself is malformed.
    pub fn new(data: &AdapterData) -> Result<Self, BadHostInfo> {
        HostInfo::access(&data.host_info)?;
        Ok(Self { words: Box::new(data.host_info), features: data.features })
    }

    /// The host's description of itself.
    fn info(&self) -> Option<&ArchivedHostInfo> {
        // `new` has checked these very words; the archive has no value that passes once and fails later.
        HostInfo::access(&*self.words).ok()
    }

    fn format(&self, format: DXGI_FORMAT) -> Option<&ArchivedFormatSupport> {
        self.info()?.formats.get(format as usize)
    }

    fn has(&self, feature: u32) -> bool {
        self.info().is_some_and(|info| info.features.to_native() & feature != 0)
    }

    /// Whether presented frames go to the guest.
    pub fn presents_to_guest(&self) -> bool {
        self.features & feature::PRESENT_TO_GUEST != 0
    }

    /// Bits of `D3D11_FORMAT_SUPPORT`.
    fn api_support(&self, format: DXGI_FORMAT) -> u32 {
        self.format(format).map_or(0, |support| support.support.to_native())
    }

    /// Whether the host makes textures of this dimension and format.
    pub fn has_texture(&self, dimension: u32, format: DXGI_FORMAT) -> bool {
        let bit = match dimension {
            dimension::TEXTURE1D => api::TEXTURE1D,
            dimension::TEXTURE2D => api::TEXTURE2D,
            dimension::TEXTURE3D => api::TEXTURE3D,
            dimension::TEXTURECUBE => api::TEXTURECUBE,
            _ => 0,
        };
        self.api_support(format) & bit != 0
    }

    /// Whether textures may be seen in this format.
    pub fn has_view(&self, format: DXGI_FORMAT) -> bool {
        self.api_support(format) != 0
    }

    /// Whether render targets may have this format.
    pub fn has_render_target(&self, format: DXGI_FORMAT) -> bool {
        self.api_support(format) & api::RENDER_TARGET != 0
    }

    /// Whether vertices may have attributes of this format.
    pub fn has_vertex_attribute(&self, format: DXGI_FORMAT) -> bool {
        self.api_support(format) & api::IA_VERTEX_BUFFER != 0
    }

    /// Whether the host runs shaders of this stage.
    pub fn has_stage(&self, stage: u32) -> bool {
        match stage {
            stage::GEOMETRY => self.has(host_feature::GEOMETRY_SHADER),
            stage::HULL | stage::DOMAIN => self.has(host_feature::TESSELLATION),
            _ => true,
        }
    }

    /// Whether the host writes stream output.
    pub fn has_stream_output(&self) -> bool {
        self.has(host_feature::STREAM_OUTPUT)
    }

    /// The tier of tiled resources, 0 for none.
    pub fn tiled_tier(&self) -> u32 {
        let tiers = [host_feature::TILED_RESOURCES_1, host_feature::TILED_RESOURCES_2];
        // CAST: 2 at most.
        tiers.iter().take_while(|tier| self.has(**tier)).count() as u32
    }

    /// Whether textures of a format can be tiled.
    pub fn has_tiles(&self, format: DXGI_FORMAT) -> bool {
        self.format(format).is_some_and(|support| support.support2.to_native() & api::TILED != 0)
    }

    /// `CheckFormatSupport`.
    pub fn format_support(&self, format: DXGI_FORMAT) -> u32 {
        let Some(support) = self.format(format) else { return D3D10_DDI_FORMAT_SUPPORT_NOT_SUPPORTED };
        let (first, second) = (support.support.to_native(), support.support2.to_native());
        let mut bits =
            FORMAT_BITS.iter().filter(|(api, _)| first & api != 0).fold(0, |bits, (_, ddi)| bits | ddi);
        if second & api::OUTPUT_MERGER_LOGIC_OP != 0 {
            bits |= D3D11_1DDI_FORMAT_SUPPORT_OUTPUT_MERGER_LOGIC_OP;
        }
        if second & api::TILED != 0 {
            bits |= D3DWDDM1_3DDI_FORMAT_SUPPORT_TILED;
        }
        if first == 0 { D3D10_DDI_FORMAT_SUPPORT_NOT_SUPPORTED } else { bits }
    }

    /// `CheckMultisampleQualityLevels`.
    pub fn quality_levels(&self, format: DXGI_FORMAT, sample_count: u32) -> u32 {
        let counts = self.format(format).map_or(0, |support| support.sample_counts.to_native());
        u32::from(sample_count.is_power_of_two() && counts & sample_count != 0)
    }

    /// `D3D11DDICAPS_SHADER`.
    pub fn shader_caps(&self) -> D3D11DDI_SHADER_CAPS {
        let doubles = if self.has(host_feature::DOUBLES) { D3D11DDICAPS_SHADER_DOUBLES } else { 0 };
        D3D11DDI_SHADER_CAPS {
            Caps: D3D11DDICAPS_SHADER_COMPUTE_PLUS_RAW_AND_STRUCTURED_BUFFERS_IN_SHADER_4_X | doubles,
        }
    }

    /// `D3D11DDICAPS_THREADING`: none; the runtime serialises its calls and emulates command lists.
    pub fn threading_caps(&self) -> D3D11DDI_THREADING_CAPS {
        D3D11DDI_THREADING_CAPS { Caps: 0 }
    }

    /// `D3D11DDICAPS_3DPIPELINESUPPORT`: the levels up to what the host serves.
    pub fn pipeline_caps(&self) -> D3D11DDI_3DPIPELINESUPPORT_CAPS {
        let highest = self.info().map_or(0, |info| info.feature_level.to_native());
        let levels = [
            (0xa000, D3D11DDI_3DPIPELINELEVEL_10_0),
            (0xa100, D3D11DDI_3DPIPELINELEVEL_10_1),
            (0xb000, D3D11DDI_3DPIPELINELEVEL_11_0),
            (0xb100, D3D11_1DDI_3DPIPELINELEVEL_11_1),
        ];
        let caps = levels
            .iter()
            .filter(|(feature_level, _)| *feature_level <= highest)
            .fold(0, |caps, (_, level)| caps | D3D11DDI_ENCODE_3DPIPELINESUPPORT_CAP(*level));
        D3D11DDI_3DPIPELINESUPPORT_CAPS { Caps: caps }
    }

    /// `D3D11_1DDICAPS_D3D11_OPTIONS`.
    pub fn options(&self) -> D3D11_1DDI_D3D11_OPTIONS_DATA {
        D3D11_1DDI_D3D11_OPTIONS_DATA {
            OutputMergerLogicOp: BOOL::from(self.has(host_feature::LOGIC_OP)),
            AssignDebugBinarySupport: FALSE,
        }
    }

    /// `D3DWDDM1_3DDICAPS_D3D11_OPTIONS1`.
    pub fn options1(&self) -> D3DWDDM1_3DDI_D3D11_OPTIONS_DATA1 {
        let flags = match self.tiled_tier() {
            0 => 0,
            1 => D3DWDDM1_3DDI_TILED_RESOURCES_TIER_1_SUPPORTED,
            _ => {
                D3DWDDM1_3DDI_TILED_RESOURCES_TIER_1_SUPPORTED
                    | D3DWDDM1_3DDI_TILED_RESOURCES_TIER_2_SUPPORTED
            }
        };
        D3DWDDM1_3DDI_D3D11_OPTIONS_DATA1 { TiledResourcesSupportFlags: flags }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pvgpu_protocol::format::FORMAT_COUNT;
    use pvgpu_protocol::host_info::{FormatSupport, text_field};

    fn caps(feature_level: u32) -> HostCaps {
        let mut formats = [FormatSupport::default(); FORMAT_COUNT];
        formats[28] = FormatSupport {
            support: api::SHADER_SAMPLE | api::RENDER_TARGET,
            support2: api::OUTPUT_MERGER_LOGIC_OP,
            sample_counts: 1 | 4,
        };
        let info = HostInfo {
            gpu_name: text_field("a GPU"),
            driver: text_field("a driver"),
            dedicated_video_memory: 1,
            shared_system_memory: 1,
            timestamp_frequency: 1,
            vendor_id: 1,
            device_id: 1,
            feature_level,
            features: host_feature::LOGIC_OP,
            formats,
        };
        HostCaps { words: Box::new(info.to_words()), features: feature::ALL }
    }

    #[test]
    fn formats_are_answered_in_the_words_of_the_ddi() {
        let caps = caps(0xb000);
        let expected = D3D10_DDI_FORMAT_SUPPORT_SHADER_SAMPLE
            | D3D10_DDI_FORMAT_SUPPORT_RENDERTARGET
            | D3D11_1DDI_FORMAT_SUPPORT_OUTPUT_MERGER_LOGIC_OP;
        assert_eq!(caps.format_support(28), expected);
        for format in [0, 2, 115, 116, u32::MAX] {
            assert_eq!(
                caps.format_support(format),
                D3D10_DDI_FORMAT_SUPPORT_NOT_SUPPORTED,
                "format {format}"
            );
        }
    }

    #[test]
    fn only_sample_counts_of_the_host_have_a_level() {
        let caps = caps(0xb000);
        let levels = |count| caps.quality_levels(28, count);
        assert_eq!([0, 1, 2, 3, 4, 5, 8].map(levels), [0, 1, 0, 0, 1, 0, 0]);
        assert_eq!(caps.quality_levels(2, 1), 0);
    }

    #[test]
    fn levels_end_with_the_host() {
        assert_eq!(caps(0xb100).pipeline_caps().Caps, 0b1111);
        assert_eq!(caps(0xb000).pipeline_caps().Caps, 0b111);
        assert_eq!(caps(0).pipeline_caps().Caps, 0);
        assert_eq!(caps(0xb000).options().OutputMergerLogicOp, TRUE);
        assert_eq!(caps(0xb000).options1().TiledResourcesSupportFlags, 0);
    }
}
