//! Operands: which register file, which register, which components, which modifier.
//!
//! Operands live in one arena per program and name each other by [`OperandId`], because a relative index is an
//! operand of its own.

use super::reader::Reader;
use crate::{Error, limits};

/// A register file, `D3D10_SB_OPERAND_TYPE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is named as in the format's enumeration")]
pub enum RegisterFile {
    Temp,
    Input,
    Output,
    IndexableTemp,
    Immediate32,
    Immediate64,
    Sampler,
    Resource,
    ConstantBuffer,
    ImmediateConstantBuffer,
    Label,
    InputPrimitiveId,
    OutputDepth,
    Null,
    Rasterizer,
    OutputCoverageMask,
    Stream,
    FunctionBody,
    FunctionTable,
    Interface,
    FunctionInput,
    FunctionOutput,
    OutputControlPointId,
    InputForkInstanceId,
    InputJoinInstanceId,
    InputControlPoint,
    OutputControlPoint,
    InputPatchConstant,
    InputDomainPoint,
    ThisPointer,
    UnorderedAccessView,
    ThreadGroupSharedMemory,
    InputThreadId,
    InputThreadGroupId,
    InputThreadIdInGroup,
    InputCoverageMask,
    InputThreadIdInGroupFlattened,
    InputGsInstanceId,
    OutputDepthGreaterEqual,
    OutputDepthLessEqual,
    CycleCounter,
}

/// The register files by number, with the prefix that a listing gives them.
const FILES: [(RegisterFile, &str); 41] = [
    (RegisterFile::Temp, "r"),
    (RegisterFile::Input, "v"),
    (RegisterFile::Output, "o"),
    (RegisterFile::IndexableTemp, "x"),
    (RegisterFile::Immediate32, "l"),
    (RegisterFile::Immediate64, "d"),
    (RegisterFile::Sampler, "s"),
    (RegisterFile::Resource, "t"),
    (RegisterFile::ConstantBuffer, "cb"),
    (RegisterFile::ImmediateConstantBuffer, "icb"),
    (RegisterFile::Label, "label"),
    (RegisterFile::InputPrimitiveId, "vPrim"),
    (RegisterFile::OutputDepth, "oDepth"),
    (RegisterFile::Null, "null"),
    (RegisterFile::Rasterizer, "rasterizer"),
    (RegisterFile::OutputCoverageMask, "oMask"),
    (RegisterFile::Stream, "m"),
    (RegisterFile::FunctionBody, "fb"),
    (RegisterFile::FunctionTable, "ft"),
    (RegisterFile::Interface, "fp"),
    (RegisterFile::FunctionInput, "fi"),
    (RegisterFile::FunctionOutput, "fo"),
    (RegisterFile::OutputControlPointId, "vOutputControlPointID"),
    (RegisterFile::InputForkInstanceId, "vForkInstanceID"),
    (RegisterFile::InputJoinInstanceId, "vJoinInstanceID"),
    (RegisterFile::InputControlPoint, "vicp"),
    (RegisterFile::OutputControlPoint, "vocp"),
    (RegisterFile::InputPatchConstant, "vpc"),
    (RegisterFile::InputDomainPoint, "vDomain"),
    (RegisterFile::ThisPointer, "this"),
    (RegisterFile::UnorderedAccessView, "u"),
    (RegisterFile::ThreadGroupSharedMemory, "g"),
    (RegisterFile::InputThreadId, "vThreadID"),
    (RegisterFile::InputThreadGroupId, "vThreadGroupID"),
    (RegisterFile::InputThreadIdInGroup, "vThreadIDInGroup"),
    (RegisterFile::InputCoverageMask, "vCoverage"),
    (RegisterFile::InputThreadIdInGroupFlattened, "vThreadIDInGroupFlattened"),
    (RegisterFile::InputGsInstanceId, "vGSInstanceID"),
    (RegisterFile::OutputDepthGreaterEqual, "oDepthGE"),
    (RegisterFile::OutputDepthLessEqual, "oDepthLE"),
    (RegisterFile::CycleCounter, "vCycleCounter"),
];

impl RegisterFile {
    /// The file with this number, if there is one.
    pub fn from_number(number: u32) -> Option<Self> {
        FILES.get(usize::try_from(number).ok()?).map(|entry| entry.0)
    }

    /// What a listing calls it.
    pub fn prefix(self) -> &'static str {
        FILES.get(self as usize).map_or("?", |entry| entry.1)
    }
}

/// How an operand picks components of its register, `D3D10_SB_OPERAND_4_COMPONENT_SELECTION_MODE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Components {
    /// The operand has no data of its own (a sampler, a label).
    Zero,
    /// A scalar register.
    One,
    /// A destination: bit n set means that component n is written.
    Mask(u8),
    /// A source: component n of the value is component `self[n]` of the register.
    Swizzle([u8; 4]),
}

/// A source modifier, `D3D10_SB_OPERAND_MODIFIER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modifier {
    /// Take the absolute value (before negation).
    pub absolute: bool,
    /// Negate.
    pub negate: bool,
}

/// The place of an operand in its program's arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperandId(pub(super) u32);

/// One index of an operand: `base`, or `base + relative`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Index {
    /// The immediate part.
    pub base: u32,
    /// The operand whose first selected component is added to it.
    pub relative: Option<OperandId>,
}

/// One operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operand {
    /// The register file.
    pub file: RegisterFile,
    /// The components picked.
    pub components: Components,
    /// The source modifier.
    pub modifier: Modifier,
    indices: [Index; 3],
    index_count: u8,
    /// The immediate value of `Immediate32` (one or four values) and `Immediate64` (two dwords a value, low first).
    pub immediate: [u32; 4],
}

impl Operand {
    /// The indices, outermost first: `cb2[5]` has 2 and 5.
    pub fn indices(&self) -> &[Index] {
        self.indices.get(..usize::from(self.index_count)).unwrap_or_default()
    }

    /// The register number: the first index, where it is an immediate.
    pub fn register(&self) -> Option<u32> {
        self.indices().first().filter(|index| index.relative.is_none()).map(|index| index.base)
    }

    /// An operand of `file` without components, with one immediate index: a label, a sampler.
    pub fn numbered(file: RegisterFile, number: u32) -> Self {
        let mut operand = Self::immediate([0; 4]);
        operand.file = file;
        operand.components = Components::Zero;
        operand.with_index(0, Index { base: number, relative: None })
    }

    /// Four immediate values.
    pub fn immediate(immediate: [u32; 4]) -> Self {
        Self {
            file: RegisterFile::Immediate32,
            components: Components::Swizzle([0, 1, 2, 3]),
            modifier: Modifier::default(),
            indices: [Index::default(); 3],
            index_count: 0,
            immediate,
        }
    }

    /// The same operand as an immediate: swizzle and modifiers then apply to these values.
    pub fn replaced_by(&self, immediate: [u32; 4]) -> Self {
        Self { components: self.components, modifier: self.modifier, ..Self::immediate(immediate) }
    }

    /// The same operand with index `place` (0 to 2) set.
    pub fn with_index(&self, place: u8, index: Index) -> Self {
        let mut operand = *self;
        if let Some(entry) = operand.indices.get_mut(usize::from(place)) {
            *entry = index;
            operand.index_count = operand.index_count.max(place + 1);
        }
        operand
    }

    /// The same operand in another register file.
    pub fn in_file(&self, file: RegisterFile) -> Self {
        Self { file, ..*self }
    }

    /// The same operand without its source modifier.
    pub fn unmodified(&self) -> Self {
        Self { modifier: Modifier::default(), ..*self }
    }

    /// The same destination with another write mask.
    pub fn with_mask(&self, mask: u8) -> Self {
        Self { components: Components::Mask(mask), ..*self }
    }

    /// The write mask of a destination. A scalar destination writes x; one without components writes nothing.
    pub fn mask(&self) -> u8 {
        match self.components {
            Components::Zero => 0,
            Components::One => 1,
            Components::Mask(mask) => mask,
            // A swizzle in place of a mask is not a destination.
            Components::Swizzle(_) => 0,
        }
    }

    /// The register component that component `n` (0 to 3) of a source reads.
    pub fn swizzle(&self, n: usize) -> usize {
        match self.components {
            Components::Zero | Components::One => 0,
            Components::Mask(_) => n & 3,
            Components::Swizzle(swizzle) => usize::from(swizzle.get(n).copied().unwrap_or(0)),
        }
    }
}

/// Reads one operand, and the operands nested in its indices, into `arena`; returns its place.
pub fn parse(reader: &mut Reader<'_>, arena: &mut Vec<Operand>, depth: u32) -> Result<OperandId, Error> {
    let offset = reader.offset();
    let invalid = |rule| Error::Invalid { opcode: "operand", offset, rule };
    if depth > limits::INDEX_NESTING {
        return Err(Error::Limit {
            what: "nesting of relative indices",
            value: depth.into(),
            limit: limits::INDEX_NESTING.into(),
        });
    }
    let token = reader.dword()?;
    let file = RegisterFile::from_number(token >> 12 & 0xff)
        .ok_or_else(|| invalid("the register file is unknown"))?;
    let components = match (token & 3, token >> 2 & 3) {
        (0, _) => Components::Zero,
        (1, _) => Components::One,
        (2, 0) => Components::Mask((token >> 4 & 0xf) as u8),
        (2, 1) => {
            let swizzle = token >> 4;
            Components::Swizzle([0, 2, 4, 6].map(|shift| (swizzle >> shift & 3) as u8))
        }
        (2, 2) => Components::Swizzle([(token >> 4 & 3) as u8; 4]),
        _ => return Err(invalid("the component selection is undefined")),
    };
    let mut modifier = Modifier::default();
    let mut extension = token;
    while extension >> 31 != 0 {
        extension = reader.dword()?;
        match extension & 0x3f {
            0 => {}
            // [13:6] the modifier; [16:14] a minimum precision, which 32-bit arithmetic always meets.
            1 => {
                let bits = extension >> 6 & 0xff;
                if bits > 3 {
                    return Err(invalid("the source modifier is undefined"));
                }
                modifier = Modifier { absolute: bits & 2 != 0, negate: bits & 1 != 0 };
            }
            _ => return Err(invalid("the extended operand token is undefined")),
        }
    }
    let mut operand = Operand {
        file,
        components,
        modifier,
        indices: [Index::default(); 3],
        index_count: 0,
        immediate: [0; 4],
    };
    if matches!(file, RegisterFile::Immediate32 | RegisterFile::Immediate64) {
        let count = match (components, file) {
            (Components::Zero, _) => return Err(invalid("an immediate without components")),
            (Components::One, RegisterFile::Immediate32) => 1,
            (Components::One, _) => 2,
            _ => 4,
        };
        for (value, token) in operand.immediate.iter_mut().zip(reader.dwords(count)?) {
            *value = *token;
        }
        if components == Components::One && file == RegisterFile::Immediate32 {
            operand.immediate = [operand.immediate[0]; 4];
        }
        // The components of an immediate are used as they are.
        if components != Components::One {
            operand.components = Components::Swizzle([0, 1, 2, 3]);
        }
    } else {
        operand.index_count = (token >> 20 & 3) as u8;
        for dimension in 0..operand.index_count {
            let representation = token >> (22 + 3 * u32::from(dimension)) & 7;
            let (dwords, relative) = match representation {
                0 => (1, false),
                1 => (2, false),
                2 => (0, true),
                3 => (1, true),
                4 => (2, true),
                _ => return Err(invalid("the index representation is undefined")),
            };
            let base = match reader.dwords(dwords)? {
                [] => 0,
                [low] | [0, low] => *low,
                _ => return Err(invalid("a 64-bit index above 4,294,967,295")),
            };
            let relative = if relative { Some(parse(reader, arena, depth + 1)?) } else { None };
            if let Some(index) = operand.indices.get_mut(usize::from(dimension)) {
                *index = Index { base, relative };
            }
        }
    }
    // The stream has at most `limits::TOKENS` dwords, and each operand has at least one.
    let id = OperandId(u32::try_from(arena.len()).map_err(|_| invalid("too many operands"))?);
    arena.push(operand);
    Ok(id)
}
