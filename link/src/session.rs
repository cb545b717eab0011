//! One attachment: from the driver's aperture to a host, until one of the two goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pvgpu_protocol::aperture::refusal;
use pvgpu_transport::mirror::MirrorGuest;
use pvgpu_transport::shm::Wake;
use pvgpu_transport::{Mapping, Region};

use crate::attached::{Attached, Attachment};
use crate::connect::{Connect, Connected};
use crate::driver::Device;
use crate::event::Event;
use crate::host::{Answer, answer, hello_stands};
use crate::service::{Options, Pauses, Reporter};
use crate::stop::Stop;
use crate::trouble::Trouble;

/// How long a wait for the host may last before this side looks whether it is to end.
const TURN: Duration = Duration::from_millis(100);
/// A host that refuses says why in words, right behind its answer.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// How long the doorbell is waited for at a time; whoever ends the wait sets the event, so this is for a lost one only.
const DOORBELL_TURN: Duration = Duration::from_secs(1);

/// What one attachment needs and says.
pub(crate) struct Session<'s, 'r> {
    pub(crate) connect: &'s dyn Connect,
    pub(crate) stop: &'s Stop,
    pub(crate) reporter: &'s mut Reporter<'r>,
    pub(crate) options: Options,
    /// What only a person can change ends it, also while it connects.
    pub(crate) ends: bool,
    /// The bytes of the aperture that was told of last.
    pub(crate) told: &'s mut u64,
    /// Out: whether the link has been up.
    pub(crate) was_up: bool,
}

impl Session<'_, '_> {
    /// Attaches the device, and carries its aperture. `Ok` when the service is to end.
    ///
    /// # Errors
    /// Why it has ended; the device is detached and ended.
    pub(crate) fn carry<D: Device>(&mut self, device: D) -> Result<(), Trouble> {
        let attachment = Attachment::new(device, self.stop)?;
        let Some((attached, mapping)) = attachment.parts() else { return Ok(()) };
        let bytes = mapping.len() as u64;
        if std::mem::replace(self.told, bytes) != bytes {
            self.reporter.tell(&Event::Attached { bytes });
        }
        if answer(&mapping.whole()) != Answer::None {
            return Err(Trouble::LeftOver);
        }
        let Some(connected) = self.reach_host(attached)? else { return Ok(()) };
        self.mirror(attached, mapping, connected)
    }

    /// Connects, again and again; `None` when the service is to end.
    fn reach_host<D: Device>(&mut self, attached: &Attached<D>) -> Result<Option<Connected>, Trouble> {
        let mut pauses = Pauses::new(self.options);
        while !self.stop.is_requested() {
            let connected = self.connect.connect();
            // A driver that was stopped meanwhile has unmapped the aperture. There is nothing to look at for one that was not.
            attached.device().link_kick().map_err(Trouble::DriverGone)?;
            match connected {
                Ok(connected) => return Ok(Some(connected)),
                Err(trouble) if self.ends && trouble.is_final() => return Err(trouble),
                Err(trouble) => self.reporter.trouble(&trouble),
            }
            self.stop.wait(pauses.take());
        }
        Ok(None)
    }

    /// Mirrors the aperture, with a thread that hands the driver's doorbells on.
    fn mirror<D: Device>(
        &mut self,
        attached: &Arc<Attached<D>>,
        mapping: &Mapping,
        connected: Connected,
    ) -> Result<(), Trouble> {
        let Connected { link, channels } = connected;
        let guest = MirrorGuest::begin(mapping.clone(), channels).map_err(Trouble::Begin)?;
        attached.begun();
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let doorbells = || {
                while !ended.load(Ordering::Acquire) {
                    if attached.device().wait(DOORBELL_TURN) {
                        guest.ring_doorbell();
                    }
                }
            };
            let thread = std::thread::Builder::new().name("doorbells".to_owned());
            let spawned = thread.spawn_scoped(scope, doorbells).map_err(Trouble::Thread);
            // Whatever the driver rang for before the mirror was there is looked at by its first turn.
            let served = spawned.and_then(|_| self.serve(attached, &mapping.whole(), &guest, &link));
            ended.store(true, Ordering::Release);
            attached.device().wake();
            served
        })
        // The mirror ends with `guest`: its threads let go of the aperture, for which the end of the attachment waits.
    }

    /// Waits for the host's answer, and hands its interrupts on.
    fn serve<D: Device>(
        &mut self,
        attached: &Attached<D>,
        aperture: &Region,
        guest: &MirrorGuest,
        link: &str,
    ) -> Result<(), Trouble> {
        if !self.await_answer(aperture, guest)? {
            return Ok(());
        }
        attached.up().map_err(Trouble::Up)?;
        self.was_up = true;
        self.reporter.up(link, guest.round_trip());
        while !self.stop.is_requested() {
            match guest.wait_interrupt(TURN) {
                Wake::Rung => attached.device().link_kick().map_err(Trouble::DriverGone)?,
                Wake::Gone => return Err(Trouble::Lost { why: why(guest) }),
                Wake::Timeout => {}
            }
            if !hello_stands(aperture) {
                return Err(Trouble::GivenUp);
            }
        }
        Ok(())
    }

    /// Waits until the host is ready; false when the service is to end.
    fn await_answer(&self, aperture: &Region, guest: &MirrorGuest) -> Result<bool, Trouble> {
        let began = Instant::now();
        while !self.stop.is_requested() {
            let gone = guest.wait_interrupt(TURN) == Wake::Gone;
            match answer(aperture) {
                Answer::Ready => return Ok(true),
                Answer::Refused(reason) => {
                    let until = Instant::now() + LAST_WORDS;
                    while guest.why().is_none() && Instant::now() < until {
                        guest.wait_interrupt(until.saturating_duration_since(Instant::now()));
                    }
                    return Err(Trouble::Refused { reason, said: guest.why() });
                }
                Answer::Gone(reason) => {
                    let said = || refusal::text(reason.refusal).to_owned();
                    return Err(Trouble::NoAnswer { why: guest.why().unwrap_or_else(said) });
                }
                Answer::None if gone => return Err(Trouble::NoAnswer { why: why(guest) }),
                Answer::None => {}
            }
            if !hello_stands(aperture) {
                return Err(Trouble::GivenUp);
            }
            let waited = began.elapsed();
            if waited > self.options.host_patience {
                return Err(Trouble::Silent { waited });
            }
        }
        Ok(false)
    }
}

/// Why the link has ended.
fn why(guest: &MirrorGuest) -> String {
    guest.why().unwrap_or_else(|| "nobody said why".to_owned())
}
