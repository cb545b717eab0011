//! The programs that the demo shows and the end-to-end tests check, with their reference frames.

use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::time::Duration;

use crate::program::{Outcome, Output, Renderer, Request};
use crate::wine::Display;
use crate::{Error, Result, compare, paths, program, progress, sdl};

/// TIMEOUT: for one program. The slowest, SDL's render suite, takes 15 s on two busy cores.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Frames of each program that are compared.
const FRAMES: u32 = 120;
/// Frames of a run for speed.
const SPEED_FRAMES: u32 = 300;

/// A program that looks the same in every run.
#[derive(Clone, Debug)]
pub struct Program {
    /// The name of its folders and of its row in the demo's table.
    pub name: &'static str,
    file: PathBuf,
    arguments: Vec<String>,
    /// Arguments for a run that is to show its speed, which takes longer; None if speed means nothing for it.
    speed_arguments: Option<Vec<String>>,
    environment: Vec<(&'static str, String)>,
    /// Close it after so many frames; programs without a number end by themselves.
    frames: Option<u32>,
    /// The renderer that it must say it uses, for programs that have several and say so as SDL's do.
    sdl_renderer: Option<&'static str>,
}

/// All programs: two of ours, two of SDL's.
pub fn programs() -> Vec<Program> {
    let sample = |name, file: &str, flip: bool| {
        let arguments = |frames: u32| {
            let mut arguments = vec!["--frames".to_owned(), frames.to_string()];
            arguments.extend(flip.then(|| "--flip".to_owned()));
            arguments
        };
        Program {
            name,
            file: paths::windows_file(file),
            arguments: arguments(FRAMES),
            speed_arguments: Some(arguments(SPEED_FRAMES)),
            environment: Vec::new(),
            frames: None,
            sdl_renderer: None,
        }
    };
    let direct3d11 = vec![("SDL_RENDER_DRIVER", "direct3d11".to_owned())];
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    vec![
        sample("cube", "cube.exe", false),
        sample("particles", "particles.exe", true),
        Program {
            name: "testautomation",
            file: sdl::program(sdl::AUTOMATION),
            // The seed makes the suite's random colours and places the same in every run.
            arguments: words("--info render --filter Render --seed pvgpu"),
            speed_arguments: None,
            environment: direct3d11.clone(),
            frames: None,
            sdl_renderer: Some("direct3d11"),
        },
        Program {
            name: "testsprite2",
            file: sdl::program("testsprite2"),
            // With a number of iterations the sprites' places do not depend on the time of day.
            arguments: words("--info render --iterations 100000"),
            speed_arguments: Some(words("--info render --iterations 100000")),
            environment: direct3d11,
            frames: Some(FRAMES),
            sdl_renderer: Some("direct3d11"),
        },
    ]
}

impl Program {
    /// A program from elsewhere that is closed after some frames; one of SDL's must use Direct3D 11 if it is asked to.
    pub(crate) fn other(
        name: &'static str,
        file: PathBuf,
        arguments: &[&str],
        environment: Vec<(&'static str, String)>,
        frames: u32,
    ) -> Self {
        Self {
            name,
            file,
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            speed_arguments: None,
            environment,
            frames: Some(frames),
            // Only programs that are told to list their renderers say which one they use.
            sdl_renderer: arguments.contains(&"--info").then_some("direct3d11"),
        }
    }

    /// A run that saves the frames to be compared in `shots`, and the program's output in `shots/output.txt`.
    pub fn request(&self, renderer: Renderer, shots: PathBuf) -> Request {
        Request {
            arguments: self.arguments.iter().map(OsString::from).collect(),
            environment: self.environment.clone(),
            frames: self.frames,
            timeout: Some(TIMEOUT),
            output: Output::File(shots.join(OUTPUT)),
            shots: Some(shots),
            ..Request::new(renderer, self.file.clone())
        }
    }

    /// A longer run that saves nothing, for measuring; None if the program is not one to measure.
    pub fn speed_request(&self, renderer: Renderer) -> Option<Request> {
        let arguments = self.speed_arguments.as_ref()?;
        Some(Request {
            arguments: arguments.iter().map(OsString::from).collect(),
            environment: self.environment.clone(),
            frames: self.frames.map(|_| SPEED_FRAMES),
            timeout: Some(TIMEOUT),
            output: Output::File(paths::target("logs").join(format!("{}.txt", self.name))),
            ..Request::new(renderer, self.file.clone())
        })
    }

    /// Runs the program in `folder` and checks its exit code and output; the frames are left there.
    ///
    /// # Errors
    /// If it cannot be started, fails, runs out of time, or says that it uses another renderer.
    pub fn shoot(&self, renderer: Renderer, folder: PathBuf, display: &Display) -> Result<Outcome> {
        self.run_and_check(&self.request(renderer, folder), display)
    }

    /// Runs a request of this program and checks its exit code and output.
    ///
    /// # Errors
    /// As for [`shoot`](Self::shoot).
    pub fn run_and_check(&self, request: &Request, display: &Display) -> Result<Outcome> {
        let outcome = program::run(request, display)?;
        let output = match &request.output {
            Output::File(file) => fs::read_to_string(file).unwrap_or_default(),
            Output::Terminal => String::new(),
        };
        let problem = match outcome.code {
            None => Some(format!("did not end within {} s", TIMEOUT.as_secs())),
            Some(0) => self
                .sdl_renderer
                .filter(|wanted| current_sdl_renderer(&output) != Some(wanted))
                .map(|wanted| format!("did not say that it uses the renderer {wanted}")),
            Some(code) => Some(format!("ended with exit code {code}")),
        };
        match problem {
            None => Ok(outcome),
            Some(problem) => Err(Error::Failed(format!(
                "{} {problem}; the end of its output:\n{}",
                self.name,
                tail(&output)
            ))),
        }
    }

    /// The folder with the program's frames on Wine's own renderer; made when the program or its arguments have changed.
    ///
    /// # Errors
    /// As for [`shoot`](Self::shoot), or if it presented nothing.
    pub fn reference(&self, display: &Display) -> Result<PathBuf> {
        let folder = paths::target("reference").join(self.name);
        let key_file = folder.join("key");
        let key = self.key()?;
        if fs::read_to_string(&key_file).is_ok_and(|found| found == key) {
            return Ok(folder);
        }
        progress::step(format!("Running {} on Wine's own renderer for comparison", self.name), || {
            self.shoot(Renderer::Reference, folder.clone(), display)?;
            if compare::frames(&folder)?.is_empty() {
                return Err(Error::Failed(format!(
                    "{} presented no frame on Wine's own renderer",
                    self.name
                )));
            }
            fs::write(&key_file, key).map_err(Error::io("write", &key_file))
        })?;
        Ok(folder)
    }

    /// Changes whenever reference frames might.
    fn key(&self) -> Result<String> {
        let mut hasher = DefaultHasher::new();
        for file in [&self.file, &paths::windows_file("pvgpu_shots.dll")] {
            fs::read(file).map_err(Error::io("read", file))?.hash(&mut hasher);
        }
        (&self.arguments, &self.environment, self.frames).hash(&mut hasher);
        Ok(format!("{:016x}", hasher.finish()))
    }
}

/// The renderer that an SDL program uses, from what it prints with `--info render`. It also lists renderers that it could use.
fn current_sdl_renderer(output: &str) -> Option<&str> {
    let mut lines = output.lines().skip_while(|line| !line.ends_with("Current renderer:")).skip(1);
    lines.next()?.trim_end().trim_end_matches(':').rsplit(' ').next()
}

/// The name of the file with a program's output, beside its frames.
const OUTPUT: &str = "output.txt";

/// The last lines of a program's output.
fn tail(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_renderer_is_not_just_any() {
        let output = "INFO: Built-in renderers (2):\r\nINFO:   Renderer direct3d11:\r\nINFO:   Renderer software:\r\n\
                      INFO: Current renderer:\r\nINFO:   Renderer direct3d:\r\nINFO:     Flags: 0xA\r\n";
        assert_eq!(current_sdl_renderer(output), Some("direct3d"));
        assert_eq!(current_sdl_renderer("INFO:   Renderer direct3d11:\n"), None);
    }
}
