//! Compiles HLSL files with Microsoft's `d3dcompiler_47.dll`, which is looked for as any DLL is.
//!
//! `pvgpu-fxc INPUT.hlsl OUTPUT.dxbc PROFILE ENTRY …`, four arguments for each file, run under Wine by `cargo xtask hlsl`
//! (starting Wine takes far longer than compiling, hence several files at once). Exit code 0 and all containers
//! written; or 1 and the compiler's own messages on standard error. Unsafe code is in `compiler` only.

#[cfg(windows)]
mod compiler;

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (files, rest) = arguments.as_chunks::<4>();
    if files.is_empty() || !rest.is_empty() {
        eprintln!("usage: pvgpu-fxc INPUT.hlsl OUTPUT.dxbc PROFILE ENTRY ...");
        return std::process::ExitCode::from(2);
    }
    let mut exit = std::process::ExitCode::SUCCESS;
    for [input, output, profile, entry] in files {
        let result = std::fs::read(input)
            .map_err(|error| format!("cannot read {input}: {error}"))
            .and_then(|source| compiler::compile(&source, input, profile, entry))
            .and_then(|code| {
                std::fs::write(output, code).map_err(|error| format!("cannot write {output}: {error}"))
            });
        if let Err(message) = result {
            eprintln!("{message}");
            exit = std::process::ExitCode::FAILURE;
        }
    }
    exit
}

#[cfg(not(windows))]
fn main() {
    eprintln!("pvgpu-fxc is a Windows program: `cargo xtask hlsl` builds it and runs it under Wine");
}
