//! Shader containers: program tokens and signatures in the DDI's form, and input layouts matched against them.

use pvgpu_dxbc::{SignatureElement, container};
use pvgpu_protocol::format as blocks;
use pvgpu_umd_ddi::{
    D3D10DDIARG_INPUT_ELEMENT_DESC, D3D11_1DDIARG_SIGNATURE_ENTRY2, D3D11_1DDIARG_STAGE_IO_SIGNATURES,
    D3D11_1DDIARG_TESSELLATION_IO_SIGNATURES,
};

use crate::hresult::{E_INVALIDARG, Result, require};

/// `D3D11_APPEND_ALIGNED_ELEMENT`.
const APPEND: u32 = u32::MAX;
/// `D3D11_IA_VERTEX_INPUT_RESOURCE_SLOT_COUNT`.
const SLOTS: usize = 32;
/// `D3D11_IA_VERTEX_INPUT_STRUCTURE_ELEMENT_COUNT`.
const MAX_ELEMENTS: usize = 32;

/// The stage that a program is for: `D3D10_SB_TOKENIZED_PROGRAM_TYPE`, the upper half of the version token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Pixel shaders.
    Pixel,
    /// Vertex shaders.
    Vertex,
    /// Geometry shaders.
    Geometry,
    /// Hull shaders.
    Hull,
    /// Domain shaders.
    Domain,
    /// Compute shaders.
    Compute,
}

impl Stage {
    fn of_program(tokens: &[u32]) -> Option<Self> {
        Some(match tokens.first()? >> 16 {
            0 => Self::Pixel,
            1 => Self::Vertex,
            2 => Self::Geometry,
            3 => Self::Hull,
            4 => Self::Domain,
            5 => Self::Compute,
            _ => return None,
        })
    }
}

/// A parsed shader, ready for the DDI.
#[derive(Debug)]
pub struct Program {
    tokens: Vec<u32>,
    input: Vec<D3D11_1DDIARG_SIGNATURE_ENTRY2>,
    output: Vec<D3D11_1DDIARG_SIGNATURE_ENTRY2>,
    patch_constant: Vec<D3D11_1DDIARG_SIGNATURE_ENTRY2>,
    /// The output elements with their names, for stream output.
    outputs: Vec<SignatureElement>,
}

impl Program {
    /// Parses a container and checks that its program is for one of `stages` (a geometry shader with stream output may be
    /// made of a vertex or domain shader too).
    ///
    /// # Errors
    /// `E_INVALIDARG`: the container is malformed (a wrong checksum too), or the program is for another stage.
    pub fn new(bytecode: &[u8], stages: &[Stage]) -> Result<Self> {
        let container = container::parse(trimmed(bytecode)).map_err(|_| E_INVALIDARG)?;
        let stage = Stage::of_program(&container.tokens).ok_or(E_INVALIDARG)?;
        require(stages.contains(&stage))?;
        // The driver trusts the length token, so it has to be right.
        let length = container.tokens.get(1).copied().unwrap_or(0) as usize;
        require(length >= 2 && length <= container.tokens.len())?;
        let entries = |elements: &[SignatureElement]| elements.iter().map(entry).collect();
        Ok(Self {
            input: entries(&container.signatures.input),
            output: entries(&container.signatures.output),
            patch_constant: entries(&container.signatures.patch_constant),
            outputs: container.signatures.output,
            tokens: container.tokens,
        })
    }

    /// The class linkage of the container that the program came from.
    ///
    /// # Errors
    /// `E_INVALIDARG`: it is malformed.
    pub fn linkage(&self, bytecode: &[u8]) -> Result<container::Linkage> {
        // Interfaces came with shader model 5.0.
        const MODEL_5: u32 = 0x50;
        if self.tokens.first().is_none_or(|version| version & 0xff < MODEL_5) {
            return Ok(container::Linkage::default());
        }
        container::parse_linkage(trimmed(bytecode)).map_err(|_| E_INVALIDARG)
    }

    /// Checks that a device of feature level `level` runs the program of `bytecode`, which `self` was made of: a level has a highest shader
    /// model, and those of Direct3D 9 need a program for them beside (`vs_4_0_level_9_1` and its kin).
    ///
    /// # Errors
    /// `E_INVALIDARG`.
    pub fn require_level(&self, bytecode: &[u8], level: u32) -> Result {
        let highest = match level {
            0xb000.. => 0x50,
            0xa100.. => 0x41,
            _ => 0x40,
        };
        // Major and minor version.
        let model = self.tokens.first().ok_or(E_INVALIDARG)? & 0xff;
        require(model <= highest && (level >= 0xa000 || has_chunk(trimmed(bytecode), b"Aon9")))
    }

    /// The tokens; the second is their number.
    pub fn tokens(&self) -> *const u32 {
        self.tokens.as_ptr()
    }

    /// Whether it is a geometry shader.
    pub fn is_geometry(&self) -> bool {
        Stage::of_program(&self.tokens) == Some(Stage::Geometry)
    }

    /// Register and component mask of an output element.
    pub fn output(&self, semantic: &str, index: u32, stream: u32) -> Option<(u32, u8)> {
        let is_it = |element: &&SignatureElement| {
            element.stream == stream
                && element.semantic_index == index
                && element.semantic_name.eq_ignore_ascii_case(semantic)
        };
        self.outputs.iter().find(is_it).map(|element| (element.register, element.mask))
    }

    /// Signatures of a vertex, geometry or pixel shader. The pointers are good while `self` lives.
    pub fn signatures(&self) -> D3D11_1DDIARG_STAGE_IO_SIGNATURES {
        D3D11_1DDIARG_STAGE_IO_SIGNATURES {
            pInputSignature: self.input.as_ptr(),
            NumInputSignatureEntries: count(&self.input),
            pOutputSignature: self.output.as_ptr(),
            NumOutputSignatureEntries: count(&self.output),
        }
    }

    /// Signatures of a hull or domain shader. The pointers are good while `self` lives.
    pub fn tessellation_signatures(&self) -> D3D11_1DDIARG_TESSELLATION_IO_SIGNATURES {
        D3D11_1DDIARG_TESSELLATION_IO_SIGNATURES {
            pInputSignature: self.input.as_ptr(),
            NumInputSignatureEntries: count(&self.input),
            pOutputSignature: self.output.as_ptr(),
            NumOutputSignatureEntries: count(&self.output),
            pPatchConstantSignature: self.patch_constant.as_ptr(),
            NumPatchConstantSignatureEntries: count(&self.patch_constant),
        }
    }
}

/// The container in `bytecode`, without what the program passed after it: Direct3D reads the size from the container.
fn trimmed(bytecode: &[u8]) -> &[u8] {
    const SIZE_AT: usize = 24;
    let size = bytecode.get(SIZE_AT..).and_then(|rest| rest.first_chunk().copied()).map(u32::from_le_bytes);
    size.and_then(|size| bytecode.get(..size as usize)).unwrap_or(bytecode)
}

/// Whether a container has a chunk of this name.
fn has_chunk(container: &[u8], name: &[u8; 4]) -> bool {
    const COUNT_AT: usize = 28;
    let word = |at: usize| container.get(at..)?.first_chunk().copied().map(u32::from_le_bytes);
    let count = word(COUNT_AT).unwrap_or_default() as usize;
    let offsets = (0..count.min(container.len())).map_while(|index| word(COUNT_AT + 4 + 4 * index));
    offsets.filter_map(|offset| container.get(offset as usize..)).any(|chunk| chunk.starts_with(name))
}

fn entry(element: &SignatureElement) -> D3D11_1DDIARG_SIGNATURE_ENTRY2 {
    D3D11_1DDIARG_SIGNATURE_ENTRY2 {
        SystemValue: element.system_value,
        Register: element.register,
        Mask: element.mask,
        // CAST: the container's parser allows streams 0 to 3 at most in a byte.
        Stream: element.stream as u8,
        RegisterComponentType: element.component_type,
        MinPrecision: 0,
    }
}

fn count(entries: &[D3D11_1DDIARG_SIGNATURE_ENTRY2]) -> u32 {
    // CAST: the container's parser limits signatures to 512 elements.
    entries.len() as u32
}

/// One `D3D11_INPUT_ELEMENT_DESC`.
#[derive(Clone, Debug)]
pub struct InputElement {
    /// Semantic, compared without regard to case.
    pub semantic_name: String,
    /// Number of the semantic.
    pub semantic_index: u32,
    /// `DXGI_FORMAT`.
    pub format: u32,
    /// Vertex-buffer slot.
    pub slot: u32,
    /// Bytes from the vertex's start, or `D3D11_APPEND_ALIGNED_ELEMENT`.
    pub offset: u32,
    /// 0 per vertex, 1 per instance.
    pub class: u32,
    /// Instances that share a value.
    pub step_rate: u32,
}

/// Matches an input layout with the input signature in `bytecode` (any container that has one).
///
/// Elements that the shader does not read are checked and dropped.
///
/// # Errors
/// `E_INVALIDARG`: an element is malformed, or the shader reads a semantic that no element feeds.
pub fn input_layout(
    elements: &[InputElement],
    bytecode: &[u8],
) -> Result<Vec<D3D10DDIARG_INPUT_ELEMENT_DESC>> {
    let signatures = container::parse_signatures(trimmed(bytecode)).map_err(|_| E_INVALIDARG)?;
    match_layout(elements, &signatures.input)
}

fn match_layout(
    elements: &[InputElement],
    signature: &[SignatureElement],
) -> Result<Vec<D3D10DDIARG_INPUT_ELEMENT_DESC>> {
    require(elements.len() <= MAX_ELEMENTS)?;
    let mut ends = [0_u32; SLOTS];
    let mut classes: [Option<(u32, u32)>; SLOTS] = [None; SLOTS];
    let mut matched = Vec::with_capacity(signature.len());
    for element in elements {
        let block = blocks::info(element.format).ok_or(E_INVALIDARG)?;
        require(!crate::format::is_typeless(element.format) && !block.is_block_compressed())?;
        let slot = element.slot as usize;
        let end = ends.get_mut(slot).ok_or(E_INVALIDARG)?;
        let class = classes.get_mut(slot).ok_or(E_INVALIDARG)?;
        require(element.class <= 1 && (element.class == 1 || element.step_rate == 0))?;
        // All elements of a slot step alike.
        match class {
            Some(other) => require(*other == (element.class, element.step_rate))?,
            None => *class = Some((element.class, element.step_rate)),
        }
        let alignment = block.block_bytes.min(4);
        let offset = match element.offset {
            APPEND => end.checked_next_multiple_of(alignment).ok_or(E_INVALIDARG)?,
            offset => offset,
        };
        require(offset.is_multiple_of(alignment))?;
        *end = offset.checked_add(block.block_bytes).ok_or(E_INVALIDARG)?;
        let Some(input) = signature.iter().find(|input| input.feeds_from(element)) else { continue };
        matched.push(D3D10DDIARG_INPUT_ELEMENT_DESC {
            InputSlot: element.slot,
            AlignedByteOffset: offset,
            Format: element.format,
            InputSlotClass: element.class,
            InstanceDataStepRate: element.step_rate,
            InputRegister: input.register,
        });
    }
    let fed = |input: &SignatureElement| {
        is_generated(input) || elements.iter().any(|element| input.feeds_from(element))
    };
    require(signature.iter().all(fed))?;
    Ok(matched)
}

/// Whether the input assembler makes the value itself: vertex id, primitive id, instance id. In signatures of other stages the first
/// and the last are not marked as system values, but named so all the same.
fn is_generated(input: &SignatureElement) -> bool {
    let named = |name: &str| input.semantic_name.eq_ignore_ascii_case(name);
    matches!(input.system_value, 6..=8) || named("SV_VertexID") || named("SV_InstanceID")
}

trait FeedsFrom {
    fn feeds_from(&self, element: &InputElement) -> bool;
}

impl FeedsFrom for SignatureElement {
    fn feeds_from(&self, element: &InputElement) -> bool {
        self.semantic_index == element.semantic_index
            && self.semantic_name.eq_ignore_ascii_case(&element.semantic_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(name: &str, index: u32, register: u32, system_value: u32) -> SignatureElement {
        SignatureElement {
            semantic_name: name.into(),
            semantic_index: index,
            system_value,
            component_type: 3,
            register,
            mask: 15,
            stream: 0,
        }
    }

    #[test]
    fn levels_limit_shader_models() {
        let program = |model| Program {
            tokens: vec![model, 2],
            input: Vec::new(),
            output: Vec::new(),
            patch_constant: Vec::new(),
            outputs: Vec::new(),
        };
        let mut container = vec![0; 36];
        container[24] = 40;
        container[28] = 1;
        container[32] = 36;
        container.extend_from_slice(b"Aon9");
        for (model, level, runs) in [
            (0x50, 0xb000, true),
            (0x50, 0xa100, false),
            (0x41, 0xa100, true),
            (0x41, 0xa000, false),
            (0x40, 0xa000, true),
            (0x40, 0x9300, false),
        ] {
            assert_eq!(program(model).require_level(&[], level).is_ok(), runs, "{model:#x} on {level:#x}");
        }
        assert!(program(0x40).require_level(&container, 0x9100).is_ok());
        assert!(!has_chunk(&container[..34], b"Aon9") && !has_chunk(&[0xff; 64], b"Aon9"));
    }

    fn element(name: &str, index: u32, format: u32, offset: u32) -> InputElement {
        InputElement {
            semantic_name: name.into(),
            semantic_index: index,
            format,
            slot: 0,
            offset,
            class: 0,
            step_rate: 0,
        }
    }

    #[test]
    fn semantics_match_without_case_and_offsets_append() {
        let signature =
            [input("POSITION", 0, 0, 0), input("TEXCOORD", 1, 2, 0), input("SV_VertexID", 0, 3, 6)];
        let elements = [
            element("position", 0, 6, 0),
            element("NORMAL", 0, 28, APPEND),
            element("TexCoord", 1, 16, APPEND),
        ];
        let layout = match_layout(&elements, &signature).expect("a layout");
        let found: Vec<_> = layout.iter().map(|desc| (desc.AlignedByteOffset, desc.InputRegister)).collect();
        assert_eq!(found, [(0, 0), (16, 2)]);
    }

    #[test]
    fn broken_layouts_are_refused() {
        let signature = [input("POSITION", 0, 0, 0)];
        let good = element("POSITION", 0, 6, 0);
        assert!(match_layout(core::slice::from_ref(&good), &signature).is_ok());
        assert!(match_layout(&[], &signature).is_err());
        assert!(match_layout(&[element("POSITION", 1, 6, 0)], &signature).is_err());
        let bad = [
            InputElement { slot: 32, ..good.clone() },
            InputElement { format: 0, ..good.clone() },
            InputElement { format: 5, ..good.clone() },
            InputElement { offset: 2, ..good.clone() },
            InputElement { offset: u32::MAX - 3, ..good.clone() },
            InputElement { class: 2, ..good.clone() },
            InputElement { step_rate: 1, ..good.clone() },
        ];
        for element in bad {
            assert!(match_layout(core::slice::from_ref(&element), &signature).is_err(), "{element:?}");
        }
        let instanced = InputElement { class: 1, step_rate: 1, ..element("COLOR", 0, 28, APPEND) };
        assert!(match_layout(&[good.clone(), instanced.clone()], &signature).is_err());
        assert!(match_layout(&[good, InputElement { slot: 1, ..instanced }], &signature).is_ok());
    }

    #[test]
    fn what_follows_a_container_is_left_out() {
        let mut bytes = [0_u8; 40];
        bytes[24] = 32;
        assert_eq!(trimmed(&bytes).len(), 32);
        bytes[24] = 41;
        assert_eq!(trimmed(&bytes).len(), 40);
        assert_eq!(trimmed(b"DXBC").len(), 4);
    }

    #[test]
    fn garbage_is_no_program() {
        assert_eq!(Program::new(b"DXBC", &[Stage::Vertex]).map(|_| ()), Err(E_INVALIDARG));
    }
}
