//! Textures that guests of one pvgpud share, with worker processes that are killed.

use std::time::Duration;

use pvgpu_protocol::aperture::host_state;
use pvgpu_protocol::command::*;
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Ctx, range_2d};
use crate::send;
use crate::supervisor::{Daemon, PATIENCE, Remote, wait};

const RGBA8: u32 = 28;
const SIZE: u32 = 64;

/// A guest with a context, and its worker's process.
struct Side {
    remote: Remote,
    ctx: Ctx,
    worker: Pid,
}

impl Side {
    fn new(daemon: &Daemon) -> Self {
        let known: Vec<u32> = daemon.status().guests.iter().map(|guest| guest.worker_process).collect();
        let mut remote = Remote::connect(&daemon.link);
        let ctx = remote.context();
        let mut worker = None;
        wait("a status of the worker", PATIENCE, || {
            let guests = daemon.status().guests;
            let new = guests
                .iter()
                .map(|guest| guest.worker_process)
                .find(|process| *process != 0 && !known.contains(process));
            worker = new.and_then(|process| Pid::from_raw(i32::try_from(process).expect("a process")));
            worker.is_some()
        });
        Self { remote, ctx, worker: worker.expect("it was waited for") }
    }

    fn finish(&mut self) {
        let value = self.ctx.fence();
        let (remote, ctx) = (&self.remote, &mut self.ctx);
        wait("a fence", PATIENCE, || {
            assert_eq!((remote.state(), ctx.error()), (host_state::READY, 0));
            ctx.completed() >= value
        });
    }

    fn share(&mut self, token: [u64; 2]) -> u32 {
        let ctx = &mut self.ctx;
        let texture = ctx.texture(RGBA8, SIZE, SIZE, 1, bind::RENDER_TARGET, misc::SHARED);
        send!(ctx.ring, ShareResource { token, id: texture, reserved: 0 });
        texture
    }

    fn open(&mut self, token: [u64; 2]) -> Option<u32> {
        let (id, status) = (self.ctx.id(), self.ctx.take(8));
        send!(self.ctx.ring, TryOpenSharedResource { token, status, id, reserved: 0 });
        self.finish();
        let status = u64::from_le_bytes(self.ctx.get(status).try_into().expect("8 bytes"));
        (status == open_status::OPENED).then_some(id)
    }

    fn fill(&mut self, texture: u32, value: u8) {
        let ctx = &mut self.ctx;
        let view = ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range_2d());
        let color = [f32::from(value) / 255.0; 4];
        send!(ctx.ring, ClearRenderTargetView { color, view, reserved: 0 });
        send!(ctx.ring, DestroyObject { id: view, reserved: 0 });
        self.finish();
    }

    fn has(&mut self, texture: u32, value: u8) -> bool {
        let range = self.ctx.read_back(texture, RGBA8, SIZE, SIZE, 4);
        self.finish();
        self.ctx.get(range).iter().all(|byte| *byte == value)
    }

    fn destroy(&mut self, id: u32) {
        send!(self.ctx.ring, DestroyObject { id, reserved: 0 });
        self.finish();
        self.finish();
    }
}

#[test]
fn a_texture_goes_from_process_to_process_and_outlives_them() {
    let daemon = Daemon::start();
    let before = daemon.holds();
    let (mut one, mut other) = (Side::new(&daemon), Side::new(&daemon));
    let texture = one.share([1, 2]);
    one.fill(texture, 10);
    let opened = other.open([1, 2]).expect("it is shared");
    assert!(other.has(opened, 10));
    other.fill(opened, 20);
    assert!(one.has(texture, 20));
    assert_eq!(other.open([1, 3]), None, "nobody has this token");
    kill_process(one.worker, Signal::KILL).expect("it runs");
    wait("its end", PATIENCE, || daemon.status().guests.len() == 1);
    assert!(other.has(opened, 20), "its maker is dead");
    other.fill(opened, 30);
    let mut third = Side::new(&daemon);
    let again = third.open([1, 2]).expect("it is shared still");
    assert!(third.has(again, 30));
    // In the middle of whatever it does.
    for value in 0..50 {
        let view = third.ctx.view(again, view_kind::RENDER_TARGET, RGBA8, range_2d());
        send!(
            third.ctx.ring,
            ClearRenderTargetView { color: [f32::from(value as u8); 4], view, reserved: 0 }
        );
        third.ctx.fence();
    }
    kill_process(third.worker, Signal::KILL).expect("it runs");
    other.fill(opened, 40);
    assert!(other.has(opened, 40));
    wait("its end", PATIENCE, || daemon.status().guests.len() == 1);
    other.destroy(opened);
    assert_eq!(other.open([1, 2]), None, "nobody has it any more");
    drop((one, other, third));
    // Whoever connected at the start may have been counted.
    wait("all ends", PATIENCE, || {
        let now = daemon.holds();
        now.0 <= before.0 && now.1 <= before.1 && now.2 == 0
    });
}

#[test]
fn cycles_between_processes_leave_no_files() {
    let daemon = Daemon::start();
    let (mut one, mut other) = (Side::new(&daemon), Side::new(&daemon));
    let status = other.ctx.take(8);
    let files = |process: Pid| {
        let folder = format!("/proc/{}/fd", process.as_raw_nonzero());
        std::fs::read_dir(folder).expect("a folder").count()
    };
    let mut before = None;
    for round in 0..1000_u64 {
        let token = [round + 1, 9];
        let texture = one.share(token);
        one.finish();
        let id = other.ctx.id();
        send!(other.ctx.ring, TryOpenSharedResource { token, status, id, reserved: 0 });
        other.finish();
        assert_eq!(other.ctx.get(status)[0], 1, "round {round}");
        for (side, id) in [(&mut one, texture), (&mut other, id)] {
            send!(side.ctx.ring, DestroyObject { id, reserved: 0 });
            side.finish();
        }
        if round == 50 {
            before = Some((daemon.holds().0, files(one.worker), files(other.worker)));
        }
    }
    let before = before.expect("so many rounds");
    wait("files to be closed", Duration::from_secs(10), || {
        let now = (daemon.holds().0, files(one.worker), files(other.worker));
        now.0 <= before.0 + 2 && now.1 <= before.1 + 2 && now.2 <= before.2 + 2
    });
}
