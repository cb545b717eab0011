//! Looks at shader containers: `pvgpu-dxbc dump|compile|reflect FILE`.
//!
//! For developers. `dump` lists the program, `compile` translates it, `reflect` shows what a pipeline needs to know.
//! FILE is a DXBC container. Exit code 1: FILE is refused; the message names the rule. 2: the command line is wrong, or a
//! file cannot be read or written.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pvgpu_dxbc::{BindingLayout, CompileOptions, TargetCapabilities, compile, container, dump, reflect};
use rspirv::binary::Disassemble;

const USAGE: &str = "usage: pvgpu-dxbc dump [--ir] FILE [-o OUTPUT]
       pvgpu-dxbc compile [--spirv-text] FILE [-o OUTPUT]
       pvgpu-dxbc reflect FILE [-o OUTPUT]

  dump          list the program's tokens; with --ir, the module after each step of the compiler
  compile       translate to SPIR-V; the words go to OUTPUT only, the text (--spirv-text) anywhere
  reflect       show bindings, interface registers and fixed-function facts
  -o OUTPUT     write there, not to the standard output
";

/// Why nothing came of it, and the exit code that says so.
enum Failure {
    /// The file is not a container with a program that can be translated.
    Refused(String),
    /// The command line is wrong.
    Usage(String),
    /// The system refuses to read or write.
    System(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Dump,
    Compile,
    Reflect,
}

struct Arguments {
    command: Command,
    file: PathBuf,
    output: Option<PathBuf>,
    spirv_text: bool,
    ir: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Refused(message)) => {
            eprintln!("pvgpu-dxbc: {message}");
            ExitCode::from(1)
        }
        Err(Failure::System(message)) => {
            eprintln!("pvgpu-dxbc: {message}");
            ExitCode::from(2)
        }
        Err(Failure::Usage(message)) => {
            eprint!("pvgpu-dxbc: {message}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// The arguments; `None` if only the usage is asked for.
fn arguments() -> Result<Option<Arguments>, Failure> {
    use lexopt::prelude::*;
    let wrong = |error: lexopt::Error| Failure::Usage(error.to_string());
    let (mut command, mut file, mut output) = (None, None, None);
    let (mut spirv_text, mut ir) = (false, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next().map_err(wrong)? {
        match argument {
            Short('h') | Long("help") => return Ok(None),
            Short('o') | Long("output") => output = Some(PathBuf::from(parser.value().map_err(wrong)?)),
            Long("spirv-text") => spirv_text = true,
            Long("ir") => ir = true,
            Value(value) if command.is_none() => {
                command = Some(match value.to_str() {
                    Some("dump") => Command::Dump,
                    Some("compile") => Command::Compile,
                    Some("reflect") => Command::Reflect,
                    _ => return Err(Failure::Usage(format!("unknown command {}", value.display()))),
                });
            }
            Value(value) if file.is_none() => file = Some(PathBuf::from(value)),
            other => return Err(wrong(other.unexpected())),
        }
    }
    let command = command.ok_or_else(|| Failure::Usage("the command is missing".into()))?;
    let file = file.ok_or_else(|| Failure::Usage("the file is missing".into()))?;
    if spirv_text && command != Command::Compile || ir && command != Command::Dump {
        return Err(Failure::Usage("the option does not belong to this command".into()));
    }
    if command == Command::Compile && !spirv_text && output.is_none() {
        return Err(Failure::Usage("words need -o OUTPUT; --spirv-text prints them".into()));
    }
    Ok(Some(Arguments { command, file, output, spirv_text, ir }))
}

fn run() -> Result<(), Failure> {
    let Some(Arguments { command, file, output, spirv_text, ir }) = arguments()? else {
        print!("{USAGE}");
        return Ok(());
    };
    let at = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let refused = |error: pvgpu_dxbc::Error| Failure::Refused(at(&file, &error));
    let bytes = std::fs::read(&file).map_err(|error| Failure::System(at(&file, &error)))?;
    let shader = container::parse(&bytes).map_err(refused)?;
    let layout = BindingLayout::default();
    let options = CompileOptions::new(&layout, TargetCapabilities::default());
    let result = match command {
        Command::Dump if ir => {
            let mut text = String::new();
            pvgpu_dxbc::trace(&shader.tokens, &shader.signatures, &options, |step, listing| {
                text.push_str(&format!("; {}\n{listing}\n", step.name()));
            })
            .map_err(refused)?;
            text.into_bytes()
        }
        Command::Dump => dump(&shader.tokens).map_err(refused)?.into_bytes(),
        Command::Reflect => {
            let reflection = reflect(&shader.tokens, &shader.signatures, &layout).map_err(refused)?;
            format!("{reflection:#?}\n").into_bytes()
        }
        Command::Compile => {
            let spirv = compile(&shader.tokens, &shader.signatures, &options).map_err(refused)?.spirv;
            if spirv_text {
                let module =
                    rspirv::dr::load_words(&spirv).map_err(|error| Failure::Refused(at(&file, &error)))?;
                format!("{}\n", module.disassemble()).into_bytes()
            } else {
                spirv.iter().flat_map(|word| word.to_le_bytes()).collect()
            }
        }
    };
    match output {
        Some(path) => std::fs::write(&path, result).map_err(|error| Failure::System(at(&path, &error))),
        None => std::io::Write::write_all(&mut std::io::stdout(), &result)
            .map_err(|error| Failure::System(at(Path::new("standard output"), &error))),
    }
}
