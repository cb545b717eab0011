//! Notices that a cable was plugged in, pulled, or set up.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Survey;

/// How often one looks where the system sends no notices.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How often one looks although it does, should a notice be lost.
#[cfg(target_os = "linux")]
const BACKSTOP_INTERVAL: Duration = Duration::from_secs(5);
/// A change comes with a dozen notices; one look is enough for those that come within this time.
#[cfg(target_os = "linux")]
const SETTLE_TIME: Duration = Duration::from_millis(20);

/// A watch over the cables of a machine.
#[derive(Debug)]
pub struct Watch {
    root: PathBuf,
    last: Option<Survey>,
    #[cfg(target_os = "linux")]
    notices: Option<super::netlink::Notices>,
}

/// Watches the cables of the machine whose file system is below `root`; `/` is this machine, also on Windows.
///
/// Linux sends notices, so that a change is seen at once. Elsewhere, and where a sandbox keeps notices away, one look a second finds it.
pub fn watch(root: &Path) -> Watch {
    Watch {
        root: root.to_owned(),
        last: None,
        // Listening begins before the first look, so that nothing falls between.
        #[cfg(target_os = "linux")]
        notices: super::netlink::Notices::new().ok(),
    }
}

impl Watch {
    /// What is plugged in, once that differs from the last time; `None` when the time is over first. The first call returns at once.
    ///
    /// # Errors
    /// What the system said when it was asked.
    pub fn next(&mut self, timeout: Duration) -> io::Result<Option<Survey>> {
        let start = Instant::now();
        loop {
            let survey = self.look()?;
            if self.last.as_ref() != Some(&survey) {
                self.last = Some(survey.clone());
                return Ok(Some(survey));
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            self.wait(left);
        }
    }

    /// As where the system sends no notices.
    #[cfg(all(test, target_os = "linux"))]
    pub(super) fn forget_notices(&mut self) {
        self.notices = None;
    }

    fn look(&self) -> io::Result<Survey> {
        if self.root == Path::new("/") { super::survey() } else { super::cables(&self.root) }
    }

    /// Waits until it is worth looking again.
    #[cfg(target_os = "linux")]
    fn wait(&mut self, most: Duration) {
        let Some(notices) = &self.notices else { return std::thread::sleep(most.min(POLL_INTERVAL)) };
        let start = Instant::now();
        let most = most.min(BACKSTOP_INTERVAL);
        loop {
            let left = most.saturating_sub(start.elapsed());
            match notices.wait(left) {
                Ok(true) => return std::thread::sleep(SETTLE_TIME.min(left)),
                Ok(false) if left.is_zero() => return,
                Ok(false) => {}
                Err(_) => {
                    self.notices = None;
                    return;
                }
            }
        }
    }

    /// Waits until it is worth looking again.
    #[cfg(not(target_os = "linux"))]
    fn wait(&mut self, most: Duration) {
        std::thread::sleep(most.min(POLL_INTERVAL));
    }
}
