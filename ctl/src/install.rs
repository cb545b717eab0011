//! The command lines of `install` and `uninstall`, which exist on Windows only.

use std::path::PathBuf;

use pvgpu_inf::package::INF;
use pvgpu_install::{Request, Which};

/// Reads what follows `install`.
///
/// # Errors
/// A sentence that names the mistake.
pub fn install(parser: &mut lexopt::Parser) -> Result<Request, lexopt::Error> {
    use lexopt::prelude::*;
    let (mut inf, mut device, mut force, mut dry_run) = (None, Which::Auto, false, false);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("inf") => inf = Some(PathBuf::from(parser.value()?)),
            Long("device") => device = which(&parser.value()?.string()?)?,
            Long("force") => force = true,
            Long("dry-run") => dry_run = true,
            other => return Err(other.unexpected()),
        }
    }
    Ok(Request::Install { inf: inf.unwrap_or_else(beside_this_program), device, force, dry_run })
}

/// Reads what follows `uninstall`.
///
/// # Errors
/// A sentence that names the mistake.
pub fn uninstall(parser: &mut lexopt::Parser) -> Result<Request, lexopt::Error> {
    use lexopt::prelude::*;
    let mut dry_run = false;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("dry-run") => dry_run = true,
            other => return Err(other.unexpected()),
        }
    }
    Ok(Request::Uninstall { dry_run })
}

fn which(name: &str) -> Result<Which, lexopt::Error> {
    match name {
        "auto" => Ok(Which::Auto),
        "pci" => Ok(Which::Pci),
        "root" => Ok(Which::Root),
        _ => Err(format!("device {name:?} is none of auto, pci, root").into()),
    }
}

/// The package's folder is where this program lies.
fn beside_this_program() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.with_file_name(INF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(line: &str) -> Result<Request, lexopt::Error> {
        install(&mut lexopt::Parser::from_args(line.split_whitespace()))
    }

    #[test]
    fn command_lines() {
        let all = installed("--inf a/b.inf --device root --force --dry-run").expect("legal");
        let wanted =
            Request::Install { inf: "a/b.inf".into(), device: Which::Root, force: true, dry_run: true };
        assert_eq!(all, wanted);
        let Ok(Request::Install { inf, device: Which::Auto, force: false, dry_run: false }) = installed("")
        else {
            panic!("the defaults are others");
        };
        assert!(inf.ends_with(INF) && inf.is_absolute());
        for wrong in ["--device usb", "--inf", "now", "--json"] {
            assert!(installed(wrong).is_err(), "{wrong}");
        }
        let mut dry = lexopt::Parser::from_args(["--dry-run"]);
        assert_eq!(uninstall(&mut dry).ok(), Some(Request::Uninstall { dry_run: true }));
        assert!(uninstall(&mut lexopt::Parser::from_args(["--force"])).is_err());
    }
}
