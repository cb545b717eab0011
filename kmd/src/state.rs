//! The life of the adapter as one enum, and the table of what may follow what.
//!
//! ```text
//!              Start              HostReady              HostGone
//!   Stopped ──────────► Starting ───────────► Running ─────────────► Removed ──┐
//!      ▲                 │  │  │              │     ▲ ▲                │ │ ▲    │ fresh hello stands
//!      │   StartFailed   │  │  │      Timeout ▼     │ │   HostReady    │ │ │    │ (no change)
//!      │◄────────────────┘  │  │          Resetting ┘ └────────────────┘ │ └────┘
//!      │                    │  │            │    │ Restart               │
//!      │                    │  │            │    └─────HostGone────►     │
//!      │                    │  └────────────│──────────HostGone────►     │
//!      │  StopDone          ▼ Stop     Stop ▼                 Stop       │
//!      └──────────────────────────────── Stopping ◄──────────────────────┘
//! ```
//! Starting the device needs no host: `Starting` lasts until one answers, or until the device is stopped. After a host is gone
//! the adapter says hello anew; when a host answers that, it runs again, and only the contexts of before are lost.

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
    /// The host broke a rule of the control page, ring 0, the event ring or a fence line.
    HostLies,
    /// The host did nothing for so long that dxgkrnl's time limit ended, and it was ring 0 that it did not execute.
    HostHangs,
    /// The device itself is gone (surprise removal): its memory is not touched any more.
    DeviceGone,
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
                write!(f, "the host does not serve this guest (reason {reason})")
            }
            Self::HeartbeatStopped => f.write_str("the host's heartbeat stopped"),
            Self::LinkBroken => f.write_str("the link to the host broke"),
            Self::HostLies => f.write_str("the host broke the protocol"),
            Self::HostHangs => f.write_str("the host hangs"),
            Self::DeviceGone => f.write_str("the device is gone"),
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
    /// The host is gone. Every context is lost, and stays lost when another host answers a fresh hello.
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
    /// There is no aperture to wait with.
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
            (Self::Starting | Self::Removed(_), E::HostReady) => Ok(Self::Running),
            (Self::Starting, E::StartFailed) => Ok(Self::Stopped),
            (Self::Starting | Self::Running | Self::Resetting, E::HostGone(why)) => Ok(Self::Removed(why)),
            // A device that is gone stays gone, whatever else is said of its host.
            (Self::Removed(_), E::HostGone(Removal::DeviceGone)) => Ok(Self::Removed(Removal::DeviceGone)),
            (Self::Stopped | Self::Removed(_) | Self::Stopping, E::HostGone(_)) => Ok(self),
            (Self::Running, E::Timeout) => Ok(Self::Resetting),
            (Self::Starting | Self::Removed(_), E::Timeout | E::Restart) | (Self::Resetting, E::Timeout) => {
                Ok(self)
            }
            // The host came between the reset and the restart.
            (Self::Running, E::Restart) => Ok(self),
            (Self::Resetting, E::Restart) => Ok(Self::Running),
            (Self::Starting | Self::Running | Self::Resetting | Self::Removed(_), E::Stop) => {
                Ok(Self::Stopping)
            }
            (Self::Stopping, E::StopDone) => Ok(Self::Stopped),
            _ => Err(IllegalTransition { state: self, event }),
        }
    }

    /// Whether new work may reach the host.
    pub fn accepts_work(self) -> bool {
        self == Self::Running
    }

    /// Whether the device is started, with or without a host.
    pub fn is_started(self) -> bool {
        !matches!(self, Self::Stopped | Self::Stopping)
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
            (E::HostReady, [None, Some(S::Running), None, None, Some(S::Running), None]),
            (E::StartFailed, [None, Some(S::Stopped), None, None, None, None]),
            (
                E::HostGone(why),
                [
                    Some(S::Stopped),
                    Some(S::Removed(why)),
                    Some(S::Removed(why)),
                    Some(S::Removed(why)),
                    Some(gone),
                    Some(S::Stopping),
                ],
            ),
            (E::Timeout, [None, Some(S::Starting), Some(S::Resetting), Some(S::Resetting), Some(gone), None]),
            (E::Restart, [None, Some(S::Starting), Some(S::Running), Some(S::Running), Some(gone), None]),
            (
                E::Stop,
                [None, Some(S::Stopping), Some(S::Stopping), Some(S::Stopping), Some(S::Stopping), None],
            ),
            (E::StopDone, [None, None, None, None, None, Some(S::Stopped)]),
        ];
        for (event, row) in table {
            for (state, expect) in states.into_iter().zip(row) {
                assert_eq!(state.next(event).ok(), expect, "{state:?} × {event:?}");
            }
        }
    }
}
