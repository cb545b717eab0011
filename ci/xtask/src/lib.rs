//! The project's tasks: everything from a bare Debian machine to rendered frames and test results.
//!
//! A library so that `ci/e2e` can run programs in the same way as `cargo xtask run` does. One module is one thing to do or
//! one tool to drive:
//!
//! - what is needed: [`packages`], [`toolchain`], [`kernel`], [`wheel`], [`source_package`], [`dxvk`], [`sdl`], [`hlsl`];
//! - running Windows programs: [`wine`], [`daemon`], [`program`]; a virtual machine: [`vm`];
//! - looking at the result: [`compare`], [`table`];
//! - whole tasks: [`demo`], [`test`], [`bench`], [`draw_bench`], [`link_bench`], [`package`], [`dxbc_corpus`], [`conformance`], [`golden`],
//!   [`client`], named in [`cli`]; [`catalog`] lists the programs that they run.
//!
//! Invariants: nothing is written outside `target/` (compiled shaders excepted, which lie beside their source, and the plots of
//! `bench link` in `docs/`), `/dev/shm`,
//! and, for a root user, the system's packages. Every process started here is ended here.

#![forbid(unsafe_code)]

use std::process::ExitCode;

pub mod bench;
pub mod catalog;
pub mod cli;
pub mod client;
pub mod compare;
pub mod conformance;
pub mod daemon;
pub mod demo;
pub mod draw_bench;
pub mod dxbc_corpus;
pub mod dxvk;
pub mod error;
pub mod golden;
pub mod hlsl;
mod imports;
pub mod kernel;
pub mod link_bench;
pub mod mesa;
pub mod package;
pub mod packages;
pub mod paths;
pub mod process;
pub mod program;
pub mod progress;
pub mod sdl;
pub mod source_package;
pub mod table;
pub mod test;
pub mod toolchain;
pub mod vm;
pub mod wheel;
pub mod wine;

pub use error::{Error, Result};

/// Does what the command line asks for.
///
/// # Errors
/// A sentence for the user; everything else that went wrong was printed before.
pub fn perform(task: cli::Task) -> Result<ExitCode> {
    match task {
        cli::Task::Help => {
            println!("{}", cli::HELP);
            Ok(ExitCode::SUCCESS)
        }
        cli::Task::Setup => {
            packages::ensure(packages::Purpose::Everything)?;
            wine::template()?;
            Ok(ExitCode::SUCCESS)
        }
        cli::Task::Build => {
            packages::ensure(packages::Purpose::Programs)?;
            toolchain::build_host()?;
            toolchain::build_windows()?;
            kernel::build()?;
            Ok(ExitCode::SUCCESS)
        }
        cli::Task::Run(request) => program::task(&request),
        cli::Task::Demo => demo::task(),
        cli::Task::Test => test::task(),
        cli::Task::Client(options) => client::task(&options),
        cli::Task::Golden(options) => golden::task(&options),
        cli::Task::Hlsl => hlsl::task(),
        cli::Task::Sdl => {
            packages::ensure(packages::Purpose::Programs)?;
            client::ensure()?;
            Ok(ExitCode::SUCCESS)
        }
        cli::Task::Kernel => {
            packages::ensure(packages::Purpose::Programs)?;
            kernel::build()?;
            Ok(ExitCode::SUCCESS)
        }
        cli::Task::Package(options) => package::task(&options),
        cli::Task::Conformance(options) => conformance::task(&options),
        cli::Task::DxbcCorpus(corpus) => dxbc_corpus::task(&corpus),
        cli::Task::Bench { which, arguments } => bench::task(which, &arguments),
    }
}
