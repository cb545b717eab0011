//! The loop: one attachment after the other, with pauses.

use std::time::Duration;

use crate::connect::Connect;
use crate::driver::Driver;
use crate::event::Event;
use crate::session::Session;
use crate::stop::Stop;
use crate::trouble::Trouble;

/// How the loop behaves.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Goes on for ever, whatever is wrong: a service that starts with the system may be there before the driver and its
    /// configuration. Otherwise what only a person can change ends it, as long as no link has been up.
    pub patient: bool,
    /// The first pause between two tries; each next one is twice as long.
    pub first_pause: Duration,
    /// The longest.
    pub longest_pause: Duration,
    /// How long a host may take to answer the hello.
    pub host_patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            patient: false,
            // A cable that was pulled for a moment is back soon; a host that is switched off costs a packet every five seconds.
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(5),
            // It starts a process and a Vulkan device, which takes 0.1 to 2 s; measured on a 2-core machine under load, with room
            // to spare.
            host_patience: Duration::from_secs(15),
        }
    }
}

/// Pauses that double.
#[derive(Debug)]
pub(crate) struct Pauses {
    next: Duration,
    options: Options,
}

impl Pauses {
    pub(crate) fn new(options: Options) -> Self {
        Self { next: options.first_pause, options }
    }

    /// The next pause.
    pub(crate) fn take(&mut self) -> Duration {
        let pause = self.next.min(self.options.longest_pause);
        self.next = pause.saturating_mul(2);
        pause
    }
}

/// Tells of trouble, the same one once.
pub(crate) struct Reporter<'s> {
    report: &'s dyn Fn(&Event<'_>),
    last: String,
}

impl<'s> Reporter<'s> {
    pub(crate) fn new(report: &'s dyn Fn(&Event<'_>)) -> Self {
        Self { report, last: String::new() }
    }

    /// Tells of it, unless it was the last that was told.
    pub(crate) fn trouble(&mut self, trouble: &Trouble) {
        let text = trouble.to_string();
        if text != self.last {
            (self.report)(&Event::Trouble(trouble));
            self.last = text;
        }
    }

    /// A link is up: from now on trouble is news.
    pub(crate) fn up(&mut self, link: &str, round_trip: Duration) {
        self.last.clear();
        (self.report)(&Event::Up { link, round_trip });
    }

    /// Anything else.
    pub(crate) fn tell(&self, event: &Event<'_>) {
        (self.report)(event);
    }
}

/// The service.
pub struct Service<'s, D: Driver> {
    /// Whose aperture is carried.
    pub driver: &'s D,
    /// Where to.
    pub connect: &'s dyn Connect,
    /// When to end.
    pub stop: &'s Stop,
    /// Who hears of it.
    pub report: &'s dyn Fn(&Event<'_>),
    /// How it behaves.
    pub options: Options,
}

impl<D: Driver> std::fmt::Debug for Service<'_, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<D: Driver> Service<'_, D> {
    /// Carries the driver's aperture until [`Stop`] is requested.
    ///
    /// # Errors
    /// What only a person can change ([`Trouble::is_final`]), unless the service is patient or a link has been up.
    pub fn run(&self) -> Result<(), Trouble> {
        let mut reporter = Reporter::new(self.report);
        let mut pauses = Pauses::new(self.options);
        let mut was_up = false;
        let mut attached = 0;
        while !self.stop.is_requested() {
            let mut session = Session {
                connect: self.connect,
                stop: self.stop,
                reporter: &mut reporter,
                options: self.options,
                ends: !self.options.patient && !was_up,
                told: &mut attached,
                was_up: false,
            };
            let ended = match self.driver.open() {
                Ok(device) => session.carry(device),
                Err(error) => Err(Trouble::Driver(error)),
            };
            if session.was_up {
                was_up = true;
                pauses = Pauses::new(self.options);
            }
            let Err(trouble) = ended else { break };
            if trouble.is_final() && !self.options.patient && !was_up {
                return Err(trouble);
            }
            reporter.trouble(&trouble);
            self.stop.wait(pauses.take());
        }
        reporter.tell(&Event::Stopped);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let options = Options {
            first_pause: Duration::from_millis(3),
            longest_pause: Duration::from_millis(10),
            ..Options::default()
        };
        let mut pauses = Pauses::new(options);
        let taken: Vec<_> = (0..5).map(|_| pauses.take().as_millis()).collect();
        assert_eq!(taken, [3, 6, 10, 10, 10]);
    }
}
