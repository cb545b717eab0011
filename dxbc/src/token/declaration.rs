//! Declarations: what a program says about its registers, resources and stage before its first instruction.

use super::opcode::Opcode;
use super::operand::{self, Components, Operand, RegisterFile};
use super::program::ResourceHint;
use super::reader::Reader;
use super::stage::{
    self, InputPrimitive, OutputTopology, TessellatorDomain, TessellatorOutput, TessellatorPartitioning,
};
use crate::{Error, limits};

/// The shape of a shader resource or typed unordered access view, `D3D10_SB_RESOURCE_DIMENSION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is named as in the format's enumeration")]
pub enum ResourceDimension {
    Buffer,
    Texture1D,
    Texture2D,
    Texture2DMs,
    Texture3D,
    TextureCube,
    Texture1DArray,
    Texture2DArray,
    Texture2DMsArray,
    TextureCubeArray,
}

impl ResourceDimension {
    fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::Buffer,
            2 => Self::Texture1D,
            3 => Self::Texture2D,
            4 => Self::Texture2DMs,
            5 => Self::Texture3D,
            6 => Self::TextureCube,
            7 => Self::Texture1DArray,
            8 => Self::Texture2DArray,
            9 => Self::Texture2DMsArray,
            10 => Self::TextureCubeArray,
            _ => return None,
        })
    }
}

/// What a typed view gives its reader, `D3D10_SB_RESOURCE_RETURN_TYPE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is named as in the format's enumeration")]
pub enum ReturnType {
    Unorm,
    Snorm,
    Sint,
    Uint,
    Float,
    Mixed,
    Double,
}

impl ReturnType {
    fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::Unorm,
            2 => Self::Snorm,
            3 => Self::Sint,
            4 => Self::Uint,
            5 => Self::Float,
            6 => Self::Mixed,
            7 => Self::Double,
            _ => return None,
        })
    }
}

impl ReturnType {
    /// Whether reads give integers.
    pub fn is_integer(self) -> bool {
        matches!(self, Self::Sint | Self::Uint | Self::Double)
    }
}

/// The kind of view that an instruction's extended opcode tokens name, if they do. The numbers above the dimensions of
/// textures are `D3D11_SB_RESOURCE_DIMENSION_RAW_BUFFER` and `..._STRUCTURED_BUFFER`.
pub fn view_kind(hint: &ResourceHint) -> Option<ViewKind> {
    match hint.dimension {
        11 => Some(ViewKind::Raw),
        12 => Some(ViewKind::Structured { stride: hint.stride }),
        number => Some(ViewKind::Typed {
            dimension: ResourceDimension::from_number(number)?,
            return_type: ReturnType::from_number(hint.return_type)?,
        }),
    }
}

/// A system value, `D3D10_SB_NAME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is named as in the format's enumeration")]
pub enum SystemValue {
    Undefined,
    Position,
    ClipDistance,
    CullDistance,
    RenderTargetArrayIndex,
    ViewportArrayIndex,
    VertexId,
    PrimitiveId,
    InstanceId,
    IsFrontFace,
    SampleIndex,
    /// One of the twelve final tessellation factors, by its number (11 to 22).
    TessFactor(u8),
}

impl SystemValue {
    /// The system value with this number, if there is one.
    pub fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Undefined,
            1 => Self::Position,
            2 => Self::ClipDistance,
            3 => Self::CullDistance,
            4 => Self::RenderTargetArrayIndex,
            5 => Self::ViewportArrayIndex,
            6 => Self::VertexId,
            7 => Self::PrimitiveId,
            8 => Self::InstanceId,
            9 => Self::IsFrontFace,
            10 => Self::SampleIndex,
            11..=22 => Self::TessFactor(number as u8),
            _ => return None,
        })
    }

    /// Its number.
    pub fn number(self) -> u32 {
        match self {
            Self::Undefined => 0,
            Self::Position => 1,
            Self::ClipDistance => 2,
            Self::CullDistance => 3,
            Self::RenderTargetArrayIndex => 4,
            Self::ViewportArrayIndex => 5,
            Self::VertexId => 6,
            Self::PrimitiveId => 7,
            Self::InstanceId => 8,
            Self::IsFrontFace => 9,
            Self::SampleIndex => 10,
            Self::TessFactor(number) => number.into(),
        }
    }
}

/// How a pixel shader input is interpolated, `D3D10_SB_INTERPOLATION_MODE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is named as in the format's enumeration")]
pub enum Interpolation {
    Undefined,
    Constant,
    Linear,
    LinearCentroid,
    LinearNoPerspective,
    LinearNoPerspectiveCentroid,
    LinearSample,
    LinearNoPerspectiveSample,
}

impl Interpolation {
    fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Undefined,
            1 => Self::Constant,
            2 => Self::Linear,
            3 => Self::LinearCentroid,
            4 => Self::LinearNoPerspective,
            5 => Self::LinearNoPerspectiveCentroid,
            6 => Self::LinearSample,
            7 => Self::LinearNoPerspectiveSample,
            _ => return None,
        })
    }
}

/// Global flags, bits 11 and up of `dcl_global_flags`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GlobalFlags {
    /// The compiler may reorder and contract float arithmetic.
    pub refactoring_allowed: bool,
    /// Depth and stencil tests run before the pixel shader.
    pub force_early_depth_stencil: bool,
}

/// An input or output register declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegisterDeclaration {
    /// The declared register: file, indices and mask.
    pub operand: Operand,
    /// Its system value; `Undefined` where it has none.
    pub system_value: SystemValue,
    /// Its interpolation mode; `Undefined` outside pixel shader inputs.
    pub interpolation: Interpolation,
}

/// A typed, raw or structured view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewKind {
    /// Texels of a format.
    Typed {
        /// The shape.
        dimension: ResourceDimension,
        /// What a read gives.
        return_type: ReturnType,
    },
    /// Dwords at byte addresses.
    Raw,
    /// Structures of `stride` bytes.
    Structured {
        /// Bytes of one structure.
        stride: u32,
    },
}

impl ViewKind {
    /// What reads of a typed view give.
    pub fn return_type(self) -> Option<ReturnType> {
        match self {
            Self::Typed { return_type, .. } => Some(return_type),
            Self::Raw | Self::Structured { .. } => None,
        }
    }
}

/// One declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declaration {
    /// `dcl_globalFlags`.
    GlobalFlags(GlobalFlags),
    /// `dcl_resource`, `dcl_resource_raw`, `dcl_resource_structured`.
    Resource {
        /// The t# register.
        slot: u32,
        /// The kind of view.
        kind: ViewKind,
    },
    /// `dcl_uav_typed`, `dcl_uav_raw`, `dcl_uav_structured`.
    UnorderedAccessView {
        /// The u# register.
        slot: u32,
        /// The kind of view.
        kind: ViewKind,
        /// Writes are visible to the whole device, not only to the thread group.
        globally_coherent: bool,
    },
    /// `dcl_constantbuffer`.
    ConstantBuffer {
        /// The cb# register.
        slot: u32,
        /// Four-component elements; 0 if unknown.
        elements: u32,
        /// Whether an index may be computed.
        dynamic: bool,
    },
    /// `dcl_sampler`.
    Sampler {
        /// The s# register.
        slot: u32,
        /// Whether it is a comparison sampler.
        comparison: bool,
    },
    /// The immediate constant buffer: its elements.
    ImmediateConstantBuffer(Vec<[u32; 4]>),
    /// Any of the `dcl_input` family.
    Input(RegisterDeclaration),
    /// Any of the `dcl_output` family.
    Output(RegisterDeclaration),
    /// `dcl_indexrange`.
    IndexRange {
        /// The file of the registers.
        file: RegisterFile,
        /// The first register.
        first: u32,
        /// How many there are.
        count: u32,
    },
    /// `dcl_temps`.
    Temps(u32),
    /// `dcl_indexableTemp`.
    IndexableTemp {
        /// The x# register.
        register: u32,
        /// Its elements.
        elements: u32,
    },
    /// `dcl_thread_group`: the size in threads.
    ThreadGroup([u32; 3]),
    /// `dcl_tgsm_raw` and `dcl_tgsm_structured`.
    ThreadGroupSharedMemory {
        /// The g# register.
        register: u32,
        /// Bytes of one element: 4 where it is raw.
        stride: u32,
        /// Number of elements.
        count: u32,
        /// Whether it is a structured one.
        structured: bool,
    },
    /// `dcl_function_body`: a label `fb#` will follow.
    FunctionBody(u32),
    /// `dcl_function_table`: what a class does at each call site.
    FunctionTable {
        /// The ft# number.
        table: u32,
        /// The fb# numbers, by call site.
        bodies: Vec<u32>,
    },
    /// `dcl_interface` and `dcl_interface_dynamicindexed`.
    Interface {
        /// The first fp# number; an array has as many as it has elements.
        first: u32,
        /// Elements of the array.
        count: u32,
        /// Call sites of each function table.
        call_sites: u32,
        /// The ft# numbers that may be bound.
        tables: Vec<u32>,
        /// The array may be indexed by a register.
        dynamic: bool,
    },
    /// `dcl_stream`: the outputs declared after it belong to this stream.
    Stream(u32),
    /// `dcl_inputPrimitive` of a geometry shader.
    GeometryInput(InputPrimitive),
    /// `dcl_outputTopology` of a geometry shader, or of the stream declared before it.
    GeometryOutput(OutputTopology),
    /// `dcl_maxOutputVertexCount`, 1 to 1,024: vertices that one instance emits, to all streams together.
    MaxOutputVertices(u32),
    /// `dcl_gsInstanceCount`, 1 to 32.
    GeometryInstances(u32),
    /// `dcl_input_control_point_count`, 0 to 32.
    InputControlPoints(u32),
    /// `dcl_output_control_point_count`, 0 to 32.
    OutputControlPoints(u32),
    /// `dcl_tessellator_domain`.
    TessellatorDomain(TessellatorDomain),
    /// `dcl_tessellator_partitioning`.
    TessellatorPartitioning(TessellatorPartitioning),
    /// `dcl_tessellator_output_primitive`.
    TessellatorOutput(TessellatorOutput),
    /// `dcl_hs_max_tessfactor`: the bits of a float from 1 to 64.
    MaxTessFactor(u32),
    /// `dcl_hs_fork_phase_instance_count` or that of a join phase.
    PhaseInstances(u32),
}

/// Reads the declaration `opcode`, whose first token is `token`. `Ok(None)`: `opcode` is not a declaration.
pub fn parse(
    opcode: Opcode,
    token: u32,
    reader: &mut Reader<'_>,
    arena: &mut Vec<Operand>,
) -> Result<Option<Declaration>, Error> {
    let offset = reader.offset();
    let invalid = |rule| Error::Invalid { opcode: opcode.name(), offset, rule };
    let mut fields = Fields { reader, arena, opcode, offset };
    let view = |number, types: u32| {
        let dimension =
            ResourceDimension::from_number(number).ok_or_else(|| invalid("the dimension is undefined"))?;
        let return_type =
            ReturnType::from_number(types & 0xf).ok_or_else(|| invalid("the return type is undefined"))?;
        Ok::<_, Error>(ViewKind::Typed { dimension, return_type })
    };
    let structured = |stride: u32| {
        if stride == 0 || !stride.is_multiple_of(4) || stride > limits::STRUCTURE_STRIDE {
            return Err(invalid("the stride is not a multiple of 4 from 4 to 2,048"));
        }
        Ok(ViewKind::Structured { stride })
    };
    let globally_coherent = token >> 16 & 1 != 0;
    Ok(Some(match opcode {
        Opcode::DclGlobalFlags => Declaration::GlobalFlags(GlobalFlags {
            refactoring_allowed: token >> 11 & 1 != 0,
            force_early_depth_stencil: token >> 13 & 1 != 0,
        }),
        Opcode::DclResource => {
            let slot = fields.slot(RegisterFile::Resource, limits::SHADER_RESOURCES)?;
            Declaration::Resource { slot, kind: view(token >> 11 & 0x1f, fields.dword()?)? }
        }
        Opcode::DclResourceRaw => {
            let slot = fields.slot(RegisterFile::Resource, limits::SHADER_RESOURCES)?;
            Declaration::Resource { slot, kind: ViewKind::Raw }
        }
        Opcode::DclResourceStructured => {
            let slot = fields.slot(RegisterFile::Resource, limits::SHADER_RESOURCES)?;
            Declaration::Resource { slot, kind: structured(fields.dword()?)? }
        }
        Opcode::DclUavTyped => {
            let slot = fields.slot(RegisterFile::UnorderedAccessView, limits::UNORDERED_ACCESS_VIEWS)?;
            let kind = view(token >> 11 & 0x1f, fields.dword()?)?;
            Declaration::UnorderedAccessView { slot, kind, globally_coherent }
        }
        Opcode::DclUavRaw => {
            let slot = fields.slot(RegisterFile::UnorderedAccessView, limits::UNORDERED_ACCESS_VIEWS)?;
            Declaration::UnorderedAccessView { slot, kind: ViewKind::Raw, globally_coherent }
        }
        Opcode::DclUavStructured => {
            let slot = fields.slot(RegisterFile::UnorderedAccessView, limits::UNORDERED_ACCESS_VIEWS)?;
            let kind = structured(fields.dword()?)?;
            Declaration::UnorderedAccessView { slot, kind, globally_coherent }
        }
        Opcode::DclConstantBuffer => {
            let operand = fields.operand()?;
            let (slot, elements) = match operand.indices() {
                [slot, elements] if slot.relative.is_none() && elements.relative.is_none() => {
                    (slot.base, elements.base)
                }
                _ => return Err(invalid("a constant buffer needs a slot and a size")),
            };
            if operand.file != RegisterFile::ConstantBuffer || slot >= limits::CONSTANT_BUFFERS {
                return Err(invalid("the slot is not a constant buffer from 0 to 14"));
            }
            if elements > limits::CONSTANT_BUFFER_ELEMENTS {
                return Err(Error::Limit {
                    what: "elements of a constant buffer",
                    value: elements.into(),
                    limit: limits::CONSTANT_BUFFER_ELEMENTS.into(),
                });
            }
            Declaration::ConstantBuffer { slot, elements, dynamic: token >> 11 & 1 != 0 }
        }
        Opcode::DclSampler => {
            let slot = fields.slot(RegisterFile::Sampler, limits::SAMPLERS)?;
            Declaration::Sampler { slot, comparison: token >> 11 & 0xf == 1 }
        }
        Opcode::DclInput => Declaration::Input(fields.register(SystemValue::Undefined, 0)?),
        Opcode::DclInputSgv | Opcode::DclInputSiv => {
            let mut register = fields.register(SystemValue::Undefined, 0)?;
            register.system_value = fields.system_value()?;
            Declaration::Input(register)
        }
        Opcode::DclInputPs => Declaration::Input(fields.register(SystemValue::Undefined, token >> 11 & 0xf)?),
        Opcode::DclInputPsSgv | Opcode::DclInputPsSiv => {
            let mut register = fields.register(SystemValue::Undefined, token >> 11 & 0xf)?;
            register.system_value = fields.system_value()?;
            Declaration::Input(register)
        }
        Opcode::DclOutput => Declaration::Output(fields.register(SystemValue::Undefined, 0)?),
        Opcode::DclOutputSgv | Opcode::DclOutputSiv => {
            let mut register = fields.register(SystemValue::Undefined, 0)?;
            register.system_value = fields.system_value()?;
            Declaration::Output(register)
        }
        Opcode::DclIndexRange => {
            let operand = fields.operand()?;
            let first = operand.indices().last().filter(|index| index.relative.is_none());
            let first = first.ok_or_else(|| invalid("the range has no first register"))?.base;
            let count = fields.dword()?;
            if first.checked_add(count).is_none_or(|end| end > limits::IO_REGISTERS) || count == 0 {
                return Err(invalid("the range is empty or goes past register 31"));
            }
            Declaration::IndexRange { file: operand.file, first, count }
        }
        Opcode::DclTemps => Declaration::Temps(fields.limited("temporary registers", limits::TEMPS)?),
        Opcode::DclIndexableTemp => {
            let register = fields.limited("number of an indexable temporary register", limits::TEMPS)?;
            let elements = fields.limited("elements of an indexable temporary register", limits::TEMPS)?;
            let _components = fields.dword()?;
            if elements == 0 {
                return Err(invalid("the register has no elements"));
            }
            Declaration::IndexableTemp { register, elements }
        }
        Opcode::DclThreadGroup => {
            let size = [fields.dword()?, fields.dword()?, fields.dword()?];
            let threads = size.iter().try_fold(1u32, |product, n| product.checked_mul(*n));
            if threads.is_none_or(|n| n == 0 || n > limits::THREADS_PER_GROUP)
                || size[2] > limits::THREAD_GROUP_Z
            {
                return Err(invalid("the group is empty, above 1,024 threads, or above 64 in Z"));
            }
            Declaration::ThreadGroup(size)
        }
        Opcode::DclTgsmRaw => {
            let register = fields.slot(RegisterFile::ThreadGroupSharedMemory, limits::TEMPS)?;
            let bytes = fields.limited("bytes of thread group shared memory", limits::SHARED_MEMORY_BYTES)?;
            if bytes == 0 || bytes % 4 != 0 {
                return Err(invalid("the size is not a positive multiple of 4"));
            }
            Declaration::ThreadGroupSharedMemory { register, stride: 4, count: bytes / 4, structured: false }
        }
        Opcode::DclTgsmStructured => {
            let register = fields.slot(RegisterFile::ThreadGroupSharedMemory, limits::TEMPS)?;
            let stride =
                fields.limited("bytes of thread group shared memory", limits::SHARED_MEMORY_BYTES)?;
            let count =
                fields.limited("elements of thread group shared memory", limits::SHARED_MEMORY_BYTES)?;
            // Both factors are at most 32 Ki, so that the product fits.
            if stride == 0 || stride % 4 != 0 || count == 0 || stride * count > limits::SHARED_MEMORY_BYTES {
                return Err(invalid("the size is not from 4 to 32,768 bytes in whole dwords"));
            }
            Declaration::ThreadGroupSharedMemory { register, stride, count, structured: true }
        }
        Opcode::DclFunctionBody => Declaration::FunctionBody(fields.dword()?),
        Opcode::DclFunctionTable => {
            let (table, count) = (fields.dword()?, fields.dword()?);
            Declaration::FunctionTable { table, bodies: fields.dwords(count)? }
        }
        Opcode::DclInterface => {
            let (first, call_sites, sizes) = (fields.dword()?, fields.dword()?, fields.dword()?);
            let count = sizes >> 16;
            if count == 0 || first.checked_add(count).is_none_or(|end| end > limits::INTERFACES) {
                return Err(invalid("the array is empty or goes past interface 252"));
            }
            let tables = fields.dwords(sizes & 0xffff)?;
            Declaration::Interface { first, count, call_sites, tables, dynamic: token >> 11 & 1 != 0 }
        }
        _ => return stage::parse(opcode, token, &mut fields),
    }))
}

/// Reads the immediate constant buffer from the payload of its custom-data block.
pub fn immediate_constant_buffer(payload: &[u32], offset: u32) -> Result<Declaration, Error> {
    let (elements, rest) = payload.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(Error::Invalid {
            opcode: "dcl_immediateConstantBuffer",
            offset,
            rule: "the size is not a multiple of four dwords",
        });
    }
    if elements.len() > limits::IMMEDIATE_CONSTANT_ELEMENTS as usize {
        return Err(Error::Limit {
            what: "elements of the immediate constant buffer",
            value: elements.len() as u64,
            limit: limits::IMMEDIATE_CONSTANT_ELEMENTS.into(),
        });
    }
    Ok(Declaration::ImmediateConstantBuffer(elements.to_vec()))
}

/// The fields that follow a declaration's opcode token.
pub(super) struct Fields<'a, 'tokens> {
    reader: &'a mut Reader<'tokens>,
    arena: &'a mut Vec<Operand>,
    opcode: Opcode,
    offset: u32,
}

impl Fields<'_, '_> {
    pub(super) fn invalid(&self, rule: &'static str) -> Error {
        Error::Invalid { opcode: self.opcode.name(), offset: self.offset, rule }
    }

    pub(super) fn dword(&mut self) -> Result<u32, Error> {
        self.reader.dword()
    }

    fn dwords(&mut self, count: u32) -> Result<Vec<u32>, Error> {
        Ok(self.reader.dwords(usize::try_from(count).unwrap_or(usize::MAX))?.to_vec())
    }

    pub(super) fn limited(&mut self, what: &'static str, limit: u32) -> Result<u32, Error> {
        let value = self.dword()?;
        self.checked(what, value, limit)
    }

    pub(super) fn checked(&self, what: &'static str, value: u32, limit: u32) -> Result<u32, Error> {
        if value > limit {
            return Err(Error::Limit { what, value: value.into(), limit: limit.into() });
        }
        Ok(value)
    }

    pub(super) fn positive(&self, value: u32) -> Result<u32, Error> {
        if value == 0 { Err(self.invalid("the count is 0")) } else { Ok(value) }
    }

    fn operand(&mut self) -> Result<Operand, Error> {
        let id = operand::parse(self.reader, self.arena, 0)?;
        self.arena.get(id.0 as usize).copied().ok_or_else(|| self.invalid("the operand is missing"))
    }

    /// A register of `file` below `limit`.
    pub(super) fn slot(&mut self, file: RegisterFile, limit: u32) -> Result<u32, Error> {
        let operand = self.operand()?;
        if operand.file != file {
            return Err(self.invalid("the operand is of another register file"));
        }
        operand
            .register()
            .filter(|register| *register < limit)
            .ok_or_else(|| self.invalid("the register number is out of range"))
    }

    fn system_value(&mut self) -> Result<SystemValue, Error> {
        let number = self.dword()? & 0xffff;
        SystemValue::from_number(number).ok_or_else(|| self.invalid("the system value is undefined"))
    }

    fn register(
        &mut self,
        system_value: SystemValue,
        interpolation: u32,
    ) -> Result<RegisterDeclaration, Error> {
        let operand = self.operand()?;
        if matches!(operand.components, Components::Swizzle(_)) {
            return Err(self.invalid("a declared register needs a mask"));
        }
        if operand.indices().iter().any(|index| index.relative.is_some()) {
            return Err(self.invalid("a declared register needs an immediate number"));
        }
        let indexed = matches!(
            operand.file,
            RegisterFile::Input
                | RegisterFile::Output
                | RegisterFile::InputControlPoint
                | RegisterFile::OutputControlPoint
                | RegisterFile::InputPatchConstant
        );
        if indexed && operand.indices().last().is_none_or(|index| index.base >= limits::IO_REGISTERS) {
            return Err(self.invalid("the register number is above 31"));
        }
        let interpolation = Interpolation::from_number(interpolation)
            .ok_or_else(|| self.invalid("the interpolation mode is undefined"))?;
        Ok(RegisterDeclaration { operand, system_value, interpolation })
    }
}
