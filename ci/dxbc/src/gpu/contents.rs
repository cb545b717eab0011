//! What a binding holds, as plain data.

use ash::vk;

/// What a binding holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Contents {
    /// Dwords of a constant buffer, a raw or structured buffer, or a counter.
    Buffer(Vec<u32>),
    /// A typed buffer.
    TypedBuffer {
        /// The format of its elements.
        format: Format,
        /// The elements, packed.
        dwords: Vec<u32>,
    },
    /// Floats of a two-dimensional texture of four columns, row by row.
    Texture(Vec<f32>),
    /// A texture of any kind.
    Image(Image),
    /// A sampler without filtering that clamps; with or without a "less" comparison.
    Sampler {
        /// Whether it compares.
        comparison: bool,
    },
    /// A sampler in all its parts.
    SamplerState(SamplerState),
    /// Nothing: a null descriptor.
    Unbound,
}

impl Contents {
    /// The dwords of a buffer.
    pub fn dwords(&self) -> &[u32] {
        match self {
            Self::Buffer(dwords) | Self::TypedBuffer { dwords, .. } => dwords,
            _ => panic!("not a buffer"),
        }
    }

    /// The image.
    pub fn image(&self) -> &Image {
        match self {
            Self::Image(image) => image,
            _ => panic!("not an image"),
        }
    }
}

/// The format of a typed buffer, texture or render target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the VkFormat of that name")]
pub enum Format {
    R32Sfloat,
    R32Uint,
    R32Sint,
    R32G32Sfloat,
    R32G32B32A32Sfloat,
    R32G32B32A32Uint,
    R32G32B32A32Sint,
    R8G8B8A8Unorm,
    D32Sfloat,
}

impl Format {
    /// Vulkan's number.
    pub fn vk(self) -> vk::Format {
        match self {
            Self::R32Sfloat => vk::Format::R32_SFLOAT,
            Self::R32Uint => vk::Format::R32_UINT,
            Self::R32Sint => vk::Format::R32_SINT,
            Self::R32G32Sfloat => vk::Format::R32G32_SFLOAT,
            Self::R32G32B32A32Sfloat => vk::Format::R32G32B32A32_SFLOAT,
            Self::R32G32B32A32Uint => vk::Format::R32G32B32A32_UINT,
            Self::R32G32B32A32Sint => vk::Format::R32G32B32A32_SINT,
            Self::R8G8B8A8Unorm => vk::Format::R8G8B8A8_UNORM,
            Self::D32Sfloat => vk::Format::D32_SFLOAT,
        }
    }

    /// Dwords of one texel.
    pub fn dwords(self) -> usize {
        match self {
            Self::R32G32Sfloat => 2,
            Self::R32G32B32A32Sfloat | Self::R32G32B32A32Uint | Self::R32G32B32A32Sint => 4,
            _ => 1,
        }
    }

    /// Whether texels are integers.
    pub fn is_integer(self) -> bool {
        matches!(self, Self::R32Uint | Self::R32Sint | Self::R32G32B32A32Uint | Self::R32G32B32A32Sint)
    }

    /// The only aspect.
    pub(super) fn aspect(self) -> vk::ImageAspectFlags {
        if self == Self::D32Sfloat { vk::ImageAspectFlags::DEPTH } else { vk::ImageAspectFlags::COLOR }
    }
}

/// The kind of an image. Arrays are images of more than one layer, seen through the shader's declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageKind {
    /// One dimension.
    D1,
    /// Two dimensions; more than one sample makes it multisampled.
    D2,
    /// Three dimensions.
    D3,
    /// Two dimensions, and every six layers are the faces of a cube.
    Cube,
}

/// A texture and its texels.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Its kind.
    pub kind: ImageKind,
    /// Its format.
    pub format: Format,
    /// Width, height and depth of the first level.
    pub extent: [u32; 3],
    /// Levels.
    pub mips: u32,
    /// The first level that the view shows.
    pub first_mip: u32,
    /// Layers: six for each cube.
    pub layers: u32,
    /// Samples of a texel.
    pub samples: u32,
    /// Layer by layer, in it level by level, slice by slice, row by row, texel by texel, sample by sample.
    pub texels: Vec<u32>,
}

impl Image {
    /// An image of zeros with one level and one layer (a cube: six) of one sample.
    pub fn new(kind: ImageKind, format: Format, extent: [u32; 3]) -> Self {
        let layers = if kind == ImageKind::Cube { 6 } else { 1 };
        Self { kind, format, extent, mips: 1, first_mip: 0, layers, samples: 1, texels: Vec::new() }.zeroed()
    }

    fn zeroed(mut self) -> Self {
        self.texels = vec![0; self.layer_dwords() * self.layers as usize];
        self
    }

    /// The image with that many levels, of zeros.
    pub fn with_mips(self, mips: u32) -> Self {
        Self { mips, ..self }.zeroed()
    }

    /// The image with that many layers, of zeros.
    pub fn with_layers(self, layers: u32) -> Self {
        Self { layers, ..self }.zeroed()
    }

    /// The image with that many samples, of zeros.
    pub fn with_samples(self, samples: u32) -> Self {
        Self { samples, ..self }.zeroed()
    }

    /// The extent of a level.
    pub fn level_extent(&self, mip: u32) -> [u32; 3] {
        self.extent.map(|n| (n >> mip).max(1))
    }

    /// Dwords of a level of a layer.
    fn level_dwords(&self, mip: u32) -> usize {
        let texels: u32 = self.level_extent(mip).iter().product();
        (texels * self.samples) as usize * self.format.dwords()
    }

    fn layer_dwords(&self) -> usize {
        (0..self.mips).map(|mip| self.level_dwords(mip)).sum()
    }

    /// The first dword of a level of a layer.
    pub(super) fn offset(&self, layer: u32, mip: u32) -> usize {
        layer as usize * self.layer_dwords() + (0..mip).map(|mip| self.level_dwords(mip)).sum::<usize>()
    }

    fn index(&self, layer: u32, mip: u32, place: [u32; 3], sample: u32) -> usize {
        let extent = self.level_extent(mip);
        assert!(layer < self.layers && mip < self.mips && sample < self.samples);
        assert!(place.iter().zip(extent).all(|(n, size)| *n < size), "{place:?} is not in {extent:?}");
        let texel = (place[2] * extent[1] + place[1]) * extent[0] + place[0];
        self.offset(layer, mip) + (texel * self.samples + sample) as usize * self.format.dwords()
    }

    /// The dwords of a texel.
    pub fn texel(&self, layer: u32, mip: u32, place: [u32; 3], sample: u32) -> &[u32] {
        let start = self.index(layer, mip, place, sample);
        &self.texels[start..start + self.format.dwords()]
    }

    /// The floats of a texel of the first level.
    pub fn floats(&self, layer: u32, [x, y]: [u32; 2], sample: u32) -> Vec<f32> {
        self.texel(layer, 0, [x, y, 0], sample).iter().map(|bits| f32::from_bits(*bits)).collect()
    }

    /// Sets every texel: `texel` gets layer, level, place and sample; only as many dwords as the format has are used.
    pub fn filled(mut self, texel: impl Fn(u32, u32, [u32; 3], u32) -> [u32; 4]) -> Self {
        let dwords = self.format.dwords();
        for layer in 0..self.layers {
            for mip in 0..self.mips {
                let [width, height, depth] = self.level_extent(mip);
                for n in 0..width * height * depth * self.samples {
                    let (sample, n) = (n % self.samples, n / self.samples);
                    let place = [n % width, n / width % height, n / width / height];
                    let start = self.index(layer, mip, place, sample);
                    let value = texel(layer, mip, place, sample);
                    self.texels[start..start + dwords].copy_from_slice(&value[..dwords]);
                }
            }
        }
        self
    }
}

/// A sampler.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SamplerState {
    /// For magnification.
    pub mag_filter: vk::Filter,
    /// For minification.
    pub min_filter: vk::Filter,
    /// Between levels.
    pub mipmap_mode: vk::SamplerMipmapMode,
    /// For each coordinate.
    pub address: [vk::SamplerAddressMode; 3],
    /// Added to the level of detail.
    pub lod_bias: f32,
    /// The least level of detail.
    pub min_lod: f32,
    /// The greatest level of detail.
    pub max_lod: f32,
    /// The comparison of a comparison sampler.
    pub comparison: Option<vk::CompareOp>,
    /// The texels outside.
    pub border: vk::BorderColor,
}

impl Default for SamplerState {
    /// No filtering, clamped coordinates, all levels.
    fn default() -> Self {
        Self {
            mag_filter: vk::Filter::NEAREST,
            min_filter: vk::Filter::NEAREST,
            mipmap_mode: vk::SamplerMipmapMode::NEAREST,
            address: [vk::SamplerAddressMode::CLAMP_TO_EDGE; 3],
            lod_bias: 0.0,
            min_lod: 0.0,
            max_lod: vk::LOD_CLAMP_NONE,
            comparison: None,
            border: vk::BorderColor::FLOAT_TRANSPARENT_BLACK,
        }
    }
}

impl SamplerState {
    /// Linear in all directions and between levels.
    pub fn linear() -> Self {
        Self {
            mag_filter: vk::Filter::LINEAR,
            min_filter: vk::Filter::LINEAR,
            mipmap_mode: vk::SamplerMipmapMode::LINEAR,
            ..Self::default()
        }
    }
}
