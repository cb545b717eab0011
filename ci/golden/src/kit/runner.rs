//! Runs cases one after the other, each on a context where nothing is bound, and says how each went.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::{Case, Gpu, Test};

/// TIMEOUT: for one case; a software renderer's slowest takes some 2 s on a busy machine.
const LIMIT: Duration = Duration::from_secs(40);
/// The program's exit code when a case takes longer.
const HUNG: i32 = 3;

/// The program.
pub fn main(cases: &[Case]) -> ExitCode {
    let (mut out, mut list, mut filter, mut after, mut wanted) = (None, false, None, None, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--out" => out = arguments.next().map(PathBuf::from),
            "--list" => list = true,
            "--filter" => filter = arguments.next(),
            "--after" => after = arguments.next(),
            _ => wanted.push(argument),
        }
    }
    let start =
        after.and_then(|after| cases.iter().position(|case| case.name == after)).map_or(0, |place| place + 1);
    let chosen = cases
        .iter()
        .skip(start)
        .filter(|case| wanted.is_empty() || wanted.contains(&case.name))
        .filter(|case| filter.as_ref().is_none_or(|filter| case.name.contains(filter.as_str())));
    match out {
        _ if list => chosen.for_each(|case| println!("{}", case.name)),
        Some(out) => chosen.fold(Runner { out, gpu: None }, |runner, case| runner.run(case)).end(),
        None => {
            eprintln!("usage: pvgpu-golden --out DIR [--filter TEXT] [--after CASE] [CASE…], or --list");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// The device is made anew after a case that has lost it.
struct Runner {
    out: PathBuf,
    gpu: Option<Gpu>,
}

impl Runner {
    fn run(mut self, case: &Case) -> Self {
        say(&format!("begin {}", case.name));
        let (done, waiting) = mpsc::channel::<()>();
        let watchdog = std::thread::spawn(move || {
            if waiting.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                std::process::exit(HUNG);
            }
        });
        let verdict = self.verdict(case);
        drop(done);
        // The watchdog neither panics nor returns anything.
        let _joined = watchdog.join();
        say(&format!("end {} {verdict}", case.name));
        self
    }

    fn verdict(&mut self, case: &Case) -> String {
        let gpu = match self.gpu.take().map_or_else(Gpu::new, Ok) {
            Ok(gpu) => gpu,
            Err(error) => return format!("failed there is no device: 0x{:08x}", error.code().0),
        };
        let stem = self.out.join(&case.name);
        if let Some(folder) = stem.parent()
            && let Err(error) = std::fs::create_dir_all(folder)
        {
            return format!("failed cannot make {}: {error}", folder.display());
        }
        // What an earlier run has left must not be taken for this one's.
        let _removed = std::fs::remove_file(stem.with_extension("txt"));
        let mut test = Test::new(&gpu, &stem);
        let result = (case.run)(&mut test);
        let verdict = test.finish(result);
        gpu.clear_state();
        if gpu.removed().is_none() {
            self.gpu = Some(gpu);
        }
        verdict
    }

    fn end(self) {
        say("all done");
    }
}

/// One line, at once: whoever reads it must have it even if the next case ends the program.
fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    // Without a reader nothing can be said, and the pictures are there all the same.
    let _written = writeln!(output, "{line}").and_then(|()| output.flush());
}
