//! Upper bounds on everything that a token stream can ask for.
//!
//! The values are those of D3D11 (d3d11.h, `D3D11_*` constants) where it has one; the others are marked as guesses and
//! are far above what the HLSL compiler emits. They bound memory and time for hostile input.

use std::ops::RangeInclusive;

/// Dwords in a program. Guess: the largest real shaders have some 100,000. The greatest program, whatever it is full of,
/// took 80 ms and 111 MiB (measured in November 2026, release build); with four times as many it was 444 MiB.
pub const TOKENS: usize = 1 << 18;
/// Temporary registers, `D3D11_COMMONSHADER_TEMP_REGISTER_COUNT`; indexable ones count towards it.
pub const TEMPS: u32 = 4096;
/// Registers of a vertex attribute or inter-stage interface, `D3D11_VS_OUTPUT_REGISTER_COUNT`.
pub const IO_REGISTERS: u32 = 32;
/// Different declarations of one interface register: one for each component and geometry shader stream.
pub const REGISTER_PARTS: usize = 16;
/// Clip and cull distances together, `D3D11_CLIP_OR_CULL_DISTANCE_COUNT`; Vulkan's
/// `maxCombinedClipAndCullDistances` is at least as many.
pub const DISTANCES: usize = 8;
/// Pixel shader colour outputs, `D3D11_PS_OUTPUT_REGISTER_COUNT`.
pub const RENDER_TARGETS: u32 = 8;
/// Constant buffers of one stage; `D3D11_COMMONSHADER_CONSTANT_BUFFER_HW_SLOT_COUNT`.
pub const CONSTANT_BUFFERS: u32 = 15;
/// Four-component elements of one constant buffer, `D3D11_REQ_CONSTANT_BUFFER_ELEMENT_COUNT`.
pub const CONSTANT_BUFFER_ELEMENTS: u32 = 4096;
/// Four-component elements of the immediate constant buffer,
/// `D3D11_REQ_IMMEDIATE_CONSTANT_BUFFER_ELEMENT_COUNT`.
pub const IMMEDIATE_CONSTANT_ELEMENTS: u32 = 4096;
/// Shader resource slots of one stage, `D3D11_COMMONSHADER_INPUT_RESOURCE_SLOT_COUNT`.
pub const SHADER_RESOURCES: u32 = 128;
/// Sampler slots of one stage, `D3D11_COMMONSHADER_SAMPLER_SLOT_COUNT`.
pub const SAMPLERS: u32 = 16;
/// Unordered access view slots, `D3D11_1_UAV_SLOT_COUNT`.
pub const UNORDERED_ACCESS_VIEWS: u32 = 64;
/// Bytes of a structure in a structured buffer, `D3D11_REQ_MULTI_ELEMENT_STRUCTURE_SIZE_IN_BYTES`.
pub const STRUCTURE_STRIDE: u32 = 2048;
/// Bytes of thread group shared memory: `D3D11_CS_TGSM_REGISTER_COUNT` (8,192) dwords.
pub const SHARED_MEMORY_BYTES: u32 = 32 * 1024;
/// Threads of a group, `D3D11_CS_THREAD_GROUP_MAX_THREADS_PER_GROUP`.
pub const THREADS_PER_GROUP: u32 = 1024;
/// Greatest Z size of a thread group, `D3D11_CS_THREAD_GROUP_MAX_Z`.
pub const THREAD_GROUP_Z: u32 = 64;
/// Nesting of if, loop and switch: 64 levels in the D3D11 functional specification (recalled, not checked).
pub const NESTING: usize = 64;
/// Labels of one program. Guess.
pub const LABELS: usize = 1024;
/// Operands inside operands (relative indices). The compiler emits at most two levels.
pub const INDEX_NESTING: u32 = 3;
/// Elements of one signature. Guess: 32 registers of 4 components, 4 streams.
pub const SIGNATURE_ELEMENTS: u32 = 512;
/// Chunks of one container. Guess.
pub const CHUNKS: u32 = 256;
/// Instructions that computed slots add to a program: one copy for each slot that one can be. Guess: a sample with 128
/// resources and 16 samplers becomes 2,048, and class instances make most slots known.
pub const EXPANDED: usize = 1 << 16;
/// Interfaces of one shader, elements of arrays counted: D3D11 functional specification, section 22.3.51.
pub const INTERFACES: u32 = 253;
/// Classes of one program. Guess.
pub const CLASSES: u32 = 1024;
/// Class instances in one program's constant buffers. Guess.
pub const CLASS_INSTANCES: u32 = 4096;
/// Geometry shader streams, `D3D11_SO_STREAM_COUNT`.
pub const STREAMS: u32 = 4;
/// Vertices that a geometry shader emits for one primitive, in all instances together,
/// `D3D11_GS_MAX_OUTPUT_VERTEX_COUNT_ACROSS_INSTANCES`.
pub const GS_OUTPUT_VERTICES: u32 = 1024;
/// Instances of a geometry shader, `D3D11_GS_MAX_INSTANCE_COUNT`.
pub const GS_INSTANCES: u32 = 32;
/// Control points of a patch, `D3D11_IA_PATCH_MAX_CONTROL_POINT_COUNT`.
pub const CONTROL_POINTS: u32 = 32;
/// The values of `dcl_hs_max_tessfactor`, `D3D11_HS_MAXTESSFACTOR_LOWER_BOUND` to `..._UPPER_BOUND`.
pub const MAX_TESS_FACTOR: RangeInclusive<f32> = 1.0..=64.0;
/// Phases of a hull shader. Guess: the compiler makes at most one for each of the 128 patch constant components.
/// How often a phase is run has no limit in D3D11 (`D3D11_HS_FORK_PHASE_INSTANCE_COUNT_UPPER_BOUND`).
pub const HULL_PHASES: usize = 1024;
/// Entries of a stream-output declaration: `D3D11_SO_STREAM_COUNT` times `D3D11_SO_OUTPUT_COMPONENT_COUNT`.
pub const STREAM_OUTPUT_ENTRIES: usize = 512;
/// Components that stream output captures of a vertex, `D3D11_SO_OUTPUT_COMPONENT_COUNT`.
pub const STREAM_OUTPUT_COMPONENTS: u32 = 128;
/// Stream-output buffers, `D3D11_SO_BUFFER_SLOT_COUNT`.
pub const STREAM_OUTPUT_BUFFERS: u32 = 4;
/// Bytes from one vertex to the next in a stream-output buffer, `D3D11_SO_BUFFER_MAX_STRIDE_IN_BYTES`.
pub const STREAM_OUTPUT_STRIDE: u32 = 2048;

/// Locations that patch constants may use: Vulkan's least `maxTessellationControlPerPatchOutputComponents`, 120, by four.
pub const PATCH_LOCATIONS: u32 = 30;
