//! Translates every shader with both compilers, then measures those that both can translate.

use std::path::Path;
use std::time::Duration;

use pvgpu_dxbc_tests::corpus::Found;
use pvgpu_dxbc_tests::count::{Instructions, instructions};
use pvgpu_dxbc_tests::peer::{Failure, Module, Process, Time};
use pvgpu_dxbc_tests::statistics::median;

/// Rounds of each compiler. The medians of 31 differ by about 2 % from run to run on a machine that is also compiling.
const ROUNDS: usize = 31;

/// Everything that was found out.
pub struct Outcome {
    /// The shaders that both translate.
    pub shaders: Vec<Shader>,
    /// How many were given.
    pub given: usize,
    /// How many our compiler refused, and on how many it crashed or hung.
    pub ours: Failures,
    /// The same of vkd3d-shader.
    pub vkd3d: Failures,
}

/// Shaders without a result.
#[derive(Clone, Copy, Default)]
pub struct Failures {
    pub refused: usize,
    pub crashed: usize,
}

/// One shader's figures.
pub struct Shader {
    pub origin: String,
    pub ours: Figures,
    pub vkd3d: Figures,
}

/// What one compiler makes of a shader, and how fast.
#[derive(Clone, Copy)]
pub struct Figures {
    /// From the container.
    pub whole: Duration,
    /// From the tokens, where the compiler can be called so.
    pub tokens: Duration,
    pub instructions: Instructions,
}

/// Measures all.
///
/// # Errors
/// If a compiler cannot be started or fails in a round what it did before.
pub fn both(given: &[Found]) -> Result<Outcome, Failure> {
    let mut ours = Process::new(Path::new(env!("CARGO_BIN_EXE_dxbc-worker")));
    let mut vkd3d = Process::new(Path::new(env!("CARGO_BIN_EXE_vkd3d-peer")));
    let (mut ours_failed, mut vkd3d_failed) = (Failures::default(), Failures::default());
    let (mut containers, mut counts, mut origins) = (Vec::new(), Vec::new(), Vec::new());
    for found in given {
        let first = count(&mut ours, &found.bytes, &mut ours_failed)?;
        let second = count(&mut vkd3d, &found.bytes, &mut vkd3d_failed)?;
        if let (Some(first), Some(second)) = (first, second) {
            containers.push(found.bytes.clone());
            counts.push((first, second));
            origins.push(found.origin.clone());
        }
    }
    let (mut ours_times, mut vkd3d_times) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours_times.push(ours.time(&containers)?);
        vkd3d_times.push(vkd3d.time(&containers)?);
    }
    let shaders =
        origins.into_iter().zip(counts).enumerate().map(|(place, (origin, (first, second)))| Shader {
            origin,
            ours: figures(&ours_times, place, first),
            vkd3d: figures(&vkd3d_times, place, second),
        });
    Ok(Outcome { shaders: shaders.collect(), given: given.len(), ours: ours_failed, vkd3d: vkd3d_failed })
}

/// The instructions of what the compiler makes of a container; `None`, and counted, if it makes nothing.
fn count(
    compiler: &mut Process,
    container: &[u8],
    failures: &mut Failures,
) -> Result<Option<Instructions>, Failure> {
    match compiler.translate(container) {
        Ok((_, Ok(Module { spirv, .. }))) => {
            let count = instructions(&spirv);
            failures.refused += usize::from(count.is_none());
            Ok(count)
        }
        Ok((_, Err(_))) => {
            failures.refused += 1;
            Ok(None)
        }
        Err(Failure::Broken(error)) => Err(Failure::Broken(error)),
        // A program that ends by itself was not killed by a shader: the library is missing.
        Err(failure @ Failure::Crashed { status, .. }) if status.code().is_some() => Err(failure),
        Err(_) => {
            failures.crashed += 1;
            Ok(None)
        }
    }
}

fn figures(rounds: &[Vec<Time>], place: usize, instructions: Instructions) -> Figures {
    let times = |of: fn(&Time) -> Duration| {
        let times: Vec<Duration> = rounds.iter().map(|round| of(&round[place])).collect();
        median(&times).unwrap_or_default()
    };
    Figures { whole: times(|time| time.whole), tokens: times(|time| time.tokens), instructions }
}
