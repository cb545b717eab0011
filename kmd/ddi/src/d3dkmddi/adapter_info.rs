//! `DxgkDdiQueryAdapterInfo`: the driver's capabilities and the segments of its memory.

use core::ffi::c_void;

use bytemuck::{Pod, Zeroable};

use crate::*;

enumeration! {
    /// What is asked.
    DXGK_QUERYADAPTERINFOTYPE: u32 {
        DXGKQAITYPE_UMDRIVERPRIVATE = 0,
        DXGKQAITYPE_DRIVERCAPS = 1,
        DXGKQAITYPE_QUERYSEGMENT = 2,
        DXGKQAITYPE_QUERYSEGMENT2 = 4,
        DXGKQAITYPE_QUERYSEGMENT3 = 5,
        DXGKQAITYPE_NUMPOWERCOMPONENTS = 6,
        DXGKQAITYPE_POWERCOMPONENTINFO = 7,
        DXGKQAITYPE_PREFERREDGPUNODE = 8,
        DXGKQAITYPE_POWERCOMPONENTPSTATEINFO = 9,
        DXGKQAITYPE_HISTORYBUFFERPRECISION = 10,
    }
}

/// Argument of `DxgkDdiQueryAdapterInfo`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_QUERYADAPTERINFO {
    pub Type: DXGK_QUERYADAPTERINFOTYPE,
    pub pInputData: *mut c_void,
    /// Bytes.
    pub InputDataSize: u32,
    pub pOutputData: *mut c_void,
    /// Bytes.
    pub OutputDataSize: u32,
}

enumeration! {
    /// The driver model that the driver implements.
    DXGK_WDDMVERSION: u32 {
        DXGKDDI_WDDMv1 = 0x1000,
        DXGKDDI_WDDMv1_2 = 0x1200,
        DXGKDDI_WDDMv1_3 = 0x1300,
        DXGKDDI_WDDMv2 = 0x2000,
        DXGKDDI_WDDMv2_1 = 0x2100,
        DXGKDDI_WDDMv2_2 = 0x2200,
    }
}

flags! {
    /// Which pointer shapes there are, or which one is set.
    DXGK_POINTERFLAGS { Monochrome = 0, Color = 1, MaskedColor = 2, }
}

flags! {
    /// Which gamma ramps the hardware takes.
    DXGK_GAMMARAMPCAPS { Gamma_Rgb256x3x16 = 0, }
}

flags! {
    /// How presents are done.
    DXGK_PRESENTATIONCAPS {
        NoScreenToScreenBlt = 0,
        NoOverlapScreenBlt = 1,
        SupportKernelModeCommandBuffer = 2,
        NoSameBitmapAlphaBlend = 3,
        NoSameBitmapStretchBlt = 4,
        NoSameBitmapTransparentBlt = 5,
        NoSameBitmapOverlappedAlphaBlend = 6,
        NoSameBitmapOverlappedStretchBlt = 7,
        DriverSupportsCddDwmInterop = 8,
        Reserved0 = 9,
        AlignmentShift = 10..14,
        MaxTextureWidthShift = 14..17,
        MaxTextureHeightShift = 17..20,
        SupportAllBltRops = 20,
        SupportMirrorStretchBlt = 21,
        SupportMonoStretchBltModes = 22,
        StagingRectStartPitchAligned = 23,
        NoSameBitmapBitBlt = 24,
        NoSameBitmapOverlappedBitBlt = 25,
        Reserved1 = 26,
        NoTempSurfaceForClearTypeBlend = 27,
        SupportSoftwareDeviceBitmaps = 28,
        NoCacheCoherentApertureMemory = 29,
        SupportLinearHeap = 30,
    }
}

flags! {
    /// How flips are done.
    DXGK_FLIPCAPS {
        FlipOnVSyncWithNoWait = 0, FlipOnVSyncMmIo = 1, FlipInterval = 2, FlipImmediateMmIo = 3, FlipIndependent = 4,
    }
}

flags! {
    /// What the scheduler can do with the GPU.
    DXGK_VIDSCHCAPS {
        MultiEngineAware = 0, VSyncPowerSaveAware = 1, PreemptionAware = 2, NoDmaPatching = 3, CancelCommandAware = 4,
    }
}

flags! {
    /// The flag word of [`DXGK_VIDMMCAPS`].
    DXGK_VIDMMCAPS_FLAGS {
        OutOfOrderLock = 0,
        DedicatedPagingEngine = 1,
        PagingEngineCanSwizzle = 2,
        SectionBackedPrimary = 3,
        CrossAdapterResource = 4,
    }
}

/// What the memory manager can do with the GPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_VIDMMCAPS {
    /// The header's unnamed union.
    pub Flags: DXGK_VIDMMCAPS_FLAGS,
    /// The node that pages.
    pub PagingNode: u32,
}

pub const DXGK_MAX_ASYMETRICAL_PROCESSING_NODES: usize = 64;

/// The GPU's nodes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_GPUENGINETOPOLOGY {
    pub NbAsymetricProcessingNodes: u32,
    pub Reserved: [u32; DXGK_MAX_ASYMETRICAL_PROCESSING_NODES],
}

impl Default for DXGK_GPUENGINETOPOLOGY {
    fn default() -> Self {
        Zeroable::zeroed()
    }
}

/// For the system's use; zero.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_VIRTUALADDRESSCAPS {
    pub Value: u32,
    pub VirtualAddressBitCount: u32,
    pub PageTableCoverageBitCount: u32,
    pub PageDirectoryEntrySize: u32,
    pub PageDirectorySegment: u32,
    pub PageTableSegment: u32,
    pub IdealGPUPageSize: u32,
}

/// One half of [`DXGK_DMABUFFERCAPS`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_DMABUFFERCAPS_BUFFER {
    pub Size: u32,
    pub PrivateDriverDataSize: u32,
    pub SegmentId: u32,
    pub Reserved1: u32,
    pub Reserved: [u32; 16],
}

/// For the system's use; zero.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_DMABUFFERCAPS {
    pub PresentDmaBuffer: DXGK_DMABUFFERCAPS_BUFFER,
    pub PagingDmaBuffer: DXGK_DMABUFFERCAPS_BUFFER,
}

/// The driver's capabilities; the layout of WDDM 1.3, which later versions extend.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_DRIVERCAPS {
    pub HighestAcceptableAddress: PHYSICAL_ADDRESS,
    pub MaxAllocationListSlotId: u32,
    /// Bytes.
    pub ApertureSegmentCommitLimit: usize,
    /// Pixels.
    pub MaxPointerWidth: u32,
    /// Lines.
    pub MaxPointerHeight: u32,
    pub PointerCaps: DXGK_POINTERFLAGS,
    pub InterruptMessageNumber: u32,
    pub NumberOfSwizzlingRanges: u32,
    pub MaxOverlays: u32,
    pub GammaRampCaps: DXGK_GAMMARAMPCAPS,
    pub PresentationCaps: DXGK_PRESENTATIONCAPS,
    pub MaxQueuedFlipOnVSync: u32,
    pub FlipCaps: DXGK_FLIPCAPS,
    pub SchedulingCaps: DXGK_VIDSCHCAPS,
    pub MemoryManagementCaps: DXGK_VIDMMCAPS,
    pub GpuEngineTopology: DXGK_GPUENGINETOPOLOGY,
    pub WDDMVersion: DXGK_WDDMVERSION,
    pub VirtualAddressCaps: DXGK_VIRTUALADDRESSCAPS,
    pub DmaBufferCaps: DXGK_DMABUFFERCAPS,
    pub PreemptionCaps: D3DKMDT_PREEMPTION_CAPS,
    pub SupportNonVGA: BOOLEAN,
    pub SupportSmoothRotation: BOOLEAN,
    pub SupportPerEngineTDR: BOOLEAN,
    pub SupportDirectFlip: BOOLEAN,
    pub SupportMultiPlaneOverlay: BOOLEAN,
    pub SupportRuntimePowerManagement: BOOLEAN,
    pub SupportSurpriseRemovalInHibernation: BOOLEAN,
    pub HybridDiscrete: BOOLEAN,
    pub MaxOverlayPlanes: u32,
}

flags! {
    /// What a segment is.
    DXGK_SEGMENTFLAGS {
        Aperture = 0,
        Agp = 1,
        CpuVisible = 2,
        UseBanking = 3,
        CacheCoherent = 4,
        PitchAlignment = 5,
        PopulatedFromSystemMemory = 6,
        PreservedDuringStandby = 7,
        PreservedDuringHibernate = 8,
        PartiallyPreservedDuringHibernate = 9,
        DirectFlip = 10,
    }
}

/// A segment, as `DXGKQAITYPE_QUERYSEGMENT` asks for it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_SEGMENTDESCRIPTOR {
    pub BaseAddress: PHYSICAL_ADDRESS,
    pub CpuTranslatedAddress: PHYSICAL_ADDRESS,
    /// Bytes.
    pub Size: usize,
    pub NbOfBanks: u32,
    pub pBankRangeTable: *mut usize,
    /// Bytes.
    pub CommitLimit: usize,
    pub Flags: DXGK_SEGMENTFLAGS,
}

/// A segment, as `DXGKQAITYPE_QUERYSEGMENT3` asks for it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_SEGMENTDESCRIPTOR3 {
    pub Flags: DXGK_SEGMENTFLAGS,
    /// Where the segment lies for the GPU.
    pub BaseAddress: PHYSICAL_ADDRESS,
    /// Where it lies for the processor, if `CpuVisible`.
    pub CpuTranslatedAddress: PHYSICAL_ADDRESS,
    /// Bytes.
    pub Size: usize,
    pub NbOfBanks: u32,
    pub pBankRangeTable: *mut usize,
    /// Bytes that may be committed at a time.
    pub CommitLimit: usize,
    pub SystemMemoryEndAddress: usize,
    pub Reserved: usize,
}

/// Input of the segment queries.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_QUERYSEGMENTIN {
    pub AgpApertureBase: PHYSICAL_ADDRESS,
    pub AgpApertureSize: LARGE_INTEGER,
    pub AgpFlags: DXGK_SEGMENTFLAGS,
}

/// Output of `DXGKQAITYPE_QUERYSEGMENT`; asked twice, first with a null array.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_QUERYSEGMENTOUT {
    pub NbSegment: u32,
    pub pSegmentDescriptor: *mut DXGK_SEGMENTDESCRIPTOR,
    pub PagingBufferSegmentId: u32,
    /// Bytes.
    pub PagingBufferSize: u32,
    /// Bytes.
    pub PagingBufferPrivateDataSize: u32,
}

/// Output of `DXGKQAITYPE_QUERYSEGMENT3`; asked twice, first with a null array.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_QUERYSEGMENTOUT3 {
    pub NbSegment: u32,
    pub pSegmentDescriptor: *mut DXGK_SEGMENTDESCRIPTOR3,
    pub PagingBufferSegmentId: u32,
    /// Bytes.
    pub PagingBufferSize: u32,
    /// Bytes.
    pub PagingBufferPrivateDataSize: u32,
}
