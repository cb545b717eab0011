//! The core against a fake system and a fake host, honest or not.

mod contexts;
mod fake;
mod heap;
mod lies;
mod life;
mod submissions;
