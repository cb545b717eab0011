//! `cargo xtask bench link`: what a link between two machines gives to programs, against round trip and rate, beside plain TCP.
//!
//! Both machines are network namespaces of this one, with a path of `pvgpu-netlab` between them: [`points`] says which. At each point
//! plain TCP on the path and the link over the same path have their turns, in an order that changes from round to round, and the median of
//! the rounds counts. The table is printed, and everything written to `target/bench/link.json`; [`plot`] makes pictures of it.
//!
//! Both machines and, for a path with a delay, the relay share the processor, so that a point is as fast as the whole machine at most.

mod cpu;
pub mod plot;
pub mod points;
pub mod product;
pub mod results;

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use pvgpu_netlab::{Lab, Side, measure};

use crate::draw_bench::machine;
use crate::wine::Display;
use crate::{Error, Result, packages, paths, process, progress, sdl, toolchain};
use points::{Axis, Point};
use product::{Measured, Product};
use results::{Figure, Results};

/// Bytes of a message that goes there and back.
const MESSAGE: usize = 64;

/// How to measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// About how long a figure may take, in seconds.
    pub seconds: f64,
    /// How often each point has its turn.
    pub rounds: usize,
    /// Only points whose name begins so.
    pub only: Option<String>,
    /// Only plain TCP.
    pub bare: bool,
    /// Windows programs, too; without them it takes a fifth of the time.
    pub programs: bool,
    /// Measure nothing; make the plots of the last run.
    pub plot: bool,
    /// Build everything first.
    pub build: bool,
}

impl Options {
    /// Reads what follows `bench link`.
    ///
    /// # Errors
    /// [`Error::Usage`] for anything unknown.
    pub fn parse(arguments: &[OsString]) -> Result<Self> {
        use lexopt::prelude::*;
        let mut options = Self {
            seconds: 3.0,
            rounds: 3,
            only: None,
            bare: false,
            programs: true,
            plot: false,
            build: true,
        };
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("seconds") => options.seconds = parser.value()?.parse()?,
                Long("rounds") => options.rounds = parser.value()?.parse()?,
                Long("only") => options.only = Some(parser.value()?.string()?),
                Long("bare") => options.bare = true,
                Long("no-programs") => options.programs = false,
                Long("plot") => options.plot = true,
                Long("no-build") => options.build = false,
                other => return Err(other.unexpected().into()),
            }
        }
        let points = options.points();
        if points.is_empty() {
            return Err(Error::Usage(
                "no point's name begins so; try \"rtt\", \"rate\", \"cable\", \"rough\" or \"veth\""
                    .to_owned(),
            ));
        }
        if options.rounds == 0 || Duration::try_from_secs_f64(options.seconds).is_err() {
            return Err(Error::Usage("there must be a round and some seconds".to_owned()));
        }
        Ok(options)
    }

    fn points(&self) -> Vec<Point> {
        let wanted =
            |point: &Point| self.only.as_ref().is_none_or(|name| point.name.starts_with(name.as_str()));
        points::all().into_iter().filter(wanted).filter(|point| !self.bare || point.spec.is_some()).collect()
    }
}

/// Measures, prints, writes and plots.
///
/// # Errors
/// If there are no namespaces to be had, or something cannot be built or written. What the link cannot do yet is said in the table.
pub fn task(options: &Options) -> Result<ExitCode> {
    let file = paths::target("bench/link.json");
    if options.plot {
        let text = fs::read_to_string(&file).map_err(Error::io("read", &file))?;
        return plots(&Results::from_json(&text, &points::all())?);
    }
    packages::ensure(packages::Purpose::Programs)?;
    become_root_of_a_namespace()?;
    if !options.bare {
        if options.build {
            toolchain::build_host()?;
            if options.programs {
                toolchain::build_windows()?;
            }
        }
        if options.programs {
            sdl::ensure()?;
        }
    }
    let results = measure_all(options)?;
    print!("\n{}", results.text());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
    }
    let json = serde_json::to_string_pretty(&results.to_json())
        .map_err(|error| Error::Failed(format!("the results cannot be written as JSON: {error}")))?;
    fs::write(&file, json + "\n").map_err(Error::io("write", &file))?;
    println!("Written to {}.", file.display());
    // A part of the points or none of the programs is no picture to keep.
    if options.bare || !options.programs || options.only.is_some() {
        Ok(ExitCode::SUCCESS)
    } else {
        plots(&results)
    }
}

fn plots(results: &Results) -> Result<ExitCode> {
    for (name, drawn) in plot::all(results) {
        let file = paths::root().join("docs").join(name);
        match drawn? {
            None => println!("{name}: there are no frame rates to draw"),
            Some(picture) => {
                picture.save(&file)?;
                println!("Drawn: {}", file.display());
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A user who is not root starts this program again as the root of a user namespace, where there are such.
fn become_root_of_a_namespace() -> Result<()> {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user"]);
        command
    };
    if packages::is_root()? || !process::works(unshare().arg("true")) {
        // Without namespaces the lab says what to do.
        return Ok(());
    }
    let program = std::env::current_exe()
        .map_err(|source| Error::Io { what: "cannot find this program".to_owned(), source })?;
    // Returns only if it fails.
    let source = unshare().arg(program).args(std::env::args_os().skip(1)).exec();
    Err(Error::Io { what: "cannot start again in a user namespace".to_owned(), source })
}

fn measure_all(options: &Options) -> Result<Results> {
    let mut results = Results::new(machine(), options.rounds, options.points());
    let points = results.points.clone();
    let display = if options.bare || !options.programs { None } else { Some(Display::start()?) };
    // A link that does not start anywhere is not tried again everywhere.
    let mut broken: Option<String> = None;
    for round in 0..options.rounds {
        for (number, point) in points.iter().enumerate() {
            let name = format!("Round {}: {}", round + 1, point.name);
            let measured = progress::step(name, || at(point, options, round, display.as_ref(), &mut broken))?;
            for (figure, value) in measured {
                match value {
                    Ok(value) => results.push(number, figure, value),
                    Err(reason) => results.miss(number, figure, &reason),
                }
            }
        }
    }
    Ok(results)
}

/// One turn of a point.
fn at(
    point: &Point,
    options: &Options,
    round: usize,
    display: Option<&Display>,
    broken: &mut Option<String>,
) -> Result<Vec<Measured>> {
    let time = Duration::try_from_secs_f64(options.seconds).unwrap_or(Duration::from_secs(1));
    let lab = point.spec.as_ref().map(Lab::new).transpose().map_err(of_lab)?;
    let mut measured = Vec::new();
    let mut link = || {
        if options.bare {
            return Vec::new();
        }
        link(point, lab.as_ref(), time, round, display, broken)
    };
    let bare_first = round.is_multiple_of(2);
    if !bare_first {
        measured.extend(link());
    }
    if let Some(lab) = &lab {
        measured.extend(bare(lab, time)?);
    }
    if bare_first {
        measured.extend(link());
    }
    Ok(measured)
}

/// Plain TCP.
fn bare(lab: &Lab, time: Duration) -> Result<Vec<Measured>> {
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let trips = measure::round_trips(lab, Side::Guest, MESSAGE, time).map_err(of_lab)?;
    let bits = measure::throughput(lab, Side::Guest, time).map_err(of_lab)?;
    Ok(vec![
        (Figure::BareThroughput, Ok(bits / 1e9)),
        (Figure::BareP50, Ok(micros(trips.p50))),
        (Figure::BareP99, Ok(micros(trips.p99))),
    ])
}

/// The link. Idle processes are watched once, where nothing but the link itself can keep them busy.
fn link(
    point: &Point,
    lab: Option<&Lab>,
    time: Duration,
    round: usize,
    display: Option<&Display>,
    broken: &mut Option<String>,
) -> Vec<Measured> {
    let over_network = lab.is_some();
    let all_missing = |reason: &str| {
        let figures = [
            Figure::LinkThroughput,
            Figure::Uploads,
            Figure::LinkP50,
            Figure::LinkP99,
            Figure::Cube,
            Figure::Sprites,
        ];
        figures.map(|figure| (figure, Err(reason.to_owned()))).to_vec()
    };
    if let Some(reason) = broken.as_ref().filter(|_| over_network) {
        return all_missing(reason);
    }
    match Product::start(lab, display) {
        Err(error) => {
            let text = error.to_string();
            let reason = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or(&text).to_owned();
            if over_network {
                *broken = Some(reason.clone());
            }
            all_missing(&reason)
        }
        Ok(product) => {
            let mut measured = product.measure(time);
            if round == 0 && matches!(point.axis, Axis::Local | Axis::Fastest) {
                measured.extend(product.idle());
            }
            drop(product);
            if let Some(lab) = lab {
                let encrypted = Product::start_encrypted(lab).map_err(|error| error.to_string());
                measured.push((Figure::Encrypted, encrypted.and_then(|product| product.throughput(time))));
            }
            measured
        }
    }
}

fn of_lab(error: pvgpu_netlab::Error) -> Error {
    Error::Failed(error.to_string())
}

/// Where a plot's font is: Wine's packages bring it.
pub(crate) const FONT: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";

/// A picture of 8-bit RGB.
#[derive(Debug)]
pub struct Picture {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Picture {
    /// Writes it as PNG.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &PathBuf) -> Result<()> {
        let file = fs::File::create(path).map_err(Error::io("write", path))?;
        let mut encoder = png::Encoder::new(std::io::BufWriter::new(file), self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&self.pixels));
        written.map_err(|error| Error::Failed(format!("cannot write {}: {error}", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        Options::parse(&words)
    }

    #[test]
    fn options_have_defaults_and_refuse_the_unknown() {
        let defaults = parse("").expect("no options are fine");
        assert_eq!((defaults.rounds, defaults.build, defaults.bare), (3, true, false));
        let given = parse("--seconds 1 --rounds 5 --only rtt --bare --no-programs --plot --no-build")
            .expect("known options");
        let expect = Options {
            seconds: 1.0,
            rounds: 5,
            only: Some("rtt".to_owned()),
            bare: true,
            programs: false,
            plot: true,
            build: false,
        };
        assert_eq!(given, expect);
        for wrong in ["--turns 5", "--rounds 0", "--seconds -1", "--only rtx", "rtt"] {
            assert!(matches!(parse(wrong), Err(Error::Usage(_))), "{wrong}");
        }
    }

    #[test]
    fn points_are_chosen_by_the_beginning_of_their_names() {
        let count = |line: &str| parse(line).expect("known options").points().len();
        let all = points::all().len();
        assert_eq!((count(""), count("--bare")), (all, all - 1));
        let axes: usize =
            ["rtt", "rate", "cable", "rough"].map(|axis| count(&format!("--only {axis}"))).iter().sum();
        assert_eq!(axes + 2, all);
    }
}
