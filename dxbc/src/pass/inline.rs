//! Puts functions that are called once into their callers.
//!
//! A program is a function of its own, so that it can return anywhere. Where it returns at its end only, which is the
//! common case, its body can stand in the place of the call.

use std::collections::{HashMap, HashSet};

use rspirv::spirv::{Op, Word};

use crate::ir::{Code, Function, Module};

/// Runs the pass.
pub fn run(module: &mut Module) {
    let mut calls: HashMap<Word, u32> = HashMap::new();
    for function in &module.functions {
        for (instruction, operands) in function.code.iter() {
            if instruction.op == Op::FunctionCall {
                *calls.entry(operands.first().copied().unwrap_or(0)).or_insert(0) += 1;
            }
        }
    }
    let inlined: HashSet<Word> = module
        .functions
        .iter()
        .filter(|function| calls.get(&function.id) == Some(&1) && returns_at_its_end(&function.code))
        .map(|function| function.id)
        .collect();
    if inlined.is_empty() {
        return;
    }
    // The functions that stay, with the others' bodies in the places of their calls. Each body is copied once.
    let functions = std::mem::take(&mut module.functions);
    let bodies: HashMap<Word, &Code> =
        functions.iter().map(|function| (function.id, &function.code)).collect();
    for function in &functions {
        if !inlined.contains(&function.id) {
            let code = expand(&function.code, &bodies, &inlined);
            module.functions.push(Function { code, ..*function });
        }
    }
}

/// Whether the only return is the last instruction, and all variables are the module's.
fn returns_at_its_end(code: &Code) -> bool {
    let ops = || code.instructions().iter().map(|instruction| instruction.op);
    ops().filter(|op| *op == Op::Return).count() == 1
        && ops().nth_back(1) == Some(Op::Return)
        && !ops().any(|op| op == Op::Variable)
}

/// A copy of `code` in which the calls of `inlined` functions are their bodies.
fn expand(code: &Code, bodies: &HashMap<Word, &Code>, inlined: &HashSet<Word>) -> Code {
    let mut expanded = Code::like(code);
    // The functions that are open: their code, and the place of the next instruction.
    let mut open = vec![(code, 0)];
    while let Some((code, place)) = open.pop() {
        let Some((instruction, operands)) = code.get(place) else { continue };
        let callee = operands.first().filter(|callee| {
            instruction.op == Op::FunctionCall && inlined.contains(callee) && bodies.contains_key(callee)
        });
        open.push((code, place + 1));
        match callee.and_then(|callee| bodies.get(callee)) {
            // Its function and first label fall away, since the caller's block goes on.
            Some(body) => open.push((body, 2)),
            // So do its return and end.
            None if open.len() > 1 && matches!(instruction.op, Op::Return | Op::FunctionEnd) => {
                if instruction.op == Op::FunctionEnd {
                    open.pop();
                }
            }
            None => expanded.push_with(instruction, operands),
        }
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_takes_the_place_of_its_only_call() {
        let mut module = Module::new();
        let (inner, outer, twice) = (module.id(), module.id(), module.id());
        let void = module.void_type();
        module.begin_function(inner);
        let label = module.id();
        module.branch(label);
        module.label(label);
        module.op_void(Op::Return, &[]);
        module.end_function();
        module.begin_function(twice);
        module.op_void(Op::Return, &[]);
        module.end_function();
        module.begin_function(outer);
        module.op(Op::FunctionCall, void, &[inner]);
        module.op(Op::FunctionCall, void, &[twice]);
        module.op(Op::FunctionCall, void, &[twice]);
        module.op_void(Op::Return, &[]);
        module.end_function();
        run(&mut module);
        assert_eq!(module.functions.iter().map(|function| function.id).collect::<Vec<_>>(), [twice, outer]);
        let ops: Vec<Op> = module.functions[1].code.instructions().iter().map(|i| i.op).collect();
        let expected = [
            Op::Function,
            Op::Label,
            Op::Branch,
            Op::Label,
            Op::FunctionCall,
            Op::FunctionCall,
            Op::Return,
            Op::FunctionEnd,
        ];
        assert_eq!(ops, expected);
    }
}
