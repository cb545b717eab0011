//! One thread: its registers, and what each instruction does to them.

use pvgpu_dxbc::token::opcode::Opcode;
use pvgpu_dxbc::token::operand::{Components, Operand, RegisterFile};
use pvgpu_dxbc::token::program::Instruction;

use super::control::Step;
use super::memory::Reach;
use super::value::{Range, Value};
use super::{Machine, Stop, double, float, integer};

/// The masks of the two doubles of a register.
const PAIRS: [(u8, usize); 2] = [(0b0011, 0), (0b1100, 2)];

/// How an instruction takes its sources, which decides what the modifiers do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    Float,
    Integer,
    Bits,
}

/// What a thread did.
pub enum Event {
    /// It went on to the next instruction.
    Next,
    /// It waits for its group.
    Barrier,
    /// It has ended.
    End,
}

/// A destination with its index computed.
struct Destination {
    file: RegisterFile,
    register: u32,
    element: u32,
    mask: u8,
}

/// The state of one thread.
pub struct Thread {
    /// The place of the next instruction.
    pub place: usize,
    /// Whether it has ended.
    pub ended: bool,
    returns: Vec<usize>,
    temps: Vec<[Value; 4]>,
    indexable: std::collections::BTreeMap<u32, Vec<[Value; 4]>>,
    group: [u32; 3],
    in_group: [u32; 3],
    size: [u32; 3],
}

impl Thread {
    /// A thread at the start of the program. Its registers hold anything.
    pub fn new(machine: &Machine<'_>, group: [u32; 3], in_group: [u32; 3]) -> Self {
        let register = [Value::Any; 4];
        Self {
            place: 0,
            ended: false,
            returns: Vec::new(),
            temps: vec![register; machine.temps as usize],
            indexable: machine
                .indexable
                .iter()
                .map(|(number, elements)| (*number, vec![register; *elements as usize]))
                .collect(),
            group,
            in_group,
            size: machine.group_size,
        }
    }

    /// Runs one instruction.
    pub fn step(&mut self, machine: &Machine<'_>, reach: &mut Reach<'_>) -> Result<Event, Stop> {
        let step = machine.code.steps.get(self.place).ok_or(Stop::Malformed("there is no ret at the end"))?;
        let here = self.place;
        self.place += 1;
        let instruction = &step.instruction;
        match instruction.opcode {
            Opcode::Nop
            | Opcode::EndIf
            | Opcode::Loop
            | Opcode::EndSwitch
            | Opcode::Case
            | Opcode::Default => {}
            Opcode::If => {
                if !self.condition(machine, reach, step)? {
                    self.place = step.target;
                }
            }
            Opcode::Else | Opcode::EndLoop | Opcode::Break | Opcode::Continue => self.place = step.target,
            Opcode::Breakc | Opcode::Continuec => {
                if self.condition(machine, reach, step)? {
                    self.place = step.target;
                }
            }
            Opcode::Switch => {
                let value = self.bits(machine, reach, &step.operands[0], 0)?;
                self.place = machine.code.case(here, value);
            }
            Opcode::Call => self.call(step),
            Opcode::Callc => {
                if self.condition(machine, reach, step)? {
                    self.call(step);
                }
            }
            Opcode::Label => return Err(Stop::Malformed("there is no ret before a label")),
            Opcode::Ret => return Ok(self.leave()),
            Opcode::Retc => {
                if self.condition(machine, reach, step)? {
                    return Ok(self.leave());
                }
            }
            Opcode::Sync => {
                if instruction.sync_flags().threads_in_group {
                    return Ok(Event::Barrier);
                }
            }
            _ => self.compute(machine, reach, instruction, &step.operands)?,
        }
        Ok(Event::Next)
    }

    fn call(&mut self, step: &Step) {
        self.returns.push(self.place);
        // Behind the label.
        self.place = step.target + 1;
    }

    fn leave(&mut self) -> Event {
        match self.returns.pop() {
            Some(place) => {
                self.place = place;
                Event::Next
            }
            None => {
                self.ended = true;
                Event::End
            }
        }
    }

    fn condition(&self, machine: &Machine<'_>, reach: &mut Reach<'_>, step: &Step) -> Result<bool, Stop> {
        let value = self.read(machine, reach, &step.operands[0], 0, As::Bits)?;
        let value = value.exact().ok_or(Stop::Undetermined("a branch"))?;
        Ok((value != 0) == step.instruction.test_nonzero())
    }

    /// Component `n` (after the swizzle) of a source, as known bits.
    fn bits(
        &self,
        machine: &Machine<'_>,
        reach: &mut Reach<'_>,
        operand: &Operand,
        n: usize,
    ) -> Result<u32, Stop> {
        let value = self.read(machine, reach, operand, n, As::Integer)?;
        value.exact().ok_or(Stop::Undetermined("an address or selector"))
    }

    /// Component `n` (after the swizzle) of a source, with its modifiers.
    fn read(
        &self,
        machine: &Machine<'_>,
        reach: &mut Reach<'_>,
        operand: &Operand,
        n: usize,
        as_: As,
    ) -> Result<Value, Stop> {
        let value = self.component(machine, reach, operand, operand.swizzle(n))?;
        let modifier = operand.modifier;
        Ok(match as_ {
            As::Float => float::modified(value, modifier.absolute, modifier.negate),
            As::Integer if modifier.negate => match value {
                Value::Exact(bits) => Value::Exact(bits.wrapping_neg()),
                _ => Value::Any,
            },
            _ => value,
        })
    }

    fn index(
        &self,
        machine: &Machine<'_>,
        reach: &mut Reach<'_>,
        operand: &Operand,
        dimension: usize,
    ) -> Result<u32, Stop> {
        let index = operand.indices().get(dimension).ok_or(Stop::Malformed("an index is missing"))?;
        let Some(relative) = index.relative.and_then(|id| machine.program.operand(id)) else {
            return Ok(index.base);
        };
        Ok(index.base.wrapping_add(self.bits(machine, reach, relative, 0)?))
    }

    /// Component `c` of the register that a source names.
    fn component(
        &self,
        machine: &Machine<'_>,
        reach: &mut Reach<'_>,
        operand: &Operand,
        c: usize,
    ) -> Result<Value, Stop> {
        let vector = |values: [u32; 3]| values.get(c).map_or(Value::Any, |value| Value::Exact(*value));
        let constant = |dwords: &[u32], element: u32| {
            let dword = (element as usize).checked_mul(4).and_then(|first| dwords.get(first + c));
            Value::Exact(dword.copied().unwrap_or(0))
        };
        Ok(match operand.file {
            RegisterFile::Immediate32 | RegisterFile::Immediate64 => Value::Exact(operand.immediate[c]),
            RegisterFile::Temp => {
                let register = self.index(machine, reach, operand, 0)?;
                self.temps.get(register as usize).ok_or(Stop::Malformed("a register is not declared"))?[c]
            }
            RegisterFile::IndexableTemp => {
                let register = self.index(machine, reach, operand, 0)?;
                let element = self.index(machine, reach, operand, 1)?;
                let array = self.indexable.get(&register).ok_or(Stop::Malformed("x# is not declared"))?;
                array.get(element as usize).map_or(Value::Any, |register| register[c])
            }
            RegisterFile::ImmediateConstantBuffer => {
                constant(&machine.immediate_constants, self.index(machine, reach, operand, 0)?)
            }
            RegisterFile::ConstantBuffer => {
                let slot = self.index(machine, reach, operand, 0)?;
                let element = self.index(machine, reach, operand, 1)?;
                let buffer = reach.memory.constant_buffers.get(&slot);
                constant(buffer.ok_or(Stop::Malformed("a constant buffer is not bound"))?, element)
            }
            RegisterFile::InputThreadId => vector(
                [0, 1, 2].map(|n| self.group[n].wrapping_mul(self.size[n]).wrapping_add(self.in_group[n])),
            ),
            RegisterFile::InputThreadGroupId => vector(self.group),
            RegisterFile::InputThreadIdInGroup => vector(self.in_group),
            RegisterFile::InputThreadIdInGroupFlattened => {
                let [x, y, z] = self.in_group;
                Value::Exact(x + self.size[0] * (y + self.size[1] * z))
            }
            _ => return Err(Stop::Unsupported(format!("a source {}", operand.file.prefix()))),
        })
    }

    fn destination(
        &self,
        machine: &Machine<'_>,
        reach: &mut Reach<'_>,
        operand: &Operand,
    ) -> Result<Destination, Stop> {
        let mut destination =
            Destination { file: operand.file, register: 0, element: 0, mask: operand.mask() };
        match operand.file {
            RegisterFile::Null => destination.mask = 0,
            RegisterFile::Temp => destination.register = self.index(machine, reach, operand, 0)?,
            RegisterFile::IndexableTemp => {
                destination.register = self.index(machine, reach, operand, 0)?;
                destination.element = self.index(machine, reach, operand, 1)?;
            }
            _ => return Err(Stop::Unsupported(format!("a destination {}", operand.file.prefix()))),
        }
        Ok(destination)
    }

    /// Writes the components of the mask; `values` by component. Writes past an x# are dropped.
    fn write(&mut self, destination: &Destination, values: [Value; 4]) -> Result<(), Stop> {
        if destination.mask == 0 {
            return Ok(());
        }
        let register = if destination.file == RegisterFile::Temp {
            self.temps.get_mut(destination.register as usize)
        } else {
            let array = self.indexable.get_mut(&destination.register);
            let array = array.ok_or(Stop::Malformed("x# is not declared"))?;
            match array.get_mut(destination.element as usize) {
                Some(register) => Some(register),
                None => return Ok(()),
            }
        };
        let register = register.ok_or(Stop::Malformed("a register is not declared"))?;
        for (c, value) in values.into_iter().enumerate() {
            if destination.mask >> c & 1 != 0 {
                register[c] = value;
            }
        }
        Ok(())
    }

    /// Anything but control flow.
    fn compute(
        &mut self,
        machine: &Machine<'_>,
        reach: &mut Reach<'_>,
        instruction: &Instruction,
        operands: &[Operand],
    ) -> Result<(), Stop> {
        let opcode = instruction.opcode;
        let saturate = instruction.saturate();
        let finish = |range: Range| if saturate { float::saturated(range) } else { range }.value();
        // What `_sat` does to a value that was only moved.
        let moved = |value: Value| if saturate { float::saturated(value.range()).value() } else { value };
        let read = |operand: &Operand, n: usize, as_: As, reach: &mut Reach<'_>| {
            self.read(machine, reach, operand, n, as_)
        };
        let first = operands.first().ok_or(Stop::Malformed("operands are missing"))?;
        let mut values = [Value::Any; 4];
        match (opcode, operands) {
            (Opcode::Mov, [_, source]) => {
                let to = self.destination(machine, reach, first)?;
                for c in components(to.mask) {
                    values[c] = moved(read(source, c, As::Float, reach)?);
                }
                self.write(&to, values)
            }
            (Opcode::Movc, [_, condition, a, b]) => {
                let to = self.destination(machine, reach, first)?;
                for c in components(to.mask) {
                    let condition = read(condition, c, As::Bits, reach)?;
                    let (a, b) = (read(a, c, As::Float, reach)?, read(b, c, As::Float, reach)?);
                    values[c] = moved(choose(condition, a, b));
                }
                self.write(&to, values)
            }
            (Opcode::Swapc, [_, second, condition, a, b]) => {
                let to =
                    [self.destination(machine, reach, first)?, self.destination(machine, reach, second)?];
                let mut results = [values; 2];
                for c in components(to[0].mask | to[1].mask) {
                    let condition = read(condition, c, As::Bits, reach)?;
                    let (a, b) = (read(a, c, As::Float, reach)?, read(b, c, As::Float, reach)?);
                    results[0][c] = choose(condition, b, a);
                    results[1][c] = choose(condition, a, b);
                }
                self.write(&to[0], results[0])?;
                self.write(&to[1], results[1])
            }
            (Opcode::Dp2 | Opcode::Dp3 | Opcode::Dp4, [_, a, b]) => {
                let to = self.destination(machine, reach, first)?;
                let count = match opcode {
                    Opcode::Dp2 => 2,
                    Opcode::Dp3 => 3,
                    _ => 4,
                };
                let (mut left, mut right) = (Vec::new(), Vec::new());
                for c in 0..count {
                    left.push(read(a, c, As::Float, reach)?);
                    right.push(read(b, c, As::Float, reach)?);
                }
                self.write(&to, [finish(float::dot(&left, &right)); 4])
            }
            (Opcode::Sincos, [_, second, source]) => {
                let to =
                    [self.destination(machine, reach, first)?, self.destination(machine, reach, second)?];
                let mut results = [values; 2];
                for c in components(to[0].mask | to[1].mask) {
                    let [sine, cosine] = float::sine_and_cosine(read(source, c, As::Float, reach)?);
                    (results[0][c], results[1][c]) = (finish(sine), finish(cosine));
                }
                self.write(&to[0], results[0])?;
                self.write(&to[1], results[1])
            }
            (Opcode::Eq | Opcode::Ne | Opcode::Lt | Opcode::Ge, [_, a, b]) => {
                let to = self.destination(machine, reach, first)?;
                for c in components(to.mask) {
                    let (a, b) = (read(a, c, As::Float, reach)?, read(b, c, As::Float, reach)?);
                    values[c] = float::compare(opcode, a, b);
                }
                self.write(&to, values)
            }
            (Opcode::Ftoi | Opcode::Ftou | Opcode::F32tof16, [_, source]) => {
                let to = self.destination(machine, reach, first)?;
                for c in components(to.mask) {
                    let value = read(source, c, As::Float, reach)?;
                    values[c] = if opcode == Opcode::F32tof16 {
                        float::to_half(value)
                    } else {
                        float::to_integer(opcode, value)
                    };
                }
                self.write(&to, values)
            }
            (Opcode::F16tof32, [_, source]) => {
                let to = self.destination(machine, reach, first)?;
                for c in components(to.mask) {
                    values[c] = moved(float::from_half(read(source, c, As::Bits, reach)?));
                }
                self.write(&to, values)
            }
            (
                Opcode::Imul | Opcode::Umul | Opcode::Udiv | Opcode::Uaddc | Opcode::Usubb,
                [_, second, a, b],
            ) => {
                let to =
                    [self.destination(machine, reach, first)?, self.destination(machine, reach, second)?];
                let mut results = [values; 2];
                for c in components(to[0].mask | to[1].mask) {
                    let (a, b) = (read(a, c, As::Integer, reach)?, read(b, c, As::Integer, reach)?);
                    if let (Value::Exact(a), Value::Exact(b)) = (a, b) {
                        let pair = integer::compute_two(opcode, a, b).ok_or(Stop::Malformed("not a pair"))?;
                        (results[0][c], results[1][c]) = (Value::Exact(pair[0]), Value::Exact(pair[1]));
                    }
                }
                self.write(&to[0], results[0])?;
                self.write(&to[1], results[1])
            }
            (_, [_, sources @ ..]) if float::is_componentwise(opcode) => {
                let to = self.destination(machine, reach, first)?;
                for c in components(to.mask) {
                    let mut taken = [Value::Any; 3];
                    for (value, source) in taken.iter_mut().zip(sources) {
                        *value = read(source, c, As::Float, reach)?;
                    }
                    values[c] = finish(float::compute(opcode, &taken[..sources.len()]));
                }
                self.write(&to, values)
            }
            (_, [_, sources @ ..]) if integer::compute(opcode, &[0; 4][..sources.len().min(4)]).is_some() => {
                let to = self.destination(machine, reach, first)?;
                for c in components(to.mask) {
                    let mut taken = [0; 4];
                    let mut known = true;
                    for (value, source) in taken.iter_mut().zip(sources) {
                        match read(source, c, As::Integer, reach)?.exact() {
                            Some(bits) => *value = bits,
                            None => known = false,
                        }
                    }
                    if known && let Some(result) = integer::compute(opcode, &taken[..sources.len()]) {
                        values[c] = Value::Exact(result);
                    }
                }
                if matches!(opcode, Opcode::Itof | Opcode::Utof) {
                    values = values.map(moved);
                }
                self.write(&to, values)
            }
            _ if is_double(opcode) => self.double(machine, reach, instruction, operands),
            _ => self.memory(machine, reach, opcode, operands),
        }
    }

    /// Double `pair` of a source.
    fn read_double(
        &self,
        machine: &Machine<'_>,
        reach: &mut Reach<'_>,
        operand: &Operand,
        pair: usize,
    ) -> Result<[Value; 2], Stop> {
        // An immediate of one component is one double.
        let scalar = operand.file == RegisterFile::Immediate64 && operand.components == Components::One;
        let [low, high] = if scalar { [0, 1] } else { [operand.swizzle(pair), operand.swizzle(pair + 1)] };
        let low = self.component(machine, reach, operand, low)?;
        let high = self.component(machine, reach, operand, high)?;
        let modifier = operand.modifier;
        if !modifier.absolute && !modifier.negate {
            return Ok([low, high]);
        }
        Ok(double::split(double::join(low, high).map(|double| {
            let double = if modifier.absolute { double.abs() } else { double };
            if modifier.negate { -double } else { double }
        })))
    }

    fn double(
        &mut self,
        machine: &Machine<'_>,
        reach: &mut Reach<'_>,
        instruction: &Instruction,
        operands: &[Operand],
    ) -> Result<(), Stop> {
        let opcode = instruction.opcode;
        let [first, sources @ ..] = operands else { return Err(Stop::Malformed("operands are missing")) };
        let to = self.destination(machine, reach, first)?;
        let mut values = [Value::Any; 4];
        let joined = |thread: &Self, reach: &mut Reach<'_>, source: &Operand, pair| {
            thread.read_double(machine, reach, source, pair).map(|[low, high]| double::join(low, high))
        };
        let saturate = |bits: [Value; 2]| {
            if instruction.saturate() {
                double::split(double::saturated(double::join(bits[0], bits[1])))
            } else {
                bits
            }
        };
        match opcode {
            Opcode::Deq
            | Opcode::Dne
            | Opcode::Dlt
            | Opcode::Dge
            | Opcode::Dtof
            | Opcode::Dtoi
            | Opcode::Dtou => {
                // The first component of the mask takes the first double, the second the second.
                for (n, c) in components(to.mask).enumerate().take(2) {
                    let a = joined(self, reach, &sources[0], 2 * n)?;
                    values[c] = match sources {
                        [_, b] => {
                            let b = joined(self, reach, b, 2 * n)?;
                            double::compare(opcode, a, b).map_or(Value::Any, Value::Exact)
                        }
                        _ => double::narrow(opcode, a),
                    };
                    if opcode == Opcode::Dtof && instruction.saturate() {
                        values[c] = float::saturated(values[c].range()).value();
                    }
                }
            }
            _ => {
                for (n, (mask, pair)) in PAIRS.into_iter().enumerate() {
                    if to.mask & mask == 0 {
                        continue;
                    }
                    let result = match (opcode, sources) {
                        (Opcode::Dmov, [source]) => self.read_double(machine, reach, source, pair)?,
                        (Opcode::Dmovc, [condition, a, b]) => {
                            let condition = self.read(machine, reach, condition, n, As::Bits)?;
                            let a = self.read_double(machine, reach, a, pair)?;
                            let b = self.read_double(machine, reach, b, pair)?;
                            [choose(condition, a[0], b[0]), choose(condition, a[1], b[1])]
                        }
                        (Opcode::Ftod | Opcode::Itod | Opcode::Utod, [source]) => {
                            let as_ = if opcode == Opcode::Ftod { As::Float } else { As::Integer };
                            double::split(double::widen(opcode, self.read(machine, reach, source, n, as_)?))
                        }
                        _ => {
                            let mut taken = Vec::new();
                            for source in sources {
                                taken.push(joined(self, reach, source, pair)?);
                            }
                            double::split(double::compute(opcode, &taken))
                        }
                    };
                    [values[pair], values[pair + 1]] = saturate(result);
                }
            }
        }
        self.write(&to, values)
    }

    /// The address of a view's element: one component, or two for a structured view.
    fn address(
        &self,
        machine: &Machine<'_>,
        reach: &mut Reach<'_>,
        target: &Operand,
        address: &Operand,
    ) -> Result<[u32; 2], Stop> {
        let first = self.bits(machine, reach, address, 0)?;
        let structured = machine.layouts.is_structured(target)?;
        Ok([first, if structured { self.bits(machine, reach, address, 1)? } else { 0 }])
    }

    fn memory(
        &mut self,
        machine: &Machine<'_>,
        reach: &mut Reach<'_>,
        opcode: Opcode,
        operands: &[Operand],
    ) -> Result<(), Stop> {
        let layouts = &machine.layouts;
        let mut values = [Value::Any; 4];
        match (opcode, operands) {
            (Opcode::LdRaw | Opcode::LdStructured, [to, address @ .., source]) => {
                let to = self.destination(machine, reach, to)?;
                let mut dwords = Vec::new();
                for operand in address {
                    dwords.push(self.bits(machine, reach, operand, 0)?);
                }
                let place = layouts.place(source, &dwords)?;
                for c in components(to.mask) {
                    values[c] = reach.load(place, source.swizzle(c))?;
                }
                self.write(&to, values)
            }
            (Opcode::StoreRaw | Opcode::StoreStructured, [target, address @ .., source]) => {
                let mut dwords = Vec::new();
                for operand in address {
                    dwords.push(self.bits(machine, reach, operand, 0)?);
                }
                let place = layouts.place(target, &dwords)?;
                for c in components(target.mask()) {
                    let value = self.read(machine, reach, source, c, As::Bits)?;
                    reach.store(place, c, value)?;
                }
                Ok(())
            }
            (Opcode::Ld | Opcode::LdUavTyped, [to, address, source]) => {
                let to = self.destination(machine, reach, to)?;
                let place = layouts.place(source, &[self.bits(machine, reach, address, 0)?])?;
                let one = layouts.one(source)?;
                let texel = [reach.load(place, 0)?, Value::Exact(0), Value::Exact(0), Value::Exact(one)];
                let element = self.bits(machine, reach, address, 0)? as usize;
                let slot = source.register().unwrap_or(0);
                let inside = element < reach.dwords(source.file, slot)?.len();
                for c in components(to.mask) {
                    let component = source.swizzle(c);
                    // Out of range, the missing fourth component may be 0 or 1.
                    values[c] = if component == 3 && !inside { Value::Any } else { texel[component] };
                }
                self.write(&to, values)
            }
            (Opcode::StoreUavTyped, [target, address, source]) => {
                let place = layouts.place(target, &[self.bits(machine, reach, address, 0)?])?;
                let value = self.read(machine, reach, source, 0, As::Bits)?;
                reach.store(place, 0, value)
            }
            (Opcode::BufInfo, [to, source]) => {
                let to = self.destination(machine, reach, to)?;
                let dwords = reach.dwords(source.file, source.register().unwrap_or(0))?.len();
                self.write(&to, [Value::Exact(layouts.elements(source, dwords)?); 4])
            }
            (Opcode::ImmAtomicAlloc | Opcode::ImmAtomicConsume, [to, view]) => {
                let to = self.destination(machine, reach, to)?;
                let counter = reach.memory.counters.get_mut(&view.register().unwrap_or(0));
                let counter = counter.ok_or(Stop::Malformed("a counter is not bound"))?;
                let old = *counter;
                let step = if opcode == Opcode::ImmAtomicAlloc { 1 } else { u32::MAX };
                *counter = old.exact().map_or(Value::Any, |count| Value::Exact(count.wrapping_add(step)));
                let result = if opcode == Opcode::ImmAtomicAlloc { old } else { *counter };
                self.write(&to, [result; 4])
            }
            (_, [to, target, address, sources @ ..]) if returns(opcode) => {
                let to = self.destination(machine, reach, to)?;
                let old = self.atomic(machine, reach, opcode, target, address, sources)?;
                self.write(&to, [old; 4])
            }
            (_, [target, address, sources @ ..])
                if integer::atomic(opcode, 0, &[0; 2][..sources.len().min(2)]).is_some() =>
            {
                self.atomic(machine, reach, opcode, target, address, sources)?;
                Ok(())
            }
            _ => Err(Stop::Unsupported(opcode.name().into())),
        }
    }

    fn atomic(
        &self,
        machine: &Machine<'_>,
        reach: &mut Reach<'_>,
        opcode: Opcode,
        target: &Operand,
        address: &Operand,
        sources: &[Operand],
    ) -> Result<Value, Stop> {
        let address = self.address(machine, reach, target, address)?;
        let place = machine.layouts.place(target, &address)?;
        let mut values = Vec::new();
        for source in sources {
            values.push(self.read(machine, reach, source, 0, As::Bits)?);
        }
        reach.atomic(opcode, place, &values)
    }
}

fn components(mask: u8) -> impl Iterator<Item = usize> {
    (0..4).filter(move |c| mask >> c & 1 != 0)
}

/// `a` if any bit of `condition` is set, else `b`.
fn choose(condition: Value, a: Value, b: Value) -> Value {
    match condition {
        Value::Exact(0) => b,
        Value::Exact(_) => a,
        _ => a.or(b),
    }
}

fn returns(opcode: Opcode) -> bool {
    opcode.name().starts_with("imm_atomic")
}

fn is_double(opcode: Opcode) -> bool {
    (Opcode::Dadd as u32..=Opcode::Ftod as u32).contains(&(opcode as u32))
        || matches!(
            opcode,
            Opcode::Ddiv
                | Opcode::Dfma
                | Opcode::Drcp
                | Opcode::Dtoi
                | Opcode::Dtou
                | Opcode::Itod
                | Opcode::Utod
        )
}
