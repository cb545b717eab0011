//! Which stages an instruction, a declaration or a register belongs to.
//!
//! The sets are the "Stage(s)" of each entry in the D3D11 functional specification, chapter 22. Everything that is not
//! named here is part of all stages.

use crate::Error;
use crate::token::declaration::Declaration;
use crate::token::opcode::Opcode;
use crate::token::operand::RegisterFile;
use crate::token::program::{Program, ShaderStage};

/// A set of stages: bit n is stage n.
type Stages = u8;

const VERTEX: Stages = 1 << ShaderStage::Vertex as u8;
const HULL: Stages = 1 << ShaderStage::Hull as u8;
const DOMAIN: Stages = 1 << ShaderStage::Domain as u8;
const GEOMETRY: Stages = 1 << ShaderStage::Geometry as u8;
const PIXEL: Stages = 1 << ShaderStage::Pixel as u8;
const COMPUTE: Stages = 1 << ShaderStage::Compute as u8;
const ALL: Stages = VERTEX | HULL | DOMAIN | GEOMETRY | PIXEL | COMPUTE;

/// Checks that a program is made of what its stage has.
pub fn check(program: &Program) -> Result<(), Error> {
    let stage: Stages = 1 << program.stage as u8;
    for instruction in &program.instructions {
        let invalid =
            |rule| Error::Invalid { opcode: instruction.opcode.name(), offset: instruction.offset, rule };
        if of_opcode(instruction.opcode) & stage == 0 {
            return Err(invalid("the stage does not have this instruction"));
        }
        if program.operands(instruction).any(|operand| of_register(operand.file) & stage == 0) {
            return Err(invalid("the stage does not have this register"));
        }
        let flags = instruction.sync_flags();
        let group = flags.threads_in_group || flags.shared_memory;
        if instruction.opcode == Opcode::Sync && group && stage != COMPUTE {
            return Err(invalid("only a compute shader has thread groups"));
        }
    }
    if program.all_operands().any(|operand| of_register(operand.file) & stage == 0) {
        return Err(Error::Invalid {
            opcode: "program",
            offset: 0,
            rule: "the stage does not have a register that is declared or used as an index",
        });
    }
    let of = |opcode| (of_opcode(opcode), opcode);
    for declaration in &program.declarations {
        let (stages, opcode) = match declaration {
            Declaration::ThreadGroup(_) => (COMPUTE, Opcode::DclThreadGroup),
            Declaration::ThreadGroupSharedMemory { .. } => (COMPUTE, Opcode::DclTgsmRaw),
            Declaration::Output(_) => (ALL & !COMPUTE, Opcode::DclOutput),
            Declaration::Stream(_) => of(Opcode::DclStream),
            Declaration::GeometryInput(_) => of(Opcode::DclGsInputPrimitive),
            Declaration::GeometryOutput(_) => of(Opcode::DclGsOutputPrimitiveTopology),
            Declaration::MaxOutputVertices(_) => of(Opcode::DclMaxOutputVertexCount),
            Declaration::GeometryInstances(_) => of(Opcode::DclGsInstanceCount),
            Declaration::InputControlPoints(_) => of(Opcode::DclInputControlPointCount),
            Declaration::OutputControlPoints(_) => of(Opcode::DclOutputControlPointCount),
            Declaration::TessellatorDomain(_) => of(Opcode::DclTessDomain),
            Declaration::TessellatorPartitioning(_) => of(Opcode::DclTessPartitioning),
            Declaration::TessellatorOutput(_) => of(Opcode::DclTessOutputPrimitive),
            Declaration::MaxTessFactor(_) => of(Opcode::DclHsMaxTessfactor),
            Declaration::PhaseInstances(_) => of(Opcode::DclHsForkPhaseInstanceCount),
            _ => continue,
        };
        if stages & stage == 0 {
            let rule = "the stage does not have this declaration";
            return Err(Error::Invalid { opcode: opcode.name(), offset: 0, rule });
        }
    }
    Ok(())
}

/// The stages that have an instruction or declaration.
pub fn of_opcode(opcode: Opcode) -> Stages {
    match opcode {
        Opcode::Discard
        | Opcode::DerivRtx
        | Opcode::DerivRty
        | Opcode::DerivRtxCoarse
        | Opcode::DerivRtxFine
        | Opcode::DerivRtyCoarse
        | Opcode::DerivRtyFine
        | Opcode::Sample
        | Opcode::SampleB
        | Opcode::SampleC
        | Opcode::SampleClampFeedback
        | Opcode::SampleBClampFeedback
        | Opcode::SampleCClampFeedback
        | Opcode::Lod
        | Opcode::EvalCentroid
        | Opcode::EvalSampleIndex
        | Opcode::EvalSnapped
        | Opcode::DclInputPs
        | Opcode::DclInputPsSgv
        | Opcode::DclInputPsSiv => PIXEL,
        Opcode::Cut
        | Opcode::Emit
        | Opcode::EmitThenCut
        | Opcode::CutStream
        | Opcode::EmitStream
        | Opcode::EmitThenCutStream
        | Opcode::DclStream
        | Opcode::DclGsInputPrimitive
        | Opcode::DclGsOutputPrimitiveTopology
        | Opcode::DclGsInstanceCount
        | Opcode::DclMaxOutputVertexCount => GEOMETRY,
        Opcode::HsDecls
        | Opcode::HsControlPointPhase
        | Opcode::HsForkPhase
        | Opcode::HsJoinPhase
        | Opcode::DclOutputControlPointCount
        | Opcode::DclTessPartitioning
        | Opcode::DclTessOutputPrimitive
        | Opcode::DclHsMaxTessfactor
        | Opcode::DclHsForkPhaseInstanceCount
        | Opcode::DclHsJoinPhaseInstanceCount => HULL,
        Opcode::DclTessDomain | Opcode::DclInputControlPointCount => HULL | DOMAIN,
        Opcode::DclThreadGroup | Opcode::DclTgsmRaw | Opcode::DclTgsmStructured => COMPUTE,
        Opcode::DclOutput | Opcode::DclOutputSgv | Opcode::DclOutputSiv => ALL & !COMPUTE,
        _ => ALL,
    }
}

/// The stages that have a register.
pub fn of_register(file: RegisterFile) -> Stages {
    match file {
        RegisterFile::OutputDepth
        | RegisterFile::OutputDepthGreaterEqual
        | RegisterFile::OutputDepthLessEqual
        | RegisterFile::OutputCoverageMask
        | RegisterFile::InputCoverageMask => PIXEL,
        RegisterFile::ThreadGroupSharedMemory
        | RegisterFile::InputThreadId
        | RegisterFile::InputThreadGroupId
        | RegisterFile::InputThreadIdInGroup
        | RegisterFile::InputThreadIdInGroupFlattened => COMPUTE,
        RegisterFile::Stream | RegisterFile::InputGsInstanceId => GEOMETRY,
        RegisterFile::InputForkInstanceId
        | RegisterFile::InputJoinInstanceId
        | RegisterFile::OutputControlPointId
        | RegisterFile::OutputControlPoint => HULL,
        RegisterFile::InputControlPoint | RegisterFile::InputPatchConstant => HULL | DOMAIN,
        RegisterFile::InputDomainPoint => DOMAIN,
        RegisterFile::InputPrimitiveId => HULL | DOMAIN | GEOMETRY,
        // A compute shader has neither, a hull shader's inputs and outputs have files of their own beside these.
        RegisterFile::Input | RegisterFile::Output => ALL & !COMPUTE,
        _ => ALL,
    }
}
