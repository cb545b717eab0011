//! Executes validated operations with Vulkan 1.3. Only this module names ash.
//!
//! - `instance`, `device`, `caps`: which GPU, what it can do, the queue and the timeline semaphore.
//! - `conv`, `formats`, `host_info`: D3D11's and DXGI's numbers in Vulkan's words; total functions. `sampling`: which of them samplers
//!   filter and compare.
//! - `memory`, `trash`: buffers for uploads, the imported heap, and what is destroyed once the GPU is done with it.
//! - `external`: images whose memory other workers have as well.
//! - `residency`: where textures live when the GPU's own memory is short.
//! - `sparse`, `tiles`: tiled resources, and the tile pools behind them.
//! - `resource`, `view`, `shader`, `state`: the objects of a context.
//! - `recorder`, `cmd`: command buffers, barriers, submission. `calls`, `player`: Vulkan calls as values, and the thread that makes them.
//! - `completion`: the thread that writes the fence page. `pipeline_pool`: the threads that make pipelines;
//!   `pipeline_list`: which ones programs have needed, in this run and earlier ones.
//! - `context`, `bindings`, `assembly`, `draw`, `arguments`, `feedback`, `predication`, `pipeline`, `descriptor`, `set_cache`, `pass`, `clear`,
//!   `transfer`, `texture_copy`, `resolve`, `present`, `query`: one context's operations. `forced`: a rasterizer with its own samples.
//!   `changed`: what has changed in a presented frame. `texels`: formats that Vulkan keeps in another
//!   form.
//!
//! # How hazards are found
//! Images stay in `VK_IMAGE_LAYOUT_GENERAL` (as `VK_KHR_unified_image_layouts` recommends for today's GPUs), so that only
//! memory dependencies matter. Each resource remembers the barrier epoch of its last read and its last write. A use that
//! follows a write, or a write that follows a read, in the same epoch needs one global memory barrier, which begins a new
//! epoch. The count of barriers is that of a hand-written renderer with one barrier between passes.
//!
//! # How lifetimes are kept
//! Dropping an object puts its handles on its context's [`trash`] list. The list travels with the next submission and is
//! destroyed when the GPU has finished it. Hence a handle named in a command buffer outlives its execution.

#![expect(unsafe_code, reason = "every Vulkan call is unsafe; handles are kept alive as described above")]

mod arguments;
mod assembly;
mod bindings;
mod calls;
mod caps;
mod changed;
mod clear;
mod cmd;
mod completion;
mod context;
mod conv;
mod descriptor;
mod device;
mod draw;
mod external;
mod feedback;
mod forced;
mod formats;
mod host_info;
mod instance;
mod memory;
mod pass;
mod pipeline;
mod pipeline_list;
mod pipeline_pool;
mod player;
mod predication;
mod present;
mod query;
mod recorder;
mod residency;
mod resolve;
mod resource;
mod sampling;
mod set_cache;
mod shader;
mod shares;
mod sparse;
mod state;
mod texel;
mod texels;
mod texture_copy;
mod tiles;
mod transfer;
mod trash;
mod view;

pub use changed::{ComparedBy, FrameBytes, TileSink, TileWatch};
pub use completion::{Completion, CompletionHandle, FenceSink, Frame, FrameWatch, Progress, Watches, Work};
pub use context::{Context, Counters, Shared};
pub use device::{Device, DeviceOptions};
pub use host_info::host_info;
pub use instance::{GpuChoice, GpuError, Instance, validation_messages};
