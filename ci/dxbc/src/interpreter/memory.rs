//! Memory behind the views of a program, and thread group shared memory.

use std::collections::BTreeMap;

use pvgpu_dxbc::token::declaration::{Declaration, ReturnType, ViewKind};
use pvgpu_dxbc::token::opcode::Opcode;
use pvgpu_dxbc::token::operand::{Operand, RegisterFile};
use pvgpu_dxbc::token::program::Program;

use super::value::Value;
use super::{Stop, integer};

/// What a program's bindings hold, by slot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    /// cb#: dwords.
    pub constant_buffers: BTreeMap<u32, Vec<u32>>,
    /// t#: dwords; a typed one has one dword an element.
    pub resources: BTreeMap<u32, Vec<Value>>,
    /// u#: dwords; a typed one has one dword an element.
    pub views: BTreeMap<u32, Vec<Value>>,
    /// The counters of u#.
    pub counters: BTreeMap<u32, Value>,
}

/// A view or shared memory as it was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Raw,
    Structured { stride: u32 },
    Typed(ReturnType),
}

/// The declared memories of a program.
#[derive(Debug, Clone, Default)]
pub struct Layouts {
    layouts: BTreeMap<(RegisterFile, u32), Layout>,
    shared: BTreeMap<u32, usize>,
}

/// Where an instruction's dwords lie: in `file` and `slot`, from `first`; `None`: all of them are out of range.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    file: RegisterFile,
    slot: u32,
    first: Option<u64>,
}

impl Layouts {
    /// The declarations of `program`.
    pub fn of(program: &Program) -> Self {
        let mut layouts = Self::default();
        let mut insert = |file, slot, kind: ViewKind| {
            let layout = match kind {
                ViewKind::Raw => Layout::Raw,
                ViewKind::Structured { stride } => Layout::Structured { stride },
                ViewKind::Typed { return_type, .. } => Layout::Typed(return_type),
            };
            layouts.layouts.insert((file, slot), layout);
        };
        let shared_file = RegisterFile::ThreadGroupSharedMemory;
        for declaration in &program.declarations {
            match *declaration {
                Declaration::Resource { slot, kind } => insert(RegisterFile::Resource, slot, kind),
                Declaration::UnorderedAccessView { slot, kind, .. } => {
                    insert(RegisterFile::UnorderedAccessView, slot, kind);
                }
                Declaration::ThreadGroupSharedMemory { register, stride, structured, .. } => {
                    let kind = if structured { ViewKind::Structured { stride } } else { ViewKind::Raw };
                    insert(shared_file, register, kind);
                }
                _ => {}
            }
        }
        for declaration in &program.declarations {
            if let Declaration::ThreadGroupSharedMemory { register, stride, count, .. } = *declaration {
                layouts.shared.insert(register, (stride / 4 * count) as usize);
            }
        }
        layouts
    }

    /// Shared memory of a new group: it holds anything.
    pub fn shared(&self) -> BTreeMap<u32, Vec<Value>> {
        self.shared.iter().map(|(register, dwords)| (*register, vec![Value::Any; *dwords])).collect()
    }

    fn layout(&self, operand: &Operand) -> Result<(u32, Layout), Stop> {
        let slot = operand.register().ok_or(Stop::Malformed("a view has no number"))?;
        let layout = self.layouts.get(&(operand.file, slot));
        Ok((slot, *layout.ok_or(Stop::Malformed("a view is not declared"))?))
    }

    /// Whether addresses have two components, a structure's number and a byte offset.
    pub fn is_structured(&self, operand: &Operand) -> Result<bool, Stop> {
        Ok(matches!(self.layout(operand)?.1, Layout::Structured { .. }))
    }

    /// The place of `address` in the memory of `operand`: a byte address, an element's number, or a structure's number
    /// and byte offset.
    pub fn place(&self, operand: &Operand, address: &[u32]) -> Result<Place, Stop> {
        let (slot, layout) = self.layout(operand)?;
        let first = match (layout, address) {
            (Layout::Raw, [bytes, ..]) if bytes % 4 == 0 => u64::from(*bytes) / 4,
            (Layout::Typed(_), [element, ..]) => u64::from(*element),
            (Layout::Structured { stride }, [index, offset, ..]) if offset % 4 == 0 => {
                // An offset past the structure is undefined.
                if offset >= &stride {
                    return Err(Stop::Undetermined("an offset past the structure"));
                }
                u64::from(*index) * u64::from(stride / 4) + u64::from(*offset) / 4
            }
            _ => return Err(Stop::Undetermined("an address that is not aligned")),
        };
        Ok(Place { file: operand.file, slot, first: Some(first) })
    }

    /// The number of elements that `bufinfo` tells, of a memory of this many dwords.
    pub fn elements(&self, operand: &Operand, dwords: usize) -> Result<u32, Stop> {
        let dwords = dwords as u32;
        Ok(match self.layout(operand)?.1 {
            Layout::Raw => 4 * dwords,
            Layout::Structured { stride } => 4 * dwords / stride,
            Layout::Typed(_) => dwords,
        })
    }

    /// The constant that a typed view gives for the missing fourth component.
    pub fn one(&self, operand: &Operand) -> Result<u32, Stop> {
        Ok(match self.layout(operand)?.1 {
            Layout::Typed(ReturnType::Uint | ReturnType::Sint) => 1,
            _ => 1f32.to_bits(),
        })
    }
}

/// All memory that a thread reaches.
pub struct Reach<'a> {
    /// Views and constants.
    pub memory: &'a mut Memory,
    /// The group's shared memory.
    pub shared: &'a mut BTreeMap<u32, Vec<Value>>,
}

impl Reach<'_> {
    /// The dwords of a view or shared memory.
    pub fn dwords(&mut self, file: RegisterFile, slot: u32) -> Result<&mut Vec<Value>, Stop> {
        let memory = match file {
            RegisterFile::Resource => self.memory.resources.get_mut(&slot),
            RegisterFile::UnorderedAccessView => self.memory.views.get_mut(&slot),
            RegisterFile::ThreadGroupSharedMemory => self.shared.get_mut(&slot),
            _ => None,
        };
        memory.ok_or(Stop::Malformed("a view is not bound"))
    }

    fn cell(&mut self, place: Place, n: usize) -> Result<Option<&mut Value>, Stop> {
        let Some(first) = place.first else { return Ok(None) };
        let cell = usize::try_from(first + n as u64).ok();
        let dwords = self.dwords(place.file, place.slot)?;
        Ok(cell.and_then(|cell| dwords.get_mut(cell)))
    }

    /// Dword `n` of `place`: zero out of range, except in shared memory, where it is anything.
    pub fn load(&mut self, place: Place, n: usize) -> Result<Value, Stop> {
        let shared = place.file == RegisterFile::ThreadGroupSharedMemory;
        let outside = if shared { Value::Any } else { Value::Exact(0) };
        Ok(self.cell(place, n)?.copied().unwrap_or(outside))
    }

    /// Writes dword `n` of `place`: dropped out of range; in shared memory such a write is undefined.
    pub fn store(&mut self, place: Place, n: usize, value: Value) -> Result<(), Stop> {
        match self.cell(place, n)? {
            Some(cell) => *cell = value,
            None if place.file == RegisterFile::ThreadGroupSharedMemory => {
                return Err(Stop::Undetermined("a write past shared memory"));
            }
            None => {}
        }
        Ok(())
    }

    /// An atomic instruction: changes the dword, returns what was there; out of range, anything.
    pub fn atomic(&mut self, opcode: Opcode, place: Place, values: &[Value]) -> Result<Value, Stop> {
        let operands: Option<Vec<u32>> = values.iter().map(|value| value.exact()).collect();
        let Some(cell) = self.cell(place, 0)? else {
            return if place.file == RegisterFile::ThreadGroupSharedMemory {
                Err(Stop::Undetermined("a write past shared memory"))
            } else {
                Ok(Value::Any)
            };
        };
        let old = *cell;
        *cell = match (old.exact(), operands) {
            (Some(old), Some(operands)) => {
                Value::Exact(integer::atomic(opcode, old, &operands).ok_or(Stop::Malformed("not an atomic"))?)
            }
            // Whatever was there is replaced.
            _ if opcode == Opcode::ImmAtomicExch => values[0],
            _ => Value::Any,
        };
        Ok(old)
    }
}
