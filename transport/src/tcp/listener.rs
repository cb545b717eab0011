//! The host's end: takes connections, shakes hands with each on a thread of its own, and joins those of one session.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::address::{is_one_cable, plain, resolve};
use super::budget::{Budget, Origin};
use super::socket::{Timed, listen, tune, untimed};
use super::{Half, Options, Peer, TcpError};
use crate::carrier::Channels;
use crate::secure::handshake::{self, Duplex, Hello, Lane, Mode, Secured, SessionId, Status, Verdict};
use crate::secure::pairing::{self, Slot};
use crate::secure::{self, Identity, Peers, PublicKey, SecureError, machine_name};

/// Handshakes at a time. Each costs a thread, a socket and some KiB; one more ends the oldest.
pub const MAX_HANDSHAKES: usize = 64;
/// Those of one address; one more ends its own oldest.
const MAX_OF_ONE_ADDRESS: usize = 16;
/// Guests whose handshake is done and that nobody has taken yet.
const MAX_READY: usize = 16;
/// For so long after the first event of a kind only few are told; the next one says how many there were.
const QUIET: Duration = Duration::from_secs(5);
/// Failed handshakes that are told in that time: each may have a reason of its own. Of other kinds it is one.
const REFUSALS: u32 = 4;
/// A handshake needs little stack; the pages are taken only as they are used.
const STACK_BYTES: usize = 512 << 10;
/// After the system could not give another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// A guest whose handshake is done.
#[derive(Debug)]
pub struct Accepted {
    /// Who it is.
    pub peer: Peer,
    /// Its address.
    pub address: SocketAddr,
    /// The connection for what is urgent.
    pub urgent: Half,
    /// The connection for bulk.
    pub bulk: Half,
}

impl Accepted {
    /// What a mirror runs over.
    pub fn into_channels(self) -> Channels {
        Channels { urgent: self.urgent.into_channel(), bulk: self.bulk.into_channel() }
    }
}

/// Something about a stranger, for a log: a line each.
#[derive(Debug)]
pub enum Event {
    /// A handshake has failed.
    Refused {
        /// Whose.
        address: SocketAddr,
        /// Why.
        error: SecureError,
        /// How many more have failed since the last such event.
        more: u32,
    },
    /// There were too many handshakes, so that the oldest was ended.
    Dropped {
        /// Whose it was.
        address: SocketAddr,
        /// How many more were ended since the last such event.
        more: u32,
    },
    /// An address connects too often; its connections are closed at once.
    TooOften {
        /// Which.
        address: SocketAddr,
        /// How many more were closed since the last such event.
        more: u32,
    },
    /// Only one of a session's two connections has come.
    Unmatched {
        /// Whose.
        address: SocketAddr,
        /// How many more since the last such event.
        more: u32,
    },
    /// A guest has used the code that was shown, and is paired.
    Paired {
        /// Where it is.
        address: SocketAddr,
        /// The guest, as it is kept.
        peer: Box<secure::Peer>,
        /// How many more since the last such event.
        more: u32,
    },
    /// The system gives no connection, or no thread for one.
    System {
        /// What it said.
        error: std::io::Error,
        /// How many more since the last such event.
        more: u32,
    },
}

impl Event {
    fn kind(&self) -> usize {
        match self {
            Self::Refused { .. } => 0,
            Self::Dropped { .. } => 1,
            Self::TooOften { .. } => 2,
            Self::Unmatched { .. } => 3,
            Self::System { .. } => 4,
            Self::Paired { .. } => 5,
        }
    }

    fn more(&mut self) -> &mut u32 {
        match self {
            Self::Refused { more, .. }
            | Self::Dropped { more, .. }
            | Self::TooOften { more, .. }
            | Self::Unmatched { more, .. }
            | Self::Paired { more, .. }
            | Self::System { more, .. } => more,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = match self {
            Self::Refused { address, error, more } => {
                write!(f, "{address} is refused: {error}")?;
                more
            }
            Self::Dropped { address, more } => {
                write!(
                    f,
                    "{address} is dropped: more than {MAX_HANDSHAKES} handshakes at a time, or {MAX_OF_ONE_ADDRESS} of one address"
                )?;
                more
            }
            Self::TooOften { address, more } => {
                write!(f, "{address} is dropped: it connects too often")?;
                more
            }
            Self::Unmatched { address, more } => {
                write!(f, "{address} is dropped: only one of a session's two connections has come")?;
                more
            }
            Self::Paired { address, peer, more } => {
                write!(f, "{address} is paired as {} ({})", peer.name, peer.key.fingerprint())?;
                more
            }
            Self::System { error, more } => {
                write!(
                    f,
                    "a connection cannot be taken ({error}); let this process have more files or threads"
                )?;
                more
            }
        };
        if *more > 0 { write!(f, " (and {more} more)") } else { Ok(()) }
    }
}

/// Where events go. It is called from the listener's threads.
pub type Report = Arc<dyn Fn(&Event) + Send + Sync>;

/// Whom listeners let in, and how. Several may share it: one code for pairing is then good at all of them.
#[derive(Clone)]
pub struct Door {
    /// This machine's key.
    pub identity: Identity,
    /// The machines that it is paired with.
    pub peers: Peers,
    /// How to carry.
    pub options: Options,
    /// Where events go.
    pub report: Report,
    /// Where codes for pairing are offered.
    pub pairing: Arc<Slot>,
}

impl Door {
    /// With a place of its own for codes.
    pub fn new(identity: Identity, peers: Peers, options: Options, report: Report) -> Self {
        Self { identity, peers, options, report, pairing: Arc::default() }
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trusts = self.options.trust_link;
        f.debug_struct("Door")
            .field("identity", &self.identity)
            .field("trusts", &trusts)
            .finish_non_exhaustive()
    }
}

/// Listens for guests. Dropping it ends every handshake in progress; sessions go on.
pub struct Listener {
    shared: Arc<Shared>,
    sockets: Vec<Arc<TcpListener>>,
    addresses: Vec<SocketAddr>,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

struct Shared {
    identity: Identity,
    peers: Peers,
    options: Options,
    report: Report,
    pairing: Arc<Slot>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    next: u64,
    /// Those in progress, the oldest first.
    handshakes: BTreeMap<u64, Handshake>,
    /// Those that are done and wait for the session's other connection.
    waiting: BTreeMap<u64, Waiting>,
    ready: VecDeque<Accepted>,
    budget: Budget,
    /// Of each kind of event.
    told: [Told; 6],
}

/// What was told of a kind of events.
#[derive(Default)]
struct Told {
    /// When the first of those was that are close together.
    first: Option<Instant>,
    /// How many of them were told.
    told: u32,
    /// And how many were not.
    kept: u32,
}

struct Handshake {
    stream: Arc<TcpStream>,
    address: SocketAddr,
    origin: Origin,
}

/// What both connections of a session have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Session {
    Encrypted(PublicKey, SessionId),
    Plain(IpAddr, SessionId),
}

struct Waiting {
    session: Session,
    lane: Lane,
    secured: Option<Secured>,
}

impl Listener {
    /// Listens at each `HOST:PORT`; port 0 is any free one.
    ///
    /// # Errors
    /// [`TcpError::Address`], [`TcpError::Unknown`] or [`TcpError::Listen`]; nothing listens then.
    pub fn bind(addresses: &[&str], door: Door) -> Result<Self, TcpError> {
        let mut listener = Self::new(door);
        for text in addresses {
            for address in resolve(text)? {
                listener.add(address, text, None)?;
            }
        }
        Ok(listener)
    }

    /// Listens at addresses of one interface, for those who come over it and nobody else; all with the port of the first, which may be
    /// any free one.
    ///
    /// # Errors
    /// [`TcpError::Listen`]; nothing listens then.
    pub fn bind_on(interface: &str, addresses: &[SocketAddr], door: Door) -> Result<Self, TcpError> {
        let mut listener = Self::new(door);
        for mut address in addresses.iter().copied() {
            if let Some(first) = listener.addresses.first() {
                address.set_port(first.port());
            }
            listener.add(address, &address.to_string(), Some(interface))?;
        }
        Ok(listener)
    }

    fn new(Door { identity, peers, options, report, pairing }: Door) -> Self {
        let (state, changed) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { identity, peers, options, report, pairing, state, changed });
        Self { shared, sockets: Vec::new(), addresses: Vec::new() }
    }

    fn add(&mut self, address: SocketAddr, text: &str, interface: Option<&str>) -> Result<(), TcpError> {
        let failed = |source| TcpError::Listen { address: text.to_owned(), source };
        let socket = Arc::new(listen(address, interface).map_err(failed)?);
        self.addresses.push(socket.local_addr().map_err(failed)?);
        self.sockets.push(socket.clone());
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new().name("tcp listener".to_owned());
        thread.stack_size(STACK_BYTES).spawn(move || take_all(&shared, &socket)).map_err(failed)?;
        Ok(())
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where codes for pairing are offered.
    pub fn pairing(&self) -> &Arc<Slot> {
        &self.shared.pairing
    }

    /// Waits for the next guest, both of whose connections are there and authenticated.
    ///
    /// # Errors
    /// [`TcpError::Closed`] after [`Self::close`].
    pub fn accept(&self) -> Result<Accepted, TcpError> {
        let mut state = self.shared.lock();
        loop {
            match state.ready.pop_front() {
                Some(accepted) => return Ok(accepted),
                None if state.closed => return Err(TcpError::Closed),
                None => state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// The same, but not for longer than `time`.
    ///
    /// # Errors
    /// [`TcpError::Closed`] after [`Self::close`].
    pub fn accept_within(&self, time: Duration) -> Result<Option<Accepted>, TcpError> {
        let until = Instant::now() + time;
        let mut state = self.shared.lock();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match state.ready.pop_front() {
                Some(accepted) => return Ok(Some(accepted)),
                None if state.closed => return Err(TcpError::Closed),
                None if left.is_zero() => return Ok(None),
                None => {
                    let waited = self.shared.changed.wait_timeout(state, left);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    /// Handshakes in progress, for tests and for status.
    pub fn handshakes(&self) -> usize {
        self.shared.lock().handshakes.len()
    }

    /// Listens no more, and ends all handshakes; whoever waits in [`Self::accept`] returns.
    pub fn close(&self) {
        let mut state = self.shared.lock();
        if std::mem::replace(&mut state.closed, true) {
            return;
        }
        for handshake in state.handshakes.values() {
            let _ = handshake.stream.shutdown(std::net::Shutdown::Both);
        }
        state.ready.clear();
        drop(state);
        self.shared.changed.notify_all();
        for (socket, address) in self.sockets.iter().zip(&self.addresses) {
            wake(socket, *address);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.close();
    }
}

/// Has a thread return that waits for connections.
#[cfg(unix)]
fn wake(socket: &TcpListener, _address: SocketAddr) {
    let _ = rustix::net::shutdown(socket, rustix::net::Shutdown::Both);
}

/// Has a thread return that waits for connections: with one.
#[cfg(not(unix))]
fn wake(_socket: &TcpListener, mut address: SocketAddr) {
    use std::net::{Ipv4Addr, Ipv6Addr};
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    let _ = TcpStream::connect_timeout(&address, PAUSE);
}

fn take_all(shared: &Arc<Shared>, socket: &TcpListener) {
    loop {
        let taken = socket.accept();
        if shared.lock().closed {
            return;
        }
        match taken {
            Ok((stream, address)) => admit(shared, stream, address),
            Err(error) => {
                shared.tell(Event::System { error, more: 0 });
                std::thread::sleep(PAUSE);
            }
        }
    }
}

/// Begins a handshake, if the address has not had its share.
fn admit(shared: &Arc<Shared>, stream: TcpStream, address: SocketAddr) {
    let origin = Origin::of(address.ip());
    let stream = Arc::new(stream);
    let mut state = shared.lock();
    if !state.budget.take(origin, Instant::now()) {
        drop(state);
        shared.tell(Event::TooOften { address, more: 0 });
        return;
    }
    let dropped = state.make_room(origin);
    state.next += 1;
    let number = state.next;
    state.handshakes.insert(number, Handshake { stream: stream.clone(), address, origin });
    drop(state);
    if let Some(address) = dropped {
        // One that waits for its other connection looks whether it is still wanted.
        shared.changed.notify_all();
        shared.tell(Event::Dropped { address, more: 0 });
    }
    let thread = std::thread::Builder::new().name("tcp handshake".to_owned()).stack_size(STACK_BYTES);
    let spawned = thread.spawn({
        let shared = shared.clone();
        move || {
            let result = serve(&shared, number, &stream, address);
            shared.forget(number);
            match result {
                Ok(()) => {}
                // It was told when it was dropped.
                Err(None) => {}
                Err(Some(event)) => shared.tell(event),
            }
        }
    });
    if let Err(error) = spawned {
        shared.forget(number);
        shared.tell(Event::System { error, more: 0 });
    }
}

impl State {
    /// Ends the oldest handshake of an address that has too many, or of all when there are too many; gives whose it was.
    fn make_room(&mut self, origin: Origin) -> Option<SocketAddr> {
        let of_one = self.handshakes.iter().filter(|(_, handshake)| handshake.origin == origin);
        let number = if of_one.clone().count() >= MAX_OF_ONE_ADDRESS {
            of_one.map(|(number, _)| *number).next()
        } else if self.handshakes.len() >= MAX_HANDSHAKES {
            self.handshakes.keys().next().copied()
        } else {
            None
        };
        let dropped = self.handshakes.remove(&number?)?;
        let _ = dropped.stream.shutdown(std::net::Shutdown::Both);
        Some(dropped.address)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, number: u64) {
        let mut state = self.lock();
        state.handshakes.remove(&number);
        state.waiting.remove(&number);
    }

    /// Reports an event, unless one of its kind was reported just now.
    fn tell(&self, mut event: Event) {
        let mut state = self.lock();
        let now = Instant::now();
        let most = if matches!(event, Event::Refused { .. }) { REFUSALS } else { 1 };
        let Some(told) = state.told.get_mut(event.kind()) else { return };
        if told.first.is_none_or(|first| now.saturating_duration_since(first) >= QUIET) {
            *told = Told { first: Some(now), told: 0, kept: told.kept };
        }
        if told.told >= most {
            told.kept = told.kept.saturating_add(1);
            return;
        }
        told.told += 1;
        *event.more() = std::mem::take(&mut told.kept);
        drop(state);
        (self.report)(&event);
    }
}

/// One connection, from its first byte until its session is complete. Otherwise it ends with an event; with none when that was
/// told already.
fn serve(
    shared: &Shared,
    number: u64,
    stream: &Arc<TcpStream>,
    address: SocketAddr,
) -> Result<(), Option<Event>> {
    let options = &shared.options;
    let begin = Instant::now();
    let until = begin + options.handshake_time;
    let refused = |error| {
        // One that was ended for others says nothing more.
        let known = shared.lock().handshakes.contains_key(&number);
        known.then_some(Event::Refused { address, error, more: 0 })
    };
    let mut sender = Timed { stream, until, first: None };
    let mut receiver = Timed { stream, until, first: Some(begin + options.first_byte_time) };
    let mut duplex = Duplex { sender: &mut sender, receiver: &mut receiver };
    let hello = handshake::receive_hello(&mut duplex).map_err(refused)?;
    tune(stream, hello.lane, options).map_err(SecureError::system).map_err(refused)?;
    let done = match hello.mode {
        Mode::Encrypted => encrypted(shared, &mut duplex, &hello),
        Mode::Plain => unencrypted(shared, &mut duplex, &hello, stream, address),
        Mode::Pairing => {
            let peer = paired(shared, &mut duplex, &hello).map_err(refused)?;
            return Err(Some(Event::Paired { address, peer: Box::new(peer), more: 0 }));
        }
    };
    let (session, peer, secured) = done.map_err(refused)?;
    let mine = Waiting { session, lane: hello.lane, secured };
    match join(shared, number, mine, until) {
        Joined::Complete(first) => {
            complete(shared, peer, address, *first, until).map_err(|error| refused_after(address, error))
        }
        Joined::Taken => Ok(()),
        Joined::Dropped => Err(None),
        Joined::Alone => Err(Some(Event::Unmatched { address, more: 0 })),
    }
}

fn refused_after(address: SocketAddr, error: SecureError) -> Option<Event> {
    Some(Event::Refused { address, error, more: 0 })
}

/// A pairing, if one is waited for.
fn paired(shared: &Shared, duplex: &mut Duplex<'_>, hello: &Hello) -> Result<secure::Peer, SecureError> {
    if shared.options.trust_link {
        handshake::refuse(duplex, Status::Plain);
        return Err(SecureError::GuestEncrypts);
    }
    let Shared { identity, pairing, peers, .. } = shared;
    pairing::respond(duplex, hello, identity, pairing, peers, &machine_name())
}

type Done = (Session, Peer, Option<Secured>);

/// An encrypted handshake up to its verdict, by a guest that is paired.
fn encrypted(shared: &Shared, duplex: &mut Duplex<'_>, hello: &Hello) -> Result<Done, SecureError> {
    if shared.options.trust_link {
        handshake::refuse(duplex, Status::Plain);
        return Err(SecureError::GuestEncrypts);
    }
    if hello.lane == Lane::Both {
        return Err(SecureError::Malformed);
    }
    let mut secured = handshake::respond(duplex, hello, &shared.identity)?;
    match handshake::guest(&shared.peers, &secured.key) {
        Ok(peer) => Ok((Session::Encrypted(secured.key, secured.session), peer.into(), Some(secured))),
        Err(error) => {
            // The guest's error does not depend on whether it hears this.
            let _ = handshake::send_verdict(duplex, &mut secured.keys, Verdict::NotPaired, &[0; 32]);
            Err(error)
        }
    }
}

/// A handshake without encryption, where that is allowed.
fn unencrypted(
    shared: &Shared,
    duplex: &mut Duplex<'_>,
    hello: &Hello,
    stream: &TcpStream,
    address: SocketAddr,
) -> Result<Done, SecureError> {
    if !shared.options.trust_link {
        handshake::refuse(duplex, Status::Encrypts);
        return Err(SecureError::GuestIsPlain);
    }
    if !is_one_cable(&stream.local_addr().map_err(SecureError::system)?, &address) {
        handshake::refuse(duplex, Status::Encrypts);
        return Err(SecureError::NotOneCable);
    }
    if hello.lane == Lane::Both {
        return Err(SecureError::Malformed);
    }
    handshake::respond_plain(duplex)?;
    Ok((Session::Plain(plain(address.ip()), hello.session), Peer::Trusted, None))
}

/// How waiting for a session's other connection ends.
enum Joined {
    /// It was there; both are ours now.
    Complete(Box<[Joining; 2]>),
    /// The other one came and has taken this one.
    Taken,
    /// Others needed the room.
    Dropped,
    /// It did not come.
    Alone,
}

/// One of a session's connections: urgent is the first of two.
struct Joining {
    stream: Arc<TcpStream>,
    secured: Option<Secured>,
}

/// Takes the other connection of the session if it waits, else waits for it.
fn join(shared: &Shared, number: u64, mine: Waiting, until: Instant) -> Joined {
    let mut state = shared.lock();
    let fits = |other: &Waiting| other.session == mine.session && other.lane != mine.lane;
    let other = state.waiting.iter().find(|(_, other)| fits(other)).map(|(other, _)| *other);
    if let Some(other) = other {
        let lane = mine.lane;
        let waiting = state.waiting.remove(&other).and_then(|waiting| waiting.secured);
        let ours = state.handshakes.remove(&number);
        let theirs = state.handshakes.remove(&other);
        drop(state);
        shared.changed.notify_all();
        let (Some(ours), Some(theirs)) = (ours, theirs) else { return Joined::Dropped };
        let ours = Joining { stream: ours.stream, secured: mine.secured };
        let theirs = Joining { stream: theirs.stream, secured: waiting };
        let both = if lane == Lane::Urgent { [ours, theirs] } else { [theirs, ours] };
        return Joined::Complete(Box::new(both));
    }
    state.waiting.insert(number, mine);
    loop {
        if !state.waiting.contains_key(&number) {
            return Joined::Taken;
        }
        if state.closed || !state.handshakes.contains_key(&number) {
            state.waiting.remove(&number);
            return Joined::Dropped;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            state.waiting.remove(&number);
            return Joined::Alone;
        }
        state = shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// Both connections of a session are there: says so on both, and hands them over.
fn complete(
    shared: &Shared,
    peer: Peer,
    address: SocketAddr,
    both: [Joining; 2],
    until: Instant,
) -> Result<(), SecureError> {
    let binding = match &both {
        [Joining { secured: Some(urgent), .. }, Joining { secured: Some(bulk), .. }] => {
            handshake::binding(&[&urgent.hash, &bulk.hash])
        }
        _ => [0; 32],
    };
    let verdict = if shared.lock().ready.len() < MAX_READY { Verdict::Welcome } else { Verdict::Busy };
    let [urgent, bulk] = both.map(|Joining { stream, secured }| {
        let keys = match secured {
            Some(Secured { mut keys, .. }) => {
                let (mut sender, mut receiver) = (
                    Timed { stream: &stream, until, first: None },
                    Timed { stream: &stream, until, first: None },
                );
                let mut duplex = Duplex { sender: &mut sender, receiver: &mut receiver };
                handshake::send_verdict(&mut duplex, &mut keys, verdict, &binding)?;
                Some(keys)
            }
            None => None,
        };
        untimed(&stream).map_err(SecureError::system)?;
        // Nobody else has it: it is no handshake any more.
        let stream = Arc::try_unwrap(stream).or_else(|shared| shared.try_clone());
        Ok(Half { stream: stream.map_err(SecureError::system)?, keys })
    });
    if verdict == Verdict::Busy {
        return Err(SecureError::Busy);
    }
    let accepted = Accepted { peer, address, urgent: urgent?, bulk: bulk? };
    let mut state = shared.lock();
    if !state.closed {
        state.ready.push_back(accepted);
    }
    drop(state);
    shared.changed.notify_all();
    Ok(())
}
