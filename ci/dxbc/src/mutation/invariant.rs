//! What must hold for every input: an answer within time and memory, the same each time, and words that are a module.

use std::time::Duration;

use pvgpu_dxbc::{BindingLayout, Compiled, Error};
use rspirv::dr::Operand;
use rustix::time::{ClockId, clock_gettime};

use super::case::Case;
use crate::allocation;

/// The processor time that this thread has used: what counts, since the machine may be busy with something else.
pub fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // CAST: neither is negative.
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The longest that one input may take.
pub const TIME: Duration = Duration::from_secs(1);
/// The most memory that one input may need.
pub const MEMORY: usize = 256 << 20;
/// Words that any module may have: those of declared registers, constants and the interface.
const FIXED_WORDS: usize = 1 << 16;
/// Words that a dword of input may become, beyond [`FIXED_WORDS`].
const WORDS_PER_DWORD: usize = 96;

/// What one input gave.
#[derive(Debug)]
pub struct Verdict {
    /// The compiler's answer.
    pub result: Result<Compiled, Error>,
    /// The time that it took.
    pub time: Duration,
    /// The most bytes held at once.
    pub memory: usize,
}

/// Runs `case` and checks what is cheap to check: time, memory, the output's size.
///
/// # Errors
/// The rule that is broken, with the numbers.
pub fn check(case: &Case) -> Result<Verdict, String> {
    let start = processor_time();
    let (result, memory) = allocation::peak(|| case.compile());
    let time = processor_time().saturating_sub(start);
    if time > TIME {
        return Err(format!("translation took {time:?}"));
    }
    if memory > MEMORY {
        return Err(format!("translation needed {memory} bytes"));
    }
    if let Ok(compiled) = &result {
        let limit = FIXED_WORDS + WORDS_PER_DWORD * case.tokens.len();
        if compiled.spirv.len() > limit {
            let words = compiled.spirv.len();
            return Err(format!("{words} words from {} dwords, above {limit}", case.tokens.len()));
        }
        words(&compiled.spirv)?;
    }
    Ok(Verdict { result, time, memory })
}

/// Checks what costs more: determinism, the other entry points, and that rspirv's loader takes the module.
///
/// # Errors
/// As [`check`].
pub fn check_more(case: &Case, verdict: &Verdict) -> Result<(), String> {
    if case.compile() != verdict.result {
        return Err("the second translation differs from the first".into());
    }
    let layout = BindingLayout::default();
    let (parsed, memory) = allocation::peak(|| {
        let reflection = pvgpu_dxbc::reflect(&case.tokens, &case.signatures, &layout);
        let _ = pvgpu_dxbc::dump(&case.tokens);
        reflection
    });
    if memory > MEMORY {
        return Err(format!("reflection and listing needed {memory} bytes"));
    }
    let Ok(compiled) = &verdict.result else { return Ok(()) };
    parsed.map_err(|error| format!("translated, but not reflected: {error}"))?;
    let module = rspirv::dr::load_words(&compiled.spirv)
        .map_err(|error| format!("rspirv refuses the module: {error}"))?;
    let header = module.header.as_ref().ok_or("the module has no header")?;
    let mut defined = vec![false; header.bound as usize];
    for instruction in module.all_inst_iter() {
        if let Some(id) = instruction.result_id {
            match defined.get_mut(id as usize) {
                Some(seen @ false) => *seen = true,
                Some(_) => return Err(format!("id {id} is defined twice")),
                None => return Err(format!("id {id} is not below the bound of {}", header.bound)),
            }
        }
    }
    for instruction in module.all_inst_iter() {
        for operand in &instruction.operands {
            if let Operand::IdRef(id) = operand
                && !defined.get(*id as usize).is_some_and(|defined| *defined)
            {
                return Err(format!("id {id} is used by {:?}, but not defined", instruction.class.opcode));
            }
        }
    }
    Ok(())
}

/// The greatest bound that Vulkan's SPIR-V environment asks every device to take (SPIR-V, "Universal Limits").
const BOUND: u32 = 4_194_303;

/// Checks the header, and that the instructions fill the words exactly.
fn words(words: &[u32]) -> Result<(), String> {
    let [magic, _version, _generator, bound, 0, ..] = *words else {
        return Err("the header is not one".into());
    };
    if magic != rspirv::spirv::MAGIC_NUMBER || bound > BOUND {
        return Err(format!("magic number {magic:#x}, bound {bound}"));
    }
    let mut at = 5;
    while let Some(first) = words.get(at) {
        match (first >> 16) as usize {
            0 => return Err(format!("the instruction at word {at} has no words")),
            count => at += count,
        }
    }
    if at == words.len() { Ok(()) } else { Err("the last instruction is cut off".into()) }
}
