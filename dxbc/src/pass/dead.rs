//! Takes away instructions, variables and constants that nothing uses.

use rspirv::spirv::{Op, StorageClass, Word};

use crate::ir::{Ids, Module, is_removable};

/// Runs the pass.
pub fn run(module: &mut Module) {
    let mut live = vec![false; module.bound() as usize];
    // Where each id is defined: the function and the place in it, or the place among the globals.
    let mut definitions: Vec<Option<(usize, usize)>> = vec![None; live.len()];
    let globals = module.functions.len();
    let mut work: Vec<Word> = Vec::new();
    for (number, function) in module.functions.iter().enumerate() {
        for (place, (instruction, operands)) in function.code.iter().enumerate() {
            if let Some(definition) = definitions.get_mut(instruction.result as usize) {
                *definition = Some((number, place));
            }
            if !is_removable(instruction.op, operands) {
                work.extend([instruction.ty, instruction.result]);
                work.extend(Ids::of(instruction.op, operands).iter(operands));
            }
        }
    }
    for (place, (instruction, operands)) in module.globals.iter().enumerate() {
        if let Some(definition) = definitions.get_mut(instruction.result as usize) {
            *definition = Some((globals, place));
        }
        // Outputs stay: the next stage counts on what the declarations say.
        if instruction.op == Op::Variable && operands.first() == Some(&(StorageClass::Output as u32)) {
            work.push(instruction.result);
        }
    }
    while let Some(id) = work.pop() {
        match live.get_mut(id as usize) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        let Some(Some((number, place))) = definitions.get(id as usize).copied() else { continue };
        let (code, in_function) = match module.functions.get(number) {
            Some(function) => (&function.code, true),
            None => (&module.globals, false),
        };
        let Some((instruction, operands)) = code.get(place) else { continue };
        work.push(instruction.ty);
        if in_function {
            work.extend(Ids::of(instruction.op, operands).iter(operands));
        } else {
            global_ids(instruction.op, operands, &mut work);
        }
    }
    let is_live = |id: Word| live.get(id as usize).copied().unwrap_or(false);
    for function in &mut module.functions {
        function.code.retain(|instruction, operands| {
            instruction.result == 0 || is_live(instruction.result) || !is_removable(instruction.op, operands)
        });
    }
    module.globals.retain(|instruction, _| is_live(instruction.result));
    module.annotations.retain(|_, operands| operands.first().is_some_and(|target| is_live(*target)));
    module.retain_names(is_live);
}

/// The ids among the operands of a type, constant or variable.
fn global_ids(op: Op, operands: &[u32], ids: &mut Vec<Word>) {
    let range = match op {
        Op::TypeVector | Op::TypeRuntimeArray | Op::TypeImage | Op::TypeSampledImage => 0..1,
        Op::TypeArray => 0..2,
        Op::TypePointer | Op::Variable => 1..operands.len(),
        Op::TypeStruct | Op::TypeFunction | Op::ConstantComposite => 0..operands.len(),
        _ => 0..0,
    };
    ids.extend(operands.get(range).unwrap_or_default());
}
