//! What workers share with each other: images by their tokens, each with its memory.
//!
//! The supervisor keeps a descriptor of each image's memory for as long as a worker has the image, whoever made it: so it
//! outlives its maker, and no worker has to answer for another. It neither maps nor reads memory.
//!
//! # Who may
//! Whoever knows a token. Guests of one shared-memory link are processes of one user, who owns the link's folder; a token goes
//! from one to the other where that user's programs pass it on. Guests of any other link are machines of their own, which
//! trust each other in nothing: there, nothing is shared.

#![forbid(unsafe_code)]

use std::collections::{BTreeSet, HashMap, hash_map};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pvgpu_transport::Link;

use crate::ops::ShareToken;
use crate::shared_image::SharedImage;

/// Images of one guest that others may have. Each costs the supervisor an open file.
const MAX_OF_GUEST: usize = 1024;
/// Open files that the supervisor keeps for all else: sockets to workers, apertures, clients of the control socket.
const OTHER_FILES: u64 = 512;

/// What is shared.
pub struct Shares {
    allowed: bool,
    /// Images of all guests.
    max: usize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<ShareToken, Entry>,
    /// How many images guests have.
    counts: HashMap<u64, usize>,
}

struct Entry {
    image: SharedImage,
    memory: OwnedFd,
    /// The guests whose workers have it.
    holders: BTreeSet<u64>,
}

impl Shares {
    /// Nothing yet; on links whose guests are of one user, something may come.
    pub fn new(link: &Link) -> Self {
        let allowed = match link {
            Link::Shm(_) => true,
            Link::Ivshmem(_) | Link::Tcp(_) | Link::Thunderbolt | Link::Tbstream(_) => false,
        };
        let max = usize::try_from(raise_file_limit().saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
        Self { allowed, max, inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A guest's worker shares an image. A token that is in use stays the other's.
    pub fn publish(&self, guest: u64, token: ShareToken, image: SharedImage, memory: OwnedFd) {
        if !self.allowed {
            return;
        }
        let mut inner = self.lock();
        let count = inner.count(guest);
        if inner.entries.len() >= self.max || count >= MAX_OF_GUEST {
            log::warn!("a guest shares more images than others can be given; this one stays its own");
            return;
        }
        if let hash_map::Entry::Vacant(place) = inner.entries.entry(token) {
            place.insert(Entry { image, memory, holders: BTreeSet::from([guest]) });
            inner.counts.insert(guest, count + 1);
        }
    }

    /// A guest's worker wants what is shared under a token, and has it from now on.
    pub fn open(&self, guest: u64, token: ShareToken) -> Option<(SharedImage, OwnedFd)> {
        let mut inner = self.lock();
        let count = inner.count(guest);
        if !self.allowed || count >= MAX_OF_GUEST {
            return None;
        }
        let entry = inner.entries.get_mut(&token)?;
        let (image, memory) = (entry.image, entry.memory.try_clone().ok()?);
        if entry.holders.insert(guest) {
            inner.counts.insert(guest, count + 1);
        }
        Some((image, memory))
    }

    /// A guest's worker does not have it any more; what nobody has is gone.
    pub fn withdraw(&self, guest: u64, token: ShareToken) {
        let mut inner = self.lock();
        let Some(entry) = inner.entries.get_mut(&token) else { return };
        if !entry.holders.remove(&guest) {
            return;
        }
        if entry.holders.is_empty() {
            inner.entries.remove(&token);
        }
        let count = inner.count(guest);
        inner.counts.insert(guest, count.saturating_sub(1));
    }

    /// A guest is gone.
    pub fn forget(&self, guest: u64) {
        let mut inner = self.lock();
        inner.counts.remove(&guest);
        inner.entries.retain(|_, entry| {
            entry.holders.remove(&guest);
            !entry.holders.is_empty()
        });
    }

    /// How many images are shared.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.lock().entries.len()
    }
}

impl Inner {
    fn count(&self, guest: u64) -> usize {
        self.counts.get(&guest).copied().unwrap_or(0)
    }
}

/// Lets this process have as many open files as it may, and tells how many these are. Workers lower their own limit.
fn raise_file_limit() -> u64 {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
    // What cannot be raised stays.
    let limit = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    limit.unwrap_or(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared_image::GpuUuids;

    const TOKEN: ShareToken = [1, 2];

    fn shares(link: &str) -> Shares {
        Shares::new(&link.parse().expect("a link"))
    }

    fn image(size: u64) -> SharedImage {
        SharedImage { command: [0; SharedImage::WORDS], size, memory_type: 0, gpu: GpuUuids::default() }
    }

    fn memory() -> OwnedFd {
        tempfile::tempfile().expect("a file").into()
    }

    fn size(shares: &Shares, guest: u64, token: ShareToken) -> Option<u64> {
        shares.open(guest, token).map(|(image, _)| image.size)
    }

    #[test]
    fn an_image_lives_as_long_as_a_guest_has_it() {
        let shares = shares("shm:test");
        shares.publish(1, TOKEN, image(7), memory());
        assert_eq!(size(&shares, 2, TOKEN), Some(7));
        shares.forget(1);
        assert_eq!(size(&shares, 3, TOKEN), Some(7), "its maker is gone");
        shares.withdraw(2, TOKEN);
        shares.withdraw(2, TOKEN);
        assert_eq!(shares.len(), 1);
        shares.withdraw(3, TOKEN);
        assert_eq!((size(&shares, 2, TOKEN), shares.len()), (None, 0));
    }

    #[test]
    fn a_token_stays_with_its_first_image() {
        let shares = shares("shm:test");
        shares.publish(1, TOKEN, image(7), memory());
        shares.publish(2, TOKEN, image(8), memory());
        assert_eq!(size(&shares, 3, TOKEN), Some(7));
        // Who was refused cannot take it away either.
        shares.withdraw(2, TOKEN);
        assert_eq!(size(&shares, 3, TOKEN), Some(7));
        assert_eq!(size(&shares, 3, [1, 3]), None);
    }

    #[test]
    fn machines_share_nothing() {
        for link in ["ivshmem:/run/socket", "tcp://host:1", "thunderbolt:auto", "tbstream:/dev/tbstream0"] {
            let shares = shares(link);
            shares.publish(1, TOKEN, image(7), memory());
            assert_eq!((size(&shares, 2, TOKEN), shares.len()), (None, 0), "{link}");
        }
    }

    #[test]
    fn a_guest_shares_only_so_many() {
        let shares = shares("shm:test");
        let open = || std::fs::read_dir("/proc/self/fd").expect("a folder").count();
        let memory = memory();
        for word in 1..=MAX_OF_GUEST as u64 + 9 {
            shares.publish(1, [word, 1], image(word), memory.try_clone().expect("room"));
        }
        assert_eq!(shares.len(), MAX_OF_GUEST);
        assert_eq!(size(&shares, 2, [1, 1]), Some(1), "others are not held up");
        let before = open();
        shares.forget(1);
        shares.forget(2);
        assert_eq!(shares.len(), 0);
        assert!(open() < before, "its files are closed");
    }
}
