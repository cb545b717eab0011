//! Statements that reach memory: loads, stores, atomics, counters, exchanges through shared memory.

use pvgpu_dxbc::ReturnType;
use pvgpu_dxbc::token::opcode::Opcode;

use super::generator::{Generator, INTEGERS, OWN_BYTES, SCRATCH, THREAD};
use crate::assembler::{Instruction, Operand, resource, scalar, shared, temp, uav};

/// Atomics whose results do not depend on the order of threads, as long as one place sees only one of them.
const COMMUTATIVE: [Opcode; 8] = [
    Opcode::AtomicIadd,
    Opcode::AtomicAnd,
    Opcode::AtomicOr,
    Opcode::AtomicXor,
    Opcode::AtomicImax,
    Opcode::AtomicImin,
    Opcode::AtomicUmax,
    Opcode::AtomicUmin,
];

/// Atomics on a place of the thread's own.
const OWN: [(Opcode, usize); 11] = [
    (Opcode::ImmAtomicIadd, 1),
    (Opcode::ImmAtomicAnd, 1),
    (Opcode::ImmAtomicOr, 1),
    (Opcode::ImmAtomicXor, 1),
    (Opcode::ImmAtomicExch, 1),
    (Opcode::ImmAtomicImax, 1),
    (Opcode::ImmAtomicImin, 1),
    (Opcode::ImmAtomicUmax, 1),
    (Opcode::ImmAtomicUmin, 1),
    (Opcode::ImmAtomicCmpExch, 2),
    (Opcode::AtomicCmpStore, 2),
];

/// `sync_g_t`: threads 1 and shared memory 2.
const SYNC_SHARED: u32 = 3;

impl Generator {
    fn scratch(&self, component: u8) -> (Operand, Operand) {
        (temp(SCRATCH).mask_bits(1 << component), temp(SCRATCH).select(component))
    }

    /// A multiple of four below `limit` bytes, a power of two, in x of the scratch register.
    fn small_offset(&mut self, limit: u32) -> Operand {
        let (to, from) = self.scratch(0);
        let source = self.condition();
        self.op(Opcode::And, [to, source, scalar(limit - 4)]);
        from
    }

    /// Makes the address in the scratch register one past everything, now and then.
    fn stray(&mut self, address: Operand, bits: u32) -> Operand {
        if self.chance(12) {
            let (to, from) = self.scratch(3);
            self.op(Opcode::Or, [to, address, scalar(bits)]);
            return from;
        }
        address
    }

    /// A random number of some registers, as a source of data.
    fn data(&mut self) -> Operand {
        let register = temp(self.random.below(INTEGERS) as u32);
        self.swizzle(register)
    }

    fn loaded(&mut self) -> Operand {
        temp(self.random.below(INTEGERS) as u32).mask_bits(1 + self.random.below(15) as u8)
    }

    pub(super) fn load_statement(&mut self) {
        let to = self.loaded();
        match self.random.below(4) {
            0 => {
                let address = self.small_offset(512);
                let address = self.stray(address, 0x8000_0000);
                let source = self.swizzle(resource(0));
                self.op(Opcode::LdRaw, [to, address, source]);
            }
            1 => {
                let index = self.small_index(32);
                let index = self.stray(index, 0x4000_0000);
                let offset = self.member();
                let source = self.members(resource(1), offset);
                self.op(Opcode::LdStructured, [to, index, scalar(offset), source]);
            }
            2 => {
                let index = self.small_index(128);
                let index = self.stray(index, 0x1000_0000);
                let source = self.swizzle(resource(2));
                self.op(Opcode::Ld, [to, index, source]);
            }
            _ => {
                let mut views = vec![resource(0), resource(1), resource(2)];
                if self.features.own_views {
                    views.extend([uav(1), uav(2), uav(3)]);
                }
                let view = views[self.random.below(views.len())].clone();
                self.op(Opcode::BufInfo, [to, view]);
            }
        }
    }

    /// The byte offset of a structure's member.
    fn member(&mut self) -> u32 {
        4 * self.random.below(self.stride as usize / 4) as u32
    }

    /// `view` with a swizzle that stays inside a structure from `offset` on.
    fn members(&mut self, view: Operand, offset: u32) -> Operand {
        let left = (self.stride - offset) as usize / 4;
        view.swizzled([(); 4].map(|()| self.random.below(left.min(4)) as u8))
    }

    /// The byte address of something that the thread owns in u1, in x of the scratch register.
    fn own_address(&mut self) -> Operand {
        let offset = self.small_offset(OWN_BYTES);
        let (to, from) = self.scratch(0);
        self.op(Opcode::Imad, [to, temp(THREAD).select(0), scalar(OWN_BYTES), offset]);
        from
    }

    pub(super) fn own_view_statement(&mut self) {
        let thread = temp(THREAD).select(0);
        match self.random.below(7) {
            0 => {
                let address = self.own_address();
                let address = self.stray(address, 0x4000_0000);
                let to = temp(self.random.below(INTEGERS) as u32).mask_bits(1 << self.random.below(4));
                self.op(Opcode::LdRaw, [to, address, uav(1).swizzle("xxxx")]);
            }
            1 => {
                let address = self.own_address();
                let address = self.stray(address, 0xc000_0000);
                let data = self.data();
                self.op(Opcode::StoreRaw, [uav(1).mask("x"), address, data]);
            }
            2 => {
                let offset = self.member();
                let index = self.stray(thread, 0x2000_0000);
                let to = self.loaded();
                let source = self.members(uav(2), offset);
                self.op(Opcode::LdStructured, [to, index, scalar(offset), source]);
            }
            3 => {
                let offset = self.member();
                let index = self.stray(thread, 0x8000_0000);
                // A mask without gaps that ends inside the structure.
                let left = ((self.stride - offset) / 4).min(4) as usize;
                let mask = (1u8 << (1 + self.random.below(left))) - 1;
                let data = self.data();
                self.op(Opcode::StoreStructured, [uav(2).mask_bits(mask), index, scalar(offset), data]);
            }
            4 => {
                let index = self.stray(thread, 0x1000_0000);
                let to = self.loaded();
                let source = self.swizzle(uav(3));
                self.op(Opcode::LdUavTyped, [to, index, source]);
            }
            5 => {
                let index = self.stray(thread, 0x1000_0000);
                let data = self.data();
                self.op(Opcode::StoreUavTyped, [uav(3).mask("xyzw"), index, data]);
            }
            _ => self.own_atomic(),
        }
    }

    /// An atomic on a place that no other thread reaches, so that what it returns is known.
    fn own_atomic(&mut self) {
        let (opcode, count) = self.pick(&OWN);
        let (view, address) = match self.random.below(3) {
            0 => (uav(1), self.own_address()),
            1 if self.return_type != ReturnType::Float => (uav(3), temp(THREAD).select(0)),
            _ => {
                let offset = self.member();
                let (to, _) = self.scratch(1);
                self.op(Opcode::Mov, [to, scalar(offset)]);
                let (to, _) = self.scratch(0);
                self.op(Opcode::Mov, [to, temp(THREAD).select(0)]);
                (uav(2), temp(SCRATCH).swizzle("xyxx"))
            }
        };
        let mut instruction = Instruction::new(opcode);
        if opcode != Opcode::AtomicCmpStore {
            let to = temp(self.random.below(INTEGERS) as u32).mask_bits(1 << self.random.below(4));
            instruction.operands.push(to);
        }
        instruction
            .operands
            .extend([view.with_components(pvgpu_dxbc::token::operand::Components::Zero), address]);
        for _ in 0..count {
            let source = self.condition();
            instruction.operands.push(source);
        }
        self.assembly.push(instruction);
    }

    /// An atomic on a place that all threads reach, or a step of a counter.
    pub(super) fn shared_atomic_statement(&mut self) {
        if self.chance(25) {
            // What it returns depends on the order of threads; nobody reads it.
            let (to, _) = self.scratch(2);
            let opcode =
                if self.stride.is_multiple_of(8) { Opcode::ImmAtomicAlloc } else { Opcode::ImmAtomicConsume };
            return self.op(opcode, [to, uav(5)]);
        }
        let kind = self.random.below(COMMUTATIVE.len());
        let value = self.condition();
        let (to, from) = self.scratch(0);
        let bit = self.condition();
        // Dwords `kind` and `kind + 8` belong to this opcode.
        self.op(Opcode::And, [to.clone(), bit, scalar(32)]);
        self.op(Opcode::Iadd, [to, from.clone(), scalar(4 * kind as u32)]);
        self.op(COMMUTATIVE[kind], [uav(4), from, value]);
    }

    fn sync(&mut self) {
        self.assembly.push(Instruction::new(Opcode::Sync).syncs(SYNC_SHARED));
    }

    /// Each thread writes its own part of shared memory and reads another's. Must be in uniform control flow.
    pub(super) fn exchange_statement(&mut self) {
        let own = temp(THREAD).select(1);
        let data = self.data();
        let structured = self.chance(50);
        let member = self.member();
        let (to, from) = self.scratch(0);
        if structured {
            let left = ((self.stride - member) / 4).min(4) as usize;
            let mask = (1u8 << left) - 1;
            self.op(Opcode::StoreStructured, [shared(1).mask_bits(mask), own.clone(), scalar(member), data]);
        } else {
            self.op(Opcode::Ishl, [to.clone(), own.clone(), scalar(4)]);
            self.op(Opcode::StoreRaw, [shared(0).mask("xyzw"), from.clone(), data]);
        }
        self.sync();
        if self.chance(40) {
            // All threads change some place with one kind of atomic.
            let opcode = self.pick(&COMMUTATIVE);
            let value = self.condition();
            let place = self.small_index(self.threads.next_power_of_two() / 2);
            if structured {
                let (x, _) = self.scratch(0);
                self.op(Opcode::Mov, [x, place]);
                let (y, _) = self.scratch(1);
                self.op(Opcode::Mov, [y, scalar(member)]);
                self.op(opcode, [shared(1), temp(SCRATCH).swizzle("xyxx"), value]);
            } else {
                self.op(Opcode::Ishl, [to.clone(), place, scalar(2)]);
                self.op(opcode, [shared(0), from.clone(), value]);
            }
            self.sync();
        }
        // The next thread's, or the first one's.
        let step = scalar(1 + self.random.below(self.threads as usize - 1) as u32);
        let (quotient, remainder) = (crate::assembler::null(), to.clone());
        self.op(Opcode::Iadd, [to.clone(), own, step]);
        self.op(Opcode::Udiv, [quotient, remainder, from.clone(), scalar(self.threads)]);
        let register = temp(self.random.below(INTEGERS) as u32);
        if structured {
            let source = self.members(shared(1), member);
            self.op(Opcode::LdStructured, [register.mask("xyzw"), from, scalar(member), source]);
        } else {
            self.op(Opcode::Ishl, [to, from.clone(), scalar(4)]);
            let source = self.swizzle(shared(0));
            self.op(Opcode::LdRaw, [register.mask("xyzw"), from, source]);
        }
        self.sync();
    }
}
