//! Looks at shader containers: `pvgpu-dxbc dump|compile|reflect FILE [OUTPUT]`.
//!
//! For developers. `dump` lists the program, `compile` writes SPIR-V to OUTPUT (or lists it), `reflect` shows what a
//! pipeline needs to know. FILE is a DXBC container.

use std::process::ExitCode;

use pvgpu_dxbc::{BindingLayout, CompileOptions, TargetCapabilities, compile, container, dump, reflect};
use rspirv::binary::Disassemble;

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("pvgpu-dxbc: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<String, String> {
    let (command, file, output) = match arguments {
        [command, file] => (command.as_str(), file, None),
        [command, file, output] if command == "compile" => (command.as_str(), file, Some(output)),
        _ => return Err("usage: pvgpu-dxbc dump|compile|reflect FILE [OUTPUT]".into()),
    };
    let bytes = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    let shader = container::parse(&bytes).map_err(|error| format!("{file}: {error}"))?;
    let layout = BindingLayout::default();
    let fail = |error: pvgpu_dxbc::Error| format!("{file}: {error}");
    match command {
        "dump" => dump(&shader.tokens).map_err(fail),
        "reflect" => {
            let reflection = reflect(&shader.tokens, &shader.signatures, &layout).map_err(fail)?;
            Ok(format!("{reflection:#?}\n"))
        }
        "compile" => {
            let options = CompileOptions::new(&layout, TargetCapabilities::default());
            let spirv = compile(&shader.tokens, &shader.signatures, &options).map_err(fail)?.spirv;
            match output {
                Some(path) => {
                    let bytes: Vec<u8> = spirv.iter().flat_map(|word| word.to_le_bytes()).collect();
                    std::fs::write(path, bytes).map_err(|error| format!("{path}: {error}"))?;
                    Ok(String::new())
                }
                None => {
                    let module =
                        rspirv::dr::load_words(&spirv).map_err(|error| format!("{file}: {error}"))?;
                    Ok(format!("{}\n", module.disassemble()))
                }
            }
        }
        _ => Err(format!("unknown command {command}")),
    }
}
