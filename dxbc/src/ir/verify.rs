//! Checks of a module: what the passes count on, and what SPIR-V demands of every instruction alike.
//!
//! Not a SPIR-V validator; the tests run spirv-val on top. But it is quick enough to run after each step of each test,
//! so that a fault is found in the pass that made it.

use std::collections::HashSet;

use rspirv::spirv::{Op, Word};

use super::code::{Ids, is_terminator};
use super::flow::{Graph, targets};
use super::{Function, Module, Scalar};

/// Checks a module.
///
/// # Errors
/// What is wrong, with the id of the instruction.
pub fn verify(module: &Module) -> Result<(), String> {
    let mut verifier = Verifier { module, types: vec![0; module.bound() as usize] };
    for (instruction, operands) in module.globals.iter() {
        let ids = match instruction.op {
            Op::Constant | Op::SpecConstant | Op::ConstantNull | Op::ConstantTrue | Op::ConstantFalse => &[],
            Op::Variable => operands.get(1..).unwrap_or_default(),
            Op::ConstantComposite => operands,
            _ => &[],
        };
        for id in ids {
            if verifier.ty(*id) == 0 {
                return Err(format!("global %{} uses %{id}, which comes later", instruction.result));
            }
        }
        verifier.define(instruction.result, if instruction.ty == 0 { Word::MAX } else { instruction.ty })?;
    }
    for function in &module.functions {
        verifier.define(function.id, Word::MAX)?;
    }
    for function in &module.functions {
        verifier.function(function)?;
    }
    Ok(())
}

struct Verifier<'a> {
    module: &'a Module,
    /// The type of each id that was defined; [`Word::MAX`] for what is no value.
    types: Vec<Word>,
}

impl Verifier<'_> {
    fn ty(&self, id: Word) -> Word {
        self.types.get(id as usize).copied().unwrap_or(0)
    }

    fn define(&mut self, id: Word, ty: Word) -> Result<(), String> {
        match self.types.get_mut(id as usize) {
            Some(slot) if *slot == 0 => *slot = ty,
            Some(_) => return Err(format!("%{id} is defined twice")),
            None => return Err(format!("%{id} is not below the bound")),
        }
        Ok(())
    }

    fn function(&mut self, function: &Function) -> Result<(), String> {
        let code = &function.code;
        let graph = Graph::of(code, self.module.bound());
        let labels: HashSet<Word> = graph.blocks.iter().map(|block| block.label).collect();
        // The block in which each id is defined.
        let mut homes = vec![None; self.types.len()];
        for (instruction, _) in code.iter().filter(|(instruction, _)| instruction.op == Op::Label) {
            self.define(instruction.result, Word::MAX)?;
        }
        let mut block: Option<usize> = None;
        let mut open = false;
        for (instruction, operands) in code.iter() {
            let at = |text: String| format!("{:?} %{}: {text}", instruction.op, instruction.result);
            match instruction.op {
                Op::Function => continue,
                Op::FunctionEnd if open => return Err(at("the last block has no terminator".into())),
                Op::FunctionEnd => break,
                Op::Label if open => return Err(at("the block before has no terminator".into())),
                Op::Label => {
                    block = Some(block.map_or(0, |number| number + 1));
                    open = true;
                    continue;
                }
                _ if !open => return Err(at("it is outside a block".into())),
                _ => {}
            }
            if instruction.op == Op::Phi {
                self.phi(&graph, block, operands).map_err(at)?;
            } else {
                for id in Ids::of(instruction.op, operands).iter(operands) {
                    if self.ty(id) == 0 && id != super::GLSL {
                        return Err(at(format!("%{id} is not defined before")));
                    }
                    let home = homes.get(id as usize).copied().flatten();
                    if let (Some(home), Some(block)) = (home, block)
                        && !graph.is_approximate
                        && !graph.dominates(home, block)
                    {
                        return Err(at(format!("%{id} need not have been computed")));
                    }
                }
                self.types_fit(instruction.op, instruction.ty, operands).map_err(at)?;
            }
            if is_terminator(instruction.op) {
                open = false;
                for label in targets(instruction.op, operands) {
                    if !labels.contains(&label) {
                        return Err(at(format!("there is no block %{label}")));
                    }
                }
            }
            if instruction.result != 0 {
                self.define(instruction.result, instruction.ty)?;
                if let Some(slot) = homes.get_mut(instruction.result as usize) {
                    *slot = block;
                }
            }
        }
        Ok(())
    }

    fn phi(&self, graph: &Graph, block: Option<usize>, operands: &[u32]) -> Result<(), String> {
        let block = block.and_then(|number| graph.blocks.get(number)).ok_or("it is in no block")?;
        let mut from: Vec<Word> = operands.iter().skip(1).step_by(2).copied().collect();
        let mut expected: Vec<Word> = block
            .predecessors
            .iter()
            .filter_map(|number| graph.blocks.get(*number).map(|block| block.label))
            .collect();
        from.sort_unstable();
        expected.sort_unstable();
        if from != expected {
            return Err(format!("its blocks are {from:?}, but {expected:?} jump here"));
        }
        if operands.iter().step_by(2).any(|value| *value == 0) {
            return Err("a value is missing".into());
        }
        Ok(())
    }

    /// Instructions that work component by component have operands and results of one shape.
    fn types_fit(&self, op: Op, ty: Word, operands: &[u32]) -> Result<(), String> {
        let shape = |ty: Word| self.module.shape(ty);
        let (kind, result) = match op {
            Op::FAdd | Op::FSub | Op::FMul | Op::FDiv | Op::FNegate => (Kind::Float, true),
            Op::IAdd
            | Op::ISub
            | Op::IMul
            | Op::UDiv
            | Op::UMod
            | Op::BitwiseAnd
            | Op::BitwiseOr
            | Op::BitwiseXor
            | Op::Not => (Kind::Integer, true),
            Op::FOrdEqual | Op::FUnordNotEqual | Op::FOrdLessThan | Op::FOrdGreaterThanEqual | Op::IsNan => {
                (Kind::Float, false)
            }
            Op::IEqual
            | Op::INotEqual
            | Op::SLessThan
            | Op::SGreaterThanEqual
            | Op::ULessThan
            | Op::UGreaterThanEqual => (Kind::Integer, false),
            Op::LogicalAnd | Op::LogicalOr | Op::LogicalNot => (Kind::Bool, true),
            Op::Select => {
                let [_, a, b] = operands else { return Err("it needs three operands".into()) };
                return if self.ty(*a) == ty && self.ty(*b) == ty {
                    Ok(())
                } else {
                    Err("its values are not of its type".into())
                };
            }
            _ => return Ok(()),
        };
        let Some(of_result) = shape(ty) else { return Err("its type is no scalar or vector".into()) };
        for operand in operands {
            let Some(of_operand) = shape(self.ty(*operand)) else {
                return Err(format!("%{operand} is no scalar or vector"));
            };
            if !kind.has(of_operand.scalar) || of_operand.count != of_result.count {
                return Err(format!("%{operand} is {of_operand:?}"));
            }
            if result && kind != Kind::Integer && of_operand.scalar != of_result.scalar {
                return Err(format!("%{operand} is {of_operand:?}, the result {of_result:?}"));
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Float,
    Integer,
    Bool,
}

impl Kind {
    fn has(self, scalar: Scalar) -> bool {
        match self {
            Self::Float => matches!(scalar, Scalar::F32 | Scalar::F64),
            Self::Integer => matches!(scalar, Scalar::U32 | Scalar::I32),
            Self::Bool => scalar == Scalar::Bool,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message for a function made by `body`.
    fn message(body: impl FnOnce(&mut Module)) -> String {
        let mut module = Module::new();
        let function = module.id();
        module.begin_function(function);
        body(&mut module);
        module.end_function();
        verify(&module).unwrap_err()
    }

    #[test]
    fn faults_are_named() {
        let text = message(|module| module.branch(999));
        assert!(text.contains("%999 is not defined"), "{text}");
        let text = message(|_| ());
        assert!(text.contains("no terminator"), "{text}");
        let text = message(|module| {
            let (float, uint) = (module.vector_type(Scalar::F32, 1), module.u32(7));
            module.op(Op::FAdd, float, &[uint, uint]);
            module.op_void(Op::Return, &[]);
        });
        assert!(text.contains("U32"), "{text}");
        let text = message(|module| {
            let (then, merge) = (module.id(), module.id());
            let yes = module.constant_bool(true);
            let uint = module.vector_type(Scalar::U32, 1);
            let one = module.u32(1);
            module.branch_conditional(yes, then, merge, merge);
            module.label(then);
            let sum = module.op(Op::IAdd, uint, &[one, one]);
            module.branch(merge);
            module.label(merge);
            module.op(Op::Not, uint, &[sum]);
            module.op_void(Op::Return, &[]);
        });
        assert!(text.contains("need not have been computed"), "{text}");
    }
}
