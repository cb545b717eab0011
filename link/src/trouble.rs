//! Why there is no link at the moment.

use std::fmt;
use std::time::Duration;

use pvgpu_protocol::aperture::refusal;
use pvgpu_protocol::kernel_interface::PrivateDataError;
use pvgpu_thunks::NtStatus;
use pvgpu_transport::guest::ConnectError;
use pvgpu_transport::mirror::guest::BeginError;
use pvgpu_transport::secure::{KeysError, SecureError};
use pvgpu_transport::tcp::TcpError;
use pvgpu_transport::{LinkError, MapError};

use crate::driver::DriverError;
use crate::host::Reason;

/// What stands in the way, as a sentence that says what to do where there is something.
#[derive(Debug)]
pub enum Trouble {
    /// There is no adapter.
    Driver(DriverError),
    /// The driver does not take this process as its link service.
    Attach(NtStatus),
    /// The driver's answer is none.
    Answer(PrivateDataError),
    /// What the driver calls its aperture cannot be one.
    Aperture(MapError),
    /// The driver has not begun anew since the last host.
    LeftOver,
    /// Nobody has said where the host is.
    NoLink,
    /// What was said is no link.
    Link(LinkError),
    /// This machine's key cannot be had.
    Keys(KeysError),
    /// The host cannot be reached.
    Connect {
        /// Where it should be.
        link: String,
        /// Why not.
        error: ConnectError,
    },
    /// The mirror does not begin.
    Begin(BeginError),
    /// The system gives no thread.
    Thread(std::io::Error),
    /// The host refuses this guest.
    Refused {
        /// Why.
        reason: Reason,
        /// What it said in words.
        said: Option<String>,
    },
    /// The host is connected and says nothing.
    Silent {
        /// For how long.
        waited: Duration,
    },
    /// The host went before it had answered.
    NoAnswer {
        /// Why.
        why: String,
    },
    /// The driver does not take the host's answer.
    Up(NtStatus),
    /// The link was up and has ended.
    Lost {
        /// Why.
        why: String,
    },
    /// The driver counts the host as gone.
    GivenUp,
    /// The driver does not know this service any more.
    DriverGone(NtStatus),
}

impl Trouble {
    /// Whether trying again without a person's help is of no use.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Driver(error) => match error {
                DriverError::NotInstalled { .. }
                | DriverError::NoLinkNeeded
                | DriverError::OtherPackage
                | DriverError::Thunks(
                    pvgpu_thunks::ThunkError::Library { .. } | pvgpu_thunks::ThunkError::Export { .. },
                ) => true,
                DriverError::Thunks(pvgpu_thunks::ThunkError::Call { .. }) | DriverError::Event { .. } => {
                    false
                }
            },
            Self::Attach(status) => {
                matches!(*status, NtStatus::PRIVILEGE_NOT_HELD | NtStatus::NOT_SUPPORTED)
            }
            Self::NoLink
            | Self::Link(_)
            | Self::Keys(_)
            | Self::Connect { error: ConnectError::Link(_), .. } => true,
            Self::Answer(_)
            | Self::Aperture(_)
            | Self::LeftOver
            | Self::Connect { .. }
            | Self::Begin(_)
            | Self::Thread(_)
            | Self::Refused { .. }
            | Self::Silent { .. }
            | Self::NoAnswer { .. }
            | Self::Up(_)
            | Self::Lost { .. }
            | Self::GivenUp
            | Self::DriverGone(_) => false,
        }
    }
}

/// The link service has keys of its own, so that it is paired in another way than the programs of a user.
fn is_unpaired(error: &TcpError) -> bool {
    let TcpError::Handshake { source, .. } = error else { return false };
    matches!(source, SecureError::HostNotPaired { .. } | SecureError::ForgottenByHost)
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Driver(error) => error.fmt(f),
            Self::Attach(NtStatus::PRIVILEGE_NOT_HELD) => f.write_str(
                "the driver takes its link service from administrators only; run this from a console opened with \"Run as administrator\", or as a service",
            ),
            Self::Attach(NtStatus::DEVICE_BUSY) => {
                f.write_str("another link service is attached to the driver; end it, this one waits")
            }
            Self::Attach(status) => {
                write!(f, "the driver does not let the aperture be mapped: {} ({status:?})", status.meaning())
            }
            Self::Answer(error) => write!(f, "the driver's answer makes no sense: {error}"),
            Self::Aperture(error) => write!(f, "the driver's answer makes no sense: {error}"),
            Self::LeftOver => f.write_str("the driver has not begun anew since the last host went"),
            Self::NoLink => f.write_str(
                "nobody has said where the host is; give --link tcp://HOST:PORT, or put link = \"tcp://HOST:PORT\" into a pvgpu.toml beside this program",
            ),
            Self::Link(error) => error.fmt(f),
            Self::Keys(error) => error.fmt(f),
            Self::Connect { link, error: ConnectError::Tcp(error) } if is_unpaired(error) => write!(
                f,
                "this machine and the host at {link} are not paired; run `pvgpu-ctl pair` there, then `pvgpu-link --pair {link} CODE` here"
            ),
            Self::Connect { error, .. } => error.fmt(f),
            Self::Begin(error) => write!(f, "the aperture cannot be mirrored: {error}"),
            Self::Thread(error) => write!(f, "the system gives no thread ({error})"),
            Self::Refused { said: Some(said), .. } => write!(f, "the host refused this guest: {said}"),
            Self::Refused { reason: Reason { refusal, versions }, said: None } => write!(
                f,
                "the host refused this guest: {} (it speaks protocol versions {} to {})",
                refusal::text(*refusal),
                versions.min,
                versions.max
            ),
            Self::Silent { waited } => {
                write!(f, "the host did not answer within {} s", waited.as_secs())
            }
            Self::NoAnswer { why } => write!(f, "the link ended before the host had answered: {why}"),
            Self::Up(status) => write!(
                f,
                "the driver does not take the host's answer: {} ({status:?}); `pvgpu-ctl status` says more",
                status.meaning()
            ),
            Self::Lost { why } => write!(f, "the link is lost: {why}"),
            Self::GivenUp => {
                f.write_str("the driver has given the host up; `pvgpu-ctl tail` shows why, this begins anew")
            }
            Self::DriverGone(status) => {
                write!(f, "the driver has ended the link: {} ({status:?})", status.meaning())
            }
        }
    }
}

impl std::error::Error for Trouble {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_paired_is_told_how_the_service_is() {
        let trouble = |source| {
            let error = TcpError::Handshake { address: "box:7777".to_owned(), source };
            let link = "tcp://box:7777".to_owned();
            Trouble::Connect { link, error: ConnectError::Tcp(Box::new(error)) }
        };
        let unpaired = trouble(SecureError::ForgottenByHost);
        assert!(unpaired.to_string().ends_with("`pvgpu-link --pair tcp://box:7777 CODE` here"), "{unpaired}");
        assert!(!unpaired.is_final(), "the host may be paired while this waits");
        let other = trouble(SecureError::TimedOut);
        assert!(other.to_string().starts_with("no link with box:7777: "), "{other}");
    }
}
