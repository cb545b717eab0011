//! spirv-val of SPIRV-Tools, as a process of its own.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Fails unless spirv-val (of SPIRV-Tools) accepts the module for Vulkan 1.3.
pub fn validate(name: &str, spirv: &[u32]) {
    if let Err(text) = check(spirv) {
        panic!("{name}: {text}");
    }
}

/// What spirv-val (of SPIRV-Tools) says against the module for Vulkan 1.3.
///
/// # Errors
/// Its words.
pub fn check(spirv: &[u32]) -> Result<(), String> {
    let mut child = Command::new("spirv-val")
        .args(["--target-env", "vulkan1.3", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("spirv-val of SPIRV-Tools must be installed");
    let bytes: Vec<u8> = spirv.iter().flat_map(|word| word.to_le_bytes()).collect();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    if output.status.success() { Ok(()) } else { Err(text) }
}

/// Checks many modules, as many at a time as there are processors; the results are in the modules' order.
///
/// SPIRV-Tools has no shared library in Debian 12, so each is a process, of 6 ms (November 2026).
pub fn check_all(modules: &[&[u32]]) -> Vec<Result<(), String>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut results = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(module) = modules.get(place) else { return results };
            results.push((place, check(module)));
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order() {
        let fixtures = crate::fixture::fixtures();
        let fixture = fixtures.iter().find(|fixture| fixture.name == "cs_flow").unwrap();
        let good = crate::fixture::compile(&fixture.shader.tokens, fixture).unwrap().spirv;
        let bad = &good[..good.len() - 1];
        let results = check_all(&[&good, bad, &good, &good, bad]);
        assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, true, false]);
    }
}
