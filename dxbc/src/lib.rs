//! DXBC shader bytecode (shader model 4.0 to 5.0) to SPIR-V 1.6 for Vulkan 1.3.
//!
//! For the host, which compiles what a guest gives, and for our D3D11 runtime, which opens containers. All input is
//! hostile: any sequence of bytes gives a module or an [`Error`], never a panic, and memory and time are bounded by
//! the length of the input. The crate is a pure function: the same input gives the same words; no I/O, no globals.
//!
//! The way of a program: [`container`] (only where there is one) → `token` (dwords to declarations, instructions and
//! operands) → `flow` (nesting, switch targets, subroutines) → `emit` (SPIR-V, by instruction family).
//!
//! # What the caller of the module must provide
//! - `robustBufferAccess2`, `robustImageAccess2` and `nullDescriptor`. D3D11 defines reads outside a resource as zero
//!   and drops such writes; for buffers and images the module leaves that to these features. Registers and thread
//!   group shared memory have no such feature, so every computed index into them is clamped here.
//! - Storage buffer descriptors that start at the view's first byte. A structured view may start at any multiple of its
//!   stride, which can be finer than the device's `minStorageBufferOffsetAlignment`; the module adds no offset.
//! - One descriptor for each entry of [`Reflection::bindings`], of the type that [`BindingKind::descriptor_type`] says.
//! - A negative viewport height: positions and fragment coordinates are D3D11's.
//!
//! # Interfaces between stages
//! A register is one `vec4` of floats at the location of its number, whatever its elements are; integers travel as
//! bits, flat. So the two stages agree without seeing each other. Clip and cull distances are written to the built-in
//! and to their registers; a pixel shader reads the registers.
#![forbid(unsafe_code)]

pub mod container;
mod dump;
mod emit;
mod error;
mod flow;
mod layout;
mod limits;
mod reflection;
mod spirv;
mod token;

pub use dump::dump;
pub use error::{ContainerError, Error};
pub use layout::{BindingClass, BindingLayout, DescriptorSlot, TargetCapabilities};
pub use reflection::{
    Binding, BindingKind, DescriptorType, InterfaceRegister, Reflection, SAMPLE_COUNT_SPEC_ID, StorageFormat,
};
pub use token::declaration::{ResourceDimension, ReturnType};
pub use token::program::ShaderStage;

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

/// How to translate.
#[derive(Debug, Clone, Copy)]
pub struct CompileOptions<'a> {
    /// Where bindings land.
    pub layout: &'a BindingLayout,
    /// What the Vulkan device can do.
    pub target: TargetCapabilities,
    /// Pixel shaders: outputs 0 and 1 are the two sources of dual-source blending of render target 0.
    pub dual_source_blend: bool,
    /// Pixel shaders: the registers (bit n: register n) that the stage before writes, from its
    /// [`Reflection::output_mask`]. Inputs outside it read as zero, so that the Vulkan interface matches. `None`: all.
    pub previous_stage_outputs: Option<u32>,
}

impl<'a> CompileOptions<'a> {
    /// The defaults for this layout and device.
    pub fn new(layout: &'a BindingLayout, target: TargetCapabilities) -> Self {
        Self { layout, target, dual_source_blend: false, previous_stage_outputs: None }
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
/// [`Error`] names the broken rule, limit, or unsupported instruction. Geometry, hull and domain programs are parsed,
/// then refused as [`Error::Unsupported`].
pub fn compile(
    tokens: &[u32],
    signatures: &Signatures,
    options: &CompileOptions<'_>,
) -> Result<Compiled, Error> {
    let program = token::program::Program::parse(tokens)?;
    emit::compile(&program, signatures, options)
}

/// Reads a program's declarations without translating it.
///
/// # Errors
/// As [`compile`], except that every stage is read.
pub fn reflect(tokens: &[u32], signatures: &Signatures, layout: &BindingLayout) -> Result<Reflection, Error> {
    let program = token::program::Program::parse(tokens)?;
    reflection::of(&program, signatures, layout)
}
