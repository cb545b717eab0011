//! A whole program: version, declarations and the flat list of instructions.

use super::declaration::{self, Declaration};
use super::opcode::{Opcode, OperandForm};
use super::operand::{self, Operand, OperandId};
use super::reader::Reader;
use crate::{Error, limits};

/// The pipeline stage of a program, `D3D10_SB_TOKENIZED_PROGRAM_TYPE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the stage of that name")]
pub enum ShaderStage {
    Vertex,
    Hull,
    Domain,
    Geometry,
    Pixel,
    Compute,
}

/// One instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// The opcode.
    pub opcode: Opcode,
    /// Dword offset of its token.
    pub offset: u32,
    /// The opcode token, for its controls.
    pub(super) token: u32,
    /// The immediate texel offsets of a sample or load, -8 to 7.
    pub texel_offset: [i8; 3],
    /// The kind of resource that the instruction says it reads, for one that is chosen when the shader runs.
    pub resource: ResourceHint,
    /// `fcall`: the place in the function table that is called.
    pub call_site: u32,
    /// Place of the first operand in [`Program::operand_list`].
    pub(super) first_operand: u32,
    pub(super) operand_count: u8,
}

/// What the extended opcode tokens say of a resource operand: `D3D11_SB_EXTENDED_OPCODE_RESOURCE_DIM` and
/// `D3D11_SB_EXTENDED_OPCODE_RESOURCE_RETURN_TYPE`. All zero where they are absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResourceHint {
    /// A `D3D10_SB_RESOURCE_DIMENSION` number.
    pub dimension: u32,
    /// Bytes of a structure.
    pub stride: u32,
    /// A `D3D10_SB_RESOURCE_RETURN_TYPE` number, of the first component.
    pub return_type: u32,
}

/// What `resinfo` and `sampleinfo` return, `D3D10_SB_RESINFO_INSTRUCTION_RETURN_TYPE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InfoReturn {
    /// Floats.
    Float,
    /// Floats, with the sizes as reciprocals.
    ReciprocalFloat,
    /// Unsigned integers.
    Uint,
}

/// What `sync` orders, `D3D11_SB_SYNC_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncFlags {
    /// All threads of the group wait for each other.
    pub threads_in_group: bool,
    /// Thread group shared memory is ordered.
    pub shared_memory: bool,
    /// Unordered access views are ordered within the group.
    pub uav_group: bool,
    /// Unordered access views are ordered on the whole device.
    pub uav_global: bool,
}

impl Instruction {
    /// Whether the float result is clamped to 0..1.
    pub fn saturate(&self) -> bool {
        self.token >> 13 & 1 != 0
    }

    /// Whether a conditional instruction acts on a value that is not zero (else: on zero).
    pub fn test_nonzero(&self) -> bool {
        self.token >> 18 & 1 != 0
    }

    /// Whether any component of the result must not be contracted or reordered.
    pub fn precise(&self) -> bool {
        self.token >> 19 & 0xf != 0
    }

    /// The return type of `resinfo`.
    pub fn resinfo_return(&self) -> Option<InfoReturn> {
        match self.token >> 11 & 3 {
            0 => Some(InfoReturn::Float),
            1 => Some(InfoReturn::ReciprocalFloat),
            2 => Some(InfoReturn::Uint),
            _ => None,
        }
    }

    /// The return type of `sampleinfo`.
    pub fn sampleinfo_return(&self) -> Option<InfoReturn> {
        match self.token >> 11 & 3 {
            0 => Some(InfoReturn::Float),
            1 => Some(InfoReturn::Uint),
            _ => None,
        }
    }

    /// What `sync` orders.
    pub fn sync_flags(&self) -> SyncFlags {
        SyncFlags {
            threads_in_group: self.token >> 11 & 1 != 0,
            shared_memory: self.token >> 12 & 1 != 0,
            uav_group: self.token >> 13 & 1 != 0,
            uav_global: self.token >> 14 & 1 != 0,
        }
    }
}

/// The kind of a hull shader's phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhaseKind {
    /// Runs once for each output control point.
    ControlPoint,
    /// Makes patch constants, apart from other fork phases.
    Fork,
    /// Makes patch constants after all fork phases, and may read theirs.
    Join,
}

/// A phase of a hull shader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// What it is.
    pub kind: PhaseKind,
    /// How often it runs: once where it does not say.
    pub instances: u32,
    /// Its inputs, outputs, index ranges and temporary registers, which no other phase sees.
    pub declarations: Vec<Declaration>,
}

/// A parsed program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The stage.
    pub stage: ShaderStage,
    /// Shader model, major part: 4 or 5.
    pub major: u32,
    /// Shader model, minor part: 0 or 1.
    pub minor: u32,
    /// The declarations in order; of a hull shader, those that are no phase's own.
    pub declarations: Vec<Declaration>,
    /// The phases of a hull shader, in order. Each has an instruction that starts it.
    pub phases: Vec<Phase>,
    /// The instructions in order.
    pub instructions: Vec<Instruction>,
    pub(super) arena: Vec<Operand>,
    pub(super) operand_list: Vec<OperandId>,
}

impl Program {
    /// Parses a token stream: the version token, the length token, and that many dwords in all. Dwords after the
    /// declared length are ignored, since a chunk may be padded.
    pub fn parse(tokens: &[u32]) -> Result<Self, Error> {
        let mut reader = Reader::new(tokens);
        let version = reader.dword()?;
        let stage = match version >> 16 {
            0 => ShaderStage::Pixel,
            1 => ShaderStage::Vertex,
            2 => ShaderStage::Geometry,
            3 => ShaderStage::Hull,
            4 => ShaderStage::Domain,
            5 => ShaderStage::Compute,
            _ => return Err(Error::BadVersion { token: version }),
        };
        let (major, minor) = (version >> 4 & 0xf, version & 0xf);
        if !matches!((major, minor), (4, 0 | 1) | (5, 0)) {
            return Err(Error::BadVersion { token: version });
        }
        let length = reader.dword()?;
        let size = usize::try_from(length).unwrap_or(usize::MAX);
        if size < 2 || size > tokens.len() {
            return Err(Error::BadLength { declared: length, given: tokens.len() });
        }
        if size > limits::TOKENS {
            return Err(Error::Limit { what: "dwords", value: length.into(), limit: limits::TOKENS as u64 });
        }
        let mut program = Self {
            stage,
            major,
            minor,
            declarations: Vec::new(),
            phases: Vec::new(),
            instructions: Vec::new(),
            arena: Vec::new(),
            operand_list: Vec::new(),
        };
        let mut reader = reader.limited(size)?;
        while !reader.is_empty() {
            program.parse_instruction(&mut reader)?;
        }
        Ok(program)
    }

    /// The operands of `instruction`, destinations first.
    pub fn operands(&self, instruction: &Instruction) -> impl Iterator<Item = &Operand> {
        let first = instruction.first_operand as usize;
        let list =
            self.operand_list.get(first..first + usize::from(instruction.operand_count)).unwrap_or_default();
        list.iter().filter_map(|id| self.operand(*id))
    }

    /// The operand with this place.
    pub fn operand(&self, id: OperandId) -> Option<&Operand> {
        self.arena.get(id.0 as usize)
    }

    /// All operands, those inside relative indices too, in no useful order.
    pub fn all_operands(&self) -> impl Iterator<Item = &Operand> {
        self.arena.iter()
    }

    /// The declarations of the program and of all phases, in order.
    pub fn all_declarations(&self) -> impl Iterator<Item = &Declaration> {
        self.declarations.iter().chain(self.phases.iter().flat_map(|phase| &phase.declarations))
    }

    /// Files a declaration with the program or with the phase at hand.
    fn declare(&mut self, declaration: Declaration) {
        match (self.phases.last_mut(), declaration) {
            (Some(phase), Declaration::PhaseInstances(count)) => phase.instances = count,
            (
                Some(phase),
                declaration @ (Declaration::Input(_)
                | Declaration::Output(_)
                | Declaration::IndexRange { .. }
                | Declaration::Temps(_)
                | Declaration::IndexableTemp { .. }),
            ) => phase.declarations.push(declaration),
            (_, declaration) => self.declarations.push(declaration),
        }
    }

    /// Starts a phase of a hull shader.
    fn start_phase(&mut self, opcode: Opcode, offset: u32) -> Result<(), Error> {
        let invalid = |rule| Error::Invalid { opcode: opcode.name(), offset, rule };
        let kind = match opcode {
            Opcode::HsControlPointPhase if self.phases.is_empty() => PhaseKind::ControlPoint,
            Opcode::HsControlPointPhase => return Err(invalid("the phase is not the first one")),
            Opcode::HsForkPhase => PhaseKind::Fork,
            Opcode::HsJoinPhase => PhaseKind::Join,
            _ if self.phases.is_empty() => return Ok(()),
            _ => return Err(invalid("there is a phase before it")),
        };
        if self.phases.len() >= limits::HULL_PHASES {
            let value = self.phases.len() as u64 + 1;
            return Err(Error::Limit {
                what: "hull shader phases",
                value,
                limit: limits::HULL_PHASES as u64,
            });
        }
        self.phases.push(Phase { kind, instances: 1, declarations: Vec::new() });
        Ok(())
    }

    fn parse_instruction(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        let offset = reader.offset();
        let token = reader.dword()?;
        let number = token & 0x7ff;
        let opcode = Opcode::from_number(number).ok_or(Error::UnknownOpcode { opcode: number, offset })?;
        let invalid = |rule| Error::Invalid { opcode: opcode.name(), offset, rule };
        if opcode == Opcode::CustomData {
            let length = usize::try_from(reader.dword()?).unwrap_or(usize::MAX);
            let payload = length.checked_sub(2).ok_or_else(|| invalid("the length is below 2"))?;
            let payload = reader.dwords(payload)?;
            // Other classes are comments and debug information.
            if token >> 11 == 3 {
                self.declare(declaration::immediate_constant_buffer(payload, offset)?);
            }
            return Ok(());
        }
        let length = token >> 24 & 0x7f;
        if length == 0 {
            return Err(invalid("the length is 0"));
        }
        let end = offset as usize + length as usize;
        let mut body = reader.limited(end)?;
        let mut texel_offset = [0; 3];
        let mut resource = ResourceHint::default();
        let mut extension = token;
        while extension >> 31 != 0 {
            extension = body.dword()?;
            // 1 is the sample controls; 2 and 3 repeat what the resource's declaration says.
            match extension & 0x3f {
                1 => texel_offset = [9, 13, 17].map(|shift| ((extension >> shift << 4) as u8) as i8 >> 4),
                2 => {
                    resource.dimension = extension >> 6 & 0x1f;
                    resource.stride = extension >> 11 & 0xfff;
                }
                3 => resource.return_type = extension >> 6 & 0xf,
                _ => {}
            }
        }
        match opcode.form() {
            OperandForm::Counted(..) if self.stage == ShaderStage::Hull && self.phases.is_empty() => {
                return Err(invalid("a hull shader's instruction is in no phase"));
            }
            form if matches!(form, OperandForm::Counted(..)) || opcode == Opcode::InterfaceCall => {
                // A call of an interface has the place in the function table before its operand.
                let (count, call_site) = match form {
                    OperandForm::Counted(_, count) => (count, 0),
                    OperandForm::Special => (1, body.dword()?),
                };
                let first_operand = u32::try_from(self.operand_list.len()).unwrap_or(u32::MAX);
                for _ in 0..count {
                    let id = operand::parse(&mut body, &mut self.arena, 0)?;
                    self.operand_list.push(id);
                }
                // The HLSL compiler leaves a zero after samplepos, and anything after feedback instructions.
                while !body.is_empty() {
                    if body.dword()? != 0 && opcode.without_feedback().is_none() {
                        return Err(invalid("tokens are left after the last operand"));
                    }
                }
                self.instructions.push(Instruction {
                    opcode,
                    offset,
                    token,
                    texel_offset,
                    resource,
                    call_site,
                    first_operand,
                    operand_count: count,
                });
            }
            _ => {
                if let Some(declaration) = declaration::parse(opcode, token, &mut body, &mut self.arena)? {
                    self.declare(declaration);
                } else if matches!(self.stage, ShaderStage::Hull) && is_hull_phase(opcode) {
                    self.start_phase(opcode, offset)?;
                    self.instructions.push(Instruction {
                        opcode,
                        offset,
                        token,
                        texel_offset,
                        resource,
                        call_site: 0,
                        first_operand: 0,
                        operand_count: 0,
                    });
                } else {
                    return Err(invalid("the stage does not have this instruction"));
                }
            }
        }
        reader.seek(end);
        Ok(())
    }
}

fn is_hull_phase(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::HsDecls | Opcode::HsControlPointPhase | Opcode::HsForkPhase | Opcode::HsJoinPhase
    )
}
