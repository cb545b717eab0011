//! The core against a fake system and a fake host, honest or not.

mod contexts;
mod display;
mod fake;
mod heap;
mod lies;
mod life;
mod link;
mod order;
mod paging;
mod power;
mod presents;
mod standard;
mod status;
mod submissions;
mod threads;
mod timeout;
