//! Writes the corpus that the fuzz targets start from, `corpus/TARGET`: the fixtures, in each target's form.

use std::path::Path;

use pvgpu_dxbc_tests::fixture::fixtures;
use pvgpu_dxbc_tests::mutation::case::{Case, Choice};

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = corpus.join(target);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(name), bytes)
    };
    let fixtures = fixtures();
    for fixture in &fixtures {
        let shader = &fixture.shader;
        let case = Case {
            tokens: shader.tokens.clone(),
            signatures: shader.signatures.clone(),
            choice: Choice::default(),
        };
        write("fuzz_container", &fixture.name, &fixture.bytes)?;
        write("fuzz_tokens", &fixture.name, &case.to_bytes())?;
        write("fuzz_structured", &fixture.name, &case.to_bytes())?;
    }
    println!("{} fixtures for each target in {}", fixtures.len(), corpus.display());
    Ok(())
}
