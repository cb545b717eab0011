//! One case while it runs: what it shows, what it expects.

use std::fmt::{Debug, Write};
use std::path::{Path, PathBuf};

use windows::Win32::Graphics::Direct3D::D3D_FEATURE_LEVEL;
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::DXGI_FORMAT;
use windows::core::{Error, Result};

use super::{Call, Code, Dispatch, Gpu, Pass, Picture, Shape, Texture, words};

/// What a case does.
pub type Run = fn(&mut Test<'_>) -> Result<()>;

/// A case: its area and name, and what it does.
#[derive(Clone)]
pub struct Case {
    pub name: String,
    pub run: Run,
}

/// A list of cases, each a function of the same name or `name => closure`.
macro_rules! cases {
    (@one $name:ident) => { (stringify!($name), $name as crate::kit::Run) };
    (@one $name:ident $run:expr) => { (stringify!($name), $run as crate::kit::Run) };
    ($($name:ident $(=> $run:expr)?),* $(,)?) => {
        /// The cases of this area.
        pub const CASES: &[(&str, crate::kit::Run)] = &[$(crate::kit::cases!(@one $name $($run)?)),*];
    };
}
pub(crate) use cases;

/// By how much an 8-bit channel may differ from a value that the CPU computed: one step, and rounding.
pub const STEP: f32 = 1.02 / 255.0;

/// A running case.
pub struct Test<'a> {
    pub gpu: &'a Gpu,
    /// Files are `STEM.png`, `STEM-2.png`, … and `STEM.txt`.
    stem: PathBuf,
    pictures: u32,
    numbers: String,
    checks: u32,
    problems: Vec<String>,
    skipped: Option<String>,
}

impl<'a> Test<'a> {
    pub fn new(gpu: &'a Gpu, stem: &Path) -> Self {
        Self {
            gpu,
            stem: stem.to_owned(),
            pictures: 0,
            numbers: String::new(),
            checks: 0,
            problems: Vec::new(),
            skipped: None,
        }
    }

    /// Draws; if the pass names no target, to a new one as its canvas says, which becomes one of the case's pictures.
    ///
    /// # Errors
    /// What Direct3D reports, here and everywhere below.
    pub fn draw(&mut self, pass: &Pass, call: Call) -> Result<Picture> {
        self.draw_all(pass, &[call])
    }

    /// A triangle over the whole target.
    pub fn full(&mut self, pass: &Pass) -> Result<Picture> {
        self.draw(pass, Call::Vertices(3))
    }

    /// Several draws of one pass.
    pub fn draw_all(&mut self, pass: &Pass, calls: &[Call]) -> Result<Picture> {
        let target = self.target(pass)?;
        let mut pass = pass.clone();
        pass.targets.insert(0, self.gpu.rtv(&target)?);
        self.gpu.bind(&pass)?;
        for call in calls {
            self.gpu.call(call);
        }
        self.show(&target)
    }

    /// A cleared target as the pass's canvas says.
    pub fn target(&self, pass: &Pass) -> Result<Texture> {
        let canvas = &pass.canvas;
        let shape = Shape {
            format: canvas.format,
            width: canvas.width,
            height: canvas.height,
            samples: canvas.samples,
            bind: D3D11_BIND_RENDER_TARGET | D3D11_BIND_SHADER_RESOURCE,
            ..Shape::default()
        };
        let target = self.gpu.texture(&shape, &[])?;
        self.gpu.clear(&self.gpu.rtv(&target)?, canvas.clear);
        Ok(target)
    }

    /// A texture's first subresource, resolved if it is multisampled, as one of the case's pictures.
    pub fn show(&mut self, texture: &Texture) -> Result<Picture> {
        let resolved = if texture.shape.samples > 1 {
            let single = self.gpu.texture(&Shape { samples: 1, ..texture.shape }, &[])?;
            self.gpu.resolve(&single, 0, texture, 0);
            single
        } else {
            texture.clone()
        };
        self.show_part(&resolved, 0)
    }

    /// Any subresource as one of the case's pictures.
    pub fn show_part(&mut self, texture: &Texture, sub: u32) -> Result<Picture> {
        let picture = self.gpu.picture(texture, sub)?;
        self.pictures += 1;
        let file = match self.pictures {
            1 => self.stem.with_extension("png"),
            number => {
                let name = self.stem.file_name().unwrap_or_default().to_string_lossy();
                self.stem.with_file_name(format!("{name}-{number}.png"))
            }
        };
        if let Err(error) = picture.save(&file) {
            self.problem(format!("cannot write {}: {error}", file.display()));
        }
        Ok(picture)
    }

    /// Runs a compute shader that reads words from t0 and writes as many as asked for to u0, both structured buffers.
    pub fn compute(&mut self, cs: Code, input: &[u32], output: usize) -> Result<Vec<u32>> {
        let mut resources = Vec::new();
        if !input.is_empty() {
            resources.push(self.gpu.srv(&self.gpu.structured(4, &words(input))?)?);
        }
        self.dispatch(Dispatch { cs, resources, ..Dispatch::default() }, output)
    }

    /// Runs a dispatch whose u0, put before its other views, is a structured buffer of so many words, and returns these.
    pub fn dispatch(&mut self, mut dispatch: Dispatch, output: usize) -> Result<Vec<u32>> {
        let buffer = self.gpu.structured(4, &words(&vec![0xdead_beef; output]))?;
        dispatch.uavs.insert(0, self.gpu.uav(&buffer)?);
        self.gpu.dispatch(&dispatch)?;
        self.gpu.read_words(&buffer)
    }

    /// Expects a picture whose texels the CPU computes from their columns and rows, to one step of 8 bits.
    pub fn expect(&mut self, found: &Picture, expected: impl Fn(u32, u32) -> [f32; 4]) {
        self.expect_within(STEP, found, expected);
    }

    /// As [`expect`](Self::expect), with another tolerance.
    pub fn expect_within(
        &mut self,
        tolerance: f32,
        found: &Picture,
        expected: impl Fn(u32, u32) -> [f32; 4],
    ) {
        self.expect_most(0, tolerance, found, expected);
    }

    /// As [`expect_within`](Self::expect_within), for rules that leave some texels to the hardware.
    pub fn expect_most(
        &mut self,
        may_differ: usize,
        tolerance: f32,
        found: &Picture,
        expected: impl Fn(u32, u32) -> [f32; 4],
    ) {
        self.checks += 1;
        let wrong: Vec<_> = found
            .places()
            .map(|(x, y)| (x, y, found.at(x, y), expected(x, y)))
            .filter(|(.., found, expected)| {
                !found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= tolerance || a == b)
            })
            .collect();
        if wrong.len() > may_differ
            && let Some((x, y, found, expected)) = wrong.first()
        {
            let count = wrong.len();
            self.problem(format!("{count} texels differ: ({x}, {y}) is {found:?}, expected {expected:?}"));
        }
    }

    /// Expects equal numbers, which are kept for the comparison of renderers as well.
    pub fn expect_words(&mut self, found: &[u32], expected: &[u32]) {
        for word in found {
            self.note(word);
        }
        self.checks += 1;
        let wrong = found.iter().zip(expected).position(|(found, expected)| found != expected);
        if found.len() != expected.len() {
            self.problem(format!("{} words, expected {}", found.len(), expected.len()));
        } else if let Some(place) = wrong {
            self.problem(format!("word {place} is {:#x}, expected {:#x}", found[place], expected[place]));
        }
    }

    /// Expects floats within a tolerance that is relative for numbers beyond 1. Two that are not numbers are equal.
    pub fn expect_floats(&mut self, tolerance: f32, found: &[u32], expected: &[f32]) {
        let found: Vec<f32> = found.iter().map(|bits| f32::from_bits(*bits)).collect();
        for number in &found {
            self.note(format_args!("{number:e}"));
        }
        self.checks += 1;
        let same = |a: f32, b: f32| {
            a == b || (a - b).abs() <= tolerance * b.abs().max(1.0) || (a.is_nan() && b.is_nan())
        };
        let wrong = found.iter().zip(expected).position(|(a, b)| !same(*a, *b));
        if found.len() != expected.len() {
            self.problem(format!("{} numbers, expected {}", found.len(), expected.len()));
        } else if let Some(place) = wrong {
            let (found, expected) = (found[place], expected[place]);
            self.problem(format!("number {place} is {found:e}, expected {expected:e}"));
        }
    }

    /// Expects two values to be equal.
    pub fn equal<T: PartialEq + Debug + ?Sized>(&mut self, what: &str, found: &T, expected: &T) {
        self.checks += 1;
        if found != expected {
            self.problem(format!("{what}: {found:?}, expected {expected:?}"));
        }
    }

    /// Expects a condition.
    pub fn holds(&mut self, what: &str, holds: bool) {
        self.checks += 1;
        if !holds {
            self.problem(format!("not so: {what}"));
        }
    }

    /// Keeps a line for the comparison of renderers: a number, or a word.
    pub fn note(&mut self, line: impl std::fmt::Display) {
        // Writing to a string cannot fail.
        let _written = writeln!(self.numbers, "{line}");
    }

    /// True, and the case is skipped, if the device is of a lower feature level.
    pub fn lacks(&mut self, level: D3D_FEATURE_LEVEL) -> bool {
        let lacks = self.gpu.level.0 < level.0;
        if lacks {
            self.skipped = Some(format!("it needs feature level 0x{:x}", level.0));
        }
        lacks
    }

    /// True, and the case is skipped, if the device does not draw to targets of a format that Direct3D leaves to it.
    pub fn lacks_target(&mut self, format: DXGI_FORMAT) -> bool {
        let lacks = !self.gpu.has_target(format);
        if lacks {
            self.skipped = Some("the format is no target's, as Direct3D allows".to_owned());
        }
        lacks
    }

    fn problem(&mut self, text: String) {
        self.problems.push(text);
    }

    /// Writes the numbers and gives the verdict, one line.
    pub fn finish(mut self, result: Result<()>) -> String {
        if !self.numbers.is_empty() {
            let file = self.stem.with_extension("txt");
            if let Err(error) = std::fs::write(&file, &self.numbers) {
                self.problem(format!("cannot write {}: {error}", file.display()));
            }
        }
        let failed = |problem: &str| format!("failed {}", problem.replace(['\r', '\n'], " "));
        match (result, self.gpu.removed(), self.skipped, self.problems.as_slice()) {
            (_, Some(error), ..) => failed(&format!("the device is removed: {}", describe(&error))),
            (Err(error), ..) => failed(&describe(&error)),
            (.., [problem, ..]) => failed(problem),
            (.., Some(why), []) => format!("skipped {why}"),
            _ if self.checks == 0 => "unjudged".to_owned(),
            _ => "passed".to_owned(),
        }
    }
}

fn describe(error: &Error) -> String {
    format!("Direct3D reports 0x{:08x}", error.code().0)
}
