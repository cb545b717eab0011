//! The figures as tables or JSON, and the project's bars.

use std::process::ExitCode;
use std::time::Duration;

use pvgpu_dxbc_tests::statistics::{median, quantile};

use crate::measure::{Failures, Figures, Outcome, Shader};

/// How to print.
#[derive(Clone, Copy, Default)]
pub struct Options {
    /// One line of JSON instead of tables.
    pub json: bool,
    /// Each shader as well.
    pub list: bool,
}

/// A limit of the project and what was measured.
struct Bar {
    name: &'static str,
    measured: f64,
    limit: f64,
    /// Whether another machine would give another figure.
    is_time: bool,
}

impl Bar {
    fn holds(&self) -> bool {
        self.measured <= self.limit
    }
}

/// What is told of one compiler.
struct Side {
    name: &'static str,
    failures: Failures,
    whole: [f64; 2],
    tokens: [f64; 2],
}

/// Prints everything.
pub fn print(outcome: &Outcome, options: Options) -> ExitCode {
    if outcome.shaders.is_empty() {
        eprintln!("no shader was translated by both compilers");
        return ExitCode::FAILURE;
    }
    let shaders = &outcome.shaders;
    let sides = [
        side("pvgpu-dxbc", outcome.ours, shaders, |shader| &shader.ours),
        side("vkd3d-shader", outcome.vkd3d, shaders, |shader| &shader.vkd3d),
    ];
    let ratios = |of: fn(&Figures) -> usize| -> Vec<f64> {
        shaders.iter().map(|shader| of(&shader.ours) as f64 / of(&shader.vkd3d) as f64).collect()
    };
    let module = ratios(|figures| figures.instructions.module);
    let functions = ratios(|figures| figures.instructions.functions);
    let middle = |ratios: &[f64]| [0.5, 0.9].map(|share| quantile(ratios, share).unwrap_or(f64::NAN));
    let [module, functions] = [middle(&module), middle(&functions)];
    let bars = [
        Bar {
            name: "median time ÷ vkd3d's",
            measured: sides[0].whole[0] / sides[1].whole[0],
            limit: 5.0,
            is_time: true,
        },
        Bar { name: "median time, µs", measured: sides[0].whole[0], limit: 100.0, is_time: true },
        Bar {
            name: "99th percentile of times, µs",
            measured: sides[0].whole[1],
            limit: 1000.0,
            is_time: true,
        },
        Bar { name: "median ratio of instructions, module", measured: module[0], limit: 1.3, is_time: false },
        Bar {
            name: "median ratio of instructions, functions",
            measured: functions[0],
            limit: 1.3,
            is_time: false,
        },
    ];
    if options.json {
        print_json(outcome, &sides, module, functions, &bars, options);
    } else {
        print_tables(outcome, &sides, module, functions, &bars, options);
    }
    if bars.iter().all(|bar| bar.is_time || bar.holds()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn side(name: &'static str, failures: Failures, shaders: &[Shader], of: fn(&Shader) -> &Figures) -> Side {
    let two = |time: fn(&Figures) -> Duration| {
        let times: Vec<f64> = shaders.iter().map(|shader| microseconds(time(of(shader)))).collect();
        [median(&times), quantile(&times, 0.99)].map(|value| value.unwrap_or(f64::NAN))
    };
    Side { name, failures, whole: two(|figures| figures.whole), tokens: two(|figures| figures.tokens) }
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn print_tables(
    outcome: &Outcome,
    sides: &[Side; 2],
    module: [f64; 2],
    functions: [f64; 2],
    bars: &[Bar],
    options: Options,
) {
    if options.list {
        println!("{:>9} {:>9} {:>7} {:>7} {:>6}  shader", "ours µs", "vkd3d µs", "ours", "vkd3d", "ratio");
        let mut shaders: Vec<&Shader> = outcome.shaders.iter().collect();
        let ratio = |shader: &Shader| {
            shader.ours.instructions.functions as f64 / shader.vkd3d.instructions.functions as f64
        };
        shaders.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)));
        for shader in shaders {
            println!(
                "{:9.1} {:9.1} {:7} {:7} {:6.2}  {}",
                microseconds(shader.ours.whole),
                microseconds(shader.vkd3d.whole),
                shader.ours.instructions.functions,
                shader.vkd3d.instructions.functions,
                ratio(shader),
                shader.origin
            );
        }
        println!();
    }
    println!("{} of {} containers are translated by both", outcome.shaders.len(), outcome.given);
    for side in sides {
        let Failures { refused, crashed } = side.failures;
        println!("{:<14} refused {refused}, crashed {crashed}", side.name);
    }
    println!("\nper shader       median      99th percentile");
    for side in sides {
        println!("{:<14} {:6.1} µs  {:9.1} µs   from the container", side.name, side.whole[0], side.whole[1]);
    }
    let ours = &sides[0];
    println!("{:<14} {:6.1} µs  {:9.1} µs   from its tokens", ours.name, ours.tokens[0], ours.tokens[1]);
    println!("\ninstructions ÷ vkd3d's   median   90th percentile");
    println!("whole module             {:6.3}   {:6.3}", module[0], module[1]);
    println!("in functions             {:6.3}   {:6.3}\n", functions[0], functions[1]);
    for bar in bars {
        let word = if bar.holds() { "holds" } else { "MISSED" };
        println!("{word:<6}  {}: {:.3} (at most {})", bar.name, bar.measured, bar.limit);
    }
}

fn print_json(
    outcome: &Outcome,
    sides: &[Side; 2],
    module: [f64; 2],
    functions: [f64; 2],
    bars: &[Bar],
    options: Options,
) {
    let sides = sides.each_ref().map(|side| {
        serde_json::json!({
            "compiler": side.name,
            "refused": side.failures.refused,
            "crashed": side.failures.crashed,
            "container_median_us": side.whole[0],
            "container_p99_us": side.whole[1],
            "tokens_median_us": side.tokens[0],
            "tokens_p99_us": side.tokens[1],
        })
    });
    let bars: Vec<_> = bars
        .iter()
        .map(|bar| {
            serde_json::json!({
                "name": bar.name, "measured": bar.measured, "limit": bar.limit, "holds": bar.holds(),
            })
        })
        .collect();
    let figures = |figures: &Figures| {
        serde_json::json!({
            "container_us": microseconds(figures.whole),
            "tokens_us": microseconds(figures.tokens),
            "module": figures.instructions.module,
            "functions": figures.instructions.functions,
        })
    };
    let shaders: Vec<_> = outcome
        .shaders
        .iter()
        .filter(|_| options.list)
        .map(|shader| {
            serde_json::json!({
                "origin": shader.origin, "ours": figures(&shader.ours), "vkd3d": figures(&shader.vkd3d),
            })
        })
        .collect();
    println!(
        "{}",
        serde_json::json!({
            "bench": "dxbc",
            "given": outcome.given,
            "compared": outcome.shaders.len(),
            "compilers": sides,
            "instructions_module": { "median": module[0], "p90": module[1] },
            "instructions_functions": { "median": functions[0], "p90": functions[1] },
            "bars": bars,
            "shaders": shaders,
        })
    );
}
