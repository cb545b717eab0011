//! Declarations of a listing.

use std::collections::BTreeMap;

use pvgpu_dxbc::token::opcode::Opcode;

use super::finish;
use super::operand::{self, number, split};

/// Dimensions by name, `D3D10_SB_RESOURCE_DIMENSION`.
const DIMENSIONS: [(&str, u32); 10] = [
    ("buffer", 1),
    ("texture1d", 2),
    ("texture2d", 3),
    ("texture2dms", 4),
    ("texture3d", 5),
    ("texturecube", 6),
    ("texture1darray", 7),
    ("texture2darray", 8),
    ("texture2dmsarray", 9),
    ("texturecubearray", 10),
];

/// Return types by name, `D3D10_SB_RESOURCE_RETURN_TYPE`.
const RETURN_TYPES: [(&str, u32); 5] = [("unorm", 1), ("snorm", 2), ("sint", 3), ("uint", 4), ("float", 5)];

/// Interpolation modes by name, `D3D10_SB_INTERPOLATION_MODE`; longer names come first.
const INTERPOLATIONS: [(&str, u32); 7] = [
    ("constant", 1),
    ("linear noperspective centroid", 5),
    ("linear noperspective sample", 7),
    ("linear noperspective", 4),
    ("linear centroid", 3),
    ("linear sample", 6),
    ("linear", 2),
];

/// System values by name, `D3D10_SB_NAME`.
const SYSTEM_VALUES: [(&str, u32); 10] = [
    ("position", 1),
    ("clip_distance", 2),
    ("cull_distance", 3),
    ("render_target_array_index", 4),
    ("viewport_array_index", 5),
    ("vertex_id", 6),
    ("primitive_id", 7),
    ("instance_id", 8),
    ("is_front_face", 9),
    ("sample_index", 10),
];

fn find(table: &[(&str, u32)], name: &str) -> u32 {
    table.iter().find(|entry| entry.0 == name).unwrap_or_else(|| panic!("{name} is unknown")).1
}

/// The tokens of a declaration; `None` if the line is not one that needs other treatment than an instruction.
pub fn assemble(line: &str, names: &BTreeMap<&str, Opcode>) -> Option<Vec<u32>> {
    let (mnemonic, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let arguments = split(rest.trim());
    let numbers = |from: usize| arguments[from..].iter().map(|text| number(text)).collect::<Vec<u32>>();
    let lower = mnemonic.to_ascii_lowercase();
    if !lower.starts_with("dcl_") {
        return None;
    }
    if lower == "dcl_immediateconstantbuffer" {
        let values: Vec<u32> =
            rest.split(['{', '}', ',']).filter(|text| !text.trim().is_empty()).map(number).collect();
        assert!(values.len().is_multiple_of(4), "the immediate constant buffer has whole elements");
        let header = vec![Opcode::CustomData as u32 | 3 << 11, values.len() as u32 + 2];
        return Some([header, values].concat());
    }
    let (mut controls, mut body) = (0, Vec::new());
    // Endings of the mnemonic that are fields of the token.
    let mut name = lower.as_str();
    for ending in ["_glc", "_opc"] {
        if let Some(position) = name.find(ending) {
            controls |= if ending == "_glc" { 1 << 16 } else { 1 << 23 };
            name = &lower[..position];
        }
    }
    for prefix in ["dcl_resource_", "dcl_uav_typed_"] {
        let Some(dimension) = name.strip_prefix(prefix) else { continue };
        let Some(entry) = DIMENSIONS.iter().find(|entry| entry.0 == dimension) else { continue };
        controls |= entry.1 << 11;
        name = &prefix[..prefix.len() - 1];
        // As in `(float,float,float,float) t0`.
        let (types, register) = rest.split_once(')').expect("the return types end with )");
        let types = types.trim().trim_start_matches('(').split(',').map(|ty| find(&RETURN_TYPES, ty.trim()));
        body.extend(operand::assemble(register.trim(), false));
        body.push(types.zip([0, 4, 8, 12]).map(|(ty, shift)| ty << shift).sum());
        return Some(finish(names[name] as u32 | controls, &body));
    }
    match name {
        "dcl_globalflags" => {
            let flags = rest.split('|').map(|flag| match flag.trim() {
                "refactoringAllowed" => 1 << 11,
                "enableDoublePrecisionFloatOps" => 1 << 12,
                "forceEarlyDepthStencil" => 1 << 13,
                "enableRawAndStructuredBuffers" => 1 << 14,
                "skipOptimization" => 1 << 15,
                "enableMinimumPrecision" => 1 << 16,
                "enable11_1DoubleExtensions" => 1 << 17,
                "enable11_1ShaderExtensions" => 1 << 18,
                flag => panic!("{flag} is not a global flag"),
            });
            controls |= flags.sum::<u32>();
            name = "dcl_global_flags";
        }
        "dcl_constantbuffer" => {
            controls |= u32::from(arguments.contains(&"dynamicIndexed")) << 11;
            body.extend(operand::assemble(&format!("{}.xyzw", arguments[0]), false));
        }
        "dcl_sampler" => {
            controls |= u32::from(arguments.contains(&"mode_comparison")) << 11;
            body.extend(operand::assemble(arguments[0], false));
        }
        "dcl_resource_raw"
        | "dcl_resource_structured"
        | "dcl_uav_raw"
        | "dcl_uav_structured"
        | "dcl_tgsm_raw"
        | "dcl_tgsm_structured" => {
            body.extend(operand::assemble(arguments[0], false));
            body.extend(numbers(1));
        }
        "dcl_inputprimitive" => {
            controls |= find(&[("point", 1), ("line", 2), ("triangle", 3)], arguments[0]) << 11;
            name = "dcl_gs_input_primitive";
        }
        "dcl_outputtopology" => {
            controls |= find(&[("pointlist", 1), ("linestrip", 3), ("trianglestrip", 5)], arguments[0]) << 11;
            name = "dcl_gs_output_primitive_topology";
        }
        "dcl_stream" => body.extend(operand::assemble(arguments[0], false)),
        "dcl_maxout" => {
            body.extend(numbers(0));
            name = "dcl_max_output_vertex_count";
        }
        "dcl_temps" | "dcl_thread_group" => body.extend(numbers(0)),
        "dcl_indexabletemp" => {
            // As in `x0[4], 4`.
            let (register, size) = arguments[0].split_once('[').expect("the register has a size");
            body.push(number(&register[1..]));
            body.push(number(size.trim_end_matches(']')));
            body.extend(numbers(1));
            name = "dcl_indexable_temp";
        }
        "dcl_index_range" | "dcl_indexrange" => {
            body.extend(operand::assemble(arguments[0], true));
            body.extend(numbers(1));
            name = "dcl_index_range";
        }
        "dcl_input" | "dcl_output" => body.extend(operand::assemble(arguments[0], true)),
        "dcl_input_sgv" | "dcl_input_siv" | "dcl_output_sgv" | "dcl_output_siv" | "dcl_input_ps"
        | "dcl_input_ps_sgv" | "dcl_input_ps_siv" => {
            let mut register = arguments[0];
            if name.starts_with("dcl_input_ps") {
                let mode = INTERPOLATIONS.iter().find(|entry| register.starts_with(entry.0));
                if let Some((mode, number)) = mode {
                    controls |= number << 11;
                    register = register[mode.len()..].trim();
                }
            }
            body.extend(operand::assemble(register, true));
            body.extend(arguments.get(1).map(|value| find(&SYSTEM_VALUES, value)));
        }
        _ => panic!("{mnemonic} cannot be assembled"),
    }
    Some(finish(names[name] as u32 | controls, &body))
}
