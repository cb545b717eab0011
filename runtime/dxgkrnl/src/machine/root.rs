//! The machine of `ROOT\PVGPU`: no hardware at all. The aperture is ordinary memory, which here is what the transport shares
//! with the host; whatever a link service does on Windows, [`crate::port`]'s service does with the methods of this file.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pvgpu_transport::guest::{Announced, ConnectError, GuestPort, Unannounced};
use pvgpu_transport::{Link, Mapping};

use super::{Machine, Wake};
use crate::nt::Pages;

/// How far the connection to the host is.
#[derive(Debug)]
enum Connection {
    Unannounced(Unannounced),
    Announced(Announced),
    Ready(Arc<GuestPort>),
    /// The host hung up, or never came.
    None,
}

#[derive(Debug)]
struct State {
    connection: Connection,
    /// The wait is to end.
    woken: bool,
    /// The pages were not given out yet.
    pages: Option<Arc<Pages>>,
}

/// The machine.
#[derive(Debug)]
pub(crate) struct RootMachine {
    state: Mutex<State>,
    changed: Condvar,
    mapping: Mapping,
}

impl RootMachine {
    /// A machine whose aperture of `bytes` the host of `link` can see once it is announced.
    ///
    /// # Errors
    /// [`ConnectError`] says why there is no host.
    pub(crate) fn new(link: &Link, bytes: u64) -> Result<Self, ConnectError> {
        let unannounced = Unannounced::new(link, bytes)?;
        let mapping = unannounced.mapping().clone();
        let pages = Some(Arc::new(Pages::shared(&mapping, None)));
        let connection = Connection::Unannounced(unannounced);
        Ok(Self {
            state: Mutex::new(State { connection, woken: false, pages }),
            changed: Condvar::new(),
            mapping,
        })
    }

    /// The aperture as the host sees it.
    pub(crate) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Shows the aperture to the host.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub(crate) fn announce(&self) -> Result<(), ConnectError> {
        let mut state = self.state();
        state.connection = match std::mem::replace(&mut state.connection, Connection::None) {
            Connection::Unannounced(unannounced) => Connection::Announced(unannounced.announce()?),
            other => other,
        };
        Ok(())
    }

    /// The host has answered: opens the doorbells.
    ///
    /// # Errors
    /// [`ConnectError`] when it has gone since.
    pub(crate) fn open_doorbells(&self) -> Result<(), ConnectError> {
        let mut state = self.state();
        state.connection = match std::mem::replace(&mut state.connection, Connection::None) {
            Connection::Announced(announced) => Connection::Ready(Arc::new(announced.open_doorbells()?)),
            other => other,
        };
        // Whoever waits does so without the port so far.
        state.woken = true;
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// Wakes the host.
    pub(crate) fn ring_doorbell(&self) {
        if let Some(port) = self.port() {
            port.ring_doorbell();
        }
    }

    /// How long the way to the host and back is.
    pub(crate) fn round_trip(&self) -> Duration {
        self.port().map_or(Duration::ZERO, |port| port.round_trip())
    }

    fn port(&self) -> Option<Arc<GuestPort>> {
        match &self.state().connection {
            Connection::Ready(port) => Some(port.clone()),
            Connection::Unannounced(_) | Connection::Announced(_) | Connection::None => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Machine for RootMachine {
    fn wait(&self, timeout: Option<Duration>) -> Wake {
        let port = {
            let mut state = self.state();
            if std::mem::take(&mut state.woken) {
                return Wake::Timeout;
            }
            match &state.connection {
                Connection::Ready(port) => port.clone(),
                Connection::Unannounced(_) | Connection::Announced(_) | Connection::None => {
                    match timeout {
                        Some(timeout) => {
                            let wait = self.changed.wait_timeout_while(state, timeout, |state| !state.woken);
                            state = wait.unwrap_or_else(PoisonError::into_inner).0;
                        }
                        None => {
                            let wait = self.changed.wait_while(state, |state| !state.woken);
                            state = wait.unwrap_or_else(PoisonError::into_inner);
                        }
                    }
                    state.woken = false;
                    return Wake::Timeout;
                }
            }
        };
        // Never for ever, so that a lost wake-up is no lost system; nothing is done at such a time.
        let wake = port.wait_interrupt(timeout.unwrap_or(Duration::from_secs(60)));
        if wake == Wake::Gone {
            self.state().connection = Connection::None;
        }
        wake
    }

    fn wake(&self) {
        let mut state = self.state();
        match &state.connection {
            Connection::Ready(port) => return port.wake_waiter(),
            Connection::Unannounced(_) | Connection::Announced(_) | Connection::None => state.woken = true,
        }
        drop(state);
        self.changed.notify_all();
    }

    fn pages(&self, bytes: usize) -> Option<Arc<Pages>> {
        self.state().pages.take_if(|pages| pages.bytes() == bytes)
    }

    fn io_space(&self, _physical: u64, _bytes: usize) -> Option<Arc<Pages>> {
        None
    }
}
