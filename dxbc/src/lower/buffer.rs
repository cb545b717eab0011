//! Raw and structured buffers, thread group shared memory, atomics, counters and barriers.

use rspirv::spirv::{GlslStd450Op as GLOp, MemorySemantics, Op, Scope, StorageClass, Word};

use super::register::mask_components;
use super::resource::Image;
use super::{Lowering, Value};
use crate::Error;
use crate::ir::Scalar;
use crate::token::declaration::{ReturnType, ViewKind};
use crate::token::opcode::Opcode;
use crate::token::operand::{Operand, RegisterFile};
use crate::token::program::Instruction;

/// An array of dwords that raw and structured instructions reach.
#[derive(Debug, Clone, Copy)]
struct Dwords {
    variable: Word,
    class: StorageClass,
    /// Bytes of a structure; 0 if the memory is raw.
    stride: u32,
    /// Number of dwords, if it is fixed.
    size: Option<u32>,
    /// The dword of the variable's array that is the memory's first, if that is not 0.
    start: Option<Word>,
}

impl Lowering<'_> {
    pub(super) fn buffer(&mut self, instruction: &Instruction) -> Result<(), Error> {
        match instruction.opcode.without_feedback().unwrap_or(instruction.opcode) {
            Opcode::LdRaw | Opcode::LdStructured => self.load_dwords(instruction),
            Opcode::StoreRaw | Opcode::StoreStructured => self.store_dwords(instruction),
            Opcode::ImmAtomicAlloc | Opcode::ImmAtomicConsume => self.count_view(instruction),
            _ => self.atomic(instruction),
        }
    }

    /// The memory behind a raw or structured t#, u# or g#.
    fn dwords(&mut self, operand: &Operand) -> Result<Dwords, Error> {
        if operand.file == RegisterFile::ThreadGroupSharedMemory {
            let (variable, memory) = self.shared_memory(operand)?;
            let stride = if memory.structured { memory.stride } else { 0 };
            return Ok(Dwords {
                variable,
                class: StorageClass::Workgroup,
                stride,
                size: Some(memory.dwords),
                start: None,
            });
        }
        let (view, _) = self.view(operand)?;
        let stride = match view.kind {
            ViewKind::Structured { stride } => stride,
            ViewKind::Raw => 0,
            ViewKind::Typed { .. } => return Err(self.invalid("the view is a typed one")),
        };
        let variable = self.dword_buffer(operand)?;
        let start = self.view_start(operand)?;
        Ok(Dwords { variable, class: StorageClass::StorageBuffer, stride, size: None, start })
    }

    /// The number of the first dword: `offset` bytes into the memory, or into structure `index` of it.
    fn dword_index(&mut self, memory: &Dwords, index: Option<Word>, offset: Word) -> Result<Word, Error> {
        let uint = self.ty(Scalar::U32, 1);
        let two = self.module.u32(2);
        let offset = self.module.op(Op::ShiftRightLogical, uint, &[offset, two]);
        // Drivers make byte addresses of 32 bits from these, and may add the size of the access to them when they check
        // them. Neither must wrap around, with the view's start and up to three dwords more; no buffer reaches so far.
        let most = self.module.u32((1 << 30) - 8 - u32::from(u8::MAX));
        let first = match (index, memory.stride) {
            // Indices of shared memory are clamped to it later.
            (None, 0) if memory.size.is_some() => offset,
            (None, 0) => self.module.glsl(GLOp::UMin, uint, &[offset, most]),
            (Some(index), stride @ 1..) => {
                // A greater index lies past any buffer: 2^30 dwords have 32-bit byte addresses. Clamped, neither the
                // product nor the address wraps around into the buffer.
                let last = self.module.u32((1 << 30) / (stride / 4).max(1) - 1);
                let index = self.module.glsl(GLOp::UMin, uint, &[index, last]);
                let stride = self.module.u32(stride / 4);
                let start = self.module.op(Op::IMul, uint, &[index, stride]);
                let first = self.module.op(Op::IAdd, uint, &[start, offset]);
                self.module.glsl(GLOp::UMin, uint, &[first, most])
            }
            _ => return Err(self.invalid("the instruction does not fit the view's kind")),
        };
        Ok(match memory.start {
            Some(start) => self.module.op(Op::IAdd, uint, &[first, start]),
            None => first,
        })
    }

    /// A pointer to dword `first + n`.
    fn dword_pointer(&mut self, memory: &Dwords, first: Word, n: u32) -> Word {
        let uint = self.ty(Scalar::U32, 1);
        let mut index = first;
        if n != 0 {
            let n = self.module.u32(n);
            index = self.module.op(Op::IAdd, uint, &[first, n]);
        }
        let pointer = self.module.pointer_type(memory.class, uint);
        if let Some(size) = memory.size {
            // D3D11 leaves accesses past the end of shared memory undefined within it; nothing else must be hit.
            let last = self.module.u32(size.saturating_sub(1));
            let index = self.module.glsl(GLOp::UMin, uint, &[index, last]);
            return self.module.op(Op::AccessChain, pointer, &[memory.variable, index]);
        }
        let member = self.module.u32(0);
        self.module.op(Op::AccessChain, pointer, &[memory.variable, member, index])
    }

    fn load_dwords(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let read = self.plain_read(instruction);
        let (destination, index, offset, source) = match read.operands.as_slice() {
            [destination, offset, source] => (destination, None, offset, source),
            [destination, index, offset, source] => (destination, Some(index), offset, source),
            _ => return Err(self.invalid("operands are missing")),
        };
        let components = mask_components(destination.mask());
        let Some(components) = components.as_slice() else { return Ok(()) };
        let memory = self.dwords(source)?;
        let index = index.map(|index| self.load_component(index, 0, Scalar::U32)).transpose()?;
        let offset = self.load_component(offset, 0, Scalar::U32)?;
        let first = self.dword_index(&memory, index, offset)?;
        let uint = self.ty(Scalar::U32, 1);
        let mut parts = Vec::with_capacity(4);
        for component in components {
            let pointer = self.dword_pointer(&memory, first, source.swizzle(*component) as u32);
            parts.push(self.module.op(Op::Load, uint, &[pointer]));
        }
        let value = self.join(&parts, Scalar::U32)?;
        self.store(destination, value, false)
    }

    fn store_dwords(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let operands: Vec<Operand> = self.program.operands(instruction).copied().collect();
        let (destination, index, offset, value) = match operands.as_slice() {
            [destination, offset, value] => (destination, None, offset, value),
            [destination, index, offset, value] => (destination, Some(index), offset, value),
            _ => return Err(self.invalid("operands are missing")),
        };
        if destination.file == RegisterFile::Resource {
            return Err(self.invalid("a shader resource cannot be written"));
        }
        let mask = destination.mask();
        let components = mask_components(mask);
        let Some(components) = components.as_slice() else { return Ok(()) };
        let memory = self.dwords(destination)?;
        let index = index.map(|index| self.load_component(index, 0, Scalar::U32)).transpose()?;
        let offset = self.load_component(offset, 0, Scalar::U32)?;
        let first = self.dword_index(&memory, index, offset)?;
        let value = self.load(value, mask, Scalar::U32)?;
        for (n, component) in components.iter().enumerate() {
            let part = self.pick(value, &[n])?;
            let pointer = self.dword_pointer(&memory, first, *component as u32);
            self.module.op_void(Op::Store, &[pointer, part.id]);
        }
        Ok(())
    }

    /// `imm_atomic_alloc` gives the counter before it is incremented, `imm_atomic_consume` after it is decremented.
    fn count_view(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let [destination, view] = self.operands(instruction)?;
        let pointer = self.counter(&view)?;
        let uint = self.ty(Scalar::U32, 1);
        let (scope, relaxed, one) =
            (self.module.u32(Scope::Device as u32), self.module.u32(0), self.module.u32(1));
        let id = if instruction.opcode == Opcode::ImmAtomicAlloc {
            self.module.op(Op::AtomicIAdd, uint, &[pointer, scope, relaxed, one])
        } else {
            let before = self.module.op(Op::AtomicISub, uint, &[pointer, scope, relaxed, one]);
            self.module.op(Op::ISub, uint, &[before, one])
        };
        self.store_scalar(&destination, Value { id, scalar: Scalar::U32, count: 1 }, false)
    }

    fn atomic(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let operands: Vec<Operand> = self.program.operands(instruction).copied().collect();
        let returns = returns_old_value(instruction.opcode);
        let (destination, rest) = match operands.split_first() {
            Some((destination, rest)) if returns => (Some(destination), rest),
            _ => (None, operands.as_slice()),
        };
        let [target, address, values @ ..] = rest else { return Err(self.invalid("operands are missing")) };
        let exchanges = instruction.opcode == Opcode::ImmAtomicExch;
        let (pointer, scalar) = self.atomic_pointer(target, address, exchanges)?;
        let shared = target.file == RegisterFile::ThreadGroupSharedMemory;
        let scope = self.module.u32(if shared { Scope::Workgroup } else { Scope::Device } as u32);
        let relaxed = self.module.u32(0);
        let ty = self.ty(scalar, 1);
        let mut words = vec![pointer, scope, relaxed];
        let id = match values {
            [compare, value] => {
                let value = self.load_component(value, 0, scalar)?;
                let compare = self.load_component(compare, 0, scalar)?;
                words.extend([relaxed, value, compare]);
                self.module.op(Op::AtomicCompareExchange, ty, &words)
            }
            [value] => {
                words.push(self.load_component(value, 0, scalar)?);
                let op =
                    atomic_op(instruction.opcode).ok_or_else(|| self.invalid("this is not an atomic"))?;
                self.module.op(op, ty, &words)
            }
            _ => return Err(self.invalid("operands are missing")),
        };
        match destination {
            Some(destination) => self.store_scalar(destination, Value { id, scalar, count: 1 }, false),
            None => Ok(()),
        }
    }

    /// A pointer to the dword or texel that an atomic changes, and its type.
    /// Floats can only be exchanged.
    fn atomic_pointer(
        &mut self,
        target: &Operand,
        address: &Operand,
        exchanges: bool,
    ) -> Result<(Word, Scalar), Error> {
        match target.file {
            RegisterFile::UnorderedAccessView => {
                let (view, _) = self.view(target)?;
                if let ViewKind::Typed { return_type, .. } = view.kind {
                    if return_type == ReturnType::Float && !exchanges {
                        return Err(self.invalid("floats can only be exchanged"));
                    }
                    return self.texel_pointer(target, address);
                }
            }
            RegisterFile::ThreadGroupSharedMemory => {}
            _ => return Err(self.invalid("the target is not writable memory")),
        }
        let memory = self.dwords(target)?;
        let first = if memory.stride == 0 {
            let offset = self.load_component(address, 0, Scalar::U32)?;
            self.dword_index(&memory, None, offset)?
        } else {
            let index = self.load_component(address, 0, Scalar::U32)?;
            let offset = self.load_component(address, 1, Scalar::U32)?;
            self.dword_index(&memory, Some(index), offset)?
        };
        Ok((self.dword_pointer(&memory, first, 0), Scalar::U32))
    }

    fn texel_pointer(&mut self, target: &Operand, address: &Operand) -> Result<(Word, Scalar), Error> {
        let (Image { variable, scalar, .. }, coordinates) = self.storage_texel(target, address)?;
        if !matches!(scalar, Scalar::U32 | Scalar::I32) {
            return Err(self.invalid("atomics need a view of 32-bit integers"));
        }
        let ty = self.ty(scalar, 1);
        let pointer = self.module.pointer_type(StorageClass::Image, ty);
        let sample = self.module.u32(0);
        Ok((self.module.op(Op::ImageTexelPointer, pointer, &[variable, coordinates, sample]), scalar))
    }

    /// `sync`: a barrier for memory and, if asked for, for the threads of the group.
    pub(super) fn sync(&mut self, instruction: &Instruction) -> Result<(), Error> {
        let flags = instruction.sync_flags();
        let mut semantics = MemorySemantics::ACQUIRE_RELEASE;
        if flags.shared_memory {
            semantics |= MemorySemantics::WORKGROUP_MEMORY;
        }
        if flags.uav_group || flags.uav_global {
            semantics |= MemorySemantics::UNIFORM_MEMORY | MemorySemantics::IMAGE_MEMORY;
        }
        let compute = self.program.stage == crate::ShaderStage::Compute;
        if (flags.threads_in_group || flags.shared_memory) && !compute {
            return Err(self.invalid("only a compute shader has thread groups"));
        }
        let bare = semantics == MemorySemantics::ACQUIRE_RELEASE;
        let group = self.module.u32(Scope::Workgroup as u32);
        // Outside compute shaders there is no group, whatever the flags say.
        let device = flags.uav_global || !compute;
        let scope = if device { self.module.u32(Scope::Device as u32) } else { group };
        let semantics = self.module.u32(if bare { 0 } else { semantics.bits() });
        if flags.threads_in_group {
            self.module.op_void(Op::ControlBarrier, &[group, scope, semantics]);
        } else if !bare {
            self.module.op_void(Op::MemoryBarrier, &[scope, semantics]);
        }
        Ok(())
    }
}

fn returns_old_value(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::ImmAtomicIadd
            | Opcode::ImmAtomicAnd
            | Opcode::ImmAtomicOr
            | Opcode::ImmAtomicXor
            | Opcode::ImmAtomicExch
            | Opcode::ImmAtomicCmpExch
            | Opcode::ImmAtomicImax
            | Opcode::ImmAtomicImin
            | Opcode::ImmAtomicUmax
            | Opcode::ImmAtomicUmin
    )
}

fn atomic_op(opcode: Opcode) -> Option<Op> {
    Some(match opcode {
        Opcode::AtomicAnd | Opcode::ImmAtomicAnd => Op::AtomicAnd,
        Opcode::AtomicOr | Opcode::ImmAtomicOr => Op::AtomicOr,
        Opcode::AtomicXor | Opcode::ImmAtomicXor => Op::AtomicXor,
        Opcode::AtomicIadd | Opcode::ImmAtomicIadd => Op::AtomicIAdd,
        Opcode::AtomicImax | Opcode::ImmAtomicImax => Op::AtomicSMax,
        Opcode::AtomicImin | Opcode::ImmAtomicImin => Op::AtomicSMin,
        Opcode::AtomicUmax | Opcode::ImmAtomicUmax => Op::AtomicUMax,
        Opcode::AtomicUmin | Opcode::ImmAtomicUmin => Op::AtomicUMin,
        Opcode::ImmAtomicExch => Op::AtomicExchange,
        _ => return None,
    })
}
