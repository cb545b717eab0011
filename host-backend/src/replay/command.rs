//! `pvgpud replay`: opens file and GPU, closes the sandbox, replays, and says what has come of it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::frames::FrameSink;
use super::run::{Outcome, replay};
use crate::record::{Header, Reader};
use crate::sandbox;
use crate::vulkan::{Device, DeviceOptions, validation_messages};

/// Frames that may wait to be packed as PNG; the GPU waits for the rest.
const MAX_WAITING: usize = 4;

/// What to replay, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The recording.
    pub file: PathBuf,
    /// Where frames go as PNG files, if anywhere.
    pub png: Option<PathBuf>,
    /// Only each so many frames become files.
    pub every: u64,
    /// Print how long it took.
    pub bench: bool,
    /// Fail when a frame differs.
    pub strict: bool,
    /// The GPU.
    pub device: DeviceOptions,
    /// What is logged.
    pub log: String,
}

/// Replays, and prints what has come of it.
///
/// # Errors
/// A sentence.
pub fn main(options: &Options) -> Result<(), String> {
    let path = options.file.display();
    let file = File::open(&options.file).map_err(|error| format!("{path} cannot be opened: {error}"))?;
    if let Some(folder) = &options.png {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("the folder {} cannot be made: {error}", folder.display()))?;
    }
    let device = Device::open(&options.device).map_err(|error| error.to_string())?;
    let writable: Vec<&Path> = options.png.iter().map(PathBuf::as_path).collect();
    sandbox::close_but(&writable).map_err(|error| error.to_string())?;
    let reader =
        Reader::new(BufReader::with_capacity(1 << 20, file)).map_err(|error| format!("{path}: {error}"))?;
    let header = reader.header().clone();
    println!("{path}: recorded on {} ({}) by pvgpud {}", header.device, header.driver, header.program);
    let (sink, writer) = match &options.png {
        Some(folder) => {
            let (sink, writer) = files(folder, options.every.max(1)).map_err(|error| error.to_string())?;
            (Some(sink), Some(writer))
        }
        None => (None, None),
    };
    let (name, driver) = (device.name(), device.driver().to_owned());
    let (outcome, result) = replay(reader, device, sink);
    let written =
        writer.map(|writer| writer.join().unwrap_or_else(|_| Err("the PNG writer has panicked".to_owned())));
    print!("{}", summary(&header, &outcome, &name, &driver, options.bench));
    result.map_err(|error| format!("{path}: {error}"))?;
    if let Some(count) = written.transpose()? {
        println!("{count} frames are in {}", options.png.as_deref().unwrap_or(Path::new("")).display());
    }
    verdict(options, &outcome, validation_messages())
}

/// Whether what was shown is a failure.
fn verdict(options: &Options, outcome: &Outcome, messages: u64) -> Result<(), String> {
    if messages != 0 {
        return Err(format!("the validation layer has complained {messages} times"));
    }
    if !outcome.odd.is_empty() {
        return Err("contexts were poisoned otherwise than when it was recorded".to_owned());
    }
    let matching = outcome.matching;
    if options.strict && (matching.different != 0 || matching.missing != 0) {
        return Err("not all frames are the recorded ones".to_owned());
    }
    Ok(())
}

fn summary(header: &Header, outcome: &Outcome, name: &str, driver: &str, bench: bool) -> String {
    let mut text = String::new();
    let same_device = (name, driver) == (header.device.as_str(), header.driver.as_str());
    let matching = outcome.matching;
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "replayed on {name} ({driver}): {} records, {} draws, {} dispatches, {} frames",
        outcome.records, outcome.draws, outcome.dispatches, outcome.frames
    );
    let _ = match (matching.different, matching.missing) {
        (0, 0) => writeln!(text, "all {} frames are the recorded ones, byte for byte", matching.same),
        (different, missing) => {
            let first = match matching.first_different {
                0 => String::new(),
                first => format!(", the first is number {first}"),
            };
            let why = if same_device { "" } else { "; another device rounds otherwise" };
            writeln!(
                text,
                "{} frames are the recorded ones, {different} differ{first}, {missing} did not come{why}",
                matching.same
            )
        }
    };
    for line in &outcome.poisoned {
        let _ = writeln!(text, "{line}, as when it was recorded");
    }
    for line in &outcome.odd {
        let _ = writeln!(text, "{line}");
    }
    if outcome.skipped != 0 {
        let _ = writeln!(text, "{} records of poisoned contexts were not executed", outcome.skipped);
    }
    if bench {
        text.push_str(&times(outcome));
    }
    text
}

/// Rates are of the time without reading the file; time per draw is that of decoder, validation and executor alone.
fn times(outcome: &Outcome) -> String {
    let times = outcome.times;
    let executing = times.wall.saturating_sub(times.read);
    let host = executing.saturating_sub(times.wait);
    let rate = |count: u64, time: Duration| {
        // CAST: for people.
        if time.is_zero() { 0.0 } else { count as f64 / time.as_secs_f64() }
    };
    let per_draw = if outcome.draws == 0 { 0.0 } else { host.as_nanos() as f64 / outcome.draws as f64 };
    format!(
        "records/s {:.0}\ndraws/s {:.0}\nframes/s {:.1}\nhost ns per draw {per_draw:.0}\nhost ms {:.1}\nwaited for the GPU ms {:.1}\nread the file ms {:.1}\n",
        rate(outcome.records, executing),
        rate(outcome.draws, executing),
        rate(outcome.frames, executing),
        host.as_secs_f64() * 1e3,
        times.wait.as_secs_f64() * 1e3,
        times.read.as_secs_f64() * 1e3,
    )
}

struct Picture {
    name: String,
    width: u32,
    height: u32,
    rows: Vec<u8>,
}

type Writing = JoinHandle<Result<u64, String>>;

/// A sink that has a thread write PNG files, and that thread, which gives their number.
fn files(folder: &Path, every: u64) -> std::io::Result<(FrameSink, Writing)> {
    let (sender, receiver) = sync_channel::<Picture>(MAX_WAITING);
    let folder = folder.to_owned();
    let writer =
        std::thread::Builder::new().name("png".to_owned()).spawn(move || write(&folder, &receiver))?;
    let sink: FrameSink = Box::new(move |number, frame, rows| {
        if (number - 1) % every == 0 {
            let name = format!("frame-{number:05}.png");
            // The thread is gone after an error, which it tells.
            let _ = sender.send(Picture { name, width: frame.width, height: frame.height, rows });
        }
    });
    Ok((sink, writer))
}

fn write(folder: &Path, pictures: &Receiver<Picture>) -> Result<u64, String> {
    let mut count = 0;
    for Picture { name, width, height, rows } in pictures {
        let path = folder.join(name);
        let failed = |error: &dyn std::fmt::Display| format!("{} cannot be written: {error}", path.display());
        let rgb: Vec<u8> = rows.as_chunks::<4>().0.iter().flat_map(|[b, g, r, _]| [*r, *g, *b]).collect();
        let file = File::create(&path).map_err(|error| failed(&error))?;
        let mut encoder = png::Encoder::new(std::io::BufWriter::new(file), width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let written = encoder.write_header().and_then(|mut writer| {
            writer.write_image_data(&rgb)?;
            writer.finish()
        });
        written.map_err(|error| failed(&error))?;
        count += 1;
    }
    Ok(count)
}
