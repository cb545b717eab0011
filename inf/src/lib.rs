//! The setup information file (INF) of the driver package: what it says, how it is written, and which rules it keeps.
//!
//! [`package`] is the one table from which everything else about the package follows: the files, the hardware ids, the
//! registry settings, the version. [`text`] writes `pvgpu.inf` from it; the copy in this folder is compared with it by a test.
//! [`parse`] reads any INF, and [`lint`] checks the rules that Microsoft's InfVerif states and that can be checked from
//! the text, each with the page it was taken from.
//!
//! Sources are Microsoft's documentation pages, named beside each rule; how Windows itself reads the file is not shown here.
//!
//! # Invariants
//! Pure functions over text: no file, no clock, no `unsafe`, no dependency. Any text parses or gives an error with its line.
#![forbid(unsafe_code)]

pub mod lint;
pub mod package;
pub mod parse;
pub mod text;
