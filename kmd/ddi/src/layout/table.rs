//! The table of layouts.
//!
//! Rows of one header and source stand together: structs in the order of this crate's files, then blocks that stand for
//! unions, then flag words. `(…)` is the header's name where it differs from ours; empty where C has none.

use core::mem::offset_of;

use super::{Header, Layout, Member, layouts};
use crate::*;

layouts! {
    Nt "mingw" {
        struct GUID: 16 { Data1: 0, Data2: 4, Data3: 6, Data4: 8, }
        struct LUID: 8 { LowPart: 0, HighPart: 4, }
        struct RECT: 16 { left: 0, top: 4, right: 8, bottom: 12, }
        struct POINT: 8 { x: 0, y: 4, }
        struct LIST_ENTRY: 16 { Flink: 0, Blink: 8, }
        struct UNICODE_STRING: 16 { Length: 0, MaximumLength: 2, Buffer: 8, }
        struct OBJECT_ATTRIBUTES: 48 {
            Length: 0, RootDirectory: 8, ObjectName: 16, Attributes: 24, SecurityDescriptor: 32,
            SecurityQualityOfService: 40,
        }
        struct KEY_VALUE_PARTIAL_INFORMATION: 16 { TitleIndex: 0, Type: 4, DataLength: 8, Data: 12, }
        struct IO_STATUS_BLOCK: 16 { Status: 0, Padding0 (""): 4, Information: 8, }
        struct KEVENT: 24 { Opaque (""): 0, }
        struct KTIMER: 64 { Opaque (""): 0, }
        struct KDPC: 64 { Opaque (""): 0, }
        struct MDL: 48 {
            Next: 0, Size: 8, MdlFlags: 10, Padding0 (""): 12, Process: 16, MappedSystemVa: 24, StartVa: 32,
            ByteCount: 40, ByteOffset: 44,
        }
        struct DRIVER_OBJECT: 336 {
            Type: 0, Size: 2, Padding0 (""): 4, DeviceObject: 8, Flags: 16, Padding1 (""): 20, DriverStart: 24,
            DriverSize: 32, Padding2 (""): 36, DriverSection: 40, DriverExtension: 48, DriverName: 56,
            HardwareDatabase: 72, FastIoDispatch: 80, DriverInit: 88, DriverStartIo: 96, DriverUnload: 104,
            MajorFunction: 112,
        }
        struct INTERFACE: 32 {
            Size: 0, Version: 2, Padding0 (""): 4, Context: 8, InterfaceReference: 16, InterfaceDereference: 24,
        }
        struct QUERY_INTERFACE: 32 {
            InterfaceType: 0, Size: 8, Version: 10, Padding0 (""): 12, Interface: 16, InterfaceSpecificData: 24,
        }
        struct STATUS_BLOCK: 16 { Status: 0, Padding0 (""): 4, Information: 8, }
        struct VIDEO_REQUEST_PACKET: 48 {
            IoControlCode: 0, Padding0 (""): 4, StatusBlock: 8, InputBuffer: 16, InputBufferLength: 24,
            Padding1 (""): 28, OutputBuffer: 32, OutputBufferLength: 40, Padding2 (""): 44,
        }
        struct CM_RESOURCE_RANGE ("CM_PARTIAL_RESOURCE_DESCRIPTOR.u.Memory"): 12 {
            StartLow ("Start"): 0, StartHigh (""): 4, Length: 8,
        }
        struct CM_RESOURCE_INTERRUPT ("CM_PARTIAL_RESOURCE_DESCRIPTOR.u.Interrupt"): 16 {
            Level: 0, Vector: 4, AffinityLow ("Affinity"): 8, AffinityHigh (""): 12,
        }
        struct CM_RESOURCE_MESSAGE_INTERRUPT_RAW ("CM_PARTIAL_RESOURCE_DESCRIPTOR.u.MessageInterrupt.Raw"): 16 {
            Group (""): 0, MessageCount: 2, Vector: 4, AffinityLow ("Affinity"): 8, AffinityHigh (""): 12,
        }
        struct CM_PARTIAL_RESOURCE_DESCRIPTOR: 20 { Type: 0, ShareDisposition: 1, Flags: 2, u: 4, }
        struct CM_PARTIAL_RESOURCE_LIST: 28 { Version: 0, Revision: 2, Count: 4, PartialDescriptors: 8, }
        struct CM_FULL_RESOURCE_DESCRIPTOR: 36 { InterfaceType: 0, BusNumber: 4, PartialResourceList: 8, }
        struct CM_RESOURCE_LIST: 40 { Count: 0, List: 4, }
        union CM_PARTIAL_RESOURCE_DESCRIPTOR_u ("CM_PARTIAL_RESOURCE_DESCRIPTOR.u"): 16;
    }
    D3dukmdt "libdxg" {
        struct D3DDDI_RATIONAL: 8 { Numerator: 0, Denominator: 4, }
        struct D3DDDI_MULTISAMPLINGMETHOD: 8 { NumSamples: 0, NumQualityLevels: 4, }
        struct D3DDDI_PATCHLOCATIONLIST: 24 {
            AllocationIndex: 0, Slot ("Value"): 4, DriverId: 8, AllocationOffset: 12, PatchOffset: 16,
            SplitOffset: 20,
        }
        struct D3DDDI_GAMMA_RAMP_RGB256x3x16: 1536 { Red: 0, Green: 512, Blue: 1024, }
        flags D3DDDI_ESCAPEFLAGS;
        flags D3DDDI_PATCHLOCATIONLIST_SLOT ("D3DDDI_PATCHLOCATIONLIST", 4, "");
    }
    D3dkmdt "libdxg; docs 2018" {
        struct D3DKMDT_2DREGION: 8 { cx: 0, cy: 4, }
        struct D3DKMDT_COLOR_COEFF_DYNAMIC_RANGES: 16 {
            FirstChannel: 0, SecondChannel: 4, ThirdChannel: 8, FourthChannel: 12,
        }
        struct D3DKMDT_GRAPHICS_RENDERING_FORMAT: 32 {
            PrimSurfSize: 0, VisibleRegionSize: 8, Stride: 16, PixelFormat: 20, ColorBasis: 24,
            PixelValueAccessMode: 28,
        }
        struct D3DKMDT_VIDPN_SOURCE_MODE_Format ("D3DKMDT_VIDPN_SOURCE_MODE.Format"): 32 { Graphics: 0, }
        struct D3DKMDT_VIDPN_SOURCE_MODE: 40 { Id: 0, Type: 4, Format: 8, }
        struct D3DKMDT_VIDEO_SIGNAL_INFO: 56 {
            VideoStandard: 0, TotalSize: 4, ActiveSize: 12, VSyncFreq: 20, HSyncFreq: 28, PixelRate: 40,
            AdditionalSignalInfo: 48,
        }
        struct D3DKMDT_VIDPN_TARGET_MODE: 72 { Id: 0, VideoSignalInfo: 8, Preference: 64, }
        struct D3DKMDT_VIDPN_PRESENT_PATH_TRANSFORMATION: 16 {
            Scaling: 0, ScalingSupport: 4, Rotation: 8, RotationSupport: 12,
        }
        struct D3DKMDT_VIDPN_PRESENT_PATH_COPYPROTECTION: 268 {
            CopyProtectionType: 0, APSTriggerBits: 4, OEMCopyProtection: 8, CopyProtectionSupport: 264,
        }
        struct D3DKMDT_GAMMA_RAMP: 24 { Type: 0, DataSize: 8, Data: 16, }
        struct D3DKMDT_VIDPN_PRESENT_PATH: 360 {
            VidPnSourceId: 0, VidPnTargetId: 4, ImportanceOrdinal: 8, ContentTransformation: 12,
            VisibleFromActiveTLOffset: 28, VisibleFromActiveBROffset: 36, VidPnTargetColorBasis: 44,
            VidPnTargetColorCoeffDynamicRanges: 48, Content: 64, CopyProtection: 68, GammaRamp: 336,
        }
        struct D3DKMDT_MONITOR_SOURCE_MODE: 96 {
            Id: 0, VideoSignalInfo: 8, ColorBasis: 64, ColorCoeffDynamicRanges: 68, Origin: 84, Preference: 88,
        }
        struct D3DKMDT_MONITOR_DESCRIPTOR: 32 { Id: 0, Type: 4, DataSize: 8, pData: 16, Origin: 24, }
        struct D3DKMDT_FREQUENCY_RANGE: 32 { MinVSyncFreq: 0, MaxVSyncFreq: 8, MinHSyncFreq: 16, MaxHSyncFreq: 24, }
        struct D3DKMDT_MONITOR_FREQUENCY_RANGE: 48 {
            Origin: 0, RangeLimits: 4, ConstraintType: 36, Constraint: 40,
        }
        struct D3DKMDT_SHAREDPRIMARYSURFACEDATA: 24 {
            Width: 0, Height: 4, Format: 8, RefreshRate: 12, VidPnSourceId: 20,
        }
        struct D3DKMDT_SHADOWSURFACEDATA: 16 { Width: 0, Height: 4, Format: 8, Pitch: 12, }
        struct D3DKMDT_STAGINGSURFACEDATA: 12 { Width: 0, Height: 4, Pitch: 8, }
        struct D3DKMDT_GDISURFACEDATA: 24 { Width: 0, Height: 4, Format: 8, Type: 12, Flags: 16, Pitch: 20, }
        struct DXGK_DISPLAY_INFORMATION: 32 {
            Width: 0, Height: 4, Pitch: 8, ColorFormat: 12, PhysicAddress: 16, TargetId: 24, AcpiId: 28,
        }
        struct D3DKMDT_PALETTEDATA: 4 { Red: 0, Green: 1, Blue: 2, Unused: 3, }
        struct DXGKARG_SETPALETTE: 24 { VidPnSourceId: 0, FirstEntry: 4, NumEntries: 8, pLookupTable: 16, }
        struct D3DKMDT_PREEMPTION_CAPS: 8 { GraphicsPreemptionGranularity: 0, ComputePreemptionGranularity: 4, }
        struct DXGK_NODEMETADATA: 72 { EngineType: 0, FriendlyName: 4, Reserved: 68, }
        struct DXGK_GPUCLOCKDATA: 24 { GpuFrequency: 0, GpuClockCounter: 8, CpuClockCounter: 16, }
        union D3DKMDT_MONITOR_FREQUENCY_RANGE_Constraint ("D3DKMDT_MONITOR_FREQUENCY_RANGE.Constraint"): 8;
        flags D3DKMDT_VIDEO_SIGNAL_INFO_AdditionalSignalInfo ("D3DKMDT_VIDEO_SIGNAL_INFO", 48, "AdditionalSignalInfo.");
        flags D3DKMDT_VIDPN_PRESENT_PATH_SCALING_SUPPORT;
        flags D3DKMDT_VIDPN_PRESENT_PATH_ROTATION_SUPPORT;
        flags D3DKMDT_VIDPN_PRESENT_PATH_COPYPROTECTION_SUPPORT;
        flags D3DKMDT_VIDPN_HW_CAPABILITY;
        flags D3DKMDT_GDISURFACEFLAGS;
    }
    D3dkmddi "docs 2018" {
        struct DXGKARG_QUERYADAPTERINFO: 40 {
            Type: 0, pInputData: 8, InputDataSize: 16, pOutputData: 24, OutputDataSize: 32,
        }
        struct DXGK_VIDMMCAPS: 8 { Flags ("Value"): 0, PagingNode: 4, }
        struct DXGK_GPUENGINETOPOLOGY: 260 { NbAsymetricProcessingNodes: 0, Reserved: 4, }
        struct DXGK_DRIVERCAPS: 552 {
            HighestAcceptableAddress: 0, MaxAllocationListSlotId: 8, ApertureSegmentCommitLimit: 16,
            MaxPointerWidth: 24, MaxPointerHeight: 28, PointerCaps: 32, InterruptMessageNumber: 36,
            NumberOfSwizzlingRanges: 40, MaxOverlays: 44, GammaRampCaps: 48, PresentationCaps: 52,
            MaxQueuedFlipOnVSync: 56, FlipCaps: 60, SchedulingCaps: 64, MemoryManagementCaps: 68,
            GpuEngineTopology: 76, WDDMVersion: 336, VirtualAddressCaps ("Reserved"): 340,
            DmaBufferCaps ("Reserved1"): 368, PreemptionCaps: 528, SupportNonVGA: 536, SupportSmoothRotation: 537,
            SupportPerEngineTDR: 538, SupportDirectFlip: 539, SupportMultiPlaneOverlay: 540,
            SupportRuntimePowerManagement: 541, SupportSurpriseRemovalInHibernation: 542, HybridDiscrete: 543,
            MaxOverlayPlanes: 544,
        }
        struct DXGK_SEGMENTDESCRIPTOR: 56 {
            BaseAddress: 0, CpuTranslatedAddress: 8, Size: 16, NbOfBanks: 24, pBankRangeTable: 32, CommitLimit: 40,
            Flags: 48,
        }
        struct DXGK_SEGMENTDESCRIPTOR3: 72 {
            Flags: 0, BaseAddress: 8, CpuTranslatedAddress: 16, Size: 24, NbOfBanks: 32, pBankRangeTable: 40,
            CommitLimit: 48, SystemMemoryEndAddress: 56, Reserved: 64,
        }
        struct DXGK_QUERYSEGMENTIN: 24 { AgpApertureBase: 0, AgpApertureSize: 8, AgpFlags: 16, }
        struct DXGK_QUERYSEGMENTOUT: 32 {
            NbSegment: 0, pSegmentDescriptor: 8, PagingBufferSegmentId: 16, PagingBufferSize: 20,
            PagingBufferPrivateDataSize: 24,
        }
        struct DXGK_QUERYSEGMENTOUT3: 32 {
            NbSegment: 0, pSegmentDescriptor: 8, PagingBufferSegmentId: 16, PagingBufferSize: 20,
            PagingBufferPrivateDataSize: 24,
        }
        struct DXGK_ALLOCATIONUSAGEINFO1: 36 {
            Flags: 0, Format: 4, SwizzledFormat: 8, ByteOffset: 12, Width: 16, Height: 20, Pitch: 24, Depth: 28,
            SlicePitch: 32,
        }
        struct DXGK_ALLOCATIONUSAGEHINT: 40 { Version: 0, v1: 4, }
        struct DXGK_ALLOCATIONINFO: 88 {
            pPrivateDriverData: 0, PrivateDriverDataSize: 8, Alignment: 12, Size: 16, PitchAlignedSize: 24,
            HintedBank: 32, PreferredSegment: 36, SupportedReadSegmentSet: 40, SupportedWriteSegmentSet: 44,
            EvictionSegmentSet: 48, MaximumRenamingListLength: 52, hAllocation: 56, Flags: 64,
            pAllocationUsageHint: 72, AllocationPriority: 80,
        }
        struct DXGKARG_CREATEALLOCATION: 40 {
            pPrivateDriverData: 0, PrivateDriverDataSize: 8, NumAllocations: 12, pAllocationInfo: 16, hResource: 24,
            Flags: 32,
        }
        struct DXGKARG_DESTROYALLOCATION: 32 { NumAllocations: 0, pAllocationList: 8, hResource: 16, Flags: 24, }
        struct DXGKARG_DESCRIBEALLOCATION: 48 {
            hAllocation: 0, Width: 8, Height: 12, Format: 16, MultisampleMethod: 20, RefreshRate: 28,
            PrivateDriverFormatAttribute: 36, Flags: 40, Rotation: 44,
        }
        struct DXGKARG_GETSTANDARDALLOCATIONDRIVERDATA: 48 {
            StandardAllocationType: 0, pSurfaceData ("pCreateSharedPrimarySurfaceData"): 8,
            pAllocationPrivateDriverData: 16, AllocationPrivateDriverDataSize: 24, pResourcePrivateDriverData: 32,
            ResourcePrivateDriverDataSize: 40,
        }
        struct DXGK_OPENALLOCATIONINFO: 32 {
            hAllocation: 0, pPrivateDriverData: 8, PrivateDriverDataSize: 16, hDeviceSpecificAllocation: 24,
        }
        struct DXGKARG_OPENALLOCATION: 56 {
            NumAllocations: 0, pOpenAllocation: 8, pPrivateDriverData: 16, PrivateDriverSize: 24, Flags: 28,
            SubresourceIndex: 32, SubresourceOffset: 40, Pitch: 48,
        }
        struct DXGKARG_CLOSEALLOCATION: 16 { NumAllocations: 0, pOpenHandleList: 8, }
        struct DXGKARGCB_GETHANDLEDATA: 12 { hObject: 0, Type: 4, Flags: 8, }
        struct DXGKARGCB_ENUMHANDLECHILDREN: 8 { hObject: 0, Index: 4, }
        struct DXGKARGCB_CREATECONTEXTALLOCATION: 80 {
            ContextAllocationFlags: 0, hAdapter: 8, hDevice: 16, hContext: 24, hDriverAllocation: 32, Size: 40,
            Alignment: 48, SupportedSegmentSet: 52, EvictionSegmentSet: 56, PreferredSegment: 60, HintedBank: 64,
            Flags: 68, hAllocation: 72,
        }
        struct DXGK_DEVICEINFO: 24 {
            DmaBufferSize: 0, DmaBufferSegmentSet: 4, DmaBufferPrivateDataSize: 8, AllocationListSize: 12,
            PatchLocationListSize: 16, Flags: 20,
        }
        struct DXGKARG_CREATEDEVICE: 16 { hDevice: 0, u ("Flags"): 8, }
        struct DXGK_CONTEXTINFO: 24 {
            DmaBufferSize: 0, DmaBufferSegmentSet: 4, DmaBufferPrivateDataSize: 8, AllocationListSize: 12,
            PatchLocationListSize: 16, Reserved: 20,
        }
        struct DXGKARG_CREATECONTEXT: 64 {
            hContext: 0, NodeOrdinal: 8, EngineAffinity: 12, Flags: 16, pPrivateDriverData: 24,
            PrivateDriverDataSize: 32, ContextInfo: 36,
        }
        struct DXGKARG_ESCAPE: 40 {
            hDevice: 0, Flags: 8, pPrivateDriverData: 16, PrivateDriverDataSize: 24, hContext: 32,
        }
        struct DXGK_ALLOCATIONLIST: 24 { hDeviceSpecificAllocation: 0, Flags (""): 8, PhysicalAddress: 16, }
        struct DXGKARG_RENDER: 112 {
            pCommand: 0, CommandLength: 8, pDmaBuffer: 16, DmaSize: 24, pDmaBufferPrivateData: 32,
            DmaBufferPrivateDataSize: 40, pAllocationList: 48, AllocationListSize: 56, pPatchLocationListIn: 64,
            PatchLocationListInSize: 72, pPatchLocationListOut: 80, PatchLocationListOutSize: 88,
            MultipassOffset: 92, DmaBufferSegmentId: 96, DmaBufferPhysicalAddress: 104,
        }
        struct DXGKARG_PRESENT: 136 {
            pDmaBuffer: 0, DmaSize: 8, pDmaBufferPrivateData: 16, DmaBufferPrivateDataSize: 24, pAllocationList: 32,
            pPatchLocationListOut: 40, PatchLocationListOutSize: 48, MultipassOffset: 52, Color: 56, DstRect: 60,
            SrcRect: 76, SubRectCnt: 92, pDstSubRects: 96, FlipInterval: 104, Flags: 108, DmaBufferSegmentId: 112,
            DmaBufferPhysicalAddress: 120, Reserved: 128,
        }
        struct DXGKARG_PATCH: 120 {
            hContext: 0, DmaBufferSegmentId: 8, DmaBufferPhysicalAddress: 16, pDmaBuffer: 24, DmaBufferSize: 32,
            DmaBufferSubmissionStartOffset: 36, DmaBufferSubmissionEndOffset: 40, pDmaBufferPrivateData: 48,
            DmaBufferPrivateDataSize: 56, DmaBufferPrivateDataSubmissionStartOffset: 60,
            DmaBufferPrivateDataSubmissionEndOffset: 64, pAllocationList: 72, AllocationListSize: 80,
            pPatchLocationList: 88, PatchLocationListSize: 96, PatchLocationListSubmissionStart: 100,
            PatchLocationListSubmissionLength: 104, SubmissionFenceId: 108, Flags: 112, EngineOrdinal: 116,
        }
        struct DXGKARG_SUBMITCOMMAND: 96 {
            hContext: 0, DmaBufferSegmentId: 8, DmaBufferPhysicalAddress: 16, DmaBufferSize: 24,
            DmaBufferSubmissionStartOffset: 28, DmaBufferSubmissionEndOffset: 32, pDmaBufferPrivateData: 40,
            DmaBufferPrivateDataSize: 48, DmaBufferPrivateDataSubmissionStartOffset: 52,
            DmaBufferPrivateDataSubmissionEndOffset: 56, SubmissionFenceId: 60, VidPnSourceId: 64, FlipInterval: 68,
            Flags: 72, EngineOrdinal: 76, DmaBufferVirtualAddress: 80, NodeOrdinal: 88,
        }
        struct DXGKARG_PREEMPTCOMMAND: 16 { PreemptionFenceId: 0, NodeOrdinal: 4, EngineOrdinal: 8, Flags: 12, }
        struct DXGKARG_CANCELCOMMAND: 96 {
            hContext: 0, pDmaBuffer: 8, DmaBufferSize: 16, DmaBufferSubmissionStartOffset: 20,
            DmaBufferSubmissionEndOffset: 24, pDmaBufferPrivateData: 32, DmaBufferPrivateDataSize: 40,
            DmaBufferPrivateDataSubmissionStartOffset: 44, DmaBufferPrivateDataSubmissionEndOffset: 48,
            pAllocationList: 56, AllocationListSize: 64, pPatchLocationList: 72, PatchLocationListSize: 80,
            PatchLocationListSubmissionStart: 84, PatchLocationListSubmissionLength: 88,
        }
        struct DXGKARG_QUERYCURRENTFENCE: 12 { CurrentFence: 0, NodeOrdinal: 4, EngineOrdinal: 8, }
        struct DXGKARG_QUERYDEPENDENTENGINEGROUP: 16 {
            NodeOrdinal: 0, EngineOrdinal: 4, DependentNodeOrdinalMask: 8,
        }
        struct DXGKARG_QUERYENGINESTATUS: 12 { NodeOrdinal: 0, EngineOrdinal: 4, EngineStatus: 8, }
        struct DXGKARG_RESETENGINE: 12 { NodeOrdinal: 0, EngineOrdinal: 4, LastAbortedFenceId: 8, }
        struct DXGKARG_COLLECTDBGINFO_EXT: 32 {
            BucketingKey: 0, CurrentDmaBufferOffset: 4, Reserved2: 8, Reserved3: 12, Reserved4: 16, Reserved5: 20,
            Reserved6: 24, Reserved7: 28,
        }
        struct DXGKARG_COLLECTDBGINFO: 32 { Reason: 0, pBuffer: 8, BufferSize: 16, pExtension: 24, }
        struct DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaCompleted ("DXGKARGCB_NOTIFY_INTERRUPT_DATA.DmaCompleted"): 12 {
            SubmissionFenceId: 0, NodeOrdinal: 4, EngineOrdinal: 8,
        }
        struct DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaPreempted ("DXGKARGCB_NOTIFY_INTERRUPT_DATA.DmaPreempted"): 16 {
            PreemptionFenceId: 0, LastCompletedFenceId: 4, NodeOrdinal: 8, EngineOrdinal: 12,
        }
        struct DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaFaulted ("DXGKARGCB_NOTIFY_INTERRUPT_DATA.DmaFaulted"): 16 {
            FaultedFenceId: 0, Status: 4, NodeOrdinal: 8, EngineOrdinal: 12,
        }
        struct DXGKARGCB_NOTIFY_INTERRUPT_DATA_CrtcVsync ("DXGKARGCB_NOTIFY_INTERRUPT_DATA.CrtcVsync"): 24 {
            VidPnTargetId: 0, Padding0 (""): 4, PhysicalAddress: 8, PhysicalAdapterMask: 16, Padding1 (""): 20,
        }
        struct DXGKARGCB_NOTIFY_INTERRUPT_DATA: 80 {
            InterruptType: 0, Padding0 (""): 4, u ("Reserved"): 8, Flags: 72, Padding1 (""): 76,
        }
        struct DXGKARG_BUILDPAGINGBUFFER_Location ("DXGKARG_BUILDPAGINGBUFFER.Transfer.Source"): 16 {
            SegmentId: 0, Padding0 (""): 4, SegmentAddress: 8,
        }
        struct DXGKARG_BUILDPAGINGBUFFER_Transfer ("DXGKARG_BUILDPAGINGBUFFER.Transfer"): 64 {
            hAllocation: 0, TransferOffset: 8, Padding0 (""): 12, TransferSize: 16, Source: 24, Destination: 40,
            Flags: 56, MdlOffset: 60,
        }
        struct DXGKARG_BUILDPAGINGBUFFER_Fill ("DXGKARG_BUILDPAGINGBUFFER.Fill"): 40 {
            hAllocation: 0, FillSize: 8, FillPattern: 16, Padding0 (""): 20, Destination: 24,
        }
        struct DXGKARG_BUILDPAGINGBUFFER_DiscardContent ("DXGKARG_BUILDPAGINGBUFFER.DiscardContent"): 24 {
            hAllocation: 0, Flags: 8, SegmentId: 12, SegmentAddress: 16,
        }
        struct DXGKARG_BUILDPAGINGBUFFER_Physical ("DXGKARG_BUILDPAGINGBUFFER.ReadPhysical"): 16 {
            SegmentId: 0, Padding0 (""): 4, PhysicalAddress: 8,
        }
        struct DXGKARG_BUILDPAGINGBUFFER_MapApertureSegment ("DXGKARG_BUILDPAGINGBUFFER.MapApertureSegment"): 56 {
            hDevice: 0, hAllocation: 8, SegmentId: 16, Padding0 (""): 20, OffsetInPages: 24, NumberOfPages: 32,
            pMdl: 40, Flags: 48, MdlOffset: 52,
        }
        struct DXGKARG_BUILDPAGINGBUFFER_UnmapApertureSegment ("DXGKARG_BUILDPAGINGBUFFER.UnmapApertureSegment"): 48 {
            hDevice: 0, hAllocation: 8, SegmentId: 16, Padding0 (""): 20, OffsetInPages: 24, NumberOfPages: 32,
            DummyPage: 40,
        }
        struct DXGKARG_BUILDPAGINGBUFFER_SpecialLockTransfer ("DXGKARG_BUILDPAGINGBUFFER.SpecialLockTransfer"): 72 {
            hAllocation: 0, TransferOffset: 8, Padding0 (""): 12, TransferSize: 16, Source: 24, Destination: 40,
            Flags: 56, SwizzlingRangeId: 60, SwizzlingRangeData: 64, Padding1 (""): 68,
        }
        struct DXGKARG_BUILDPAGINGBUFFER_InitContextResource ("DXGKARG_BUILDPAGINGBUFFER.InitContextResource"): 32 {
            hAllocation: 0, Destination: 8, VirtualAddress ("Destination.VirtualAddress"): 24,
        }
        struct DXGKARG_BUILDPAGINGBUFFER: 304 {
            pDmaBuffer: 0, DmaSize: 8, pDmaBufferPrivateData: 16, DmaBufferPrivateDataSize: 24, Operation: 28,
            MultipassOffset: 32, u ("Reserved"): 40, hSystemContext: 296,
        }
        struct DXGKARG_SETPOINTERPOSITION: 16 { VidPnSourceId: 0, X: 4, Y: 8, Flags: 12, }
        struct DXGKARG_SETPOINTERSHAPE: 40 {
            Flags: 0, Width: 4, Height: 8, Pitch: 12, VidPnSourceId: 16, pPixels: 24, XHot: 32, YHot: 36,
        }
        struct DXGKARG_GETSCANLINE: 12 { VidPnTargetId: 0, InVerticalBlank: 4, ScanLine: 8, }
        struct DXGKARG_SETVIDPNSOURCEADDRESS: 560 {
            VidPnSourceId: 0, PrimarySegment: 4, PrimaryAddress: 8, hAllocation: 16, ContextCount: 24, Context: 32,
            Flags: 552, Duration: 556,
        }
        struct DXGKARG_SETVIDPNSOURCEVISIBILITY: 8 { VidPnSourceId: 0, Visible: 4, }
        struct DXGKARG_SETDISPLAYPRIVATEDRIVERFORMAT: 24 {
            VidPnSourceId: 0, PrimaryAllocation: 8, PrivateDriverFormatAttribute: 16,
        }
        struct DXGKARG_ISSUPPORTEDVIDPN: 16 { hDesiredVidPn: 0, IsVidPnSupported: 8, }
        struct DXGKARG_RECOMMENDFUNCTIONALVIDPN: 48 {
            NumberOfVidPnTargets: 0, pVidPnTargetPrioritizationVector: 8, hRecommendedFunctionalVidPn: 16,
            RequestReason: 24, pPrivateDriverData: 32, PrivateDriverDataSize: 40,
        }
        struct DXGK_ENUM_PIVOT: 8 { VidPnSourceId: 0, VidPnTargetId: 4, }
        struct DXGKARG_ENUMVIDPNCOFUNCMODALITY: 24 { hConstrainingVidPn: 0, EnumPivotType: 8, EnumPivot: 12, }
        struct DXGKARG_COMMITVIDPN: 32 {
            hFunctionalVidPn: 0, AffectedVidPnSourceId: 8, MonitorConnectivityChecks: 12, hPrimaryAllocation: 16,
            Flags: 24,
        }
        struct DXGKARG_UPDATEACTIVEVIDPNPRESENTPATH: 360 { VidPnPresentPathInfo: 0, }
        struct DXGKARG_RECOMMENDMONITORMODES: 24 {
            VideoPresentTargetId: 0, hMonitorSourceModeSet: 8, pMonitorSourceModeSetInterface: 16,
        }
        struct DXGKARG_RECOMMENDVIDPNTOPOLOGY: 24 {
            hVidPn: 0, VidPnSourceId: 8, RequestReason: 12, hFallbackTopology: 16,
        }
        struct DXGKARG_QUERYVIDPNHWCAPABILITY: 24 {
            hFunctionalVidPn: 0, SourceId: 8, TargetId: 12, VidPnHWCaps: 16,
        }
        struct DXGK_VIDPNTOPOLOGY_INTERFACE: 96 {
            pfnGetNumPaths: 0, pfnGetNumPathsFromSource: 8, pfnEnumPathTargetsFromSource: 16,
            pfnGetPathSourceFromTarget: 24, pfnAcquirePathInfo: 32, pfnAcquireFirstPathInfo: 40,
            pfnAcquireNextPathInfo: 48, pfnUpdatePathSupportInfo: 56, pfnReleasePathInfo: 64,
            pfnCreateNewPathInfo: 72, pfnAddPath: 80, pfnRemovePath: 88,
        }
        struct DXGK_VIDPNSOURCEMODESET_INTERFACE: 64 {
            pfnGetNumModes: 0, pfnAcquireFirstModeInfo: 8, pfnAcquireNextModeInfo: 16, pfnAcquirePinnedModeInfo: 24,
            pfnReleaseModeInfo: 32, pfnCreateNewModeInfo: 40, pfnAddMode: 48, pfnPinMode: 56,
        }
        struct DXGK_VIDPNTARGETMODESET_INTERFACE: 64 {
            pfnGetNumModes: 0, pfnAcquireFirstModeInfo: 8, pfnAcquireNextModeInfo: 16, pfnAcquirePinnedModeInfo: 24,
            pfnReleaseModeInfo: 32, pfnCreateNewModeInfo: 40, pfnAddMode: 48, pfnPinMode: 56,
        }
        struct DXGK_VIDPN_INTERFACE: 88 {
            Version: 0, pfnGetTopology: 8, pfnAcquireSourceModeSet: 16, pfnReleaseSourceModeSet: 24,
            pfnCreateNewSourceModeSet: 32, pfnAssignSourceModeSet: 40, pfnAssignMultisamplingMethodSet: 48,
            pfnAcquireTargetModeSet: 56, pfnReleaseTargetModeSet: 64, pfnCreateNewTargetModeSet: 72,
            pfnAssignTargetModeSet: 80,
        }
        struct DXGK_MONITORSOURCEMODESET_INTERFACE: 56 {
            pfnGetNumModes: 0, pfnAcquirePreferredModeInfo: 8, pfnAcquireFirstModeInfo: 16,
            pfnAcquireNextModeInfo: 24, pfnCreateNewModeInfo: 32, pfnAddMode: 40, pfnReleaseModeInfo: 48,
        }
        struct DXGK_MONITORFREQUENCYRANGESET_INTERFACE: 32 {
            pfnGetNumFrequencyRanges: 0, pfnAcquireFirstFrequencyRangeInfo: 8, pfnAcquireNextFrequencyRangeInfo: 16,
            pfnReleaseFrequencyRangeInfo: 24,
        }
        struct DXGK_MONITORDESCRIPTORSET_INTERFACE: 32 {
            pfnGetNumDescriptors: 0, pfnAcquireFirstDescriptorInfo: 8, pfnAcquireNextDescriptorInfo: 16,
            pfnReleaseDescriptorInfo: 24,
        }
        struct DXGK_MONITOR_INTERFACE: 40 {
            Version: 0, pfnAcquireMonitorSourceModeSet: 8, pfnReleaseMonitorSourceModeSet: 16,
            pfnGetMonitorFrequencyRangeSet: 24, pfnGetMonitorDescriptorSet: 32,
        }
        union DXGKARG_CREATEDEVICE_u ("DXGKARG_CREATEDEVICE.pInfo"): 8;
        union DXGKARGCB_NOTIFY_INTERRUPT_DATA_u ("DXGKARGCB_NOTIFY_INTERRUPT_DATA.Reserved"): 64;
        union DXGKARG_BUILDPAGINGBUFFER_u ("DXGKARG_BUILDPAGINGBUFFER.Reserved"): 256;
        flags DXGK_POINTERFLAGS;
        flags DXGK_GAMMARAMPCAPS;
        flags DXGK_PRESENTATIONCAPS;
        flags DXGK_FLIPCAPS;
        flags DXGK_VIDSCHCAPS;
        flags DXGK_VIDMMCAPS_FLAGS ("DXGK_VIDMMCAPS", 0, "");
        flags DXGK_SEGMENTFLAGS;
        flags DXGK_SEGMENTBANKPREFERENCE;
        flags DXGK_ALLOCATIONINFOFLAGS;
        flags DXGK_ALLOCATIONUSAGEINFO1_Flags ("DXGK_ALLOCATIONUSAGEINFO1", 0, "Flags.");
        flags DXGK_CREATEALLOCATIONFLAGS;
        flags DXGK_DESTROYALLOCATIONFLAGS;
        flags DXGK_DESCRIBEALLOCATIONFLAGS;
        flags DXGK_OPENALLOCATIONFLAGS;
        flags DXGKCB_GETHANDLEDATAFLAGS;
        flags DXGK_CREATECONTEXTALLOCATIONFLAGS;
        flags DXGK_CREATEDEVICEFLAGS;
        flags DXGK_DEVICEINFOFLAGS;
        flags DXGK_CREATECONTEXTFLAGS;
        flags DXGK_ALLOCATIONLIST_FLAGS ("DXGK_ALLOCATIONLIST", 8, "");
        flags DXGK_PRESENTFLAGS;
        flags DXGK_PATCHFLAGS;
        flags DXGK_SUBMITCOMMANDFLAGS;
        flags DXGK_PREEMPTCOMMANDFLAGS;
        flags DXGK_ENGINESTATUS;
        flags DXGKCB_NOTIFY_INTERRUPT_DATA_FLAGS;
        flags DXGK_TRANSFERFLAGS;
        flags DXGK_DISCARDCONTENTFLAGS;
        flags DXGK_MAPAPERTUREFLAGS;
        flags DXGK_SETPOINTERPOSITIONFLAGS;
        flags DXGK_SETVIDPNSOURCEADDRESS_FLAGS;
        flags DXGKARG_COMMITVIDPN_FLAGS;
    }
    D3dkmddi "docs 2024" {
        struct DXGKARG_CONTROLINTERRUPT2: 8 { InterruptType: 0, InterruptState: 4, }
    }
    D3dkmddi "ReactOS" {
        struct DXGK_VIRTUALADDRESSCAPS ("DXGK_VIRTUALADDRESSCAPS_DEPRECATED"): 28 {
            Value: 0, VirtualAddressBitCount: 4, PageTableCoverageBitCount: 8, PageDirectoryEntrySize: 12,
            PageDirectorySegment: 16, PageTableSegment: 20, IdealGPUPageSize: 24,
        }
        struct DXGK_DMABUFFERCAPS_BUFFER ("DXGK_DMABUFFERCAPS_DEPRECATED.PresentDmaBuffer"): 80 {
            Size: 0, PrivateDriverDataSize: 4, SegmentId: 8, Reserved1: 12, Reserved: 16,
        }
        struct DXGK_DMABUFFERCAPS ("DXGK_DMABUFFERCAPS_DEPRECATED"): 160 {
            PresentDmaBuffer: 0, PagingDmaBuffer: 80,
        }
        flags DXGK_SEGMENTPREFERENCE;
    }
    Dispmprt "docs 2018; ReactOS" {
        struct DXGK_VIDEO_OUTPUT_CAPABILITIES: 12 {
            InterfaceTechnology: 0, MonitorOrientationAwareness: 4, SupportsSdtvModes: 8, Padding0 (""): 9,
        }
        struct DXGK_CHILD_CAPABILITIES_Type ("DXGK_CHILD_CAPABILITIES.Type"): 12 { VideoOutput: 0, }
        struct DXGK_CHILD_CAPABILITIES: 16 { Type: 0, HpdAwareness: 12, }
        struct DXGK_CHILD_DESCRIPTOR: 28 { ChildDeviceType: 0, ChildCapabilities: 4, AcpiUid: 20, ChildUid: 24, }
        struct DXGK_CHILD_STATUS: 16 {
            Type: 0, ChildUid: 4, Connected ("HotPlug.Connected"): 8, Padding0 (""): 9,
            MiracastMonitorType ("Miracast.MiracastMonitorType"): 12,
        }
        struct DXGK_DEVICE_DESCRIPTOR: 16 { DescriptorOffset: 0, DescriptorLength: 4, DescriptorBuffer: 8, }
        struct DXGK_CHILD_CONTAINER_ID_EldInfo ("DXGK_CHILD_CONTAINER_ID.EldInfo"): 16 {
            PortId: 0, ManufacturerName: 8, ProductCode: 10,
        }
        struct DXGK_CHILD_CONTAINER_ID: 32 { ContainerId: 0, EldInfo: 16, }
        struct DXGK_START_INFO: 28 { RequiredDmaQueueEntry: 0, AdapterGuid: 4, AdapterLuid: 20, }
        struct DXGK_DEVICE_INFO: 80 {
            MiniportDeviceContext: 0, PhysicalDeviceObject: 8, DeviceRegistryPath: 16, TranslatedResourceList: 32,
            SystemMemorySize: 40, HighestPhysicalAddress: 48, AgpApertureBase: 56, AgpApertureSize: 64,
            DockingState: 72,
        }
        struct LINKED_DEVICE: 12 { ChainUid: 0, NumberOfLinksInChain: 4, LeadLink: 8, }
        struct DRIVER_INITIALIZATION_DATA: 1032 {
            Version: 0, DxgkDdiAddDevice: 8, DxgkDdiStartDevice: 16, DxgkDdiStopDevice: 24, DxgkDdiRemoveDevice: 32,
            DxgkDdiDispatchIoRequest: 40, DxgkDdiInterruptRoutine: 48, DxgkDdiDpcRoutine: 56,
            DxgkDdiQueryChildRelations: 64, DxgkDdiQueryChildStatus: 72, DxgkDdiQueryDeviceDescriptor: 80,
            DxgkDdiSetPowerState: 88, DxgkDdiNotifyAcpiEvent: 96, DxgkDdiResetDevice: 104, DxgkDdiUnload: 112,
            DxgkDdiQueryInterface: 120, DxgkDdiControlEtwLogging: 128, DxgkDdiQueryAdapterInfo: 136,
            DxgkDdiCreateDevice: 144, DxgkDdiCreateAllocation: 152, DxgkDdiDestroyAllocation: 160,
            DxgkDdiDescribeAllocation: 168, DxgkDdiGetStandardAllocationDriverData: 176,
            DxgkDdiAcquireSwizzlingRange: 184, DxgkDdiReleaseSwizzlingRange: 192, DxgkDdiPatch: 200,
            DxgkDdiSubmitCommand: 208, DxgkDdiPreemptCommand: 216, DxgkDdiBuildPagingBuffer: 224,
            DxgkDdiSetPalette: 232, DxgkDdiSetPointerPosition: 240, DxgkDdiSetPointerShape: 248,
            DxgkDdiResetFromTimeout: 256, DxgkDdiRestartFromTimeout: 264, DxgkDdiEscape: 272,
            DxgkDdiCollectDbgInfo: 280, DxgkDdiQueryCurrentFence: 288, DxgkDdiIsSupportedVidPn: 296,
            DxgkDdiRecommendFunctionalVidPn: 304, DxgkDdiEnumVidPnCofuncModality: 312,
            DxgkDdiSetVidPnSourceAddress: 320, DxgkDdiSetVidPnSourceVisibility: 328, DxgkDdiCommitVidPn: 336,
            DxgkDdiUpdateActiveVidPnPresentPath: 344, DxgkDdiRecommendMonitorModes: 352,
            DxgkDdiRecommendVidPnTopology: 360, DxgkDdiGetScanLine: 368, DxgkDdiStopCapture: 376,
            DxgkDdiControlInterrupt: 384, DxgkDdiCreateOverlay: 392, DxgkDdiDestroyDevice: 400,
            DxgkDdiOpenAllocation: 408, DxgkDdiCloseAllocation: 416, DxgkDdiRender: 424, DxgkDdiPresent: 432,
            DxgkDdiUpdateOverlay: 440, DxgkDdiFlipOverlay: 448, DxgkDdiDestroyOverlay: 456,
            DxgkDdiCreateContext: 464, DxgkDdiDestroyContext: 472, DxgkDdiLinkDevice: 480,
            DxgkDdiSetDisplayPrivateDriverFormat: 488, DxgkDdiDescribePageTable: 496, DxgkDdiUpdatePageTable: 504,
            DxgkDdiUpdatePageDirectory: 512, DxgkDdiMovePageDirectory: 520, DxgkDdiSubmitRender: 528,
            DxgkDdiCreateAllocation2: 536, DxgkDdiRenderKm: 544, Reserved: 552, DxgkDdiQueryVidPnHWCapability: 560,
            DxgkDdiSetPowerComponentFState: 568, DxgkDdiQueryDependentEngineGroup: 576,
            DxgkDdiQueryEngineStatus: 584, DxgkDdiResetEngine: 592,
            DxgkDdiStopDeviceAndReleasePostDisplayOwnership: 600, DxgkDdiSystemDisplayEnable: 608,
            DxgkDdiSystemDisplayWrite: 616, DxgkDdiCancelCommand: 624, DxgkDdiGetChildContainerId: 632,
            DxgkDdiPowerRuntimeControlRequest: 640, DxgkDdiSetVidPnSourceAddressWithMultiPlaneOverlay: 648,
            DxgkDdiNotifySurpriseRemoval: 656, DxgkDdiGetNodeMetadata: 664, DxgkDdiSetPowerPState: 672,
            DxgkDdiControlInterrupt2: 680, DxgkDdiCheckMultiPlaneOverlaySupport: 688, DxgkDdiCalibrateGpuClock: 696,
            DxgkDdiFormatHistoryBuffer: 704, DxgkDdiRenderGdi: 712, DxgkDdiSubmitCommandVirtual: 720,
            DxgkDdiSetRootPageTable: 728, DxgkDdiGetRootPageTableSize: 736, DxgkDdiMapCpuHostAperture: 744,
            DxgkDdiUnmapCpuHostAperture: 752, DxgkDdiCheckMultiPlaneOverlaySupport2: 760, DxgkDdiCreateProcess: 768,
            DxgkDdiDestroyProcess: 776, DxgkDdiSetVidPnSourceAddressWithMultiPlaneOverlay2: 784, Reserved1: 792,
            Reserved2: 800, DxgkDdiPowerRuntimeSetDeviceHandle: 808, DxgkDdiSetStablePowerState: 816,
            DxgkDdiSetVideoProtectedRegion: 824, DxgkDdiCheckMultiPlaneOverlaySupport3: 832,
            DxgkDdiSetVidPnSourceAddressWithMultiPlaneOverlay3: 840, DxgkDdiPostMultiPlaneOverlayPresent: 848,
            DxgkDdiValidateUpdateAllocationProperty: 856, DxgkDdiControlModeBehavior: 864,
            DxgkDdiUpdateMonitorLinkInfo: 872, DxgkDdiCreateHwContext: 880, DxgkDdiDestroyHwContext: 888,
            DxgkDdiCreateHwQueue: 896, DxgkDdiDestroyHwQueue: 904, DxgkDdiSubmitCommandToHwQueue: 912,
            DxgkDdiSwitchToHwContextList: 920, DxgkDdiResetHwEngine: 928,
            DxgkDdiCreatePeriodicFrameNotification: 936, DxgkDdiDestroyPeriodicFrameNotification: 944,
            DxgkDdiSetTimingsFromVidPn: 952, DxgkDdiSetTargetGamma: 960, DxgkDdiSetTargetContentType: 968,
            DxgkDdiSetTargetAnalogCopyProtection: 976, DxgkDdiSetTargetAdjustedColorimetry: 984,
            DxgkDdiDisplayDetectControl: 992, DxgkDdiQueryConnectionChange: 1000, DxgkDdiExchangePreStartInfo: 1008,
            DxgkDdiGetMultiPlaneOverlayCaps: 1016, DxgkDdiGetPostCompositionCaps: 1024,
        }
        struct DXGKRNL_INTERFACE: 264 {
            Size: 0, Version: 4, DeviceHandle: 8, DxgkCbEvalAcpiMethod: 16, DxgkCbGetDeviceInformation: 24,
            DxgkCbIndicateChildStatus: 32, DxgkCbMapMemory: 40, DxgkCbQueueDpc: 48, DxgkCbQueryServices: 56,
            DxgkCbReadDeviceSpace: 64, DxgkCbSynchronizeExecution: 72, DxgkCbUnmapMemory: 80,
            DxgkCbWriteDeviceSpace: 88, DxgkCbIsDevicePresent: 96, DxgkCbGetHandleData: 104,
            DxgkCbGetHandleParent: 112, DxgkCbEnumHandleChildren: 120, DxgkCbNotifyInterrupt: 128,
            DxgkCbNotifyDpc: 136, DxgkCbQueryVidPnInterface: 144, DxgkCbQueryMonitorInterface: 152,
            DxgkCbGetCaptureAddress: 160, DxgkCbLogEtwEvent: 168, DxgkCbExcludeAdapterAccess: 176,
            DxgkCbCreateContextAllocation: 184, DxgkCbDestroyContextAllocation: 192,
            DxgkCbSetPowerComponentActive: 200, DxgkCbSetPowerComponentIdle: 208,
            DxgkCbAcquirePostDisplayOwnership: 216, DxgkCbPowerRuntimeControlRequest: 224,
            DxgkCbSetPowerComponentLatency: 232, DxgkCbSetPowerComponentResidency: 240,
            DxgkCbCompleteFStateTransition: 248, DxgkCbCompletePStateTransition: 256,
        }
        flags DXGKARG_SYSTEM_DISPLAY_ENABLE_FLAGS;
    }
}
