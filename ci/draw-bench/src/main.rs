//! Measures what Direct3D 11 costs on the d3d11.dll that it finds: draws, uploads, copies, maps, readbacks.
//!
//! It knows nothing of pvgpu; `cargo xtask bench draw` runs it on several renderers and compares. One line of JSON for each
//! figure: what, its size, its unit, its value. The first line names the adapter.
//!
//! `--seconds S` is about how long each figure may take; the default is 0.5. `--only draw` measures draws alone.

#[cfg(windows)]
mod device;
#[cfg(windows)]
mod draw;
#[cfg(windows)]
mod transfer;

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let seconds = after("--seconds").and_then(|seconds| seconds.parse().ok()).unwrap_or(0.5);
    let only = after("--only");
    let wanted = |what| only.as_deref().is_none_or(|only| only == what);
    let run = || {
        let gpu = device::Gpu::new()?;
        println!("{{\"adapter\":{:?}}}", gpu.adapter()?);
        let time = std::time::Duration::from_secs_f64(seconds);
        if wanted("draw") {
            draw::run(&gpu, time)?;
        }
        if wanted("transfer") {
            transfer::run(&gpu, time)?;
        }
        Ok::<_, windows::core::Error>(())
    };
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("draw-bench: {error}");
            std::process::ExitCode::from(2)
        }
    }
}

/// Prints one figure.
#[cfg(windows)]
fn report(what: &str, size: usize, unit: &str, value: f64) {
    println!("{{\"what\":\"{what}\",\"size\":{size},\"unit\":\"{unit}\",\"value\":{value:.4}}}");
}

/// The middle one.
#[cfg(windows)]
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(not(windows))]
fn main() {
    println!("draw-bench is for Windows; `cargo xtask bench draw` runs it under Wine.");
}
