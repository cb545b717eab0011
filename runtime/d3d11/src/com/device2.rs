//! `ID3D11Device2`, and the checks whose answer is written also when they fail.
//!
//! "COM's contract" in the SAFETY comments is that of `device_create`.

use core::ffi::c_void;

use pvgpu_protocol::tiling::Tiling;
use windows::Win32::Graphics::Direct3D11::{
    D3D11_PACKED_MIP_DESC, D3D11_PACKED_TILE, D3D11_SUBRESOURCE_TILING, D3D11_TILE_SHAPE, ID3D11Device2_Impl,
    ID3D11Device2_Vtbl, ID3D11DeviceContext2, ID3D11Resource,
};
use windows::Win32::Graphics::Dxgi::Common::DXGI_FORMAT;
use windows_core::{HRESULT, OutRef, Ref};

use super::device::Device;
use super::device_create::Out;
use super::object::Com;
use super::resource::Resource;
use crate::hresult::{E_FAIL, E_INVALIDARG, Result};

/// `D3D11_CHECK_MULTISAMPLE_QUALITY_LEVELS_TILED_RESOURCE`.
const TILED_RESOURCE: u32 = 1;

/// The device's table: that of `windows`, whose own methods leave an answer alone when they fail.
pub const VTABLE: ID3D11Device2_Vtbl = {
    let mut table = ID3D11Device2_Vtbl::new::<Com<Device>, 0>();
    table.base__.base__.CheckFormatSupport = check_format_support;
    table.base__.base__.CheckMultisampleQualityLevels = check_multisample_quality_levels;
    table.CheckMultisampleQualityLevels1 = check_multisample_quality_levels1;
    table
};

/// Writes a value if it is wanted.
///
/// # Safety
/// `out` is null or valid.
unsafe fn put<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: the caller's promise.
        unsafe { out.write(value) };
    }
}

fn packed_mips(tiling: &Tiling) -> D3D11_PACKED_MIP_DESC {
    let packed = tiling.packed_mips();
    D3D11_PACKED_MIP_DESC {
        // CAST: at most 15 mips.
        NumStandardMips: tiling.standard_mips() as u8,
        NumPackedMips: packed as u8,
        NumTilesForPackedMips: tiling.packed_tiles(),
        StartTileIndexInOverallResource: if packed == 0 { 0 } else { tiling.first_packed() },
    }
}

/// Zeros when all mips are packed.
fn tile_shape(tiling: &Tiling) -> D3D11_TILE_SHAPE {
    if tiling.standard_mips() == 0 {
        return D3D11_TILE_SHAPE::default();
    }
    let tile = tiling.tile();
    D3D11_TILE_SHAPE { WidthInTexels: tile.width, HeightInTexels: tile.height, DepthInTexels: 1 }
}

/// The tiles of one of `all` subresources; one that is packed has none of its own.
fn subresource_tiling(tiling: &Tiling, index: u32, all: u32) -> D3D11_SUBRESOURCE_TILING {
    let mips = tiling.standard_mips() + tiling.packed_mips();
    let mip = index.checked_rem(mips).unwrap_or(0);
    let first = tiling.first_tile(index).filter(|_| index < all && mip < tiling.standard_mips());
    let Some(first) = first else {
        return D3D11_SUBRESOURCE_TILING {
            StartTileIndexInOverallResource: D3D11_PACKED_TILE,
            ..Default::default()
        };
    };
    let [width, height] = tiling.mip_tiles(mip);
    D3D11_SUBRESOURCE_TILING {
        WidthInTiles: width,
        // CAST: 16,384 texels are at most 256 tiles.
        HeightInTiles: height as u16,
        DepthInTiles: 1,
        StartTileIndexInOverallResource: first,
    }
}

/// Writes an answer, 0 for none, and gives the code.
///
/// # Safety
/// `out` is valid.
unsafe fn answer(result: Result<u32>, out: *mut u32) -> HRESULT {
    // SAFETY: the caller's promise.
    unsafe { out.write(result.unwrap_or(0)) };
    HRESULT(result.err().map_or(0, |code| code.0))
}

/// `CheckFormatSupport`.
///
/// # Safety
/// COM's contract; `this` is a pointer of the first chain.
pub unsafe extern "system" fn check_format_support(
    this: *mut c_void,
    format: DXGI_FORMAT,
    out: *mut u32,
) -> HRESULT {
    if out.is_null() {
        return HRESULT(E_INVALIDARG.0);
    }
    // SAFETY: COM's contract: the first chain's pointer is the object.
    let device = unsafe { &*this.cast::<Com<Device>>() };
    let support = device.format_support(format.0.cast_unsigned());
    let support = support.and_then(|(support, _)| if support == 0 { Err(E_FAIL) } else { Ok(support) });
    // SAFETY: COM's contract.
    unsafe { answer(support, out) }
}

/// `CheckMultisampleQualityLevels`.
///
/// # Safety
/// COM's contract; `this` is a pointer of the first chain.
pub unsafe extern "system" fn check_multisample_quality_levels(
    this: *mut c_void,
    format: DXGI_FORMAT,
    samples: u32,
    out: *mut u32,
) -> HRESULT {
    // SAFETY: passed on from the caller.
    unsafe { check_multisample_quality_levels1(this, format, samples, 0, out) }
}

unsafe extern "system" fn check_multisample_quality_levels1(
    this: *mut c_void,
    format: DXGI_FORMAT,
    samples: u32,
    flags: u32,
    out: *mut u32,
) -> HRESULT {
    if out.is_null() || flags & !TILED_RESOURCE != 0 {
        return HRESULT(E_INVALIDARG.0);
    }
    // SAFETY: COM's contract: the first chain's pointer is the object.
    let device = unsafe { &*this.cast::<Com<Device>>() };
    let levels = device.multisample_quality_levels(format.0.cast_unsigned(), samples);
    // Tiled resources have one sample a texel.
    let tiled = flags & TILED_RESOURCE != 0;
    let fits = !tiled || samples == 1 && device.can_tile(format.0.cast_unsigned());
    let levels = levels.map(|levels| if fits { levels } else { 0 });
    // SAFETY: COM's contract.
    unsafe { answer(levels, out) }
}

impl ID3D11Device2_Impl for Com<Device> {
    fn GetImmediateContext2(&self, context: OutRef<ID3D11DeviceContext2>) {
        self.put_context(Out::new(context));
    }

    fn CreateDeferredContext2(
        &self,
        flags: u32,
        context: OutRef<ID3D11DeviceContext2>,
    ) -> windows_core::Result<()> {
        self.create_deferred_context(flags, Out::new(context))
    }

    // Of resources that are not tiled everything is 0.
    fn GetResourceTiling(
        &self,
        resource: Ref<ID3D11Resource>,
        tiles: *mut u32,
        packed: *mut D3D11_PACKED_MIP_DESC,
        shape: *mut D3D11_TILE_SHAPE,
        subresources: *mut u32,
        first: u32,
        tilings: *mut D3D11_SUBRESOURCE_TILING,
    ) {
        let resource = Com::<Resource>::from_interface(&resource);
        let tiling = resource.and_then(|resource| resource.inner.tiling.as_ref());
        // SAFETY: COM's contract.
        unsafe { put(tiles, tiling.map_or(0, Tiling::total)) };
        // SAFETY: COM's contract.
        unsafe { put(packed, tiling.map_or_else(Default::default, packed_mips)) };
        // SAFETY: COM's contract.
        unsafe { put(shape, tiling.map_or_else(Default::default, tile_shape)) };
        // SAFETY: COM's contract: null or valid.
        let Some(count) = (unsafe { subresources.as_mut() }) else { return };
        let all = match (tiling, resource) {
            (Some(_), Some(resource)) => resource.inner.subresources(),
            _ => 0,
        };
        let room = if tilings.is_null() { 0 } else { *count };
        *count = room.min(all.saturating_sub(first));
        for index in 0..*count {
            let Some(found) = tiling.map(|tiling| subresource_tiling(tiling, first + index, all)) else {
                return;
            };
            // SAFETY: COM's contract: the array has as many entries as the caller said.
            unsafe { tilings.wrapping_add(index as usize).write(found) };
        }
    }

    fn CheckMultisampleQualityLevels1(
        &self,
        format: DXGI_FORMAT,
        samples: u32,
        flags: u32,
    ) -> windows_core::Result<u32> {
        let mut levels = 0;
        let this = core::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: the object is alive, and the out-pointer is a local's.
        let code = unsafe { check_multisample_quality_levels1(this, format, samples, flags, &mut levels) };
        code.ok().map(|()| levels)
    }
}
