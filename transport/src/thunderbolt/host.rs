//! The host's end: listens at every cable that is ready, says so there by a beacon, and follows cables as they come and go.
//!
//! One thread watches. For each interface that carries something it has a TCP listener at the interface's link-local addresses and an
//! announcer; both end when the cable is out or has other addresses. Sessions do not: their own silence ends them within a second.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::beacon::{Announcer, Beacon, Role};
use super::{Advice, Cable, Interface, Survey, Watch, watch};
use crate::secure::{SecureError, machine_name, random};
use crate::tcp::{Accepted, Door, Listener, TcpError};

/// The port that a host listens at on each cable, if it is free; a beacon says which it is. One above that of beacons.
pub const TCP_PORT: u16 = 7786;
/// How often the thread looks whether it is to end, and tries again what has failed.
const TICK: Duration = Duration::from_secs(1);
/// What keeps a cable from carrying anything is told when it has stood for so long: an address takes a second or two to be checked.
const SETTLED: Duration = Duration::from_secs(4);

/// Something about cables, for a log: a line each.
#[derive(Debug)]
pub enum Notice {
    /// A cable is served.
    Serving {
        /// Its interface.
        interface: String,
        /// Who is at the other end, as the cable's driver says.
        peer: String,
        /// Where guests may come.
        addresses: Vec<SocketAddr>,
    },
    /// A cable that was served carries nothing any more.
    Gone {
        /// Its interface.
        interface: String,
    },
    /// What a person may do.
    Advice(Advice),
    /// A cable cannot be served. It is tried again.
    Failed {
        /// Its interface.
        interface: String,
        /// Why.
        error: TcpError,
    },
    /// The system cannot be asked for its cables. It is asked again.
    Survey(io::Error),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serving { interface, peer, addresses } => {
                write!(f, "the cable at {interface} leads to {peer}: listening at")?;
                addresses.iter().try_for_each(|address| write!(f, " {address}"))
            }
            Self::Gone { interface } => {
                write!(
                    f,
                    "the cable at {interface} is out or its interface down; waiting for it to come back"
                )
            }
            Self::Advice(advice) => advice.fmt(f),
            Self::Failed { interface, error } => write!(f, "{interface}: {error}"),
            Self::Survey(error) => write!(f, "the system does not tell its cables ({error})"),
        }
    }
}

/// Who is told of what happens. Both are called from threads of the host.
pub struct Callbacks {
    /// A guest has come.
    pub arrived: Box<dyn Fn(Accepted) + Send + Sync>,
    /// Something for a log.
    pub notice: Box<dyn Fn(&Notice) + Send + Sync>,
}

/// Serves the cables of this machine until it is dropped.
#[derive(Debug)]
pub struct Host {
    is_over: Arc<AtomicBool>,
}

impl Host {
    /// Begins to serve; `root` is where the system's files are, usually `/`. No cable need be there yet.
    ///
    /// # Errors
    /// [`SecureError::Random`], or what the system said when it gives no thread.
    pub fn start(root: &Path, door: Door, callbacks: Callbacks) -> Result<Self, SecureError> {
        let trusts = door.options.trust_link;
        let beacon = Beacon {
            role: Role::Host,
            port: TCP_PORT,
            digest: if trusts { [0; 32] } else { door.identity.public().digest() },
            nonce: u64::from_le_bytes(random()?).max(1),
            name: Beacon::name_of(&machine_name()),
        };
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let callbacks = Arc::new(callbacks);
        let cables = Cables { door, beacon, callbacks, served: Vec::new(), told: Told::default() };
        // Listening to notices begins here, so that nothing falls between.
        let watch = watch(root);
        let thread = std::thread::Builder::new().name("cables".to_owned());
        thread.spawn(move || follow(cables, watch, &over)).map_err(SecureError::system)?;
        Ok(Self { is_over })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // The thread notices within a second; nobody has to wait for it.
        self.is_over.store(true, Ordering::Release);
    }
}

fn follow(mut cables: Cables, mut watch: Watch, is_over: &AtomicBool) {
    let mut survey = Survey::default();
    while !is_over.load(Ordering::Acquire) {
        match watch.next(TICK) {
            Ok(now) => {
                let is_new = now.is_some();
                survey = now.unwrap_or(survey);
                // What could not be listened at is tried again at each turn.
                cables.adapt(&survey, is_new);
                cables.advise(&survey, Instant::now());
            }
            Err(error) => {
                cables.tell_once(Notice::Survey(error));
                std::thread::sleep(TICK);
            }
        }
    }
}

/// A cable that is served.
struct Served {
    interface: Interface,
    listener: Arc<Listener>,
    /// Sends beacons as long as it is there.
    _announcer: Announcer,
}

impl Drop for Served {
    fn drop(&mut self) {
        // Ends the thread that waits for guests.
        self.listener.close();
    }
}

/// What was told, so that it is not told again and again.
#[derive(Default)]
struct Told {
    failures: BTreeSet<String>,
    /// Advice without which it works, too: once and for all.
    better: BTreeSet<String>,
    /// Advice without which it does not, as long as it stands: since when, and whether it was told.
    needed: Vec<(Advice, Instant, bool)>,
    /// Whether there was a look before.
    has_looked: bool,
}

struct Cables {
    door: Door,
    beacon: Beacon,
    callbacks: Arc<Callbacks>,
    served: Vec<Served>,
    told: Told,
}

/// Whether nothing has changed that a listener or an announcer depends on.
fn is_same(a: &Interface, b: &Interface) -> bool {
    a.name == b.name && a.link_local(0) == b.link_local(0)
}

impl Cables {
    /// Serves the cables that are ready and no others.
    fn adapt(&mut self, survey: &Survey, is_new: bool) {
        let ready: Vec<(&Cable, &Interface)> =
            survey.cables.iter().filter_map(|cable| Some((cable, cable.ready()?))).collect();
        let gone =
            |served: &Served| !ready.iter().any(|(_, interface)| is_same(interface, &served.interface));
        for served in self.served.extract_if(.., |served| gone(served)) {
            let interface = served.interface.name.clone();
            (self.callbacks.notice)(&Notice::Gone { interface });
        }
        for (cable, interface) in ready {
            if self.served.iter().any(|served| is_same(interface, &served.interface)) {
                continue;
            }
            if is_new {
                self.told.failures.clear();
            }
            match self.serve(interface) {
                Ok(served) => {
                    let addresses = served.listener.addresses().to_vec();
                    let interface = interface.name.clone();
                    let peer = cable.peer_name();
                    (self.callbacks.notice)(&Notice::Serving { interface, peer, addresses });
                    self.served.push(served);
                }
                Err(error) => {
                    self.tell_once(Notice::Failed { interface: interface.name.clone(), error });
                }
            }
        }
    }

    fn serve(&self, interface: &Interface) -> Result<Served, TcpError> {
        let bind = |port| Listener::bind_on(&interface.name, &interface.link_local(port), self.door.clone());
        let listener = Arc::new(bind(TCP_PORT).or_else(|_| bind(0))?);
        let port = listener.addresses().first().map_or(TCP_PORT, SocketAddr::port);
        let failed = |source| TcpError::Listen { address: interface.name.clone(), source };
        let beacon = Beacon { port, ..self.beacon.clone() };
        let announcer = Announcer::start(interface, &beacon).map_err(failed)?;
        let (accepting, callbacks) = (listener.clone(), self.callbacks.clone());
        let accept = move || {
            while let Ok(accepted) = accepting.accept() {
                (callbacks.arrived)(accepted);
            }
        };
        let served = Served { interface: interface.clone(), listener, _announcer: announcer };
        std::thread::Builder::new().name("arrivals".to_owned()).spawn(accept).map_err(failed)?;
        Ok(served)
    }

    /// Tells what a person may do: what would be better once, what is needed when it has stood for a while.
    fn advise(&mut self, survey: &Survey, now: Instant) {
        let is_first = !std::mem::replace(&mut self.told.has_looked, true);
        let advice = survey.advice();
        self.told.needed.retain(|(known, ..)| advice.contains(known));
        for advice in advice {
            if !advice.is_needed() {
                if self.told.better.insert(advice.to_string()) {
                    (self.callbacks.notice)(&Notice::Advice(advice));
                }
            } else if !self.told.needed.iter().any(|(known, ..)| *known == advice) {
                self.told.needed.push((advice, now, false));
            }
        }
        for (advice, since, was_told) in &mut self.told.needed {
            if !*was_told && (is_first || now.saturating_duration_since(*since) >= SETTLED) {
                *was_told = true;
                (self.callbacks.notice)(&Notice::Advice(advice.clone()));
            }
        }
    }

    fn tell_once(&mut self, notice: Notice) {
        if self.told.failures.insert(notice.to_string()) {
            (self.callbacks.notice)(&notice);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::secure::{Identity, Peers};
    use crate::tcp::Options;

    fn cables() -> (Cables, Arc<Mutex<Vec<String>>>) {
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = said.clone();
        let callbacks = Callbacks {
            arrived: Box::new(|_| {}),
            notice: Box::new(move |notice| log.lock().expect("no panic").push(notice.to_string())),
        };
        let door = Door {
            identity: Identity::generate().expect("random"),
            peers: Peers::in_memory(Vec::new()),
            options: Options { trust_link: true, ..Options::default() },
            report: Arc::new(|_| {}),
            pairing: Arc::default(),
        };
        let beacon = Beacon { role: Role::Host, port: 1, digest: [0; 32], nonce: 1, name: "x".to_owned() };
        let callbacks = Arc::new(callbacks);
        (Cables { door, beacon, callbacks, served: Vec::new(), told: Told::default() }, said)
    }

    /// A cable whose interface has no address yet, with a small MTU or without.
    fn survey(mtu: u32, has_address: bool) -> Survey {
        let addresses =
            if has_address { vec!["169.254.1.1".parse().expect("an address")] } else { Vec::new() };
        let interface = Interface {
            name: "thunderbolt0".to_owned(),
            is_up: true,
            has_carrier: true,
            mtu,
            addresses,
            ..Interface::default()
        };
        let cable = Cable { name: "0-1".to_owned(), interface: Some(interface), ..Cable::default() };
        Survey { controllers: 1, cables: vec![cable], ..Survey::default() }
    }

    #[test]
    fn advice_is_told_once_and_what_passes_by_itself_not_at_all() {
        let (mut cables, said) = cables();
        let told = |said: &Mutex<Vec<String>>| std::mem::take(&mut *said.lock().expect("no panic"));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let none = Survey { controllers: 1, ..Survey::default() };
        cables.advise(&none, at(0));
        assert!(matches!(&told(&said)[..], [one] if one.contains("no other machine")));
        // The address is there after two seconds.
        cables.advise(&survey(1500, false), at(1));
        assert!(matches!(&told(&said)[..], [one] if one.contains("an MTU of 1500")));
        cables.advise(&survey(1500, false), at(3));
        cables.advise(&survey(1500, true), at(4));
        assert!(told(&said).is_empty());
        // The cable is out and in again: the MTU is not told again, a missing address is.
        cables.advise(&none, at(10));
        cables.advise(&none, at(15));
        assert!(matches!(&told(&said)[..], [one] if one.contains("no other machine")));
        cables.advise(&survey(1500, false), at(20));
        cables.advise(&survey(1500, false), at(24));
        cables.advise(&survey(1500, false), at(28));
        assert!(matches!(&told(&said)[..], [one] if one.contains("no link-local address")));
    }

    #[test]
    fn what_cannot_be_served_is_told_once_and_tried_again() {
        let (mut cables, said) = cables();
        // No interface of this machine has this name.
        let mut survey = survey(65_520, true);
        if let Some(interface) = &mut survey.cables[0].interface {
            interface.name = "pvgpu-none".to_owned();
        }
        for turn in 0..3 {
            cables.adapt(&survey, turn == 0);
        }
        let said = said.lock().expect("no panic").clone();
        assert!(matches!(&said[..], [one] if one.starts_with("pvgpu-none: ")), "{said:?}");
        assert!(cables.served.is_empty());
    }
}
