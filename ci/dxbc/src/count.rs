//! Counts the instructions of a SPIR-V module, without those that only name things for people.

use rspirv::spirv::Op;

/// Words of a module's header.
const HEADER: usize = 5;

/// How many instructions a module has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Instructions {
    /// All but debug information.
    pub module: usize,
    /// Those from each `OpFunction` to its `OpFunctionEnd`, both included.
    pub functions: usize,
}

/// Counts a module's instructions; `None` if it is no module.
pub fn instructions(spirv: &[u32]) -> Option<Instructions> {
    let mut rest = spirv.get(HEADER..)?;
    let (mut count, mut in_function) = (Instructions::default(), false);
    while let Some(first) = rest.first() {
        let op = Op::from_u32(first & 0xffff)?;
        let words = (first >> 16) as usize;
        rest = if words == 0 { None } else { rest.get(words..) }?;
        if is_debug(op) {
            continue;
        }
        in_function |= op == Op::Function;
        count.module += 1;
        count.functions += usize::from(in_function);
        in_function &= op != Op::FunctionEnd;
    }
    Some(count)
}

/// What `spirv-opt --strip-debug` removes.
fn is_debug(op: Op) -> bool {
    matches!(
        op,
        Op::SourceContinued
            | Op::Source
            | Op::SourceExtension
            | Op::Name
            | Op::MemberName
            | Op::String
            | Op::Line
            | Op::NoLine
            | Op::ModuleProcessed
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(instructions: &[(Op, u32)]) -> Vec<u32> {
        let mut words = vec![0; HEADER];
        for (op, length) in instructions {
            words.push(length << 16 | *op as u32);
            words.resize(words.len() + *length as usize - 1, 0);
        }
        words
    }

    #[test]
    fn names_and_lines_do_not_count() {
        let module = module(&[
            (Op::Capability, 2),
            (Op::Name, 4),
            (Op::Source, 3),
            (Op::TypeVoid, 2),
            (Op::Function, 5),
            (Op::Label, 2),
            (Op::Line, 4),
            (Op::Return, 1),
            (Op::FunctionEnd, 1),
            (Op::Function, 5),
            (Op::FunctionEnd, 1),
        ]);
        assert_eq!(instructions(&module), Some(Instructions { module: 8, functions: 6 }));
        assert_eq!(instructions(&module[..module.len() - 4]), None);
        assert_eq!(instructions(&[0; HEADER]), Some(Instructions::default()));
        assert_eq!(instructions(&[0; HEADER + 1]), None);
    }

    #[test]
    fn a_translated_shader_is_counted_as_rspirv_reads_it() {
        for fixture in crate::fixture::fixtures() {
            let Ok(compiled) = crate::fixture::compile(&fixture.shader.tokens, &fixture) else { continue };
            let module = rspirv::dr::load_words(&compiled.spirv).unwrap();
            let debug = module.debug_string_source.len() + module.debug_names.len();
            let count = instructions(&compiled.spirv).unwrap();
            assert_eq!(count.module, module.all_inst_iter().count() - debug, "{}", fixture.name);
            let functions: usize = module.functions.iter().map(|f| f.all_inst_iter().count()).sum();
            assert_eq!(count.functions, functions, "{}", fixture.name);
        }
    }
}
