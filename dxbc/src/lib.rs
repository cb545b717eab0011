//! DXBC shader bytecode (shader model 4.0 to 5.0) to SPIR-V 1.6 for Vulkan 1.3.
//!
//! For whoever runs Direct3D 11 shaders on Vulkan, and above all for whoever did not write them: all input is hostile.
//! Any sequence of bytes gives a module or an [`Error`], never a panic, and memory and time are bounded by the length of
//! the input. The crate is a pure function: the same input gives the same words; no I/O, no globals, no `unsafe`.
//!
//! ```
//! use pvgpu_dxbc::{BindingClass, BindingLayout, CompileOptions, TargetCapabilities, compile, container};
//!
//! // What the HLSL compiler wrote. Whoever has only the SHDR or SHEX tokens, as a Direct3D driver does, starts at `compile`.
//! let shader = container::parse(include_bytes!("../tests/in/vs_transform.dxbc"))?;
//! // Where bindings land is the caller's choice, and what the device can do the caller's knowledge.
//! let layout = BindingLayout { set: 1, ..BindingLayout::default() };
//! let options = CompileOptions::new(&layout, TargetCapabilities::default());
//! let compiled = compile(&shader.tokens, &shader.signatures, &options)?;
//!
//! assert_eq!(compiled.spirv[0], 0x0723_0203);
//! let constants = compiled.reflection.binding(BindingClass::ConstantBuffer, 0).unwrap();
//! assert_eq!((constants.descriptor.set, constants.descriptor.binding), (1, 0));
//! # Ok::<(), pvgpu_dxbc::Error>(())
//! ```
//!
//! The way of a program: [`container`] (only where there is one) → [`token`] (dwords to declarations, instructions and
//! operands) → `flow` (nesting, switch targets, subroutines) → `lower` (instructions to a typed representation in static
//! single assignment form) → `pass` (registers become values, values get simpler) → `spirv` (words). [`dump`] lists the
//! tokens, [`trace`] the representation after each step.
//!
//! # What the caller of the module must provide
//! - `robustBufferAccess2`, `robustImageAccess2` and `nullDescriptor`. D3D11 defines reads outside a resource as zero
//!   and drops such writes; for buffers and images the module leaves that to these features. Registers and thread
//!   group shared memory have no such feature, so every computed index into them is clamped here.
//! - Storage buffer descriptors that start at the view's first byte. A structured view may start at any multiple of its
//!   stride, which can be finer than the device's `minStorageBufferOffsetAlignment`; the module adds no offset.
//! - One descriptor for each entry of [`Reflection::bindings`], of the type that [`BindingKind::descriptor_type`] says, and with
//!   [`CompileOptions::split_samplers`] a sampler for each of [`Reflection::spare_samplers`].
//! - Samplers that do not filter for textures that cannot be filtered ([`Reflection::sampled`] tells which are read together).
//! - A negative viewport height: positions and fragment coordinates are D3D11's.
//!
//! # Interfaces between stages
//! A register is one `vec4` of floats at the location of its number, whatever its elements are; integers travel as
//! bits, flat. So the two stages agree without seeing each other. Clip and cull distances are written to the built-in
//! and to their registers; a later stage reads the registers. `SV_Position` is the built-in only, except from hull to
//! domain shader, where it is a register like any other.
//!
//! Patch constant register n is at location 29 - n: control points use the locations from the bottom, patch constants
//! from the top. Tessellation factors are built-ins only. Stream output that cannot be taken from a register's own
//! variable (parts of registers, positions, streams that are not rasterized) gets variables at locations that the
//! stage does not use.
#![forbid(unsafe_code)]

mod availability;
pub mod container;
mod dump;
mod error;
mod flow;
mod forced;
mod ir;
mod layout;
mod limits;
mod linkage;
mod lower;
mod pass;
mod reflection;
mod spirv;
mod stream_output;
pub mod token;

pub use dump::dump;
pub use error::{ContainerError, Error};
pub use forced::{Blend, BlendedTarget, Channel, ForcedSamples, Numbers, ShaderBlending, Texel};
pub use layout::{BindingClass, BindingLayout, DescriptorSlot, TargetCapabilities};
pub use pass::Step;
pub use reflection::stages::{
    GeometryReflection, StreamOutputBuffer, StreamOutputReflection, TessellationReflection,
};
pub use reflection::{
    BLEND_FACTOR_START, Binding, BindingKind, ClassInterface, DescriptorType, InterfaceRegister,
    PUSH_CONSTANT_BYTES, Reflection, SAMPLE_COUNT_SPEC_ID, SampledWith, SpareSampler, StorageFormat,
};
pub use stream_output::{StreamOutput, StreamOutputEntry};
pub use token::declaration::{ResourceDimension, ReturnType};
pub use token::program::ShaderStage;
pub use token::stage::{
    InputPrimitive, OutputTopology, TessellatorDomain, TessellatorOutput, TessellatorPartitioning,
};

/// One element of a signature, as the D3D11 DDI and the container give it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignatureElement {
    /// The semantic's name; empty where it comes from the DDI, which has none.
    pub semantic_name: String,
    /// The semantic's index.
    pub semantic_index: u32,
    /// The system value, a `D3D10_SB_NAME` number; 0 for none.
    pub system_value: u32,
    /// A `D3D10_SB_REGISTER_COMPONENT_TYPE` number: 1 unsigned, 2 signed, 3 float.
    pub component_type: u32,
    /// The register number; `u32::MAX` for depth and coverage outputs.
    pub register: u32,
    /// The components, x in bit 0.
    pub mask: u8,
    /// The geometry shader stream.
    pub stream: u32,
}

/// The signatures of one shader.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signatures {
    /// What it reads from the stage before.
    pub input: Vec<SignatureElement>,
    /// What it gives to the stage after.
    pub output: Vec<SignatureElement>,
    /// Hull output or domain input for the whole patch.
    pub patch_constant: Vec<SignatureElement>,
}

/// The class instance bound to an interface of a shader, as `ID3D11ClassInstance` and, in the driver's interface,
/// `pIfaces` and `D3D11DDIARG_POINTERDATA` give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClassInstance {
    /// The class: the number of its function table, ft#.
    pub function_table: u32,
    /// The constant buffer slot that holds the instance's data.
    pub constant_buffer: u32,
    /// Where the data start in it, in elements of 16 bytes.
    pub constant_offset: u32,
    /// The shader resource slot of the instance's first texture.
    pub texture: u32,
    /// The sampler slot of the instance's first sampler.
    pub sampler: u32,
}

/// How to translate.
#[derive(Debug, Clone, Copy)]
pub struct CompileOptions<'a> {
    /// Where bindings land.
    pub layout: &'a BindingLayout,
    /// What the Vulkan device can do.
    pub target: TargetCapabilities,
    /// Pixel shaders: outputs 0 and 1 are the two sources of dual-source blending of render target 0.
    pub dual_source_blend: bool,
    /// Pixel shaders: colour outputs (bit n: output n) that go nowhere.
    pub unused_outputs: u32,
    /// All but vertex and compute shaders: the registers (bit n: register n) that the stage before writes, from its
    /// [`Reflection::output_mask`]; a pixel shader gets those of the rasterized stream, [`Reflection::output_mask_of`]. Inputs
    /// outside it read as zero, so that the Vulkan interface matches. `None`: all.
    pub previous_stage_outputs: Option<u32>,
    /// The class instance of each interface, by its fp# number; [`Reflection::interfaces`] says which a shader has.
    /// An interface without one is [`Error::NoClassInstance`]. The instances become part of the module, so that a
    /// shader is translated again for other instances; D3D11's own design expects that.
    pub class_instances: &'a [Option<ClassInstance>],
    /// Hull, geometry and pixel shaders: the system values that the stage before writes, from its
    /// [`Reflection::output_system_values`]. A position, and in a pixel shader a primitive id, a layer or a viewport index, that is
    /// not among them reads as zero. `None`: all.
    pub previous_stage_system_values: Option<u32>,
    /// Domain shaders: the patch constants that the hull shader writes, from its
    /// [`Reflection::patch_constant_mask`]. Others read as zero. `None`: all.
    pub previous_stage_patch_constants: Option<u32>,
    /// Pixel shaders: the rasterizer has its own number of samples.
    pub forced_samples: Option<ForcedSamples>,
    /// Vertex, domain and geometry shaders: what goes to stream-output buffers.
    pub stream_output: Option<&'a StreamOutput>,
    /// Whether textures that cannot be filtered are read with the descriptors of [`Reflection::spare_samplers`], beside those of
    /// [`Reflection::bindings`], where others are read with the same sampler. Vulkan wants a sampler that does not filter for them, while
    /// D3D11 takes any.
    pub split_samplers: bool,
}

impl<'a> CompileOptions<'a> {
    /// The defaults for this layout and device.
    pub fn new(layout: &'a BindingLayout, target: TargetCapabilities) -> Self {
        Self {
            layout,
            target,
            dual_source_blend: false,
            unused_outputs: 0,
            previous_stage_outputs: None,
            previous_stage_system_values: None,
            previous_stage_patch_constants: None,
            forced_samples: None,
            stream_output: None,
            class_instances: &[],
            split_samplers: false,
        }
    }
}

/// A translated shader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    /// The SPIR-V module; its entry point is `main`.
    pub spirv: Vec<u32>,
    /// What the pipeline needs to know of it.
    pub reflection: Reflection,
}

/// Translates a program: `tokens` starts with the version token and the length token.
///
/// # Errors
/// [`Error`] names the broken rule, limit, missing capability, or unsupported instruction.
pub fn compile(
    tokens: &[u32],
    signatures: &Signatures,
    options: &CompileOptions<'_>,
) -> Result<Compiled, Error> {
    let program = prepare(tokens, options)?;
    lower::compile(&program, signatures, options, |_, _| ())
}

/// The parsed program, checked for its stage, with its class instances.
fn prepare(tokens: &[u32], options: &CompileOptions<'_>) -> Result<token::program::Program, Error> {
    let program = token::program::Program::parse(tokens)?;
    availability::check(&program)?;
    linkage::resolve(program, options.class_instances)
}

/// Translates a program and shows its intermediate representation after each step, as a listing.
///
/// # Errors
/// As [`compile`].
pub fn trace(
    tokens: &[u32],
    signatures: &Signatures,
    options: &CompileOptions<'_>,
    mut show: impl FnMut(Step, String),
) -> Result<Compiled, Error> {
    let program = prepare(tokens, options)?;
    lower::compile(&program, signatures, options, |step, module| show(step, ir::display::display(module)))
}

/// Reads a program's declarations without translating it.
///
/// # Errors
/// As [`compile`], for what the declarations break.
pub fn reflect(tokens: &[u32], signatures: &Signatures, layout: &BindingLayout) -> Result<Reflection, Error> {
    let program = token::program::Program::parse(tokens)?;
    reflection::of(&program, signatures, layout)
}
