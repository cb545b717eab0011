//! A fault: what a guest did wrong, or what the GPU could not do, as it poisons a context.
//!
//! Made wherever a command is refused; turned into a [`ContextError`](pvgpu_protocol::event::ContextError) event and
//! the error cell of the fence line by the worker.

use std::borrow::Cow;
use std::fmt;

use pvgpu_protocol::command::NONE;
use pvgpu_protocol::event::error_code;

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// One of [`error_code`].
    pub code: u32,
    /// The object at fault, or [`NONE`].
    pub object: u32,
    /// The broken rule with its numbers, for people.
    pub what: Cow<'static, str>,
}

impl Fault {
    /// A fault with no object.
    #[cold]
    pub fn new(code: u32, what: impl Into<Cow<'static, str>>) -> Self {
        Self { code, object: NONE, what: what.into() }
    }

    /// An argument out of its range.
    #[cold]
    pub fn argument(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(error_code::BAD_ARGUMENT, what)
    }

    /// An object's number that does not fit.
    #[cold]
    pub fn object(object: u32, what: impl Into<Cow<'static, str>>) -> Self {
        Self { code: error_code::BAD_OBJECT, object, what: what.into() }
    }

    /// Something that D3D11 can do and this host cannot.
    #[cold]
    pub fn unsupported(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(error_code::UNSUPPORTED, what)
    }

    /// The same fault, with the object it is about.
    pub fn about(mut self, object: u32) -> Self {
        self.object = object;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", error_code::name(self.code), self.what)?;
        if self.object != NONE {
            write!(f, " (object {})", self.object)?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}
