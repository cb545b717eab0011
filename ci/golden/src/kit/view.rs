//! Views: of all of a resource, or of the part that a description names.

#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use windows::Win32::Graphics::Direct3D::*;
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::DXGI_FORMAT;
use windows::core::{Param, Result};

use super::Gpu;
use super::device::made;

impl Gpu {
    pub fn srv<P: Param<ID3D11Resource>>(&self, of: P) -> Result<ID3D11ShaderResourceView> {
        let mut view = None;
        // SAFETY: no description means all; the out-pointer is a local's.
        unsafe { self.device.CreateShaderResourceView(of, None, Some(&mut view)) }?;
        made(view)
    }

    pub fn srv_as<P: Param<ID3D11Resource>>(
        &self,
        of: P,
        format: DXGI_FORMAT,
        dimension: D3D_SRV_DIMENSION,
        part: D3D11_SHADER_RESOURCE_VIEW_DESC_0,
    ) -> Result<ID3D11ShaderResourceView> {
        let desc =
            D3D11_SHADER_RESOURCE_VIEW_DESC { Format: format, ViewDimension: dimension, Anonymous: part };
        let mut view = None;
        // SAFETY: description and out-pointer are locals'.
        unsafe { self.device.CreateShaderResourceView(of, Some(&desc), Some(&mut view)) }?;
        made(view)
    }

    pub fn rtv<P: Param<ID3D11Resource>>(&self, of: P) -> Result<ID3D11RenderTargetView> {
        let mut view = None;
        // SAFETY: no description means all; the out-pointer is a local's.
        unsafe { self.device.CreateRenderTargetView(of, None, Some(&mut view)) }?;
        made(view)
    }

    pub fn rtv_as<P: Param<ID3D11Resource>>(
        &self,
        of: P,
        format: DXGI_FORMAT,
        dimension: D3D11_RTV_DIMENSION,
        part: D3D11_RENDER_TARGET_VIEW_DESC_0,
    ) -> Result<ID3D11RenderTargetView> {
        let desc =
            D3D11_RENDER_TARGET_VIEW_DESC { Format: format, ViewDimension: dimension, Anonymous: part };
        let mut view = None;
        // SAFETY: description and out-pointer are locals'.
        unsafe { self.device.CreateRenderTargetView(of, Some(&desc), Some(&mut view)) }?;
        made(view)
    }

    pub fn dsv<P: Param<ID3D11Resource>>(&self, of: P) -> Result<ID3D11DepthStencilView> {
        let mut view = None;
        // SAFETY: no description means all; the out-pointer is a local's.
        unsafe { self.device.CreateDepthStencilView(of, None, Some(&mut view)) }?;
        made(view)
    }

    /// A view of level 0 of a 2D texture with flags such as `D3D11_DSV_READ_ONLY_DEPTH`, or in another format.
    pub fn dsv_as<P: Param<ID3D11Resource>>(
        &self,
        of: P,
        format: DXGI_FORMAT,
        flags: u32,
    ) -> Result<ID3D11DepthStencilView> {
        let desc = D3D11_DEPTH_STENCIL_VIEW_DESC {
            Format: format,
            ViewDimension: D3D11_DSV_DIMENSION_TEXTURE2D,
            Flags: flags,
            Anonymous: D3D11_DEPTH_STENCIL_VIEW_DESC_0 { Texture2D: D3D11_TEX2D_DSV { MipSlice: 0 } },
        };
        let mut view = None;
        // SAFETY: description and out-pointer are locals'.
        unsafe { self.device.CreateDepthStencilView(of, Some(&desc), Some(&mut view)) }?;
        made(view)
    }

    pub fn uav<P: Param<ID3D11Resource>>(&self, of: P) -> Result<ID3D11UnorderedAccessView> {
        let mut view = None;
        // SAFETY: no description means all; the out-pointer is a local's.
        unsafe { self.device.CreateUnorderedAccessView(of, None, Some(&mut view)) }?;
        made(view)
    }

    pub fn uav_as<P: Param<ID3D11Resource>>(
        &self,
        of: P,
        format: DXGI_FORMAT,
        dimension: D3D11_UAV_DIMENSION,
        part: D3D11_UNORDERED_ACCESS_VIEW_DESC_0,
    ) -> Result<ID3D11UnorderedAccessView> {
        let desc =
            D3D11_UNORDERED_ACCESS_VIEW_DESC { Format: format, ViewDimension: dimension, Anonymous: part };
        let mut view = None;
        // SAFETY: description and out-pointer are locals'.
        unsafe { self.device.CreateUnorderedAccessView(of, Some(&desc), Some(&mut view)) }?;
        made(view)
    }

    /// A buffer's elements `first..first + count` in a format, for a shader to read.
    pub fn typed_srv(
        &self,
        of: &ID3D11Buffer,
        format: DXGI_FORMAT,
        count: u32,
    ) -> Result<ID3D11ShaderResourceView> {
        self.buffer_srv(of, format, 0, count)
    }

    /// As [`typed_srv`](Self::typed_srv), from an element other than the first.
    pub fn buffer_srv(
        &self,
        of: &ID3D11Buffer,
        format: DXGI_FORMAT,
        first: u32,
        count: u32,
    ) -> Result<ID3D11ShaderResourceView> {
        let elements = D3D11_BUFFER_SRV {
            Anonymous1: D3D11_BUFFER_SRV_0 { FirstElement: first },
            Anonymous2: D3D11_BUFFER_SRV_1 { NumElements: count },
        };
        let part = D3D11_SHADER_RESOURCE_VIEW_DESC_0 { Buffer: elements };
        self.srv_as(of, format, D3D11_SRV_DIMENSION_BUFFER, part)
    }

    /// All of a byte-address buffer, for a shader to read.
    pub fn raw_srv(&self, of: &ID3D11Buffer, words: u32) -> Result<ID3D11ShaderResourceView> {
        let elements = D3D11_BUFFEREX_SRV {
            FirstElement: 0,
            NumElements: words,
            Flags: D3D11_BUFFEREX_SRV_FLAG_RAW.0.cast_unsigned(),
        };
        let part = D3D11_SHADER_RESOURCE_VIEW_DESC_0 { BufferEx: elements };
        let format = windows::Win32::Graphics::Dxgi::Common::DXGI_FORMAT_R32_TYPELESS;
        self.srv_as(of, format, D3D11_SRV_DIMENSION_BUFFEREX, part)
    }

    /// A buffer for a shader to write: `flags` are `D3D11_BUFFER_UAV_FLAG_*`.
    pub fn buffer_uav(
        &self,
        of: &ID3D11Buffer,
        format: DXGI_FORMAT,
        (first, count): (u32, u32),
        flags: D3D11_BUFFER_UAV_FLAG,
    ) -> Result<ID3D11UnorderedAccessView> {
        let elements =
            D3D11_BUFFER_UAV { FirstElement: first, NumElements: count, Flags: flags.0.cast_unsigned() };
        let part = D3D11_UNORDERED_ACCESS_VIEW_DESC_0 { Buffer: elements };
        self.uav_as(of, format, D3D11_UAV_DIMENSION_BUFFER, part)
    }
}
