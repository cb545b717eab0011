//! The golden cases on pvgpu: each is as the CPU computed it, and looks as on Wine's own renderer.

use pvgpu_e2e::{assert_log_clean, built};
use pvgpu_xtask::golden::{self, Judgement, Options};
use pvgpu_xtask::program::Renderer;
use pvgpu_xtask::wine::Display;

#[test]
fn golden_cases_are_as_they_must_be() {
    built(&Renderer::Pvgpu { link: None });
    let display = Display::start().expect("an X server starts");
    let options = Options { validate: true, ..Options::default() };
    let outcome = golden::run(&options, &display).unwrap_or_else(|error| panic!("{error}"));
    assert!(outcome.rows.len() >= 150, "only {} cases ran", outcome.rows.len());
    let failed: Vec<String> = outcome
        .rows
        .iter()
        .filter_map(|row| match &row.judgement {
            Judgement::Failed(why) => Some(format!("{}: {why}", row.name)),
            _ => None,
        })
        .collect();
    assert!(failed.is_empty(), "{} cases failed:\n{}", failed.len(), failed.join("\n"));
    for log in &outcome.logs {
        assert_log_clean(log);
    }
}
