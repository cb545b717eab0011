//! `cargo xtask bench`: the benchmarks, each of which compares with a yardstick in the same run.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::cli::Bench;
use crate::packages::{self, Purpose};
use crate::{Result, draw_bench, dxbc_corpus, kernel, link_bench, process, toolchain};

/// Runs a benchmark; `arguments` (such as `--json`) go to it.
///
/// # Errors
/// Cargo's or the benchmark's failure.
pub fn task(which: Bench, arguments: &[OsString]) -> Result<ExitCode> {
    let mut arguments = arguments.to_vec();
    let (package, bench) = match which {
        Bench::Draw => return draw_bench::task(&draw_bench::Options::parse(&arguments)?),
        Bench::Link => return link_bench::task(&link_bench::Options::parse(&arguments)?),
        Bench::Ring => ("pvgpu-ring", "ring"),
        Bench::Encode => ("pvgpu-umd", "encode"),
        Bench::Kmd => {
            kernel::build()?;
            ("pvgpu-kernel-tests", "kmd")
        }
        Bench::Dxbc => {
            packages::ensure(Purpose::Shaders)?;
            // Fixtures are measured always, other people's shaders where they were fetched.
            arguments.extend(dxbc_corpus::fetched().into_iter().map(OsString::from));
            ("pvgpu-dxbc-tests", "dxbc")
        }
    };
    let mut cargo = toolchain::cargo();
    process::run(
        cargo.args(["bench", "--quiet", "--package", package, "--bench", bench, "--"]).args(arguments),
    )?;
    Ok(ExitCode::SUCCESS)
}
