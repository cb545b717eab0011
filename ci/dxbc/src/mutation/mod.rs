//! Hostile input for the compiler, and what must hold for it: shared by the fuzz targets and the tests.
//!
//! [`Generator::case`] makes input number n of a seed: dwords that look like tokens, containers, or mutants of the
//! fixtures. The same numbers give the same input on every machine, so that a failure is repeated by its number.

pub mod case;
pub mod containers;
pub mod invariant;
pub mod listing;
pub mod random_entry;
pub mod scale;
pub mod structured;

use pvgpu_dxbc::Signatures;
use pvgpu_dxbc::token::opcode::{Opcode, OperandForm};

use crate::fixture::{Fixture, fixtures};
use crate::random::Random;
use case::Case;
use listing::Listing;

/// The kinds of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Token streams made from nothing, with any signatures.
    Tokens,
    /// Containers.
    Container,
    /// Mutants of the fixtures.
    Structured,
}

/// One input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// For the compiler.
    Case(Case),
    /// For the container parser, and what it finds for the compiler.
    Container(Vec<u8>),
}

/// Makes inputs.
pub struct Generator {
    fixtures: Vec<Fixture>,
    cases: Vec<Case>,
    listings: Vec<Listing>,
}

impl Default for Generator {
    fn default() -> Self {
        Self::new()
    }
}

impl Generator {
    /// A generator that mutates the fixtures.
    pub fn new() -> Self {
        let fixtures = fixtures();
        let case = |fixture: &Fixture| Case {
            tokens: fixture.shader.tokens.clone(),
            signatures: fixture.shader.signatures.clone(),
            choice: case::Choice::default(),
        };
        let cases: Vec<Case> = fixtures.iter().map(case).collect();
        let listings = cases.iter().filter_map(|case| Listing::of(&case.tokens)).collect();
        Self { fixtures, cases, listings }
    }

    /// The fixtures' programs, to take parts from.
    pub fn donors(&self) -> &[Listing] {
        &self.listings
    }

    /// Input `number` of `seed`.
    pub fn input(&self, seed: u64, number: u64, kind: Kind) -> Input {
        let mut random = Random::of(seed, number);
        match kind {
            Kind::Tokens => Input::Case(self.tokens(&mut random)),
            Kind::Container => {
                let fixture = &self.fixtures[random.below(self.fixtures.len())];
                Input::Container(containers::mutate(&mut random, &fixture.bytes))
            }
            Kind::Structured => {
                let mut case = self.cases[random.below(self.cases.len())].clone();
                structured::mutate(&mut random, &mut case, &self.listings);
                Input::Case(case)
            }
        }
    }

    /// A stream of declarations and instructions made from nothing, or of dwords.
    fn tokens(&self, random: &mut Random) -> Case {
        let stage = random.below(6) as u32;
        let model = [0x40, 0x41, 0x50, 0x50][random.below(4)];
        let mut listing = Listing { version: stage << 16 | model, entries: Vec::new() };
        if random.below(4) == 0 {
            let dword = |random: &mut Random| match random.below(3) {
                0 => random.dword(),
                1 => random_entry::number(random),
                _ => random.below(235) as u32 | (1 + random.below(11) as u32) << 24,
            };
            listing.entries.push((0..random.below(64)).map(|_| dword(random)).collect());
        } else {
            for _ in 0..random.below(4) {
                listing.entries.push(random_entry::declaration(random));
            }
            if stage == 5 {
                let size = [1 + random.below(8) as u32, 1 + random.below(8) as u32, 1];
                listing.entries.push([&[Opcode::DclThreadGroup as u32 | 4 << 24][..], &size].concat());
            }
            for _ in 0..random.below(12) {
                let opcode = random_entry::opcode(random, None);
                if matches!(opcode.form(), OperandForm::Special) && random.below(4) != 0 {
                    continue;
                }
                let entry = random_entry::instruction(random, opcode, |random, destination| {
                    random_entry::operand(random, destination, 0)
                });
                listing.entries.push(entry);
            }
            structured::declare_missing(random, &mut listing);
        }
        let mut signatures = Signatures::default();
        for list in [&mut signatures.input, &mut signatures.output, &mut signatures.patch_constant] {
            list.extend((0..random.below(6)).map(|_| structured::element(random)));
        }
        let choice = case::Choice {
            dual_source_blend: random.below(4) == 0,
            previous_stage_outputs: (random.below(4) == 0).then(|| random.dword()),
            lacking: random.dword() & random.dword() & random.dword(),
        };
        Case { tokens: listing.tokens(), signatures, choice }
    }
}
