//! `cargo xtask bench draw`: the same Direct3D program on pvgpu, on Wine's own renderer and on DXVK, in turns.
//!
//! All use the same Vulkan driver (Wine's own renderer OpenGL of the same machine). Rounds alternate between the renderers, so that
//! what else the machine does hits them alike; the median of the rounds counts. Ratios are against the first DXVK that works.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pvgpu_control::Guest;

use crate::daemon::Daemon;
use crate::program::{Output, Renderer, Request, run};
use crate::table::Table;
use crate::wine::Display;
use crate::{Error, Result, dxvk, packages, paths, progress, toolchain};

/// TIMEOUT: of one program. 10 figures of half a second each, and Wine's own renderer takes 1 s for a frame of 50,000 draws.
const TIMEOUT: Duration = Duration::from_secs(300);

/// What is started twice, to see which pipelines the second start makes in its frames.
const PROGRAM: &str = "cube.exe";
/// How often the worker's counters are looked at.
const LOOK: Duration = Duration::from_millis(30);

/// How to measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// About how long a figure may take, in seconds.
    pub seconds: f64,
    /// How often each renderer has its turn.
    pub rounds: usize,
    /// Only "draw" or "transfer".
    pub only: Option<String>,
    /// Build everything first.
    pub build: bool,
}

impl Options {
    /// Reads what follows `bench draw`.
    ///
    /// # Errors
    /// [`Error::Usage`] for anything unknown.
    pub fn parse(arguments: &[OsString]) -> Result<Self> {
        use lexopt::prelude::*;
        let mut options = Self { seconds: 0.5, rounds: 3, only: None, build: true };
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("seconds") => options.seconds = parser.value()?.parse()?,
                Long("rounds") => options.rounds = parser.value()?.parse()?,
                Long("only") => options.only = Some(parser.value()?.string()?),
                Long("no-build") => options.build = false,
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }
}

/// One figure: what, its size, its unit.
type Figure = (String, u64, String);

/// A renderer with what was measured.
struct Peer {
    name: String,
    renderer: Renderer,
    adapter: Option<String>,
    figures: BTreeMap<Figure, Vec<f64>>,
    /// Why it is left out.
    failure: Option<String>,
}

/// Measures and prints.
///
/// # Errors
/// If something of ours does not run; peers that do not are left out with a word.
pub fn task(options: &Options) -> Result<ExitCode> {
    packages::ensure(packages::Purpose::Programs)?;
    if options.build {
        toolchain::build_host()?;
        toolchain::build_windows()?;
    }
    let mut peers = vec![
        Peer::new("pvgpu", Renderer::Pvgpu { link: std::env::var("PVGPU_LINK").ok() }),
        Peer::new("Wine", Renderer::Other { dlls: None }),
    ];
    match dxvk::ensure() {
        Ok(versions) => peers.extend(versions.into_iter().map(|dxvk| {
            Peer::new(&format!("DXVK {}", dxvk.version), Renderer::Other { dlls: Some(dxvk.folder) })
        })),
        Err(error) => eprintln!("DXVK is left out: {error}"),
    }
    let display = Display::start()?;
    let mut order = Vec::new();
    for round in 1..=options.rounds {
        for peer in peers.iter_mut().filter(|peer| peer.failure.is_none()) {
            progress::step(format!("Round {round}: {}", peer.name), || {
                peer.measure(options, &display, &mut order)
            })?;
        }
    }
    if let Some(failure) = peers.first().and_then(|ours| ours.failure.as_ref()) {
        return Err(Error::Failed(format!("draw-bench fails on pvgpu: {failure}")));
    }
    print(&peers, &order, options);
    let starts = two_starts(&display)?;
    for (name, guest) in ["first", "second"].into_iter().zip(&starts) {
        println!(
            "{name} start of {PROGRAM}: {} pipelines, {} of them not before a draw needed them, {} not ready when one did",
            guest.pipelines, guest.pipelines_in_frames, guest.pipelines_late
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Starts a program twice with a fresh cache folder; the worker's last counters of each start.
fn two_starts(display: &Display) -> Result<Vec<Guest>> {
    let cache = paths::target("bench/cache");
    match fs::remove_dir_all(&cache) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::io("remove", &cache)(error));
        }
        _ => {}
    }
    let mut starts = Vec::new();
    for start in 0..2 {
        let daemon = Daemon::start_with_cache(&format!("bench-{}-{start}", std::process::id()), &cache)?;
        let renderer = Renderer::Pvgpu { link: Some(daemon.link().to_owned()) };
        let mut request = Request::new(renderer, paths::windows_file(PROGRAM));
        request.arguments = vec!["--frames".into(), "60".into()];
        request.timeout = Some(TIMEOUT);
        request.output = Output::File(paths::target("bench").join(format!("start-{start}.txt")));
        let ended = AtomicBool::new(false);
        let (outcome, guest) = std::thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                let mut last = Guest::default();
                while !ended.load(Ordering::Relaxed) {
                    let guests = daemon.status().map(|status| status.guests).unwrap_or_default();
                    if let Some(guest) = guests.into_iter().last() {
                        last = guest;
                    }
                    std::thread::sleep(LOOK);
                }
                last
            });
            let outcome = run(&request, display);
            ended.store(true, Ordering::Relaxed);
            (outcome, watcher.join().unwrap_or_default())
        });
        if outcome?.code != Some(0) {
            return Err(Error::Failed(format!("{PROGRAM} fails, see {}", daemon.log().display())));
        }
        starts.push(guest);
    }
    Ok(starts)
}

impl Peer {
    fn new(name: &str, renderer: Renderer) -> Self {
        Self { name: name.to_owned(), renderer, adapter: None, figures: BTreeMap::new(), failure: None }
    }

    /// Runs the program once; a peer that fails is left out from then on.
    fn measure(&mut self, options: &Options, display: &Display, order: &mut Vec<Figure>) -> Result<()> {
        let file = paths::target("bench").join(format!("draw-{}.txt", self.name.replace(' ', "-")));
        let mut request = Request::new(self.renderer.clone(), paths::windows_file("draw-bench.exe"));
        request.arguments = vec!["--seconds".into(), options.seconds.to_string().into()];
        if let Some(only) = &options.only {
            request.arguments.extend(["--only".into(), only.into()]);
        }
        request.timeout = Some(TIMEOUT);
        request.output = Output::File(file.clone());
        let outcome = run(&request, display)?;
        let text = fs::read_to_string(&file).map_err(Error::io("read", &file))?;
        if outcome.code != Some(0) {
            let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no message").to_owned();
            let ending = outcome.code.map_or("time ran out".to_owned(), |code| format!("exit code {code}"));
            eprintln!("    {} is left out: {ending}, {last}", self.name);
            self.failure = Some(format!("{ending}, {last}"));
            return Ok(());
        }
        self.read(&text, order);
        Ok(())
    }

    fn read(&mut self, text: &str, order: &mut Vec<Figure>) {
        for line in text.lines() {
            let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            if let Some(adapter) = line["adapter"].as_str() {
                self.adapter = Some(adapter.to_owned());
            }
            let text = |name: &str| line[name].as_str().map(str::to_owned);
            let (Some(what), Some(size), Some(unit), Some(value)) =
                (text("what"), line["size"].as_u64(), text("unit"), line["value"].as_f64())
            else {
                continue;
            };
            let figure = (what, size, unit);
            if !order.contains(&figure) {
                order.push(figure.clone());
            }
            self.figures.entry(figure).or_default().push(value);
        }
    }

    fn median(&self, figure: &Figure) -> Option<f64> {
        let mut values = self.figures.get(figure)?.clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}

fn print(peers: &[Peer], order: &[Figure], options: &Options) {
    let there: Vec<&Peer> = peers.iter().filter(|peer| peer.failure.is_none()).collect();
    let yardstick = there.iter().find(|peer| peer.name.starts_with("DXVK")).copied();
    let mut heading = vec!["what", "size", "unit"];
    heading.extend(there.iter().map(|peer| peer.name.as_str()));
    if yardstick.is_some() {
        heading.push("pvgpu / DXVK");
    }
    let mut table = Table::new(&heading);
    for figure in order {
        let mut row = vec![figure.0.clone(), figure.1.to_string(), figure.2.clone()];
        row.extend(there.iter().map(|peer| peer.median(figure).map_or("–".to_owned(), number)));
        if let Some(yardstick) = yardstick {
            let ours = there.first().and_then(|ours| ours.median(figure));
            let ratio = ours.zip(yardstick.median(figure)).map(|(ours, theirs)| ours / theirs);
            row.push(ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}")));
        }
        table.push(row);
    }
    println!("{table}");
    for peer in peers {
        let what = match (&peer.failure, &peer.adapter) {
            (Some(failure), _) => format!("left out ({failure})"),
            (None, Some(adapter)) => adapter.clone(),
            (None, None) => "no adapter named".to_owned(),
        };
        println!("{}: {what}", peer.name);
    }
    println!("{}, median of {} rounds of {} s a figure", machine(), options.rounds, options.seconds);
}

/// Four digits at most.
fn number(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// The processor, and how busy it was.
pub(crate) fn machine() -> String {
    let text = |file| fs::read_to_string(file).unwrap_or_default();
    let info = text("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = text("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    format!("{} ({cores} cores, load {load})", model.trim_start_matches([' ', '\t', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_defaults_and_refuse_the_unknown() {
        let parse = |line: &str| {
            let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            Options::parse(&words)
        };
        let defaults = parse("").expect("no options are fine");
        assert_eq!((defaults.rounds, defaults.build), (3, true));
        let given = parse("--seconds 0.1 --rounds 5 --only draw --no-build").expect("known options");
        assert_eq!(given, Options { seconds: 0.1, rounds: 5, only: Some("draw".to_owned()), build: false });
        assert!(parse("--turns 5").is_err());
    }

    #[test]
    fn figures_are_read_and_the_middle_one_counts() {
        let mut peer = Peer::new("one", Renderer::Reference);
        let mut order = Vec::new();
        let line = |value: u32| {
            format!("noise\n{{\"what\":\"draws\",\"size\":10,\"unit\":\"million/s\",\"value\":{value}}}\n")
        };
        for value in [3, 1, 2] {
            peer.read(&line(value), &mut order);
        }
        peer.read("{\"adapter\":\"a GPU\"}", &mut order);
        assert_eq!(order.len(), 1);
        assert_eq!(order.first().and_then(|figure| peer.median(figure)), Some(2.0));
        assert_eq!(peer.adapter.as_deref(), Some("a GPU"));
    }
}
