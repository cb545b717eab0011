//! The rules: what an instruction becomes, given how its operands came about.

use rspirv::spirv::{GlslStd450Op as GLOp, Op, Word};

use super::table::Constant;
use super::{Fold, Outcome};
use crate::ir::Scalar;

/// How far a component is followed through shuffles and insertions. Real programs write a register four times, once
/// for each component, before they read it.
const STEPS: usize = 8;

/// Where a component comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// A component of a vector.
    Component(Word, u32),
    /// A scalar.
    Scalar(Word),
}

impl Fold<'_> {
    /// What an instruction becomes whose operands have been simplified.
    pub(super) fn simplify(
        &mut self,
        op: Op,
        ty: Word,
        result: Word,
        exact: bool,
        operands: &[u32],
    ) -> Outcome {
        match (op, operands) {
            (Op::Bitcast, [value]) => self.bitcast(ty, *value),
            (Op::CompositeExtract, [vector, index]) => self.extract(ty, *vector, *index),
            (Op::CompositeInsert, [_, _, _]) => self.insert(ty, operands),
            (Op::VectorShuffle, [a, b, picks @ ..]) => self.shuffle(ty, *a, *b, picks),
            (Op::CompositeConstruct, parts) => self.construct(ty, parts),
            (Op::INotEqual, [value, zero]) if self.is_zero(*zero) => match self.truth_of(*value) {
                Some(condition) => Outcome::Same(condition),
                None => self.constant_comparison(ty, *value, |bits| bits != 0),
            },
            (Op::IEqual, [value, zero]) if self.is_zero(*zero) => match self.truth_of(*value) {
                Some(condition) => Outcome::Changed(Op::LogicalNot, vec![condition]),
                None => self.constant_comparison(ty, *value, |bits| bits == 0),
            },
            (Op::LogicalNot, [value]) => match self.definition(*value) {
                Some((Op::LogicalNot, [inner])) => Outcome::Same(*inner),
                _ => Outcome::Kept,
            },
            (Op::Select, [condition, a, b]) => self.select(*condition, *a, *b),
            (Op::BitwiseAnd | Op::BitwiseOr, [a, b]) => self.masks(op, ty, *a, *b),
            (Op::Not, [value]) => match self.mask_condition(*value) {
                // The mask of the opposite.
                Some(condition) => {
                    let (zeros, ones) = match self.definition(*value) {
                        Some((Op::Select, [_, ones, zeros])) => (*zeros, *ones),
                        _ => return Outcome::Kept,
                    };
                    Outcome::Changed(Op::Select, vec![condition, zeros, ones])
                }
                None => Outcome::Kept,
            },
            (Op::Phi, pairs) => {
                let mut values = pairs.iter().step_by(2).filter(|value| **value != result);
                match values.next() {
                    Some(first) if values.all(|value| value == first) => Outcome::Same(*first),
                    _ => Outcome::Kept,
                }
            }
            (Op::IAdd | Op::ISub | Op::IMul | Op::ShiftLeftLogical | Op::ShiftRightLogical, [a, b])
                if !exact =>
            {
                self.integers(op, ty, *a, *b)
            }
            (Op::ExtInst, [_, number, a, b]) if *number == GLOp::UMin as u32 => {
                match (self.scalar_bits(*a), self.scalar_bits(*b)) {
                    (Some((_, a_bits)), Some((_, b_bits))) => {
                        Outcome::Same(if a_bits <= b_bits { *a } else { *b })
                    }
                    _ => Outcome::Kept,
                }
            }
            _ => Outcome::Kept,
        }
    }

    /// The operation and operands behind an id of the function at hand.
    fn definition(&self, id: Word) -> Option<(Op, &[u32])> {
        let place = self.table.place(id)?;
        self.new.get(place).map(|(instruction, operands)| (instruction.op, operands))
    }

    fn type_of(&self, id: Word) -> Option<Word> {
        let place = self.table.place(id)?;
        self.new.instructions().get(place).map(|instruction| instruction.ty)
    }

    /// The bits of a scalar constant.
    fn scalar_bits(&self, id: Word) -> Option<(Scalar, u32)> {
        match self.table.constant(id)? {
            Constant::Scalar(scalar, bits) => Some((scalar, bits)),
            _ => None,
        }
    }

    /// The bits of a constant scalar or vector of 32-bit components of type `ty`.
    fn bits(&self, id: Word, count: usize) -> Option<([u32; 4], usize)> {
        let mut bits = [0; 4];
        match self.table.constant(id)? {
            Constant::Scalar(Scalar::F64 | Scalar::Bool, _) => None,
            Constant::Scalar(_, value) if count == 1 => {
                bits[0] = value;
                Some((bits, 1))
            }
            Constant::Scalar(..) => None,
            Constant::Null(_) => Some((bits, count)),
            Constant::Vector(place) => {
                let (_, parts) = self.module.globals.get(place)?;
                if parts.len() != count {
                    return None;
                }
                for (slot, part) in bits.iter_mut().zip(parts) {
                    *slot = self.scalar_bits(*part)?.1;
                }
                Some((bits, count))
            }
        }
    }

    fn is_zero(&self, id: Word) -> bool {
        match self.table.constant(id) {
            Some(Constant::Null(_)) => true,
            Some(Constant::Scalar(_, bits)) => bits == 0,
            Some(Constant::Vector(place)) => match self.module.globals.get(place) {
                Some((_, parts)) => parts.iter().all(|part| matches!(self.scalar_bits(*part), Some((_, 0)))),
                None => false,
            },
            None => false,
        }
    }

    fn is_all_ones(&self, id: Word) -> bool {
        match self.table.constant(id) {
            Some(Constant::Scalar(scalar, bits)) => bits == u32::MAX && scalar != Scalar::Bool,
            Some(Constant::Vector(place)) => match self.module.globals.get(place) {
                Some((_, parts)) => {
                    parts.iter().all(|part| matches!(self.scalar_bits(*part), Some((_, u32::MAX))))
                }
                None => false,
            },
            _ => false,
        }
    }

    /// The constant of a type that has these bits.
    fn constant(&mut self, ty: Word, bits: [u32; 4]) -> Option<Word> {
        let shape = self.module.shape(ty)?;
        if matches!(shape.scalar, Scalar::F64 | Scalar::Bool) {
            return None;
        }
        let id = self.module.constant_vector(shape.scalar, bits.get(..usize::from(shape.count))?);
        self.table.update(self.module);
        Some(id)
    }

    fn bitcast(&mut self, ty: Word, value: Word) -> Outcome {
        let Some(shape) = self.module.shape(ty) else { return Outcome::Kept };
        if let Some((bits, _)) = self.bits(value, usize::from(shape.count))
            && let Some(constant) = self.constant(ty, bits)
        {
            return Outcome::Same(constant);
        }
        if let Some((Op::Bitcast, [inner])) = self.definition(value) {
            let inner = *inner;
            return match self.type_of(inner) {
                Some(same) if same == ty => Outcome::Same(inner),
                // Two doubles in a vector are no shape that a cast to anything may skip.
                Some(other) if self.module.shape(other).is_some_and(|s| s.count == shape.count) => {
                    Outcome::Changed(Op::Bitcast, vec![inner])
                }
                _ => Outcome::Kept,
            };
        }
        if self.type_of(value) == Some(ty) { Outcome::Same(value) } else { Outcome::Kept }
    }

    /// Follows component `index` of a vector to where it comes from.
    fn source(&self, mut vector: Word, mut index: u32) -> Source {
        for _ in 0..STEPS {
            if let Some(Constant::Vector(place)) = self.table.constant(vector)
                && let Some((_, parts)) = self.module.globals.get(place)
                && let Some(part) = parts.get(index as usize)
            {
                return Source::Scalar(*part);
            }
            match self.definition(vector) {
                Some((Op::CompositeConstruct, parts)) => {
                    // Parts may be scalars or vectors.
                    let mut skipped = 0;
                    let mut found = None;
                    for part in parts {
                        // CAST: at most four.
                        let Some(count) = self.component_count(*part).map(|count| count as u32) else {
                            break;
                        };
                        if index < skipped + count {
                            found = Some((*part, index - skipped, count));
                            break;
                        }
                        skipped += count;
                    }
                    match found {
                        Some((part, _, 1)) => return Source::Scalar(part),
                        Some((part, place, _)) => (vector, index) = (part, place),
                        None => break,
                    }
                }
                Some((Op::CompositeInsert, [part, base, place])) => {
                    if *place == index {
                        return Source::Scalar(*part);
                    }
                    vector = *base;
                }
                Some((Op::VectorShuffle, [a, b, picks @ ..])) => {
                    let Some(pick) = picks.get(index as usize) else { break };
                    let Some(first) = self.component_count(*a) else { break };
                    // CAST: at most four.
                    let first = first as u32;
                    (vector, index) =
                        if *pick < first { (*a, *pick) } else { (*b, pick.wrapping_sub(first)) };
                }
                _ => break,
            }
        }
        Source::Component(vector, index)
    }

    /// The components of a vector of the function at hand or among the constants.
    fn component_count(&self, vector: Word) -> Option<usize> {
        let ty = match self.type_of(vector) {
            Some(ty) => ty,
            None => match self.table.constant(vector)? {
                Constant::Vector(place) => self.module.globals.instructions().get(place)?.ty,
                Constant::Null(ty) => ty,
                Constant::Scalar(..) => return Some(1),
            },
        };
        self.module.shape(ty).map(|shape| usize::from(shape.count))
    }

    fn extract(&mut self, ty: Word, vector: Word, index: u32) -> Outcome {
        let Some(shape) = self.module.shape(ty) else { return Outcome::Kept };
        match self.source(vector, index) {
            Source::Scalar(scalar) => return Outcome::Same(scalar),
            Source::Component(other, place) if (other, place) != (vector, index) => {
                return Outcome::Changed(Op::CompositeExtract, vec![other, place]);
            }
            Source::Component(..) => {}
        }
        if matches!(self.table.constant(vector), Some(Constant::Null(_)))
            && let Some(zero) = self.constant(ty, [0; 4])
        {
            return Outcome::Same(zero);
        }
        // The component of a cast vector is the cast component, which may have been a scalar all the time.
        if let Some((Op::Bitcast, [inner])) = self.definition(vector) {
            let inner = *inner;
            let inner_shape = self.type_of(inner).and_then(|ty| self.module.shape(ty));
            if let Some(inner_shape) = inner_shape
                && Some(usize::from(inner_shape.count)) == self.component_count(vector)
                && inner_shape.scalar != Scalar::F64
                && shape.scalar != Scalar::F64
            {
                let scalar_ty = self.module.vector_type(inner_shape.scalar, 1);
                self.table.update(self.module);
                let component = match self.source(inner, index) {
                    Source::Scalar(scalar) => scalar,
                    Source::Component(vector, index) => {
                        self.emit(Op::CompositeExtract, scalar_ty, &[vector, index])
                    }
                };
                return Outcome::Changed(Op::Bitcast, vec![component]);
            }
        }
        Outcome::Kept
    }

    /// An insertion is a vector put together from where its components come from, if that is simpler.
    fn insert(&mut self, ty: Word, operands: &[u32]) -> Outcome {
        let [part, base, place] = operands else { return Outcome::Kept };
        let Some(shape) = self.module.shape(ty) else { return Outcome::Kept };
        let sources = self.sources_of(usize::from(shape.count), |fold, n| {
            if n == *place { Source::Scalar(*part) } else { fold.source(*base, n) }
        });
        let scalars: Option<Vec<Word>> = sources
            .iter()
            .map(|source| match source {
                Source::Scalar(id) => Some(*id),
                Source::Component(..) => None,
            })
            .collect();
        match scalars {
            Some(scalars) => Outcome::Changed(Op::CompositeConstruct, scalars),
            None => Outcome::Kept,
        }
    }

    fn sources_of(&self, count: usize, source: impl Fn(&Self, u32) -> Source) -> Vec<Source> {
        // CAST: at most four.
        (0..count.min(4) as u32).map(|n| source(self, n)).collect()
    }

    fn shuffle(&mut self, ty: Word, a: Word, b: Word, picks: &[u32]) -> Outcome {
        let Some(first) = self.component_count(a) else { return Outcome::Kept };
        let sources: Vec<Source> = picks
            .iter()
            .map(|pick| {
                // CAST: at most four.
                let first = first as u32;
                if *pick < first { self.source(a, *pick) } else { self.source(b, pick.wrapping_sub(first)) }
            })
            .collect();
        match self.assemble(ty, &sources) {
            Some(Outcome::Changed(Op::VectorShuffle, operands))
                if operands.get(..2) == Some(&[a, b]) && operands.get(2..) == Some(picks) =>
            {
                Outcome::Kept
            }
            Some(outcome) => outcome,
            None => Outcome::Kept,
        }
    }

    fn construct(&mut self, ty: Word, parts: &[u32]) -> Outcome {
        if self.module.shape(ty).is_none_or(|shape| usize::from(shape.count) != parts.len()) {
            return Outcome::Kept;
        }
        let sources: Vec<Source> = parts
            .iter()
            .map(|part| match self.definition(*part) {
                Some((Op::CompositeExtract, [vector, index])) if self.component_count(*vector).is_some() => {
                    Source::Component(*vector, *index)
                }
                _ => Source::Scalar(*part),
            })
            .collect();
        match self.assemble(ty, &sources) {
            Some(Outcome::Changed(Op::CompositeConstruct, _)) | None => Outcome::Kept,
            Some(outcome) => outcome,
        }
    }

    /// The shortest way to a vector of these components.
    fn assemble(&mut self, ty: Word, sources: &[Source]) -> Option<Outcome> {
        let mut vectors: [Option<Word>; 2] = [None; 2];
        let mut scalars = Vec::with_capacity(4);
        for source in sources {
            match source {
                Source::Scalar(id) => scalars.push(*id),
                Source::Component(vector, _) => {
                    let known = vectors.contains(&Some(*vector));
                    match vectors.iter_mut().find(|slot| slot.is_none()) {
                        Some(slot) if !known => *slot = Some(*vector),
                        None if !known => return None,
                        _ => {}
                    }
                }
            }
        }
        if scalars.len() == sources.len() {
            let shape = self.module.shape(ty)?;
            let mut bits = [0; 4];
            let constant = bits.iter_mut().zip(&scalars).all(|(slot, id)| match self.scalar_bits(*id) {
                Some((scalar, value)) if scalar == shape.scalar => {
                    *slot = value;
                    true
                }
                _ => false,
            });
            if constant && let Some(id) = self.constant(ty, bits) {
                return Some(Outcome::Same(id));
            }
            return Some(Outcome::Changed(Op::CompositeConstruct, scalars));
        }
        if !scalars.is_empty() {
            return None;
        }
        let a = vectors[0]?;
        let b = vectors[1].unwrap_or(a);
        let first = self.component_count(a)? as u32;
        let mut operands = vec![a, b];
        for source in sources {
            if let Source::Component(vector, index) = source {
                operands.push(if *vector == a { *index } else { first + *index });
            }
        }
        let whole = self.type_of(a) == Some(ty)
            && operands.iter().skip(2).enumerate().all(|(n, pick)| n as u32 == *pick);
        if whole {
            return Some(Outcome::Same(a));
        }
        Some(Outcome::Changed(Op::VectorShuffle, operands))
    }

    /// The condition behind a mask: all ones where it holds, zero elsewhere.
    fn mask_condition(&self, value: Word) -> Option<Word> {
        match self.definition(value)? {
            (Op::Select, [condition, ones, zeros]) if self.is_all_ones(*ones) && self.is_zero(*zeros) => {
                Some(*condition)
            }
            _ => None,
        }
    }

    /// The condition under which a value that was chosen between a constant and zero is not zero.
    fn truth_of(&self, value: Word) -> Option<Word> {
        if let Some(condition) = self.mask_condition(value) {
            return Some(condition);
        }
        match self.definition(value)? {
            (Op::Select, [condition, one, zero]) if self.is_zero(*zero) => {
                let (_, bits) = self.scalar_bits(*one)?;
                (bits != 0).then_some(*condition)
            }
            _ => None,
        }
    }

    fn constant_comparison(&mut self, ty: Word, value: Word, test: impl Fn(u32) -> bool) -> Outcome {
        let scalar = self.module.shape(ty).is_some_and(|shape| shape.count == 1);
        match self.scalar_bits(value) {
            Some((_, bits)) if scalar => {
                let id = self.module.constant_bool(test(bits));
                self.table.update(self.module);
                Outcome::Same(id)
            }
            _ => Outcome::Kept,
        }
    }

    fn select(&mut self, condition: Word, a: Word, b: Word) -> Outcome {
        if a == b {
            return Outcome::Same(a);
        }
        match self.definition(condition) {
            Some((Op::LogicalNot, [inner])) => Outcome::Changed(Op::Select, vec![*inner, b, a]),
            _ => Outcome::Kept,
        }
    }

    /// Masks and bits: what D3D11 programs do where others have truth values.
    fn masks(&mut self, op: Op, ty: Word, a: Word, b: Word) -> Outcome {
        let shape = self.module.shape(ty);
        match (self.mask_condition(a), self.mask_condition(b)) {
            (Some(first), Some(second)) => {
                let Some(count) = shape.map(|shape| usize::from(shape.count)) else { return Outcome::Kept };
                let Some((Op::Select, [_, ones, zeros])) = self.definition(a) else { return Outcome::Kept };
                let (ones, zeros) = (*ones, *zeros);
                let logical = if op == Op::BitwiseAnd { Op::LogicalAnd } else { Op::LogicalOr };
                let bools = self.module.vector_type(Scalar::Bool, count);
                self.table.update(self.module);
                let condition = self.emit(logical, bools, &[first, second]);
                Outcome::Changed(Op::Select, vec![condition, ones, zeros])
            }
            // A constant where the condition holds: how programs turn truth into 1.0.
            (Some(condition), None) if op == Op::BitwiseAnd && self.table.constant(b).is_some() => match self
                .definition(a)
            {
                Some((Op::Select, [_, _, zeros])) => Outcome::Changed(Op::Select, vec![condition, b, *zeros]),
                _ => Outcome::Kept,
            },
            (None, Some(_)) if op == Op::BitwiseAnd && self.table.constant(a).is_some() => {
                Outcome::Changed(op, vec![b, a])
            }
            _ => {
                let count = shape.map_or(0, |shape| usize::from(shape.count));
                match (self.bits(a, count), self.bits(b, count)) {
                    (Some((a, _)), Some((b, _))) => {
                        let mut bits = [0; 4];
                        for (slot, (a, b)) in bits.iter_mut().zip(a.into_iter().zip(b)) {
                            *slot = if op == Op::BitwiseAnd { a & b } else { a | b };
                        }
                        self.constant(ty, bits).map_or(Outcome::Kept, Outcome::Same)
                    }
                    _ => Outcome::Kept,
                }
            }
        }
    }

    fn integers(&mut self, op: Op, ty: Word, a: Word, b: Word) -> Outcome {
        let Some(count) = self.module.shape(ty).map(|shape| usize::from(shape.count)) else {
            return Outcome::Kept;
        };
        // x + 0, x - 0, x << 0, x >> 0.
        if op != Op::IMul && self.is_zero(b) && self.type_of(a) == Some(ty) {
            return Outcome::Same(a);
        }
        if op == Op::IAdd && self.is_zero(a) && self.type_of(b) == Some(ty) {
            return Outcome::Same(b);
        }
        if op == Op::IMul && matches!(self.scalar_bits(b), Some((_, 1))) && self.type_of(a) == Some(ty) {
            return Outcome::Same(a);
        }
        let (Some((a, _)), Some((b, _))) = (self.bits(a, count), self.bits(b, count)) else {
            return Outcome::Kept;
        };
        let mut bits = [0; 4];
        for (slot, (a, b)) in bits.iter_mut().zip(a.into_iter().zip(b)) {
            *slot = match op {
                Op::IAdd => a.wrapping_add(b),
                Op::ISub => a.wrapping_sub(b),
                Op::IMul => a.wrapping_mul(b),
                // Shifts by 32 and more are undefined in SPIR-V.
                Op::ShiftLeftLogical if b < 32 => a << b,
                Op::ShiftRightLogical if b < 32 => a >> b,
                _ => return Outcome::Kept,
            };
        }
        self.constant(ty, bits).map_or(Outcome::Kept, Outcome::Same)
    }
}
