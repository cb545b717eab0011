//! The life of the adapter as one enum, and the table of what may follow what.
//!
//! ```text
//!              Start              HostReady              HostGone
//!   Stopped ──────────► Starting ───────────► Running ─────────────► Removed
//!      ▲                   │                  │     ▲                   │
//!      │    StartFailed    │          Timeout ▼     │ Restart           │
//!      │◄──────────────────┘                 Resetting ──HostGone──►    │
//!      │                                      │                         │
//!      │  StopDone              Stop          ▼           Stop          │
//!      └─────────────────────────────────  Stopping ◄───────────────────┘
//! ```

use core::fmt;

/// Why the host counts as gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The control page says so: a reason of [`pvgpu_protocol::aperture::refusal`].
    HostSaysGone {
        /// The reason.
        reason: u64,
    },
    /// The host's heartbeat stood still.
    HeartbeatStopped,
    /// The link broke (the transport reported the peer's end).
    LinkBroken,
    /// The host broke a rule of ring 0, the event ring or a fence line.
    HostLies,
    /// Ring 0 is poisoned: a code of [`pvgpu_protocol::event::error_code`].
    KernelRingError {
        /// The code.
        code: u32,
    },
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostSaysGone { reason } => {
                write!(f, "the host ended this guest's worker (reason {reason})")
            }
            Self::HeartbeatStopped => f.write_str("the host's heartbeat stopped"),
            Self::LinkBroken => f.write_str("the link to the host broke"),
            Self::HostLies => f.write_str("the host broke the protocol"),
            Self::KernelRingError { code } => {
                write!(
                    f,
                    "the host refused the kernel ring: {}",
                    pvgpu_protocol::event::error_code::name(*code)
                )
            }
        }
    }
}

/// Where the adapter is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdapterState {
    /// Not started, or stopped: nothing is shared with a host.
    Stopped,
    /// The hello stands; the host has not answered.
    Starting,
    /// A host serves this guest.
    Running,
    /// dxgkrnl found the adapter hung; nothing new is submitted until it restarts.
    Resetting,
    /// The host is gone. Every context is removed; only a stop helps.
    Removed(Removal),
    /// Being stopped.
    Stopping,
}

/// What happens to the adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdapterEvent {
    /// `DxgkDdiStartDevice` begins.
    Start,
    /// The host answered well.
    HostReady,
    /// The host did not answer, or refused.
    StartFailed,
    /// The host is gone.
    HostGone(Removal),
    /// `DxgkDdiResetFromTimeout`.
    Timeout,
    /// `DxgkDdiRestartFromTimeout`.
    Restart,
    /// `DxgkDdiStopDevice` begins.
    Stop,
    /// Stopping is over.
    StopDone,
}

/// An event that the state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IllegalTransition {
    /// Where the adapter is.
    pub state: AdapterState,
    /// What was to happen.
    pub event: AdapterEvent,
}

impl fmt::Display for IllegalTransition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} cannot happen while the adapter is {:?}", self.event, self.state)
    }
}

impl core::error::Error for IllegalTransition {}

impl AdapterState {
    /// What follows; a late sign that the host is gone changes nothing.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn next(self, event: AdapterEvent) -> Result<Self, IllegalTransition> {
        use AdapterEvent as E;
        match (self, event) {
            (Self::Stopped, E::Start) => Ok(Self::Starting),
            (Self::Starting, E::HostReady) => Ok(Self::Running),
            (Self::Starting, E::StartFailed) => Ok(Self::Stopped),
            (Self::Running | Self::Resetting, E::HostGone(why)) => Ok(Self::Removed(why)),
            (Self::Stopped | Self::Starting | Self::Removed(_) | Self::Stopping, E::HostGone(_)) => Ok(self),
            (Self::Running, E::Timeout) => Ok(Self::Resetting),
            (Self::Removed(_), E::Timeout | E::Restart) => Ok(self),
            (Self::Resetting, E::Restart) => Ok(Self::Running),
            (Self::Running | Self::Resetting | Self::Removed(_), E::Stop) => Ok(Self::Stopping),
            (Self::Stopping, E::StopDone) => Ok(Self::Stopped),
            _ => Err(IllegalTransition { state: self, event }),
        }
    }

    /// Whether new work may reach the host.
    pub fn accepts_work(self) -> bool {
        self == Self::Running
    }

    /// Whether the aperture is shared with a host that answers.
    pub fn is_linked(self) -> bool {
        matches!(self, Self::Running | Self::Resetting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every state × event pair, as a reader would draw it.
    #[test]
    fn table_of_all_pairs() {
        use AdapterEvent as E;
        use AdapterState as S;
        let why = Removal::HeartbeatStopped;
        let gone = S::Removed(Removal::LinkBroken);
        let states = [S::Stopped, S::Starting, S::Running, S::Resetting, gone, S::Stopping];
        let table: [(E, [Option<S>; 6]); 8] = [
            (E::Start, [Some(S::Starting), None, None, None, None, None]),
            (E::HostReady, [None, Some(S::Running), None, None, None, None]),
            (E::StartFailed, [None, Some(S::Stopped), None, None, None, None]),
            (
                E::HostGone(why),
                [
                    Some(S::Stopped),
                    Some(S::Starting),
                    Some(S::Removed(why)),
                    Some(S::Removed(why)),
                    Some(gone),
                    Some(S::Stopping),
                ],
            ),
            (E::Timeout, [None, None, Some(S::Resetting), None, Some(gone), None]),
            (E::Restart, [None, None, None, Some(S::Running), Some(gone), None]),
            (E::Stop, [None, None, Some(S::Stopping), Some(S::Stopping), Some(S::Stopping), None]),
            (E::StopDone, [None, None, None, None, None, Some(S::Stopped)]),
        ];
        for (event, row) in table {
            for (state, expect) in states.into_iter().zip(row) {
                assert_eq!(state.next(event).ok(), expect, "{state:?} × {event:?}");
            }
        }
    }
}
