//! The device, its swap chain, and small helpers that scenes build their resources with.
//!
//! Creating things is wrapped here, so that a scene's file reads as a list of what it needs. Drawing is not wrapped: scenes
//! call `ID3D11DeviceContext` themselves, because that is what a sample is there to show.

#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use windows::Win32::Foundation::{E_FAIL, HMODULE};
use windows::Win32::Graphics::Direct3D::{D3D_DRIVER_TYPE_HARDWARE, D3D_FEATURE_LEVEL_11_0};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_BIND_CONSTANT_BUFFER, D3D11_BUFFER_DESC, D3D11_CPU_ACCESS_WRITE, D3D11_CREATE_DEVICE_FLAG,
    D3D11_MAP_WRITE_DISCARD, D3D11_MAPPED_SUBRESOURCE, D3D11_SDK_VERSION, D3D11_SUBRESOURCE_DATA,
    D3D11_USAGE_DYNAMIC, D3D11_VIEWPORT, D3D11CreateDevice, ID3D11Buffer, ID3D11Device, ID3D11DeviceContext,
    ID3D11RenderTargetView, ID3D11Texture2D,
};
use windows::Win32::Graphics::Dxgi::Common::{
    DXGI_FORMAT_R8G8B8A8_UNORM, DXGI_FORMAT_UNKNOWN, DXGI_SAMPLE_DESC,
};
use windows::Win32::Graphics::Dxgi::{
    DXGI_PRESENT, DXGI_SWAP_CHAIN_DESC1, DXGI_SWAP_CHAIN_FLAG, DXGI_SWAP_EFFECT_DISCARD,
    DXGI_SWAP_EFFECT_FLIP_DISCARD, DXGI_USAGE_RENDER_TARGET_OUTPUT, IDXGIDevice, IDXGIFactory2,
    IDXGISwapChain1,
};
use windows::core::{Error, Interface, Result};

use crate::Window;

/// A Direct3D 11 device of feature level 11_0 that presents to one window.
pub struct Gpu {
    /// Creates resources.
    pub device: ID3D11Device,
    /// Draws.
    pub context: ID3D11DeviceContext,
    swap_chain: IDXGISwapChain1,
    target: Option<ID3D11RenderTargetView>,
    size: (u32, u32),
}

impl Gpu {
    /// Takes the first hardware adapter and makes a swap chain for `window`.
    ///
    /// # Errors
    /// What Direct3D or DXGI report.
    pub fn new(window: &Window, flip: bool) -> Result<Self> {
        let (mut device, mut context) = (None, None);
        // SAFETY: the three out-pointers are null or point to locals that outlive the call.
        unsafe {
            D3D11CreateDevice(
                None,
                D3D_DRIVER_TYPE_HARDWARE,
                HMODULE::default(),
                D3D11_CREATE_DEVICE_FLAG::default(),
                Some(&[D3D_FEATURE_LEVEL_11_0]),
                D3D11_SDK_VERSION,
                Some(&mut device),
                None,
                Some(&mut context),
            )
        }?;
        let (device, context): (ID3D11Device, _) = (made(device)?, made(context)?);
        let dxgi: IDXGIDevice = device.cast()?;
        // SAFETY: `dxgi` is a live interface of the device; its adapter's parent is the factory that enumerated it.
        let adapter = unsafe { dxgi.GetAdapter() }?;
        // SAFETY: as above.
        let factory: IDXGIFactory2 = unsafe { adapter.GetParent() }?;
        let size = window.client_size();
        let description = DXGI_SWAP_CHAIN_DESC1 {
            Width: size.0,
            Height: size.1,
            Format: DXGI_FORMAT_R8G8B8A8_UNORM,
            SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
            BufferUsage: DXGI_USAGE_RENDER_TARGET_OUTPUT,
            BufferCount: if flip { 2 } else { 1 },
            SwapEffect: if flip { DXGI_SWAP_EFFECT_FLIP_DISCARD } else { DXGI_SWAP_EFFECT_DISCARD },
            ..DXGI_SWAP_CHAIN_DESC1::default()
        };
        // SAFETY: the description is complete, the window is open, and the optional pointers are null.
        let swap_chain =
            unsafe { factory.CreateSwapChainForHwnd(&device, window.handle(), &description, None, None) }?;
        let mut gpu = Self { device, context, swap_chain, target: None, size };
        gpu.target = Some(gpu.make_target()?);
        Ok(gpu)
    }

    /// Width and height of the back buffer in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// The view of the back buffer to draw to.
    ///
    /// # Errors
    /// `E_FAIL` after a [`resize`](Self::resize) that failed.
    pub fn target(&self) -> Result<&ID3D11RenderTargetView> {
        self.target.as_ref().ok_or_else(|| E_FAIL.into())
    }

    /// A viewport that covers the back buffer.
    pub fn viewport(&self) -> D3D11_VIEWPORT {
        let (width, height) = self.size;
        // CAST: both are far below 2^24, so the conversion is exact.
        D3D11_VIEWPORT { Width: width as f32, Height: height as f32, MaxDepth: 1.0, ..Default::default() }
    }

    /// Gives the back buffers a new size.
    ///
    /// # Errors
    /// What DXGI reports, for example for a lost device.
    pub fn resize(&mut self, width: u32, height: u32) -> Result<()> {
        // DXGI refuses while anything still refers to a back buffer: the view itself and its binding.
        self.target = None;
        // SAFETY: the context is live.
        unsafe { self.context.ClearState() };
        // SAFETY: no reference to a back buffer is left; 0 buffers and no format keep what the chain has.
        unsafe {
            self.swap_chain.ResizeBuffers(
                0,
                width,
                height,
                DXGI_FORMAT_UNKNOWN,
                DXGI_SWAP_CHAIN_FLAG::default(),
            )
        }?;
        self.size = (width, height);
        self.target = Some(self.make_target()?);
        Ok(())
    }

    /// Shows the frame, as soon as possible.
    ///
    /// # Errors
    /// What DXGI reports; a lost device shows up here at the latest.
    pub fn present(&self) -> Result<()> {
        // SAFETY: the swap chain is live.
        unsafe { self.swap_chain.Present(0, DXGI_PRESENT::default()) }.ok()
    }

    /// Why the device is lost, as `GetDeviceRemovedReason` tells.
    pub fn removed_reason(&self) -> Option<Error> {
        // SAFETY: the device is live even when its adapter is gone.
        unsafe { self.device.GetDeviceRemovedReason() }.err()
    }

    /// A buffer with the given contents.
    ///
    /// # Errors
    /// What Direct3D reports.
    pub fn buffer(&self, description: &D3D11_BUFFER_DESC, contents: &[u8]) -> Result<ID3D11Buffer> {
        let data = D3D11_SUBRESOURCE_DATA { pSysMem: contents.as_ptr().cast(), ..Default::default() };
        let description = D3D11_BUFFER_DESC { ByteWidth: byte_width(contents.len())?, ..*description };
        let mut buffer = None;
        // SAFETY: `data` points to as many bytes as the description says, and both outlive the call.
        unsafe { self.device.CreateBuffer(&description, Some(&data), Some(&mut buffer)) }?;
        made(buffer)
    }

    /// A constant buffer of `size` bytes (a multiple of 16) for [`write_constants`](Self::write_constants).
    ///
    /// # Errors
    /// What Direct3D reports.
    pub fn constant_buffer(&self, size: usize) -> Result<ID3D11Buffer> {
        let description = D3D11_BUFFER_DESC {
            Usage: D3D11_USAGE_DYNAMIC,
            BindFlags: D3D11_BIND_CONSTANT_BUFFER.0.cast_unsigned(),
            CPUAccessFlags: D3D11_CPU_ACCESS_WRITE.0.cast_unsigned(),
            ..Default::default()
        };
        self.buffer(&description, &vec![0; size])
    }

    /// Replaces a constant buffer's contents by Map(WRITE_DISCARD), which never waits for the GPU.
    ///
    /// # Errors
    /// What Direct3D reports.
    ///
    /// # Panics
    /// If `contents` has another size than the buffer.
    pub fn write_constants(&self, buffer: &ID3D11Buffer, contents: &[u8]) -> Result<()> {
        let mut description = D3D11_BUFFER_DESC::default();
        // SAFETY: `description` is valid for writing.
        unsafe { buffer.GetDesc(&mut description) };
        assert_eq!(description.ByteWidth as usize, contents.len(), "a constant buffer is written whole");
        let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
        // SAFETY: subresource 0 of a dynamic buffer; `mapped` is valid for writing.
        unsafe { self.context.Map(buffer, 0, D3D11_MAP_WRITE_DISCARD, 0, Some(&mut mapped)) }?;
        // SAFETY: Direct3D gave `ByteWidth` writable bytes, and that is the contents' size as checked above.
        unsafe { mapped.pData.cast::<u8>().copy_from_nonoverlapping(contents.as_ptr(), contents.len()) };
        // SAFETY: mapped above.
        unsafe { self.context.Unmap(buffer, 0) };
        Ok(())
    }

    fn make_target(&self) -> Result<ID3D11RenderTargetView> {
        // SAFETY: buffer 0 exists in every swap chain.
        let buffer: ID3D11Texture2D = unsafe { self.swap_chain.GetBuffer(0) }?;
        let mut view = None;
        // SAFETY: the texture is a back buffer made for render-target use; no description means "all of it".
        unsafe { self.device.CreateRenderTargetView(&buffer, None, Some(&mut view)) }?;
        made(view)
    }
}

/// What a successful creating call left in its out-pointer.
///
/// # Errors
/// `E_FAIL` if a call reported success but made nothing.
pub fn made<T>(object: Option<T>) -> Result<T> {
    object.ok_or_else(|| E_FAIL.into())
}

/// Numbers as the GPU reads them from a buffer.
pub fn bytes(numbers: impl IntoIterator<Item = f32>) -> Vec<u8> {
    numbers.into_iter().flat_map(f32::to_le_bytes).collect()
}

/// A buffer's size as Direct3D counts it.
fn byte_width(length: usize) -> Result<u32> {
    u32::try_from(length).map_err(|_| E_FAIL.into())
}
