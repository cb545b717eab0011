//! The package's catalog: hashes of its files in the form that Windows looks them up, ready to be signed.
//!
//! [`pe`] finds the places of a PE file that count; [`hash`] is a file's Authenticode hash; [`catalog`] writes a
//! `.cat` file of version 2; [`der`] is the encoding below it.
//!
//! Sources: "PE Format" and the Authenticode paper for the hash; RFC 2315 and RFC 5280 for the envelope; the members and
//! attributes as MIT-licensed writers of the same format have them (dotnet/arcade's file catalog task), and as Inf2Cat's
//! catalogs show them. What is shown here is that osslsigncode accepts the result; Windows has not been asked yet.
//!
//! # Invariants
//! Any bytes give a result or an error: no panic, no `unsafe`. The catalog's bytes follow from the arguments alone.
#![forbid(unsafe_code)]

pub mod catalog;
pub mod der;
pub mod hash;
pub mod pe;
