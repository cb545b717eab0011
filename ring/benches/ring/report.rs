//! The figures, for people and for programs.

use std::process::ExitCode;

/// One measurement and its counterpart.
pub struct Figure {
    /// What was measured.
    pub name: &'static str,
    /// In which unit both are.
    pub unit: &'static str,
    /// The ring's figure.
    pub ring: f64,
    /// What it is compared with.
    pub counterpart: &'static str,
    /// That one's figure.
    pub other: f64,
    /// The ring's figure by the other one.
    pub ratio: f64,
    /// The bar in words.
    pub bar: &'static str,
    /// Whether it is met.
    pub met: bool,
}

/// The middle of some values.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints the figures; fails when a bar is missed.
pub fn print(figures: &[Figure], json: bool) -> ExitCode {
    if json {
        let rows: Vec<_> = figures.iter().map(row).collect();
        println!("{}", serde_json::json!({ "bench": "ring", "figures": rows }));
    } else {
        for figure in figures {
            println!(
                "{:34} {:9.2} {:10} {:22} {:9.2}  ratio {:5.2}  {} {}",
                figure.name,
                figure.ring,
                figure.unit,
                figure.counterpart,
                figure.other,
                figure.ratio,
                if figure.met { "met:   " } else { "MISSED:" },
                figure.bar,
            );
        }
    }
    if figures.iter().all(|figure| figure.met) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn row(figure: &Figure) -> serde_json::Value {
    serde_json::json!({
        "name": figure.name,
        "unit": figure.unit,
        "ring": figure.ring,
        "counterpart": figure.counterpart,
        "other": figure.other,
        "ratio": figure.ratio,
        "bar": figure.bar,
        "met": figure.met,
    })
}
