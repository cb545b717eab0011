//! `D3D11_TEXTURE1D_DESC`, `D3D11_TEXTURE2D_DESC` and `D3D11_TEXTURE3D_DESC`, as one type.

use pvgpu_protocol::format as blocks;

use super::resource::{Flags, Usage, bind, misc};
use super::subresource::{full_chain, level_size};
use crate::format;
use crate::hresult::{E_INVALIDARG, Result, require};

/// Largest width, height or array size of 1D and 2D textures (`D3D11_REQ_TEXTURE2D_U_OR_V_DIMENSION`).
const MAX_2D: u32 = 16384;
/// Largest extent of 3D textures (`D3D11_REQ_TEXTURE3D_U_V_OR_W_DIMENSION`).
const MAX_3D: u32 = 2048;
/// Most slices of an array (`D3D11_REQ_TEXTURE2D_ARRAY_AXIS_DIMENSION`).
const MAX_SLICES: u32 = 2048;
/// `D3D11_STANDARD_MULTISAMPLE_PATTERN` and `D3D11_CENTER_MULTISAMPLE_PATTERN`.
const PATTERN_QUALITIES: [u32; 2] = [0xffff_ffff, 0xffff_fffe];

/// How many directions a texture has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// `ID3D11Texture1D`.
    One,
    /// `ID3D11Texture2D`.
    Two,
    /// `ID3D11Texture3D`.
    Three,
}

/// A texture description; what a dimension does not have is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Desc {
    /// Directions.
    pub dimension: Dimension,
    /// Texels.
    pub width: u32,
    /// Texels.
    pub height: u32,
    /// Texels.
    pub depth: u32,
    /// Levels; 0 asks for a full chain and is replaced by its length.
    pub mip_levels: u32,
    /// Slices.
    pub array_size: u32,
    /// `DXGI_FORMAT`.
    pub format: u32,
    /// Samples a texel.
    pub sample_count: u32,
    /// Quality level of the samples.
    pub sample_quality: u32,
    /// Usage and flags.
    pub flags: Flags,
    /// Whether it is a swap chain's buffer, whose views may have any format of its family.
    pub back_buffer: bool,
}

impl Desc {
    /// Checks a description and fills in the number of mip levels. `initial` says whether initial data is given.
    ///
    /// Whether the host can do the format in this way is for the caller to ask.
    ///
    /// # Errors
    /// `E_INVALIDARG`: a size is zero or too large, or flags are combined that exclude each other.
    pub fn checked(mut self, initial: bool) -> Result<Self> {
        self.flags.validate(initial)?;
        require(self.flags.usage != Usage::Default || self.flags.cpu == 0)?;
        let Flags { usage, bind: bound, misc: misc_flags, .. } = self.flags;
        let (extent, depth) = match self.dimension {
            Dimension::One | Dimension::Two => (MAX_2D, 1),
            Dimension::Three => (MAX_3D, MAX_3D),
        };
        require((1..=extent).contains(&self.width) && (1..=extent).contains(&self.height))?;
        require((1..=depth).contains(&self.depth) && (1..=MAX_SLICES).contains(&self.array_size))?;
        require(self.format != format::UNKNOWN)?;
        let block = blocks::info(self.format).ok_or(E_INVALIDARG)?;
        require(!block.is_block_compressed() || self.dimension != Dimension::One)?;
        require(
            self.width.is_multiple_of(block.block_width) && self.height.is_multiple_of(block.block_height),
        )?;
        let buffers = bind::VERTEX_BUFFER | bind::INDEX_BUFFER | bind::CONSTANT_BUFFER | bind::STREAM_OUTPUT;
        require(bound & buffers == 0)?;
        let buffer_misc = misc::DRAWINDIRECT_ARGS | misc::BUFFER_ALLOW_RAW_VIEWS | misc::BUFFER_STRUCTURED;
        require(misc_flags & buffer_misc == 0)?;

        let chain = full_chain(self.width, self.height, self.depth);
        if self.sample_count == 1 && self.mip_levels == 0 {
            self.mip_levels = chain;
        }
        require((1..=chain).contains(&self.mip_levels))?;
        if usage == Usage::Dynamic {
            require(self.mip_levels == 1 && self.array_size == 1)?;
        }

        require((1..=32).contains(&self.sample_count))?;
        require(self.sample_count == 1 || self.dimension == Dimension::Two)?;
        if self.sample_count > 1 {
            let drawn = bound & (bind::RENDER_TARGET | bind::DEPTH_STENCIL) != 0;
            require(usage == Usage::Default && drawn && self.mip_levels == 1)?;
            require(misc_flags & (misc::TEXTURECUBE | misc::GENERATE_MIPS) == 0 && !initial)?;
            require(bound & bind::UNORDERED_ACCESS == 0)?;
        } else {
            require(self.sample_quality == 0 || PATTERN_QUALITIES.contains(&self.sample_quality))?;
        }

        require(misc_flags & misc::TILE_POOL == 0)?;
        if misc_flags & misc::TILED != 0 {
            // One sample: hosts have sparse memory for more so rarely that none is offered.
            require(self.dimension == Dimension::Two && self.sample_count == 1 && !self.back_buffer)?;
        }
        if misc_flags & misc::TEXTURECUBE != 0 {
            require(self.dimension == Dimension::Two && self.width == self.height)?;
            // Slices after the last whole cube are in no view of cubes.
            require(self.array_size >= 6)?;
        }
        if misc_flags & misc::GDI_COMPATIBLE != 0 && !self.back_buffer {
            // GDI draws to plain pictures of B8G8R8A8 that the GPU draws to as well.
            let plain = self.dimension == Dimension::Two && self.mip_levels == 1 && self.array_size == 1;
            let single = self.sample_count == 1 && usage == Usage::Default;
            require(plain && single && matches!(self.format, 87 | 90 | 91))?;
            require(bound & bind::RENDER_TARGET != 0)?;
        }
        if misc_flags & misc::GENERATE_MIPS != 0 {
            let both = bind::SHADER_RESOURCE | bind::RENDER_TARGET;
            require(bound & both == both)?;
        }
        if bound & bind::DEPTH_STENCIL != 0 {
            let other = bind::RENDER_TARGET | bind::UNORDERED_ACCESS;
            require(self.dimension != Dimension::Three && bound & other == 0)?;
            // The family's members other than depth ones cannot be drawn to as depth.
            let typed = format::is_depth(self.format);
            let typeless = matches!(self.format, 19 | 39 | 44 | 53);
            require(typed || typeless)?;
            // A depth format cannot be sampled: a typeless resource and two views do that.
            require(!typed || bound & bind::SHADER_RESOURCE == 0)?;
        } else {
            require(!format::is_depth(self.format) || bound == 0 || usage != Usage::Default)?;
        }
        if format::is_video(self.format) {
            // Planes have rows of their own, and mips of them would not meet.
            require(self.dimension == Dimension::Two && self.mip_levels == 1 && self.sample_count == 1)?;
            require(!block.planar || self.height.is_multiple_of(2) && self.width.is_multiple_of(2))?;
            require(bound & bind::DEPTH_STENCIL == 0)?;
        } else if block.is_block_compressed() || block.block_width > 1 {
            require(bound & !bind::SHADER_RESOURCE == 0)?;
        }
        Ok(self)
    }

    /// Numbers of a description.
    pub const WORDS: usize = 12;

    /// A shared texture as numbers, for other processes.
    pub const fn to_words(self) -> [u32; Self::WORDS] {
        let Flags { usage, bind, cpu, misc } = self.flags;
        [
            self.width,
            self.height,
            self.depth,
            self.mip_levels,
            self.array_size,
            self.format,
            self.sample_count,
            self.sample_quality,
            usage.number(),
            bind,
            cpu,
            misc,
        ]
    }

    /// The shared texture that another process describes.
    ///
    /// # Errors
    /// `E_INVALIDARG` when it breaks a rule.
    pub fn from_words(words: [u32; Self::WORDS]) -> Result<Self> {
        let [
            width,
            height,
            depth,
            mip_levels,
            array_size,
            format,
            sample_count,
            sample_quality,
            usage,
            bind,
            cpu,
            misc,
        ] = words;
        let flags = Flags { usage: Usage::new(usage)?, bind, cpu, misc };
        let desc = Self {
            dimension: Dimension::Two,
            width,
            height,
            depth,
            mip_levels,
            array_size,
            format,
            sample_count,
            sample_quality,
            flags,
            back_buffer: false,
        };
        require(desc.can_be_opened())?;
        desc.checked(false)
    }

    /// Whether other devices can open it: it was made for that, and "the only resources that can be shared are 2D non-mipmapped
    /// textures" (`D3D11_RESOURCE_MISC_FLAG`). Others are made as well, on Windows too; they only have no handle.
    pub const fn can_be_opened(&self) -> bool {
        self.flags.is_shared() && matches!(self.dimension, Dimension::Two) && self.mip_levels == 1
    }

    /// Number of subresources.
    pub const fn subresources(&self) -> u32 {
        // A valid description has at most 15 × 2048.
        self.mip_levels * self.array_size
    }

    /// Mip level and slice of a subresource.
    pub fn split(&self, subresource: u32) -> Option<(u32, u32)> {
        let slice = subresource.checked_div(self.mip_levels)?;
        (slice < self.array_size).then(|| (subresource % self.mip_levels, slice))
    }

    /// Whether the six faces of cubes are the slices.
    pub const fn is_cube(&self) -> bool {
        self.flags.misc & misc::TEXTURECUBE != 0
    }

    /// Slices that a view of mip level `level` can choose from: array slices, or depth slices of a 3D texture.
    pub const fn slices(&self, level: u32) -> u32 {
        match self.dimension {
            Dimension::Three => level_size(self.depth, level),
            _ => self.array_size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desc::resource::cpu;

    fn texture(bind: u32) -> Desc {
        Desc {
            dimension: Dimension::Two,
            width: 64,
            height: 32,
            depth: 1,
            mip_levels: 0,
            array_size: 1,
            format: 28,
            sample_count: 1,
            sample_quality: 0,
            flags: Flags { usage: Usage::Default, bind, cpu: 0, misc: 0 },
            back_buffer: false,
        }
    }

    #[test]
    fn zero_levels_are_a_full_chain() {
        let desc = texture(bind::SHADER_RESOURCE).checked(false).expect("a plain texture");
        assert_eq!((desc.mip_levels, desc.subresources()), (7, 7));
        assert_eq!((desc.split(6), desc.split(7)), (Some((6, 0)), None));
        assert!(Desc { mip_levels: 8, ..texture(bind::SHADER_RESOURCE) }.checked(false).is_err());
    }

    #[test]
    fn sizes_and_formats_are_checked() {
        let good = texture(bind::SHADER_RESOURCE);
        let bad = [
            Desc { width: 0, ..good },
            Desc { height: 16385, ..good },
            Desc { array_size: 0, ..good },
            Desc { format: 0, ..good },
            Desc { format: 103, ..good },
            Desc { format: 103, mip_levels: 1, height: 31, ..good },
            Desc { format: 71, width: 62, ..good },
            Desc { sample_count: 0, mip_levels: 1, ..good },
            Desc { sample_count: 4, mip_levels: 1, ..good },
            Desc { dimension: Dimension::Three, depth: 4096, ..good },
            Desc { format: 45, ..good },
            texture(bind::SHADER_RESOURCE | bind::VERTEX_BUFFER),
            Desc { format: 45, ..texture(bind::DEPTH_STENCIL | bind::SHADER_RESOURCE) },
            Desc { format: 28, ..texture(bind::DEPTH_STENCIL) },
        ];
        for desc in bad {
            assert_eq!(desc.checked(false), Err(E_INVALIDARG), "{desc:?}");
        }
        assert!(
            Desc { format: 44, ..texture(bind::DEPTH_STENCIL | bind::SHADER_RESOURCE) }
                .checked(false)
                .is_ok()
        );
        assert!(
            Desc { sample_count: 4, mip_levels: 1, ..texture(bind::RENDER_TARGET) }.checked(false).is_ok()
        );
    }

    #[test]
    fn cubes_dynamic_and_generated_mips_have_rules() {
        let with = |misc, array_size, height| {
            let mut desc = Desc { array_size, height, ..texture(bind::SHADER_RESOURCE) };
            desc.flags.misc = misc;
            desc.checked(false)
        };
        assert!(with(misc::TEXTURECUBE, 6, 64).is_ok());
        assert!(with(misc::TEXTURECUBE, 6, 32).is_err());
        assert!(with(misc::TEXTURECUBE, 5, 64).is_err());
        assert!(with(misc::TEXTURECUBE, 7, 64).is_ok());
        assert!(with(misc::GENERATE_MIPS, 1, 64).is_err());
        let mut dynamic = texture(bind::SHADER_RESOURCE);
        dynamic.flags.usage = Usage::Dynamic;
        dynamic.flags.cpu = cpu::WRITE;
        assert!(dynamic.checked(false).is_err());
        dynamic.mip_levels = 1;
        assert!(dynamic.checked(false).is_ok());
    }
}
