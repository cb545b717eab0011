//! The command line: which tasks there are.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;

use crate::conformance;
use crate::package::{Identity, Options};
use crate::program::{Output, Renderer, Request};
use crate::{Error, Result, client, golden};

/// What `cargo xtask help` prints.
pub const HELP: &str = "\
cargo xtask TASK

  demo                    build everything, run the demo programs, show a table; frames in target/demo
  test                    everything that must pass before a change is merged
  run [OPTIONS] -- PROGRAM.exe ARGS…
                          run a Windows program on pvgpu; its exit code becomes this command's
      --reference         on Wine's own renderer instead
      --kernel            with the kernel-mode driver's file, pvgpukmd.sys, in place of the linked driver
      --frames N          close the program after N frames
      --shots DIR         save each frame as DIR/frame-00001.png, …
      --link LINK         use the pvgpud that serves this link (otherwise PVGPU_LINK, otherwise one is started)
      --timeout SECONDS   end the program after that time (exit code 124)
      --no-build          use what was built before, even if sources have changed since
  bench draw [--seconds S] [--rounds N] [--only draw|transfer] [--no-build]
                          draws, uploads, copies, maps and readbacks on pvgpu, Wine's own renderer and DXVK (Debian's package)
  bench link [--seconds S] [--rounds N] [--only POINT] [--bare] [--no-programs] [--plot] [--no-build]
                          frame rates, throughput and round trips of a link between two network namespaces against round trip and rate,
                          beside plain TCP on the same path; plots in docs/ (--plot: only those, of the last run); needs root or user
                          namespaces
  bench ring|encode|kmd|dxbc [--json]
                          measure the command ring, encoding in the user-mode driver, the kernel-mode driver, or the shader
                          compiler beside vkd3d-shader (with --list: shader by shader)
  dxbc-corpus DIR…        translate every DXBC shader in the files under DIR, validate the modules, and count
  dxbc-corpus --fetch     the same for the source packages in which Debian has such shaders
  conformance [OPTIONS] [FILTER]
                          run Wine's own tests of Direct3D 11, DXGI and Direct3D 10 on pvgpu and on Wine's own renderer, and list
                          where pvgpu is worse (exit code 1 if it is); FILTER is a part of a name such as d3d11::test_blend
      --kernel            with the kernel-mode driver's file, as for run
      --jobs N            run N test functions at once
      --sample            run a short set only
      --timeout SECONDS   for each test function (120)
      --list              only list the test functions
      --reference         only run on Wine's own renderer, whose results are kept
      --kept              use kept results of Wine's own renderer only, and none where there are none
      --no-build          use what was built before
  package [OPTIONS]       make the signed driver package in target/package/pvgpu and check it
      --certificate FILE  sign with this certificate (PEM, up to its root) and
      --key FILE          its key, instead of a test certificate of this checkout's own
      --verify            only check the package that was made before, against --certificate if given
  golden [OPTIONS] [FILTER]
                          run the golden cases whose name contains FILTER (all without one) on pvgpu, compare them with Wine's
                          own renderer and with values computed on the CPU; pictures in target/golden
      --reference         only on Wine's own renderer
      --kernel            with pvgpukmd.sys in place of the linked driver
      --judge DIR         run nothing; judge what the program left in DIR, run elsewhere with `--out DIR`, and its standard
                          output in DIR/output.txt
      --validate          with Vulkan's validation layer
      --no-build          use what was built before
  client [--no-build] [NAME…]
                          run third-party Direct3D 11 programs (SDL's, ANGLE, sokol; all without names) on pvgpu, and compare them
                          with Wine's own renderer; frames in target/client
  hlsl                    compile changed shaders (*.hlsl with lines `// fxc: PROFILE ENTRY`) to *.dxbc

  setup                   only install what is missing and make the Wine prefix
  build                   only build pvgpud, pvgpu-ctl, the DLLs, the samples and the driver
  sdl                     only fetch and build the third-party programs
  kernel                  only build the kernel-mode driver, pvgpukmd.sys

PVGPU_NEW_MESA=1 has every pvgpud that is started use the software renderer of Debian's backports, fetched into target/mesa,
which has tiled resources.";

/// A task with its options.
#[derive(Debug)]
pub enum Task {
    /// Print [`HELP`].
    Help,
    /// Install and prepare everything.
    Setup,
    /// Build everything.
    Build,
    /// Run one Windows program.
    Run(Box<Request>),
    /// The demo.
    Demo,
    /// All tests.
    Test,
    /// Run third-party programs.
    Client(client::Options),
    /// Run the golden cases.
    Golden(golden::Options),
    /// Compile shaders.
    Hlsl,
    /// Build SDL's test programs.
    Sdl,
    /// Build the kernel-mode driver.
    Kernel,
    /// Make the driver package.
    Package(Options),
    /// Translate other people's shaders.
    DxbcCorpus(Corpus),
    /// Run other people's tests.
    Conformance(conformance::Options),
    /// Measure.
    Bench {
        /// What.
        which: Bench,
        /// For the benchmark itself.
        arguments: Vec<OsString>,
    },
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bench {
    /// Direct3D as a whole, beside other implementations.
    Draw,
    /// A link between machines, beside plain TCP.
    Link,
    /// The command ring.
    Ring,
    /// Encoding commands.
    Encode,
    /// The kernel-mode driver.
    Kmd,
    /// The shader compiler.
    Dxbc,
}

/// Where other people's shaders are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Corpus {
    /// In Debian's source packages, which are fetched.
    Fetch,
    /// In these folders.
    Folders(Vec<PathBuf>),
}

/// Reads the arguments that come after `cargo xtask`.
///
/// # Errors
/// [`Error::Usage`] for anything unknown.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Task> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let task = match parser.next()? {
        None | Some(Short('h') | Long("help")) => return Ok(Task::Help),
        Some(Value(name)) => name.string()?,
        Some(other) => return Err(other.unexpected().into()),
    };
    let task = match task.as_str() {
        "help" => Task::Help,
        "setup" => Task::Setup,
        "build" => Task::Build,
        "run" => return run(parser),
        "golden" => return golden(parser),
        "client" => return client(parser),
        "demo" => Task::Demo,
        "test" => Task::Test,
        "hlsl" => Task::Hlsl,
        "sdl" => Task::Sdl,
        "kernel" => Task::Kernel,
        "bench" => return bench(parser),
        "dxbc-corpus" => return dxbc_corpus(parser),
        "package" => return package(parser),
        "conformance" => return conformance(parser),
        other => return Err(Error::Usage(format!("there is no task \"{other}\""))),
    };
    match parser.next()? {
        None => Ok(task),
        Some(extra) => Err(extra.unexpected().into()),
    }
}

fn run(mut parser: lexopt::Parser) -> Result<Task> {
    let mut reference = false;
    let mut link = None;
    let mut request = Request::new(Renderer::Pvgpu { link: None }, PathBuf::new());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("reference") => reference = true,
            Long("kernel") => request.kernel = true,
            Long("frames") => request.frames = Some(parser.value()?.parse()?),
            Long("shots") => request.shots = Some(parser.value()?.into()),
            Long("link") => link = Some(parser.value()?.string()?),
            Long("no-build") => request.build = false,
            Long("timeout") => request.timeout = Some(Duration::from_secs(parser.value()?.parse()?)),
            Value(program) => {
                request.program = program.into();
                // Everything after the program belongs to it, even what looks like an option of ours.
                request.arguments = parser.raw_args()?.collect();
                break;
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if request.program.as_os_str().is_empty() {
        return Err(Error::Usage("run needs a program".to_owned()));
    }
    if reference && request.kernel {
        return Err(Error::Usage(
            "--reference runs without any driver of ours, so not with --kernel".to_owned(),
        ));
    }
    let link = link.or_else(|| std::env::var("PVGPU_LINK").ok());
    request.renderer = if reference { Renderer::Reference } else { Renderer::Pvgpu { link } };
    request.output = Output::Terminal;
    Ok(Task::Run(Box::new(request)))
}

fn client(mut parser: lexopt::Parser) -> Result<Task> {
    let mut options = client::Options::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("no-build") => options.built = true,
            Value(name) => options.names.push(name.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Task::Client(options))
}

fn golden(mut parser: lexopt::Parser) -> Result<Task> {
    let mut options = golden::Options::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("reference") => options.reference = true,
            Long("kernel") => options.kernel = true,
            Long("validate") => options.validate = true,
            Long("judge") => options.judge = Some(parser.value()?.into()),
            Long("no-build") => options.built = true,
            Value(filter) if options.filter.is_none() => options.filter = Some(filter.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    if (options.reference || options.judge.is_some()) && (options.kernel || options.validate) {
        return Err(Error::Usage("--reference and --judge run nothing of ours".to_owned()));
    }
    if options.judge.is_some() && (options.reference || options.filter.is_some()) {
        return Err(Error::Usage("--judge takes everything in its folder".to_owned()));
    }
    Ok(Task::Golden(options))
}

fn package(mut parser: lexopt::Parser) -> Result<Task> {
    let mut options = Options::default();
    let (mut certificate, mut key): (Option<PathBuf>, Option<PathBuf>) = (None, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("verify") => options.verify_only = true,
            Long("certificate") => certificate = Some(parser.value()?.into()),
            Long("key") => key = Some(parser.value()?.into()),
            other => return Err(other.unexpected().into()),
        }
    }
    match (certificate, key) {
        (Some(certificate), None) if options.verify_only => options.trusted = Some(certificate),
        (Some(certificate), Some(key)) if !options.verify_only => {
            options.identity = Some(Identity { certificate, key, is_test: false });
        }
        (None, None) => {}
        _ => {
            return Err(Error::Usage(
                "--certificate and --key go together; --verify needs no key".to_owned(),
            ));
        }
    }
    Ok(Task::Package(options))
}

fn conformance(mut parser: lexopt::Parser) -> Result<Task> {
    let mut options = conformance::Options::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("kernel") => options.kernel = true,
            Long("sample") => options.sample = true,
            Long("list") => options.list = true,
            Long("kept") => options.kept = true,
            Long("reference") => options.reference = true,
            Long("no-build") => options.build = false,
            Long("jobs") => options.jobs = parser.value()?.parse()?,
            Long("timeout") => options.timeout = Duration::from_secs(parser.value()?.parse()?),
            Value(filter) if options.filter.is_none() => options.filter = Some(filter.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Task::Conformance(options))
}

fn dxbc_corpus(mut parser: lexopt::Parser) -> Result<Task> {
    let (mut fetch, mut folders) = (false, Vec::new());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("fetch") => fetch = true,
            Value(folder) => folders.push(PathBuf::from(folder)),
            other => return Err(other.unexpected().into()),
        }
    }
    match (fetch, folders.is_empty()) {
        (true, true) => Ok(Task::DxbcCorpus(Corpus::Fetch)),
        (false, false) => Ok(Task::DxbcCorpus(Corpus::Folders(folders))),
        _ => Err(Error::Usage("dxbc-corpus needs either folders or --fetch".to_owned())),
    }
}

fn bench(mut parser: lexopt::Parser) -> Result<Task> {
    let which = match parser.value()?.string()?.as_str() {
        "draw" => Bench::Draw,
        "link" => Bench::Link,
        "ring" => Bench::Ring,
        "encode" => Bench::Encode,
        "kmd" => Bench::Kmd,
        "dxbc" => Bench::Dxbc,
        other => {
            return Err(Error::Usage(format!(
                "there is no benchmark \"{other}\": draw, link, ring, encode, kmd or dxbc"
            )));
        }
    };
    Ok(Task::Bench { which, arguments: parser.raw_args()?.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Task> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn run_keeps_the_programs_options_apart() {
        let task = parsed("run --reference --frames 7 --shots out --timeout 9 -- cube.exe --frames 3 -- x");
        let Ok(Task::Run(request)) = task else { panic!("{task:?}") };
        assert!(matches!(request.renderer, Renderer::Reference));
        assert_eq!(request.frames, Some(7));
        assert_eq!(request.shots, Some(PathBuf::from("out")));
        assert_eq!(request.timeout, Some(Duration::from_secs(9)));
        assert_eq!(request.program, PathBuf::from("cube.exe"));
        assert_eq!(request.arguments, ["--frames", "3", "--", "x"]);
    }

    #[test]
    fn wrong_lines_are_refused() {
        for line in [
            "fly",
            "demo now",
            "run",
            "run --frames x -- a.exe",
            "run --unknown -- a.exe",
            "run --reference --kernel -- a.exe",
            "bench",
            "bench disk",
            "golden a b",
            "golden --reference --kernel",
            "golden --judge a --validate",
            "golden --judge a b",
            "dxbc-corpus",
            "dxbc-corpus --fetch shaders",
            "dxbc-corpus --all",
            "package --certificate a.pem",
            "package --verify --certificate a.pem --key a.key",
            "package --key a.key",
            "conformance a b",
            "conformance --jobs many",
        ] {
            assert!(matches!(parsed(line), Err(Error::Usage(_))), "{line}");
        }
    }

    #[test]
    fn corpora_are_folders_or_fetched() {
        let corpus = |line| match parsed(line) {
            Ok(Task::DxbcCorpus(corpus)) => corpus,
            other => panic!("{other:?}"),
        };
        assert_eq!(corpus("dxbc-corpus --fetch"), Corpus::Fetch);
        assert_eq!(corpus("dxbc-corpus a b"), Corpus::Folders(vec!["a".into(), "b".into()]));
    }

    #[test]
    fn conformance_takes_a_filter_and_options() {
        let Ok(Task::Conformance(options)) =
            parsed("conformance --kernel --jobs 3 d3d11::test_blend --timeout 9")
        else {
            panic!("the line is right");
        };
        assert_eq!(options.filter.as_deref(), Some("d3d11::test_blend"));
        assert!(options.kernel && options.build && !options.sample && !options.list);
        assert_eq!((options.jobs, options.timeout), (3, Duration::from_secs(9)));
    }

    #[test]
    fn every_task_is_in_the_help() {
        for line in [
            "demo",
            "test",
            "client",
            "golden",
            "hlsl",
            "sdl",
            "setup",
            "build",
            "kernel",
            "bench ring",
            "bench draw",
            "bench link",
            "package",
            "dxbc-corpus --fetch",
            "conformance",
            "help",
        ] {
            assert!(parsed(line).is_ok(), "{line}");
            assert!(line == "help" || HELP.contains(line), "{line}");
        }
    }
}
