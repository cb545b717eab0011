//! Core-layer callbacks: what the driver may call back into the runtime without entering the kernel.
//!
//! The state callbacks ask the runtime to send one piece of state again through the device table, so a driver
//! need not keep copies. Which of the two numbers of the slot callbacks is first is not certain: see
//! SOURCES.md.
#![expect(non_camel_case_types, non_snake_case, reason = "names are Microsoft's")]
#![expect(missing_docs, reason = "members keep Microsoft's names; the DDI reference describes each one")]

use crate::*;

/// Reports an error of the DDI call in progress (DDIs that return nothing have no other way).
pub type PFND3D10DDI_SETERROR_CB =
    Option<unsafe extern "system" fn(hRuntimeDevice: D3D10DDI_HRTCORELAYER, hResult: HRESULT)>;

/// Asks the runtime to send one piece of state again, or to do one piece of its own work.
///
/// Stands for the header's types of this shape (`PFND3D10DDI_STATE_PS_SHADER_CB`,
/// `PFND3D11DDI_PERFORM_AMORTIZED_PROCESSING_CB`, …).
pub type StateCallback = Option<unsafe extern "system" fn(hRuntimeDevice: D3D10DDI_HRTCORELAYER)>;

/// Asks the runtime to send the bindings of slots `Base..Base + Count` again.
///
/// Stands for the header's types of this shape (`PFND3D10DDI_STATE_VS_CONSTBUF_CB`,
/// `PFND3D11DDI_STATE_CS_UAV_CB`, …).
pub type SlotsCallback =
    Option<unsafe extern "system" fn(hRuntimeDevice: D3D10DDI_HRTCORELAYER, Base: u32, Count: u32)>;

/// The callbacks of Direct3D 11.0 to 11.2, in the order of the header.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11DDI_CORELAYER_DEVICECALLBACKS {
    pub pfnSetErrorCb: PFND3D10DDI_SETERROR_CB,
    pub pfnStateVsConstBufCb: SlotsCallback,
    pub pfnStatePsSrvCb: SlotsCallback,
    pub pfnStatePsShaderCb: StateCallback,
    pub pfnStatePsSamplerCb: SlotsCallback,
    pub pfnStateVsShaderCb: StateCallback,
    pub pfnStatePsConstBufCb: SlotsCallback,
    pub pfnStateIaInputLayoutCb: StateCallback,
    pub pfnStateIaVertexBufCb: SlotsCallback,
    pub pfnStateIaIndexBufCb: StateCallback,
    pub pfnStateGsConstBufCb: SlotsCallback,
    pub pfnStateGsShaderCb: StateCallback,
    pub pfnStateIaPrimitiveTopologyCb: StateCallback,
    pub pfnStateVsSrvCb: SlotsCallback,
    pub pfnStateVsSamplerCb: SlotsCallback,
    pub pfnStateGsSrvCb: SlotsCallback,
    pub pfnStateGsSamplerCb: SlotsCallback,
    pub pfnStateOmRenderTargetsCb: StateCallback,
    pub pfnStateOmBlendStateCb: StateCallback,
    pub pfnStateOmDepthStateCb: StateCallback,
    pub pfnStateRsRastStateCb: StateCallback,
    pub pfnStateSoTargetsCb: StateCallback,
    pub pfnStateRsViewportsCb: StateCallback,
    pub pfnStateRsScissorCb: StateCallback,
    pub pfnDisableDeferredStagingResourceDestruction: StateCallback,
    pub pfnStateTextFilterSizeCb: StateCallback,
    pub pfnStateHsSrvCb: SlotsCallback,
    pub pfnStateHsShaderCb: StateCallback,
    pub pfnStateHsSamplerCb: SlotsCallback,
    pub pfnStateHsConstBufCb: SlotsCallback,
    pub pfnStateDsSrvCb: SlotsCallback,
    pub pfnStateDsShaderCb: StateCallback,
    pub pfnStateDsSamplerCb: SlotsCallback,
    pub pfnStateDsConstBufCb: SlotsCallback,
    pub pfnPerformAmortizedProcessingCb: StateCallback,
    pub pfnStateCsSrvCb: SlotsCallback,
    pub pfnStateCsUavCb: SlotsCallback,
    pub pfnStateCsShaderCb: StateCallback,
    pub pfnStateCsSamplerCb: SlotsCallback,
    pub pfnStateCsConstBufCb: SlotsCallback,
}

// Sizes on x64, from the sources named in SOURCES.md.
const _: () = assert!(size_of::<D3D11DDI_CORELAYER_DEVICECALLBACKS>() == 320);
const _: () = assert!(core::mem::offset_of!(D3D11DDI_CORELAYER_DEVICECALLBACKS, pfnSetErrorCb) == 0);
const _: () = assert!(
    core::mem::offset_of!(D3D11DDI_CORELAYER_DEVICECALLBACKS, pfnPerformAmortizedProcessingCb) == 272
);
