//! The worker's end of what workers share: says to the supervisor what there is, and asks it for what others have.
//!
//! The executor never waits for an answer: it asks, and looks again at its next turn. Answers come from the thread that hears
//! the supervisor.

#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::process::FromWorker;
use crate::ops::ShareToken;
use crate::shared_image::{Asked, Broker, SharedImage};

/// After which time an answer that there is nothing is asked for again.
const AGAIN: Duration = Duration::from_millis(5);
/// After which time an answer that nobody has fetched is given back: its context is gone.
const FORGET: Duration = Duration::from_secs(20);

/// Takes lines for the supervisor, with descriptors.
pub type Speak = Box<dyn Fn(&FromWorker, Option<&OwnedFd>) + Send + Sync>;

/// The worker's end.
pub struct SupervisorBroker {
    speak: Speak,
    asked: Mutex<HashMap<ShareToken, Question>>,
}

struct Question {
    since: Instant,
    answer: Option<Option<(Box<SharedImage>, OwnedFd)>>,
}

impl SupervisorBroker {
    /// A broker that speaks through `speak`.
    pub fn new(speak: Speak) -> Self {
        Self { speak, asked: Mutex::default() }
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<ShareToken, Question>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The supervisor has answered. An image counts as this worker's from now on.
    pub fn answer(&self, token: ShareToken, found: Option<(Box<SharedImage>, OwnedFd)>) {
        let mut asked = self.asked();
        let was_found = found.is_some();
        match asked.get_mut(&token) {
            Some(question) if question.answer.is_none() => question.answer = Some(found),
            // Nobody waits any more.
            _ if was_found => {
                drop(asked);
                self.withdraw(token);
            }
            _ => {}
        }
    }
}

impl Broker for SupervisorBroker {
    fn publish(&self, token: ShareToken, image: &SharedImage, memory: OwnedFd) {
        (self.speak)(&FromWorker::Share { token, image: Box::new(*image) }, Some(&memory));
    }

    fn withdraw(&self, token: ShareToken) {
        (self.speak)(&FromWorker::Unshare { token }, None);
    }

    fn ask(&self, token: ShareToken) -> Asked {
        let now = Instant::now();
        let mut asked = self.asked();
        let stale = |question: &Question| now.duration_since(question.since) > FORGET;
        let old: Vec<ShareToken> = asked
            .extract_if(|other, question| *other != token && stale(question))
            .filter(|(_, question)| matches!(question.answer, Some(Some(_))))
            .map(|(token, _)| token)
            .collect();
        let (result, send) = match asked.remove(&token) {
            Some(Question { answer: Some(Some((image, memory))), .. }) => {
                (Asked::Found(image, memory), false)
            }
            Some(question @ Question { answer: None, .. }) => {
                asked.insert(token, question);
                (Asked::Waiting, false)
            }
            Some(question) if now.duration_since(question.since) < AGAIN => {
                asked.insert(token, question);
                (Asked::Unknown, false)
            }
            _ => {
                asked.insert(token, Question { since: now, answer: None });
                (Asked::Waiting, true)
            }
        };
        drop(asked);
        if send {
            (self.speak)(&FromWorker::Open { token }, None);
        }
        old.into_iter().for_each(|token| self.withdraw(token));
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::shared_image::GpuUuids;

    const TOKEN: ShareToken = [3, 4];

    fn broker() -> (SupervisorBroker, Arc<Mutex<Vec<String>>>) {
        let said = Arc::<Mutex<Vec<String>>>::default();
        let ears = said.clone();
        let speak = Box::new(move |line: &FromWorker, _: Option<&OwnedFd>| {
            let text = match line {
                FromWorker::Open { .. } => "open",
                FromWorker::Unshare { .. } => "unshare",
                _ => "other",
            };
            ears.lock().expect("no panic").push(text.to_owned());
        });
        (SupervisorBroker::new(speak), said)
    }

    fn found() -> Option<(Box<SharedImage>, OwnedFd)> {
        let gpu = GpuUuids::default();
        let image = SharedImage { command: [1; SharedImage::WORDS], size: 1, memory_type: 0, gpu };
        Some((Box::new(image), tempfile::tempfile().expect("a file").into()))
    }

    #[test]
    fn a_token_is_asked_for_until_somebody_has_it() {
        let (broker, said) = broker();
        assert!(matches!(broker.ask(TOKEN), Asked::Waiting));
        assert!(matches!(broker.ask(TOKEN), Asked::Waiting));
        assert_eq!(said.lock().expect("no panic").len(), 1, "once");
        broker.answer(TOKEN, None);
        while !matches!(broker.ask(TOKEN), Asked::Waiting) {}
        assert_eq!(*said.lock().expect("no panic"), ["open", "open"]);
        broker.answer(TOKEN, found());
        assert!(matches!(broker.ask(TOKEN), Asked::Found(..)));
        assert!(broker.asked().is_empty());
    }

    #[test]
    fn what_comes_too_late_is_given_back() {
        let (broker, said) = broker();
        broker.answer(TOKEN, found());
        assert_eq!(*said.lock().expect("no panic"), ["unshare"]);
        broker.answer(TOKEN, None);
        assert_eq!(said.lock().expect("no panic").len(), 1);
    }
}
