//! The back buffers of a swap chain.
//!
//! The device holds them for the swap chain: they are not in the reference counts that a program sees, neither in their own
//! nor in that of the device.

#![expect(unsafe_code, reason = "calls COM interfaces")]

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::ops::Deref;

use pvgpu_interfaces::{IPvgpuDxgiDevice, PvgpuBackBufferDesc};
use windows::Win32::Foundation::{E_FAIL, S_OK};
use windows_core::{GUID, HRESULT, IUnknown, Interface, Result};

use crate::rules::chain::Chain;

/// An interface of an object that something else keeps alive, without a reference of its own.
pub struct Borrowed<I: Interface>(ManuallyDrop<I>);

impl<I: Interface> Borrowed<I> {
    /// Interface `I` of `object`.
    ///
    /// # Errors
    /// `E_NOINTERFACE`.
    ///
    /// # Safety
    /// Something keeps `object` alive for as long as the result is used.
    pub unsafe fn of(object: &IUnknown) -> Result<Self> {
        let counted: I = object.cast()?;
        // SAFETY: the pointer is that of a live interface; whose reference it is does not matter, since it is never released.
        let borrowed = unsafe { I::from_raw(counted.as_raw()) };
        Ok(Self(ManuallyDrop::new(borrowed)))
    }
}

impl<I: Interface> Deref for Borrowed<I> {
    type Target = I;

    fn deref(&self) -> &I {
        &self.0
    }
}

/// The buffers; given back to the device when dropped, which must be before the device is released.
pub struct Buffers {
    device: Borrowed<IPvgpuDxgiDevice>,
    textures: Vec<*mut c_void>,
}

impl Buffers {
    /// No buffers of `device`.
    pub fn none(device: Borrowed<IPvgpuDxgiDevice>) -> Self {
        Self { device, textures: Vec::new() }
    }

    /// Gives the buffers back and makes those of `chain`; without any when that fails.
    ///
    /// # Errors
    /// What the device reports.
    pub fn make(&mut self, chain: &Chain) -> Result<()> {
        self.give_back();
        for number in 0..chain.textures() {
            let desc = PvgpuBackBufferDesc {
                width: chain.width,
                height: chain.height,
                format: chain.format,
                sample_count: chain.sample_count,
                sample_quality: chain.sample_quality,
                usage: chain.buffer_usage(number),
                gdi_compatible: chain.is_gdi_compatible().into(),
            };
            let mut texture = std::ptr::null_mut();
            // SAFETY: `desc` is complete and `texture` is valid for writing.
            let made = unsafe { self.device.CreateBackBuffer(&desc, &mut texture) };
            if made.is_err() || texture.is_null() {
                self.give_back();
                return Err(if made.is_err() { made } else { E_FAIL }.into());
            }
            self.textures.push(texture);
        }
        Ok(())
    }

    /// The textures; the device keeps them alive as long as `self` does.
    pub fn all(&self) -> &[*mut c_void] {
        &self.textures
    }

    /// Interface `riid` of buffer `index`, as `QueryInterface` gives it; `None` if there is no such buffer.
    ///
    /// # Safety
    /// `riid` and `surface` are valid.
    pub unsafe fn query(&self, index: u32, riid: *const GUID, surface: *mut *mut c_void) -> Option<HRESULT> {
        let texture = self.textures.get(index as usize)?;
        // SAFETY: the texture is a live COM object.
        let texture = unsafe { IUnknown::from_raw_borrowed(texture) }?;
        // SAFETY: as the caller promises.
        Some(unsafe { texture.query(riid, surface) })
    }

    /// Whether nobody else uses a buffer.
    pub fn are_idle(&self) -> bool {
        // SAFETY: each is a texture of this device.
        self.textures.iter().all(|&texture| unsafe { self.device.BackBufferIdle(texture) } == S_OK)
    }

    /// Gives all buffers back.
    pub fn give_back(&mut self) {
        for texture in self.textures.drain(..) {
            // SAFETY: it came from this device and is used no more.
            unsafe { self.device.ReleaseBackBuffer(texture) };
        }
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        self.give_back();
    }
}
