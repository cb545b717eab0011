//! Formats: bytes of a block, and texels as numbers.

use windows::Win32::Graphics::Dxgi::Common::*;

use super::expected::{from_half, from_srgb};

/// Edge of a block in texels, and its bytes.
///
/// # Panics
/// For a format that no case uses.
pub fn block(format: DXGI_FORMAT) -> (u32, u32) {
    match format {
        DXGI_FORMAT_BC1_TYPELESS
        | DXGI_FORMAT_BC1_UNORM
        | DXGI_FORMAT_BC1_UNORM_SRGB
        | DXGI_FORMAT_BC4_UNORM
        | DXGI_FORMAT_BC4_SNORM => (4, 8),
        DXGI_FORMAT_BC2_UNORM
        | DXGI_FORMAT_BC2_UNORM_SRGB
        | DXGI_FORMAT_BC3_UNORM
        | DXGI_FORMAT_BC3_UNORM_SRGB
        | DXGI_FORMAT_BC5_UNORM
        | DXGI_FORMAT_BC5_SNORM
        | DXGI_FORMAT_BC6H_UF16
        | DXGI_FORMAT_BC6H_SF16
        | DXGI_FORMAT_BC7_UNORM
        | DXGI_FORMAT_BC7_UNORM_SRGB => (4, 16),
        DXGI_FORMAT_R32G32B32A32_TYPELESS
        | DXGI_FORMAT_R32G32B32A32_FLOAT
        | DXGI_FORMAT_R32G32B32A32_UINT
        | DXGI_FORMAT_R32G32B32A32_SINT => (1, 16),
        DXGI_FORMAT_R32G32B32_FLOAT | DXGI_FORMAT_R32G32B32_UINT | DXGI_FORMAT_R32G32B32_SINT => (1, 12),
        DXGI_FORMAT_R16G16B16A16_TYPELESS
        | DXGI_FORMAT_R16G16B16A16_FLOAT
        | DXGI_FORMAT_R16G16B16A16_UNORM
        | DXGI_FORMAT_R16G16B16A16_UINT
        | DXGI_FORMAT_R16G16B16A16_SNORM
        | DXGI_FORMAT_R16G16B16A16_SINT
        | DXGI_FORMAT_R32G32_FLOAT
        | DXGI_FORMAT_R32G32_UINT
        | DXGI_FORMAT_R32G32_SINT
        | DXGI_FORMAT_D32_FLOAT_S8X24_UINT
        | DXGI_FORMAT_R32G8X24_TYPELESS => (1, 8),
        DXGI_FORMAT_R16G16_FLOAT
        | DXGI_FORMAT_R16G16_UNORM
        | DXGI_FORMAT_R16G16_UINT
        | DXGI_FORMAT_R16G16_SNORM
        | DXGI_FORMAT_R16G16_SINT
        | DXGI_FORMAT_R32_TYPELESS
        | DXGI_FORMAT_D32_FLOAT
        | DXGI_FORMAT_R32_FLOAT
        | DXGI_FORMAT_R32_UINT
        | DXGI_FORMAT_R32_SINT
        | DXGI_FORMAT_R24G8_TYPELESS
        | DXGI_FORMAT_D24_UNORM_S8_UINT
        | DXGI_FORMAT_R10G10B10A2_UNORM
        | DXGI_FORMAT_R10G10B10A2_UINT
        | DXGI_FORMAT_R11G11B10_FLOAT
        | DXGI_FORMAT_R9G9B9E5_SHAREDEXP
        | DXGI_FORMAT_R8G8B8A8_TYPELESS
        | DXGI_FORMAT_R8G8B8A8_UNORM
        | DXGI_FORMAT_R8G8B8A8_UNORM_SRGB
        | DXGI_FORMAT_R8G8B8A8_UINT
        | DXGI_FORMAT_R8G8B8A8_SNORM
        | DXGI_FORMAT_R8G8B8A8_SINT
        | DXGI_FORMAT_B8G8R8A8_UNORM
        | DXGI_FORMAT_B8G8R8X8_UNORM
        | DXGI_FORMAT_B8G8R8A8_UNORM_SRGB => (1, 4),
        DXGI_FORMAT_R8G8_UNORM
        | DXGI_FORMAT_R8G8_UINT
        | DXGI_FORMAT_R8G8_SNORM
        | DXGI_FORMAT_R8G8_SINT
        | DXGI_FORMAT_R16_TYPELESS
        | DXGI_FORMAT_R16_FLOAT
        | DXGI_FORMAT_D16_UNORM
        | DXGI_FORMAT_R16_UNORM
        | DXGI_FORMAT_R16_UINT
        | DXGI_FORMAT_R16_SNORM
        | DXGI_FORMAT_R16_SINT
        | DXGI_FORMAT_B5G6R5_UNORM
        | DXGI_FORMAT_B5G5R5A1_UNORM
        | DXGI_FORMAT_B4G4R4A4_UNORM => (1, 2),
        DXGI_FORMAT_R8_UNORM | DXGI_FORMAT_R8_UINT | DXGI_FORMAT_R8_SNORM | DXGI_FORMAT_R8_SINT
        | DXGI_FORMAT_A8_UNORM => (1, 1),
        other => panic!("no case uses format {}", other.0),
    }
}

/// How the bytes of a texel are to be read.
enum Numbers {
    Unorm(u32),
    Snorm(u32),
    Unsigned(u32),
    Signed(u32),
    Float(u32),
}

/// Texels as numbers; sRGB is decoded.
///
/// # Panics
/// For a format that cannot be a render target and is read as bytes by its cases.
pub fn decode(format: DXGI_FORMAT, bytes: &[u8]) -> Vec<[f32; 4]> {
    use Numbers::*;
    let texel = block(format).1 as usize;
    let numbers = match format {
        DXGI_FORMAT_R8G8B8A8_UNORM
        | DXGI_FORMAT_R8G8B8A8_TYPELESS
        | DXGI_FORMAT_R8G8B8A8_UNORM_SRGB
        | DXGI_FORMAT_B8G8R8A8_UNORM
        | DXGI_FORMAT_B8G8R8X8_UNORM
        | DXGI_FORMAT_B8G8R8A8_UNORM_SRGB
        | DXGI_FORMAT_R8G8_UNORM
        | DXGI_FORMAT_R8_UNORM
        | DXGI_FORMAT_A8_UNORM => Unorm(8),
        DXGI_FORMAT_R16G16B16A16_UNORM
        | DXGI_FORMAT_R16G16_UNORM
        | DXGI_FORMAT_R16_UNORM
        | DXGI_FORMAT_D16_UNORM => Unorm(16),
        DXGI_FORMAT_R8G8B8A8_SNORM | DXGI_FORMAT_R8G8_SNORM | DXGI_FORMAT_R8_SNORM => Snorm(8),
        DXGI_FORMAT_R16G16B16A16_SNORM | DXGI_FORMAT_R16G16_SNORM | DXGI_FORMAT_R16_SNORM => Snorm(16),
        DXGI_FORMAT_R8G8B8A8_UINT | DXGI_FORMAT_R8G8_UINT | DXGI_FORMAT_R8_UINT => Unsigned(8),
        DXGI_FORMAT_R16G16B16A16_UINT | DXGI_FORMAT_R16G16_UINT | DXGI_FORMAT_R16_UINT => Unsigned(16),
        DXGI_FORMAT_R32G32B32A32_UINT | DXGI_FORMAT_R32G32_UINT | DXGI_FORMAT_R32_UINT => Unsigned(32),
        DXGI_FORMAT_R8G8B8A8_SINT | DXGI_FORMAT_R8G8_SINT | DXGI_FORMAT_R8_SINT => Signed(8),
        DXGI_FORMAT_R16G16B16A16_SINT | DXGI_FORMAT_R16G16_SINT | DXGI_FORMAT_R16_SINT => Signed(16),
        DXGI_FORMAT_R32G32B32A32_SINT | DXGI_FORMAT_R32G32_SINT | DXGI_FORMAT_R32_SINT => Signed(32),
        DXGI_FORMAT_R16G16B16A16_FLOAT | DXGI_FORMAT_R16G16_FLOAT | DXGI_FORMAT_R16_FLOAT => Float(16),
        DXGI_FORMAT_R32G32B32A32_FLOAT
        | DXGI_FORMAT_R32G32B32_FLOAT
        | DXGI_FORMAT_R32G32_FLOAT
        | DXGI_FORMAT_R32_FLOAT
        | DXGI_FORMAT_D32_FLOAT => Float(32),
        _ => return bytes.chunks_exact(texel).map(|texel| packed(format, texel)).collect(),
    };
    let read = |texel: &[u8]| {
        let mut channels = [0.0, 0.0, 0.0, 1.0];
        for (channel, value) in channels.iter_mut().zip(plain(&numbers, texel)) {
            *channel = value;
        }
        arrange(format, channels)
    };
    bytes.chunks_exact(texel).map(read).collect()
}

/// The channels of a texel whose channels are alike.
fn plain(numbers: &Numbers, texel: &[u8]) -> Vec<f32> {
    let bits = match numbers {
        Numbers::Unorm(bits)
        | Numbers::Snorm(bits)
        | Numbers::Unsigned(bits)
        | Numbers::Signed(bits)
        | Numbers::Float(bits) => *bits,
    };
    let channel = |bytes: &[u8]| {
        let word = bytes.iter().rev().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        // CAST: the bits are moved to the top and back to extend the sign; numbers in cases are below 2^24.
        let signed = ((word << (32 - bits)) as i32 >> (32 - bits)) as f32;
        match numbers {
            Numbers::Unorm(_) => word as f32 / ((1 << bits) - 1) as f32,
            Numbers::Snorm(_) => (signed / ((1 << (bits - 1)) - 1) as f32).max(-1.0),
            Numbers::Unsigned(_) => word as f32,
            Numbers::Signed(_) => signed,
            Numbers::Float(16) => from_half(word as u16),
            Numbers::Float(_) => f32::from_bits(word),
        }
    };
    texel.chunks_exact(bits as usize / 8).map(channel).collect()
}

/// Puts channels in the order red, green, blue, alpha.
fn arrange(format: DXGI_FORMAT, [a, b, c, d]: [f32; 4]) -> [f32; 4] {
    match format {
        DXGI_FORMAT_B8G8R8A8_UNORM => [c, b, a, d],
        DXGI_FORMAT_B8G8R8X8_UNORM => [c, b, a, 1.0],
        DXGI_FORMAT_B8G8R8A8_UNORM_SRGB => [from_srgb(c), from_srgb(b), from_srgb(a), d],
        DXGI_FORMAT_R8G8B8A8_UNORM_SRGB => [from_srgb(a), from_srgb(b), from_srgb(c), d],
        DXGI_FORMAT_A8_UNORM => [0.0, 0.0, 0.0, a],
        _ => [a, b, c, d],
    }
}

/// A texel whose channels have different widths.
fn packed(format: DXGI_FORMAT, texel: &[u8]) -> [f32; 4] {
    let word = texel.iter().rev().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    let bits = |from: u32, count: u32| word >> from & ((1 << count) - 1);
    // CAST: fields have at most 24 bits.
    let unorm = |from, count: u32| bits(from, count) as f32 / ((1 << count) - 1) as f32;
    match format {
        DXGI_FORMAT_R10G10B10A2_UNORM => [unorm(0, 10), unorm(10, 10), unorm(20, 10), unorm(30, 2)],
        DXGI_FORMAT_R10G10B10A2_UINT => {
            [bits(0, 10), bits(10, 10), bits(20, 10), bits(30, 2)].map(|number| number as f32)
        }
        // Halves without a sign and with a shorter mantissa.
        DXGI_FORMAT_R11G11B10_FLOAT => {
            let [r, g, b] = [bits(0, 11) << 4, bits(11, 11) << 4, bits(22, 10) << 5];
            [from_half(r as u16), from_half(g as u16), from_half(b as u16), 1.0]
        }
        DXGI_FORMAT_B5G6R5_UNORM => [unorm(11, 5), unorm(5, 6), unorm(0, 5), 1.0],
        DXGI_FORMAT_B5G5R5A1_UNORM => [unorm(10, 5), unorm(5, 5), unorm(0, 5), unorm(15, 1)],
        DXGI_FORMAT_B4G4R4A4_UNORM => [unorm(8, 4), unorm(4, 4), unorm(0, 4), unorm(12, 4)],
        DXGI_FORMAT_D24_UNORM_S8_UINT | DXGI_FORMAT_R24G8_TYPELESS => {
            [unorm(0, 24), bits(24, 8) as f32, 0.0, 1.0]
        }
        DXGI_FORMAT_D32_FLOAT_S8X24_UINT | DXGI_FORMAT_R32G8X24_TYPELESS => {
            let depth = texel.first_chunk().map_or(0.0, |depth| f32::from_le_bytes(*depth));
            [depth, f32::from(texel[4]), 0.0, 1.0]
        }
        other => panic!("no case reads texels of format {}", other.0),
    }
}
