//! An interpreter of compute programs, written from Microsoft's D3D11.3 functional specification.
//!
//! It is the judge of what a translated program must compute, so it shares nothing with the compiler but the token
//! parser. The threads of a group run one after the other from barrier to barrier, in order; a program whose results
//! depend on that order (races, results of atomics on shared places) is the caller's mistake.
//!
//! Where the specification or Vulkan permits several results, a [`Value`] holds all of them; see [`value`].

pub mod control;
pub mod double;
pub mod float;
pub mod integer;
pub mod memory;
pub mod thread;
pub mod value;

use std::collections::BTreeMap;

use pvgpu_dxbc::token::declaration::Declaration;
use pvgpu_dxbc::token::program::Program;

pub use memory::Memory;
pub use value::Value;

use control::Code;
use memory::{Layouts, Reach};
use thread::{Event, Thread};

/// Why an interpretation ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Several results are permitted, and this depends on which one it is.
    Undetermined(&'static str),
    /// The limit of steps is reached.
    Endless,
    /// The program breaks a rule of the format.
    Malformed(&'static str),
    /// The interpreter does not know this.
    Unsupported(String),
}

/// A program ready to run.
pub struct Machine<'a> {
    program: &'a Program,
    code: Code,
    layouts: Layouts,
    temps: u32,
    indexable: BTreeMap<u32, u32>,
    immediate_constants: Vec<u32>,
    group_size: [u32; 3],
}

impl<'a> Machine<'a> {
    /// Prepares `program`.
    ///
    /// # Errors
    /// [`Stop::Malformed`] if its blocks do not nest or a label is missing.
    pub fn new(program: &'a Program) -> Result<Self, Stop> {
        let mut machine = Self {
            program,
            code: Code::of(program)?,
            layouts: Layouts::of(program),
            temps: 0,
            indexable: BTreeMap::new(),
            immediate_constants: Vec::new(),
            group_size: [1; 3],
        };
        for declaration in &program.declarations {
            match declaration {
                Declaration::Temps(count) => machine.temps = *count,
                Declaration::IndexableTemp { register, elements } => {
                    machine.indexable.insert(*register, *elements);
                }
                Declaration::ImmediateConstantBuffer(elements) => {
                    machine.immediate_constants = elements.as_flattened().to_vec();
                }
                Declaration::ThreadGroup(size) => machine.group_size = *size,
                _ => {}
            }
        }
        Ok(machine)
    }

    /// Runs `groups` thread groups in x; `limit` bounds the instructions of all threads together. Returns how many
    /// instructions ran.
    ///
    /// # Errors
    /// See [`Stop`]; `memory` is then half-way.
    pub fn run(&self, memory: &mut Memory, groups: u32, limit: u64) -> Result<u64, Stop> {
        let mut steps = 0;
        for group in 0..groups {
            self.run_group(memory, [group, 0, 0], limit, &mut steps)?;
        }
        Ok(steps)
    }

    fn run_group(
        &self,
        memory: &mut Memory,
        group: [u32; 3],
        limit: u64,
        steps: &mut u64,
    ) -> Result<(), Stop> {
        let [width, height, depth] = self.group_size;
        let mut threads = Vec::new();
        for z in 0..depth {
            for y in 0..height {
                threads.extend((0..width).map(|x| Thread::new(self, group, [x, y, z])));
            }
        }
        let mut shared = self.layouts.shared();
        while threads.iter().any(|thread| !thread.ended) {
            let mut reach = Reach { memory, shared: &mut shared };
            for thread in threads.iter_mut().filter(|thread| !thread.ended) {
                loop {
                    *steps += 1;
                    if *steps > limit {
                        return Err(Stop::Endless);
                    }
                    match thread.step(self, &mut reach)? {
                        Event::Next => {}
                        Event::Barrier | Event::End => break,
                    }
                }
            }
            let place = threads[0].place;
            if threads
                .iter()
                .any(|thread| thread.ended != threads[0].ended || !thread.ended && thread.place != place)
            {
                return Err(Stop::Undetermined("a barrier that not all threads reach"));
            }
        }
        Ok(())
    }
}
