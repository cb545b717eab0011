//! A headless X server of our own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::{Error, Result, process};

/// The size of its screen in pixels, as Wine and X write one.
pub const SCREEN: &str = "1600x1200";

/// A running X server; it ends with this value.
pub struct Display {
    server: Child,
    name: String,
}

impl Display {
    /// Starts Xvfb on a display that is free.
    ///
    /// # Errors
    /// If it cannot be started or finds no free display.
    pub fn start() -> Result<Self> {
        let mut command = Command::new("Xvfb");
        // `-displayfd 1`: the server picks a free display and writes its number to standard output once it is ready.
        let screen = format!("{SCREEN}x24");
        command.args(["-displayfd", "1", "-screen", "0", &screen, "-nolisten", "tcp"]);
        let mut server =
            process::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()))?;
        let mut number = String::new();
        let read = match server.stdout.take() {
            Some(output) => BufReader::new(output).read_line(&mut number),
            None => Ok(0),
        };
        if matches!(read, Ok(0) | Err(_)) {
            process::end(&mut server);
            return Err(Error::Failed(
                "the X server Xvfb ended at once; try `Xvfb -displayfd 1` to see why".to_owned(),
            ));
        }
        Ok(Self { server, name: format!(":{}", number.trim()) })
    }

    /// The value for the environment variable `DISPLAY`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        process::end(&mut self.server);
    }
}
