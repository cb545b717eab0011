//! The link service of a `ROOT\PVGPU` adapter, apart from the system that it runs on: it attaches to the installed driver, whose
//! aperture it gets mapped, connects to a host on another machine, and mirrors the one to the other, for ever.
//!
//! [`Service`] is the loop. What it needs of the system are two traits: a [`Driver`] gives a [`Device`], which carries escapes, a
//! mapping and an event, and a [`Connect`] gives the channels to a host. On Windows `link/service` brings both
//! (`pvgpu-link.exe`); tests bring drivers of their own, and pvgpukmd.sys under the model of dxgkrnl. The model's own service, inside
//! a program without the driver, sends the same escapes ([`LinkEscapes`]) and reads the same answer ([`host`]).
//!
//! ```text
//!   open ──► attach ──► connect ──► mirror ──► host READY ──► LINK_UP ──► kicks and doorbells ──┐
//!    ▲                   │  ▲ again, with pauses                                                │
//!    │                   └──┘                                                                   │
//!    └── detach, pause ◄──────────── host gone or refusing, driver gone, hello withdrawn ◄──────┘
//! ```
//!
//! # Invariants
//! - The driver's mapping ends by `DETACH_LINK`, which is sent when no thread of the mirror can touch it any more, and not before.
//! - Nothing that the driver or the host answers ends the loop, but for what nobody but a person can change, and that only where
//!   somebody is there to read it ([`Options::patient`]).

mod attached;
mod connect;
mod driver;
mod event;
pub mod host;
mod requests;
mod service;
mod session;
mod stop;
mod trouble;

pub use connect::{Configured, Connect, Connected};
pub use driver::{Device, Driver, DriverError};
pub use event::Event;
pub use requests::LinkEscapes;
pub use service::{Options, Service};
pub use stop::Stop;
pub use trouble::Trouble;
