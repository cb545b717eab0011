//! What tools and tests ask of a whole run by environment variables: stop after some frames, save them, count them.
//!
//! - `PVGPU_FRAMES=N`: after N presents the swap chain's window is asked to close (`WM_CLOSE`); a program that still presents
//!   2 s later is ended with exit code 0. Presents after the N-th count for nothing.
//! - `PVGPU_SHOTS=DIR`: each frame is saved in DIR as `frame-00001.png`, …, numbered in order of Present over all swap chains of
//!   the process; every frame is saved before its swap chain or, after N presents, the process ends.
//! - `PVGPU_STATS=FILE`: counters as JSON, once a second and when a swap chain ends.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// TIMEOUT: how long a program may go on presenting after it was asked to close.
const CLOSE_GRACE: Duration = Duration::from_secs(2);
/// How often counters are written.
const STATS_PERIOD: Duration = Duration::from_secs(1);

/// The settings and the counters of one process.
#[derive(Debug)]
pub struct Run {
    frames: Option<u32>,
    shots: Option<PathBuf>,
    stats: Option<PathBuf>,
    program: String,
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    presented: u32,
    asked_to_close: Option<Instant>,
    shown: u64,
    first_shown: Option<Instant>,
    last_shown: Option<Instant>,
    /// When counters were written last, and how many frames they told of.
    written: Option<(Instant, u64)>,
}

/// What a present is, by its place in the run.
#[derive(Debug, PartialEq, Eq)]
pub enum Begin {
    /// The frame with this number.
    Frame(u32),
    /// After the last one; shown, but neither counted nor saved.
    Uncounted,
    /// The program was asked to close and still presents: end it.
    EndProcess,
}

impl Run {
    /// A run with the settings that `variable` gives by name; `program` is what counters call it.
    pub fn new(variable: impl Fn(&str) -> Option<OsString>, program: String) -> Self {
        Self {
            frames: variable("PVGPU_FRAMES").and_then(|text| text.to_str()?.parse().ok()),
            shots: variable("PVGPU_SHOTS").map(PathBuf::from),
            stats: variable("PVGPU_STATS").map(PathBuf::from),
            program,
            progress: Mutex::default(),
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether frames are saved.
    pub fn saves_frames(&self) -> bool {
        self.shots.is_some()
    }

    /// The file of frame `number`, if frames are saved.
    pub fn shot(&self, number: u32) -> Option<PathBuf> {
        self.shots.as_ref().map(|folder| folder.join(super::picture::file_name(number)))
    }

    /// Counts a present that begins at `now`.
    pub fn begin(&self, now: Instant) -> Begin {
        let mut progress = self.progress();
        match progress.asked_to_close {
            Some(asked) if now.saturating_duration_since(asked) >= CLOSE_GRACE => Begin::EndProcess,
            Some(_) => Begin::Uncounted,
            None => {
                progress.presented = progress.presented.saturating_add(1);
                Begin::Frame(progress.presented)
            }
        }
    }

    /// Frame `number` could not be presented after all. Its number is given again, unless a later frame has begun.
    pub fn cancel(&self, number: u32) {
        let mut progress = self.progress();
        if progress.presented == number {
            progress.presented = number.saturating_sub(1);
        }
    }

    /// Frame `number` has been presented; true when it was the last one wanted, so that the window is to be closed.
    pub fn finish(&self, number: u32, now: Instant) -> bool {
        let last = self.frames.is_some_and(|wanted| number >= wanted);
        if last {
            self.progress().asked_to_close = Some(now);
        }
        last
    }

    /// Counts frames that came back from the host, shown or replaced by newer ones.
    pub fn count_shown(&self, frames: u64, now: Instant) {
        let mut progress = self.progress();
        progress.shown = progress.shown.saturating_add(frames);
        progress.first_shown.get_or_insert(now);
        progress.last_shown = Some(now);
    }

    /// Writes the counters if they are wanted and have changed; `all` also when the last time was less than a second ago.
    pub fn write_stats(&self, now: Instant, all: bool) {
        let Some(file) = &self.stats else { return };
        let text = {
            let mut progress = self.progress();
            let due = match progress.written {
                None => true,
                Some((_, frames)) if frames == progress.shown => false,
                Some((written, _)) => all || now.saturating_duration_since(written) >= STATS_PERIOD,
            };
            if !due {
                return;
            }
            progress.written = Some((now, progress.shown));
            progress.json(&self.program)
        };
        if let Err(error) = std::fs::write(file, text) {
            eprintln!("pvgpu: cannot write the counters to {}: {error}", file.display());
        }
    }
}

impl Progress {
    fn json(&self, program: &str) -> String {
        let seconds = match (self.first_shown, self.last_shown) {
            (Some(first), Some(last)) => last.saturating_duration_since(first).as_secs_f64(),
            _ => 0.0,
        };
        // CAST: frame counts stay far below 2^53, so the conversion is exact.
        let fps = if seconds > 0.0 { self.shown.saturating_sub(1) as f64 / seconds } else { 0.0 };
        format!(
            "{{\"program\":\"{}\",\"frames\":{},\"seconds\":{seconds:.3},\"fps\":{fps:.1}}}\n",
            escaped(program),
            self.shown
        )
    }
}

/// Text for the inside of a JSON string.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' => escaped.extend(['\\', character]),
            control if control < ' ' => escaped.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(frames: Option<&str>) -> Run {
        let frames = frames.map(OsString::from);
        let variable = |name: &str| match name {
            "PVGPU_FRAMES" => frames.clone(),
            "PVGPU_SHOTS" => Some("shots".into()),
            _ => None,
        };
        Run::new(variable, "test.exe".into())
    }

    #[test]
    fn a_run_stops_after_the_frames_wanted() {
        let run = run(Some("2"));
        let start = Instant::now();
        assert_eq!(run.begin(start), Begin::Frame(1));
        assert!(!run.finish(1, start));
        assert_eq!(run.begin(start), Begin::Frame(2));
        assert!(run.finish(2, start));
        assert_eq!(run.begin(start + Duration::from_millis(1999)), Begin::Uncounted);
        assert_eq!(run.begin(start + CLOSE_GRACE), Begin::EndProcess);
    }

    #[test]
    fn a_run_without_a_limit_goes_on() {
        for run in [run(None), run(Some("many"))] {
            let now = Instant::now();
            assert!(
                (1..=1000).all(|number| run.begin(now) == Begin::Frame(number) && !run.finish(number, now))
            );
        }
    }

    #[test]
    fn numbers_of_failed_presents_are_given_again() {
        let run = run(None);
        let now = Instant::now();
        assert_eq!(run.begin(now), Begin::Frame(1));
        run.cancel(1);
        assert_eq!((run.begin(now), run.begin(now)), (Begin::Frame(1), Begin::Frame(2)));
        run.cancel(1);
        assert_eq!(run.begin(now), Begin::Frame(3));
        assert_eq!(run.shot(3), Some(PathBuf::from("shots").join("frame-00003.png")));
    }

    #[test]
    fn counters_are_valid_json() {
        let start = Instant::now();
        let progress = Progress {
            shown: 11,
            first_shown: Some(start),
            last_shown: Some(start + Duration::from_millis(500)),
            ..Progress::default()
        };
        let expected = "{\"program\":\"a\\\"b\\\\c\\u000a\",\"frames\":11,\"seconds\":0.500,\"fps\":20.0}\n";
        assert_eq!(progress.json("a\"b\\c\n"), expected);
        let none = "{\"program\":\"\",\"frames\":0,\"seconds\":0.000,\"fps\":0.0}\n";
        assert_eq!(Progress::default().json(""), none);
    }
}
