//! What the host tells about itself once, before any command: the GPU's name, memory, limits and formats.
//!
//! It stands archived in the host-info part of the aperture, so that the user-mode driver answers every capability
//! query without asking the host.

use rkyv::rancor::Failure;
use rkyv::{Archive, Serialize};

use crate::format::FORMAT_COUNT;

/// Bytes of each fixed text field, zero-padded UTF-8.
pub const TEXT_BYTES: usize = 128;

/// What the host can do with one `DXGI_FORMAT`.
#[derive(Archive, Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct FormatSupport {
    /// Bits of `D3D11_FORMAT_SUPPORT`.
    pub support: u32,
    /// Bits of `D3D11_FORMAT_SUPPORT2`.
    pub support2: u32,
    /// Sample counts that work for render targets: bit n stands for n samples, as in `VkSampleCountFlags`.
    pub sample_counts: u32,
}

/// The host's GPU and what it can do.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct HostInfo {
    /// The GPU's name, as Vulkan gives it.
    pub gpu_name: [u8; TEXT_BYTES],
    /// The Vulkan driver's name and version, for people.
    pub driver: [u8; TEXT_BYTES],
    /// Bytes of memory that is the GPU's own.
    pub dedicated_video_memory: u64,
    /// Bytes of system memory that the GPU can use.
    pub shared_system_memory: u64,
    /// GPU timestamp ticks a second.
    pub timestamp_frequency: u64,
    /// PCI vendor.
    pub vendor_id: u32,
    /// PCI device.
    pub device_id: u32,
    /// The highest `D3D_FEATURE_LEVEL` the host serves in this version, e.g. 0xb000.
    pub feature_level: u32,
    /// Bits of [`host_feature`].
    pub features: u32,
    /// By `DXGI_FORMAT`.
    pub formats: [FormatSupport; FORMAT_COUNT],
}

/// Bits of [`HostInfo::features`].
pub mod host_feature {
    /// `D3D11_FEATURE_DATA_D3D11_OPTIONS::OutputMergerLogicOp`.
    pub const LOGIC_OP: u32 = 1 << 0;
    /// Geometry shaders.
    pub const GEOMETRY_SHADER: u32 = 1 << 1;
    /// Hull and domain shaders.
    pub const TESSELLATION: u32 = 1 << 2;
    /// Double precision in shaders.
    pub const DOUBLES: u32 = 1 << 3;
    /// The GPU is a software renderer.
    pub const SOFTWARE: u32 = 1 << 4;
    /// Stream output.
    pub const STREAM_OUTPUT: u32 = 1 << 5;
    /// Tiled resources of Direct3D's tier 1.
    pub const TILED_RESOURCES_1: u32 = 1 << 6;
    /// Tiled resources of Direct3D's tier 2; never without tier 1.
    pub const TILED_RESOURCES_2: u32 = 1 << 7;
}

/// The host info's bytes are not a legal value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadHostInfo;

impl core::fmt::Display for BadHostInfo {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the host's description of itself is malformed")
    }
}

impl core::error::Error for BadHostInfo {}

impl HostInfo {
    /// Words that the archived form takes.
    pub const WORDS: usize = size_of::<ArchivedHostInfo>() / 8;

    /// The archived form, to be stored cell by cell in the host-info part.
    pub fn to_words(&self) -> [u64; Self::WORDS] {
        let mut words = [0; Self::WORDS];
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        let mut at = 0;
        let mut sink = |chunk: &[u8]| {
            if let Some(room) = bytes.get_mut(at..at + chunk.len()) {
                room.copy_from_slice(chunk);
            }
            at += chunk.len();
        };
        let writer = crate::command::SinkWriter::new(&mut sink);
        let mut serializer =
            rkyv::ser::Serializer::new(writer, rkyv::ser::allocator::SubAllocator::new(&mut []), ());
        // A value of fixed size without slices cannot fail to serialise.
        let _: Result<_, Failure> = rkyv::api::serialize_using(self, &mut serializer);
        words
    }

    /// Checks words copied out of the host-info part.
    ///
    /// # Errors
    /// [`BadHostInfo`] when they are no legal archived form.
    pub fn access(words: &[u64]) -> Result<&ArchivedHostInfo, BadHostInfo> {
        rkyv::api::low::access::<ArchivedHostInfo, Failure>(bytemuck::cast_slice(words))
            .map_err(|_| BadHostInfo)
    }
}

/// A text field from `text`, cut at a character's boundary if it is too long.
pub fn text_field(text: &str) -> [u8; TEXT_BYTES] {
    let mut field = [0; TEXT_BYTES];
    let mut end = text.len().min(TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    if let (Some(to), Some(from)) = (field.get_mut(..end), text.as_bytes().get(..end)) {
        to.copy_from_slice(from);
    }
    field
}

/// The text in a field, up to the first zero; what is not UTF-8 reads as empty.
pub fn field_text(field: &[u8; TEXT_BYTES]) -> &str {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(TEXT_BYTES);
    field.get(..end).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or("")
}

static_assertions::const_assert!((HostInfo::WORDS * 8) as u64 <= crate::aperture::HOST_INFO_BYTES);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_info_survives_its_words() {
        let mut info = HostInfo {
            gpu_name: text_field("a GPU"),
            driver: text_field("driver 1"),
            dedicated_video_memory: 1 << 33,
            shared_system_memory: 5,
            timestamp_frequency: 1_000_000_000,
            vendor_id: 0x10de,
            device_id: 7,
            feature_level: 0xb000,
            features: host_feature::SOFTWARE,
            formats: [FormatSupport::default(); FORMAT_COUNT],
        };
        info.formats[28] = FormatSupport { support: 1, support2: 2, sample_counts: 5 };
        let words = info.to_words();
        let back = HostInfo::access(&words).expect("our own words");
        assert_eq!(field_text(&back.gpu_name), "a GPU");
        assert_eq!(back.dedicated_video_memory.to_native(), 1 << 33);
        assert_eq!(back.formats[28].sample_counts.to_native(), 5);
        assert!(HostInfo::access(&words[1..]).is_err());
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        let long = "é".repeat(100);
        let field = text_field(&long[..]);
        assert_eq!(field_text(&field).chars().count(), 64);
        assert_eq!(field_text(&[0xff; TEXT_BYTES]), "");
    }
}
