//! What frames over a link cost: the difference, coding and decoding on one core, and the bytes that are left, for pictures made here and
//! for folders of PNG files.
//!
//! `cargo bench -p pvgpu-transport --bench tiles -- [--json] [--size WxH] [--frames N] [FOLDER…]`. A folder holds the frames of one program as
//! `cargo xtask run --shots FOLDER` writes them.

#[path = "scenes.rs"]
mod scenes;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use pvgpu_transport::tiles::{
    Choice, Coding, Decoder, Differences, Encoder, Geometry, Job, Rates, TileError, TileMask,
};
use scenes::Scene;

/// Pieces as a mirror over TCP sends them.
const PIECE: usize = 64 << 10;

/// Links in bytes a second.
const LINKS: [(&str, u64); 3] =
    [("1 Gbit/s", 117_000_000), ("10 Gbit/s", 1_170_000_000), ("20 Gbit/s", 2_300_000_000)];

struct Options {
    json: bool,
    sizes: Vec<(u32, u32)>,
    frames: u32,
    folders: Vec<PathBuf>,
}

fn options() -> Result<Options, String> {
    let mut options =
        Options { json: false, sizes: vec![(1920, 1080), (2560, 1600)], frames: 24, folders: Vec::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--json" => options.json = true,
            // Cargo's own.
            "--bench" => {}
            "--frames" => options.frames = value()?.parse().map_err(|error| format!("--frames: {error}"))?,
            "--size" => {
                let size = value()?;
                let size = size.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
                options.sizes = vec![size.ok_or("--size needs WxH")?];
            }
            folder => options.folders.push(folder.into()),
        }
    }
    Ok(options)
}

/// The PNG files of a folder, in order, as `B8G8R8A8`.
fn load(folder: &Path, most: u32) -> Result<(Geometry, Vec<Vec<u8>>), String> {
    let error = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
    let files = std::fs::read_dir(folder).map_err(|e| error(&e))?;
    let mut files: Vec<_> = files.flatten().map(|file| file.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "png"));
    files.sort();
    let mut frames = Vec::new();
    let mut geometry = None;
    for file in files.iter().take(most as usize) {
        let file = std::io::BufReader::new(std::fs::File::open(file).map_err(|e| error(&e))?);
        let mut reader = png::Decoder::new(file).read_info().map_err(|e| error(&e))?;
        let size = reader.output_buffer_size().ok_or_else(|| error(&"too large"))?;
        let mut pixels = vec![0; size];
        let info = reader.next_frame(&mut pixels).map_err(|e| error(&e))?;
        let channels = info.color_type.samples();
        if info.bit_depth != png::BitDepth::Eight || channels < 3 {
            return Err(error(&"only RGB and RGBA of 8 bits are read"));
        }
        let bgra = |texel: &[u8]| [texel[2], texel[1], texel[0], texel.get(3).copied().unwrap_or(255)];
        let sizes = Geometry::new(info.width, info.height, 4, info.width * 4).map_err(|e| error(&e))?;
        if geometry.is_some_and(|geometry| geometry != sizes) {
            break;
        }
        geometry = Some(sizes);
        frames.push(pixels.chunks_exact(channels).flat_map(bgra).collect());
    }
    Ok((geometry.ok_or_else(|| error(&"no frames"))?, frames))
}

/// This thread's processor time, so that what else runs on the machine hardly counts.
#[cfg(unix)]
fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Time since the first call, where a thread's is not at hand.
#[cfg(not(unix))]
fn now() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

/// Times of one step, a frame each.
#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn percentile(&mut self, percent: usize) -> f64 {
        self.0.sort();
        let last = self.0.len().saturating_sub(1);
        self.0.get((self.0.len() * percent / 100).min(last)).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    }
}

struct Row {
    scene: String,
    size: String,
    choice: String,
    tiles: f64,
    bytes: f64,
    ratio: f64,
    difference: [f64; 2],
    encode: [f64; 2],
    decode: [f64; 2],
    wire: f64,
}

/// Sends all frames but the first, which everything is new in.
fn measure(
    scene: &str,
    geometry: &Geometry,
    frames: &[Vec<u8>],
    (name, choice, rate): (&str, Choice, u64),
) -> Result<Row, TileError> {
    let (mut differences, mut encoder, mut decoder) =
        (Differences::default(), Encoder::default(), Decoder::default());
    let mut target = vec![0; geometry.bytes() as usize];
    let mut times = [Times::default(), Times::default(), Times::default()];
    let (mut raw, mut coded, mut tiles) = (0, 0, 0);
    for (index, frame) in frames.iter().enumerate() {
        let start = now();
        let mask = differences.changed(geometry, frame)?;
        let compared = now();
        let mut pieces: Vec<Vec<u8>> = Vec::new();
        let job = Job { geometry: *geometry, send: &mask, copy: None };
        let done = encoder.encode(&job, frame, &choice, PIECE, |piece| {
            pieces.push(piece.to_vec());
            Ok::<_, TileError>(())
        })?;
        let encoded = now();
        for piece in &pieces {
            decoder.decode(geometry, piece, None, target.as_mut_slice())?;
        }
        let decoded = now();
        assert!(target == *frame, "the picture is the same on the other side");
        if index != 0 {
            times[0].0.push(compared - start);
            times[1].0.push(encoded - compared);
            times[2].0.push(decoded - encoded);
            (raw, coded, tiles) = (raw + done.raw, coded + done.coded, tiles + mask.count());
        }
    }
    let count = (frames.len() - 1).max(1) as f64;
    let both = |times: &mut Times| [times.percentile(50), times.percentile(99)];
    let [difference, encode, decode] = &mut times;
    Ok(Row {
        scene: scene.to_owned(),
        size: format!("{}x{}", geometry.width(), geometry.height()),
        choice: name.to_owned(),
        tiles: f64::from(tiles) / count / f64::from(TileMask::all(geometry).count()),
        bytes: coded as f64 / count,
        ratio: raw as f64 / (coded as f64).max(1.0),
        difference: both(difference),
        encode: both(encode),
        decode: both(decode),
        wire: if rate == 0 { 0.0 } else { coded as f64 / count / rate as f64 * 1e3 },
    })
}

fn run() -> Result<(), String> {
    let options = options()?;
    let rates = Rates::measure();
    let mut choices: Vec<_> =
        LINKS.iter().map(|(name, rate)| (*name, Choice::new(*rate, &rates, &rates), *rate)).collect();
    for (name, coding) in [("raw", Coding::Raw), ("LZ4", Coding::Lz4), ("texels", Coding::Texels)] {
        choices.push((name, Choice::always(coding), 0));
    }
    if !options.json {
        println!("rates in picoseconds a byte: {rates:?}");
        println!(
            "changed: share of tiles; ms: median / 99th percentile of a frame on one core; wire: ms for the bytes alone"
        );
        println!(
            "{:12} {:>9}  {:9} {:>7} {:>9} {:>7} {:>13} {:>13} {:>13} {:>7}",
            "scene",
            "size",
            "choice",
            "changed",
            "KiB",
            "ratio",
            "compare ms",
            "encode ms",
            "decode ms",
            "wire"
        );
    }
    let mut all = Vec::new();
    for size in &options.sizes {
        all.extend(Scene::ALL.map(|scene| (scene.name().to_owned(), scene.frames(*size, options.frames))));
        report(&options, &choices, &mut all)?;
    }
    for folder in &options.folders {
        let name = folder.file_name().map_or_else(|| "frames".into(), |name| name.to_string_lossy());
        all.push((name.into_owned(), load(folder, options.frames)?));
        report(&options, &choices, &mut all)?;
    }
    Ok(())
}

/// Pictures by the name of their scene.
type Films = Vec<(String, (Geometry, Vec<Vec<u8>>))>;

fn report(options: &Options, choices: &[(&str, Choice, u64)], films: &mut Films) -> Result<(), String> {
    for (scene, (geometry, frames)) in films.drain(..) {
        for choice in choices {
            let row = measure(&scene, &geometry, &frames, *choice).map_err(|error| error.to_string())?;
            let Row { scene, size, choice, tiles, bytes, ratio, difference, encode, decode, wire } = &row;
            let [[compare, compare99], [encode, encode99], [decode, decode99]] = [difference, encode, decode];
            if options.json {
                println!(
                    "{{\"scene\":\"{scene}\",\"size\":\"{size}\",\"choice\":\"{choice}\",\"changed\":{tiles:.4},\"bytes\":{bytes:.0},\
                     \"ratio\":{ratio:.3},\"compare_ms\":[{compare:.3},{compare99:.3}],\"encode_ms\":[{encode:.3},{encode99:.3}],\
                     \"decode_ms\":[{decode:.3},{decode99:.3}],\"wire_ms\":{wire:.3}}}"
                );
                continue;
            }
            println!(
                "{scene:12} {size:>9}  {choice:9} {:>6.1}% {:>9.1} {ratio:>7.2} {compare:>6.2}/{compare99:>6.2} \
                 {encode:>6.2}/{encode99:>6.2} {decode:>6.2}/{decode99:>6.2} {wire:>7.2}",
                tiles * 100.0,
                bytes / 1024.0
            );
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
