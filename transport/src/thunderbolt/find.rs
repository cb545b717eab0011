//! The guest's end: finds the host at the other end of a cable by its beacon.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use super::beacon::{Found, INTERVAL, Listener, Role};
use super::{Advice, Cable, Interface, Survey, watch};
use crate::secure::{Fingerprint, Peers, PeersError, Role as PeerRole};

/// TIMEOUT: how long a guest waits for a beacon: six of them, or two while a cable that was just plugged in gets its address.
pub const FIND_TIME: Duration = Duration::from_secs(3);
/// After a host that does not do, or where there may be several, others get so long to be heard.
const GRACE: Duration = INTERVAL.saturating_mul(2);
/// How often the cables are looked at meanwhile, and how long each interface is listened to in turn.
const LOOK: Duration = Duration::from_millis(200);
const TURN: Duration = Duration::from_millis(20);

/// Which host is looked for.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    /// One that this machine is paired with.
    Paired(&'a Peers),
    /// One that trusts the cable.
    Trusting,
    /// Any one with a key, to be paired with.
    Any,
}

/// A host that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What it calls itself.
    pub name: String,
    /// Over which interface.
    pub interface: String,
    /// Which key it says that it has; none when it trusts the cable.
    pub fingerprint: Option<Fingerprint>,
}

impl Heard {
    fn of(found: &Found) -> Self {
        let fingerprint = (found.digest != [0; 32]).then(|| Fingerprint::of_digest(&found.digest));
        Self { name: found.name.clone(), interface: found.interface.clone(), fingerprint }
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.name, self.interface)?;
        match &self.fingerprint {
            Some(fingerprint) => write!(f, " ({fingerprint})"),
            None => f.write_str(" (without a key)"),
        }
    }
}

/// Why no host was found.
#[derive(Debug)]
pub enum FindError {
    /// The system cannot be asked for its cables.
    Survey(io::Error),
    /// No cable carries anything; what to do about it.
    NotReady(Vec<Advice>),
    /// A cable is there, and no host says a word.
    Silent {
        /// The interfaces that were listened to.
        interfaces: Vec<String>,
        /// How long.
        waited: Duration,
    },
    /// The interface cannot be listened to.
    Listen {
        /// Which.
        interface: String,
        /// What the system said.
        source: io::Error,
    },
    /// The hosts that were heard are not paired with this machine.
    Strangers(Vec<Heard>),
    /// The hosts that were heard trust the cable, and this machine does not.
    Trusts(Vec<Heard>),
    /// The hosts that were heard want a key, and this machine trusts the cable.
    Encrypts(Vec<Heard>),
    /// Several would do.
    Several(Vec<Heard>),
    /// The list of peers cannot be read.
    Peers(PeersError),
}

impl FindError {
    /// Whether a host may be found a moment later: nobody was there.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::NotReady(_) | Self::Silent { .. } | Self::Listen { .. })
    }
}

/// Several of something, for a sentence.
fn list<T: fmt::Display>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for FindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Survey(error) => write!(f, "the system does not tell its cables ({error})"),
            Self::NotReady(advice) => match advice.iter().find(|advice| advice.is_needed()) {
                Some(advice) => advice.fmt(f),
                None => f.write_str("no cable carries anything yet; try again in a moment"),
            },
            Self::Silent { interfaces, waited } => write!(
                f,
                "no host was heard at {} within {} s; start `pvgpud --link thunderbolt:auto` on the other machine, and let UDP port {} through the firewall here",
                list(interfaces),
                waited.as_secs(),
                super::beacon::PORT
            ),
            Self::Listen { interface, source } => {
                write!(f, "{interface} cannot be listened to ({source}); plug the cable in again")
            }
            Self::Strangers(hosts) => write!(
                f,
                "the host at the cable is not paired with this machine: {}; run `pvgpu-ctl pair` there, then `pvgpu-ctl pair thunderbolt:auto CODE` here",
                list(hosts)
            ),
            Self::Trusts(hosts) => write!(
                f,
                "the host at the cable serves it without encryption: {}; set trust_link here as well, or leave --trust-link out there and pair",
                list(hosts)
            ),
            Self::Encrypts(hosts) => write!(
                f,
                "the host at the cable serves it with encryption: {}; leave trust_link out here and pair, or give --trust-link to pvgpud as well",
                list(hosts)
            ),
            Self::Several(hosts) => write!(
                f,
                "there are several hosts: {}; pull all cables but one, or name one by its address with a tcp:// link",
                list(hosts)
            ),
            Self::Peers(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Survey(source) | Self::Listen { source, .. } => Some(source),
            Self::Peers(source) => Some(source),
            _ => None,
        }
    }
}

/// Finds a host by its beacon, on whichever cable it is, and gives its address; `root` is where the system's files are, usually `/`.
///
/// A machine without any cable is told at once. Otherwise a cable may take until `patience` is over to become ready and to carry a
/// beacon. A beacon proves nothing: whoever connects checks the key.
///
/// # Errors
/// [`FindError`] says what is missing.
pub fn find(root: &Path, who: Who<'_>, patience: Duration) -> Result<SocketAddr, FindError> {
    let mut choice = Choice::new(who)?;
    let mut watch = watch(root);
    let mut ears: Vec<(Interface, Listener)> = Vec::new();
    let begin = Instant::now();
    let mut until = begin + patience;
    let mut survey = Survey::default();
    let mut looked = None;
    let mut failed = None;
    loop {
        if looked.is_none_or(|looked: Instant| looked.elapsed() >= LOOK) {
            if let Some(now) = watch.next(Duration::ZERO).map_err(FindError::Survey)? {
                survey = now;
                failed = tune_in(&survey, &mut ears);
            }
            looked = Some(Instant::now());
        }
        if survey.cables.is_empty() {
            return Err(FindError::NotReady(survey.advice()));
        }
        let heard_before = choice.heard.len();
        if ears.is_empty() {
            std::thread::sleep(TURN);
        }
        ears.retain_mut(|(_, listener)| match listener.next(TURN) {
            Ok(found) => {
                found.into_iter().for_each(|found| choice.hear(&found));
                true
            }
            // Its interface is gone; a survey tells when it is back.
            Err(_) => false,
        });
        // A cable has one other end; a bond, a bridge or a second cable may have several.
        let is_alone = ears.len() == 1 && survey.cables.iter().all(|cable| cable.master.is_none());
        if let Some(address) = choice.settled(is_alone) {
            return Ok(address);
        }
        let now = Instant::now();
        if heard_before == 0 && !choice.heard.is_empty() {
            until = until.min(now + GRACE);
        }
        if now >= until {
            return choice.end().unwrap_or_else(|| {
                Err(match (failed, ears.is_empty()) {
                    (Some((interface, source)), true) => FindError::Listen { interface, source },
                    (None, true) => FindError::NotReady(survey.advice()),
                    (_, false) => FindError::Silent {
                        interfaces: ears.iter().map(|(interface, _)| interface.name.clone()).collect(),
                        waited: begin.elapsed(),
                    },
                })
            });
        }
    }
}

/// Listens to all interfaces that are ready and to no others; gives the first that cannot be listened to.
fn tune_in(survey: &Survey, ears: &mut Vec<(Interface, Listener)>) -> Option<(String, io::Error)> {
    let ready: Vec<&Interface> = survey.cables.iter().filter_map(Cable::ready).collect();
    let same = |a: &Interface, b: &Interface| (a.index, &a.addresses) == (b.index, &b.addresses);
    ears.retain(|(interface, _)| ready.iter().any(|ready| same(ready, interface)));
    let mut failed = None;
    for interface in ready {
        if ears.iter().any(|(known, _)| same(known, interface)) {
            continue;
        }
        // No beacon has the number 0, so that none counts as this machine's own.
        match Listener::start(interface, 0) {
            Ok(listener) => ears.push((interface.clone(), listener)),
            Err(error) => failed = failed.or(Some((interface.name.clone(), error))),
        }
    }
    failed
}

/// What was heard, and what of it does.
struct Choice {
    /// The digests of paired hosts' keys; none when it is not about keys.
    paired: Option<Vec<[u8; 32]>>,
    trusts: bool,
    /// By the number of their start: a host may be heard at several addresses.
    heard: BTreeMap<u64, (Heard, Option<SocketAddr>)>,
}

impl Choice {
    fn new(who: Who<'_>) -> Result<Self, FindError> {
        let paired = match who {
            Who::Paired(peers) => {
                let hosts = peers.list().map_err(FindError::Peers)?.into_iter();
                let hosts = hosts.filter(|peer| peer.role == PeerRole::Host);
                Some(hosts.map(|peer| peer.key.digest()).collect())
            }
            Who::Trusting | Who::Any => None,
        };
        Ok(Self { paired, trusts: matches!(who, Who::Trusting), heard: BTreeMap::new() })
    }

    fn hear(&mut self, found: &Found) {
        if found.role != Role::Host {
            return;
        }
        let has_key = found.digest != [0; 32];
        let does = match &self.paired {
            Some(paired) => has_key && paired.contains(&found.digest),
            None => has_key != self.trusts,
        };
        let address = does.then_some(found.address);
        let entry = self.heard.entry(found.nonce).or_insert_with(|| (Heard::of(found), None));
        // The first address stays: IPv6 and IPv4 of the same host are as good as each other.
        entry.1 = entry.1.or(address);
    }

    fn fitting(&self) -> Vec<(&Heard, SocketAddr)> {
        self.heard.values().filter_map(|(heard, address)| Some((heard, (*address)?))).collect()
    }

    /// The host, once nothing that may still be heard would change it.
    fn settled(&self, is_alone: bool) -> Option<SocketAddr> {
        let (_, address) = *self.fitting().first()?;
        (is_alone || self.paired.is_some()).then_some(address)
    }

    /// What has come of it, once the time is over; nothing if nobody was heard.
    fn end(&self) -> Option<Result<SocketAddr, FindError>> {
        let fitting = self.fitting();
        let all = || self.heard.values().map(|(heard, _)| heard.clone()).collect::<Vec<_>>();
        match fitting[..] {
            [(_, address)] => return Some(Ok(address)),
            [] if self.heard.is_empty() => return None,
            [] => {}
            _ => {
                let several = fitting.iter().map(|(heard, _)| (*heard).clone()).collect();
                return Some(Err(FindError::Several(several)));
            }
        }
        let with_key = self.heard.values().any(|(heard, _)| heard.fingerprint.is_some());
        Some(Err(match (self.trusts, with_key) {
            (true, _) => FindError::Encrypts(all()),
            (false, true) => FindError::Strangers(all()),
            (false, false) => FindError::Trusts(all()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secure::{Identity, Peer};

    fn found(name: &str, nonce: u64, digest: [u8; 32], last: u16) -> Found {
        let address = format!("[fe80::{last}%7]:7786").parse().expect("an address");
        let (interface, name) = ("thunderbolt0".to_owned(), name.to_owned());
        Found { interface, address, role: Role::Host, name, digest, nonce }
    }

    fn choice(who: Who<'_>, all: &[Found]) -> Choice {
        let mut choice = Choice::new(who).expect("in memory");
        all.iter().for_each(|found| choice.hear(found));
        choice
    }

    fn says(choice: &Choice, part: &str) {
        let error = choice.end().expect("somebody was heard").expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    }

    #[test]
    fn the_paired_host_is_taken_among_others() {
        let key = Identity::generate().expect("random").public();
        let peer = |role| Peer { name: "box".to_owned(), role, key, address: None };
        let peers = Peers::in_memory(vec![peer(PeerRole::Host)]);
        let (stranger, ours) = (found("rack", 1, [9; 32], 1), found("box", 2, key.digest(), 2));
        let heard = choice(Who::Paired(&peers), &[stranger.clone(), ours.clone()]);
        assert_eq!(heard.settled(false), Some(ours.address));
        let alone = choice(Who::Paired(&peers), &[stranger]);
        assert_eq!(alone.settled(true), None);
        says(&alone, "rack at thunderbolt0 (0909-0909-0909-0909-0909-0909-0909-0909)");
        says(&alone, "pvgpu-ctl pair thunderbolt:auto");
        // A machine that may come as a guest is no host.
        let guests = Peers::in_memory(vec![peer(PeerRole::Guest)]);
        assert_eq!(choice(Who::Paired(&guests), &[ours]).settled(true), None);
        says(&choice(Who::Paired(&peers), &[found("open", 1, [0; 32], 1)]), "without encryption");
    }

    #[test]
    fn of_several_that_are_trusted_none_is_taken() {
        let (one, other) = (found("box", 1, [0; 32], 1), found("rack", 2, [0; 32], 2));
        let single = choice(Who::Trusting, std::slice::from_ref(&one));
        assert_eq!((single.settled(false), single.settled(true)), (None, Some(one.address)));
        assert_eq!(single.end().expect("heard").ok(), Some(one.address));
        says(
            &choice(Who::Trusting, &[one.clone(), other.clone()]),
            "box at thunderbolt0 (without a key), rack",
        );
        // The same host over a second cable is one.
        let again = Found { nonce: 1, ..other };
        assert_eq!(
            choice(Who::Trusting, &[one.clone(), again]).end().expect("heard").ok(),
            Some(one.address)
        );
        says(&choice(Who::Trusting, &[found("sealed", 1, [7; 32], 1)]), "with encryption");
        assert!(choice(Who::Any, &[one]).settled(true).is_none());
        let sealed = found("sealed", 1, [7; 32], 1);
        assert_eq!(choice(Who::Any, std::slice::from_ref(&sealed)).settled(true), Some(sealed.address));
    }

    #[test]
    fn guests_are_no_hosts_and_nobody_is_nobody() {
        let guest = Found { role: Role::Guest, ..found("deck", 1, [0; 32], 1) };
        assert!(choice(Who::Trusting, &[guest]).end().is_none());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_machine_without_a_cable_is_told_at_once() {
        let root = tempfile::tempdir().expect("a folder");
        let error = find(root.path(), Who::Trusting, Duration::from_secs(3600)).expect_err("no cable");
        assert!(
            error.is_absence() && error.to_string().contains("no Thunderbolt or USB4 controller"),
            "{error}"
        );
    }
}
