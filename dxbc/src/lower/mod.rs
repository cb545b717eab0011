//! The translation: declarations to variables, instructions to SPIR-V, one family of instructions a file.
//!
//! Every D3D register is a private variable (`vec4` of floats; bits are reinterpreted where an instruction wants
//! integers), which drivers turn into values. The program is a function of its own, called by the entry point, which
//! fills the input registers before and writes the interface after it, so that a `ret` anywhere needs no copy of
//! that code.

mod arithmetic;
mod blend;
mod buffer;
mod control_point;
mod domain;
mod double;
mod feedback;
mod flow;
mod geometry;
mod hull;
mod image;
mod integer;
mod interface;
mod query;
mod register;
mod resource;
mod stream_output;

use std::collections::BTreeMap;

use rspirv::spirv::{Capability, ExecutionMode, ExecutionModel, Op, Word};

use crate::flow::Flow;
use crate::ir::{Module, Scalar};
use crate::layout::TargetCapabilities;
use crate::pass::Step;
use crate::reflection::{self, Reflection};
use crate::token::declaration::Declaration;
use crate::token::opcode::Opcode;
use crate::token::operand::Operand;
use crate::token::program::{Instruction, Program, ShaderStage};
use crate::{CompileOptions, Compiled, Error, Signatures};

/// Words of code that one program may become. Programs of the greatest length become some six million: at most 24 words
/// for a dword (measured with every instruction).
const OUTPUT_WORDS: usize = 1 << 23;

/// A scalar or vector in SPIR-V.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Value {
    id: Word,
    scalar: Scalar,
    /// Components, 1 to 4.
    count: usize,
}

/// The state of one translation.
struct Lowering<'a> {
    program: &'a Program,
    signatures: &'a Signatures,
    options: &'a CompileOptions<'a>,
    flow: Flow,
    reflection: Reflection,
    module: Module,
    /// The function `main`.
    entry: Word,
    registers: register::Registers,
    interface: interface::Interface,
    resources: resource::Resources,
    blocks: flow::Blocks,
    /// The vertices or control points that a geometry, hull or domain shader takes.
    vertices: control_point::Vertices,
    /// The control points that a hull shader gives.
    control_points: control_point::Vertices,
    geometry: geometry::Geometry,
    hull: hull::Hull,
    captures: stream_output::Captures,
    /// Functions of the subroutines, by label.
    functions: BTreeMap<u32, Word>,
    /// The instruction at hand, for errors.
    at: (&'static str, u32),
    /// Float results of the instruction at hand must not be contracted.
    exact: bool,
    /// The program allows contraction.
    refactoring_allowed: bool,
}

/// Translates a parsed program.
pub fn compile(
    program: &Program,
    signatures: &Signatures,
    options: &CompileOptions<'_>,
    watch: impl FnMut(Step, &Module),
) -> Result<Compiled, Error> {
    let mut module = Module::new();
    let entry = module.id();
    let refactoring_allowed = program.declarations.iter().any(
        |declaration| matches!(declaration, Declaration::GlobalFlags(flags) if flags.refactoring_allowed),
    );
    let mut emitter = Lowering {
        program,
        signatures,
        options,
        flow: crate::flow::check(program)?,
        reflection: reflection::of(program, signatures, options.layout)?,
        module,
        entry,
        registers: register::Registers::default(),
        interface: interface::Interface::default(),
        resources: resource::Resources::of(program),
        blocks: flow::Blocks::default(),
        vertices: control_point::Vertices::default(),
        control_points: control_point::Vertices::default(),
        geometry: geometry::Geometry::default(),
        hull: hull::Hull::default(),
        captures: stream_output::Captures::default(),
        functions: BTreeMap::new(),
        at: ("program", 0),
        exact: false,
        refactoring_allowed,
    };
    reflection::check_patch_locations(&emitter.reflection)?;
    emitter.declare()?;
    emitter.emit_program()?;
    emitter.emit_entry_point()?;
    emitter.execution_modes()?;
    let model = match program.stage {
        ShaderStage::Vertex => ExecutionModel::Vertex,
        ShaderStage::Pixel => ExecutionModel::Fragment,
        ShaderStage::Geometry => ExecutionModel::Geometry,
        ShaderStage::Hull => ExecutionModel::TessellationControl,
        ShaderStage::Domain => ExecutionModel::TessellationEvaluation,
        ShaderStage::Compute => ExecutionModel::GLCompute,
    };
    let mut reflection = emitter.reflection;
    emitter.resources.describe(&mut reflection, &options.target);
    let mut module = emitter.module;
    crate::pass::run(&mut module, watch);
    Ok(Compiled { spirv: crate::spirv::write(&module, model, entry), reflection })
}

impl Lowering<'_> {
    fn target(&self) -> &TargetCapabilities {
        &self.options.target
    }

    /// An error at the instruction at hand.
    fn invalid(&self, rule: &'static str) -> Error {
        Error::Invalid { opcode: self.at.0, offset: self.at.1, rule }
    }

    /// `capability`, if the device has it.
    fn require(&mut self, present: bool, capability: Capability, feature: &'static str) -> Result<(), Error> {
        if !present {
            return Err(Error::MissingCapability { feature });
        }
        self.module.capability(capability);
        Ok(())
    }

    fn is_pixel(&self) -> bool {
        self.program.stage == ShaderStage::Pixel
    }

    /// The operands of an instruction, of which the opcode table promises `N`.
    fn operands<const N: usize>(&self, instruction: &Instruction) -> Result<[Operand; N], Error> {
        let operands: Vec<Operand> = self.program.operands(instruction).copied().collect();
        operands.try_into().map_err(|_| self.invalid("the number of operands is wrong"))
    }

    fn ty(&mut self, scalar: Scalar, count: usize) -> Word {
        self.module.vector_type(scalar, count)
    }

    /// A float instruction, which stays as it is where the program asks for exact results.
    fn float_op(&mut self, op: Op, ty: Word, operands: &[Word]) -> Word {
        if self.exact { self.module.op_exact(op, ty, operands) } else { self.module.op(op, ty, operands) }
    }

    fn emit_program(&mut self) -> Result<(), Error> {
        let program = self.program;
        for label in self.flow.labels.clone() {
            let function = self.module.id();
            self.functions.insert(label, function);
        }
        // A hull shader has a function for each phase instead.
        let hull = program.stage == ShaderStage::Hull;
        if !hull {
            let main = self.module.id();
            self.registers.program = main;
            self.module.begin_function(main);
        }
        for (position, instruction) in program.instructions.iter().enumerate() {
            self.at = (instruction.opcode.name(), instruction.offset);
            self.exact = instruction.precise() || !self.refactoring_allowed;
            if self.flow_instruction(position, instruction)? {
                continue;
            }
            if !self.blocks.is_reachable() {
                continue;
            }
            self.instruction(instruction)?;
            if self.module.function_words() > OUTPUT_WORDS {
                return Err(Error::Limit {
                    what: "words of SPIR-V",
                    value: self.module.function_words() as u64,
                    limit: OUTPUT_WORDS as u64,
                });
            }
        }
        if hull {
            self.end_phases();
        } else {
            self.end_function();
        }
        Ok(())
    }

    fn execution_modes(&mut self) -> Result<(), Error> {
        let entry = self.entry;
        match self.program.stage {
            ShaderStage::Compute => {
                let [x, y, z] = self.reflection.thread_group_size;
                if x == 0 {
                    return Err(Error::Invalid {
                        opcode: "program",
                        offset: 0,
                        rule: "dcl_thread_group is missing",
                    });
                }
                self.module.execution_mode(entry, ExecutionMode::LocalSize, &[x, y, z]);
            }
            ShaderStage::Pixel => {
                self.module.execution_mode(entry, ExecutionMode::OriginUpperLeft, &[]);
                if self.reflection.early_depth_stencil {
                    self.module.execution_mode(entry, ExecutionMode::EarlyFragmentTests, &[]);
                }
            }
            ShaderStage::Geometry => self.geometry_modes()?,
            ShaderStage::Hull | ShaderStage::Domain => self.tessellation_modes()?,
            ShaderStage::Vertex => {}
        }
        if self.target().shader_signed_zero_inf_nan_preserve_float32 {
            self.module.capability(Capability::SignedZeroInfNanPreserve);
            self.module.execution_mode(entry, ExecutionMode::SignedZeroInfNanPreserve, &[32]);
        }
        if self.target().shader_denorm_flush_to_zero_float32 {
            self.module.capability(Capability::DenormFlushToZero);
            self.module.execution_mode(entry, ExecutionMode::DenormFlushToZero, &[32]);
        }
        let doubles =
            self.program.instructions.iter().any(|instruction| double::is_double(instruction.opcode));
        if doubles && self.target().shader_denorm_preserve_float64 {
            self.module.capability(Capability::DenormPreserve);
            self.module.execution_mode(entry, ExecutionMode::DenormPreserve, &[64]);
        }
        Ok(())
    }

    /// Any instruction but control flow.
    fn instruction(&mut self, instruction: &Instruction) -> Result<(), Error> {
        match instruction.opcode {
            // HLSL's `abort` does nothing where the rasterizer does not support it, and breakpoints need a debugger.
            Opcode::Nop | Opcode::Abort | Opcode::DebugBreak => Ok(()),
            opcode if opcode.without_feedback().is_some() => self.feedback(instruction),
            Opcode::CheckAccessFullyMapped => self.check_access_fully_mapped(instruction),
            Opcode::Mov
            | Opcode::Movc
            | Opcode::Swapc
            | Opcode::Add
            | Opcode::Mul
            | Opcode::Div
            | Opcode::Mad
            | Opcode::Dp2
            | Opcode::Dp3
            | Opcode::Dp4
            | Opcode::Min
            | Opcode::Max
            | Opcode::Frc
            | Opcode::Exp
            | Opcode::Log
            | Opcode::Sqrt
            | Opcode::Rsq
            | Opcode::Rcp
            | Opcode::RoundNe
            | Opcode::RoundNi
            | Opcode::RoundPi
            | Opcode::RoundZ
            | Opcode::Sincos
            | Opcode::Eq
            | Opcode::Ne
            | Opcode::Lt
            | Opcode::Ge
            | Opcode::Ftoi
            | Opcode::Ftou
            | Opcode::F32tof16
            | Opcode::F16tof32
            | Opcode::DerivRtx
            | Opcode::DerivRty
            | Opcode::DerivRtxCoarse
            | Opcode::DerivRtyCoarse
            | Opcode::DerivRtxFine
            | Opcode::DerivRtyFine => self.arithmetic(instruction),
            Opcode::Itof
            | Opcode::Utof
            | Opcode::Iadd
            | Opcode::Imad
            | Opcode::Umad
            | Opcode::Imax
            | Opcode::Imin
            | Opcode::Umax
            | Opcode::Umin
            | Opcode::Ineg
            | Opcode::Ieq
            | Opcode::Ine
            | Opcode::Ilt
            | Opcode::Ige
            | Opcode::Ult
            | Opcode::Uge
            | Opcode::And
            | Opcode::Or
            | Opcode::Xor
            | Opcode::Not
            | Opcode::Ishl
            | Opcode::Ishr
            | Opcode::Ushr
            | Opcode::Imul
            | Opcode::Umul
            | Opcode::Udiv
            | Opcode::Uaddc
            | Opcode::Usubb
            | Opcode::CountBits
            | Opcode::FirstbitHi
            | Opcode::FirstbitLo
            | Opcode::FirstbitShi
            | Opcode::Ubfe
            | Opcode::Ibfe
            | Opcode::Bfi
            | Opcode::Bfrev
            | Opcode::Msad => self.integer(instruction),
            Opcode::Sample
            | Opcode::SampleB
            | Opcode::SampleL
            | Opcode::SampleD
            | Opcode::SampleC
            | Opcode::SampleCLz
            | Opcode::Gather4
            | Opcode::Gather4C
            | Opcode::Gather4Po
            | Opcode::Gather4PoC
            | Opcode::Ld
            | Opcode::LdMs
            | Opcode::Lod
            | Opcode::LdUavTyped
            | Opcode::StoreUavTyped => self.image(instruction),
            Opcode::ResInfo | Opcode::BufInfo | Opcode::SampleInfo | Opcode::SamplePos => {
                self.query(instruction)
            }
            Opcode::EvalCentroid | Opcode::EvalSampleIndex | Opcode::EvalSnapped => {
                self.evaluate(instruction)
            }
            Opcode::LdRaw
            | Opcode::LdStructured
            | Opcode::StoreRaw
            | Opcode::StoreStructured
            | Opcode::ImmAtomicAlloc
            | Opcode::ImmAtomicConsume => self.buffer(instruction),
            opcode if opcode.is_atomic() => self.buffer(instruction),
            Opcode::Sync => self.sync(instruction),
            Opcode::Emit
            | Opcode::Cut
            | Opcode::EmitThenCut
            | Opcode::EmitStream
            | Opcode::CutStream
            | Opcode::EmitThenCutStream => self.geometry(instruction),
            Opcode::Dadd
            | Opcode::Dmul
            | Opcode::Ddiv
            | Opcode::Dfma
            | Opcode::Drcp
            | Opcode::Dmax
            | Opcode::Dmin
            | Opcode::Deq
            | Opcode::Dne
            | Opcode::Dlt
            | Opcode::Dge
            | Opcode::Dmov
            | Opcode::Dmovc
            | Opcode::Dtof
            | Opcode::Ftod
            | Opcode::Dtoi
            | Opcode::Dtou
            | Opcode::Itod
            | Opcode::Utod => self.double(instruction),
            opcode => Err(Error::Unsupported { what: opcode.name() }),
        }
    }
}
