//! `D3D11_BUFFER_DESC`.

use pvgpu_protocol::tiling::TILE_BYTES;

use super::resource::{Flags, bind, misc};
use crate::hresult::{Result, require};

/// `D3D11_REQ_CONSTANT_BUFFER_ELEMENT_COUNT` × 16: a larger constant buffer exists from 11.1 on, for offsets.
const CONSTANT_BUFFER_ALIGNMENT: u32 = 16;
/// Largest structure of a structured buffer, in bytes (`D3D11_REQ_MULTI_ELEMENT_STRUCTURE_SIZE_IN_BYTES`).
const MAX_STRUCTURE: u32 = 2048;

/// A valid buffer description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Desc {
    /// Bytes.
    pub byte_width: u32,
    /// Usage and flags.
    pub flags: Flags,
    /// Bytes of a structure; 0 unless the buffer is structured, as `GetDesc` shows it.
    pub stride: u32,
}

impl Desc {
    /// Checks a description.
    ///
    /// # Errors
    /// `E_INVALIDARG`: the size is zero or not aligned, or flags are combined that exclude each other.
    pub fn new(byte_width: u32, flags: Flags, stride: u32, initial: bool) -> Result<Self> {
        flags.validate(initial)?;
        let pool = flags.misc & misc::TILE_POOL != 0;
        require(byte_width != 0 || pool)?;
        require(!pool || u64::from(byte_width).is_multiple_of(TILE_BYTES))?;
        // Direct3D 11.2: default buffers may be mapped (`MapOnDefaultBuffers`), those that shaders load from or store to only.
        let shaders = bind::SHADER_RESOURCE | bind::UNORDERED_ACCESS;
        let mappable = flags.bind != 0 && flags.bind & !shaders == 0;
        require(flags.usage != super::resource::Usage::Default || flags.cpu == 0 || mappable)?;
        require(flags.bind & bind::DEPTH_STENCIL == 0)?;
        require(flags.misc & (misc::GENERATE_MIPS | misc::TEXTURECUBE | misc::GDI_COMPATIBLE) == 0)?;
        if flags.bind & bind::CONSTANT_BUFFER != 0 {
            require(flags.bind == bind::CONSTANT_BUFFER)?;
            require(byte_width.is_multiple_of(CONSTANT_BUFFER_ALIGNMENT))?;
            require(flags.misc & (misc::BUFFER_STRUCTURED | misc::BUFFER_ALLOW_RAW_VIEWS) == 0)?;
        }
        let structured = flags.misc & misc::BUFFER_STRUCTURED != 0;
        let raw = flags.misc & misc::BUFFER_ALLOW_RAW_VIEWS != 0;
        if structured {
            require(!raw && stride != 0 && stride.is_multiple_of(4) && stride <= MAX_STRUCTURE)?;
            require(byte_width.is_multiple_of(stride))?;
            require(flags.misc & misc::DRAWINDIRECT_ARGS == 0)?;
            require(flags.bind & (bind::VERTEX_BUFFER | bind::INDEX_BUFFER | bind::STREAM_OUTPUT) == 0)?;
        }
        if raw {
            require(byte_width.is_multiple_of(4))?;
            require(flags.bind & (bind::SHADER_RESOURCE | bind::UNORDERED_ACCESS) != 0)?;
        }
        if flags.misc & misc::DRAWINDIRECT_ARGS != 0 {
            require(flags.usage != super::resource::Usage::Staging)?;
        }
        Ok(Self { byte_width, flags, stride: if structured { stride } else { 0 } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desc::resource::{Usage, cpu};

    fn default(bind: u32, misc: u32) -> Flags {
        Flags { usage: Usage::Default, bind, cpu: 0, misc }
    }

    #[test]
    fn constant_buffers_are_aligned_and_alone() {
        assert!(Desc::new(64, default(bind::CONSTANT_BUFFER, 0), 0, false).is_ok());
        assert!(Desc::new(60, default(bind::CONSTANT_BUFFER, 0), 0, false).is_err());
        assert!(Desc::new(64, default(bind::CONSTANT_BUFFER | bind::VERTEX_BUFFER, 0), 0, false).is_err());
        assert!(Desc::new(0, default(bind::VERTEX_BUFFER, 0), 0, false).is_err());
    }

    #[test]
    fn tile_pools_have_whole_tiles() {
        for (bytes, good) in [(0, true), (65536, true), (131_072, true), (65540, false), (4096, false)] {
            let flags = default(0, misc::TILE_POOL);
            assert_eq!(Desc::new(bytes, flags, 0, false).is_ok(), good, "{bytes}");
        }
        assert!(Desc::new(0, default(bind::SHADER_RESOURCE, misc::TILED), 0, false).is_err());
    }

    #[test]
    fn structured_buffers_have_a_stride() {
        let flags = default(bind::SHADER_RESOURCE | bind::UNORDERED_ACCESS, misc::BUFFER_STRUCTURED);
        assert_eq!(Desc::new(96, flags, 24, false).map(|desc| desc.stride), Ok(24));
        for (bytes, stride) in [(96, 0), (96, 22), (100, 24), (4096, 4096)] {
            assert!(Desc::new(bytes, flags, stride, false).is_err(), "{bytes} bytes of {stride}");
        }
        // A stride without the flag is ignored.
        assert_eq!(Desc::new(96, default(bind::VERTEX_BUFFER, 0), 24, false).map(|desc| desc.stride), Ok(0));
        let raw = default(bind::VERTEX_BUFFER, misc::BUFFER_ALLOW_RAW_VIEWS);
        assert!(Desc::new(96, raw, 0, false).is_err());
        let staging = Flags { usage: Usage::Staging, bind: 0, cpu: cpu::READ, misc: misc::BUFFER_STRUCTURED };
        assert!(Desc::new(96, staging, 24, false).is_ok());
    }
}
