//! The opcode table: number, name and operand count of every instruction and declaration.
//!
//! The numbers are those of `D3D10_SB_OPCODE_TYPE` (d3d11TokenizedProgramFormat.hpp, with the D3D11.1 and 11.2
//! additions); the names are the mnemonics of the HLSL compiler's listings.

/// How the operands of an opcode are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperandForm {
    /// The number of destination operands, and the number of all operands. Destinations come first.
    Counted(u8, u8),
    /// A declaration or another token with a layout of its own.
    Special,
}

macro_rules! opcodes {
    ($($variant:ident = $number:literal, $name:literal, $form:expr;)*) => {
        /// An opcode of the tokenised program format.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each variant is named as in the format's enumeration")]
        pub enum Opcode {
            $($variant = $number,)*
        }

        impl Opcode {
            /// The opcode with this number (bits 10:0 of an opcode token), if there is one.
            pub fn from_number(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// All opcodes, in order of their numbers.
            pub fn all() -> impl Iterator<Item = Self> {
                [$(Self::$variant,)*].into_iter()
            }

            /// The mnemonic.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The number, bits 10:0 of an opcode token.
            pub fn number(self) -> u32 {
                match self {
                    $(Self::$variant => $number,)*
                }
            }

            /// The layout of the operands.
            pub fn form(self) -> OperandForm {
                match self {
                    $(Self::$variant => $form,)*
                }
            }
        }
    };
}

impl Opcode {
    /// Whether it changes memory as a whole, with or without giving back what was there.
    pub fn is_atomic(self) -> bool {
        matches!(
            self,
            Self::AtomicAnd
                | Self::AtomicOr
                | Self::AtomicXor
                | Self::AtomicCmpStore
                | Self::AtomicIadd
                | Self::AtomicImax
                | Self::AtomicImin
                | Self::AtomicUmax
                | Self::AtomicUmin
                | Self::ImmAtomicIadd
                | Self::ImmAtomicAnd
                | Self::ImmAtomicOr
                | Self::ImmAtomicXor
                | Self::ImmAtomicExch
                | Self::ImmAtomicCmpExch
                | Self::ImmAtomicImax
                | Self::ImmAtomicImin
                | Self::ImmAtomicUmax
                | Self::ImmAtomicUmin
        )
    }
}

opcodes! {
    Add = 0, "add", OperandForm::Counted(1, 3);
    And = 1, "and", OperandForm::Counted(1, 3);
    Break = 2, "break", OperandForm::Counted(0, 0);
    Breakc = 3, "breakc", OperandForm::Counted(0, 1);
    Call = 4, "call", OperandForm::Counted(0, 1);
    Callc = 5, "callc", OperandForm::Counted(0, 2);
    Case = 6, "case", OperandForm::Counted(0, 1);
    Continue = 7, "continue", OperandForm::Counted(0, 0);
    Continuec = 8, "continuec", OperandForm::Counted(0, 1);
    Cut = 9, "cut", OperandForm::Counted(0, 0);
    Default = 10, "default", OperandForm::Counted(0, 0);
    DerivRtx = 11, "deriv_rtx", OperandForm::Counted(1, 2);
    DerivRty = 12, "deriv_rty", OperandForm::Counted(1, 2);
    Discard = 13, "discard", OperandForm::Counted(0, 1);
    Div = 14, "div", OperandForm::Counted(1, 3);
    Dp2 = 15, "dp2", OperandForm::Counted(1, 3);
    Dp3 = 16, "dp3", OperandForm::Counted(1, 3);
    Dp4 = 17, "dp4", OperandForm::Counted(1, 3);
    Else = 18, "else", OperandForm::Counted(0, 0);
    Emit = 19, "emit", OperandForm::Counted(0, 0);
    EmitThenCut = 20, "emit_then_cut", OperandForm::Counted(0, 0);
    EndIf = 21, "endif", OperandForm::Counted(0, 0);
    EndLoop = 22, "endloop", OperandForm::Counted(0, 0);
    EndSwitch = 23, "endswitch", OperandForm::Counted(0, 0);
    Eq = 24, "eq", OperandForm::Counted(1, 3);
    Exp = 25, "exp", OperandForm::Counted(1, 2);
    Frc = 26, "frc", OperandForm::Counted(1, 2);
    Ftoi = 27, "ftoi", OperandForm::Counted(1, 2);
    Ftou = 28, "ftou", OperandForm::Counted(1, 2);
    Ge = 29, "ge", OperandForm::Counted(1, 3);
    Iadd = 30, "iadd", OperandForm::Counted(1, 3);
    If = 31, "if", OperandForm::Counted(0, 1);
    Ieq = 32, "ieq", OperandForm::Counted(1, 3);
    Ige = 33, "ige", OperandForm::Counted(1, 3);
    Ilt = 34, "ilt", OperandForm::Counted(1, 3);
    Imad = 35, "imad", OperandForm::Counted(1, 4);
    Imax = 36, "imax", OperandForm::Counted(1, 3);
    Imin = 37, "imin", OperandForm::Counted(1, 3);
    Imul = 38, "imul", OperandForm::Counted(2, 4);
    Ine = 39, "ine", OperandForm::Counted(1, 3);
    Ineg = 40, "ineg", OperandForm::Counted(1, 2);
    Ishl = 41, "ishl", OperandForm::Counted(1, 3);
    Ishr = 42, "ishr", OperandForm::Counted(1, 3);
    Itof = 43, "itof", OperandForm::Counted(1, 2);
    Label = 44, "label", OperandForm::Counted(0, 1);
    Ld = 45, "ld", OperandForm::Counted(1, 3);
    LdMs = 46, "ld_ms", OperandForm::Counted(1, 4);
    Log = 47, "log", OperandForm::Counted(1, 2);
    Loop = 48, "loop", OperandForm::Counted(0, 0);
    Lt = 49, "lt", OperandForm::Counted(1, 3);
    Mad = 50, "mad", OperandForm::Counted(1, 4);
    Min = 51, "min", OperandForm::Counted(1, 3);
    Max = 52, "max", OperandForm::Counted(1, 3);
    CustomData = 53, "customdata", OperandForm::Special;
    Mov = 54, "mov", OperandForm::Counted(1, 2);
    Movc = 55, "movc", OperandForm::Counted(1, 4);
    Mul = 56, "mul", OperandForm::Counted(1, 3);
    Ne = 57, "ne", OperandForm::Counted(1, 3);
    Nop = 58, "nop", OperandForm::Counted(0, 0);
    Not = 59, "not", OperandForm::Counted(1, 2);
    Or = 60, "or", OperandForm::Counted(1, 3);
    ResInfo = 61, "resinfo", OperandForm::Counted(1, 3);
    Ret = 62, "ret", OperandForm::Counted(0, 0);
    Retc = 63, "retc", OperandForm::Counted(0, 1);
    RoundNe = 64, "round_ne", OperandForm::Counted(1, 2);
    RoundNi = 65, "round_ni", OperandForm::Counted(1, 2);
    RoundPi = 66, "round_pi", OperandForm::Counted(1, 2);
    RoundZ = 67, "round_z", OperandForm::Counted(1, 2);
    Rsq = 68, "rsq", OperandForm::Counted(1, 2);
    Sample = 69, "sample", OperandForm::Counted(1, 4);
    SampleC = 70, "sample_c", OperandForm::Counted(1, 5);
    SampleCLz = 71, "sample_c_lz", OperandForm::Counted(1, 5);
    SampleL = 72, "sample_l", OperandForm::Counted(1, 5);
    SampleD = 73, "sample_d", OperandForm::Counted(1, 6);
    SampleB = 74, "sample_b", OperandForm::Counted(1, 5);
    Sqrt = 75, "sqrt", OperandForm::Counted(1, 2);
    Switch = 76, "switch", OperandForm::Counted(0, 1);
    Sincos = 77, "sincos", OperandForm::Counted(2, 3);
    Udiv = 78, "udiv", OperandForm::Counted(2, 4);
    Ult = 79, "ult", OperandForm::Counted(1, 3);
    Uge = 80, "uge", OperandForm::Counted(1, 3);
    Umul = 81, "umul", OperandForm::Counted(2, 4);
    Umad = 82, "umad", OperandForm::Counted(1, 4);
    Umax = 83, "umax", OperandForm::Counted(1, 3);
    Umin = 84, "umin", OperandForm::Counted(1, 3);
    Ushr = 85, "ushr", OperandForm::Counted(1, 3);
    Utof = 86, "utof", OperandForm::Counted(1, 2);
    Xor = 87, "xor", OperandForm::Counted(1, 3);
    DclResource = 88, "dcl_resource", OperandForm::Special;
    DclConstantBuffer = 89, "dcl_constantbuffer", OperandForm::Special;
    DclSampler = 90, "dcl_sampler", OperandForm::Special;
    DclIndexRange = 91, "dcl_index_range", OperandForm::Special;
    DclGsOutputPrimitiveTopology = 92, "dcl_gs_output_primitive_topology", OperandForm::Special;
    DclGsInputPrimitive = 93, "dcl_gs_input_primitive", OperandForm::Special;
    DclMaxOutputVertexCount = 94, "dcl_max_output_vertex_count", OperandForm::Special;
    DclInput = 95, "dcl_input", OperandForm::Special;
    DclInputSgv = 96, "dcl_input_sgv", OperandForm::Special;
    DclInputSiv = 97, "dcl_input_siv", OperandForm::Special;
    DclInputPs = 98, "dcl_input_ps", OperandForm::Special;
    DclInputPsSgv = 99, "dcl_input_ps_sgv", OperandForm::Special;
    DclInputPsSiv = 100, "dcl_input_ps_siv", OperandForm::Special;
    DclOutput = 101, "dcl_output", OperandForm::Special;
    DclOutputSgv = 102, "dcl_output_sgv", OperandForm::Special;
    DclOutputSiv = 103, "dcl_output_siv", OperandForm::Special;
    DclTemps = 104, "dcl_temps", OperandForm::Special;
    DclIndexableTemp = 105, "dcl_indexable_temp", OperandForm::Special;
    DclGlobalFlags = 106, "dcl_global_flags", OperandForm::Special;
    Lod = 108, "lod", OperandForm::Counted(1, 4);
    Gather4 = 109, "gather4", OperandForm::Counted(1, 4);
    SamplePos = 110, "samplepos", OperandForm::Counted(1, 3);
    SampleInfo = 111, "sampleinfo", OperandForm::Counted(1, 2);
    HsDecls = 113, "hs_decls", OperandForm::Special;
    HsControlPointPhase = 114, "hs_control_point_phase", OperandForm::Special;
    HsForkPhase = 115, "hs_fork_phase", OperandForm::Special;
    HsJoinPhase = 116, "hs_join_phase", OperandForm::Special;
    EmitStream = 117, "emit_stream", OperandForm::Counted(0, 1);
    CutStream = 118, "cut_stream", OperandForm::Counted(0, 1);
    EmitThenCutStream = 119, "emit_then_cut_stream", OperandForm::Counted(0, 1);
    InterfaceCall = 120, "fcall", OperandForm::Special;
    BufInfo = 121, "bufinfo", OperandForm::Counted(1, 2);
    DerivRtxCoarse = 122, "deriv_rtx_coarse", OperandForm::Counted(1, 2);
    DerivRtxFine = 123, "deriv_rtx_fine", OperandForm::Counted(1, 2);
    DerivRtyCoarse = 124, "deriv_rty_coarse", OperandForm::Counted(1, 2);
    DerivRtyFine = 125, "deriv_rty_fine", OperandForm::Counted(1, 2);
    Gather4C = 126, "gather4_c", OperandForm::Counted(1, 5);
    Gather4Po = 127, "gather4_po", OperandForm::Counted(1, 5);
    Gather4PoC = 128, "gather4_po_c", OperandForm::Counted(1, 6);
    Rcp = 129, "rcp", OperandForm::Counted(1, 2);
    F32tof16 = 130, "f32tof16", OperandForm::Counted(1, 2);
    F16tof32 = 131, "f16tof32", OperandForm::Counted(1, 2);
    Uaddc = 132, "uaddc", OperandForm::Counted(2, 4);
    Usubb = 133, "usubb", OperandForm::Counted(2, 4);
    CountBits = 134, "countbits", OperandForm::Counted(1, 2);
    FirstbitHi = 135, "firstbit_hi", OperandForm::Counted(1, 2);
    FirstbitLo = 136, "firstbit_lo", OperandForm::Counted(1, 2);
    FirstbitShi = 137, "firstbit_shi", OperandForm::Counted(1, 2);
    Ubfe = 138, "ubfe", OperandForm::Counted(1, 4);
    Ibfe = 139, "ibfe", OperandForm::Counted(1, 4);
    Bfi = 140, "bfi", OperandForm::Counted(1, 5);
    Bfrev = 141, "bfrev", OperandForm::Counted(1, 2);
    Swapc = 142, "swapc", OperandForm::Counted(2, 5);
    DclStream = 143, "dcl_stream", OperandForm::Special;
    DclFunctionBody = 144, "dcl_function_body", OperandForm::Special;
    DclFunctionTable = 145, "dcl_function_table", OperandForm::Special;
    DclInterface = 146, "dcl_interface", OperandForm::Special;
    DclInputControlPointCount = 147, "dcl_input_control_point_count", OperandForm::Special;
    DclOutputControlPointCount = 148, "dcl_output_control_point_count", OperandForm::Special;
    DclTessDomain = 149, "dcl_tess_domain", OperandForm::Special;
    DclTessPartitioning = 150, "dcl_tess_partitioning", OperandForm::Special;
    DclTessOutputPrimitive = 151, "dcl_tess_output_primitive", OperandForm::Special;
    DclHsMaxTessfactor = 152, "dcl_hs_max_tessfactor", OperandForm::Special;
    DclHsForkPhaseInstanceCount = 153, "dcl_hs_fork_phase_instance_count", OperandForm::Special;
    DclHsJoinPhaseInstanceCount = 154, "dcl_hs_join_phase_instance_count", OperandForm::Special;
    DclThreadGroup = 155, "dcl_thread_group", OperandForm::Special;
    DclUavTyped = 156, "dcl_uav_typed", OperandForm::Special;
    DclUavRaw = 157, "dcl_uav_raw", OperandForm::Special;
    DclUavStructured = 158, "dcl_uav_structured", OperandForm::Special;
    DclTgsmRaw = 159, "dcl_tgsm_raw", OperandForm::Special;
    DclTgsmStructured = 160, "dcl_tgsm_structured", OperandForm::Special;
    DclResourceRaw = 161, "dcl_resource_raw", OperandForm::Special;
    DclResourceStructured = 162, "dcl_resource_structured", OperandForm::Special;
    LdUavTyped = 163, "ld_uav_typed", OperandForm::Counted(1, 3);
    StoreUavTyped = 164, "store_uav_typed", OperandForm::Counted(1, 3);
    LdRaw = 165, "ld_raw", OperandForm::Counted(1, 3);
    StoreRaw = 166, "store_raw", OperandForm::Counted(1, 3);
    LdStructured = 167, "ld_structured", OperandForm::Counted(1, 4);
    StoreStructured = 168, "store_structured", OperandForm::Counted(1, 4);
    AtomicAnd = 169, "atomic_and", OperandForm::Counted(1, 3);
    AtomicOr = 170, "atomic_or", OperandForm::Counted(1, 3);
    AtomicXor = 171, "atomic_xor", OperandForm::Counted(1, 3);
    AtomicCmpStore = 172, "atomic_cmp_store", OperandForm::Counted(1, 4);
    AtomicIadd = 173, "atomic_iadd", OperandForm::Counted(1, 3);
    AtomicImax = 174, "atomic_imax", OperandForm::Counted(1, 3);
    AtomicImin = 175, "atomic_imin", OperandForm::Counted(1, 3);
    AtomicUmax = 176, "atomic_umax", OperandForm::Counted(1, 3);
    AtomicUmin = 177, "atomic_umin", OperandForm::Counted(1, 3);
    ImmAtomicAlloc = 178, "imm_atomic_alloc", OperandForm::Counted(1, 2);
    ImmAtomicConsume = 179, "imm_atomic_consume", OperandForm::Counted(1, 2);
    ImmAtomicIadd = 180, "imm_atomic_iadd", OperandForm::Counted(2, 4);
    ImmAtomicAnd = 181, "imm_atomic_and", OperandForm::Counted(2, 4);
    ImmAtomicOr = 182, "imm_atomic_or", OperandForm::Counted(2, 4);
    ImmAtomicXor = 183, "imm_atomic_xor", OperandForm::Counted(2, 4);
    ImmAtomicExch = 184, "imm_atomic_exch", OperandForm::Counted(2, 4);
    ImmAtomicCmpExch = 185, "imm_atomic_cmp_exch", OperandForm::Counted(2, 5);
    ImmAtomicImax = 186, "imm_atomic_imax", OperandForm::Counted(2, 4);
    ImmAtomicImin = 187, "imm_atomic_imin", OperandForm::Counted(2, 4);
    ImmAtomicUmax = 188, "imm_atomic_umax", OperandForm::Counted(2, 4);
    ImmAtomicUmin = 189, "imm_atomic_umin", OperandForm::Counted(2, 4);
    Sync = 190, "sync", OperandForm::Counted(0, 0);
    Dadd = 191, "dadd", OperandForm::Counted(1, 3);
    Dmax = 192, "dmax", OperandForm::Counted(1, 3);
    Dmin = 193, "dmin", OperandForm::Counted(1, 3);
    Dmul = 194, "dmul", OperandForm::Counted(1, 3);
    Deq = 195, "deq", OperandForm::Counted(1, 3);
    Dge = 196, "dge", OperandForm::Counted(1, 3);
    Dlt = 197, "dlt", OperandForm::Counted(1, 3);
    Dne = 198, "dne", OperandForm::Counted(1, 3);
    Dmov = 199, "dmov", OperandForm::Counted(1, 2);
    Dmovc = 200, "dmovc", OperandForm::Counted(1, 4);
    Dtof = 201, "dtof", OperandForm::Counted(1, 2);
    Ftod = 202, "ftod", OperandForm::Counted(1, 2);
    EvalSnapped = 203, "eval_snapped", OperandForm::Counted(1, 3);
    EvalSampleIndex = 204, "eval_sample_index", OperandForm::Counted(1, 3);
    EvalCentroid = 205, "eval_centroid", OperandForm::Counted(1, 2);
    DclGsInstanceCount = 206, "dcl_gs_instance_count", OperandForm::Special;
    Abort = 207, "abort", OperandForm::Counted(0, 0);
    DebugBreak = 208, "debug_break", OperandForm::Counted(0, 0);
    Ddiv = 210, "ddiv", OperandForm::Counted(1, 3);
    Dfma = 211, "dfma", OperandForm::Counted(1, 4);
    Drcp = 212, "drcp", OperandForm::Counted(1, 2);
    Msad = 213, "msad", OperandForm::Counted(1, 4);
    Dtoi = 214, "dtoi", OperandForm::Counted(1, 2);
    Dtou = 215, "dtou", OperandForm::Counted(1, 2);
    Itod = 216, "itod", OperandForm::Counted(1, 2);
    Utod = 217, "utod", OperandForm::Counted(1, 2);
    Gather4Feedback = 219, "gather4_feedback", OperandForm::Counted(2, 5);
    Gather4CFeedback = 220, "gather4_c_feedback", OperandForm::Counted(2, 6);
    Gather4PoFeedback = 221, "gather4_po_feedback", OperandForm::Counted(2, 6);
    Gather4PoCFeedback = 222, "gather4_po_c_feedback", OperandForm::Counted(2, 7);
    LdFeedback = 223, "ld_feedback", OperandForm::Counted(2, 4);
    LdMsFeedback = 224, "ld_ms_feedback", OperandForm::Counted(2, 5);
    LdUavTypedFeedback = 225, "ld_uav_typed_feedback", OperandForm::Counted(2, 4);
    LdRawFeedback = 226, "ld_raw_feedback", OperandForm::Counted(2, 4);
    LdStructuredFeedback = 227, "ld_structured_feedback", OperandForm::Counted(2, 5);
    SampleLFeedback = 228, "sample_l_feedback", OperandForm::Counted(2, 6);
    SampleCLzFeedback = 229, "sample_c_lz_feedback", OperandForm::Counted(2, 6);
    SampleClampFeedback = 230, "sample_clamp_feedback", OperandForm::Counted(2, 6);
    SampleBClampFeedback = 231, "sample_b_clamp_feedback", OperandForm::Counted(2, 7);
    SampleDClampFeedback = 232, "sample_d_clamp_feedback", OperandForm::Counted(2, 8);
    SampleCClampFeedback = 233, "sample_c_clamp_feedback", OperandForm::Counted(2, 7);
    CheckAccessFullyMapped = 234, "check_access_fully_mapped", OperandForm::Counted(1, 2);
}

impl Opcode {
    /// The instruction that reads as this one does but does not tell whether the memory is mapped. `None`: this is not a
    /// feedback instruction. Those whose names have "clamp" take a least level of detail as their last operand.
    pub fn without_feedback(self) -> Option<Self> {
        Some(match self {
            Self::Gather4Feedback => Self::Gather4,
            Self::Gather4CFeedback => Self::Gather4C,
            Self::Gather4PoFeedback => Self::Gather4Po,
            Self::Gather4PoCFeedback => Self::Gather4PoC,
            Self::LdFeedback => Self::Ld,
            Self::LdMsFeedback => Self::LdMs,
            Self::LdUavTypedFeedback => Self::LdUavTyped,
            Self::LdRawFeedback => Self::LdRaw,
            Self::LdStructuredFeedback => Self::LdStructured,
            Self::SampleLFeedback => Self::SampleL,
            Self::SampleCLzFeedback => Self::SampleCLz,
            Self::SampleClampFeedback => Self::Sample,
            Self::SampleBClampFeedback => Self::SampleB,
            Self::SampleDClampFeedback => Self::SampleD,
            Self::SampleCClampFeedback => Self::SampleC,
            _ => return None,
        })
    }

    /// Whether the last operand is a least level of detail.
    pub fn has_clamp(self) -> bool {
        matches!(
            self,
            Self::SampleClampFeedback
                | Self::SampleBClampFeedback
                | Self::SampleDClampFeedback
                | Self::SampleCClampFeedback
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_name_themselves() {
        let mut known = 0;
        for number in 0..=0x7ff {
            if let Some(opcode) = Opcode::from_number(number) {
                known += 1;
                assert_eq!(opcode as u32, number);
                if let OperandForm::Counted(destinations, operands) = opcode.form() {
                    assert!(destinations <= operands, "{}", opcode.name());
                }
            }
        }
        // 235 numbers less the four reserved ones.
        assert_eq!(known, 231);
        assert!(Opcode::all().is_sorted_by_key(Opcode::number));
        assert_eq!(Opcode::all().count(), known);
        assert!(Opcode::all().all(|opcode| Opcode::from_number(opcode.number()) == Some(opcode)));
    }
}
