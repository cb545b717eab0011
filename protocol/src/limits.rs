//! The fixed limits of the protocol, all in one place.
//!
//! Both sides enforce them: the guest before it writes, the host before it acts. Going over one is an error that
//! names the limit; nothing is truncated.

/// Contexts per adapter, ring 0 (the kernel-mode driver's own) included. One fence line each fills one 4 KiB page.
pub const MAX_CONTEXTS: u32 = 64;
/// The largest record in a ring, in bytes, its header included. Bulk data travels through the heap instead.
pub const MAX_RECORD_BYTES: u32 = 64 * 1024;
/// The most bytes that an [`UpdateInline`](crate::command::UpdateInline) record may carry; more goes through the heap.
pub const MAX_INLINE_UPDATE_BYTES: usize = 4096;
/// Where a buffer that the GPU reads in the heap may begin; no Vulkan buffer alignment is larger.
pub const PLACED_BUFFER_ALIGN: u64 = 256;
/// Objects (resources, views, shaders, states, queries) alive in one context.
pub const MAX_OBJECTS: u32 = 1 << 20;
/// The largest shader, in 32-bit tokens. The D3D11 runtime has no limit of its own; the largest seen in the wild is
/// below 200,000 tokens.
pub const MAX_SHADER_TOKENS: u32 = 1 << 20;
/// Signature elements per shader and direction: D3D11 allows 32 registers of 4 components.
pub const MAX_SIGNATURE_ELEMENTS: usize = 128;
/// Entries of a stream-output declaration: `D3D11_SO_STREAM_COUNT` × `D3D11_SO_OUTPUT_COMPONENT_COUNT`.
pub const MAX_STREAM_OUTPUT_ENTRIES: usize = 512;
/// Tiles that one command maps or copies at most.
pub const MAX_COMMAND_TILES: u32 = 1 << 16;
/// Address space of one tiled resource, in bytes: what its tiles would take if each had memory of its own.
pub const MAX_TILED_BYTES: u64 = 256 << 30;
/// Smallest aperture, in bytes.
pub const MIN_APERTURE_BYTES: u64 = 64 << 20;
/// Largest aperture, in bytes.
pub const MAX_APERTURE_BYTES: u64 = 8 << 30;
/// The aperture's size when nobody chose one, in bytes.
pub const DEFAULT_APERTURE_BYTES: u64 = 256 << 20;
/// Bytes of GPU memory that one guest may hold. The host may be configured lower.
pub const MAX_GUEST_BYTES: u64 = 16 << 30;
/// Bytes from row to row of a surface that ring 0 has copied, filled or shown; 65,536 texels of the largest format.
pub const MAX_SURFACE_PITCH: u32 = 1 << 20;
/// Video present sources (screens) of an adapter.
pub const MAX_SOURCES: u32 = 1;
/// Pixels of a hardware pointer's side.
pub const MAX_POINTER_EXTENT: u32 = 256;
/// Modes that an adapter lists at most, custom ones included.
pub const MAX_MODES: usize = 64;
/// Presents in flight before the application's thread waits.
pub const MAX_FRAMES_IN_FLIGHT: u32 = 3;

// D3D11 API limits (Direct3D 11.3 Functional Specification, appendix "Constant Listing").

/// Interfaces of a shader (functional specification, section 22.3.51).
pub const MAX_CLASS_INSTANCES: usize = 253;
/// `D3D11_IA_VERTEX_INPUT_RESOURCE_SLOT_COUNT`.
pub const VERTEX_BUFFER_SLOTS: usize = 32;
/// `D3D11_COMMONSHADER_CONSTANT_BUFFER_API_SLOT_COUNT`, plus the immediate constant buffer's slot.
pub const CONSTANT_BUFFER_SLOTS: usize = 15;
/// `D3D11_COMMONSHADER_INPUT_RESOURCE_SLOT_COUNT`.
pub const SHADER_RESOURCE_SLOTS: usize = 128;
/// `D3D11_COMMONSHADER_SAMPLER_SLOT_COUNT`.
pub const SAMPLER_SLOTS: usize = 16;
/// `D3D11_1_UAV_SLOT_COUNT`.
pub const UAV_SLOTS: usize = 64;
/// `D3D11_SO_BUFFER_SLOT_COUNT`.
pub const STREAM_OUTPUT_SLOTS: usize = 4;
/// `D3D11_SIMULTANEOUS_RENDER_TARGET_COUNT`.
pub const RENDER_TARGETS: usize = 8;
/// `D3D11_VIEWPORT_AND_SCISSORRECT_OBJECT_COUNT_PER_PIPELINE`.
pub const VIEWPORTS: usize = 16;
/// `D3D11_IA_VERTEX_INPUT_STRUCTURE_ELEMENT_COUNT`.
pub const INPUT_ELEMENTS: usize = 32;
