//! Exceptions in an image: where its handlers are, for the system to find.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{Registration, register, specific_handler};
#[cfg(windows)]
pub use windows::{Registration, register, specific_handler};
