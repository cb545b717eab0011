//! Virtual machines on an ivshmem socket: connected with memory of their own from the start, served once a driver says hello in it.
//!
//! A driver cannot ring before the host has answered, so the supervisor looks for the hello by itself. A machine stays when its
//! worker ends: its driver, or the driver of its next start, says hello anew in the same memory.

use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pvgpu_transport::ivshmem::{Event, ServeError, Server, Vm};
use rustix::event::Timespec;

use super::hello::stands_unanswered;

/// How often memories without a worker are looked at: a read of 8 bytes each.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// After a worker has ended, the next one of that machine begins this much later at the earliest: a guest that kills its workers
/// cannot keep the supervisor busy with starting them.
const REST: Duration = Duration::from_millis(500);

/// The connected machines.
pub struct Machines {
    server: Server,
    /// Those without a worker, and from when on they are looked at.
    waiting: Vec<(Arc<Vm>, Instant)>,
    /// Those with a worker.
    served: Vec<Arc<Vm>>,
}

impl Machines {
    /// Begins to listen.
    ///
    /// # Errors
    /// [`ServeError`] says why not.
    pub fn bind(socket: &Path, aperture_bytes: u64) -> Result<Self, ServeError> {
        let server = Server::bind(socket, aperture_bytes)?;
        Ok(Self { server, waiting: Vec::new(), served: Vec::new() })
    }

    /// The folder for the control socket.
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// One of them becomes readable when a machine has come or gone.
    pub fn fds(&self) -> Vec<BorrowedFd<'_>> {
        self.server.fds()
    }

    /// How long it may take until the memories are looked at again; none if there is nothing to look for.
    pub fn tick(&self) -> Option<Timespec> {
        (!self.waiting.is_empty()).then_some(LOOK)
    }

    /// Lets machines come and go; gives those that have left and have a worker.
    pub fn turn(&mut self) -> Vec<Arc<Vm>> {
        let mut departed = Vec::new();
        for event in self.server.turn() {
            match event {
                Event::Came(vm) => {
                    log::info!("{} is connected{}", vm.name(), process(&vm));
                    self.waiting.push((vm, Instant::now()));
                }
                Event::Left { vm, why } => {
                    match why {
                        None => log::info!("{} has left", vm.name()),
                        Some(why) => log::warn!("{}{} is closed: {why}", vm.name(), process(&vm)),
                    }
                    self.waiting.retain(|(waiting, _)| !Arc::ptr_eq(waiting, &vm));
                    if let Some(place) = self.served.iter().position(|served| Arc::ptr_eq(served, &vm)) {
                        self.served.swap_remove(place);
                        departed.push(vm);
                    }
                }
                Event::Refused { count, why } => log::warn!("{count} connections were refused: {why}"),
            }
        }
        departed
    }

    /// The next machine in whose memory a hello stands that nobody has answered.
    pub fn next_guest(&mut self) -> Option<Arc<Vm>> {
        let now = Instant::now();
        let ready = |(vm, from): &(Arc<Vm>, Instant)| *from <= now && stands_unanswered(vm.cells());
        let place = self.waiting.iter().position(ready)?;
        let (vm, _) = self.waiting.swap_remove(place);
        self.served.push(vm.clone());
        Some(vm)
    }

    /// A machine's worker has ended, or it was refused: the next hello is waited for, if the machine is still there.
    pub fn forget(&mut self, vm: &Arc<Vm>) {
        if let Some(place) = self.served.iter().position(|served| Arc::ptr_eq(served, vm)) {
            self.waiting.push((self.served.swap_remove(place), Instant::now() + REST));
        }
    }
}

fn process(vm: &Vm) -> String {
    vm.process().map_or_else(String::new, |process| format!(" (process {process})"))
}
