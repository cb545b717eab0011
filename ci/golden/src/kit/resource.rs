//! Textures and buffers from short descriptions, and their bytes back.

#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::*;
use windows::core::{Interface, Param, ParamValue, Result};

use super::device::made;
use super::{Gpu, Picture, format};

/// A texture's dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    D1,
    D2,
    D3,
    /// `slices` is a multiple of 6.
    Cube,
}

/// What a texture is like; by default a 2D texture of 64×64 RGBA texels for shaders to read.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub kind: Kind,
    pub format: DXGI_FORMAT,
    pub width: u32,
    pub height: u32,
    pub depth: u32,
    pub slices: u32,
    pub levels: u32,
    pub samples: u32,
    pub usage: D3D11_USAGE,
    pub bind: D3D11_BIND_FLAG,
    pub misc: D3D11_RESOURCE_MISC_FLAG,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            kind: Kind::D2,
            format: DXGI_FORMAT_R8G8B8A8_UNORM,
            width: 64,
            height: 64,
            depth: 1,
            slices: 1,
            levels: 1,
            samples: 1,
            usage: D3D11_USAGE_DEFAULT,
            bind: D3D11_BIND_SHADER_RESOURCE,
            misc: D3D11_RESOURCE_MISC_FLAG(0),
        }
    }
}

impl Shape {
    /// A square of texels.
    pub fn square(size: u32) -> Self {
        Self { width: size, height: size, ..Self::default() }
    }

    /// Width, height and depth of a level.
    pub fn size(&self, level: u32) -> [u32; 3] {
        [self.width, self.height, self.depth].map(|size| (size >> level).max(1))
    }

    /// Bytes of a row and number of rows of a level's slice, both in blocks for compressed formats.
    pub fn row_and_rows(&self, level: u32) -> (usize, usize) {
        let (edge, bytes) = format::block(self.format);
        let [width, height, _] = self.size(level);
        ((width.div_ceil(edge) * bytes) as usize, height.div_ceil(edge) as usize)
    }
}

/// A texture with its shape.
#[derive(Clone)]
pub struct Texture {
    pub raw: ID3D11Resource,
    pub shape: Shape,
}

/// A buffer with its size.
#[derive(Clone)]
pub struct Buffer {
    pub raw: ID3D11Buffer,
    pub bytes: u32,
}

impl Param<ID3D11Resource> for &Texture {
    unsafe fn param(self) -> ParamValue<ID3D11Resource> {
        // SAFETY: the caller's promise is passed on.
        unsafe { (&self.raw).param() }
    }
}

impl Param<ID3D11Resource> for &Buffer {
    unsafe fn param(self) -> ParamValue<ID3D11Resource> {
        // SAFETY: the caller's promise is passed on.
        unsafe { (&self.raw).param() }
    }
}

/// Numbers as the GPU reads them.
pub fn floats(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Numbers as the GPU reads them.
pub fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Numbers as the GPU reads them.
pub fn ints(numbers: &[i32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

impl Gpu {
    /// A texture; `data` has the tightly packed bytes of each subresource, or nothing at all.
    pub fn texture(&self, shape: &Shape, data: &[Vec<u8>]) -> Result<Texture> {
        let initial: Vec<D3D11_SUBRESOURCE_DATA> = data
            .iter()
            .enumerate()
            .map(|(number, bytes)| {
                // CAST: textures are small.
                let (row, rows) = shape.row_and_rows(number as u32 % shape.levels);
                D3D11_SUBRESOURCE_DATA {
                    pSysMem: bytes.as_ptr().cast(),
                    SysMemPitch: row as u32,
                    SysMemSlicePitch: (row * rows) as u32,
                }
            })
            .collect();
        let subresources = if shape.kind == Kind::D3 { shape.levels } else { shape.levels * shape.slices };
        assert!(
            data.is_empty() || data.len() == subresources as usize,
            "data for {subresources} subresources"
        );
        let initial = (!data.is_empty()).then_some(initial.as_ptr());
        Ok(Texture { raw: self.raw_texture(shape, initial)?, shape: *shape })
    }

    /// A texture of a format in which two texels share 4 bytes, with these contents.
    pub fn texture_of_pairs(&self, shape: &Shape, bytes: &[u8]) -> Result<Texture> {
        let data = D3D11_SUBRESOURCE_DATA {
            pSysMem: bytes.as_ptr().cast(),
            SysMemPitch: shape.width * 2,
            SysMemSlicePitch: 0,
        };
        assert_eq!(bytes.len(), (shape.width * shape.height * 2) as usize, "two bytes for each texel");
        Ok(Texture { raw: self.raw_texture(shape, Some(&data))?, shape: *shape })
    }

    fn raw_texture(
        &self,
        shape: &Shape,
        initial: Option<*const D3D11_SUBRESOURCE_DATA>,
    ) -> Result<ID3D11Resource> {
        let cpu = match shape.usage {
            D3D11_USAGE_DYNAMIC => D3D11_CPU_ACCESS_WRITE.0.cast_unsigned(),
            D3D11_USAGE_STAGING => D3D11_CPU_ACCESS_READ.0.cast_unsigned(),
            _ => 0,
        };
        let (bind, misc) = (shape.bind.0.cast_unsigned(), shape.misc.0.cast_unsigned());
        match shape.kind {
            Kind::D1 => {
                let desc = D3D11_TEXTURE1D_DESC {
                    Width: shape.width,
                    MipLevels: shape.levels,
                    ArraySize: shape.slices,
                    Format: shape.format,
                    Usage: shape.usage,
                    BindFlags: bind,
                    CPUAccessFlags: cpu,
                    MiscFlags: misc,
                };
                let mut texture = None;
                // SAFETY: the description is complete, the data is null or has an entry for each subresource.
                unsafe { self.device.CreateTexture1D(&desc, initial, Some(&mut texture)) }?;
                made(texture)?.cast()
            }
            Kind::D3 => {
                let desc = D3D11_TEXTURE3D_DESC {
                    Width: shape.width,
                    Height: shape.height,
                    Depth: shape.depth,
                    MipLevels: shape.levels,
                    Format: shape.format,
                    Usage: shape.usage,
                    BindFlags: bind,
                    CPUAccessFlags: cpu,
                    MiscFlags: misc,
                };
                let mut texture = None;
                // SAFETY: as above.
                unsafe { self.device.CreateTexture3D(&desc, initial, Some(&mut texture)) }?;
                made(texture)?.cast()
            }
            Kind::D2 | Kind::Cube => {
                let cube = if shape.kind == Kind::Cube {
                    D3D11_RESOURCE_MISC_TEXTURECUBE.0.cast_unsigned()
                } else {
                    0
                };
                let desc = D3D11_TEXTURE2D_DESC {
                    Width: shape.width,
                    Height: shape.height,
                    MipLevels: shape.levels,
                    ArraySize: shape.slices,
                    Format: shape.format,
                    SampleDesc: DXGI_SAMPLE_DESC { Count: shape.samples, Quality: 0 },
                    Usage: shape.usage,
                    BindFlags: bind,
                    CPUAccessFlags: cpu,
                    MiscFlags: misc | cube,
                };
                let mut texture = None;
                // SAFETY: as above.
                unsafe { self.device.CreateTexture2D(&desc, initial, Some(&mut texture)) }?;
                made(texture)?.cast()
            }
        }
    }

    /// A buffer with these contents.
    pub fn buffer(&self, bind: D3D11_BIND_FLAG, contents: &[u8]) -> Result<Buffer> {
        self.buffer_with(bind, D3D11_RESOURCE_MISC_FLAG(0), 0, contents)
    }

    /// A structured buffer, for shaders to read and write.
    pub fn structured(&self, stride: u32, contents: &[u8]) -> Result<Buffer> {
        let bind = D3D11_BIND_SHADER_RESOURCE | D3D11_BIND_UNORDERED_ACCESS;
        self.buffer_with(bind, D3D11_RESOURCE_MISC_BUFFER_STRUCTURED, stride, contents)
    }

    /// A buffer with other flags.
    pub fn buffer_with(
        &self,
        bind: D3D11_BIND_FLAG,
        misc: D3D11_RESOURCE_MISC_FLAG,
        stride: u32,
        contents: &[u8],
    ) -> Result<Buffer> {
        self.buffer_of(
            &D3D11_BUFFER_DESC {
                BindFlags: bind.0.cast_unsigned(),
                MiscFlags: misc.0.cast_unsigned(),
                StructureByteStride: stride,
                ..Default::default()
            },
            contents,
        )
    }

    /// A buffer that the CPU writes by mapping it.
    pub fn dynamic(&self, bind: D3D11_BIND_FLAG, contents: &[u8]) -> Result<Buffer> {
        self.buffer_of(
            &D3D11_BUFFER_DESC {
                Usage: D3D11_USAGE_DYNAMIC,
                BindFlags: bind.0.cast_unsigned(),
                CPUAccessFlags: D3D11_CPU_ACCESS_WRITE.0.cast_unsigned(),
                ..Default::default()
            },
            contents,
        )
    }

    fn buffer_of(&self, desc: &D3D11_BUFFER_DESC, contents: &[u8]) -> Result<Buffer> {
        // CAST: buffers are small.
        let desc = D3D11_BUFFER_DESC { ByteWidth: contents.len() as u32, ..*desc };
        let data = D3D11_SUBRESOURCE_DATA { pSysMem: contents.as_ptr().cast(), ..Default::default() };
        let mut buffer = None;
        // SAFETY: the data has as many bytes as the description says.
        unsafe { self.device.CreateBuffer(&desc, Some(&data), Some(&mut buffer)) }?;
        Ok(Buffer { raw: made(buffer)?, bytes: desc.ByteWidth })
    }

    /// A constant buffer; its size is rounded up to 16 bytes.
    pub fn constants(&self, contents: &[u8]) -> Result<Buffer> {
        let mut contents = contents.to_vec();
        contents.resize(contents.len().next_multiple_of(16), 0);
        self.buffer(D3D11_BIND_CONSTANT_BUFFER, &contents)
    }

    /// A buffer's bytes.
    pub fn read_buffer(&self, buffer: &Buffer) -> Result<Vec<u8>> {
        let desc = D3D11_BUFFER_DESC {
            ByteWidth: buffer.bytes,
            Usage: D3D11_USAGE_STAGING,
            CPUAccessFlags: D3D11_CPU_ACCESS_READ.0.cast_unsigned(),
            ..Default::default()
        };
        let mut staging = None;
        // SAFETY: there is no data and the out-pointer is a local's.
        unsafe { self.device.CreateBuffer(&desc, None, Some(&mut staging)) }?;
        let staging = Buffer { raw: made(staging)?, bytes: buffer.bytes };
        self.copy(&staging, buffer);
        let mut found = Vec::new();
        self.map(&staging, D3D11_MAP_READ, |bytes| found = bytes.to_vec())?;
        Ok(found)
    }

    /// A buffer's contents as words.
    pub fn read_words(&self, buffer: &Buffer) -> Result<Vec<u32>> {
        let bytes = self.read_buffer(buffer)?;
        Ok(bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect())
    }

    /// A subresource's bytes, tightly packed.
    pub fn read(&self, texture: &Texture, sub: u32) -> Result<Vec<u8>> {
        let level = sub % texture.shape.levels;
        let [width, height, depth] = texture.shape.size(level);
        let shape = Shape {
            kind: if texture.shape.kind == Kind::Cube { Kind::D2 } else { texture.shape.kind },
            width,
            height,
            depth,
            slices: 1,
            levels: 1,
            usage: D3D11_USAGE_STAGING,
            bind: D3D11_BIND_FLAG(0),
            misc: D3D11_RESOURCE_MISC_FLAG(0),
            ..texture.shape
        };
        let staging = self.texture(&shape, &[])?;
        self.copy_region(&staging, (0, [0; 3]), texture, (sub, None));
        let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
        // SAFETY: the out-pointer is a local's.
        unsafe { self.context.Map(&staging.raw, 0, D3D11_MAP_READ, 0, Some(&mut mapped)) }?;
        let (row, rows) = shape.row_and_rows(0);
        let mut found = Vec::with_capacity(row * rows * depth as usize);
        for slice in 0..depth as usize {
            for line in 0..rows {
                let offset = slice * mapped.DepthPitch as usize + line * mapped.RowPitch as usize;
                // SAFETY: the pitches lead to each row of the mapped subresource.
                let start = unsafe { mapped.pData.cast::<u8>().add(offset) };
                // SAFETY: a row has that many bytes, ours until Unmap.
                found.extend_from_slice(unsafe { std::slice::from_raw_parts(start, row) });
            }
        }
        // SAFETY: it is mapped.
        unsafe { self.context.Unmap(&staging.raw, 0) };
        Ok(found)
    }

    /// A subresource as a picture; the slices of a 3D texture one below the other.
    pub fn picture(&self, texture: &Texture, sub: u32) -> Result<Picture> {
        let [width, height, depth] = texture.shape.size(sub % texture.shape.levels);
        let bytes = self.read(texture, sub)?;
        Ok(Picture { width, height: height * depth, texels: format::decode(texture.shape.format, &bytes) })
    }
}
