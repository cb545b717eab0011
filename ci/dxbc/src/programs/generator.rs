//! The generator: declarations, initial values, and the choice of statements.

use pvgpu_dxbc::token::opcode::Opcode;
use pvgpu_dxbc::token::operand::{Components, RegisterFile};
use pvgpu_dxbc::{ResourceDimension, ReturnType, ShaderStage};

use super::Case;
use crate::assembler::{
    Assembly, Instruction, Operand, constant, immediate, immediate_constant, indexable, label, relative,
    scalar, special, temp, uav,
};
use crate::interpreter::{Memory, Value};
use crate::random::Random;

/// Registers of integers: from r0.
pub const INTEGERS: usize = 4;
/// The first register of exact floats; there are two.
pub const FLOATS: u32 = 4;
/// The register of floats with a tolerance.
pub const INEXACT: u32 = 6;
/// The register of doubles.
pub const DOUBLES: u32 = 7;
/// Addresses and conditions.
pub const SCRATCH: u32 = 8;
/// Loop counters of the main program's body; those of other subroutines follow.
pub const COUNTERS: u32 = 9;
/// The thread's number in x, and its number in its group in y.
pub const THREAD: u32 = 11;
/// Elements of x0.
pub const ELEMENTS: u32 = 4;
/// Elements bound to cb0, and of the immediate constant buffer.
pub const CONSTANTS: u32 = 6;
/// Dwords of t0, t1 and t2.
pub const RESOURCE_DWORDS: u32 = 96;
/// Bytes of u1 that a thread owns.
pub const OWN_BYTES: u32 = 32;

/// What a program has, apart from integers and floats.
#[derive(Debug, Clone, Copy, Default)]
pub struct Features {
    /// x0.
    pub indexable: bool,
    /// The immediate constant buffer.
    pub immediate_constants: bool,
    /// cb0, with computed indices.
    pub constants: bool,
    /// t0 raw, t1 structured, t2 typed.
    pub resources: bool,
    /// u1 raw, u2 structured, u3 typed; each thread has its own part.
    pub own_views: bool,
    /// u4, which all threads change atomically, and u5 with a counter.
    pub atomics: bool,
    /// g0 raw and g1 structured.
    pub shared: bool,
    /// Doubles.
    pub doubles: bool,
    /// Subroutines besides the body.
    pub subroutines: u32,
}

/// A program under construction.
pub struct Generator {
    /// Where choices come from.
    pub random: Random,
    /// The program.
    pub assembly: Assembly,
    /// What it has.
    pub features: Features,
    /// Threads of a group.
    pub threads: u32,
    /// Bytes of a structure in t1, u2 and g1.
    pub stride: u32,
    /// What t2 and u3 hold.
    pub return_type: ReturnType,
    /// Open loops.
    pub loops: u32,
    /// The subroutine at hand: 0 is the body.
    pub subroutine: u32,
    /// A thread may have returned from the subroutine at hand, so that barriers are no longer uniform.
    pub returned: bool,
    /// Statements that may still be made.
    pub budget: u32,
}

/// The program of this seed.
pub fn generate(seed: u64) -> Case {
    // Neighbouring seeds must differ in many bits; the constant is that of SplitMix64.
    let mut random = Random(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for _ in 0..8 {
        random.dword();
    }
    let mut chance = |percent: usize| random.below(100) < percent;
    let features = Features {
        indexable: chance(30),
        immediate_constants: chance(25),
        constants: chance(40),
        resources: chance(35),
        own_views: chance(30),
        atomics: chance(15),
        shared: chance(20),
        doubles: chance(15),
        subroutines: u32::from(chance(30)) + u32::from(chance(20)),
    };
    let size = [[4, 1, 1], [8, 1, 1], [2, 3, 1], [5, 1, 2]][random.below(4)];
    let return_type = [ReturnType::Uint, ReturnType::Sint, ReturnType::Float][random.below(3)];
    let stride = 4 * (1 + random.below(6) as u32);
    let budget = 8 + random.below(24) as u32;
    let mut generator = Generator {
        random,
        assembly: Assembly::new(ShaderStage::Compute),
        features,
        threads: size.iter().product(),
        stride,
        return_type,
        loops: 0,
        subroutine: 0,
        returned: false,
        budget,
    };
    let groups = 1 + generator.random.below(2) as u32;
    let memory = generator.declare(size, groups);
    generator.initialise();
    generator.op(Opcode::Call, [label(0)]);
    let end = generator.assembly.instructions.len();
    generator.op(Opcode::Ret, []);
    for subroutine in 0..=features.subroutines {
        generator.subroutine = subroutine;
        generator.returned = false;
        generator.op(Opcode::Label, [label(subroutine)]);
        let budget = if subroutine == 0 { generator.budget } else { 3 };
        generator.budget = budget;
        while generator.budget > 0 {
            generator.statement(0);
        }
        generator.op(Opcode::Ret, []);
    }
    generator.finish(end);
    Case { assembly: generator.assembly, memory, groups }
}

/// Integers at the edges.
const EDGES: [u32; 12] = [0, 1, 2, 3, 31, 32, 33, 0xff, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, u32::MAX];

/// Ordinary floats, the last four of them not so ordinary. -1 is not among them: on llvmpipe (Mesa 22.3.6) a choice between
/// a constant 0 and a constant -1 was seen to give -0 where 0 was chosen, even if the program only moves bits.
const FLOAT_VALUES: [f32; 20] = [
    0.0,
    1.0,
    -1.25,
    0.5,
    2.0,
    -2.5,
    3.0,
    0.25,
    -0.75,
    7.5,
    100.0,
    -33.0,
    1.5,
    255.0,
    0.1,
    -6.0,
    1e20,
    -0.0,
    f32::INFINITY,
    f32::NAN,
];

impl Generator {
    /// Whether something of this chance happens.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.random.below(100) < percent
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.random.below(choices.len())]
    }

    /// Appends an instruction.
    pub fn op(&mut self, opcode: Opcode, operands: impl IntoIterator<Item = Operand>) {
        self.assembly.op(opcode, operands);
    }

    /// An integer, often at an edge.
    pub fn integer(&mut self) -> u32 {
        match self.random.below(4) {
            0 => self.random.dword(),
            1 => self.random.below(64) as u32,
            _ => self.pick(&EDGES),
        }
    }

    /// An ordinary float, or a special one now and then.
    pub fn float(&mut self) -> u32 {
        if self.chance(20) {
            return ((self.random.below(2000) as f32 - 1000.0) / 8.0).to_bits();
        }
        let special = self.chance(12);
        self.pick(if special { &FLOAT_VALUES } else { &FLOAT_VALUES[..16] }).to_bits()
    }

    fn declare(&mut self, size: [u32; 3], groups: u32) -> Memory {
        let features = self.features;
        let all = self.threads * groups;
        let mut memory = Memory::default();
        let rows = 8 + if features.indexable { ELEMENTS } else { 0 };
        self.assembly.thread_group(size);
        self.assembly.uav_structured(0, 16 * rows, false);
        memory.views.insert(0, vec![Value::Exact(0xdead_beef); (4 * rows * all) as usize]);
        for file in [
            RegisterFile::InputThreadId,
            RegisterFile::InputThreadGroupId,
            RegisterFile::InputThreadIdInGroup,
        ] {
            self.assembly.input(special(file).mask("xyz"));
        }
        let flattened = special(RegisterFile::InputThreadIdInGroupFlattened);
        self.assembly.input(flattened.with_components(Components::One));
        self.assembly.temps(THREAD + 1);
        if features.indexable {
            self.assembly.indexable_temp(0, ELEMENTS);
        }
        if features.immediate_constants {
            let elements: Vec<[u32; 4]> = (0..CONSTANTS).map(|_| [(); 4].map(|()| self.integer())).collect();
            self.assembly.immediate_constant_buffer(&elements);
        }
        if features.constants {
            self.assembly.constant_buffer(0, CONSTANTS, true);
            let contents = (0..4 * CONSTANTS).map(|_| self.integer()).collect();
            memory.constant_buffers.insert(0, contents);
        }
        let dwords = |generator: &mut Self, count: u32| -> Vec<Value> {
            (0..count).map(|_| Value::Exact(generator.integer())).collect()
        };
        if features.resources {
            self.assembly.resource_raw(0).resource_structured(1, self.stride);
            self.assembly.resource_typed(2, ResourceDimension::Buffer, self.return_type);
            for slot in 0..3 {
                memory.resources.insert(slot, dwords(self, RESOURCE_DWORDS));
            }
        }
        if features.own_views {
            self.assembly.uav_raw(1).uav_structured(2, self.stride, false);
            self.assembly.uav_typed(3, ResourceDimension::Buffer, self.return_type);
            memory.views.insert(1, dwords(self, all * OWN_BYTES / 4));
            memory.views.insert(2, dwords(self, all * self.stride / 4));
            memory.views.insert(3, dwords(self, all));
        }
        if features.atomics {
            self.assembly.uav_raw(4).uav_structured(5, 4, true);
            memory.views.insert(4, dwords(self, 16));
            memory.views.insert(5, dwords(self, 4));
            let count = self.integer();
            memory.counters.insert(5, Value::Exact(count));
        }
        if features.shared {
            self.assembly.shared_raw(0, 16 * self.threads);
            self.assembly.shared_structured(1, self.stride, self.threads);
        }
        memory
    }

    /// Gives every register a value.
    fn initialise(&mut self) {
        let group = special(RegisterFile::InputThreadGroupId).select(0);
        let flattened = special(RegisterFile::InputThreadIdInGroupFlattened).with_components(Components::One);
        let threads = scalar(self.threads);
        self.op(Opcode::Imad, [temp(THREAD).mask("x"), group, threads, flattened.clone()]);
        self.op(Opcode::Mov, [temp(THREAD).mask("y"), flattened]);
        let id = special(RegisterFile::InputThreadId).swizzle("xyzx");
        let values = [(); 4].map(|()| self.integer());
        self.op(Opcode::Imad, [whole(temp(0)), id, immediate(values), temp(THREAD).swizzle("xyyx")]);
        for register in 1..INTEGERS as u32 {
            let values = [(); 4].map(|()| self.integer());
            self.op(Opcode::Xor, [whole(temp(register)), temp(0).swizzle("yzwx"), immediate(values)]);
        }
        self.op(Opcode::Itof, [whole(temp(FLOATS)), temp(THREAD).swizzle("xyxy")]);
        for register in [FLOATS + 1, INEXACT] {
            let values = [(); 4].map(|()| self.float());
            self.op(Opcode::Mov, [whole(temp(register)), immediate(values)]);
        }
        self.op(Opcode::Mov, [whole(temp(DOUBLES)), immediate([0; 4])]);
        if self.features.doubles {
            self.op(Opcode::Itod, [whole(temp(DOUBLES)), temp(0)]);
        }
        for element in 0..if self.features.indexable { ELEMENTS } else { 0 } {
            let source = temp(self.random.below(INTEGERS) as u32);
            self.op(Opcode::Mov, [whole(indexable(0, element)), source]);
        }
    }

    /// Inserts, at `end`, instructions that write what the thread computed: of each register the components up to the
    /// last that an instruction behind `end` may have written. The driver spends most of its time on stores.
    fn finish(&mut self, end: usize) {
        let mut masks = [0; 8];
        let mut array = 0;
        for operand in self.assembly.instructions[end..].iter().flat_map(|instruction| &instruction.operands)
        {
            let Components::Mask(mask) = operand.components else { continue };
            match (operand.file, operand.indices.first()) {
                (RegisterFile::Temp, Some(index)) => {
                    if let Some(written) = masks.get_mut(index.base as usize) {
                        *written |= mask;
                    }
                }
                (RegisterFile::IndexableTemp, _) => array |= mask,
                _ => {}
            }
        }
        let mut registers: Vec<(Operand, u8)> =
            masks.iter().enumerate().map(|(n, mask)| (temp(n as u32), *mask)).collect();
        if self.features.indexable {
            registers.extend((0..ELEMENTS).map(|element| (indexable(0, element), array)));
        }
        let mut stores = Vec::new();
        for (row, (register, mask)) in registers.into_iter().enumerate() {
            if mask == 0 {
                continue;
            }
            // The mask of a structured store has no gaps.
            let target = uav(0).mask_bits(u8::MAX >> mask.leading_zeros());
            let operands = [target, temp(THREAD).select(0), scalar(16 * row as u32), register];
            stores.push(Instruction::new(Opcode::StoreStructured).operands(operands));
        }
        self.assembly.instructions.splice(end..end, stores);
    }

    /// Puts a number below `limit`, a power of two, into one component of the scratch register and returns it.
    pub fn small_index(&mut self, limit: u32) -> Operand {
        let component = self.random.below(4) as u8;
        let source = temp(self.random.below(INTEGERS) as u32).select(self.random.below(4) as u8);
        self.op(Opcode::And, [temp(SCRATCH).mask_bits(1 << component), source, scalar(limit - 1)]);
        temp(SCRATCH).select(component)
    }

    /// A random swizzle.
    pub fn swizzle(&mut self, operand: Operand) -> Operand {
        if self.chance(30) { operand } else { operand.swizzled([(); 4].map(|()| self.random.below(4) as u8)) }
    }

    /// A source of integers. May append an instruction that computes an index.
    pub fn integer_source(&mut self) -> Operand {
        let features = self.features;
        let operand = match self.random.below(20) {
            0..4 => return immediate([(); 4].map(|()| self.integer())),
            4 => return scalar(self.integer()),
            5 | 6 if features.constants => self.constant_source(),
            7 if features.immediate_constants => {
                let index = self.small_index(8);
                // Up to 7 + 3: past the last element too, which reads as zero.
                let base = self.random.below(4) as u32;
                immediate_constant(relative(base, index))
            }
            8 if features.immediate_constants => {
                immediate_constant(self.random.below(CONSTANTS as usize) as u32)
            }
            9 if features.indexable => {
                let index = self.small_index(ELEMENTS);
                indexable(0, relative(0, index))
            }
            10 if features.indexable => indexable(0, self.random.below(ELEMENTS as usize) as u32),
            11 => {
                let components = [(); 4].map(|()| self.random.below(3) as u8);
                return special(RegisterFile::InputThreadId).swizzled(components);
            }
            12 if self.chance(30) => temp(FLOATS + self.random.below(2) as u32),
            _ => temp(self.random.below(INTEGERS) as u32),
        };
        self.swizzle(operand)
    }

    fn constant_source(&mut self) -> Operand {
        if self.features.indexable && self.chance(20) {
            // Any number at all.
            let index = indexable(0, self.random.below(ELEMENTS as usize) as u32);
            let index = index.select(self.random.below(4) as u8);
            return constant(0, relative(self.random.below(3) as u32, index));
        }
        if self.chance(50) {
            return constant(0, self.random.below(CONSTANTS as usize) as u32);
        }
        // Past the end too.
        let index = self.small_index(8);
        constant(0, relative(self.random.below(2) as u32, index))
    }

    /// A source of floats, exact ones unless `inexact`.
    pub fn float_source(&mut self, inexact: bool) -> Operand {
        let operand = match self.random.below(10) {
            0..3 => return immediate([(); 4].map(|()| self.float())),
            3 if self.chance(20) => temp(self.random.below(INTEGERS) as u32),
            4 | 5 if inexact => temp(INEXACT),
            _ => temp(FLOATS + self.random.below(2) as u32),
        };
        let mut operand = self.swizzle(operand);
        operand.modifier.negate = self.chance(20);
        operand.modifier.absolute = self.chance(12);
        operand
    }

    /// A destination among the integers; x0 too.
    pub fn integer_destination(&mut self) -> Operand {
        let mask = 1 + self.random.below(15) as u8;
        if self.features.indexable && self.chance(15) {
            if self.chance(50) {
                return indexable(0, self.random.below(ELEMENTS as usize) as u32).mask_bits(mask);
            }
            let index = self.small_index(ELEMENTS);
            return indexable(0, relative(0, index)).mask_bits(mask);
        }
        temp(self.random.below(INTEGERS) as u32).mask_bits(mask)
    }

    /// A destination among the exact floats.
    pub fn float_destination(&mut self) -> Operand {
        let mask = 1 + self.random.below(15) as u8;
        temp(FLOATS + self.random.below(2) as u32).mask_bits(mask)
    }

    /// The destination of the floats with a tolerance.
    pub fn inexact_destination(&mut self) -> Operand {
        temp(INEXACT).mask_bits(1 + self.random.below(15) as u8)
    }

    /// A condition that is known: one component of an integer register.
    pub fn condition(&mut self) -> Operand {
        temp(self.random.below(INTEGERS) as u32).select(self.random.below(4) as u8)
    }

    /// A conditional instruction on a random condition.
    pub fn conditional(&mut self, opcode: Opcode) -> Instruction {
        // Random dwords are seldom zero: test one bit, mostly.
        let condition = if self.chance(70) {
            let component = self.random.below(4) as u8;
            let source = self.condition();
            let bit = scalar(1 << self.random.below(4));
            self.op(Opcode::And, [temp(SCRATCH).mask_bits(1 << component), source, bit]);
            temp(SCRATCH).select(component)
        } else {
            self.condition()
        };
        let instruction = Instruction::new(opcode).operands([condition]);
        if self.chance(50) { instruction.nonzero() } else { instruction }
    }
}

/// As a destination that writes all components.
fn whole(operand: Operand) -> Operand {
    operand.mask_bits(0xf)
}
