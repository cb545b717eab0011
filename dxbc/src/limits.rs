//! Upper bounds on everything that a token stream can ask for.
//!
//! The values are those of D3D11 (d3d11.h, `D3D11_*` constants) where it has one; the others are marked as guesses and
//! are far above what the HLSL compiler emits. They bound memory and time for hostile input.

/// Dwords in a program. Guess: the largest real shaders have some 100,000.
pub const TOKENS: usize = 1 << 20;
/// Temporary registers, `D3D11_COMMONSHADER_TEMP_REGISTER_COUNT`; indexable ones count towards it.
pub const TEMPS: u32 = 4096;
/// Registers of a vertex attribute or inter-stage interface, `D3D11_VS_OUTPUT_REGISTER_COUNT`.
pub const IO_REGISTERS: u32 = 32;
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
