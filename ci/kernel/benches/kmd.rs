//! What the driver's image costs under the model, with the verifier's costly checks off.
//!
//! | figure | bar |
//! |---|---|
//! | Render and SubmitCommand of a fence marker | 2 µs (median) |
//! | the driver's pool allocations from a flush through interrupt, DPC and report | 0 |
//! | calls of the driver for a draw | 0 |
//! | kernel calls of user mode for a flush | 1 |
//! | a trace record | 100 ns |
//! | the image | 512 KiB |
//! | wake-ups in a second with nothing in flight | those of the heartbeat's timer, at most 20 |
//!
//! `--json` prints one line of JSON instead of a table. The process fails when a bar is missed that does not depend on the
//! machine.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use pvgpu_dxgkrnl::strict::Options;
use pvgpu_kernel_tests::image;
use pvgpu_kernel_tests::rig::{Ended, Failure, Rig, SOON, require};
use pvgpu_kernel_tests::user::{UserContext, request};
use pvgpu_protocol::aperture::HEARTBEAT_MS;
use pvgpu_protocol::kernel_interface::{Doorbell, Trace};
use pvgpu_protocol::telemetry::Level;

/// Submissions measured.
const SUBMISSIONS: usize = 20_000;
/// Submissions before anybody waits, as a program that draws ahead.
const AHEAD: usize = 16;
/// Escapes measured.
const ESCAPES: u32 = 200_000;

struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    /// The bar, and whether it holds on every machine.
    bar: Option<(f64, bool)>,
}

fn main() -> ExitCode {
    let json = std::env::args().any(|argument| argument == "--json");
    let figures = match measure() {
        Ok(figures) => figures,
        Err(failure) => {
            eprintln!("the driver does not run: {failure}");
            return ExitCode::FAILURE;
        }
    };
    if json {
        let fields: Vec<String> = figures
            .iter()
            .map(|figure| format!("\"{} ({})\":{:.1}", figure.name, figure.unit, figure.value))
            .collect();
        println!("{{{}}}", fields.join(","));
    } else {
        for Figure { name, value, unit, bar } in &figures {
            let bar = bar.map(|(bar, _)| format!("  (bar {bar:.0})")).unwrap_or_default();
            println!("{name:<58} {value:>10.1} {unit}{bar}");
        }
    }
    let missed =
        figures.iter().filter(|figure| figure.bar.is_some_and(|(bar, firm)| firm && figure.value > bar));
    let missed: Vec<&str> = missed.map(|figure| figure.name).collect();
    if missed.is_empty() {
        ExitCode::SUCCESS
    } else {
        eprintln!("missed: {}", missed.join(", "));
        ExitCode::FAILURE
    }
}

fn measure() -> Ended<Vec<Figure>> {
    let options = Options { strict: false, ..Options::default() };
    let rig = Rig::boot(options, 0)
        .map_err(|outcome| outcome.result.err().unwrap_or(Failure::Wrong("it fails")))?;
    let _host = rig.bring_up()?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let mut context = UserContext::create(&process, &device)?;
    for _ in 0..200 {
        context.flush()?;
    }
    context.wait(SOON)?;

    let mut figures = submissions(&rig, &mut context)?;
    figures.push(trace_record(&context)?);
    figures.push(Figure {
        name: "image",
        // CAST: a file's size as a figure.
        value: image::bytes().len() as f64 / 1024.0,
        unit: "KiB",
        bar: Some((512.0, true)),
    });
    figures.push(idle(&rig, &context)?);
    drop(context);
    process.kill();
    rig.system.unload();
    let clean = rig.system.violations().is_empty();
    require(clean, "the driver broke a rule")?;
    Ok(figures)
}

/// The time of a submission, what it allocates, and the calls that it makes.
fn submissions(rig: &Rig, context: &mut UserContext) -> Ended<Vec<Figure>> {
    let mut times = Vec::with_capacity(SUBMISSIONS);
    let mut draws = 0;
    let (_, pool_before) = rig.system.pool();
    let mut kernel_calls = 0_u32;
    for index in 0..SUBMISSIONS {
        let before = rig.system.driver_calls();
        context.draw();
        let marker = context.fence(0);
        if index % AHEAD == 0 {
            // Nothing is in flight here, so nobody else calls the driver but its timer.
            draws += rig.system.driver_calls() - before;
        }
        let prepared = context.prepare(&marker);
        let start = Instant::now();
        context.submit(prepared)?;
        times.push(start.elapsed());
        kernel_calls += 1;
        if index % AHEAD == AHEAD - 1 {
            require(rig.system.wait_idle(SOON), "a submission is not reported")?;
        }
    }
    let (_, pool_after) = rig.system.pool();
    times.sort_unstable();
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1e9;
    // CAST: counts as figures.
    let count = SUBMISSIONS as f64;
    Ok(vec![
        Figure {
            name: "Render + SubmitCommand of a fence marker, median",
            value: at(50),
            unit: "ns",
            bar: Some((2000.0, false)),
        },
        Figure {
            name: "Render + SubmitCommand of a fence marker, p99",
            value: at(99),
            unit: "ns",
            bar: None,
        },
        Figure {
            name: "pool allocations, flush to interrupt to DPC to report",
            value: (pool_after - pool_before) as f64 / count,
            unit: "a flush",
            bar: Some((0.0, true)),
        },
        Figure {
            name: "kernel calls of user mode",
            value: f64::from(kernel_calls) / count,
            unit: "a flush",
            bar: Some((1.0, true)),
        },
        Figure {
            name: "calls of the driver while a draw and a fence are encoded",
            value: (draws as f64 / (count / AHEAD as f64)).floor(),
            unit: "a draw",
            bar: Some((0.0, true)),
        },
    ])
}

/// A trace record: an escape that writes one, less the same that does not.
fn trace_record(context: &UserContext) -> Ended<Figure> {
    let mut trace: Trace = request();
    trace.code = 1;
    let mut times = [Duration::ZERO; 2];
    // Turn by turn, so that a change of the processor's speed hits both.
    for turn in 0..20 {
        let which = turn % 2;
        trace.level = [Level::Error, Level::Verbose][which].to_wire();
        let start = Instant::now();
        for _ in 0..ESCAPES / 20 {
            context.escape(&mut trace)?;
        }
        times[which] += start.elapsed();
    }
    context.escape(&mut request::<Doorbell>())?;
    let each = |time: Duration| time.as_secs_f64() * 1e9 / f64::from(ESCAPES / 2);
    Ok(Figure {
        name: "trace record",
        value: (each(times[0]) - each(times[1])).max(0.0),
        unit: "ns",
        bar: Some((100.0, false)),
    })
}

/// Wake-ups of the system's processor in a second in which nothing is in flight.
fn idle(rig: &Rig, context: &UserContext) -> Ended<Figure> {
    context.wait(SOON)?;
    require(rig.system.wait_idle(SOON), "something is in flight")?;
    std::thread::sleep(Duration::from_millis(50));
    let before = rig.system.wakes();
    std::thread::sleep(Duration::from_secs(1));
    let wakes = rig.system.wakes() - before;
    Ok(Figure {
        name: "wake-ups in a second with nothing in flight",
        // CAST: counts as figures.
        value: wakes as f64,
        unit: "",
        // The heartbeat must rise every HEARTBEAT_MS; its timer is shorter, since NT may be late, but not twice as short.
        bar: Some(((2 * 1000 / HEARTBEAT_MS) as f64, true)),
    })
}
