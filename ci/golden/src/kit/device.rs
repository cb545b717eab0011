//! The device, and the calls on its context that are neither draws nor reads.

#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use windows::Win32::Foundation::{E_FAIL, HMODULE, RECT};
use windows::Win32::Graphics::Direct3D::{
    D3D_DRIVER_TYPE_HARDWARE, D3D_FEATURE_LEVEL, D3D_FEATURE_LEVEL_11_0, D3D_FEATURE_LEVEL_11_1,
};
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::DXGI_FORMAT;
use windows::core::{Error, Interface, Param, Result};

use super::{Buffer, Texture};

/// A device and its immediate context.
pub struct Gpu {
    pub device: ID3D11Device,
    pub context: ID3D11DeviceContext,
    /// The feature level that the device was given.
    pub level: D3D_FEATURE_LEVEL,
}

/// What an out-pointer received.
///
/// # Errors
/// `E_FAIL` if a call reported success but made nothing.
pub fn made<T>(object: Option<T>) -> Result<T> {
    object.ok_or_else(|| Error::from_hresult(E_FAIL))
}

impl Gpu {
    /// A device of level 11_1, or 11_0 where there is no 11_1.
    ///
    /// # Errors
    /// What Direct3D reports, here and everywhere below.
    pub fn new() -> Result<Self> {
        let (mut device, mut context, mut level) = (None, None, D3D_FEATURE_LEVEL::default());
        // SAFETY: the out-pointers point to locals that outlive the call.
        unsafe {
            D3D11CreateDevice(
                None,
                D3D_DRIVER_TYPE_HARDWARE,
                HMODULE::default(),
                D3D11_CREATE_DEVICE_FLAG::default(),
                Some(&[D3D_FEATURE_LEVEL_11_1, D3D_FEATURE_LEVEL_11_0]),
                D3D11_SDK_VERSION,
                Some(&mut device),
                Some(&mut level),
                Some(&mut context),
            )
        }?;
        Ok(Self { device: made(device)?, context: made(context)?, level })
    }

    /// Whether targets may have a format.
    pub fn has_target(&self, format: DXGI_FORMAT) -> bool {
        // SAFETY: the device is live.
        let support = unsafe { self.device.CheckFormatSupport(format) };
        // CAST: a flag.
        support.is_ok_and(|support| support & D3D11_FORMAT_SUPPORT_RENDER_TARGET.0 as u32 != 0)
    }

    /// The error that removed the device, if one has.
    pub fn removed(&self) -> Option<Error> {
        // SAFETY: the device is live even when its adapter is gone.
        unsafe { self.device.GetDeviceRemovedReason() }.err()
    }

    /// The context of Direct3D 11.1.
    pub fn context1(&self) -> Result<ID3D11DeviceContext1> {
        self.context.cast()
    }

    /// Unbinds everything.
    pub fn clear_state(&self) {
        // SAFETY: the context is live.
        unsafe { self.context.ClearState() };
    }

    pub fn clear(&self, view: &ID3D11RenderTargetView, colour: [f32; 4]) {
        // SAFETY: the view is live.
        unsafe { self.context.ClearRenderTargetView(view, &colour) };
    }

    pub fn clear_depth(
        &self,
        view: &ID3D11DepthStencilView,
        flags: D3D11_CLEAR_FLAG,
        depth: f32,
        stencil: u8,
    ) {
        // SAFETY: the view is live.
        unsafe { self.context.ClearDepthStencilView(view, flags.0, depth, stencil) };
    }

    pub fn clear_uav(&self, view: &ID3D11UnorderedAccessView, values: [u32; 4]) {
        // SAFETY: the view is live.
        unsafe { self.context.ClearUnorderedAccessViewUint(view, &values) };
    }

    pub fn clear_uav_float(&self, view: &ID3D11UnorderedAccessView, values: [f32; 4]) {
        // SAFETY: the view is live.
        unsafe { self.context.ClearUnorderedAccessViewFloat(view, &values) };
    }

    /// Direct3D 11.1's clear of rectangles in any view.
    pub fn clear_view(&self, view: &impl Interface, colour: [f32; 4], rects: &[RECT]) -> Result<()> {
        let view: ID3D11View = view.cast()?;
        let context = self.context1()?;
        // SAFETY: the view is live and the rectangles outlive the call.
        unsafe { context.ClearView(&view, &colour, Some(rects)) };
        Ok(())
    }

    pub fn generate_mips(&self, view: &ID3D11ShaderResourceView) {
        // SAFETY: the view is live.
        unsafe { self.context.GenerateMips(view) };
    }

    pub fn set_min_lod(&self, texture: &Texture, lod: f32) {
        // SAFETY: the resource is live.
        unsafe { self.context.SetResourceMinLOD(&texture.raw, lod) };
    }

    pub fn resolve(&self, to: &Texture, to_sub: u32, from: &Texture, from_sub: u32) {
        // SAFETY: both are live.
        unsafe { self.context.ResolveSubresource(&to.raw, to_sub, &from.raw, from_sub, to.shape.format) };
    }

    pub fn copy<P: Param<ID3D11Resource>, Q: Param<ID3D11Resource>>(&self, to: P, from: Q) {
        // SAFETY: both are live.
        unsafe { self.context.CopyResource(to, from) };
    }

    /// Copies a box (all without one) to a place in another resource.
    pub fn copy_region<P: Param<ID3D11Resource>, Q: Param<ID3D11Resource>>(
        &self,
        to: P,
        (to_sub, place): (u32, [u32; 3]),
        from: Q,
        (from_sub, source): (u32, Option<D3D11_BOX>),
    ) {
        let [x, y, z] = place;
        let source = source.as_ref().map(std::ptr::from_ref);
        // SAFETY: both are live and the box outlives the call.
        unsafe { self.context.CopySubresourceRegion(to, to_sub, x, y, z, from, from_sub, source) };
    }

    /// Replaces a box (all without one) of a subresource; `pitches` are bytes from row to row and from slice to slice.
    pub fn update<P: Param<ID3D11Resource>>(
        &self,
        to: P,
        sub: u32,
        place: Option<D3D11_BOX>,
        bytes: &[u8],
        (row, slice): (u32, u32),
    ) {
        let place = place.as_ref().map(std::ptr::from_ref);
        // SAFETY: every case passes as many bytes as its box and pitches span.
        unsafe { self.context.UpdateSubresource(to, sub, place, bytes.as_ptr().cast(), row, slice) };
    }

    /// Maps a buffer, hands its bytes to `write`, and unmaps it.
    pub fn map(&self, buffer: &Buffer, how: D3D11_MAP, write: impl FnOnce(&mut [u8])) -> Result<()> {
        let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
        // SAFETY: the out-pointer is a local's.
        unsafe { self.context.Map(&buffer.raw, 0, how, 0, Some(&mut mapped)) }?;
        // SAFETY: a mapped buffer has as many bytes as its description says, and they are ours until Unmap.
        write(unsafe { std::slice::from_raw_parts_mut(mapped.pData.cast(), buffer.bytes as usize) });
        // SAFETY: it is mapped.
        unsafe { self.context.Unmap(&buffer.raw, 0) };
        Ok(())
    }

    /// Maps a dynamic texture's first subresource, hands each of its rows to `write`, and unmaps it.
    pub fn map_rows(&self, texture: &Texture, mut write: impl FnMut(usize, &mut [u8])) -> Result<()> {
        let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
        // SAFETY: the out-pointer is a local's.
        unsafe { self.context.Map(&texture.raw, 0, D3D11_MAP_WRITE_DISCARD, 0, Some(&mut mapped)) }?;
        let (row, rows) = texture.shape.row_and_rows(0);
        for y in 0..rows {
            // SAFETY: row y begins that far behind the start.
            let start = unsafe { mapped.pData.cast::<u8>().add(y * mapped.RowPitch as usize) };
            // SAFETY: a row has that many bytes, ours until Unmap.
            write(y, unsafe { std::slice::from_raw_parts_mut(start, row) });
        }
        // SAFETY: it is mapped.
        unsafe { self.context.Unmap(&texture.raw, 0) };
        Ok(())
    }
}
