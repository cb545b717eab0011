//! Contexts that render: many processes at once, killed in the middle, preempted, hanging, poisoned.

use std::sync::atomic::Ordering;
use std::time::Duration;

use pvgpu_dxgkrnl::strict::Options;
use pvgpu_kmd_ddi::{STATUS_DEVICE_REMOVED, STATUS_INVALID_USER_BUFFER};
use pvgpu_protocol::kernel_interface::{adapter_state, context_life, counter, removal, wait_result};

use super::{pci_line, pci_message, root};
use crate::cells::Cells;
use crate::host::Manners;
use crate::rig::{Ended, Failure, Rig, SOON, Scenario, eventually, require};
use crate::user::UserContext;

pub(super) const ALL: &[Scenario] = &[
    Scenario { name: "8 processes with 4 contexts, root", options: root, run: many },
    Scenario { name: "8 processes with 4 contexts, messages", options: pci_message, run: many },
    Scenario { name: "8 processes with 4 contexts, line", options: pci_line, run: many },
    Scenario { name: "fence ids wrap", options: about_to_wrap, run: few },
    Scenario { name: "heap ranges", options: root, run: heap_ranges },
    Scenario { name: "a process is killed", options: root, run: killed },
    Scenario { name: "a process is killed, messages", options: pci_message, run: killed },
    Scenario { name: "commands that are not there", options: root, run: no_command },
    Scenario { name: "preemption", options: root, run: preemption },
    Scenario { name: "a context hangs", options: impatient, run: context_hangs },
    Scenario { name: "the host hangs", options: impatient, run: host_hangs },
    Scenario { name: "a context is poisoned", options: pci_message, run: poisoned },
];

fn about_to_wrap() -> Options {
    Options { first_fence_id: u32::MAX - 3, ..root() }
}

/// With dxgkrnl's time limit, but not its two seconds.
fn impatient() -> Options {
    Options { tdr: Some(Duration::from_millis(200)), ..root() }
}

/// Processes that render at the same time: each flush is a marker, in the end all fences have come and are reported.
fn rendering(rig: &Rig, processes: usize, contexts: usize, frames: u64) -> Ended {
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..processes).map(|_| scope.spawn(|| render_in_a_process(rig, contexts, frames))).collect();
        for thread in threads {
            thread.join().map_err(|_| Failure::Wrong("a process panics"))??;
        }
        Ok(())
    })
}

fn render_in_a_process(rig: &Rig, contexts: usize, frames: u64) -> Ended {
    let process = rig.system.process();
    let device = process.open_device()?;
    let mut contexts =
        (0..contexts).map(|_| UserContext::create(&process, &device)).collect::<Result<Vec<_>, _>>()?;
    for frame in 0..frames {
        for context in &mut contexts {
            for _ in 0..=frame % 5 {
                context.draw();
            }
            context.flush()?;
        }
        // A program waits now and then, and mostly does not.
        if frame % 4 == 3 {
            contexts[0].wait(SOON)?;
        }
    }
    for context in &contexts {
        context.wait(SOON)?;
        require(device.wait_idle(&context.context, SOON), "a submission is not reported")?;
        // dxgkrnl acts on a report a moment after it has taken it.
        let completed = || u64::from(context.context.completed()) == frames;
        eventually(completed, "not all was completed")?;
        require(context.context.faulted() == 0, "something faulted")?;
        let state = context.state()?;
        require(state.life == context_life::LIVE && state.completed == frames, "the state lies")?;
    }
    // Half of them end by themselves, the others with the process.
    for context in contexts.drain(..).step_by(2) {
        context.destroy()?;
    }
    device.destroy();
    require(process.mappings() == 0, "mappings are left in a process")
}

fn many(rig: &Rig) -> Ended {
    let host = rig.bring_up()?;
    let before = rig.system.adapter_status()?;
    rendering(rig, 8, 4, 12)?;
    let count = host.counts().contexts.load(Ordering::Relaxed);
    require(count == 32, "the host knows of other contexts")?;
    let status = rig.system.adapter_status()?;
    let [submissions, completions] =
        [counter::SUBMISSIONS, counter::COMPLETIONS].map(|which| status.counters[which]);
    require((submissions, completions) == (8 * 4 * 12, 8 * 4 * 12), "the driver counts wrongly")?;
    let left = (status.devices, status.contexts, status.in_flight);
    require(left == (before.devices, 0, 0), "the driver thinks that something is left")
}

fn few(rig: &Rig) -> Ended {
    let _host = rig.bring_up()?;
    rendering(rig, 1, 2, 5)
}

/// A context gets more heap, uses it, and gives it back.
fn heap_ranges(rig: &Rig) -> Ended {
    let _host = rig.bring_up()?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let mut context = UserContext::create(&process, &device)?;
    let before = process.mappings();
    let mut ranges = Vec::new();
    for pages in 1..6 {
        let range = context.allocate_heap(pages * 4096 - 100)?;
        require(range.bytes == pages * 4096, "a range is not whole pages")?;
        let cells = Cells::new(range.address, range.bytes);
        cells.as_ref()[0].store(range.offset, Ordering::Relaxed);
        ranges.push(range);
    }
    for range in &ranges {
        let first = Cells::new(range.address, range.bytes).as_ref()[0].load(Ordering::Relaxed);
        require(first == range.offset, "two ranges are one")?;
    }
    context.flush()?;
    context.wait(SOON)?;
    for range in ranges {
        context.free_heap(range.offset)?;
        require(context.free_heap(range.offset).is_err(), "a range is freed twice")?;
    }
    require(process.mappings() == before, "a range stays mapped")
}

/// The task manager ends a process that has work in flight, while another one renders.
fn killed(rig: &Rig) -> Ended {
    let host = rig.bring_up()?;
    for round in 0..3 {
        let victim = rig.system.process();
        let device = victim.open_device()?;
        let mut context = UserContext::create(&victim, &device)?;
        let neighbour = rig.system.process();
        let other = neighbour.open_device()?;
        let mut alive = UserContext::create(&neighbour, &other)?;
        let gated = round == 1;
        if gated {
            // Work that never gets on.
            context.gate(7);
        }
        for _ in 0..4 {
            context.draw();
            if !gated {
                context.flush()?;
            }
        }
        alive.draw();
        alive.flush()?;
        victim.kill();
        require(victim.mappings() == 0, "a dead process keeps mappings")?;
        alive.wait(SOON)?;
        require(
            alive.context.faulted() == 0 && other.wait_idle(&alive.context, SOON),
            "its neighbour suffers",
        )?;
        neighbour.kill();
    }
    let (begun, ended) =
        (host.counts().contexts.load(Ordering::Relaxed), || host.counts().ended.load(Ordering::Relaxed));
    require(begun == 6, "the host knows of other contexts")?;
    eventually(|| ended() == begun, "the host is not told of an end")?;
    eventually(
        || rig.system.adapter_status().is_ok_and(|status| status.contexts == 0),
        "a dead context stays",
    )
}

/// Render with user memory that is unmapped, ends too early, or changes under its feet.
fn no_command(rig: &Rig) -> Ended {
    use pvgpu_dxgkrnl::strict::RenderCommand;
    let _host = rig.bring_up()?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let mut context = UserContext::create(&process, &device)?;
    let marker = context.fence(0);
    let bytes = size_of_val(&marker) as u32;
    let memory = process.allocate(4096)?;
    let gone = process.allocate(4096)?;
    let gone_address = gone.address();
    drop(gone);
    for (address, bytes) in [
        (0, bytes),
        (8, bytes),
        (gone_address, bytes),
        (memory.address(), 0),
        (memory.address(), bytes - 1),
        (memory.address(), u32::MAX),
        (usize::MAX - 4, bytes),
        (1 << 63, bytes),
    ] {
        let command = RenderCommand { address, bytes, ..RenderCommand::default() };
        match device.render(&context.context, command, &[]) {
            Err(STATUS_INVALID_USER_BUFFER) => {}
            Err(status) => return Err(Failure::Status(status)),
            Ok(()) => return Err(Failure::Wrong("a command that is not there is rendered")),
        }
    }
    context.render(&marker, &[])?;
    context.wait(SOON)?;
    let twice = context.render(&marker, &[]);
    require(twice.is_err(), "a fence is submitted twice")
}

/// dxgkrnl preempts while work is in flight: the report names the last fence that has come.
fn preemption(rig: &Rig) -> Ended {
    let host = rig.bring_up()?;
    require(rig.system.preempt(SOON)?, "an idle adapter is not preempted")?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let mut context = UserContext::create(&process, &device)?;
    host.behave(Manners::HangsContexts);
    context.draw();
    context.flush()?;
    require(!rig.system.preempt(Duration::from_millis(30))?, "what executes is preempted")?;
    host.behave(Manners::Honest);
    require(rig.system.wait_idle(SOON), "the preemption is not reported")?;
    context.flush()?;
    context.wait(SOON)?;
    require(rig.system.preempt(SOON)?, "an adapter that has worked is not preempted")
}

/// A context's work takes too long: it alone is lost.
fn context_hangs(rig: &Rig) -> Ended {
    let host = rig.bring_up()?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let mut hangs = UserContext::create(&process, &device)?;
    let mut idle = UserContext::create(&process, &device)?;
    host.behave(Manners::HangsContexts);
    hangs.draw();
    hangs.flush()?;
    require(hangs.wait_result(hangs.value, SOON)? == wait_result::REMOVED, "a hang does not end")?;
    eventually(|| rig.system.resets() == 1, "the adapter is not reset")?;
    eventually(|| hangs.context.faulted() == 1, "the hanging submission is not lost")?;
    host.behave(Manners::Honest);
    rig.wait_running()?;
    require(hangs.state()?.life == context_life::POISONED, "the context that hung lives")?;
    require(hangs.flush().is_err(), "it takes work")?;
    idle.flush()?;
    idle.wait(SOON)?;
    require(idle.state()?.life == context_life::LIVE, "its neighbour suffers")
}

/// The host does nothing any more: it is given up, and the machine lives.
fn host_hangs(rig: &Rig) -> Ended {
    let host = rig.bring_up()?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let mut context = UserContext::create(&process, &device)?;
    host.behave(Manners::Hangs);
    context.flush()?;
    require(context.wait_result(context.value, SOON)? == wait_result::REMOVED, "a hang does not end")?;
    rig.wait_state(adapter_state::REMOVED)?;
    let status = rig.system.adapter_status()?;
    require(status.removal == removal::HOST_HANGS, "it is removed for another reason")?;
    require(UserContext::create(&process, &device).is_err(), "a removed adapter makes contexts")
}

/// The host refuses a command: its context is lost, with the reason, and no other.
fn poisoned(rig: &Rig) -> Ended {
    let host = rig.bring_up()?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let mut bad = UserContext::create(&process, &device)?;
    let mut good = UserContext::create(&process, &device)?;
    host.behave(Manners::Poisons);
    bad.draw();
    // The host may have read the first record, and poisoned the context, before the flush: then it is refused.
    let submitted = match bad.flush() {
        Err(STATUS_DEVICE_REMOVED) => false,
        flushed => flushed.map(|()| true)?,
    };
    require(bad.wait_result(bad.value, SOON)? == wait_result::REMOVED, "a poisoned context's fence comes")?;
    eventually(|| bad.context.faulted() == u32::from(submitted), "the submission does not fault")?;
    host.behave(Manners::Honest);
    let state = bad.state()?;
    let unsupported = pvgpu_protocol::event::error_code::UNSUPPORTED;
    require((state.life, state.error) == (context_life::POISONED, unsupported), "the reason is lost")?;
    good.flush()?;
    good.wait(SOON)?;
    require(good.state()?.life == context_life::LIVE, "its neighbour suffers")
}
