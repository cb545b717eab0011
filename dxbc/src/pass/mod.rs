//! Passes: each makes a module smaller and leaves what it computes alone.
//!
//! Their order matters: [`inline`] puts the program into the entry point, so that [`promote`] sees all accesses of a
//! register in one function and turns registers into values; [`fold`] then sees through them, and [`dead`] takes away
//! what nobody uses any more. None of them can fail: what a pass cannot improve it leaves as it is.
//!
//! All take time and memory in proportion to the module: hostile programs get here too.

mod dead;
mod fold;
mod inline;
mod promote;

use crate::ir::Module;

/// A step after which a module can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// As the program was translated, instruction by instruction.
    Lowered,
    /// Functions called once are in their callers.
    Inlined,
    /// Registers are values.
    Promoted,
    /// Values are simplified.
    Folded,
    /// Only what is used is left.
    Live,
}

impl Step {
    /// Its name in the tool and in listings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lowered => "lowered",
            Self::Inlined => "inlined",
            Self::Promoted => "promoted",
            Self::Folded => "folded",
            Self::Live => "live",
        }
    }
}

/// Runs all passes; `watch` sees the module after each step.
pub fn run(module: &mut Module, mut watch: impl FnMut(Step, &Module)) {
    let mut seen = |step, module: &Module| {
        debug_assert_eq!(crate::ir::verify::verify(module), Ok(()), "after {step:?}");
        watch(step, module);
    };
    seen(Step::Lowered, module);
    inline::run(module);
    seen(Step::Inlined, module);
    promote::run(module);
    seen(Step::Promoted, module);
    fold::run(module);
    seen(Step::Folded, module);
    dead::run(module);
    seen(Step::Live, module);
}
