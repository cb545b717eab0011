//! The device, and short ways to make objects and to wait for the GPU.
#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use windows::Win32::Foundation::{E_FAIL, HMODULE};
use windows::Win32::Graphics::Direct3D::{D3D_DRIVER_TYPE_HARDWARE, D3D_FEATURE_LEVEL_11_0};
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::{DXGI_FORMAT_R8G8B8A8_UNORM, DXGI_SAMPLE_DESC};
use windows::Win32::Graphics::Dxgi::IDXGIDevice;
use windows::core::{Error, Interface, Result};

/// A device with its immediate context.
pub struct Gpu {
    /// The device.
    pub device: ID3D11Device,
    /// Its immediate context.
    pub context: ID3D11DeviceContext,
}

/// What an out-pointer received.
pub fn made<T>(object: Option<T>) -> Result<T> {
    object.ok_or_else(|| Error::from_hresult(E_FAIL))
}

impl Gpu {
    /// The first adapter's device.
    pub fn new() -> Result<Self> {
        let (mut device, mut context) = (None, None);
        // SAFETY: the out-pointers are null or point to locals that outlive the call.
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
        Ok(Self { device: made(device)?, context: made(context)? })
    }

    /// The adapter's description.
    pub fn adapter(&self) -> Result<String> {
        let dxgi: IDXGIDevice = self.device.cast()?;
        // SAFETY: the device is alive.
        let adapter = unsafe { dxgi.GetAdapter() }?;
        // SAFETY: the adapter is alive.
        let desc = unsafe { adapter.GetDesc() }?;
        let name: Vec<u16> = desc.Description.into_iter().take_while(|unit| *unit != 0).collect();
        Ok(String::from_utf16_lossy(&name))
    }

    /// A buffer.
    pub fn buffer(&self, bytes: u32, bind: D3D11_BIND_FLAG, usage: D3D11_USAGE) -> Result<ID3D11Buffer> {
        let desc = D3D11_BUFFER_DESC {
            ByteWidth: bytes,
            Usage: usage,
            // CAST: flags.
            BindFlags: bind.0 as u32,
            CPUAccessFlags: access(usage),
            ..Default::default()
        };
        let mut buffer = None;
        // SAFETY: the description is complete and the out-pointer is a local's.
        unsafe { self.device.CreateBuffer(&desc, None, Some(&mut buffer)) }?;
        made(buffer)
    }

    /// A square RGBA texture of one level.
    pub fn texture(&self, size: u32, bind: D3D11_BIND_FLAG, usage: D3D11_USAGE) -> Result<ID3D11Texture2D> {
        let desc = D3D11_TEXTURE2D_DESC {
            Width: size,
            Height: size,
            MipLevels: 1,
            ArraySize: 1,
            Format: DXGI_FORMAT_R8G8B8A8_UNORM,
            SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
            Usage: usage,
            // CAST: flags.
            BindFlags: bind.0 as u32,
            CPUAccessFlags: access(usage),
            ..Default::default()
        };
        let mut texture = None;
        // SAFETY: the description is complete and the out-pointer is a local's.
        unsafe { self.device.CreateTexture2D(&desc, None, Some(&mut texture)) }?;
        made(texture)
    }

    /// A view of all of a texture as shader resource.
    pub fn shader_view(&self, texture: &ID3D11Texture2D) -> Result<ID3D11ShaderResourceView> {
        let mut view = None;
        // SAFETY: a null description is a view of everything.
        unsafe { self.device.CreateShaderResourceView(texture, None, Some(&mut view)) }?;
        made(view)
    }

    /// A view of all of a texture as render target.
    pub fn target_view(&self, texture: &ID3D11Texture2D) -> Result<ID3D11RenderTargetView> {
        let mut view = None;
        // SAFETY: a null description is a view of everything.
        unsafe { self.device.CreateRenderTargetView(texture, None, Some(&mut view)) }?;
        made(view)
    }

    /// An event query.
    pub fn event(&self) -> Result<ID3D11Query> {
        let desc = D3D11_QUERY_DESC { Query: D3D11_QUERY_EVENT, MiscFlags: 0 };
        let mut query = None;
        // SAFETY: the out-pointer is a local's.
        unsafe { self.device.CreateQuery(&desc, Some(&mut query)) }?;
        made(query)
    }

    /// Ends an event query.
    pub fn end(&self, query: &ID3D11Query) {
        // SAFETY: the query is alive.
        unsafe { self.context.End(query) };
    }

    /// Waits until an ended event query is reached.
    pub fn wait(&self, query: &ID3D11Query) -> Result<()> {
        let mut done = 0_i32;
        loop {
            let to = std::ptr::from_mut(&mut done).cast();
            // SAFETY: the data has the query's size. Without a result yet the call succeeds with S_FALSE.
            unsafe { self.context.GetData(query, Some(to), 4, 0) }?;
            if done != 0 {
                return Ok(());
            }
            // Renderers that work in this process need the processor more than this loop does.
            std::thread::yield_now();
        }
    }

    /// Waits until the GPU has finished everything.
    pub fn finish(&self) -> Result<()> {
        let event = self.event()?;
        self.end(&event);
        self.wait(&event)
    }
}

fn access(usage: D3D11_USAGE) -> u32 {
    let flags = match usage {
        D3D11_USAGE_DYNAMIC => D3D11_CPU_ACCESS_WRITE,
        D3D11_USAGE_STAGING => D3D11_CPU_ACCESS_READ,
        _ => D3D11_CPU_ACCESS_FLAG(0),
    };
    // CAST: flags.
    flags.0 as u32
}
