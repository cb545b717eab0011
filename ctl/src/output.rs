//! Text and JSON on standard output.

use std::io::Write;

use crate::error::Error;

/// Prints a value as one line of JSON.
///
/// # Errors
/// [`Error::Output`] when nobody reads any more.
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Error> {
    let text = serde_json::to_string(value).map_err(|error| Error::Output(error.into()))?;
    print(&text)
}

/// Prints a text and a line end.
///
/// # Errors
/// [`Error::Output`] when nobody reads any more.
pub fn print(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(Error::Output)
}

/// Prints a page over the one before: home, the page, and clear what the last one left below, without flicker.
///
/// # Errors
/// [`Error::Output`] when nobody reads any more.
pub fn print_over(page: &str) -> Result<(), Error> {
    print(&format!("\x1b[H{}\x1b[J", page.replace('\n', "\x1b[K\n")))
}
