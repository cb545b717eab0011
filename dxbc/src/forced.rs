//! Rasterizing with more samples than the render targets have (`ForcedSampleCount`; D3D11.3 functional specification,
//! section 3.5.6), and blending by the pixel shader itself where the device has no other way to do so.

/// How a pixel shader works while the rasterizer has its own number of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ForcedSamples {
    /// The samples of the rasterizer, 1 to 16.
    pub rasterized: u32,
    /// The samples that the program asked for: a multiple of the others. Where it is more than one times as many, each
    /// sample stands for as many neighbouring bits of the coverage that the shader reads.
    pub asked: u32,
    /// The render targets have one sample each, of which bit 0 of the coverage that the shader writes decides.
    pub single_sampled: bool,
    /// The alpha of output 0 decides of that sample, if the shader writes no coverage.
    pub alpha_to_coverage: bool,
    /// What becomes of the outputs; `None`: the device's output merger takes them.
    pub blending: Option<ShaderBlending>,
}

/// The output merger in the shader: outputs are blended into storage images, which are arrays of layers of unsigned
/// integers ([`Texel::bytes`]), at [`BindingClass::RenderTarget`](crate::BindingClass::RenderTarget).
///
/// The caller sees to it that no two invocations of one pixel do so at a time or out of the primitives' order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShaderBlending {
    /// By output: the target; none, and the output goes nowhere.
    pub targets: [Option<BlendedTarget>; 8],
    /// The targets have several layers, of which an earlier stage chooses one.
    pub layered: bool,
    /// `fragmentShaderPixelInterlock` puts the invocations of one pixel in the order of primitives; without it the
    /// device has to do so by itself.
    pub interlock: bool,
}

/// A target that a shader blends into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlendedTarget {
    /// What its texels are.
    pub texel: Texel,
    /// `None`: no blending.
    pub blend: Option<Blend>,
    /// A `D3D11_LOGIC_OP` number.
    pub logic_op: Option<u32>,
    /// The channels that are written, red in bit 0.
    pub write_mask: u8,
    /// The target's alpha counts as 1, whatever is there.
    pub opaque: bool,
}

/// A blend equation; the numbers are those of `D3D11_BLEND` and `D3D11_BLEND_OP`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each field is the D3D11_RENDER_TARGET_BLEND_DESC member of that name")]
pub struct Blend {
    pub src: u32,
    pub dest: u32,
    pub op: u32,
    pub src_alpha: u32,
    pub dest_alpha: u32,
    pub op_alpha: u32,
}

/// How a texel is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Texel {
    /// Bytes: 1, 2, 4, 8 or 16. The storage image has one unsigned integer of 8 or 16 bits, or one to four of 32 bits.
    pub bytes: u32,
    /// What the bits of a channel are.
    pub numbers: Numbers,
    /// Red, green, blue and alpha.
    pub channels: [Channel; 4],
}

/// The place of a channel in a texel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Channel {
    /// The lowest bit. A channel lies in one of the texel's dwords.
    pub offset: u8,
    /// Bits; 0 where the format lacks the channel.
    pub bits: u8,
}

/// What the bits of a channel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Numbers {
    /// Steps from 0 to 1.
    Unorm,
    /// The same, alpha apart, after the sRGB transfer function.
    Srgb,
    /// Steps from -1 to 1.
    Snorm,
    /// Floats of 32, 16, 11 or 10 bits; the last two without sign.
    Float,
    /// Unsigned integers.
    Uint,
    /// Signed integers.
    Sint,
}

impl Numbers {
    /// Whether they are integers, which are never blended.
    pub const fn is_integer(self) -> bool {
        matches!(self, Self::Uint | Self::Sint)
    }

    /// The least and the greatest number of a normalised format, to which the terms of a blend equation are clamped.
    pub(crate) const fn range(self) -> Option<(f32, f32)> {
        match self {
            Self::Unorm | Self::Srgb => Some((0.0, 1.0)),
            Self::Snorm => Some((-1.0, 1.0)),
            Self::Float | Self::Uint | Self::Sint => None,
        }
    }
}

impl Texel {
    /// Dwords that hold it.
    pub(crate) const fn dwords(&self) -> usize {
        self.bytes.div_ceil(4) as usize
    }
}
