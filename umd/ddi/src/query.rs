//! Queries, counters and their results.
//!
//! The result structs are what `QueryGetData` writes for each [`D3D10DDI_QUERY`]; `OCCLUSION` and `TIMESTAMP`
//! write a `u64`, `EVENT` and the predicates a [`BOOL`].
#![expect(non_camel_case_types, non_snake_case, reason = "names are Microsoft's")]
#![expect(missing_docs, reason = "members keep Microsoft's names; the DDI reference describes each one")]

use crate::*;

/// Kind of query or counter.
pub type D3D10DDI_QUERY = u32;
pub const D3D10DDI_QUERY_EVENT: D3D10DDI_QUERY = 0;
pub const D3D10DDI_QUERY_OCCLUSION: D3D10DDI_QUERY = 1;
pub const D3D10DDI_QUERY_TIMESTAMP: D3D10DDI_QUERY = 2;
pub const D3D10DDI_QUERY_TIMESTAMPDISJOINT: D3D10DDI_QUERY = 3;
pub const D3D10DDI_QUERY_PIPELINESTATS: D3D10DDI_QUERY = 4;
pub const D3D10DDI_QUERY_OCCLUSIONPREDICATE: D3D10DDI_QUERY = 5;
pub const D3D10DDI_QUERY_STREAMOUTPUTSTATS: D3D10DDI_QUERY = 6;
pub const D3D10DDI_QUERY_STREAMOVERFLOWPREDICATE: D3D10DDI_QUERY = 7;
pub const D3D11DDI_QUERY_PIPELINESTATS: D3D10DDI_QUERY = 8;
pub const D3D11DDI_QUERY_STREAMOUTPUTSTATS_STREAM0: D3D10DDI_QUERY = 9;
pub const D3D11DDI_QUERY_STREAMOUTPUTSTATS_STREAM1: D3D10DDI_QUERY = 10;
pub const D3D11DDI_QUERY_STREAMOUTPUTSTATS_STREAM2: D3D10DDI_QUERY = 11;
pub const D3D11DDI_QUERY_STREAMOUTPUTSTATS_STREAM3: D3D10DDI_QUERY = 12;
pub const D3D11DDI_QUERY_STREAMOVERFLOWPREDICATE_STREAM0: D3D10DDI_QUERY = 13;
pub const D3D11DDI_QUERY_STREAMOVERFLOWPREDICATE_STREAM1: D3D10DDI_QUERY = 14;
pub const D3D11DDI_QUERY_STREAMOVERFLOWPREDICATE_STREAM2: D3D10DDI_QUERY = 15;
pub const D3D11DDI_QUERY_STREAMOVERFLOWPREDICATE_STREAM3: D3D10DDI_QUERY = 16;
pub const D3D10DDI_COUNTER_GPU_IDLE: D3D10DDI_QUERY = 0x1000;
pub const D3D10DDI_COUNTER_VERTEX_PROCESSING: D3D10DDI_QUERY = 0x1001;
pub const D3D10DDI_COUNTER_GEOMETRY_PROCESSING: D3D10DDI_QUERY = 0x1002;
pub const D3D10DDI_COUNTER_PIXEL_PROCESSING: D3D10DDI_QUERY = 0x1003;
pub const D3D10DDI_COUNTER_OTHER_GPU_PROCESSING: D3D10DDI_QUERY = 0x1004;
pub const D3D10DDI_COUNTER_HOST_ADAPTER_BANDWIDTH_UTILIZATION: D3D10DDI_QUERY = 0x1005;
pub const D3D10DDI_COUNTER_LOCAL_VIDMEM_BANDWIDTH_UTILIZATION: D3D10DDI_QUERY = 0x1006;
pub const D3D10DDI_COUNTER_VERTEX_THROUGHPUT_UTILIZATION: D3D10DDI_QUERY = 0x1007;
pub const D3D10DDI_COUNTER_TRISETUP_THROUGHPUT_UTILIZATION: D3D10DDI_QUERY = 0x1008;
pub const D3D10DDI_COUNTER_FILLRATE_THROUGHPUT_UTILIZATION: D3D10DDI_QUERY = 0x1009;
pub const D3D10DDI_COUNTER_VERTEXSHADER_MEMORY_LIMITED: D3D10DDI_QUERY = 0x100a;
pub const D3D10DDI_COUNTER_VERTEXSHADER_COMPUTATION_LIMITED: D3D10DDI_QUERY = 0x100b;
pub const D3D10DDI_COUNTER_GEOMETRYSHADER_MEMORY_LIMITED: D3D10DDI_QUERY = 0x100c;
pub const D3D10DDI_COUNTER_GEOMETRYSHADER_COMPUTATION_LIMITED: D3D10DDI_QUERY = 0x100d;
pub const D3D10DDI_COUNTER_PIXELSHADER_MEMORY_LIMITED: D3D10DDI_QUERY = 0x100e;
pub const D3D10DDI_COUNTER_PIXELSHADER_COMPUTATION_LIMITED: D3D10DDI_QUERY = 0x100f;
pub const D3D10DDI_COUNTER_POST_TRANSFORM_CACHE_HIT_RATE: D3D10DDI_QUERY = 0x1010;
pub const D3D10DDI_COUNTER_TEXTURE_CACHE_HIT_RATE: D3D10DDI_QUERY = 0x1011;
pub const D3D10DDI_COUNTER_DEVICE_DEPENDENT_0: D3D10DDI_QUERY = 0x40000000;

/// Bits of `D3D10DDIARG_CREATEQUERY::MiscFlags`.
pub const D3D10DDI_QUERY_MISCFLAG_PREDICATEHINT: u32 = 1;

/// Flags of `QueryGetData`.
pub type D3D10_DDI_GET_DATA_FLAG = u32;
pub const D3D10_DDI_GET_DATA_DO_NOT_FLUSH: D3D10_DDI_GET_DATA_FLAG = 1;

/// Argument of `CreateQuery`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10DDIARG_CREATEQUERY {
    pub Query: D3D10DDI_QUERY,
    pub MiscFlags: u32,
}

/// Result of a disjoint timestamp query; ticks per second.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10_DDI_QUERY_DATA_TIMESTAMP_DISJOINT {
    pub Frequency: u64,
    pub Disjoint: BOOL,
}

/// Result of a stream-output statistics query.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10_DDI_QUERY_DATA_SO_STATISTICS {
    pub NumPrimitivesWritten: u64,
    pub PrimitivesStorageNeeded: u64,
}

/// Result of pipeline statistics (10.0).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10_DDI_QUERY_DATA_PIPELINE_STATISTICS {
    pub IAVertices: u64,
    pub IAPrimitives: u64,
    pub VSInvocations: u64,
    pub GSInvocations: u64,
    pub GSPrimitives: u64,
    pub CInvocations: u64,
    pub CPrimitives: u64,
    pub PSInvocations: u64,
}

/// Result of pipeline statistics (11.0).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D11_DDI_QUERY_DATA_PIPELINE_STATISTICS {
    pub IAVertices: u64,
    pub IAPrimitives: u64,
    pub VSInvocations: u64,
    pub GSInvocations: u64,
    pub GSPrimitives: u64,
    pub CInvocations: u64,
    pub CPrimitives: u64,
    pub PSInvocations: u64,
    pub HSInvocations: u64,
    pub DSInvocations: u64,
    pub CSInvocations: u64,
}

/// Type of a counter's value.
pub type D3D10DDI_COUNTER_TYPE = u32;
pub const D3D10DDI_COUNTER_TYPE_FLOAT32: D3D10DDI_COUNTER_TYPE = 0;
pub const D3D10DDI_COUNTER_TYPE_UINT16: D3D10DDI_COUNTER_TYPE = 1;
pub const D3D10DDI_COUNTER_TYPE_UINT32: D3D10DDI_COUNTER_TYPE = 2;
pub const D3D10DDI_COUNTER_TYPE_UINT64: D3D10DDI_COUNTER_TYPE = 3;

/// What `CheckCounterInfo` reports.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10DDI_COUNTER_INFO {
    pub LastDeviceDependentCounter: D3D10DDI_QUERY,
    pub NumSimultaneousCounters: u32,
    pub NumDetectableParallelUnits: u8,
}

/// Flags of the WDDM 1.3 `CheckMultisampleQualityLevels`.
pub type D3DWDDM1_3DDI_CHECK_MULTISAMPLE_QUALITY_LEVELS_FLAG = u32;
pub const D3DWDDM1_3DDI_CHECK_MULTISAMPLE_QUALITY_LEVELS_TILED_RESOURCE:
    D3DWDDM1_3DDI_CHECK_MULTISAMPLE_QUALITY_LEVELS_FLAG = 1;

/// Bit of the `Flags` of `SetMarkerMode`: driver events are wanted.
pub const D3DWDDM1_3DDI_SETMARKERMODE_CUSTOMDRIVEREVENTS: u32 = 1;

// Sizes on x64, from the sources named in SOURCES.md.
const _: () = assert!(size_of::<D3D10DDIARG_CREATEQUERY>() == 8);
const _: () = assert!(size_of::<D3D10_DDI_QUERY_DATA_TIMESTAMP_DISJOINT>() == 16);
const _: () = assert!(size_of::<D3D10_DDI_QUERY_DATA_SO_STATISTICS>() == 16);
const _: () = assert!(size_of::<D3D10_DDI_QUERY_DATA_PIPELINE_STATISTICS>() == 64);
const _: () = assert!(size_of::<D3D11_DDI_QUERY_DATA_PIPELINE_STATISTICS>() == 88);
const _: () = assert!(size_of::<D3D10DDI_COUNTER_INFO>() == 12);
