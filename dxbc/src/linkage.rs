//! Class linkage and computed slots: replaced by plain instructions before the translation.
//!
//! D3D11 binds a class instance to each interface of a shader: a function table, and four numbers that the program reads as
//! `this[interface]` (functional specification, sections 7.19 and 22.7.20): x the constant buffer slot, y the first element
//! in it, z the first texture slot, w the first sampler slot. The caller gives them when it compiles, so here
//! - `fcall` becomes a `call` of the chosen body, or a switch of calls where the interface is chosen by a register;
//! - `this` becomes immediates, or elements behind the immediate constant buffer where its index is computed;
//! - slots that are known then become immediates, others a switch over the slots that the program has (section 7.11).
//!
//! Nothing else in this crate knows of interfaces.

use std::collections::{BTreeMap, BTreeSet};

use crate::reflection::sampling::compares;
use crate::token::declaration::{self, Declaration, ViewKind};
use crate::token::opcode::{Opcode, OperandForm};
use crate::token::operand::{Index, Operand, OperandId, RegisterFile};
use crate::token::program::{Instruction, Program};
use crate::{ClassInstance, Error, limits};

/// Function bodies become labels with this bit, apart from the program's own labels.
const BODY: u32 = 1 << 31;

/// An interface with its instance.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bound {
    /// The function bodies, by call site.
    bodies: Vec<u32>,
    /// The register `this`.
    this: [u32; 4],
}

/// Resolves `program` for these instances, by fp# number.
pub fn resolve(program: Program, instances: &[Option<ClassInstance>]) -> Result<Program, Error> {
    let linked = program.declarations.iter().any(|declaration| {
        matches!(declaration, Declaration::Interface { .. } | Declaration::FunctionBody(_))
    });
    let computed = program.instructions.iter().any(|instruction| {
        program.operands(instruction).any(|operand| has_computed_slot(instruction.opcode, operand))
    });
    if !linked && !computed {
        return Ok(program);
    }
    let bound = bind(&program, instances)?;
    let instructions = program.instructions.clone();
    let mut resolver = Resolver {
        writes: count_writes(&program),
        program,
        bound,
        table: None,
        known: BTreeMap::new(),
        function: 0,
        depth: 0,
        output: Vec::with_capacity(instructions.len()),
        most: instructions.len().saturating_add(limits::EXPANDED),
        at: ("program", 0),
    };
    for instruction in &instructions {
        resolver.at = (instruction.opcode.name(), instruction.offset);
        resolver.instruction(instruction)?;
    }
    let Resolver { mut program, output, .. } = resolver;
    program.instructions = output;
    drop_uncalled_bodies(&mut program);
    Ok(program)
}

/// Whether the register number of a constant buffer, resource or sampler is computed, or that of an input which is
/// interpolated anew.
fn has_computed_slot(opcode: Opcode, operand: &Operand) -> bool {
    let evaluated = matches!(opcode, Opcode::EvalCentroid | Opcode::EvalSampleIndex | Opcode::EvalSnapped);
    (matches!(operand.file, RegisterFile::ConstantBuffer | RegisterFile::Resource | RegisterFile::Sampler)
        || evaluated && operand.file == RegisterFile::Input)
        && operand.indices().first().is_some_and(|index| index.relative.is_some())
}

fn error(rule: &'static str) -> Error {
    Error::Invalid { opcode: Opcode::DclInterface.name(), offset: 0, rule }
}

/// Looks up the instance of each declared interface.
fn bind(program: &Program, instances: &[Option<ClassInstance>]) -> Result<BTreeMap<u32, Bound>, Error> {
    let mut tables: BTreeMap<u32, &Vec<u32>> = BTreeMap::new();
    for declaration in &program.declarations {
        if let Declaration::FunctionTable { table, bodies } = declaration {
            tables.insert(*table, bodies);
        }
    }
    let mut bound = BTreeMap::new();
    for declaration in &program.declarations {
        let Declaration::Interface { first, count, call_sites, tables: allowed, .. } = declaration else {
            continue;
        };
        for interface in *first..first.saturating_add(*count) {
            let instance = instances.get(interface as usize).copied().flatten();
            let instance = instance.ok_or(Error::NoClassInstance { interface })?;
            let function_table = instance.function_table;
            if !allowed.contains(&function_table) {
                return Err(Error::WrongClassInstance { interface, function_table });
            }
            let bodies = tables.get(&function_table).copied();
            let bodies = bodies.ok_or_else(|| error("a function table is not declared"))?;
            if bodies.len() as u64 != u64::from(*call_sites) {
                return Err(error("a function table has not one body for each call site"));
            }
            let ClassInstance { constant_buffer, constant_offset, texture, sampler, .. } = instance;
            let this = [constant_buffer, constant_offset, texture, sampler];
            if bound.insert(interface, Bound { bodies: bodies.clone(), this }).is_some() {
                return Err(error("an interface is declared twice"));
            }
        }
    }
    Ok(bound)
}

/// The components of temporary registers that an instruction writes.
fn temps_written(program: &Program, instruction: &Instruction) -> Vec<(u32, usize)> {
    let OperandForm::Counted(destinations, _) = instruction.opcode.form() else { return Vec::new() };
    let mut written = Vec::new();
    for operand in program.operands(instruction).take(usize::from(destinations)) {
        if operand.file == RegisterFile::Temp
            && let Some(register) = operand.register()
        {
            let mask = operand.mask();
            written.extend((0..4).filter(|n| mask >> n & 1 != 0).map(|n| (register, n)));
        }
    }
    written
}

/// Whether an instruction starts a function, or a phase of a hull shader.
fn starts_function(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::Label
            | Opcode::HsDecls
            | Opcode::HsControlPointPhase
            | Opcode::HsForkPhase
            | Opcode::HsJoinPhase
    )
}

/// How often each component of each register is written in each function (they are numbered in order).
fn count_writes(program: &Program) -> BTreeMap<(usize, u32, usize), u32> {
    let mut writes = BTreeMap::new();
    let mut function = 0;
    for instruction in &program.instructions {
        if starts_function(instruction.opcode) {
            function += 1;
        }
        for (register, component) in temps_written(program, instruction) {
            *writes.entry((function, register, component)).or_insert(0) += 1;
        }
    }
    writes
}

/// The state of the pass over the instructions.
struct Resolver {
    program: Program,
    bound: BTreeMap<u32, Bound>,
    /// Where `this[0]` lies in the immediate constant buffer, once a computed index needs it there.
    table: Option<u32>,
    /// Components of temporary registers whose value is known here; `true`: it is the only one they get in the function,
    /// and every path goes through its write.
    known: BTreeMap<(u32, usize), (u32, bool)>,
    writes: BTreeMap<(usize, u32, usize), u32>,
    function: usize,
    /// Open blocks.
    depth: usize,
    output: Vec<Instruction>,
    /// The greatest number of instructions that may come out.
    most: usize,
    at: (&'static str, u32),
}

impl Resolver {
    fn invalid(&self, rule: &'static str) -> Error {
        Error::Invalid { opcode: self.at.0, offset: self.at.1, rule }
    }

    fn push(&mut self, instruction: Instruction) -> Result<(), Error> {
        if self.output.len() >= self.most {
            let limit = self.most as u64;
            return Err(Error::Limit {
                what: "instructions with computed slots expanded",
                value: limit + 1,
                limit,
            });
        }
        self.output.push(instruction);
        Ok(())
    }

    fn add(&mut self, opcode: Opcode, operands: &[Operand]) -> Result<(), Error> {
        let instruction = self.program.make(opcode, self.at.1, operands)?;
        self.push(instruction)
    }

    fn operand(&self, id: OperandId) -> Result<Operand, Error> {
        self.program.operand(id).copied().ok_or_else(|| self.invalid("an operand is missing"))
    }

    fn instruction(&mut self, instruction: &Instruction) -> Result<(), Error> {
        match instruction.opcode {
            Opcode::InterfaceCall => {
                self.call_interface(instruction)?;
                self.known.clear();
                return Ok(());
            }
            opcode if starts_function(opcode) => {
                self.known.clear();
                self.function += 1;
                self.depth = 0;
                let operand = self.program.operands(instruction).next().copied();
                if let Some(operand) = operand.filter(|operand| operand.file == RegisterFile::FunctionBody) {
                    return self.add(Opcode::Label, &[self.body_label(operand.register())?]);
                }
                return self.push(*instruction);
            }
            Opcode::If | Opcode::Loop | Opcode::Switch => self.depth += 1,
            Opcode::EndIf | Opcode::EndLoop | Opcode::EndSwitch => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        let mut ids = self.program.operand_ids(instruction).to_vec();
        for id in &mut ids {
            *id = self.without_this(*id, 0)?;
        }
        self.expand(instruction, ids.clone())?;
        match instruction.opcode {
            Opcode::Call | Opcode::Callc => self.known.clear(),
            Opcode::If
            | Opcode::Else
            | Opcode::EndIf
            | Opcode::Loop
            | Opcode::EndLoop
            | Opcode::Switch
            | Opcode::Case
            | Opcode::Default
            | Opcode::EndSwitch => self.known.retain(|_, (_, lasts)| *lasts),
            _ => self.learn(instruction, &ids)?,
        }
        Ok(())
    }

    fn body_label(&self, body: Option<u32>) -> Result<Operand, Error> {
        let body = body.filter(|body| body & BODY == 0);
        let body = body.ok_or_else(|| self.invalid("the function body has no valid number"))?;
        Ok(Operand::numbered(RegisterFile::Label, body | BODY))
    }

    /// Notes what a move of immediates makes known, and forgets what is overwritten.
    fn learn(&mut self, instruction: &Instruction, ids: &[OperandId]) -> Result<(), Error> {
        let written = temps_written(&self.program, instruction);
        let source = match (instruction.opcode, ids) {
            (Opcode::Mov, [_, source]) if !instruction.saturate() => Some(self.operand(*source)?),
            _ => None,
        };
        let source = source.filter(|operand| {
            operand.file == RegisterFile::Immediate32 && operand.modifier == Default::default()
        });
        for (register, component) in written {
            let value = source.and_then(|source| source.immediate.get(source.swizzle(component)).copied());
            match value {
                Some(value) => {
                    let writes = self.writes.get(&(self.function, register, component)).copied();
                    let lasts = self.depth == 0 && writes == Some(1);
                    self.known.insert((register, component), (value, lasts));
                }
                None => {
                    self.known.remove(&(register, component));
                }
            }
        }
        Ok(())
    }

    /// The value of an index, if it is known.
    fn value(&self, index: &Index) -> Option<u32> {
        let Some(relative) = index.relative else { return Some(index.base) };
        let operand = self.program.operand(relative)?;
        let value = match operand.file {
            RegisterFile::Immediate32 => operand.immediate.get(operand.swizzle(0)).copied()?,
            RegisterFile::Temp => self.known.get(&(operand.register()?, operand.swizzle(0)))?.0,
            _ => return None,
        };
        (operand.modifier == Default::default()).then(|| index.base.wrapping_add(value))
    }

    /// `this` registers in an operand and its indices become immediates or immediate constants.
    fn without_this(&mut self, id: OperandId, depth: u32) -> Result<OperandId, Error> {
        if depth > limits::INDEX_NESTING {
            return Err(self.invalid("the indices are nested too deeply"));
        }
        let mut operand = self.operand(id)?;
        let mut changed = false;
        for (place, index) in (0u8..).zip(operand.indices().to_vec()) {
            let Some(relative) = index.relative else { continue };
            let new = self.without_this(relative, depth + 1)?;
            if new != relative {
                operand = operand.with_index(place, Index { relative: Some(new), ..index });
                changed = true;
            }
        }
        if operand.file == RegisterFile::ThisPointer {
            let [index] = operand.indices() else { return Err(self.invalid("this needs one index")) };
            let index = *index;
            operand = match self.value(&index) {
                Some(interface) => {
                    let bound = self.bound.get(&interface);
                    let bound = bound.ok_or_else(|| self.invalid("the interface is not declared"))?;
                    operand.replaced_by(bound.this)
                }
                None => {
                    let table = self.table()?;
                    let index = Index { base: index.base.wrapping_add(table), ..index };
                    operand.in_file(RegisterFile::ImmediateConstantBuffer).with_index(0, index)
                }
            };
            changed = true;
        }
        if changed { self.program.add_operand(operand) } else { Ok(id) }
    }

    /// Where the `this` registers lie in the immediate constant buffer.
    fn table(&mut self) -> Result<u32, Error> {
        if let Some(table) = self.table {
            return Ok(table);
        }
        let count = self.bound.keys().last().map_or(0, |last| last.saturating_add(1));
        let rows = (0..count).map(|interface| self.bound.get(&interface).map_or([0; 4], |bound| bound.this));
        let rows: Vec<[u32; 4]> = rows.collect();
        let existing = self.program.declarations.iter_mut().find_map(|declaration| match declaration {
            Declaration::ImmediateConstantBuffer(elements) => Some(elements),
            _ => None,
        });
        let table = match existing {
            Some(elements) => {
                let table = elements.len() as u32;
                elements.extend(rows);
                table
            }
            None => {
                self.program.declarations.push(Declaration::ImmediateConstantBuffer(rows));
                0
            }
        };
        self.table = Some(table);
        Ok(table)
    }

    fn call_interface(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let id = self.program.operand_ids(instruction).first().copied();
        let id = id.ok_or_else(|| self.invalid("the interface is missing"))?;
        let id = self.without_this(id, 0)?;
        let operand = self.operand(id)?;
        let [first, element] = operand.indices() else {
            return Err(self.invalid("an interface needs a number and an array index"));
        };
        if operand.file != RegisterFile::Interface || first.relative.is_some() {
            return Err(self.invalid("the operand is not an interface"));
        }
        let (first, element) = (first.base, *element);
        let Some(relative) = element.relative.filter(|_| self.value(&element).is_none()) else {
            let interface = first.wrapping_add(self.value(&element).unwrap_or(element.base));
            return self.call_body(interface, instruction.call_site);
        };
        let declared = self.program.declarations.iter().find_map(|declaration| match declaration {
            Declaration::Interface { first: start, count, dynamic: true, .. }
                if (*start..start.saturating_add(*count)).contains(&first) =>
            {
                Some(*start..start.saturating_add(*count))
            }
            _ => None,
        });
        let declared = declared.ok_or_else(|| self.invalid("the interface may not have a computed index"))?;
        let selector = self.operand(relative)?;
        self.add(Opcode::Switch, &[selector])?;
        for interface in declared {
            // An index out of the array calls nothing, which D3D11 leaves undefined.
            let value = interface.wrapping_sub(first).wrapping_sub(element.base);
            self.add(Opcode::Case, &[Operand::immediate([value; 4])])?;
            self.call_body(interface, instruction.call_site)?;
            self.add(Opcode::Break, &[])?;
        }
        self.add(Opcode::EndSwitch, &[])
    }

    fn call_body(&mut self, interface: u32, call_site: u32) -> Result<(), Error> {
        let bound = self.bound.get(&interface);
        let bound = bound.ok_or_else(|| self.invalid("the interface is not declared"))?;
        let body = bound.bodies.get(call_site as usize).copied();
        let body = body.ok_or_else(|| self.invalid("the call site is not in the function table"))?;
        self.add(Opcode::Call, &[self.body_label(Some(body))?])
    }

    /// Writes the instruction with these operands, once for each slot that a computed one can be.
    fn expand(&mut self, instruction: &Instruction, mut ids: Vec<OperandId>) -> Result<(), Error> {
        for id in &mut ids {
            let operand = self.operand(*id)?;
            if let Some(known) = self.with_known_indices(instruction, &operand)? {
                *id = self.program.add_operand(known)?;
            }
        }
        let mut computed = None;
        for id in &ids {
            let operand = self.operand(*id)?;
            if has_computed_slot(instruction.opcode, &operand) {
                computed = Some(operand);
                break;
            }
        }
        let Some(operand) = computed else {
            let instruction = self.program.with_operands(instruction, &ids);
            return self.push(instruction);
        };
        let Some(index) = operand.indices().first().copied() else { return Ok(()) };
        let selector = index.relative.map(|id| self.operand(id)).transpose()?;
        let selector = selector.ok_or_else(|| self.invalid("the index is missing"))?;
        let slots = self.candidates(instruction, &operand)?;
        self.add(Opcode::Switch, &[selector])?;
        for slot in slots.into_iter().map(Some).chain([None]) {
            match slot {
                Some(slot) => {
                    let value = slot.wrapping_sub(index.base);
                    self.add(Opcode::Case, &[Operand::immediate([value; 4])])?;
                }
                None => self.add(Opcode::Default, &[])?,
            }
            self.with_slot(instruction, &ids, &operand, slot)?;
            self.add(Opcode::Break, &[])?;
        }
        self.add(Opcode::EndSwitch, &[])
    }

    /// The instruction with `slot` in place of the computed slot of `operand`; `None`: with nothing bound there.
    fn with_slot(
        &mut self,
        instruction: &Instruction,
        ids: &[OperandId],
        operand: &Operand,
        slot: Option<u32>,
    ) -> Result<(), Error> {
        let key = self.slot_key(operand)?;
        if slot.is_none() && operand.file != RegisterFile::ConstantBuffer {
            // Reads of what is not bound give zero.
            let destination = ids.first().map(|id| self.operand(*id)).transpose()?;
            let destination = destination.ok_or_else(|| self.invalid("operands are missing"))?;
            return self.add(Opcode::Mov, &[destination, Operand::immediate([0; 4])]);
        }
        let mut replaced = Vec::with_capacity(ids.len());
        for id in ids {
            let other = self.operand(*id)?;
            if !has_computed_slot(instruction.opcode, &other) || self.slot_key(&other)? != key {
                replaced.push(*id);
                continue;
            }
            let other = match slot {
                Some(slot) => other.with_index(0, Index { base: slot, relative: None }),
                None => other.replaced_by([0; 4]),
            };
            replaced.push(self.program.add_operand(other)?);
        }
        self.expand(instruction, replaced)
    }

    /// What tells operands with the same computed slot.
    fn slot_key(&self, operand: &Operand) -> Result<(RegisterFile, u32, Option<Operand>), Error> {
        let index = operand.indices().first().copied().unwrap_or_default();
        let relative = index.relative.map(|id| self.operand(id)).transpose()?;
        Ok((operand.file, index.base, relative))
    }

    /// The slots that a computed one can be: what is declared and fits, and what the instances name.
    fn candidates(&self, instruction: &Instruction, operand: &Operand) -> Result<BTreeSet<u32>, Error> {
        let kind = self.hinted_kind(instruction);
        let mut slots: BTreeSet<u32> = BTreeSet::new();
        for declaration in &self.program.declarations {
            match (operand.file, declaration) {
                (RegisterFile::ConstantBuffer, Declaration::ConstantBuffer { slot, .. })
                | (RegisterFile::Sampler, Declaration::Sampler { slot, .. }) => slots.extend([*slot]),
                (RegisterFile::Input, Declaration::Input(register))
                    if register.operand.file == operand.file =>
                {
                    slots.extend(register.operand.register());
                }
                (RegisterFile::Resource, Declaration::Resource { slot, kind: declared })
                    if kind.is_none_or(|kind| same_kind(kind, *declared)) =>
                {
                    slots.extend([*slot]);
                }
                _ => {}
            }
        }
        if slots.is_empty() {
            return Err(self.invalid("the program declares nothing that the slot could be"));
        }
        Ok(slots)
    }

    /// The kind of view that the instruction says it reads.
    fn hinted_kind(&self, instruction: &Instruction) -> Option<ViewKind> {
        declaration::view_kind(&instruction.resource)
    }

    /// The operand with the indices that are known, if there are any. A slot that the program does not declare is declared.
    fn with_known_indices(
        &mut self,
        instruction: &Instruction,
        operand: &Operand,
    ) -> Result<Option<Operand>, Error> {
        let mut changed = false;
        let mut operand = *operand;
        if has_computed_slot(instruction.opcode, &operand)
            && let Some(slot) = operand.indices().first().and_then(|index| self.value(index))
        {
            let limit = match operand.file {
                RegisterFile::ConstantBuffer => limits::CONSTANT_BUFFERS,
                RegisterFile::Sampler => limits::SAMPLERS,
                RegisterFile::Input => limits::IO_REGISTERS,
                _ => limits::SHADER_RESOURCES,
            };
            if slot >= limit {
                return Err(self.invalid("a class instance names a slot that does not exist"));
            }
            operand = operand.with_index(0, Index { base: slot, relative: None });
            self.declare(instruction, &operand, slot)?;
            changed = true;
        }
        if operand.file == RegisterFile::ConstantBuffer
            && let [slot, element] = operand.indices()
            && slot.relative.is_none()
        {
            let (slot, element) = (slot.base, *element);
            let value = self.value(&element).filter(|_| element.relative.is_some());
            let value = value.filter(|value| *value < limits::CONSTANT_BUFFER_ELEMENTS);
            let dynamic = value.is_none() && element.relative.is_some();
            if let Some(value) = value {
                operand = operand.with_index(1, Index { base: value, relative: None });
                changed = true;
            }
            let element = value.unwrap_or(element.base);
            for declaration in &mut self.program.declarations {
                if let Declaration::ConstantBuffer { slot: declared, elements, dynamic: any } = declaration
                    && *declared == slot
                {
                    // The declared size is that of the variables that the program names itself.
                    *any |= dynamic || changed && element >= *elements;
                }
            }
        }
        Ok(changed.then_some(operand))
    }

    /// Declares `slot`, unless it is.
    fn declare(&mut self, instruction: &Instruction, operand: &Operand, slot: u32) -> Result<(), Error> {
        let declared = self.program.declarations.iter().any(|declaration| match declaration {
            Declaration::ConstantBuffer { slot: other, .. } => {
                operand.file == RegisterFile::ConstantBuffer && *other == slot
            }
            Declaration::Resource { slot: other, .. } => {
                operand.file == RegisterFile::Resource && *other == slot
            }
            Declaration::Sampler { slot: other, .. } => {
                operand.file == RegisterFile::Sampler && *other == slot
            }
            _ => false,
        });
        // An input that is not declared is an error of the instruction.
        if declared || operand.file == RegisterFile::Input {
            return Ok(());
        }
        let declaration = match operand.file {
            RegisterFile::ConstantBuffer => Declaration::ConstantBuffer { slot, elements: 0, dynamic: true },
            RegisterFile::Sampler => Declaration::Sampler { slot, comparison: compares(instruction.opcode) },
            _ => {
                let kind = self.hinted_kind(instruction);
                let kind = kind.ok_or_else(|| self.invalid("the kind of resource is not known"))?;
                Declaration::Resource { slot, kind }
            }
        };
        self.program.declarations.push(declaration);
        Ok(())
    }
}

/// Whether two views are read by the same code.
fn same_kind(a: ViewKind, b: ViewKind) -> bool {
    match (a, b) {
        // The instruction's return type and the declaration's may be normalised or not: both read floats.
        (
            ViewKind::Typed { dimension: a, return_type: x },
            ViewKind::Typed { dimension: b, return_type: y },
        ) => a == b && x.is_integer() == y.is_integer(),
        _ => a == b,
    }
}

/// Function bodies that no instance leads to are left out, with what they read.
fn drop_uncalled_bodies(program: &mut Program) {
    let label_of = |program: &Program, instruction: &Instruction| {
        program.operands(instruction).last().and_then(Operand::register)
    };
    // The functions in order: the label, and the labels that it calls. The first is the main program.
    let mut functions: Vec<(Option<u32>, Vec<u32>)> = vec![(None, Vec::new())];
    for instruction in &program.instructions {
        let label = label_of(program, instruction);
        match (instruction.opcode, functions.last_mut()) {
            (Opcode::Label, _) => functions.push((label, Vec::new())),
            (Opcode::Call | Opcode::Callc, Some((_, calls))) => calls.extend(label),
            _ => {}
        }
    }
    let is_body = |label: &Option<u32>| label.is_some_and(|label| label & BODY != 0);
    let mut called: BTreeSet<u32> = BTreeSet::new();
    let mut open: Vec<u32> = Vec::new();
    for (label, calls) in &functions {
        if !is_body(label) {
            open.extend(calls);
        }
    }
    let by_label: BTreeMap<u32, &Vec<u32>> =
        functions.iter().filter_map(|(label, calls)| Some(((*label)?, calls))).collect();
    while let Some(label) = open.pop() {
        if called.insert(label)
            && let Some(calls) = by_label.get(&label)
        {
            open.extend(*calls);
        }
    }
    let mut keep = true;
    let instructions = std::mem::take(&mut program.instructions);
    let kept = instructions.into_iter().filter(|instruction| {
        if instruction.opcode == Opcode::Label {
            let label = label_of(program, instruction);
            keep = !is_body(&label) || label.is_some_and(|label| called.contains(&label));
        }
        keep
    });
    let kept: Vec<Instruction> = kept.collect();
    program.instructions = kept;
}
