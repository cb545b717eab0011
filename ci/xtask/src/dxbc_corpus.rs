//! `cargo xtask dxbc-corpus`: other people's shaders, translated and judged by `dxbc-corpus` of ci/dxbc.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::cli::Corpus;
use crate::packages::{self, Purpose};
use crate::{Error, Result, paths, process, progress, sdl, source_package, toolchain};

/// Source packages of Debian 12 that hold compiled D3D11 shaders: SDL's renderers, Wine's libraries and their tests.
const SOURCE_PACKAGES: [&str; 2] = [sdl::SOURCE_PACKAGE, "wine"];

/// Builds the judge and runs it over the corpus; its exit code becomes the task's.
///
/// # Errors
/// If a folder does not exist, a download or the build fails, or the judge finds something wrong.
pub fn task(corpus: &Corpus) -> Result<ExitCode> {
    let folders = match corpus {
        Corpus::Fetch => {
            SOURCE_PACKAGES.into_iter().map(source_package::ensure).collect::<Result<Vec<_>>>()?
        }
        Corpus::Folders(folders) => {
            folders.iter().try_for_each(|folder| must_exist(folder))?;
            folders.clone()
        }
    };
    packages::ensure(Purpose::Shaders)?;
    progress::step("Building the judge of shaders", || {
        let build = ["build", "--quiet", "--release", "--package", "pvgpu-dxbc-tests", "--bins"];
        process::run(toolchain::cargo().args(build))
    })?;
    process::run(Command::new(paths::host_program("dxbc-corpus")).args(folders))?;
    Ok(ExitCode::SUCCESS)
}

/// The source packages with shaders that were fetched before.
pub fn fetched() -> Vec<PathBuf> {
    SOURCE_PACKAGES.into_iter().map(source_package::folder).filter(|folder| folder.exists()).collect()
}

fn must_exist(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    Err(Error::Usage(format!("{} is no folder, so there are no shaders in it", folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_is_named_before_anything_is_built() {
        let error = task(&Corpus::Folders(vec![PathBuf::from("/nowhere/shaders")])).unwrap_err();
        assert!(error.to_string().contains("/nowhere/shaders is no folder"), "{error}");
    }
}
