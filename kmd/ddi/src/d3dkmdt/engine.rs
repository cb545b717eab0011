//! Engines: what they are, how finely they can be preempted, their clocks.
//!
//! The header packs this part to one byte.

use bytemuck::{Pod, Zeroable};

enumeration! {
    /// What an engine does.
    DXGK_ENGINE_TYPE: u32 {
        DXGK_ENGINE_TYPE_OTHER = 0,
        DXGK_ENGINE_TYPE_3D = 1,
        DXGK_ENGINE_TYPE_VIDEO_DECODE = 2,
        DXGK_ENGINE_TYPE_VIDEO_ENCODE = 3,
        DXGK_ENGINE_TYPE_VIDEO_PROCESSING = 4,
        DXGK_ENGINE_TYPE_SCENE_ASSEMBLY = 5,
        DXGK_ENGINE_TYPE_COPY = 6,
        DXGK_ENGINE_TYPE_OVERLAY = 7,
    }
}

enumeration! {
    /// Where rendering can be preempted.
    D3DKMDT_GRAPHICS_PREEMPTION_GRANULARITY: u32 {
        D3DKMDT_GRAPHICS_PREEMPTION_NONE = 0,
        D3DKMDT_GRAPHICS_PREEMPTION_DMA_BUFFER_BOUNDARY = 100,
        D3DKMDT_GRAPHICS_PREEMPTION_PRIMITIVE_BOUNDARY = 200,
        D3DKMDT_GRAPHICS_PREEMPTION_TRIANGLE_BOUNDARY = 300,
        D3DKMDT_GRAPHICS_PREEMPTION_PIXEL_BOUNDARY = 400,
        D3DKMDT_GRAPHICS_PREEMPTION_SHADER_BOUNDARY = 500,
    }
}

enumeration! {
    /// Where computation can be preempted.
    D3DKMDT_COMPUTE_PREEMPTION_GRANULARITY: u32 {
        D3DKMDT_COMPUTE_PREEMPTION_NONE = 0,
        D3DKMDT_COMPUTE_PREEMPTION_DMA_BUFFER_BOUNDARY = 100,
        D3DKMDT_COMPUTE_PREEMPTION_DISPATCH_BOUNDARY = 200,
        D3DKMDT_COMPUTE_PREEMPTION_THREAD_GROUP_BOUNDARY = 300,
        D3DKMDT_COMPUTE_PREEMPTION_THREAD_BOUNDARY = 400,
        D3DKMDT_COMPUTE_PREEMPTION_SHADER_BOUNDARY = 500,
    }
}

/// Where the GPU can be preempted.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct D3DKMDT_PREEMPTION_CAPS {
    pub GraphicsPreemptionGranularity: D3DKMDT_GRAPHICS_PREEMPTION_GRANULARITY,
    pub ComputePreemptionGranularity: D3DKMDT_COMPUTE_PREEMPTION_GRANULARITY,
}

/// Characters of `DXGK_NODEMETADATA::FriendlyName`.
pub const DXGK_MAX_METADATA_NAME_LENGTH: usize = 32;

/// What a node is; the layout of WDDM 1.3, which WDDM 2.0 extends.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_NODEMETADATA {
    pub EngineType: DXGK_ENGINE_TYPE,
    /// UTF-16; given for `DXGK_ENGINE_TYPE_OTHER`.
    pub FriendlyName: [u16; DXGK_MAX_METADATA_NAME_LENGTH],
    pub Reserved: u32,
}

/// Argument of `DxgkDdiGetNodeMetadata`.
pub type DXGKARG_GETNODEMETADATA = DXGK_NODEMETADATA;

/// One instant on the clocks of an engine and of the processor.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_GPUCLOCKDATA {
    /// Hertz.
    pub GpuFrequency: u64,
    pub GpuClockCounter: u64,
    /// The performance counter.
    pub CpuClockCounter: u64,
}

/// Argument of `DxgkDdiCalibrateGpuClock`.
pub type DXGKARG_CALIBRATEGPUCLOCK = DXGK_GPUCLOCKDATA;
