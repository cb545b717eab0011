//! The command line that all samples understand.

/// What to run and how; the same for every sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The sample ends by itself after so many frames.
    pub frames: u32,
    /// Flip-model swap chain instead of a blit-model one.
    pub flip: bool,
    /// After a lost device, try for 10 s to make a new one and go on.
    pub recreate: bool,
}

/// Printed for `--help` and after a wrong option.
const USAGE: &str = "\
usage: PROGRAM [--frames N] [--flip] [--recreate]
  --frames N   end after N frames (default 240)
  --flip       use a flip-model swap chain (default: blit model)
  --recreate   after a lost device, make a new one and go on";

impl Options {
    /// Reads options from an iterator of arguments without the program's name.
    ///
    /// # Errors
    /// The text to print, with the usage, for `--help` and for anything unknown.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { frames: 240, flip: false, recreate: false };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--frames" => {
                    let value = arguments.next().unwrap_or_default();
                    options.frames = match value.parse() {
                        Ok(frames) if frames > 0 => frames,
                        _ => {
                            return Err(format!("--frames needs a number above 0, not \"{value}\"\n{USAGE}"));
                        }
                    };
                }
                "--flip" => options.flip = true,
                "--recreate" => options.recreate = true,
                "--help" => return Err(USAGE.to_owned()),
                other => return Err(format!("unknown option \"{other}\"\n{USAGE}")),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read() {
        assert_eq!(parsed(""), Ok(Options { frames: 240, flip: false, recreate: false }));
        assert_eq!(
            parsed("--recreate --frames 3 --flip"),
            Ok(Options { frames: 3, flip: true, recreate: true })
        );
    }

    #[test]
    fn wrong_options_are_named() {
        for (line, named) in
            [("--fast", "--fast"), ("--frames", "\"\""), ("--frames 0", "\"0\""), ("--frames -1", "-1")]
        {
            let text = parsed(line).expect_err(line);
            assert!(text.contains(named) && text.contains("usage:"), "{line}: {text}");
        }
    }
}
