//! The user-mode driver as the runtime sees it: one device, its function tables, and its errors.
//!
//! `load` finds the driver and opens it, `calls` has one safe method per entry of the device table, `create` pairs sizes,
//! creation and destruction of objects, `dxgi` the entries of the DXGI table. Handles are made by `create` only, so a
//! handle that reaches `calls` is that of a live object of this device.

mod calls;
mod create;
mod dxgi;
mod load;

use core::ffi::c_void;
use core::sync::atomic::{AtomicI32, Ordering};

use pvgpu_umd_ddi::{
    D3D10_2DDI_ADAPTERFUNCS, D3D10DDI_HADAPTER, D3D10DDI_HDEVICE, D3D10DDI_HRTCORELAYER,
    D3D11DDI_CORELAYER_DEVICECALLBACKS, D3D11DDICAPS_SHADER_DOUBLES, D3DWDDM1_3DDI_DEVICEFUNCS,
    DXGI1_2_DDI_BASE_FUNCTIONS, E_NOTIMPL,
};

pub use calls::{Calls, StageCalls, Subresource};
pub use create::Object;

use super::memory::DriverMemory;
use crate::hresult::{Hresult, Result, from_driver};

/// A stage of the pipeline, in the order that arrays of stages have here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Vertex shader.
    Vertex,
    /// Hull shader.
    Hull,
    /// Domain shader.
    Domain,
    /// Geometry shader.
    Geometry,
    /// Pixel shader.
    Pixel,
    /// Compute shader.
    Compute,
}

/// All stages, in order.
pub const STAGES: [Stage; 6] =
    [Stage::Vertex, Stage::Hull, Stage::Domain, Stage::Geometry, Stage::Pixel, Stage::Compute];

/// What the driver said of itself when it was opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caps {
    /// Bits of `D3D11DDICAPS_SHADER_*`.
    pub shader: u32,
    /// `D3D11_1DDI_D3D11_OPTIONS_DATA::OutputMergerLogicOp`.
    pub logic_op: bool,
    /// `D3D11_1DDI_ARCHITECTURE_INFO_DATA::TileBasedDeferredRenderer`.
    pub tile_based: bool,
    /// Bits of `D3DWDDM1_3DDI_D3D11_OPTIONS_DATA1::TiledResourcesSupportFlags`.
    pub tiled: u32,
}

impl Caps {
    /// The tier of tiled resources, 0 for none.
    pub fn tiled_tier(&self) -> u32 {
        let tiers = [
            pvgpu_umd_ddi::D3DWDDM1_3DDI_TILED_RESOURCES_TIER_1_SUPPORTED,
            pvgpu_umd_ddi::D3DWDDM1_3DDI_TILED_RESOURCES_TIER_2_SUPPORTED,
        ];
        // CAST: 2 at most.
        tiers.iter().take_while(|tier| self.tiled & **tier != 0).count() as u32
    }

    /// Doubles in shaders.
    pub fn doubles(&self) -> bool {
        self.shader & D3D11DDICAPS_SHADER_DOUBLES != 0
    }
}

/// The runtime's core layer: where the driver's `pfnSetErrorCb` lands.
#[derive(Debug, Default)]
struct CoreLayer {
    /// The first error since it was last taken, 0 for none. Written by the driver, from inside its entries.
    error: AtomicI32,
}

/// An open driver device.
pub struct Driver {
    // Boxes: the driver keeps pointers to the tables and to the core layer.
    funcs: Box<D3DWDDM1_3DDI_DEVICEFUNCS>,
    dxgi: Box<DXGI1_2_DDI_BASE_FUNCTIONS>,
    core_layer: Box<CoreLayer>,
    device: D3D10DDI_HDEVICE,
    /// The driver's device lives in here.
    _memory: DriverMemory,
    adapter_funcs: Box<D3D10_2DDI_ADAPTERFUNCS>,
    adapter: D3D10DDI_HADAPTER,
    /// The driver's capabilities.
    pub caps: Caps,
}

impl Driver {
    /// Takes the error that the driver has reported since the last call.
    #[inline]
    pub fn take_error(&mut self) -> Result {
        match self.core_layer.error.load(Ordering::Relaxed) {
            0 => Ok(()),
            code => {
                self.core_layer.error.store(0, Ordering::Relaxed);
                Err(from_driver(code))
            }
        }
    }

    /// Forgets errors of calls that have no way to return them; device removal is asked of the kernel.
    #[inline]
    pub fn clear_error(&mut self) {
        self.core_layer.error.store(0, Ordering::Relaxed);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(destroy) = self.funcs.pfnDestroyDevice {
            // SAFETY: every object of the device is destroyed, and nothing uses it after.
            unsafe { destroy(self.device) };
        }
        if let Some(close) = self.adapter_funcs.pfnCloseAdapter {
            // SAFETY: its only device is destroyed.
            unsafe { close(self.adapter) };
        }
    }
}

/// The callbacks table that every device gets.
///
/// The state callbacks are for drivers that keep no copy of the state; ours keeps one, and a driver that asks is told that
/// this runtime does not do it.
static CORE_LAYER_CALLBACKS: D3D11DDI_CORELAYER_DEVICECALLBACKS = D3D11DDI_CORELAYER_DEVICECALLBACKS {
    pfnSetErrorCb: Some(set_error),
    pfnStateVsConstBufCb: Some(refresh_slots),
    pfnStatePsSrvCb: Some(refresh_slots),
    pfnStatePsShaderCb: Some(refresh),
    pfnStatePsSamplerCb: Some(refresh_slots),
    pfnStateVsShaderCb: Some(refresh),
    pfnStatePsConstBufCb: Some(refresh_slots),
    pfnStateIaInputLayoutCb: Some(refresh),
    pfnStateIaVertexBufCb: Some(refresh_slots),
    pfnStateIaIndexBufCb: Some(refresh),
    pfnStateGsConstBufCb: Some(refresh_slots),
    pfnStateGsShaderCb: Some(refresh),
    pfnStateIaPrimitiveTopologyCb: Some(refresh),
    pfnStateVsSrvCb: Some(refresh_slots),
    pfnStateVsSamplerCb: Some(refresh_slots),
    pfnStateGsSrvCb: Some(refresh_slots),
    pfnStateGsSamplerCb: Some(refresh_slots),
    pfnStateOmRenderTargetsCb: Some(refresh),
    pfnStateOmBlendStateCb: Some(refresh),
    pfnStateOmDepthStateCb: Some(refresh),
    pfnStateRsRastStateCb: Some(refresh),
    pfnStateSoTargetsCb: Some(refresh),
    pfnStateRsViewportsCb: Some(refresh),
    pfnStateRsScissorCb: Some(refresh),
    pfnDisableDeferredStagingResourceDestruction: Some(nothing_deferred),
    pfnStateTextFilterSizeCb: Some(refresh),
    pfnStateHsSrvCb: Some(refresh_slots),
    pfnStateHsShaderCb: Some(refresh),
    pfnStateHsSamplerCb: Some(refresh_slots),
    pfnStateHsConstBufCb: Some(refresh_slots),
    pfnStateDsSrvCb: Some(refresh_slots),
    pfnStateDsShaderCb: Some(refresh),
    pfnStateDsSamplerCb: Some(refresh_slots),
    pfnStateDsConstBufCb: Some(refresh_slots),
    pfnPerformAmortizedProcessingCb: Some(nothing_deferred),
    pfnStateCsSrvCb: Some(refresh_slots),
    pfnStateCsUavCb: Some(refresh_slots),
    pfnStateCsShaderCb: Some(refresh),
    pfnStateCsSamplerCb: Some(refresh_slots),
    pfnStateCsConstBufCb: Some(refresh_slots),
};

/// `pfnSetErrorCb`: keeps the first error of a call.
unsafe extern "system" fn set_error(core_layer: D3D10DDI_HRTCORELAYER, code: i32) {
    // SAFETY: the handle is the one that `load` passed: the device's boxed core layer, which outlives the driver.
    if let Some(core_layer) = unsafe { core_layer.0.cast::<CoreLayer>().as_ref() } {
        let _ = core_layer.error.compare_exchange(0, code, Ordering::Relaxed, Ordering::Relaxed);
    }
}

unsafe extern "system" fn refresh(core_layer: D3D10DDI_HRTCORELAYER) {
    // SAFETY: the driver's promise is that of `set_error`.
    unsafe { set_error(core_layer, E_NOTIMPL) };
}

unsafe extern "system" fn refresh_slots(core_layer: D3D10DDI_HRTCORELAYER, _base: u32, _count: u32) {
    // SAFETY: the driver's promise is that of `set_error`.
    unsafe { set_error(core_layer, E_NOTIMPL) };
}

/// The runtime defers no work, so there is none to do or to stop.
unsafe extern "system" fn nothing_deferred(_core_layer: D3D10DDI_HRTCORELAYER) {}

/// `Ok` for a result code of a driver entry that is not a failure.
fn checked(code: i32) -> Result {
    if code >= 0 { Ok(()) } else { Err(from_driver(code)) }
}

/// What a driver that breaks its contract is answered with.
const BROKEN: Hresult = crate::hresult::DXGI_ERROR_DRIVER_INTERNAL_ERROR;

/// A handle's value.
type Raw = *mut c_void;
